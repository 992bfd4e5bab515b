//! Uncertain deliveries, settled by a person who has found out.
//!
//! Owns the step out of `uncertain` that needs a reason. Who is meant, and what the person knows,
//! is for the shell.
//!
//! # Invariants
//! A letter that is planned again is the same message: same bytes, same Message-ID, same `Date`. It
//! needs no run lock: a run never holds an uncertain delivery, because `attempting` is what it
//! holds, so the write lock and the condition on the state are enough.

use super::change::{ChangeError, Refusal};
use super::events::{About, Kind};
use super::failure::Fault;
use super::state::State;
use super::{Ledger, LedgerError, hand_over};
use crate::id::DeliveryId;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;

/// What a person found out about an uncertain delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The relay took it.
    Accepted,
    /// The relay has not got it: it goes again.
    Resend,
}

impl Resolution {
    /// The state that follows.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Resolution::Accepted => State::Accepted,
            Resolution::Resend => State::Planned,
        }
    }
}

impl Ledger {
    /// Settles an uncertain delivery: accepted, or planned again. The time until a letter that goes
    /// again is given up begins anew; what the ledger knows of its message stays.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for a delivery that is not uncertain; nothing is changed then.
    pub fn resolve(
        &mut self,
        delivery: &DeliveryId,
        resolution: Resolution,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let to = resolution.state();
        let resolved =
            self.transaction(|connection| settle(connection, delivery, resolution, reason, now))?;
        if resolved { Ok(()) } else { Err(self.why_not(delivery, to)?.into()) }
    }

    fn why_not(&self, delivery: &DeliveryId, to: State) -> Result<Refusal, LedgerError> {
        let delivery = *delivery;
        Ok(match self.delivery(&delivery)? {
            Some(found) => Refusal::NotAllowed { delivery, from: found.state, to },
            None => Refusal::Unknown { delivery },
        })
    }
}

/// Settles one; false where it is not uncertain. A letter that goes again has left the folder it
/// was handed over to.
pub(super) fn settle(
    connection: &Connection,
    delivery: &DeliveryId,
    resolution: Resolution,
    reason: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let to = resolution.state();
    let changed: Option<(i64, String)> = connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?1, detail = ?2, updated_at = ?3,
                 first_attempt = CASE ?1 WHEN 'planned' THEN NULL ELSE first_attempt END,
                 stage = CASE WHEN ?1 = 'planned' AND stage IN (?5, ?6) THEN NULL ELSE stage END
             WHERE id = ?4 AND state = 'uncertain' RETURNING row, campaign",
        )?
        .query_row(
            params![
                to,
                reason,
                now.unix_seconds(),
                delivery.as_bytes(),
                hand_over::BEGUN,
                hand_over::DONE
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((row, campaign)) = changed else { return Ok(false) };
    let about = About { campaign: &campaign, delivery: Some(row), at: now };
    about.write(connection, Kind::Resolved, json!({ "state": to.as_str(), "detail": reason }))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{bring, id, later, ledger, now, state};

    #[test]
    fn only_an_uncertain_delivery_is_settled() {
        for before in State::ALL {
            if before == State::Suppressed {
                continue;
            }
            for resolution in [Resolution::Accepted, Resolution::Resend] {
                let (_folder, mut ledger) = ledger(&["ana"]);
                bring(&mut ledger, "ana", before);
                let told = ledger.events_of(&id("ana")).unwrap().len();
                let resolved = ledger.resolve(&id("ana"), resolution, "asked", later(1));
                assert_eq!(resolved.is_ok(), before == State::Uncertain, "{before}");
                let (after, events) =
                    if resolved.is_ok() { (resolution.state(), told + 1) } else { (before, told) };
                assert_eq!(state(&ledger, "ana"), after);
                assert_eq!(ledger.events_of(&id("ana")).unwrap().len(), events, "{before}");
            }
        }
        let (_folder, mut ledger) = ledger(&[]);
        let unknown = ledger.resolve(&id("ana"), Resolution::Accepted, "asked", now());
        assert_eq!(unknown, Err(Refusal::Unknown { delivery: id("ana") }.into()));
    }

    #[test]
    fn a_letter_that_goes_again_is_the_same_message_with_all_its_time() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        bring(&mut ledger, "ana", State::Uncertain);
        let before = ledger.frozen(&id("ana")).unwrap().unwrap();
        ledger.resolve(&id("ana"), Resolution::Resend, "not in their log", later(9_999)).unwrap();
        let after = ledger.frozen(&id("ana")).unwrap().unwrap();
        assert_eq!((after.date, after.first_attempt), (Some(now()), None));
        assert_eq!((&after.message_id, &after.letter), (&before.message_id, &before.letter));
        assert_eq!(ledger.intend(&id("ana"), later(9_999), later(9_999)), Ok(now()));
        let events = ledger.events_of(&id("ana")).unwrap();
        let resolved = &events[events.len() - 2];
        assert_eq!((resolved.kind.as_str(), resolved.at), ("resolved", later(9_999)));
        assert_eq!(resolved.detail["detail"], "not in their log");
        assert_eq!(resolved.detail["state"], "planned");
    }
}
