//! Which documents go to whom: numbers, titles and files by language and by person.
//!
//! Owns file patterns such as `attachments/statement.{language}.pdf` or `certificates/{id}.pdf`
//! and the order in which languages stand in for each other. Bytes come from the caller; what a
//! file is, is decided by the letter stage.
//!
//! # Invariants
//! A file is read once and encoded once, however many letters it goes with. Two people with the
//! same files share one set.

use super::pattern::{FilePattern, FillError, LANGUAGE};
use crate::language::Language;
use crate::letter::Attachment;
use crate::message::{AttachedPart, EncodedPart};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::{People, Recipient};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A document of a campaign as the configuration describes it.
#[derive(Clone, Debug)]
pub struct DocumentSetting {
    /// `[attachments.<id>]`.
    pub id: String,
    /// Its number in the campaign, from 1.
    pub number: u32,
    /// Title in each language; a single title stands for all.
    pub titles: Titles,
    /// File pattern, relative to the workspace.
    pub file: FilePattern,
    /// Pattern of the name the reader sees; absent: the file's own name.
    pub name: Option<FilePattern>,
    /// Where it is configured.
    pub place: Place,
}

/// The title of a document.
#[derive(Clone, Debug)]
pub enum Titles {
    /// One for all languages.
    One(String),
    /// One for each language.
    ByLanguage(BTreeMap<Language, String>),
}

/// The documents of one letter, in order of their numbers.
#[derive(Debug, Default)]
pub struct DocumentSet {
    /// As letters speak of them.
    pub attachments: Vec<Arc<Attachment>>,
    /// As messages carry them.
    pub parts: Vec<AttachedPart>,
    /// The language whose file each one is; absent where files do not differ by language.
    languages: Vec<Option<Language>>,
}

/// All documents of a campaign, read and assigned.
#[derive(Debug, Default)]
pub struct Documents {
    /// The set of each recipient, by number from 1.
    sets: Vec<Arc<DocumentSet>>,
    none: Arc<DocumentSet>,
    /// How many people get a document in another language than theirs, by document id and the two
    /// languages.
    pub fall_backs: BTreeMap<StandIn, u64>,
}

impl Documents {
    /// The documents that go to a recipient.
    #[must_use]
    pub fn for_recipient(&self, recipient: &Recipient) -> Arc<DocumentSet> {
        let index = (recipient.number as usize).checked_sub(1);
        index.and_then(|i| self.sets.get(i)).unwrap_or(&self.none).clone()
    }

    /// The language whose file of a document readers of another language get, where they get no
    /// file of their own.
    #[must_use]
    pub fn given_to(&self, id: &str, wanted: &Language) -> Option<&Language> {
        let mut given = self.fall_backs.keys().filter(|(document, ..)| document == id);
        given.find(|(_, language, _)| language == wanted).map(|(_, _, given)| given)
    }

    /// The different sets, in the order in which people first get them.
    #[must_use]
    pub fn distinct_sets(&self) -> Vec<Arc<DocumentSet>> {
        let mut distinct: Vec<Arc<DocumentSet>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for set in &self.sets {
            if seen.insert(Arc::as_ptr(set)) {
                distinct.push(set.clone());
            }
        }
        distinct
    }
}

/// Finds, reads and encodes the documents of everybody.
///
/// `letter_language` says in which language a reader's letter is; `read` gives a file's bytes,
/// `None` where there is no such file, or says what is wrong with it.
pub fn gather(
    settings: &[DocumentSetting],
    people: &People,
    default_language: &Language,
    letter_language: impl Fn(&Language) -> Option<Language>,
    read: impl FnMut(&str) -> Result<Option<Arc<[u8]>>, Problem>,
    problems: &mut Problems,
) -> Documents {
    let mut shelf = Shelf {
        default_language,
        read,
        files: HashMap::new(),
        made: HashMap::new(),
        known: HashMap::new(),
        faults: Faults::default(),
        stand_ins: Vec::new(),
    };
    // Where no document is chosen by a column, all readers of a language get the same: the files of
    // a hundred thousand people are looked for once a language.
    let by_language_alone = settings.iter().all(DocumentSetting::is_by_language_alone);
    let mut of_language: HashMap<&Language, Choice> = HashMap::new();
    let mut sets = Vec::with_capacity(people.recipients.len());
    let mut fall_backs = BTreeMap::new();
    for recipient in &people.recipients {
        let choice = of_language.get(&recipient.language).cloned().unwrap_or_else(|| {
            let language = letter_language(&recipient.language).unwrap_or(default_language.clone());
            shelf.choose(settings, recipient, &language, problems)
        });
        // Who lacks a document is named one by one.
        if by_language_alone && choice.is_complete {
            of_language.entry(&recipient.language).or_insert_with(|| choice.clone());
        }
        choice.stand_ins.into_iter().for_each(|s| *fall_backs.entry(s).or_default() += 1);
        sets.push(choice.set);
    }
    shelf.faults.report(problems);
    Documents { sets, none: Arc::default(), fall_backs }
}

impl DocumentSetting {
    /// Whether all readers of a language get the same file under the same name.
    fn is_by_language_alone(&self) -> bool {
        let patterns = [Some(&self.file), self.name.as_ref()].into_iter().flatten();
        patterns.flat_map(FilePattern::placeholders).all(|name| name == LANGUAGE)
    }
}

impl DocumentSet {
    fn of(chosen: &[Document]) -> DocumentSet {
        DocumentSet {
            attachments: chosen.iter().map(|d| d.attachment.clone()).collect(),
            parts: chosen.iter().map(|d| d.part.clone()).collect(),
            languages: chosen.iter().map(|d| d.language.clone()).collect(),
        }
    }

    /// What readers of a kind of letter have in common: each document's id, and the language whose
    /// file it is where files differ by language.
    pub fn of_kind(&self) -> impl Iterator<Item = (&str, Option<&Language>)> {
        let ids = self.attachments.iter().map(|a| a.id.as_str());
        ids.zip(self.languages.iter().map(Option::as_ref))
    }
}

/// One document in one language, made once.
#[derive(Clone)]
struct Document {
    key: String,
    /// The language whose file it is, where files differ by language.
    language: Option<Language>,
    attachment: Arc<Attachment>,
    part: AttachedPart,
}

/// A document's id, the language asked for and the one that stands in for it.
type StandIn = (String, Language, Language);

/// What one reader gets.
#[derive(Clone)]
struct Choice {
    set: Arc<DocumentSet>,
    stand_ins: Vec<StandIn>,
    /// Whether every document was found.
    is_complete: bool,
}

/// What became of a file that was asked for.
enum Found {
    Missing,
    /// It is there, and what is wrong with it was said.
    Unreadable,
    Read(Arc<[u8]>),
}

/// What has been read and made so far.
struct Shelf<'a, R> {
    default_language: &'a Language,
    read: R,
    files: HashMap<String, Found>,
    made: HashMap<String, Document>,
    /// Sets by the keys of their documents.
    known: HashMap<Vec<String>, Arc<DocumentSet>>,
    faults: Faults,
    /// Those met for the reader at hand.
    stand_ins: Vec<StandIn>,
}

impl<R: FnMut(&str) -> Result<Option<Arc<[u8]>>, Problem>> Shelf<'_, R> {
    /// The documents of one reader, whose letter is in `language`.
    fn choose(
        &mut self,
        settings: &[DocumentSetting],
        recipient: &Recipient,
        language: &Language,
        problems: &mut Problems,
    ) -> Choice {
        let mut chosen = Vec::with_capacity(settings.len());
        for setting in settings {
            if let Some(file) = self.file_for(setting, recipient) {
                chosen.push(self.document(setting, &file, language, recipient, problems));
            }
        }
        let key = chosen.iter().map(|d| d.key.clone()).collect();
        let set = self.known.entry(key).or_insert_with(|| Arc::new(DocumentSet::of(&chosen)));
        Choice {
            set: set.clone(),
            stand_ins: std::mem::take(&mut self.stand_ins),
            is_complete: chosen.len() == settings.len(),
        }
    }

    /// The first file that exists among those that may stand for a recipient's.
    fn file_for(&mut self, setting: &DocumentSetting, recipient: &Recipient) -> Option<String> {
        let mut languages = recipient.language.fall_backs();
        languages.push(self.default_language.clone());
        let mut candidates = Vec::new();
        for language in &languages {
            match expand(&setting.file, language, recipient) {
                Ok(file) if candidates.contains(&file) => {}
                Ok(file) => candidates.push(file),
                Err(fault) => {
                    self.faults.add_fault(setting, fault, recipient);
                    return None;
                }
            }
        }
        let found = candidates.iter().position(|file| self.is_there(file));
        match found {
            None => self.faults.add_missing(setting, &candidates, recipient),
            Some(i)
                if i > 0
                    && languages
                        .get(i)
                        .is_some_and(|l| l.primary() != recipient.language.primary()) =>
            {
                let (wanted, given) = (recipient.language.clone(), languages[i].clone());
                self.stand_ins.push((setting.id.clone(), wanted, given));
            }
            Some(_) => {}
        }
        let file = found.map(|i| candidates.swap_remove(i))?;
        matches!(self.files.get(&file), Some(Found::Read(_))).then_some(file)
    }

    /// Whether a file of this name is there, read or not: another language must not silently stand
    /// in for one that is there and cannot be read.
    fn is_there(&mut self, file: &str) -> bool {
        if !self.files.contains_key(file) {
            let found = match (self.read)(file) {
                Ok(Some(bytes)) => Found::Read(bytes),
                Ok(None) => Found::Missing,
                Err(problem) => {
                    self.faults.unreadable.push(problem);
                    Found::Unreadable
                }
            };
            self.files.insert(file.to_owned(), found);
        }
        !matches!(self.files.get(file), None | Some(Found::Missing))
    }

    fn document(
        &mut self,
        setting: &DocumentSetting,
        file: &str,
        language: &Language,
        recipient: &Recipient,
        problems: &mut Problems,
    ) -> Document {
        let title = setting.titles.in_language(language, self.default_language);
        let pattern = setting.name.as_ref();
        let file_language = self.language_of(setting, file, recipient);
        let name = match pattern.map(|p| expand(p, &file_language, recipient)) {
            Some(Ok(name)) => name,
            _ => file.rsplit('/').next().unwrap_or(file).to_owned(),
        };
        let key = format!("{}\t{file}\t{name}\t{title}", setting.id);
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        let bytes = match self.files.get(file) {
            Some(Found::Read(bytes)) => bytes.clone(),
            _ => Arc::default(),
        };
        let attachment =
            Attachment::new(&setting.id, setting.number, &title, &name, file, bytes, problems);
        let part = AttachedPart {
            name: attachment.name.clone(),
            digest: attachment.digest,
            part: EncodedPart::of_attachment(&attachment),
        };
        let by_language = setting.file.placeholders().any(|name| name == LANGUAGE);
        let language = by_language.then_some(file_language);
        let document =
            Document { key: key.clone(), language, attachment: Arc::new(attachment), part };
        self.made.insert(key, document.clone());
        document
    }

    /// The language whose file this is for a recipient.
    fn language_of(
        &self,
        setting: &DocumentSetting,
        file: &str,
        recipient: &Recipient,
    ) -> Language {
        let mut languages = recipient.language.fall_backs();
        languages.push(self.default_language.clone());
        let is_it = |l: &Language| expand(&setting.file, l, recipient).is_ok_and(|f| f == file);
        languages.into_iter().find(is_it).unwrap_or_else(|| self.default_language.clone())
    }
}

impl Titles {
    fn in_language(&self, language: &Language, default: &Language) -> String {
        match (self, self.language_for(Some(language), default)) {
            (Titles::One(title), _) => title.clone(),
            (Titles::ByLanguage(titles), chosen) => {
                chosen.and_then(|l| titles.get(l)).cloned().unwrap_or_default()
            }
        }
    }

    /// The language whose title a letter of this language has; `None` where one title stands for
    /// all.
    #[must_use]
    pub fn language_for(&self, letter: Option<&Language>, default: &Language) -> Option<&Language> {
        let Titles::ByLanguage(titles) = self else { return None };
        let mut candidates = letter.map(Language::fall_backs).unwrap_or_default();
        candidates.push(default.clone());
        let found = candidates.iter().find_map(|l| titles.get_key_value(l));
        found.or_else(|| titles.iter().next()).map(|(language, _)| language)
    }
}

/// A pattern with its braces filled in for a recipient and a language.
fn expand(
    pattern: &FilePattern,
    language: &Language,
    recipient: &Recipient,
) -> Result<String, FillError> {
    pattern.fill(|name| match name {
        LANGUAGE => Some(language.as_str()),
        column => recipient.values.get(column),
    })
}

/// Finds columns in patterns that no list has.
pub fn check_patterns(settings: &[DocumentSetting], columns: &[String], problems: &mut Problems) {
    for setting in settings {
        let patterns = [Some(&setting.file), setting.name.as_ref()];
        for column in patterns.into_iter().flatten().flat_map(FilePattern::placeholders) {
            if column == LANGUAGE || columns.iter().any(|known| known == column) {
                continue;
            }
            let hint = match nearest(column, columns.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean {{{near}}}?"),
                None => format!("The lists have: {}.", columns.join(", ")),
            };
            let message = format!(
                "the document {} is named by the column {column:?}, which no list has",
                setting.id
            );
            problems.push(
                Problem::error("unknown-column", message).place(setting.place.clone()).hint(hint),
            );
        }
    }
}

/// What went wrong, gathered by kind.
#[derive(Default)]
struct Faults {
    /// (document, what was looked for) -> who would have got it.
    missing: BTreeMap<(String, Vec<String>), (Place, Vec<String>)>,
    patterns: BTreeMap<(String, FillError), (Place, Vec<String>)>,
    unreadable: Vec<Problem>,
}

impl Faults {
    fn add_missing(
        &mut self,
        setting: &DocumentSetting,
        candidates: &[String],
        recipient: &Recipient,
    ) {
        let key = (setting.id.clone(), candidates.to_vec());
        let entry = self.missing.entry(key).or_insert_with(|| (setting.place.clone(), Vec::new()));
        entry.1.push(recipient.address.to_string());
    }

    fn add_fault(&mut self, setting: &DocumentSetting, fault: FillError, recipient: &Recipient) {
        let mut place = recipient.place.clone();
        let (FillError::Undefined { name } | FillError::NotAName { name, .. }) = &fault;
        place.column = recipient.values.cell_number(name).and_then(|n| u32::try_from(n).ok());
        let key = (setting.id.clone(), fault);
        let entry = self.patterns.entry(key).or_insert_with(|| (place, Vec::new()));
        entry.1.push(recipient.address.to_string());
    }

    fn report(self, problems: &mut Problems) {
        self.unreadable.into_iter().for_each(|p| problems.push(p));
        for ((id, candidates), (place, who)) in self.missing {
            let looked = candidates.join(" and ");
            let message =
                format!("the document {id} has no file for {}: looked for {looked}", people(&who));
            problems.push(
                Problem::error("missing-attachment", message)
                    .place(place)
                    .hint("Put the file there, or change file = \"...\" of the document.")
                    .count(who.len() as u64),
            );
        }
        for ((id, fault), (place, who)) in self.patterns {
            let message = match fault {
                FillError::Undefined { name: column } => format!(
                    "the document {id} is chosen by {column}, which is empty for {}",
                    people(&who)
                ),
                FillError::NotAName { value, .. } => format!(
                    "the document {id} is chosen by the value {value:?}, which cannot be part \
                     of a file's name"
                ),
            };
            problems.push(
                Problem::error("unnamed-attachment", message)
                    .place(place)
                    .hint(
                        "Mend the cell; a value that names a file holds no slash and does not \
                           begin with a dot.",
                    )
                    .count(who.len() as u64),
            );
        }
    }
}

/// `ana@x.example` or `41 people (ana@x.example and others)`.
fn people(who: &[String]) -> String {
    match who {
        [one] => one.clone(),
        [first, ..] => format!("{} people ({first} and others)", who.len()),
        [] => "nobody".to_owned(),
    }
}
