//! This computer and the workspace, judged: ledger, folders, room, and how long a mailing takes.
//!
//! Pure: whoever calls has looked.

use super::check::Check;
use crate::limits::FREE_BYTES_MIN;
use crate::problem::Problem;
use std::time::Duration;

/// How the ledger was found.
#[derive(Clone, Debug)]
pub enum LedgerSeen {
    /// There is none: nothing went yet.
    None,
    /// In order; whether all of it was looked through.
    Sound,
    /// A run holds it: who, in words.
    InUse(String),
    /// Not in order.
    Broken(Problem),
}

/// The ledger.
#[must_use]
pub fn check_ledger(seen: &LedgerSeen) -> Check {
    const ID: &str = "ledger";
    match seen {
        LedgerSeen::None => Check::pass(ID, "none yet: nothing went from this workspace"),
        LedgerSeen::Sound => Check::pass(ID, "in order, and nobody else is using it"),
        LedgerSeen::InUse(who) => Check::skip(ID, format!("not looked through: {who}")),
        LedgerSeen::Broken(problem) => of_problem(ID, problem),
    }
}

/// A problem of another command's, as a check that fails.
#[must_use]
pub fn of_problem(id: &'static str, problem: &Problem) -> Check {
    let check = Check::fail(id, problem.message.clone());
    match &problem.hint {
        Some(hint) => check.remedy(hint.clone()),
        None => check,
    }
}

/// Whether files can be made in the folder that holds the ledger.
#[must_use]
pub fn check_writable(folder: &str, refused: Option<&str>) -> Check {
    const ID: &str = "workspace-writable";
    match refused {
        None => Check::pass(ID, format!("{folder} can be written")),
        Some(why) => Check::fail(ID, format!("{folder} cannot be written: {why}"))
            .remedy("Make the folder yours to write, or move the workspace into one that is."),
    }
}

/// Whether several computers see the workspace, and where its ledger is then.
#[must_use]
pub fn check_shared(service: Option<&str>, is_ledger_within: bool) -> Check {
    const ID: &str = "workspace-shared";
    match (service, is_ledger_within) {
        (None, _) => Check::pass(ID, "the workspace is on this computer only"),
        (Some(service), true) => {
            let what = format!("the ledger lies in {service}, which may damage or double it");
            Check::warn(ID, what).remedy(
                "Move the workspace to a folder of this computer only, and send from nowhere else.",
            )
        }
        (Some(service), false) => Check::pass(
            ID,
            format!("the workspace is in {service}; who has which letter is kept on this computer"),
        ),
    }
}

/// Free bytes where the ledger is.
#[must_use]
pub fn check_room(free: Option<u64>) -> Check {
    const ID: &str = "free-space";
    let Some(free) = free else {
        return Check::skip(ID, "this system does not say how much room is left");
    };
    let told = megabytes(free);
    match free < FREE_BYTES_MIN {
        true => Check::warn(ID, format!("{told} free"))
            .remedy("Make room on that drive before you send: letters and answers are kept there."),
        false => Check::pass(ID, format!("{told} free")),
    }
}

fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        megabytes @ 0..10_240 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes >> 10),
    }
}

/// How long a mailing takes, in a sentence of `pace_line`'s; `None` where nothing limits it.
#[must_use]
pub fn check_pace(letters: u64, pace: Option<&str>, takes: Duration) -> Check {
    const ID: &str = "pace";
    const DAY: u64 = 86_400;
    let count = if letters == 1 { "1 letter".to_owned() } else { format!("{letters} letters") };
    let Some(pace) = pace else {
        return Check::pass(ID, format!("{count}, and no limit of [relay] holds them back"));
    };
    // Begun days count: on each somebody must let the computer run.
    let days = takes.as_secs() / DAY + 1;
    match days {
        1 => Check::pass(ID, format!("{count} at {pace}")),
        days => Check::warn(ID, format!("{count} at {pace}: {days} days")).remedy(
            "Begin so many days before the letters must be there, or have IT raise the limit. A \
             computer that sleeps goes on where it was.",
        ),
    }
}

/// What `check` found in a mailing.
#[must_use]
pub fn check_campaign(name: &str, letters: u64, errors: usize) -> Check {
    const ID: &str = "mailing";
    match errors {
        0 => Check::pass(ID, format!("{name} has {letters} letters, none with an error")),
        errors => {
            let errors =
                if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
            Check::fail(ID, format!("{name} has {errors}"))
                .remedy(format!("Run secretariat check {name}: it shows them."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Verdict;

    fn told(check: &Check) -> String {
        let is_done = matches!(check.verdict, Verdict::Pass | Verdict::Skip);
        assert!(check.remedy.is_none() || !is_done, "{check:?}");
        format!("{}: {}", check.verdict.as_str(), check.what)
    }

    #[test]
    fn room_and_days_are_judged() {
        for (free, expected) in [
            (Some(20 << 30), "pass: 20 GB free"),
            (Some(600 << 20), "pass: 600 MB free"),
            (Some(499 << 20), "warn: 499 MB free"),
            (None, "skip: this system does not say how much room is left"),
        ] {
            assert_eq!(told(&check_room(free)), expected);
        }
        let pace = |hours: u64| {
            let takes = Duration::from_secs(hours * 3_600);
            told(&check_pace(9, Some("30 a minute"), takes))
        };
        assert_eq!(pace(23), "pass: 9 letters at 30 a minute");
        assert_eq!(pace(24), "warn: 9 letters at 30 a minute: 2 days");
        assert_eq!(
            told(&check_pace(1, None, Duration::ZERO)),
            "pass: 1 letter, and no limit of [relay] holds them back"
        );
    }

    #[test]
    fn a_shared_folder_is_a_warning_where_the_ledger_is_in_it() {
        let shared = |service, is_within| told(&check_shared(service, is_within));
        assert!(shared(Some("OneDrive"), true).starts_with("warn: the ledger lies in"));
        assert!(shared(Some("OneDrive"), false).starts_with("pass: the workspace is in OneDrive"));
        assert!(shared(None, true).starts_with("pass: "));
        let refused = check_writable("/w", Some("read-only"));
        assert_eq!(told(&refused), "fail: /w cannot be written: read-only");
        let problem = Problem::error("ledger", "damaged").hint("Restore it.");
        assert_eq!(told(&check_ledger(&LedgerSeen::Broken(problem))), "fail: damaged");
        let held = LedgerSeen::InUse("another run is at work here".to_owned());
        assert!(told(&check_ledger(&held)).starts_with("skip: not looked through: another run"));
    }
}
