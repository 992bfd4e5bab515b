//! Stage 3: a letter in, the bytes of a message out.

use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, Digest, RecipientKey};
use crate::letter::{Attachment, Image, Letter};
use crate::time::Timestamp;
use std::sync::Arc;

/// Who a campaign's messages are from.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The author: `From:`.
    pub from: Mailbox,
    /// Where answers go, unless the letter says otherwise.
    pub reply_to: Option<Mailbox>,
    /// MAIL FROM; the author's address where absent.
    pub bounce_address: Option<EmailAddress>,
}

/// An attachment or image as a MIME part, encoded once for the run and shared by all messages.
#[derive(Clone, Debug)]
pub struct EncodedPart {
    /// Header and base64 body with CRLF line ends, without boundary lines.
    pub bytes: Arc<[u8]>,
}

impl EncodedPart {
    /// The part of a document.
    #[must_use]
    pub fn of_attachment(_attachment: &Attachment) -> EncodedPart {
        todo!()
    }

    /// The part of an inline image.
    #[must_use]
    pub fn of_image(_image: &Image) -> EncodedPart {
        todo!()
    }
}

/// Everything one message is made of.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The campaign.
    pub campaign: &'a CampaignId,
    /// Who gets it.
    pub recipient: &'a RecipientKey,
    /// `To:` and RCPT TO.
    pub to: &'a Mailbox,
    /// Who it is from.
    pub sender: &'a Sender,
    /// What it says.
    pub letter: &'a Letter,
    /// Digest of the letter, by [`letter_digest`].
    pub letter_digest: Digest,
    /// Documents by number: name and digest, and the encoded part.
    pub attachments: &'a [AttachedPart],
    /// Images in the letter's order, encoded.
    pub images: &'a [EncodedPart],
    /// 1, or more for a resend.
    pub round: u32,
    /// `Date:`.
    pub date: Timestamp,
}

/// A document in a message.
#[derive(Clone, Debug)]
pub struct AttachedPart {
    /// File name the reader sees.
    pub name: String,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// The encoded part.
    pub part: EncodedPart,
}

/// What a relay is told of a message: never read from its header (RFC 5321 2.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where non-delivery reports go.
    pub reverse_path: EmailAddress,
    /// The one recipient.
    pub forward_path: EmailAddress,
    /// Whether the transaction needs SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

/// A piece of a message: its own bytes, or bytes shared with other messages.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// This message's.
    Own(Vec<u8>),
    /// An encoded part, shared.
    Shared(Arc<[u8]>),
}

/// An RFC 5322 message with its envelope.
#[derive(Clone, Debug)]
pub struct Message {
    /// What the relay is told.
    pub envelope: Envelope,
    /// With angle brackets.
    pub message_id: String,
    /// The bytes, in order: CRLF line ends, 7-bit unless SMTPUTF8 headers need more.
    pub chunks: Vec<Chunk>,
}

/// SHA-256 over what the contract's manifest holds for a letter: To, Subject, other visible
/// headers, text, html, images; not Date, Message-ID, boundaries or tokens.
#[must_use]
pub fn letter_digest(_to: &Mailbox, _sender: &Sender, _letter: &Letter) -> Digest {
    todo!()
}

/// Makes the message of a draft: the same draft always gives the same bytes.
#[must_use]
pub fn compose(_draft: &Draft<'_>) -> Message {
    todo!()
}
