//! A scriptable relay on this computer: it speaks SMTP, does as its script says, and counts.
//!
//! Owns the count of what was accepted, which is the oracle of every test of sending (paper 4,
//! Proof, I1-I8): never what the program under test says of itself. Written with blocking sockets
//! and threads, and without a line of the library's own SMTP, so that they cannot share a mistake.
//!
//! # Standards
//! RFC 5321; 1870 (SIZE), 2920 (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS), 4954 (AUTH),
//! 6152 (8BITMIME), 6531 (SMTPUTF8).
//!
//! # Failure
//! What a client does against the rules is not refused but kept in [`Relay::violations`], so that
//! a test can say all of it.

mod connection;
pub mod script;
mod session;

use script::{Action, At, Protection, Script, Who};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A message as the relay took it.
#[derive(Clone, Debug, PartialEq)]
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
    /// Exactly the message: dots unstuffed, the final dot not in it.
    pub bytes: Vec<u8>,
    /// Whether it came by BDAT.
    pub by_chunks: bool,
    /// Whether it came through TLS.
    pub protected: bool,
    /// Who had signed in.
    pub signed_in: Option<String>,
}

/// A line of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub session: usize,
    pub protected: bool,
    /// Lossy UTF-8, without its line end.
    pub line: String,
}

/// What all connections of a relay share.
struct Shared {
    script: Mutex<Script>,
    messages: Mutex<Vec<Received>>,
    commands: Mutex<Vec<Command>>,
    violations: Mutex<Vec<String>>,
    sessions: AtomicUsize,
    open: AtomicUsize,
    open_most: AtomicUsize,
    transactions: AtomicUsize,
    stopped: AtomicBool,
}

/// A running relay; it ends when dropped.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// A relay that accepts everything.
    pub fn start() -> Relay {
        Relay::with(Script::new())
    }

    /// A relay that does as its script says.
    pub fn with(script: Script) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::new(script));
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept_all(&listener, &accepting));
        Relay { address, shared }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// As `[relay] url`; TLS relays are called `localhost`, which their good certificates name.
    pub fn url(&self) -> String {
        match lock(&self.shared.script).protection {
            Protection::Plain => format!("smtp://127.0.0.1:{}", self.port()),
            Protection::Implicit(_) => format!("smtps://localhost:{}", self.port()),
            Protection::StartTls(_) => format!("smtp+starttls://localhost:{}", self.port()),
        }
    }

    /// Another script for all that comes from now on.
    pub fn change(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Everything accepted, in order.
    pub fn messages(&self) -> Vec<Received> {
        lock(&self.shared.messages).clone()
    }

    /// How many messages were accepted.
    pub fn count(&self) -> usize {
        lock(&self.shared.messages).len()
    }

    /// How many messages each address has, by address.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for path in lock(&self.shared.messages).iter().flat_map(|m| &m.forward_paths) {
            *counts.entry(path.clone()).or_default() += 1;
        }
        counts
    }

    /// The bytes this address was sent, each message once.
    pub fn bytes_for(&self, address: &str) -> Vec<Vec<u8>> {
        let messages = self.messages();
        let of_address =
            messages.into_iter().filter(|m| m.forward_paths.iter().any(|p| p == address));
        of_address.map(|m| m.bytes).collect()
    }

    /// Everything clients said.
    pub fn commands(&self) -> Vec<Command> {
        lock(&self.shared.commands).clone()
    }

    /// What clients did against the rules, in sentences.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }

    /// How many connections there have been.
    pub fn sessions(&self) -> usize {
        self.shared.sessions.load(Ordering::SeqCst)
    }

    /// How many connections were open at one moment at most.
    pub fn open_most(&self) -> usize {
        self.shared.open_most.load(Ordering::SeqCst)
    }

    /// How many transactions were begun (MAIL).
    pub fn transactions(&self) -> usize {
        self.shared.transactions.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; if that fails, it is gone already.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn new(script: Script) -> Shared {
        Shared {
            script: Mutex::new(script),
            messages: Mutex::default(),
            commands: Mutex::default(),
            violations: Mutex::default(),
            sessions: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            open_most: AtomicUsize::new(0),
            transactions: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn script(&self) -> Script {
        lock(&self.script).clone()
    }

    fn violation(&self, session: usize, what: &str) {
        lock(&self.violations).push(format!("connection {session}: {what}"));
    }

    /// The action of the first rule that applies now; uses up one of its times.
    fn action(&self, at: At, session: usize, transaction: usize, local: &str) -> Option<Action> {
        let mut script = lock(&self.script);
        let rule = script.rules.iter_mut().find(|rule| {
            let met = match &rule.who {
                Who::Anyone => true,
                Who::Local(wanted) => wanted == local,
                Who::Transaction(wanted) => *wanted == transaction,
                Who::Session(wanted) => *wanted == session,
            };
            rule.at == at && met && rule.times != Some(0)
        })?;
        rule.times = rule.times.map(|n| n - 1);
        Some(rule.action.clone())
    }

    /// How many octets of the next message are read before a rule for its body applies.
    fn body_octets(
        &self,
        session: usize,
        transaction: usize,
        local: &str,
    ) -> Option<(usize, Action)> {
        let script = self.script();
        let sizes = script.rules.iter().filter_map(|rule| match rule.at {
            At::Body(octets) => Some(octets),
            _ => None,
        });
        let mut sizes: Vec<usize> = sizes.collect();
        sizes.sort_unstable();
        let of = |octets| self.action(At::Body(octets), session, transaction, local);
        sizes.into_iter().find_map(|octets| of(octets).map(|action| (octets, action)))
    }
}

/// Takes connections until the relay ends; each is served by a thread of its own.
fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        let number = shared.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        std::thread::spawn(move || {
            let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
            shared.open_most.fetch_max(open, Ordering::SeqCst);
            session::serve(stream, number, &shared);
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// A thread that failed its test must not hide what the relay has counted.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
