//! `--first N` and `--person WHO`: which letters of a plan a command is about, with their copies.
//!
//! # Invariants
//! The plan stays whole, and so does its code: choosing takes nothing out of it. Whoever confirms a
//! part has not confirmed the rest.

use super::args::Send;
use super::preview::choose;
use super::ui::plural;
use crate::campaign::Campaign;
use crate::id::DeliveryId;
use crate::plan::{Plan, Planned};
use crate::problem::Problem;
use crate::send::Selection;

/// What the command line asks for.
///
/// # Errors
/// A [`Problem`] when WHO is nobody, several people, or left out of the mailing.
pub(super) fn chosen(campaign: &Campaign, plan: &Plan, args: &Send) -> Result<Selection, Problem> {
    if let Some(who) = &args.person {
        let recipient = choose(campaign, who)?;
        let is_theirs =
            |d: &&Planned| campaign.people.recipients[d.recipient].number == recipient.number;
        let Some(delivery) = plan.deliveries.iter().find(is_theirs) else {
            let message = format!("{} gets no letter of {}", recipient.address, campaign.id);
            let hint = format!("See secretariat why {}.", recipient.address);
            return Err(Problem::error("nobody", message).hint(hint));
        };
        return Ok(Selection::Only(delivery.all().map(|(id, _)| id).collect()));
    }
    Ok(match args.first {
        Some(count) => Selection::First(usize::try_from(count).unwrap_or(usize::MAX)),
        None => Selection::All,
    })
}

/// A delivery of a plan that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goes {
    /// The delivery.
    pub id: DeliveryId,
    /// Place of its letter in the plan.
    pub at: usize,
    /// Whether it is a copy of that letter.
    pub is_copy: bool,
}

/// The deliveries of a plan that are meant, in its order; `goes`: which of them may go at all. Of
/// `--first N` that is N letters with their copies.
pub(super) fn that_go<'p>(
    plan: &'p Plan,
    selection: &'p Selection,
    goes: impl Fn(&DeliveryId) -> bool + 'p,
) -> impl Iterator<Item = Goes> + 'p {
    let letters_max = match selection {
        Selection::First(count) => *count,
        Selection::All | Selection::Only(_) => usize::MAX,
    };
    let is_meant = move |id: &DeliveryId| match selection {
        Selection::Only(only) => only.contains(id) && goes(id),
        Selection::All | Selection::First(_) => goes(id),
    };
    let of_letter = move |(at, planned): (usize, &'p Planned)| {
        let all = planned.all().map(|(id, _)| id).filter(&is_meant);
        all.map(|id| Goes { id, at, is_copy: id != planned.id }).collect::<Vec<_>>()
    };
    let letters = plan.deliveries.iter().enumerate().map(of_letter);
    letters.filter(|going| !going.is_empty()).take(letters_max).flatten()
}

/// How many letters and copies go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number {
    /// Letters.
    pub letters: u64,
    /// Copies, each a delivery of its own.
    pub copies: u64,
}

impl Number {
    /// Of these deliveries.
    pub(super) fn of(going: impl Iterator<Item = Goes>) -> Number {
        let mut number = Number::default();
        going.for_each(|going| match going.is_copy {
            true => number.copies += 1,
            false => number.letters += 1,
        });
        number
    }

    /// Of a whole plan.
    pub(super) fn of_plan(plan: &Plan) -> Number {
        Number { letters: plan.deliveries.len() as u64, copies: plan.copies() as u64 }
    }

    /// All deliveries: what the mail server is to accept.
    #[must_use]
    pub(super) fn total(self) -> u64 {
        self.letters + self.copies
    }

    /// What a person types: the number of letters, or of copies where nothing else goes.
    #[must_use]
    pub(super) fn typed(self) -> u64 {
        if self.letters == 0 { self.copies } else { self.letters }
    }

    /// `648 letters + 212 copies`.
    #[must_use]
    pub(super) fn in_words(self) -> String {
        let (letters, copies) = (plural(self.letters, "letter"), plural(self.copies, "copy"));
        match self {
            Number { copies: 0, .. } => letters,
            Number { letters: 0, .. } => copies,
            _ => format!("{letters} + {copies}"),
        }
    }
}
