//! The private key that signs: read from PEM, checked, used.
//!
//! Owns which keys are good enough, and in which forms they may stand in a file: PKCS#8
//! (`PRIVATE KEY`) for both kinds, PKCS#1 (`RSA PRIVATE KEY`) for RSA.
//!
//! # Standards
//! RFC 8301 3.2 (RSA of 2048 bits and more), RFC 8463 3 (Ed25519 signs the SHA-256 of the data),
//! RFC 7468 (PEM), RFC 8017 (PKCS#1), RFC 5958 and 8410 (PKCS#8).
//!
//! # Failure
//! [`KeyFault`], in words for whoever made the key; nothing of the key stands in it.

use crate::limits::{DKIM_RSA_BITS_MAX, DKIM_RSA_BITS_MIN};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;

/// A private key; it shows as its kind wherever it is printed (security S16).
#[derive(Clone)]
pub struct Key(Arc<Pair>);

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with so many bits: what every verifier knows.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// Ed25519: short and quick; verifiers that do not know it see no signature.
    Ed25519,
}

impl KeyKind {
    /// `a=`.
    #[must_use]
    pub fn algorithm(self) -> &'static str {
        match self {
            KeyKind::Rsa { .. } => "rsa-sha256",
            KeyKind::Ed25519 => "ed25519-sha256",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa { bits } => write!(f, "RSA {bits}"),
            KeyKind::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// Why a file's content is no key to sign with; completes "the key ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No PEM block of a private key.
    #[error("is no private key in PEM form")]
    NoKey,
    /// The half that everybody may see.
    #[error("is a public key or a certificate, not a private key")]
    Public,
    /// Nobody is there to type a passphrase in the middle of a run.
    #[error("is protected by a passphrase")]
    Encrypted,
    /// Neither RSA nor Ed25519.
    #[error("is neither RSA nor Ed25519")]
    WrongKind,
    /// RFC 8301 3.2.
    #[error("is an RSA key of less than {DKIM_RSA_BITS_MIN} bits")]
    TooShort,
    /// Larger than verifiers need to know, and than fits into DNS.
    #[error("is an RSA key of more than {DKIM_RSA_BITS_MAX} bits")]
    TooLong,
    /// The numbers in it do not belong together.
    #[error("is damaged")]
    Damaged,
}

impl KeyFault {
    /// What to do: a sentence.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            KeyFault::Encrypted => {
                "Write it without a passphrase, in a file for you only: openssl pkey -in OLD -out NEW"
            }
            _ => {
                "Make one with openssl genrsa -out dkim.pem 2048, or openssl genpkey -algorithm \
                 ed25519 -out dkim.pem, for you only."
            }
        }
    }
}

impl Key {
    /// Reads the first private key of a PEM text.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pem(pem: &[u8]) -> Result<Key, KeyFault> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| what_else(pem))?;
        let rsa = |pair: Result<RsaKeyPair, ring::error::KeyRejected>| {
            pair.map(Pair::Rsa).map_err(|rejected| fault(&rejected))
        };
        let pair = match &der {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
            PrivateKeyDer::Pkcs8(der) => {
                // OpenSSL leaves the public half out, which ring asks for otherwise.
                let der = der.secret_pkcs8_der();
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    Ok(pair) => Ok(Pair::Ed25519(pair)),
                    Err(e) if fault(&e) == KeyFault::WrongKind => rsa(RsaKeyPair::from_pkcs8(der)),
                    Err(_) => Err(KeyFault::Damaged),
                }
            }
            _ => Err(KeyFault::WrongKind),
        };
        pair.map(|pair| Key(Arc::new(pair)))
    }

    /// RSA or Ed25519.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match &*self.0 {
            Pair::Rsa(pair) => KeyKind::Rsa { bits: pair.public().modulus_len() * 8 },
            Pair::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The public half: RSAPublicKey in DER (RFC 8017 A.1.1), or the 32 octets of Ed25519.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        match &*self.0 {
            Pair::Rsa(pair) => pair.public().as_ref(),
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// The signature of data; of no data, as many octets as a signature has.
    pub(super) fn signature(&self, data: &[u8]) -> Vec<u8> {
        match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                if !data.is_empty() {
                    // PKCS#1 v1.5 asks for nothing random. It fails where a computer miscounts, and
                    // leaves a signature that no verifier takes: a message as if it had none.
                    let random = SystemRandom::new();
                    let _ = pair.sign(&RSA_PKCS1_SHA256, &random, data, &mut signature);
                }
                signature
            }
            // RFC 8463 3: of the hash, not of the data. Quick enough to be made for weighing too.
            Pair::Ed25519(pair) => pair.sign(&Sha256::digest(data)).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.kind())
    }
}

/// ring tells why only in words, which the tests hold it to.
fn fault(rejected: &ring::error::KeyRejected) -> KeyFault {
    match rejected.to_string().as_str() {
        "WrongAlgorithm" => KeyFault::WrongKind,
        "TooSmall" => KeyFault::TooShort,
        "TooLarge" => KeyFault::TooLong,
        _ => KeyFault::Damaged,
    }
}

/// What a text without a private key in PEM is.
fn what_else(text: &[u8]) -> KeyFault {
    let has = |words: &str| memchr::memmem::find(text, words.as_bytes()).is_some();
    if has("ENCRYPTED") {
        KeyFault::Encrypted
    } else if has("PUBLIC KEY-----") || has("CERTIFICATE-----") {
        KeyFault::Public
    } else if has("PRIVATE KEY-----") {
        KeyFault::Damaged
    } else {
        KeyFault::NoKey
    }
}
