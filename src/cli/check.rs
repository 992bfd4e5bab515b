//! `check`: everything that would go wrong, in one pass; nothing is sent or written but `--out`.

use super::answer::{Answer, Exit};
use super::args::Check;
use super::audience;
use super::out_folder::refuse_inputs;
use super::relay::relay;
use super::shell::Shell;
use super::ui::{DIM, counted, padded, plural, problems_as_text, terminal_columns};
use super::wrapping::wrapped;
use crate::campaign::Campaign;
use crate::plan::Plan;
use crate::problem::{Problem, Problems, Severity};
use crate::recipients::People;
use serde_json::json;
use std::path::Path;

/// Reads, renders and composes everything, and tells what it found.
#[must_use]
pub(super) fn check(shell: &Shell, args: &Check) -> Answer {
    let mut problems = Problems::new();
    let mut recipients = 0;
    let campaign = shell.campaign(args.campaign.as_deref(), &mut problems);
    if let Some(campaign) = &campaign {
        recipients = campaign.people.recipients.len();
        let plan = campaign.plan_only(shell.clock().date(), &mut problems);
        check_relay(shell, campaign, &plan, &mut problems);
    }
    if let Some(problem) =
        args.out.as_deref().and_then(|out| write_problems(shell, out, &problems).err())
    {
        problems.push(problem);
    }
    let fails = problems.has_errors() || args.strict && problems.count_of(Severity::Warning) > 0;
    let heading = campaign
        .as_ref()
        .map(|c| format!("{}: {}, ", c.id, plural(c.people.recipients.len() as u64, "recipient")));
    let numbers = campaign.as_ref().map(|c| numbers(&c.people)).unwrap_or_default();
    let text = format!("{}{}\n{numbers}", heading.unwrap_or_default(), counted(&problems));
    let summary = json!({
        "recipients": recipients,
        "errors": problems.count_of(Severity::Error),
        "warnings": problems.count_of(Severity::Warning),
    });
    let exit = if fails { Exit::MustChange } else { Exit::Done };
    let audience = campaign.as_ref().map(|c| audience::as_json(&c.people));
    Answer { exit, ..Answer::done(text) }
        .with("summary", summary)
        .with("audience", audience.unwrap_or_default())
        .with_problems(problems)
}

/// Rows and letters by list, language and country, and who is left out.
fn numbers(people: &People) -> String {
    let columns = terminal_columns();
    let line = |(label, text): (&str, String)| {
        let label = padded(label, LABEL_COLUMNS);
        format!("{}\n", wrapped(&format!("{DIM}{label}{DIM:#}{text}"), columns, LABEL_COLUMNS))
    };
    audience::lines(people).into_iter().map(line).collect()
}

/// Columns of the labels at the left.
const LABEL_COLUMNS: usize = 11;

/// What would stop `send` before its first letter, as warnings: a mailing can be written and
/// checked before there is a mail server.
fn check_relay(shell: &Shell, campaign: &Campaign, plan: &Plan, problems: &mut Problems) {
    // Whatever is wrong with the workspace was said when the campaign was read.
    let Ok(opened) = shell.open() else { return };
    let mut found = Problems::new();
    relay(shell, &opened, campaign, plan, &mut found);
    for problem in found.iter() {
        problems.push(Problem { severity: Severity::Warning, ..problem.clone() });
    }
}

/// Writes all problems, none left out, for whoever mends the lists.
fn write_problems(shell: &Shell, out: &Path, problems: &Problems) -> Result<(), Problem> {
    refuse_inputs(out, shell.workspace()?.root())?;
    let older = std::fs::read(out).unwrap_or_default();
    if !older.is_empty() && !older.starts_with(TABLE_BEGINS) && !older.starts_with(TEXT_BEGINS) {
        let message = format!("{} is there already and holds something else", out.display());
        return Err(Problem::error("already-there", message).hint("Name a new file."));
    }
    let is_table = out.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let text = if is_table { as_table(problems) } else { as_text(problems) };
    std::fs::write(out, text).map_err(|error| {
        if out.symlink_metadata().is_ok_and(|file| file.is_file()) {
            // Half a list would be taken for all of it.
            let _ = std::fs::remove_file(out);
        }
        let message = format!("cannot write {}: {error}", out.display());
        Problem::error("cannot-write", message)
            .hint("Name a file in a folder that you may write to, with room for it.")
    })
}

/// How the two kinds of file begin, so that one of ours is known again.
const TEXT_BEGINS: &[u8] = b"secretariat check\n";
const TABLE_BEGINS: &[u8] = b"\xEF\xBB\xBFSeverity,Kind,What,";

fn as_text(problems: &Problems) -> Vec<u8> {
    let text = problems_as_text(&problems.sorted(), usize::MAX);
    let plain = anstream::adapter::strip_str(&text).to_string();
    [TEXT_BEGINS, plain.as_bytes()].concat()
}

/// For a spreadsheet: UTF-8 with a byte order mark, which Excel wants.
fn as_table(problems: &Problems) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(b"\xEF\xBB\xBF".to_vec());
    // Writing into memory cannot fail.
    let _ = table.write_record([
        "Severity",
        "Kind",
        "What",
        "File",
        "Line",
        "Column",
        "Address",
        "Count",
        "What to do",
    ]);
    for problem in problems.sorted() {
        let place = problem.place.clone().unwrap_or_default();
        let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
        let cells = [
            problem.severity.as_str().to_owned(),
            problem.code.to_owned(),
            problem.message.clone(),
            place.file,
            number(place.line),
            number(place.column),
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
