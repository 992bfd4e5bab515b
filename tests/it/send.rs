//! `send` over relays that work: everybody once, as previewed, and only what was confirmed.

use crate::support::postfix::{Held, Postfix, Sink};
use crate::support::reader::eml_files;
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{Output, Workspace, pdf, person};
use crate::support::{count, eventually, proof};
use std::collections::BTreeMap;
use std::time::Duration;

/// Messages of a dry run by the address in their file's name.
fn previewed(workspace: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let files = eml_files(&workspace.dry_run_out("previewed"));
    let address = |name: &str| name[7..].trim_end_matches(".eml").to_owned();
    files.into_iter().map(|(name, bytes)| (address(&name), bytes)).collect()
}

/// Sends with the plan of this moment and says all went well; the JSON.
#[track_caller]
fn send_all(workspace: &Workspace, people: u64) -> serde_json::Value {
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let counts = proof::counts_of(&json);
    assert_eq!((counts["total"], counts["accepted"]), (people, people), "{json:#}");
    assert_eq!(json["complete"], true);
    assert_eq!(json["attention"], serde_json::json!([]));
    json
}

#[test]
fn everybody_gets_one_letter_and_it_is_the_previewed_one() {
    let scripts = [
        ("all extensions", Script::new()),
        ("no CHUNKING", Script::new().without("CHUNKING")),
        ("no PIPELINING", Script::new().without("CHUNKING").without("PIPELINING")),
        ("no extension at all", Script::new().bare()),
    ];
    for (what, script) in scripts {
        let relay = Relay::with(script);
        let people = count(12, 500);
        let workspace = Workspace::with_people(people)
            .attachment("statement.en.pdf", pdf(150_000, 1))
            .relay(&relay);
        let previewed = previewed(&workspace);
        send_all(&workspace, people as u64);
        proof::everybody_has_one(&relay, people);
        assert_eq!(relay.violations(), [""; 0], "{what}");
        for (address, bytes) in &previewed {
            let received = relay.bytes_for(address);
            assert!(
                received == [bytes.clone()],
                "{what}: {address} got other bytes than previewed"
            );
        }
        assert!(relay.messages().iter().all(|m| m.reverse_path == "secretariat@forum.example"));
        assert!(relay.sessions() <= 2, "{what}: many letters go over one connection");
        assert!(relay.open_most() <= 2, "{what}: no more connections than configured");
    }
}

#[test]
fn dots_at_the_start_of_lines_arrive_as_they_were() {
    for script in [Script::new(), Script::new().bare()] {
        let relay = Relay::with(script);
        let letter =
            "Subject: Dots\n\n{{ greeting }}\n\n.\n\n.one\n\n..two\n\n{{ recipient.dots }}\n";
        let list = format!("email,dots\n{},.\n", person(1));
        let workspace = Workspace::new().list("list.csv", list).letter("outcome", "en", letter);
        let workspace = workspace.relay(&relay);
        let previewed = previewed(&workspace);
        send_all(&workspace, 1);
        assert_eq!(relay.bytes_for(&person(1)), [previewed[&person(1)].clone()]);
        assert_eq!(relay.violations(), [""; 0]);
    }
}

#[test]
fn a_real_postfix_gets_everybodys_letter_once() {
    let Some(postfix) = Postfix::start() else { return };
    let people = count(25, 650);
    let workspace = Workspace::with_people(people)
        .attachment("statement.en.pdf", pdf(40_000, 1))
        .relay_url(&postfix.url());
    let previewed = previewed(&workspace);
    send_all(&workspace, people as u64);
    check_held(&postfix.messages(), &previewed);
}

#[test]
fn a_real_postfix_refuses_one_and_defers_one() {
    let (gone, later) = (person(2), person(3));
    let table = [(&*gone, "550 5.1.1 no such mailbox"), (&*later, "450 4.2.0 come back later")];
    let Some(postfix) = Postfix::with_access(&table) else { return };
    let workspace = Workspace::with_people(6).relay_url(&postfix.url());
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "a letter is open: {json:#}");
    let counts = proof::counts_of(&json);
    assert_eq!((counts["accepted"], counts["rejected"], counts["deferred"]), (4, 1, 1));
    let attention = json["attention"].as_array().expect("a list");
    let of = |address: &str| attention.iter().find(|a| a["address"] == *address);
    let gone = of(&gone).unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!(gone["state"], "rejected");
    let words = gone["response"].as_str().expect("the relay's own words");
    assert!(words.contains("5.1.1") && words.contains("no such mailbox"), "{words}");
    assert_eq!(of(&later).expect("an open letter is named")["state"], "deferred");
    assert_eq!(postfix.messages().len(), 4);
}

#[test]
fn smtp_sink_gets_everybodys_letter_once() {
    for options in [&[][..], &["-p"], &["-8", "-e"]] {
        let Some(sink) = Sink::start(options) else { return };
        let people = count(15, 650);
        let workspace = Workspace::with_people(people)
            .attachment("statement.en.pdf", pdf(40_000, 1))
            .relay_url(&sink.url());
        let previewed = previewed(&workspace);
        send_all(&workspace, people as u64);
        assert!(eventually(Duration::from_secs(5), || sink.messages().len() >= people));
        check_held(&sink.messages(), &previewed);
    }
}

/// Everybody once, to one recipient each, the bytes as previewed.
#[track_caller]
fn check_held(held: &[Held], previewed: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(held.len(), previewed.len());
    for (address, bytes) in previewed {
        let theirs: Vec<&Held> =
            held.iter().filter(|h| h.forward_paths == [address.as_str()]).collect();
        assert_eq!(theirs.len(), 1, "{address}");
        assert_eq!(theirs[0].reverse_path, "secretariat@forum.example");
        assert!(theirs[0].is_of(bytes), "{address}: {}", String::from_utf8_lossy(&theirs[0].text));
    }
}

#[test]
fn a_finished_mailing_sends_nothing_again_and_says_so() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(5).relay(&relay);
    send_all(&workspace, 5);
    let fingerprint = workspace.fingerprint();
    let sessions = relay.sessions();
    for arguments in [vec!["send"], vec!["send", "--plan", &fingerprint]] {
        let output = workspace.run(&arguments);
        assert_eq!(output.code, Some(0), "{output:#?}");
        let said = output.everything();
        assert!(said.contains("went to 5 people on 5 November"), "{said}");
        assert!(said.contains("secretariat new"), "says how to write another letter: {said}");
    }
    assert_eq!(relay.sessions(), sessions, "the relay is not even called");
    proof::everybody_has_one(&relay, 5);
    proof::check(&workspace, &relay, 5, 0);
}

#[test]
fn nothing_goes_without_a_confirmation() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(5).relay(&relay);
    let fingerprint = workspace.fingerprint();
    let check = |arguments: &[&str], code: i32| -> Output {
        let output = workspace.run(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {output:#?}");
        assert_eq!(relay.sessions(), 0, "{arguments:?}: the relay was called");
        output
    };
    let output = check(&["send"], 2);
    assert!(output.stderr.contains("--plan"), "says how to confirm: {output:#?}");
    check(&["send", "--plan", &"0".repeat(64)], 3);
    check(&["send", "--plan", "0000-0000-0000"], 3);
    check(&["send", "--plan", &fingerprint[..11]], 2);
    check(&["send", "--plan", "not a plan code"], 2);
    check(&["send", "--bogus"], 2);
}

#[test]
fn the_plan_code_of_the_screen_confirms() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay);
    let f = workspace.fingerprint();
    let code = format!("{}-{}-{}", &f[..4], &f[4..8], &f[8..12]);
    let screen = workspace.run(&["send", "--dry-run"]);
    assert!(screen.everything().contains(&code), "the dry run shows the code: {screen:#?}");
    let output = workspace.run(&["send", "--plan", &code, "--no-wait"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    proof::everybody_has_one(&relay, 2);
}

#[test]
fn a_letter_mended_half_way_goes_to_those_who_have_none() {
    let deferring = (1..=4).fold(Script::new(), |script, n| {
        script.answer(&format!("person-{n:04}"), "450 4.2.0 mailbox busy")
    });
    let relay = Relay::with(deferring);
    let workspace = Workspace::with_people(10).relay(&relay);
    let old = workspace.fingerprint();
    let (code, json) = workspace.send();
    assert_eq!(code, Some(4), "{json:#}");
    assert_eq!((relay.count(), &json["complete"]), (6, &false.into()));

    relay.change(Script::new());
    let mended = "Subject: Mended\n\n{{ greeting }}\n\nThe Statement is final.\n";
    let workspace = workspace.letter("outcome", "en", mended).now("2026-11-05T10:00:00Z");
    let sessions = relay.sessions();
    let output = workspace.run(&["send", "--plan", &old, "--no-wait"]);
    assert_eq!(output.code, Some(3), "the old code is not a confirmation: {output:#?}");
    let said = output.everything();
    assert!(said.contains("letter in en"), "says what changed: {said}");
    assert_eq!(relay.sessions(), sessions, "nothing went in this run");

    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    proof::everybody_has_one(&relay, 10);
    for n in 1..=10 {
        let bytes = String::from_utf8(relay.bytes_for(&person(n)).remove(0)).expect("ASCII");
        assert_eq!(bytes.contains("Subject: Mended"), n <= 4, "{}: {bytes}", person(n));
    }
    proof::check(&workspace, &relay, 10, 0);
}

#[test]
fn people_who_come_and_go_between_two_runs() {
    let relay = Relay::with(Script::new().answer("person-0001", "450 4.2.0 busy"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(4));
    relay.change(Script::new());
    // Person 1 (deferred) leaves the list, person 4 comes.
    let list = "email,given name,language\nperson-0002@town.example,B,en\n\
        person-0003@town.example,C,en\nperson-0004@town.example,D,en\n";
    let before = relay.counts();
    let workspace = workspace.list("registration.csv", list).now("2026-11-05T10:00:00Z");
    let (code, json) = workspace.send();
    assert_eq!(code, Some(0), "{json:#}");
    let counts = proof::counts_of(&json);
    assert_eq!((counts["accepted"], counts["cancelled"]), (3, 1), "{json:#}");
    assert_eq!(before.len(), 2);
    assert_eq!(relay.counts().len(), 3);
    assert!(relay.counts().values().all(|n| *n == 1) && !relay.counts().contains_key(&person(1)));
}

#[test]
fn a_document_swapped_after_the_plan_is_refused() {
    let relay = Relay::start();
    let workspace =
        Workspace::with_people(3).attachment("statement.en.pdf", pdf(900, 1)).relay(&relay);
    let plan = workspace.fingerprint();
    workspace.write("attachments/statement.en.pdf", pdf(900, 2));
    let output = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(relay.sessions(), 0);
}

#[test]
fn two_at_once_do_not_send_twice() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(20)));
    let people = count(30, 300);
    let workspace = Workspace::with_people(people).relay(&relay);
    let plan = workspace.fingerprint();
    let arguments = ["send", "--plan", &plan, "--no-wait"];
    let one = workspace.spawn(&arguments);
    assert!(eventually(Duration::from_secs(30), || relay.count() > 0), "the first one begins");
    let two = workspace.spawn_as_it_is(&arguments).wait();
    let one = one.wait();
    assert_eq!(one.code, Some(0), "{one:#?}");
    assert!(two.code == Some(3) || two.code == Some(4), "the second one is refused: {two:#?}");
    proof::everybody_has_one(&relay, people);
    proof::check(&workspace, &relay, people, 0);
}

#[test]
fn letters_to_reserved_domains_stay_on_this_computer() {
    let workspace = Workspace::with_people(2).relay_url("smtps://192.0.2.1:465");
    let plan = workspace.run(&["send", "--dry-run", "--format", "json"]);
    let plan = plan.json()["fingerprint"].as_str().map(str::to_owned);
    // Whether the dry run refuses already or only `send` does: nothing goes.
    let plan = plan.unwrap_or("0".repeat(64));
    let output = workspace.run(&["send", "--plan", &plan, "--no-wait"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.everything().contains("town.example"), "names the domain: {output:#?}");
}

#[test]
fn why_tells_the_whole_story_of_one_person() {
    let relay = Relay::with(Script::new().answer("person-0002", "550 5.1.1 unknown here"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(1), "done, and one rejected letter needs a person");
    let (code, json) = workspace.run_json(&["why", &person(1)]);
    assert_eq!(code, Some(0));
    assert_eq!(json["address"], person(1));
    let delivery = &json["deliveries"][0];
    assert_eq!(
        (&delivery["campaign"], &delivery["state"]),
        (&"outcome".into(), &"accepted".into())
    );
    assert_eq!(
        (&delivery["file"], &delivery["line"]),
        (&"recipients/registration.csv".into(), &2.into())
    );
    assert_eq!(delivery["attempts"], 1);
    let message_id =
        delivery["message_id"].as_str().expect("a Message-ID").trim_matches(['<', '>']);
    let bytes = String::from_utf8(relay.bytes_for(&person(1)).remove(0)).expect("ASCII");
    assert!(bytes.contains(&format!("<{message_id}>")), "{message_id}: {bytes}");
    assert!(delivery["response"].as_str().is_some_and(|r| r.contains("queued as")), "{delivery}");
    let events = json["events"].as_array().expect("a list");
    assert!(
        !events.is_empty() && events.iter().all(|e| e["at"].is_string() && e["kind"].is_string())
    );

    let (_, json) = workspace.run_json(&["why", "Given2"]);
    let delivery = &json["deliveries"][0];
    assert_eq!(delivery["state"], "rejected", "found by a part of the name: {json:#}");
    assert!(delivery["response"].as_str().is_some_and(|r| r.contains("unknown here")));
    let text = workspace.run(&["why", &person(2)]);
    assert!(text.stdout.contains("unknown here"), "the relay's own words: {text:#?}");
}

/// A row that was left out because the address stands elsewhere is part of a person's story.
#[test]
fn why_tells_of_rows_that_were_left_out() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2)
        .list(
            "vip.csv",
            "email,given name\nPerson-0001@town.example,Given1\nvip@town.example,Vip\n",
        )
        .relay(&relay);
    let row = "recipients/vip.csv:2";
    let reason = "same address as recipients/registration.csv row 2";
    let check = |who: &str| {
        let text = workspace.run(&["why", who]).stdout;
        assert!(text.contains(row) && text.contains(reason), "{text}");
        assert_eq!(text.matches(row).count(), 1, "{text}");
        let (code, json) = workspace.run_json(&["why", who]);
        let left_out = serde_json::json!([{
            "campaign": "outcome", "file": "recipients/vip.csv", "line": 2, "reason": reason,
        }]);
        assert_eq!((code, &json["left_out"]), (Some(0), &left_out), "{json:#}");
    };
    let both = |workspace: &Workspace| {
        check("Given1");
        check(&person(1));
        let (_, json) = workspace.run_json(&["why", &person(2)]);
        assert_eq!(json["left_out"], serde_json::json!([]), "{json:#}");
    };
    both(&workspace);
    assert_eq!(workspace.send().0, Some(0));
    both(&workspace);
    // Nobody waits for a list of a million to be read.
    let large = format!("email,remark\nlarge@town.example,{}\n", "x".repeat(60_000)).repeat(80);
    workspace.write("recipients/large.csv", large);
    let (code, json) = workspace.run_json(&["why", &person(1)]);
    assert_eq!((code, &json["left_out"]), (Some(0), &serde_json::Value::Null), "{json:#}");
}
