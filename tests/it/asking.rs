//! Asking about one person: who WHO is, and what `why` says of them.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{LETTER, Output, Workspace, person};

/// A workspace with these people: address and name.
fn people(rows: &[(&str, &str)]) -> Workspace {
    let rows: String = rows.iter().map(|(a, n)| format!("{a}@town.example,{n},en\n")).collect();
    Workspace::new().list("people.csv", format!("email,name,language\n{rows}")).letter(
        "outcome",
        "en",
        &LETTER.replace("{{ recipient.given_name }}", "friend"),
    )
}

fn said(output: &Output) -> Vec<&str> {
    output.stderr.lines().map(str::trim).collect()
}

/// Those who may be meant, in one order wherever it is asked.
#[test]
fn several_are_named_with_their_rows_the_likeliest_first() {
    let workspace = people(&[
        ("h1", "Hery Ranaivo"),
        ("a2", "Anabel Cruz"),
        ("a3", "Ana Pérez"),
        ("j4", "Joana Dias"),
        ("a5", "Ana Lima"),
    ]);
    let expected = [
        "Ana Pérez <a3@town.example>, recipients/people.csv:4",
        "Ana Lima <a5@town.example>, recipients/people.csv:6",
        "Anabel Cruz <a2@town.example>, recipients/people.csv:3",
        "Hery Ranaivo <h1@town.example>, recipients/people.csv:2",
    ];
    let check = |arguments: &[&str]| {
        let output = workspace.run(arguments);
        assert_eq!(output.code, Some(3), "{output:#?}");
        let lines = said(&output);
        assert!(lines[0].contains("\"ana\" may be any of 5 people:"), "{output:#?}");
        assert_eq!(lines[1..5], expected, "{output:#?}");
    };
    check(&["why", "ana"]);
    check(&["send", "--dry-run", "--person", "ana"]);
    assert_eq!(workspace.send().0, Some(4));
    check(&["why", "ana"]);
    check(&["send", "--person", "ana"]);
}

#[test]
fn of_many_ten_are_named_and_the_rest_counted() {
    let workspace = Workspace::with_people(40);
    let output = workspace.run(&["why", "family"]);
    let lines = said(&output);
    assert!(lines[0].contains("may be any of 40 people"), "{output:#?}");
    assert!(lines[10].contains(&person(10)) && lines[11] == "and 30 more [several]", "{output:#?}");
}

#[test]
fn the_only_one_of_a_name_is_meant_and_part_of_an_address_will_do() {
    let workspace =
        people(&[("h1", "Hery Ranaivo"), ("a2", "Ana Pérez"), ("siphobotha12", "S. Botha")]);
    let check = || {
        for (who, address) in [("ana", "a2"), ("siphobotha", "siphobotha12"), ("SIPHO", "sipho")] {
            let output = workspace.run(&["why", who]);
            assert_eq!(output.code, Some(0), "{who}: {output:#?}");
            assert!(output.stdout.contains(&format!("<{address}")), "{who}: {output:#?}");
        }
        assert_eq!(workspace.run(&["why", "town"]).code, Some(3), "no part of a domain");
    };
    check();
    assert_eq!(workspace.send().0, Some(4));
    check();
}

/// Screens have the officer's clock; only stores and JSON have UTC.
#[test]
fn why_tells_the_time_of_the_officers_clock() {
    let relay = Relay::with(Script::new().answer("person-0001", "451 4.2.0 later"));
    let workspace = Workspace::with_people(1).relay(&relay).variable("TZ", "Asia/Tokyo");
    assert_eq!(workspace.send().0, Some(4));
    let why = workspace.run(&["why", &person(1)]).stdout;
    assert!(why.contains("5 November 2026 18:30  deferred"), "{why}");
    assert!(why.contains("again at 5 November 2026, 18:") && !why.contains("T09:"), "{why}");
    assert!(why.contains("451 4.2.0 later, by 127.0.0.1:"), "{why}");
}

/// What a person or we say is not the mail server's answer.
#[test]
fn why_says_whose_words_they_are() {
    let lost = Script::new().at(At::Accepted, Who::Local("person-0001".to_owned()), Action::Reset);
    let relay = Relay::with(lost);
    let workspace = Workspace::with_people(1).relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    let why = workspace.run(&["why", &person(1)]).stdout;
    assert!(why.contains("\nno answer   "), "{why}");
    assert!(why.contains("without an answer: ") && why.contains(", at 127.0.0.1:"), "{why}");
    assert!(!why.contains("\nanswer"), "{why}");
    let reason = "not in\nlog\u{1b}[31m of \u{9b}noon";
    let resolved = workspace.run(&["resolve", &person(1), "--resend", "--reason", reason]);
    assert_eq!(resolved.code, Some(0), "{resolved:#?}");
    let why = workspace.run(&["why", &person(1)]).stdout;
    assert!(why.contains("\nreason      not in log [31m of  noon\n"), "{why:?}");
    assert!(why.contains("resolved to be sent again, reason: not in log"), "{why:?}");
    assert!(!why.contains('\u{1b}') && !why.contains('\u{9b}'), "{why:?}");
    assert_eq!(workspace.run(&["cancel", "--yes", "--reason", reason]).code, Some(0));
    let why = workspace.run(&["why", &person(1)]).stdout;
    assert!(why.lines().last().is_some_and(|l| l.contains("cancelled not in log")), "{why:?}");
}

#[test]
fn what_is_settled_as_accepted_is_said_to_be() {
    let lost = Script::new().at(At::Accepted, Who::Local("person-0001".to_owned()), Action::Reset);
    let relay = Relay::with(lost);
    let workspace = Workspace::with_people(1).relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    let accepted = ["resolve", &person(1), "--accepted", "--reason", "in their log"];
    let why = workspace.run(&accepted).stdout;
    assert!(why.contains("resolved as accepted, reason: in their log"), "{why}");
}

/// Errors of letters are no answer to a question about a person.
#[test]
fn who_is_nobody_is_told_that_and_nothing_else() {
    let broken = "Subject: x\n\n{{ recipient.nothing }} {{ broken\n";
    let workspace = Workspace::new().people(2).letter("outcome", "en", broken);
    let output = workspace.run(&["why", "zoltan"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(output.stderr.matches("error:").count(), 1, "{output:#?}");
    assert!(output.stderr.contains("is \"zoltan\""), "{output:#?}");
    assert_eq!(workspace.run(&["why", "given1"]).code, Some(0), "the lists say enough");
}

#[test]
fn a_mailing_that_is_not_there_is_not_taken_for_a_person() {
    let workspace = Workspace::with_people(1);
    let resolve = ["resolve", "given1", "--accepted", "--reason=x", "--campaign=nope"];
    let output = workspace.run(&resolve);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("there is no mailing \"nope\""), "{output:#?}");
}

/// A suggestion that has nothing to do with what was meant is worse than none.
#[test]
fn only_near_options_are_suggested() {
    let workspace = Workspace::with_people(1);
    for (typed, tip) in [
        ("--force", None),
        ("--reason", None),
        ("--to", None),
        ("--frist", Some("'--first'")),
        ("--dry", Some("'--dry-run'")),
    ] {
        let output = workspace.run(&["send", typed]);
        assert_eq!(output.code, Some(2), "{typed}: {output:#?}");
        let suggests = output.stderr.contains("tip:") || output.stderr.contains("Usage:");
        assert!(!suggests || tip.is_some(), "{typed}: {output:#?}");
        assert!(tip.is_none_or(|tip| output.stderr.contains(tip)), "{typed}: {output:#?}");
    }
    let none = workspace.run(&["send", "--first", "0"]);
    assert!(none.stderr.contains("at least 1") && !none.stderr.contains("184467"), "{none:#?}");
}
