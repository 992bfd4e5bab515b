//! A computer whose clock was set back between two runs: what was recorded lies in the future.
//!
//! Owns finding that, and counting what waits from now on: within a run time goes by a clock that
//! nobody can set (`time.rs`), but what a run leaves behind is read by the clock of the next one.
//! A clock that was set forward cannot be told from time that has passed (docs/decisions/0018).
//!
//! # Invariants
//! A wait that was written down by a later clock begins anew, once: it never becomes shorter than
//! it was meant, nor longer than that from now. No event is changed: that the clock was set back is
//! one itself, and whatever stands before it happened before it, whatever its time says.

use super::events::{About, Kind};
use super::{Ledger, LedgerError, RunLock};
use crate::id::CampaignId;
use crate::time::Timestamp;
use rusqlite::{Connection, named_params};
use serde_json::json;

impl Ledger {
    /// Has everything that waits in a campaign wait from `now`, where it was recorded by a clock
    /// that was ahead of it; gives the latest time found, or nothing where all is in order.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn settle_clock(
        &mut self,
        _held: &RunLock,
        campaign: &CampaignId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let at = now.unix_seconds();
        let latest = self.read(|connection| {
            Ok(latest_wait(connection, campaign)?.max(latest_acceptance(connection)?))
        })?;
        let Some(latest) = latest.filter(|latest| *latest > at) else { return Ok(None) };
        let latest = Timestamp::from_unix_seconds(latest);
        self.transaction(|connection| {
            let begun = connection.execute(
                "UPDATE deliveries SET due_at = :now + max(due_at - updated_at, 0),
                     first_attempt = min(first_attempt, :now), updated_at = :now
                 WHERE campaign = :campaign AND state = 'deferred' AND updated_at > :now",
                named_params! { ":now": at, ":campaign": campaign.as_str() },
            )?;
            // An acceptance of the future that was met by an earlier run is settled by its event.
            let is_new: bool = connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM events WHERE kind = 'accepted' AND at > ?
                     AND seq > (SELECT coalesce(max(seq), 0) FROM events
                         WHERE kind = 'clock-set-back'))",
                [at],
                |row| row.get(0),
            )?;
            if begun == 0 && !is_new {
                return Ok(None);
            }
            let about = About { campaign: campaign.as_str(), delivery: None, at: now };
            about.write(connection, Kind::ClockSetBack, json!({ "was": latest.to_string() }))?;
            Ok(Some(latest))
        })
    }

    /// When letters of any campaign were accepted since a point in time, oldest first: a relay's
    /// daily limit counts them all. One that was recorded by a clock ahead of `now` counts from
    /// when the clock was found set back, or from now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn acceptances_since(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        self.read(|connection| {
            let (since, now) = (since.unix_seconds(), now.unix_seconds());
            let is_ahead = latest_acceptance(connection)?.is_some_and(|at| at > now);
            // Only where it must be asked: it looks for other events, and those have no index.
            let times = if is_ahead { AT_MOST_SINCE } else { SINCE };
            let mut statement = connection.prepare_cached(times)?;
            let times = statement
                .query_map([since, now], |row| row.get(0).map(Timestamp::from_unix_seconds))?;
            Ok(times.collect::<Result<_, _>>()?)
        })
    }
}

/// Acceptances since the first value and until the second.
const SINCE: &str =
    "SELECT at FROM events WHERE kind = 'accepted' AND at >= ?1 AND at <= ?2 ORDER BY at";

/// The same, each when it happened at the latest.
const AT_MOST_SINCE: &str = "SELECT at_most FROM (
    SELECT CASE WHEN e.at <= ?2 THEN e.at ELSE coalesce(
        (SELECT min(c.at) FROM events c WHERE c.kind = 'clock-set-back' AND c.seq > e.seq),
        ?2) END AS at_most
    FROM events e WHERE e.kind = 'accepted' AND e.at >= ?1)
    WHERE at_most >= ?1 ORDER BY at_most";

fn latest_wait(connection: &Connection, campaign: &CampaignId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT max(updated_at) FROM deliveries WHERE campaign = ? AND state = 'deferred'",
        )?
        .query_row([campaign.as_str()], |row| row.get(0))
}

fn latest_acceptance(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT max(at) FROM events WHERE kind = 'accepted'")?
        .query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{answered, campaign, id, later, ledger, now};
    use crate::ledger::{Recorded, State};

    /// `ana` deferred for ten minutes, `bo` accepted, both so many minutes after the start.
    fn recorded(minutes: u64) -> (tempfile::TempDir, Ledger, RunLock) {
        let (folder, mut ledger) = ledger(&["ana", "bo"]);
        let lock = RunLock::take(&folder.path().join("store"), "desk", now()).unwrap();
        let at = later(minutes);
        for who in ["ana", "bo"] {
            ledger.intend(&id(who), at, at).unwrap();
        }
        let waits =
            Recorded { due_at: Some(later(minutes + 10)), ..Recorded::new(State::Deferred) };
        ledger.record(&id("ana"), &waits, at).unwrap();
        ledger.record(&id("bo"), &answered(State::Accepted, 250, "ok"), at).unwrap();
        (folder, ledger, lock)
    }

    #[test]
    fn a_wait_of_the_future_begins_anew_once() {
        let (_folder, mut ledger, lock) = recorded(500_000);
        let mut settle = |at| ledger.settle_clock(&lock, &campaign(), at).unwrap();
        assert_eq!(settle(now()), Some(later(500_000)));
        assert_eq!(settle(later(5)), None, "five minutes of it have passed");
        let ana = ledger.delivery(&id("ana")).unwrap().unwrap();
        assert_eq!((ana.due_at, ana.first_attempt), (Some(later(10)), Some(now())));
        let events = ledger.events_of_campaign(&campaign()).unwrap();
        assert_eq!(events.last().unwrap().kind, "clock-set-back");
    }

    #[test]
    fn a_clock_that_goes_on_changes_nothing() {
        let (_folder, mut ledger, lock) = recorded(5);
        let events = |ledger: &Ledger| ledger.events_of_campaign(&campaign()).unwrap().len();
        let before = (events(&ledger), ledger.commits());
        assert_eq!(ledger.settle_clock(&lock, &campaign(), later(5)), Ok(None));
        assert_eq!(ledger.settle_clock(&lock, &campaign(), later(900_000)), Ok(None));
        assert_eq!((events(&ledger), ledger.commits()), before);
        let ana = ledger.delivery(&id("ana")).unwrap().unwrap();
        assert_eq!((ana.due_at, ana.first_attempt), (Some(later(15)), Some(later(5))));
    }

    #[test]
    fn an_acceptance_of_the_future_counts_for_a_day_from_when_it_was_met() {
        let (_folder, mut ledger, lock) = recorded(500_000);
        let day = |ledger: &Ledger, minutes: u64| {
            let at = later(minutes);
            let since = Timestamp::from_unix_seconds(at.unix_seconds() - 86_400);
            ledger.acceptances_since(since, at).unwrap()
        };
        assert_eq!(day(&ledger, 3), [later(3)], "not settled yet: it may have been just now");
        ledger.settle_clock(&lock, &campaign(), later(5)).unwrap();
        assert_eq!(day(&ledger, 600), [later(5)]);
        assert_eq!(day(&ledger, 1_446), [], "its day is over");
        assert_eq!(day(&ledger, 500_001), [later(500_000)]);
    }
}
