//! The page around a letter: `templates/layout.html`, rendered once per language.
//!
//! Owns the slots that are filled per letter, and that the page loads nothing and runs nothing.
//! What the page's `<style data-inline>` says about the letter's elements is read in `style.rs`;
//! the HTML is looked through in `markup.rs`.
//!
//! # Invariants
//! The layout sees nothing of the recipient. A slot for text is escaped when filled; the slots for
//! body and footer stand in text, never inside a tag.

use super::engine::{Engine, Refusal};
use super::html::escape;
use super::image::Images;
use super::markup;
use super::names::Template;
use super::reading::{Reading, read, syntax_problem};
use super::source::with_plain_line_ends;
use super::style::Styles;
use super::{Image, Source, Vocabulary};
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use std::ops::Range;
use std::sync::Arc;
use tera::Context;

/// The layout used where a workspace has none: the sample's.
const BUILT_IN: &str = include_str!("../../templates/layout.html");
/// What places in the built-in layout are called.
const BUILT_IN_NAME: &str = "the built-in layout.html";
/// The image that the built-in layout shows where it is there.
const LOGO: &str = "images/logo.png";

/// Slots: noncharacters, which no source holds and HTML escaping leaves alone.
pub(super) const SLOTS: [(&str, char, Slot); 4] = [
    ("body", '\u{6FFFE}', Slot::Body),
    ("footer", '\u{6FFFF}', Slot::Footer),
    ("subject", '\u{7FFFE}', Slot::Subject),
    ("preview", '\u{7FFFF}', Slot::Preview),
];

/// What is filled in per letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The letter as HTML.
    Body,
    /// The footer as HTML.
    Footer,
    /// The subject as text.
    Subject,
    /// The preview as text.
    Preview,
}

/// What a letter puts into the slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling<'a> {
    /// HTML.
    pub body: &'a str,
    /// HTML.
    pub footer: &'a str,
    /// Text.
    pub subject: &'a str,
    /// Text.
    pub preview: &'a str,
}

/// A page for letters of one language.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Constant HTML, each with the slot after it.
    parts: Vec<(String, Option<Slot>)>,
    /// The images of the page.
    pub images: Vec<Arc<Image>>,
    /// The styles of the letter's elements.
    pub styles: Styles,
}

impl Default for Frame {
    /// A page without a layout: the letter, then the footer. It stands in where the layout has
    /// errors, so that letters can still be looked at.
    fn default() -> Frame {
        let parts = [Some(Slot::Body), Some(Slot::Footer)].map(|slot| (String::new(), slot)).into();
        Frame { parts, images: Vec::new(), styles: Styles::default() }
    }
}

impl Frame {
    /// Appends the whole page of a letter.
    pub(super) fn write(&self, filling: Filling<'_>, out: &mut String) {
        for (constant, slot) in &self.parts {
            out.push_str(constant);
            match slot {
                Some(Slot::Body) => out.push_str(filling.body),
                Some(Slot::Footer) => out.push_str(filling.footer),
                Some(Slot::Subject) => escape(filling.subject, out),
                Some(Slot::Preview) => escape(filling.preview, out),
                None => {}
            }
        }
    }
}

/// A layout whose source has been read and checked.
#[derive(Debug)]
pub(super) struct Layout {
    file: String,
    text: String,
    engine: Engine,
    /// The content of `<style data-inline>`, in bytes of the text.
    inline: Range<usize>,
}

/// What a page of one language is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose<'a> {
    /// The language.
    pub language: &'a Language,
    /// Whether its letters have a preview.
    pub has_preview: bool,
    /// Whether its letters have a footer.
    pub has_footer: bool,
}

impl Layout {
    /// Reads a layout; every problem is kept. Without a source, the built-in one.
    pub(super) fn read(
        source: Option<&Source>,
        vocabulary: &Vocabulary,
        problems: &mut Problems,
    ) -> Option<Layout> {
        let file = source.map_or(BUILT_IN_NAME, |s| &s.file).to_owned();
        let text = with_plain_line_ends(source.map_or(BUILT_IN, |s| &s.text));
        let inline = inline_block(&text);
        let without = match &inline {
            Some((block, _)) => blanked(&text, block),
            None => text.clone(),
        };
        let inline = inline.map_or(0..0, |(_, content)| content);
        let place = |at: usize| Place::of_offset(&file, &text, at);
        let found = super::compile::too_large(&file, &text);
        if let Some(problem) = found {
            problems.push(problem);
            return None;
        }
        // The built-in layout names only what every configuration has.
        let Reading { found, .. } = read(&without, Template::Layout, vocabulary);
        let mut is_sound = true;
        for (at, problem) in found.into_iter().filter(|_| source.is_some()) {
            problems.push(problem.place(place(at)));
            is_sound = false;
        }
        let mut engine = Engine::for_html();
        if is_sound && let Err(refusal) = engine.add("layout", &without) {
            problems.push(syntax_problem(refusal.message).place(place(refusal.at)));
            is_sound = false;
        }
        is_sound.then_some(Layout { file, text, engine, inline })
    }

    /// Makes the page of one language; every problem is kept.
    pub(super) fn frame(
        &self,
        purpose: Purpose<'_>,
        base: &Context,
        images: &Images,
        problems: &mut Problems,
    ) -> Frame {
        let right_to_left = purpose.language.is_right_to_left();
        let (styles, bad) = Styles::read(&self.text[self.inline.clone()], right_to_left);
        for rule in bad {
            let place = Place::of_offset(&self.file, &self.text, self.inline.start + rule.at);
            problems.push(Problem::error("bad-style", rule.message).place(place));
        }
        let html = match self.render(purpose, base, images) {
            Ok(html) => html,
            Err(refusal) => {
                let place = Place::of_offset(&self.file, &self.text, refusal.at);
                problems.push(Problem::error("bad-layout", refusal.message).place(place));
                return Frame { styles, ..Frame::default() };
            }
        };
        let page = markup::settled(&html, images);
        for (written, problem) in page.found {
            problems.push(problem.place(self.place_of(&written)));
        }
        if !page.html.contains(SLOTS[0].1) {
            problems.push(
                Problem::error("bad-layout", "the layout has no place for the letter")
                    .hint("Write `{{ body }}` where the letter is to stand.")
                    .place(Place::file(&self.file)),
            );
        }
        Frame { parts: parts(&page.html), images: page.images, styles }
    }

    fn render(
        &self,
        purpose: Purpose<'_>,
        base: &Context,
        images: &Images,
    ) -> Result<String, Refusal> {
        let mut context = base.clone();
        for (name, mark, slot) in SLOTS {
            let is_used = match slot {
                Slot::Body | Slot::Subject => true,
                Slot::Footer => purpose.has_footer,
                Slot::Preview => purpose.has_preview,
            };
            context.insert(name, &if is_used { mark.to_string() } else { String::new() });
        }
        context.insert("language", purpose.language.as_str());
        context.insert("direction", purpose.language.direction());
        context.insert("right_to_left", &purpose.language.is_right_to_left());
        context.insert("logo", &images.get(LOGO).is_some());
        let html = self.engine.render("layout", &context)?;
        // What tags and the style block leave behind is no part of the page.
        let lines = html.lines().map(str::trim_end).filter(|line| !line.is_empty());
        Ok(lines.flat_map(|line| [line, "\n"]).collect())
    }

    /// The place of a piece of the page in the source, where it stands there as it is.
    fn place_of(&self, written: &str) -> Place {
        match self.text.find(written).filter(|_| !written.is_empty()) {
            Some(at) => Place::of_offset(&self.file, &self.text, at),
            None => Place::file(&self.file),
        }
    }
}

/// Where `<style data-inline>` stands: the whole element, and its content.
fn inline_block(text: &str) -> Option<(Range<usize>, Range<usize>)> {
    let start = text.find("<style data-inline")?;
    let content = start + text[start..].find('>')? + 1;
    let end = content + text[content..].find("</style>")?;
    Some((start..end + "</style>".len(), content..end))
}

/// A text with a range made blank, so that every byte keeps its place.
fn blanked(text: &str, range: &Range<usize>) -> String {
    let mut blanked = String::with_capacity(text.len());
    blanked.push_str(&text[..range.start]);
    blanked.extend(text[range.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
    blanked.push_str(&text[range.end..]);
    blanked
}

/// Cuts a page at its slots.
fn parts(html: &str) -> Vec<(String, Option<Slot>)> {
    let mut parts = Vec::new();
    let mut constant = String::new();
    for c in html.chars() {
        match SLOTS.iter().find(|(_, mark, _)| *mark == c) {
            Some((_, _, slot)) => parts.push((std::mem::take(&mut constant), Some(*slot))),
            None => constant.push(c),
        }
    }
    parts.push((constant, None));
    parts
}
