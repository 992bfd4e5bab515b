//! Why a list, or a row of it, cannot be read.
//!
//! Owns the findings of reading with their codes, words and hints. Where they are found is
//! `mod.rs`, `rows.rs` and `header_row.rs`.

use super::encoding::Encoding;
use crate::limits::{CELL_BYTES_MAX, LIST_BYTES_MAX, LIST_COLUMNS_MAX, LIST_CONVERTED_BYTES_MAX};
use crate::problem::{Place, Problem};
use crate::recipients::workbook;

/// Why a list, or a row of it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::recipients) enum Fault {
    #[error(transparent)]
    Workbook(#[from] workbook::Damage),
    #[error("the list is larger than {} MB", LIST_BYTES_MAX >> 20)]
    TooLarge,
    #[error(
        "the list is larger than {} MB, and is {} instead of UTF-8",
        LIST_CONVERTED_BYTES_MAX >> 20, .0.name()
    )]
    TooLargeToConvert(Encoding),
    #[error("a quotation mark opened here is never closed")]
    UnclosedQuote { line: u32 },
    #[error("text follows a closing quotation mark")]
    TextAfterQuote { line: u32 },
    #[error("a cell is longer than {} KB", CELL_BYTES_MAX >> 10)]
    CellTooLong { line: u32 },
    #[error("the row has more than {LIST_COLUMNS_MAX} cells")]
    TooManyCells { line: u32 },
    #[error("no row begins on line {line}, which header_row names")]
    NoHeaderRow { line: u32 },
}

impl Fault {
    /// The finding to report.
    pub(in crate::recipients) fn problem(&self, file: &str) -> Problem {
        let line = match self {
            Fault::Workbook(damage) => return damage.problem(file),
            Fault::TooLarge | Fault::TooLargeToConvert(_) => None,
            Fault::UnclosedQuote { line }
            | Fault::TextAfterQuote { line }
            | Fault::CellTooLong { line }
            | Fault::TooManyCells { line }
            | Fault::NoHeaderRow { line } => Some(*line),
        };
        let place = Place { file: file.to_owned(), line, column: None };
        Problem::error(self.code(), self.to_string()).hint(self.hint()).place(place)
    }

    fn code(&self) -> &'static str {
        match self {
            // Told by itself, see `problem`.
            Fault::Workbook(_) => "damaged-workbook",
            Fault::TooLarge | Fault::TooLargeToConvert(_) => "list-too-large",
            Fault::UnclosedQuote { .. } => "unclosed-quote",
            Fault::TextAfterQuote { .. } => "text-after-quote",
            Fault::CellTooLong { .. } => "cell-too-long",
            Fault::TooManyCells { .. } => "too-many-cells",
            Fault::NoHeaderRow { .. } => "no-header",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Fault::Workbook(_) => "Open it in the spreadsheet program and save it again.",
            Fault::TooLarge => "Split the list into several files.",
            Fault::TooLargeToConvert(_) => "Save it as \"CSV UTF-8\", or split it.",
            Fault::UnclosedQuote { .. } => {
                "Close the mark, or write it twice (\"\") where it is part of the text; the rest \
                 of the list was not read."
            }
            Fault::TextAfterQuote { .. } => {
                "Write a quotation mark inside a quoted cell twice (\"\"), or close the one that \
                 was left open before."
            }
            Fault::CellTooLong { .. } => "Shorten the cell; the rest of the list was not read.",
            Fault::TooManyCells { .. } => {
                "Check the separators of the row; the rest of the list was not read."
            }
            Fault::NoHeaderRow { .. } => {
                "Write the number of the line that holds the names of the columns."
            }
        }
    }
}
