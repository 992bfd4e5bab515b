//! What a mail server's answer means to the officer, where that is known: in terms of the account
//! that signs in and of the letters' author.
//!
//! The table is `services/`; the server's own words always stand beside a meaning.

use super::ui::one_line;
use crate::config::Config;
use crate::id::CampaignId;
use crate::services::{KnownAnswer, Service, known_answer};

/// Whose answers are read, and whom they are about.
#[derive(Clone, Debug, Default)]
pub(super) struct Meanings {
    service: Option<Service>,
    /// Who signs in; none: nobody, or the configuration was not read.
    account: Option<String>,
    /// Whom the letters are from.
    author: Option<String>,
}

/// An answer in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// What happened, then the server's words in brackets.
    pub what: String,
    /// What to do: sentences.
    pub remedy: String,
}

impl Meanings {
    /// Of a mailing's answers.
    #[must_use]
    pub(super) fn of(config: &Config, campaign: &CampaignId) -> Meanings {
        let relay = config.relay.as_ref();
        let setting = config.campaigns.iter().find(|setting| setting.id == *campaign);
        Meanings {
            service: relay.and_then(|relay| relay.known_service()),
            account: relay.and_then(|relay| relay.sign_in.user()).map(str::to_owned),
            author: setting.and_then(|s| s.sender.author()).map(ToString::to_string),
        }
    }

    /// What an answer means; nothing where it is not known.
    #[must_use]
    pub(super) fn meaning(&self, words: &str) -> Option<Meaning> {
        Some(self.in_words(known_answer(words, self.service)?, words))
    }

    /// The same for an answer to a token: what is said of passwords is not meant.
    #[must_use]
    pub(super) fn meaning_for_token(&self, words: &str) -> Option<Meaning> {
        let known =
            known_answer(words, self.service).filter(|known| !known.is_about_passwords())?;
        Some(self.in_words(known, words))
    }

    /// Both parts where the server's words stand beside them already: `Google takes ... . Make ...`.
    #[must_use]
    pub(super) fn told(&self, words: &str) -> Option<String> {
        let known = known_answer(words, self.service)?;
        let (account, author) = self.names();
        Some(format!("{}. {}", known.what(account, author), known.remedy(account, author)))
    }

    fn names(&self) -> (&str, &str) {
        let account = self.account.as_deref().unwrap_or("this account");
        (account, self.author.as_deref().unwrap_or("this sender"))
    }

    fn in_words(&self, known: &KnownAnswer, words: &str) -> Meaning {
        let (account, author) = self.names();
        let what = format!("{} ({})", known.what(account, author), one_line(words));
        Meaning { what, remedy: known.remedy(account, author) }
    }
}
