//! People who have the letter already, and those it did not reach: what `send`, `status` and
//! `people` ask the ledger about that, and say of it.
//!
//! Owns the questions and the words; whose letter it was is decided in `same_person.rs`. Nothing is
//! asked about what a confirmed plan has waiting already. Reads only.

use super::same_person::{Begun, Gone, Likeness, Named, Words, again, by_address, likeness, words};
use super::standing::moment;
use super::ui::{one_line, plural};
use crate::address::EmailAddress;
use crate::id::{CampaignId, DeliveryId, RecipientKey};
use crate::ledger::{Ledger, LedgerError, State, StoredDelivery};
use crate::problem::Problem;
use crate::recipients::{Cause, Excluded, People, Recipient, select};
use std::collections::{HashMap, HashSet};

/// People named before the rest is counted.
const NAMED_MAX: usize = 5;

/// The lists of a mailing, held against what its ledger has.
pub(super) struct Theirs<'p> {
    ledger: &'p Ledger,
    campaign: &'p CampaignId,
    people: &'p People,
    /// Where each letter of the lists stands among the recipients.
    letters: HashMap<DeliveryId, usize>,
}

impl<'p> Theirs<'p> {
    /// Holds the lists against the ledger.
    pub(super) fn of(
        ledger: &'p Ledger,
        campaign: &'p CampaignId,
        people: &'p People,
    ) -> Theirs<'p> {
        let id = |(at, r): (usize, &Recipient)| (DeliveryId::of(campaign, &r.key), at);
        let letters = people.recipients.iter().enumerate().map(id).collect();
        Theirs { ledger, campaign, people, letters }
    }

    /// What these lists would begin and somebody has already: with the delivery they have it by.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn again(&self) -> Result<Vec<(Begun<'p>, Gone)>, LedgerError> {
        let states: HashMap<_, _> = self.ledger.states(self.campaign)?.into_iter().collect();
        if states.is_empty() {
            return Ok(Vec::new());
        }
        let elsewhere = self.ledger.letters_elsewhere(self.campaign)?;
        let merged: HashSet<&str> = self.people.merged.iter().map(|m| m.with.as_str()).collect();
        let mut begun = Vec::new();
        for recipient in
            self.people.recipients.iter().filter(|r| !self.people.apart.contains(&r.key))
        {
            for one in self.begun(recipient) {
                let is_merged = !one.is_copy && merged.contains(recipient.key.address());
                let is_begun = self.begins(&one, states.get(&one.id), &elsewhere, is_merged)?;
                if is_begun {
                    begun.push((one, self.gone_beside(&one)?));
                }
            }
        }
        Ok(again(&begun, self.people, |key| self.planned(key)))
    }

    /// A letter and its copies.
    fn begun(&self, recipient: &'p Recipient) -> impl Iterator<Item = Begun<'p>> + use<'p> {
        let campaign = self.campaign;
        let id = DeliveryId::of(campaign, &recipient.key);
        let letter = Begun { recipient, id, mailbox: &recipient.address, is_copy: false };
        let copy = move |mailbox: &'p EmailAddress| {
            let key = RecipientKey::of_copy(&recipient.key, mailbox);
            Begun { recipient, id: DeliveryId::of(campaign, &key), mailbox, is_copy: true }
        };
        std::iter::once(letter).chain(recipient.copies.iter().map(copy))
    }

    /// Whether a plan of these lists begins it: nobody has it, and nobody has confirmed it yet.
    fn begins(
        &self,
        one: &Begun<'_>,
        state: Option<&State>,
        elsewhere: &HashSet<DeliveryId>,
        is_merged: bool,
    ) -> Result<bool, LedgerError> {
        let Some(state) = state else { return Ok(true) };
        let is_at_another = one.recipient.address.compare_key() != one.recipient.key.address();
        let may_differ = !one.is_copy && (is_at_another || elsewhere.contains(&one.id));
        match state {
            State::Accepted | State::Attempting | State::Uncertain => return Ok(false),
            State::Planned | State::Deferred if is_merged => return Ok(true),
            State::Planned | State::Deferred if !may_differ => return Ok(false),
            _ => {}
        }
        let Some(known) = self.ledger.delivery(&one.id)? else { return Ok(true) };
        let is_moved = known.address.compare_key() != one.mailbox.compare_key();
        Ok(match state {
            // Nobody asked for it again where it was refused.
            State::Rejected | State::Expired => is_moved,
            _ => is_moved || is_merged || !known.is_in_plan,
        })
    }

    /// What has gone at the addresses of something that a plan would begin.
    fn gone_beside(&self, one: &Begun<'_>) -> Result<Vec<Gone>, LedgerError> {
        let listed = one.recipient.key.address();
        let others = self.people.merged.iter().filter(|m| m.with == listed);
        let mut addresses: Vec<EmailAddress> = others.map(|m| m.address.clone()).collect();
        addresses.extend(EmailAddress::parse(listed));
        addresses.extend([one.recipient.address.clone(), one.mailbox.clone()]);
        self.gone_at(addresses)
    }

    /// What has gone at these addresses, each once.
    fn gone_at(&self, mut addresses: Vec<EmailAddress>) -> Result<Vec<Gone>, LedgerError> {
        let mut asked = HashSet::new();
        addresses.retain(|address| asked.insert(address.compare_key()));
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for address in addresses {
            for delivery in self.ledger.deliveries_of_address(&address)? {
                let is_gone = matches!(
                    delivery.state,
                    State::Accepted | State::Attempting | State::Uncertain
                );
                if is_gone && delivery.campaign == *self.campaign && seen.insert(delivery.id) {
                    found.push(self.gone(delivery)?);
                }
            }
        }
        Ok(found)
    }

    fn gone(&self, delivery: StoredDelivery) -> Result<Gone, LedgerError> {
        let letter = delivery.key.letter();
        let (letter_address, name) = match delivery.copy_of {
            Some(of) => (of.address, of.name),
            None => (delivery.address.clone(), delivery.name),
        };
        let people = match &name {
            Some(name) => Named::of_header(name),
            None => self.unnamed(&DeliveryId::of(self.campaign, &letter))?,
        };
        Ok(Gone {
            id: delivery.id,
            letter,
            letter_address,
            mailbox: delivery.address,
            is_copy: delivery.key.is_copy(),
            name,
            people,
            state: delivery.state,
            at: delivery.updated_at,
        })
    }

    /// Whom a letter without a name in its `To:` was for: of many who share an address none stands
    /// there.
    fn unnamed(&self, letter: &DeliveryId) -> Result<Named, LedgerError> {
        let values = self.ledger.values(letter)?;
        let has_name = values.iter().any(|(column, _)| column == "name");
        Ok(if has_name { Named::Many } else { Named::Nobody })
    }

    fn planned(&self, key: &RecipientKey) -> Option<&'p Recipient> {
        let at = self.letters.get(&DeliveryId::of(self.campaign, key))?;
        self.people.recipients.get(*at)
    }

    /// Whom letters that went did not reach, though these lists have them there.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn missed(&self) -> Result<Missed<'p>, LedgerError> {
        let mut missed = Missed::default();
        let mut joined: Vec<(&'p Recipient, String)> = Vec::new();
        self.ledger.each_letter_gone(self.campaign, |id, name, address| {
            let Some(at) = self.letters.get(&id) else { return };
            let recipient = &self.people.recipients[*at];
            if recipient.address.compare_key() != address {
                missed.elsewhere.push((recipient, address.to_owned()));
            }
            if let Some(name) = name.filter(|name| recipient.all_names().as_deref() != Some(*name))
            {
                joined.push((recipient, name.to_owned()));
            }
        })?;
        if joined.is_empty() {
            return Ok(missed);
        }
        let left_out = by_address(&self.people.excluded);
        for (recipient, name) in joined {
            for person in self.not_greeted(recipient, &name, &left_out)? {
                missed.joined.push((recipient, person, name.clone()));
            }
        }
        Ok(missed)
    }

    /// Who of a letter's people is none of those it was written to, and has none otherwise.
    fn not_greeted(
        &self,
        recipient: &'p Recipient,
        name: &str,
        left_out: &HashMap<String, Vec<&Excluded>>,
    ) -> Result<Vec<&'p str>, LedgerError> {
        let Named::These(mut greeted) = Named::of_header(name) else { return Ok(Vec::new()) };
        let mut others: Vec<&'p str> = recipient.names().collect();
        // A name put right is no other person; but of each there is only one.
        for least in [Likeness::Same, Likeness::Near] {
            others.retain(|other| {
                let is_that = |person: &Words| likeness(&words(other), person) >= least;
                let found = greeted.iter().position(is_that);
                found.map(|at| greeted.swap_remove(at)).is_none()
            });
        }
        // Where one letter goes to an address, its other people are warned of as such.
        let rows = left_out.get(recipient.key.address()).into_iter().flatten();
        let is_there_still = |row: &&Excluded| {
            row.cause == Cause::SameAddress
                && row.name.as_deref().is_some_and(|name| is_one_of(name, &greeted))
        };
        if others.is_empty() || rows.copied().any(|row| is_there_still(&row)) {
            return Ok(Vec::new());
        }
        let listed = EmailAddress::parse(recipient.key.address()).into_iter().collect();
        let mut gone = self.gone_at(listed)?;
        gone.retain(|gone| !gone.is_copy);
        let has_one = |other: &str| {
            gone.iter().any(|gone| match &gone.people {
                Named::These(people) => is_one_of(other, people),
                Named::Nobody | Named::Many => false,
            })
        };
        others.retain(|other| !has_one(other));
        Ok(others)
    }
}

fn is_one_of(name: &str, people: &[Words]) -> bool {
    people.iter().any(|person| likeness(&words(name), person) == Likeness::Same)
}

/// Whom letters that went did not reach.
#[derive(Default)]
pub(super) struct Missed<'p> {
    /// The recipient, the one whom its letter does not greet, and whom it was written to.
    joined: Vec<(&'p Recipient, &'p str, String)>,
    /// The recipient, and where the letter went instead.
    elsewhere: Vec<(&'p Recipient, String)>,
}

impl Missed<'_> {
    /// Whether the letter of a recipient did not reach the person of this name.
    pub(super) fn has_joined(&self, recipient: &Recipient, name: Option<&str>) -> bool {
        let is_one = |other: &str| select::is_same_name(Some(other), name);
        self.joined.iter().any(|(r, other, _)| r.number == recipient.number && is_one(other))
    }

    /// Warnings, each by name.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let joined: Vec<String> = self
            .joined
            .iter()
            .map(|(recipient, person, name)| {
                let (person, name) = (one_line(person), one_line(name));
                format!("{person} at {} (it was written to {name})", recipient.address)
            })
            .collect();
        let elsewhere: Vec<String> = self
            .elsewhere
            .iter()
            .map(|(recipient, went)| {
                format!("{}, it went to {went}", shown(recipient, &recipient.address))
            })
            .collect();
        let joined = (!joined.is_empty()).then(|| {
            let message = match joined.len() {
                1 => "1 person came to an address whose letter had gone, and gets none",
                _ => "{} came to addresses whose letters had gone, and get none",
            };
            let message = message.replace("{}", &plural(joined.len() as u64, "person"));
            Problem::warning("joined-too-late", format!("{message}: {}", named(&joined)))
                .hint(OWN_LETTER)
                .count(joined.len() as u64)
                .place(self.joined[0].0.place.clone())
        });
        let elsewhere = (!elsewhere.is_empty()).then(|| {
            let message = match elsewhere.len() {
                1 => "1 letter had gone before the person got another address".to_owned(),
                n => format!("{n} letters had gone before the people got other addresses"),
            };
            Problem::warning("went-elsewhere", format!("{message}: {}", named(&elsewhere)))
                .hint(
                    "It does not go again by itself. Where it did not arrive: secretariat people \
                     add ADDRESS for the new one, without the line of decisions.csv; or, where \
                     that is the one of the list, secretariat people change-address WHO ADDRESS.",
                )
                .count(elsewhere.len() as u64)
                .place(self.elsewhere[0].0.place.clone())
        });
        joined.into_iter().chain(elsewhere).collect()
    }
}

/// How somebody gets a letter of their own, whoever else had one at the address.
const OWN_LETTER: &str = "For a letter of their own: secretariat people change-address WHO ADDRESS, \
                          with the very address that the list has.";

/// `Ana Pérez at ana@x.example`.
fn shown(recipient: &Recipient, address: &EmailAddress) -> String {
    match recipient.all_names() {
        Some(name) => format!("{} at {address}", one_line(&name)),
        None => address.to_string(),
    }
}

fn named(all: &[String]) -> String {
    let named = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    let more = all.len().saturating_sub(NAMED_MAX);
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// What somebody has: `it went to office@x.example, written to Ana & Luis, on 5 November, 14:49`.
pub(super) fn had(gone: &Gone, begun: &Begun<'_>) -> String {
    let went = match gone.state {
        State::Accepted => "went",
        _ => "may have gone",
    };
    let name =
        gone.name.as_deref().filter(|name| begun.recipient.all_names().as_deref() != Some(*name));
    let written = name.map(|name| format!(", written to {},", one_line(name))).unwrap_or_default();
    let what = if gone.is_copy { "a copy" } else { "it" };
    format!("{what} {went} to {}{written} on {}", gone.mailbox, moment(gone.at))
}

/// The finding about people who have the letter already.
pub(super) fn has_it_already(found: &[(Begun<'_>, Gone)]) -> Option<Problem> {
    let (first, _) = found.first()?;
    let people: HashSet<u32> = found.iter().map(|(begun, _)| begun.recipient.number).collect();
    let have = if people.len() == 1 { "has" } else { "have" };
    let told = |(begun, gone): &(Begun<'_>, Gone)| {
        let what = if begun.is_copy { "the copy for " } else { "" };
        let who = match begun.is_copy {
            true => format!("{} of the letter to {}", begun.mailbox, begun.recipient.address),
            false => shown(begun.recipient, begun.mailbox),
        };
        format!("{what}{who} ({})", had(gone, begun))
    };
    let told: Vec<String> = found.iter().map(told).collect();
    let who = plural(people.len() as u64, "person");
    let message = format!("{who} {have} this letter and would get it again: {}", named(&told));
    let problem = Problem::error("has-it-already", message).count(people.len() as u64);
    Some(
        problem
            .hint(ways_out(found))
            .place(first.recipient.place.clone())
            .recipient(first.mailbox.as_str()),
    )
}

/// The ways out: who has it needs none; somebody else there says so. The commands are those for the
/// first of each kind.
fn ways_out(found: &[(Begun<'_>, Gone)]) -> String {
    let mut hint =
        "Who has it needs no other: put back what was changed (a name or address in the \
                    list, [people] same_address, a line of decisions.csv, a copy)"
            .to_owned();
    let is_listed = |b: &&Begun<'_>| b.mailbox.compare_key() == b.recipient.key.address();
    let letters = || found.iter().map(|(begun, _)| begun).filter(|begun| !begun.is_copy);
    if let Some(first) = letters().next() {
        let who = who(first.recipient);
        hint += &format!(", or secretariat people leave-out {who} --reason \"has it\"");
    }
    hint.push('.');
    if let Some(first) = letters().find(is_listed) {
        hint += &format!(
            " For somebody else there, a letter of their own: secretariat people change-address {} {}.",
            who(first.recipient),
            first.mailbox
        );
    }
    if let Some(first) = letters().find(|begun| !is_listed(begun)) {
        hint += &format!(
            " To write once more all the same, take the line out of decisions.csv and add the \
             person at that address: secretariat people add {}.",
            first.mailbox
        );
    }
    hint
}

/// WHO, as a command line takes it.
fn who(recipient: &Recipient) -> String {
    let listed = recipient.key.address();
    match recipient.all_names() {
        Some(name) => format!("\"{} <{listed}>\"", one_line(&name).replace('"', "")),
        None => listed.to_owned(),
    }
}
