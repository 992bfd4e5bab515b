//! The run counter: an old ledger that was put back from a backup must not send again.
//!
//! Owns the counter in `meta` and what a computer remembers of it: a file in the local state
//! folder, named by the ledger's id, with the counter in it. The counter is raised at the start and
//! at the end of each run, so it is odd while a run is at work and after one that died.
//!
//! # Invariants
//! The ledger is raised first, durably, and only then the computer's memory: a kill between leaves
//! the ledger ahead, never behind. A ledger behind has lost what a run recorded; it may hold as
//! waiting what has gone. A computer that remembers nothing has nothing to say against a ledger.
//!
//! # Failure
//! A memory that cannot be read as a number is [`MemoryError::Damaged`]: nobody knows then whether
//! the ledger is old. One that cannot be reached at all is the operating system's error; the caller
//! decides.

use super::events::{About, Kind};
use super::failure::Fault;
use super::folder_memory::LedgerName;
use super::state::State;
use super::{Ledger, LedgerError, RunLock, folder};
use crate::crash;
use crate::owner_only;
use crate::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::json;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What this computer remembers of the runs of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMemory {
    file: PathBuf,
}

/// Why a memory tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It holds no number.
    #[error("{}: this holds no number", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// The operating system gives nothing.
    #[error("{}: {error}", file.display())]
    Unreachable {
        /// The file.
        file: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
}

impl RunMemory {
    /// The memory of a ledger's runs, in the program's state folder on this computer.
    ///
    /// # Errors
    /// When the ledger's id cannot be read.
    pub fn of(ledger: &Ledger, state_folder: &Path) -> Result<RunMemory, LedgerError> {
        let LedgerName(id) = LedgerName::of(ledger)?;
        Ok(RunMemory { file: state_folder.join("runs").join(id) })
    }

    /// Its file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The highest run counter this computer has seen of the ledger; none the first time.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn runs(&self) -> Result<Option<u64>, MemoryError> {
        let file = || self.file.clone();
        match std::fs::read(&self.file) {
            Ok(bytes) => {
                let number = std::str::from_utf8(&bytes).ok().and_then(|t| t.trim().parse().ok());
                number.map(Some).ok_or_else(|| MemoryError::Damaged { file: file() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(MemoryError::Unreachable { file: file(), error }),
        }
    }

    /// Remembers a run counter that the ledger holds durably: whole or not at all.
    ///
    /// # Errors
    /// [`MemoryError::Unreachable`]; what was remembered before is still there.
    pub fn keep(&self, runs: u64) -> Result<(), MemoryError> {
        write_whole(&self.file, format!("{runs}\n").as_bytes())
            .map_err(|error| MemoryError::Unreachable { file: self.file.clone(), error })
    }
}

/// Writes a memory so that it is there whole or not at all.
pub(super) fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    folder::make_folder(folder)?;
    let new = file.with_extension("new");
    // Left by a run that died here; nobody else writes it, for the run lock is held.
    drop(std::fs::remove_file(&new));
    let mut unfinished = owner_only::create_file(&new)?;
    unfinished.write_all(bytes)?;
    unfinished.sync_all()?;
    crash::point("memory-written");
    std::fs::rename(&new, file)?;
    crash::point("memory-renamed");
    owner_only::keep_names(folder)
}

impl Ledger {
    /// The run counter: odd while a run is at work, and after one that died.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn run_counter(&self) -> Result<u64, LedgerError> {
        self.read(|connection| {
            let runs: i64 = connection.query_row("SELECT runs FROM meta", [], |row| row.get(0))?;
            Ok(runs.unsigned_abs())
        })
    }

    /// Looks for damage before a run: always at what costs nothing, and through the whole file
    /// where the last run died, which takes seconds for a million letters.
    ///
    /// # Errors
    /// [`Fault::Damaged`] with the first thing that was found.
    pub fn check(&self, _held: &RunLock) -> Result<(), LedgerError> {
        let died = self.run_counter()? % 2 == 1;
        self.read(|connection| {
            // SQLite takes a last page that was cut off for one that ends in zeros.
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            if !std::fs::metadata(&self.file)?.len().is_multiple_of(u64::from(page)) {
                return Err(Fault::damaged("its end is cut off"));
            }
            if !died {
                return Ok(());
            }
            let found: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found == "ok" { Ok(()) } else { Err(Fault::damaged(found.replace('\n', " "))) }
        })
    }

    /// Counts the start of a run; the counter, which is odd now.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn begin_run(&mut self, _held: &RunLock) -> Result<u64, LedgerError> {
        self.transaction(|connection| set_runs(connection, "runs + 1 + runs % 2"))
    }

    /// Counts the end of a run; the counter, which is even now.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn end_run(&mut self, _held: &RunLock) -> Result<u64, LedgerError> {
        self.transaction(|connection| set_runs(connection, "runs + runs % 2"))
    }

    /// Makes everything that is not final uncertain, in every campaign, and what was withdrawn,
    /// too, which the next plan would write to again; brings the counter level with what is
    /// remembered: for a ledger that is older than what was done with it. Gives how many deliveries
    /// are uncertain now that were not, and the counter. Whoever was added since is not in it at
    /// all.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn own_as_restored(
        &mut self,
        _held: &RunLock,
        remembered: Option<u64>,
        reason: &str,
        now: Timestamp,
    ) -> Result<(u64, u64), LedgerError> {
        self.transaction(|connection| {
            let doubted = doubt_all(connection, reason, now)?;
            let remembered = i64::try_from(remembered.unwrap_or(0)).unwrap_or(i64::MAX - 1);
            let level = format!("max(runs, {remembered})");
            let runs = set_runs(connection, &format!("{level} + {level} % 2"))?;
            Ok((doubted, runs))
        })
    }
}

fn set_runs(connection: &Connection, to: &str) -> Result<u64, Fault> {
    let set = format!("UPDATE meta SET runs = {to} RETURNING runs");
    let runs: i64 = connection.query_row(&set, [], |row| row.get(0))?;
    Ok(runs.unsigned_abs())
}

/// Planned, deferred, attempting, cancelled -> uncertain, each with an event.
fn doubt_all(connection: &Connection, reason: &str, now: Timestamp) -> Result<u64, Fault> {
    let open: Vec<(i64, String, State)> = connection
        .prepare(
            "SELECT row, campaign, state FROM deliveries
             WHERE state IN ('planned', 'deferred', 'attempting', 'cancelled') ORDER BY row",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut doubt = connection.prepare(
        "UPDATE deliveries SET state = 'uncertain', due_at = NULL, detail = ?, stage = NULL,
             response_code = NULL, response = NULL, updated_at = ? WHERE row = ?",
    )?;
    for (row, campaign, was) in &open {
        doubt.execute(params![reason, now.unix_seconds(), row])?;
        let about = About { campaign, delivery: Some(*row), at: now };
        let detail = json!({ "was": was.as_str(), "detail": reason });
        about.write(connection, Kind::Became(State::Uncertain), detail)?;
    }
    Ok(open.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{bring, campaign, id, later, ledger, now, state};

    fn locked(folder: &tempfile::TempDir) -> RunLock {
        RunLock::take(&folder.path().join("store"), "desk-3", now()).unwrap()
    }

    #[test]
    fn the_counter_is_odd_while_a_run_is_at_work_and_never_goes_back() {
        let (folder, mut ledger) = ledger(&[]);
        let lock = locked(&folder);
        assert_eq!(ledger.run_counter(), Ok(0));
        assert_eq!(ledger.begin_run(&lock), Ok(1));
        assert_eq!(ledger.begin_run(&lock), Ok(3), "after a run that died");
        assert_eq!(ledger.end_run(&lock), Ok(4));
        assert_eq!(ledger.end_run(&lock), Ok(4), "ending twice is ending");
        assert_eq!(ledger.begin_run(&lock), Ok(5));
        drop(ledger);
        let again = Ledger::open(&folder.path().join("store"), now()).unwrap();
        assert_eq!(again.run_counter(), Ok(5));
    }

    #[test]
    fn a_computer_remembers_each_ledger_by_its_id() {
        let (folder, ledger) = ledger(&[]);
        let memory = RunMemory::of(&ledger, folder.path()).unwrap();
        assert!(memory.runs().unwrap().is_none(), "the first time");
        memory.keep(1).unwrap();
        memory.keep(12).unwrap();
        assert_eq!(memory.runs().unwrap(), Some(12));
        let (_other_folder, other) = crate::ledger::testing::ledger(&[]);
        let others = RunMemory::of(&other, folder.path()).unwrap();
        assert!(others.runs().unwrap().is_none());
    }

    #[test]
    fn a_memory_that_is_no_number_is_damaged_and_one_in_the_way_is_unreachable() {
        let (folder, ledger) = ledger(&[]);
        let memory = RunMemory::of(&ledger, folder.path()).unwrap();
        memory.keep(3).unwrap();
        for text in ["", "x\n", "-1", "3 4"] {
            std::fs::write(memory.file(), text).unwrap();
            let error = memory.runs().unwrap_err();
            assert!(matches!(error, MemoryError::Damaged { .. }), "{text:?}: {error}");
        }
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let memory = RunMemory::of(&ledger, &blocked).unwrap();
        assert!(matches!(memory.runs().unwrap_err(), MemoryError::Unreachable { .. }));
        assert!(matches!(memory.keep(1).unwrap_err(), MemoryError::Unreachable { .. }));
    }

    #[test]
    fn a_restored_ledger_holds_nothing_that_could_go_by_itself() {
        for (remembered, level) in [(Some(6), 6), (Some(7), 8), (None, 2), (Some(1), 2)] {
            let (folder, mut ledger) = ledger(&["ana", "bo", "eve", "fang", "ida", "jo"]);
            let lock = locked(&folder);
            ledger.begin_run(&lock).unwrap();
            for (who, at) in [
                ("bo", State::Deferred),
                ("eve", State::Attempting),
                ("fang", State::Accepted),
                ("ida", State::Rejected),
                ("jo", State::Cancelled),
            ] {
                bring(&mut ledger, who, at);
            }
            let owned = ledger.own_as_restored(&lock, remembered, "the disk died", later(1));
            assert_eq!(owned, Ok((4, level)));
            let counts = ledger.counts(&campaign()).unwrap();
            let of = [State::Uncertain, State::Accepted, State::Rejected].map(|s| counts.of(s));
            assert_eq!(of, [4, 1, 1]);
            assert_eq!(state(&ledger, "ana"), State::Uncertain);
            // In a plan again: whoever was withdrawn then may have got the letter since.
            crate::ledger::testing::adopt_people(&mut ledger, &["ana", "jo"], "another letter");
            assert_eq!(state(&ledger, "jo"), State::Uncertain);
            assert_eq!(ledger.open_letters(&campaign()), Ok(Vec::new()));
            let event = ledger.events_of(&id("bo")).unwrap().pop().unwrap();
            assert_eq!(
                (event.kind.as_str(), &event.detail["was"]),
                ("uncertain", &"deferred".into())
            );
            let again = ledger.own_as_restored(&lock, remembered, "the disk died", later(2));
            assert_eq!(again, Ok((0, level)));
        }
    }
}
