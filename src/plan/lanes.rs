//! Makes many things on all cores and hands them on one by one, in order.
//!
//! Owns the threads and how far they may run ahead: what is made and not yet taken is bounded, so
//! that a mailing of a million needs no more memory than its list. Batches go to the cores in turn,
//! and are taken in the same turn: order costs no sorting, and nobody waits but for their turn.
//!
//! # Failure
//! Whoever stops taking ends all threads. A panic in one of them ends the things and goes on in the
//! caller.

use crate::limits::{RENDER_BATCH_LETTERS, RENDER_BATCHES_AHEAD};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Makes the things numbered from 0 to `count`, which `take` gets in order as it asks for them.
pub(super) fn in_order<T: Send, R>(
    count: usize,
    make: impl Fn(usize) -> T + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let lanes: Vec<Receiver<Vec<T>>> = (0..cores.min(batches(count).len()))
            .map(|lane| {
                let (give, taken) = sync_channel(RENDER_BATCHES_AHEAD);
                let (own, make) = (batches(count).skip(lane).step_by(cores), &make);
                scope.spawn(move || run(own, make, &give));
                taken
            })
            .collect();
        let turns = lanes.iter().cycle().zip(batches(count));
        // A lane that ends early has panicked; so does the scope, when all have ended.
        take(&mut turns.map_while(|(lane, _)| lane.recv().ok()).flatten())
    })
}

/// The ranges of numbers that are made together.
fn batches(count: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let starts = (0..count).step_by(RENDER_BATCH_LETTERS);
    starts.map(move |start| start..(start + RENDER_BATCH_LETTERS).min(count))
}

/// Makes one lane's batches until nobody takes them any more.
fn run<T>(
    own: impl Iterator<Item = Range<usize>>,
    make: impl Fn(usize) -> T,
    give: &SyncSender<Vec<T>>,
) {
    for batch in own {
        if give.send(batch.map(&make).collect()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn everything_is_taken_once_and_in_order() {
        for count in [0, 1, RENDER_BATCH_LETTERS, RENDER_BATCH_LETTERS + 1, 1_000] {
            let taken: Vec<_> = in_order(count, |n| n, |all| all.collect());
            assert_eq!(taken, (0..count).collect::<Vec<_>>());
        }
    }

    /// A mailing that nobody wants to the end is not made to the end.
    #[test]
    fn no_lane_runs_far_ahead_of_who_stops_taking() {
        let made = AtomicUsize::new(0);
        let make = |_| made.fetch_add(1, Ordering::Relaxed);
        assert_eq!(in_order(1_000_000, make, |all| all.take(20).count()), 20);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let ahead = cores * RENDER_BATCH_LETTERS * (RENDER_BATCHES_AHEAD + 2);
        assert!(made.into_inner() <= 20 + ahead);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_not_taken_for_the_end() {
        in_order(100, |n| assert!(n < 40), |all| all.count());
    }
}
