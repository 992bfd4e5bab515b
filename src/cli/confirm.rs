//! The question before sending: what would go, what changed since, and the typed number.
//!
//! # Invariants
//! The same plan as the ledger's goes on without a question. Any other needs the typed number of
//! letters on a terminal, or `--plan` with its code; so does the same plan once it was withdrawn.
//! Nothing is recorded here.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::changes::Changes;
use super::chosen::{Number, that_go};
use super::control::not_paused;
use super::failure::{Candidate, ledger_problem, must_change};
use super::hand_over;
use super::other_key::{Theirs, has_it_already};
use super::pace_line::pace_line;
use super::plan_screen::{Going, plan_screen};
use super::readdressed::states_before;
use super::restored;
use super::send::Target;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use super::ui::{Ui, plural, terminal_columns};
use crate::campaign::Campaign;
use crate::id::{DeliveryId, Fingerprint};
use crate::ledger::{Ledger, LedgerError, State, StoredDelivery, StoredPlan};
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::send::Selection;
use crate::send::pace::DAY;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::path::Path;

/// Characters of a typed plan code that are said again: the code with its dashes.
const CODE_CHARACTERS_SHOWN: usize = 14;

/// What the ledger knows of this campaign.
struct Before {
    standing: Standing,
    /// What changed since the current plan, where another plan is current.
    changes: Option<Changes>,
    /// The one person this is about, where it is one.
    person: Option<Person>,
    /// Letters and copies of this plan that nobody has yet.
    to_go: Number,
    /// Those of them that are meant now.
    chosen: Number,
    /// People who have the letter and are somebody else to this plan.
    again: Option<Problem>,
    /// People whom letters that went did not reach.
    missed: Problems,
    /// Who they are, and who gets none any more.
    going: Going,
    /// How long they take.
    pace: Option<String>,
    /// What is typed to do this.
    command: String,
    /// What is done with them.
    verb: &'static str,
}

/// The person of `--person WHO`: WHO may be part of a name, so the screen says whose letter it is.
struct Person {
    /// Name, address and row.
    who: Candidate,
    /// Their letter, as the ledger has it.
    delivery: Option<StoredDelivery>,
}

/// What a person has confirmed.
#[derive(Debug)]
pub(super) struct Confirmed {
    /// The plan that was current when they were asked: whoever holds the run lock later makes sure
    /// that it still is.
    pub shown: Option<Shown>,
    /// Letters and copies that go.
    pub letters: u64,
    /// What was said meanwhile, for whoever does not read a screen.
    pub problems: Problems,
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
    (campaign, plan): (&Campaign, &Plan),
    selection: &Selection,
    args: &Send,
    target: &Target,
) -> Result<Confirmed, Box<Answer>> {
    let ledger = restored::trusted(shell, &opened.workspace, &campaign.id)?;
    let folder = opened.workspace.private_folder().map_err(must_change)?;
    let mut before =
        read_before(&folder, ledger.as_ref(), opened, campaign, plan, selection, shell)
            .map_err(|error| must_change(ledger_problem(&error)))?;
    if let Some(folder) = target.folder() {
        before.pace = Some(format!("at once, as files in {}", folder.path));
        before.verb = "hand over";
        before.command = format!("secretariat send --hand-over \"{}\"", folder.path);
    }
    // What an earlier run left unfinished there: nobody is written to who was not before.
    let is_unfinished = before.chosen.total() == 0
        && target.folder().is_some_and(|f| f.is_unfinished(&before.standing));
    if let Some(code) = &args.plan
        && !plan.fingerprint.is_named_by(code)
    {
        let was_a_plan = was_a_plan(ledger.as_ref(), campaign, code)
            .map_err(|error| must_change(ledger_problem(&error)))?;
        let answer = wrong_code(plan, code, was_a_plan, &before);
        return Err(Box::new(Answer { json: before.standing.to_json(), ..answer }));
    }
    if let Some(problem) = before.again {
        let mut problems = before.missed;
        problems.push(problem);
        let answer = Answer::failed(Exit::MustChange, problems);
        return Err(Box::new(Answer { json: before.standing.to_json(), ..answer }));
    }
    // Asked with the ledger closed: a person thinks as long as they like.
    drop(ledger);
    let Standing { fingerprint: current, withdrawn_at, confirmed_at, .. } = before.standing;
    let is_confirmed =
        current == Some(plan.fingerprint) && withdrawn_at.is_none() && confirmed_at.is_some();
    if let (Some(person), 0, false) = (&before.person, before.chosen.total(), is_unfinished) {
        return Err(Box::new(not_for_them(person, &before.standing, shell.clock().now())));
    }
    let is_all_gone = before.to_go.total() == 0 && before.standing.waiting() == 0;
    if current.is_some() && is_all_gone && !is_unfinished {
        return Err(Box::new(everybody_has_it(before, plan, shell)));
    }
    if before.chosen.total() == 0 && *selection != Selection::All && !is_unfinished {
        return Err(Box::new(nothing_of_it(before.standing)));
    }
    not_paused(&before.standing)?;
    shell.ui.show_problems(&before.missed);
    if !is_confirmed && args.plan.is_none() && !is_unfinished {
        ask(shell, campaign, plan, &before)?;
    } else if let Some(person) = &before.person {
        shell.ui.say(&only_theirs(person, &before.standing));
    }
    let shown = current.map(|fingerprint| Shown { fingerprint, withdrawn_at });
    // On a terminal they have been seen.
    let problems = if shell.ui.is_json { before.missed } else { Problems::new() };
    Ok(Confirmed { shown, letters: before.chosen.total(), problems })
}

/// What goes of one person's letter: `letter`, `letter with 2 copies`, `copy of the letter`.
fn letter_in_words(before: &Before) -> String {
    match before.chosen {
        Number { copies: 0, .. } => "letter".to_owned(),
        Number { letters: 0, copies: 1 } => "copy of the letter".to_owned(),
        Number { letters: 0, .. } => "copies of the letter".to_owned(),
        Number { copies, .. } => format!("letter with {}", plural(copies, "copy")),
    }
}

/// Whose letter goes, and that of a withdrawn mailing nobody else's does.
fn only_theirs(person: &Person, standing: &Standing) -> String {
    let others = match standing.withdrawn_at {
        Some(_) => " The others stay withdrawn.",
        None => "",
    };
    format!("Only the letter to {}.{others}", person.who)
}

/// The one person who was asked for has the letter, or nothing of it waits.
fn not_for_them(person: &Person, standing: &Standing, now: Timestamp) -> Answer {
    let who = &person.who;
    let state = person.delivery.as_ref().map(|d| (d.state, d.updated_at));
    let since = |at: Timestamp| match at.local_date() == now.local_date() {
        true => at.local_time(),
        false => standing::moment(at),
    };
    let message = match state {
        Some((State::Accepted, at)) => format!("{who} has it since {}", since(at)),
        Some((state, _)) => format!("the letter to {who} is {state} and does not wait"),
        None => format!("no letter to {who} waits"),
    };
    let problem = Problem::warning("nothing-to-send", format!("{message}; nothing was sent"))
        .hint(format!("See secretariat why {}.", who.address));
    let exit = if standing.for_a_person() > 0 { Exit::NeedsAPerson } else { Exit::Done };
    Answer { json: standing.to_json(), ..Answer::one_problem(exit, problem) }
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
        Some(ledger) => states_before(ledger, campaign, plan)?,
        None => HashMap::new(),
    };
    let goes = |id: &DeliveryId| states.get(id).is_none_or(|s| s.is_open_to_plans());
    let to_go = Number::of(that_go(plan, &Selection::All, goes));
    let chosen = Number::of(that_go(plan, selection, goes));
    let day = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
    let earlier = ledger.map(|l| l.acceptances_since(day, now)).transpose()?;
    let relay = opened.config.relay.as_ref();
    let pace = pace_line(relay, chosen.total(), &earlier.unwrap_or_default(), now);
    // A withdrawn plan may be the very same: then nothing differs, and it is asked about all the
    // same.
    let date = shell.clock().date();
    // Who has a letter keeps it: to them nothing has changed. Where all have one, that is what is
    // said.
    let is_told = |id: &DeliveryId| to_go.total() == 0 || goes(id);
    let changes = match ledger {
        Some(ledger) => Changes::since_the_current(ledger, folder, campaign, plan, date, is_told)?,
        None => None,
    };
    let person = person_of(campaign, plan, selection, ledger)?;
    let (mut again, mut missed) = (None, Problems::new());
    if let Some(ledger) = ledger.filter(|_| !states.is_empty()) {
        let theirs = Theirs::of(ledger, &campaign.id, &campaign.people);
        // The plan that is current was asked about when it became so.
        if standing.fingerprint != Some(plan.fingerprint) {
            again = has_it_already(&theirs.again()?);
        }
        theirs.missed()?.problems().into_iter().for_each(|problem| missed.push(problem));
    }
    let going = Going::of(plan, &states, selection);
    let command = "secretariat send".to_owned();
    Ok(Before {
        standing,
        changes,
        person,
        to_go,
        chosen,
        again,
        missed,
        going,
        pace,
        command,
        verb: "send",
    })
}

/// The one person that a choice of letters is about.
fn person_of(
    campaign: &Campaign,
    plan: &Plan,
    selection: &Selection,
    ledger: Option<&Ledger>,
) -> Result<Option<Person>, LedgerError> {
    let Selection::Only(ids) = selection else { return Ok(None) };
    let Some(planned) = plan.deliveries.iter().find(|d| ids.contains(&d.id)) else {
        return Ok(None);
    };
    let recipient = &campaign.people.recipients[planned.recipient];
    let (address, name) = (recipient.address.as_str(), recipient.name.as_deref());
    let who = Candidate::new(address, name, Some(&recipient.place));
    let delivery = ledger.map(|ledger| ledger.delivery(&planned.id)).transpose()?.flatten();
    Ok(Some(Person { who, delivery }))
}

/// Whether a plan of this campaign that is in the ledger ever had a code.
fn was_a_plan(
    ledger: Option<&Ledger>,
    campaign: &Campaign,
    code: &str,
) -> Result<bool, LedgerError> {
    let Some(ledger) = ledger else { return Ok(false) };
    Ok(ledger.fingerprints(&campaign.id)?.iter().any(|plan| plan.is_named_by(code)))
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
    if let Some(changes) = &before.changes {
        shell.ui.show(&changes.as_text());
    }
    if let Some(person) = &before.person {
        shell.ui.show(&only_theirs(person, &before.standing));
    }
    if !shell.ui.can_ask() {
        let answer = not_confirmed(plan, before, shell.ui);
        return Err(Box::new(Answer { json: before.standing.to_json(), ..answer }));
    }
    let part = match (&before.person, before.chosen == before.to_go) {
        (Some(person), _) => format!(" the {} to {}", letter_in_words(before), person.who.address),
        (None, true) if before.chosen.letters == 0 => " the copies".to_owned(),
        (None, true) => String::new(),
        (None, false) => format!(" only {}", before.chosen.in_words()),
    };
    let typed = before.chosen.typed();
    let question = format!("Type {typed} to {}{part}, Enter to stop:", before.verb);
    typed_number(shell.ui, &question, typed, "nothing was sent").map_err(must_change)
}

/// Asks for a number of letters: whoever types it has read it.
///
/// # Errors
/// `not-confirmed` for anything else, with what that left undone.
pub(super) fn typed_number(
    ui: Ui,
    question: &str,
    count: u64,
    undone: &str,
) -> Result<(), Problem> {
    let typed = ui.ask(question).unwrap_or_default();
    if typed.replace([',', ' ', '.'], "") == count.to_string() {
        return Ok(());
    }
    let message = match typed.is_empty() {
        true => format!("stopped; {undone}"),
        false => format!("{typed:?} is not {count}; {undone}"),
    };
    Err(Problem::error("not-confirmed", message))
}

/// Nobody can be asked: a first plan is a bad command line, a changed one must be looked at.
fn not_confirmed(plan: &Plan, before: &Before, ui: Ui) -> Answer {
    let code = plan.fingerprint.plan_code();
    let hint = format!(
        "Look at it with secretariat send --dry-run, then run {} --plan {code}.",
        before.command
    );
    match &before.changes {
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
        Some(changes) => {
            let message = "the plan has changed since it was confirmed";
            // On a screen the changes have just been listed.
            let message = match ui.is_json {
                true => format!("{message}: {}", changes.as_line()),
                false => message.to_owned(),
            };
            let problem = Problem::error("plan-changed", message).hint(hint);
            Answer::one_problem(Exit::MustChange, problem)
        }
    }
}

fn wrong_code(plan: &Plan, typed: &str, was_a_plan: bool, before: &Before) -> Answer {
    let code = plan.fingerprint.plan_code();
    // A whole fingerprint would fill the line.
    let typed: String = typed.chars().take(CODE_CHARACTERS_SHOWN).collect();
    let changed = match &before.changes {
        Some(changes) => format!(": {}", changes.as_line()),
        None => String::new(),
    };
    let (message, why) = match was_a_plan {
        true => (
            format!("the plan is {code}, not {typed}{changed}"),
            "Lists, letters, documents or settings are others than those of that plan.",
        ),
        false => (
            format!("no confirmed plan of {} has the code {typed}", plan.campaign),
            "It is mistyped, or something has changed since the code was shown.",
        ),
    };
    let hint = format!(
        "{why} Look at the plan as it is now with secretariat send --dry-run, then run {} --plan {code}.",
        before.command
    );
    Answer::one_problem(Exit::MustChange, Problem::error("plan-changed", message).hint(hint))
}

fn everybody_has_it(before: Before, plan: &Plan, shell: &Shell) -> Answer {
    let Before { standing, changes, missed, .. } = before;
    let standing = standing.beside(plan);
    let exit = if standing.for_a_person() > 0 { Exit::NeedsAPerson } else { Exit::Done };
    let answer = standing::answer(&standing, shell);
    let accepted = standing.accepted_by();
    let when = standing.confirmed_at.map(|t| format!(" on {}", t.local_date())).unwrap_or_default();
    // Said on the same day, the first sentence could be taken for this run's own work.
    let unread = changes.map(|changes| {
        format!(
            "Nothing goes now: everybody has the earlier letter, and what changed since reaches \
             nobody ({}).\n",
            changes.as_line()
        )
    });
    let heading = format!(
        "{} went to {accepted}{when}. Another letter: secretariat new NAME\n{}",
        standing.campaign,
        unread.unwrap_or_default()
    );
    let text = match (exit, standing.counts.of(State::Accepted)) {
        (Exit::Done, _) => heading,
        (_, 0) => answer.text.clone(),
        _ => heading + &answer.text,
    };
    let mut problems = missed;
    hand_over::do_not_go_again(&standing).into_iter().for_each(|problem| problems.push(problem));
    Answer { exit, text, ..answer.with_problems(problems) }
}
