//! What the commonest refusals of both services mean to the person in front of the screen.
//!
//! Owns the form of an answer's meaning and finding it; the tables are `microsoft.rs` and `google.rs`.
//!
//! # Invariants
//! First match wins, so that the particular stands before the general. A code is one service's: the
//! same code of any other server means what that server says. An answer that is not in the table is
//! told in the server's own words, and those stand beside a meaning too.

use super::Service;

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

/// A row of a table.
pub(super) const fn answer(
    begins: &'static str,
    holds: &'static [&'static str],
    what: &'static str,
    remedy: &'static str,
) -> KnownAnswer {
    KnownAnswer { begins, holds, what, remedy }
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

    /// Whether it is of no use to who signs in with a token.
    #[must_use]
    pub fn is_about_passwords(&self) -> bool {
        [self.what, self.remedy].iter().any(|text| text.to_ascii_lowercase().contains("password"))
    }

    /// How such an answer reads: `535 5.7.139 ... account locked`.
    #[must_use]
    pub fn pattern(&self) -> String {
        let words = self.holds.iter().map(|held| format!(" ... {held}"));
        self.begins.to_owned() + &words.collect::<String>()
    }

    fn fits(&self, words: &str) -> bool {
        let ends_there = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        let begins = words.strip_prefix(self.begins).is_some_and(ends_there);
        begins && self.holds.iter().all(|held| words.contains(held))
    }
}

/// Words that only one service's answers hold, in lower case.
const MARKS: [(Service, &[&str]); 2] = [
    (Service::Google, &["gsmtp", "support.google.com"]),
    (Service::Microsoft365, &["outlook.com", "storedrv.", "aka.ms/smtp_auth"]),
];

/// The meaning of an answer, given as code and words on one line (`535 5.7.139 Authentication
/// unsuccessful, ...`): of the service it comes from, or where that is not known, of the one whose
/// name it bears.
#[must_use]
pub fn known_answer(answer: &str, service: Option<Service>) -> Option<&'static KnownAnswer> {
    // A reply of several lines repeats its status on each; the first has it.
    let words = answer.to_ascii_lowercase();
    let bears = |marks: &[&str]| marks.iter().any(|mark| words.contains(mark));
    let by_words = || MARKS.iter().find(|(_, marks)| bears(marks)).map(|(service, _)| *service);
    let service = service.or_else(by_words)?;
    service.known_answers().iter().find(|known| known.fits(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSOFT: Option<Service> = Some(Service::Microsoft365);
    const GOOGLE: Option<Service> = Some(Service::Google);

    #[track_caller]
    fn check(service: Option<Service>, answer: &str, expected: &str) {
        let known = known_answer(answer, service);
        let what = known.map(|known| known.what("me@x.example", "us@x.example"));
        assert_eq!(what.unwrap_or_default(), expected, "{answer}");
    }

    #[test]
    fn answers_are_known_by_code_and_words() {
        let off = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
                   the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. \
                   [AM0PR10CA0001.EURPRD10.PROD.OUTLOOK.COM]";
        let words = "Microsoft does not let any mailbox of your organisation send by SMTP, \
                     me@x.example among them";
        check(MICROSOFT, off, words);
        check(None, off, words);
        check(
            MICROSOFT,
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            "Microsoft refused the password for me@x.example",
        );
        check(
            MICROSOFT,
            "554 5.2.252 SendAsDenied; me@x.example not allowed to send as us@x.example",
            "Microsoft does not let me@x.example write as us@x.example",
        );
        let refused = "535 5.7.8 Username and Password not accepted. For more information, go to \
                       535 5.7.8 https://support.google.com/mail/?p=BadCredentials - gsmtp";
        let words = "Google refused the name or the password of me@x.example; it takes app passwords \
                     only";
        check(GOOGLE, refused, words);
        check(None, refused, words);
    }

    #[test]
    fn the_same_codes_of_others_mean_what_they_say() {
        check(None, "535 5.7.8 Error: authentication failed", "");
        check(MICROSOFT, "535 5.7.8 Error: authentication failed", "");
        check(None, "552 5.3.4 Message too big", "");
        check(GOOGLE, "535 5.7.139 x", "");
        // Codes that only begin alike.
        check(MICROSOFT, "535 5.7.30 no", "");
        check(MICROSOFT, "550 5.1.8 no such domain", "");
        check(MICROSOFT, "250 ok", "");
    }

    #[test]
    fn no_answer_hides_behind_a_more_general_one() {
        for service in Service::ALL {
            for (n, known) in service.known_answers().iter().enumerate() {
                let words = format!("{} {}", known.begins, known.holds.join(" "));
                let found = known_answer(&words, Some(service)).map(|found| found.what);
                assert_eq!(found, Some(known.what), "row {n}: {words}");
            }
        }
    }

    #[test]
    fn there_are_enough_and_every_remedy_is_whole_sentences() {
        for service in Service::ALL {
            assert!(service.known_answers().len() >= 20);
            for known in service.known_answers() {
                assert!(known.remedy.ends_with('.'), "{}", known.remedy);
                assert!(!known.what.ends_with('.'), "{}", known.what);
                let held = known.holds.iter().all(|held| *held == held.to_ascii_lowercase());
                assert!(held, "{:?}", known.holds);
            }
        }
    }
}
