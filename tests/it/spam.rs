//! What a spam filter makes of our letters: SpamAssassin's local rules, in each language of the sample.
//!
//! The rules see words, HTML, MIME and header fields. What is asked of the network (lists of senders
//! and links, SPF, DKIM) depends on the officer's mail server and not on a letter. `docs/spam.md` has
//! the table.

use crate::support::reader::eml_files;
use crate::support::spamassassin::{Verdict, field, judged};
use crate::support::workspace::Workspace;
use crate::support::{count, say};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Rules that may cost a letter something, and why.
const JUSTIFIED: &[(&str, &str)] =
    &[("HTML_MESSAGE", "says only that there is HTML, which there is to be; costs 0.001")];

const CAMPAIGNS: [&str; 2] = ["outcome", "thank-you"];
const LANGUAGES: [&str; 6] = ["ar", "en", "es", "fr", "ru", "zh"];

/// So many letters of each language, with the name each has in messages of this test.
fn letters(workspace: &Workspace, campaign: &str, each: usize) -> Vec<(String, Vec<u8>)> {
    let folder = workspace.beside(campaign);
    let out = folder.to_string_lossy().into_owned();
    // The sample's first Chinese letters are the 301st and the next; the tenth is the 409th.
    let first = count(310, 420).to_string();
    let output = workspace.run(&["send", campaign, "--dry-run", "--first", &first, "--out", &out]);
    assert_eq!(output.code, Some(0), "the dry run must succeed: {output:#?}");
    let all = eml_files(&folder);
    let of = |language: &str| -> Vec<(String, Vec<u8>)> {
        let is_of = |message: &[u8]| field(message, "Content-Language") == language;
        let some: Vec<_> = all.iter().filter(|(_, m)| is_of(m)).take(each).collect();
        assert_eq!(some.len(), each, "letters in {language}");
        let named =
            |(name, m): &(String, Vec<u8>)| (format!("{campaign} {language} {name}"), m.clone());
        some.into_iter().map(named).collect()
    };
    LANGUAGES.into_iter().flat_map(of).collect()
}

/// The sample, signed by the sender's domain.
fn signed() -> Workspace {
    let workspace = Workspace::sample();
    let key = workspace.beside("key.pem");
    fs::write(&key, include_str!("fixtures/dkim/rsa-pkcs8.pem")).expect("a key");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("a file of our own");
    let own = fs::read_to_string(workspace.path().join("secretariat.toml")).expect("a file");
    workspace.whole_config(&format!(
        "{own}\n[dkim]\ndomain = \"forum.example\"\nselector = \"autumn\"\nkey = {:?}\n",
        key.to_string_lossy()
    ))
}

/// As the reader's mail server has it: rules that need a Received field are asked too.
fn received((name, message): &(String, Vec<u8>)) -> (String, Vec<u8>) {
    // From the addresses for benchmarks (RFC 2544): those for documentation are a rule's own quarry.
    let field = "Received: from mail.forum.example (mail.forum.example [198.18.0.25])\r\n \
                 by mx.town.example (Postfix) with ESMTPS id 4WxYz01234ab;\r\n \
                 Thu, 05 Nov 2026 09:30:02 +0000 (UTC)\r\n";
    (format!("received {name}"), [field.as_bytes(), message].concat())
}

/// Nothing of what the filter counts against these letters is without a reason that we know.
fn check(letters: &[(String, Vec<u8>)]) -> Option<Vec<Verdict>> {
    let messages: Vec<Vec<u8>> = letters.iter().map(|(_, message)| message.clone()).collect();
    let verdicts = judged(&messages)?;
    let is_justified = |rule: &str| JUSTIFIED.iter().any(|(known, _)| *known == rule);
    let mut found: Vec<String> = Vec::new();
    for ((name, _), verdict) in letters.iter().zip(&verdicts) {
        let costly = verdict.iter().filter(|(rule, score)| **score > 0.0 && !is_justified(rule));
        found.extend(costly.map(|(rule, score)| format!("{name}: {rule} {score}")));
        let counted = verdict.iter().filter(|(rule, _)| !is_justified(rule));
        let score: f64 = counted.map(|(_, score)| score).sum();
        assert!(score <= 0.0 || !found.is_empty(), "{name}: {score} of {verdict:?}");
    }
    assert!(found.is_empty(), "a spam filter counts against our letters:\n{}", found.join("\n"));
    Some(verdicts)
}

/// `rule  score  letters`, for the long form.
fn table(verdicts: &[Verdict]) -> String {
    let mut rules: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (rule, score) in verdicts.iter().flatten() {
        let (_, letters) = rules.entry(rule).or_insert((*score, 0));
        *letters += 1;
    }
    let line = |(rule, (score, letters)): (&&str, &(f64, usize))| {
        format!("  {rule:<24} {score:>6.3}  {letters} of {}\n", verdicts.len())
    };
    rules.iter().map(line).collect()
}

#[test]
fn no_letter_of_the_sample_costs_anything_in_any_language() {
    let each = count(1, 10);
    let (plain, signed) = (Workspace::sample(), signed());
    let of = |workspace| CAMPAIGNS.map(|campaign| letters(workspace, campaign, each)).concat();
    let (as_written, as_signed) = (of(&plain), of(&signed));
    let has_signature = |(_, m): &(String, Vec<u8>)| m.starts_with(b"DKIM-Signature:");
    assert!(as_signed.iter().all(has_signature));
    let as_received: Vec<_> =
        [&as_written[..], &as_signed[..]].concat().iter().map(received).collect();
    let Some(verdicts) = check(&[as_written, as_signed, as_received].concat()) else { return };
    if each > 1 {
        say(&format!("SpamAssassin's local rules on the sample:\n{}", table(&verdicts)));
    }
}

/// The filter sees what it is asked for: here words that are hidden by their colour.
#[test]
fn a_filter_finds_what_is_hidden_by_its_colour() {
    let letter =
        "Subject: Outcomes\nPreview: The Statement is final.\n\n{{ greeting }}\n\nIt is.\n";
    let layout = "<html><body style=\"background-color:#f3f1ec\"><div style=\"color:#f3f1ec\">\
        {{ preview }}</div>{{ body }}</body></html>";
    let workspace = Workspace::new()
        .people(1)
        .letter("outcome", "en", letter)
        .file("templates/layout.html", layout);
    let messages: Vec<Vec<u8>> =
        eml_files(&workspace.dry_run_out("out")).into_iter().map(|(_, m)| m).collect();
    let Some(verdicts) = judged(&messages) else { return };
    let [verdict] = &verdicts[..] else { panic!("one letter") };
    assert!(verdict.contains_key("HTML_FONT_LOW_CONTRAST"), "{verdict:?}");
}
