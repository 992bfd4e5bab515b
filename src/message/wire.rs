//! What the octets of a message must be before they may go to a relay, checked chunk by chunk.
//!
//! Owns the rules and their names; copies nothing. The transport asserts them again at the wire.
//!
//! # Standards
//! RFC 5321 2.3.8 and 4.5.3.1.6 (lines), RFC 5322 2.1.1 (998 octets), RFC 6532 (8-bit headers).
//!
//! # Failure
//! [`WireFault`]: a fault here is a mistake of ours, never the officer's.

use super::Message;
use crate::limits::MESSAGE_LINE_OCTETS_MAX;

/// What makes octets unfit for a relay, with the offset from the start of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// CR without LF after it (security S1).
    #[error("a bare CR at octet {offset}")]
    BareCr {
        /// Where.
        offset: usize,
    },
    /// LF without CR before it (security S1).
    #[error("a bare LF at octet {offset}")]
    BareLf {
        /// Where.
        offset: usize,
    },
    /// NUL.
    #[error("a NUL at octet {offset}")]
    Nul {
        /// Where.
        offset: usize,
    },
    /// A line longer than RFC 5322 2.1.1 allows.
    #[error("a line of more than 998 octets at octet {offset}")]
    LongLine {
        /// Where the limit was passed.
        offset: usize,
    },
    /// An 8-bit octet in a message that needs no SMTPUTF8.
    #[error("an 8-bit octet at octet {offset}")]
    EightBit {
        /// Where.
        offset: usize,
    },
    /// The last line has no line end.
    #[error("no line end at the end")]
    NoLastLineEnd,
}

impl Message {
    /// Checks the rules of the wire over all chunks, also across their borders.
    ///
    /// # Errors
    /// The first [`WireFault`].
    pub fn check_wire(&self) -> Result<(), WireFault> {
        check(self.chunks(), self.envelope.smtputf8)
    }
}

/// Checks octets that come in pieces.
fn check<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    eight_bit_allowed: bool,
) -> Result<(), WireFault> {
    let mut before = b'\n';
    let mut line_octets = 0;
    let mut last = (0, b'\n');
    for (offset, octet) in pieces.flatten().copied().enumerate() {
        match (before, octet) {
            (b'\r', b'\n') => line_octets = 0,
            (b'\r', _) => return Err(WireFault::BareCr { offset: offset - 1 }),
            (_, b'\n') => return Err(WireFault::BareLf { offset }),
            (_, 0) => return Err(WireFault::Nul { offset }),
            (_, b'\r') => {}
            (_, 128..) if !eight_bit_allowed => return Err(WireFault::EightBit { offset }),
            _ => line_octets += 1,
        }
        if line_octets > MESSAGE_LINE_OCTETS_MAX {
            return Err(WireFault::LongLine { offset });
        }
        before = octet;
        last = (offset, octet);
    }
    match last {
        (offset, b'\r') => Err(WireFault::BareCr { offset }),
        (_, b'\n') => Ok(()),
        _ => Err(WireFault::NoLastLineEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_pieces(pieces: &[&[u8]]) -> Result<(), WireFault> {
        check(pieces.iter().copied(), false)
    }

    /// Security S1: no piece is at fault by itself, their borders are.
    #[test]
    fn faults_are_found_also_across_borders() {
        for (pieces, fault) in [
            (&[b"a\r".as_slice(), b"\nb\r\n"][..], Ok(())),
            (&[b"a\r", b"b\r\n"], Err(WireFault::BareCr { offset: 1 })),
            (&[b"a", b"\nb\r\n"], Err(WireFault::BareLf { offset: 1 })),
            (&[b"\n"], Err(WireFault::BareLf { offset: 0 })),
            (&[b"a\r\r\n"], Err(WireFault::BareCr { offset: 1 })),
            (&[b"a\r\n\r"], Err(WireFault::BareCr { offset: 3 })),
            (&[b"a\0\r\n"], Err(WireFault::Nul { offset: 1 })),
            (&[b"a\r\n", b"\xc3\xa9\r\n"], Err(WireFault::EightBit { offset: 3 })),
            (&[b"a\r\nb"], Err(WireFault::NoLastLineEnd)),
            (&[&[b'a'; 500], &[b'b'; 498], b"\r\n"], Ok(())),
            (&[&[b'a'; 500], &[b'b'; 499], b"\r\n"], Err(WireFault::LongLine { offset: 998 })),
        ] {
            assert_eq!(check_pieces(pieces), fault, "{pieces:?}");
        }
        assert_eq!(check([b"\xc3\xa9\r\n".as_slice()].into_iter(), true), Ok(()));
    }
}
