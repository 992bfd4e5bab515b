//! One row of a list in, one recipient out, or what is wrong with it.
//!
//! Owns what is asked of every cell: length of the row, characters, address, name, language and
//! country. What the columns mean was decided in `columns.rs`; how rows follow each other, and who
//! stands in a list twice, in `gather.rs`.
//!
//! # Invariants
//! A row with anything in it becomes a recipient, an exclusion or an error: never nothing.
//! A value that reaches a header has no line break and no invisible character (security S2, S12).

use super::columns::Layout;
use super::headers::Role;
use super::meaning::Meanings;
use super::name::{self, Doubt, NameError};
use super::read::Row;
use super::repair;
use super::shown::{counted, quoted};
use super::values::Values;
use super::{LanguageBy, Options, greeting};
use crate::address::{AddressError, EmailAddress};
use crate::language::Language;
use crate::limits::ADDRESS_OCTETS_MAX;
use crate::problem::{Place, Problem, Problems};
use std::borrow::Cow;
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
}

/// How often something was seen, and where first.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) first_line: u32,
}

impl Tally {
    fn add(&mut self, line: u32) {
        if self.count == 0 {
            self.first_line = line;
        }
        self.count += 1;
    }
}

/// Checks the rows of one list.
pub(super) struct RowCheck<'a> {
    pub(super) file: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) delimiter: char,
    /// See `Rows::columns_in_use`.
    pub(super) columns_in_use: usize,
    pub(super) options: &'a Options,
    pub(super) languages: &'a mut Meanings<Language>,
    pub(super) countries: &'a mut Meanings<&'static str>,
    pub(super) tidied: &'a mut Tidied,
    pub(super) problems: &'a mut Problems,
}

impl RowCheck<'_> {
    /// The person of a row; `None` with a problem kept.
    pub(super) fn person(&mut self, row: &Row<'_>) -> Option<Person> {
        // What stands in the wrong column is no finding of its own.
        if !self.is_whole(row) {
            self.report_ragged(row);
            return None;
        }
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(self.layout.headers.len() + 1);
        cells.extend(row.cells().map(|cell| Cow::Borrowed(self.trimmed(cell, row.line))));
        cells.resize(self.layout.headers.len(), Cow::Borrowed(""));
        self.check_characters(&cells, row.line);
        let address = self.address(&cells[self.layout.email], row.line);
        self.clean_names(&mut cells, row.line);
        let name = self.name(&mut cells);
        let country = self.country(&cells, row.line);
        let (language, language_by) = self.language(&cells, country, row.line);
        let greeting = self.greeting(&cells, row.line);
        let values = Values::new(Arc::clone(&self.layout.names), cells.iter().map(Cow::as_ref));
        Some(Person { address: address?, name, language, language_by, country, values, greeting })
    }

    fn trimmed<'c>(&mut self, cell: &'c str, line: u32) -> &'c str {
        let trimmed = cell.trim();
        if trimmed.len() < cell.len() && !trimmed.is_empty() {
            let outer = cell.split(trimmed);
            if outer.take(2).any(|blank| blank.contains(['\r', '\n', '\u{85}', '\u{2028}'])) {
                self.tidied.outer_breaks.add(line);
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
        let delimiter = match self.delimiter {
            '\t' => "tab".to_owned(),
            other => format!("\"{other}\""),
        };
        let hint = format!(
            "Put text with a {delimiter} in it between quotation marks, and write one for every \
             empty cell: a spreadsheet program does both when it saves."
        );
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
            self.report(problem.hint("Type the text into the cell again."), line);
        }
        if self.has_rows_inside(cell) {
            let message = format!("{described} holds what looks like whole rows of the list");
            let hint = "A quotation mark is probably missing, or one too many: look at this row.";
            self.report(Problem::warning("rows-in-a-cell", message).hint(hint), line);
        }
    }

    /// Whether a cell of several lines has one that would make a row with an address of its own:
    /// people would vanish in it.
    fn has_rows_inside(&self, cell: &str) -> bool {
        let width = self.layout.headers.len();
        let is_row = |line: &str| {
            line.contains('@') && width > 2 && line.split(self.delimiter).count() >= width
        };
        cell.contains(['\r', '\n']) && cell.split(['\r', '\n']).any(is_row)
    }

    fn address(&mut self, cell: &str, line: u32) -> Option<EmailAddress> {
        match EmailAddress::parse(cell) {
            Ok(address) => {
                self.warn_of_slip(&address, line);
                Some(address)
            }
            Err(AddressError::Empty) => {
                let message = format!("no address in {}", self.layout.described(self.layout.email));
                let hint = "Write the person's address, or remove the row.";
                self.report(Problem::error("no-address", message).hint(hint), line);
                None
            }
            Err(error) => {
                let column = self.layout.described(self.layout.email);
                let message = format!("the address {} in {column} {error}", quoted(cell));
                let hint = repair::hint(cell);
                let raw: String = cell.chars().take(ADDRESS_OCTETS_MAX).collect();
                let problem = Problem::error("bad-address", message).recipient(raw).hint(hint);
                self.report(problem, line);
                None
            }
        }
    }

    fn warn_of_slip(&mut self, address: &EmailAddress, line: u32) {
        let Some(meant) = repair::probable_domain(address.domain()) else { return };
        let message = format!("the address {address} is probably one at {meant}");
        let hint = format!("Write {}@{meant}, if that is right.", address.local_part());
        let problem = Problem::warning("probable-slip", message).hint(hint);
        self.report(problem.recipient(address.as_str()), line);
    }

    /// Replaces the cells of names by what letters and headers can carry.
    fn clean_names(&mut self, cells: &mut [Cow<'_, str>], line: u32) {
        for role in [Role::Name, Role::GivenName, Role::FamilyName] {
            let Some(column) = self.layout.column(role) else { continue };
            let cleaned = match name::checked(&cells[column]) {
                Ok(Cow::Borrowed(_)) => None,
                Ok(Cow::Owned(cleaned)) => {
                    self.tidied.direction_marks.add(line);
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
            self.doubt_name(&mut cells[column], column, line);
        }
    }

    /// Warns of a name that is probably none; one of marks alone is not used: nobody is called
    /// `Dear -,`.
    fn doubt_name(&mut self, cell: &mut Cow<'_, str>, column: usize, line: u32) {
        let Some(doubt) = name::doubt(cell) else { return };
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
            Doubt::Damaged => {
                Problem::warning("damaged-name", format!("{described} looks damaged"))
                    .hint("Write the name as the person does, and save the list as CSV UTF-8.")
            }
        };
        self.report(problem, line);
    }

    fn report_name(&mut self, error: &NameError, cell: &str, column: usize, line: u32) {
        let message =
            format!("the name {} in {} {error}", quoted(cell), self.layout.described(column));
        self.report(Problem::error("bad-name", message).hint(error.hint()), line);
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
            let place = Place::at(self.file, line, u32::try_from(column + 1).unwrap_or(u32::MAX));
            self.problems.push(Problem::error("bad-greeting", message).hint(hint).place(place));
            return None;
        }
        Some(cell.to_owned())
    }

    fn country(&mut self, cells: &[Cow<'_, str>], line: u32) -> Option<&'static str> {
        let cell = &cells[self.layout.column(Role::Country)?];
        self.countries.of(cell, self.file, line)
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
        let own = column.and_then(|column| self.languages.of(&cells[column], self.file, line));
        let by_country = || self.options.language_by_country.get(country?).cloned();
        match own {
            Some(language) => (language, LanguageBy::Column),
            None => match by_country() {
                Some(language) => (language, LanguageBy::Country),
                None => (self.options.default_language.clone(), LanguageBy::Default),
            },
        }
    }

    fn report(&mut self, problem: Problem, line: u32) {
        self.problems.push(problem.place(Place::line(self.file, line)));
    }
}
