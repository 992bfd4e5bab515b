//! A spam filter that nobody here wrote: SpamAssassin, with the rules that Debian packs.
//!
//! Owns how it is asked without the network and without a memory: local rules only, no Bayes, nobody's
//! preferences, no rules but those of the package. The same message has the same score each time.
//!
//! # Failure
//! It is Debian's package `spamassassin`. Where it is missing, that is said loudly and there is no
//! verdict; under `CI=true` it fails.

use super::skip;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps the rules of the package; updates lie elsewhere.
const RULES: &str = "/usr/share/spamassassin";

/// Where Debian says which plugins are loaded (`*.pre`), beside settings of this computer's own.
const PLUGINS: &str = "/etc/spamassassin";

/// One line for each message, and nothing of it but what was found.
const SETTINGS: &[&str] = &[
    "use_bayes 0",
    "report_safe 0",
    "clear_headers",
    "clear_report_template",
    // A header field ends with its line: nothing can follow it.
    "report FOUND _TESTSSCORES(,)_ _HEADER(Message-ID)_",
];

/// Rules that a message fits, with their scores; 5.0 in all is spam.
pub type Verdict = BTreeMap<String, f64>;

/// Verdicts in the order of the messages.
pub fn judged(messages: &[Vec<u8>]) -> Option<Vec<Verdict>> {
    let found = Command::new("spamassassin").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) || !Path::new(RULES).is_dir() {
        skip("what a spam filter says", "it is not installed (Debian: spamassassin)");
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = command(folder.path()).args(written(folder.path(), messages)).output();
    let output = output.expect("SpamAssassin runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "SpamAssassin could not judge the messages: {errors}");
    let verdicts = verdicts(&String::from_utf8_lossy(&output.stdout));
    let (ids, verdicts): (Vec<String>, Vec<Verdict>) = verdicts.into_iter().unzip();
    let asked: Vec<String> = messages.iter().map(|message| field(message, "Message-ID")).collect();
    assert_eq!(ids, asked, "a verdict on each message, in order: {errors}");
    Some(verdicts)
}

/// The value of a header field that stands on one line.
pub fn field(message: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

fn command(folder: &Path) -> Command {
    let site = folder.join("site");
    std::fs::create_dir(&site).expect("a temporary folder");
    for entry in std::fs::read_dir(PLUGINS).expect("the package's settings").flatten() {
        if entry.path().extension().is_some_and(|suffix| suffix == "pre") {
            std::fs::copy(entry.path(), site.join(entry.file_name())).expect("copied");
        }
    }
    let preferences = folder.join("preferences");
    std::fs::write(&preferences, "").expect("a temporary file");
    let mut command = Command::new("spamassassin");
    command.args(["--local", "--test-mode", "--configpath", RULES, "--siteconfigpath"]);
    command.arg(site).arg("--prefspath").arg(preferences).env("HOME", folder);
    command.args(SETTINGS.iter().map(|setting| format!("--cf={setting}")));
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// The messages as files of a folder.
fn written(folder: &Path, messages: &[Vec<u8>]) -> Vec<PathBuf> {
    let write = |(n, message): (usize, &Vec<u8>)| {
        let file = folder.join(format!("{n:04}.eml"));
        std::fs::write(&file, message).expect("a temporary file");
        file
    };
    messages.iter().enumerate().map(write).collect()
}

/// `FOUND RULE=0.1,RULE=-0.2 <id>` among the messages, which are repeated.
fn verdicts(output: &str) -> Vec<(String, Verdict)> {
    let lines = output.lines().filter_map(|line| line.strip_prefix("FOUND "));
    let verdict = |line: &str| {
        let (rules, id) = line.trim().rsplit_once(' ').expect("rules and an id");
        let rules = rules.split(',').filter_map(|rule| rule.split_once('='));
        let score = |text: &str| text.parse().expect("a score is a number");
        (id.to_owned(), rules.map(|(name, text)| (name.to_owned(), score(text))).collect())
    };
    lines.map(verdict).collect()
}
