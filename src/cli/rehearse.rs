//! `rehearse`: the whole mailing over SMTP into a relay inside the program, and the proof.
//!
//! # Invariants
//! Nothing leaves this computer and nothing is written into the workspace: the ledger lies in a
//! throw-away folder, which is gone when the command ends. With any error nothing goes.

use super::answer::{Answer, Exit};
use super::args::{Rehearse, RehearseRun};
use super::chosen::Number;
use super::dry_run::nobody;
use super::failure::{bug, ledger_problem};
use super::freeze::freeze;
use super::progress::Watcher;
use super::rehearse_screen::{Heading, Outcome};
use super::run_line::About;
use super::shell::Shell;
use super::signals::{Asked, listen};
use super::ui::plural;
use crate::address::EmailAddress;
use crate::campaign::Campaign;
use crate::config::DkimKey;
use crate::id::{DeliveryId, Digest};
use crate::ledger::Ledger;
use crate::limits::{REHEARSAL_CONNECTIONS, REHEARSAL_KILLS, REHEARSAL_SEEDS, REHEARSAL_SPEED};
use crate::plan::Plan;
use crate::plan::objects::Objects;
use crate::problem::{Problem, Problems};
use crate::rehearsal::Throwaway;
use crate::rehearsal::faults::Faults;
use crate::rehearsal::proof::{self, Breach, Claim};
use crate::rehearsal::relay::Relay;
use crate::rehearsal::relay::script::Script;
use crate::rehearsal::run::{KeyFile, Rehearsal};
use crate::rehearsal::trial::{Done, Trial};
use crate::send::pace::Pacing;
use crate::send::{Ended, Halt, Selection, Stopped};
use crate::time::Clock;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Each step either goes on or ends the command with its answer.
type Step<T> = Result<T, Box<Answer>>;

/// Rehearses a mailing.
#[must_use]
pub(super) fn rehearse(shell: &Shell, args: &Rehearse) -> Answer {
    let mut problems = Problems::new();
    let planned = planned(shell, args.campaign.as_deref(), &mut problems);
    let Some(planned) = planned.filter(|_| !problems.has_errors()) else {
        return Answer {
            json: Outcome::none_as_json(),
            ..Answer::failed(Exit::MustChange, problems)
        };
    };
    shell.ui.show_problems(&problems);
    let answer = rehearsed(shell, &planned, args).unwrap_or_else(|answer| *answer);
    if !shell.ui.is_json {
        return answer;
    }
    // On a terminal they have been seen; JSON tells them with the result.
    problems.append(answer.problems.clone());
    answer.with_problems(problems)
}

/// A campaign, its plan, and the digests of the messages previewed for each address.
struct PlannedMailing {
    campaign: Campaign,
    plan: Plan,
    previewed: BTreeMap<String, Vec<Digest>>,
    clock: Clock,
}

fn planned(shell: &Shell, name: Option<&str>, problems: &mut Problems) -> Option<PlannedMailing> {
    let campaign = shell.campaign(name, problems)?;
    let date = shell.clock().date();
    let clock = Clock::hurried(date, date, REHEARSAL_SPEED);
    let mut previewed: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
    let Ok(plan) = campaign.plan(date, problems, |made| {
        let digest = Digest::of(&made.message.to_bytes());
        for (_, address) in made.planned.all() {
            previewed.entry(address.to_string()).or_default().push(digest);
        }
        Ok::<(), Infallible>(())
    });
    if plan.deliveries.is_empty() && !problems.has_errors() {
        problems.push(nobody(&campaign));
    }
    Some(PlannedMailing { campaign, plan, previewed, clock })
}

/// What a rehearsal is held on; the folder is gone with it.
struct Ground {
    relay: Relay,
    rehearsal: Rehearsal,
    /// After the relay, which may still be asked about what lies here.
    _throwaway: Throwaway,
}

fn rehearsed(shell: &Shell, planned: &PlannedMailing, args: &Rehearse) -> Step<Answer> {
    let number = Number::of_plan(&planned.plan);
    let letters = planned.plan.all().count();
    let seed = args.faults.then(|| args.seed.unwrap_or_else(any_seed));
    let how = seed.map_or(String::new(), |seed| format!(" with faults (seed {seed})"));
    let count = number.in_words();
    shell.ui.say(&format!("Rehearsing {count}{how}. Nothing leaves this computer."));
    let no_room = |error| no_room(shell, error);
    let throwaway = Throwaway::within(&shell.environment().temporary_folder()).map_err(no_room)?;
    let runtime = runtime()?;
    // From here on there is something to take away, however the command ends.
    let stop = runtime.block_on(listen_until_gone(shell, throwaway.remover()));
    let ground = prepare(shell, planned, args.faults, throwaway)?;
    if *stop.borrow() {
        return Ok(interrupted());
    }
    let faults = seed.map(|seed| Arc::new(Faults::new(seed, letters, REHEARSAL_KILLS)));
    let done = match &faults {
        None => runtime.block_on(without_faults(shell, &ground.rehearsal, letters, stop))?,
        Some(faults) => runtime.block_on(with_faults(shell, &ground, faults, stop))?,
    };
    if done.was_interrupted {
        return Ok(interrupted());
    }
    let took = planned.clock.in_real_time(planned.clock.elapsed());
    let heading = Heading { seed, number, took };
    told(planned, heading, &ground, faults.as_deref(), done)
}

/// Turns true when somebody asks to stop; asked twice, takes everything away and ends at once.
async fn listen_until_gone(
    shell: &Shell,
    remove: impl FnOnce() + Send + 'static,
) -> watch::Receiver<bool> {
    let Asked { stop, at_once } =
        listen(shell.ui, "Stopping the rehearsal. Ctrl-C again ends at once.");
    tokio::spawn(async move {
        if at_once.await.is_ok() {
            remove();
            std::process::exit(i32::from(Exit::RunAgain.code()));
        }
    });
    stop
}

/// A relay, a throw-away ledger with the plan frozen in it, and what a run is about.
fn prepare(
    shell: &Shell,
    planned: &PlannedMailing,
    may_stall: bool,
    throwaway: Throwaway,
) -> Step<Ground> {
    let PlannedMailing { campaign, plan, clock, .. } = planned;
    let folder = throwaway.path().join("ledger");
    let relay = Relay::with(Script::new()).map_err(failed)?;
    let mut ledger = Ledger::open(&folder, clock.now()).map_err(|e| no_room(shell, e))?;
    // What fails here is the throw-away folder, not the workspace's own.
    freeze(
        campaign,
        plan,
        &Selection::All,
        &Objects::within(&folder),
        &mut ledger,
        clock,
        shell.ui,
    )
    .map_err(|answer| no_room(shell, words_of(&answer)))?;
    let rehearsal = Rehearsal {
        folder,
        campaign: campaign.id.to_string(),
        port: relay.port(),
        connections: REHEARSAL_CONNECTIONS,
        start: clock.now().unix_seconds(),
        date: clock.date().unix_seconds(),
        speed: REHEARSAL_SPEED,
        largest_octets: plan.deliveries.iter().map(|d| d.octets).max().unwrap_or(0),
        smtputf8: smtputf8(planned),
        may_stall,
        dkim: campaign.dkim_keys.iter().map(key_file).collect(),
    };
    relay.change(rehearsal.script());
    Ok(Ground { relay, rehearsal, _throwaway: throwaway })
}

/// A key as a run in a process of its own finds it.
fn key_file((key, file): &(DkimKey, PathBuf)) -> KeyFile {
    let (domain, selector) = (key.domain.value.clone(), key.selector.value.clone());
    KeyFile { domain, selector, file: file.clone() }
}

/// An address among the recipients that needs SMTPUTF8.
fn smtputf8(planned: &PlannedMailing) -> Option<String> {
    let mut addresses = planned.plan.all().map(|(_, address)| address);
    addresses.find(|a| a.needs_smtputf8()).map(ToString::to_string)
}

/// A short number that nobody chose, for whoever wants to type it again.
fn any_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish() % REHEARSAL_SEEDS
}

/// One run in this process.
async fn without_faults(
    shell: &Shell,
    rehearsal: &Rehearsal,
    letters: usize,
    stop: watch::Receiver<bool>,
) -> Step<Done> {
    let about = About {
        letters: letters as u64,
        relay: "the rehearsal's mail server".to_owned(),
        pacing: Pacing::default(),
        earlier: Vec::new(),
    };
    let mut watcher = Watcher::new(shell.ui, *shell.clock(), about);
    let ended = rehearsal.send(stop, &mut |progress| watcher.see(&progress)).await;
    watcher.finish();
    let Ended { stopped, .. } = ended.map_err(|error| no_room(shell, error))?;
    let complaint = match &stopped {
        Stopped::Complete | Stopped::Interrupted => None,
        other => Some(in_words(other)),
    };
    let was_interrupted = stopped == Stopped::Interrupted;
    Ok(Done { runs: 1, kills: 0, was_interrupted, complaint })
}

/// Run after run in processes of their own.
async fn with_faults(
    shell: &Shell,
    ground: &Ground,
    faults: &Arc<Faults>,
    stop: watch::Receiver<bool>,
) -> Step<Done> {
    let program = std::env::current_exe().map_err(failed)?;
    let (relay, rehearsal) = (&ground.relay, ground.rehearsal.clone());
    let mut trial = Trial { program: &program, rehearsal, faults: Arc::clone(faults) };
    let mut kills = 0;
    let mut told = |done: &Done| {
        let how = if done.kills > kills { "was killed" } else { "ended by itself" };
        kills = done.kills;
        let taken = plural(relay.count() as u64, "letter");
        let line = format!("  run {:>2} {how:<15}  the mail server has {taken}", done.runs);
        shell.ui.say(&line);
    };
    trial.hold(relay, stop, &mut told).await.map_err(failed)
}

fn runtime() -> Step<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(failed)
}

/// What the throw-away ledger says at the end.
fn claims(rehearsal: &Rehearsal, planned: &PlannedMailing) -> Step<Vec<Claim>> {
    let ledger = Ledger::look(&rehearsal.folder).map_err(ledger_failed)?;
    let ledger = ledger.ok_or_else(|| failed("the throw-away ledger is gone"))?;
    let states = ledger.states(&planned.campaign.id).map_err(ledger_failed)?;
    let states: BTreeMap<_, _> =
        states.into_iter().map(|(id, state)| (*id.as_bytes(), state)).collect();
    let claim = |(id, address): (DeliveryId, &EmailAddress)| {
        let address = address.to_string();
        states.get(id.as_bytes()).map(|state| Claim { address, state: *state })
    };
    let claims: Option<Vec<Claim>> = planned.plan.all().map(claim).collect();
    claims.ok_or_else(|| failed("a letter of the plan is not in the throw-away ledger"))
}

/// Holds the ledger against the relay, and says what came of it.
fn told(
    planned: &PlannedMailing,
    heading: Heading,
    ground: &Ground,
    faults: Option<&Faults>,
    done: Done,
) -> Step<Answer> {
    let Ground { relay, rehearsal, .. } = ground;
    let claims = claims(rehearsal, planned)?;
    let doubts = faults.map_or(0, Faults::doubts) + done.kills * rehearsal.connections;
    let breaches: Vec<Breach> = [
        proof::counts(&claims, &relay.counts(), doubts),
        proof::bytes(&planned.previewed, &relay.messages()),
        proof::rules(&relay.violations()),
        proof::finished(&claims),
    ]
    .concat();
    let outcome = Outcome {
        campaign: planned.campaign.id.clone(),
        heading,
        received: relay.counts(),
        tally: faults.map(Faults::tally).unwrap_or_default(),
        doubts,
        done,
        claims,
        breaches,
    };
    let answer = Answer { json: outcome.to_json(), ..Answer::done(outcome.to_text()) };
    let Some(problem) = outcome.verdict() else { return Ok(answer) };
    let mut problems = Problems::new();
    problems.push(problem);
    Ok(Answer { exit: Exit::Bug, ..answer }.with_problems(problems))
}

fn interrupted() -> Answer {
    let note = Problem::warning("interrupted", "the rehearsal was stopped before its end")
        .hint("Run the same command again; nothing was left behind.");
    let answer = Answer::one_problem(Exit::RunAgain, note);
    Answer { json: Outcome::none_as_json(), ..answer }
}

/// The internal command that a rehearsal with faults starts and kills.
#[must_use]
pub(super) fn rehearse_run(args: &RehearseRun) -> Answer {
    let rehearsal = match Rehearsal::read(&args.file) {
        Ok(rehearsal) => rehearsal,
        Err(error) => return *failed(error),
    };
    let ended = runtime().map(|runtime| {
        // Nobody asks it to stop: it is killed.
        let (_stop, asked) = tokio::sync::watch::channel(false);
        runtime.block_on(rehearsal.send(asked, &mut |_| {}))
    });
    match ended {
        Err(answer) => *answer,
        Ok(Err(error)) => *failed(error),
        Ok(Ok(ended)) => match ended.stopped {
            Stopped::Halted(Halt::Unsendable | Halt::LedgerFailed, words) => bug(&words),
            other => Answer::done(format!("{}\n", in_words(&other))),
        },
    }
}

fn in_words(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Complete => "complete".to_owned(),
        Stopped::Interrupted => "interrupted".to_owned(),
        Stopped::WaitingUntil(due) | Stopped::DailyLimit(due) | Stopped::RelayLimit(due, _) => {
            format!("letters wait until {due}")
        }
        Stopped::Paused => "paused".to_owned(),
        Stopped::Halted(halt, words) => format!("{}: {words}", halt.code()),
        Stopped::RelayUnreachable(words) | Stopped::RelayBusy(words) => words.clone(),
    }
}

/// A rehearsal keeps everything in the folder for temporary files.
fn no_room(shell: &Shell, error: impl ToString) -> Box<Answer> {
    let folder = shell.environment().temporary_folder();
    let shown = folder.display();
    let (message, what) = if folder.is_dir() {
        let message = format!("the rehearsal could not be held in {shown}: {}", error.to_string());
        (message, format!("Make room in {shown}, the folder for temporary files"))
    } else {
        let message = format!("the folder for temporary files, {shown}, is missing");
        (message, "Make that folder".to_owned())
    };
    let variable = if cfg!(windows) { "TMP" } else { "TMPDIR" };
    let hint = format!(
        "{what}, or name another in the variable {variable}, and rehearse again. Nothing was \
         changed in the workspace."
    );
    let answer =
        Answer::one_problem(Exit::MustChange, Problem::error("rehearsal", message).hint(hint));
    Box::new(Answer { json: Outcome::none_as_json(), ..answer })
}

/// What an answer's worst problem says.
fn words_of(answer: &Answer) -> String {
    answer.problems.sorted().first().map(|problem| problem.message.clone()).unwrap_or_default()
}

/// A rehearsal needs a folder for temporary files, a port on this computer and its own program.
fn failed(error: impl ToString) -> Box<Answer> {
    let message = format!("the rehearsal could not be held: {}", error.to_string());
    let problem = Problem::error("rehearsal", message)
        .hint("It needs room in the folder for temporary files and a port of this computer.");
    let answer = Answer::one_problem(Exit::MustChange, problem);
    Box::new(Answer { json: Outcome::none_as_json(), ..answer })
}

fn ledger_failed(error: crate::ledger::LedgerError) -> Box<Answer> {
    let answer = Answer::one_problem(Exit::MustChange, ledger_problem(&error));
    Box::new(Answer { json: Outcome::none_as_json(), ..answer })
}
