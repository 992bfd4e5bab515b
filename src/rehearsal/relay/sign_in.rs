//! AUTH: two mechanisms that take a name and a password, two that take a token.
//!
//! # Standards
//! RFC 4954; RFC 4616 (PLAIN); RFC 7628 (OAUTHBEARER); LOGIN and XOAUTH2 as everybody does them.

use super::script::{At, TokenCheck};
use super::session::{Next, Session};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;

impl Session<'_> {
    pub(super) fn sign_in(&mut self, rest: &str) -> io::Result<Next> {
        let orders = self.shared.orders();
        let script = &orders.script;
        if !script.wants_sign_in() {
            self.violation("AUTH where it is not offered");
            return self.say("502 5.5.1 Error: command not implemented");
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        if !script.mechanisms.split(' ').any(|offered| offered == mechanism) {
            return self.say("504 5.5.4 Error: mechanism not offered");
        }
        let name = match mechanism.as_str() {
            "PLAIN" | "LOGIN" => {
                let given = match mechanism.as_str() {
                    "PLAIN" => self.plain_credentials(initial)?,
                    _ => self.login_credentials(initial)?,
                };
                given.filter(|given| script.sign_in.as_ref() == Some(given)).map(|(name, _)| name)
            }
            _ => self.name_by_token(&mechanism, initial, script.tokens.as_ref())?,
        };
        let is_known = name.is_some();
        self.signed_in = name.or(self.signed_in.take());
        match is_known {
            true => self.answer(At::SignIn, "235 2.7.0 Authentication successful"),
            false => self.answer(At::SignIn, "535 5.7.8 Error: authentication failed"),
        }
    }

    /// RFC 7628 3.1, or XOAUTH2: the name, if the token is good. A refusal's reasons come first, and
    /// are answered (RFC 7628 3.2.3).
    fn name_by_token(
        &mut self,
        mechanism: &str,
        initial: &str,
        tokens: Option<&(String, TokenCheck)>,
    ) -> io::Result<Option<String>> {
        let response = match initial {
            "" => self.challenge("")?,
            initial => initial.to_owned(),
        };
        let response = decoded(&response);
        let fields: Vec<&str> = response.split('\u{1}').collect();
        let head = if mechanism == "XOAUTH2" { ("user=", "") } else { ("n,a=", ",") };
        let name = fields[0].strip_prefix(head.0).and_then(|rest| rest.strip_suffix(head.1));
        let token = fields.iter().find_map(|field| field.strip_prefix("auth=Bearer "));
        if !response.ends_with("\u{1}\u{1}") {
            self.violation("a token does not end with two ^A");
        }
        let is_good = tokens.is_some_and(|(known, is_good)| {
            name == Some(known.as_str()) && token.is_some_and(|token| is_good(token))
        });
        if !is_good {
            let heard = self.challenge("{\"status\":\"401\",\"schemes\":\"bearer\"}")?;
            if heard != if mechanism == "XOAUTH2" { "" } else { "AQ==" } {
                self.violation("the reasons of a refusal are answered otherwise");
            }
        }
        Ok(name.filter(|_| is_good).map(str::to_owned))
    }

    /// RFC 4616: authorization identity, name, password, each ended by NUL.
    fn plain_credentials(&mut self, initial: &str) -> io::Result<Option<(String, String)>> {
        let initial = match initial {
            "" => self.challenge("")?,
            initial => initial.to_owned(),
        };
        let decoded = decoded(&initial);
        let mut parts = decoded.splitn(3, '\0').map(str::to_owned);
        let (_, name, password) = (parts.next(), parts.next(), parts.next());
        Ok(name.zip(password))
    }

    fn login_credentials(&mut self, initial: &str) -> io::Result<Option<(String, String)>> {
        let name = match initial {
            "" => self.challenge("Username:")?,
            initial => initial.to_owned(),
        };
        let password = self.challenge("Password:")?;
        Ok(Some((decoded(&name), decoded(&password))))
    }

    fn challenge(&mut self, text: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(text)))?;
        let line = self.connection.line()?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
