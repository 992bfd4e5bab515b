//! What a sink counts: letters, octets, connections, and when the first began and the last ended.
//!
//! # Invariants
//! Counting costs a few atomic additions a letter; nothing waits for anything else.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Counts since the last report. Times are nanoseconds since 1970, 0 for never.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    letters: AtomicU64,
    octets: AtomicU64,
    connections: AtomicU64,
    first_mail: AtomicU64,
    last_acceptance: AtomicU64,
}

impl Tally {
    /// Somebody connected.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// A MAIL command was read; only the first since the last report is kept.
    pub(crate) fn mail(&self) {
        if self.first_mail.load(Relaxed) == 0 {
            let _ = self.first_mail.compare_exchange(0, now(), Relaxed, Relaxed);
        }
    }

    /// A letter of this many octets was read to its end; its answer is about to leave.
    pub(crate) fn accepted(&self, octets: u64) {
        self.letters.fetch_add(1, Relaxed);
        self.octets.fetch_add(octets, Relaxed);
        self.last_acceptance.fetch_max(now(), Relaxed);
    }

    /// One line of JSON. Called between runs, or to look on.
    pub(crate) fn report(&self) -> String {
        self.written(|counter| counter.load(Relaxed))
    }

    /// The same; counting begins anew.
    pub(crate) fn report_and_reset(&self) -> String {
        self.written(|counter| counter.swap(0, Relaxed))
    }

    fn written(&self, value: impl Fn(&AtomicU64) -> u64) -> String {
        format!(
            "{{\"letters\":{},\"octets\":{},\"connections\":{},\"first_mail\":{},\
             \"last_acceptance\":{}}}",
            value(&self.letters),
            value(&self.octets),
            value(&self.connections),
            value(&self.first_mail),
            value(&self.last_acceptance),
        )
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
