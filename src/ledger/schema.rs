//! The tables of the ledger, their version, and how one version becomes the next.
//!
//! Owns the DDL, `user_version` and `application_id`. Version 1 stays in the tests for ever.
//!
//! # Invariants
//! A file that is not ours, or is newer than we are, is told apart before anything is written to
//! it. A migration and its new version number are one transaction: there is no half.

use super::failure::Fault;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

/// `SCRT` in the file's header: what tells a ledger from other SQLite files.
const APPLICATION_ID: i64 = 0x5343_5254;

/// What leads from each version to the next; the first makes version 1 of an empty file.
///
/// What was released is never edited: a later version is another entry.
const STEPS: &[&str] = &[VERSION_1];

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Nothing in it yet.
    Empty,
    /// A ledger of this version, at most [`newest`].
    Ledger(i64),
}

/// The version this program writes.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Says what a file is, reading only.
///
/// # Errors
/// [`Fault::NotALedger`] for another program's file, [`Fault::Newer`] for a later version.
pub(super) fn identify(connection: &Connection) -> Result<Identity, Fault> {
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let any_table = connection
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()))
        .optional()?
        .is_some();
    match (application, found) {
        (0, 0) if !any_table => Ok(Identity::Empty),
        (APPLICATION_ID, _) if found > newest() => Err(Fault::Newer { found, known: newest() }),
        (APPLICATION_ID, 1..) => Ok(Identity::Ledger(found)),
        _ => Err(Fault::NotALedger),
    }
}

/// Brings an empty file or an older ledger to the newest version.
pub(super) fn bring_up_to_date(connection: &mut Connection, now: Timestamp) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the write lock: another program may have just done it.
    let from = match identify(&transaction)? {
        Identity::Empty => 0,
        Identity::Ledger(version) => version,
    };
    let done = usize::try_from(from).unwrap_or(STEPS.len());
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute(
            "INSERT INTO meta (only_row, ledger_id, runs, made_at)
             VALUES (1, randomblob(16), 0, ?)",
            [now.unix_seconds()],
        )?;
    }
    transaction.pragma_update(None, "user_version", newest())?;
    Ok(transaction.commit()?)
}

/// Times are seconds since 1970 in UTC, digests 32 bytes, mailboxes `address` or `address name`.
///
/// `row` numbers are what tables refer to each other by; they are small, and everything written
/// for one plan lies together in the order of its deliveries.
const VERSION_1: &str = "
CREATE TABLE meta (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    ledger_id BLOB NOT NULL CHECK (length(ledger_id) = 16),
    runs      INTEGER NOT NULL,
    made_at   INTEGER NOT NULL
) STRICT;

-- Each plan that was ever adopted, in order; the manifest stands last so that it is read only
-- when it is asked for.
CREATE TABLE plans (
    row          INTEGER PRIMARY KEY,
    campaign     TEXT NOT NULL,
    fingerprint  BLOB NOT NULL CHECK (length(fingerprint) = 32),
    current      INTEGER NOT NULL CHECK (current IN (0, 1)),
    made_at      INTEGER NOT NULL,
    confirmed_at INTEGER,
    total        INTEGER NOT NULL,
    manifest     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX plans_current ON plans (campaign) WHERE current = 1;

CREATE TABLE senders (
    row            INTEGER PRIMARY KEY,
    author         TEXT NOT NULL,
    reply_to       TEXT,
    bounce_address TEXT
) STRICT;

CREATE TABLE deliveries (
    row             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 15),
    campaign        TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('planned', 'attempting', 'accepted', 'deferred',
                        'rejected', 'uncertain', 'expired', 'cancelled', 'suppressed')),
    round           INTEGER NOT NULL CHECK (round >= 1),
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    due_at          INTEGER CHECK ((due_at IS NOT NULL) = (state = 'deferred')),
    date            INTEGER,
    first_attempt   INTEGER,
    updated_at      INTEGER NOT NULL,
    plan            INTEGER NOT NULL REFERENCES plans (row),
    number          INTEGER NOT NULL,
    key             TEXT NOT NULL,
    address         TEXT NOT NULL,
    compare_address TEXT NOT NULL,
    name            TEXT,
    language        TEXT NOT NULL,
    file            TEXT NOT NULL,
    line            INTEGER,
    letter_digest   BLOB CHECK (length(letter_digest) = 32),
    message_id      TEXT,
    stage           TEXT,
    response_code   INTEGER,
    response        BLOB,
    detail          TEXT,
    relay           TEXT,
    relay_id        TEXT,
    tls             TEXT,
    UNIQUE (key, campaign)
) STRICT;
-- Counts, what is due, and when the next one is: all without reading a row.
CREATE INDEX deliveries_by_state ON deliveries (campaign, state, due_at);
CREATE INDEX deliveries_by_address ON deliveries (compare_address);

-- The frozen letter of each round: all that a message is made of, but for the bytes in objects/.
CREATE TABLE letters (
    delivery    INTEGER NOT NULL REFERENCES deliveries (row),
    round       INTEGER NOT NULL,
    sender      INTEGER NOT NULL REFERENCES senders (row),
    subject     TEXT NOT NULL,
    reply_to    TEXT,
    images      TEXT NOT NULL,
    attachments TEXT NOT NULL,
    row_values  TEXT NOT NULL,
    body_text   TEXT NOT NULL,
    body_html   TEXT NOT NULL,
    PRIMARY KEY (delivery, round)
) STRICT;

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    delivery INTEGER REFERENCES deliveries (row),
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_delivery ON events (delivery) WHERE delivery IS NOT NULL;
-- A relay's daily limit counts acceptances of all campaigns in any 24 hours.
CREATE INDEX events_accepted ON events (at) WHERE kind = 'accepted';
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::State;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_793_871_000)
    }

    fn made() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        bring_up_to_date(&mut connection, now()).unwrap();
        connection
    }

    #[test]
    fn an_empty_file_becomes_a_ledger_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(identify(&connection), Ok(Identity::Empty));
        bring_up_to_date(&mut connection, now()).unwrap();
        assert_eq!(identify(&connection), Ok(Identity::Ledger(1)));
        let id = |c: &Connection| -> Vec<u8> {
            c.query_row("SELECT ledger_id FROM meta", [], |row| row.get(0)).unwrap()
        };
        let first = id(&connection);
        bring_up_to_date(&mut connection, now()).unwrap();
        assert_eq!(id(&connection), first);
        assert_ne!(id(&made()), first, "two ledgers with one id");
    }

    #[test]
    fn a_newer_version_is_refused() {
        let mut connection = made();
        connection.pragma_update(None, "user_version", newest() + 1).unwrap();
        let newer = Fault::Newer { found: newest() + 1, known: newest() };
        assert_eq!(identify(&connection), Err(newer.clone()));
        assert_eq!(bring_up_to_date(&mut connection, now()), Err(newer));
    }

    #[test]
    fn another_programs_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
        assert_eq!(identify(&connection), Err(Fault::NotALedger));
        assert_eq!(bring_up_to_date(&mut connection, now()), Err(Fault::NotALedger));
        connection.pragma_update(None, "application_id", 7).unwrap();
        assert_eq!(identify(&connection), Err(Fault::NotALedger));
    }

    /// The list of states in the DDL and the enum say the same.
    #[test]
    fn the_table_takes_every_state_and_no_other() {
        let connection = made();
        connection
            .execute_batch("INSERT INTO plans VALUES (1, 'c', zeroblob(32), 1, 0, NULL, 0, '')")
            .unwrap();
        let insert = |state: &str, n: u8| {
            let due = (state == "deferred").then_some(0);
            connection.execute(
                "INSERT INTO deliveries (id, campaign, state, round, attempts, due_at, updated_at,
                     plan, number, key, address, compare_address, language, file)
                 VALUES (?1, 'c', ?2, 1, 0, ?3, 0, 1, 1, ?4, 'a', 'a', 'en', 'f')",
                rusqlite::params![[n; 15], state, due, n.to_string()],
            )
        };
        for (n, state) in (0..).zip(State::ALL) {
            insert(state.as_str(), n).unwrap();
        }
        assert!(insert("sent", 99).is_err());
    }
}
