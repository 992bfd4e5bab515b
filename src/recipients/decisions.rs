//! What the lines of `decisions.csv` do to the people of a mailing.
//!
//! Owns which lines are about a person, what they come to, and what is wrong with them together:
//! contradictions, circles, people nobody is. The lines are read in `decision_lines.rs`.
//!
//! # Invariants
//! Lines go by the address in the list, so that they outlast the next export of it. A line for one
//! mailing beats a line for all. Nobody is left out in favour of somebody who is in no list.

use super::admission::SAME_PERSON_STEPS_MAX;
use super::check::Person;
use super::decision_lines::{Action, Decision};
use super::{LanguageBy, Options, Recipient, country, select};
use crate::address::EmailAddress;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use std::collections::{HashMap, HashSet};

/// The decisions that concern a mailing.
#[derive(Debug, Default)]
pub struct Decisions {
    lines: Vec<Decision>,
    /// Whether the mailing reads all lists, so that somebody who is in none of its lists is in none
    /// at all.
    reads_all: bool,
}

impl Decisions {
    /// Those of all lines that are for this mailing.
    #[must_use]
    pub fn of(lines: Vec<Decision>, campaign: &str, reads_all: bool) -> Decisions {
        let is_for = |d: &Decision| d.campaign.as_deref().is_none_or(|c| c == campaign);
        let mut lines: Vec<Decision> = lines.into_iter().filter(is_for).collect();
        // What is said of this mailing is the last word.
        lines.sort_by_key(|d| d.campaign.is_some());
        Decisions { lines, reads_all }
    }

    /// Whether nothing was decided.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All lines about a person, those for all mailings first; `key`: that of the recipient, or the
    /// address in the list as it is compared.
    pub fn about(&self, key: &str, name: Option<&str>) -> impl Iterator<Item = &Decision> {
        let address = key.split(' ').next().unwrap_or(key);
        let is_theirs = move |d: &&Decision| d.who.address.compare_key() == address;
        self.lines.iter().filter(is_theirs).filter(move |d| is_meant(d, name))
    }
}

/// Whether a line about this address means the person of this name.
fn is_meant(decision: &Decision, name: Option<&str>) -> bool {
    let wanted = decision.who.name.as_deref();
    matches!(decision.action, Action::Add(_))
        || wanted.is_none()
        || select::is_same_name(wanted, name)
}

/// What was decided about the person of a row.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// Why they get no letter.
    pub(super) left_out: Option<String>,
    /// Where the letter goes instead, and whether only one of several at the address is meant.
    pub(super) address: Option<(EmailAddress, bool)>,
    pub(super) language: Option<Language>,
    pub(super) greeting: Option<String>,
    /// Whether the greeting is for one of several at the address.
    pub(super) greets_one: bool,
    pub(super) copies: Vec<EmailAddress>,
}

/// Decisions at work on rows.
pub(super) struct Desk<'a> {
    decisions: &'a Decisions,
    by_address: HashMap<String, Vec<usize>>,
    /// By line: whether somebody was meant.
    matched: Vec<bool>,
    /// Addresses that others are merged with, and whether a row has them.
    targets: HashMap<String, bool>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(decisions: &'a Decisions) -> Desk<'a> {
        let mut by_address: HashMap<String, Vec<usize>> = HashMap::new();
        let mut targets = HashMap::new();
        for (index, decision) in decisions.lines.iter().enumerate() {
            by_address.entry(decision.who.address.compare_key()).or_default().push(index);
            if let Action::MergeWith(other) = &decision.action {
                targets.insert(other.compare_key(), false);
            }
        }
        let matched = vec![false; decisions.lines.len()];
        Desk { decisions, by_address, matched, targets }
    }

    /// What was decided about a person; `address`: theirs in the list, as it is compared.
    pub(super) fn decide(&mut self, address: &str, name: Option<&str>) -> Decided {
        let mut decided = Decided::default();
        if let Some(seen) = self.targets.get_mut(address) {
            *seen = true;
        }
        let Some(lines) = self.by_address.get(address) else { return decided };
        for index in lines {
            let decision = &self.decisions.lines[*index];
            if !is_meant(decision, name) {
                continue;
            }
            self.matched[*index] = true;
            decided.take(decision);
        }
        decided
    }

    /// People who are in no list, with their lines.
    pub(super) fn added(&self, options: &Options) -> Vec<(Person, Place)> {
        let person = |d: &Decision| match &d.action {
            Action::Add(values) => Some((added(d, values, options), d.place.clone())),
            _ => None,
        };
        self.decisions.lines.iter().filter_map(person).collect()
    }

    /// Takes copies away from whoever is to get nothing: a decision is about the person, whatever
    /// column has the address.
    pub(super) fn stop_copies(&mut self, recipients: &mut [Recipient], problems: &mut Problems) {
        let is_general = |d: &&Decision| d.action == Action::LeaveOut && d.who.name.is_none();
        let left_out: HashSet<String> = self
            .decisions
            .lines
            .iter()
            .filter(is_general)
            .map(|decision| decision.who.address.compare_key())
            .collect();
        if left_out.is_empty() {
            return;
        }
        for recipient in recipients.iter_mut().filter(|r| !r.copies.is_empty()) {
            for copy in recipient.copies.extract_if(.., |c| left_out.contains(&c.compare_key())) {
                let lines = self.by_address.get(&copy.compare_key()).into_iter().flatten();
                lines.for_each(|index| self.matched[*index] = true);
                let message = format!("no copy goes to {copy}, who is left out by decision");
                let problem = Problem::note("copy-left-out", message).recipient(copy.as_str());
                problems.push(problem.place(recipient.place.clone()));
            }
        }
    }

    /// What is wrong with the decisions, now that everybody is known.
    pub(super) fn finish(self, recipients: &[Recipient], problems: &mut Problems) {
        report_contradictions(&self.decisions.lines, problems);
        self.report_merges(recipients, problems);
        for (decision, matched) in self.decisions.lines.iter().zip(&self.matched) {
            let is_surely_stale = decision.campaign.is_some() || self.decisions.reads_all;
            if !matched && is_surely_stale {
                let message = format!("nobody in the lists is {}", decision.who);
                let hint = "The person may have another address in the newest list: write that \
                            one, or remove the line.";
                let problem = Problem::warning("decision-unmatched", message).hint(hint);
                let address = decision.who.address.as_str();
                problems.push(problem.place(decision.place.clone()).recipient(address));
            }
        }
    }

    /// Somebody is the same person as another, who must get the letter.
    fn report_merges(&self, recipients: &[Recipient], problems: &mut Problems) {
        if self.targets.is_empty() {
            return;
        }
        let address_of = |r: &Recipient| r.key.address().to_owned();
        let written_to: HashSet<String> = recipients.iter().map(address_of).collect();
        for (index, decision) in self.decisions.lines.iter().enumerate() {
            let Action::MergeWith(other) = &decision.action else { continue };
            if !self.matched[index] {
                continue;
            }
            let report = |problem: Problem, problems: &mut Problems| {
                let address = decision.who.address.as_str();
                problems.push(problem.place(decision.place.clone()).recipient(address));
            };
            let Some(last) = self.last_of(other) else {
                let message = format!("{} is merged with itself by way of others", decision.who);
                let hint = "Remove the line of the address that is to get the letter.";
                report(Problem::error("decision-contradiction", message).hint(hint), problems);
                continue;
            };
            if !self.targets.get(&last).copied().unwrap_or_default() {
                let message = format!("{} is merged with {last}, which no list has", decision.who);
                let hint = "Write the other address as it stands in the list.";
                report(Problem::error("decision-value", message).hint(hint), problems);
            } else if !written_to.contains(&last) {
                let message =
                    format!("neither {} nor {last} gets a letter: they are merged", decision.who);
                let hint = format!("See secretariat why {last}; remove the line if that is wrong.");
                report(Problem::warning("decision-value", message).hint(hint), problems);
            }
        }
    }

    /// The address that a chain of merges ends at; `None` for a circle.
    fn last_of(&self, other: &EmailAddress) -> Option<String> {
        let mut last = other.compare_key();
        for _ in 0..SAME_PERSON_STEPS_MAX {
            let lines = self.by_address.get(&last).map_or(&[][..], Vec::as_slice);
            let next = lines.iter().find_map(|index| match &self.decisions.lines[*index].action {
                Action::MergeWith(next) => Some(next.compare_key()),
                _ => None,
            });
            match next {
                None => return Some(last),
                Some(next) => last = next,
            }
        }
        None
    }
}

impl Decided {
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
            }
            Action::UseAddress(address) => {
                self.address = Some((address.clone(), decision.who.name.is_some()));
            }
            Action::Language(language) => self.language = Some(language.clone()),
            Action::Greeting(greeting) => {
                self.greeting = Some(greeting.clone());
                self.greets_one = decision.who.name.is_some();
            }
            Action::Cc(address) if !self.copies.contains(address) => {
                self.copies.push(address.clone());
            }
            Action::Cc(_) | Action::Add(_) => {}
        }
    }
}

/// The person of a line that adds one: as if it stood in a list.
fn added(decision: &Decision, values: &super::Values, options: &Options) -> Person {
    let country = values.get("country").and_then(country::recognise);
    let own = values.get("language").and_then(Language::recognise);
    let by_country = country.and_then(|code| options.language_by_country.get(code).cloned());
    let (language, language_by) = match (own, by_country) {
        (Some(language), _) => (language, LanguageBy::Column),
        (None, Some(language)) => (language, LanguageBy::Country),
        (None, None) => (options.default_language.clone(), LanguageBy::Default),
    };
    Person {
        address: decision.who.address.clone(),
        name: values.get("name").map(str::to_owned),
        language,
        language_by,
        country,
        values: values.clone(),
        copies: Vec::new(),
        greeting: None,
    }
}

/// Two lines of which only one can be followed.
fn report_contradictions(lines: &[Decision], problems: &mut Problems) {
    /// Whom a line is about, and the mailing.
    type Scope<'d> = (String, &'d Option<String>, &'d Option<String>);
    let mut earlier: HashMap<Scope<'_>, Vec<&Decision>> = HashMap::new();
    for decision in lines {
        let key = (decision.who.address.compare_key(), &decision.who.name, &decision.campaign);
        let before = earlier.entry(key).or_default();
        if let Some(other) = before.iter().find(|other| contradict(&other.action, &decision.action))
        {
            let message = format!(
                "{} contradicts {}: {} {} and {} {} for {}",
                decision.action.word(),
                other.place,
                other.action.word(),
                other.action.value(),
                decision.action.word(),
                decision.action.value(),
                decision.who
            );
            let hint = "Remove one of the two lines.";
            let problem = Problem::error("decision-contradiction", message).hint(hint);
            let address = decision.who.address.as_str();
            problems.push(problem.place(decision.place.clone()).recipient(address));
        }
        before.push(decision);
    }
}

fn contradict(a: &Action, b: &Action) -> bool {
    use Action::{Add, Greeting, LeaveOut, MergeWith, UseAddress};
    match (a, b) {
        (UseAddress(a), UseAddress(b)) | (MergeWith(a), MergeWith(b)) => {
            a.compare_key() != b.compare_key()
        }
        (Greeting(a), Greeting(b)) => a != b,
        (Action::Language(a), Action::Language(b)) => a != b,
        (Add(_), LeaveOut | MergeWith(_)) | (LeaveOut | MergeWith(_), Add(_)) => true,
        _ => false,
    }
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
        check("office@x.example,leave-out,\n", &[ANA, BO], &[reason; 2], &[]);
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
        check("bo@x.example,leave-out,,spring-2024\n", &[ANA, BO, CY, DI], &[], &[]);
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
