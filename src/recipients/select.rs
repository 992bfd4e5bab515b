//! WHO on the command line: which people a text means.
//!
//! Owns the one rule for it, so that lists and ledger are searched alike: a whole address, alone or
//! behind a name (`Ana Pérez <office@town.example>`, where several people share it), part of a
//! name, part of an address before its `@`, or part of one with it (`ana@town`). That exactly one
//! is found is the caller's to ask for; ids belong to the ledger.
//!
//! # Invariants
//! A whole address means nobody else's, however like it is.

use super::{People, Recipient, fold};
use crate::address::{EmailAddress, Mailbox};
use std::collections::HashSet;

/// Everybody whom a text means, as [`narrowed`] orders them.
#[must_use]
pub fn find<'a>(people: &'a People, who: &str) -> Vec<&'a Recipient> {
    // The address in the list, too, where another is used instead.
    let meant = |r: &&Recipient| {
        let name = r.all_names();
        matches(who, r.address.as_str(), name.as_deref())
            || who.contains('@') && matches(who, r.key.address(), name.as_deref())
    };
    let found: Vec<&Recipient> = people.recipients.iter().filter(meant).collect();
    narrowed(who, found, |r| (&r.address, r.name.as_deref()))
}

/// Those of all who match that are meant, the likeliest first and else in the order given: people
/// whose whole name is the text, where there are any; the one person who has its words as whole
/// words of the name, where that is one; else everybody.
#[must_use]
pub fn narrowed<T>(
    who: &str,
    found: Vec<T>,
    person: impl Fn(&T) -> (&EmailAddress, Option<&str>),
) -> Vec<T> {
    let wanted = fold::words(who);
    let rank = |one: T| {
        let (address, name) = person(&one);
        (Likeness::of(who, &wanted, address, name), one)
    };
    let mut ranked: Vec<(Likeness, T)> = found.into_iter().map(rank).collect();
    ranked.sort_by_key(|(likeness, _)| *likeness);
    let settled = settled(ranked.iter().map(|(likeness, one)| (*likeness, person(one).0)));
    ranked.retain(|(likeness, _)| settled.is_none_or(|settled| *likeness == settled));
    ranked.into_iter().map(|(_, one)| one).collect()
}

/// Whether the names of these people already say who is meant, whoever else has the text in an
/// address.
#[must_use]
pub fn is_settled_by_name<'a>(
    who: &str,
    people: impl IntoIterator<Item = (&'a EmailAddress, Option<&'a str>)>,
) -> bool {
    let wanted = fold::words(who);
    let rank = |(address, name)| (Likeness::of(who, &wanted, address, name), address);
    settled(people.into_iter().map(rank)).is_some()
}

/// The likeness that outdoes all others, where there is one.
fn settled<'a>(people: impl IntoIterator<Item = (Likeness, &'a EmailAddress)>) -> Option<Likeness> {
    let mut with_words = HashSet::new();
    let mut likeness_of_words = Likeness::WholeWords;
    for (likeness, address) in people {
        match likeness {
            Likeness::WholeName => return Some(likeness),
            Likeness::LocalPart | Likeness::WholeWords => {
                with_words.insert(address.compare_key());
                likeness_of_words = likeness;
            }
            Likeness::Beginnings | Likeness::Part => {}
        }
    }
    (with_words.len() == 1).then_some(likeness_of_words)
}

/// How a text is found in somebody's name or address, the likeliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It is the name.
    WholeName,
    /// It is all that stands before the `@`, alone or with the `@`.
    LocalPart,
    /// Its words are words of the name.
    WholeWords,
    /// Words of the name begin with its words, or the address with it.
    Beginnings,
    /// It is in there somewhere.
    Part,
}

impl Likeness {
    fn of(who: &str, wanted: &str, address: &EmailAddress, name: Option<&str>) -> Likeness {
        let name = name.map(fold::words).unwrap_or_default();
        let local = address.local_part().to_lowercase();
        let who = who.trim().to_lowercase();
        let each = |fits: fn(&str, &str) -> bool| {
            wanted.split(' ').all(|word| name.split(' ').any(|of_name| fits(of_name, word)))
        };
        if name == wanted {
            Likeness::WholeName
        } else if who.split('@').next() == Some(local.as_str()) {
            Likeness::LocalPart
        } else if each(|of_name, word| of_name == word) {
            Likeness::WholeWords
        } else if each(|of_name, word| of_name.starts_with(word)) || local.starts_with(&who) {
            Likeness::Beginnings
        } else {
            Likeness::Part
        }
    }
}

/// Whether a text means the person with this address and name: it is the address or part of it
/// before the `@`, whatever its case, or each of its words is part of the name, whatever case and
/// accents.
#[must_use]
pub fn matches(who: &str, address: &str, name: Option<&str>) -> bool {
    if who.contains('@') {
        let Some(wanted) = whole(who) else { return is_in_address(who, address) };
        let Ok(address) = EmailAddress::parse(address) else { return false };
        let is_of = |wanted: &str| name.is_some_and(|name| fold::name(name) == fold::name(wanted));
        return wanted.address.compare_key() == address.compare_key()
            && wanted.name.as_deref().is_none_or(is_of);
    }
    let wanted = fold::words(who);
    let name = name.map(fold::words).unwrap_or_default();
    let is_named = || wanted.split(' ').all(|word| name.contains(word));
    !wanted.is_empty() && (is_named() || is_in_local_part(who, address))
}

/// A whole address that somebody is looked for by, with the name before it where there is one.
#[must_use]
pub fn whole(who: &str) -> Option<Mailbox> {
    let alone = EmailAddress::parse(who).map(|address| Mailbox { name: None, address });
    alone.ok().or_else(|| Mailbox::parse(who).ok())
}

/// Whether two names are one person's, whatever case, accents and order of words.
#[must_use]
pub fn is_same_name(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(fold::name) == b.map(fold::name)
}

/// Part of an address with its `@`, which alone is in each of them.
fn is_in_address(who: &str, address: &str) -> bool {
    let who = who.trim().to_lowercase();
    who.len() > 1 && address.to_lowercase().contains(&who)
}

fn is_in_local_part(who: &str, address: &str) -> bool {
    let local = address.rsplit_once('@').map(|(local, _)| local.to_lowercase());
    local.is_some_and(|local| local.contains(&who.trim().to_lowercase()))
}

/// A name or a text to look for it by, as [`matches()`] compares them: letters and digits without
/// case and accents, words apart by one blank.
#[must_use]
pub fn folded(text: &str) -> String {
    fold::words(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_part_of_a_name_means_a_person() {
        let address = "ana.perez@town.example";
        let name = Some("Ana María Pérez");
        for who in
            ["ANA.perez@TOWN.example", " ana.perez@town.example ", "ana", "perez ana", "MARÍA"]
        {
            assert!(matches(who, address, name), "{who}");
        }
        for who in ["", "  ", "-", "perez@town.example", "town.example", "anna", "ana lopez", "@"] {
            assert!(!matches(who, address, name), "{who}");
        }
        for who in ["ana.perez@", "Perez@town", "ana.perez@town.", "@TOWN"] {
            assert!(matches(who, address, name), "{who}: part of the address");
        }
        assert!(!matches("perez@city", address, name));
        assert!(!matches("anna", address, None));
        for who in ["ana", "A.Per", " ana.perez "] {
            assert!(matches(who, address, None), "{who}: before the @");
        }
        let both = "PEREZ, Ana María <ANA.perez@town.example>";
        assert!(matches(both, address, name));
        assert!(!matches("Ana Pérez <ana.perez@town.example>", address, name), "somebody else");
        assert!(!matches("Ana María Pérez <ana.perez@town.example>", address, None));
        assert!(matches("王芳", "w@x.example", Some("王芳")));
        assert!(matches("w@EDUCACIÓN.example", "w@xn--educacin-13a.example", None));
    }

    /// Who is meant among these names, whose addresses are `p1@x.example` and so on.
    fn meant<'a>(who: &str, names: &[&'a str]) -> Vec<&'a str> {
        let address = |n: usize| EmailAddress::parse(&format!("p{n}@x.example")).unwrap();
        let people: Vec<_> = (1..).zip(names).map(|(n, name)| (address(n), *name)).collect();
        let found = people.into_iter().filter(|(a, name)| matches(who, a.as_str(), Some(name)));
        let found = narrowed(who, found.collect(), |(a, name)| (a, Some(name)));
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn the_likeliest_come_first_and_the_only_one_of_that_name_alone() {
        let names = ["Hery Ranaivo", "Anabel Cruz", "Ana Pérez"];
        assert_eq!(meant("ana", &names), ["Ana Pérez"], "the only Ana");
        assert_eq!(meant("an", &names), ["Anabel Cruz", "Ana Pérez", "Hery Ranaivo"]);
        let two = ["Hery Ranaivo", "Ana Pérez", "Joana Dias", "Ana Cruz"];
        let all = ["Ana Pérez", "Ana Cruz", "Hery Ranaivo", "Joana Dias"];
        assert_eq!(meant("ana", &two), all, "two of them: all are asked about");
        assert_eq!(meant("ana perez", &["Ana Pérez", "Ana Pérez Ruiz"]), ["Ana Pérez"]);
        assert_eq!(meant("p2", &names), ["Anabel Cruz"], "part of an address");
        assert_eq!(meant("p1", &["P1 Li", "Bo"]), ["P1 Li"]);
        let twelve: Vec<String> = (1..=12).map(|n| format!("Name {n}")).collect();
        let twelve: Vec<&str> = twelve.iter().map(String::as_str).collect();
        assert_eq!(meant("p1@", &twelve), ["Name 1"], "not p11@");
        assert_eq!(meant("p1@x", &twelve), ["Name 1"]);
        assert_eq!(meant("p1", &["Li", "P1 Bo"]), ["Li", "P1 Bo"], "an address, and a name");
    }
}
