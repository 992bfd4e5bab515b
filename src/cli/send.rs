//! `send`: plan, question, freeze, run, summary.
//!
//! # Invariants
//! Nothing is recorded and no connection opened before a person has confirmed the plan by its
//! number of letters or by its code. With any error nothing goes.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::chosen::chosen;
use super::confirm::{Confirmed, Shown, confirm};
use super::control::not_paused_in;
use super::drive::{Driven, drive};
use super::dry_run::{dry_run, no_plan_as_json, nobody};
use super::ending::{left_in_doubt, summed_up};
use super::failure::ledger_problem;
use super::freeze::freeze;
use super::hand_over::{self, Folder};
use super::meaning::Meanings;
use super::relay::relay;
use super::restored::{self, Counted};
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use super::ui::plural;
use crate::campaign::Campaign;
use crate::crash;
use crate::id::{CampaignId, DeliveryId};
use crate::ledger::{Ledger, LedgerError, LedgerWriter, LockError, RunLock};
use crate::limits::CLOCK_SET_BACK_SAID;
use crate::message::dkim::Dkim;
use crate::plan::contents::Which;
use crate::plan::objects::Objects;
use crate::plan::{Plan, Planned};
use crate::problem::{Problem, Problems};
use crate::rehearsal::remove_abandoned;
use crate::send::{Conditions, Needs, Patience, Selection};
use crate::transport::smtp::Relay;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Hands the letters to the mail server, or does everything but.
#[must_use]
pub(super) fn send(shell: &Shell, args: &Send) -> Answer {
    let nothing_to_plan = |problems| {
        let answer = Answer::failed(Exit::MustChange, problems);
        let json = if args.dry_run { no_plan_as_json() } else { standing::none_as_json(None) };
        Answer { json, ..answer }
    };
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return nothing_to_plan(problems),
    };
    let mut problems = Problems::new();
    let Some(campaign) = opened.campaign(args.campaign.as_deref(), &mut problems) else {
        return nothing_to_plan(problems);
    };
    if args.dry_run {
        return dry_run(shell, &opened, &campaign, args, problems);
    }
    really(shell, &opened, campaign, args, problems).unwrap_or_else(|answer| *answer)
}

/// Each step either goes on or ends the command with its answer.
type Step<T> = Result<T, Box<Answer>>;

fn ended<T>(exit: Exit, problem: Problem) -> Step<T> {
    Err(Box::new(Answer::one_problem(exit, problem)))
}

fn really(
    shell: &Shell,
    opened: &Opened,
    campaign: Campaign,
    args: &Send,
    mut problems: Problems,
) -> Step<Answer> {
    remove_abandoned(&shell.environment().temporary_folder());
    let plan = campaign.plan_only(shell.clock().date(), &mut problems);
    if plan.deliveries.is_empty() && !problems.has_errors() {
        problems.push(nobody(&campaign));
    }
    // Those of single people are for `check`: a run that goes on need not read them all again.
    campaign.look_into_documents(Which::OfEverybody, &mut problems);
    let target = match &args.hand_over {
        None => {
            let relay = relay(shell, opened, &plan, &mut problems);
            relay.map(|relay| Target::Relay(Box::new(relay)))
        }
        Some(typed) => {
            let both = (&campaign, &plan);
            hand_over::folder(opened, both, typed, &mut problems).map(Target::Folder)
        }
    };
    let (Some(target), false) = (target, problems.has_errors()) else {
        let answer = Answer::failed(Exit::MustChange, problems);
        let json = standing::none_as_json(Some(&campaign.id));
        return Err(Box::new(Answer { json, ..answer }));
    };
    let selection = match chosen(&campaign, &plan, args) {
        Ok(selection) => selection,
        Err(problem) => return ended(Exit::MustChange, problem),
    };
    shell.ui.show_problems(&problems);
    let mut confirmed = confirm(shell, opened, (&campaign, &plan), &selection, args, &target)?;
    // On a terminal they have been seen; JSON tells them with the result.
    let mut problems = if shell.ui.is_json { problems } else { Problems::new() };
    problems.append(std::mem::take(&mut confirmed.problems));
    let asked = Asked { selection, confirmed, problems };
    go(shell, opened, (campaign, plan), &target, args, asked)
}

/// Where letters go.
#[derive(Debug)]
pub(super) enum Target {
    /// To a mail server.
    Relay(Box<Relay>),
    /// Into a folder, for a mail server of somebody else.
    Folder(Folder),
}

impl Target {
    /// The folder, where it is one.
    pub(super) fn folder(&self) -> Option<&Folder> {
        match self {
            Target::Relay(_) => None,
            Target::Folder(folder) => Some(folder),
        }
    }
}

/// Freezes the plan, runs, and says how it stands. Lists, letters and documents in memory are let
/// go of before the run, which reads what was frozen: documents weigh more than all else together.
fn go(
    shell: &Shell,
    opened: &Opened,
    (campaign, plan): (Campaign, Plan),
    target: &Target,
    args: &Send,
    asked: Asked,
) -> Step<Answer> {
    let Asked { selection, confirmed, mut problems } = asked;
    let mut begun =
        begin(shell, opened, (&campaign, &plan), &selection, confirmed.shown, &mut problems)?;
    let needs = needs(&plan, &begun.ledger).map_err(ledger_failed)?;
    let id = plan.campaign.clone();
    let dkim = campaign.senders.default.dkim.clone();
    drop((campaign, plan));
    match target {
        Target::Folder(to) => {
            let (answer, is_whole) =
                hand_over::go(shell, &id, &dkim, selection, to, &mut begun, problems);
            let Begun { folder, lock, counted, ledger, .. } = begun;
            // The last to close the ledger folds its log into the file.
            drop(ledger);
            run_over(shell, &folder, lock, &counted, is_whole);
            Ok(answer)
        }
        Target::Relay(relay) => {
            let asked = Asked { selection, confirmed, problems };
            by_relay(shell, opened, (&id, &dkim), relay, patience(args), needs, begun, asked)
        }
    }
}

/// Hands the letters to the mail server.
#[allow(clippy::too_many_arguments)]
fn by_relay(
    shell: &Shell,
    opened: &Opened,
    (id, dkim): (&CampaignId, &Dkim),
    relay: &Relay,
    patience: Patience,
    needs: Needs,
    begun: Begun,
    asked: Asked,
) -> Step<Answer> {
    let Asked { selection, confirmed, mut problems } = asked;
    let Begun { folder, lock, counted, objects, ledger } = begun;
    let Some(reader) = Ledger::look(&folder).map_err(ledger_failed)? else {
        return ledger_vanished();
    };
    let writer = LedgerWriter::start(ledger).map_err(ledger_failed)?;
    // Where no relay is configured, none was found above.
    let habits = opened.config.relay.as_ref().map(|relay| relay.habits.clone());
    let habits = habits.unwrap_or_default();
    let conditions = Conditions {
        campaign: id,
        letters: selection,
        relay,
        connections: habits.connections,
        pacing: habits.pacing,
        objects: &objects,
        dkim,
        ledger: &reader,
        retry: opened.config.retry,
        clock: shell.clock(),
        patience,
        needs,
    };
    let outcome = match drive(shell, &conditions, &writer, confirmed.letters) {
        Driven::Ended(outcome) => Some(outcome),
        Driven::CutShort => {
            problems.push(cut_short(shell, &folder, &lock));
            None
        }
    };
    let standing = Standing::read_by_holder(&reader, id).and_then(|standing| {
        standing.with_limits(Some(&reader), &habits.pacing, shell.clock().now())
    });
    // The last to close the ledger folds its log into the file.
    drop(reader);
    run_over(shell, &folder, lock, &counted, !matches!(outcome, Some(Err(_))));
    let meanings = Meanings::of(&opened.config, id);
    let standing = standing.map(|standing| Standing { meanings, ..standing });
    Ok(summed_up(shell, outcome, standing, problems))
}

/// The end of a run: counted where the ledger has all of it, and the lock let go of.
fn run_over(shell: &Shell, folder: &Path, lock: RunLock, counted: &Counted, is_whole: bool) {
    crash::point("run-over");
    if is_whole {
        restored::end_run(shell, folder, &lock, counted);
        crash::point("run-ended");
    }
    drop(lock);
}

/// A run that holds its ledger, with the plan frozen in it, and may send.
pub(super) struct Begun {
    folder: PathBuf,
    pub(super) lock: RunLock,
    counted: Counted,
    pub(super) objects: Objects,
    pub(super) ledger: Ledger,
}

/// Takes the run lock, freezes the plan, and settles what an earlier run left.
fn begin(
    shell: &Shell,
    opened: &Opened,
    (campaign, plan): (&Campaign, &Plan),
    selection: &Selection,
    shown: Option<Shown>,
    problems: &mut Problems,
) -> Step<Begun> {
    let (folder, lock, mut ledger) = hold(shell, opened, problems)?;
    still_current(&ledger, plan, shown)?;
    not_paused_in(&ledger, &campaign.id)?;
    let memory = restored::level(shell, &ledger, problems)?;
    // What a computer that fails does to a file is met here, and not in the middle of the mailing.
    ledger.check(&lock).map_err(ledger_failed)?;
    let objects = Objects::within(&folder);
    freeze(campaign, plan, selection, &objects, &mut ledger, shell.clock(), shell.ui)?;
    let counted = restored::begin_run(&mut ledger, &lock, memory, problems)?;
    restored::keep_folder(shell, &opened.workspace, &ledger, &counted, problems)?;
    recover(shell, &mut ledger, &lock)?;
    let set_back = settle_clock(shell, &mut ledger, &lock, &campaign.id)?;
    set_back.into_iter().for_each(|problem| problems.push(problem));
    Ok(Begun { folder, lock, counted, objects, ledger })
}

/// The ledger under the run lock; made where there never was one.
fn hold(
    shell: &Shell,
    opened: &Opened,
    problems: &mut Problems,
) -> Step<(PathBuf, RunLock, Ledger)> {
    let folder = match opened.workspace.create_private_folder() {
        Ok(folder) => folder,
        Err(problem) => return ended(Exit::MustChange, problem),
    };
    in_a_shared_folder(opened, &folder).into_iter().for_each(|p| problems.push(p));
    let now = shell.clock().now();
    let lock = RunLock::take(&folder, &shell.environment().computer_name(), now);
    let lock = lock.or_else(|error| ended(lock_exit(&error), lock_problem(&error)))?;
    // Asked once more: only a ledger that never was is made.
    if restored::look(shell, &opened.workspace)?.is_none() {
        kept_beside(shell, opened, &folder).into_iter().for_each(|p| problems.push(p));
    }
    let ledger = Ledger::open(&folder, now).map_err(ledger_failed)?;
    Ok((folder, lock, ledger))
}

/// A ledger that came with its workspace into a folder that several computers see.
fn in_a_shared_folder(opened: &Opened, ledger: &Path) -> Option<Problem> {
    let service = opened.workspace.seen_elsewhere()?;
    ledger.starts_with(opened.workspace.root()).then(|| {
        let message = format!("the ledger lies in {service}, which may damage or double it");
        Problem::warning("ledger-synchronised", message).hint(
            "Move the workspace to a folder of this computer only, and send from nowhere else.",
        )
    })
}

/// Says once, when the ledger is made, that it is not in the workspace: whoever keeps a copy of the
/// workspace has none of it.
fn kept_beside(shell: &Shell, opened: &Opened, folder: &Path) -> Option<Problem> {
    if folder.starts_with(opened.workspace.root()) {
        return None;
    }
    let service = opened.workspace.seen_elsewhere().unwrap_or("a folder that others see");
    let message = format!(
        "this workspace is in {service}, so who has which letter is recorded on this computer only, \
         in {}",
        folder.display()
    );
    let hint = "Keep that folder with your backups, and send from this computer.";
    if !shell.ui.is_json {
        // On a screen notes are for those who ask for them.
        shell.ui.say(&format!("Note: {message}. {hint}"));
        return None;
    }
    Some(Problem::note("ledger-beside", message).hint(hint))
}

/// What a person was asked, and what was known then.
struct Asked {
    /// Which letters go in this run.
    selection: Selection,
    /// What they confirmed.
    confirmed: Confirmed,
    /// Warnings and notes they have seen.
    problems: Problems,
}

/// Between the question and the lock another run may have brought another plan; nobody was asked
/// about the step from that one to ours.
fn still_current(ledger: &Ledger, plan: &Plan, shown_against: Option<Shown>) -> Step<()> {
    let current = ledger.current_plan(&plan.campaign).map_err(ledger_failed)?;
    if Shown::still_fits(shown_against, current.as_ref(), plan) {
        return Ok(());
    }
    let message = match current.and_then(|c| c.withdrawn_at) {
        Some(_) => "the mailing was withdrawn in the meantime",
        None => "another plan was confirmed in the meantime",
    };
    let problem = Problem::error("plan-changed", message)
        .hint("Run secretariat send again: it shows what changed.");
    ended(Exit::MustChange, problem)
}

/// What an earlier run left in the moment of handing over.
fn recover(shell: &Shell, ledger: &mut Ledger, lock: &RunLock) -> Step<()> {
    let recovered = ledger.recover(lock, shell.clock().now()).map_err(ledger_failed)?;
    if !recovered.is_empty() {
        let letters = plural(recovered.len() as u64, "letter");
        shell
            .ui
            .say(&format!("{letters} in doubt: an earlier run was stopped while handing over."));
    }
    Ok(())
}

/// What a run that was ended at once left in the moment of handing over.
fn cut_short(shell: &Shell, folder: &Path, lock: &RunLock) -> Problem {
    let now = shell.clock().now();
    let recovered = Ledger::open(folder, now).and_then(|mut ledger| ledger.recover(lock, now));
    match recovered {
        Ok(letters) => left_in_doubt(&letters),
        // The next run looks again before it sends anything.
        Err(error) => ledger_problem(&error),
    }
}

/// What an earlier run left by a clock that was ahead of this one.
fn settle_clock(
    shell: &Shell,
    ledger: &mut Ledger,
    lock: &RunLock,
    campaign: &CampaignId,
) -> Step<Option<Problem>> {
    let now = shell.clock().now();
    let was = ledger.settle_clock(lock, campaign, now).map_err(ledger_failed)?;
    Ok(was.filter(|was| was.since(now) > CLOCK_SET_BACK_SAID).map(|was| {
        let message = format!(
            "the clock of this computer was set back: an earlier run recorded something at {}",
            standing::moment(was)
        );
        Problem::warning("clock-set-back", message).hint(
            "Look whether date and time are right now. What waits is tried again after its usual \
             wait, counted from now.",
        )
    }))
}

/// What the letters that are still to go need of the relay.
fn needs(plan: &Plan, ledger: &Ledger) -> Result<Needs, LedgerError> {
    let states: HashMap<_, _> = ledger.states(&plan.campaign)?.into_iter().collect();
    let is_open = |id: &DeliveryId| states.get(id).is_some_and(|s| s.is_open_to_plans());
    let goes = |d: &&Planned| d.all().any(|(id, _)| is_open(&id));
    let open: Vec<_> = plan.deliveries.iter().filter(goes).collect();
    // The message is one for all, so what the address of a copy needs the letter does.
    let mut addresses = open.iter().flat_map(|d| d.all().map(|(_, address)| address));
    Ok(Needs {
        largest_octets: open.iter().map(|d| d.octets).max().unwrap_or(0),
        smtputf8: addresses.find(|a| a.needs_smtputf8()).cloned(),
    })
}

pub(super) fn ledger_failed(error: crate::ledger::LedgerError) -> Box<Answer> {
    Box::new(Answer::one_problem(Exit::MustChange, ledger_problem(&error)))
}

fn ledger_vanished<T>() -> Step<T> {
    let problem = Problem::error("ledger", "the ledger was made and is gone again")
        .hint("Keep the workspace on a drive of this computer.");
    ended(Exit::MustChange, problem)
}

fn patience(args: &Send) -> Patience {
    match (args.wait, args.no_wait) {
        (true, _) => Patience::ToTheEnd,
        (_, true) => Patience::None,
        _ => Patience::Usual,
    }
}

fn lock_problem(error: &LockError) -> Problem {
    Problem::error("locked", error.to_string()).hint(error.hint())
}

/// Another run at work: the same command later; a drive that cannot lock: something must change.
fn lock_exit(error: &LockError) -> Exit {
    match error {
        LockError::Held { .. } => Exit::RunAgain,
        LockError::Failed { .. } => Exit::MustChange,
    }
}
