//! Workspaces that several computers see: the ledger stays on the one that began.

use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Workspace, files_under, person};

/// At another computer, which sees the same workspace and has folders of its own.
fn at_another(workspace: Workspace) -> Workspace {
    let data = workspace.beside("data-there").to_string_lossy().into_owned();
    let state = workspace.beside("state-there").to_string_lossy().into_owned();
    workspace
        .variable("HOSTNAME", "desk-4")
        .variable("SECRETARIAT_DATA_DIR", &data)
        .variable("SECRETARIAT_STATE_DIR", &state)
}

fn at_home(workspace: Workspace) -> Workspace {
    let data = workspace.beside("data").to_string_lossy().into_owned();
    let state = workspace.beside("state").to_string_lossy().into_owned();
    workspace
        .variable("HOSTNAME", "desk-3")
        .variable("SECRETARIAT_DATA_DIR", &data)
        .variable("SECRETARIAT_STATE_DIR", &state)
}

/// A mailing in OneDrive with one letter that waits, begun at desk-3.
fn synchronised() -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay).moved_to("OneDrive - Forum/mailing");
    let workspace = at_home(workspace);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    (workspace.now("2026-11-05T10:30:00Z"), relay)
}

#[test]
fn the_ledger_of_a_synchronised_workspace_is_not_in_it() {
    let (workspace, relay) = synchronised();
    assert_eq!(files_under(&workspace.path().join(".secretariat")), ["ledger-at.toml"]);
    let pointer = std::fs::read_to_string(workspace.path().join(".secretariat/ledger-at.toml"));
    assert!(pointer.expect("a pointer").contains("machine = \"desk-3\""));
    let ours = files_under(&workspace.beside("data"));
    assert!(ours.iter().any(|name| name.ends_with("/ledger.db")), "{ours:?}");
    assert!(ours.iter().any(|name| name.contains("/objects/")), "{ours:?}");
    assert_eq!(proof::counts(&workspace)["accepted"], 2);
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 3);
}

#[test]
fn another_computer_is_told_which_one_holds_the_ledger() {
    let (workspace, relay) = synchronised();
    let workspace = at_another(workspace);
    let before = workspace.inventory();
    let sessions = relay.sessions();
    for command in [
        &["send", "--no-wait"][..],
        &["status"],
        &["why", "given1"],
        &["pause"],
        &["cancel", "--yes"],
        &["resolve", "given1", "--accepted", "--reason", "x"],
        &[],
    ] {
        let output = workspace.run(command);
        assert_eq!(output.code, Some(3), "{command:?}: {output:#?}");
        assert!(output.stderr.contains("is on the computer desk-3"), "{command:?}: {output:#?}");
        assert!(output.stderr.contains("Send from desk-3"), "{command:?}: {output:#?}");
    }
    for command in [&["check"][..], &["preview"], &["send", "--dry-run"]] {
        assert_eq!(workspace.run(command).code, Some(0), "looking is free: {command:?}");
    }
    assert_eq!((workspace.inventory(), relay.sessions()), (before, sessions));
    assert!(!workspace.beside("data-there").exists(), "nothing was made");
    assert_eq!(at_home(workspace).send().0, Some(0), "and the first one goes on");
}

#[test]
fn a_workspace_may_be_moved_in_and_out() {
    let (workspace, relay) = synchronised();
    let workspace = workspace.moved_to("Documents/mailing");
    assert_eq!(workspace.send().0, Some(0), "its ledger is where it was");
    proof::everybody_has_one(&relay, 3);

    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    let workspace = workspace.moved_to("Dropbox/mailing").now("2026-11-05T10:30:00Z");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "it goes on with the ledger that is in it: {json:#}");
    assert_eq!(json["problems"][0]["code"], "ledger-synchronised", "{json:#}");
    proof::everybody_has_one(&relay, 3);
}

#[test]
fn a_ledger_that_is_gone_or_claimed_twice_stops() {
    let (workspace, relay) = synchronised();
    let sessions = relay.sessions();
    let private = workspace.path().join(".secretariat");
    let copy = private.join("ledger-at-desk-4.toml");
    std::fs::write(&copy, "machine = \"desk-4\"\n").expect("written");
    let twice = workspace.run(&["send", "--no-wait"]);
    assert_eq!(twice.code, Some(3), "{twice:#?}");
    assert!(twice.stderr.contains("two computers began to send"), "{twice:#?}");
    std::fs::remove_file(copy).expect("removed");
    std::fs::rename(workspace.beside("data"), workspace.beside("lost")).expect("moved");
    let gone = workspace.run(&["send", "--no-wait"]);
    assert_eq!(gone.code, Some(3), "{gone:#?}");
    assert!(gone.stderr.contains("should be on this computer, in "), "{gone:#?}");
    assert_eq!(relay.sessions(), sessions, "nothing was sent");
    std::fs::rename(workspace.beside("lost"), workspace.beside("data")).expect("moved");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(relay.bytes_for(&person(2)).len(), 1);
}

/// Whoever copies the workspace has no ledger in the copy: that is said when there is one to keep.
#[test]
fn the_first_send_says_where_the_ledger_is_kept() {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(3).relay(&relay).moved_to("OneDrive - Forum/mailing");
    let workspace = at_home(workspace);
    let plan = workspace.fingerprint();
    let data = workspace.beside("data").to_string_lossy().into_owned();
    let first = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
    assert_eq!(first.code, Some(4), "{first:#?}");
    assert!(first.stderr.contains("is in OneDrive"), "{first:#?}");
    assert!(first.stderr.contains(&format!("on this computer only, in {data}")), "{first:#?}");
    let second = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
    assert!(!second.everything().contains("on this computer only"), "said once: {second:#?}");

    let workspace = Workspace::with_people(1).relay(&relay).moved_to("Dropbox/mailing");
    let (_, json) = workspace.send();
    let told = |json: &serde_json::Value| {
        let problems = json["problems"].as_array().expect("a list").clone();
        problems.into_iter().find(|problem| problem["code"] == "ledger-beside")
    };
    assert_eq!(told(&json).expect("a note")["severity"], "note", "{json:#}");
    let inside = Workspace::with_people(1).relay(&relay);
    assert_eq!(told(&inside.send().1), None);
}
