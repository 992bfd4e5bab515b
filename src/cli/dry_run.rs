//! `send --dry-run`: everything but network and ledger.
//!
//! # Invariants
//! Nothing is created but what `--out` names, and that only when nothing is wrong: a folder never
//! holds half a mailing, nor letters of two.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::audience;
use super::changes::Changes;
use super::chosen::{Number, chosen, that_go};
use super::out_folder::{OutFolder, cannot_write, refuse_inputs};
use super::pace_line::{in_seconds, pace_line};
use super::plan_screen::{Going, language_counts, plan_screen};
use super::preview::{choose, letter_as_text};
use super::readdressed::states_before;
use super::shell::{Opened, Shell};
use super::ui::{DIM, counted, plural, terminal_columns};
use super::wrapping::wrapped_lines;
use crate::campaign::Campaign;
use crate::id::DeliveryId;
use crate::ledger::Ledger;
use crate::message::dkim::Signer;
use crate::plan::contents::Which;
use crate::plan::{Made, Plan, Planned};
use crate::problem::{Problem, Problems, Severity};
use crate::send::Selection;
use crate::time::Timestamp;
use crate::transport::file::out_name;
use serde_json::{Map, Value, json};
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Plans, renders and composes every letter; shows the plan and the first letter in full.
#[must_use]
pub(super) fn dry_run(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    args: &Send,
    mut problems: Problems,
) -> Answer {
    let date = shell.clock().date();
    let relay = opened.config.relay.as_ref();
    let pacing = relay.map(|relay| relay.habits.pacing).unwrap_or_default();
    let person = match args.person.as_ref().map(|who| choose(campaign, who)).transpose() {
        Ok(person) => person.map(|recipient| recipient.number),
        Err(problem) => {
            problems.push(problem);
            let answer = Answer::failed(Exit::MustChange, problems);
            return Answer { json: no_plan_as_json(), ..answer };
        }
    };
    let plan = campaign.plan_only(date, &mut problems);
    campaign.look_into_documents(Which::All, &mut problems);
    if problems.has_errors() || plan.deliveries.is_empty() {
        return failed(shell, campaign, &plan, problems);
    }
    let written = write_chosen(opened.workspace.root(), campaign, &plan, args, date);
    let chosen = match written {
        Ok(chosen) => chosen,
        Err(problem) => {
            problems.push(problem);
            return failed(shell, campaign, &plan, problems);
        }
    };
    let pace = pace_line(relay, chosen.total(), &[], shell.clock().now());
    // The ledger is not asked: a dry run is about the whole plan.
    let going = Going::of(&plan, &HashMap::new(), &Selection::All);
    let mut text = plan_screen(campaign, &plan, &going, pace.as_deref(), terminal_columns());
    if let Some(changes) = changes(opened, campaign, &plan, date) {
        text.push_str(&format!("{}\n", changes.as_text()));
    }
    let rule = "─".repeat(78);
    text.push_str(&format!(
        "\n{DIM}{rule}{DIM:#}\n{}\n{DIM}{rule}{DIM:#}\n",
        first_letter(campaign, date, person).trim_end()
    ));
    let closing = closing(chosen, args.out.as_deref(), &problems);
    text.push_str(&wrapped_lines(&closing, terminal_columns()));
    let takes = in_seconds(pacing.estimate(chosen.total(), &[], shell.clock().now()));
    Answer { json: plan_as_json(&plan, true), ..Answer::done(text) }
        .with("audience", audience::as_json(&campaign.people))
        .with("estimated_seconds", json!(takes))
        .with("dkim", dkim(campaign))
        .with_problems(problems)
}

/// What changed since the plan in the ledger, where there is one that can be read: what is wrong
/// with a ledger is for `send` to say.
fn changes(opened: &Opened, campaign: &Campaign, plan: &Plan, date: Timestamp) -> Option<Changes> {
    let folder = opened.workspace.private_folder().ok()?;
    let ledger = Ledger::look(&folder).ok()??;
    // A million states are read only where a plan differs.
    let states = LazyCell::new(|| states_before(&ledger, campaign, plan).unwrap_or_default());
    let goes = |id: &DeliveryId| states.get(id).is_none_or(|s| s.is_open_to_plans());
    Changes::since_the_current(&ledger, &folder, campaign, plan, date, goes).ok()?
}

/// The first letter in full, or the one of the recipient with this number: the pass ends with it.
fn first_letter(campaign: &Campaign, date: Timestamp, person: Option<u32>) -> String {
    let shown = |made: Made<'_>| match person.is_none_or(|n| n == made.recipient.number) {
        true => Err(letter_as_text(&made)),
        false => Ok(()),
    };
    campaign.plan(date, &mut Problems::new(), shown).err().unwrap_or_default()
}

/// No plan: the last line says so, below however many findings.
fn failed(shell: &Shell, campaign: &Campaign, plan: &Plan, mut problems: Problems) -> Answer {
    if !problems.has_errors() {
        problems.push(nobody(campaign));
    }
    let errors = problems.count_of(Severity::Error) as u64;
    let (errors, them) = (plural(errors, "error"), if errors == 1 { "it" } else { "them" });
    let text = match shell.ui.is_quiet {
        true => String::new(),
        false => format!(
            "{0}: {errors}, so there is no plan. Mend {them} first: secretariat check {0}\n",
            campaign.id
        ),
    };
    let json = plan_as_json(plan, false);
    Answer { json, text, ..Answer::failed(Exit::MustChange, problems) }
}

/// A plan without anybody.
#[must_use]
pub(super) fn nobody(campaign: &Campaign) -> Problem {
    Problem::error("nobody", format!("nobody would get a letter of {}", campaign.id))
        .hint("Put a list into recipients/, or look at [campaigns] recipients in secretariat.toml.")
}

fn closing(chosen: Number, out: Option<&Path>, problems: &Problems) -> String {
    let letters = chosen.in_words();
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
        ("dkim", json!([])),
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
    let deliveries = plan.deliveries.iter().map(|d| d.octets * (1 + d.copies.len() as u64));
    let fingerprint = is_sound.then(|| plan.fingerprint.to_string());
    let object = json!({
        "campaign": plan.campaign.as_str(),
        "fingerprint": fingerprint,
        "letters": plan.deliveries.len(),
        "copies": plan.copies(),
        "excluded": excluded,
        "languages": languages,
        "bytes_total": deliveries.sum::<u64>(),
        "bytes_largest": octets().max().unwrap_or(0),
        "estimated_seconds": 0,
        "dkim": [],
    });
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Who signs the messages.
fn dkim(campaign: &Campaign) -> Value {
    let signers = campaign.senders.default.dkim.signers().iter();
    let signature = |signer: &Signer| {
        let algorithm = signer.key.kind().algorithm();
        json!({"domain": signer.domain, "selector": signer.selector, "algorithm": algorithm})
    };
    signers.map(signature).collect()
}

/// Writes the letters that were asked for where `--out` says so; gives how many those are.
fn write_chosen(
    root: &Path,
    campaign: &Campaign,
    plan: &Plan,
    args: &Send,
    date: Timestamp,
) -> Result<Number, Problem> {
    let selection = chosen(campaign, plan, args)?;
    let going = || that_go(plan, &selection, |_| true);
    if let Some(out) = &args.out {
        refuse_inputs(out, root)?;
        let ids = going().map(|going| going.id).collect();
        write_all(campaign, plan, &ids, out, date)?;
    }
    Ok(Number::of(going()))
}

/// Writes each message as it would be sent.
fn write_all(
    campaign: &Campaign,
    plan: &Plan,
    ids: &HashSet<DeliveryId>,
    out: &Path,
    date: Timestamp,
) -> Result<(), Problem> {
    // A copy has its letter's number and its own address.
    let names = |planned: &Planned| -> Vec<String> {
        let number = campaign.people.recipients[planned.recipient].number;
        let meant = planned.all().filter(|(id, _)| ids.contains(id));
        meant.map(|(_, address)| out_name(number, address)).collect()
    };
    let expected = plan.deliveries.iter().flat_map(names).collect();
    let mut folder = OutFolder::open(out, &expected, |name| name.ends_with(".eml"))?;
    campaign
        .plan(date, &mut Problems::new(), |made| {
            let mut names = names(made.planned).into_iter();
            names.try_for_each(|name| folder.write(&name, made.message.chunks()))
        })
        .and_then(|_| folder.keep())
        .map_err(|error| cannot_write(out, &error))
}
