//! `send` to relays that behave like those of the great providers: Exchange Online and Gmail.
//!
//! Their words and limits are `src/rehearsal/relay/manners.rs`, which has its own tests; here it is
//! what an officer with such an account meets.

use crate::support::proof::{self, counts};
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, person};
use secretariat::rehearsal::relay::manners::Manners;

const OWN: &str = "secretariat@forum.example";

fn exchange_online(script: Script) -> Relay {
    Relay::with(script.manners(Manners::exchange_online(OWN)))
}

#[test]
fn exchange_online_takes_three_connections_and_the_mailing_goes_on_with_those() {
    let relay = exchange_online(Script::new().delay(std::time::Duration::from_millis(20)));
    let workspace = Workspace::with_people(40).relay_lines("connections = 6").relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    proof::everybody_has_one(&relay, 40);
    proof::check(&workspace, &relay, 40, 0);
    let used: std::collections::BTreeSet<usize> =
        relay.messages().iter().map(|m| m.session).collect();
    assert_eq!(used.len(), 3, "three carried letters: {used:?}");
}

#[test]
fn exchange_online_gives_its_own_message_id_and_why_tells_both() {
    let relay = exchange_online(Script::new());
    let workspace = Workspace::with_people(2).relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    let message = &relay.messages()[0];
    let (_, json) = workspace.run_json(&["why", &message.forward_paths[0]]);
    let theirs = message.message_id.clone().expect("Exchange Online gives one");
    let ours = json["deliveries"][0]["message_id"].as_str().expect("ours").to_owned();
    let response = json["deliveries"][0]["response"].as_str().expect("an answer");
    assert!(response.contains(&theirs), "{response}");
    let (as_handed_over, copy) = (message.bytes.clone(), message.copy());
    let holds = |bytes: &[u8], id: &str| String::from_utf8_lossy(bytes).contains(id);
    assert!(holds(&as_handed_over, &ours) && !holds(&as_handed_over, &theirs));
    assert!(holds(&copy, &theirs) && !holds(&copy, &ours), "what the recipient finds");
}

#[test]
fn a_connection_that_may_carry_no_more_letters_is_replaced() {
    let manners = Manners { letters_a_session: Some(7), ..Manners::exchange_online(OWN) };
    let relay = Relay::with(Script::new().manners(manners));
    let workspace = Workspace::with_people(30).relay(&relay);
    let fingerprint = workspace.fingerprint();
    let output = workspace.run(&["send", "--plan", &fingerprint]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    proof::everybody_has_one(&relay, 30);
    proof::check(&workspace, &relay, 30, 0);
}

/// The account may not write as the sender: that is about us, and nobody is marked as refused.
#[test]
fn exchange_online_refuses_a_sender_that_is_not_the_accounts_own() {
    let other = Manners::exchange_online("somebody@forum.example");
    let denied = "550 5.2.252 SendAsDenied; somebody@forum.example not allowed to send as \
        secretariat@forum.example";
    let by_author = Script::new().at(At::EndOfMessage, Who::Anyone, Action::reply(denied));
    for (script, words) in
        [(Script::new().manners(other), "5.7.60"), (by_author, "5.2.252 SendAsDenied")]
    {
        let relay = Relay::with(script);
        let workspace = Workspace::with_people(30).relay(&relay);
        let (code, json) = workspace.send();
        assert_eq!(code, Some(3), "{json:#}");
        let problem = &json["problems"][0];
        assert_eq!(problem["code"], "sender-refused", "{json:#}");
        assert!(problem["message"].as_str().expect("words").contains(words), "{json:#}");
        assert_eq!((relay.count(), counts(&workspace)["rejected"]), (0, 0));
        relay.change(Script::new().manners(Manners::exchange_online(OWN)));
        let workspace = workspace.now("2026-11-05T10:30:00Z");
        assert_eq!(workspace.send().0, Some(0), "once it may");
        proof::everybody_has_one(&relay, 30);
    }
}

#[test]
fn gmails_day_is_waited_for_and_the_rest_goes_on_the_next() {
    let three = Manners { letters_a_day: Some(3), ..Manners::gmail() };
    let relay = Relay::with(Script::new().manners(three));
    let workspace = Workspace::with_people(5).relay(&relay);
    let first = workspace.run(&["send", "--plan", &workspace.fingerprint()]);
    assert_eq!((first.code, relay.count()), (Some(4), 3), "{first:#?}");
    assert!(first.stderr.contains("Daily user sending limit exceeded"), "{first:#?}");
    assert!(first.stderr.contains("may go on 6 November 2026"), "{first:#?}");
    let (tried, later) = (relay.transactions(), workspace.now("2026-11-05T18:00:00Z"));
    assert_eq!((later.send().0, relay.transactions()), (Some(4), tried), "not tried in between");
    relay.change(Script::new().manners(Manners::gmail()));
    let workspace = later.now("2026-11-06T09:35:00Z");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 5);
    let (_, json) = workspace.run_json(&["why", &person(1)]);
    let response = json["deliveries"][0]["response"].as_str().expect("an answer");
    assert!(response.ends_with("- gsmtp"), "{response}");
}
