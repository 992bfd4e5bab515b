//! Frozen files: a store of bytes known by their SHA-256.
//!
//! Owns `.secretariat/objects/`: each file's name is its content's digest, so a file that is there
//! is right or damaged, never another version. Which files belong to a plan is the ledger's.
//!
//! # Invariants
//! A file appears whole or not at all: it is written under another name, synced, then renamed.
//! What is read is hashed again: damage is found before a letter carries it.
//!
//! # Failure
//! [`ObjectError`], with the file; nothing is half-written.

use crate::crash;
use crate::id::Digest;
use crate::owner_only;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The store, by its folder.
#[derive(Clone, Debug)]
pub struct Objects {
    folder: PathBuf,
}

/// Why a frozen file cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The operating system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The bytes are not those that were frozen.
    #[error("{} is damaged: its content no longer has the digest in its name", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
}

impl Objects {
    /// The store in a folder, which need not exist yet.
    #[must_use]
    pub fn within(folder: &Path) -> Objects {
        Objects { folder: folder.join("objects") }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether anything was ever kept here.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.folder.exists()
    }

    fn file_of(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.folder.join(&hex[..2]).join(&hex[2..])
    }

    /// Keeps bytes and returns their digest; bytes that are there already are not written again.
    ///
    /// # Errors
    /// [`ObjectError::Io`] when the disk is full or the folder cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, ObjectError> {
        let digest = Digest::of(bytes);
        let file = self.file_of(&digest);
        // A damaged copy is replaced: the right bytes are at hand.
        let have = fs::read(&file).is_ok_and(|kept| kept == bytes);
        if !have {
            write_whole(&file, bytes).map_err(|source| ObjectError::Io { file, source })?;
        }
        Ok(digest)
    }

    /// Reads bytes by their digest.
    ///
    /// # Errors
    /// [`ObjectError::Io`] when they are not there, [`ObjectError::Damaged`] when they are others.
    pub fn read(&self, digest: &Digest) -> Result<Arc<[u8]>, ObjectError> {
        let file = self.file_of(digest);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ObjectError::Io { file, source }),
        };
        if Digest::of(&bytes) != *digest {
            return Err(ObjectError::Damaged { file });
        }
        Ok(bytes.into())
    }
}

/// Writes a file so that after a crash it is there whole or not at all.
fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or_else(|| io::Error::other("a file without a folder"))?;
    let is_new = !folder.exists();
    fs::create_dir_all(folder)?;
    if is_new {
        // Up to the private folder: a file whose folder is forgotten is forgotten too.
        folder.ancestors().skip(1).take(2).try_for_each(owner_only::keep_names)?;
    }
    let unfinished = file.with_extension(format!("new-{}", std::process::id()));
    // What a run that died left behind is in nobody's way.
    let _ = fs::remove_file(&unfinished);
    let written = owner_only::create_file(&unfinished).and_then(|mut f| {
        f.write_all(bytes)?;
        f.sync_all()
    });
    crash::point("object-written");
    written.and_then(|()| fs::rename(&unfinished, file)).inspect_err(|_| {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&unfinished);
    })?;
    crash::point("object-renamed");
    owner_only::keep_names(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::within(folder.path());
        let digest = objects.keep(b"statement").unwrap();
        assert_eq!(&*objects.read(&digest).unwrap(), b"statement");

        fs::write(objects.file_of(&digest), b"Statement").unwrap();
        assert!(matches!(objects.read(&digest), Err(ObjectError::Damaged { .. })));
        objects.keep(b"statement").unwrap();
        assert_eq!(&*objects.read(&digest).unwrap(), b"statement");
        assert!(matches!(objects.read(&Digest::of(b"never")), Err(ObjectError::Io { .. })));
    }
}
