//! Who is open to a plan: whoever has no letter yet, and whoever was refused at another address.
//!
//! # Invariants
//! What is said before a plan is adopted is what adopting it does (`ledger/adopt.rs`).

use crate::campaign::Campaign;
use crate::id::DeliveryId;
use crate::ledger::{Ledger, LedgerError, State};
use crate::plan::Plan;
use std::collections::HashMap;

/// The states of a campaign's deliveries as a plan would find them: refused or given up at an
/// address that the plan no longer writes to is waiting again.
pub(super) fn states_before(
    ledger: &Ledger,
    campaign: &Campaign,
    plan: &Plan,
) -> Result<HashMap<DeliveryId, State>, LedgerError> {
    let mut states: HashMap<_, _> = ledger.states(&campaign.id)?.into_iter().collect();
    for planned in &plan.deliveries {
        let Some(state) = states.get_mut(&planned.id).filter(|s| s.is_open_at_another_address())
        else {
            continue;
        };
        let address = &campaign.people.recipients[planned.recipient].address;
        let known = ledger.delivery(&planned.id)?;
        let is_moved = |d: &crate::ledger::StoredDelivery| {
            d.round == 1 && d.address.compare_key() != address.compare_key()
        };
        if known.as_ref().is_some_and(is_moved) {
            *state = State::Planned;
        }
    }
    Ok(states)
}
