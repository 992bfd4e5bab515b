//! Signs a composed message with the keys of its sender's domain (DKIM).
//!
//! Owns the `DKIM-Signature` field: which header fields it covers, how it is written, and what is
//! signed. The relaxed forms are `canonical.rs`, keys `key.rs`, what a domain publishes of them
//! `record.rs`, new keys `make.rs`. Where a key lies is the shell's matter.
//!
//! # Standards
//! RFC 6376 (DKIM), RFC 8301 (rsa-sha256, 2048 bits and more), RFC 8463 (ed25519-sha256), RFC 8616
//! (domains as A-labels), RFC 8058 4 (List-Unsubscribe is covered).
//!
//! # Invariants
//! The same message and key give the same octets, in a dry run and at every attempt: both kinds of
//! signature are deterministic, and there is no `t=`. The whole body is covered: there is no `l=`.
//! A signature that is only to be weighed has exactly the octets of the real one.
//!
//! # Departures
//! RFC 6376 3.5 recommends `t=`, the time of signing. Date is signed and says it; and verifiers
//! refuse a signature from the future, which a computer whose clock is ahead would make.

mod canonical;
mod key;
mod make;
mod record;
#[cfg(test)]
mod tests;

pub use key::{Key, KeyFault, KeyKind};
pub use make::{MadeKey, NewKey, NoRandom, make_key};
pub use record::KeyRecord;

use super::Chunk;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use canonical::{add_relaxed, body_hash, fields, has_name, name_with_start};
use std::sync::Arc;

/// Fields that are covered, and of which nobody may add another: each is named once more than it
/// is there (RFC 6376 5.4.2). What a reader sees, what answers and threads follow, and what the
/// body is read by.
const CLOSED: [&str; 11] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
];
/// Fields that are closed where the message has them and left alone where not: relays and lists
/// may add their own.
const CLOSED_WHERE_THERE: [&str; 2] = ["Content-Transfer-Encoding", "Content-Language"];
/// The like, for all names that begin so.
const CLOSED_START: &str = "List-";

/// Octets of a line of the signature, with its blank at the start.
const LINE_OCTETS: usize = 76;

/// The keys a sender's messages are signed with; none unless there are some.
#[derive(Clone, Debug, Default)]
pub struct Dkim {
    signers: Arc<[Signer]>,
    only_weighed: bool,
}

/// A key, and the domain that publishes it.
#[derive(Clone, Debug)]
pub struct Signer {
    /// `d=`: whose signature it is, as A-label.
    pub domain: String,
    /// `s=`: the key is published at `<selector>._domainkey.<domain>`.
    pub selector: String,
    /// The key.
    pub key: Key,
}

impl Dkim {
    /// Signatures by all of these; the first stands on top.
    #[must_use]
    pub fn of(signers: Vec<Signer>) -> Dkim {
        Dkim { signers: signers.into(), only_weighed: false }
    }

    /// The same for messages of which only the number of octets is wanted: nothing is hashed and
    /// signed.
    #[must_use]
    pub fn only_weighed(&self) -> Dkim {
        Dkim { signers: Arc::clone(&self.signers), only_weighed: true }
    }

    /// Who signs.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Puts the signatures on top of a message; its header ends within the first chunk.
    pub(super) fn sign(&self, chunks: &mut [Chunk]) {
        let Some((Chunk::Own(first), rest)) = chunks.split_first_mut() else { return };
        if self.signers.is_empty() {
            return;
        }
        let end = memchr::memmem::find(first, b"\r\n\r\n").map_or(first.len(), |at| at + 2);
        let (header, body) = first.split_at(end);
        // The empty line belongs to neither.
        let body = body.strip_prefix(b"\r\n").unwrap_or(body);
        let hash = if self.only_weighed { [0; 32] } else { body_hash(body, &*rest) };
        let fields = fields(header);
        let covered = Covered::of(&fields);
        let mut signed = Vec::with_capacity(first.len() + 1_024 * self.signers.len());
        for signer in &*self.signers {
            let field = signer.field(&covered, &hash);
            let data = if self.only_weighed { Vec::new() } else { covered.data(&field) };
            signed.extend_from_slice(field.as_bytes());
            write_folded(&mut signed, &signer.key.signature(&data));
        }
        signed.append(first);
        *first = signed;
    }
}

impl Signer {
    /// The field up to its signature: everything in it is signed.
    fn field(&self, covered: &Covered<'_>, body_hash: &[u8; 32]) -> String {
        let mut field = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n d={};\r\n s={};\r\n",
            self.key.kind().algorithm(),
            self.domain,
            self.selector
        );
        covered.write_names(&mut field);
        field + &format!(" bh={};\r\n b=", BASE64.encode(body_hash))
    }

    /// What the domain has to publish so that the signature counts.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        KeyRecord::of(&self.domain, &self.selector, &self.key)
    }

    /// Whether DMARC counts the signature for an author of this domain: both are one domain, or one
    /// is beneath the other (RFC 7489 3.1.1, relaxed, without a list of public suffixes).
    #[must_use]
    pub fn is_aligned_with(&self, author_domain: &str) -> bool {
        let (ours, theirs) = (self.domain.to_ascii_lowercase(), author_domain.to_ascii_lowercase());
        let is_beneath = |one: &str, other: &str| {
            one.strip_suffix(other).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        is_beneath(&ours, &theirs) || is_beneath(&theirs, &ours)
    }
}

/// The header fields a signature covers.
struct Covered<'a> {
    /// `h=`, in order.
    names: Vec<&'a str>,
    /// The fields in that order; a name without a field adds none (RFC 6376 5.4.2).
    fields: Vec<&'a [u8]>,
}

impl<'a> Covered<'a> {
    fn of(fields: &[&'a [u8]]) -> Covered<'a> {
        let mut covered = Covered { names: Vec::with_capacity(32), fields: Vec::with_capacity(16) };
        CLOSED.iter().for_each(|name| covered.close(name, fields));
        let is_there = |name: &str| fields.iter().any(|field| has_name(field, name));
        CLOSED_WHERE_THERE.iter().filter(|n| is_there(n)).for_each(|n| covered.close(n, fields));
        for name in fields.iter().filter_map(|field| name_with_start(field, CLOSED_START)) {
            if !covered.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                covered.close(name, fields);
            }
        }
        covered
    }

    /// Covers all fields of a name, from the last to the first, and that there is no other.
    fn close(&mut self, name: &'a str, fields: &[&'a [u8]]) {
        for field in fields.iter().rev().filter(|field| has_name(field, name)) {
            self.names.push(name);
            self.fields.push(field);
        }
        self.names.push(name);
    }

    /// Writes `h=`, folded before a name.
    fn write_names(&self, out: &mut String) {
        out.push_str(" h=");
        let mut column = " h=".len();
        for (i, name) in self.names.iter().enumerate() {
            let separator = if i > 0 { ":" } else { "" };
            if column + separator.len() + name.len() + ";".len() > LINE_OCTETS {
                out.push_str(&format!("{separator}\r\n {name}"));
                column = 1 + name.len();
            } else {
                out.push_str(&format!("{separator}{name}"));
                column += separator.len() + name.len();
            }
        }
        out.push_str(";\r\n");
    }

    /// What is signed: the fields in their relaxed form, and the signature's own field without
    /// signature and line end (RFC 6376 3.7).
    fn data(&self, own: &str) -> Vec<u8> {
        let mut data = Vec::with_capacity(2_048);
        for field in &self.fields {
            add_relaxed(&mut data, field);
            data.extend_from_slice(b"\r\n");
        }
        add_relaxed(&mut data, own.as_bytes());
        data
    }
}

/// Writes the signature behind `b=`, folded: blanks in it do not count (RFC 6376 3.5).
fn write_folded(out: &mut Vec<u8>, signature: &[u8]) {
    let text = BASE64.encode(signature);
    let (first, rest) = text.split_at(text.len().min(LINE_OCTETS - " b=".len()));
    out.extend_from_slice(first.as_bytes());
    for line in rest.as_bytes().chunks(LINE_OCTETS - 1) {
        out.extend_from_slice(b"\r\n ");
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"\r\n");
}
