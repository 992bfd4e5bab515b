//! Values of a list inside messages.
//!
//! Owns how a cell or header is quoted: on one line, cut where it is long, with characters that
//! cannot be seen, or that turn the writing round, spelt out. Accents and joiners that belong to a
//! word stay, so that names in any script can be read.

use crate::limits::CELL_SHOWN_CHARS_MAX;

/// A value between quotation marks: `"Ana\u{202e}"`.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for c in text.chars().take(CELL_SHOWN_CHARS_MAX) {
        match c {
            c if is_hidden(c) => shown.extend(c.escape_debug()),
            c => shown.push(c),
        }
    }
    if text.chars().nth(CELL_SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown.push('"');
    shown
}

/// A header between quotation marks, its line breaks as blanks.
pub(super) fn quoted_header(header: &str) -> String {
    quoted(&on_one_line(header))
}

/// A text with one blank for every run of blanks and line breaks.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 row`, `2 rows`, `2 addresses`.
pub(super) fn counted(count: u64, what: &str) -> String {
    let ending = if what.ends_with('s') { "es" } else { "s" };
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}{ending}") }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_they_are_read_and_hidden_characters_are_spelt_out() {
        for (text, shown) in [
            ("O'Brien", "\"O'Brien\""),
            ("अंजलि", "\"अंजलि\""),
            ("a\nb\u{202e}c\0\u{feff}", "\"a\\nb\\u{202e}c\\0\\u{feff}\""),
        ] {
            assert_eq!(quoted(text), shown);
        }
        assert_eq!(quoted_header(" E-mail\n(office) "), "\"E-mail (office)\"");
        let long = quoted(&"é".repeat(5_000));
        assert_eq!(long.chars().count(), CELL_SHOWN_CHARS_MAX + 3);
        assert_eq!((counted(1, "row"), counted(2, "row")), ("1 row".into(), "2 rows".into()));
    }
}
