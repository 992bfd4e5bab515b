//! What a mail server answered: code, enhanced status, the words it used.
//!
//! Owns the value only. Reading it from the wire is `transport/smtp/reply.rs`; what it means for a
//! letter is `send/decide.rs`.
//!
//! # Standards
//! RFC 5321 4.2 (replies), RFC 3463 (enhanced status codes), RFC 2034 (where they stand).

use std::fmt;

/// An enhanced status code: class, subject, detail (RFC 3463 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatus {
    /// 2 success, 4 for now, 5 for good.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system, 4 routing, 5 protocol, 6 content, 7
    /// policy.
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl EnhancedStatus {
    /// Reads `5.1.1` at the start of a text, where it ends the text or a blank follows.
    #[must_use]
    pub fn parse_prefix(text: &str) -> Option<EnhancedStatus> {
        let word = text.split([' ', '\t']).next()?;
        let mut parts = word.split('.');
        let class = number(parts.next()?, 1)?;
        let subject = number(parts.next()?, 3)?;
        let detail = number(parts.next()?, 3)?;
        let class = u8::try_from(class).ok().filter(|c| matches!(c, 2 | 4 | 5))?;
        parts.next().is_none().then_some(EnhancedStatus { class, subject, detail })
    }
}

/// A decimal number of at most `digits` digits.
fn number(text: &str, digits: usize) -> Option<u16> {
    let fits = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A server's whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Reply code, 200 to 599.
    pub code: u16,
    /// Enhanced status of the last line, where it has one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text of each line behind its code, as it came: servers write what they like, also in
    /// encodings nobody knows.
    pub lines: Vec<Vec<u8>>,
}

impl Response {
    /// An answer from its code and the texts of its lines.
    #[must_use]
    pub fn new(code: u16, lines: Vec<Vec<u8>>) -> Response {
        let last =
            lines.last().map(|l| String::from_utf8_lossy(l).into_owned()).unwrap_or_default();
        let enhanced =
            EnhancedStatus::parse_prefix(&last).filter(|e| u16::from(e.class) == code / 100);
        Response { code, enhanced, lines }
    }

    /// 2yz: done.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz: not now.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5yz: not at all.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Whether any line holds these words, ignoring case.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        self.lines.iter().any(|l| String::from_utf8_lossy(l).to_lowercase().contains(&words))
    }
}

impl fmt::Display for Response {
    /// Code and words on one line, control characters and line ends as blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for line in &self.lines {
            let text = String::from_utf8_lossy(line);
            let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            if !text.trim().is_empty() {
                write!(f, " {}", text.trim())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_status_is_read_where_it_is_one() {
        let parse = |t: &str| EnhancedStatus::parse_prefix(t).map(|e| e.to_string());
        assert_eq!(parse("5.1.1 no such user").as_deref(), Some("5.1.1"));
        assert_eq!(parse("5.7.139").as_deref(), Some("5.7.139"));
        for not_one in ["", "5.1", "3.1.1 x", "5.1.1.1 x", "5.1.1: x", "2026.1.1", "OK"] {
            assert_eq!(parse(not_one), None, "{not_one}");
        }
    }

    #[test]
    fn an_enhanced_status_of_another_class_is_not_believed() {
        assert_eq!(Response::new(550, vec![b"2.0.0 odd".to_vec()]).enhanced, None);
    }

    #[test]
    fn words_that_are_not_utf8_are_shown_all_the_same() {
        let response = Response::new(550, vec![b"bo\xeete pleine\r\n".to_vec(), b"fin".to_vec()]);
        assert_eq!(response.to_string(), "550 bo\u{fffd}te pleine fin");
        assert!(response.says("PLEINE"));
    }
}
