//! The SMTP conversation: messages to one relay, and for each exactly what its answers say.
//!
//! `wire` moves bytes under deadlines, `reply` reads answers, `extensions` what EHLO offers, `tls`
//! encrypts, `sign_in` authenticates; `session` puts them in order up to the point where letters
//! can go. `commands` says a letter's MAIL and RCPT, `parts` gives its message the form of DATA or
//! BDAT, `dialogue` matches answers with what was asked, `transaction` transmits one letter. What
//! an outcome means for a letter or a run is `send/decide.rs`; nothing here retries.
//!
//! # Standards
//! RFC 5321 (SMTP), 1870 (SIZE), 2920 (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS), 3461 (DSN),
//! 4954, 4616, 7628 (AUTH), 6531 (SMTPUTF8), 8314 (TLS from the first byte), 1047 (why the end of the
//! message is a stage of its own).
//!
//! # Invariants
//! The stage of an outcome is what the answers say. The last bytes of a message leave only after
//! the permit. A connection in doubt is dropped, never reused. No credential and no letter goes
//! over a connection less protected than [`Security`] asks for.

mod commands;
mod dialogue;
mod extensions;
#[cfg(test)]
mod flight_tests;
mod parts;
mod probe;
#[cfg(test)]
mod release_tests;
mod reply;
mod session;
mod shown;
mod sign_in;
#[cfg(test)]
mod testing;
mod tls;
mod transaction;
#[cfg(test)]
mod transaction_tests;
mod wire;

pub use extensions::Extensions;
pub use probe::{Probe, Seen, SignedIn, probe};
pub use session::{Description, Session};
pub use tls::TlsClient;

use crate::limits;
use crate::response::Response;
use crate::secret::Secret;
use crate::transport::tokens::Tokens;
use crate::transport::{Loss, Outcome, Stage};
use std::sync::Arc;
use std::time::Duration;

/// The mail server all letters are handed to, and how to speak with it.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Name or numeric address, also `[::1]`.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What protects the connection.
    pub security: Security,
    /// The name we give in EHLO; absent: an address literal (RFC 5321 4.1.3).
    pub hello: Option<String>,
    /// Who signs in; never with [`Security::Plain`].
    pub credentials: Option<Credentials>,
    /// Certificates of authorities, PEM, believed besides the operating system's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Extension keywords not to use although offered, in any case: `CHUNKING`, `SIZE`.
    pub disable: Vec<String>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// What protects a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing: for a relay on this computer.
    Plain,
    /// STARTTLS, and no further without it (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314 3.3).
    Tls,
}

/// A sign-in name and what proves it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The sign-in name.
    pub name: String,
    /// What proves it.
    pub proof: Proof,
}

/// What proves who signs in.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password: PLAIN or LOGIN.
    Password(Secret),
    /// An access token: OAUTHBEARER or XOAUTH2. All connections of a run share where they come
    /// from.
    Token(Arc<Tokens>),
}

/// How long each stage may take as a whole, however the bytes trickle in. The defaults are those of
/// RFC 5321 4.5.3.2; only rehearsals and tests set others. `end_of_message` is never below 5
/// minutes in a real run: a shorter wait makes uncertain letters out of accepted ones.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Looking up the name; then connecting to each of its addresses.
    pub connect: Duration,
    /// Greeting, handshake and the answers to EHLO, AUTH, MAIL, RCPT, RSET.
    pub command: Duration,
    /// The answer to DATA.
    pub data: Duration,
    /// One block of the message.
    pub block: Duration,
    /// The answer to the end of the message.
    pub end_of_message: Duration,
    /// The answer to QUIT.
    pub quit: Duration,
    /// No wait, but how long a connection counts as alive after the relay was heard: only then do
    /// last bytes leave before RCPT is answered.
    pub fresh: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: limits::CONNECT_TIMEOUT,
            command: limits::COMMAND_TIMEOUT,
            data: limits::DATA_TIMEOUT,
            block: limits::BLOCK_TIMEOUT,
            end_of_message: limits::END_OF_MESSAGE_TIMEOUT,
            quit: limits::QUIT_TIMEOUT,
            fresh: limits::CONNECTION_FRESH,
        }
    }
}

impl Relay {
    /// The host without the brackets of a numeric IPv6 address.
    fn bare_host(&self) -> &str {
        let inner = self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        inner.unwrap_or(&self.host)
    }
}

/// Sorts an answer into the one that was due and what ends the stage: 4yz and 5yz are verdicts, a
/// positive answer that has no place here is no SMTP.
fn expected(
    stage: Stage,
    answer: Result<Response, Loss>,
    due: impl FnOnce(&Response) -> bool,
) -> Result<Response, Outcome> {
    match answer {
        Err(loss) => Err(Outcome::lost(stage, loss)),
        Ok(response) if due(&response) => Ok(response),
        Ok(response) if is_verdict(&response) => Err(Outcome::answered(stage, response)),
        Ok(response) => Err(Outcome::lost(stage, misplaced(&response))),
    }
}

/// Whether an answer refuses, for now or for good.
fn is_verdict(response: &Response) -> bool {
    response.is_transient() || response.is_permanent()
}

/// A well-formed answer where it makes no sense.
fn misplaced(response: &Response) -> Loss {
    Loss::NotSmtp(format!("{response}, which is no answer to what was asked"))
}
