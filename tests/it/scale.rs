//! A long list with defects of many kinds: `check` finds every one of them and invents none.
//!
//! The list is drawn from a fixed seed: clean rows, and two hundred rows with one defect each, of
//! which the test knows what must be said and where. What `check --format json` says is compared
//! with that as a whole, so that a finding too many fails as well as one too few.

use crate::support::count;
use crate::support::workspace::Workspace;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "recipients/registration.csv";
const HEADER: [&str; 11] = [
    "Title",
    "Given name",
    "Family name",
    "E-mail",
    "Town",
    "Country",
    "Language",
    "Gender",
    "Greeting",
    "Note",
    "Number",
];

/// Cells, by their place in the header.
const TITLE: usize = 0;
const GIVEN: usize = 1;
const FAMILY: usize = 2;
const EMAIL: usize = 3;
const TOWN: usize = 4;
const COUNTRY: usize = 5;
const LANGUAGE: usize = 6;
const GENDER: usize = 7;
const GREETING: usize = 8;
const NOTE: usize = 9;

const DEFECTS: usize = 200;
const KINDS: usize = SINGLE.len() + TOGETHER.len();

/// `town-hall` as fingers miss it: many at one of them would be people of another town.
const SLIPS: [&str; 6] =
    ["twon-hall", "town-hal", "town-halll", "townhall", "town-hsll", "towm-hall"];

const GIVEN_NAMES: [&str; 32] = [
    "Ana", "José", "Zoë", "Ivan", "Fatima", "Wei", "Amina", "Björn", "Chloé", "Duc", "Elif",
    "Farid", "Giulia", "Hana", "Ingrid", "João", "Kofi", "Lucía", "Marek", "Nadia", "Omar",
    "Priya", "Quentin", "Rosa", "Sven", "Thandi", "Ulla", "Vera", "Wanda", "Xenia", "Yusuf",
    "Zainab",
];
const FAMILY_NAMES: [&str; 32] = [
    "Pérez",
    "García",
    "Müller",
    "Petrov",
    "Hassan",
    "Wang",
    "Diallo",
    "Svensson",
    "Martin",
    "Nguyen",
    "Yılmaz",
    "Rahimi",
    "Rossi",
    "Novák",
    "Larsen",
    "Silva",
    "Mensah",
    "López",
    "Kowalski",
    "Haddad",
    "Khan",
    "Sharma",
    "Dubois",
    "Rojas",
    "Eriksson",
    "Dlamini",
    "Virtanen",
    "Popova",
    "Zielińska",
    "Onegina",
    "Demir",
    "Bello",
];
const COUNTRIES: [&str; 8] =
    ["Peru", "France", "Germany", "Kenya", "China", "Brazil", "Spain", "Egypt"];

/// A row of the list: its cells, quoted where they must be, unless it is written as it stands.
#[derive(Clone)]
struct Row {
    cells: Vec<String>,
    as_it_stands: Option<String>,
}

impl Row {
    /// A row that nothing is to be said about.
    fn clean(n: usize, draw: &mut impl FnMut(usize) -> usize) -> Row {
        let is_woman = n.is_multiple_of(2);
        // One mail domain has many people, as a large town's has.
        let domain = match n % 40 {
            0 => "town-hall.example".to_owned(),
            _ => format!("organisation{}.example", n / 7),
        };
        let cells = [
            if is_woman { "Ms" } else { "Mr" },
            GIVEN_NAMES[draw(GIVEN_NAMES.len())],
            FAMILY_NAMES[draw(FAMILY_NAMES.len())],
            &format!("person{n}@{domain}"),
            &format!("Town {n}"),
            COUNTRIES[draw(COUNTRIES.len())],
            "English",
            if is_woman { "f" } else { "m" },
            "",
            if n.is_multiple_of(5) { "vegetarian, \"no nuts\"" } else { "" },
            &format!("{n}"),
        ];
        Row { cells: cells.map(str::to_owned).to_vec(), as_it_stands: None }
    }

    fn line(&self) -> String {
        let quoted = |cell: &String| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let made = || self.cells.iter().map(quoted).collect::<Vec<_>>().join(",");
        self.as_it_stands.clone().unwrap_or_else(made)
    }
}

/// What is done to a row, and the code and the cell of what must be said; no cell for the row.
type Defect = (fn(&mut Row, usize), &'static str, Option<usize>);

fn set(row: &mut Row, cell: usize, value: impl Into<String>) {
    row.cells[cell] = value.into();
}

/// Defects that are told one by one.
const SINGLE: &[Defect] = &[
    (|row, _| set(row, EMAIL, ""), "no-address", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("person{n}@")), "bad-address", Some(EMAIL)),
    (
        |row, n| set(row, EMAIL, format!("a{n}@x.example; b{n}@x.example")),
        "bad-address",
        Some(EMAIL),
    ),
    (|row, n| set(row, EMAIL, format!("person{n}@gmial.com")), "probable-slip", Some(EMAIL)),
    (
        |row, n| set(row, EMAIL, format!("person{n}@{}.example", SLIPS[n / KINDS])),
        "probable-slip",
        Some(EMAIL),
    ),
    (|row, n| set(row, EMAIL, format!("person{n}@town{n}.con")), "probable-slip", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("сор@organisation{n}.example")), "look-alike", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("a%b{n}@x.example")), "odd-address", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("no-reply@desk{n}.example")), "unread-address", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("a{n}@mailinator.com")), "disposable-address", Some(EMAIL)),
    (|row, n| set(row, EMAIL, format!("a{n}@voila.fr")), "closed-provider", Some(EMAIL)),
    (|row, n| set(row, FAMILY, format!("ana{n}@x.example")), "bad-name", Some(FAMILY)),
    (|row, _| set(row, GIVEN, "Jos?e"), "damaged-name", Some(GIVEN)),
    (|row, _| set(row, FAMILY, "PÃ©rez"), "damaged-name", Some(FAMILY)),
    (|row, _| set(row, GIVEN, "????"), "lost-name", Some(GIVEN)),
    (|row, _| set(row, GIVEN, "N/A"), "no-name", Some(GIVEN)),
    (|row, n| set(row, COUNTRY, format!("Atlantis {n}")), "unknown-country", Some(COUNTRY)),
    (|row, n| set(row, LANGUAGE, format!("Elvish {n}")), "unknown-language", Some(LANGUAGE)),
    (contradict, "title-against-gender", None),
    (swap, "swapped-names", None),
    (|row, _| row.cells.push("too much".to_owned()), "ragged-row", None),
    (text_after_quote, "text-after-quote", None),
    (|row, _| set(row, NOTE, "vegan\u{1}"), "control-character", Some(NOTE)),
    (|row, _| set(row, NOTE, "vegan\0"), "control-character", Some(NOTE)),
    (|row, _| set(row, GREETING, "Dear ,"), "bad-greeting", Some(GREETING)),
    (rows_inside, "rows-in-a-cell", Some(NOTE)),
];

/// Defects of which one finding for all rows tells, at the first of them, with their number.
const TOGETHER: &[Defect] = &[
    (|row, _| set(row, TITLE, "Grandmaster"), "unknown-title", None),
    (|row, _| set(row, GENDER, "q"), "unknown-gender", None),
    (|row, _| set(row, TOWN, "MÃ¡laga"), "damaged-cells", Some(TOWN)),
    (shout, "name-in-capitals", None),
    (whisper, "name-in-small-letters", None),
    (|row, _| row.cells[EMAIL].insert_str(0, "mailto:"), "tidied-address", Some(EMAIL)),
    (|row, _| row.cells[GIVEN].insert(0, '\u{200e}'), "direction-marks", Some(GIVEN)),
    (|row, _| row.cells[COUNTRY].push('\n'), "trimmed", Some(COUNTRY)),
    (|row, n| set(row, EMAIL, format!("info@desk{n}.example")), "office-address", Some(EMAIL)),
];

fn contradict(row: &mut Row, _: usize) {
    let other = if row.cells[TITLE] == "Ms" { "m" } else { "f" };
    set(row, GENDER, other);
}

/// Names that no other row has the wrong way round.
fn swap(row: &mut Row, n: usize) {
    let names = n / KINDS;
    set(row, GIVEN, FAMILY_NAMES[names]);
    set(row, FAMILY, GIVEN_NAMES[names]);
}

fn text_after_quote(row: &mut Row, n: usize) {
    set(row, NOTE, "MARK");
    row.as_it_stands = Some(row.line().replace("MARK", &format!("\"seat {n}\" by the window")));
}

/// As after a quotation mark that somebody forgot: another row stands in the cell.
fn rows_inside(row: &mut Row, n: usize) {
    set(row, NOTE, format!("vegan\nMs,Bo,Li,bo{n}@x.example,Town,Peru,English,f,,,"));
}

fn shout(row: &mut Row, _: usize) {
    set(row, GIVEN, "ROBERTO");
    set(row, FAMILY, "MCDONALD");
}

fn whisper(row: &mut Row, _: usize) {
    set(row, GIVEN, "roberto");
    set(row, FAMILY, "mcdonald");
}

/// Code, line and cell (both from 1) of findings, with how many rows each stands for.
type Findings = BTreeMap<(String, Option<usize>, Option<usize>), u64>;

/// Numbers below a bound, the same in every run (xorshift).
fn drawing(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

/// A list of so many rows, and what must be said about it.
fn list(rows: usize) -> (String, Findings) {
    let mut draw = drawing(0x5eed_0004);
    let mut chosen = BTreeSet::new();
    while chosen.len() < DEFECTS {
        chosen.insert(draw(rows));
    }
    // Which row has which defect is drawn as well.
    let mut kinds: Vec<usize> = (0..DEFECTS).collect();
    (1..DEFECTS).rev().for_each(|n| kinds.swap(n, draw(n + 1)));
    let mut kind_of = chosen.into_iter().zip(kinds).collect::<BTreeMap<usize, usize>>();

    let (mut text, mut line) = (HEADER.join(",") + "\n", 2);
    let (mut expected, mut first) = (Findings::new(), BTreeMap::new());
    for n in 0..rows {
        let mut row = Row::clean(n, &mut draw);
        if let Some(number) = kind_of.remove(&n) {
            let kind = number % KINDS;
            let (spoil, code, cell) = *SINGLE.iter().chain(TOGETHER).nth(kind).expect("a defect");
            spoil(&mut row, number);
            let place = (code.to_owned(), Some(line), cell.map(|cell| cell + 1));
            let place = match kind < SINGLE.len() {
                true => place,
                false => first.entry(code).or_insert(place).clone(),
            };
            *expected.entry(place).or_default() += 1;
        }
        let row = row.line() + "\n";
        line += row.matches('\n').count();
        text += &row;
    }
    (text, expected)
}

/// What `check` finds in a list, but how it was read.
fn found(list: &str) -> (Value, Findings) {
    let letter = "Subject: Outcomes\n\n{{ greeting }}\n\nthank you for coming.\n";
    let workspace = Workspace::new().list("registration.csv", list).letter("outcome", "en", letter);
    let (_, json) = workspace.run_json(&["check"]);
    let mut found = Findings::new();
    for problem in json["problems"].as_array().expect("problems") {
        let number = |key: &str| problem[key].as_u64().map(|n| n as usize);
        let code = problem["code"].as_str().expect("a code").to_owned();
        if !["list-read", "neutral-greeting"].contains(&code.as_str()) {
            assert_eq!(problem["file"], FILE, "{problem:#}");
            let count = problem["count"].as_u64().unwrap_or(1);
            *found.entry((code, number("line"), number("column"))).or_default() += count;
        }
    }
    (json, found)
}

#[test]
fn two_hundred_defects_in_a_long_list_are_all_found_and_none_is_invented() {
    let rows = count(5_000, 100_000);
    let (list, expected) = list(rows);
    let (json, found) = found(&list);
    let missed: Vec<_> = expected.iter().filter(|(at, n)| found.get(*at) != Some(n)).collect();
    let invented: Vec<_> = found.iter().filter(|(at, n)| expected.get(*at) != Some(n)).collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "missed: {missed:#?}\ninvented: {invented:#?}"
    );
    let codes: BTreeSet<&String> = expected.keys().map(|(code, ..)| code).collect();
    let told: u64 = found.values().sum();
    assert!(codes.len() >= 20 && told == DEFECTS as u64, "{} of {codes:?}", told);
    // A row that cannot be cut into cells is told, and counts as none.
    let uncut = expected.iter().filter(|((code, ..), _)| code == "text-after-quote").count();
    assert_eq!(json["lists"][0]["rows"], rows - uncut, "no row is lost to its neighbour");
}

#[test]
fn a_long_list_without_defects_is_no_finding() {
    let mut draw = drawing(0x5eed_0004);
    let rows: String = (0..2_000).map(|n| Row::clean(n, &mut draw).line() + "\n").collect();
    let (json, found) = found(&format!("{}\n{rows}", HEADER.join(",")));
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(json["summary"]["recipients"], 2_000);
}
