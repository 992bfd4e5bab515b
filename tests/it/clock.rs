//! Clocks that are wrong: set back or forward between two runs, and in the middle of one.
//!
//! Between runs `SECRETARIAT_NOW` is the clock; in the middle of one it is libfaketime, which makes
//! the system's own clock jump. Decided in docs/decisions/0018.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Output, Workspace, person};
use crate::support::{proof, skip};
use std::path::PathBuf;
use std::process::Command;

const NOW: &str = "2026-11-05T09:30:00Z";
/// What a computer believes whose battery was changed.
const YEARS_BACK: &str = "2020-01-01T00:00:00Z";
const HOURS_BACK: &str = "2026-11-05T04:00:00Z";
const A_YEAR_ON: &str = "2027-11-05T09:30:00Z";

/// Four people of whom the second is asked to wait; recorded at this time.
fn deferred_at(time: &str, more: &str) -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(4).relay(&relay).config(more).now(time);
    assert_eq!((workspace.send().0, relay.count()), (Some(4), 3));
    (workspace, relay)
}

fn send(workspace: &Workspace) -> Output {
    workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"])
}

/// The waits were meant in minutes, and minutes they are: neither at once nor in a year.
#[test]
fn a_clock_set_back_makes_nobody_wait_longer_than_was_meant() {
    for back in [HOURS_BACK, YEARS_BACK] {
        let (workspace, relay) = deferred_at(NOW, "");
        relay.change(Script::new());
        let workspace = workspace.now(back);
        let tried = relay.transactions();
        let output = send(&workspace);
        assert_eq!(output.code, Some(4), "{back}: {output:#?}");
        let said = &output.stderr;
        assert!(said.contains("clock-set-back") && said.contains("5 November 2026"), "{output:#?}");
        assert_eq!(relay.transactions(), tried, "{back}: not before its time");
        let after_first_wait = back.replace(":00:00Z", ":06:01Z");
        let workspace = workspace.now(&after_first_wait);
        let output = send(&workspace);
        assert_eq!(output.code, Some(0), "{back}: {output:#?}");
        assert!(!output.stderr.contains("clock-set-back"), "said once: {output:#?}");
        proof::everybody_has_one(&relay, 4);
        proof::check(&workspace, &relay, 4, 0);
    }
}

/// A run that stays for letters due soon does not stay for a year.
#[test]
fn a_run_that_waits_is_not_held_up_by_a_clock_set_back() {
    let (workspace, relay) = deferred_at(NOW, "[retry]\nfirst_wait = \"1s\"\n");
    relay.change(Script::new());
    let workspace = workspace.now(YEARS_BACK);
    let output = workspace.run(&["send", "--plan", &workspace.fingerprint(), "--wait"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    proof::everybody_has_one(&relay, 4);
}

/// A year in which nobody tried is no year of trying.
#[test]
fn a_clock_set_forward_gives_nobody_up() {
    let (workspace, relay) = deferred_at(NOW, "");
    let tried = relay.transactions();
    let workspace = workspace.now(A_YEAR_ON);
    let output = send(&workspace);
    assert_eq!(output.code, Some(4), "still to be tried again: {output:#?}");
    assert_eq!(relay.transactions(), tried + 1, "it was due, and was tried");
    assert_eq!(proof::counts(&workspace)["deferred"], 1);
    // Somebody sets it right again.
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-05T10:30:00Z");
    assert_eq!(send(&workspace).code, Some(4), "its wait begins anew");
    let workspace = workspace.now("2026-11-05T10:45:00Z");
    assert_eq!(send(&workspace).code, Some(0));
    proof::everybody_has_one(&relay, 4);
    proof::check(&workspace, &relay, 4, 0);
}

#[test]
fn a_mailbox_that_refuses_for_ever_is_given_up_all_the_same() {
    let (workspace, _relay) = deferred_at(NOW, "");
    let workspace = workspace.now(A_YEAR_ON);
    assert_eq!(send(&workspace).code, Some(4));
    let workspace = workspace.now("2027-11-05T10:30:00Z");
    assert_eq!(send(&workspace).code, Some(1), "three times in a year");
    assert_eq!(proof::counts(&workspace)["expired"], 1);
}

/// What went by a clock that was ahead went at some time before now: it counts for a day, not for
/// the year until that time comes.
#[test]
fn a_daily_limit_outlives_a_clock_set_back_by_a_day() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(5).relay_lines("daily_limit = 3").relay(&relay);
    let workspace = workspace.now(A_YEAR_ON);
    assert_eq!((send(&workspace).code, relay.count()), (Some(4), 3));
    let workspace = workspace.now(NOW);
    let output = send(&workspace);
    assert_eq!((output.code, relay.count()), (Some(4), 3), "not more a day: {output:#?}");
    assert!(output.stderr.contains("again on 6 November 2026"), "{output:#?}");
    let workspace = workspace.now("2026-11-06T09:29:00Z");
    assert_eq!((send(&workspace).code, relay.count()), (Some(4), 3), "a minute too early");
    let workspace = workspace.now("2026-11-06T09:32:00Z");
    assert_eq!((send(&workspace).code, relay.count()), (Some(0), 5));
    proof::everybody_has_one(&relay, 5);
}

#[test]
fn a_limit_that_the_relay_spoke_of_outlives_a_clock_set_back_by_a_day() {
    let limit = Action::reply("550 5.4.5 Daily user sending limit exceeded");
    let who = Who::Local("person-0003".to_owned());
    let relay = Relay::with(Script::new().at(At::EndOfMessage, who, limit));
    let workspace = Workspace::with_people(5).relay_lines("connections = 1").relay(&relay);
    let workspace = workspace.now(A_YEAR_ON);
    assert_eq!((send(&workspace).code, relay.count()), (Some(4), 2));
    relay.change(Script::new());
    let workspace = workspace.now(NOW);
    assert_eq!((send(&workspace).code, relay.count()), (Some(4), 2), "the limit still holds");
    let workspace = workspace.now("2026-11-06T10:00:00Z");
    assert_eq!((send(&workspace).code, relay.count()), (Some(0), 5));
    proof::everybody_has_one(&relay, 5);
}

/// The last letter began in the future: the rate's distance to it is kept from now, and no longer.
#[test]
fn a_rate_is_not_counted_from_the_future() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(3).relay_lines("rate = \"2/s\"").relay(&relay);
    let workspace = workspace.now(A_YEAR_ON);
    let plan = workspace.fingerprint();
    let first = workspace.run(&["send", "--plan", &plan, "--first", "1", "--no-wait"]);
    assert_eq!((first.code, relay.count()), (Some(4), 1), "{first:#?}");
    assert_eq!(send(&workspace.now(NOW)).code, Some(0));
    proof::everybody_has_one(&relay, 3);
}

/// Where libfaketime is, or a word that it is missing.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut files = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = files.find(|file| file.exists());
    if found.is_none() {
        skip("clocks set in the middle of a run", "no libfaketime (Debian: faketime)");
    }
    found
}

/// While a letter waits the system's clock jumps: waits go on as they were, and so do the times
/// that are written down.
#[test]
fn a_clock_set_in_the_middle_of_a_run_changes_nothing() {
    let Some(library) = faketime() else { return };
    for jump in ["@2029-06-01 00:00:00", "@2031-06-01 00:00:00"] {
        let workspace = Workspace::with_people(4).config("[retry]\nfirst_wait = \"2s\"\n");
        let clock = workspace.beside("clock");
        let set = move |time: &str| std::fs::write(&clock, format!("{time}\n")).expect("written");
        set("@2030-06-01 00:00:00");
        let jumps = set.clone();
        let relay = Relay::with(
            Script::new().answer("person-0002", "451 4.2.0 later").times(1).choosing(move |at| {
                if at.at == At::Recipient && at.local() == "person-0002" {
                    jumps(jump);
                }
                None
            }),
        );
        // Nothing: the system's clock.
        let workspace = workspace.relay(&relay).now("");
        let file = format!("FAKETIME_TIMESTAMP_FILE={}", workspace.beside("clock").display());
        let library = format!("LD_PRELOAD={}", library.display());
        let faked = ["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"];
        let plan = workspace.fingerprint();
        let output = workspace.run_under(&faked, &["send", "--plan", &plan]);
        assert_eq!(output.code, Some(0), "{jump}: {output:#?}");
        proof::everybody_has_one(&relay, 4);
        let (_, story) = workspace.run_json(&["why", &person(2)]);
        let events = story["events"].as_array().expect("a list");
        assert!(events.len() >= 4, "{jump}: {story:#}");
        let mut times: Vec<&str> = events.iter().filter_map(|e| e["at"].as_str()).collect();
        assert!(times.iter().all(|at| at.starts_with("2030-06-01T00:0")), "{jump}: {times:?}");
        let told = times.clone();
        times.sort_unstable();
        assert_eq!(times, told, "{jump}: one after the other");
        let jumped = Command::new(faked[0]).args(&faked[1..]).args(["date", "+%Y"]).output();
        let year = String::from_utf8_lossy(&jumped.expect("date runs").stdout).trim().to_owned();
        assert_eq!(year, jump[1..5], "the clock has jumped");
    }
}
