//! `status`: who has the letter, who waits, what needs a person.

use super::answer::Answer;
use super::args::Status;
use super::control::Meant;
use super::failure::{ledger_problem, must_change};
use super::other_key::Theirs;
use super::restored;
use super::shell::{Opened, Shell};
use super::standing::{self, Standing};
use crate::campaign::Campaign;
use crate::id::CampaignId;
use crate::ledger::Ledger;
use crate::limits::WHY_LISTS_BYTES_MAX;
use crate::problem::Problem;
use crate::send::pace::Pacing;

/// Reads the ledger, also while a run is writing, and who is in the lists now; creates nothing.
#[must_use]
pub(super) fn status(shell: &Shell, args: &Status) -> Answer {
    let meant = match Meant::of(shell, args.campaign.as_deref()) {
        Ok(meant) => meant,
        Err(answer) => return *answer,
    };
    let Meant { workspace, campaign, pacing, meanings, .. } = &meant;
    let looked = restored::look(shell, workspace).and_then(|ledger| {
        let standing = standing_of(shell, ledger.as_ref(), campaign, pacing)?;
        let standing = Standing { meanings: meanings.clone(), ..standing };
        let missed = ledger.and_then(|ledger| missed(shell, &ledger, campaign));
        Ok((standing, missed.unwrap_or_default()))
    });
    looked.map_or_else(
        |answer| Answer { json: standing::none_as_json(Some(campaign)), ..*answer },
        |(standing, missed)| {
            let mut answer = standing::answer(&standing, shell);
            missed.into_iter().for_each(|problem| answer.problems.push(problem));
            answer
        },
    )
}

/// Whom letters did not reach, by the lists as they are now, where these can be read at once: what
/// is wrong with them is for `check` to say.
fn missed(shell: &Shell, ledger: &Ledger, campaign: &CampaignId) -> Option<Vec<Problem>> {
    let Opened { workspace, config, .. } = shell.open().ok()?;
    let setting = config.campaigns.iter().find(|setting| setting.id == *campaign)?;
    let people = Campaign::people_within(&workspace, &config, setting, WHY_LISTS_BYTES_MAX)?;
    Some(Theirs::of(ledger, campaign, &people).missed().ok()?.problems())
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
