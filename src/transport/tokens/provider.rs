//! Identity providers: where they are asked for tokens, and for which.
//!
//! Owns the endpoints and scopes of Microsoft and Google, and who we are to them ([`Client`]). No
//! I/O.
//!
//! # Sources
//! Microsoft identity platform, "OAuth 2.0 authorization code flow" and "device authorization
//! grant", and Exchange's "Authenticate an IMAP, POP or SMTP connection using OAuth"; Google,
//! "OAuth 2.0 for iOS & Desktop Apps" and Gmail's "XOAUTH2 Mechanism"; as of November 2026.

use crate::secret::Secret;

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What it is called: `Microsoft`.
    pub name: &'static str,
    /// Where a browser goes (RFC 6749 3.1).
    pub authorisation: String,
    /// Where codes and refresh tokens become access tokens (RFC 6749 3.2).
    pub token: String,
    /// Where a device gets its code (RFC 8628 3.1); `None`: it gives none for mail.
    pub device: Option<String>,
    /// What a token must allow, for writing and reading mail.
    pub scope: &'static str,
    /// What its authorisation endpoint wants besides, so that a refresh token comes.
    pub(super) extra: &'static [(&'static str, &'static str)],
    /// The name of this computer in redirects: each provider registers another.
    pub(super) loopback: &'static str,
}

const MICROSOFT_SCOPE: &str = "https://outlook.office.com/SMTP.Send \
                               https://outlook.office.com/IMAP.AccessAsUser.All offline_access";

impl Provider {
    /// Microsoft 365: `tenant` is the office's domain or number; `organizations` fits all.
    #[must_use]
    pub fn microsoft(tenant: &str) -> Provider {
        let at =
            |what: &str| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/{what}");
        Provider {
            name: "Microsoft",
            authorisation: at("authorize"),
            token: at("token"),
            device: Some(at("devicecode")),
            scope: MICROSOFT_SCOPE,
            extra: &[],
            // Any port of `localhost` is taken where http://localhost is registered.
            loopback: "localhost",
        }
    }

    /// Google Workspace and Gmail. Its device codes are not given for mail.
    #[must_use]
    pub fn google() -> Provider {
        Provider {
            name: "Google",
            authorisation: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            token: "https://oauth2.googleapis.com/token".to_owned(),
            device: None,
            scope: "https://mail.google.com/",
            extra: &[("access_type", "offline"), ("prompt", "consent")],
            loopback: "127.0.0.1",
        }
    }

    /// The same with all endpoints beneath another address: a provider of the tests, on this
    /// computer.
    #[must_use]
    pub fn at(self, base: &str) -> Provider {
        Provider {
            authorisation: format!("{base}/authorize"),
            token: format!("{base}/token"),
            device: self.device.map(|_| format!("{base}/devicecode")),
            ..self
        }
    }

    /// Its host, for messages: `login.microsoftonline.com`.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.token.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }
}

/// Who we are to a provider, and for whom.
#[derive(Clone, Debug)]
pub struct Client {
    /// Whom we ask.
    pub provider: Provider,
    /// The number or name under which IT has registered this program there.
    pub id: String,
    /// What some providers want with it; with a program that everybody can read it proves nothing.
    pub secret: Option<Secret>,
    /// The sign-in name of the mailbox, which the provider's page shows first.
    pub name: String,
}

impl Client {
    /// The fields by which a token endpoint knows us (RFC 6749 2.3.1).
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        let id = [("client_id", self.id.as_str())];
        let secret = self.secret.iter().map(|secret| ("client_secret", secret.reveal()));
        id.into_iter().chain(secret).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_stands_in_every_address() {
        let microsoft = Provider::microsoft("forum.example");
        let of_tenant = "https://login.microsoftonline.com/forum.example/oauth2/v2.0/";
        let all = [&microsoft.authorisation, &microsoft.token];
        assert!(all.into_iter().chain(&microsoft.device).all(|at| at.starts_with(of_tenant)));
        assert_eq!(microsoft.host(), "login.microsoftonline.com");
        let local = microsoft.at("http://127.0.0.1:9");
        assert_eq!(local.token, "http://127.0.0.1:9/token");
        assert_eq!(local.host(), "127.0.0.1:9");
        assert_eq!(Provider::google().at("http://127.0.0.1:9").device, None);
    }
}
