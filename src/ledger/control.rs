//! What a person orders for a whole campaign: pause, go on, withdraw.
//!
//! Owns the tables `pauses` and `withdrawals`. Each order is one transaction with its events; it
//! needs no run lock and takes its turn at the ledger's write lock, so that it can be given from
//! another terminal while a run is at work. What a run does about it is decided in `send/`.
//!
//! # Invariants
//! Withdrawing reaches planned and deferred deliveries; a letter under way ends as the relay
//! answers, and who may have one keeps it. Where the relay refuses it for now, its record withdraws
//! it (`change.rs`): after the order nothing of the campaign is begun again. It goes on only by
//! adopting a plan, which a person confirmed anew.

use super::events::{About, Kind};
use super::failure::Fault;
use super::state::State;
use super::{Ledger, LedgerError};
use crate::id::CampaignId;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

impl Ledger {
    /// Orders that nothing more of a campaign goes until [`Ledger::take_up`]; `false` when that was
    /// ordered already.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn pause(&mut self, campaign: &CampaignId, now: Timestamp) -> Result<bool, LedgerError> {
        self.transaction(|connection| {
            let changed = connection.execute(
                "INSERT OR IGNORE INTO pauses (campaign, since) VALUES (?, ?)",
                params![campaign.as_str(), now.unix_seconds()],
            )?;
            tell_if(connection, changed == 1, campaign, Kind::Paused, now)
        })
    }

    /// Lets a paused campaign go on; `false` when it was not paused.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn take_up(&mut self, campaign: &CampaignId, now: Timestamp) -> Result<bool, LedgerError> {
        self.transaction(|connection| {
            let delete = "DELETE FROM pauses WHERE campaign = ?";
            let changed = connection.execute(delete, [campaign.as_str()])?;
            tell_if(connection, changed == 1, campaign, Kind::Resumed, now)
        })
    }

    /// Whether a campaign is paused. Cheap: a run may ask before each letter.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_paused(&self, campaign: &CampaignId) -> Result<bool, LedgerError> {
        self.paused_since(campaign).map(|since| since.is_some())
    }

    /// Since when a campaign is paused, if it is.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn paused_since(&self, campaign: &CampaignId) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|connection| {
            let since: Option<i64> = connection
                .prepare_cached("SELECT since FROM pauses WHERE campaign = ?")?
                .query_row([campaign.as_str()], |row| row.get(0))
                .optional()?;
            Ok(since.map(Timestamp::from_unix_seconds))
        })
    }

    /// Whether a campaign was withdrawn and is not planned again. Cheap, as [`Ledger::is_paused`].
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_withdrawn(&self, campaign: &CampaignId) -> Result<bool, LedgerError> {
        self.read(|connection| is_withdrawn(connection, campaign.as_str()))
    }

    /// Withdraws what is left of a campaign: planned and deferred -> cancelled, all in one
    /// transaction. Gives how many. Where there are any, or letters are under way, the campaign's
    /// plan needs to be confirmed again before anything of it is tried again.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn cancel(
        &mut self,
        campaign: &CampaignId,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.transaction(|connection| {
            let rows: Vec<i64> = connection
                .prepare(
                    "SELECT row FROM deliveries
                     WHERE campaign = ? AND state IN ('planned', 'deferred') ORDER BY row",
                )?
                .query_map([campaign.as_str()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let is_new = !is_withdrawn(connection, campaign.as_str())?;
            if rows.is_empty() && !(is_new && has_letters_under_way(connection, campaign)?) {
                return Ok(0);
            }
            let about = About { campaign: campaign.as_str(), delivery: None, at: now };
            let detail = reason.unwrap_or("the mailing was withdrawn");
            cancel_all(connection, about, &rows, &json!({ "detail": detail }))?;
            connection.execute(
                "INSERT OR REPLACE INTO withdrawals (campaign, at) VALUES (?, ?)",
                params![campaign.as_str(), now.unix_seconds()],
            )?;
            let told = json!({ "letters": rows.len(), "detail": reason });
            about.write(connection, Kind::Became(State::Cancelled), told)?;
            Ok(rows.len() as u64)
        })
    }
}

/// What a relay's refusal makes of a letter that nobody has withdrawn.
pub(super) const REFUSALS: [State; 3] = [State::Deferred, State::Rejected, State::Expired];

/// Whether somebody took a campaign back and no plan of it was adopted since.
pub(super) fn is_withdrawn(connection: &Connection, campaign: &str) -> Result<bool, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM withdrawals WHERE campaign = ?)")?;
    Ok(statement.query_row([campaign], |row| row.get(0))?)
}

fn has_letters_under_way(connection: &Connection, campaign: &CampaignId) -> Result<bool, Fault> {
    let ask = "SELECT EXISTS
         (SELECT 1 FROM deliveries WHERE campaign = ? AND state = 'attempting')";
    Ok(connection.query_row(ask, [campaign.as_str()], |row| row.get(0))?)
}

fn tell_if(
    connection: &Connection,
    changed: bool,
    campaign: &CampaignId,
    kind: Kind,
    at: Timestamp,
) -> Result<bool, Fault> {
    if changed {
        let about = About { campaign: campaign.as_str(), delivery: None, at };
        about.write(connection, kind, json!({}))?;
    }
    Ok(changed)
}

/// Planned and deferred -> cancelled, each with an event of this detail.
pub(super) fn cancel_all(
    connection: &Connection,
    about: About<'_>,
    rows: &[i64],
    detail: &Value,
) -> Result<(), Fault> {
    let mut cancel = connection.prepare(
        "UPDATE deliveries SET state = 'cancelled', due_at = NULL, updated_at = ? WHERE row = ?",
    )?;
    for row in rows {
        cancel.execute([about.at.unix_seconds(), *row])?;
        let about = About { delivery: Some(*row), ..about };
        about.write(connection, Kind::Became(State::Cancelled), detail.clone())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{
        adopt_people, answered, bring, campaign, id, later, ledger, now, plan, state,
    };
    use crate::ledger::{Adopted, ChangeError, Recorded, Refusal};

    fn kinds(ledger: &Ledger) -> Vec<String> {
        let events = ledger.events_of_campaign(&campaign()).unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    #[test]
    fn a_pause_holds_until_it_is_taken_back_and_is_told_once() {
        let (folder, mut ledger) = ledger(&["ana"]);
        assert_eq!(ledger.is_paused(&campaign()), Ok(false));
        assert_eq!(ledger.pause(&campaign(), later(1)), Ok(true));
        assert_eq!(ledger.pause(&campaign(), later(2)), Ok(false));
        let looking = Ledger::look(&folder.path().join("store")).unwrap().unwrap();
        assert_eq!(looking.paused_since(&campaign()), Ok(Some(later(1))));
        assert_eq!(ledger.take_up(&campaign(), later(3)), Ok(true));
        assert_eq!(ledger.take_up(&campaign(), later(4)), Ok(false));
        assert_eq!(looking.is_paused(&campaign()), Ok(false), "a run sees it at once");
        assert_eq!(kinds(&ledger), ["plan-adopted", "paused", "resumed"]);
    }

    #[test]
    fn one_campaigns_pause_is_not_anothers() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        ledger.pause(&CampaignId::parse("thanks").unwrap(), now()).unwrap();
        assert_eq!(ledger.is_paused(&campaign()), Ok(false));
    }

    #[test]
    fn withdrawing_reaches_who_waits_and_nobody_else() {
        for before in State::ALL {
            // Whoever is cancelled in the current plan is withdrawn already.
            if matches!(before, State::Suppressed | State::Cancelled) {
                continue;
            }
            let (_folder, mut ledger) = ledger(&["ana"]);
            bring(&mut ledger, "ana", before);
            let waits = matches!(before, State::Planned | State::Deferred);
            let cancelled = ledger.cancel(&campaign(), Some("the text is wrong"), later(1));
            assert_eq!(cancelled, Ok(u64::from(waits)), "{before}");
            assert_eq!(state(&ledger, "ana"), if waits { State::Cancelled } else { before });
            let plan = ledger.current_plan(&campaign()).unwrap().unwrap();
            let may_go_on = waits || before == State::Attempting;
            assert_eq!(plan.withdrawn_at, may_go_on.then(|| later(1)), "{before}");
            assert_eq!(ledger.is_withdrawn(&campaign()), Ok(may_go_on), "{before}");
            let event = ledger.events_of(&id("ana")).unwrap().pop().unwrap();
            assert_eq!(event.detail.get("detail").is_some(), waits, "{before}");
        }
    }

    #[test]
    fn a_withdrawn_letter_is_not_intended_by_a_run_that_knew_it_before() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        bring(&mut ledger, "bo", State::Attempting);
        assert_eq!(ledger.cancel(&campaign(), None, later(1)), Ok(1));
        let refused = ledger.intend(&id("ana"), later(2), later(2)).unwrap_err();
        assert!(matches!(refused, ChangeError::Refused(Refusal::NotAllowed { .. })));
        assert_eq!(ledger.cancel(&campaign(), None, later(2)), Ok(0), "nothing is left");
        let told = ledger.events_of_campaign(&campaign()).unwrap().pop().unwrap();
        assert_eq!((told.kind.as_str(), &told.detail["letters"]), ("cancelled", &json!(1)));
    }

    #[test]
    fn the_same_plan_is_planned_again_once_it_is_adopted_again() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        bring(&mut ledger, "eve", State::Accepted);
        ledger.cancel(&campaign(), None, later(1)).unwrap();
        let adopted = adopt_people(&mut ledger, &["ana", "bo", "eve"], "hello");
        assert_eq!(adopted, Adopted { added: 2, kept: 1, ..Adopted::default() });
        assert_eq!(state(&ledger, "ana"), State::Planned);
        let current = ledger.current_plan(&campaign()).unwrap().unwrap();
        assert_eq!((current.withdrawn_at, current.confirmed_at), (None, None));
        let letters = [crate::ledger::testing::delivery(1, "ana", "hello")];
        assert_ne!(current.fingerprint, plan(&letters).fingerprint);
        let again = adopt_people(&mut ledger, &["ana", "bo", "eve"], "hello");
        assert_eq!(again.kept, 3, "once it is current again, nothing changes");
    }

    /// `cancel` while the relay is asked about a recipient: what it then says fails nobody's run.
    #[test]
    fn a_refusal_of_a_withdrawn_letter_is_kept_and_changes_nothing() {
        for to in REFUSALS {
            let (_folder, mut ledger) = ledger(&["ana"]);
            assert_eq!(ledger.cancel(&campaign(), None, later(1)), Ok(1));
            assert_eq!(
                ledger.record(&id("ana"), &answered(to, 451, "4.7.1 later"), later(2)),
                Ok(())
            );
            assert_eq!(state(&ledger, "ana"), State::Cancelled, "{to}");
            let event = ledger.events_of(&id("ana")).unwrap().pop().unwrap();
            assert_eq!((event.kind.as_str(), event.at), ("answered", later(2)), "{to}");
            assert_eq!(event.detail["response"], "451 4.7.1 later", "{to}");
        }
    }

    /// `cancel` after the intent: who gets the letter keeps it, everybody else is withdrawn.
    #[test]
    fn a_letter_under_way_when_its_mailing_is_withdrawn_is_not_tried_again() {
        for to in [State::Deferred, State::Rejected, State::Accepted, State::Uncertain] {
            let (_folder, mut ledger) = ledger(&["ana", "bo"]);
            ledger.intend(&id("ana"), now(), now()).unwrap();
            assert_eq!(ledger.cancel(&campaign(), None, later(1)), Ok(1));
            let answer = Recorded { due_at: Some(later(7)), ..answered(to, 451, "4.7.1 later") };
            ledger.record(&id("ana"), &answer, later(2)).unwrap();
            let is_over = to == State::Deferred;
            let stored = ledger.delivery(&id("ana")).unwrap().unwrap();
            assert_eq!(stored.state, if is_over { State::Cancelled } else { to });
            assert_eq!(stored.due_at, None, "{to}");
            assert_eq!(stored.response, answer.response, "the answer is shown all the same");
            let events = ledger.events_of(&id("ana")).unwrap();
            let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
            assert!(kinds.starts_with(&["planned", "attempt", to.as_str()]), "{kinds:?}");
            assert_eq!(kinds.get(3), is_over.then_some(&"cancelled"), "{kinds:?}");
        }
    }

    #[test]
    fn a_deferred_letter_of_a_mailing_that_is_planned_again_waits() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        ledger.cancel(&campaign(), None, later(1)).unwrap();
        adopt_people(&mut ledger, &["ana", "bo"], "hello");
        ledger.intend(&id("ana"), later(2), later(2)).unwrap();
        ledger.record(&id("ana"), &Recorded::new(State::Deferred), later(2)).unwrap();
        assert_eq!(state(&ledger, "ana"), State::Deferred);
    }
}
