//! `people`: what somebody decides about one person, written into `decisions.csv`.
//!
//! # Invariants
//! WHO is one person of the lists, or nothing is written. Lists are never changed.

use super::answer::{Answer, Exit};
use super::args::{
    ChangeAddress, Decide, LeaveOut, Merge, People as Arguments, PeopleCommand, PersonToAdd,
};
use super::decisions_file::{NewLine, append};
use super::effect::{Whom, effect};
use super::failure::{Candidate, must_change, several};
use super::shell::{Opened, Shell};
use super::ui::one_line;
use crate::address::{EmailAddress, Mailbox};
use crate::campaign::{self, Campaign};
use crate::config;
use crate::id::RecipientKey;
use crate::ledger::{Ledger, State};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::{Action, Cause, Decision, Excluded, People, Recipient, select};
use crate::workspace::DECISIONS_FILE;
use serde_json::{Value, json};

type Step<T> = Result<T, Box<Answer>>;

/// Writes a decision down and says what it changes.
#[must_use]
pub(super) fn people(shell: &Shell, args: &Arguments) -> Answer {
    let opened = match shell.open() {
        Ok(opened) => opened,
        Err(problems) => return Answer::failed(Exit::MustChange, problems),
    };
    let done = match &args.command {
        PeopleCommand::LeaveOut(args) => leave_out(shell, &opened, args),
        PeopleCommand::ChangeAddress(args) => change_address(shell, &opened, args),
        PeopleCommand::Add(args) => add(shell, &opened, args),
        PeopleCommand::Merge(args) => merge(shell, &opened, args),
    };
    done.unwrap_or_else(|answer| *answer)
}

fn leave_out(shell: &Shell, opened: &Opened, args: &LeaveOut) -> Step<Answer> {
    let desk = Desk::new(shell, opened, &args.decide)?;
    let mut meant: Vec<Person> = Vec::new();
    for who in &args.who {
        let person = desk.find(who, Scope::Person)?;
        if meant.iter().all(|known| known.key() != person.key()) {
            meant.push(person);
        }
    }
    let mut already = Vec::new();
    let lines = desk.write(|present| {
        // Somebody who was added is taken out again where that stands.
        let added = |p: &Person| present.iter().find(|d| p.is_of(d) && is_addition(d));
        if let Some(line) = meant.iter().find_map(added) {
            return Err(in_the_way(line, "the person was added here"));
        }
        let mut lines = Vec::new();
        for person in &meant {
            match desk.standing(present, person, &Action::LeaveOut) {
                Some(line) => already.push(line.clone()),
                None => lines.push(desk.line(&person.cell(), "leave-out", "")),
            }
        }
        Ok(lines)
    })?;
    Ok(desk.told(&lines, &already, &meant, None))
}

fn change_address(shell: &Shell, opened: &Opened, args: &ChangeAddress) -> Step<Answer> {
    let desk = Desk::new(shell, opened, &args.decide)?;
    let mut person = desk.find(&args.who, Scope::Letter)?;
    let new = &args.new;
    let is_listed = person.address.compare_key() == new.compare_key();
    // By name, the very address of the list means a letter of their own there.
    if is_listed && person.name.is_some() && desk.has_had_one(&person) {
        person.is_one_of_several = true;
    }
    if is_listed && !person.is_one_of_several {
        let problem = Problem::error("usage", format!("{new} is the address in the list"))
            .hint("Write the address that the letter is to go to instead.");
        return Err(must_change(problem));
    }
    let mut already = Vec::new();
    let lines = desk.write(|present| {
        if let Some(line) = desk.standing(present, &person, &Action::UseAddress(new.clone())) {
            already.push(line.clone());
            return Ok(Vec::new());
        }
        let other = |d: &&Decision| {
            let differs = matches!(&d.action, Action::UseAddress(_));
            differs && person.is_of(d) && d.campaign == desk.decide.campaign
        };
        match present.iter().find(other) {
            Some(line) => Err(in_the_way(line, "another address stands here")),
            None => Ok(vec![desk.line(&person.cell(), "use-address", new.as_str())]),
        }
    })?;
    Ok(desk.told(&lines, &already, &[person], Some(new)))
}

/// One person in the lists with two addresses: the letter goes to the second one named.
fn merge(shell: &Shell, opened: &Opened, args: &Merge) -> Step<Answer> {
    let desk = Desk::new(shell, opened, &args.decide)?;
    let person = desk.find(&args.who, Scope::Person)?;
    let other = desk.find(&args.into_whom, Scope::Letter)?;
    if person.address.compare_key() == other.address.compare_key() {
        let message = format!("both have the address {}", person.address);
        let hint = "Write a person with two addresses, first the one that gets no letter. What one \
                    address gets, [people] same_address decides.";
        return Err(must_change(Problem::error("usage", message).hint(hint)));
    }
    let mut already = Vec::new();
    let lines = desk.write(|present| {
        let action = Action::MergeWith(other.address.clone());
        if let Some(line) = desk.standing(present, &person, &action) {
            already.push(line.clone());
            return Ok(Vec::new());
        }
        let merged = |d: &Decision| matches!(d.action, Action::MergeWith(_));
        for line in present {
            if merged(line) && person.is_of(line) && line.campaign == desk.decide.campaign {
                return Err(in_the_way(line, "the person is merged with somebody else here"));
            }
            if (merged(line) || line.action == Action::LeaveOut) && other.is_of(line) {
                return Err(in_the_way(
                    line,
                    "whoever is to get the letter gets none by this line",
                ));
            }
        }
        Ok(vec![desk.line(&person.cell(), "merge-with", other.address.as_str())])
    })?;
    Ok(desk.told(&lines, &already, &[person, other], None))
}

fn add(shell: &Shell, opened: &Opened, args: &PersonToAdd) -> Step<Answer> {
    let desk = Desk::new(shell, opened, &args.decide)?;
    let address = &args.address;
    for (_, people) in &desk.before {
        let key = address.compare_key();
        if let Some(known) = people.recipients.iter().find(|r| r.address.compare_key() == key) {
            let message = format!("{address} gets a letter already: {}", known.place);
            let problem = Problem::error("already-there", message);
            return Err(must_change(problem.hint("Nothing has to be added.")));
        }
    }
    let name = args.name.clone().map(|name| one_line(&name)).unwrap_or_default();
    let mut lines = vec![desk.line(address.as_str(), "add", &name)];
    if let Some(language) = &args.language {
        lines.push(desk.line(address.as_str(), "language", language.as_str()));
    }
    let name = Some(name).filter(|name| !name.is_empty());
    let person = Person { address: address.clone(), name, is_one_of_several: false };
    let lines = desk.write(|present| {
        let left_out = |d: &&Decision| person.is_of(d) && matches!(d.action, Action::LeaveOut);
        match present.iter().find(left_out) {
            Some(line) => Err(in_the_way(line, "the person is left out here")),
            None => Ok(lines),
        }
    })?;
    Ok(desk.told(&lines, &[], &[person], None))
}

fn is_addition(decision: &Decision) -> bool {
    matches!(decision.action, Action::Add(_))
}

/// A line that is there contradicts the one that was to be written.
fn in_the_way(line: &Decision, what: &str) -> Problem {
    let message = format!("nothing was written: {what} ({})", line.place);
    Problem::error("decision-contradiction", message)
        .place(line.place.clone())
        .hint("Change or remove that line.")
}

/// Somebody of the lists, by the address there.
struct Person {
    address: EmailAddress,
    name: Option<String>,
    /// Others share the address, so the line must name the person.
    is_one_of_several: bool,
}

impl Person {
    /// As the file names the person.
    fn cell(&self) -> String {
        let named = self.name.as_deref().filter(|_| self.is_one_of_several);
        let mailbox = named.and_then(|name| Mailbox::new(name, self.address.clone()).ok());
        mailbox.map_or_else(|| self.address.to_string(), |mailbox| mailbox.to_string())
    }

    fn shown(&self) -> String {
        match &self.name {
            Some(name) => format!("{} <{}>", one_line(name), self.address),
            None => self.address.to_string(),
        }
    }

    fn is_of(&self, decision: &Decision) -> bool {
        let name = decision.who.name.as_deref();
        decision.who.address.compare_key() == self.address.compare_key()
            && (name.is_none() || select::is_same_name(name, self.name.as_deref()))
    }

    /// Somebody at an address that several people share, if it has so many.
    fn one_of(address: &EmailAddress, name: &str, sharing: &[String]) -> Person {
        let (address, name) = (address.clone(), Some(name.to_owned()));
        Person { address, name, is_one_of_several: sharing.len() > 1 }
    }

    fn key(&self) -> (String, String) {
        let folded = self.name.as_deref().map(select::folded).unwrap_or_default();
        let mut words: Vec<&str> = folded.split(' ').collect();
        words.sort_unstable();
        (self.address.compare_key(), words.join(" "))
    }
}

/// Of several people who share an address, whom an address alone means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// One of them, whom the name must say.
    Person,
    /// The letter that goes there.
    Letter,
}

/// What a decision is made with.
struct Desk<'a> {
    shell: &'a Shell,
    opened: &'a Opened,
    decide: &'a Decide,
    /// The mailings it is for, with their people before it.
    before: Vec<(&'a config::Campaign, People)>,
}

impl<'a> Desk<'a> {
    fn new(shell: &'a Shell, opened: &'a Opened, decide: &'a Decide) -> Step<Desk<'a>> {
        let settings: Vec<&config::Campaign> = match &decide.campaign {
            Some(name) => vec![opened.config.campaign(Some(name)).map_err(must_change)?],
            None => opened.config.campaigns.iter().collect(),
        };
        let before = settings.into_iter().map(|s| (s, people_of(opened, s))).collect();
        Ok(Desk { shell, opened, decide, before })
    }

    /// The one person of the lists that WHO means.
    fn find(&self, who: &str, scope: Scope) -> Step<Person> {
        let recipients = self.before.iter().flat_map(|(_, people)| select::find(people, who));
        let mut found: Vec<Person> =
            recipients.flat_map(|recipient| self.meant_of(recipient, who, scope)).collect();
        if found.is_empty() {
            let rows = self.before.iter().flat_map(|(_, people)| &people.excluded);
            let meant = rows.filter(|e| select::matches(who, &e.address, e.name.as_deref()));
            found = meant.filter_map(|row| self.of_row(row)).collect();
        }
        if found.is_empty() {
            found.extend(self.beside_the_lists(who));
        }
        let mut seen = std::collections::HashSet::new();
        found.retain(|person| seen.insert(person.key()));
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(must_change(
                Problem::error(
                    "nobody",
                    format!("nobody in the lists is {who:?}; nothing was written"),
                )
                .hint("Write an address, or a part of a name or address as it stands in the list."),
            )),
            _ => {
                let candidate =
                    |p: &Person| Candidate::new(p.address.as_str(), p.name.as_deref(), None);
                Err(must_change(several(who, found.iter().map(candidate))))
            }
        }
    }

    /// Whether a letter of these mailings went to the person's address as somebody else's, or the
    /// person's own to another.
    fn has_had_one(&self, person: &Person) -> bool {
        let folder = self.opened.workspace.private_folder().ok();
        let ledger = folder.and_then(|folder| Ledger::look(&folder).ok().flatten());
        let known = ledger.and_then(|l| l.deliveries_of_address(&person.address).ok());
        known.unwrap_or_default().iter().any(|d| {
            matches!(d.state, State::Accepted | State::Attempting | State::Uncertain)
                && (d.key != RecipientKey::of(&person.address)
                    || d.address.compare_key() != person.address.compare_key()
                    || !select::is_same_name(d.name.as_deref(), person.name.as_deref()))
                && self.before.iter().any(|(setting, _)| setting.id == d.campaign)
        })
    }

    /// Whom of those whom a recipient's letter is for, or who share the address, a text means.
    fn meant_of(&self, recipient: &Recipient, who: &str, scope: Scope) -> Vec<Person> {
        // The address in the list, where another is used.
        let listed = EmailAddress::parse(recipient.listed_address());
        let address = listed.unwrap_or_else(|_| recipient.address.clone());
        let sharing = self.names_at(&address);
        let names: Vec<&str> = match recipient.key.has_name() {
            // A letter to one of them.
            true => recipient.name.as_deref().into_iter().collect(),
            false => recipient.names().filter(|name| is_named_by(who, name)).collect(),
        };
        let one = |name: &str| Person::one_of(&address, name, &sharing);
        if sharing.len() > 1 && !names.is_empty() {
            return names.into_iter().map(one).collect();
        }
        if sharing.len() > 1 && scope == Scope::Person {
            return sharing.iter().map(|name| one(name)).collect();
        }
        let name = recipient.all_names().map(|name| name.into_owned());
        vec![Person { address, name, is_one_of_several: recipient.key.has_name() }]
    }

    fn of_row(&self, excluded: &Excluded) -> Option<Person> {
        let address = EmailAddress::parse(&excluded.address).ok()?;
        let is_shared = || self.names_at(&address).len() > 1;
        let is_one_of_several = excluded.cause == Cause::SameAddress || is_shared();
        Some(Person { address, name: excluded.name.clone(), is_one_of_several })
    }

    /// Somebody in no row: who gets only copies, or about whom something was decided.
    fn beside_the_lists(&self, who: &str) -> Option<Person> {
        let address = EmailAddress::parse(who).ok()?;
        let key = address.compare_key();
        let is_copied = |people: &People| {
            let mut copies = people.recipients.iter().flat_map(|r| &r.copies);
            copies.any(|copy| copy.compare_key() == key)
        };
        let is_decided = |setting: &config::Campaign| {
            let Opened { workspace, config, .. } = self.opened;
            let decisions = campaign::decisions(workspace, config, setting, &mut Problems::new());
            decisions.about(&key, None).next().is_some()
        };
        let is_known = self.before.iter().any(|(setting, p)| is_copied(p) || is_decided(setting));
        is_known.then_some(Person { address, name: None, is_one_of_several: false })
    }

    /// The names of all whose rows have an address, each once.
    fn names_at(&self, address: &EmailAddress) -> Vec<String> {
        let key = address.compare_key();
        let is_here = |listed: &str| {
            EmailAddress::parse(listed).is_ok_and(|listed| listed.compare_key() == key)
        };
        let mut names: Vec<String> = Vec::new();
        let mut see = |name: &str| {
            if names.iter().all(|known| !select::is_same_name(Some(known), Some(name))) {
                names.push(name.to_owned());
            }
        };
        for (_, people) in &self.before {
            let letters = people.recipients.iter().filter(|r| r.key.address() == key);
            letters.flat_map(Recipient::names).for_each(&mut see);
            let rows = people.excluded.iter().filter(|e| is_here(&e.address));
            rows.filter_map(|e| e.name.as_deref()).for_each(&mut see);
        }
        names
    }

    /// A line that says this already, for the mailings that it is to be said for.
    fn standing<'d>(
        &self,
        present: &'d [Decision],
        person: &Person,
        action: &Action,
    ) -> Option<&'d Decision> {
        let holds = |d: &&Decision| {
            d.campaign.is_none() || d.campaign.as_deref() == self.decide.campaign.as_deref()
        };
        let says_so = |d: &&Decision| match (&d.action, action) {
            (Action::UseAddress(a), Action::UseAddress(b))
            | (Action::MergeWith(a), Action::MergeWith(b)) => a.compare_key() == b.compare_key(),
            (a, b) => a == b,
        };
        present.iter().filter(holds).filter(says_so).find(|d| person.is_of(d))
    }

    fn line(&self, address: &str, action: &'static str, value: &str) -> NewLine {
        let text = |text: &Option<String>| text.as_deref().map(one_line).unwrap_or_default();
        NewLine {
            address: address.to_owned(),
            action,
            value: value.to_owned(),
            campaign: self.decide.campaign.clone().unwrap_or_default(),
            reason: text(&self.decide.reason),
            by: text(&self.decide.by),
            at: self.shell.clock().now().to_string(),
        }
    }

    fn write(
        &self,
        choose: impl FnOnce(&[Decision]) -> Result<Vec<NewLine>, Problem>,
    ) -> Step<Vec<NewLine>> {
        let campaigns: Vec<&str> =
            self.opened.config.campaigns.iter().map(|c| c.id.as_str()).collect();
        append(&self.opened.workspace, &campaigns, choose).map_err(must_change)
    }

    /// What was written, and what it changes.
    fn told(
        &self,
        lines: &[NewLine],
        already: &[Decision],
        people: &[Person],
        new: Option<&EmailAddress>,
    ) -> Answer {
        let mut text = String::new();
        for line in lines {
            let what = [line.action, &line.value].join(" ");
            text.push_str(&format!("{DECISIONS_FILE}: {} {}\n", line.address, what.trim_end()));
        }
        for line in already {
            let what = [line.action.word(), line.action.value()].join(" ");
            let what = format!("{} {}", line.who, what.trim_end());
            let said = format!("{}: {what} stands there already; nothing was added", line.place);
            text.push_str(&format!("{}\n", one_line(&said)));
        }
        for (setting, _) in &self.before {
            let after = people_of(self.opened, setting);
            for person in people {
                let shown = person.shown();
                let Person { address, name, is_one_of_several } = person;
                let (name, is_one_of_several) = (name.as_deref(), *is_one_of_several);
                let whom = Whom { address, name, is_one_of_several, shown: &shown };
                let effect = effect(&self.opened.workspace, setting, &after, whom, new);
                text.push_str(&format!("{}\n", one_line(&effect)));
            }
        }
        if !lines.is_empty() {
            text.push_str("Next: secretariat send shows what changed, and asks.\n");
        }
        let line = |l: &NewLine| {
            json!({
                "address": l.address, "action": l.action, "value": l.value,
                "campaign": self.decide.campaign, "reason": l.reason, "by": l.by, "at": l.at,
            })
        };
        let written: Vec<Value> = lines.iter().map(line).collect();
        let already: Vec<Value> = already.iter().map(standing_as_json).collect();
        let mut problems = Problems::new();
        for problem in self.doubts() {
            problems.push(problem);
        }
        Answer::done(text)
            .with("decisions", json!(written))
            .with("already", json!(already))
            .with_problems(problems)
    }

    /// What is wrong with the decisions now, all of them together.
    fn doubts(&self) -> Vec<Problem> {
        let mut problems = Problems::new();
        for (setting, _) in &self.before {
            let Opened { workspace, config, .. } = self.opened;
            Campaign::people_now(workspace, config, setting, &mut problems);
        }
        let is_ours = |p: &&Problem| {
            p.place.as_ref().is_some_and(|place: &Place| place.file == DECISIONS_FILE)
                && p.severity < crate::problem::Severity::Note
        };
        let mut found: Vec<Problem> = problems.iter().filter(is_ours).cloned().collect();
        found.dedup();
        found
    }
}

fn standing_as_json(line: &Decision) -> Value {
    json!({
        "address": line.who.to_string(), "action": line.action.word(),
        "value": line.action.value(), "campaign": line.campaign, "reason": line.reason,
        "by": line.by, "at": line.at, "file": line.place.file, "line": line.place.line,
    })
}

/// Whether a text means somebody by this name, and not by the address.
fn is_named_by(who: &str, name: &str) -> bool {
    match select::whole(who) {
        Some(mailbox) => select::is_same_name(mailbox.name.as_deref(), Some(name)),
        None => select::matches(who, "", Some(name)),
    }
}

/// The people of a mailing as files are now; what is wrong in them is for `check` to say.
fn people_of(opened: &Opened, setting: &config::Campaign) -> People {
    let mut problems = Problems::new();
    Campaign::people_now(&opened.workspace, &opened.config, setting, &mut problems)
}
