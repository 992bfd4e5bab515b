//! How a relay answers and what it limits: plainly, like Exchange Online, or like Gmail.
//!
//! Owns the words and limits of those providers as their documents and senders' logs tell them,
//! so that a mailing can be rehearsed against what it will meet. The two limit connections, letters
//! of a connection, letters of a day and who may be written as; Exchange Online also gives a
//! message its own Message-ID, in its answer and in the recipient's copy.
//!
//! # Standards
//! RFC 5321 4.2, RFC 3463 (status codes); the rest is each provider's own.

/// Letters that Exchange Online takes of one connection here before it wants a rest.
const EXCHANGE_LETTERS_A_SESSION: usize = 500;
/// Connections of one account at Exchange Online.
const EXCHANGE_CONNECTIONS_MAX: usize = 3;
/// Letters a day of a Google Workspace account.
const GMAIL_LETTERS_A_DAY: usize = 2_000;

/// Whose relay it is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nobody's: it answers plainly.
    #[default]
    Plain,
    /// Exchange Online's.
    ExchangeOnline,
    /// Gmail's.
    Gmail,
}

/// How a relay answers, and what it limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// Whose words it uses.
    pub kind: Kind,
    /// Connections at a time; absent: any number.
    pub connections_max: Option<usize>,
    /// The only address that may be written as; absent: any.
    pub may_write_as: Option<String>,
    /// Letters of one connection; absent: any number.
    pub letters_a_session: Option<usize>,
    /// Letters in all, until the script is changed; absent: any number.
    pub letters_a_day: Option<usize>,
}

impl Manners {
    /// Like Exchange Online, for the mailbox of this address.
    #[must_use]
    pub fn exchange_online(address: &str) -> Manners {
        Manners {
            kind: Kind::ExchangeOnline,
            connections_max: Some(EXCHANGE_CONNECTIONS_MAX),
            may_write_as: Some(address.to_owned()),
            letters_a_session: Some(EXCHANGE_LETTERS_A_SESSION),
            letters_a_day: None,
        }
    }

    /// Like Gmail.
    #[must_use]
    pub fn gmail() -> Manners {
        Manners {
            kind: Kind::Gmail,
            letters_a_day: Some(GMAIL_LETTERS_A_DAY),
            ..Manners::default()
        }
    }

    pub(super) fn host(&self) -> &'static str {
        match self.kind {
            Kind::Plain => "relay.example",
            Kind::ExchangeOnline => "AM0PR01CA0001.outlook.example",
            Kind::Gmail => "smtp-relay.gmail.example",
        }
    }

    pub(super) fn greeting(&self) -> String {
        let host = self.host();
        match self.kind {
            Kind::Plain => format!("220 {host} ESMTP rehearsal"),
            Kind::ExchangeOnline => format!("220 {host} Microsoft ESMTP MAIL Service ready"),
            Kind::Gmail => format!("220 {host} ESMTP 5b1f17b1804b1-47 - gsmtp"),
        }
    }

    /// What the surplus connection is told.
    pub(super) fn too_many_connections(&self) -> &'static str {
        match self.kind {
            Kind::ExchangeOnline | Kind::Plain => {
                "432 4.3.2 Concurrent connections limit exceeded."
            }
            Kind::Gmail => "421 4.7.0 Too many concurrent connections, closing connection. - gsmtp",
        }
    }

    /// What a letter too many on one connection is told; the connection ends with it.
    pub(super) fn too_many_of_a_session(&self) -> &'static str {
        match self.kind {
            Kind::ExchangeOnline | Kind::Plain => {
                "421 4.4.2 Message submission rate for this client has exceeded the configured \
                 limit"
            }
            Kind::Gmail => {
                "421 4.7.28 Gmail has detected an unusual rate of mail originating from your \
                 account. - gsmtp"
            }
        }
    }

    /// What a letter above the day's limit is told after its last byte.
    pub(super) fn too_many_of_a_day(&self) -> &'static str {
        match self.kind {
            Kind::ExchangeOnline => {
                "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; \
                 the message can't be submitted because the sender's submission quota was exceeded"
            }
            Kind::Gmail | Kind::Plain => "550 5.4.5 Daily user sending limit exceeded. - gsmtp",
        }
    }

    /// What a message is told whose envelope or author is not the account's own.
    pub(super) fn refused_sender(&self, reverse_path: &str, bytes: &[u8]) -> Option<String> {
        let own = self.may_write_as.as_ref()?;
        if !reverse_path.eq_ignore_ascii_case(own) {
            let words = "Client does not have permissions to send as this sender";
            return Some(format!("550 5.7.60 SMTP; {words}"));
        }
        let author = header(bytes, "From:").unwrap_or_default();
        let is_own = author.to_ascii_lowercase().contains(&own.to_ascii_lowercase());
        (!is_own).then(|| {
            format!("550 5.2.252 SendAsDenied; {own} not allowed to send as {}", author.trim())
        })
    }

    /// What an accepted message is told.
    pub(super) fn acceptance(&self, session: usize, transaction: usize) -> String {
        match self.kind {
            Kind::Plain => format!("250 2.0.0 Ok: queued as {session}-{transaction}"),
            Kind::ExchangeOnline => {
                let id = own_message_id(session, transaction);
                format!("250 2.0.0 OK {id} [Hostname=AM0PR01MB0001.eurprd01.prod.outlook.example]")
            }
            Kind::Gmail => {
                format!("250 2.0.0 OK  1700000000 {session:x}b{transaction:06x} - gsmtp")
            }
        }
    }

    /// What the recipient's copy has in place of our Message-ID.
    pub(super) fn message_id(&self, session: usize, transaction: usize) -> Option<String> {
        (self.kind == Kind::ExchangeOnline).then(|| own_message_id(session, transaction))
    }
}

fn own_message_id(session: usize, transaction: usize) -> String {
    format!(
        "<AM0PR01MB0001{session:04X}{transaction:08X}@AM0PR01MB0001.eurprd01.prod.outlook.example>"
    )
}

/// The value of the first header field of this name, its folding kept.
fn header(bytes: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    unfolded.split("\r\n").find_map(|line| line.strip_prefix(name).map(str::to_owned))
}

/// The message with this Message-ID in place of its own.
pub(super) fn with_message_id(bytes: &[u8], message_id: &str) -> Vec<u8> {
    const NAME: &[u8] = b"Message-ID:";
    let ends = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(bytes.len());
    let begins = bytes[..ends]
        .windows(NAME.len() + 2)
        .position(|w| w.starts_with(b"\r\n") && w[2..].eq_ignore_ascii_case(NAME));
    let begins = begins.map(|at| at + 2).or_else(|| bytes.starts_with(NAME).then_some(0));
    let Some(begins) = begins else { return bytes.to_vec() };
    let value = begins + NAME.len();
    let length = bytes[value..]
        .windows(3)
        .position(|w| w.starts_with(b"\r\n") && !matches!(w[2], b' ' | b'\t'));
    let Some(length) = length else { return bytes.to_vec() };
    [&bytes[..value], b" ", message_id.as_bytes(), &bytes[value + length..]].concat()
}
