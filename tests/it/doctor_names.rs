//! `doctor` about names: five zones in order and twenty broken in one way each, and what is said.
//!
//! The name server is the test's own (`support/name_server.rs`); the mail server's name has no
//! address anywhere else, so that only names are looked at.

use crate::support::name_server::NameServer;
use crate::support::workspace::{Output, Workspace};
use serde_json::Value;
use std::time::{Duration, Instant};

const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
     IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0\
     fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A zone in which everything is in order.
fn good() -> String {
    format!(
        "office.test MX 10 mx.office.test
        mx.office.test A 192.0.2.10
        mail.office.test A 192.0.2.20
        office.test TXT v=spf1 ip4:192.0.2.0/27 -all
        s1._domainkey.office.test TXT v=DKIM1; k=ed25519; p={ED25519}
        _dmarc.office.test TXT v=DMARC1; p=reject; rua=mailto:dmarc@office.test"
    )
}

/// The same with one thing written anew.
fn but(what: &str, with: &str) -> String {
    assert!(good().contains(what), "{what}");
    good().replace(what, with)
}

fn workspace(sender: &str, host: &str) -> Workspace {
    let config = format!(
        "[conference]\nname = \"Forum\"\n\n[sender]\n{sender}\n\n[relay]\nurl = \"smtps://{host}:465\"\n\n\
         [campaigns.outcome]\n"
    );
    Workspace::with_people(2).whole_config(&config)
}

const SENDER: &str = "from = \"Office <office@office.test>\"";
const NAMES: [&str; 8] = [
    "answers-arrive",
    "bounces-arrive",
    "spf",
    "spf-covers-relay",
    "dkim-key",
    "dmarc",
    "dmarc-alignment",
    "names",
];

/// What is not as it should be among the names, one line a check.
fn diagnosed(server: &NameServer, workspace: &Workspace, selector: &str) -> Vec<String> {
    let at = server.at();
    let mut arguments = vec!["doctor", "--name-server", &at, "--format", "json"];
    if !selector.is_empty() {
        arguments.extend(["--selector", selector]);
    }
    let output = workspace.run(&arguments);
    let checks = of_names(&output);
    assert!(checks.len() >= 6, "all are told: {output:#?}");
    for check in &checks {
        let verdict = check["verdict"].as_str().expect("a verdict");
        assert_eq!(check["remedy"].is_null(), ["pass", "skip"].contains(&verdict), "{check}");
    }
    let wrong = checks.iter().filter(|check| check["verdict"] != "pass");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    wrong
        .map(|c| format!("{} {}: {}", text(&c["verdict"]), text(&c["id"]), text(&c["what"])))
        .collect()
}

fn of_names(output: &Output) -> Vec<Value> {
    let json = output.json();
    let checks = json["checks"].as_array().expect("checks").clone();
    checks
        .into_iter()
        .filter(|check| NAMES.contains(&check["id"].as_str().expect("an id")))
        .collect()
}

#[test]
fn five_right_zones_pass() {
    let server = NameServer::start("");
    let own = workspace(SENDER, "mail.office.test");
    let check = |workspace: &Workspace, zone: &str| {
        server.change(zone);
        assert_eq!(diagnosed(&server, workspace, "s1"), [""; 0], "{zone}");
    };
    check(&own, &good());

    let bounces = format!("{SENDER}\nbounce_address = \"back@bounces.office.test\"");
    let more = "\nbounces.office.test MX 5 mx.office.test
        bounces.office.test TXT v=spf1 include:office.test ~all";
    check(&workspace(&bounces, "mail.office.test"), &format!("{}{more}", good()));

    let redirected = but("ip4:192.0.2.0/27 -all", "redirect=_spf.office.test")
        + "\n_spf.office.test TXT v=spf1 a:mail.office.test mx ~all
        _spf.office.test MX 10 mx.office.test";
    check(&own, &redirected);

    // A long record comes in parts and over TCP, the relay is an alias, and the policy stands above.
    let long = "exp=why.office.test ".repeat(70);
    let above = but(
        "office.test TXT v=spf1 ip4",
        &format!("office.test TXT x={long}\n office.test TXT v=spf1 ip4"),
    )
    .replace(
        "mail.office.test A 192.0.2.20",
        "mail.office.test CNAME out.office.test\nout.office.test A 192.0.2.20",
    );
    check(&own, &above);

    let through = but("ip4:192.0.2.0/27", "include:spf.protection.outlook.com")
        .replace("s1._domainkey", "selector2._domainkey")
        + "\nspf.protection.outlook.com TXT v=spf1 ip4:198.51.100.0/24 -all";
    server.change(&through);
    let of_microsoft = workspace(SENDER, "smtp.office365.com");
    assert_eq!(diagnosed(&server, &of_microsoft, ""), [""; 0], "its selectors are known");
    assert!(server.asked().contains(&"selector1._domainkey.office.test TXT".to_owned()));
}

#[test]
fn twenty_broken_zones_are_each_told_for_what_they_are() {
    let server = NameServer::start("");
    let own = workspace(SENDER, "mail.office.test");
    let spf = "v=spf1 ip4:192.0.2.0/27 -all";
    let key = format!("v=DKIM1; k=ed25519; p={ED25519}");
    let policy = "v=DMARC1; p=reject;";
    let first = "skip spf-covers-relay: SPF of office.test must be in order first";
    let only = "warn dmarc-alignment: bounces go to office.test's own name, and its SPF covers the \
                mail server; only the signature is missing";
    let cases: Vec<(String, Vec<&str>)> = vec![
        (
            but(spf, "verified=1"),
            vec!["fail spf: office.test has no SPF record: many servers doubt its mail", first],
        ),
        (
            but(spf, "v=spf1 ipv4:192.0.2.20 -all"),
            vec![
                "fail spf: SPF of office.test cannot be followed: office.test: \
                 \"ipv4:192.0.2.20\": no mechanism has this name",
                first,
            ],
        ),
        (
            but(spf, "v=spf1 ip4:192.0.2.20 -all\noffice.test TXT v=spf1 ~all"),
            vec![
                "fail spf: SPF of office.test cannot be followed: office.test has 2 SPF records",
                first,
            ],
        ),
        (
            but(spf, "v=spf1 include:gone.test ip4:192.0.2.20 -all"),
            vec![
                "fail spf: SPF of office.test cannot be followed: gone.test has no SPF record",
                first,
            ],
        ),
        (
            but(spf, "v=spf1 a:a.x a:b.x a:c.x ip4:192.0.2.20 -all"),
            vec![
                "fail spf: SPF of office.test names 3 that do not exist, and servers stop after 2: \
                 a:a.x in office.test, a:b.x in office.test, a:c.x in office.test",
                first,
            ],
        ),
        (
            but(spf, "v=spf1 mx mx mx mx mx mx mx mx mx mx mx -all"),
            vec![
                "fail spf: SPF of office.test needs 11 look-ups, and servers stop after 10",
                first,
            ],
        ),
        (
            but(spf, "v=spf1 ip4:192.0.2.20 +all"),
            vec!["warn spf: SPF of office.test lets everybody send in its name (+all)"],
        ),
        (
            but(spf, "v=spf1 ip4:192.0.2.20"),
            vec!["warn spf: SPF of office.test says nothing of other servers"],
        ),
        (
            but(spf, "v=spf1 ip4:192.0.2.99 -all"),
            vec![
                "fail spf-covers-relay: SPF of office.test forbids 192.0.2.20 (mail.office.test) to send",
            ],
        ),
        (
            but(spf, "v=spf1 ip4:192.0.2.99 ~all"),
            vec![
                "warn spf-covers-relay: SPF of office.test does not name 192.0.2.20 \
                 (mail.office.test)",
            ],
        ),
        (
            but(&key, "v=DKIM1; p="),
            vec![
                "fail dkim-key: the key at s1._domainkey.office.test was withdrawn (p= is empty)",
                only,
            ],
        ),
        (
            but(&key, &format!("v=DKIM1; k=rsa; p={}", &RSA_1024[..100])),
            vec![
                "fail dkim-key: the key at s1._domainkey.office.test cannot be used: p= is no RSA \
                 key: it may have been cut",
                only,
            ],
        ),
        (
            but(&key, &format!("p={RSA_1024}")),
            vec![
                "warn dkim-key: the key at s1._domainkey.office.test has 1024 bits, which is short",
            ],
        ),
        (
            but(&key, &format!("{key}; t=y")),
            vec![
                "warn dkim-key: the key at s1._domainkey.office.test says that it is only tried out \
                 (t=y)",
            ],
        ),
        (
            but("s1._domainkey", "s2._domainkey"),
            vec!["fail dkim-key: there is no key at s1._domainkey.office.test", only],
        ),
        (
            but(policy, "v=DMARC1; p=rejects;"),
            vec![
                "fail dmarc: the DMARC policy of office.test is followed by nobody: p=rejects is no \
                 policy: none, quarantine or reject",
            ],
        ),
        (
            but(policy, "p=reject;"),
            vec!["warn dmarc: office.test has no DMARC policy; large services ask senders for one"],
        ),
        (
            but("10 mx.office.test", "0 ."),
            vec![
                "fail answers-arrive: office.test says that it takes no mail (null MX): answers are lost",
            ],
        ),
        (
            but("mx.office.test A", "elsewhere.test A"),
            vec![
                "fail answers-arrive: no mail server of office.test has an address: answers are lost",
            ],
        ),
        (
            but("office.test TXT v=spf1", "office.test FAILS\noffice.test TXT v=spf1")
                .replace(
                    "s1._domainkey.office.test TXT",
                    "s1._domainkey.office.test FAILS\n x.test TXT",
                )
                .replace("_dmarc.office.test TXT", "_dmarc.office.test FAILS\n y.test TXT"),
            vec![],
        ),
    ];
    assert_eq!(cases.len(), 20);
    for (zone, expected) in &cases {
        server.change(zone);
        let found = diagnosed(&server, &own, "s1");
        match expected.is_empty() {
            false => assert_eq!(&found, expected, "{zone}"),
            // A name server in trouble is nobody's fault here.
            true => assert!(found.iter().all(|line| line.starts_with("skip")), "{found:#?}"),
        }
    }
}

#[test]
fn bounces_elsewhere_and_a_strangers_signature_fail_the_policy() {
    let zone = good()
        + "\nmailer.test MX 10 mx.office.test
        mailer.test TXT v=spf1 ip4:192.0.2.20 -all";
    let server = NameServer::start(&zone.replace("s1._domainkey", "s2._domainkey"));
    let bounces = format!("{SENDER}\nbounce_address = \"back@mailer.test\"");
    assert_eq!(
        diagnosed(&server, &workspace(&bounces, "mail.office.test"), "s1"),
        [
            "fail dkim-key: there is no key at s1._domainkey.office.test",
            "fail dmarc-alignment: nothing will show that letters are from office.test: bounces go \
             to mailer.test, another organisation, and there is no usable DKIM key",
        ]
    );
}

/// A name server that says nothing is waited for once, not for each question.
#[test]
fn a_mute_name_server_is_given_up_in_time() {
    let mute = ["office.test", "_dmarc.office.test", "_dmarc.test", "s1._domainkey.office.test"];
    let zone = mute.map(|name| format!("{name} MUTE")).join("\n");
    let server = NameServer::start(&zone);
    let begin = Instant::now();
    let found = diagnosed(&server, &workspace(SENDER, "mail.office.test"), "s1");
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    assert!(found.len() >= 6 && found.iter().all(|line| line.starts_with("skip")), "{found:#?}");
}
