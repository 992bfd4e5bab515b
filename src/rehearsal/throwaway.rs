//! A folder for one rehearsal: for the owner only, and gone with its value.

use crate::owner_only;
use std::io;
use std::path::{Path, PathBuf};

/// Names that are tried before giving up; others are of rehearsals at the same time or killed ones.
const NAMES_TRIED: u32 = 1_000;

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Throwaway {
    folder: PathBuf,
}

impl Throwaway {
    /// A new folder within this one, which is for temporary files.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn within(temporary: &Path) -> io::Result<Throwaway> {
        let process = std::process::id();
        for n in 0..NAMES_TRIED {
            let folder = temporary.join(format!("secretariat-rehearsal-{process}-{n}"));
            // A link that leads nowhere is something, too.
            if folder.symlink_metadata().is_err() {
                owner_only::create_folder(&folder)?;
                return Ok(Throwaway { folder });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // What cannot be removed now is the system's to clear away.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_once_are_two_and_gone_after_use() {
        let temporary = tempfile::tempdir().unwrap();
        let one = Throwaway::within(temporary.path()).unwrap();
        let two = Throwaway::within(temporary.path()).unwrap();
        assert_ne!(one.path(), two.path());
        std::fs::write(one.path().join("ledger.db"), "x").unwrap();
        drop(one);
        drop(two);
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    }
}
