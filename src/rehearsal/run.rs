//! One run of the sending engine on a throw-away ledger, against the rehearsal's relay.
//!
//! Owns the only use of `send::run` by a rehearsal. What the run is about is told by a
//! [`Rehearsal`], which also fits into a file: a child process that is to be killed reads it there.
//!
//! # Invariants
//! It connects to 127.0.0.1 and nowhere else.

use super::relay::script::{Keeping, Script};
use crate::address::EmailAddress;
use crate::id::CampaignId;
use crate::ledger::{Ledger, LedgerError, LedgerWriter, LockError, RunLock};
use crate::message::dkim::{Dkim, Key, Signer};
use crate::plan::objects::Objects;
use crate::send::pace::Pacing;
use crate::send::retry::Retry;
use crate::send::{Broken, Conditions, Ended, Needs, Patience, Progress, Selection, run};
use crate::time::{Clock, Timestamp};
use crate::transport::smtp::{Relay, Security, Timeouts};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Deadlines of a conversation in which stages are left without an answer: short, so that the
/// rehearsal ends, and far above what a busy computer needs.
const STAGE_TIMEOUT: Duration = Duration::from_secs(6);

/// What a run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The folder with the throw-away ledger and the frozen files.
    pub folder: PathBuf,
    /// The campaign.
    pub campaign: String,
    /// The relay's port on 127.0.0.1.
    pub port: u16,
    /// How many connections a run may open.
    pub connections: usize,
    /// When the run starts, seconds since 1970.
    pub start: i64,
    /// What messages are dated, seconds since 1970.
    pub date: i64,
    /// Seconds of waiting that pass in one of the real world.
    pub speed: u32,
    /// Octets of the largest message.
    pub largest_octets: u64,
    /// An address that needs SMTPUTF8, where there is one.
    pub smtputf8: Option<String>,
    /// Whether the relay may leave us without an answer.
    pub may_stall: bool,
    /// Which keys sign: where they are, never what they are.
    pub dkim: Vec<KeyFile>,
}

/// A key that signs the messages of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// The domain that signs.
    pub domain: String,
    /// The selector of the key.
    pub selector: String,
    /// The file with the key.
    pub file: PathBuf,
}

impl KeyFile {
    fn read(&self) -> Result<Signer, RehearsalError> {
        let unreadable = |why: String| RehearsalError::Unreadable { file: self.file.clone(), why };
        let pem = std::fs::read(&self.file).map_err(|error| unreadable(error.to_string()))?;
        let key = Key::from_pem(&pem).map_err(|fault| unreadable(fault.to_string()))?;
        Ok(Signer { domain: self.domain.clone(), selector: self.selector.clone(), key })
    }
}

/// Why a run could not be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// What it is about cannot be read.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The throw-away ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another run holds it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The run broke off, in its words.
    #[error("{0}")]
    Broken(String),
}

impl Rehearsal {
    /// Reads what a run is about.
    ///
    /// # Errors
    /// [`RehearsalError::Unreadable`].
    pub fn read(file: &Path) -> Result<Rehearsal, RehearsalError> {
        let unreadable = |why: String| RehearsalError::Unreadable { file: file.to_owned(), why };
        let text = std::fs::read_to_string(file).map_err(|e| unreadable(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))
    }

    /// Writes what a run is about.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        std::fs::write(file, serde_json::to_string(self)?)
    }

    /// The clock of a run that starts where this one says.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let at = Timestamp::from_unix_seconds;
        Clock::hurried(at(self.start), at(self.date), self.speed)
    }

    /// A relay's script that takes all letters of this mailing.
    #[must_use]
    pub fn script(&self) -> Script {
        let script = Script::new().keeping(Keeping::Digests);
        let largest = usize::try_from(self.largest_octets).unwrap_or(usize::MAX);
        let size = script.size_max().max(largest);
        script.offering(&format!("SIZE {size}"))
    }

    fn relay(&self) -> Relay {
        let stalled = Timeouts {
            command: STAGE_TIMEOUT,
            data: STAGE_TIMEOUT,
            block: STAGE_TIMEOUT,
            end_of_message: STAGE_TIMEOUT,
            ..Timeouts::default()
        };
        Relay {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: Security::Plain,
            hello: None,
            credentials: None,
            extra_ca_pem: None,
            disable: Vec::new(),
            timeouts: if self.may_stall { stalled } else { Timeouts::default() },
        }
    }

    /// Runs the engine until nothing waits, or until it halts.
    ///
    /// # Errors
    /// [`RehearsalError`] when ledger or frozen files fail.
    pub async fn send(
        &self,
        stop: watch::Receiver<bool>,
        watcher: &mut dyn FnMut(Progress),
    ) -> Result<Ended, RehearsalError> {
        let unreadable =
            |why: String| RehearsalError::Unreadable { file: self.folder.clone(), why };
        let campaign =
            CampaignId::parse(&self.campaign).map_err(|error| unreadable(error.to_string()))?;
        let clock = self.clock();
        let lock = RunLock::take(&self.folder, "a rehearsal", clock.now())?;
        let mut ledger = Ledger::open(&self.folder, clock.now())?;
        ledger.recover(&lock, clock.now())?;
        let reader = Ledger::look(&self.folder)?;
        let reader = reader.ok_or_else(|| unreadable("the ledger is gone".to_owned()))?;
        let writer = LedgerWriter::start(ledger)?;
        let smtputf8 = self.smtputf8.as_deref().and_then(|a| EmailAddress::parse(a).ok());
        let signers = self.dkim.iter().map(KeyFile::read).collect::<Result<Vec<_>, _>>()?;
        let conditions = Conditions {
            campaign: &campaign,
            letters: Selection::All,
            relay: &self.relay(),
            connections: NonZeroUsize::new(self.connections).unwrap_or(NonZeroUsize::MIN),
            pacing: Pacing::default(),
            objects: &Objects::within(&self.folder),
            dkim: &Dkim::of(signers),
            ledger: &reader,
            retry: Retry::default(),
            clock: &clock,
            patience: Patience::ToTheEnd,
            needs: Needs { largest_octets: self.largest_octets, smtputf8 },
        };
        let ended = run(&conditions, &writer, stop, watcher).await;
        // What was answered to a letter is durable already; closing is only for order.
        drop(writer.close().await);
        ended.map_err(|Broken { errors, .. }| {
            let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
            RehearsalError::Broken(words.join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_is_about_fits_into_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let rehearsal = Rehearsal {
            folder: folder.path().to_owned(),
            campaign: "outcome".to_owned(),
            port: 2525,
            connections: 2,
            start: 1_800_000_000,
            date: 1_700_000_000,
            speed: 1_000,
            largest_octets: 42,
            smtputf8: Some("王@town.example".to_owned()),
            may_stall: true,
            dkim: Vec::new(),
        };
        let file = folder.path().join("rehearsal.json");
        rehearsal.write(&file).unwrap();
        assert_eq!(Rehearsal::read(&file).unwrap(), rehearsal);
        assert_eq!(rehearsal.clock().date().unix_seconds(), 1_700_000_000);
        assert!(rehearsal.clock().now().unix_seconds() >= 1_800_000_000);
        std::fs::write(&file, "{").unwrap();
        assert!(Rehearsal::read(&file).is_err());
    }
}
