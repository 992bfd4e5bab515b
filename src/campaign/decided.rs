//! `decisions.csv` and what lies beside it, for one campaign.
//!
//! Owns reading the file, files that are mistaken for it, and lines about people whom only another
//! campaign's lists have. What the lines do is decided in [`crate::recipients`].
//!
//! # Invariants
//! A decision that somebody wrote down is followed or told of, wherever it was written.

use crate::config::{self, Config};
use crate::limits::{DECISIONS_BYTES_MAX, LIST_BYTES_MAX};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::{self, Audience, Decisions, ListSource, Options, Unmatched};
use crate::workspace::{DECISIONS_FILE, Workspace};
use std::collections::BTreeMap;

/// What people decided about recipients of a campaign; every problem is kept.
pub fn decisions(
    workspace: &Workspace,
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> Decisions {
    report_other_decisions(workspace, problems);
    let bytes = workspace.read_if_there(DECISIONS_FILE, DECISIONS_BYTES_MAX);
    let Some(Some(bytes)) = problems.take_from(bytes) else { return Decisions::default() };
    let campaigns: Vec<&str> = config.campaigns.iter().map(|c| c.id.as_str()).collect();
    let lines = recipients::read_decisions(DECISIONS_FILE, &bytes, &campaigns, problems);
    Decisions::of(lines, setting.id.as_str(), setting.reads_all_lists())
}

/// Decisions about people who are in none of a mailing's lists: whoever is in another's is known, and
/// the others nobody knows. The other lists are read for them only where there are such lines.
pub(super) fn report_unmatched(
    workspace: &Workspace,
    config: &Config,
    files_read: &[String],
    mut unmatched: Vec<Unmatched>,
    problems: &mut Problems,
) {
    let mut ignored = Problems::new();
    let mut lists: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for setting in &config.campaigns {
        for file in setting.list_files(workspace, &mut ignored) {
            if files_read.contains(&file) || lists.contains_key(&file) {
                continue;
            }
            // Who is in a list that cannot be read, is not known.
            let Ok(bytes) = workspace.read(&file, LIST_BYTES_MAX) else { return };
            lists.insert(file, bytes);
        }
    }
    if !lists.is_empty() {
        let lines = unmatched.iter().map(|one| one.decision.clone()).collect();
        let copies = config.campaigns.iter().flat_map(|c| c.copies.iter().cloned()).collect();
        let options = Options { copies, ..config.recipients_options() };
        let audience =
            Audience { decisions: Decisions::of(lines, "", false), ..Audience::default() };
        let sources = lists.iter().map(|(file, bytes)| ListSource { file, bytes });
        let sources: Vec<_> = sources.collect();
        let others = recipients::gather_for(&sources, &options, &audience, &mut ignored);
        if !others.knows_all_columns {
            return;
        }
        let mut still: BTreeMap<Place, Unmatched> =
            others.unmatched.into_iter().map(|one| (one.decision.place.clone(), one)).collect();
        let both = |one: Unmatched| {
            let other = still.remove(&one.decision.place)?;
            Some(Unmatched { near: one.near.or(other.near), decision: one.decision })
        };
        unmatched = unmatched.into_iter().filter_map(both).collect();
    }
    unmatched.iter().for_each(|one| problems.push(one.problem()));
}

/// Endings of documents, in which nobody keeps a table: a conference makes decisions too.
const DOCUMENT_ENDINGS: [&str; 9] =
    ["pdf", "doc", "docx", "odt", "rtf", "md", "html", "ppt", "pptx"];

/// Files that look like `decisions.csv` and are not read: whoever saved one of them believes that it
/// holds.
fn report_other_decisions(workspace: &Workspace, problems: &mut Problems) {
    let (stem, ending) = DECISIONS_FILE.split_once('.').unwrap_or((DECISIONS_FILE, ""));
    for file in workspace.list("*", &mut Problems::new()) {
        let name = file.to_lowercase();
        let its_ending = name.rsplit('.').next().unwrap_or_default();
        // One letter less is how it is written by heart. Capitals alone are told where it is read.
        let is_like =
            name.starts_with(stem) || name == format!("{}.{ending}", &stem[..stem.len() - 1]);
        if !is_like || name == DECISIONS_FILE || DOCUMENT_ENDINGS.contains(&its_ending) {
            continue;
        }
        let message = format!("{file} is not read: decisions stand in {DECISIONS_FILE}");
        let hint = match its_ending {
            "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" | "numbers" => format!(
                "Open it, save it as \"CSV UTF-8\" with the name {DECISIONS_FILE}, and remove this one."
            ),
            _ => format!(
                "Give it the name {DECISIONS_FILE}, or add its lines there; a copy kept for later \
                 belongs into another folder."
            ),
        };
        let problem = Problem::error("decision-file", message).hint(hint);
        problems.push(problem.place(Place::file(file)));
    }
}
