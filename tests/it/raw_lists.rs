//! The sample's three lists as offices really send them: a workbook with titles and a filter, a CSV of
//! an older encoding, Excel's "Unicode text"; with what goes wrong in all three.
//!
//! How they were made, and which defects they have, is `fixtures/raw_lists/make.py`.

use crate::support::workspace::Workspace;
use serde_json::Value;
use std::collections::BTreeMap;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/raw_lists");

/// The sample with the raw lists in place of its own.
fn workspace() -> Workspace {
    let workspace = Workspace::sample();
    for name in ["registration.csv", "delegations.csv", "inscripciones.tsv"] {
        let list = workspace.path().join("recipients").join(name);
        std::fs::remove_file(list).expect("a list of the sample");
    }
    for name in ["registration.xlsx", "delegations.csv", "inscripciones.txt"] {
        let list = std::fs::read(format!("{FOLDER}/{name}")).expect("a raw list");
        workspace.write(&format!("recipients/{name}"), list);
    }
    workspace
}

/// Errors and warnings: the kind, the file and the lines.
fn found(json: &Value) -> BTreeMap<(String, String), Vec<u64>> {
    let mut found: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    let problems = json["problems"].as_array().expect("problems").iter();
    for problem in problems.filter(|p| p["severity"] != "note") {
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("hint").is_empty(), "says what to do: {problem:#}");
        let line = problem["line"].as_u64().expect("a line");
        let file = text("file").replace("recipients/", "");
        found.entry((text("code"), file)).or_default().push(line);
    }
    found
}

#[test]
fn three_raw_exports_become_one_list_of_what_would_go_wrong() {
    let (code, json) = workspace().run_json(&["check"]);
    assert_eq!(code, Some(3), "{json:#}");
    let found = found(&json);
    let lines = |code: &str, file: &str| {
        found.get(&(code.to_owned(), file.to_owned())).cloned().unwrap_or_default()
    };
    for (code, file, expected) in [
        ("ragged-row", "delegations.csv", &[32, 42][..]),
        ("not-a-person", "delegations.csv", &[179]),
        ("unknown-country", "delegations.csv", &[52]),
        ("unknown-language", "delegations.csv", &[62]),
        ("damaged-cells", "delegations.csv", &[139, 139]),
        ("bad-address", "inscripciones.txt", &[36]),
        ("damaged-name", "inscripciones.txt", &[8]),
        ("bad-address", "registration.xlsx", &[9, 19, 52, 58, 70]),
        ("no-address", "registration.xlsx", &[44]),
        ("probable-slip", "registration.xlsx", &[36, 41]),
        ("unread-address", "registration.xlsx", &[63]),
        ("damaged-name", "registration.xlsx", &[90]),
        ("name-in-capitals", "registration.xlsx", &[77]),
        ("hidden-rows", "registration.xlsx", &[105]),
        ("probable-duplicate", "registration.xlsx", &[364]),
    ] {
        assert_eq!(lines(code, file), expected, "{code} in {file}: {found:#?}");
    }
    // Windows-1252 has none of the letters of 41 people, and lost single ones of others.
    assert_eq!(lines("lost-name", "delegations.csv").len(), 41, "{found:#?}");
    assert_eq!(lines("damaged-name", "delegations.csv").len(), 18, "{found:#?}");
    let told: usize = found.values().map(Vec::len).sum();
    assert_eq!(told, 81, "nothing is invented: {found:#?}");
}

#[test]
fn raw_exports_are_read_as_they_are_and_say_how() {
    let (_, json) = workspace().run_json(&["check"]);
    let list = |file: &str| {
        let mut lists = json["lists"].as_array().expect("lists").iter();
        lists.find(|l| l["file"] == format!("recipients/{file}")).cloned().expect(file)
    };
    let workbook = list("registration.xlsx");
    assert_eq!((&workbook["sheet"], &workbook["header_row"]), (&"Participants".into(), &4.into()));
    assert_eq!((&workbook["rows"], &workbook["encoding"]), (&360.into(), &Value::Null));
    let old = list("delegations.csv");
    assert_eq!(
        (&old["encoding"], &old["delimiter"]),
        (&"Windows-1252".into(), &"semicolons".into())
    );
    let wide = list("inscripciones.txt");
    assert_eq!((&wide["encoding"], &wide["header_row"]), (&"UTF-16LE".into(), &2.into()));
    for list in [workbook, old, wide] {
        assert_eq!(list["names"].as_array().expect("names").len(), 5, "{list:#}");
    }
    // Whoever can be written to is there; the numbers of the sample without those with errors.
    assert_eq!(json["summary"]["recipients"], 641, "{:#}", json["summary"]);
}
