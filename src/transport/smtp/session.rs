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
use super::sign_in::{self, Login};
use super::wire::{Wire, lost, within};
use super::{Credentials, Extensions, Proof, Relay, Security, Timeouts, TlsClient, expected};
use crate::limits::RELAY_ADDRESSES_MAX;
use crate::response::Response;
use crate::secret::Secret;
use crate::transport::tokens::{NoToken, Tokens};
use crate::transport::{Ending, Loss, Outcome, Stage};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
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
        match &relay.credentials {
            None => Session::open_with(relay, tls, None).await,
            Some(Credentials { name, proof: Proof::Password(password) }) => {
                let login = Login::Password { name, password };
                Session::open_with(relay, tls, Some(login)).await
            }
            Some(Credentials { name, proof: Proof::Token(tokens) }) => {
                Session::open_by_token(relay, tls, name, tokens).await
            }
        }
    }

    /// Opens with the run's token. Where the relay refuses it, once more with another one, on a new
    /// connection: many relays hang up after a refusal. Never a third time.
    async fn open_by_token(
        relay: &Relay,
        tls: &TlsClient,
        name: &str,
        tokens: &Arc<Tokens>,
    ) -> Result<Session, Outcome> {
        let token = asked(tokens, |tokens| tokens.current()).await?;
        let first =
            Session::open_with(relay, tls, Some(Login::Token { name, token: &token })).await;
        let Err(outcome) = first else { return first };
        if !sign_in::may_be_spent(&outcome) {
            return Err(sign_in::token_refused(outcome));
        }
        let refused = token.clone();
        let other = asked(tokens, move |tokens| tokens.renewed(&refused)).await?;
        if other == token {
            return Err(sign_in::token_refused(outcome));
        }
        let second = Session::open_with(relay, tls, Some(Login::Token { name, token: &other }));
        second.await.map_err(sign_in::token_refused)
    }

    async fn open_with(
        relay: &Relay,
        tls: &TlsClient,
        login: Option<Login<'_>>,
    ) -> Result<Session, Outcome> {
        let mut furthest = Outcome::lost(Stage::Connect, Loss::NoSuchHost);
        let addresses = addresses(relay).await.map_err(|l| Outcome::lost(Stage::Connect, l))?;
        for (n, address) in addresses.into_iter().enumerate() {
            match open_at(relay, tls, address, login).await {
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

/// A token, asked for beside the run: it may take a provider or a command a while.
pub(super) async fn asked(
    tokens: &Arc<Tokens>,
    ask: impl FnOnce(&Tokens) -> Result<Secret, NoToken> + Send + 'static,
) -> Result<Secret, Outcome> {
    let tokens = Arc::clone(tokens);
    let asked = tokio::task::spawn_blocking(move || ask(&tokens)).await;
    let broken = |_| NoToken::Failed("the renewal of the sign-in broke off".to_owned());
    let ending = |why| Outcome { stage: Stage::SignIn, ending: Ending::NoToken(why) };
    asked.map_err(broken).and_then(|token| token).map_err(ending)
}

/// The relay's addresses, at most [`RELAY_ADDRESSES_MAX`].
pub(super) async fn addresses(relay: &Relay) -> Result<Vec<SocketAddr>, Loss> {
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
async fn open_at(
    relay: &Relay,
    tls: &TlsClient,
    at: SocketAddr,
    login: Option<Login<'_>>,
) -> Result<Session, Outcome> {
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
    if let Some(login) = login {
        sign_in::sign_in(&mut wire, &extensions, login, limit).await?;
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
pub(super) async fn connect(relay: &Relay, at: SocketAddr) -> Result<(Wire, String), Outcome> {
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
pub(super) async fn say_hello(
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
pub(super) async fn start_tls(
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
pub(super) async fn encrypted(relay: &Relay, tls: &TlsClient, wire: Wire) -> Result<Wire, Outcome> {
    tls.encrypt(wire, relay).await.map_err(|loss| Outcome::lost(Stage::StartTls, loss))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        CANARY, Scripted, Step, certified, credentials, hear, relay, say, self_signed, settings,
        shown,
    };
    use super::*;
    use std::time::Duration;

    async fn open(relay: &Relay) -> Result<Session, Outcome> {
        Session::open(relay, &TlsClient::for_relay(relay)?).await
    }

    /// What comes of opening a plain session against this script, and what the relay heard.
    async fn opened(steps: Vec<Step>) -> (String, String) {
        let relay = relay(vec![steps]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.timeouts.command = Duration::from_millis(500);
        let outcome = match open(&settings).await {
            Ok(session) => format!("opened {:?}", session.description().name),
            Err(outcome) => shown(&outcome),
        };
        (outcome, relay.heard().await)
    }

    #[tokio::test]
    async fn a_session_knows_whom_it_speaks_with() {
        let ehlo = say("250-mail.example at your service\r\n250-CHUNKING\r\n250 SIZE 1000");
        let relay =
            relay(vec![vec![say("220 hi"), hear("EHLO"), ehlo, hear("QUIT"), Step::Fin]]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.disable = vec!["chunking".to_owned()];
        let mut session = open(&settings).await.unwrap();
        assert_eq!(session.description().name, "mail.example");
        assert_eq!(session.description().address.port(), relay.port);
        assert_eq!(session.description().encryption, None);
        assert!(session.offers().size == Some(1_000) && !session.offers().chunking);
        assert!(session.is_usable() && session.is_alive().await);
        // The script has no answer to QUIT and closes: that decides nothing.
        session.close().await;
        assert_eq!(relay.heard().await, "EHLO [127.0.0.1]\r\nQUIT\r\n");
    }

    #[tokio::test]
    async fn every_answer_on_the_way_to_a_session_has_its_stage() {
        let heard_hello = "EHLO [127.0.0.1]\r\n";
        let hello = |answer: &str| vec![say("220 hi"), hear("EHLO"), say(answer), Step::Fin];
        for (steps, outcome, heard) in [
            (vec![Step::Fin], "Greeting Closed", ""),
            (vec![Step::Reset], "Greeting Closed", ""),
            (vec![Step::Wait(1_000)], "Greeting TimedOut", ""),
            (vec![say("421 busy")], "Greeting 421 busy", ""),
            (vec![say("554 go away")], "Greeting 554 go away", ""),
            (vec![say("250 hi")], "Greeting NotSmtp", ""),
            (vec![say("SSH-2.0-x")], "Greeting NotSmtp", ""),
            (vec![Step::Say(b"220 hi".to_vec()), Step::Fin], "Greeting Closed", ""),
            (vec![say("220 a\r\n220 b")], "Hello NotSmtp", ""),
            (vec![say("220-a\r\n220 b"), hear("EHLO"), say("250 m")], "opened \"m\"", heard_hello),
            (hello("421 busy"), "Hello 421 busy", heard_hello),
            (hello("550 bad name"), "Hello 550 bad name", heard_hello),
            (hello("354 go"), "Hello NotSmtp", heard_hello),
        ] {
            let (came, listened) = opened(steps).await;
            assert_eq!((came.as_str(), listened.as_str()), (outcome, heard));
        }
    }

    #[tokio::test]
    async fn a_relay_that_does_not_know_ehlo_is_greeted_the_old_way() {
        for code in ["500", "502"] {
            let steps = vec![say("220 hi"), hear("EHLO"), say(code), hear("HELO"), say("250 old")];
            let (came, heard) = opened(steps).await;
            assert_eq!(came, "opened \"old\"");
            assert_eq!(heard, "EHLO [127.0.0.1]\r\nHELO [127.0.0.1]\r\n");
        }
    }

    #[tokio::test]
    async fn the_address_that_answers_is_found_and_a_closed_port_is_told() {
        let relay = relay(vec![vec![say("220 hi"), hear("EHLO"), say("250 x"), Step::Fin]]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.host = "localhost".to_owned();
        settings.hello = Some("mail.forum.example".to_owned());
        // Where localhost is also ::1, nobody answers there.
        assert!(open(&settings).await.unwrap().description().address.is_ipv4());
        assert_eq!(relay.heard().await, "EHLO mail.forum.example\r\n");
        assert_eq!(shown(&open(&settings).await.unwrap_err()), "Connect Refused");
    }

    #[test]
    fn our_end_of_the_connection_is_a_name() {
        for (address, literal) in [
            ("192.0.2.1", "[192.0.2.1]"),
            ("2001:db8::1", "[IPv6:2001:db8::1]"),
            ("::ffff:192.0.2.1", "[192.0.2.1]"),
        ] {
            assert_eq!(address_literal(address.parse().unwrap()), literal);
        }
    }

    #[tokio::test]
    async fn a_name_that_would_end_the_command_is_not_said() {
        for hello in ["", "x y", "x\r\nMAIL FROM:<a@b>", "é"] {
            let relay = relay(vec![vec![say("220 hi")]]).await;
            let mut settings = settings(relay.port, Security::Plain);
            settings.hello = Some(hello.to_owned());
            let outcome = open(&settings).await.unwrap_err();
            assert!(matches!(outcome.ending, Ending::Unsendable(_)), "{hello:?}");
            assert_eq!(relay.heard().await, "", "{hello:?}");
        }
    }

    /// A relay behind STARTTLS, or TLS from the first byte, with a certificate for this name.
    async fn guarded(by: Security, name: &str, year: i32) -> (Scripted, Relay) {
        let (authority, config) = certified(name, year);
        let inside =
            [hear("EHLO"), say("250-inside\r\n250 AUTH PLAIN"), hear("AUTH"), say("235 in")];
        let before = match by {
            Security::StartTls => {
                let offer = say("250-outside\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS");
                vec![say("220 hi"), hear("EHLO"), offer, hear("STARTTLS"), say("220 go")]
            }
            _ => vec![],
        };
        let greeting = (by == Security::Tls).then(|| say("220 hi"));
        let steps = before.into_iter().chain([Step::Tls(config)]).chain(greeting).chain(inside);
        let relay = relay(vec![steps.collect()]).await;
        let mut settings = settings(relay.port, by);
        settings.extra_ca_pem = Some(authority);
        settings.credentials = Some(credentials());
        (relay, settings)
    }

    #[tokio::test]
    async fn tls_guards_the_sign_in() {
        for (by, first) in [(Security::StartTls, 3), (Security::Tls, 1)] {
            let (relay, settings) = guarded(by, "127.0.0.1", 2100).await;
            let session = open(&settings).await.unwrap();
            assert_eq!(session.description().name, "inside");
            assert_eq!(session.offers().auth, ["PLAIN"], "what was offered outside is forgotten");
            let encryption = session.description().encryption.clone().unwrap();
            assert!(encryption.starts_with("TLS 1.3, TLS13_"), "{encryption}");
            drop(session);
            let heard = relay.heard().await;
            assert_eq!(heard.lines().count(), first + 1, "{heard}");
            assert!(heard.lines().nth(first).unwrap().starts_with("AUTH PLAIN "));
        }
    }

    /// Security S4 and S5: no octet of AUTH or MAIL leaves.
    #[tokio::test]
    async fn a_certificate_that_cannot_be_trusted_ends_the_session() {
        for by in [Security::StartTls, Security::Tls] {
            let expired = "the certificate expired on 31 December 2001";
            for (name, year, other_authority, words) in [
                (
                    "mail.example",
                    2100,
                    false,
                    "the certificate is for mail.example, not for 127.0.0.1",
                ),
                ("127.0.0.1", 2001, false, expired),
                (
                    "127.0.0.1",
                    2100,
                    true,
                    "the certificate was issued by nobody this computer knows",
                ),
            ] {
                let (relay, mut settings) = guarded(by, name, year).await;
                if other_authority {
                    settings.extra_ca_pem = Some(certified(name, 2099).0);
                }
                let outcome = open(&settings).await.unwrap_err();
                assert_eq!(outcome, Outcome::lost(Stage::StartTls, Loss::Tls(words.to_owned())));
                let heard = relay.heard().await;
                assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
            }
        }
    }

    /// What `openssl req -x509` makes, and a URL that begins with smtps:// for a port that does
    /// not.
    #[tokio::test]
    async fn usual_mistakes_with_tls_are_called_by_their_names() {
        for (first, words) in [
            (
                Step::Tls(self_signed("127.0.0.1")),
                "the certificate is self-signed: it is an authority's, not a server's certificate",
            ),
            (
                say("220 mail.example ESMTP"),
                "what answers on this port does not speak TLS from the first byte: a mail server \
                 that begins in plain needs smtp+starttls:// for it",
            ),
        ] {
            let relay = relay(vec![vec![first]]).await;
            let mut settings = settings(relay.port, Security::Tls);
            settings.extra_ca_pem = Some(certified("127.0.0.1", 2100).0);
            let outcome = open(&settings).await.unwrap_err();
            assert_eq!(outcome, Outcome::lost(Stage::StartTls, Loss::Tls(words.to_owned())));
        }
    }

    /// Security S4: STARTTLS hidden, refused, or followed by answers that want to be taken for
    /// encrypted ones (CVE-2011-0411).
    #[tokio::test]
    async fn a_relay_in_the_middle_gets_no_password() {
        let offering = |answer: &str| {
            let offer = say("250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS");
            vec![say("220 hi"), hear("EHLO"), offer, hear("STARTTLS"), say(answer)]
        };
        let hiding = vec![say("220 hi"), hear("EHLO"), say("250-x\r\n250 AUTH PLAIN LOGIN")];
        let old = vec![say("220 hi"), hear("EHLO"), say("500"), hear("HELO"), say("250 x")];
        for (steps, outcome) in [
            (hiding, "StartTls NotOffered(\"STARTTLS\")"),
            (old, "StartTls NotOffered(\"STARTTLS\")"),
            (offering("220 go\r\n250-x\r\n250 AUTH PLAIN"), "StartTls NotSmtp"),
            (offering("220 go\r\n2"), "StartTls NotSmtp"),
            (offering("454 not now"), "StartTls 454 not now"),
            (offering("502 no"), "StartTls 502 no"),
            (offering("250 ok"), "StartTls NotSmtp"),
            (
                [offering("220 go"), vec![Step::Wait(200), say("250 x")]].concat(),
                "StartTls Tls(\"what answers on this port does not speak TLS\")",
            ),
            ([offering("220 go"), vec![Step::Fin]].concat(), "StartTls Closed"),
        ] {
            let relay = relay(vec![steps]).await;
            let mut settings = settings(relay.port, Security::StartTls);
            settings.extra_ca_pem = Some(certified("127.0.0.1", 2100).0);
            settings.credentials = Some(credentials());
            let came = shown(&open(&settings).await.unwrap_err());
            let heard = relay.heard().await;
            assert!(!heard.contains("AUTH"), "{came}: {heard}");
            assert_eq!(came, outcome);
        }
    }

    #[tokio::test]
    async fn a_password_never_goes_in_plain() {
        let relay = relay(vec![]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.credentials = Some(credentials());
        let outcome = open(&settings).await.unwrap_err();
        assert_eq!(outcome, Outcome { stage: Stage::SignIn, ending: no_password_in_plain() });
        assert!(!format!("{settings:?}").contains(CANARY));
    }
}
