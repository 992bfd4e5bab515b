//! What `check` says of languages and kinds of letter, seen from outside.

use super::support::workspace::Workspace;
use serde_json::{Value, json};

const LETTER: &str = "Subject: Thanks\n\n{{ greeting }}\n\nWe met.\n";

/// A workspace with readers of English (3), French (2), Brazilian Portuguese (1).
fn readers() -> Workspace {
    Workspace::new().list(
        "people.csv",
        "email,name,language,town\na@x.example,Ana,en,Quito\nb@x.example,Ben,en,\n\
         c@x.example,Cho,en,Lima\nd@x.example,Dai,fr,Lyon\ne@x.example,Eva,fr,\n\
         f@x.example,Fay,pt-br,\n",
    )
}

fn codes(json: &Value) -> Vec<String> {
    let problems = json["problems"].as_array().expect("problems");
    problems.iter().map(|p| p["code"].as_str().expect("a code").to_owned()).collect()
}

fn row<'j>(json: &'j Value, language: &str) -> &'j Value {
    let rows = json["languages"].as_array().expect("a matrix");
    rows.iter().find(|row| row["language"] == language).expect("a row of that language")
}

#[test]
fn the_matrix_says_what_readers_of_each_language_get() {
    let signed = format!("{LETTER}\n{{{{ signature }}}}\n");
    let workspace = readers()
        .letter("outcome", "en", &signed)
        .letter("outcome", "fr", &signed)
        .file("templates/signature.en.md", "The Secretariat\n")
        .file("templates/footer.fr.md", "Le Forum\n")
        .attachment("statement.en.txt", "in English")
        .attachment("statement.pt-br.txt", "em português")
        .attachment("map.txt", "one for all");
    let (_, json) = workspace.run_json(&["check"]);
    let english = json!({
        "language": "en", "people": 3, "subject": "present", "body": "present",
        "signature": "present", "footer": "missing", "sender": "present",
        "attachments": {"statement": "present", "map": "present"},
        "titles": {"statement": "present", "map": "present"},
    });
    assert_eq!(row(&json, "en"), &english);
    let french = row(&json, "fr");
    assert_eq!(french["people"], 2);
    assert_eq!(french["body"], "present");
    assert_eq!(french["signature"], "falls back to en");
    assert_eq!(french["footer"], "present");
    assert_eq!(french["attachments"], json!({"statement": "falls back to en", "map": "present"}));
    let portuguese = row(&json, "pt-br");
    assert_eq!(portuguese["subject"], "falls back to en");
    assert_eq!(portuguese["attachments"]["statement"], "present");
    // What the matrix shows is told once among the problems, as before.
    let stands_in = codes(&json).iter().filter(|c| *c == "letter-stands-in").count();
    assert_eq!(stands_in, 1, "{json:#}");
    let text = workspace.run(&["check"]).stdout;
    assert!(text.contains("language  people  letter"), "{text}");
    assert!(text.contains("→ en") && text.contains("missing"), "{text}");
    let table = text.lines().skip_while(|line| !line.starts_with("language  people"));
    let table = table.take_while(|line| !line.is_empty());
    assert!(table.clone().count() > 4, "{text}");
    assert!(table.clone().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_reader_without_letter_or_document_is_missing_in_the_matrix() {
    let workspace = readers()
        .letter("outcome", "fr", LETTER)
        .attachment("statement.fr.txt", "en français")
        .config("[languages]\ndefault = \"pt\"\n");
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3));
    let english = row(&json, "en");
    assert_eq!(english["body"], "missing");
    assert_eq!(english["attachments"]["statement"], "missing");
    assert_eq!(row(&json, "fr")["attachments"]["statement"], "present");
}

#[test]
fn the_name_of_the_sender_is_part_of_the_matrix() {
    let workspace = readers().letter("outcome", "en", LETTER).letter("outcome", "fr", LETTER);
    let config = "[conference]\nname = \"Forum\"\n[sender]\nfrom.en = \"A <a@forum.example>\"\n\
                  from.es = \"B <a@forum.example>\"\n[relay]\nurl = \"smtp://127.0.0.1:9\"\n\
                  [campaigns.outcome]\n";
    let (_, json) = workspace.whole_config(config).run_json(&["check"]);
    assert_eq!(row(&json, "en")["sender"], "present");
    assert_eq!(row(&json, "fr")["sender"], "falls back to en");
}

#[test]
fn a_letter_that_nobody_reads_is_noted() {
    let workspace = readers()
        .letter("outcome", "en", LETTER)
        .letter("outcome", "fr", LETTER)
        .letter("outcome", "ru", LETTER);
    let (_, json) = workspace.run_json(&["check"]);
    let notes = json["problems"].as_array().expect("problems").iter();
    let unread: Vec<_> = notes.filter(|p| p["code"] == "unread-letter").collect();
    assert_eq!(unread.len(), 1, "{json:#}");
    assert_eq!(unread[0]["file"], "templates/outcome/ru.md");
    assert_eq!(unread[0]["severity"], "note");
}

#[test]
fn one_language_without_holes_needs_no_table() {
    let text = Workspace::with_people(2).run(&["check"]).stdout;
    assert!(!text.contains("signature") && !text.contains("kinds of letter"), "{text}");
    assert!(text.ends_with("outcome: 2 recipients, no problems\n"), "{text}");
}

#[test]
fn kinds_of_letter_are_told_apart_by_language_branch_and_document() {
    let body = "{% if recipient.town %}\nYou came from {{ recipient.town }}.\n{% else %}\nYou came.\n\
                {% endif %}\n";
    let letter = format!("{LETTER}\n{body}\nAttached is ({{{{ attachments.map.number }}}}).\n");
    let workspace = readers()
        .letter("outcome", "en", &letter)
        .letter("outcome", "fr", &letter)
        .attachment("map.en.txt", "a map")
        .attachment("map.pt.txt", "um mapa");
    let (_, json) = workspace.run_json(&["check"]);
    let documents = |language: &str| json!([{"id": "map", "language": language}]);
    let kind = |language: &str, branch: &str, map: &str, people: u64, example: &str| {
        json!({"language": language, "branches": [branch], "attachments": documents(map),
               "people": people, "example": example})
    };
    let (town, none) = ("recipient.town", "not recipient.town");
    let expected = json!([
        kind("en", town, "en", 2, "a@x.example"),
        kind("en", none, "en", 1, "b@x.example"),
        kind("fr", town, "en", 1, "d@x.example"),
        kind("fr", none, "en", 1, "e@x.example"),
        kind("en", none, "pt", 1, "f@x.example"),
    ]);
    assert_eq!(json["kinds"], expected, "{json:#}");
    assert_eq!(json["kinds_total"], 5);
    let text = workspace.run(&["check"]).stdout;
    assert!(text.contains("5 kinds of letter"), "{text}");
    assert!(text.contains("2  en  town, map (en)      Ana <a@x.example>"), "{text}");
    assert!(text.contains("1  fr  not town            Eva <e@x.example>"), "{text}");
    let preview = workspace.run(&["preview"]);
    assert!(preview.stdout.contains("5 kinds of letter"), "{}", preview.stdout);
}

#[test]
fn a_letter_with_a_kind_for_nearly_everybody_lists_the_first_hundred() {
    let towns: String = (0..1000).map(|n| format!("p{n}@x.example,town{n}\n")).collect();
    let conditions: String = (0..10)
        .map(|bit| format!("{{% if recipient.town is containing(pat=\"{bit}\") %}}x{{% endif %}}"))
        .collect();
    let letter = format!("{LETTER}\n{conditions}\n");
    let workspace = Workspace::new()
        .list("people.csv", format!("email,town\n{towns}"))
        .letter("outcome", "en", &letter);
    let (_, json) = workspace.run_json(&["check"]);
    let listed = json["kinds"].as_array().expect("kinds");
    let total = json["kinds_total"].as_u64().expect("a number");
    // One, two or three of ten digits.
    assert_eq!((total, listed.len()), (175, 100));
    let text = workspace.run(&["check"]).stdout;
    assert!(text.contains(&format!("{total} kinds of letter")), "{text}");
    assert!(text.contains(&format!("and {} more", total - 20)), "{text}");
}

#[test]
fn branches_of_subject_and_footer_make_kinds_and_leave_no_trace() {
    let letter = "Subject: Thanks{% if recipient.town %}, {{ recipient.town }}{% endif %}\n\n\
                  {{ greeting }}\n\nWe met.\n";
    let workspace = readers().letter("outcome", "en", letter).file(
        "templates/footer.en.md",
        "{% if recipient.name == \"Ben\" %}B{% else %}C{% endif %}",
    );
    let (_, json) = workspace.run_json(&["check"]);
    let kinds: Vec<_> = json["kinds"].as_array().expect("kinds").iter().collect();
    let told: Vec<_> = kinds.iter().map(|k| (&k["branches"], k["people"].as_u64())).collect();
    let ben = "recipient.name == \"Ben\"";
    let not_ben = "recipient.name != \"Ben\"";
    assert_eq!(told[0], (&json!(["recipient.town", not_ben]), Some(3)));
    assert_eq!(told[1], (&json!(["not recipient.town", not_ben]), Some(2)));
    assert_eq!(told[2], (&json!(["not recipient.town", ben]), Some(1)));
    for message in std::fs::read_dir(workspace.dry_run_out("out")).expect("messages") {
        let bytes = std::fs::read(message.expect("a file").path()).expect("a message");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("=F2=8F=BF=BE"), "{text}");
        assert!(bytes.is_ascii());
    }
}

/// `by default (empty cell)` stood on the plan for cells that were not empty.
#[test]
fn the_plan_tells_empty_language_cells_from_those_that_are_not_known() {
    let rows = "email,name,language,country\na@x.example,Ana,,PE\nb@x.example,Bo,Dutch/x,PE\n\
                c@x.example,Cho,Dutch/x,PE\nd@x.example,Dai,рус.,PE\ne@x.example,Eva,fr,PE\n";
    let plan = |workspace: Workspace| workspace.run(&["send", "--dry-run"]).stdout;
    let made =
        |rows: &str| Workspace::new().list("people.csv", rows).letter("outcome", "en", LETTER);
    let workspace = made(rows);
    let why = workspace.run(&["why", "d@x.example"]).stdout;
    assert!(why.contains("en (by default; the cell \"рус.\" is not known)"), "{why}");
    let why = workspace.run(&["why", "a@x.example"]).stdout;
    assert!(why.contains("en (by default)"), "{why}");
    let screen = plan(workspace.list("more.csv", "email,name\nf@x.example,Fay\n"));
    let said =
        "5 by default (1 empty cell, 1 without a column of languages, 3 not known: Dutch/x, рус.)";
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(said), "{screen}");
    let country = made(rows).config("[languages]\ndefault = \"en\"\nby_country = { PE = \"en\" }");
    let words = plan(country).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("4 by country (1 empty cell, 3 not known: Dutch/x, рус.)"), "{words}");
    assert!(
        plan(made("email,name\nf@x.example,Fay\n"))
            .contains("1 by default (no column of languages)")
    );
    assert!(
        plan(made("email,name,language\nf@x.example,Fay,\n")).contains("1 by default (empty cell)")
    );
}
