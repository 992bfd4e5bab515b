//! What becomes of each delivery when a plan becomes the current one of its campaign.
//!
//! Owns the contract's rules for a workspace that changed between two runs of `send`: who is
//! planned, who gets another letter, who keeps theirs, who is cancelled.
//!
//! # Invariants
//! A plan is adopted whole, in one transaction, or not at all: also when the iterator that renders
//! its letters ends early, because people missing from a plan are cancelled.
//! Nobody who may have a letter gets another: only planned, deferred, cancelled and suppressed
//! deliveries change, and those refused or given up at an address that is another now; and of all
//! these only the ones in their first round. A letter's copies have its message (`copies.rs`).

mod copies;

use super::control::cancel_all;
use super::events::{About, Kind};
use super::failure::Fault;
use super::frozen::{self, FrozenSender, PlannedDelivery};
use super::names::Names;
use super::plans::{Adopted, NewPlan, StoredPlan, current, insert_plan};
use super::state::State;
use crate::address::EmailAddress;
use crate::crash;
use crate::id::{CampaignId, DeliveryId, Digest, RecipientKey};
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Serialize, Serializer};
use serde_json::json;
use std::collections::HashSet;

/// Adopts a plan within the transaction of the connection; see [`super::Ledger::adopt_plan`].
pub(super) fn adopt(
    connection: &Connection,
    plan: &NewPlan,
    deliveries: &mut dyn Iterator<Item = PlannedDelivery>,
    now: Timestamp,
) -> Result<Adopted, Fault> {
    let before = current(connection, &plan.campaign)?;
    let is_withdrawn = before.as_ref().is_some_and(|c| c.withdrawn_at.is_some());
    let is_current = |c: &StoredPlan| c.fingerprint == plan.fingerprint;
    if !is_withdrawn && before.as_ref().is_some_and(is_current) {
        return Ok(Adopted { kept: plan.total, ..Adopted::default() });
    }
    let mut adoption = Adoption {
        connection,
        campaign: &plan.campaign,
        is_first: is_first(connection, &plan.campaign)?,
        plan: insert_plan(connection, plan, now)?,
        has_copies: copies::are_there(connection)?,
        brought_back: plan.brought_back.as_ref().filter(|_| is_withdrawn),
        code: plan.fingerprint.plan_code(),
        now,
        senders: Vec::new(),
        names: Names::default(),
        adopted: Adopted::default(),
    };
    let mut found = 0;
    for delivery in deliveries {
        adoption.take(&delivery)?;
        crash::point("letter-adopted");
        found += 1 + delivery.copies.len() as u64;
    }
    if found != plan.total {
        return Err(Fault::Incomplete { expected: plan.total, found });
    }
    adoption.names.write(connection)?;
    adoption.cancel_the_gone()?;
    let Adopted { added, replaced, kept, cancelled } = adoption.adopted;
    let detail = json!({
        "plan": adoption.code, "total": plan.total,
        "added": added, "replaced": replaced, "kept": kept, "cancelled": cancelled,
    });
    adoption.about(None).write(connection, Kind::PlanAdopted, detail)?;
    Ok(adoption.adopted)
}

/// A plan being adopted.
struct Adoption<'a> {
    connection: &'a Connection,
    campaign: &'a CampaignId,
    /// The campaign has no deliveries yet, so that nobody needs to be looked for.
    is_first: bool,
    /// There are copies in the ledger, so that a letter's need to be looked for.
    has_copies: bool,
    /// Row of the plan.
    plan: i64,
    /// Those of a withdrawn campaign who are planned again; `None`: everybody.
    brought_back: Option<&'a HashSet<DeliveryId>>,
    code: String,
    now: Timestamp,
    /// Rows of the senders met so far: one for each language at most.
    senders: Vec<(FrozenSender, i64)>,
    names: Names,
    adopted: Adopted,
}

fn is_first(connection: &Connection, campaign: &CampaignId) -> Result<bool, Fault> {
    let has_none = "SELECT NOT EXISTS (SELECT 1 FROM deliveries WHERE campaign = ?)";
    Ok(connection.query_row(has_none, [campaign.as_str()], |row| row.get(0))?)
}

/// What the ledger has of a delivery already.
struct Known {
    row: i64,
    plan: i64,
    state: State,
    round: u32,
    letter_digest: Option<[u8; 32]>,
    message_id: Option<String>,
    compare_address: String,
}

impl Known {
    /// Whether this plan may change it at all. A later round is a person's own decision about
    /// somebody who had a letter; no plan brings or alters it.
    fn is_open_to(&self, address: &EmailAddress) -> bool {
        self.round == 1 && (self.state.is_open_to_plans() || self.is_readdressed(address))
    }

    /// Refused or given up, and written to at another address now.
    fn is_readdressed(&self, address: &EmailAddress) -> bool {
        self.state.is_open_at_another_address() && self.compare_address != address.compare_key()
    }

    /// The Message-ID stands for the documents, which the letter's digest does not hold.
    fn has_message(&self, letter_digest: &Digest, message_id: &str) -> bool {
        self.letter_digest.as_ref() == Some(letter_digest.as_bytes())
            && self.message_id.as_deref() == Some(message_id)
    }
}

impl Adoption<'_> {
    /// One letter of the plan, with its copies.
    fn take(&mut self, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let (letter, kept) = self.take_letter(delivery)?;
        delivery.copies.iter().try_for_each(|copy| {
            let message = copies::Message::of(letter, kept.as_ref(), delivery);
            self.take_copy(copy, delivery, &message)
        })
    }

    /// The letter itself: its row, and what the ledger has of it where it stays as it is there.
    fn take_letter(&mut self, delivery: &PlannedDelivery) -> Result<(i64, Option<Known>), Fault> {
        let id = DeliveryId::of(self.campaign, &delivery.key);
        let known = if self.is_first { None } else { self.known(&id)? };
        let Some(known) = known else {
            return Ok((self.add(&id, delivery)?, None));
        };
        if known.plan == self.plan {
            return Err(twice(&delivery.key));
        }
        let address = &delivery.address;
        if self.stays(&id, &known, address) {
            self.adopted.kept += 1;
            self.name(known.row)?;
            return Ok((known.row, Some(known)));
        }
        let changed = !known.has_message(&delivery.letter_digest, &delivery.message_id);
        if changed && self.has_copies {
            self.leave_copies_theirs(known.row)?;
        }
        self.refresh(known.row, delivery, &Entry::of_letter(delivery))?;
        if changed {
            self.begin_another_message(known.row, &Entry::of_letter(delivery))?;
        }
        // Also where it reads the same: the bounce address is in no digest, and must be the new
        // one.
        self.drop_letter(known.row)?;
        self.write_letter(known.row, delivery)?;
        self.tell_of_known(&known, changed, delivery, address)?;
        Ok((known.row, None))
    }

    /// Whether a delivery of the plan, to this address, stays as the ledger has it.
    fn stays(&self, id: &DeliveryId, known: &Known, address: &EmailAddress) -> bool {
        let may_stay = known.state == State::Cancelled || known.is_readdressed(address);
        let stays_withdrawn =
            may_stay && self.brought_back.is_some_and(|brought| !brought.contains(id));
        stays_withdrawn || !known.is_open_to(address)
    }

    /// What this plan does about a delivery that was there before it.
    fn tell_of_known(
        &mut self,
        known: &Known,
        changed: bool,
        delivery: &PlannedDelivery,
        address: &EmailAddress,
    ) -> Result<(), Fault> {
        if known.state.is_final() {
            self.adopted.added += 1;
            if known.is_readdressed(address) {
                self.forget_the_answer(known.row)?;
            }
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
            "SELECT row, plan, state, round, letter_digest, message_id, compare_address
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
                compare_address: row.get(6)?,
            })
        });
        Ok(known.optional()?)
    }

    fn add(&mut self, id: &DeliveryId, delivery: &PlannedDelivery) -> Result<i64, Fault> {
        let row = self.insert(id, delivery, &Entry::of_letter(delivery))?;
        self.names.changed(row);
        self.write_letter(row, delivery)?;
        self.tell_planned(row, delivery)?;
        Ok(row)
    }

    fn insert(
        &mut self,
        id: &DeliveryId,
        delivery: &PlannedDelivery,
        entry: &Entry<'_>,
    ) -> Result<i64, Fault> {
        self.adopted.added += 1;
        let written = self
            .connection
            .prepare_cached(
                "INSERT INTO deliveries (id, campaign, state, round, attempts, updated_at, plan,
                     number, key, address, compare_address, name, language, file, line,
                     letter_digest, message_id, copy_of)
                 VALUES (?, ?, 'planned', ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                id.as_bytes(),
                self.campaign.as_str(),
                entry.round,
                self.now.unix_seconds(),
                self.plan,
                delivery.number,
                entry.key.as_str(),
                entry.address.as_str(),
                entry.address.compare_key(),
                entry.name,
                delivery.language.as_str(),
                delivery.place.file,
                delivery.place.line,
                entry.letter_digest.as_bytes(),
                entry.message_id,
                entry.copy_of
            ])?;
        if written == 0 {
            return Err(twice(entry.key));
        }
        Ok(self.connection.last_insert_rowid())
    }

    /// Marks a delivery as named by this plan and leaves everything else.
    fn name(&self, row: i64) -> Result<(), Fault> {
        self.connection
            .prepare_cached("UPDATE deliveries SET plan = ? WHERE row = ?")?
            .execute([self.plan, row])?;
        Ok(())
    }

    fn refresh(
        &mut self,
        row: i64,
        delivery: &PlannedDelivery,
        entry: &Entry<'_>,
    ) -> Result<(), Fault> {
        self.names.changed(row);
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET plan = ?, number = ?, address = ?, compare_address = ?,
                     name = ?, language = ?, file = ?, line = ? WHERE row = ?",
            )?
            .execute(params![
                self.plan,
                delivery.number,
                entry.address.as_str(),
                entry.address.compare_key(),
                entry.name,
                delivery.language.as_str(),
                delivery.place.file,
                delivery.place.line,
                row
            ])?;
        Ok(())
    }

    /// Another letter is another message, whose `Date` and first attempt are still to come.
    fn begin_another_message(&self, row: i64, entry: &Entry<'_>) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET letter_digest = ?, message_id = ?, date = NULL,
                     first_attempt = NULL, updated_at = ? WHERE row = ?",
            )?
            .execute(params![
                entry.letter_digest.as_bytes(),
                entry.message_id,
                self.now.unix_seconds(),
                row
            ])?;
        Ok(())
    }

    fn write_letter(&mut self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let letter = &delivery.letter;
        let sender = self.sender(&letter.sender)?;
        self.connection
            .prepare_cached(
                "INSERT INTO letters (delivery, round, sender, subject, reply_to, images,
                     attachments, row_values, body_text, body_html, cc)
                 VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                row,
                sender,
                letter.subject,
                letter.reply_to.as_ref().map(frozen::mailbox_text),
                frozen::json(&letter.images)?,
                frozen::json(&letter.attachments)?,
                frozen::json(&Values(&delivery.values))?,
                letter.text,
                letter.html,
                frozen::addresses_text(&letter.cc),
            ])?;
        Ok(())
    }

    /// Makes room for another letter of the first round.
    fn drop_letter(&self, row: i64) -> Result<(), Fault> {
        self.connection
            .prepare_cached("DELETE FROM letters WHERE delivery = ? AND round = 1")?
            .execute([row])?;
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

    /// Somebody who was withdrawn or not to be written to is in a plan again: the time until a
    /// letter is given up begins anew. Its `Date` stays while it is the same message.
    fn plan_again(&self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET state = 'planned', attempts = 0, first_attempt = NULL,
                     updated_at = ? WHERE row = ?",
            )?
            .execute([self.now.unix_seconds(), row])?;
        self.tell_planned(row, delivery)
    }

    /// What a mail server said of another address says nothing of this one; the events keep it.
    fn forget_the_answer(&self, row: i64) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "UPDATE deliveries SET response_code = NULL, response = NULL, detail = NULL,
                     stage = NULL, relay = NULL, relay_id = NULL, tls = NULL WHERE row = ?",
            )?
            .execute([row])?;
        Ok(())
    }

    fn tell_planned(&self, row: i64, delivery: &PlannedDelivery) -> Result<(), Fault> {
        let place = &delivery.place;
        let origin = Origin { file: &place.file, line: place.line, plan: &self.code };
        self.about(Some(row)).tell(self.connection, Kind::Became(State::Planned), &origin)
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
        let detail = json!({ "plan": self.code, "detail": "no longer in the plan" });
        cancel_all(self.connection, self.about(None), &gone, &detail)?;
        self.adopted.cancelled = gone.len() as u64;
        Ok(())
    }

    fn about(&self, delivery: Option<i64>) -> About<'_> {
        About { campaign: self.campaign.as_str(), delivery, at: self.now }
    }
}

fn twice(key: &RecipientKey) -> Fault {
    Fault::Twice { key: key.as_str().to_owned() }
}

/// What a delivery's row holds besides what a letter and its copies have in common.
struct Entry<'a> {
    round: u32,
    key: &'a RecipientKey,
    address: &'a EmailAddress,
    name: Option<&'a str>,
    letter_digest: Digest,
    message_id: &'a str,
    /// Of a copy: the row of its letter.
    copy_of: Option<i64>,
}

impl<'a> Entry<'a> {
    fn of_letter(delivery: &'a PlannedDelivery) -> Entry<'a> {
        Entry {
            round: 1,
            key: &delivery.key,
            address: &delivery.address,
            name: delivery.name.as_deref(),
            letter_digest: delivery.letter_digest,
            message_id: &delivery.message_id,
            copy_of: None,
        }
    }
}

/// A row's values by column name, written without being copied first.
struct Values<'a>(&'a [(String, String)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What the event of a planned delivery tells.
#[derive(Serialize)]
struct Origin<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    plan: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{
        self, adopt, adopt_people, bring, delivery, id, later, ledger, now, plan, state,
    };
    use crate::ledger::{Ledger, LedgerError, Recorded};

    fn subject(ledger: &Ledger, who: &str) -> String {
        ledger.frozen(&id(who)).unwrap().unwrap().letter.subject
    }

    #[test]
    fn the_current_plan_again_changes_nothing_and_renders_nothing() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        let letters = [delivery(1, "ana", "hello"), delivery(2, "bo", "hello")];
        let mut unasked = std::iter::from_fn(|| panic!("a letter was rendered"));
        let adopted = ledger.adopt_plan(&plan(&letters), &mut unasked, later(1)).unwrap();
        assert_eq!(adopted, Adopted { kept: 2, ..Adopted::default() });
        assert_eq!(ledger.events_of(&id("ana")).unwrap().len(), 1);
    }

    #[test]
    fn who_waits_gets_the_new_letter_number_address_and_language() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        let mut changed = delivery(7, "ana", "corrected");
        changed.address = testing::address("ana.new");
        changed.language = crate::language::Language::parse_tag("fr").unwrap();
        let adopted = adopt(&mut ledger, &[changed, delivery(2, "bo", "hello")], later(1));
        assert_eq!(adopted, Adopted { replaced: 1, kept: 1, ..Adopted::default() });
        let frozen = ledger.frozen(&id("ana")).unwrap().unwrap();
        assert_eq!(frozen.letter.subject, "corrected, ana");
        assert_eq!((frozen.number, frozen.address.as_str()), (7, "ana.new@forum.example"));
        assert_eq!(frozen.language.as_str(), "fr");
        let kinds: Vec<_> =
            ledger.events_of(&id("ana")).unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(kinds, ["planned", "letter-replaced"]);
    }

    #[test]
    fn another_letter_is_another_message_with_a_date_to_come() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        for who in ["ana", "bo"] {
            ledger.intend(&id(who), now(), now()).unwrap();
            ledger.record(&id(who), &Recorded::new(State::Deferred), now()).unwrap();
        }
        adopt(
            &mut ledger,
            &[delivery(1, "ana", "corrected"), delivery(2, "bo", "hello")],
            later(1),
        );
        let frozen = |who| ledger.frozen(&id(who)).unwrap().unwrap();
        assert_eq!((frozen("ana").date, frozen("ana").first_attempt), (None, None));
        assert_eq!((frozen("bo").date, frozen("bo").first_attempt), (Some(now()), Some(now())));
        assert_eq!((state(&ledger, "ana"), frozen("ana").attempts), (State::Deferred, 1));
        assert_eq!(ledger.intend(&id("ana"), later(9), later(9)), Ok(later(9)));
        assert_eq!(ledger.intend(&id("bo"), later(9), later(9)), Ok(now()));
    }

    /// Another document under the same words is another message too.
    #[test]
    fn another_document_replaces_the_letter() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let mut changed = delivery(1, "ana", "hello");
        changed.message_id = "<other@forum.example>".to_owned();
        changed.letter.attachments.clear();
        let mut plan = plan(std::slice::from_ref(&changed));
        plan.fingerprint = crate::id::Fingerprint(crate::id::Digest::of(b"other document"));
        let adopted = ledger.adopt_plan(&plan, &mut [changed].into_iter(), later(1)).unwrap();
        assert_eq!(adopted.replaced, 1);
        assert!(ledger.frozen(&id("ana")).unwrap().unwrap().letter.attachments.is_empty());
    }

    #[test]
    fn who_may_have_a_letter_keeps_what_they_have() {
        use State::{Accepted, Attempting, Expired, Rejected, Uncertain};
        for kept in [Attempting, Accepted, Rejected, Uncertain, Expired] {
            let (_folder, mut ledger) = ledger(&["ana"]);
            bring(&mut ledger, "ana", kept);
            let adopted = adopt_people(&mut ledger, &["ana"], "corrected");
            assert_eq!(adopted, Adopted { kept: 1, ..Adopted::default() }, "{kept}");
            assert_eq!(state(&ledger, "ana"), kept);
            assert_eq!(subject(&ledger, "ana"), "hello, ana", "{kept}");
        }
    }

    #[test]
    fn who_is_gone_is_cancelled_unless_they_may_have_a_letter() {
        for before in State::ALL {
            if matches!(before, State::Suppressed) {
                continue;
            }
            let (_folder, mut ledger) = ledger(&["ana", "bo"]);
            bring(&mut ledger, "ana", before);
            adopt_people(&mut ledger, &["bo"], "hello");
            let withdrawn = matches!(before, State::Planned | State::Deferred);
            let after = if withdrawn { State::Cancelled } else { before };
            assert_eq!(state(&ledger, "ana"), after, "{before}");
            assert_eq!(ledger.counts(&testing::campaign()).unwrap().total(), 2);
        }
    }

    #[test]
    fn who_was_cancelled_or_suppressed_is_planned_again_by_a_newer_plan() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        bring(&mut ledger, "ana", State::Cancelled);
        let suppress = "UPDATE deliveries SET state = 'suppressed' WHERE id = ?";
        ledger.connection.execute(suppress, [id("bo").as_bytes()]).unwrap();
        let adopted = adopt_people(&mut ledger, &["ana", "bo", "eve"], "corrected");
        assert_eq!(adopted, Adopted { added: 2, replaced: 1, ..Adopted::default() });
        for who in ["ana", "bo"] {
            assert_eq!(state(&ledger, who), State::Planned);
            assert_eq!(subject(&ledger, who), format!("corrected, {who}"));
        }
    }

    /// Round 2 exists because a person wanted it for somebody who had round 1.
    #[test]
    fn a_resend_is_neither_altered_nor_brought_back_by_a_plan() {
        for before in [State::Planned, State::Cancelled] {
            let (_folder, mut ledger) = ledger(&["ana"]);
            bring(&mut ledger, "ana", before);
            ledger.connection.execute_batch("UPDATE deliveries SET round = 2").unwrap();
            let adopted = adopt_people(&mut ledger, &["ana"], "corrected");
            assert_eq!(adopted, Adopted { kept: 1, ..Adopted::default() });
            assert_eq!(state(&ledger, "ana"), before);
        }
    }

    #[test]
    fn an_earlier_plan_can_come_back() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        bring(&mut ledger, "bo", State::Accepted);
        adopt_people(&mut ledger, &["ana"], "corrected");
        let adopted = adopt_people(&mut ledger, &["ana", "bo"], "hello");
        assert_eq!(adopted, Adopted { replaced: 1, kept: 1, ..Adopted::default() });
        assert_eq!(subject(&ledger, "ana"), "hello, ana");
    }

    fn refused(ledger: &mut Ledger, plan: &NewPlan, letters: &[PlannedDelivery]) -> Fault {
        let refused: LedgerError =
            ledger.adopt_plan(plan, &mut letters.iter().cloned(), later(1)).unwrap_err();
        refused.fault
    }

    #[test]
    fn a_plan_that_broke_off_cancels_nobody() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        let letters = [delivery(1, "ana", "new"), delivery(2, "bo", "new")];
        let fault = refused(&mut ledger, &plan(&letters), &letters[..1]);
        assert_eq!(fault, Fault::Incomplete { expected: 2, found: 1 });
        assert_eq!(state(&ledger, "bo"), State::Planned);
        assert_eq!(subject(&ledger, "ana"), "hello, ana");
        let current = ledger.current_plan(&testing::campaign()).unwrap().unwrap();
        assert_ne!(current.fingerprint, plan(&letters).fingerprint);
    }

    #[test]
    fn a_plan_with_two_letters_for_one_person_is_refused() {
        for people in [&[][..], &["ana"]] {
            let (_folder, mut ledger) = ledger(people);
            let letters = [delivery(1, "ana", "new"), delivery(2, "ana", "other")];
            let fault = refused(&mut ledger, &plan(&letters), &letters);
            assert_eq!(fault, Fault::Twice { key: "ana@forum.example".to_owned() });
        }
    }

    #[test]
    fn one_campaigns_plan_leaves_the_others_alone() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let letters = [delivery(1, "ana", "thanks")];
        let mut thanks = plan(&letters);
        thanks.campaign = CampaignId::parse("thanks").unwrap();
        ledger.adopt_plan(&thanks, &mut letters.into_iter(), now()).unwrap();
        assert_eq!(subject(&ledger, "ana"), "hello, ana");
        assert_eq!(ledger.campaigns().unwrap(), [testing::campaign(), thanks.campaign.clone()]);
        assert_eq!(ledger.counts(&thanks.campaign).unwrap().of(State::Planned), 1);
    }
}
