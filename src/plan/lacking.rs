//! Documents that are not there, and cells that name none: gathered, so that one finding stands for
//! all of its kind.
//!
//! Owns what is said about them. Whose file was looked for is `documents.rs`.

use super::documents::DocumentSetting;
use super::pattern::FillError;
use crate::limits::{FILES_NAMED_MAX, PROBLEMS_OF_A_KIND_MAX};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::{People, Recipient};
use std::collections::BTreeMap;

/// What went wrong, gathered by kind.
#[derive(Default)]
pub(super) struct Faults {
    /// Document -> people whose file is missing, with what was looked for.
    missing: BTreeMap<String, (Place, Vec<Lacking>)>,
    patterns: BTreeMap<(String, FillError), (Place, Vec<String>)>,
    pub(super) unreadable: Vec<Problem>,
}

/// Somebody whose file is missing.
#[derive(Clone, Debug)]
pub(super) struct Lacking {
    /// Index among the recipients.
    pub(super) recipient: usize,
    /// What was looked for.
    pub(super) candidates: Vec<String>,
}

impl Faults {
    pub(super) fn add_missing(
        &mut self,
        setting: &DocumentSetting,
        candidates: &[String],
        recipient: &Recipient,
    ) {
        let entry = self.missing.entry(setting.id.clone());
        let (_, who) = entry.or_insert_with(|| (setting.place.clone(), Vec::new()));
        let recipient = (recipient.number as usize).saturating_sub(1);
        who.push(Lacking { recipient, candidates: candidates.to_vec() });
    }

    pub(super) fn add_fault(
        &mut self,
        setting: &DocumentSetting,
        fault: FillError,
        recipient: &Recipient,
    ) {
        let mut place = recipient.place.clone();
        let (FillError::Undefined { name } | FillError::NotAName { name, .. }) = &fault;
        place.column = recipient.values.cell_number(name).and_then(|n| u32::try_from(n).ok());
        let key = (setting.id.clone(), fault);
        let entry = self.patterns.entry(key).or_insert_with(|| (place, Vec::new()));
        entry.1.push(recipient.address.to_string());
    }

    /// Who lacks a document.
    pub(super) fn lacking(&self, document: &str) -> &[Lacking] {
        self.missing.get(document).map_or(&[], |(_, who)| who)
    }

    pub(super) fn report(self, people: &People, problems: &mut Problems) {
        self.unreadable.into_iter().for_each(|p| problems.push(p));
        for (document, (place, who)) in self.missing {
            report_missing(&document, &place, &who, people, problems);
        }
        for ((document, fault), (place, who)) in self.patterns {
            let is_told = matches!(&fault, FillError::Undefined { name }
                if people.knows_all_columns && !people.columns.contains(name));
            // No list has the column: `documents::check_patterns` has said so.
            if !is_told {
                problems.push(describe_fault(&document, &fault, &who).place(place));
            }
        }
    }
}

/// One finding where all lack the same file or most lack one of their own; else one for each file.
fn report_missing(
    document: &str,
    place: &Place,
    who: &[Lacking],
    people: &People,
    problems: &mut Problems,
) {
    let address = |l: &Lacking| people.recipients[l.recipient].address.to_string();
    let mut by_file: BTreeMap<&[String], Vec<String>> = BTreeMap::new();
    for lacking in who {
        by_file.entry(&lacking.candidates).or_default().push(address(lacking));
    }
    const HINT: &str = "Put the file there, or change file = \"...\" of the document.";
    // Files of languages have many readers each; those of single people one.
    let is_shared = by_file.len() <= PROBLEMS_OF_A_KIND_MAX && by_file.len() * 2 <= who.len();
    if by_file.len() <= FILES_NAMED_MAX || is_shared {
        for (candidates, who) in by_file {
            let looked = candidates.join(" and ");
            let message = format!(
                "the document {document} has no file for {}: looked for {looked}",
                addresses(&who)
            );
            let problem = Problem::error("missing-attachment", message).place(place.clone());
            problems.push(problem.hint(HINT).count(who.len() as u64));
        }
        return;
    }
    let example = |l: &Lacking| format!("{} for {}", l.candidates.join(" and "), address(l));
    let examples: Vec<String> = who.iter().take(FILES_NAMED_MAX).map(example).collect();
    let message = format!(
        "the document {document} has no file for {} people: {} and {} more",
        who.len(),
        examples.join(", "),
        who.len() - examples.len()
    );
    let hint = "Put the files there, or change file = \"...\" of the document; check --out FILE.csv \
                writes all findings.";
    problems.push(
        Problem::error("missing-attachment", message)
            .place(place.clone())
            .hint(hint)
            .count(who.len() as u64),
    );
}

fn describe_fault(document: &str, fault: &FillError, who: &[String]) -> Problem {
    let message = match fault {
        FillError::Undefined { name: column } => format!(
            "the document {document} is chosen by {column}, which is empty for {}",
            addresses(who)
        ),
        FillError::NotAName { value, .. } => format!(
            "the document {document} is chosen by the value {value:?}, which cannot be part of a \
             file's name"
        ),
    };
    Problem::error("unnamed-attachment", message)
        .hint(
            "Mend the cell; a value that names a file holds no slash and does not begin with a dot.",
        )
        .count(who.len() as u64)
}

/// `ana@x.example` or `41 people (ana@x.example and others)`.
fn addresses(who: &[String]) -> String {
    match who {
        [one] => one.clone(),
        [first, ..] => format!("{} people ({first} and others)", who.len()),
        [] => "nobody".to_owned(),
    }
}
