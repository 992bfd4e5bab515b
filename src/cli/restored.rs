//! Counts runs, and keeps an old ledger that was put back from a backup, or a new one in the place
//! of one that was lost, from sending.
//!
//! # Invariants
//! The ledger is counted before this computer's memory is. A ledger behind the memory sends nothing
//! and takes no orders; neither does a workspace whose ledger is gone. A computer without a memory,
//! or one that cannot be written, says so at most: a home that may only be read must not stop a
//! mailing (docs/decisions/0016, 0019).

use super::answer::Answer;
use super::failure::{ledger_problem, must_change};
use super::shell::Shell;
use super::standing::{self, Standing};
use crate::crash;
use crate::id::CampaignId;
use crate::ledger::{
    Fault, FolderMemory, Ledger, LedgerError, LedgerName, MemoryError, RunLock, RunMemory,
};
use crate::plan::objects::Objects;
use crate::problem::{Problem, Problems, Severity};
use crate::workspace::Workspace;
use std::path::Path;

/// Looks into the workspace's ledger; `None` where there never was one, as far as can be known.
///
/// # Errors
/// The command's answer: `lost-ledger` where there was one, what is wrong with the one there is, or
/// where it is.
pub(super) fn look(shell: &Shell, workspace: &Workspace) -> Result<Option<Ledger>, Box<Answer>> {
    let folder = workspace.private_folder().map_err(must_change)?;
    let objects = match Ledger::look(&folder) {
        Ok(Some(ledger)) => return Ok(Some(ledger)),
        Ok(None) => None,
        Err(LedgerError { fault: Fault::Lost, .. }) => Some(Objects::within(&folder)),
        Err(error) => return Err(failed(error)),
    };
    let memory =
        folder_memory(shell, workspace).filter(|memory| memory.is_known().unwrap_or(false));
    if objects.is_none() && memory.is_none() {
        return Ok(None);
    }
    Err(must_change(lost(&folder, objects.as_ref(), memory.as_ref())))
}

/// The workspace's ledger, if what it says can be built on: nobody is asked about an old or a lost
/// one, and no order is taken for people who may have their letter.
///
/// # Errors
/// The command's answer, with how the mailing stands in JSON: as [`look`] and [`not_behind`].
pub(super) fn trusted(
    shell: &Shell,
    workspace: &Workspace,
    campaign: &CampaignId,
) -> Result<Option<Ledger>, Box<Answer>> {
    let with = |json, answer: Box<Answer>| Box::new(Answer { json, ..*answer });
    let none = || standing::none_as_json(Some(campaign));
    let Some(ledger) = look(shell, workspace).map_err(|answer| with(none(), answer))? else {
        return Ok(None);
    };
    not_behind(shell, &ledger).map_err(|answer| {
        let standing = Standing::read(Some(&ledger), campaign);
        with(standing.map_or_else(|_| none(), |standing| standing.to_json()), answer)
    })?;
    Ok(Some(ledger))
}

/// What this computer remembers of the workspace's folder; `None` without a place to remember.
fn folder_memory(shell: &Shell, workspace: &Workspace) -> Option<FolderMemory> {
    let state = shell.environment().state_folder()?;
    Some(FolderMemory::of(workspace.root(), &state))
}

/// Remembers that letters of this folder are in its ledger: before the first one goes.
///
/// # Errors
/// The command's answer, when the ledger cannot be read.
pub(super) fn keep_folder(
    shell: &Shell,
    workspace: &Workspace,
    ledger: &Ledger,
    counted: &Counted,
    problems: &mut Problems,
) -> Result<(), Box<Answer>> {
    let name = LedgerName::of(ledger).map_err(failed)?;
    // Where its run could not be remembered, that was said already.
    let memory = folder_memory(shell, workspace).filter(|_| counted.memory.is_some());
    if let Some(Err(error)) = memory.map(|memory| memory.keep(&name)) {
        problems.push(not_remembered(&error.to_string()));
    }
    Ok(())
}

/// The ledger was removed or emptied. Whether anything went, a person may know.
fn lost(folder: &Path, objects: Option<&Objects>, memory: Option<&FolderMemory>) -> Problem {
    let why = match (objects, memory) {
        (Some(_), _) => "the folder objects beside it was left by it",
        (None, _) => "this computer remembers that letters of this folder were recorded in one",
    };
    let file = folder.join("ledger.db");
    let message = format!("{}: the ledger is gone; {why}", file.display());
    let traces = [objects.map(Objects::folder), memory.map(FolderMemory::file)];
    let traces: Vec<String> = traces.iter().flatten().map(|t| t.display().to_string()).collect();
    Problem::error("lost-ledger", message).hint(format!(
        "Restore {} from your newest backup: without it everybody would be written to again. Only \
         if no letter ever went from this workspace, delete {} and run the same command again.",
        folder.display(),
        traces.join(" and ")
    ))
}

/// A run that was counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// Where its end is remembered.
    memory: Option<RunMemory>,
}

/// Counts the start of a run, with its plan adopted: what is counted stands in the ledger's log
/// with the letters that follow, so that a log which was lost is noticed.
///
/// # Errors
/// The command's answer: what is wrong with the ledger.
pub(super) fn begin_run(
    ledger: &mut Ledger,
    lock: &RunLock,
    memory: Option<RunMemory>,
    problems: &mut Problems,
) -> Result<Counted, Box<Answer>> {
    let runs = ledger.begin_run(lock).map_err(failed)?;
    crash::point("run-counted");
    if let Some(Err(error)) = memory.as_ref().map(|memory| memory.keep(runs)) {
        problems.push(not_remembered(&error.to_string()));
        return Ok(Counted { memory: None });
    }
    Ok(Counted { memory })
}

/// Refuses a ledger that is older than what this computer remembers of it.
///
/// # Errors
/// The command's answer: `restored-ledger`, or `run-memory` where nobody can tell.
pub(super) fn not_behind(shell: &Shell, ledger: &Ledger) -> Result<(), Box<Answer>> {
    // What cannot be remembered is said by the run itself.
    level(shell, ledger, &mut Problems::new()).map(drop)
}

/// The same for whoever only looks: a warning.
pub(super) fn doubted(shell: &Shell, ledger: &Ledger) -> Option<Problem> {
    let refused = not_behind(shell, ledger).err()?;
    let problem = refused.problems.iter().next()?.clone();
    Some(Problem { severity: Severity::Warning, ..problem })
}

/// Where the ledger's runs are remembered, if it is not behind that.
///
/// # Errors
/// The command's answer: `restored-ledger`, or what is wrong with the ledger.
pub(super) fn level(
    shell: &Shell,
    ledger: &Ledger,
    problems: &mut Problems,
) -> Result<Option<RunMemory>, Box<Answer>> {
    // The memory first: a run that begins between the two raises the ledger first.
    let (memory, remembered) = recalled(shell, ledger, problems)?;
    let runs = ledger.run_counter().map_err(failed)?;
    match remembered {
        Some(remembered) if remembered > runs => Err(must_change(restored())),
        _ => Ok(memory),
    }
}

/// Counts the end of a run that ended well.
pub(super) fn end_run(shell: &Shell, folder: &Path, lock: &RunLock, counted: &Counted) {
    let ended = Ledger::open(folder, shell.clock().now()).and_then(|mut l| l.end_run(lock));
    crash::point("run-counted");
    match (ended, &counted.memory) {
        // Every letter is recorded; an end that is not counted costs the next start a check.
        (Err(error), _) => shell.ui.say(&error.to_string()),
        (Ok(runs), Some(memory)) => {
            if let Err(error) = memory.keep(runs) {
                shell.ui.say(&error.to_string());
            }
        }
        (Ok(_), None) => {}
    }
}

/// Where this computer remembers the ledger's runs, and what.
///
/// # Errors
/// The command's answer, where a memory is there and cannot be understood.
pub(super) fn recalled(
    shell: &Shell,
    ledger: &Ledger,
    problems: &mut Problems,
) -> Result<(Option<RunMemory>, Option<u64>), Box<Answer>> {
    let Some(folder) = shell.environment().state_folder() else {
        problems.push(not_remembered("the environment names no home folder"));
        return Ok((None, None));
    };
    let memory = RunMemory::of(ledger, &folder).map_err(failed)?;
    match memory.runs() {
        Ok(runs) => Ok((Some(memory), runs)),
        Err(error @ MemoryError::Unreachable { .. }) => {
            problems.push(not_remembered(&error.to_string()));
            Ok((None, None))
        }
        Err(error @ MemoryError::Damaged { .. }) => {
            let hint = format!(
                "It tells whether the ledger is an old one. If the ledger was never restored from \
                 a backup, delete {} and send again.",
                memory.file().display()
            );
            Err(must_change(Problem::error("run-memory", error.to_string()).hint(hint)))
        }
    }
}

fn restored() -> Problem {
    let message = "this ledger is older than the last run with it on this computer: it was \
                   restored from a backup, or a copy of this workspace has gone on without it";
    Problem::error("restored-ledger", message).hint(
        "Put the newest ledger in its place if there is one. If not, nobody knows which letters \
         went since: secretariat resolve --restored-ledger --reason TEXT makes those in it that wait \
         or were withdrawn uncertain. People added to the lists since, and mailings begun since, are \
         not in it: leave them out until you know whether they have their letter.",
    )
}

fn not_remembered(why: &str) -> Problem {
    let message = format!("this computer cannot remember that this run took place: {why}");
    Problem::warning("run-memory", message).hint(
        "The mailing goes on. Do not restore an old ledger from a backup: it would not be noticed.",
    )
}

fn failed(error: LedgerError) -> Box<Answer> {
    must_change(ledger_problem(&error))
}
