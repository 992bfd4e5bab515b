//! How many people have their language by another rule than their own cell, and what their cells say.
//!
//! Owns the words. An empty cell, a cell that is not understood and a list without a column of
//! languages are three things to whoever approves a plan: the second may be mended.

use super::ui::{grouped, one_line, plural};
use crate::recipients::{LanguageBy, Recipient};
use std::collections::HashMap;

/// Cells that are not understood, named before the rest is counted.
const NAMED_MAX: usize = 4;

/// Why the cells of some people said nothing.
#[derive(Debug, Default)]
struct Cells<'r> {
    empty: u64,
    lacking: u64,
    unknown: HashMap<&'r str, u64>,
}

/// `35 by default (empty cell), 2 by country (not known: Dutch)`; empty where all cells decide.
#[must_use]
pub(super) fn by_other_rules<'r>(people: impl Iterator<Item = &'r Recipient>) -> String {
    let (mut default, mut country) = (Cells::default(), Cells::default());
    for recipient in people {
        match recipient.language_by {
            LanguageBy::Default => default.add(recipient),
            LanguageBy::Country => country.add(recipient),
            LanguageBy::Column | LanguageBy::Decision => {}
        }
    }
    let said = [default.in_words("by default"), country.in_words("by country")];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl<'r> Cells<'r> {
    fn add(&mut self, recipient: &'r Recipient) {
        match recipient.unknown_language() {
            Some(cell) => *self.unknown.entry(cell).or_default() += 1,
            None if recipient.values.cell_number(LANGUAGE).is_some() => self.empty += 1,
            None => self.lacking += 1,
        }
    }

    fn in_words(&self, rule: &str) -> Option<String> {
        let unknown: u64 = self.unknown.values().sum();
        let all = self.empty + self.lacking + unknown;
        let why = match (self.empty, self.lacking, unknown) {
            (0, 0, 0) => return None,
            (_, 0, 0) => "empty cell".to_owned(),
            (0, _, 0) => "no column of languages".to_owned(),
            (0, 0, _) => format!("not known: {}", self.named()),
            (empty, lacking, unknown) => {
                let parts = [
                    (empty, plural(empty, "empty cell")),
                    (lacking, format!("{} without a column of languages", grouped(lacking))),
                    (unknown, format!("{} not known: {}", grouped(unknown), self.named())),
                ];
                let parts = parts.into_iter().filter(|(count, _)| *count > 0);
                parts.map(|(_, words)| words).collect::<Vec<_>>().join(", ")
            }
        };
        Some(format!("{} {rule} ({why})", grouped(all)))
    }

    /// `Dutch, рус. and 3 more`: the most frequent first.
    fn named(&self) -> String {
        let mut cells: Vec<(&str, u64)> = self.unknown.iter().map(|(c, n)| (*c, *n)).collect();
        cells.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let shown: Vec<String> = cells.iter().take(NAMED_MAX).map(|(c, _)| short(c)).collect();
        match cells.len().saturating_sub(NAMED_MAX) {
            0 => shown.join(", "),
            more => format!("{} and {} more", shown.join(", "), grouped(more as u64)),
        }
    }
}

/// What letters call the column of languages.
const LANGUAGE: &str = "language";

/// A cell as it can stand among others on a line.
fn short(cell: &str) -> String {
    const CHARS_MAX: usize = 30;
    let line = one_line(cell);
    match line.chars().nth(CHARS_MAX) {
        None => line,
        Some(_) => line.chars().take(CHARS_MAX).chain(['…']).collect(),
    }
}
