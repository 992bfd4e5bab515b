//! What the octets of a message must be before they may go to a relay.
//!
//! Owns the rules and their names; copies nothing. The transport asserts them at the wire, letter
//! by letter: a letter's own octets are looked at then, those it shares with others were looked at
//! when they were made ([`SharedChunk`](super::SharedChunk)).
//!
//! # Standards
//! RFC 5321 2.3.8 (lines end with CRLF and nothing else), 4.5.3.1.6 and RFC 5322 2.1.1 (998
//! octets), RFC 6532 (8-bit headers), RFC 1870 3 (which octets count).
//!
//! # Invariants
//! A message that passes holds no bare CR or LF and no NUL, and ends with a line end: no sequence
//! in it can be taken for its end by a relay that knows of doubled dots (security S1).
//!
//! # Failure
//! [`WireFault`]: a fault here is a mistake of ours, never the officer's.

use super::{Chunk, Message};
use crate::limits::MESSAGE_LINE_OCTETS_MAX;

/// What makes octets unfit for a relay, with the number of the line, from 1. In a shared chunk
/// lines count from its own beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// No octet at all.
    #[error("the message is empty")]
    Empty,
    /// NUL.
    #[error("line {line} of the message holds a NUL")]
    Nul {
        /// Where.
        line: usize,
    },
    /// CR without LF, or LF without CR (security S1).
    #[error("line {line} of the message holds half a line end")]
    HalfLineEnd {
        /// Where.
        line: usize,
    },
    /// A line longer than RFC 5322 2.1.1 allows.
    #[error("line {line} of the message is longer than {MESSAGE_LINE_OCTETS_MAX} octets")]
    LongLine {
        /// Where.
        line: usize,
    },
    /// An octet above 127 in a message that needs no SMTPUTF8, or in a shared chunk.
    #[error("line {line} of the message holds 8-bit text")]
    EightBit {
        /// Where.
        line: usize,
    },
    /// The last line, or the one before a shared chunk, has no line end.
    #[error("line {line} of the message has no line end")]
    NoLineEnd {
        /// Where.
        line: usize,
    },
}

/// What there is to know of octets that have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// How many lines.
    pub(super) lines: usize,
    /// Whether one of them begins with a dot, which DATA doubles.
    pub(super) has_leading_dot: bool,
    /// Whether blanks are single spaces with text behind them (RFC 6376 3.4.4).
    pub(super) is_relaxed: bool,
}

impl Message {
    /// Checks the rules of the wire over all chunks, also across their borders, and counts the
    /// octets as SIZE wants them. Costs a look at the message's own bytes only.
    ///
    /// # Errors
    /// The first [`WireFault`].
    pub fn check_wire(&self) -> Result<u64, WireFault> {
        let mut rules = Rules::new(self.envelope.needs_smtputf8());
        for chunk in &self.chunks {
            match chunk {
                Chunk::Own(bytes) => rules.take(bytes)?,
                Chunk::Shared(shared) => {
                    rules.end()?;
                    rules.line += shared.scanned()?.lines;
                }
            }
        }
        rules.end()?;
        match self.len() {
            0 => Err(WireFault::Empty),
            octets => Ok(octets as u64),
        }
    }
}

/// Looks through octets that must be whole lines in 7-bit.
pub(super) fn scan(bytes: &[u8]) -> Result<Scanned, WireFault> {
    let mut rules = Rules::new(false);
    rules.take(bytes)?;
    rules.end()?;
    let has_leading_dot = bytes.starts_with(b".") || memchr::memmem::find(bytes, b"\n.").is_some();
    Ok(Scanned { lines: rules.line - 1, has_leading_dot, is_relaxed: has_single_blanks(bytes) })
}

/// Whether every blank is one space with text behind it: base64 has none at all.
fn has_single_blanks(bytes: &[u8]) -> bool {
    let is_single = |at: usize| {
        bytes[at] == b' ' && !matches!(bytes.get(at + 1), None | Some(b' ' | b'\t' | b'\r'))
    };
    memchr::memchr2_iter(b' ', b'\t', bytes).all(is_single)
}

/// The rules, and where in the message they have come to: lines cross chunks.
struct Rules {
    /// From 1.
    line: usize,
    /// Of the current line, without its line end.
    line_octets: usize,
    /// The last octet was a CR, whose LF must follow.
    after_cr: bool,
    /// The transaction asks for SMTPUTF8.
    eight_bit_allowed: bool,
}

impl Rules {
    fn new(eight_bit_allowed: bool) -> Rules {
        Rules { line: 1, line_octets: 0, after_cr: false, eight_bit_allowed }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), WireFault> {
        if !self.eight_bit_allowed && !bytes.is_ascii() {
            let before = bytes.iter().take_while(|b| b.is_ascii()).filter(|b| **b == b'\n').count();
            return Err(WireFault::EightBit { line: self.line + before });
        }
        let mut start = 0;
        for at in memchr::memchr3_iter(b'\r', b'\n', 0, bytes) {
            self.text(at - start)?;
            self.mark(bytes[at])?;
            start = at + 1;
        }
        self.text(bytes.len() - start)
    }

    /// Octets that are none of CR, LF, NUL.
    fn text(&mut self, octets: usize) -> Result<(), WireFault> {
        if octets > 0 && self.after_cr {
            return Err(WireFault::HalfLineEnd { line: self.line });
        }
        self.line_octets += octets;
        if self.line_octets > MESSAGE_LINE_OCTETS_MAX {
            return Err(WireFault::LongLine { line: self.line });
        }
        Ok(())
    }

    /// One of CR, LF, NUL.
    fn mark(&mut self, octet: u8) -> Result<(), WireFault> {
        match (octet, self.after_cr) {
            (0, _) => Err(WireFault::Nul { line: self.line }),
            (b'\r', false) => {
                self.after_cr = true;
                Ok(())
            }
            (b'\n', true) => {
                (self.line, self.line_octets, self.after_cr) = (self.line + 1, 0, false);
                Ok(())
            }
            _ => Err(WireFault::HalfLineEnd { line: self.line }),
        }
    }

    /// Here a line must have ended.
    fn end(&self) -> Result<(), WireFault> {
        match (self.after_cr, self.line_octets) {
            (true, _) => Err(WireFault::HalfLineEnd { line: self.line }),
            (false, 0) => Ok(()),
            _ => Err(WireFault::NoLineEnd { line: self.line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Envelope, SharedChunk};
    use super::*;
    use crate::address::EmailAddress;

    fn check(chunks: Vec<Chunk>, smtputf8: bool) -> Result<u64, WireFault> {
        let address = EmailAddress::parse("ana@town.example").unwrap();
        let envelope = Envelope { reverse_path: address.clone(), forward_path: address, smtputf8 };
        Message { envelope, message_id: String::new(), chunks }.check_wire()
    }

    fn own(message: &[u8], size: usize) -> Vec<Chunk> {
        message.chunks(size).map(|bytes| Chunk::Own(bytes.to_vec())).collect()
    }

    /// Security S1: no piece is at fault by itself, their borders are.
    #[test]
    fn wire_rules_hold_across_chunks() {
        let long = [vec![b'x'; MESSAGE_LINE_OCTETS_MAX + 1], b"\r\n".to_vec()].concat();
        let full = [vec![b'x'; MESSAGE_LINE_OCTETS_MAX], b"\r\n".to_vec()].concat();
        for (message, expected) in [
            (&b"a\r\n\r\nb\r\n"[..], Ok(8)),
            (b".\r\n", Ok(3)),
            (&full, Ok(1_000)),
            (b"", Err(WireFault::Empty)),
            (b"a\r\n.\n.\r\n", Err(WireFault::HalfLineEnd { line: 2 })),
            (b"a\r.\r\n", Err(WireFault::HalfLineEnd { line: 1 })),
            (b"a\r\r\n", Err(WireFault::HalfLineEnd { line: 1 })),
            (b"a\n\r\n", Err(WireFault::HalfLineEnd { line: 1 })),
            (b"\n", Err(WireFault::HalfLineEnd { line: 1 })),
            (b"a\r\n\r", Err(WireFault::HalfLineEnd { line: 2 })),
            (b"a\r\n\0.\r\n", Err(WireFault::Nul { line: 2 })),
            (b"a\r\0\n.\r\n", Err(WireFault::Nul { line: 1 })),
            (b"a\r\nb", Err(WireFault::NoLineEnd { line: 2 })),
            (b"a\r\nb\r\n\xc3\xa9\r\n", Err(WireFault::EightBit { line: 3 })),
            (&long, Err(WireFault::LongLine { line: 1 })),
        ] {
            for size in [1, 2, 3, 5_000] {
                assert_eq!(check(own(message, size), false), expected, "{message:?} by {size}");
            }
        }
        assert_eq!(check(own(b"\xc3\xa9\r\n", 1), true), Ok(4));
    }

    /// A shared chunk is judged once, by the same rules, and a message with a bad one never leaves.
    #[test]
    fn a_shared_chunk_is_whole_lines_or_a_fault_of_every_message() {
        let shared = |bytes: &[u8]| Chunk::Shared(SharedChunk::new(bytes.to_vec()));
        let own = |bytes: &[u8]| Chunk::Own(bytes.to_vec());
        for (chunks, expected) in [
            (vec![own(b"a\r\n"), shared(b"b\r\n.\r\n"), own(b"c\r\n")], Ok(12)),
            (vec![shared(b"b\r\n")], Ok(3)),
            (vec![own(b"a"), shared(b"b\r\n")], Err(WireFault::NoLineEnd { line: 1 })),
            (vec![own(b"a\r"), shared(b"\nb\r\n")], Err(WireFault::HalfLineEnd { line: 1 })),
            (vec![own(b"a\r\n"), shared(b"b")], Err(WireFault::NoLineEnd { line: 1 })),
            (vec![own(b"a\r\n"), shared(b"b\n")], Err(WireFault::HalfLineEnd { line: 1 })),
            (vec![own(b"a\r\n"), shared(b"\xc3\xa9\r\n")], Err(WireFault::EightBit { line: 1 })),
            (vec![shared(b"a\r\nb\r\n"), own(b"\0\r\n")], Err(WireFault::Nul { line: 3 })),
        ] {
            assert_eq!(check(chunks.clone(), false), expected, "{chunks:?}");
        }
        assert!(check(vec![shared(b"\xc3\xa9\r\n")], true).is_err());
    }

    #[test]
    fn a_dot_at_the_start_of_a_shared_line_is_known() {
        for (bytes, expected) in [
            (&b".\r\n"[..], true),
            (b"a\r\n.b\r\n", true),
            (b"a.\r\nb.c\r\n", false),
            (b"\r\n", false),
        ] {
            let chunk = Chunk::Shared(SharedChunk::new(bytes.to_vec()));
            assert_eq!(chunk.may_have_leading_dot(), expected, "{bytes:?}");
        }
    }
}
