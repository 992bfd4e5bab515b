//! What compiling a letter's sources finds, with its places, and that each is said once.

use super::*;

#[test]
fn problems_of_a_template_have_their_place() {
    for (body, expected) in [
        ("a\n{{ recipient.ctiy }}", "unknown-column templates/c/en.md:4:4"),
        ("{% if recipient.ctiy %}{% endif %}", "unknown-column templates/c/en.md:3:7"),
        ("é {{ recipient.x | uper }}", "unknown-filter templates/c/en.md:3:20"),
        ("{{ recipient.x + }}", "template-syntax templates/c/en.md:3:18"),
        ("a {{ recipient.x", "template-syntax templates/c/en.md:3:3"),
        ("{% if language %}a", "template-syntax templates/c/en.md:3:1"),
        (
            "{{ greeting }\nDear {{ recipient.x }},\nit's nine words",
            "template-syntax templates/c/en.md:3:1",
        ),
        ("[x]({{ conference.name })", "template-syntax templates/c/en.md:3:5"),
        ("{{ recipient.Ctiy }}", "unknown-column templates/c/en.md:3:4"),
        ("{{ recipient.X }}", "unknown-column templates/c/en.md:3:4"),
        ("[a](ftp://x.example)", "bad-link templates/c/en.md:3:1"),
        ("![a](x.png)", "missing-image templates/c/en.md:3:1"),
        ("", "empty-letter templates/c/en.md"),
    ] {
        let (_, problems) = One::new(body).compile();
        let found: Vec<_> =
            problems.iter().map(|p| format!("{} {}", p.code, p.place.as_ref().unwrap())).collect();
        assert_eq!(found, [expected], "{body}");
    }
}

#[test]
fn all_that_is_wrong_with_tags_is_found_together() {
    let body = "{{ recipient.x }\n{{ recipient.ctiy }} {% if recipient.y }}\n{% endif %}";
    let found = |body| codes_and_places(&One::new(body).compile().1);
    let syntax = |place| format!("template-syntax templates/c/en.md:{place}");
    // What a block was to hold is not judged where its own tag cannot be read.
    assert_eq!(found(body), [syntax("3:1"), syntax("4:22")]);
    let unknown = "unknown-column templates/c/en.md:4:4".to_owned();
    let body = "{{ recipient.x }\n{{ recipient.ctiy }}\n{% endif %}";
    assert_eq!(found(body), [syntax("3:1"), unknown, syntax("5:1")]);
}

#[test]
fn a_letter_that_greets_nobody_or_was_not_written_is_noticed() {
    for (subject, body, expected) in [
        ("s", "Hello", &["no-greeting en.md"][..]),
        ("s", "{% if greeting %}a{% endif %}", &[]),
        ("s", "{ greeting }", &["single-braces en.md:3:1"]),
        ("{conference.name}", "{{ greeting }}", &["single-braces en.md:1:10"]),
        ("s", "{{ greeting }}\n\nWrite your letter here.", &["placeholder en.md:5:1"]),
    ] {
        let text = format!("Subject: {subject}\n\n{body}");
        let sources = Sources {
            letters: [(language("en"), Source { file: "en.md".to_owned(), text })].into(),
            ..Sources::default()
        };
        let mut problems = Problems::new();
        Letters::compile(&sources, &Vocabulary::default(), &mut problems).unwrap();
        assert_eq!(codes_and_places(&problems), expected, "{subject} {body}");
    }
}

#[test]
fn a_letter_that_speaks_of_attachments_has_some() {
    assert_eq!(One::new("You will find it attached.").codes(), ["attached-but-nothing"]);
    assert_eq!(One::new("Hello.").codes(), [""; 0]);
    let mut one = One::new("Hello.");
    one.attachments = documents();
    assert_eq!(one.codes(), ["attachments-not-mentioned"]);
    one.attachments.truncate(1);
    one.body = "Here is the Statement ({{ attachments.statement.number }}).";
    assert_eq!(one.codes(), [""; 0]);
    for (tag, body) in [
        ("fr", "Vous la trouverez ci-jointe."),
        ("es", "La encontrará adjunta."),
        ("ru", "Она приложена к письму."),
        ("ar", "وتجدونه مرفقًا."),
        ("zh", "随信附上。"),
    ] {
        let mut one = One::new(body);
        one.language = tag;
        assert_eq!(one.codes(), ["attached-but-nothing"], "{tag}");
    }
}

#[test]
fn a_letter_names_the_documents_it_has_and_no_others() {
    for (body, expected) in [
        ("Here is ({{ attachments.statement.number }}).", &["document-not-mentioned"][..]),
        ("Here is (1), and here (2).", &[]),
        ("Here is (1), (2) and (3).", &["no-such-number"]),
        ("Both are attached.", &[]),
        ("Both are attached; see Annex 3.", &["no-such-number"]),
        ("{{ attachment_table }} It began in (2026).", &[]),
        ("{{ attachment_table }} （3）", &["no-such-number"]),
    ] {
        let mut one = One::new(body);
        one.attachments = documents();
        one.attachments.truncate(2);
        assert_eq!(one.codes(), expected, "{body}");
    }
    for (tag, body, expected) in [
        ("en", "We attach great importance to it, and are attached to our towns.", &[][..]),
        ("en", "First (1) and then (2).", &[]),
        ("en", "See attachment 2.", &["attached-but-nothing"]),
        ("en", "See Annex 2 of the programme.", &["no-such-number"]),
        ("de", "Im Anhang finden Sie sie.", &["attached-but-nothing"]),
        ("it", "Troverà tutto in allegato.", &["attached-but-nothing"]),
        ("pt", "Segue em anexo.", &["attached-but-nothing"]),
        ("fr", "Voir l'annexe 2.", &["no-such-number"]),
        ("ja", "添付いたします。", &["attached-but-nothing"]),
        ("sw", "attached", &[]),
    ] {
        let mut one = One::new(body);
        one.language = tag;
        assert_eq!(one.codes(), expected, "{tag} {body}");
    }
}

#[test]
fn a_bad_header_line_without_tags_is_reported_once_and_not_per_person() {
    for (lines, expected) in [
        ("Subject: s\nReply-To: the secretariat", "bad-reply-to x.md:2:11"),
        ("Subject: s\nReply-To: {{ language }} desk", "bad-reply-to x.md:2:11"),
        ("Subject: {% if language == \"x\" %}s{% endif %}", "empty-subject x.md:1:10"),
    ] {
        let text = format!("{lines}\n\n{{{{ greeting }}}} {{{{ recipient.x }}}}");
        let sources = Sources {
            letters: [(language("en"), Source { file: "x.md".to_owned(), text })].into(),
            ..Sources::default()
        };
        let vocabulary = Vocabulary { columns: vec!["x".to_owned()], ..Vocabulary::default() };
        let mut problems = Problems::new();
        let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
        assert_eq!(codes_and_places(&problems), [expected], "{lines}");
        let render = |values| {
            letters.render(&Particulars {
                language: &language("en"),
                greeting: "",
                values: &values,
                attachments: &[],
            })
        };
        let whole = render(Values::from_pairs([("x", "1")]));
        assert!(matches!(whole, Err(RenderFailure::Reported)), "{whole:?}");
        // What is missing from one person's row is said beside it.
        assert!(matches!(render(Values::default()), Err(RenderFailure::Undefined(_))));
    }
}

#[test]
fn a_letter_with_errors_is_reported_once() {
    let source = |text: &str| Source { file: "x.md".to_owned(), text: text.to_owned() };
    let sources = Sources {
        letters: [
            (language("en"), source("Subject: s\n\n{{ greeting }}")),
            (language("fr"), source("Subject: s\n\n{{ nothing }}")),
        ]
        .into(),
        ..Sources::default()
    };
    let mut problems = Problems::new();
    let letters = Letters::compile(&sources, &Vocabulary::default(), &mut problems).unwrap();
    assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["unknown-name"]);
    assert_eq!(letters.language_for(&language("fr"), &language("en")), Some(language("fr")));
    let render = |tag: &str| {
        letters.render(&Particulars {
            language: &language(tag),
            greeting: "",
            values: &Values::default(),
            attachments: &[],
        })
    };
    assert!(matches!(render("fr"), Err(RenderFailure::Reported)));
    assert!(render("en").unwrap().html.starts_with("<!doctype html>"));
}

#[test]
fn the_layout_is_checked_once_with_places() {
    for (layout, expected) in [
        ("<p>\n{{ recipient.x }}{{ body }}", "unknown-name layout.html:2:4"),
        ("<p>{{ bdoy }}{{ body }}", "unknown-name layout.html:1:7"),
        ("<p>\n</p>", "bad-layout layout.html"),
        ("{{ body }}\n<script>x</script>", "bad-layout layout.html:2:1"),
        ("{{ body }}\n<img src=\"images/lgoo.png\" alt=\"x\">", "missing-image layout.html:2:11"),
        (
            "<style data-inline>\np { color: red }\ndiv { a: b }\n</style>{{ body }}",
            "bad-style layout.html:3:1",
        ),
        ("{{ body | safe }}", "refused-filter layout.html:1:11"),
        ("{{ body }}{% include \"x\" %}", "refused-tag layout.html:1:14"),
        ("<p title=\"{{ footer }}\">{{ body }}<a href=\"ftp://x\">", "bad-link layout.html:1:44"),
    ] {
        let sources = Sources {
            letters: ["en", "ar"]
                .map(|tag| {
                    let text = "Subject: s\n\n{{ greeting }}".to_owned();
                    (language(tag), Source { file: format!("{tag}.md"), text })
                })
                .into(),
            layout: Some(Source { file: "layout.html".to_owned(), text: layout.to_owned() }),
            ..Sources::default()
        };
        let mut problems = Problems::new();
        Letters::compile(&sources, &Vocabulary::default(), &mut problems).unwrap();
        let found: Vec<_> =
            problems.iter().map(|p| format!("{} {}", p.code, p.place.as_ref().unwrap())).collect();
        assert_eq!(found, [expected], "{layout}");
    }
}
