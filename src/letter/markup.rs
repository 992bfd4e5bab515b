//! Looks through the HTML of a layout: nothing in it may load or run anything.
//!
//! Owns finding tags and attributes, and turning `src="images/..."` into `cid:`. It does not repair
//! HTML and does not judge its beauty.
//!
//! # Standards
//! HTML Living Standard 13.1.2 (elements, attributes) as far as a scanner needs them. Comments for
//! Outlook (`<!--[if mso]>`) are looked through like the rest: Outlook reads them.

use super::image::Images;
use super::layout::SLOTS;
use super::{Image, html, link};
use crate::problem::Problem;
use std::sync::Arc;

/// A layout's HTML as it goes out.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The HTML, images as `cid:`.
    pub html: String,
    /// The images it shows.
    pub images: Vec<Arc<Image>>,
    /// What is wrong, with the piece of HTML it is about.
    pub found: Vec<(String, Problem)>,
}

/// Elements that load, run or send something, or lead elsewhere.
const REFUSED: &[&str] = &[
    "script", "link", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input",
    "button", "base", "video", "audio", "source", "track", "svg", "math", "portal", "template",
];
/// Attributes that load or send something.
const REFUSED_ATTRIBUTES: &[&str] = &[
    "srcset",
    "background",
    "poster",
    "data",
    "action",
    "formaction",
    "xlink:href",
    "ping",
    "longdesc",
    "lowsrc",
    "dynsrc",
    "srcdoc",
    "codebase",
    "classid",
];

/// Looks through HTML and settles its images.
pub(super) fn settled(html: &str, images: &Images) -> Settled {
    let mut settled = Settled { html: String::with_capacity(html.len()), ..Settled::default() };
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        settled.html.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = if let Some(comment) = rest.strip_prefix("<!--") {
            let length = comment_length(comment);
            settled.html.push_str(&rest[..length]);
            length
        } else {
            settled.tag(rest, images)
        };
        rest = &rest[length..];
    }
    settled.html.push_str(rest);
    settled
}

/// How much of a comment is passed over: all of it, or its opening where Outlook reads on.
fn comment_length(comment: &str) -> usize {
    let opening = "<!--".len();
    if comment.starts_with("[if") {
        return opening + comment.find("]>").map_or(comment.len(), |i| i + 2);
    }
    if comment.starts_with('>') {
        return opening + 1;
    }
    opening + comment.find("-->").map_or(comment.len(), |i| i + 3)
}

impl Settled {
    /// Takes what begins with `<`; its length in bytes.
    fn tag(&mut self, rest: &str, images: &Images) -> usize {
        let name_length =
            rest[1..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b':').count();
        let name = rest[1..1 + name_length].to_ascii_lowercase();
        if name.is_empty() {
            // A closing tag, a declaration, the end of a comment for Outlook.
            let length = rest.find('>').map_or(rest.len(), |i| i + 1);
            self.html.push_str(&rest[..length]);
            return length;
        }
        let (attributes, length) = attributes(rest, 1 + name_length);
        self.look_at(&name, rest, &attributes);
        self.write_tag(&rest[..length], &attributes, name == "img", images);
        if name != "style" {
            return length;
        }
        let end = rest[length..].find("</style").map_or(rest.len(), |i| length + i);
        self.look_at_css(&rest[length..end]);
        self.html.push_str(&rest[length..end]);
        end
    }

    fn found(&mut self, written: &str, message: String, hint: &str) {
        let problem = Problem::error("bad-layout", message).hint(hint);
        self.found.push((written.to_owned(), problem));
    }

    fn look_at(&mut self, name: &str, rest: &str, attributes: &[Attribute<'_>]) {
        const NOTHING_LOADED: &str = "A letter loads nothing and runs nothing; leave it out.";
        let value_of = |wanted: &str| {
            attributes.iter().find(|a| a.name.eq_ignore_ascii_case(wanted)).map(|a| a.value)
        };
        let refreshes = name == "meta"
            && value_of("http-equiv").is_some_and(|v| v.eq_ignore_ascii_case("refresh"));
        if REFUSED.contains(&name) || refreshes {
            let message = format!("`<{name}>` cannot stand in a layout");
            self.found(&rest[..1 + name.len()], message, NOTHING_LOADED);
        }
        if name == "img" && value_of("alt").is_none_or(|alt| alt.trim().is_empty()) {
            let message = "an image has no description".to_owned();
            self.found("<img", message, "Write alt=\"what it shows\".");
        }
        for attribute in attributes {
            let lower = attribute.name.to_ascii_lowercase();
            if REFUSED_ATTRIBUTES.contains(&lower.as_str()) || lower.starts_with("on") {
                let message = format!("the attribute `{lower}` cannot stand in a layout");
                self.found(attribute.name, message, NOTHING_LOADED);
            }
            if lower == "src" && name != "img" {
                let message = format!("`<{name} src>` cannot stand in a layout");
                self.found(attribute.value, message, NOTHING_LOADED);
            }
            let address = unescaped(attribute.value);
            if lower == "href" && !link::is_allowed(&address) && !address.starts_with('#') {
                let problem = link::refused(&address);
                self.found.push((attribute.value.to_owned(), problem));
            }
            if lower == "style" {
                self.look_at_css(attribute.value);
            }
            if attribute.value.contains([SLOTS[0].1, SLOTS[1].1]) {
                let message = "body and footer cannot stand inside a tag".to_owned();
                self.found(attribute.name, message, "Put them between tags.");
            }
        }
    }

    fn look_at_css(&mut self, css: &str) {
        let lower = css.to_ascii_lowercase();
        for loader in ["url(", "@import", "expression(", "image-set(", "behavior:", "\\"] {
            if lower.contains(loader) {
                let message = format!("`{loader}` cannot stand in a layout's styles");
                let at = lower.find(loader).unwrap_or_default();
                let written = css.get(at..at + loader.len()).unwrap_or_default();
                self.found(written, message, "Nothing is loaded by a letter; leave it out.");
            }
        }
        if css.contains(|c| SLOTS.iter().any(|(_, mark, _)| *mark == c)) {
            let message = "a slot cannot stand in styles".to_owned();
            self.found("<style", message, "Put it between tags.");
        }
    }

    /// Writes a tag, its image as `cid:`.
    fn write_tag(&mut self, tag: &str, attributes: &[Attribute<'_>], img: bool, images: &Images) {
        let source = attributes.iter().find(|a| img && a.name.eq_ignore_ascii_case("src"));
        let Some(source) = source else {
            self.html.push_str(tag);
            return;
        };
        match images.find(&unescaped(source.value)) {
            Ok(image) => {
                self.html.push_str(&tag[..source.at]);
                self.html.push_str("cid:");
                self.html.push_str(&image.content_id);
                self.html.push_str(&tag[source.at + source.value.len()..]);
                html::show(&mut self.images, image);
            }
            Err(problem) => {
                self.found.push((source.value.to_owned(), *problem));
                self.html.push_str(tag);
            }
        }
    }
}

/// An attribute of a tag.
#[derive(Debug)]
struct Attribute<'a> {
    name: &'a str,
    /// As written, without quotation marks.
    value: &'a str,
    /// Where the value begins, in bytes of the tag.
    at: usize,
}

/// The attributes of a tag from after its name, and the tag's length.
fn attributes(tag: &str, from: usize) -> (Vec<Attribute<'_>>, usize) {
    let mut attributes = Vec::new();
    let mut at = from;
    loop {
        let skipped = tag[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        at = tag.len() - skipped.len();
        if skipped.is_empty() {
            return (attributes, tag.len());
        }
        if skipped.starts_with('>') {
            return (attributes, at + 1);
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
        let first = skipped.chars().next().map_or(1, char::len_utf8);
        let length = skipped[first..].find(ends).map_or(skipped.len(), |i| i + first);
        let name = &skipped[..length];
        at += length;
        let after = tag[at..].trim_start();
        let Some(after) = after.strip_prefix('=') else {
            attributes.push(Attribute { name, value: "", at });
            continue;
        };
        let after = after.trim_start();
        at = tag.len() - after.len();
        let (start, end, next) = value(after);
        attributes.push(Attribute { name, value: &after[start..end], at: at + start });
        at += next;
    }
}

/// Where a value begins and ends, and where to read on.
fn value(text: &str) -> (usize, usize, usize) {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => match text[1..].find(quote) {
            Some(i) => (1, 1 + i, 2 + i),
            None => (1, text.len(), text.len()),
        },
        _ => {
            let ends = |c: char| c.is_whitespace() || c == '>';
            let end = text.find(ends).unwrap_or(text.len());
            (0, end, end)
        }
    }
}

/// An attribute's value with the entities that the engine writes put back.
fn unescaped(value: &str) -> String {
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, messages: &[&str]) {
        let settled = settled(html, &Images::default());
        let found: Vec<_> = settled.found.iter().map(|(_, p)| p.message.as_str()).collect();
        assert_eq!(found.len(), messages.len(), "{html}: {found:?}");
        for (found, message) in found.iter().zip(messages) {
            assert!(found.contains(message), "{html}: {found}");
        }
    }

    #[test]
    fn a_plain_page_passes() {
        let page = "<!doctype html>\n<html lang=\"en\" dir=ltr><head><meta charset=\"utf-8\">\
                    <style>@media (x) { p { color: red !important } }</style></head>\
                    <!--[if mso]><table width='600'><tr><td><![endif]--><p>a &lt; b</p>\
                    <a href=\"https://x.example/?a=1&amp;b=2\">x</a><br/></html>";
        check(page, &[]);
        assert_eq!(settled(page, &Images::default()).html, page);
    }

    #[test]
    fn s8_a_layout_loads_and_runs_nothing() {
        check("<script>alert(1)</script>", &["<script>"]);
        check("<LINK rel=stylesheet href=\"https://x.example/a.css\">", &["<link>"]);
        check("<img src=\"https://x.example/a.png\" alt=\"x\">", &["not sent along"]);
        check("<img src=//x.example/a.png alt=x>", &["not sent along"]);
        check("<img alt=\"x\" src=\"images/none.png\">", &["no image"]);
        check("<img src>", &["no description", "no image"]);
        check("<td background=\"https://x.example/a.png\">", &["background"]);
        check("<p style=\"background:URL(https://x)\">", &["url("]);
        check("<style>@import 'x';</style>", &["@import"]);
        check("<style>p{background:u\\72l(x)}</style>", &["\\"]);
        check("<a href=\"javascript:alert(1)\">x</a>", &["cannot link"]);
        check("<a href=javascript:alert(1)>x</a>", &["cannot link"]);
        check("<p onclick='x'>", &["onclick"]);
        check("<meta http-equiv=\"Refresh\" content=\"0;url=https://x\">", &["<meta>"]);
        check("<!--[if mso]><v:fill src=\"https://x\"/><![endif]-->", &["src"]);
        check("<p title=\"\u{6FFFE}\">", &["inside a tag"]);
    }
}
