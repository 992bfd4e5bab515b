//! What is wrong with the decisions, once everybody is known.
//!
//! Owns the words for lines that contradict each other, lead in a circle or to somebody who is left
//! out, hold for more people than one, have no effect, or mean nobody. What lines do to rows was
//! decided in `decisions.rs`.
//!
//! # Invariants
//! A line whose wish is not followed is told of. Time grows with lines and people, not with their
//! product: of lines for one address of the same action, each is held against one other.

use super::decision_lines::{Action, Decision};
use super::decisions::{Desk, Group, LEAVE_OUT};
use super::{People, Recipient, SameAddress};
use crate::address::EmailAddress;
use crate::limits::NEAR_ADDRESSES_ASKED_MAX;
use crate::problem::{Problem, Problems, nearest};
use std::collections::{HashMap, HashSet};

/// Lines that lead from one address to the next before they are called a circle: nobody has so many.
const SAME_PERSON_STEPS_MAX: usize = 20;

/// A line about somebody who is in no list that was read.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// The line.
    pub decision: Decision,
    /// An address of the lists that may have been meant.
    pub near: Option<String>,
}

impl Unmatched {
    /// The finding, once it is sure that no list has the person.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let who = &self.decision.who;
        let hint = match &self.near {
            Some(near) => {
                format!("Did you mean {near}? Until it is mended, the line does nothing.")
            }
            None => "The person may have another address in the newest list: write that one, or \
                     remove the line."
                .to_owned(),
        };
        let message = format!("nobody in the lists is {who}");
        of_line(Problem::warning("decision-unmatched", message).hint(hint), &self.decision)
    }
}

/// A finding at a line's place, about its person.
fn of_line(problem: Problem, decision: &Decision) -> Problem {
    problem.place(decision.place.clone()).recipient(decision.who.address.as_str())
}

impl Desk<'_> {
    /// What is wrong with the decisions, now that everybody is known. Lines that mean nobody here,
    /// and may mean somebody of another mailing's lists, come back with the people.
    pub(super) fn finish(self, people: &mut People, policy: SameAddress, problems: &mut Problems) {
        report_contradictions(&self.decisions.lines, problems);
        self.report_merges(&people.recipients, problems);
        self.report_addresses_left_out(problems);
        for group in self.groups.iter().filter(|group| group.matched) {
            self.report_shared(group, policy, problems);
            self.report_idle(group, problems);
        }
        self.report_unmatched(people, problems);
    }

    fn line(&self, group: &Group, action: &str) -> Option<&Decision> {
        group.counting.get(action).map(|line| &self.decisions.lines[*line])
    }

    /// Lines that lead to the address of somebody who asked not to be written to.
    fn report_addresses_left_out(&self, problems: &mut Problems) {
        let left_out = self.left_out(false);
        for group in self.groups.iter().filter(|group| group.matched) {
            let Some(decision) = self.line(group, "use-address") else { continue };
            let Action::UseAddress(address) = &decision.action else { continue };
            let Some(other) = left_out.get(&address.compare_key()) else { continue };
            // Whoever is left out is written to nowhere.
            if group.decided.left_out.is_some() {
                continue;
            }
            let message = format!(
                "the letter to {} would go to {address}, who is left out ({})",
                decision.who, self.decisions.lines[*other].place
            );
            let hint = "Remove one of the two lines.";
            let problem = Problem::error("decision-contradiction", message).hint(hint);
            problems.push(of_line(problem, decision));
        }
    }

    /// A line for an address that several people have holds for all of them, which few mean who
    /// write it. Where they get one letter, its address, words and copies are those of all.
    fn report_shared(&self, group: &Group, policy: SameAddress, problems: &mut Problems) {
        if group.people.len() < 2 {
            return;
        }
        let each: &[&str] = match policy {
            SameAddress::Each => &[LEAVE_OUT, "merge-with", "use-address", "greeting"],
            SameAddress::One | SameAddress::Joint => &[LEAVE_OUT, "merge-with"],
        };
        let (whom, all) = match (group.people.as_slice(), group.has_more_people) {
            ([a, b], false) => (format!("{a} and {b}"), "both"),
            (people, false) => (people.join(", "), "all of them"),
            (people, true) => (format!("{} and others", people.join(", ")), "all of them"),
        };
        for decision in each.iter().filter_map(|action| self.line(group, action)) {
            let address = &decision.who.address;
            let message = format!(
                "{address} is shared by {whom}: {} holds for {all}",
                decision.action.word()
            );
            let first = &group.people[0];
            let hint = format!(
                "Write \"{first} <{address}>\" for one of them; if {all} are meant, a line for each."
            );
            let problem = match decision.action {
                // Each would get the letters of all.
                Action::UseAddress(_) => Problem::error("decision-shared", message),
                _ => Problem::warning("decision-shared", message),
            };
            problems.push(of_line(problem.hint(hint), decision));
        }
    }

    /// What was decided about somebody who has no letter of their own that it could show in.
    fn report_idle(&self, group: &Group, problems: &mut Problems) {
        let Some((why, copies_go)) = group.idle.as_ref().filter(|_| !group.took_effect) else {
            return;
        };
        let actions = ["greeting", "language", "cc"];
        let actions = actions.iter().filter(|action| !copies_go || **action != "cc");
        for decision in actions.filter_map(|action| self.line(group, action)) {
            let (word, who) = (decision.action.word(), &decision.who);
            let message = format!("{word} has no effect for {who}: {why}");
            let hint =
                "Remove the line, or let each get a letter: [people] same_address = \"each\".";
            let problem = Problem::warning("decision-without-effect", message).hint(hint);
            problems.push(of_line(problem, decision));
        }
    }

    fn report_unmatched(&self, people: &mut People, problems: &mut Problems) {
        let lines = self.decisions.lines.iter().zip(&self.group_of);
        let lines = lines.filter(|(_, group)| !self.groups[**group].matched);
        let mut asked = 0;
        for (decision, _) in lines {
            let near = match decision.action {
                // Somebody who asked not to be written to is, where the line is not followed.
                Action::LeaveOut | Action::UseAddress(_) if asked < NEAR_ADDRESSES_ASKED_MAX => {
                    asked += 1;
                    near(&decision.who.address, people)
                }
                _ => None,
            };
            let unmatched = Unmatched { decision: decision.clone(), near };
            if decision.campaign.is_some() || self.decisions.reads_all {
                problems.push(unmatched.problem());
            } else {
                people.unmatched.push(unmatched);
            }
        }
    }

    /// Somebody is the same person as another, who must get the letter.
    fn report_merges(&self, recipients: &[Recipient], problems: &mut Problems) {
        if self.targets.is_empty() {
            return;
        }
        let written_to: HashSet<&str> = recipients.iter().map(|r| r.key.address()).collect();
        for (decision, group) in self.decisions.lines.iter().zip(&self.group_of) {
            let Action::MergeWith(other) = &decision.action else { continue };
            if !self.groups[*group].matched {
                continue;
            }
            let Some(last) = self.last_of(other) else {
                let message = format!("{} is merged with itself by way of others", decision.who);
                let hint = "Remove the line of the address that is to get the letter.";
                let problem = Problem::error("decision-contradiction", message).hint(hint);
                problems.push(of_line(problem, decision));
                continue;
            };
            if !self.targets.get(&last).copied().unwrap_or_default() {
                let message = format!("{} is merged with {last}, which no list has", decision.who);
                let hint = "Write the other address as it stands in the list.";
                let problem = Problem::error("decision-value", message).hint(hint);
                problems.push(of_line(problem, decision));
            } else if !written_to.contains(last.as_str()) {
                let message =
                    format!("neither {} nor {last} gets a letter: they are merged", decision.who);
                let hint = format!("See secretariat why {last}; remove the line if that is wrong.");
                let problem = Problem::warning("decision-value", message).hint(hint);
                problems.push(of_line(problem, decision));
            }
        }
    }

    /// The address that a chain of merges ends at; `None` for a circle.
    fn last_of(&self, other: &EmailAddress) -> Option<String> {
        let mut last = other.compare_key();
        for _ in 0..SAME_PERSON_STEPS_MAX {
            match self.merged.get(&last) {
                None => return Some(last),
                Some(next) => last.clone_from(next),
            }
        }
        None
    }
}

/// The address of the lists that differs from one of a line by a slip before or behind the `@`.
fn near(address: &EmailAddress, people: &People) -> Option<String> {
    let (local, domain) = (address.local_part().to_lowercase(), address.domain());
    let listed = people.recipients.iter().map(|r| r.key.address());
    let listed = listed.chain(people.excluded.iter().map(|e| e.address.as_str()));
    let parts = || listed.clone().filter_map(|address| address.rsplit_once('@'));
    // A slip leaves the first or the last letter, and the length but for one or two.
    let may_be_slip = |other: &&str| {
        other.len().abs_diff(local.len()) <= 2
            && (other.chars().next() == local.chars().next()
                || other.chars().last() == local.chars().last())
    };
    let of_domain = parts().filter(|(_, d)| d.eq_ignore_ascii_case(domain)).map(|(l, _)| l);
    if let Some(found) = nearest(&local, of_domain.filter(may_be_slip)) {
        return Some(format!("{found}@{domain}"));
    }
    let of_name = parts().filter(|(l, _)| l.eq_ignore_ascii_case(&local)).map(|(_, d)| d);
    nearest(domain, of_name).map(|found| format!("{}@{found}", address.local_part()))
}

/// Two lines of which only one can be followed.
fn report_contradictions(lines: &[Decision], problems: &mut Problems) {
    /// Whom a line is about, and the mailing.
    type Scope<'d> = (String, Option<String>, &'d Option<String>);
    // The first line of each action stands for all that say the same.
    let mut earlier: HashMap<Scope<'_>, Vec<&Decision>> = HashMap::new();
    for decision in lines {
        let name = decision.who.name.as_deref().map(super::fold::name);
        let scope = (decision.who.address.compare_key(), name, &decision.campaign);
        let before = earlier.entry(scope).or_default();
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
            problems.push(of_line(problem, decision));
        }
        if before.iter().all(|other| other.action.word() != decision.action.word()) {
            before.push(decision);
        }
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
