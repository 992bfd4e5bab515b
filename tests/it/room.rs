//! Drives that are full or may only be read, for real: small file systems of their own.
//!
//! One clear message each, nothing half written, no letter lost or doubled, and all is well once
//! there is room. Only root can mount.

use crate::drive::{PEOPLE, check, mailing};
use crate::support::reader::eml_files;
use crate::support::relay::Relay;
use crate::support::relay::script::{At, Script};
use crate::support::workspace::{Output, Workspace, files_under, pdf};
use crate::support::{count, is_root, proof, skip};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own at a folder; unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// An empty one in memory that takes so many KiB.
    fn small(at: &Path, kib: usize) -> Option<Mounted> {
        let size = format!("size={kib}k,mode=0700");
        Mounted::with(at, &["-t", "tmpfs", "-o", &size, "secretariat-test"])
    }

    /// What is there, to be read only.
    fn read_only(at: &Path) -> Option<Mounted> {
        let mounted = Mounted::with(at, &["--bind", &at.to_string_lossy()])?;
        mounted.remount("bind,ro");
        Some(mounted)
    }

    fn with(at: &Path, arguments: &[&str]) -> Option<Mounted> {
        let what = "drives that are full or may only be read";
        if !is_root() {
            skip(what, "only root can mount");
            return None;
        }
        std::fs::create_dir_all(at).expect("a folder to mount at");
        let mounted = Command::new("mount").args(arguments).arg(at).output().expect("mount runs");
        if !mounted.status.success() {
            skip(what, String::from_utf8_lossy(&mounted.stderr).trim());
            return None;
        }
        Some(Mounted(at.to_owned()))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "mounted again with {options}");
    }

    /// Takes what room is left.
    fn fill(&self) {
        let file = std::fs::File::create(self.0.join("filler")).expect("a name needs no room");
        let zeros = [0; 4096];
        while std::io::Write::write_all(&mut &file, &zeros).is_ok() {}
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// One message, on one line, with what to do on the next.
#[track_caller]
fn refused(what: &str, output: &Output, words: &str) {
    assert_eq!(output.code, Some(3), "{what}: {output:#?}");
    let lines: Vec<&str> = output.stderr.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{what}: one message: {output:#?}");
    let at = lines.iter().position(|line| line.starts_with("error: ")).expect("counted");
    assert!(lines[at].contains(words), "{what}: {words:?}: {output:#?}");
    assert!(lines[at + 1..].iter().any(|l| l.starts_with("  = ")), "{what}: a hint: {output:#?}");
}

#[test]
fn a_ledger_on_a_drive_too_small_sends_what_it_can_record() {
    for kib in (8..400).step_by(count(48, 8)) {
        let (workspace, relay) = mailing(Script::new());
        let ledger = workspace.path().join(".secretariat");
        let Some(drive) = Mounted::small(&ledger, kib) else { return };
        let plan = workspace.fingerprint();
        let output = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
        if kib < 48 {
            refused(&format!("{kib} KiB"), &output, "/.secretariat");
        }
        drive.remount("size=64m");
        check(&format!("{kib} KiB"), &workspace, &relay, &output);
    }
}

#[test]
fn a_drive_that_gets_full_in_the_middle_loses_nothing() {
    for letter in 1..=PEOPLE {
        let (workspace, relay) = mailing(Script::new());
        let ledger = workspace.path().join(".secretariat");
        let Some(drive) = Mounted::small(&ledger, 4096) else { return };
        let drive = std::sync::Arc::new(drive);
        let filled = drive.clone();
        relay.change(Script::new().choosing(move |moment| {
            if moment.at == At::Accepted && moment.transaction == letter {
                filled.fill();
            }
            None
        }));
        let plan = workspace.fingerprint();
        let output = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
        assert_eq!(output.code, Some(4), "letter {letter}: {output:#?}");
        assert!(output.stderr.contains("the disk is full"), "letter {letter}: {output:#?}");
        relay.change(Script::new());
        std::fs::remove_file(ledger.join("filler")).expect("there is room again");
        check(&format!("full at letter {letter}"), &workspace, &relay, &output);
    }
}

/// What has its name there stays; the others wait, and the same command writes them.
#[test]
fn a_drive_too_small_for_all_files_is_made_good_by_the_same_command() {
    for kib in (8..400).step_by(count(64, 16)) {
        let relay = Relay::start();
        let workspace = Workspace::with_people(PEOPLE)
            .attachment("statement.en.pdf", pdf(20_000, 1))
            .relay(&relay);
        let previewed = eml_files(&workspace.dry_run_out("previewed"));
        let folder = workspace.beside("for-them");
        let Some(drive) = Mounted::small(&folder, kib) else { return };
        let (plan, to) = (workspace.fingerprint(), folder.to_string_lossy().into_owned());
        let command = ["send", "--hand-over", &to, "--plan", &plan];
        let output = workspace.run(&command);
        if output.code != Some(1) {
            refused(&format!("{kib} KiB"), &output, "cannot write");
            assert!(!folder.join("manifest.xlsx").exists(), "{kib} KiB: it is not finished");
            assert_eq!(
                files_under(&folder).len(),
                eml_files(&folder).len(),
                "{kib} KiB: no halves"
            );
            let uncertain = proof::counts(&workspace)["uncertain"] as usize;
            assert_eq!(uncertain, eml_files(&folder).len(), "{kib} KiB: recorded and there");
        }
        drive.remount("size=64m");
        let output = workspace.run(&command);
        assert_eq!(output.code, Some(1), "{kib} KiB: {output:#?}");
        assert!(eml_files(&folder) == previewed, "{kib} KiB");
        assert_eq!(relay.sessions(), 0);
    }
}

#[test]
fn a_workspace_that_may_only_be_read_sends_nothing_and_says_so() {
    for has_ledger in [false, true] {
        let relay = Relay::with(Script::new().answer("person-0002", "451 4.2.0 later"));
        let workspace = Workspace::with_people(PEOPLE).relay(&relay);
        workspace.write_config();
        if has_ledger {
            assert_eq!(workspace.send().0, Some(4));
        }
        relay.change(Script::new());
        let workspace = workspace.now("2026-11-05T10:30:00Z");
        let plan = workspace.fingerprint();
        let (sessions, path) = (relay.sessions(), workspace.path());
        let Some(drive) = Mounted::read_only(&path) else { return };
        let run = |arguments: &[&str]| workspace.run_as_it_is(arguments);
        refused("send", &run(&["send", "--plan", &plan]), "/.secretariat");
        refused("new", &run(&["new", "thanks"]), "could not be written");
        let pages = path.join("pages");
        let pages = pages.to_string_lossy();
        refused("preview", &run(&["preview", "--out", &pages]), "/pages");
        refused("dry run", &run(&["send", "--dry-run", "--out", &pages]), "/pages");
        refused("init", &run(&["init", &pages]), "/pages");
        if has_ledger {
            refused("pause", &run(&["pause"]), "/.secretariat");
        }
        assert_eq!(run(&["check"]).code, Some(0), "looking needs no writing");
        let status = run(&["status"]);
        assert_eq!(status.code, Some(0), "looking needs no writing: {status:#?}");
        assert_eq!(relay.sessions(), sessions, "nothing went");
        drop(drive);
        assert_eq!(workspace.send().0, Some(0));
        proof::everybody_has_one(&relay, PEOPLE);
    }
}

/// `init`, `new`, `preview --out` and `send --dry-run --out`: all of it, or nothing, and again when
/// there is room.
#[test]
fn what_has_no_room_is_not_half_written() {
    let people = 150;
    let workspace = Workspace::with_people(people).attachment("map.pdf", pdf(60_000, 1));
    let small = workspace.beside("small");
    let Some(drive) = Mounted::small(&small, 600) else { return };
    let to = |name: &str| small.join(name).to_string_lossy().into_owned();
    let commands = [
        vec!["init".to_owned(), to("init")],
        vec!["preview".to_owned(), "--out".to_owned(), to("preview")],
        vec!["send".to_owned(), "--dry-run".to_owned(), "--out".to_owned(), to("dry-run")],
    ];
    for command in &commands {
        refused(&command[0], &workspace.run(command), "/small/");
        assert_eq!(files_under(&small), [""; 0], "{command:?} left half of it");
    }
    drive.remount("size=64m");
    for command in &commands {
        let output = workspace.run(command);
        assert_eq!(output.code, Some(0), "{command:?}: {output:#?}");
    }
    let before = files_under(&small).len();
    assert!(before > 2 * people, "{before} files");
    drive.fill();
    for command in &commands[1..] {
        refused(&command[0], &workspace.run(command), "/small/");
        assert_eq!(files_under(&small).len(), before + 1, "{command:?} took away what was there");
    }
}

#[test]
fn a_mailing_begun_without_room_does_not_spoil_the_others() {
    let workspace = Workspace::new().people(2).letter("outcome", "en", "Subject: A\n\nB\n");
    workspace.write_config();
    let config = std::fs::read_to_string(workspace.path().join("secretariat.toml")).expect("it");
    let templates = std::fs::read_dir(workspace.path().join("templates")).expect("them").count();
    let path = workspace.path();
    let Some(drive) = Mounted::small(&path, 64) else { return };
    workspace.write_config();
    workspace.write("templates/outcome/en.md", "Subject: A\n\nB\n");
    // Room for a folder and a short file more, and none for the end of the configuration.
    for pages in 0..8 {
        drive.fill();
        let filler = path.join("filler");
        let size = std::fs::metadata(&filler).expect("it").len();
        let file = std::fs::File::options().write(true).open(&filler).expect("it");
        file.set_len(size - pages * 4096).expect("some room");
        let output = workspace.run_as_it_is(&["new", "thanks"]);
        let now = std::fs::read_to_string(path.join("secretariat.toml")).expect("it is there");
        if output.code == Some(0) {
            assert!(pages > 0, "there was no room: {output:#?}");
            return;
        }
        refused(&format!("{pages} pages"), &output, "could not be written");
        assert_eq!(now, config, "{pages} pages");
        assert!(!path.join("templates/thanks/en.md").exists(), "{pages} pages of {templates}");
    }
    panic!("with room a mailing can be begun");
}

/// The output of a command goes to a file on a full drive: half of it must not pass for all.
#[test]
fn an_answer_that_nobody_can_read_is_said_to_be_lost() {
    let workspace = Workspace::with_people(2);
    let shell = "exec \"$0\" \"$@\" >/dev/full";
    let output = workspace.run_under(&["sh", "-c", shell], &["check"]);
    refused("check", &output, "could not be written");
    let without_letter = Workspace::new().people(2);
    let json = ["check", "--format", "json"];
    let output = without_letter.run_under(&["sh", "-c", shell], &json);
    assert_eq!(output.code, Some(3), "{output:#?}");
    for words in ["could not be written", "no-letter"] {
        assert!(output.stderr.contains(words), "what the object held: {words}: {output:#?}");
    }
}
