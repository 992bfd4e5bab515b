//! MIME leaves: a file as a part shared by all messages, a text as a part of one message.
//!
//! Owns the part's own headers and its transfer encoding. Boundaries and the tree are in `mod.rs`.
//!
//! # Standards
//! RFC 2045 6 (quoted-printable, base64), RFC 2046 4.1.1 (CRLF inside text), RFC 2049 3 (traps),
//! RFC 2183 (Content-Disposition), RFC 2392 (Content-ID and `cid:`).
//!
//! # Invariants
//! All octets are 7-bit and all lines end in CRLF, at most 76 octets before it in bodies. A shared
//! part brings the line end of the boundary that follows (RFC 2046 5.1.1); a text brings none but
//! that of its own last line.

use super::header::{add_raw, file_name_parameter, name_parameter};
use super::{EncodedPart, SharedChunk};
use crate::letter::{Attachment, Image};
use crate::limits::MESSAGE_ENCODED_LINE_OCTETS_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::header::Headers;
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;
use std::io::Write as _;

impl EncodedPart {
    /// The part of a document with these bytes.
    #[must_use]
    pub fn of_attachment(attachment: &Attachment, bytes: &[u8]) -> EncodedPart {
        encoded(&attachment_headers(attachment), bytes)
    }

    /// A part without its octets, for a message of which only the rest is wanted.
    #[must_use]
    pub fn left_out() -> EncodedPart {
        EncodedPart { chunk: SharedChunk::new(Vec::new()) }
    }

    /// How many octets the part of a document has.
    #[must_use]
    pub fn octets_of(attachment: &Attachment) -> u64 {
        let headers = attachment_headers(attachment).to_string().len();
        let plain = usize::try_from(attachment.octets).unwrap_or(usize::MAX);
        (headers + b"\r\n\r\n".len() + base64_lines_octets(plain)) as u64
    }

    /// The part of an inline image.
    #[must_use]
    pub fn of_image(image: &Image) -> EncodedPart {
        let disposition = format!("inline{}", file_name_parameter(&image.name));
        let mut headers = file_headers(&image.media_type, &image.name, disposition);
        // Stage 2 makes content ids; one that could end the header is cut down to what cannot.
        let is_safe = |c: &char| c.is_ascii_graphic() && !matches!(c, '<' | '>');
        let content_id: String = image.content_id.chars().filter(is_safe).collect();
        add_raw(&mut headers, "Content-ID", format!("<{content_id}>"));
        encoded(&headers, &image.bytes)
    }
}

/// Writes a text part: its headers, an empty line, and the text in the shorter of the two 7-bit
/// encodings, so that the bytes never depend on what a relay offers.
pub(super) fn write_text(out: &mut Vec<u8>, content_type: &str, text: &str) {
    let text = with_line_ends(text);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "Content-Type: {content_type}; charset=utf-8\r\n");
    let start = out.len();
    let line_ends = memchr_iter(b'\n', text.as_bytes()).count();
    let base64_octets = base64_lines_octets(text.len() + line_ends);
    out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    if quoted_printable_octets_min(&text, line_ends) > base64_octets
        || !write_quoted_printable(out, &text, base64_octets)
    {
        out.truncate(start);
        out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
        write_base64(out, text.replace('\n', "\r\n").as_bytes());
    }
}

fn attachment_headers(attachment: &Attachment) -> Headers {
    let disposition = format!("attachment{}", file_name_parameter(&attachment.name));
    file_headers(&attachment.media_type, &attachment.name, disposition)
}

fn file_headers(media_type: &str, name: &str, disposition: String) -> Headers {
    let mut headers = Headers::new();
    let content_type = format!("{}{}", encodable_media_type(media_type), name_parameter(name));
    add_raw(&mut headers, "Content-Type", content_type);
    add_raw(&mut headers, "Content-Disposition", disposition);
    add_raw(&mut headers, "Content-Transfer-Encoding", "base64".to_owned());
    headers
}

/// The media type, or `application/octet-stream` for what is none and for the composite types,
/// which may not be encoded in base64 (RFC 2045 6.4).
fn encodable_media_type(media_type: &str) -> &str {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let fits = media_type.len() <= MESSAGE_ENCODED_LINE_OCTETS_MAX * 2;
    match media_type.split_once('/') {
        Some((main, sub)) if fits && is_token(main) && is_token(sub) => {
            let composite = ["message", "multipart"].iter().any(|c| main.eq_ignore_ascii_case(c));
            if composite { "application/octet-stream" } else { media_type }
        }
        _ => "application/octet-stream",
    }
}

fn encoded(headers: &Headers, bytes: &[u8]) -> EncodedPart {
    let mut out = Vec::with_capacity(512 + base64_lines_octets(bytes.len()));
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{headers}\r\n");
    write_base64(&mut out, bytes);
    out.extend_from_slice(b"\r\n");
    EncodedPart { chunk: SharedChunk::new(out) }
}

/// Octets of a full line of base64 before encoding.
const BASE64_LINE_PLAIN: usize = MESSAGE_ENCODED_LINE_OCTETS_MAX / 4 * 3;

/// Octets of [`write_base64`]'s lines with the line ends between them.
fn base64_lines_octets(plain: usize) -> usize {
    plain.div_ceil(3) * 4 + plain.div_ceil(BASE64_LINE_PLAIN).saturating_sub(1) * 2
}

/// RFC 2045 6.8, with line ends between the lines only.
fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(base64_lines_octets(bytes.len()));
    let mut line = [0; MESSAGE_ENCODED_LINE_OCTETS_MAX];
    for (number, plain) in bytes.chunks(BASE64_LINE_PLAIN).enumerate() {
        if number > 0 {
            out.extend_from_slice(b"\r\n");
        }
        // A line is as long as its longest content: it always fits.
        let octets = BASE64.encode_slice(plain, &mut line).unwrap_or(0);
        out.extend_from_slice(&line[..octets]);
    }
}

/// The text with LF line ends and one at its end; a letter has them already.
fn with_line_ends(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if memchr(b'\r', text.as_bytes()).is_some() {
        text = Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    text
}

/// Whether an octet stands for itself in quoted-printable (RFC 2045 6.7 (2) and (3)).
///
/// Without branches: the compiler then looks at many octets at once.
fn is_literal(octet: u8) -> bool {
    (b' '..=b'~').contains(&octet) & (octet != b'=') | (octet == b'\t')
}

/// How many octets at the start stand for themselves.
fn literal_run(octets: &[u8]) -> usize {
    const AT_ONCE: usize = 16;
    let all = |chunk: &&[u8]| chunk.iter().fold(true, |all, b| all & is_literal(*b));
    let run = octets.chunks_exact(AT_ONCE).take_while(all).count() * AT_ONCE;
    let rest = &octets[run..];
    run + rest.iter().position(|b| !is_literal(*b)).unwrap_or(rest.len())
}

/// What quoted-printable takes without its soft line breaks: a Russian letter is known by it
/// without being encoded twice.
fn quoted_printable_octets_min(text: &str, line_ends: usize) -> usize {
    // Counted in single octets, as many as these can count: sixteen are added at once.
    let in_chunk =
        |chunk: &[u8]| usize::from(chunk.iter().map(|b| u8::from(is_literal(*b))).sum::<u8>());
    let literal: usize = text.as_bytes().chunks(usize::from(u8::MAX)).map(in_chunk).sum();
    3 * (text.len() - line_ends - literal) + literal + 2 * line_ends
}

/// RFC 2045 6.7, of a text that ends with a line end; gives up, with `false`, as soon as it is
/// longer than `octets_max`.
fn write_quoted_printable(out: &mut Vec<u8>, text: &str, octets_max: usize) -> bool {
    let start = out.len();
    let mut rest = text.as_bytes();
    while let Some(end) = memchr(b'\n', rest) {
        write_quoted_printable_line(out, &rest[..end]);
        out.extend_from_slice(b"\r\n");
        if out.len() - start > octets_max {
            return false;
        }
        rest = &rest[end + 1..];
    }
    true
}

fn write_quoted_printable_line(out: &mut Vec<u8>, line: &[u8]) {
    // RFC 2045 6.7 (3): a blank at the end of a line would be lost on the way.
    let (mut rest, last_blank) = match line.split_last() {
        Some((blank @ (b' ' | b'\t'), before)) => (before, Some(*blank)),
        _ => (line, None),
    };
    // The last octet of a line is kept for the `=` of a soft line break.
    const LINE: usize = MESSAGE_ENCODED_LINE_OCTETS_MAX - 1;
    let mut column = 0;
    loop {
        let run_max =
            if column == 0 && is_trap(rest) { 0 } else { (LINE - column).min(rest.len()) };
        let run = literal_run(&rest[..run_max]);
        out.extend_from_slice(&rest[..run]);
        column += run;
        rest = &rest[run..];
        let Some(next) = rest.first() else { break };
        if column + 3 > LINE || column == LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        } else {
            write_escaped(out, *next);
            column += 3;
            rest = &rest[1..];
        }
    }
    if let Some(blank) = last_blank {
        if column + 3 > LINE {
            out.extend_from_slice(b"=\r\n");
        }
        write_escaped(out, blank);
    }
}

/// What must not begin a line although it may: a dot, which ends a message where a relay forgets
/// to unstuff (security S1), and `From `, before which mailboxes put a `>` (RFC 2049 3).
fn is_trap(line: &[u8]) -> bool {
    line.starts_with(b".") || line.starts_with(b"From ")
}

fn write_escaped(out: &mut Vec<u8>, octet: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'=', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        let mut out = Vec::new();
        write_text(&mut out, "text/plain", text);
        let out = String::from_utf8(out).unwrap();
        let out = out.strip_prefix("Content-Type: text/plain; charset=utf-8\r\n").unwrap();
        out.strip_prefix("Content-Transfer-Encoding: ").unwrap().to_owned()
    }

    fn quoted_printable(text: &str) -> String {
        let mut out = Vec::new();
        assert!(write_quoted_printable(&mut out, text, usize::MAX));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quoted_printable_lines() {
        let x = |n: usize| "x".repeat(n);
        for (text, written) in [
            ("", String::new()),
            ("a = b\n", "a =3D b\r\n".to_owned()),
            ("caf\u{e9}\n", "caf=C3=A9\r\n".to_owned()),
            ("a \nb\t\n \n", "a=20\r\nb=09\r\n=20\r\n".to_owned()),
            ("a\0\u{7f}\n", "a=00=7F\r\n".to_owned()),
            (".\n..\nFrom x\nFrom: x\n", "=2E\r\n=2E.\r\n=46rom x\r\nFrom: x\r\n".to_owned()),
            (&(x(75) + "\n"), x(75) + "\r\n"),
            (&(x(76) + "\n"), x(75) + "=\r\nx\r\n"),
            (&(x(75) + ".y\n"), x(75) + "=\r\n=2Ey\r\n"),
            (&(x(73) + "=y\n"), x(73) + "=\r\n=3Dy\r\n"),
            (&(x(75) + " \n"), x(75) + "=\r\n=20\r\n"),
        ] {
            assert_eq!(quoted_printable(text), written, "{text:?}");
        }
    }

    /// Exactly the shorter of the two, quoted-printable when they are equal.
    #[test]
    fn the_shorter_encoding_is_taken() {
        let mut taken = [0, 0];
        for count in 0..400 {
            for text in ["Итоги форума ", "é", "a", "=", "中文", "conférence "] {
                let text = text.repeat(count % 40) + &"plain ".repeat(count / 10) + "\n";
                let quoted = quoted_printable(&text);
                let mut base64 = Vec::new();
                write_base64(&mut base64, text.replace('\n', "\r\n").as_bytes());
                let is_quoted = quoted.len() <= base64.len();
                let expected = if is_quoted {
                    format!("quoted-printable\r\n\r\n{quoted}")
                } else {
                    format!("base64\r\n\r\n{}", String::from_utf8(base64).unwrap())
                };
                assert_eq!(body(&text), expected);
                taken[usize::from(is_quoted)] += 1;
            }
        }
        assert!(taken[0] > 500 && taken[1] > 500, "{taken:?}");
    }

    #[test]
    fn a_text_ends_with_a_line_end() {
        assert_eq!(body("a"), "quoted-printable\r\n\r\na\r\n");
        assert_eq!(body("a\rb\r\nc"), "quoted-printable\r\n\r\na\r\nb\r\nc\r\n");
        let chinese = body("第三届全球论坛");
        let encoded = chinese.strip_prefix("base64\r\n\r\n").unwrap();
        assert_eq!(BASE64.decode(encoded).unwrap(), "第三届全球论坛\r\n".as_bytes());
    }

    #[test]
    fn base64_lines_are_full() {
        for octets in [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1_000] {
            let plain = vec![7; octets];
            let mut out = Vec::new();
            write_base64(&mut out, &plain);
            assert_eq!(out.len(), base64_lines_octets(octets));
            let text = String::from_utf8(out).unwrap();
            let lines: Vec<&str> = text.split("\r\n").collect();
            assert!(lines[..lines.len() - 1].iter().all(|line| line.len() == 76));
            assert_eq!(BASE64.decode(lines.concat()).unwrap(), plain);
        }
    }
}
