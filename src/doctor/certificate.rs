//! What a mail server's certificate says: for which names, by whom, from when until when.
//!
//! Reads only; whether it is trusted is TLS's to decide.
//!
//! # Standards
//! RFC 5280 4.1 (the certificate), 4.1.2.5 (its days), 4.2.1.6 (its names).
//!
//! # Failure
//! `None`: it is not written as certificates are.

use super::der::{any, element};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// `[3] EXPLICIT`: the extensions.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17, subjectAltName.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.4.3 and 2.5.4.10: what a name is called by, and its organisation.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses it is for; where it names none, its common name.
    pub names: Vec<String>,
    /// Who issued it, as they call themselves.
    pub issuer: String,
    /// Whether nobody but itself vouches for it.
    pub is_self_signed: bool,
    /// Its first second.
    pub not_before: Timestamp,
    /// Its last.
    pub not_after: Timestamp,
}

/// Reads a certificate, DER.
#[must_use]
pub fn read(der: &[u8]) -> Option<Certificate> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (body, _) = element(certificate, SEQUENCE)?;
    // [0] version, where it is not the first.
    let body = element(body, 0xa0).map_or(body, |(_, rest)| rest);
    let (_serial, rest) = element(body, INTEGER)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, rest) = element(rest, SEQUENCE)?;
    let (subject, rest) = element(rest, SEQUENCE)?;
    let (_key, rest) = element(rest, SEQUENCE)?;
    let (not_before, after) = time(validity)?;
    let (not_after, _) = time(after)?;
    let mut names = alternative_names(rest).unwrap_or_default();
    if names.is_empty() {
        names.extend(attribute(subject, COMMON_NAME));
    }
    Some(Certificate {
        names,
        issuer: attribute(issuer, ORGANISATION)
            .or_else(|| attribute(issuer, COMMON_NAME))
            .unwrap_or_else(|| "somebody without a name".to_owned()),
        is_self_signed: issuer == subject,
        not_before,
        not_after,
    })
}

/// The names in the extension of names, with those that are neither hosts nor addresses left out.
fn alternative_names(mut rest: &[u8]) -> Option<Vec<String>> {
    // Unique ids of version 2 may stand before.
    let extensions = loop {
        let (tag, content, after) = any(rest)?;
        if tag == EXTENSIONS {
            break content;
        }
        rest = after;
    };
    let (mut all, _) = element(extensions, SEQUENCE)?;
    while let Some((extension, after)) = element(all, SEQUENCE) {
        all = after;
        let (id, rest) = element(extension, 0x06)?;
        if id == ALTERNATIVE_NAMES {
            let rest = element(rest, 0x01).map_or(rest, |(_critical, rest)| rest);
            let (value, _) = element(rest, 0x04)?;
            return Some(names(element(value, SEQUENCE)?.0));
        }
    }
    None
}

fn names(mut all: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((tag, content, after)) = any(all) {
        all = after;
        match tag {
            0x82 => names.push(printable(content)),
            0x87 => names.extend(address(content).map(|address| address.to_string())),
            _ => {}
        }
    }
    names
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|o| IpAddr::V4(Ipv4Addr::from(o)));
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|o| IpAddr::V6(Ipv6Addr::from(o)))).ok()
}

/// An attribute of a distinguished name: sets of sequences of an id and a text.
fn attribute(mut name: &[u8], wanted: &[u8]) -> Option<String> {
    while let Some((set, after)) = element(name, 0x31) {
        name = after;
        let (pair, _) = element(set, SEQUENCE)?;
        let (id, value) = element(pair, 0x06)?;
        if id == wanted {
            return any(value).map(|(_, text, _)| printable(text));
        }
    }
    None
}

/// Somebody else's text on our screen.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(255).collect()
}

/// UTCTime (of 1950 to 2049) or GeneralizedTime, and what follows.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, digits, rest) = any(der)?;
    let digits = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let full = match (tag, digits.len()) {
        (0x17, 12) if digits >= "50" => format!("19{digits}"),
        (0x17, 12) => format!("20{digits}"),
        (0x18, 14) => digits.to_owned(),
        _ => return None,
    };
    let part = |from: usize| &full[from..from + 2];
    let text =
        format!("{}-{}-{}T{}:{}:{}Z", &full[..4], part(4), part(6), part(8), part(10), part(12));
    Some((Timestamp::parse(&text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn made(names: &[&str], with: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 31);
        params.not_after = rcgen::date_time_ymd(2090, 12, 1);
        with(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn names_and_days_are_read() {
        let der =
            made(&["mail.forum.example", "*.forum.example", "192.0.2.1", "2001:db8::1"], |p| {
                p.distinguished_name.push(DnType::OrganizationName, "Forum\u{7} office");
            });
        let found = read(&der).unwrap();
        let names = ["mail.forum.example", "*.forum.example", "192.0.2.1", "2001:db8::1"];
        assert_eq!(found.names, names);
        assert_eq!(found.issuer, "Forum office");
        assert!(found.is_self_signed);
        assert_eq!(found.not_before.to_string(), "2020-01-31T00:00:00Z");
        assert_eq!(found.not_after.to_string(), "2090-12-01T00:00:00Z");
    }

    #[test]
    fn without_names_the_common_one_is_told() {
        let der = made(&[], |p| p.distinguished_name.push(DnType::CommonName, "old.example"));
        assert_eq!(read(&der).unwrap().names, ["old.example"]);
    }

    #[test]
    fn nothing_that_is_cut_or_turned_is_read_as_more_than_it_is() {
        let der = made(&["mail.forum.example"], |_| {});
        for end in 0..der.len() {
            // Reading less than all of it may fail, and never stops the program.
            let _ = read(&der[..end]);
        }
        for at in 0..der.len() {
            let mut turned = der.clone();
            turned[at] ^= 0xff;
            let _ = read(&turned);
        }
        assert_eq!(read(b""), None);
        assert_eq!(read(b"-----BEGIN CERTIFICATE-----"), None);
    }
}
