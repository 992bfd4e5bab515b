//! The kinds of letter in a plan: what a person reads to have read them all.
//!
//! Owns what makes two letters of one kind: the same language, the same branches of the letter's
//! conditions, the same documents in the same languages. Values differ within a kind, and so do the
//! files of documents chosen person by person.

use super::Planned;
use crate::language::Language;
use crate::letter::Branches;
use std::collections::HashMap;

/// Letters made of the same parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The language of the letter.
    pub language: Language,
    /// The branches its conditions took; `Letters::in_words` says what they are.
    pub branches: Branches,
    /// Its documents by id, with the language of the file where files differ by language.
    pub documents: Vec<(String, Option<Language>)>,
    /// How many letters are of it, at least 1.
    pub letters: u64,
    /// Index of the first of them in `Plan::deliveries`.
    pub example: usize,
}

/// The kinds of these letters, the most frequent first, else in order of their first letters.
#[must_use]
pub fn kinds(deliveries: &[Planned]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut known = HashMap::new();
    for (example, planned) in deliveries.iter().enumerate() {
        let (language, branches) = (&planned.language, planned.branches);
        let documents: Vec<(&str, Option<&Language>)> = planned.documents.of_kind().collect();
        let index = *known.entry((language, branches, documents)).or_insert_with_key(|key| {
            let owned =
                |(id, language): &(&str, Option<&Language>)| ((*id).to_owned(), language.cloned());
            let documents = key.2.iter().map(owned).collect();
            let language = language.clone();
            kinds.push(Kind { language, branches, documents, letters: 0, example });
            kinds.len() - 1
        });
        kinds[index].letters += 1;
    }
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.letters));
    kinds
}
