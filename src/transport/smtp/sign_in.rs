//! Signs in: one mechanism, one try on a connection.
//!
//! Owns AUTH PLAIN and LOGIN with a password, OAUTHBEARER and XOAUTH2 with a token. Where a password
//! comes from is `config`'s, where a token comes from `tokens/`; that a refused token is tried once
//! more after a renewal is `session`'s.
//!
//! # Standards
//! RFC 4954 (AUTH), RFC 4616 (PLAIN), RFC 7628 (OAUTHBEARER); LOGIN is draft-murchison-sasl-login,
//! never an RFC, and what many servers still offer alone; XOAUTH2 is Google's and Microsoft's,
//! written down in the documents of both.
//!
//! # Invariants
//! No credential leaves in plain (security S4). A refusal is never followed by a second try, also
//! not with another mechanism: servers lock accounts. No answer that repeats the password or token
//! to us leaves this file with it (security S16).

use super::wire::Wire;
use super::{Extensions, expected};
use crate::limits::COMMAND_LINE_OCTETS_MAX;
use crate::response::Response;
use crate::secret::Secret;
use crate::transport::{Ending, Loss, Outcome, Stage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// Who signs in on this connection, and by what.
#[derive(Clone, Copy)]
pub(super) enum Login<'a> {
    /// PLAIN or LOGIN.
    Password {
        /// The sign-in name.
        name: &'a str,
        /// The password.
        password: &'a Secret,
    },
    /// OAUTHBEARER or XOAUTH2.
    Token {
        /// The sign-in name.
        name: &'a str,
        /// The access token.
        token: &'a Secret,
    },
}

/// Signs in with what the relay offers: PLAIN, else LOGIN; with a token OAUTHBEARER, else XOAUTH2.
///
/// # Errors
/// An outcome of [`Stage::SignIn`]: refused, lost, neither mechanism offered, or a connection in
/// plain.
pub(super) async fn sign_in(
    wire: &mut Wire,
    offered: &Extensions,
    login: Login<'_>,
    limit: Duration,
) -> Result<(), Outcome> {
    if wire.encryption().is_none() {
        let ending = super::session::no_password_in_plain();
        return Err(Outcome { stage: Stage::SignIn, ending });
    }
    login.fit().map_err(|ending| Outcome { stage: Stage::SignIn, ending })?;
    let Some(mechanism) = login.mechanism(offered) else {
        let ending = Ending::NotOffered(login.wanted());
        return Err(Outcome { stage: Stage::SignIn, ending });
    };
    let answer = mechanism.speak(wire, login, limit).await;
    let answer = masked(answer, login);
    expected(Stage::SignIn, answer, Response::is_positive).map(drop)
}

/// Whether a refusal may be about the age of a token: then another one may be taken (535 as RFC
/// 4954 6 has it, and whatever servers answer in its place). Not where Exchange says that this
/// mailbox may not sign in at all (5.7.139).
pub(super) fn may_be_spent(outcome: &Outcome) -> bool {
    let Ending::Answered(response) = &outcome.ending else { return false };
    let detail = response.enhanced.map(|e| (e.subject, e.detail));
    outcome.stage == Stage::SignIn && response.is_permanent() && detail != Some((7, 139))
}

/// The same outcome, told as the refusal of a token and not of a password.
pub(super) fn token_refused(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome { stage: Stage::SignIn, ending: Ending::Answered(response) }
            if response.is_permanent() =>
        {
            Outcome { stage: Stage::SignIn, ending: Ending::TokenRefused(response) }
        }
        other => other,
    }
}

#[derive(Clone, Copy)]
enum Mechanism {
    Plain,
    Login,
    OAuthBearer,
    XOAuth2,
}

use Mechanism::{OAuthBearer, Plain, XOAuth2};

impl Login<'_> {
    fn secret(&self) -> &Secret {
        match self {
            Login::Password { password: secret, .. } | Login::Token { token: secret, .. } => secret,
        }
    }

    fn name(&self) -> &str {
        match self {
            Login::Password { name, .. } | Login::Token { name, .. } => name,
        }
    }

    /// Whether name and secret keep their places: NUL separates them in PLAIN (RFC 4616 2), ^A with
    /// a token (RFC 7628 3.1).
    fn fit(&self) -> Result<(), Ending> {
        let parts = [self.name(), self.secret().reveal()].concat();
        let (separates, what) = match self {
            Login::Password { .. } => ('\0', "the sign-in name or password holds a NUL"),
            Login::Token { .. } => ('\u{1}', "the sign-in name or token holds a ^A"),
        };
        match parts.contains(separates) {
            true => Err(Ending::Unsendable(what.to_owned())),
            false => Ok(()),
        }
    }

    fn mechanism(&self, offered: &Extensions) -> Option<Mechanism> {
        let known = match self {
            Login::Password { .. } => [Plain, Mechanism::Login],
            Login::Token { .. } => [OAuthBearer, XOAuth2],
        };
        let is_offered = |m: &Mechanism| offered.auth.iter().any(|name| name == m.name());
        known.into_iter().find(is_offered)
    }

    /// The name of the mechanism that would be used.
    pub(super) fn chosen(&self, offered: &Extensions) -> Option<&'static str> {
        self.mechanism(offered).map(Mechanism::name)
    }

    fn wanted(&self) -> &'static str {
        match self {
            Login::Password { .. } => "AUTH PLAIN or LOGIN",
            Login::Token { .. } => "AUTH OAUTHBEARER or XOAUTH2",
        }
    }
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            OAuthBearer => "OAUTHBEARER",
            XOAuth2 => "XOAUTH2",
        }
    }

    /// The whole exchange up to its last answer.
    async fn speak(
        self,
        wire: &mut Wire,
        who: Login<'_>,
        limit: Duration,
    ) -> Result<Response, Loss> {
        match self {
            Plain => initial(wire, self, who, limit).await,
            Mechanism::Login => login(wire, who, limit).await,
            OAuthBearer | XOAuth2 => {
                let answer = initial(wire, self, who, limit).await?;
                match answer.code {
                    // The refusal's reasons come as a challenge; the refusal itself after it.
                    334 => wire.ask(self.heard_the_reasons(), limit).await,
                    _ => Ok(answer),
                }
            }
        }
    }

    /// RFC 7628 3.2.3: one ^A; XOAUTH2 has an empty line.
    fn heard_the_reasons(self) -> &'static str {
        if matches!(self, OAuthBearer) { "AQ==" } else { "" }
    }

    /// What is said in one piece, in base64.
    fn response(self, who: Login<'_>) -> String {
        let (name, secret) = (who.name(), who.secret().reveal());
        STANDARD.encode(match self {
            // No authorisation identity, NUL, name, NUL, password (RFC 4616).
            Plain | Mechanism::Login => format!("\0{name}\0{secret}"),
            // RFC 7628 3.1 behind the header of RFC 5801 4, whose names have two escapes.
            OAuthBearer => {
                let name = name.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={name},\u{1}auth=Bearer {secret}\u{1}\u{1}")
            }
            XOAuth2 => format!("user={name}\u{1}auth=Bearer {secret}\u{1}\u{1}"),
        })
    }
}

/// A mechanism of one response, with the command where it fits into a line (RFC 4954 4).
async fn initial(
    wire: &mut Wire,
    mechanism: Mechanism,
    who: Login<'_>,
    limit: Duration,
) -> Result<Response, Loss> {
    let secret = mechanism.response(who);
    let bare = format!("AUTH {}", mechanism.name());
    let command = format!("{bare} {secret}");
    let fits = command.len() + 2 <= COMMAND_LINE_OCTETS_MAX;
    let answer = wire.ask(if fits { &command } else { &bare }, limit).await?;
    // Also from servers that overlook an initial response: their challenge is empty.
    let is_bare = !fits || answer.lines.iter().all(|line| line.trim_ascii().is_empty());
    match answer.code {
        334 if is_bare || matches!(mechanism, Plain) => wire.ask(&secret, limit).await,
        _ => Ok(answer),
    }
}

/// Name and password, each after a 334.
async fn login(wire: &mut Wire, who: Login<'_>, limit: Duration) -> Result<Response, Loss> {
    let mut answer = wire.ask("AUTH LOGIN", limit).await?;
    for part in [who.name(), who.secret().reveal()] {
        if answer.code != 334 {
            break;
        }
        answer = wire.ask(&STANDARD.encode(part), limit).await?;
    }
    Ok(answer)
}

/// An answer without our password or token: some servers quote the command they did not understand.
fn masked(answer: Result<Response, Loss>, who: Login<'_>) -> Result<Response, Loss> {
    let secret = who.secret().reveal();
    let whole = [Plain, OAuthBearer, XOAuth2].map(|mechanism| mechanism.response(who));
    let spellings: Vec<String> =
        whole.into_iter().chain([STANDARD.encode(secret), secret.to_owned()]).collect();
    let mask = |text: &str| {
        let hidden = |text: String, secret: &String| text.replace(secret.as_str(), "****");
        spellings.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), hidden)
    };
    let holds_one = |text: &str| mask(text) != text;
    match answer {
        Ok(response) => {
            let lines = response.lines.into_iter().map(|line| {
                let text = String::from_utf8_lossy(&line);
                if holds_one(&text) { mask(&text).into_bytes() } else { line }
            });
            Ok(Response::new(response.code, lines.collect()))
        }
        Err(Loss::NotSmtp(words)) => Err(Loss::NotSmtp(mask(&words))),
        Err(loss) => Err(loss),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        CANARY, Step, certified, credentials, hear, relay, say, settings, shown,
    };
    use super::super::{Credentials, Proof, Security, Session, TlsClient};
    use super::*;
    use crate::time::Clock;
    use crate::transport::tokens::Tokens;
    use std::sync::Arc;

    /// What comes of signing in over TLS, and what the relay heard behind EHLO.
    async fn signed_in(offer: &str, who: Credentials, steps: Vec<Step>) -> (String, String) {
        let (authority, config) = certified("127.0.0.1", 2100);
        let hello = [Step::Tls(config), say("220 hi"), hear("EHLO"), say(offer)];
        let relay = relay(vec![[hello.to_vec(), steps].concat()]).await;
        let mut settings = settings(relay.port, Security::Tls);
        settings.extra_ca_pem = Some(authority);
        settings.credentials = Some(who);
        let tls = TlsClient::for_relay(&settings).unwrap();
        let came = match Session::open(&settings, &tls).await {
            Ok(_) => "signed in".to_owned(),
            Err(outcome) => {
                assert!(!format!("{outcome:?}").contains(CANARY));
                shown(&outcome)
            }
        };
        let heard = relay.heard().await;
        (came, heard.split_once("\r\n").unwrap().1.to_owned())
    }

    fn base64(text: &str) -> String {
        STANDARD.encode(text)
    }

    #[tokio::test]
    async fn plain_goes_in_one_line_and_login_in_three() {
        let response = base64(&format!("\0ana\0{CANARY}"));
        let login = format!("AUTH LOGIN\r\n{}\r\n{}\r\n", base64("ana"), base64(CANARY));
        for (offer, steps, expected) in [
            ("AUTH LOGIN PLAIN", vec!["235 in"], format!("AUTH PLAIN {response}\r\n")),
            ("AUTH=PLAIN", vec!["235 in"], format!("AUTH PLAIN {response}\r\n")),
            // A server that overlooked the initial response.
            (
                "AUTH PLAIN",
                vec!["334 ", "235 in"],
                format!("AUTH PLAIN {response}\r\n{response}\r\n"),
            ),
            ("AUTH XOAUTH2 LOGIN", vec!["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 in"], login),
        ] {
            let steps = steps.into_iter().flat_map(|answer| [hear(""), say(answer)]).collect();
            let offer = format!("250-x\r\n250 {offer}");
            assert_eq!(
                signed_in(&offer, credentials(), steps).await,
                ("signed in".into(), expected)
            );
        }
    }

    #[tokio::test]
    async fn a_long_password_does_not_break_the_command_line() {
        let who = Credentials {
            name: "ana".into(),
            proof: Proof::Password(Secret::new("x".repeat(600))),
        };
        let steps = vec![hear("AUTH"), say("334 "), hear(""), say("235 in")];
        let (came, heard) = signed_in("250-x\r\n250 AUTH PLAIN", who, steps).await;
        assert_eq!(came, "signed in");
        assert!(heard.starts_with("AUTH PLAIN\r\n"));
    }

    #[tokio::test]
    async fn a_refusal_is_the_only_try() {
        for (answer, outcome) in [
            ("535 5.7.8 no", "SignIn 535 5.7.8 no"),
            ("454 4.7.0 later", "SignIn 454 4.7.0 later"),
            ("354 go", "SignIn NotSmtp"),
        ] {
            let steps = vec![hear("AUTH"), say(answer)];
            let offer = "250-x\r\n250 AUTH PLAIN LOGIN";
            let (came, heard) = signed_in(offer, credentials(), steps).await;
            assert_eq!((came.as_str(), heard.lines().count()), (outcome, 1));
        }
        let steps = vec![hear("AUTH LOGIN"), say("334 "), hear(""), say("535 no")];
        let (came, heard) = signed_in("250-x\r\n250 AUTH LOGIN", credentials(), steps).await;
        assert_eq!((came.as_str(), heard.lines().count()), ("SignIn 535 no", 2));
    }

    #[tokio::test]
    async fn without_a_mechanism_of_ours_nothing_is_said() {
        for offer in ["250 x", "250-x\r\n250 AUTH GSSAPI XOAUTH2"] {
            let (came, heard) = signed_in(offer, credentials(), vec![]).await;
            assert_eq!(came, "SignIn NotOffered(\"AUTH PLAIN or LOGIN\")");
            assert_eq!(heard, "");
        }
    }

    /// Security S16: some servers quote what they did not understand.
    #[tokio::test]
    async fn an_answer_that_quotes_the_password_is_masked() {
        let response = base64(&format!("\0ana\0{CANARY}"));
        for (answer, outcome) in [
            (format!("500 what is {response}?"), "SignIn 500 what is ****?"),
            (format!("535-{}\r\n535 {CANARY}", base64(CANARY)), "SignIn 535 **** ****"),
            (format!("AUTH PLAIN {response}?"), "SignIn NotSmtp"),
        ] {
            let steps = vec![hear("AUTH"), say(&answer)];
            let (came, _) = signed_in("250-x\r\n250 AUTH PLAIN", credentials(), steps).await;
            assert_eq!(came, outcome);
        }
    }

    /// Somebody with tokens that a command prints, one after the other; the last one again and again.
    fn with_tokens(tokens: &'static [&'static str]) -> Credentials {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let print = move || {
            let n = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(tokens.len() - 1);
            Ok(Secret::new(tokens[n].to_owned()))
        };
        let tokens = Tokens::of_command(Box::new(print), Clock::system());
        Credentials { name: "ana,b".into(), proof: Proof::Token(Arc::new(tokens)) }
    }

    const TWO: &[&str] = &[CANARY, "canary-other"];
    const XOAUTH2: &str = "250-x\r\n250 AUTH PLAIN XOAUTH2";
    const OAUTHBEARER: &str = "250-x\r\n250 AUTH XOAUTH2 OAUTHBEARER";

    fn xoauth2(token: &str) -> String {
        base64(&format!("user=ana,b\u{1}auth=Bearer {token}\u{1}\u{1}"))
    }

    #[tokio::test]
    async fn a_token_goes_in_the_form_of_the_mechanism_that_is_offered() {
        let bearer = base64(&format!("n,a=ana=2Cb,\u{1}auth=Bearer {CANARY}\u{1}\u{1}"));
        let (plain, reasons) = (xoauth2(CANARY), base64("{\"status\":\"401\"}"));
        let with_reasons: &str = Box::leak(format!("334 {reasons}").into_boxed_str());
        for (offer, answers, came, heard) in [
            (XOAUTH2, vec!["235 in"], "signed in", format!("AUTH XOAUTH2 {plain}\r\n")),
            (OAUTHBEARER, vec!["235 in"], "signed in", format!("AUTH OAUTHBEARER {bearer}\r\n")),
            // A server that overlooked the initial response.
            (
                XOAUTH2,
                vec!["334 ", "235 in"],
                "signed in",
                format!("AUTH XOAUTH2 {plain}\r\n{plain}\r\n"),
            ),
            // The reasons are heard, each in its mechanism's way, before the refusal comes.
            (
                XOAUTH2,
                vec![with_reasons, "454 4.7.0 later"],
                "SignIn 454 4.7.0 later",
                format!("AUTH XOAUTH2 {plain}\r\n\r\n"),
            ),
            (
                OAUTHBEARER,
                vec![with_reasons, "454 4.7.0 later"],
                "SignIn 454 4.7.0 later",
                format!("AUTH OAUTHBEARER {bearer}\r\nAQ==\r\n"),
            ),
        ] {
            let steps = answers.into_iter().flat_map(|answer| [hear(""), say(answer)]).collect();
            let found = signed_in(offer, with_tokens(TWO), steps).await;
            assert_eq!(found, (came.to_owned(), heard));
        }
        let (came, heard) =
            signed_in("250-x\r\n250 AUTH PLAIN LOGIN", with_tokens(TWO), vec![]).await;
        assert_eq!(came, "SignIn NotOffered(\"AUTH OAUTHBEARER or XOAUTH2\")");
        assert_eq!(heard, "");
    }

    /// What comes of these answers to AUTH, one connection each, and how often AUTH was said.
    async fn tried(who: Credentials, answers: &[&'static str]) -> (String, usize) {
        let (authority, config) = certified("127.0.0.1", 2100);
        let script = |answer: &&'static str| {
            let hello = [Step::Tls(Arc::clone(&config)), say("220 hi"), hear("EHLO"), say(XOAUTH2)];
            [hello.to_vec(), vec![hear("AUTH"), say(answer)]].concat()
        };
        let relay = relay(answers.iter().map(script).collect()).await;
        let mut settings = settings(relay.port, Security::Tls);
        settings.extra_ca_pem = Some(authority);
        settings.credentials = Some(who);
        let tls = TlsClient::for_relay(&settings).unwrap();
        let came = match Session::open(&settings, &tls).await {
            Ok(_) => "signed in".to_owned(),
            Err(outcome) => shown(&outcome),
        };
        assert!(!came.contains("canary"), "{came}");
        (came, relay.heard().await.matches("AUTH XOAUTH2").count())
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once() {
        let refused = "535 5.7.3 Authentication unsuccessful";
        let switched_off = "535 5.7.139 SmtpClientAuthentication is disabled for the Mailbox";
        for (tokens, answers, expected, tries) in [
            (TWO, &[refused, "235 in"][..], "signed in", 2),
            (TWO, &[refused, refused], "TokenRefused", 2),
            (TWO, &[refused, "454 4.7.0 later"], "454 4.7.0 later", 2),
            // The same token again would be the same try.
            (&TWO[..1], &[refused], "TokenRefused", 1),
            // It is about the mailbox, not about the token.
            (TWO, &[switched_off], "TokenRefused", 1),
            (TWO, &["454 4.7.0 later"], "454 4.7.0 later", 1),
        ] {
            let (came, tried) = tried(with_tokens(tokens), answers).await;
            assert!(came.contains(expected), "{answers:?}: {came}");
            assert_eq!(tried, tries, "{answers:?}");
        }
    }

    /// Security S16.
    #[tokio::test]
    async fn an_answer_that_quotes_the_token_is_masked() {
        for answer in [format!("454 what is {CANARY}?"), format!("454 no {}", xoauth2(CANARY))] {
            let steps = vec![hear("AUTH"), say(&answer)];
            let (came, _) = signed_in(XOAUTH2, with_tokens(TWO), steps).await;
            assert!(came.contains("****"), "{came}");
        }
    }

    #[test]
    fn a_nul_cannot_shift_the_parts() {
        let secret = Secret::new("x".into());
        let fits = |login: Login<'_>| login.fit().is_ok();
        assert!(!fits(Login::Password { name: "ana\0root", password: &secret }));
        assert!(!fits(Login::Token { name: "ana\u{1}auth=Bearer y", token: &secret }));
        assert!(fits(Login::Token { name: "ana", token: &secret }));
    }
}
