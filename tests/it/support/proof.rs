//! The proof of paper 4: what the ledger says, held against what the relay has counted.
//!
//! Owns how the states are got out of the program, through `why` and `status`. What is proved of
//! them is the program's own `rehearsal/proof.rs`, which has tests with made-up doubles and losses.

use super::postfix::Held;
use super::relay::Relay;
use super::workspace::{Workspace, copies, person};
use secretariat::address::EmailAddress;
use secretariat::id::{CampaignId, DeliveryId, RecipientKey};
use secretariat::ledger::{Ledger, State};
use secretariat::rehearsal::proof::{self, Claim};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

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

/// Deliveries by where they go.
pub type Deliveries = Vec<(String, DeliveryId)>;

/// Those of the first `people` persons' letters.
pub fn letters(people: usize) -> Deliveries {
    (1..=people).map(|n| (person(n), id_of(&key_of(n)))).collect()
}

/// The same, each followed by the copies of `Workspace::with_copies`.
pub fn letters_and_copies(people: usize) -> Deliveries {
    let copy_of = |n: usize, address: String| {
        let parsed = EmailAddress::parse(&address).expect("an address");
        let key = RecipientKey::of_copy(&key_of(n), &parsed);
        (address, id_of(&key))
    };
    let all = (1..=people).flat_map(|n| {
        let copies = copies(n).into_iter().map(move |address| copy_of(n, address));
        std::iter::once((person(n), id_of(&key_of(n)))).chain(copies)
    });
    all.collect()
}

fn key_of(n: usize) -> RecipientKey {
    RecipientKey::of(&EmailAddress::parse(&person(n)).expect("an address"))
}

fn id_of(key: &RecipientKey) -> DeliveryId {
    DeliveryId::of(&CampaignId::parse("outcome").expect("a name"), key)
}

/// What a dead run left in the ledger of this folder of these deliveries; nothing where there is no
/// plan. Asked of a copy: whoever opens a ledger folds its log into the file, and that is for the
/// next run to do.
pub fn claims_left_in(folder: &Path, deliveries: &Deliveries) -> Vec<Claim> {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in ["ledger.db", "ledger.db-wal"] {
        if folder.join(name).exists() {
            std::fs::copy(folder.join(name), copy.path().join(name)).expect("copied");
        }
    }
    let campaign = CampaignId::parse("outcome").expect("a name");
    let ledger = Ledger::look(copy.path()).expect("a ledger that can be read");
    let states: HashMap<DeliveryId, State> = ledger.map_or_else(HashMap::new, |ledger| {
        ledger.states(&campaign).expect("states").into_iter().collect()
    });
    let claim = |(address, id): &(String, DeliveryId)| {
        states.get(id).map(|state| Claim { address: address.clone(), state: *state })
    };
    let claims: Vec<Claim> = deliveries.iter().filter_map(claim).collect();
    let is_whole = claims.is_empty() || claims.len() == deliveries.len();
    assert!(is_whole, "a plan is there whole or not at all");
    claims
}

/// How many of them are in one of these states.
pub fn number_of(claims: &[Claim], states: &[State]) -> usize {
    claims.iter().filter(|claim| states.contains(&claim.state)).count()
}

/// Holds I1 to I5 and I7 of what the ledger says.
#[track_caller]
pub fn hold(claims: &[Claim], relay: &Relay, uncertain_max: usize, what: &str) {
    assert_eq!(proof::counts(claims, &relay.counts(), uncertain_max), [], "I1-I5: {what}");
    assert_eq!(proof::rules(&relay.violations()), [], "I7: {what}");
}

/// Holds that everybody has exactly one message.
#[track_caller]
pub fn everybody_has_one(relay: &Relay, people: usize) {
    let expected: BTreeMap<String, usize> = (1..=people).map(|n| (person(n), 1)).collect();
    assert_eq!(relay.counts(), expected);
}

/// The same by a relay that nobody here wrote: what it holds, held against the ledger.
///
/// Told from one look at `status`, which names whoever is neither accepted nor untried.
#[track_caller]
pub fn check_held(
    workspace: &Workspace,
    held: &[Held],
    people: usize,
    uncertain_max: usize,
) -> BTreeMap<String, String> {
    let states = states_at_a_glance(workspace, people);
    let mut received: BTreeMap<String, usize> = BTreeMap::new();
    for message in held {
        assert_eq!(message.forward_paths.len(), 1, "I7: {message:?}");
        *received.entry(message.forward_paths[0].clone()).or_default() += 1;
    }
    let found = proof::counts(&claims(&states), &received, uncertain_max);
    assert_eq!(found, [], "I1-I5: {states:?}");
    states
}

/// The states from one look at `status`, which names whoever is neither accepted nor untried; all
/// others must be the one or the other, else everybody is asked about.
pub fn states_at_a_glance(workspace: &Workspace, people: usize) -> BTreeMap<String, String> {
    let (_, json) = workspace.run_json(&["status"]);
    let counted = counts_of(&json);
    let named = json["attention"].as_array().expect("a list");
    let others = people as u64 - named.len() as u64;
    let is_all_others = |state: &&&str| counted[**state] == others;
    let Some(others) = ["accepted", "planned"].iter().find(is_all_others) else {
        return states(workspace, people);
    };
    let everybody = (1..=people).map(|n| (person(n), (*others).to_owned()));
    let mut found: BTreeMap<String, String> = everybody.collect();
    for one in named {
        let of = |part: &str| one[part].as_str().expect("a text").to_owned();
        found.insert(of("address"), of("state"));
    }
    for state in STATES {
        let here = found.values().filter(|s| *s == state).count() as u64;
        assert_eq!(counted[state], here, "the counts and the names agree on {state}: {json:#}");
    }
    found
}
