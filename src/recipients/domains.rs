//! What is known of domains and of words before the `@`: the table `domains.tsv`.
//!
//! Owns looking things up; what follows from it is decided in `slips.rs`. The table is small on
//! purpose: a wrong entry makes an officer doubt a right address.

use std::collections::HashMap;
use std::sync::LazyLock;

/// For each line: kind, word and, for slips, what is meant. The file begins with what kinds mean.
const DATA: &str = include_str!("domains.tsv");

/// What is known of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A slip of this domain.
    Slip(&'static str),
    /// A domain of many people, by whose name slips can be found.
    Provider,
    /// A domain that others are made to look like, or that is near a provider's by chance.
    Domain,
    /// A provider that has shut down.
    Closed,
    /// Addresses for an hour.
    Disposable,
}

type Table = HashMap<&'static str, Known>;

static DOMAINS: LazyLock<Table> = LazyLock::new(|| {
    let known = |(kind, word, meant)| {
        let known = match kind {
            "slip" => Known::Slip(meant),
            "provider" => Known::Provider,
            "known" | "neighbour" => Known::Domain,
            "closed" => Known::Closed,
            "disposable" => Known::Disposable,
            _ => return None,
        };
        Some((word, known))
    };
    lines().filter_map(known).collect()
});

static ENDINGS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| of_kind("ending").collect());
static OFFICES: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| of_kind("office").collect());
static UNREAD: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| of_kind("unread").map(|(word, _)| word).collect());

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    DATA.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split('\t');
        let mut next = || cells.next().unwrap_or_default();
        (next(), next(), next())
    })
}

fn of_kind(wanted: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    lines().filter(move |(kind, ..)| *kind == wanted).map(|(_, word, meant)| (word, meant))
}

/// What is known of a domain.
pub(super) fn known(domain: &str) -> Option<Known> {
    DOMAINS.get(domain).copied()
}

/// All domains that others may be slips or look-alikes of, providers first.
pub(super) fn well_known() -> impl Iterator<Item = (&'static str, Known)> {
    of_kind("provider")
        .map(|(domain, _)| (domain, Known::Provider))
        .chain(of_kind("known").map(|(domain, _)| (domain, Known::Domain)))
}

/// The top-level domain that one which does not exist stands for.
pub(super) fn meant_ending(ending: &str) -> Option<&'static str> {
    ENDINGS.get(ending).copied()
}

/// Whether a local part is that of an office: `info`, `Secretariat`, `office2`.
pub(super) fn is_office(local: &str) -> bool {
    OFFICES.contains_key(bare(local).trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// Whether nobody reads what goes to a local part: `no-reply`, `donotreply+forum`.
pub(super) fn is_unread(local: &str) -> bool {
    let bare = bare(local);
    // Only these may be part of a longer word: `bounce` is also a beginning of names.
    let is_part = |word: &str| word.len() > 6 && (bare.starts_with(word) || bare.ends_with(word));
    UNREAD.iter().any(|word| bare == *word || is_part(word))
}

/// A local part in small letters, without what stands behind a `+`, dots, hyphens and underlines.
fn bare(local: &str) -> String {
    let before_tag = local.split('+').next().unwrap_or(local);
    let letters = before_tag.chars().filter(|c| !matches!(c, '.' | '-' | '_'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::EmailAddress;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_can_be_relied_on() {
        let mut seen = BTreeSet::new();
        for (kind, word, meant) in lines() {
            let is_domain = ["slip", "provider", "neighbour", "known", "closed", "disposable"];
            assert!(!word.is_empty() && word == word.to_lowercase() && word == word.trim());
            assert!(seen.insert((is_domain.contains(&kind), word)), "{word} stands there twice");
            match kind {
                "slip" => assert!(known(meant).is_some_and(|k| !matches!(k, Known::Slip(_)))),
                "ending" => assert!(["com", "org", "net"].contains(&meant)),
                _ => assert_eq!(meant, "", "{word}"),
            }
            if is_domain.contains(&kind) {
                assert!(EmailAddress::parse(&format!("a@{word}")).is_ok(), "{word}");
            } else if kind != "ending" {
                assert_eq!(bare(word), word);
            }
        }
        assert!(seen.len() > 200);
    }

    #[test]
    fn offices_and_machines_are_told_from_people() {
        for (local, office, unread) in [
            ("info", true, false),
            ("Secretariat.General", true, false),
            ("office2", true, false),
            ("info+forum", true, false),
            ("no-reply", false, true),
            ("DoNotReply", false, true),
            ("forum.noreply", false, true),
            ("MAILER-DAEMON", false, true),
            ("bounces", false, true),
            ("bouncer", false, false),
            ("ana.perez", false, false),
            ("inform", false, false),
            ("jpost", false, false),
            ("1984", false, false),
        ] {
            assert_eq!((is_office(local), is_unread(local)), (office, unread), "{local}");
        }
    }
}
