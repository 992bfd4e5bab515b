//! When a deferred letter is tried again, and when it is given up.
//!
//! Pure. Waits double from the first one, spread by a fifth so that letters deferred together do
//! not come back together; the spread follows from the letter, not from chance, so that a run can
//! be repeated exactly.

use super::decide::Wait;
use crate::id::DeliveryId;
use crate::limits::{RETRY_ATTEMPTS_MIN, RETRY_FIRST_WAIT, RETRY_GIVE_UP_AFTER, RETRY_MAX_WAIT};
use crate::time::Timestamp;
use std::time::Duration;

/// `[retry]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Wait after the first attempt.
    pub first_wait: Duration,
    /// No wait is longer (before it is spread).
    pub max_wait: Duration,
    /// From the letter's first attempt until it expires; at least `max_wait`. It is tried
    /// [`RETRY_ATTEMPTS_MIN`] times at least, however long that takes.
    pub give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            first_wait: RETRY_FIRST_WAIT,
            max_wait: RETRY_MAX_WAIT,
            give_up_after: RETRY_GIVE_UP_AFTER,
        }
    }
}

/// A mailbox that is still full after this time is not read (delivery paper, fault table).
const FULL_MAILBOX_GIVE_UP: Duration = Duration::from_secs(72 * 3600);
/// Waits are spread by this share in both directions, in percent.
const SPREAD_PERCENT: u64 = 20;

/// What becomes of a deferred letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is due again then.
    At(Timestamp),
    /// Its time is over.
    GivenUp,
}

/// When a letter is tried again after its attempt number `attempts` (from 1).
#[must_use]
pub fn next(
    retry: Retry,
    wait: Wait,
    delivery: &DeliveryId,
    attempts: u32,
    first_attempt: Timestamp,
    now: Timestamp,
) -> Next {
    let doubled = retry.first_wait.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    let base = match wait {
        Wait::None => return Next::At(now),
        Wait::Limit | Wait::DailyLimit => retry.max_wait,
        Wait::Usual | Wait::MailboxFull => doubled.min(retry.max_wait),
    };
    let give_up_after = match wait {
        Wait::MailboxFull => retry.give_up_after.min(FULL_MAILBOX_GIVE_UP),
        Wait::Usual | Wait::Limit | Wait::DailyLimit | Wait::None => retry.give_up_after,
    };
    let last = first_attempt.plus(give_up_after);
    let due = now.plus(spread(base, delivery, attempts));
    match last <= now {
        // The last attempt is made when the time is over, not a wait before.
        false => Next::At(due.min(last)),
        true if attempts < RETRY_ATTEMPTS_MIN => Next::At(due),
        true => Next::GivenUp,
    }
}

/// The wait, up to a fifth shorter or longer.
fn spread(base: Duration, delivery: &DeliveryId, attempts: u32) -> Duration {
    let seed = u64::from(delivery.as_bytes()[0]) + u64::from(attempts) * 97;
    let percent = 100 - SPREAD_PERCENT + seed % (2 * SPREAD_PERCENT + 1);
    Duration::from_millis((base.as_millis() as u64).saturating_mul(percent) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        first_wait: Duration::from_secs(300),
        max_wait: Duration::from_secs(67 * 60),
        give_up_after: Duration::from_secs(5 * 86_400),
    };

    fn waits(wait: Wait, attempts: u32, since_first: u64) -> Option<u64> {
        let first = Timestamp::from_unix_seconds(1_000_000);
        let now = first.plus(Duration::from_secs(since_first));
        let id = DeliveryId::from_bytes([7; 15]);
        match next(RETRY, wait, &id, attempts, first, now) {
            Next::At(due) => Some(due.since(now).as_secs()),
            Next::GivenUp => None,
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread_by_a_fifth() {
        for (attempts, seconds) in
            [(1, 300), (2, 600), (3, 1_200), (4, 2_400), (5, 4_020), (60, 4_020)]
        {
            let waited = waits(Wait::Usual, attempts, 0).unwrap();
            assert!(waited >= seconds * 4 / 5 && waited <= seconds * 6 / 5, "{attempts}: {waited}");
        }
    }

    #[test]
    fn a_letter_is_given_up_when_its_time_is_over() {
        assert_eq!(waits(Wait::Usual, 9, 5 * 86_400), None);
        assert!(waits(Wait::Usual, 9, 4 * 86_400).is_some());
        assert_eq!(waits(Wait::Usual, 9, 5 * 86_400 - 60), Some(60), "one last time at the end");
        assert_eq!(waits(Wait::MailboxFull, 9, 72 * 3600), None);
        assert!(waits(Wait::Usual, 9, 72 * 3600).is_some());
    }

    #[test]
    fn time_in_which_nobody_tried_gives_no_letter_up() {
        let a_year = 365 * 86_400;
        for attempts in 1..RETRY_ATTEMPTS_MIN {
            let waited = waits(Wait::Usual, attempts, a_year);
            assert!(waited.is_some_and(|w| w >= 240), "{attempts}: {waited:?}, and not at once");
        }
        assert_eq!(waits(Wait::Usual, RETRY_ATTEMPTS_MIN, a_year), None);
    }
}
