//! Everything decided and recorded, in order: what `why` tells of a person.
//!
//! Owns the kinds of events and their text. An event is written in the transaction of what it
//! tells of, so that the two are never apart; no event is changed afterwards.

use super::change::Recorded;
use super::failure::Fault;
use super::frozen;
use super::state::State;
use super::{Ledger, LedgerError};
use crate::id::{CampaignId, DeliveryId};
use crate::time::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::{Map, Value};

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plan became the current one of its campaign.
    PlanAdopted,
    /// A person confirmed the current plan.
    Confirmed,
    /// A newer plan brought another letter for somebody who had none yet.
    LetterReplaced,
    /// An attempt began.
    Attempt,
    /// An attempt was found under way with nobody holding the run lock.
    Recovered,
    /// A person stopped the campaign for now.
    Paused,
    /// A person let a paused campaign go on.
    Resumed,
    /// A person said what became of an uncertain delivery.
    Resolved,
    /// A run found records that a later clock had made.
    ClockSetBack,
    /// The relay refused a letter that had been withdrawn meanwhile.
    Answered,
    /// The delivery came into this state; of a campaign as a whole: all that could.
    Became(State),
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::PlanAdopted => "plan-adopted",
            Kind::Confirmed => "confirmed",
            Kind::LetterReplaced => "letter-replaced",
            Kind::Attempt => "attempt",
            Kind::Recovered => "recovered",
            Kind::Paused => "paused",
            Kind::Resumed => "resumed",
            Kind::Resolved => "resolved",
            Kind::ClockSetBack => "clock-set-back",
            Kind::Answered => "answered",
            Kind::Became(state) => state.as_str(),
        }
    }
}

/// Something that was decided or recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The campaign it belongs to.
    pub campaign: String,
    /// `plan-adopted`, `confirmed`, `letter-replaced`, `attempt`, `recovered`, `resolved`,
    /// `answered`, `paused`, `resumed`, `clock-set-back`, or the state that was reached.
    pub kind: String,
    /// What more there is to say, by name: `response`, `stage`, `plan`, `file`, `line` ...
    pub detail: Map<String, Value>,
}

impl Ledger {
    /// What happened to one delivery, oldest first; nothing for an id it does not have.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn events_of(&self, delivery: &DeliveryId) -> Result<Vec<Event>, LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, campaign, kind, detail FROM events
                 WHERE delivery = (SELECT row FROM deliveries WHERE id = ?) ORDER BY seq",
            )?;
            let rows = statement.query_and_then([delivery.as_bytes()], event)?;
            rows.collect()
        })
    }

    /// What happened to a campaign as a whole, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn events_of_campaign(&self, campaign: &CampaignId) -> Result<Vec<Event>, LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, campaign, kind, detail FROM events
                 WHERE delivery IS NULL AND campaign = ? ORDER BY seq",
            )?;
            let rows = statement.query_and_then([campaign.as_str()], event)?;
            rows.collect()
        })
    }
}

fn event(row: &Row<'_>) -> Result<Event, Fault> {
    let detail: String = row.get(3)?;
    let detail = serde_json::from_str(&detail).map_err(|e| Fault::damaged(e.to_string()))?;
    Ok(Event {
        at: Timestamp::from_unix_seconds(row.get(0)?),
        campaign: row.get(1)?,
        kind: row.get(2)?,
        detail,
    })
}

/// An event about to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// The campaign.
    pub(super) campaign: &'a str,
    /// Row of the delivery; none for the campaign as a whole.
    pub(super) delivery: Option<i64>,
    /// When.
    pub(super) at: Timestamp,
}

impl About<'_> {
    /// Writes it; parts of the detail that are null are left out.
    pub(super) fn write(
        self,
        connection: &Connection,
        kind: Kind,
        mut detail: Value,
    ) -> Result<(), Fault> {
        if let Some(parts) = detail.as_object_mut() {
            parts.retain(|_, value| !value.is_null());
        }
        self.tell(connection, kind, &detail)
    }

    /// Writes it with a detail that becomes a JSON object as it is. For what is written with every
    /// letter: a [`Value`] of its parts costs more than the event.
    pub(super) fn tell(
        self,
        connection: &Connection,
        kind: Kind,
        detail: &impl Serialize,
    ) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "INSERT INTO events (at, campaign, delivery, kind, detail) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.at.unix_seconds(),
                self.campaign,
                self.delivery,
                kind.as_str(),
                frozen::json(detail)?
            ])?;
        Ok(())
    }
}

/// What the event of an intent tells.
#[derive(Serialize)]
pub(super) struct Begun {
    pub(super) attempt: u32,
}

/// What the event of an outcome tells: the parts that there are.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relay: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relay_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<&'a str>,
}

impl<'a> Outcome<'a> {
    /// What is known of a delivery that came to a state, and when it is due again.
    pub(super) fn of(recorded: &'a Recorded, due_at: Option<Timestamp>) -> Outcome<'a> {
        Outcome {
            detail: recorded.detail.as_deref(),
            due_at: due_at.map(|at| at.to_string()),
            relay: recorded.relay.as_deref(),
            relay_id: recorded.relay_id.as_deref(),
            response: recorded.response.as_ref().map(ToString::to_string),
            stage: recorded.stage.as_deref(),
            tls: recorded.tls.as_deref(),
        }
    }
}
