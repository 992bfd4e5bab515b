//! `[dkim]`: which keys sign the messages, and reading them.
//!
//! Owns the table's keys, one table or several (`[[dkim]]`), and what a file with a key must be: an
//! ordinary one that only its owner can read (security S16). What makes a good key is
//! `message/dkim/key.rs`.
//!
//! # Standards
//! RFC 6376 3.1 (selectors), RFC 8616 (domains as A-labels).
//!
//! # Failure
//! A [`Problem`] with the place of the key's name in the configuration; nothing of the key is in it.

use super::section::{Entry, Placed, Reader, Refusal, Section, as_section};
use crate::address::EmailAddress;
use crate::limits::{DKIM_KEY_BYTES_MAX, DKIM_KEYS_MAX};
use crate::message::dkim::{Dkim, Key, KeyKind, Signer};
use crate::owner_only;
use crate::problem::{Place, Problem, Problems};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// What the table looks like, as hints show it.
const EXAMPLE: &str =
    "[dkim] with domain = \"forum.example\", selector = \"autumn\", key = \"../dkim.pem\"";

/// `[dkim]`: a key and where it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimKey {
    /// `d=`, as A-label.
    pub domain: Placed<String>,
    /// `s=`.
    pub selector: Placed<String>,
    /// The file with the key, as seen from the workspace, or absolute.
    pub file: Placed<String>,
}

impl DkimKey {
    /// Where the file is. `root` is the workspace's folder.
    #[must_use]
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.file.value)
    }
}

/// Reads `[dkim]` or each `[[dkim]]`.
pub(super) fn read_dkim(top: &mut Section<'_>, reader: &mut Reader<'_>) -> Vec<DkimKey> {
    let Some(entry) = top.take("dkim") else { return Vec::new() };
    let place = entry.place.clone();
    let read: Vec<DkimKey> = match entry.value.get_ref() {
        DeValue::Array(_) => {
            tables(entry, reader).into_iter().filter_map(|e| read_key(e, reader)).collect()
        }
        _ => read_key(entry, reader).into_iter().collect(),
    };
    let is_twice = |at: usize, key: &DkimKey| {
        let is_same = |other: &DkimKey| {
            (&other.domain.value, &other.selector.value) == (&key.domain.value, &key.selector.value)
        };
        read[..at].iter().any(is_same)
    };
    for (_, key) in read.iter().enumerate().filter(|(at, key)| is_twice(*at, key)) {
        let hint = "Each key is published under a selector of its own.";
        let message = format!("{:?} is another key's already", key.selector.value);
        reader.refuse("dkim.selector", &key.selector.place, Refusal::new(message, hint));
    }
    if read.len() > DKIM_KEYS_MAX {
        let message = format!("names {} keys, {DKIM_KEYS_MAX} at most sign a letter", read.len());
        reader.refuse("dkim", &place, Refusal::new(message, "An RSA key alone is enough."));
    }
    read
}

/// The tables of `[[dkim]]`.
fn tables<'t>(entry: Entry<'t>, reader: &Reader<'_>) -> Vec<Entry<'t>> {
    let DeValue::Array(array) = entry.value.into_inner() else { return Vec::new() };
    let each = |value: toml::Spanned<DeValue<'t>>| {
        let offset = value.span().start;
        Entry { place: reader.place(offset), offset, value }
    };
    array.into_iter().map(each).collect()
}

/// One table, of which every key is needed.
fn read_key(entry: Entry<'_>, reader: &mut Reader<'_>) -> Option<DkimKey> {
    let mut table = as_section("dkim".to_owned(), entry, EXAMPLE, reader)?;
    let place = table.place.clone();
    for key in ["domain", "selector", "key"].into_iter().filter(|key| !table.has(key)) {
        let problem = Problem::error("config-missing", format!("dkim.{key} is missing"));
        reader.report_absence(problem.place(place.clone()).hint(format!("Write {EXAMPLE}.")));
    }
    let domain = table.take_meaning("domain", "\"forum.example\"", reader, parse_domain);
    let selector = table.take_meaning("selector", "\"autumn\"", reader, parse_selector);
    let file = table.take_meaning("key", "\"../dkim.pem\"", reader, parse_file);
    table.finish(reader);
    Some(DkimKey { domain: domain?, selector: selector?, file: file? })
}

fn parse_domain(text: &str) -> Result<String, Refusal> {
    match EmailAddress::parse(&format!("author@{text}")) {
        Ok(address) => Ok(address.domain().to_ascii_lowercase()),
        Err(_) => Err(Refusal::new(
            format!("is no domain: {text:?}"),
            "Write the domain of your addresses, what stands behind the @: \"forum.example\".",
        )),
    }
}

/// Whether a text is a selector (RFC 6376 3.1): labels as in a domain.
#[must_use]
pub fn is_selector(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.split('.').all(is_label)
}

fn parse_selector(text: &str) -> Result<String, Refusal> {
    if is_selector(text) {
        return Ok(text.to_owned());
    }
    let hint = "Write letters, digits and hyphens, as before ._domainkey in your DNS: \"autumn\".";
    Err(Refusal::new(format!("is no selector: {text:?}"), hint))
}

fn parse_file(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("is empty", "Write the path of the file with the private key."));
    }
    Ok(text.to_owned())
}

/// Reads the keys, and says what is odd about them for letters of these authors. `root` is the
/// workspace's folder; every problem is kept, and a key with an error signs nothing.
pub fn read_keys(keys: &[DkimKey], root: &Path, author: &str, problems: &mut Problems) -> Dkim {
    let read = |key| problems.take_from(read_signer(key, root));
    let signers: Vec<Signer> = keys.iter().filter_map(read).collect();
    let is_whole = signers.len() == keys.len();
    if let Some(first) = keys.first().filter(|_| is_whole) {
        problems.append(oddities(first, &signers, author));
    }
    Dkim::of(signers)
}

/// What is no error: the letters can be signed, and the signature may not help them.
fn oddities(first: &DkimKey, signers: &[Signer], author: &str) -> Problems {
    let mut found = Problems::new();
    if !signers.iter().any(|signer| signer.is_aligned_with(author)) {
        let message = format!(
            "letters from an address at {author} are signed by {}, which is another domain",
            first.domain.value
        );
        let hint = format!(
            "Write domain = \"{author}\" with a key of that domain: receivers (DMARC) count a \
             signature only where it is of the author's domain."
        );
        found.push(warning("dkim-domain", message, &first.domain.place).hint(hint));
    }
    if signers.iter().all(|signer| signer.key.kind() == KeyKind::Ed25519) {
        let message = "letters are signed with Ed25519 only, which many mail servers do not check";
        let hint = "Add a second table [[dkim]] with an RSA key under a selector of its own.";
        found.push(warning("dkim-no-rsa", message, &first.file.place).hint(hint));
    }
    found
}

fn warning(code: &'static str, message: impl Into<String>, place: &Place) -> Problem {
    Problem::warning(code, message).place(place.clone())
}

fn read_signer(key: &DkimKey, root: &Path) -> Result<Signer, Problem> {
    let pem = read_file(&key.file.value, &key.path(root));
    let read = pem.and_then(|pem| {
        Key::from_pem(&pem).map_err(|fault| {
            refused(format!("the DKIM key {} {fault}", key.file.value), fault.hint())
        })
    });
    let read = read.map_err(|problem| problem.place(key.file.place.clone()))?;
    let (domain, selector) = (key.domain.value.clone(), key.selector.value.clone());
    Ok(Signer { domain, selector, key: read })
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::error("dkim-key", message).hint(hint)
}

fn read_file(shown: &str, path: &Path) -> Result<Vec<u8>, Problem> {
    let what = format!("the DKIM key {shown}");
    let failed = |error: io::Error| {
        let hint = "Correct key under [dkim], or remove the table: then letters go unsigned.";
        refused(format!("cannot read {what}: {error}"), hint)
    };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refused(format!("{what} is no ordinary file"), "Name an ordinary file."));
    }
    let file = File::open(path).map_err(failed)?;
    if !owner_only::is_owner_only(&file.metadata().map_err(failed)?) {
        let hint = format!(
            "Make it yours alone: chmod 600 {shown}. Whoever has read it can sign as you: if that \
             may be, make a new one under a new selector."
        );
        return Err(refused(format!("others may read {what}"), hint));
    }
    let mut bytes = Vec::new();
    file.take(DKIM_KEY_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::read::tests::{LEAST, check, config};

    #[test]
    fn one_key_or_several() {
        let one = "[dkim]\ndomain = \"Forum.example\"\nselector = \"s1\"\nkey = \"k.pem\"\n";
        let two = one.replace("[dkim]", "[[dkim]]");
        let other = two.replace("s1", "s2.mail").replace("Forum.example", "форум.example");
        for (text, expected) in [
            (String::new(), &[][..]),
            (one.to_owned(), &["s1 forum.example k.pem"]),
            (
                format!("{two}{other}"),
                &["s1 forum.example k.pem", "s2.mail xn--l1adgmc.example k.pem"],
            ),
        ] {
            let read = config(&format!("{text}\n{LEAST}")).dkim;
            let shown = |k: &super::DkimKey| {
                format!("{} {} {}", k.selector.value, k.domain.value, k.file.value)
            };
            assert_eq!(read.iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let with = |domain: &str, selector: &str| {
            format!("[dkim]\ndomain = {domain:?}\nselector = {selector:?}\nkey = \"k\"")
        };
        let twice = with("a.example", "s").replace("[dkim]", "[[dkim]]");
        for (text, expected) in [
            (
                "[dkim]\ndomain = \"a.example\"\nkey = \"k\"",
                "1:2 dkim.selector is missing | Write [dkim]",
            ),
            (
                "[dkim]\ndomain = \"a.example\"\nselector = \"s\"\nkey = \"\"",
                "4:7 dkim.key is empty",
            ),
            (&with("forum", "s"), "2:10 dkim.domain is no domain: \"forum\""),
            (&with("a@b.example", "s"), "2:10 dkim.domain is no domain: \"a@b.example\""),
            (&with("a.example", "s; d=b"), "3:12 dkim.selector is no selector: \"s; d=b\""),
            (&with("a.example", "s..t"), "3:12 dkim.selector is no selector"),
            (&with("a.example", "_domainkey"), "3:12 dkim.selector is no selector"),
            (&format!("{twice}\n{twice}"), "7:12 dkim.selector \"s\" is another key's already"),
            (
                "[dkim]\ndomain = \"a.example\"\nselector = \"s\"\nkeys = \"k\"\nkey = \"k\"",
                "4:1 unknown key \"keys\" in [dkim] | Did you mean key?",
            ),
            ("dkim = \"a.example\"", "1:8 dkim must be a table, not text"),
        ] {
            check(text, expected);
        }
    }
}
