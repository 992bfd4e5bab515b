//! `send` when things go wrong: refusals, lost connections, nonsense, kill -9.
//!
//! After every fault the relay's own count is held against the ledger (`support/proof.rs`), and
//! the same command, repeated, ends with everybody having exactly one letter, except for those
//! named as uncertain.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Running, Workspace, pdf, person};
use crate::support::{count, eventually, proof};
use serde_json::Value;
use std::time::Duration;

/// Past the first wait before a retry, with its 20 % either way.
const LATER: &str = "2026-11-05T09:50:00Z";

fn local(n: usize) -> Who {
    Who::Local(format!("person-{n:04}"))
}

fn attention_of<'a>(json: &'a Value, address: &str) -> Option<&'a Value> {
    json["attention"].as_array()?.iter().find(|a| a["address"] == *address)
}

/// Starts `send --no-wait` with the plan of this moment.
fn start(workspace: &Workspace) -> Running {
    let plan = workspace.fingerprint();
    workspace.spawn(&["send", "--plan", &plan, "--no-wait"])
}

#[test]
fn each_fault_leads_to_its_state_and_the_second_run_finishes_the_rest() {
    let script = Script::new()
        .without("CHUNKING")
        .at(At::Recipient, local(3), Action::reply("550 5.1.1 no such mailbox"))
        .at(At::Recipient, local(5), Action::reply("450 4.2.0 greylisted"))
        .at(At::Recipient, local(7), Action::Close)
        .at(At::EndOfMessage, local(9), Action::Reset)
        .at(At::Accepted, local(11), Action::Reset)
        .at(At::EndOfMessage, local(13), Action::reply("451 4.3.0 try again"))
        .at(At::Accepted, local(15), Action::Reply(b"what?\r\n".to_vec()));
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(20).relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "letters are open: {json:#}");
    let states = proof::check(&workspace, &relay, 20, 3);
    let expected = [
        (3, "rejected"),
        (5, "deferred"),
        (7, "deferred"),
        (9, "uncertain"),
        (11, "uncertain"),
        (13, "deferred"),
        (15, "uncertain"),
    ];
    for n in 1..=20 {
        let state = expected.iter().find(|(at, _)| *at == n).map_or("accepted", |(_, s)| s);
        assert_eq!(states[&person(n)], state, "{}", person(n));
    }
    for (n, state) in expected {
        let named = attention_of(&json, &person(n)).unwrap_or_else(|| panic!("{n}: {json:#}"));
        assert_eq!(named["state"], state);
    }

    relay.change(Script::new().without("CHUNKING"));
    let workspace = workspace.now(LATER);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(1), "done, and a person must look at four: {json:#}");
    let states = proof::check(&workspace, &relay, 20, 3);
    for n in [5, 7, 13] {
        assert_eq!(states[&person(n)], "accepted", "{}", person(n));
    }
    let (code, json) = workspace.send();
    assert_eq!(code, Some(1), "uncertain letters are never sent again by themselves: {json:#}");
    proof::check(&workspace, &relay, 20, 3);
    assert_eq!((relay.count(), relay.bytes_for(&person(9)).len()), (18, 0));
}

/// Drops a connection at one moment and repeats the command until it is done.
#[track_caller]
fn check_drop(script: &Script, at: At, who: Who, action: &Action) {
    let what = format!("{at:?} {action:?}");
    let people = 6;
    let relay = Relay::with(script.clone().at(at, who, action.clone()).times(1));
    let workspace = Workspace::with_people(people).relay(&relay);
    let (code, json) = workspace.send();
    assert!(matches!(code, Some(0 | 1 | 4)), "{what}: {code:?} {json:#}");
    proof::check(&workspace, &relay, people, 1);

    let workspace = workspace.now(LATER);
    let (code, json) = workspace.send();
    let states = proof::check(&workspace, &relay, people, 1);
    let uncertain = states.values().filter(|s| *s == "uncertain").count();
    let accepted = states.values().filter(|s| *s == "accepted").count();
    assert_eq!(accepted + uncertain, people, "{what}: all are final or uncertain: {json:#}");
    assert_eq!(code, Some(i32::from(uncertain > 0)), "{what}: {json:#}");
    let lost = relay.count() < people;
    assert!(!lost || uncertain == 1, "{what}: who has none is named");
}

fn check_drops(script: &Script) {
    let in_the_letter = [
        At::Mail,
        At::Recipient,
        At::Data,
        At::Body(1),
        At::Body(200),
        At::EndOfMessage,
        At::Accepted,
    ];
    for action in [Action::Close, Action::Reset] {
        for at in [At::Greeting, At::Hello] {
            check_drop(script, at, Who::Session(1), &action);
        }
        for at in in_the_letter {
            check_drop(script, at, Who::Transaction(3), &action);
        }
    }
}

#[test]
fn a_connection_lost_anywhere_loses_and_doubles_nothing_with_chunking() {
    check_drops(&Script::new());
}

#[test]
fn a_connection_lost_anywhere_loses_and_doubles_nothing_with_pipelining() {
    check_drops(&Script::new().without("CHUNKING"));
}

#[test]
fn a_connection_lost_anywhere_loses_and_doubles_nothing_with_a_plain_relay() {
    check_drops(&Script::new().bare());
}

#[test]
fn a_connection_lost_in_the_middle_of_a_large_letter_is_deferred_never_uncertain() {
    for action in [Action::Close, Action::Reset] {
        let script = Script::new().without("CHUNKING");
        let relay = Relay::with(script.at(At::Body(100_000), local(2), action).times(1));
        // More than the buffers of two sockets hold.
        let film = pdf(6_000_000, 1);
        let workspace = Workspace::with_people(3).attachment("film.en.pdf", film).relay(&relay);
        let (code, json) = workspace.send();
        assert_eq!(code, Some(4), "{json:#}");
        assert_eq!(proof::check(&workspace, &relay, 3, 0)[&person(2)], "deferred");
        let workspace = workspace.now(LATER);
        assert_eq!(workspace.send().0, Some(0));
        proof::everybody_has_one(&relay, 3);
    }
}

#[test]
fn odd_answers_to_the_end_of_a_message_are_read_for_what_they_are() {
    let cases: [(&[u8], &str); 6] = [
        (b"250 angenommen f\xfcr Pr\xfcfung\r\n", "accepted"),
        (b"250-first line\r\n250 second line\r\n", "accepted"),
        (b"250\r\n", "accepted"),
        (b"354 go on\r\n", "uncertain"),
        (b"\xff\xfe\x00nonsense\r\n", "uncertain"),
        (b"HTTP/1.1 200 OK\r\n", "uncertain"),
    ];
    for (answer, state) in cases {
        let what = String::from_utf8_lossy(answer).into_owned();
        let script = Script::new().at(At::Accepted, local(2), Action::Reply(answer.to_vec()));
        let relay = Relay::with(script.times(1));
        let workspace = Workspace::with_people(4).relay(&relay);
        let (code, json) = workspace.send();
        assert_eq!(code, Some(i32::from(state == "uncertain")), "{what}: {json:#}");
        assert_eq!(proof::check(&workspace, &relay, 4, 1)[&person(2)], state, "{what}");
        proof::everybody_has_one(&relay, 4);
    }
}

#[test]
fn half_an_answer_is_no_answer() {
    let cases: [(&[u8], At); 2] = [(b"250 2.0.0 O", At::Accepted), (b"25", At::EndOfMessage)];
    for (answer, at) in cases {
        let script = Script::new().at(at, local(2), Action::ReplyAndClose(answer.to_vec()));
        let relay = Relay::with(script.times(1));
        let workspace = Workspace::with_people(4).relay(&relay);
        assert_eq!(workspace.send().0, Some(1));
        assert_eq!(proof::check(&workspace, &relay, 4, 1)[&person(2)], "uncertain");
    }
}

#[test]
fn an_answer_too_many_is_not_taken_for_the_next_letters() {
    let two = b"250 2.0.0 Ok\r\n550 5.1.1 nobody\r\n".to_vec();
    let relay = Relay::with(Script::new().at(At::Accepted, local(2), Action::Reply(two)).times(1));
    let workspace = Workspace::with_people(5).relay(&relay);
    workspace.send();
    let workspace = workspace.now(LATER);
    workspace.send();
    let states = proof::check(&workspace, &relay, 5, 1);
    assert!(states.values().all(|s| s != "rejected"), "{states:?}");
    assert_eq!(states[&person(2)], "accepted");
}

#[test]
fn a_slow_relay_is_waited_for() {
    let wait = || Action::Wait(Duration::from_millis(300));
    let script = Script::new().at(At::Greeting, Who::Anyone, wait());
    let script = script.at(At::Recipient, local(2), wait()).at(At::Accepted, local(3), wait());
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(4).relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 4);
}

#[test]
fn a_relay_that_is_away_loses_nothing() {
    let gone = Relay::start().url();
    let workspace = Workspace::with_people(4).relay_url(&gone);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "run the same command again: {json:#}");
    let counts = proof::counts(&workspace);
    assert_eq!(counts["planned"] + counts["deferred"], 4);
    let relay = Relay::start();
    let workspace = workspace.relay(&relay).now(LATER);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 4);
}

#[test]
fn when_it_is_us_who_are_refused_the_run_stops_and_nobody_is_rejected() {
    let cases = [
        (At::Mail, "550 5.7.1 sender not allowed"),
        (At::Recipient, "554 5.7.1 relaying denied"),
        (At::EndOfMessage, "554 5.7.1 message refused by policy"),
        (At::Greeting, "554 5.7.1 no service for you"),
    ];
    for (at, line) in cases {
        let relay = Relay::with(Script::new().at(at, Who::Anyone, Action::reply(line)));
        let workspace = Workspace::with_people(40).relay(&relay);
        let output = workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"]);
        assert_eq!(output.code, Some(3), "{line}: {output:#?}");
        assert!(output.everything().contains(&line[10..]), "in the relay's own words: {output:#?}");
        let counts = proof::counts(&workspace);
        assert_eq!((counts["rejected"], counts["uncertain"]), (0, 0), "{line}: {counts:?}");
        assert!(relay.transactions() <= 10, "{line}: {} tried", relay.transactions());

        relay.change(Script::new());
        let workspace = workspace.now(LATER);
        assert_eq!(workspace.send().0, Some(0), "{line}");
        proof::everybody_has_one(&relay, 40);
    }
}

#[test]
fn a_letter_larger_than_the_relay_takes_stops_before_the_first() {
    let relay = Relay::with(Script::new().offering("SIZE 200000"));
    let workspace =
        Workspace::with_people(3).attachment("statement.en.pdf", pdf(300_000, 1)).relay(&relay);
    let output = workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(relay.transactions(), 0, "SIZE is checked before letter 1");
    assert_eq!(proof::counts(&workspace)["rejected"], 0);
}

#[test]
fn killed_in_the_middle_it_goes_on_where_it_stopped() {
    let people = count(60, 600);
    for kills in 1..=count(2, 10) {
        let relay = Relay::with(Script::new().delay(Duration::from_millis(4)));
        let mut workspace = Workspace::with_people(people).relay(&relay);
        for kill in 1..=kills {
            let running = start(&workspace);
            let goal = people * kill / (kills + 1);
            assert!(eventually(Duration::from_secs(60), || relay.count() >= goal));
            running.kill();
            // Two connections may each have had a letter's last bytes on the way.
            proof_after_kill(&relay, people);
            workspace = workspace.now(&format!("2026-11-05T{:02}:30:00Z", 9 + kill));
        }
        let (code, json) = workspace.send();
        let states = proof::check(&workspace, &relay, people, 2 * kills);
        let uncertain = states.values().filter(|s| *s == "uncertain").count();
        assert_eq!(code, Some(i32::from(uncertain > 0)), "{json:#}");
        let accepted = states.values().filter(|s| *s == "accepted").count();
        assert_eq!(accepted + uncertain, people, "everybody is final or named: {json:#}");
        for (address, state) in states.iter().filter(|(_, state)| *state == "uncertain") {
            let named =
                attention_of(&json, address).unwrap_or_else(|| panic!("{address} {json:#}"));
            assert_eq!(named["state"], **state);
        }
    }
}

/// Between a kill and the next run only the relay can be asked: nobody has two.
fn proof_after_kill(relay: &Relay, people: usize) {
    let counts = relay.counts();
    assert!(counts.len() <= people && counts.values().all(|n| *n == 1), "{counts:?}");
}

#[test]
fn killed_while_the_relay_says_nothing_it_goes_on() {
    let relay = Relay::with(Script::new().at(At::Recipient, Who::Anyone, Action::Stall));
    let workspace = Workspace::with_people(3).relay(&relay);
    let running = start(&workspace);
    assert!(eventually(Duration::from_secs(30), || relay.transactions() > 0));
    running.kill();
    relay.change(Script::new());
    let workspace = workspace.now(LATER);
    workspace.send();
    let states = proof::check(&workspace, &relay, 3, 2);
    assert!(states.values().all(|s| s == "accepted" || s == "uncertain"), "{states:?}");
}

/// A wrong port answers nothing: whoever asks to stop is not kept waiting for its greeting.
#[cfg(unix)]
#[test]
fn an_interrupt_while_connecting_ends_at_once() {
    let relay = Relay::with(Script::new().at(At::Greeting, Who::Anyone, Action::Stall));
    let workspace = Workspace::with_people(3).relay(&relay);
    let running = start(&workspace);
    assert!(eventually(Duration::from_secs(30), || relay.sessions() > 0));
    interrupt(running.id());
    let begun = std::time::Instant::now();
    assert_eq!(running.wait().code, Some(4), "the letters are open");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[cfg(unix)]
fn interrupt(process: u32) {
    // The shell's own: a bare Debian has no program of that name.
    let id = process.to_string();
    let signal = std::process::Command::new("sh").args(["-c", "kill -INT $0", &id]).status();
    assert!(signal.is_ok_and(|s| s.success()));
}

#[cfg(unix)]
#[test]
fn one_interrupt_finishes_the_letters_in_flight_and_leaves_none_uncertain() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(20)));
    let people = count(100, 400);
    let workspace = Workspace::with_people(people).relay(&relay);
    let running = start(&workspace);
    assert!(eventually(Duration::from_secs(60), || relay.count() >= 5));
    interrupt(running.id());
    let output = running.wait();
    assert_eq!(output.code, Some(4), "letters are open: {output:#?}");
    let counts = proof::counts(&workspace);
    assert_eq!((counts["uncertain"], counts["attempting"]), (0, 0), "{counts:?}");
    assert_eq!(counts["accepted"], relay.count() as u64);
    assert!(relay.count() < people);
    let workspace = workspace.now(LATER);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, people);
}

/// Twenty times the same answer is one line; who is asked about has a line of its own.
#[test]
fn the_same_answer_to_many_is_one_line_and_not_twenty() {
    let script = Script::new()
        .answer("person-0002", "550 5.1.1 no such mailbox")
        .at(At::Accepted, Who::Local("person-0003".to_owned()), Action::Reset)
        .choosing(|moment| {
            let waits = moment.at == At::Recipient && moment.local() >= "person-0005";
            let id = moment.transaction;
            waits.then(|| Action::reply(&format!("451 4.7.1 greylisted, see {id}@gmail.example")))
        });
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(30).relay_lines("connections = 1").relay(&relay);
    let (_, json) = workspace.send();
    assert_eq!(json["attention"].as_array().map(Vec::len), Some(28), "all by name: {json:#}");
    let screen = workspace.run(&["status"]).stdout;
    for words in [
        "  person-0002@town.example refused for good: 550 5.1.1 no such mailbox\n",
        "  person-0003@town.example not sure: ",
        "  person-0005@town.example and 25 others will be tried again from ",
        "  secretariat status -v names all\n",
    ] {
        assert!(screen.contains(words), "{words:?}: {screen}");
    }
    assert_eq!(screen.matches("greylisted").count(), 1, "{screen}");
    let all = workspace.run(&["status", "-v"]).stdout;
    assert_eq!(all.matches("@town.example ").count(), 28, "each by name: {all}");
}

/// A server that answers is not out of reach: its words are shown, and the network is not blamed.
#[test]
fn a_server_that_is_busy_for_long_is_not_called_out_of_reach() {
    let busy = Action::reply("421 4.3.2 come back tomorrow");
    let relay = Relay::with(Script::new().at(At::Greeting, Who::Anyone, busy));
    let workspace = Workspace::with_people(3).relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!((code, &json["problems"][0]["code"]), (Some(4), &"relay-busy".into()), "{json:#}");
    let message = json["problems"][0]["message"].as_str().expect("words");
    assert!(message.ends_with("takes no letters now: 421 4.3.2 come back tomorrow"), "{message}");
    let hint = json["problems"][0]["hint"].as_str().expect("a hint");
    assert!(hint.contains("again in an hour") && !hint.contains("network"), "{hint}");
    let (code, json) = Workspace::with_people(3).send();
    assert_eq!(code, Some(4), "{json:#}");
    assert_eq!(json["problems"][0]["code"], "relay-unreachable", "nobody listens: {json:#}");
}
