//! `doctor` about the mail server, the computer and the mailing: each thing that is wrong is told,
//! nobody signs in twice, and nothing goes.

use crate::support::certificates::{Authority, Validity, self_signed};
use crate::support::name_server::NameServer;
use crate::support::postfix::Postfix;
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Protection, Script, Who};
use crate::support::workspace::{Output, Workspace};
use rustls::server::ServerConfig;
use std::sync::Arc;

const NAME: &str = "secretariat@forum.example";
const CANARY: &str = "kanarienvogel-7f3a";

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

/// Runs `doctor` with a name server that knows nobody.
fn doctor(workspace: &Workspace, more: &[&str]) -> Output {
    let server = NameServer::start("");
    let at = server.at();
    let output = workspace.run(&[&["doctor", "--name-server", &at], more].concat());
    assert!(!output.everything().contains(CANARY), "no secret is told: {output:#?}");
    output
}

/// The checks with this id, as `verdict: what`.
fn of(workspace: &Workspace, id: &str) -> Vec<String> {
    let json = doctor(workspace, &["--format", "json"]).json();
    let checks = json["checks"].as_array().expect("checks").clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let with_id = checks.iter().filter(|check| check["id"] == id);
    with_id.map(|c| format!("{}: {}", text(&c["verdict"]), text(&c["what"]))).collect()
}

/// Nothing was handed over, and no recipient was named.
#[track_caller]
fn check_harmless(relay: &Relay) {
    assert_eq!(relay.count(), 0);
    assert_eq!(relay.violations(), [""; 0]);
    for command in relay.commands() {
        let verb = command.line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let is_harmless = !["RCPT", "DATA", "BDAT"].contains(&verb.as_str());
        assert!(is_harmless, "said {:?}", command.line);
    }
}

fn said(relay: &Relay, verb: &str) -> usize {
    let commands = relay.commands();
    commands.iter().filter(|c| c.line.to_ascii_uppercase().starts_with(verb)).count()
}

fn served(authority: &Authority, validity: Validity) -> Arc<ServerConfig> {
    authority.server(&["localhost"], validity)
}

#[test]
fn a_mail_server_in_order_is_shown_with_all_that_it_offers_and_gets_nothing() {
    let authority = Authority::new();
    for way in [Protection::Implicit, Protection::StartTls] {
        let server = served(&authority, Validity::Current);
        let relay = Relay::with(Script::new().protection(way(server)).sign_in(NAME, CANARY));
        let workspace = workspace(&authority, &relay);
        let before = workspace.inventory();
        let output = doctor(&workspace, &[]);
        let shown = &output.stdout;
        for expected in [
            "This computer\n",
            "Mail server\n",
            "Names\n",
            "  pass  tls: TLS 1.3, ",
            "  pass  certificate: for localhost, by Forum office authority, until 1 January 2090, ",
            "  pass  sign-in: secretariat@forum.example is let in by PLAIN (PLAIN, LOGIN offered)\n",
            "  pass  extensions: takes letters up to ",
            "  pass  author-accepted: ",
            "  pass  mailing: outcome has 3 letters, none with an error\n",
            "  pass  pace: 3 letters, and no limit of [relay] holds them back\n",
            "  pass  ledger: none yet: nothing went from this workspace\n",
            " Nothing was sent.\n",
        ] {
            assert!(shown.contains(expected), "{expected:?} in {shown}");
        }
        // The address on this computer that nobody listens at is told, and is no failure.
        check_harmless(&relay);
        assert_eq!((said(&relay, "AUTH"), said(&relay, "MAIL"), said(&relay, "RSET")), (1, 1, 1));
        let mut after = workspace.inventory();
        after.retain(|(name, _)| name != "secretariat.toml" && name != "office-ca.pem");
        let mut before = before;
        before.retain(|(name, _)| name != "secretariat.toml" && name != "office-ca.pem");
        assert_eq!(before, after, "nothing is written");
    }
}

#[test]
fn a_refused_sign_in_is_tried_once_and_what_is_known_of_it_is_told() {
    let authority = Authority::new();
    let refusal = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
                   the Mailbox. Visit https://aka.ms/smtp_auth_disabled";
    for (answer, expected) in [
        (refusal, "fail: Microsoft does not let secretariat@forum.example send by SMTP"),
        (
            "535 5.7.8 who are you",
            "fail: the mail server refused the name or the password: 535 5.7.8",
        ),
        ("454 4.7.0 not now", "warn: not let in for now: 454 4.7.0 not now"),
    ] {
        let way = Protection::StartTls(served(&authority, Validity::Current));
        let script = Script::new().protection(way).sign_in(NAME, CANARY);
        let relay = Relay::with(script.at(At::SignIn, Who::Anyone, Action::reply(answer)));
        let workspace = workspace(&authority, &relay);
        let found = of(&workspace, "sign-in");
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
        assert_eq!(said(&relay, "AUTH"), 1, "never again: servers lock accounts");
        assert_eq!(said(&relay, "MAIL"), 0);
        check_harmless(&relay);
    }
}

#[test]
fn a_refused_sender_is_told_in_the_services_own_meaning() {
    for (answer, expected) in [
        ("553 5.7.1 not yours", "fail: refused as a sender: "),
        (
            "554 5.2.252 SendAsDenied; a@b not allowed to send as c@d; STOREDRV.Submission",
            "fail: Microsoft does not let this computer write as ",
        ),
        ("450 4.1.8 later", "warn: refused as a sender: "),
    ] {
        let relay = Relay::with(Script::new().at(At::Mail, Who::Anyone, Action::reply(answer)));
        let workspace = Workspace::with_people(1).relay(&relay);
        let found = of(&workspace, "author-accepted");
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
        check_harmless(&relay);
    }
}

/// Security S5: whose certificate it is not is told nothing.
#[test]
fn a_wrong_certificate_is_told_and_nothing_is_said_to_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases = [
        (
            served(&authority, Validity::Expired),
            "fail: the certificate expired on 1 January 2021 (for localhost, by Forum office \
             authority, until 1 January 2021)",
            "renew it",
        ),
        (
            authority.server(&["mail.elsewhere.example"], Validity::Current),
            "fail: the certificate is for mail.elsewhere.example, not for localhost (for \
             mail.elsewhere.example, by Forum office authority, until 1 January 2090)",
            "write that name in [relay] url",
        ),
        (
            self_signed(&["localhost"]),
            "fail: the certificate was issued by nobody this computer knows (for localhost, signed \
             by itself, until ",
            "[relay] ca_file",
        ),
        (served(&stranger, Validity::Current), "fail: the certificate ", "[relay] ca_file"),
    ];
    for (server, expected, remedy) in cases {
        for way in [Protection::Implicit, Protection::StartTls] {
            let script = Script::new().protection(way(server.clone())).sign_in(NAME, CANARY);
            let relay = Relay::with(script);
            let workspace = workspace(&authority, &relay);
            let found = of(&workspace, "certificate");
            assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
            assert_eq!(of(&workspace, "tls"), ["fail: no secure connection: see certificate"]);
            let output = doctor(&workspace, &[]);
            assert_eq!(output.code, Some(3));
            assert!(output.stdout.contains(remedy), "{remedy}: {}", output.stdout);
            assert_eq!((said(&relay, "AUTH"), said(&relay, "MAIL")), (0, 0));
            check_harmless(&relay);
        }
    }
}

#[test]
fn a_server_that_hides_tls_a_closed_port_and_a_stranger_are_told() {
    let relay = Relay::start();
    let url = format!("smtp+starttls://127.0.0.1:{}", relay.port());
    let found = of(&Workspace::with_people(1).relay_url(&url), "tls");
    assert!(found.len() == 1 && found[0].starts_with("fail: the mail server does not offer TLS"));
    let found = of(&Workspace::with_people(1).relay_url("smtp://127.0.0.1:9"), "relay-reached");
    assert_eq!(found, ["fail: no mail server answers on port 9 (127.0.0.1: connection refused)"]);
    let wrong = Action::reply("HTTP/1.1 400 Bad Request");
    let relay = Relay::with(Script::new().at(At::Greeting, Who::Anyone, wrong));
    let found = of(&Workspace::with_people(1).relay(&relay), "relay-reached");
    assert!(found.len() == 1 && found[0].starts_with("fail: no mail server answers"), "{found:#?}");
    let found =
        of(&Workspace::with_people(1).relay_url("smtps://no.such.host.invalid"), "relay-name");
    assert!(found.len() == 1 && found[0].starts_with("fail: "), "{found:#?}");
}

#[test]
fn a_ca_file_without_a_certificate_is_told_before_anything_is_said() {
    let authority = Authority::new();
    let relay = Relay::start();
    let url = format!("smtps://127.0.0.1:{}", relay.port());
    let workspace = workspace(&authority, &relay).relay_url(&url).file("office-ca.pem", "nothing");
    assert_eq!(of(&workspace, "tls"), ["fail: ca_file holds no certificate in PEM form"]);
    assert_eq!(doctor(&workspace, &[]).code, Some(3));
    assert_eq!(relay.sessions(), 0);
}

/// Where there is no password, all else is looked at, and nothing is asked that needs one.
#[test]
fn without_a_password_all_else_is_seen() {
    let authority = Authority::new();
    let way = Protection::StartTls(served(&authority, Validity::Current));
    let relay = Relay::with(Script::new().protection(way).sign_in(NAME, CANARY));
    let workspace = workspace(&authority, &relay).variable("SECRETARIAT_RELAY_PASSWORD", "");
    let found = of(&workspace, "sign-in");
    assert!(found.len() == 1 && found[0].starts_with("fail: "), "{found:#?}");
    assert!(of(&workspace, "certificate")[0].starts_with("pass: "));
    assert!(of(&workspace, "author-accepted")[0].starts_with("skip: "));
    assert_eq!((said(&relay, "AUTH"), said(&relay, "MAIL")), (0, 0));
}

#[test]
fn a_letter_larger_than_the_server_takes_and_a_mailing_of_days_are_told() {
    let relay = Relay::with(Script::new().without("SIZE").offering("SIZE 300"));
    let workspace =
        Workspace::with_people(5).relay(&relay).relay_lines("rate = \"60/min\"\ndaily_limit = 2");
    let found = of(&workspace, "extensions");
    assert!(
        found.len() == 1 && found[0].starts_with("fail: takes letters up to 300 bytes"),
        "{found:#?}"
    );
    let found = of(&workspace, "pace");
    assert!(found[0].starts_with("warn: 5 letters at 60 a minute, at most 2 a day"), "{found:#?}");
    assert!(found[0].ends_with(": 3 days"), "{found:#?}");
}

#[test]
fn a_greeting_with_a_date_tells_a_wrong_clock() {
    let date = "Thu, 5 Nov 2026 11:30:00 +0000";
    let greeting = format!("220 PR0.outlook.test Microsoft ESMTP MAIL Service ready at {date}");
    let script = Script::new().at(At::Greeting, Who::Anyone, Action::reply(&greeting));
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(1).relay(&relay);
    assert_eq!(of(&workspace, "clock"), ["warn: 2 hours behind the mail server's"]);
    let right = Workspace::with_people(1).relay(&relay).now("2026-11-05T11:28:00Z");
    assert_eq!(of(&right, "clock"), ["pass: the same as the mail server's, to a few minutes"]);
}

#[test]
fn a_damaged_ledger_and_letters_with_errors_are_told() {
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay);
    assert_eq!(workspace.send().0, Some(0));
    assert_eq!(of(&workspace, "ledger"), ["pass: in order, and nobody else is using it"]);
    workspace.write(".secretariat/ledger.db", "no ledger at all, and long enough to be a page");
    let found = of(&workspace, "ledger");
    assert!(found.len() == 1 && found[0].starts_with("fail: "), "{found:#?}");
    let broken = Workspace::with_people(1).relay(&relay).letter("outcome", "en", "{{ no.such }}");
    let found = of(&broken, "mailing");
    assert!(found.len() == 1 && found[0].starts_with("fail: outcome has "), "{found:#?}");
}

#[test]
fn a_mailing_that_is_not_there_and_an_odd_name_server_are_refused() {
    let workspace = Workspace::with_people(1);
    let output = workspace.run(&["doctor", "outcomes"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("outcome"), "{output:#?}");
    for arguments in [["--name-server", "dns.test"], ["--selector", "a b"]] {
        let output = workspace.run(&[&["doctor"], &arguments[..]].concat());
        assert_eq!(output.code, Some(2), "{output:#?}");
    }
}

#[test]
fn a_real_postfix_is_looked_at_and_holds_nothing() {
    let Some(postfix) = Postfix::start() else { return };
    let workspace = Workspace::with_people(2).relay_url(&postfix.url());
    let reached = of(&workspace, "relay-reached");
    let port = postfix.url().rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(reached, [format!("pass: relay.example answers on port {port}")]);
    let found = of(&workspace, "extensions");
    assert!(found[0].starts_with("pass: takes letters up to 34.2 MB; "), "{found:#?}");
    assert!(of(&workspace, "author-accepted")[0].starts_with("pass: "));
    assert_eq!(postfix.messages(), []);
}

#[test]
fn a_real_postfix_with_tls_shows_its_certificate() {
    let authority = Authority::new();
    let Some(postfix) = Postfix::with_tls(authority.certified(&["127.0.0.1"])) else { return };
    let workspace = Workspace::with_people(2)
        .file("office-ca.pem", authority.pem())
        .relay_url(&postfix.encrypted_url())
        .relay_lines("ca_file = \"office-ca.pem\"");
    let found = of(&workspace, "tls");
    assert!(found.len() == 1 && found[0].starts_with("pass: TLS 1.3, "), "{found:#?}");
    let found = of(&workspace, "certificate");
    let expected = "pass: for 127.0.0.1, by Forum office authority, until 1 January 2090, ";
    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
    assert!(of(&workspace, "author-accepted")[0].starts_with("pass: "));
    assert_eq!(postfix.messages(), []);
    let stranger = Authority::new();
    let untrusting = workspace.file("office-ca.pem", stranger.pem());
    let found = of(&untrusting, "certificate");
    assert!(found.len() == 1 && found[0].starts_with("fail: the certificate "), "{found:#?}");
}
