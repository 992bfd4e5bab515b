//! Attacks on the list and the letter: a test for each, named for the attack.
//!
//! Everything goes through the binary. What must not happen is looked for where it would show: at
//! the relay, in the messages as foreign readers see them, among the people of the plan.

mod addresses;
mod files;
mod headers;
mod letters;

use crate::support::workspace::Workspace;
use serde_json::Value;
use std::collections::BTreeSet;

/// A cell of a CSV list, with whatever is in it.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// The errors of `check`, which must refuse.
#[track_caller]
fn refused(workspace: &Workspace) -> Vec<Value> {
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3), "{json:#}");
    let problems = json["problems"].as_array().expect("a list").iter();
    problems.filter(|p| p["severity"] == "error").cloned().collect()
}

/// A list of its own for each attack, so that each has its file; what was refused, by attack. In
/// the list `{n}` becomes the attack's number.
///
/// `check` names at most a hundred problems of a kind, so many lists go in groups of fifty.
#[track_caller]
fn each_alone(
    attacks: &[String],
    workspace: impl Fn() -> Workspace,
    list: impl Fn(&str) -> String,
) -> Vec<(usize, Value)> {
    let mut found = Vec::new();
    for (first, group) in (0..).step_by(50).zip(attacks.chunks(50)) {
        let lists = (first..).zip(group);
        let workspace = lists.fold(workspace(), |workspace, (n, attack)| {
            workspace.list(&format!("{n:04}.csv"), list(attack).replace("{n}", &n.to_string()))
        });
        for error in refused(&workspace) {
            let file = error["file"].as_str().unwrap_or_default();
            let number = file.trim_start_matches("recipients/").trim_end_matches(".csv").parse();
            found.extend(number.ok().map(|number: usize| (number, error)));
        }
    }
    found
}

/// Every attack was refused with its row and its cell.
#[track_caller]
fn assert_all_refused(attacks: &[String], found: &[(usize, Value)], line: u64, cell: u64) {
    let fits = |e: &Value| e["line"] == line && e["column"] == cell;
    let refused: BTreeSet<usize> = found.iter().filter(|(_, e)| fits(e)).map(|(n, _)| *n).collect();
    let passed: Vec<&String> =
        (0..).zip(attacks).filter(|(n, _)| !refused.contains(n)).map(|(_, a)| a).collect();
    assert!(
        passed.is_empty(),
        "{} of {} passed: {passed:?}\n{found:#?}",
        passed.len(),
        attacks.len()
    );
}
