//! Lines for people, no wider than their terminal.
//!
//! # Invariants
//! Words stay whole and in order; a word that is wider than the terminal is left as it is. Emphasis
//! counts for nothing.

use unicode_width::UnicodeWidthStr;

/// A line broken between words where it is wider than `columns`; what goes on does so `hanging`
/// columns from the left. A line that fits is left as it is.
#[must_use]
pub(super) fn wrapped(line: &str, columns: usize, hanging: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let mut text = String::new();
    let (mut used, mut has_word) = (0, false);
    for (i, word) in line.split(' ').enumerate() {
        let gap = usize::from(i > 0);
        if has_word && used + gap + width(word) > columns {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.push_str(&" ".repeat(hanging));
            used = hanging;
        } else if i > 0 {
            text.push(' ');
            used += gap;
        }
        text.push_str(word);
        used += width(word);
        has_word |= !word.is_empty();
    }
    text
}

/// Each line of a text, wrapped by itself; what goes on stands two columns further in than its
/// beginning.
#[must_use]
pub(super) fn wrapped_lines(text: &str, columns: usize) -> String {
    let indented = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines = text.split('\n').map(|line| wrapped(line, columns, indented(line) + 2));
    lines.collect::<Vec<_>>().join("\n")
}

/// Columns of a text that may hold emphasis.
fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::super::ui::BOLD;
    use super::*;

    #[test]
    fn a_line_breaks_between_words_and_hangs() {
        let line = "  left out   ana@town.example: same address as row 48";
        assert_eq!(
            wrapped(line, 32, 13),
            "  left out   ana@town.example:\n             same address as row\n             48"
        );
        assert_eq!(wrapped(line, 80, 13), line);
        let url = "see https://forum.example/a-very-long-address-indeed now";
        assert_eq!(
            wrapped(url, 20, 2),
            "see\n  https://forum.example/a-very-long-address-indeed\n  now"
        );
        assert_eq!(wrapped("    https://forum.example/", 10, 4), "    https://forum.example/");
    }

    #[test]
    fn emphasis_and_wide_letters_are_measured_as_they_are_seen() {
        let line = format!("{BOLD}ana bo{BOLD:#} ci");
        assert_eq!(wrapped(&line, 9, 0), line);
        assert_eq!(wrapped("王芳 王芳", 8, 0), "王芳\n王芳");
    }

    #[test]
    fn every_line_is_wrapped_by_itself() {
        assert_eq!(wrapped_lines("a b\n  c d e\n", 5), "a b\n  c d\n    e\n");
    }
}
