//! Attacks by what stands in the cell of an address.

use super::{assert_all_refused, each_alone, quoted};
use crate::support::relay::Relay;
use crate::support::workspace::{LETTER, Workspace};
use std::collections::BTreeSet;

/// What `[people] two_addresses` may say: an attack must fail under all of it.
const POLICIES: [&str; 3] = ["refuse", "first", "first-and-cc"];

fn with_policy(policy: &str) -> Workspace {
    let letter = LETTER.replace(", {{ recipient.given_name }}", "");
    let people = format!("[people]\ntwo_addresses = {policy:?}");
    Workspace::new().letter("outcome", "en", &letter).config(&people)
}

/// A good person, and one with this address.
fn list(address: &str) -> String {
    format!("email,name\nok@town.example,Bo\n{},Ana\n", quoted(address))
}

/// More than two hundred addresses with commands, parameters or other envelopes behind, before and
/// inside them.
fn injections() -> Vec<String> {
    let ends = [
        "\r\n", "\n", "\r", "\n\r", "\0", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", " ",
        "\t", "\u{a0}", "%0d%0a", "%0A",
    ];
    let commands = [
        "RCPT TO:<b@evil.example>",
        "DATA",
        "RSET\r\nMAIL FROM:<b@evil.example>",
        "QUIT",
        "SIZE=1",
        "NOTIFY=SUCCESS ORCPT=rfc822;b@evil.example",
    ];
    let mut all = Vec::new();
    for end in ends {
        for command in commands {
            all.push(format!("a@x.example>{end}{command}"));
            all.push(format!("a{end}{command}@x.example"));
        }
        all.push(format!("<a@x.example>{end}<b@evil.example> SIZE=1"));
        all.push(format!("a@x.exa{end}mple"));
    }
    let fixed = [
        "<a@x.example> NOTIFY=NEVER",
        "<a@x.example>NOTIFY=NEVER",
        "a@x.example> SIZE=1",
        "a@x.example>SIZE=1",
        "a@x.example>,<b@evil.example",
        "a@x.example>;b@evil.example;<c@x.example",
        "<a@x.example",
        "a@x.example>",
        "<>",
        "@",
        "<@relay.example:a@x.example>",
        "@relay.example,@other.example:a@x.example",
        "\"a\"@x.example",
        "\"a\\\r\n b\"@x.example",
        "\"a@x.example> SIZE=1 <b\"@x.example",
        "a\\@b@x.example",
        "a@x.example(\r\nRCPT TO:<b@evil.example>)",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@[x.example>\r\nDATA]",
        "a@x.example\\r\\nDATA",
        "a@x.example&#13;&#10;DATA",
        "a@x.example=0D=0ADATA",
        "=?utf-8?q?a=0D=0A?=@x.example",
        "a@x.example\u{ff1e} SIZE=1",
        "a\u{ff1e}\u{ff1c}b@x.example",
        "a@x\u{ff0e}example\u{ff1e}",
        "a@x.example\u{200b}> SIZE=1",
        "mailto:a%40x.example%0d%0aDATA@x.example",
        "mailto:a@x.example?cc=b@evil.example",
        "mailto:a@x.example,b@evil.example?subject=x",
    ];
    all.extend(fixed.map(str::to_owned));
    all.sort();
    all.dedup();
    all
}

/// Security S3: not one reaches MAIL or RCPT, whatever is allowed in a cell.
#[test]
fn envelope_injections_never_reach_the_relay() {
    let injections = injections();
    assert!(injections.len() >= 200);
    for policy in POLICIES {
        let found = each_alone(&injections, || with_policy(policy), list);
        assert_all_refused(&injections, &found, 3, 1);
    }
    let relay = Relay::start();
    let workspace =
        (0..).zip(&injections).fold(with_policy("first-and-cc").relay(&relay), |w, (n, a)| {
            w.list(&format!("{n:04}.csv"), list(a))
        });
    let zeros = "0".repeat(64);
    assert_eq!(workspace.run(&["send", "--plan", &zeros, "--no-wait"]).code, Some(3));
    let said: Vec<String> = relay.commands().into_iter().map(|c| c.line).collect();
    assert!(!said.iter().any(|l| l.starts_with("RCPT") || l.starts_with("MAIL")), "{said:#?}");
    assert_eq!(relay.count(), 0);
}

/// Security S3: what does reach the relay is exactly the address of the list, also where it has
/// every mark that an address may have.
#[test]
fn the_relay_is_told_the_address_and_nothing_else() {
    let odd = "o'brien!#$&*+-/=^_`{}~%x@x.example";
    let relay = Relay::start();
    let workspace = with_policy("refuse").relay(&relay).list("l.csv", list(odd));
    assert_eq!(workspace.send().0, Some(0));
    let said = relay.commands().into_iter().map(|c| c.line);
    let recipients: BTreeSet<String> = said.filter(|line| line.starts_with("RCPT")).collect();
    let path = |line: &str| line[..=line.find('>').expect("a path")].to_owned();
    let paths: BTreeSet<String> = recipients.iter().map(|line| path(line)).collect();
    assert_eq!(paths, [format!("RCPT TO:<{odd}>"), "RCPT TO:<ok@town.example>".to_owned()].into());
    assert_eq!(relay.violations(), [""; 0]);
}

/// Security S11: a cell that is not one plain address becomes nobody's, with the reason.
#[test]
fn address_confusion_makes_no_recipient() {
    let cells = [
        "a@x.example,b@y.example,c@",
        "a@x@y.example",
        "a@@x.example",
        "\"a b\"@x.example",
        "\"a@b\"@x.example",
        "\"a\".b@x.example",
        "a(comment)@x.example",
        "(comment)a@x.example",
        "a@(comment)x.example",
        "Ana (home) <a@x.example>",
        "team: a@x.example, b@x.example;",
        "undisclosed-recipients:;",
        "team:;",
        "=?utf-8?q?ana?=@x.example",
        "=?utf-8?q?Ana?= <a@x.example>",
        "=?iso-8859-1?q?=61=62?=x@x.example",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@192.0.2.1",
        "a@2130706433",
        "@relay.example:a@x.example",
        "<@relay.example:a@x.example>",
        "<<a@x.example>>",
        "<a@x.example><b@y.example",
        "Bo Li <a@x.example>",
        "b@y.example <a@x.example> c",
        "a@x.example>",
        "a @x.example",
        "a@x .example",
        "a@x,example",
        "a(at)x.example",
        "a at x.example",
        ".a@x.example",
        "a.@x.example",
        "a..b@x.example",
        "a@x..example",
        "a@.x.example",
        "a@-x.example",
        "a@x_y.example",
        "a@x",
        "a@x.example;;",
        "a|b@x.example",
        "mailto:a@x.example?bcc=b@y.example",
        "xn--a@xn--.example",
        "a@xn--a.example",
    ]
    .map(str::to_owned);
    for policy in POLICIES {
        let found = each_alone(&cells, || with_policy(policy), list);
        assert_all_refused(&cells, &found, 3, 1);
        assert!(found.iter().all(|(_, e)| e["code"] == "bad-address"), "{found:#?}");
        let has_hint = |e: &serde_json::Value| e["hint"].as_str().is_some_and(|h| h.len() > 10);
        assert!(found.iter().all(|(_, e)| has_hint(e)));
    }
}

/// Two addresses in a cell: refused; with the configuration's word the first gets the letter.
#[test]
fn of_two_addresses_in_a_cell_only_the_first_gets_the_letter_and_only_if_wanted() {
    let cell = "ana@x.example; bo@y.example";
    let found = each_alone(&[cell.to_owned()], || with_policy("refuse"), list);
    assert_all_refused(&[cell.to_owned()], &found, 3, 1);
    let relay = Relay::start();
    let workspace = with_policy("first").relay(&relay).list("l.csv", list(cell));
    assert_eq!(workspace.send().0, Some(0));
    let who: Vec<String> = relay.counts().into_keys().collect();
    assert_eq!(who, ["ana@x.example", "ok@town.example"]);
    let (code, json) = workspace.run_json(&["check"]);
    let note =
        json["problems"].as_array().expect("a list").iter().find(|p| p["code"] == "first-address");
    let note = note.unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!((code, &note["line"], &note["column"]), (Some(0), &3.into(), &1.into()));
    assert!(note["message"].as_str().is_some_and(|m| m.contains("bo@y.example")), "{note:#}");
}

/// Security S12: what cannot be seen, turns the writing round or is a letter of another script.
#[test]
fn invisible_and_look_alike_characters_make_no_recipient() {
    let hidden = "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\
                  \u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2066}\u{2067}\u{2068}\u{2069}\u{3164}\u{fe0f}\
                  \u{feff}\u{fffc}\u{e0001}";
    let mut cells: Vec<String> = hidden
        .chars()
        .flat_map(|c| {
            [
                format!("a{c}na@example.org"),
                format!("ana@exam{c}ple.org"),
                format!("ana@example.org{c}."),
            ]
        })
        .collect();
    cells.push("ana@example.org\u{200b}".to_owned());
    cells.push("\u{202a}ana@example.org\u{202c}".to_owned());
    // Cyrillic, Greek and full-width letters among Latin ones.
    for c in ['\u{430}', '\u{3b1}', '\u{ff41}', '\u{13aa}', '\u{1d41a}'] {
        cells.push(format!("{c}na@example.org"));
        cells.push(format!("ana@ex{c}mple.org"));
    }
    // These are read as what they stand for: a full-width letter by everybody, a mathematical one
    // in a domain by UTS 46.
    cells.retain(|c| {
        !["\u{ff41}na@example.org", "ana@ex\u{ff41}mple.org", "ana@ex\u{1d41a}mple.org"]
            .contains(&&**c)
    });
    let found = each_alone(&cells, || with_policy("refuse"), list);
    assert_all_refused(&cells, &found, 3, 1);
}

/// Security S12: look-alikes that are whole words are warned of, with the A-label beside.
#[test]
fn look_alike_domains_are_warned_of() {
    let rows = [
        "email",
        "ana@gmial.com",
        "ana@gm\u{251}il.com",
        "ana@\u{441}\u{43e}\u{440}\u{435}.org",
        "bo@cope.org",
        "cy@bücher.example",
        "оля@пример.рф",
    ]
    .join("\n");
    let (code, json) = with_policy("refuse").list("l.csv", rows).run_json(&["check"]);
    let problems = json["problems"].as_array().expect("a list").iter();
    let warned: Vec<_> = problems
        .filter(|p| p["severity"] != "note")
        .map(|p| format!("{} {} {}", p["line"], p["code"], p["message"]))
        .collect();
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!(warned.len(), 3, "{warned:#?}");
    assert!(warned[0].contains("2 \"probable-slip\"") && warned[0].contains("gmail.com"));
    assert!(
        warned[1].contains("3 \"look-alike\"") && warned[1].contains("(xn--gmil-r5b.com)"),
        "{warned:#?}"
    );
    assert!(warned[2].contains("4 \"look-alike\"") && warned[2].contains("cope.org"));
}
