//! What is known of the two mail services that most secretariats send through: where they listen,
//! what they allow, and what their commonest answers mean.
//!
//! Owns facts, each with its source and the day on which it was read there. Whoever uses one lets
//! the configuration override it.
//!
//! # Failure
//! None: data.

mod answers;

pub use answers::{KnownAnswer, known_answer};

/// A mail service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Exchange Online.
    Microsoft365,
    /// Gmail of a Google Workspace.
    Google,
}

/// What a service allows to one mailbox, and what it asks for.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// As people know it.
    pub name: &'static str,
    /// Where letters are handed over.
    pub host: &'static str,
    /// With STARTTLS on this port.
    pub port: u16,
    /// At once.
    pub connections: Fact<u16>,
    /// Letters a minute; 0: no limit that is told.
    pub a_minute: Fact<u32>,
    /// Recipients in any 24 hours.
    pub a_day: Fact<u64>,
    /// Bytes of a whole message, encoded.
    pub message_bytes: Fact<u64>,
    /// Whether a letter may be from another address than the mailbox's.
    pub other_author: Fact<&'static str>,
    /// Whether bounces may go elsewhere than to the mailbox.
    pub other_bounce_address: Fact<&'static str>,
    /// What its customers name in SPF.
    pub spf_include: &'static str,
    /// Under which selectors it signs for a customer's domain.
    pub dkim_selectors: &'static [&'static str],
}

/// A value, and where it was read.
#[derive(Clone, Copy, Debug)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Whose page.
    pub source: &'static str,
    /// Year, month, day on which it was read.
    pub read: &'static str,
}

const READ: &str = "2026-11-25";

impl Service {
    /// Both.
    pub const ALL: [Service; 2] = [Service::Microsoft365, Service::Google];

    /// The service of a name in the configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.as_str() == name)
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Service::Microsoft365 => "microsoft365",
            Service::Google => "google",
        }
    }

    /// The service whose host this is.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Service> {
        let host = host.to_ascii_lowercase();
        let is_under = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        if is_under("smtp.office365.com") || is_under("outlook.office365.com") {
            return Some(Service::Microsoft365);
        }
        (is_under("smtp.gmail.com") || is_under("smtp.googlemail.com")).then_some(Service::Google)
    }

    /// What is known of it.
    #[must_use]
    pub fn facts(self) -> Facts {
        match self {
            Service::Microsoft365 => MICROSOFT_365,
            Service::Google => GOOGLE,
        }
    }
}

const MICROSOFT_LIMITS: &str =
    "learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements";
const MICROSOFT_SIZES: &str = "learn.microsoft.com/office365/servicedescriptions/\
                               exchange-online-service-description/exchange-online-limits";

const MICROSOFT_365: Facts = Facts {
    name: "Microsoft 365",
    host: "smtp.office365.com",
    port: 587,
    connections: fact(3, MICROSOFT_LIMITS),
    a_minute: fact(30, MICROSOFT_LIMITS),
    a_day: fact(10_000, MICROSOFT_LIMITS),
    // 35 MB unless an administrator set another limit for the mailbox, up to 150 MB.
    message_bytes: fact(35 << 20, MICROSOFT_SIZES),
    other_author: fact("only with the right \"Send As\" for that address", MICROSOFT_SIZES),
    other_bounce_address: fact("no: bounces go to the mailbox that signs in", MICROSOFT_SIZES),
    spf_include: "spf.protection.outlook.com",
    dkim_selectors: &["selector1", "selector2"],
};

const GOOGLE_LIMITS: &str = "support.google.com/a/answer/166852";
const GOOGLE_SIZES: &str = "support.google.com/a/answer/1366776";
const GOOGLE_ALIASES: &str = "support.google.com/mail/answer/22370";

const GOOGLE: Facts = Facts {
    name: "Google Workspace",
    host: "smtp.gmail.com",
    port: 587,
    // Nowhere told; more than a few at once are answered by 421 4.7.0.
    connections: fact(2, GOOGLE_LIMITS),
    a_minute: fact(0, GOOGLE_LIMITS),
    a_day: fact(2_000, GOOGLE_LIMITS),
    message_bytes: fact(25 << 20, GOOGLE_SIZES),
    other_author: fact(
        "only an alias confirmed in the mailbox's settings; others are rewritten",
        GOOGLE_ALIASES,
    ),
    other_bounce_address: fact("no: bounces go to the mailbox that signs in", GOOGLE_ALIASES),
    spf_include: "_spf.google.com",
    dkim_selectors: &["google"],
};

const fn fact<T: Copy>(value: T, source: &'static str) -> Fact<T> {
    Fact { value, source, read: READ }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_name_and_host() {
        for service in Service::ALL {
            assert_eq!(Service::from_name(service.as_str()), Some(service));
            assert_eq!(Service::of_host(service.facts().host), Some(service));
        }
        assert_eq!(Service::of_host("SMTP.Office365.com"), Some(Service::Microsoft365));
        assert_eq!(Service::of_host("smtp.office365.com.evil.example"), None);
        assert_eq!(Service::of_host("notsmtp.gmail.com"), None);
        assert_eq!(Service::from_name("outlook"), None);
    }
}
