//! `pause`, `resume`, `cancel`: what a person orders for a whole mailing, also while it goes.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Output, Running, Workspace, person};
use crate::support::{eventually, proof};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A confirmed mailing of which nothing has gone: nobody listens at its relay yet.
fn waiting(people: usize) -> Workspace {
    let workspace = Workspace::with_people(people);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "{json:#}");
    assert_eq!(json["counts"]["planned"], people, "{json:#}");
    workspace
}

#[track_caller]
fn done(workspace: &Workspace, command: &[&str], words: &str) -> Output {
    let output = workspace.run(command);
    assert_eq!(output.code, Some(0), "{output:#?}");
    // Text for people is wrapped.
    let said = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(words), "{words:?}: {output:#?}");
    output
}

#[test]
fn nothing_goes_while_paused_and_everything_after() {
    let relay = Relay::start();
    let workspace = waiting(3).relay(&relay);
    done(&workspace, &["pause"], "outcome is paused: 3 letters stay until secretariat resume");
    done(&workspace, &["pause"], "paused already, since 5 November 2026");
    done(&workspace, &["status"], "Paused since 5 November 2026");
    done(&workspace, &[], "Paused since 5 November 2026");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "{json:#}");
    assert_eq!(json["problems"][0]["code"], "paused", "{json:#}");
    let hint = json["problems"][0]["hint"].as_str().expect("a hint");
    assert!(hint.contains("secretariat resume outcome"), "{hint}");
    assert_eq!((json["paused"].as_bool(), relay.sessions()), (Some(true), 0));
    done(&workspace, &["resume"], "outcome may go on: 3 letters wait. Next: secretariat send");
    done(&workspace, &["resume"], "outcome is not paused");
    let (code, json) = workspace.send();
    assert_eq!((code, json["paused"].as_bool()), (Some(0), Some(false)), "{json:#}");
    proof::everybody_has_one(&relay, 3);
}

/// The answers to programs: what `status` has, and a note where nothing changed.
#[test]
fn orders_answer_as_status_does() {
    let workspace = waiting(2);
    for (command, paused, note) in [
        ("pause", true, None),
        ("pause", true, Some("already-paused")),
        ("resume", false, None),
        ("resume", false, Some("not-paused")),
    ] {
        let (code, json) = workspace.run_json(&[command]);
        assert_eq!((code, json["command"].as_str()), (Some(0), Some(command)), "{json:#}");
        assert_eq!((&json["paused"], &json["counts"]["planned"]), (&paused.into(), &2.into()));
        assert_eq!(json["problems"][0]["code"].as_str(), note, "{json:#}");
    }
    let (code, json) = workspace.run_json(&["cancel", "--yes"]);
    assert_eq!((code, &json["counts"]["cancelled"]), (Some(0), &2.into()), "{json:#}");
}

#[test]
fn an_order_for_a_mailing_that_never_was_makes_nothing() {
    let workspace = Workspace::with_people(2);
    workspace.write_config();
    let before = workspace.inventory();
    for command in ["pause", "resume", "cancel"] {
        done(&workspace, &[command], "nothing of outcome was ever confirmed");
    }
    assert_eq!(workspace.inventory(), before);
    let unknown = workspace.run(&["pause", "outcom"]);
    assert_eq!(unknown.code, Some(3), "{unknown:#?}");
}

#[test]
fn a_mailing_is_withdrawn_only_when_somebody_says_so() {
    let relay = Relay::start();
    let workspace = waiting(3).relay(&relay);
    let asked = workspace.run(&["cancel"]);
    assert_eq!(asked.code, Some(2), "{asked:#?}");
    assert!(asked.stderr.contains("3 letters would be withdrawn"), "{asked:#?}");
    assert!(asked.stderr.contains("secretariat cancel outcome --yes"), "{asked:#?}");
    assert_eq!(proof::counts(&workspace)["planned"], 3, "nothing was withdrawn");
    let reason = "--reason=the date is wrong";
    let withdrawn = done(&workspace, &["cancel", "--yes", reason], "3 letters withdrawn.");
    assert!(withdrawn.stdout.contains("Withdrawn on 5 November 2026"), "{withdrawn:#?}");
    done(&workspace, &["why", &person(2)], "the date is wrong");
    done(&workspace, &["status"], "secretariat send outcome asks again");
    done(&workspace, &["cancel", "--yes"], "nothing of outcome is waiting");
    assert_eq!(relay.sessions(), 0);
}

/// It must neither go in silence nor be nothing for ever.
#[test]
fn a_withdrawn_mailing_goes_only_when_it_is_confirmed_again() {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    done(&workspace, &["cancel", "--yes"], "1 letter withdrawn.");
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-05T10:30:00Z");
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(3), "{asked:#?}");
    assert!(asked.stderr.contains("the mailing was withdrawn on 5 November 2026"), "{asked:#?}");
    assert!(asked.stderr.contains("secretariat send --plan"), "{asked:#?}");
    assert_eq!(relay.count(), 2, "nothing went unasked");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    proof::everybody_has_one(&relay, 3);
    done(&workspace, &["status"], "Complete.");
}

#[test]
fn a_finished_mailing_has_nothing_to_withdraw_and_stays_finished() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    done(&workspace, &["cancel"], "nothing of outcome is waiting; nothing was withdrawn");
    let again = workspace.run(&["send"]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert!(again.stdout.contains("went to 2 people"), "{again:#?}");
}

/// A mailing of a few seconds that is under way, and its relay.
fn under_way(people: usize, options: &[&str]) -> (Workspace, Relay, Running) {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(150)));
    let workspace = Workspace::with_people(people).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&[&["send", "--plan", &plan], options].concat());
    assert!(eventually(Duration::from_secs(20), || relay.count() > 1));
    (workspace, relay, running)
}

/// Orders take their turn at the ledger while a run writes to it.
#[test]
fn a_mailing_is_withdrawn_while_a_run_is_at_work() {
    let people = 40;
    let (workspace, relay, running) = under_way(people, &[]);
    done(&workspace, &["cancel", "--yes"], "withdrawn.");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "nothing waits any more: {ended:#?}");
    let states = proof::check(&workspace, &relay, people, 0);
    let of = |wanted: &str| states.values().filter(|state| *state == wanted).count();
    assert_eq!(of("accepted") + of("cancelled"), people, "{states:?} {ended:#?}");
    assert!(of("cancelled") > 0 && of("accepted") == relay.count(), "{states:?} {ended:#?}");
}

#[test]
fn a_run_waits_while_its_mailing_is_paused_and_then_goes_on() {
    let people = 40;
    let (workspace, relay, running) = under_way(people, &[]);
    done(&workspace, &["pause"], "The run at work finishes letters under way and waits.");
    // What is under way is finished; then it is quiet.
    let mut before = 0;
    assert!(eventually(Duration::from_secs(20), || {
        std::thread::sleep(Duration::from_millis(700));
        std::mem::replace(&mut before, relay.count()) == relay.count()
    }));
    assert!(before < people, "the pause came too late to show anything");
    done(&workspace, &["resume"], "The run at work goes on.");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    proof::everybody_has_one(&relay, people);
}

#[test]
fn a_run_that_never_waits_ends_when_its_mailing_is_paused() {
    let people = 40;
    let (workspace, relay, running) = under_way(people, &["--no-wait"]);
    done(&workspace, &["pause"], "outcome is paused");
    let ended = running.wait();
    assert_eq!(ended.code, Some(4), "{ended:#?}");
    assert!(ended.stderr.contains("the mailing is paused"), "{ended:#?}");
    assert!(relay.count() < people);
    proof::check(&workspace, &relay, people, 0);
}

/// The relay thinks about a recipient, the mailing is withdrawn, and then it refuses for now: that
/// is no failure, and the letter does not go five minutes later.
#[test]
fn a_letter_that_is_refused_for_now_after_its_mailing_was_withdrawn_stays_withdrawn() {
    // In a flight the intent is durable before the question is asked; asking first, after its
    // answer.
    for way in ["", "disable = [\"CHUNKING\", \"PIPELINING\"]"] {
        let is_withdrawn = Arc::new(AtomicBool::new(false));
        let may_answer = is_withdrawn.clone();
        let relay = Relay::with(Script::new().choosing(move |moment| {
            (moment.at == At::Recipient).then(|| {
                eventually(Duration::from_secs(60), || may_answer.load(Ordering::SeqCst));
                Action::reply("451 4.7.1 later")
            })
        }));
        let workspace = waiting(2).relay(&relay).relay_lines(&format!("connections = 1\n{way}"));
        let running = workspace.spawn(&["send", "--plan", &workspace.fingerprint()]);
        assert!(eventually(Duration::from_secs(60), || relay.transactions() > 0));
        done(&workspace, &["cancel", "--yes"], "withdrawn.");
        is_withdrawn.store(true, Ordering::SeqCst);
        let ended = running.wait();
        assert_eq!(ended.code, Some(0), "{way}: {ended:#?}");
        // It may have been waiting already when it saw the withdrawal.
        assert!(!ended.stderr.contains("error"), "{way}: {ended:#?}");
        let states = proof::check(&workspace, &relay, 2, 0);
        assert!(states.values().all(|state| state == "cancelled"), "{way}: {states:?}");
        let why = done(&workspace, &["why", &person(1)], "451 4.7.1 later");
        assert!(why.stdout.contains("the mailing was withdrawn"), "{way}: {why:#?}");
    }
}

/// Nothing waits any more, and the last letter is under way: the order is about that one too.
#[test]
fn the_last_letter_under_way_is_withdrawn_as_well_where_it_is_refused_for_now() {
    let is_withdrawn = Arc::new(AtomicBool::new(false));
    let may_answer = is_withdrawn.clone();
    let relay = Relay::with(Script::new().choosing(move |moment| {
        (moment.at == At::EndOfMessage).then(|| {
            eventually(Duration::from_secs(60), || may_answer.load(Ordering::SeqCst));
            Action::reply("451 4.3.0 later")
        })
    }));
    let workspace = waiting(1).relay(&relay);
    let running = workspace.spawn(&["send", "--plan", &workspace.fingerprint()]);
    // The configuration is not written anew while the run may be reading it.
    let status = || workspace.run_as_it_is(&["status", "--format", "json"]).json();
    let under_way = || status()["counts"]["attempting"] == 1;
    if !eventually(Duration::from_secs(20), under_way) {
        panic!("never under way: {:#?}", running.kill());
    }
    done(&workspace, &["cancel"], "refused for now, it is withdrawn as well");
    is_withdrawn.store(true, Ordering::SeqCst);
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(proof::counts(&workspace)["cancelled"], 1, "{ended:#?}");
}

/// A run that was killed finishes nothing any more.
#[test]
fn who_withdraws_after_a_kill_is_not_told_that_letters_are_finished() {
    let relay = Relay::with(Script::new().at(
        At::EndOfMessage,
        Who::Anyone,
        Action::Wait(Duration::from_secs(60)),
    ));
    let workspace = waiting(3).relay(&relay).relay_lines("connections = 1");
    let running = workspace.spawn(&["send", "--plan", &workspace.fingerprint()]);
    // The configuration is not written anew while the run may be reading it.
    let status = || workspace.run_as_it_is(&["status", "--format", "json"]).json();
    let under_way = || status()["counts"]["attempting"] == 1;
    if !eventually(Duration::from_secs(20), under_way) {
        panic!("never under way: {:#?}", running.kill());
    }
    running.kill();
    let output = done(&workspace, &["cancel", "--yes"], "2 letters withdrawn.");
    assert!(!output.stdout.contains("is finished"), "{output:#?}");
    assert!(output.stdout.contains(&person(1)), "who is in doubt is named: {output:#?}");
}
