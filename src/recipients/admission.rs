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
use super::shown::{counted, quoted};
use super::{Cause, Excluded, LanguageBy, Options, People, Recipient, copies, fold};
use crate::address::EmailAddress;
use crate::id::RecipientKey;
use crate::problem::{Place, Problem, Problems};
use std::collections::HashMap;

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

/// Lines of `decisions.csv` that may lead from one address to the next before they are called a
/// circle: nobody has so many.
pub(super) const SAME_PERSON_STEPS_MAX: usize = 20;

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
    /// Addresses whose first row has another name than a later one; with the first row's place.
    shared: HashMap<usize, Place>,
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
            shared: HashMap::new(),
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
    pub(super) fn take_in_added(&mut self, people: &mut People, options: &Options) {
        let added = self.desk.as_ref().map(|desk| desk.added(options)).unwrap_or_default();
        if let Some((_, place)) = added.first() {
            self.begin_list(&place.file);
        }
        for (person, place) in added {
            self.decide(people, person, place, false);
        }
    }

    fn decide(&mut self, people: &mut People, mut person: Person, place: Place, asks_where: bool) {
        self.tally.row(&person);
        let listed = person.address.compare_key();
        let desk = self.desk.as_mut();
        let mut decided =
            desk.map(|d| d.decide(&listed, person.name.as_deref())).unwrap_or_default();
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
        let Decided { address: elsewhere, greeting, greets_one, copies: more_copies, .. } = decided;
        // A cell, or a line with a name, greets one person and nobody else at the address.
        let is_of_one = greets_one || greeting.is_none();
        person.greeting = greeting.or(person.greeting);
        let name = person.name.as_deref().map(fold::name).unwrap_or_default();
        let is_alone_meant = elsewhere.as_ref().is_some_and(|(_, is_named)| *is_named);
        // The key is that of the address in the list.
        let key = match self.same_address == SameAddress::Each || is_alone_meant {
            true if !name.is_empty() => RecipientKey::of_named(&person.address, &name),
            _ => RecipientKey::of(&person.address),
        };
        if let Some((address, _)) = elsewhere {
            person.address = address;
            copies::settle(&mut person.copies, &person.address);
        }
        let address = person.address.compare_key();
        // What only one recipient can have.
        let slot = match self.same_address {
            SameAddress::Each => format!("{address} {name}"),
            _ => address.clone(),
        };
        if let Some(first) = self.taken.get(&slot) {
            let first = *first;
            self.see_greeting(first, &person, &place, is_of_one);
            return self.repeat(people, first, person, place);
        }
        self.see_greeting(people.recipients.len(), &person, &place, is_of_one);
        if self.same_address == SameAddress::Each {
            // The address alone stands for its first row, so that others are counted.
            self.repeats.apart += u64::from(self.taken.contains_key(&address));
            self.taken.entry(address).or_insert(people.recipients.len());
        }
        self.taken.insert(slot, people.recipients.len());
        let mut recipient = recipient(people, person, key, place);
        add_copies(&mut recipient, more_copies);
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
    fn repeat(&mut self, people: &mut People, first: usize, person: Person, place: Place) {
        let earlier = &mut people.recipients[first];
        let is_another = is_another(earlier, &person);
        if is_another && self.same_address == SameAddress::Joint {
            earlier.together.push(person.values);
            add_copies(earlier, person.copies);
            people.joined += 1;
            self.repeats.joined += 1;
            return;
        }
        let what = match self.same_address {
            SameAddress::Each => "same address and name as",
            _ => "same address as",
        };
        let line = earlier.place.line.unwrap_or_default();
        let reason = format!("{what} {} row {line}", earlier.place.file);
        if is_another && self.same_address == SameAddress::One {
            self.shared.entry(first).or_insert_with(|| place.clone());
        }
        self.repeats.left_out += 1;
        leave_out(people, person, place, Cause::SameAddress, reason);
    }

    /// What repeated rows of the list that ends became.
    pub(super) fn end_list(&mut self, file: &str, problems: &mut Problems) {
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
    pub(super) fn finish(mut self, people: &mut People, problems: &mut Problems) {
        self.drop_greetings_of_one(people, problems);
        let columns = people.knows_all_columns.then_some(people.columns.as_slice());
        people.kept = self.sieve.map(|sieve| sieve.finish(columns, problems));
        if let Some(mut desk) = self.desk {
            desk.stop_copies(&mut people.recipients, problems);
            desk.finish(&people.recipients, problems);
        }
        report_shared(self.shared, problems);
        people.shares = self.tally.finish(people);
    }
}

/// Whether a row names somebody else than the earlier ones of its address. A row without a name
/// names nobody.
fn is_another(earlier: &Recipient, person: &Person) -> bool {
    let Some(name) = person.name.as_deref().map(fold::name) else { return false };
    let mut known = earlier.names().peekable();
    known.peek().is_some() && known.all(|known| fold::name(known) != name)
}

fn leave_out(people: &mut People, person: Person, place: Place, cause: Cause, reason: String) {
    let address = person.address.as_str().to_owned();
    let Person { name, values, .. } = person;
    people.excluded.push(Excluded { address, name, place, cause, reason, values });
}

/// Copies go to each address once, and to nobody who has the letter itself.
fn add_copies(recipient: &mut Recipient, copies: Vec<EmailAddress>) {
    for copy in copies {
        let key = copy.compare_key();
        let known = std::iter::once(&recipient.address).chain(&recipient.copies);
        if known.into_iter().all(|known| known.compare_key() != key) {
            recipient.copies.push(copy);
        }
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
fn report_shared(shared: HashMap<usize, Place>, problems: &mut Problems) {
    let count = shared.len() as u64;
    let Some(first) = shared.into_values().min() else { return };
    let message = match count {
        1 => "1 address is shared by people with different names: only the first of them gets a \
              letter"
            .to_owned(),
        count => format!(
            "{count} addresses are shared by people with different names: only the first of each \
             gets a letter"
        ),
    };
    let hint = "To greet all of them, write same_address = \"joint\" under [people] in \
                secretariat.toml, or \"each\" for a letter to each.";
    problems.push(Problem::warning("shared-address", message).hint(hint).count(count).place(first));
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
