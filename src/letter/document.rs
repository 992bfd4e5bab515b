//! What a document says of itself: pages, title, language, marks of a draft, what is hidden in it.
//!
//! Owns looking into PDFs, and into Office files as far as what was left in them. What of it is
//! worth a warning, and for whom, is decided by the plan (`plan/contents.rs`). Bytes in, facts out.
//!
//! Not lopdf: it reads every object of a file before anybody asks, and objects that overlap or
//! share an object stream make that cost as much as a file wants (docs/decisions/0027).
//!
//! # Standards
//! ISO 32000-1 7.7 (document structure), 14.3.3 (document information), 14.7, 14.8 (structure,
//! tagged PDF), 7.6 (encryption), 12.6.4.16 (JavaScript), 12.7 (forms), 7.11.4 (embedded files).
//!
//! # Invariants
//! Looking ends, whatever the bytes are: each byte looked at or unpacked is paid for from a budget,
//! and no more than [`PDF_PAGES_READ_MAX`] pages are read.
//!
//! # Failure
//! [`Unread`]: the file may still be a good one, and a person must look.

mod crypt;
mod draft;
mod file;
mod filter;
mod font;
mod lexer;
mod office;
mod page_text;
mod tongue;

pub use draft::{DraftMark, DraftPlace, draft_word};
pub use office::OfficeFacts;
pub use tongue::can_tell;

use crate::language::Language;
use crate::limits::{
    PDF_BYTES_MAX, PDF_OBJECTS_MAX, PDF_PAGES_MAX, PDF_PAGES_READ_MAX, PDF_STREAM_BYTES_MAX,
};
use file::PdfFile;
use lexer::{Budget, Table, Value};
use page_text::{Fonts, PageText};
use std::collections::HashSet;
use tongue::Tongue;

/// What was found in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// A PDF.
    Pdf(Box<PdfFacts>),
    /// A file of Word, Excel or PowerPoint.
    Office(OfficeFacts),
    /// It could not be looked into.
    Unread(Unread),
    /// Nothing is known of files of this kind.
    Other,
}

/// What a PDF says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PdfFacts {
    /// Pages.
    pub pages: u32,
    /// Its own title, where it has one.
    pub title: Option<String>,
    /// The language it says it is in.
    pub declared: Option<Language>,
    /// The language its text reads like; `None` where that is not sure.
    pub reads_like: Option<Language>,
    /// Whether it has the structure that screen readers go by.
    pub is_tagged: bool,
    /// Whether it is locked against changes, though anybody may read it.
    pub is_protected: bool,
    /// Whether nobody can read it without a password: then nothing else is known.
    pub needs_password: bool,
    /// Marks that it is not final.
    pub drafts: Vec<DraftMark>,
    /// Whether there is any text that can be searched and read aloud.
    pub has_text: bool,
    /// Letters of which only the shape is known: nobody can search or copy them.
    pub is_text_garbled: bool,
    /// Fields to fill in.
    pub has_form: bool,
    /// Programs in JavaScript.
    pub has_scripts: bool,
    /// Files within it.
    pub has_files: bool,
    /// Notes and comments of people, stamps and highlights among them.
    pub comments: u32,
    /// Whether its table of contents had to be made anew.
    pub is_damaged: bool,
    /// Whether the whole of it was read: long ones are read to the 300th page.
    pub is_read_whole: bool,
}

/// Why a document could not be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Larger than what is looked into.
    #[error("it is too large to be looked into")]
    TooLarge,
    /// Its structure cannot be read.
    #[error("it is damaged or cut off")]
    Damaged,
    /// It unpacks to more than can be read.
    #[error("it unpacks to more than can be looked at")]
    TooMuch,
}

/// Looks into a document of this media type.
#[must_use]
pub fn look_into(media_type: &str, bytes: &[u8]) -> Facts {
    match media_type {
        "application/pdf" => match look_into_pdf(bytes) {
            Ok(facts) => Facts::Pdf(Box::new(facts)),
            Err(unread) => Facts::Unread(unread),
        },
        _ if media_type.starts_with("application/vnd.openxmlformats-officedocument.") => {
            office::look_into(bytes, &file::budget())
                .map_or(Facts::Unread(Unread::Damaged), Facts::Office)
        }
        _ => Facts::Other,
    }
}

/// Looks into a PDF.
///
/// # Errors
/// [`Unread`] when it is too large, damaged, or costs more than a document may.
pub fn look_into_pdf(bytes: &[u8]) -> Result<PdfFacts, Unread> {
    if bytes.len() > PDF_BYTES_MAX {
        return Err(Unread::TooLarge);
    }
    let budget = file::budget();
    look(bytes, &budget).ok_or(match budget.left() {
        0 => Unread::TooMuch,
        _ => Unread::Damaged,
    })
}

fn look(bytes: &[u8], budget: &Budget) -> Option<PdfFacts> {
    let file = PdfFile::open(bytes, budget)?;
    let is_locked = file.lock.as_ref().is_some_and(|lock| !lock.is_open());
    if is_locked {
        let facts = PdfFacts { is_protected: true, needs_password: true, ..PdfFacts::default() };
        return Some(facts);
    }
    let catalogue = file.catalogue()?;
    let pages = Pages::of(&file, &catalogue);
    let mut facts = PdfFacts {
        pages: u32::try_from(pages.count).unwrap_or(u32::MAX),
        declared: file.get(&catalogue, "Lang").and_then(|lang| declared(&lang)),
        is_tagged: is_tagged(&file, &catalogue),
        is_protected: file.lock.is_some(),
        is_damaged: file.is_mended,
        is_read_whole: pages.count <= PDF_PAGES_READ_MAX,
        ..PdfFacts::default()
    };
    look_at_the_whole(&file, &catalogue, &mut facts);
    look_at_information(&file, &mut facts);
    look_at_pages(&file, &pages, &mut facts);
    // What was not read for want of budget is not known to be absent.
    (budget.left() > 0).then_some(facts)
}

fn declared(lang: &Value) -> Option<Language> {
    let text = text_string(lang.text()?);
    let mut parts = text.split(['-', '_']);
    let primary = parts.next()?.trim().to_ascii_lowercase();
    Language::parse_tag(&primary)
}

fn is_tagged(file: &PdfFile<'_>, catalogue: &Table) -> bool {
    let marks = catalogue.get("MarkInfo").and_then(|m| file.table(m));
    let is_marked = marks.is_some_and(|m| file.get(&m, "Marked") == Some(Value::Bool(true)));
    is_marked && catalogue.get("StructTreeRoot").is_some()
}

/// What concerns the file as a whole: forms, scripts, files within.
fn look_at_the_whole(file: &PdfFile<'_>, catalogue: &Table, facts: &mut PdfFacts) {
    let names = catalogue.get("Names").and_then(|n| file.table(n)).unwrap_or_default();
    let form = catalogue.get("AcroForm").and_then(|f| file.table(f)).unwrap_or_default();
    let fields = file.get(&form, "Fields");
    facts.has_form = fields.is_some_and(|f| !f.members().is_empty()) || form.get("XFA").is_some();
    let opening = catalogue.get("OpenAction").and_then(|a| file.table(a));
    let is_script = |action: &Table| {
        file.get(action, "S").is_some_and(|kind| kind.name() == Some("JavaScript"))
    };
    facts.has_scripts = names.get("JavaScript").is_some()
        || opening.as_ref().is_some_and(is_script)
        || catalogue.get("AA").is_some();
    facts.has_files = names.get("EmbeddedFiles").is_some();
}

/// Title, subject and keywords.
fn look_at_information(file: &PdfFile<'_>, facts: &mut PdfFacts) {
    let information = file.trailer("Info").and_then(|i| file.table(i)).unwrap_or_default();
    let text = |key: &str| {
        let value = file.get(&information, key)?;
        let text = text_string(value.text()?).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    facts.title = text("Title");
    let mut said = |text: Option<String>, place: DraftPlace| {
        if let Some(text) = text.filter(|text| draft_word(text).is_some()) {
            facts.drafts.push(DraftMark { text, place });
        }
    };
    said(text("Title"), DraftPlace::Title);
    said(text("Subject").or_else(|| text("Keywords")), DraftPlace::Properties);
}

/// Text, marks and comments, page by page.
fn look_at_pages(file: &PdfFile<'_>, pages: &Pages, facts: &mut PdfFacts) {
    let mut fonts = Fonts::new();
    let (mut tongue, mut texts) = (Tongue::default(), Vec::new());
    let (mut letters, mut garbled) = (0_usize, 0_usize);
    for (number, (node, inherited)) in (1..).zip(&pages.first) {
        let Some(page) = file.table(&Value::Reference(*node)) else { continue };
        look_at_notes(file, number, &page, facts);
        let Some(text) = page_text(file, &page, *inherited, &mut fonts) else { continue };
        for line in &text.lines {
            tongue.read(&line.text);
            letters += line.text.chars().filter(|c| c.is_alphanumeric()).count();
            garbled += line.text.chars().filter(|c| is_garbled(*c)).count();
        }
        texts.push((number, text));
    }
    facts.has_text = letters + garbled > 0;
    facts.is_text_garbled = garbled > letters;
    facts.reads_like = tongue.verdict();
    facts.drafts.extend(draft::on_pages(&texts));
}

/// A letter of which a reader sees the shape and a program nothing.
fn is_garbled(c: char) -> bool {
    c == '\u{fffd}' || ('\u{e000}'..='\u{f8ff}').contains(&c)
}

/// Stamps, notes and highlights laid over a page (12.5.6).
fn look_at_notes(file: &PdfFile<'_>, number: u32, page: &Table, facts: &mut PdfFacts) {
    let notes = page.get("Annots").map(|a| file.follow(a)).unwrap_or(Value::Null);
    for note in notes.members().iter().take(1_000) {
        let Some(note) = file.table(note) else { continue };
        let kind = note.get("Subtype").and_then(Value::name).unwrap_or_default();
        let is_comment = matches!(
            kind,
            "Text" | "Highlight" | "StrikeOut" | "Underline" | "Squiggly" | "Caret" | "Ink"
        );
        facts.comments += u32::from(is_comment);
        let name = note.get("Name").and_then(Value::name).unwrap_or_default().to_owned();
        let contents = file.get(&note, "Contents");
        let contents = contents.as_ref().and_then(Value::text).map(text_string).unwrap_or_default();
        let is_laid_over = matches!(kind, "Stamp" | "FreeText" | "Watermark");
        let said = [contents, name].into_iter().find(|said| {
            is_laid_over && said.len() < 200 && draft_word(&said.replace("SB", "")).is_some()
        });
        if let Some(text) = said {
            facts.drafts.push(DraftMark { text, place: DraftPlace::Note(number) });
        }
    }
}

fn page_text(
    file: &PdfFile<'_>,
    page: &Table,
    inherited: Option<u32>,
    fonts: &mut Fonts,
) -> Option<PageText> {
    let streams = match page.get("Contents")? {
        Value::Reference(number) => match file.object(*number)?.value {
            Value::List(list) => list,
            _ => vec![Value::Reference(*number)],
        },
        other => other.members().to_vec(),
    };
    let mut content = Vec::new();
    for stream in &streams {
        let Some(object) = file.object_of(stream) else { continue };
        content.extend(file.unpack(&object).unwrap_or_default());
        content.push(b'\n');
        if content.len() > PDF_STREAM_BYTES_MAX {
            break;
        }
    }
    let of_node = |node: &Table| node.get("Resources").and_then(|r| file.table(r));
    let above = || of_node(&file.table(&Value::Reference(inherited?))?);
    let resources = of_node(page).or_else(above).unwrap_or_default();
    Some(page_text::read(file, &content, &resources, fonts))
}

/// The pages of a file: their objects' numbers, so that no more than one is in memory.
#[derive(Debug, Default)]
struct Pages {
    /// As many as are read, each with the node above it whose resources it inherits.
    first: Vec<(u32, Option<u32>)>,
    count: usize,
}

impl Pages {
    /// Walks the page tree (7.7.3), each node once.
    fn of(file: &PdfFile<'_>, catalogue: &Table) -> Pages {
        let mut pages = Pages::default();
        let mut seen = HashSet::new();
        // A stack, so that a tree of any depth is walked.
        let mut open: Vec<(u32, Option<u32>)> = Vec::new();
        if let Some(Value::Reference(root)) = catalogue.get("Pages") {
            open.push((*root, None));
        }
        while let Some((node, inherited)) = open.pop() {
            if !seen.insert(node) || pages.count >= PDF_PAGES_MAX || open.len() > PDF_OBJECTS_MAX {
                continue;
            }
            // A page that cannot be read is a blank page to a reader.
            let table = file.table(&Value::Reference(node)).unwrap_or_default();
            let is_page = table.get("Type").and_then(Value::name) == Some("Page");
            match file.get(&table, "Kids").filter(|_| !is_page) {
                Some(kids) => {
                    let from =
                        if table.get("Resources").is_some() { Some(node) } else { inherited };
                    open.extend(kids.members().iter().rev().filter_map(|kid| match kid {
                        Value::Reference(number) => Some((*number, from)),
                        _ => None,
                    }));
                }
                None => {
                    pages.count += 1;
                    if pages.first.len() < PDF_PAGES_READ_MAX {
                        pages.first.push((node, inherited));
                    }
                }
            }
        }
        pages
    }
}

/// A text string (7.9.2.2): UTF-16 or UTF-8 with its mark, else about Latin-1.
fn text_string(bytes: &[u8]) -> String {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>()
    };
    let text = match bytes {
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => bytes.iter().map(|b| char::from(*b)).collect(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests;
