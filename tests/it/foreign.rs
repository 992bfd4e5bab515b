//! `send` over relays that nobody here wrote, when they refuse, defer and hang up.
//!
//! A real Postfix with a table of recipients, and `smtp-sink` with its fault flags. What they hold
//! is held against the ledger, and the same command, repeated on a relay that is well, makes every
//! letter final.

use crate::support::postfix::{Held, Postfix, Sink};
use crate::support::relay::script::Script;
use crate::support::relay::{Received, Relay};
use crate::support::workspace::{Workspace, person};
use crate::support::{count, eventually, proof};
use serde_json::Value;
use std::time::Duration;

/// Past every wait before a retry that a first run can have set.
const LATER: &str = "2026-11-05T11:30:00Z";

/// How letters travel: in flights, with DATA and PIPELINING, command by command.
const WAYS: [&str; 3] =
    ["", "disable = [\"CHUNKING\"]", "disable = [\"CHUNKING\", \"PIPELINING\"]"];

/// What the table of Postfix says of the n-th person, and what the ledger must say.
fn by_table(n: usize) -> (&'static str, &'static str) {
    match n % 20 {
        3 => ("REJECT 5.1.1 no such mailbox", "rejected"),
        7 => ("550 5.7.1 not for you", "rejected"),
        11 => ("DEFER 4.2.0 come back later", "deferred"),
        14 => ("DUNNO", "accepted"),
        15 => ("452 4.2.2 mailbox full", "deferred"),
        18 => ("550 5.1.1 moved away", "rejected"),
        _ => ("", "accepted"),
    }
}

fn with_table(table: &[(String, &str)]) -> Option<Postfix> {
    let said: Vec<(&str, &str)> = table.iter().map(|(who, what)| (&**who, *what)).collect();
    Postfix::with_access(&said)
}

fn connections(workspace: Workspace, connections: usize, way: &str) -> Workspace {
    workspace.relay_lines(&format!("connections = {connections}\n{way}"))
}

#[test]
fn a_postfix_that_refuses_and_defers_by_table_and_the_ledger_agree() {
    let people = count(40, 650);
    let all = (1..=people).map(|n| (person(n), by_table(n).0));
    let table: Vec<(String, &str)> = all.filter(|(_, said)| !said.is_empty()).collect();
    let Some(postfix) = with_table(&table) else { return };
    for way in WAYS {
        for lanes in [1, 4] {
            let what = format!("{way} on {lanes}");
            let said_before = postfix.begin_anew();
            let workspace = Workspace::with_people(people).relay_url(&postfix.url());
            let workspace = connections(workspace, lanes, way);
            let (code, json) = workspace.send();
            assert_eq!(code, Some(4), "{what}: the deferred are open: {json:#}");
            let states = proof::check_held(&workspace, &postfix.messages(), people, 0);
            for n in 1..=people {
                assert_eq!(states[&person(n)], by_table(n).1, "{what}: {}", person(n));
            }
            check_manners(&postfix, said_before, lanes, 1);
        }
    }
}

/// Errors cost: Postfix slows down whoever makes many, and hangs up. No run may come to that.
#[track_caller]
fn check_manners(postfix: &Postfix, said_before: usize, lanes: usize, dead_in_a_row: usize) {
    let log = postfix.log().split_off(said_before);
    let lines = |words: &'static str| log.lines().filter(move |line| line.contains(words));
    let complaints = ["too many errors", "lost connection after", "timeout after", "improper"];
    let said = complaints.into_iter().flat_map(lines);
    // The look whether Postfix answers leaves without a word.
    let said: Vec<&str> = said.filter(|line| !line.contains("after CONNECT")).collect();
    assert!(said.is_empty(), "{said:#?}");
    let looks = lines("after CONNECT").count();
    let connected = lines(": connect from ").count().saturating_sub(looks);
    // Before Postfix makes it wait, a connection is replaced.
    let allowed = lanes + dead_in_a_row / 8;
    assert!(connected <= allowed, "{connected} connections, {allowed} should do");
}

/// Where 30 of 300 people have no mailbox any more: here and there, and all in a row, as a list
/// sorted by organisation has them when one has closed.
fn dead(people: usize) -> [Vec<usize>; 2] {
    let tenth = people / 10;
    [(1..=tenth).map(|n| n * 10).collect(), (people / 2..people / 2 + tenth).collect()]
}

#[test]
fn dead_addresses_stop_nothing_and_leave_no_doubt() {
    let people = count(100, 300);
    for dead in dead(people) {
        for lanes in [1, 4] {
            let refuse = |script: Script, n: &usize| {
                script.answer(&format!("person-{n:04}"), "550 5.1.1 no such mailbox")
            };
            let relay = Relay::with(dead.iter().fold(Script::new(), refuse));
            let workspace = Workspace::with_people(people).relay(&relay);
            let workspace = connections(workspace, lanes, "");
            let (code, json) = workspace.send();
            assert_eq!(code, Some(1), "done, and a person must look: {json:#}");
            let held: Vec<Held> = relay.messages().into_iter().map(held).collect();
            check_dead(&workspace, &held, people, &dead);
            assert_eq!(relay.violations(), [""; 0]);
        }
    }
}

#[test]
fn dead_addresses_do_not_meet_the_error_limits_of_postfix() {
    // Above 20 in a row, where Postfix hangs up.
    let people = count(220, 300);
    for dead in dead(people) {
        let table = dead.iter().map(|n| (person(*n), "550 5.1.1 no such mailbox"));
        let table: Vec<_> = table.collect();
        let Some(postfix) = with_table(&table) else { return };
        for lanes in [1, 4] {
            let said_before = postfix.begin_anew();
            let workspace = Workspace::with_people(people).relay_url(&postfix.url());
            let workspace = connections(workspace, lanes, "");
            let (code, json) = workspace.send();
            assert_eq!(code, Some(1), "done, and a person must look: {json:#}");
            check_dead(&workspace, &postfix.messages(), people, &dead);
            check_manners(&postfix, said_before, lanes, dead.len());
        }
    }
}

fn held(message: Received) -> Held {
    let Received { reverse_path, forward_paths, .. } = message;
    Held { reverse_path, forward_paths, text: Vec::new() }
}

/// Exactly the dead are refused, and everybody else has a letter.
#[track_caller]
fn check_dead(workspace: &Workspace, held: &[Held], people: usize, dead: &[usize]) {
    let states = proof::check_held(workspace, held, people, 0);
    for n in 1..=people {
        let expected = if dead.contains(&n) { "rejected" } else { "accepted" };
        assert_eq!(states[&person(n)], expected, "{}", person(n));
    }
}

/// What a fault of smtp-sink leads to, when it meets everybody.
struct Fault {
    /// Its options.
    options: &'static [&'static str],
    /// The exit code.
    code: i32,
    /// The problem that says so, and words in it; none where letters just wait.
    said: Option<(&'static str, &'static str)>,
    /// The state of those whom it met.
    met: &'static str,
    /// How many it may have met: a relay that does it to everybody is left alone before.
    met_max: usize,
}

impl Fault {
    /// Met so many at most, before the run ended with this problem.
    const fn said(self, met_max: usize, code: &'static str, words: &'static str) -> Fault {
        Fault { said: Some((code, words)), met_max, ..self }
    }
}

const fn fault(options: &'static [&'static str], code: i32, met: &'static str) -> Fault {
    Fault { options, code, said: None, met, met_max: PEOPLE }
}

const PEOPLE: usize = 24;
/// Connections of a run that says nothing of them: what is under way is finished.
const LANES: usize = 2;
const CLOSED: &str = "the connection was closed";
const BYE: &str = "421 4.0.0 Server closing connection";
const LATER_WORDS: &str = "450 4.3.0 Error: command failed";
const NEVER_WORDS: &str = "500 5.3.0 Error: command failed";

/// Every flag at every moment, in the order of the fault table.
fn faults() -> Vec<Fault> {
    let (away, busy) = ("relay-unreachable", "relay-busy");
    let (refused, doubt) = ("everybody-refused", "everybody-in-doubt");
    let (ten, three, two) = (10 + LANES - 1, 3 + LANES - 1, 2 + LANES - 1);
    vec![
        fault(&["-q", "CONNECT"], 4, "planned").said(0, away, CLOSED),
        fault(&["-Q", "CONNECT"], 4, "planned").said(0, busy, BYE),
        fault(&["-r", "CONNECT"], 4, "planned").said(0, busy, LATER_WORDS),
        fault(&["-f", "CONNECT"], 3, "planned").said(0, "relay-refuses-us", NEVER_WORDS),
        fault(&["-q", "EHLO"], 4, "planned").said(0, away, CLOSED),
        fault(&["-Q", "EHLO"], 4, "planned").said(0, busy, BYE),
        fault(&["-r", "EHLO"], 4, "planned").said(0, busy, LATER_WORDS),
        // A server of old knows HELO only.
        fault(&["-f", "EHLO"], 0, "accepted"),
        fault(&["-f", "EHLO,HELO"], 3, "planned").said(0, "relay-refuses-us", NEVER_WORDS),
        fault(&["-q", "MAIL"], 4, "deferred").said(ten, busy, CLOSED),
        fault(&["-Q", "MAIL"], 4, "deferred").said(two, busy, BYE),
        fault(&["-r", "MAIL"], 4, "deferred").said(two, busy, LATER_WORDS),
        fault(&["-f", "MAIL"], 3, "planned").said(0, "sender-refused", NEVER_WORDS),
        fault(&["-q", "RCPT"], 4, "deferred").said(ten, busy, CLOSED),
        fault(&["-Q", "RCPT"], 4, "deferred").said(two, busy, BYE),
        fault(&["-r", "RCPT"], 4, "deferred"),
        fault(&["-r", "RCPT", "-b", "452 4.2.2 mailbox full"], 4, "deferred"),
        fault(&["-f", "RCPT"], 3, "deferred").said(three, refused, NEVER_WORDS),
        fault(&["-f", "RCPT", "-B", "554 5.7.1 relay access denied"], 3, "planned").said(
            0,
            "relaying-denied",
            "554 5.7.1 relay access denied",
        ),
        fault(&["-f", "RCPT", "-B", "550 5.1.1 no such mailbox"], 3, "deferred").said(
            20 + LANES - 1,
            "wrong-list",
            "550 5.1.1 no such mailbox",
        ),
        fault(&["-q", "DATA"], 4, "deferred").said(ten, busy, CLOSED),
        fault(&["-Q", "DATA"], 4, "deferred").said(two, busy, BYE),
        fault(&["-r", "DATA"], 4, "deferred"),
        fault(&["-f", "DATA"], 3, "deferred").said(three, refused, NEVER_WORDS),
        // A refusal after 354 that does not wait for the message.
        fault(&["-A", "0"], 3, "deferred").said(three, refused, "550 This violates SMTP"),
        fault(&["-q", "."], 4, "uncertain").said(5 + LANES - 1, doubt, CLOSED),
        fault(&["-Q", "."], 4, "deferred").said(two, busy, BYE),
        fault(&["-r", "."], 4, "deferred"),
        fault(&["-f", "."], 3, "deferred").said(three, refused, NEVER_WORDS),
        fault(&["-q", "RSET"], 0, "accepted"),
        fault(&["-Q", "RSET"], 0, "accepted"),
        fault(&["-q", "QUIT"], 0, "accepted"),
        fault(&["-Q", "QUIT"], 0, "accepted"),
        // Nothing may be taken for granted of a server that is slow besides.
        fault(&["-w", "1", "-q", "."], 4, "uncertain").said(5 + LANES - 1, doubt, CLOSED),
    ]
}

/// Afterwards the same command on a relay that is well makes everything final, and nobody has two.
#[test]
fn what_each_fault_of_smtp_sink_leads_to() {
    // Most of it is waiting.
    let faults = faults();
    std::thread::scope(|scope| {
        for some in faults.chunks(6) {
            scope.spawn(|| some.iter().for_each(check_fault));
        }
    });
}

fn check_fault(fault: &Fault) {
    let (Some(sink), Some(healthy)) = (Sink::start(fault.options), Sink::start(&[])) else {
        return;
    };
    let what = fault.options.join(" ");
    let workspace = Workspace::with_people(PEOPLE).relay_url(&sink.url());
    let plan = workspace.fingerprint();
    let (code, json) = workspace.run_json(&["send", "--plan", &plan, "--no-wait"]);
    assert_eq!(code, Some(fault.code), "{what}: {json:#}");
    check_said(fault, &json);
    let states = proof::states_at_a_glance(&workspace, PEOPLE);
    let of = |state: &str| states.values().filter(|s| *s == state).count();
    assert_eq!(
        of(fault.met) + of("planned").min(PEOPLE - of(fault.met)),
        PEOPLE,
        "{what}: {json:#}"
    );
    if fault.met != "planned" {
        assert!((1..=fault.met_max).contains(&of(fault.met)), "{what}: {json:#}");
    }

    let workspace = workspace.relay_url(&healthy.url()).now(LATER);
    let (code, json) = workspace.run_json(&["send", "--plan", &plan, "--no-wait"]);
    let for_a_person = of("rejected") + of("uncertain");
    assert_eq!(code, Some(i32::from(for_a_person > 0)), "{what}: {json:#}");
    let final_before =
        |address: &String| ["accepted", "rejected", "uncertain"].contains(&&*states[address]);
    let expected: Vec<&String> = states.keys().filter(|address| !final_before(address)).collect();
    assert!(eventually(Duration::from_secs(5), || healthy.messages().len() >= expected.len()));
    let mut received: Vec<String> =
        healthy.messages().into_iter().flat_map(|held| held.forward_paths).collect();
    received.sort();
    assert_eq!(received.iter().collect::<Vec<_>>(), expected, "{what}: each once, nobody twice");
    assert_eq!(proof::counts_of(&json)["accepted"] as usize, PEOPLE - for_a_person, "{what}");
}

/// In plain words, with the relay's own, and what to do; nothing where letters just wait.
fn check_said(fault: &Fault, json: &Value) {
    let what = fault.options.join(" ");
    let problems = json["problems"].as_array().expect("a list");
    let found = problems.iter().find(|problem| problem["severity"] != "note");
    let Some((code, words)) = fault.said else {
        assert!(found.is_none(), "{what}: {json:#}");
        return;
    };
    let problem = found.unwrap_or_else(|| panic!("{what}: {json:#}"));
    assert_eq!(problem["code"], code, "{what}: {json:#}");
    let message = problem["message"].as_str().expect("a message");
    assert!(message.contains(words), "{what}: {message}");
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.len() > 20), "{what}: {json:#}");
}
