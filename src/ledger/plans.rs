//! Plans as the ledger keeps them: adopting one, confirming it, reading it back.
//!
//! Owns what becomes of each delivery when a plan becomes the current one of its campaign
//! (contract, Commands). How a plan is made, and what changed between two, is `plan/`.
//!
//! # Invariants
//! A plan is adopted whole, in one transaction, or not at all: also when the iterator that renders
//! its letters ends early, because people missing from a plan are cancelled.
//! Nobody who may have a letter gets another: only planned, deferred, cancelled and suppressed
//! deliveries change, and of those only the ones in their first round.

use super::events::{About, Kind};
use super::failure::Fault;
use super::frozen::{self, FrozenSender, PlannedDelivery};
use super::state::State;
use super::{Ledger, LedgerError};
use crate::id::{CampaignId, DeliveryId, Digest, Fingerprint};
use crate::limits::{LEDGER_CACHE_KIB, LEDGER_PLAN_CACHE_KIB};
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde_json::json;

/// A plan about to be adopted; its deliveries come beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPlan {
    /// The campaign.
    pub campaign: CampaignId,
    /// SHA-256 of the manifest.
    pub fingerprint: Fingerprint,
    /// The manifest, as `plan/` writes it.
    pub manifest: String,
    /// How many deliveries it has.
    pub total: u64,
}

/// What adopting a plan came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Planned now and not before: new people, and people who are back.
    pub added: u64,
    /// Planned or deferred people who get another letter.
    pub replaced: u64,
    /// People for whom nothing changed, above all those who have a letter.
    pub kept: u64,
    /// Planned or deferred people who are gone.
    pub cancelled: u64,
}

/// The current plan of a campaign, without its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    /// The campaign.
    pub campaign: CampaignId,
    /// SHA-256 of the manifest.
    pub fingerprint: Fingerprint,
    /// When it was adopted.
    pub made_at: Timestamp,
    /// When a person confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// How many deliveries it has.
    pub total: u64,
}

impl Ledger {
    /// Makes a plan the current one of its campaign, all deliveries in one transaction.
    ///
    /// The plan that is current already changes nothing, and the iterator is not asked. Otherwise
    /// new people are planned; planned and deferred ones get the letter, number, address and
    /// language of this plan; cancelled and suppressed ones are planned again; who is accepted,
    /// rejected, uncertain, expired or in a later round keeps what they have; planned and deferred
    /// people who are gone are cancelled. Another letter is another message: its date and first
    /// attempt are open again.
    ///
    /// # Errors
    /// When the ledger cannot be written, and for a plan with two deliveries to one key or another
    /// number of them than it says ([`Fault::Twice`], [`Fault::Incomplete`]).
    pub fn adopt_plan(
        &mut self,
        plan: &NewPlan,
        deliveries: &mut dyn Iterator<Item = PlannedDelivery>,
        now: Timestamp,
    ) -> Result<Adopted, LedgerError> {
        self.cache(LEDGER_PLAN_CACHE_KIB)?;
        let adopted = self.transaction(|connection| adopt(connection, plan, deliveries, now));
        self.cache(LEDGER_CACHE_KIB)?;
        adopted
    }

    /// Records that a person confirmed the campaign's current plan; `false` when that is another.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn confirm(
        &mut self,
        campaign: &CampaignId,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.transaction(|connection| {
            let changed = connection.execute(
                "UPDATE plans SET confirmed_at = ?
                 WHERE campaign = ? AND fingerprint = ? AND current = 1",
                params![now.unix_seconds(), campaign.as_str(), fingerprint.0.as_bytes()],
            )?;
            if changed == 1 {
                let about = About { campaign: campaign.as_str(), delivery: None, at: now };
                let detail = json!({ "plan": fingerprint.plan_code() });
                about.write(connection, Kind::Confirmed, detail)?;
            }
            Ok(changed == 1)
        })
    }

    /// The current plan of a campaign.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn current_plan(&self, campaign: &CampaignId) -> Result<Option<StoredPlan>, LedgerError> {
        self.read(|connection| current(connection, campaign))
    }

    /// The manifest of a campaign's current plan. It grows with the people: 100,000 of them make
    /// some 20 MB, so it is read only where two plans are compared.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn manifest(&self, campaign: &CampaignId) -> Result<Option<String>, LedgerError> {
        self.read(|connection| {
            let manifest = "SELECT manifest FROM plans WHERE campaign = ? AND current = 1";
            Ok(connection.query_row(manifest, [campaign.as_str()], |row| row.get(0)).optional()?)
        })
    }

    /// SQLite's page cache: a plan writes to indexes in random order, which must not go to the
    /// drive and back for each row.
    fn cache(&self, kib: i64) -> Result<(), LedgerError> {
        self.read(|connection| Ok(connection.pragma_update(None, "cache_size", -kib)?))
    }
}

fn current(connection: &Connection, campaign: &CampaignId) -> Result<Option<StoredPlan>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, made_at, confirmed_at, total FROM plans
         WHERE campaign = ? AND current = 1",
    )?;
    let plan = statement.query_row([campaign.as_str()], |row: &Row<'_>| {
        Ok(StoredPlan {
            campaign: campaign.clone(),
            fingerprint: Fingerprint(Digest::from_bytes(row.get(0)?)),
            made_at: Timestamp::from_unix_seconds(row.get(1)?),
            confirmed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_unix_seconds),
            total: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    });
    Ok(plan.optional()?)
}

fn adopt(
    connection: &Connection,
    plan: &NewPlan,
    deliveries: &mut dyn Iterator<Item = PlannedDelivery>,
    now: Timestamp,
) -> Result<Adopted, Fault> {
    if current(connection, &plan.campaign)?.is_some_and(|c| c.fingerprint == plan.fingerprint) {
        return Ok(Adopted { kept: plan.total, ..Adopted::default() });
    }
    let mut adoption = Adoption {
        connection,
        campaign: &plan.campaign,
        plan: insert_plan(connection, plan, now)?,
        code: plan.fingerprint.plan_code(),
        now,
        senders: Vec::new(),
        adopted: Adopted::default(),
    };
    let mut found = 0;
    for delivery in deliveries {
        adoption.take(&delivery)?;
        found += 1;
    }
    if found != plan.total {
        return Err(Fault::Incomplete { expected: plan.total, found });
    }
    adoption.cancel_the_gone()?;
    let Adopted { added, replaced, kept, cancelled } = adoption.adopted;
    let detail = json!({
        "plan": adoption.code, "total": plan.total,
        "added": added, "replaced": replaced, "kept": kept, "cancelled": cancelled,
    });
    adoption.about(None).write(connection, Kind::PlanAdopted, detail)?;
    Ok(adoption.adopted)
}

/// Writes the plan itself. A plan that comes back after another is a new row: adopting is what
/// happened, and deliveries say which adoption named them last.
fn insert_plan(connection: &Connection, plan: &NewPlan, now: Timestamp) -> Result<i64, Fault> {
    let campaign = plan.campaign.as_str();
    connection
        .execute("UPDATE plans SET current = 0 WHERE campaign = ? AND current = 1", [campaign])?;
    connection.execute(
        "INSERT INTO plans (campaign, fingerprint, current, made_at, total, manifest)
         VALUES (?, ?, 1, ?, ?, ?)",
        params![
            campaign,
            plan.fingerprint.0.as_bytes(),
            now.unix_seconds(),
            i64::try_from(plan.total).unwrap_or(i64::MAX),
            plan.manifest
        ],
    )?;
    Ok(connection.last_insert_rowid())
}

/// A plan being adopted.
struct Adoption<'a> {
    connection: &'a Connection,
    campaign: &'a CampaignId,
    /// Row of the plan.
    plan: i64,
    code: String,
    now: Timestamp,
    /// Rows of the senders met so far: one for each language at most.
    senders: Vec<(FrozenSender, i64)>,
    adopted: Adopted,
}

/// What the ledger has of a delivery already.
struct Known {
    row: i64,
    plan: i64,
    state: State,
    round: u32,
    letter_digest: Option<[u8; 32]>,
    message_id: Option<String>,
}

impl Known {
    /// Whether this plan may change it at all. A later round is a person's own decision about
    /// somebody who had a letter; no plan brings or alters it.
    fn is_open_to_plans(&self) -> bool {
        use State::{Cancelled, Deferred, Planned, Suppressed};
        self.round == 1 && matches!(self.state, Planned | Deferred | Cancelled | Suppressed)
    }

    /// The Message-ID stands for the documents, which the letter's digest does not hold.
    fn has_letter_of(&self, delivery: &PlannedDelivery) -> bool {
        self.letter_digest.as_ref() == Some(delivery.letter_digest.as_bytes())
            && self.message_id.as_ref() == Some(&delivery.message_id)
    }
}

impl Adoption<'_> {
    /// One delivery of the plan.
    fn take(&mut self, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let id = DeliveryId::of(self.campaign, &delivery.key);
        let Some(known) = self.known(&id)? else {
            return self.add(&id, delivery);
        };
        if known.plan == self.plan {
            return Err(Fault::Twice { key: delivery.key.as_str().to_owned() });
        }
        if !known.is_open_to_plans() {
            self.adopted.kept += 1;
            return self.name(known.row);
        }
        let changed = !known.has_letter_of(delivery);
        self.refresh(known.row, delivery)?;
        if changed {
            self.replace_letter(known.row, delivery)?;
        }
        if known.state.is_final() {
            self.adopted.added += 1;
            self.plan_again(known.row, delivery)
        } else if changed {
            self.adopted.replaced += 1;
            let detail = json!({ "plan": self.code });
            self.about(Some(known.row)).write(self.connection, Kind::LetterReplaced, detail)
        } else {
            self.adopted.kept += 1;
            Ok(())
        }
    }

    fn known(&self, id: &DeliveryId) -> Result<Option<Known>, Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, plan, state, round, letter_digest, message_id
             FROM deliveries WHERE id = ?",
        )?;
        let known = statement.query_row([id.as_bytes()], |row| {
            Ok(Known {
                row: row.get(0)?,
                plan: row.get(1)?,
                state: row.get(2)?,
                round: row.get(3)?,
                letter_digest: row.get(4)?,
                message_id: row.get(5)?,
            })
        });
        Ok(known.optional()?)
    }

    fn add(&mut self, id: &DeliveryId, delivery: &PlannedDelivery) -> Result<(), Fault> {
        self.adopted.added += 1;
        self.connection
            .prepare_cached(
                "INSERT INTO deliveries (id, campaign, state, round, attempts, updated_at, plan,
                     number, key, address, compare_address, name, language, file, line,
                     letter_digest, message_id)
                 VALUES (?, ?, 'planned', 1, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                id.as_bytes(),
                self.campaign.as_str(),
                self.now.unix_seconds(),
                self.plan,
                delivery.number,
                delivery.key.as_str(),
                delivery.address.as_str(),
                delivery.address.compare_key(),
                delivery.name,
                delivery.language.as_str(),
                delivery.place.file,
                delivery.place.line,
                delivery.letter_digest.as_bytes(),
                delivery.message_id
            ])?;
        let row = self.connection.last_insert_rowid();
        self.write_letter(row, delivery)?;
        self.tell_planned(row, delivery)
    }

    /// Marks a delivery as named by this plan and leaves everything else.
    fn name(&self, row: i64) -> Result<(), Fault> {
        self.connection
            .prepare_cached("UPDATE deliveries SET plan = ? WHERE row = ?")?
            .execute([self.plan, row])?;
        Ok(())
    }

    fn refresh(&self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET plan = ?, number = ?, address = ?, compare_address = ?,
                     name = ?, language = ?, file = ?, line = ? WHERE row = ?",
            )?
            .execute(params![
                self.plan,
                delivery.number,
                delivery.address.as_str(),
                delivery.address.compare_key(),
                delivery.name,
                delivery.language.as_str(),
                delivery.place.file,
                delivery.place.line,
                row
            ])?;
        Ok(())
    }

    /// Another letter is another message, whose `Date` and first attempt are still to come.
    fn replace_letter(&mut self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET letter_digest = ?, message_id = ?, date = NULL,
                     first_attempt = NULL, updated_at = ? WHERE row = ?",
            )?
            .execute(params![
                delivery.letter_digest.as_bytes(),
                delivery.message_id,
                self.now.unix_seconds(),
                row
            ])?;
        self.write_letter(row, delivery)
    }

    fn write_letter(&mut self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let letter = &delivery.letter;
        let sender = self.sender(&letter.sender)?;
        let values: serde_json::Map<_, _> =
            delivery.values.iter().map(|(name, v)| (name.clone(), v.as_str().into())).collect();
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO letters (delivery, round, sender, subject, reply_to,
                     images, attachments, row_values, body_text, body_html)
                 VALUES (:delivery, 1, :sender, :subject, :reply_to, :images, :attachments,
                     :values, :text, :html)",
            )?
            .execute(named_params! {
                ":delivery": row,
                ":sender": sender,
                ":subject": letter.subject,
                ":reply_to": letter.reply_to.as_ref().map(frozen::mailbox_text),
                ":images": frozen::json(&letter.images)?,
                ":attachments": frozen::json(&letter.attachments)?,
                ":values": frozen::json(&values)?,
                ":text": letter.text,
                ":html": letter.html,
            })?;
        Ok(())
    }

    /// The row of a sender, written where it is missing.
    fn sender(&mut self, sender: &FrozenSender) -> Result<i64, Fault> {
        if let Some((_, row)) = self.senders.iter().find(|(met, _)| met == sender) {
            return Ok(*row);
        }
        let author = frozen::mailbox_text(&sender.from);
        let reply_to = sender.reply_to.as_ref().map(frozen::mailbox_text);
        let columns = params![author, reply_to, sender.bounce_address.as_ref().map(|a| a.as_str())];
        let found = "SELECT row FROM senders
                     WHERE author IS ? AND reply_to IS ? AND bounce_address IS ?";
        let row = match self.connection.query_row(found, columns, |row| row.get(0)).optional()? {
            Some(row) => row,
            None => {
                let insert =
                    "INSERT INTO senders (author, reply_to, bounce_address) VALUES (?, ?, ?)";
                self.connection.execute(insert, columns)?;
                self.connection.last_insert_rowid()
            }
        };
        self.senders.push((sender.clone(), row));
        Ok(row)
    }

    /// Somebody who was withdrawn or not to be written to is in a plan again.
    fn plan_again(&self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET state = 'planned', updated_at = ? WHERE row = ?",
            )?
            .execute([self.now.unix_seconds(), row])?;
        self.tell_planned(row, delivery)
    }

    fn tell_planned(&self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let place = &delivery.place;
        let detail = json!({ "plan": self.code, "file": place.file, "line": place.line });
        self.about(Some(row)).write(self.connection, Kind::Became(State::Planned), detail)
    }

    /// Who has no letter yet and is not in this plan gets none.
    fn cancel_the_gone(&mut self) -> Result<(), Fault> {
        let mut statement = self.connection.prepare(
            "SELECT row FROM deliveries
             WHERE campaign = ? AND state IN ('planned', 'deferred') AND plan <> ?",
        )?;
        let gone: Vec<i64> = statement
            .query_map(params![self.campaign.as_str(), self.plan], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for row in gone {
            self.connection
                .prepare_cached(
                    "UPDATE deliveries SET state = 'cancelled', due_at = NULL, updated_at = ?
                     WHERE row = ?",
                )?
                .execute([self.now.unix_seconds(), row])?;
            let detail = json!({ "plan": self.code, "detail": "no longer in the plan" });
            let kind = Kind::Became(State::Cancelled);
            self.about(Some(row)).write(self.connection, kind, detail)?;
            self.adopted.cancelled += 1;
        }
        Ok(())
    }

    fn about(&self, delivery: Option<i64>) -> About<'_> {
        About { campaign: self.campaign.as_str(), delivery, at: self.now }
    }
}
