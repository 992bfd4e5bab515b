//! The kinds of letter as lines for people and as JSON.
//!
//! Owns how a kind is told: its language, what tells it from the other kinds of that language, how
//! many letters it has and one of them to read.

use super::ui::{DIM, grouped, one_line, padded};
use super::wrapping::wrapped;
use crate::campaign::Campaign;
use crate::limits::KINDS_LISTED_MAX;
use crate::plan::Plan;
use crate::plan::kinds::{Kind, kinds};
use serde_json::{Value, json};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// Kinds that are shown before the rest is counted: as many as a screen has lines.
const KINDS_SHOWN: usize = 20;
/// Columns that what tells kinds apart may widen the lines of the others to.
const WHAT_COLUMNS_MAX: usize = 36;

/// A kind with what is said of it.
struct Told {
    kind: Kind,
    /// Its conditions.
    branches: Vec<String>,
    /// Its documents, with their languages where they have one.
    documents: Vec<String>,
}

/// The kinds of letter of a plan.
pub(super) struct Kinds<'a> {
    campaign: &'a Campaign,
    plan: &'a Plan,
    /// The most frequent ones.
    told: Vec<Told>,
    /// How many there are.
    total: usize,
}

impl<'a> Kinds<'a> {
    /// Those of a plan, the most frequent first.
    pub(super) fn of(campaign: &'a Campaign, plan: &'a Plan) -> Kinds<'a> {
        let tell = |kind: Kind| Told {
            branches: campaign.letters.in_words(&kind.language, kind.branches),
            documents: kind.documents.iter().map(document).collect(),
            kind,
        };
        let kinds = kinds(&plan.deliveries);
        let total = kinds.len();
        let told = kinds.into_iter().take(KINDS_LISTED_MAX).map(tell).collect();
        Kinds { campaign, plan, told, total }
    }

    /// A line for each, with its line end; nothing where all letters are of one kind.
    pub(super) fn as_text(&self, columns: usize) -> String {
        let mut text = String::new();
        if self.total < 2 {
            return text;
        }
        let total = grouped(self.total as u64);
        let _ = writeln!(text, "{total} kinds of letter, one of each to read:");
        let most = self.told.first().map_or(0, |told| told.kind.letters);
        let digits = grouped(most).len();
        let what: Vec<String> = self.told.iter().take(KINDS_SHOWN).map(|t| self.what(t)).collect();
        let widths = what.iter().map(|w| w.width()).filter(|w| *w <= WHAT_COLUMNS_MAX);
        let width = widths.max().unwrap_or(0);
        for (told, what) in self.told.iter().zip(&what) {
            let count = grouped(told.kind.letters);
            let what = padded(what, width);
            let line = format!("  {count:>digits$}  {what}  {}", self.example(told));
            let _ = writeln!(text, "{}", wrapped(&line, columns, digits + 6));
        }
        if self.total > KINDS_SHOWN {
            let more = grouped((self.total - KINDS_SHOWN) as u64);
            let _ = writeln!(text, "  {DIM}... and {more} more, each of fewer letters{DIM:#}");
        }
        text
    }

    /// How many there are, with those that are not listed.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// `[{"language": "en", "branches": ["recipient.town"], "people": 301, ...}]`.
    pub(super) fn as_json(&self) -> Value {
        let as_json = |told: &Told| {
            let documents = told.kind.documents.iter().map(|(id, language)| {
                json!({"id": id, "language": language.as_ref().map(ToString::to_string)})
            });
            json!({
                "language": told.kind.language.as_str(),
                "branches": told.branches,
                "attachments": documents.collect::<Vec<_>>(),
                "people": told.kind.letters,
                "example": self.plan.deliveries[told.kind.example].to.address.to_string(),
            })
        };
        self.told.iter().map(as_json).collect()
    }

    /// `en  town, not organisation`: the language, and what tells it from its others.
    fn what(&self, told: &Told) -> String {
        let language = told.kind.language.as_str();
        let others = || self.told.iter().filter(|o| o.kind.language == told.kind.language);
        let tells = |word: &&String, of: fn(&Told) -> &Vec<String>| {
            others().any(|other| !of(other).contains(word))
        };
        let branches = told.branches.iter().filter(|w| tells(w, |t| &t.branches));
        let documents = told.documents.iter().filter(|w| tells(w, |t| &t.documents));
        let words: Vec<String> =
            branches.chain(documents).map(|word| word.replace("recipient.", "")).collect();
        match words.is_empty() {
            true => language.to_owned(),
            false => format!("{language}  {}", words.join(", ")),
        }
    }

    /// `Ana Pérez <ana@x.example>`, dimmed.
    fn example(&self, told: &Told) -> String {
        let planned = &self.plan.deliveries[told.kind.example];
        let recipient = &self.campaign.people.recipients[planned.recipient];
        let who = match &recipient.name {
            Some(name) => format!("{} <{}>", one_line(name), recipient.address),
            None => recipient.address.to_string(),
        };
        format!("{DIM}{who}{DIM:#}")
    }
}

/// `statement (fr)`.
fn document((id, language): &(String, Option<crate::language::Language>)) -> String {
    match language {
        Some(language) => format!("{id} ({language})"),
        None => id.clone(),
    }
}
