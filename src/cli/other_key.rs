//! People who have the letter already, and are somebody else to the plan.
//!
//! A recipient is known again by address, and by name too where each person of a shared address gets
//! a letter. When `[people] same_address` or such a name is changed in the middle of a mailing, or
//! somebody's new address is that of a person who has the letter and is then left out, the letter
//! would go there again; `send` refuses that.

use super::ui::plural;
use crate::campaign::Campaign;
use crate::id::{DeliveryId, RecipientKey};
use crate::ledger::{Ledger, LedgerError, State, StoredDelivery};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::recipients::{Recipient, select};
use std::collections::{HashMap, HashSet};

/// Addresses named before the rest is counted.
const NAMED_MAX: usize = 5;

/// The finding about people of a plan whom the ledger knows under another key.
///
/// # Errors
/// When the ledger cannot be read.
pub(super) fn have_it_already(
    ledger: &Ledger,
    campaign: &Campaign,
    plan: &Plan,
    states: &HashMap<DeliveryId, State>,
) -> Result<Option<Problem>, LedgerError> {
    if states.is_empty() {
        return Ok(None);
    }
    let ids: HashSet<&DeliveryId> = plan.deliveries.iter().map(|d| &d.id).collect();
    let mut found = Vec::new();
    for delivery in &plan.deliveries {
        let recipient = &campaign.people.recipients[delivery.recipient];
        let is_readdressed = recipient.address.compare_key() != recipient.key.address();
        if states.contains_key(&delivery.id) && !is_readdressed {
            continue;
        }
        // Of copies only one of this very letter is it: of others people get both.
        let own_copy = RecipientKey::of_copy(&recipient.key, &recipient.address);
        let known = ledger.deliveries_of_address(&recipient.address)?;
        let is_theirs = |d: &StoredDelivery| {
            d.campaign == campaign.id
                && (d.copy_of.is_none() || d.key == own_copy)
                && !ids.contains(&d.id)
                && matches!(d.state, State::Accepted | State::Attempting | State::Uncertain)
                && (is_readdressed || may_be(recipient, d.name.as_deref()))
        };
        if known.iter().any(is_theirs) {
            found.push(recipient.address.as_str());
        }
    }
    Ok((!found.is_empty()).then(|| problem(&found)))
}

/// Whether a name can be this person's: it has all words of theirs, or they all of its. Where an
/// address gets one letter, everybody there is one.
fn may_be(recipient: &Recipient, name: Option<&str>) -> bool {
    let words = |name: &str| -> HashSet<String> {
        select::folded(name).split(' ').map(str::to_owned).collect()
    };
    match (recipient.name.as_deref().map(words), name.map(words)) {
        _ if !recipient.key.has_name() => true,
        (Some(theirs), Some(known)) => theirs.is_subset(&known) || known.is_subset(&theirs),
        _ => true,
    }
}

fn problem(found: &[&str]) -> Problem {
    let named = found.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = found.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let have = if found.len() == 1 { "has" } else { "have" };
    let people = plural(found.len() as u64, "person");
    let message = format!("{people} {have} this letter and would get it again: {named}{more}");
    Problem::error("has-it-already", message).count(found.len() as u64).hint(
        "[people] same_address, a name at a shared address, or an address in decisions.csv was \
         changed in the middle of the mailing: put it back, or make another mailing with \
         secretariat new.",
    )
}
