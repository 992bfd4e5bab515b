//! Makes a new key, with what the domain is to publish of it.
//!
//! Owns the choice of numbers and the form in which a key is written: PKCS#8 as PEM, which this
//! program, OpenSSL and other signers read. Where it is written is the shell's matter.
//!
//! # Standards
//! RFC 8301 3.2 (2048 bits), RFC 8410 7 (Ed25519 as PKCS#8), RFC 7468 10 (PEM).
//!
//! # Failure
//! [`NoRandom`]: nothing else can go wrong.

use super::{Key, KeyRecord};
use crate::limits::DKIM_RSA_BITS_MIN;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use rsa::PrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};

/// A key just made.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// For a file that only its owner can read.
    pub pem: Secret,
    /// For the domain's DNS.
    pub record: KeyRecord,
}

/// Which key to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewKey {
    /// RSA of 2048 bits: every verifier knows it, and its record fits into every DNS. Takes a
    /// second or so.
    #[default]
    Rsa,
    /// Ed25519: to sign with besides RSA, not instead.
    Ed25519,
}

/// The operating system has no random numbers for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this computer gives no random numbers to make a key of")]
pub struct NoRandom;

/// Makes a key that signs for a domain; `domain` is an A-label.
///
/// # Errors
/// [`NoRandom`].
pub fn make_key(kind: NewKey, domain: &str, selector: &str) -> Result<MadeKey, NoRandom> {
    let pem = match kind {
        NewKey::Rsa => rsa_pem()?,
        NewKey::Ed25519 => ed25519_pem()?,
    };
    // Read back as `send` will read it: what is published is of what signs.
    let key = Key::from_pem(pem.reveal().as_bytes()).map_err(|_| NoRandom)?;
    let record = KeyRecord::of(domain, selector, &key);
    Ok(MadeKey { pem, record })
}

fn rsa_pem() -> Result<Secret, NoRandom> {
    let key = PrivateKey::new(&mut Random(SystemRandom::new()), DKIM_RSA_BITS_MIN);
    let pem = key.map_err(|_| NoRandom)?.to_pkcs8_pem(LineEnding::LF).map_err(|_| NoRandom)?;
    Ok(Secret::new(pem.to_string()))
}

fn ed25519_pem() -> Result<Secret, NoRandom> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| NoRandom)?;
    Ok(ed25519_pem_of(seed))
}

/// The first version of PKCS#8, without the public half: OpenSSL before 3.0 reads no other.
pub(super) fn ed25519_pem_of(seed: [u8; 32]) -> Secret {
    // Version 0, AlgorithmIdentifier { id-Ed25519 }, OCTET STRING of an OCTET STRING of 32.
    const BEFORE: [u8; 16] =
        [0x30, 46, 0x02, 1, 0, 0x30, 5, 0x06, 3, 0x2b, 0x65, 0x70, 0x04, 34, 0x04, 32];
    let text = BASE64.encode([BEFORE.as_slice(), &seed].concat());
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}

/// The operating system's random numbers as the maker of RSA keys asks for them.
struct Random(SystemRandom);

impl TryRng for Random {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets).map(|()| u32::from_ne_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets).map(|()| u64::from_ne_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), NoRandom> {
        self.0.fill(octets).map_err(|_| NoRandom)
    }
}

impl TryCryptoRng for Random {}
