//! Random plans, intents and records against what the table and the contract alone say.
//!
//! Owns one property: each delivery is in one state, the one that the steps lead to, and the counts
//! add up, whatever the order and however often the ledger is opened again.

use super::control::REFUSALS;
use super::testing::{adopt_people, campaign, id, ledger, now, state};
use super::{Ledger, Recorded, State};
use proptest::prelude::*;
use std::collections::BTreeMap;

const PEOPLE: [&str; 5] = ["ana", "bo", "eve", "fang", "ida"];

#[derive(Clone, Debug)]
enum Step {
    Adopt { people: u8, words: u8 },
    Intend { who: usize },
    Record { who: usize, to: usize },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE.len();
    prop_oneof![
        1 => (0_u8..32, 0_u8..3).prop_map(|(people, words)| Step::Adopt { people, words }),
        4 => who.clone().prop_map(|who| Step::Intend { who }),
        6 => (who, 0..State::ALL.len()).prop_map(|(who, to)| Step::Record { who, to }),
        1 => Just(Step::Reopen),
    ]
}

/// What the ledger must hold, by the table and the contract alone.
type Model = BTreeMap<&'static str, State>;

fn adopt_in_model(model: &mut Model, named: &[&'static str]) {
    use State::{Cancelled, Deferred, Planned};
    for who in PEOPLE {
        match (model.get(who).copied(), named.contains(&who)) {
            (None | Some(Cancelled), true) => drop(model.insert(who, Planned)),
            (Some(Planned | Deferred), false) => drop(model.insert(who, Cancelled)),
            _ => {}
        }
    }
}

fn check(ledger: &Ledger, model: &Model) {
    let counts = ledger.counts(&campaign()).unwrap();
    assert_eq!(counts.total(), model.len() as u64);
    for one in State::ALL {
        let expected = model.values().filter(|state| **state == one).count();
        assert_eq!(counts.of(one), expected as u64, "{one}");
    }
    for (who, expected) in model {
        assert_eq!(state(ledger, who), *expected, "{who}");
    }
    let complete = model.values().all(|state| state.is_final());
    assert_eq!(counts.is_complete(), complete);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn counts_always_add_up(steps in proptest::collection::vec(step(), 1..60)) {
        let (folder, mut ledger) = ledger(&[]);
        let mut model = Model::new();
        let mut adopted = None;
        for step in steps {
            match step {
                Step::Adopt { people, words } => {
                    let named: Vec<_> =
                        (0..5).filter(|n| people >> n & 1 == 1).map(|n| PEOPLE[n]).collect();
                    let changed = adopted.replace((people, words)) != Some((people, words));
                    // Whoever is cancelled in a plan was withdrawn: adopting it again takes that
                    // back.
                    let is_withdrawn =
                        named.iter().any(|who| model.get(who) == Some(&State::Cancelled));
                    adopt_people(&mut ledger, &named, &format!("words {words}"));
                    if (changed || is_withdrawn) && !(named.is_empty() && model.is_empty()) {
                        adopt_in_model(&mut model, &named);
                    }
                }
                Step::Intend { who } => {
                    let from = model.get(PEOPLE[who]).copied();
                    let allowed = from.is_some_and(|s| s.may_become(State::Attempting));
                    let intent = ledger.intend(&id(PEOPLE[who]), now(), now());
                    prop_assert_eq!(intent.is_ok(), allowed);
                    if allowed {
                        model.insert(PEOPLE[who], State::Attempting);
                    }
                }
                Step::Record { who, to } => {
                    let to = State::ALL[to];
                    let recorded =
                        ledger.record(&id(PEOPLE[who]), &Recorded::new(to), now());
                    let from = model.get(PEOPLE[who]).copied();
                    // What a relay refuses of a withdrawn letter is an event and no step.
                    let is_kept = from == Some(State::Cancelled) && REFUSALS.contains(&to);
                    if recorded.is_ok() && !is_kept {
                        let from = model.insert(PEOPLE[who], to);
                        prop_assert!(from.is_some_and(|from| from.may_become(to)));
                    }
                }
                Step::Reopen => {
                    drop(ledger);
                    ledger = Ledger::open(&folder.path().join("store"), now()).unwrap();
                }
            }
            check(&ledger, &model);
        }
    }
}
