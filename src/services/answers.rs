//! What the commonest refusals of both services mean to the person in front of the screen.
//!
//! Owns the table. Codes and words are those of the services' public pages: Microsoft's "Email
//! non-delivery reports and SMTP errors in Exchange Online" and "Enable or disable SMTP AUTH",
//! Google's "Gmail SMTP errors and codes" (support.google.com/a/answer/3726730).
//!
//! # Invariants
//! First match wins, so that the particular stands before the general. An answer that is not in
//! the table is told in the server's own words.

/// An answer with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct KnownAnswer {
    /// What an answer begins with: the code, and the enhanced status where it has one.
    begins: &'static str,
    /// Words it holds, in lower case; each of them.
    holds: &'static [&'static str],
    /// What happened. `{account}` is who signs in, `{author}` the letters' sender.
    what: &'static str,
    /// What to do, in whole sentences.
    remedy: &'static str,
}

impl KnownAnswer {
    /// What happened, for this account and sender.
    #[must_use]
    pub fn what(&self, account: &str, author: &str) -> String {
        self.what.replace("{account}", account).replace("{author}", author)
    }

    /// What to do about it, for this account and sender.
    #[must_use]
    pub fn remedy(&self, account: &str, author: &str) -> String {
        self.remedy.replace("{account}", account).replace("{author}", author)
    }
}

/// The meaning of an answer, given as code and words on one line (`535 5.7.139 Authentication
/// unsuccessful, ...`).
#[must_use]
pub fn known_answer(answer: &str) -> Option<&'static KnownAnswer> {
    // A reply of several lines repeats its status on each; the first has it.
    let words = answer.to_ascii_lowercase();
    KNOWN.iter().find(|known| {
        let rest = words.strip_prefix(known.begins);
        let ends_there = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        rest.is_some_and(ends_there) && known.holds.iter().all(|held| words.contains(held))
    })
}

const SIGN_IN: &str = "Passwords are off in most offices: set [relay] sign_in = \"browser\" and run \
     secretariat sign-in, or send your IT department the page that secretariat doctor --note-for-it writes.";
const TO_IT: &str =
    "Send your IT department the page that secretariat doctor --note-for-it writes.";

const fn answer(
    begins: &'static str,
    holds: &'static [&'static str],
    what: &'static str,
    remedy: &'static str,
) -> KnownAnswer {
    KnownAnswer { begins, holds, what, remedy }
}

const KNOWN: &[KnownAnswer] = &[
    // Microsoft: signing in.
    answer(
        "535 5.7.139",
        &["disabled for the tenant"],
        "Microsoft does not let any mailbox of your organisation send by SMTP, {account} \
         among them",
        "Ask IT to switch \"Authenticated SMTP\" on for this mailbox; secretariat doctor \
         --note-for-it writes the page for them.",
    ),
    answer(
        "535 5.7.139",
        &["disabled for the mailbox"],
        "Microsoft does not let {account} send by SMTP",
        "Ask IT to switch \"Authenticated SMTP\" on for this mailbox; secretariat doctor \
         --note-for-it writes the page for them.",
    ),
    answer(
        "535 5.7.139",
        &["security defaults"],
        "Microsoft locks {account} out: the security defaults of your organisation forbid \
         passwords",
        SIGN_IN,
    ),
    answer(
        "535 5.7.139",
        &["locked"],
        "Microsoft has locked {account} for a while",
        "Wait half an hour before you try again, and check the password first in a browser.",
    ),
    answer(
        "535 5.7.139",
        &["did not meet the criteria"],
        "Microsoft refused {account}: a rule of your organisation (conditional access) \
         forbids this way of signing in",
        SIGN_IN,
    ),
    answer("535 5.7.139", &[], "Microsoft refused the password for {account}", SIGN_IN),
    answer("535 5.7.3", &[], "Microsoft refused the sign-in of {account}", SIGN_IN),
    answer(
        "550 5.7.30",
        &["basic authentication"],
        "Microsoft takes no passwords any more for sending",
        SIGN_IN,
    ),
    answer(
        "530 5.7.57",
        &[],
        "Microsoft wants a sign-in before it takes letters",
        "Set [relay] service = \"microsoft365\" and [relay] user, then run secretariat \
         sign-in.",
    ),
    // Microsoft: whose name.
    answer(
        "554 5.2.252",
        &[],
        "Microsoft does not let {account} write as {author}",
        "Ask IT for \"Send As\" on {author} for this mailbox, or change [sender] from.",
    ),
    answer(
        "550 5.7.60",
        &[],
        "Microsoft does not let {account} write as {author}",
        "Ask IT for \"Send As\" on {author} for this mailbox, or change [sender] from.",
    ),
    answer(
        "550 5.7.1",
        &["send as this sender"],
        "Microsoft does not let {account} write as {author}",
        "Ask IT for \"Send As\" on {author} for this mailbox, or change [sender] from.",
    ),
    // Microsoft: too much.
    answer(
        "432 4.3.2",
        &["concurrent connections"],
        "Microsoft takes at most three connections of a mailbox at once",
        "Set [relay] connections = 1, or end the other program that uses this mailbox.",
    ),
    answer(
        "554 5.2.0",
        &["submissionquotaexceeded"],
        "{account} has written to as many people in 24 hours as Microsoft allows",
        "Run the same command again tomorrow; nothing is lost.",
    ),
    answer(
        "554 5.2.2",
        &[],
        "the mailbox {account} is full: Microsoft keeps a copy of each letter in its Sent \
         Items",
        "Empty Sent Items, or ask IT to make the mailbox larger, then send again.",
    ),
    answer(
        "550 5.7.232",
        &[],
        "your organisation has written to as many people outside in 24 hours as Microsoft \
         allows on trial",
        "Run the same command again tomorrow; nothing is lost.",
    ),
    answer(
        "550 5.7.233",
        &[],
        "your organisation has written to as many people outside in 24 hours as Microsoft \
         allows it",
        "Run the same command again tomorrow; nothing is lost. IT can see the limit in the \
         Exchange admin center.",
    ),
    // Microsoft: distrust.
    answer(
        "550 5.1.8",
        &["bad outbound sender"],
        "Microsoft has barred {account} from writing to others, for mail it took for spam",
        "Ask IT to take it off the page \"Restricted entities\" of the Defender portal.",
    ),
    answer(
        "550 5.7.705",
        &[],
        "Microsoft lets nobody of your organisation write to others now: too much of its \
         mail looked like spam",
        TO_IT,
    ),
    answer(
        "550 5.7.708",
        &[],
        "Microsoft does not trust this new organisation yet and takes no mail to others from \
         it",
        TO_IT,
    ),
    // Google: signing in.
    answer(
        "534 5.7.9",
        &[],
        "Google wants an app password for {account}, not its own",
        "Make one under the account's security settings, or set [relay] sign_in = \
         \"browser\" and run secretariat sign-in.",
    ),
    answer(
        "534 5.7.14",
        &[],
        "Google wants {account} to sign in with a browser first",
        "Sign in to the mailbox in a browser and answer its questions; better, set [relay] \
         sign_in = \"browser\" and run secretariat sign-in.",
    ),
    answer(
        "535 5.7.8",
        &["username and password not accepted"],
        "Google refused name or password of {account}",
        "Google takes app passwords only: set [relay] sign_in = \"browser\" and run \
         secretariat sign-in, or make an app password.",
    ),
    answer(
        "454 4.7.0",
        &["too many login attempts"],
        "Google lets {account} not sign in for a while: it was tried too often",
        "Wait an hour, then run the same command again.",
    ),
    // Google: too much.
    answer(
        "550 5.4.5",
        &["daily user sending"],
        "{account} has written to as many people in 24 hours as Google allows",
        "Run the same command again tomorrow; nothing is lost.",
    ),
    answer(
        "550 5.4.5",
        &["daily sending"],
        "{account} has written to as many people in 24 hours as Google allows",
        "Run the same command again tomorrow; nothing is lost.",
    ),
    answer(
        "550 5.4.5",
        &["daily smtp relay"],
        "your organisation has written to as many people in 24 hours as Google allows",
        "Run the same command again tomorrow; nothing is lost.",
    ),
    answer(
        "421 4.7.0",
        &["try again later, closing connection"],
        "Google takes no connection from here now",
        "Set [relay] hello to the name of this computer's network, and run the same command \
         again in an hour.",
    ),
    // Google: the letter.
    answer(
        "552 5.7.0",
        &["security"],
        "Google does not take one of the documents: its kind may hold a virus",
        "Send documents as PDF; programs, scripts and archives with a password are refused.",
    ),
    answer(
        "552 5.3.4",
        &[],
        "the letters are larger than the mail server takes",
        "Make the documents smaller, or link to them.",
    ),
    answer(
        "550 5.7.26",
        &[],
        "Google found neither SPF nor DKIM in order for {author}",
        "Run secretariat doctor, and send your IT department the page that secretariat \
         doctor --note-for-it writes.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &str) {
        let what = known_answer(answer).map(|known| known.what("me@x.example", "us@x.example"));
        assert_eq!(what.unwrap_or_default(), expected, "{answer}");
    }

    #[test]
    fn answers_are_known_by_code_and_words() {
        check(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
             Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. \
             [AM0PR10CA0001.EURPRD10.PROD.OUTLOOK.COM]",
            "Microsoft does not let any mailbox of your organisation send by SMTP, me@x.example \
             among them",
        );
        check(
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            "Microsoft refused the password for me@x.example",
        );
        check(
            "554 5.2.252 SendAsDenied; me@x.example not allowed to send as us@x.example",
            "Microsoft does not let me@x.example write as us@x.example",
        );
        check(
            "535 5.7.8 Username and Password not accepted. For more information, go to 535 5.7.8 \
             https://support.google.com/mail/?p=BadCredentials - gsmtp",
            "Google refused name or password of me@x.example",
        );
        // Others' words under the same codes, and codes that only begin alike.
        check("535 5.7.8 Error: authentication failed", "");
        check("535 5.7.30 no", "");
        check("550 5.1.8 no such domain", "");
        check("250 ok", "");
    }

    #[test]
    fn no_answer_hides_behind_a_more_general_one() {
        for (n, known) in KNOWN.iter().enumerate() {
            let words = format!("{} {}", known.begins, known.holds.join(" "));
            let found = known_answer(&words).map(|found| found.what);
            assert_eq!(found, Some(known.what), "row {n}: {words}");
        }
    }

    #[test]
    fn every_remedy_is_whole_sentences() {
        for known in KNOWN {
            assert!(known.remedy.ends_with('.'), "{}", known.remedy);
            assert!(!known.what.ends_with('.'), "{}", known.what);
        }
    }
}
