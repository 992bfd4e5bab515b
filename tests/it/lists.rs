//! Lists as they come out of spreadsheets and registration systems, through the binary.
//!
//! What an officer must see: right names whatever the encoding, a doubt with the line that settles
//! it, titles and totals that are no people, names that an earlier export has damaged. The
//! encodings in all combinations are tried inside the library.

use crate::support::workspace::{LETTER, Workspace};
use serde_json::{Value, json};

fn workspace(list: impl AsRef<[u8]>) -> Workspace {
    let letter = LETTER.replace("{{ recipient.given_name }}", "everybody");
    Workspace::new().list("list.csv", list).letter("outcome", "en", &letter)
}

/// Exit code, JSON, and the problems as `severity code line:column`, without notes.
fn check(workspace: &Workspace) -> (Option<i32>, Value, Vec<String>) {
    let (code, json) = workspace.run_json(&["check"]);
    let place = |p: &Value| format!("{}:{}", p["line"], p["column"]).replace("null", "");
    let problems = json["problems"].as_array().expect("problems").iter();
    let shown = problems
        .filter(|p| p["severity"] != "note" && p["code"] != "reserved-domain")
        .map(|p| format!("{} {}", p["code"].as_str().unwrap_or_default(), place(p)))
        .collect();
    (code, json, shown)
}

fn hint(json: &Value, code: &str) -> String {
    let problems = json["problems"].as_array().expect("problems");
    let found = problems.iter().find(|p| p["code"] == code).expect("the problem");
    format!("{} {}", found["message"], found["hint"])
}

#[test]
fn lists_in_old_encodings_are_read_right_and_check_says_how() {
    // "Prénom;Nom;Courriel" in Windows-1252, "Имя;..." in KOI8-R, Chinese in GB18030, UTF-16.
    let wide: Vec<u8> = "Name\tE-mail\nŁukasz Wójcik\tl@town.example\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [(&[u8], &str, &str, &str); 5] = [
        (
            b"Pr\xe9nom;Nom;Courriel\r\nZo\xe9;Lef\xe8vre;z@town.example\r\n",
            "Windows-1252",
            "semicolons",
            "Zoé Lefèvre",
        ),
        (b"Name,E-mail\rJos\x8e N\x9c\x96ez,j@town.example\r", "MacRoman", "commas", "José Núñez"),
        (
            b"\xe9\xcd\xd1;\xfc\xcc\xc5\xcb\xd4\xd2\xcf\xce\xce\xc1\xd1 \xd0\xcf\xde\xd4\xc1\n\
              \xe9\xd7\xc1\xce \xf0\xc5\xd4\xd2\xcf\xd7;i@town.example\n",
            "KOI8-R",
            "semicolons",
            "Иван Петров",
        ),
        (
            b"\xd0\xd5\xc3\xfb,\xb5\xe7\xd7\xd3\xd3\xca\xcf\xe4\n\xcd\xf5\xb7\xbc,w@town.example\n",
            "gb18030",
            "commas",
            "王芳",
        ),
        (&wide, "UTF-16LE", "tabs", "Łukasz Wójcik"),
    ];
    for (bytes, encoding, delimiter, name) in cases {
        let workspace = workspace(bytes);
        let (code, json, problems) = check(&workspace);
        assert_eq!((code, &problems[..]), (Some(0), &[][..]), "{encoding}: {json:#}");
        let list = &json["lists"][0];
        assert_eq!(list["encoding"], encoding, "{list:#}");
        assert_eq!(list["delimiter"], delimiter, "{list:#}");
        assert_eq!((&list["header_row"], &list["rows"]), (&json!(1), &json!(1)), "{list:#}");
        assert_eq!((&list["names"], &list["sheet"]), (&json!([name]), &Value::Null), "{list:#}");
        let output = workspace.run(&["check"]);
        let line = format!("  recipients/list.csv: 1 row, {encoding}, {delimiter}\n    {name}\n");
        assert!(output.stdout.starts_with(&line), "{output:#?}");
    }
}

#[test]
fn an_uncertain_encoding_is_a_warning_that_names_the_line_that_settles_it() {
    // ő and ű of Windows-1250 are õ and û of Windows-1252.
    let list = b"name,email\nGy\xf6rgy Sz\xfbcs,g@town.example\n";
    let (code, json, problems) = check(&workspace(list));
    assert_eq!((code, &problems[..]), (Some(0), &["uncertain-encoding :".to_owned()][..]));
    let said = hint(&json, "uncertain-encoding");
    for word in ["Szűcs", "Szûcs", "Windows-1250", "Windows-1252", "encoding = "] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let settled =
        workspace(list).config("[lists.\"recipients/list.csv\"]\nencoding = \"windows-1250\"");
    let (_, json, problems) = check(&settled);
    assert_eq!(problems, [""; 0]);
    assert_eq!(json["lists"][0]["names"], json!(["György Szűcs"]));
}

#[test]
fn a_setting_settles_encoding_separator_and_header() {
    let list = b"Forum|2026\nName;Mail|City\nJos\xe9;Lima|j@town.example\n";
    let settings = "[lists.\"list.csv\"]\nencoding = \"iso-8859-1\"\ndelimiter = \"|\"\n\
                    header_row = 2\n[columns]\nemail = \"City\"\nname = \"Name;Mail\"\n";
    let (code, json, problems) = check(&workspace(list).config(settings));
    assert_eq!((code, &problems[..]), (Some(0), &[][..]), "{json:#}");
    let list = &json["lists"][0];
    assert_eq!((&list["header_row"], &list["names"]), (&json!(2), &json!(["José;Lima"])));
    assert_eq!(list["columns"], json!({"email": "City", "name": "Name;Mail"}));
}

#[test]
fn a_setting_for_a_list_that_nobody_reads_names_the_nearest() {
    let list = "name,email\nAna,a@town.example\n";
    let (code, json, problems) =
        check(&workspace(list).config("[lists.\"recipients/lits.csv\"]\nheader_row = 1"));
    assert_eq!(code, Some(0));
    assert!(problems.len() == 1 && problems[0].starts_with("unknown-list "), "{problems:?}");
    assert!(hint(&json, "unknown-list").contains("recipients/list.csv"));
    let (code, json, _) = check(&workspace(list).config("[lists.\"list.csv\"]\nheader_row = 7"));
    assert_eq!(code, Some(3));
    assert!(hint(&json, "no-header").contains("line 7"), "{json:#}");
}

#[test]
fn titles_above_and_totals_below_are_no_people_and_rows_without_address_stay_errors() {
    let list = "World Forum 2026;;;\n\"List of participants, e-mail addresses\";;;\n;;;\n\
                Name;E-mail;Country;;\nAna;a@town.example;Peru;;\nBo;b@town.example;Peru\n;;;\n\
                Total: 2;;;\n";
    let (code, json, problems) = check(&workspace(list));
    assert_eq!((code, &problems[..]), (Some(0), &["not-a-person 8:".to_owned()][..]), "{json:#}");
    assert_eq!(
        (&json["lists"][0]["header_row"], &json["lists"][0]["rows"]),
        (&json!(4), &json!(2))
    );
    assert!(hint(&json, "not-a-person").contains("Total: 2"));
    let output = workspace(list).run(&["check"]);
    assert!(output.stdout.contains("names of columns on line 4"), "{output:#?}");
    let (code, _, problems) = check(&workspace("Name;E-mail;Country\nBo;;\nAna;a@town.example;\n"));
    assert_eq!((code, &problems[..]), (Some(3), &["no-address 2:2".to_owned()][..]));
    // A person above a second header is nobody's title.
    let (code, _, problems) = check(&workspace("Ana,a@town.example\nname,email\nBo,b@x.example\n"));
    assert_eq!((code, &problems[..]), (Some(3), &["no-header 1:".to_owned()][..]));
}

#[test]
fn damaged_names_are_listed_by_row_with_the_repair_where_it_is_certain() {
    let list = "name,email,city\nJosÃ©,a@town.example,Lima\nP?rez,b@town.example,MÃ¡laga\n\
                Jos&eacute;,c@town.example,\nP\u{fffd}rez,d@town.example,\nAna,e@town.example,M?xico\n\
                Ð\u{9f}ÐµÑ‚Ñ€Ð¾Ð²,f@town.example,\n";
    let (code, json, problems) = check(&workspace(list));
    assert_eq!(code, Some(3));
    let expected = [
        "bad-name 5:1",
        "bad-name 7:1",
        "damaged-name 2:1",
        "damaged-name 3:1",
        "damaged-cells 3:3",
        "damaged-name 4:1",
    ];
    assert_eq!(problems, expected, "{json:#}");
    let said = json["problems"].to_string();
    for repair in ["probably \\\"José\\\"", "probably \\\"Петров\\\"", "probably \\\"Málaga\\\""]
    {
        assert!(said.contains(repair), "{repair}: {json:#}");
    }
}

#[test]
fn bytes_that_are_no_text_in_the_lists_encoding_are_an_error_with_their_line() {
    let list = b"name,email,city\nJos\xc3\xa9,a@town.example,M\xc3\xa1laga\n\
        Zo\xc3\xab,z@town.example,Gen\xc3\xa8ve\nAna,b@town.example,L\xfame\n";
    let (code, json, problems) = check(&workspace(list));
    assert_eq!(code, Some(3));
    assert!(problems.contains(&"invalid-bytes 4:".to_owned()), "{json:#}");
    assert_eq!(json["lists"][0]["encoding"], "UTF-8");
}

/// Security S20.
#[test]
fn hostile_lists_with_nul_ragged_rows_double_headers_and_quoted_newlines_have_their_lines() {
    for (what, list, expected) in [
        ("NUL", "email,note\na@town.example,x\0y\n", "control-character 2:2"),
        ("a ragged row", "email,name\na@town.example,Ana,x\n", "ragged-row 2:"),
        ("double headers", "email,City,city\na@town.example,Lima,\n", "duplicate-column 1:"),
        (
            "an open quote",
            "email,name\nc@town.example,Cy\na@town.example,\"Ana\n",
            "unclosed-quote 3:",
        ),
        ("a line break", "email,name\na@town.example,\"An\na\"\n", "bad-name 2:2"),
    ] {
        let (code, json, problems) = check(&workspace(list));
        assert_eq!(
            (code, &problems[..]),
            (Some(3), &[expected.to_owned()][..]),
            "{what}: {json:#}"
        );
    }
}

/// Security S20: a cell of a gigabyte. Below what a list may have it is read, and refused at the
/// cell; above, not even read. The files are holes: they take no room.
#[cfg(target_os = "linux")]
#[test]
fn a_list_of_one_endless_cell_is_refused_in_bounded_memory() {
    let is_long = std::env::var_os("SECRETARIAT_TEST_LONG").is_some();
    let sizes: &[u64] =
        if is_long { &[60 << 20, 500 << 20, 1 << 30] } else { &[60 << 20, 1 << 30] };
    for size in sizes {
        let workspace = workspace("email,name\na@town.example,\"x\n");
        let list = workspace.path().join("recipients/list.csv");
        let file = std::fs::OpenOptions::new().write(true).open(list).expect("the list");
        file.set_len(*size).expect("a hole");
        // What is too large is not read at all. The rest is read once; it makes its room by doubling.
        let kib = if *size > 512 << 20 { 400 << 10 } else { (size >> 10) + (1_200 << 10) };
        let limit = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        let output = workspace.run_under(&["bash", "-c", &limit], &["check", "--format", "json"]);
        assert_eq!(output.code, Some(3), "{size}: {output:#?}");
        let said = output.json()["problems"].to_string();
        let expected = if *size > 512 << 20 { "512 MB" } else { "never closed" };
        assert!(said.contains(expected), "{size}: {said}");
    }
}

/// `[columns]` is for the whole workspace: what one mailing's list needs was an error of the next.
#[test]
fn a_setting_for_the_list_of_another_mailing_is_no_error_of_this_one() {
    let letter = LETTER.replace("{{ recipient.given_name }}", "everybody");
    let workspace = Workspace::new()
        .list("office.csv", "E-Mail dienstlich,E-Mail privat,Name\na@x.example,b@x.example,Ana\n")
        .list("ru.csv", "Email,ФИО\nc@x.example,Иван Петров\n")
        .letter("outcome", "en", &letter)
        .letter("certs", "en", &letter)
        .campaign_lines("recipients = [\"recipients/office.csv\"]")
        .config("[campaigns.certs]\nrecipients = [\"recipients/ru.csv\"]");
    let setting = "[columns]\nemail = \"E-Mail dienstlich\"";
    let both = workspace.config(setting);
    assert_eq!(both.run(&["check"]).code, Some(0));
    let (code, json) = both.run_json(&["check", "certs"]);
    assert_eq!((code, json["summary"]["recipients"].as_u64()), (Some(0), Some(1)), "{json:#}");
    let note = hint(&json, "unused-column");
    assert!(note.contains("a list of another mailing has it"), "{note}");
    // What no list of any mailing has is a slip, with all its headers at once.
    let both = both.config("town = [\"Twon\", \"Vlile\"]");
    for campaign in ["outcome", "certs"] {
        let (code, json) = both.run_json(&["check", campaign]);
        assert_eq!(code, Some(3), "{json:#}");
        let error = hint(&json, "unknown-column");
        assert!(error.contains("no list has a column \\\"Twon\\\" or \\\"Vlile\\\""), "{error}");
        assert!(error.contains("Remove the line, or write the header"), "{error}");
        assert_eq!(json["summary"]["errors"], 1, "{json:#}");
    }
    // A list that cannot be read may have it.
    both.write("recipients/office.csv", b"PK\x03\x04");
    let (code, json) = both.run_json(&["check", "certs"]);
    assert_eq!(code, Some(0), "{json:#}");
    assert!(hint(&json, "unused-column").contains("cannot be read"), "{json:#}");
}
