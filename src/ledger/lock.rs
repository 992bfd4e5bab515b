//! The run lock: one run per ledger, and who holds it.
//!
//! Owns `lock` (locked by the operating system, which lets go of it when the process dies, however
//! it dies) and `lock.holder` (who holds it, for the second run's message). They are two files
//! because on Windows a locked file cannot be read by anybody else. Looking, and withdrawing a
//! mailing from another terminal, need no lock.
//!
//! # Invariants
//! Neither file is ever removed: whoever had the old one open would hold a lock nobody else sees.
//! `lock.holder` is believed only while `lock` is locked.

use super::{Ledger, folder};
use crate::crash;
use crate::limits::{LOCK_TRIED_AFTER, LOCK_TRIES};
use crate::time::Timestamp;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Who runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Name of the computer.
    pub host: String,
    /// Since when.
    #[serde(with = "unix_seconds")]
    pub since: Timestamp,
}

/// The run lock, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    /// Kept open: closing it lets go of the lock.
    _file: File,
}

/// Why the lock was not given.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("{}", held_by(holder.as_ref()))]
    Held {
        /// Who; unknown for the blink between locking and writing it down.
        holder: Option<Holder>,
    },
    /// The file system would not.
    #[error("{}: cannot be locked: {error}", file.display())]
    Failed {
        /// The lock's file.
        file: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
}

impl LockError {
    /// What to do next: a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            LockError::Held { .. } => {
                "Wait until that run has ended, or see how far it is with `secretariat status`."
            }
            LockError::Failed { error, .. } => match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "Make the file and its folder yours to read and write."
                }
                io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge => {
                    "Make room on that drive, then run the same command again."
                }
                _ => "Keep the workspace on a drive of this computer.",
            },
        }
    }
}

/// `another run is at work here: on desk-3 since 14:20 (process 4711)`.
fn held_by(holder: Option<&Holder>) -> String {
    let Some(Holder { pid, host, since }) = holder else {
        return "another run is at work here".to_owned();
    };
    let (date, time) = (since.local_date(), since.local_time());
    format!("another run is at work here: on {host} since {date}, {time} (process {pid})")
}

impl RunLock {
    /// Takes the lock of the ledger in this folder for a run on the computer named `host`.
    ///
    /// # Errors
    /// [`LockError::Held`] when another run has it; it is not waited for.
    pub fn take(folder: &Path, host: &str, now: Timestamp) -> Result<RunLock, LockError> {
        let path = folder.join("lock");
        let failed = |error| LockError::Failed { file: path.clone(), error };
        folder::make_folder(folder).map_err(failed)?;
        let file = folder::open_or_make(&path).map_err(failed)?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: RunLock::holder(folder) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        crash::point("lock-taken");
        let holder = Holder { pid: std::process::id(), host: host.to_owned(), since: now };
        write_holder(folder, &holder).map_err(failed)?;
        crash::point("lock-named");
        Ok(RunLock { _file: file })
    }

    /// Whether a run is at work on this ledger now. Looks; takes nothing and makes nothing.
    #[must_use]
    pub fn is_held(ledger: &Ledger) -> bool {
        let folder = ledger.file().parent().unwrap_or(Path::new("."));
        // A shared lock is given as long as nobody has the whole one; it goes with the file.
        let file = File::open(folder.join("lock"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Who is at work on this ledger now; nobody, or unknown, where this is none.
    #[must_use]
    pub fn holder_now(ledger: &Ledger) -> Option<Holder> {
        let folder = ledger.file().parent().unwrap_or(Path::new("."));
        RunLock::is_held(ledger).then(|| RunLock::holder(folder)).flatten()
    }

    /// Who took the lock last. Believe it only of a lock that is held.
    fn holder(folder: &Path) -> Option<Holder> {
        serde_json::from_slice(&std::fs::read(holder_file(folder)).ok()?).ok()
    }
}

/// Locks the file for a run. Whoever looks whether a run is at work has it locked as well, for a
/// blink and shared: that is waited out. A run is not.
fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            done => return done,
        }
        // Given beside other looks, and refused beside a run.
        file.try_lock_shared()?;
        file.unlock().map_err(TryLockError::Error)?;
        std::thread::sleep(LOCK_TRIED_AFTER);
    }
    Err(TryLockError::WouldBlock)
}

fn holder_file(folder: &Path) -> PathBuf {
    folder.join("lock.holder")
}

fn write_holder(folder: &Path, holder: &Holder) -> io::Result<()> {
    let file = holder_file(folder);
    folder::open_or_make(&file)?;
    std::fs::write(&file, serde_json::to_vec(holder)?)
}

/// A point in time as seconds since 1970 in UTC.
mod unix_seconds {
    use crate::time::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.unix_seconds())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-05T09:30:00Z").unwrap()
    }

    #[test]
    fn a_second_run_is_told_who_holds_the_lock_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let held = RunLock::take(folder.path(), "desk-3", now()).unwrap();
        let refused = RunLock::take(folder.path(), "desk-4", now()).unwrap_err();
        let words = refused.to_string();
        assert!(words.contains("on desk-3 since "), "{words}");
        assert!(words.contains(&std::process::id().to_string()), "{words}");
        drop(held);
    }

    /// `status` and `why` look whether a run is at work: no `send` may fail by that.
    #[test]
    fn somebody_who_looks_keeps_no_run_from_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunLock::take(folder.path(), "desk-3", now()).unwrap());
        let looking = File::open(folder.path().join("lock")).unwrap();
        looking.try_lock_shared().unwrap();
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| RunLock::take(folder.path(), "desk-4", now()));
            // Long enough for the first try, short enough for the last.
            std::thread::sleep(10 * LOCK_TRIED_AFTER);
            drop(looking);
            assert!(taken.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_lock_let_go_can_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunLock::take(folder.path(), "desk-3", now()).unwrap());
        assert!(RunLock::take(folder.path(), "desk-4", now()).is_ok());
    }

    #[test]
    fn a_holder_that_cannot_be_read_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let _held = RunLock::take(folder.path(), "desk-3", now()).unwrap();
        std::fs::write(holder_file(folder.path()), "{").unwrap();
        let refused = RunLock::take(folder.path(), "desk-4", now()).unwrap_err();
        assert_eq!(refused.to_string(), "another run is at work here");
    }
}
