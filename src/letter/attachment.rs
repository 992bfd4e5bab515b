//! Documents that go with a letter: media type by name, checked against what is in the file.
//!
//! Owns the media type and how a size reads. Which file goes to whom is decided by the caller.
//!
//! # Standards
//! RFC 2046 for media types; first bytes as each format's own specification gives them
//! (ISO 32000-1 7.5.2, PNG 5.2, APPNOTE 4.3.7, MS-CFB 2.2 ...).

use super::Attachment;
use crate::id::Digest;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};

/// A file is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not what its name says: it holds {found}")]
pub struct Mismatch {
    /// The file name.
    pub name: String,
    /// What the first bytes are of: `a web page`, `a ZIP archive`.
    pub found: &'static str,
}

/// What the first bytes of a file are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// `%PDF-` within the first 1,024 bytes (ISO 32000-1, annex H).
    Pdf,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// ZIP, and what is made of it: docx, xlsx, pptx, odt, epub.
    Zip,
    /// Compound file: doc, xls, ppt, msg.
    Compound,
    /// HTML or XML.
    Markup,
    /// A program for Windows, Linux or macOS.
    Program,
    /// Nothing in it.
    Empty,
    /// Something else.
    Other,
}

impl Content {
    fn as_str(self) -> &'static str {
        match self {
            Content::Pdf => "a PDF document",
            Content::Png => "a PNG image",
            Content::Jpeg => "a JPEG image",
            Content::Gif => "a GIF image",
            Content::Webp => "a WebP image",
            Content::Zip => "a ZIP archive",
            Content::Compound => "an old Office document",
            Content::Markup => "a web page",
            Content::Program => "a program",
            Content::Empty => "nothing",
            Content::Other => "something else",
        }
    }
}

/// Looks at the first bytes of a file.
pub(super) fn content(bytes: &[u8]) -> Content {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let head = &bytes[..bytes.len().min(1024)];
    match bytes {
        [] => Content::Empty,
        _ if starts(b"\x89PNG\r\n\x1a\n") => Content::Png,
        _ if starts(b"\xFF\xD8\xFF") => Content::Jpeg,
        _ if starts(b"GIF87a") || starts(b"GIF89a") => Content::Gif,
        _ if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Content::Webp,
        _ if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => Content::Zip,
        _ if starts(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") => Content::Compound,
        _ if starts(b"MZ") || starts(b"\x7FELF") || starts(b"\xCF\xFA\xED\xFE") => Content::Program,
        _ if head.windows(5).any(|w| w == b"%PDF-") => Content::Pdf,
        _ if is_markup(head) => Content::Markup,
        _ => Content::Other,
    }
}

fn is_markup(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let begins = |tag: &[u8]| head.get(..tag.len()).is_some_and(|h| h.eq_ignore_ascii_case(tag));
    [b"<!doctype html".as_slice(), b"<html", b"<head", b"<body", b"<script", b"<?xml", b"<!--"]
        .iter()
        .any(|tag| begins(tag))
}

/// What a file with this extension must hold, where that is known.
fn expected(extension: &str) -> Option<&'static [Content]> {
    Some(match extension {
        "pdf" => &[Content::Pdf],
        "png" => &[Content::Png],
        "jpg" | "jpeg" | "jpe" => &[Content::Jpeg],
        "gif" => &[Content::Gif],
        "webp" => &[Content::Webp],
        "docx" | "xlsx" | "pptx" | "odt" | "ods" | "odp" | "epub" | "zip" => &[Content::Zip],
        // Word and Excel save RTF, text and pages under the old names too.
        "doc" | "xls" | "ppt" | "msg" => {
            &[Content::Compound, Content::Zip, Content::Other, Content::Markup]
        }
        "html" | "htm" | "xml" | "svg" => &[Content::Markup, Content::Other],
        "txt" | "csv" | "md" | "ics" | "vcf" | "rtf" => &[Content::Other, Content::Markup],
        _ => return None,
    })
}

/// The media type of a file by its name, and whether its first bytes contradict the name.
///
/// A name without a known extension is `application/octet-stream`.
#[must_use]
pub fn media_type(name: &str, bytes: &[u8]) -> (String, Option<Mismatch>) {
    media_type_of(name, content(bytes))
}

fn media_type_of(name: &str, found: Content) -> (String, Option<Mismatch>) {
    let guess = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    let fits = expected(&extension).is_none_or(|fitting| fitting.contains(&found))
        && found != Content::Empty;
    let mismatch = (!fits).then(|| Mismatch { name: name.to_owned(), found: found.as_str() });
    (guess.to_owned(), mismatch)
}

/// What must be known of a file once its bytes are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// SHA-256.
    pub digest: Digest,
    /// Its size.
    pub octets: u64,
    content: Content,
}

impl FileFacts {
    /// Of a file's bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> FileFacts {
        let (digest, octets) = (Digest::of(bytes), bytes.len() as u64);
        FileFacts { digest, octets, content: content(bytes) }
    }
}

impl Attachment {
    /// Makes an attachment of a file; a file that is not what its name says is an error in
    /// `problems`, and the attachment is made all the same so that everything else is checked.
    ///
    /// `number` counts from 1 in the campaign's order; `name` is what the reader sees; `file` is
    /// relative to the workspace.
    #[must_use]
    pub fn new(
        id: &str,
        number: u32,
        title: &str,
        name: &str,
        file: &str,
        facts: FileFacts,
        problems: &mut Problems,
    ) -> Attachment {
        // The file is judged by its own name and by the name the reader sees.
        let (_, own) = media_type_of(file.rsplit('/').next().unwrap_or(file), facts.content);
        let (media_type, shown) = media_type_of(name, facts.content);
        if let Some(mismatch) = own.or(shown) {
            problems.push(wrong_type(&mismatch, file));
        }
        Attachment {
            id: id.to_owned(),
            number,
            title: title.to_owned(),
            name: name.to_owned(),
            file: file.to_owned(),
            media_type,
            digest: facts.digest,
            octets: facts.octets,
        }
    }
}

fn wrong_type(mismatch: &Mismatch, file: &str) -> Problem {
    let problem = if mismatch.found == Content::Empty.as_str() {
        Problem::error("wrong-type", "the file is empty")
            .hint("Put the document in its place; a file that is still being copied looks so too.")
    } else {
        Problem::error("wrong-type", mismatch.to_string())
            .hint("Open the file and save it again in the format its name says.")
    };
    problem.place(Place::file(file))
}

/// A size as a reader of this language expects it: `113.71 KB`, `113,71 Ko`.
///
/// Bytes / 1024 with two decimals, whatever the size (contract, A letter).
#[must_use]
pub fn size_text(bytes: u64, language: &Language) -> String {
    let hundredths = (u128::from(bytes) * 100 + 512) / 1024;
    let (unit, point) = match language.primary().as_str() {
        "fr" => ("Ko", ','),
        "ru" | "uk" | "be" | "bg" => ("КБ", ','),
        "ar" => ("كيلوبايت", '.'),
        "es" | "de" | "it" | "pt" | "nl" | "pl" | "cs" | "sv" | "da" | "nb" | "no" | "fi"
        | "el" | "tr" | "id" | "ro" | "hr" | "sr" | "hu" | "vi" => ("KB", ','),
        _ => ("KB", '.'),
    };
    format!("{}{point}{:02} {unit}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_in_the_readers_language() {
        for (bytes, tag, text) in [
            (116_439, "en", "113.71 KB"),
            (116_439, "fr", "113,71 Ko"),
            (116_439, "ru", "113,71 КБ"),
            (116_439, "es", "113,71 KB"),
            (116_439, "zh", "113.71 KB"),
            (116_439, "ar", "113.71 كيلوبايت"),
            (116_439, "pt-br", "113,71 KB"),
            (626_985, "en", "612.29 KB"),
            (0, "en", "0.00 KB"),
            (5, "en", "0.00 KB"),
            (1_048_575, "en", "1024.00 KB"),
            (18_500_000, "fr", "18066,41 Ko"),
            (u64::MAX, "en", "18014398509481984.00 KB"),
        ] {
            let language = Language::parse_tag(tag).unwrap();
            assert_eq!(size_text(bytes, &language), text, "{bytes} {tag}");
        }
    }

    fn check(name: &str, bytes: &[u8], media: &str, found: Option<&str>) {
        let (media_type, mismatch) = media_type(name, bytes);
        assert_eq!(media_type, media, "{name}");
        assert_eq!(mismatch.map(|m| m.found), found, "{name}");
    }

    #[test]
    fn a_file_must_be_what_its_name_says() {
        const DOCX: &str =
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        check("a.pdf", b"%PDF-1.7\n", "application/pdf", None);
        check("A.PDF", b"\0\0%PDF-1.4", "application/pdf", None);
        check("a.pdf", b" <!DOCTYPE html><html>", "application/pdf", Some("a web page"));
        check("a.pdf", b"PK\x03\x04", "application/pdf", Some("a ZIP archive"));
        check("a.pdf", b"", "application/pdf", Some("nothing"));
        check("a.pdf", b"hello", "application/pdf", Some("something else"));
        check("a.docx", b"PK\x03\x04", DOCX, None);
        check("a.docx", b"%PDF-1.7", DOCX, Some("a PDF document"));
        check("a.doc", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/msword", None);
        check("a.png", b"\xFF\xD8\xFF\xE0", "image/png", Some("a JPEG image"));
        check("a.txt", b"MZ\x90", "text/plain", Some("a program"));
        check("a.unknown", b"x", "application/octet-stream", None);
        check("README", b"x", "application/octet-stream", None);
    }

    #[test]
    fn a_wrong_file_is_an_error_at_the_file() {
        let mut problems = Problems::new();
        let facts = FileFacts::of(b"<html>");
        let made = Attachment::new(
            "s",
            1,
            "Statement",
            "s.pdf",
            "attachments/s.pdf",
            facts,
            &mut problems,
        );
        assert_eq!(made.media_type, "application/pdf");
        let found = problems.iter().next().unwrap();
        assert_eq!(
            (found.code, found.place.as_ref().unwrap().file.as_str()),
            ("wrong-type", "attachments/s.pdf")
        );
    }
}
