//! The steps of one delivery: intent before the last bytes, what was answered after them.
//!
//! Owns that a step of the table happens exactly once, together with its event, in a transaction
//! that is durable before the caller hears of it. Which step, and why, is decided in `send/`.
//!
//! # Withdrawn meanwhile
//! `cancel` takes no run lock and may come while a letter is under way. What it has withdrawn stays
//! withdrawn: a refusal that comes afterwards is kept as an event and changes no state. A letter that
//! it could not reach, because it was being handed over, is withdrawn as soon as it would be tried
//! again. Neither is a failure.
//!
//! # Failure
//! A step that is refused or fails leaves nothing behind and the other steps of its group alone: a
//! refusal comes before anything is written, and after a failure the group is taken once more, each
//! step within a savepoint. A commit that fails is told to everybody in its group, and the ledger
//! takes no more steps: after a failed fsync the system may report the next one as done although
//! the bytes are gone.

use super::events::{About, Begun, Kind, Outcome};
use super::failure::{Fault, LedgerError};
use super::query::{self, StoredDelivery};
use super::state::State;
use super::{Ledger, RunLock, control};
use crate::crash;
use crate::id::DeliveryId;
use crate::response::Response;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use serde_json::json;

/// What became of a delivery, and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The state it comes to.
    pub to: State,
    /// The relay's answer.
    pub response: Option<Response>,
    /// How far the conversation had come, in words.
    pub stage: Option<String>,
    /// What is known besides, or instead of an answer: how the connection was lost, a person's
    /// reason, where the message was handed over.
    pub detail: Option<String>,
    /// The relay, as configured.
    pub relay: Option<String>,
    /// The relay's own id for the message.
    pub relay_id: Option<String>,
    /// TLS version and cipher.
    pub tls: Option<String>,
    /// When a deferred delivery is due again; at once where absent. Others have none.
    pub due_at: Option<Timestamp>,
}

impl Recorded {
    /// A state of which nothing else is known.
    #[must_use]
    pub fn new(to: State) -> Recorded {
        Recorded {
            to,
            response: None,
            stage: None,
            detail: None,
            relay: None,
            relay_id: None,
            tls: None,
            due_at: None,
        }
    }
}

/// Why a step was not taken although the ledger is well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such delivery.
    #[error("the ledger has no delivery {delivery}")]
    Unknown {
        /// The id asked for.
        delivery: DeliveryId,
    },
    /// The table has no such step; for an intent: do not finish the message.
    #[error("delivery {delivery} is {from} and cannot become {to}")]
    NotAllowed {
        /// The delivery.
        delivery: DeliveryId,
        /// Where it stands.
        from: State,
        /// What was asked for.
        to: State,
    },
    /// A deferred delivery whose time has not come; do not finish the message.
    #[error("delivery {delivery} is not due before {due_at}")]
    NotDue {
        /// The delivery.
        delivery: DeliveryId,
        /// When it is.
        due_at: Timestamp,
    },
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The delivery is not in the state for it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger could not record it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A step that is asked for.
#[derive(Debug)]
pub(super) enum Change {
    /// Planned or deferred -> attempting.
    Intend { delivery: DeliveryId, date: Timestamp, now: Timestamp },
    /// Any other.
    Record { delivery: DeliveryId, recorded: Box<Recorded>, now: Timestamp },
}

impl Ledger {
    /// Records that the last bytes of a delivery's message are about to leave: planned or deferred
    /// and due -> attempting. It is durable before this returns. Gives the message's `Date`: `date`
    /// at the first intent of a letter, the same ever after. (`date` is another reading than `now`
    /// where `SECRETARIAT_NOW` fixes the one and time goes on for the other.)
    ///
    /// # Errors
    /// [`ChangeError`]: do not finish the message.
    pub fn intend(
        &mut self,
        delivery: &DeliveryId,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, ChangeError> {
        self.change(Change::Intend { delivery: *delivery, date, now })
    }

    /// Records what became of a delivery; durable before this returns. Where somebody has withdrawn
    /// the mailing meanwhile, a deferred delivery is cancelled at once, and a cancelled one stays so.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for a step that the table does not have, for [`State::Attempting`]
    /// (only an intent leads there) and out of [`State::Accepted`] (a resend is a new round).
    pub fn record(
        &mut self,
        delivery: &DeliveryId,
        recorded: &Recorded,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let recorded = Box::new(recorded.clone());
        self.change(Change::Record { delivery: *delivery, recorded, now }).map(drop)
    }

    /// Makes every attempt that a dead run left under way uncertain, and names them. The run lock
    /// proves that nobody is at work on them.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn recover(
        &mut self,
        _held: &RunLock,
        now: Timestamp,
    ) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.transaction(|connection| {
            let mut found = query::in_state(connection, State::Attempting)?;
            for delivery in &mut found {
                recover(connection, delivery, now)?;
                crash::point("attempt-recovered");
            }
            Ok(found)
        })
    }

    fn change(&mut self, change: Change) -> Result<Timestamp, ChangeError> {
        // One change, one answer; a ledger that gave none would be closed.
        let closed = LedgerError { file: self.file.clone(), fault: Fault::Closed };
        self.change_together(&[change]).pop().unwrap_or(Err(closed.into()))
    }

    /// Group commit: takes all steps in one transaction and commits once. As many answers as
    /// changes, in their order.
    pub(super) fn change_together(
        &mut self,
        changes: &[Change],
    ) -> Vec<Result<Timestamp, ChangeError>> {
        let take_all = |take: fn(&Connection, &Change) -> Taken| {
            move |connection: &Connection| {
                changes.iter().map(|change| take(connection, change)).collect::<Result<Vec<_>, _>>()
            }
        };
        // A step that cannot be written takes the others with it, and then all are taken once more,
        // each apart: what must not happen in between is that half of one is kept.
        let answers = match self.transaction(take_all(straight)) {
            // A ledger that another program holds was waited for already.
            Err(error)
                if changes.len() > 1 && self.stopped.is_none() && error.fault != Fault::Held =>
            {
                self.transaction(take_all(apart))
            }
            answers => answers,
        };
        match answers {
            Ok(answers) => answers.into_iter().map(|answer| self.answered(answer)).collect(),
            Err(error) => changes.iter().map(|_| Err(error.clone().into())).collect(),
        }
    }

    fn answered(&self, answer: Result<Timestamp, Stopped>) -> Result<Timestamp, ChangeError> {
        answer.map_err(|stopped| match stopped {
            Stopped::Refused(refusal) => refusal.into(),
            Stopped::Failed(fault) => LedgerError { file: self.file.clone(), fault }.into(),
        })
    }
}

/// Why one step of a group was not taken.
enum Stopped {
    Refused(Refusal),
    Failed(Fault),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Stopped {
        Stopped::Refused(refusal)
    }
}

impl<E: Into<Fault>> From<E> for Stopped {
    fn from(error: E) -> Stopped {
        Stopped::Failed(error.into())
    }
}

/// One step's answer; the outer error is its whole group's.
type Taken = Result<Result<Timestamp, Stopped>, Fault>;

/// Takes one step; a failure ends the group. A refusal does not: steps are refused before they
/// write.
fn straight(connection: &Connection, change: &Change) -> Taken {
    match take(connection, change) {
        Err(Stopped::Failed(fault)) => Err(fault),
        answer => Ok(answer),
    }
}

/// Takes one step so that its failure does not sink the others of the group. It costs a copy of
/// every page that the step changes.
///
/// The outer error: SQLite gave up the transaction (it does when a drive is full or fails), so that
/// what was done before in it is gone too.
fn apart(connection: &Connection, change: &Change) -> Taken {
    connection.prepare_cached("SAVEPOINT step")?.execute([])?;
    let answer = take(connection, change);
    if answer.is_err() {
        if connection.is_autocommit() {
            let fault = match answer {
                Err(Stopped::Failed(fault)) => fault,
                _ => Fault::Unexpected { detail: "the transaction is gone".to_owned() },
            };
            return Err(fault);
        }
        connection.prepare_cached("ROLLBACK TO step")?.execute([])?;
    }
    connection.prepare_cached("RELEASE step")?.execute([])?;
    Ok(answer)
}

fn take(connection: &Connection, change: &Change) -> Result<Timestamp, Stopped> {
    match change {
        Change::Intend { delivery, date, now } => intend(connection, delivery, *date, *now),
        Change::Record { delivery, recorded, now } => {
            record(connection, delivery, recorded, *now).map(|()| *now)
        }
    }
}

/// What a step needs to know of its delivery.
struct Found {
    row: i64,
    campaign: String,
    state: State,
    attempts: u32,
    date: Option<i64>,
    due_at: Option<i64>,
}

fn find(connection: &Connection, delivery: &DeliveryId) -> Result<Found, Stopped> {
    let mut statement = connection.prepare_cached(
        "SELECT row, campaign, state, attempts, date, due_at FROM deliveries WHERE id = ?",
    )?;
    let found = statement.query_row([delivery.as_bytes()], |row| {
        Ok(Found {
            row: row.get(0)?,
            campaign: row.get(1)?,
            state: row.get(2)?,
            attempts: row.get(3)?,
            date: row.get(4)?,
            due_at: row.get(5)?,
        })
    });
    found.optional()?.ok_or_else(|| Refusal::Unknown { delivery: *delivery }.into())
}

fn intend(
    connection: &Connection,
    delivery: &DeliveryId,
    date: Timestamp,
    now: Timestamp,
) -> Result<Timestamp, Stopped> {
    let (delivery, to) = (*delivery, State::Attempting);
    let Found { row, campaign, state: from, attempts, date: fixed, due_at } =
        find(connection, &delivery)?;
    let refused = Refusal::NotAllowed { delivery, from, to };
    if !from.may_become(to) {
        return Err(refused.into());
    }
    if let Some(due_at) = due_at.map(Timestamp::from_unix_seconds).filter(|due| *due > now) {
        return Err(Refusal::NotDue { delivery, due_at }.into());
    }
    // The write lock is held since before the question, so the state is still the one found; the
    // condition says it again, because on this one row everything rests.
    let changed = connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'attempting', attempts = attempts + 1, due_at = NULL,
                 date = coalesce(date, :date), first_attempt = coalesce(first_attempt, :now),
                 updated_at = :now
             WHERE row = :row AND state = :from",
        )?
        .execute(named_params! {
            ":date": date.unix_seconds(), ":now": now.unix_seconds(), ":row": row, ":from": from,
        })?;
    if changed != 1 {
        return Err(refused.into());
    }
    let about = About { campaign: &campaign, delivery: Some(row), at: now };
    about.tell(connection, Kind::Attempt, &Begun { attempt: attempts + 1 })?;
    Ok(fixed.map_or(date, Timestamp::from_unix_seconds))
}

fn record(
    connection: &Connection,
    delivery: &DeliveryId,
    recorded: &Recorded,
    now: Timestamp,
) -> Result<(), Stopped> {
    let Found { row, campaign, state: from, .. } = find(connection, delivery)?;
    let to = recorded.to;
    let about = About { campaign: &campaign, delivery: Some(row), at: now };
    if from == State::Cancelled && control::REFUSALS.contains(&to) {
        return Ok(about.tell(connection, Kind::Answered, &Outcome::of(recorded, None))?);
    }
    if !from.may_become(to) || to == State::Attempting || from == State::Accepted {
        return Err(Refusal::NotAllowed { delivery: *delivery, from, to }.into());
    }
    let due_at = (to == State::Deferred).then(|| recorded.due_at.unwrap_or(now));
    write_outcome(connection, row, recorded, due_at, now)?;
    // Refused or lost before its intent: that was an attempt all the same, and the waits and the
    // time until it is given up count from the first one.
    if matches!((from, to), (State::Planned | State::Deferred, State::Deferred | State::Rejected)) {
        count_attempt(connection, row, now)?;
    }
    let is_over = to == State::Deferred && control::is_withdrawn(connection, &campaign)?;
    let told = Outcome::of(recorded, due_at.filter(|_| !is_over));
    about.tell(connection, Kind::Became(to), &told)?;
    if is_over {
        let detail =
            json!({ "detail": "the mailing was withdrawn while this letter was under way" });
        control::cancel_all(connection, about, &[row], &detail)?;
    }
    Ok(())
}

fn count_attempt(connection: &Connection, row: i64, now: Timestamp) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "UPDATE deliveries
             SET attempts = attempts + 1, first_attempt = coalesce(first_attempt, ?) WHERE row = ?",
        )?
        .execute([now.unix_seconds(), row])?;
    Ok(())
}

fn write_outcome(
    connection: &Connection,
    row: i64,
    recorded: &Recorded,
    due_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?, due_at = ?, updated_at = ?, stage = ?,
                 response_code = ?, response = ?, detail = ?, relay = ?, relay_id = ?, tls = ?
             WHERE row = ?",
        )?
        .execute(params![
            recorded.to,
            due_at.map(Timestamp::unix_seconds),
            now.unix_seconds(),
            recorded.stage,
            recorded.response.as_ref().map(|r| r.code),
            recorded.response.as_ref().map(response_bytes),
            recorded.detail,
            recorded.relay,
            recorded.relay_id,
            recorded.tls,
            row
        ])?;
    Ok(())
}

/// The texts of an answer's lines, each ended by LF: no line of a reply holds one (RFC 5321 4.2).
fn response_bytes(response: &Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in &response.lines {
        let end = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |i| i + 1);
        bytes.extend_from_slice(&line[..end]);
        bytes.push(b'\n');
    }
    bytes
}

/// Reads what [`response_bytes`] wrote.
pub(super) fn response(code: u16, bytes: &[u8]) -> Response {
    let lines = bytes.split_inclusive(|b| *b == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec());
    Response::new(code, lines.collect())
}

fn recover(
    connection: &Connection,
    delivery: &mut StoredDelivery,
    now: Timestamp,
) -> Result<(), Fault> {
    let said = "the run ended while this letter was on its way";
    let row: i64 = connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'uncertain', updated_at = ?, detail = ?, stage = NULL,
                 response_code = NULL, response = NULL WHERE id = ? RETURNING row",
        )?
        .query_row(params![now.unix_seconds(), said, delivery.id.as_bytes()], |row| row.get(0))?;
    delivery.state = State::Uncertain;
    delivery.updated_at = now;
    delivery.detail = Some(said.to_owned());
    delivery.response = None;
    delivery.stage = None;
    let about = About { campaign: delivery.campaign.as_str(), delivery: Some(row), at: now };
    about.write(connection, Kind::Recovered, json!({ "state": "uncertain", "detail": said }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::LockError;
    use crate::ledger::testing::{answered, bring, campaign, id, later, ledger, now, state};
    use std::sync::Barrier;
    use std::thread;

    /// A ledger whose `ana` is in this state, whether or not there is a way to it yet.
    fn with(from: State) -> (tempfile::TempDir, Ledger) {
        let (folder, ledger) = ledger(&["ana"]);
        let due = (from == State::Deferred).then(|| now().unix_seconds());
        let sql = "UPDATE deliveries SET state = ?, due_at = ?";
        ledger.connection.execute(sql, params![from, due]).unwrap();
        (folder, ledger)
    }

    #[test]
    fn record_takes_the_steps_of_the_table_and_no_others() {
        for (from, to) in State::ALL.into_iter().flat_map(|f| State::ALL.map(|t| (f, t))) {
            let (_folder, mut ledger) = with(from);
            if from == State::Cancelled && control::REFUSALS.contains(&to) {
                // Kept as an event: tested in `control.rs`.
                continue;
            }
            let allowed = from.may_become(to) && to != State::Attempting && from != State::Accepted;
            let recorded = ledger.record(&id("ana"), &Recorded::new(to), later(1));
            let delivery = id("ana");
            let refused = ChangeError::Refused(Refusal::NotAllowed { delivery, from, to });
            assert_eq!(recorded, if allowed { Ok(()) } else { Err(refused) }, "{from} -> {to}");
            assert_eq!(state(&ledger, "ana"), if allowed { to } else { from });
            let events = ledger.events_of(&delivery).unwrap().len();
            assert_eq!(events, if allowed { 2 } else { 1 }, "{from} -> {to}");
        }
    }

    #[test]
    fn an_intent_is_for_planned_and_deferred_only() {
        for from in State::ALL {
            let (_folder, mut ledger) = with(from);
            let intent = ledger.intend(&id("ana"), later(1), later(1));
            assert_eq!(intent.is_ok(), from.may_become(State::Attempting), "{from}");
            let attempts = ledger.delivery(&id("ana")).unwrap().unwrap().attempts;
            assert_eq!(attempts, u32::from(intent.is_ok()), "{from}");
        }
    }

    #[test]
    fn the_date_is_that_of_the_first_intent() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        assert_eq!(ledger.intend(&id("ana"), later(1), later(1)), Ok(later(1)));
        ledger.record(&id("ana"), &Recorded::new(State::Deferred), later(2)).unwrap();
        assert_eq!(ledger.intend(&id("ana"), later(3), later(3)), Ok(later(1)));
        let frozen = ledger.frozen(&id("ana")).unwrap().unwrap();
        assert_eq!((frozen.date, frozen.attempts), (Some(later(1)), 2));
        assert_eq!(frozen.first_attempt, Some(later(1)));
    }

    #[test]
    fn a_resolved_letter_keeps_its_date_and_message_id() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        bring(&mut ledger, "ana", State::Uncertain);
        let before = ledger.frozen(&id("ana")).unwrap().unwrap();
        ledger.record(&id("ana"), &Recorded::new(State::Planned), later(1)).unwrap();
        assert_eq!(ledger.intend(&id("ana"), later(2), later(2)), Ok(now()));
        let after = ledger.frozen(&id("ana")).unwrap().unwrap();
        assert_eq!(after.message_id, before.message_id);
    }

    #[test]
    fn nothing_is_intended_before_it_is_due() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let wait = Recorded { due_at: Some(later(5)), ..Recorded::new(State::Deferred) };
        ledger.record(&id("ana"), &wait, now()).unwrap();
        let delivery = id("ana");
        let refused = Refusal::NotDue { delivery, due_at: later(5) };
        assert_eq!(ledger.intend(&delivery, later(4), later(4)), Err(refused.into()));
        assert_eq!(ledger.intend(&delivery, later(5), later(5)), Ok(later(5)));
    }

    #[test]
    fn what_is_unknown_is_said_to_be() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let delivery = id("nobody");
        let unknown = ChangeError::Refused(Refusal::Unknown { delivery });
        assert_eq!(ledger.intend(&delivery, now(), now()), Err(unknown.clone()));
        let recorded = ledger.record(&delivery, &Recorded::new(State::Rejected), now());
        assert_eq!(recorded, Err(unknown));
    }

    #[test]
    fn of_two_intents_at_once_one_is_allowed() {
        let people: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let (folder, _ledger) = ledger(&people);
        let store = folder.path().join("store");
        let start = Barrier::new(2);
        let intend_all = || {
            let mut ledger = Ledger::open(&store, now()).unwrap();
            start.wait();
            people.iter().filter(|who| ledger.intend(&id(who), now(), now()).is_ok()).count()
        };
        let allowed: usize = thread::scope(|scope| {
            let two = [scope.spawn(intend_all), scope.spawn(intend_all)];
            two.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, people.len());
    }

    #[test]
    fn what_the_relay_answered_is_kept_byte_for_byte() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        ledger.intend(&id("ana"), now(), now()).unwrap();
        let lines = vec![b"5.1.1 bo\xeete inconnue".to_vec(), Vec::new(), b"5.1.1 fin".to_vec()];
        let recorded = Recorded {
            to: State::Rejected,
            response: Some(Response::new(550, lines)),
            stage: Some("recipient".to_owned()),
            detail: None,
            relay: Some("mail.forum.example:587".to_owned()),
            relay_id: Some("4XyZ".to_owned()),
            tls: Some("TLSv1.3".to_owned()),
            due_at: Some(later(1)),
        };
        ledger.record(&id("ana"), &recorded, later(1)).unwrap();
        let stored = ledger.delivery(&id("ana")).unwrap().unwrap();
        assert_eq!(stored.response, recorded.response);
        assert_eq!(stored.due_at, None, "only deferred ones are due");
        assert_eq!(
            (stored.stage, stored.relay, stored.relay_id, stored.tls),
            (recorded.stage, recorded.relay, recorded.relay_id, recorded.tls)
        );
        let event = ledger.events_of(&id("ana")).unwrap().pop().unwrap();
        assert_eq!((event.kind.as_str(), event.at), ("rejected", later(1)));
        assert_eq!(event.detail["response"], "550 5.1.1 bo\u{fffd}te inconnue 5.1.1 fin");
        assert_eq!(event.detail["relay_id"], "4XyZ");
        assert!(!event.detail.contains_key("detail"));
    }

    /// An attempt that failed without an answer does not show the answer to an earlier one.
    #[test]
    fn the_last_record_is_what_is_shown() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let wait = answered(State::Deferred, 451, "4.7.1 later");
        ledger.record(&id("ana"), &wait, now()).unwrap();
        ledger.intend(&id("ana"), later(1), later(1)).unwrap();
        let lost = Recorded {
            detail: Some("the connection was closed".to_owned()),
            ..Recorded::new(State::Uncertain)
        };
        ledger.record(&id("ana"), &lost, later(2)).unwrap();
        let stored = ledger.delivery(&id("ana")).unwrap().unwrap();
        assert_eq!(stored.response, None);
        assert_eq!(stored.last_words().as_deref(), Some("the connection was closed"));
    }

    #[test]
    fn an_attempt_that_a_dead_run_left_is_uncertain() {
        let (folder, mut ledger) = ledger(&["ana", "bo"]);
        ledger.intend(&id("bo"), now(), now()).unwrap();
        drop(ledger);
        let store = folder.path().join("store");
        let mut ledger = Ledger::open(&store, later(1)).unwrap();
        let lock = RunLock::take(&store, "desk-3", later(1)).unwrap();
        let found = ledger.recover(&lock, later(1)).unwrap();
        assert_eq!(found.iter().map(|d| d.id).collect::<Vec<_>>(), [id("bo")]);
        assert_eq!(found, ledger.attention(&campaign()).unwrap());
        assert_eq!(state(&ledger, "bo"), State::Uncertain);
        assert_eq!(ledger.events_of(&id("bo")).unwrap().pop().unwrap().kind, "recovered");
        assert_eq!(ledger.recover(&lock, later(2)), Ok(Vec::new()));
        let second = RunLock::take(&store, "desk-3", later(2));
        assert!(matches!(second, Err(LockError::Held { .. })));
    }

    #[test]
    fn a_step_that_fails_leaves_the_rest_of_its_group_alone() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        let sabotage = "CREATE TEMP TRIGGER odd BEFORE INSERT ON events
            WHEN new.kind = 'attempt' AND new.delivery = 2
            BEGIN SELECT raise(ABORT, 'odd'); END";
        ledger.connection.execute_batch(sabotage).unwrap();
        let intend = |who| Change::Intend { delivery: id(who), date: now(), now: now() };
        let before = ledger.commits();
        let answers =
            ledger.change_together(&[intend("ana"), intend("bo"), intend("nobody"), intend("eve")]);
        assert_eq!(
            answers.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, false, true]
        );
        assert!(matches!(answers[1], Err(ChangeError::Ledger(_))));
        assert!(matches!(answers[2], Err(ChangeError::Refused(Refusal::Unknown { .. }))));
        assert_eq!(ledger.commits(), before + 1);
        assert_eq!(state(&ledger, "ana"), State::Attempting);
        assert_eq!(state(&ledger, "bo"), State::Planned, "half a step was kept");
        assert_eq!(ledger.delivery(&id("bo")).unwrap().unwrap().attempts, 0);
    }

    #[test]
    fn after_a_failed_commit_nothing_is_recorded_any_more() {
        let (folder, mut ledger) = ledger(&["ana", "bo"]);
        sabotage_commits(&ledger);
        let intend = |who| Change::Intend { delivery: id(who), date: now(), now: now() };
        for answer in ledger.change_together(&[intend("ana"), intend("bo")]) {
            assert!(matches!(answer, Err(ChangeError::Ledger(_))));
        }
        ledger.connection.execute_batch("DROP TRIGGER broken").unwrap();
        for answer in ledger.change_together(&[intend("ana"), intend("bo")]) {
            let Err(ChangeError::Ledger(error)) = answer else { panic!("went on") };
            assert!(matches!(error.fault, Fault::Stopped { .. }), "{error}");
            assert!(error.hint().starts_with("Run the same command again"));
        }
        assert_eq!(state(&ledger, "ana"), State::Planned);
        drop(ledger);
        let mut again = Ledger::open(&folder.path().join("store"), now()).unwrap();
        assert!(again.intend(&id("ana"), now(), now()).is_ok());
    }

    /// Makes COMMIT itself fail, as a failed fsync does: by a reference that is checked only then.
    fn sabotage_commits(ledger: &Ledger) {
        ledger
            .connection
            .execute_batch(
                "CREATE TABLE parent (row INTEGER PRIMARY KEY);
                 CREATE TABLE child (of REFERENCES parent (row) DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER broken AFTER UPDATE ON deliveries
                     BEGIN INSERT INTO child VALUES (1); END;",
            )
            .unwrap();
    }

    #[test]
    fn a_full_drive_is_told_and_loses_nothing() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        bring(&mut ledger, "bo", State::Accepted);
        let pages: i64 =
            ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        // The limit is in pages, so that a long enough answer meets it.
        let limit = |ledger: &Ledger, pages: i64| {
            ledger.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        };
        limit(&ledger, pages).unwrap();
        let long = answered(State::Rejected, 550, &"x".repeat(60_000));
        let full = ledger.record(&id("ana"), &long, now()).unwrap_err();
        let ChangeError::Ledger(error) = full else { panic!("not refused by the drive") };
        assert_eq!(error.fault, Fault::Full);
        assert!(error.to_string().contains("ledger.db: the disk is full"), "{error}");
        limit(&ledger, i64::from(u32::MAX) - 1).unwrap();
        assert_eq!(state(&ledger, "bo"), State::Accepted);
        ledger.record(&id("ana"), &long, now()).unwrap();
    }
}
