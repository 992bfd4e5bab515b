//! `--first N` and `--person WHO`: which letters of a plan a command is about.
//!
//! # Invariants
//! The plan stays whole, and so does its code: choosing takes nothing out of it. Whoever confirms a
//! part has not confirmed the rest.

use super::args::Send;
use super::preview::choose;
use crate::campaign::Campaign;
use crate::id::DeliveryId;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::send::Selection;
use std::collections::HashSet;

/// What the command line asks for.
///
/// # Errors
/// A [`Problem`] when WHO is nobody, several people, or left out of the mailing.
pub(super) fn chosen(campaign: &Campaign, plan: &Plan, args: &Send) -> Result<Selection, Problem> {
    if let Some(who) = &args.person {
        let recipient = choose(campaign, who)?;
        let is_theirs = |d: &&crate::plan::Planned| {
            campaign.people.recipients[d.recipient].number == recipient.number
        };
        let Some(delivery) = plan.deliveries.iter().find(is_theirs) else {
            let message = format!("{} gets no letter of {}", recipient.address, campaign.id);
            let hint = format!("See secretariat why {}.", recipient.address);
            return Err(Problem::error("nobody", message).hint(hint));
        };
        return Ok(Selection::Only(HashSet::from([delivery.id])));
    }
    Ok(match args.first {
        Some(count) => Selection::First(usize::try_from(count).unwrap_or(usize::MAX)),
        None => Selection::All,
    })
}

/// The deliveries of a plan, in its order, that are meant when nobody has a letter yet.
#[must_use]
pub(super) fn of_a_new_plan(plan: &Plan, selection: &Selection) -> HashSet<DeliveryId> {
    let ids = plan.deliveries.iter().map(|d| d.id);
    match selection {
        Selection::All => ids.collect(),
        Selection::First(count) => ids.take(*count).collect(),
        Selection::Only(only) => only.clone(),
    }
}
