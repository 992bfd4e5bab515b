//! What was left in a Word file: changes that are tracked, comments.
//!
//! Owns reading the directory of a ZIP archive as far as the parts of a text document. Spreadsheets
//! and slides are looked at for comments only.
//!
//! # Standards
//! APPNOTE 4.3 (ZIP), ECMA-376 17.13.4 (comments), 17.13.5 (revisions).

use super::lexer::Budget;
use crate::limits::PDF_STREAM_BYTES_MAX;
use flate2::read::DeflateDecoder;
use memchr::memmem;
use std::io::Read;

/// What a careful person would take out before the file goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfficeFacts {
    /// Changes that nobody has accepted or refused.
    pub tracked_changes: u32,
    /// Comments.
    pub comments: u32,
}

/// A file in an archive.
struct Member<'a> {
    name: &'a [u8],
    method: u16,
    packed: &'a [u8],
}

/// Looks into an Office file; `None` when it is no archive that can be read.
pub(super) fn look_into(bytes: &[u8], budget: &Budget) -> Option<OfficeFacts> {
    let mut facts = OfficeFacts::default();
    for member in members(bytes)? {
        let is_text = member.name == b"word/document.xml";
        let is_comments = member.name.starts_with(b"word/comments.xml")
            || member.name.starts_with(b"ppt/comments/")
            || member.name.starts_with(b"xl/comments")
            || member.name.starts_with(b"xl/threadedComments/");
        if !is_text && !is_comments {
            continue;
        }
        let Some(text) = unpacked(&member, budget) else { continue };
        let count = |tags: &[&str]| -> u32 {
            tags.iter().map(|tag| memmem::find_iter(&text, tag).count() as u32).sum()
        };
        if is_text {
            facts.tracked_changes += count(&["<w:ins ", "<w:del ", "<w:moveFrom "]);
        } else {
            facts.comments += count(&["<w:comment ", "<comment ", "<p:cm ", "<threadedComment "]);
        }
    }
    Some(facts)
}

fn unpacked(member: &Member<'_>, budget: &Budget) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let limit = PDF_STREAM_BYTES_MAX.min(budget.left()) as u64;
    match member.method {
        0 => text.extend_from_slice(member.packed),
        8 => drop(DeflateDecoder::new(member.packed).take(limit).read_to_end(&mut text)),
        _ => return None,
    }
    budget.pay(text.len()).then_some(text)
}

/// The members by the central directory (APPNOTE 4.3.12).
fn members(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let number = |at: usize, length: usize| {
        let digits = bytes.get(at..at.checked_add(length)?)?;
        Some(digits.iter().rev().fold(0_usize, |n, b| n << 8 | usize::from(*b)))
    };
    let tail = bytes.len().saturating_sub(66_000);
    let end = tail + memmem::rfind(&bytes[tail..], b"PK\x05\x06")?;
    let (count, mut at) = (number(end + 10, 2)?, number(end + 16, 4)?);
    let mut members = Vec::new();
    for _ in 0..count {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let (method, packed) = (number(at + 10, 2)?, number(at + 20, 4)?);
        let (name, extra, remark) = (number(at + 28, 2)?, number(at + 30, 2)?, number(at + 32, 2)?);
        let local = number(at + 42, 4)?;
        let begins = local + 30 + number(local + 26, 2)? + number(local + 28, 2)?;
        members.push(Member {
            name: bytes.get(at + 46..at + 46 + name)?,
            method: method as u16,
            packed: bytes.get(begins..begins.checked_add(packed)?)?,
        });
        at += 46 + name + extra + remark;
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of these files, stored.
    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        let short = |n: usize| (n as u16).to_le_bytes();
        let long = |n: usize| (n as u32).to_le_bytes();
        for (name, text) in files {
            let at = bytes.len();
            let sizes = [long(0), long(text.len()), long(text.len())].concat();
            bytes.extend([&b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..], &sizes].concat());
            bytes.extend([short(name.len()), short(0)].concat());
            bytes.extend([name.as_bytes(), text.as_bytes()].concat());
            directory.extend([&b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..], &sizes].concat());
            directory.extend([short(name.len()), short(0), short(0), short(0), short(0)].concat());
            directory.extend([&long(0)[..], &long(at), name.as_bytes()].concat());
        }
        let at = bytes.len();
        bytes.extend(&directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend([short(files.len()), short(files.len())].concat());
        bytes.extend([&long(directory.len())[..], &long(at), &short(0)].concat());
        bytes
    }

    #[test]
    fn tracked_changes_and_comments_are_counted() {
        let budget = Budget::new(1_000_000);
        let left = archive(&[
            ("word/document.xml", "<w:p><w:ins w:id=\"1\"/><w:del w:id=\"2\"/></w:p><w:insideH/>"),
            ("word/comments.xml", "<w:comments><w:comment w:id=\"0\"/></w:comments>"),
        ]);
        let facts = OfficeFacts { tracked_changes: 2, comments: 1 };
        assert_eq!(look_into(&left, &budget), Some(facts));
        let clean =
            archive(&[("word/document.xml", "<w:p/>"), ("word/comments.xml", "<w:comments/>")]);
        assert_eq!(look_into(&clean, &budget), Some(OfficeFacts::default()));
        for cut in 0..left.len() {
            let _ = look_into(&left[..cut], &budget);
        }
        assert_eq!(look_into(b"PK\x05\x06", &budget), None);
    }
}
