//! What an identity provider answers: tokens, or why there are none.
//!
//! Owns the reading of both, and the table of refusals with what helps against each.
//!
//! # Standards
//! RFC 6749 5.1, 5.2 (answers of the token endpoint), 4.1.2.1; RFC 8628 3.5.
//!
//! # Sources
//! Microsoft, "Microsoft Entra authentication and authorization error codes"; Google, "OAuth 2.0
//! for iOS & Desktop Apps", errors; as of November 2026.
//!
//! # Invariants
//! No token and no whole answer is in a message; a provider's own words are cut short, without
//! control characters and without what was said to it (security S16).

use super::NoToken;
use crate::limits::PROVIDER_WORDS_CHARS_MAX;
use crate::secret::Secret;
use serde_json::Value;
use std::time::Duration;

/// Tokens.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The access token.
    pub access: Secret,
    /// How long it is good; where the provider does not say, until it is refused.
    pub good_for: Option<Duration>,
    /// The refresh token from now on; `None`: the one that was used stays.
    pub refresh: Option<Secret>,
}

/// A refusal, as the provider put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// `invalid_grant`; empty where the answer was none of the protocol's.
    pub(super) error: String,
    /// Its words.
    description: String,
    /// HTTP status.
    status: u16,
}

/// Reads an answer of the token endpoint.
pub(super) fn granted(status: u16, body: &[u8], who: &str) -> Result<Granted, Denied> {
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key: &str| answer[key].as_str().filter(|text| !text.is_empty());
    let is_usable = |token: &&str| token.bytes().all(|b| b.is_ascii_graphic());
    match text("access_token").filter(is_usable) {
        Some(access) if status == 200 => Ok(Granted {
            access: Secret::new(access.to_owned()),
            good_for: seconds(&answer["expires_in"]),
            refresh: text("refresh_token").map(|token| Secret::new(token.to_owned())),
        }),
        // A body with a token in it is not repeated, whatever its status.
        Some(_) => Err(Denied::of(status, "", &format!("{who} answered {status} with a token"))),
        None => {
            let (error, words) = (text("error").unwrap_or(""), text("error_description"));
            Err(Denied::of(status, error, words.unwrap_or("")))
        }
    }
}

/// Some providers write numbers as text.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.map(Duration::from_secs)
}

/// What helps.
#[derive(Clone, Copy)]
enum Helps {
    /// Signing in again.
    Person,
    /// The department that has registered this program.
    It,
    /// Waiting.
    Time,
}

use Helps::{It, Person, Time};

/// Microsoft's numbers, as they stand in its words behind `AADSTS`.
const MICROSOFT: &[(u32, Helps, &str)] = &[
    (50_011, It, "the registration lacks the address http://localhost for desktop programs"),
    (50_020, Person, "this account belongs to another office than the tenant"),
    (50_034, Person, "there is no such account in this tenant"),
    (50_053, Time, "the account is locked for a while, after too many wrong passwords"),
    (50_057, It, "the account is switched off"),
    (50_076, Person, "a second proof of identity is asked for"),
    (50_078, Person, "the second proof of identity is too long ago"),
    (50_079, Person, "a second proof of identity has to be set up"),
    (50_105, It, "the account has not been assigned to this program"),
    (50_126, Person, "the name or the password was wrong"),
    (50_133, Person, "the password was changed since"),
    (50_158, Person, "another proof of identity is asked for"),
    (50_173, Person, "the sign-in was withdrawn, as after a new password"),
    (53_000, It, "the office lets in only computers that it looks after"),
    (53_003, It, "the office's rules of access do not let this sign-in in"),
    (65_001, It, "nobody has allowed this program to write mail for the account yet"),
    (65_004, Person, "the permission was declined"),
    (70_008, Person, "the sign-in has expired"),
    (70_043, Person, "the office ends sign-ins after some time, and this one is over"),
    (90_002, It, "there is no such tenant"),
    (90_072, Person, "this account belongs to another office than the tenant"),
    (90_094, It, "an administrator has to allow this program first"),
    (700_016, It, "there is no program of this client_id in the tenant"),
    (700_082, Person, "the sign-in was not used for too long and has expired"),
    (700_084, Person, "the sign-in has expired"),
    (7_000_218, It, "the registration does not let programs in without a secret of their own"),
];

/// The protocol's names, and Google's.
const NAMES: &[(&str, Helps, &str)] = &[
    ("invalid_grant", Person, "the sign-in has expired or was withdrawn"),
    ("interaction_required", Person, "the person has to prove once more who they are"),
    ("consent_required", It, "nobody has allowed this program to write mail for the account yet"),
    ("login_required", Person, "the person has to sign in"),
    ("access_denied", Person, "the permission was declined"),
    ("expired_token", Person, "the code was not typed in time"),
    ("authorization_declined", Person, "the permission was declined"),
    ("bad_verification_code", Person, "the code is not known"),
    ("invalid_client", It, "the client_id, or the secret that goes with it, is not known"),
    ("unauthorized_client", It, "this program is not registered for this way of signing in"),
    ("unsupported_grant_type", It, "this way of signing in is not offered"),
    ("invalid_scope", It, "the permissions for mail are not known there"),
    ("invalid_request", It, "the request was not understood"),
    ("redirect_uri_mismatch", It, "the registration is not one for desktop programs"),
    ("admin_policy_enforced", It, "an administrator has to allow this program first"),
    ("org_internal", It, "the program is for accounts of another office only"),
    ("temporarily_unavailable", Time, "it has no time now"),
    ("server_error", Time, "it has trouble of its own"),
];

impl Denied {
    pub(super) fn of(status: u16, error: &str, description: &str) -> Denied {
        let description = cut(description.lines().next().unwrap_or_default());
        Denied { error: cut(error), description, status }
    }

    /// Without what was said to the provider.
    pub(super) fn masked(mut self, secrets: &[&Secret]) -> Denied {
        for secret in secrets.iter().filter(|secret| !secret.reveal().is_empty()) {
            for text in [&mut self.error, &mut self.description] {
                *text = text.replace(secret.reveal(), "****");
                // Words cut short may end in the middle of it.
                if text.chars().count() >= PROVIDER_WORDS_CHARS_MAX && ends_within(text, secret) {
                    text.clear();
                }
            }
        }
        self
    }

    /// What happened in plain words, with the provider's own behind them, and what helps.
    pub(super) fn explained(&self, who: &str) -> NoToken {
        let (helps, meaning) = self.meaning();
        let own = match (self.error.as_str(), self.description.as_str()) {
            ("", "") => format!("HTTP status {}", self.status),
            ("", words) | (words, "") => words.to_owned(),
            (error, words) => format!("{error}: {words}"),
        };
        let words = format!("{who} gives no token: {meaning} ({own})");
        match helps {
            Person => NoToken::SignInAgain(words),
            It => NoToken::Refused(words),
            Time => NoToken::Unreachable(words),
        }
    }

    fn meaning(&self) -> (Helps, &'static str) {
        let number = self.description.split_once("AADSTS").and_then(|(_, rest)| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse::<u32>().ok()
        });
        let by_number = MICROSOFT.iter().find(|(known, ..)| Some(*known) == number);
        let by_name = || NAMES.iter().find(|(known, ..)| *known == self.error);
        match (by_number, by_name()) {
            (Some((_, helps, meaning)), _) | (None, Some((_, helps, meaning))) => (*helps, meaning),
            // 429: asked too often; 5xx: its own trouble.
            _ if self.status == 429 || self.status >= 500 => (Time, "it cannot answer now"),
            _ => (It, "what it answers is not known to secretariat"),
        }
    }
}

/// Whether a text ends with the beginning of a secret, of some length.
fn ends_within(text: &str, secret: &Secret) -> bool {
    let secret = secret.reveal();
    (4..secret.len()).any(|end| secret.get(..end).is_some_and(|start| text.ends_with(start)))
}

/// Somebody else's words: without control characters, not too long.
fn cut(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(PROVIDER_WORDS_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(status: u16, body: &str) -> NoToken {
        granted(status, body.as_bytes(), "Microsoft").unwrap_err().explained("Microsoft")
    }

    #[test]
    fn tokens_are_read_and_not_shown() {
        let body = r#"{"token_type":"Bearer","access_token":"canary","expires_in":"3599"}"#;
        let read = granted(200, body.as_bytes(), "x").unwrap();
        assert_eq!(read.access.reveal(), "canary");
        assert_eq!(
            (read.good_for, read.refresh.is_none()),
            (Some(Duration::from_secs(3_599)), true)
        );
        let with = body.replace('}', r#","refresh_token":"canary-2"}"#);
        let read = granted(200, with.as_bytes(), "x").unwrap();
        assert_eq!(read.refresh.as_ref().map(Secret::reveal), Some("canary-2"));
        assert!(!format!("{read:?}").contains("canary"));
        // One that would break a line of the mail server's wire, and one that should not be there.
        assert!(granted(200, br#"{"access_token":"a\r\nb"}"#, "x").is_err());
        let odd = granted(400, body.as_bytes(), "x").unwrap_err();
        assert!(!format!("{odd:?}").contains("canary"));
    }

    #[test]
    fn each_refusal_says_who_can_help() {
        let words = |code: u32, rest: &str| {
            format!(r#"{{"error":"invalid_grant","error_description":"AADSTS{code}: {rest}"}}"#)
        };
        for (status, body, helps) in [
            (400, words(700_082, "The refresh token has expired.\\r\\nTrace ID: 1"), "person"),
            (400, words(65_001, "not consented"), "it"),
            (400, words(50_053, "locked"), "time"),
            (400, r#"{"error":"invalid_grant"}"#.to_owned(), "person"),
            (401, r#"{"error":"invalid_client"}"#.to_owned(), "it"),
            (503, "<html>".to_owned(), "time"),
            (429, String::new(), "time"),
            (404, "<html>".to_owned(), "it"),
        ] {
            let (who, said) = match denied(status, &body) {
                NoToken::SignInAgain(words) => ("person", words),
                NoToken::Refused(words) => ("it", words),
                NoToken::Unreachable(words) => ("time", words),
                NoToken::Failed(words) => ("nobody", words),
            };
            assert_eq!(who, helps, "{body}: {said}");
            assert!(!said.contains("Trace"), "{said}");
        }
        let said = denied(400, &words(700_082, "x")).to_string();
        let expected = "Microsoft gives no token: the sign-in was not used for too long and has \
                        expired (invalid_grant: AADSTS700082: x)";
        assert_eq!(said, expected);
    }

    /// Security S16.
    #[test]
    fn a_provider_that_quotes_the_token_is_masked() {
        let secret = Secret::new("canary-7f3a-0123456789".to_owned());
        let quote = |before: usize| {
            let words = format!("{} canary-7f3a-0123456789 is bad\u{1b}[2J", "x".repeat(before));
            Denied::of(400, "invalid_grant", &words).masked(&[&secret]).explained("X").to_string()
        };
        assert!(quote(3).ends_with("(invalid_grant: xxx **** is bad[2J)"));
        for before in 0..PROVIDER_WORDS_CHARS_MAX {
            assert!(!quote(before).contains("canary"), "{before}");
        }
    }
}
