//! `init`: writes the sample workspace.

use super::answer::{Answer, Exit};
use super::args::Init;
use crate::problem::{Place, Problem};
use crate::sample::{EMPTY_LIST, FILES, SampleFile, is_list};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes the sample, or nothing; refuses to touch a file that is there.
#[must_use]
pub(super) fn init(args: &Init) -> Answer {
    let files = files_of(args.empty);
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

fn files_of(empty: bool) -> Vec<&'static SampleFile> {
    if !empty {
        return FILES.iter().collect();
    }
    FILES.iter().filter(|f| !is_list(f)).chain([&EMPTY_LIST]).collect()
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
fn write_all(dir: &Path, files: &[&SampleFile]) -> Result<(), Problem> {
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
fn write_new(dir: &Path, file: &SampleFile) -> io::Result<()> {
    let path = dir.join(file.file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut new = OpenOptions::new().write(true).create_new(true).open(&path)?;
    new.write_all(file.bytes).inspect_err(|_| {
        // Ours, and half a file is of no use to anybody.
        let _ = fs::remove_file(&path);
    })
}

fn next_steps(dir: &Path, empty: bool) -> String {
    let go =
        if dir == Path::new(".") { String::new() } else { format!("  cd {}\n", dir.display()) };
    let lists = if empty {
        "  put your lists into recipients/ (recipients/template.csv shows the columns)\n"
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
