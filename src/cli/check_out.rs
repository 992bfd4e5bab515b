//! `check --out FILE`: all findings in a file, for whoever mends the lists.
//!
//! Owns the four forms: a page (`.html`), tables (`.xlsx`, `.csv`), and plain text. None leaves a finding
//! out, and each can be passed on by itself.
//!
//! # Invariants
//! Nothing is written over but an older file of this command; what cannot be written to its end
//! leaves what was there. The file is for its owner only: it holds people's names.

use super::findings::{self, Group, groups};
use super::out_folder::refuse_inputs;
use super::table::{self, Cell, Column, Table};
use crate::gallery::{CheckPage, GENERATOR, PageFinding, PageGroup, check_page};
use crate::owner_only;
use crate::problem::{Place, Problem, Problems};
use crate::time::Timestamp;
use std::io::{self, Write as _};
use std::path::Path;

/// What the file says besides the findings.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// The mailing's name.
    pub(super) campaign: String,
    /// The conference's name.
    pub(super) conference: String,
    /// `650 recipients`.
    pub(super) recipients: String,
    /// `3 errors, 12 warnings`.
    pub(super) counted: String,
    /// When it was checked, as people write it.
    pub(super) at: String,
    /// The same, for the properties of a workbook.
    pub(super) moment: Timestamp,
}

/// Writes all findings into a file beside the workspace's own.
///
/// # Errors
/// A [`Problem`] when the file is among the inputs, holds something else, or cannot be written.
pub(super) fn write(
    out: &Path,
    root: &Path,
    about: &About,
    problems: &Problems,
) -> Result<(), Problem> {
    refuse_inputs(out, root)?;
    let older = std::fs::read(out).unwrap_or_default();
    if !older.is_empty() && !is_ours(&older) {
        return Err(already_there(out, &older));
    }
    let ends_in = |ending: &str| out.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let bytes = if ends_in("csv") {
        as_table(problems)
    } else if ends_in("xlsx") {
        as_workbook(about, problems)?
    } else if ends_in("html") || ends_in("htm") {
        as_page(about, problems)?
    } else {
        as_text(problems)
    };
    keep(out, &bytes).map_err(|error| {
        let message = format!("cannot write {}: {error}", out.display());
        Problem::error("cannot-write", message)
            .hint("Name a file in a folder that you may write to, with room for it.")
    })
}

fn already_there(out: &Path, older: &[u8]) -> Problem {
    let what = match older.starts_with(b"PK\x03\x04") {
        true => "somebody has written or saved it",
        false => "holds something else",
    };
    let message = format!("{} is there already and {what}", out.display());
    Problem::error("already-there", message).hint("Name a new file.")
}

/// Written beside and renamed: half a list would be taken for all of it.
pub(super) fn keep(out: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = out.with_file_name(format!(".{name}.unfinished"));
    // What a call that was killed has left.
    let _ = std::fs::remove_file(&unfinished);
    let written = owner_only::create_file(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&unfinished, out));
    written.inspect_err(|_| drop(std::fs::remove_file(&unfinished)))
}

/// How the kinds of file begin, so that one of ours is known again.
const TEXT_BEGINS: &[u8] = b"secretariat check\n";
const TABLE_BEGINS: &[u8] = b"\xEF\xBB\xBFSeverity,Kind,What,";
/// So does a page, behind the mark of its maker, within so many octets.
const PAGE_TITLE: &str = "<title>Check of ";
const PAGE_HEAD_OCTETS: usize = 1024;
/// The title in the properties of a workbook.
const WORKBOOK_TITLE: &str = "secretariat check";

fn is_ours(older: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&older[..older.len().min(PAGE_HEAD_OCTETS)]);
    [TEXT_BEGINS, TABLE_BEGINS].iter().any(|begins| older.starts_with(begins))
        || table::is_ours(older, WORKBOOK_TITLE)
        || head.contains(GENERATOR) && head.contains(PAGE_TITLE)
}

fn as_text(problems: &Problems) -> Vec<u8> {
    let text = findings::as_text(&problems.sorted(), None).text;
    let plain = anstream::adapter::strip_str(&text).to_string();
    [TEXT_BEGINS, plain.as_bytes()].concat()
}

fn as_page(about: &About, problems: &Problems) -> Result<Vec<u8>, Problem> {
    let sorted = problems.sorted();
    let mut files: Vec<String> =
        sorted.iter().filter_map(|p| Some(p.place.as_ref()?.file.clone())).collect();
    files.sort();
    files.dedup();
    let page = CheckPage {
        campaign: about.campaign.clone(),
        conference: about.conference.clone(),
        recipients: about.recipients.clone(),
        counted: about.counted.clone(),
        at: about.at.clone(),
        files,
        groups: groups(&sorted).iter().map(page_group).collect(),
    };
    check_page(&page)
        .map(String::into_bytes)
        .map_err(|error| Problem::error("bug", format!("the page could not be made: {error}")))
}

fn page_group(group: &Group<'_>) -> PageGroup {
    let common = group.common_hint();
    let finding = |finding: &&Problem| PageFinding {
        file: finding.place.as_ref().map_or(String::new(), |place| place.file.clone()),
        line: number(finding.place.as_ref().and_then(|place| place.line)),
        cell: finding.place.as_ref().map_or(String::new(), cell_name),
        message: finding.message.clone(),
        hint: finding.hint.clone().filter(|_| common.is_none()),
    };
    PageGroup {
        severity: group.severity.as_str(),
        code: group.code,
        heading: group.heading(),
        hint: common.map(str::to_owned),
        findings: group.findings.iter().map(finding).collect(),
    }
}

fn number(number: Option<u32>) -> String {
    number.map(|n| n.to_string()).unwrap_or_default()
}

/// A cell of a list as a spreadsheet calls it, `C14`; nothing for other files.
fn cell_name(place: &Place) -> String {
    let is_list = place.is_in_workbook() || place.file.starts_with("recipients/");
    place.cell_name().filter(|_| is_list).unwrap_or_default()
}

/// Columns of both tables, with their widths in characters in the workbook.
const COLUMNS: [(&str, u16); 9] = [
    ("Severity", 10),
    ("Kind", 18),
    ("What", 52),
    ("File", 28),
    ("Row", 7),
    ("Cell", 8),
    ("Address", 30),
    ("Count", 7),
    ("What to do", 52),
];

fn as_workbook(about: &About, problems: &Problems) -> Result<Vec<u8>, Problem> {
    let columns = COLUMNS.iter().map(|(header, width)| Column { header, width: *width }).collect();
    let rows = problems.sorted().into_iter().map(row).collect();
    let findings = Table { name: "Findings", columns, rows };
    table::workbook(WORKBOOK_TITLE, &[findings], about.moment).map_err(|error| {
        let message = format!("the findings do not fit into a workbook: {error}");
        Problem::error("cannot-write", message).hint("Name a file that ends with .csv.")
    })
}

fn row(problem: &Problem) -> Vec<Cell> {
    let place = problem.place.clone().unwrap_or_default();
    let text = |text: String| if text.is_empty() { Cell::Nothing } else { Cell::Text(text) };
    vec![
        Cell::Severity(problem.severity),
        text(problem.code.to_owned()),
        text(problem.message.clone()),
        text(place.file.clone()),
        place.line.map_or(Cell::Nothing, Cell::Number),
        text(cell_name(&place)),
        text(problem.recipient.clone().unwrap_or_default()),
        Cell::Number(u32::try_from(problem.count).unwrap_or(u32::MAX)),
        text(problem.hint.clone().unwrap_or_default()),
    ]
}

/// For a spreadsheet: UTF-8 with a byte order mark, which Excel wants.
fn as_table(problems: &Problems) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(b"\xEF\xBB\xBF".to_vec());
    // Writing into memory cannot fail.
    let _ = table.write_record(COLUMNS.map(|(header, _)| header));
    for problem in problems.sorted() {
        let place = problem.place.clone().unwrap_or_default();
        let cells = [
            problem.severity.as_str().to_owned(),
            problem.code.to_owned(),
            problem.message.clone(),
            place.file.clone(),
            number(place.line),
            cell_name(&place),
            problem.recipient.clone().unwrap_or_default(),
            problem.count.to_string(),
            problem.hint.clone().unwrap_or_default(),
        ];
        let _ = table.write_record(cells.map(|cell| no_formula(&cell)));
    }
    table.into_inner().unwrap_or_default()
}

/// A cell that a spreadsheet takes for text, whatever it begins with (security S10).
fn no_formula(cell: &str) -> String {
    let begins_like_one =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    if begins_like_one { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security S10: formula injection in exported tables.
    #[test]
    fn a_cell_never_becomes_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"] {
            assert!(no_formula(cell).starts_with('\''), "{cell}");
        }
        assert_eq!(no_formula("ana@x.example"), "ana@x.example");
    }
}
