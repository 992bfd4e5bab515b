//! The proof of paper 4: what the ledger says, held against what the relay has counted.
//!
//! Owns how the states are got out of the program, through `why` and `status`. What is proved of
//! them is the program's own `rehearsal/proof.rs`, which has tests with made-up doubles and losses.

use super::relay::Relay;
use super::workspace::{Workspace, person};
use secretariat::ledger::State;
use secretariat::rehearsal::proof::{self, Claim};
use serde_json::Value;
use std::collections::BTreeMap;

/// Every state of a delivery, in the order of the contract's `counts`.
pub const STATES: [&str; 9] = [
    "planned",
    "attempting",
    "accepted",
    "deferred",
    "rejected",
    "uncertain",
    "expired",
    "cancelled",
    "suppressed",
];

/// The state of each of the first `people` persons' delivery, as `why` tells it.
pub fn states(workspace: &Workspace, people: usize) -> BTreeMap<String, String> {
    let state = |address: &str| {
        let (code, json) = workspace.run_json(&["why", address]);
        assert_eq!(code, Some(0), "why {address}: {json:#}");
        let deliveries = json["deliveries"].as_array().expect("why lists deliveries");
        assert_eq!(deliveries.len(), 1, "one delivery of one campaign: {json:#}");
        let state = deliveries[0]["state"].as_str().expect("a delivery has a state");
        assert!(STATES.contains(&state), "{address}: {state} is no state");
        state.to_owned()
    };
    (1..=people).map(|n| (person(n), state(&person(n)))).collect()
}

/// `status`: it must succeed and add up; its counts.
pub fn counts(workspace: &Workspace) -> BTreeMap<String, u64> {
    let (code, json) = workspace.run_json(&["status"]);
    assert_eq!(code, Some(0), "status: {json:#}");
    counts_of(&json)
}

/// The counts of `send` or `status`, which must add up.
pub fn counts_of(json: &Value) -> BTreeMap<String, u64> {
    let counts = json["counts"].as_object().unwrap_or_else(|| panic!("no counts in {json:#}"));
    let number = |value: &Value| value.as_u64().expect("a count is a number");
    let counts: BTreeMap<String, u64> =
        counts.iter().map(|(name, value)| (name.clone(), number(value))).collect();
    let sum: u64 = STATES.iter().map(|state| counts[*state]).sum();
    assert_eq!(counts["total"], sum, "the counts add up to the total: {json:#}");
    counts
}

/// Holds I1 to I5 and I7; gives the states.
///
/// `uncertain_max`: drops at or after the end of a message, and connections at each kill.
#[track_caller]
pub fn check(
    workspace: &Workspace,
    relay: &Relay,
    people: usize,
    uncertain_max: usize,
) -> BTreeMap<String, String> {
    let states = states(workspace, people);
    let found = proof::counts(&claims(&states), &relay.counts(), uncertain_max);
    assert_eq!(found, [], "I1-I5: {states:?}");
    assert_eq!(proof::rules(&relay.violations()), [], "I7 and the rules of SMTP");
    let counted = counts(workspace);
    for state in STATES {
        let here = states.values().filter(|s| *s == state).count() as u64;
        assert_eq!(counted[state], here, "status and why agree on {state}");
    }
    states
}

/// States as the program tells them, for the proof.
fn claims(states: &BTreeMap<String, String>) -> Vec<Claim> {
    let state = |word: &str| State::parse(word).unwrap_or_else(|| panic!("{word} is no state"));
    let claim = |(address, word): (&String, &String)| Claim {
        address: address.clone(),
        state: state(word),
    };
    states.iter().map(claim).collect()
}

/// Holds that everybody has exactly one message.
#[track_caller]
pub fn everybody_has_one(relay: &Relay, people: usize) {
    let expected: BTreeMap<String, usize> = (1..=people).map(|n| (person(n), 1)).collect();
    assert_eq!(relay.counts(), expected);
}
