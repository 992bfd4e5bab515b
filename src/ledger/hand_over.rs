//! Letters handed over as files: their intents, that the files stand, and how all are settled.
//!
//! Owns the two marks by which such a letter is known (`stage`) and where its folder is kept
//! (`relay`: whoever takes the folder is the relay). Which letters, and their files, are
//! `send/hand_over.rs`.
//!
//! # Invariants
//! [`BEGUN`] is written with the intent, [`DONE`] when the file is durable. What dies between stays
//! [`BEGUN`], is uncertain like every attempt nobody finished, and may be finished: the same bytes
//! in the same folder are no second letter. An intent for a mail server takes the mark away, and so
//! does whoever lets a letter go again, so no letter of theirs is ever taken for one of a folder.

use super::change::{Change, ChangeError, Recorded};
use super::events::{About, Kind, Outcome};
use super::query::{self, StoredDelivery};
use super::resolve::{self, Resolution};
use super::state::State;
use super::{Ledger, LedgerError};
use crate::id::{CampaignId, DeliveryId};
use crate::time::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use std::sync::Arc;

/// The mark of a letter whose file may not be whole.
pub(super) const BEGUN: &str = "handing over";
/// The mark of a letter whose file stands.
pub(super) const DONE: &str = "handed over";

/// Where a letter was handed over as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandedOver<'a> {
    /// The folder, as an absolute path.
    pub folder: &'a str,
    /// Whether the file is known to stand there, or to have stood.
    pub is_finished: bool,
}

impl HandedOver<'_> {
    /// `handed over to FOLDER`, or that this was broken off.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.is_finished { words(self.folder) } else { broken_off(self.folder) }
    }
}

impl StoredDelivery {
    /// The folder its last attempt put its message into; none where that was at a mail server.
    #[must_use]
    pub fn hand_over(&self) -> Option<HandedOver<'_>> {
        let is_finished = match self.stage.as_deref() {
            Some(BEGUN) => false,
            Some(DONE) => true,
            _ => return None,
        };
        self.relay.as_deref().map(|folder| HandedOver { folder, is_finished })
    }
}

/// What is said of a letter whose file stands.
fn words(folder: &str) -> String {
    format!("handed over to {folder}")
}

/// What is said of a letter whose file may be there or not.
pub(super) fn broken_off(folder: &str) -> String {
    format!("the hand-over to {folder} was broken off before its file was known to be there")
}

impl Ledger {
    /// Records that these messages are about to become files in a folder, in one commit: planned or
    /// deferred and due -> attempting. As many answers as deliveries: each message's `Date`, `date`
    /// unless an earlier intent of it or its letter has fixed another.
    pub fn intend_files(
        &mut self,
        deliveries: &[DeliveryId],
        folder: &str,
        date: Timestamp,
        now: Timestamp,
    ) -> Vec<Result<Timestamp, ChangeError>> {
        let folder: Arc<str> = folder.into();
        let intent = |delivery: &DeliveryId| {
            let (delivery, folder) = (*delivery, folder.clone());
            Change::IntendFile { delivery, date, now, folder }
        };
        self.change_together(&deliveries.iter().map(intent).collect::<Vec<_>>())
    }

    /// Records that the files of these messages stand, in one commit: attempting, or broken off ->
    /// uncertain. Others than those of this folder stay as they are.
    ///
    /// # Errors
    /// When the ledger cannot be written; nothing is changed then.
    pub fn files_stand(
        &mut self,
        deliveries: &[DeliveryId],
        folder: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let words = words(folder);
        let told = Recorded { detail: Some(words.clone()), ..Recorded::new(State::Uncertain) };
        self.transaction(|connection| {
            for delivery in deliveries {
                let changed: Option<(i64, String)> = connection
                    .prepare_cached(
                        "UPDATE deliveries SET state = 'uncertain', stage = ?1, detail = ?2,
                             updated_at = ?3, response_code = NULL, response = NULL,
                             relay_id = NULL, tls = NULL
                         WHERE id = ?4 AND state IN ('attempting', 'uncertain') AND stage = ?5
                             AND relay = ?6 RETURNING row, campaign",
                    )?
                    .query_row(
                        params![
                            DONE,
                            words,
                            now.unix_seconds(),
                            delivery.as_bytes(),
                            BEGUN,
                            folder
                        ],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()?;
                let Some((row, campaign)) = changed else { continue };
                let about = About { campaign: &campaign, delivery: Some(row), at: now };
                about.tell(
                    connection,
                    Kind::Became(State::Uncertain),
                    &Outcome::of(&told, None),
                )?;
            }
            Ok(())
        })
    }

    /// Takes intents back whose files never came to be: attempting -> deferred, due at once.
    ///
    /// # Errors
    /// When the ledger cannot be written; they are found at the next start then.
    pub fn files_missing(
        &mut self,
        deliveries: &[DeliveryId],
        why: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let back = Recorded { detail: Some(why.to_owned()), ..Recorded::new(State::Deferred) };
        let changes = deliveries.iter().map(|delivery| {
            let (delivery, recorded) = (*delivery, Box::new(back.clone()));
            Change::Record { delivery, recorded, now }
        });
        let answers = self.change_together(&changes.collect::<Vec<_>>());
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    /// All that was ever handed over into a folder and has not gone elsewhere since, finished or
    /// not, in the order of the lists.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn handed_over_to(
        &self,
        folder: &str,
        campaign: Option<&CampaignId>,
    ) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.read(|connection| {
            let condition = "relay = ?1 AND stage IN (?2, ?3)
                AND (?4 IS NULL OR campaign = ?4) ORDER BY campaign, number, row";
            let campaign = campaign.map(CampaignId::as_str);
            query::select(connection, condition, params![folder, BEGUN, DONE, campaign])
        })
    }

    /// Settles these uncertain deliveries of a hand-over alike, in one transaction; gives how many
    /// those were. One that is not uncertain any more stays as it is.
    ///
    /// # Errors
    /// When the ledger cannot be written; nothing is changed then.
    pub fn resolve_all(
        &mut self,
        deliveries: &[DeliveryId],
        resolution: Resolution,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.transaction(|connection| {
            let mut settled = 0;
            for delivery in deliveries {
                settled +=
                    u64::from(resolve::settle(connection, delivery, resolution, reason, now)?);
            }
            Ok(settled)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RunLock;
    use crate::ledger::testing::{id, later, ledger, now, state};

    fn stored(ledger: &Ledger, who: &str) -> StoredDelivery {
        ledger.delivery(&id(who)).unwrap().unwrap()
    }

    #[test]
    fn a_letter_is_intended_then_stands_and_is_settled_with_all_others() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        let both = [id("ana"), id("bo")];
        let before = ledger.commits();
        assert_eq!(ledger.intend_files(&both, "/out", now(), now()), [Ok(now()), Ok(now())]);
        assert_eq!(ledger.commits(), before + 1, "one commit for all");
        let begun = HandedOver { folder: "/out", is_finished: false };
        assert_eq!(stored(&ledger, "ana").hand_over(), Some(begun));
        ledger.files_stand(&both, "/out", later(1)).unwrap();
        let ana = stored(&ledger, "ana");
        assert_eq!((ana.state, ana.last_words()), (State::Uncertain, Some(words("/out"))));
        assert_eq!(ana.hand_over(), Some(HandedOver { is_finished: true, ..begun }));
        assert_eq!(ledger.handed_over_to("/out", None).unwrap().len(), 2);
        assert_eq!(ledger.handed_over_to("/other", None).unwrap(), []);
        assert!(ledger.intend(&id("ana"), now(), later(2)).is_err(), "it does not go again");

        let all = [id("ana"), id("bo"), id("eve")];
        let settled = ledger.resolve_all(&all, Resolution::Accepted, "asked", later(3));
        assert_eq!(settled, Ok(2), "what nobody handed over is not settled");
        assert_eq!(
            (state(&ledger, "bo"), state(&ledger, "eve")),
            (State::Accepted, State::Planned)
        );
    }

    #[test]
    fn what_was_broken_off_is_known_and_finished_only_in_its_folder() {
        let (folder, mut ledger) = ledger(&["ana"]);
        let _ = ledger.intend_files(&[id("ana")], "/out", now(), now());
        let lock = RunLock::take(&folder.path().join("store"), "here", now()).unwrap();
        let recovered = ledger.recover(&lock, later(1)).unwrap();
        assert_eq!(recovered, [stored(&ledger, "ana")]);
        let begun = HandedOver { folder: "/out", is_finished: false };
        assert_eq!(stored(&ledger, "ana").hand_over(), Some(begun));
        ledger.files_stand(&[id("ana")], "/other", later(2)).unwrap();
        assert_eq!(stored(&ledger, "ana").hand_over(), Some(begun));
        ledger.files_stand(&[id("ana")], "/out", later(2)).unwrap();
        assert!(stored(&ledger, "ana").hand_over().unwrap().is_finished);
    }

    /// Else a letter that a mail server may have would be written into the folder.
    #[test]
    fn a_letter_that_goes_again_is_of_no_folder_any_more() {
        let (folder, mut ledger) = ledger(&["ana"]);
        let _ = ledger.intend_files(&[id("ana")], "/out", now(), now());
        let lock = RunLock::take(&folder.path().join("store"), "here", now()).unwrap();
        ledger.recover(&lock, later(1)).unwrap();
        ledger.resolve(&id("ana"), Resolution::Resend, "not there", later(2)).unwrap();
        assert_eq!(stored(&ledger, "ana").hand_over(), None);
        ledger.intend(&id("ana"), later(3), later(3)).unwrap();
        ledger.recover(&lock, later(4)).unwrap();
        assert_eq!(stored(&ledger, "ana").hand_over(), None);
        assert_eq!(ledger.handed_over_to("/out", None).unwrap(), []);
    }

    #[test]
    fn an_intent_without_a_file_is_taken_back() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        let _ = ledger.intend_files(&[id("ana")], "/out", now(), now());
        ledger.files_missing(&[id("ana")], "the disk is full", now()).unwrap();
        let ana = stored(&ledger, "ana");
        assert_eq!((ana.state, ana.hand_over()), (State::Deferred, None));
        assert_eq!(ledger.intend_files(&[id("ana")], "/out", later(1), later(1)), [Ok(now())]);
    }
}
