//! Carries forms to an identity provider and its answers back.
//!
//! Owns TLS, deadlines and sizes of these calls, and the encoding of forms. What an answer means is
//! `answer.rs`.
//!
//! # Standards
//! RFC 6749 appendix B (forms), 3.2 (POST, TLS).
//!
//! # Invariants
//! Nothing is said without TLS, but to this computer itself. No redirect is followed: it would take
//! a refresh token along. Answers are bounded in time and size.

use super::NoToken;
use crate::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_TIMEOUT};
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Posts a form; the answer's status and body, whatever they are. `who`: the provider's name.
pub(super) fn post(
    url: &str,
    fields: &[(&str, &str)],
    who: &str,
) -> Result<(u16, Vec<u8>), NoToken> {
    let failed = |error: ureq::Error| {
        // The error names hosts and reasons, never the body.
        NoToken::Unreachable(format!("the sign-in service of {who} cannot be asked: {error}"))
    };
    let answer = agent(url)
        .post(url)
        .content_type("application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .send(form(fields));
    let mut answer = answer.map_err(failed)?;
    let body = answer.body_mut().with_config().limit(PROVIDER_ANSWER_BYTES_MAX).read_to_vec();
    Ok((answer.status().as_u16(), body.map_err(failed)?))
}

fn agent(url: &str) -> ureq::Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let is_here = is_on_this_computer(url);
    let config = ureq::Agent::config_builder()
        .https_only(!is_here)
        .tls_config(tls)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(PROVIDER_TIMEOUT));
    // A proxy of the office knows no provider on this computer.
    let config = if is_here { config.proxy(None) } else { config };
    config.build().new_agent()
}

/// Whether an address is one of this computer in numbers and without TLS: a name could be anybody's.
#[must_use]
pub fn is_on_this_computer(url: &str) -> bool {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.parse().map(|at: std::net::SocketAddr| at.ip());
    host.is_ok_and(|ip| ip.is_loopback())
}

/// A form's fields as one text (RFC 6749 appendix B). Also the query of an address.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{}={}", encoded(name), encoded(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// Everything but RFC 3986's unreserved characters as %XX.
fn encoded(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                coded.push(char::from(byte));
            }
            _ => coded.push_str(&format!("%{byte:02X}")),
        }
    }
    coded
}

/// The fields of a query (RFC 6749 4.1.2). What is no UTF-8 is replaced: it is nobody's state.
pub(super) fn fields_of(query: &str) -> Vec<(String, String)> {
    let field = |field: &str| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|f| !f.is_empty()).map(field).collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
        let coded = digits.filter(|_| byte == b'%').and_then(|d| u8::from_str_radix(d, 16).ok());
        at += if coded.is_some() { 3 } else { 1 };
        plain.push(coded.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_its_fields_apart() {
        let fields = [("scope", "a/b c"), ("x", "1&y=2+3%é")];
        let text = form(&fields);
        assert_eq!(text, "scope=a%2Fb%20c&x=1%26y%3D2%2B3%25%C3%A9");
        let read = fields_of(&text);
        let read: Vec<_> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, fields);
        assert_eq!(
            fields_of("a=%&b=%4&c=%zz+"),
            [("a", "%"), ("b", "%4"), ("c", "%zz ")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }

    /// Security S16: a refresh token never goes over a line that others can read.
    #[test]
    fn only_this_computer_is_asked_without_tls() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/token", true),
            ("http://[::1]:8080/token", true),
            ("http://localhost:8080/token", false),
            ("http://127.0.0.1.evil.example:80/token", false),
            ("http://ana@127.0.0.1:80/token", false),
            ("https://127.0.0.1:80/token", false),
            ("http://192.0.2.1:80/token", false),
        ] {
            assert_eq!(is_on_this_computer(url), expected, "{url}");
        }
        let refused = post("http://192.0.2.1:80/token", &[("refresh_token", "canary")], "X");
        let NoToken::Unreachable(words) = refused.unwrap_err() else { panic!("not refused") };
        assert!(words.contains("https") && !words.contains("canary"), "{words}");
    }
}
