//! Exchange Online: its limits, and what its answers mean to the person in front of the screen.
//!
//! Owns data. Codes and words are those of Microsoft's public pages: "Email non-delivery reports and
//! SMTP errors in Exchange Online", "Enable or disable authenticated client SMTP submission",
//! "Message storage and concurrent connection throttling for SMTP Authenticated Submission",
//! "Continuous error throttling for SMTP AUTH submissions", "Fix issues with printers, scanners, and
//! LOB applications", "Exchange Online to retire Basic auth for Client Submission"; what
//! comes behind `535 5.7.139` is told by none of them in full and was read in reports of senders.

use super::answers::{KnownAnswer, answer};
use super::{Facts, fact};

const LIMITS: &str =
    "learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements";
const SIZES: &str = "learn.microsoft.com/office365/servicedescriptions/\
                     exchange-online-service-description/exchange-online-limits as others quote it";
const SENDERS: &str = "learn.microsoft.com/exchange/mail-flow-best-practices/fix-issues-with-printers-\
                       scanners-and-lob-applications-that-send-email-using-off as others quote it";

pub(super) const FACTS: Facts = Facts {
    name: "Microsoft 365",
    host: "smtp.office365.com",
    port: 587,
    connections: fact(3, LIMITS),
    a_minute: fact(30, LIMITS),
    a_day: fact(10_000, LIMITS),
    // Unless an administrator set another limit for the mailbox, up to 150 MB.
    message_bytes: fact(35 << 20, SIZES),
    other_author: fact("only with the right \"Send As\" for that address", SENDERS),
    other_bounce_address: fact("only with the right \"Send As\" for that address", SENDERS),
    spf_include: "spf.protection.outlook.com",
    dkim_selectors: &["selector1", "selector2"],
};

const SIGN_IN: &str = "Passwords are off in most offices: set [relay] sign_in = \"browser\" and run \
     secretariat sign-in, or send your IT department the page that secretariat doctor --note-for-it \
     writes.";
const SMTP_AUTH: &str = "Ask IT to switch \"Authenticated SMTP\" on for this mailbox; secretariat \
     doctor --note-for-it writes the page for them.";
const SEND_AS: &str =
    "Ask IT for \"Send As\" on {author} for this mailbox, or change [sender] from.";
const TOMORROW: &str = "Run the same command again tomorrow; nothing is lost.";
const SUPPORT: &str = "Show these words to your IT department: only they can have it lifted.";

pub(super) const ANSWERS: &[KnownAnswer] = &[
    // Signing in.
    answer(
        "535 5.7.139",
        &["disabled for the tenant"],
        "Microsoft does not let any mailbox of your organisation send by SMTP, {account} among them",
        SMTP_AUTH,
    ),
    answer(
        "535 5.7.139",
        &["disabled for the mailbox"],
        "Microsoft does not let {account} send by SMTP",
        SMTP_AUTH,
    ),
    answer(
        "535 5.7.139",
        &["security defaults"],
        "Microsoft keeps {account} out: the security defaults of your organisation forbid passwords",
        SIGN_IN,
    ),
    answer(
        "535 5.7.139",
        &["account locked"],
        "Microsoft has locked {account}",
        "Sign in to the mailbox in a browser; if that fails too, ask IT to unlock it. Do not try on \
         here meanwhile.",
    ),
    answer(
        "535 5.7.139",
        &["did not meet the criteria"],
        "Microsoft refused {account}: a rule of your organisation (conditional access) forbids this \
         way of signing in",
        SIGN_IN,
    ),
    answer(
        "535 5.7.139",
        &["basic authentication is disabled"],
        "Microsoft takes no password for {account}",
        SIGN_IN,
    ),
    answer("535 5.7.139", &[], "Microsoft refused the password for {account}", SIGN_IN),
    answer("535 5.7.3", &[], "Microsoft refused the sign-in of {account}", SIGN_IN),
    answer("550 5.7.30", &[], "Microsoft takes no passwords any more for sending", SIGN_IN),
    answer(
        "530 5.7.57",
        &[],
        "Microsoft wants a sign-in before it takes letters",
        "Write user and sign_in = \"browser\" under [relay], then run secretariat sign-in.",
    ),
    // Whose name.
    answer("554 5.2.252", &[], "Microsoft does not let {account} write as {author}", SEND_AS),
    answer(
        "550 5.2.252",
        &["throttled"],
        "Microsoft holds {account} back, because it tried to write as somebody else too often",
        "Ask IT for \"Send As\" on {author} for this mailbox, or change [sender] from; then wait some \
         hours.",
    ),
    answer("550 5.2.252", &[], "Microsoft does not let {account} write as {author}", SEND_AS),
    answer("550 5.7.60", &[], "Microsoft does not let {account} write as {author}", SEND_AS),
    answer(
        "550 5.7.1",
        &["send as this sender"],
        "Microsoft does not let {account} write as {author}",
        SEND_AS,
    ),
    // Too much.
    answer(
        "432 4.3.2",
        &["concurrent connection"],
        "Microsoft takes at most three connections of a mailbox at once",
        "Write connections = 1 under [relay], or end the other program that uses this mailbox.",
    ),
    answer(
        "554 5.2.0",
        &["submissionquotaexceeded"],
        "{account} has written to as many people in 24 hours as Microsoft allows",
        TOMORROW,
    ),
    answer(
        "550 5.1.90",
        &[],
        "{account} has written to as many people in 24 hours as Microsoft allows",
        TOMORROW,
    ),
    answer(
        "550 5.7.232",
        &[],
        "your organisation has written to as many people outside in 24 hours as Microsoft allows on \
         trial",
        TOMORROW,
    ),
    answer(
        "550 5.7.233",
        &[],
        "your organisation has written to as many people outside in 24 hours as Microsoft allows it",
        TOMORROW,
    ),
    answer(
        "550 5.7.236",
        &[],
        "your organisation has written to as many people outside in 24 hours as Microsoft allows \
         from an onmicrosoft.com address",
        "Write [sender] from with an address of your own domain; ask IT which are set up.",
    ),
    // The mailbox.
    answer(
        "554 5.2.2",
        &[],
        "the mailbox {account} is full: Microsoft keeps a copy of each letter in its Sent Items",
        "Empty Sent Items, or ask IT to make the mailbox larger, then send again.",
    ),
    answer(
        "550 5.2.251",
        &[],
        "Microsoft holds {account} back, because its mailbox was full too often",
        "Empty Sent Items, or ask IT to make the mailbox larger, then wait some hours.",
    ),
    answer(
        "550 5.2.253",
        &[],
        "Microsoft holds {account} back: the mailbox has no valid licence",
        "Ask IT to give the mailbox a licence for Exchange Online, then wait some hours.",
    ),
    answer(
        "552 5.3.4",
        &[],
        "the letters are larger than Microsoft takes from {account}",
        "Make the documents smaller, or link to them; IT can raise the limit of the mailbox.",
    ),
    // Distrust.
    answer(
        "550 5.1.8",
        &["outbound"],
        "Microsoft has barred {account} from writing to others, for mail it took for spam",
        "Ask IT to take it off the page \"Restricted entities\" of the Defender portal.",
    ),
    answer(
        "550 5.7.705",
        &[],
        "Microsoft lets nobody of your organisation write to others now: too much of its mail \
         looked like spam",
        SUPPORT,
    ),
    answer(
        "550 5.7.708",
        &[],
        "Microsoft does not trust this organisation yet and takes no mail to others from it",
        SUPPORT,
    ),
];
