//! Stage 6: due deliveries in, the relay's answers in the ledger.
//!
//! Owns the order of things: intent durable, then the last bytes, then the answer recorded. What an
//! answer means is [`decide`]; when a letter is tried again is [`retry`]. Deciding is pure; this
//! file and `run.rs` are the only ones that act.

pub mod breaker;
pub mod decide;
pub mod retry;
mod run;
mod thaw;

pub use run::{Broken, Conditions, Ended, Needs, Patience, Progress, RunError, Stopped, run};
