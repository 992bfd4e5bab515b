//! What a command answers: an exit code, text for people, JSON for programs, and all problems.
//!
//! Owns the exit codes of the contract and the form of JSON. How text looks is `ui.rs`.

use crate::limits::PROBLEMS_OF_A_KIND_MAX;
use crate::problem::{Problem, Problems};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Exit codes (contract, Exit codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Done, but rejected, uncertain or expired letters need a person.
    NeedsAPerson,
    /// The command line cannot be understood.
    BadCommandLine,
    /// Something must change first; nothing went in this run.
    MustChange,
    /// Run the same command again; change nothing.
    RunAgain,
    /// A mistake of this program.
    Bug,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NeedsAPerson => 1,
            Exit::BadCommandLine => 2,
            Exit::MustChange => 3,
            Exit::RunAgain => 4,
            Exit::Bug => 70,
        }
    }
}

/// A command's whole answer.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub exit: Exit,
    /// For standard output, with its line ends.
    pub text: String,
    /// The command's own parts of the JSON object.
    pub json: Map<String, Value>,
    /// Everything found.
    pub problems: Problems,
    /// Whether `text` shows the problems: then they are not shown again beside it.
    pub tells_problems: bool,
}

impl Answer {
    /// Done, with this text.
    #[must_use]
    pub fn done(text: String) -> Answer {
        let (json, problems) = (Map::new(), Problems::new());
        Answer { exit: Exit::Done, text, json, problems, tells_problems: false }
    }

    /// Ended by problems.
    #[must_use]
    pub fn failed(exit: Exit, problems: Problems) -> Answer {
        Answer { exit, problems, ..Answer::done(String::new()) }
    }

    /// Ended by one problem.
    #[must_use]
    pub fn one_problem(exit: Exit, problem: Problem) -> Answer {
        let mut problems = Problems::new();
        problems.push(problem);
        Answer::failed(exit, problems)
    }

    /// The same answer with a part of the JSON object.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Answer {
        self.json.insert(name.to_owned(), value);
        self
    }

    /// The same answer with problems.
    #[must_use]
    pub fn with_problems(mut self, problems: Problems) -> Answer {
        self.problems = problems;
        self
    }

    /// The JSON object (contract, JSON).
    #[must_use]
    pub fn to_json(&self, command: &str) -> Value {
        let mut object = Map::new();
        object.insert("schema".to_owned(), json!(1));
        object.insert("command".to_owned(), json!(command));
        object.insert("problems".to_owned(), problems_to_json(&self.problems));
        object.extend(self.json.clone());
        Value::Object(object)
    }
}

/// All problems, worst first; of a kind above the limit the first ones, each with the whole count.
fn problems_to_json(problems: &Problems) -> Value {
    let mut of_kind: HashMap<&str, u64> = HashMap::new();
    for problem in problems.iter() {
        *of_kind.entry(problem.code).or_default() += 1;
    }
    let mut shown: HashMap<&str, usize> = HashMap::new();
    let listed = problems.sorted().into_iter().filter(|p| {
        let seen = shown.entry(p.code).or_default();
        *seen += 1;
        *seen <= PROBLEMS_OF_A_KIND_MAX
    });
    let is_grouped = |code| of_kind.get(code).is_some_and(|n| *n > PROBLEMS_OF_A_KIND_MAX as u64);
    let to_json = |p: &Problem| {
        let count = if is_grouped(p.code) { of_kind[p.code] } else { p.count };
        problem_to_json(p, count)
    };
    Value::Array(listed.map(to_json).collect())
}

fn problem_to_json(problem: &Problem, count: u64) -> Value {
    let place = problem.place.as_ref();
    json!({
        "severity": problem.severity.as_str(),
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "file": place.map(|p| p.file.as_str()),
        "line": place.and_then(|p| p.line),
        "column": place.and_then(|p| p.column),
        "recipient": problem.recipient,
        "count": count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_above_a_hundred_is_grouped_with_its_count() {
        let mut problems = Problems::new();
        for i in 0..150 {
            problems.push(Problem::error("bad-address", format!("{i}")));
        }
        problems.push(Problem::warning("other", "x").count(7));
        let json = Answer::failed(Exit::MustChange, problems).to_json("check");
        let listed = json["problems"].as_array().unwrap();
        assert_eq!(listed.len(), 101);
        assert_eq!(listed[0]["count"], 150);
        assert_eq!(listed[100]["count"], 7);
        assert_eq!(listed[100]["file"], Value::Null);
    }
}
