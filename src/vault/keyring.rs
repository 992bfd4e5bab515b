//! Secrets in the system's keyring: macOS's, Windows's, or the Secret Service of a Linux desktop.
//!
//! Owns how a long secret fits: Windows holds 2,560 octets in an entry, and refresh tokens are
//! longer. Such a secret lies in several entries, and the first, which names the others, is
//! written last: until then the old secret stands.

use super::VaultError;
use crate::limits::{KEYRING_ENTRIES_MAX, KEYRING_ENTRY_BYTES_MAX};
use crate::secret::Secret;
use keyring::{Entry, Error};

/// What all entries are filed under.
const SERVICE: &str = "secretariat";

/// Whether this computer has a keyring that answers.
pub(super) fn is_there() -> bool {
    Entry::store_status().is_ok()
}

pub(super) fn read(name: &str) -> Result<Option<Secret>, VaultError> {
    let Some(head) = get(name)? else { return Ok(None) };
    let Some((layout, first)) = Layout::of(&head) else { return Ok(None) };
    let mut whole = first.to_owned();
    for part in layout.parts(name) {
        match get(&part)? {
            Some(text) => whole.push_str(&text),
            None => return Err(failed("a part of what was kept is missing: sign in again")),
        }
    }
    Ok(Some(Secret::new(whole)))
}

pub(super) fn keep(name: &str, secret: &Secret) -> Result<(), VaultError> {
    let before = get(name)?.and_then(|head| Layout::of(&head).map(|(layout, _)| layout));
    let (layout, pieces) = split(secret.reveal(), before.as_ref())?;
    for (part, piece) in layout.parts(name).iter().zip(&pieces[1..]) {
        set(part, piece)?;
    }
    set(name, &format!("{}{}\n{}", layout.side, layout.entries, pieces[0]))?;
    before
        .iter()
        .flat_map(|before| before.parts(name))
        .try_for_each(|part| drop_one(&part).map(drop))
}

/// Whether there was one.
pub(super) fn forget(name: &str) -> Result<bool, VaultError> {
    let layout = get(name)?.and_then(|head| Layout::of(&head).map(|(layout, _)| layout));
    for part in layout.iter().flat_map(|layout| layout.parts(name)) {
        drop_one(&part)?;
    }
    drop_one(name)
}

/// How a secret lies: on one of two sides, so that a new one never touches the old one's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// `a` or `b`.
    side: char,
    /// Entries, with the first.
    entries: usize,
}

impl Layout {
    /// Reads the first entry: `a3`, a line end, the first piece.
    fn of(head: &str) -> Option<(Layout, &str)> {
        let (layout, first) = head.split_once('\n')?;
        let side = layout.chars().next().filter(|side| matches!(side, 'a' | 'b'))?;
        let entries = layout.get(1..)?.parse().ok()?;
        (1..=KEYRING_ENTRIES_MAX).contains(&entries).then_some((Layout { side, entries }, first))
    }

    /// Names of the entries behind the first.
    fn parts(&self, name: &str) -> Vec<String> {
        (2..=self.entries).map(|n| format!("{name} ({}{n})", self.side)).collect()
    }
}

/// A secret in pieces that fit, on the other side than the one before.
fn split<'s>(
    secret: &'s str,
    before: Option<&Layout>,
) -> Result<(Layout, Vec<&'s str>), VaultError> {
    let mut pieces = Vec::new();
    let mut rest = secret;
    while rest.len() > KEYRING_ENTRY_BYTES_MAX {
        let end = rest.floor_char_boundary(KEYRING_ENTRY_BYTES_MAX);
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    if pieces.len() > KEYRING_ENTRIES_MAX {
        return Err(failed("it is too long for a keyring"));
    }
    let side = if before.is_some_and(|before| before.side == 'a') { 'b' } else { 'a' };
    Ok((Layout { side, entries: pieces.len() }, pieces))
}

fn failed(what: impl std::fmt::Display) -> VaultError {
    VaultError::new("the keyring of this computer", what)
}

fn entry(name: &str) -> Result<Entry, VaultError> {
    // Why not is a matter of sockets that nobody here can mend.
    match is_there() {
        true => Entry::new(SERVICE, name).map_err(failed),
        false => Err(VaultError::new("this computer has no keyring", "none answers")),
    }
}

fn get(name: &str) -> Result<Option<String>, VaultError> {
    match entry(name)?.get_password() {
        Ok(text) => Ok(Some(text)),
        Err(Error::NoEntry) => Ok(None),
        // Its text may hold the bytes that were found.
        Err(Error::BadEncoding(_)) => Err(failed("what is kept there is not text")),
        Err(error) => Err(failed(error)),
    }
}

fn set(name: &str, text: &str) -> Result<(), VaultError> {
    entry(name)?.set_password(text).map_err(failed)
}

fn drop_one(name: &str) -> Result<bool, VaultError> {
    match entry(name)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_secret_lies_in_pieces_beside_the_old_one() {
        let long: String = (0..4_000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        let (layout, pieces) = split(&long, None).unwrap();
        assert_eq!((layout, pieces.len()), (Layout { side: 'a', entries: 4 }, 4));
        assert!(pieces.iter().all(|piece| piece.len() <= KEYRING_ENTRY_BYTES_MAX));
        assert_eq!(pieces.concat(), long);
        let (next, _) = split("short", Some(&layout)).unwrap();
        assert_eq!(next, Layout { side: 'b', entries: 1 });
        let apart = |name: &String| !next.parts("x").contains(name);
        assert!(layout.parts("x").iter().all(apart));
        assert!(split(&"é".repeat(9_000), None).is_err());
        assert_eq!(split(&"é".repeat(2_000), None).unwrap().1.concat(), "é".repeat(2_000));
    }

    #[test]
    fn what_somebody_else_has_put_there_is_none_of_ours() {
        assert_eq!(Layout::of("a2\nfirst"), Some((Layout { side: 'a', entries: 2 }, "first")));
        for head in ["", "canary", "a\nx", "c1\nx", "a0\nx", "a99\nx", "\nx", "é1\nx"] {
            assert_eq!(Layout::of(head), None, "{head:?}");
        }
    }
}
