//! Cc copies: each is a delivery of its own, with the bytes of its letter.

use crate::support::postfix::{Postfix, Sink};
use crate::support::proof;
use crate::support::reader::eml_files;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{LETTER, Workspace, copies, pdf, person};
use crate::support::{count, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const OFFICE: &str = "office@town.example";

fn assistant(n: usize) -> String {
    format!("assistant-{n:04}@town.example")
}

/// Letters and copies of so many people.
fn deliveries(people: usize) -> u64 {
    (1..=people).map(|n| 1 + copies(n).len() as u64).sum()
}

/// What a dry run writes for each address, and that all names tell what they hold.
fn previewed(workspace: &Workspace) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut previewed: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for (name, bytes) in eml_files(&workspace.dry_run_out("previewed")) {
        let address = name[7..].trim_end_matches(".eml").to_owned();
        assert!(previewed.entry(address).or_default().insert(bytes), "{name} is there twice");
    }
    previewed
}

/// A list of these rows: address, given name, address of a copy.
fn mailing(relay: &Relay, rows: &[(&str, &str, &str)]) -> Workspace {
    Workspace::new()
        .list("people.csv", list(rows))
        .letter("outcome", "en", LETTER)
        .campaign_lines("cc = [\"assistant_email\"]")
        .relay(relay)
}

fn list(rows: &[(&str, &str, &str)]) -> String {
    let row = |(who, name, copy): &(&str, &str, &str)| {
        let copy = if copy.is_empty() { String::new() } else { format!("{copy}@town.example") };
        format!("{who}@town.example,{name},{copy}\n")
    };
    format!("email,given name,Assistant email\n{}", rows.iter().map(row).collect::<String>())
}

fn bytes_for(relay: &Relay, who: &str) -> Vec<Vec<u8>> {
    relay.bytes_for(&format!("{who}@town.example"))
}

#[test]
fn a_copy_arrives_as_its_letter_did_at_every_kind_of_relay() {
    let scripts = [
        ("all extensions", Script::new()),
        ("no CHUNKING", Script::new().without("CHUNKING")),
        ("no extension at all", Script::new().bare()),
    ];
    for (what, script) in scripts {
        for connections in [1, 2] {
            let relay = Relay::with(script.clone());
            let people = count(12, 300);
            let workspace = Workspace::with_copies(people)
                .attachment("statement.en.pdf", pdf(60_000, 1))
                .relay_lines(&format!("connections = {connections}"))
                .relay(&relay);
            let previewed = previewed(&workspace);
            let (code, json) = workspace.send();
            assert_eq!(code, Some(0), "{what}: {json:#}");
            let counts = proof::counts_of(&json);
            let all = deliveries(people);
            assert_eq!((counts["total"], counts["accepted"]), (all, all), "{what}");
            assert_eq!(json["copies"], all - people as u64);
            assert_eq!(relay.violations(), [""; 0], "{what}: one RCPT a transaction");
            for (address, expected) in &previewed {
                let received = relay.bytes_for(address);
                assert_eq!(received.len(), expected.len(), "{what}: {address}");
                let received: BTreeSet<Vec<u8>> = received.into_iter().collect();
                assert!(received == *expected, "{what}: {address} got other bytes");
            }
            assert_eq!(relay.count() as u64, all);
            // A letter goes before its copies where one connection carries all.
            let order: Vec<String> =
                relay.messages().iter().map(|m| m.forward_paths[0].clone()).collect();
            let planned: Vec<String> =
                (1..=people).flat_map(|n| std::iter::once(person(n)).chain(copies(n))).collect();
            assert!(connections > 1 || order == planned, "{what}: {order:?}");
        }
    }
}

#[test]
fn whom_a_letter_is_copied_to_stands_in_its_cc() {
    let relay = Relay::start();
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "")];
    let workspace = mailing(&relay, &rows);
    assert_eq!(workspace.send().0, Some(0));
    let [ana, desk] = ["ana", "desk"].map(|who| bytes_for(&relay, who));
    assert_eq!((ana.len(), &ana), (1, &desk), "byte for byte");
    let text = String::from_utf8(ana[0].clone()).expect("text");
    assert!(text.contains("\r\nTo: Ana <ana@town.example>\r\nCc: desk@town.example\r\n"), "{text}");
    let bo = String::from_utf8(bytes_for(&relay, "bo")[0].clone()).expect("text");
    assert!(!bo.contains("Cc:"), "{bo}");
    let (_, json) = workspace.run_json(&["preview", "--person", "ana"]);
    assert_eq!(json["letter"]["cc"], serde_json::json!(["desk@town.example"]));
}

#[test]
fn relays_nobody_here_wrote_get_each_letter_and_each_copy_once() {
    let people = 9;
    let made = |url: &str| {
        Workspace::with_copies(people).attachment("statement.en.pdf", pdf(40_000, 1)).relay_url(url)
    };
    let check = |workspace: &Workspace,
                 messages: &dyn Fn() -> Vec<super::support::postfix::Held>| {
        let previewed = previewed(workspace);
        let (code, json) = workspace.send();
        assert_eq!(code, Some(0), "{json:#}");
        let all = deliveries(people) as usize;
        assert!(eventually(Duration::from_secs(5), || messages().len() >= all));
        let held = messages();
        assert_eq!(held.len(), all);
        for (address, expected) in &previewed {
            let theirs: Vec<_> =
                held.iter().filter(|held| held.forward_paths == [address.clone()]).collect();
            assert_eq!(theirs.len(), expected.len(), "{address}");
            for bytes in expected {
                let same = theirs.iter().filter(|held| held.is_of(bytes)).count();
                assert_eq!(same, 1, "{address}");
            }
        }
    };
    if let Some(postfix) = Postfix::start() {
        check(&made(&postfix.url()), &|| postfix.messages());
    }
    if let Some(sink) = Sink::start(&[]) {
        check(&made(&sink.url()), &|| sink.messages());
    }
}

#[test]
fn the_plan_counts_copies_and_is_the_same_in_the_dry_run_and_the_run() {
    let relay = Relay::start();
    let workspace = Workspace::with_copies(6).relay_lines("rate = \"60/min\"").relay(&relay);
    let plan = workspace.plan();
    let all = deliveries(6);
    assert_eq!((&plan["letters"], &plan["copies"]), (&6.into(), &(all - 6).into()), "{plan:#}");
    assert_eq!(plan["languages"]["en"], 6);
    assert_eq!(plan["estimated_seconds"], all - 1, "each is handed over by itself");
    let files = eml_files(&workspace.dry_run_out("out"));
    let octets: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(plan["bytes_total"], octets);
    let screen = workspace.run(&["send", "--dry-run"]).stdout;
    assert!(screen.contains("outcome: 6 letters + 5 copies "), "{screen}");
    assert!(screen.contains("5, to 4 addresses, 2 of them to office@town.example"), "{screen}");
    let (_, json) = workspace.run_json(&["send", "--plan", plan["fingerprint"].as_str().unwrap()]);
    assert_eq!(json["fingerprint"], plan["fingerprint"]);
    let other = Workspace::with_people(6).relay_lines("rate = \"60/min\"").relay(&relay);
    assert_ne!(other.plan()["fingerprint"], plan["fingerprint"], "Cc is part of what is confirmed");
}

#[test]
fn a_cell_that_is_no_address_holds_everything_back() {
    let relay = Relay::start();
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "the desk")];
    let workspace = mailing(&relay, &rows);
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3), "{json:#}");
    let problem = &json["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["line"]),
        (&"bad-address".into(), &3.into()),
        "{json:#}"
    );
    let message = problem["message"].as_str().expect("a message");
    assert!(message.contains("for a copy in column 3 (Assistant email)"), "{message}");
    let sent = workspace.run(&["send", "--plan", "0123456789ab"]);
    assert_eq!((sent.code, relay.sessions()), (Some(3), 0), "{sent:#?}");
    let workspace = workspace.list("people.csv", list(&[("ana", "Ana", "desk"), ("bo", "Bo", "")]));
    assert_eq!((workspace.send().0, relay.count()), (Some(0), 3));
}

#[test]
fn a_column_no_list_has_is_an_error_with_its_place_in_the_configuration() {
    let workspace = Workspace::with_people(2).campaign_lines("cc = [\"given_nam\"]");
    let output = workspace.run(&["check"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.everything().contains("secretariat.toml:"), "{output:#?}");
    assert!(output.everything().contains("Did you mean given_name?"), "{output:#?}");
}

/// The assistant of somebody whose mailbox is full still hears of it, and the reverse.
#[test]
fn a_letter_and_its_copies_have_fates_of_their_own() {
    let script = Script::new().answer("person-0002", "550 5.1.1 no such mailbox");
    let relay = Relay::with(script.answer("assistant-0004", "550 5.1.1 no such mailbox"));
    let workspace = Workspace::with_copies(6).relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!(code, Some(1), "{json:#}");
    let counts = proof::counts_of(&json);
    assert_eq!((counts["rejected"], counts["accepted"]), (2, deliveries(6) - 2), "{json:#}");
    let attention = json["attention"].as_array().expect("a list");
    let named: Vec<(&str, &serde_json::Value)> = attention
        .iter()
        .map(|a| (a["address"].as_str().expect("an address"), &a["copy_of"]))
        .collect();
    let (two, four) = (person(2), person(4));
    let expected = [(two.as_str(), &serde_json::Value::Null), (&*assistant(4), &four.into())];
    assert_eq!(named, expected);
    assert_eq!(relay.bytes_for(&assistant(2)).len(), 1, "the copy of a refused letter");
    assert_eq!(relay.bytes_for(&person(4)).len(), 1, "the letter of a refused copy");
    let status = workspace.run(&["status"]).stdout;
    let line = "assistant-0004@town.example (copy of the letter to person-0004@town.example)";
    let on_one_line = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(on_one_line.contains(line), "{status}");
    assert!(status.contains("5 of 6 letters and 4 of 5 copies handed to"), "{status}");
    // Mended in the list, the copy goes to the new address, with the letter the person has.
    let list = std::fs::read_to_string(workspace.path().join("recipients/registration.csv"));
    let list = list.expect("a list").replace("assistant-0004", "mended");
    let workspace = workspace.list("registration.csv", list);
    assert_eq!(workspace.send().0, Some(1), "one letter is refused all the same");
    assert_eq!(relay.bytes_for("mended@town.example"), relay.bytes_for(&person(4)));
}

#[test]
fn why_tells_of_a_persons_copies_and_of_a_copys_letter() {
    let relay = Relay::start();
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "desk"), ("eve", "Eve", "")];
    let workspace = mailing(&relay, &rows);
    let before = workspace.run(&["why", "desk@town.example"]).stdout;
    assert!(before.contains("a copy of the letter to bo@town.example"), "{before}");
    assert_eq!(workspace.send().0, Some(0));
    let (_, json) = workspace.run_json(&["why", "ana"]);
    assert_eq!(json["deliveries"].as_array().map(Vec::len), Some(1), "{json:#}");
    let copies = serde_json::json!([{"address": "desk@town.example", "state": "accepted"}]);
    assert_eq!(json["deliveries"][0]["copies"], copies);
    let (_, json) = workspace.run_json(&["why", "desk@town.example"]);
    let of: Vec<&str> = json["deliveries"]
        .as_array()
        .expect("deliveries")
        .iter()
        .filter_map(|d| d["copy_of"].as_str())
        .collect();
    assert_eq!(of, ["ana@town.example", "bo@town.example"], "{json:#}");
    let text = workspace.run(&["why", "ana"]).stdout;
    assert!(text.contains("copy to     desk@town.example: accepted"), "{text}");
    let text = workspace.run(&["why", "desk"]).stdout;
    assert!(text.contains("copy of     the letter to Ana <ana@town.example>"), "{text}");
}

/// Two people with one address, one of them called `Cc`, and somebody who has a letter of their own
/// and a copy: each is known by what it is.
#[test]
fn people_who_share_an_address_and_their_copies_are_told_apart() {
    let relay = Relay::start();
    let rows = [("ana", "Ana", "desk"), ("ana", "Cc", "desk"), ("desk", "Eve", "")];
    let workspace = mailing(&relay, &rows).config("[people]\nsame_address = \"each\"");
    let planned = workspace.run(&["why", "desk@town.example"]);
    assert_eq!(planned.code, Some(0), "{planned:#?}");
    assert!(planned.stdout.contains("Eve <desk@town.example>"), "{planned:#?}");
    assert!(planned.stdout.contains("a copy of the letter to ana@town.example"), "{planned:#?}");
    let (code, json) = workspace.send();
    assert_eq!((code, &json["counts"]["accepted"]), (Some(0), &5.into()), "{json:#}");
    assert_eq!((bytes_for(&relay, "ana").len(), bytes_for(&relay, "desk").len()), (2, 3));
    let (code, json) = workspace.run_json(&["why", "Cc <ana@town.example>"]);
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!(json["deliveries"].as_array().map(Vec::len), Some(1), "{json:#}");
    let (code, json) = workspace.run_json(&["why", "desk@town.example"]);
    assert_eq!((code, json["deliveries"].as_array().map(Vec::len)), (Some(0), Some(3)), "{json:#}");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(relay.count(), 5);
}

/// Who was refused gets the letter at another address; a copy of it that went does not go again.
#[test]
fn copies_of_a_letter_that_goes_to_another_address_do_not_go_again() {
    let relay = Relay::with(Script::new().answer("ana", "550 5.1.1 no such mailbox"));
    let workspace = mailing(&relay, &[("ana", "Ana", "desk"), ("bo", "Bo", "")]);
    assert_eq!(workspace.send().0, Some(1));
    assert_eq!(relay.count(), 2);
    let decide = |to: &str| {
        let line = format!("address,action,value\nana@town.example,use-address,{to}\n");
        workspace.write("decisions.csv", line);
        workspace.send()
    };
    let (code, json) = decide("desk@town.example");
    assert_eq!((code, relay.count()), (Some(3), 2), "desk has this very letter: {json:#}");
    assert!(json["problems"].to_string().contains("has-it-already"), "{json:#}");
    let (code, json) = decide("perez@town.example");
    assert_eq!((code, &json["counts"]["accepted"]), (Some(0), &3.into()), "{json:#}");
    assert_eq!((bytes_for(&relay, "perez").len(), bytes_for(&relay, "desk").len()), (1, 1));
    assert_eq!(relay.count(), 3);
}

/// A copy of another's letter is no letter of one's own.
#[test]
fn who_has_a_copy_and_comes_into_the_list_gets_a_letter_too() {
    let relay = Relay::start();
    let workspace = mailing(&relay, &[("ana", "Ana", "desk")]);
    assert_eq!(workspace.send().0, Some(0));
    let rows = [("ana", "Ana", "desk"), ("desk", "Eve", "")];
    let workspace = workspace.list("people.csv", list(&rows));
    let (code, json) = workspace.send();
    assert_eq!((code, bytes_for(&relay, "desk").len()), (Some(0), 2), "{json:#}");
    assert_eq!(relay.count(), 3);
}

#[test]
fn of_several_copies_in_doubt_at_one_address_one_is_named_by_its_letter() {
    let lose = Script::new().at(At::Accepted, Who::Local("desk".into()), Action::Reset);
    let relay = Relay::with(lose);
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "desk")];
    let workspace = mailing(&relay, &rows);
    let (code, json) = workspace.send();
    assert_eq!((code, &json["counts"]["uncertain"]), (Some(1), &2.into()), "{json:#}");
    relay.change(Script::new());
    let settle = |more: &[&str]| {
        let resolve = ["resolve", "desk@town.example", "--reason", "their log"];
        workspace.run(&[&resolve, more].concat())
    };
    let several = settle(&["--accepted"]);
    assert_eq!(several.code, Some(3), "{several:#?}");
    let named = "a copy of the letter to ana@town.example, a copy of the letter to bo@town.example";
    assert!(several.stderr.contains(named) && several.stderr.contains("--letter-to WHO"));
    let why = workspace.run(&["why", "desk@town.example"]).stdout;
    assert!(why.contains("resolve desk@town.example --letter-to bo@town.example"), "{why}");
    let ana = settle(&["--resend", "--letter-to", "ana"]);
    assert_eq!(ana.code, Some(0), "{ana:#?}");
    assert!(ana.stdout.contains("copy of     the letter to Ana"), "{ana:#?}");
    let bo = settle(&["--accepted"]);
    assert_eq!(bo.code, Some(0), "one is left in doubt, so it is meant: {bo:#?}");
    assert_eq!(workspace.send().0, Some(0));
    let had = bytes_for(&relay, "desk");
    assert_eq!(had.len(), 3, "the relay had it, and the officer said otherwise");
    assert_eq!(had.iter().filter(|bytes| **bytes == bytes_for(&relay, "ana")[0]).count(), 2);
}

#[test]
fn a_copy_added_after_the_letter_went_is_the_letter_the_person_has() {
    let relay = Relay::start();
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "")];
    let workspace = mailing(&relay, &rows);
    assert_eq!(workspace.send().0, Some(0));
    let added = [("ana", "Ana", "desk"), ("bo", "Bo", "boss")];
    let workspace = workspace
        .list("people.csv", list(&added))
        .letter("outcome", "en", &LETTER.replace("final", "provisional"))
        .now("2026-11-06T09:30:00Z");
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(3), "{asked:#?}");
    assert!(asked.stderr.contains("1 copy new: boss@town.example"), "{asked:#?}");
    assert!(!asked.stderr.contains("reads differently"), "to nobody who gets one: {asked:#?}");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(relay.count(), 4);
    assert_eq!(bytes_for(&relay, "boss"), bytes_for(&relay, "bo"), "with its date, too");
}

/// A mailing that an earlier version began, in a list that gets a column for copies meanwhile.
#[test]
fn a_ledger_of_the_form_before_copies_goes_on_with_them() {
    let relay = Relay::with(Script::new().answer("bo", "451 4.2.0 later").times(1));
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "desk"), ("eve", "Eve", "")];
    let without = rows.map(|(who, name, _)| (who, name, ""));
    let workspace = mailing(&relay, &without);
    assert_eq!((workspace.send().0, relay.count()), (Some(4), 2));
    let file = workspace.path().join(".secretariat/ledger.db");
    let back = "DROP INDEX deliveries_by_letter; ALTER TABLE deliveries DROP COLUMN copy_of;
                ALTER TABLE letters DROP COLUMN cc; ALTER TABLE letters DROP COLUMN to_mailbox;
                PRAGMA user_version = 3;";
    rusqlite::Connection::open(&file).expect("a ledger").execute_batch(back).expect("form 3");
    let before = std::fs::read(&file).expect("a ledger");
    let counted = proof::counts(&workspace);
    assert_eq!((counted["total"], counted["accepted"]), (3, 2));
    assert_eq!(workspace.run(&["why", "ana"]).code, Some(0));
    assert!(std::fs::read(&file).expect("a ledger") == before, "it was only looked at");
    let workspace = workspace.list("people.csv", list(&rows)).now("2026-11-05T09:50:00Z");
    let (code, json) = workspace.send();
    assert_eq!((code, &json["counts"]["total"]), (Some(0), &5.into()), "{json:#}");
    let desk = bytes_for(&relay, "desk");
    let letter = |who: &str| bytes_for(&relay, who).remove(0);
    assert_eq!((desk.len(), relay.count()), (2, 5));
    assert!(desk.contains(&letter("ana")) && desk.contains(&letter("bo")));
    let has_cc = |bytes: Vec<u8>| String::from_utf8(bytes).is_ok_and(|text| text.contains("Cc: "));
    assert!(!has_cc(letter("ana")), "she has the letter of before");
    assert!(has_cc(letter("bo")), "his waited");
}

#[test]
fn a_copy_taken_out_of_the_list_is_withdrawn_where_it_has_not_gone() {
    let relay = Relay::with(Script::new().answer("desk", "451 4.2.0 later"));
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "boss")];
    let workspace = mailing(&relay, &rows);
    assert_eq!(workspace.send().0, Some(4));
    let workspace = workspace.list("people.csv", list(&[("ana", "Ana", ""), ("bo", "Bo", "")]));
    let asked = workspace.run(&["send"]);
    assert!(asked.stderr.contains("2 copies no longer sent: "), "{asked:#?}");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let counts = proof::counts_of(&json);
    assert_eq!((counts["accepted"], counts["cancelled"]), (3, 1), "{json:#}");
}

#[test]
fn a_part_of_a_mailing_goes_with_its_copies() {
    let relay = Relay::start();
    let workspace = Workspace::with_copies(6).relay(&relay);
    let plan = workspace.fingerprint();
    let send = |more: &[&str]| workspace.run(&[&["send", "--plan", &plan], more].concat()).code;
    assert_eq!(send(&["--first", "2"]), Some(4));
    let has = |n: usize| relay.bytes_for(&person(n)).len();
    assert_eq!(([1, 2, 3].map(has), relay.bytes_for(&assistant(2)).len()), ([1, 1, 0], 1));
    assert_eq!(relay.count(), 3, "two letters and the copy of one");
    assert_eq!(send(&["--person", "given6"]), Some(4));
    assert_eq!((has(6), relay.bytes_for(&assistant(6)).len()), (1, 1));
    assert_eq!((relay.bytes_for(OFFICE).len(), relay.count()), (1, 6));
    let out = workspace.beside("first");
    let out = out.to_string_lossy();
    let dry = workspace.run(&["send", "--dry-run", "--first", "3", "--out", &out]);
    assert_eq!(dry.code, Some(0), "{dry:#?}");
    let names: Vec<String> =
        eml_files(out.as_ref().as_ref()).into_iter().map(|(name, _)| name).collect();
    let expected = [
        format!("000001-{}.eml", person(1)),
        format!("000002-{}.eml", assistant(2)),
        format!("000002-{}.eml", person(2)),
        format!("000003-{OFFICE}.eml"),
        format!("000003-{}.eml", person(3)),
    ];
    assert_eq!(names, expected);
    assert_eq!(send(&[]), Some(0));
    assert_eq!(relay.count() as u64, deliveries(6));
    assert_eq!(relay.violations(), [""; 0]);
}

/// The number of letters is what a person has read; the copies stand beside it.
#[cfg(unix)]
#[test]
fn the_number_to_type_is_that_of_the_letters() {
    let relay = Relay::with(Script::new().answer("desk", "451 4.2.0 later"));
    let workspace =
        mailing(&relay, &[("ana", "Ana", "desk"), ("bo", "Bo", ""), ("eve", "Eve", "")]);
    let typed = |workspace: &Workspace, answer: &str, more: &[&str]| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py");
        let arguments = [&["--color=never", "send", "--no-wait"], more].concat();
        workspace.run_under(&["python3", source, answer], &arguments)
    };
    let asked = typed(&workspace, "", &["--person", "ana"]);
    let question = "Type 1 to send the letter with 1 copy to ana@town.example";
    assert!(asked.stdout.contains(question), "{asked:#?}");
    let asked = typed(&workspace, "4", &[]);
    assert!(asked.stdout.contains("3 letters + 1 copy"), "{asked:#?}");
    assert!(asked.stdout.contains("Type 3 to send, Enter") && relay.count() == 0, "{asked:#?}");
    assert_eq!((typed(&workspace, "3", &[]).code, relay.count()), (Some(4), 3));
    // Only copies are left to go; the plan is another because one more is wanted.
    let rows = [("ana", "Ana", "desk"), ("bo", "Bo", "boss"), ("eve", "Eve", "")];
    let workspace = workspace.list("people.csv", list(&rows));
    let asked = typed(&workspace, "2", &[]);
    assert!(asked.stdout.contains("Type 2 to send the copies, Enter"), "{asked:#?}");
    assert_eq!((asked.code, relay.count()), (Some(4), 4), "the other is still put off");
}

/// The clock goes on while one connection has the letter and another its copy.
#[test]
fn a_letter_and_a_copy_on_their_way_at_once_have_one_date() {
    let wait = |millis| Action::Wait(Duration::from_millis(millis));
    let script = Script::new().bare().at(At::Greeting, Who::Anyone, wait(1_200)).at(
        At::Recipient,
        Who::Local("ana".into()),
        wait(2_000),
    );
    let relay = Relay::with(script);
    let workspace =
        mailing(&relay, &[("ana", "Ana", "desk")]).relay_lines("connections = 2").now("");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(relay.open_most(), 2, "both were on their way at once");
    assert_eq!((relay.sessions(), relay.count()), (2, 2), "and neither had to begin again");
    assert_eq!(bytes_for(&relay, "ana"), bytes_for(&relay, "desk"));
}

#[test]
fn a_limit_of_the_day_counts_copies_and_the_next_day_goes_on() {
    let relay = Relay::start();
    let workspace = Workspace::with_copies(6).relay_lines("daily_limit = 4").relay(&relay);
    assert_eq!((workspace.send().0, relay.count()), (Some(4), 4));
    let workspace = workspace.now("2026-11-06T10:30:00Z");
    assert_eq!((workspace.send().0, relay.count()), (Some(4), 8));
    let workspace = workspace.now("2026-11-07T11:30:00Z");
    assert_eq!((workspace.send().0, relay.count()), (Some(0), 11));
    let office: Vec<Vec<u8>> = relay.bytes_for(OFFICE);
    for n in [3, 6] {
        assert!(office.contains(&relay.bytes_for(&person(n))[0]), "dated with its letter: {n}");
    }
}

#[test]
fn a_rehearsal_with_faults_proves_the_same_of_copies() {
    let workspace = Workspace::with_copies(30);
    let (code, json) = workspace.run_json(&["rehearse", "--faults"]);
    assert_eq!((code, &json["holds"]), (Some(0), &true.into()), "{json:#}");
    assert_eq!((&json["letters"], &json["copies"]), (&30.into(), &25.into()), "{json:#}");
    assert_eq!(json["counts"]["total"], 55);
}

/// One message for all: where the address of a copy needs SMTPUTF8, so does the letter.
#[test]
fn a_copy_that_needs_smtputf8_is_said_before_the_first_letter() {
    let relay = Relay::with(Script::new().without("SMTPUTF8"));
    let workspace = mailing(&relay, &[("ana", "Ana", "büro"), ("bo", "Bo", "")]);
    let (code, json) = workspace.send();
    assert_eq!((code, relay.count()), (Some(3), 0), "{json:#}");
    let message = json["problems"][0]["message"].as_str().expect("a message");
    assert!(message.contains("büro@town.example needs it"), "{json:#}");
    relay.change(Script::new());
    assert_eq!((workspace.send().0, relay.count()), (Some(0), 3));
    assert_eq!(bytes_for(&relay, "büro"), bytes_for(&relay, "ana"));
    assert_eq!(relay.violations(), [""; 0]);
}
