//! The pieces a message lies in: its own bytes, and parts that it shares with other messages.
//!
//! Owns the shared part: encoded once for a run, looked through once for the rules of the wire, and
//! from then on neither copied nor looked at again, however many letters carry it. The rules are
//! those of `wire.rs`.
//!
//! # Invariants
//! A [`SharedChunk`] never changes, so what was found out when it was made stays true.

use super::wire::{self, Scanned, WireFault};
use std::sync::{Arc, Weak};

/// A piece of a message: its own bytes, or bytes shared with other messages.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// This message's. Lines may cross from one into the next.
    Own(Vec<u8>),
    /// An encoded part, shared: whole lines.
    Shared(SharedChunk),
}

impl Chunk {
    /// The octets, whoever owns them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Chunk::Own(bytes) => bytes,
            Chunk::Shared(shared) => shared.bytes(),
        }
    }

    /// Whether a line in it may begin with a dot; own bytes are not looked at.
    #[must_use]
    pub fn may_have_leading_dot(&self) -> bool {
        match self {
            Chunk::Own(_) => true,
            Chunk::Shared(shared) => shared.scanned.as_ref().is_ok_and(|s| s.has_leading_dot),
        }
    }
}

/// Whole lines in 7-bit that many messages hold, looked through once.
#[derive(Clone, Debug)]
pub struct SharedChunk {
    /// As they were made, not moved into the count's own memory: that would be a copy, and memory
    /// that a [`FormerChunk`] holds on to.
    bytes: Arc<Vec<u8>>,
    /// What the rules of the wire say of them.
    scanned: Result<Scanned, WireFault>,
}

impl SharedChunk {
    /// Looks through these octets and keeps them. A fault in them is every message's that holds
    /// them, and [`Message::check_wire`](super::Message::check_wire) tells it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> SharedChunk {
        let scanned = wire::scan(&bytes);
        SharedChunk { bytes: Arc::new(bytes), scanned }
    }

    /// The octets: whole lines, each with its CRLF.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A handle that does not keep the octets.
    #[must_use]
    pub fn former(&self) -> FormerChunk {
        FormerChunk { bytes: Arc::downgrade(&self.bytes), scanned: self.scanned }
    }

    /// Whether its lines are in the relaxed form of a body (RFC 6376 3.4.4) as they are, but for
    /// empty lines at the end.
    pub(super) fn is_relaxed(&self) -> bool {
        self.scanned.as_ref().is_ok_and(|s| s.is_relaxed)
    }

    /// What was found out when it was made.
    pub(super) fn scanned(&self) -> Result<Scanned, WireFault> {
        self.scanned
    }
}

/// A [`SharedChunk`] that may be gone: it is there as long as a message that holds it.
#[derive(Clone, Debug)]
pub struct FormerChunk {
    bytes: Weak<Vec<u8>>,
    scanned: Result<Scanned, WireFault>,
}

impl FormerChunk {
    /// The chunk, where it is still there.
    #[must_use]
    pub fn still_there(&self) -> Option<SharedChunk> {
        Some(SharedChunk { bytes: self.bytes.upgrade()?, scanned: self.scanned })
    }
}
