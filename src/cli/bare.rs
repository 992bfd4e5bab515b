//! No command: the workspace's state and the next step, as `git status` does.

use super::answer::{Answer, Exit};
use super::failure::ledger_problem;
use super::shell::{Opened, Shell};
use super::standing::Standing;
use super::ui::BOLD;
use crate::ledger::{Ledger, LedgerError};
use crate::problem::Problems;
use serde_json::{Value, json};
use std::path::Path;

/// Where am I, what is open, what next.
#[must_use]
pub(super) fn bare(shell: &Shell) -> Answer {
    if let Err(problem) = shell.workspace() {
        let lines = [
            format!("{BOLD}secretariat writes to everybody who took part.{BOLD:#}"),
            format!("{}.", problem.message),
            String::new(),
            "Begin:  secretariat init DIR     a sample to look at and to change".to_owned(),
            "        secretariat --help       all commands".to_owned(),
        ];
        let text = lines.join("\n") + "\n";
        return Answer::done(text).with("workspace", Value::Null);
    }
    match shell.open() {
        Ok(opened) => state_of(&opened),
        Err(problems) => Answer::failed(Exit::MustChange, problems),
    }
}

fn state_of(opened: &Opened) -> Answer {
    let folder = match opened.workspace.private_folder() {
        Ok(folder) => folder,
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    };
    match standings(opened, &folder) {
        Ok(standings) => told(opened, &standings),
        Err(error) => Answer::one_problem(Exit::MustChange, ledger_problem(&error)),
    }
}

fn standings(opened: &Opened, folder: &Path) -> Result<Vec<Standing>, LedgerError> {
    let ledger = Ledger::look(folder)?;
    let campaigns = opened.config.campaigns.iter();
    campaigns.map(|c| Standing::read(ledger.as_ref(), &c.id)).collect()
}

fn told(opened: &Opened, standings: &[Standing]) -> Answer {
    let conference = opened.config.conference.get("name").map_or("", String::as_str);
    let mut text = format!("{BOLD}{conference}{BOLD:#}\n{}\n\n", opened.workspace.root().display());
    for standing in standings {
        text.push_str(&standing.to_text());
        text.push('\n');
    }
    if standings.is_empty() {
        text.push_str("No mailing yet. Next: secretariat new NAME\n");
    }
    let json: Vec<Value> = standings.iter().map(|s| Value::Object(s.to_json())).collect();
    let mut problems = Problems::new();
    problems.append(opened.problems.clone());
    let exit = if problems.has_errors() { Exit::MustChange } else { Exit::Done };
    Answer { exit, ..Answer::done(text) }
        .with("workspace", json!(opened.workspace.root().display().to_string()))
        .with("campaigns", json!(json))
        .with_problems(problems)
}
