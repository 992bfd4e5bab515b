//! `completions` and `manpage`: what shells and `man` want to know of the command line.

use super::answer::{Answer, Exit};
use super::args::{Arguments, Completions};
use crate::problem::Problem;
use clap::CommandFactory as _;
use serde_json::json;

/// The completions of a shell.
#[must_use]
pub(super) fn completions(args: &Completions) -> Answer {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(args.shell, &mut command, "secretariat", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::done(script.clone()).with("script", json!(script))
}

/// The manual page, with all commands.
#[must_use]
pub(super) fn manpage() -> Answer {
    let mut page = Vec::new();
    match clap_mangen::Man::new(Arguments::command()).render(&mut page) {
        Ok(()) => {
            let page = String::from_utf8_lossy(&page).into_owned();
            Answer::done(page.clone()).with("page", json!(page))
        }
        Err(error) => {
            let message = format!("the manual page could not be made: {error}");
            Answer::one_problem(Exit::Bug, Problem::error("bug", message))
        }
    }
}
