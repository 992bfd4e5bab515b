//! Reads an SPF record: its terms, or what is wrong with them.
//!
//! Owns the grammar. What a record means for an address is `spf.rs`.
//!
//! # Standards
//! RFC 7208 4.5, 4.6 (selection, syntax), 5 (mechanisms), 6 (modifiers), 7 (macros), 12 (ABNF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A record, term by term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpfRecord {
    /// In the order they are tried.
    pub directives: Vec<Directive>,
    /// `redirect=`: whose record holds where no directive matches.
    pub redirect: Option<String>,
}

/// A mechanism and what it says of an address that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `+` where none is written.
    pub qualifier: Qualifier,
    /// What matches.
    pub mechanism: Mechanism,
    /// As it stands in the record.
    pub written: String,
}

/// What a match says (RFC 7208 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
}

/// What is compared with the address. A domain may hold macros; where it is absent, it is that of
/// the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`
    All,
    /// `include:DOMAIN`
    Include(String),
    /// `a`, `a:DOMAIN`, with the lengths of the prefixes for both kinds of address.
    A(Option<String>, Prefixes),
    /// `mx`, likewise.
    Mx(Option<String>, Prefixes),
    /// `ptr`, not to be used (RFC 7208 5.5).
    Ptr,
    /// `ip4:NETWORK`, `ip6:NETWORK`
    Network(Network),
    /// `exists:DOMAIN`
    Exists(String),
}

impl Mechanism {
    /// Whether it costs one of the ten look-ups (RFC 7208 4.6.4).
    #[must_use]
    pub fn looks_up(&self) -> bool {
        !matches!(self, Mechanism::All | Mechanism::Network(_))
    }
}

/// Bits of an IPv4 and an IPv6 address that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixes {
    /// 0 to 32.
    pub v4: u8,
    /// 0 to 128.
    pub v6: u8,
}

/// A network: an address and the bits of it that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address lies in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let within = |own: u128, other: u128, width: u32| {
            let rest = width - u32::from(self.bits);
            own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                within(own.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => within(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }

    /// The network of an address under the prefix for its kind.
    #[must_use]
    pub fn around(address: IpAddr, prefixes: Prefixes) -> Network {
        let bits = if address.is_ipv4() { prefixes.v4 } else { prefixes.v6 };
        Network { address, bits }
    }
}

/// Whether a TXT record is an SPF record (RFC 7208 4.5).
#[must_use]
pub fn is_spf(text: &str) -> bool {
    let version = text.split(' ').next().unwrap_or_default();
    version.eq_ignore_ascii_case("v=spf1")
}

/// Reads a record that [`is_spf`].
///
/// # Errors
/// Each term that cannot be read, with why.
pub fn parse(text: &str) -> Result<SpfRecord, Vec<String>> {
    let mut record = SpfRecord { directives: Vec::new(), redirect: None };
    let mut faults = Vec::new();
    for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
        match parse_term(term) {
            Ok(Term::Directive(directive)) => record.directives.push(directive),
            Ok(Term::Redirect(_)) if record.redirect.is_some() => {
                faults.push(format!("{term:?}: redirect stands there twice"));
            }
            Ok(Term::Redirect(domain)) => record.redirect = Some(domain),
            Ok(Term::Other) => {}
            Err(why) => faults.push(format!("{term:?}: {why}")),
        }
    }
    if faults.is_empty() { Ok(record) } else { Err(faults) }
}

enum Term {
    Directive(Directive),
    Redirect(String),
    /// `exp=` and modifiers nobody knows: they change no verdict (RFC 7208 6).
    Other,
}

fn parse_term(term: &str) -> Result<Term, String> {
    if !term.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds a character that is not ASCII, such as a typographic dash".to_owned());
    }
    if let Some((name, value)) = modifier(term) {
        return match name.to_ascii_lowercase().as_str() {
            "redirect" => Ok(Term::Redirect(domain(value)?)),
            "exp" => domain(value).map(|_| Term::Other),
            _ => Ok(Term::Other),
        };
    }
    let (qualifier, rest) = match term.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, &term[1..]),
        Some(b'-') => (Qualifier::Fail, &term[1..]),
        Some(b'~') => (Qualifier::SoftFail, &term[1..]),
        Some(b'?') => (Qualifier::Neutral, &term[1..]),
        _ => (Qualifier::Pass, term),
    };
    let mechanism = parse_mechanism(rest)?;
    Ok(Term::Directive(Directive { qualifier, mechanism, written: term.to_owned() }))
}

/// `name=value`, where the name is one: `ip4=192.0.2.1` is no modifier anybody meant, and told so.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (is_name && !is_mechanism(name)).then_some((name, value))
}

const MECHANISMS: [&str; 8] = ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"];

fn is_mechanism(name: &str) -> bool {
    MECHANISMS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn parse_mechanism(text: &str) -> Result<Mechanism, String> {
    let end = text.find([':', '/', '=']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if rest.starts_with('=') {
        return Err(format!("write {name}:... with a colon"));
    }
    let value = rest.strip_prefix(':');
    let required = || value.filter(|v| !v.is_empty()).ok_or(format!("{name}: names nothing"));
    match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "all" => Err("nothing may follow all".to_owned()),
        "include" => Ok(Mechanism::Include(domain(required()?)?)),
        "exists" => Ok(Mechanism::Exists(domain(required()?)?)),
        "ptr" => value.map_or(Ok(()), |v| domain(v).map(drop)).map(|()| Mechanism::Ptr),
        "ip4" => network(required()?, true).map(Mechanism::Network),
        "ip6" => network(required()?, false).map(Mechanism::Network),
        "a" | "mx" => {
            let (written, prefixes) = prefixes(rest)?;
            let written = match written.strip_prefix(':') {
                Some(name) => Some(domain(name)?),
                None if written.is_empty() => None,
                None => return Err(format!("{written:?} is no domain")),
            };
            Ok(match name.eq_ignore_ascii_case("a") {
                true => Mechanism::A(written, prefixes),
                false => Mechanism::Mx(written, prefixes),
            })
        }
        _ => Err("no mechanism has this name".to_owned()),
    }
}

/// `:DOMAIN/24//64`, each part absent or not (RFC 7208 5.3).
fn prefixes(rest: &str) -> Result<(&str, Prefixes), String> {
    // A slash may stand in a macro too: `%{d/}`. Prefixes stand at the end.
    let (rest, v6) = match rest.rfind("//") {
        Some(at) if !rest[at..].contains('}') => (&rest[..at], bits(&rest[at + 2..], 128)?),
        _ => (rest, 128),
    };
    let (rest, v4) = match rest.rfind('/') {
        Some(at) if !rest[at..].contains('}') => (&rest[..at], bits(&rest[at + 1..], 32)?),
        _ => (rest, 32),
    };
    Ok((rest, Prefixes { v4, v6 }))
}

fn bits(text: &str, most: u8) -> Result<u8, String> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let has_zero_before = text.len() > 1 && text.starts_with('0');
    match text.parse() {
        Ok(bits) if is_number && !has_zero_before && bits <= most => Ok(bits),
        _ => Err(format!("/{text} is no length of a prefix: 0 to {most}")),
    }
}

fn network(text: &str, is_v4: bool) -> Result<Network, String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let most = if is_v4 { 32 } else { 128 };
    let bits = length.map_or(Ok(most), |length| bits(length, most))?;
    let (v4, v6) = (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>());
    let address = match (is_v4, v4, v6) {
        (true, Ok(v4), _) => IpAddr::V4(v4),
        (false, _, Ok(v6)) => IpAddr::V6(v6),
        (true, _, Ok(_)) => return Err("an IPv6 address is written ip6:".to_owned()),
        (false, Ok(_), _) => return Err("an IPv4 address is written ip4:".to_owned()),
        _ => return Err(format!("{address:?} is no address")),
    };
    Ok(Network { address, bits })
}

/// A domain, with macros where there are any (RFC 7208 7.1).
fn domain(text: &str) -> Result<String, String> {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let taken = match after.as_bytes().first() {
            Some(b'%' | b'_' | b'-') => 1,
            Some(b'{') => {
                after.find('}').filter(|end| is_macro(&after[1..*end])).map_or(0, |e| e + 1)
            }
            _ => 0,
        };
        if taken == 0 {
            return Err(format!("{text:?} holds a macro that cannot be read"));
        }
        plain.push('x');
        rest = &after[taken..];
    }
    plain.push_str(rest);
    let labels: Vec<_> = plain.trim_end_matches('.').split('.').collect();
    let is_label =
        |label: &&str| (1..=63).contains(&label.len()) && !label.contains([':', '/', '@']);
    match plain.len() <= 253 && labels.iter().all(is_label) && labels.len() > 1 {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no domain")),
    }
}

/// A letter, digits, `r`, delimiters.
fn is_macro(text: &str) -> bool {
    let mut rest = text.chars();
    let known = |c: char| "slodiphcrtv".contains(c.to_ascii_lowercase());
    if !rest.next().is_some_and(known) {
        return false;
    }
    let rest = rest.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
    rest.chars().all(|c| ".-+,/_=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &str, expected: &str) {
        let shown = match parse(record) {
            Err(faults) => faults.join("; "),
            Ok(record) => {
                let directives = record.directives.iter();
                let shown = directives.map(|d| format!("{:?} {:?}", d.qualifier, d.mechanism));
                let redirect = record.redirect.iter().map(|to| format!("redirect {to}"));
                shown.chain(redirect).collect::<Vec<_>>().join("; ")
            }
        };
        assert_eq!(shown, expected, "{record}");
    }

    #[test]
    fn terms_are_read() {
        check("v=spf1", "");
        check("v=spf1  -all ", "Fail All");
        check("V=SPF1 MX ~ALL", "Pass Mx(None, Prefixes { v4: 32, v6: 128 }); SoftFail All");
        check("v=spf1 a/24 ?all", "Pass A(None, Prefixes { v4: 24, v6: 128 }); Neutral All");
        check(
            "v=spf1 a:mail.x.example/24//64",
            "Pass A(Some(\"mail.x.example\"), Prefixes { v4: 24, v6: 64 })",
        );
        check("v=spf1 mx//48", "Pass Mx(None, Prefixes { v4: 32, v6: 48 })");
        check("v=spf1 exists:%{ir}.%{l1r-}.x.example", "Pass Exists(\"%{ir}.%{l1r-}.x.example\")");
        check("v=spf1 ptr redirect=_spf.x.example", "Pass Ptr; redirect _spf.x.example");
        check("v=spf1 unknown=1 exp=why.x.example -all", "Fail All");
    }

    #[test]
    fn every_term_that_cannot_be_read_is_told() {
        for (term, why) in [
            ("ipv4:192.0.2.1", "no mechanism has this name"),
            ("ip4:192.0.2", "\"192.0.2\" is no address"),
            ("ip4:192.0.2.0/33", "/33 is no length of a prefix: 0 to 32"),
            ("ip4:192.0.2.0/024", "/024 is no length of a prefix: 0 to 32"),
            ("ip4:2001:db8::1", "an IPv6 address is written ip6:"),
            ("ip6:192.0.2.1", "an IPv4 address is written ip4:"),
            ("ip4=192.0.2.1", "write ip4:... with a colon"),
            ("include:", "include: names nothing"),
            ("include", "include: names nothing"),
            ("include:http://x.example", "\"http://x.example\" is no domain"),
            ("a:x..example", "\"x..example\" is no domain"),
            ("exists:%{z}.x.example", "\"%{z}.x.example\" holds a macro that cannot be read"),
            ("-all.", "no mechanism has this name"),
            ("all:x", "nothing may follow all"),
        ] {
            check(&format!("v=spf1 {term} -all"), &format!("{term:?}: {why}"));
        }
        let dash = "holds a character that is not ASCII, such as a typographic dash";
        check("v=spf1 –all", &format!("\"–all\": {dash}"));
        check(
            "v=spf1 ipv4:x foo",
            "\"ipv4:x\": no mechanism has this name; \"foo\": no mechanism has this name",
        );
    }

    #[test]
    fn networks_hold_their_addresses() {
        for (written, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
        ] {
            let network = network(written, !written.contains(':')).unwrap();
            assert!(network.holds(inside.parse().unwrap()), "{written} {inside}");
            assert!(!network.holds(outside.parse().unwrap()), "{written} {outside}");
        }
    }
}
