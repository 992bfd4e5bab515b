//! Why a run halts, in words an officer can act on.
//!
//! Owns the reasons, their names in JSON, and for each what happened and what to do. Which answer
//! leads to which is `decide.rs`; when refusals are too many is `breaker.rs`.

/// Why a run may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The relay does not talk to this computer.
    RelayRefusesUs,
    /// TLS is asked for and not offered.
    TlsNotOffered,
    /// The certificate or the handshake is wrong.
    TlsFailed,
    /// What answers is no mail server.
    NotAMailServer,
    /// The name or password is refused.
    SignInRefused,
    /// The sign-in has expired or was withdrawn: a person has to sign in again.
    SignInOver,
    /// The identity provider refuses this program, tenant or account.
    TokenDenied,
    /// A token could not be had for a reason on this computer.
    NoToken,
    /// The relay refuses the token, also a new one.
    TokenRefused,
    /// The connection broke in the middle of signing in.
    SignInBroken,
    /// No way of signing in that we have.
    SignInNotOffered,
    /// This account may not write as this sender.
    SenderRefused,
    /// The relay does not forward mail for us.
    RelayingDenied,
    /// Letter after letter is refused with the same words.
    EverybodyRefused,
    /// More addresses are refused than a list of real people has.
    WrongList,
    /// Letter after letter is lost in the moment of handing over.
    EverybodyInDoubt,
    /// Our own mailbox is full or closed.
    OwnMailbox,
    /// The sender's domain fails authentication (SPF, DKIM, DMARC).
    DomainAuthentication,
    /// The letters are larger than the relay takes.
    TooLarge,
    /// An address needs SMTPUTF8 and the relay does not offer it.
    NoSmtpUtf8,
    /// The relay answers against the protocol.
    ProtocolBroken,
    /// The ledger could not record what was about to happen.
    LedgerFailed,
    /// The message would break the wire's rules: a mistake of this program.
    Unsendable,
}

impl Halt {
    /// What the officer reads: what happened, and what to do.
    #[must_use]
    pub fn explained(self) -> (&'static str, &'static str) {
        match self {
            Halt::RelayRefusesUs => (
                "the mail server does not talk to this computer",
                "Ask its administrators whether this computer or network may send through it.",
            ),
            Halt::TlsNotOffered => (
                "the mail server does not offer TLS here, and nothing is said to it in plain",
                "Check the port in [relay] url: smtps:// is usually 465, smtp+starttls:// \
                 usually 587.",
            ),
            Halt::TlsFailed => (
                "no secure connection could be made to the mail server",
                "Check the host's name in [relay] url; for a certificate of your own organisation \
                 set [relay] ca_file.",
            ),
            Halt::NotAMailServer => {
                ("what answers there is not a mail server", "Check host and port in [relay] url.")
            }
            Halt::SignInRefused => (
                "the mail server refused the name or the password",
                "Check [relay] user and password; some services want an app password. It was tried \
                 once, so that the account is not locked.",
            ),
            Halt::SignInOver => (
                "the sign-in is over",
                "Run secretariat sign-in, then send again: the letters that are left go then.",
            ),
            Halt::TokenDenied => (
                "the sign-in service does not let secretariat in",
                "Show these words to your IT department, which has registered secretariat there; \
                 then send again.",
            ),
            Halt::NoToken => (
                "there is no token to sign in with",
                "Mend what is said here (run the command of [relay] token_command by hand, or \
                 secretariat sign-in once more), then send again.",
            ),
            Halt::TokenRefused => (
                "the mail server refused the sign-in, also after it was renewed",
                "Run secretariat sign-in as the account of [relay] user. If that is who you are, ask \
                 IT whether this mailbox may send with authenticated SMTP (SMTP AUTH).",
            ),
            Halt::SignInBroken => (
                "the mail server broke off in the middle of signing in",
                "Check [relay] user and password, then send again. It was tried once, so that the \
                 account is not locked.",
            ),
            Halt::SignInNotOffered => (
                "the mail server does not offer the way of signing in that [relay] sign_in asks for",
                "Ask its administrators which one it takes: \"password\" needs PLAIN or LOGIN, the \
                 others OAUTHBEARER or XOAUTH2. Without any, remove [relay] user.",
            ),
            Halt::SenderRefused => (
                "the mail server does not let this account write as this sender",
                "Change [sender] from, or ask its administrators for the right to send as that \
                 address.",
            ),
            Halt::RelayingDenied => (
                "the mail server does not forward mail for you to other domains",
                "Sign in (set [relay] user and password), or use the server meant for outgoing \
                 mail.",
            ),
            Halt::EverybodyRefused => (
                "the mail server refuses letter after letter with the same words",
                "It is about your account, sender or letter, not about these people: ask its \
                 administrators, then send again.",
            ),
            Halt::WrongList => (
                "the mail server refuses so many addresses that the list must be a wrong one",
                "Nobody is marked as refused. Look at the answers with secretariat status; take dead \
                 addresses out of the list, or mend [relay] url, then send again.",
            ),
            Halt::EverybodyInDoubt => (
                "the mail server breaks off letter after letter at its very end, so that nobody \
                 knows whether it has them",
                "Ask its administrators what becomes of these letters (a virus scanner or a \
                 firewall may be in between), before you send again.",
            ),
            Halt::OwnMailbox => (
                "the mail server says your own mailbox is full or closed",
                "Empty the sender's mailbox or ask its administrators, then send again.",
            ),
            Halt::DomainAuthentication => (
                "the receiving side does not trust mail from the sender's domain",
                "Ask IT to check SPF, DKIM and DMARC of the sender's domain, then send again.",
            ),
            Halt::TooLarge => (
                "the letters are larger than the mail server takes",
                "Make the documents smaller, or link to them.",
            ),
            Halt::NoSmtpUtf8 => (
                "an address has letters beyond ASCII before the @, and this mail server cannot \
                 write to it",
                "Leave that row out or use another address of the person, or another mail server.",
            ),
            Halt::ProtocolBroken => (
                "the mail server answers against the protocol",
                "Tell its administrators; nothing more was sent to it.",
            ),
            Halt::LedgerFailed => (
                "the record of what goes out could not be written",
                "Make room on the disk or check its health, then send again.",
            ),
            Halt::Unsendable => (
                "a message came out in a form that must not be sent; this is a mistake of \
                 secretariat",
                "Please report it.",
            ),
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Halt::RelayRefusesUs => "relay-refuses-us",
            Halt::TlsNotOffered => "tls-not-offered",
            Halt::TlsFailed => "tls-failed",
            Halt::NotAMailServer => "not-a-mail-server",
            Halt::SignInRefused => "sign-in-refused",
            Halt::SignInOver => "sign-in-over",
            Halt::TokenDenied => "token-denied",
            Halt::NoToken => "no-token",
            Halt::TokenRefused => "token-refused",
            Halt::SignInBroken => "sign-in-broken",
            Halt::SignInNotOffered => "sign-in-not-offered",
            Halt::SenderRefused => "sender-refused",
            Halt::RelayingDenied => "relaying-denied",
            Halt::EverybodyRefused => "everybody-refused",
            Halt::WrongList => "wrong-list",
            Halt::EverybodyInDoubt => "everybody-in-doubt",
            Halt::OwnMailbox => "own-mailbox",
            Halt::DomainAuthentication => "domain-authentication",
            Halt::TooLarge => "too-large",
            Halt::NoSmtpUtf8 => "no-smtputf8",
            Halt::ProtocolBroken => "protocol-broken",
            Halt::LedgerFailed => "ledger",
            Halt::Unsendable => "bug",
        }
    }
}
