//! `send`: plan, question, freeze, run, summary.
//!
//! # Invariants
//! Nothing is recorded and no connection opened before a person has confirmed the plan by its
//! number of letters or by its code. With any error nothing goes.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::confirm::{Shown, confirm};
use super::control::not_paused_in;
use super::dry_run::{dry_run, no_plan_as_json, nobody};
use super::failure::{frozen_problem, ledger_problem};
use super::freeze::freeze;
use super::progress::Watcher;
use super::relay::relay;
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use super::ui::plural;
use crate::campaign::Campaign;
use crate::ledger::{Ledger, LedgerError, LedgerWriter, LockError, RunLock, State};
use crate::plan::objects::Objects;
use crate::plan::{Plan, Planned};
use crate::problem::{Problem, Problems};
use crate::send::Halt;
use crate::send::{Broken, Conditions, Ended, Needs, Patience, RunError, Selection, Stopped, run};
use crate::transport::smtp::Relay;
use std::collections::HashMap;
use std::convert::Infallible;

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
        return dry_run(shell, opened.workspace.root(), &campaign, args, problems);
    }
    really(shell, &opened, &campaign, args, problems).unwrap_or_else(|answer| *answer)
}

/// Each step either goes on or ends the command with its answer.
type Step<T> = Result<T, Box<Answer>>;

fn ended<T>(exit: Exit, problem: Problem) -> Step<T> {
    Err(Box::new(Answer::one_problem(exit, problem)))
}

fn really(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    args: &Send,
    mut problems: Problems,
) -> Step<Answer> {
    let Ok(plan) = campaign.plan(shell.clock().date(), &mut problems, |_| Ok::<(), Infallible>(()));
    if plan.deliveries.is_empty() && !problems.has_errors() {
        problems.push(nobody(campaign));
    }
    let relay = relay(shell, opened, campaign, &plan, &mut problems);
    let (Some(relay), false) = (relay, problems.has_errors()) else {
        let answer = Answer::failed(Exit::MustChange, problems);
        let json = standing::none_as_json(Some(&campaign.id));
        return Err(Box::new(Answer { json, ..answer }));
    };
    shell.ui.show_problems(&problems);
    let shown_against = confirm(shell, opened, campaign, &plan, args)?;
    // On a terminal they have been seen; JSON tells them with the result.
    let problems = if shell.ui.is_json { problems } else { Problems::new() };
    go(shell, opened, campaign, &plan, &relay, args, Asked { shown_against, problems })
}

/// Freezes the plan, runs, and says how it stands.
fn go(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    relay: &Relay,
    args: &Send,
    asked: Asked,
) -> Step<Answer> {
    let Asked { shown_against, mut problems } = asked;
    let folder = match opened.workspace.create_private_folder() {
        Ok(folder) => folder,
        Err(problem) => return ended(Exit::MustChange, problem),
    };
    let now = shell.clock().now();
    let lock = RunLock::take(&folder, &shell.environment().computer_name(), now);
    let lock = lock.or_else(|error| ended(lock_exit(&error), lock_problem(&error)))?;
    let mut ledger = Ledger::open(&folder, now).map_err(ledger_failed)?;
    still_current(&ledger, plan, shown_against)?;
    not_paused_in(&ledger, &campaign.id)?;
    let counted = restored::begin_run(shell, &mut ledger, &lock, &mut problems)?;
    let objects = Objects::within(&folder);
    freeze(campaign, plan, &objects, &mut ledger, shell.clock(), shell.ui)?;
    recover(shell, &mut ledger, &lock)?;
    let Some(reader) = Ledger::look(&folder).map_err(ledger_failed)? else {
        return ledger_vanished();
    };
    let writer = LedgerWriter::start(ledger).map_err(ledger_failed)?;
    let needs = needs(campaign, plan, &reader).map_err(ledger_failed)?;
    // Where no relay is configured, none was found above.
    let habits = opened.config.relay.as_ref().map(|relay| relay.habits.clone());
    let habits = habits.unwrap_or_default();
    let conditions = Conditions {
        campaign: &campaign.id,
        letters: Selection::All,
        relay,
        connections: habits.connections,
        pacing: habits.pacing,
        objects: &objects,
        ledger: &reader,
        retry: opened.config.retry,
        clock: shell.clock(),
        patience: patience(args),
        needs,
        hurry: 1,
    };
    let outcome = drive(shell, &conditions, &writer, &reader);
    if outcome.is_ok() {
        restored::end_run(shell, &folder, &lock, &counted);
    }
    let standing = Standing::read(Some(&reader), &campaign.id);
    drop(lock);
    Ok(summed_up(outcome, standing, problems))
}

/// What a person was asked, and what was known then.
struct Asked {
    /// The plan that was current when they were asked.
    shown_against: Option<Shown>,
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

/// What the letters that are still to go need of the relay.
fn needs(campaign: &Campaign, plan: &Plan, ledger: &Ledger) -> Result<Needs, LedgerError> {
    let states: HashMap<_, _> = ledger.states(&campaign.id)?.into_iter().collect();
    let goes = |d: &&Planned| states.get(&d.id).is_some_and(|s| s.is_open_to_plans());
    let open: Vec<_> = plan.deliveries.iter().filter(goes).collect();
    let address = |d: &&Planned| &campaign.people.recipients[d.recipient].address;
    Ok(Needs {
        largest_octets: open.iter().map(|d| d.octets).max().unwrap_or(0),
        smtputf8: open.iter().map(address).find(|a| a.needs_smtputf8()).cloned(),
    })
}

fn ledger_failed(error: crate::ledger::LedgerError) -> Box<Answer> {
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

/// Runs on tokio, with a progress line and Ctrl-C.
fn drive(
    shell: &Shell,
    conditions: &Conditions<'_>,
    writer: &LedgerWriter,
    reader: &Ledger,
) -> Result<Ended, Broken> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Broken {
            errors: vec![RunError::Runtime(error)],
            something_went: false,
        })?;
    runtime.block_on(async {
        let stop = super::signals::stop_on_interrupt(shell.ui);
        let due = reader
            .counts(conditions.campaign)
            .map(|c| c.of(State::Planned) + c.of(State::Deferred));
        let relay = format!("{}:{}", conditions.relay.host, conditions.relay.port);
        let mut watcher = Watcher::new(shell.ui, due.unwrap_or(0), &relay);
        let ended = run(conditions, writer, stop, &mut |progress| watcher.see(&progress)).await;
        watcher.finish();
        if let Err(error) = writer.clone().close().await {
            // What was answered to a letter is durable already; only the closing failed.
            shell.ui.say(&error.to_string());
        }
        ended
    })
}

/// What the run came to, with the exit code of the contract.
fn summed_up(
    outcome: Result<Ended, Broken>,
    standing: Result<Standing, LedgerError>,
    mut problems: Problems,
) -> Answer {
    // What the relay said of a letter must be on the screen, above all where the ledger fails.
    match &outcome {
        Ok(ended) => problems_of(&ended.stopped).into_iter().for_each(|p| problems.push(p)),
        Err(broken) => broken.errors.iter().for_each(|e| problems.push(broken_problem(e))),
    }
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => {
            problems.push(ledger_problem(&error));
            return Answer::failed(Exit::MustChange, problems);
        }
    };
    let exit = match &outcome {
        Ok(ended) => exit_of(ended, &standing),
        Err(broken) if broken.something_went => Exit::RunAgain,
        Err(_) => Exit::MustChange,
    };
    Answer { exit, ..standing::answer(&standing) }.with_problems(problems)
}

fn broken_problem(error: &RunError) -> Problem {
    match error {
        RunError::Object(object) => frozen_problem(object),
        other => Problem::error("ledger", other.to_string())
            .hint("Make room on the disk or check its health, then run the same command again."),
    }
}

/// Exit codes: the first that applies of 70, 3, 4, 1, 0.
fn exit_of(ended: &Ended, standing: &Standing) -> Exit {
    match &ended.stopped {
        Stopped::Halted(Halt::Unsendable, _) => Exit::Bug,
        Stopped::Halted(..) if !ended.something_went => Exit::MustChange,
        _ if standing.waiting() > 0 => Exit::RunAgain,
        _ if standing.for_a_person() > 0 => Exit::NeedsAPerson,
        _ => Exit::Done,
    }
}

fn problems_of(stopped: &Stopped) -> Option<Problem> {
    match stopped {
        Stopped::Complete | Stopped::WaitingUntil(_) => None,
        Stopped::DailyLimit(until) => Some(Problem::warning(
            "daily-limit",
            format!(
                "[relay] daily_limit is reached; letters may go again on {}, {}",
                until.local_date(),
                until.local_time()
            ),
        )),
        Stopped::RelayLimit(until, words) => Some(Problem::warning(
            "relay-limit",
            format!(
                "the mail server has a limit: {words}; the letters that wait may go on {}, {}",
                until.local_date(),
                until.local_time()
            ),
        )),
        Stopped::Paused => Some(
            Problem::warning("paused", "the mailing is paused")
                .hint("secretariat resume lets it go on; then run secretariat send."),
        ),
        Stopped::Interrupted => {
            Some(Problem::note("interrupted", "stopped as asked; letters under way were finished"))
        }
        Stopped::Halted(halt, words) => {
            let (what, hint) = halt.explained();
            Some(Problem::error(halt.code(), format!("{what}: {words}")).hint(hint))
        }
        Stopped::RelayUnreachable(words) => Some(
            Problem::error(
                "relay-unreachable",
                format!("the mail server cannot be used now: {words}"),
            )
            .hint(
                "Check [relay] url and your network, then run the same command again; \
                       nothing is lost.",
            ),
        ),
    }
}
