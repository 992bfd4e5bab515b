//! The folder the ledger lies in and its file, before SQLite opens it.
//!
//! Owns that both are for the owner only (security S21) and that their names outlast a power cut.
//! SQLite gives its `-wal` and `-shm` the mode of the file they belong to.

use crate::plan::objects::Objects;
use crate::{crash, owner_only};
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// The ledger's file in its folder, as an absolute path.
///
/// Absolute, because SQLite takes a relative one that begins with `file:` for a URI.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    let file = folder.join("ledger.db");
    std::path::absolute(&file).unwrap_or(file)
}

/// A SQLite address of the ledger's file for reading it as it is, without log, locks or anything
/// else beside it; `None` where there is a log or a journal, or where the path cannot be written
/// so.
pub(super) fn as_it_is(file: &Path) -> Option<String> {
    let is_there = |name| std::fs::metadata(file.with_file_name(name)).is_ok_and(|m| m.len() > 0);
    if is_there("ledger.db-wal") || is_there("ledger.db-journal") {
        return None;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:".contains(&b);
    let octet = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02x}") };
    let path: String = file.to_str()?.replace(MAIN_SEPARATOR, "/").bytes().map(octet).collect();
    Some(format!("file:///{}?immutable=1", path.trim_start_matches('/')))
}

/// Whether nothing is in the file, or it is not there: then nothing was ever recorded in it.
pub(super) fn is_empty(file: &Path) -> io::Result<bool> {
    match std::fs::metadata(file) {
        Ok(found) => Ok(found.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whether there was a ledger in this folder: files are only frozen once one is durable.
pub(super) fn had_a_ledger(file: &Path) -> bool {
    Objects::within(file.parent().unwrap_or(Path::new("."))).is_begun()
}

/// The first of the ledger's files that we may not write.
pub(super) fn closed_to_us(file: &Path) -> Option<PathBuf> {
    let files =
        ["ledger.db", "ledger.db-wal", "ledger.db-shm"].map(|name| file.with_file_name(name));
    files
        .into_iter()
        .find(|file| std::fs::metadata(file).is_ok_and(|found| !owner_only::lets_us_write(&found)))
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
    fn a_ledger_is_read_as_it_is_only_where_nothing_stands_beside_it() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("100% ready? yes#1");
        std::fs::create_dir(&folder).unwrap();
        let file = file_in(&folder);
        rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
        let address = as_it_is(&file).unwrap();
        let only_read = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let flags = only_read | rusqlite::OpenFlags::SQLITE_OPEN_URI;
        let found = rusqlite::Connection::open_with_flags(address, flags).unwrap();
        assert!(found.table_exists(None, "a").unwrap());
        std::fs::write(file.with_file_name("ledger.db-wal"), "what a dead run left").unwrap();
        assert_eq!(as_it_is(&file), None);
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
