//! What a client may not put on the wire (delivery paper, The SMTP conversation; security S1).
//!
//! Pure: a message or a command in, sentences out.

use memchr::{memchr, memchr_iter};

/// Octets of a command line with its line end (RFC 5321 4.5.3.1.4).
const COMMAND_OCTETS_MAX: usize = 512;
/// Octets of a line of a message without its line end (RFC 5322 2.1.1).
const LINE_OCTETS_MAX: usize = 998;

/// What is wrong with a message's bytes.
pub(super) fn of_message(bytes: &[u8], may_be_8_bit: bool) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(at) = lone_octet(bytes) {
        found.push(format!("a bare CR or LF, or a NUL, at octet {at} of a message"));
    }
    if has_long_line(bytes) {
        found.push("a line of a message has more than 998 octets (RFC 5322 2.1.1)".to_owned());
    }
    if !bytes.ends_with(b"\r\n") {
        found.push("a message does not end with CRLF".to_owned());
    }
    if !may_be_8_bit && !bytes.is_ascii() {
        let what = "octets above 127 without BODY=8BITMIME or SMTPUTF8 (RFC 6152)";
        found.push(what.to_owned());
    }
    found
}

/// Where the first CR, LF or NUL stands that is no part of a CRLF.
fn lone_octet(bytes: &[u8]) -> Option<usize> {
    let line_feed = memchr_iter(b'\n', bytes).find(|&at| at == 0 || bytes[at - 1] != b'\r');
    let carriage_return = memchr_iter(b'\r', bytes).find(|&at| bytes.get(at + 1) != Some(&b'\n'));
    [line_feed, carriage_return, memchr(0, bytes)].into_iter().flatten().min()
}

fn has_long_line(bytes: &[u8]) -> bool {
    let ends = memchr_iter(b'\n', bytes).chain([bytes.len()]);
    let mut begins = 0;
    for end in ends {
        let line = &bytes[begins..end];
        if line.strip_suffix(b"\r").unwrap_or(line).len() > LINE_OCTETS_MAX {
            return true;
        }
        begins = end + 1;
    }
    false
}

/// What is wrong with a command's form.
pub(super) fn of_command(line: &[u8]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let text = line.strip_suffix(b"\r\n");
    if text.is_none_or(|text| memchr(b'\r', text).is_some()) {
        found.push("a command does not end with CRLF alone");
    }
    if line.len() > COMMAND_OCTETS_MAX && !line.starts_with(b"AUTH") {
        found.push("a command has more than 512 octets (RFC 5321 4.5.3.1.4)");
    }
    found
}

/// The extension that a parameter of MAIL or RCPT belongs to.
pub(super) fn extension_of(parameter: &str) -> Option<&'static str> {
    let keyword = parameter.split('=').next().unwrap_or(parameter).to_ascii_uppercase();
    match keyword.as_str() {
        "SIZE" => Some("SIZE"),
        "BODY" => Some("8BITMIME"),
        "SMTPUTF8" => Some("SMTPUTF8"),
        "RET" | "ENVID" | "NOTIFY" | "ORCPT" => Some("DSN"),
        _ => None,
    }
}
