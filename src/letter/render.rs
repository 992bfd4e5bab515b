//! Renders one letter for one person.
//!
//! Owns the values a letter sees, the order of the steps, and explaining why one cannot be made.
//!
//! # Failure
//! [`RenderFailure`]. All names without a value are found together: the letter is rendered again
//! with something in their place until nothing is missing. This costs only where something is.

use super::attachment::size_text;
use super::branch::Branches;
use super::compile::{Compiled, Insert, LetterTemplate, Piece};
use super::engine::Refusal;
use super::html::{self, Findings};
use super::layout::Filling;
use super::markdown::{self, Page};
use super::names::Use;
use super::{Attachment, Letter, Particulars, RenderFailure, Undefined, grammar, stand_in, text};
use crate::address::Mailbox;
use crate::problem::{Place, Problem};
use comrak::Arena;
use std::borrow::Cow;
use std::collections::BTreeSet;
use tera::value::Key;
use tera::{Context, Map, Value};

/// Renders one letter; see [`super::Letters::render`].
pub(super) fn render(
    compiled: &Compiled,
    particulars: &Particulars<'_>,
) -> Result<(Letter, Branches), RenderFailure> {
    let template = compiled.letters.get(particulars.language).and_then(Option::as_ref);
    let rendering =
        Rendering { compiled, template: template.ok_or(RenderFailure::Reported)?, particulars };
    rendering.letter()
}

/// The mailbox of a rendered `Reply-To:`.
///
/// # Errors
/// A [`Problem`] with its place when the line is none.
pub(super) fn mailbox(piece: &Piece, rendered: &str) -> Result<Mailbox, Box<Problem>> {
    let line = stand_in::one_line(rendered);
    Mailbox::parse(&line).map_err(|e| {
        let message = format!("`{line}` is no address to answer to: {e}");
        let problem = Problem::error("bad-reply-to", message)
            .hint("Write `Reply-To: Name <name@example.org>` or the address alone.");
        Box::new(problem.place(piece.beginning()))
    })
}

/// The finding about a subject without a word in it.
pub(super) fn empty_subject(piece: &Piece) -> Problem {
    Problem::error("empty-subject", "the subject comes out empty")
        .hint("Write a word that is there for everybody.")
        .place(piece.beginning())
}

#[derive(Clone, Copy)]
struct Rendering<'a> {
    compiled: &'a Compiled,
    template: &'a LetterTemplate,
    particulars: &'a Particulars<'a>,
}

/// Why the pieces of a letter were not rendered.
enum Stop<'a> {
    /// The engine stopped in this piece.
    At(&'a Piece, Refusal),
    /// What was rendered does not do.
    Problem(Box<Problem>),
}

/// The rendered pieces of a letter.
struct Pieces<'a> {
    subject: String,
    preview: String,
    reply_to: Option<Mailbox>,
    body: String,
    footer: Cow<'a, str>,
    branches: Branches,
}

impl Rendering<'_> {
    fn letter(&self) -> Result<(Letter, Branches), RenderFailure> {
        let template = self.template;
        let context = self.context(&BTreeSet::new());
        let pieces = self.pieces(&context).map_err(|stop| self.explain(stop))?;
        if pieces.subject.is_empty() && !template.has_bad_line {
            return Err(RenderFailure::Problem(Box::new(empty_subject(&template.subject))));
        }
        let mut findings = Findings { images: template.frame.images.clone(), problems: Vec::new() };
        let (mut body, mut footer) = (String::with_capacity(pieces.body.len() * 3), String::new());
        let mut text = String::with_capacity(pieces.body.len() + pieces.footer.len());
        self.write(&pieces.body, &mut findings, &mut body, &mut text);
        if !pieces.footer.is_empty() {
            let mut below = String::new();
            self.write(&pieces.footer, &mut findings, &mut footer, &mut below);
            text.push('\n');
            text.push_str(&below);
        }
        if let Some(problem) = findings.problems.into_iter().next() {
            let place = Place::file(&template.body.text.file);
            return Err(RenderFailure::Problem(Box::new(problem.place(place))));
        }
        // Last: what else is wrong with this person's letter is said all the same.
        if template.has_bad_line {
            return Err(RenderFailure::Reported);
        }
        let filling = Filling {
            body: &body,
            footer: &footer,
            subject: &pieces.subject,
            preview: &pieces.preview,
        };
        let mut html = String::with_capacity(body.len() + footer.len() + (4 << 10));
        template.frame.write(filling, &mut html);
        let letter = Letter {
            language: self.particulars.language.clone(),
            subject: pieces.subject,
            reply_to: pieces.reply_to,
            text,
            html,
            images: findings.images,
        };
        Ok((letter, pieces.branches))
    }

    /// Parses Markdown and writes it as HTML and as text.
    fn write(&self, source: &str, findings: &mut Findings, html: &mut String, text: &mut String) {
        let page = Page {
            language: self.particulars.language,
            styles: &self.template.frame.styles,
            images: &self.compiled.images,
            attachments: self.particulars.attachments,
        };
        let arena = Arena::new();
        let root = markdown::parse(&arena, source);
        html::write(root, page, findings, html);
        // A tree that HTML has found too deep is not walked again.
        if findings.problems.is_empty() {
            text::write(root, page, text);
        }
    }

    /// What the letter sees. `supplied`: names that get something, to find what else is missing.
    fn context(&self, supplied: &BTreeSet<Vec<String>>) -> Context {
        let Particulars { language, greeting, values, attachments } = *self.particulars;
        let mut context = Context::new();
        context.insert_value("language", Value::from(language.as_str()));
        context.insert_value("greeting", Value::from(greeting));
        let mut recipient = Map::with_capacity(self.template.columns.len());
        for (name, key) in &self.template.columns {
            let is_supplied = || supplied.iter().any(|p| p[0] == "recipient" && p[1] == *name);
            let value = values.get(name).or_else(|| is_supplied().then_some("x"));
            if let Some(value) = value {
                recipient.insert(key.clone(), Value::from(value));
            }
        }
        context.insert_value("recipient", Value::from(recipient));
        if self.template.names_attachments {
            let missing = supplied.iter().filter(|path| path[0] == "attachments");
            context.insert_value("attachments", self.attachments(missing));
        }
        let table = if attachments.is_empty() {
            Value::from("")
        } else {
            Value::safe_string(&format!("\n\n{}\n\n", stand_in::ATTACHMENT_TABLE))
        };
        context.insert_value("attachment_table", table);
        context.insert_value("signature", Value::from(""));
        context
    }

    fn attachments<'p>(&self, missing: impl Iterator<Item = &'p Vec<String>>) -> Value {
        let entry = |number: u32, title: &str, name: &str, size: &str| {
            Value::from(Map::from_iter([
                (Key::Str("number"), Value::from(number)),
                (Key::Str("title"), Value::from(title)),
                (Key::Str("name"), Value::from(name)),
                (Key::Str("size"), Value::from(size)),
            ]))
        };
        let mut all = Map::new();
        for attachment in self.particulars.attachments {
            let Attachment { id, number, title, name, octets, .. } = &**attachment;
            let size = size_text(*octets, self.particulars.language);
            all.insert(Key::from(id.clone()), entry(*number, title, name, &size));
        }
        for path in missing {
            if let Some(id) = path.get(1) {
                all.insert(Key::from(id.clone()), entry(1, "x", "x", "x"));
            }
        }
        Value::from(all)
    }

    fn pieces(&self, context: &Context) -> Result<Pieces<'_>, Stop<'_>> {
        let template = self.template;
        let mut taken = Branches::default();
        let subject = stand_in::one_line(&self.piece(&template.subject, context, &mut taken)?);
        let preview = match &template.preview {
            Some(piece) => stand_in::one_line(&self.piece(piece, context, &mut taken)?),
            None => String::new(),
        };
        let reply_to = match &template.reply_to {
            Some(_) if template.has_bad_line => None,
            Some(piece) => {
                let line = self.piece(piece, context, &mut taken)?;
                Some(mailbox(piece, &line).map_err(Stop::Problem)?)
            }
            None => None,
        };
        let body = self.body(context, &mut taken)?;
        let footer = self.insert(template.footer.as_ref(), context, &mut taken)?;
        Ok(Pieces { subject, preview, reply_to, body, footer, branches: taken })
    }

    fn piece<'p>(
        &self,
        piece: &'p Piece,
        context: &Context,
        taken: &mut Branches,
    ) -> Result<String, Stop<'p>> {
        let rendered = self.compiled.engine.render_with_branches(&piece.key, context);
        let (text, branches) = rendered.map_err(|refusal| Stop::At(piece, refusal))?;
        if piece.choices.branches > 0 {
            taken.add(branches, self.template.first_branch(piece));
        }
        Ok(text)
    }

    /// The body with the signature in its place, a block of its own.
    fn body(&self, context: &Context, taken: &mut Branches) -> Result<String, Stop<'_>> {
        let template = self.template;
        let signature = self.insert(template.signature.as_ref(), context, taken)?;
        if signature.is_empty() {
            return self.piece(&template.body, context, taken);
        }
        let mut context = context.clone();
        // The signature is Markdown that has been rendered: its values are stand-ins already.
        context.insert_value("signature", Value::safe_string(&format!("\n\n{signature}\n\n")));
        self.piece(&template.body, &context, taken)
    }

    fn insert<'p>(
        &self,
        insert: Option<&'p Insert>,
        context: &Context,
        taken: &mut Branches,
    ) -> Result<Cow<'p, str>, Stop<'p>> {
        match insert {
            None => Ok(Cow::Borrowed("")),
            Some(Insert::Constant(markdown)) => Ok(Cow::Borrowed(markdown)),
            Some(Insert::Piece(piece)) => self.piece(piece, context, taken).map(Cow::Owned),
        }
    }

    /// Why the letter cannot be made: all names without a value, or the one other problem.
    fn explain(&self, stop: Stop<'_>) -> RenderFailure {
        let mut supplied = BTreeSet::new();
        let mut undefined = Vec::new();
        for piece in self.template.pieces() {
            self.find_undefined(piece, &mut supplied, &mut undefined);
        }
        if !undefined.is_empty() {
            return RenderFailure::Undefined(undefined);
        }
        RenderFailure::Problem(match stop {
            Stop::Problem(problem) => problem,
            Stop::At(piece, refusal) => Box::new(
                Problem::error("template-error", &refusal.message)
                    .place(piece.place_of_refusal(&refusal)),
            ),
        })
    }

    /// Renders a piece again and again, each time with one more name supplied.
    fn find_undefined(
        &self,
        piece: &Piece,
        supplied: &mut BTreeSet<Vec<String>>,
        undefined: &mut Vec<Undefined>,
    ) {
        loop {
            let context = self.context(supplied);
            let rendered = self.piece(piece, &context, &mut Branches::default());
            let Err(Stop::At(_, refusal)) = rendered else { return };
            let is_absent = |u: &Use| self.is_absent(u) && !supplied.contains(supplied_path(u));
            let blamed = piece.to_blame(&refusal, is_absent);
            let Some(_) = blamed.first() else { return };
            for used in blamed {
                if supplied.insert(supplied_path(used).to_vec()) {
                    let place = piece.place(used.at);
                    undefined.push(Undefined { name: grammar::as_written(&used.path), place });
                }
            }
        }
    }

    fn is_absent(&self, used: &Use) -> bool {
        let name = used.path.get(1).map(String::as_str);
        match (used.path[0].as_str(), name) {
            ("recipient", Some(column)) => self.particulars.values.get(column).is_none(),
            ("attachments", Some(id)) => !self.particulars.attachments.iter().any(|a| a.id == id),
            _ => false,
        }
    }
}

/// The part of a path that is supplied as a whole: `recipient.city`, `attachments.statement`.
fn supplied_path(used: &Use) -> &[String] {
    &used.path[..used.path.len().min(2)]
}
