//! The relaxed forms of a message's header fields and body: what is hashed and signed.
//!
//! Owns what a relay may do to a message on its way without breaking its signature: fold header
//! lines, change capitals of their names, change blanks, drop blanks at the ends of lines and empty
//! lines at the end. A body is taken piece by piece; a piece shared by many messages that is in its
//! relaxed form already is hashed where it lies and never copied.
//!
//! # Standards
//! RFC 6376 3.4.2 (header), 3.4.4 (body), 3.7 (hashes).
//!
//! # Invariants
//! Lines end in CRLF and in nothing else, as `wire.rs` checks of every message.

use crate::message::Chunk;
use memchr::memchr;
use sha2::{Digest as _, Sha256};

/// SHA-256 of the relaxed body: the rest of the first chunk after the header, and all others.
pub(super) fn body_hash<'a>(first: &[u8], rest: impl IntoIterator<Item = &'a Chunk>) -> [u8; 32] {
    let mut body = Body::default();
    body.take(first);
    for chunk in rest {
        match chunk {
            Chunk::Shared(shared) if shared.is_relaxed() => body.take_relaxed(shared.bytes()),
            other => body.take(other.bytes()),
        }
    }
    body.end()
}

/// A body that is being hashed. Line ends and blanks wait until something follows them: at the end
/// of a line blanks do not count, at the end of the body empty lines do not.
#[derive(Default)]
struct Body {
    hash: Sha256,
    /// Whether anything was hashed.
    has_text: bool,
    /// Line ends not hashed yet.
    line_ends: usize,
    /// Whether blanks of the current line are not hashed yet.
    has_blank: bool,
}

impl Body {
    /// Octets in any form.
    fn take(&mut self, bytes: &[u8]) {
        let mut relaxed = Vec::with_capacity(bytes.len() + 2);
        for octet in bytes {
            match octet {
                b' ' | b'\t' => self.has_blank = true,
                // Its LF follows.
                b'\r' => {}
                b'\n' => {
                    self.line_ends += 1;
                    self.has_blank = false;
                }
                text => {
                    self.write_waiting(&mut relaxed);
                    relaxed.push(*text);
                }
            }
        }
        self.hash.update(&relaxed);
    }

    fn write_waiting(&mut self, out: &mut Vec<u8>) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            out.extend_from_slice(b"\r\n");
        }
        if std::mem::take(&mut self.has_blank) {
            out.push(b' ');
        }
        self.has_text = true;
    }

    /// Whole lines that are in their relaxed form; a shared chunk begins at the start of a line.
    fn take_relaxed(&mut self, bytes: &[u8]) {
        let mut text = bytes;
        let mut line_ends = 0;
        while let Some(before) = text.strip_suffix(b"\r\n") {
            text = before;
            line_ends += 1;
        }
        if !text.is_empty() {
            let mut waiting = Vec::new();
            self.write_waiting(&mut waiting);
            self.hash.update(&waiting);
            self.hash.update(text);
        }
        self.line_ends += line_ends;
    }

    /// The last line has its line end; a body without text is empty (RFC 6376 3.4.4).
    fn end(mut self) -> [u8; 32] {
        if self.has_text {
            self.hash.update(b"\r\n");
        }
        self.hash.finalize().into()
    }
}

/// The header fields of a block of header lines, in order, each with all its lines and line ends.
pub(super) fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::with_capacity(16);
    let mut rest = header;
    while !rest.is_empty() {
        let (field, after) = rest.split_at(field_end(rest));
        fields.push(field);
        rest = after;
    }
    fields
}

/// Where the first field ends: at the first line end that no blank follows.
fn field_end(header: &[u8]) -> usize {
    let mut end = 0;
    while let Some(at) = memchr(b'\n', &header[end..]) {
        end += at + 1;
        if !matches!(header.get(end), Some(b' ' | b'\t')) {
            return end;
        }
    }
    header.len()
}

/// The name of a field, and what stands behind the colon.
fn name_and_value(field: &[u8]) -> (&[u8], &[u8]) {
    let colon = memchr(b':', field).unwrap_or(field.len());
    (field[..colon].trim_ascii_end(), field.get(colon + 1..).unwrap_or_default())
}

/// Whether a field has this name, whatever its capitals.
pub(super) fn has_name(field: &[u8], name: &str) -> bool {
    name_and_value(field).0.eq_ignore_ascii_case(name.as_bytes())
}

/// Whether a field's name begins so, whatever its capitals; gives the name.
pub(super) fn name_with_start<'a>(field: &'a [u8], start: &str) -> Option<&'a str> {
    let name = name_and_value(field).0;
    let has_start = name.get(..start.len())?.eq_ignore_ascii_case(start.as_bytes());
    std::str::from_utf8(name).ok().filter(|_| has_start)
}

/// Adds the relaxed form of a field without its line end: name in small letters, one line, single
/// blanks, none around the colon and at the end.
pub(super) fn add_relaxed(out: &mut Vec<u8>, field: &[u8]) {
    let (name, value) = name_and_value(field);
    out.extend(name.iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let words = value.split(blank).filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}
