//! TLS and sign-in: nothing is said to a relay that is not the one meant, and no password is told.
//!
//! Security S4 (STARTTLS stripping and injection), S5 (wrong host), S16 (secrets).

use crate::support::certificates::{Authority, Validity, self_signed};
use crate::support::proof;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Protection, Script, Who};
use crate::support::workspace::{Output, Workspace, files_under};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::server::ServerConfig;
use std::sync::Arc;

const NAME: &str = "secretariat@forum.example";
const CANARY: &str = "kanarienvogel-7f3a";

type Way = fn(Arc<ServerConfig>) -> Protection;
const WAYS: [Way; 2] = [Protection::Implicit, Protection::StartTls];

/// A workspace that trusts the office's authority and signs in.
fn workspace(authority: &Authority, relay: &Relay) -> Workspace {
    Workspace::with_people(3)
        .file("office-ca.pem", authority.pem())
        .relay(relay)
        .relay_lines("ca_file = \"office-ca.pem\"")
        .relay_lines(&format!("user = \"{NAME}\""))
        .relay_lines("password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }")
        .variable("SECRETARIAT_RELAY_PASSWORD", CANARY)
}

fn send(workspace: &Workspace) -> Output {
    let plan = workspace.fingerprint();
    workspace.run(&["send", "--plan", &plan, "--no-wait", "-v"])
}

/// Exit 3, nothing accepted, not a byte of AUTH or MAIL left, the password nowhere.
#[track_caller]
fn check_refused(workspace: &Workspace, relay: &Relay, what: &str) -> Output {
    let output = send(workspace);
    assert_eq!(output.code, Some(3), "{what}: {output:#?}");
    assert_eq!(relay.count(), 0, "{what}");
    for command in relay.commands() {
        let verb = command.line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let harmless = ["EHLO", "STARTTLS", "QUIT", "NOOP", "RSET"].contains(&verb.as_str());
        assert!(harmless, "{what}: said {:?}", command.line);
    }
    check_secret(workspace, &output, what);
    let counts = proof::counts(workspace);
    assert_eq!((counts["rejected"], counts["uncertain"]), (0, 0), "{what}");
    output
}

/// The password stands in no output and in no file the program wrote, plain or in base64.
#[track_caller]
fn check_secret(workspace: &Workspace, output: &Output, what: &str) {
    let plain = format!("\0{NAME}\0{CANARY}");
    let forms = [CANARY.to_owned(), STANDARD.encode(CANARY), STANDARD.encode(plain)];
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for form in &forms {
        assert!(!output.everything().contains(form), "{what}: told in the output: {output:#?}");
        for file in files_under(&workspace.path()) {
            let bytes = std::fs::read(workspace.path().join(&file)).unwrap_or_default();
            assert!(!shown(&bytes).contains(form), "{what}: told in {file}");
        }
    }
}

#[test]
fn letters_go_through_tls_to_the_right_relay_and_the_password_stays_secret() {
    let authority = Authority::new();
    for way in WAYS {
        for mechanisms in ["PLAIN LOGIN", "LOGIN", "PLAIN"] {
            let server = authority.server(&["localhost"], Validity::Current);
            let script = Script::new().protection(way(server)).mechanisms(mechanisms);
            let relay = Relay::with(script.sign_in(NAME, CANARY));
            let workspace = workspace(&authority, &relay);
            let output = send(&workspace);
            assert_eq!(output.code, Some(0), "{mechanisms}: {output:#?}");
            proof::everybody_has_one(&relay, 3);
            for message in relay.messages() {
                assert!(message.protected, "through TLS");
                assert_eq!(message.signed_in.as_deref(), Some(NAME));
            }
            let plain = relay.commands().into_iter().filter(|c| !c.protected);
            let mut plain = plain.map(|c| c.line.split(' ').next().unwrap_or_default().to_owned());
            assert!(plain.all(|verb| ["EHLO", "STARTTLS"].contains(&verb.as_str())));
            assert_eq!(relay.violations(), [""; 0]);
            check_secret(&workspace, &output, mechanisms);
        }
    }
}

#[test]
fn a_relay_with_the_wrong_certificate_is_told_nothing() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for way in WAYS {
        let cases = [
            ("wrong name", authority.server(&["mail.elsewhere.example"], Validity::Current)),
            ("expired", authority.server(&["localhost"], Validity::Expired)),
            ("unknown authority", stranger.server(&["localhost"], Validity::Current)),
            ("self-signed", self_signed(&["localhost"])),
        ];
        for (what, server) in cases {
            let script = Script::new().protection(way(server)).sign_in(NAME, CANARY);
            let relay = Relay::with(script);
            let output = check_refused(&workspace(&authority, &relay), &relay, what);
            let said = output.everything().to_lowercase();
            assert!(said.contains("certificate"), "{what}: says why: {said}");
        }
    }
}

/// The advice is for what happened: neither the host's name nor a certificate is at fault.
#[test]
fn a_port_that_begins_in_plain_is_answered_by_the_url_it_needs() {
    let relay = Relay::start();
    let url = format!("smtps://127.0.0.1:{}", relay.port());
    let workspace = Workspace::with_people(1).relay_url(&url);
    let plan = workspace.fingerprint();
    let output = workspace.run(&["send", "--plan", &plan]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("= Write smtp+starttls:// in place of smtps://"), "{output:#?}");
    assert!(!output.stderr.contains("ca_file"), "{output:#?}");
}

#[test]
fn a_relay_that_hides_starttls_is_told_nothing() {
    let authority = Authority::new();
    let relay = Relay::with(Script::new().sign_in(NAME, CANARY));
    let url = format!("smtp+starttls://localhost:{}", relay.port());
    let workspace = workspace(&authority, &relay).relay_url(&url);
    let output = check_refused(&workspace, &relay, "STARTTLS stripped");
    assert!(output.everything().contains("STARTTLS"), "says why: {output:#?}");
}

#[test]
fn answers_slipped_in_before_tls_are_not_believed() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], Validity::Current);
    let slipped = b"220 2.0.0 Ready\r\n250-relay.example\r\n250 AUTH PLAIN\r\n".to_vec();
    let script = Script::new().protection(Protection::StartTls(server)).sign_in(NAME, CANARY);
    let relay = Relay::with(script.at(At::StartTls, Who::Anyone, Action::Reply(slipped)));
    check_refused(&workspace(&authority, &relay), &relay, "bytes after 220");
}

#[test]
fn a_refused_starttls_is_never_followed_by_plain_text() {
    let authority = Authority::new();
    for line in ["454 4.7.0 TLS not available", "500 5.5.1 unknown command"] {
        let server = authority.server(&["localhost"], Validity::Current);
        let script = Script::new().protection(Protection::StartTls(server)).sign_in(NAME, CANARY);
        let refusal = Action::reply_and_close(line);
        let relay = Relay::with(script.at(At::StartTls, Who::Anyone, refusal));
        let workspace = workspace(&authority, &relay);
        let output = send(&workspace);
        assert!(matches!(output.code, Some(3 | 4)), "{line}: {output:#?}");
        assert_eq!(relay.count(), 0);
        let said = relay.commands();
        assert!(said.iter().all(|c| !c.line.starts_with("AUTH") && !c.line.starts_with("MAIL")));
        check_secret(&workspace, &output, line);
    }
}

#[test]
fn a_wrong_password_is_tried_once_and_told_nowhere() {
    let authority = Authority::new();
    for mechanisms in ["PLAIN", "LOGIN"] {
        let server = authority.server(&["localhost"], Validity::Current);
        let script = Script::new().protection(Protection::Implicit(server)).mechanisms(mechanisms);
        let relay = Relay::with(script.sign_in(NAME, "another password"));
        let workspace = workspace(&authority, &relay);
        let output = send(&workspace);
        assert_eq!(output.code, Some(3), "{output:#?}");
        assert_eq!(relay.count(), 0);
        let tries = relay.commands().iter().filter(|c| c.line.starts_with("AUTH")).count();
        assert_eq!(tries, 1, "a second try locks accounts");
        assert!(output.everything().contains("535"), "the relay's own words: {output:#?}");
        check_secret(&workspace, &output, mechanisms);
        let counts = proof::counts(&workspace);
        assert_eq!(counts["planned"] + counts["deferred"], 3, "{counts:?}");
    }
}

#[test]
fn a_relay_elsewhere_needs_tls() {
    let password = "password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }";
    let plain = || Workspace::with_people(1).relay_url("smtp://192.0.2.1:25");
    let signing_in = plain().relay_lines("user = \"secretariat@forum.example\"");
    let signing_in = signing_in.relay_lines(password).relay_lines("allow_plaintext = true");
    let cases = [
        ("plain text off loopback", plain()),
        ("a password in plain text", signing_in.variable("SECRETARIAT_RELAY_PASSWORD", CANARY)),
    ];
    for (what, workspace) in cases {
        let (code, json) = workspace.run_json(&["check"]);
        assert_eq!(code, Some(3), "{what}: {json:#}");
        let problems = json["problems"].as_array().expect("a list");
        let says_so = |p: &serde_json::Value| {
            let text = format!("{} {}", p["message"], p["hint"]).to_lowercase();
            let named = text.contains("plain") || text.contains("tls");
            p["severity"] == "error" && p["file"] == "secretariat.toml" && named
        };
        assert!(problems.iter().any(says_so), "{what}: {json:#}");
    }
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let authority = Authority::new();
    for (mode, code) in [(0o600, 0), (0o644, 3)] {
        let server = authority.server(&["localhost"], Validity::Current);
        let script = Script::new().protection(Protection::Implicit(server));
        let relay = Relay::with(script.sign_in(NAME, CANARY));
        let workspace = Workspace::with_people(2).relay(&relay);
        let file = workspace.beside("password");
        std::fs::write(&file, format!("{CANARY}\n")).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let workspace = workspace
            .file("office-ca.pem", authority.pem())
            .relay_lines("ca_file = \"office-ca.pem\"")
            .relay_lines(&format!("user = \"{NAME}\""))
            .relay_lines(&format!("password = {{ file = {:?} }}", file.to_string_lossy()));
        let output = workspace.run(&["send", "--plan", &workspace.fingerprint(), "--no-wait"]);
        assert_eq!(output.code, Some(code), "{mode:o}: {output:#?}");
        check_secret(&workspace, &output, "password file");
    }
}

#[test]
fn a_missing_password_and_a_missing_certificate_are_told_together() {
    let workspace = Workspace::with_people(2)
        .relay_url("smtps://localhost:1")
        .relay_lines("ca_file = \"office-ca.pem\"")
        .relay_lines(&format!("user = \"{NAME}\""));
    let plan = workspace.fingerprint();
    let (code, json) = workspace.run_json(&["send", "--plan", &plan]);
    assert_eq!(code, Some(3), "{json:#}");
    let told = |code: &str| json["problems"].as_array().unwrap().iter().any(|p| p["code"] == code);
    assert!(told("no-password") && told("missing-file"), "{json:#}");
}
