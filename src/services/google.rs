//! Gmail of a Google Workspace: its limits, and what its answers mean to the person in front of the
//! screen.
//!
//! Owns data. Codes and words are those of Google's public page "Gmail SMTP errors and codes"
//! (support.google.com/a/answer/3726730), which calls the refusals of a sign-in 535 5.7.1 or 5.7.8;
//! as 534 5.7.9 and 5.7.14 they were read in reports of senders.

use super::answers::{KnownAnswer, answer};
use super::{Facts, fact};

const LIMITS: &str = "support.google.com/a/answer/166852";
const SIZES: &str = "support.google.com/a/answer/1366776 as others quote it";
const ALIASES: &str = "support.google.com/mail/answer/22370 as others quote it; that others are \
                       rewritten is told by senders (lee-phillips.org/gmailRewriting)";
const HEADERS: &str = "not told by Google; read in the headers of letters (super-unix.com/superuser/\
                       the-proper-way-to-set-smtp-headers-for-emails-sent-as-someone-else)";

pub(super) const FACTS: Facts = Facts {
    name: "Google Workspace",
    host: "smtp.gmail.com",
    port: 587,
    connections: fact(0, LIMITS),
    a_minute: fact(0, LIMITS),
    // 500 on trial.
    a_day: fact(2_000, LIMITS),
    message_bytes: fact(25 << 20, SIZES),
    other_author: fact(
        "only if it is confirmed in the settings of the mailbox; others are rewritten",
        ALIASES,
    ),
    other_bounce_address: fact("not at all: bounces go to the mailbox that signs in", HEADERS),
    spf_include: "_spf.google.com",
    dkim_selectors: &["google"],
};

const APP_PASSWORD: &str = "Set [relay] sign_in = \"browser\" and run secretariat sign-in, or make an \
     app password under the account's security settings.";
const BROWSER: &str = "Sign in to the mailbox in a browser and answer its questions; better, set \
     [relay] sign_in = \"browser\" and run secretariat sign-in.";
const TOMORROW: &str = "Run the same command again tomorrow; nothing is lost.";
const SMALLER: &str = "Make the documents smaller, or link to them.";

pub(super) const ANSWERS: &[KnownAnswer] = &[
    // Signing in.
    answer(
        "534 5.7.9",
        &["application-specific"],
        "Google wants an app password for {account}, not its own",
        APP_PASSWORD,
    ),
    answer("534 5.7.9", &[], "Google wants {account} to sign in with a browser first", BROWSER),
    answer("534 5.7.14", &[], "Google wants {account} to sign in with a browser first", BROWSER),
    answer(
        "535 5.7.8",
        &[],
        "Google refused the name or the password of {account}; it takes app passwords only",
        APP_PASSWORD,
    ),
    answer(
        "535 5.7.1",
        &["application-specific"],
        "Google wants an app password for {account}, not its own",
        APP_PASSWORD,
    ),
    answer(
        "535 5.7.1",
        &["web browser"],
        "Google wants {account} to sign in with a browser first",
        BROWSER,
    ),
    answer(
        "535 5.7.1",
        &[],
        "Google refused the name or the password of {account}; it takes app passwords only",
        APP_PASSWORD,
    ),
    answer(
        "454 4.7.0",
        &["too many login"],
        "Google does not let {account} sign in for a while: it was tried too often",
        "Wait an hour, then run the same command again.",
    ),
    answer(
        "454 4.7.0",
        &["authenticate"],
        "Google cannot check the sign-in of {account} now",
        "Run the same command again in an hour; nothing is lost.",
    ),
    answer(
        "530 5.7.0",
        &["authentication required"],
        "Google wants a sign-in before it takes letters",
        "Write user and sign_in = \"browser\" under [relay], then run secretariat sign-in.",
    ),
    answer(
        "530 5.5.1",
        &["authentication required"],
        "Google wants a sign-in before it takes letters",
        "Write user and sign_in = \"browser\" under [relay], then run secretariat sign-in.",
    ),
    answer(
        "550 5.7.0",
        &["sending denied"],
        "Google does not let {account} send: the account is disabled, or not of this organisation",
        "Ask IT whether the account is active and which organisation it belongs to.",
    ),
    answer(
        "550 5.7.0",
        &["relay denied"],
        "Google does not forward mail from here",
        "Write user and sign_in = \"browser\" under [relay], then run secretariat sign-in.",
    ),
    // Too much.
    answer(
        "550 5.4.5",
        &["smtp relay"],
        "{account} has sent as many letters through the relay in 24 hours as Google allows",
        TOMORROW,
    ),
    answer(
        "550 5.4.5",
        &["daily"],
        "{account} has written as many letters in 24 hours as Google allows",
        TOMORROW,
    ),
    answer(
        "550 5.7.1",
        &["daily smtp relay"],
        "your organisation has written as many letters in 24 hours as Google allows",
        TOMORROW,
    ),
    answer(
        "421 4.7.0",
        &["try again later, closing connection"],
        "Google takes no connection from here now",
        "Set [relay] hello to the name of this computer as others know it, and run the same command \
         again in an hour.",
    ),
    answer(
        "421 4.3.0",
        &["temporary system problem"],
        "Google has a fault of its own",
        "Run the same command again in an hour; nothing is lost.",
    ),
    answer(
        "550 5.7.1",
        &["unusual rate of unsolicited mail"],
        "Google takes no mail from this network now: too much of it was unwanted",
        "Ask IT who else sends from this network, and send tomorrow.",
    ),
    // The letter.
    answer(
        "550 5.7.1",
        &["likely unsolicited mail"],
        "Google takes the letter for spam",
        "Run secretariat doctor; look at the letter's links, and send a few letters first.",
    ),
    answer(
        "552 5.7.0",
        &["security"],
        "Google does not take one of the documents: its kind may hold a virus",
        "Send documents as PDF; programs, scripts and archives with a password are refused.",
    ),
    answer("552 5.3.4", &[], "the letters are larger than Google takes", SMALLER),
    answer("552 5.2.3", &[], "the letters are larger than Google takes", SMALLER),
];
