//! Why a workbook cannot be read, and what to do about it.
//!
//! Owns the words for whole files that are refused: protected, too large, broken, or something else
//! than a list.

use crate::limits::{CELL_BYTES_MAX, LIST_COLUMNS_MAX, WORKBOOK_INFLATED_BYTES_MAX};
use crate::problem::{Place, Problem};

/// What a file is that looks like a list and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::recipients) enum Foreign {
    Numbers,
    BinaryWorkbook,
    OldWorkbook,
    WordDocument,
    Presentation,
    WebPage,
    XmlSpreadsheet,
    GoogleShortcut,
    Pdf,
    Archive,
}

impl Foreign {
    fn what(self) -> &'static str {
        match self {
            Foreign::Numbers => "a document of Apple Numbers",
            Foreign::BinaryWorkbook => "a binary workbook (xlsb)",
            Foreign::OldWorkbook => "a workbook of Excel 95 or older",
            Foreign::WordDocument => "a text document",
            Foreign::Presentation => "a presentation",
            Foreign::WebPage => {
                "a web page (HTML), whatever its name says: many web sites export so"
            }
            Foreign::XmlSpreadsheet => "a spreadsheet in an XML form of 2003 or of OpenDocument",
            Foreign::GoogleShortcut => "a link to a Google sheet, with nobody in it",
            Foreign::Pdf => "a PDF",
            Foreign::Archive => "an archive of files, and none of a workbook",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Foreign::Numbers => {
                "In Numbers choose File, Export To, Excel or CSV, and put that file in its place."
            }
            Foreign::GoogleShortcut => {
                "In Google Sheets choose File, Download, Microsoft Excel, and put that file in its \
                 place."
            }
            Foreign::Archive => "Unpack it, and put the lists in its place.",
            Foreign::WordDocument | Foreign::Presentation | Foreign::Pdf => {
                "Copy its table into a spreadsheet program, and save that as an Excel workbook \
                 (xlsx)."
            }
            Foreign::BinaryWorkbook
            | Foreign::OldWorkbook
            | Foreign::WebPage
            | Foreign::XmlSpreadsheet => {
                "Open it in the spreadsheet program, save it as an Excel workbook (xlsx), and put \
                 that file in its place."
            }
        }
    }
}

/// Why a workbook cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::recipients) enum Damage {
    #[error("the file is {}", .0.what())]
    Foreign(Foreign),
    #[error("the workbook is protected by a password")]
    Password,
    #[error(
        "the workbook is too large: {} MB unpacked are read, and a sheet of a few million cells",
        WORKBOOK_INFLATED_BYTES_MAX >> 20
    )]
    TooLarge,
    #[error("the workbook is damaged: {0}")]
    Broken(&'static str),
    #[error("a cell is longer than {} KB", CELL_BYTES_MAX >> 10)]
    CellTooLong { line: u32 },
    #[error("the row has more than {LIST_COLUMNS_MAX} cells")]
    TooManyCells { line: u32 },
    #[error("several sheets have addresses: {sheets}")]
    WhichSheet { sheets: String, first: String },
    #[error("there is no sheet {wanted}")]
    NoSuchSheet { wanted: String, sheets: String },
}

impl Damage {
    /// The finding to report.
    pub(in crate::recipients) fn problem(&self, file: &str) -> Problem {
        let line = match self {
            Damage::CellTooLong { line } | Damage::TooManyCells { line } => Some(*line),
            _ => None,
        };
        let place = Place { file: file.to_owned(), line, column: None };
        Problem::error(self.code(), self.to_string()).hint(self.hint(file)).place(place)
    }

    fn code(&self) -> &'static str {
        match self {
            Damage::Foreign(_) => "other-format",
            Damage::Password => "workbook-password",
            Damage::TooLarge => "list-too-large",
            Damage::Broken(_) => "damaged-workbook",
            Damage::CellTooLong { .. } => "cell-too-long",
            Damage::TooManyCells { .. } => "too-many-cells",
            Damage::WhichSheet { .. } => "which-sheet",
            Damage::NoSuchSheet { .. } => "no-such-sheet",
        }
    }

    fn hint(&self, file: &str) -> String {
        match self {
            Damage::Foreign(foreign) => foreign.hint().to_owned(),
            Damage::Password => {
                "Open it in the spreadsheet program, take the password off (Excel: \
                                 File, Info, Protect Workbook, Encrypt with Password), and save it."
                    .to_owned()
            }
            Damage::TooLarge => "Split the list into several files.".to_owned(),
            Damage::Broken(_) => "Open it in the spreadsheet program and save it again; if that \
                                  fails too, export the list once more."
                .to_owned(),
            Damage::CellTooLong { .. } => "Shorten the cell; the workbook was not read.".to_owned(),
            Damage::TooManyCells { .. } => {
                "Delete what stands far to the right; the workbook was not read.".to_owned()
            }
            Damage::WhichSheet { first, .. } => format!(
                "Save each sheet with people as a list of its own; or, if one is the list, name it in \
                 secretariat.toml, for instance:\n[lists.{}]\nsheet = {}",
                in_toml(file),
                in_toml(first)
            ),
            Damage::NoSuchSheet { sheets, .. } => format!("The sheets are {sheets}."),
        }
    }
}

/// A text as it stands in TOML, its quotation marks included.
fn in_toml(text: &str) -> String {
    toml::Value::from(text).to_string()
}
