//! Stage 5: a message in, what the relay answered out. A stranger to the ledger.

pub mod file;
pub mod smtp;
pub mod tokens;

use crate::response::Response;
use std::fmt;
use tokens::NoToken;

/// How far a conversation had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Finding and reaching the relay.
    Connect,
    /// Its greeting.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS and the handshake.
    StartTls,
    /// AUTH.
    SignIn,
    /// MAIL FROM (and RSET before it).
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// The message's bytes, before the last of them may have left. An answer here came early; it
    /// is a verdict all the same, and nothing is uncertain.
    Body,
    /// After the last bytes may have left.
    EndOfMessage,
}

impl Stage {
    const ALL: [Stage; 10] = [
        Stage::Connect,
        Stage::Greeting,
        Stage::Hello,
        Stage::StartTls,
        Stage::SignIn,
        Stage::Mail,
        Stage::Recipient,
        Stage::Data,
        Stage::Body,
        Stage::EndOfMessage,
    ];

    /// The stage of a name; `None` for any other text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Its name in the ledger and on the screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Greeting => "greeting",
            Stage::Hello => "EHLO",
            Stage::StartTls => "STARTTLS",
            Stage::SignIn => "sign-in",
            Stage::Mail => "MAIL",
            Stage::Recipient => "RCPT",
            Stage::Data => "DATA",
            Stage::Body => "message",
            Stage::EndOfMessage => "end of message",
        }
    }
}

/// How a conversation broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The name has no address.
    NoSuchHost,
    /// Nobody listens there.
    Refused,
    /// No answer within the deadline.
    TimedOut,
    /// The connection was closed.
    Closed,
    /// Bytes that are no SMTP reply, or a reply where none was due.
    NotSmtp(String),
    /// TLS failed: certificate, name, version.
    Tls(String),
    /// The operating system's own words.
    Other(String),
}

/// What ended a transaction or the opening of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The relay's answer.
    Answered(Response),
    /// Nothing came.
    Lost(Loss),
    /// Something the relay must offer and does not: `STARTTLS`, `AUTH PLAIN or LOGIN`, `SMTPUTF8`.
    NotOffered(&'static str),
    /// There is no access token to sign in with; nothing of a sign-in was said.
    NoToken(NoToken),
    /// The relay refused a token, and also the one that came of renewing it where that could help.
    TokenRefused(Response),
    /// We held back the last bytes: the intent could not be recorded.
    Withheld,
    /// The session had ended before this letter began (closed, taken leave of or RSET refused
    /// between two letters): the letter is untouched and costs no attempt; open another session.
    /// Only a session that has carried a letter ends like this, so that reopening cannot go on for
    /// ever.
    SessionOver,
    /// We refuse to put this on the wire, and nothing of it went: a message that breaks the wire
    /// rules, an address that would end a command, a password without TLS. Ours to mend; says what.
    Unsendable(String),
    /// The message is larger than the relay takes (octets).
    TooLarge {
        /// Octets of the message.
        octets: u64,
        /// What EHLO said it takes.
        accepted: u64,
    },
}

impl Ending {
    /// What happened, in words: the relay's own where it gave any.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Ending::Answered(response) => response.to_string(),
            Ending::Lost(loss) => loss.to_string(),
            Ending::NotOffered(what) => format!("{what} is not offered"),
            Ending::NoToken(why) => why.to_string(),
            Ending::TokenRefused(response) => response.to_string(),
            Ending::Withheld => "held back: the intent could not be recorded".to_owned(),
            Ending::SessionOver => "the connection had ended".to_owned(),
            Ending::Unsendable(what) => what.clone(),
            Ending::TooLarge { octets, accepted } => {
                format!("the message has {octets} octets, the mail server takes {accepted}")
            }
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::NoSuchHost => f.write_str("its name has no address"),
            Loss::Refused => f.write_str("connection refused"),
            Loss::TimedOut => f.write_str("no answer in time"),
            Loss::Closed => f.write_str("the connection was closed"),
            Loss::NotSmtp(what) | Loss::Tls(what) | Loss::Other(what) => f.write_str(what),
        }
    }
}

/// How one letter's transaction ended: the stage is what the answers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The stage whose answer, or lack of one, decided.
    pub stage: Stage,
    /// What decided.
    pub ending: Ending,
}

impl Outcome {
    /// Decided by an answer.
    #[must_use]
    pub fn answered(stage: Stage, response: Response) -> Outcome {
        Outcome { stage, ending: Ending::Answered(response) }
    }

    /// Decided by the lack of one.
    #[must_use]
    pub fn lost(stage: Stage, loss: Loss) -> Outcome {
        Outcome { stage, ending: Ending::Lost(loss) }
    }

    /// Whether the relay has taken the message (RFC 5321 6.1).
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.stage == Stage::EndOfMessage
            && matches!(&self.ending, Ending::Answered(response) if response.is_positive())
    }
}
