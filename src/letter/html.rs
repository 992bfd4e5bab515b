//! Writes a letter's tree as HTML with the styles in each element.
//!
//! Owns the form of the elements and the escaping of everything that stands in them. The page
//! around them is the layout's (`layout.rs`).
//!
//! # Standards
//! HTML as mail readers take it: tables and inline styles, `dir` on what Word's engine does not
//! let inherit. A line feed after each block keeps source lines short.
//!
//! # Invariants
//! Only elements named in this file come out, whatever the source and the values are (security
//! S8).

use super::attachment::size_text;
use super::link;
use super::markdown::{Page, is_attachment_table, readable, text_of};
use super::style::Element;
use super::{Attachment, Image, direction};
use crate::limits::{LETTER_BYTES_MAX, TEMPLATE_NESTING_MAX};
use crate::problem::Problem;
use comrak::nodes::{AstNode, ListType, NodeValue, TableAlignment};
use std::sync::Arc;

/// What writing found besides the HTML.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The images shown, each once, in order.
    pub images: Vec<Arc<Image>>,
    /// What cannot be shown as the source says.
    pub problems: Vec<Problem>,
}

/// Writes the children of a document.
pub(super) fn write<'a>(
    root: &'a AstNode<'a>,
    page: Page<'_>,
    findings: &mut Findings,
    out: &mut String,
) {
    let right_to_left = page.language.is_right_to_left();
    let mut writer = Writer { page, right_to_left, findings, out, depth: 0 };
    writer.blocks(root, false);
}

/// Appends a text with the characters that HTML knows replaced, for text and attributes alike.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate() {
        let replaced = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        out.push_str(&text[run..at]);
        out.push_str(replaced);
        run = at + 1;
    }
    out.push_str(&text[run..]);
}

struct Writer<'p, 'o> {
    page: Page<'p>,
    right_to_left: bool,
    findings: &'o mut Findings,
    out: &'o mut String,
    /// How many elements are open: the tree is written by recursion.
    depth: usize,
}

impl Writer<'_, '_> {
    /// Whether there is room for one more element; says so once where there is not.
    fn has_room(&mut self) -> bool {
        let room = self.depth < TEMPLATE_NESTING_MAX && self.out.len() < LETTER_BYTES_MAX;
        if !room && self.findings.problems.is_empty() {
            let problem = Problem::error("letter-too-big", "the letter is too large or too nested");
            self.findings.problems.push(problem.hint("Write the letter more simply."));
        }
        room
    }

    fn open(&mut self, name: &str, element: Element) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(self.page.styles.of(element));
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// The attribute that lists and tables need from right to left.
    fn direction(&self) -> &'static str {
        if self.right_to_left { " dir=\"rtl\"" } else { "" }
    }

    fn blocks<'a>(&mut self, parent: &'a AstNode<'a>, tight: bool) {
        self.depth += 1;
        for node in parent.children() {
            if self.has_room() {
                self.block(node, tight);
            }
        }
        self.depth -= 1;
    }

    fn block<'a>(&mut self, node: &'a AstNode<'a>, tight: bool) {
        match &node.data().value {
            NodeValue::Paragraph if is_attachment_table(node) => self.attachment_table(),
            NodeValue::Paragraph if tight => {
                self.inlines(node);
                self.out.push('\n');
            }
            NodeValue::Paragraph => self.wrapped("p", Element::P, node),
            NodeValue::Heading(heading) => match heading.level {
                1 => self.wrapped("h1", Element::H1, node),
                2 => self.wrapped("h2", Element::H2, node),
                3 => self.wrapped("h3", Element::H3, node),
                _ => self.wrapped("h4", Element::H4, node),
            },
            NodeValue::BlockQuote => {
                self.open("blockquote", Element::Blockquote);
                self.out.push('\n');
                self.blocks(node, false);
                self.out.push_str("</blockquote>\n");
            }
            NodeValue::List(list) => {
                self.list(node, list.list_type == ListType::Ordered, list.start, list.tight);
            }
            NodeValue::CodeBlock(code) => self.code_block(&code.literal),
            NodeValue::ThematicBreak => {
                self.open("hr", Element::Hr);
                self.out.push('\n');
            }
            NodeValue::Table(table) => self.table(node, &table.alignments),
            NodeValue::HtmlBlock(html) => self.code_block(&html.literal),
            _ => self.blocks(node, tight),
        }
    }

    fn wrapped<'a>(&mut self, name: &str, element: Element, node: &'a AstNode<'a>) {
        self.open(name, element);
        self.inlines(node);
        self.close(name);
        self.out.push('\n');
    }

    fn list<'a>(&mut self, node: &'a AstNode<'a>, ordered: bool, start: usize, tight: bool) {
        let (name, element) = if ordered { ("ol", Element::Ol) } else { ("ul", Element::Ul) };
        self.out.push('<');
        self.out.push_str(name);
        if ordered && start != 1 {
            self.out.push_str(&format!(" start=\"{start}\""));
        }
        self.out.push_str(self.direction());
        self.out.push_str(self.page.styles.of(element));
        self.out.push_str(">\n");
        for item in node.children() {
            self.open("li", Element::Li);
            self.blocks(item, tight);
            if self.out.ends_with('\n') {
                self.out.pop();
            }
            self.out.push_str("</li>\n");
        }
        self.close(name);
        self.out.push('\n');
    }

    fn code_block(&mut self, literal: &str) {
        self.open("pre", Element::Pre);
        let text = readable(literal, self.right_to_left);
        escape(text.trim_end_matches('\n'), self.out);
        self.out.push_str("</pre>\n");
    }

    fn table<'a>(&mut self, node: &'a AstNode<'a>, alignments: &[TableAlignment]) {
        self.out.push_str("<table cellspacing=\"0\" cellpadding=\"0\" border=\"0\"");
        self.out.push_str(self.direction());
        self.out.push_str(self.page.styles.of(Element::Table));
        self.out.push_str(">\n");
        for row in node.children() {
            let is_header = matches!(row.data().value, NodeValue::TableRow(true));
            let (name, element) = if is_header { ("th", Element::Th) } else { ("td", Element::Td) };
            self.out.push_str("<tr>\n");
            for (index, cell) in row.children().enumerate() {
                self.out.push('<');
                self.out.push_str(name);
                self.out.push_str(match alignments.get(index) {
                    Some(TableAlignment::Left) => " align=\"left\"",
                    Some(TableAlignment::Center) => " align=\"center\"",
                    Some(TableAlignment::Right) => " align=\"right\"",
                    _ if self.right_to_left => " align=\"right\"",
                    _ => " align=\"left\"",
                });
                self.out.push_str(self.page.styles.of(element));
                self.out.push('>');
                self.inlines(cell);
                self.close(name);
                self.out.push('\n');
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</table>\n");
    }

    fn attachment_table(&mut self) {
        let attachments = self.page.attachments;
        if attachments.is_empty() {
            return;
        }
        self.out.push_str("<table class=\"attachments\" cellspacing=\"0\" cellpadding=\"0\"");
        self.out.push_str(" border=\"0\" width=\"100%\"");
        self.out.push_str(self.direction());
        self.out.push_str(self.page.styles.of(Element::Attachments));
        self.out.push_str(">\n");
        for attachment in attachments {
            self.attachment_row(attachment);
        }
        self.out.push_str("</table>\n");
    }

    fn attachment_row(&mut self, attachment: &Attachment) {
        let isolated = |text: &str| direction::isolated(text, self.right_to_left);
        let (title, name) = (isolated(&attachment.title), isolated(&attachment.name));
        let size = isolated(&size_text(attachment.octets, self.page.language));
        self.out.push_str("<tr>\n");
        self.cell("attachment-number", Element::AttachmentNumber);
        self.out.push_str(&format!("({})</td>\n", attachment.number));
        self.cell("attachment-title", Element::AttachmentTitle);
        escape(&title, self.out);
        self.out.push_str("<br>\n<span class=\"attachment-file\"");
        self.out.push_str(self.page.styles.of(Element::AttachmentFile));
        self.out.push('>');
        escape(&name, self.out);
        self.out.push_str("</span></td>\n");
        self.cell("attachment-size", Element::AttachmentSize);
        escape(&size, self.out);
        self.out.push_str("</td>\n</tr>\n");
    }

    fn cell(&mut self, class: &str, element: Element) {
        self.out.push_str("<td class=\"");
        self.out.push_str(class);
        self.out.push('"');
        self.out.push_str(self.page.styles.of(element));
        self.out.push('>');
    }

    fn inlines<'a>(&mut self, parent: &'a AstNode<'a>) {
        self.depth += 1;
        for node in parent.children() {
            if self.has_room() {
                self.inline(node);
            }
        }
        self.depth -= 1;
    }

    fn inline<'a>(&mut self, node: &'a AstNode<'a>) {
        match &node.data().value {
            NodeValue::Text(literal) => self.text(literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => self.out.push_str("<br>\n"),
            NodeValue::Code(code) => {
                self.open("code", Element::Code);
                self.text(&code.literal);
                self.close("code");
            }
            NodeValue::Strong => {
                self.open("strong", Element::Strong);
                self.inlines(node);
                self.close("strong");
            }
            NodeValue::Emph => {
                self.open("em", Element::Em);
                self.inlines(node);
                self.close("em");
            }
            NodeValue::Link(link) => self.link(node, &link.url),
            NodeValue::Image(image) => self.image(node, &image.url),
            NodeValue::HtmlInline(html) => self.text(html),
            _ => self.inlines(node),
        }
    }

    fn text(&mut self, literal: &str) {
        escape(&readable(literal, self.right_to_left), self.out);
    }

    fn link<'a>(&mut self, node: &'a AstNode<'a>, url: &str) {
        match link::address(url) {
            Ok(address) => {
                self.out.push_str("<a href=\"");
                escape(&address, self.out);
                self.out.push('"');
                self.out.push_str(self.page.styles.of(Element::A));
                self.out.push('>');
                self.inlines(node);
                self.out.push_str("</a>");
            }
            Err(problem) => {
                self.findings.problems.push(*problem);
                self.inlines(node);
            }
        }
    }

    fn image<'a>(&mut self, node: &'a AstNode<'a>, url: &str) {
        match self.page.images.find(url) {
            Ok(image) => {
                self.out.push_str("<img src=\"cid:");
                escape(&image.content_id, self.out);
                self.out.push_str("\" alt=\"");
                escape(&text_of(node, self.right_to_left), self.out);
                self.out.push('"');
                self.out.push_str(self.page.styles.of(Element::Img));
                self.out.push('>');
                show(&mut self.findings.images, image);
            }
            Err(problem) => self.findings.problems.push(*problem),
        }
    }
}

/// Adds an image to those a letter shows, once.
pub(super) fn show(shown: &mut Vec<Arc<Image>>, image: &Arc<Image>) {
    if !shown.iter().any(|i| i.content_id == image.content_id) {
        shown.push(Arc::clone(image));
    }
}
