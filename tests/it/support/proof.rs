//! The proof of paper 4: what the ledger says, held against what the relay has counted.
//!
//! Owns the invariants that hold after every run, whatever went wrong:
//! I1 nobody has two; I2 accepted: the relay has one; I3 the relay has one: accepted, attempting or
//! uncertain; I4 planned, deferred, rejected: the relay has none; I5 uncertain: no more than drops
//! and kills allow; I7 one recipient a transaction, and nothing else against the rules.

use super::relay::Relay;
use super::workspace::{Workspace, person};
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
    let received = relay.counts();
    for (address, state) in &states {
        let count = received.get(address).copied().unwrap_or(0);
        let fits = match state.as_str() {
            "accepted" => count == 1,
            "attempting" | "uncertain" => count <= 1,
            _ => count == 0,
        };
        assert!(fits, "I1-I4: {address} is {state} and the relay has {count}");
    }
    let strangers = received.keys().find(|address| !states.contains_key(*address));
    assert_eq!(strangers, None, "the relay has a message for somebody who is in no list");
    let uncertain = states.values().filter(|s| *s == "uncertain").count();
    assert!(uncertain <= uncertain_max, "I5: {uncertain} uncertain, at most {uncertain_max}");
    assert_eq!(relay.violations(), [""; 0], "I7 and the rules of SMTP");
    let counted = counts(workspace);
    for state in STATES {
        let here = states.values().filter(|s| *s == state).count() as u64;
        assert_eq!(counted[state], here, "status and why agree on {state}");
    }
    states
}

/// Holds that everybody has exactly one message.
#[track_caller]
pub fn everybody_has_one(relay: &Relay, people: usize) {
    let expected: BTreeMap<String, usize> = (1..=people).map(|n| (person(n), 1)).collect();
    assert_eq!(relay.counts(), expected);
}
