//! `send`: plan, question, freeze, run, summary.
//!
//! # Invariants
//! Nothing is recorded and no connection opened before a person has confirmed the plan by its
//! number of letters or by its code. With any error nothing goes.

use super::answer::{Answer, Exit};
use super::args::Send;
use super::confirm::confirm;
use super::dry_run::{dry_run, nobody, plan_as_json};
use super::failure::{frozen_problem, ledger_problem};
use super::freeze::freeze;
use super::progress::Watcher;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use crate::campaign::Campaign;
use crate::config::{SignIn, fetch_password};
use crate::ledger::{Ledger, LedgerWriter, LockError, RunLock, State};
use crate::plan::Plan;
use crate::plan::objects::Objects;
use crate::problem::{Problem, Problems};
use crate::send::{Conditions, Ended, Patience, RunError, Stopped, run};
use crate::transport::smtp::{Credentials, Relay, Timeouts};
use std::convert::Infallible;

/// Hands the letters to the mail server, or does everything but.
#[must_use]
pub(super) fn send(shell: &Shell, args: &Send) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let mut problems = Problems::new();
    let Some(campaign) = opened.campaign(args.campaign.as_deref(), &mut problems) else {
        return Answer::failed(Exit::MustChange, problems);
    };
    if args.dry_run {
        return dry_run(shell, &campaign, args, problems);
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
        return Err(Box::new(Answer { json: plan_as_json(&plan, false), ..answer }));
    };
    shell.ui.show_problems(&problems);
    confirm(shell, opened, campaign, &plan, args)?;
    go(shell, opened, campaign, &plan, &relay, args)
}

/// The relay with its password and certificates; `None` with a problem.
fn relay(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    problems: &mut Problems,
) -> Option<Relay> {
    let Some(setting) = &opened.config.relay else {
        problems.push(Problem::error("no-relay", "no mail server is configured").hint(
            "Write [relay] url = \"smtps://HOST:465\" into secretariat.toml; your IT \
                       department knows the host.",
        ));
        return None;
    };
    check_reserved(campaign, plan, setting.url.is_on_this_computer(), problems);
    let credentials = match &setting.sign_in {
        SignIn::None => None,
        SignIn::Password { user, password } => {
            match fetch_password(password, opened.workspace.root(), shell.environment()) {
                Ok(password) => Some(Credentials { name: user.clone(), password }),
                Err(problem) => {
                    problems.push(problem);
                    return None;
                }
            }
        }
    };
    let ca_file = setting
        .ca_file
        .as_ref()
        .map(|file| opened.workspace.read(&file.value, crate::limits::CONFIG_BYTES_MAX));
    let extra_ca_pem = match ca_file.transpose() {
        Ok(pem) => pem,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    Some(Relay {
        host: setting.url.host.clone(),
        port: setting.url.port,
        security: setting.url.security,
        hello: setting.hello.clone(),
        credentials,
        extra_ca_pem,
        disable: Vec::new(),
        timeouts: Timeouts::default(),
    })
}

/// Reserved domains only to a relay on this computer (security S22).
fn check_reserved(
    campaign: &Campaign,
    plan: &Plan,
    on_this_computer: bool,
    problems: &mut Problems,
) {
    let address = |d: &crate::plan::Planned| &campaign.people.recipients[d.recipient].address;
    let reserved: Vec<_> =
        plan.deliveries.iter().map(address).filter(|a| a.is_reserved()).collect();
    if on_this_computer || reserved.is_empty() {
        return;
    }
    let message = format!(
        "{} of {} addresses are in domains reserved for examples, such as {}",
        reserved.len(),
        plan.deliveries.len(),
        reserved[0]
    );
    problems.push(
        Problem::error("reserved-domain", message)
            .hint(
                "They exist nowhere: remove the sample's lists from recipients/, or mend the \
                   addresses.",
            )
            .count(reserved.len() as u64),
    );
}

/// Freezes the plan, runs, and says how it stands.
fn go(
    shell: &Shell,
    opened: &Opened,
    campaign: &Campaign,
    plan: &Plan,
    relay: &Relay,
    args: &Send,
) -> Step<Answer> {
    let folder = match opened.workspace.create_private_folder() {
        Ok(folder) => folder,
        Err(problem) => return ended(Exit::MustChange, problem),
    };
    let now = shell.clock().now();
    let lock = RunLock::take(&folder, &shell.environment().computer_name(), now);
    let lock = lock.or_else(|error| ended(lock_exit(&error), lock_problem(&error)))?;
    let mut ledger = Ledger::open(&folder, now).map_err(ledger_failed)?;
    let objects = Objects::within(&folder);
    freeze(campaign, plan, &objects, &mut ledger, shell.clock())?;
    let recovered = ledger.recover(&lock, now).map_err(ledger_failed)?;
    if !recovered.is_empty() {
        shell.ui.say(&format!(
            "{} in doubt: an earlier run was stopped in the moment of handing over.",
            super::ui::plural(recovered.len() as u64, "letter")
        ));
    }
    let reader = Ledger::look(&folder).map_err(ledger_failed)?;
    let Some(reader) = reader else { return ledger_vanished() };
    let writer = LedgerWriter::start(ledger).map_err(ledger_failed)?;
    let conditions = Conditions {
        campaign: &campaign.id,
        relay,
        objects: &objects,
        ledger: &reader,
        retry: opened.config.retry,
        clock: shell.clock(),
        patience: patience(args),
        largest_octets: plan.deliveries.iter().map(|d| d.octets).max().unwrap_or(0),
        needs_smtputf8: plan
            .deliveries
            .iter()
            .any(|d| campaign.people.recipients[d.recipient].address.needs_smtputf8()),
    };
    let outcome = drive(shell, &conditions, &writer, &reader);
    let standing = Standing::read(Some(&reader), &campaign.id).map_err(ledger_failed)?;
    drop(lock);
    Ok(summed_up(outcome, standing))
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
) -> Result<Ended, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    runtime.block_on(async {
        let stop = super::signals::stop_on_interrupt(shell.ui);
        let due = reader
            .counts(conditions.campaign)
            .map(|c| c.of(State::Planned) + c.of(State::Deferred));
        let mut watcher = Watcher::new(shell.ui, due.unwrap_or(0));
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
fn summed_up(outcome: Result<Ended, RunError>, standing: Standing) -> Answer {
    let answer = standing::answer(&standing);
    match outcome {
        Ok(Ended { stopped, accepted }) => {
            let exit = exit_of(&stopped, accepted, &standing);
            let mut problems = Problems::new();
            problems_of(stopped).into_iter().for_each(|p| problems.push(p));
            Answer { exit, ..answer }.with_problems(problems)
        }
        Err(error) => {
            let problem = match &error {
                RunError::Object(object) => frozen_problem(object),
                other => Problem::error("ledger", other.to_string()).hint(
                    "Make room on the disk or check its health, then run the same command again.",
                ),
            };
            let mut problems = Problems::new();
            problems.push(problem);
            Answer { exit: Exit::MustChange, ..answer }.with_problems(problems)
        }
    }
}

/// Exit codes: the first that applies of 3, 4, 1, 0.
fn exit_of(stopped: &Stopped, accepted: u64, standing: &Standing) -> Exit {
    match stopped {
        Stopped::Halted(..) if accepted == 0 => Exit::MustChange,
        _ if standing.waiting() > 0 => Exit::RunAgain,
        _ if standing.for_a_person() > 0 => Exit::NeedsAPerson,
        _ => Exit::Done,
    }
}

fn problems_of(stopped: Stopped) -> Option<Problem> {
    match stopped {
        Stopped::Complete | Stopped::WaitingUntil(_) => None,
        Stopped::Interrupted => Some(Problem::note(
            "interrupted",
            "stopped as asked; the letter under way was finished",
        )),
        Stopped::Halted(halt, words) => {
            let (what, hint) = halt.explained();
            Some(Problem::error(halt.code(), format!("{what}: {words}")).hint(hint))
        }
        Stopped::RelayUnreachable(words) => Some(
            Problem::error(
                "relay-unreachable",
                format!(
                    "the mail server cannot be reached: \
                            {words}"
                ),
            )
            .hint(
                "Check [relay] url and your network, then run the same command again; \
                       nothing is lost.",
            ),
        ),
    }
}
