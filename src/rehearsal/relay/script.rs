//! What the relay does, to whom and when.
//!
//! Owns the words of a script. How an action is carried out on a connection is in `session.rs`,
//! which rule applies in `shared.rs`, how a great provider's relay behaves in `manners.rs`.

use super::manners::Manners;
use rustls::server::ServerConfig;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A moment of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// A connection was made: in place of the greeting.
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
    /// The whole message has come, and its last bytes are not read; it is not kept.
    LastBytes,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// These bytes are the answer, whatever they are; the conversation goes on.
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
    /// What would have been answered without a rule, byte by byte with this wait between.
    Trickle(Duration),
}

impl Action {
    /// An answer of one line.
    #[must_use]
    pub fn reply(line: &str) -> Action {
        Action::Reply(format!("{line}\r\n").into_bytes())
    }

    /// An answer of one line, then the end of the connection.
    #[must_use]
    pub fn reply_and_close(line: &str) -> Action {
        Action::ReplyAndClose(format!("{line}\r\n").into_bytes())
    }
}

/// A line of a script.
#[derive(Clone, Debug)]
pub struct Rule {
    /// When.
    pub at: At,
    /// To whom.
    pub who: Who,
    /// What.
    pub action: Action,
    /// How often it applies; absent: always.
    pub times: Option<usize>,
}

/// Where a conversation stands, for whoever chooses what happens next.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// When.
    pub at: At,
    /// Connection, from 1.
    pub session: usize,
    /// Transaction among all of this relay, from 1; 0 before the first of a connection.
    pub transaction: usize,
    /// The recipient's address; empty before RCPT.
    pub recipient: &'a str,
}

impl Moment<'_> {
    /// The recipient's local part; empty before RCPT.
    #[must_use]
    pub fn local(&self) -> &str {
        self.recipient.rsplit_once('@').map_or(self.recipient, |(local, _)| local)
    }
}

/// Chooses what is done at a moment; nothing: as usual. Of a message's body it is asked at
/// [`BODY_MARKS`](super::BODY_MARKS).
pub type Chooser = Arc<dyn Fn(&Moment<'_>) -> Option<Action> + Send + Sync>;

/// Whether an access token is good now.
pub type TokenCheck = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// How the connection is protected.
#[derive(Clone, Debug)]
pub enum Protection {
    /// Not at all.
    Plain,
    /// TLS from the first byte.
    Implicit(Arc<ServerConfig>),
    /// STARTTLS is offered.
    StartTls(Arc<ServerConfig>),
}

/// What is kept of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeping {
    /// That it came, for whom.
    Counts,
    /// Its SHA-256 as well.
    Digests,
    /// Its bytes as well, and every line the client said.
    Everything,
}

/// All that a relay is told beforehand.
#[derive(Clone)]
pub struct Script {
    /// Extensions offered at EHLO, with their parameters.
    pub extensions: Vec<String>,
    /// How the connection is protected.
    pub protection: Protection,
    /// Name and password that are let in; absent: AUTH is not offered.
    pub sign_in: Option<(String, String)>,
    /// Name that is let in with a token, and which tokens are good; absent: none is.
    pub tokens: Option<(String, TokenCheck)>,
    /// `PLAIN LOGIN` unless said otherwise.
    pub mechanisms: String,
    /// What is done otherwise than usual; the first rule that applies counts.
    pub rules: Vec<Rule>,
    /// Asked before the rules.
    pub chooser: Option<Chooser>,
    /// Waited before each message is accepted.
    pub delay: Duration,
    /// Takes any line end around a lone dot for the end of a message, as careless servers do
    /// (CVE-2023-51764).
    pub is_lax: bool,
    /// What is kept.
    pub keeping: Keeping,
    /// Whether each message is held against the rules of the wire; a load test has no time for it.
    pub checks_messages: bool,
    /// How it answers, and what it limits.
    pub manners: Manners,
}

impl Default for Script {
    fn default() -> Script {
        let offered = [
            "PIPELINING",
            "SIZE 35882577",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
        ];
        Script {
            extensions: offered.map(str::to_owned).to_vec(),
            protection: Protection::Plain,
            sign_in: None,
            tokens: None,
            mechanisms: "PLAIN LOGIN".to_owned(),
            rules: Vec::new(),
            chooser: None,
            delay: Duration::ZERO,
            is_lax: false,
            keeping: Keeping::Everything,
            checks_messages: true,
            manners: Manners::default(),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("extensions", &self.extensions)
            .field("rules", &self.rules)
            .field("has_chooser", &self.chooser.is_some())
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// A relay that accepts everything and keeps everything.
    #[must_use]
    pub fn new() -> Script {
        Script::default()
    }

    /// Does not offer an extension.
    #[must_use]
    pub fn without(mut self, keyword: &str) -> Script {
        self.extensions.retain(|e| keyword_of(e) != keyword);
        self
    }

    /// Offers an extension, in place of one with the same keyword.
    #[must_use]
    pub fn offering(self, extension: &str) -> Script {
        let mut script = self.without(keyword_of(extension));
        script.extensions.push(extension.to_owned());
        script
    }

    /// Offers no extension at all: the plain sequence of RFC 5321.
    #[must_use]
    pub fn bare(mut self) -> Script {
        self.extensions.clear();
        self
    }

    /// How the connection is protected.
    #[must_use]
    pub fn protection(mut self, protection: Protection) -> Script {
        self.protection = protection;
        self
    }

    /// Demands this name and password.
    #[must_use]
    pub fn sign_in(mut self, name: &str, password: &str) -> Script {
        self.sign_in = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// Demands this name and a token that is good.
    #[must_use]
    pub fn tokens(
        mut self,
        name: &str,
        is_good: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Script {
        self.tokens = Some((name.to_owned(), Arc::new(is_good)));
        self.mechanisms("XOAUTH2")
    }

    /// Whether nobody is served who has not signed in.
    #[must_use]
    pub fn wants_sign_in(&self) -> bool {
        self.sign_in.is_some() || self.tokens.is_some()
    }

    /// The ways of signing in that are offered, such as `PLAIN LOGIN`.
    #[must_use]
    pub fn mechanisms(mut self, mechanisms: &str) -> Script {
        mechanisms.clone_into(&mut self.mechanisms);
        self
    }

    /// A rule that always applies.
    #[must_use]
    pub fn at(mut self, at: At, who: Who, action: Action) -> Script {
        self.rules.push(Rule { at, who, action, times: None });
        self
    }

    /// What recipients with this local part are answered at RCPT.
    #[must_use]
    pub fn answer(self, local_part: &str, line: &str) -> Script {
        self.at(At::Recipient, Who::Local(local_part.to_owned()), Action::reply(line))
    }

    /// The last rule applies so many times only; without a rule it says nothing.
    #[must_use]
    pub fn times(mut self, times: usize) -> Script {
        if let Some(rule) = self.rules.last_mut() {
            rule.times = Some(times);
        }
        self
    }

    /// Asks this before the rules: a function of the recipient, the moment, anything.
    #[must_use]
    pub fn choosing(
        mut self,
        choose: impl Fn(&Moment<'_>) -> Option<Action> + Send + Sync + 'static,
    ) -> Script {
        self.chooser = Some(Arc::new(choose));
        self
    }

    /// Waited before each message is accepted.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Script {
        self.delay = delay;
        self
    }

    /// Takes careless line ends for the end of a message.
    #[must_use]
    pub fn lax(mut self) -> Script {
        self.is_lax = true;
        self
    }

    /// What is kept of a message.
    #[must_use]
    pub fn keeping(mut self, keeping: Keeping) -> Script {
        self.keeping = keeping;
        self
    }

    /// Counts and does nothing else: for load tests.
    #[must_use]
    pub fn fast(mut self) -> Script {
        self.checks_messages = false;
        self.keeping(Keeping::Counts)
    }

    /// How it answers, and what it limits.
    #[must_use]
    pub fn manners(mut self, manners: Manners) -> Script {
        self.manners = manners;
        self
    }

    /// Whether an extension is offered.
    #[must_use]
    pub fn offers(&self, keyword: &str) -> bool {
        offers(&self.extensions, keyword)
    }

    /// Octets of the largest message, from `SIZE`.
    #[must_use]
    pub fn size_max(&self) -> usize {
        let size = self.extensions.iter().find_map(|e| e.strip_prefix("SIZE "));
        size.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX)
    }
}

/// Whether an extension is among these.
pub(super) fn offers(extensions: &[String], keyword: &str) -> bool {
    extensions.iter().any(|e| keyword_of(e) == keyword)
}

fn keyword_of(extension: &str) -> &str {
    extension.split(' ').next().unwrap_or(extension)
}
