//! Names and digests by which things are known: campaign, recipient key, delivery, fingerprint.
//!
//! Owns their form and how one follows from another. Nothing here is random: the same inputs give
//! the same ids on every computer and in every dry run (contract, Fingerprint and sameness).

use crate::address::EmailAddress;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The name of a campaign: lower-case Latin letters, digits and hyphens, 1 to 64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignId(String);

/// A text that cannot name a campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot name a campaign: small letters a-z, digits and hyphens, at most 64")]
pub struct NotACampaignId {
    /// The text as given.
    pub text: String,
}

impl CampaignId {
    /// Reads a campaign's name.
    ///
    /// # Errors
    /// [`NotACampaignId`] when it has other characters, starts or ends with a hyphen, is empty or
    /// longer than 64.
    pub fn parse(text: &str) -> Result<CampaignId, NotACampaignId> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        fits.then(|| CampaignId(text.to_owned()))
            .ok_or_else(|| NotACampaignId { text: text.to_owned() })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes a recipient the same one again: the compare-address of the address in the list, and
/// the normalised name behind a blank where each person of a shared address gets a letter. A copy has its
/// letter's key, ` cc ` and the compare-address it goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientKey(String);

impl RecipientKey {
    /// The key of a recipient with this address.
    #[must_use]
    pub fn of(address: &EmailAddress) -> RecipientKey {
        RecipientKey(address.compare_key())
    }

    /// The key of one of several people with this address; `name` as [`crate::recipients`] folds
    /// it, to words of letters and digits. No compare-address has a blank, so none is another's
    /// beginning.
    #[must_use]
    pub fn of_named(address: &EmailAddress, name: &str) -> RecipientKey {
        RecipientKey(format!("{} {name}", address.compare_key()))
    }

    /// The key of a copy of this letter to an address: the letter's key, `cc`, and the copy's
    /// compare-address. It ends in a word with an `@`; no word of a folded name has one, also not of
    /// somebody called `Cc`, so no two deliveries share a key and each says what it is.
    #[must_use]
    pub fn of_copy(letter: &RecipientKey, copy: &EmailAddress) -> RecipientKey {
        RecipientKey(format!("{} cc {}", letter.0, copy.compare_key()))
    }

    /// Of the key of a copy: the key of its letter.
    fn letter_of_copy(&self) -> Option<&str> {
        let (letter, copy) = self.0.rsplit_once(" cc ")?;
        (copy.contains('@') && !copy.contains(' ')).then_some(letter)
    }

    /// The key of the letter: its own, or of a copy that of its letter.
    #[must_use]
    pub fn letter(&self) -> RecipientKey {
        self.letter_of_copy().map_or_else(|| self.clone(), |letter| RecipientKey(letter.to_owned()))
    }

    /// Whether it is the key of a copy.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.letter_of_copy().is_some()
    }

    /// The compare-address of the address in the list; of a copy, that of its letter's person.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.split(' ').next().unwrap_or(&self.0)
    }

    /// Whether it is that of one of several people with an address. A copy's is not, whoever its
    /// letter is to.
    #[must_use]
    pub fn has_name(&self) -> bool {
        !self.is_copy() && self.0.contains(' ')
    }

    /// A key as the ledger stored it.
    #[must_use]
    pub fn from_stored(text: String) -> RecipientKey {
        RecipientKey(text)
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of something, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest of several texts, each told from the next by its length before it.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Digest(hash.finalize().into())
    }

    /// The digest of texts one after the other, as if they were one.
    #[must_use]
    pub fn of_stream(texts: impl IntoIterator<Item = String>) -> Digest {
        let mut hash = Sha256::new();
        texts.into_iter().for_each(|text| hash.update(text.as_bytes()));
        Digest(hash.finalize().into())
    }

    /// The digest of bytes that lie in pieces one after the other, as if they were one.
    #[must_use]
    pub fn of_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hash = Sha256::new();
        pieces.into_iter().for_each(|piece| hash.update(piece));
        Digest(hash.finalize().into())
    }

    /// A digest as the ledger stored it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Digest(bytes))
    }
}

impl fmt::Display for Digest {
    /// 64 hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        // In one piece: a plan's manifest holds some hundred thousand of them.
        let digits: String = self
            .0
            .iter()
            .flat_map(|b| [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]])
            .map(char::from)
            .collect();
        f.write_str(&digits)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The digest of a plan's manifest: what a person confirms or approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub Digest);

impl Fingerprint {
    /// The plan code on the officer's screen: the first 12 digits, `3f9a-27c1-b04e`.
    #[must_use]
    pub fn plan_code(&self) -> String {
        let hex = self.to_string();
        format!("{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..12])
    }

    /// Whether a text typed by a person names this plan: any prefix of 12 or more hex digits,
    /// dashes and blanks ignored.
    #[must_use]
    pub fn is_named_by(&self, typed: &str) -> bool {
        let typed: String = typed.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        typed.len() >= crate::limits::PLAN_CODE_DIGITS_MIN
            && self.to_string().starts_with(&typed.to_ascii_lowercase())
    }
}

impl fmt::Display for Fingerprint {
    /// 64 hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a delivery is known by everywhere: the first 120 bits of SHA-256(campaign, recipient key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; 15]);

impl DeliveryId {
    /// The id of a campaign's delivery to a recipient.
    #[must_use]
    pub fn of(campaign: &CampaignId, recipient: &RecipientKey) -> DeliveryId {
        let digest = Digest::of_parts([campaign.0.as_bytes(), recipient.0.as_bytes()]);
        let mut id = [0; 15];
        id.copy_from_slice(&digest.0[..15]);
        DeliveryId(id)
    }

    /// The 15 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 15] {
        &self.0
    }

    /// An id as the ledger stored it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 15]) -> DeliveryId {
        DeliveryId(bytes)
    }
}

impl fmt::Display for DeliveryId {
    /// 24 characters of lower-case base32 (RFC 4648 6): survives case-folding in an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32(&self.0))
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Lower-case base32 without padding (RFC 4648 6).
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648 10.
    #[test]
    fn base32_vectors() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_campaign_has_a_plain_name() {
        assert!(CampaignId::parse("thank-you-2").is_ok());
        for bad in ["", "Outcome", "a b", "../x", "-a", "a-", "é", &"a".repeat(65)] {
            assert!(CampaignId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_delivery_is_one_campaign_to_one_recipient() {
        let id = |c: &str, a: &str| {
            let address = EmailAddress::parse(a).unwrap();
            DeliveryId::of(&CampaignId::parse(c).unwrap(), &RecipientKey::of(&address)).to_string()
        };
        assert_eq!(id("outcome", "Ana@x.example"), id("outcome", "ana@X.example"));
        assert_ne!(id("outcome", "ana@x.example"), id("thanks", "ana@x.example"));
        assert_eq!(id("outcome", "ana@x.example").len(), 24);
    }

    /// A name may be `cc`, or begin or end so: what ends in an address is a copy, nothing else.
    #[test]
    fn the_key_of_a_copy_is_nobodys_name_and_no_name_a_copy() {
        let address = |text| EmailAddress::parse(text).unwrap();
        let (ana, desk) = (address("Ana@x.example"), address("desk@x.example"));
        let names = ["", "cc", "cc ana", "ana cc", "bo cc desk x example"];
        let letters = names.map(|name| match name {
            "" => RecipientKey::of(&ana),
            name => RecipientKey::of_named(&ana, name),
        });
        let mut keys = std::collections::BTreeSet::new();
        for (letter, name) in letters.iter().zip(names) {
            let copy = RecipientKey::of_copy(letter, &desk);
            assert_eq!((letter.is_copy(), letter.has_name()), (false, !name.is_empty()), "{name}");
            assert_eq!((copy.is_copy(), copy.has_name()), (true, false), "{name}");
            assert_eq!(copy.letter_of_copy(), Some(letter.as_str()));
            for key in [letter.clone(), copy] {
                assert_eq!(key.address(), "ana@x.example");
                assert!(keys.insert(key), "{name}");
            }
        }
    }

    #[test]
    fn a_plan_is_named_by_twelve_digits_or_more() {
        let fingerprint = Fingerprint(Digest::of(b"plan"));
        let hex = fingerprint.to_string();
        assert!(fingerprint.is_named_by(&fingerprint.plan_code().to_uppercase()));
        assert!(fingerprint.is_named_by(&hex));
        assert!(!fingerprint.is_named_by(&hex[..11]));
        assert!(!fingerprint.is_named_by(""));
        assert_eq!(Digest::from_hex(&hex), Some(fingerprint.0));
    }
}
