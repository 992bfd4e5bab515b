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
    check(wire, credentials).map_err(|ending| Outcome { stage: Stage::SignIn, ending })?;
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

/// What must never be tried.
fn check(wire: &Wire, credentials: &Credentials) -> Result<(), Ending> {
    if wire.encryption().is_none() {
        return Err(super::session::no_password_in_plain());
    }
    // RFC 4616 2: NUL separates the parts.
    if [credentials.name.as_str(), credentials.password.reveal()].iter().any(|t| t.contains('\0')) {
        return Err(Ending::Unsendable("the sign-in name or the password holds a NUL".to_owned()));
    }
    Ok(())
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
