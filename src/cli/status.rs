//! `status`: who has the letter, who waits, what needs a person.

use super::answer::{Answer, Exit};
use super::args::Status;
use super::failure::{ledger_problem, must_change};
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use crate::id::CampaignId;

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
    read(shell, &opened, &campaign).map_or_else(
        |answer| Answer { json: standing::none_as_json(Some(&campaign)), ..*answer },
        |standing| standing::answer(&standing),
    )
}

fn read(shell: &Shell, opened: &Opened, campaign: &CampaignId) -> Result<Standing, Box<Answer>> {
    let ledger = restored::look(shell, opened)?;
    let standing = Standing::read(ledger.as_ref(), campaign)
        .map_err(|error| must_change(ledger_problem(&error)))?;
    let doubted = ledger.and_then(|ledger| restored::doubted(shell, &ledger));
    Ok(Standing { doubted, ..standing })
}
