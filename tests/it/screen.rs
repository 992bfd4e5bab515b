//! What an officer sees while a mailing goes, stands still or is stopped: on a terminal of 80
//! columns, and in lines where there is none.

use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Script, Who};
use crate::support::workspace::{Output, Workspace, person};
use crate::support::{eventually, proof};
use std::time::Duration;

/// Runs a program on a terminal of so many columns, types a line where `send` asks, and presses
/// Ctrl-C once it reads certain words. What was on the screen goes to standard output, each picture
/// of a line a line of its own.
const TERMINAL: &str = r#"
import fcntl, os, pty, re, signal, struct, sys, termios
columns, typed, until, command = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
pid, screen = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execv(command[0], command)
seen = b''
while True:
    try:
        some = os.read(screen, 65536)
    except OSError:
        break
    if not some:
        break
    seen += some
    if typed and b'Enter to stop' in seen:
        os.write(screen, typed.encode() + b'\n')
        typed = ''
    if until and until.encode() in seen:
        os.kill(pid, signal.SIGINT)
        until = ''
text = re.sub(r'\x1b\[[0-9;?]*m', '', seen.decode())
print('\n'.join(re.split(r'\r|\n|\x1b\[[0-9;?]*[A-Za-z]', text)))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// `send` on a terminal, confirmed; absent without Python.
fn on_a_terminal(
    workspace: Workspace,
    typed: &str,
    until: &str,
    more: &[&str],
) -> Option<(Workspace, Output)> {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        crate::support::skip("a terminal", "python3 is not there");
        return None;
    }
    let watcher = ["python3", "-c", TERMINAL, "80", typed, until];
    let workspace = workspace.variable("TERM", "xterm");
    let output = workspace.run_under(&watcher, &[&["send"], more].concat());
    for line in output.stdout.lines() {
        assert!(line.trim_end().chars().count() <= 80, "wider than the terminal: {line:?}");
    }
    Some((workspace, output))
}

/// Whether the run is handing over a letter; its configuration is left alone, for it may be reading
/// it.
fn is_one_on_its_way(workspace: &Workspace) -> bool {
    let status = workspace.run_as_it_is(&["status", "--format", "json"]);
    status.code == Some(0) && status.json()["counts"]["attempting"] == 1
}

/// Each piece of text on the screen.
#[track_caller]
fn says(output: &str, words: &[&str]) {
    for words in words {
        assert!(output.contains(words), "{words:?}: {output}");
    }
}

/// A text as it was before it was wrapped.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_run_that_waits_counts_letters_and_says_until_when() {
    let first = |line: &str| Action::reply(line);
    let script = Script::new()
        .at(At::Recipient, Who::Local("person-0002".to_owned()), first("451 4.7.1 greylisted"))
        .times(1)
        .answer("person-0003", "550 5.1.1 no such mailbox")
        .at(At::Accepted, Who::Local("person-0004".to_owned()), Action::Reset);
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(5).relay_lines("connections = 1").relay(&relay);
    let workspace = workspace.config("[retry]\nfirst_wait = \"2s\"");
    let Some((_, output)) = on_a_terminal(workspace, "5", "", &["--wait"]) else { return };
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    says(
        &output.stdout,
        &[
            "4/5  2 handed over, 1 refused, 1 not sure  1 wait, next at 09:30",
            "5/5  3 handed over, 1 refused, 1 not sure",
            "the first letters are on their way",
        ],
    );
    for wrong in ["6/5", "0s left", " accepted,", "deferred", "a minute"] {
        assert!(!output.stdout.contains(wrong), "{wrong}: {}", output.stdout);
    }
}

#[test]
fn a_slow_rate_is_said_and_not_taken_for_connecting() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(3).relay_lines("rate = \"1/h\"").relay(&relay);
    let output = on_a_terminal(workspace, "3", "(rate 1/h)", &["--wait"]);
    let Some((_, output)) = output else { return };
    assert_eq!(output.code, Some(4), "{}", output.stdout);
    says(&output.stdout, &["1/3  1 handed over  next letter at 10:30 (rate 1/h)"]);
}

#[test]
fn a_daily_limit_is_reckoned_with_and_its_date_is_said() {
    let relay = Relay::start();
    let lines = "rate = \"120/min\"\ndaily_limit = 2";
    let workspace = Workspace::with_people(5).relay_lines(lines).relay(&relay);
    if let Some((workspace, output)) = on_a_terminal(workspace, "5", "", &["--no-wait"]) {
        assert_eq!(output.code, Some(4), "{}", output.stdout);
        says(&output.stdout, &["2 days, ends about 7 November", "1 handed over  2 days left"]);
        says(&output.stdout, &["Next: secretariat send outcome from 6 November 2026, 09:30 on"]);
        let status = workspace.run(&["status"]).stdout;
        says(&status, &["Next: secretariat send outcome from 6 November 2026, 09:30 on"]);
        let later = workspace.now("2026-11-06T10:00:00Z").run(&["status"]).stdout;
        says(&later, &["Next: secretariat send outcome; it goes on"]);
    }
}

#[test]
fn a_pause_is_said_where_the_run_is_at_work() {
    let relay = Relay::with(Script::new().delay(Duration::from_millis(150)));
    let workspace = Workspace::with_people(40).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan]);
    assert!(eventually(Duration::from_secs(20), || relay.count() > 1));
    let process = format!("process {})", running.id());
    let status = workspace.run(&["status"]).stdout;
    says(&unwrapped(&status), &["A run is at work since 09:30 (", &process, "Next: wait for it"]);
    assert!(!status.contains("Next: secretariat send"), "{status}");
    let json = workspace.run_json(&["status"]).1;
    assert_eq!(json["run"]["process"], running.id(), "{json:#}");
    assert_eq!(workspace.run(&["pause"]).code, Some(0));
    let status = unwrapped(&workspace.run(&["status"]).stdout);
    says(&status, &["A run is at work since 09:30 (", "Next: secretariat resume outcome; the run"]);
    assert!(!status.contains("secretariat send"), "it would be refused: {status}");
    // The run looks twice a second.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(workspace.run(&["resume"]).code, Some(0));
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    says(&ended.stderr, &["paused since 09:30; secretariat resume lets it go on", "Going on."]);
    proof::everybody_has_one(&relay, 40);
    assert_eq!(workspace.run_json(&["status"]).1["run"], serde_json::Value::Null);
}

/// It stayed until somebody sent it a signal.
#[test]
fn a_paused_run_with_nothing_left_to_go_ends() {
    let relay = Relay::with(Script::new().delay(Duration::from_secs(4)));
    let workspace = Workspace::with_people(1).relay(&relay);
    let plan = workspace.fingerprint();
    let mut running = workspace.spawn(&["send", "--plan", &plan, "--wait"]);
    assert!(eventually(Duration::from_secs(20), || is_one_on_its_way(&workspace)));
    assert_eq!(workspace.run(&["pause"]).code, Some(0));
    assert!(eventually(Duration::from_secs(20), || running.has_ended()), "it stays");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(relay.count(), 1);
    let paused = workspace.run(&["resume"]);
    assert_eq!(paused.code, Some(0));
    let again = workspace.run(&["pause"]).stdout;
    says(&again, &["outcome is paused; no letter of it waits now."]);
}

#[test]
fn what_a_killed_run_left_is_named_and_settled_at_once() {
    let relay = Relay::with(Script::new().delay(Duration::from_secs(60)));
    let workspace = Workspace::with_people(1).relay(&relay);
    let plan = workspace.fingerprint();
    let running = workspace.spawn(&["send", "--plan", &plan]);
    assert!(eventually(Duration::from_secs(20), || is_one_on_its_way(&workspace)));
    let json = workspace.run_json(&["status"]).1;
    assert_eq!(json["attention"], serde_json::json!([]), "a run has it: {json:#}");
    let settle = ["resolve", &person(1), "--accepted", "--reason", "their log has it"];
    let early = workspace.run(&settle);
    assert_eq!(early.code, Some(3), "a run is handing it over: {early:#?}");
    running.kill();
    let status = workspace.run(&["status"]).stdout;
    let left = "not sure: a run was stopped while handing over";
    says(&status, &[&format!("  {} {left}\n", person(1)), &format!("1  {left}")]);
    says(&status, &["--accepted --reason", "Next: ask the administrators"]);
    let json = workspace.run_json(&["status"]).1;
    assert_eq!(json["attention"][0]["address"], person(1), "{json:#}");
    assert_eq!(json["attention"][0]["state"], "attempting", "{json:#}");
    let settled = workspace.run(&settle);
    assert_eq!(settled.code, Some(0), "{settled:#?}");
    let why = workspace.run(&["why", &person(1)]).stdout;
    says(&why, &["recovered", "resolved", "their log has it"]);
    says(&workspace.run(&["status"]).stdout, &["Complete."]);
}

/// `send` ended with 1, and said to mend the addresses, for ever.
#[test]
fn a_mended_address_brings_the_mailing_to_its_end() {
    let relay = Relay::with(Script::new().answer("person-0002", "550 5.1.1 no such mailbox"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    says(&workspace.run(&["status"]).stdout, &["1  refused for good\n", "Next: mend"]);
    let list = workspace.path().join("recipients/registration.csv");
    let text = std::fs::read_to_string(&list).expect("the list");
    std::fs::write(&list, text.replace("person-0002@", "mended@")).expect("written");
    let (code, json) = workspace.send();
    assert_eq!((code, &json["counts"]["rejected"]), (Some(0), &1.into()), "{json:#}");
    assert_eq!(json["attention"][0]["in_plan"], false, "{json:#}");
    let status = workspace.run(&["status"]).stdout;
    says(&status, &["1  refused for good, no longer in the lists", "Complete."]);
    assert!(!status.contains(&person(2)), "nobody needs to look: {status}");
    says(&workspace.run(&["status", "-v"]).stdout, &[&person(2)]);
    let why = workspace.run(&["why", &person(2)]).stdout;
    says(&why, &["registration.csv:3 when it was planned, no longer in the lists"]);
    assert_eq!(workspace.run(&["send"]).code, Some(0));
}

#[test]
fn somebody_refused_who_was_taken_out_of_the_lists_keeps_no_mailing_open() {
    let relay = Relay::with(Script::new().answer("person-0003", "550 5.1.1 no such mailbox"));
    let workspace = Workspace::with_people(3).relay(&relay);
    assert_eq!(workspace.send().0, Some(1));
    assert_eq!(workspace.run(&["send"]).code, Some(1));
    let workspace = workspace.people(2);
    assert_eq!(workspace.run(&["send"]).code, Some(0));
}

#[test]
fn the_plan_shows_who_gets_one_now() {
    let relay = Relay::with(Script::new().answer("person-0002", "550 5.1.1 no such mailbox"));
    let workspace = Workspace::with_people(6).relay(&relay);
    let plan = workspace.fingerprint();
    assert_eq!(workspace.run(&["send", "--plan", &plan, "--first", "3"]).code, Some(4));
    let edited = "Subject: Mended\n\n{{ greeting }}\n\nAnother text.\n\nSecretariat\n";
    let workspace = workspace.letter("outcome", "en", edited);
    let asked = workspace.run(&["send"]);
    assert_eq!(asked.code, Some(3), "{asked:#?}");
    says(
        &asked.stderr,
        &[
            "already    2 have it, 1 was refused for good\n",
            "first      Given4 Family4    last  Given6 Family6         neutral greeting: 6\n",
            "the letter in en reads differently for 3 people\n",
        ],
    );
}

#[test]
fn the_plan_is_no_wider_than_a_terminal() {
    let long = "a-very-long-name-of-a-person@a-very-long-name-of-a-town.example";
    let list = format!("email,given name\n{long},Ana\n{long},Ana again\n{long},And once more\n");
    let workspace = Workspace::new().letter("outcome", "en", "Subject: X\n\n{{ greeting }}\n");
    let workspace = workspace.list("delegations-of-the-southern-region.csv", list);
    let screen = workspace.run(&["send", "--dry-run"]).stdout;
    says(&unwrapped(&screen), &["left out 2 rows", "same address as"]);
    for line in screen.lines().filter(|line| !line.contains(long)) {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}
