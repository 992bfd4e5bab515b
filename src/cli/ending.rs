//! What a run came to: the text, the problems, the exit code of the contract.

use super::answer::{Answer, Exit};
use super::failure::{frozen_problem, ledger_problem};
use super::standing::{self, Standing, moment};
use crate::ledger::LedgerError;
use crate::problem::{Problem, Problems};
use crate::send::{Broken, Ended, Halt, RunError, Stopped};

/// What the run came to, with the exit code of the contract.
pub(super) fn summed_up(
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
        RunError::Ledger(error) => ledger_problem(error),
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
            format!("[relay] daily_limit is reached; letters may go again on {}", moment(*until)),
        )),
        Stopped::RelayLimit(until, words) => Some(Problem::warning(
            "relay-limit",
            format!(
                "the mail server has a limit: {words}; the letters that wait may go on {}",
                moment(*until)
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
        Stopped::RelayUnwilling(words) => Some(
            Problem::error("relay-unwilling", format!("the mail server does not go on: {words}"))
                .hint(
                    "Nothing is lost: run the same command again later. If it stays so, ask its \
                     administrators, with these words.",
                ),
        ),
        Stopped::RelayUnreachable(words) => Some(
            Problem::error(
                "relay-unreachable",
                format!("the mail server cannot be reached: {words}"),
            )
            .hint(
                "Check [relay] url and your network, then run the same command again; \
                       nothing is lost.",
            ),
        ),
    }
}
