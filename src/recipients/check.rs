//! One row of a list in, one recipient out, or what is wrong with it.
//!
//! Owns what is asked of every cell: length of the row, characters, address, name, language and
//! country. What the columns mean was decided in `columns.rs`; how rows follow each other, and who
//! stands in a list twice, in `gather.rs`.
//!
//! # Invariants
//! A row with anything in it becomes a recipient, an exclusion or an error: never nothing.
//! A value that reaches a header has no line break and no invisible character (security S2, S12).

use super::address_cell::{self, AddressCell, Found, Repair};
use super::columns::Layout;
use super::copies;
use super::damaged::{self, Damaged, Kind};
use super::footer;
use super::headers::Role;
use super::meaning::Meanings;
use super::name::{self, Doubt, NameError};
use super::reading::Row;
use super::repair;
use super::shown::{counted, quoted};
use super::values::Values;
use super::{LanguageBy, Options, TwoAddresses, greeting};
use crate::address::{AddressError, EmailAddress};
use crate::language::Language;
use crate::limits::ADDRESS_OCTETS_MAX;
use crate::problem::{Place, Problem, Problems};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a row says about a person, before it is known whether an earlier row said it.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) address: EmailAddress,
    pub(super) name: Option<String>,
    pub(super) language: Language,
    pub(super) language_by: LanguageBy,
    pub(super) country: Option<&'static str>,
    pub(super) values: Values,
    /// Who gets a copy of the letter.
    pub(super) copies: Vec<EmailAddress>,
    /// The greeting written in the row.
    pub(super) greeting: Option<String>,
}

/// What was put right in a list without asking, for one note each.
#[derive(Debug, Default)]
pub(super) struct Tidied {
    /// Cells with line breaks at their ends.
    pub(super) outer_breaks: Tally,
    /// Names with marks of writing direction.
    pub(super) direction_marks: Tally,
    /// Addresses with something around them.
    pub(super) addresses: BTreeMap<Repair, Tally>,
    /// Rows that are no person's.
    pub(super) footer: Option<Example>,
    /// Cells damaged by an earlier export, by column; names are reported one by one.
    pub(super) damaged: BTreeMap<usize, Example>,
}

/// How often something was seen, and the first of it.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) count: u64,
    pub(super) first_line: u32,
    /// As it is to be shown.
    pub(super) first: String,
}

/// How often something was seen, and where first.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    /// Line and number of the cell.
    pub(super) first: Option<(u32, usize)>,
}

impl Tally {
    fn add(&mut self, line: u32, column: usize) {
        self.first.get_or_insert((line, column + 1));
        self.count += 1;
    }
}

/// Checks the rows of one list.
pub(super) struct RowCheck<'a> {
    pub(super) file: &'a str,
    pub(super) layout: &'a Layout,
    /// What separates the cells of a text.
    pub(super) delimiter: Option<char>,
    /// See `Rows::columns_in_use`.
    pub(super) columns_in_use: usize,
    pub(super) options: &'a Options,
    pub(super) languages: &'a mut Meanings<Language>,
    pub(super) countries: &'a mut Meanings<&'static str>,
    pub(super) tidied: &'a mut Tidied,
    pub(super) problems: &'a mut Problems,
}

impl RowCheck<'_> {
    /// Whether a row is a line of text and no person's; counted.
    pub(super) fn is_footer(&mut self, row: &Row<'_>) -> bool {
        let is_footer = footer::is_footer(row);
        if is_footer {
            let text = row.cells().map(str::trim).filter(|c| !c.is_empty()).collect::<Vec<_>>();
            let example =
                || Example { count: 0, first_line: row.line, first: quoted(&text.join(" ")) };
            self.tidied.footer.get_or_insert_with(example).count += 1;
        }
        is_footer
    }

    /// The person of a row; `None` with a problem kept.
    pub(super) fn person(&mut self, row: &Row<'_>) -> Option<Person> {
        // What stands in the wrong column is no finding of its own.
        if !self.is_whole(row) {
            self.report_ragged(row);
            return None;
        }
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(self.layout.headers.len() + 1);
        let trimmed = row.cells().enumerate().map(|(n, cell)| self.trimmed(cell, row.line, n));
        cells.extend(trimmed.map(Cow::Borrowed));
        cells.resize(self.layout.headers.len(), Cow::Borrowed(""));
        self.check_characters(&cells, row.line);
        self.look_for_damage(&cells, row.line);
        self.clean_names(&mut cells, row.line);
        let name = self.name(&mut cells);
        let found = self.address(&mut cells, name.as_deref(), row.line);
        let country = self.country(&cells, row.line);
        let (language, language_by) = self.language(&cells, country, row.line);
        let greeting = self.greeting(&cells, row.line);
        let values = Values::new(Arc::clone(&self.layout.names), cells.iter().map(Cow::as_ref));
        let in_columns = self.copies(&cells, row.line);
        let (address, mut copies) = found?;
        copies.extend(in_columns);
        Some(Person { address, name, language, language_by, country, values, copies, greeting })
    }

    fn trimmed<'c>(&mut self, cell: &'c str, line: u32, column: usize) -> &'c str {
        let trimmed = cell.trim();
        if trimmed.len() < cell.len() && !trimmed.is_empty() {
            let outer = cell.split(trimmed);
            if outer.take(2).any(|blank| blank.contains(['\r', '\n', '\u{85}', '\u{2028}'])) {
                self.tidied.outer_breaks.add(line, column);
            }
        }
        trimmed
    }

    /// Whether each cell stands in its own column. Not where one lies beyond the header, nor where
    /// the row ended before the last column in use: which of its cells is missing cannot be known,
    /// and a name may stand where the country belongs. A row that only lacks cells which no row
    /// has filled lacks nothing.
    fn is_whole(&self, row: &Row<'_>) -> bool {
        row.filled() <= self.layout.headers.len() && row.width() >= self.columns_in_use
    }

    fn report_ragged(&mut self, row: &Row<'_>) {
        let expected = self.layout.headers.len();
        let cells = counted(row.width() as u64, "cell");
        let message = format!("the row has {cells}, the header {expected}");
        let hint = match self.delimiter {
            None => "Move what stands beyond the columns into its own.".to_owned(),
            Some(delimiter) => {
                let delimiter = match delimiter {
                    '\t' => "tab".to_owned(),
                    other => format!("\"{other}\""),
                };
                format!(
                    "Put text with a {delimiter} in it between quotation marks, and write one for \
                     every empty cell: a spreadsheet program does both when it saves."
                )
            }
        };
        self.report(Problem::error("ragged-row", message).hint(hint), row.line);
    }

    /// Characters that belong in no cell; addresses and names are looked at more closely.
    fn check_characters(&mut self, cells: &[Cow<'_, str>], line: u32) {
        for (column, cell) in cells.iter().enumerate() {
            if cell.bytes().any(|b| b < b' ' || b == 0x7f) {
                self.check_controls(cell, column, line);
            }
        }
    }

    fn check_controls(&mut self, cell: &str, column: usize, line: u32) {
        let described = self.layout.described(column);
        let is_odd = |c: &char| c.is_control() && !matches!(c, '\t'..='\r');
        if let Some(c) = cell.chars().find(is_odd).filter(|_| !self.layout.reaches_header(column)) {
            let message = format!("{described} holds a control character (U+{:04X})", u32::from(c));
            let problem = match c {
                '\0' => Problem::error("control-character", message),
                _ => Problem::warning("control-character", message),
            };
            self.report_cell(problem.hint("Type the text into the cell again."), line, column);
        }
        if self.has_rows_inside(cell) {
            let message = format!("{described} holds what looks like whole rows of the list");
            let hint = "A quotation mark is probably missing, or one too many: look at this row.";
            self.report_cell(Problem::warning("rows-in-a-cell", message).hint(hint), line, column);
        }
    }

    /// Whether a cell of several lines has one that would make a row with an address of its own:
    /// people would vanish in it.
    fn has_rows_inside(&self, cell: &str) -> bool {
        let width = self.layout.headers.len();
        let Some(delimiter) = self.delimiter else { return false };
        let is_row =
            |line: &str| line.contains('@') && width > 2 && line.split(delimiter).count() >= width;
        cell.contains(['\r', '\n']) && cell.split(['\r', '\n']).any(is_row)
    }

    /// Cells of an earlier export in another encoding, in columns that are no name's.
    fn look_for_damage(&mut self, cells: &[Cow<'_, str>], line: u32) {
        for (column, cell) in cells.iter().enumerate() {
            if cell.is_ascii() && !cell.contains(['&', '?']) || self.layout.reaches_header(column) {
                continue;
            }
            let Some(damaged) = damaged::of_cell(cell) else { continue };
            let first = || match &damaged.repair {
                Some(repair) => format!("{}, probably {}", quoted(cell), quoted(repair)),
                None => quoted(cell),
            };
            let example = || Example { count: 0, first_line: line, first: first() };
            self.tidied.damaged.entry(column).or_insert_with(example).count += 1;
        }
    }

    /// The person's address and those of the cell's copies; the cell then holds the one address and
    /// nothing else.
    fn address(
        &mut self,
        cells: &mut [Cow<'_, str>],
        name: Option<&str>,
        line: u32,
    ) -> Option<(EmailAddress, Vec<EmailAddress>)> {
        let column = self.layout.email;
        let cell = AddressCell::read(&cells[column]);
        let is_several = matches!(cell, AddressCell::Several(_));
        let found = match cell {
            AddressCell::One(found) => {
                self.owned(found, &cells[column], name, line).map(|f| vec![f])
            }
            AddressCell::Several(all) => self.several(all, &cells[column], name, line),
            AddressCell::Empty => {
                self.report_no_address(line);
                None
            }
            AddressCell::Refused(error) => {
                self.report_address(&cells[column], &error.to_string(), None, line);
                None
            }
        };
        let mut found = found?.into_iter();
        let own = found.next()?;
        for repair in &own.repairs {
            self.tidied.addresses.entry(*repair).or_default().add(line, column);
        }
        if !own.repairs.is_empty() || is_several {
            cells[column] = Cow::Owned(own.address.as_str().to_owned());
        }
        Some((own.address, found.map(|copy| copy.address).collect()))
    }

    /// Who gets a copy by the columns for it: a bad address keeps everything back until it is mended,
    /// as the person's own does, for whoever wrote it there expects that somebody gets the letter.
    fn copies(&mut self, cells: &[Cow<'_, str>], line: u32) -> Vec<EmailAddress> {
        let (layout, mut all) = (self.layout, Vec::new());
        for column in layout.copies.iter().copied() {
            let cell = cells.get(column).map_or("", Cow::as_ref);
            match copies::read(cell, self.options.two_addresses) {
                Ok(found) => {
                    for repair in found.iter().flat_map(|one| &one.repairs) {
                        self.tidied.addresses.entry(*repair).or_default().add(line, column);
                    }
                    all.extend(found.into_iter().map(|one| one.address));
                }
                Err(error) => {
                    let problem = copies::refusal(&layout.described(column), cell, &error);
                    self.report_cell(problem, line, column);
                }
            }
        }
        all
    }

    /// The address, unless the name beside it in the cell is somebody else's than the row's: an
    /// assistant's, or one from the row above.
    fn owned(&mut self, found: Found, cell: &str, name: Option<&str>, line: u32) -> Option<Found> {
        let Some(beside) = found.beside.as_deref().filter(|b| !address_cell::may_be(b, name))
        else {
            return Some(found);
        };
        let whose = format!(
            "is that of {}, but the row is that of {}",
            quoted(beside),
            quoted(name.unwrap_or_default())
        );
        let hint = format!("Write {} without a name, if it is this person's.", found.address);
        self.report_address(cell, &whose, Some(hint), line);
        None
    }

    /// What the configuration makes of several addresses in a cell: the first, then copies.
    fn several(
        &mut self,
        mut all: Vec<Found>,
        cell: &str,
        name: Option<&str>,
        line: u32,
    ) -> Option<Vec<Found>> {
        if self.options.two_addresses == TwoAddresses::Refuse {
            let several = AddressError::Several.to_string();
            self.report_address(cell, &several, None, line);
            return None;
        }
        let others = all.split_off(1);
        let first = self.owned(all.pop()?, cell, name, line)?;
        let shown = |found: &Found| found.address.for_people().into_owned();
        let named = others.iter().map(shown).collect::<Vec<_>>().join(", ");
        let others = match self.options.two_addresses {
            TwoAddresses::FirstAndCc => others,
            TwoAddresses::First | TwoAddresses::Refuse => Vec::new(),
        };
        let then = match others.len() {
            0 => format!("nothing goes to {named}"),
            1 => format!("a copy goes to {named}"),
            _ => format!("copies go to {named}"),
        };
        let message = format!("of several addresses {} gets the letter, {then}", shown(&first));
        let problem = Problem::note("first-address", message).recipient(first.address.as_str());
        self.report_cell(problem, line, self.layout.email);
        Some(std::iter::once(first).chain(others).collect())
    }

    fn report_no_address(&mut self, line: u32) {
        let message = format!("no address in {}", self.layout.described(self.layout.email));
        let hint = "Write the person's address, or remove the row.";
        let problem = Problem::error("no-address", message).hint(hint);
        self.report_cell(problem, line, self.layout.email);
    }

    /// An address that nobody is written to; without a hint, what it was probably meant to be.
    fn report_address(&mut self, cell: &str, why: &str, hint: Option<String>, line: u32) {
        let column = self.layout.described(self.layout.email);
        let message = format!("the address {} in {column} {why}", quoted(cell));
        let hint = hint.unwrap_or_else(|| repair::hint(cell));
        let raw: String = cell.chars().take(ADDRESS_OCTETS_MAX).collect();
        let problem = Problem::error("bad-address", message).recipient(raw).hint(hint);
        self.report_cell(problem, line, self.layout.email);
    }

    /// Replaces the cells of names by what letters and headers can carry.
    fn clean_names(&mut self, cells: &mut [Cow<'_, str>], line: u32) {
        let mut lost = Vec::new();
        for role in [Role::Name, Role::GivenName, Role::FamilyName] {
            let Some(column) = self.layout.column(role) else { continue };
            let cleaned = match name::checked(&cells[column]) {
                Ok(Cow::Borrowed(_)) => None,
                Ok(Cow::Owned(cleaned)) => {
                    self.tidied.direction_marks.add(line, column);
                    Some(cleaned)
                }
                Err(error) => {
                    self.report_name(&error, &cells[column], column, line);
                    Some(String::new())
                }
            };
            if let Some(cleaned) = cleaned {
                cells[column] = Cow::Owned(cleaned);
            }
            if damaged::has_lost_all(&cells[column]) {
                cells[column] = Cow::Borrowed("");
                lost.push(column);
            }
            self.doubt_name(&mut cells[column], column, line);
        }
        lost.sort_unstable();
        self.report_lost(&lost, line);
    }

    /// One person's name, in however many columns it stood; what is left of it tells nothing.
    fn report_lost(&mut self, columns: &[usize], line: u32) {
        let Some(first) = columns.first() else { return };
        let described: Vec<String> = columns.iter().map(|c| self.layout.described(*c)).collect();
        let message = format!("the name in {} has lost all its letters", described.join(" and "));
        let problem = Problem::warning("lost-name", message).hint(
            "The list was saved in an encoding that cannot hold them: export it again as an Excel \
             workbook or CSV UTF-8. Until then the greeting has no name.",
        );
        self.report_cell(problem, line, *first);
    }

    /// Warns of a name that is probably none; one of marks alone is not used: nobody is called
    /// `Dear -,`.
    fn doubt_name(&mut self, cell: &mut Cow<'_, str>, column: usize, line: u32) {
        let Some(doubt) = name::doubt(cell) else {
            if let Some(damaged) = damaged::of_name(cell) {
                self.report_damaged(cell, &damaged, column, line);
            }
            return;
        };
        let described = format!("the name {} in {}", quoted(cell), self.layout.described(column));
        let problem = match doubt {
            Doubt::NoName => {
                *cell = Cow::Borrowed("");
                Problem::warning("no-name", format!("{described} has no letter"))
                    .hint("Write the person's name, or empty the cell; the greeting is neutral.")
            }
            Doubt::NoValue => {
                *cell = Cow::Borrowed("");
                Problem::warning("no-name", format!("{described} is what programs write for none"))
                    .hint("Write the person's name, or empty the cell; the greeting is neutral.")
            }
            Doubt::NoLetter => {
                Problem::warning("doubtful-name", format!("{described} has no letter"))
                    .hint("If it is no name, empty the cell; the greeting is then neutral.")
            }
        };
        self.report_cell(problem, line, column);
    }

    fn report_damaged(&mut self, cell: &str, damaged: &Damaged, column: usize, line: u32) {
        let described = format!("the name {} in {}", quoted(cell), self.layout.described(column));
        let what = match damaged.kind {
            Kind::Lost => "has lost letters",
            Kind::Torn => "was read in the wrong encoding before it came into this list",
            Kind::Entity => "is written as for a web page",
        };
        let hint = match &damaged.repair {
            Some(repair) => format!("It is probably {}: write it so.", quoted(repair)),
            None => "Write the name as the person does, and save the list as CSV UTF-8.".to_owned(),
        };
        let problem = Problem::warning("damaged-name", format!("{described} {what}")).hint(hint);
        self.report_cell(problem, line, column);
    }

    fn report_name(&mut self, error: &NameError, cell: &str, column: usize, line: u32) {
        let message =
            format!("the name {} in {} {error}", quoted(cell), self.layout.described(column));
        let repair = damaged::of_name(cell).and_then(|damaged| damaged.repair);
        let hint = match repair {
            Some(repair) => format!("It is probably {}: write it so.", quoted(&repair)),
            None => error.hint().to_owned(),
        };
        self.report_cell(Problem::error("bad-name", message).hint(hint), line, column);
    }

    /// The whole name: the list's own column, else the parts. Where there are parts, it becomes a
    /// cell of its own behind the others.
    fn name(&self, cells: &mut Vec<Cow<'_, str>>) -> Option<String> {
        let cell = |role| self.layout.column(role).map_or("", |column| cells[column].as_ref());
        let own = name::single_blanks(cell(Role::Name));
        let name = match own.is_empty() {
            false => own.into_owned(),
            true => name::whole(cell(Role::GivenName), cell(Role::FamilyName)),
        };
        if self.layout.has_name_parts() {
            cells.push(Cow::Owned(name.clone()));
        }
        Some(name).filter(|name| !name.is_empty())
    }

    /// The greeting somebody wrote for this row; one that cannot be sent is an error.
    fn greeting(&mut self, cells: &[Cow<'_, str>], line: u32) -> Option<String> {
        let column = self.layout.column(Role::Greeting)?;
        let cell = cells[column].as_ref();
        if cell.is_empty() {
            return None;
        }
        if let Err(error) = greeting::check_written(cell) {
            let described = self.layout.described(column);
            let message = format!("the greeting {} in {described} {error}", quoted(cell));
            let hint = "Write the whole line, such as Dear Ms Pérez, or empty the cell: the \
                        greeting is then made by rule.";
            let place = Place::cell(self.file, line, column + 1);
            self.problems.push(Problem::error("bad-greeting", message).hint(hint).place(place));
            return None;
        }
        Some(cell.to_owned())
    }

    fn country(&mut self, cells: &[Cow<'_, str>], line: u32) -> Option<&'static str> {
        let column = self.layout.column(Role::Country)?;
        self.countries.of(&cells[column], || Place::cell(self.file, line, column + 1))
    }

    /// The person's own cell, else the configuration's table of countries, else the default
    /// (contract, secretariat.toml).
    fn language(
        &mut self,
        cells: &[Cow<'_, str>],
        country: Option<&'static str>,
        line: u32,
    ) -> (Language, LanguageBy) {
        let column = self.layout.column(Role::Language);
        let place = |column| Place::cell(self.file, line, column + 1);
        let own = column.and_then(|n| self.languages.of(&cells[n], || place(n)));
        let by_country = || self.options.language_by_country.get(country?).cloned();
        match own {
            Some(language) => (language, LanguageBy::Column),
            None => match by_country() {
                Some(language) => (language, LanguageBy::Country),
                None => (self.options.default_language.clone(), LanguageBy::Default),
            },
        }
    }

    /// Keeps what is wrong with one cell; columns count from 0 here, from 1 in places.
    fn report_cell(&mut self, problem: Problem, line: u32, column: usize) {
        self.problems.push(problem.place(Place::cell(self.file, line, column + 1)));
    }

    fn report(&mut self, problem: Problem, line: u32) {
        self.problems.push(problem.place(Place::line(self.file, line)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ListSource, gather};
    use super::*;
    use crate::problem::Severity;

    fn options() -> Options {
        Options {
            columns: Vec::new(),
            default_language: Language::english(),
            language_by_country: BTreeMap::new(),
            copies: Vec::new(),
            lists: Vec::new(),
            two_addresses: TwoAddresses::Refuse,
        }
    }

    /// What is certain is put right with a note; the letter then has the one address.
    #[test]
    fn cells_with_more_than_an_address_give_the_address() {
        let list = "name,email\nAna Pérez,\"Pérez, Ana <ana@x.example>\"\nBo,mailto:bo@x.example\n\
                    Cy,Mailto:cy@x.example;\n";
        let mut problems = Problems::new();
        let people = gather(
            &[ListSource { file: "l.csv", bytes: list.as_bytes() }],
            &options(),
            &mut problems,
        );
        let emails: Vec<_> = people.recipients.iter().map(|r| r.values.get("email")).collect();
        assert_eq!(emails, [Some("ana@x.example"), Some("bo@x.example"), Some("cy@x.example")]);
        let notes: Vec<String> = problems
            .iter()
            .filter(|p| p.code == "tidied-address")
            .map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.message))
            .collect();
        assert_eq!(
            notes,
            [
                "l.csv:4:2 a dot, comma or semicolon was dropped from the end of 1 address",
                "l.csv:2:2 a name in the cell was dropped from 1 address",
                "l.csv:3:2 mailto: was dropped from 2 addresses",
            ]
        );
    }

    #[test]
    fn of_several_addresses_the_configuration_says_who_gets_what() {
        let list = "name,email\nAna,\"a@x.example; b@y.example, c@z.example\"\nBo,bo@x.example\n";
        for (two_addresses, copies, said) in [
            (TwoAddresses::First, vec![], "nothing goes to b@y.example, c@z.example"),
            (
                TwoAddresses::FirstAndCc,
                vec!["b@y.example", "c@z.example"],
                "copies go to b@y.example, c@z.example",
            ),
        ] {
            let options = Options { two_addresses, ..options() };
            let mut problems = Problems::new();
            let sources = [ListSource { file: "l.csv", bytes: list.as_bytes() }];
            let people = gather(&sources, &options, &mut problems);
            let first = &people.recipients[0];
            assert_eq!((first.address.as_str(), people.recipients.len()), ("a@x.example", 2));
            let found: Vec<_> = first.copies.iter().map(|c| c.as_str()).collect();
            assert_eq!(found, copies);
            assert_eq!(first.values.get("email"), Some("a@x.example"));
            let note = problems.iter().find(|p| p.code == "first-address").unwrap();
            let expected = format!("of several addresses a@x.example gets the letter, {said}");
            assert_eq!((note.severity, &note.message), (Severity::Note, &expected));
            assert_eq!(note.place.as_ref().unwrap().to_string(), "l.csv:2:2");
        }
    }

    /// An assistant's address in the row of somebody else.
    #[test]
    fn somebody_elses_address_with_a_name_is_refused() {
        let list = "name,email\nAna Pérez,Bo Li <bo@x.example>\n";
        let sources = [ListSource { file: "l.csv", bytes: list.as_bytes() }];
        let mut problems = Problems::new();
        assert!(gather(&sources, &options(), &mut problems).recipients.is_empty());
        let found = problems.iter().find(|p| p.severity == Severity::Error).unwrap();
        assert_eq!(
            found.message,
            "the address \"Bo Li <bo@x.example>\" in column 2 (email) is that of \"Bo Li\", but \
             the row is that of \"Ana Pérez\""
        );
        let hint = "Write bo@x.example without a name, if it is this person's.";
        assert_eq!(found.hint.as_deref(), Some(hint));
    }
}
