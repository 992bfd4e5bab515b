//! Which documents go to whom: numbers, titles and files by language and by person.
//!
//! Owns file patterns such as `attachments/statement.{language}.pdf` or `certificates/{id}.pdf`
//! and the order in which languages stand in for each other. Bytes come from the caller; what a
//! file is, is decided by the letter stage.
//!
//! # Invariants
//! A file that all readers of a language get is read once and encoded once, however many letters it
//! goes with; of one that a column chooses only its digest and size are held, so that the
//! certificates of a hundred thousand people take no memory. Two people with the same files share
//! one set.

use super::lacking::Faults;
use super::pattern::{FilePattern, FillError, LANGUAGE};
use super::personal::{self, Used, Uses};
use crate::id::Digest;
use crate::language::Language;
use crate::letter::{Attachment, FileFacts};
use crate::message::{AttachedPart, EncodedPart};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::{People, Recipient};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
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
    /// Whether several people may get one file although a column chooses it.
    pub is_shared: bool,
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
    /// As messages carry them; those of single persons without their octets, which
    /// [`Documents::whole`] reads.
    pub parts: Vec<AttachedPart>,
    /// The language whose file each one is; absent where files do not differ by language.
    languages: Vec<Option<Language>>,
    /// Octets of the parts that are not in memory.
    pub octets_left_out: u64,
}

/// A file that goes with letters.
#[derive(Clone, Debug)]
pub struct DocumentFile {
    /// As the first of its readers gets it.
    pub attachment: Arc<Attachment>,
    /// The language in its name, where the document has one file for each.
    pub language: Option<Language>,
    /// Whether the document is chosen by a column.
    pub is_by_column: bool,
    /// How many letters it goes with.
    pub letters: u64,
}

/// Reads a file of the workspace, now and later; `None` where there is no such file.
#[derive(Clone)]
pub struct Reader(Arc<ReadFile>);

type ReadFile = dyn Fn(&str) -> Result<Option<Arc<[u8]>>, Problem> + Send + Sync;

impl Reader {
    /// A reader that reads so.
    pub fn new(
        read: impl Fn(&str) -> Result<Option<Arc<[u8]>>, Problem> + Send + Sync + 'static,
    ) -> Reader {
        Reader(Arc::new(read))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
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
    /// Every file that goes with a letter, by document and then as people first get it.
    pub files: Vec<DocumentFile>,
    /// The bytes of documents that everybody of a language gets.
    held: HashMap<Digest, Arc<[u8]>>,
    reader: Option<Reader>,
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

    /// The bytes of a document: those it had when the plan was made.
    ///
    /// # Errors
    /// `changed-file` when the file is another one by now; whatever reading it fails with.
    pub fn bytes(&self, attachment: &Attachment) -> Result<Arc<[u8]>, Problem> {
        if let Some(held) = self.held.get(&attachment.digest) {
            return Ok(held.clone());
        }
        let read = self.reader.as_ref().map(|reader| (reader.0)(&attachment.file)).transpose()?;
        match read.flatten() {
            Some(bytes) if Digest::of(&bytes) == attachment.digest => Ok(bytes),
            _ => {
                let message = format!("{} was changed while it was at work", attachment.file);
                Err(Problem::error("changed-file", message)
                    .place(Place::file(&attachment.file))
                    .hint("Run the command again when nobody writes into that folder."))
            }
        }
    }

    /// The parts of a set, those of single persons read and encoded for this one message.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn whole<'s>(&self, set: &'s DocumentSet) -> Result<Cow<'s, [AttachedPart]>, Problem> {
        if set.octets_left_out == 0 {
            return Ok(Cow::Borrowed(&set.parts));
        }
        let whole = |(attachment, part): (&Arc<Attachment>, &AttachedPart)| {
            if !part.part.chunk.bytes().is_empty() {
                return Ok(part.clone());
            }
            let encoded = EncodedPart::of_attachment(attachment, &self.bytes(attachment)?);
            Ok(AttachedPart { part: encoded, ..part.clone() })
        };
        set.attachments.iter().zip(&set.parts).map(whole).collect()
    }
}

/// Finds, reads and encodes the documents of everybody.
///
/// `letter_language` says in which language a reader's letter is; `reader` gives a file's bytes or
/// says what is wrong with it; `list` gives the files that fit a pattern with `*`.
pub fn gather(
    settings: &[DocumentSetting],
    people: &People,
    default_language: &Language,
    letter_language: impl Fn(&Language) -> Option<Language>,
    reader: Reader,
    list: impl Fn(&str) -> Vec<String>,
    problems: &mut Problems,
) -> Documents {
    let mut shelf = Shelf::new(settings, default_language, &reader);
    // Where no document is chosen by a column, all readers of a language get the same: the files of
    // a hundred thousand people are looked for once a language.
    let by_language_alone = settings.iter().all(|setting| !setting.is_by_column());
    let mut of_language: HashMap<&Language, Choice> = HashMap::new();
    let mut sets = Vec::with_capacity(people.recipients.len());
    let mut fall_backs = BTreeMap::new();
    for (index, recipient) in people.recipients.iter().enumerate() {
        let choice = of_language.get(&recipient.language).cloned().unwrap_or_else(|| {
            let language = letter_language(&recipient.language).unwrap_or(default_language.clone());
            shelf.choose(recipient, &language, problems)
        });
        // Who lacks a document is named one by one.
        if by_language_alone && choice.is_complete {
            of_language.entry(&recipient.language).or_insert_with(|| choice.clone());
        }
        shelf.count(&choice, index);
        choice.stand_ins.into_iter().for_each(|s| *fall_backs.entry(s).or_default() += 1);
        sets.push(choice.set);
    }
    for (number, setting) in settings.iter().enumerate() {
        let lacking = shelf.faults.lacking(&setting.id);
        let uses = Uses { setting, people, files: &shelf.uses[number], lacking };
        personal::review(&uses, &list, problems);
    }
    shelf.faults.report(people, problems);
    let Shelf { held, uses, .. } = shelf;
    let files = uses.into_iter().flatten().map(|used| used.file).collect();
    Documents { sets, none: Arc::default(), fall_backs, files, held, reader: Some(reader) }
}

impl DocumentSetting {
    /// Whether a column chooses the file or its name.
    #[must_use]
    pub fn is_by_column(&self) -> bool {
        let patterns = [Some(&self.file), self.name.as_ref()].into_iter().flatten();
        patterns.flat_map(FilePattern::placeholders).any(|name| name != LANGUAGE)
    }
}

impl DocumentSet {
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
    /// The language whose file it is, where files differ by language.
    language: Option<Language>,
    /// Its rank among those made.
    number: usize,
    attachment: Arc<Attachment>,
    part: AttachedPart,
    octets_left_out: u64,
}

/// A document's id, the language asked for and the one that stands in for it.
type StandIn = (String, Language, Language);

/// What one reader gets.
#[derive(Clone)]
struct Choice {
    set: Arc<DocumentSet>,
    stand_ins: Vec<StandIn>,
    /// Document and file, by rank among those in use.
    files: Vec<(usize, usize)>,
    /// Whether every document was found.
    is_complete: bool,
}

/// What became of a file that was asked for.
enum Found {
    Missing,
    /// It is there, and what is wrong with it was said.
    Unreadable,
    Read(FileFacts),
}

/// What has been read and made so far.
struct Shelf<'a> {
    settings: &'a [DocumentSetting],
    default_language: &'a Language,
    reader: &'a Reader,
    files: HashMap<String, Found>,
    held: HashMap<Digest, Arc<[u8]>>,
    /// By document, file, name and title.
    made: HashMap<(usize, String, String, String), Document>,
    /// Sets by the ranks of their documents.
    known: HashMap<Vec<usize>, Arc<DocumentSet>>,
    /// Who gets which file, by document.
    uses: Vec<Vec<Used>>,
    /// Where each document's file stands in `uses`.
    ranks: Vec<HashMap<String, usize>>,
    /// Files whose type is wrong, each told once.
    told: HashSet<String>,
    faults: Faults,
    /// Those met for the reader at hand.
    stand_ins: Vec<StandIn>,
}

impl<'a> Shelf<'a> {
    fn new(
        settings: &'a [DocumentSetting],
        default_language: &'a Language,
        reader: &'a Reader,
    ) -> Shelf<'a> {
        Shelf {
            settings,
            default_language,
            reader,
            files: HashMap::new(),
            held: HashMap::new(),
            made: HashMap::new(),
            known: HashMap::new(),
            uses: settings.iter().map(|_| Vec::new()).collect(),
            ranks: settings.iter().map(|_| HashMap::new()).collect(),
            told: HashSet::new(),
            faults: Faults::default(),
            stand_ins: Vec::new(),
        }
    }

    /// The documents of one reader, whose letter is in `language`.
    fn choose(
        &mut self,
        recipient: &Recipient,
        language: &Language,
        problems: &mut Problems,
    ) -> Choice {
        let settings = self.settings;
        let (mut chosen, mut files) = (Vec::with_capacity(settings.len()), Vec::new());
        for (number, setting) in settings.iter().enumerate() {
            let Some((file, of_language)) = self.file_for(setting, recipient) else { continue };
            let document =
                self.document((number, &file, &of_language), language, recipient, problems);
            files.push((number, self.rank(number, &file, of_language, &document)));
            chosen.push(document);
        }
        let key = chosen.iter().map(|d: &Document| d.number).collect();
        let set = self.known.entry(key).or_insert_with(|| {
            Arc::new(DocumentSet {
                attachments: chosen.iter().map(|d| d.attachment.clone()).collect(),
                parts: chosen.iter().map(|d| d.part.clone()).collect(),
                languages: chosen.iter().map(|d| d.language.clone()).collect(),
                octets_left_out: chosen.iter().map(|d| d.octets_left_out).sum(),
            })
        });
        Choice {
            set: set.clone(),
            stand_ins: std::mem::take(&mut self.stand_ins),
            is_complete: chosen.len() == settings.len(),
            files,
        }
    }

    /// Notes that a recipient gets the files of a choice.
    fn count(&mut self, choice: &Choice, recipient: usize) {
        for (document, rank) in &choice.files {
            let used = &mut self.uses[*document][*rank];
            used.file.letters += 1;
            if used.file.is_by_column {
                used.recipients.push(u32::try_from(recipient).unwrap_or(u32::MAX));
            }
        }
    }

    /// The rank of a file among those of its document.
    fn rank(
        &mut self,
        number: usize,
        file: &str,
        of_language: Language,
        document: &Document,
    ) -> usize {
        let (setting, uses) = (&self.settings[number], &mut self.uses[number]);
        if let Some(rank) = self.ranks[number].get(file) {
            return *rank;
        }
        self.ranks[number].insert(file.to_owned(), uses.len());
        let has_language = setting.file.placeholders().any(|name| name == LANGUAGE);
        let file = DocumentFile {
            attachment: document.attachment.clone(),
            language: has_language.then_some(of_language),
            is_by_column: setting.is_by_column(),
            letters: 0,
        };
        uses.push(Used { file, recipients: Vec::new() });
        uses.len() - 1
    }

    /// The first file that exists among those that may stand for a recipient's, and the language
    /// it is for.
    fn file_for(
        &mut self,
        setting: &DocumentSetting,
        recipient: &Recipient,
    ) -> Option<(String, Language)> {
        let mut languages = recipient.language.fall_backs();
        languages.push(self.default_language.clone());
        let mut candidates: Vec<String> = Vec::new();
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
        let is_held = !setting.is_by_column();
        let found = candidates.iter().position(|file| self.is_there(file, is_held));
        let Some(found) = found else {
            self.faults.add_missing(setting, &candidates, recipient);
            return None;
        };
        let file = candidates.swap_remove(found);
        let is_it = |l: &&Language| expand(&setting.file, l, recipient).is_ok_and(|f| f == file);
        let of_language = languages.iter().find(is_it).unwrap_or(self.default_language).clone();
        if found > 0 && of_language.primary() != recipient.language.primary() {
            let wanted = recipient.language.clone();
            self.stand_ins.push((setting.id.clone(), wanted, of_language.clone()));
        }
        matches!(self.files.get(&file), Some(Found::Read(_))).then_some((file, of_language))
    }

    /// Whether a file of this name is there, read or not: another language must not silently stand
    /// in for one that is there and cannot be read.
    fn is_there(&mut self, file: &str, is_held: bool) -> bool {
        if !self.files.contains_key(file) {
            let found = match (self.reader.0)(file) {
                Ok(Some(bytes)) => {
                    let facts = FileFacts::of(&bytes);
                    if is_held {
                        self.held.insert(facts.digest, bytes);
                    }
                    Found::Read(facts)
                }
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
        (number, file, of_language): (usize, &str, &Language),
        language: &Language,
        recipient: &Recipient,
        problems: &mut Problems,
    ) -> Document {
        let setting = &self.settings[number];
        let title = setting.titles.in_language(language, self.default_language);
        let pattern = setting.name.as_ref();
        let name = match pattern.map(|p| expand(p, of_language, recipient)) {
            Some(Ok(name)) => name,
            _ => file.rsplit('/').next().unwrap_or(file).to_owned(),
        };
        let key = (number, file.to_owned(), name, title);
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        let (_, _, name, title) = &key;
        let Some(Found::Read(facts)) = self.files.get(file) else {
            unreachable!("a document is made of a file that was read");
        };
        let mut found = Problems::new();
        let attachment =
            Attachment::new(&setting.id, setting.number, title, name, file, *facts, &mut found);
        if !found.is_empty() && self.told.insert(file.to_owned()) {
            problems.append(found);
        }
        let held = self.held.get(&facts.digest);
        let part = AttachedPart {
            name: attachment.name.clone(),
            digest: attachment.digest,
            part: held.map_or_else(EncodedPart::left_out, |bytes| {
                EncodedPart::of_attachment(&attachment, bytes)
            }),
        };
        let by_language = setting.file.placeholders().any(|name| name == LANGUAGE);
        let octets_left_out = if held.is_some() { 0 } else { EncodedPart::octets_of(&attachment) };
        let document = Document {
            number: self.made.len(),
            language: by_language.then(|| of_language.clone()),
            attachment: Arc::new(attachment),
            part,
            octets_left_out,
        };
        self.made.insert(key, document.clone());
        document
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
        let patterns = [Some(&setting.file), setting.name.as_ref()].into_iter().flatten();
        let mut told = HashSet::new();
        for column in patterns.flat_map(FilePattern::placeholders) {
            let is_known = column == LANGUAGE || columns.iter().any(|known| known == column);
            if is_known || !told.insert(column) {
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
