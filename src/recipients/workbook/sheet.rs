//! The rows of one sheet, kept small: text in one buffer, and only cells with anything in them.
//!
//! Owns how a sheet is stored between reading a workbook and checking its rows, and its limits. A
//! cell far away (`XFD1048576`) costs one cell, never the rectangle up to it.
//!
//! # Invariants
//! Rows and the cells of a row stand in ascending order, each once. Memory is bounded by
//! [`WORKBOOK_TEXT_BYTES_MAX`], [`WORKBOOK_ROWS_MAX`] and [`WORKBOOK_CELLS_MAX`], however often the
//! workbook repeats what (security S20).
//!
//! # Failure
//! [`Damage`] where a limit or the order is broken.

use super::damage::Damage;
use super::observed::Observed;
use crate::limits::{
    CELL_BYTES_MAX, LIST_COLUMNS_MAX, SHEET_NAME_CHARS_MAX, WORKBOOK_CELLS_MAX,
    WORKBOOK_CELLS_SPREAD_MAX, WORKBOOK_ROWS_MAX, WORKBOOK_TEXT_BYTES_MAX,
};
use crate::recipients::reading::Row;

/// One sheet: its rows with anything in them.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// Whether the spreadsheet program does not show it.
    pub(super) is_hidden: bool,
    text: String,
    cells: Vec<Cell>,
    rows: Vec<RowStart>,
    /// Cells there would be if every row were whole up to its last one.
    cells_spread: u64,
    pub(super) observed: Observed,
}

/// A cell with text: its column from 0, and where its text ends, in octets from the row's.
#[derive(Clone, Copy, Debug)]
struct Cell {
    column: u32,
    end: u32,
}

/// Where a row begins in the text and among the cells; its number as the officer sees it, from 1.
#[derive(Clone, Copy, Debug)]
struct RowStart {
    line: u32,
    text: usize,
    cells: usize,
}

impl Sheet {
    pub(super) fn new(name: String, is_hidden: bool) -> Sheet {
        let name = match name.char_indices().nth(SHEET_NAME_CHARS_MAX) {
            Some((end, _)) => name[..end].to_owned(),
            None => name,
        };
        Sheet { name, is_hidden, ..Sheet::default() }
    }

    /// Puts a text into the cell of a row (from 1) and column (from 0), behind all there are.
    /// Blank text is none.
    pub(super) fn put(&mut self, line: u32, column: u32, text: &str) -> Result<(), Damage> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if text.len() > CELL_BYTES_MAX {
            return Err(Damage::CellTooLong { line });
        }
        if column as usize >= LIST_COLUMNS_MAX {
            return Err(Damage::TooManyCells { line });
        }
        if !(1..=WORKBOOK_ROWS_MAX).contains(&line) {
            return Err(Damage::Broken("a row lies beyond the last of a sheet"));
        }
        let before = self.open_row(line, column)?;
        self.cells_spread += u64::from(column + 1 - before);
        let is_full = self.text.len() + text.len() > WORKBOOK_TEXT_BYTES_MAX
            || self.cells.len() >= WORKBOOK_CELLS_MAX
            || self.cells_spread > WORKBOOK_CELLS_SPREAD_MAX;
        if is_full {
            return Err(Damage::TooLarge);
        }
        self.text.push_str(text);
        let start = self.rows.last().map_or(0, |row| row.text);
        // A row is far smaller than 4 GB: its cells and their lengths are bounded above.
        let end = u32::try_from(self.text.len() - start).map_err(|_| Damage::TooLarge)?;
        self.cells.push(Cell { column, end });
        Ok(())
    }

    /// Begins a row where the cell is in a new one; how many columns of it lie behind.
    fn open_row(&mut self, line: u32, column: u32) -> Result<u32, Damage> {
        match self.rows.last() {
            Some(row) if row.line == line => match self.cells.last() {
                Some(cell) if cell.column >= column => Err(Damage::Broken("cells out of order")),
                Some(cell) => Ok(cell.column + 1),
                None => Ok(0),
            },
            Some(row) if row.line > line => Err(Damage::Broken("rows out of order")),
            _ => {
                let (text, cells) = (self.text.len(), self.cells.len());
                self.rows.push(RowStart { line, text, cells });
                Ok(0)
            }
        }
    }

    /// What it takes: octets of text, cells, and cells with those between them.
    pub(super) fn size(&self) -> [u64; 3] {
        [self.text.len() as u64, self.cells.len() as u64, self.cells_spread]
    }

    /// How many rows have anything in them.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The number of the last row put so far, as the officer sees it; 0 before the first.
    pub(super) fn last_line(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.line)
    }

    /// How many rows have a cell that could be an address.
    pub(super) fn address_count(&self) -> u64 {
        let mut ends = Vec::new();
        let has_address = |n: &usize| {
            let text = self.row_text(*n);
            memchr::memchr(b'@', text.as_bytes()).is_some() && {
                self.spread(*n, &mut ends);
                Row { line: 0, text, ends: &ends }.cells().any(is_like_an_address)
            }
        };
        (0..self.rows.len()).filter(has_address).count() as u64
    }

    fn row_text(&self, n: usize) -> &str {
        let end = self.rows.get(n + 1).map_or(self.text.len(), |next| next.text);
        &self.text[self.rows[n].text..end]
    }

    fn row_cells(&self, n: usize) -> &[Cell] {
        let end = self.rows.get(n + 1).map_or(self.cells.len(), |next| next.cells);
        &self.cells[self.rows[n].cells..end]
    }

    /// The ends of all cells of a row, those between filled ones included.
    fn spread(&self, n: usize, ends: &mut Vec<usize>) {
        ends.clear();
        let mut end = 0;
        for cell in self.row_cells(n) {
            ends.resize(cell.column as usize, end);
            end = cell.end as usize;
            ends.push(end);
        }
    }
}

/// Whether a cell could be one address: `a@b` and no blank inside. The exact question is asked when
/// rows are checked; this one chooses a sheet.
fn is_like_an_address(cell: &str) -> bool {
    let cell = cell.trim();
    let is_around = |(before, after): (&str, &str)| !before.is_empty() && !after.is_empty();
    cell.split_once('@').is_some_and(is_around) && !cell.contains(char::is_whitespace)
}

/// The rows of a sheet, one after the other.
#[derive(Clone, Debug)]
pub(in crate::recipients) struct SheetRows<'a> {
    sheet: &'a Sheet,
    next: usize,
    ends: Vec<usize>,
}

impl<'a> SheetRows<'a> {
    pub(super) fn new(sheet: &'a Sheet) -> SheetRows<'a> {
        SheetRows { sheet, next: 0, ends: Vec::new() }
    }

    /// The next row with anything in it, up to its last filled cell; `None` after the last.
    pub(in crate::recipients) fn next_filled(&mut self) -> Option<Row<'_>> {
        let row = self.sheet.rows.get(self.next)?;
        self.sheet.spread(self.next, &mut self.ends);
        let text = self.sheet.row_text(self.next);
        self.next += 1;
        Some(Row { line: row.line, text, ends: &self.ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sheet: &Sheet) -> Vec<String> {
        let mut rows = SheetRows::new(sheet);
        let mut read = Vec::new();
        while let Some(row) = rows.next_filled() {
            read.push(format!("{} {}", row.line, row.cells().collect::<Vec<_>>().join("¦")));
        }
        read
    }

    #[test]
    fn cells_stand_in_their_columns_and_rows_keep_their_numbers() {
        let mut sheet = Sheet::new("S".to_owned(), false);
        for (line, column, text) in
            [(3, 0, "a"), (3, 2, "王"), (4, 1, " "), (7, 1, "x@y"), (1_048_576, 3, "far")]
        {
            sheet.put(line, column, text).unwrap();
        }
        assert_eq!(sheet.address_count(), 1);
        assert_eq!(rows(&sheet), ["3 a¦¦王", "7 ¦x@y", "1048576 ¦¦¦far"]);
    }

    /// Security S20: one string a thousand times is not a thousand times its memory without end.
    #[test]
    fn what_is_too_much_or_out_of_order_is_damage() {
        let mut sheet = Sheet::default();
        sheet.put(2, 1, "b").unwrap();
        assert_eq!(sheet.put(2, 1, "b"), Err(Damage::Broken("cells out of order")));
        assert_eq!(sheet.put(1, 1, "b"), Err(Damage::Broken("rows out of order")));
        assert_eq!(sheet.put(3, 16_384, "b"), Err(Damage::TooManyCells { line: 3 }));
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        assert_eq!(sheet.put(3, 1, &long), Err(Damage::CellTooLong { line: 3 }));
        let mut wide = Sheet::default();
        let far = (1..).map(|line| wide.put(line, 16_383, "x")).find_map(Result::err);
        assert_eq!(far, Some(Damage::TooLarge));
        assert!(wide.cells.len() < 100_000);
        let mut full = Sheet::default();
        let full = (1..).map(|line| full.put(line, 0, &long[1..])).find_map(Result::err);
        assert_eq!(full, Some(Damage::TooLarge));
        let beyond = Damage::Broken("a row lies beyond the last of a sheet");
        assert_eq!(Sheet::default().put(1_048_577, 0, "x"), Err(beyond));
    }
}
