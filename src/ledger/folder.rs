//! The folder the ledger lies in and its file, before SQLite opens it.
//!
//! Owns that both are for the owner only (security S21) and that their names outlast a power cut.
//! SQLite gives its `-wal` and `-shm` the mode of the file they belong to.

use crate::{crash, owner_only};
use std::io;
use std::path::{Path, PathBuf};

/// The ledger's file in its folder, as an absolute path.
///
/// Absolute, because SQLite takes a relative one that begins with `file:` for a URI.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    let file = folder.join("ledger.db");
    std::path::absolute(&file).unwrap_or(file)
}

/// Makes folder and file where they are missing.
pub(super) fn make(folder: &Path, file: &Path) -> io::Result<()> {
    make_folder(folder)?;
    if make_file(file)? {
        // The ledger must not vanish with its name in a power cut: everybody would be written to
        // again.
        owner_only::keep_names(folder)?;
        if let Some(parent) = folder.canonicalize()?.parent() {
            owner_only::keep_names(parent)?;
        }
        crash::point("ledger-file-made");
    }
    Ok(())
}

/// Makes the folder where it is missing, and closes it to others.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        std::fs::create_dir_all(above)?;
    }
    owner_only::create_folder(folder)
}

/// Opens a file, made for the owner only where it is missing, without touching what is in it.
pub(super) fn open_or_make(file: &Path) -> io::Result<std::fs::File> {
    make_file(file)?;
    std::fs::OpenOptions::new().read(true).write(true).open(file)
}

/// Makes a file for the owner only; whether it was missing.
fn make_file(file: &Path) -> io::Result<bool> {
    match owner_only::create_file(file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_file_are_for_the_owner_only() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join(".secretariat");
        let file = file_in(&folder);
        make(&folder, &file).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn a_folder_that_others_could_read_is_closed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("open");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        make(&folder, &file_in(&folder)).unwrap();
        assert_eq!(mode(&folder), 0o700);
    }
}
