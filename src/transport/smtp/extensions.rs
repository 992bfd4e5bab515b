//! What a relay offers: its name and the extensions of its answer to EHLO.
//!
//! Owns the reading of that answer. Which extension a letter needs is `transaction`'s.
//!
//! # Standards
//! RFC 5321 4.1.1.1, 2.2; RFC 1870 (SIZE), 2920, 3030, 3207, 3461, 2034, 4954, 6152, 6531.

use crate::response::Response;

/// The extensions a relay offers, without those that were disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// SIZE: the largest message in octets; 0 where it names no limit (RFC 1870 4).
    pub size: Option<u64>,
    /// 8BITMIME. Our bodies are 7-bit, so it is only reported.
    pub eight_bit_mime: bool,
    /// SMTPUTF8: addresses beyond ASCII.
    pub smtputf8: bool,
    /// PIPELINING: several commands in one write.
    pub pipelining: bool,
    /// CHUNKING: BDAT.
    pub chunking: bool,
    /// DSN: asking for reports.
    pub dsn: bool,
    /// STARTTLS.
    pub start_tls: bool,
    /// ENHANCEDSTATUSCODES.
    pub enhanced_status_codes: bool,
    /// AUTH: mechanisms in capitals, in the relay's order.
    pub auth: Vec<String>,
}

impl Extensions {
    /// Keywords of the extensions that are used where they are offered and that a letter can do
    /// without; the others are needed or only reported.
    pub const USED: [&str; 4] = ["CHUNKING", "DSN", "PIPELINING", "SIZE"];

    /// Reads the lines of an answer to EHLO behind the first. Keywords in `disable` are passed over
    /// whatever their case.
    pub(super) fn read(response: &Response, disable: &[String]) -> Extensions {
        let mut offered = Extensions::default();
        for line in response.lines.iter().skip(1) {
            let line = String::from_utf8_lossy(line).to_ascii_uppercase();
            // `AUTH=LOGIN` is how servers wrote it before RFC 2554; some still do.
            let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else { continue };
            if !disable.iter().any(|name| name.eq_ignore_ascii_case(keyword)) {
                offered.note(keyword, words);
            }
        }
        offered
    }

    /// Takes note of one offer.
    fn note<'a>(&mut self, keyword: &str, mut parameters: impl Iterator<Item = &'a str>) {
        match keyword {
            "SIZE" => self.size = Some(parameters.next().map_or(0, |n| n.parse().unwrap_or(0))),
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.start_tls = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "AUTH" => self.auth.extend(parameters.map(str::to_owned)),
            _ => {}
        }
    }

    /// The largest message the relay takes, in octets, where it names a limit.
    #[must_use]
    pub fn size_limit(&self) -> Option<u64> {
        self.size.filter(|octets| *octets > 0)
    }
}

/// The relay's name for itself: the first word of its answer to EHLO or HELO, printable.
pub(super) fn relay_name(response: &Response) -> String {
    let first = response.lines.first().map(|l| String::from_utf8_lossy(l)).unwrap_or_default();
    let word = first.split_whitespace().next().unwrap_or_default();
    word.chars().filter(|c| !c.is_control()).take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &[&str]) -> Response {
        Response::new(250, lines.iter().map(|l| l.as_bytes().to_vec()).collect())
    }

    #[test]
    fn offers_are_read_in_any_case_and_the_first_line_is_a_name() {
        let response = answer(&[
            "mail.example greets [127.0.0.1]",
            "Size 35882577",
            "8bitmime",
            "SMTPUTF8",
            "PIPELINING",
            "CHUNKING",
            "DSN",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "AUTH plain LOGIN",
            "AUTH=XOAUTH2",
            "",
            "X-NEVER-HEARD-OF y",
        ]);
        let offered = Extensions::read(&response, &[]);
        assert_eq!(offered.size_limit(), Some(35_882_577));
        assert_eq!(offered.auth, ["PLAIN", "LOGIN", "XOAUTH2"]);
        assert!(offered.eight_bit_mime && offered.smtputf8 && offered.pipelining && offered.dsn);
        assert!(offered.chunking && offered.start_tls && offered.enhanced_status_codes);
        assert_eq!(relay_name(&response), "mail.example");
        assert_eq!(Extensions::read(&answer(&["SIZE 5"]), &[]), Extensions::default());
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        for line in ["SIZE", "SIZE 0", "SIZE many"] {
            let offered = Extensions::read(&answer(&["x", line]), &[]);
            assert_eq!((offered.size, offered.size_limit()), (Some(0), None), "{line}");
        }
    }

    #[test]
    fn disabled_extensions_are_not_seen() {
        let response = answer(&["x", "CHUNKING", "SIZE 5", "DSN"]);
        let offered = Extensions::read(&response, &["chunking".into(), "Size".into()]);
        assert!(!offered.chunking && offered.size.is_none() && offered.dsn);
    }
}
