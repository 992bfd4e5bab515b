//! The names in one folder: which count, which fit a pattern, in which order they are read.
//!
//! Owns the comparison of a name as written with the names on the disk. Reading folders and files
//! is `workspace.rs`. No I/O.
//!
//! # Invariants
//! A name is found only in the spelling it has on the disk, also where the disk itself does not
//! care (Windows, Mac): a workspace that works on one computer works on the others. Accents may be
//! composed or not, because nobody can see the difference.

use crate::address::case_folded;
use crate::problem::nearest;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;

/// The names in a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// Names that are Unicode, in natural order.
    pub(super) names: Vec<String>,
    /// Where each name stands: as it is, with its accents composed where that differs, and with its
    /// capitals folded. A hundred thousand certificates are looked up in one folder.
    exact: HashMap<String, usize>,
    composed: HashMap<String, usize>,
    folded: HashMap<String, usize>,
    /// Names that are not Unicode, with the odd bytes replaced.
    pub(super) unreadable: Vec<String>,
}

/// What a folder has for a name as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// This name, as it is on the disk.
    Here(&'a str),
    /// Only this name, which differs in capitals.
    Spelled(&'a str),
    /// Nothing.
    Nothing,
}

impl Listing {
    /// A listing of these names.
    pub(super) fn new(mut names: Vec<String>, unreadable: Vec<String>) -> Listing {
        names.sort_by_cached_key(|name| (natural_key(name), name.clone()));
        let (mut exact, mut composed, mut folded) =
            (HashMap::with_capacity(names.len()), HashMap::new(), HashMap::new());
        for (at, name) in names.iter().enumerate() {
            exact.insert(name.clone(), at);
            if !name.is_ascii() {
                composed.entry(name.nfc().collect()).or_insert(at);
            }
            folded.entry(case_folded(name)).or_insert(at);
        }
        Listing { names, exact, composed, folded, unreadable }
    }

    /// Looks up a name as written.
    pub(super) fn entry(&self, wanted: &str) -> Entry<'_> {
        let composed = || wanted.nfc().collect::<String>();
        let is_ascii = wanted.is_ascii();
        let here = self.exact.get(wanted).or_else(|| match is_ascii {
            true => None,
            false => self.composed.get(&composed()),
        });
        if let Some(at) = here {
            return Entry::Here(&self.names[*at]);
        }
        match self.folded.get(&case_folded(wanted)) {
            Some(at) => Entry::Spelled(&self.names[*at]),
            None => Entry::Nothing,
        }
    }

    /// The name that was perhaps meant.
    pub(super) fn nearest(&self, wanted: &str) -> Option<&str> {
        let names = self.names.iter().map(String::as_str);
        nearest(wanted, names.filter(|name| !is_ignored(name)).take(NAMES_COMPARED_MAX))
    }

    /// The names that fit a pattern and count, in natural order.
    pub(super) fn matching(&self, pattern: &str) -> impl Iterator<Item = &str> {
        let pattern: Vec<char> = pattern.nfc().collect();
        self.names.iter().map(String::as_str).filter(move |name| {
            let name_characters: Vec<char> = name.nfc().collect();
            !is_ignored(name) && fits(&pattern, &name_characters)
        })
    }
}

/// Whether a part of a path is a pattern: `*` stands for any characters, `?` for one.
pub(super) fn is_pattern(component: &str) -> bool {
    component.contains(['*', '?'])
}

/// Whether a name is left behind by Office, an operating system or an editor, or is hidden.
pub(super) fn is_ignored(name: &str) -> bool {
    let system = ["thumbs.db", "desktop.ini"].iter().any(|s| name.eq_ignore_ascii_case(s));
    system || name.starts_with('.') || name.starts_with("~$")
}

/// Whether a name fits a pattern. Only the last `*` is ever tried again, so the time is bounded by
/// the product of the lengths whatever the pattern.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                p = star + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Names in which the one that was meant is looked for.
const NAMES_COMPARED_MAX: usize = 10_000;

/// The order in which people count: `list2` before `list10`, capitals no matter. A name as runs of
/// digits and of other characters; of two numbers the one with more digits, zeros at its start left
/// out, is the larger.
fn natural_key(name: &str) -> Vec<(usize, String)> {
    let mut runs: Vec<(bool, String)> = Vec::new();
    for c in case_folded(name).chars() {
        match runs.last_mut() {
            Some((digits, run)) if *digits == c.is_ascii_digit() => run.push(c),
            _ => runs.push((c.is_ascii_digit(), c.to_string())),
        }
    }
    let key = |(digits, run): (bool, String)| {
        let number = run.trim_start_matches('0');
        if digits { (1 + number.len(), number.to_owned()) } else { (usize::MAX, run) }
    };
    runs.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        Listing::new(names.iter().map(|n| (*n).to_owned()).collect(), Vec::new())
    }

    #[test]
    fn names_are_in_the_order_people_count() {
        let names = ["list10.csv", "B.csv", "a.csv", "list2.csv", "2.csv", "list02b.csv", "10.csv"];
        assert_eq!(
            listing(&names).names,
            ["2.csv", "10.csv", "a.csv", "B.csv", "list2.csv", "list02b.csv", "list10.csv"]
        );
    }

    #[test]
    fn a_pattern_fits_whole_names() {
        for (pattern, name, expected) in [
            ("*", "a.csv", true),
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.bak", false),
            ("a?.csv", "a1.csv", true),
            ("a?.csv", "a.csv", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("", "a", false),
            ("é*", "e\u{301}t\u{e9}", true),
            ("[ab].csv", "a.csv", false),
        ] {
            let found = listing(&[name]).matching(pattern).count() == 1;
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_programs_leave_behind_does_not_count() {
        let names = [
            "~$list.xlsx",
            ".~lock.list.ods#",
            "Thumbs.db",
            ".DS_Store",
            "Desktop.ini",
            "list.csv",
        ];
        assert_eq!(listing(&names).matching("*").collect::<Vec<_>>(), ["list.csv"]);
    }

    #[test]
    fn a_name_is_found_only_as_it_is_spelled() {
        let names = listing(&["A.pdf", "e\u{301}te\u{301}.pdf", "statement.en.pdf"]);
        for (wanted, expected) in [
            ("A.pdf", Entry::Here("A.pdf")),
            ("\u{e9}t\u{e9}.pdf", Entry::Here("e\u{301}te\u{301}.pdf")),
            ("a.pdf", Entry::Spelled("A.pdf")),
            ("statment.en.pdf", Entry::Nothing),
        ] {
            assert_eq!(names.entry(wanted), expected, "{wanted}");
        }
        assert_eq!(names.nearest("statment.en.pdf"), Some("statement.en.pdf"));
        assert_eq!(names.nearest("programme.docx"), None);
    }
}
