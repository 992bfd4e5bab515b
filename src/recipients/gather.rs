//! All lists of a campaign in, everybody once out.
//!
//! Owns the order of lists and rows. What is in a row is checked in `check.rs`; who of those in the
//! rows gets a letter is decided in `admission.rs`.
//!
//! # Invariants
//! Numbers follow the lists as named, then their rows, without gaps.

use super::admission::{Admission, Audience};
use super::check::{RowCheck, Tidied};
use super::columns::{Columns, Layout};
use super::evidence::{Evidence, Seen};
use super::findings::{empty_list, no_names, report_hidden_columns, report_list, report_tidied};
use super::headers::Role;
use super::meaning::{Meanings, Unknown};
use super::reading::{self, Detected, HeaderRow, Opened, Rows};
use super::samples::Samples;
use super::shown::{counted, quoted};
use super::workbook;
use super::{
    ListSetting, ListSource, ListSummary, Options, People, Recipient, copies, country, slips, twins,
};
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
    admission: Admission<'a>,
    names: BTreeSet<String>,
    /// The number of the cell with the address, by list.
    address_cells: HashMap<String, usize>,
    people: People,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(options: &'a Options, audience: &'a Audience<'a>) -> Gathering<'a> {
        Gathering {
            options,
            columns: Columns::new(options),
            languages: Meanings::new(Language::recognise),
            countries: Meanings::new(country::recognise),
            admission: Admission::new(audience),
            names: BTreeSet::new(),
            address_cells: HashMap::new(),
            people: People { knows_all_columns: true, ..People::default() },
        }
    }

    /// Reads one list; its problems are kept, and end at most this list's reading.
    pub(super) fn read(&mut self, list: &ListSource<'_>, problems: &mut Problems) {
        if let Some(note) = workbook::misnamed(list.file, list.bytes) {
            problems.push(note);
        }
        let setting = ListSetting::of(&self.options.lists, list.file);
        let summary = match reading::open(list, setting) {
            Ok(opened) => self.opened(list, &opened, problems),
            Err(fault) => {
                problems.push(fault.problem(list.file));
                None
            }
        };
        self.people.knows_all_columns &= summary.is_some();
        let unread = || ListSummary { file: list.file.to_owned(), ..ListSummary::default() };
        self.people.lists.push(summary.unwrap_or_else(unread));
    }

    /// Reads a list that was opened; `None` where its columns could not be found.
    fn opened(
        &mut self,
        list: &ListSource<'_>,
        opened: &Opened<'_>,
        problems: &mut Problems,
    ) -> Option<ListSummary> {
        let mut rows = opened.rows();
        let found = self.header(list, opened, &mut rows, problems);
        opened.report(list.file, found.as_ref().map_or(0, |(header, _)| header.line), problems);
        let (header, layout) = found?;
        let is_hidden = |column| opened.is_hidden_column(column);
        report_hidden_columns(list.file, header.line, &layout, is_hidden, problems);
        copies::note_unused(&self.options.copies, list.file, header.line, &layout, problems);
        self.address_cells.insert(list.file.to_owned(), layout.email + 1);
        self.names.extend(layout.names.iter().map(str::to_owned));
        let Detected { encoding, delimiter, sheet } = opened.detected(&rows);
        let mut seen = Seen::of(&layout);
        let (count, names) = self.rows(list, &mut rows, &layout, &mut seen, problems);
        let summary = ListSummary {
            file: list.file.to_owned(),
            encoding,
            delimiter,
            sheet,
            header_row: Some(header.line),
            columns: layout.roles_and_headers(),
            rows: count,
            names,
        };
        report_list(&summary, header, &layout, problems);
        if !seen.likely_names().is_empty() {
            let problem = no_names(&layout, &seen.likely_names());
            problems.push(problem.place(Place::line(list.file, header.line)));
        }
        Some(summary)
    }

    /// The header of a list and its layout; `rows` then stand behind it.
    fn header(
        &mut self,
        list: &ListSource<'_>,
        opened: &Opened<'_>,
        rows: &mut Rows<'_>,
        problems: &mut Problems,
    ) -> Option<(HeaderRow, Layout)> {
        let header = match opened.header_row(self.options) {
            Ok(Some(header)) => header,
            Ok(None) => {
                problems.push(empty_list(list.file, "the list is empty"));
                return None;
            }
            Err(fault) => {
                problems.push(fault.problem(list.file));
                return None;
            }
        };
        let headers = header_cells(header, rows)?;
        let place = Place::line(list.file, header.line);
        let cells = headers.iter().map(String::as_str);
        let evidence = |columns: &[usize]| evidence_of(rows, columns);
        Some((header, self.columns.layout(cells, evidence, &place, problems)?))
    }

    /// Takes in all rows behind the header; how many there were, and some of their names.
    fn rows(
        &mut self,
        list: &ListSource<'_>,
        rows: &mut Rows<'_>,
        layout: &Layout,
        seen: &mut Seen,
        problems: &mut Problems,
    ) -> (usize, Vec<String>) {
        let (mut count, mut tidied) = (0, Tidied::default());
        let mut samples = Samples::default();
        self.admission.begin_list(list.file);
        let delimiter = rows.delimiter();
        let mut check = RowCheck {
            file: list.file,
            layout,
            delimiter,
            columns_in_use: rows.columns_in_use(layout.headers.len()),
            options: self.options,
            languages: &mut self.languages,
            countries: &mut self.countries,
            tidied: &mut tidied,
            problems,
        };
        loop {
            match rows.next_filled() {
                Ok(None) => break,
                Err(fault) => check.problems.push(fault.problem(list.file)),
                Ok(Some(row)) if check.is_footer(&row) => {}
                Ok(Some(row)) => {
                    count += 1;
                    let Some(person) = check.person(&row) else { continue };
                    person.name.iter().for_each(|name| samples.see(name));
                    seen.see(&person);
                    let place = Place::line(list.file, row.line);
                    self.admission.take_in(&mut self.people, person, place);
                }
            }
        }
        seen.settle(layout);
        report_tidied(list.file, layout, &tidied, problems);
        self.admission.end_list(list.file, problems);
        (count, samples.chosen())
    }

    /// Everybody, after the last list.
    pub(super) fn finish(mut self, no_lists: bool, problems: &mut Problems) -> People {
        self.people.unused_columns = self.columns.unused();
        report_unknown_countries(&self.countries, problems);
        self.people.columns = self.names.iter().cloned().collect();
        let mut people = self.people;
        self.admission.take_in_added(&mut people, self.options, problems);
        self.admission.finish(&mut people, self.options, problems);
        let is_in_a_list = |r: &&Recipient| self.address_cells.contains_key(&r.place.file);
        let readers = people.recipients.iter().filter(is_in_a_list);
        report_unknown_languages(readers, self.options, problems);
        twins::report(&people.recipients, problems);
        copies::report(&people, &self.options.copies, &self.names, problems);
        slips::report(&people, &self.address_cells, problems);
        // Whoever is left out is in a list.
        if people.recipients.is_empty() && people.excluded.is_empty() && !problems.has_errors() {
            problems.push(nobody(no_lists));
        }
        people
    }
}

/// See [`headers_of`](super::headers_of).
pub(super) fn headers_of(list: &ListSource<'_>, options: &Options) -> Option<Vec<String>> {
    let opened = reading::open(list, ListSetting::of(&options.lists, list.file)).ok()?;
    header_cells(opened.header_row(options).ok()??, &mut opened.rows())
}

/// The cells of the header; `rows` then stand behind it.
fn header_cells(header: HeaderRow, rows: &mut Rows<'_>) -> Option<Vec<String>> {
    loop {
        match rows.next_filled() {
            Ok(Some(row)) if row.line == header.line => {
                return Some(row.cells().map(str::to_owned).collect());
            }
            Ok(None) => return None,
            // A title, whatever is the matter with it.
            Ok(Some(_)) | Err(_) => {}
        }
    }
}

/// What the rows still to come show of some columns.
fn evidence_of(rows: &Rows<'_>, columns: &[usize]) -> Evidence {
    let (mut rows, mut evidence) = (rows.still_to_come(), Evidence::default());
    // What is the matter with a row is told when it is read.
    while let Ok(Some(row)) = rows.next_filled() {
        evidence.add(columns, &row.cells().collect::<Vec<_>>());
    }
    evidence
}

fn nobody(no_lists: bool) -> Problem {
    let message = if no_lists { "the campaign has no list" } else { "nobody is in any list" };
    Problem::error("nobody", message).hint(
        "Put a list into recipients/, a workbook or CSV: a header row, then one person in each row.",
    )
}

/// Only of those who get a letter: nobody mends the cells of the others.
fn report_unknown_languages<'r>(
    readers: impl Iterator<Item = &'r Recipient>,
    options: &Options,
    problems: &mut Problems,
) {
    let mut unknown: HashMap<&str, Unknown> = HashMap::new();
    for (text, recipient) in readers.filter_map(|r| Some((r.unknown_language()?, r))) {
        let first = || {
            let cell = recipient.values.cell_number(Role::Language.as_str()).unwrap_or(1);
            let line = recipient.place.line.unwrap_or_default();
            Unknown { place: Place::cell(&recipient.place.file, line, cell), count: 0 }
        };
        unknown.entry(text).or_insert_with(first).count += 1;
    }
    let mut unknown: Vec<_> = unknown.into_iter().collect();
    unknown.sort_by(|a, b| (&a.1.place, a.0).cmp(&(&b.1.place, b.0)));
    let hint = format!(
        "Write a tag or a name, such as fr or français; until then by_country or the default ({}) \
         decides.",
        options.default_language
    );
    for (text, unknown) in unknown {
        problems.push(unknown_value("unknown-language", "language", text, &unknown).hint(&hint));
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
    let message = format!("the {what} {} is not known ({rows})", quoted(text));
    Problem::warning(code, message).place(unknown.place.clone()).count(unknown.count)
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnSetting, LanguageBy, TwoAddresses, gather, select};
    use super::*;
    use crate::problem::Severity;
    use std::collections::BTreeMap;

    fn options() -> Options {
        let tag = |tag| Language::parse_tag(tag).unwrap();
        Options {
            columns: Vec::new(),
            lists: Vec::new(),
            default_language: tag("en"),
            language_by_country: BTreeMap::from([("FR".to_owned(), tag("fr"))]),
            copies: Vec::new(),
            two_addresses: TwoAddresses::Refuse,
        }
    }

    /// The people of some lists, and all problems but notes as `code place: message`.
    fn read(lists: &[(&str, &str)]) -> (People, Vec<String>) {
        let sources: Vec<ListSource<'_>> =
            lists.iter().map(|(file, text)| ListSource { file, bytes: text.as_bytes() }).collect();
        let mut problems = Problems::new();
        let people = gather(&sources, &options(), &mut problems);
        let shown = |p: &&Problem| {
            let place = p.place.as_ref().map_or(String::new(), |place| format!(" {place}"));
            format!("{}{place}: {}", p.code, p.message)
        };
        let found = problems.sorted();
        (people, found.iter().filter(|p| p.severity < Severity::Note).map(shown).collect())
    }

    /// A list with `name,email,country` and these rows gives these problems.
    #[track_caller]
    fn check(rows: &str, expected: &[&str]) {
        let (_, problems) = read(&[("l.csv", &format!("name,email,country\n{rows}"))]);
        assert_eq!(problems, expected);
    }

    #[test]
    fn everybody_is_numbered_in_the_order_of_lists_and_rows() {
        let (people, problems) = read(&[
            (
                "vip.csv",
                "Prénom;Nom;E-mail;Pays;Langue\n Zoé ;Martin;zoe@a.example;France;\n\
                         Li;Bo;li@a.example;CHN;中文\n",
            ),
            ("b.tsv", "name\temail\tCity\nAna Pérez\tANA@b.example\tLima\n\tx@b.example\t\n"),
        ]);
        assert_eq!(problems, [""; 0]);
        let shown: Vec<String> = people
            .recipients
            .iter()
            .map(|r| {
                let name = r.name.as_deref().unwrap_or("-");
                let country = r.country.unwrap_or("-");
                format!(
                    "{} {name} {} {} {:?} {country} {}",
                    r.number, r.address, r.language, r.language_by, r.place
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "1 Zoé Martin zoe@a.example fr Country FR vip.csv:2",
                "2 Li Bo li@a.example zh Column CN vip.csv:3",
                "3 Ana Pérez ANA@b.example en Default - b.tsv:2",
                "4 - x@b.example en Default - b.tsv:3",
            ]
        );
        let zoe = &people.recipients[0].values;
        let of_zoe: Vec<_> = zoe.iter().collect();
        assert_eq!(
            of_zoe,
            [
                ("country", "France"),
                ("e_mail", "zoe@a.example"),
                ("email", "zoe@a.example"),
                ("family_name", "Martin"),
                ("given_name", "Zoé"),
                ("name", "Zoé Martin"),
                ("nom", "Martin"),
                ("pays", "France"),
                ("prenom", "Zoé"),
            ]
        );
        assert!(people.columns.contains(&"city".to_owned()) && people.columns.is_sorted());
        assert_eq!(people.lists.iter().map(|l| l.rows).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(people.recipients[1].language_by, LanguageBy::Column);
    }

    #[test]
    fn an_address_gets_one_letter_whatever_its_spelling_and_list() {
        let (people, problems) = read(&[
            ("a.csv", "name,email\nAna,Ana@x.example\nAna,ana@X.example\n"),
            ("b.csv", "email\nnew@x.example\nANA@x.example\n"),
        ]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(people.recipients.len(), 2);
        let excluded: Vec<_> =
            people.excluded.iter().map(|e| (e.place.to_string(), e.reason.as_str())).collect();
        assert_eq!(
            excluded,
            [
                ("a.csv:3".to_owned(), "same address as a.csv row 2"),
                ("b.csv:3".to_owned(), "same address as a.csv row 2"),
            ]
        );
    }

    #[test]
    fn every_bad_row_is_reported_with_its_line() {
        check(
            "Ana,ana@x.example,Peru\n\"Bo\n\",bo@,Peru\nCy,,\nDi,di@x.example,Peru,surplus\n\
             Eve,eve@x.example\nx@y.example,fy@x.example,\n,,\nGo,a@x.example; b@x.example,\n",
            &[
                "bad-address l.csv:3:2: the address \"bo@\" in column 2 (email) has the domain \"\", \
                 which cannot exist",
                "no-address l.csv:5:2: no address in column 2 (email)",
                "ragged-row l.csv:6: the row has 4 cells, the header 3",
                "ragged-row l.csv:7: the row has 2 cells, the header 3",
                "bad-name l.csv:8:1: the name \"x@y.example\" in column 1 (name) holds an @, and \
                 could be taken for an address",
                "bad-address l.csv:10:2: the address \"a@x.example; b@x.example\" in column 2 \
                 (email) holds more than one address",
            ],
        );
    }

    #[test]
    fn a_row_that_lacks_only_cells_nobody_has_filled_is_whole() {
        let rows = "email,name,notes,more\na@x.example,Ana,,\nb@x.example,Bo\n,,\nc@x.example\n";
        let (people, problems) = read(&[("l.csv", rows)]);
        assert_eq!(problems, ["ragged-row l.csv:5: the row has 1 cell, the header 4"]);
        assert_eq!(people.recipients.len(), 2);
    }

    /// One row cut wrongly was told as a bad address, an unknown country and a doubtful name.
    #[test]
    fn shifted_cells_of_a_ragged_row_are_no_findings_of_their_own() {
        let list = "name,email,country,language\nPérez, Ana@x,ana@x.example,Peru,es\n\
                    Bo,bo@x.example,Peru,es\ncy@x.example,Frannce,xx\n?,Di\u{7},Frannce\n";
        let (people, problems) = read(&[("l.csv", list)]);
        assert_eq!(
            problems,
            [
                "ragged-row l.csv:2: the row has 5 cells, the header 4",
                "ragged-row l.csv:4: the row has 3 cells, the header 4",
                "ragged-row l.csv:5: the row has 3 cells, the header 4",
            ]
        );
        assert_eq!(people.recipients.len(), 1);
    }

    /// Security S2, S12, S20.
    #[test]
    fn characters_that_break_headers_are_errors_with_row_and_column() {
        for (row, expected) in [
            (
                "\"Ana\nBcc: x\",a@x.example,",
                "bad-name l.csv:2:1: the name \"Ana⏎Bcc: x\" in column 1 (name) holds a line break",
            ),
            (
                "An\u{85}a,a@x.example,",
                "bad-name l.csv:2:1: the name \"An⏎a\" in column 1 (name) holds a line break",
            ),
            (
                "An\u{202e}a,a@x.example,",
                "bad-name l.csv:2:1: the name \"An·a\" in column 1 (name) holds an invisible \
              character (U+202E)",
            ),
            (
                "An\0a,a@x.example,",
                "bad-name l.csv:2:1: the name \"An·a\" in column 1 (name) holds an invisible \
              character (U+0000)",
            ),
            (
                "Ana,a\0@x.example,",
                "bad-address l.csv:2:2: the address \"a·@x.example\" in column 2 (email) holds an \
              invisible character (U+0000), which does not belong in an address",
            ),
            (
                "Ana,a@x.example\u{200b},",
                "bad-address l.csv:2:2: the address \"a@x.example·\" in column 2 (email) \
              holds an invisible character (U+200B), which does not belong in an address",
            ),
        ] {
            check(row, &[expected]);
        }
        let (_, problems) = read(&[("l.csv", "email,note\na@x.example,\"x\0y\"\n")]);
        assert_eq!(
            problems,
            ["control-character l.csv:2:2: column 2 (note) holds a control character (U+0000)"]
        );
    }

    #[test]
    fn what_can_be_put_right_is_put_right_with_a_note() {
        let list = "name,email,note\n\"\nAna \",\"\u{a0}ana@x.example\r\n\",\"two\nlines\"\n\
                    \u{200f}سارة\u{200e},s@x.example,\n";
        let mut problems = Problems::new();
        let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
        let people = gather(&[source], &options(), &mut problems);
        let notes: Vec<_> = problems
            .iter()
            .map(|p| (p.severity, p.code, p.place.as_ref().unwrap().to_string(), p.count))
            .collect();
        assert_eq!(
            notes,
            [
                (Severity::Note, "trimmed", "l.csv:2:1".to_owned(), 2),
                (Severity::Note, "direction-marks", "l.csv:6:1".to_owned(), 1),
                (Severity::Note, "list-read", "l.csv".to_owned(), 1),
            ]
        );
        let [ana, sara] = people.recipients.as_slice() else { panic!("two people") };
        assert_eq!((ana.name.as_deref(), ana.address.as_str()), (Some("Ana"), "ana@x.example"));
        assert_eq!(ana.values.get("note"), Some("two\nlines"));
        assert_eq!(sara.name.as_deref(), Some("سارة"));
        assert_eq!(sara.values.get("name"), Some("سارة"));
    }

    #[test]
    fn unknown_countries_and_languages_are_grouped_by_value() {
        let (people, problems) = read(&[(
            "l.csv",
            "email,country,language\na@x.example,Frannce,Español/EN\nb@x.example,Frannce,\n\
             c@x.example,France,Español/EN\nd@x.example,Korea,es\n",
        )]);
        assert_eq!(
            problems,
            [
                "unknown-country l.csv:2:2: the country \"Frannce\" is not known (2 rows)",
                "unknown-language l.csv:2:3: the language \"Español/EN\" is not known (2 rows)",
                "unknown-country l.csv:5:2: the country \"Korea\" is not known (1 row)",
            ]
        );
        let tags: Vec<_> = people.recipients.iter().map(|r| r.language.as_str()).collect();
        assert_eq!(tags, ["en", "en", "fr", "es"]);
    }

    #[test]
    fn rows_inside_a_cell_and_slips_in_domains_are_noticed() {
        check(
            "\"Ana,ana@x.example,Peru\nBo,bo@x.example,\",cy@gmial.com,Peru\n",
            &[
                "bad-name l.csv:2:1: the name \"Ana,ana@x.example,Peru⏎Bo,bo@x.example,\" in \
                 column 1 (name) holds an @, and could be taken for an address",
                "rows-in-a-cell l.csv:2:1: column 1 (name) holds what looks like whole rows of the \
                 list",
                "probable-slip l.csv:2:2: the address cy@gmial.com is probably one at gmail.com",
            ],
        );
    }

    #[test]
    fn a_name_without_a_letter_is_not_used_and_a_damaged_one_is_doubted() {
        let list = "name,email\n—,a@x.example\nP?rez,b@x.example\n";
        let (people, problems) = read(&[("l.csv", list)]);
        assert_eq!(
            problems,
            [
                "no-name l.csv:2:1: the name \"—\" in column 1 (name) has no letter",
                "damaged-name l.csv:3:1: the name \"P?rez\" in column 1 (name) has lost letters",
            ]
        );
        let names: Vec<_> = people.recipients.iter().map(|r| r.name.as_deref()).collect();
        assert_eq!(names, [None, Some("P?rez")]);
        assert_eq!(people.recipients[0].values.get("name"), None);
    }

    /// Security S20: no cell, in whatever column, makes a panic, a lost row or a header line.
    #[test]
    fn naughty_strings_in_every_column_lose_nobody() {
        let long = "a".repeat(70_000);
        let naughty = [
            "{{ 7*7 }}",
            "<script>alert(1)</script>",
            "=1+1",
            "../../etc/passwd",
            "\u{202e}x",
            "👩\u{200d}👧",
            "\0",
            "\u{1b}[31m",
            "\u{7f}",
            "a\u{2028}b",
            "ﷺ",
            "Z\u{363}\u{a3}a",
            "\u{10ffff}",
            "\u{fffd}",
            "İß",
            "%s%n",
            "__proto__",
            "-",
            "@",
            "a@b",
            "x\r\nBcc: y@z.example",
            "\"",
            "'",
            &long[..5_000],
        ];
        let columns = ["name", "email", "country", "language", "note", "名"];
        let mut list = columns.join(",") + "\n";
        for cell in naughty {
            for column in 0..columns.len() {
                let mut row = ["Ana", "x", "", "", "", ""].map(str::to_owned);
                row[1] = format!("p{}@x.example", list.len());
                row[column] = format!("\"{}\"", cell.replace('"', "\"\""));
                list += &(row.join(",") + "\n");
            }
        }
        let mut problems = Problems::new();
        let people =
            gather(&[ListSource { file: "l", bytes: list.as_bytes() }], &options(), &mut problems);
        let refused = problems.iter().filter(|p| p.code == "bad-address").count();
        assert_eq!(people.recipients.len() + refused, naughty.len() * columns.len());
        assert_eq!(refused, naughty.len());
        for r in &people.recipients {
            let name = r.name.clone().unwrap_or_default();
            let mailbox = crate::address::Mailbox::new(&name, r.address.clone());
            assert!(mailbox.is_ok() && name.lines().count() < 2, "{name:?}");
        }
        assert!(problems.iter().all(|p| p.message.len() < 1_000 && !p.message.contains('\n')));
    }

    #[test]
    fn lists_without_people_are_said_and_nobody_at_all_is_an_error() {
        let empty = "empty-list a.csv: the list has a header and no rows";
        let nobody = "nobody: nobody is in any list";
        assert_eq!(read(&[("a.csv", "name,email\n\n,\n")]).1, [nobody, empty]);
        assert_eq!(read(&[("a.csv", "")]).1, [nobody, "empty-list a.csv: the list is empty"]);
        assert_eq!(read(&[]).1, ["nobody: the campaign has no list"]);
        assert_eq!(read(&[("a.csv", "name,email\n"), ("b.csv", "email\na@x.example")]).1, [empty]);
        let (people, problems) =
            read(&[("a.xlsx", "PK\u{3}\u{4}"), ("b.csv", "email\na@x.example")]);
        assert!(problems.len() == 1 && problems[0].starts_with("damaged-workbook a.xlsx: "));
        assert_eq!((people.recipients.len(), people.lists.len()), (1, 2));
    }

    #[test]
    fn hints_say_what_to_write() {
        let list = "email,country\n\"ana@x,example\",Frannce\n";
        let mut options = options();
        options.columns.push(ColumnSetting {
            name: "town".to_owned(),
            headers: vec!["Ctry".to_owned()],
            place: Place::at("secretariat.toml", 3, 1),
        });
        let mut problems = Problems::new();
        gather(&[ListSource { file: "l.csv", bytes: list.as_bytes() }], &options, &mut problems);
        let hint = |code| problems.iter().find(|p| p.code == code).unwrap().hint.clone().unwrap();
        assert_eq!(hint("bad-address"), "Write ana@x.example");
        assert_eq!(hint("unknown-country"), "Did you mean France?");
        assert!(hint("unknown-column").contains("country"));
    }

    #[test]
    fn a_person_is_found_by_address_or_part_of_the_name() {
        let (people, _) = read(&[(
            "l.csv",
            "name,email\nAna Pérez,a@x.example\nAna Pérez Díaz,b@x.example\n,c@x.example\n",
        )]);
        let found =
            |who| -> Vec<u32> { select::find(&people, who).iter().map(|r| r.number).collect() };
        assert_eq!(found("perez"), [1, 2]);
        assert_eq!(found("diaz"), [2]);
        assert_eq!(found("ana perez"), [1]);
        assert_eq!(found("C@x.example"), [3]);
        assert_eq!(found("nobody"), [0; 0]);
    }
}
