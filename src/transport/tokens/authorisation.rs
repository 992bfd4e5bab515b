//! Signs a person in with a browser: an address to open, then tokens.
//!
//! Owns the port of this computer that the browser comes back to, what it is asked and shown there,
//! and the proof that the answer belongs to our question. Opening the browser is the shell's.
//!
//! # Standards
//! RFC 6749 4.1 (authorisation code), RFC 8252 7.3, 8.3 (loopback), RFC 7636 (PKCE, S256).
//!
//! # Invariants
//! The port listens on this computer only, until one answer with our `state` has come; whatever
//! else comes is refused and changes nothing. The code is worth nothing without the verifier, which
//! never leaves but to the token endpoint.
//!
//! # Failure
//! [`NoToken`].

use super::answer::{self, Denied, Granted};
use super::{Client, NoToken, http};
use crate::limits::{
    BROWSER_READ_TIMEOUT, BROWSER_REQUEST_OCTETS_MAX, SIGN_IN_CHANCE_OCTETS, SIGN_IN_TIMEOUT,
};
use crate::secret::Secret;
use crate::time::Steady;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// How often the port is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A sign-in that has begun: the browser is on its way.
pub struct Authorisation {
    client: Client,
    listener: TcpListener,
    redirect: String,
    state: Secret,
    verifier: Secret,
}

impl Authorisation {
    /// Opens the port.
    ///
    /// # Errors
    /// [`NoToken::Failed`] when there is no free port, or no chance to draw from.
    pub fn begin(client: Client) -> Result<Authorisation, NoToken> {
        let failed = |error: io::Error| {
            NoToken::Failed(format!("the browser would find nobody to come back to: {error}"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let redirect = format!("http://{}:{port}", client.provider.loopback);
        let (state, verifier) = (drawn()?, drawn()?);
        Ok(Authorisation { client, listener, redirect, state, verifier })
    }

    /// The address for the browser (RFC 6749 4.1.1). Whoever reads it can do nothing with it.
    #[must_use]
    pub fn url(&self) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.reveal()));
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", &self.redirect),
            ("scope", self.client.provider.scope),
            ("state", self.state.reveal()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", &self.client.name),
        ];
        fields.extend(self.client.provider.extra);
        format!("{}?{}", self.client.provider.authorisation, http::form(&fields))
    }

    /// Waits for the browser, asks for the tokens and shows the person how it went.
    ///
    /// # Errors
    /// [`NoToken`] when nobody came in time, the person declined, or the provider refused.
    pub fn wait(self) -> Result<Granted, NoToken> {
        let (mut browser, answer) = self.browser()?;
        let granted = answer.and_then(|code| self.exchange(&code));
        // Whoever has closed the page reads the terminal.
        let _ = browser.write_all(page(granted.is_ok()).as_bytes());
        granted
    }

    /// The connection that brought our state back, with the code or the refusal.
    fn browser(&self) -> Result<(TcpStream, Result<Secret, NoToken>), NoToken> {
        let begun = Steady::now();
        while begun.elapsed() < SIGN_IN_TIMEOUT {
            let Ok((mut browser, _)) = self.listener.accept() else {
                std::thread::sleep(LOOK_EVERY);
                continue;
            };
            match asked(&mut browser).and_then(|query| self.answer(&query)) {
                Some(answer) => return Ok((browser, answer)),
                // A page of somebody else, or a browser that looks for an icon.
                None => drop(browser.write_all(NOT_HERE.as_bytes())),
            }
        }
        Err(NoToken::SignInAgain("nobody came back from the browser in time".to_owned()))
    }

    /// What a query says to our question; `None`: it is no answer to it.
    fn answer(&self, query: &str) -> Option<Result<Secret, NoToken>> {
        let fields = http::fields_of(query);
        let value = |name: &str| {
            let mut of_name = fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
            // One that is there twice is ambiguous (RFC 6749 3.1).
            of_name.next().filter(|_| of_name.next().is_none())
        };
        if !is_same(value("state")?, self.state.reveal()) {
            return None;
        }
        match (value("code"), value("error")) {
            (Some(code), None) => Some(Ok(Secret::new(code.to_owned()))),
            (_, error) => {
                let words = value("error_description").unwrap_or_default();
                let denied = Denied::of(400, error.unwrap_or("invalid_request"), words);
                Some(Err(denied.explained(self.client.provider.name)))
            }
        }
    }

    /// RFC 6749 4.1.3, with RFC 7636 4.5.
    fn exchange(&self, code: &Secret) -> Result<Granted, NoToken> {
        let mut fields = self.client.fields();
        fields.extend([
            ("grant_type", "authorization_code"),
            ("code", code.reveal()),
            ("redirect_uri", &self.redirect),
            ("code_verifier", self.verifier.reveal()),
            ("scope", self.client.provider.scope),
        ]);
        let who = self.client.provider.name;
        let (status, body) = http::post(&self.client.provider.token, &fields, who)?;
        let granted = answer::granted(status, &body, who);
        granted.map_err(|denied| denied.masked(&[code, &self.verifier]).explained(who))
    }
}

/// A text that nobody can guess, of characters that stand in any query.
fn drawn() -> Result<Secret, NoToken> {
    let mut octets = [0; SIGN_IN_CHANCE_OCTETS];
    let drawn = rustls::crypto::ring::default_provider().secure_random.fill(&mut octets);
    let failed = |_| NoToken::Failed("this computer has no source of chance".to_owned());
    drawn.map_err(failed)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(octets)))
}

/// Whether two texts are the same, in a time that says nothing about where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differ) == 0
}

/// The query of a request for `/` (RFC 9112 3); `None` for any other.
fn asked(browser: &mut TcpStream) -> Option<String> {
    let head = read_head(browser).ok()?;
    let line = head.lines().next()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?')?;
    (method == "GET" && path == "/").then(|| query.to_owned())
}

/// A request up to its empty line, within [`BROWSER_READ_TIMEOUT`] as a whole.
fn read_head(browser: &mut TcpStream) -> io::Result<String> {
    browser.set_nonblocking(false)?;
    let begun = Steady::now();
    let (mut head, mut block) = (Vec::new(), [0; 4_096]);
    loop {
        let left = BROWSER_READ_TIMEOUT.saturating_sub(begun.elapsed());
        if left.is_zero() || head.len() > BROWSER_REQUEST_OCTETS_MAX {
            return Err(io::ErrorKind::TimedOut.into());
        }
        browser.set_read_timeout(Some(left))?;
        browser.set_write_timeout(Some(left))?;
        match browser.read(&mut block)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => head.extend_from_slice(&block[..count]),
        }
        if head.windows(4).any(|octets| octets == b"\r\n\r\n") {
            return Ok(String::from_utf8_lossy(&head).into_owned());
        }
    }
}

/// For whatever is no answer.
const NOT_HERE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What the person sees. It loads nothing, and no program on the way keeps it.
fn page(is_signed_in: bool) -> String {
    let (title, text) = match is_signed_in {
        true => ("You are signed in", "Close this page and go back to secretariat."),
        false => ("You are not signed in", "Close this page; secretariat says what happened."),
    };
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <body style=\"font: 1.2em sans-serif; margin: 4em\"><h1>{title}</h1><p>{text}</p>\n"
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::super::Provider;
    use super::*;

    fn begun() -> Authorisation {
        let provider = Provider::microsoft("forum.example");
        let name = "secretariat@forum.example".to_owned();
        Authorisation::begin(Client { provider, id: "id".to_owned(), secret: None, name }).unwrap()
    }

    #[test]
    fn the_address_holds_a_challenge_and_no_verifier() {
        let (one, other) = (begun(), begun());
        let url = one.url();
        assert!(!url.contains(one.verifier.reveal()));
        assert_ne!(one.state, other.state);
        assert_ne!(one.verifier, one.state);
        // RFC 7636 4.1: 43 characters at least.
        assert_eq!(one.verifier.reveal().len(), 43);
        let (base, query) = url.split_once('?').unwrap();
        assert!(base.starts_with("https://login.microsoftonline.com/forum.example/"));
        let fields = http::fields_of(query);
        let challenge = fields.iter().find(|(name, _)| name == "code_challenge").unwrap();
        let digest = URL_SAFE_NO_PAD.decode(&challenge.1).unwrap();
        assert_eq!(digest, Sha256::digest(one.verifier.reveal()).to_vec());
    }

    /// RFC 6749 10.12: a page of somebody else may send the browser here too.
    #[test]
    fn an_answer_to_another_question_is_none() {
        let begun = begun();
        let state = begun.state.reveal();
        let read = |query: &str| begun.answer(query);
        assert_eq!(read(&format!("code=c&state={state}")), Some(Ok(Secret::new("c".to_owned()))));
        for query in [
            "code=c".to_owned(),
            "code=c&state=".to_owned(),
            format!("code=c&state={state}x"),
            format!("code=c&state={}", &state[1..]),
            format!("code=c&state={state}&state={state}"),
        ] {
            assert_eq!(read(&query), None, "{query}");
        }
        let declined = read(&format!("error=access_denied&state={state}")).unwrap().unwrap_err();
        assert!(matches!(declined, NoToken::SignInAgain(_)), "{declined}");
        assert!(read(&format!("code=a&code=b&state={state}")).unwrap().is_err());
    }

    #[test]
    fn only_a_request_for_the_page_itself_is_read() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        for (request, expected) in [
            ("GET /?a=b HTTP/1.1\r\nHost: x\r\n\r\n", Some("a=b")),
            ("GET /favicon.ico HTTP/1.1\r\n\r\n", None),
            ("GET /favicon.ico?a=b HTTP/1.1\r\n\r\n", None),
            ("POST /?a=b HTTP/1.1\r\n\r\n", None),
            ("\r\n\r\n", None),
            ("GET /?a=b", None),
        ] {
            let mut browser = TcpStream::connect(at).unwrap();
            browser.write_all(request.as_bytes()).unwrap();
            browser.shutdown(std::net::Shutdown::Write).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            assert_eq!(asked(&mut stream).as_deref(), expected, "{request:?}");
        }
    }
}
