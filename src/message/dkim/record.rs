//! What a domain publishes of its key: a TXT record in the DNS.
//!
//! Owns the record's name and value, and the forms in which people enter it: one value for a web
//! form, strings of at most 255 octets for a zone file.
//!
//! # Standards
//! RFC 6376 3.6.1 and 3.6.2.2 (TXT, strings joined without blanks), RFC 8463 4 (`k=ed25519`), RFC
//! 5280 4.1 and RFC 3279 2.3.1 (SubjectPublicKeyInfo, in which everybody writes `p=` of RSA).

use super::{Key, KeyKind};
use crate::limits::DNS_STRING_OCTETS_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt;

/// A TXT record: shown, one line of a zone file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// `<selector>._domainkey.<domain>`, without a dot at the end.
    pub name: String,
    /// The whole value, as web forms take it.
    pub value: String,
}

impl KeyRecord {
    /// The record of a key.
    pub(super) fn of(domain: &str, selector: &str, key: &Key) -> KeyRecord {
        let (kind, public) = match key.kind() {
            KeyKind::Rsa { .. } => ("rsa", public_key_info(key.public())),
            KeyKind::Ed25519 => ("ed25519", key.public().to_vec()),
        };
        KeyRecord {
            name: format!("{selector}._domainkey.{domain}"),
            value: format!("v=DKIM1; k={kind}; p={}", BASE64.encode(public)),
        }
    }

    /// The value in strings of at most 255 octets (RFC 1035 3.3.14), which are joined as they are.
    #[must_use]
    pub fn strings(&self) -> Vec<&str> {
        // All of it is ASCII: it can be cut anywhere.
        let pieces = self.value.as_bytes().chunks(DNS_STRING_OCTETS_MAX);
        pieces.filter_map(|piece| std::str::from_utf8(piece).ok()).collect()
    }
}

impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. IN TXT", self.name)?;
        self.strings().iter().try_for_each(|string| write!(f, " \"{string}\""))
    }
}

/// SubjectPublicKeyInfo of an RSAPublicKey.
fn public_key_info(public: &[u8]) -> Vec<u8> {
    // AlgorithmIdentifier { rsaEncryption, NULL }.
    const RSA: [u8; 15] =
        [0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];
    // A bit string says first how many bits of its last octet are unused.
    let bits = der(0x03, &[&[0], public].concat());
    der(0x30, &[RSA.as_slice(), &bits].concat())
}

/// A DER value with its tag and length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let octets = content.len().to_be_bytes();
    let octets = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    let mut out = vec![tag];
    match octets {
        // Below 128 the length stands alone; an empty value has length 0.
        [] => out.push(0),
        [short] if *short < 128 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}
