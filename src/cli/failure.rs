//! Failures of stages as problems with an exit code.

use super::answer::{Answer, Exit};
use crate::ledger::{Fault, LedgerError};
use crate::problem::{Place, Problem};

/// The ledger cannot be read or written.
#[must_use]
pub fn ledger_problem(error: &LedgerError) -> Problem {
    let code = if error.fault == Fault::Lost { "lost-ledger" } else { "ledger" };
    Problem::error(code, error.to_string()).hint(error.hint())
}

/// A command that ends because a problem must be solved first.
#[must_use]
pub fn must_change(problem: Problem) -> Box<Answer> {
    Box::new(Answer::one_problem(Exit::MustChange, problem))
}

/// WHO means more than one person.
#[must_use]
pub fn several<'a>(who: &str, addresses: impl IntoIterator<Item = &'a str>) -> Problem {
    let all: Vec<&str> = addresses.into_iter().collect();
    let named = all.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let message = format!("{who:?} may be any of {} people: {named}", all.len());
    Problem::error("several", message).hint("Write the address.")
}

/// A mistake of this program: says so and asks for a report.
#[must_use]
pub fn bug(what: &str) -> Answer {
    let problem = Problem::error("bug", what.to_owned())
        .hint("This is a mistake of secretariat. Please report it with what you did.");
    Answer::one_problem(Exit::Bug, problem)
}

/// A problem with a frozen file.
#[must_use]
pub fn frozen_problem(error: &crate::plan::objects::ObjectError) -> Problem {
    Problem::error("frozen-file", error.to_string())
        .place(Place::file(".secretariat/objects"))
        .hint("Make room on the disk, or restore the folder .secretariat from a backup.")
}
