//! All lists of a campaign in, everybody once out.
//!
//! Owns the order of lists and rows, and that an address gets one letter: the first row stands, a
//! later one is excluded with the place of the first. What is in a row is checked in `check.rs`.
//!
//! # Invariants
//! Numbers follow the lists as named, then their rows, without gaps.

use super::check::{Person, RowCheck, Tally, Tidied, Widths};
use super::columns::{Columns, Layout};
use super::meaning::{Meanings, Unknown};
use super::read::{self, Rows};
use super::{Excluded, ListSource, ListSummary, Options, People, Recipient, country};
use crate::id::RecipientKey;
use crate::language::Language;
use crate::limits::PROBLEMS_OF_A_KIND_MAX;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeSet, HashMap};

/// What is known after some of the lists.
pub(super) struct Gathering<'a> {
    options: &'a Options,
    columns: Columns<'a>,
    languages: Meanings<Language>,
    countries: Meanings<&'static str>,
    /// Where among the recipients each key stands.
    by_key: HashMap<RecipientKey, usize>,
    names: BTreeSet<String>,
    people: People,
}

/// Rows of one list whose address stood in an earlier row.
#[derive(Default)]
struct Repeats {
    all: u64,
    with_another_name: u64,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(options: &'a Options) -> Gathering<'a> {
        Gathering {
            options,
            columns: Columns::new(options),
            languages: Meanings::new(Language::recognise),
            countries: Meanings::new(country::recognise),
            by_key: HashMap::new(),
            names: BTreeSet::new(),
            people: People::default(),
        }
    }

    /// Reads one list; its problems are kept, and end at most this list's reading.
    pub(super) fn read(&mut self, list: &ListSource<'_>, problems: &mut Problems) {
        let mut rows = match read::text_of(list) {
            Ok(text) => Rows::new(text),
            Err(damage) => {
                self.add_summary(list, 0);
                return problems.push(damage.problem(list.file));
            }
        };
        let layout = self.header(list, &mut rows, problems);
        let count = match &layout {
            Some(layout) => {
                self.names.extend(layout.names.iter().map(str::to_owned));
                self.rows(list, &mut rows, layout, problems)
            }
            None => 0,
        };
        self.add_summary(list, count);
    }

    fn add_summary(&mut self, list: &ListSource<'_>, rows: usize) {
        self.people.lists.push(ListSummary { file: list.file.to_owned(), rows });
    }

    /// The layout of a list from its first filled row.
    fn header(
        &mut self,
        list: &ListSource<'_>,
        rows: &mut Rows<'_>,
        problems: &mut Problems,
    ) -> Option<Layout> {
        match rows.next_filled() {
            Ok(Some(row)) => {
                let place = Place::line(list.file, row.line);
                self.columns.layout(row.cells(), &place, problems)
            }
            Ok(None) => {
                problems.push(empty_list(list.file, "the list is empty"));
                None
            }
            Err(damage) => {
                problems.push(damage.problem(list.file));
                None
            }
        }
    }

    /// Takes in all rows behind the header; how many there were.
    fn rows(
        &mut self,
        list: &ListSource<'_>,
        rows: &mut Rows<'_>,
        layout: &Layout,
        problems: &mut Problems,
    ) -> usize {
        let (mut tidied, mut widths) = (Tidied::default(), Widths::default());
        let (mut count, mut repeats) = (0, Repeats::default());
        let delimiter = rows.delimiter();
        let mut check = RowCheck {
            file: list.file,
            layout,
            delimiter,
            options: self.options,
            languages: &mut self.languages,
            countries: &mut self.countries,
            tidied: &mut tidied,
            widths: &mut widths,
            problems,
        };
        loop {
            match rows.next_filled() {
                Ok(None) => break,
                Err(damage) => check.problems.push(damage.problem(list.file)),
                Ok(Some(row)) => {
                    count += 1;
                    let Some(person) = check.person(&row) else { continue };
                    let place = Place::line(list.file, row.line);
                    take_in(&mut self.people, &mut self.by_key, person, place, &mut repeats);
                }
            }
        }
        check.report_short_rows();
        report_list(list.file, rows, layout, count, problems);
        report_tidied(list.file, &tidied, problems);
        report_repeats(list.file, &repeats, problems);
        count
    }

    /// Everybody, after the last list.
    pub(super) fn finish(mut self, no_lists: bool, problems: &mut Problems) -> People {
        self.columns.report_unused(problems);
        report_unknown_languages(&self.languages, self.options, problems);
        report_unknown_countries(&self.countries, problems);
        if self.people.recipients.is_empty() && !problems.has_errors() {
            problems.push(nobody(no_lists));
        }
        self.people.columns = self.names.into_iter().collect();
        self.people
    }
}

/// Keeps a person under the next number, or excludes the row where an earlier one has the address.
fn take_in(
    people: &mut People,
    by_key: &mut HashMap<RecipientKey, usize>,
    person: Person,
    place: Place,
    repeats: &mut Repeats,
) {
    let key = RecipientKey::of(&person.address);
    if let Some(first) = by_key.get(&key) {
        let first = &people.recipients[*first];
        repeats.all += 1;
        repeats.with_another_name += u64::from(person.name != first.name);
        let line = first.place.line.unwrap_or_default();
        let reason = format!("same address as {} row {line}", first.place.file);
        let address = person.address.as_str().to_owned();
        people.excluded.push(Excluded { address, place, reason });
        return;
    }
    by_key.insert(key.clone(), people.recipients.len());
    people.recipients.push(Recipient {
        number: u32::try_from(people.recipients.len() + 1).unwrap_or(u32::MAX),
        key,
        address: person.address,
        name: person.name,
        language: person.language,
        language_by: person.language_by,
        country: person.country,
        values: person.values,
        place,
    });
}

fn empty_list(file: &str, message: &str) -> Problem {
    Problem::warning("empty-list", message)
        .hint("Remove it from the campaign's recipients, or put the people in.")
        .place(Place::file(file))
}

fn nobody(no_lists: bool) -> Problem {
    let message = if no_lists { "the campaign has no list" } else { "nobody is in any list" };
    Problem::error("nobody", message).hint(
        "Put a list with a header row and one person in each row into recipients/, saved as CSV UTF-8.",
    )
}

/// What was detected, so that it can be doubted.
fn report_list(
    file: &str,
    rows: &Rows<'_>,
    layout: &Layout,
    count: usize,
    problems: &mut Problems,
) {
    if count == 0 {
        problems.push(empty_list(file, "the list has a header and no rows"));
    }
    let cut = match layout.headers.len() {
        1 => "1 column".to_owned(),
        columns => format!("{columns} columns separated by {}", rows.delimiter_name()),
    };
    let counted = counted(count as u64, "row");
    let message = format!("{counted}, {cut}; recognised {}", layout.recognised());
    problems.push(Problem::note("list-read", message).place(Place::file(file)));
}

fn report_tidied(file: &str, tidied: &Tidied, problems: &mut Problems) {
    let mut note = |code, tally: &Tally, what: &str, done: &str| {
        if tally.count > 0 {
            let message = format!("{done} {}", counted(tally.count, what));
            let place = Place::line(file, tally.first_line);
            problems.push(Problem::note(code, message).place(place).count(tally.count));
        }
    };
    note("trimmed", &tidied.outer_breaks, "cell", "line breaks were trimmed off");
    note(
        "direction-marks",
        &tidied.direction_marks,
        "name",
        "marks of direction were dropped from",
    );
}

fn report_repeats(file: &str, repeats: &Repeats, problems: &mut Problems) {
    if repeats.all == 0 {
        return;
    }
    let rows = counted(repeats.all, "row");
    let have = if repeats.all == 1 { "has" } else { "have" };
    let message = match repeats.with_another_name {
        0 => format!("{rows} {have} an address that an earlier row has"),
        others => format!(
            "{rows} {have} an address that an earlier row has, {others} of them with another name"
        ),
    };
    let hint = "The first row of an address gets the letter; the others are listed as left out.";
    let problem = Problem::note("same-address", message).hint(hint).count(repeats.all);
    problems.push(problem.place(Place::file(file)));
}

fn report_unknown_languages(
    languages: &Meanings<Language>,
    options: &Options,
    problems: &mut Problems,
) {
    let hint = format!(
        "Write a tag or a name, such as fr or français; until then by_country or the default ({}) \
         decides.",
        options.default_language
    );
    for (text, unknown) in languages.unknown() {
        problems.push(unknown_value("unknown-language", "language", text, unknown).hint(&hint));
    }
}

fn report_unknown_countries(countries: &Meanings<&'static str>, problems: &mut Problems) {
    for (n, (text, unknown)) in countries.unknown().into_iter().enumerate() {
        let problem = unknown_value("unknown-country", "country", text, unknown);
        // Resemblance is costly to find, and nobody reads a hundred hints.
        let near = (n < PROBLEMS_OF_A_KIND_MAX).then(|| country::nearest(text)).flatten();
        problems.push(match near {
            Some(near) => problem.hint(format!("Did you mean {near}?")),
            None => problem.hint("Write the country's name, or its code, such as PE."),
        });
    }
}

fn unknown_value(code: &'static str, what: &str, text: &str, unknown: &Unknown) -> Problem {
    let rows = counted(unknown.count, "row");
    let message = format!("the {what} {text:?} is not known ({rows})");
    Problem::warning(code, message).place(unknown.place.clone()).count(unknown.count)
}

/// `1 row`, `2 rows`.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
