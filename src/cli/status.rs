//! `status`: who has the letter, who waits, what needs a person.

use super::answer::Answer;
use super::args::Status;
use super::control::Meant;
use super::failure::{ledger_problem, must_change};
use super::restored;
use super::shell::Shell;
use super::standing::{self, Standing};
use crate::id::CampaignId;
use crate::ledger::Ledger;
use crate::send::pace::Pacing;

/// Reads the ledger, also while a run is writing; creates nothing.
#[must_use]
pub(super) fn status(shell: &Shell, args: &Status) -> Answer {
    let meant = match Meant::of(shell, args.campaign.as_deref()) {
        Ok(meant) => meant,
        Err(answer) => return *answer,
    };
    let Meant { workspace, campaign, pacing, .. } = &meant;
    let standing = restored::look(shell, workspace)
        .and_then(|ledger| standing_of(shell, ledger.as_ref(), campaign, pacing));
    standing.map_or_else(
        |answer| Answer { json: standing::none_as_json(Some(campaign)), ..*answer },
        |standing| standing::answer(&standing, shell),
    )
}

/// How a mailing stands, with what holds it back and whether any of it can be built on.
///
/// # Errors
/// The command's answer, when the ledger cannot be read.
pub(super) fn standing_of(
    shell: &Shell,
    ledger: Option<&Ledger>,
    campaign: &CampaignId,
    pacing: &Pacing,
) -> Result<Standing, Box<Answer>> {
    let standing = Standing::read(ledger, campaign)
        .and_then(|standing| standing.with_limits(ledger, pacing, shell.clock().now()))
        .map_err(|error| must_change(ledger_problem(&error)))?;
    Ok(Standing { doubted: ledger.and_then(|l| restored::doubted(shell, l)), ..standing })
}
