//! `rehearse`: the whole mailing into the relay inside the program, with and without faults.
//!
//! What is proved is tested beside it, with made-up doubles and losses (`src/rehearsal/proof.rs`);
//! here the command is what an officer runs, and nothing may be left behind by it.

use crate::support::eventually;
use crate::support::proof::counts_of;
use crate::support::workspace::{LETTER, Workspace, pdf};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// A folder for temporary files that is this test's own.
fn temporary(workspace: &Workspace) -> std::path::PathBuf {
    let folder = workspace.beside("temporary");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn with_own_temporary(workspace: Workspace) -> Workspace {
    let folder = temporary(&workspace);
    workspace.variable("TMPDIR", &folder.to_string_lossy())
}

/// The workspace is as it was, and nothing lies about.
#[track_caller]
fn check_nothing_left(workspace: &Workspace, before: &[(String, String)]) {
    assert_eq!(workspace.inventory(), before, "the workspace was changed");
    assert!(!workspace.path().join(".secretariat").exists());
    let left = std::fs::read_dir(temporary(workspace)).expect("a folder").count();
    assert_eq!(left, 0, "something was left among the temporary files");
    assert!(!Path::new(&workspace.beside("home/.local")).exists());
}

/// All promises are kept, and these are the words for it.
#[track_caller]
fn check_holds(json: &Value) {
    assert_eq!(json["holds"], true, "{json:#}");
    let proof = json["proof"].as_object().expect("a proof");
    assert_eq!(proof.len(), 7, "{json:#}");
    assert!(proof.values().all(|kept| *kept == true), "{json:#}");
    let problems = json["problems"].as_array().expect("a list");
    assert!(problems.iter().all(|p| p["severity"] != "error"), "{json:#}");
}

fn small() -> Workspace {
    let workspace = Workspace::with_people(40).attachment("statement.en.pdf", pdf(9_000, 1));
    let workspace = with_own_temporary(workspace);
    workspace.write_config();
    workspace
}

/// Nothing of the workspace is in the way, and nobody may be told to restore something in it.
#[cfg(target_os = "linux")]
#[test]
fn no_room_for_temporary_files_is_said_of_that_folder() {
    let workspace = small();
    let before = workspace.inventory();
    let folder = temporary(&workspace).to_string_lossy().into_owned();
    for kib in [0, 4] {
        let full = workspace.run_limited(kib, &["rehearse"]);
        assert_eq!(full.code, Some(3), "{kib} KiB: {full:#?}");
        assert!(full.stderr.contains(&format!("Make room in {folder}")), "{kib} KiB: {full:#?}");
        assert!(!full.everything().contains("backup"), "{kib} KiB: {full:#?}");
    }
    check_nothing_left(&workspace, &before);
    let workspace = workspace.variable("TMPDIR", "/nonexistent");
    let missing = workspace.run(&["rehearse"]);
    assert_eq!(missing.code, Some(3), "{missing:#?}");
    let words = "the folder for temporary files, /nonexistent, is missing";
    assert!(missing.stderr.contains(words), "{missing:#?}");
    assert!(missing.stderr.contains("the variable TMPDIR"), "{missing:#?}");
}

#[test]
fn a_mailing_is_rehearsed_and_proved_and_nothing_is_left_behind() {
    let workspace = small();
    let before = workspace.inventory();
    let output = workspace.run(&["rehearse"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    for words in [
        "outcome: 40 letters rehearsed",
        "40  handed to the mail server",
        "yes  nobody got two letters",
        "yes  nobody was left without one",
        "yes  what arrived is what preview shows, byte for byte",
        "The proof holds. Nothing left this computer",
    ] {
        assert!(output.stdout.contains(words), "{words:?}: {output:#?}");
    }
    assert!(!output.stdout.contains("NO  "), "{output:#?}");
    let (code, json) = workspace.run_json(&["rehearse", "outcome"]);
    assert_eq!(code, Some(0), "{json:#}");
    check_holds(&json);
    let counts = counts_of(&json);
    assert_eq!((counts["accepted"], counts["total"], &json["received"]), (40, 40, &40.into()));
    assert_eq!((&json["seed"], &json["kills"]), (&Value::Null, &0.into()));
    check_nothing_left(&workspace, &before);
}

/// `[relay]` is not asked: its server is never called, and there need be none.
#[test]
fn a_rehearsal_needs_no_mail_server() {
    let relay = crate::support::relay::Relay::start();
    let workspace = small().relay(&relay);
    assert_eq!(workspace.run(&["rehearse"]).code, Some(0));
    assert_eq!(relay.sessions(), 0, "the configured server was called");
    let list = "email,given name\nana@town.example,Ana\n";
    let config = "[conference]\nname = \"Forum\"\n[sender]\nfrom = \"office@forum.example\"\n\
        [languages]\ndefault = \"en\"\n[campaigns.outcome]\n";
    let letter = "Subject: x\n\n{{ greeting }}\n\nThe Statement is final.\n";
    let workspace = Workspace::new().list("l.csv", list).letter("outcome", "en", letter);
    let output = workspace.whole_config(config).run(&["rehearse"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
}

#[test]
fn a_broken_letter_is_refused_as_check_refuses_it() {
    let workspace = small().letter("outcome", "en", "Subject: x\n\n{{ recipient.shoe_size }}\n");
    let before = workspace.inventory();
    let checked = workspace.run_json(&["check"]);
    let (code, json) = workspace.run_json(&["rehearse", "--faults"]);
    assert_eq!((checked.0, code), (Some(3), Some(3)), "{json:#}");
    let codes = |json: &Value| -> Vec<String> {
        let errors = json["problems"].as_array().expect("a list").iter();
        let errors = errors.filter(|p| p["severity"] == "error");
        errors.map(|p| p["code"].to_string()).collect()
    };
    assert_eq!(codes(&json), codes(&checked.1));
    assert!(!codes(&json).is_empty());
    assert_eq!((&json["holds"], counts_of(&json)["total"]), (&Value::Null, 0), "{json:#}");
    check_nothing_left(&workspace, &before);
}

#[test]
fn the_command_line_is_held_to_its_words() {
    let workspace = small();
    for arguments in [&["rehearse", "--seed", "7"][..], &["rehearse", "--faults", "--seed", "x"]] {
        assert_eq!(workspace.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(workspace.run(&["rehearse", "nowhere"]).code, Some(3));
    let help = workspace.run(&["--help"]).stdout;
    assert!(help.contains("rehearse ") && !help.contains("rehearse-run"), "{help}");
}

/// What was done to a mailing, by its words.
fn count_of(json: &Value, words: &str) -> u64 {
    let faults = json["faults"].as_array().expect("a list").iter();
    let of_kind = faults.filter(|f| f["what"].as_str().is_some_and(|w| w.contains(words)));
    of_kind.map(|f| f["count"].as_u64().unwrap_or(0)).sum()
}

/// The sample under everything at once; the slow test of this file.
#[test]
fn with_faults_the_sample_comes_to_its_end_and_the_proof_holds() {
    let workspace = with_own_temporary(Workspace::sample());
    let before = workspace.inventory();
    let (code, json) = workspace.run_json(&["rehearse", "--faults", "--seed", "11"]);
    assert_eq!(code, Some(0), "{json:#}");
    check_holds(&json);
    assert_eq!((&json["seed"], &json["kills"]), (&11.into(), &5.into()), "{json:#}");
    let counts = counts_of(&json);
    assert_eq!(counts["total"], json["letters"].as_u64().expect("a number"));
    let ended: u64 = ["accepted", "rejected", "uncertain"].map(|s| counts[s]).iter().sum();
    assert_eq!(ended, counts["total"], "all are final or named: {json:#}");
    for words in ["refused for good", "greylisting", "connection", "no answer", "letter taken"] {
        assert!(count_of(&json, words) > 0, "{words}: {json:#}");
    }
    let refused = count_of(&json, "no such mailbox") + count_of(&json, "address not accepted");
    assert!((1..=counts["rejected"]).contains(&refused), "{json:#}");
    let uncertain = json["uncertain"].as_array().expect("a list");
    assert_eq!(uncertain.len() as u64, counts["uncertain"], "named, all of them: {json:#}");
    assert!(counts["uncertain"] <= json["uncertain_max"].as_u64().expect("a number"));
    let held = uncertain.iter().filter(|u| u["received"] == true).count() as u64;
    assert_eq!(json["received"], counts["accepted"] + held, "{json:#}");
    check_nothing_left(&workspace, &before);
}

#[test]
fn the_screen_says_what_was_done_and_the_same_seed_does_it_again() {
    let workspace = with_own_temporary(Workspace::with_people(60));
    let output = workspace.run(&["rehearse", "--faults", "--seed", "3"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    let (code, json) = workspace.run_json(&["rehearse", "--faults", "--seed", "3"]);
    assert_eq!(code, Some(0), "{json:#}");
    check_holds(&json);
    let rejected = counts_of(&json)["rejected"];
    assert!(rejected > 0, "a seed that refuses somebody: {json:#}");
    for words in [
        "60 letters rehearsed with faults (seed 3)",
        "What was done to it",
        "  the program killed in the middle (kill -9)",
        // How many, is the moment's: a kill may take a letter before it is refused.
        "  refused for good\n",
        "Proof",
        "yes  nobody was missed",
    ] {
        assert!(output.stdout.contains(words), "{words:?}: {output:#?}");
    }
}

/// An address that needs SMTPUTF8, a name in another script, and a letter larger than relays take.
#[test]
fn unusual_letters_are_rehearsed_like_all_others() {
    let list = "email,given name,language\n王芳@town.example,王芳,en\nana@bücher.example,Ana,en\n\
        bo@town.example,Bo,en\n";
    let workspace = Workspace::new()
        .list("l.csv", list)
        .letter("outcome", "en", LETTER)
        .attachment("film.en.pdf", pdf(28_000_000, 1))
        .config("[limits]\nletter_error = \"60 MB\"\n");
    let (code, json) = with_own_temporary(workspace).run_json(&["rehearse"]);
    assert_eq!(code, Some(0), "{json:#}");
    check_holds(&json);
    assert_eq!(json["received"], 3, "{json:#}");
    let workspace = with_own_temporary(Workspace::new().list("l.csv", list));
    let workspace = workspace.letter("outcome", "en", LETTER);
    let (code, json) = workspace.run_json(&["rehearse", "--faults", "--seed", "1"]);
    assert_eq!(code, Some(0), "{json:#}");
    check_holds(&json);
}

/// Waits until a run of a rehearsal is at work.
#[track_caller]
fn wait_for_a_run(workspace: &Workspace) {
    let is_running = || {
        let files = crate::support::workspace::files_under(&temporary(workspace));
        files.iter().any(|file| file.ends_with("lock.holder"))
    };
    assert!(eventually(Duration::from_secs(60), is_running), "a run begins");
}

#[test]
fn what_a_killed_rehearsal_left_goes_with_the_next_send() {
    let relay = crate::support::relay::Relay::start();
    let workspace = with_own_temporary(Workspace::with_people(400)).relay(&relay);
    let running = workspace.spawn(&["rehearse", "--faults"]);
    wait_for_a_run(&workspace);
    running.kill();
    let left = || std::fs::read_dir(temporary(&workspace)).expect("a folder").count();
    assert_eq!(left(), 1, "nobody was there to take it away");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(left(), 0);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_rehearsal_and_leaves_nothing_behind() {
    for arguments in [&["rehearse", "--faults"][..], &["rehearse"]] {
        let workspace = with_own_temporary(Workspace::with_people(400));
        workspace.write_config();
        let before = workspace.inventory();
        let running = workspace.spawn(arguments);
        wait_for_a_run(&workspace);
        let id = running.id().to_string();
        let signal = std::process::Command::new("sh").args(["-c", "kill -INT $0", &id]).status();
        assert!(signal.is_ok_and(|s| s.success()));
        let output = running.wait();
        assert_eq!(output.code, Some(4), "{arguments:?}: {output:#?}");
        assert!(output.stderr.contains("stopped before its end"), "{output:#?}");
        check_nothing_left(&workspace, &before);
    }
}
