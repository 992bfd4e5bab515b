//! What a reader of mail makes of a message, and one reader: `mail-parser`.
//!
//! Owns the form both foreign readers answer in (the other is Python's `email`, in `python.rs`),
//! so that a test can ask both the same questions and compare the answers.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A message as a reader's mail program sees it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Reading {
    /// Name of the file.
    pub file: String,
    /// What the reader found wrong with it.
    pub defects: Vec<String>,
    /// Names of all header fields of the message, in order.
    pub headers: Vec<String>,
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub to_names: Vec<String>,
    pub subject: String,
    /// Without angle brackets.
    pub message_id: String,
    /// Seconds since 1970.
    pub date: Option<f64>,
    /// `mixed(alternative(text/plain text/html) application/pdf)`.
    pub structure: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<Attached>,
    /// Content-IDs of all parts, without angle brackets: what `cid:` in the HTML may name.
    pub content_ids: Vec<String>,
}

/// A document as a reader saves it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Attached {
    pub name: Option<String>,
    pub media_type: String,
    pub size: usize,
    /// 64 hex digits.
    pub sha256: String,
}

/// Reads all `.eml` files of a folder with `mail-parser`, sorted by name.
pub fn read_folder(folder: &Path) -> Vec<Reading> {
    eml_files(folder).iter().map(|(name, bytes)| read(name, bytes)).collect()
}

/// Names and bytes of all `.eml` files of a folder, sorted by name.
pub fn eml_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a message can be read"))
        })
        .collect();
    files.sort();
    files
}

/// Reads one message with `mail-parser`.
pub fn read(name: &str, bytes: &[u8]) -> Reading {
    let message = MessageParser::default().parse(bytes);
    let message = message.unwrap_or_else(|| panic!("{name} is no message"));
    Reading {
        file: name.to_owned(),
        defects: defects(&message),
        headers: message.headers().iter().map(|h| h.name().to_owned()).collect(),
        from: addresses(message.from()),
        to: addresses(message.to()),
        to_names: names(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        message_id: message.message_id().unwrap_or_default().to_owned(),
        date: message.date().map(|d| d.to_timestamp() as f64),
        structure: structure(&message, 0),
        text: message.text_part(0).and_then(|p| p.text_contents()).map(str::to_owned),
        html: message.html_part(0).and_then(|p| p.text_contents()).map(str::to_owned),
        attachments: message.attachments().filter(|p| is_document(p)).map(attached).collect(),
        content_ids: message.parts.iter().filter_map(content_id).collect(),
    }
}

/// Lower-case hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn defects(message: &Message<'_>) -> Vec<String> {
    let damaged = message.parts.iter().enumerate().filter(|(_, part)| part.is_encoding_problem);
    damaged.map(|(n, _)| format!("part {n} is not encoded as it says")).collect()
}

fn addresses(address: Option<&Address<'_>>) -> Vec<String> {
    let all = address.into_iter().flat_map(Address::iter);
    all.filter_map(|a| a.address()).map(str::to_owned).collect()
}

fn names(address: Option<&Address<'_>>) -> Vec<String> {
    let all = address.into_iter().flat_map(Address::iter);
    all.map(|a| a.name().unwrap_or_default().to_owned()).collect()
}

fn structure(message: &Message<'_>, id: u32) -> String {
    let Some(part) = message.part(id) else { return "absent".to_owned() };
    let (kind, subkind) = media_type(part);
    match &part.body {
        PartType::Multipart(parts) => {
            let inside: Vec<String> = parts.iter().map(|&p| structure(message, p)).collect();
            format!("{subkind}({})", inside.join(" "))
        }
        _ => format!("{kind}/{subkind}"),
    }
}

fn media_type(part: &MessagePart<'_>) -> (String, String) {
    let declared = part.content_type();
    let kind = declared.map_or("text", |t| t.ctype()).to_ascii_lowercase();
    let subkind = declared.and_then(|t| t.subtype()).unwrap_or("plain").to_ascii_lowercase();
    (kind, subkind)
}

/// Images that the letter itself shows are not among its documents.
fn is_document(part: &&MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|d| d.is_attachment())
}

fn content_id(part: &MessagePart<'_>) -> Option<String> {
    part.content_id().map(|id| id.trim_matches(['<', '>']).to_owned())
}

fn attached(part: &MessagePart<'_>) -> Attached {
    let (kind, subkind) = media_type(part);
    Attached {
        name: part.attachment_name().map(str::to_owned),
        media_type: format!("{kind}/{subkind}"),
        size: part.contents().len(),
        sha256: sha256(part.contents()),
    }
}
