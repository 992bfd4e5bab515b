//! `init`: writes the sample workspace.

use super::answer::{Answer, Exit};
use super::args::Init;
use crate::problem::{Place, Problem};
use crate::sample::{EMPTY_LIST, FILES, SampleFile, is_list};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes the sample; refuses to touch a file that is there.
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
    for file in &files {
        if let Err(error) = write_new(&args.dir, file) {
            let message = format!("cannot write {}: {error}", args.dir.join(file.file).display());
            let hint = "Choose a folder that you may write to, with room for about 5 MB.";
            return Answer::one_problem(
                Exit::MustChange,
                Problem::error("cannot-write", message).hint(hint),
            );
        }
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

/// Writes a file that must not be there yet, with the folders it needs.
fn write_new(dir: &Path, file: &SampleFile) -> io::Result<()> {
    let path = dir.join(file.file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(file.bytes)
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
