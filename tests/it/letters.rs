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
        assert!(output.stdout.contains(&format!("Write {meant}.")), "{}", output.stdout);
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

/// What is told of a French letter beside an English one.
fn translated(english: &str, french: &str) -> Vec<String> {
    let letter = |body: &str| format!("Subject: Thanks\n\n{{{{ greeting }}}}\n\n{body}\n");
    let list = "email,name,town,language\nana@x.example,Ana,Quito,en\neva@x.example,Eva,Lyon,fr\n";
    let workspace = Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", &letter(english))
        .letter("outcome", "fr", &letter(french))
        .file("templates/images/a.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
        .attachment("map.txt", "a map")
        .attachment("plan.txt", "a plan")
        .whole_config(
            "[conference]\nname = \"Forum\"\nsite = \"https://forum.example\"\nsite_fr = \
             \"https://forum.example/fr\"\n[sender]\nfrom = \"A <a@forum.example>\"\n[relay]\nurl = \
             \"smtp://127.0.0.1:9\"\n[attachments.map]\ntitle = \"Map\"\nfile = \
             \"attachments/map.txt\"\n[campaigns.outcome]\nattachments = [\"map\"]\n",
        );
    let (_, json) = workspace.run_json(&["check"]);
    let problems = json["problems"].as_array().expect("problems").iter();
    let differs = problems.filter(|p| p["code"] == "translation-differs");
    differs
        .map(|p| {
            assert_eq!(p["severity"], "warning");
            assert_eq!(p["file"], "templates/outcome/fr.md");
            p["message"].as_str().expect("a message").to_owned()
        })
        .collect()
}

#[test]
fn a_translation_that_lost_something_is_told_with_both_places() {
    for (english, french, expected) in [
        (
            "In {{ recipient.town | default(value=\"x\") }}.",
            "Bonjour.",
            "it lacks `recipient.town` (en.md line 5)",
        ),
        (
            "See ({{ attachments.map.number }}).",
            "Voir (1).",
            "it lacks `attachments.map.number` (en.md line 5)",
        ),
        ("{% if recipient.town %}a{% endif %}", "b", "it lacks `recipient.town` (en.md line 5)"),
        (
            "{{ recipient.town }}{% if recipient.town == \"Quito\" %}a{% endif %}",
            "{{ recipient.town }}",
            "it lacks the condition `recipient.town == \"Quito\"` (en.md line 5)",
        ),
        (
            "a\n\n[the programme]({{ conference.site }}/a) [mail](mailto:a@x.example)",
            "[le programme]({{ conference.site_fr }}/b)",
            "it lacks the link to `mailto:a@x.example` (en.md line 7)",
        ),
        (
            "[a](https://a.example/en)",
            "[a](https://b.example/)",
            "it lacks the link to `https://a.example/en` (en.md line 5); it adds the link to \
             `https://b.example/` (line 5)",
        ),
        ("## A\n\nb", "b", "it has 0 headings for 1"),
        ("![a](images/a.gif)", "b", "it lacks the image `images/a.gif` (en.md line 5)"),
        ("b", "b\n\n{{ attachment_table }}", "it adds `attachment_table` (line 7)"),
    ] {
        let told = translated(english, french);
        assert_eq!(told, [format!("fr.md differs from en.md: {expected}")]);
    }
}

#[test]
fn a_translation_may_have_its_own_facts_words_and_pages() {
    for (english, french) in [
        ("{{ conference.name }}", "{{ conference.site_fr }}"),
        ("[a]({{ conference.site }}/en/a)", "[b]({{ conference.site_fr }}/fr/b \"t\")"),
        ("[a](https://en.forum.example/a)", "[b](https://fr.forum.example/b?c)"),
        ("[a](mailto:en@x.example)", "[b](mailto:fr@x.example?subject=a)"),
        (
            "# a\n\nb {{ recipient.town }}",
            "# c\n\n{{ recipient.town | upper }} d {{ recipient.town }}",
        ),
        ("{% if language == \"en\" %}a{% endif %}", "b"),
        (
            "({{ attachments.map.number }}) {{ attachments.map.title }}",
            "({{ attachments.map.number }})",
        ),
    ] {
        assert_eq!(translated(english, french), [""; 0], "{english} | {french}");
    }
}

#[test]
fn a_translation_without_greeting_is_told_once() {
    let list = "email,name,language\nana@x.example,Ana,en\neva@x.example,Eva,fr\n";
    let workspace = Workspace::new()
        .list("people.csv", list)
        .letter("outcome", "en", "Subject: Thanks\n\n{{ greeting }}\n\nWe met.\n")
        .letter("outcome", "fr", "Subject: Merci\n\nNous nous sommes vus.\n");
    assert_eq!(told(&workspace), ["warning translation-differs fr.md"]);
}

#[test]
fn a_translation_older_than_the_last_change_is_noted() {
    let workspace = Workspace::new()
        .list("people.csv", "email,name,language\nana@x.example,Ana,en\neva@x.example,Eva,fr\n")
        .letter("outcome", "en", "Subject: Thanks\n\n{{ greeting }}\n\nWe met.\n")
        .letter("outcome", "fr", "Subject: Merci\n\n{{ greeting }}\n\nNous voila.\n");
    let changed = |language: &str, hours: u64| {
        let path = workspace.path().join(format!("templates/outcome/{language}.md"));
        let file = std::fs::File::options().append(true).open(path).expect("a letter");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_790_000_000);
        let time = time + std::time::Duration::from_secs(3600 * hours);
        file.set_modified(time).expect("a time");
    };
    for (english, french, expected) in
        [(50, 0, &["note older-translation fr.md"][..]), (0, 0, &[]), (0, 50, &[])]
    {
        changed("en", english);
        changed("fr", french);
        assert_eq!(told(&workspace), expected, "en {english} fr {french}");
    }
    changed("en", 100);
    let output = workspace.run(&["check", "-v"]);
    assert!(output.stdout.contains("en.md was changed 2 days after fr.md"), "{}", output.stdout);
}
