//! A delivery with its frozen letter, read back for sending.
//!
//! Owns the question alone, and where a copy's letter and date are found: with its letter, unless
//! it kept what it may have gone with (`adopt.rs`). What the columns hold is `frozen.rs`.

use super::failure::Fault;
use super::frozen::{self, FrozenDelivery, FrozenLetter, FrozenSender};
use super::query::{campaign_id, language, mailbox, time};
use super::{Ledger, LedgerError};
use crate::address::Mailbox;
use crate::id::{DeliveryId, Digest, RecipientKey};
use rusqlite::{Connection, Row};

impl Ledger {
    /// Everything needed to make a delivery's message; `None` for an id the ledger does not have
    /// and for somebody who is suppressed without a letter.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn frozen(&self, id: &DeliveryId) -> Result<Option<FrozenDelivery>, LedgerError> {
        self.read(|connection| {
            let found = frozen_by(connection, FROZEN, id)?;
            if found.is_some() { Ok(found) } else { frozen_by(connection, FROZEN_COPY, id) }
        })
    }
}

/// A delivery with a frozen letter of its own: every letter, and a copy that kept what it may have
/// gone with ([`super::schema`], version 4).
const FROZEN: &str = "
    SELECT d.id, d.campaign,
        coalesce((SELECT m.key FROM deliveries m WHERE m.row = d.copy_of), d.key), d.number,
        d.address, d.language, d.round, d.date, d.first_attempt, d.attempts, d.message_id,
        d.letter_digest, d.address, d.name, l.subject, l.reply_to, l.body_text, l.body_html,
        l.images, l.attachments, s.author, s.reply_to, s.bounce_address, l.cc, l.to_mailbox
    FROM deliveries d
    JOIN letters l ON l.delivery = d.row AND l.round = d.round
    JOIN senders s ON s.row = l.sender
    WHERE d.id = ?";

/// A copy whose message and date are its letter's.
const FROZEN_COPY: &str = "
    SELECT d.id, d.campaign, m.key, d.number,
        d.address, m.language, d.round, m.date, d.first_attempt, d.attempts, m.message_id,
        m.letter_digest, m.address, m.name, l.subject, l.reply_to, l.body_text, l.body_html,
        l.images, l.attachments, s.author, s.reply_to, s.bounce_address, l.cc, l.to_mailbox
    FROM deliveries d
    JOIN deliveries m ON m.row = d.copy_of
    JOIN letters l ON l.delivery = m.row AND l.round = d.round
    JOIN senders s ON s.row = l.sender
    WHERE d.id = ?";

fn frozen_by(
    connection: &Connection,
    select: &str,
    id: &DeliveryId,
) -> Result<Option<FrozenDelivery>, Fault> {
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?.map(frozen_delivery).transpose()
}

fn frozen_delivery(row: &Row<'_>) -> Result<FrozenDelivery, Fault> {
    let person = || -> Result<Mailbox, Fault> {
        let address = frozen::address(&row.get::<_, String>(12)?)?;
        Ok(Mailbox { name: row.get(13)?, address })
    };
    Ok(FrozenDelivery {
        id: DeliveryId::from_bytes(row.get(0)?),
        campaign: campaign_id(&row.get::<_, String>(1)?)?,
        key: RecipientKey::from_stored(row.get(2)?),
        number: row.get(3)?,
        address: frozen::address(&row.get::<_, String>(4)?)?,
        language: language(&row.get::<_, String>(5)?)?,
        round: row.get(6)?,
        date: time(row, 7)?,
        first_attempt: time(row, 8)?,
        attempts: row.get(9)?,
        message_id: row.get(10)?,
        letter_digest: Digest::from_bytes(row.get(11)?),
        to: match mailbox(row, 24)? {
            Some(to) => to,
            None => person()?,
        },
        letter: frozen_letter(row)?,
    })
}

fn frozen_letter(row: &Row<'_>) -> Result<FrozenLetter, Fault> {
    Ok(FrozenLetter {
        cc: frozen::addresses(row.get::<_, Option<String>>(23)?.as_deref())?,
        subject: row.get(14)?,
        reply_to: mailbox(row, 15)?,
        text: row.get(16)?,
        html: row.get(17)?,
        images: frozen::from_json(&row.get::<_, String>(18)?)?,
        attachments: frozen::from_json(&row.get::<_, String>(19)?)?,
        sender: FrozenSender {
            from: frozen::mailbox(&row.get::<_, String>(20)?)?,
            reply_to: mailbox(row, 21)?,
            bounce_address: row
                .get::<_, Option<String>>(22)?
                .map(|text| frozen::address(&text))
                .transpose()?,
        },
    })
}
