//! What `check` says of the text of letters: links, what a draft left behind, differences between
//! languages.

use super::support::workspace::Workspace;
use serde_json::Value;

/// A workspace with one reader of English whose letter has this body.
fn with_body(body: &str) -> Workspace {
    let list = "email,name,town,page\nana@x.example,Ana,Quito,https://x.example/ana\n";
    let letter = format!("Subject: Thanks\n\n{{{{ greeting }}}}\n\n{body}\n");
    Workspace::new().list("people.csv", list).letter("outcome", "en", &letter)
}

/// Severity, code, file and line of each problem but of those that every workspace has.
fn told(workspace: &Workspace) -> Vec<String> {
    let (_, json) = workspace.run_json(&["check"]);
    let told = |p: &Value| {
        let text = |name: &str| p[name].as_str().unwrap_or("-").to_owned();
        let file = text("file");
        let file = file.rsplit('/').next().unwrap_or_default().to_owned();
        let line = p["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
        format!("{} {} {file}{line}", text("severity"), text("code"))
    };
    let problems = json["problems"].as_array().expect("problems");
    let of_lists = |p: &&Value| p["file"].as_str().is_some_and(|f| f.starts_with("recipients/"));
    problems.iter().filter(|p| !of_lists(p)).map(told).collect()
}

fn check(body: &str, expected: &[&str]) {
    assert_eq!(told(&with_body(body)), expected, "{body}");
}

#[test]
fn links_that_lead_nowhere_are_told_with_their_place() {
    check("[site](www.forum.example)", &["error bad-link en.md:5"]);
    check("[site](https://https://forum.example)", &["warning odd-link en.md:5"]);
    check("One.\n\n[site](https://forum.example/a b)", &["warning odd-link en.md:7"]);
    check("[site](https://localhost/a)", &["warning private-link en.md:5"]);
    check("[mail](mailto:ana@x)", &["warning odd-link en.md:5"]);
    check("[](https://forum.example)", &["warning empty-link en.md:5"]);
    check("See https://forum.example/a.", &["warning bare-address en.md:5"]);
    check("[https://a.example](https://b.example)", &["warning link-text-differs en.md:5"]);
    check("[here](http://a.example)", &["note vague-link en.md:5", "note plain-http en.md:5"]);
    check("[her page]({{ recipient.page }})", &[]);
}

#[test]
fn a_mistyped_address_of_a_link_is_told_with_the_right_one() {
    for (written, meant) in [
        ("www.forum.example/a", "https://www.forum.example/a"),
        ("http//forum.example", "https://forum.example"),
        ("ana@forum.example", "mailto:ana@forum.example"),
    ] {
        let output = with_body(&format!("[site]({written})")).run(&["check"]);
        assert!(output.stderr.contains(&format!("Write {meant}.")), "{}", output.stderr);
    }
}

#[test]
fn a_link_made_of_a_cell_is_checked_for_each_person() {
    let list = "email,name,page\nana@x.example,Ana,https://x.example/ana\n\
                ben@x.example,Ben,javascript:alert(1)\n";
    let workspace = with_body("[your page]({{ recipient.page }})").list("people.csv", list);
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(3));
    let problems = json["problems"].as_array().expect("problems");
    let bad: Vec<_> = problems.iter().filter(|p| p["code"] == "bad-link").collect();
    assert_eq!(bad.len(), 1, "{json:#}");
    assert_eq!(bad[0]["recipient"], "ben@x.example");
}

#[test]
fn what_a_draft_left_behind_is_told_in_every_part_of_a_letter() {
    check("Dear [Name] of {town}", &["warning leftover en.md:5"; 2]);
    check("TODO: the date", &["warning leftover en.md:5"]);
    check("See [the page](https://forum.example/XXX)", &["warning leftover en.md:5"]);
    check("See [the page](https://www.example.org/a)", &["warning leftover en.md:5"]);
    let workspace = with_body("{{ signature }}")
        .letter("outcome", "en", "Subject: For <<Name>>\n\n{{ greeting }}\n\n{{ signature }}\n")
        .file("templates/signature.en.md", "[Your name]\n")
        .file("templates/footer.en.md", "Lorem ipsum\n");
    let expected = ["footer.en.md:1", "en.md:1", "signature.en.md:1"];
    assert_eq!(told(&workspace), expected.map(|place| format!("warning leftover {place}")));
}
