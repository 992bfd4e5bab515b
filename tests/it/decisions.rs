//! `decisions.csv`: what people decided about single recipients, written by hand and by `people`.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Output, Workspace};
use serde_json::Value;

const LETTER: &str = "Subject: Outcomes of {{ conference.name }}\n\n{{ greeting }}\n\n\
    thank you for coming. The Statement is final.\n\nConference Secretariat\n";
const LIST: &str = "email,name,language\nAna@town.example,Ana Pérez,en\nbo@town.example,Bo Li,en\n\
    cy@town.example,Cy Wu,en\n";
const HEADER: &str = "address,action,value,campaign,reason,by,at\n";

fn workspace() -> Workspace {
    Workspace::new().list("people.csv", LIST).letter("outcome", "en", LETTER)
}

fn decided(lines: &str) -> Workspace {
    workspace().file("decisions.csv", format!("{HEADER}{lines}"))
}

#[track_caller]
fn problem<'a>(json: &'a Value, code: &str) -> &'a Value {
    let problems = json["problems"].as_array().expect("problems");
    let found = problems.iter().find(|p| p["code"] == code);
    found.unwrap_or_else(|| panic!("no problem {code}: {json:#}"))
}

#[track_caller]
fn done(output: Output) -> Output {
    assert_eq!(output.code, Some(0), "{output:#?}");
    output
}

/// The messages of a dry run by the file's name.
fn messages(workspace: &Workspace) -> Vec<(String, String)> {
    let folder = workspace.dry_run_out("messages");
    let read = |(name, bytes): (String, Vec<u8>)| (name, String::from_utf8(bytes).expect("7-bit"));
    crate::support::reader::eml_files(&folder).into_iter().map(read).collect()
}

#[test]
fn somebody_left_out_gets_no_letter_and_the_reason_is_told() {
    let before = workspace().fingerprint();
    let workspace = decided("ana@TOWN.example,leave-out,,,asked by phone,M. Diallo,2026-11-03\n");
    let plan = workspace.plan();
    assert_eq!(plan["letters"], 2);
    assert_ne!(plan["fingerprint"], before.as_str(), "it is part of the plan");
    assert_eq!(
        plan["excluded"][0]["reason"],
        "left out by decision (decisions.csv:2): asked by phone"
    );
    assert_eq!(plan["audience"]["left_out"]["decision"], 1);
    let why = done(workspace.run(&["why", "ana"]));
    assert!(why.stdout.contains("left out by decision (decisions.csv:2)"), "{why:#?}");
    // The next export has her in another row, in other capitals.
    workspace
        .write("recipients/people.csv", "email,name\nbo@town.example,Bo\nANA@town.example,Ana\n");
    assert_eq!(workspace.plan()["letters"], 1);
}

#[test]
fn what_was_decided_is_in_the_message() {
    let workspace = decided(
        "ana@town.example,use-address,perez@mail.example\nbo@town.example,greeting,\"Dear Mayor,\"\n\
         dora@mail.example,add,Dora Ruiz\n",
    );
    let messages = messages(&workspace);
    let names: Vec<&str> = messages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "000001-perez@mail.example.eml",
            "000002-bo@town.example.eml",
            "000003-cy@town.example.eml",
            "000004-dora@mail.example.eml"
        ]
    );
    assert!(messages[0].1.contains("<perez@mail.example>"));
    assert!(messages[3].1.contains("Dora Ruiz"), "{}", messages[3].1);
    for who in ["ana@town.example", "perez@mail.example", "ana"] {
        let why = done(workspace.run(&["why", who]));
        let line = "decision    decisions.csv:2: use-address perez@mail.example";
        assert!(why.stdout.contains(line), "{who}: {why:#?}");
    }
}

#[test]
fn the_key_is_that_of_the_list_so_that_a_new_address_is_no_new_person() {
    let relay = Relay::start();
    let workspace = workspace().relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    workspace.write(
        "decisions.csv",
        format!("{HEADER}ana@town.example,use-address,perez@mail.example\n"),
    );
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["accepted"].as_u64()), (Some(0), Some(3)), "{json:#}");
    assert_eq!(relay.counts().values().sum::<usize>(), 3, "whoever has it keeps it");
    let why = done(workspace.run(&["why", "ana"]));
    assert!(why.stdout.contains("decisions.csv:2: use-address"), "{why:#?}");
}

#[test]
fn added_people_are_written_to_whatever_where_says() {
    let workspace = decided("dora@mail.example,add,Dora Ruiz\n")
        .campaign_lines("where = { name = [\"Bo Li\"] }");
    let plan = workspace.plan();
    assert_eq!(plan["letters"], 2);
}

#[test]
fn lines_that_cannot_be_followed_stop_the_mailing_and_say_where() {
    for (lines, code) in [
        ("ana,leave-out,\n", "decision-address"),
        ("ana@town.example,leaveout,\n", "decision-action"),
        ("ana@town.example,use-address,x\n", "decision-value"),
        ("ana@town.example,leave-out,,outcom\n", "decision-campaign"),
        ("ana@town.example,language,en\nana@town.example,language,fr\n", "decision-contradiction"),
    ] {
        let (exit, json) = decided(lines).run_json(&["check"]);
        let found = problem(&json, code);
        assert_eq!((exit, found["file"].as_str()), (Some(3), Some("decisions.csv")), "{found:#}");
        assert!(found["line"].is_u64() && found["hint"].is_string(), "{found:#}");
    }
}

#[test]
fn a_line_that_matches_nobody_any_more_is_a_warning() {
    let (code, json) = decided("gone@town.example,leave-out,\n").run_json(&["check"]);
    let found = problem(&json, "decision-unmatched");
    assert_eq!((code, found["severity"].as_str()), (Some(0), Some("warning")));
    assert_eq!(
        (found["line"].as_u64(), found["recipient"].as_str()),
        (Some(2), Some("gone@town.example"))
    );
}

/// Refused, corrected, asked about, accepted: and nobody else gets a second letter.
#[test]
fn somebody_refused_gets_the_letter_at_the_new_address_once_that_is_confirmed() {
    let relay = Relay::with(Script::new().answer("cy", "550 5.1.1 no such mailbox"));
    let workspace = workspace().relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["rejected"].as_u64()), (Some(1), Some(1)), "{json:#}");
    let line = "cy@town.example,use-address,cy.wu@mail.example\n";
    workspace.write("decisions.csv", format!("{HEADER}{line}"));
    let (code, json) = workspace.run_json(&["send", "--no-wait"]);
    assert_eq!(code, Some(3), "asked first: {json:#}");
    let changed = problem(&json, "plan-changed")["message"].as_str().unwrap().to_owned();
    let words = "another address: cy@town.example is now cy.wu@mail.example";
    assert!(changed.contains(words) && !changed.contains("reads differently"), "{changed}");
    let screen = workspace.run(&["send", "--no-wait"]).stderr;
    assert!(!screen.contains("refused for good"), "{screen}");
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["accepted"].as_u64()), (Some(0), Some(3)), "{json:#}");
    let expected = ["Ana@town.example", "bo@town.example", "cy.wu@mail.example"];
    let counts = relay.counts();
    assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(counts.values().all(|n| *n == 1), "nobody twice: {counts:?}");
    let why = done(workspace.run(&["why", "cy"]));
    assert!(why.stdout.contains("no such mailbox"), "the events keep it: {why:#?}");
    assert!(why.stdout.contains("<cy.wu@mail.example>"), "{why:#?}");
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(relay.counts().values().sum::<usize>(), 3);
}

/// A letter in doubt may have arrived: another address does not settle it.
#[test]
fn a_letter_in_doubt_stays_in_doubt_whatever_the_address() {
    let relay = Relay::with(
        Script::new().at(At::EndOfMessage, Who::Local("cy".to_owned()), Action::Close).times(1),
    );
    let workspace = workspace().relay(&relay);
    let (code, json) = workspace.send();
    assert_eq!((code, json["counts"]["uncertain"].as_u64()), (Some(1), Some(1)), "{json:#}");
    let line = "cy@town.example,use-address,cy.wu@mail.example\n";
    workspace.write("decisions.csv", format!("{HEADER}{line}"));
    let (_, json) = workspace.send();
    assert_eq!(json["counts"]["uncertain"], 1, "{json:#}");
    assert!(!relay.counts().contains_key("cy.wu@mail.example"));
}
