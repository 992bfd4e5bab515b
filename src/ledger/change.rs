//! The steps of one delivery: intent before the last bytes, what was answered after them.
//!
//! Owns that a step of the table happens exactly once, together with its event, in a transaction
//! that is durable before the caller hears of it. Which step, and why, is decided in `send/`.
//!
//! # Withdrawn meanwhile
//! `cancel` takes no run lock and may come while a letter is under way. What it has withdrawn stays
//! withdrawn: a refusal that comes afterwards is kept as an event and changes no state. A letter
//! that it could not reach, because it was being handed over, is withdrawn as soon as it would be
//! tried again. Neither is a failure.
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
use super::{Ledger, RunLock, control, hand_over};
use crate::crash;
use crate::id::DeliveryId;
use crate::response::Response;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use serde_json::json;
use std::sync::Arc;

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
    /// The same, for a message that becomes a file in this folder.
    IntendFile { delivery: DeliveryId, date: Timestamp, now: Timestamp, folder: Arc<str> },
    /// Any other.
    Record { delivery: DeliveryId, recorded: Box<Recorded>, now: Timestamp },
}

impl Ledger {
    /// Records that the last bytes of a delivery's message are about to leave: planned or deferred
    /// and due -> attempting. It is durable before this returns. Gives the message's `Date`: `date`
    /// at the first intent of a letter or of one of its copies, the same ever after for all of them.
    /// (`date` is another reading than `now` where `SECRETARIAT_NOW` fixes the one and time goes on
    /// for the other.)
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
    /// the mailing meanwhile, a deferred delivery is cancelled at once, and a cancelled one stays
    /// so.
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
        Change::Intend { delivery, date, now } => intend(connection, delivery, *date, *now, None),
        Change::IntendFile { delivery, date, now, folder } => {
            intend(connection, delivery, *date, *now, Some(folder))
        }
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
    /// `Date` of its message, once fixed.
    date: Option<i64>,
    due_at: Option<i64>,
    /// Of a copy that has its letter's message: the letter's row, where the date is kept.
    dated_by: Option<i64>,
}

fn find(connection: &Connection, delivery: &DeliveryId) -> Result<Found, Stopped> {
    let mut statement = connection.prepare_cached(
        "SELECT row, campaign, state, attempts, date, due_at, copy_of FROM deliveries
         WHERE id = ?",
    )?;
    let found = statement.query_row([delivery.as_bytes()], |row| {
        Ok(Found {
            row: row.get(0)?,
            campaign: row.get(1)?,
            state: row.get(2)?,
            attempts: row.get(3)?,
            date: row.get(4)?,
            due_at: row.get(5)?,
            dated_by: row.get(6)?,
        })
    });
    let found = found.optional()?.ok_or(Refusal::Unknown { delivery: *delivery })?;
    with_its_letters_date(connection, found)
}

/// A copy's date is its letter's, unless it has kept one.
fn with_its_letters_date(connection: &Connection, found: Found) -> Result<Found, Stopped> {
    let (None, Some(letter)) = (found.date, found.dated_by) else {
        return Ok(Found { dated_by: None, ..found });
    };
    let mut statement = connection.prepare_cached("SELECT date FROM deliveries WHERE row = ?")?;
    let date = statement.query_row([letter], |row| row.get(0))?;
    Ok(Found { date, ..found })
}

/// Fixes the date of a letter at the first intent of one of its copies.
fn date_letter(connection: &Connection, letter: i64, date: Timestamp) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE deliveries SET date = ? WHERE row = ? AND date IS NULL")?
        .execute([date.unix_seconds(), letter])?;
    Ok(())
}

fn intend(
    connection: &Connection,
    delivery: &DeliveryId,
    date: Timestamp,
    now: Timestamp,
    folder: Option<&str>,
) -> Result<Timestamp, Stopped> {
    let (delivery, to) = (*delivery, State::Attempting);
    let Found { row, campaign, state: from, attempts, date: fixed, due_at, dated_by } =
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
                 updated_at = :now, stage = :stage, relay = coalesce(:folder, relay)
             WHERE row = :row AND state = :from",
        )?
        .execute(named_params! {
            ":date": dated_by.is_none().then_some(date.unix_seconds()),
            ":now": now.unix_seconds(), ":row": row, ":from": from,
            ":stage": folder.map(|_| hand_over::BEGUN), ":folder": folder,
        })?;
    if changed != 1 {
        return Err(refused.into());
    }
    if let Some(letter) = dated_by {
        date_letter(connection, letter, date)?;
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
    let of_hand_over = delivery.hand_over().map(|to| hand_over::broken_off(to.folder));
    let stage = of_hand_over.as_ref().map(|_| hand_over::BEGUN);
    let said = "the run ended while this letter was on its way";
    let said = of_hand_over.unwrap_or_else(|| said.to_owned());
    let row: i64 = connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'uncertain', updated_at = ?, detail = ?, stage = ?,
                 response_code = NULL, response = NULL WHERE id = ? RETURNING row",
        )?
        .query_row(params![now.unix_seconds(), said, stage, delivery.id.as_bytes()], |row| {
            row.get(0)
        })?;
    delivery.state = State::Uncertain;
    delivery.updated_at = now;
    delivery.detail = Some(said.clone());
    delivery.response = None;
    delivery.stage = stage.map(str::to_owned);
    let about = About { campaign: delivery.campaign.as_str(), delivery: Some(row), at: now };
    about.write(connection, Kind::Recovered, json!({ "state": "uncertain", "detail": said }))
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
