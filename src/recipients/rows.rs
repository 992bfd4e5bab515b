//! The rows of a list, whatever it is: a text or a sheet of a workbook.

use super::read::{Damage, Row, Rows as TextRows};
use super::workbook::Book;
use crate::problem::Problems;

/// The rows of a list, one after the other.
pub(super) enum Rows<'a> {
    Text(Box<TextRows<'a>>),
    Sheet(Box<Book>),
}

impl Rows<'_> {
    /// The next row with anything in it; `None` after the last.
    ///
    /// # Errors
    /// As for a list of text; a sheet was read before.
    pub(super) fn next_filled(&mut self) -> Result<Option<Row<'_>>, Damage> {
        match self {
            Rows::Text(rows) => rows.next_filled(),
            Rows::Sheet(book) => Ok(book.rows.next_filled()),
        }
    }

    /// The rows still to come, to be looked at before they are read.
    pub(super) fn still_to_come(&self) -> Self {
        match self {
            Rows::Text(rows) => Rows::Text(Box::new(rows.still_to_come())),
            Rows::Sheet(book) => Rows::Sheet(Box::new(book.still_to_come())),
        }
    }

    /// What separates the cells; in a sheet, what no cell of people is separated by.
    pub(super) fn delimiter(&self) -> char {
        match self {
            Rows::Text(rows) => rows.delimiter(),
            Rows::Sheet(_) => '\t',
        }
    }

    /// How the rows are cut: `separated by semicolons`, `in the sheet "Participants"`.
    pub(super) fn cut(&self) -> String {
        match self {
            Rows::Text(rows) => format!("separated by {}", rows.delimiter_name()),
            Rows::Sheet(book) => format!("in the sheet {}", super::shown::quoted(book.rows.name())),
        }
    }

    /// As for a list of text. A row of a sheet ends with its last filled cell and lacks nothing.
    pub(super) fn columns_in_use(&self, columns: usize) -> usize {
        match self {
            Rows::Text(rows) => rows.columns_in_use(columns),
            Rows::Sheet(_) => 0,
        }
    }

    /// What was noticed in a workbook; the row that came last is its header.
    pub(super) fn report(&self, file: &str, problems: &mut Problems) {
        match self {
            Rows::Text(_) => {}
            Rows::Sheet(book) => book.report(file, book.rows.last_line(), problems),
        }
    }
}
