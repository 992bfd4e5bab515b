//! `doctor`: what stands between the workspace and the mailing's arrival.

use super::answer::{Answer, Exit};
use super::args;
use super::doctor_key::make_dkim_key;
use super::doctor_note::note_for_it;
use super::shell::Shell;
use crate::problem::Problem;

/// Looks, or writes what others need.
#[must_use]
pub(super) fn doctor(shell: &Shell, args: &args::Doctor) -> Answer {
    if args.note_for_it {
        note_for_it(shell, args)
    } else if args.make_dkim_key {
        make_dkim_key(shell, args)
    } else {
        let hint = "Use --note-for-it or --make-dkim-key.";
        let problem = Problem::error("usage", "nothing was asked for").hint(hint);
        Answer::one_problem(Exit::BadCommandLine, problem)
    }
}
