//! What several findings of one kind are together: `12 addresses cannot be used`.
//!
//! Owns the headings of kinds that come in numbers, above all those of rows and cells. A kind that
//! is not here comes alone as a rule, and its own message says what it is.

/// Codes and what stands behind the number of their findings, by code.
const HEADINGS: &[(&str, &str)] = &[
    ("bad-address", "addresses cannot be used"),
    ("bad-link", "links cannot be made"),
    ("bad-name", "names cannot be used"),
    ("bare-address", "addresses in the letters are no links"),
    ("closed-provider", "addresses are at providers that have closed"),
    ("control-character", "cells hold control characters"),
    ("damaged-cells", "columns have cells that look damaged"),
    ("damaged-name", "names look damaged"),
    ("disposable-address", "addresses were made to be thrown away"),
    ("doubtful-name", "names have no letter"),
    ("empty-cell", "names in the letters have empty cells"),
    ("first-address", "cells hold several addresses"),
    ("header-value", "cells cannot stand in a header of the message"),
    ("hidden-rows", "lists have hidden rows"),
    ("leftover", "places look as if something is still to be written"),
    ("list-read", "lists were read"),
    ("look-alike", "addresses have letters of another script"),
    ("lost-name", "people's names have lost all their letters"),
    ("missing-attachment", "documents have no file"),
    ("nameless-greeting", "lists have people who are greeted without a name"),
    ("neutral-greeting", "lists have people who are greeted neutrally"),
    ("no-address", "rows have no address"),
    ("no-name", "names are none"),
    ("nobodys-file", "files are nobody's"),
    ("not-a-person", "lists have rows of no person"),
    ("odd-address", "addresses are odd"),
    ("odd-link", "links look wrong"),
    ("office-address", "addresses are those of offices"),
    ("older-translation", "translations are older than the letter in the default language"),
    ("private-link", "links lead where readers cannot go"),
    ("probable-slip", "addresses are probably mistyped"),
    ("ragged-row", "rows have another number of cells than the header"),
    ("rows-in-a-cell", "cells hold what looks like whole rows"),
    ("same-address", "lists have addresses that an earlier row has"),
    ("same-file", "documents are the same file"),
    ("shared-address", "addresses are shared by people with different names"),
    ("shared-file", "files of one person go to several"),
    ("text-after-quote", "rows have text behind a closing quotation mark"),
    ("tidied-address", "lists have addresses with something around them"),
    ("translation-differs", "translations differ from the letter in the default language"),
    ("unknown-column", "columns are in no list"),
    ("unknown-country", "countries are not known"),
    ("unknown-language", "languages are not known"),
    ("unread-address", "addresses are read by nobody"),
    ("unused-column", "settings of [columns] fit only some lists"),
];

/// Kinds of which each finding is shown where the kind is shown at all: they speak for a whole list,
/// and whoever asks for them wants to see theirs.
const EACH_SHOWN: [&str; 3] = ["list-read", "nameless-greeting", "neutral-greeting"];

/// Whether findings of this kind are never only counted.
pub(super) fn is_each_shown(code: &str) -> bool {
    EACH_SHOWN.contains(&code)
}

/// What stands behind the number of findings of a kind.
pub(super) fn heading(code: &str) -> Option<&'static str> {
    HEADINGS.iter().find(|(known, _)| *known == code).map(|(_, heading)| *heading)
}
