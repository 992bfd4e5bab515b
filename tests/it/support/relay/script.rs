//! What a scripted relay does, to whom and when.
//!
//! Owns the words of a script and which rule applies. How an action is carried out on a connection
//! is in `session.rs`.

use rustls::server::ServerConfig;
use std::sync::Arc;
use std::time::Duration;

/// A moment of the conversation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// In place of the greeting.
    Greeting,
    /// In place of the answer to EHLO.
    Hello,
    /// In place of the answer to STARTTLS.
    StartTls,
    /// In place of the answer to AUTH.
    SignIn,
    /// In place of the answer to MAIL.
    Mail,
    /// In place of the answer to RCPT.
    Recipient,
    /// In place of the answer to DATA.
    Data,
    /// After so many octets of the message have been read.
    Body(usize),
    /// The whole message has been read; it is not kept.
    EndOfMessage,
    /// The message has been accepted and kept; in place of saying so.
    Accepted,
    /// In place of the answer to RSET.
    Reset,
    /// In place of the answer to QUIT.
    Quit,
}

/// To whom a rule applies.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// To everybody.
    Anyone,
    /// To recipients with this local part (known from RCPT on).
    Local(String),
    /// To the n-th transaction of this relay, from 1.
    Transaction(usize),
    /// To the n-th connection of this relay, from 1.
    Session(usize),
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// These bytes are the answer; the conversation goes on.
    Reply(Vec<u8>),
    /// These bytes are the answer; then the connection is closed.
    ReplyAndClose(Vec<u8>),
    /// The connection is closed (FIN).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing, until the client gives up.
    Stall,
    /// A wait; then what would have been done without a rule.
    Wait(Duration),
}

impl Action {
    /// An answer of one line.
    pub fn reply(line: &str) -> Action {
        Action::Reply(format!("{line}\r\n").into_bytes())
    }

    /// An answer of one line, then the end of the connection.
    pub fn reply_and_close(line: &str) -> Action {
        Action::ReplyAndClose(format!("{line}\r\n").into_bytes())
    }
}

/// A line of a script.
#[derive(Clone, Debug)]
pub struct Rule {
    pub at: At,
    pub who: Who,
    pub action: Action,
    /// How often it applies; absent: always.
    pub times: Option<usize>,
}

/// How the connection is protected.
#[derive(Clone)]
pub enum Protection {
    Plain,
    /// TLS from the first byte.
    Implicit(Arc<ServerConfig>),
    /// STARTTLS is offered.
    StartTls(Arc<ServerConfig>),
}

/// All that a relay is told beforehand.
#[derive(Clone)]
pub struct Script {
    pub extensions: Vec<String>,
    pub protection: Protection,
    /// Name and password that are let in; absent: AUTH is not offered.
    pub sign_in: Option<(String, String)>,
    /// `PLAIN LOGIN` unless said otherwise.
    pub mechanisms: String,
    pub rules: Vec<Rule>,
    /// Waited before each message is accepted.
    pub delay: Duration,
    /// Takes any line end around a lone dot for the end of a message, as careless servers do
    /// (CVE-2023-51764).
    pub lax: bool,
}

impl Default for Script {
    fn default() -> Script {
        let offered =
            ["PIPELINING", "SIZE 35882577", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        Script {
            extensions: offered.iter().chain(&["CHUNKING"]).map(|&e| e.to_owned()).collect(),
            protection: Protection::Plain,
            sign_in: None,
            mechanisms: "PLAIN LOGIN".to_owned(),
            rules: Vec::new(),
            delay: Duration::ZERO,
            lax: false,
        }
    }
}

impl Script {
    /// A relay that accepts everything.
    pub fn new() -> Script {
        Script::default()
    }

    /// Does not offer an extension.
    pub fn without(mut self, keyword: &str) -> Script {
        self.extensions.retain(|e| keyword_of(e) != keyword);
        self
    }

    /// Offers an extension, in place of one with the same keyword.
    pub fn offering(self, extension: &str) -> Script {
        let mut script = self.without(keyword_of(extension));
        script.extensions.push(extension.to_owned());
        script
    }

    /// Offers no extension at all: the plain sequence of RFC 5321.
    pub fn bare(mut self) -> Script {
        self.extensions.clear();
        self
    }

    pub fn protection(mut self, protection: Protection) -> Script {
        self.protection = protection;
        self
    }

    /// Demands this name and password.
    pub fn sign_in(mut self, name: &str, password: &str) -> Script {
        self.sign_in = Some((name.to_owned(), password.to_owned()));
        self
    }

    pub fn mechanisms(mut self, mechanisms: &str) -> Script {
        self.mechanisms = mechanisms.to_owned();
        self
    }

    /// A rule that always applies.
    pub fn at(mut self, at: At, who: Who, action: Action) -> Script {
        self.rules.push(Rule { at, who, action, times: None });
        self
    }

    /// What recipients with this local part are answered at RCPT.
    pub fn answer(self, local_part: &str, line: &str) -> Script {
        self.at(At::Recipient, Who::Local(local_part.to_owned()), Action::reply(line))
    }

    /// The last rule applies so many times only.
    pub fn times(mut self, times: usize) -> Script {
        self.rules.last_mut().expect("a rule stands before").times = Some(times);
        self
    }

    pub fn delay(mut self, delay: Duration) -> Script {
        self.delay = delay;
        self
    }

    pub fn lax(mut self) -> Script {
        self.lax = true;
        self
    }

    /// Whether an extension is offered.
    pub fn offers(&self, keyword: &str) -> bool {
        self.extensions.iter().any(|e| keyword_of(e) == keyword)
    }

    /// The largest message, from `SIZE`.
    pub fn size_max(&self) -> usize {
        let size = self.extensions.iter().find_map(|e| e.strip_prefix("SIZE "));
        size.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
    }
}

fn keyword_of(extension: &str) -> &str {
    extension.split(' ').next().unwrap_or(extension)
}
