//! Makes the message of a delivery from what was frozen: the same bytes at every attempt.
//!
//! Owns reading frozen files and encoding them. Letters come from the ledger, files from
//! `objects/`; nothing is read from the workspace's folders. Keys are not frozen: each run signs with
//! those it is given, and with the same keys every attempt has the same bytes.
//!
//! # Memory
//! A document is kept from the second letter on that it goes with: one that everybody gets is read
//! and encoded twice at most and held once; one of a single person is gone with that person's
//! message, or the certificates of a whole conference would gather.
//!
//! # Failure
//! [`ObjectError`] when a frozen file is gone or damaged: then no letter carries it.

use super::connection::unpoisoned;
use crate::id::Digest;
use crate::ledger::{FrozenAttachment, FrozenDelivery, FrozenImage};
use crate::letter::{Attachment, Image, Letter};
use crate::message::dkim::Dkim;
use crate::message::{AttachedPart, Draft, EncodedPart, FormerChunk, Message, Sender, compose};
use crate::plan::objects::{ObjectError, Objects};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// An image with its encoded part.
type ThawedImage = (Arc<Image>, EncodedPart);

/// Makes messages for a run, for all its connections.
#[derive(Debug)]
pub(super) struct Thaw {
    objects: Objects,
    dkim: Dkim,
    documents: Mutex<HashMap<(Digest, String), Known>>,
    images: Mutex<HashMap<(Digest, String), ThawedImage>>,
}

/// A document that letters of this run carry.
#[derive(Debug)]
enum Known {
    /// One did, and may still.
    Once(FormerChunk),
    /// Several do.
    Shared(EncodedPart),
}

impl Thaw {
    pub(super) fn new(objects: &Objects, dkim: &Dkim) -> Thaw {
        let (documents, images) = (Mutex::default(), Mutex::default());
        Thaw { objects: objects.clone(), dkim: dkim.clone(), documents, images }
    }

    /// The message of a delivery with this `Date`.
    pub(super) fn message(
        &self,
        frozen: &FrozenDelivery,
        date: Timestamp,
    ) -> Result<Message, ObjectError> {
        let sender = Sender {
            from: frozen.letter.sender.from.clone(),
            reply_to: frozen.letter.sender.reply_to.clone(),
            bounce_address: frozen.letter.sender.bounce_address.clone(),
            dkim: self.dkim.clone(),
        };
        let documents = frozen.letter.attachments.iter();
        let attachments = documents.map(|d| self.document(d)).collect::<Result<Vec<_>, _>>()?;
        let images = frozen.letter.images.iter();
        let images = images.map(|i| self.image(i)).collect::<Result<Vec<_>, _>>()?;
        let (images, image_parts): (Vec<_>, Vec<_>) = images.into_iter().unzip();
        let letter = Letter {
            language: frozen.language.clone(),
            subject: frozen.letter.subject.clone(),
            reply_to: frozen.letter.reply_to.clone(),
            text: frozen.letter.text.clone(),
            html: frozen.letter.html.clone(),
            images,
        };
        let message = compose(&Draft {
            campaign: &frozen.campaign,
            recipient: &frozen.key,
            to: &frozen.to,
            cc: &frozen.letter.cc,
            sender: &sender,
            letter: &letter,
            letter_digest: frozen.letter_digest,
            attachments: &attachments,
            images: &image_parts,
            round: frozen.round,
            date,
        });
        Ok(message.as_copy_to(&frozen.address))
    }

    fn document(&self, frozen: &FrozenAttachment) -> Result<AttachedPart, ObjectError> {
        let key = (frozen.digest, frozen.name.clone());
        // Held while a document is encoded: the other connections want the same one.
        let mut documents = unpoisoned(&self.documents);
        let with = |part| AttachedPart { name: frozen.name.clone(), digest: frozen.digest, part };
        let is_first = match documents.get(&key) {
            Some(Known::Shared(part)) => return Ok(with(part.clone())),
            Some(Known::Once(former)) => {
                if let Some(chunk) = former.still_there() {
                    let part = EncodedPart { chunk };
                    documents.insert(key, Known::Shared(part.clone()));
                    return Ok(with(part));
                }
                false
            }
            None => true,
        };
        let bytes = self.objects.read(&frozen.digest)?;
        let attachment = Attachment {
            id: frozen.id.clone(),
            number: frozen.number,
            // Title and source file are what letters speak of; a message's part has neither.
            title: String::new(),
            file: String::new(),
            name: frozen.name.clone(),
            media_type: frozen.media_type.clone(),
            digest: frozen.digest,
            octets: bytes.len() as u64,
        };
        let part = EncodedPart::of_attachment(&attachment, &bytes);
        let known = match is_first {
            true => Known::Once(part.chunk.former()),
            false => Known::Shared(part.clone()),
        };
        documents.insert(key, known);
        Ok(with(part))
    }

    fn image(&self, frozen: &FrozenImage) -> Result<ThawedImage, ObjectError> {
        let key = (frozen.digest, frozen.name.clone());
        let mut images = unpoisoned(&self.images);
        if let Some(known) = images.get(&key) {
            return Ok(known.clone());
        }
        let image = Arc::new(Image {
            content_id: frozen.content_id.clone(),
            name: frozen.name.clone(),
            media_type: frozen.media_type.clone(),
            digest: frozen.digest,
            bytes: self.objects.read(&frozen.digest)?,
        });
        let part = EncodedPart::of_image(&image);
        images.insert(key, (image.clone(), part.clone()));
        Ok((image, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(objects: &Objects, bytes: &[u8]) -> FrozenAttachment {
        let (id, name) = ("statement".to_owned(), "statement.en.pdf".to_owned());
        let digest = objects.keep(bytes).unwrap();
        FrozenAttachment { id, number: 1, name, media_type: "application/pdf".to_owned(), digest }
    }

    #[test]
    fn a_document_is_held_once_where_several_letters_share_it_and_else_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::within(folder.path());
        let thaw = Thaw::new(&objects, &Dkim::default());
        let one = document(&objects, b"of one person");
        let chunk = thaw.document(&one).unwrap().part.chunk.former();
        assert!(chunk.still_there().is_none(), "it went with its letter");

        let shared = document(&objects, b"the statement");
        let [first, second] = [(); 2].map(|()| thaw.document(&shared).unwrap().part.chunk);
        assert_eq!(first.bytes().as_ptr(), second.bytes().as_ptr(), "two letters at once");
        let chunk = first.former();
        drop((first, second));
        let third = thaw.document(&shared).unwrap().part.chunk;
        let kept = chunk.still_there().expect("between two letters");
        assert_eq!(third.bytes().as_ptr(), kept.bytes().as_ptr());

        // One connection: no two letters at once.
        let guide = document(&objects, b"the guidelines");
        drop(thaw.document(&guide).unwrap());
        let second = thaw.document(&guide).unwrap().part.chunk.former();
        assert!(second.still_there().is_some());
    }
}
