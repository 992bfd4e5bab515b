//! Letters as pages: what each reader will see, for people without this program.
//!
//! Owns the pages of `preview --out`: an index and a page for each letter; and that of `check`
//! (`findings.rs`). Pure: pages out, no
//! files written. The letter itself stands in a frame that runs no script and loads nothing.
//!
//! # Invariants
//! Pages work from a folder, offline, and fetch nothing: images stand in the page, style and the
//! small script for searching are part of it (security S8, S9).

mod findings;

pub use findings::{CheckPage, PageFinding, PageGroup, check_page};

use crate::address::Mailbox;
use crate::language::Language;
use crate::letter::{Image, Letter, size_text};
use crate::message::Sender;
use crate::plan::documents::DocumentSet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use std::sync::Arc;
use tera::{Context, Tera};

/// What every page says of where it comes from.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"secretariat\">";

/// What the pages say of the whole mailing.
#[derive(Clone, Debug, Serialize)]
pub struct Mailing {
    /// The campaign's name.
    pub campaign: String,
    /// The conference's name.
    pub conference: String,
    /// `3f9a-27c1-b04e`.
    pub plan_code: String,
    /// How many letters.
    pub letters: usize,
    /// Languages with their counts, most first.
    pub languages: Vec<(String, usize)>,
}

/// A line of the index.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The letter's number.
    pub number: u32,
    /// File name of its page.
    pub page: String,
    /// The recipient's name, or nothing.
    pub name: String,
    /// The recipient's address.
    pub address: String,
    /// The letter's language.
    pub language: String,
    /// `rtl` or `ltr`.
    pub direction: String,
    /// The recipient's country code, or nothing.
    pub country: String,
    /// The letter's subject.
    pub subject: String,
}

/// File name of a letter's page: `000001.html`.
#[must_use]
pub fn page_name(number: u32) -> String {
    format!("{number:06}.html")
}

/// The pages of a mailing.
#[derive(Debug)]
pub struct Gallery {
    pages: Tera,
    mailing: Mailing,
}

/// A page's template is part of this program and was tested: it cannot fail.
#[derive(Debug, thiserror::Error)]
#[error("a page could not be made: {0}")]
pub struct PageError(#[from] tera::Error);

impl Gallery {
    /// Prepares the pages of a mailing.
    ///
    /// # Errors
    /// [`PageError`] when a page's template is wrong, which a test rules out.
    pub fn new(mailing: Mailing) -> Result<Gallery, PageError> {
        let mut pages = Tera::new();
        pages.add_raw_templates([
            ("page.html", include_str!("page.html")),
            ("index.html", include_str!("index.html")),
            ("letter.html", include_str!("letter.html")),
        ])?;
        Ok(Gallery { pages, mailing })
    }

    /// The index of all letters.
    ///
    /// # Errors
    /// As [`Gallery::new`].
    pub fn index(&self, entries: &[Entry]) -> Result<String, PageError> {
        let mut context = Context::new();
        context.insert("mailing", &self.mailing);
        context.insert("entries", entries);
        Ok(self.pages.render("index.html", &context)?)
    }

    /// The page of one letter.
    ///
    /// # Errors
    /// As [`Gallery::new`].
    pub fn letter(
        &self,
        entry: &Entry,
        to: &Mailbox,
        sender: &Sender,
        letter: &Letter,
        documents: &DocumentSet,
    ) -> Result<String, PageError> {
        let mut context = Context::new();
        let reply_to = letter.reply_to.as_ref().or(sender.reply_to.as_ref());
        context.insert("mailing", &self.mailing);
        context.insert("entry", entry);
        context.insert("from", &sender.from.to_string());
        context.insert("to", &to.to_string());
        context.insert("reply_to", &reply_to.map(ToString::to_string));
        context.insert("text", &letter.text);
        context.insert("html", &with_images_inside(&letter.html, &letter.images));
        context.insert("documents", &listed(documents));
        context.insert("before", &(entry.number > 1).then(|| page_name(entry.number - 1)));
        let is_last = entry.number as usize >= self.mailing.letters;
        context.insert("after", &(!is_last).then(|| page_name(entry.number + 1)));
        Ok(self.pages.render("letter.html", &context)?)
    }
}

/// A document as a page shows it.
#[derive(Serialize)]
struct Listed {
    number: u32,
    title: String,
    name: String,
    link: String,
    size: String,
}

fn listed(documents: &DocumentSet) -> Vec<Listed> {
    let listed = |a: &Arc<crate::letter::Attachment>| Listed {
        number: a.number,
        title: a.title.clone(),
        name: a.name.clone(),
        link: percent_encoded(&document_file(a)),
        size: size_text(a.octets, &Language::english()),
    };
    documents.attachments.iter().map(listed).collect()
}

/// Where a document lies beside the pages: its digest keeps two versions of one name apart.
#[must_use]
pub fn document_file(attachment: &crate::letter::Attachment) -> String {
    format!("{}-{}", &attachment.digest.to_string()[..8], attachment.name)
}

/// A file's name as part of a URL (RFC 3986 2.3: all but the unreserved characters encoded).
fn percent_encoded(name: &str) -> String {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let encoded =
        |b: u8| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    name.bytes().map(encoded).collect()
}

/// The letter with its images as part of the page: a frame that loads nothing shows them too.
fn with_images_inside(html: &str, images: &[Arc<Image>]) -> String {
    images.iter().fold(html.to_owned(), |html, image| {
        let inside = format!("data:{};base64,{}", image.media_type, BASE64.encode(&image.bytes));
        html.replace(&format!("cid:{}", image.content_id), &inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            number: 1,
            page: page_name(1),
            name: name.to_owned(),
            address: "a@x.example".to_owned(),
            language: "en".to_owned(),
            direction: "ltr".to_owned(),
            country: "ES".to_owned(),
            subject: "Thanks".to_owned(),
        }
    }

    fn gallery() -> Gallery {
        Gallery::new(Mailing {
            campaign: "outcome".to_owned(),
            conference: "Forum".to_owned(),
            plan_code: "3f9a-27c1-b04e".to_owned(),
            letters: 1,
            languages: vec![("en".to_owned(), 1)],
        })
        .unwrap()
    }

    /// Security S8: a name is a name on every page.
    #[test]
    fn markup_in_a_name_stays_text() {
        let page = gallery().index(&[entry("<img src=x onerror=alert(1)>")]).unwrap();
        assert!(page.contains("&lt;img src=x"), "{page}");
        assert!(!page.contains("<img src=x"), "{page}");
    }

    #[test]
    fn the_index_names_everybody_and_the_plan() {
        let page = gallery().index(&[entry("王芳")]).unwrap();
        for part in [GENERATOR, "王芳", "a@x.example", "000001.html", "3f9a-27c1-b04e"] {
            assert!(page.contains(part), "{part}");
        }
    }
}
