//! `secretariat.toml`, the environment and the flags, as one value.
//!
//! Owns the shape of the configuration and which campaign a command means. Reading the file is
//! `read.rs` with a file for each large table, what all tables have in common `section.rs`, syntax
//! errors `syntax.rs`, the environment `environment.rs`, passwords `password.rs`. A workspace's own
//! greetings are a file of their own, `greetings.rs`.
//! Library stages never see a [`Config`]: they take their own option structs, which are made here
//! where that is a matter of copying.
//!
//! # Invariants
//! Flags beat the environment, which beats the file. What a later stage may have to point at
//! carries its place. No secret is held: only where it is to be fetched.
//!
//! # Failure
//! All problems of the file in one pass, each with file, line and column.

mod campaigns;
mod dkim;
pub mod environment;
mod greetings;
mod habits;
mod lists;
mod names;
mod password;
mod people;
mod read;
mod relay;
mod relay_url;
mod section;
mod service;
mod sign_in;
mod syntax;
mod units;

pub use dkim::{DkimKey, is_selector, read_keys as read_dkim_keys};
pub use environment::Environment;
pub use greetings::{GREETINGS_FILE, read_greetings};
pub use password::{PasswordSource, fetch as fetch_password, printed as fetch_token};
pub use people::PeopleRules;
pub use read::read;
pub use relay_url::RelayUrl;
pub use section::Placed;

use crate::address::{EmailAddress, Mailbox};
use crate::id::CampaignId;
use crate::language::Language;
use crate::limits::{CONFIG_BYTES_MAX, LETTER_ERROR_BYTES, LETTER_WARN_BYTES};
use crate::message::{self, dkim::Dkim};
use crate::plan::pattern::FilePattern;
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::{ColumnSetting, CopyColumn, KeptColumn, ListSetting, Options};
use crate::send::pace::Pacing;
use crate::send::retry::Retry;
use crate::services::Service;
use crate::transport::tokens::Provider;
use crate::workspace::{CONFIG_FILE, Workspace};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Everything `secretariat.toml` and the environment say.
#[derive(Clone, Debug)]
pub struct Config {
    /// The campaign meant when none is named.
    pub default_campaign: Option<Placed<CampaignId>>,
    /// `conference.*` in letters; `name` is among them.
    pub conference: BTreeMap<String, String>,
    /// The relay, where the file or the environment names one.
    pub relay: Option<Relay>,
    /// Whether what file or environment say about the relay has an error. Then `relay` may be
    /// absent although one is named, and is not to be called missing.
    pub relay_is_broken: bool,
    /// `[dkim]`, in the order of the file; see [`read_dkim_keys`].
    pub dkim: Vec<DkimKey>,
    /// When deferred letters are tried again.
    pub retry: Retry,
    /// Languages of people who have none in their row.
    pub languages: Languages,
    /// `[columns]`, in the order of the file.
    pub columns: Vec<ColumnSetting>,
    /// `[people]`.
    pub people: PeopleRules,
    /// `[lists.*]`, in the order of the file.
    pub lists: Vec<ListSetting>,
    /// `[attachments.*]`, in the order of the file; those with an error in them are left out.
    pub attachments: Vec<Attachment>,
    /// `[campaigns.*]`, in the order of the file.
    pub campaigns: Vec<Campaign>,
    /// How large a letter may be.
    pub limits: Limits,
}

/// A text or mailbox that may differ from language to language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByLanguage<T> {
    /// The same for everybody.
    Same(T),
    /// One for each language; the default language is among them.
    Each(BTreeMap<Language, T>),
}

impl<T> ByLanguage<T> {
    /// The value for a letter's language: its own, that of its language without the region, or the
    /// default's. `None` only when an error was reported.
    #[must_use]
    pub fn get(&self, language: &Language, default: &Language) -> Option<&T> {
        match self {
            ByLanguage::Same(value) => Some(value),
            ByLanguage::Each(values) => {
                let order = language.fall_backs().into_iter().chain(default.fall_backs());
                order.into_iter().find_map(|language| values.get(&language))
            }
        }
    }
}

/// `[sender]`, with what a campaign says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The author: one address, with a name that may differ by language. `None` only when an error
    /// was reported.
    pub from: Option<Placed<ByLanguage<Mailbox>>>,
    /// Where answers go.
    pub reply_to: Option<Placed<Mailbox>>,
    /// Where non-delivery reports go.
    pub bounce_address: Option<Placed<EmailAddress>>,
}

impl Sender {
    /// The author's address, which is the same in all languages. `None` only when an error was
    /// reported.
    #[must_use]
    pub fn author(&self) -> Option<&EmailAddress> {
        match &self.from.as_ref()?.value {
            ByLanguage::Same(mailbox) => Some(&mailbox.address),
            ByLanguage::Each(each) => each.values().next().map(|mailbox| &mailbox.address),
        }
    }

    /// The sender of letters in a language; `None` only when an error was reported.
    #[must_use]
    pub fn in_language(&self, language: &Language, default: &Language) -> Option<message::Sender> {
        let from = self.from.as_ref()?.value.get(language, default)?.clone();
        let reply_to = self.reply_to.as_ref().map(|r| r.value.clone());
        let bounce_address = self.bounce_address.as_ref().map(|b| b.value.clone());
        Some(message::Sender { from, reply_to, bounce_address, dkim: Dkim::default() })
    }
}

/// `[relay]`: the mail server.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Whose it is, where that is written.
    pub service: Option<Service>,
    /// Where it is. Plain and elsewhere only where `allow_plaintext` is written.
    pub url: RelayUrl,
    /// Who signs in, if anybody does.
    pub sign_in: SignIn,
    /// Certificates besides the operating system's: a file beneath the workspace.
    pub ca_file: Option<Placed<String>>,
    /// The name in EHLO; absent: an address literal.
    pub hello: Option<String>,
    /// How much it is asked for at once.
    pub habits: Habits,
}

impl Relay {
    /// The great service it is one of: as written, else by its host's name.
    #[must_use]
    pub fn known_service(&self) -> Option<Service> {
        self.service.or_else(|| Service::of_host(&self.url.host))
    }
}

/// How much a relay is asked for at once, and what of its offers is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Connections at once, at most.
    pub connections: NonZeroUsize,
    /// `rate` and `daily_limit`.
    pub pacing: Pacing,
    /// Extensions not to use although offered, in capitals.
    pub disable: Vec<String>,
}

/// How the relay learns who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// Not at all.
    None,
    /// With a name and a password (RFC 4954).
    Password {
        /// The sign-in name.
        user: String,
        /// Where the password is; see [`fetch_password`].
        password: Placed<PasswordSource>,
    },
    /// With a name and an access token that a command prints.
    Command {
        /// The sign-in name.
        user: String,
        /// The program and its arguments, run in the workspace's folder; at least one.
        command: Placed<Vec<String>>,
    },
    /// With a name and access tokens of an identity provider, where a person has signed in.
    Provider(Box<ProviderSignIn>),
}

impl SignIn {
    /// Who signs in.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            SignIn::None => None,
            SignIn::Password { user, .. } | SignIn::Command { user, .. } => Some(user),
            SignIn::Provider(of) => Some(&of.user),
        }
    }
}

/// A sign-in at an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSignIn {
    /// The sign-in name.
    pub user: String,
    /// How a person signs in there.
    pub way: Way,
    /// Whose accounts they are.
    pub provider: Provider,
    /// Under what the provider knows this program.
    pub client_id: String,
    /// Where the secret is that some providers want with it.
    pub client_secret: Option<Placed<PasswordSource>>,
}

/// How a person signs in at an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With the browser of this computer.
    Browser,
    /// With a code that is typed on any device.
    DeviceCode,
}

impl Way {
    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Browser => "browser",
            Way::DeviceCode => "device-code",
        }
    }
}

/// `[languages]`.
#[derive(Clone, Debug)]
pub struct Languages {
    /// Whoever has no language by column or country gets this one; `en` unless written.
    pub default: Language,
    /// Upper-case ISO 3166 alpha-2 code -> language.
    pub by_country: BTreeMap<String, Language>,
}

/// `[attachments.<id>]`.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its name in letters: `attachments.<id>`.
    pub id: String,
    /// Where its table begins.
    pub place: Place,
    /// What letters call it.
    pub title: ByLanguage<String>,
    /// Its file beneath the workspace.
    pub file: Placed<FilePattern>,
    /// The name the reader sees; absent: the file's own.
    pub name: Option<FilePattern>,
    /// Whether several people may get one file although a column chooses it.
    pub shared: bool,
}

/// `[campaigns.<id>]`.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name.
    pub id: CampaignId,
    /// Where its table begins.
    pub place: Place,
    /// `campaign.name` in letters.
    pub name: Option<String>,
    /// Patterns of its lists beneath the workspace, in order; `recipients/*` unless written.
    pub recipients: Vec<Placed<String>>,
    /// Which of their rows it is for; absent: all.
    pub keep: Option<Where>,
    /// The folder of its letters beneath the workspace; `templates/<id>` unless written.
    pub letter: Placed<String>,
    /// Ids of its attachments; their order gives the numbers.
    pub attachments: Vec<Placed<String>>,
    /// `cc`: the columns whose addresses get copies.
    pub copies: Vec<CopyColumn>,
    /// Who it is from.
    pub sender: Sender,
}

/// `where` of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// Columns and the values that keep a row; at least one.
    Values(Vec<KeptColumn>),
    /// A condition as letters have them.
    Condition(Placed<String>),
}

/// `[limits]`: encoded bytes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Above it a warning.
    pub letter_warn: u64,
    /// Above it an error; at least `letter_warn`.
    pub letter_error: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { letter_warn: LETTER_WARN_BYTES, letter_error: LETTER_ERROR_BYTES }
    }
}

/// Reads a workspace's configuration; every problem is kept.
///
/// `None` when the file cannot be read as a whole; with single errors what is right comes back, so
/// that one pass finds the problems of lists and letters too. Nothing may be sent then.
pub fn load(
    workspace: &Workspace,
    environment: &Environment,
    problems: &mut Problems,
) -> Option<Config> {
    let bytes = problems.take_from(workspace.read(CONFIG_FILE, CONFIG_BYTES_MAX))?;
    read(CONFIG_FILE, &bytes, environment, problems)
}

impl Config {
    /// The campaign of this name; without a name `default_campaign`, or the only one.
    ///
    /// # Errors
    /// `no-campaign` with the nearest name or all of them.
    pub fn campaign(&self, name: Option<&str>) -> Result<&Campaign, Problem> {
        let wanted = name.or(self.default_campaign.as_ref().map(|d| d.value.as_str()));
        match (wanted, self.campaigns.as_slice()) {
            (_, []) => Err(Problem::error("no-campaign", format!("{CONFIG_FILE} has no mailing"))
                .place(Place::file(CONFIG_FILE))
                .hint("Add a line [campaigns.NAME], and letters in templates/NAME.")),
            (None, [only]) => Ok(only),
            (None, _) => Err(Problem::error("no-campaign", "no mailing is named").hint(format!(
                "Name one of {}, or write default_campaign.",
                self.campaign_names()
            ))),
            (Some(wanted), campaigns) => campaigns
                .iter()
                .find(|campaign| campaign.id.as_str() == wanted)
                .ok_or_else(|| self.unknown_campaign(wanted)),
        }
    }

    /// What the recipients stage is to know.
    #[must_use]
    pub fn recipients_options(&self) -> Options {
        Options {
            copies: Vec::new(),
            columns: self.columns.clone(),
            lists: self.lists.clone(),
            default_language: self.languages.default.clone(),
            language_by_country: self.languages.by_country.clone(),
            two_addresses: self.people.two_addresses,
        }
    }

    /// A campaign's attachments with their numbers, in order. One with an error is left out and
    /// keeps its number.
    pub fn attachments_of<'a>(
        &'a self,
        campaign: &'a Campaign,
    ) -> impl Iterator<Item = (u32, &'a Attachment)> {
        let found = |id: &Placed<String>| self.attachments.iter().find(move |a| a.id == id.value);
        (1..).zip(&campaign.attachments).filter_map(move |(n, id)| found(id).map(|a| (n, a)))
    }

    fn unknown_campaign(&self, wanted: &str) -> Problem {
        let hint = match nearest(wanted, self.campaigns.iter().map(|c| c.id.as_str())) {
            Some(near) => format!("Did you mean {near}?"),
            None => format!("There are {}.", self.campaign_names()),
        };
        Problem::error("no-campaign", format!("there is no mailing {wanted:?}")).hint(hint)
    }

    fn campaign_names(&self) -> String {
        self.campaigns.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The pattern of a campaign that names none.
pub(crate) const ALL_LISTS: &str = "recipients/*";

/// Endings of files that people keep participant lists in, also those not read yet: the
/// recipients stage says so, where leaving them out would leave out people.
const LIST_ENDINGS: [&str; 12] =
    ["csv", "tsv", "tab", "txt", "xlsx", "xlsm", "xls", "ods", "xlsb", "fods", "numbers", "gsheet"];

impl Campaign {
    /// `campaign.*` in letters.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([("id".to_owned(), self.id.to_string())]);
        if let Some(name) = &self.name {
            facts.insert("name".to_owned(), name.clone());
        }
        facts
    }

    /// The campaign's lists: paths beneath the workspace, each once, in the order they are named.
    ///
    /// A file found by a pattern whose ending is no list's is left out with a note; one that is
    /// named without `*` and `?` is a list whatever its ending. None at all is an error.
    pub fn list_files(&self, workspace: &Workspace, problems: &mut Problems) -> Vec<String> {
        let (mut lists, mut found) = (Vec::new(), Problems::new());
        for pattern in &self.recipients {
            for file in workspace.list(&pattern.value, &mut found) {
                if file != pattern.value && !has_list_ending(&file) {
                    found.push(not_a_list(&file));
                } else if !lists.contains(&file) {
                    lists.push(file);
                }
            }
        }
        if lists.is_empty() && !found.has_errors() {
            found.push(self.no_lists());
        }
        problems.append(found);
        lists
    }

    /// Whether nobody in `recipients/` is none of this campaign's.
    #[must_use]
    pub fn reads_all_lists(&self) -> bool {
        self.recipients.iter().any(|pattern| pattern.value == ALL_LISTS)
    }

    fn no_lists(&self) -> Problem {
        let patterns: Vec<_> = self.recipients.iter().map(|p| p.value.as_str()).collect();
        let message = format!("no participant list fits {}", patterns.join(", "));
        let place = self.recipients.first().map_or(&self.place, |p| &p.place);
        Problem::error("no-lists", message)
            .place(place.clone())
            .hint("Put a participant list there: a workbook or CSV.")
    }
}

fn has_list_ending(file: &str) -> bool {
    let ending = file.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    LIST_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn not_a_list(file: &str) -> Problem {
    Problem::note("not-a-list", format!("{file} is not read: its ending is no list's"))
        .place(Place::file(file))
        .hint("If people are in it, save it as a workbook or CSV.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What `recipients` finds among these files: the lists, and code and place of each problem.
    fn lists_of(recipients: &str, files: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let text = format!(
            "conference.name = \"A\"\nsender.from = \"a@x.example\"\n[campaigns.a]\n{recipients}"
        );
        fs::write(folder.path().join(CONFIG_FILE), text).unwrap();
        let workspace = Workspace::find(folder.path(), true).unwrap();
        let mut problems = Problems::new();
        let config = load(&workspace, &Environment::of(&[]), &mut problems).unwrap();
        let lists = config.campaign(None).unwrap().list_files(&workspace, &mut problems);
        let shown = |p: &Problem| format!("{} {}", p.code, p.place.as_ref().unwrap());
        (lists, problems.iter().map(shown).collect())
    }

    #[track_caller]
    fn check(recipients: &str, files: &[&str], lists: &[&str], problems: &[&str]) {
        let (found, found_problems) = lists_of(recipients, files);
        assert_eq!(found, lists, "{recipients}");
        assert_eq!(found_problems, problems, "{recipients}");
    }

    #[test]
    fn every_list_is_found_once_in_the_order_they_are_named() {
        let files = ["recipients/a2.csv", "recipients/a10.TSV", "recipients/vip.csv"];
        check("", &files, &["recipients/a2.csv", "recipients/a10.TSV", "recipients/vip.csv"], &[]);
        let vip_first = "recipients = [\"recipients/vip.csv\", \"recipients/*\"]";
        let order = ["recipients/vip.csv", "recipients/a2.csv", "recipients/a10.TSV"];
        check(vip_first, &files, &order, &[]);
    }

    #[test]
    fn what_is_no_list_is_left_out_with_a_note_unless_it_is_named() {
        let files = ["recipients/a.csv", "recipients/README.md", "recipients/~$a.xlsx"];
        let note = ["not-a-list recipients/README.md"];
        check("", &files, &["recipients/a.csv"], &note);
        check("recipients = \"recipients/README.md\"", &files, &["recipients/README.md"], &[]);
    }

    /// People in a workbook are never left out in silence: the reader of lists says what it is.
    #[test]
    fn a_workbook_is_a_list() {
        check("", &["recipients/a.xlsx"], &["recipients/a.xlsx"], &[]);
    }

    #[test]
    fn no_list_at_all_is_an_error() {
        check("", &["recipients/.keep"], &[], &["no-lists secretariat.toml:3:12"]);
        let pattern = "recipients = [\"recipients/*.tsv\"]";
        check(pattern, &["recipients/a.csv"], &[], &["no-lists secretariat.toml:4:15"]);
        check("", &[], &[], &["missing-file recipients"]);
    }

    #[test]
    fn a_configuration_too_large_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let comment = "#".repeat(usize::try_from(CONFIG_BYTES_MAX).unwrap() + 1);
        fs::write(folder.path().join(CONFIG_FILE), comment).unwrap();
        let workspace = Workspace::find(folder.path(), true).unwrap();
        let mut problems = Problems::new();
        assert!(load(&workspace, &Environment::of(&[]), &mut problems).is_none());
        assert_eq!(problems.iter().next().unwrap().code, "file-too-big");
    }
}
