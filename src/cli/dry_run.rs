//! `send --dry-run`: everything but network and ledger.
//!
//! # Invariants
//! Nothing is created but what `--out` names, and that only when nothing is wrong: a folder never
//! holds half a mailing, nor letters of two.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::out_folder::{OutFolder, cannot_write, refuse_inputs};
use super::plan_screen::{language_counts, plan_screen};
use super::preview::letter_as_text;
use super::shell::Shell;
use super::ui::{DIM, counted, plural};
use crate::campaign::Campaign;
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::time::Timestamp;
use crate::transport::file::out_name;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::path::Path;

/// Plans, renders and composes every letter; shows the plan and the first letter in full.
#[must_use]
pub(super) fn dry_run(
    shell: &Shell,
    root: &Path,
    campaign: &Campaign,
    args: &Send,
    mut problems: Problems,
) -> Answer {
    let date = shell.clock().date();
    let mut first = None;
    let Ok(plan) = campaign.plan(date, &mut problems, |made| {
        first.get_or_insert_with(|| letter_as_text(&made));
        Ok::<(), Infallible>(())
    });
    if problems.has_errors() || plan.deliveries.is_empty() {
        return failed(campaign, &plan, problems);
    }
    if let Some(Err(problem)) = args.out.as_deref().map(|out| refuse_inputs(out, root)) {
        problems.push(problem);
        return failed(campaign, &plan, problems);
    }
    if let Some(Err(problem)) = args.out.as_deref().map(|out| write_all(campaign, &plan, out, date))
    {
        problems.push(problem);
        return failed(campaign, &plan, problems);
    }
    let mut text = plan_screen(campaign, &plan);
    let rule = "─".repeat(78);
    text.push_str(&format!(
        "\n{DIM}{rule}{DIM:#}\n{}\n{DIM}{rule}{DIM:#}\n",
        first.unwrap_or_default().trim_end()
    ));
    text.push_str(&closing(&plan, args.out.as_deref(), &problems));
    Answer { json: plan_as_json(&plan, true), ..Answer::done(text) }.with_problems(problems)
}

fn failed(campaign: &Campaign, plan: &Plan, mut problems: Problems) -> Answer {
    if !problems.has_errors() {
        problems.push(nobody(campaign));
    }
    Answer { json: plan_as_json(plan, false), ..Answer::failed(Exit::MustChange, problems) }
}

/// A plan without anybody.
#[must_use]
pub(super) fn nobody(campaign: &Campaign) -> Problem {
    Problem::error("nobody", format!("nobody would get a letter of {}", campaign.id))
        .hint("Put a list into recipients/, or look at [campaigns] recipients in secretariat.toml.")
}

fn closing(plan: &Plan, out: Option<&Path>, problems: &Problems) -> String {
    let letters = plural(plan.deliveries.len() as u64, "letter");
    let written = match out {
        Some(out) => format!("{letters} written into {}. ", out.display()),
        None => format!("The first of {letters}. "),
    };
    let found =
        if problems.is_empty() { String::new() } else { format!(" ({})", counted(problems)) };
    let found = if found == " (no problems)" { String::new() } else { found };
    format!(
        "{written}Nothing was sent{found}.\nNext: secretariat preview --out DIR shows them all; \
         secretariat send asks, then sends.\n"
    )
}

/// The same parts where there is no plan at all: a program that reads them finds them.
#[must_use]
pub(super) fn no_plan_as_json() -> Map<String, Value> {
    let parts = [
        ("campaign", Value::Null),
        ("fingerprint", Value::Null),
        ("letters", json!(0)),
        ("copies", json!(0)),
        ("excluded", json!([])),
        ("languages", json!({})),
        ("bytes_total", json!(0)),
        ("bytes_largest", json!(0)),
        ("estimated_seconds", json!(0)),
    ];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The plan's parts of the JSON object (contract, JSON).
#[must_use]
pub(super) fn plan_as_json(plan: &Plan, is_sound: bool) -> Map<String, Value> {
    let excluded: Vec<Value> = plan
        .excluded
        .iter()
        .map(|e| json!({"address": e.address, "file": e.place.file, "line": e.place.line, "reason": e.reason}))
        .collect();
    let languages: Map<String, Value> =
        language_counts(plan).into_iter().map(|(l, n)| (l.to_string(), json!(n))).collect();
    let octets = || plan.deliveries.iter().map(|d| d.octets);
    let fingerprint = is_sound.then(|| plan.fingerprint.to_string());
    let object = json!({
        "campaign": plan.campaign.as_str(),
        "fingerprint": fingerprint,
        "letters": plan.deliveries.len(),
        "copies": 0,
        "excluded": excluded,
        "languages": languages,
        "bytes_total": octets().sum::<u64>(),
        "bytes_largest": octets().max().unwrap_or(0),
        "estimated_seconds": 0,
    });
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Writes each message as it would be sent.
fn write_all(campaign: &Campaign, plan: &Plan, out: &Path, date: Timestamp) -> Result<(), Problem> {
    let name = |index: usize| {
        let recipient = &campaign.people.recipients[index];
        out_name(recipient.number, &recipient.address)
    };
    let expected = plan.deliveries.iter().map(|d| name(d.recipient)).collect();
    let mut folder = OutFolder::open(out, &expected, |name| name.ends_with(".eml"))?;
    campaign
        .plan(date, &mut Problems::new(), |made| {
            folder.write(&name(made.planned.recipient), made.message.chunks())
        })
        .map_err(|error| cannot_write(out, &error))?;
    folder.keep();
    Ok(())
}
