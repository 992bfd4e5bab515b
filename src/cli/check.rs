//! `check`: everything that would go wrong, in one pass; nothing is sent or written but `--out`.
//!
//! The findings are this command's data, so they stand on standard output with what was read.

use super::answer::{Answer, Exit};
use super::args::Check;
use super::check_out::{self, About};
use super::overview::Overview;
use super::relay::relay;
use super::shell::{Opened, Shell};
use super::ui::{counted, for_stdout, plural};
use crate::campaign::Campaign;
use crate::plan::Plan;
use crate::problem::{Problem, Problems, Severity};
use serde_json::json;
use std::path::Path;

/// Reads, renders and composes everything, and tells what it found.
#[must_use]
pub(super) fn check(shell: &Shell, args: &Check) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let mut problems = Problems::new();
    let name = args.campaign.as_deref();
    let campaign = opened.campaign(name, &mut problems);
    if opened.campaign_id(name).is_err() {
        return Answer::failed(Exit::MustChange, problems);
    }
    let mut overview = Overview::none();
    if let Some(campaign) = &campaign {
        let plan = campaign.plan_only(shell.clock().date(), &mut problems);
        check_relay(shell, &opened, campaign, &plan, &mut problems);
        overview = Overview::of(shell, campaign, &plan, &mut problems);
    }
    let recipients = campaign.as_ref().map_or(0, |c| c.people.recipients.len());
    let written = args.out.as_deref().map(|out| {
        let root = opened.workspace.root();
        write(shell, out, root, campaign.as_ref(), &problems)
    });
    if let Some(Err(problem)) = written {
        problems.push(problem);
    }
    let fails = problems.has_errors() || args.strict && problems.count_of(Severity::Warning) > 0;
    let summary = json!({
        "recipients": recipients,
        "errors": problems.count_of(Severity::Error),
        "warnings": problems.count_of(Severity::Warning),
    });
    let exit = if fails { Exit::MustChange } else { Exit::Done };
    let report = report(shell, campaign.as_ref(), &problems);
    // Whoever wants to hear of errors only wants no tables either.
    let seen = if shell.ui.is_quiet { "" } else { &overview.text };
    let text = format!("{seen}{}", for_stdout(&report));
    let answer = Answer { exit, tells_problems: true, ..Answer::done(text) };
    let parts = overview.json.into_iter();
    parts
        .fold(answer, |answer, (name, value)| answer.with(name, value))
        .with("summary", summary)
        .with_problems(problems)
}

/// Findings, and how many there are in the last line: what a person still sees when a long report
/// has gone by.
fn report(shell: &Shell, campaign: Option<&Campaign>, problems: &Problems) -> String {
    let heading = campaign
        .map(|c| format!("{}: {}, ", c.id, plural(c.people.recipients.len() as u64, "recipient")));
    let found = shell.ui.told(problems);
    let all = match found.leaves_out {
        true => "All of them, for whoever mends them: secretariat check --out findings.html\n",
        false => "",
    };
    format!("{}{}{}\n{all}", found.text, heading.unwrap_or_default(), counted(problems))
}

/// Writes all findings into the file of `--out`.
fn write(
    shell: &Shell,
    out: &Path,
    root: &Path,
    campaign: Option<&Campaign>,
    problems: &Problems,
) -> Result<(), Problem> {
    let people = campaign.map_or(0, |c| c.people.recipients.len() as u64);
    let about = About {
        campaign: campaign.map_or("check".to_owned(), |c| c.id.to_string()),
        conference: campaign.map_or(String::new(), |c| c.conference_name.clone()),
        recipients: plural(people, "recipient"),
        counted: counted(problems),
        at: shell.clock().now().local_date(),
        moment: shell.clock().now(),
    };
    check_out::write(out, root, &about, problems)
}

/// What would stop `send` before its first letter, as warnings: a mailing can be written and
/// checked before there is a mail server.
fn check_relay(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    problems: &mut Problems,
) {
    let mut found = Problems::new();
    relay(shell, opened, campaign, plan, &mut found);
    for problem in found.iter() {
        problems.push(Problem { severity: Severity::Warning, ..problem.clone() });
    }
}
