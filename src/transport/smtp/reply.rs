//! Reads one answer of a relay from bytes.
//!
//! Owns the grammar of replies. Pure: `wire` brings the bytes and says when they are late; what an
//! answer means is decided elsewhere.
//!
//! # Standards
//! RFC 5321 4.2 (replies), 4.5.3.1.5 (line length).
//!
//! # Departures
//! Real servers write long lines, text that is not ASCII, and a line feed without the carriage
//! return; none of it changes a verdict, so all of it is read. An answer whose lines bear different
//! codes says two things and is refused (RFC 5321 4.2.1 asks for one code).
//!
//! # Invariants
//! An answer is complete only with the line end of its last line.
//!
//! # Failure
//! A sentence fragment that says what came instead, for [`Loss::NotSmtp`](crate::transport::Loss).

use crate::limits::{REPLY_LINE_OCTETS_MAX, REPLY_OCTETS_MAX};
use crate::response::Response;

/// The first answer in `input` and the octets it takes; `None` while it is incomplete.
///
/// # Errors
/// What came instead of an answer, in words.
pub(super) fn read(input: &[u8]) -> Result<Option<(Response, usize)>, String> {
    let mut code = None;
    let mut lines = Vec::new();
    let mut end = 0;
    loop {
        let Some(line) = next_line(input, end)? else { return Ok(None) };
        end += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (line_code, is_last, text) = parts(line).ok_or_else(|| quoted(line))?;
        if *code.get_or_insert(line_code) != line_code {
            return Err(format!("{}, in an answer that began with another code", quoted(line)));
        }
        lines.push(text.to_vec());
        if is_last {
            return Ok(Some((Response::new(line_code, lines), end)));
        }
    }
}

/// The line that starts at `start`, without its line feed; `None` while that has not come.
fn next_line(input: &[u8], start: usize) -> Result<Option<&[u8]>, String> {
    let rest = input.get(start..).unwrap_or_default();
    let line = rest.iter().position(|b| *b == b'\n').map(|end| &rest[..end]);
    let octets = line.unwrap_or(rest).len();
    if octets > REPLY_LINE_OCTETS_MAX {
        return Err(format!("a line of more than {REPLY_LINE_OCTETS_MAX} octets"));
    }
    if start + octets > REPLY_OCTETS_MAX {
        return Err(format!("an answer of more than {REPLY_OCTETS_MAX} octets"));
    }
    Ok(line)
}

/// Code, whether it is the last line, and text: `250-text`, `250 text`, `250`.
fn parts(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    // RFC 5321 4.2.1: no 1yz in SMTP, and nothing from 6 on. Second digits above 5 exist (571).
    let code = Some(code).filter(|c| (200..600).contains(c))?;
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// The start of a line as a person can read it.
pub(super) fn quoted(line: &[u8]) -> String {
    let start = line.get(..80).unwrap_or(line);
    format!("{:?}", String::from_utf8_lossy(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, number of lines and octets used; or why not.
    fn check(input: &[u8]) -> Result<Option<(u16, usize, usize)>, String> {
        read(input).map(|found| found.map(|(r, octets)| (r.code, r.lines.len(), octets)))
    }

    #[test]
    fn complete_answers_are_read_as_they_are() {
        for (input, expected) in [
            (&b"250 ok\r\n"[..], (250, 1, 8)),
            (b"250\r\n", (250, 1, 5)),
            (b"250 \r\n", (250, 1, 6)),
            (b"250-a\r\n250-b\r\n250 c\r\n", (250, 3, 21)),
            (b"250-a\r\n250\r\n", (250, 2, 12)),
            (b"550 ok\n", (550, 1, 7)),
            (b"571 no\r\n", (571, 1, 8)),
            (b"354 go\r\n250 ok\r\n", (354, 1, 8)),
            (b"550 bo\xeete pleine\r\n", (550, 1, 18)),
            (b"550 a\0b\r\n", (550, 1, 9)),
        ] {
            assert_eq!(check(input), Ok(Some(expected)), "{}", quoted(input));
        }
    }

    #[test]
    fn a_code_without_its_line_end_is_no_verdict() {
        for input in
            [&b""[..], b"2", b"250", b"250 ok", b"250 ok\r", b"250-a\r\n", b"250-a\r\n250 b"]
        {
            assert_eq!(check(input), Ok(None), "{}", quoted(input));
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let long = [b"250 ".to_vec(), vec![b'x'; REPLY_LINE_OCTETS_MAX]].concat();
        let endless = b"250-x\r\n".repeat(REPLY_OCTETS_MAX / 7 + 1);
        for input in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"25\r\n",
            b"2500 x\r\n",
            b"250_x\r\n",
            b"250\tx\r\n",
            b"150 wait\r\n",
            b"600 x\r\n",
            b"\x00250 x\r\n",
            b"250-a\r\n550 b\r\n",
            b"250-a\r\nb\r\n",
            &long,
            &endless,
        ] {
            assert!(check(input).is_err(), "{}", quoted(input));
        }
    }

    #[test]
    fn raw_text_is_kept_octet_by_octet() {
        let (response, _) =
            read(b"550-5.2.2 bo\xeete\r\n550 5.2.2 pleine\0 \r\n").unwrap().unwrap();
        assert_eq!(response.lines, [b"5.2.2 bo\xeete".to_vec(), b"5.2.2 pleine\0 ".to_vec()]);
        assert_eq!(response.enhanced.map(|e| e.to_string()).as_deref(), Some("5.2.2"));
    }
}
