//! What the lines of `decisions.csv` do to the people of a mailing.
//!
//! Owns which lines are about a person, and what they come to. The lines are read in
//! `decision_lines.rs`; what is wrong with them together is said in `decision_review.rs`.
//!
//! # Invariants
//! Lines go by the address in the list, so that they outlast the next export of it. Where two cannot
//! both be followed, a line for one mailing goes before a line for all, then one with a name before
//! one without, then a later before an earlier. Nobody is left out in favour of somebody who is in no
//! list. However many lines are about one address, a row of it is decided in the same time.

use super::check::Person;
use super::decision_lines::{self, Action, Decision};
use super::{LanguageBy, Options, Recipient, column_name, copies, country, fold, select};
use crate::address::EmailAddress;
use crate::language::Language;
use crate::limits::COPIES_OF_A_LETTER_MAX;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The decisions that concern a mailing.
#[derive(Debug, Default)]
pub struct Decisions {
    pub(super) lines: Vec<Decision>,
    /// Whether the mailing reads all lists, so that somebody who is in none of its lists is in none
    /// at all.
    pub(super) reads_all: bool,
}

impl Decisions {
    /// Those of all lines that are for this mailing.
    #[must_use]
    pub fn of(lines: Vec<Decision>, campaign: &str, reads_all: bool) -> Decisions {
        let is_for = |d: &Decision| d.campaign.as_deref().is_none_or(|c| c == campaign);
        let mut lines: Vec<Decision> = lines.into_iter().filter(is_for).collect();
        // The last word has what is said of this mailing, then what is said of one person.
        lines.sort_by_key(|d| (d.campaign.is_some(), d.who.name.is_some()));
        Decisions { lines, reads_all }
    }

    /// Whether nothing was decided.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All lines about a person, the last word last; `key`: that of the recipient, or the address in
    /// the list as it is compared.
    pub fn about(&self, key: &str, name: Option<&str>) -> impl Iterator<Item = &Decision> {
        let address = key.split(' ').next().unwrap_or(key);
        let is_theirs = move |d: &&Decision| d.who.address.compare_key() == address;
        self.lines.iter().filter(is_theirs).filter(move |d| is_meant(d, name))
    }
}

/// Whether a line about this address means the person of this name.
fn is_meant(decision: &Decision, name: Option<&str>) -> bool {
    let wanted = name_in(decision);
    wanted.is_none() || select::is_same_name(wanted, name)
}

/// The name in a line that means one of several people. Whoever is added is in no list, so that the
/// name is theirs alone.
fn name_in(decision: &Decision) -> Option<&str> {
    let name = decision.who.name.as_deref();
    name.filter(|_| !matches!(decision.action, Action::Add(_)))
}

/// What was decided about the person of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Decided {
    /// Why they get no letter.
    pub(super) left_out: Option<String>,
    /// The address, as it is compared, of whom they are the same person as.
    pub(super) same_as: Option<String>,
    /// Where the letter goes instead, and whether only one of several at the address is meant.
    pub(super) address: Option<(EmailAddress, bool)>,
    pub(super) language: Option<Language>,
    pub(super) greeting: Option<String>,
    /// Whether the greeting is for one of several at the address.
    pub(super) greets_one: bool,
    pub(super) copies: Vec<EmailAddress>,
    /// Of which groups of lines.
    pub(super) groups: Vec<usize>,
}

/// Lines about the same people for the same mailings: of each action the last counts, and all copies.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) decided: Decided,
    /// The line of each action that counts; of copies the first.
    pub(super) counting: BTreeMap<&'static str, usize>,
    /// Whether they name one of several people.
    pub(super) is_named: bool,
    /// Whether somebody was meant.
    pub(super) matched: bool,
    /// Names of those who were meant, each once, as far as a message names them; and whether there
    /// are more.
    pub(super) people: Vec<String>,
    pub(super) has_more_people: bool,
    /// Whether a letter was made by them.
    pub(super) took_effect: bool,
    /// Why a row that they mean has no letter of its own, and whether its copies go all the same.
    pub(super) idle: Option<(String, bool)>,
}

impl Group {
    /// Keeps the name of somebody who was meant.
    fn see(&mut self, name: Option<&str>) {
        self.matched = true;
        let Some(name) = name.filter(|_| !self.is_named && !self.has_more_people) else { return };
        if self.people.iter().any(|known| select::is_same_name(Some(known), Some(name))) {
            return;
        }
        match self.people.len() < PEOPLE_NAMED_MAX {
            true => self.people.push(name.to_owned()),
            false => self.has_more_people = true,
        }
    }
}

/// People of one address that a message names.
const PEOPLE_NAMED_MAX: usize = 3;

/// The groups about one address: first those for all mailings, then those for this one.
#[derive(Debug, Default)]
struct AtAddress {
    unnamed: [Option<usize>; 2],
    by_name: HashMap<String, [Option<usize>; 2]>,
}

/// Decisions at work on rows.
pub(super) struct Desk<'a> {
    pub(super) decisions: &'a Decisions,
    pub(super) groups: Vec<Group>,
    /// The group of each line.
    pub(super) group_of: Vec<usize>,
    by_address: HashMap<String, AtAddress>,
    /// Addresses that others are merged with, and whether a row has them.
    pub(super) targets: HashMap<String, bool>,
    /// Whom an address is merged with.
    pub(super) merged: HashMap<String, String>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(decisions: &'a Decisions) -> Desk<'a> {
        let mut desk = Desk {
            decisions,
            groups: Vec::new(),
            group_of: Vec::with_capacity(decisions.lines.len()),
            by_address: HashMap::new(),
            targets: HashMap::new(),
            merged: HashMap::new(),
        };
        let mut copies: HashSet<(usize, String)> = HashSet::new();
        for (index, decision) in decisions.lines.iter().enumerate() {
            let group = desk.file(decision);
            desk.group_of.push(group);
            let Group { decided, counting, .. } = &mut desk.groups[group];
            match &decision.action {
                Action::Cc(address) => {
                    // One more than is allowed is enough to be told.
                    if decided.copies.len() <= COPIES_OF_A_LETTER_MAX
                        && copies.insert((group, address.compare_key()))
                    {
                        decided.copies.push(address.clone());
                    }
                    counting.entry(decision.action.word()).or_insert(index);
                }
                action => {
                    decided.take(decision);
                    counting.insert(action.word(), index);
                }
            }
            if let Action::MergeWith(other) = &decision.action {
                desk.targets.insert(other.compare_key(), false);
                desk.merged.insert(decision.who.address.compare_key(), other.compare_key());
            }
        }
        desk
    }

    /// The group of a line.
    fn file(&mut self, decision: &Decision) -> usize {
        let at = self.by_address.entry(decision.who.address.compare_key()).or_default();
        let name = name_in(decision);
        let places = match name.map(fold::name) {
            Some(name) => at.by_name.entry(name).or_default(),
            None => &mut at.unnamed,
        };
        let place = &mut places[usize::from(decision.campaign.is_some())];
        *place.get_or_insert_with(|| {
            self.groups.push(Group { is_named: name.is_some(), ..Group::default() });
            self.groups.len() - 1
        })
    }

    /// What was decided about a person; `address`: theirs in the list, as it is compared.
    pub(super) fn decide(&mut self, address: &str, name: Option<&str>) -> Decided {
        let mut decided = Decided::default();
        if let Some(seen) = self.targets.get_mut(address) {
            *seen = true;
        }
        let Some(at) = self.by_address.get(address) else { return decided };
        let of_name = match at.by_name.is_empty() {
            true => None,
            false => name.map(fold::name).and_then(|name| at.by_name.get(&name)),
        };
        let by_name = of_name.copied().unwrap_or_default();
        // The last word comes last.
        let in_order = [at.unnamed[0], by_name[0], at.unnamed[1], by_name[1]];
        for group in in_order.into_iter().flatten() {
            self.groups[group].see(name);
            decided.overrule(&self.groups[group].decided);
            decided.groups.push(group);
        }
        decided
    }

    /// Somebody who stands in a row for a copy of its letter can be left out too.
    pub(super) fn see_copies(&mut self, copies: &[EmailAddress]) {
        for copy in copies {
            let Some(at) = self.by_address.get(&copy.compare_key()) else { continue };
            for group in at.unnamed.into_iter().flatten() {
                let group = &mut self.groups[group];
                group.matched |= group.counting.contains_key(LEAVE_OUT);
            }
        }
    }

    /// A letter was made of these decisions.
    pub(super) fn took_effect(&mut self, groups: &[usize]) {
        groups.iter().for_each(|group| self.groups[*group].took_effect = true);
    }

    /// A row has no letter of its own that these decisions could show in.
    pub(super) fn was_idle(&mut self, groups: &[usize], why: &str, copies_go: bool) {
        for group in groups {
            self.groups[*group].idle.get_or_insert_with(|| (why.to_owned(), copies_go));
        }
    }

    /// People who are in no list, with their lines.
    pub(super) fn added(&self, options: &Options, problems: &mut Problems) -> Vec<(Person, Place)> {
        let mut all = Vec::new();
        for decision in &self.decisions.lines {
            if let Action::Add(values) = &decision.action {
                all.push((added(decision, values, options, problems), decision.place.clone()));
            }
        }
        all
    }

    /// Takes copies away from whoever is to get nothing: a decision is about the person, whatever
    /// column has the address. A line that names one of several leaves the address to the others, if
    /// any of them gets a letter.
    pub(super) fn stop_copies(&mut self, recipients: &mut [Recipient], problems: &mut Problems) {
        let (mut left_out, named) = (self.left_out(false), self.left_out(true));
        if !named.is_empty() {
            let written_to: HashSet<&str> = recipients.iter().map(|r| r.key.address()).collect();
            left_out
                .extend(named.into_iter().filter(|(key, _)| !written_to.contains(key.as_str())));
        }
        if left_out.is_empty() {
            return;
        }
        let mut stopped: BTreeMap<String, (u64, String, Place)> = BTreeMap::new();
        for recipient in recipients.iter_mut().filter(|r| !r.copies.is_empty()) {
            let place = &recipient.place;
            let is_left_out = |c: &mut EmailAddress| left_out.contains_key(&c.compare_key());
            for copy in recipient.copies.extract_if(.., is_left_out) {
                let first = || (0, copy.as_str().to_owned(), place.clone());
                stopped.entry(copy.compare_key()).or_insert_with(first).0 += 1;
            }
        }
        for (key, (count, address, place)) in stopped {
            left_out.get(&key).iter().for_each(|line| {
                self.groups[self.group_of[**line]].matched = true;
            });
            let of = if count == 1 { String::new() } else { format!(" of {count} letters") };
            let message = format!("no copy{of} goes to {address}, who is left out by decision");
            let problem = Problem::note("copy-left-out", message).recipient(address).count(count);
            problems.push(problem.place(place));
        }
    }

    /// Addresses that are left out, with the line: by lines that name one of several people, or by
    /// those that do not.
    pub(super) fn left_out(&self, is_named: bool) -> HashMap<String, usize> {
        let groups = self.groups.iter().filter(|group| group.is_named == is_named);
        let lines = groups.filter_map(|group| group.counting.get(LEAVE_OUT).copied());
        lines.map(|line| (self.decisions.lines[line].who.address.compare_key(), line)).collect()
    }
}

/// The word of [`Action::LeaveOut`].
pub(super) const LEAVE_OUT: &str = "leave-out";

impl Decided {
    /// Takes in a line; an earlier one of the same action no longer counts.
    fn take(&mut self, decision: &Decision) {
        let because = match decision.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        let place = &decision.place;
        match &decision.action {
            Action::LeaveOut => {
                self.left_out = Some(format!("left out by decision ({place}){because}"));
            }
            Action::MergeWith(other) => {
                let words = format!("same person as {other} by decision ({place}){because}");
                self.left_out.get_or_insert(words);
                self.same_as = Some(other.compare_key());
            }
            Action::UseAddress(address) => {
                self.address = Some((address.clone(), decision.who.name.is_some()));
            }
            Action::Language(language) => self.language = Some(language.clone()),
            Action::Greeting(greeting) => {
                self.greeting = Some(greeting.clone());
                self.greets_one = decision.who.name.is_some();
            }
            Action::Cc(_) | Action::Add(_) => {}
        }
    }

    /// Takes in what goes before it.
    fn overrule(&mut self, by: &Decided) {
        let Decided { left_out, same_as, address, language, greeting, greets_one, .. } = by;
        let set = |own: &mut Option<String>, by: &Option<String>| {
            if by.is_some() {
                own.clone_from(by);
            }
        };
        set(&mut self.left_out, left_out);
        set(&mut self.same_as, same_as);
        set(&mut self.greeting, greeting);
        if greeting.is_some() {
            self.greets_one = *greets_one;
        }
        self.address = address.clone().or_else(|| self.address.take());
        self.language = language.clone().or_else(|| self.language.take());
        self.copies.extend(by.copies.iter().cloned());
    }
}

/// The person of a line that adds one: as if it stood in a list, copies and greeting with it.
fn added(
    decision: &Decision,
    values: &super::Values,
    options: &Options,
    problems: &mut Problems,
) -> Person {
    let country = values.get("country").and_then(country::recognise);
    let own = values.get("language").and_then(Language::recognise);
    let by_country = country.and_then(|code| options.language_by_country.get(code).cloned());
    let (language, language_by) = match (own, by_country) {
        (Some(language), _) => (language, LanguageBy::Column),
        (None, Some(language)) => (language, LanguageBy::Country),
        (None, None) => (options.default_language.clone(), LanguageBy::Default),
    };
    let placed = |problem: Problem| problem.place(decision.place.clone());
    let greeting =
        values.get("greeting").map(|cell| decision_lines::greeting(cell).map_err(placed));
    let greeting = greeting.and_then(|read| problems.take_from(read));
    Person {
        address: decision.who.address.clone(),
        name: values.get("name").map(str::to_owned),
        language,
        language_by,
        country,
        values: values.clone(),
        copies: copies_of(values, options, decision, problems),
        greeting,
    }
}

/// Who gets a copy of the letter to somebody who is added: the columns that `cc` names, by that name
/// or by the header that the lists have for it.
fn copies_of(
    values: &super::Values,
    options: &Options,
    decision: &Decision,
    problems: &mut Problems,
) -> Vec<EmailAddress> {
    let mut all = Vec::new();
    for setting in &options.copies {
        let headers = options.columns.iter().filter(|column| column.name == setting.name);
        let headers = headers.flat_map(|column| &column.headers).map(|h| column_name(h));
        let mut names = std::iter::once(setting.name.clone()).chain(headers);
        let Some(cell) = names.find_map(|name| values.get(&name)) else { continue };
        match copies::read(cell, options.two_addresses) {
            Ok(found) => all.extend(found.into_iter().map(|one| one.address)),
            Err(error) => {
                let column = format!("the column {}", setting.name);
                let problem = copies::refusal(&column, cell, &error);
                problems.push(problem.place(decision.place.clone()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::decision_lines::read_decisions;
    use super::super::tests_of_lists::options;
    use super::super::{Audience, ListSource, SameAddress, gather_for};
    use super::*;
    use crate::problem::Severity;

    const LIST: &str = "name,email,language\nAna Pérez,Ana@x.example,es\nBo Li,bo@x.example,en\n\
                        Cy Wu,office@x.example,en\nDi Wu,office@x.example,en\n";

    /// Recipients as `key -> address name language greeting copies`, reasons, and problems.
    fn decided(same_address: SameAddress, lines: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        let text = format!("address,action,value,campaign,reason\n{lines}");
        let mut problems = Problems::new();
        let lines = read_decisions("decisions.csv", text.as_bytes(), &["outcome"], &mut problems);
        let audience =
            Audience { same_address, keep: None, decisions: Decisions::of(lines, "outcome", true) };
        let source = ListSource { file: "l.csv", bytes: LIST.as_bytes() };
        let people = gather_for(&[source], &options(), &audience, &mut problems);
        let shown = |r: &Recipient| {
            let copies: Vec<&str> = r.copies.iter().map(EmailAddress::as_str).collect();
            let greeting = r.greeting.as_deref().unwrap_or_default();
            let text = format!(
                "{} -> {} {} {} {greeting} {}",
                r.key.as_str(),
                r.address,
                r.name.as_deref().unwrap_or("-"),
                r.language,
                copies.join(" ")
            );
            text.trim_end().to_owned()
        };
        let problem = |p: &Problem| {
            let line = p.place.as_ref().and_then(|place| place.line).unwrap_or(0);
            format!("{} {line}", p.code)
        };
        let told = problems.iter().filter(|p| p.severity < Severity::Note);
        (
            people.recipients.iter().map(shown).collect(),
            people.excluded.iter().map(|e| e.reason.clone()).collect(),
            told.filter(|p| p.code.starts_with("decision")).map(problem).collect(),
        )
    }

    #[track_caller]
    fn check(lines: &str, letters: &[&str], left_out: &[&str], problems: &[&str]) {
        let (found, reasons, told) = decided(SameAddress::Each, lines);
        assert_eq!((found, reasons, told), (owned(letters), owned(left_out), owned(problems)));
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const ANA: &str = "ana@x.example ana perez -> Ana@x.example Ana Pérez es";
    const BO: &str = "bo@x.example bo li -> bo@x.example Bo Li en";
    const CY: &str = "office@x.example cy wu -> office@x.example Cy Wu en";
    const DI: &str = "office@x.example di wu -> office@x.example Di Wu en";

    #[test]
    fn a_line_goes_by_the_address_in_the_list() {
        let reason = "left out by decision (decisions.csv:2): asked";
        check("ANA@x.example,leave-out,,,asked\n", &[BO, CY, DI], &[reason], &[]);
        let moved = "ana@x.example ana perez -> new@y.example Ana Pérez es";
        check("ana@x.example,use-address,new@y.example\n", &[moved, BO, CY, DI], &[], &[]);
        let french = "bo@x.example bo li -> bo@x.example Bo Li fr Dear Mayor, c@x.example";
        let lines = "bo@x.example,language,fr\nbo@x.example,greeting,\"Dear Mayor,\"\n\
                     bo@x.example,cc,c@x.example\n";
        check(lines, &[ANA, french, CY, DI], &[], &[]);
        let new = "eve@y.example eve ruiz -> eve@y.example Eve Ruiz en";
        check("eve@y.example,add,Eve Ruiz\n", &[ANA, BO, CY, DI, new], &[], &[]);
        let merged = "same person as bo@x.example by decision (decisions.csv:2)";
        check("ana@x.example,merge-with,bo@x.example\n", &[BO, CY, DI], &[merged], &[]);
    }

    #[test]
    fn one_of_several_people_with_an_address_is_meant_by_name() {
        let reason = "left out by decision (decisions.csv:2)";
        check("Di Wu <office@x.example>,leave-out,\n", &[ANA, BO, CY], &[reason], &[]);
        let shared = ["decision-shared 2"];
        check("office@x.example,leave-out,\n", &[ANA, BO], &[reason; 2], &shared);
        // Whoever has an address of their own now is no longer one of those who share it.
        let lines = "Di Wu <office@x.example>,use-address,di@x.example\n";
        let (letters, left_out, _) = decided(SameAddress::One, lines);
        assert_eq!(letters[3], "office@x.example di wu -> di@x.example Di Wu en");
        assert_eq!((letters.len(), left_out.len()), (4, 0));
    }

    #[test]
    fn duplicates_are_judged_by_the_final_address() {
        let lines = "ana@x.example,use-address,bo@x.example\n";
        let (letters, left_out, _) = decided(SameAddress::One, lines);
        assert_eq!(letters[0], "ana@x.example -> bo@x.example Ana Pérez es");
        assert_eq!(left_out[0], "same address as l.csv row 2");
        // The address that became free is another's now.
        let lines =
            "ana@x.example,use-address,bo@x.example\nbo@x.example,use-address,b2@x.example\n";
        let (letters, _, problems) = decided(SameAddress::One, lines);
        assert_eq!(letters[1], "bo@x.example -> b2@x.example Bo Li en");
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn a_line_for_this_mailing_beats_one_for_all_and_another_mailings_is_none_of_ours() {
        let lines = "bo@x.example,language,fr,outcome\nbo@x.example,language,es\n";
        check(lines, &[ANA, "bo@x.example bo li -> bo@x.example Bo Li fr", CY, DI], &[], &[]);
        let other = ["decision-campaign 2"];
        check("bo@x.example,leave-out,,spring-2024,asked\n", &[ANA, BO, CY, DI], &[], &other);
    }

    #[test]
    fn a_line_with_a_name_beats_one_without_whatever_their_order() {
        let cy = "office@x.example cy wu -> office@x.example Cy Wu fr";
        let di = "office@x.example di wu -> office@x.example Di Wu es";
        for lines in [
            "Cy Wu <office@x.example>,language,fr\noffice@x.example,language,es\n",
            "office@x.example,language,es\n\"WU, Cy\" <office@x.example>,language,fr\n",
        ] {
            let lines = lines.replace("\"WU, Cy\"", "Wu Cy");
            check(&lines, &[ANA, BO, cy, di], &[], &[]);
        }
        // The mailing goes before the name.
        let lines = "Cy Wu <office@x.example>,language,fr\noffice@x.example,language,es,outcome\n";
        let cy = "office@x.example cy wu -> office@x.example Cy Wu es";
        check(lines, &[ANA, BO, cy, di], &[], &[]);
    }

    #[test]
    fn a_line_for_several_people_of_an_address_is_told_as_such() {
        let told = |policy, line: &str| decided(policy, line).2;
        let (out, to) =
            ("office@x.example,leave-out,\n", "office@x.example,use-address,n@x.example\n");
        for policy in [SameAddress::One, SameAddress::Joint, SameAddress::Each] {
            assert_eq!(told(policy, out), ["decision-shared 2"], "{policy:?}");
            assert_eq!(told(policy, "Cy Wu <office@x.example>,leave-out,\n"), [""; 0]);
            assert_eq!(told(policy, "office@x.example,cc,boss@x.example\n"), [""; 0]);
        }
        // Where they get one letter, its address is that of all.
        assert_eq!(told(SameAddress::Joint, to), [""; 0]);
        assert_eq!(told(SameAddress::Each, to), ["decision-shared 2"]);
    }

    #[test]
    fn what_cannot_show_in_a_letter_is_told() {
        let lines = "Di Wu <office@x.example>,greeting,\"Dear Di,\"\nDi Wu <office@x.example>,cc,b@x.example\n";
        let (letters, _, told) = decided(SameAddress::One, lines);
        assert_eq!(told, ["decision-without-effect 2", "decision-without-effect 3"]);
        assert!(!letters[2].contains("b@x.example"), "{letters:?}");
        // A joint letter has the copies of all its rows, and one greeting.
        let (letters, _, told) = decided(SameAddress::Joint, lines);
        assert_eq!(told, ["decision-without-effect 2"]);
        assert!(letters[2].contains("b@x.example"), "{letters:?}");
        let (letters, _, told) = decided(SameAddress::Each, lines);
        assert_eq!(told, [""; 0]);
        assert!(letters[3].contains("Dear Di, b@x.example"), "{letters:?}");
        // Whose letter went into another one.
        let lines = "ana@x.example,use-address,bo@x.example\nbo@x.example,cc,boss@x.example\n";
        assert_eq!(decided(SameAddress::One, lines).2, ["decision-without-effect 3"]);
    }

    #[test]
    fn nobody_is_written_to_at_the_address_of_somebody_left_out() {
        let lines = "ana@x.example,use-address,boss@x.example\nboss@x.example,leave-out,\n";
        let told = decided(SameAddress::One, lines).2;
        assert!(told.contains(&"decision-contradiction 2".to_owned()), "{told:?}");
    }

    #[test]
    fn a_line_about_nobody_names_the_address_that_was_probably_meant() {
        let hint = |line: &str| {
            let mut problems = Problems::new();
            let text = format!("address,action,value\n{line}\n");
            let lines = read_decisions("d", text.as_bytes(), &[], &mut problems);
            let audience = Audience {
                decisions: Decisions::of(lines, "outcome", true),
                ..Audience::default()
            };
            let source = ListSource { file: "l.csv", bytes: LIST.as_bytes() };
            gather_for(&[source], &options(), &audience, &mut problems);
            let found = problems.iter().find(|p| p.code == "decision-unmatched").unwrap();
            found.hint.clone().unwrap_or_default()
        };
        assert!(hint("anna@x.example,leave-out,").starts_with("Did you mean ana@x.example?"));
        assert!(hint("offce@x.example,leave-out,").starts_with("Did you mean office@x.example?"));
        assert!(
            hint("bo@x.exmaple,use-address,b@y.example").starts_with("Did you mean bo@x.example?")
        );
        assert!(!hint("zoltan@x.example,leave-out,").contains("Did you mean"));
    }

    #[test]
    fn contradictions_circles_and_lines_about_nobody_are_problems() {
        let all = [ANA, BO, CY, DI];
        let two = "bo@x.example,language,fr\nbo@x.example,language,es\n";
        let spanish = "bo@x.example bo li -> bo@x.example Bo Li es";
        check(two, &[ANA, spanish, CY, DI], &[], &["decision-contradiction 3"]);
        check("eve@x.example,leave-out,\n", &all, &[], &["decision-unmatched 2"]);
        check("Eve <bo@x.example>,leave-out,\n", &all, &[], &["decision-unmatched 2"]);
        let merged = "same person as eve@x.example by decision (decisions.csv:2)";
        check(
            "ana@x.example,merge-with,eve@x.example\n",
            &[BO, CY, DI],
            &[merged],
            &["decision-value 2"],
        );
        let (_, _, problems) = decided(
            SameAddress::One,
            "ana@x.example,merge-with,bo@x.example\nbo@x.example,merge-with,ana@x.example\n",
        );
        assert_eq!(problems, ["decision-contradiction 2", "decision-contradiction 3"]);
        let (_, _, problems) = decided(
            SameAddress::One,
            "ana@x.example,merge-with,bo@x.example\nbo@x.example,leave-out,\n",
        );
        assert_eq!(problems, ["decision-value 2"]);
        // The same said twice is no contradiction.
        let twice = "bo@x.example,language,fr\nbo@x.example,language,fr\n";
        let (_, _, problems) = decided(SameAddress::One, twice);
        assert_eq!(problems, [""; 0]);
    }
}
