//! `resolve`: a person settles what the program cannot know.
//!
//! # Invariants
//! One letter in doubt at a time, named by who it is for, or all that were handed over to one
//! folder; anything else changes nothing. Owning a
//! restored ledger is for all letters in it at once, and only while no run is at work.

use super::answer::{Answer, Exit};
use super::args::Resolve;
use super::failure::{ledger_problem, must_change, several};
use super::hand_over::Folder;
use super::restored::{self, recalled};
use super::shell::{Opened, Shell};
use super::standing::Standing;
use super::ui::{one_line, plural};
use super::why;
use crate::ledger::{ChangeError, Ledger, LedgerError, Resolution, RunLock, State, StoredDelivery};
use crate::problem::{Problem, Problems};
use crate::recipients::select;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// Letters named before the rest is counted.
const NAMED_MAX: usize = 10;

type Step<T> = Result<T, Box<Answer>>;

/// Settles one uncertain letter, or a whole restored ledger.
#[must_use]
pub(super) fn resolve(shell: &Shell, args: &Resolve) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    // Said again on screens, where it must stay on its line.
    let reason = one_line(&args.reason);
    let resolved = if reason.is_empty() {
        let problem = Problem::error("usage", "the reason is empty")
            .hint("Say how you know, for whoever asks later.");
        ended(Exit::BadCommandLine, problem)
    } else if let Some(folder) = &args.handed_over {
        whole_folder(shell, &opened, folder, args, &reason)
    } else if let Some(who) = &args.who {
        one(shell, &opened, who, args, &reason)
    } else {
        all(shell, &opened, &reason)
    };
    resolved.unwrap_or_else(|answer| *answer)
}

fn one(shell: &Shell, opened: &Opened, who: &str, args: &Resolve, reason: &str) -> Step<Answer> {
    let folder = opened.workspace.private_folder().map_err(must_change)?;
    let looked = restored::look(shell, &opened.workspace)?;
    if let Some(named) = &args.campaign {
        is_a_mailing(opened, looked.as_ref(), named)?;
    }
    let Some(looked) = looked else { return nothing_yet() };
    let found = looked.deliveries_of(who).map_err(failed)?;
    // What no run is handing over any more was left there by one that was stopped.
    let is_left = !RunLock::is_held(&looked);
    drop(looked);
    let found = select::narrowed(who, found, |d| (&d.address, d.name.as_deref()));
    let is_wanted = |d: &StoredDelivery| {
        args.campaign.as_deref().is_none_or(|c| d.campaign.as_str() == c)
            && args.letter_to.as_deref().is_none_or(|to| is_letter_to(to, d))
    };
    let delivery = meant(who, found, is_wanted, is_left)?;
    let resolution = if args.accepted { Resolution::Accepted } else { Resolution::Resend };
    let now = shell.clock().now();
    let mut ledger = Ledger::open(&folder, now).map_err(failed)?;
    if delivery.state == State::Attempting {
        recover(shell, &folder, &mut ledger)?;
    }
    ledger.resolve(&delivery.id, resolution, reason, now).map_err(not_changed)?;
    let settled = ledger.delivery(&delivery.id).map_err(failed)?.unwrap_or(delivery);
    let campaign = settled.campaign.clone();
    let known = why::known(&ledger, settled).map_err(failed)?;
    let next = match resolution {
        Resolution::Accepted => "Settled: the mail server has it.\n".to_owned(),
        Resolution::Resend => {
            format!("Settled: it waits again. Next: secretariat send {campaign}.\n")
        }
    };
    let told = why::told(who, vec![known], None, &[]);
    Ok(Answer { text: format!("{}{next}", told.text), ..told })
}

/// All letters in doubt of a hand-over. What was broken off may lack its file: nobody can say that
/// it was accepted with the others.
fn whole_folder(
    shell: &Shell,
    opened: &Opened,
    typed: &Path,
    args: &Resolve,
    reason: &str,
) -> Step<Answer> {
    let folder = opened.workspace.private_folder().map_err(must_change)?;
    let Some(looked) = restored::look(shell, &opened.workspace)? else { return nothing_yet() };
    let named = Folder::named(typed).map_err(must_change)?.path;
    if let Some(campaign) = &args.campaign {
        is_a_mailing(opened, Some(&looked), campaign)?;
    }
    let is_left = !RunLock::is_held(&looked);
    let mut doubted = looked.handed_over_to(&named, None).map_err(failed)?;
    drop(looked);
    doubted.retain(|d| is_doubted(d, is_left));
    doubted.retain(|d| args.campaign.as_deref().is_none_or(|c| d.campaign.as_str() == c));
    let mailings: BTreeSet<&str> = doubted.iter().map(|d| d.campaign.as_str()).collect();
    if mailings.len() > 1 {
        let mailings: Vec<&str> = mailings.into_iter().collect();
        let message = format!("{named} has letters in doubt of {}", mailings.join(", "));
        let problem = Problem::error("several", message).hint("Name one with --campaign.");
        return ended(Exit::MustChange, problem);
    }
    let Some(campaign) = doubted.first().map(|d| d.campaign.clone()) else {
        let message = format!("no letter in doubt was handed over to {named}");
        let problem = Problem::error("not-uncertain", message)
            .hint("secretariat status names the folders that letters were handed over to.");
        return ended(Exit::MustChange, problem);
    };
    let is_broken_off = |d: &StoredDelivery| d.hand_over().is_some_and(|to| !to.is_finished);
    if args.accepted && doubted.iter().any(is_broken_off) {
        let message = format!("the hand-over to {named} was broken off and is not finished");
        let hint = format!("Run secretariat send {campaign} --hand-over \"{named}\" first.");
        return ended(Exit::MustChange, Problem::error("not-finished", message).hint(hint));
    }
    let now = shell.clock().now();
    let mut ledger = Ledger::open(&folder, now).map_err(failed)?;
    if doubted.iter().any(|d| d.state == State::Attempting) {
        recover(shell, &folder, &mut ledger)?;
    }
    let resolution = if args.accepted { Resolution::Accepted } else { Resolution::Resend };
    let ids: Vec<_> = doubted.iter().map(|d| d.id).collect();
    let settled = ledger.resolve_all(&ids, resolution, reason, now).map_err(failed)?;
    let letters = plural(settled, "letter");
    let text = match resolution {
        Resolution::Accepted => format!("Settled: {letters} went from {named}.\n"),
        Resolution::Resend => format!(
            "Settled: {letters} wait again. Remove the files in {named}, or they may go twice. \
             Next: secretariat send {campaign}.\n"
        ),
    };
    let standing = Standing::read(Some(&ledger), &campaign).map_err(failed)?;
    let answer = Answer { json: standing.to_json(), ..Answer::done(text) };
    Ok(answer.with("settled", json!(settled)))
}

/// Whether nobody knows what became of it; `is_left`: those on their way are such, for no run is at
/// work.
fn is_doubted(delivery: &StoredDelivery, is_left: bool) -> bool {
    match delivery.state {
        State::Uncertain => true,
        State::Attempting => is_left,
        _ => false,
    }
}

/// A name that is mistyped is no reason to say that nobody is meant.
fn is_a_mailing(opened: &Opened, ledger: Option<&Ledger>, named: &str) -> Step<()> {
    let known = ledger.map(Ledger::campaigns).transpose().map_err(failed)?.unwrap_or_default();
    let is_known = known.iter().any(|c| c.as_str() == named);
    if is_known {
        return Ok(());
    }
    opened.campaign_id(Some(named)).map(drop).map_err(must_change)
}

/// Letters that a run which was stopped left in the moment of handing over become uncertain, as at
/// the start of the next run.
fn recover(shell: &Shell, folder: &Path, ledger: &mut Ledger) -> Step<()> {
    let lock = take_lock(shell, folder)?;
    ledger.recover(&lock, shell.clock().now()).map(drop).map_err(failed)
}

/// The one letter in doubt among all that fit; `is_left`: those on their way are, for no run is at
/// work.
fn meant(
    who: &str,
    found: Vec<StoredDelivery>,
    is_wanted: impl Fn(&StoredDelivery) -> bool,
    is_left: bool,
) -> Step<StoredDelivery> {
    let is_doubted = |d: &StoredDelivery| is_doubted(d, is_left);
    let found: Vec<StoredDelivery> = found.into_iter().filter(is_wanted).collect();
    let (mut doubted, settled): (Vec<_>, Vec<_>) = found.into_iter().partition(is_doubted);
    let addresses: BTreeSet<&str> = doubted.iter().map(|d| d.address.as_str()).collect();
    if addresses.len() > 1 || why::are_several(&doubted) {
        return ended(Exit::MustChange, several(who, doubted.iter().map(why::candidate)));
    }
    let mailings: BTreeSet<&str> = doubted.iter().map(|d| d.campaign.as_str()).collect();
    if doubted.len() > 1 && mailings.len() == 1 {
        return ended(Exit::MustChange, several_letters(who, &doubted));
    }
    if doubted.len() > 1 {
        let mailings: Vec<&str> = doubted.iter().map(|d| d.campaign.as_str()).collect();
        let message = format!("{who:?} has letters in doubt of {}", mailings.join(", "));
        let problem = Problem::error("several", message).hint("Name one with --campaign.");
        return ended(Exit::MustChange, problem);
    }
    match doubted.pop() {
        Some(one) => Ok(one),
        None if settled.is_empty() => nobody(who),
        None => not_uncertain(&settled),
    }
}

/// Whether a delivery is the letter to somebody, or a copy of it.
fn is_letter_to(who: &str, delivery: &StoredDelivery) -> bool {
    let (address, name) = match &delivery.copy_of {
        Some(letter) => (&letter.address, letter.name.as_deref()),
        None => (&delivery.address, delivery.name.as_deref()),
    };
    select::matches(who, address.as_str(), name)
}

/// One address has several of a mailing in doubt: copies of different people's letters.
fn several_letters(who: &str, doubted: &[StoredDelivery]) -> Problem {
    let letter = |d: &StoredDelivery| match &d.copy_of {
        Some(letter) => format!("a copy of the letter to {}", letter.address),
        None => "the letter of its own".to_owned(),
    };
    let named: Vec<String> = doubted.iter().take(NAMED_MAX).map(letter).collect();
    let more = doubted.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("{who:?} has several in doubt: {}{more}", named.join(", "));
    Problem::error("several", message).hint("Name one by whose letter it is, with --letter-to WHO.")
}

fn not_uncertain(settled: &[StoredDelivery]) -> Step<StoredDelivery> {
    let named = settled.iter().take(NAMED_MAX);
    let named: Vec<String> =
        named.map(|d| format!("{} of {} is {}", d.address, d.campaign, d.state)).collect();
    let more = settled.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("no letter in doubt: {}{more}", named.join(", "));
    let problem = Problem::error("not-uncertain", message)
        .hint("Only uncertain letters are settled; secretariat status names them.");
    ended(Exit::MustChange, problem)
}

/// What no doubt in the ledger can protect.
const NOT_IN_IT: &str = "People who were added to the lists after this ledger was saved, and mailings \
                         that were begun after it, are not in it at all, and send would write to \
                         them: leave them out until you know whether they have their letter.";

fn all(shell: &Shell, opened: &Opened, reason: &str) -> Step<Answer> {
    let folder = opened.workspace.private_folder().map_err(must_change)?;
    if restored::look(shell, &opened.workspace)?.is_none() {
        let problem = Problem::error("no-ledger", "there is no ledger here")
            .hint("Restore the folder .secretariat from your backup first.");
        return ended(Exit::MustChange, problem);
    }
    let now = shell.clock().now();
    // A run holds letters that are under way; only without one is every state its last.
    let lock = take_lock(shell, &folder)?;
    let mut ledger = Ledger::open(&folder, now).map_err(failed)?;
    let mut problems = Problems::new();
    let (memory, remembered) = recalled(shell, &ledger, &mut problems)?;
    let (doubted, runs) = ledger.own_as_restored(&lock, remembered, reason, now).map_err(failed)?;
    if let Some(Err(error)) = memory.map(|memory| memory.keep(runs)) {
        problems.push(Problem::warning("run-memory", error.to_string()));
    }
    let next = if doubted > 0 {
        "Next: secretariat status names them; settle each with secretariat resolve WHO."
    } else {
        "Nothing in it was waiting or withdrawn."
    };
    let text = format!("{} in doubt now. {next}\n{NOT_IN_IT}\n", plural(doubted, "letter"));
    Ok(Answer::done(text).with("uncertain", json!(doubted)).with_problems(problems))
}

fn take_lock(shell: &Shell, folder: &Path) -> Step<RunLock> {
    let lock = RunLock::take(folder, &shell.environment().computer_name(), shell.clock().now());
    lock.or_else(|error| {
        let problem = Problem::error("locked", error.to_string()).hint(error.hint());
        ended(Exit::MustChange, problem)
    })
}

fn nothing_yet<T>() -> Step<T> {
    let problem = Problem::error("nobody", "nothing was sent from here yet: no letter is in doubt")
        .hint("Look at the plan with secretariat send --dry-run.");
    ended(Exit::MustChange, problem)
}

fn nobody<T>(who: &str) -> Step<T> {
    let problem = Problem::error("nobody", format!("nobody in the ledger is {who:?}"))
        .hint("Write an address, or a part of a name or address as it stands in the list.");
    ended(Exit::MustChange, problem)
}

fn ended<T>(exit: Exit, problem: Problem) -> Step<T> {
    Err(Box::new(Answer::one_problem(exit, problem)))
}

fn failed(error: LedgerError) -> Box<Answer> {
    must_change(ledger_problem(&error))
}

/// Somebody else has just settled it, or the ledger cannot be written.
fn not_changed(error: ChangeError) -> Box<Answer> {
    match error {
        ChangeError::Ledger(error) => failed(error),
        ChangeError::Refused(refusal) => {
            let problem = Problem::error("not-uncertain", refusal.to_string())
                .hint("It has just changed: see secretariat why.");
            Box::new(Answer::one_problem(Exit::MustChange, problem))
        }
    }
}
