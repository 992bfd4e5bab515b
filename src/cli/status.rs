//! `status`: who has the letter, who waits, what needs a person.

use super::answer::{Answer, Exit};
use super::args::Status;
use super::failure::{ledger_problem, must_change};
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use crate::id::CampaignId;
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
    let standing = restored::look(shell, &opened)
        .and_then(|ledger| standing_of(shell, &opened, ledger.as_ref(), &campaign));
    standing.map_or_else(
        |answer| Answer { json: standing::none_as_json(Some(&campaign)), ..*answer },
        |standing| standing::answer(&standing, shell),
    )
}

/// How a mailing stands, with what holds it back and whether any of it can be built on.
///
/// # Errors
/// The command's answer, when the ledger cannot be read.
pub(super) fn standing_of(
    shell: &Shell,
    opened: &Opened,
    ledger: Option<&Ledger>,
    campaign: &CampaignId,
) -> Result<Standing, Box<Answer>> {
    let pacing = opened.config.relay.as_ref().map(|relay| relay.habits.pacing).unwrap_or_default();
    let standing = Standing::read(ledger, campaign)
        .and_then(|standing| standing.with_limits(ledger, &pacing, shell.clock().now()))
        .map_err(|error| must_change(ledger_problem(&error)))?;
    Ok(Standing { doubted: ledger.and_then(|l| restored::doubted(shell, l)), ..standing })
}
