//! The same lists in every encoding, separator and line end: names must be right in all.
//!
//! The corpus is invented, fifty names of each script with their towns. What the program finds out
//! about short lists is counted here, and told in docs/decisions/0020-encodings.md.

use super::Encoding;
use crate::language::Language;
use crate::problem::Problems;
use crate::recipients::{ListSource, Options, People, gather};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The people of one script: lines of name and town.
macro_rules! corpus {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/names/", $name, ".txt"))
    };
}

/// Names, the header that people of that script write, and the encodings that carry it.
const CORPUS: [(&str, [&str; 4], &str); 7] = [
    (
        corpus!("western"),
        ["Prénom et nom", "Ville", "Courriel", "Pays"],
        "windows-1252 iso-8859-1 macroman",
    ),
    (corpus!("central"), ["Imię", "Miasto", "E-mail", "Kraj"], "windows-1250 iso-8859-2"),
    (corpus!("cyrillic"), ["Имя", "Город", "Электронная почта", "Страна"], "windows-1251 koi8-r"),
    (corpus!("arabic"), ["الاسم", "المدينة", "البريد الإلكتروني", "البلد"], "windows-1256"),
    (corpus!("simplified"), ["姓名", "城市", "电子邮箱", "国家"], "gb18030"),
    (corpus!("traditional"), ["姓名", "城市", "電子郵件", "國家"], "big5"),
    (corpus!("japanese"), ["氏名", "都市", "メール", "国"], "shift-jis"),
];

const PLAIN_HEADER: [&str; 4] = ["Name", "Town", "E-mail", "Country"];

const UNICODE: &str = "utf-8 utf-8-marked utf-16le utf-16be utf-16le-marked utf-16be-marked";

/// The bytes of a text in an encoding.
fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    match encoding {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-8-marked" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "utf-16le" => wide(u16::to_le_bytes),
        "utf-16be" => wide(u16::to_be_bytes),
        "utf-16le-marked" => [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
        "utf-16be-marked" => [vec![0xfe, 0xff], wide(u16::to_be_bytes)].concat(),
        "iso-8859-1" => text
            .replace('œ', "oe")
            .chars()
            .map(|c| u8::try_from(u32::from(c)).expect("a letter of ISO-8859-1"))
            .collect(),
        legacy => {
            let (bytes, _, lost) = Encoding::parse(legacy).unwrap().0.encode(text);
            assert!(!lost, "{legacy} must carry its corpus");
            bytes.into_owned()
        }
    }
}

/// A list of these people as a spreadsheet writes it.
fn list(people: &[(&str, &str)], header: &[&str; 4], delimiter: char, end: &str) -> String {
    let apart = delimiter.to_string();
    let mut text = header.join(&apart) + end;
    for (n, (name, town)) in (1..).zip(people) {
        let address = format!("person-{n}@town.example");
        text += &([*name, *town, &address, ""].join(&apart) + end);
    }
    text
}

fn people_of(corpus: &'static str) -> Vec<(&'static str, &'static str)> {
    corpus.lines().filter_map(|line| line.split_once(';')).collect()
}

fn read(bytes: &[u8]) -> (People, Problems) {
    // `Imię`, `氏名` and `メール` are no headers that are recognised.
    let setting = |name: &str, headers: &[&str]| crate::recipients::ColumnSetting {
        name: name.to_owned(),
        headers: headers.iter().map(|h| (*h).to_owned()).collect(),
        place: crate::problem::Place::file("secretariat.toml"),
    };
    let options = Options {
        copies: Vec::new(),
        columns: vec![
            setting("email", &["E-mail", "メール", "Courriel", "電子郵件", "电子邮箱"]),
            setting("name", &["Imię", "氏名"]),
        ],
        lists: Vec::new(),
        two_addresses: crate::recipients::TwoAddresses::default(),
        default_language: Language::english(),
        language_by_country: BTreeMap::new(),
    };
    let mut problems = Problems::new();
    let people = gather(&[ListSource { file: "l.csv", bytes }], &options, &mut problems);
    (people, problems)
}

fn names(people: &People) -> Vec<&str> {
    people.recipients.iter().map(|r| r.name.as_deref().unwrap_or_default()).collect()
}

fn is_doubted(problems: &Problems) -> bool {
    problems.iter().any(|p| p.code == "uncertain-encoding" || p.code == "invalid-bytes")
}

#[test]
fn names_are_right_in_every_encoding_separator_and_line_end() {
    for (corpus, header, legacy) in CORPUS {
        let people = people_of(corpus);
        for encoding in legacy.split(' ').chain(UNICODE.split(' ')) {
            for delimiter in [',', ';', '\t', '|'] {
                for end in ["\n", "\r\n", "\r"] {
                    let text = list(&people, &header, delimiter, end);
                    let (found, problems) = read(&encoded(&text, encoding));
                    let what = format!("{encoding} {delimiter:?} {end:?}");
                    let expected: Vec<String> = people
                        .iter()
                        .map(|(name, _)| match encoding {
                            "iso-8859-1" => name.replace('œ', "oe"),
                            _ => (*name).to_owned(),
                        })
                        .collect();
                    assert_eq!(names(&found), expected, "{what}");
                    assert!(!is_doubted(&problems), "{what}: {problems:#?}");
                }
            }
        }
    }
}

/// How often lists of so many people of a corpus are read right in silence, right with a doubt,
/// wrong with a doubt, and wrong in silence.
fn rates(corpus: &'static str, header: &[&str; 4], encoding: &str, rows: usize) -> [usize; 4] {
    let people = people_of(corpus);
    let mut rates = [0; 4];
    for from in (0..people.len()).step_by(5) {
        let some: Vec<_> = people.iter().cycle().skip(from).take(rows).copied().collect();
        let text = list(&some, header, ';', "\r\n");
        let (found, problems) = read(&encoded(&text, encoding));
        let expected: Vec<_> = some.iter().map(|(name, _)| name.replace('œ', "oe")).collect();
        let found: Vec<_> = names(&found).iter().map(|name| name.replace('œ', "oe")).collect();
        rates[match (found == expected, is_doubted(&problems)) {
            (true, false) => 0,
            (true, true) => 1,
            (false, true) => 2,
            (false, false) => 3,
        }] += 1;
    }
    rates
}

#[test]
fn lists_of_one_to_five_people_are_read_right_or_doubted() {
    for (corpus, own_header, legacy) in CORPUS {
        for encoding in legacy.split(' ') {
            for (kind, header) in [("own", &own_header), ("plain", &PLAIN_HEADER)] {
                for rows in [1, 2, 5] {
                    let [right, right_doubted, wrong_doubted, wrong] =
                        rates(corpus, header, encoding, rows);
                    let what = format!("{encoding}, {kind} header, {rows} rows");
                    println!("{what}: {right} {right_doubted} {wrong_doubted} {wrong}");
                    assert_eq!(wrong, 0, "{what}: wrong in silence");
                    assert!(right_doubted + wrong_doubted <= 5, "{what}: doubted too often");
                    let is_enough = rows < 5 || wrong_doubted <= 1 && right >= 7;
                    assert!(is_enough, "{what}: {wrong_doubted} wrong, {right} in silence");
                }
            }
        }
    }
}

/// A file of csv-spectrum: its name, the list, and what is in it.
macro_rules! spectrum {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/corpus/csv-spectrum/csvs/",
                $name,
                ".csv"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/corpus/csv-spectrum/json/",
                $name,
                ".json"
            )),
        )
    };
}

const SPECTRUM: [(&str, &str, &str); 11] = [
    spectrum!("comma_in_quotes"),
    spectrum!("empty"),
    spectrum!("empty_crlf"),
    spectrum!("escaped_quotes"),
    spectrum!("json"),
    spectrum!("newlines"),
    spectrum!("newlines_crlf"),
    spectrum!("quotes_and_newlines"),
    spectrum!("simple"),
    spectrum!("simple_crlf"),
    spectrum!("utf8"),
];

/// csv-spectrum, and cases of the kind that rust-csv tests its reader with.
#[test]
fn the_acid_tests_of_csv_are_cut_as_they_should_be() {
    for (name, csv, json) in SPECTRUM {
        let expected: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(json).unwrap();
        let found = cells(csv.as_bytes());
        let objects: Vec<serde_json::Map<String, serde_json::Value>> = found[1..]
            .iter()
            .map(|row| found[0].iter().cloned().zip(row.iter().map(|c| c.clone().into())).collect())
            .collect();
        assert_eq!(objects, expected, "{name}");
    }
    for (text, expected) in [
        ("", &[][..]),
        ("a", &[&["a"][..]]),
        ("a,", &[&["a", ""]]),
        ("a\n", &[&["a"]]),
        ("a\n\n", &[&["a"]]),
        ("\n\r\n\ra,b\r\n\r\n", &[&["a", "b"]]),
        ("a,b\rx,y", &[&["a", "b"], &["x", "y"]]),
        ("a,b\r\nx,y,z\r\n", &[&["a", "b"], &["x", "y", "z"]]),
        ("\"a\"", &[&["a"]]),
        ("\"\",\"b\"", &[&["", "b"]]),
        ("\"a\"\"b\"", &[&["a\"b"]]),
        ("\"\"\"\"\"\",x", &[&["\"\"", "x"]]),
        ("a,\"b\nc\",d", &[&["a", "b\nc", "d"]]),
        ("a,\"b\r\nc\",d\r\n", &[&["a", "b\r\nc", "d"]]),
        ("a b,c\"d", &[&["a b", "c\"d"]]),
        ("\u{feff}a,b", &[&["a", "b"]]),
        ("☃,ß\n日本,x", &[&["☃", "ß"], &["日本", "x"]]),
        (" a , b ", &[&[" a ", " b "]]),
    ] {
        assert_eq!(cells(text.as_bytes()), expected, "{text:?}");
    }
}

/// The cells of a list.
fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let opened = super::open(&ListSource { file: "l.csv", bytes }, None).unwrap();
    let (mut rows, mut cells) = (opened.rows(), Vec::new());
    while let Some(row) = rows.next_filled().unwrap() {
        cells.push(row.cells().map(str::to_owned).collect());
    }
    cells
}

proptest! {
    // Twenty readings of each list, in a build without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever people are in a list and whatever it is written in, names come back or are doubted.
    #[test]
    fn names_come_back_or_are_doubted(
        which in 0..CORPUS.len(),
        of in any::<prop::sample::Index>(),
        rows in proptest::collection::vec(any::<prop::sample::Index>(), 6..40),
        is_plain in any::<bool>(),
    ) {
        let (corpus, header, legacy) = CORPUS[which];
        let people = people_of(corpus);
        let some: Vec<_> = rows.iter().map(|i| people[i.index(people.len())]).collect();
        let encodings: Vec<&str> = legacy.split(' ').collect();
        let encoding = encodings[of.index(encodings.len())];
        let header = if is_plain { PLAIN_HEADER } else { header };
        let (found, problems) = read(&encoded(&list(&some, &header, ',', "\n"), encoding));
        let expected: Vec<_> = some.iter().map(|(name, _)| name.replace('œ', "oe")).collect();
        let found: Vec<_> = names(&found).iter().map(|name| name.replace('œ', "oe")).collect();
        prop_assert!(is_doubted(&problems) || found == expected, "{} {:?}", encoding, found);
    }

    /// No bytes whatever make reading panic or stand still.
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        head in 0..4_usize,
    ) {
        let head = [&b""[..], b"name,email\n", b"\xff\xfe", b"sep=;\r"][head];
        let (people, problems) = read(&[head, &bytes].concat());
        prop_assert!(!people.recipients.is_empty() || !problems.is_empty());
    }
}
