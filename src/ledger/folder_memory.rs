//! What this computer remembers of a workspace's folder: that letters of it were recorded.
//!
//! Owns one small file in the local state folder for each such folder, named by the digest of its
//! path. It tells a workspace whose ledger was removed from one that never had a ledger
//! (docs/decisions/0019). Which ledger, and how far it was, is `restored.rs`.
//!
//! # Invariants
//! It is written once a plan is in the ledger durably and before the first letter: where nothing is
//! remembered, nothing went from this computer, but for a memory that could not be written.
//!
//! # Failure
//! [`MemoryError::Unreachable`]: the caller decides.

use super::restored::{MemoryError, write_whole};
use super::{Ledger, LedgerError};
use crate::id::Digest;
use std::io;
use std::path::{Path, PathBuf};

/// Digits of the digest in a file's name: enough for no two paths to share one.
const NAME_DIGITS: usize = 32;

/// The memory of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderMemory {
    file: PathBuf,
    folder: PathBuf,
}

impl FolderMemory {
    /// The memory of a workspace's folder, given by its path without links.
    #[must_use]
    pub fn of(folder: &Path, state_folder: &Path) -> FolderMemory {
        let mut name = Digest::of(folder.as_os_str().as_encoded_bytes()).to_string();
        name.truncate(NAME_DIGITS);
        FolderMemory { file: state_folder.join("folders").join(name), folder: folder.to_owned() }
    }

    /// Its file; without it nothing is remembered.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether letters of this folder were recorded from this computer.
    ///
    /// # Errors
    /// [`MemoryError::Unreachable`].
    pub fn is_known(&self) -> Result<bool, MemoryError> {
        self.file.try_exists().map_err(|error| self.unreachable(error))
    }

    /// Remembers the folder with its ledger, whole or not at all; nothing is written where it is
    /// remembered so already.
    ///
    /// # Errors
    /// [`MemoryError::Unreachable`].
    pub fn keep(&self, ledger: &LedgerName) -> Result<(), MemoryError> {
        let text = format!("{}\n{}\n", ledger.0, self.folder.display());
        if std::fs::read(&self.file).is_ok_and(|kept| kept == text.as_bytes()) {
            return Ok(());
        }
        write_whole(&self.file, text.as_bytes()).map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, error: io::Error) -> MemoryError {
        MemoryError::Unreachable { file: self.file.clone(), error }
    }
}

/// A ledger's own id in hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerName(pub(super) String);

impl LedgerName {
    /// The name of a ledger.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(ledger: &Ledger) -> Result<LedgerName, LedgerError> {
        Ok(LedgerName(ledger.id()?.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_remembered_by_its_path() {
        let state = tempfile::tempdir().unwrap();
        let name = LedgerName("00ff".to_owned());
        let (here, there) = (Path::new("/home/ana/forum"), Path::new("/home/ana/forum2"));
        let memory = FolderMemory::of(here, state.path());
        assert!(!memory.is_known().unwrap());
        memory.keep(&name).unwrap();
        memory.keep(&name).unwrap();
        assert!(memory.is_known().unwrap());
        assert!(!FolderMemory::of(there, state.path()).is_known().unwrap());
        let told = std::fs::read_to_string(memory.file()).unwrap();
        assert_eq!(told, "00ff\n/home/ana/forum\n");
        std::fs::remove_file(memory.file()).unwrap();
        assert!(!memory.is_known().unwrap());
    }

    #[test]
    fn a_memory_in_the_way_is_unreachable() {
        let state = tempfile::NamedTempFile::new().unwrap();
        let memory = FolderMemory::of(Path::new("/x"), state.path());
        assert!(memory.keep(&LedgerName(String::new())).is_err());
    }
}
