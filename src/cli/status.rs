//! `status`: who has the letter, who waits, what needs a person.

use super::answer::{Answer, Exit};
use super::args::Status;
use super::failure::ledger_problem;
use super::shell::Shell;
use super::standing::{self, Standing};
use crate::ledger::Ledger;

/// Reads the ledger, also while a run is writing; creates nothing.
#[must_use]
pub(super) fn status(shell: &Shell, args: &Status) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let campaign = match opened.campaign_id(args.campaign.as_deref()) {
        Ok(campaign) => campaign,
        Err(problem) => return Answer::one_problem(Exit::MustChange, problem),
    };
    let folder = match opened.workspace.private_folder() {
        Ok(folder) => folder,
        Err(problem) => {
            let json = standing::none_as_json(Some(&campaign));
            return Answer { json, ..Answer::one_problem(Exit::MustChange, problem) };
        }
    };
    let read = Ledger::look(&folder).and_then(|l| Standing::read(l.as_ref(), &campaign));
    match read {
        Ok(standing) => standing::answer(&standing),
        Err(error) => Answer::one_problem(Exit::MustChange, ledger_problem(&error)),
    }
}
