//! What was approved is what goes, whatever becomes of the files afterwards.
//!
//! Letter, image and document are changed or removed while a run is at work, after a kill, after a
//! first part. Held against each other: the bytes that arrive and those previewed of the plan that
//! was confirmed, and what `send` says before anything of another plan goes.

use crate::support::reader::eml_files;
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Output, Workspace, pdf, person};
use crate::support::{eventually, proof};
use std::collections::BTreeMap;
use std::time::Duration;

const PEOPLE: usize = 12;
const LETTER: &str = "Subject: Outcomes\n\n{{ greeting }}\n\n![logo](images/logo.png)\n\n\
    The Statement is final, {{ recipient.given_name }}.\n";
const LETTER_FILE: &str = "templates/outcome/en.md";
const IMAGE_FILE: &str = "templates/images/logo.png";
const DOCUMENT_FILE: &str = "attachments/statement.en.pdf";
const LIST_FILE: &str = "recipients/registration.csv";

/// What begins like a PNG, with no two of different seeds alike.
fn png(seed: u8) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0"[..], &[seed; 40]].concat()
}

/// A mailing with a letter, an image and a document, its relay, and its messages as previewed.
fn mailing(script: Script) -> (Workspace, Relay, BTreeMap<String, Vec<u8>>) {
    let relay = Relay::with(script);
    let workspace = Workspace::new()
        .people(PEOPLE)
        .file(LETTER_FILE, LETTER)
        .file(IMAGE_FILE, png(1))
        .attachment("statement.en.pdf", pdf(30_000, 1))
        .relay(&relay);
    let files = eml_files(&workspace.dry_run_out("previewed"));
    let address = |name: &str| name[7..].trim_end_matches(".eml").to_owned();
    let previewed = files.into_iter().map(|(name, bytes)| (address(&name), bytes)).collect();
    (workspace, relay, previewed)
}

/// A change to a file, or its end, and what must be said of it.
struct Edit {
    file: &'static str,
    /// Absent: the file is gone.
    content: Option<Vec<u8>>,
    said: &'static str,
}

fn edits() -> Vec<Edit> {
    let mended = LETTER.replace("final", "provisional").into_bytes();
    let one_more = b"email,given name,language\nnew@town.example,New,en\n".to_vec();
    let edit = |file, content, said| Edit { file, content, said };
    vec![
        edit(LETTER_FILE, Some(mended), "the letter in en reads differently for "),
        edit(LETTER_FILE, None, "templates/outcome"),
        edit(IMAGE_FILE, Some(png(2)), "the image templates/images/logo.png is another"),
        edit(IMAGE_FILE, None, "images/logo.png"),
        edit(DOCUMENT_FILE, Some(pdf(30_000, 2)), "the document statement.en.pdf is another for "),
        edit(DOCUMENT_FILE, None, "statement"),
        edit("recipients/late.csv", Some(one_more), "1 person new: new@town.example"),
        edit(LIST_FILE, Some(list_of_eleven()), "1 person gone: person-0012@town.example"),
    ]
}

fn list_of_eleven() -> Vec<u8> {
    let mut list = "email,given name,family name,language\n".to_owned();
    for n in 1..PEOPLE {
        list.push_str(&format!("{},Given{n},Family{n},en\n", person(n)));
    }
    list.into_bytes()
}

impl Edit {
    fn make(&self, workspace: &Workspace) {
        match &self.content {
            Some(content) => workspace.write(self.file, content),
            None => std::fs::remove_file(workspace.path().join(self.file)).expect("it was there"),
        }
    }

    fn undo(&self, workspace: &Workspace, original: Option<Vec<u8>>) {
        match original {
            Some(original) => workspace.write(self.file, original),
            None => std::fs::remove_file(workspace.path().join(self.file)).expect("it was new"),
        }
    }
}

/// Everybody's bytes are those previewed, but for whom the ledger names as in doubt.
#[track_caller]
fn check_as_previewed(
    workspace: &Workspace,
    relay: &Relay,
    previewed: &BTreeMap<String, Vec<u8>>,
    uncertain_max: usize,
) {
    let states = proof::check(workspace, relay, PEOPLE, uncertain_max);
    for (address, bytes) in previewed {
        let received = relay.bytes_for(address);
        let may_lack = states[address] == "uncertain";
        assert!(!received.is_empty() || may_lack, "{address} has none: {states:?}");
        assert!(received.iter().all(|r| r == bytes), "{address} got other bytes than confirmed");
    }
}

#[test]
fn what_changes_under_a_run_reaches_nobody() {
    let (workspace, relay, previewed) = mailing(Script::new().delay(Duration::from_millis(150)));
    let running = workspace.spawn(&["send", "--plan", &workspace.fingerprint()]);
    assert!(eventually(Duration::from_secs(30), || relay.count() > 0));
    for file in [LETTER_FILE, IMAGE_FILE, DOCUMENT_FILE] {
        workspace.write(file, "something else");
    }
    std::fs::remove_file(workspace.path().join(LIST_FILE)).expect("it was there");
    assert!(relay.count() < PEOPLE / 2, "the change came too late to show anything");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    proof::everybody_has_one(&relay, PEOPLE);
    check_as_previewed(&workspace, &relay, &previewed, 0);
}

/// Nothing goes until somebody has agreed to what is different, by name; with the files as they
/// were the mailing goes on without a question.
#[test]
fn what_changes_after_a_kill_is_named_and_asked_about() {
    let (workspace, relay, previewed) = mailing(Script::new().delay(Duration::from_millis(150)));
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan]);
    assert!(eventually(Duration::from_secs(30), || relay.count() > 0));
    running.kill();
    check_edits(&workspace, &relay, &plan);
    let ended = workspace.run(&["send"]);
    assert!(matches!(ended.code, Some(0 | 1)), "nothing to ask: {ended:#?}");
    check_as_previewed(&workspace, &relay, &previewed, 2);
}

#[test]
fn what_changes_after_a_first_part_is_named_and_asked_about() {
    let (workspace, relay, previewed) = mailing(Script::new());
    let plan = workspace.fingerprint();
    let first = workspace.run(&["send", "--plan", &plan, "--first", "3"]);
    assert_eq!(first.code, Some(4), "the others are open: {first:#?}");
    assert_eq!(relay.count(), 3);
    check_edits(&workspace, &relay, &plan);
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(2), "a part confirms no whole: {asked:#?}");
    assert_eq!(workspace.run(&["send", "--plan", &plan]).code, Some(0));
    proof::everybody_has_one(&relay, PEOPLE);
    check_as_previewed(&workspace, &relay, &previewed, 0);
}

/// Each edit is named, by `send` alone and with the code of the plan that was confirmed; nothing
/// goes, and the relay is not even called.
#[track_caller]
fn check_edits(workspace: &Workspace, relay: &Relay, plan: &str) {
    let calls = relay.sessions();
    for edit in edits() {
        let original = std::fs::read(workspace.path().join(edit.file)).ok();
        edit.make(workspace);
        for arguments in [&["send"][..], &["send", "--plan", plan]] {
            let refused: Output = workspace.run(arguments);
            assert_eq!(refused.code, Some(3), "{} {arguments:?}: {refused:#?}", edit.file);
            assert!(refused.stderr.contains(edit.said), "{:?} {refused:#?}", edit.said);
        }
        assert_eq!(relay.sessions(), calls, "{}: nothing goes", edit.file);
        edit.undo(workspace, original);
    }
}
