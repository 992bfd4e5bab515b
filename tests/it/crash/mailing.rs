//! `send` dies at each point; run again, it ends with everybody having one letter, or being named.
//!
//! A mailing of [`PEOPLE`] letters with a document, once with copies of some, on [`CONNECTIONS`]
//! connections, over a relay that refuses one person for good and one for now. After the kill the
//! ledger, read as the dead run left it, is held against the relay's count (I1 to I5, I7); after
//! the repeated command again, and what arrived against the preview (I6), and nothing is open (I8).

use super::{CRASH_AT, TRANSACTION, walk};
use crate::support::proof::{self, Deliveries};
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{NOW, Workspace, copy_folder, files_under, pdf};
use secretariat::ledger::State;
use secretariat::rehearsal::proof::{self as promises, Claim};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

const PEOPLE: usize = 12;
const CONNECTIONS: usize = 3;
/// Its message is longer than what leaves in one write.
const DOCUMENT_OCTETS: usize = 52_000;
/// The first passings, and one in the middle.
const FEW: [usize; 3] = [1, 2, 7];
/// The same, shorter, where another relay shows the rest.
const FEWER: [usize; 2] = [1, 6];
/// A letter, its copies, and letters in the middle.
const SOME: [usize; 4] = [1, 2, 4, 7];
/// A run has some 20 transactions: those of its start, and of its letters.
const MORE: [usize; 8] = [1, 2, 3, 4, 5, 7, 10, 14];

/// Past the first wait before a retry, with its 20 % either way.
const LATER: &str = "2026-11-05T09:50:00Z";

/// Up to the first connection.
const START: [&str; 11] = [
    "lock-taken",
    "lock-named",
    "ledger-file-made",
    "schema-changing",
    "schema-changed",
    "object-written",
    "object-renamed",
    "letter-adopted",
    "plan-adopted",
    "plan-confirmed",
    "connecting",
];
/// A letter's way.
const LETTER: [&str; 11] = [
    "connected",
    "asked-first",
    "before-intent",
    "front-gone",
    "intended",
    "before-last-bytes",
    "last-bytes-gone",
    "answered",
    "recording",
    "group-taken",
    "group-durable",
];
/// What counts runs, and the end.
const END: [&str; 5] = ["run-counted", "memory-written", "memory-renamed", "run-over", "run-ended"];
/// Where a letter and its copies are apart.
const COPIES: [&str; 6] =
    ["letter-adopted", "intended", "last-bytes-gone", "answered", "recording", "group-durable"];
const AFTER_A_KILL: [&str; 3] = ["attempt-recovered", "run-counted", "lock-taken"];
const SHARED_FOLDER: [&str; 3] = ["pointer-written", "pointer-renamed", "ledger-file-made"];
const OLDER_LEDGER: [&str; 2] = ["schema-changing", "schema-changed"];

/// Every point that is walked here.
pub(super) fn walked() -> impl Iterator<Item = &'static str> {
    let before = START.into_iter().chain(LETTER).chain(END).chain(TRANSACTION);
    before.chain(AFTER_A_KILL).chain(SHARED_FOLDER).chain(OLDER_LEDGER)
}

/// A mailing and how often it was killed.
struct Mailing {
    has_copies: bool,
    deliveries: Deliveries,
    workspace: Workspace,
    relay: Relay,
    kills: usize,
}

/// The fingerprint of the mailing's plan, and its messages by address, without their dates.
type Previewed = (String, BTreeMap<String, BTreeSet<Vec<u8>>>);

fn previewed(mailing: &Mailing) -> &'static Previewed {
    static ONCE: [OnceLock<Previewed>; 2] = [OnceLock::new(), OnceLock::new()];
    let workspace = &mailing.workspace;
    ONCE[usize::from(mailing.has_copies)].get_or_init(|| {
        let files = crate::support::reader::eml_files(&workspace.dry_run_out("previewed"));
        let address = |name: &str| name[7..].trim_end_matches(".eml").to_owned();
        let mut messages: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for (name, bytes) in files {
            messages.entry(address(&name)).or_default().insert(undated(&bytes));
        }
        (workspace.fingerprint(), messages)
    })
}

/// A message without its `Date`, which is that of the first intent.
fn undated(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.starts_with(b"Date: ")).flatten().copied().collect()
}

impl Mailing {
    fn new(script: Script) -> Mailing {
        Mailing::of(Workspace::with_people(PEOPLE), proof::letters(PEOPLE), script)
    }

    /// With copies, also of the letters that are refused and put off.
    fn with_copies(script: Script) -> Mailing {
        let deliveries = proof::letters_and_copies(PEOPLE);
        let script = script.answer("person-0006", "451 4.2.0 later").times(1);
        let mailing = Mailing::of(Workspace::with_copies(PEOPLE), deliveries, script);
        Mailing { has_copies: true, ..mailing }
    }

    fn of(workspace: Workspace, deliveries: Deliveries, script: Script) -> Mailing {
        let script = script.delay(Duration::from_millis(2));
        let script = script.answer("person-0004", "550 5.1.1 no such mailbox");
        let relay = Relay::with(script.answer("person-0007", "451 4.2.0 later").times(1));
        let workspace = workspace
            .attachment("statement.en.pdf", pdf(DOCUMENT_OCTETS, 1))
            .relay_lines(&format!("connections = {CONNECTIONS}"))
            .relay(&relay);
        Mailing { has_copies: false, deliveries, workspace, relay, kills: 0 }
    }

    /// Sends with a crash point armed; `None` when the run got past it alive.
    fn killed_at(mut self, at: &str) -> Option<Mailing> {
        let plan = &previewed(&self).0;
        let armed = self.workspace.variable(CRASH_AT, at);
        let output = armed.run(&["send", "--plan", plan, "--no-wait"]);
        self.workspace = armed.variable(CRASH_AT, "");
        self.kills += 1;
        if let Some(code) = output.code {
            // Somebody is refused, or still to be tried again.
            assert!(matches!(code, 1 | 4), "{at}: {output:#?}");
            return None;
        }
        assert_eq!(output.stdout, "", "{at}: a killed process says no farewell");
        Some(self)
    }

    /// Where the ledger lies: in the workspace, or in this computer's folder for such.
    fn ledger_folder(&self) -> PathBuf {
        let data = self.workspace.beside("data");
        let beside = files_under(&data).into_iter().find(|name| name.ends_with("ledger.db"));
        let beside = beside.and_then(|name| data.join(name).parent().map(PathBuf::from));
        beside.unwrap_or_else(|| self.workspace.path().join(".secretariat"))
    }

    fn claims(&self) -> Vec<Claim> {
        proof::claims_left_in(&self.ledger_folder(), &self.deliveries)
    }

    /// What holds at any moment.
    fn hold(&self, at: &str) -> Vec<Claim> {
        let claims = self.claims();
        let doubts_max = self.kills * CONNECTIONS;
        proof::hold(&claims, &self.relay, doubts_max, at);
        let doubts = proof::number_of(&claims, &[State::Attempting, State::Uncertain]);
        assert!(doubts <= doubts_max, "{at}: {doubts} in doubt or under way");
        claims
    }

    /// What holds after a kill. `status` is asked in a copy, so that the next run finds what the
    /// dead one left.
    fn hold_killed(&self, at: &str) {
        let claims = self.hold(at);
        let copy = self.workspace.beside("copy");
        copy_folder(&self.workspace.path(), &copy);
        let (code, json) = self.workspace.run_json(&["-C", &copy.to_string_lossy(), "status"]);
        assert_eq!(code, Some(0), "{at}: {json:#}");
        if claims.is_empty() {
            assert_eq!(json["counts"]["total"].as_u64().unwrap_or(0), 0, "{at}: {json:#}");
        } else {
            let counts = proof::counts_of(&json);
            assert_eq!(counts["total"], self.deliveries.len() as u64, "{at}: {json:#}");
            for state in State::ALL {
                let number = proof::number_of(&claims, &[state]) as u64;
                assert_eq!(counts[state.as_str()], number, "{at}: {json:#}");
            }
        }
    }

    /// Does as an officer does: `send` again, confirmed where it asks for that, until nothing
    /// waits.
    fn finish(mut self, at: &str) -> Mailing {
        let plan = &previewed(&self).0;
        for now in [NOW, LATER, LATER] {
            self.workspace = self.workspace.now(now);
            let mut output = self.workspace.run(&["send", "--no-wait"]);
            if output.code == Some(2) {
                assert_eq!(self.relay.count(), 0, "{at}: not confirmed, and something went");
                output = self.workspace.run(&["send", "--plan", plan, "--no-wait"]);
            }
            match output.code {
                Some(4) => {}
                Some(1) => return self,
                // Nobody is refused only where that is not known.
                Some(0) => panic!("{at}: somebody is refused, or in doubt: {output:#?}"),
                _ => panic!("{at}: {output:#?}"),
            }
        }
        panic!("{at}: letters still wait: {:?}", self.claims());
    }

    /// What holds in the end.
    fn hold_finished(&self, at: &str) {
        let claims = self.hold(at);
        assert_eq!(promises::finished(&claims), [], "I8: {at}");
        let ended = [State::Accepted, State::Rejected, State::Uncertain];
        assert_eq!(proof::number_of(&claims, &ended), self.deliveries.len(), "{at}: {claims:?}");
        let (_, previewed) = previewed(self);
        let mut dated: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut met = BTreeSet::new();
        for message in self.relay.messages() {
            let (to, undated) = (&message.forward_paths[0], undated(&message.bytes));
            let expected = previewed.get(to).is_some_and(|all| all.contains(&undated));
            assert!(expected, "I6: {at}");
            assert!(met.insert((to.clone(), undated.clone())), "I1: {at}: {to} has a letter twice");
            // A letter and its copies are dated once.
            let first = dated.entry(undated).or_insert_with(|| message.bytes.clone());
            assert!(*first == message.bytes, "{at}: {to} got another date");
        }
    }
}

/// Walks these points with a mailing that is made anew for each death.
fn check(name: &str, points: &[&str], few: &[usize], made: impl Fn() -> Mailing) {
    check_and(name, points, few, made, |_, _| {});
}

/// As [`check`], and holds something more after each death.
fn check_and(
    name: &str,
    points: &[&str],
    few: &[usize],
    made: impl Fn() -> Mailing,
    more: impl Fn(&Mailing, &str),
) {
    walk(name, points, few, |at| {
        let Some(killed) = made().killed_at(at) else { return false };
        let at = format!("{name}, {at}");
        killed.hold_killed(&at);
        more(&killed, &at);
        killed.finish(&at).hold_finished(&at);
        true
    });
}

#[test]
fn a_run_that_dies_before_its_first_letter_is_made_good_by_the_next() {
    check("start", &START, &FEW, || Mailing::new(Script::new()));
}

#[test]
fn a_run_that_dies_in_a_letter_is_made_good_by_the_next_with_chunking() {
    check("chunking", &LETTER, &FEW, || Mailing::new(Script::new()));
}

#[test]
fn a_run_that_dies_between_a_letter_and_its_copies_is_made_good_by_the_next() {
    check("copies", &COPIES, &SOME, || Mailing::with_copies(Script::new()));
}

#[test]
fn a_run_that_dies_in_a_letter_is_made_good_by_the_next_with_pipelining() {
    check("pipelining", &LETTER, &FEWER, || Mailing::new(Script::new().without("CHUNKING")));
}

#[test]
fn a_run_that_dies_in_a_letter_is_made_good_by_the_next_with_a_plain_relay() {
    check("plain", &LETTER, &FEWER, || Mailing::new(Script::new().bare()));
}

#[test]
fn a_run_that_dies_in_a_transaction_is_made_good_by_the_next() {
    check("transactions", &TRANSACTION, &MORE, || Mailing::new(Script::new()));
}

#[test]
fn a_run_that_dies_while_it_is_counted_is_made_good_by_the_next() {
    check("end", &END, &FEW, || Mailing::new(Script::new()));
}

#[test]
fn a_second_run_that_dies_over_what_the_first_left_is_made_good_by_the_third() {
    check("after a kill", &AFTER_A_KILL, &FEW, || {
        Mailing::new(Script::new()).killed_at("intended:2").expect("it dies")
    });
}

#[test]
fn a_run_that_dies_while_the_ledger_finds_its_place_leaves_one_ledger() {
    check_and("shared folder", &SHARED_FOLDER, &FEW, shared, |killed, at| {
        let ledgers = files_under(&killed.workspace.beside("data"));
        let ledgers = ledgers.iter().filter(|name| name.ends_with("ledger.db")).count();
        assert!(ledgers <= 1, "{at}: {ledgers} ledgers");
        let own = killed.workspace.path().join(".secretariat/ledger.db");
        assert!(!own.exists(), "{at}: a ledger in a folder that several computers see");
    });
}

/// In a folder that several computers see.
fn shared() -> Mailing {
    let mailing = Mailing::new(Script::new());
    let workspace = mailing.workspace.moved_to("OneDrive - Forum/mailing");
    Mailing { workspace, ..mailing }
}

#[test]
fn a_run_that_dies_while_the_ledger_gets_a_newer_form_leaves_the_old_or_the_new() {
    check_and("older ledger", &OLDER_LEDGER, &FEW, older, |killed, at| {
        let file = killed.ledger_folder().join("ledger.db");
        let version = form_of(&rusqlite::Connection::open(file).expect("a ledger"));
        let expected = if at.contains("schema-changed") { NEWEST_FORM } else { 1 };
        assert_eq!(version, expected, "{at}");
    });
}

/// The ledger's form that this program writes.
const NEWEST_FORM: i64 = 4;

fn form_of(ledger: &rusqlite::Connection) -> i64 {
    ledger.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

/// A mailing that died in the middle, with its ledger as the first version had it.
fn older() -> Mailing {
    let mailing = Mailing::new(Script::new()).killed_at("intended:4").expect("it dies");
    let file = mailing.ledger_folder().join("ledger.db");
    let ledger = rusqlite::Connection::open(file).expect("a ledger");
    assert_eq!(form_of(&ledger), NEWEST_FORM, "what follows takes the later forms back");
    let back = "DROP INDEX deliveries_by_letter; ALTER TABLE deliveries DROP COLUMN copy_of;
                ALTER TABLE letters DROP COLUMN cc; ALTER TABLE letters DROP COLUMN to_mailbox;
                DROP TABLE pauses; DROP TABLE withdrawals; DROP TABLE names;
                PRAGMA user_version = 1;";
    ledger.execute_batch(back).expect("the first form");
    mailing
}
