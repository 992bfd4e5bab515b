//! What a plan freezes for one delivery, and how the ledger writes it down.
//!
//! Owns the plain structs that go in with a plan and come out for sending, and the two texts they
//! are kept as: mailboxes, and lists of images and documents (JSON). The bytes of images and
//! documents lie in `objects/` under their digests.
//!
//! # Invariants
//! What is written reads back the same; what does not read back is damage, never a guess.

use super::failure::Fault;
use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, DeliveryId, Digest, RecipientKey};
use crate::language::Language;
use crate::problem::Place;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One delivery of a plan, as it goes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// Who it is for; with the campaign it gives the delivery's id.
    pub key: RecipientKey,
    /// Rank among the recipients, from 1: the order of sending.
    pub number: u32,
    /// Where it goes.
    pub address: EmailAddress,
    /// The recipient's name.
    pub name: Option<String>,
    /// The letter's language.
    pub language: Language,
    /// File and line of the row.
    pub place: Place,
    /// The row's values by column name, those that are not empty.
    pub values: Vec<(String, String)>,
    /// The letter's digest, as the plan's manifest holds it.
    pub letter_digest: Digest,
    /// The Message-ID of the first round, with angle brackets. It changes with the letter, its
    /// documents or their names.
    pub message_id: String,
    /// What it says.
    pub letter: FrozenLetter,
    /// Who gets the same message as a delivery of their own: those of the letter's `Cc:`.
    pub copies: Vec<PlannedCopy>,
}

/// A copy of a letter, as it goes in with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCopy {
    /// The letter's key and the copy's address; with the campaign it gives the delivery's id.
    pub key: RecipientKey,
    /// Where it goes.
    pub address: EmailAddress,
}

/// A rendered letter with who it is from and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenLetter {
    /// Who it is from.
    pub sender: FrozenSender,
    /// `Cc:`, in order.
    pub cc: Vec<EmailAddress>,
    /// `Subject:`.
    pub subject: String,
    /// The letter's own `Reply-To:`, which beats the sender's.
    pub reply_to: Option<Mailbox>,
    /// Plain text, lines ended by LF.
    pub text: String,
    /// HTML, lines ended by LF.
    pub html: String,
    /// The images it shows, in its order.
    pub images: Vec<FrozenImage>,
    /// The documents that go with it, by number.
    pub attachments: Vec<FrozenAttachment>,
}

/// Who a letter is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenSender {
    /// `From:`.
    pub from: Mailbox,
    /// `Reply-To:`, unless the letter has its own.
    pub reply_to: Option<Mailbox>,
    /// MAIL FROM; the author's address where absent.
    pub bounce_address: Option<EmailAddress>,
}

/// An image of a letter; its bytes are the object with this digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenImage {
    /// Content-ID without angle brackets.
    pub content_id: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the bytes.
    #[serde(with = "hex")]
    pub digest: Digest,
}

/// A document of a letter; its bytes are the object with this digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenAttachment {
    /// `[attachments.<id>]`.
    pub id: String,
    /// Its number in the campaign, from 1.
    pub number: u32,
    /// File name the reader sees.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the bytes.
    #[serde(with = "hex")]
    pub digest: Digest,
}

/// Everything needed to make the message of a delivery again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenDelivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Whose letter it is: what the Message-ID follows from. A copy's is its letter's.
    pub key: RecipientKey,
    /// Rank among the recipients, from 1.
    pub number: u32,
    /// Where it goes: RCPT TO.
    pub address: EmailAddress,
    /// `To:`; of a copy, the person whose letter it is.
    pub to: Mailbox,
    /// The letter's language.
    pub language: Language,
    /// 1, or more for a resend.
    pub round: u32,
    /// `Date:`, fixed at the first intent; before that there is none.
    pub date: Option<Timestamp>,
    /// When the first attempt of this letter began.
    pub first_attempt: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// With angle brackets.
    pub message_id: String,
    /// The letter's digest, as the plan's manifest holds it.
    pub letter_digest: Digest,
    /// What it says.
    pub letter: FrozenLetter,
}

impl FrozenDelivery {
    /// Whether other deliveries have the same message: it is a copy, or has copies.
    #[must_use]
    pub fn shares_its_message(&self) -> bool {
        !self.letter.cc.is_empty() || self.address != self.to.address
    }
}

/// `address` or `address name`: an address holds no blank, so the first one ends it. The header
/// form would need quoting, and quoting would need undoing.
pub(super) fn mailbox_text(mailbox: &Mailbox) -> String {
    match &mailbox.name {
        Some(name) => format!("{} {name}", mailbox.address),
        None => mailbox.address.to_string(),
    }
}

/// Reads what [`mailbox_text`] wrote.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, Fault> {
    let (address, name) = match text.split_once(' ') {
        Some((address, name)) => (address, Some(name.to_owned())),
        None => (text, None),
    };
    Ok(Mailbox { name, address: self::address(address)? })
}

/// Addresses with a blank between them; none where there are none.
pub(super) fn addresses_text(addresses: &[EmailAddress]) -> Option<String> {
    let texts: Vec<&str> = addresses.iter().map(EmailAddress::as_str).collect();
    Some(texts.join(" ")).filter(|text| !text.is_empty())
}

/// Reads what [`addresses_text`] wrote.
pub(super) fn addresses(text: Option<&str>) -> Result<Vec<EmailAddress>, Fault> {
    text.map_or(Ok(Vec::new()), |text| text.split(' ').map(address).collect())
}

/// Reads an address the ledger holds.
pub(super) fn address(text: &str) -> Result<EmailAddress, Fault> {
    EmailAddress::parse(text)
        .map_err(|error| Fault::damaged(format!("the address {text:?} in it {error}")))
}

/// Writes a list of images, documents or values.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Unexpected { detail: error.to_string() })
}

/// Reads what [`json`] wrote.
pub(super) fn from_json<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::damaged(error.to_string()))
}

/// A digest as 64 hex digits.
mod hex {
    use crate::id::Digest;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(from)?;
        Digest::from_hex(&text).ok_or_else(|| D::Error::custom("a digest is not 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{delivery, id, ledger};

    #[test]
    fn a_mailbox_reads_back_whatever_its_name_holds() {
        for name in [None, Some("Ana Pérez"), Some("\"Ana\" <x>"), Some("王芳"), Some("a, b; c")]
        {
            let address = EmailAddress::parse("Ana.P@xn--bcher-kva.example").unwrap();
            let before = Mailbox { name: name.map(str::to_owned), address };
            assert_eq!(mailbox(&mailbox_text(&before)), Ok(before));
        }
        assert!(matches!(mailbox("no address"), Err(Fault::Damaged { .. })));
    }

    #[test]
    fn a_list_reads_back_and_a_damaged_one_is_damage() {
        let image = FrozenImage {
            content_id: "logo".to_owned(),
            name: "logo.png".to_owned(),
            media_type: "image/png".to_owned(),
            digest: Digest::of(b"logo"),
        };
        let text = json(&vec![image.clone()]).unwrap();
        assert_eq!(from_json(&text), Ok(vec![image]));
        let damaged: Result<Vec<FrozenImage>, _> = from_json(&text.replace("\"digest\":\"", "&0"));
        assert!(matches!(damaged, Err(Fault::Damaged { .. })));
    }

    #[test]
    fn letters_read_back_as_they_were_planned() {
        let (_folder, ledger) = ledger(&["ana"]);
        let planned = delivery(1, "ana", "hello");
        let frozen = ledger.frozen(&id("ana")).unwrap().unwrap();
        assert_eq!(frozen.letter, planned.letter);
        assert_eq!((frozen.key, frozen.address), (planned.key, planned.address));
        assert_eq!((frozen.to.name, frozen.language), (planned.name, planned.language));
        assert_eq!((frozen.number, frozen.round, frozen.date), (1, 1, None));
        assert_eq!(frozen.message_id, planned.message_id);
        assert_eq!(frozen.letter_digest, planned.letter_digest);
        assert_eq!(ledger.values(&id("ana")), Ok(planned.values));
        assert_eq!(ledger.frozen(&id("nobody")), Ok(None));
    }
}
