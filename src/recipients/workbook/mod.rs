//! Workbooks in: xlsx, xlsm, xls and ods; the rows of one sheet out.
//!
//! Owns what a file is (by its content, whatever its name), and which sheet holds the people. How
//! each kind is read stands in `xlsx.rs`, `ods.rs` and `xls.rs`; rows are kept in `sheet.rs`.
//!
//! # Invariants
//! A sheet with addresses is read, or a finding says that it is not: nobody is missed in silence.
//! Memory is bounded by the limits of workbooks, whatever a file declares (security S20).
//!
//! # Failure
//! [`Damage`] for the whole file; what is odd about single cells is in [`Book::report`].

mod cell;
mod damage;
mod number;
mod observed;
mod ods;
mod ole;
mod package;
mod sheet;
mod styles;
mod xls;
mod xlsx;

pub(super) use damage::{Damage, Foreign};
pub(super) use sheet::SheetRows;

use super::shown::{counted, quoted};
use crate::limits::{
    SHEETS_NAMED_MAX, WORKBOOK_CELLS_MAX, WORKBOOK_CELLS_SPREAD_MAX, WORKBOOK_SHEETS_MAX,
    WORKBOOK_TEXT_BYTES_MAX,
};
use crate::problem::{Place, Problem, Problems};
use package::Package;
use sheet::Sheet;

/// What the bytes of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows of text; perhaps damaged ones.
    Text,
    /// A workbook.
    Workbook,
    /// Something that is no list.
    Foreign(Foreign),
}

/// What a file is, by its content. A zip and an OLE file are workbooks until they are opened.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Kind::Workbook;
    }
    if bytes.starts_with(b"%PDF") {
        return Kind::Foreign(Foreign::Pdf);
    }
    let start = &bytes[..bytes.len().min(4 << 10)];
    let start = String::from_utf8_lossy(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start));
    let start = start.trim_start().to_ascii_lowercase();
    let begins = |tags: &[&str]| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
        tags.iter().any(|tag| start.strip_prefix(tag).is_some_and(ends))
    };
    if begins(&["<?xml"]) && start.contains("spreadsheet") {
        return Kind::Foreign(Foreign::XmlSpreadsheet);
    }
    if begins(&["<!doctype html", "<html", "<head", "<meta", "<table", "<?xml"]) {
        return Kind::Foreign(Foreign::WebPage);
    }
    if start.starts_with('{') && start.contains("\"doc_id\"") {
        return Kind::Foreign(Foreign::GoogleShortcut);
    }
    Kind::Text
}

/// That the ending of a file's name says something else than its content, for a note.
pub(super) fn misnamed(file: &str, bytes: &[u8]) -> Option<Problem> {
    let ending = file.rsplit_once('.')?.1.to_ascii_lowercase();
    let is_book = matches!(ending.as_str(), "xlsx" | "xlsm" | "xls" | "ods");
    let what = match kind(bytes) {
        Kind::Text if is_book && !bytes.is_empty() => "a text table, and no workbook",
        Kind::Workbook if !is_book && LIST_OF_TEXT.contains(&ending.as_str()) => "a workbook",
        _ => return None,
    };
    let message = format!("the list is {what}, although its name ends with .{ending}; it is read");
    Some(Problem::note("misnamed-list", message).place(Place::file(file)))
}

/// Endings of lists that are text.
const LIST_OF_TEXT: [&str; 4] = ["csv", "tsv", "tab", "txt"];

/// The sheet of a workbook that holds the people.
#[derive(Debug)]
pub(super) struct Book {
    sheet: Sheet,
    passed: Vec<Passed>,
}

/// A sheet with rows that is not read.
#[derive(Debug)]
struct Passed {
    name: String,
    is_hidden: bool,
    rows: usize,
    addresses: u64,
}

/// What becomes of a sheet that was read.
type Take<'t> = &'t mut dyn FnMut(Sheet) -> Result<(), Damage>;

/// Opens a workbook and reads the wanted sheet; else the one visible sheet with addresses.
///
/// # Errors
/// [`Damage`] when it cannot be read, has no such sheet, or has several with addresses.
pub(super) fn open(bytes: &[u8], wanted: Option<&str>) -> Result<Book, Damage> {
    let mut choice =
        Choice { wanted, chosen: None, passed: Vec::new(), names: Vec::new(), size: [0; 3] };
    let mut take = |sheet| choice.take(sheet);
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        xls::sheets(bytes, &mut take)?;
        return choice.made();
    }
    let mut package = Package::open(bytes)?;
    let mimetype = package.text("mimetype")?;
    if mimetype.contains("opendocument.spreadsheet") {
        ods::sheets(&mut package, &mut take)?;
    } else if package.text("[Content_Types].xml")?.contains("spreadsheetml.sheet.main+xml")
        || package.has("xl/workbook.xml")
    {
        xlsx::sheets(&mut package, &mut take)?;
    } else {
        return Err(foreign(&package, &mimetype));
    }
    choice.made()
}

/// What a zip is that is no workbook.
fn foreign(package: &Package<'_>, mimetype: &str) -> Damage {
    Damage::Foreign(match () {
        () if package.has("xl/workbook.bin") => Foreign::BinaryWorkbook,
        () if mimetype.contains("opendocument.text") => Foreign::WordDocument,
        () if mimetype.contains("opendocument.presentation") => Foreign::Presentation,
        () if package.has("Index/Document.iwa") || package.has("Index.zip") => Foreign::Numbers,
        () if package.has("word/document.xml") => Foreign::WordDocument,
        () if package.has("ppt/presentation.xml") => Foreign::Presentation,
        () => Foreign::Archive,
    })
}

/// Which sheet is read. Sheets come one by one; only the one that may be it is kept.
struct Choice<'w> {
    wanted: Option<&'w str>,
    /// With the number of its addresses.
    chosen: Option<(Sheet, u64)>,
    passed: Vec<Passed>,
    /// All names, for the message that there is none of the wanted one.
    names: Vec<String>,
    /// What all sheets so far have taken.
    size: [u64; 3],
}

/// What all sheets of a workbook may take: twice what one may. Each is read, whichever is chosen
/// (security S20).
const SIZE_MAX: [u64; 3] = [
    2 * WORKBOOK_TEXT_BYTES_MAX as u64,
    2 * WORKBOOK_CELLS_MAX as u64,
    2 * WORKBOOK_CELLS_SPREAD_MAX,
];

impl Choice<'_> {
    fn take(&mut self, sheet: Sheet) -> Result<(), Damage> {
        self.names.push(sheet.name.clone());
        self.size.iter_mut().zip(sheet.size()).for_each(|(all, more)| *all += more);
        let is_too_much = self.size.iter().zip(SIZE_MAX).any(|(all, max)| *all > max);
        if is_too_much || self.names.len() > WORKBOOK_SHEETS_MAX {
            return Err(Damage::TooLarge);
        }
        let addresses = sheet.address_count();
        let is_it = match self.wanted {
            Some(wanted) => is_called(&sheet.name, wanted) && self.chosen.is_none(),
            None => sheet.row_count() > 0 && !sheet.is_hidden && self.is_better(addresses),
        };
        let sheet = (sheet, addresses);
        let other = if is_it { self.chosen.replace(sheet) } else { Some(sheet) };
        if let Some((other, addresses)) = other.filter(|(sheet, _)| sheet.row_count() > 0) {
            self.passed.push(Passed {
                addresses,
                rows: other.row_count(),
                is_hidden: other.is_hidden,
                name: other.name,
            });
        }
        Ok(())
    }

    /// The first sheet with addresses, else the first with rows.
    fn is_better(&self, addresses: u64) -> bool {
        self.chosen.as_ref().is_none_or(|(_, known)| *known == 0 && addresses > 0)
    }

    fn made(self) -> Result<Book, Damage> {
        let Some((chosen, addresses)) = self.chosen else {
            return match self.wanted {
                Some(wanted) => Err(no_such_sheet(wanted, &self.names)),
                None => Ok(Book { sheet: Sheet::default(), passed: self.passed }),
            };
        };
        let others = self.passed.iter().filter(|p| !p.is_hidden && p.addresses > 0);
        if self.wanted.is_none() && others.clone().count() > 0 {
            let people = |name: &str, count| format!("{} ({count})", quoted(name));
            let first = people(&chosen.name, addresses);
            let others = others.map(|p| people(&p.name, p.addresses));
            let sheets = listed(std::iter::once(first).chain(others).collect());
            return Err(Damage::WhichSheet { sheets, first: chosen.name });
        }
        Ok(Book { sheet: chosen, passed: self.passed })
    }
}

fn no_such_sheet(wanted: &str, names: &[String]) -> Damage {
    let sheets = listed(names.iter().map(|name| quoted(name)).collect());
    Damage::NoSuchSheet { wanted: quoted(wanted), sheets }
}

/// `"A", "B" and 7 more`.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(SHEETS_NAMED_MAX);
    names.truncate(SHEETS_NAMED_MAX);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// Whether a sheet is the one that was named; spreadsheet programs do not tell capitals apart.
fn is_called(name: &str, wanted: &str) -> bool {
    name.trim().to_lowercase() == wanted.trim().to_lowercase()
}

impl Book {
    /// The rows of the sheet that is read, from the first.
    pub(super) fn rows(&self) -> SheetRows<'_> {
        SheetRows::new(&self.sheet)
    }

    /// The name of the sheet that is read.
    pub(super) fn sheet_name(&self) -> &str {
        &self.sheet.name
    }

    /// Whether the spreadsheet program does not show a column of it, from 0.
    pub(super) fn is_hidden_column(&self, column: usize) -> bool {
        self.sheet.observed.is_hidden_column(column)
    }

    /// What was noticed in the workbook, below the row that holds the names of the columns.
    pub(super) fn report(&self, file: &str, header: u32, problems: &mut Problems) {
        self.sheet.observed.report(file, header, problems);
        for passed in &self.passed {
            problems.push(passed.problem(file));
        }
    }
}

impl Passed {
    fn problem(&self, file: &str) -> Problem {
        let (name, rows) = (quoted(&self.name), counted(self.rows as u64, "row"));
        let place = Place::file(file);
        if self.is_hidden && self.addresses > 0 {
            let addresses = match self.addresses {
                1 => "1 address".to_owned(),
                several => format!("{several} addresses"),
            };
            let message = format!("the hidden sheet {name} has {addresses} and is not read");
            let hint = "If these people are meant too, save the sheet as a list of its own.";
            return Problem::warning("hidden-sheet", message).hint(hint).place(place);
        }
        Problem::note("other-sheet", format!("the sheet {name} is not read ({rows})")).place(place)
    }
}

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod tests;
