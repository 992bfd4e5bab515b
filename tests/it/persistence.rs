//! What a mailing that meets a difficult relay comes to in days: waits, giving up, edits between.
//!
//! Time is told to the program by `SECRETARIAT_NOW`; each run is a day's look at the same mailing.

use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, person};

/// When the first run begins.
const FIRST: &str = "2026-11-05T09:30:00Z";

fn why(workspace: &Workspace, n: usize) -> serde_json::Value {
    workspace.run_json(&["why", &person(n)]).1["deliveries"][0].clone()
}

/// Greylisting that never ends: waits double and the letter is given up when its time is over,
/// also where no attempt ever came as far as the message.
#[test]
fn refused_before_its_message_a_letter_backs_off_and_is_given_up() {
    for at in [At::Recipient, At::EndOfMessage] {
        let relay =
            Relay::with(Script::new().at(at, Who::Anyone, Action::reply("451 4.3.0 later")));
        let retry = "[retry]\nfirst_wait = \"10min\"\nmax_wait = \"1h\"\ngive_up_after = \"3h\"\n";
        let mut workspace = Workspace::with_people(2).relay(&relay).config(retry).now(FIRST);
        let mut attempts = Vec::new();
        for hour in 9..14 {
            workspace = workspace.now(&format!("2026-11-05T{hour:02}:30:00Z"));
            workspace.send();
            attempts.push(why(&workspace, 1)["attempts"].as_u64().unwrap_or(0));
        }
        let counts = proof::counts(&workspace);
        assert_eq!((counts["expired"], counts["uncertain"]), (2, 0), "{at:?}: {counts:?}");
        assert!(attempts[0] == 1 && attempts.iter().max() > Some(&2), "{at:?}: {attempts:?}");
        assert_eq!(workspace.send().0, Some(1), "somebody has to write in another way");
        assert_eq!(relay.count(), 0);
    }
}

/// The number to type is the number of letters that will go: those that wait are among them.
#[test]
fn an_edited_letter_goes_to_those_who_wait_and_to_nobody_twice() {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay).now(FIRST);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    let edited = "Subject: Corrected\n\n{{ greeting }}\n\nCorrected text.\n\n{{ signature }}\n";
    let workspace = workspace.letter("outcome", "en", edited).now("2026-11-05T10:30:00Z");
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(3), "changed since it was confirmed: {asked:#?}");
    assert!(asked.everything().contains("letter in en"), "{asked:#?}");
    assert!(asked.stderr.contains("+ Corrected text."), "the lines that changed: {asked:#?}");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 3);
    let late = String::from_utf8_lossy(&relay.bytes_for(&person(2))[0]).into_owned();
    assert!(late.contains("Subject: Corrected"), "{late}");
    let early = String::from_utf8_lossy(&relay.bytes_for(&person(1))[0]).into_owned();
    assert!(!early.contains("Corrected"), "who has a letter keeps it");
}

/// A mended bounce address is in no letter's words, and must reach letters that wait all the same.
#[test]
fn a_changed_bounce_address_reaches_letters_that_wait() {
    let refuse =
        Script::new().at(At::Mail, Who::Anyone, Action::reply("550 5.7.1 not your domain"));
    let relay = Relay::with(refuse);
    let workspace = Workspace::with_people(2).relay(&relay).now(FIRST);
    assert_eq!(workspace.send().0, Some(3), "the sender is refused");
    relay.change(Script::new());
    let sender = "[campaigns.outcome.sender]\nbounce_address = \"bounces@forum.example\"\n";
    let workspace = workspace.config(sender).now("2026-11-05T10:30:00Z");
    assert_eq!(workspace.send().0, Some(0));
    let senders: Vec<String> = relay
        .commands()
        .iter()
        .map(|c| format!("{c:?}"))
        .filter(|c| c.contains("bounces@"))
        .collect();
    assert_eq!(senders.len(), 2, "{:?}", relay.commands());
}

/// A finished mailing whose letter is edited afterwards sends nothing, and says why.
#[test]
fn a_finished_mailing_stays_finished_whatever_is_edited() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay).now(FIRST);
    assert_eq!(workspace.send().0, Some(0));
    let edited = "Subject: Too late\n\n{{ greeting }}\n\nToo late.\n\n{{ signature }}\n";
    let workspace = workspace.letter("outcome", "en", edited);
    let output = workspace.run(&["send"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(output.stdout.contains("secretariat new"), "{output:#?}");
    proof::everybody_has_one(&relay, 2);
}
