//! What is said before letters go: whose, what changed since, and what comes back of a mailing that
//! was withdrawn.

use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::Script;
use crate::support::workspace::{LETTER, Output, Workspace, person};

/// The program on a terminal, where somebody types this answer.
#[cfg(unix)]
fn on_a_terminal(workspace: &Workspace, answer: &str, arguments: &[&str]) -> Output {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py");
    workspace.run_under(&["python3", source, answer], &[&["--color=never"], arguments].concat())
}

fn mailing(people: usize) -> (Workspace, Relay) {
    let relay = Relay::start();
    let workspace = Workspace::with_people(people).relay(&relay);
    (workspace, relay)
}

/// WHO may be part of a name: the person at the keyboard sees whose letter it is.
#[cfg(unix)]
#[test]
fn whose_letter_goes_stands_on_the_screen() {
    let (workspace, relay) = mailing(3);
    let asked = on_a_terminal(&workspace, "", &["send", "--person", "given2"]);
    assert_eq!(asked.code, Some(3), "{asked:#?}");
    let row = "Given2 Family2 <person-0002@town.example>, recipients/registration.csv:3";
    let on_one_line = asked.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(on_one_line.contains(row), "{asked:#?}");
    assert!(asked.stdout.contains("Type 1 to send the letter to person-0002@"), "{asked:#?}");
    assert!(asked.stdout.contains("stopped; nothing was sent") && relay.count() == 0);
    let went = on_a_terminal(&workspace, "1", &["send", "--person", "given2"]);
    assert_eq!(went.code, Some(4), "{went:#?}");
    assert_eq!(relay.bytes_for(&person(2)).len(), 1);
    let plan = workspace.fingerprint();
    let unasked = workspace.run(&["send", "--person", "given1", "--plan", &plan]);
    assert!(unasked.stderr.contains("Given1 Family1 <person-0001@town.example>"), "{unasked:#?}");
    proof::check(&workspace, &relay, 3, 0);
}

#[test]
fn who_has_the_letter_already_is_told_so_with_the_time() {
    let (workspace, relay) = mailing(2);
    let plan = workspace.fingerprint();
    let first = ["send", "--person", "given2", "--plan", &plan];
    assert_eq!(workspace.run(&first).code, Some(4));
    let again = workspace.run(&first);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert!(again.stderr.contains("<person-0002@town.example>"), "{again:#?}");
    assert!(again.stderr.contains(" has it since 09:30; nothing was sent"), "{again:#?}");
    let workspace = workspace.now("2026-11-07T10:00:00Z");
    let later = workspace.run(&first);
    assert!(later.stderr.contains("has it since 5 November 2026, 09:30"), "{later:#?}");
    assert_eq!(relay.count(), 1);
}

/// On the same day "went to 2 people" alone reads as if it had just happened.
#[test]
fn a_change_that_reaches_nobody_is_said_to() {
    let (workspace, relay) = mailing(2);
    assert_eq!(workspace.send().0, Some(0));
    let unchanged = workspace.run(&["send"]);
    assert!(!unchanged.stdout.contains("reaches nobody"), "{unchanged:#?}");
    let workspace = workspace.letter("outcome", "en", &LETTER.replace("final", "provisional"));
    let output = workspace.run(&["send"]);
    assert_eq!((output.code, relay.count()), (Some(0), 2), "{output:#?}");
    let went = "outcome went to 2 people on 5 November 2026. Another letter: secretariat new NAME";
    assert!(output.stdout.contains(went), "{output:#?}");
    let nobody = "everybody has the earlier letter, and what changed since reaches nobody \
                  (the letter in en reads differently for 2 people)";
    assert!(output.stdout.contains(nobody), "{output:#?}");
}

/// A confirmed mailing that waits, and whose letter was then edited.
fn edited() -> Workspace {
    let long = "words that stay as they are, ".repeat(12);
    let letter = format!("Subject: Outcomes\n\n{{{{ greeting }}}}\n\n{long}it is final. {long}\n");
    let workspace = Workspace::new().people(3).letter("outcome", "en", &letter);
    assert_eq!(workspace.send().0, Some(4), "nobody listens: all wait");
    workspace.letter("outcome", "en", &letter.replace("final", "provisional"))
}

#[test]
fn a_change_is_told_once_and_only_its_words() {
    let workspace = edited();
    let output = workspace.run(&["send"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    let said = "the letter in en reads differently for 3 people";
    assert_eq!(output.stderr.matches(said).count(), 1, "{output:#?}");
    let error = "error: the plan has changed since it was confirmed [plan-changed]";
    assert!(output.stderr.contains(error), "{output:#?}");
    assert!(output.stderr.contains("it is final. words that"), "{output:#?}");
    assert!(output.stderr.contains("it is provisional. words that"), "{output:#?}");
    assert!(output.stderr.lines().all(|line| line.chars().count() < 180), "{output:#?}");
    let (code, json) = workspace.run_json(&["send"]);
    let message = json["problems"][0]["message"].as_str().expect("a message");
    assert!(code == Some(3) && message.contains(said), "a program has no screen: {message}");
}

/// The hint of `send` names it: it must show the change, and write nothing.
#[test]
fn a_dry_run_shows_what_changed_since_the_confirmed_plan() {
    let workspace = edited();
    let before = workspace.inventory();
    let output = workspace.run(&["send", "--dry-run"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    let said = "the letter in en reads differently for 3 people";
    assert!(output.stdout.contains(said), "{output:#?}");
    assert!(output.stdout.contains("it is provisional. words that"), "{output:#?}");
    assert_eq!(workspace.inventory(), before);
    assert_eq!(workspace.send().0, Some(4));
    let same = workspace.run(&["send", "--dry-run"]);
    assert!(!same.stdout.contains("Changed since"), "{same:#?}");
}

#[test]
fn a_code_that_no_plan_ever_had_is_said_to_be_one() {
    let workspace = edited();
    let unknown = workspace.run(&["send", "--plan", "1111-2222-3333"]);
    assert_eq!(unknown.code, Some(3), "{unknown:#?}");
    let said = "no confirmed plan of outcome has the code 1111-2222-3333";
    assert!(unknown.stderr.contains(said) && unknown.stderr.contains("mistyped"), "{unknown:#?}");
    let workspace = Workspace::with_people(2);
    assert_eq!(workspace.send().0, Some(4));
    let old = workspace.fingerprint();
    let workspace = workspace.people(3);
    let changed = workspace.run(&["send", "--plan", &old]);
    assert_eq!(changed.code, Some(3), "{changed:#?}");
    assert!(changed.stderr.contains("are others than those of that plan"), "{changed:#?}");
    assert!(changed.stderr.contains("1 person new"), "{changed:#?}");
}

/// A mailing of so many people of which nothing has gone, withdrawn.
fn withdrawn(people: usize) -> (Workspace, Relay) {
    let workspace = Workspace::with_people(people);
    assert_eq!(workspace.send().0, Some(4), "nobody listens: all wait");
    assert_eq!(workspace.run(&["cancel", "--yes"]).code, Some(0));
    let relay = Relay::start();
    (workspace.relay(&relay), relay)
}

#[test]
fn one_person_of_a_withdrawn_mailing_comes_back_alone() {
    let (workspace, relay) = withdrawn(5);
    let plan = workspace.fingerprint();
    let one = workspace.run(&["send", "--person", "given2", "--plan", &plan]);
    assert_eq!(one.code, Some(0), "nothing waits: {one:#?}");
    assert!(one.stderr.contains("The others stay withdrawn."), "{one:#?}");
    let counts = proof::counts(&workspace);
    assert_eq!((counts["accepted"], counts["cancelled"]), (1, 4), "{counts:?}");
    let status = workspace.run(&["status"]);
    assert!(status.stdout.contains("Withdrawn on 5 November 2026"), "{status:#?}");
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(3), "the others are asked about: {asked:#?}");
    assert!(asked.stderr.contains("the mailing was withdrawn on"), "{asked:#?}");
    let first = workspace.run(&["send", "--first", "2", "--plan", &plan]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert_eq!(proof::counts(&workspace)["cancelled"], 2);
    let rest = workspace.run(&["send", "--plan", &plan]);
    assert_eq!(rest.code, Some(0), "{rest:#?}");
    proof::everybody_has_one(&relay, 5);
    let status = workspace.run(&["status"]);
    assert!(!status.stdout.contains("Withdrawn"), "{status:#?}");
}

/// Also with another letter than the one that was withdrawn, and when it is put off at first.
#[test]
fn whoever_comes_back_gets_the_letter_of_now_and_is_tried_again() {
    let (workspace, relay) = withdrawn(3);
    relay.change(Script::new().answer("person-0002", "451 4.2.0 later"));
    let workspace = workspace.letter("outcome", "en", &LETTER.replace("final", "mended"));
    let plan = workspace.fingerprint();
    let one = ["send", "--person", "given2", "--plan", &plan, "--no-wait"];
    let put_off = workspace.run(&one);
    assert_eq!(put_off.code, Some(4), "{put_off:#?}");
    let next = "Next: secretariat send outcome --person WHO";
    assert!(put_off.stdout.contains(next), "not as if all went on: {put_off:#?}");
    relay.change(Script::new());
    let workspace = workspace.now("2026-11-05T10:30:00Z");
    let again = workspace.run(&one);
    assert_eq!(again.code, Some(0), "{again:#?}");
    let bytes = String::from_utf8(relay.bytes_for(&person(2)).remove(0)).expect("ASCII");
    assert!(bytes.contains("mended"), "{bytes}");
    assert_eq!((relay.count(), proof::counts(&workspace)["cancelled"]), (1, 2));
    assert_eq!(workspace.run(&["send", "--plan", &plan]).code, Some(0));
    proof::everybody_has_one(&relay, 3);
}

/// One way of saying that the typed number is another, in `send` and `cancel`.
#[cfg(unix)]
#[test]
fn a_wrong_number_withdraws_nothing_and_is_named() {
    let workspace = Workspace::with_people(3);
    assert_eq!(workspace.send().0, Some(4));
    let wrong = on_a_terminal(&workspace, "4", &["cancel"]);
    assert_eq!(wrong.code, Some(3), "{wrong:#?}");
    assert!(wrong.stdout.contains("\"4\" is not 3; nothing was withdrawn"), "{wrong:#?}");
    assert!(!wrong.stdout.contains("wait and will not go"), "nothing is decided yet: {wrong:#?}");
    assert_eq!(proof::counts(&workspace)["planned"], 3);
    let right = on_a_terminal(&workspace, "3", &["cancel"]);
    assert!(right.stdout.contains("3 letters withdrawn."), "{right:#?}");
}

/// The emergency brake does not need the configuration.
#[test]
fn a_mailing_is_held_while_its_configuration_is_half_edited() {
    let workspace = Workspace::with_people(3);
    assert_eq!(workspace.send().0, Some(4));
    let workspace = workspace.whole_config("[conference\nname = ");
    let paused = workspace.run(&["pause"]);
    assert_eq!(paused.code, Some(0), "{paused:#?}");
    assert!(paused.stdout.contains("outcome is paused: 3 letters stay"), "{paused:#?}");
    let status = workspace.run(&["status"]);
    assert!(status.code == Some(0) && status.stdout.contains("Paused since"), "{status:#?}");
    let other = workspace.run(&["pause", "outcom"]);
    assert_eq!(other.code, Some(3), "{other:#?}");
    assert!(other.stderr.contains("config-syntax"), "{other:#?}");
    let withdrawn = workspace.run(&["cancel", "outcome", "--yes"]);
    assert_eq!(withdrawn.code, Some(0), "{withdrawn:#?}");
    assert_eq!(workspace.run(&["send"]).code, Some(3), "sending needs all of it");
}
