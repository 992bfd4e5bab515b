//! The values of one row, as letters ask for them.
//!
//! Owns how a row is held: one text with the ends of its cells, and the names of the columns once
//! for all rows of a list. A hundred thousand rows cost little more than their own text. What the
//! columns are called is decided in `columns.rs`.
//!
//! # Invariants
//! An empty cell is absent: [`Values::get`] gives `None` for it, as for an unknown name (contract,
//! A letter: an empty cell is an undefined name).

use super::greeting::Letters;
use super::headers::SECOND_TITLES;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, OnceLock};

/// What letters call the columns of one list, sorted by name, each with the cell it stands for.
///
/// Several names may stand for one cell: `Prénom` is `prenom` and, as a role, `given_name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    named: Vec<(String, u32)>,
    /// What single letters mean in the column of gender: known behind the list's last row.
    gender_letters: OnceLock<Letters>,
    /// Cells of titles beside the one of that name: `Titel` beside `Anrede`.
    second_titles: Vec<u32>,
    /// Whether what they hold besides titles is a finding.
    are_second_titles_told: bool,
}

impl ColumnNames {
    /// Names with the index of their cell, in any order; of two equal names the first stays.
    #[must_use]
    pub fn new(mut named: Vec<(String, u32)>) -> ColumnNames {
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named.dedup_by(|later, first| later.0 == first.0);
        let mut names = ColumnNames { named, ..ColumnNames::default() };
        let title = names.cell("title");
        let cells = SECOND_TITLES.iter().filter_map(|name| names.cell(name));
        let cells: BTreeSet<usize> = cells.filter(|cell| Some(*cell) != title).collect();
        names.second_titles =
            cells.into_iter().filter_map(|cell| u32::try_from(cell).ok()).collect();
        names
    }

    /// The same where each column of titles is looked at for words that are none. Not where somebody
    /// has said which is the one of titles.
    pub(super) fn telling_second_titles(self, are_told: bool) -> ColumnNames {
        ColumnNames { are_second_titles_told: are_told, ..self }
    }

    /// Cells of titles beside the one of that name.
    pub(super) fn second_titles(&self) -> impl Iterator<Item = usize> {
        self.second_titles.iter().map(|cell| *cell as usize)
    }

    /// Settles what single letters mean in the column of gender; the first time counts.
    pub(super) fn settle_gender(&self, letters: Letters) {
        self.gender_letters.get_or_init(|| letters);
    }

    /// The cell a name stands for.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<usize> {
        let found = self.named.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        Some(self.named[found].1 as usize)
    }

    /// All names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }
}

/// All values of a row by column name as letters know it; empty cells are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// The names, shared by all rows of a list.
    names: Arc<ColumnNames>,
    /// All cells, one after the other.
    text: Box<str>,
    /// Where in `text` each cell ends (byte offset).
    ends: Box<[u32]>,
}

impl Values {
    /// The values of a row: its cells in the order the names count them.
    #[must_use]
    pub fn new<'a, Cells>(names: Arc<ColumnNames>, cells: Cells) -> Values
    where
        Cells: Iterator<Item = &'a str> + Clone,
    {
        // Measured first, so that nothing is moved while it is filled or cut to size after.
        let (count, octets) =
            cells.clone().fold((0, 0), |(n, sum), cell| (n + 1, sum + cell.len()));
        let mut text = String::with_capacity(octets);
        let mut ends = Vec::with_capacity(count);
        for cell in cells {
            text.push_str(cell);
            // A list is at most `LIST_BYTES_MAX` long, so the end of a row's text fits.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Values { names, text: text.into_boxed_str(), ends: ends.into_boxed_slice() }
    }

    /// Values that stand in no list.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Values {
        let pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        let named = pairs.iter().zip(0..).map(|((name, _), cell)| ((*name).to_owned(), cell));
        let names = Arc::new(ColumnNames::new(named.collect()));
        Values::new(names, pairs.iter().map(|(_, value)| *value))
    }

    /// The value of a column; `None` when its cell is empty or the list has no such column.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.cell(self.names.cell(name)?)
    }

    /// The number of a column's cell in its row, from 1.
    #[must_use]
    pub fn cell_number(&self, name: &str) -> Option<usize> {
        self.names.cell(name).map(|cell| cell + 1)
    }

    /// What the columns of the row's list are called.
    pub(super) fn names(&self) -> &Arc<ColumnNames> {
        &self.names
    }

    /// What stands in second columns of titles.
    pub(super) fn second_titles(&self) -> impl Iterator<Item = &str> {
        self.names.second_titles().filter_map(|cell| self.cell(cell))
    }

    /// Whether a word that is no title is a finding there.
    pub(super) fn are_second_titles_told(&self) -> bool {
        self.names.are_second_titles_told
    }

    /// What single letters mean in the list's column of gender.
    pub(super) fn gender_letters(&self) -> &Letters {
        static NONE: LazyLock<Letters> = LazyLock::new(Letters::default);
        self.names.gender_letters.get().unwrap_or(&NONE)
    }

    /// All names that have a value, sorted, with it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names
            .named
            .iter()
            .filter_map(|(name, cell)| Some((name.as_str(), self.cell(*cell as usize)?)))
    }

    /// Whether no column has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// What stands in a cell, by its number from 0; empty ones are absent.
    pub(super) fn cell(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        Some(&self.text[start..end]).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cell_is_absent() {
        let values = Values::from_pairs([("name", "Ana"), ("city", ""), ("country", "PE")]);
        assert_eq!(values.get("name"), Some("Ana"));
        assert_eq!(values.get("city"), None);
        assert_eq!(values.get("street"), None);
        let all: Vec<_> = values.iter().collect();
        assert_eq!(all, [("country", "PE"), ("name", "Ana")]);
        assert!(!values.is_empty());
        assert!(Values::from_pairs([("city", "")]).is_empty() && Values::default().is_empty());
    }

    #[test]
    fn two_names_may_stand_for_one_cell_and_a_short_row_has_no_more() {
        let named = [("prenom", 0), ("given_name", 0), ("city", 1)].map(|(n, c)| (n.to_owned(), c));
        let names = Arc::new(ColumnNames::new(named.to_vec()));
        let values = Values::new(Arc::clone(&names), ["Zoé"].into_iter());
        assert_eq!((values.get("prenom"), values.get("given_name")), (Some("Zoé"), Some("Zoé")));
        assert_eq!(values.get("city"), None);
    }
}
