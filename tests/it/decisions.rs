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

/// Who asked never to be written to is not written to as somebody's assistant either.
#[test]
fn somebody_left_out_gets_no_copy_of_anothers_letter() {
    let list = "email,name,assistant\nana@town.example,Ana,boss@town.example\n\
                bo@town.example,Bo,desk@town.example\nboss@town.example,Boss,\n";
    let workspace = Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", LETTER)
        .campaign_lines("cc = [\"assistant\"]")
        .file("decisions.csv", format!("{HEADER}boss@TOWN.example,leave-out,,,never again,,\n"));
    let plan = workspace.plan();
    assert_eq!((&plan["letters"], &plan["copies"]), (&2.into(), &1.into()), "{plan:#}");
    let to_boss = |(name, _): &(String, String)| name.contains("boss@");
    assert!(!messages(&workspace).iter().any(to_boss));
    let note = problem(&plan, "copy-left-out");
    assert_eq!(note["recipient"], "boss@town.example", "{note:#}");
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
        ("ana@town.example,leave-out,,asked by phone\n", "decision-campaign"),
        ("ana@town.example,leave-out,,deceased\n", "decision-campaign"),
        ("ana@town.example;leave-out;;;asked;;\n", "decision-header"),
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

fn file(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.path().join("decisions.csv")).expect("decisions.csv")
}

#[test]
fn leaving_somebody_out_writes_a_line_and_says_what_it_changes() {
    let workspace = workspace();
    let output = done(workspace.run(&[
        "people",
        "leave-out",
        "ana",
        "bo@town.example",
        "--reason",
        "asked, by phone",
        "--by",
        "M. Diallo",
    ]));
    assert!(output.stdout.contains("decisions.csv: Ana@town.example leave-out"), "{output:#?}");
    assert!(
        output.stdout.contains("Ana Pérez <Ana@town.example> gets no letter of outcome."),
        "{output:#?}"
    );
    assert_eq!(
        file(&workspace),
        "\u{feff}address,action,value,campaign,reason,by,at\r\n\
         Ana@town.example,leave-out,,,\"asked, by phone\",M. Diallo,2026-11-05T09:30:00Z\r\n\
         bo@town.example,leave-out,,,\"asked, by phone\",M. Diallo,2026-11-05T09:30:00Z\r\n"
    );
    let plan = workspace.plan();
    assert_eq!(plan["letters"], 1);
    assert_eq!(
        plan["excluded"][0]["reason"],
        "left out by decision (decisions.csv:2): asked, by phone"
    );
}

#[test]
fn a_line_is_added_to_what_is_there_byte_for_byte() {
    let before = "\u{feff}address;action;value;campaign;reason;by;at\r\n\
                  gone@town.example;leave-out;;;\"a \"\"quoted\"\" word\";;";
    let workspace = workspace().file("decisions.csv", before);
    let people = ["people", "change-address", "ana", "perez@mail.example", "--campaign", "outcome"];
    let output = done(workspace.run(&people));
    assert!(output.stdout.contains("goes to perez@mail.example"), "{output:#?}");
    let line =
        "\r\nAna@town.example;use-address;perez@mail.example;outcome;;;2026-11-05T09:30:00Z\r\n";
    assert_eq!(file(&workspace), format!("{before}{line}"));
    assert!(messages(&workspace)[0].0.contains("perez@mail.example"));
    // Another one would contradict it.
    let again = ["people", "change-address", "ana", "p2@mail.example", "--campaign", "outcome"];
    let refused = workspace.run(&again);
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("decisions.csv:3"), "{refused:#?}");
    assert_eq!(file(&workspace), format!("{before}{line}"));
}

#[test]
fn somebody_in_no_list_is_added_with_a_language() {
    let workspace = workspace().letter("outcome", "fr", LETTER);
    let add = ["people", "add", "dora@mail.example", "--name", "Dora Ruiz", "--language", "fr"];
    let output = done(workspace.run(&add));
    assert!(
        output.stdout.contains("Dora Ruiz <dora@mail.example> gets a letter of outcome."),
        "{output:#?}"
    );
    let plan = workspace.plan();
    assert_eq!((plan["letters"].as_u64(), plan["languages"]["fr"].as_u64()), (Some(4), Some(1)));
    let again = workspace.run(&add);
    assert_eq!(again.code, Some(3), "{again:#?}");
    assert_eq!(workspace.plan()["letters"], 4);
}

/// Nobody or several: nothing is written, for none of those named.
#[test]
fn nothing_is_written_unless_everybody_named_is_one_person() {
    let workspace = workspace();
    let run = |arguments: &[&str], code: i32, words: &str| {
        let output = workspace.run(arguments);
        assert_eq!(output.code, Some(code), "{output:#?}");
        assert!(output.stderr.contains(words), "{output:#?}");
        assert!(!workspace.path().join("decisions.csv").exists(), "{arguments:?}");
    };
    run(&["people", "leave-out", "zoltan", "--reason", "x"], 3, "nobody in the lists is");
    run(&["people", "leave-out", "ana", "zoltan", "--reason", "x"], 3, "nobody in the lists is");
    run(&["people", "leave-out", "town", "--reason", "x"], 3, "nobody in the lists is");
    run(&["people", "leave-out", "ana"], 2, "--reason");
    run(&["people", "change-address", "ana", "no-address"], 2, "no-address");
    run(&["people", "change-address", "ana", "ANA@town.example"], 3, "is the address in the list");
    run(&["people", "leave-out", "ana", "--reason", "x", "--campaign", "outcom"], 3, "outcom");
    run(&["people", "add", "bo@town.example"], 3, "gets a letter already");
}

#[test]
fn one_of_several_people_with_an_address_is_left_out_by_name() {
    let list = "email,name\noffice@town.example,Ana Pérez\noffice@town.example,Luis Mora\n";
    for policy in ["each", "joint"] {
        let workspace = Workspace::new()
            .list("people.csv", list)
            .letter("outcome", "en", LETTER)
            .config(&format!("[people]\nsame_address = \"{policy}\""));
        {
            let both = ["people", "leave-out", "office@town.example", "--reason", "x"];
            let output = workspace.run(&both);
            assert!(output.stderr.contains("may be any of 2 people"), "{output:#?}");
            assert!(!workspace.path().join("decisions.csv").exists());
        }
        done(workspace.run(&["people", "leave-out", "luis", "--reason", "left the office"]));
        assert!(file(&workspace).contains("\r\nLuis Mora <office@town.example>,leave-out"));
        assert_eq!(workspace.plan()["letters"], 1, "{policy}");
        let why = done(workspace.run(&["why", "luis"]));
        assert!(why.stdout.contains("left out by decision"), "{policy}: {why:#?}");
        let folder = messages(&workspace);
        assert!(!folder[0].1.contains("Luis"), "{policy}: {}", folder[0].1);
    }
}

/// Two commands at once: both lines are there, whole.
#[test]
fn decisions_made_at_once_are_all_written() {
    let workspace = Workspace::with_people(12);
    workspace.write_config();
    let running: Vec<_> = (1..=12)
        .map(crate::support::workspace::person)
        .map(|who| {
            workspace.spawn_as_it_is(&["people", "leave-out", &who, "--reason", "all at once"])
        })
        .collect();
    for one in running {
        done(one.wait());
    }
    let text = file(&workspace);
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(text.lines().skip(1).all(|line| line.contains(",all at once,")), "{text}");
    assert!(!workspace.path().join(".decisions.csv.new").exists());
}

#[test]
fn a_file_with_a_mistake_is_not_added_to() {
    let before = format!("{HEADER}bo@town.example,leave-out,,,\"never closed,,\n");
    let workspace = workspace().file("decisions.csv", &before);
    let output = workspace.run(&["people", "leave-out", "ana", "--reason", "x"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("decisions.csv:2"), "{output:#?}");
    assert_eq!(file(&workspace), before);
}

#[test]
fn whoever_has_the_letter_is_told_to_have_it() {
    let relay = Relay::start();
    let workspace = workspace().relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    let output = done(workspace.run(&["people", "leave-out", "ana", "--reason", "x"]));
    assert!(output.stdout.contains("has the letter already: that stays"), "{output:#?}");
}

/// Cy is to be written to where Bo was, who has the letter: that address does not get another.
#[test]
fn a_new_address_that_has_the_letter_already_is_refused() {
    let relay = Relay::with(Script::new().answer("cy", "550 5.1.1 no such mailbox"));
    let list = "email,name\ncy@town.example,Cy Wu\nbo@town.example,Bo Li\n";
    let workspace = Workspace::new().list("people.csv", list).letter("outcome", "en", LETTER);
    let workspace = workspace.relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    let line = "cy@town.example,use-address,bo@town.example\n";
    workspace.write("decisions.csv", format!("{HEADER}{line}"));
    let (code, json) = workspace.send();
    assert_eq!(code, Some(3), "{json:#}");
    problem(&json, "has-it-already");
    assert_eq!(relay.counts().values().sum::<usize>(), 1, "nobody twice");
}

fn sharing(policy: &str, list: &str) -> Workspace {
    Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", LETTER)
        .config(&format!("[people]\nsame_address = \"{policy}\""))
}

const OFFICE: &str = "email,name\noffice@town.example,Ana Pérez\noffice@town.example,Luis Mora\n";

/// To leave out the first of two took the other with her.
#[test]
fn whoever_shares_the_address_of_somebody_left_out_or_moved_still_gets_a_letter() {
    let workspace = sharing("one", OFFICE);
    done(workspace.run(&["people", "leave-out", "Ana Pérez", "--reason", "x"]));
    assert!(file(&workspace).contains("\r\nAna Pérez <office@town.example>,leave-out"));
    let [(_, letter)] = messages(&workspace).try_into().expect("one letter");
    assert!(letter.contains("Luis Mora"), "{letter}");
    let workspace = sharing("one", OFFICE);
    done(workspace.run(&["people", "change-address", "Ana Pérez", "ana@mail.example"]));
    let names: Vec<String> = messages(&workspace).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["000001-ana@mail.example.eml", "000002-office@town.example.eml"]);
    // The office itself has moved.
    let workspace = sharing("one", OFFICE);
    done(workspace.run(&["people", "change-address", "office@town.example", "desk@town.example"]));
    assert_eq!(workspace.plan()["letters"], 1);
}

/// The command asks who is meant; the file said nothing.
#[test]
fn a_line_that_holds_for_all_who_share_an_address_is_told() {
    let check = |policy: &str, line: &str, code: i32, severity: &str| {
        let workspace = sharing(policy, OFFICE).file("decisions.csv", format!("{HEADER}{line}"));
        let (exit, json) = workspace.run_json(&["check"]);
        let found = problem(&json, "decision-shared");
        assert_eq!((exit, found["severity"].as_str()), (Some(code), Some(severity)), "{found:#}");
        let message = found["message"].as_str().expect("a message");
        assert!(message.contains("Ana Pérez and Luis Mora"), "{message}");
        let hint = found["hint"].as_str().expect("a hint");
        assert!(hint.contains("\"Ana Pérez <office@town.example>\""), "{hint}");
    };
    check("one", "office@town.example,leave-out,\n", 0, "warning");
    check("each", "office@town.example,leave-out,\n", 0, "warning");
    check("each", "office@town.example,use-address,karl@town.example\n", 3, "error");
}

/// A table saved under another name was ignored without a word.
#[test]
fn a_file_that_is_mistaken_for_the_decisions_is_an_error() {
    for (name, words) in [
        ("decisions.xlsx", "save it as"),
        ("Decisions.csv.csv", "Give it the name decisions.csv"),
        ("decisions (2).csv", "Give it the name decisions.csv"),
        ("decision.csv", "Give it the name decisions.csv"),
    ] {
        let workspace = workspace().file(name, format!("{HEADER}bo@town.example,leave-out,\n"));
        let (exit, json) = workspace.run_json(&["check"]);
        let found = problem(&json, "decision-file");
        assert_eq!((exit, found["file"].as_str()), (Some(3), Some(name)), "{found:#}");
        assert!(found["hint"].as_str().expect("a hint").contains(words), "{found:#}");
    }
    // A conference makes decisions too.
    let workspace = workspace().file("Decisions of the Forum.pdf", "%PDF-1.4");
    assert_eq!(workspace.run(&["check"]).code, Some(0));
}

#[test]
fn a_line_pasted_with_another_separator_or_without_a_header_says_so() {
    let said = |text: &str| {
        let output = workspace().file("decisions.csv", text).run(&["check"]);
        assert_eq!(output.code, Some(3), "{output:#?}");
        output.stdout + &output.stderr
    };
    let text =
        said("address;action;value\nbo@town.example;leave-out;\nana@town.example,leave-out,\n");
    assert!(text.contains("separated by commas, the others by semicolons"), "{text}");
    let text = said("ana@town.example,merge-with,bo@town.example\n");
    assert!(text.contains("the first row is a decision already"), "{text}");
}

/// A wish is recorded for an address that the list writes otherwise, and only another mailing reads
/// all lists.
#[test]
fn a_line_about_nobody_is_told_where_the_mailing_names_its_lists() {
    let workspace = decided("anna@town.example,leave-out,\ndi@town.example,leave-out,,,asked\n")
        .list("others.csv", "email,name\ndi@town.example,Di Wu\n")
        .campaign_lines("recipients = [\"recipients/people.csv\"]")
        .config("[campaigns.others]\nrecipients = [\"recipients/others.csv\"]");
    let (_, json) = workspace.run_json(&["check"]);
    let found = problem(&json, "decision-unmatched");
    assert_eq!(found["recipient"], "anna@town.example");
    let hint = found["hint"].as_str().expect("a hint");
    assert!(hint.contains("Did you mean ana@town.example?"), "{hint}");
    let all = json["problems"].as_array().expect("problems");
    let count = all.iter().filter(|p| p["code"] == "decision-unmatched").count();
    assert_eq!(count, 1, "Di is in another mailing's list: {json:#}");
}

#[test]
fn one_person_with_two_addresses_is_merged_as_the_warning_says() {
    let list =
        "email,name,town\nana@town.example,Ana Pérez,Lima\nperez@mail.example,Ana Pérez,Lima\n";
    let workspace = Workspace::new().list("people.csv", list).letter("outcome", "en", LETTER);
    let (_, json) = workspace.run_json(&["check"]);
    let hint = problem(&json, "probable-duplicate")["hint"].as_str().expect("a hint").to_owned();
    let command = "secretariat people merge perez@mail.example ana@town.example";
    assert!(hint.contains(command), "{hint}");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = done(workspace.run(&words));
    assert!(
        output.stdout.contains("perez@mail.example merge-with ana@town.example"),
        "{output:#?}"
    );
    assert_eq!(workspace.plan()["letters"], 1);
    // The other way round, nobody would get it.
    let back = ["people", "merge", "ana@town.example", "perez@mail.example"];
    let output = workspace.run(&back);
    assert!(
        output.code == Some(3) && output.stderr.contains("gets none by this line"),
        "{output:#?}"
    );
    let same = workspace.run(&["people", "merge", "ana@town.example", "ana@town.example"]);
    assert_eq!(same.code, Some(3), "{same:#?}");
}

#[test]
fn a_decision_that_is_there_already_is_said_and_not_written_twice() {
    let workspace = workspace();
    for command in [
        &["people", "leave-out", "ana", "--reason", "asked"][..],
        &["people", "change-address", "bo@town.example", "b@mail.example"],
        &["people", "merge", "cy", "bo@town.example"],
    ] {
        done(workspace.run(command));
        let before = file(&workspace);
        let again = done(workspace.run(command));
        assert!(again.stdout.contains("stands there already; nothing was added"), "{again:#?}");
        assert_eq!(file(&workspace), before, "{command:?}");
    }
    let (_, json) = workspace.run_json(&["people", "leave-out", "ana", "--reason", "again"]);
    assert_eq!(
        (json["decisions"].as_array().map(Vec::len), &json["already"][0]["line"]),
        (Some(0), &2.into())
    );
}

/// Who is proposed can be written as it stands: the file goes by the address in the list.
#[test]
fn who_is_proposed_has_the_address_of_the_list() {
    let workspace = sharing("each", OFFICE).file(
        "decisions.csv",
        format!("{HEADER}Ana Pérez <office@town.example>,use-address,ana@mail.example\n"),
    );
    for command in ["why", "preview --person"] {
        let arguments: Vec<&str> = command.split(' ').chain(["office@town.example"]).collect();
        let output = workspace.run(&arguments);
        assert!(
            output.stderr.contains("Ana Pérez <office@town.example>"),
            "{command}: {output:#?}"
        );
    }
}

const WITH_COPIES: &str = "email,name,assistant\nana@town.example,Ana,boss@town.example\n\
    bo@town.example,Bo,boss@town.example\n";

fn with_copies(list: &str, lines: &str) -> Workspace {
    Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", LETTER)
        .campaign_lines("cc = [\"assistant\"]")
        .file("decisions.csv", lines)
}

/// Somebody who stands in no row of their own can ask not to be written to as well.
#[test]
fn somebody_who_gets_only_copies_can_be_left_out() {
    let workspace = with_copies(WITH_COPIES, HEADER);
    let command = ["people", "leave-out", "boss@town.example", "--reason", "asked"];
    let output = done(workspace.run(&command));
    assert!(output.stdout.contains("boss@town.example leave-out"), "{output:#?}");
    let (code, json) = workspace.run_json(&["check", "--strict"]);
    assert_eq!(code, Some(0), "the line means somebody: {json:#}");
    assert_eq!(workspace.plan()["copies"], 0);
    let notes = json["problems"].as_array().expect("problems");
    let notes = notes.iter().filter(|p| p["code"] == "copy-left-out");
    assert_eq!(notes.map(|p| p["count"].as_u64()).collect::<Vec<_>>(), [Some(2)], "one note");
    let again = done(workspace.run(&command));
    assert!(again.stdout.contains("stands there already"), "{again:#?}");
}

/// Also by way of another's address, or of a cell with two.
#[test]
fn somebody_left_out_is_not_written_to_by_way_of_others() {
    let lines = format!(
        "{HEADER}ana@town.example,use-address,boss@town.example\nboss@town.example,leave-out,\n"
    );
    let (code, json) = with_copies(WITH_COPIES, &lines).run_json(&["check"]);
    assert_eq!(code, Some(3), "{json:#}");
    assert_eq!(problem(&json, "decision-contradiction")["line"], 2);
    let list = "email,name\n\"ana@town.example; boss@town.example\",Ana\nbo@town.example,Bo\n";
    let workspace = Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", LETTER)
        .config("[people]\ntwo_addresses = \"first-and-cc\"")
        .file("decisions.csv", format!("{HEADER}boss@town.example,leave-out,\n"));
    let plan = workspace.plan();
    assert_eq!((&plan["letters"], &plan["copies"]), (&2.into(), &0.into()), "{plan:#}");
}

/// The letter goes elsewhere; who wants the copy where it went before gets it.
#[test]
fn a_copy_goes_to_the_listed_address_when_the_letter_does_not() {
    let list = "email,name,assistant\nana@town.example,Ana,ana@town.example\n";
    let lines = format!("{HEADER}ana@town.example,use-address,ana@mail.example\n");
    let names: Vec<String> =
        messages(&with_copies(list, &lines)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[1].contains("ana@town.example"), "{names:?}");
}

#[test]
fn an_added_person_has_copies_and_a_greeting_as_in_a_list() {
    let lines = "address,action,value,assistant,greeting\n\
                 dora@mail.example,add,Dora Ruiz,desk@mail.example,\"Dear Mayor Ruiz,\"\n";
    let workspace = with_copies(WITH_COPIES, lines);
    let found = messages(&workspace);
    let dora = found.iter().find(|(name, _)| name.contains("dora@")).expect("Dora's letter");
    assert!(dora.1.contains("Dear Mayor Ruiz,") && dora.1.contains("Cc: desk@"), "{}", dora.1);
    for (cells, code) in [("desk,", "bad-address"), (",\"Dear ,\"", "decision-value")] {
        let lines = format!(
            "address,action,value,assistant,greeting\ndora@mail.example,add,Dora,{cells}\n"
        );
        let (exit, json) = with_copies(WITH_COPIES, &lines).run_json(&["check"]);
        let found = problem(&json, code);
        assert_eq!((exit, &found["line"]), (Some(3), &2.into()), "{found:#}");
    }
}

#[test]
fn a_letter_with_more_copies_than_anybody_means_is_an_error() {
    let lines = |count: usize| {
        let line = |n| format!("ana@town.example,cc,p{n}@town.example\n");
        format!("{HEADER}{}", (0..count).map(line).collect::<String>())
    };
    let workspace = workspace().file("decisions.csv", lines(64));
    assert_eq!(workspace.plan()["copies"], 64);
    workspace.write("decisions.csv", lines(65));
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3), "{json:#}");
    assert_eq!(problem(&json, "too-many-copies")["recipient"], "Ana@town.example");
}
