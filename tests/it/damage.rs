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
    let version = |n: i64| {
        let connection = rusqlite::Connection::open(file(&workspace)).expect("a database");
        connection.pragma_update(None, "user_version", n).expect("written");
    };
    version(99);
    refused(&workspace, &relay, &["ledger.db", "format 99", "Use the version of secretariat"]);
    version(3);
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
