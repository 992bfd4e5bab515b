//! Reads a letter's source file: mail header lines to the first empty line, then the body.
//!
//! Owns the names of header lines and where each value and the body stand in the file. What is in
//! them is a template, which `tags.rs` and `names.rs` look into. No value is changed here.
//!
//! # Standards
//! RFC 5322 2.2: `Name: value`, a line that begins with a blank continues the one before.

use crate::problem::{Place, Problem, Problems, nearest};
use std::ops::Range;

/// A header line that a letter may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderName {
    /// `Subject:`, required.
    Subject,
    /// `Preview:`, what a list of messages shows beside the subject.
    Preview,
    /// `Reply-To:`, which beats the sender's.
    ReplyTo,
}

/// Spellings in lower case; the subject has one for each language of the sample.
const NAMES: &[(&str, HeaderName)] = &[
    ("subject", HeaderName::Subject),
    ("objet", HeaderName::Subject),
    ("asunto", HeaderName::Subject),
    ("тема", HeaderName::Subject),
    ("主题", HeaderName::Subject),
    ("الموضوع", HeaderName::Subject),
    ("preview", HeaderName::Preview),
    ("reply-to", HeaderName::ReplyTo),
];

/// Where the parts of a letter's source stand, as byte ranges of the file's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// The value of `Subject:`.
    pub subject: Option<Range<usize>>,
    /// The value of `Preview:`.
    pub preview: Option<Range<usize>>,
    /// The value of `Reply-To:`.
    pub reply_to: Option<Range<usize>>,
    /// From the first line after the empty one to the end.
    pub body: Range<usize>,
}

/// A file's text with lines ended by LF and without a byte order mark.
pub(super) fn with_plain_line_ends(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Finds the header lines and the body; every problem is kept.
pub(super) fn parts(file: &str, text: &str, problems: &mut Problems) -> Parts {
    let mut parts = Parts { body: text.len()..text.len(), ..Parts::default() };
    let mut at = text.len() - text.trim_start_matches('\n').len();
    let mut last: Option<HeaderName> = None;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let line = &text[at..end];
        if line.trim().is_empty() {
            parts.body = (end + 1).min(text.len())..text.len();
            break;
        }
        if line.starts_with([' ', '\t']) && at > 0 {
            if let Some(value) = last.and_then(|name| slot(&mut parts, name).as_mut()) {
                value.end = end;
            }
        } else if let Some((name, value)) = header_line(line) {
            let found = known(name);
            match found {
                Some(name) => {
                    if slot(&mut parts, name).replace(at + value..end).is_some() {
                        problems.push(duplicate(file, text, at, line));
                    }
                }
                None => problems.push(unknown(file, text, at, name)),
            }
            last = found;
        } else {
            problems.push(not_a_header(file, text, at));
            parts.body = at..text.len();
            break;
        }
        at = end + 1;
    }
    if parts.subject.is_none() {
        problems.push(
            Problem::error("missing-subject", "the letter has no subject")
                .hint("Begin the file with a line `Subject: ...`, then an empty line.")
                .place(Place::line(file, 1)),
        );
    }
    parts
}

fn slot(parts: &mut Parts, name: HeaderName) -> &mut Option<Range<usize>> {
    match name {
        HeaderName::Subject => &mut parts.subject,
        HeaderName::Preview => &mut parts.preview,
        HeaderName::ReplyTo => &mut parts.reply_to,
    }
}

/// The name of a header line and where its value begins, in bytes.
fn header_line(line: &str) -> Option<(&str, usize)> {
    let colon = line.find([':', '：'])?;
    let name = line[..colon].trim();
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '{');
    let width = line[colon..].chars().next().map_or(1, char::len_utf8);
    is_name.then_some((name, colon + width))
}

fn known(name: &str) -> Option<HeaderName> {
    let name = name.to_lowercase();
    NAMES.iter().find(|(spelling, _)| *spelling == name).map(|(_, name)| *name)
}

fn unknown(file: &str, text: &str, at: usize, name: &str) -> Problem {
    let hint = match nearest(name, ["Subject", "Preview", "Reply-To"]) {
        Some(near) => format!("Did you mean `{near}`? There are Subject, Preview and Reply-To."),
        None => "A letter begins with Subject, Preview or Reply-To, then an empty line.".to_owned(),
    };
    Problem::error("unknown-header", format!("a letter has no header line `{name}`"))
        .hint(hint)
        .place(Place::of_offset(file, text, at))
}

fn duplicate(file: &str, text: &str, at: usize, line: &str) -> Problem {
    let name = header_line(line).map_or(line, |(name, _)| name);
    Problem::error("duplicate-header", format!("there is a second header line `{name}`"))
        .hint("Keep one of them.")
        .place(Place::of_offset(file, text, at))
}

fn not_a_header(file: &str, text: &str, at: usize) -> Problem {
    Problem::error("not-a-header", "this is no header line, and no empty line stands before it")
        .hint("Put an empty line between the header lines and the letter.")
        .place(Place::of_offset(file, text, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, subject: &str, body: &str, codes: &[&str]) {
        let mut problems = Problems::new();
        let parts = parts("en.md", text, &mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.code).collect();
        assert_eq!(found, codes, "{text:?}");
        assert_eq!(parts.subject.map_or("", |r| text[r].trim()), subject, "{text:?}");
        assert_eq!(&text[parts.body], body, "{text:?}");
    }

    #[test]
    fn header_lines_end_at_the_first_empty_line() {
        check("Subject: Hello\n\nBody\n\nmore", "Hello", "Body\n\nmore", &[]);
        check("\n\nOBJET: Salut\n \nCorps", "Salut", "Corps", &[]);
        check("主题：你好\n\n正文", "你好", "正文", &[]);
        check("الموضوع: شكرًا\n\nنص", "شكرًا", "نص", &[]);
        check("Тема: Привет\nPreview: x\n\nтекст", "Привет", "текст", &[]);
        check("Subject: a\n b\n\nBody", "a\n b", "Body", &[]);
        check("Subject: only", "only", "", &[]);
    }

    #[test]
    fn other_header_lines_are_errors() {
        check("Subjct: x\n\nBody", "", "Body", &["unknown-header", "missing-subject"]);
        check("Subject: a\nBcc: x@y.example\n\nB", "a", "B", &["unknown-header"]);
        check("Subject: a\nAsunto: b\n\nB", "b", "B", &["duplicate-header"]);
        check("Dear all,\n\nB", "", "Dear all,\n\nB", &["not-a-header", "missing-subject"]);
    }
}
