//! A DKIM key as it is published: whether receivers can verify with it.
//!
//! # Standards
//! RFC 6376 3.6.1 (key records), RFC 8301 (at least 1024 bits, 2048 for signers, no SHA-1), RFC
//! 8463 (Ed25519).

use super::der::element;
use super::names::{Asked, Known};
use super::tag_list;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A published key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishedKey {
    /// There is none at this selector.
    None,
    /// RSA, with so many bits.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
        /// Whether it is only tried out: `t=y`.
        is_test: bool,
        /// The key, DER, to be compared with one's own.
        der: Vec<u8>,
    },
    /// Ed25519.
    Ed25519 {
        /// Whether it is only tried out: `t=y`.
        is_test: bool,
        /// The key, 32 octets.
        key: Vec<u8>,
    },
    /// Withdrawn: `p=` is empty.
    Revoked,
    /// Something no receiver can use: why.
    Broken(String),
    /// The name service did not answer: its words.
    Failed(String),
}

/// The name under which a selector's key stands.
#[must_use]
pub fn name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// The key of a selector.
///
/// # Errors
/// The question that must be answered first.
pub fn find(known: &Known, selector: &str, domain: &str) -> Asked<PublishedKey> {
    Ok(match known.texts(&name(selector, domain))? {
        Err(words) => PublishedKey::Failed(words.to_owned()),
        Ok([]) => PublishedKey::None,
        Ok([record]) => parse(record).unwrap_or_else(PublishedKey::Broken),
        Ok(several) => {
            PublishedKey::Broken(format!("{} records stand there, where one may be", several.len()))
        }
    })
}

fn parse(text: &str) -> Result<PublishedKey, String> {
    let tags = tag_list::parse(text)?;
    let value = |name: &str| tag_list::value(&tags, name);
    if value("v").is_some_and(|version| version != "DKIM1") {
        return Err(format!("v={} is no version of DKIM", value("v").unwrap_or_default()));
    }
    let serves_mail = |s: &str| s.split(':').any(|s| matches!(s.trim(), "*" | "email"));
    if value("s").is_some_and(|services| !serves_mail(services)) {
        return Err("s= keeps it from being used for mail".to_owned());
    }
    if value("h").is_some_and(|kinds| !kinds.split(':').any(|kind| kind.trim() == "sha256")) {
        return Err("h= does not allow sha256".to_owned());
    }
    let written = value("p").ok_or("p=, the key itself, is missing")?;
    let written: String = written.chars().filter(|c| !c.is_whitespace()).collect();
    if written.is_empty() {
        return Ok(PublishedKey::Revoked);
    }
    let key = STANDARD.decode(&written).map_err(|_| {
        "p= is no base64: it may have been cut, or split without quotation marks".to_owned()
    })?;
    let is_test = value("t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y"));
    match value("k").unwrap_or("rsa") {
        "rsa" => {
            let bits = rsa_bits(&key).ok_or("p= is no RSA key: it may have been cut")?;
            Ok(PublishedKey::Rsa { bits, is_test, der: key })
        }
        "ed25519" if key.len() == 32 => Ok(PublishedKey::Ed25519 { is_test, key }),
        "ed25519" => Err(format!("p= has {} octets, an Ed25519 key has 32", key.len())),
        other => Err(format!("k={other} is no kind of key that receivers know")),
    }
}

/// Bits of the modulus in a `SubjectPublicKeyInfo` or a bare `RSAPublicKey` (RFC 6376 3.6.1 and its
/// erratum 3017: both are in use).
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (outer, rest) = element(der, 0x30)?;
    if !rest.is_empty() {
        return None;
    }
    let numbers = match element(outer, 0x30) {
        Some((_algorithm, rest)) => {
            let (bits, _) = element(rest, 0x03)?;
            element(bits.strip_prefix(&[0])?, 0x30)?.0
        }
        None => outer,
    };
    let (modulus, rest) = element(numbers, 0x02)?;
    element(rest, 0x02)?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let first = modulus.first()?;
    Some(modulus.len() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6376 C: a key of 1024 bits.
    const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
                            IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0\
                            fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

    fn shown(record: &str) -> String {
        let zone = format!("s._domainkey.x.example TXT {record}");
        match Known::of_zone(&zone).settle(|known| find(known, "s", "x.example")) {
            PublishedKey::Rsa { bits, is_test, .. } => format!("rsa {bits} {is_test}"),
            PublishedKey::Ed25519 { is_test, .. } => format!("ed25519 {is_test}"),
            PublishedKey::Broken(why) => why,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_read_as_they_are_published() {
        let rsa = format!("v=DKIM1; k=rsa; p={RSA_1024}");
        // RFC 8463 A.2.
        let ed25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        for (record, expected) in [
            (rsa.as_str(), "rsa 1024 false"),
            (&rsa.replace("k=rsa", "t=s:y"), "rsa 1024 true"),
            (&rsa.replace("/UC3", "/ UC3"), "rsa 1024 false"),
            (ed25519, "ed25519 false"),
            ("v=DKIM1; p=", "Revoked"),
            ("v=DKIM1; k=rsa", "p=, the key itself, is missing"),
            (&rsa[..rsa.len() - 40], "p= is no RSA key: it may have been cut"),
            (
                &rsa[..rsa.len() - 3],
                "p= is no base64: it may have been cut, or split without quotation marks",
            ),
            (&rsa.replace("k=rsa", "k=ed25519"), "p= has 162 octets, an Ed25519 key has 32"),
            (&rsa.replace("k=rsa", "h=sha1"), "h= does not allow sha256"),
            (&rsa.replace("k=rsa", "s=tlsrpt"), "s= keeps it from being used for mail"),
            (&rsa.replace("DKIM1", "DMARC1"), "v=DMARC1 is no version of DKIM"),
            ("v=spf1 -all", "v=spf1 -all is no version of DKIM"),
        ] {
            assert_eq!(shown(record), expected, "{record}");
        }
    }

    #[test]
    fn no_record_is_no_key() {
        let found = Known::of_zone("").settle(|known| find(known, "s", "x.example"));
        assert_eq!(found, PublishedKey::None);
    }
}
