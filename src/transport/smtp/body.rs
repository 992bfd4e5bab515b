//! Makes a message fit for DATA: the wire rules first, then blocks with doubled dots.
//!
//! Owns what may stand in a message on the wire and its form between `354` and the final dot. Pure:
//! `transaction` decides when a block may leave.
//!
//! # Standards
//! RFC 5321 2.3.8 (lines end with CRLF and nothing else), 4.5.2 (doubled dots), 4.5.3.1.6 (line
//! length), 4.1.1.4 (end of the message); RFC 1870 3 (which octets count).
//!
//! # Invariants
//! After [`check`], no sequence that any relay could take for the end of the message stands before
//! the end of the last block (security S1): no bare CR or LF, no NUL, and a dot at the start of a
//! line is always doubled.

use crate::limits::{MESSAGE_BLOCK_OCTETS, MESSAGE_LINE_OCTETS_MAX};
use crate::message::Chunk;

/// Why a message must not reach the wire, with the number of the line. Our own mistake, always.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireFault {
    /// No octet at all.
    #[error("the message is empty")]
    Empty,
    /// A NUL.
    #[error("line {line} of the message holds a NUL")]
    Nul { line: usize },
    /// CR without LF, or LF without CR.
    #[error("line {line} of the message holds half a line end")]
    HalfLineEnd { line: usize },
    /// More than 998 octets.
    #[error("line {line} of the message is longer than {MESSAGE_LINE_OCTETS_MAX} octets")]
    LongLine { line: usize },
    /// An octet above 127 that no extension was asked for.
    #[error("line {line} of the message holds 8-bit text")]
    EightBit { line: usize },
    /// The last line is not ended.
    #[error("the last line of the message, {line}, has no line end")]
    NoLineEnd { line: usize },
}

/// Asserts the wire rules and counts the octets, as SIZE wants them: before dots are doubled.
///
/// # Errors
/// The first [`WireFault`].
pub(super) fn check(chunks: &[Chunk], eight_bit_allowed: bool) -> Result<u64, WireFault> {
    let mut rules = Rules { line: 1, line_octets: 0, after_cr: false, eight_bit_allowed };
    let mut octets = 0;
    for chunk in chunks {
        rules.take(chunk_bytes(chunk))?;
        octets += chunk_bytes(chunk).len() as u64;
    }
    match (octets, rules.after_cr, rules.line_octets) {
        (0, ..) => Err(WireFault::Empty),
        (_, true, _) => Err(WireFault::HalfLineEnd { line: rules.line }),
        (_, false, 0) => Ok(octets),
        _ => Err(WireFault::NoLineEnd { line: rules.line }),
    }
}

/// The wire rules, and where in the message they have come to: lines cross chunks.
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
}

/// A checked message as DATA wants it, block by block.
pub(super) struct Blocks<'a> {
    chunks: std::slice::Iter<'a, Chunk>,
    /// What is left of the current chunk.
    rest: &'a [u8],
    /// The next octet begins a line.
    at_line_start: bool,
}

impl<'a> Blocks<'a> {
    /// The blocks of a message that [`check`] has passed.
    pub(super) fn new(chunks: &'a [Chunk]) -> Blocks<'a> {
        Blocks { chunks: chunks.iter(), rest: &[], at_line_start: true }
    }

    /// Replaces `block` by the next block of about [`MESSAGE_BLOCK_OCTETS`]. True for the last one,
    /// which ends with the final dot and is held back until the permit.
    pub(super) fn fill(&mut self, block: &mut Vec<u8>) -> bool {
        block.clear();
        while self.has_more() {
            if block.len() >= MESSAGE_BLOCK_OCTETS {
                return false;
            }
            self.copy_some(block);
        }
        block.extend_from_slice(b".\r\n");
        true
    }

    /// Moves on to the next chunk that holds something.
    fn has_more(&mut self) -> bool {
        while self.rest.is_empty() {
            match self.chunks.next() {
                Some(chunk) => self.rest = chunk_bytes(chunk),
                None => return false,
            }
        }
        true
    }

    /// Copies up to the next dot at the start of a line, which is doubled (RFC 5321 4.5.2), or as
    /// much as the block takes.
    fn copy_some(&mut self, block: &mut Vec<u8>) {
        let room = MESSAGE_BLOCK_OCTETS.saturating_sub(block.len()).min(self.rest.len());
        let window = &self.rest[..room];
        let doubled = memchr::memchr_iter(b'.', window).find(|at| match at.checked_sub(1) {
            Some(before) => window[before] == b'\n',
            None => self.at_line_start,
        });
        let taken = doubled.map_or(room, |at| at + 1);
        block.extend_from_slice(&window[..taken]);
        if doubled.is_some() {
            block.push(b'.');
        }
        self.at_line_start = window[taken - 1] == b'\n';
        self.rest = &self.rest[taken..];
    }
}

/// The bytes of a chunk, whoever owns them.
fn chunk_bytes(chunk: &Chunk) -> &[u8] {
    match chunk {
        Chunk::Own(bytes) => bytes,
        Chunk::Shared(bytes) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The message in chunks of `size` octets, own and shared in turn.
    fn chunks(message: &[u8], size: usize) -> Vec<Chunk> {
        let chunk = |(n, bytes): (usize, &[u8])| match n % 2 {
            0 => Chunk::Own(bytes.to_vec()),
            _ => Chunk::Shared(bytes.into()),
        };
        message.chunks(size).enumerate().map(chunk).collect()
    }

    fn blocks(chunks: &[Chunk]) -> Vec<Vec<u8>> {
        let (mut made, mut blocks, mut block) = (Vec::new(), Blocks::new(chunks), Vec::new());
        while !blocks.fill(&mut block) {
            made.push(block.clone());
        }
        made.push(block);
        made
    }

    /// What a relay makes of it: doubled dots single again, final dot gone (RFC 5321 4.5.2).
    fn received(wire: &[u8]) -> Vec<u8> {
        let text = wire.strip_suffix(b".\r\n").unwrap();
        let lines = text.split_inclusive(|b| *b == b'\n');
        lines.flat_map(|l| l.strip_prefix(b".").unwrap_or(l)).copied().collect()
    }

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
            (b"a\r\n\r", Err(WireFault::HalfLineEnd { line: 2 })),
            (b"a\r\n\0.\r\n", Err(WireFault::Nul { line: 2 })),
            (b"a\r\0\n.\r\n", Err(WireFault::Nul { line: 1 })),
            (b"a\r\nb", Err(WireFault::NoLineEnd { line: 2 })),
            (b"a\r\nb\r\n\xc3\xa9\r\n", Err(WireFault::EightBit { line: 3 })),
            (&long, Err(WireFault::LongLine { line: 1 })),
        ] {
            for size in [1, 2, 3, 5_000] {
                assert_eq!(check(&chunks(message, size), false), expected, "{message:?} by {size}");
            }
        }
        assert_eq!(check(&chunks(b"\xc3\xa9\r\n", 1), true), Ok(4));
    }

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled() {
        for (message, wire) in [
            (&b"a\r\n"[..], &b"a\r\n.\r\n"[..]),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"a.b\r\n.c\r\n..\r\n", b"a.b\r\n..c\r\n...\r\n.\r\n"),
            (b"\r\n.\r\nMAIL FROM:<x@y>\r\n", b"\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
        ] {
            for size in [1, 2, 3, 100] {
                assert_eq!(blocks(&chunks(message, size)).concat(), wire, "{message:?} by {size}");
            }
        }
    }

    #[test]
    fn the_final_dot_is_in_the_block_that_is_held_back() {
        let line = [vec![b'x'; 62], b"\r\n".to_vec()].concat();
        for lines in [1, 1_023, 1_024, 1_025, 3_000] {
            let message = line.repeat(lines);
            let made = blocks(&chunks(&message, 1_000));
            let full = (message.len() - 1) / MESSAGE_BLOCK_OCTETS;
            assert_eq!(made.len(), full + 1, "{lines} lines");
            assert!(made[..full].iter().all(|b| b.len() == MESSAGE_BLOCK_OCTETS));
            assert_eq!(made.concat(), [&message[..], b".\r\n"].concat());
        }
    }

    proptest! {
        /// Security S1: whatever the letter says, strict and lax relays find one end, the last.
        #[test]
        fn no_relay_finds_an_end_before_the_end(
            parts in prop::collection::vec(prop::sample::select(&["\r\n", ".", "a"][..]), 0..40),
            size in 1_usize..9,
        ) {
            let message = [parts.concat().as_bytes(), b"\r\n"].concat();
            let chunks = chunks(&message, size);
            prop_assert_eq!(check(&chunks, false), Ok(message.len() as u64));
            let wire = blocks(&chunks).concat();
            // As the relay sees it: behind `DATA CRLF`, and without the very last octet.
            let seen = [b"\r\n", &wire[..wire.len() - 1]].concat();
            let ends: [&[u8]; 5] = [b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r"];
            for end in ends {
                let found = seen.windows(end.len()).position(|w| w == end);
                prop_assert!(found.is_none_or(|at| at + end.len() == seen.len()));
            }
            prop_assert_eq!(received(&wire), message);
        }
    }
}
