//! Workbooks through the binary: lists of LibreOffice in, tables that it opens out.

#[cfg(target_os = "linux")]
use crate::support::count;
use crate::support::skip;
use crate::support::workspace::{LETTER, Workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

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
        "--> recipients/registration.xlsx:K3",
    ] {
        assert!(output.stdout.contains(said), "{said:?} is not in {}", output.stdout);
    }
    assert_eq!(output.code, Some(0), "these are warnings: {}", output.stdout);
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

/// A list with cells that a spreadsheet program would take for formulas, in values and in findings.
fn with_formulas() -> Workspace {
    let list = "given name,email\n\"=HYPERLINK(\"\"http://evil.example\"\",\"\"Ana\"\")\",\"=1+1@@x\"\n\
                Bo,@bo@\nCy,-2+3@@y\nDi,\"+cmd|' /C calc'!A0@@z\"\nEd,＝1+1@@w\n";
    Workspace::new().list("l.csv", list).letter("outcome", "en", LETTER)
}

/// Runs LibreOffice without a window; what it made of a file.
pub(crate) fn converted(file: &Path, to: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.path().display());
    let mut command = Command::new("soffice");
    // A CSV as a careless reader takes it: formulas are evaluated.
    let filter = "--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,0,true";
    if file.extension().is_some_and(|ending| ending == "csv") {
        command.arg(filter);
    }
    command.args([&profile, "--headless", "--convert-to", to, "--outdir"]);
    let Ok(output) = command.arg(folder.path()).arg(file).output() else {
        skip("opening tables in LibreOffice", "there is no soffice");
        return None;
    };
    let ending = to.split(':').next().expect("an ending");
    let made = folder.path().join(file.file_name().expect("a name")).with_extension(ending);
    Some(std::fs::read(made).unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// Security S10: formula injection in exported tables, as a spreadsheet program sees it.
#[test]
fn no_cell_of_a_table_is_a_formula_in_libreoffice() {
    let workspace = with_formulas();
    for name in ["findings.xlsx", "findings.csv"] {
        let file = workspace.beside(name);
        let out = file.to_str().expect("a path");
        assert_eq!(workspace.run(&["check", "--out", out]).code, Some(3));
        // A flat document says of each cell whether it has a formula.
        let Some(seen) = converted(&file, "fods") else { return };
        let seen = String::from_utf8(seen).expect("XML");
        assert!(!seen.contains("table:formula"), "{name}: {seen}");
        for text in ["=1+1@@x", "-2+3@@y", "＝1+1@@w"] {
            assert!(seen.contains(text), "{name}: {text} is missing: {seen}");
        }
        assert!(seen.contains("office:value-type=\"string\""), "{name}");
    }
}

#[test]
fn the_workbook_for_the_colleague_holds_every_finding_with_its_cell() {
    let workspace = with_formulas();
    let file = workspace.beside("findings.xlsx");
    let out = file.to_str().expect("a path");
    assert_eq!(workspace.run(&["check", "--out", out]).code, Some(3));
    // Our own reader of workbooks shows what is in it.
    let (code, found) = Workspace::new()
        .list("findings.xlsx", std::fs::read(&file).expect("the workbook"))
        .letter("outcome", "en", LETTER)
        .config("[columns]\nemail = \"Address\"")
        .run_json(&["check"]);
    assert_eq!(code, Some(3));
    let refused: Vec<&str> = found["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .filter(|p| p["code"] == "bad-address")
        .filter_map(|p| p["recipient"].as_str())
        .collect();
    assert_eq!(refused, ["=1+1@@x", "@bo@", "-2+3@@y", "+cmd|' /C calc'!A0@@z", "＝1+1@@w"]);
    // Written over by the next check, but not once somebody has saved it.
    assert_eq!(workspace.run(&["check", "--out", out]).code, Some(3));
    let Some(saved) = converted(&file, "xlsx") else { return };
    std::fs::write(&file, &saved).expect("written");
    let output = workspace.run(&["check", "--out", out]);
    assert!(output.stdout.contains("somebody has written or saved it"), "{output:#?}");
    assert_eq!(std::fs::read(&file).expect("still there"), saved);
}

#[test]
fn the_template_of_an_empty_workspace_is_a_list_that_lacks_only_people() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run_as_it_is(&["init", "--empty"]).code, Some(0));
    assert!(workspace.path().join("recipients/template.xlsx").is_file());
    let output = workspace.run_as_it_is(&["check", "--format", "json"]);
    let problems = output.json()["problems"].clone();
    let of_lists: Vec<&str> = problems
        .as_array()
        .expect("problems")
        .iter()
        .filter(|p| {
            p["severity"] != "note" && p["file"].as_str().is_none_or(|f| f.contains("recipients"))
        })
        .filter_map(|p| p["code"].as_str())
        .collect();
    assert_eq!(of_lists, ["nobody", "empty-list"], "{problems:#}");
}

/// A zip of these parts; between the two halves of the last stand so many letters.
#[cfg(target_os = "linux")]
fn bomb(
    parts: &[(&str, &str)],
    (name, before, after): (&str, &str, &str),
    octets: usize,
) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in parts {
        zip.start_file(*name, options).expect("a part");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.start_file(name, options).expect("a part");
    zip.write_all(before.as_bytes()).expect("its text");
    let letters = vec![b'x'; 1 << 20];
    (0..octets >> 20).for_each(|_| zip.write_all(&letters).expect("letters"));
    zip.write_all(after.as_bytes()).expect("its text");
    zip.finish().expect("a zip").into_inner()
}

/// Security S20: a megabyte that unpacks to one cell of a gigabyte.
#[cfg(target_os = "linux")]
#[test]
fn a_workbook_of_one_endless_cell_is_refused_in_bounded_memory() {
    let octets = count(100 << 20, 1 << 30);
    let relations = "<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"s.xml\"/>\
                     </Relationships>";
    let xlsx = [
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>",
        ),
        ("xl/_rels/workbook.xml.rels", relations),
    ];
    let ods = [("mimetype", "application/vnd.oasis.opendocument.spreadsheet")];
    let cell = ("xl/s.xml", "<sheetData><row><c t=\"str\"><v>", "</v></c></row></sheetData>");
    let table = (
        "content.xml",
        "<table:table><table:table-row><table:table-cell><text:p>",
        "</text:p></table:table-cell></table:table-row></table:table>",
    );
    for (name, book) in
        [("l.xlsx", bomb(&xlsx, cell, octets)), ("l.ods", bomb(&ods, table, octets))]
    {
        assert!(book.len() < octets / 100, "{name} is small");
        let workspace = Workspace::new().list(name, book).letter("outcome", "en", LETTER);
        // The program itself with its threads, and 60 MB for the list.
        let limit = format!("ulimit -v {}; exec \"$0\" \"$@\"", 1_200 << 10);
        let output = workspace.run_under(&["bash", "-c", &limit], &["check", "--format", "json"]);
        assert_eq!(output.code, Some(3), "{name}: {output:#?}");
        let problem = &output.json()["problems"][0];
        assert_eq!(problem["code"], "list-too-large", "{name}: {problem:#}");
    }
}
