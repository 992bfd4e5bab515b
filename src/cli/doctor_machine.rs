//! What `doctor` sees of this computer, the workspace and the mailing.

use super::failure::ledger_problem;
use super::pace_line::pace_line;
use super::restored;
use super::shell::{Opened, Shell};
use crate::campaign::Campaign;
use crate::doctor::check::Check;
use crate::doctor::machine::{
    LedgerSeen, check_campaign, check_ledger, check_pace, check_room, check_shared, check_writable,
    of_problem,
};
use crate::id::CampaignId;
use crate::ledger::{Ledger, LockError, RunLock};
use crate::problem::{Problem, Problems, Severity};
use crate::send::pace::DAY;
use crate::time::Timestamp;

/// The mailing that is meant.
pub(super) struct Mailing {
    /// Which.
    pub(super) campaign: CampaignId,
    /// Letters, copies among them.
    pub(super) letters: u64,
    /// Octets of the largest.
    pub(super) largest: Option<u64>,
    /// What `check` would find.
    errors: usize,
}

/// Plans the mailing that is named, or the only one; `None` where there are several and none is
/// named.
pub(super) fn mailing(shell: &Shell, opened: &Opened, name: Option<&str>) -> Option<Mailing> {
    let id = opened.campaign_id(name).ok()?;
    let mut problems = Problems::new();
    let campaign = opened.campaign(name, &mut problems);
    let plan = campaign
        .as_ref()
        .map(|campaign: &Campaign| campaign.plan_only(shell.clock().date(), &mut problems));
    let largest = plan.as_ref().and_then(|plan| plan.deliveries.iter().map(|d| d.octets).max());
    let letters = plan.as_ref().map_or(0, |plan| plan.all().count() as u64);
    Some(Mailing { campaign: id, letters, largest, errors: problems.count_of(Severity::Error) })
}

/// All checks of the computer but that of its clock.
pub(super) fn look_at_machine(
    shell: &Shell,
    opened: &Opened,
    mailing: Option<&Mailing>,
) -> Vec<Check> {
    let workspace = &opened.workspace;
    let (ledger, seen) = look_at_ledger(shell, opened);
    let shown = |folder: &std::path::Path| folder.display().to_string();
    let writable = match workspace.try_to_write() {
        Ok(folder) => check_writable(&shown(&folder), None),
        Err((folder, error)) => check_writable(&shown(&folder), Some(&error.to_string())),
    };
    let private = workspace.private_folder().ok();
    let is_within = private.is_some_and(|p| p.starts_with(workspace.root()) && p.is_dir());
    let mut checks = vec![
        check_configuration(opened),
        check_ledger(&seen),
        writable,
        check_shared(workspace.seen_elsewhere(), is_within),
        check_room(workspace.free_bytes()),
    ];
    match mailing {
        Some(mailing) => checks.extend(check_mailing(shell, opened, mailing, ledger.as_ref())),
        None => checks.push(Check::skip("mailing", "no mailing is named: secretariat doctor NAME")),
    }
    checks
}

fn check_configuration(opened: &Opened) -> Check {
    const ID: &str = "configuration";
    let errors = opened.problems.count_of(Severity::Error);
    let first = opened.problems.sorted().into_iter().find(|p| p.severity == Severity::Error);
    match first {
        None => Check::pass(ID, "secretariat.toml is understood"),
        Some(problem) => {
            let place = problem.place.as_ref().map(|place| format!("{place}: "));
            let more = match errors {
                1 => String::new(),
                errors => format!(" (the first of {errors} errors)"),
            };
            let message = format!("{}{}{more}", place.unwrap_or_default(), problem.message);
            of_problem(ID, &Problem { message, ..problem.clone() })
        }
    }
}

/// The ledger, looked through as before a run, under the run's lock.
fn look_at_ledger(shell: &Shell, opened: &Opened) -> (Option<Ledger>, LedgerSeen) {
    let refused = |answer: &super::answer::Answer| {
        let problem = answer.problems.iter().next().cloned();
        LedgerSeen::Broken(problem.unwrap_or_else(|| Problem::error("ledger", "cannot be read")))
    };
    let ledger = match restored::look(shell, &opened.workspace) {
        Ok(Some(ledger)) => ledger,
        Ok(None) => return (None, LedgerSeen::None),
        Err(answer) => return (None, refused(&answer)),
    };
    if let Err(answer) = restored::not_behind(shell, &ledger) {
        return (None, refused(&answer));
    }
    let folder = ledger.file().parent().map(std::path::Path::to_owned).unwrap_or_default();
    let host = shell.environment().computer_name();
    let seen = match RunLock::take(&folder, &host, shell.clock().now()) {
        Ok(lock) => match ledger.check(&lock) {
            Ok(()) => LedgerSeen::Sound,
            Err(error) => LedgerSeen::Broken(ledger_problem(&error)),
        },
        Err(error @ LockError::Held { .. }) => LedgerSeen::InUse(error.to_string()),
        Err(error) => {
            LedgerSeen::Broken(Problem::error("lock", error.to_string()).hint(error.hint()))
        }
    };
    (Some(ledger), seen)
}

/// The letters, and how long the limits of `[relay]` make them take.
fn check_mailing(
    shell: &Shell,
    opened: &Opened,
    mailing: &Mailing,
    ledger: Option<&Ledger>,
) -> Vec<Check> {
    let mut checks =
        vec![check_campaign(mailing.campaign.as_str(), mailing.letters, mailing.errors)];
    let Some(relay) = opened.config.relay.as_ref().filter(|_| mailing.letters > 0) else {
        return checks;
    };
    let now = shell.clock().now();
    let a_day_ago = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
    let earlier = ledger.and_then(|ledger| ledger.acceptances_since(a_day_ago, now).ok());
    let earlier = earlier.unwrap_or_default();
    let pacing = &relay.habits.pacing;
    let pace = pace_line(Some(relay), mailing.letters, &earlier, now);
    let takes = pacing.estimate(mailing.letters, &earlier, now);
    checks.push(check_pace(mailing.letters, pace.as_deref(), takes));
    checks
}
