//! OpenDocument spreadsheets (ods): the zip in, sheets out.
//!
//! Owns tables, repeated rows and cells, and cells as text. Numbers come out as they are displayed,
//! because the file says so; dates as ISO 8601.
//!
//! # Standards
//! OpenDocument 1.3 part 3 (9 tables, 19.385 value types, 5.1.3 paragraphs).
//!
//! # Failure
//! [`Damage`].

use super::Take;
use super::cell::{iso_moment, put_error};
use super::damage::Damage;
use super::number::plain;
use super::observed::{Merged, Oddity};
use super::package::{Element, Package, Part, Piece};
use super::sheet::Sheet;
use crate::limits::{
    CELL_BYTES_MAX, LIST_COLUMNS_MAX, SHEET_NAME_CHARS_MAX, WORKBOOK_CELLS_MAX,
    WORKBOOK_ROW_TEXT_BYTES_MAX, WORKBOOK_ROWS_MAX, WORKBOOK_SHEETS_MAX,
};
use std::collections::BTreeSet;

/// Reads all sheets, in their order; each is given away before the next is read.
pub(super) fn sheets(package: &mut Package<'_>, take: Take<'_>) -> Result<(), Damage> {
    let is_encrypted = package.text("META-INF/manifest.xml")?.contains("encryption-data");
    if is_encrypted || package.has("encrypted-package") {
        return Err(Damage::Password);
    }
    let mut part = package.part("content.xml")?.ok_or(Damage::Broken("it has no content"))?;
    Tables::default().read(&mut part, take)
}

/// The tables of a document, as they are read.
#[derive(Default)]
struct Tables {
    /// Styles of tables that are not displayed.
    hidden_styles: BTreeSet<String>,
    /// The style that is being read.
    style: String,
    sheet: Option<Sheet>,
    /// The row that comes next, from 1.
    line: u32,
    /// Columns described so far.
    columns: u32,
    row: OpenRow,
    cell: OpenCell,
    /// How deep the stream is in elements whose text belongs to no cell: comments, drawings.
    aside: u32,
    in_paragraph: bool,
    /// Cells put so far, in all tables: a file of a kilobyte can repeat one a thousand million
    /// times (security S20).
    put: usize,
}

#[derive(Default)]
struct OpenRow {
    repeated: u32,
    visibility: Visibility,
    column: u32,
    cells: Vec<Put>,
    /// Octets of their texts.
    octets: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Visibility {
    #[default]
    Visible,
    Hidden,
    Filtered,
}

/// What a row has to put, in columns from and to.
struct Put {
    columns: (u32, u32),
    what: What,
}

enum What {
    Text(String),
    Failed(String),
    NotCalculated,
    /// A number with more digits than are kept.
    LongNumber(String),
}

#[derive(Default)]
struct OpenCell {
    is_open: bool,
    repeated: u32,
    kind: String,
    value: String,
    is_error: bool,
    has_formula: bool,
    text: String,
    paragraphs: u32,
}

impl Tables {
    fn read(mut self, part: &mut Part<'_, '_>, take: Take<'_>) -> Result<(), Damage> {
        loop {
            match part.next()? {
                Piece::Open(element) => self.open(&element)?,
                Piece::Text(text) => self.text(&text),
                Piece::Close(element) => {
                    if let Some(sheet) = self.close(element.name())? {
                        take(sheet)?;
                    }
                }
                Piece::End => return Ok(()),
            }
        }
    }

    fn open(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let name = element.name();
        if self.aside > 0 || is_aside(name) {
            self.aside += 1;
            return Ok(());
        }
        match name {
            "style" => {
                self.style = element.attribute("name")?.unwrap_or_default().into_owned();
            }
            "table-properties" if element.attribute("display")?.as_deref() == Some("false") => {
                let style = std::mem::take(&mut self.style);
                // A sheet whose style is not known is taken for one that is seen.
                let is_room = self.hidden_styles.len() < WORKBOOK_SHEETS_MAX;
                if is_room && style.len() <= SHEET_NAME_CHARS_MAX {
                    self.hidden_styles.insert(style);
                }
            }
            "table" if self.sheet.is_some() => {
                return Err(Damage::Broken("a table stands within a table"));
            }
            "table" => {
                let [name, style] = element.attributes(["name", "style-name"])?;
                let is_hidden = style.is_some_and(|style| self.hidden_styles.contains(&*style));
                self.sheet = Some(Sheet::new(name.unwrap_or_default().into_owned(), is_hidden));
                (self.line, self.columns) = (1, 0);
            }
            "table-column" => self.open_column(element)?,
            "table-row" => self.open_row(element)?,
            "table-cell" | "covered-table-cell" => self.open_cell(element)?,
            "p" if self.cell.is_open => {
                if self.cell.paragraphs > 0 && self.cell.text.len() <= CELL_BYTES_MAX {
                    self.cell.text.push('\n');
                }
                self.cell.paragraphs = self.cell.paragraphs.saturating_add(1);
                self.in_paragraph = true;
            }
            "s" if self.is_wanted() => {
                let count = element.attribute("c")?.and_then(|c| c.parse().ok()).unwrap_or(1);
                self.text(&" ".repeat(usize::min(count, CELL_BYTES_MAX)));
            }
            "tab" => self.text("\t"),
            "line-break" => self.text("\n"),
            _ => {}
        }
        Ok(())
    }

    fn open_column(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [repeated, visibility] =
            element.attributes(["number-columns-repeated", "visibility"])?;
        let first = self.columns;
        self.columns = first.saturating_add(count(repeated.as_deref()));
        let is_hidden = matches!(visibility.as_deref(), Some("collapse" | "filter"));
        if let Some(sheet) = self.sheet.as_mut().filter(|_| is_hidden) {
            sheet.observed.hidden_columns(first, self.columns - 1);
        }
        Ok(())
    }

    fn open_row(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [repeated, visibility] = element.attributes(["number-rows-repeated", "visibility"])?;
        let visibility = match visibility.as_deref() {
            Some("filter") => Visibility::Filtered,
            Some("collapse") => Visibility::Hidden,
            _ => Visibility::Visible,
        };
        self.row =
            OpenRow { repeated: count(repeated.as_deref()), visibility, ..OpenRow::default() };
        Ok(())
    }

    fn open_cell(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [repeated, kind, extended, formula] = element.attributes([
            "number-columns-repeated",
            "value-type",
            "calcext:value-type",
            "formula",
        ])?;
        let kind = kind.unwrap_or_default().into_owned();
        let named = match kind.as_str() {
            "date" => "date-value",
            "time" => "time-value",
            "boolean" => "boolean-value",
            "string" => "string-value",
            _ => "value",
        };
        let [value, rows, columns] =
            element.attributes([named, "number-rows-spanned", "number-columns-spanned"])?;
        let (rows, columns) = (count(rows.as_deref()), count(columns.as_deref()));
        if let Some(sheet) = self.sheet.as_mut().filter(|_| rows > 1) {
            let right = self.row.column.saturating_add(columns - 1);
            sheet.observed.merged(Merged {
                rows: (self.line, self.line.saturating_add(rows - 1)),
                columns: (self.row.column, right),
            });
        }
        self.cell = OpenCell {
            is_open: true,
            repeated: count(repeated.as_deref()),
            is_error: extended.as_deref() == Some("error"),
            has_formula: formula.is_some(),
            value: value.unwrap_or_default().into_owned(),
            kind,
            text: String::new(),
            paragraphs: 0,
        };
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.is_wanted() {
            self.cell.text.push_str(text);
        }
    }

    /// Whether text belongs to the cell. What is longer is refused by its length: it need not be
    /// kept.
    fn is_wanted(&self) -> bool {
        self.aside == 0 && self.in_paragraph && self.cell.text.len() <= CELL_BYTES_MAX
    }

    /// Ends an element; a whole sheet where it was a table.
    fn close(&mut self, name: &str) -> Result<Option<Sheet>, Damage> {
        if self.aside > 0 {
            self.aside -= 1;
            return Ok(None);
        }
        match name {
            "p" => self.in_paragraph = false,
            "table-cell" | "covered-table-cell" => self.close_cell()?,
            "table-row" => self.close_row()?,
            "table" => return Ok(self.sheet.take()),
            _ => {}
        }
        Ok(None)
    }

    fn close_cell(&mut self) -> Result<(), Damage> {
        let cell = std::mem::take(&mut self.cell);
        let first = self.row.column;
        self.row.column = first.saturating_add(cell.repeated);
        let Some(what) = cell.what() else { return Ok(()) };
        // They are held until the row ends, which says how often they are repeated.
        self.row.octets += what.octets();
        if first as usize >= LIST_COLUMNS_MAX {
            return Err(Damage::TooManyCells { line: self.line });
        }
        if self.row.octets > WORKBOOK_ROW_TEXT_BYTES_MAX {
            return Err(Damage::TooLarge);
        }
        self.row.cells.push(Put { columns: (first, self.row.column), what });
        Ok(())
    }

    fn close_row(&mut self) -> Result<(), Damage> {
        let row = std::mem::take(&mut self.row);
        let next = self.line.saturating_add(row.repeated);
        if let Some(sheet) = self.sheet.as_mut().filter(|_| !row.cells.is_empty()) {
            if next - 1 > WORKBOOK_ROWS_MAX {
                return Err(Damage::Broken("a row lies beyond the last of a sheet"));
            }
            for line in self.line..next {
                row.put(sheet, line, &mut self.put)?;
            }
        }
        self.line = next;
        Ok(())
    }
}

/// Elements whose text belongs to no cell.
fn is_aside(name: &str) -> bool {
    matches!(
        name,
        "annotation" | "shapes" | "frame" | "custom-shape" | "tracked-changes" | "ruby-text"
    )
}

/// A count as an attribute says it: at least 1.
fn count(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

impl OpenRow {
    fn put(&self, sheet: &mut Sheet, line: u32, all: &mut usize) -> Result<(), Damage> {
        for Put { columns, what } in &self.cells {
            // A cell repeated to the end of the row is a background, unless it has text.
            for column in columns.0..columns.1.min(LIST_COLUMNS_MAX as u32 + 1) {
                *all += 1;
                if *all > WORKBOOK_CELLS_MAX {
                    return Err(Damage::TooLarge);
                }
                what.put(sheet, line, column)?;
            }
        }
        let is_filled = sheet.last_line() == line;
        if is_filled && self.visibility != Visibility::Visible {
            sheet.observed.is_filtered |= self.visibility == Visibility::Filtered;
            sheet.observed.hidden_row(line);
        }
        Ok(())
    }
}

impl What {
    fn octets(&self) -> usize {
        match self {
            What::Text(text) | What::Failed(text) | What::LongNumber(text) => text.len(),
            What::NotCalculated => 0,
        }
    }

    fn put(&self, sheet: &mut Sheet, line: u32, column: u32) -> Result<(), Damage> {
        match self {
            What::Text(text) => sheet.put(line, column, text),
            What::Failed(error) => {
                put_error(sheet, line, column, error);
                Ok(())
            }
            What::NotCalculated => {
                sheet.observed.cell(Oddity::NotCalculated, line, column, "");
                Ok(())
            }
            What::LongNumber(text) => {
                sheet.observed.cell(Oddity::DigitsLost, line, column, text);
                sheet.put(line, column, text)
            }
        }
    }
}

impl OpenCell {
    /// What there is to put; nothing for an empty cell.
    fn what(self) -> Option<What> {
        if self.is_error {
            return Some(What::Failed(self.text));
        }
        let text = match self.kind.as_str() {
            "date" => iso_moment(&self.value),
            "time" => clock_of(&self.value).unwrap_or(self.text),
            "boolean" => self.value.to_uppercase(),
            "float" | "currency" | "percentage" => return Some(self.number()),
            "string" if self.paragraphs == 0 => self.value,
            "" if self.has_formula && self.text.is_empty() => return Some(What::NotCalculated),
            _ => self.text,
        };
        (!text.trim().is_empty()).then_some(What::Text(text))
    }

    /// A number as it is displayed; one with an exponent as it is stored.
    fn number(self) -> What {
        let value: f64 = self.value.parse().unwrap_or_default();
        let is_long = value.abs() >= 1e15;
        let has_exponent =
            self.text.contains(['E', 'e']) && self.text.bytes().all(|b| !b.is_ascii_lowercase());
        let is_lacking = self.text.trim().is_empty() || self.text.starts_with("###");
        let text = if has_exponent || is_lacking { plain(value) } else { self.text };
        if is_long { What::LongNumber(text) } else { What::Text(text) }
    }
}

/// `PT14H30M00S` as `14:30`.
fn clock_of(duration: &str) -> Option<String> {
    let (hours, rest) = duration.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.trim_end_matches('S').split(['.', ',']).next().unwrap_or_default();
    let text = format!("{hours:0>2}:{minutes:0>2}");
    Some(if matches!(seconds, "" | "0" | "00") { text } else { format!("{text}:{seconds:0>2}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_durations() {
        for (duration, text) in [
            ("PT14H30M00S", Some("14:30")),
            ("PT14H30M05.250S", Some("14:30:05")),
            ("PT36H0M0S", Some("36:00")),
            ("half past two", None),
        ] {
            assert_eq!(clock_of(duration).as_deref(), text);
        }
    }
}
