//! The ledger: the durable record of plans, attempts and answers; the only truth about a mailing.
//!
//! Owns one SQLite file and every statement on it. A stranger to the transport: the stage of a
//! conversation is a text here. Who decides which step a delivery takes is `send/`.
//!
//! # Format
//! `ledger.db`, a SQLite database with a write-ahead log beside it (`-wal`, `-shm`), `application_id`
//! `SCRT`, `user_version` 1; the tables are in `schema.rs`. Beside it `lock` (see `lock.rs`). All
//! for the owner only.
//!
//! - `deliveries`: one row for each campaign and recipient key, with its state. The counts add up
//!   to the total from this table alone.
//! - `letters`: what a round's message is made of; images and documents by SHA-256, their bytes
//!   lie in `objects/`.
//! - `plans`: each adoption of a plan, in order; one of each campaign is current.
//! - `events`: everything decided and recorded, in order. An event and the change it tells of are
//!   one transaction.
//!
//! # Durability
//! Every commit is synced to the drive before it is answered (`synchronous=FULL`, `fullfsync` on a
//! Mac, where a plain fsync stops at the drive's cache). Writing goes through one connection of a
//! process and, between processes, through SQLite's lock; reading never waits for it.
//!
//! # Crash cases
//! A process or a computer that dies at any point leaves one of these:
//!
//! 1. *While a ledger is made*: a folder, an empty file, or a file with its tables. An empty one is
//!    made into a ledger by the next `open` and is no ledger to `look`. The names are synced before
//!    the first commit, so a ledger that was ever written to does not vanish.
//! 2. *While a plan is adopted*: the plan before, whole. The log may be as large as the new plan;
//!    it is overwritten from its start.
//! 3. *Before an intent is durable*: the delivery is as it was, planned or deferred. The engine
//!    holds back the last bytes until the intent is answered, so the relay has no message.
//! 4. *Between intent and record*: `attempting`. The relay may have the message or not; nothing on
//!    this side can tell. The next run, which holds the lock, finds it and makes it `uncertain`.
//! 5. *Between the answer and its record*: the same as 4. The record shares a commit with that
//!    connection's next intent or comes before it, so there is one such letter for a connection.
//! 6. *While the log is copied into the file*: the log still has everything; it is copied again.
//! 7. *A commit that fails* (the drive is full or broken): everybody in its group is told, and this
//!    process records nothing more. The pages may still lie in the system's cache and look written;
//!    a later fsync would pass over them. The next `open` therefore copies the log into the file
//!    first, which writes those pages again.
//! 8. *A migration*: the version before or the one after.
//! 9. *A power cut on a drive that lies about fsync*: the file is sound up to a point in time, and
//!    what was accepted after it is forgotten. The run counter in `meta` shows it, where another
//!    store remembers a higher one.
//!
//! # Failure
//! [`LedgerError`]: the file, what happened, what to do. Damage is reported where it is met and
//! never repaired by guessing.

mod change;
mod events;
mod failure;
mod folder;
mod frozen;
mod lock;
mod plans;
mod query;
mod schema;
mod state;
mod writer;

pub use change::{ChangeError, Recorded, Refusal};
pub use events::Event;
pub use failure::{Fault, LedgerError};
pub use frozen::{
    FrozenAttachment, FrozenDelivery, FrozenImage, FrozenLetter, FrozenSender, PlannedDelivery,
};
pub use lock::{Holder, LockError, RunLock};
pub use plans::{Adopted, NewPlan, StoredPlan};
pub use query::{Counts, StoredDelivery};
pub use state::State;
pub use writer::LedgerWriter;

use crate::limits::{LEDGER_BUSY_TIMEOUT, LEDGER_CACHE_KIB, LEDGER_LOG_BYTES_KEPT};
use crate::time::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use schema::Identity;
use std::path::{Path, PathBuf};

/// Statements kept prepared: all of a run's, with room.
const STATEMENTS_KEPT: usize = 64;

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    file: PathBuf,
    /// How an earlier commit failed: nothing is written after that.
    stopped: Option<Fault>,
    commits: u64,
}

impl Ledger {
    /// Opens the ledger in a folder for writing; makes folder and ledger where they are missing.
    ///
    /// # Errors
    /// [`LedgerError`] when it is damaged, newer than this program, another program's file, held
    /// by another program, or on a drive that is full or unfit.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Ledger, LedgerError> {
        let file = folder::file_in(folder);
        let opened = make_and_open(folder, &file, now);
        opened
            .map(|connection| Ledger { connection, file: file.clone(), stopped: None, commits: 0 })
            .map_err(|fault| LedgerError { file, fault })
    }

    /// Opens the ledger in a folder for reading, also while a run writes to it; `None` where there
    /// is none. Makes no ledger, and changes nothing in one.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn look(folder: &Path) -> Result<Option<Ledger>, LedgerError> {
        let file = folder::file_in(folder);
        let opened = open_to_look(&file);
        opened
            .map(|opened| {
                let file = file.clone();
                opened.map(|connection| Ledger { connection, file, stopped: None, commits: 0 })
            })
            .map_err(|fault| LedgerError { file, fault })
    }

    /// A second connection, for reading beside this one.
    fn reader(&self) -> Result<Ledger, LedgerError> {
        let gone = || self.failed(Fault::NotALedger);
        let opened = open_to_look(&self.file).map_err(|fault| self.failed(fault))?;
        let connection = opened.ok_or_else(gone)?;
        Ok(Ledger { connection, file: self.file.clone(), stopped: None, commits: 0 })
    }

    /// The ledger's own id: 16 bytes, another for each ledger ever made.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn id(&self) -> Result<[u8; 16], LedgerError> {
        let id = "SELECT ledger_id FROM meta";
        self.read(|connection| Ok(connection.query_row(id, [], |row| row.get(0))?))
    }

    /// Raises the run counter and gives its new value: at the start and at the end of each run,
    /// here first and then where a restored ledger is told by.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn raise_run_counter(&mut self) -> Result<u64, LedgerError> {
        self.transaction(|connection| {
            let raise = "UPDATE meta SET runs = runs + 1 RETURNING runs";
            let runs: i64 = connection.query_row(raise, [], |row| row.get(0))?;
            Ok(runs.unsigned_abs())
        })
    }

    /// The run counter: how often runs have started or ended.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn run_counter(&self) -> Result<u64, LedgerError> {
        let runs = "SELECT runs FROM meta";
        self.read(|connection| {
            Ok(connection.query_row(runs, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
        })
    }

    /// The ledger's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many durable commits were made through this handle.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Asks; the file's name is put to a failure here, in one place.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, LedgerError> {
        ask(&self.connection).map_err(|fault| self.failed(fault))
    }

    /// One transaction: all of `work` durable, or none of it.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        if let Some(earlier) = &self.stopped {
            return Err(self.failed(Fault::Stopped { earlier: earlier.to_string() }));
        }
        let file = &self.file;
        let failed = |fault| LedgerError { file: file.clone(), fault };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| failed(error.into()))?;
        // Dropped on failure, which rolls back.
        let done = work(&transaction).map_err(failed)?;
        if let Err(error) = transaction.commit() {
            let fault = Fault::from(error);
            self.stopped = Some(fault.clone());
            return Err(self.failed(fault));
        }
        self.commits += 1;
        Ok(done)
    }

    fn failed(&self, fault: Fault) -> LedgerError {
        LedgerError { file: self.file.clone(), fault }
    }
}

fn make_and_open(folder: &Path, file: &Path, now: Timestamp) -> Result<Connection, Fault> {
    folder::make(folder, file)?;
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything is changed: it may be somebody else's file.
    let identity = schema::identify(&connection)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::UnfitDrive { mode });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", LEDGER_LOG_BYTES_KEPT)?;
    if identity != Identity::Ledger(schema::newest()) {
        schema::bring_up_to_date(&mut connection, now)?;
    }
    // Crash case 7. Passive: it waits for nobody, and a run that is at work does it itself.
    connection.pragma(None, "wal_checkpoint", "PASSIVE", |_| Ok(()))?;
    Ok(connection)
}

/// `None` where there is no ledger, or one that was never finished.
fn open_to_look(file: &Path) -> Result<Option<Connection>, Fault> {
    if !file.try_exists()? {
        return Ok(None);
    }
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match schema::identify(&connection)? {
        Identity::Empty => Ok(None),
        Identity::Ledger(_) => Ok(Some(connection)),
    }
}

/// A connection with all that is the same for writing and looking. One thread has it at a time.
fn connect(file: &Path, access: OpenFlags) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LEDGER_BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Sorting must not spill people's names into a folder for temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -LEDGER_CACHE_KIB)?;
    Ok(connection)
}
