//! No command: the workspace's state and the next step, as `git status` does.

use super::answer::{Answer, Exit};
use super::meaning::Meanings;
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::Standing;
use super::standing_screen::View;
use super::status::standing_of;
use super::ui::BOLD;
use crate::id::CampaignId;
use crate::problem::Problems;
use serde_json::{Value, json};

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
        Ok(opened) => state_of(shell, &opened),
        Err(problems) => Answer::failed(Exit::MustChange, problems),
    }
}

fn state_of(shell: &Shell, opened: &Opened) -> Answer {
    standings(shell, opened)
        .map_or_else(|answer| *answer, |standings| told(shell, opened, &standings))
}

fn standings(shell: &Shell, opened: &Opened) -> Result<Vec<Standing>, Box<Answer>> {
    let ledger = restored::look(shell, &opened.workspace)?;
    let pacing = opened.config.relay.as_ref().map(|relay| relay.habits.pacing).unwrap_or_default();
    let campaigns = opened.config.campaigns.iter();
    let standing = |id: &CampaignId| {
        let standing = standing_of(shell, ledger.as_ref(), id, &pacing)?;
        Ok(Standing { meanings: Meanings::of(&opened.config, id), ..standing })
    };
    campaigns.map(|c| standing(&c.id)).collect()
}

fn told(shell: &Shell, opened: &Opened, standings: &[Standing]) -> Answer {
    let conference = opened.config.conference.get("name").map_or("", String::as_str);
    let mut text = format!("{BOLD}{conference}{BOLD:#}\n{}\n\n", opened.workspace.root().display());
    for standing in standings {
        text.push_str(&standing.to_text(&View::of(shell)));
        text.push('\n');
    }
    if standings.is_empty() {
        text.push_str("No mailing yet. Next: secretariat new NAME\n");
    }
    let json: Vec<Value> = standings.iter().map(|s| Value::Object(s.to_json())).collect();
    let mut problems = Problems::new();
    problems.append(opened.problems.clone());
    // It is one ledger for all.
    standings.iter().find_map(|s| s.doubted.clone()).into_iter().for_each(|p| problems.push(p));
    let exit = if problems.has_errors() { Exit::MustChange } else { Exit::Done };
    Answer { exit, ..Answer::done(text) }
        .with("workspace", json!(opened.workspace.root().display().to_string()))
        .with("campaigns", json!(json))
        .with_problems(problems)
}
