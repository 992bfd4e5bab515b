//! `check` as a report: on the terminal, and as a file for the colleague who mends the list.

use crate::support::workspace::{Workspace, person};

/// 30 people, of whom every third has an address that cannot be used, and one has none.
fn a_list_to_mend() -> Workspace {
    let mut list = "email,name\n".to_owned();
    for n in 1..=30 {
        let address = if n % 3 == 0 { person(n).replace('@', "@@") } else { person(n) };
        list += &format!("{address},Given{n} Family\n");
    }
    list += ",Nobody's Address\n";
    let letter = "Subject: Outcomes\n\n{{ greeting }}\n\nThe Statement is final.\n";
    Workspace::new().list("registration.csv", &list).letter("outcome", "en", letter)
}

#[test]
fn a_kind_of_finding_stands_together_with_how_many_more_there_are() {
    let output = a_list_to_mend().run(&["check"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    // Findings are the data of this command.
    let said = &output.stdout;
    assert_eq!(said.matches("error:").count(), 2, "{said}");
    assert!(said.contains("error: 10 addresses cannot be used [bad-address]\n"), "{said}");
    assert!(said.contains("--> recipients/registration.csv:4"), "{said}");
    assert!(said.contains(&format!("= Write {}", person(3))), "{said}");
    assert!(said.contains("  and 6 more like this\n"), "{said}");
    assert!(said.contains("--> recipients/registration.csv:32"), "{said}");
    let last: Vec<&str> = said.lines().rev().take(2).collect();
    assert!(last[0].contains("secretariat check --out"), "{said}");
    assert!(last[1].starts_with("outcome: 20 recipients, 11 errors"), "{said}");
    assert!(!output.stderr.contains("bad-address"), "told twice: {output:#?}");
}

#[test]
fn a_file_for_the_colleague_has_every_finding_with_its_place() {
    let workspace = a_list_to_mend();
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["findings.html", "findings.csv", "findings.txt"] {
        let file = folder.path().join(name);
        let out = file.to_str().expect("a path");
        let output = workspace.run(&["check", "--out", out]);
        assert_eq!(output.code, Some(3), "{output:#?}");
        let written = std::fs::read_to_string(&file).expect("the file");
        for n in (3..=30).step_by(3) {
            assert!(written.contains(&person(n)), "{name}: {n} is missing: {written}");
        }
        assert!(!written.contains("more like this"), "{name}: {written}");
        // Once more: an older file of this command may be written over.
        assert_eq!(workspace.run(&["check", "--out", out]).code, Some(3), "{name}");
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), written, "{name}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// What is written for others to read is no page of `preview`, and does not replace one.
#[test]
fn a_page_of_letters_is_not_written_over_by_a_report() {
    let workspace = Workspace::with_people(2);
    let pages = workspace.beside("pages");
    let pages = pages.to_str().expect("a path");
    assert_eq!(workspace.run(&["preview", "--out", pages]).code, Some(0));
    let index = format!("{pages}/index.html");
    let before = std::fs::read(&index).expect("the index");
    let output = workspace.run(&["check", "--out", &index]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stdout.contains("[already-there]"), "{output:#?}");
    assert_eq!(std::fs::read(&index).expect("the index"), before);
}

#[test]
fn what_is_not_there_at_all_is_said_once() {
    for (folder, expected) in [
        ("templates", &["no-letter"][..]),
        ("recipients", &["missing-file"]),
        // Three documents in six languages.
        ("attachments", &["missing-attachment"; 18]),
    ] {
        let workspace = Workspace::sample();
        std::fs::remove_dir_all(workspace.path().join(folder)).expect("a folder");
        let (code, json) = workspace.run_json(&["check"]);
        assert_eq!(code, Some(3), "{folder}: {json:#}");
        let problems = json["problems"].as_array().expect("problems");
        let errors = problems.iter().filter(|p| p["severity"] == "error");
        let codes: Vec<&str> = errors.map(|p| p["code"].as_str().expect("a code")).collect();
        assert_eq!(codes, expected, "{folder}: {json:#}");
    }
}
