//! An old ledger that was put back: it must not send what went since.

use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Workspace, copy_folder, person};
use crate::support::{eventually, proof};
use std::path::PathBuf;
use std::time::Duration;

fn private(workspace: &Workspace) -> PathBuf {
    workspace.path().join(".secretariat")
}

/// A mailing in which one letter waited when the backup was made, and has gone since.
fn restored() -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    let backup = workspace.beside("backup");
    copy_folder(&private(&workspace), &backup);
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-05T10:30:00Z");
    assert_eq!(workspace.send().0, Some(0));
    copy_folder(&backup, &private(&workspace));
    (workspace, relay)
}

#[test]
fn a_restored_ledger_sends_nothing_until_it_is_owned() {
    let (workspace, relay) = restored();
    for _ in 0..2 {
        let (code, json) = workspace.send();
        assert_eq!((code, &json["problems"][0]["code"]), (Some(3), &"restored-ledger".into()));
        let hint = json["problems"][0]["hint"].as_str().expect("a hint");
        assert!(hint.contains("secretariat resolve --restored-ledger"), "{hint}");
        assert!(hint.contains("are not in it: leave them out"), "{hint}");
    }
    let owned = workspace.run(&["resolve", "--restored-ledger", "--reason", "the disk died"]);
    assert_eq!(owned.code, Some(0), "{owned:#?}");
    assert!(owned.stdout.contains("1 letter in doubt now"), "{owned:#?}");
    let said = "People who were added to the lists after this ledger was saved, and mailings";
    assert!(owned.stdout.contains(said), "{owned:#?}");
    assert_eq!(proof::counts(&workspace)["uncertain"], 1);
    let why = workspace.run(&["why", &person(2)]);
    assert!(why.stdout.contains("the disk died"), "{why:#?}");
    assert_eq!(workspace.send().0, Some(1), "it may send again, and has nothing it may send");
    let settled = workspace.run(&["resolve", &person(2), "--accepted", "--reason", "asked her"]);
    assert_eq!(settled.code, Some(0), "{settled:#?}");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 3);
}

/// Neither a terminal nor a plan code is needed to be told, and looking is told, too.
#[test]
fn an_old_ledger_is_told_of_before_the_question_and_takes_no_orders() {
    let (workspace, relay) = restored();
    let before = workspace.inventory();
    for command in [&["send"][..], &["cancel", "--yes"], &["cancel"], &["pause"], &["resume"]] {
        let (code, json) = workspace.run_json(command);
        assert_eq!(code, Some(3), "{command:?}: {json:#}");
        assert_eq!(json["problems"][0]["code"], "restored-ledger", "{command:?}: {json:#}");
    }
    let status = workspace.run(&["status"]);
    for looked in [&status, &workspace.run(&["why", &person(2)]), &workspace.run::<&str>(&[])] {
        assert_eq!(looked.code, Some(0), "{looked:#?}");
        assert!(looked.stderr.contains("warning: this ledger is older"), "{looked:#?}");
        assert!(looked.stderr.contains("resolve --restored-ledger"), "{looked:#?}");
        assert!(!looked.everything().contains("nobody gets it twice"), "{looked:#?}");
    }
    let (_, json) = workspace.run_json(&["status"]);
    assert_eq!(json["problems"][0]["severity"], "warning", "{json:#}");
    assert_eq!(json["counts"]["deferred"], 1, "{json:#}");
    assert_eq!(workspace.inventory(), before, "nothing was changed");
    let owned = workspace.run(&["resolve", "--restored-ledger", "--reason", "the disk died"]);
    assert_eq!(owned.code, Some(0), "{owned:#?}");
    let status = workspace.run(&["status"]);
    assert!(!status.everything().contains("this ledger is older"), "{status:#?}");
    assert_eq!(relay.count(), 3);
}

/// A computer that never saw the ledger knows nothing against it; one that saw less does neither.
#[test]
fn a_workspace_that_comes_from_another_computer_goes_on() {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    let there = workspace.beside("state-there").to_string_lossy().into_owned();
    let here = workspace.beside("state").to_string_lossy().into_owned();
    let workspace = workspace.variable("SECRETARIAT_STATE_DIR", &there);
    let workspace = workspace.now("2026-11-05T10:30:00Z").people(4);
    assert_eq!(workspace.send().0, Some(0));
    let workspace = workspace.variable("SECRETARIAT_STATE_DIR", &here).people(5);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 5);
}

#[test]
fn a_killed_run_leaves_the_ledger_ahead_and_is_no_restored_one() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(100)));
    let workspace = Workspace::with_people(20).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan, "--no-wait"]);
    assert!(eventually(Duration::from_secs(20), || relay.count() > 1));
    let locked = workspace.run(&["resolve", "--restored-ledger", "--reason", "x"]);
    assert_eq!(locked.code, Some(3), "a run is at work: {locked:#?}");
    assert!(locked.stderr.contains("another run is at work"), "{locked:#?}");
    running.kill();
    // As if it had been killed between the ledger's count and this computer's.
    std::fs::remove_dir_all(workspace.beside("state")).expect("a memory");
    relay.change(Script::new());
    let code = workspace.send().0;
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    proof::check(&workspace, &relay, 20, 2);
}

/// A home that cannot be written must not stop a mailing; that it is not protected is said.
#[test]
fn a_state_folder_that_cannot_be_written_is_a_warning() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay);
    std::fs::write(workspace.beside("file"), "").expect("written");
    let state = workspace.beside("file/state").to_string_lossy().into_owned();
    let workspace = workspace.variable("SECRETARIAT_STATE_DIR", &state);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let problem = &json["problems"][0];
    assert_eq!((&problem["severity"], &problem["code"]), (&"warning".into(), &"run-memory".into()));
    proof::everybody_has_one(&relay, 2);
}

/// What cannot be understood may say that the ledger is old: then nothing goes.
#[test]
fn a_memory_that_cannot_be_understood_stops_and_says_which_file() {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(2).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    let runs = workspace.beside("state/runs");
    let file = std::fs::read_dir(&runs).expect("runs").next().expect("one").expect("one").path();
    std::fs::write(&file, "four").expect("written");
    let (code, json) = workspace.send();
    assert_eq!((code, &json["problems"][0]["code"]), (Some(3), &"run-memory".into()), "{json:#}");
    assert!(
        json["problems"][0]["hint"].as_str().expect("a hint").contains(&*file.to_string_lossy())
    );
    assert_eq!(relay.count(), 1);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(workspace.send().0, Some(4));
}
