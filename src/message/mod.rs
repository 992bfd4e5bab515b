//! Stage 3: a letter in, the bytes of a message out.
//!
//! Owns the message's headers, its MIME tree, its Message-ID and boundaries, its envelope, and the
//! digest by which a letter is known in a plan; their signatures are `dkim/`. Reads no clock and
//! nothing random: the same draft gives the same bytes on every computer. What the letter says is
//! stage 2's; dot-stuffing and SMTP are the transport's.
//!
//! Files are encoded once for a run ([`EncodedPart`]) and shared by reference; a message's own
//! bytes are its headers and texts, a few kilobytes.
//!
//! # Standards
//! RFC 5322 3.6 (headers), RFC 2046 5.1 (multipart), RFC 2387 (related), RFC 3282
//! (Content-Language), RFC 6532 (UTF-8 in address headers, only where the envelope needs it).
//!
//! # Invariants
//! Each header once, exactly one address in To, and that the forward path, unless the message goes
//! to somebody in Cc ([`Message::as_copy_to`]): the bytes are the same. Lines end in CRLF and are
//! 7-bit but for address headers under SMTPUTF8 ([`Message::check_wire`]).
//!
//! # Failure
//! None: whatever a value holds, it becomes data (`header.rs`).

mod chunk;
pub mod dkim;
mod header;
mod part;
#[cfg(test)]
mod tests;
mod tree;
mod wire;

pub use chunk::{Chunk, FormerChunk, SharedChunk};
pub use wire::WireFault;

use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, Digest, RecipientKey, base32};
use crate::letter::Letter;
use crate::time::Timestamp;
use dkim::Dkim;
use header::{add_addresses, add_mailbox, add_raw, add_text};
use lettre::message::header::Headers;

/// Who a campaign's messages are from.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The author: `From:`.
    pub from: Mailbox,
    /// Where answers go, unless the letter says otherwise.
    pub reply_to: Option<Mailbox>,
    /// MAIL FROM; the author's address where absent.
    pub bounce_address: Option<EmailAddress>,
    /// Which keys sign the messages: no part of the letter's digest, as a reader sees nothing of it.
    pub dkim: Dkim,
}

/// An attachment or image as a MIME part, encoded once for the run and shared by all messages.
#[derive(Clone, Debug)]
pub struct EncodedPart {
    /// Header and base64 body, and the line end after them, which belongs to the boundary that
    /// follows (RFC 2046 5.1.1): whole lines, so that they can be judged once for all messages.
    pub chunk: SharedChunk,
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
    /// `Cc:`, in order: who gets the same message as a delivery of their own.
    pub cc: &'a [EmailAddress],
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

impl Envelope {
    /// Whether the transaction needs SMTPUTF8: asked for, or an address beyond ASCII.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        let paths = [&self.reverse_path, &self.forward_path];
        self.smtputf8 || paths.iter().any(|path| !path.as_str().is_ascii())
    }
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

impl Message {
    /// Octets of the whole message, as SIZE counts them (RFC 1870 5).
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks().map(<[u8]>::len).sum()
    }

    /// The same message on its way to this address, such as one in Cc: only the envelope is another.
    #[must_use]
    pub fn as_copy_to(self, address: &EmailAddress) -> Message {
        let envelope = Envelope { forward_path: address.clone(), ..self.envelope };
        Message { envelope, ..self }
    }

    /// Whether there is nothing in it; never true of a composed message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes piece by piece, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(Chunk::bytes)
    }

    /// All bytes in one piece: a copy, for files and tests.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.chunks().for_each(|chunk| bytes.extend_from_slice(chunk));
        bytes
    }
}

/// SHA-256 over what the contract's manifest holds for a letter: To, Cc, Subject, other visible
/// headers, text, html, images; not Date, Message-ID, boundaries or tokens.
#[must_use]
pub fn letter_digest(
    to: &Mailbox,
    cc: &[EmailAddress],
    sender: &Sender,
    letter: &Letter,
) -> Digest {
    // Every part has its length before it (Digest::of_parts), and their number before the images is
    // fixed: no two letters give the same sequence. One without Cc has the digest it had before
    // there were copies, so that no plan becomes another by a newer program.
    let reply_to = reply_to(sender, letter);
    let count = (cc.len() as u64).to_be_bytes();
    let mut parts: Vec<&[u8]> = match cc {
        [] => vec![b"letter"],
        _ => vec![b"letter with copies", &count],
    };
    parts.extend(cc.iter().map(|address| address.as_str().as_bytes()));
    parts.push(letter.language.as_str().as_bytes());
    for mailbox in [Some(to), Some(&sender.from), reply_to] {
        parts.push(mailbox.and_then(|m| m.name.as_deref()).unwrap_or_default().as_bytes());
        parts.push(mailbox.map_or("", |m| m.address.as_str()).as_bytes());
    }
    parts.extend([letter.subject.as_bytes(), letter.text.as_bytes(), letter.html.as_bytes()]);
    for image in &letter.images {
        parts.extend([image.content_id.as_bytes(), image.digest.as_bytes().as_slice()]);
    }
    Digest::of_parts(parts)
}

/// Makes the message of a draft: the same draft always gives the same bytes.
#[must_use]
pub fn compose(draft: &Draft<'_>) -> Message {
    let identity = identity(draft);
    let message_id = message_id_of(&identity, &draft.sender.from.address);
    let mut chunks = tree::write(draft, &headers(draft, &message_id), &identity);
    draft.sender.dkim.sign(&mut chunks);
    let message = Message { envelope: envelope(draft), message_id, chunks };
    debug_assert_eq!(message.check_wire(), Ok(message.len() as u64));
    message
}

/// The Message-ID of a draft's message, with angle brackets, without composing it; images and date
/// have no part in it.
#[must_use]
pub fn message_id(draft: &Draft<'_>) -> String {
    message_id_of(&identity(draft), &draft.sender.from.address)
}

/// The one Reply-To: the letter's own beats the sender's.
fn reply_to<'a>(sender: &'a Sender, letter: &'a Letter) -> Option<&'a Mailbox> {
    letter.reply_to.as_ref().or(sender.reply_to.as_ref())
}

fn envelope(draft: &Draft<'_>) -> Envelope {
    let from = &draft.sender.from.address;
    let reverse_path = draft.sender.bounce_address.as_ref().unwrap_or(from);
    let forward_path = &draft.to.address;
    let reply_to = reply_to(draft.sender, draft.letter).map(|m| &m.address);
    // RFC 6531 3.7.1: needed for the paths, and for headers that hold UTF-8 (RFC 6532).
    // One message for all its deliveries, so what one of them needs all do.
    let smtputf8 = [Some(reverse_path), Some(forward_path), Some(from), reply_to]
        .into_iter()
        .flatten()
        .chain(draft.cc)
        .any(EmailAddress::needs_smtputf8);
    Envelope { reverse_path: reverse_path.clone(), forward_path: forward_path.clone(), smtputf8 }
}

/// What Message-ID and boundaries follow from (contract, Fingerprint and sameness).
fn identity(draft: &Draft<'_>) -> Digest {
    let round = draft.round.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![
        b"message",
        draft.campaign.as_str().as_bytes(),
        draft.recipient.as_str().as_bytes(),
        draft.letter_digest.as_bytes(),
        &round,
    ];
    for attachment in draft.attachments {
        parts.extend([attachment.name.as_bytes(), attachment.digest.as_bytes().as_slice()]);
    }
    Digest::of_parts(parts)
}

/// 160 bits of the identity, at the author's domain (RFC 5322 3.6.4).
fn message_id_of(identity: &Digest, author: &EmailAddress) -> String {
    format!("<{}@{}>", base32(&identity.as_bytes()[..20]), author.domain())
}

/// The headers before those of the MIME tree. A personal letter has nothing else: no X-Mailer, no
/// Auto-Submitted.
fn headers(draft: &Draft<'_>, message_id: &str) -> Headers {
    let mut headers = Headers::with_capacity(8);
    add_raw(&mut headers, "Date", draft.date.to_rfc_5322());
    add_mailbox(&mut headers, "From", &draft.sender.from);
    add_mailbox(&mut headers, "To", draft.to);
    if !draft.cc.is_empty() {
        add_addresses(&mut headers, "Cc", draft.cc);
    }
    if let Some(reply_to) = reply_to(draft.sender, draft.letter) {
        add_mailbox(&mut headers, "Reply-To", reply_to);
    }
    add_text(&mut headers, "Subject", &draft.letter.subject);
    add_raw(&mut headers, "Message-ID", message_id.to_owned());
    add_raw(&mut headers, "MIME-Version", "1.0".to_owned());
    add_raw(&mut headers, "Content-Language", draft.letter.language.to_string());
    headers
}
