//! `send --hand-over`: the letters as files for somebody else's relay, and what becomes of them.

use crate::support::postfix::{Held, Postfix};
use crate::support::reader::{eml_files, read_folder, sha256};
use crate::support::relay::Relay;
use crate::support::workspace::{Output, Workspace, files_under, person};
use crate::support::{count, eventually, proof, sheet};
use crate::workbooks::converted;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Hands over, confirmed, into a folder beside the workspace.
fn hand_over(workspace: &Workspace, name: &str, more: &[&str]) -> (PathBuf, Output) {
    let folder = workspace.beside(name);
    let (plan, to) = (workspace.fingerprint(), folder.to_string_lossy().into_owned());
    let arguments = [&["send", "--hand-over", &to, "--plan", &plan], more].concat();
    let output = workspace.run(&arguments);
    (folder, output)
}

fn resolved(workspace: &Workspace, folder: &Path, how: &str) -> Output {
    let folder = folder.to_string_lossy();
    workspace.run(&["resolve", "--handed-over", &folder, how, "--reason", "their log has them"])
}

/// The rows of a list, each by its header.
fn manifest(folder: &Path) -> Vec<BTreeMap<String, String>> {
    sheet::rows(&folder.join("manifest.xlsx"))
}

#[test]
fn the_files_are_those_of_a_dry_run_and_no_mail_server_is_reached() {
    let relay = Relay::start();
    let workspace = Workspace::with_copies(20).relay(&relay);
    let previewed = eml_files(&workspace.dry_run_out("previewed"));
    let (folder, output) = hand_over(&workspace, "for-them", &[]);
    // Somebody has to say what became of them.
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert!(eml_files(&folder) == previewed, "every byte as it was shown");
    assert_eq!(files_under(&folder).len(), previewed.len() + 1, "and the list, nothing else");
    for name in files_under(&folder) {
        let mode = fs::metadata(folder.join(&name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name} is for its owner only");
    }
    let mode = fs::metadata(&folder).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(proof::counts(&workspace)["uncertain"], previewed.len() as u64);
    assert_eq!(relay.sessions(), 0, "no mail server was asked anything");
}

#[test]
fn the_list_tells_a_mail_server_all_that_it_needs() {
    let workspace = Workspace::with_copies(12);
    let (folder, _) = hand_over(&workspace, "for-them", &[]);
    let rows = manifest(&folder);
    let files: BTreeMap<String, Vec<u8>> = eml_files(&folder).into_iter().collect();
    assert_eq!(rows.len(), files.len());
    assert!(rows.is_sorted_by_key(|row| &row["File"][..6]), "in the order of the lists");
    for (name, bytes) in &files {
        let listed = rows.iter().filter(|row| row["File"] == *name).collect::<Vec<_>>();
        let [row] = listed[..] else { panic!("{name} is listed {} times", listed.len()) };
        let row = |column: &str| row[column].as_str();
        assert_eq!(row("SHA-256"), sha256(bytes));
        assert_eq!(row("Size (octets)"), bytes.len().to_string());
        assert_eq!(row("Number").parse::<u32>().ok(), name[..6].parse().ok());
        assert_eq!(row("Envelope to"), &name[7..name.len() - 4]);
        assert_eq!(row("Envelope from"), "secretariat@forum.example");
        let text = String::from_utf8_lossy(bytes);
        assert!(text.contains(row("Message-ID")) && text.contains(row("To")), "{name}");
        assert_eq!(row("Copy") == "copy", row("Envelope to") != row("To"), "{name}");
    }
    let readings: BTreeSet<Option<String>> =
        read_folder(&folder).into_iter().map(|r| Some(r.subject)).collect();
    let subjects: BTreeSet<Option<String>> =
        rows.iter().map(|row| Some(row["Subject"].clone())).collect();
    assert_eq!(subjects, readings);
}

/// Security S10: formula injection in the list.
#[test]
fn a_name_in_the_list_never_becomes_a_formula() {
    let list = "email,given name,name,language\nana@town.example,Ana,\"=HYPERLINK(1,2)\",en\n";
    let workspace = Workspace::with_people(1).list("registration.csv", list);
    let (folder, output) = hand_over(&workspace, "for-them", &[]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let list = folder.join("manifest.xlsx");
    assert!(!sheet::sheet(&list).contains("<f"));
    // A flat document says of each cell whether it has a formula.
    if let Some(seen) = converted(&list, "fods") {
        let seen = String::from_utf8_lossy(&seen);
        assert!(seen.contains("HYPERLINK(1,2)") && seen.contains("ana@town.example"));
        assert!(!seen.contains("table:formula"));
    }
    assert!(manifest(&folder)[0]["Name"].contains("=HYPERLINK(1,2)"));
}

#[test]
fn who_was_handed_over_does_not_go_again_until_somebody_says_so() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(6).relay(&relay);
    let (folder, _) = hand_over(&workspace, "for-them", &[]);
    let to = folder.to_string_lossy().into_owned();
    let (code, json) = workspace.send();
    assert_eq!(code, Some(1), "{json:#}");
    assert_eq!(json["problems"][0]["code"], "handed-over", "{json:#}");
    assert_eq!(json["handed_over"][0]["folder"], to, "{json:#}");
    assert_eq!(json["handed_over"][0]["deliveries"], 6, "{json:#}");
    assert_eq!(json["attention"][0]["response"], format!("handed over to {to}"));
    assert_eq!(relay.sessions(), 0);

    let status = workspace.run(&["status"]);
    assert!(status.stdout.contains(&format!("6  handed over to {to} as files")), "{status:#?}");
    assert!(!status.stdout.contains(&person(3)), "a folder is told of as one: {status:#?}");
    assert!(status.stdout.contains("resolve --handed-over"), "{status:#?}");
    let why = workspace.run(&["why", &person(3)]);
    assert!(why.stdout.contains(&format!("handed over to {to}")), "{why:#?}");
    let (_, json) = workspace.run_json(&["why", &person(3)]);
    assert_eq!(json["deliveries"][0]["response"], format!("handed over to {to}"), "{json:#}");

    let settled = resolved(&workspace, &folder, "--accepted");
    assert_eq!(settled.code, Some(0), "{settled:#?}");
    assert!(settled.stdout.contains("6 letters"), "{settled:#?}");
    assert_eq!(proof::counts(&workspace)["accepted"], 6);
    assert_eq!(workspace.send().0, Some(0), "complete");
    assert_eq!(relay.sessions(), 0);
    let again = resolved(&workspace, &folder, "--accepted");
    assert_eq!(again.code, Some(3), "{again:#?}");
}

#[test]
fn letters_that_never_went_go_again_as_the_same_messages() {
    let relay = Relay::start();
    let workspace = Workspace::with_copies(6).relay(&relay);
    let (folder, _) = hand_over(&workspace, "for-them", &[]);
    let files: BTreeSet<Vec<u8>> = eml_files(&folder).into_iter().map(|(_, b)| b).collect();
    let settled = resolved(&workspace, &folder, "--resend");
    assert_eq!(settled.code, Some(0), "{settled:#?}");
    assert!(settled.stdout.contains("Remove the files"), "{settled:#?}");
    let workspace = workspace.now("2026-11-09T09:30:00Z");
    assert_eq!(workspace.send().0, Some(0));
    let went: BTreeSet<Vec<u8>> = relay.messages().into_iter().map(|m| m.bytes).collect();
    assert!(went == files, "same Message-ID, same Date, same everything");
}

#[test]
fn a_part_is_handed_over_first_and_the_rest_later() {
    let workspace = Workspace::with_people(9);
    let (folder, first) = hand_over(&workspace, "for-them", &["--first", "4"]);
    assert_eq!(first.code, Some(4), "others wait: {first:#?}");
    assert_eq!((eml_files(&folder).len(), manifest(&folder).len()), (4, 4));
    let before = eml_files(&folder);
    let (_, rest) = hand_over(&workspace, "for-them", &[]);
    assert_eq!(rest.code, Some(1), "{rest:#?}");
    assert_eq!((eml_files(&folder).len(), manifest(&folder).len()), (9, 9));
    assert!(eml_files(&folder)[..4] == before[..], "what was there is as it was");
    // What they have taken away is not put there again.
    before.iter().for_each(|(name, _)| fs::remove_file(folder.join(name)).expect("a file"));
    let (_, again) = hand_over(&workspace, "for-them", &[]);
    assert_eq!(again.code, Some(1), "{again:#?}");
    assert_eq!(eml_files(&folder).len(), 5);
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused_before_anything_is_recorded() {
    let workspace = Workspace::with_people(3);
    for (file, code) in [
        ("notes.txt", "folder-in-use"),
        ("000009-zoe@town.example.eml", "folder-in-use"),
        ("manifest.xlsx", "folder-in-use"),
        ("000002-person-0002@town.example.eml", "already-there"),
    ] {
        let folder = workspace.beside("used");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(file), "somebody's").expect("a file");
        let (_, output) = hand_over(&workspace, "used", &["--format", "json"]);
        assert_eq!(output.code, Some(3), "{file}: {output:#?}");
        assert_eq!(output.json()["problems"][0]["code"], code, "{file}: {output:#?}");
        assert_eq!(files_under(&folder), [file], "nothing was written");
        assert_eq!(fs::read(folder.join(file)).expect("a file"), b"somebody's");
        assert_eq!(proof::counts(&workspace).get("uncertain").copied().unwrap_or(0), 0);
        fs::remove_dir_all(&folder).expect("removed");
    }
    for inside in ["recipients/out", "templates", ".secretariat/out"] {
        let to = workspace.path().join(inside).to_string_lossy().into_owned();
        let plan = workspace.fingerprint();
        let output = workspace.run(&["send", "--hand-over", &to, "--plan", &plan]);
        assert_eq!(output.code, Some(3), "{inside}: {output:#?}");
        assert!(output.stderr.contains("never written to"), "{inside}: {output:#?}");
    }
    let (_, output) = hand_over(&workspace, "empty", &[]);
    assert_eq!(output.code, Some(1), "all is well in an empty one: {output:#?}");
}

#[test]
fn the_plan_is_confirmed_and_a_pause_holds_as_for_any_send() {
    let workspace = Workspace::with_people(3);
    let folder = workspace.beside("for-them").to_string_lossy().into_owned();
    let unasked = workspace.run(&["send", "--hand-over", &folder]);
    assert_eq!(unasked.code, Some(2), "{unasked:#?}");
    assert!(
        unasked.stderr.contains(&format!("send --hand-over \"{folder}\" --plan")),
        "{unasked:#?}"
    );
    let (_, first) = hand_over(&workspace, "for-them", &["--first", "1"]);
    assert_eq!(first.code, Some(4), "{first:#?}");
    assert_eq!(workspace.run(&["pause"]).code, Some(0));
    let (folder, paused) = hand_over(&workspace, "for-them", &[]);
    assert!(paused.stderr.contains("paused"), "{paused:#?}");
    assert_eq!(eml_files(&folder).len(), 1);
    for wrong in ["--dry-run", "--wait"] {
        let output = workspace.run(&["send", "--hand-over", "x", wrong]);
        assert_eq!(output.code, Some(2), "{wrong}: {output:#?}");
    }
}

/// Security S22: operator's slip. Somebody else's relay would try addresses that cannot be.
#[test]
fn without_a_relay_nothing_is_needed_but_addresses_that_exist() {
    let config = "[conference]\nname = \"Forum\"\n[sender]\nfrom = \"S <s@forum.int>\"\n\
                  [languages]\ndefault = \"en\"\n[campaigns.outcome]\n";
    let workspace = Workspace::with_people(2).whole_config(config);
    let (folder, refused) = hand_over(&workspace, "for-them", &[]);
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("reserved for examples"), "{refused:#?}");
    assert!(!folder.exists(), "nothing was made");
    let list = "email,given name,family name,language\nana@town.int,Ana,Pérez,en\n";
    let workspace = workspace.list("registration.csv", list);
    let (_, handed) = hand_over(&workspace, "for-them", &[]);
    assert_eq!(handed.code, Some(1), "{handed:#?}");
    assert_eq!(eml_files(&folder).len(), 1);
}

/// What the other office does: each file as it is, with the envelope that the list names.
fn inject(postfix: &Postfix, rows: &[BTreeMap<String, String>], folder: &Path) {
    let host = postfix.url().replace("smtp://", "");
    let mut stream = TcpStream::connect(host).expect("Postfix answers");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
    let mut answered = |expected: &str| {
        let mut line = String::new();
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            answers.read_line(&mut line).expect("an answer");
            assert!(!line.is_empty(), "the connection is gone");
        }
        assert!(line.starts_with(expected), "{line}");
    };
    answered("220");
    let mut say = |bytes: &[u8], expected: &str| {
        stream.write_all(bytes).expect("it listens");
        answered(expected);
    };
    say(b"EHLO office.example\r\n", "250");
    for row in rows {
        let bytes = fs::read(folder.join(&row["File"])).expect("a file of the list");
        say(format!("MAIL FROM:<{}>\r\n", row["Envelope from"]).as_bytes(), "250");
        say(format!("RCPT TO:<{}>\r\n", row["Envelope to"]).as_bytes(), "250");
        say(b"DATA\r\n", "354");
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let stuffed = |line: &[u8]| [if line[0] == b'.' { &b"."[..] } else { b"" }, line].concat();
        let body: Vec<u8> = lines.flat_map(stuffed).chain(*b".\r\n").collect();
        say(&body, "250");
    }
    say(b"QUIT\r\n", "221");
}

/// A relay nobody here wrote, and a client that knows the folder only.
#[test]
fn a_real_postfix_takes_the_files_as_they_are() {
    let Some(postfix) = Postfix::start() else { return };
    let workspace = Workspace::with_copies(count(12, 200));
    let (folder, _) = hand_over(&workspace, "for-them", &[]);
    let rows = manifest(&folder);
    inject(&postfix, &rows, &folder);
    let held = postfix.messages();
    assert_eq!(held.len(), rows.len());
    for row in &rows {
        let bytes = fs::read(folder.join(&row["File"])).expect("a file of the list");
        let is_it = |held: &&Held| {
            held.forward_paths == [row["Envelope to"].clone()]
                && held.reverse_path == row["Envelope from"]
                && held.is_of(&bytes)
        };
        assert_eq!(held.iter().filter(is_it).count(), 1, "{}", row["File"]);
    }
}

/// Ctrl-C, a full disk and a kill are all made good by the same command.
#[test]
fn a_drive_that_cannot_take_the_files_leaves_the_letters_waiting() {
    let workspace = Workspace::with_people(5);
    let folder = workspace.beside("for-them");
    let plan = workspace.fingerprint();
    let to = folder.to_string_lossy().into_owned();
    let arguments = ["send", "--hand-over", &to, "--plan", &plan];
    // A file where the folder's own folder is to be.
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join(".unfinished"), "in the way").expect("a file");
    let output = workspace.run(&arguments);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("cannot write"), "{output:#?}");
    let counts = proof::counts(&workspace);
    assert_eq!((counts["deferred"], counts["uncertain"]), (5, 0), "nobody is in doubt");
    fs::remove_file(folder.join(".unfinished")).expect("out of the way");
    let output = workspace.run(&arguments);
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert_eq!(eml_files(&folder).len(), 5);
}

#[test]
fn ctrl_c_finishes_a_group_and_the_same_command_goes_on() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(1_200).relay(&relay);
    let folder = workspace.beside("for-them");
    let (plan, to) = (workspace.fingerprint(), folder.to_string_lossy().into_owned());
    let command = ["send", "--hand-over", &to, "--plan", &plan];
    let running = workspace.spawn(&command);
    let has_begun = || fs::read_dir(&folder).is_ok_and(|mut names| names.next().is_some());
    assert!(eventually(Duration::from_secs(60), has_begun));
    running.interrupt();
    let stopped = running.wait();
    // Where it was quicker than the signal it is finished.
    assert!(matches!(stopped.code, Some(4 | 1)), "{stopped:#?}");
    let there = eml_files(&folder).len() as u64;
    assert_eq!(proof::counts(&workspace)["uncertain"], there, "recorded and there");
    assert_eq!(folder.join("manifest.xlsx").exists(), stopped.code == Some(1));
    let output = workspace.run(&command);
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert_eq!(eml_files(&folder).len(), 1_200);
    assert_eq!(relay.sessions(), 0);
}
