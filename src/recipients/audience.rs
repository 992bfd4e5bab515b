//! How many rows there were and how many letters they become, by list, language and country.
//!
//! Owns the counting before and after it is decided who gets a letter (`admission.rs`). How the
//! counts look is the shell's.

use super::check::Person;
use super::{Cause, People, Recipient};
use crate::language::Language;
use std::collections::{BTreeMap, HashMap};

/// Rows of a kind and the letters they become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Rows that name a person.
    pub rows: u64,
    /// Of these, how many get a letter of their own.
    pub letters: u64,
}

/// Everybody in the lists, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// All rows that name a person.
    pub all: Share,
    /// By list, in their order.
    pub lists: Vec<(String, Share)>,
    /// By the language decided for the person, most rows first.
    pub languages: Vec<(Language, Share)>,
    /// By country (ISO 3166 alpha-2), most rows first; those whose country is not known last.
    pub countries: Vec<(Option<&'static str>, Share)>,
    /// Rows left out, by cause.
    pub left_out: BTreeMap<Cause, u64>,
    /// Rows greeted in another's letter.
    pub joined: u64,
}

/// Counts rows on their way in.
#[derive(Debug, Default)]
pub(super) struct Tally {
    lists: Vec<(String, Share)>,
    languages: HashMap<Language, Share>,
    countries: HashMap<Option<&'static str>, Share>,
}

impl Tally {
    pub(super) fn begin_list(&mut self, file: &str) {
        self.lists.push((file.to_owned(), Share::default()));
    }

    pub(super) fn row(&mut self, person: &Person) {
        if let Some((_, share)) = self.lists.last_mut() {
            share.rows += 1;
        }
        // Cloned once for each language, not for each row.
        if !self.languages.contains_key(&person.language) {
            self.languages.insert(person.language.clone(), Share::default());
        }
        if let Some(share) = self.languages.get_mut(&person.language) {
            share.rows += 1;
        }
        self.countries.entry(person.country).or_default().rows += 1;
    }

    /// The counts, now that it is decided who gets a letter.
    pub(super) fn finish(mut self, people: &People) -> Shares {
        let at: HashMap<String, usize> =
            self.lists.iter().enumerate().map(|(n, (file, _))| (file.clone(), n)).collect();
        for Recipient { place, language, country, .. } in &people.recipients {
            if let Some(n) = at.get(&place.file) {
                self.lists[*n].1.letters += 1;
            }
            if let Some(share) = self.languages.get_mut(language) {
                share.letters += 1;
            }
            self.countries.entry(*country).or_default().letters += 1;
        }
        let mut left_out = BTreeMap::new();
        for excluded in &people.excluded {
            *left_out.entry(excluded.cause).or_default() += 1;
        }
        let rows = self.lists.iter().map(|(_, share)| share.rows).sum();
        let all = Share { rows, letters: people.recipients.len() as u64 };
        let mut languages: Vec<_> = self.languages.into_iter().collect();
        languages.sort_by(|a, b| b.1.rows.cmp(&a.1.rows).then_with(|| a.0.cmp(&b.0)));
        let mut countries: Vec<_> = self.countries.into_iter().collect();
        countries
            .sort_by_key(|(code, share)| (code.is_none(), std::cmp::Reverse(share.rows), *code));
        Shares { all, lists: self.lists, languages, countries, left_out, joined: people.joined }
    }
}
