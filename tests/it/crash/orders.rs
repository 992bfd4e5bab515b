//! `pause`, `resume`, `cancel` and `resolve` die in the middle: said again, they are done, once.

use super::{CRASH_AT, TRANSACTION, walk};
use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, copy_folder, person};

const PEOPLE: usize = 3;

/// A restored ledger is owned under the run lock, and the computer remembers it.
const OWNING: [&str; 4] = ["lock-taken", "lock-named", "memory-written", "memory-renamed"];

/// Every point that is walked here.
pub(super) fn walked() -> impl Iterator<Item = &'static str> {
    TRANSACTION.into_iter().chain(OWNING)
}

/// Lets an order die at each of these points and gives it again, until it is carried out.
#[track_caller]
fn check(
    order: &[&str],
    points: &[&str],
    made: impl Fn() -> (Workspace, Relay),
    holds: impl Fn(&Workspace, &Relay, &str),
) {
    let name = order.join(" ");
    // Each of them passes a point once.
    walk(&name, points, &[1, 2], |at| {
        let (workspace, relay) = made();
        let went = relay.count();
        let armed = workspace.variable(CRASH_AT, at);
        let output = armed.run(order);
        let workspace = armed.variable(CRASH_AT, "");
        if output.code.is_some() {
            assert_eq!(output.code, Some(0), "{name}, {at}: {output:#?}");
            return false;
        }
        let at = format!("{name}, {at}");
        assert_eq!(proof::counts(&workspace)["total"], PEOPLE as u64, "{at}");
        let again = workspace.run(order);
        // Done before it died, `resolve` finds nothing in doubt any more.
        let is_done = matches!(again.code, Some(0 | 3));
        assert!(is_done, "{at}: {again:#?}");
        assert_eq!(relay.count(), went, "{at}: an order sends nothing");
        holds(&workspace, &relay, &at);
        true
    });
}

/// A confirmed mailing of which nothing has gone.
fn waiting() -> (Workspace, Relay) {
    let workspace = Workspace::with_people(PEOPLE);
    assert_eq!(workspace.send().0, Some(4), "nobody listens");
    let relay = Relay::start();
    (workspace.relay(&relay), relay)
}

#[test]
fn a_pause_holds_or_does_not_and_holds_when_it_is_said_again() {
    check(&["pause"], &TRANSACTION, waiting, |workspace, relay, at| {
        let (code, json) = workspace.send();
        assert_eq!((code, relay.sessions()), (Some(4), 0), "{at}: {json:#}");
        assert_eq!(json["problems"][0]["code"], "paused", "{at}: {json:#}");
        assert_eq!(workspace.run(&["resume"]).code, Some(0), "{at}");
        assert_eq!(workspace.send().0, Some(0), "{at}");
        proof::everybody_has_one(relay, PEOPLE);
    });
}

#[test]
fn a_pause_is_taken_back_when_that_is_said_again() {
    let paused = || {
        let (workspace, relay) = waiting();
        assert_eq!(workspace.run(&["pause"]).code, Some(0));
        (workspace, relay)
    };
    check(&["resume"], &TRANSACTION, paused, |workspace, relay, at| {
        assert_eq!(workspace.send().0, Some(0), "{at}");
        proof::everybody_has_one(relay, PEOPLE);
    });
}

#[test]
fn a_mailing_is_withdrawn_whole_when_it_is_said_again() {
    check(&["cancel", "--yes"], &TRANSACTION, waiting, |workspace, relay, at| {
        let counts = proof::counts(workspace);
        assert_eq!(counts["cancelled"], PEOPLE as u64, "{at}: {counts:?}");
        let asked = workspace.run(&["send"]);
        assert_eq!((asked.code, relay.sessions()), (Some(3), 0), "{at}: {asked:#?}");
        assert_eq!(workspace.send().0, Some(0), "{at}: confirmed anew");
        proof::everybody_has_one(relay, PEOPLE);
    });
}

/// A mailing with one letter in doubt, which the relay has or has not got.
fn doubted(at: At) -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().at(at, Who::Local("person-0002".into()), Action::Reset));
    let workspace = Workspace::with_people(PEOPLE).relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    assert_eq!(proof::counts(&workspace)["uncertain"], 1);
    relay.change(Script::new());
    (workspace, relay)
}

#[test]
fn a_letter_in_doubt_is_settled_once() {
    let who = person(2);
    let accepted = ["resolve", &who, "--accepted", "--reason", "their log"];
    check(
        &accepted,
        &TRANSACTION,
        || doubted(At::Accepted),
        |workspace, relay, at| {
            assert_eq!(workspace.send().0, Some(0), "{at}: it does not go again");
            proof::everybody_has_one(relay, PEOPLE);
        },
    );
    let resend = ["resolve", &who, "--resend", "--reason", "not in their log"];
    check(
        &resend,
        &TRANSACTION,
        || doubted(At::EndOfMessage),
        |workspace, relay, at| {
            assert_eq!(workspace.send().0, Some(0), "{at}: it goes again, once");
            proof::everybody_has_one(relay, PEOPLE);
        },
    );
}

/// An old ledger, in which a letter waits that has gone since.
fn restored() -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(PEOPLE).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    let (folder, backup) = (workspace.path().join(".secretariat"), workspace.beside("backup"));
    copy_folder(&folder, &backup);
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-05T10:30:00Z");
    assert_eq!(workspace.send().0, Some(0));
    copy_folder(&backup, &folder);
    (workspace, relay)
}

#[test]
fn a_restored_ledger_is_owned_whole_and_sends_nothing_twice() {
    let order = ["resolve", "--restored-ledger", "--reason", "the disk died"];
    let points: Vec<&str> = TRANSACTION.into_iter().chain(OWNING).collect();
    check(&order, &points, restored, |workspace, relay, at| {
        assert_eq!(workspace.send().0, Some(1), "{at}: it may send, and has nothing it may send");
        assert_eq!(proof::counts(workspace)["uncertain"], 1, "{at}");
        proof::everybody_has_one(relay, PEOPLE);
    });
}
