//! Stage 6: due deliveries in, the relay's answers in the ledger.
//!
//! Owns the order of things: intent durable, then the last bytes, then the answer recorded. What an
//! answer means is [`decide`]; when refusals are too many is [`breaker`]; when a letter is tried
//! again is [`retry`]. Deciding is pure: only `run.rs` acts.

pub mod breaker;
pub mod decide;
mod halt;
pub mod retry;
mod run;
mod thaw;

pub use halt::Halt;
pub use run::{Broken, Conditions, Ended, Needs, Patience, Progress, RunError, Stopped, run};
