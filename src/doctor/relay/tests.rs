//! What a probe came to, and what is said of it.

use super::*;

const NOT_TRIED: &str =
    "skip sign-in: not tried, nor size and sender asked: no mail server could be spoken to";
const NOW: &str = "2026-11-05T09:30:00Z";

fn meant() -> Meant<'static> {
    Meant {
        host: "mail.forum.example",
        port: 587,
        security: Security::StartTls,
        is_here: false,
        service: None,
        account: Some("ana@forum.example"),
        author: "office@forum.example",
        largest: None,
        now: Timestamp::parse(NOW).unwrap(),
    }
}

fn response(line: &str) -> Response {
    let (code, text) = line.split_once(' ').unwrap();
    Response::new(code.parse().unwrap(), vec![text.as_bytes().to_vec()])
}

/// An address where everything went well.
fn seen(address: &str) -> Seen {
    Seen {
        address: format!("{address}:587").parse().unwrap(),
        greeting: Some(response("220 mail.forum.example ready")),
        name: Some("mail.forum.example".to_owned()),
        encryption: Some("TLS 1.3, TLS13_AES_256_GCM_SHA384".to_owned()),
        certificate: None,
        offers: Some(Extensions {
            size: Some(35 << 20),
            pipelining: true,
            auth: vec!["PLAIN".to_owned(), "XOAUTH2".to_owned()],
            ..Extensions::default()
        }),
        sign_in: SignedIn::Done("PLAIN"),
        author: Some(response("250 2.1.0 ok")),
        ended: None,
    }
}

fn probe(addresses: Vec<Seen>) -> Probe {
    Probe { addresses, ..Probe::default() }
}

fn told(probe: &Probe, meant: &Meant<'_>) -> Vec<String> {
    let checks = check_relay(probe, meant);
    for check in &checks {
        let is_done = matches!(check.verdict, Verdict::Pass | Verdict::Skip);
        assert_eq!(check.remedy.is_none(), is_done, "{check:?}");
    }
    checks.iter().map(|c| format!("{} {}: {}", c.verdict.as_str(), c.id, c.what)).collect()
}

/// What is not as it should be.
fn wrong(probe: &Probe, meant: &Meant<'_>) -> Vec<String> {
    told(probe, meant).into_iter().filter(|line| !line.starts_with("pass")).collect()
}

#[test]
fn a_server_in_order_passes_everywhere() {
    assert_eq!(
        told(&probe(vec![seen("192.0.2.1")]), &meant()),
        [
            "pass relay-name: mail.forum.example is at 192.0.2.1",
            "pass relay-reached: mail.forum.example answers on port 587",
            "pass tls: TLS 1.3, TLS13_AES_256_GCM_SHA384",
            "pass sign-in: ana@forum.example is let in by PLAIN (PLAIN, XOAUTH2 offered)",
            "pass extensions: takes letters up to 35.0 MB; several commands at once (PIPELINING)",
            "pass author-accepted: office@forum.example may write (MAIL accepted, then taken back)",
        ]
    );
}

#[test]
fn each_thing_that_is_wrong_is_told_of_alone() {
    let with = |change: fn(&mut Seen)| {
        let mut one = seen("192.0.2.1");
        change(&mut one);
        wrong(&probe(vec![one]), &meant())
    };
    let skipped = "skip author-accepted: whether letters may be from office@forum.example is not \
                   known: nobody is signed in";
    assert_eq!(
        with(|seen| {
            let refusal = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is \
                           disabled for the Mailbox. https://aka.ms/smtp_auth_disabled";
            let outcome = Outcome::answered(Stage::SignIn, response(refusal));
            (seen.sign_in, seen.author) = (SignedIn::Failed(outcome), None);
        }),
        [
            "fail sign-in: Microsoft does not let ana@forum.example send by SMTP (535 5.7.139)",
            skipped
        ]
    );
    assert_eq!(
        with(|seen| {
            let outcome = Outcome::answered(Stage::SignIn, response("535 5.7.0 nobody I know"));
            (seen.sign_in, seen.author) = (SignedIn::Failed(outcome), None);
        }),
        [
            "fail sign-in: the mail server refused the name or the password: 535 5.7.0 nobody I know",
            skipped
        ]
    );
    assert_eq!(
        with(|seen| seen.author = Some(response("553 5.7.1 not your address"))),
        [
            "fail author-accepted: refused as a sender: office@forum.example: 553 5.7.1 not your address"
        ]
    );
    assert_eq!(
        with(|seen| seen.author = Some(response("451 4.3.0 later"))),
        ["warn author-accepted: refused as a sender: office@forum.example: 451 4.3.0 later"]
    );
}

#[test]
fn a_letter_larger_than_the_server_takes_fails() {
    let meant = Meant { largest: Some(36 << 20), ..meant() };
    assert_eq!(
        wrong(&probe(vec![seen("192.0.2.1")]), &meant),
        ["fail extensions: takes letters up to 35.0 MB, and the largest letter has 36.0 MB"]
    );
}

#[test]
fn one_address_of_two_that_does_not_answer_is_a_warning() {
    let mut silent = seen("192.0.2.2");
    silent.ended = Some(Outcome::lost(Stage::Connect, Loss::TimedOut));
    (silent.greeting, silent.offers, silent.encryption) = (None, None, None);
    assert_eq!(
        wrong(&probe(vec![silent.clone(), seen("192.0.2.1")]), &meant()),
        ["warn relay-reached: not everywhere on port 587: 192.0.2.2: no answer in time"]
    );
    assert_eq!(
        wrong(&probe(vec![silent]), &meant()),
        [
            "fail relay-reached: no mail server answers on port 587 (192.0.2.2: no answer in time)",
            NOT_TRIED
        ]
    );
}

#[test]
fn what_differs_between_addresses_says_where() {
    let mut old = seen("192.0.2.2");
    old.encryption = Some("TLS 1.2, X".to_owned());
    let told = told(&probe(vec![seen("192.0.2.1"), old, seen("192.0.2.3")]), &meant());
    assert_eq!(
        told[2..4],
        [
            "pass tls: TLS 1.3, TLS13_AES_256_GCM_SHA384 (at 192.0.2.1, 192.0.2.3)",
            "pass tls: TLS 1.2, X (at 192.0.2.2)"
        ]
    );
}

#[test]
fn offline_only_the_name_is_told_of() {
    let lost = |loss| Probe { not_found: Some(loss), ..Probe::default() };
    assert_eq!(
        told(&lost(Loss::NoSuchHost), &meant()),
        ["fail relay-name: mail.forum.example has no address", NOT_TRIED]
    );
    let words = "Temporary failure in name resolution".to_owned();
    assert_eq!(
        told(&lost(Loss::Other(words)), &meant()),
        [
            "fail relay-name: nobody could say where mail.forum.example is: Temporary failure in name \
          resolution",
            NOT_TRIED
        ]
    );
}

#[test]
fn the_clock_is_told_by_a_greeting_with_a_date() {
    let now = Timestamp::parse(NOW).unwrap();
    let of = |greeting: &str| {
        let mut one = seen("192.0.2.1");
        one.greeting = Some(response(greeting));
        let check = check_clock(Some(&probe(vec![one])), now);
        format!("{}: {}", check.verdict.as_str(), check.what)
    };
    let exchange = |date: &str| {
        of(&format!("220 AM0PR0.outlook.com Microsoft ESMTP MAIL Service ready at {date} [X 1]"))
    };
    let good = "pass: the same as the mail server's, to a few minutes";
    assert_eq!(exchange("Thu, 5 Nov 2026 09:31:12 +0000"), good);
    assert_eq!(exchange("Thu, 5 Nov 2026 10:31:12 +0100"), good);
    assert_eq!(exchange("Thu, 5 Nov 2026 10:30:00 +0000"), "warn: 1 hour behind the mail server's");
    assert_eq!(
        exchange("Thu, 5 Nov 2026 09:00:00 +0000"),
        "warn: 30 minutes ahead of the mail server's"
    );
    let silent = "skip: the mail server does not tell the time";
    assert_eq!(of("220 mail.forum.example ESMTP Postfix"), silent);
    assert_eq!(exchange("Thu, 45 Nov"), silent);
    assert_eq!(check_clock(None, now).what, "the mail server does not tell the time");
}

#[test]
fn a_star_covers_one_label() {
    assert!(covers("*.forum.example", "mail.forum.example"));
    assert!(!covers("*.forum.example", "a.mail.forum.example"));
    assert!(!covers("*.forum.example", "forum.example"));
    assert!(covers("192.0.2.1", "192.0.2.1"));
}
