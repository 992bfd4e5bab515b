//! Values of a list inside messages.
//!
//! Owns how a cell or header is quoted: on one line, cut where it is long, with a mark for each
//! character that cannot be seen or that turns the writing round. Which one it is, the message
//! around it says. Accents and joiners that belong to a word stay, so that names in any script can
//! be read.

use crate::limits::CELL_SHOWN_CHARS_MAX;

/// Stands for a line break in a cell.
const LINE_BREAK: char = '⏎';
/// Stands for a character that cannot be seen.
const INVISIBLE: char = '·';

/// A value between quotation marks: `"Ana·"`.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for c in text.chars().take(CELL_SHOWN_CHARS_MAX) {
        match c {
            '\t' => shown.push(' '),
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => shown.push(LINE_BREAK),
            c if is_hidden(c) => shown.push(INVISIBLE),
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
    fn values_are_shown_as_they_are_read_and_hidden_characters_are_marked() {
        for (text, shown) in [
            ("O'Brien", "\"O'Brien\""),
            ("अंजलि", "\"अंजलि\""),
            ("a\nb\u{202e}c\0\u{feff}\td", "\"a⏎b·c·· d\""),
        ] {
            assert_eq!(quoted(text), shown);
        }
        assert_eq!(quoted_header(" E-mail\n(office) "), "\"E-mail (office)\"");
        let long = quoted(&"é".repeat(5_000));
        assert_eq!(long.chars().count(), CELL_SHOWN_CHARS_MAX + 3);
        assert_eq!((counted(1, "row"), counted(2, "row")), ("1 row".into(), "2 rows".into()));
    }
}
