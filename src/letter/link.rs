//! Addresses of links: made of the template and of values, and allowed or not.
//!
//! Owns how a value enters an address and which addresses a letter may link to: `https`, `http`
//! and `mailto`, nothing else (security S8).
//!
//! # Standards
//! RFC 3986 2.1-2.3 (percent-encoding, reserved and unreserved characters), RFC 6068 (mailto).

use super::stand_in::{Reading, read};
use crate::address::EmailAddress;
use crate::problem::Problem;
use std::fmt::Write as _;

/// Makes the address of a link from what Markdown read.
///
/// A value that the address begins with is an address itself (`{{ conference.website }}/more`): it
/// keeps its own punctuation. Anywhere else a value is data: all but unreserved characters are
/// percent-encoded, so that it stays within its place.
///
/// # Errors
/// A [`Problem`] without a place when the address is none that a letter may link to.
pub(super) fn address(markdown_url: &str) -> Result<String, Box<Problem>> {
    let mut address = String::with_capacity(markdown_url.len());
    let mut inside = false;
    let mut leading = false;
    for c in markdown_url.chars() {
        match read(c) {
            Reading::Begin => (inside, leading) = (true, address.is_empty()),
            Reading::End => inside = false,
            Reading::Nothing => {}
            Reading::Plain(c) if inside && !leading && !c.is_ascii() => encode(c, &mut address),
            Reading::Plain(c) if is_never_written(c) => encode(c, &mut address),
            Reading::Plain(c) => address.push(c),
            Reading::OfValue(c) if leading && inside && !is_never_written(c) => address.push(c),
            Reading::OfValue(c @ ('-' | '.' | '_' | '~')) => address.push(c),
            Reading::OfValue('@') if address.starts_with("mailto:") => address.push('@'),
            Reading::OfValue(c) => encode(c, &mut address),
        }
    }
    if is_allowed(&address) { Ok(address) } else { Err(Box::new(refused(&address))) }
}

/// RFC 3986: characters that stand in no address as they are.
fn is_never_written(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

fn encode(c: char, address: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing into a string does not fail.
        let _ = write!(address, "%{byte:02X}");
    }
}

/// Whether a letter may link to this address.
pub(super) fn is_allowed(address: &str) -> bool {
    let begins = |scheme: &str| {
        let (head, rest) = address.split_at_checked(scheme.len())?;
        let named = rest.chars().next().is_some_and(|c| !matches!(c, '/' | '?' | '#'));
        (head.eq_ignore_ascii_case(scheme) && named).then_some(())
    };
    ["https://", "http://", "mailto:"].iter().any(|scheme| begins(scheme).is_some())
}

/// The finding about an address that is not allowed.
pub(super) fn refused(address: &str) -> Problem {
    let shown: String = address.chars().take(100).collect();
    let problem = Problem::error("bad-link", format!("a letter cannot link to `{shown}`"));
    match meant(&shown) {
        Some(meant) => problem.hint(format!("Write {meant}.")),
        None => problem.hint("The address of a link begins with https://, http:// or mailto:."),
    }
}

/// What an address without its scheme, or with one mistyped, was to be.
fn meant(address: &str) -> Option<String> {
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if EmailAddress::parse(address).is_ok() {
        return Some(format!("mailto:{address}"));
    }
    let (scheme, rest) = match address.split_once("//") {
        Some((scheme, rest)) => (scheme.trim_end_matches([':', ';']), rest),
        None => ("", address),
    };
    let is_known = ["", "http", "https", "htp", "htps", "htttp", "htttps", "hhtp", "hhtps"];
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    (is_host && is_known.contains(&scheme)).then(|| format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::escape;
    use super::*;

    fn value(text: &str) -> String {
        let mut out = Vec::new();
        escape(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_stays_within_its_place_in_an_address() {
        for (before, inserted, after, expected) in [
            ("", "https://forum.example", "/presentations", "https://forum.example/presentations"),
            ("", "https://x.example/?a=b&c=d#e", "", "https://x.example/?a=b&c=d#e"),
            ("", "https://x.example/a b\"", "", "https://x.example/a%20b%22"),
            (
                "https://x.example/?q=",
                "a&b=c d/é",
                "&z=1",
                "https://x.example/?q=a%26b%3Dc%20d%2F%C3%A9&z=1",
            ),
            ("https://x.example/", "../../evil?#", "", "https://x.example/..%2F..%2Fevil%3F%23"),
            ("mailto:", "ana@x.example?bcc=y", "", "mailto:ana@x.example%3Fbcc%3Dy"),
        ] {
            let url = format!("{before}{}{after}", value(inserted));
            assert_eq!(address(&url).unwrap(), expected);
        }
    }

    #[test]
    fn s8_a_letter_links_to_web_and_mail_only() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//evil.example",
            "www.forum.example",
            "https:evil",
            "https:///x",
            "mailto:",
            "vbscript:x",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad}");
            assert!(address(&value(bad)).is_err(), "{bad} as a value");
        }
    }
}
