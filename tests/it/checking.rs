//! `check` as a report: on the terminal, and as a file for the colleague who mends the list.

use crate::support::workspace::{Workspace, pdf, person};

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
    assert!(last[1].contains("secretariat check --out"), "{said}");
    assert_eq!(last[0], "outcome: 20 recipients, 11 errors (registration.csv 11)");
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

/// Numbers that a careful person adds up, and good news that nobody reads before the bad.
#[test]
fn with_errors_the_numbers_meet_and_the_rest_waits() {
    let workspace = a_list_to_mend().attachment("statement.pdf", pdf(900, 1));
    let said = workspace.run(&["check"]).stdout;
    assert!(said.contains("rows       31 in 1 list: 20 letters, 11 with errors\n"), "{said}");
    assert!(!said.contains("(1) attachments/"), "{said}");
    let said = workspace.run(&["check", "-v"]).stdout;
    assert!(said.contains("(1) attachments/statement.pdf"), "{said}");
    let (_, json) = workspace.run_json(&["check"]);
    assert_eq!(json["audience"]["with_errors"], 11, "{json:#}");
    let without = Workspace::with_people(3).attachment("statement.pdf", pdf(900, 1));
    let said = without.run(&["check"]).stdout;
    assert!(said.contains("(1) attachments/statement.pdf"), "{said}");
    assert!(said.contains("rows       3 in 1 list: 3 letters\n"), "{said}");
    assert!(said.contains("greeting   3 neutral\n"), "{said}");
}

#[test]
fn whoever_asks_for_errors_only_hears_nothing_else() {
    let one_name = "email,name\na@town.example,Ana\nb@town.example,\"ANA PÉREZ\"\n";
    let letter = "Subject: Outcomes\n\n{{ greeting }}\n";
    let workspace = Workspace::new().list("l.csv", one_name).letter("outcome", "en", letter);
    assert!(workspace.run(&["check"]).stdout.contains("1 warning\n"));
    let output = workspace.run(&["check", "-q"]);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{output:#?}");
    let said = a_list_to_mend().run(&["check", "-q"]).stdout;
    assert!(said.starts_with("error: ") && said.contains("11 errors"), "{said}");
}

/// The last line was that one could have them in a file, under the file itself.
#[test]
fn a_report_in_a_file_says_that_it_was_written_and_nothing_twice() {
    let workspace = a_list_to_mend();
    let out = workspace.beside("findings.html");
    let output = workspace.run(&["check", "--out", out.to_str().expect("a path")]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{output:#?}");
    assert_eq!(lines[0], "outcome: 20 recipients, 11 errors (registration.csv 11)");
    let (_, json) = workspace.run_json(&["check"]);
    let findings = json["problems"].as_array().expect("problems").len();
    assert_eq!(lines[1], format!("Written: {} ({findings} findings)", out.display()));
    let nowhere = workspace.beside("none").join("findings.html");
    let healthy = Workspace::with_people(2);
    let output = healthy.run(&["check", "--out", nowhere.to_str().expect("a path")]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], "outcome: 2 recipients, no problems", "{output:#?}");
    assert!(lines[1].starts_with("error: cannot write ") && lines.len() == 3, "{output:#?}");
    assert!(!output.stdout.contains("--out"), "{output:#?}");
}

/// The guide reads one such line for each list.
#[test]
fn how_each_list_was_read_is_told_of_every_list() {
    let mut workspace = Workspace::new().letter("outcome", "en", "Subject: A\n\n{{ greeting }}\n");
    for n in 1..=7 {
        let list = format!("email,name\np{n}@town.example,Name\n");
        workspace = workspace.list(&format!("l{n}.csv"), list);
    }
    let output = workspace.run(&["check", "-v"]);
    for n in 1..=7 {
        for line in [
            format!("recipients/l{n}.csv: 1 row, 2 columns"),
            format!("recipients/l{n}.csv: 1 person is greeted neutrally"),
        ] {
            assert!(output.stdout.contains(&line), "{line}: {}", output.stdout);
        }
    }
    assert!(!output.stdout.contains("more like this"), "{}", output.stdout);
}

/// A place each, with the people: whether one of them is missed is for a person to decide.
#[test]
fn who_shares_an_address_is_named() {
    let letter = "Subject: A\n\n{{ greeting }}\n";
    let list = "email,name\nhuber@x.example,Karl Huber\nhuber@x.example,Eva Huber\n\
                abt@x.example,Jo Abt\n";
    let workspace = Workspace::new().list("a.csv", list).letter("outcome", "en", letter);
    let workspace = workspace.list("b.csv", "email,name\nABT@x.example,Pia Abt\n");
    let said = workspace.run(&["check"]).stdout;
    for line in [
        "2 addresses are shared by people with different names",
        "a.csv:3: huber@x.example is the address of Karl Huber (row 2), Eva Huber (row 3): only the",
        "b.csv:2: abt@x.example is the address of Jo Abt (recipients/a.csv row 4), Pia Abt (row 2)",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

/// 34 lines of findings stood before each letter that somebody wanted to see.
#[test]
fn before_a_letter_only_what_concerns_its_reader_is_told() {
    let letter = "Subject: A\n\n{{ greeting }}\n";
    let mut list = "email,name\nana@gmial.com,Ana\n".to_owned();
    (1..=9).for_each(|n| list += &format!("p{n}@gmial.com,Name {n}\n"));
    let workspace = Workspace::new().list("a.csv", &list).letter("outcome", "en", letter);
    let output = workspace.run(&["preview", "--person", "ana"]);
    let warnings = workspace.run_json(&["check"]).1["summary"]["warnings"].as_u64().expect("some");
    assert!(warnings >= 10, "{output:#?}");
    let others = format!("and {} other warnings: secretariat check outcome\n", warnings - 1);
    assert!(output.stderr.ends_with(&others), "{output:#?}");
    assert!(output.stderr.contains("ana@gmial.com") && !output.stderr.contains("p1@"));
    assert!(workspace.run(&["preview", "-v"]).stderr.contains("p3@gmial.com"));
    let (_, json) = workspace.run_json(&["preview"]);
    assert!(json["problems"].as_array().expect("problems").len() as u64 >= warnings);
}

#[test]
fn a_dry_run_with_errors_ends_with_what_that_means() {
    let output = a_list_to_mend().run(&["send", "--dry-run"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(
        output.stdout,
        "outcome: 11 errors, so there is no plan. Mend them first: secretariat check outcome\n"
    );
}

#[test]
fn why_tells_how_somebody_is_greeted() {
    let list = "email,name,title\nana@x.example,Ana Perez,Ms\n";
    let letter = "Subject: A\n\n{{ greeting }}\n";
    let workspace = Workspace::new().list("a.csv", list).letter("outcome", "en", letter);
    let said = workspace.run(&["why", "ana@x."]).stdout;
    assert!(said.contains("greeting    Dear Ms Ana Perez,\n"), "{said}");
}

#[test]
fn part_of_an_address_means_whose_it_is() {
    let list = "email,name\nana@lima.example,Ana Cruz\nsusana@lima.example,Susana Paz\n\
                h.dupont@x.example,Henri Dupont\nhelene.dupont@x.example,Hélène Dupont\n";
    let letter = "Subject: A\n\n{{ greeting }}\n";
    let workspace = Workspace::new().list("a.csv", list).letter("outcome", "en", letter);
    for (who, name) in [
        ("ana@lima", "Ana Cruz"),
        ("susana@", "Susana Paz"),
        ("h.dupont", "Henri Dupont"),
        ("dupont@x", ""),
        ("ana@lima.com", ""),
        ("usana@lima.example", ""),
    ] {
        let output = workspace.run(&["preview", "--person", who]);
        let expected = if name.is_empty() { Some(3) } else { Some(0) };
        assert_eq!(output.code, expected, "{who}: {output:#?}");
        assert!(output.stdout.contains(name), "{who}: {output:#?}");
    }
    // The ledger is searched alike.
    let sent = workspace.run(&["why", "ana@lima"]).stdout;
    assert!(sent.contains("Ana Cruz"), "{sent}");
}

#[test]
fn tables_for_spreadsheets_have_one_head_and_name_the_cell() {
    let workspace = a_list_to_mend();
    let out = workspace.beside("findings.csv");
    workspace.run(&["check", "--out", out.to_str().expect("a path")]);
    let table = std::fs::read_to_string(out).expect("the file");
    let head = "\u{feff}Severity,Kind,What,File,Row,Cell,Address,Count,What to do\n";
    assert!(table.starts_with(head), "{table}");
    assert!(table.contains(",recipients/registration.csv,4,A4,"), "{table}");
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
