//! `send --hand-over` dies at each point; the same command then finishes it, and no letter is both a
//! file and with a mail server.
//!
//! After the kill a plain `send` is tried as well, in a copy: it may take what no file stands for,
//! and nothing else.

use super::{CRASH_AT, walk};
use crate::support::proof;
use crate::support::reader::eml_files;
use crate::support::relay::Relay;
use crate::support::sheet;
use crate::support::workspace::{Workspace, copy_folder, files_under};
use std::collections::BTreeSet;
use std::path::Path;

const PEOPLE: usize = 6;
/// A letter, its copies, and letters in the middle.
const FEW: [usize; 3] = [1, 2, 7];
const POINTS: [&str; 8] = [
    "files-intended",
    "file-written",
    "files-synced",
    "file-named",
    "files-named",
    "files-recorded",
    "manifest-written",
    "manifest-renamed",
];
/// Around them.
const BESIDE: [&str; 5] =
    ["plan-confirmed", "transaction-written", "transaction-committed", "run-over", "run-ended"];

/// Every point that is walked here.
pub(super) fn walked() -> impl Iterator<Item = &'static str> {
    POINTS.into_iter()
}

/// Addresses of the files in a folder.
fn addresses(folder: &Path) -> BTreeSet<String> {
    let names = files_under(folder).into_iter().filter(|name| name.ends_with(".eml"));
    let whole = names.filter(|name| !name.contains('/'));
    whole.map(|name| name[7..name.len() - 4].to_owned()).collect()
}

fn walk_files(name: &str, points: &[&str], more: &[&str]) {
    walk(name, points, &FEW, |at| {
        let relay = Relay::start();
        let workspace = Workspace::with_copies(PEOPLE).relay(&relay);
        let (plan, previewed) = (workspace.fingerprint(), workspace.dry_run_out("previewed"));
        let folder = workspace.beside("for-them");
        let to = folder.to_string_lossy().into_owned();
        let command = [&["send", "--hand-over", &to, "--plan", &plan], more].concat();
        let workspace = workspace.variable(CRASH_AT, at);
        let killed = workspace.run(&command);
        let workspace = workspace.variable(CRASH_AT, "");
        if killed.code.is_some() {
            return false;
        }

        // What a plain `send` makes of it.
        let copy = workspace.beside("copy");
        copy_folder(&workspace.path(), &copy);
        let at_copy = copy.to_string_lossy().into_owned();
        // Another computer's memory: this one's would take the original for an old ledger.
        let [here, there] =
            ["state", "state-there"].map(|n| workspace.beside(n).to_string_lossy().into_owned());
        let workspace = workspace.variable("SECRETARIAT_STATE_DIR", &there);
        workspace.run(&["-C", &at_copy, "send", "--plan", &plan, "--no-wait"]);
        let workspace = workspace.variable("SECRETARIAT_STATE_DIR", &here);
        let files: Vec<String> = addresses(&folder).into_iter().collect();
        let went: Vec<String> =
            relay.messages().iter().map(|m| m.forward_paths[0].clone()).collect();
        let ledger = files.iter().filter(|a| a.starts_with("person-"));
        let both: Vec<&String> = ledger.filter(|a| went.contains(a)).collect();
        assert_eq!(both, [] as [&String; 0], "{at}: a file, and with the mail server");

        // The same command finishes it.
        let sessions = relay.sessions();
        for _ in 0..2 {
            let output = workspace.run(&command);
            assert!(matches!(output.code, Some(1 | 4)), "{at}: {output:#?}");
        }
        let output = workspace.run(&["send", "--hand-over", &to, "--plan", &plan]);
        assert_eq!(output.code, Some(1), "{at}: {output:#?}");
        assert_eq!(relay.sessions(), sessions, "{at}");
        let expected = eml_files(&previewed);
        assert!(eml_files(&folder) == expected, "{at}: every file, and its bytes");
        assert_eq!(files_under(&folder).len(), expected.len() + 1, "{at}: nothing is left over");
        assert_eq!(sheet::rows(&folder.join("manifest.xlsx")).len(), expected.len(), "{at}");
        let counts = proof::counts(&workspace);
        assert_eq!(counts["uncertain"], expected.len() as u64, "{at}: {counts:?}");
        let (_, json) = workspace.run_json(&["status"]);
        assert_eq!(json["handed_over"][0]["broken_off"], 0, "{at}: {json:#}");
        true
    });
}

#[test]
fn a_hand_over_that_dies_is_finished_by_the_same_command() {
    walk_files("hand-over", &POINTS, &[]);
}

#[test]
fn a_hand_over_that_dies_around_its_files_is_finished_by_the_same_command() {
    walk_files("around a hand-over", &BESIDE, &[]);
}
