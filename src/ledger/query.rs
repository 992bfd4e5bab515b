//! What the ledger can be asked: counts, what is due, who needs a person, one delivery.
//!
//! Owns reading only. Each question is one statement, so that it sees one moment of the ledger
//! even while a run writes. All go through an index or a text made for it: a million deliveries
//! are counted in well under a second and one is found in a millisecond.

use super::change::response;
use super::failure::Fault;
use super::frozen;
use super::names;
use super::state::State;
use super::{Ledger, LedgerError};
use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, DeliveryId, RecipientKey};
use crate::language::Language;
use crate::problem::Place;
use crate::recipients::select as who;
use crate::response::Response;
use crate::time::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::collections::HashSet;

/// How many deliveries of a campaign are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; State::ALL.len()]);

impl Counts {
    /// How many are in this state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// All deliveries: each is in one state.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether nothing is planned, attempting, deferred or uncertain.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        State::ALL.into_iter().all(|state| state.is_final() || self.of(state) == 0)
    }
}

/// A delivery as the ledger has it, without its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Who it is for.
    pub key: RecipientKey,
    /// Rank among the recipients, from 1.
    pub number: u32,
    /// Where it goes.
    pub address: EmailAddress,
    /// The recipient's name.
    pub name: Option<String>,
    /// The letter's language.
    pub language: Language,
    /// File and line of the row.
    pub place: Place,
    /// Where it stands.
    pub state: State,
    /// 1, or more for a resend.
    pub round: u32,
    /// How often it was tried.
    pub attempts: u32,
    /// With angle brackets; a suppressed delivery may have none.
    pub message_id: Option<String>,
    /// `Date:` of its message, once fixed.
    pub date: Option<Timestamp>,
    /// When the first attempt of this letter began.
    pub first_attempt: Option<Timestamp>,
    /// When a deferred one is due again.
    pub due_at: Option<Timestamp>,
    /// The relay's answer to the last attempt, if it gave one.
    pub response: Option<Response>,
    /// What else is known of the last attempt, or a person's reason.
    pub detail: Option<String>,
    /// How far the last attempt came.
    pub stage: Option<String>,
    /// The relay.
    pub relay: Option<String>,
    /// The relay's own id for the message.
    pub relay_id: Option<String>,
    /// TLS version and cipher.
    pub tls: Option<String>,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Of a copy: the person whose letter it is.
    pub copy_of: Option<Mailbox>,
    /// Whether the current plan of its campaign names it. Who was mended or taken out of the lists
    /// since is in none.
    pub is_in_plan: bool,
}

impl StoredDelivery {
    /// The last that is known in words: the relay's answer, else the detail.
    #[must_use]
    pub fn last_words(&self) -> Option<String> {
        self.response.as_ref().map(ToString::to_string).or_else(|| self.detail.clone())
    }

    /// The answer to the last attempt, for programs: the relay's, or where it was handed over.
    #[must_use]
    pub fn answer(&self) -> Option<String> {
        let folder = || self.hand_over().map(|to| to.in_words());
        self.response.as_ref().map(ToString::to_string).or_else(folder)
    }
}

/// A letter that is still to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenLetter {
    /// Its delivery.
    pub id: DeliveryId,
    /// When a deferred one is due again.
    pub due_at: Option<Timestamp>,
    /// A number that it shares with the other deliveries of its letter.
    pub letter: i64,
}

/// The columns of [`StoredDelivery`], in the order in which [`stored`] reads them.
const STORED: &str = "id, campaign, key, number, address, name, language, file, line, state, round,
    attempts, message_id, date, first_attempt, due_at, response_code, response, detail, stage,
    relay, relay_id, tls, updated_at,
    plan IS (SELECT p.row FROM plans p WHERE p.campaign = deliveries.campaign AND p.current = 1),
    (SELECT l.address FROM deliveries l WHERE l.row = deliveries.copy_of),
    (SELECT l.name FROM deliveries l WHERE l.row = deliveries.copy_of)";

impl Ledger {
    /// How many deliveries of a campaign are in each state.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn counts(&self, campaign: &CampaignId) -> Result<Counts, LedgerError> {
        let question = "SELECT state, count(*) FROM deliveries WHERE campaign = ? GROUP BY state";
        self.read(|connection| counted(connection, question, campaign))
    }

    /// The state of each delivery of a campaign.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn states(&self, campaign: &CampaignId) -> Result<Vec<(DeliveryId, State)>, LedgerError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT id, state FROM deliveries WHERE campaign = ?")?;
            let states = statement.query_map([campaign.as_str()], |row| {
                Ok((DeliveryId::from_bytes(row.get(0)?), row.get(1)?))
            })?;
            Ok(states.collect::<Result<_, _>>()?)
        })
    }

    /// The letters of a campaign that went or may have gone, each with the name it was written to and
    /// the address it went to, as that is compared; one after the other, for there may be a million.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn each_letter_gone(
        &self,
        campaign: &CampaignId,
        mut see: impl FnMut(DeliveryId, Option<&str>, &str),
    ) -> Result<(), LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, compare_address FROM deliveries WHERE campaign = ?
                 AND state IN ('accepted', 'attempting', 'uncertain') AND copy_of IS NULL",
            )?;
            let mut rows = statement.query([campaign.as_str()])?;
            while let Some(row) = rows.next()? {
                let (name, address): (Option<String>, String) = (row.get(1)?, row.get(2)?);
                see(DeliveryId::from_bytes(row.get(0)?), name.as_deref(), &address);
            }
            Ok(())
        })
    }

    /// The letters of a campaign that the ledger has for another address than the one in the list.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn letters_elsewhere(
        &self,
        campaign: &CampaignId,
    ) -> Result<HashSet<DeliveryId>, LedgerError> {
        self.read(|connection| {
            // Behind a blank a key has a name.
            let mut statement = connection.prepare_cached(
                "SELECT id FROM deliveries WHERE campaign = ? AND copy_of IS NULL
                 AND compare_address <> substr(key, 1, instr(key || ' ', ' ') - 1)",
            )?;
            let ids = statement.query_map([campaign.as_str()], |row| row.get(0))?;
            Ok(ids.map(|id| id.map(DeliveryId::from_bytes)).collect::<Result<_, _>>()?)
        })
    }

    /// The campaigns that ever had a plan, by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn campaigns(&self) -> Result<Vec<CampaignId>, LedgerError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT DISTINCT campaign FROM plans ORDER BY campaign")?;
            let names =
                statement.query_and_then([], |row| campaign_id(&row.get::<_, String>(0)?))?;
            names.collect()
        })
    }

    /// What is still to go, in the order of the list, each letter before its copies: planned, and
    /// deferred with their time.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_letters(&self, campaign: &CampaignId) -> Result<Vec<OpenLetter>, LedgerError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, due_at, coalesce(copy_of, row) FROM deliveries
                 WHERE campaign = ? AND state IN ('planned', 'deferred') ORDER BY number, row",
            )?;
            let letters = statement.query_map([campaign.as_str()], |row| {
                let due_at: Option<i64> = row.get(1)?;
                let id = DeliveryId::from_bytes(row.get(0)?);
                let due_at = due_at.map(Timestamp::from_unix_seconds);
                Ok(OpenLetter { id, due_at, letter: row.get(2)? })
            })?;
            Ok(letters.collect::<Result<_, _>>()?)
        })
    }

    /// When a letter of any campaign was tried last; the pace is kept across runs.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn last_attempt(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|connection| {
            let last: Option<i64> = connection
                .prepare_cached(
                    "SELECT at FROM events WHERE delivery IS NOT NULL AND kind IN
                     ('attempt', 'accepted', 'deferred', 'rejected') ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(last.map(Timestamp::from_unix_seconds))
        })
    }

    /// When the next deferred delivery is due; in the past when it is due already.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn next_due(&self, campaign: &CampaignId) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|connection| {
            let next: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(due_at) FROM deliveries
                     WHERE campaign = ? AND state = 'deferred'",
                )?
                .query_row([campaign.as_str()], |row| row.get(0))?;
            Ok(next.map(Timestamp::from_unix_seconds))
        })
    }

    /// The deliveries a person may have to look at: deferred, uncertain, rejected and expired, in
    /// the order of the list.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn attention(&self, campaign: &CampaignId) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.read(|connection| {
            let condition = "campaign = ? AND state IN
                ('deferred', 'uncertain', 'rejected', 'expired') ORDER BY number, row";
            select(connection, condition, [campaign.as_str()])
        })
    }

    /// The deliveries of a campaign that are on their way, in the order of the list; where no run
    /// is at work, those that one left in the moment of handing over.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn under_way(&self, campaign: &CampaignId) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.read(|connection| {
            let condition = "campaign = ? AND state = 'attempting' ORDER BY number, row";
            select(connection, condition, [campaign.as_str()])
        })
    }

    /// How many of those are copies.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn copies(&self, campaign: &CampaignId) -> Result<Counts, LedgerError> {
        let question = "SELECT state, count(*) FROM deliveries
             WHERE copy_of IS NOT NULL AND campaign = ? GROUP BY state";
        self.read(|connection| counted(connection, question, campaign))
    }

    /// The copies of a letter, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn copies_of(&self, letter: &DeliveryId) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.read(|connection| {
            let condition = "copy_of = (SELECT row FROM deliveries WHERE id = ?) ORDER BY row";
            select(connection, condition, [letter.as_bytes()])
        })
    }

    /// One delivery.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn delivery(&self, id: &DeliveryId) -> Result<Option<StoredDelivery>, LedgerError> {
        self.read(|connection| Ok(select(connection, "id = ?", [id.as_bytes()])?.pop()))
    }

    /// All deliveries to an address, of every campaign, oldest first; spelled as it may be, whoever
    /// shares it, and also where it is the address in the list and another is used instead.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn deliveries_of_address(
        &self,
        address: &EmailAddress,
    ) -> Result<Vec<StoredDelivery>, LedgerError> {
        self.read(|connection| {
            // Behind a blank a key has the name of one of several people; `!` follows the blank.
            let condition = "row IN (SELECT row FROM deliveries WHERE compare_address = ?1
                UNION SELECT row FROM deliveries WHERE key = ?1
                UNION SELECT row FROM deliveries WHERE key > ?1 || ' ' AND key < ?1 || '!')
                ORDER BY row";
            select(connection, condition, [address.compare_key()])
        })
    }

    /// All deliveries that WHO means, of every campaign, oldest first: a whole address, with a name
    /// or alone, words that are each part of a name, or part of an address ([`who::matches`]).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn deliveries_of(&self, who: &str) -> Result<Vec<StoredDelivery>, LedgerError> {
        if who.contains('@') {
            let Some(whole) = who::whole(who) else {
                return self
                    .read(|connection| meant_in(connection, &rows_of_part(connection, who)?, who));
            };
            let mut found = self.deliveries_of_address(&whole.address)?;
            let is_named =
                |d: &StoredDelivery| who::is_same_name(d.name.as_deref(), whole.name.as_deref());
            found.retain(|d| whole.name.is_none() || is_named(d));
            return Ok(found);
        }
        self.read(|connection| {
            let mut rows = names::rows_of(connection, who)?;
            let found = meant_in(connection, &rows, who)?;
            // Names are found at once, also among a million; addresses take a pass over all.
            let people = found.iter().map(|d| (&d.address, d.name.as_deref()));
            if who::is_settled_by_name(who, people) {
                return Ok(found);
            }
            rows.extend(rows_of_local_part(connection, who)?);
            rows.sort_unstable();
            rows.dedup();
            meant_in(connection, &rows, who)
        })
    }

    /// The values of the row a delivery's letter was made from, by column name; none of a copy.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn values(&self, id: &DeliveryId) -> Result<Vec<(String, String)>, LedgerError> {
        self.read(|connection| {
            let values: Option<String> = connection
                .prepare_cached(
                    "SELECT l.row_values FROM deliveries d
                     JOIN letters l ON l.delivery = d.row AND l.round = d.round WHERE d.id = ?",
                )?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            let values: std::collections::BTreeMap<String, String> =
                values.map_or(Ok(Default::default()), |text| frozen::from_json(&text))?;
            Ok(values.into_iter().collect())
        })
    }
}

fn counted(
    connection: &Connection,
    question: &str,
    campaign: &CampaignId,
) -> Result<Counts, Fault> {
    let mut statement = connection.prepare_cached(question)?;
    let mut rows = statement.query([campaign.as_str()])?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        let state: State = row.get(0)?;
        counts.0[state as usize] = row.get::<_, i64>(1)?.unsigned_abs();
    }
    Ok(counts)
}

/// The deliveries of these rows that WHO means: what was searched may have been folded by an older
/// version.
fn meant_in(
    connection: &Connection,
    rows: &[i64],
    who: &str,
) -> Result<Vec<StoredDelivery>, Fault> {
    let mut found = Vec::new();
    for row in rows {
        found.extend(select(connection, "row = ?", [row])?);
    }
    found.retain(|d| who::matches(who, d.address.as_str(), d.name.as_deref()));
    Ok(found)
}

/// Rows whose address holds this text before its `@`: a pass over the index of addresses.
fn rows_of_local_part(connection: &Connection, who: &str) -> Result<Vec<i64>, Fault> {
    let who = who.trim().to_lowercase();
    if who.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT row FROM deliveries WHERE instr(compare_address, ?1) > 0
         AND instr(substr(compare_address, 1, instr(compare_address, '@') - 1), ?1) > 0",
    )?;
    let rows = statement.query_map([who], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Rows whose address holds this text, which has an `@`: a pass over the index of addresses.
fn rows_of_part(connection: &Connection, who: &str) -> Result<Vec<i64>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT row FROM deliveries WHERE instr(compare_address, ?1) > 0")?;
    let rows = statement.query_map([who.trim().to_lowercase()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All deliveries in a state, of every campaign.
pub(super) fn in_state(
    connection: &Connection,
    state: State,
) -> Result<Vec<StoredDelivery>, Fault> {
    let condition = "campaign IN (SELECT DISTINCT campaign FROM plans) AND state = ? ORDER BY row";
    select(connection, condition, [state])
}

pub(super) fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<StoredDelivery>, Fault> {
    let statement = format!("SELECT {STORED} FROM deliveries WHERE {condition}");
    let mut statement = connection.prepare_cached(&statement)?;
    let rows = statement.query_and_then(parameters, stored)?;
    rows.collect()
}

fn stored(row: &Row<'_>) -> Result<StoredDelivery, Fault> {
    let code: Option<u16> = row.get(16)?;
    let bytes: Option<Vec<u8>> = row.get(17)?;
    Ok(StoredDelivery {
        id: DeliveryId::from_bytes(row.get(0)?),
        campaign: campaign_id(&row.get::<_, String>(1)?)?,
        key: RecipientKey::from_stored(row.get(2)?),
        number: row.get(3)?,
        address: frozen::address(&row.get::<_, String>(4)?)?,
        name: row.get(5)?,
        language: language(&row.get::<_, String>(6)?)?,
        place: Place { file: row.get(7)?, line: row.get(8)?, column: None },
        state: row.get(9)?,
        round: row.get(10)?,
        attempts: row.get(11)?,
        message_id: row.get(12)?,
        date: time(row, 13)?,
        first_attempt: time(row, 14)?,
        due_at: time(row, 15)?,
        response: code.zip(bytes).map(|(code, bytes)| response(code, &bytes)),
        detail: row.get(18)?,
        stage: row.get(19)?,
        relay: row.get(20)?,
        relay_id: row.get(21)?,
        tls: row.get(22)?,
        updated_at: Timestamp::from_unix_seconds(row.get(23)?),
        is_in_plan: row.get(24)?,
        copy_of: match row.get::<_, Option<String>>(25)? {
            Some(text) => Some(Mailbox { address: frozen::address(&text)?, name: row.get(26)? }),
            None => None,
        },
    })
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_seconds))
}

pub(super) fn mailbox(row: &Row<'_>, column: usize) -> Result<Option<Mailbox>, Fault> {
    row.get::<_, Option<String>>(column)?.map(|text| frozen::mailbox(&text)).transpose()
}

pub(super) fn campaign_id(text: &str) -> Result<CampaignId, Fault> {
    CampaignId::parse(text).map_err(|error| Fault::damaged(error.to_string()))
}

pub(super) fn language(text: &str) -> Result<Language, Fault> {
    Language::parse_tag(text)
        .ok_or_else(|| Fault::damaged(format!("{text:?} in it is no language")))
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<State> {
        State::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{address, answered, bring, campaign, id, later, ledger, now};
    use crate::ledger::{Recorded, testing};

    #[test]
    fn open_are_planned_and_deferred_in_the_order_of_the_list() {
        let people = ["ana", "bo", "eve", "fang", "ida"];
        let (_folder, mut ledger) = ledger(&people);
        let wait = |at| Recorded { due_at: Some(at), ..Recorded::new(State::Deferred) };
        ledger.record(&id("ana"), &wait(later(10)), now()).unwrap();
        ledger.record(&id("bo"), &wait(later(5)), now()).unwrap();
        bring(&mut ledger, "eve", State::Accepted);
        let open = ledger.open_letters(&campaign()).unwrap();
        let expected =
            [("ana", Some(later(10))), ("bo", Some(later(5))), ("fang", None), ("ida", None)];
        let expected = expected.map(|(who, due_at)| (id(who), due_at));
        assert_eq!(open.iter().map(|o| (o.id, o.due_at)).collect::<Vec<_>>(), expected);
        assert_eq!(ledger.next_due(&campaign()), Ok(Some(later(5))));
    }

    #[test]
    fn nothing_is_due_where_nothing_waits() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        bring(&mut ledger, "ana", State::Accepted);
        assert_eq!(ledger.open_letters(&campaign()), Ok(Vec::new()));
        assert_eq!(ledger.next_due(&campaign()), Ok(None));
        assert!(ledger.counts(&campaign()).unwrap().is_complete());
    }

    #[test]
    fn attention_is_for_what_may_need_a_person() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve", "fang", "ida", "jo", "kim"]);
        bring(&mut ledger, "ana", State::Uncertain);
        bring(&mut ledger, "bo", State::Accepted);
        bring(&mut ledger, "eve", State::Deferred);
        ledger.record(&id("fang"), &answered(State::Rejected, 550, "5.1.1 no"), now()).unwrap();
        bring(&mut ledger, "ida", State::Expired);
        bring(&mut ledger, "jo", State::Cancelled);
        let attention = ledger.attention(&campaign()).unwrap();
        let named: Vec<_> = attention.iter().map(|d| (d.address.local_part(), d.state)).collect();
        assert_eq!(
            named,
            [
                ("ana", State::Uncertain),
                ("eve", State::Deferred),
                ("fang", State::Rejected),
                ("ida", State::Expired)
            ]
        );
        assert_eq!(attention[2].last_words().as_deref(), Some("550 5.1.1 no"));
    }

    #[test]
    fn a_person_is_found_by_address_and_by_name() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        let mut moved = testing::delivery(1, "ana", "hello");
        moved.address = address("ana.new");
        testing::adopt(&mut ledger, &[moved, testing::delivery(2, "bo", "hello")], later(1));
        let spelled = |text: &str| EmailAddress::parse(text).unwrap();
        let found = |text| ledger.deliveries_of_address(&spelled(text)).unwrap();
        for text in ["ANA@Forum.example", "Ana.New@forum.example"] {
            assert_eq!(found(text).iter().map(|d| d.id).collect::<Vec<_>>(), [id("ana")], "{text}");
        }
        assert!(found("an@forum.example").is_empty());
        for text in ["pérez BO", "b o", "bo"] {
            let by_name = ledger.deliveries_of(text).unwrap();
            assert_eq!(by_name, [ledger.delivery(&id("bo")).unwrap().unwrap()], "{text}");
        }
        assert_eq!(ledger.deliveries_of("perez").unwrap().len(), 2);
        assert_eq!(ledger.deliveries_of("ANA@forum.example").unwrap().len(), 1);
        assert_eq!(ledger.deliveries_of("a@").unwrap().len(), 0);
    }

    #[test]
    fn letters_that_went_and_letters_for_another_address_are_found() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        let mut moved = testing::delivery(3, "eve", "hello");
        moved.address = address("eve.new");
        let letters = ["ana", "bo"].map(|who| testing::delivery(1, who, "hello"));
        testing::adopt(&mut ledger, &[letters.to_vec(), vec![moved]].concat(), later(1));
        bring(&mut ledger, "ana", State::Accepted);
        bring(&mut ledger, "bo", State::Rejected);
        let mut gone = Vec::new();
        let see = |id, _: Option<&str>, address: &str| gone.push((id, address.to_owned()));
        ledger.each_letter_gone(&campaign(), see).unwrap();
        assert_eq!(gone, [(id("ana"), "ana@forum.example".to_owned())]);
        assert_eq!(ledger.letters_elsewhere(&campaign()).unwrap(), HashSet::from([id("eve")]));
    }

    #[test]
    fn acceptances_are_counted_over_all_campaigns_from_a_point_in_time() {
        let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
        for (minute, who) in [(1, "ana"), (2, "bo"), (3, "eve")] {
            ledger.intend(&id(who), later(minute), later(minute)).unwrap();
            let accepted = answered(State::Accepted, 250, "2.0.0 ok");
            ledger.record(&id(who), &accepted, later(minute)).unwrap();
        }
        assert_eq!(ledger.acceptances_since(later(2), later(9)), Ok(vec![later(2), later(3)]));
    }

    #[test]
    fn the_last_attempt_is_the_last_letter_tried_whatever_came_of_it() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        assert_eq!(ledger.last_attempt(), Ok(None), "a plan is no attempt");
        ledger.intend(&id("ana"), now(), later(1)).unwrap();
        assert_eq!(ledger.last_attempt(), Ok(Some(later(1))));
        let refused = answered(State::Rejected, 550, "5.1.1 no");
        ledger.record(&id("bo"), &refused, later(2)).unwrap();
        assert_eq!(ledger.last_attempt(), Ok(Some(later(2))));
    }

    /// What a damaged row holds is reported, never guessed.
    #[test]
    fn a_row_that_cannot_be_is_damage() {
        for damage in ["address = 'nobody'", "campaign = 'A B'", "language = '-'", "number = -1"] {
            let (_folder, ledger) = ledger(&["ana"]);
            ledger.connection.execute(&format!("UPDATE deliveries SET {damage}"), []).unwrap();
            let error = ledger.delivery(&id("ana")).unwrap_err();
            assert!(
                matches!(error.fault, crate::ledger::Fault::Damaged { .. }),
                "{damage}: {error}"
            );
        }
    }

    /// A million deliveries are counted and found without reading them all.
    #[test]
    fn questions_of_every_day_go_through_an_index() {
        let (_folder, ledger) = ledger(&["ana"]);
        for (question, index) in [
            (
                "SELECT state, count(*) FROM deliveries WHERE campaign = 'c' GROUP BY state",
                "COVERING",
            ),
            (
                "SELECT min(due_at) FROM deliveries WHERE campaign = 'c' AND state = 'deferred'",
                "COVERING",
            ),
            ("SELECT row FROM deliveries WHERE compare_address = 'a'", "deliveries_by_address"),
            ("SELECT row FROM deliveries WHERE key = 'a'", "sqlite_autoindex_deliveries_2"),
            ("SELECT kind FROM events WHERE delivery = 1 ORDER BY seq", "events_by_delivery"),
            ("SELECT at FROM events WHERE kind = 'accepted' AND at >= 1", "events_accepted"),
            (
                "SELECT id FROM deliveries WHERE campaign = 'c' AND state = 'deferred'
                 AND due_at <= 1",
                "(campaign=? AND state=? AND due_at<?)",
            ),
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {question}");
            let mut statement = ledger.connection.prepare(&explain).unwrap();
            let steps: Vec<String> =
                statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert!(steps[0].starts_with("SEARCH") && steps[0].contains(index), "{steps:?}");
            assert_eq!(steps.len(), 1, "{question}: {steps:?}");
        }
    }
}
