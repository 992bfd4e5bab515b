//! Stage 6: due deliveries in, the relay's answers in the ledger.
//!
//! Owns the order of things: intent durable, then the last bytes, then the answer recorded. What an
//! answer means is [`decide`]; when refusals are too many is [`breaker`]; when a letter is tried
//! again is [`retry`]; how fast letters go is [`pace`]; which goes next, on which connection, is
//! `dispatch`. All of that is pure: only `run` and `connection` act.

pub mod breaker;
mod conditions;
mod connection;
pub mod decide;
mod dispatch;
mod halt;
mod hand_over;
pub mod pace;
mod relay_id;
pub mod retry;
mod run;
mod thaw;

pub use conditions::{
    Broken, Conditions, Ended, Needs, Patience, Progress, RunError, Selection, Stopped,
};
pub use halt::Halt;
pub use hand_over::{HandOver, HandOverError, HandedFile, Measured, files_of, hand_over};
pub use run::{limit_spoken_of, run};
