//! Looks at a relay without handing it anything: each address up to TLS, one sign-in, the sender.
//!
//! Owns the order of that conversation: connect, greeting, EHLO, TLS, and at the first address that
//! came so far AUTH, MAIL, RSET; QUIT at all. What is found means is `doctor`'s.
//!
//! # Standards
//! As `session`; RFC 5321 4.1.1.5 (RSET undoes MAIL).
//!
//! # Invariants
//! Nobody signs in more than once a probe, whatever came of it: servers lock accounts. No RCPT, no
//! DATA. What holds for a run's credentials holds here (security S4, S16).
//!
//! # Failure
//! An [`Outcome`] beside what was seen before it.

use super::commands::is_path;
use super::session::{addresses, asked, connect, encrypted, say_hello, start_tls};
use super::shown::Shown;
use super::sign_in::{self, Login};
use super::wire::Wire;
use super::{Credentials, Extensions, Proof, Relay, Security, Timeouts, TlsClient, expected};
use crate::limits::{
    PROBE_COMMAND_TIMEOUT, PROBE_CONNECT_TIMEOUT, PROBE_QUIT_TIMEOUT, PROBE_TIME_MAX,
};
use crate::response::Response;
use crate::time::Steady;
use crate::transport::{Loss, Outcome, Stage};
use std::net::{IpAddr, SocketAddr};

/// What came of looking at a relay.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// Each address, in the order in which a run tries them.
    pub addresses: Vec<Seen>,
    /// Why there are none.
    pub not_found: Option<Loss>,
    /// Addresses for which no time was left.
    pub not_looked_at: Vec<SocketAddr>,
    /// Our own settings of TLS, where they are what is wrong.
    pub no_tls: Option<Outcome>,
}

/// What was seen at one address.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which.
    pub address: SocketAddr,
    /// The greeting.
    pub greeting: Option<Response>,
    /// The relay's name for itself.
    pub name: Option<String>,
    /// Version and cipher suite.
    pub encryption: Option<String>,
    /// The certificate as it was shown, DER; also one that was not trusted.
    pub certificate: Option<Vec<u8>>,
    /// What it offers in the end: after TLS.
    pub offers: Option<Extensions>,
    /// What came of signing in.
    pub sign_in: SignedIn,
    /// The answer to MAIL.
    pub author: Option<Response>,
    /// Where and how the conversation ended, if not with QUIT. A sign-in that came to nothing is
    /// told in `sign_in`.
    pub ended: Option<Outcome>,
}

/// What came of signing in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignedIn {
    /// Not tried: nobody signs in, or it did not come so far, or another address had its turn.
    #[default]
    NotTried,
    /// Let in, by this mechanism.
    Done(&'static str),
    /// Not let in.
    Failed(Outcome),
}

/// What only one address is asked.
struct Once<'a> {
    credentials: Option<&'a Credentials>,
    reverse_path: Option<&'a str>,
}

/// Looks at each address of a relay. `reverse_path` is where bounces would go; without it MAIL is
/// not said.
pub async fn probe(relay: &Relay, reverse_path: Option<&str>) -> Probe {
    let relay = &hurried(relay);
    let found = match addresses(relay).await {
        Ok(found) => found,
        Err(loss) => return Probe { not_found: Some(loss), ..Probe::default() },
    };
    let shown = Shown::default();
    let tls = match TlsClient::noting(relay, &shown) {
        Ok(tls) => tls,
        Err(outcome) => {
            return Probe { no_tls: Some(outcome), not_looked_at: found, ..Probe::default() };
        }
    };
    let (begin, mut probe) = (Steady::now(), Probe::default());
    let mut once = Some(Once { credentials: relay.credentials.as_ref(), reverse_path });
    for address in found {
        if begin.elapsed() > PROBE_TIME_MAX {
            probe.not_looked_at.push(address);
            continue;
        }
        let mut seen = look_at(relay, &tls, address, &mut once).await;
        seen.certificate = shown.take();
        probe.addresses.push(seen);
    }
    probe
}

/// Somebody waits for the answer.
fn hurried(relay: &Relay) -> Relay {
    let usual = relay.timeouts;
    let timeouts = Timeouts {
        connect: PROBE_CONNECT_TIMEOUT.min(usual.connect),
        command: PROBE_COMMAND_TIMEOUT.min(usual.command),
        quit: PROBE_QUIT_TIMEOUT.min(usual.quit),
        ..usual
    };
    Relay { timeouts, ..relay.clone() }
}

async fn look_at(
    relay: &Relay,
    tls: &TlsClient,
    address: SocketAddr,
    once: &mut Option<Once<'_>>,
) -> Seen {
    let mut seen = Seen {
        address,
        greeting: None,
        name: None,
        encryption: None,
        certificate: None,
        offers: None,
        sign_in: SignedIn::NotTried,
        author: None,
        ended: None,
    };
    match open(relay, tls, &mut seen).await {
        Err(outcome) => seen.ended = Some(outcome),
        Ok(mut wire) => {
            if let Some(once) = once.take() {
                seen.ended = ask_once(relay, &mut wire, &once, &mut seen).await.err();
            }
            let _ = wire.ask("QUIT", relay.timeouts.quit).await;
        }
    }
    seen
}

/// As far as a session comes without a sign-in.
async fn open(relay: &Relay, tls: &TlsClient, seen: &mut Seen) -> Result<Wire, Outcome> {
    let (mut wire, hello) = connect(relay, seen.address).await?;
    if relay.security == Security::Tls {
        wire = encrypted(relay, tls, wire).await?;
    }
    let greeting = wire.reply(relay.timeouts.command).await;
    seen.greeting = Some(expected(Stage::Greeting, greeting, |r| r.code == 220)?);
    let (mut name, mut offers) = say_hello(relay, &mut wire, &hello).await?;
    seen.name = Some(name.clone());
    if relay.security == Security::StartTls {
        wire = start_tls(relay, tls, wire, &offers).await?;
        (name, offers) = say_hello(relay, &mut wire, &hello).await?;
    }
    seen.encryption = wire.encryption();
    (seen.name, seen.offers) = (Some(name), Some(offers));
    Ok(wire)
}

/// Signs in, and asks whether letters may be from this sender.
async fn ask_once(
    relay: &Relay,
    wire: &mut Wire,
    once: &Once<'_>,
    seen: &mut Seen,
) -> Result<(), Outcome> {
    let limit = relay.timeouts.command;
    let offers = seen.offers.clone().unwrap_or_default();
    if let Some(credentials) = once.credentials {
        seen.sign_in = sign_in_once(wire, &offers, credentials, relay).await;
        if matches!(seen.sign_in, SignedIn::Failed(_)) {
            return Ok(());
        }
    }
    let Some(path) = once.reverse_path.filter(|path| is_path(path)) else { return Ok(()) };
    let smtputf8 = if !path.is_ascii() && offers.smtputf8 { " SMTPUTF8" } else { "" };
    let mail = wire.ask(&format!("MAIL FROM:<{path}>{smtputf8}"), limit).await;
    let answer = mail.map_err(|loss| Outcome::lost(Stage::Mail, loss))?;
    let is_taken = answer.is_positive();
    seen.author = Some(answer);
    if is_taken {
        let reset = wire.ask("RSET", limit).await;
        reset.map_err(|loss| Outcome::lost(Stage::Mail, loss))?;
    }
    Ok(())
}

async fn sign_in_once(
    wire: &mut Wire,
    offers: &Extensions,
    credentials: &Credentials,
    relay: &Relay,
) -> SignedIn {
    let name = &credentials.name;
    if relay.security == Security::Plain {
        let ending = super::session::no_password_in_plain();
        return SignedIn::Failed(Outcome { stage: Stage::SignIn, ending });
    }
    let token = match &credentials.proof {
        Proof::Password(_) => None,
        Proof::Token(tokens) => match asked(tokens, |tokens| tokens.current()).await {
            Ok(token) => Some(token),
            Err(outcome) => return SignedIn::Failed(outcome),
        },
    };
    let login = match (&credentials.proof, &token) {
        (Proof::Token(_), Some(token)) => Login::Token { name, token },
        (Proof::Password(password), _) => Login::Password { name, password },
        // A token that is none was told above.
        (Proof::Token(_), None) => return SignedIn::NotTried,
    };
    let mechanism = login.chosen(offers).unwrap_or_default();
    match sign_in::sign_in(wire, offers, login, relay.timeouts.command).await {
        Ok(()) => SignedIn::Done(mechanism),
        Err(outcome) => SignedIn::Failed(match token {
            Some(_) => sign_in::token_refused(outcome),
            None => outcome,
        }),
    }
}

impl Seen {
    /// Whether it came up to where letters could go, but for signing in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.offers.is_some()
    }
}

impl Probe {
    /// All its addresses.
    #[must_use]
    pub fn found(&self) -> Vec<IpAddr> {
        let seen = self.addresses.iter().map(|seen| seen.address.ip());
        seen.chain(self.not_looked_at.iter().map(SocketAddr::ip)).collect()
    }
}
