//! DKIM: foreign verifiers take every message, and none that was changed; keys that may not sign
//! stop everything before the first letter.
//!
//! Security S16 (the key is in no output and no file that the program wrote).

use crate::support::count;
use crate::support::dkim::{dkimpy, opendkim};
use crate::support::postfix::Postfix;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Workspace, files_under};
use secretariat::message::dkim::{Key, KeyRecord, Signer};
use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const RSA: &str = include_str!("fixtures/dkim/rsa-pkcs8.pem");
const ED25519: &str = include_str!("fixtures/dkim/ed25519.pem");

/// Past the wait before the retry of a letter that a first run had deferred.
const LATER: &str = "2026-11-05T11:30:00Z";

/// A key beside the workspace, for its owner only, and its table.
fn table(workspace: &Workspace, selector: &str, pem: &str) -> String {
    let file = workspace.beside(&format!("{selector}.pem"));
    fs::write(&file, pem).expect("a key");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a file of our own");
    format!(
        "[[dkim]]\ndomain = \"forum.example\"\nselector = {selector:?}\nkey = {:?}\n",
        file.to_string_lossy()
    )
}

/// What the domain publishes.
fn published(selector: &str, pem: &str) -> KeyRecord {
    let key = Key::from_pem(pem.as_bytes()).expect("a key");
    Signer { domain: "forum.example".to_owned(), selector: selector.to_owned(), key }.record()
}

/// Signs with RSA, as most do.
fn signing(workspace: Workspace) -> Workspace {
    let table = table(&workspace, "autumn", RSA);
    workspace.config(&table)
}

fn keys() -> [KeyRecord; 2] {
    [published("autumn", RSA), published("short", ED25519)]
}

fn messages(folder: &Path) -> Vec<Vec<u8>> {
    let mut names = files_under(folder);
    names.sort();
    names.iter().map(|name| fs::read(folder.join(name)).expect("a message")).collect()
}

#[track_caller]
fn check_all(messages: &[Vec<u8>], signatures: usize) {
    assert!(!messages.is_empty());
    if let Some(verdicts) = dkimpy(messages, &keys()) {
        assert_eq!(verdicts, vec![vec![true; signatures]; messages.len()]);
    }
    if let Some(verdicts) = opendkim(messages, &keys()) {
        assert_eq!(verdicts, vec![true; messages.len()]);
    }
}

/// The sample with both kinds of key.
fn sample() -> Workspace {
    let workspace = Workspace::sample();
    let own = fs::read_to_string(workspace.path().join("secretariat.toml")).expect("a file");
    let tables = table(&workspace, "autumn", RSA) + &table(&workspace, "short", ED25519);
    workspace.whole_config(&format!("{own}\n{tables}"))
}

#[test]
fn every_message_of_the_sample_verifies_by_both_keys() {
    let all = messages(&sample().dry_run_out("out"));
    // All 650 under --long; the languages stand mixed in the lists.
    let some: Vec<Vec<u8>> = all.iter().step_by(count(9, 1)).cloned().collect();
    check_all(&some, 2);
    // OpenDKIM judges one signature of a message: each kind alone is for it too.
    let only = |selector: &str| -> Vec<Vec<u8>> {
        let keep = |message: &Vec<u8>| without_signature(message, selector);
        all.iter().take(3).map(keep).collect()
    };
    check_all(&only("autumn"), 1);
    check_all(&only("short"), 1);
}

/// The message without its signature by a key.
fn without_signature(message: &[u8], selector: &str) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).expect("7-bit");
    let start = text.match_indices("DKIM-Signature:").map(|(at, _)| at);
    let end = |at: usize| {
        let rest = text[at..].match_indices("\r\n");
        let next = |(end, _): &(usize, &str)| !text[at + end + 2..].starts_with(' ');
        at + rest.into_iter().find(next).expect("a field ends").0 + 2
    };
    let field = start.map(|at| at..end(at)).find(|f| text[f.clone()].contains(selector));
    let field = field.expect("a signature by this key");
    [&text[..field.start], &text[field.end..]].concat().into_bytes()
}

/// What must not pass: a changed byte wherever it stands, and header fields added by others.
#[test]
fn one_changed_byte_or_an_added_header_field_fails() {
    let workspace = signing(Workspace::with_people(1).attachment("statement.pdf", PDF));
    let [message] = &messages(&workspace.dry_run_out("out"))[..] else { panic!("one letter") };
    let text = String::from_utf8(message.clone()).expect("7-bit");
    check_all(&[text.clone().into_bytes()], 1);
    let mut changed: Vec<Vec<u8>> = Vec::new();
    for (from, to) in [
        ("\r\nSubject: ", "\r\nSubject: x"),
        ("<secretariat@forum.example>", "<secretarial@forum.example>"),
        ("Thu, 05 Nov", "Thu, 06 Nov"),
        ("\r\nReply-To: answers", "\r\nReply-To: bnswers"),
        ("Dear ", "dear "),
        ("JVBERi", "JVBERj"),
        ("d=forum.example", "d=forum.exampme"),
        (" bh=", " bh=A"),
    ] {
        assert!(text.contains(from), "{from:?} must stand in the message\n{text}");
        changed.push(text.replacen(from, to, 1).into_bytes());
    }
    for field in [
        "From: Somebody <else@forum.example>",
        "Subject: Another",
        "Reply-To: else@evil.example",
        "To: everybody@forum.example",
        "Cc: everybody@forum.example",
        "Date: Fri, 06 Nov 2026 09:30:00 +0000",
        "Content-Type: text/plain",
        "In-Reply-To: <a@evil.example>",
    ] {
        changed.push(format!("{field}\r\n{text}").into_bytes());
        changed.push(text.replacen("\r\nSubject:", &format!("\r\n{field}\r\nSubject:"), 1).into());
    }
    // Behind the end, and between the parts, where no reader looks.
    changed.push(format!("{text}more\r\n").into_bytes());
    changed.push(text.replacen("\r\n\r\n--", "\r\n\r\nmore\r\n--", 1).into_bytes());
    let count = changed.len();
    if let Some(verdicts) = dkimpy(&changed, &keys()) {
        assert_eq!(verdicts, vec![vec![false]; count]);
    }
    if let Some(verdicts) = opendkim(&changed, &keys()) {
        assert_eq!(verdicts, vec![false; count]);
    }
    // What relays may do.
    let folded = text.replacen("\r\nSubject: ", "\r\nsubject:\r\n   ", 1);
    let added =
        format!("Received: by relay.example\r\nSender: x@forum.example\r\n{folded}\r\n\r\n");
    check_all(&[added.into_bytes()], 1);
}

const PDF: &[u8] = b"%PDF-1.4 a document with two  blanks \n";

/// A file name with two blanks stands in the part all letters share, which is then not in its
/// relaxed form as it lies; an empty file ends in empty lines.
#[test]
fn odd_names_and_empty_texts_verify_too() {
    let workspace = Workspace::new()
        .people(2)
        .letter("outcome", "en", "Subject: Two  blanks\n\n{{ greeting }}\n\nA  b.  \n\n\n\n")
        .file("attachments/two  blanks.pdf", PDF)
        .config("[attachments.statement]\ntitle = \"A\"\nfile = \"attachments/two  blanks.pdf\"")
        .campaign_lines("attachments = [\"statement\"]");
    let all = messages(&signing(workspace).dry_run_out("out"));
    let shown = String::from_utf8_lossy(&all[0]).into_owned();
    assert!(shown.contains("\"two  blanks.pdf\""), "{shown}");
    check_all(&all, 1);
}

#[test]
fn messages_verify_after_a_real_postfix() {
    let Some(postfix) = Postfix::start() else { return };
    let workspace = sample_for(&postfix);
    let previewed = messages(&workspace.dry_run_out("out"));
    let (first, plan) = (count(50, previewed.len()), workspace.fingerprint());
    let arguments = ["send", "--plan", &plan, "--no-wait", "--first", &first.to_string()];
    let output = workspace.run(&arguments);
    let held = postfix.messages();
    assert_eq!(held.len(), first, "{output:#?}");
    let by_id: HashMap<String, &Vec<u8>> = previewed.iter().map(|m| (message_id(m), m)).collect();
    for message in &held {
        let id = message_id(&message.text);
        assert!(message.is_of(by_id[&id]), "{id} is not as previewed");
    }
    // Postfix keeps LF; whoever it hands on to gets CRLF again.
    let relayed = |text: &[u8]| String::from_utf8_lossy(text).replace('\n', "\r\n").into_bytes();
    check_all(&held.iter().map(|h| relayed(&h.text)).collect::<Vec<_>>(), 2);
}

fn message_id(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Message-ID: "));
    lines.next().expect("a message has a Message-ID").to_owned()
}

fn sample_for(postfix: &Postfix) -> Workspace {
    sample().variable("SECRETARIAT_RELAY_URL", &postfix.url())
}

/// The contract's byte for byte, with a letter that is deferred in between and goes later.
#[test]
fn every_attempt_has_the_bytes_of_the_dry_run() {
    let relay = Relay::with(deferring("person-0002"));
    let workspace = signing(Workspace::with_people(3).relay(&relay));
    let previewed = messages(&workspace.dry_run_out("out"));
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "one waits: {json:#}");
    relay.change(Script::new());
    let workspace = workspace.now(LATER);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let mut received: Vec<Vec<u8>> = relay.messages().into_iter().map(|m| m.bytes).collect();
    received.sort();
    let mut expected = previewed.clone();
    expected.sort();
    assert_eq!(received, expected);
    check_all(&received, 1);
}

/// Takes all of one person's message and answers that it may come again.
fn deferring(local_part: &str) -> Script {
    let who = Who::Local(local_part.to_owned());
    Script::new().at(At::EndOfMessage, who, Action::reply("451 4.3.0 later"))
}

/// Another key in the middle: nobody is asked anything, and of the letters that wait nothing but the
/// signature is another.
#[test]
fn a_key_changed_between_two_attempts_changes_the_signature_alone() {
    let relay = Relay::with(deferring("person-0002"));
    let workspace = Workspace::with_people(2).relay(&relay);
    let unsigned = messages(&workspace.dry_run_out("unsigned"));
    let plan = workspace.fingerprint();
    let workspace = signing(workspace);
    assert_eq!(workspace.fingerprint(), plan, "a reader sees nothing of it");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "one waits: {json:#}");
    relay.change(Script::new());
    // The file has another key now; its selector would be another, too.
    fs::write(workspace.beside("autumn.pem"), ED25519).expect("a key");
    let workspace = workspace.now(LATER);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let received: Vec<Vec<u8>> = relay.messages().into_iter().map(|m| m.bytes).collect();
    let bare: Vec<Vec<u8>> = received.iter().map(|m| without_signature(m, "autumn")).collect();
    assert_eq!(bare, unsigned);
    let algorithms: Vec<bool> =
        received.iter().map(|m| String::from_utf8_lossy(m).contains("a=ed25519-sha256")).collect();
    assert_eq!(algorithms, [false, true]);
}

#[test]
fn a_rehearsal_signs_and_proves_that_the_bytes_are_those_previewed() {
    let workspace = signing(Workspace::with_people(12).attachment("statement.pdf", PDF));
    for arguments in [&["rehearse"][..], &["rehearse", "--faults", "--seed", "7"]] {
        let output = workspace.run(arguments);
        assert_eq!(output.code, Some(0), "{output:#?}");
    }
}

#[test]
fn the_plan_says_who_signs_and_weighs_the_signature() {
    let workspace = signing(Workspace::with_people(3).attachment("statement.pdf", PDF));
    let largest = messages(&workspace.dry_run_out("out")).iter().map(Vec::len).max();
    let plan = workspace.plan();
    assert_eq!(plan["bytes_largest"].as_u64(), largest.map(|octets| octets as u64));
    let expected = serde_json::json!([
        {"domain": "forum.example", "selector": "autumn", "algorithm": "rsa-sha256"}
    ]);
    assert_eq!(plan["dkim"], expected);
    let screen = workspace.run(&["send", "--dry-run"]).stdout;
    assert!(screen.contains("signed     by forum.example, key autumn (RSA 2048)\n"), "{screen}");
    let unsigned = Workspace::with_people(1);
    assert_eq!(unsigned.plan()["dkim"], serde_json::json!([]));
    assert!(!unsigned.run(&["send", "--dry-run"]).stdout.contains("signed "));
}

/// Security S16: a key that others can read, or that is none, is refused before the first letter,
/// with its place in the configuration; and nothing of a key is ever shown.
#[test]
fn a_key_that_may_not_sign_is_refused_before_the_first_letter() {
    let relay = Relay::start();
    for (what, mode, expected, hint) in [
        (Some(RSA), 0o644, "others may read the DKIM key", "chmod 600"),
        (Some(RSA), 0o640, "others may read the DKIM key", "chmod 600"),
        (None, 0o600, "cannot read the DKIM key", "Correct key under [dkim]"),
        (Some(include_str!("fixtures/dkim/short.pem")), 0o600, "less than 2048 bits", "openssl"),
        (Some(include_str!("fixtures/dkim/long.pem")), 0o600, "more than 4096 bits", "openssl"),
        (Some(include_str!("fixtures/dkim/ec-pkcs8.pem")), 0o600, "neither RSA nor", "openssl"),
        (Some(include_str!("fixtures/dkim/public.pem")), 0o600, "is a public key", "openssl"),
        (
            Some(include_str!("fixtures/dkim/encrypted-pkcs8.pem")),
            0o600,
            "is protected by a passphrase",
            "without a passphrase",
        ),
        (Some("v=DKIM1; k=rsa; p=MIIB"), 0o600, "is no private key in PEM form", "openssl"),
    ] {
        let workspace = signing(Workspace::with_people(2).relay(&relay));
        let file = workspace.beside("autumn.pem");
        match what {
            Some(pem) => fs::write(&file, pem).expect("a key"),
            None => fs::remove_file(&file).expect("a key"),
        }
        if what.is_some() {
            fs::set_permissions(&file, Permissions::from_mode(mode)).expect("a file of our own");
        }
        for command in [&["check"][..], &["send", "--plan", "000000000000"], &["send", "--dry-run"]]
        {
            let output = workspace.run(command);
            let said = output.stdout.clone() + &output.stderr;
            let said_on_one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(output.code, Some(3), "{command:?}: {said}");
            assert!(said_on_one_line.contains(expected), "{expected}: {said}");
            assert!(said_on_one_line.contains(hint), "{hint}: {said}");
            assert!(said_on_one_line.contains("secretariat.toml:"), "{said}");
            assert!(!said.contains("MII") && !said.contains("PRIVATE"), "{said}");
        }
    }
    assert_eq!(relay.count(), 0);
}

#[test]
fn what_may_not_help_the_letters_is_warned_of() {
    let workspace = Workspace::with_people(1);
    let other = table(&workspace, "autumn", RSA).replace("forum.example", "office.example");
    let output = workspace.config(&other).run(&["check"]);
    let shown = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.code, Some(0), "{shown}");
    let expected = "letters from an address at forum.example are signed by office.example, which \
                    is another domain";
    assert!(shown.contains(expected), "{shown}");
    let workspace = Workspace::with_people(1);
    let short = table(&workspace, "short", ED25519);
    let output = workspace.config(&short).run(&["check"]);
    let shown = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("signed with Ed25519 only"), "{shown}");
    let output = signing(Workspace::with_people(1)).run(&["check", "--strict"]);
    assert!(!output.stdout.contains("dkim"), "{output:#?}");
}
