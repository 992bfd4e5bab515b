//! The relay's URL: how it is spoken to, where, and whether that is this computer.
//!
//! Owns `smtp://`, `smtps://` and `smtp+starttls://` and the names of this computer. Whether plain
//! SMTP may be used is `read.rs`; connecting is `transport/`. No I/O.
//!
//! # Standards
//! RFC 3986 3.2 (authority), RFC 8314 3.3 (TLS from the first byte, port 465), RFC 3207
//! (STARTTLS), RFC 6761 6.3 (`localhost`).
//!
//! # Invariants
//! A URL that holds a user or password is refused, and no message repeats it (security S16).

use super::section::Refusal;
use crate::problem::nearest;
use crate::services::Service;
use crate::transport::smtp::Security;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Where the relay is and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrl {
    /// How the connection is protected.
    pub security: Security,
    /// A domain as A-label, or an IP address without brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

/// Scheme, security, port unless written.
const SCHEMES: [(&str, Security, u16); 3] = [
    ("smtp", Security::Plain, 25),
    ("smtps", Security::Tls, 465),
    ("smtp+starttls", Security::StartTls, 587),
];

const FORMS: &str = "Write \"smtps://HOST:465\" or \"smtp+starttls://HOST:587\"; \
                     the mail server's people know which.";

impl RelayUrl {
    /// Where a great service takes letters.
    pub(super) fn of_service(service: Service) -> RelayUrl {
        let facts = service.facts();
        RelayUrl { security: Security::StartTls, host: facts.host.to_owned(), port: facts.port }
    }

    /// Reads `SCHEME://HOST[:PORT]`.
    pub(super) fn parse(text: &str) -> Result<RelayUrl, Refusal> {
        let text = text.trim();
        if text.contains('@') {
            // The hint does not say what was written: it may hold a password.
            let hint = "Write the host alone; who signs in is relay.user, and the password comes \
                        from relay.password = { env = \"SECRETARIAT_RELAY_PASSWORD\" }.";
            return Err(Refusal::new("holds a user name or password", hint));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(without_scheme(text));
        };
        let scheme_folded = scheme.to_ascii_lowercase();
        let known = SCHEMES.iter().find(|(name, ..)| *name == scheme_folded);
        let (_, security, port) = *known.ok_or_else(|| unknown_scheme(scheme))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(Refusal::new("holds more than a host and a port", FORMS));
        }
        let (host, port) = split_port(authority, port)?;
        Ok(RelayUrl { security, host: parse_host(host)?, port })
    }

    /// Whether the relay is this computer: `localhost`, 127.0.0.0/8, `::1`.
    #[must_use]
    pub fn is_on_this_computer(&self) -> bool {
        if self.host == "localhost" || self.host.ends_with(".localhost") {
            return true;
        }
        self.host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|s| s.1 == self.security).map_or("smtp", |s| s.0);
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// The host and the port of an authority (RFC 3986 3.2); an IPv6 address stands in brackets.
fn split_port(authority: &str, default: u16) -> Result<(&str, u16), Refusal> {
    let bracket = authority.rfind(']').map_or(0, |i| i + 1);
    let Some(colon) = authority[bracket..].find(':') else {
        return Ok((authority, default));
    };
    let (host, port) = authority.split_at(bracket + colon);
    let port = port[1..].parse().ok().filter(|port| *port > 0);
    let refused = || Refusal::new("has no port from 1 to 65535 behind the colon", FORMS);
    Ok((host, port.ok_or_else(refused)?))
}

/// A domain as A-label in lower case, or an IP address without its brackets.
fn parse_host(host: &str) -> Result<String, Refusal> {
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let address: Ipv6Addr = address
            .parse()
            .map_err(|_| Refusal::new("has no IPv6 address in its brackets", FORMS))?;
        return Ok(address.to_string());
    }
    // Not the strict rules: names inside an office do hold underscores.
    let ascii = idna::domain_to_ascii(host).unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let whole = ascii.strip_suffix('.').unwrap_or(&ascii);
    if ascii.bytes().all(allowed) && !whole.split('.').any(str::is_empty) {
        return Ok(whole.to_owned());
    }
    let what = if host.is_empty() { "has no host" } else { "has a host that cannot exist" };
    Err(Refusal::new(what, FORMS))
}

fn without_scheme(text: &str) -> Refusal {
    let host = text.split(':').next().unwrap_or_default();
    let hint = if text.ends_with(":465") {
        format!("Write \"smtps://{host}:465\".")
    } else {
        format!("Write \"smtp+starttls://{host}:587\" or \"smtps://{host}:465\".")
    };
    Refusal::new("does not say how to connect", hint)
}

fn unknown_scheme(scheme: &str) -> Refusal {
    let near = nearest(scheme, SCHEMES.iter().map(|s| s.0));
    let hint = match near {
        Some(near) => format!("Did you mean {near}://? {FORMS}"),
        None => FORMS.to_owned(),
    };
    Refusal::new(format!("begins with {scheme}://, which is not known here"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_and_where() {
        for (text, shown, here) in [
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525", true),
            ("smtp://localhost", "smtp://localhost:25", true),
            ("SMTP://LocalHost/", "smtp://localhost:25", true),
            ("smtp://[::1]:2525", "smtp://[::1]:2525", true),
            ("smtp://[::ffff:127.0.0.1]", "smtp://[::ffff:127.0.0.1]:25", true),
            ("smtps://mail.forum.example", "smtps://mail.forum.example:465", false),
            ("smtp+starttls://Mail.Forum.Example", "smtp+starttls://mail.forum.example:587", false),
            ("smtps://почта.example:4650", "smtps://xn--80a1acny.example:4650", false),
            ("smtp://mail_relay:25", "smtp://mail_relay:25", false),
            ("smtp://localhost.example", "smtp://localhost.example:25", false),
            ("smtp://192.0.2.1", "smtp://192.0.2.1:25", false),
        ] {
            let url = RelayUrl::parse(text).unwrap_or_else(|r| panic!("{text}: {}", r.message));
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.is_on_this_computer(), here, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for (text, message, hint) in [
            ("mail.forum.example:587", "does not say how to connect", "smtp+starttls://mail.forum"),
            (
                "mail.forum.example:465",
                "does not say how to connect",
                "smtps://mail.forum.example:465",
            ),
            (
                "smpts://x",
                "begins with smpts://, which is not known here",
                "Did you mean smtps://?",
            ),
            ("https://x", "begins with https://, which is not known here", "smtps://HOST:465"),
            ("smtps://", "has no host", "smtps://HOST:465"),
            ("smtps://mail example", "has a host that cannot exist", "smtps://HOST:465"),
            ("smtps://a..b", "has a host that cannot exist", "smtps://HOST:465"),
            ("smtps://x:0", "has no port from 1 to 65535 behind the colon", "smtps://HOST:465"),
            ("smtps://x:70000", "has no port from 1 to 65535 behind the colon", "smtps://HOST"),
            ("smtps://[::1", "has a port", ""),
            ("smtps://[x]:25", "has no IPv6 address in its brackets", "smtps://HOST:465"),
            ("smtps://x/inbox", "holds more than a host and a port", "smtps://HOST:465"),
            ("smtps://x?a=b", "holds more than a host and a port", "smtps://HOST:465"),
        ] {
            let refusal = RelayUrl::parse(text).expect_err(text);
            if !hint.is_empty() {
                assert_eq!(refusal.message, message, "{text}");
            }
            assert!(refusal.hint.contains(hint), "{text}: {}", refusal.hint);
        }
    }

    /// Security S16.
    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        for text in ["smtps://ana:canary@x", "smtps://canary@x", "ana:canary@mail.example"] {
            let refusal = RelayUrl::parse(text).expect_err(text);
            assert_eq!(refusal.message, "holds a user name or password");
            assert!(!format!("{}{}", refusal.message, refusal.hint).contains("canary"));
        }
    }
}
