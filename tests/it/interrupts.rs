//! Ctrl-C, SIGTERM and SIGHUP while several connections have a letter each.
//!
//! Once: letters under way are finished and recorded, and no other begins. Twice: they stay where
//! they were, are in doubt and named, one for each connection at most.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Running, Workspace};
use crate::support::{eventually, proof};
use std::time::Duration;

const LANES: usize = 4;
const PEOPLE: usize = 16;
const LATER: &str = "2026-11-05T11:30:00Z";

/// A mailing whose relay does this to everybody, with a letter under way on each connection.
fn under_way(at: At, action: Action, way: &str) -> (Workspace, Relay, Running) {
    let relay = Relay::with(Script::new().at(at, Who::Anyone, action));
    let workspace = Workspace::with_people(PEOPLE)
        .relay(&relay)
        .relay_lines(&format!("connections = {LANES}\n{way}"));
    let plan = workspace.fingerprint();
    let running = workspace.spawn_with_hang_up(&["send", "--plan", &plan]);
    let begun = || relay.transactions() == LANES;
    assert!(eventually(Duration::from_secs(30), begun), "{} begun", relay.transactions());
    (workspace, relay, running)
}

fn signal(running: &Running, name: &str) {
    let id = running.id().to_string();
    // The shell's own: a bare Debian has no program of that name.
    let sent = std::process::Command::new("sh").args(["-c", "kill -$1 $0", &id, name]).status();
    assert!(sent.is_ok_and(|s| s.success()));
}

/// Long enough for a signal to be noticed: two that come together are one.
fn a_moment() {
    std::thread::sleep(Duration::from_millis(700));
}

/// A relay that takes its time with each message, long enough for the signals of a test.
fn slow() -> Action {
    Action::Wait(Duration::from_secs(4))
}

#[test]
fn asked_once_a_run_finishes_what_is_under_way_on_each_connection_and_begins_nothing() {
    // A terminal that closes says so twice, and is nobody who asked again.
    let ways = [&["INT"][..], &["TERM"], &["HUP", "HUP"], &["HUP", "TERM"]];
    // Most of it is waiting.
    std::thread::scope(|scope| {
        for signals in ways {
            scope.spawn(move || check_asked_once(signals));
        }
    });
}

fn check_asked_once(signals: &[&str]) {
    let (workspace, relay, running) = under_way(At::EndOfMessage, slow(), "");
    for (n, name) in signals.iter().enumerate() {
        if n > 0 {
            a_moment();
        }
        signal(&running, name);
    }
    assert_eq!(relay.count(), 0, "{signals:?}: all {LANES} are under way");
    let ended = running.wait();
    assert_eq!(ended.code, Some(4), "{signals:?}: letters are open: {ended:#?}");
    assert_eq!((relay.count(), relay.transactions()), (LANES, LANES), "{signals:?}: {ended:#?}");
    let said = "Stopping: letters under way are finished first.";
    assert_eq!(ended.stderr.matches(said).count(), 1, "{signals:?}: {ended:#?}");
    assert!(ended.stdout.contains("4 of 16 letters handed to the mail server"), "{ended:#?}");
    assert!(ended.stdout.contains("Next: secretariat send outcome"), "{ended:#?}");
    let states = proof::check(&workspace, &relay, PEOPLE, 0);
    let accepted = states.values().filter(|state| *state == "accepted").count();
    assert_eq!(accepted, LANES, "{signals:?}: each answer is recorded: {states:?}");

    relay.change(Script::new());
    let workspace = workspace.now(LATER);
    assert_eq!(workspace.send().0, Some(0), "{signals:?}");
    proof::everybody_has_one(&relay, PEOPLE);
}

/// `nohup secretariat send`: the terminal closes, and the mailing goes on to its end.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_closes_is_nothing_to_a_run_under_nohup() {
    let relay = Relay::with(Script::new().at(At::EndOfMessage, Who::Transaction(1), slow()));
    let workspace = Workspace::with_people(PEOPLE).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn_without_hang_up(&["send", "--plan", &plan]);
    assert!(eventually(Duration::from_secs(30), || relay.transactions() > 0));
    signal(&running, "HUP");
    let ended = running.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    proof::everybody_has_one(&relay, PEOPLE);
}

#[test]
fn asked_twice_a_run_ends_at_once_and_names_who_is_in_doubt() {
    for (name, at) in [("INT", At::Accepted), ("TERM", At::EndOfMessage)] {
        let (workspace, relay, running) = under_way(at, Action::Stall, "");
        signal(&running, name);
        a_moment();
        signal(&running, name);
        let ended = running.wait();
        assert_eq!(ended.code, Some(4), "{name}: letters are open: {ended:#?}");
        let states = proof::check(&workspace, &relay, PEOPLE, LANES);
        let doubted: Vec<&String> =
            states.iter().filter(|(_, state)| *state == "uncertain").map(|(who, _)| who).collect();
        assert_eq!(doubted.len(), LANES, "{name}: it is said now, not by the next run: {ended:#?}");
        let said = format!("ended at once while {LANES} letters were handed over");
        let line = ended.stderr.lines().find(|line| line.contains(&said));
        let line = line.unwrap_or_else(|| panic!("{name}: {ended:#?}"));
        assert!(doubted.iter().all(|who| line.contains(&***who)), "{name}: by name: {line}");
        assert!(ended.stderr.contains("secretariat resolve"), "{name}: what to do: {ended:#?}");

        relay.change(Script::new());
        let workspace = workspace.now(LATER);
        let (code, json) = workspace.send();
        assert_eq!(code, Some(1), "{name}: those in doubt need a person: {json:#}");
        let states = proof::check(&workspace, &relay, PEOPLE, LANES);
        let accepted = states.values().filter(|state| *state == "accepted").count();
        assert_eq!(accepted, PEOPLE - LANES, "{name}: nobody is missed: {states:?}");
    }
}

/// Without its last bytes a letter cannot have been taken, and nobody is asked about it.
#[test]
fn asked_twice_before_any_message_has_left_nothing_is_in_doubt() {
    let way = "disable = [\"CHUNKING\", \"PIPELINING\"]";
    let (workspace, relay, running) = under_way(At::Recipient, Action::Stall, way);
    signal(&running, "INT");
    a_moment();
    signal(&running, "INT");
    let ended = running.wait();
    assert_eq!(ended.code, Some(4), "{ended:#?}");
    let states = proof::check(&workspace, &relay, PEOPLE, 0);
    assert!(states.values().all(|state| state == "planned"), "{states:?}");
    relay.change(Script::new());
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, PEOPLE);
}

#[test]
fn the_second_of_two_runs_names_the_first_and_since_when() {
    let (workspace, relay, running) = under_way(At::EndOfMessage, slow(), "");
    let second = workspace.run_as_it_is(&["send", "--plan", &workspace.fingerprint()]);
    assert_eq!(second.code, Some(4), "{second:#?}");
    let said = "another run is at work here: on ";
    let holder = second.stderr.lines().find_map(|line| line.split_once(said));
    let holder = holder.unwrap_or_else(|| panic!("{second:#?}")).1;
    assert!(holder.contains("since 5 November 2026, 09:30"), "{holder}");
    assert!(holder.contains(&format!("(process {})", running.id())), "{holder}");
    assert!(!holder.starts_with("since"), "the computer has a name: {holder}");
    relay.change(Script::new());
    assert_eq!(running.wait().code, Some(0));
    proof::everybody_has_one(&relay, PEOPLE);
}
