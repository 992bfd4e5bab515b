//! What a run came to: the text, the problems, the exit code of the contract.

use super::answer::{Answer, Exit};
use super::failure::{frozen_problem, ledger_problem};
use super::meaning::{Meaning, Meanings};
use super::shell::Shell;
use super::standing::{self, Standing, moment};
use crate::ledger::{LedgerError, StoredDelivery};
use crate::problem::{Problem, Problems};
use crate::send::{Broken, Ended, Halt, RunError, Stopped};
use crate::time::Timestamp;

/// What the run came to, with the exit code of the contract; no outcome: it was ended at once.
pub(super) fn summed_up(
    shell: &Shell,
    outcome: Option<Result<Ended, Broken>>,
    standing: Result<Standing, LedgerError>,
    mut problems: Problems,
) -> Answer {
    // What the relay said of a letter must be on the screen, above all where the ledger fails.
    match &outcome {
        None => {}
        Some(Ok(ended)) => {
            let meanings = standing.as_ref().map(|s| s.meanings.clone()).unwrap_or_default();
            problems_of(&ended.stopped, &meanings).into_iter().for_each(|p| problems.push(p));
        }
        Some(Err(broken)) => told(&broken.errors).for_each(|e| problems.push(broken_problem(e))),
    }
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => {
            problems.push(ledger_problem(&error));
            return Answer::failed(Exit::MustChange, problems);
        }
    };
    let exit = match &outcome {
        None => exit_by(&standing),
        Some(Ok(ended)) => exit_of(ended, &standing),
        Some(Err(broken)) if broken.something_went => Exit::RunAgain,
        Some(Err(_)) => Exit::MustChange,
    };
    Answer { exit, ..standing::answer(&standing, shell) }.with_problems(problems)
}

/// What of a broken run is worth a message: each answer that could not be recorded, and what broke.
/// That the ledger took nothing more afterwards, on every connection, is not.
fn told(errors: &[RunError]) -> impl Iterator<Item = &RunError> {
    let is_echo = |e: &RunError| matches!(e, RunError::Ledger(e) if e.is_echo());
    let all_echo = errors.iter().all(is_echo);
    let is_news = move |at: usize, error: &RunError| {
        let is_first = || !errors[..at].iter().any(|e| e.to_string() == error.to_string());
        (all_echo || !is_echo(error)) && is_first()
    };
    let all = errors.iter().enumerate();
    all.filter(move |(at, error)| is_news(*at, error)).map(|(_, error)| error)
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
        _ => exit_by(standing),
    }
}

/// The exit code of a run that nothing is to be said against.
pub(super) fn exit_by(standing: &Standing) -> Exit {
    match (standing.waiting(), standing.for_a_person()) {
        (1.., _) => Exit::RunAgain,
        (0, 1..) => Exit::NeedsAPerson,
        (0, 0) => Exit::Done,
    }
}

/// The letters that a run left under way because somebody asked twice to stop: as many as it had
/// connections, at most.
pub(super) fn left_in_doubt(letters: &[StoredDelivery]) -> Problem {
    let message = match letters.len() as u64 {
        0 => {
            let words = "ended at once; no letter was in the moment of handing over";
            return Problem::note("interrupted", words);
        }
        1 => "ended at once while 1 letter was handed over; it may be there or not: ".to_owned(),
        n => {
            format!("ended at once while {n} letters were handed over; they may be there or not: ")
        }
    };
    let names: Vec<String> = letters.iter().map(|d| d.address.to_string()).collect();
    Problem::warning("interrupted", message + &names.join(", ")).hint(
        "They do not go again by themselves. Ask the administrators of the mail server whether it \
         has them, then say so: secretariat resolve ADDRESS --accepted or --resend, with --reason \
         \"how you know\".",
    )
}

/// What the words of a server that begins in plain name.
const STARTTLS_URL: &str = "smtp+starttls://";
const WRITE_STARTTLS: &str = "Write smtp+starttls:// in place of smtps:// in [relay] url, or the port \
                              of the server that speaks TLS from the first byte (usually 465).";

fn problems_of(stopped: &Stopped, meanings: &Meanings) -> Option<Problem> {
    match stopped {
        Stopped::Complete | Stopped::WaitingUntil(_) => None,
        Stopped::DailyLimit(until) => Some(Problem::warning(
            "daily-limit",
            format!("[relay] daily_limit is reached; letters may go again on {}", moment(*until)),
        )),
        Stopped::RelayLimit(until, words) => Some(limit_problem(*until, words, meanings)),
        Stopped::Paused => Some(
            Problem::warning("paused", "the mailing is paused")
                .hint("secretariat resume lets it go on; then run secretariat send."),
        ),
        Stopped::Interrupted => {
            Some(Problem::note("interrupted", "stopped as asked; letters under way were finished"))
        }
        Stopped::Halted(halt, words) => Some(halt_problem(*halt, words, meanings)),
        Stopped::RelayUnreachable(words) => Some(told_by(
            "relay-unreachable",
            ("the mail server cannot be reached", words),
            "Check [relay] url and your network, then run the same command again; nothing is lost.",
            meanings.meaning(words),
        )),
        Stopped::RelayBusy(words) => Some(told_by(
            "relay-busy",
            ("the mail server takes no letters now", words),
            "Run the same command again in an hour; nothing is lost. If it answers the same, show \
             these words to whoever runs the mail server.",
            meanings.meaning(words),
        )),
    }
}

/// What happened in the words of the service that is known, else of what usually is meant.
fn told_by(
    code: &'static str,
    (what, words): (&str, &str),
    hint: &str,
    meaning: Option<Meaning>,
) -> Problem {
    match meaning {
        Some(Meaning { what, remedy }) => Problem::error(code, what).hint(remedy),
        None => Problem::error(code, format!("{what}: {words}")).hint(hint),
    }
}

fn halt_problem(halt: Halt, words: &str, meanings: &Meanings) -> Problem {
    let (what, hint) = halt.explained();
    // The connection knows better than what usually helps.
    let begins_in_plain = halt == Halt::TlsFailed && words.contains(STARTTLS_URL);
    let hint = if begins_in_plain { WRITE_STARTTLS } else { hint };
    let meaning = match halt {
        Halt::TokenRefused => meanings.meaning_for_token(words),
        _ => meanings.meaning(words),
    };
    told_by(halt.code(), (what, words), hint, meaning)
}

fn limit_problem(until: Timestamp, words: &str, meanings: &Meanings) -> Problem {
    let then = format!("the letters that wait may go on {}", moment(until));
    match meanings.meaning(words) {
        Some(Meaning { what, remedy }) => {
            Problem::warning("relay-limit", format!("{what}; {then}")).hint(remedy)
        }
        None => {
            let message = format!("the mail server has a limit: {words}; {then}");
            Problem::warning("relay-limit", message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ChangeError, Fault};

    fn ledger(fault: Fault) -> LedgerError {
        LedgerError { file: "ledger.db".into(), fault }
    }

    fn echo() -> LedgerError {
        ledger(Fault::Stopped { earlier: "no room".to_owned() })
    }

    fn answer(address: &str) -> RunError {
        let source = ChangeError::Ledger(echo());
        RunError::NotRecorded { address: address.to_owned(), answer: "250 ok".to_owned(), source }
    }

    #[test]
    fn a_ledger_that_fails_is_told_of_once_and_each_lost_answer_by_itself() {
        let count = |errors: &[RunError]| told(errors).count();
        let full = || RunError::from(ledger(Fault::Full));
        assert_eq!(count(&[full(), full(), echo().into()]), 1, "one failure, three connections");
        assert_eq!(count(&[echo().into(), echo().into()]), 1, "never none");
        assert_eq!(count(&[echo().into(), answer("ana"), answer("bo")]), 2, "each answer counts");
        assert_eq!(count(&[full(), answer("ana")]), 2);
    }
}
