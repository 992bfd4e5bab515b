//! WHO on the command line: which people a text means.
//!
//! Owns the one rule for it, so that lists and ledger are searched alike: a whole address, or part
//! of a name. That exactly one is found is the caller's to ask for; ids belong to the ledger.

use super::{People, Recipient, fold};
use crate::address::EmailAddress;

/// Everybody whom a text means: by address, or by part of the name. Where somebody's whole name
/// is the text, longer names that contain it are not meant.
#[must_use]
pub fn find<'a>(people: &'a People, who: &str) -> Vec<&'a Recipient> {
    let meant = |r: &&Recipient| matches(who, r.address.as_str(), r.name.as_deref());
    let found: Vec<&Recipient> = people.recipients.iter().filter(meant).collect();
    narrowed(who, found, |r| r.name.as_deref())
}

/// Of all who are meant, those whose whole name is the text, where there are any.
#[must_use]
pub fn narrowed<T>(who: &str, found: Vec<T>, name: impl Fn(&T) -> Option<&str>) -> Vec<T> {
    let whole = fold::words(who);
    let is_whole = |one: &T| name(one).is_some_and(|n| fold::words(n) == whole);
    if found.iter().any(is_whole) { found.into_iter().filter(is_whole).collect() } else { found }
}

/// Whether a text means the person with this address and name: it is the address, whatever its
/// case, or each of its words is part of the name, whatever case and accents.
#[must_use]
pub fn matches(who: &str, address: &str, name: Option<&str>) -> bool {
    if who.contains('@') {
        return match (EmailAddress::parse(who), EmailAddress::parse(address)) {
            (Ok(who), Ok(address)) => who.compare_key() == address.compare_key(),
            _ => false,
        };
    }
    let wanted = fold::words(who);
    let name = name.map(fold::words).unwrap_or_default();
    !wanted.is_empty() && wanted.split(' ').all(|word| name.contains(word))
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
        assert!(!matches("ana", address, None));
        assert!(matches("王芳", "w@x.example", Some("王芳")));
        assert!(matches("w@EDUCACIÓN.example", "w@xn--educacin-13a.example", None));
    }
}
