//! The first quarter of an hour: `init`, `new`, `preview`, help, completions, the manual page.

use crate::support::workspace::{Workspace, person};

#[test]
fn the_sample_works_without_an_edit() {
    let workspace = Workspace::sample();
    for arguments in [&["preview"][..], &["send", "--dry-run"], &["status"]] {
        let output = workspace.spawn_as_it_is(arguments).wait();
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:#?}");
    }
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!((code, &json["summary"]["errors"]), (Some(0), &0.into()), "{json:#}");
    assert_eq!(json["summary"]["recipients"], 650);
}

#[test]
fn init_never_overwrites() {
    let workspace = Workspace::sample();
    workspace.write("recipients/mine.csv", "email\nana@town.example\n");
    let before = workspace.inventory();
    let output = workspace.spawn_as_it_is(&["init"]).wait();
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(workspace.inventory(), before);
}

#[test]
fn init_takes_a_folder_and_c_means_exactly_one() {
    let workspace = Workspace::new();
    let output = workspace.spawn_as_it_is(&["init", "forum"]).wait();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(workspace.path().join("forum/secretariat.toml").exists());
    let run = |arguments: &[&str]| workspace.spawn_as_it_is(arguments).wait().code;
    assert_eq!(run(&["-C", "forum", "status"]), Some(0));
    assert_eq!(run(&["-C", "forum/recipients", "status"]), Some(3), "-C searches nowhere");
    assert_eq!(run(&["status"]), Some(3), "nor does . search downward");
}

#[test]
fn an_empty_workspace_has_no_people_in_it() {
    let workspace = Workspace::new();
    let output = workspace.spawn_as_it_is(&["init", "--empty"]).wait();
    assert_eq!(output.code, Some(0), "{output:#?}");
    let everything: String = workspace
        .inventory()
        .iter()
        .filter(|(name, _)| !name.ends_with(".pdf"))
        .map(|(name, _)| std::fs::read(workspace.path().join(name)).unwrap_or_default())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    let people = Workspace::sample();
    let list = people.path().join("recipients/registration.csv");
    let list = std::fs::read_to_string(list).expect("a list of the sample");
    let somebody = list.lines().nth(1).and_then(|row| row.split(',').nth(2)).expect("an address");
    assert!(somebody.contains('@') && !everything.contains(somebody));
}

/// The sample's `[columns]` was an error of everybody's first own list.
#[test]
fn an_empty_workspace_takes_somebodys_own_list_without_an_error() {
    let workspace = Workspace::new();
    workspace.spawn_as_it_is(&["init", "--empty"]).wait();
    let list = "الاسم الكامل,البريد الإلكتروني,المدينة\nمنى سالم,mona@x.example,عمّان\n";
    workspace.write("recipients/list.csv", list);
    std::fs::remove_file(workspace.path().join("recipients/template.xlsx")).expect("the template");
    let check = workspace.spawn_as_it_is(&["check", "--format", "json"]).wait();
    let found = check.json();
    assert_eq!(found["summary"]["errors"], 0, "{found:#}");
    let columns = found["lists"][0]["columns"].to_string();
    assert!(columns.contains("المدينة"), "the town is found without a setting: {columns}");
}

#[test]
fn another_mailing_is_one_command_away() {
    let workspace = Workspace::sample();
    let output = workspace.spawn_as_it_is(&["new", "reminder", "--like", "thank-you"]).wait();
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(workspace.path().join("templates/reminder/en.md").exists());
    let check = workspace.spawn_as_it_is(&["send", "reminder", "--dry-run", "--format", "json"]);
    let check = check.wait();
    assert_eq!(check.code, Some(0), "{check:#?}");
    assert_eq!(
        (&check.json()["campaign"], &check.json()["letters"]),
        (&"reminder".into(), &650.into())
    );
    let again = workspace.spawn_as_it_is(&["new", "reminder"]).wait();
    assert_eq!(again.code, Some(3), "never over another: {again:#?}");
    let bad = workspace.spawn_as_it_is(&["new", "../evil"]).wait();
    assert!(matches!(bad.code, Some(2 | 3)), "{bad:#?}");
}

#[test]
fn a_preview_shows_the_letter_of_the_person_asked_for() {
    let workspace = Workspace::with_people(3);
    let output = workspace.run(&["preview", "--person", &person(2)]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    for part in ["Outcomes of Forum of Towns", "Given2", &person(2)] {
        assert!(output.stdout.contains(part), "{part}: {output:#?}");
    }
    assert!(!output.stdout.contains("Given1"), "{output:#?}");
    let nobody = workspace.run(&["preview", "--person", "nobody@town.example"]);
    assert_eq!(nobody.code, Some(3), "{nobody:#?}");
    assert!(nobody.stderr.contains("nobody@town.example"), "{nobody:#?}");
}

#[test]
fn a_mistyped_mailing_is_answered_with_the_nearest() {
    let workspace = Workspace::with_people(1);
    let output = workspace.run(&["check", "outcom"]);
    assert!(matches!(output.code, Some(2 | 3)), "{output:#?}");
    assert!(output.stderr.contains("outcome"), "{output:#?}");
}

#[test]
fn data_goes_to_standard_output_and_everything_else_to_standard_error() {
    let workspace = Workspace::with_people(1);
    let (code, json) = workspace.run_json(&["status"]);
    assert_eq!(code, Some(0), "{json:#}");
    for command in [&["check"][..], &["send", "--dry-run"], &["status"], &["why", &person(1)]] {
        // Output::json fails unless standard output is one JSON object and nothing else.
        workspace.run_json(command);
    }
    let bad = workspace.run(&["bogus"]);
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(2), ""), "{bad:#?}");
}

#[test]
fn colour_is_for_terminals() {
    let workspace = Workspace::with_people(1);
    for command in [&["check"][..], &["preview"], &["status"], &["--help"]] {
        let output = workspace.run(command);
        assert!(!output.everything().contains('\u{1b}'), "{command:?}: {output:#?}");
    }
    let output = workspace.run(&["--color", "always", "bogus"]);
    assert_eq!(output.code, Some(2));
}

#[test]
fn help_completions_and_the_manual_page_come_from_one_place() {
    let workspace = Workspace::new();
    let run = |arguments: &[&str]| {
        let output = workspace.spawn_as_it_is(arguments).wait();
        assert_eq!(output.code, Some(0), "{arguments:?}: {output:#?}");
        output.stdout
    };
    let help = run(&["--help"]);
    let manual = run(&["manpage"]);
    assert!(manual.contains(".TH"), "{manual}");
    for command in ["init", "check", "preview", "send", "status", "why", "new", "completions"] {
        assert!(help.contains(command), "{command}: {help}");
        assert!(manual.contains(command), "{command}: {manual}");
        assert!(run(&[command, "--help"]).contains("--workspace"), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(&["completions", shell]).contains("dry-run"), "{shell}");
    }
    assert!(run(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

/// What people wrote is never written over, whatever `--out` names.
#[test]
fn out_never_touches_lists_letters_documents_or_foreign_pages() {
    let workspace = Workspace::sample();
    std::fs::create_dir(workspace.path().join("web")).expect("a folder");
    workspace.write("web/index.html", "<p>Our own page</p>");
    workspace.write("notes.txt", "Remember the flowers.");
    let before = workspace.inventory();
    for arguments in [
        &["check", "--out", "recipients/registration.csv"][..],
        &["check", "--out", "secretariat.toml"],
        &["check", "--out", "notes.txt"],
        &["preview", "--out", "templates/outcome"],
        &["preview", "--out", "web"],
        &["send", "--dry-run", "--out", "recipients"],
        &["send", "--dry-run", "--out", "./attachments/../recipients/x"],
    ] {
        let output = workspace.spawn_as_it_is(arguments).wait();
        assert_eq!(output.code, Some(3), "{arguments:?}: {output:#?}");
        assert_eq!(workspace.inventory(), before, "{arguments:?}");
    }
}

/// Whoever asked for French and gets English is told of, and so is a letter with a wrong ending.
#[test]
fn a_letter_that_is_not_found_is_a_warning() {
    let workspace = Workspace::sample();
    let letters = workspace.path().join("templates/outcome");
    std::fs::rename(letters.join("fr.md"), letters.join("fr.md.txt")).expect("renamed");
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(0), "{json:#}");
    let problems = json["problems"].as_array().expect("problems");
    let of = |kind: &str| problems.iter().find(|p| p["code"] == kind).expect(kind);
    assert_eq!(of("letter-stands-in")["count"], 120, "{json:#}");
    assert_eq!(of("letter-stands-in")["file"], "templates/outcome", "{json:#}");
    assert_eq!(of("not-a-letter")["file"], "templates/outcome/fr.md.txt");
}
