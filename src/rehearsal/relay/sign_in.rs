//! AUTH: the two mechanisms that take a name and a password.
//!
//! # Standards
//! RFC 4954; RFC 4616 (PLAIN); LOGIN as everybody does it.

use super::script::At;
use super::session::{Next, Session};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;

impl Session<'_> {
    pub(super) fn sign_in(&mut self, rest: &str) -> io::Result<Next> {
        let orders = self.shared.orders();
        let Some((name, password)) = &orders.script.sign_in else {
            self.violation("AUTH where it is not offered");
            return self.say("502 5.5.1 Error: command not implemented");
        };
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => self.plain_credentials(initial)?,
            "LOGIN" => self.login_credentials(initial)?,
            _ => return self.say("504 5.5.4 Error: mechanism not offered"),
        };
        if given.is_some_and(|(n, p)| n == *name && p == *password) {
            self.signed_in = Some(name.clone());
            return self.answer(At::SignIn, "235 2.7.0 Authentication successful");
        }
        self.answer(At::SignIn, "535 5.7.8 Error: authentication failed")
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
