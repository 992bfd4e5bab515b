//! A folder for one rehearsal: for the owner only, and gone with its value.
//!
//! It holds people's names and letters. A rehearsal that was killed leaves its folder behind; the
//! next one takes it away, and so does the next `send`.
//!
//! # Invariants
//! A folder is in use as long as the file `in-use` within it is locked; the kernel lets go of the
//! lock when the process ends, however it ends.

use crate::owner_only;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Names that are tried before giving up; others are of rehearsals at the same time or killed ones.
const NAMES_TRIED: u32 = 1_000;

/// How such a folder's name begins.
const NAME: &str = "secretariat-rehearsal-";
/// The file that is locked while the folder is in use.
const IN_USE: &str = "in-use";

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Throwaway {
    folder: PathBuf,
    /// Let go of before the folder is removed: Windows removes no open file.
    lock: Option<File>,
}

impl Throwaway {
    /// A new folder within this one, which is for temporary files.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn within(temporary: &Path) -> io::Result<Throwaway> {
        remove_abandoned(temporary);
        let process = std::process::id();
        for n in 0..NAMES_TRIED {
            let folder = temporary.join(format!("{NAME}{process}-{n}"));
            // A link that leads nowhere is something, too.
            if folder.symlink_metadata().is_err() {
                owner_only::create_folder(&folder)?;
                let lock = owner_only::create_file(&folder.join(IN_USE))?;
                lock.lock()?;
                // Another that began at the same moment may have taken it for abandoned.
                if folder.join(IN_USE).exists() {
                    return Ok(Throwaway { folder, lock: Some(lock) });
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder, for a process that ends without dropping anything.
    pub fn remover(&self) -> impl FnOnce() + Send + 'static {
        let folder = self.folder.clone();
        // What cannot be removed now is left to the next rehearsal.
        move || drop(fs::remove_dir_all(folder))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.lock.take());
        // What cannot be removed now is left to the next rehearsal.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Removes what killed rehearsals left among the temporary files; another's folder, or one that
/// cannot be looked into, stays.
pub fn remove_abandoned(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(NAME) {
            continue;
        }
        // Held until the folder is gone, so that nobody begins to use what is being removed.
        let lock = mark_of(&entry.path());
        if let Some(_held) = lock.filter(|lock| lock.try_lock().is_ok()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// The file of a folder that says whether it is in use; none where the folder is not ours. In a
/// folder that everybody writes to, others may make one of this name with anything in it: opening a
/// pipe would wait for ever.
fn mark_of(folder: &Path) -> Option<File> {
    let is_ours = |found: &fs::Metadata| owner_only::is_ours(found);
    folder.symlink_metadata().ok().filter(|found| found.is_dir() && is_ours(found))?;
    let mark = folder.join(IN_USE);
    mark.symlink_metadata().ok().filter(|found| found.is_file() && is_ours(found))?;
    File::options().write(true).open(mark).ok()
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

    #[test]
    fn one_that_will_not_be_dropped_can_be_removed_all_the_same() {
        let temporary = tempfile::tempdir().unwrap();
        let one = Throwaway::within(temporary.path()).unwrap();
        std::fs::write(one.path().join("ledger.db"), "x").unwrap();
        one.remover()();
        assert!(!one.path().exists());
    }

    #[test]
    fn what_a_killed_one_left_is_taken_away_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let at_work = Throwaway::within(temporary.path()).unwrap();
        let folder = |name: &str| temporary.path().join(name);
        for name in [&format!("{NAME}1-0"), &format!("{NAME}2-0"), "photographs"] {
            fs::create_dir(folder(name)).unwrap();
            fs::write(folder(name).join("ledger.db"), "x").unwrap();
        }
        fs::write(folder(&format!("{NAME}1-0")).join(IN_USE), "").unwrap();
        drop(Throwaway::within(temporary.path()).unwrap());
        let left = |name: &str| folder(name).exists();
        assert!(!left(&format!("{NAME}1-0")), "was abandoned");
        assert!(left(&format!("{NAME}2-0")) && left("photographs"), "are not known to be ours");
        assert!(at_work.path().exists(), "is in use");
    }

    /// Anybody may put a folder of such a name among the temporary files.
    #[cfg(unix)]
    #[test]
    fn what_somebody_else_put_there_is_neither_waited_for_nor_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |n: u32| temporary.path().join(format!("{NAME}{n}-0"));
        (1..=3).for_each(|n| fs::create_dir(folder(n)).unwrap());
        let pipe = folder(1).join(IN_USE);
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        let elsewhere = temporary.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder(2).join(IN_USE)).unwrap();
        fs::write(folder(3).join(IN_USE), "").unwrap();
        // Only root can give a folder away; for others the first two must do.
        let is_given = std::os::unix::fs::chown(folder(3), Some(65_534), None).is_ok();
        remove_abandoned(temporary.path());
        assert!(folder(1).exists() && folder(2).exists());
        assert_eq!(folder(3).exists(), is_given);
    }
}
