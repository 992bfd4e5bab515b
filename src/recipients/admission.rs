//! Who of those in the rows gets a letter.
//!
//! Owns the order in which that is decided: what people decided about single recipients, `where`,
//! then what several rows with one address mean. What is in a row was checked in `check.rs`; the
//! order of lists and rows is `gather.rs`.
//!
//! # Invariants
//! Each person who is given to it becomes a recipient, is greeted in another's letter, or is an
//! [`Excluded`] with the reason. No two recipients have one [`RecipientKey`]. Numbers have no gaps.

use super::audience::Tally;
use super::check::Person;
use super::decisions::{Decided, Decisions, Desk};
use super::keep::{Keep, Sieve};
use super::shown::{counted, on_one_line, quoted};
use super::{Cause, Excluded, LanguageBy, Merged, Options, People, Recipient, copies, fold};
use crate::address::EmailAddress;
use crate::id::RecipientKey;
use crate::limits::{COPIES_OF_A_LETTER_MAX, NAMES_SHOWN_MAX};
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What several rows with one address mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameAddress {
    /// One letter, to the first of them.
    #[default]
    One,
    /// One letter that greets all who have another name.
    Joint,
    /// A letter to each who has another name.
    Each,
}

/// Whom a mailing is for.
#[derive(Debug, Default)]
pub struct Audience<'a> {
    /// `[people] same_address`.
    pub same_address: SameAddress,
    /// The campaign's `where`.
    pub keep: Option<Keep<'a>>,
    /// What people decided about single recipients.
    pub decisions: Decisions,
}

/// Rows of one list whose address stood in an earlier row.
#[derive(Default)]
struct Repeats {
    /// Left out in favour of the earlier one.
    left_out: u64,
    /// Greeted in the earlier one's letter.
    joined: u64,
    /// With a letter of their own.
    apart: u64,
}

/// What a joint letter has so far, so that a thousand rows of one address are each looked at once.
struct Together {
    /// The names it greets, folded.
    names: HashSet<String>,
    copies: HashSet<String>,
}

impl Together {
    fn of(recipient: &Recipient) -> Together {
        let names = recipient.names().map(fold::name).collect();
        Together { names, copies: known_copies(recipient) }
    }
}

/// A greeting that was written for one person, whose letter may be others' as well.
struct GreetingOfOne {
    /// The recipient.
    index: usize,
    text: String,
    whose: String,
    place: Place,
}

impl GreetingOfOne {
    fn problem(&self, recipient: &Recipient) -> Problem {
        let message = format!(
            "the greeting {} is {}'s alone, whose letter greets {} people, and is not used",
            quoted(&self.text),
            self.whose,
            recipient.together.len() + 1
        );
        let hint = format!(
            "A greeting for all of them stands in decisions.csv, for the address without a name: \
             {},greeting,...",
            recipient.key.address()
        );
        Problem::warning("greeting-of-one", message).hint(hint).place(self.place.clone())
    }
}

/// Decides about one person after the other.
pub(super) struct Admission<'a> {
    same_address: SameAddress,
    desk: Option<Desk<'a>>,
    sieve: Option<Sieve<'a>>,
    /// Where among the recipients each address stands, as it is compared; with the name where each
    /// person gets a letter.
    taken: HashMap<String, usize>,
    repeats: Repeats,
    /// By recipient, where a second row may join in.
    together: HashMap<usize, Together>,
    /// Copies of the list's rows that would go where the letter goes: how many, and the first line.
    own_copies: (u64, u32),
    /// Rows of other names than the first of their address, by that one's place among the
    /// recipients.
    shared: BTreeMap<usize, Vec<(String, Place)>>,
    of_one: Vec<GreetingOfOne>,
    tally: Tally,
}

impl<'a> Admission<'a> {
    pub(super) fn new(audience: &'a Audience<'a>) -> Admission<'a> {
        Admission {
            same_address: audience.same_address,
            desk: (!audience.decisions.is_empty()).then(|| Desk::new(&audience.decisions)),
            sieve: audience.keep.as_ref().map(Sieve::new),
            taken: HashMap::new(),
            repeats: Repeats::default(),
            together: HashMap::new(),
            own_copies: (0, 0),
            shared: BTreeMap::new(),
            of_one: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Another list begins.
    pub(super) fn begin_list(&mut self, file: &str) {
        self.tally.begin_list(file);
    }

    /// The person of a row.
    pub(super) fn take_in(&mut self, people: &mut People, person: Person, place: Place) {
        self.decide(people, person, place, true);
    }

    /// People who are in no list. Whoever added them wants them written to: `where` is not asked.
    pub(super) fn take_in_added(
        &mut self,
        people: &mut People,
        options: &Options,
        problems: &mut Problems,
    ) {
        let desk = self.desk.as_ref();
        let added = desk.map(|desk| desk.added(options, problems)).unwrap_or_default();
        let Some((_, first)) = added.first() else { return };
        let file = first.file.clone();
        self.begin_list(&file);
        for (person, place) in added {
            self.decide(people, person, place, false);
        }
        self.report_own_copies(&file, problems);
    }

    fn decide(&mut self, people: &mut People, mut person: Person, place: Place, asks_where: bool) {
        self.tally.row(&person);
        let listed = person.address.compare_key();
        let mut decided = Decided::default();
        if let Some(desk) = self.desk.as_mut() {
            desk.see_copies(&person.copies);
            decided = desk.decide(&listed, person.name.as_deref());
        }
        if let Some(with) = decided.same_as.take() {
            let (address, name) = (person.address.clone(), person.name.clone());
            people.merged.push(Merged { address, name, with });
        }
        if let Some(reason) = decided.left_out {
            return leave_out(people, person, place, Cause::Decision, reason);
        }
        if let Some(language) = decided.language.take() {
            (person.language, person.language_by) = (language, LanguageBy::Decision);
        }
        let sieve = self.sieve.as_mut().filter(|_| asks_where);
        let refusal = sieve.and_then(|s| s.refusal(&person.values, &person.language, &place));
        if let Some(reason) = refusal {
            return leave_out(people, person, place, Cause::Where, reason);
        }
        self.admit(people, person, place, decided);
    }

    /// A letter, or a part in one, for somebody who is to be written to.
    fn admit(&mut self, people: &mut People, mut person: Person, place: Place, decided: Decided) {
        // A cell, or a line with a name, greets one person and nobody else at the address.
        let is_of_one = decided.greets_one || decided.greeting.is_none();
        let is_decided = decided.greeting.is_some();
        person.greeting = decided.greeting.clone().or(person.greeting);
        let name = person.name.as_deref().map(fold::name).unwrap_or_default();
        let is_alone_meant = decided.address.as_ref().is_some_and(|(_, is_named)| *is_named);
        // The key is that of the address in the list.
        let key = match self.same_address == SameAddress::Each || is_alone_meant {
            true if !name.is_empty() => RecipientKey::of_named(&person.address, &name),
            _ => RecipientKey::of(&person.address),
        };
        let elsewhere = decided.address.as_ref().map(|(address, _)| address);
        let address = elsewhere.unwrap_or(&person.address).compare_key();
        // Named, and at the very address of the list: a person of their own there.
        let is_apart = is_alone_meant && key.has_name() && address == person.address.compare_key();
        // What only one recipient can have.
        let slot = match self.same_address {
            SameAddress::Each => format!("{address} {name}"),
            _ if is_apart => format!("{address} {name}"),
            _ => address.clone(),
        };
        if let Some(first) = self.taken.get(&slot) {
            let first = *first;
            if !is_decided {
                // Of a decision about somebody without a letter of their own, the desk tells.
                self.see_greeting(first, &person, &place, is_of_one);
            }
            return self.repeat(people, first, person, place, decided);
        }
        self.see_greeting(people.recipients.len(), &person, &place, is_of_one);
        if self.same_address == SameAddress::Each {
            // The address alone stands for its first row, so that others are counted.
            self.repeats.apart += u64::from(self.taken.contains_key(&address));
            self.taken.entry(address).or_insert(people.recipients.len());
        }
        self.taken.insert(slot, people.recipients.len());
        if is_apart {
            people.apart.insert(key.clone());
        }
        if let Some((address, _)) = decided.address {
            person.address = address;
        }
        if copies::settle(&mut person.copies, &person.address) {
            let line = place.line.unwrap_or_default();
            let (count, first_line) = self.own_copies;
            self.own_copies = (count + 1, if count == 0 { line } else { first_line });
        }
        if let Some(desk) = self.desk.as_mut() {
            desk.took_effect(&decided.groups);
        }
        let mut recipient = recipient(people, person, key, place);
        if !decided.copies.is_empty() {
            let mut known = known_copies(&recipient);
            add_copies(&mut recipient, &mut known, decided.copies);
        }
        people.recipients.push(recipient);
    }

    /// Keeps in mind a greeting written for one who may get a letter together with others.
    fn see_greeting(&mut self, index: usize, person: &Person, place: &Place, is_of_one: bool) {
        if self.same_address != SameAddress::Joint || !is_of_one {
            return;
        }
        if let Some(text) = person.greeting.clone() {
            let whose = person.name.clone().unwrap_or_else(|| person.address.as_str().to_owned());
            self.of_one.push(GreetingOfOne { index, text, whose, place: place.clone() });
        }
    }

    /// Whoever gets a letter together with others is not greeted in it alone, nor are the others
    /// passed over.
    fn drop_greetings_of_one(&mut self, people: &mut People, problems: &mut Problems) {
        for of_one in std::mem::take(&mut self.of_one) {
            let recipient = &mut people.recipients[of_one.index];
            let is_theirs = recipient.greeting.as_ref().is_none_or(|own| *own == of_one.text);
            if recipient.together.is_empty() || !is_theirs {
                continue;
            }
            recipient.greeting = None;
            problems.push(of_one.problem(recipient));
        }
    }

    /// A row whose address, or address and name, an earlier one has.
    fn repeat(
        &mut self,
        people: &mut People,
        first: usize,
        person: Person,
        place: Place,
        decided: Decided,
    ) {
        let earlier = &mut people.recipients[first];
        let name = person.name.as_deref().map(fold::name);
        let line = earlier.place.line.unwrap_or_default();
        if self.same_address == SameAddress::Joint
            && let Some(name) = name
        {
            let together = self.together.entry(first).or_insert_with(|| Together::of(earlier));
            if !together.names.is_empty() && together.names.insert(name) {
                let copies = person.copies.into_iter().chain(decided.copies);
                add_copies(earlier, &mut together.copies, copies);
                earlier.together.push(person.values);
                people.joined += 1;
                self.repeats.joined += 1;
                let why = format!("greeted in the letter of {} row {line}", earlier.place.file);
                if let Some(desk) = self.desk.as_mut() {
                    desk.was_idle(&decided.groups, &why, true);
                }
                return;
            }
        } else if self.same_address == SameAddress::One && is_another(earlier, name.as_deref()) {
            let name = person.name.clone().unwrap_or_default();
            self.shared.entry(first).or_default().push((name, place.clone()));
        }
        let what = match self.same_address {
            SameAddress::Each => "same address and name as",
            _ => "same address as",
        };
        let reason = format!("{what} {} row {line}", earlier.place.file);
        if let Some(desk) = self.desk.as_mut() {
            desk.was_idle(&decided.groups, &reason, false);
        }
        self.repeats.left_out += 1;
        leave_out(people, person, place, Cause::SameAddress, reason);
    }

    /// Copies to the address that the letter goes to, which are not sent.
    fn report_own_copies(&mut self, file: &str, problems: &mut Problems) {
        let (count, first_line) = std::mem::take(&mut self.own_copies);
        if count > 0 {
            problems.push(copies::own_address_note(file, first_line, count));
        }
    }

    /// What repeated rows of the list that ends became.
    pub(super) fn end_list(&mut self, file: &str, problems: &mut Problems) {
        self.report_own_copies(file, problems);
        let Repeats { left_out, joined, apart } = std::mem::take(&mut self.repeats);
        let all = left_out + joined + apart;
        if all == 0 {
            return;
        }
        let have = if all == 1 { "has" } else { "have" };
        let became = [
            (left_out, "left out"),
            (joined, "greeted in its letter"),
            (apart, "with a letter of their own"),
        ];
        let became = became.into_iter().filter(|(count, _)| *count > 0);
        let became: Vec<String> = became.map(|(n, what)| format!("{n} {what}")).collect();
        let rows = counted(all, "row");
        let message =
            format!("{rows} {have} an address that an earlier row has: {}", became.join(", "));
        let hint = "[people] same_address in secretariat.toml decides; secretariat why ADDRESS \
                    tells of one.";
        let problem = Problem::note("same-address", message).hint(hint).count(all);
        problems.push(problem.place(Place::file(file)));
    }

    /// Everybody, after the last list.
    pub(super) fn finish(
        mut self,
        people: &mut People,
        options: &Options,
        problems: &mut Problems,
    ) {
        self.drop_greetings_of_one(people, problems);
        let columns = people.knows_all_columns.then_some(people.columns.as_slice());
        people.kept = self.sieve.map(|sieve| sieve.finish(columns, &options.columns, problems));
        if let Some(mut desk) = self.desk {
            desk.stop_copies(&mut people.recipients, problems);
            desk.finish(people, self.same_address, problems);
        }
        report_too_many_copies(&mut people.recipients, problems);
        for (first, others) in &self.shared {
            problems.push(shared_address(&people.recipients[*first], others));
        }
        people.shares = self.tally.finish(people);
    }
}

/// Whether a row names somebody else than the earlier one of its address. A row without a name names
/// nobody.
fn is_another(earlier: &Recipient, name: Option<&str>) -> bool {
    let earlier = earlier.name.as_deref().map(fold::name);
    earlier.is_some() && name.is_some() && earlier.as_deref() != name
}

fn leave_out(people: &mut People, person: Person, place: Place, cause: Cause, reason: String) {
    let address = person.address.as_str().to_owned();
    let Person { name, values, .. } = person;
    people.excluded.push(Excluded { address, name, place, cause, reason, values });
}

/// Copies go to each address once, and to nobody who has the letter itself.
fn add_copies(
    recipient: &mut Recipient,
    known: &mut HashSet<String>,
    copies: impl IntoIterator<Item = EmailAddress>,
) {
    let is_new = |copy: &EmailAddress| known.insert(copy.compare_key());
    recipient.copies.extend(copies.into_iter().filter(is_new));
}

/// Who has a letter or a copy of it, as addresses are compared.
fn known_copies(recipient: &Recipient) -> HashSet<String> {
    let all = std::iter::once(&recipient.address).chain(&recipient.copies);
    all.map(EmailAddress::compare_key).collect()
}

/// A letter that half a town would have in copy is none that anybody means to send.
fn report_too_many_copies(recipients: &mut [Recipient], problems: &mut Problems) {
    let has_too_many = |r: &&mut Recipient| r.copies.len() > COPIES_OF_A_LETTER_MAX;
    for recipient in recipients.iter_mut().filter(has_too_many) {
        let address = &recipient.address;
        let message =
            format!("more than {COPIES_OF_A_LETTER_MAX} copies of the letter to {address}");
        let hint = "Write to so many people by a mailing of their own: everybody sees all addresses \
                    of a letter's copies.";
        let problem = Problem::error("too-many-copies", message).hint(hint);
        problems.push(problem.place(recipient.place.clone()).recipient(address.as_str()));
        // What comes after need not bear them all.
        recipient.copies.truncate(COPIES_OF_A_LETTER_MAX);
    }
}

fn recipient(people: &People, person: Person, key: RecipientKey, place: Place) -> Recipient {
    Recipient {
        number: u32::try_from(people.recipients.len() + 1).unwrap_or(u32::MAX),
        key,
        address: person.address,
        name: person.name,
        language: person.language,
        language_by: person.language_by,
        country: person.country,
        values: person.values,
        together: Vec::new(),
        copies: person.copies,
        greeting: person.greeting,
        place,
    }
}

/// Whoever shares an address with somebody of another name gets nothing, which few mean.
fn shared_address(first: &Recipient, others: &[(String, Place)]) -> Problem {
    let place = others.first().map_or(&first.place, |(_, place)| place);
    let row = |at: &Place| match (at.line.unwrap_or_default(), &at.file) {
        (line, file) if *file == place.file => format!("row {line}"),
        (line, file) => format!("{file} row {line}"),
    };
    let one = |name: &str, at: &Place| format!("{} ({})", on_one_line(name), row(at));
    let mut named = vec![one(first.name.as_deref().unwrap_or_default(), &first.place)];
    named.extend(others.iter().take(NAMES_SHOWN_MAX).map(|(name, place)| one(name, place)));
    if let more @ 1.. = others.len().saturating_sub(NAMES_SHOWN_MAX) {
        named.push(format!("{more} more"));
    }
    let message = format!(
        "{} is the address of {}: only the first gets a letter",
        first.key.address(),
        named.join(", ")
    );
    let hint = "To greet all of them, write same_address = \"joint\" under [people] in \
                secretariat.toml, or \"each\" for a letter to each.";
    let problem = Problem::warning("shared-address", message).hint(hint);
    problem.place(place.clone()).recipient(first.address.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests_of_lists::options;
    use super::super::{ListSource, gather_for};
    use super::*;

    /// Recipients as `key names`, and the reasons of those left out.
    fn admitted(same_address: SameAddress, rows: &str) -> (Vec<String>, Vec<String>, Problems) {
        let list = format!("name,email\n{rows}");
        let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
        let audience = Audience { same_address, ..Audience::default() };
        let mut problems = Problems::new();
        let people = gather_for(&[source], &options(), &audience, &mut problems);
        let shown = |r: &Recipient| {
            format!("{}: {}", r.key.as_str(), r.names().collect::<Vec<_>>().join(" + "))
        };
        let reasons = people.excluded.iter().map(|e| e.reason.clone()).collect();
        (people.recipients.iter().map(shown).collect(), reasons, problems)
    }

    #[track_caller]
    fn check(same_address: SameAddress, rows: &str, letters: &[&str], left_out: &[&str]) {
        let (found, reasons, _) = admitted(same_address, rows);
        assert_eq!(found, letters);
        assert_eq!(reasons, left_out);
    }

    const DELEGATION: &str = "Ana Pérez,office@x.example\nLuis Mora,OFFICE@x.example\n\
                              \"PEREZ, Ana\",office@x.example\n,office@x.example\n";

    #[test]
    fn one_letter_for_all_or_one_for_each_of_another_name() {
        let same = "same address as l.csv row 2";
        check(SameAddress::One, DELEGATION, &["office@x.example: Ana Pérez"], &[same; 3]);
        let joint = ["office@x.example: Ana Pérez + Luis Mora"];
        check(SameAddress::Joint, DELEGATION, &joint, &[same; 2]);
        let each = [
            "office@x.example ana perez: Ana Pérez",
            "office@x.example luis mora: Luis Mora",
            "office@x.example: ",
        ];
        let same = "same address and name as l.csv row 2";
        check(SameAddress::Each, DELEGATION, &each, &[same]);
    }

    #[test]
    fn keys_do_not_depend_on_the_order_of_rows() {
        let (mut found, _, _) = admitted(SameAddress::Each, "A B,o@x.example\nC D,o@x.example\n");
        let (other, _, _) = admitted(SameAddress::Each, "C D,o@x.example\nA B,o@x.example\n");
        found.reverse();
        assert_eq!(found, other);
    }

    #[test]
    fn people_who_get_nothing_because_they_share_an_address_are_warned_of() {
        let warned = |policy| {
            let (_, _, problems) = admitted(policy, DELEGATION);
            problems.iter().filter(|p| p.code == "shared-address").map(|p| p.count).sum::<u64>()
        };
        assert_eq!(warned(SameAddress::One), 1);
        assert_eq!((warned(SameAddress::Joint), warned(SameAddress::Each)), (0, 0));
        let (_, _, problems) = admitted(SameAddress::One, "A B,o@x.example\nB A,o@x.example\n");
        assert!(!problems.iter().any(|p| p.code == "shared-address"), "one person twice");
    }
}
