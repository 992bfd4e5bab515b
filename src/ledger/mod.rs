//! The ledger: the durable record of plans, attempts and answers; the only truth about a mailing.
//!
//! Owns one SQLite file and every statement on it. A stranger to the transport: the stage of a
//! conversation is a text here. Who decides which step a delivery takes is `send/`.
//!
//! # Format
//! `ledger.db`, a SQLite database with a write-ahead log beside it (`-wal`, `-shm`); its
//! `application_id` is `SCRT`, its `user_version` 4, its tables are in `schema.rs`. Beside it
//! `lock` and `lock.holder` (see `lock.rs`). All for the owner only.
//!
//! - `deliveries`: one row for each campaign and recipient key, copies among them, with its state.
//!   The counts add up to the total from this table alone.
//! - `letters`: what a round's message is made of, once for a letter and its copies; images and
//!   documents by SHA-256, their bytes lie in `objects/`.
//! - `plans`: each adoption of a plan, in order; one of each campaign is current.
//! - `pauses`, `withdrawals`: campaigns that a person holds or took back.
//! - `names`: what people are called, for whoever looks for them.
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
//!    the first commit, so a ledger that was ever written to does not vanish. `objects/` is made
//!    after its ledger is durable: beside no ledger or an empty one it tells that somebody removed
//!    or emptied it, and nothing is begun ([`Fault::Lost`]).
//! 2. *While a plan is adopted*: the plan before, whole. The log may be as large as the new plan;
//!    it is overwritten from its start. The first plan of a ledger goes into the file itself, with a
//!    journal beside it (`-journal`) by which the next `open` or `look` takes back what is half.
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
//!    what was accepted after it is forgotten. So is a ledger restored from a backup: what went
//!    since is not in it, and would go again. The run counter shows it where the computer remembers
//!    a higher one (`restored.rs`); a run that was lost whole with its end is not told.
//!
//! # Failure
//! [`LedgerError`]: the file, what happened, what to do. Damage is reported where it is met and
//! never repaired by guessing.

mod adopt;
mod change;
mod clock;
mod control;
mod events;
mod failure;
mod folder;
mod folder_memory;
mod frozen;
mod hand_over;
mod letters;
mod lock;
mod names;
mod plans;
mod query;
#[cfg(test)]
mod random_steps_tests;
mod resolve;
mod restored;
mod schema;
mod state;
#[cfg(test)]
mod testing;
mod writer;

pub use change::{ChangeError, Recorded, Refusal};
pub use events::Event;
pub use failure::{Fault, LedgerError};
pub use folder_memory::{FolderMemory, LedgerName};
pub use frozen::{
    FrozenAttachment, FrozenDelivery, FrozenImage, FrozenLetter, FrozenSender, PlannedCopy,
    PlannedDelivery,
};
pub use hand_over::HandedOver;
pub use lock::{Holder, LockError, RunLock};
pub use plans::{Adopted, NewPlan, StoredPlan};
pub use query::{Counts, OpenLetter, StoredDelivery};
pub use resolve::Resolution;
pub use restored::{MemoryError, RunMemory};
pub use state::State;
pub use writer::LedgerWriter;

use crate::crash;
use crate::limits::{
    LEDGER_BUSY_TIMEOUT, LEDGER_CACHE_KIB, LEDGER_LOG_BYTES_KEPT, LEDGER_LOG_PAGES,
};
use crate::time::Timestamp;
use rusqlite::config::DbConfig;
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
            .map_err(|fault| not_opened(file, fault))
    }

    /// Opens the ledger in a folder for reading, also while a run writes to it; `None` where there
    /// is none. Makes no ledger, and records nothing in one.
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
            .map_err(|fault| not_opened(file, fault))
    }

    /// A second connection, for reading beside this one.
    fn reader(&self) -> Result<Ledger, LedgerError> {
        let gone = || self.failed(Fault::NotALedger);
        let opened = open_to_look(&self.file).map_err(|fault| self.failed(fault))?;
        let connection = opened.ok_or_else(gone)?;
        Ok(Ledger { connection, file: self.file.clone(), stopped: None, commits: 0 })
    }

    /// Goes on with a connection of its own making: its page cache is as small as a run's. SQLite
    /// gives up a cache's pages but never its table of them, and goes through all of that table in
    /// every other commit.
    fn begin_afresh(&mut self) -> Result<(), LedgerError> {
        let fresh = || -> Result<Connection, Fault> {
            let connection = connect(&self.file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            make_durable(&connection)?;
            Ok(connection)
        };
        // Opened before the other is closed: the last to leave folds the log into the file.
        self.connection = fresh().map_err(|fault| self.failed(fault))?;
        Ok(())
    }

    /// The ledger's own id: 16 bytes, another for each ledger ever made.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn id(&self) -> Result<[u8; 16], LedgerError> {
        let id = "SELECT ledger_id FROM meta";
        self.read(|connection| Ok(connection.query_row(id, [], |row| row.get(0))?))
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
        crash::point("transaction-begun");
        // Dropped on failure, which rolls back.
        let done = work(&transaction).map_err(failed)?;
        crash::point("transaction-written");
        if let Err(error) = transaction.commit() {
            let fault = Fault::from(error);
            self.stopped = Some(fault.clone());
            return Err(self.failed(fault));
        }
        crash::point("transaction-committed");
        self.commits += 1;
        Ok(done)
    }

    fn failed(&self, fault: Fault) -> LedgerError {
        LedgerError { file: self.file.clone(), fault }
    }
}

/// Names the file that is in the way: what lies beside the ledger may have other permissions.
fn not_opened(file: PathBuf, fault: Fault) -> LedgerError {
    let closed = match &fault {
        Fault::NotPermitted { .. } => folder::closed_to_us(&file),
        _ => None,
    };
    LedgerError { file: closed.unwrap_or(file), fault }
}

fn make_and_open(folder: &Path, file: &Path, now: Timestamp) -> Result<Connection, Fault> {
    let had_one = folder::had_a_ledger(file);
    if had_one && folder::is_empty(file)? {
        return Err(Fault::Lost);
    }
    folder::make(folder, file)?;
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything is changed: it may be somebody else's file.
    let identity = schema::identify(&connection)?;
    if had_one && identity == Identity::Empty {
        return Err(Fault::Lost);
    }
    make_durable(&connection)?;
    if identity != Identity::Ledger(schema::newest()) {
        schema::bring_up_to_date(&mut connection, now)?;
    }
    // Crash case 7. Passive: it waits for nobody, and a run that is at work does it itself.
    connection.pragma(None, "wal_checkpoint", "PASSIVE", |_| Ok(()))?;
    Ok(connection)
}

/// What a connection needs that writes.
fn make_durable(connection: &Connection) -> Result<(), Fault> {
    let mode = keep_log(connection)?;
    if mode != "wal" {
        return Err(Fault::UnfitDrive { mode });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", LEDGER_LOG_BYTES_KEPT)?;
    connection.pragma_update(None, "wal_autocheckpoint", LEDGER_LOG_PAGES)?;
    Ok(())
}

/// Has SQLite keep a write-ahead log; gives the journal mode that came of it.
///
/// Stepped to its end: a new file's mode is committed with the last step, after the answer, and
/// where that fails the answer was wrong.
fn keep_log(connection: &Connection) -> Result<String, Fault> {
    let mut statement = connection.prepare("PRAGMA journal_mode = wal")?;
    let modes = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(modes.into_iter().next().unwrap_or_default())
}

/// `None` where there is no ledger, or one that was never finished.
fn open_to_look(file: &Path) -> Result<Option<Connection>, Fault> {
    // Asked first: a run that begins meanwhile makes its ledger before anything beside it.
    let had_one = folder::had_a_ledger(file);
    // SQLite is kept from an empty file: it would remove the log that belongs to it.
    let looked = if folder::is_empty(file)? { None } else { look_into(file)? };
    if had_one && looked.is_none() { Err(Fault::Lost) } else { Ok(looked) }
}

fn look_into(file: &Path) -> Result<Option<Connection>, Fault> {
    // A connection that may only read cannot tidy up: it leaves a log behind in a folder that had
    // none. This one may write, and does nothing but fold a dead run's log into the file.
    match connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(made_to_look) {
        // A folder that may only be read has no room for what goes with a log. Where there is no
        // log either, the file is all there is.
        Err(Fault::NotPermitted { detail }) => match folder::as_it_is(file) {
            Some(address) => {
                let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                made_to_look(connect(Path::new(&address), access)?)
            }
            None => Err(Fault::NotPermitted { detail }),
        },
        made => made,
    }
}

fn made_to_look(connection: Connection) -> Result<Option<Connection>, Fault> {
    let Identity::Ledger(version) = schema::identify(&connection)? else { return Ok(None) };
    schema::stand_in(&connection, version)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(Some(connection))
}

/// A connection with all that is the same for writing and looking. One thread has it at a time.
fn connect(file: &Path, access: OpenFlags) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(LEDGER_BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Else SQLite plans a statement again for each new value it is asked with, which takes longer
    // than the statement.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Sorting must not spill people's names into a folder for temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -LEDGER_CACHE_KIB)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use testing::{adopt_people, bring, campaign, id, later, ledger, now, state};

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_was_recorded_is_there_after_a_drop_without_closing() {
        let (folder, mut ledger) = ledger(&["ana", "bo"]);
        bring(&mut ledger, "ana", State::Accepted);
        let id = ledger.id().unwrap();
        drop(ledger);
        let again = Ledger::open(&folder.path().join("store"), later(1)).unwrap();
        assert_eq!(state(&again, "ana"), State::Accepted);
        assert_eq!(again.id(), Ok(id));
    }

    /// The files as a killed process leaves them: copied while the ledger is open.
    #[test]
    fn what_was_recorded_is_there_after_a_kill() {
        let (folder, mut ledger) = ledger(&["ana", "bo"]);
        bring(&mut ledger, "ana", State::Accepted);
        ledger.intend(&id("bo"), now(), now()).unwrap();
        let (store, copy) = (folder.path().join("store"), folder.path().join("copy"));
        fs::create_dir(&copy).unwrap();
        for name in names(&store) {
            fs::copy(store.join(&name), copy.join(&name)).unwrap();
        }
        let again = Ledger::open(&copy, later(1)).unwrap();
        assert_eq!(state(&again, "ana"), State::Accepted);
        assert_eq!(state(&again, "bo"), State::Attempting);
        drop(ledger);
    }

    #[test]
    fn looking_where_there_is_no_ledger_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Ledger::look(folder.path()).unwrap().is_none());
        assert!(Ledger::look(&folder.path().join("missing")).unwrap().is_none());
        assert_eq!(names(folder.path()), BTreeSet::new());
        fs::write(folder.path().join("ledger.db"), "").unwrap();
        assert!(Ledger::look(folder.path()).unwrap().is_none(), "a ledger that was never finished");
        assert_eq!(names(folder.path()).len(), 1);
    }

    #[test]
    fn looking_at_a_ledger_leaves_its_folder_and_file_as_they_were() {
        let (folder, ledger) = ledger(&["ana"]);
        drop(ledger);
        let store = folder.path().join("store");
        let (before, bytes) = (names(&store), fs::read(store.join("ledger.db")).unwrap());
        let looked = Ledger::look(&store).unwrap().unwrap();
        assert_eq!(looked.counts(&campaign()).unwrap().total(), 1);
        drop(looked);
        assert_eq!(names(&store), before);
        assert!(fs::read(store.join("ledger.db")).unwrap() == bytes, "the file was changed");
    }

    #[test]
    fn looking_sees_what_a_run_writes_and_writes_nothing() {
        let (folder, mut writing) = ledger(&["ana", "bo"]);
        let mut looking = Ledger::look(&folder.path().join("store")).unwrap().unwrap();
        bring(&mut writing, "ana", State::Accepted);
        assert_eq!(state(&looking, "ana"), State::Accepted);
        let refused = looking.intend(&id("bo"), now(), now()).unwrap_err();
        let ChangeError::Ledger(error) = refused else { panic!("it wrote") };
        assert!(matches!(error.fault, Fault::NotPermitted { .. }), "{error}");
        bring(&mut writing, "bo", State::Rejected);
        assert_eq!(state(&looking, "bo"), State::Rejected);
    }

    fn check_refused(change: impl FnOnce(&Path), expected: fn(&Fault) -> bool, words: &str) {
        let (folder, ledger) = ledger(&["ana"]);
        drop(ledger);
        let store = folder.path().join("store");
        let file = store.join("ledger.db");
        change(&file);
        let before = fs::read(&file).unwrap();
        for refused in [Ledger::look(&store).map(drop), Ledger::open(&store, now()).map(drop)] {
            let error = refused.unwrap_err();
            assert!(expected(&error.fault), "{error}");
            assert!(error.to_string().contains("ledger.db: "), "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.hint().ends_with('.'), "{}", error.hint());
        }
        assert!(fs::read(&file).unwrap() == before, "a refused file was changed");
    }

    fn sql(file: &Path, sql: &str) {
        Connection::open(file).unwrap().execute_batch(sql).unwrap();
    }

    #[test]
    fn a_newer_ledger_is_refused_and_left_as_it_is() {
        let newer = |file: &Path| sql(file, "PRAGMA user_version = 9");
        let expected = |fault: &Fault| matches!(fault, Fault::Newer { found: 9, known: 4 });
        check_refused(newer, expected, "format 9, and this version knows 4");
    }

    #[test]
    fn another_programs_database_is_refused_and_left_as_it_is() {
        let other = |file: &Path| {
            fs::remove_file(file).unwrap();
            sql(file, "CREATE TABLE contacts (name TEXT)");
        };
        check_refused(other, |fault| matches!(fault, Fault::NotALedger), "not a ledger");
    }

    #[test]
    fn another_file_and_a_destroyed_beginning_are_refused() {
        let text = |file: &Path| fs::write(file, "dear diary, ".repeat(100)).unwrap();
        check_refused(text, |fault| matches!(fault, Fault::NotALedger), "not a ledger");
        let destroyed = |file: &Path| {
            let mut bytes = fs::read(file).unwrap();
            bytes[..100].fill(0);
            fs::write(file, bytes).unwrap();
        };
        check_refused(destroyed, |fault| matches!(fault, Fault::NotALedger), "is damaged");
    }

    #[test]
    fn a_damaged_list_of_tables_is_refused() {
        let damage = |file: &Path| {
            let mut bytes = fs::read(file).unwrap();
            bytes[100..600].fill(0xa5);
            fs::write(file, bytes).unwrap();
        };
        check_refused(damage, |fault| matches!(fault, Fault::Damaged { .. }), "damaged");
    }

    /// Whatever page is destroyed: an answer, or a failure that says so.
    #[test]
    fn a_damaged_page_is_met_where_it_is_read() {
        let (folder, mut ledger) = ledger(&[]);
        let people: Vec<String> = (0..300).map(|n| format!("p{n}")).collect();
        adopt_people(&mut ledger, &people.iter().map(String::as_str).collect::<Vec<_>>(), "hello");
        drop(ledger);
        let store = folder.path().join("store");
        let sound = fs::read(store.join("ledger.db")).unwrap();
        let mut damaged = 0;
        for page in 1..sound.len() / 4096 {
            let mut bytes = sound.clone();
            bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
            fs::write(store.join("ledger.db"), bytes).unwrap();
            let Ok(Some(ledger)) = Ledger::look(&store) else {
                damaged += 1;
                continue;
            };
            let matched = ledger.deliveries_of("pérez");
            for error in [matched.map(drop).err(), ledger.counts(&campaign()).map(drop).err()] {
                let Some(error) = error else { continue };
                assert!(matches!(error.fault, Fault::Damaged { .. }), "page {page}: {error}");
                assert!(error.hint().contains("backup"));
                damaged += 1;
            }
        }
        assert!(damaged > 10, "no damage was met");
    }

    #[test]
    fn the_drive_is_told_to_keep_what_it_is_given() {
        let (_folder, mut ledger) = ledger(&[]);
        check_pragmas(&ledger);
        adopt_people(&mut ledger, &["ana"], "hello");
        check_pragmas(&ledger);
    }

    fn check_pragmas(ledger: &Ledger) {
        for (pragma, value) in [
            ("synchronous", "2"),
            ("journal_mode", "wal"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("cell_size_check", "1"),
            ("secure_delete", "1"),
            ("fullfsync", "1"),
            ("temp_store", "2"),
            ("cache_size", "-4096"),
        ] {
            let found: rusqlite::types::Value =
                ledger.connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            let found = match found {
                rusqlite::types::Value::Integer(n) => n.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => panic!("{pragma}: {other:?}"),
            };
            assert_eq!(found, value, "{pragma}");
        }
    }
}
