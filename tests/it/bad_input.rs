//! Typical mistakes, each found before anything is written or sent, with its place.
//!
//! Asserted is what an officer needs: that the command refuses (exit 3), which file and line, a
//! word that names the thing, and that the workspace is as it was.

use crate::dry_run::check_problem;
use crate::support::relay::Relay;
use crate::support::workspace::{Workspace, pdf, person};
use serde_json::Value;

/// A mistake and what must be said of it.
struct Mistake {
    what: &'static str,
    workspace: Workspace,
    file: &'static str,
    line: Option<u64>,
    /// Stands in the message or the hint.
    says: &'static str,
}

fn letter(body: &str) -> Workspace {
    let source = format!("Subject: Outcomes\n\n{{{{ greeting }}}}\n\n{body}\n");
    Workspace::with_people(2).letter("outcome", "en", &source)
}

fn list(text: &str) -> Workspace {
    letter("The Statement is final.").list("registration.csv", text)
}

/// The errors that `check` finds; it must refuse and every problem have its parts.
#[track_caller]
fn errors(what: &str, workspace: &Workspace) -> Vec<Value> {
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3), "{what}: {json:#}");
    assert_eq!((&json["schema"], &json["command"]), (&1.into(), &"check".into()));
    let problems = json["problems"].as_array().expect("a list").clone();
    problems.iter().for_each(check_problem);
    let errors: Vec<Value> = problems.into_iter().filter(|p| p["severity"] == "error").collect();
    assert!(!errors.is_empty(), "{what}: {json:#}");
    errors
}

#[track_caller]
fn check(mistake: &Mistake) {
    let Mistake { what, workspace, file, line, says } = mistake;
    workspace.write_config();
    let before = workspace.inventory();
    let errors = errors(what, workspace);
    let fits = |problem: &&Value| {
        let text = format!("{} {}", problem["message"], problem["hint"]).to_lowercase();
        problem["file"] == **file
            && line.is_none_or(|line| problem["line"] == line)
            && text.contains(&says.to_lowercase())
    };
    let found = errors.iter().find(fits);
    assert!(found.is_some(), "{what}: nothing at {file}:{line:?} says {says:?}: {errors:#?}");
    check_dry_run_refuses(what, workspace, file);
    assert_eq!(workspace.inventory(), before, "{what}: nothing is written");
}

/// `send --dry-run` refuses too, writes no letter and shows the place to a person.
#[track_caller]
fn check_dry_run_refuses(what: &str, workspace: &Workspace, file: &str) {
    let out = workspace.beside("letters");
    let arguments = ["send", "--dry-run", "--out", &out.to_string_lossy()];
    let (code, json) = workspace.run_json(&arguments);
    assert_eq!(code, Some(3), "{what}: {json:#}");
    assert_eq!(json["fingerprint"], Value::Null, "{what}");
    let written = crate::support::workspace::files_under(&out);
    assert_eq!(written, [""; 0], "{what}: no letter is written");
    let output = workspace.run(&["send", "--dry-run"]);
    assert_eq!(output.code, Some(3), "{what}");
    assert!(output.stderr.contains(file), "{what}: a person sees the place: {output:#?}");
}

#[test]
fn mistakes_in_lists() {
    let registration = "recipients/registration.csv";
    let row = |row: &str| list(&format!("email,name,language\nok@town.example,Bo,en\n{row}\n"));
    let cases = [
        ("a bad address", row("ana@@town.example,Ana,en"), Some(3), "ana@@town.example"),
        ("an address without a domain", row("ana,Ana,en"), Some(3), "ana"),
        ("no address", row(",Ana,en"), Some(3), "address"),
        ("two addresses in a cell", row("a@x.example; b@x.example,Ana,en"), Some(3), "address"),
        ("an invisible character", row("ana@town.example\u{200b}x,Ana,en"), Some(3), ""),
        ("a mixed script", row("\u{430}na@town.example,Ana,en"), Some(3), ""),
        ("a control character in a name", row("ana@town.example,A\u{7}na,en"), Some(3), ""),
        ("no column with addresses", list("name,language\nAna,en\n"), None, "address"),
        ("two headers with one name", list("email,Town,TOWN\na@x.example,b,c\n"), Some(1), "town"),
    ];
    for (what, workspace, line, says) in cases {
        check(&Mistake { what, workspace, file: registration, line, says });
    }
}

#[test]
fn mistakes_in_letters() {
    let english = "templates/outcome/en.md";
    let cases = [
        ("an unknown column", letter("Dear {{ recipient.given_nam }}"), Some(5), "given_name"),
        (
            "an unknown column in a condition",
            letter("{% if recipient.given_nam %}x{% endif %}"),
            Some(5),
            "given_name",
        ),
        ("an unknown document", letter("{{ attachments.statment.number }}"), Some(5), "statment"),
        ("an unclosed tag", letter("{{ recipient.given_name }"), None, ""),
        ("safe", letter("{{ recipient.given_name | safe }}"), Some(5), "safe"),
        ("a missing image", letter("![logo](images/none.png)"), Some(5), "images/none.png"),
        (
            "no subject",
            Workspace::with_people(2).letter("outcome", "en", "{{ greeting }}\n\nHello\n"),
            None,
            "subject",
        ),
        (
            "an unknown header",
            letter("x").letter("outcome", "en", "Subject: x\nPriority: high\n\n{{ greeting }}\n"),
            Some(2),
            "Priority",
        ),
        ("the host's environment", letter("{{ get_env(name=\"HOME\") }}"), Some(5), "get_env"),
    ];
    for (what, workspace, line, says) in cases {
        check(&Mistake { what, workspace, file: english, line, says });
    }
}

#[test]
fn mistakes_in_the_configuration() {
    let config = "secretariat.toml";
    let people = || Workspace::with_people(2);
    let cases = [
        ("an unknown key", people().campaign_lines("recpients = [\"*\"]"), "recipients"),
        ("an unknown table", people().config("[langauges]\ndefault = \"en\""), "languages"),
        ("broken TOML", people().config("[languages\ndefault = \"en\""), ""),
        ("a bad greeting of the relay", people().relay_lines("hello = \"no name\""), "no name"),
        ("a bad relay", people().relay_url("http://127.0.0.1:25"), "http"),
        ("an unknown document", people().campaign_lines("attachments = [\"map\"]"), "map"),
        (
            "a missing document",
            people()
                .config("[attachments.map]\ntitle = \"Map\"\nfile = \"attachments/map.pdf\"")
                .campaign_lines("attachments = [\"map\"]"),
            "attachments/map.pdf",
        ),
        (
            "a document from outside",
            people()
                .config("[attachments.map]\ntitle = \"Map\"\nfile = \"../../etc/passwd\"")
                .campaign_lines("attachments = [\"map\"]"),
            "../../etc/passwd",
        ),
        (
            "no sender",
            people().whole_config("[conference]\nname = \"F\"\n[campaigns.outcome]\n"),
            "from",
        ),
        (
            "a sender that is no address",
            people().whole_config(
                "[conference]\nname = \"F\"\n[sender]\nfrom = \"Forum\"\n[campaigns.outcome]\n",
            ),
            "Forum",
        ),
    ];
    for (what, workspace, says) in cases {
        check(&Mistake { what, workspace, file: config, line: None, says });
    }
}

#[test]
fn a_missing_list_is_named() {
    let workspace =
        letter("The Statement is final.").campaign_lines("recipients = [\"recipients/vip.csv\"]");
    let errors = errors("a missing list", &workspace);
    assert!(errors[0].to_string().contains("recipients/vip.csv"), "{errors:#?}");
}

#[test]
fn an_error_of_the_configuration_has_its_line_and_column() {
    let workspace = Workspace::with_people(1).whole_config(
        "[conference]\nname = \"F\"\n\n[sender]\nfrom = \"F <f@forum.example>\"\nreplyto = \"x\"\n\
         [campaigns.outcome]\n",
    );
    let errors = errors("an unknown key", &workspace);
    let is_there =
        |e: &&Value| e["file"] == "secretariat.toml" && e["line"] == 6 && e["column"] == 1;
    assert!(errors.iter().any(|e| is_there(&e)), "{errors:#?}");
    let output = workspace.run(&["check"]);
    assert!(output.everything().contains("secretariat.toml:6:1"), "{output:#?}");
    assert!(output.everything().contains("reply_to"), "names the nearest key: {output:#?}");
}

#[test]
fn an_empty_cell_is_found_with_its_person() {
    let list = format!("email,name,city\n{},Ana,Lima\n{},Bo,\n", person(1), person(2));
    let workspace = letter("from {{ recipient.city }}").list("registration.csv", list);
    let errors = errors("an empty cell", &workspace);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let said = errors[0].to_string();
    assert!(said.contains(&person(2)) && !said.contains(&person(1)), "{errors:#?}");
    assert!(said.contains("city"), "{errors:#?}");
}

#[test]
fn a_language_without_a_letter_is_found_with_the_people() {
    let list = format!("email,name,language\n{},Ana,fr\n", person(1));
    let spanish = "Subject: Resultados\n\n{{ greeting }}\n\nGracias.\n";
    let workspace = Workspace::new().list("list.csv", list).letter("outcome", "es", spanish);
    let errors = errors("no letter", &workspace);
    let said = serde_json::to_string(&errors).expect("JSON");
    assert!(said.contains("fr") && said.contains("letter"), "{said}");
}

#[test]
fn a_letter_that_is_too_big_is_found_before_it_is_sent() {
    let workspace = Workspace::with_people(1).attachment("film.pdf", pdf(15_000_000, 1));
    let errors = errors("too big", &workspace);
    let said = serde_json::to_string(&errors).expect("JSON");
    assert!(said.contains("MB") && said.contains(&person(1)), "{said}");
}

#[test]
fn no_workspace_is_no_mystery() {
    let workspace = Workspace::new();
    let output = workspace.spawn_as_it_is(&["check"]).wait();
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(output.stderr.contains("secretariat.toml"), "{output:#?}");
    assert!(output.stderr.contains("init"), "says how to begin: {output:#?}");
    let output = workspace.spawn_as_it_is(&["check", "--format", "json"]).wait();
    assert_eq!((output.code, &output.json()["command"]), (Some(3), &"check".into()));
}

#[test]
fn all_mistakes_are_told_in_one_pass_worst_first() {
    let list = "email,name,language\nana@@town.example,Ana,en\nbo@town.example,Bo,en\n\
        two@@town.example,Cy,en\n";
    let source = "Subject: x\n\n{{ greeting }} {{ recipient.twon }}\n\nSee the file attached.\n";
    let workspace = Workspace::new()
        .list("registration.csv", list)
        .letter("outcome", "en", source)
        .config("[attachments.map]\ntitle = \"Map\"\nfile = \"attachments/map.pdf\"")
        .campaign_lines("attachments = [\"map\"]");
    let errors = errors("many", &workspace);
    let places: Vec<String> = errors
        .iter()
        .map(|e| format!("{}:{}", e["file"].as_str().unwrap_or(""), e["line"]))
        .collect();
    for place in ["recipients/registration.csv:2", "recipients/registration.csv:4"] {
        assert!(places.iter().any(|p| p == place), "{place}: {places:?}");
    }
    assert!(places.iter().any(|p| p.starts_with("templates/outcome/en.md")), "{places:?}");
    let said = serde_json::to_string(&errors).expect("JSON");
    assert!(said.contains("attachments/map.pdf"), "{said}");
    let (_, json) = workspace.run_json(&["check"]);
    let severities: Vec<&str> = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["severity"].as_str())
        .collect();
    let mut sorted = severities.clone();
    sorted.sort_by_key(|s| ["error", "warning", "note"].iter().position(|w| w == s));
    assert_eq!(severities, sorted, "worst first");
    assert_eq!(json["summary"]["errors"], errors.len());
}

#[test]
fn many_mistakes_of_one_kind_are_grouped() {
    let mut list = "email,name\nok@town.example,Bo\n".to_owned();
    (0..150).for_each(|n| list += &format!("bad{n}@@town.example,Ana\n"));
    let workspace = letter("The Statement is final.").list("registration.csv", list);
    let errors = errors("150 bad addresses", &workspace);
    assert!((100..=101).contains(&errors.len()), "the first 100: {}", errors.len());
    let counted: u64 = errors.iter().filter_map(|e| e["count"].as_u64()).max().unwrap_or(0);
    assert!(counted >= 50, "and how many there are: {counted}");
}

#[test]
fn a_send_with_mistakes_does_not_call_the_relay() {
    let relay = Relay::start();
    let workspace = letter("{{ recipient.nothing }}").relay(&relay);
    let output = workspace.run(&["send", "--plan", &"0".repeat(64), "--no-wait"]);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert_eq!(relay.sessions(), 0);
}

#[test]
fn strict_takes_warnings_for_errors() {
    let workspace = letter("The Statement is attached.");
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(0), "{json:#}");
    let problems = json["problems"].as_array().expect("a list");
    assert!(problems.iter().any(|p| p["severity"] == "warning"), "nothing is attached: {json:#}");
    assert_eq!(workspace.run(&["check", "--strict"]).code, Some(3));
    assert_eq!(workspace.run(&["send", "--dry-run"]).code, Some(0), "a warning stops nobody");
}
