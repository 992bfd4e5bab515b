//! Lines for people, no wider than their terminal.
//!
//! # Invariants
//! Words stay whole and in order; a word that is wider than the terminal is left as it is. What
//! stands between two blanks and more is one entry (`KE 38 of 41`), and is broken only where a line
//! does not hold it. Emphasis counts for nothing.

use unicode_width::UnicodeWidthStr;

/// A line broken between words where it is wider than `columns`; what goes on does so `hanging`
/// columns from the left. A line that fits is left as it is.
#[must_use]
pub(super) fn wrapped(line: &str, columns: usize, hanging: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let mut broken = Broken { text: String::new(), used: 0, columns, hanging };
    for (gap, entry) in entries(line) {
        if hanging + width(entry) <= columns || width(entry) + gap + broken.used <= columns {
            broken.push(gap, entry);
            continue;
        }
        for (n, word) in entry.split(' ').enumerate() {
            broken.push(if n == 0 { gap } else { 1 }, word);
        }
    }
    broken.text
}

/// Lines that are being filled.
struct Broken {
    text: String,
    /// Columns of the last line that are taken.
    used: usize,
    columns: usize,
    hanging: usize,
}

impl Broken {
    /// A text behind so many blanks, or on a line of its own where it does not fit.
    fn push(&mut self, gap: usize, text: &str) {
        let is_begun = self.text.lines().last().is_some_and(|line| !line.trim().is_empty());
        if is_begun && self.used + gap + width(text) > self.columns {
            self.text.push('\n');
            self.text.push_str(&" ".repeat(self.hanging));
            self.used = self.hanging;
        } else {
            self.text.push_str(&" ".repeat(gap));
            self.used += gap;
        }
        self.text.push_str(text);
        self.used += width(text);
    }
}

/// What stands between two blanks or more, each with the number of blanks before it.
fn entries(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let entry = rest.trim_start_matches(' ');
        if entry.is_empty() {
            return None;
        }
        let gap = rest.len() - entry.len();
        let (entry, behind) = entry.split_at(entry.find("  ").unwrap_or(entry.len()));
        rest = behind;
        Some((gap, entry))
    })
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
    fn an_entry_is_not_broken_where_a_line_holds_it() {
        let line = "countries  KE 40  PE 38 of 41  LB 0 of 2";
        assert_eq!(
            wrapped(line, 28, 11),
            "countries  KE 40\n           PE 38 of 41\n           LB 0 of 2"
        );
        let line = format!("{BOLD}rows       {BOLD:#}652 in 3 lists: 648 letters");
        assert_eq!(
            wrapped(&line, 30, 11),
            format!("{BOLD}rows       {BOLD:#}652 in 3 lists: 648\n           letters")
        );
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
