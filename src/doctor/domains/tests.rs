//! Zones as they are met with: five in order, the others broken in one way each.

use super::*;
use crate::doctor::check::Verdict;

/// RFC 6376 C; 1024 bits.
const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
     IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0\
     fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A zone in which everything is in order.
pub(super) fn good() -> String {
    format!(
        "forum.example MX 10 mx.forum.example
        mx.forum.example A 192.0.2.10
        mail.forum.example A 192.0.2.20
        forum.example TXT v=spf1 ip4:192.0.2.0/27 -all
        s1._domainkey.forum.example TXT v=DKIM1; k=ed25519; p={ED25519}
        _dmarc.forum.example TXT v=DMARC1; p=reject; rua=mailto:dmarc@forum.example"
    )
}

pub(super) fn names() -> Names {
    Names {
        author: "forum.example".to_owned(),
        bounce: ("office".to_owned(), "forum.example".to_owned()),
        relay: RelayNames::Host {
            name: "mail.forum.example".to_owned(),
            addresses: vec!["192.0.2.20".parse().unwrap()],
        },
        signer: Some(Signer {
            domain: "forum.example".to_owned(),
            selectors: vec!["s1".to_owned()],
            own_key: None,
        }),
    }
}

/// What is not as it should be, one line a check.
fn diagnosed(zone: &str, names: &Names) -> Vec<String> {
    let checks = Known::of_zone(zone).settle(|known| check_names(known, names));
    let is_wrong = |check: &&Check| check.verdict != Verdict::Pass;
    let shown = |c: &Check| format!("{} {}: {}", c.verdict.as_str(), c.id, c.what);
    checks.iter().filter(is_wrong).map(shown).collect()
}

#[track_caller]
fn check(zone: &str, names: &Names, expected: &[&str]) {
    assert_eq!(diagnosed(zone, names), expected, "{zone}");
}

#[test]
fn five_ways_to_be_in_order() {
    check(&good(), &names(), &[]);

    let mut bounces_below = names();
    bounces_below.bounce.1 = "bounces.forum.example".to_owned();
    let more = "\nbounces.forum.example MX 5 mx.forum.example
        bounces.forum.example TXT v=spf1 include:forum.example ~all";
    check(&format!("{}{more}", good()), &bounces_below, &[]);

    let policy_above = good().replace("forum.example", "letters.forum.example").replace(
        "_dmarc.letters.forum.example TXT v=DMARC1; p=reject",
        "_dmarc.forum.example TXT v=DMARC1; p=none; sp=quarantine",
    );
    let mut below = names();
    below.author = "letters.forum.example".to_owned();
    below.bounce.1.clone_from(&below.author);
    below.relay = RelayNames::Host {
        name: "mail.letters.forum.example".to_owned(),
        addresses: vec!["192.0.2.20".parse().unwrap()],
    };
    below.signer.as_mut().unwrap().domain.clone_from(&below.author);
    check(&policy_above, &below, &[]);

    let service = Names {
        relay: RelayNames::Service {
            name: "Microsoft 365",
            spf_include: "spf.protection.outlook.com",
        },
        ..names()
    };
    let through_it = good().replace("ip4:192.0.2.0/27", "include:spf.protection.outlook.com")
        + "\nspf.protection.outlook.com TXT v=spf1 ip4:198.51.100.0/24 -all";
    check(&through_it, &service, &[]);

    let redirected = good().replace("ip4:192.0.2.0/27 -all", "redirect=_spf.forum.example")
        + "\n_spf.forum.example TXT v=spf1 a:mail.forum.example mx ~all
        _spf.forum.example MX 10 mx.forum.example";
    check(&redirected, &names(), &[]);
}

/// Everything in order but for one thing, written anew.
fn broken(what: &str, with: &str) -> String {
    assert!(good().contains(what), "{what}");
    good().replace(what, with)
}

#[test]
fn what_is_wrong_with_spf() {
    let spf = "v=spf1 ip4:192.0.2.0/27 -all";
    let no_cover = "skip spf-covers-relay: SPF of forum.example must be in order first";
    for (record, expected) in [
        ("verified=1", "fail spf: forum.example has no SPF record: many servers doubt its mail"),
        (
            "v=spf1 ipv4:192.0.2.20 -all",
            "fail spf: SPF of forum.example cannot be followed: forum.example: \
             \"ipv4:192.0.2.20\": no mechanism has this name",
        ),
        (
            "v=spf1 ip4:192.0.2.20 -all\nforum.example TXT v=spf1 ~all",
            "fail spf: SPF of forum.example cannot be followed: forum.example has 2 SPF records",
        ),
        (
            "v=spf1 include:gone.example ip4:192.0.2.20 -all",
            "fail spf: SPF of forum.example cannot be followed: gone.example has no SPF record",
        ),
        (
            "v=spf1 a:a.x a:b.x a:c.x ip4:192.0.2.20 -all",
            "fail spf: SPF of forum.example names 3 that do not exist, and servers stop after 2: \
             a:a.x in forum.example, a:b.x in forum.example, a:c.x in forum.example",
        ),
        (
            "v=spf1 mx mx mx mx mx mx mx mx mx mx mx -all",
            "fail spf: SPF of forum.example needs 11 look-ups, and servers stop after 10",
        ),
    ] {
        check(&broken(spf, record), &names(), &[expected, no_cover]);
    }
    for (record, expected) in [
        (
            "v=spf1 ip4:192.0.2.20 +all",
            "warn spf: SPF of forum.example lets everybody send in its name (+all)",
        ),
        ("v=spf1 ip4:192.0.2.20", "warn spf: SPF of forum.example says nothing of other servers"),
        (
            "v=spf1 ip4:192.0.2.99 -all",
            "fail spf-covers-relay: SPF of forum.example forbids 192.0.2.20 (mail.forum.example) \
             to send",
        ),
        (
            "v=spf1 ip4:192.0.2.99 ~all",
            "warn spf-covers-relay: SPF of forum.example does not name 192.0.2.20 \
             (mail.forum.example)",
        ),
    ] {
        check(&broken(spf, record), &names(), &[expected]);
    }
}

#[test]
fn what_is_wrong_with_the_key() {
    let key = format!("v=DKIM1; k=ed25519; p={ED25519}");
    let only = "warn dmarc-alignment: bounces go to forum.example's own name, and its SPF covers \
                the mail server; only the signature is missing";
    let at = "s1._domainkey.forum.example";
    for (record, expected) in [
        ("v=DKIM1; p=", format!("fail dkim-key: the key at {at} was withdrawn (p= is empty)")),
        (
            &format!("v=DKIM1; k=rsa; p={}", &RSA_1024[..100]),
            format!(
                "fail dkim-key: the key at {at} cannot be used: p= is no RSA key: it may have been cut"
            ),
        ),
    ] {
        check(&broken(&key, record), &names(), &[&expected, only]);
    }
    let short = format!("warn dkim-key: the key at {at} has 1024 bits, which is short");
    check(&broken(&key, &format!("p={RSA_1024}")), &names(), &[&short]);
    let tried = format!("warn dkim-key: the key at {at} says that it is only tried out (t=y)");
    check(&broken(&key, &format!("{key}; t=y")), &names(), &[&tried]);
    let none = "fail dkim-key: there is no key at s2._domainkey.forum.example";
    let mut other = names();
    other.signer.as_mut().unwrap().selectors = vec!["s2".to_owned()];
    check(&good(), &other, &[none, only]);
    let mut own = names();
    own.signer.as_mut().unwrap().own_key = Some(vec![7; 32]);
    let not_ours = format!("fail dkim-key: the key at {at} is not the one letters are signed with");
    check(&good(), &own, &[&not_ours, only]);
}

#[test]
fn what_is_wrong_with_dmarc_and_the_way_back() {
    let policy = "v=DMARC1; p=reject";
    for (record, expected) in [
        (
            "v=DMARC1; p=rejects",
            "fail dmarc: the DMARC policy of forum.example is followed by nobody: p=rejects is no \
             policy: none, quarantine or reject",
        ),
        (
            "p=reject",
            "warn dmarc: forum.example has no DMARC policy; large services ask senders for one",
        ),
    ] {
        check(&broken(policy, record), &names(), &[expected]);
    }
    check(
        &broken("10 mx.forum.example", "0 ."),
        &names(),
        &[
            "fail answers-arrive: forum.example says that it takes no mail (null MX): answers are lost",
        ],
    );
    check(
        &broken("mx.forum.example A", "elsewhere.example A"),
        &names(),
        &["fail answers-arrive: no mail server of forum.example has an address: answers are lost"],
    );
    // Bounces under another organisation, nobody signs, and a policy that rejects.
    let mut elsewhere = names();
    elsewhere.bounce.1 = "mailer.example".to_owned();
    elsewhere.signer.as_mut().unwrap().domain = "mailer.example".to_owned();
    let zone = good().replace("s1._domainkey.forum", "s1._domainkey.mailer")
        + "\nmailer.example MX 10 mx.forum.example
        mailer.example TXT v=spf1 ip4:192.0.2.20 -all";
    check(
        &zone,
        &elsewhere,
        &[
            "fail dmarc-alignment: nothing will show that letters are from forum.example: bounces go \
           to mailer.example, another organisation, and the signature would be of mailer.example",
        ],
    );
}

#[test]
fn a_mute_name_server_is_no_verdict() {
    let found = diagnosed("forum.example FAILS", &names());
    assert!(found.iter().all(|line| !line.starts_with("pass")));
    assert!(found[0].starts_with("skip answers-arrive: nobody could say"), "{found:#?}");
    assert!(found[1].starts_with("skip spf: nobody could say"), "{found:#?}");
    let all = ["forum.example", "s1._domainkey.forum.example", "_dmarc.forum.example"];
    let zone = all.map(|name| format!("{name} FAILS")).join("\n");
    let found = diagnosed(&zone, &names());
    assert!(found.iter().all(|line| line.starts_with("skip")), "{found:#?}");
}
