//! Files that belong to single people: none for two, none for nobody.
//!
//! Owns when a document is somebody's own, and what is said where two people would get one file,
//! where two files are the same, and where a file is nobody's. Who gets which file is decided in
//! `documents.rs`. No I/O.
//!
//! # The rule
//! A document is personal when a column chooses its file and most people have a file that nobody
//! else has, or the column is one of ids. `certificate.{id}.pdf` is, `brief.{country}.pdf` is not.
//! One personal file for two people is an error: the certificate of another person cannot be called
//! back. Whoever means it writes `shared = true`.

use super::documents::{DocumentFile, DocumentSetting};
use super::lacking::Lacking;
use super::pattern::{FilePattern, LANGUAGE};
use crate::address::case_folded;
use crate::id::Digest;
use crate::language::Language;
use crate::limits::{FILES_COMPARED_MAX, FILES_NAMED_MAX};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::{People, Recipient, Values};
use std::collections::{BTreeMap, HashMap, HashSet};
use unicode_normalization::UnicodeNormalization;

/// A file, and who gets it.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) file: DocumentFile,
    /// Indexes among the recipients; empty for what a language chooses.
    pub(super) recipients: Vec<u32>,
}

/// What people get of one document.
pub(super) struct Uses<'a> {
    pub(super) setting: &'a DocumentSetting,
    pub(super) people: &'a People,
    pub(super) files: &'a [Used],
    pub(super) lacking: &'a [Lacking],
}

/// Columns that many people share by their nature.
const OF_GROUPS: &[&str] = &[
    "country",
    "organisation",
    "organization",
    "institution",
    "town",
    "city",
    "region",
    "delegation",
    "group",
    "session",
    "category",
    "role",
    "title",
    "list",
    "gender",
];
/// Columns that one person has: by their whole name or their last part.
const OF_ONE: &[&str] = &[
    "id",
    "uid",
    "email",
    "badge",
    "badge_no",
    "number",
    "no",
    "nr",
    "code",
    "name",
    "registration",
    "matricula",
    "passport",
];

/// Looks through one document's files.
pub(super) fn review(
    uses: &Uses<'_>,
    list: &impl Fn(&str) -> Vec<String>,
    problems: &mut Problems,
) {
    let has_places = uses.setting.file.placeholders().next().is_some();
    if !has_places {
        return;
    }
    let is_personal = uses.is_personal();
    if is_personal && !uses.setting.is_shared {
        uses.report_shared(problems);
        uses.report_same_content(problems);
    }
    let files = list(&uses.setting.file.shape());
    report_alike(&files, problems);
    uses.report_nobodys(&files, is_personal, problems);
}

impl Uses<'_> {
    fn columns(&self) -> impl Iterator<Item = &str> {
        self.setting.file.placeholders().filter(|name| *name != LANGUAGE)
    }

    fn is_personal(&self) -> bool {
        let is_of_one = |name: &str| {
            let last = name.rsplit('_').next().unwrap_or(name);
            OF_ONE.contains(&name) || OF_ONE[..2].contains(&last) || name.ends_with("_no")
        };
        if self.columns().any(is_of_one) {
            return true;
        }
        if self.columns().all(|name| OF_GROUPS.contains(&name)) {
            return false;
        }
        let own = self.files.iter().filter(|used| used.recipients.len() == 1).count();
        let people: usize = self.files.iter().map(|used| used.recipients.len()).sum();
        own * 2 > people
    }

    fn recipient(&self, index: u32) -> &Recipient {
        &self.people.recipients[index as usize]
    }

    /// One file for several people.
    fn report_shared(&self, problems: &mut Problems) {
        for used in self.files.iter().filter(|used| used.recipients.len() > 1) {
            let who: Vec<&Recipient> = used.recipients.iter().map(|i| self.recipient(*i)).collect();
            if are_one(&who) {
                continue;
            }
            let file = &used.file.attachment.file;
            let shown: Vec<String> = who.iter().take(FILES_NAMED_MAX).map(|r| named(r)).collect();
            let more = match who.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message =
                format!("{file} would go to {} people: {}{more}", who.len(), shown.join(", "));
            let columns = self.columns().collect::<Vec<_>>().join(" and ");
            let hint = format!(
                "Give each of them a value of their own in {columns}, or write shared = true under \
                 [attachments.{}] if all of them are to have it.",
                self.setting.id
            );
            problems.push(
                Problem::error("shared-file", message)
                    .place(who[1].place.clone())
                    .hint(hint)
                    .count(who.len() as u64),
            );
        }
    }

    /// Two files with the same content for two people.
    fn report_same_content(&self, problems: &mut Problems) {
        let mut first: HashMap<Digest, &Used> = HashMap::with_capacity(self.files.len());
        for used in self.files.iter().filter(|used| !used.recipients.is_empty()) {
            let earlier = *first.entry(used.file.attachment.digest).or_insert(used);
            let (one, other) =
                (self.recipient(earlier.recipients[0]), self.recipient(used.recipients[0]));
            if std::ptr::eq(earlier, used) || are_one(&[one, other]) {
                continue;
            }
            let message = format!(
                "{} for {} and {} for {} are the same file",
                earlier.file.attachment.file,
                named(one),
                used.file.attachment.file,
                named(other)
            );
            problems.push(
                Problem::warning("same-content", message)
                    .place(Place::file(&used.file.attachment.file))
                    .hint("One of them was probably saved under a wrong name: look at both."),
            );
        }
    }

    /// Files that fit the pattern and are nobody's.
    fn report_nobodys(&self, files: &[String], is_personal: bool, problems: &mut Problems) {
        let pattern = &self.setting.file;
        let used: HashSet<&str> =
            self.files.iter().map(|used| used.file.attachment.file.as_str()).collect();
        let rows = self.people.recipients.iter().map(|r| &r.values);
        let claimed: HashSet<String> = rows.filter_map(|v| self.key(v)).collect();
        let left_out: HashSet<String> =
            self.people.excluded.iter().filter_map(|e| self.key(&e.values)).collect();
        let (mut nobodys, mut of_left_out) = (Vec::new(), Vec::new());
        for file in files.iter().filter(|file| !used.contains(file.as_str())) {
            let composed: String = file.nfc().collect();
            let Some(key) = key_of_name(pattern, &composed) else { continue };
            if left_out.contains(&key) && !claimed.contains(&key) {
                of_left_out.push(file.as_str());
            } else if !claimed.contains(&key) {
                nobodys.push((file.as_str(), key));
            }
        }
        if self.columns().next().is_none() {
            return;
        }
        if let Some(first) = of_left_out.first() {
            problems.push(describe_left_out(first, of_left_out.len()));
        }
        // What lists with an error lack may be the very row.
        if !self.people.recipients.is_empty() {
            self.describe_nobodys(&nobodys, is_personal, problems);
        }
    }

    fn describe_nobodys(
        &self,
        nobodys: &[(&str, String)],
        is_personal: bool,
        problems: &mut Problems,
    ) {
        let lacking: Vec<(String, &Lacking)> = self
            .lacking
            .iter()
            .take(FILES_COMPARED_MAX)
            .filter_map(|l| Some((self.key(&self.people.recipients[l.recipient].values)?, l)))
            .collect();
        let columns = self.columns().collect::<Vec<_>>().join(" and ");
        for (n, (file, key)) in nobodys.iter().enumerate() {
            let shown = key.replace(BETWEEN, " and ");
            let message = format!("{file} is nobody's: no row has the {columns} {shown}");
            if !is_personal {
                problems.push(Problem::note("nobodys-file", message).place(Place::file(*file)));
                continue;
            }
            let keys = lacking.iter().map(|(key, _)| key.as_str());
            // Resemblance is costly to find, and nobody reads a hundred hints.
            let near = (n < FILES_COMPARED_MAX / 10).then(|| nearest(key, keys)).flatten();
            let whose = near.and_then(|near| lacking.iter().find(|(key, _)| key == near));
            let hint = match whose {
                Some((near, lacking)) => {
                    let recipient = &self.people.recipients[lacking.recipient];
                    let near = near.replace(BETWEEN, " and ");
                    format!("Is it for {}, whose file {near} is missing?", named(recipient))
                }
                None => "Is the person missing in the lists, or the file's name wrong? A row with \
                         an error counts as nobody."
                    .to_owned(),
            };
            problems.push(
                Problem::warning("nobodys-file", message).place(Place::file(*file)).hint(hint),
            );
        }
    }

    /// A row's values for the columns, in one text.
    fn key(&self, values: &Values) -> Option<String> {
        let values: Option<Vec<String>> =
            self.columns().map(|name| Some(values.get(name)?.trim().nfc().collect())).collect();
        Some(values?.join(BETWEEN))
    }
}

/// Stands between two values: no name of a file holds it.
const BETWEEN: &str = "/";

/// The values of the columns in a file's name.
fn key_of_name(pattern: &FilePattern, name: &str) -> Option<String> {
    let fits = |name: &str, value: &str| name != LANGUAGE || Language::parse_tag(value).is_some();
    let values = pattern.read(name, &fits)?;
    let of_column = |(name, value): (&str, &str)| (name != LANGUAGE).then(|| value.to_owned());
    let values: Vec<String> = pattern.placeholders().zip(values).filter_map(of_column).collect();
    Some(values.join(BETWEEN))
}

/// Whether rows are those of one person, by their names.
fn are_one(who: &[&Recipient]) -> bool {
    let name = |r: &Recipient| r.name.as_deref().map(case_folded);
    let first = who.first().and_then(|r| name(r));
    first.is_some() && who.iter().all(|r| name(r) == first)
}

/// `Ana Pérez (recipients/registration.csv row 14)`.
fn named(recipient: &Recipient) -> String {
    let name = recipient.name.clone().unwrap_or_else(|| recipient.address.to_string());
    let line = recipient.place.line.unwrap_or_default();
    format!("{name} ({} row {line})", recipient.place.file)
}

fn describe_left_out(first: &str, count: usize) -> Problem {
    let message = match count {
        1 => format!("{first} belongs to somebody who gets no letter"),
        n => format!("{n} files belong to people who get no letter, such as {first}"),
    };
    Problem::note("file-of-left-out", message).place(Place::file(first)).count(count as u64)
}

/// Names that differ in nothing but capitals, or in how accents are written.
fn report_alike(files: &[String], problems: &mut Problems) {
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in files {
        alike.entry(case_folded(file)).or_default().push(file);
    }
    for names in alike.into_values().filter(|names| names.len() > 1) {
        let composed = |name: &str| name.nfc().collect::<String>();
        let looks_same = names.windows(2).all(|pair| composed(pair[0]) == composed(pair[1]));
        let how = if looks_same {
            "look the same, and differ in how their accents are written"
        } else {
            "differ in capitals alone"
        };
        let message = format!("{} {how}", names.join(" and "));
        problems.push(
            Problem::warning("names-alike", message)
                .place(Place::file(names[0]))
                .hint("On Windows and on a Mac they are one file: keep the right one."),
        );
    }
}
