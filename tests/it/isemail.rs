//! The address tests of isemail (Dominic Sayers and others), and where this program differs.
//!
//! Owns reading the file and the table in docs/addresses.md: every difference is in the table, in
//! the class that explains it, and the table has no other. A difference that is new fails.

use secretariat::address::EmailAddress;
use std::collections::{BTreeMap, BTreeSet};

/// The tests as published, version 3.05; see the README beside them.
const TESTS: &str = include_str!("fixtures/isemail/tests.xml");

/// The table of differences that people read.
const DOCUMENT: &str = include_str!("../../docs/addresses.md");

/// One of isemail's tests.
struct Case {
    id: u32,
    address: String,
    /// `VALID_CATEGORY`, `RFC5321` ...
    category: String,
}

fn cases() -> Vec<Case> {
    let case = |text: &str| Case {
        id: text.split('"').nth(1).and_then(|id| id.parse().ok()).expect("a test has an id"),
        address: decoded(element(text, "address").unwrap_or_default()),
        category: element(text, "category").expect("a category").replace("ISEMAIL_", ""),
    };
    TESTS.split("<test ").skip(1).map(case).collect()
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, inner) = text.split_once(&format!("<{name}>"))?;
    inner.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

/// Entities as the characters they stand for; U+2400 and on stand for control characters.
fn decoded(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').expect("an entity ends");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let digits = number.strip_prefix("#x").expect("a hexadecimal number");
                let code = u32::from_str_radix(digits, 16).expect("hexadecimal digits");
                let control = (0x2400..0x2420).contains(&code);
                char::from_u32(if control { code - 0x2400 } else { code }).expect("a character")
            }
        });
        plain.push_str(rest);
    }
    plain
}

/// Whether isemail calls it an address that mail can be sent to: all but errors, and what RFC 5322
/// has a form for although no mail can carry it.
fn is_valid(case: &Case) -> bool {
    match case.category.as_str() {
        "VALID_CATEGORY" | "DNSWARN" | "RFC5321" | "CFWS" | "DEPREC" => true,
        "RFC5322" | "ERR" => false,
        other => panic!("isemail has a category {other} that this test does not know"),
    }
}

/// The rows of the table: the class, and the numbers of the tests in it.
fn documented() -> BTreeMap<String, BTreeSet<u32>> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.contains("isemail #"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (_, numbers) = cells[4].split_once('#').expect("numbers behind #");
        let numbers = numbers.split(' ').map(|n| n.parse().expect("a number")).collect();
        (cells[0].to_owned(), numbers)
    };
    rows.map(row).collect()
}

/// The class of a difference, by what stands in the address.
fn class(case: &Case) -> &'static str {
    let address = case.address.trim();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    if !is_valid(case) {
        return "line breaks around the address";
    }
    match () {
        () if domain.contains('[') => "numeric host",
        () if address.contains('(') => "comment",
        () if local.contains('"') => "quotation marks",
        () if address.contains(char::is_whitespace) => "blank or line break inside",
        () if local.contains('|') => "vertical bar",
        () if !domain.contains('.') => "domain without a dot",
        () if domain
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) =>
        {
            "numeric host"
        }
        () => "unexplained",
    }
}

#[test]
fn the_differences_from_isemail_are_those_of_the_table() {
    let cases = cases();
    assert_eq!(cases.len(), 164, "isemail has so many tests");
    let mut differences = BTreeMap::<String, BTreeSet<u32>>::new();
    for case in &cases {
        if EmailAddress::parse(&case.address).is_ok() != is_valid(case) {
            differences.entry(class(case).to_owned()).or_default().insert(case.id);
        }
    }
    assert_eq!(differences, documented());
    let agree = cases.len() - differences.values().map(BTreeSet::len).sum::<usize>();
    assert!(agree > 100, "they agree on {agree} only");
}
