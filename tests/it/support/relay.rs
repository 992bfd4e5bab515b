//! The program's own rehearsal relay, as tests use it: one that cannot be started fails the test.
//!
//! Owns nothing else: what it does and counts is `src/rehearsal/relay`, which has its own tests
//! and, in `relays.rs`, those of a client that nobody here wrote.

pub use secretariat::rehearsal::relay::{Received, script};

use script::Script;
use secretariat::rehearsal::relay;
use std::ops::Deref;

/// A running relay; it ends when dropped.
pub struct Relay(relay::Relay);

impl Relay {
    /// A relay that accepts everything.
    pub fn start() -> Relay {
        Relay::with(Script::new())
    }

    /// A relay that does as its script says.
    pub fn with(script: Script) -> Relay {
        Relay(relay::Relay::with(script).expect("a free port on loopback"))
    }
}

impl Deref for Relay {
    type Target = relay::Relay;

    fn deref(&self) -> &relay::Relay {
        &self.0
    }
}
