//! The MIME tree: `mixed{ alternative{ plain, related{ html, images } }, attachments }`, a level
//! with one part left out.
//!
//! Owns the multiparts and their boundaries, and which bytes are a message's own and which are
//! shared with others. What stands in a part is in `part.rs`.
//!
//! # Standards
//! RFC 2046 5.1 (multipart), RFC 2387 (related).
//!
//! # Invariants
//! Boundaries follow from the message's identity, and none can be a line of a part: they begin with
//! `=_`, which neither quoted-printable nor base64 can hold (RFC 2045 6.7 and 6.8).

use super::{Chunk, Draft, EncodedPart, part};
use crate::id::{Digest, base32};
use lettre::message::header::Headers;
use std::io::Write as _;

/// Writes a message: the headers before those of the tree, and the tree.
pub(super) fn write(draft: &Draft<'_>, headers: &Headers, identity: &Digest) -> Vec<Chunk> {
    let mut tree = Tree::new(draft, identity);
    // Writing to a Vec cannot fail, here and below.
    let _ = write!(tree.own, "{headers}");
    tree.write_mixed(draft);
    tree.into_chunks()
}

/// A message that is being put together: chunks done, and own bytes not yet in one.
struct Tree {
    chunks: Vec<Chunk>,
    own: Vec<u8>,
    /// What the boundaries have in common.
    boundary: String,
}

impl Tree {
    fn new(draft: &Draft<'_>, identity: &Digest) -> Tree {
        let files = draft.attachments.len() + draft.images.len();
        let texts = draft.letter.text.len() + draft.letter.html.len();
        Tree {
            chunks: Vec::with_capacity(2 * files + 1),
            // Base64 makes a text longer by not quite two fifths.
            own: Vec::with_capacity(texts + texts / 5 * 2 + 2_048),
            boundary: base32(&identity.as_bytes()[20..]),
        }
    }

    /// `mixed{ alternative, attachments }`, or the first of them alone.
    fn write_mixed(&mut self, draft: &Draft<'_>) {
        if draft.attachments.is_empty() {
            return self.write_alternative(draft);
        }
        self.write_multipart('m', "mixed");
        self.write_boundary('m');
        self.write_alternative(draft);
        for attachment in draft.attachments {
            self.write_boundary('m');
            self.write_shared(&attachment.part);
        }
        self.write_last_boundary('m');
    }

    /// `alternative{ plain, related }`, or the first of them alone.
    fn write_alternative(&mut self, draft: &Draft<'_>) {
        if draft.letter.html.is_empty() {
            return part::write_text(&mut self.own, "text/plain", &draft.letter.text);
        }
        self.write_multipart('a', "alternative");
        self.write_boundary('a');
        part::write_text(&mut self.own, "text/plain", &draft.letter.text);
        self.write_boundary('a');
        self.write_related(draft);
        self.write_last_boundary('a');
    }

    /// `related{ html, images }`, or the first of them alone.
    fn write_related(&mut self, draft: &Draft<'_>) {
        if draft.images.is_empty() {
            return part::write_text(&mut self.own, "text/html", &draft.letter.html);
        }
        // RFC 2387 3.1: the type of the part that shows the others.
        self.write_multipart('r', "related; type=\"text/html\"");
        self.write_boundary('r');
        part::write_text(&mut self.own, "text/html", &draft.letter.html);
        for image in draft.images {
            self.write_boundary('r');
            self.write_shared(image);
        }
        self.write_last_boundary('r');
    }

    fn write_multipart(&mut self, level: char, subtype: &str) {
        let boundary = &self.boundary;
        let _ = write!(
            self.own,
            "Content-Type: multipart/{subtype};\r\n boundary=\"=_{level}{boundary}\"\r\n"
        );
    }

    /// A boundary with the line ends that belong to it; after a header, the first of them makes the
    /// empty line (RFC 2046 5.1.1).
    fn write_boundary(&mut self, level: char) {
        let line_end = self.line_end();
        let _ = write!(self.own, "{line_end}--=_{level}{}\r\n", self.boundary);
    }

    fn write_last_boundary(&mut self, level: char) {
        let line_end = self.line_end();
        let _ = write!(self.own, "{line_end}--=_{level}{}--", self.boundary);
    }

    /// The line end before a boundary; a shared part has brought it.
    fn line_end(&self) -> &'static str {
        if self.own.is_empty() { "" } else { "\r\n" }
    }

    fn write_shared(&mut self, part: &EncodedPart) {
        self.chunks.push(Chunk::Own(std::mem::take(&mut self.own)));
        self.chunks.push(Chunk::Shared(part.chunk.clone()));
    }

    /// The last line gets its line end where a part has not written it.
    fn into_chunks(mut self) -> Vec<Chunk> {
        if !self.own.ends_with(b"\r\n") {
            self.own.extend_from_slice(b"\r\n");
        }
        self.chunks.push(Chunk::Own(self.own));
        self.chunks
    }
}
