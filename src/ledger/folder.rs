//! The folder the ledger lies in and its file, before SQLite opens it.
//!
//! Owns that both are for the owner only (security S21) and that their names outlast a power cut.
//! SQLite gives its `-wal` and `-shm` the mode of the file they belong to.

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
    if system::make_file(file)? {
        // The ledger must not vanish with its name in a power cut: everybody would be written to
        // again.
        system::keep_names(folder)?;
        if let Some(parent) = folder.canonicalize()?.parent() {
            system::keep_names(parent)?;
        }
    }
    Ok(())
}

/// Makes the folder where it is missing, and closes it to others.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    system::make_folder(folder)
}

/// Opens a file, made for the owner only where it is missing, without touching what is in it.
pub(super) fn open_or_make(file: &Path) -> io::Result<std::fs::File> {
    system::make_file(file)?;
    std::fs::OpenOptions::new().read(true).write(true).open(file)
}

/// What Unix has and Windows has not: there, a folder in the owner's profile is theirs already,
/// and the file system keeps names by its own journal.
#[cfg(unix)]
mod system {
    use std::fs::{DirBuilder, File, OpenOptions, Permissions, set_permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let others = folder.metadata()?.permissions().mode() & 0o077;
        if others == 0 {
            return Ok(());
        }
        set_permissions(folder, Permissions::from_mode(0o700))
    }

    /// Whether the file was missing.
    pub(super) fn make_file(file: &Path) -> io::Result<bool> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn keep_names(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{DirBuilder, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).create(folder)
    }

    /// Whether the file was missing.
    pub(super) fn make_file(file: &Path) -> io::Result<bool> {
        match OpenOptions::new().write(true).create_new(true).open(file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn keep_names(_folder: &Path) -> io::Result<()> {
        Ok(())
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
