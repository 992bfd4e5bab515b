//! What the cells of a column mean, each text looked up once.
//!
//! Owns the memory of texts and the gathering of those that mean nothing known: a hundred rows with
//! one misspelt country are one finding with its count. Which texts mean what is decided in
//! `country.rs` and `language.rs`.

use crate::problem::Place;
use std::collections::HashMap;

/// The meanings of the texts seen so far.
#[derive(Debug)]
pub(super) struct Meanings<T> {
    recognise: fn(&str) -> Option<T>,
    seen: HashMap<String, Meaning<T>>,
}

#[derive(Debug)]
enum Meaning<T> {
    Known(T),
    Unknown(Unknown),
}

/// A text that means nothing known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Where it stands first.
    pub(super) place: Place,
    /// In how many rows.
    pub(super) count: u64,
}

impl<T: Clone> Meanings<T> {
    pub(super) fn new(recognise: fn(&str) -> Option<T>) -> Meanings<T> {
        Meanings { recognise, seen: HashMap::new() }
    }

    /// What the cell at a place means; an empty one means nothing, and is nothing to report.
    pub(super) fn of(&mut self, cell: &str, place: impl FnOnce() -> Place) -> Option<T> {
        if cell.is_empty() {
            return None;
        }
        match self.seen.get_mut(cell) {
            Some(Meaning::Known(value)) => return Some(value.clone()),
            Some(Meaning::Unknown(unknown)) => {
                unknown.count += 1;
                return None;
            }
            None => {}
        }
        let value = (self.recognise)(cell);
        let meaning = match &value {
            Some(value) => Meaning::Known(value.clone()),
            None => Meaning::Unknown(Unknown { place: place(), count: 1 }),
        };
        self.seen.insert(cell.to_owned(), meaning);
        value
    }

    /// The texts that mean nothing known, by the place where they stand first.
    pub(super) fn unknown(&self) -> Vec<(&str, &Unknown)> {
        let mut all: Vec<(&str, &Unknown)> = self
            .seen
            .iter()
            .filter_map(|(text, meaning)| match meaning {
                Meaning::Unknown(unknown) => Some((text.as_str(), unknown)),
                Meaning::Known(_) => None,
            })
            .collect();
        all.sort_by(|a, b| (&a.1.place, a.0).cmp(&(&b.1.place, b.0)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_up_once_and_unknown_ones_are_counted() {
        let mut meanings = Meanings::new(|text| (text == "Peru").then_some("PE"));
        for (line, cell) in (2..).zip(["Peru", "Prue", "", "Peru", "Prue", "Chle"]) {
            let expected = (cell == "Peru").then_some("PE");
            assert_eq!(meanings.of(cell, || Place::cell("a.csv", line, 4)), expected);
        }
        let unknown: Vec<_> = meanings
            .unknown()
            .into_iter()
            .map(|(text, u)| (text, u.place.to_string(), u.count))
            .collect();
        assert_eq!(
            unknown,
            [("Prue", "a.csv:3:4".to_owned(), 2), ("Chle", "a.csv:7:4".to_owned(), 1)]
        );
    }
}
