//! Named points at which a test lets this process die as if its power were cut.
//!
//! Owns counting how often a point was passed. Only with the cargo feature `crash-points`, which no
//! release has; without it a point is nothing.

#[cfg(feature = "crash-points")]
use std::sync::{Mutex, PoisonError};

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
            // Nothing is unwound, flushed or said: what is not on the drive or the wire is gone.
            std::process::abort();
        }
    }
}
