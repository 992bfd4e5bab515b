//! Attacks by values of a list that reach the header of a message.

use super::{assert_all_refused, each_alone, quoted};
use crate::support::python;
use crate::support::reader::{self, Reading, eml_files};
use crate::support::workspace::{Workspace, pdf};

/// What no value in a header may hold: line ends of every kind, NUL, C0 and C1 controls.
fn breaks() -> Vec<String> {
    let named = ["\r", "\n", "\r\n", "\n ", "\0", "\u{85}", "\u{2028}", "\u{2029}"];
    let others = [1, 7, 8, 0xb, 0xc, 0xe, 0x1b, 0x1f, 0x7f, 0x80, 0x8d, 0x9b, 0x9f];
    let others = others.into_iter().filter_map(char::from_u32).map(String::from);
    let all = named.into_iter().map(str::to_owned).chain(others);
    all.map(|c| format!("Lima{c}Bcc: b{c}X-Evil: 1")).collect()
}

/// A letter with these header lines, and a document.
fn letter(header: &str) -> Workspace {
    let body = "{{ greeting }}\n\nthe Statement is final ({{ attachments.map.number }}).\n";
    Workspace::new()
        .letter("outcome", "en", &format!("{header}\n\n{body}"))
        .file("attachments/map.pdf", pdf(500, 1))
        .campaign_lines("attachments = [\"map\"]")
        .config("[attachments.map]\ntitle = \"Map\"\nfile = \"attachments/map.pdf\"\nname = \"map-{file}.pdf\"")
}

/// A person whose columns hold this.
fn list(name: &str, town: &str, file: &str) -> String {
    let cells = [name, town, file].map(quoted).join(",");
    format!("email,name,town,file\nana{{n}}@x.example,{cells}\n")
}

/// Security S2: each character in each place is refused with its row and cell, and nothing panics.
#[test]
fn header_injection_from_list_cells_is_refused() {
    let subject = || letter("Subject: News from {{ recipient.town }}");
    let reply_to = || {
        letter(
            "Subject: News\nReply-To: {{ recipient.town | default(value=\"x\") }} Desk <desk@x.example>",
        )
    };
    let plain = || letter("Subject: News");
    let breaks = breaks();
    let found = each_alone(&breaks, subject, |c| list("Ana", c, "a"));
    assert_all_refused(&breaks, &found, 2, 3);
    let found = each_alone(&breaks, reply_to, |c| list("Ana", c, "a"));
    assert_all_refused(&breaks, &found, 2, 3);
    let found = each_alone(&breaks, plain, |c| list(c, "Lima", "a"));
    assert_all_refused(&breaks, &found, 2, 2);
    // A file name may hold neither.
    let names: Vec<String> = breaks.iter().map(|c| c.replace(": ", "-")).collect();
    let found = each_alone(&names, plain, |c| list("Ana", "Lima", c));
    assert_all_refused(&names, &found, 2, 4);
    // A town that no header names may have two lines.
    let (code, json) = plain()
        .list("l.csv", list("Ana", "Lima\nPeru", "a").replace("{n}", ""))
        .run_json(&["check"]);
    assert_eq!(code, Some(0), "{json:#}");
}

/// Security S2, S13: the conference's and the author's names come into headers too.
#[test]
fn names_in_the_configuration_cannot_add_headers() {
    for (name, from) in [
        ("Forum\\r\\nBcc: b@evil.example", "S <s@forum.example>"),
        ("Forum\\u2028Bcc: b@evil.example", "S <s@forum.example>"),
        ("Forum\\u202Ecnib", "S <s@forum.example>"),
        ("Forum", "S\\r\\nBcc: b <s@forum.example>"),
        ("Forum", "S\\u0085Bcc: b <s@forum.example>"),
        ("Forum", "S\\u2029Bcc: b <s@forum.example>"),
        ("Forum", "boss@bank.example <s@forum.example>"),
        ("Forum", "S\\u202E <s@forum.example>"),
        ("Forum", "S <s@forum.example> <t@forum.example>"),
        ("Forum", "S <s@forum.example>, t@forum.example"),
    ] {
        let config = format!(
            "[conference]\nname = \"{name}\"\n[sender]\nfrom = \"{from}\"\n[campaigns.outcome]\n"
        );
        let workspace = Workspace::with_people(1).whole_config(&config);
        let (code, json) = workspace.run_json(&["check"]);
        let error =
            json["problems"].as_array().expect("a list").iter().find(|p| p["severity"] == "error");
        let error = error.unwrap_or_else(|| panic!("{name} {from}: {json:#}"));
        assert_eq!((code, &error["file"]), (Some(3), &"secretariat.toml".into()), "{json:#}");
    }
}

/// Security S13: nothing of a list or a letter makes another author.
#[test]
fn the_author_comes_from_the_configuration_alone() {
    let header = "Subject: News\nFrom: {{ recipient.town }} <boss@bank.example>";
    let (code, json) = letter(header)
        .list("l.csv", list("Ana", "Lima", "a").replace("{n}", ""))
        .run_json(&["check"]);
    assert_eq!(code, Some(3));
    assert!(json.to_string().contains("From"), "{json:#}");
    for name in
        ["boss@bank.example", "boss＠bank.example", "An\u{202e}a", "An\u{2066}a", "Ana\u{200b}"]
    {
        let names = [name.to_owned()];
        let found = each_alone(&names, || letter("Subject: News"), |c| list(c, "Lima", "a"));
        assert_all_refused(&names, &found, 2, 2);
    }
}

/// Security S12: joiners are letters of Persian and Indic names; marks of direction are not.
#[test]
fn a_persian_name_keeps_its_joiner() {
    let names = ["نرگس\u{200c}خاتون", "क्\u{200d}ष", "\u{200f}سارة\u{200e} علي"];
    let rows: Vec<String> =
        (0..).zip(names).map(|(n, name)| format!("p{n}@x.example,{name},Lima,a")).collect();
    let rows = format!("email,name,town,file\n{}\n", rows.join("\n"));
    let workspace = letter("Subject: News").list("l.csv", rows);
    let out = workspace.dry_run_out("letters");
    let names: Vec<String> =
        reader::read_folder(&out).into_iter().flat_map(|m| m.to_names).collect();
    assert_eq!(names, ["نرگس\u{200c}خاتون", "क्\u{200d}ष", "سارة علي"]);
    let (_, json) = workspace.run_json(&["check"]);
    let note = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|p| p["code"] == "direction-marks");
    assert_eq!(
        note.map(|n| (&n["severity"], &n["line"], &n["column"])),
        Some((&"note".into(), &4.into(), &2.into()))
    );
}

/// Security S2: data that looks like syntax is data to three readers of mail that nobody here
/// wrote, and no message has a header more than another.
#[test]
fn data_in_headers_stays_data_for_three_foreign_readers() {
    let tricky = [
        "Lima",
        "=?utf-8?q?Bcc:_b?=",
        "=?utf-8?b?QmNjOiBi?=",
        "a =?utf-8?q?b?= =?utf-8?q?c?= d",
        "é =?x?",
        "=?utf-8?q?=0D=0ABcc:_b?=",
        "Bcc: b",
        "\"Ana\" <b",
        "a, b; c: d",
        "back\\slash \\\" quote",
        "(comment) [literal]",
        "Ünïcödé 王芳 ﷺ 👩\u{200d}👧",
        "two  blanks",
        "%0d%0aBcc: b",
        "\\r\\nBcc: b",
        "&#13;&#10;Bcc: b",
        "{{ 7*7 }}",
        &"long ".repeat(60),
        &"x".repeat(300),
    ];
    let file = |town: &str| {
        let kept: String = town.chars().filter(|c| !"/\\:*?\"<>|".contains(*c)).collect();
        kept.chars().take(60).collect::<String>().trim().to_owned()
    };
    let row = |(n, town): (usize, &&str)| {
        let cells = [town, town, &&*file(town)].map(|c| quoted(c)).join(",");
        format!("p{n:02}@x.example,{cells}\n")
    };
    let rows: String = tricky.iter().enumerate().map(row).collect();
    let workspace = letter("Subject: {{ recipient.town }}\nReply-To: Desk <desk@x.example>")
        .list("l.csv", format!("email,name,town,file\n{rows}"));
    let out = workspace.dry_run_out("letters");
    let readings = reader::read_folder(&out);
    assert_eq!(readings.len(), tricky.len());
    let third: Vec<(Vec<String>, String)> =
        eml_files(&out).iter().map(|(_, bytes)| third(bytes)).collect();
    let check = |reading: &Reading, town: &str| {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(one_line(&reading.subject), one_line(town));
        assert_eq!(reading.to_names, [one_line(town)]);
        let names: Vec<_> = reading.attachments.iter().map(|a| a.name.clone()).collect();
        assert_eq!(names, [Some(format!("map-{}.pdf", file(town)))]);
        assert_eq!(reading.headers, readings[0].headers, "{town}");
    };
    readings.iter().zip(tricky).for_each(|(reading, town)| check(reading, town));
    for ((reading, town), (headers, subject)) in readings.iter().zip(tricky).zip(&third) {
        assert_eq!(headers, &reading.headers, "{town}");
        assert_eq!(
            subject.split_whitespace().collect::<Vec<_>>(),
            town.split_whitespace().collect::<Vec<_>>()
        );
    }
    if let Some(python) = python::read_folder(&out) {
        python.iter().zip(tricky).for_each(|(reading, town)| check(reading, town));
        // Departure of `message/header.rs`: file names stand in two notations.
        let is_known = |d: &String| d.contains("encoded word") || d.contains("after encoded-word");
        let odd: Vec<_> = python.iter().flat_map(|r| &r.defects).filter(|d| !is_known(d)).collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }
}

/// Names of the headers, and the subject, as `mailparse` sees them.
fn third(bytes: &[u8]) -> (Vec<String>, String) {
    let (headers, _) = mailparse::parse_headers(bytes).expect("a message has a header");
    let subject = headers.iter().find(|h| h.get_key() == "Subject").map(|h| h.get_value());
    (headers.iter().map(|h| h.get_key()).collect(), subject.unwrap_or_default())
}
