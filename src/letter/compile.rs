//! Compiles the sources of a campaign's letters: reads, checks, prepares.
//!
//! Owns putting the parts together and the findings that need all of them: a signature or footer
//! that is missing or another language's, a header line that is the same for everybody and wrong.
//! Each part is read by its own file.
//!
//! # Failure
//! Every finding goes to `problems` with its place. A letter with an error is kept by its language,
//! without content, so that nobody is told that there is no letter in it.

use super::branch::{self, Branches, Choices, Marked};
use super::engine::{Engine, Refusal};
use super::image::Images;
use super::layout::{Frame, Layout, Purpose};
use super::markdown::{self, Inspected};
use super::names::{Role, Template, Use};
use super::reading::{Reading, read, syntax_problem};
use super::source::{self, with_plain_line_ends};
use super::{Source, Sources, Vocabulary, attached, differences, render, slips, stand_in, tags};
use crate::language::Language;
use crate::limits::TEMPLATE_BYTES_MAX;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use tera::value::Key;
use tera::{Context, Map, Value};

/// The letters of a campaign, ready to be rendered.
#[derive(Debug)]
pub(super) struct Compiled {
    /// By language; `None` for a letter with errors.
    pub letters: BTreeMap<Language, Option<LetterTemplate>>,
    /// Holds the templates of all pieces.
    pub engine: Engine,
    /// What letters may show.
    pub images: Images,
    /// The languages that have a signature.
    pub signatures: BTreeSet<Language>,
    /// The languages that have a footer.
    pub footers: BTreeSet<Language>,
    /// The language whose signature and footer stand in.
    pub default_language: Option<Language>,
}

/// The letter of one language.
#[derive(Debug)]
pub(super) struct LetterTemplate {
    /// `Subject:`
    pub subject: Piece,
    /// `Preview:`
    pub preview: Option<Piece>,
    /// `Reply-To:`
    pub reply_to: Option<Piece>,
    /// The Markdown.
    pub body: Piece,
    /// What `signature` stands for.
    pub signature: Option<Insert>,
    /// What stands below the letter.
    pub footer: Option<Insert>,
    /// The page around it.
    pub frame: Frame,
    /// The columns it names, with their keys.
    pub columns: Vec<(String, Key<'static>)>,
    /// Whether it names attachments.
    pub names_attachments: bool,
    /// Whether a header line that is the same for everybody has an error, which has been reported.
    pub has_bad_line: bool,
}

impl LetterTemplate {
    /// What a choice of branches says, in words: `recipient.town`, `not recipient.town`.
    pub(super) fn in_words(&self, taken: Branches) -> Vec<String> {
        let (mut words, mut first) = (Vec::new(), 0);
        for piece in self.pieces() {
            piece.choices.in_words(taken, first, &mut words);
            first += piece.choices.branches;
        }
        words
    }

    /// The number within the letter of a piece's first branch.
    pub(super) fn first_branch(&self, piece: &Piece) -> usize {
        let before = self.pieces().take_while(|p| p.key != piece.key);
        before.map(|p| p.choices.branches).sum()
    }

    /// All pieces that are rendered for each person, in the order a reader meets them.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        let inserts = [self.signature.as_ref(), self.footer.as_ref()].into_iter().flatten();
        let inserted = inserts.filter_map(|insert| match insert {
            Insert::Constant(_) => None,
            Insert::Piece(piece) => Some(&**piece),
        });
        let header = [self.reply_to.as_ref(), self.preview.as_ref()].into_iter().flatten();
        [&self.subject].into_iter().chain(header).chain([&self.body]).chain(inserted)
    }

    /// The columns that Subject and Reply-To name, each once.
    pub(super) fn header_columns(&self) -> Vec<&str> {
        let pieces = [Some(&self.subject), self.reply_to.as_ref()].into_iter().flatten();
        let uses = pieces.flat_map(|piece| &piece.uses).filter(|u| u.path[0] == "recipient");
        let columns: BTreeSet<&str> = uses.filter_map(|u| Some(u.path.get(1)?.as_str())).collect();
        columns.into_iter().collect()
    }
}

/// A signature or footer.
#[derive(Clone, Debug)]
pub(super) enum Insert {
    /// The same for everybody: its rendered Markdown.
    Constant(String),
    /// Rendered for each person.
    Piece(Arc<Piece>),
}

/// A source file as it was read.
#[derive(Debug)]
pub(super) struct Text {
    /// Path relative to the workspace.
    pub file: String,
    /// With plain line ends.
    pub text: String,
}

/// A template: a header value, a body, a signature or a footer.
#[derive(Debug)]
pub(super) struct Piece {
    /// Its name in the engine.
    pub key: String,
    /// The file it stands in.
    pub text: Arc<Text>,
    /// Where in the file.
    pub range: Range<usize>,
    /// What of it the engine does not see, in bytes of this template.
    pub cuts: Vec<Range<usize>>,
    /// Where the engine sees marks of branches, in bytes of what it sees.
    pub marks: Vec<usize>,
    /// Its conditions.
    pub choices: Choices,
    /// The names it uses.
    pub uses: Vec<Use>,
}

impl Piece {
    /// The place where the engine stopped.
    pub(super) fn place_of_refusal(&self, refusal: &Refusal) -> Place {
        self.place(self.at_of(refusal))
    }

    /// Where the engine stopped, in bytes of this template.
    fn at_of(&self, refusal: &Refusal) -> usize {
        in_template(refusal.at, &self.marks, &self.cuts)
    }

    /// The place of a byte of this template.
    pub(super) fn place(&self, at: usize) -> Place {
        Place::of_offset(&self.text.file, &self.text.text, self.range.start + at)
    }

    /// The place of its first word.
    pub(super) fn beginning(&self) -> Place {
        let content = &self.text.text[self.range.clone()];
        self.place(content.len() - content.trim_start().len())
    }

    /// Whether it uses a name that begins like this.
    pub(super) fn names(&self, root: &str) -> bool {
        self.uses.iter().any(|u| u.path[0] == root)
    }

    fn is_constant(&self) -> bool {
        !["recipient", "greeting", "attachments"].iter().any(|root| self.names(root))
    }
}

/// Compiles all sources; see [`super::Letters::compile`].
pub(super) fn compile(
    sources: &Sources,
    vocabulary: &Vocabulary,
    problems: &mut Problems,
) -> Option<Compiled> {
    if sources.letters.is_empty() {
        problems.push(
            Problem::error("no-letter", "the campaign has no letter")
                .place(Place::file(sources.folder.as_str()))
                .hint(format!("Write one in {}/LANGUAGE.md, such as en.md.", sources.folder)),
        );
        return None;
    }
    let images = Images::new(&sources.images, problems);
    let layout = Layout::read(sources.layout.as_ref(), vocabulary, problems);
    let base = base(vocabulary);
    let mut engine = Engine::for_markdown();
    engine.know(&base);
    let mut compiler = Compiler { vocabulary, images: &images, problems, engine };
    let signatures = compiler.inserts("signature", &sources.signatures);
    let footers = compiler.inserts("footer", &sources.footers);
    let mut letters = BTreeMap::new();
    for (language, source) in &sources.letters {
        let letter = compiler.letter(language, source, &signatures, &footers);
        let framed = letter.map(|mut letter| {
            letter.frame = compiler.frame(layout.as_ref(), language, &letter, &base);
            letter
        });
        letters.insert(language.clone(), framed);
    }
    let engine = compiler.engine;
    compare(&letters, vocabulary, problems);
    let languages = |inserts: &Inserts| inserts.keys().cloned().collect();
    letters.values().any(Option::is_some).then(|| Compiled {
        signatures: languages(&signatures),
        footers: languages(&footers),
        default_language: vocabulary.default_language.clone(),
        letters,
        engine,
        images,
    })
}

/// Compares letters with each other, and notes those that greet nobody.
fn compare(
    letters: &BTreeMap<Language, Option<LetterTemplate>>,
    vocabulary: &Vocabulary,
    problems: &mut Problems,
) {
    let whole = || letters.iter().filter_map(|(l, letter)| letter.as_ref().map(|one| (l, one)));
    let told = differences::look(whole(), vocabulary.default_language.as_ref(), problems);
    for (_, letter) in whole().filter(|(language, _)| !told.contains(*language)) {
        slips::no_greeting(letter, problems);
    }
}

/// The names that are the same in all letters.
pub(super) fn base(vocabulary: &Vocabulary) -> Context {
    let map = |entries: &BTreeMap<String, String>| {
        let pair = |(k, v): (&String, &String)| (Key::from(k.clone()), Value::from(v.as_str()));
        Value::from(entries.iter().map(pair).collect::<Map>())
    };
    let mut base = Context::new();
    base.insert_value("conference", map(&vocabulary.conference));
    base.insert_value("campaign", map(&vocabulary.campaign));
    base
}

/// The finding about a source above the limit.
pub(super) fn too_large(file: &str, text: &str) -> Option<Problem> {
    (text.len() as u64 > TEMPLATE_BYTES_MAX).then(|| {
        let message = format!("the file is larger than {} MB", TEMPLATE_BYTES_MAX >> 20);
        Problem::error("template-too-big", message).place(Place::file(file))
    })
}

/// Signatures or footers by language; `None` for one with errors.
type Inserts = BTreeMap<Language, Option<Arc<Piece>>>;

struct Compiler<'a> {
    vocabulary: &'a Vocabulary,
    images: &'a Images,
    problems: &'a mut Problems,
    engine: Engine,
}

impl Compiler<'_> {
    fn text(&mut self, source: &Source) -> Option<Arc<Text>> {
        if let Some(problem) = too_large(&source.file, &source.text) {
            self.problems.push(problem);
            return None;
        }
        let text = with_plain_line_ends(&source.text);
        Some(Arc::new(Text { file: source.file.clone(), text }))
    }

    /// Reads a template within a file; `None` when it has errors.
    fn piece(
        &mut self,
        key: String,
        text: &Arc<Text>,
        range: Range<usize>,
        template: Template,
        is_markdown: bool,
    ) -> Option<Piece> {
        let content = &text.text[range.clone()];
        let start = range.start;
        let place = |at: usize| Place::of_offset(&text.file, &text.text, start + at);
        let Reading { tags, is_whole, found, uses } = read(content, template, self.vocabulary);
        let mut is_sound = found.is_empty();
        for (at, problem) in found {
            self.problems.push(problem.place(place(at)));
        }
        for (at, problem) in slips::slips(content, &tags, template, self.vocabulary) {
            self.problems.push(problem.place(place(at)));
        }
        let cuts = tags::silent_lines(content, &tags);
        let choices = Choices::of(content, &tags);
        let Marked { source, marks } = Marked::of(content, &cuts, &choices);
        if is_sound && let Err(refusal) = self.engine.add(&key, &source) {
            let problem = syntax_problem(refusal.message);
            self.problems.push(problem.place(place(in_template(refusal.at, &marks, &cuts))));
            is_sound = false;
        }
        // A tag that stands open would be taken for text.
        if is_markdown && is_whole {
            let inspected =
                Inspected { file: &text.file, text: &text.text, body: &range, tags: &tags };
            let mut found = Problems::new();
            markdown::inspect(inspected, self.images, &mut found);
            is_sound &= !found.has_errors();
            self.problems.append(found);
        }
        let text = Arc::clone(text);
        is_sound.then_some(Piece { key, text, range, cuts, marks, choices, uses })
    }

    fn inserts(&mut self, what: &str, sources: &BTreeMap<Language, Source>) -> Inserts {
        let mut inserts = Inserts::new();
        for (language, source) in sources {
            let key = format!("{what}.{language}");
            let piece = self.text(source).and_then(|text| {
                let range = 0..text.text.len();
                self.piece(key, &text, range, Template::Line, true)
            });
            inserts.insert(language.clone(), piece.map(Arc::new));
        }
        inserts
    }

    fn letter(
        &mut self,
        language: &Language,
        source: &Source,
        signatures: &Inserts,
        footers: &Inserts,
    ) -> Option<LetterTemplate> {
        let text = self.text(source)?;
        let parts = source::parts(&text.file, &text.text, self.problems);
        let body_range = parts.body.clone();
        if text.text[body_range.clone()].trim().is_empty() {
            let problem = Problem::error("empty-letter", "the letter has no text");
            self.problems.push(problem.place(Place::file(&text.file)));
        }
        let mut line = |name: &str, range: Option<Range<usize>>| {
            let key = format!("{language}/{name}");
            range.map(|range| self.piece(key, &text, range, Template::Line, false))
        };
        let subject = line("subject", parts.subject);
        let preview = line("preview", parts.preview);
        let reply_to = line("reply-to", parts.reply_to);
        let has_bad_line = self.constant_lines(language, subject.as_ref(), reply_to.as_ref());
        let body = self.piece(format!("{language}/body"), &text, body_range, Template::Body, true);
        let signature = match &body {
            Some(body) if body.names("signature") => {
                self.insert("signature", signatures, language, &text.file)?
            }
            _ => None,
        };
        let footer = self.insert("footer", footers, language, &text.file)?;
        let mut letter = LetterTemplate {
            subject: subject??,
            preview: whole(preview)?,
            reply_to: whole(reply_to)?,
            body: body?,
            signature,
            footer,
            frame: Frame::default(),
            columns: Vec::new(),
            names_attachments: false,
            has_bad_line,
        };
        letter.columns = columns(&letter);
        let names_attachments = letter.pieces().any(|p| p.names("attachments"));
        letter.names_attachments = names_attachments;
        attached::look(language, &letter, self.vocabulary, self.problems);
        Some(letter)
    }

    /// The signature or footer of a language, or what stands in for it. `None` when the one that
    /// would stand there has errors. `file`: the letter's.
    fn insert(
        &mut self,
        what: &str,
        inserts: &Inserts,
        language: &Language,
        file: &str,
    ) -> Option<Option<Insert>> {
        let default = self.vocabulary.default_language.as_ref();
        let mut candidates = candidates(language, default);
        let Some((found, piece)) = candidates.find_map(|l| inserts.get_key_value(&l)) else {
            // A letter can do without a footer.
            if what == "signature" {
                let message = format!("there is no signature for letters in {language}");
                self.problems.push(
                    Problem::warning("missing-signature", message)
                        .hint(format!("Write templates/signature.{language}.md.")),
                );
            }
            return Some(None);
        };
        if found.primary() != language.primary() {
            self.problems.push(stands_in(what, language, found).place(Place::file(file)));
        }
        let piece = piece.as_ref()?;
        if !piece.is_constant() {
            return Some(Some(Insert::Piece(Arc::clone(piece))));
        }
        let mut context = Context::new();
        context.insert("language", language.as_str());
        match self.engine.render(&piece.key, &context) {
            Ok(markdown) => Some(Some(Insert::Constant(markdown))),
            Err(refusal) => {
                let problem = Problem::error("template-error", &refusal.message);
                self.problems.push(problem.place(piece.place_of_refusal(&refusal)));
                None
            }
        }
    }

    /// Header lines that are the same for everybody are looked at once: whether one has an error.
    fn constant_lines(
        &mut self,
        language: &Language,
        subject: Option<&Option<Piece>>,
        reply_to: Option<&Option<Piece>>,
    ) -> bool {
        let mut found = Vec::new();
        if let Some((piece, line)) = self.constant_line(language, subject)
            && stand_in::one_line(&line).is_empty()
        {
            found.push(render::empty_subject(piece));
        }
        if let Some((piece, line)) = self.constant_line(language, reply_to)
            && let Err(problem) = render::mailbox(piece, &line)
        {
            found.push(*problem);
        }
        let is_bad = !found.is_empty();
        found.into_iter().for_each(|problem| self.problems.push(problem));
        is_bad
    }

    /// A header line that is the same for everybody, rendered.
    fn constant_line<'p>(
        &self,
        language: &Language,
        piece: Option<&'p Option<Piece>>,
    ) -> Option<(&'p Piece, String)> {
        let piece = piece?.as_ref().filter(|p| p.is_constant())?;
        let mut context = Context::new();
        context.insert("language", language.as_str());
        Some((piece, self.engine.render(&piece.key, &context).ok()?))
    }

    fn frame(
        &mut self,
        layout: Option<&Layout>,
        language: &Language,
        letter: &LetterTemplate,
        base: &Context,
    ) -> Frame {
        let (has_preview, has_footer) = (letter.preview.is_some(), letter.footer.is_some());
        let purpose = Purpose { language, has_preview, has_footer };
        let Some(layout) = layout else { return Frame::default() };
        let mut found = Problems::new();
        let frame = layout.frame(purpose, base, self.images, &mut found);
        // A layout's mistakes are the same in every language, and are told once.
        for problem in found.iter() {
            if !self.problems.iter().any(|told| told == problem) {
                self.problems.push(problem.clone());
            }
        }
        frame
    }
}

/// The languages whose signature or footer may stand below a letter, in their order.
pub(super) fn candidates(
    letter: &Language,
    default: Option<&Language>,
) -> impl Iterator<Item = Language> {
    letter.fall_backs().into_iter().chain(default.into_iter().flat_map(Language::fall_backs))
}

/// The finding about a signature or footer of another language.
fn stands_in(what: &str, language: &Language, found: &Language) -> Problem {
    let code = if what == "signature" { "stand-in-signature" } else { "stand-in-footer" };
    let message = format!(
        "there is no {what} in {language}; letters in {language} end with the one in {found}"
    );
    Problem::warning(code, message).hint(format!("Write templates/{what}.{language}.md."))
}

/// Where a byte of what the engine sees stands in the template.
fn in_template(at: usize, marks: &[usize], cuts: &[Range<usize>]) -> usize {
    tags::in_whole(branch::without_marks(at, marks), cuts)
}

/// A header line that is absent is fine, one with errors is not.
fn whole(piece: Option<Option<Piece>>) -> Option<Option<Piece>> {
    match piece {
        None => Some(None),
        Some(piece) => piece.map(Some),
    }
}

/// The columns that a letter names.
fn columns(letter: &LetterTemplate) -> Vec<(String, Key<'static>)> {
    let uses = letter.pieces().flat_map(|p| &p.uses);
    let names: BTreeSet<&String> =
        uses.filter(|u| u.path[0] == "recipient").filter_map(|u| u.path.get(1)).collect();
    names.into_iter().map(|name| (name.clone(), Key::from(name.clone()))).collect()
}

impl Piece {
    /// The uses that explain why the engine stopped at a byte: in the same tag those that need a
    /// value and have none, else any in the tag without a value, else any in the template.
    pub(super) fn to_blame(
        &self,
        refusal: &Refusal,
        is_absent: impl Fn(&Use) -> bool,
    ) -> Vec<&Use> {
        let at = self.at_of(refusal);
        let absent: Vec<&Use> =
            self.uses.iter().filter(|u| u.role != Role::Guarded && is_absent(u)).collect();
        let in_tag = |u: &&&Use| u.tag.contains(&at);
        let needed = |u: &&&Use| u.role == Role::Needed;
        let narrowest: [Vec<&Use>; 3] = [
            absent.iter().filter(in_tag).filter(needed).copied().collect(),
            absent.iter().filter(in_tag).copied().collect(),
            absent.iter().filter(needed).copied().collect(),
        ];
        narrowest.into_iter().find(|uses| !uses.is_empty()).unwrap_or_default()
    }
}
