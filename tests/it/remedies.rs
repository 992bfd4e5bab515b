//! Remedies that are lines of `secretariat.toml`: pasted as they stand, they must mend what they are
//! the remedy of.
//!
//! Whoever reads such a hint copies it. A line that is no TOML, or lacks its table, turns one
//! finding into another.

use crate::support::workspace::{LETTER, Workspace};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The TOML in a hint: lines of their own below the sentence, or one line and its table within it.
fn toml_of(hint: &str) -> toml::Table {
    let text = match hint.contains('\n') {
        true => lines_below(hint),
        false => within_a_sentence(hint),
    };
    let table: toml::Table = text.parse().unwrap_or_else(|e| panic!("{hint}\n{text}\n{e}"));
    assert!(!table.is_empty(), "{hint}");
    table
}

fn lines_below(hint: &str) -> String {
    let lines = hint.lines().map(|line| match line {
        line if line.ends_with("in the mailing's table") => "[campaigns.outcome]",
        line if line.ends_with("into the mailing's table in secretariat.toml:") => {
            "[campaigns.outcome]"
        }
        line if line.starts_with('[') || line.contains(" = ") => line,
        _ => "",
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `under [TABLE]: KEY = VALUE`, `[TABLE] and below it KEY = VALUE` or `KEY = VALUE under [TABLE]`.
fn within_a_sentence(hint: &str) -> String {
    let start = hint.find('[').unwrap_or_else(|| panic!("no table in {hint}"));
    let end = start + hint[start..].find(']').expect("a table ends");
    let (before, behind) = (&hint[..start], &hint[end + 1..]);
    let (around, at) = match (behind.find(" = "), before.find(" = ")) {
        (_, Some(at)) => (before, at),
        (Some(at), None) => (behind, at),
        (None, None) => panic!("no line in {hint}"),
    };
    let quoted_key = around[..at].ends_with('"');
    let key_start = match quoted_key {
        true => around[..at - 1].rfind('"').expect("a key in quotation marks"),
        false => around[..at].rfind([' ', ':']).expect("a key behind a word") + 1,
    };
    let value = &around[at + 3..];
    let is_value = |end: &usize| {
        value.is_char_boundary(*end)
            && format!("k = {}", &value[..*end]).parse::<toml::Table>().is_ok()
    };
    let value_end = (1..=value.len()).rev().find(is_value);
    let value = &value[..value_end.unwrap_or_else(|| panic!("no value in {hint}"))];
    format!("{}\n{} = {value}\n", &hint[start..=end], &around[key_start..at])
}

/// One table laid over another.
fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(there)), toml::Value::Table(new)) => merge(there, new),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

fn hint_of(json: &Value, code: &str) -> Option<String> {
    let problems = json["problems"].as_array().expect("problems");
    let found = problems.iter().find(|p| p["code"] == code)?;
    Some(found["hint"].as_str().expect("a hint").to_owned())
}

/// The finding is there; with its remedy pasted into the file it is gone, and no other of the
/// configuration came.
#[track_caller]
fn check(workspace: &Workspace, code: &str, file: &str) {
    workspace.write_config();
    let found = workspace.run_as_it_is(&["check", "--format", "json"]).json();
    let hint = hint_of(&found, code).unwrap_or_else(|| panic!("no {code}: {found:#}"));
    let path = workspace.path().join(file);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut whole: toml::Table = text.parse().expect("TOML");
    merge(&mut whole, toml_of(&hint));
    workspace.write(file, whole.to_string());
    let after = workspace.run_as_it_is(&["check", "--format", "json"]).json();
    assert_eq!(hint_of(&after, code), None, "{hint}\n{after:#}");
    let in_settings = |p: &&Value| p["severity"] == "error" && p["file"] == file;
    let new = after["problems"].as_array().expect("problems").iter().find(in_settings);
    assert_eq!(new, None, "{hint}");
}

fn with_list(name: &str, list: impl AsRef<[u8]>) -> Workspace {
    let letter = LETTER.replace("{{ recipient.given_name }}", "everybody");
    Workspace::new().list(name, list).letter("outcome", "en", &letter)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/workbooks").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn what_a_hint_says_to_write_mends_what_it_is_about() {
    let toml = "secretariat.toml";
    check(&with_list("Liste 2026.xlsx", fixture("two-lists.xlsx")), "which-sheet", toml);
    for (code, list) in [
        ("several-email-columns", "Work email,Private email\na@x.example,b@x.example\n"),
        ("no-email-column", "Name,Assistant e-mail\nAna Li,a@x.example\n"),
        ("likely-column", "email,Country you represent\na@x.example,Peru\n"),
        ("unclear-column", "email,Home country,Work country\na@x.example,Peru,Chile\n"),
        ("shared-address", "email,name\no@x.example,Ana Li\no@x.example,Bo Wu\n"),
    ] {
        check(&with_list("list.csv", list), code, toml);
    }
    let doubtful = b"name,email\nGy\xf6rgy Sz\xfbcs,g@town.example\n";
    check(&with_list("list.csv", doubtful), "uncertain-encoding", toml);
    let apart = with_list("de.csv", "email,Teilgenommen\na@x.example,ja\nb@x.example,nein\n")
        .list("fr.csv", "email,A participé\nc@x.example,oui\nd@x.example,non\n")
        .campaign_lines("where = { teilgenommen = [\"ja\"], a_participe = [\"oui\"] }");
    check(&apart, "where-nobody", toml);
    let assistants = "Почта,Почта помощника\na@x.example,b@x.example\n";
    check(&with_list("list.csv", assistants), "others-addresses", toml);
    let title = with_list("list.csv", "email,name,title\na@x.example,Ana Li,Burggraf\n");
    check(&title, "unknown-title", "greetings.toml");
}

/// A hint with a blank to fill in is right as far as it goes.
#[test]
fn what_a_hint_leaves_to_fill_in_is_a_line_of_toml() {
    let broken = b"Name;Courriel\r\nJos\xff\xff;j@town.example\r\n";
    let encoding = with_list("list.csv", broken)
        .config("[lists.\"recipients/list.csv\"]\nencoding = \"Big5\"");
    for (workspace, code) in [
        (with_list("list.csv", "Name,City\nAna Li,Lima\n"), "no-email-column"),
        (with_list("list.csv", "Participants 2026,\nAna Li,\n"), "no-email-column"),
        (encoding, "invalid-bytes"),
    ] {
        let (_, json) = workspace.run_json(&["check"]);
        let hint = hint_of(&json, code).unwrap_or_else(|| panic!("no {code}: {json:#}"));
        toml_of(&hint);
    }
}

/// The files with a table in a hint: one that is new here belongs into the tests above.
#[test]
fn every_hint_with_a_table_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeSet::new();
    for file in rust_files(&root.join("src/recipients")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let has_table = |line: &str| {
            let shapes =
                ["under [", "under \\", "and below it", "\\n[lists", "\\n[columns", "toml:\\n"];
            let is_comment = line.trim_start().starts_with("//");
            !is_comment && shapes.iter().any(|shape| line.contains(shape))
        };
        let is_of_tests = file.to_string_lossy().contains("tests");
        if !is_of_tests && code.lines().any(has_table) {
            let name = file.strip_prefix(root).expect("beneath the package");
            files.insert(name.to_string_lossy().replace('\\', "/"));
        }
    }
    let known = [
        "src/recipients/admission.rs",
        "src/recipients/columns.rs",
        "src/recipients/copies.rs",
        "src/recipients/greeting/review.rs",
        "src/recipients/keep.rs",
        "src/recipients/reading/mod.rs",
        // It names a key and no line.
        "src/recipients/repair.rs",
        "src/recipients/workbook/damage.rs",
    ];
    assert_eq!(files, known.map(str::to_owned).into());
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}
