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
use super::link_check::{self, Written};
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
            NodeValue::Link(link) => {
                let text = masked_text_of(node);
                let written = Written { address: &link.url, text: &text, fill: FILL };
                for problem in link_check::look(written) {
                    problems.push(problem.place(here()));
                }
            }
            NodeValue::Text(text) if !is_in_link(node) => {
                let written = &source.text[source.body.start + offset..];
                let found = plain_text(text, &masked[offset..], written);
                for (at, problem) in found {
                    let at = source.body.start + offset + at;
                    problems.push(problem.place(Place::of_offset(source.file, source.text, at)));
                }
            }
            NodeValue::Image(image) => {
                let found = look_at_image(&image.url, &masked_text_of(node), images);
                found.into_iter().for_each(|problem| problems.push(problem.place(here())));
            }
            _ => {}
        }
    }
}

/// What is wrong with an image and its description.
fn look_at_image(url: &str, description: &str, images: &Images) -> Vec<Problem> {
    let mut found = Vec::new();
    if description.trim().is_empty() {
        found.push(no_description(url));
    }
    if url.contains(FILL) {
        found.push(computed_image());
    } else if let Err(problem) = images.find(url) {
        found.push(*problem);
    }
    found
}

/// What a letter's Markdown is made of, with places in bytes of it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// How many headings.
    pub headings: usize,
    /// Addresses of links, as written.
    pub links: Vec<(usize, String)>,
    /// Files of images.
    pub images: Vec<(usize, String)>,
}

/// Takes the Markdown of a letter apart.
pub(super) fn parts(body: &str, tags: &[Tag<'_>]) -> Parts {
    let masked = masked(body, tags);
    let arena = Arena::new();
    let mut parts = Parts::default();
    for node in parse(&arena, &masked).descendants() {
        let data = node.data();
        let place = |at: comrak::nodes::LineColumn| offset_of(&masked, at.line, at.column);
        let at = place(data.sourcepos.start);
        match &data.value {
            NodeValue::Heading(_) => parts.headings += 1,
            NodeValue::Image(image) => parts.images.push((at, image.url.clone())),
            NodeValue::Link(link) => {
                let range = at..place(data.sourcepos.end).max(at);
                let inline =
                    masked.get(range).and_then(|link| link.rfind("](")).map(|i| at + i + 2);
                let length = inline.and_then(|from| masked[from..].find([')', ' ', '\n']));
                let written = inline.zip(length).and_then(|(from, n)| body.get(from..from + n));
                parts.links.push((at, written.unwrap_or(&link.url).to_owned()));
            }
            _ => {}
        }
    }
    parts
}

/// All text below a node of a masked source, with what fills its tags.
fn masked_text_of<'a>(node: &'a AstNode<'a>) -> String {
    let mut text = String::new();
    for below in node.descendants() {
        match &below.data().value {
            NodeValue::Text(literal) => text.push_str(literal),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

fn is_in_link<'a>(node: &'a AstNode<'a>) -> bool {
    node.ancestors().any(|above| matches!(above.data().value, NodeValue::Link(_)))
}

/// What in plain text was meant to be a link; places are in bytes of `masked`, which is `written`
/// with its tags filled.
fn plain_text(text: &str, masked: &str, written: &str) -> Vec<(usize, Problem)> {
    let mut found = Vec::new();
    if text.contains("](") {
        let at = masked.find("](").unwrap_or(0);
        let hint = "Between the round brackets stands the address alone, without blanks: write %20 \
                    for one, and %28 and %29 for round brackets.";
        found.push((at, odd_link("this is not read as a link").hint(hint)));
    } else if let Some((from, to)) = link_check::bare_address(text) {
        let address = &text[from..to];
        let at = masked.find(address).unwrap_or(0);
        let shown = written.get(at..at + address.len()).unwrap_or(address);
        let message = format!("`{shown}` is text, and not in every mail program a link");
        let hint = format!("Write [what it leads to]({}).", with_scheme(shown));
        let problem = Problem::warning("bare-address", message).hint(hint);
        found.push((at, problem));
    }
    found
}

fn odd_link(message: &str) -> Problem {
    Problem::warning("odd-link", message)
}

fn with_scheme(address: &str) -> String {
    let has_one = address.contains("://");
    if has_one { address.to_owned() } else { format!("https://{address}") }
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
        check("see https://x.example/{{ recipient.x }}.", &[("bare-address", 3, 5)]);
        check("[https://x.example](https://x.example/a)", &[("link-text-differs", 3, 1)]);
        check("*a* [x](https://x.example/a b)", &[("odd-link", 3, 7)]);
        check("`https://x.example`", &[]);
        // A description or a text that is a value, whatever the length of its tag.
        for tag in ["{{ a }}", "{{ ab }}", "{{ abc }}", "{{ abcd }}"] {
            check(&format!("![{tag}](images/a.png)"), &[("missing-image", 3, 1)]);
            check(&format!("[{tag}](https://x.example)"), &[]);
        }
    }
}
