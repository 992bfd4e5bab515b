//! Tables for people who use a spreadsheet program: workbooks (xlsx) out.
//!
//! Owns their looks: a frozen, bold header with a filter, wrapped text, one page wide in print.
//!
//! # Invariants
//! Every text is written as text, so that none becomes a formula whatever it begins with
//! (security S10). A workbook of ours that somebody has saved since is not ours any more.
//!
//! # Failure
//! [`XlsxError`], when a table has more rows than a spreadsheet.

use crate::limits::WORKBOOK_PIECE_BYTES_MAX;
use crate::problem::Severity;
use crate::time::Timestamp;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};
use std::io::{Cursor, Read as _};
use unicode_width::UnicodeWidthStr as _;

/// Who wrote a workbook, in its properties.
const AUTHOR: &str = "secretariat";
/// Characters of a cell: Excel takes no more.
const CELL_CHARS_MAX: usize = 32_767;
/// Points of a line of text.
const LINE_POINTS: u16 = 15;
/// Lines of a row: Excel's rows end at 409 points.
const LINES_MAX: u16 = 27;

/// One sheet of a workbook.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A column with its header and its width in characters.
pub(super) struct Column {
    pub(super) header: &'static str,
    pub(super) width: u16,
}

/// What stands in a cell.
pub(super) enum Cell {
    Text(String),
    Number(u32),
    /// In words and in colour.
    Severity(Severity),
    Nothing,
}

/// The bytes of a workbook with these tables, under a title by which it is known again.
pub(super) fn workbook(title: &str, tables: &[Table], at: Timestamp) -> Result<Vec<u8>, XlsxError> {
    let made = ExcelDateTime::from_timestamp(at.unix_seconds())?;
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new().set_title(title).set_author(AUTHOR).set_creation_datetime(&made),
    );
    for table in tables {
        write(workbook.add_worksheet(), table)?;
    }
    workbook.save_to_buffer()
}

fn write(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    sheet.set_name(table.name)?;
    let header = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00E7_ECF3))
        .set_border_bottom(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter);
    for (n, column) in (0_u16..).zip(&table.columns) {
        sheet.set_column_width(n, column.width)?;
        sheet.write_string_with_format(0, n, column.header, &header)?;
    }
    let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    // At the left as everything else: at the right it touches the next column.
    let number = Format::new().set_align(FormatAlign::Top).set_align(FormatAlign::Left);
    for (n, row) in (1_u32..).zip(&table.rows) {
        sheet.set_row_height(n, LINE_POINTS * lines(row, &table.columns))?;
        for (column, cell) in (0_u16..).zip(row) {
            match cell {
                Cell::Text(value) => {
                    let value: String = value.chars().take(CELL_CHARS_MAX).collect();
                    sheet.write_string_with_format(n, column, value, &text)?;
                }
                Cell::Number(value) => {
                    sheet.write_number_with_format(n, column, *value, &number)?;
                }
                Cell::Severity(severity) => {
                    let format = coloured(*severity);
                    sheet.write_string_with_format(n, column, severity.as_str(), &format)?;
                }
                Cell::Nothing => {}
            }
        }
    }
    set_up(sheet, table)
}

/// Lines that the longest text of a row takes: not every program makes room for wrapped text.
fn lines(row: &[Cell], columns: &[Column]) -> u16 {
    let of = |(cell, column): (&Cell, &Column)| match cell {
        // Words are wrapped whole: a line is never quite full.
        Cell::Text(text) => text.width().div_ceil(usize::from(column.width - column.width / 8)),
        _ => 1,
    };
    let most = row.iter().zip(columns).map(of).max().unwrap_or(1);
    u16::try_from(most).unwrap_or(u16::MAX).clamp(1, LINES_MAX)
}

/// The header stays in view, has a filter, and stands on each printed page.
fn set_up(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 0)?;
    let last_row = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    let last_column = u16::try_from(table.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    if last_row > 0 {
        sheet.autofilter(0, 0, last_row, last_column)?;
    }
    sheet.set_repeat_rows(0, 0)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}

/// Dark letters on a light ground: legible in print and for those who see no colours.
fn coloured(severity: Severity) -> Format {
    let (letters, ground) = match severity {
        Severity::Error => (0x009C_0006, 0x00FF_C7CE),
        Severity::Warning => (0x007F_5A00, 0x00FF_EB9C),
        Severity::Note => (0x0033_4155, 0x00E2_E8F0),
    };
    Format::new()
        .set_bold()
        .set_align(FormatAlign::Top)
        .set_font_color(Color::RGB(letters))
        .set_background_color(Color::RGB(ground))
}

/// Whether a file is a workbook that was written here under this title, and that nobody has saved
/// since: spreadsheet programs note the time of the last change.
pub(super) fn is_ours(bytes: &[u8], title: &str) -> bool {
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(bytes)) else { return false };
    let Ok(part) = zip.by_name("docProps/core.xml") else { return false };
    let mut core = String::new();
    if part.take(WORKBOOK_PIECE_BYTES_MAX as u64).read_to_string(&mut core).is_err() {
        return false;
    }
    let value = |name: &str| {
        let (_, behind) = core.split_once(&format!("<{name}"))?;
        let (_, text) = behind.split_once('>')?;
        text.split_once("</").map(|(text, _)| text)
    };
    let made = value("dcterms:created");
    // In the order in which it is written here: other programs have another.
    let as_written = format!(
        "<dc:title>{title}</dc:title><dc:creator>{AUTHOR}</dc:creator>\
         <cp:lastModifiedBy>{AUTHOR}</cp:lastModifiedBy><dcterms:created "
    );
    core.contains(&as_written) && made.is_some() && made == value("dcterms:modified")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(title: &str) -> Vec<u8> {
        let columns = vec![Column { header: "What", width: 20 }];
        let rows = vec![vec![Cell::Text("x".repeat(40_000))]];
        let table = Table { name: "Findings", columns, rows };
        workbook(title, &[table], Timestamp::from_unix_seconds(1_793_000_000)).unwrap()
    }

    #[test]
    fn a_workbook_is_known_again_until_somebody_saves_it() {
        let ours = made("ours");
        assert!(is_ours(&ours, "ours"));
        assert!(
            !is_ours(&ours, "theirs") && !is_ours(b"PK\x03\x04", "ours") && !is_ours(b"", "ours")
        );
        assert_eq!(ours, made("ours"), "the same table is the same file");
        // What is saved has a later change.
        let mut saved = zip::ZipWriter::new(Cursor::new(Vec::new()));
        saved.start_file("docProps/core.xml", zip::write::SimpleFileOptions::default()).unwrap();
        let core = "<dc:title>ours</dc:title><dc:creator>secretariat</dc:creator>\
                    <cp:lastModifiedBy>secretariat</cp:lastModifiedBy><dcterms:created x=\"\">1\
                    </dcterms:created><dcterms:modified>2</dcterms:modified>";
        std::io::Write::write_all(&mut saved, core.as_bytes()).unwrap();
        assert!(!is_ours(&saved.finish().unwrap().into_inner(), "ours"));
    }
}
