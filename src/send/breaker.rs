//! The circuit breaker: stops a run when it is us who are refused, not them.
//!
//! Owns counting refusals and when they are too many. Pure. Which refusal is about a recipient and
//! which about us is [`decide`](super::decide)'s; what halting means is `dispatch.rs`'s.
//!
//! # Invariants
//! Refusals about a recipient never trip it by standing in a row: thirty dead addresses among three
//! hundred are a normal list. Whatever trips it gives its letters back: a wrong relay, or one whose
//! directory is out of order, calls everybody unknown, and nobody may be lost by that.

use super::decide::Blame;
use super::halt::Halt;
use crate::id::DeliveryId;
use crate::limits::{
    REFUSALS_ANSWERED_MIN, REFUSALS_IN_A_ROW_MAX, REFUSALS_PERCENT_MAX, WRONG_LIST_ANSWERED_MIN,
    WRONG_LIST_PERCENT_MAX,
};
use crate::response::Response;
use std::collections::HashMap;

/// Counts the answers of a run.
#[derive(Debug, Default)]
pub struct Breaker {
    answered: u64,
    /// Letters whose recipient was refused.
    recipients_refused: Vec<DeliveryId>,
    /// Refusals about us by what they say, with addresses and numbers masked.
    refused: HashMap<String, Vec<DeliveryId>>,
    /// The last refusals with nothing accepted since, while they say the same.
    in_a_row: Option<(String, Vec<DeliveryId>)>,
}

/// The breaker has tripped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tripped {
    /// Why the run halts.
    pub halt: Halt,
    /// Letters whose refusal was not about them: they go back to deferred.
    pub back: Vec<DeliveryId>,
}

impl Breaker {
    /// A letter was accepted.
    pub fn accepted(&mut self) {
        self.answered += 1;
        self.in_a_row = None;
    }

    /// A letter was refused for good.
    pub fn refused(
        &mut self,
        delivery: DeliveryId,
        blame: Blame,
        response: &Response,
    ) -> Option<Tripped> {
        self.answered += 1;
        match blame {
            Blame::Recipient => self.recipient_refused(delivery),
            Blame::Us => self.we_are_refused(delivery, masked(&response.to_string())),
        }
    }

    fn recipient_refused(&mut self, delivery: DeliveryId) -> Option<Tripped> {
        self.recipients_refused.push(delivery);
        let refused = self.recipients_refused.len() as u64;
        let is_wrong_list = self.answered >= WRONG_LIST_ANSWERED_MIN
            && refused * 100 > self.answered * WRONG_LIST_PERCENT_MAX;
        is_wrong_list
            .then(|| Tripped { halt: Halt::WrongList, back: self.recipients_refused.clone() })
    }

    fn we_are_refused(&mut self, delivery: DeliveryId, words: String) -> Option<Tripped> {
        let of_these_words = self.refused.entry(words.clone()).or_default();
        of_these_words.push(delivery);
        let too_many = self.answered >= REFUSALS_ANSWERED_MIN
            && of_these_words.len() as u64 * 100 > self.answered * REFUSALS_PERCENT_MAX;
        let row = match self.in_a_row.take() {
            Some((before, mut row)) if before == words => {
                row.push(delivery);
                row
            }
            _ => vec![delivery],
        };
        let back = if too_many {
            of_these_words.clone()
        } else if row.len() >= REFUSALS_IN_A_ROW_MAX {
            row.clone()
        } else {
            Vec::new()
        };
        self.in_a_row = Some((words, row));
        (!back.is_empty()).then_some(Tripped { halt: Halt::EverybodyRefused, back })
    }
}

/// An answer with what differs from letter to letter masked: addresses, numbers, ids.
#[must_use]
pub fn masked(words: &str) -> String {
    let mask = |(i, word): (usize, &str)| {
        let differs = word.contains('@') || word.bytes().any(|b| b.is_ascii_digit());
        // The code and the enhanced status stand first and say what it is about.
        let says_what = i == 0 || (i == 1 && is_enhanced_status(word));
        if differs && !says_what { "#".to_owned() } else { word.to_lowercase() }
    };
    words.split_whitespace().enumerate().map(mask).collect::<Vec<_>>().join(" ")
}

/// `5.7.1` (RFC 3463 2).
fn is_enhanced_status(word: &str) -> bool {
    word.split('.').count() == 3 && word.bytes().all(|b| b == b'.' || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> DeliveryId {
        DeliveryId::from_bytes([n; 15])
    }

    fn says(text: &str) -> Response {
        Response::new(554, vec![text.as_bytes().to_vec()])
    }

    #[test]
    fn three_of_the_same_words_in_a_row_trip_it_and_go_back() {
        let mut breaker = Breaker::default();
        for n in 0..2 {
            let words = says(&format!("5.7.1 <p{n}@x.example> refused, queue {n}117"));
            assert_eq!(breaker.refused(id(n), Blame::Us, &words), None);
        }
        let tripped =
            breaker.refused(id(2), Blame::Us, &says("5.7.1 <q@x.example> refused, queue 9"));
        let back = vec![id(0), id(1), id(2)];
        assert_eq!(tripped, Some(Tripped { halt: Halt::EverybodyRefused, back }));
    }

    #[test]
    fn an_acceptance_between_or_other_words_begin_a_new_row() {
        let mut breaker = Breaker::default();
        for n in 0..20 {
            assert_eq!(breaker.refused(id(n), Blame::Us, &says("5.7.1 policy")), None);
            breaker.accepted();
        }
        for words in ["5.6.0 a", "5.6.0 b", "5.6.0 a", "5.6.0 b"] {
            assert_eq!(breaker.refused(id(99), Blame::Us, &says(words)), None);
        }
    }

    #[test]
    fn more_than_a_fifth_of_fifty_trips_it_also_when_scattered() {
        let mut breaker = Breaker::default();
        let mut tripped = None;
        for n in 0..60 {
            for _ in 0..3 {
                breaker.accepted();
            }
            tripped = tripped.or(breaker.refused(id(n), Blame::Us, &says("5.7.1 policy")));
        }
        assert_eq!(tripped.map(|t| t.back.len()), Some(13), "a quarter, found at 50 answers");
    }

    #[test]
    fn dead_addresses_stop_a_run_only_when_the_list_is_wrong() {
        let mut breaker = Breaker::default();
        for n in 0..30 {
            assert_eq!(breaker.refused(id(n), Blame::Recipient, &says("5.1.1 unknown")), None);
            (0..9).for_each(|_| breaker.accepted());
        }
        let mut breaker = Breaker::default();
        let tripped: Vec<_> = (0..20)
            .filter_map(|n| breaker.refused(id(n), Blame::Recipient, &says("5.1.1 unknown")))
            .collect();
        let back = (0..20).map(id).collect();
        assert_eq!(tripped, [Tripped { halt: Halt::WrongList, back }]);
    }

    /// Many relays give no enhanced status: then the address may stand right behind the code.
    #[test]
    fn words_that_begin_with_the_address_are_the_same_for_everybody() {
        let mut breaker = Breaker::default();
        let words = |n| says(&format!("<p{n}@x.example>: message refused by policy"));
        let tripped = (0..3).find_map(|n| breaker.refused(id(n), Blame::Us, &words(n)));
        assert_eq!(tripped.map(|t| t.back.len()), Some(3));
        assert_eq!(masked("554 5.7.1 <a@x.example> No"), "554 5.7.1 # no");
    }
}
