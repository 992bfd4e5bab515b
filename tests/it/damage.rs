//! Ledgers that cannot be used: newer, damaged, cut off, not to be written, no room.
//!
//! One clear message each, exit 3, nothing sent, and nothing lost once the cause is gone.

use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Output, Workspace};
use crate::support::{eventually, proof};
use std::path::PathBuf;
use std::time::Duration;

/// A mailing of four with one letter that waits; the relay takes everything now.
fn half_gone() -> (Workspace, Relay) {
    let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = Workspace::with_people(4).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    (workspace.now("2026-11-05T10:30:00Z"), relay)
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.path().join(".secretariat/ledger.db")
}

fn errors(output: &Output) -> usize {
    output.stderr.lines().filter(|line| line.starts_with("error: ")).count()
}

/// `send`, `status` and `pause` end with 3 and these words, and the relay is not spoken to.
#[track_caller]
fn refused(workspace: &Workspace, relay: &Relay, words: &[&str]) {
    let sessions = relay.sessions();
    let outputs: Vec<Output> = ["send", "status", "pause"].map(|c| workspace.run(&[c])).into();
    for output in outputs {
        assert_eq!(output.code, Some(3), "{output:#?}");
        for word in words {
            assert!(output.stderr.contains(word), "{word:?}: {output:#?}");
        }
        assert_eq!(errors(&output), 1, "one message: {output:#?}");
    }
    assert_eq!(relay.sessions(), sessions, "nothing was sent");
}

#[test]
fn a_ledger_from_a_newer_version_is_left_alone() {
    let (workspace, relay) = half_gone();
    let open = || rusqlite::Connection::open(file(&workspace)).expect("a database");
    let version = |n: i64| open().pragma_update(None, "user_version", n).expect("written");
    let ours = open().pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
    version(99);
    refused(&workspace, &relay, &["ledger.db", "format 99", "Use the version of secretariat"]);
    version(ours);
    assert_eq!(workspace.send().0, Some(0), "nothing was lost");
    proof::everybody_has_one(&relay, 4);
}

#[test]
fn a_ledger_cut_off_or_overwritten_sends_nothing() {
    let (workspace, relay) = half_gone();
    let sound = std::fs::read(file(&workspace)).expect("a ledger");
    let damaged: [(&str, Vec<u8>); 3] = [
        ("half of it", sound[..sound.len() / 2].to_vec()),
        ("its first page", sound[..4096].to_vec()),
        ("something else", b"these are my notes on the forum\n".repeat(400)),
    ];
    for (what, bytes) in damaged {
        std::fs::write(file(&workspace), bytes).expect("written");
        println!("{what}");
        refused(&workspace, &relay, &["ledger.db", "damaged", "backup"]);
    }
    std::fs::write(file(&workspace), &sound[..sound.len() - 1000]).expect("written");
    let cut = workspace.run(&["send"]);
    assert_eq!((cut.code, errors(&cut)), (Some(3), 1), "{cut:#?}");
    assert!(cut.stderr.contains("damaged: its end is cut off"), "{cut:#?}");
    std::fs::write(file(&workspace), sound).expect("written");
    assert_eq!(workspace.send().0, Some(0), "nothing was lost");
    proof::everybody_has_one(&relay, 4);
}

/// Every command that needs the ledger ends with 3 and one message; the relay is not spoken to.
#[track_caller]
fn lost(workspace: &Workspace, relay: &Relay, words: &[&str]) {
    let sessions = relay.sessions();
    let plan = workspace.fingerprint();
    let before = workspace.inventory();
    for command in [
        &["send"][..],
        &["send", "--plan", &plan, "--no-wait"],
        &["status"],
        &["why", "given1"],
        &["pause"],
        &["cancel", "--yes"],
        &["resolve", "given1", "--resend", "--reason", "x"],
        &["resolve", "--restored-ledger", "--reason", "x"],
        &[],
    ] {
        let output = workspace.run(command);
        assert_eq!((output.code, errors(&output)), (Some(3), 1), "{command:?}: {output:#?}");
        for word in ["the ledger is gone", "from your newest backup"].iter().chain(words) {
            assert!(output.stderr.contains(word), "{command:?}, {word:?}: {output:#?}");
        }
    }
    let (_, json) = workspace.run_json(&["send", "--plan", &plan]);
    assert_eq!(json["problems"][0]["code"], "lost-ledger", "{json:#}");
    assert_eq!((workspace.inventory(), relay.sessions()), (before, sessions), "nothing was done");
}

/// What the message says to delete, each path of it.
fn named_to_delete(workspace: &Workspace) -> Vec<PathBuf> {
    let (_, json) = workspace.run_json(&["status"]);
    let hint = json["problems"][0]["hint"].as_str().expect("a hint").to_owned();
    let (_, paths) = hint.split_once(", delete ").expect("what to delete");
    let (paths, _) = paths.split_once(" and run the same").expect("what to do then");
    paths.split(" and ").map(PathBuf::from).collect()
}

fn delete(path: &std::path::Path) {
    let deleted =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    deleted.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn a_ledger_that_was_emptied_or_removed_is_no_new_one() {
    let (workspace, relay) = half_gone();
    let sound = std::fs::read(file(&workspace)).expect("a ledger");
    std::fs::write(file(&workspace), "").expect("written");
    lost(&workspace, &relay, &["objects"]);
    std::fs::remove_file(file(&workspace)).expect("removed");
    lost(&workspace, &relay, &["objects"]);
    // On a computer that remembers nothing, what lies there still tells.
    let (here, there) = (workspace.beside("state"), workspace.beside("state-there"));
    std::fs::rename(&here, &there).expect("moved");
    lost(&workspace, &relay, &["objects"]);
    std::fs::rename(&there, &here).expect("moved");
    std::fs::write(file(&workspace), sound).expect("written");
    assert_eq!(workspace.send().0, Some(0), "put back, it goes on");
    proof::everybody_has_one(&relay, 4);
}

#[test]
fn a_private_folder_that_was_removed_is_remembered_by_the_computer() {
    let (workspace, relay) = half_gone();
    let private = workspace.path().join(".secretariat");
    let aside = workspace.beside("aside");
    std::fs::rename(&private, &aside).expect("moved");
    lost(&workspace, &relay, &["this computer remembers that letters of this folder"]);
    assert!(!private.exists(), "nothing was begun");
    std::fs::rename(&aside, &private).expect("moved");
    assert_eq!(workspace.send().0, Some(0), "put back, it goes on");
    proof::everybody_has_one(&relay, 4);
}

/// Another workspace in the place of one that is done with: what the message says is enough.
#[test]
fn a_new_workspace_in_the_place_of_an_old_one_begins_when_a_person_says_so() {
    let (workspace, _) = half_gone();
    let mut workspace = workspace;
    for removed in [file(&workspace), workspace.path().join(".secretariat")] {
        delete(&removed);
        let relay = Relay::start();
        workspace = workspace.relay(&relay);
        lost(&workspace, &relay, &[]);
        let named = named_to_delete(&workspace);
        assert!(!named.is_empty());
        named.iter().for_each(|path| delete(path));
        let (code, json) = workspace.send();
        assert_eq!(code, Some(0), "{json:#}");
        proof::everybody_has_one(&relay, 4);
    }
}

/// A folder in which nothing was recorded yet is no lost ledger: a first run that died is gone on
/// with (`crash/` shows it at every point).
#[test]
fn a_folder_with_nothing_in_it_is_no_lost_ledger() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay);
    for name in ["lock", "lock.holder", "ledger.db"] {
        workspace.write(&format!(".secretariat/{name}"), "");
    }
    assert_eq!(workspace.run(&["status"]).code, Some(0));
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 2);
}

/// Whichever page is destroyed: nobody gets two letters, and no damage is taken for a mistake.
#[test]
fn a_page_of_garbage_sends_nobody_a_second_letter() {
    let (workspace, relay) = half_gone();
    let sound = std::fs::read(file(&workspace)).expect("a ledger");
    let mut noticed = 0;
    for page in (1..sound.len() / 4096).step_by(3) {
        let mut bytes = sound.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        std::fs::write(file(&workspace), bytes).expect("written");
        let output = workspace.run(&["send", "--no-wait"]);
        assert!(matches!(output.code, Some(0 | 3 | 4)), "page {page}: {output:#?}");
        if output.code == Some(3) {
            assert!(output.stderr.contains("backup"), "page {page}: {output:#?}");
            noticed += 1;
        }
        assert!(relay.counts().values().all(|count| *count == 1), "page {page}: {output:#?}");
    }
    assert!(noticed > 2, "no damage was met");
}

/// After a run that died the whole file is looked through before the first letter.
#[test]
fn damage_after_a_run_that_died_is_met_before_the_first_letter() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(100)));
    let workspace = Workspace::with_people(60).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan, "--no-wait"]);
    assert!(eventually(Duration::from_secs(20), || relay.count() > 1));
    running.kill();
    relay.change(Script::new());
    // Folds the log into the file, so that there is something to damage.
    drop(
        rusqlite::Connection::open(file(&workspace))
            .expect("a database")
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); CREATE TABLE x (y); DROP TABLE x;"),
    );
    let mut bytes = std::fs::read(file(&workspace)).expect("a ledger");
    let letter = bytes.windows(11).rposition(|w| w == b"is final.\n\n").map(|at| at / 4096);
    let page = letter.expect("a letter's text") * 4096;
    bytes[page..page + 200].fill(0xa5);
    std::fs::write(file(&workspace), bytes).expect("written");
    let sessions = relay.sessions();
    let output = workspace.run(&["send", "--no-wait"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("damaged") && output.stderr.contains("backup"), "{output:#?}");
    assert_eq!(relay.sessions(), sessions, "nothing was sent");
}

/// A log that was emptied behind our back takes what it held with it; this computer knows better.
#[test]
fn a_log_that_was_emptied_is_noticed() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(100)));
    let workspace = Workspace::with_people(20).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan, "--no-wait"]);
    assert!(eventually(Duration::from_secs(20), || relay.count() > 2));
    running.kill();
    std::fs::write(file(&workspace).with_file_name("ledger.db-wal"), "").expect("written");
    let sessions = relay.sessions();
    let (code, json) = workspace.send();
    assert_eq!(code, Some(3), "{json:#}");
    assert_eq!(json["problems"][0]["code"], "restored-ledger", "{json:#}");
    assert_eq!(relay.sessions(), sessions, "nothing was sent");
}

/// Run with a limit on the size of files, as a drive that takes no more.
#[cfg(target_os = "linux")]
#[test]
fn a_drive_that_takes_no_more_sends_nothing_and_loses_nothing() {
    let relay = Relay::start();
    for kib in [0, 4, 40] {
        let workspace = Workspace::with_people(300).relay(&relay);
        let plan = workspace.fingerprint();
        let sessions = relay.sessions();
        let output = workspace.run_limited(kib, &["send", "--plan", &plan, "--no-wait"]);
        assert_eq!(output.code, Some(3), "{kib} KiB: {output:#?}");
        assert_eq!(errors(&output), 1, "{kib} KiB: {output:#?}");
        assert!(output.stderr.contains("drive"), "{output:#?}");
        assert_eq!(relay.sessions(), sessions);
        if kib == 40 {
            assert_eq!(workspace.send().0, Some(0), "with room everything goes");
            proof::everybody_has_one(&relay, 300);
        }
    }
}

/// Root may write everywhere: there, this shows nothing and is left out.
#[cfg(unix)]
#[test]
fn a_workspace_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let (workspace, relay) = half_gone();
    let folder = workspace.path().join(".secretariat");
    let modes = |folder_mode: u32, file_mode: u32| {
        let set = |path: PathBuf, mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, mode).expect("our own");
        };
        set(file(&workspace), file_mode);
        set(folder.clone(), folder_mode);
        set(workspace.path(), folder_mode | 0o055);
    };
    modes(0o500, 0o400);
    if std::fs::write(workspace.path().join("probe"), "").is_ok() {
        return modes(0o700, 0o600);
    }
    let output = workspace.run_as_it_is(&["send"]);
    let status = workspace.run_as_it_is(&["status"]);
    modes(0o700, 0o600);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("yours to read and write"), "{output:#?}");
    assert_eq!(status.code, Some(0), "looking needs no writing: {status:#?}");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 4);
}

/// How the program is run as an account of no rights, where the tests are root's.
#[cfg(unix)]
const AS_NOBODY: &[&str] = &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

/// Runs a command as somebody who may not do everything: ourselves, or as root somebody else.
/// `None` where the program lies where that account cannot get at it.
#[cfg(unix)]
fn run_as_somebody(workspace: &Workspace, arguments: &[&str]) -> Option<Output> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    if std::fs::metadata(workspace.path()).expect("our own").uid() != 0 {
        return Some(workspace.run(arguments));
    }
    for folder in [workspace.beside(""), workspace.path()] {
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder, open).expect("our own");
    }
    let output = workspace.run_under(AS_NOBODY, arguments);
    (!matches!(output.code, Some(126 | 127))).then_some(output)
}

/// What is closed to this account is not damaged: nobody is told to restore it.
#[cfg(unix)]
#[test]
fn a_private_folder_of_another_account_is_said_to_be_that() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (workspace, relay) = half_gone();
    let folder = workspace.path().join(".secretariat");
    let mode = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&folder, mode).expect("our own");
    };
    let is_root = std::fs::metadata(&folder).expect("it is there").uid() == 0;
    mode(if is_root { 0o700 } else { 0 });
    let outputs = [&["status"][..], &["send"], &[]].map(|c| run_as_somebody(&workspace, c));
    mode(0o700);
    for output in outputs.into_iter().flatten() {
        let words = if is_root { "belongs to another account, root" } else { "be looked into" };
        assert_eq!((output.code, errors(&output)), (Some(3), 1), "{output:#?}");
        assert!(output.stderr.contains(words), "{output:#?}");
        assert!(output.stderr.contains("Do not delete it"), "{output:#?}");
        assert!(!output.stderr.contains("backup"), "{output:#?}");
    }
    assert_eq!(workspace.send().0, Some(0), "nothing was lost");
    proof::everybody_has_one(&relay, 4);
}

/// A file beside the ledger that an account of more rights has left is the one that is named.
#[cfg(unix)]
#[test]
fn a_file_beside_the_ledger_that_is_closed_is_named() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let (workspace, _) = half_gone();
    let folder = workspace.path().join(".secretariat");
    let is_root = std::fs::metadata(&folder).expect("it is there").uid() == 0;
    if is_root {
        let names = crate::support::workspace::files_under(&folder);
        let all = names.iter().map(|name| folder.join(name)).chain([folder.clone()]);
        all.for_each(|path| chown(path, Some(65_534), Some(65_534)).expect("root may"));
    }
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        let left = folder.join(name);
        // A log of something: one that is empty is in nobody's way.
        std::fs::write(&left, [0; 64]).expect("written");
        std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o444)).expect("our own");
        let Some(output) = run_as_somebody(&workspace, &["pause"]) else { return };
        assert_eq!((output.code, errors(&output)), (Some(3), 1), "{output:#?}");
        assert!(output.stderr.contains(&format!("{name}: the ledger cannot be")), "{output:#?}");
        std::fs::remove_file(left).expect("removed");
    }
}

/// A program that reads the JSON finds every part, as where nothing was ever confirmed.
#[test]
fn the_json_of_a_ledger_that_cannot_be_used_has_every_part() {
    let (workspace, _) = half_gone();
    let (_, usual) = workspace.run_json(&["status"]);
    std::fs::write(file(&workspace), b"these are my notes on the forum\n".repeat(400))
        .expect("written");
    for command in [&["status"][..], &["send"], &["pause"], &["resume"], &["cancel", "--yes"]] {
        let (code, json) = workspace.run_json(command);
        assert_eq!(code, Some(3), "{json:#}");
        for name in usual.as_object().expect("an object").keys() {
            assert!(json.get(name).is_some(), "{command:?} lacks {name}: {json:#}");
        }
        assert_eq!((&json["campaign"], &json["counts"]["total"]), (&"outcome".into(), &0.into()));
        assert_eq!(
            (&json["fingerprint"], &json["complete"]),
            (&serde_json::Value::Null, &false.into())
        );
    }
}
