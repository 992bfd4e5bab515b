//! `resolve`: a person settles letters that are in doubt, with a reason, and nothing else.

use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, person};

/// A mailing whose relay took the letters of these people and lost the answer to them.
fn doubted(people: usize, doubted: &[usize]) -> (Workspace, Relay) {
    let lose = |script: Script, n: &usize| {
        script.at(At::Accepted, Who::Local(format!("person-{n:04}")), Action::Reset)
    };
    let relay = Relay::with(doubted.iter().fold(Script::new(), lose));
    let workspace = Workspace::with_people(people).relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!((code, &json["counts"]["uncertain"]), (Some(1), &doubted.len().into()), "{json:#}");
    relay.change(Script::new());
    (workspace, relay)
}

#[test]
fn a_letter_that_was_taken_is_settled_and_does_not_go_again() {
    let (workspace, relay) = doubted(3, &[2]);
    let (code, json) = workspace.run_json(&[
        "resolve",
        &person(2),
        "--accepted",
        "--reason",
        "their log has it, 10:31",
    ]);
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!((&json["address"], &json["command"]), (&person(2).into(), &"resolve".into()));
    assert_eq!(json["deliveries"][0]["state"], "accepted");
    let why = workspace.run(&["why", &person(2)]);
    assert!(why.stdout.contains("resolved") && why.stdout.contains("their log has it, 10:31"));
    assert_eq!(workspace.send().0, Some(0), "the mailing is complete");
    proof::everybody_has_one(&relay, 3);
}

#[test]
fn a_letter_that_was_not_taken_goes_again_as_the_same_message() {
    let (workspace, relay) = doubted(3, &[2]);
    let status = workspace.run(&["status"]);
    assert!(status.stdout.contains("secretariat resolve ADDRESS"), "{status:#?}");
    // Days later: the time after which letters are given up does not count against it.
    let workspace = workspace.now("2026-11-25T09:30:00Z");
    let resent = workspace.run(&["resolve", "family2", "--resend", "--reason", "not in their log"]);
    assert_eq!(resent.code, Some(0), "{resent:#?}");
    assert!(resent.stdout.contains("Next: secretariat send outcome"), "{resent:#?}");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let both = relay.bytes_for(&person(2));
    assert_eq!(both.len(), 2, "this relay had it, and the officer said otherwise");
    assert!(both[0] == both[1], "same Message-ID, same Date, same everything");
}

#[test]
fn what_is_not_in_doubt_is_not_settled() {
    let (workspace, _relay) = doubted(3, &[2]);
    let before = workspace.run_json(&["why", &person(1)]).1;
    let settled = ["resolve", &person(1), "--resend", "--reason", "x"];
    let (code, json) = workspace.run_json(&settled);
    assert_eq!((code, &json["problems"][0]["code"]), (Some(3), &"not-uncertain".into()));
    let message = json["problems"][0]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains(&format!("{} of outcome is accepted", person(1))), "{message}");
    assert_eq!(workspace.run_json(&["why", &person(1)]).1, before, "nothing changed");
    let nobody = workspace.run(&["resolve", "zoltan", "--accepted", "--reason", "x"]);
    assert_eq!(nobody.code, Some(3), "{nobody:#?}");
    assert!(nobody.stderr.contains("nobody in the ledger is \"zoltan\""), "{nobody:#?}");
    for wrong in [
        &["resolve", "x", "--accepted"][..],
        &["resolve", "x", "--reason", "y"],
        &["resolve", "--accepted", "--reason", "y"],
        &["resolve", "x", "--accepted", "--resend", "--reason", "y"],
        &["resolve", "x", "--restored-ledger", "--reason", "y"],
        &["resolve", "x", "--accepted", "--reason", " "],
    ] {
        assert_eq!(workspace.run(wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(proof::counts(&workspace)["uncertain"], 1);
}

#[test]
fn several_in_doubt_are_named_and_a_more_exact_name_is_asked_for() {
    let (workspace, _relay) = doubted(4, &[2, 3]);
    let several = workspace.run(&["resolve", "given", "--accepted", "--reason", "x"]);
    assert_eq!(several.code, Some(3), "{several:#?}");
    assert!(several.stderr.contains(&person(2)) && several.stderr.contains(&person(3)));
    assert!(!several.stderr.contains(&person(1)), "only those in doubt: {several:#?}");
    assert_eq!(proof::counts(&workspace)["uncertain"], 2, "nothing changed");
    let other = workspace.run(&["resolve", &person(2), "--accepted", "--reason=x", "--campaign=t"]);
    assert_eq!(other.code, Some(3), "{other:#?}");
    let one = workspace.run(&["resolve", &person(2), "--accepted", "--reason", "x"]);
    assert_eq!(one.code, Some(0), "{one:#?}");
    let only = workspace.run(&["resolve", "given", "--accepted", "--reason", "x"]);
    assert_eq!(only.code, Some(0), "one is left in doubt, so it is meant: {only:#?}");
}

#[test]
fn where_nothing_was_sent_yet_no_letter_is_in_doubt() {
    let workspace = Workspace::with_people(2);
    let arguments = ["resolve", "given1", "--accepted", "--reason", "their log"];
    let output = workspace.run(&arguments);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("nothing was sent from here yet"), "{output:#?}");
    assert!(output.stderr.contains("secretariat send --dry-run"), "{output:#?}");
    assert!(!workspace.path().join(".secretariat").exists(), "nothing is made by asking");
}
