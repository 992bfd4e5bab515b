//! Markdown: the dialect of letters, and what in a letter's source cannot become mail.
//!
//! Owns the parser's settings and the look at a source before any letter is rendered: addresses of
//! links, images and their descriptions, raw HTML. The tree becomes HTML in `html.rs` and plain
//! text in `text.rs`.
//!
//! # Standards
//! CommonMark 0.31 with pipe tables (GFM 4.10) and emphasis that works beside Chinese, Japanese
//! and Korean characters. Departure: raw HTML and autolinks are text (security S8).

use super::image::Images;
use super::link;
use super::stand_in::{self, Reading, read};
use super::tags::{Kind, Tag};
use super::{Attachment, direction, style::Styles};
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What a letter's tree is written with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    /// The letter's language.
    pub language: &'a Language,
    /// The styles of its elements.
    pub styles: &'a Styles,
    /// The images it may show.
    pub images: &'a Images,
    /// The documents that go with it.
    pub attachments: &'a [Arc<Attachment>],
}

/// The settings of the parser.
fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.cjk_friendly_emphasis = true;
    options
}

/// Parses Markdown.
pub(super) fn parse<'a>(arena: &'a Arena<'a>, markdown: &str) -> &'a AstNode<'a> {
    comrak::parse_document(arena, markdown, &options())
}

/// Whether a paragraph stands for the table of attachments.
pub(super) fn is_attachment_table(paragraph: &AstNode<'_>) -> bool {
    let Some(only) = paragraph.first_child().filter(|c| c.next_sibling().is_none()) else {
        return false;
    };
    match &only.data().value {
        NodeValue::Text(text) => {
            let mut letters = text.chars();
            letters.next() == Some(stand_in::ATTACHMENT_TABLE) && letters.next().is_none()
        }
        _ => false,
    }
}

/// A text of the tree with its values put back, isolated where they run the other way.
pub(super) fn readable<'t>(literal: &'t str, right_to_left: bool) -> Cow<'t, str> {
    if !stand_in::may_stand_in(literal) {
        return Cow::Borrowed(literal);
    }
    let mut text = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(begin) = rest.find(stand_in::VALUE_BEGIN) {
        push_seen(&rest[..begin], &mut text);
        let value = &rest[begin + stand_in::VALUE_BEGIN.len_utf8()..];
        let end = value.find(stand_in::VALUE_END).unwrap_or(value.len());
        let start = text.len();
        push_seen(&value[..end], &mut text);
        if direction::needs_isolation(&text[start..], right_to_left) {
            text.insert(start, direction::ISOLATE);
            text.push(direction::END_ISOLATE);
        }
        rest = &value[end..];
    }
    push_seen(rest, &mut text);
    Cow::Owned(text)
}

/// Appends what a reader sees of a text; most of it holds no stand-in and goes over whole.
fn push_seen(literal: &str, text: &mut String) {
    if stand_in::may_stand_in(literal) {
        text.extend(literal.chars().filter_map(seen));
    } else {
        text.push_str(literal);
    }
}

fn seen(c: char) -> Option<char> {
    match read(c) {
        Reading::Plain(c) | Reading::OfValue(c) => Some(c),
        Reading::Begin | Reading::End | Reading::Nothing => None,
    }
}

/// All text below a node, as the description of an image.
pub(super) fn text_of<'a>(node: &'a AstNode<'a>, right_to_left: bool) -> String {
    let mut text = String::new();
    for below in node.descendants() {
        match &below.data().value {
            NodeValue::Text(literal) => text.push_str(&readable(literal, right_to_left)),
            NodeValue::Code(code) => text.push_str(&readable(&code.literal, right_to_left)),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

/// A source to look into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inspected<'a> {
    /// Its file.
    pub file: &'a str,
    /// The file's text.
    pub text: &'a str,
    /// Where the Markdown stands in it.
    pub body: &'a Range<usize>,
    /// The tags of the body, in bytes of the body.
    pub tags: &'a [Tag<'a>],
}

/// Looks at the constant text of a source; every problem is kept with its place.
pub(super) fn inspect(source: Inspected<'_>, images: &Images, problems: &mut Problems) {
    let masked = masked(&source.text[source.body.clone()], source.tags);
    let arena = Arena::new();
    let root = parse(&arena, &masked);
    for node in root.descendants() {
        let data = node.data();
        let start = data.sourcepos.start;
        let offset = offset_of(&masked, start.line, start.column);
        let here = || Place::of_offset(source.file, source.text, source.body.start + offset);
        match &data.value {
            NodeValue::HtmlBlock(_) | NodeValue::HtmlInline(_) => problems.push(
                Problem::warning("html-as-text", "HTML in a letter is shown as text")
                    .hint("Use Markdown: **strong**, [text](https://...), ![description](file).")
                    .place(here()),
            ),
            NodeValue::Link(_) if masked[offset..].starts_with('<') => problems.push(
                Problem::warning("address-as-text", "an address in `< >` is shown as text")
                    .hint("Write [text](address) for a link.")
                    .place(here()),
            ),
            NodeValue::Link(link)
                if !link.url.starts_with(FILL) && !link::is_allowed(&link.url) =>
            {
                problems.push(link::refused(&link.url).place(here()));
            }
            NodeValue::Image(image) => {
                if text_of(node, false).trim().is_empty() {
                    problems.push(no_description(&image.url).place(here()));
                }
                if image.url.contains(FILL) {
                    problems.push(computed_image().place(here()));
                } else if let Err(problem) = images.find(&image.url) {
                    problems.push(problem.place(here()));
                }
            }
            _ => {}
        }
    }
}

fn no_description(url: &str) -> Problem {
    Problem::error("missing-description", format!("the image `{url}` has no description"))
        .hint("Write ![what it shows](file): some readers hear the letter, some block images.")
}

fn computed_image() -> Problem {
    Problem::error("bad-image", "the file of an image cannot be taken from a value")
        .hint("Write the name of the file.")
}

/// Fills tags in a masked source: like a stand-in, nothing to Markdown.
const FILL: char = stand_in::BLANK;

/// A source with its tags filled up, so that every byte keeps its place.
fn masked(body: &str, tags: &[Tag<'_>]) -> String {
    let mut masked = String::with_capacity(body.len());
    let mut at = 0;
    for tag in tags {
        masked.push_str(&body[at..tag.range.start]);
        let length = tag.range.len();
        // Blocks within lines would part words; a fill that is a letter to Markdown does not.
        for _ in 0..length / FILL.len_utf8() {
            masked.push(FILL);
        }
        masked.extend(std::iter::repeat_n('x', length % FILL.len_utf8()));
        at = tag.range.end;
    }
    masked.push_str(&body[at..]);
    masked
}

/// The byte offset of a line and a column in bytes, both from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The constant text of a template: all that is not in a tag.
pub(super) fn constant_text(body: &str, tags: &[Tag<'_>]) -> String {
    let mut text = String::with_capacity(body.len());
    let mut at = 0;
    for tag in tags.iter().filter(|t| t.kind != Kind::Raw) {
        text.push_str(&body[at..tag.range.start]);
        text.push(' ');
        at = tag.range.end;
    }
    text.push_str(&body[at..]);
    text
}

#[cfg(test)]
mod tests {
    use super::super::tags::tags;
    use super::*;

    fn check(body: &str, expected: &[(&str, u32, u32)]) {
        let text = format!("Subject: s\n\n{body}");
        let (tags, _) = tags(body);
        let mut problems = Problems::new();
        let inspected =
            Inspected { file: "en.md", text: &text, body: &(12..text.len()), tags: &tags };
        inspect(inspected, &Images::default(), &mut problems);
        let found: Vec<_> = problems
            .iter()
            .map(|p| {
                let place = p.place.as_ref().unwrap();
                (p.code, place.line.unwrap(), place.column.unwrap())
            })
            .collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn a_source_is_looked_at_before_any_letter() {
        check("Go to [us](https://x.example) or [mail](mailto:a@x.example).", &[]);
        check("[us]({{ conference.website }}/x)", &[]);
        check("é [us](ftp://x.example)", &[("bad-link", 3, 3)]);
        check("{% if language %}\n[x](javascript:alert)\n{% endif %}", &[("bad-link", 4, 1)]);
        check(
            "a\n\n![](images/logo.png)",
            &[("missing-description", 5, 1), ("missing-image", 5, 1)],
        );
        check("Hello <b>you</b>", &[("html-as-text", 3, 7), ("html-as-text", 3, 13)]);
        check("<div>\nx\n</div>", &[("html-as-text", 3, 1)]);
        check("see <https://x.example>", &[("address-as-text", 3, 5)]);
        check("1 < 2 and {{ a < b }}", &[]);
    }
}
