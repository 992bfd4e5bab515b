//! Files and folders that only their owner may read, and what else systems disagree on.
//!
//! Owns the calls that only Unix has, so that the rest of the program builds and works the same on
//! Windows and on a Mac. On Windows a folder in the owner's profile is the owner's already, and
//! there are no permission bits to set: the functions then do the plain thing.
//!
//! # Failure
//! The operating system's own errors, as [`io::Error`].

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// Makes a folder for the owner only (mode 0700); one that is there already is narrowed to that.
///
/// # Errors
/// When the folder cannot be made or narrowed, or something else has its name.
pub fn create_folder(path: &Path) -> io::Result<()> {
    match system::create_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !path.symlink_metadata()?.is_dir() {
                return Err(error);
            }
            system::narrow(path)
        }
        done => done,
    }
}

/// Makes a new file for the owner only (mode 0600) and opens it for writing.
///
/// # Errors
/// When the file cannot be made, also when it is there already.
pub fn create_file(path: &Path) -> io::Result<File> {
    system::create_file(path)
}

/// Makes the names in a folder durable: a file that was made or renamed in it outlasts a power cut.
/// Windows keeps names by its file system's own journal.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn keep_names(folder: &Path) -> io::Result<()> {
    system::keep_names(folder)
}

/// Whose file or folder it is, where it is not ours: the account's name, or its number where the
/// system's own list has no name for it. Nobody else's on Windows, which has other rights.
#[must_use]
pub fn other_owner(metadata: &Metadata) -> Option<String> {
    system::other_owner(metadata)
}

/// Whether the file's own permissions let us write it; not whether its folder and drive do.
#[must_use]
pub fn lets_us_write(metadata: &Metadata) -> bool {
    system::lets_us_write(metadata)
}

/// Whether nobody but the owner may read or write the file. Always so on Windows.
#[must_use]
pub fn is_owner_only(metadata: &Metadata) -> bool {
    system::is_owner_only(metadata)
}

/// Whether two looks at a name saw the same file. Windows cannot say, and answers yes.
#[must_use]
pub fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    system::is_same_file(one, other)
}

/// Whether a file or folder belongs to whoever runs this program. Always so on Windows, where the
/// folder for temporary files is each person's own.
#[must_use]
pub fn is_ours(metadata: &Metadata) -> bool {
    system::is_ours(metadata)
}

#[cfg(unix)]
mod system {
    use rustix::process::geteuid;
    use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, set_permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    pub(super) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    pub(super) fn narrow(path: &Path) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(0o700))
    }

    pub(super) fn create_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    pub(super) fn keep_names(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    pub(super) fn is_owner_only(metadata: &Metadata) -> bool {
        metadata.mode() & 0o077 == 0
    }

    pub(super) fn other_owner(metadata: &Metadata) -> Option<String> {
        let owner = metadata.uid();
        if owner == geteuid().as_raw() {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Some(name_of(&accounts, owner).unwrap_or_else(|| format!("number {owner}")))
    }

    /// Reads passwd(5): the third field is the number.
    pub(super) fn name_of(accounts: &str, number: u32) -> Option<String> {
        let number = number.to_string();
        let named = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then(|| name.to_owned())
        };
        accounts.lines().find_map(named)
    }

    pub(super) fn lets_us_write(metadata: &Metadata) -> bool {
        let we = geteuid();
        // Others by their group, perhaps: then it is not this file that is in the way.
        let bits = if metadata.uid() == we.as_raw() { 0o200 } else { 0o022 };
        we.is_root() || metadata.mode() & bits != 0
    }

    pub(super) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    pub(super) fn is_ours(metadata: &Metadata) -> bool {
        metadata.uid() == rustix::process::geteuid().as_raw()
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().create(path)
    }

    pub(super) fn narrow(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn create_file(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    pub(super) fn keep_names(_folder: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_owner_only(_metadata: &Metadata) -> bool {
        true
    }

    pub(super) fn other_owner(_metadata: &Metadata) -> Option<String> {
        None
    }

    pub(super) fn lets_us_write(metadata: &Metadata) -> bool {
        !metadata.permissions().readonly()
    }

    pub(super) fn is_same_file(_one: &Metadata, _other: &Metadata) -> bool {
        true
    }

    pub(super) fn is_ours(_metadata: &Metadata) -> bool {
        true
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("private");
        create_folder(&private).unwrap();
        assert_eq!(mode(&private), 0o700);
        let file = private.join("key");
        create_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(is_owner_only(&fs::metadata(&file).unwrap()));
        assert!(create_file(&file).is_err(), "a file was overwritten");
    }

    #[test]
    fn accounts_are_named_by_their_numbers() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\nodd line\nana:x:1000:10:Ana:/home/ana:/bin/sh\n";
        assert_eq!(system::name_of(accounts, 1000).as_deref(), Some("ana"));
        assert_eq!(system::name_of(accounts, 10), None);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(other_owner(&fs::metadata(folder.path()).unwrap()), None, "our own");
    }

    #[test]
    fn a_folder_that_others_may_read_is_narrowed_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        create_folder(&open).unwrap();
        assert_eq!(mode(&open), 0o700);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(create_folder(&link).is_err());
    }

    #[test]
    fn a_file_that_others_may_read_is_not_the_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "x").unwrap();
        for (mode, expected) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_owner_only(&fs::metadata(&file).unwrap()), expected, "{mode:o}");
        }
    }
}
