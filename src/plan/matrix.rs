//! The language matrix: what readers of each language get in their own, in another, or not at all.
//!
//! Owns the fold over people, letters, documents and senders. What a hole means for a single letter
//! is said where letters are made; this is the same seen from above, with head-counts. Pure.

use super::Materials;
use super::documents::DocumentSetting;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What readers of a language find in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// It is in their language, or the same in all.
    Present,
    /// It is in another language.
    FallsBack(Language),
    /// There is none for at least one of them, and there should be.
    Missing,
    /// The letter has no such part.
    None,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Present => f.write_str("present"),
            Cell::FallsBack(language) => write!(f, "falls back to {language}"),
            Cell::Missing => f.write_str("missing"),
            Cell::None => f.write_str("none"),
        }
    }
}

/// One document in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentCells {
    /// Its id.
    pub id: String,
    /// Its number in the campaign, from 1.
    pub number: u32,
    /// The file.
    pub file: Cell,
    /// The title.
    pub title: Cell,
}

/// A language that somebody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The language of these readers.
    pub language: Language,
    /// How many they are, at least 1.
    pub people: u64,
    /// Subject and body: they stand in one file.
    pub letter: Cell,
    /// The signature.
    pub signature: Cell,
    /// The footer.
    pub footer: Cell,
    /// The sender's name.
    pub sender: Cell,
    /// The documents, by number.
    pub documents: Vec<DocumentCells>,
}

/// The rows of the matrix, the language with most readers first, then by name.
#[must_use]
pub fn matrix(materials: &Materials<'_>, settings: &[DocumentSetting]) -> Vec<Row> {
    let mut readers: BTreeMap<&Language, u64> = BTreeMap::new();
    let mut lacking: BTreeSet<(&Language, &str)> = BTreeSet::new();
    for recipient in &materials.people.recipients {
        *readers.entry(&recipient.language).or_default() += 1;
        let set = materials.documents.for_recipient(recipient);
        if set.attachments.len() < settings.len() {
            let lacks = |s: &&DocumentSetting| !set.attachments.iter().any(|a| a.id == s.id);
            let ids = settings.iter().filter(lacks).map(|s| s.id.as_str());
            lacking.extend(ids.map(|id| (&recipient.language, id)));
        }
    }
    let row = |(language, people)| {
        let is_missing = |id: &str| lacking.contains(&(language, id));
        row(materials, settings, language, people, is_missing)
    };
    let mut rows: Vec<Row> = readers.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.people));
    rows
}

/// Notes letters in languages that nobody reads, but for the one that stands in for others.
pub fn note_unread(materials: &Materials<'_>, problems: &mut Problems) {
    let languages: BTreeSet<&Language> =
        materials.people.recipients.iter().map(|r| &r.language).collect();
    let in_use: BTreeSet<Language> = languages
        .into_iter()
        .filter_map(|l| materials.letters.language_for(l, materials.default_language))
        .collect();
    let stands_in = materials.default_language.fall_backs();
    for language in materials.letters.languages() {
        if in_use.contains(language) || stands_in.contains(language) || in_use.is_empty() {
            continue;
        }
        let file = materials.letters.file_of(language);
        let name = file.rsplit('/').next().unwrap_or(file);
        problems.push(
            Problem::note("unread-letter", format!("{name} is read by nobody"))
                .place(Place::file(file))
                .hint("Nobody in the lists has this language; look at their language column."),
        );
    }
}

fn row(
    materials: &Materials<'_>,
    settings: &[DocumentSetting],
    language: &Language,
    people: u64,
    is_missing: impl Fn(&str) -> bool,
) -> Row {
    let Materials { letters, default_language, .. } = *materials;
    let letter = letters.language_for(language, default_language);
    let of = |found: Option<&Language>| of_reader(language, found);
    let (signature, footer) = inserts(materials, language, letter.as_ref());
    let documents = settings.iter().map(|setting| DocumentCells {
        id: setting.id.clone(),
        number: setting.number,
        file: match materials.documents.given_to(&setting.id, language) {
            _ if is_missing(&setting.id) => Cell::Missing,
            given => given.map_or(Cell::Present, |given| Cell::FallsBack(given.clone())),
        },
        title: match setting.titles.language_for(letter.as_ref(), default_language) {
            None => Cell::Present,
            title => of(title),
        },
    });
    Row {
        language: language.clone(),
        people,
        letter: of(letter.as_ref()),
        signature,
        footer,
        sender: sender(materials, language, letter.as_ref()),
        documents: documents.collect(),
    }
}

/// The signature and the footer below the letter that a reader gets.
fn inserts(
    materials: &Materials<'_>,
    reader: &Language,
    letter: Option<&Language>,
) -> (Cell, Cell) {
    let letters = materials.letters;
    let Some(letter) = letter else { return (Cell::Missing, Cell::Missing) };
    let signature = match letters.uses_signature(letter) {
        true => of_reader(reader, letters.signature_for(letter)),
        false => Cell::None,
    };
    let footer = match letters.has_footers() {
        true => of_reader(reader, letters.footer_for(letter)),
        false => Cell::None,
    };
    (signature, footer)
}

/// The name of the sender, which goes by the language of the letter.
fn sender(materials: &Materials<'_>, reader: &Language, letter: Option<&Language>) -> Cell {
    let senders = materials.senders;
    if senders.by_language.is_empty() {
        return Cell::Present;
    }
    match letter {
        Some(letter) if !senders.has_name_in(letter) => {
            of_reader(reader, Some(materials.default_language))
        }
        letter => of_reader(reader, letter),
    }
}

/// What a reader finds who gets this language, if any.
fn of_reader(reader: &Language, found: Option<&Language>) -> Cell {
    match found {
        None => Cell::Missing,
        Some(found) if found.primary() == reader.primary() => Cell::Present,
        Some(found) => Cell::FallsBack(found.clone()),
    }
}
