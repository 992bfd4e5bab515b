//! Counts runs, and keeps an old ledger that was put back from a backup from sending.
//!
//! # Invariants
//! The ledger is counted before this computer's memory is. A ledger behind the memory sends nothing;
//! a computer without a memory, or one that cannot be written, says so at most: a home that may only
//! be read must not stop a mailing (docs/decisions/0016).

use super::answer::Answer;
use super::failure::{ledger_problem, must_change};
use super::shell::Shell;
use crate::crash;
use crate::ledger::{Ledger, LedgerError, MemoryError, RunLock, RunMemory};
use crate::problem::{Problem, Problems};
use std::path::Path;

/// A run that was counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// Where its end is remembered.
    memory: Option<RunMemory>,
}

/// Refuses a ledger that is older than what this computer remembers of it, or damaged by a run that
/// died; counts the start of this one.
///
/// # Errors
/// The command's answer: `restored-ledger`, or what is wrong with the ledger.
pub(super) fn begin_run(
    shell: &Shell,
    ledger: &mut Ledger,
    lock: &RunLock,
    problems: &mut Problems,
) -> Result<Counted, Box<Answer>> {
    let (memory, remembered) = recalled(shell, ledger, problems)?;
    let runs = ledger.run_counter().map_err(failed)?;
    if remembered.is_some_and(|remembered| remembered > runs) {
        return Err(must_change(restored()));
    }
    // What a computer that fails does to a file is met here, and not in the middle of the mailing.
    ledger.check(lock).map_err(failed)?;
    let runs = ledger.begin_run(lock).map_err(failed)?;
    crash::point("run-counted");
    if let Some(Err(error)) = memory.as_ref().map(|memory| memory.keep(runs)) {
        problems.push(not_remembered(&error.to_string()));
        return Ok(Counted { memory: None });
    }
    Ok(Counted { memory })
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
