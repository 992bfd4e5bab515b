//! Which lines of the letters changed since the plan that was confirmed.
//!
//! The older text comes from the frozen objects, the newer from the workspace. An older text that is
//! gone only leaves its lines unsaid: the number of letters that read differently stands all the same.

use super::ui::{DIM, printable};
use crate::campaign::Campaign;
use crate::plan::manifest;
use crate::plan::objects::Objects;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;

/// Changed lines shown of one file before the rest is counted.
const LINES_SHOWN: usize = 12;

/// The changed lines of all source files, as a person reads them; empty where there are none.
pub(super) fn changed_lines(campaign: &Campaign, objects: &Objects, older: &str) -> String {
    let older = manifest::sources(older);
    let mut text = String::new();
    for source in &campaign.sources {
        let Some(before) = older.get(&source.file).and_then(|d| objects.read(d).ok()) else {
            continue;
        };
        let before = String::from_utf8_lossy(&before).into_owned();
        text.push_str(&of_file(&source.file, &before, &source.text));
    }
    text
}

fn of_file(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let mut text = format!("  {file}\n");
    let difference = TextDiff::from_lines(before, after);
    let changed: Vec<_> =
        difference.iter_all_changes().filter(|c| c.tag() != ChangeTag::Equal).collect();
    for change in changed.iter().take(LINES_SHOWN) {
        let (mark, index) = match change.tag() {
            ChangeTag::Delete => ('-', change.old_index()),
            _ => ('+', change.new_index()),
        };
        let line = index.map_or(0, |i| i + 1);
        let words = printable(change.value().trim_end());
        let _ = writeln!(text, "    {DIM}{line:>4}{DIM:#} {mark} {words}");
    }
    if changed.len() > LINES_SHOWN {
        let _ = writeln!(text, "    ... and {} more lines", changed.len() - LINES_SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_with_its_line() {
        let shown = of_file("en.md", "a\nb\nc\n", "a\nB\nc\n");
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "  en.md\n       2 - b\n       2 + B\n");
        assert_eq!(of_file("en.md", "a\n", "a\n"), "");
    }
}
