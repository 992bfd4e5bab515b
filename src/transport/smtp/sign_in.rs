//! Signs in: one mechanism, one try.
//!
//! Owns AUTH PLAIN and LOGIN. Where the password comes from is `config`'s.
//!
//! # Standards
//! RFC 4954 (AUTH), RFC 4616 (PLAIN); LOGIN is draft-murchison-sasl-login, never an RFC, and what
//! many servers still offer alone.
//!
//! # Invariants
//! No credential leaves in plain (security S4). A refusal is never followed by a second try, also
//! not with another mechanism: servers lock accounts. No answer that repeats the password to us
//! leaves this file with it (security S16).

use super::wire::Wire;
use super::{Credentials, Extensions, expected};
use crate::limits::COMMAND_LINE_OCTETS_MAX;
use crate::response::Response;
use crate::transport::{Ending, Loss, Outcome, Stage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// Signs in with what the relay offers: PLAIN, else LOGIN.
///
/// # Errors
/// An outcome of [`Stage::SignIn`]: refused, lost, neither mechanism offered, or a connection in
/// plain.
pub(super) async fn sign_in(
    wire: &mut Wire,
    offered: &Extensions,
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), Outcome> {
    if wire.encryption().is_none() {
        let ending = super::session::no_password_in_plain();
        return Err(Outcome { stage: Stage::SignIn, ending });
    }
    fit(credentials).map_err(|ending| Outcome { stage: Stage::SignIn, ending })?;
    let offers = |mechanism: &str| offered.auth.iter().any(|name| name == mechanism);
    let answer = if offers("PLAIN") {
        plain(wire, credentials, limit).await
    } else if offers("LOGIN") {
        login(wire, credentials, limit).await
    } else {
        let ending = Ending::NotOffered("AUTH PLAIN or LOGIN");
        return Err(Outcome { stage: Stage::SignIn, ending });
    };
    let answer = masked(answer, credentials);
    expected(Stage::SignIn, answer, Response::is_positive).map(drop)
}

/// Whether name and password keep their places: NUL separates them (RFC 4616 2).
fn fit(credentials: &Credentials) -> Result<(), Ending> {
    match [credentials.name.as_str(), credentials.password.reveal()].concat().contains('\0') {
        true => Err(Ending::Unsendable("the sign-in name or password holds a NUL".to_owned())),
        false => Ok(()),
    }
}

/// RFC 4616, with the initial response where it fits into a command line (RFC 4954 4).
async fn plain(wire: &mut Wire, who: &Credentials, limit: Duration) -> Result<Response, Loss> {
    let secret = plain_response(who);
    let command = format!("AUTH PLAIN {secret}");
    let fits = command.len() + 2 <= COMMAND_LINE_OCTETS_MAX;
    let answer = wire.ask(if fits { &command } else { "AUTH PLAIN" }, limit).await?;
    match answer.code {
        // Also from servers that overlook an initial response.
        334 => wire.ask(&secret, limit).await,
        _ => Ok(answer),
    }
}

/// Name and password, each after a 334.
async fn login(wire: &mut Wire, who: &Credentials, limit: Duration) -> Result<Response, Loss> {
    let mut answer = wire.ask("AUTH LOGIN", limit).await?;
    for part in [who.name.as_str(), who.password.reveal()] {
        if answer.code != 334 {
            break;
        }
        answer = wire.ask(&STANDARD.encode(part), limit).await?;
    }
    Ok(answer)
}

/// No authorisation identity, NUL, name, NUL, password.
fn plain_response(who: &Credentials) -> String {
    STANDARD.encode(format!("\0{}\0{}", who.name, who.password.reveal()))
}

/// An answer without our password: some servers quote the command they did not understand.
fn masked(answer: Result<Response, Loss>, who: &Credentials) -> Result<Response, Loss> {
    let password = who.password.reveal();
    let spellings = [plain_response(who), STANDARD.encode(password), password.to_owned()];
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
    use super::super::{Security, Session, TlsClient};
    use super::*;
    use crate::secret::Secret;

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
        let who = Credentials { name: "ana".into(), password: Secret::new("x".repeat(600)) };
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

    #[test]
    fn a_nul_cannot_shift_the_parts() {
        let who = Credentials { name: "ana\0root".into(), password: Secret::new("x".into()) };
        assert!(fit(&who).is_err());
    }
}
