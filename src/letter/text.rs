//! Writes a letter's tree as plain text.
//!
//! Owns how emphasis, lists, links, tables read without a layout. Lines end where the author ended
//! them and nowhere else: readers wrap to their own width, which a fixed 76 columns breaks on
//! telephones, and Chinese and Arabic have no fixed width to count. The message's transfer
//! encoding keeps lines within RFC 5322's 998.
//!
//! # Standards
//! None for the form; widths by Unicode Standard Annex 11. Not format=flowed (RFC 3676): readers
//! that do not know it would show its soft breaks.

use super::attachment::size_text;
use super::markdown::{Page, is_attachment_table, readable, text_of};
use super::{direction, link};
use comrak::nodes::{AstNode, ListDelimType, ListType, NodeList, NodeValue, TableAlignment};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// Display columns of a table before it is written row by row.
const TABLE_COLUMNS_MAX: usize = 78;
/// Display columns of a line under a heading.
const RULE_COLUMNS_MAX: usize = 72;

/// Writes the children of a document; ends with one line feed, or is empty.
pub(super) fn write<'a>(root: &'a AstNode<'a>, page: Page<'_>, out: &mut String) {
    let writer = Writer { page, right_to_left: page.language.is_right_to_left() };
    writer.blocks(root, false, out);
}

struct Writer<'p> {
    page: Page<'p>,
    right_to_left: bool,
}

impl Writer<'_> {
    /// Writes blocks with an empty line between them, or none in a tight list.
    fn blocks<'a>(&self, parent: &'a AstNode<'a>, tight: bool, out: &mut String) {
        for node in parent.children() {
            let start = out.len();
            self.block(node, out);
            let written = out[start..].trim_end_matches('\n').len();
            out.truncate(start + written);
            if written == 0 {
                continue;
            }
            out.push('\n');
            if start > 0 && !tight {
                out.insert(start, '\n');
            }
        }
    }

    fn block<'a>(&self, node: &'a AstNode<'a>, out: &mut String) {
        match &node.data().value {
            NodeValue::Paragraph if is_attachment_table(node) => self.attachment_table(out),
            NodeValue::Paragraph => self.inlines(node, out),
            NodeValue::Heading(heading) => self.heading(node, heading.level, out),
            NodeValue::BlockQuote => {
                let mut inner = String::new();
                self.blocks(node, false, &mut inner);
                indent(&inner, "> ", "> ", out);
            }
            NodeValue::List(list) => self.list(node, list, out),
            NodeValue::CodeBlock(code) => {
                indent(&readable(&code.literal, self.right_to_left), "    ", "    ", out);
            }
            NodeValue::HtmlBlock(html) => {
                out.push_str(&readable(&html.literal, self.right_to_left));
            }
            NodeValue::ThematicBreak => out.push_str("* * *"),
            NodeValue::Table(table) => self.table(node, &table.alignments, out),
            _ => self.blocks(node, false, out),
        }
    }

    /// First and second level are underlined; the others stand for themselves.
    fn heading<'a>(&self, node: &'a AstNode<'a>, level: u8, out: &mut String) {
        let start = out.len();
        self.inlines(node, out);
        let columns = out[start..].lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
        let rule = if level == 1 { "=" } else { "-" };
        if level <= 2 && columns > 0 {
            out.push('\n');
            out.push_str(&rule.repeat(columns.min(RULE_COLUMNS_MAX)));
        }
    }

    fn list<'a>(&self, node: &'a AstNode<'a>, list: &NodeList, out: &mut String) {
        let mark = if list.delimiter == ListDelimType::Paren { ')' } else { '.' };
        for (index, item) in node.children().enumerate() {
            let mut inner = String::new();
            self.blocks(item, list.tight, &mut inner);
            let first = match list.list_type {
                ListType::Ordered => format!("{}{mark} ", list.start + index),
                ListType::Bullet => "- ".to_owned(),
            };
            if index > 0 && !list.tight {
                out.push('\n');
            }
            indent(&inner, &first, &" ".repeat(first.len()), out);
        }
    }

    fn attachment_table(&self, out: &mut String) {
        for attachment in self.page.attachments {
            let size = size_text(attachment.octets, self.page.language);
            let isolated = |text: &str| direction::isolated(text, self.right_to_left);
            // Writing into a string does not fail.
            let _ = writeln!(
                out,
                "({}) {} — {}, {}",
                attachment.number,
                isolated(&attachment.title),
                isolated(&attachment.name),
                isolated(&size),
            );
        }
    }

    fn table<'a>(&self, node: &'a AstNode<'a>, alignments: &[TableAlignment], out: &mut String) {
        let rows: Vec<Vec<String>> =
            node.children().map(|row| row.children().map(|c| self.cell(c)).collect()).collect();
        let width_of = |column: usize| {
            rows.iter().filter_map(|r| r.get(column)).map(|c| c.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..alignments.len()).map(width_of).collect();
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        if total > TABLE_COLUMNS_MAX {
            return stacked(&rows, out);
        }
        for (index, row) in rows.iter().enumerate() {
            let start = out.len();
            for (column, cell) in row.iter().enumerate() {
                let alignment = alignments.get(column).copied().unwrap_or(TableAlignment::None);
                aligned(cell, widths.get(column).copied().unwrap_or(0), alignment, out);
                out.push_str("  ");
            }
            out.truncate(start + out[start..].trim_end().len());
            out.push('\n');
            if index == 0 {
                let rules: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
                out.push_str(rules.join("  ").trim_end());
                out.push('\n');
            }
        }
    }

    fn cell<'a>(&self, cell: &'a AstNode<'a>) -> String {
        let mut text = String::new();
        self.inlines(cell, &mut text);
        text.replace('\n', " ")
    }

    fn inlines<'a>(&self, parent: &'a AstNode<'a>, out: &mut String) {
        for node in parent.children() {
            match &node.data().value {
                NodeValue::Text(literal) => out.push_str(&readable(literal, self.right_to_left)),
                NodeValue::Code(code) => {
                    out.push_str(&readable(&code.literal, self.right_to_left));
                }
                NodeValue::HtmlInline(html) => out.push_str(&readable(html, self.right_to_left)),
                NodeValue::SoftBreak | NodeValue::LineBreak => out.push('\n'),
                NodeValue::Link(link) => self.link(node, &link.url, out),
                NodeValue::Image(_) => {
                    let _ = write!(out, "[{}]", text_of(node, self.right_to_left));
                }
                _ => self.inlines(node, out),
            }
        }
    }

    /// `text (address)`, or the address alone where the text says no more.
    fn link<'a>(&self, node: &'a AstNode<'a>, url: &str, out: &mut String) {
        let start = out.len();
        self.inlines(node, out);
        // An address that is not allowed has been reported by the HTML side.
        let Ok(address) = link::address(url) else { return };
        let mail = address.strip_prefix("mailto:");
        let text = &out[start..];
        if mail == Some(text) || text == address {
            return;
        }
        let shown = mail.unwrap_or(&address);
        let bare = shown.trim_start_matches("https://").trim_start_matches("http://");
        if text.is_empty() || text.trim_end_matches('/') == bare.trim_end_matches('/') {
            out.truncate(start);
            out.push_str(shown);
        } else {
            let _ = write!(out, " ({shown})");
        }
    }
}

/// Writes lines with what stands before the first and before the others.
fn indent(text: &str, first: &str, others: &str, out: &mut String) {
    for (index, line) in text.trim_end_matches('\n').split('\n').enumerate() {
        let before = if index == 0 { first } else { others };
        out.push_str(if line.is_empty() { before.trim_end() } else { before });
        out.push_str(line);
        out.push('\n');
    }
}

fn aligned(cell: &str, width: usize, alignment: TableAlignment, out: &mut String) {
    let missing = width.saturating_sub(cell.width());
    let before = match alignment {
        TableAlignment::Right => missing,
        TableAlignment::Center => missing / 2,
        TableAlignment::Left | TableAlignment::None => 0,
    };
    out.push_str(&" ".repeat(before));
    out.push_str(cell);
    out.push_str(&" ".repeat(missing - before));
}

/// A table too wide for lines: each row as lines of `header: value`, an empty line between rows.
fn stacked(rows: &[Vec<String>], out: &mut String) {
    let Some((header, rows)) = rows.split_first() else { return };
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match header.get(column).filter(|name| !name.is_empty()) {
                Some(name) => out.push_str(&format!("{name}: {cell}\n")),
                None => out.push_str(&format!("{cell}\n")),
            }
        }
    }
}
