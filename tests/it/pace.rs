//! `send` as fast as it may and no faster: connections, rate, daily limit; a part of a mailing
//! first.

use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, person};
use std::time::{Duration, Instant};

#[test]
fn several_connections_share_a_mailing_and_nobody_gets_two() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(20)));
    let workspace = Workspace::with_people(60).relay_lines("connections = 6").relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    proof::everybody_has_one(&relay, 60);
    proof::check(&workspace, &relay, 60, 0);
    assert_eq!(relay.sessions(), 6, "opened once and used again");
}

#[test]
fn a_rate_is_never_exceeded_on_however_many_connections() {
    let relay = Relay::start();
    let lines = "connections = 4\nrate = \"5/s\"";
    let workspace = Workspace::with_people(6).relay_lines(lines).relay(&relay);
    let plan = workspace.plan();
    assert_eq!(plan["estimated_seconds"], 1, "{plan:#}");
    let begun = Instant::now();
    assert_eq!(workspace.send().0, Some(0));
    // Five times 200 ms lie between six letters. (Not how fast it is: how slow.)
    assert!(begun.elapsed() >= Duration::from_secs(1));
    proof::everybody_has_one(&relay, 6);
}

#[test]
fn a_daily_limit_holds_from_one_run_to_the_next() {
    let relay = Relay::start();
    let lines = "connections = 3\ndaily_limit = 3";
    let workspace = Workspace::with_people(5).relay_lines(lines).relay(&relay);
    let screen = workspace.run(&["send", "--dry-run"]).stdout;
    assert!(screen.contains("pace       3 a day: 1 day, ends about 6 November 2026"), "{screen}");
    let first = workspace.run(&["send", "--plan", &workspace.fingerprint()]);
    assert_eq!((first.code, relay.count()), (Some(4), 3), "{first:#?}");
    assert!(first.stderr.contains("letters may go again on 6 November 2026"), "{first:#?}");
    let workspace = workspace.now("2026-11-06T09:29:00Z");
    assert_eq!((workspace.send().0, relay.count()), (Some(4), 3), "a minute too early");
    let workspace = workspace.now("2026-11-06T09:32:00Z");
    assert_eq!((workspace.send().0, relay.count()), (Some(0), 5));
    proof::everybody_has_one(&relay, 5);
}

#[test]
fn a_limit_that_the_relay_speaks_of_is_waited_for_and_not_tried_again() {
    let limit = "550 5.4.5 Daily user sending limit exceeded";
    let relay = Relay::with(Script::new().at(
        At::EndOfMessage,
        Who::Local("person-0003".to_owned()),
        Action::reply(limit),
    ));
    let workspace = Workspace::with_people(5).relay_lines("connections = 1").relay(&relay);
    let first = workspace.run(&["send", "--plan", &workspace.fingerprint()]);
    assert_eq!((first.code, relay.count()), (Some(4), 2), "{first:#?}");
    assert!(first.stderr.contains("may go on 6 November 2026"), "{first:#?}");
    let tried = relay.transactions();
    let workspace = workspace.now("2026-11-05T18:00:00Z");
    assert_eq!(workspace.send().0, Some(4));
    assert_eq!(relay.transactions(), tried, "nobody is bothered before the limit is over");
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-06T09:35:00Z");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 5);
}

#[test]
fn the_first_letters_go_and_the_rest_only_when_it_is_confirmed() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(5).relay(&relay);
    let plan = workspace.fingerprint();
    let first = workspace.run(&["send", "--plan", &plan, "--first", "2"]);
    assert_eq!(first.code, Some(4), "the others wait: {first:#?}");
    assert_eq!(relay.counts().into_keys().collect::<Vec<_>>(), [person(1), person(2)]);
    let asked = workspace.run(&["send"]);
    assert_eq!((asked.code, relay.count()), (Some(2), 2), "nobody confirmed the rest: {asked:#?}");
    let next = workspace.run(&["send", "--plan", &plan, "--first", "2"]);
    assert_eq!((next.code, relay.count()), (Some(4), 4), "{next:#?}");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 5);
}

#[test]
fn one_person_gets_the_letter_and_nobody_else() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(5).relay(&relay);
    let plan = workspace.fingerprint();
    let only = |who: &str| workspace.run(&["send", "--plan", &plan, "--person", who]);
    assert_eq!(only(&person(4)).code, Some(4));
    assert_eq!(relay.counts().into_keys().collect::<Vec<_>>(), [person(4)]);
    let again = only(&person(4));
    assert_eq!((again.code, relay.count()), (Some(0), 1), "{again:#?}");
    assert!(again.stderr.contains("<person-0004@town.example>"), "{again:#?}");
    let nobody = only("nobody@town.example");
    assert_eq!((nobody.code, relay.count()), (Some(3), 1), "{nobody:#?}");
    let out = workspace.beside("out");
    let out_name = out.to_str().unwrap();
    let dry = ["send", "--dry-run", "--person", &person(2), "--out", out_name];
    assert_eq!(workspace.run(&dry).code, Some(0));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 5);
}
