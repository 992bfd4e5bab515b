//! Stage 2: templates and a recipient in, a letter out.
//!
//! A letter's file is header lines, then Markdown with tags. It is read and checked once
//! (`source.rs`; `tags.rs`, `names.rs` and `balance.rs` by way of `reading.rs`; `slips.rs`,
//! `markdown.rs`; together in `compile.rs`). For each person the engine puts the values in as
//! stand-ins (`engine.rs`, `stand_in.rs`), the Markdown is parsed once, and from the same tree come
//! HTML (`html.rs`) within the layout (`layout.rs`, `style.rs`) and plain text (`text.rs`).
//!
//! Owns everything about what a letter says and looks like. Who gets it is decided in
//! `recipients/`, how it travels in `message/`.
//!
//! # Invariants
//! No value is ever read as template, Markdown, HTML or header (security S2, S7, S8). A template
//! reads nothing but the names of its letter, and always ends (S6). The same inputs give the same
//! letter, byte for byte.

mod attached;
mod attachment;
mod balance;
mod branch;
mod compile;
mod condition;
mod condition_slips;
mod differences;
mod direction;
pub mod document;
mod engine;
mod grammar;
mod html;
mod image;
mod layout;
mod leftovers;
mod link;
mod link_check;
mod markdown;
mod markup;
mod names;
mod reading;
mod render;
mod slips;
mod source;
mod stand_in;
mod style;
mod tags;
mod text;

pub use attachment::{FileFacts, Mismatch, media_type, size_text};
pub use branch::Branches;
pub use condition::RowCondition;

use crate::address::Mailbox;
use crate::id::Digest;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The sentence that stands in a letter that `secretariat new` has begun; a letter that still has
/// it must not go out.
pub const PLACEHOLDER: &str = "Write your letter here.";

/// A source file of a letter as it lies in the workspace or among the frozen objects.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path relative to the workspace, with `/`.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// An image that letters, signatures or the layout show.
#[derive(Clone, Debug)]
pub struct ImageFile {
    /// Path relative to the workspace.
    pub file: String,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

/// All source files of a campaign's letter.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Where the letters stand: `templates/<campaign>`.
    pub folder: String,
    /// `templates/<campaign>/<language>.md`.
    pub letters: BTreeMap<Language, Source>,
    /// `templates/layout.html`; absent: the built-in one.
    pub layout: Option<Source>,
    /// `templates/signature.<language>.md`.
    pub signatures: BTreeMap<Language, Source>,
    /// `templates/footer.<language>.md`.
    pub footers: BTreeMap<Language, Source>,
    /// By the path written in the sources, such as `images/logo.png`.
    pub images: BTreeMap<String, ImageFile>,
}

/// A document as it goes with letters of one language (or to one person).
#[derive(Clone, Debug)]
pub struct Attachment {
    /// `[attachments.<id>]`.
    pub id: String,
    /// Its number in this campaign, from 1.
    pub number: u32,
    /// Title in the letter's language.
    pub title: String,
    /// File name the reader sees.
    pub name: String,
    /// File it was read from, relative to the workspace.
    pub file: String,
    /// Media type, such as `application/pdf`.
    pub media_type: String,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// How many bytes it has. Where they are is the plan's: the certificates of a whole conference
    /// are not held in memory.
    pub octets: u64,
}

/// The names a letter may use besides `recipient.*`, and their values.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Names behind `recipient.`; see `People::columns`.
    pub columns: Vec<String>,
    /// Whether there may be columns that are not among them: a list could not be read, which is
    /// said already, and every name may be a column of it.
    pub lacks_columns: bool,
    /// `conference.*`.
    pub conference: BTreeMap<String, String>,
    /// `campaign.*`.
    pub campaign: BTreeMap<String, String>,
    /// Ids behind `attachments.`, in the campaign's order.
    pub attachments: Vec<String>,
    /// Their titles in all languages, by id: a letter may call a document by its title.
    pub attachment_titles: BTreeMap<String, Vec<String>>,
    /// The language whose signature and footer stand in where a language has none.
    pub default_language: Option<Language>,
}

/// What is particular to one letter.
#[derive(Clone, Copy, Debug)]
pub struct Particulars<'a> {
    /// The letter's language: one of [`Letters::languages`].
    pub language: &'a Language,
    /// The whole greeting with its closing mark, as plain text.
    pub greeting: &'a str,
    /// The row's values; an absent one is undefined.
    pub values: &'a crate::recipients::Values,
    /// The documents that go with it, by number.
    pub attachments: &'a [Arc<Attachment>],
}

/// A name that had no value where a letter needed one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Undefined {
    /// As written: `recipient.city`.
    pub name: String,
    /// Where it is used.
    pub place: Place,
}

/// Why one letter could not be rendered.
#[derive(Clone, Debug)]
pub enum RenderFailure {
    /// Names without a value, all of them.
    Undefined(Vec<Undefined>),
    /// The letter of this language has errors that [`Letters::compile`] has reported.
    Reported,
    /// Anything else: a filter that does not fit, a subject that came out empty, output too large.
    Problem(Box<Problem>),
}

/// An image inside a letter.
#[derive(Clone, Debug)]
pub struct Image {
    /// Content-ID without angle brackets; follows from the bytes.
    pub content_id: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

/// A letter rendered for one recipient: no headers but what the letter itself says.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its language.
    pub language: Language,
    /// One line, no control characters.
    pub subject: String,
    /// `Reply-To` of the letter itself, which beats the sender's.
    pub reply_to: Option<Mailbox>,
    /// Plain text, lines ended by LF.
    pub text: String,
    /// A whole HTML document, lines ended by LF; images as `cid:`.
    pub html: String,
    /// The images it shows, each once.
    pub images: Vec<Arc<Image>>,
}

/// The letters of a campaign, compiled once: sources checked, styles prepared.
///
/// Shared by threads: rendering changes nothing in it.
#[derive(Debug)]
pub struct Letters {
    compiled: compile::Compiled,
    folder: String,
}

impl Letters {
    /// Compiles all sources; every problem is kept with its file, line and column.
    ///
    /// `None` when no letter can be rendered at all; with single errors what can be rendered is,
    /// so that one pass finds everything.
    pub fn compile(
        sources: &Sources,
        vocabulary: &Vocabulary,
        problems: &mut Problems,
    ) -> Option<Letters> {
        let folder = sources.folder.clone();
        compile::compile(sources, vocabulary, problems).map(|compiled| Letters { compiled, folder })
    }

    /// Where they stand.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The languages there is a letter for, also those whose letter has errors.
    pub fn languages(&self) -> impl Iterator<Item = &Language> {
        self.compiled.letters.keys()
    }

    /// The source file of a language's letter; the folder where it has errors.
    #[must_use]
    pub fn file_of(&self, language: &Language) -> &str {
        let letter = self.compiled.letters.get(language).and_then(Option::as_ref);
        letter.map_or(&self.folder, |letter| &letter.body.text.file)
    }

    /// Whether the letter of a language ends with a signature; taken for true where the letter has
    /// errors.
    #[must_use]
    pub fn uses_signature(&self, language: &Language) -> bool {
        let letter = self.compiled.letters.get(language).and_then(Option::as_ref);
        letter.is_none_or(|letter| letter.body.names("signature"))
    }

    /// Whether any letter ends with a footer.
    #[must_use]
    pub fn has_footers(&self) -> bool {
        !self.compiled.footers.is_empty()
    }

    /// The language whose signature a letter of this language ends with.
    #[must_use]
    pub fn signature_for(&self, letter: &Language) -> Option<&Language> {
        self.insert_for(letter, &self.compiled.signatures)
    }

    /// The language whose footer a letter of this language ends with.
    #[must_use]
    pub fn footer_for(&self, letter: &Language) -> Option<&Language> {
        self.insert_for(letter, &self.compiled.footers)
    }

    fn insert_for<'l>(
        &self,
        letter: &Language,
        languages: &'l BTreeSet<Language>,
    ) -> Option<&'l Language> {
        let default = self.compiled.default_language.as_ref();
        compile::candidates(letter, default).find_map(|l| languages.get(&l))
    }

    /// The language whose letter a reader of `wanted` gets: itself, its primary language, or the
    /// default; `None` when there is no letter for any of them.
    #[must_use]
    pub fn language_for(&self, wanted: &Language, default: &Language) -> Option<Language> {
        let mut candidates = wanted.fall_backs().into_iter().chain(default.fall_backs());
        candidates.find(|language| self.compiled.letters.contains_key(language))
    }

    /// The columns that header lines of a language's letter name, each once.
    #[must_use]
    pub fn header_columns(&self, language: &Language) -> Vec<&str> {
        let letter = self.compiled.letters.get(language).and_then(Option::as_ref);
        letter.map(compile::LetterTemplate::header_columns).unwrap_or_default()
    }

    /// Renders one letter.
    ///
    /// # Errors
    /// [`RenderFailure`] with all undefined names of this letter, or its one other problem.
    pub fn render(&self, particulars: &Particulars<'_>) -> Result<Letter, RenderFailure> {
        self.render_with_branches(particulars).map(|(letter, _)| letter)
    }

    /// Renders one letter, and says which branches of its conditions were taken.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_with_branches(
        &self,
        particulars: &Particulars<'_>,
    ) -> Result<(Letter, Branches), RenderFailure> {
        render::render(&self.compiled, particulars)
    }

    /// What branches of a language's letter say, each condition once: `recipient.town`,
    /// `not recipient.town`.
    #[must_use]
    pub fn in_words(&self, language: &Language, branches: Branches) -> Vec<String> {
        let letter = self.compiled.letters.get(language).and_then(Option::as_ref);
        letter.map(|letter| letter.in_words(branches)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
