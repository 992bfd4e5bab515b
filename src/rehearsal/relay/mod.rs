//! A relay inside the program: it speaks SMTP on this computer, does as its script says, and
//! counts.
//!
//! Owns the count of what was accepted, which is the oracle of every rehearsal and of every test of
//! sending (delivery paper, Proof, I1-I8): never what the sending side says of itself. Written with
//! blocking sockets and threads, and without a line of `transport/`, so that the two cannot share a
//! mistake. It listens on 127.0.0.1 only, on a free port.
//!
//! # Standards
//! RFC 5321; 1870 (SIZE), 2920 (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS), 3461 (DSN),
//! 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8).
//!
//! # Invariants
//! A message is counted before its acceptance is said. What a client does against the rules is not
//! refused but kept in [`Relay::violations`], so that all of it can be told.

mod body;
mod connection;
pub mod manners;
pub mod script;
mod session;
mod shared;
mod sign_in;
mod wire_rules;

pub use body::BODY_MARKS;

use crate::id::Digest;
use script::{Protection, Script};
use shared::{Shared, lock};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

/// A message as the relay took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Connection, from 1.
    pub session: usize,
    /// Transaction among all of this relay, from 1.
    pub transaction: usize,
    /// Without angle brackets.
    pub reverse_path: String,
    /// Without angle brackets; one, or the client broke I7.
    pub forward_paths: Vec<String>,
    /// What stood behind the paths, such as `SIZE=1200`.
    pub parameters: Vec<String>,
    /// Octets of the message.
    pub octets: usize,
    /// SHA-256 of the message, unless only counts are kept.
    pub digest: Option<Digest>,
    /// Exactly the message, dots unstuffed, the final dot not in it; empty unless everything is
    /// kept.
    pub bytes: Vec<u8>,
    /// The Message-ID of the recipient's copy, where the relay gives its own.
    pub message_id: Option<String>,
    /// Whether it came by BDAT.
    pub by_chunks: bool,
    /// Whether it came through TLS.
    pub protected: bool,
    /// Who had signed in.
    pub signed_in: Option<String>,
}

impl Received {
    /// What the recipient finds: the message, with the relay's own Message-ID where it gives one.
    #[must_use]
    pub fn copy(&self) -> Vec<u8> {
        match &self.message_id {
            Some(id) => manners::with_message_id(&self.bytes, id),
            None => self.bytes.clone(),
        }
    }
}

/// A line of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Connection, from 1.
    pub session: usize,
    /// Whether it came through TLS.
    pub protected: bool,
    /// Lossy UTF-8, without its line end.
    pub line: String,
}

/// A running relay; it ends when dropped.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// A relay that does as its script says.
    ///
    /// # Errors
    /// When the system gives no port on loopback or no thread.
    pub fn with(script: Script) -> io::Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(script));
        let accepting = Arc::clone(&shared);
        let named = thread::Builder::new().name("relay".to_owned());
        named.spawn(move || accept_all(&listener, &accepting))?;
        Ok(Relay { address, shared })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// As `[relay] url`; TLS relays are called `localhost`, which their good certificates name.
    #[must_use]
    pub fn url(&self) -> String {
        match self.shared.orders().script.protection {
            Protection::Plain => format!("smtp://127.0.0.1:{}", self.port()),
            Protection::Implicit(_) => format!("smtps://localhost:{}", self.port()),
            Protection::StartTls(_) => format!("smtp+starttls://localhost:{}", self.port()),
        }
    }

    /// Another script for all that comes from now on.
    pub fn change(&self, script: Script) {
        self.shared.change(script);
    }

    /// Everything accepted, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Received> {
        lock(&self.shared.accepted).messages.clone()
    }

    /// How many messages were accepted.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.shared.accepted).count
    }

    /// How many messages each address has, by address.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let accepted = lock(&self.shared.accepted);
        accepted.by_address.iter().map(|(address, n)| (address.clone(), *n)).collect()
    }

    /// The bytes this address was given, each message once.
    #[must_use]
    pub fn bytes_for(&self, address: &str) -> Vec<Vec<u8>> {
        let accepted = lock(&self.shared.accepted);
        let of_address =
            accepted.messages.iter().filter(|m| m.forward_paths.iter().any(|p| p == address));
        of_address.map(|m| m.bytes.clone()).collect()
    }

    /// Everything clients said, where everything is kept.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        lock(&self.shared.commands).clone()
    }

    /// What clients did against the rules, in sentences.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }

    /// How many connections there have been.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.sessions.load(Ordering::SeqCst)
    }

    /// How many connections were open at one moment at most.
    #[must_use]
    pub fn open_most(&self) -> usize {
        self.shared.open_most.load(Ordering::SeqCst)
    }

    /// How many transactions were begun (MAIL).
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.shared.transactions.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; if that fails, it is gone already.
        drop(TcpStream::connect(self.address));
    }
}

/// Takes connections until the relay ends; each is served by a thread of its own.
fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        let number = shared.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        let named = thread::Builder::new().name(format!("relay-{number}"));
        // Without a thread the connection is dropped: to the client a relay that is overloaded.
        drop(named.spawn(move || {
            let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
            shared.open_most.fetch_max(open, Ordering::SeqCst);
            session::serve(stream, number, open, &shared);
            shared.open.fetch_sub(1, Ordering::SeqCst);
        }));
    }
}

#[cfg(test)]
mod tests;
