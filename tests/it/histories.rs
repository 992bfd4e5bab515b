//! Small mailings whose lists, policies, decisions and copies change between one `send` and the
//! next, drawn at random: what arrives is held against who the people really are.
//!
//! A person has one identity here, whatever the list calls them. The letter says which address of
//! the list it is for; its `To:` says whom it greets.

use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::Workspace;
use crate::support::{count, say, seed, seed_or};
use secretariat::rehearsal::seed::drawn;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Each person under the names that lists have for them: no two people share a word.
const NAMES: [[&str; 3]; 5] = [
    ["Ana Perez", "Ana Perz", "Hanna Pieretz"],
    ["Luis Mora", "Luis Alberto Mora", "Lewis Murray"],
    ["Bo Svensson", "Bo Swensson", "Boo Zwicky"],
    ["Fatima Khalil", "Fatimah Khalil", "Phatema Qaleel"],
    ["Olga Ivanova", "Olga Ivanov", "Holly Yvanne"],
];
const BOXES: [&str; 7] = ["ana", "luis", "bo", "fatima", "olga", "office", "desk"];
const LETTER: &str = "Subject: Outcomes of {{ conference.name }}\n\n{{ greeting }}\n\n\
    thank you for coming. LISTED={{ recipient.email }}=\n\nConference Secretariat\n";
const POLICIES: [&str; 3] = ["one", "joint", "each"];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    person: usize,
    name: usize,
    mailbox: usize,
    copy: Option<usize>,
}

/// A line of `decisions.csv`, about an address, and by name where it is about one person there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    LeaveOut(Row, bool),
    UseAddress(Row, bool, usize),
    /// Two rows of one person.
    Merge(usize, usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    rows: Vec<Row>,
    policy: usize,
    lines: Vec<Line>,
}

/// Draws what happens.
struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.drawn += 1;
        (drawn(self.seed, self.drawn, b"history") % below.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

impl World {
    fn new(dice: &mut Dice) -> World {
        let row = |person, dice: &mut Dice| Row {
            person,
            name: 0,
            mailbox: if dice.one_in(2) { 5 } else { person },
            copy: dice.one_in(3).then_some(6),
        };
        let people = 2 + dice.below(3);
        let rows = (0..people).map(|person| row(person, dice)).collect();
        World { rows, policy: dice.below(3), lines: Vec::new() }
    }

    /// One thing changes.
    fn change(&mut self, dice: &mut Dice) {
        let at = dice.below(self.rows.len());
        match dice.below(11) {
            0 | 1 => self.rows[at].name = dice.below(3),
            2 => self.rows[at].mailbox = dice.below(BOXES.len()),
            3 => {
                let (person, name, mailbox) = (dice.below(5), 0, dice.below(BOXES.len()));
                self.rows.push(Row { person, name, mailbox, copy: None });
            }
            4 if self.rows.len() > 1 => drop(self.rows.remove(at)),
            5 => self.rows.rotate_left(at),
            6 => self.policy = dice.below(3),
            7 => self.rows[at].copy = dice.one_in(2).then(|| dice.below(BOXES.len())),
            8 if !self.lines.is_empty() => {
                let at = dice.below(self.lines.len());
                self.lines.remove(at);
            }
            9 => {
                let (row, is_named) = (self.rows[at].clone(), dice.one_in(2));
                let to = dice.below(BOXES.len());
                self.lines.push(match dice.one_in(4) {
                    true => Line::LeaveOut(row, is_named),
                    false if to == row.mailbox => Line::LeaveOut(row, is_named),
                    false => Line::UseAddress(row, is_named, to),
                });
            }
            _ => {
                let other = &self.rows[at];
                let is_twin = |r: &&Row| r.person == other.person && r.mailbox != other.mailbox;
                if let Some(twin) = self.rows.iter().find(is_twin) {
                    self.lines.push(Line::Merge(other.mailbox, twin.mailbox));
                }
            }
        }
    }

    /// A person is in a list under one name at a time, and at an address once.
    fn is_likely(&self) -> bool {
        let mut names: BTreeMap<usize, usize> = BTreeMap::new();
        let mut places = BTreeSet::new();
        self.rows.iter().all(|r| {
            *names.entry(r.person).or_insert(r.name) == r.name
                && places.insert((r.person, r.mailbox))
                && r.copy != Some(r.mailbox)
        })
    }

    fn list(&self) -> String {
        let row = |r: &Row| {
            let copy = r.copy.map(address).unwrap_or_default();
            format!("{},{},{copy}\n", NAMES[r.person][r.name], address(r.mailbox))
        };
        format!("name,email,office\n{}", self.rows.iter().map(row).collect::<String>())
    }

    fn decisions(&self) -> String {
        let who = |row: &Row, is_named: bool| match is_named {
            true => format!("{} <{}>", NAMES[row.person][row.name], address(row.mailbox)),
            false => address(row.mailbox),
        };
        let line = |line: &Line| match line {
            Line::LeaveOut(row, named) => format!("{},leave-out,\n", who(row, *named)),
            Line::UseAddress(row, named, to) => {
                format!("{},use-address,{}\n", who(row, *named), address(*to))
            }
            Line::Merge(one, other) => {
                format!("{},merge-with,{}\n", address(*one), address(*other))
            }
        };
        format!("address,action,value\n{}", self.lines.iter().map(line).collect::<String>())
    }
}

fn address(mailbox: usize) -> String {
    format!("{}@town.example", BOXES[mailbox])
}

/// A message at the relay: where, for which address of the list, and whom it greets.
#[derive(Clone, Debug)]
struct Arrived {
    mailbox: String,
    listed: String,
    people: Vec<usize>,
    /// As they are spelled in it.
    spelled: Vec<&'static str>,
    is_copy: bool,
}

fn arrived(relay: &Relay) -> Vec<Arrived> {
    let of = |mailbox: String, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace("=3D", "=");
        let to = text.split("\r\nTo: ").nth(1).expect("To:");
        // The header's first line, and those that go on with it (RFC 5322 2.2.3).
        let (first, rest) = to.split_once("\r\n").unwrap_or((to, ""));
        let folded = rest.split("\r\n").take_while(|line| line.starts_with([' ', '\t']));
        let to: String = std::iter::once(first).chain(folded).collect();
        let listed =
            text.split("LISTED=").nth(1).and_then(|t| t.split('=').next()).expect("listed");
        // Of more than three people `To:` names none, and the greeting all: `Dear Ana Perez, ...`.
        let text = text.replace("=\r\n", "");
        let greeting =
            text.split("\r\n").find(|line| line.starts_with("Dear ")).unwrap_or_default();
        let is_in = |name: &&str| names(&to).contains(name) || greeting.contains(*name);
        let is_named = |person: &usize| NAMES[*person].iter().any(is_in);
        let spelled = NAMES.as_flattened().iter().copied().filter(|name| is_in(name));
        Arrived {
            spelled: spelled.collect(),
            is_copy: !to.contains(&format!("<{mailbox}>")) && to.trim() != mailbox,
            mailbox,
            listed: listed.to_owned(),
            people: (0..NAMES.len()).filter(is_named).collect(),
        }
    };
    let messages = relay.messages();
    messages.iter().map(|m| of(m.forward_paths[0].clone(), &m.bytes)).collect()
}

/// The names of a `To:`, each by itself.
fn names(to: &str) -> Vec<&str> {
    let name = to.split('<').next().unwrap_or_default();
    name.trim().trim_matches('"').split(" & ").map(str::trim).collect()
}

struct History {
    relay: Relay,
    workspace: Workspace,
    told: Vec<String>,
    seen: usize,
}

impl History {
    /// The code of the send, and its problems.
    fn send(&mut self, world: &World) -> (Option<i32>, String) {
        self.workspace.write("recipients/people.csv", world.list());
        self.workspace.write("decisions.csv", world.decisions());
        let policy = format!("[people]\nsame_address = \"{}\"", POLICIES[world.policy]);
        self.workspace.set_config(&policy);
        let (code, plan) = self.workspace.run_json(&["send", "--dry-run"]);
        let mut problems = told(&plan);
        let mut exit = code;
        if let Some(plan) = plan["fingerprint"].as_str() {
            let (code, json) = self.workspace.run_json(&["send", "--plan", plan, "--no-wait"]);
            problems += &told(&json);
            exit = code;
        }
        self.told.push(format!("{world:?}\n  -> {exit:?} {problems}"));
        (exit, problems)
    }

    /// What has arrived since the last time is nothing that somebody has.
    fn hold(&mut self, world: &World) {
        let all = arrived(&self.relay);
        for (at, new) in all.iter().enumerate().skip(self.seen) {
            for old in &all[..at] {
                let both = new.people.iter().filter(|person| old.people.contains(person));
                for person in both {
                    let is_same_box = new.mailbox == old.mailbox;
                    let letters = !new.is_copy && !old.is_copy;
                    let is_same_row = letters && new.listed == old.listed;
                    let is_merged = letters && at_merged(world, &old.listed, &new.listed);
                    // The copies of one letter are of that letter. Who is spelled otherwise, and in
                    // a row of another address, is another person for all that anybody can know.
                    let is_other = new.listed != old.listed
                        && old.is_copy
                        && !NAMES[*person]
                            .iter()
                            .any(|name| new.spelled.contains(name) && old.spelled.contains(name));
                    let is_twice = is_same_box && !is_other || is_same_row || is_merged;
                    assert!(
                        !is_twice,
                        "{} twice: {old:?} {new:?}\n{}",
                        NAMES[*person][0],
                        self.story()
                    );
                }
            }
        }
        self.seen = all.len();
    }

    /// Whoever is in the lists has a letter, or is named.
    fn nobody_is_missed(&self, world: &World, told: &str) {
        if world.policy == 0 {
            return;
        }
        let all = arrived(&self.relay);
        for row in &world.rows {
            let name = NAMES[row.person][row.name];
            let is_left_out = world.lines.iter().any(|line| match line {
                Line::LeaveOut(out, named) => {
                    out.mailbox == row.mailbox
                        && (!named || out.person == row.person && out.name == row.name)
                }
                Line::Merge(one, _) => *one == row.mailbox,
                Line::UseAddress(..) => false,
            });
            let has_one = all.iter().any(|a| a.people.contains(&row.person) && !a.is_copy);
            let is_told = is_left_out || told.contains(name);
            assert!(has_one || is_told, "{name} has none: {told}\n{}", self.story());
        }
    }

    fn story(&self) -> String {
        format!("{}\n{:#?}", self.told.join("\n"), arrived(&self.relay))
    }
}

fn at_merged(world: &World, old: &str, new: &str) -> bool {
    let is_it = |line: &Line| match line {
        Line::Merge(one, other) => address(*one) == old && address(*other) == new,
        _ => false,
    };
    world.lines.iter().any(is_it)
}

fn told(json: &Value) -> String {
    let problems = json["problems"].as_array().cloned().unwrap_or_default();
    let serious = problems.iter().filter(|p| p["severity"] != "note");
    serious
        .map(|p| format!("[{}] {}; ", p["code"].as_str().unwrap_or_default(), p["message"]))
        .collect()
}

#[test]
fn no_history_of_changes_brings_anybody_a_letter_twice_or_loses_one_in_silence() {
    // The short form is the same each time: what it would find by luck, the long form looks for.
    let seed = if count(0, 1) == 0 { seed_or(1) } else { seed() };
    let (mut sends, mut refusals) = (0, 0);
    for history in 0..count(10, 500) as u64 {
        let mut dice = Dice { seed: seed.wrapping_add(history), drawn: 0 };
        let relay = Relay::start();
        let workspace = Workspace::new()
            .letter("outcome", "en", LETTER)
            .campaign_lines("cc = [\"office\"]")
            .relay(&relay);
        let told = vec![format!("SECRETARIAT_TEST_SEED={} (history {history})", dice.seed)];
        let mut history = History { relay, workspace, told, seen: 0 };
        let mut world = World::new(&mut dice);
        while !world.is_likely() {
            world = World::new(&mut dice);
        }
        let (code, _) = history.send(&world);
        assert_eq!(code, Some(0), "{}", history.story());
        history.hold(&world);
        for _ in 0..3 {
            let mut next = world.clone();
            for _ in 0..=dice.below(2) {
                next.change(&mut dice);
            }
            if !next.is_likely() {
                continue;
            }
            let refuses = dice.one_in(4).then(|| BOXES[dice.below(BOXES.len())]);
            history.relay.change(refuses.map_or_else(Script::new, |who| {
                Script::new().answer(who, "550 5.1.1 no such mailbox")
            }));
            let before = history.relay.count();
            let (code, problems) = history.send(&next);
            history.hold(&next);
            sends += 1;
            match code {
                Some(0) => history.nobody_is_missed(&next, &problems),
                Some(3) => {
                    refusals += u32::from(problems.contains("has-it-already"));
                    assert_eq!(history.relay.count(), before, "{}", history.story());
                    // To put it back is always a way out.
                    history.relay.change(Script::new());
                    let (code, problems) = history.send(&world);
                    assert_ne!(code, Some(3), "{problems}\n{}", history.story());
                    history.hold(&world);
                    continue;
                }
                _ => {}
            }
            world = next;
        }
    }
    say(&format!("{sends} changes, {refusals} refused as has-it-already (seed {seed})"));
}
