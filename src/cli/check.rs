//! `check`: everything that would go wrong, in one pass; nothing is sent or written but `--out`.
//!
//! The findings are this command's data, so they stand on standard output with what was read.

use super::answer::{Answer, Exit};
use super::args::Check;
use super::check_out::{self, About};
use super::overview::Overview;
use super::pace_line::pace_line;
use super::relay::relay;
use super::shell::{Opened, Shell};
use super::ui::{counted, for_stdout, grouped, one_line, plural};
use crate::campaign::Campaign;
use crate::plan::Plan;
use crate::problem::{Problem, Problems, Severity};
use serde_json::json;
use std::collections::BTreeMap;
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
        check_relay(shell, &opened, &plan, &mut problems);
        let pace = pace_by_service(shell, &opened, &plan);
        overview = Overview::of(shell, campaign, &plan, pace, &mut problems);
    }
    let recipients = campaign.as_ref().map_or(0, |c| c.people.recipients.len());
    let report = Report { shell, campaign: campaign.as_ref(), overview: &overview };
    let text = match args.out.as_deref() {
        None => report.on_screen(&problems),
        Some(out) => {
            let written = write(shell, out, opened.workspace.root(), campaign.as_ref(), &problems);
            report.in_file(out, written, &mut problems)
        }
    };
    let fails = problems.has_errors() || args.strict && problems.count_of(Severity::Warning) > 0;
    let summary = json!({
        "recipients": recipients,
        "errors": problems.count_of(Severity::Error),
        "warnings": problems.count_of(Severity::Warning),
    });
    let exit = if fails { Exit::MustChange } else { Exit::Done };
    let answer = Answer { exit, tells_problems: true, ..Answer::done(text) };
    let parts = overview.json.into_iter();
    parts
        .fold(answer, |answer, (name, value)| answer.with(name, value))
        .with("summary", summary)
        .with_problems(problems)
}

/// What people read.
struct Report<'a> {
    shell: &'a Shell,
    campaign: Option<&'a Campaign>,
    overview: &'a Overview,
}

impl Report<'_> {
    /// What was read, the findings, and how many there are in the last line: what a person still
    /// sees when a long report has gone by. Whoever has errors to mend has no use for the rest yet.
    fn on_screen(&self, problems: &Problems) -> String {
        let ui = self.shell.ui;
        let seen = match (ui.is_quiet, problems.has_errors() && !ui.is_verbose) {
            // Whoever wants to hear of errors only wants no tables either.
            (true, _) => "",
            (false, true) => &self.overview.in_short,
            (false, false) => &self.overview.text,
        };
        let found = ui.told(problems);
        let all = match found.leaves_out {
            true => "All of them, for whoever mends them: secretariat check --out findings.html\n",
            false => "",
        };
        let report = format!("{}{all}{}", found.text, self.sum(problems));
        format!("{seen}{}", for_stdout(&report))
    }

    /// Where the findings stand in a file: that, and no second copy of them. A file that was not
    /// written is the last thing said.
    fn in_file(&self, out: &Path, written: Result<(), Problem>, problems: &mut Problems) -> String {
        let sum = self.sum(problems);
        let last = match written {
            Err(problem) => {
                let mut failure = Problems::new();
                failure.push(problem.clone());
                problems.push(problem);
                self.shell.ui.told(&failure).text
            }
            Ok(()) if self.shell.ui.is_quiet => String::new(),
            Ok(()) => {
                let findings = plural(problems.iter().count() as u64, "finding");
                format!("Written: {} ({findings})\n", out.display())
            }
        };
        for_stdout(&format!("{sum}{last}"))
    }

    /// `outcome: 641 recipients, 9 errors (registration.xlsx 6, delegations.csv 3), 4 warnings`;
    /// for whoever wants to hear of errors only, where there are some.
    fn sum(&self, problems: &Problems) -> String {
        if self.shell.ui.is_quiet && !problems.has_errors() {
            return String::new();
        }
        let of = |c: &Campaign| {
            let recipients = plural(c.people.recipients.len() as u64, "recipient");
            format!("{}: {recipients}, ", c.id)
        };
        let heading = self.campaign.map(of).unwrap_or_default();
        let counted = counted(problems);
        let counted = match (counted.split_once(", "), errors_by_file(problems)) {
            (_, places) if places.is_empty() => counted,
            (Some((errors, warnings)), places) => format!("{errors} ({places}), {warnings}"),
            (None, places) => format!("{counted} ({places})"),
        };
        format!("{heading}{counted}\n")
    }
}

/// Files with errors that are named before the rest is counted.
const FILES_NAMED_MAX: usize = 6;

/// `registration.xlsx 6, delegations.csv 3`: where the errors are, most first.
fn errors_by_file(problems: &Problems) -> String {
    let mut by_file: BTreeMap<&str, u64> = BTreeMap::new();
    let errors = problems.iter().filter(|p| p.severity == Severity::Error);
    for place in errors.filter_map(|p| p.place.as_ref()) {
        let name = place.file.strip_prefix("recipients/").unwrap_or(&place.file);
        *by_file.entry(name).or_default() += 1;
    }
    let mut by_file: Vec<(&str, u64)> = by_file.into_iter().collect();
    by_file.sort_by_key(|(_, errors)| std::cmp::Reverse(*errors));
    let more = by_file.len().saturating_sub(FILES_NAMED_MAX);
    let named = by_file.iter().take(FILES_NAMED_MAX);
    let mut named: Vec<String> =
        named.map(|(file, errors)| format!("{} {}", one_line(file), grouped(*errors))).collect();
    if more > 0 {
        named.push(format!("and {} more", plural(more as u64, "file")));
    }
    named.join(", ")
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

/// How long the letters take at the pace of the service that is written.
fn pace_by_service(shell: &Shell, opened: &Opened, plan: &Plan) -> Option<String> {
    let relay = opened.config.relay.as_ref().filter(|relay| relay.service.is_some());
    pace_line(Some(relay?), plan.all().count() as u64, &[], shell.clock().now())
}

/// What would stop `send` before its first letter, as warnings: a mailing can be written and
/// checked before there is a mail server.
fn check_relay(shell: &Shell, opened: &Opened, plan: &Plan, problems: &mut Problems) {
    let mut found = Problems::new();
    relay(shell, opened, plan, &mut found);
    for problem in found.iter() {
        problems.push(Problem { severity: Severity::Warning, ..problem.clone() });
    }
}
