//! Header values: names, subjects and file names as the octets of a header, folded.
//!
//! Owns RFC 2047 and RFC 2231 encoding and where lines are folded. Which headers a message has, and
//! in what order, is decided by its callers; the block of headers itself is lettre's.
//!
//! # Standards
//! RFC 5322 2.2.3 and 3.2 (folding, phrases), RFC 2047 (encoded words), RFC 2045 5.1, RFC 2183 and
//! RFC 2231 (parameters), RFC 6532 (letters beyond ASCII stand raw in addresses only).
//!
//! # Departures
//! lettre's own encoder is not used; measured on 0.11.23 it
//! - leaves `=?utf-8?q?x?=` in a subject as it is, so that data is decoded (security S2), and most
//!   control characters too;
//! - loses blanks: of `é  ü` with two blanks, readers show `éü`;
//! - writes a word of any length on one line, above the 998 octets of RFC 5322 2.1.1, and never
//!   folds before `<`;
//! - writes the name `J.R.` unquoted, which RFC 5322 4.1 knows only as obsolete;
//! - writes `filename*0*=` for every name beyond ASCII, a continuation where none is needed.
//!
//! A file name beyond ASCII stands as RFC 2231 says in Content-Disposition, and in the `name` of
//! Content-Type as encoded words between quotation marks, which RFC 2047 5 forbids: Outlook by IMAP
//! and QQ Mail know no RFC 2231 and show "Untitled attachment" otherwise, and Thunderbird and
//! nodemailer write the same pair. An ASCII `filename=` beside `filename*=` is left out: Python's
//! parser takes the first of the two.
//!
//! # Invariants
//! Whatever the value, the result has no CR or LF but in `CRLF SP`, and no other control character:
//! those of the value become blanks. Callers were promised values without them; that is checked
//! where lists and letters are read, with row and column.

use crate::address::{EmailAddress, Mailbox};
use crate::limits::{
    HEADER_ENCODED_WORD_OCTETS_MAX, HEADER_LINE_OCTETS_MAX, HEADER_PLAIN_WORD_OCTETS_MAX,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::header::{HeaderName, HeaderValue, Headers};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Adds a header whose value is written as it is: the caller has made it of ASCII and folded it.
pub(super) fn add_raw(headers: &mut Headers, name: &'static str, value: String) {
    let name = HeaderName::new_from_ascii_str(name);
    headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(name, String::new(), value));
}

/// Adds a header of free text, such as Subject (RFC 5322 2.2.1).
pub(super) fn add_text(headers: &mut Headers, name: &'static str, value: &str) {
    let mut folded = Folded::behind(name);
    folded.free_text(&without_controls(value));
    add_raw(headers, name, folded.text);
}

/// Adds a header of one mailbox, such as From (RFC 5322 3.4).
pub(super) fn add_mailbox(headers: &mut Headers, name: &'static str, mailbox: &Mailbox) {
    let mut folded = Folded::behind(name);
    let display = without_controls(mailbox.name.as_deref().unwrap_or_default());
    if display.trim().is_empty() {
        folded.word(mailbox.address.as_str());
    } else {
        folded.phrase(&display);
        folded.word(&format!("<{}>", mailbox.address));
    }
    add_raw(headers, name, folded.text);
}

/// Adds a header of several addresses without names, such as Cc (RFC 5322 3.6.3).
pub(super) fn add_addresses(headers: &mut Headers, name: &'static str, addresses: &[EmailAddress]) {
    let mut folded = Folded::behind(name);
    for (i, address) in addresses.iter().enumerate() {
        let comma = if i + 1 < addresses.len() { "," } else { "" };
        folded.word(&format!("{address}{comma}"));
    }
    add_raw(headers, name, folded.text);
}

/// The `filename` of a Content-Disposition, from `;` on.
pub(super) fn file_name_parameter(file_name: &str) -> String {
    let file_name = without_controls(file_name);
    if is_plain_parameter(&file_name) {
        return format!(";\r\n filename=\"{file_name}\"");
    }
    let whole = format!(" filename*=utf-8''{}", percent_encoded(&file_name));
    if whole.len() <= HEADER_LINE_OCTETS_MAX {
        return format!(";\r\n{whole}");
    }
    continued_file_name(&file_name)
}

/// The `name` of a Content-Type, from `;` on.
pub(super) fn name_parameter(file_name: &str) -> String {
    let file_name = without_controls(file_name);
    if is_plain_parameter(&file_name) {
        return format!(";\r\n name=\"{file_name}\"");
    }
    let mut folded = Folded { text: String::new(), column: " name=\"".len() };
    folded.encoded_words(&file_name);
    format!(";\r\n name=\"{}\"", folded.text)
}

/// A value that is being written, and how far its last line has come.
struct Folded {
    text: String,
    /// Octets in the line so far, with the header's name.
    column: usize,
}

impl Folded {
    /// An empty value of the header with this name.
    fn behind(name: &str) -> Folded {
        Folded { text: String::with_capacity(96), column: name.len() + ": ".len() }
    }

    /// A word after a blank, or at the start of a new line where it does not fit.
    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            let folds = self.column + 1 + word.len() > HEADER_LINE_OCTETS_MAX;
            self.text.push_str(if folds { "\r\n " } else { " " });
            self.column = if folds { 1 } else { self.column + 1 };
        }
        self.text.push_str(word);
        self.column += word.len();
    }

    /// Words as they are where that reads back the same, and one encoded stretch from the first to
    /// the last word that does not: blanks between two encoded words would be lost (RFC 2047 6.2).
    fn free_text(&mut self, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        // More than one blank, or one at an end, makes an empty word; it reads back the same only
        // when it is encoded together with the words beside it.
        let is_lone = |i: usize| words.get(i).is_some_and(|word| word.is_empty());
        let blank_beside = |i: usize| is_lone(i) || is_lone(i + 1) || i > 0 && is_lone(i - 1);
        let plain = |i: usize| is_plain_word(words[i]) && !blank_beside(i);
        let first = (0..words.len()).position(|i| !plain(i)).unwrap_or(words.len());
        let last = (0..words.len()).rposition(|i| !plain(i)).map_or(first, |i| i + 1);
        words[..first].iter().for_each(|word| self.word(word));
        self.encoded_words(&words[first..last].join(" "));
        words[last..].iter().for_each(|word| self.word(word));
    }

    /// A display name: atoms, a quoted text or encoded words (RFC 5322 3.2.5, RFC 2047 5).
    fn phrase(&mut self, name: &str) {
        let is_atom = |word: &str| !word.is_empty() && word.bytes().all(is_atext);
        if name.split(' ').all(|word| is_atom(word) && is_plain_word(word)) {
            name.split(' ').for_each(|word| self.word(word));
        } else if is_plain_parameter(name) {
            self.word(&format!("\"{name}\""));
        } else {
            self.encoded_words(name);
        }
    }

    /// Text as encoded words of whole characters (RFC 2047 5), ended by a blank of the text where
    /// there is one: some readers (Python's 3.13 for one) show the blank between two encoded words
    /// of a name, which then widens a gap and does not cut a word.
    fn encoded_words(&mut self, text: &str) {
        let encoding = Encoding::shorter_for(text);
        let mut rest = text;
        while !rest.is_empty() {
            let (word, after) = rest.split_at(self.encoded_word_end(encoding, rest));
            self.word(&encoding.word(word));
            rest = after;
        }
    }

    /// Where the next encoded word of a text ends: on this line, or else as a new line takes it.
    fn encoded_word_end(&self, encoding: Encoding, text: &str) -> usize {
        let left = HEADER_LINE_OCTETS_MAX.saturating_sub(self.column + 1);
        let here = encoding.prefix(text, left);
        let there = if self.text.is_empty() { here } else { encoding.prefix(text, usize::MAX) };
        let at_blank = |end: usize| {
            if end == text.len() { Some(end) } else { text[..end].rfind(' ').map(|b| b + 1) }
        };
        at_blank(here).or_else(|| at_blank(there)).unwrap_or(there)
    }
}

/// The two encodings of RFC 2047 4.
#[derive(Clone, Copy)]
enum Encoding {
    B,
    Q,
}

/// What an encoded word has around its text.
const ENCODED_WORD_FRAME: usize = "=?utf-8?q?".len() + "?=".len();

impl Encoding {
    fn shorter_for(text: &str) -> Encoding {
        let q: usize = text.chars().map(q_octets).sum();
        if q <= base64_octets(text.len()) { Encoding::Q } else { Encoding::B }
    }

    /// Octets of the longest start of `text` whose encoded word takes no more than `octets`.
    fn prefix(self, text: &str, octets: usize) -> usize {
        let room = octets.min(HEADER_ENCODED_WORD_OCTETS_MAX).saturating_sub(ENCODED_WORD_FRAME);
        let (mut plain, mut q) = (0, 0);
        for c in text.chars() {
            q += q_octets(c);
            let encoded = match self {
                Encoding::B => base64_octets(plain + c.len_utf8()),
                Encoding::Q => q,
            };
            if encoded > room {
                break;
            }
            plain += c.len_utf8();
        }
        plain
    }

    fn word(self, text: &str) -> String {
        match self {
            Encoding::B => format!("=?utf-8?b?{}?=", BASE64.encode(text)),
            Encoding::Q => format!("=?utf-8?q?{}?=", q_encoded(text)),
        }
    }
}

/// Octets of base64 with padding.
fn base64_octets(plain: usize) -> usize {
    plain.div_ceil(3) * 4
}

/// Octets of a character in Q: the strictest set, that of a phrase (RFC 2047 5 (3)).
fn q_octets(c: char) -> usize {
    if c == ' ' || is_q_literal(c) { 1 } else { 3 * c.len_utf8() }
}

fn is_q_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/')
}

fn q_encoded(text: &str) -> String {
    escaped(text, '=', |c| is_q_literal(c) || c == ' ').replace(' ', "_")
}

/// RFC 2231 7: `attribute-char`, without those some readers stumble over.
fn percent_encoded(text: &str) -> String {
    escaped(text, '%', |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// Every octet of the characters not kept as two hex digits behind a sign.
fn escaped(text: &str, sign: char, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(3 * text.len());
    for c in text.chars() {
        if keep(c) {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(out, "{sign}{byte:02X}");
            }
        }
    }
    out
}

/// A file name over several lines, whole characters in each (RFC 2231 3 and 4.1).
fn continued_file_name(file_name: &str) -> String {
    let mut out = String::new();
    let mut line = " filename*0*=utf-8''".to_owned();
    let mut number = 0;
    for c in file_name.chars() {
        let octets = percent_encoded(c.encode_utf8(&mut [0; 4]));
        if line.len() + octets.len() + ";".len() > HEADER_LINE_OCTETS_MAX {
            number += 1;
            let next = format!(" filename*{number}*=");
            let _ = write!(out, ";\r\n{}", std::mem::replace(&mut line, next));
        }
        line.push_str(&octets);
    }
    let _ = write!(out, ";\r\n{line}");
    out
}

/// Whether a word may stand in a header as it is: printable, and nothing a reader would decode.
fn is_plain_word(word: &str) -> bool {
    word.len() <= HEADER_PLAIN_WORD_OCTETS_MAX
        && word.bytes().all(|b| b.is_ascii_graphic())
        && !word.contains("=?")
}

/// Whether a text may stand between quotation marks as it is.
fn is_plain_parameter(text: &str) -> bool {
    text.len() <= HEADER_PLAIN_WORD_OCTETS_MAX
        && text.bytes().all(|b| (b.is_ascii_graphic() || b == b' ') && !matches!(b, b'"' | b'\\'))
        && !text.contains("=?")
        && text.trim() == text
}

/// RFC 5322 3.2.3.
fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

/// The value with a blank for each control character and each line or paragraph separator.
fn without_controls(value: &str) -> Cow<'_, str> {
    let ends_a_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if value.contains(ends_a_line) {
        Cow::Owned(value.replace(ends_a_line, " "))
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    /// The header block of one header, and what mail-parser reads in it.
    fn subject(value: &str) -> (String, String) {
        let mut headers = Headers::new();
        add_text(&mut headers, "Subject", value);
        let block = headers.to_string();
        let parsed = MessageParser::new().parse(block.as_bytes()).unwrap();
        assert_eq!(parsed.headers().len(), 1, "{block}");
        (block.clone(), parsed.subject().unwrap_or_default().to_owned())
    }

    fn to(name: &str) -> (String, Option<String>) {
        let address = EmailAddress::parse("ana.perez@ministry.example").unwrap();
        // The fields directly: what `Mailbox::new` refuses must do no harm here either.
        let mailbox = Mailbox { name: Some(name.to_owned()), address };
        let mut headers = Headers::new();
        add_mailbox(&mut headers, "To", &mailbox);
        let block = headers.to_string();
        let parsed = MessageParser::new().parse(block.as_bytes()).unwrap();
        assert_eq!(parsed.headers().len(), 1, "{block}");
        let [only] = parsed.to().unwrap().clone().into_list().try_into().unwrap();
        assert_eq!(only.address.as_deref(), Some("ana.perez@ministry.example"), "{block}");
        (block.clone(), only.name.map(|n| n.into_owned()))
    }

    fn file_name(name: &str) -> (String, String, String) {
        let disposition = format!("attachment{}", file_name_parameter(name));
        let content_type = format!("application/pdf{}", name_parameter(name));
        let block =
            format!("Content-Type: {content_type}\r\nContent-Disposition: {disposition}\r\n\r\n");
        let parsed = MessageParser::new().parse(block.as_bytes()).unwrap();
        assert_eq!(parsed.headers().len(), 2, "{block}");
        let part = parsed.part(0).unwrap();
        let of_disposition = part.attachment_name().unwrap_or_default().to_owned();
        let of_type = part.content_type().unwrap().attribute("name").unwrap_or_default().to_owned();
        (block.clone(), of_disposition, of_type)
    }

    fn assert_folded(block: &str) {
        let lines = block.strip_suffix("\r\n").unwrap().split("\r\n");
        for line in lines {
            assert!(line.len() <= 78, "{} octets: {line}", line.len());
            assert!(!line.contains(['\r', '\n', '\0']) && line.is_ascii(), "{line:?}");
        }
        for word in block.split([' ', '"', '\r']).filter(|word| word.starts_with("=?")) {
            assert!(word.len() <= 75 && word.ends_with("?="), "{word}");
        }
    }

    #[test]
    fn subjects_as_they_are_written() {
        for (value, written) in [
            ("Outcomes of the Forum", "Outcomes of the Forum"),
            ("Résumé of it", "=?utf-8?b?UsOpc3Vtw6k=?= of it"),
            ("from é to ü end", "from =?utf-8?b?w6kgdG8gw7w=?= end"),
            ("Итоги", "=?utf-8?b?0JjRgtC+0LPQuA==?="),
            ("=?utf-8?q?x?= is data", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= is data"),
            ("é  ü x", "=?utf-8?b?w6kgIMO8?= x"),
            ("a  b", "=?utf-8?q?a__b?="),
            ("", ""),
        ] {
            let (block, read) = subject(value);
            assert_eq!(block, format!("Subject: {written}\r\n"));
            assert_eq!(read, value);
        }
    }

    #[test]
    fn names_as_they_are_written() {
        for (name, written) in [
            ("Ana Perez", "Ana Perez <ana.perez@ministry.example>"),
            ("J.R.", "\"J.R.\" <ana.perez@ministry.example>"),
            ("Perez, Ana", "\"Perez, Ana\" <ana.perez@ministry.example>"),
            ("Ana Pérez", "=?utf-8?q?Ana_P=C3=A9rez?= <ana.perez@ministry.example>"),
            ("王芳", "=?utf-8?b?546L6Iqz?= <ana.perez@ministry.example>"),
            ("a \"b\" \\", "=?utf-8?b?YSAiYiIgXA==?= <ana.perez@ministry.example>"),
            ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <ana.perez@ministry.example>"),
        ] {
            let (block, read) = to(name);
            assert_eq!(block, format!("To: {written}\r\n"));
            assert_eq!(read.as_deref(), Some(name));
        }
        assert_eq!(to(" ").0, "To: ana.perez@ministry.example\r\n");
    }

    /// A long name is cut at its blanks, and the address stands on a line of its own.
    #[test]
    fn long_names_are_folded_at_blanks() {
        let name = "عبد الرحمن بن محمد بن عبد الله بن خالد الأنصاري الحسيني";
        let (block, read) = to(name);
        assert_folded(&block);
        assert_eq!(read.as_deref(), Some(name));
        assert!(block.ends_with("?=\r\n <ana.perez@ministry.example>\r\n"), "{block}");
        for word in block.split("=?utf-8?b?").skip(1) {
            let text = BASE64.decode(word.split_once("?=").unwrap().0).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.ends_with(' ') || name.ends_with(&text), "{text:?}");
        }
    }

    #[test]
    fn file_names_as_they_are_written() {
        for (name, of_type, of_disposition) in [
            (
                "statement (1); en.pdf",
                "name=\"statement (1); en.pdf\"",
                "filename=\"statement (1); en.pdf\"",
            ),
            (
                "Déclaration.pdf",
                "name=\"=?utf-8?q?D=C3=A9claration=2Epdf?=\"",
                "filename*=utf-8''D%C3%A9claration.pdf",
            ),
            ("a\"b.pdf", "name=\"=?utf-8?q?a=22b=2Epdf?=\"", "filename*=utf-8''a%22b.pdf"),
        ] {
            let (block, ..) = file_name(name);
            assert!(block.contains(&format!("application/pdf;\r\n {of_type}\r\n")), "{block}");
            assert!(block.contains(&format!("attachment;\r\n {of_disposition}\r\n")), "{block}");
        }
    }

    #[test]
    fn file_names_read_back() {
        let long = "a-long-name-".repeat(20) + ".pdf";
        for name in [
            "Заявление форума.pdf",
            "Очень длинное название документа, которое не помещается в одну строку.pdf",
            "第三届全球论坛成果文件以及后续行动计划说明.docx",
            "emoji 🎉👩‍👩‍👧.pdf",
            "=?utf-8?q?x?=.pdf",
            "back\\slash \"quoted\" 100%.pdf",
            "it's ''utf-8''.pdf",
            "a  b.pdf",
            &long,
        ] {
            let (block, of_disposition, of_type) = file_name(name);
            assert_folded(&block[..block.len() - 2]);
            assert_eq!(of_disposition, name);
            assert_eq!(of_type, name);
        }
    }

    /// Security S2: no character ends a header, whatever the types before us promised.
    #[test]
    fn header_injection_from_values_is_not_possible() {
        for c in
            ['\r', '\n', '\0', '\u{1}', '\u{b}', '\u{1f}', '\u{7f}', '\u{80}', '\u{85}', '\u{9f}']
                .into_iter()
                .chain(['\u{2028}', '\u{2029}'])
        {
            let hostile = format!("a{c}{c}Bcc: x@evil.example{c}b é");
            let (block, read) = subject(&hostile);
            assert_folded(&block);
            assert_eq!(read, "a  Bcc: x@evil.example b é");
            assert_folded(&to(&hostile).0);
            let (block, name, _) = file_name(&hostile);
            assert_folded(&block[..block.len() - 2]);
            assert_eq!(name, "a  Bcc: x@evil.example b é");
        }
    }

    fn one_line() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,40}",
            "[ -~]{0,80}",
            "[a-zé =?_\"\\\\]{0,30}",
            "[\u{621}-\u{64a} ]{0,60}",
            "[\u{4e00}-\u{4eff}]{0,60}",
            Just("=?utf-8?b?w6k=?=".to_owned()),
            "x{60,130}",
        ];
        prop::collection::vec(piece, 0..5)
            .prop_map(|pieces| without_controls(&pieces.concat()).into())
    }

    proptest! {
        #[test]
        fn any_value_reads_back(value in one_line()) {
            let (block, read) = subject(&value);
            assert_folded(&block);
            prop_assert_eq!(read, value.clone(), "{}", block);
            let name = value.trim();
            if !name.is_empty() {
                let (block, read) = to(name);
                assert_folded(&block);
                prop_assert_eq!(read.unwrap_or_default(), name, "{}", block);
            }
            let (block, read, _) = file_name(&value);
            assert_folded(&block[..block.len() - 2]);
            prop_assert_eq!(read, value, "{}", block);
        }
    }
}
