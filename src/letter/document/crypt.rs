//! Whether a PDF opens without a password, and what is in it then.
//!
//! Owns the standard security handler with the empty password, which opens every file that is
//! locked against changes alone. Nothing here guards anything: it reads what everybody can.
//!
//! # Standards
//! ISO 32000-1 7.6 (RC4 and AES-128), ISO 32000-2 7.6.4 (AES-256).
//!
//! # Failure
//! A handler that is not the standard one counts as locked.

use super::file::PdfFile;
use super::lexer::{Table, Value};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use md5::{Digest as _, Md5};
use sha2::{Sha256, Sha384, Sha512};

/// The padding of 7.6.3.3, which is also the empty password.
const PADDING: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08,
    0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];

/// How streams and texts are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Open,
    Rc4,
    Aes128,
    Aes256,
}

/// What locks a file.
#[derive(Debug)]
pub(super) struct Lock {
    /// The file's key, where the empty password gives it.
    key: Option<Vec<u8>>,
    streams: Method,
    texts: Method,
}

impl Lock {
    /// The lock of a file; `None` where it has none.
    pub(super) fn of(file: &PdfFile<'_>) -> Option<Lock> {
        let table = file.table(file.trailer("Encrypt")?)?;
        let version = number(file, &table, "V");
        let method = |of: &str| match version {
            1..=3 => Method::Rc4,
            _ => crypt_filter(file, &table, of),
        };
        let (streams, texts) = (method("StmF"), method("StrF"));
        Some(Lock { key: key(file, &table), streams, texts })
    }

    /// Whether it opens without a password.
    pub(super) fn is_open(&self) -> bool {
        // Some files lock nothing but the files within them.
        self.key.is_some() || [self.streams, self.texts] == [Method::Open; 2]
    }

    /// A stream of an object, unlocked.
    pub(super) fn open_stream(
        &self,
        bytes: &[u8],
        number: u32,
        generation: u32,
    ) -> Option<Vec<u8>> {
        self.unlocked(self.streams, bytes, number, generation)
    }

    /// Unlocks all texts of an object.
    pub(super) fn open_texts(&self, value: &mut Value, number: u32, generation: u32) {
        match value {
            Value::Text(text) => {
                if let Some(open) = self.unlocked(self.texts, text, number, generation) {
                    *text = open;
                }
            }
            Value::List(members) => {
                members.iter_mut().for_each(|m| self.open_texts(m, number, generation));
            }
            Value::Table(table) => {
                table.values_mut().for_each(|v| self.open_texts(v, number, generation));
            }
            _ => {}
        }
    }

    fn unlocked(
        &self,
        method: Method,
        bytes: &[u8],
        number: u32,
        generation: u32,
    ) -> Option<Vec<u8>> {
        if method == Method::Open {
            return Some(bytes.to_vec());
        }
        let key = self.key.as_deref()?;
        match method {
            Method::Open => None,
            Method::Rc4 => Some(rc4(&object_key(key, number, generation, b""), bytes)),
            Method::Aes128 => {
                let key = object_key(key, number, generation, b"sAlT");
                let cipher = Aes128::new_from_slice(&key).ok()?;
                Some(without_chain(bytes, |block| cipher.decrypt_block(block)))
            }
            Method::Aes256 => {
                let cipher = Aes256::new_from_slice(key).ok()?;
                Some(without_chain(bytes, |block| cipher.decrypt_block(block)))
            }
        }
    }
}

fn number(file: &PdfFile<'_>, table: &Table, key: &str) -> i64 {
    file.get(table, key).and_then(|v| v.number()).unwrap_or(0.0) as i64
}

fn text(file: &PdfFile<'_>, table: &Table, key: &str) -> Vec<u8> {
    file.get(table, key).and_then(|v| v.text().map(<[u8]>::to_vec)).unwrap_or_default()
}

/// The method of a crypt filter (7.6.5).
fn crypt_filter(file: &PdfFile<'_>, table: &Table, of: &str) -> Method {
    let name = file.get(table, of);
    let filter = || {
        let filters = file.table(table.get("CF")?)?;
        file.table(filters.get(name.as_ref()?.name()?)?)
    };
    let method = filter().and_then(|f| file.get(&f, "CFM"));
    match method.as_ref().and_then(Value::name) {
        Some("V2") => Method::Rc4,
        Some("AESV2") => Method::Aes128,
        Some("AESV3") => Method::Aes256,
        _ => Method::Open,
    }
}

/// The file's key, where the empty password is the one of users.
fn key(file: &PdfFile<'_>, table: &Table) -> Option<Vec<u8>> {
    let handler = file.get(table, "Filter")?;
    if handler.name() != Some("Standard") {
        return None;
    }
    match number(file, table, "R") {
        2..=4 => old_key(file, table),
        revision @ 5..=6 => new_key(file, table, revision),
        _ => None,
    }
}

/// Algorithms 2, 4 and 5 of 7.6.3.
fn old_key(file: &PdfFile<'_>, table: &Table) -> Option<Vec<u8>> {
    let revision = number(file, table, "R");
    let bits = number(file, table, "Length");
    let octets = match (number(file, table, "V"), bits) {
        (1, _) => 5,
        (_, 40..=128) => bits as usize / 8,
        (4, _) => 16,
        _ => 5,
    };
    let id = file.trailer("ID").map(|id| file.follow(id));
    let id = id.as_ref().and_then(|id| id.members().first()?.text()).unwrap_or_default();
    let rights = number(file, table, "P") as u32;
    let mut hash = Md5::new();
    hash.update(PADDING);
    hash.update(text(file, table, "O").get(..32)?);
    hash.update(rights.to_le_bytes());
    hash.update(id);
    let hides_properties = file.get(table, "EncryptMetadata") != Some(Value::Bool(false));
    if revision >= 4 && !hides_properties {
        hash.update([0xFF; 4]);
    }
    let mut digest = hash.finalize();
    if revision >= 3 {
        (0..50).for_each(|_| digest = Md5::digest(&digest[..octets]));
    }
    let key = digest[..octets].to_vec();
    let everybodys = text(file, table, "U");
    let (expected, compared) = match revision {
        2 => (rc4(&key, &PADDING), 32),
        _ => {
            let mut hash = Md5::new();
            hash.update(PADDING);
            hash.update(id);
            let begin = rc4(&key, &hash.finalize());
            let round = |text: Vec<u8>, n: u8| {
                let key: Vec<u8> = key.iter().map(|b| b ^ n).collect();
                rc4(&key, &text)
            };
            ((1..=19).fold(begin, round), 16)
        }
    };
    (everybodys.get(..compared)? == expected.get(..compared)?).then_some(key)
}

/// Algorithms 2.A and 2.B of ISO 32000-2.
fn new_key(file: &PdfFile<'_>, table: &Table, revision: i64) -> Option<Vec<u8>> {
    let everybodys = text(file, table, "U");
    let locked_key = text(file, table, "UE");
    let (known, check_salt, key_salt) =
        (everybodys.get(..32)?, everybodys.get(32..40)?, everybodys.get(40..48)?);
    if hash(check_salt, revision) != known {
        return None;
    }
    let cipher = Aes256::new_from_slice(&hash(key_salt, revision)).ok()?;
    let chained = [&[0; 16], locked_key.get(..32)?].concat();
    Some(unchained(&chained, |block| cipher.decrypt_block(block)))
}

/// The hash of the empty password with a salt.
fn hash(salt: &[u8], revision: i64) -> Vec<u8> {
    let mut key = Sha256::digest(salt).to_vec();
    if revision < 6 {
        return key;
    }
    for round in 0_u32.. {
        let repeated = key.repeat(64);
        let locked = chained(&key[..16], &key[16..32], &repeated);
        let rest = locked[..16].iter().map(|b| u32::from(*b)).sum::<u32>() % 3;
        key = match rest {
            0 => Sha256::digest(&locked).to_vec(),
            1 => Sha384::digest(&locked).to_vec(),
            _ => Sha512::digest(&locked).to_vec(),
        };
        let last = locked.last().copied().unwrap_or(0);
        if round >= 63 && u32::from(last) <= round - 31 {
            break;
        }
    }
    key.truncate(32);
    key
}

/// AES-128 in chained blocks, without padding.
fn chained(key: &[u8], first: &[u8], plain: &[u8]) -> Vec<u8> {
    let Ok(cipher) = Aes128::new_from_slice(key) else { return vec![0; 16] };
    let (mut before, mut locked) = (first.to_vec(), Vec::with_capacity(plain.len()));
    for block in plain.chunks_exact(16) {
        let mut mixed = [0; 16];
        mixed.iter_mut().zip(block).zip(&before).for_each(|((m, b), p)| *m = b ^ p);
        let mut block = mixed.into();
        cipher.encrypt_block(&mut block);
        before = block.to_vec();
        locked.extend_from_slice(&block);
    }
    locked
}

/// Chained blocks behind the block they begin with, unlocked; their padding taken off.
fn without_chain(bytes: &[u8], unlock: impl Fn(&mut aes::Block)) -> Vec<u8> {
    let mut plain = unchained(bytes, unlock);
    let padding = usize::from(plain.last().copied().unwrap_or(0));
    if (1..=16).contains(&padding) {
        plain.truncate(plain.len().saturating_sub(padding));
    }
    plain
}

fn unchained(bytes: &[u8], unlock: impl Fn(&mut aes::Block)) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut before = [0; 16];
    for (n, chunk) in bytes.chunks_exact(16).enumerate() {
        let mut locked = [0; 16];
        locked.copy_from_slice(chunk);
        if n > 0 {
            let mut block = locked.into();
            unlock(&mut block);
            plain.extend(block.iter().zip(&before).map(|(b, p)| b ^ p));
        }
        before = locked;
    }
    plain
}

/// The key of one object (7.6.2, algorithm 1).
fn object_key(key: &[u8], number: u32, generation: u32, salt: &[u8]) -> Vec<u8> {
    let mut hash = Md5::new();
    hash.update(key);
    hash.update(&number.to_le_bytes()[..3]);
    hash.update(&generation.to_le_bytes()[..2]);
    hash.update(salt);
    hash.finalize()[..(key.len() + 5).min(16)].to_vec()
}

/// RC4, by which old files are locked.
fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut state: Vec<u8> = (0..=255).collect();
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len().max(1)]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    let mut next = || {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        let at = state[usize::from(i)].wrapping_add(state[usize::from(j)]);
        state[usize::from(at)]
    };
    bytes.iter().map(|b| b ^ next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_is_what_others_make_of_it() {
        let locked = rc4(b"Key", b"Plaintext");
        assert_eq!(locked, [0xBB, 0xF3, 0x16, 0xE8, 0xD9, 0x40, 0xAF, 0x0A, 0xD3]);
    }
}
