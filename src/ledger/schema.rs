//! The tables of the ledger, their version, and how one version becomes the next.
//!
//! Owns the DDL, `user_version` and `application_id`. Version 1 stays in the tests for ever.
//!
//! # Invariants
//! A file that is not ours, or is newer than we are, is told apart before anything is written to
//! it. A migration and its new version number are one transaction: there is no half.

use super::failure::Fault;
use super::names;
use crate::crash;
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

/// `SCRT` in the file's header: what tells a ledger from other SQLite files.
const APPLICATION_ID: i64 = 0x5343_5254;

/// What leads from each version to the next; the first makes version 1 of an empty file.
///
/// What was released is never edited: a later version is another entry.
const STEPS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4];

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
    if from == 1 {
        // Version 2 began to keep them; SQL alone cannot fold a name.
        names::write_all(&transaction)?;
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
    crash::point("schema-changing");
    transaction.commit()?;
    crash::point("schema-changed");
    Ok(())
}

/// Gives a connection that may only read what an older ledger lacks, in memory: the questions are
/// then the same for every version.
pub(super) fn stand_in(connection: &Connection, version: i64) -> Result<(), Fault> {
    if version == 1 {
        connection.execute_batch(&TABLES_2.replace("CREATE TABLE", "CREATE TEMP TABLE"))?;
        names::write_all(connection)?;
    }
    if version < 4 {
        connection.execute_batch(VIEWS_4)?;
    }
    Ok(())
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

/// What a person ordered for a whole campaign, and the names to find somebody by.
const VERSION_2: &str = TABLES_2;
const TABLES_2: &str = "
-- A campaign with a row here is paused.
CREATE TABLE pauses (
    campaign TEXT PRIMARY KEY,
    since    INTEGER NOT NULL
) STRICT;
-- A campaign with a row here was withdrawn: its current plan needs to be confirmed again.
CREATE TABLE withdrawals (
    campaign TEXT PRIMARY KEY,
    at       INTEGER NOT NULL
) STRICT;
-- See names.rs.
CREATE TABLE names (
    first_row INTEGER PRIMARY KEY,
    folded    TEXT NOT NULL
) STRICT;
";

/// The same states, asked for one by one: of a list SQLite makes a table in memory at every
/// statement that writes a state, and that took a quarter of each step.
///
/// SQLite's documentation of ALTER TABLE allows what leaves the rows as they are to be replaced so;
/// a program that has the ledger open meanwhile knows the same rule by its old text.
const VERSION_3: &str = "
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql,
    'state IN (''planned'', ''attempting'', ''accepted'', ''deferred'',
                        ''rejected'', ''uncertain'', ''expired'', ''cancelled'', ''suppressed'')',
    'state = ''planned'' OR state = ''attempting'' OR state = ''accepted''
                        OR state = ''deferred'' OR state = ''rejected'' OR state = ''uncertain''
                        OR state = ''expired'' OR state = ''cancelled'' OR state = ''suppressed''')
WHERE type = 'table' AND name = 'deliveries';
PRAGMA writable_schema = RESET;
";

/// Copies: deliveries that have the message of another one, their letter.
///
/// A copy has no row in `letters` and no `date`: both are its letter's, so that a letter is frozen
/// once and dated once. It has its own only where its letter was replaced after the copy may have
/// gone; `to_mailbox` is then the `To:` it went with.
const VERSION_4: &str = "
ALTER TABLE deliveries ADD COLUMN copy_of INTEGER REFERENCES deliveries (row);
CREATE INDEX deliveries_by_letter ON deliveries (copy_of) WHERE copy_of IS NOT NULL;
ALTER TABLE letters ADD COLUMN cc TEXT;
ALTER TABLE letters ADD COLUMN to_mailbox TEXT;
";

/// What version 4 added, for an older ledger that is only looked at. Where another program brings
/// it up to date meanwhile, its own columns go before these.
const VIEWS_4: &str = "
CREATE TEMP VIEW deliveries AS SELECT *, NULL AS copy_of FROM main.deliveries;
CREATE TEMP VIEW letters AS SELECT *, NULL AS cc, NULL AS to_mailbox FROM main.letters;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CampaignId, DeliveryId};
    use crate::ledger::{Ledger, RunLock, State};

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
        assert_eq!(identify(&connection), Ok(Identity::Ledger(newest())));
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

    /// What was released is never edited.
    #[test]
    fn older_versions_are_what_they_were() {
        for (version, digest) in [
            (VERSION_1, "b40052941bdc24c6"),
            (VERSION_2, "a8eded9a57d14645"),
            (VERSION_3, "978601a08c624ff6"),
        ] {
            assert_eq!(&crate::id::Digest::of(version.as_bytes()).to_string()[..16], digest);
        }
    }

    /// Writing a state makes no table in memory: see [`VERSION_3`].
    #[test]
    fn a_step_asks_for_its_state_without_a_table() {
        let connection = made();
        let update = "EXPLAIN UPDATE deliveries SET state = 'accepted' WHERE row = 1";
        let mut statement = connection.prepare(update).unwrap();
        let steps: Vec<String> =
            statement.query_map([], |row| row.get(1)).unwrap().map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step == "HaltIfNull"), "{steps:?}");
        assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{steps:?}");
    }

    /// A mailing half gone, as version 1 wrote it.
    const DATA_1: &str = "
        INSERT INTO meta VALUES (1, x'000102030405060708090a0b0c0d0e0f', 0, 1793871000);
        INSERT INTO plans VALUES (1, 'outcome', zeroblob(32), 1, 1793871000, 1793871001, 3, '');
        INSERT INTO senders VALUES (1, 'secretariat@forum.example Secretariat', NULL, NULL);
        INSERT INTO deliveries (row, id, campaign, state, round, attempts, due_at, date,
            first_attempt, updated_at, plan, number, key, address, compare_address, name, language,
            file, line, letter_digest, message_id)
        VALUES
            (1, x'000000000000000000000000000001', 'outcome', 'accepted', 1, 1, NULL, 1793871002,
             1793871002, 1793871003, 1, 1, 'ana@forum.example', 'ana@forum.example',
             'ana@forum.example', 'Ana Pérez', 'es', 'recipients/a.csv', 2, zeroblob(32),
             '<a@forum.example>'),
            (2, x'000000000000000000000000000002', 'outcome', 'deferred', 1, 1, 1793871300,
             1793871002, 1793871002, 1793871003, 1, 2, 'bo@forum.example', 'bo@forum.example',
             'bo@forum.example', 'Bo Łoś', 'en', 'recipients/a.csv', 3, zeroblob(32),
             '<b@forum.example>'),
            (3, x'000000000000000000000000000003', 'outcome', 'attempting', 1, 1, NULL, 1793871002,
             1793871002, 1793871003, 1, 3, 'eve@forum.example', 'eve@forum.example',
             'eve@forum.example', NULL, 'en', 'recipients/a.csv', 4, zeroblob(32),
             '<e@forum.example>');
        INSERT INTO letters VALUES
            (1, 1, 1, 's', NULL, '[]', '[]', '{}', 'text', '<p>html</p>'),
            (2, 1, 1, 's', NULL, '[]', '[]', '{}', 'text', '<p>html</p>'),
            (3, 1, 1, 's', NULL, '[]', '[]', '{}', 'text', '<p>html</p>');
        INSERT INTO events VALUES
            (1, 1793871002, 'outcome', 1, 'attempt', '{}'),
            (2, 1793871003, 'outcome', 1, 'accepted', '{\"response\":\"250 ok\"}');
        PRAGMA application_id = 0x53435254;
        PRAGMA user_version = 1;";

    /// A ledger as a version before the newest wrote it.
    fn older(version: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("ledger.db")).unwrap();
        connection.execute_batch(VERSION_1).unwrap();
        connection.execute_batch(DATA_1).unwrap();
        for step in &STEPS[1..version] {
            connection.execute_batch(step).unwrap();
        }
        if version > 1 {
            names::write_all(&connection).unwrap();
        }
        connection.pragma_update(None, "user_version", version as i64).unwrap();
        folder
    }

    /// Everything that is asked of an older ledger, looked at or migrated.
    fn check_older(ledger: &Ledger) {
        let outcome = CampaignId::parse("outcome").unwrap();
        let frozen = ledger.frozen(&DeliveryId::from_bytes(first())).unwrap().unwrap();
        assert_eq!((frozen.address.local_part(), frozen.letter.cc.len()), ("ana", 0));
        assert_eq!(ledger.copies_of(&frozen.id), Ok(Vec::new()));
        assert_eq!(ledger.copies(&outcome).unwrap().total(), 0);
        let counts = ledger.counts(&outcome).unwrap();
        let of = [State::Accepted, State::Deferred, State::Attempting].map(|s| counts.of(s));
        assert_eq!((of, counts.total()), ([1, 1, 1], 3));
        assert_eq!(ledger.is_paused(&outcome), Ok(false));
        let plan = ledger.current_plan(&outcome).unwrap().unwrap();
        assert_eq!((plan.withdrawn_at, plan.total), (None, 3));
        let found = ledger.deliveries_of("los").unwrap();
        assert_eq!(found.iter().map(|d| d.number).collect::<Vec<_>>(), [2]);
        assert_eq!(ledger.events_of(&DeliveryId::from_bytes(first())).unwrap().len(), 2);
        assert_eq!(ledger.acceptances_since(now(), now()).unwrap().len(), 1);
    }

    fn first() -> [u8; 15] {
        let mut id = [0; 15];
        id[14] = 1;
        id
    }

    #[test]
    fn an_older_ledger_is_looked_at_and_left_as_it_is() {
        for version in 1..STEPS.len() {
            let folder = older(version);
            let before = std::fs::read(folder.path().join("ledger.db")).unwrap();
            check_older(&Ledger::look(folder.path()).unwrap().unwrap());
            assert!(std::fs::read(folder.path().join("ledger.db")).unwrap() == before);
        }
    }

    #[test]
    fn an_older_ledger_becomes_the_newest_and_goes_on() {
        for version in 1..STEPS.len() {
            let folder = older(version);
            let mut ledger = Ledger::open(folder.path(), now()).unwrap();
            check_older(&ledger);
            assert_eq!(ledger.id().unwrap()[..4], [0, 1, 2, 3], "it is the same ledger");
            let outcome = CampaignId::parse("outcome").unwrap();
            assert_eq!(ledger.pause(&outcome, now()), Ok(true));
            let lock = RunLock::take(folder.path(), "desk-3", now()).unwrap();
            assert_eq!(ledger.recover(&lock, now()).unwrap().len(), 1);
            let due = Timestamp::from_unix_seconds(1_793_871_300);
            let waiting = ledger.open_letters(&outcome).unwrap();
            assert_eq!(
                ledger.intend(&waiting[0].id, due, due),
                Ok(Timestamp::from_unix_seconds(1_793_871_002))
            );
            assert_eq!(ledger.cancel(&outcome, None, due), Ok(0));
            drop(ledger);
            let again = Ledger::look(folder.path()).unwrap().unwrap();
            assert_eq!(again.counts(&outcome).unwrap().of(State::Uncertain), 1);
            assert_eq!(again.is_paused(&outcome), Ok(true));
        }
    }

    /// A ledger has one form, whatever version it began as; and the file is sound.
    #[test]
    fn an_older_ledger_becomes_what_a_new_one_is() {
        let tables = |connection: &Connection| -> Vec<String> {
            let all = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
            let mut statement = connection.prepare(all).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let new = tables(&made());
        for version in 1..STEPS.len() {
            let folder = older(version);
            drop(Ledger::open(folder.path(), now()).unwrap());
            let connection = Connection::open(folder.path().join("ledger.db")).unwrap();
            assert_eq!(tables(&connection), new, "version {version}");
            let check = "PRAGMA integrity_check";
            let said: String = connection.query_row(check, [], |row| row.get(0)).unwrap();
            assert_eq!(said, "ok");
            let refused = connection.execute("UPDATE deliveries SET state = 'sent'", []);
            assert!(refused.unwrap_err().to_string().contains("CHECK constraint failed"));
        }
    }
}
