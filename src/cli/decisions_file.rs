//! Adds lines to `decisions.csv`.
//!
//! # Invariants
//! What is in the file stays byte for byte: its byte order mark, line ends and separator, and the
//! order of its columns. The new file is written beside the old one and takes its place at once, so
//! that a line is there whole or not at all; one command at a time does it.
//!
//! # Failure
//! A [`Problem`]; the file is then as it was.

use crate::limits::DECISIONS_BYTES_MAX;
use crate::owner_only;
use crate::problem::{Place, Problem, Problems, Severity};
use crate::recipients::{DECISION_COLUMNS, Decision, DecisionForm, decision_form, read_decisions};
use crate::workspace::{DECISIONS_FILE, Workspace};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// A line to be written; an empty text is an empty cell.
#[derive(Clone, Debug, Default)]
pub(super) struct NewLine {
    /// Whom it is about.
    pub address: String,
    /// What was decided.
    pub action: &'static str,
    /// Its value.
    pub value: String,
    /// The mailing; all where empty.
    pub campaign: String,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: String,
}

impl NewLine {
    fn cell(&self, column: &str) -> &str {
        match column {
            "address" => &self.address,
            "action" => self.action,
            "value" => &self.value,
            "campaign" => &self.campaign,
            "reason" => &self.reason,
            "by" => &self.by,
            "at" => &self.at,
            _ => "",
        }
    }
}

/// Adds lines, all or none, and gives them back. `choose`: which, or what speaks against them, now
/// that nobody else writes; it is given the lines that are there.
///
/// # Errors
/// A [`Problem`] when the file cannot be read, has a mistake, or cannot be written.
pub(super) fn append(
    workspace: &Workspace,
    campaigns: &[&str],
    choose: impl FnOnce(&[Decision]) -> Result<Vec<NewLine>, Problem>,
) -> Result<Vec<NewLine>, Problem> {
    let _lock = lock(&workspace.create_private_folder()?).map_err(|e| not_written(&e))?;
    let old = workspace.read_if_there(DECISIONS_FILE, DECISIONS_BYTES_MAX)?;
    let present = decisions_in(old.as_deref().unwrap_or_default(), campaigns)?;
    let lines = choose(&present)?;
    if lines.is_empty() {
        return Ok(lines);
    }
    let new = with_lines(old.as_deref(), &lines)?;
    // Our own line must be read as it was meant.
    decisions_in(&new, campaigns)?;
    replace(&workspace.root().join(DECISIONS_FILE), &new).map_err(|e| not_written(&e))?;
    Ok(lines)
}

/// The lines of a file in which nothing is wrong: behind an open quotation mark a new one would be
/// lost. A line for a mailing that is over harms no other.
fn decisions_in(bytes: &[u8], campaigns: &[&str]) -> Result<Vec<Decision>, Problem> {
    let mut problems = Problems::new();
    let found = read_decisions(DECISIONS_FILE, bytes, campaigns, &mut problems);
    let is_over = |p: &&Problem| p.code == "decision-campaign" && p.severity != Severity::Error;
    match problems.iter().find(|p| !is_over(p)) {
        None => Ok(found),
        Some(problem) => Err(Problem {
            message: format!("nothing was written: {}", problem.message),
            ..problem.clone()
        }),
    }
}

fn lock(folder: &Path) -> io::Result<File> {
    let path = folder.join("decisions.lock");
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// The file with lines added; with a header where it has none.
fn with_lines(old: Option<&[u8]>, lines: &[NewLine]) -> Result<Vec<u8>, Problem> {
    let mut new = old.unwrap_or_default().to_vec();
    let end = line_end(&new);
    let form = decision_form(DECISIONS_FILE, &new)?;
    let form = match form {
        Some(form) => form,
        None => {
            if new.is_empty() {
                // Excel takes names for another encoding's without it.
                new.extend_from_slice("\u{feff}".as_bytes());
            }
            let columns: Vec<String> = DECISION_COLUMNS.map(str::to_owned).to_vec();
            let form = DecisionForm { columns, delimiter: ',' };
            new.extend(row(form.columns.iter().map(String::as_str), ',', end));
            form
        }
    };
    if !new.ends_with(b"\n") && !new.ends_with(b"\r") {
        new.extend_from_slice(end.as_bytes());
    }
    for line in lines {
        if let Some(missing) = missing_column(&form, line) {
            let message = format!("nothing was written: there is no column {missing}");
            let hint = format!("Add it to the first row: {}.", DECISION_COLUMNS.join(","));
            let problem = Problem::error("decision-header", message).hint(hint);
            return Err(problem.place(Place::line(DECISIONS_FILE, 1)));
        }
        let cells = form.columns.iter().map(|column| line.cell(column));
        new.extend(row(cells, form.delimiter, end));
    }
    Ok(new)
}

/// A column that the line has something for and the file does not have; when it was decided can do
/// without.
fn missing_column(form: &DecisionForm, line: &NewLine) -> Option<&'static str> {
    let is_missing = |column: &&&'static str| {
        **column != "at"
            && !line.cell(column).is_empty()
            && !form.columns.iter().any(|known| known == *column)
    };
    DECISION_COLUMNS.iter().find(is_missing).copied()
}

fn line_end(text: &[u8]) -> &'static str {
    let at = text.iter().position(|b| matches!(b, b'\r' | b'\n'));
    match at.map(|at| &text[at..]) {
        Some([b'\n', ..]) => "\n",
        Some([b'\r', b'\n', ..]) | None => "\r\n",
        Some(_) => "\r",
    }
}

fn row<'c>(cells: impl Iterator<Item = &'c str>, delimiter: char, end: &str) -> Vec<u8> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    // Writing into memory cannot fail. A spreadsheet must not calculate (security S10); the reader
    // takes the mark off again.
    let marked = |cell: &str| match cell.starts_with(['=', '+', '-', '@']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    };
    let _ = writer.write_record(cells.map(marked));
    let mut row = writer.into_inner().unwrap_or_default();
    row.truncate(row.strip_suffix(b"\n").map_or(row.len(), <[u8]>::len));
    row.extend_from_slice(end.as_bytes());
    row
}

/// Puts other content in a file's place, at once and durably.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = folder.join(format!(".{DECISIONS_FILE}.new"));
    let written = write_beside(&path, &beside, content).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    owner_only::keep_names(folder)
}

fn write_beside(path: &Path, beside: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()
}

fn not_written(error: &io::Error) -> Problem {
    Problem::error("cannot-write", format!("{DECISIONS_FILE} could not be written: {error}"))
        .place(Place::file(DECISIONS_FILE))
        .hint("Close it in other programs, and check that you may write in this folder.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> NewLine {
        NewLine {
            address: "ana@x.example".to_owned(),
            action: "leave-out",
            reason: "asked, by phone".to_owned(),
            at: "2026-11-05T09:30:00Z".to_owned(),
            ..NewLine::default()
        }
    }

    /// A file with this content, and one line more, ends like this and begins as before.
    #[track_caller]
    fn check(old: &[u8], added: &str) {
        let new = with_lines(Some(old), &[line()]).unwrap();
        assert!(new.starts_with(old), "what is there stays");
        assert_eq!(String::from_utf8(new[old.len()..].to_vec()).unwrap(), added);
    }

    #[test]
    fn a_line_is_written_as_the_file_is() {
        check(
            b"address,action,value,campaign,reason,by,at\nb@x.example,leave-out,,,,,\n",
            "ana@x.example,leave-out,,,\"asked, by phone\",,2026-11-05T09:30:00Z\n",
        );
        check(
            b"\xEF\xBB\xBFat;Reason;VALUE;action;address;town\r\n;;;leave-out;b@x.example;Lima",
            "\r\n2026-11-05T09:30:00Z;asked, by phone;;leave-out;ana@x.example;\r\n",
        );
        check(
            b"address\taction\tvalue\treason\rb@x.example\tleave-out\t\t\r",
            "ana@x.example\tleave-out\t\tasked, by phone\r",
        );
        let new = with_lines(None, &[line()]).unwrap();
        let text = String::from_utf8(new).unwrap();
        assert!(text.starts_with("\u{feff}address,action,value,campaign,reason,by,at\r\nana@x"));
        assert!(with_lines(Some(b"address,action,value\n"), &[line()]).is_err(), "no reason");
    }

    /// Security S10: formula injection.
    #[test]
    fn a_cell_is_no_formula_and_is_read_as_it_was_meant() {
        let odd =
            NewLine { address: "+a@x.example".to_owned(), reason: "=1+1".to_owned(), ..line() };
        let new = with_lines(None, &[odd]).unwrap();
        let text = String::from_utf8(new.clone()).unwrap();
        assert!(text.contains("\n'+a@x.example,") && text.contains(",'=1+1,"), "{text}");
        let read = decisions_in(&new, &[]).unwrap();
        assert_eq!(
            (read[0].who.address.as_str(), read[0].reason.as_str()),
            ("+a@x.example", "=1+1")
        );
    }
}
