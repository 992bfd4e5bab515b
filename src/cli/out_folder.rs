//! A folder that `--out` names: all of a mailing, or what was there before.
//!
//! # Invariants
//! Files are for their owner only: they hold letters of real people. A folder with letters of
//! another plan is refused, because two plans in one folder would be taken for one. Files are
//! written into a folder inside, and come out of it when all are there: what could not be written
//! to its end is taken away again and leaves what was there before as it was.

use crate::owner_only;
use crate::problem::Problem;
use crate::workspace::PRIVATE_FOLDER;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where files stand until all are written.
const UNFINISHED: &str = ".unfinished";

/// The folder, while it is written into.
pub(super) struct OutFolder {
    folder: PathBuf,
    /// What this call has written and nobody has kept yet.
    written: Vec<String>,
}

impl OutFolder {
    /// Makes the folder, or takes one that holds nothing of another plan: among the files that
    /// `is_ours` knows by their names, only those `expected`.
    pub(super) fn open(
        folder: &Path,
        expected: &HashSet<String>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<OutFolder, Problem> {
        fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
        let foreign = foreign(folder, |name| is_ours(name) && !expected.contains(name));
        if let Some(foreign) = foreign.map_err(|error| cannot_write(folder, &error))? {
            let message =
                format!("{} holds letters of another plan, such as {foreign}", folder.display());
            return Err(Problem::error("folder-in-use", message)
                .hint("Name an empty folder, or remove the letters in it first."));
        }
        Ok(OutFolder { folder: folder.to_owned(), written: Vec::new() })
    }

    /// Writes a file of these chunks, to be kept in place of an older one of its name.
    pub(super) fn write<'c>(
        &mut self,
        name: &str,
        chunks: impl IntoIterator<Item = &'c [u8]>,
    ) -> io::Result<()> {
        let unfinished = self.unfinished();
        if self.written.is_empty() {
            // What a call that was killed has left.
            let _ = fs::remove_dir_all(&unfinished);
            owner_only::create_folder(&unfinished)?;
        }
        self.written.push(name.to_owned());
        let mut writer = io::BufWriter::new(owner_only::create_file(&unfinished.join(name))?);
        chunks.into_iter().try_for_each(|chunk| writer.write_all(chunk))?;
        writer.flush()
    }

    /// All is written: it takes its place.
    pub(super) fn keep(self) -> io::Result<()> {
        let from = self.unfinished();
        self.written.iter().try_for_each(|n| fs::rename(from.join(n), self.folder.join(n)))
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.join(UNFINISHED)
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        if !self.written.is_empty() {
            // Best effort: the error that matters is the one that stopped the writing.
            let _ = fs::remove_dir_all(self.unfinished());
        }
    }
}

/// The folders of a workspace that hold what people wrote, and the program's own.
const INPUTS: [&str; 4] = ["recipients", "templates", "attachments", PRIVATE_FOLDER];

/// Refuses a target among the files that the program promises never to change.
pub(super) fn refuse_inputs(out: &Path, root: &Path) -> Result<(), Problem> {
    let Ok(out) = std::path::absolute(out) else { return Ok(()) };
    // What is not there yet has no true path; the folder above it has.
    let known = out.ancestors().find_map(|a| a.canonicalize().ok().map(|c| (a.to_owned(), c)));
    let Some((above, real)) = known else { return Ok(()) };
    let real = real.join(out.strip_prefix(&above).unwrap_or(Path::new("")));
    match INPUTS.iter().find(|folder| real.starts_with(root.join(folder))) {
        None => Ok(()),
        Some(folder) => {
            let message = format!("{} lies in {folder}/, which is never written to", out.display());
            Err(Problem::error("out-among-inputs", message)
                .hint("Name a folder or file elsewhere."))
        }
    }
}

/// Why nothing could be written.
pub(super) fn cannot_write(folder: &Path, error: &io::Error) -> Problem {
    Problem::error("cannot-write", format!("cannot write into {}: {error}", folder.display()))
        .hint("Name a folder that you may write to, with room for all letters.")
}

fn foreign(folder: &Path, is_foreign: impl Fn(&str) -> bool) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_foreign(&name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_taken_away_and_foreign_letters_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let expected = HashSet::from(["1.eml".to_owned()]);
        let open = || OutFolder::open(folder.path(), &expected, |name| name.ends_with(".eml"));
        let names = || fs::read_dir(folder.path()).unwrap().count();

        open().unwrap().write("1.eml", [b"a".as_slice()]).unwrap();
        assert_eq!(names(), 0, "a mailing that was not finished stays");
        let mut out = open().unwrap();
        out.write("1.eml", [b"a".as_slice(), b"b"]).unwrap();
        out.keep().unwrap();
        let kept = || fs::read(folder.path().join("1.eml")).unwrap();
        assert_eq!((kept(), names()), (b"ab".to_vec(), 1));
        open().unwrap().write("1.eml", [b"c".as_slice()]).unwrap();
        assert_eq!((kept(), names()), (b"ab".to_vec(), 1), "what was there before is gone");

        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        assert!(open().is_ok(), "other files are nobody's letters");
        fs::write(folder.path().join("2.eml"), "other").unwrap();
        assert_eq!(open().err().unwrap().code, "folder-in-use");
    }
}
