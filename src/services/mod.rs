//! What is known of the two mail services that most secretariats send through: where they listen,
//! what they allow, and what their commonest answers mean.
//!
//! Owns facts, each with its source and the day on which it was read there; those of each service are
//! a file, and `docs/services.md` is written from them. Whoever uses one lets the configuration
//! override it. Which answer is which is `answers.rs`.
//!
//! # Failure
//! None: data.

mod answers;
mod google;
mod microsoft;

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
    /// At once; 0: no limit that is told.
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
    /// Whose page; where it could be read only as others quote it, that is said.
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
            Service::Microsoft365 => microsoft::FACTS,
            Service::Google => google::FACTS,
        }
    }

    /// Whose it is, as people call the company: `Microsoft`.
    #[must_use]
    pub fn company(self) -> &'static str {
        match self {
            Service::Microsoft365 => "Microsoft",
            Service::Google => "Google",
        }
    }

    /// Its answers of which the meaning is known, the particular before the general.
    #[must_use]
    pub fn known_answers(self) -> &'static [KnownAnswer] {
        match self {
            Service::Microsoft365 => microsoft::ANSWERS,
            Service::Google => google::ANSWERS,
        }
    }
}

impl<T> Fact<T> {
    /// `learn.microsoft.com/..., read on 2026-11-25`.
    #[must_use]
    pub fn cited(&self) -> String {
        format!("{}, read on {}", self.source, self.read)
    }
}

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
