//! What stands in the cell of an address: one plain address, several, or something else.
//!
//! Owns what officers' cells hold besides an address, and what of it may be dropped because nobody
//! else can be meant: `mailto:`, brackets, quotation marks, one mark behind the address, full-width
//! letters, the same address once more, a name. Everything else is refused (security S11); what is
//! proposed then is `repair.rs`. What several addresses become is the configuration's to say
//! (docs/decisions/0022).
//!
//! # Standards
//! RFC 5322 3.4 (a name before an address, of which little is accepted), RFC 6068 2 (`mailto:`).
//!
//! # Invariants
//! An address comes out of here only through [`EmailAddress::parse`], from characters that stand
//! together in the cell: none is put together from pieces, none is guessed.

use super::fold;
use crate::address::{AddressError, EmailAddress, MAILTO};
use crate::limits::CELL_ADDRESSES_MAX;
use std::borrow::Cow;

/// What a cell holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AddressCell {
    /// One address.
    One(Found),
    /// Several people's, in the order of the cell; at least two.
    Several(Vec<Found>),
    /// Nothing but blanks.
    Empty,
    /// Nothing that a letter may go to.
    Refused(AddressError),
}

/// The one address of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The address.
    pub(super) address: EmailAddress,
    /// What was dropped or read otherwise to get it.
    pub(super) repairs: Vec<Repair>,
    /// The name that stood before it.
    pub(super) beside: Option<String>,
}

/// What was put right in a cell because it can mean nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Repair {
    /// `ａｎａ＠ｘ．ｏｒｇ`: full-width characters, as East Asian keyboards write them.
    FullWidth,
    /// `ana@x.org;`: one dot, comma or semicolon behind it.
    Mark,
    /// `'ana@x.org'`: a pair of quotation marks around it.
    Quotes,
    /// `<ana@x.org>`.
    Brackets,
    /// `Ana Pérez <ana@x.org>`.
    Name,
    /// `mailto:ana@x.org`.
    Mailto,
    /// `ana@x.org <ana@x.org>`.
    Twice,
}

impl Repair {
    /// What was done, before "3 addresses" or "1 address".
    pub(super) fn done(self) -> &'static str {
        match self {
            Repair::FullWidth => "full-width characters were read as ordinary ones in",
            Repair::Mark => "a dot, comma or semicolon was dropped from the end of",
            Repair::Quotes => "quotation marks were dropped from",
            Repair::Brackets => "angle brackets were dropped from",
            Repair::Name => "a name in the cell was dropped from",
            Repair::Mailto => "mailto: was dropped from",
            Repair::Twice => "a second writing was dropped from",
        }
    }
}

impl AddressCell {
    /// What a cell holds; blanks around it are ignored.
    pub(super) fn read(cell: &str) -> AddressCell {
        let text = cell.trim();
        let parsed = EmailAddress::parse(text);
        let is_wide = !text.is_ascii() && text.contains(is_full_width);
        match parsed {
            Ok(address) if !is_wide => {
                return AddressCell::One(Found { address, repairs: Vec::new(), beside: None });
            }
            Err(AddressError::Empty) => return AddressCell::Empty,
            _ => {}
        }
        let narrow = if is_wide { narrowed(text) } else { Cow::Borrowed(text) };
        let mut cell = repaired(&narrow, parsed);
        if let AddressCell::One(found) = &mut cell
            && is_wide
        {
            found.repairs.push(Repair::FullWidth);
        }
        cell
    }
}

/// A cell that is no plain address as it stands, or was none before its letters were made narrow.
fn repaired(text: &str, parsed: Result<EmailAddress, AddressError>) -> AddressCell {
    if let Some(found) = single(text) {
        return AddressCell::One(found);
    }
    let refused = || match parsed {
        Err(error) => AddressCell::Refused(error),
        Ok(_) => AddressCell::Refused(AddressError::NameOrBrackets),
    };
    match several(text).as_deref() {
        Some([only]) => AddressCell::One(Found { repairs: vec![Repair::Twice], ..only.clone() }),
        Some(all) => AddressCell::Several(all.to_vec()),
        None => refused(),
    }
}

/// One address with what may stand around it, each at most once.
fn single(text: &str) -> Option<Found> {
    let mut repairs = Vec::new();
    let mut text = text.trim();
    if let Some(inner) = text.strip_suffix(['.', ',', ';']) {
        repairs.push(Repair::Mark);
        text = inner.trim_end();
    }
    if let Some(inner) = unquoted(text) {
        repairs.push(Repair::Quotes);
        text = inner.trim();
    }
    let mut beside = None;
    if let Some(inner) = text.strip_suffix('>') {
        let (name, inner) = inner.split_once('<')?;
        beside = plain_name(name)?;
        repairs.push(if beside.is_some() { Repair::Name } else { Repair::Brackets });
        text = inner.trim();
    }
    if let Some(address) = without_scheme(text) {
        repairs.push(Repair::Mailto);
        text = address;
    }
    let address = EmailAddress::parse(text).ok()?;
    Some(Found { address, repairs, beside })
}

/// What stands between a pair of quotation marks, where no other one is there.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\'']
        .into_iter()
        .find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark))
        .filter(|inner| !inner.contains('"'))
}

/// The address of a `mailto:` link that has nothing but an address. RFC 6068 2 lets it have
/// octets as `%2B`, and more recipients behind a `?`: such a link is not read.
fn without_scheme(text: &str) -> Option<&str> {
    let scheme = text.get(..MAILTO.len())?;
    let address = text[scheme.len()..].trim_start();
    (scheme.eq_ignore_ascii_case(MAILTO) && !address.contains(['%', '?'])).then_some(address)
}

/// The name before an address, `Some(None)` for none; `None` for what is more than a name: groups,
/// comments, encoded words, another address.
fn plain_name(text: &str) -> Option<Option<String>> {
    let text = text.trim();
    let name = unquoted(text).unwrap_or(text).trim();
    let belongs = |c: char| {
        c.is_alphabetic()
            || unicode_normalization::char::is_combining_mark(c)
            || matches!(c, ' ' | '\u{a0}' | '.' | ',' | '-' | '\'' | '’' | '\u{200c}' | '\u{200d}')
    };
    name.chars().all(belongs).then(|| Some(name.to_owned()).filter(|name| !name.is_empty()))
}

/// The different addresses of a cell that holds nothing but addresses, and words that join them.
fn several(text: &str) -> Option<Vec<Found>> {
    if text.matches('@').count() < 2 {
        return None;
    }
    let found = of_parts(text).or_else(|| of_words(text))?;
    let mut different: Vec<Found> = Vec::new();
    for next in found {
        let is_known = |known: &Found| known.address.compare_key() == next.address.compare_key();
        if !different.iter().any(is_known) {
            different.push(next);
        }
        if different.len() > CELL_ADDRESSES_MAX {
            return None;
        }
    }
    Some(different)
}

/// `Ana <a@x.org>; Bo <b@x.org>`: parts that are an address each.
fn of_parts(text: &str) -> Option<Vec<Found>> {
    let parts = text.split([';', ',', '|', '\n', '\r']).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(single).collect()
}

/// `a@x.org or <b@x.org>`: words that are an address each, or join two.
fn of_words(text: &str) -> Option<Vec<Found>> {
    let brackets: Vec<char> = text.chars().filter(|c| matches!(c, '<' | '>')).collect();
    if !brackets.chunks(2).all(|pair| pair == ['<', '>']) {
        return None;
    }
    let is_between = |c: char| c.is_whitespace() || ";,|/<>".contains(c);
    let words = text.split(is_between).filter(|word| !word.is_empty() && !joins(word));
    words.map(single).collect()
}

/// Words and signs that join two addresses in the languages of the lists.
fn joins(word: &str) -> bool {
    const WORDS: [&str; 24] = [
        "or", "and", "ou", "et", "o", "u", "y", "e", "oder", "und", "или", "и", "أو", "و", "或",
        "或者", "和", "及", "&", "+", "-", "–", "mailto:", "resp.",
    ];
    WORDS.contains(&word.to_lowercase().as_str())
}

/// U+FF01 to U+FF5E stand for `!` to `~`; two more for a full stop.
fn is_full_width(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3002}' | '\u{ff61}')
}

fn narrowed(text: &str) -> Cow<'_, str> {
    let narrow = |c: char| match c {
        '\u{3002}' | '\u{ff61}' => '.',
        c if is_full_width(c) => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    Cow::Owned(text.chars().map(narrow).collect())
}

/// Whether the name beside an address can be the row's person: a word in common, or the same
/// letters. A row without a name says nothing against it.
pub(super) fn may_be(beside: &str, name: Option<&str>) -> bool {
    let Some(name) = name else { return true };
    let (beside_words, words) = (fold::words(beside), fold::words(name));
    let is_in_both =
        |word: &str| word.chars().count() > 1 && beside_words.split(' ').any(|w| w == word);
    words.split(' ').any(is_in_both) || fold::condensed(beside) == fold::condensed(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a@x.example`, with what was repaired; `a@x.example + b@x.example`; or why not.
    fn read(cell: &str) -> String {
        match AddressCell::read(cell) {
            AddressCell::One(found) => {
                let beside = found.beside.map_or(String::new(), |name| format!(" of {name}"));
                format!("{}{beside} {:?}", found.address, found.repairs)
            }
            AddressCell::Several(all) => {
                all.iter().map(|f| f.address.to_string()).collect::<Vec<_>>().join(" + ")
            }
            AddressCell::Empty => "empty".to_owned(),
            AddressCell::Refused(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (cell, expected) in cases {
            assert_eq!(read(cell), *expected, "{cell:?}");
        }
    }

    #[test]
    fn what_can_mean_nothing_else_is_put_right() {
        check(&[
            (" \u{a0}ana@x.example\u{3000} ", "ana@x.example []"),
            ("", "empty"),
            (" \u{a0} ", "empty"),
            ("mailto:ana@x.example", "ana@x.example [Mailto]"),
            ("MailTo: ana@x.example", "ana@x.example [Mailto]"),
            ("ana@x.example.", "ana@x.example [Mark]"),
            ("ana@x.example ,", "ana@x.example [Mark]"),
            ("ana@x.example;", "ana@x.example [Mark]"),
            ("'ana@x.example'", "ana@x.example [Quotes]"),
            ("\"ana@x.example\";", "ana@x.example [Mark, Quotes]"),
            ("<ana@x.example>", "ana@x.example [Brackets]"),
            ("<mailto:ana@x.example>", "ana@x.example [Brackets, Mailto]"),
            ("Ana Pérez <ana@x.example>", "ana@x.example of Ana Pérez [Name]"),
            ("\"Pérez, Ana\" <ana@x.example>;", "ana@x.example of Pérez, Ana [Mark, Name]"),
            ("王芳<fang@x.example>", "fang@x.example of 王芳 [Name]"),
            ("ａｎａ＠ｘ．ｅｘａｍｐｌｅ", "ana@x.example [FullWidth]"),
            ("ana＠x。example", "ana@x.example [FullWidth]"),
            ("ana@x.example；", "ana@x.example [Mark, FullWidth]"),
            ("ana@x.example <ana@x.example>", "ana@x.example [Twice]"),
            ("'ana@x.example' <Ana@X.example>", "ana@x.example [Twice]"),
            ("ana@x.example<mailto:ana@x.example>", "ana@x.example [Twice]"),
            ("ana@x.example; ana@x.example;", "ana@x.example [Twice]"),
        ]);
    }

    #[test]
    fn several_addresses_are_told_apart_however_they_are_joined() {
        for between in [
            ";", ", ", " / ", " ", "\u{a0}", "\n", "\r\n", " or ", " und ", " | ", " или ", "；",
            ">;<", " & ", " ; ; ",
        ] {
            let (before, after) = if between.contains('>') { ("<", ">") } else { ("", "") };
            let cell = format!("{before}a@x.example{between}b@y.example{after}");
            assert_eq!(read(&cell), "a@x.example + b@y.example", "{cell:?}");
        }
        check(&[
            ("Ana <a@x.example>; Bo Li <b@y.example>", "a@x.example + b@y.example"),
            ("a@x.example, A@x.example, b@y.example", "a@x.example + b@y.example"),
            ("a@x.example/b@y.example/c@z.example", "a@x.example + b@y.example + c@z.example"),
        ]);
    }

    /// Security S11: what is not certain is nobody's address.
    #[test]
    fn the_rest_is_refused() {
        let list: Vec<String> = (0..20).map(|n| format!("p{n}@x.example")).collect();
        let list = list.join(";");
        for cell in [
            "ana",
            "ana@@x.example",
            "ana@x,example",
            "ana (at) x.example",
            "ana @x.example",
            "ana@x.example..",
            "ana@x.example;;",
            "<<ana@x.example>>",
            "<ana@x.example",
            "ana@x.example>",
            "Ana <ana@x.example> (home)",
            "Ana (home) <ana@x.example>",
            "Ana <ana@x.example> <ana>",
            "=?utf-8?q?Ana?= <ana@x.example>",
            "team: a@x.example, b@x.example;",
            "@a.example,@b.example:ana@x.example",
            "<@a.example:ana@x.example>",
            "bo@y.example <ana@x.example> SIZE=1",
            "a@x.example> SIZE=1 <b@x.example",
            "a@x.example\r\nRCPT TO:<b@y.example>",
            "\"a b\"@x.example",
            "ana@[192.0.2.1]",
            "mailto:ana%40x.example@y.example",
            "mailto:ana@x.example?cc=bo@x.example",
            "a@x.example; b@",
            "a@x.example; n/a",
            "An\u{202e}a <ana@x.example>",
            "ana@x.example\u{200b}",
            "\u{202a}ana@x.example\u{202c}",
            "ａnа@x.example",
            &list,
        ] {
            assert!(
                matches!(AddressCell::read(cell), AddressCell::Refused(_)),
                "{cell:?}: {}",
                read(cell)
            );
        }
    }

    #[test]
    fn a_name_beside_the_address_must_be_able_to_be_the_rows_own() {
        for (beside, name, expected) in [
            ("Pérez, Ana", Some("Ana María PEREZ"), true),
            ("A. Pérez", Some("Ana Pérez"), true),
            ("王芳", Some("王芳"), true),
            ("Wang Fang", Some("WangFang"), true),
            ("Ana", None, true),
            ("Bo Li", Some("Ana Pérez"), false),
            ("B. Li", Some("Ana B. Pérez"), false),
        ] {
            assert_eq!(may_be(beside, name), expected, "{beside} and {name:?}");
        }
    }
}
