//! `init`: writes the sample workspace.

use super::answer::{Answer, Exit};
use super::args::Init;
use super::template;
use crate::problem::{Place, Problem};
use crate::sample::{FILES, is_list};
use serde_json::json;
use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes the sample, or nothing; refuses to touch a file that is there.
#[must_use]
pub(super) fn init(args: &Init) -> Answer {
    let files = match files_of(args.empty) {
        Ok(files) => files,
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    };
    let present: Vec<&str> = files
        .iter()
        .map(|f| f.file)
        .filter(|f| args.dir.join(f).symlink_metadata().is_ok())
        .collect();
    if !present.is_empty() {
        return Answer::one_problem(Exit::MustChange, already_there(&args.dir, &present));
    }
    if let Err(problem) = write_all(&args.dir, &files) {
        return Answer::one_problem(Exit::MustChange, problem);
    }
    let names: Vec<&str> = files.iter().map(|f| f.file).collect();
    Answer::done(next_steps(&args.dir, args.empty))
        .with("workspace", json!(args.dir.display().to_string()))
        .with("files", json!(names))
}

/// A file to write.
struct NewFile {
    file: &'static str,
    bytes: Cow<'static, [u8]>,
}

fn files_of(empty: bool) -> Result<Vec<NewFile>, Problem> {
    let sample = FILES.iter().filter(|f| !empty || !is_list(f));
    let mut files: Vec<NewFile> =
        sample.map(|f| NewFile { file: f.file, bytes: Cow::Borrowed(f.bytes) }).collect();
    if empty {
        let bytes = template::template().map_err(|error| {
            Problem::error("bug", format!("the template of a list could not be made: {error}"))
        })?;
        files.push(NewFile { file: template::FILE, bytes: Cow::Owned(bytes) });
    }
    Ok(files)
}

fn already_there(dir: &Path, present: &[&str]) -> Problem {
    let more =
        if present.len() > 1 { format!(" and {} more", present.len() - 1) } else { String::new() };
    let message = format!("{} is there already{more}; nothing was written", present[0]);
    Problem::error("already-there", message)
        .place(Place::file(dir.join(present[0]).display().to_string()))
        .hint("Name another folder: secretariat init DIR.")
}

/// Writes all files. Where one cannot be written those before it go again: the next `init` would
/// take them for somebody's work.
fn write_all(dir: &Path, files: &[NewFile]) -> Result<(), Problem> {
    for (at, file) in files.iter().enumerate() {
        if let Err(error) = write_new(dir, file) {
            for written in &files[..at] {
                // Best effort: the error that matters is the one that stopped the writing.
                let _ = fs::remove_file(dir.join(written.file));
            }
            let message = format!("cannot write {}: {error}", dir.join(file.file).display());
            return Err(Problem::error("cannot-write", message)
                .hint("Choose a folder that you may write to, with room for about 5 MB."));
        }
    }
    Ok(())
}

/// Writes a file that must not be there yet, with the folders it needs.
fn write_new(dir: &Path, file: &NewFile) -> io::Result<()> {
    let path = dir.join(file.file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut new = OpenOptions::new().write(true).create_new(true).open(&path)?;
    new.write_all(&file.bytes).inspect_err(|_| {
        // Ours, and half a file is of no use to anybody.
        let _ = fs::remove_file(&path);
    })
}

fn next_steps(dir: &Path, empty: bool) -> String {
    let go =
        if dir == Path::new(".") { String::new() } else { format!("  cd {}\n", dir.display()) };
    let lists = if empty {
        "  put your lists into recipients/ (recipients/template.xlsx is one to fill in)\n"
    } else {
        ""
    };
    let steps = [
        "  secretariat check             all problems at once; nothing is sent",
        "  secretariat preview           one letter, here",
        "  secretariat send --dry-run    the plan: who would get what",
    ];
    format!("A workspace is in {}. Next:\n{go}{lists}{}\n", dir.display(), steps.join("\n"))
}
