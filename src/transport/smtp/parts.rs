//! Octets that leave one after the other although they lie apart: commands, a message's own bytes,
//! and the parts it shares with other messages.
//!
//! Owns the form of a message on the wire, for DATA and for BDAT, and how much of it is left. It
//! copies nothing: a doubled dot is a part of its own. Pure: `transaction` decides when what may
//! leave, `wire` moves it.
//!
//! # Standards
//! RFC 5321 4.5.2 (doubled dots), 4.1.1.4 (end of the message); RFC 3030 2 (BDAT: the octets as
//! they are).
//!
//! # Invariants
//! Of a message that `Message::check_wire` has passed, no sequence that any relay could take for
//! its end stands before the end of [`Parts::push_stuffed`]'s octets (security S1): a dot at the
//! start of a line is always doubled.

use crate::message::Chunk;
use std::io::IoSlice;

/// Octets on their way out.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    parts: Vec<&'a [u8]>,
    /// How many of them are gone whole.
    gone: usize,
    /// Octets left.
    octets: usize,
}

impl<'a> Parts<'a> {
    /// One text, a command for instance.
    pub(super) fn of(text: &'a str) -> Parts<'a> {
        let mut parts = Parts::default();
        parts.push(text.as_bytes());
        parts
    }

    /// Octets as they are; a part is never empty.
    pub(super) fn push(&mut self, octets: &'a [u8]) {
        if !octets.is_empty() {
            self.parts.push(octets);
            self.octets += octets.len();
        }
    }

    /// A message as BDAT wants it: as it is.
    pub(super) fn push_plain(&mut self, chunks: &'a [Chunk]) {
        chunks.iter().for_each(|chunk| self.push(chunk.bytes()));
    }

    /// A message as DATA wants it: dots at the start of lines doubled, and the final dot.
    pub(super) fn push_stuffed(&mut self, chunks: &'a [Chunk]) {
        let mut at_line_start = true;
        for chunk in chunks {
            match chunk.bytes() {
                bytes if chunk.may_have_leading_dot() => self.push_doubled(bytes, at_line_start),
                bytes => self.push(bytes),
            }
            at_line_start = chunk.bytes().last().map_or(at_line_start, |last| *last == b'\n');
        }
        self.push(b".\r\n");
    }

    /// Octets with a second dot before each that begins a line (RFC 5321 4.5.2).
    fn push_doubled(&mut self, bytes: &'a [u8], at_line_start: bool) {
        let begins_line = |at: &usize| match at.checked_sub(1) {
            Some(before) => bytes[before] == b'\n',
            None => at_line_start,
        };
        let mut start = 0;
        for at in memchr::memchr_iter(b'.', bytes).filter(begins_line) {
            self.push(&bytes[start..at]);
            self.push(b".");
            start = at;
        }
        self.push(&bytes[start..]);
    }

    /// Octets left.
    pub(super) fn len(&self) -> usize {
        self.octets
    }

    /// Whether all has gone.
    pub(super) fn is_empty(&self) -> bool {
        self.octets == 0
    }

    /// The next octets but for the last `keep`, for one write: fills `slices` and returns how many
    /// it has filled.
    pub(super) fn fill<'s>(&'s self, slices: &mut [IoSlice<'s>], keep: usize) -> usize {
        let mut room = self.octets.saturating_sub(keep);
        let mut filled = 0;
        for (slice, part) in slices.iter_mut().zip(&self.parts[self.gone..]) {
            if room == 0 {
                break;
            }
            let taken = part.len().min(room);
            *slice = IoSlice::new(&part[..taken]);
            room -= taken;
            filled += 1;
        }
        filled
    }

    /// So many octets have gone.
    pub(super) fn advance(&mut self, octets: usize) {
        self.octets = self.octets.saturating_sub(octets);
        let mut left = octets;
        while let Some(part) = self.parts.get_mut(self.gone) {
            if left < part.len() {
                *part = &part[left..];
                return;
            }
            left -= part.len();
            self.gone += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SharedChunk;
    use proptest::prelude::*;

    fn own(message: &[u8], size: usize) -> Vec<Chunk> {
        message.chunks(size).map(|bytes| Chunk::Own(bytes.to_vec())).collect()
    }

    /// Everything but the last `keep` octets, in writes of which the relay takes `step` octets.
    fn written(parts: &mut Parts<'_>, keep: usize, step: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        while parts.len() > keep {
            let mut slices = [IoSlice::new(&[]); 2];
            let filled = parts.fill(&mut slices, keep);
            let offered: Vec<u8> = slices[..filled].iter().flat_map(|s| s.to_vec()).collect();
            let taken = offered.len().min(step);
            wire.extend_from_slice(&offered[..taken]);
            parts.advance(taken);
        }
        wire
    }

    fn stuffed(chunks: &[Chunk]) -> Vec<u8> {
        let mut parts = Parts::default();
        parts.push_stuffed(chunks);
        written(&mut parts, 0, usize::MAX)
    }

    /// What a relay makes of it: doubled dots single again, final dot gone (RFC 5321 4.5.2).
    fn received(wire: &[u8]) -> Vec<u8> {
        let text = wire.strip_suffix(b".\r\n").unwrap();
        let lines = text.split_inclusive(|b| *b == b'\n');
        lines.flat_map(|l| l.strip_prefix(b".").unwrap_or(l)).copied().collect()
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
                assert_eq!(stuffed(&own(message, size)), wire, "{message:?} by {size}");
            }
            let shared = [Chunk::Own(vec![]), Chunk::Shared(SharedChunk::new(message.to_vec()))];
            assert_eq!(stuffed(&shared), wire, "{message:?} shared");
        }
    }

    #[test]
    fn what_is_shared_is_not_copied() {
        let shared = SharedChunk::new(b"a\r\nb.c\r\n".to_vec());
        let chunks = [Chunk::Own(b"x\r\n".to_vec()), Chunk::Shared(shared.clone())];
        let (mut plain, mut stuffed) = (Parts::default(), Parts::default());
        plain.push_plain(&chunks);
        stuffed.push_stuffed(&chunks);
        for parts in [plain, stuffed] {
            assert!(parts.parts.iter().any(|part| std::ptr::eq(*part, shared.bytes())));
        }
    }

    #[test]
    fn what_is_kept_back_stays() {
        let mut parts = Parts::of("abc");
        parts.push(b"");
        parts.push(b"defgh");
        assert_eq!(written(&mut parts, 4, 1), b"abcd");
        assert_eq!((parts.len(), parts.is_empty()), (4, false));
        assert_eq!(written(&mut parts, 5, 1), b"");
        assert_eq!(written(&mut parts, 0, 3), b"efgh");
        assert!(parts.is_empty());
    }

    proptest! {
        /// Security S1: whatever the letter says, strict and lax relays find one end, the last.
        #[test]
        fn no_relay_finds_an_end_before_the_end(
            words in prop::collection::vec(prop::sample::select(&["\r\n", ".", "a"][..]), 0..40),
            size in 1_usize..9,
            step in 1_usize..9,
            keep in 0_usize..50,
        ) {
            let message = [words.concat().as_bytes(), b"\r\n"].concat();
            let chunks = own(&message, size);
            let wire = stuffed(&chunks);
            // As the relay sees it: behind `DATA CRLF`, and without the very last octet.
            let seen = [b"\r\n", &wire[..wire.len() - 1]].concat();
            let ends: [&[u8]; 5] = [b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r"];
            for end in ends {
                let found = seen.windows(end.len()).position(|w| w == end);
                prop_assert!(found.is_none_or(|at| at + end.len() == seen.len()));
            }
            prop_assert_eq!(received(&wire), message);
            // In whatever pieces it goes.
            let mut parts = Parts::default();
            parts.push_stuffed(&chunks);
            let pieces = [written(&mut parts, keep, step), written(&mut parts, 0, step)];
            prop_assert_eq!(pieces.concat(), wire);
        }
    }
}
