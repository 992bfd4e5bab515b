//! Stage 6, beside `send`: a mailing rehearsed against a relay inside the program.
//!
//! Owns the relay, which speaks SMTP on this computer, does as a script says and counts what it
//! accepts (also the relay of the tests); the plan of faults by a seed; one run of the sending
//! engine on a throw-away ledger, and the trial that kills such runs; and the proof of the
//! delivery paper, I1 to I8. Nothing here knows the workspace or a terminal.

pub mod faults;
pub mod proof;
pub mod relay;
pub mod run;
pub mod seed;
mod throwaway;
pub mod trial;

pub use throwaway::{Throwaway, remove_abandoned};
