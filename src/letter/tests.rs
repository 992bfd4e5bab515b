//! Letters as a whole: sources and a person in, what the reader gets out.

use super::*;
use crate::recipients::Values;

mod findings;

/// The sample workspace's sources of a campaign.
fn sample(campaign: &str) -> (Sources, Vocabulary) {
    macro_rules! each_language {
        ($before:literal, $after:literal) => {
            [
                ("ar", include_str!(concat!("../../templates/", $before, "ar", $after))),
                ("en", include_str!(concat!("../../templates/", $before, "en", $after))),
                ("es", include_str!(concat!("../../templates/", $before, "es", $after))),
                ("fr", include_str!(concat!("../../templates/", $before, "fr", $after))),
                ("ru", include_str!(concat!("../../templates/", $before, "ru", $after))),
                ("zh", include_str!(concat!("../../templates/", $before, "zh", $after))),
            ]
        };
    }
    let sources = |name: &str, texts: [(&str, &str); 6]| {
        texts
            .map(|(tag, text)| {
                let file = format!("templates/{}", name.replace('*', tag));
                (language(tag), Source { file, text: text.to_owned() })
            })
            .into()
    };
    let letters = match campaign {
        "outcome" => sources("outcome/*.md", each_language!("outcome/", ".md")),
        _ => sources("thank-you/*.md", each_language!("thank-you/", ".md")),
    };
    let logo = include_bytes!("../../templates/images/logo.png").as_slice();
    let logo = ImageFile { file: "templates/images/logo.png".to_owned(), bytes: logo.into() };
    let layout = include_str!("../../templates/layout.html").to_owned();
    let sources = Sources {
        folder: format!("templates/{campaign}"),
        letters,
        layout: Some(Source { file: "templates/layout.html".to_owned(), text: layout }),
        signatures: sources("signature.*.md", each_language!("signature.", ".md")),
        footers: sources("footer.*.md", each_language!("footer.", ".md")),
        images: [("images/logo.png".to_owned(), logo)].into(),
    };
    let config: toml::Table = toml::from_str(include_str!("../../secretariat.toml")).unwrap();
    let conference = config["conference"].as_table().unwrap();
    let conference =
        conference.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    let columns = ["name", "city", "town", "ciudad", "ville", "country"];
    let vocabulary = Vocabulary {
        columns: columns.map(str::to_owned).to_vec(),
        conference,
        attachments: match campaign {
            "outcome" => ["statement", "guidelines", "highlights"].map(str::to_owned).to_vec(),
            _ => Vec::new(),
        },
        default_language: Some(language("en")),
        ..Vocabulary::default()
    };
    (sources, vocabulary)
}

fn language(tag: &str) -> Language {
    Language::parse_tag(tag).unwrap()
}

fn attachment(id: &str, number: u32, title: &str, size: usize) -> Arc<Attachment> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(size, b' ');
    let name = format!("{id}.en.pdf");
    let file = format!("attachments/{name}");
    let mut problems = Problems::new();
    Arc::new(Attachment::new(id, number, title, &name, &file, FileFacts::of(&bytes), &mut problems))
}

fn documents() -> Vec<Arc<Attachment>> {
    vec![
        attachment("statement", 1, "Almara Statement on Learning Towns", 116_439),
        attachment("guidelines", 2, "Guidelines for Learning Towns", 626_985),
        attachment("highlights", 3, "Almara 2026: Highlights", 1_500_000),
    ]
}

/// The letter that a body becomes for a person with these values, in a bare layout.
struct One<'a> {
    language: &'a str,
    body: &'a str,
    values: Vec<(&'a str, &'a str)>,
    attachments: Vec<Arc<Attachment>>,
}

impl<'a> One<'a> {
    fn new(body: &'a str) -> One<'a> {
        One { language: "en", body, values: Vec::new(), attachments: Vec::new() }
    }

    fn with(mut self, values: &[(&'a str, &'a str)]) -> One<'a> {
        self.values = values.to_vec();
        self
    }

    fn compile(&self) -> (Option<Letters>, Problems) {
        let text = format!("Subject: A letter to {{{{ greeting }}}}\n\n{}", self.body);
        let file = format!("templates/c/{}.md", self.language);
        let layout = "<html><head><title>{{ subject }}</title></head><body>\n{{ body }}</body>";
        let sources = Sources {
            letters: [(language(self.language), Source { file, text })].into(),
            layout: Some(Source { file: "layout.html".to_owned(), text: layout.to_owned() }),
            ..Sources::default()
        };
        let vocabulary = Vocabulary {
            columns: ["x", "y", "city"].map(str::to_owned).to_vec(),
            conference: [("name".to_owned(), "The *Forum*".to_owned())].into(),
            attachments: self.attachments.iter().map(|a| a.id.clone()).collect(),
            ..Vocabulary::default()
        };
        let mut problems = Problems::new();
        let letters = Letters::compile(&sources, &vocabulary, &mut problems);
        (letters, problems)
    }

    fn render(&self) -> Result<Letter, RenderFailure> {
        let (letters, problems) = self.compile();
        let letters = letters.unwrap_or_else(|| panic!("{problems:?}"));
        let values = Values::from_pairs(self.values.iter().copied());
        letters.render(&Particulars {
            language: &language(self.language),
            greeting: "Dear Ana,",
            values: &values,
            attachments: &self.attachments,
        })
    }

    fn html(&self) -> String {
        let html = self.render().unwrap().html;
        let start = html.find("<body>\n").unwrap() + 7;
        html[start..html.find("</body>").unwrap()].to_owned()
    }

    fn text(&self) -> String {
        self.render().unwrap().text
    }

    fn codes(&self) -> Vec<&'static str> {
        self.compile().1.iter().map(|p| p.code).collect()
    }
}

#[test]
fn the_sample_letters_are_whole_in_six_languages() {
    for campaign in ["outcome", "thank-you"] {
        let (sources, vocabulary) = sample(campaign);
        let mut problems = Problems::new();
        let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
        assert!(problems.is_empty(), "{:#?}", problems.sorted());
        for tag in ["ar", "en", "es", "fr", "ru", "zh"] {
            let letter = letters
                .render(&Particulars {
                    language: &language(tag),
                    greeting: "Dear Ana Pérez,",
                    values: &Values::from_pairs([("town", "Tallinn"), ("ville", "Tours")]),
                    attachments: &documents(),
                })
                .unwrap();
            assert!(!letter.subject.is_empty() && !letter.text.contains("{{"), "{tag}");
            let direction = if tag == "ar" { "rtl" } else { "ltr" };
            let opening = format!("<html lang=\"{tag}\" dir=\"{direction}\"");
            assert!(letter.html.contains(&opening), "{tag}");
            assert_eq!(letter.images.len(), 1, "{tag}");
            assert!(letter.html.contains(&format!("cid:{}", letter.images[0].content_id)));
            assert!(letter.html.lines().all(|line| line.len() < 4000));
        }
    }
}

#[test]
fn markdown_becomes_html_and_text() {
    for (body, html, text) in [
        ("A *b* **c** `d`", "<p>A <em>b</em> <strong>c</strong> <code>d</code></p>\n", "A b c d\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n", "one\ntwo\n"),
        (
            "# T\n\n## 标题\n\n### U",
            "<h1>T</h1>\n<h2>标题</h2>\n<h3>U</h3>\n",
            "T\n=\n\n标题\n----\n\nU\n",
        ),
        (
            "- a\n- b\n  - c",
            "<ul>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul></li>\n</ul>\n",
            "- a\n- b\n  - c\n",
        ),
        ("3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n", "3. a\n4. b\n"),
        (
            "> a\n> b\n>\n> c",
            "<blockquote>\n<p>a<br>\nb</p>\n<p>c</p>\n</blockquote>\n",
            "> a\n> b\n>\n> c\n",
        ),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n", "a\n\n* * *\n\nb\n"),
        (
            "[us](https://x.example/a?b=1&c=2)",
            "<p><a href=\"https://x.example/a?b=1&amp;c=2\">us</a></p>\n",
            "us (https://x.example/a?b=1&c=2)\n",
        ),
        (
            "[x.example](https://x.example/)",
            "<p><a href=\"https://x.example/\">x.example</a></p>\n",
            "https://x.example/\n",
        ),
        (
            "[a@x.example](mailto:a@x.example)",
            "<p><a href=\"mailto:a@x.example\">a@x.example</a></p>\n",
            "a@x.example\n",
        ),
        ("    code <b>", "<pre>code &lt;b&gt;</pre>\n", "    code <b>\n"),
        ("a &amp; b \\*c\\*", "<p>a &amp; b *c*</p>\n", "a & b *c*\n"),
        ("这是**重点。**对吗", "<p>这是<strong>重点。</strong>对吗</p>\n", "这是重点。对吗\n"),
    ] {
        let one = One::new(body);
        assert_eq!(one.html(), html, "{body}");
        assert_eq!(one.text(), text, "{body}");
    }
}

#[test]
fn a_table_is_aligned_by_display_width_or_stacked() {
    let one = One::new(
        "| Town | 城镇 | Number |\n|---|:-:|--:|\n| Tours | 图尔 | 5 |\n| 阿尔马拉 | x | 12 |",
    );
    assert_eq!(
        one.text(),
        "Town      城镇  Number\n--------  ----  ------\nTours     图尔       5\n阿尔马拉   x        12\n"
    );
    assert!(one.html().contains("<th align=\"center\">城镇</th>"), "{}", one.html());
    assert!(one.html().contains("<td align=\"right\">12</td>"), "{}", one.html());
    let long = "word ".repeat(20);
    let body = format!("| A | B |\n|---|---|\n| {long} | x |\n| y | z |");
    assert_eq!(One::new(&body).text(), format!("A: {}\nB: x\n\nA: y\nB: z\n", long.trim()));
}

/// Values that try to be more than text, each with a word by which it is found again.
const HOSTILE: &[&str] = &[
    "{{ 7*7 }} word",
    "{% if true %}word{% endif %}",
    "<img src=x onerror=alert(1)> word",
    "\"><script>alert(1)</script> word",
    "javascript:alert(1) word",
    "[word](http://evil.example)",
    "![word](http://evil.example/x.png)",
    "<https://evil.example/word>",
    "https://evil.example/word",
    "**word** _word_ `word` ~~word~~",
    "# word",
    "- word",
    "1. word",
    "> word",
    "    word",
    "---\r\n\r\nword",
    "word\n===",
    "| word | word |\n|---|---|\n| a | b |",
    "`` word ``",
    "```\nword\n```",
    "&lt;b&gt;word&amp;&#65;",
    "\\*word\\* \\",
    "[word]: http://evil.example",
    "[^1] word",
    "word\u{FDD1}b\u{4FFFE}\u{4FFFF}\u{1FFFF}\u{6FFFE}",
    "*",
    "word  \n  word",
];

#[test]
fn s8_no_value_makes_an_element_link_or_emphasis() {
    for template in [
        "{{ recipient.x }}",
        "a {{ recipient.x }} b",
        "*{{ recipient.x }}* **{{ recipient.x }}**",
        "- {{ recipient.x }}",
        "> {{ recipient.x }}",
        "## {{ recipient.x }}",
        "`{{ recipient.x }}`",
        "    {{ recipient.x }}",
        "| A |\n|---|\n| {{ recipient.x }} |",
        "[{{ recipient.x }}](https://x.example)",
        "[t](https://x.example/?q={{ recipient.x }})",
        "[t](https://x.example/ \"{{ recipient.x }}\")",
        "{{ recipient.x }}. a",
        "{{ recipient.x | upper }}",
        "[a]: https://x.example\n\n[{{ recipient.x }}]",
    ] {
        let harmless = elements(&One::new(template).with(&[("x", "word")]).html());
        for value in HOSTILE {
            let html = One::new(template).with(&[("x", value)]).html();
            assert_eq!(elements(&html), harmless, "{value:?} in {template:?}: {html}");
            let href = html.split("href=\"").nth(1).map(|h| &h[..h.find('"').unwrap()]);
            assert!(href.is_none_or(|h| h.starts_with("https://x.example")), "{html}");
        }
    }
}

/// The tags of a piece of HTML, without the values of their attributes.
fn elements(html: &str) -> Vec<String> {
    let mut elements = Vec::new();
    for piece in html.split('<').skip(1) {
        let tag = &piece[..piece.find('>').unwrap()];
        elements.push(tag.split([' ', '=']).next().unwrap().to_owned());
    }
    elements
}

#[test]
fn s7_a_person_named_like_a_template_gets_that_name() {
    for name in ["{{ 7*7 }}", "{% for x in y %}", "{{ recipient.y }}", "{# x #}"] {
        let one = One::new("Name: {{ recipient.x }}").with(&[("x", name), ("y", "secret")]);
        assert_eq!(one.text(), format!("Name: {name}\n"));
    }
}

#[test]
fn values_come_out_as_they_are() {
    for value in ["a*b_c`d", "1. a", "# a", "a & b < c > d \"e\" 'f'", "~!@$%^()+=[]{}|\\:;?/.,"] {
        let one = One::new("{{ recipient.x }}").with(&[("x", value)]);
        assert_eq!(one.text(), format!("{value}\n"));
        let code = One::new("`{{ recipient.x }}`").with(&[("x", value)]);
        assert_eq!(code.text(), format!("{value}\n"));
        let table = One::new("| A |\n|---|\n| {{ recipient.x }} |").with(&[("x", value)]);
        assert!(table.text().contains(value), "{}", table.text());
    }
    assert_eq!(One::new("{{ conference.name }}").text(), "The *Forum*\n");
}

#[test]
fn s8_an_address_from_a_value_is_checked() {
    let body = "[site]({{ recipient.x }})";
    let good = One::new(body).with(&[("x", "https://x.example/a")]);
    assert_eq!(good.html(), "<p><a href=\"https://x.example/a\">site</a></p>\n");
    for bad in ["javascript:alert(1)", "data:text/html,x", "www.x.example", "//x.example"] {
        match One::new(body).with(&[("x", bad)]).render() {
            Err(RenderFailure::Problem(problem)) => assert_eq!(problem.code, "bad-link", "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn s6_hostile_templates_are_errors_without_output() {
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    let many_elif =
        format!("{{% if language %}}{}{{% endif %}}", "{% elif language %}".repeat(50_000));
    for body in [
        "{{ get_env(name=\"PATH\") }}",
        "{% include \"/etc/passwd\" %}",
        "{% import \"/etc/passwd\" as x %}",
        "{% extends \"/etc/passwd\" %}",
        "{% for i in range(end=1000000000) %}x{% endfor %}",
        "{{ throw(message=\"x\") }}",
        "{{ now() }}",
        "{{ __tera_context }}",
        &parentheses,
        &many_elif,
        &"x".repeat(2 << 20),
    ] {
        let (letters, problems) = One::new(body).compile();
        assert!(letters.is_none() && problems.has_errors(), "{:.60}", body);
    }
    let quotes = format!("{} a", ">".repeat(20_000));
    assert!(matches!(One::new(&quotes).render(), Err(RenderFailure::Problem(_))));
    let loops = "{% for c in recipient.x %}{{ recipient.x }}{% endfor %}";
    let long = "y".repeat(10_000);
    match One::new(loops).with(&[("x", &long)]).render() {
        Err(RenderFailure::Problem(problem)) => {
            assert!(problem.message.contains("larger than"), "{problem:?}");
        }
        other => panic!("{:?}", other.map(|l| l.html.len())),
    }
}

#[test]
fn all_names_without_a_value_are_found_together() {
    let body = "{{ recipient.x }}\n{% if recipient.y %}y{% endif %}\n{{ recipient.city | upper }}\n\
                {{ recipient.y | default(value=\"-\") }} {% set a = recipient.y %}{{ a }}";
    let Err(RenderFailure::Undefined(undefined)) = One::new(body).render() else { panic!() };
    let found: Vec<_> = undefined.iter().map(|u| format!("{} {}", u.place, u.name)).collect();
    assert_eq!(
        found,
        [
            "templates/c/en.md:3:4 recipient.x",
            "templates/c/en.md:5:4 recipient.city",
            "templates/c/en.md:6:51 recipient.y",
        ]
    );
    let whole = One::new(body).with(&[("x", "1"), ("y", "2"), ("city", "c")]);
    assert_eq!(whole.text(), "1\ny\nC\n2 2\n");
}

#[test]
fn an_absent_value_is_false_and_default_stands_in() {
    let body = "{% if recipient.city %}in {{ recipient.city }}{% else %}at home{% endif %}, \
                {{ recipient.city | default(value=\"your *town*\") }}";
    assert_eq!(One::new(body).text(), "at home, your *town*\n");
    assert_eq!(One::new(body).with(&[("city", "Tours")]).text(), "in Tours, Tours\n");
}

#[test]
fn conditions_and_loops_on_lines_of_their_own_leave_no_gap() {
    let body = "Topics:\n\n{% for t in recipient.x | split(pat=\";\") %}\n{# one #}\n- {{ t | \
                trim }}\n\
                {% endfor %}\n{% if recipient.y %}\n- {{ recipient.y }}\n{% endif %}\n- last";
    let one = One::new(body).with(&[("x", "a; b"), ("y", "c")]);
    assert_eq!(one.text(), "Topics:\n\n- a\n- b\n- c\n- last\n");
    assert!(!one.html().contains("<li><p>"), "{}", one.html());
}

#[test]
fn blocks_of_ours_stand_apart() {
    let mut one = One::new("See {{ attachment_table }} there\n\n- {{ greeting }}");
    one.attachments = documents();
    assert_eq!(
        one.text(),
        "See\n\n(1) Almara Statement on Learning Towns — statement.en.pdf, 113.71 KB\n\
         (2) Guidelines for Learning Towns — guidelines.en.pdf, 612.29 KB\n\
         (3) Almara 2026: Highlights — highlights.en.pdf, 1464.84 KB\n\nthere\n\n- Dear Ana,\n"
    );
    assert_eq!(one.html().matches("<tr>").count(), 3);
    let none = One::new("{% if attachment_table %}a{% endif %}b{{ attachment_table }}");
    assert_eq!(none.text(), "b\n");
    let mut one = One::new(
        "({{ attachments.statement.number }}) {{ attachments.statement.size }}\n\
        {% for id, a in attachments %}{{ loop.index }}/{{ a.number }} {{ id }}\n{% endfor %}",
    );
    one.attachments = documents();
    assert_eq!(one.text(), "(1) 113.71 KB\n1/1 statement\n2/2 guidelines\n3/3 highlights\n");
}

#[test]
fn a_value_of_the_other_direction_is_isolated_but_not_in_the_subject() {
    let mut one = One::new("مرحبا {{ recipient.x }}!").with(&[("x", "Ana Pérez")]);
    one.language = "ar";
    let letter = one.render().unwrap();
    assert_eq!(letter.text, "مرحبا \u{2068}Ana Pérez\u{2069}!\n");
    assert!(letter.html.contains("\u{2068}Ana Pérez\u{2069}"));
    assert!(!letter.subject.contains('\u{2068}'), "{}", letter.subject);
    let one = One::new("Hello {{ recipient.x }} ({{ recipient.x }})").with(&[("x", "أحمد")]);
    assert_eq!(one.text(), "Hello \u{2068}أحمد\u{2069} (\u{2068}أحمد\u{2069})\n");
}

#[test]
fn signatures_and_footers_fall_back_to_the_default_language() {
    let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
    let letter = "Subject: s\n\n{{ greeting }}\n\n{{ signature }}";
    let mut sources = Sources {
        letters: [
            (language("en"), source("en.md", letter)),
            (language("pt-br"), source("pt-br.md", letter)),
            (language("de"), source("de.md", letter)),
        ]
        .into(),
        signatures: [
            (
                language("en"),
                source("signature.en.md", "Regards, {{ language }}\n**{{ recipient.x }}**"),
            ),
            (language("pt"), source("signature.pt.md", "Cumprimentos")),
        ]
        .into(),
        footers: [(language("en"), source("footer.en.md", "Why you get this"))].into(),
        ..Sources::default()
    };
    let mut vocabulary = Vocabulary {
        columns: vec!["x".to_owned()],
        default_language: Some(language("en")),
        ..Vocabulary::default()
    };
    let text = |letters: &Letters, tag: &str| {
        let values = Values::from_pairs([("x", "*Ilse*")]);
        let language = language(tag);
        let particulars = Particulars {
            language: &language,
            greeting: "Hello",
            values: &values,
            attachments: &[],
        };
        letters.render(&particulars).unwrap().text
    };
    let mut problems = Problems::new();
    let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
    // The signature in pt is no other language's for letters in pt-br.
    let (no_signature, no_footer) = ("stand-in-signature de.md", "stand-in-footer de.md");
    assert_eq!(
        codes_and_places(&problems),
        [no_signature, no_footer, "stand-in-footer pt-br.md"],
        "{problems:?}"
    );
    let first = problems.iter().next().unwrap();
    assert_eq!(first.message, "there is no signature in de; letters in de end with the one in en");
    assert_eq!(first.hint.as_deref(), Some("Write templates/signature.de.md."));
    assert_eq!(text(&letters, "pt-br"), "Hello\n\nCumprimentos\n\nWhy you get this\n");
    assert_eq!(text(&letters, "de"), "Hello\n\nRegards, de\n*Ilse*\n\nWhy you get this\n");
    let for_reader = |tag| letters.language_for(&language(tag), &language("de"));
    assert_eq!(for_reader("en-gb"), Some(language("en")));
    assert_eq!(for_reader("fr"), Some(language("de")));
    assert_eq!(letters.language_for(&language("fr"), &language("it")), None);

    vocabulary.default_language = None;
    sources.letters.remove(&language("pt-br"));
    let mut problems = Problems::new();
    let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
    let codes: Vec<_> = problems.iter().map(|p| p.code).collect();
    assert_eq!(codes, ["missing-signature"]);
    assert_eq!(text(&letters, "de"), "Hello\n");
}

#[test]
fn header_lines_are_plain_text() {
    let text = "Asunto: *Hi* {{ recipient.x }} <b>\n  {{ recipient.y }}\n\
                Reply-To: {{ recipient.x }} Desk <desk@x.example>\nPreview: {{ recipient.y }} & more\n\nHello";
    let layout = "<title>{{ subject }}</title>{% if preview %}<i title=\"{{ preview }}\"></i>{% \
                  endif %}{{ body }}";
    let sources = Sources {
        letters: [(language("es"), Source { file: "es.md".to_owned(), text: text.to_owned() })]
            .into(),
        layout: Some(Source { file: "layout.html".to_owned(), text: layout.to_owned() }),
        ..Sources::default()
    };
    let vocabulary =
        Vocabulary { columns: vec!["x".to_owned(), "y".to_owned()], ..Vocabulary::default() };
    let mut problems = Problems::new();
    let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
    let render = |x: &str, y: &str| {
        let values = Values::from_pairs([("x", x), ("y", y)]);
        let particulars = Particulars {
            language: &language("es"),
            greeting: "",
            values: &values,
            attachments: &[],
        };
        letters.render(&particulars)
    };
    let letter = render("A & \"B\"", "c\r\nBcc: d").unwrap();
    assert_eq!(letter.subject, "*Hi* A & \"B\" <b> c Bcc: d");
    assert!(letter.html.contains("<title>*Hi* A &amp; &quot;B&quot; &lt;b&gt; c Bcc: d</title>"));
    assert!(letter.html.contains("<i title=\"c Bcc: d &amp; more\">"), "{}", letter.html);
    assert_eq!(letter.reply_to.unwrap().address.as_str(), "desk@x.example");
    assert!(letters.compiled.letters[&language("es")].is_some());
    match render("a@b", "c") {
        Err(RenderFailure::Problem(problem)) => assert_eq!(problem.code, "bad-reply-to"),
        other => panic!("{other:?}"),
    }
}

fn codes_and_places(problems: &Problems) -> Vec<String> {
    let shown = |p: &Problem| format!("{} {}", p.code, p.place.as_ref().unwrap());
    problems.iter().map(shown).collect()
}

#[test]
fn letters_are_rendered_by_several_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Letters>();
    shared::<Letter>();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 64, failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn s8_any_value_is_only_text(value in "\\PC{1,20}|[*_`<>&|\\[\\]()!#\"'\\\\ \
                                           \n{}%a1.:/~=+-]{1,20}") {
        let body = "**{{ recipient.x }}**a [{{ recipient.x }}](https://x.example/{{ recipient.x \
                    }})\n\n\
                    `{{ recipient.x }}`\n{{ recipient.x }}\n\n- {{ recipient.x }}\n\n| {{ recipient.x }} |\n|---|\n";
        let harmless = elements(&One::new(body).with(&[("x", "word")]).html());
        let html = One::new(body).with(&[("x", &value)]).html();
        proptest::prop_assert_eq!(elements(&html), harmless);
    }

    #[test]
    fn s6_any_template_ends_with_a_letter_or_a_problem(
        body in "([a-z<>*_\\[\\]()`|#\n -]|\\{\\{ ?|\\}\\}|\\{% ?|%\\}|if |for |in |set \
                 |=|\\.|recipient|x|loop|\"|é){0,40}"
    ) {
        let (letters, problems) = One::new(&body).compile();
        match letters {
            Some(_) => drop(One::new(&body).with(&[("x", "a;b")]).render()),
            None => proptest::prop_assert!(problems.has_errors()),
        }
    }
}
