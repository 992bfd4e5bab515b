//! Who has a letter already: the rule by which a person of a plan is known again in the ledger.
//!
//! Keys say who is the same one again while nothing changes. When names, `[people] same_address`,
//! `decisions.csv` or columns of copies change after letters went, somebody has the letter under a
//! key that the plan has no more, or at an address that is another person's now. Owns the question
//! whether what a plan would begin is such a letter, as one pure function over planned and gone
//! deliveries ([`again`]). What is asked of the ledger, and what is said, is `other_key.rs`.
//!
//! # Invariants
//! What a plan would begin is refused where a delivery that went, or may have gone,
//! - is of the same letter, under whatever key;
//! - is of somebody with the same name at an address of theirs: the one in the list, the one the
//!   letter goes to, or one that a decision says is theirs;
//! - is of somebody there whom the plan does not have any more, and nobody else there, written to
//!   or left out, is likelier to be that one: the name may have been put right;
//! - is to the same mailbox, where all people of an address are one.
//!
//! One more person at a shared address is none of these. Better one question too many: whom a line
//! of `decisions.csv` sets apart ([`People::apart`]) is not asked about.

use crate::address::EmailAddress;
use crate::id::{DeliveryId, RecipientKey};
use crate::ledger::State;
use crate::problem::nearest;
use crate::recipients::{Excluded, Merged, People, Recipient, select};
use crate::time::Timestamp;
use std::collections::HashMap;

/// A letter or copy that a plan would begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun<'p> {
    /// Whose letter it is.
    pub(super) recipient: &'p Recipient,
    /// The delivery.
    pub(super) id: DeliveryId,
    /// Where it goes.
    pub(super) mailbox: &'p EmailAddress,
    /// Whether it is a copy.
    pub(super) is_copy: bool,
}

/// A delivery that went, or may have gone.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    /// The delivery.
    pub(super) id: DeliveryId,
    /// The key of the letter: of a copy, that of its letter.
    pub(super) letter: RecipientKey,
    /// Where the letter itself went.
    pub(super) letter_address: EmailAddress,
    /// Where this went.
    pub(super) mailbox: EmailAddress,
    /// Whether it is a copy.
    pub(super) is_copy: bool,
    /// Whom the letter was written to, as `To:` had it.
    pub(super) name: Option<String>,
    /// The same, each by themselves.
    pub(super) people: Named,
    /// Accepted, or in doubt.
    pub(super) state: State,
    /// Since when.
    pub(super) at: Timestamp,
}

/// Whom a letter was written to, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The row had no name.
    Nobody,
    /// More than `To:` can name.
    Many,
    /// These.
    These(Vec<Words>),
}

impl Named {
    /// Those of a `To:`, which joins several by `&`.
    pub(super) fn of_header(name: &str) -> Named {
        Named::These(name.split(" & ").map(words).collect())
    }
}

/// A name as it is compared: its words, sorted.
pub(super) type Words = Vec<String>;

pub(super) fn words(name: &str) -> Words {
    let folded = select::folded(name);
    let mut words: Words = folded.split(' ').map(str::to_owned).collect();
    words.sort_unstable();
    words
}

/// How much two names are one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// No word in common.
    Apart,
    /// A word in common, or one that differs by a slip.
    Near,
    /// All words of one are words of the other.
    Same,
}

pub(super) fn likeness(a: &[String], b: &[String]) -> Likeness {
    let within = |a: &[String], b: &[String]| a.iter().all(|word| b.contains(word));
    let is_near = |word: &String| nearest(word, b.iter().map(String::as_str)).is_some();
    match within(a, b) || within(b, a) {
        true => Likeness::Same,
        false if a.iter().any(is_near) => Likeness::Near,
        false => Likeness::Apart,
    }
}

/// The likeliest of a recipient's names for somebody; `None` where the recipient has none.
pub(super) fn likeness_of(recipient: &Recipient, person: &[String]) -> Option<Likeness> {
    recipient.names().map(|name| likeness(&words(name), person)).max()
}

/// What of a plan somebody has already: each with the delivery by which they have it, once.
///
/// `begun` holds what the plan would begin, each beside what has gone at its addresses; `planned`
/// gives the recipient of a letter that the plan has.
pub(super) fn again<'p>(
    begun: &[(Begun<'p>, Vec<Gone>)],
    people: &People,
    planned: impl Fn(&RecipientKey) -> Option<&'p Recipient>,
) -> Vec<(Begun<'p>, Gone)> {
    let mut claims = Vec::new();
    for (at, (begun, gone)) in begun.iter().enumerate() {
        for (nth, gone) in gone.iter().enumerate() {
            let meeting = Meeting { begun, gone, merged: &people.merged, planned: &planned };
            claims.extend(meeting.claims().into_iter().map(|claim| (at, nth, claim)));
        }
    }
    if claims.is_empty() {
        return Vec::new();
    }
    // Of several who may be the one that is gone, those are asked about who are likest; it may also
    // be one who is left out now.
    let left_out = by_address(&people.excluded);
    let mut likest: HashMap<(&RecipientKey, usize), Likeness> = HashMap::new();
    for (at, nth, claim) in &claims {
        let gone = &begun[*at].1[*nth];
        let left_out = || likest_of(&left_out, gone, claim.person);
        let best = likest.entry((&gone.letter, claim.person)).or_insert_with(left_out);
        *best = claim.by.max(*best);
    }
    let is_asked = |(at, nth, claim): &&(usize, usize, Claim)| {
        claim.is_certain || claim.by >= likest[&(&begun[*at].1[*nth].letter, claim.person)]
    };
    let mut found: Vec<(usize, usize)> =
        claims.iter().filter(is_asked).map(|(at, nth, _)| (*at, *nth)).collect();
    found.dedup_by_key(|(at, _)| *at);
    found.into_iter().map(|(at, nth)| (begun[at].0, begun[at].1[nth].clone())).collect()
}

/// Rows that get no letter, by their address as it is compared.
pub(super) fn by_address(excluded: &[Excluded]) -> HashMap<String, Vec<&Excluded>> {
    let mut rows: HashMap<String, Vec<&Excluded>> = HashMap::new();
    for row in excluded {
        if let Ok(address) = EmailAddress::parse(&row.address) {
            rows.entry(address.compare_key()).or_default().push(row);
        }
    }
    rows
}

/// How likely one of the rows of a letter's address is one of the people it was written to.
fn likest_of(rows: &HashMap<String, Vec<&Excluded>>, gone: &Gone, person: usize) -> Likeness {
    let Named::These(people) = &gone.people else { return Likeness::Apart };
    let Some(person) = people.get(person) else { return Likeness::Apart };
    let names = rows.get(gone.letter.address()).into_iter().flatten();
    let names = names.filter_map(|row| row.name.as_deref());
    names.map(|name| likeness(&words(name), person)).max().unwrap_or(Likeness::Apart)
}

/// That what would begin is a letter somebody has.
struct Claim {
    /// Which of the people it was written to.
    person: usize,
    by: Likeness,
    /// Whoever else may be that one.
    is_certain: bool,
}

/// Something that a plan would begin, and something that has gone at one of its addresses.
struct Meeting<'m, 'p, P> {
    begun: &'m Begun<'p>,
    gone: &'m Gone,
    merged: &'m [Merged],
    planned: &'m P,
}

impl<'p, P: Fn(&RecipientKey) -> Option<&'p Recipient>> Meeting<'_, 'p, P> {
    fn claims(&self) -> Vec<Claim> {
        let Meeting { begun, gone, .. } = self;
        let recipient = begun.recipient;
        let (is_copy, is_same_mailbox) =
            (begun.is_copy || gone.is_copy, is_same(&gone.mailbox, begun.mailbox));
        let are_copies = begun.is_copy && gone.is_copy;
        // A copy that went leaves the letter to be sent, but not to where the copy went.
        if gone.id == begun.id || is_copy && !is_same_mailbox || !self.meet() {
            return Vec::new();
        }
        let certain = |person| Claim { person, by: Likeness::Same, is_certain: true };
        let is_one_mailbox =
            !is_copy && is_same_mailbox && !recipient.key.has_name() && !self.stays();
        if gone.letter == recipient.key || is_one_mailbox || self.is_merged() {
            return vec![certain(0)];
        }
        let people = match &gone.people {
            Named::Many => return vec![certain(0)],
            Named::Nobody => &[][..],
            Named::These(people) => people.as_slice(),
        };
        if people.is_empty() {
            return self.unknown(0).into_iter().collect();
        }
        let claim = |(nth, person): (usize, &Words)| match likeness_of(recipient, person) {
            // Two people of one name may have one assistant.
            Some(Likeness::Same) if are_copies && self.is_there_still(person) => None,
            Some(Likeness::Same) => Some(certain(nth)),
            Some(by) if self.is_at_home() && !self.is_there_still(person) => {
                Some(Claim { person: nth, by, is_certain: false })
            }
            Some(_) => None,
            None => self.unknown(nth).filter(|_| !self.is_there_still(person)),
        };
        people.iter().enumerate().filter_map(claim).collect()
    }

    /// One of the two has no name: the other may be the same, unless the plan has both.
    fn unknown(&self, person: usize) -> Option<Claim> {
        let is_there = matches!(self.gone.people, Named::Nobody)
            && (self.planned)(&self.gone.letter).is_some_and(|r| r.name.is_none());
        let claim = Claim { person, by: Likeness::Near, is_certain: false };
        (self.is_at_home() && !is_there).then_some(claim)
    }

    /// Whether they have an address in common at all.
    fn meet(&self) -> bool {
        let Meeting { begun, gone, .. } = self;
        let (listed, goes) = (begun.recipient.key.address(), &begun.recipient.address);
        self.is_at_home()
            || self.is_merged()
            || gone.letter.address() == goes.compare_key()
            || gone.letter_address.compare_key() == listed
            || is_same(&gone.mailbox, begun.mailbox)
    }

    /// Whether the letter went to somebody with the same address in the list, or to the very
    /// address this one is for.
    fn is_at_home(&self) -> bool {
        let Meeting { begun, gone, .. } = self;
        gone.letter.address() == begun.recipient.key.address()
            || is_same(&gone.letter_address, &begun.recipient.address)
    }

    /// Whether a decision says that it was this person.
    fn is_merged(&self) -> bool {
        let Meeting { begun, gone, merged, .. } = self;
        let is_theirs = |m: &&Merged| m.with == begun.recipient.key.address();
        let is_of = |m: &Merged| {
            m.address.compare_key() == gone.letter.address()
                && (!gone.letter.has_name()
                    || select::is_same_name(m.name.as_deref(), gone.name.as_deref()))
        };
        merged.iter().filter(is_theirs).any(is_of)
    }

    /// Whether the plan writes that letter to the same address as before.
    fn stays(&self) -> bool {
        let planned = (self.planned)(&self.gone.letter);
        planned.is_some_and(|r| is_same(&r.address, &self.gone.letter_address))
    }

    /// Whether the plan has that letter still, and it is this person's.
    fn is_there_still(&self, person: &[String]) -> bool {
        let planned = (self.planned)(&self.gone.letter);
        planned.is_some_and(|r| likeness_of(r, person) != Some(Likeness::Apart))
    }
}

fn is_same(a: &EmailAddress, b: &EmailAddress) -> bool {
    a.compare_key() == b.compare_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_persons_by_their_words() {
        use Likeness::{Apart, Near, Same};
        for (a, b, expected) in [
            ("Ana Pérez", "PEREZ, Ana", Same),
            ("Ana Perez", "Ana María Pérez", Same),
            ("Ana", "Ana Pérez", Same),
            ("Ana Perz", "Ana Pérez", Near),
            ("Perz", "Pérez", Near),
            ("Ana Pérez", "Ana López", Near),
            ("Karl Huber", "Eva Huber", Near),
            ("Ana Pérez", "Luis Mora", Apart),
            ("Юлия Иванова", "Yulia Ivanova", Apart),
            ("王芳", "李伟", Apart),
        ] {
            assert_eq!(likeness(&words(a), &words(b)), expected, "{a}, {b}");
            assert_eq!(likeness(&words(b), &words(a)), expected, "{b}, {a}");
        }
    }

    #[test]
    fn a_joint_letter_is_each_ones_whom_it_names() {
        let Named::These(people) = Named::of_header("Ana Pérez & Luis Mora") else { panic!() };
        assert_eq!(people, [words("Ana Perez"), words("Luis Mora")]);
    }
}
