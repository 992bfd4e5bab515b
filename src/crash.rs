//! Named points at which a test lets this process die as by `kill -9`.
//!
//! Owns the names and the count of how often each was passed. A point stands wherever something
//! durable, or something that cannot be taken back, begins or ends. Only with the cargo feature
//! `crash-points`, which no release has; without it a point is nothing and the names are not there.
//!
//! What it shows is what a process that dies leaves to the next one. What a power cut takes from
//! the drive besides is the ledger's own subject (`ledger/mod.rs`, crash cases).

#[cfg(feature = "crash-points")]
use std::sync::{Mutex, PoisonError};

/// Every point, about in the order in which a mailing passes them; a test walks it.
#[cfg(feature = "crash-points")]
pub const POINTS: [&str; 41] = [
    // The folder on this computer of a workspace that several computers see.
    "pointer-written",
    "pointer-renamed",
    // One run at a time.
    "lock-taken",
    "lock-named",
    // The ledger's file, its tables, and an older version's.
    "ledger-file-made",
    "schema-changing",
    "schema-changed",
    // Every transaction of the ledger: run counter, plan, confirmation, recovery, letters, orders.
    "transaction-begun",
    "transaction-written",
    "transaction-committed",
    // The run counter, between the ledger and this computer's memory, at a run's start and end.
    "run-counted",
    "memory-written",
    "memory-renamed",
    // Documents and images.
    "object-written",
    "object-renamed",
    // The plan.
    "letter-adopted",
    "plan-adopted",
    "plan-confirmed",
    // What a dead run left under way.
    "attempt-recovered",
    // The connection.
    "connecting",
    "connected",
    // One letter.
    "asked-first",
    "before-intent",
    "front-gone",
    "intended",
    "before-last-bytes",
    "last-bytes-gone",
    "answered",
    "recording",
    // A group of letters that become files.
    "files-intended",
    "file-written",
    "files-synced",
    "file-named",
    "files-named",
    "files-recorded",
    // The list of these files.
    "manifest-written",
    "manifest-renamed",
    // Group commit.
    "group-taken",
    "group-durable",
    // The end.
    "run-over",
    "run-ended",
];

/// The point to die at, and how often it is still passed alive.
#[cfg(feature = "crash-points")]
static ARMED: Mutex<Option<(String, u64)>> = Mutex::new(None);

/// From now on the process dies when it passes the point of this name for the `nth` time (from 1).
#[cfg(feature = "crash-points")]
pub fn arm(name: &str, nth: u64) {
    *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), nth));
}

/// A point at which a test may let the process die.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(feature = "crash-points")]
    pass(name);
    #[cfg(not(feature = "crash-points"))]
    let _ = name;
}

#[cfg(feature = "crash-points")]
fn pass(name: &str) {
    let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, left)) = armed.as_mut().filter(|(at, _)| at == name) {
        *left = left.saturating_sub(1);
        if *left == 0 {
            die();
        }
    }
}

/// Nothing is unwound, flushed or said, by no thread: what is not with the system is gone. An abort
/// would do the same but for a message and a core file.
#[cfg(feature = "crash-points")]
fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // Refused it can only be where nothing may end itself; an abort is left.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}
