//! A campaign's lists, read and gathered: who is in them, and which settings do nothing for them.
//!
//! # Failure
//! A file that cannot be read is a problem, and the others are read all the same.

use super::decided::{self, decisions};
use super::vocabulary;
use crate::config::{self, Config, Where};
use crate::letter::RowCondition;
use crate::limits::LIST_BYTES_MAX;
use crate::problem::{Problem, Problems, nearest};
use crate::recipients::{
    self, Audience, Decisions, Keep, ListSetting, ListSource, Options, People, UnusedColumn,
};
use crate::workspace::Workspace;
use std::collections::BTreeSet;

/// Reads all lists; a file that cannot be read is a problem, and the others are read all the same.
pub(super) fn read_people(
    workspace: &Workspace,
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> People {
    let mut lists: Vec<(String, Vec<u8>)> = Vec::new();
    let files = setting.list_files(workspace, problems);
    report_settings_without_list(workspace, config, &files, problems);
    for file in &files {
        match workspace.read(file, LIST_BYTES_MAX) {
            Ok(bytes) => lists.push((file.clone(), bytes)),
            Err(problem) => problems.push(problem),
        }
    }
    let decisions = decisions(workspace, config, setting, problems);
    let mut people = people_of(&lists, config, setting, decisions, problems);
    drop(lists);
    report_unused_columns(workspace, config, &files, &people, problems);
    if !people.unmatched.is_empty() {
        let unmatched = std::mem::take(&mut people.unmatched);
        decided::report_unmatched(workspace, config, &files, unmatched, problems);
    }
    people
}

/// Lines of `[columns]` that do nothing for these lists. The lists of other campaigns are opened
/// only where that would be an error.
fn report_unused_columns(
    workspace: &Workspace,
    config: &Config,
    files: &[String],
    people: &People,
    problems: &mut Problems,
) {
    let others = match people.unused_columns.iter().any(UnusedColumn::does_nothing) {
        true => other_lists(workspace, config, files),
        false => BTreeSet::new(),
    };
    let options = config.recipients_options();
    let headers = |file: &String| {
        let bytes = workspace.read(file, LIST_BYTES_MAX).ok()?;
        recipients::headers_of(&ListSource { file, bytes: &bytes }, &options)
    };
    let elsewhere: Vec<_> = others.iter().map(headers).collect();
    people.unused_columns.iter().for_each(|unused| problems.push(unused.problem(&elsewhere)));
}

/// The lists that only other campaigns read.
fn other_lists(workspace: &Workspace, config: &Config, files: &[String]) -> BTreeSet<String> {
    let of_campaign = |c: &config::Campaign| c.list_files(workspace, &mut Problems::new());
    let all = config.campaigns.iter().flat_map(of_campaign);
    all.filter(|file| !files.contains(file)).collect()
}

/// Tables of `[lists]` for a file that no campaign reads: misspelt, they would do nothing in silence.
fn report_settings_without_list(
    workspace: &Workspace,
    config: &Config,
    files: &[String],
    problems: &mut Problems,
) {
    let is_there = |s: &ListSetting, files: &[String]| files.iter().any(|file| s.is_for(file));
    let mut missing = config.lists.iter().filter(|s| !is_there(s, files)).peekable();
    if missing.peek().is_none() {
        return;
    }
    // What other campaigns lack is told when they are checked.
    let of_campaign = |c: &config::Campaign| c.list_files(workspace, &mut Problems::new());
    let all: Vec<String> = config.campaigns.iter().flat_map(of_campaign).collect();
    for setting in missing.filter(|s| !is_there(s, &all)) {
        let message = format!("no mailing reads a list {}", setting.file);
        let by_name = |file: &&String| file.rsplit('/').next() == setting.file.rsplit('/').next();
        let near = all.iter().find(by_name).map(String::as_str);
        let near = near.or_else(|| nearest(&setting.file, all.iter().map(String::as_str)));
        let hint = match near {
            Some(near) => format!("Did you mean [lists.\"{near}\"]?"),
            None => "Write the list's path as check shows it, or remove the table.".to_owned(),
        };
        let problem = Problem::warning("unknown-list", message).hint(hint);
        problems.push(problem.place(setting.place.clone()));
    }
}

pub(super) fn people_of(
    lists: &[(String, Vec<u8>)],
    config: &Config,
    setting: &config::Campaign,
    decisions: Decisions,
    problems: &mut Problems,
) -> People {
    let sources: Vec<_> = lists.iter().map(|(file, bytes)| ListSource { file, bytes }).collect();
    let keep = keep(config, setting, problems);
    let audience = Audience { same_address: config.people.same_address, keep, decisions };
    let options = Options { copies: setting.copies.clone(), ..config.recipients_options() };
    recipients::gather_for(&sources, &options, &audience, problems)
}

/// The campaign's `where`; a condition with an error keeps everybody, and nothing may be sent.
fn keep(
    config: &Config,
    setting: &config::Campaign,
    problems: &mut Problems,
) -> Option<Keep<'static>> {
    match setting.keep.as_ref()? {
        Where::Values(columns) => Some(Keep::Values(columns.clone())),
        Where::Condition(text) => {
            let vocabulary = vocabulary(config, setting);
            let condition = RowCondition::compile(&text.value, &vocabulary, &text.place, problems)?;
            Some(Keep::Condition(recipients::Condition {
                columns: condition.columns().map(str::to_owned).collect(),
                place: text.place.clone(),
                holds: Box::new(move |values, language| condition.holds(values, language)),
            }))
        }
    }
}
