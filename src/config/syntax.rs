//! Syntax errors of the configuration in an officer's words.
//!
//! Owns which of the parser's findings are shown, and what to do about those people really make:
//! Windows paths, typographic quotation marks, text without quotation marks, keys written twice.
//! No I/O.
//!
//! # Standards
//! TOML 1.1. The parser is the `toml` crate; its recovery finds several errors in one pass.

use super::section::Refusal;
use crate::problem::{Place, Problem};
use std::ops::Range;
use toml::de::{DeTable, Error};

/// Parses a text as far as it can be, with the first syntax error of each line.
pub(super) fn parse<'t>(file: &str, text: &'t str) -> (DeTable<'t>, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors.iter().map(|e| problem(file, text, e)).collect();
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    // What the parser says of the rest of a line it has lost its way in is noise.
    problems.dedup_by_key(|p| p.place.as_ref().and_then(|place| place.line));
    (table.into_inner(), problems)
}

/// The bytes of a configuration as text without a byte order mark.
///
/// # Errors
/// `config-encoding` with the place of the first byte that is not UTF-8.
pub(super) fn decode<'t>(file: &str, bytes: &'t [u8]) -> Result<&'t str, Problem> {
    std::str::from_utf8(bytes).map(|text| text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(
        |error| {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Problem::error("config-encoding", "the file is not UTF-8")
                .place(Place::of_offset(file, &valid, valid.len()))
                .hint("Save it again with the encoding UTF-8.")
        },
    )
}

fn problem(file: &str, text: &str, error: &Error) -> Problem {
    let span = error.span().unwrap_or(text.len()..text.len());
    let refusal = in_plain_words(error.message(), text, &span);
    Problem::error("config-syntax", refusal.message)
        .place(Place::of_offset(file, text, span.start))
        .hint(refusal.hint)
}

/// The parser's message is matched by its beginning; one that is not known stays as it is.
fn in_plain_words(message: &str, text: &str, span: &Range<usize>) -> Refusal {
    let begins = |words: &[&str]| words.iter().any(|w| message.starts_with(w));
    let found = text.get(span.clone()).unwrap_or_default();
    if begins(&["too few unicode", "missing escaped", "invalid escape", "invalid unicode"]) {
        return Refusal::new(
            "a backslash begins a special character here",
            "Write paths as seen from secretariat.toml, with forward slashes, such as \
             \"attachments/statement.pdf\"; for a backslash itself use single quotation marks.",
        );
    }
    if begins(&["string values must be quoted"]) {
        return unquoted(found);
    }
    if begins(&["duplicate key"]) {
        return Refusal::new(
            format!("{found} is written a second time"),
            "Keep one of the two; under [section] headings, each heading stands once.",
        );
    }
    if begins(&["key with no value"]) {
        return Refusal::new("a key without = and a value", "Write lines as key = \"value\".");
    }
    if begins(&["invalid unquoted key"]) {
        return Refusal::new(
            format!("the key {found} needs quotation marks"),
            format!("Write \"{found}\" = ...; only a-z, A-Z, 0-9, - and _ stand without."),
        );
    }
    if begins(&["invalid basic string, expected `\"`", "invalid literal string, expected `'`"]) {
        return Refusal::new(
            "text without a quotation mark at its end",
            "Close the text on the line it begins on.",
        );
    }
    if begins(&["unclosed", "missing comma"]) {
        let message = message.split(", expected").next().unwrap_or(message);
        return Refusal::new(message, "Check commas and closing brackets above this place.");
    }
    Refusal::new(message, "Lines have the form key = \"value\"; comments begin with #.")
}

/// A value without (straight) quotation marks.
fn unquoted(found: &str) -> Refusal {
    if found.is_empty() {
        return Refusal::new(
            "a key without a value",
            "Write a value behind the =, or remove the line.",
        );
    }
    if found.starts_with(['“', '”', '„', '«', '‘', '’', '‚', '「', '＂']) {
        return Refusal::new(
            "typographic quotation marks",
            "Write straight ones, as on a keyboard: \"...\".",
        );
    }
    // The value is not repeated: it may be a password (security S16).
    Refusal::new("text without quotation marks", "Put the value in quotation marks: \"...\".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line:column message | hint` of each problem.
    fn found(text: &str) -> Vec<String> {
        let (_, problems) = parse("f", text);
        let shown = |p: &Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
        };
        problems.iter().map(shown).collect()
    }

    #[test]
    fn typical_mistakes_are_named_with_what_to_write() {
        for (text, expected) in [
            (
                "a = \"C:\\Users\\x\"",
                "f:1:10 a backslash begins a special character here | Write paths as seen from \
                 secretariat.toml, with forward slashes, such as \"attachments/statement.pdf\"; \
                 for a backslash itself use single quotation marks.",
            ),
            (
                "a = \"x\\statement\"",
                "f:1:8 a backslash begins a special character here | Write paths",
            ),
            ("name = “World”", "f:1:8 typographic quotation marks | Write straight ones"),
            ("url = smtp://x:25", "f:1:7 text without quotation marks | Put the value in"),
            ("a = 5min", "f:1:5 text without quotation marks | Put the value in"),
            ("a = yes", "f:1:5 text without quotation marks | Put the value in"),
            ("a = True", "f:1:5 invalid boolean, expected `true` | Lines have the form"),
            ("a =\n", "f:1:4 a key without a value | Write a value behind the ="),
            ("a = \"open\n", "f:1:10 text without a quotation mark at its end | Close the text"),
            ("a = 'open\n", "f:1:10 text without a quotation mark at its end | Close the text"),
            ("a = 1\na = 2", "f:2:1 a is written a second time | Keep one"),
            ("[x]\n\n[x]", "f:3:2 x is written a second time | Keep one"),
            ("just words", "f:1:6 a key without = and a value | Write lines as"),
            ("имя = 1", "f:1:1 the key имя needs quotation marks | Write \"имя\" = ..."),
            ("[relay\na = 1", "f:1:7 unclosed table | Check commas"),
            ("a = [\"x\" \"y\"]", "f:1:10 missing comma between array elements | Check commas"),
            ("a = 'it's'", "f:1:9 unexpected key or value, expected newline, `#` | Lines"),
        ] {
            let found = found(text);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(found[0].starts_with(expected), "{text}: {found:#?}");
        }
    }

    #[test]
    fn all_syntax_errors_are_found_in_one_pass() {
        let found = found("a = x\nb = 1\n[c]\nd = “e”\nb = \"C:\\Users\\Una\"\n");
        let places: Vec<_> = found.iter().map(|f| f.split(' ').next().unwrap()).collect();
        assert_eq!(places, ["f:1:5", "f:4:5", "f:5:10"]);
    }

    #[test]
    fn what_is_not_utf8_is_said_with_its_place() {
        assert_eq!(decode("f", b"\xef\xbb\xbfa = 1").unwrap(), "a = 1");
        let problem = decode("f", b"a = 1\nb = \"\xc3\xa9\xe9\"").unwrap_err();
        assert_eq!(problem.place.unwrap().to_string(), "f:2:7");
    }

    /// Security S16: a password typed without quotation marks is not shown.
    #[test]
    fn no_value_is_repeated() {
        for text in ["password = canary", "password = “canary”", "password = \"canary\\q\""] {
            assert!(!found(text).join(" ").contains("canary"), "{text}");
        }
    }
}
