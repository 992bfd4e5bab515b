//! A run whose ledger fails in the middle: what is under way is finished, what can be recorded is,
//! and whoever it is about is named.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, person};
use crate::support::{eventually, proof};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A confirmed mailing on one connection, of which nothing has gone.
fn waiting(people: usize) -> Workspace {
    let workspace = Workspace::with_people(people).relay_lines("connections = 1");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "{json:#}");
    workspace
}

/// Changes the ledger behind the program's back.
fn meddle(workspace: &Workspace, sql: &str) {
    let file = workspace.path().join(".secretariat/ledger.db");
    let ledger = rusqlite::Connection::open(file).expect("a ledger");
    ledger.busy_timeout(Duration::from_secs(10)).expect("a wait");
    ledger.execute_batch(sql).expect("changed");
}

/// One connection finds that the ledger cannot be read; the letter of another is being taken.
#[test]
fn a_letter_under_way_is_finished_and_recorded_when_the_run_breaks_off() {
    let may_answer = Arc::new(AtomicBool::new(false));
    let asked = may_answer.clone();
    let relay = Relay::with(Script::new().choosing(move |moment| {
        if moment.at == At::EndOfMessage {
            eventually(Duration::from_secs(60), || asked.load(Ordering::SeqCst));
        }
        None
    }));
    let workspace = waiting(2).relay(&relay);
    let mut running = workspace.spawn(&["send", "--plan", &workspace.fingerprint()]);
    // The configuration is not written anew while the run may be reading it.
    let status = || workspace.run_as_it_is(&["status", "--format", "json"]).json();
    let under_way = || status()["counts"]["attempting"] == 1;
    if !eventually(Duration::from_secs(20), under_way) {
        panic!("never under way: {:#?}", running.kill());
    }
    meddle(&workspace, "ALTER TABLE pauses RENAME TO elsewhere");
    let ended_early = eventually(Duration::from_secs(3), || running.has_ended());
    may_answer.store(true, Ordering::SeqCst);
    let ended = running.wait();
    meddle(&workspace, "ALTER TABLE elsewhere RENAME TO pauses");
    assert!(!ended_early, "a letter was under way: {ended:#?}");
    assert!(ended.stderr.contains("no such table: pauses"), "{ended:#?}");
    let states = proof::check(&workspace, &relay, 2, 0);
    let of = |wanted: &str| states.values().filter(|state| *state == wanted).count();
    assert_eq!((of("accepted"), of("planned")), (1, 1), "{states:?} {ended:#?}");
}

/// The intent of a letter shares its commit with the answer before; where that one cannot be kept,
/// the letter does not go, and nobody is asked about it.
#[test]
fn a_letter_that_never_left_is_not_in_doubt_because_another_could_not_be_recorded() {
    let relay = Relay::start();
    let workspace = waiting(3).relay(&relay);
    meddle(
        &workspace,
        "CREATE TRIGGER odd BEFORE INSERT ON events WHEN new.kind = 'accepted' AND new.delivery = 1
             BEGIN SELECT raise(ABORT, 'odd'); END",
    );
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "{json:#}");
    let message = json["problems"][0]["message"].as_str().expect("a message");
    assert!(message.contains(&person(1)) && message.contains("250"), "{message}");
    assert_eq!(relay.count(), 1);
    meddle(&workspace, "DROP TRIGGER odd");
    let counts = proof::counts(&workspace);
    assert_eq!(
        (counts["attempting"], counts["deferred"], counts["planned"]),
        (1, 1, 1),
        "{json:#}"
    );
    let (code, json) = workspace.send();
    assert_eq!(code, Some(1), "only the first is in doubt: {json:#}");
    let counts = proof::counts(&workspace);
    assert_eq!((counts["uncertain"], counts["accepted"]), (1, 2), "{json:#}");
    proof::everybody_has_one(&relay, 3);
}

#[test]
fn whoever_could_not_be_put_back_is_named() {
    let refused = Action::reply("550 5.7.1 not from this sender");
    let relay = Relay::with(Script::new().at(At::EndOfMessage, Who::Anyone, refused));
    let workspace = waiting(4).relay(&relay);
    meddle(
        &workspace,
        "CREATE TRIGGER odd BEFORE UPDATE ON deliveries
             WHEN old.state = 'rejected' AND new.state = 'deferred' AND old.row = 1
             BEGIN SELECT raise(ABORT, 'odd'); END",
    );
    let ended = workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"]);
    let said = format!("the letter for {} was refused because of you", person(1));
    assert!(ended.stderr.contains(&said), "{ended:#?}");
    assert!(!ended.stderr.contains("earlier letter"), "{ended:#?}");
    let counts = proof::counts(&workspace);
    assert_eq!((counts["rejected"], counts["deferred"]), (1, 2), "{ended:#?}");
}
