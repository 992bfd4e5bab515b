//! The steps of one delivery: intent before the last bytes, what was answered after them.
//!
//! Owns that a step of the table happens exactly once, together with its event, in a transaction
//! that is durable before the caller hears of it. Which step, and why, is decided in `send/`.
//!
//! # Failure
//! A step that is refused or fails leaves nothing behind and the other steps of its group alone. A
//! commit that fails is told to everybody in its group, and the ledger takes no more steps: after a
//! failed fsync the system may report the next one as done although the bytes are gone.

use super::events::{About, Kind};
use super::failure::{Fault, LedgerError};
use super::query::{self, StoredDelivery};
use super::state::State;
use super::{Ledger, RunLock};
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
    Intend { delivery: DeliveryId, now: Timestamp },
    /// Any other.
    Record { delivery: DeliveryId, recorded: Box<Recorded>, now: Timestamp },
}

impl Ledger {
    /// Records that the last bytes of a delivery's message are about to leave: planned or deferred
    /// and due -> attempting. It is durable before this returns. Gives the message's `Date`: `now`
    /// at the first intent of a letter, the same ever after.
    ///
    /// # Errors
    /// [`ChangeError`]: do not finish the message.
    pub fn intend(
        &mut self,
        delivery: &DeliveryId,
        now: Timestamp,
    ) -> Result<Timestamp, ChangeError> {
        self.change(Change::Intend { delivery: *delivery, now })
    }

    /// Records what became of a delivery; durable before this returns.
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
        let answers = self.transaction(|connection| {
            changes.iter().map(|change| apart(connection, change)).collect::<Result<Vec<_>, _>>()
        });
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

/// Takes one step so that its failure does not sink the others of the group.
///
/// The outer error is the whole group's: SQLite gave up the transaction (it does when a drive is
/// full or fails), so that what was done before in it is gone too.
fn apart(connection: &Connection, change: &Change) -> Result<Result<Timestamp, Stopped>, Fault> {
    connection.prepare_cached("SAVEPOINT step")?.execute([])?;
    let answer = match change {
        Change::Intend { delivery, now } => intend(connection, delivery, *now),
        Change::Record { delivery, recorded, now } => {
            record(connection, delivery, recorded, *now).map(|()| *now)
        }
    };
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

/// The condition stands in the UPDATE itself: of two intents, whoever makes them, one finds no row.
fn intend(
    connection: &Connection,
    delivery: &DeliveryId,
    now: Timestamp,
) -> Result<Timestamp, Stopped> {
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET state = 'attempting', attempts = attempts + 1, due_at = NULL,
             date = coalesce(date, :now), first_attempt = coalesce(first_attempt, :now),
             updated_at = :now
         WHERE id = :id AND (state = 'planned' OR state = 'deferred' AND due_at <= :now)
         RETURNING row, campaign, attempts, date",
    )?;
    let named = named_params! { ":id": delivery.as_bytes(), ":now": now.unix_seconds() };
    let changed = statement.query_row(named, |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?, row.get(3)?))
    });
    let Some((row, campaign, attempt, date)) = changed.optional()? else {
        return Err(why_not(connection, delivery)?.into());
    };
    let about = About { campaign: &campaign, delivery: Some(row), at: now };
    about.write(connection, Kind::Attempt, json!({ "attempt": attempt }))?;
    Ok(Timestamp::from_unix_seconds(date))
}

/// Why an intent found no row.
fn why_not(connection: &Connection, delivery: &DeliveryId) -> Result<Refusal, Fault> {
    let delivery = *delivery;
    let found = connection
        .prepare_cached("SELECT state, due_at FROM deliveries WHERE id = ?")?
        .query_row([delivery.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found {
        None => Refusal::Unknown { delivery },
        Some((State::Deferred, Some(due_at))) => {
            Refusal::NotDue { delivery, due_at: Timestamp::from_unix_seconds(due_at) }
        }
        Some((from, _)) => Refusal::NotAllowed { delivery, from, to: State::Attempting },
    })
}

fn record(
    connection: &Connection,
    delivery: &DeliveryId,
    recorded: &Recorded,
    now: Timestamp,
) -> Result<(), Stopped> {
    let found = connection
        .prepare_cached("SELECT row, campaign, state FROM deliveries WHERE id = ?")?
        .query_row([delivery.as_bytes()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, State>(2)?))
        })
        .optional()?;
    let Some((row, campaign, from)) = found else {
        return Err(Refusal::Unknown { delivery: *delivery }.into());
    };
    let to = recorded.to;
    if !from.may_become(to) || to == State::Attempting || from == State::Accepted {
        return Err(Refusal::NotAllowed { delivery: *delivery, from, to }.into());
    }
    let due_at = (to == State::Deferred).then(|| recorded.due_at.unwrap_or(now));
    write_outcome(connection, row, recorded, due_at, now)?;
    let about = About { campaign: &campaign, delivery: Some(row), at: now };
    let detail = json!({
        "stage": recorded.stage,
        "response": recorded.response.as_ref().map(ToString::to_string),
        "detail": recorded.detail,
        "relay": recorded.relay,
        "relay_id": recorded.relay_id,
        "tls": recorded.tls,
        "due_at": due_at.map(|at| at.to_string()),
    });
    Ok(about.write(connection, Kind::Became(to), detail)?)
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
