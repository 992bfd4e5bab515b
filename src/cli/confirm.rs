//! The question before sending: what would go, what changed since, and the typed number.
//!
//! # Invariants
//! The same plan as the ledger's goes on without a question. Any other needs the typed number of
//! letters on a terminal, or `--plan` with its code; so does the same plan once it was withdrawn.
//! Nothing is recorded here.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::changed_lines::changed_lines;
use super::control::not_paused;
use super::failure::{ledger_problem, must_change};
use super::pace_line::pace_line;
use super::plan_screen::{Going, plan_screen};
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use super::ui::{grouped, plural, terminal_columns};
use crate::campaign::Campaign;
use crate::id::{DeliveryId, Fingerprint, RecipientKey};
use crate::ledger::{Ledger, LedgerError, State, StoredPlan};
use crate::plan::Plan;
use crate::plan::manifest::{self, Difference};
use crate::plan::objects::Objects;
use crate::problem::Problem;
use crate::send::Selection;
use crate::send::pace::DAY;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::path::Path;

/// What the ledger knows of this campaign.
struct Before {
    standing: Standing,
    /// What changed since the current plan, where another plan is current.
    difference: Option<Difference>,
    /// The lines of the letters that changed.
    lines: String,
    /// Letters of this plan that nobody has yet.
    to_go: u64,
    /// Those of them that are meant now.
    chosen: u64,
    /// Who they are, and who gets none any more.
    going: Going,
    /// How long they take.
    pace: Option<String>,
}

/// What a person has confirmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmed {
    /// The plan that was current when they were asked: whoever holds the run lock later makes sure
    /// that it still is.
    pub shown: Option<Shown>,
    /// Letters that go.
    pub letters: u64,
}

/// What was current when a person was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The plan.
    pub fingerprint: Fingerprint,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

impl Shown {
    /// Whether a run that holds the lock finds what the person was shown, or what they confirmed.
    pub(super) fn still_fits(
        shown: Option<Shown>,
        found: Option<&StoredPlan>,
        plan: &Plan,
    ) -> bool {
        let found =
            found.map(|c| Shown { fingerprint: c.fingerprint, withdrawn_at: c.withdrawn_at });
        let ours = Shown { fingerprint: plan.fingerprint, withdrawn_at: None };
        found == shown || found == Some(ours)
    }
}

/// Makes sure that a person wants exactly this plan, or this part of it, to go.
///
/// # Errors
/// The command's answer: everybody has it, a missing or wrong confirmation, "no".
pub(super) fn confirm(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    selection: &Selection,
    args: &Send,
) -> Result<Confirmed, Box<Answer>> {
    let ledger = restored::trusted(shell, opened, &campaign.id)?;
    let folder = opened.workspace.private_folder().map_err(must_change)?;
    let before = read_before(&folder, ledger.as_ref(), opened, campaign, plan, selection, shell)
        .map_err(|error| must_change(ledger_problem(&error)))?;
    drop(ledger);
    if let Some(code) = &args.plan
        && !plan.fingerprint.is_named_by(code)
    {
        let answer = wrong_code(plan, code, &before);
        return Err(Box::new(Answer { json: before.standing.to_json(), ..answer }));
    }
    let Standing { fingerprint: current, withdrawn_at, confirmed_at, .. } = before.standing;
    let is_confirmed =
        current == Some(plan.fingerprint) && withdrawn_at.is_none() && confirmed_at.is_some();
    if current.is_some() && before.to_go == 0 && before.standing.waiting() == 0 {
        return Err(Box::new(everybody_has_it(before.standing.beside(plan), shell)));
    }
    if before.chosen == 0 && *selection != Selection::All {
        return Err(Box::new(nothing_of_it(before.standing)));
    }
    not_paused(&before.standing)?;
    if !is_confirmed && args.plan.is_none() {
        ask(shell, campaign, plan, &before)?;
    }
    let shown = current.map(|fingerprint| Shown { fingerprint, withdrawn_at });
    Ok(Confirmed { shown, letters: before.chosen })
}

/// The part that was asked for has nothing that could go.
fn nothing_of_it(standing: Standing) -> Answer {
    let problem =
        Problem::warning("nothing-to-send", "none of these letters waits; nothing was sent")
            .hint("See secretariat status, or secretariat why WHO for one person.");
    let exit = if standing.for_a_person() > 0 { Exit::NeedsAPerson } else { Exit::Done };
    Answer { json: standing.to_json(), ..Answer::one_problem(exit, problem) }
}

fn read_before(
    folder: &Path,
    ledger: Option<&Ledger>,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    selection: &Selection,
    shell: &Shell,
) -> Result<Before, LedgerError> {
    let now = shell.clock().now();
    let standing = Standing::read(ledger, &campaign.id)?;
    let states: HashMap<_, _> = match ledger {
        Some(ledger) => ledger.states(&campaign.id)?.into_iter().collect(),
        None => HashMap::new(),
    };
    let goes = |id: &DeliveryId| states.get(id).is_none_or(|s| s.is_open_to_plans());
    let to_go = plan.deliveries.iter().filter(|d| goes(&d.id)).count() as u64;
    let chosen = match selection {
        Selection::All => to_go,
        Selection::First(count) => to_go.min(*count as u64),
        Selection::Only(ids) => ids.iter().filter(|id| goes(id)).count() as u64,
    };
    let day = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
    let earlier = ledger.map(|l| l.acceptances_since(day, now)).transpose()?;
    let pacing = opened.config.relay.as_ref().map(|relay| relay.habits.pacing).unwrap_or_default();
    let pace = pace_line(&pacing, chosen, &earlier.unwrap_or_default(), now);
    // A withdrawn plan may be the very same: then nothing differs, and it is asked about all the same.
    let is_current = standing.fingerprint == Some(plan.fingerprint);
    let older = match ledger {
        Some(ledger) if !is_current => ledger.manifest(&campaign.id)?,
        _ => None,
    };
    let objects = Objects::within(folder);
    let lines = older.as_deref().map(|older| changed_lines(campaign, &objects, older));
    let difference = older.map(|older| {
        let newer = manifest::text(&campaign.materials(shell.clock().date()), &plan.deliveries);
        // Who has a letter keeps it: to them nothing has changed.
        Difference::for_those(&older, &newer, |key| {
            let key = RecipientKey::from_stored(key.to_owned());
            goes(&DeliveryId::of(&campaign.id, &key))
        })
    });
    let lines = lines.unwrap_or_default();
    let going = Going::of(plan, &states, selection);
    Ok(Before { standing, difference, lines, to_go, chosen, going, pace })
}

fn ask(
    shell: &Shell,
    campaign: &Campaign,
    plan: &Plan,
    before: &Before,
) -> Result<(), Box<Answer>> {
    let (pace, columns) = (before.pace.as_deref(), terminal_columns());
    shell.ui.show(&plan_screen(campaign, plan, &before.going, pace, columns));
    if let Some(at) = before.standing.withdrawn_at {
        shell.ui.show(&format!("This mailing was withdrawn on {}.", standing::moment(at)));
    }
    if let Some(difference) = &before.difference {
        shell.ui.show(&changes_as_text(difference, &before.lines));
    }
    if !shell.ui.can_ask() {
        let answer = not_confirmed(plan, before);
        return Err(Box::new(Answer { json: before.standing.to_json(), ..answer }));
    }
    let part = match before.chosen == before.to_go {
        true => String::new(),
        false => format!(" only {}", plural(before.chosen, "letter")),
    };
    let question = format!("Type {} to send{part}, Enter to stop:", before.chosen);
    let typed = shell.ui.ask(&question).unwrap_or_default();
    if typed.replace([',', ' ', '.'], "") == before.chosen.to_string() {
        return Ok(());
    }
    let message = if typed.is_empty() {
        "stopped; nothing was sent".to_owned()
    } else {
        format!("{typed:?} is not {}; nothing was sent", before.chosen)
    };
    Err(Box::new(Answer::one_problem(Exit::MustChange, Problem::error("not-confirmed", message))))
}

/// Nobody can be asked: a first plan is a bad command line, a changed one must be looked at.
fn not_confirmed(plan: &Plan, before: &Before) -> Answer {
    let code = plan.fingerprint.plan_code();
    let hint = format!(
        "Look at it with secretariat send --dry-run, then run secretariat send --plan {code}."
    );
    match &before.difference {
        None if let Some(at) = before.standing.withdrawn_at => {
            let message = format!("the mailing was withdrawn on {}", standing::moment(at));
            let problem = Problem::error("withdrawn", message).hint(hint);
            Answer::one_problem(Exit::MustChange, problem)
        }
        None => {
            let message = "the plan is not confirmed, and there is no terminal to ask on";
            Answer::one_problem(
                Exit::BadCommandLine,
                Problem::error("not-confirmed", message).hint(hint),
            )
        }
        Some(difference) => {
            let message = format!(
                "the plan has changed since it was confirmed: {}",
                changes_as_line(difference)
            );
            Answer::one_problem(
                Exit::MustChange,
                Problem::error("plan-changed", message).hint(hint),
            )
        }
    }
}

fn wrong_code(plan: &Plan, typed: &str, before: &Before) -> Answer {
    let code = plan.fingerprint.plan_code();
    let changed = match &before.difference {
        Some(difference) => format!(": {}", changes_as_line(difference)),
        None => String::new(),
    };
    let message = format!("the plan is {code}, not {typed}{changed}");
    let hint = format!(
        "Lists, letters, documents or settings are others than those of that plan. Look at this \
         one with secretariat send --dry-run, then run secretariat send --plan {code}."
    );
    Answer::one_problem(Exit::MustChange, Problem::error("plan-changed", message).hint(hint))
}

fn everybody_has_it(standing: Standing, shell: &Shell) -> Answer {
    let exit = if standing.for_a_person() > 0 { Exit::NeedsAPerson } else { Exit::Done };
    let answer = standing::answer(&standing, shell);
    let accepted = plural(standing.counts.of(State::Accepted), "person");
    let when = standing.confirmed_at.map(|t| format!(" on {}", t.local_date())).unwrap_or_default();
    let heading = format!(
        "{} went to {accepted}{when}. Another letter: secretariat new NAME\n",
        standing.campaign
    );
    let text = match (exit, standing.counts.of(State::Accepted)) {
        (Exit::Done, _) => heading,
        (_, 0) => answer.text.clone(),
        _ => heading + &answer.text,
    };
    Answer { exit, text, ..answer }
}

/// Addresses named before the rest is counted.
const NAMED_MAX: usize = 5;

fn changes(difference: &Difference) -> Vec<String> {
    let named = |addresses: &[String]| {
        let shown = addresses.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = addresses.len().saturating_sub(NAMED_MAX);
        if more > 0 { format!("{shown} and {} more", grouped(more as u64)) } else { shown }
    };
    let mut changes = Vec::new();
    if !difference.people_added.is_empty() {
        changes.push(format!(
            "{} new: {}",
            plural(difference.people_added.len() as u64, "person"),
            named(&difference.people_added)
        ));
    }
    if !difference.people_gone.is_empty() {
        changes.push(format!(
            "{} gone: {}",
            plural(difference.people_gone.len() as u64, "person"),
            named(&difference.people_gone)
        ));
    }
    for (language, count) in &difference.letters_changed {
        changes.push(format!(
            "the letter in {language} reads differently for {}",
            plural(*count as u64, "person")
        ));
    }
    for file in &difference.images_changed {
        changes.push(format!("the image {file} is another"));
    }
    for (name, count) in &difference.files_changed {
        let people = plural(*count as u64, "person");
        changes.push(format!("the document {name} is another for {people}"));
    }
    if !difference.addresses_changed.is_empty() {
        changes.push(format!("written in another way: {}", named(&difference.addresses_changed)));
    }
    if difference.sender_changed {
        changes.push("the sender or the address for answers changed".to_owned());
    }
    changes
}

fn changes_as_line(difference: &Difference) -> String {
    changes(difference).join("; ")
}

fn changes_as_text(difference: &Difference, changed_lines: &str) -> String {
    let mut lines: Vec<String> = changes(difference).iter().map(|c| format!("  {c}")).collect();
    if lines.is_empty() {
        lines.push("  nothing for those who get a letter now".to_owned());
    }
    format!(
        "Changed since the plan that was confirmed:\n{}\n{changed_lines}Who has the letter keeps \
         it; the others get this one.",
        lines.join("\n")
    )
}
