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
//! back. Whoever means it writes `shared = true`. A name alone makes nobody one person: two of a
//! name in two towns are two, and a file that is chosen by the name proves nothing.

use super::documents::{DocumentFile, DocumentSetting};
use super::joined;
use super::lacking::Lacking;
use super::pattern::{FilePattern, LANGUAGE};
use crate::address::case_folded;
use crate::id::Digest;
use crate::language::Language;
use crate::limits::{FILES_COMPARED_MAX, FILES_NAMED_MAX};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::{Cause, Likeness, People, Recipient, Values, likeness};
use std::borrow::Cow;
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

/// Columns of names, whatever a list calls them.
const OF_NAMES: &[&str] = &["name", "given_name", "family_name"];

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
    let is_alone = is_personal && !uses.setting.is_shared;
    if is_alone {
        uses.report_shared(problems);
        uses.report_same_content(problems);
    }
    let files = list(&uses.setting.file.shape());
    report_alike(&files, problems);
    // Of a column that no list has, all files would be nobody's.
    if uses.columns().next().is_some() && uses.knows_columns() {
        joined::report(uses, &files, is_alone, problems);
        uses.report_nobodys(&files, is_personal, problems);
    }
}

impl Uses<'_> {
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.setting.file.placeholders().filter(|name| *name != LANGUAGE)
    }

    fn knows_columns(&self) -> bool {
        self.columns().all(|column| self.people.columns.iter().any(|known| known == column))
    }

    /// Whether the file is chosen by nothing but the name of somebody, and groups they are in.
    fn is_by_name(&self) -> bool {
        let is_of_name = |column: &str| self.is_of_role(column, OF_NAMES);
        self.columns().all(|column| is_of_name(column) || OF_GROUPS.contains(&column))
    }

    /// Whether a column is one of these, whatever the list calls it: `nombre_completo` is the cell
    /// that is the `name`.
    fn is_of_role(&self, column: &str, roles: &[&str]) -> bool {
        let first = self.people.recipients.first();
        let cell = |name: &str| first.and_then(|r| r.values.cell_number(name));
        let is_its_cell = |role: &&str| cell(role).is_some() && cell(role) == cell(column);
        roles.contains(&column) || roles.iter().any(is_its_cell)
    }

    fn is_personal(&self) -> bool {
        let is_of_one = |name: &str| {
            let last = name.rsplit('_').next().unwrap_or(name);
            OF_ONE.contains(&name)
                || OF_ONE[..2].contains(&last)
                || name.ends_with("_no")
                || self.is_of_role(name, &["name", "email"])
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
            let shown: Vec<String> = who.iter().take(FILES_NAMED_MAX).map(|r| named(r)).collect();
            let more = match who.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (file, who_all) = (&used.file.attachment.file, shown.join(", ") + &more);
            let problem = self.sharing(file, &who, &who_all);
            problems.push(problem.place(who[1].place.clone()).count(who.len() as u64));
        }
    }

    /// An error for two people; rows that are probably one person's are for a person to look at.
    fn sharing(&self, file: &str, who: &[&Recipient], shown: &str) -> Problem {
        let count = who.len();
        let columns = self.columns().collect::<Vec<_>>().join(" and ");
        let own = format!("a value of their own in {columns}");
        let likeness = who[1..].iter().map(|other| likeness(who[0], other)).min();
        let are_two = match likeness {
            Some(Likeness::One) => false,
            Some(Likeness::Namesakes) => self.is_by_name(),
            Some(Likeness::Others) | None => true,
        };
        if are_two {
            let hint = format!(
                "Give each of them {own}, or write shared = true under [attachments.{}] if all of \
                 them are to have it.",
                self.setting.id
            );
            let message = format!("{file} would go to {count} people: {shown}");
            return Problem::error("shared-file", message).hint(hint);
        }
        let message = format!("{file} would go to {count} addresses of one name: {shown}");
        let hint =
            format!("If they are one person, take all rows but one out; if not, give each {own}.");
        Problem::warning("shared-file", message).hint(hint)
    }

    /// Two files with the same content for two people.
    fn report_same_content(&self, problems: &mut Problems) {
        let mut first: HashMap<Digest, &Used> = HashMap::with_capacity(self.files.len());
        for used in self.files.iter().filter(|used| !used.recipients.is_empty()) {
            let earlier = *first.entry(used.file.attachment.digest).or_insert(used);
            let (one, other) =
                (self.recipient(earlier.recipients[0]), self.recipient(used.recipients[0]));
            if std::ptr::eq(earlier, used) || likeness(one, other) == Likeness::One {
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
        // Of those who are greeted in another's letter `joined.rs` tells.
        let rows = self.people.recipients.iter().flat_map(|r| r.together.iter().chain([&r.values]));
        let claimed: HashSet<String> = rows.filter_map(|v| self.key(v)).collect();
        let excluded = self.people.excluded.iter();
        let left_out: HashMap<String, Cause> =
            excluded.filter_map(|e| Some((self.key(&e.values)?, e.cause))).collect();
        let (mut nobodys, mut of_left_out) = (Vec::new(), BTreeMap::<bool, Vec<&str>>::new());
        for file in files.iter().filter(|file| !used.contains(file.as_str())) {
            let Some(key) = key_of_name(pattern, file) else { continue };
            match left_out.get(&key) {
                _ if claimed.contains(&key) => {}
                Some(cause) => {
                    of_left_out.entry(*cause == Cause::SameAddress).or_default().push(file);
                }
                None => nobodys.push((file.as_str(), key)),
            }
        }
        for (has_earlier_row, files) in of_left_out {
            problems.push(describe_left_out(&files, has_earlier_row));
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
    pub(super) fn key(&self, values: &Values) -> Option<String> {
        let values: Option<Vec<String>> =
            self.columns().map(|name| Some(values.get(name)?.trim().nfc().collect())).collect();
        Some(values?.join(BETWEEN))
    }
}

/// Stands between two values: no name of a file holds it.
const BETWEEN: &str = "/";

/// The values of the columns in a file's name.
pub(super) fn key_of_name(pattern: &FilePattern, file: &str) -> Option<String> {
    let composed: String = file.nfc().collect();
    let fits = |name: &str, value: &str| name != LANGUAGE || Language::parse_tag(value).is_some();
    let values = pattern.read(&composed, &fits)?;
    let of_column = |(name, value): (&str, &str)| (name != LANGUAGE).then(|| value.to_owned());
    let values: Vec<String> = pattern.placeholders().zip(values).filter_map(of_column).collect();
    Some(values.join(BETWEEN))
}

/// `Ana Pérez (recipients/registration.csv row 14)`.
pub(super) fn named(recipient: &Recipient) -> String {
    let name = recipient.all_names().unwrap_or(Cow::Borrowed(recipient.address.as_str()));
    let line = recipient.place.line.unwrap_or_default();
    format!("{name} ({} row {line})", recipient.place.file)
}

/// Whose row has the address of an earlier one is written to, and does not get this file.
fn describe_left_out(files: &[&str], has_earlier_row: bool) -> Problem {
    let (first, count) = (files[0], files.len() as u64);
    let (whose, whose_all) = match has_earlier_row {
        true => (
            "belongs to a row that is left out because an earlier one has its address",
            "belong to rows that are left out because an earlier one has their address",
        ),
        false => ("belongs to somebody who gets no letter", "belong to people who get no letter"),
    };
    let message = match count {
        1 => format!("{first} {whose}"),
        n => format!("{n} files {whose_all}, such as {first}"),
    };
    let problem = match has_earlier_row {
        true => Problem::warning("file-of-left-out", message).hint(
            "A letter carries one file of this document: write same_address = \"each\" under \
             [people] if they are two people, or send this file by hand.",
        ),
        false => Problem::note("file-of-left-out", message),
    };
    problem.place(Place::file(first)).count(count)
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
