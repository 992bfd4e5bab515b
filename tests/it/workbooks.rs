//! Workbooks through the binary: lists of LibreOffice in, tables that it opens out.

use crate::support::workspace::{LETTER, Workspace};
use std::path::PathBuf;

/// A workbook made by LibreOffice (`tests/it/fixtures/workbooks/README.md`).
fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/workbooks");
    std::fs::read(PathBuf::from(folder).join(name)).expect("a committed workbook")
}

/// A workspace whose one list is this workbook.
fn with_book(name: &str) -> Workspace {
    Workspace::new().list(name, fixture(name)).letter("outcome", "en", LETTER)
}

#[test]
fn a_workbook_is_a_list_in_each_of_its_formats() {
    let letter =
        format!("{LETTER}\nNo. {{{{ recipient.id }}}} of {{{{ recipient.registered }}}}.\n");
    let mut bodies = Vec::new();
    for ending in ["xlsx", "xls", "ods"] {
        let name = format!("registration.{ending}");
        let workspace =
            Workspace::new().list(&name, fixture(&name)).letter("outcome", "en", &letter);
        let plan = workspace.plan();
        assert_eq!(plan["letters"], 5, "{ending}");
        let folder = workspace.dry_run_out("letters");
        let first = std::fs::read_to_string(folder.join("000001-jose@lima.example.eml"));
        let first = first.expect("the first letter");
        assert!(first.contains("No. 00042 of 2026-10-16."), "{ending}: {first}");
        bodies.push(plan["fingerprint"].clone());
    }
    // The same people in three formats are one mailing.
    assert!(bodies.iter().all(|fingerprint| *fingerprint == bodies[0]), "{bodies:?}");
}

#[test]
fn what_an_officer_does_not_see_in_a_workbook_is_said() {
    let output = with_book("registration.xlsx").run(&["check"]);
    for said in [
        "2 rows of the sheet are hidden, and are read all the same",
        "the cell K3 holds the error #N/A",
        "the cell I6 is a number of more than 15 digits",
        "1 cell of column E is empty because cells are merged: E4 to E5",
        "the hidden sheet \"Last year\" has 1 address and is not read",
        "--> recipients/registration.xlsx:3:11",
    ] {
        assert!(output.stderr.contains(said), "{said:?} is not in {}", output.stderr);
    }
    assert_eq!(output.code, Some(0), "these are warnings: {}", output.stderr);
}

#[test]
fn of_two_sheets_with_people_none_is_chosen_in_silence() {
    let (code, found) = with_book("two-lists.xlsx").run_json(&["check"]);
    assert_eq!(code, Some(3));
    let problem = &found["problems"][0];
    assert_eq!(problem["code"], "which-sheet");
    assert_eq!(
        problem["message"],
        "several sheets have addresses: \"Speakers\" (2), \"Guests\" (1)"
    );
}

#[test]
fn a_file_is_read_as_what_it_is_whatever_its_name() {
    let csv = "given name,email\nAna,ana@lima.example\n";
    let workspace = Workspace::new()
        .list("a.xlsx", csv)
        .list("b.csv", fixture("registration.xlsx"))
        .letter("outcome", "en", LETTER);
    let (code, found) = workspace.run_json(&["check"]);
    assert_eq!((code, &found["summary"]["recipients"]), (Some(0), &6.into()), "{found:#}");
    let problems = found["problems"].as_array().expect("problems");
    let notes = problems.iter().filter(|p| p["code"] == "misnamed-list").count();
    assert_eq!(notes, 2, "{found:#}");
    let (code, found) = Workspace::new()
        .list("export.xls", "<html><table><tr><td>ana@lima.example</td></tr></table></html>")
        .letter("outcome", "en", LETTER)
        .run_json(&["check"]);
    assert_eq!((code, &found["problems"][0]["code"]), (Some(3), &"other-format".into()));
}
