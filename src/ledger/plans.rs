//! Plans as the ledger keeps them: each adoption in order, one current for each campaign.
//!
//! Owns the plan itself: adopting, confirming, reading back. What adopting means for each delivery
//! is `adopt.rs`; how a plan is made, and what changed between two, is `plan/`.

use super::adopt::adopt;
use super::events::{About, Kind};
use super::failure::Fault;
use super::frozen::PlannedDelivery;
use super::{Ledger, LedgerError};
use crate::id::{CampaignId, DeliveryId, Digest, Fingerprint};
use crate::limits::{
    LEDGER_BUSY_TIMEOUT, LEDGER_PLAN_CACHE_KIB_MAX, LEDGER_PLAN_CACHE_KIB_MIN,
    LEDGER_PLAN_INDEX_BYTES,
};
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

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
    /// Of a campaign that was withdrawn: who is planned again. `None`: everybody in the plan.
    pub brought_back: Option<HashSet<DeliveryId>>,
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
    /// When a person withdrew what was left of it, or the part of it that is not planned again: it
    /// needs to be confirmed again.
    pub withdrawn_at: Option<Timestamp>,
    /// How many deliveries it has.
    pub total: u64,
}

impl Ledger {
    /// Makes a plan the current one of its campaign, all deliveries in one transaction.
    ///
    /// The plan that is current already changes nothing, and the iterator is not asked, unless the
    /// campaign was withdrawn: adopting takes that back, for everybody or for those whom the plan
    /// names. Otherwise
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
        let letters = i64::try_from(plan.total).unwrap_or(i64::MAX);
        let indexes_kib = letters.saturating_mul(LEDGER_PLAN_INDEX_BYTES) >> 10;
        self.cache(indexes_kib.clamp(LEDGER_PLAN_CACHE_KIB_MIN, LEDGER_PLAN_CACHE_KIB_MAX))?;
        if self.has_no_plan()? {
            self.write_without_log()?;
        }
        let adopted = self.transaction(|connection| adopt(connection, plan, deliveries, now))?;
        self.begin_afresh()?;
        Ok(adopted)
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

    /// The fingerprints of all plans a campaign ever had, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn fingerprints(&self, campaign: &CampaignId) -> Result<Vec<Fingerprint>, LedgerError> {
        self.read(|connection| {
            let plans = "SELECT fingerprint FROM plans WHERE campaign = ? ORDER BY row";
            let mut statement = connection.prepare(plans)?;
            let plans = statement.query_map([campaign.as_str()], |row| {
                Ok(Fingerprint(Digest::from_bytes(row.get(0)?)))
            })?;
            Ok(plans.collect::<Result<_, _>>()?)
        })
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

    fn has_no_plan(&self) -> Result<bool, LedgerError> {
        let none = "SELECT NOT EXISTS (SELECT 1 FROM plans)";
        self.read(|connection| Ok(connection.query_row(none, [], |row| row.get(0))?))
    }

    /// Has the first plan written into the file itself: a log would hold every letter a second
    /// time, so that others can read on meanwhile, and in this ledger there is nothing to read.
    /// What undoes a half-written plan is a journal of the few pages that there were
    /// (`ledger.db-journal`). EXTRA: the commit is durable only with the journal's name gone for
    /// good. Where somebody looks at the ledger just now the log stays, which takes longer.
    fn write_without_log(&self) -> Result<(), LedgerError> {
        self.read(|connection| {
            connection.busy_timeout(Duration::ZERO)?;
            let to_journal = |row: &Row<'_>| row.get::<_, String>(0);
            let mode =
                connection.pragma_update_and_check(None, "journal_mode", "delete", to_journal);
            connection.busy_timeout(LEDGER_BUSY_TIMEOUT)?;
            match mode {
                Ok(_) => {}
                Err(error) if is_busy(&error) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(connection.pragma_update(None, "synchronous", "EXTRA")?)
        })
    }

    /// SQLite's page cache: a plan writes to indexes in random order, which must not go to the
    /// drive and back for each row.
    fn cache(&self, kib: i64) -> Result<(), LedgerError> {
        self.read(|connection| Ok(connection.pragma_update(None, "cache_size", -kib)?))
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Adopting leaves nobody of the plan cancelled but those who stay withdrawn while a part of it is
/// brought back: where there are such people, the plan is still a withdrawn one.
pub(super) fn current(
    connection: &Connection,
    campaign: &CampaignId,
) -> Result<Option<StoredPlan>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, made_at, confirmed_at, total,
             coalesce(
                 (SELECT at FROM withdrawals w WHERE w.campaign = plans.campaign),
                 (SELECT max(d.updated_at) FROM deliveries d
                  WHERE d.campaign = plans.campaign AND d.state = 'cancelled' AND d.round = 1
                  AND d.plan = plans.row))
         FROM plans WHERE campaign = ? AND current = 1",
    )?;
    let plan = statement.query_row([campaign.as_str()], |row: &Row<'_>| {
        Ok(StoredPlan {
            campaign: campaign.clone(),
            fingerprint: Fingerprint(Digest::from_bytes(row.get(0)?)),
            made_at: Timestamp::from_unix_seconds(row.get(1)?),
            confirmed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_unix_seconds),
            total: row.get::<_, i64>(3)?.unsigned_abs(),
            withdrawn_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_unix_seconds),
        })
    });
    Ok(plan.optional()?)
}

/// Writes the plan itself. A plan that comes back after another is a new row: adopting is what
/// happened, and deliveries say which adoption named them last.
pub(super) fn insert_plan(
    connection: &Connection,
    plan: &NewPlan,
    now: Timestamp,
) -> Result<i64, Fault> {
    let campaign = plan.campaign.as_str();
    connection
        .execute("UPDATE plans SET current = 0 WHERE campaign = ? AND current = 1", [campaign])?;
    connection.execute("DELETE FROM withdrawals WHERE campaign = ?", [campaign])?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{campaign, delivery, later, ledger, now, plan};

    #[test]
    fn the_current_plan_reads_back() {
        let (_folder, ledger) = ledger(&["ana"]);
        let adopted = plan(&[delivery(1, "ana", "hello")]);
        let stored = ledger.current_plan(&campaign()).unwrap().unwrap();
        let NewPlan { campaign, fingerprint, manifest, total, .. } = adopted;
        assert_eq!(ledger.manifest(&campaign).unwrap(), Some(manifest));
        let made_at = now();
        assert_eq!(
            stored,
            StoredPlan {
                campaign,
                fingerprint,
                made_at,
                confirmed_at: None,
                withdrawn_at: None,
                total
            }
        );
    }

    /// The log would hold a million letters a second time.
    #[test]
    fn the_first_plan_of_a_ledger_passes_by_the_log_and_later_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let mut ledger = Ledger::open(&store, now()).unwrap();
        let is_there = |name: &str| store.join(name).metadata().is_ok_and(|m| m.len() > 0);
        let mut adopt_beside = |words: &str| {
            let letters = [delivery(1, "ana", words)];
            let mut journal = false;
            let mut seen =
                letters.iter().cloned().inspect(|_| journal = is_there("ledger.db-journal"));
            ledger.adopt_plan(&plan(&letters), &mut seen, now()).unwrap();
            let mode: String = ledger
                .connection
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            let synchronous: i64 = ledger
                .connection
                .pragma_query_value(None, "synchronous", |row| row.get(0))
                .unwrap();
            assert_eq!((mode.as_str(), synchronous), ("wal", 2), "FULL again");
            assert!(!is_there("ledger.db-journal"));
            journal
        };
        assert_eq!([adopt_beside("one"), adopt_beside("two")], [true, false]);
    }

    #[test]
    fn who_looks_at_a_new_ledger_keeps_its_log_and_the_plan_is_adopted_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let mut ledger = Ledger::open(&store, now()).unwrap();
        let looker = Ledger::look(&store).unwrap().unwrap();
        assert_eq!(looker.current_plan(&campaign()).unwrap(), None);
        let letters = [delivery(1, "ana", "hello")];
        ledger.adopt_plan(&plan(&letters), &mut letters.iter().cloned(), now()).unwrap();
        assert!(looker.current_plan(&campaign()).unwrap().is_some());
    }

    #[test]
    fn a_first_plan_that_died_half_way_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (store, left) = (folder.path().join("store"), folder.path().join("left"));
        let mut ledger = Ledger::open(&store, now()).unwrap();
        let letters: Vec<_> =
            (1..=100).map(|n| delivery(n, &format!("p{n}"), &"hello ".repeat(50_000))).collect();
        let mut dies = letters.iter().cloned().inspect(|letter| {
            if letter.number == 100 {
                std::fs::create_dir(&left).unwrap();
                for name in ["ledger.db", "ledger.db-journal"] {
                    std::fs::copy(store.join(name), left.join(name)).unwrap();
                }
            }
        });
        ledger.adopt_plan(&plan(&letters), &mut dies, now()).unwrap();
        let half = left.join("ledger.db").metadata().unwrap().len();
        assert!(half > 10 << 20, "{half} octets: nothing of it was in the file");
        let looker = Ledger::look(&left).unwrap().unwrap();
        assert_eq!(looker.current_plan(&campaign()).unwrap(), None);
        drop(looker);
        let mut again = Ledger::open(&left, now()).unwrap();
        let adopted =
            again.adopt_plan(&plan(&letters[..3]), &mut letters[..3].iter().cloned(), now());
        assert_eq!(adopted.unwrap().added, 3);
    }

    #[test]
    fn only_the_current_plan_can_be_confirmed() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let current = plan(&[delivery(1, "ana", "hello")]).fingerprint;
        let other = plan(&[delivery(1, "ana", "other")]).fingerprint;
        assert_eq!(ledger.confirm(&campaign(), &other, later(1)), Ok(false));
        assert_eq!(ledger.confirm(&campaign(), &current, later(2)), Ok(true));
        let stored = ledger.current_plan(&campaign()).unwrap().unwrap();
        assert_eq!(stored.confirmed_at, Some(later(2)));
        let events = ledger.events_of_campaign(&campaign()).unwrap();
        let kinds: Vec<_> = events.iter().map(|e| e.kind.as_str()).collect();
        assert_eq!(kinds, ["plan-adopted", "confirmed"]);
        assert_eq!(events[1].detail["plan"], current.plan_code());
        assert_eq!(events[0].detail["added"], 1);
    }

    #[test]
    fn a_campaign_without_a_plan_has_none() {
        let (_folder, ledger) = ledger(&[]);
        assert_eq!(ledger.current_plan(&campaign()), Ok(None));
        assert_eq!(ledger.manifest(&campaign()), Ok(None));
        assert_eq!(ledger.campaigns(), Ok(Vec::new()));
    }
}
