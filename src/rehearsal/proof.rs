//! The proof of the delivery paper: what the ledger says, held against what the relay has counted.
//!
//! Owns the promises I1 to I8 and what breaks each. Pure. The relay's count is the oracle: nothing
//! here asks the sending side what it believes, but for the states that are to be proved.

use super::relay::Received;
use crate::id::Digest;
use crate::ledger::State;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What the ledger says of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address, as RCPT gives it.
    pub address: String,
    /// Where it stands.
    pub state: State,
}

/// What is promised (delivery paper, Proof).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// I1: nobody has more than one letter of a round.
    NobodyTwice,
    /// I2: what is accepted is at the relay, once.
    AcceptedIsThere,
    /// I3, I4: what the relay has is accepted or in doubt; refused and waiting people have none.
    NothingUnnoted,
    /// I5: no more in doubt than kills and drops can leave.
    DoubtIsBounded,
    /// I6: the bytes that arrived are the bytes previewed.
    AsPreviewed,
    /// I7: one recipient a transaction, and nothing else against the rules.
    OneRecipient,
    /// I8: nothing is left open.
    NobodyMissed,
}

impl Promise {
    /// All, in order.
    pub const ALL: [Promise; 7] = [
        Promise::NobodyTwice,
        Promise::AcceptedIsThere,
        Promise::NothingUnnoted,
        Promise::DoubtIsBounded,
        Promise::AsPreviewed,
        Promise::OneRecipient,
        Promise::NobodyMissed,
    ];

    /// Its name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Promise::NobodyTwice => "nobody-twice",
            Promise::AcceptedIsThere => "accepted-is-there",
            Promise::NothingUnnoted => "nothing-unnoted",
            Promise::DoubtIsBounded => "doubt-is-bounded",
            Promise::AsPreviewed => "as-previewed",
            Promise::OneRecipient => "one-recipient",
            Promise::NobodyMissed => "nobody-missed",
        }
    }
}

/// How a promise is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub promise: Promise,
    /// Who or what, in words.
    pub words: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise.code(), self.words)
    }
}

fn breach(promise: Promise, words: String) -> Breach {
    Breach { promise, words }
}

/// Deliveries of one address by what may have come of them.
#[derive(Clone, Copy, Default)]
struct Expected {
    accepted: usize,
    in_doubt: usize,
    all: usize,
}

/// I1 to I5: states against counts by address, at any moment. `uncertain_max`: connections at each
/// kill, and broken connections.
#[must_use]
pub fn counts(
    claims: &[Claim],
    received: &BTreeMap<String, usize>,
    uncertain_max: usize,
) -> Vec<Breach> {
    let mut expected: BTreeMap<&str, Expected> = BTreeMap::new();
    for claim in claims {
        let of_address = expected.entry(&claim.address).or_default();
        of_address.all += 1;
        match claim.state {
            State::Accepted => of_address.accepted += 1,
            State::Attempting | State::Uncertain => of_address.in_doubt += 1,
            _ => {}
        }
    }
    let known = expected.keys().copied();
    let addresses: BTreeSet<&str> = known.chain(received.keys().map(String::as_str)).collect();
    let mut found: Vec<Breach> = addresses
        .into_iter()
        .filter_map(|address| {
            let has = received.get(address).copied().unwrap_or(0);
            count_of(address, expected.get(address).copied(), has)
        })
        .collect();
    let uncertain = claims.iter().filter(|c| c.state == State::Uncertain).count();
    if uncertain > uncertain_max {
        let words = format!("{uncertain} letters are in doubt, at most {uncertain_max} can be");
        found.push(breach(Promise::DoubtIsBounded, words));
    }
    found
}

/// One address.
fn count_of(address: &str, expected: Option<Expected>, has: usize) -> Option<Breach> {
    let Some(expected) = expected else {
        let words = format!("{address} is in no list, and the mail server has {has} for it");
        return Some(breach(Promise::NothingUnnoted, words));
    };
    let Expected { accepted, in_doubt, all } = expected;
    if has > all {
        let words = format!("{address} has {has} letters, {all} at most were to go");
        return Some(breach(Promise::NobodyTwice, words));
    }
    if has < accepted {
        let words =
            format!("{address}: {accepted} noted as handed over, the mail server has {has}");
        return Some(breach(Promise::AcceptedIsThere, words));
    }
    (has > accepted + in_doubt).then(|| {
        let words = format!("{address}: the mail server has {has}, noted are {accepted}");
        breach(Promise::NothingUnnoted, words)
    })
}

/// I6: each message that arrived is one previewed for its recipient. I1 by letter: of several for
/// one address, such as copies of different people's letters, none arrived more often than it was
/// previewed.
#[must_use]
pub fn bytes(previewed: &BTreeMap<String, Vec<Digest>>, received: &[Received]) -> Vec<Breach> {
    // How often each message is still to come.
    let mut left: BTreeMap<(&str, Digest), usize> = BTreeMap::new();
    for (to, digests) in previewed {
        for digest in digests {
            *left.entry((to, *digest)).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for message in received {
        let to = message.forward_paths.first().map_or("nobody", String::as_str);
        match message.digest.and_then(|digest| left.get_mut(&(to, digest))) {
            None => {
                let words = format!("{to} was given other bytes than were previewed");
                found.push(breach(Promise::AsPreviewed, words));
            }
            Some(0) => found.push(breach(Promise::NobodyTwice, format!("{to} has a letter twice"))),
            Some(left) => *left -= 1,
        }
    }
    found
}

/// I7: what the relay found against the rules.
#[must_use]
pub fn rules(violations: &[String]) -> Vec<Breach> {
    violations.iter().map(|words| breach(Promise::OneRecipient, words.clone())).collect()
}

/// I8: after the faults have stopped, who is neither final nor in doubt.
#[must_use]
pub fn finished(claims: &[Claim]) -> Vec<Breach> {
    let open = claims.iter().filter(|c| c.state.is_open());
    let words = |c: &Claim| format!("{} is still {}", c.address, c.state);
    open.map(|c| breach(Promise::NobodyMissed, words(c))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(of: &[(&str, State)]) -> Vec<Claim> {
        of.iter().map(|(who, state)| Claim { address: (*who).to_owned(), state: *state }).collect()
    }

    /// The promises broken by these states and counts.
    fn broken(states: &[(&str, State)], has: &[(&str, usize)], max: usize) -> Vec<Promise> {
        let has = has.iter().map(|(who, n)| ((*who).to_owned(), *n)).collect();
        counts(&claims(states), &has, max).iter().map(|b| b.promise).collect()
    }

    #[test]
    fn what_is_as_it_should_be_breaks_nothing() {
        let states = [
            ("accepted@x", State::Accepted),
            ("there@x", State::Uncertain),
            ("lost@x", State::Uncertain),
            ("going@x", State::Attempting),
            ("planned@x", State::Planned),
            ("deferred@x", State::Deferred),
            ("rejected@x", State::Rejected),
        ];
        assert_eq!(broken(&states, &[("accepted@x", 1), ("there@x", 1), ("going@x", 1)], 2), []);
    }

    #[test]
    fn a_made_up_double_is_found_in_every_state() {
        for state in State::ALL {
            let found = broken(&[("ana@x", state)], &[("ana@x", 2)], 1);
            assert_eq!(found, [Promise::NobodyTwice], "{state}");
        }
    }

    #[test]
    fn a_made_up_loss_is_found() {
        assert_eq!(broken(&[("ana@x", State::Accepted)], &[], 0), [Promise::AcceptedIsThere]);
        assert_eq!(
            broken(&[("ana@x", State::Accepted), ("bo@x", State::Planned)], &[("bo@x", 1)], 0),
            [Promise::AcceptedIsThere, Promise::NothingUnnoted]
        );
    }

    #[test]
    fn a_letter_that_nothing_tells_of_is_found() {
        for state in [State::Planned, State::Deferred, State::Rejected, State::Cancelled] {
            let found = broken(&[("ana@x", state)], &[("ana@x", 1)], 0);
            assert_eq!(found, [Promise::NothingUnnoted], "{state}");
        }
        assert_eq!(broken(&[], &[("stranger@x", 1)], 0), [Promise::NothingUnnoted]);
    }

    #[test]
    fn one_doubt_more_than_can_be_is_found() {
        let two = [("ana@x", State::Uncertain), ("bo@x", State::Uncertain)];
        assert_eq!(broken(&two, &[], 2), []);
        assert_eq!(broken(&two, &[], 1), [Promise::DoubtIsBounded]);
    }

    #[test]
    fn two_letters_to_one_address_are_two_deliveries() {
        let two = [("desk@x", State::Accepted), ("desk@x", State::Accepted)];
        assert_eq!(broken(&two, &[("desk@x", 2)], 0), []);
        assert_eq!(broken(&two, &[("desk@x", 1)], 0), [Promise::AcceptedIsThere]);
        assert_eq!(broken(&two, &[("desk@x", 3)], 0), [Promise::NobodyTwice]);
    }

    fn received(to: &str, bytes: &[u8]) -> Received {
        Received {
            session: 1,
            transaction: 1,
            reverse_path: "office@x".to_owned(),
            forward_paths: vec![to.to_owned()],
            parameters: Vec::new(),
            octets: bytes.len(),
            digest: Some(Digest::of(bytes)),
            bytes: Vec::new(),
            message_id: None,
            by_chunks: true,
            protected: false,
            signed_in: None,
        }
    }

    #[test]
    fn one_byte_changed_and_a_letter_swapped_are_found() {
        let letters: [(&str, &[u8]); 2] = [("ana@x", b"Dear Ana"), ("bo@x", b"Dear Bo")];
        let previewed =
            letters.iter().map(|(who, b)| ((*who).to_owned(), vec![Digest::of(b)])).collect();
        let check = |to: &str, letter: &[u8]| bytes(&previewed, &[received(to, letter)]).len();
        assert_eq!((check("ana@x", b"Dear Ana"), check("bo@x", b"Dear Bo")), (0, 0));
        assert_eq!((check("ana@x", b"Dear ana"), check("ana@x", b"Dear Bo")), (1, 1));
        assert_eq!(check("stranger@x", b"Dear Ana"), 1);
        let unknown = Received { digest: None, ..received("ana@x", b"Dear Ana") };
        assert_eq!(bytes(&previewed, &[unknown]).len(), 1, "what was not looked at is not proved");
    }

    #[test]
    fn one_of_two_letters_twice_is_found_where_the_numbers_are_right() {
        let (one, two) = (b"Dear Ana".as_slice(), b"Dear Bo".as_slice());
        let previewed = BTreeMap::from([("desk@x".to_owned(), [one, two].map(Digest::of).into())]);
        let check = |letters: [&[u8]; 2]| -> Vec<Promise> {
            let received = letters.map(|letter| received("desk@x", letter));
            bytes(&previewed, &received).iter().map(|breach| breach.promise).collect()
        };
        assert_eq!((check([one, two]), check([two, one])), (vec![], vec![]));
        assert_eq!(check([one, one]), [Promise::NobodyTwice]);
        assert_eq!(check([two, b"Dear Eve"]), [Promise::AsPreviewed]);
    }

    #[test]
    fn one_of_two_letters_to_an_address_in_the_others_stead_is_found() {
        let letters = vec![Digest::of(b"Dear Ana"), Digest::of(b"Dear Bo")];
        let previewed = BTreeMap::from([("desk@x".to_owned(), letters)]);
        let broken = |given: [&[u8]; 2]| {
            let received = given.map(|letter| received("desk@x", letter));
            bytes(&previewed, &received).iter().map(|b| b.promise).collect::<Vec<_>>()
        };
        assert_eq!(broken([b"Dear Bo", b"Dear Ana"]), []);
        assert_eq!(broken([b"Dear Ana", b"Dear Ana"]), [Promise::NobodyTwice]);
        assert_eq!(broken([b"Dear Ana", b"Dear Cy"]), [Promise::AsPreviewed]);
    }

    #[test]
    fn what_is_open_at_the_end_is_found() {
        let found = |state| finished(&claims(&[("ana@x", state)])).len();
        for state in State::ALL {
            assert_eq!(found(state), usize::from(state.is_open()), "{state}");
        }
    }
}
