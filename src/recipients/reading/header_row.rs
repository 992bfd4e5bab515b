//! Where in a list the names of the columns stand.
//!
//! Owns which of the first rows is the header: titles, dates and blank lines stand above it in
//! many exports. What the columns mean is decided in `columns.rs`.
//!
//! # Invariants
//! A row with a person's address in it is never passed over: the search ends there, and the list
//! has no header.

use super::delimiter::is_address;
use super::fault::Fault;
use super::rows::{Row, Rows};
use crate::limits::HEADER_ROWS_SEARCHED;
use crate::recipients::Options;
use crate::recipients::columns::name_of;
use crate::recipients::headers::{self, Role};

/// Where the header stands, and what stands above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::recipients) struct HeaderRow {
    /// The line it begins on.
    pub(in crate::recipients) line: u32,
    /// Rows with anything in them above it.
    pub(in crate::recipients) titles: usize,
}

/// The header among the first rows: the one on the line that the configuration names; else the
/// first that names a column of addresses; else the first with several known headers; else the
/// first of all. `None` in a list without a row.
pub(super) fn find(
    mut rows: Rows<'_>,
    wanted: Option<u32>,
    options: &Options,
) -> Result<Option<HeaderRow>, Fault> {
    let (mut first, mut likely) = (None, None);
    let mut titles = 0;
    // A setting may name any line; without one the titles end soon.
    while wanted.is_some() || titles < HEADER_ROWS_SEARCHED {
        let row = match rows.next_filled() {
            Ok(Some(row)) => row,
            // Titles with stray marks are no matter; where the list has ended, it has.
            Err(Fault::TextAfterQuote { .. }) => continue,
            Ok(None) => break,
            Err(fault) => match first {
                Some(_) => break,
                None => return Err(fault),
            },
        };
        let found = HeaderRow { line: row.line, titles };
        first = first.or(Some(found));
        titles += 1;
        if let Some(line) = wanted {
            if row.line == line {
                return Ok(Some(found));
            }
            continue;
        }
        match kind(&row, options) {
            Kind::Header => return Ok(Some(found)),
            Kind::Likely => likely = likely.or(Some(found)),
            Kind::Person => break,
            Kind::Other => {}
        }
    }
    match wanted {
        Some(line) if first.is_some() => Err(Fault::NoHeaderRow { line }),
        _ => Ok(likely.or(first)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// It names a column of addresses.
    Header,
    /// It has several known headers.
    Likely,
    /// It has an address.
    Person,
    Other,
}

fn kind(row: &Row<'_>, options: &Options) -> Kind {
    let cells: Vec<&str> = row.cells().map(str::trim).filter(|cell| !cell.is_empty()).collect();
    if cells.iter().any(|cell| is_address(cell)) {
        return Kind::Person;
    }
    let settings = || options.columns.iter().filter(|c| c.name == Role::Email.as_str());
    let is_set = |cell: &str| {
        settings().any(|s| s.headers.iter().any(|header| name_of(header) == name_of(cell)))
    };
    let role = |cell: &str| headers::role_of(cell).map(|(role, _)| role);
    let names_address = |cell: &&str| role(cell) == Some(Role::Email) || is_set(cell);
    // "E-mail list of all participants" above a table is a title.
    let speaks = |cell: &&str| headers::speaks_of_email(cell) && !cell.contains('@');
    if cells.iter().any(names_address) || cells.len() > 1 && cells.iter().any(speaks) {
        return Kind::Header;
    }
    if cells.iter().filter(|cell| role(cell).is_some()).count() > 1 {
        return Kind::Likely;
    }
    if cells.len() > 1 && cells.iter().any(|cell| cell.contains('@')) {
        Kind::Person
    } else {
        Kind::Other
    }
}
