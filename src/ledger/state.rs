//! The states of a delivery and the steps between them.
//!
//! Owns the table of steps, pure: which state may follow which. What each state means is told in
//! docs/delivery.md. Why a step is taken is decided in `send/`; that it is taken once, and durably,
//! is `change.rs`.
//!
//! # Invariants
//! What is not in the table does not happen: no caller can write a state past it. Later facts (a
//! bounce, a reply) are events and never states.

use std::fmt;

/// Where one delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In a plan, nothing tried.
    Planned,
    /// Its last bytes may have left.
    Attempting,
    /// The relay answered 2yz to the end of the message: it is responsible now (RFC 5321 6.1).
    Accepted,
    /// Refused for now, or lost before the end of the message.
    Deferred,
    /// Refused for good inside the transaction.
    Rejected,
    /// Lost after the end of the message went out, before the answer.
    Uncertain,
    /// Given up after the time the officer set.
    Expired,
    /// Withdrawn by a person, or gone from a newer plan.
    Cancelled,
    /// Not to be written to.
    Suppressed,
}

use State::{
    Accepted, Attempting, Cancelled, Deferred, Expired, Planned, Rejected, Suppressed, Uncertain,
};

/// How a delivery may begin.
const BEGINNINGS: &[State] = &[Planned, Suppressed];

/// Each row: from any of these, to any of those. The order and the comments are paper 4's.
const STEPS: &[(&[State], &[State])] = &[
    // Intent: before the last bytes of the message may leave.
    (&[Planned, Deferred], &[Attempting]),
    // A complete 2yz line to the end of the message.
    (&[Attempting], &[Accepted]),
    // 4yz, lost before the last bytes, or a 5yz that is about us.
    (&[Planned, Deferred, Attempting], &[Deferred]),
    // 5yz that is about this recipient or letter.
    (&[Planned, Deferred, Attempting], &[Rejected]),
    // Handed over as files; lost after the last bytes; found attempting at start.
    (&[Attempting], &[Uncertain]),
    // Only `resolve --restored-ledger`: also the withdrawn, whom the next plan would write to
    // again.
    (&[Planned, Deferred, Cancelled], &[Uncertain]),
    // Evidence, or `resolve` with a reason.
    (&[Uncertain], &[Accepted, Planned]),
    // Too long since the first attempt; withdrawn by a person, or gone from a newer plan.
    (&[Planned, Deferred], &[Expired, Cancelled]),
    // By a person: resend, address changed, taken back, in a newer confirmed plan again.
    (&[Accepted, Rejected, Expired, Cancelled, Suppressed], &[Planned]),
    // The breaker's own refusals: it was us who were refused, not them.
    (&[Rejected], &[Deferred]),
];

impl State {
    /// All states, in the order in which counts are shown.
    pub const ALL: [State; 9] = [
        Planned, Attempting, Accepted, Deferred, Rejected, Uncertain, Expired, Cancelled,
        Suppressed,
    ];

    /// The word of the ledger, the JSON and the documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Planned => "planned",
            Attempting => "attempting",
            Accepted => "accepted",
            Deferred => "deferred",
            Rejected => "rejected",
            Uncertain => "uncertain",
            Expired => "expired",
            Cancelled => "cancelled",
            Suppressed => "suppressed",
        }
    }

    /// The state of a word; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether a delivery may begin like this.
    #[must_use]
    pub fn may_begin(self) -> bool {
        BEGINNINGS.contains(&self)
    }

    /// Whether the table has a step from this state to `to`.
    #[must_use]
    pub fn may_become(self, to: State) -> bool {
        STEPS.iter().any(|(from, into)| from.contains(&self) && into.contains(&to))
    }

    /// Planned, attempting, deferred: running `send` again goes on with it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Planned | Attempting | Deferred)
    }

    /// Whether a newer plan gives such a delivery its letter: nobody has one who is in it.
    #[must_use]
    pub fn is_open_to_plans(self) -> bool {
        matches!(self, Planned | Deferred | Cancelled | Suppressed)
    }

    /// Whether a newer plan that writes to another address makes such a delivery due again: nobody
    /// got it, and it was the address that did not take it.
    #[must_use]
    pub fn is_open_at_another_address(self) -> bool {
        matches!(self, Rejected | Expired)
    }

    /// Neither open nor uncertain: nothing is left to do or to find out. A mailing is complete
    /// when all its deliveries are final.
    #[must_use]
    pub fn is_final(self) -> bool {
        !self.is_open() && self != Uncertain
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps allowed out of one state, and no others: together, every pair of states.
    fn check(from: State, allowed: &[State]) {
        for to in State::ALL {
            assert_eq!(from.may_become(to), allowed.contains(&to), "{from} -> {to}");
        }
    }

    #[test]
    fn planned_goes_anywhere_but_back_to_itself_or_to_accepted() {
        check(Planned, &[Attempting, Deferred, Rejected, Uncertain, Expired, Cancelled]);
    }

    #[test]
    fn deferred_goes_where_planned_goes() {
        check(Deferred, &[Attempting, Deferred, Rejected, Uncertain, Expired, Cancelled]);
    }

    #[test]
    fn attempting_ends_with_what_was_answered_or_uncertain() {
        check(Attempting, &[Accepted, Deferred, Rejected, Uncertain]);
    }

    #[test]
    fn uncertain_is_left_only_by_evidence_or_a_person() {
        check(Uncertain, &[Accepted, Planned]);
    }

    #[test]
    fn accepted_is_left_only_by_a_resend() {
        check(Accepted, &[Planned]);
    }

    #[test]
    fn rejected_is_left_by_a_person_or_the_breaker() {
        check(Rejected, &[Planned, Deferred]);
    }

    #[test]
    fn expired_cancelled_and_suppressed_are_left_only_by_a_person() {
        for from in [Expired, Suppressed] {
            check(from, &[Planned]);
        }
        check(Cancelled, &[Planned, Uncertain]);
    }

    #[test]
    fn a_delivery_begins_planned_or_suppressed() {
        let begins: Vec<_> = State::ALL.into_iter().filter(|s| s.may_begin()).collect();
        assert_eq!(begins, [Planned, Suppressed]);
    }

    #[test]
    fn open_uncertain_or_final() {
        for state in State::ALL {
            let kinds = [state.is_open(), state == Uncertain, state.is_final()];
            assert_eq!(kinds.iter().filter(|kind| **kind).count(), 1, "{state}");
        }
        assert!([Planned, Attempting, Deferred].into_iter().all(State::is_open));
    }

    #[test]
    fn words_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        for other in ["", "Planned", "sent", "delivered"] {
            assert_eq!(State::parse(other), None, "{other}");
        }
    }
}
