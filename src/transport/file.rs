//! Messages as files: the names `--out` and `--hand-over` give them.
//!
//! Owns the form of a name: safe on every file system, told apart by its number, and found by the
//! address. Writing the files is the command's.
//!
//! # Invariants
//! A name has no character but `A-Za-z0-9@._+-%`, no directory, and at most
//! [`OUT_NAME_BYTES_MAX`] bytes; two numbers never give one name.

use crate::address::EmailAddress;
use crate::limits::OUT_NAME_BYTES_MAX;
use std::fmt::Write as _;

/// The file of a message: `000042-ana.perez@ministry.example.eml` (contract, JSON).
///
/// Other octets of the address become `%XX`; an address that would make the name longer than
/// [`OUT_NAME_BYTES_MAX`] is cut, never within a character.
#[must_use]
pub fn out_name(number: u32, address: &EmailAddress) -> String {
    const SUFFIX: &str = ".eml";
    let mut name = format!("{number:06}-");
    for c in address.as_str().chars() {
        let before = name.len();
        push_character(&mut name, c);
        if name.len() + SUFFIX.len() > OUT_NAME_BYTES_MAX {
            name.truncate(before);
            break;
        }
    }
    name + SUFFIX
}

fn push_character(name: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_' | '+' | '-') {
        name.push(c);
        return;
    }
    for octet in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(name, "%{octet:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32, address: &str) -> String {
        out_name(number, &EmailAddress::parse(address).unwrap())
    }

    #[test]
    fn names_by_number_and_address() {
        for (number, address, expected) in [
            (1, "Ana.Perez+forum@Mail.example", "000001-Ana.Perez+forum@mail.example.eml"),
            (42, "o'brien@town.example", "000042-o%27brien@town.example.eml"),
            (7, "a/b%c@town.example", "000007-a%2Fb%25c@town.example.eml"),
            (8, "用户@例子.test", "000008-%E7%94%A8%E6%88%B7@xn--fsqu00a.test.eml"),
            (1_234_567, "a@b.example", "1234567-a@b.example.eml"),
        ] {
            assert_eq!(name(number, address), expected);
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_ending() {
        // 64 octets of local part become 189 of name, and the domain does not fit whole.
        let local = "用".repeat(21);
        let long = name(1, &format!("{local}@a-domain.example"));
        assert_eq!(long, format!("000001-{}.eml", "%E7%94%A8".repeat(21)));
        assert_eq!(long.len(), 200);
        let domain = format!("{}example", "abcdefghi.".repeat(18));
        let long = name(2, &format!("a@{domain}"));
        assert_eq!(long.len(), OUT_NAME_BYTES_MAX);
        assert!(long.starts_with("000002-a@abcdefghi.") && long.ends_with(".eml"), "{long}");
        assert_ne!(name(1, &format!("{local}@a.example")), name(2, &format!("{local}@b.example")));
    }
}
