//! Security S7 and S8: what stands in a list becomes text in a letter, and nothing else; and the big
//! list of naughty strings through every column.
//!
//! Two workspaces are alike but for the cells under attack: one holds harmless words there. A
//! foreign parser must find the same elements, attributes and links in both.

use crate::support::python::{self, Page};
use crate::support::reader::{self, Reading};
use crate::support::workspace::Workspace;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Names that are templates elsewhere.
const TEMPLATES: &[&str] = &[
    "{{ 7*7 }}",
    "{% include \"x\" %}",
    "Ana {#",
    "{# x #}",
    "{{ recipient.email }}",
    "{% raw %}{{ 1 }}",
    "${7*7}",
    "{% for x in y %}",
    "<%= 7*7 %>",
    "#{7*7}",
];

/// Cells that are Markdown, HTML, an address or a trick elsewhere.
const HOSTILE: &[&str] = &[
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "[x](http://evil.example)",
    "![x](http://evil.example/a.png)",
    "<http://evil.example>",
    "http://evil.example",
    "www.evil.example",
    "**bold** _em_ __x__ ~~s~~",
    "&lt;b&gt; &#60;b&#62; &amp; &NewLine; &#x3c;i&#x3e;",
    "`code` ``",
    "``` x",
    "a | b | c",
    "|---|",
    "# Heading",
    "1. one",
    "- one",
    "+ one",
    "> quoted",
    "[^1]: note",
    "[^1]",
    "[a]: http://evil.example",
    "[a][a]",
    "](http://evil.example",
    "![",
    "\\",
    "\\*",
    "===",
    "---",
    "a\u{2028}===",
    "a\u{2029}# b",
    "</a></p></td></table>",
    "</title><b>",
    "</style><b>",
    "-->",
    "<!--",
    "<![CDATA[",
    "]]>",
    "&#x202e;",
    "a\tb",
    "{{ 7*7 }}",
    "+ADw-script+AD4-",
    "\u{ff1c}script\u{ff1e}",
    "data:text/html,<b>",
    "//evil.example",
    "..%2f..%2f",
    "x\" y='z",
    "*",
    "_",
    "<",
    "&",
    "\u{FDD0}\u{FDEF}\u{1FFFE}\u{4FFFE}\u{8FFFE}\u{E000}",
];

/// Every kind of place that a cell can land in.
const BODY: &str = "\
{{ greeting }}

Value: {{ recipient.note }}

# {{ recipient.note }}

## A {{ recipient.note }}

- {{ recipient.note }}
- a {{ recipient.note }}
1. {{ recipient.note }}

> {{ recipient.note }}

| A | {{ recipient.note }} |
|---|---|
| {{ recipient.note }} | b |

*{{ recipient.note }}* **{{ recipient.note }}** a*{{ recipient.note }}*b

`{{ recipient.note }}` \\{{ recipient.note }} {{ recipient.note }}\\

    {{ recipient.note }}

[{{ recipient.note }}](https://x.example/) [t](https://x.example/?q={{ recipient.note }}#{{ \
recipient.note }}) [t](https://x.example \"{{ recipient.note }}\") [{{ recipient.note }}] [a]

![{{ recipient.note }}](images/dot.gif) {{ recipient.note }}{{ recipient.note }}

{{ recipient.note }}
===

{% if recipient.note %}
{{ recipient.note | upper }} {{ recipient.note | truncate(length=3) }} {{ \"<\" ~ recipient.note }}
{% endif %}

[a]: https://x.example

{{ signature }}
";

/// A page that has a value in the value of an attribute, in its title and in its text.
const LAYOUT: &str = "<!doctype html>\n<html><head><title>{{ subject }}</title></head>\n<body>\n\
                      <p title=\"{{ subject }}\" lang='{{ language }}'>{{ preview }}</p>\n\
                      {{ body }}\n<hr>\n{{ footer }}\n</body></html>\n";

/// The smallest picture there is.
const DOT: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\
                     \x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// A cell of a list in quotation marks.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// A cell as it may stand in a header of the message: what breaks a line there is refused, with its
/// row and cell (security S2, `headers.rs`).
fn in_a_header(cell: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    cell.replace(breaks, " ")
}

/// A list with these cells in one column; its other columns are harmless. `about` has what is in
/// `note`, for the letter's headers.
fn list(column: &str, cells: &[&str]) -> String {
    let mut list = "email,name,title,city,country,language,note,about\n".to_owned();
    for (n, cell) in cells.iter().enumerate() {
        let value = |name: &str, usual: &str| match name == column {
            true => quoted(cell),
            false => usual.to_owned(),
        };
        writeln!(
            list,
            "{},{},{},{},{},{},{},{}",
            value("email", &format!("p{n:04}@x.example")),
            value("name", "Ana"),
            value("title", "Dr"),
            value("city", "Quito"),
            value("country", "Peru"),
            value("language", "en"),
            value("note", "word"),
            quoted(&if column == "note" { in_a_header(cell) } else { "word".to_owned() }),
        )
        .expect("a String takes all");
    }
    list
}

/// A workspace whose letter puts the column `note` into every kind of place.
fn everywhere(cells: &[&str]) -> Workspace {
    let letter = format!(
        "Subject: About {{{{ recipient.about }}}}\nPreview: On {{{{ recipient.about }}}}\n\n{BODY}"
    );
    Workspace::new()
        .list("people.csv", list("note", cells))
        .letter("outcome", "en", &letter)
        .file("templates/layout.html", LAYOUT)
        .file("templates/images/dot.gif", DOT)
        .file("templates/signature.en.md", "*{{ recipient.note }}*\n[s](mailto:a@x.example)\n")
        .file("templates/footer.en.md", "{{ recipient.note }} - {{ recipient.note }}\n")
}

/// The letters of a workspace as a foreign reader sees them.
fn letters(workspace: &Workspace) -> Option<Vec<Reading>> {
    python::read_folder(&workspace.dry_run_out("out"))
}

fn pages(workspace: &Workspace) -> Vec<String> {
    let folder = workspace.beside("pages");
    let output = workspace.run(&["preview", "--out", &folder.to_string_lossy()]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    let mut letters: Vec<_> = std::fs::read_dir(folder.join("letters"))
        .expect("pages")
        .map(|entry| entry.expect("a page").path())
        .collect();
    letters.sort();
    letters.push(folder.join("index.html"));
    letters.iter().map(|path| std::fs::read_to_string(path).expect("a page")).collect()
}

/// Where links lead, without what a value may add to them.
fn targets(page: &Page) -> Vec<String> {
    let own = |target: &String| target.split(['?', '#']).next().unwrap_or_default().to_owned();
    let mut targets: Vec<String> = page.targets.iter().map(own).collect();
    // Content-IDs follow from the picture, and pages hold the picture itself.
    targets.retain(|target| !target.starts_with("cid:") && !target.starts_with("data:image/"));
    targets
}

#[test]
fn s7_a_person_named_like_a_template_gets_that_name() {
    let names: Vec<&str> = TEMPLATES.to_vec();
    let letter = "Subject: For {{ recipient.name }}\n\n{{ greeting }}\n\nName: {{ recipient.name }}\n\n\
                  {{ attachments.map.title }}\n\n{{ attachment_table }}\n";
    let config = "[attachments.map]\ntitle = \"{{ 7*7 }} {% include \\\"x\\\" %} **m**\"\n\
                  file = \"attachments/map.txt\"\n";
    let workspace = Workspace::new()
        .list("people.csv", list("name", &names))
        .letter("outcome", "en", letter)
        .file("attachments/map.txt", "a map")
        .campaign_lines("attachments = [\"map\"]")
        .config(config);
    let read = reader::read_folder(&workspace.dry_run_out("out"));
    assert_eq!(read.len(), names.len());
    let html: Vec<String> = read.iter().map(|m| m.html.clone().expect("html")).collect();
    let pages = python::read_html(&html);
    for (n, (message, name)) in read.iter().zip(&names).enumerate() {
        assert_eq!(message.to_names, [*name]);
        assert_eq!(message.subject, format!("For {name}"));
        let text = flat(message.text.as_deref().expect("text"));
        assert!(text.contains(&format!("Name: {name} {{{{ 7*7 }}}}")), "{text}");
        assert!(text.starts_with(&format!("Dear Dr {name},")), "{text}");
        assert!(text.contains("{{ 7*7 }} {% include \"x\" %} **m**"), "{text}");
        assert!(!text.contains("49"), "{text}");
        if let Some(pages) = &pages {
            let seen = &pages[n].text;
            assert!(seen.contains(&format!("Name: {name}")), "{seen}");
            assert!(seen.contains("{{ 7*7 }} {% include \"x\" %} **m**"), "{seen}");
        }
    }
}

#[test]
fn s8_no_cell_makes_an_element_link_or_emphasis_in_a_letter() {
    let harmless = vec!["word"; HOSTILE.len()];
    let (Some(good), Some(bad)) = (letters(&everywhere(&harmless)), letters(&everywhere(HOSTILE)))
    else {
        return;
    };
    let html = |letters: &[Reading]| {
        let pages: Vec<String> = letters.iter().map(|m| m.html.clone().expect("html")).collect();
        python::read_html(&pages).expect("Python is there")
    };
    let of_word = &html(&good)[0].elements;
    for element in ["<h1", "<li", "<blockquote", "<td", "<em", "<strong", "<code", "<a ", "<img"] {
        assert!(of_word.iter().any(|e| e.starts_with(element)), "{element} in {of_word:?}");
    }
    for (((good, bad), cell), message) in html(&good).iter().zip(&html(&bad)).zip(HOSTILE).zip(&bad)
    {
        assert_eq!(bad.elements, good.elements, "{cell:?}");
        assert_eq!(targets(bad), targets(good), "{cell:?}");
        assert!(
            bad.targets.iter().all(|t| !t.contains("javascript") || t.contains("?q=")),
            "{bad:?}"
        );
        let seen = seen(cell);
        let plain = flat(message.text.as_deref().expect("text"));
        assert!(plain.contains(&format!("Value: {seen}")), "{cell:?} in {plain}");
        assert!(flat(&bad.text).contains(&format!("Value: {seen}")), "{cell:?} in {}", bad.text);
        assert_eq!(flat(&message.subject), flat(&format!("About {seen}")), "{cell:?}");
    }
}

#[test]
fn s8_no_cell_makes_an_element_or_link_in_a_page_of_preview() {
    let harmless = vec!["word"; HOSTILE.len()];
    let (good, bad) = (pages(&everywhere(&harmless)), pages(&everywhere(HOSTILE)));
    let (Some(good), Some(bad)) = (python::read_html(&good), python::read_html(&bad)) else {
        return;
    };
    assert_eq!(good.len(), HOSTILE.len() + 1);
    for (n, (good, bad)) in good.iter().zip(&bad).enumerate() {
        assert_eq!(bad.elements, good.elements, "{:?}", HOSTILE.get(n));
        assert_eq!(targets(bad), targets(good), "{:?}", HOSTILE.get(n));
    }
}

/// What a reader sees of a cell: line ends are blanks, controls that turn text around are gone, and
/// so is what is never text (Unicode 23.7); the five of them that stand for something stand for it.
fn seen(cell: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Some(' '),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{8FFFE}' | '\u{4FFFE}' => None,
        '\u{FDD0}' => Some('!'),
        '\u{FDEF}' => Some('~'),
        '\u{1FFFE}' => Some(' '),
        c => Some(c),
    };
    flat(&cell.chars().filter_map(shown).collect::<String>())
}

/// A text with one blank for every run of them, without what isolates a value of the other direction.
fn flat(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn s20_every_naughty_string_in_every_column_is_a_letter_or_a_problem_with_its_place() {
    let strings = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/fixtures/blns/blns.json"
    ));
    let strings: Vec<String> = serde_json::from_str(&strings.expect("the list")).expect("JSON");
    assert_eq!(strings.len(), 515);
    let cells: Vec<&str> = strings.iter().map(String::as_str).collect();
    for column in ["email", "name", "title", "city", "country", "language", "note"] {
        naughty(column, &cells);
    }
}

/// Every string in one column: who gets a letter gets a right one, and who gets none is named.
fn naughty(column: &str, cells: &[&str]) {
    let letter = format!(
        "Subject: About {{{{ recipient.{column} | default(value=\"-\") }}}}\n\n{{{{ greeting }}}}\n\n\
         Value: {{{{ recipient.{column} | default(value=\"-\") }}}}.\n"
    );
    let mut left: BTreeMap<usize, &str> = cells.iter().copied().enumerate().collect();
    let workspace = Workspace::new().letter("outcome", "en", &letter);
    let without_name = loop {
        let numbers: Vec<usize> = left.keys().copied().collect();
        let list = list(column, &left.values().copied().collect::<Vec<_>>());
        workspace.write("recipients/people.csv", &list);
        let (code, json) = workspace.run_json(&["check"]);
        let refused = refused(&json, &list);
        if refused.is_empty() {
            assert_eq!(code, Some(0), "{column}: {json:#}");
            break rows_of(&json, "no-name");
        }
        assert_eq!(code, Some(3), "{column}");
        for row in refused {
            left.remove(&numbers[row]);
        }
        assert!(column == "email" || left.len() > cells.len() / 2, "{column}: {json:#}");
        if left.is_empty() {
            return;
        }
    };
    let read = reader::read_folder(&workspace.dry_run_out(&format!("out-{column}")));
    let by_row: Vec<&str> = left.values().copied().collect();
    let html: Vec<String> = read.iter().map(|m| m.html.clone().expect("html")).collect();
    let pages = python::read_html(&html);
    for (n, message) in read.iter().enumerate() {
        let row = message.to[0].get(1..5).and_then(|n| n.parse::<usize>().ok());
        let Some(cell) = row.map(|row| by_row[row]).filter(|_| column != "email") else {
            assert!(by_row.iter().any(|cell| cell.trim() == message.to[0]), "{message:?}");
            continue;
        };
        let said = flat(message.text.as_deref().expect("text"));
        let value = said.split("Value: ").nth(1).expect("a value").trim_end_matches('.');
        // A name without a letter is left out of the letter, and the row is named; nothing but
        // controls is nothing to see.
        let is_left_out = row.is_some_and(|row| without_name.contains(&row));
        let expected = seen(cell).trim_end_matches('.').to_owned();
        let is_none = value == "-" && (is_left_out || expected.is_empty());
        assert!(is_none || value == expected, "{column} {cell:?}: {said}");
        if let Some(pages) = &pages {
            assert!(flat(&pages[n].text).contains(&said), "{column} {cell:?}: {}", pages[n].text);
            assert_eq!(pages[n].elements, pages[0].elements, "{column} {cell:?}");
        }
    }
    assert!(column == "email" || read.len() == left.len(), "{column}");
}

/// The rows, from 0, that problems of a kind name.
fn rows_of(json: &Value, code: &str) -> Vec<usize> {
    let problems = json["problems"].as_array().expect("problems").iter();
    let lines = problems.filter(|p| p["code"] == code).filter_map(|p| p["line"].as_u64());
    lines.map(|line| usize::try_from(line).expect("a line") - 2).collect()
}

/// The rows, from 0, that errors name; each error must name one.
fn refused(json: &Value, list: &str) -> Vec<usize> {
    let problems = json["problems"].as_array().expect("problems");
    let errors = problems.iter().filter(|p| p["severity"] == "error");
    let row = |problem: &Value| {
        assert_eq!(problem["file"], "recipients/people.csv", "{problem:#}");
        let line = problem["line"].as_u64().unwrap_or_else(|| panic!("no line: {problem:#}"));
        usize::try_from(line).expect("a line") - 2
    };
    let mut rows: Vec<usize> = errors.map(row).collect();
    rows.sort_unstable();
    rows.dedup();
    assert!(rows.iter().all(|row| *row < list.lines().count()));
    rows
}
