//! Opens a session: from the relay's name to the point where a letter can go.
//!
//! Owns the order connect, greeting, EHLO, TLS, sign-in, and the end of a session. Letters are
//! `transaction`'s.
//!
//! # Standards
//! RFC 5321 3.1 (greeting), 3.2 and 4.1.1.1 (EHLO, HELO), 4.1.3 (address literals), 5.1 (addresses
//! in turn); RFC 3207 (STARTTLS); RFC 8314 (TLS from the first byte).
//!
//! # Invariants
//! What was learnt before TLS is forgotten after it (RFC 3207 4.2). There is no way back to plain.
//!
//! # Failure
//! An [`Outcome`] of a stage up to [`Stage::SignIn`]. Up to EHLO the next address is tried first.

use super::extensions::relay_name;
use super::wire::{Wire, lost, within};
use super::{Extensions, Relay, Security, Timeouts, TlsClient, expected, sign_in};
use crate::limits::RELAY_ADDRESSES_MAX;
use crate::response::Response;
use crate::transport::{Ending, Loss, Outcome, Stage};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;

/// A connection over which letters can go, one after the other.
#[derive(Debug)]
pub struct Session {
    /// `None` once the connection is in doubt or over.
    pub(super) wire: Option<Wire>,
    pub(super) extensions: Extensions,
    pub(super) timeouts: Timeouts,
    /// It has carried a letter: from now on its end touches no letter.
    pub(super) is_used: bool,
    /// The last transaction was not completed: RSET comes first.
    pub(super) needs_reset: bool,
    description: Description,
}

/// Whom we speak with, for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The relay's name for itself in its answer to EHLO; may be empty.
    pub name: String,
    /// The address that answered.
    pub address: SocketAddr,
    /// Version and cipher suite, `TLS 1.3, TLS13_AES_256_GCM_SHA384`; absent on a plain connection.
    pub encryption: Option<String>,
}

impl Session {
    /// Connects, greets, encrypts and signs in, as the relay's settings say.
    ///
    /// # Errors
    /// The stage that failed and how. Where several addresses failed, the one that came furthest.
    pub async fn open(relay: &Relay, tls: &TlsClient) -> Result<Session, Outcome> {
        if relay.security == Security::Plain && relay.credentials.is_some() {
            return Err(Outcome { stage: Stage::SignIn, ending: no_password_in_plain() });
        }
        let mut furthest = Outcome::lost(Stage::Connect, Loss::NoSuchHost);
        let addresses = addresses(relay).await.map_err(|l| Outcome::lost(Stage::Connect, l))?;
        for (n, address) in addresses.into_iter().enumerate() {
            match open_at(relay, tls, address).await {
                Ok(session) => return Ok(session),
                // The same at every address: our settings, our certificate, our password.
                Err(outcome) if outcome.stage > Stage::Hello => return Err(outcome),
                Err(outcome) if n == 0 || outcome.stage > furthest.stage => furthest = outcome,
                Err(_) => {}
            }
        }
        Err(furthest)
    }

    /// Whom we speak with.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What the relay offers on this connection, without what was disabled.
    #[must_use]
    pub fn offers(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether another letter can go over it, as far as is known without looking.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.wire.is_some()
    }

    /// Whether the relay is still there and silent; looks, does not wait. A session that is not is
    /// over from then on.
    pub async fn is_alive(&mut self) -> bool {
        let Some(mut wire) = self.wire.take() else { return false };
        let is_silent = matches!(wire.unasked().await, Ok(None));
        self.wire = Some(wire).filter(|_| is_silent);
        is_silent
    }

    /// Takes leave. Waits a few seconds at most; whatever comes changes no verdict (RFC 5321
    /// 4.1.1.10).
    pub async fn close(mut self) {
        if let Some(wire) = &mut self.wire {
            let _ = wire.ask("QUIT", self.timeouts.quit).await;
        }
    }
}

/// The refusal that `config` has made already; made again where the password would leave.
pub(super) fn no_password_in_plain() -> Ending {
    Ending::Unsendable("a password never goes over a connection without TLS".to_owned())
}

/// The relay's addresses, at most [`RELAY_ADDRESSES_MAX`].
async fn addresses(relay: &Relay) -> Result<Vec<SocketAddr>, Loss> {
    let lookup = async {
        let found = tokio::net::lookup_host((relay.bare_host(), relay.port)).await;
        found.map_err(|error| no_address(&error))
    };
    let found = within(relay.timeouts.connect, lookup).await?;
    Ok(found.take(RELAY_ADDRESSES_MAX).collect())
}

/// A name without an address, or a name server that cannot be asked now: only the words differ.
fn no_address(error: &io::Error) -> Loss {
    match error.to_string() {
        words if words.contains("emporary failure") => Loss::Other(words),
        _ => Loss::NoSuchHost,
    }
}

/// A session at one address.
async fn open_at(relay: &Relay, tls: &TlsClient, at: SocketAddr) -> Result<Session, Outcome> {
    let (mut wire, hello) = connect(relay, at).await?;
    let limit = relay.timeouts.command;
    if relay.security == Security::Tls {
        wire = encrypted(relay, tls, wire).await?;
    }
    expected(Stage::Greeting, wire.reply(limit).await, |r| r.code == 220)?;
    let (mut name, mut extensions) = say_hello(relay, &mut wire, &hello).await?;
    if relay.security == Security::StartTls {
        wire = start_tls(relay, tls, wire, &extensions).await?;
        // RFC 3207 4.2: what was said in plain may have been anybody's.
        (name, extensions) = say_hello(relay, &mut wire, &hello).await?;
    }
    if let Some(credentials) = &relay.credentials {
        sign_in::sign_in(&mut wire, &extensions, credentials, limit).await?;
    }
    let description = Description { name, address: at, encryption: wire.encryption() };
    Ok(Session {
        wire: Some(wire),
        extensions,
        timeouts: relay.timeouts,
        is_used: false,
        needs_reset: false,
        description,
    })
}

/// The connection, and the name to give in EHLO.
async fn connect(relay: &Relay, at: SocketAddr) -> Result<(Wire, String), Outcome> {
    let connecting = async {
        let stream = TcpStream::connect(at).await?;
        // Without it a small write behind another waits for the relay's acknowledgement.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?.ip();
        Ok((stream, local))
    };
    let connecting = async { connecting.await.map_err(|e: io::Error| lost(&e)) };
    let connected = within(relay.timeouts.connect, connecting).await;
    let (stream, local) = connected.map_err(|loss| Outcome::lost(Stage::Connect, loss))?;
    let hello = relay.hello.clone().unwrap_or_else(|| address_literal(local));
    if hello.is_empty() || !hello.bytes().all(|b| b.is_ascii_graphic()) {
        let ending = Ending::Unsendable(format!("{hello:?} cannot be given as a name in EHLO"));
        return Err(Outcome { stage: Stage::Hello, ending });
    }
    Ok((Wire::plain(stream), hello))
}

/// Our end of the connection as a name (RFC 5321 4.1.3): a home computer has no other.
fn address_literal(local: IpAddr) -> String {
    match local.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// EHLO, or HELO where the relay does not know it (RFC 5321 3.2). HELO offers nothing, so a relay
/// that must encrypt or let us sign in is refused right after.
async fn say_hello(
    relay: &Relay,
    wire: &mut Wire,
    hello: &str,
) -> Result<(String, Extensions), Outcome> {
    let limit = relay.timeouts.command;
    let is_done = |r: &Response| r.code == 250;
    let mut answer = wire.ask(&format!("EHLO {hello}"), limit).await;
    if matches!(&answer, Ok(r) if matches!(r.code, 500 | 502)) {
        answer = wire.ask(&format!("HELO {hello}"), limit).await;
        let greeted = expected(Stage::Hello, answer, is_done)?;
        return Ok((relay_name(&greeted), Extensions::default()));
    }
    let greeted = expected(Stage::Hello, answer, is_done)?;
    Ok((relay_name(&greeted), Extensions::read(&greeted, &relay.disable)))
}

/// STARTTLS and the handshake.
async fn start_tls(
    relay: &Relay,
    tls: &TlsClient,
    mut wire: Wire,
    offered: &Extensions,
) -> Result<Wire, Outcome> {
    if !offered.start_tls {
        let ending = Ending::NotOffered("STARTTLS");
        return Err(Outcome { stage: Stage::StartTls, ending });
    }
    let answer = wire.ask("STARTTLS", relay.timeouts.command).await;
    expected(Stage::StartTls, answer, |r| r.code == 220)?;
    encrypted(relay, tls, wire).await
}

/// The handshake, with the relay's name verified.
async fn encrypted(relay: &Relay, tls: &TlsClient, wire: Wire) -> Result<Wire, Outcome> {
    let encrypting = tls.encrypt(wire, relay.bare_host(), relay.timeouts.command);
    encrypting.await.map_err(|loss| Outcome::lost(Stage::StartTls, loss))
}
