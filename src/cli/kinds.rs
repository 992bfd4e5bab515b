//! What several findings of one kind are together: `12 addresses cannot be used`.
//!
//! Owns the headings of kinds that come in numbers, above all those of rows and cells. A kind that
//! is not here comes alone as a rule, and its own message says what it is.

/// Codes and what stands behind the number of their findings, by code.
const HEADINGS: &[(&str, &str)] = &[
    ("bad-address", "addresses cannot be used"),
    ("bad-name", "names cannot be used"),
    ("bare-address", "addresses stand in the text, and are not everywhere links"),
    ("control-character", "cells hold control characters"),
    ("damaged-name", "names look damaged"),
    ("doubtful-name", "names have no letter"),
    ("empty-cell", "names in the letters have empty cells"),
    ("leftover", "places look as if something was still to be written"),
    ("missing-attachment", "documents have no file"),
    ("no-address", "rows have no address"),
    ("no-name", "names are none"),
    ("probable-slip", "addresses are probably mistyped"),
    ("ragged-row", "rows have another number of cells than the header"),
    ("rows-in-a-cell", "cells hold what looks like whole rows"),
    ("text-after-quote", "rows have text behind a closing quotation mark"),
    ("translation-differs", "translations lost or added something"),
    ("unknown-column", "columns are in no list"),
    ("unknown-country", "countries are not known"),
    ("unknown-language", "languages are not known"),
];

/// What stands behind the number of findings of a kind.
pub(super) fn heading(code: &str) -> Option<&'static str> {
    HEADINGS.iter().find(|(known, _)| *known == code).map(|(_, heading)| *heading)
}
