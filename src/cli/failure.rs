//! Failures of stages as problems with an exit code.

use super::answer::{Answer, Exit};
use super::ui::{grouped, one_line};
use crate::ledger::{Fault, LedgerError};
use crate::problem::{Place, Problem};
use crate::recipients::{Recipient, select};
use std::collections::HashSet;
use std::fmt;

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

/// Somebody whom WHO may mean: name, address and row, in this order told of.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The address, which says who is meant.
    pub address: String,
    name: Option<String>,
    row: Option<Place>,
}

impl Candidate {
    /// A person of a list or of the ledger.
    #[must_use]
    pub fn new(address: &str, name: Option<&str>, row: Option<&Place>) -> Candidate {
        let name = name.map(str::to_owned);
        Candidate { address: address.to_owned(), name, row: row.cloned() }
    }

    /// A person of a list, by the address there.
    #[must_use]
    pub fn of(recipient: &Recipient) -> Candidate {
        let (address, name) = (recipient.listed_address(), recipient.name.as_deref());
        Candidate::new(address, name, Some(&recipient.place))
    }
}

impl Candidate {
    fn folded(&self) -> String {
        self.name.as_deref().map(select::folded).unwrap_or_default()
    }

    /// Name and address, as a person can be asked for.
    fn named(&self) -> String {
        match &self.name {
            Some(name) => format!("{} <{}>", one_line(name), self.address),
            None => self.address.clone(),
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named())?;
        self.row.iter().try_for_each(|row| write!(f, ", {}", one_line(&row.to_string())))
    }
}

/// People whom WHO may mean that are named before the rest is counted.
const CANDIDATES_NAMED_MAX: usize = 10;

/// WHO means more than one person. Each address is told of once, and each name where several people
/// have one.
#[must_use]
pub fn several(who: &str, candidates: impl IntoIterator<Item = Candidate>) -> Problem {
    let mut seen = HashSet::new();
    let all: Vec<Candidate> =
        candidates.into_iter().filter(|c| seen.insert((c.address.clone(), c.folded()))).collect();
    let mut message = format!("{who:?} may be any of {} people:", all.len());
    let named = if all.len() > CANDIDATES_NAMED_MAX + 1 { CANDIDATES_NAMED_MAX } else { all.len() };
    for candidate in all.iter().take(named) {
        message.push_str(&format!("\n  {candidate}"));
    }
    if all.len() > named {
        message.push_str(&format!("\n  and {} more", grouped((all.len() - named) as u64)));
    }
    let addresses: HashSet<&str> = all.iter().map(|c| c.address.as_str()).collect();
    let hint = match all.as_slice() {
        [first, _, ..] if addresses.len() == 1 => {
            format!("Write the name too: \"{}\".", first.named())
        }
        _ => "Write the address, or more of the name.".to_owned(),
    };
    Problem::error("several", message).hint(hint)
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
