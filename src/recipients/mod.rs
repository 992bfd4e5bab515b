//! Stage 1: participant lists in, recipients out.
//!
//! Owns everything between the bytes of a list and a [`Recipient`]: reading (`reading/`,
//! `workbook/`), what columns are called and mean (`columns.rs`, `headers.rs`, `recognise.rs`),
//! checking rows (`check.rs`, `address_cell.rs`, `copies.rs`, `name.rs`, `damaged.rs`, `country.rs`),
//! who of them gets a letter (`admission.rs`, `decisions.rs`, `decision_review.rs`, `keep.rs`,
//! `twins.rs`, counted in `audience.rs`),
//! addresses that are probably slips (`slips.rs`), searching (`select.rs`) and the greeting
//! (`greeting/`). Which files are lists, and what letters say, is decided elsewhere.
//!
//! # Invariants
//! A row with anything in it is a recipient, an [`Excluded`], an error, or a line that is no person's
//! (`footer.rs`), which is told: nobody is missed in silence; no two recipients have one
//! [`RecipientKey`], so that nobody gets two.
//!
//! # Failure
//! [`gather()`] never fails: what is wrong is in [`Problems`], all of it in one pass.

mod address_cell;
mod admission;
mod audience;
mod check;
mod columns;
mod copies;
pub mod country;
mod damaged;
mod decision_lines;
mod decision_review;
mod decisions;
mod domains;
mod evidence;
mod findings;
mod fold;
mod footer;
mod gather;
pub mod greeting;
#[cfg(test)]
mod header_rows_tests;
mod headers;
mod keep;
mod meaning;
mod name;
mod reading;
mod recognise;
mod repair;
mod samples;
pub mod select;
mod shown;
mod slips;
mod twins;
mod values;
mod workbook;

pub use admission::{Audience, SameAddress};
pub use audience::{Share, Shares};
pub use columns::{UnusedColumn, column_name};
pub use decision_lines::{
    Action, DECISION_COLUMNS, Decision, DecisionForm, decision_form, read_decisions,
};
pub use decision_review::Unmatched;
pub use decisions::Decisions;
pub use keep::{Condition, Holds, Keep, Kept, KeptColumn, SeenColumn, SeenValue};
pub use reading::Encoding;
pub(crate) use reading::{USUAL_ENCODINGS, parse_delimiter};
pub use twins::{Likeness, likeness};
pub use values::{ColumnNames, Values};

use crate::address::EmailAddress;
use crate::id::RecipientKey;
use crate::language::Language;
use crate::limits::NAMES_IN_TO_MAX;
use crate::problem::{Place, Problems};
use gather::Gathering;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// A participant list as it lies in the workspace.
#[derive(Clone, Copy, Debug)]
pub struct ListSource<'a> {
    /// Path relative to the workspace, with `/`.
    pub file: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What the configuration says about reading lists.
#[derive(Clone, Debug)]
pub struct Options {
    /// `[columns]`: what a column is called in letters -> its header as written in a list (several
    /// where lists differ), with the place of the setting.
    pub columns: Vec<ColumnSetting>,
    /// `[lists]`: how single lists are to be read.
    pub lists: Vec<ListSetting>,
    /// The language of whoever has none by column or country.
    pub default_language: Language,
    /// Upper-case ISO 3166 alpha-2 code -> language; empty unless written.
    pub language_by_country: BTreeMap<String, Language>,
    /// `cc` of the campaign: the columns whose addresses get copies.
    pub copies: Vec<CopyColumn>,
    /// `[people] two_addresses`.
    pub two_addresses: TwoAddresses,
}

/// A column whose addresses get copies of the row's letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyColumn {
    /// What letters call it.
    pub name: String,
    /// Where the setting stands.
    pub place: Place,
}

/// What becomes of a cell with several people's addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwoAddresses {
    /// An error: nobody knows who is meant.
    #[default]
    Refuse,
    /// The first gets the letter.
    First,
    /// The first gets the letter, the others copies of it.
    FirstAndCc,
}

/// One line of `[columns]`.
#[derive(Clone, Debug)]
pub struct ColumnSetting {
    /// A role (`email`, `name`, `given_name`, `family_name`, `patronymic`, `language`, `country`,
    /// `town`, `title`, `gender`, `greeting`) or a free name.
    pub name: String,
    /// Headers as written in the lists.
    pub headers: Vec<String>,
    /// Where the setting stands.
    pub place: Place,
}

/// `[lists."FILE"]`: how a list is to be read, where that is not left to be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSetting {
    /// The list's path beneath the workspace, or the name of its file alone.
    pub file: String,
    /// Its encoding; a byte order mark in the list proves more.
    pub encoding: Option<Encoding>,
    /// What separates its cells: `,`, `;`, a tab or `|`.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The line, or the row of a sheet, with the names of the columns, from 1.
    pub header_row: Option<u32>,
    /// Where the setting stands.
    pub place: Place,
}

impl ListSetting {
    /// Whether it is about a list: by its path, or by the name of its file.
    #[must_use]
    pub fn is_for(&self, file: &str) -> bool {
        self.file == file
            || !self.file.contains('/') && file.rsplit('/').next() == Some(self.file.as_str())
    }

    /// The setting for a list; one with the whole path goes first.
    #[must_use]
    pub fn of<'s>(settings: &'s [ListSetting], file: &str) -> Option<&'s ListSetting> {
        let by_path = settings.iter().find(|setting| setting.file == file);
        by_path.or_else(|| settings.iter().find(|setting| setting.is_for(file)))
    }
}

/// How a recipient's language was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanguageBy {
    /// The person's own cell.
    Column,
    /// A line of `decisions.csv`.
    Decision,
    /// `[languages] by_country`.
    Country,
    /// `[languages] default`.
    Default,
}

/// One person with one address.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Rank in the order of lists as named, then rows, from 1: the number of `--out` names.
    pub number: u32,
    /// What makes this person the same one again.
    pub key: RecipientKey,
    /// Where the letter goes.
    pub address: EmailAddress,
    /// The whole name: as in the list's one column for it, else given name and family name (family
    /// name first and no blank where both are in Chinese, Japanese or Korean letters).
    pub name: Option<String>,
    /// The language decided for this person.
    pub language: Language,
    /// How it was decided.
    pub language_by: LanguageBy,
    /// ISO 3166 alpha-2 code in upper case, where the country cell was recognised.
    pub country: Option<&'static str>,
    /// All values of the row by column name as letters know it; empty cells are absent.
    pub values: Values,
    /// The rows of others with the same address whom the letter greets as well, in their order.
    pub together: Vec<Values>,
    /// Who gets the same message as a delivery of their own, in order.
    pub copies: Vec<EmailAddress>,
    /// The greeting a person wrote for this row, whole; else it is made by rule.
    pub greeting: Option<String>,
    /// File and line of the row.
    pub place: Place,
}

impl Recipient {
    /// The person's address in the list, by which they are asked for and decided about: where the
    /// letter goes elsewhere, as it is compared.
    #[must_use]
    pub fn listed_address(&self) -> &str {
        match self.address.compare_key() == self.key.address() {
            true => self.address.as_str(),
            false => self.key.address(),
        }
    }

    /// The names of all whom the letter greets, the first row's first; rows without one have none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.as_deref().into_iter().chain(self.together.iter().filter_map(|v| v.get("name")))
    }

    /// All of them as one text, as people are looked for and told of: `Ana Pérez & Luis Mora`.
    #[must_use]
    pub fn all_names(&self) -> Option<Cow<'_, str>> {
        match (&self.name, self.together.is_empty()) {
            (Some(name), true) => Some(Cow::Borrowed(name)),
            _ => {
                let names: Vec<&str> = self.names().collect();
                (!names.is_empty()).then(|| Cow::Owned(names.join(" & ")))
            }
        }
    }

    /// What the person's language cell says, where it is not understood and another rule decided.
    #[must_use]
    pub fn unknown_language(&self) -> Option<&str> {
        match self.language_by {
            LanguageBy::Column | LanguageBy::Decision => None,
            LanguageBy::Country | LanguageBy::Default => self.values.get("language"),
        }
    }

    /// The name beside the address in `To:`. That of a crowd would be a line nobody reads.
    #[must_use]
    pub fn header_name(&self) -> Option<Cow<'_, str>> {
        (self.together.len() < NAMES_IN_TO_MAX).then(|| self.all_names()).flatten()
    }
}

/// Why a row becomes no letter. The order is that of display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A person decided so.
    Decision,
    /// An earlier row has its address.
    SameAddress,
    /// `where` does not keep it.
    Where,
}

impl Cause {
    /// Its name in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Cause::Decision => "decision",
            Cause::SameAddress => "same-address",
            Cause::Where => "where",
        }
    }
}

/// A row that becomes no letter, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// The address in the row.
    pub address: String,
    /// The name in the row.
    pub name: Option<String>,
    /// File and line of the row.
    pub place: Place,
    /// What kind of reason.
    pub cause: Cause,
    /// `same address as recipients/vip.csv row 14`.
    pub reason: String,
    /// The row's values, so that a file of that person is known to be somebody's.
    pub values: Values,
}

/// What was found out about a list.
#[derive(Clone, Debug, Default)]
pub struct ListSummary {
    /// The list's file.
    pub file: String,
    /// Its encoding: `Windows-1252`; absent for a workbook, or where it could not be read.
    pub encoding: Option<&'static str>,
    /// What separates its cells: `semicolons`; absent for a workbook.
    pub delimiter: Option<&'static str>,
    /// The sheet that was read; absent for a text.
    pub sheet: Option<String>,
    /// The line, or the row of a sheet, with the names of the columns.
    pub header_row: Option<u32>,
    /// Roles that were recognised, with the header of their column.
    pub columns: Vec<(&'static str, String)>,
    /// Rows with anything in them below the header that can be people.
    pub rows: usize,
    /// Some of its names, by which one sees whether it was read right.
    pub names: Vec<String>,
}

/// A row that is the same person as another address by decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The address in the row.
    pub address: EmailAddress,
    /// The name in the row.
    pub name: Option<String>,
    /// The address that the line names, as it is compared.
    pub with: String,
}

/// Everybody in the lists of a campaign.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Who gets a letter, by number.
    pub recipients: Vec<Recipient>,
    /// Who does not.
    pub excluded: Vec<Excluded>,
    /// Names of all columns that letters may use, sorted: roles, free names of `[columns]`, and
    /// normalised headers of all lists.
    pub columns: Vec<String>,
    /// Whether every list could be read as far as its header: else there may be more columns.
    pub knows_all_columns: bool,
    /// A line for each list, in order.
    pub lists: Vec<ListSummary>,
    /// Lines of `[columns]` with headers that no list has; whether that is a slip depends on the
    /// lists of other campaigns.
    pub unused_columns: Vec<UnusedColumn>,
    /// Rows that are greeted in the letter of an earlier one.
    pub joined: u64,
    /// Rows that are the same person as another address by decision.
    pub merged: Vec<Merged>,
    /// Whoever gets a letter of their own by decision, whoever else had one at that address.
    pub apart: HashSet<RecipientKey>,
    /// What `where` has kept, where there is one.
    pub kept: Option<Kept>,
    /// Rows and letters by list, language and country.
    pub shares: Shares,
    /// Lines of `decisions.csv` that mean nobody here, and may mean somebody of lists that were not
    /// read.
    pub unmatched: Vec<Unmatched>,
}

/// Reads all lists there are, in order; every problem is kept, none ends the reading.
pub fn gather(lists: &[ListSource<'_>], options: &Options, problems: &mut Problems) -> People {
    let people = gather_for(lists, options, &Audience::default(), problems);
    people.unused_columns.iter().for_each(|unused| problems.push(unused.problem(&[])));
    people
}

/// Reads all lists of a campaign that is not for everybody in them, or not the only one: lines of
/// `[columns]` that its lists have no header for are in [`People::unused_columns`].
pub fn gather_for(
    lists: &[ListSource<'_>],
    options: &Options,
    audience: &Audience<'_>,
    problems: &mut Problems,
) -> People {
    let mut gathering = Gathering::new(options, audience);
    for list in lists {
        gathering.read(list, problems);
    }
    gathering.finish(lists.is_empty(), problems)
}

/// The headers of a list, as written; `None` where it cannot be read so far.
#[must_use]
pub fn headers_of(list: &ListSource<'_>, options: &Options) -> Option<Vec<String>> {
    gather::headers_of(list, options)
}

#[cfg(test)]
mod tests_of_lists {
    use super::*;

    /// What the tests of this stage read lists with.
    pub(super) fn options() -> Options {
        Options {
            columns: Vec::new(),
            default_language: Language::english(),
            language_by_country: BTreeMap::new(),
            lists: Vec::new(),
            copies: Vec::new(),
            two_addresses: TwoAddresses::default(),
        }
    }
}
