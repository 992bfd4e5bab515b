//! An identity provider on this computer: it lets somebody in, and gives tokens that end.
//!
//! Owns the endpoints of RFC 6749 and RFC 8628 as the program needs them, and holds its requests
//! against their rules: PKCE, the same redirect, a code used once, a refresh token used once where
//! they rotate. What it refuses is what the test says. It shares no line with the program.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secretariat::id::Digest;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The id under which the program is registered here.
pub const CLIENT_ID: &str = "11111111-2222";
/// What every token holds, so that it is found wherever it must not be.
pub const CANARY: &str = "kanarienvogel-token";

/// What the provider knows and does.
#[derive(Default)]
struct State {
    /// Access tokens that are good.
    good: HashSet<String>,
    refresh: HashSet<String>,
    /// Codes, with the challenge and the redirect they were asked with.
    codes: HashMap<String, (String, String)>,
    given: usize,
    renewals: usize,
    rotates: bool,
    lasts_seconds: u64,
    /// The answer to each renewal in place of tokens, once there were so many.
    refusal: Option<(usize, u16, String)>,
    /// Answers to looks at a device code before it was typed.
    before_typed: Vec<&'static str>,
    /// The refusal that the browser brings back.
    declined: Option<&'static str>,
    /// Characters of an access token at least.
    token_length: usize,
    violations: Vec<String>,
}

/// A running provider; its thread ends with the test.
#[derive(Clone)]
pub struct Provider {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound port").port();
        let state = State { lasts_seconds: 3_600, ..State::default() };
        let provider = Provider { port, state: Arc::new(Mutex::new(state)) };
        let serving = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.serve(stream);
            }
        });
        provider
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Gives another refresh token with each renewal; the one used is void.
    pub fn rotating(self) -> Provider {
        self.state().rotates = true;
        self
    }

    /// How long tokens are good, as told; they are good until [`Provider::expire`].
    pub fn lasting(self, seconds: u64) -> Provider {
        self.state().lasts_seconds = seconds;
        self
    }

    /// Access tokens as long as the great services' are.
    pub fn long_tokens(self) -> Provider {
        self.state().token_length = 2_000;
        self
    }

    /// What is answered, in order, before a device code counts as typed.
    pub fn before_typed(self, answers: &[&'static str]) -> Provider {
        self.state().before_typed = answers.iter().rev().copied().collect();
        self
    }

    /// The person declines in the browser.
    pub fn declined(self, error: &'static str) -> Provider {
        self.state().declined = Some(error);
        self
    }

    /// Every access token given until now is spent.
    pub fn expire(&self) {
        self.state().good.clear();
    }

    /// Renewals are refused with this status and body after so many, or let in again. `{refresh}` is
    /// what the provider was told.
    pub fn refuse_renewals(&self, refusal: Option<(usize, u16, &str)>) {
        self.state().refusal = refusal.map(|(n, status, body)| (n, status, body.to_owned()));
    }

    /// Whether an access token is good, for a relay.
    pub fn is_good(&self) -> impl Fn(&str) -> bool + Send + Sync + use<> {
        let state = Arc::clone(&self.state);
        move |token| state.lock().unwrap_or_else(PoisonError::into_inner).good.contains(token)
    }

    /// Renewals that brought tokens.
    pub fn renewals(&self) -> usize {
        self.state().renewals
    }

    /// A good access token, as a command would print it.
    pub fn token(&self) -> String {
        give(&mut self.state()).0
    }

    /// What was asked of it against the rules.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((line, body)) = read_request(&mut stream) else { return };
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let answer = match path {
            "/authorize" => self.authorise(&fields(query)),
            "/devicecode" => self.device_code(&fields(&body)),
            "/token" => self.tokens(&fields(&body)),
            _ => (404, String::new()),
        };
        let (status, text) = answer;
        let place = if status == 302 { format!("Location: {text}\r\n") } else { String::new() };
        let text = if status == 302 { String::new() } else { text };
        // A client that hung up has its own reasons.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\n{place}Content-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            text.len()
        );
    }

    fn authorise(&self, asked: &BTreeMap<String, String>) -> (u16, String) {
        let mut state = self.state();
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                state.violations.push(what.to_owned());
            }
        };
        must(of("client_id") == CLIENT_ID, "another client_id at authorize");
        must(of("response_type") == "code", "another response_type");
        must(of("code_challenge_method") == "S256", "no S256");
        must(of("code_challenge").len() == 43, "no challenge");
        must(of("state").len() > 20, "a state that can be guessed");
        must(of("redirect_uri").starts_with("http://localhost:"), "a redirect elsewhere");
        let back = format!("{}/?state={}", of("redirect_uri"), of("state"));
        if let Some(error) = state.declined {
            return (302, format!("{back}&error={error}&error_description=no"));
        }
        state.given += 1;
        let code = format!("{CANARY}-code-{}", state.given);
        state.codes.insert(code.clone(), (of("code_challenge"), of("redirect_uri")));
        (302, format!("{back}&code={code}"))
    }

    fn device_code(&self, asked: &BTreeMap<String, String>) -> (u16, String) {
        if asked.get("client_id").map(String::as_str) != Some(CLIENT_ID) {
            return (401, r#"{"error":"invalid_client"}"#.to_owned());
        }
        let body = format!(
            r#"{{"device_code":"{CANARY}-device","user_code":"WXYZ-7","expires_in":900,
                "verification_uri":"https://device.example/login","interval":1}}"#
        );
        (200, body)
    }

    fn tokens(&self, asked: &BTreeMap<String, String>) -> (u16, String) {
        let mut state = self.state();
        let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        let refused = |error: &str| (400, format!(r#"{{"error":"{error}"}}"#));
        if of("client_id") != CLIENT_ID {
            return refused("invalid_client");
        }
        match of("grant_type") {
            "authorization_code" => {
                let Some((challenge, redirect)) = state.codes.remove(of("code")) else {
                    return refused("invalid_grant");
                };
                if s256(of("code_verifier")) != challenge || of("redirect_uri") != redirect {
                    state.violations.push("verifier or redirect differ".to_owned());
                    return refused("invalid_grant");
                }
                granted(&mut state, true)
            }
            "urn:ietf:params:oauth:grant-type:device_code" => match state.before_typed.pop() {
                Some(answer) => refused(answer),
                None => granted(&mut state, true),
            },
            "refresh_token" => renewed(&mut state, of("refresh_token")),
            _ => refused("unsupported_grant_type"),
        }
    }
}

fn renewed(state: &mut State, refresh: &str) -> (u16, String) {
    if let Some((after, status, body)) = &state.refusal
        && state.renewals >= *after
    {
        // As one that quotes what it was told.
        return (*status, body.replace("{refresh}", refresh));
    }
    if !state.refresh.contains(refresh) {
        state.violations.push("a refresh token that is void".to_owned());
        return (400, r#"{"error":"invalid_grant"}"#.to_owned());
    }
    state.renewals += 1;
    if state.rotates {
        state.refresh.remove(refresh);
    }
    let rotates = state.rotates;
    granted(state, rotates)
}

fn granted(state: &mut State, with_refresh: bool) -> (u16, String) {
    let (access, refresh) = give(state);
    let seconds = state.lasts_seconds;
    let refresh = if with_refresh {
        state.refresh.insert(refresh.clone());
        format!(r#","refresh_token":"{refresh}""#)
    } else {
        String::new()
    };
    let body = format!(
        r#"{{"token_type":"Bearer","access_token":"{access}","expires_in":{seconds}{refresh}}}"#
    );
    (200, body)
}

/// A new pair of tokens; the first is good from now on.
fn give(state: &mut State) -> (String, String) {
    state.given += 1;
    let mut access = format!("{CANARY}-access-{}-", state.given);
    access.extend(std::iter::repeat_n('x', state.token_length.saturating_sub(access.len())));
    state.good.insert(access.clone());
    (access, format!("{CANARY}-refresh-{}", state.given))
}

fn s256(verifier: &str) -> String {
    let hex = Digest::of(verifier.as_bytes()).to_string();
    let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("a digest in hex");
    URL_SAFE_NO_PAD.encode((0..hex.len()).step_by(2).map(octet).collect::<Vec<u8>>())
}

/// The first line and the body of a request.
fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut read, mut block) = (Vec::new(), [0; 4_096]);
    loop {
        let count = stream.read(&mut block).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&block[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        if body.len() >= length.unwrap_or(0) {
            return Some((head.lines().next()?.to_owned(), body.to_owned()));
        }
    }
}

fn fields(form: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name), decoded(value)))
    };
    form.split('&').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut plain = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        plain.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        plain.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(plain).expect("UTF-8")
}

/// What a browser does with an address: it follows it, also where it is sent on; the last page.
pub fn follow(url: &str) -> String {
    let mut url = url.to_owned();
    for _ in 0..3 {
        let rest = url.strip_prefix("http://").expect("an address of this computer").to_owned();
        let (authority, path) = rest.split_once('/').expect("a path");
        let authority = authority.replace("localhost", "127.0.0.1");
        let mut stream = TcpStream::connect(&authority).expect("somebody listens");
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        match answer.lines().find_map(|line| line.strip_prefix("Location: ")) {
            Some(place) => place.clone_into(&mut url),
            None => return answer,
        }
    }
    panic!("sent on for ever: {url}")
}
