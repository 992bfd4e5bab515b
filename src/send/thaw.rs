//! Makes the message of a delivery from what was frozen: the same bytes at every attempt.
//!
//! Owns reading frozen files and encoding each once for the run. Letters come from the ledger, files
//! from `objects/`; nothing is read from the workspace's folders.
//!
//! # Failure
//! [`ObjectError`] when a frozen file is gone or damaged: then no letter carries it.

use super::connection::unpoisoned;
use crate::address::Mailbox;
use crate::id::Digest;
use crate::ledger::{FrozenAttachment, FrozenDelivery, FrozenImage};
use crate::letter::{Attachment, Image, Letter};
use crate::message::{AttachedPart, Draft, EncodedPart, Message, Sender, compose};
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
    documents: Mutex<HashMap<(Digest, String), EncodedPart>>,
    images: Mutex<HashMap<(Digest, String), ThawedImage>>,
}

impl Thaw {
    pub(super) fn new(objects: &Objects) -> Thaw {
        Thaw { objects: objects.clone(), documents: Mutex::default(), images: Mutex::default() }
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
        };
        let to = Mailbox { name: frozen.name.clone(), address: frozen.address.clone() };
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
        Ok(compose(&Draft {
            campaign: &frozen.campaign,
            recipient: &frozen.key,
            to: &to,
            sender: &sender,
            letter: &letter,
            letter_digest: frozen.letter_digest,
            attachments: &attachments,
            images: &image_parts,
            round: frozen.round,
            date,
        }))
    }

    fn document(&self, frozen: &FrozenAttachment) -> Result<AttachedPart, ObjectError> {
        let key = (frozen.digest, frozen.name.clone());
        // Held while a document is encoded: the other connections want the same one.
        let mut documents = unpoisoned(&self.documents);
        let with = |part| AttachedPart { name: frozen.name.clone(), digest: frozen.digest, part };
        if let Some(known) = documents.get(&key) {
            return Ok(with(known.clone()));
        }
        let part = EncodedPart::of_attachment(&Attachment {
            id: frozen.id.clone(),
            number: frozen.number,
            // Title and source file are what letters speak of; a message's part has neither.
            title: String::new(),
            file: String::new(),
            name: frozen.name.clone(),
            media_type: frozen.media_type.clone(),
            digest: frozen.digest,
            bytes: self.objects.read(&frozen.digest)?,
        });
        documents.insert(key, part.clone());
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
