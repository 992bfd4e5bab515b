//! Whether there is room for a ledger, and leave to write it.

use super::Workspace;
use std::path::{Path, PathBuf};

impl Workspace {
    /// Whether a file can be made in the folder that holds the ledger, or would: one is, and removed.
    ///
    /// # Errors
    /// The folder and the operating system's words.
    pub fn try_to_write(&self) -> Result<PathBuf, (PathBuf, std::io::Error)> {
        let own = self.private_folder().ok().filter(|folder| folder.is_dir());
        let folder = own.unwrap_or_else(|| self.root.clone());
        let file = folder.join(format!(".try-{}", std::process::id()));
        let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&file);
        match made.and_then(|_| std::fs::remove_file(&file)) {
            Ok(()) => Ok(folder),
            Err(error) => Err((folder, error)),
        }
    }

    /// Bytes free on the drive of the folder that holds the ledger, where the system says so.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        let own = self.private_folder().ok().filter(|folder| folder.is_dir());
        free_bytes(own.as_deref().unwrap_or(&self.root))
    }
}

/// Bytes free for us on the drive of a file or folder; `None` where the system does not say.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(path).ok()?;
    room.f_bavail.checked_mul(room.f_frsize)
}

/// Not asked for elsewhere: a drive that is full says so when it is written.
#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}
