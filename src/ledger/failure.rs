//! What can go wrong with the ledger's file, in words an officer can act on.
//!
//! Owns [`LedgerError`]: which file, what happened ([`Fault`]), what to do (`hint`). What a step
//! of one delivery may be refused for is in `change.rs`.

use rusqlite::ErrorCode;
use std::io;
use std::path::PathBuf;

/// The ledger could not do what it was asked; nothing of the request is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {fault}", file.display())]
pub struct LedgerError {
    /// The ledger's file.
    pub file: PathBuf,
    /// What happened.
    pub fault: Fault,
}

impl LedgerError {
    /// What to do next: a sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        self.fault.hint()
    }

    /// Whether this only follows from an earlier failure, which somebody was told of.
    #[must_use]
    pub fn is_echo(&self) -> bool {
        matches!(self.fault, Fault::Stopped { .. })
    }
}

/// What happened to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is missing or empty, and beside it lies what only comes after a ledger.
    #[error("the ledger is gone, and only the folder objects was left by it")]
    Lost,
    /// No room to write.
    #[error("the disk is full, so nothing more can be recorded")]
    Full,
    /// Pages or rows that no version of this program wrote.
    #[error("the ledger is damaged: {detail}")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// Written by a newer version of this program.
    #[error("the ledger has format {found}, and this version knows {known}")]
    Newer {
        /// Its schema version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Some other file, or one whose beginning is destroyed.
    #[error("this is not a ledger, or its beginning is damaged")]
    NotALedger,
    /// Another program holds it longer than we wait.
    #[error("another program is writing to the ledger and does not let go of it")]
    Held,
    /// The operating system does not let us.
    #[error("the ledger cannot be opened for this: {detail}")]
    NotPermitted {
        /// The operating system's words.
        detail: String,
    },
    /// The file system keeps no write-ahead log: a network drive, mostly.
    #[error("this drive cannot hold a ledger (it keeps journal mode {mode:?})")]
    UnfitDrive {
        /// The journal mode it fell back to.
        mode: String,
    },
    /// Reading or writing failed below us.
    #[error("the drive failed: {detail}")]
    Drive {
        /// SQLite's or the operating system's words.
        detail: String,
    },
    /// An earlier commit failed, and what it left on the drive is not known.
    #[error("nothing is recorded any more, because an earlier record failed: {earlier}")]
    Stopped {
        /// How the earlier commit failed.
        earlier: String,
    },
    /// The thread that writes has ended.
    #[error("the ledger is closed")]
    Closed,
    /// A plan whose deliveries are not as many as it says: its making broke off.
    #[error("a plan of {expected} deliveries came with {found}")]
    Incomplete {
        /// What the plan says.
        expected: u64,
        /// How many came.
        found: u64,
    },
    /// Two deliveries of one plan to one recipient key.
    #[error("the plan holds two letters for {key}")]
    Twice {
        /// The key.
        key: String,
    },
    /// Anything else SQLite says: a mistake of ours.
    #[error("unexpected: {detail}")]
    Unexpected {
        /// SQLite's words.
        detail: String,
    },
}

impl Fault {
    /// A row that holds what cannot be.
    pub(super) fn damaged(detail: impl Into<String>) -> Fault {
        Fault::Damaged { detail: detail.into() }
    }

    fn hint(&self) -> String {
        match self {
            Fault::Lost => {
                "Restore it from your newest backup: without it everybody would be written to again."
            }
            Fault::Full => "Make room on that drive, then run the same command again.",
            Fault::Damaged { .. } => {
                "Do not send. Keep a copy of this file and its -wal, then restore both from your \
                 backup."
            }
            Fault::Newer { .. } => "Use the version of secretariat that wrote it, or a newer one.",
            Fault::NotALedger => {
                "If it should be the ledger, restore it from your backup; if it is something \
                 else, move it away."
            }
            Fault::Held => "Close the program that holds it, or wait until its run has ended.",
            Fault::NotPermitted { .. } => "Make the file and its folder yours to read and write.",
            Fault::UnfitDrive { .. } => "Keep the workspace on a drive of this computer.",
            Fault::Drive { .. } => {
                "Check the drive and its free space, then run the same command again."
            }
            Fault::Stopped { .. } => {
                "Run the same command again: what was under way is then found and named."
            }
            Fault::Closed => "Run the same command again.",
            Fault::Incomplete { .. } | Fault::Twice { .. } | Fault::Unexpected { .. } => {
                "This is a mistake in secretariat: nothing was recorded. Please report it."
            }
        }
        .to_owned()
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Fault::Full,
            Some(ErrorCode::DatabaseCorrupt) => Fault::Damaged { detail },
            Some(ErrorCode::NotADatabase) => Fault::NotALedger,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Held,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Fault::NotPermitted { detail }
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => {
                Fault::Drive { detail }
            }
            _ if is_about_a_value(&error) => Fault::Damaged { detail },
            _ => Fault::Unexpected { detail },
        }
    }
}

/// Whether a column held another type than its table has: only damage makes that.
fn is_about_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    matches!(
        error,
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..)
    )
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        let detail = error.to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Fault::NotPermitted { detail }
            }
            _ => Fault::Drive { detail },
        }
    }
}
