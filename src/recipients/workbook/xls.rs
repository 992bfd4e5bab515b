//! Workbooks of Excel 97 to 2003 (xls): the stream of records in, sheets out.
//!
//! Owns records, shared texts over several of them, and cells as text. Older ones (Excel 95 and
//! before) are refused: their texts are in an encoding that the file may not name.
//!
//! # Standards
//! MS-XLS 2.4 (records), 2.5.240 and 2.5.293 to 2.5.296 (texts), 2.5.198.2 (errors).
//!
//! # Failure
//! [`Damage`].

use super::Take;
use super::cell::{put_error, put_value};
use super::damage::Damage;
use super::number::NumberFormat;
use super::observed::Merged;
use super::ole::{CompoundFile, u16_at, u32_at};
use super::sheet::Sheet;
use crate::limits::{
    WORKBOOK_FORMATS_MAX, WORKBOOK_SHEETS_MAX, WORKBOOK_STRINGS_MAX, WORKBOOK_STYLES_MAX,
    WORKBOOK_TEXT_BYTES_MAX, XLS_BYTES_MAX, XLS_CELLS_MAX,
};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

const BROKEN: Damage = Damage::Broken("a record of it is not whole");

/// Kinds of records (MS-XLS 2.3).
mod record {
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const END: u16 = 0x000a;
    pub(super) const DATE_MODE: u16 = 0x0022;
    pub(super) const PASSWORD: u16 = 0x002f;
    pub(super) const CONTINUE: u16 = 0x003c;
    pub(super) const COLUMNS: u16 = 0x007d;
    pub(super) const SHEET: u16 = 0x0085;
    pub(super) const FILTER_MODE: u16 = 0x009b;
    pub(super) const NUMBERS: u16 = 0x00bd;
    pub(super) const RICH_LABEL: u16 = 0x00d6;
    pub(super) const STYLE: u16 = 0x00e0;
    pub(super) const MERGED: u16 = 0x00e5;
    pub(super) const STRINGS: u16 = 0x00fc;
    pub(super) const SHARED_LABEL: u16 = 0x00fd;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const LABEL: u16 = 0x0204;
    pub(super) const TRUTH_OR_ERROR: u16 = 0x0205;
    pub(super) const FORMULA_TEXT: u16 = 0x0207;
    pub(super) const ROW: u16 = 0x0208;
    pub(super) const SHORT_NUMBER: u16 = 0x027e;
    pub(super) const FORMAT: u16 = 0x041e;
    pub(super) const BEGIN: u16 = 0x0809;
}

/// Reads all sheets, in their order; each is given away before the next is read.
pub(super) fn sheets(bytes: &[u8], take: Take<'_>) -> Result<(), Damage> {
    if bytes.len() > XLS_BYTES_MAX {
        return Err(Damage::TooLarge);
    }
    let file = CompoundFile::open(bytes)?;
    if file.has("EncryptedPackage") {
        return Err(Damage::Password);
    }
    if !file.has("Workbook") {
        return Err(other(&file));
    }
    let stream = file.stream("Workbook")?;
    let book = Globals::read(&stream)?;
    // No record belongs to two sheets: what all of them read together is the stream at most, or a
    // hundred thousand sheets could be one and the same (security S20).
    let mut left = stream.len();
    for listed in &book.sheets {
        let records = stream.get(listed.at..).ok_or(Damage::Broken("a sheet is missing"))?;
        let mut records = Records { rest: &records[..records.len().min(left)] };
        let before = records.rest.len();
        let sheet = Sheet::new(listed.name.clone(), listed.is_hidden);
        take(Cells::new(&book).read(&mut records, sheet)?)?;
        left -= before - records.rest.len();
    }
    Ok(())
}

fn other(file: &CompoundFile<'_>) -> Damage {
    use super::damage::Foreign;
    match () {
        () if file.has("Book") => Damage::Foreign(Foreign::OldWorkbook),
        () if file.has("WordDocument") => Damage::Foreign(Foreign::WordDocument),
        () if file.has("PowerPoint Document") => Damage::Foreign(Foreign::Presentation),
        () => Damage::Broken("it holds no sheets"),
    }
}

/// The records of a stream. One that does not fit is the end, as where a file was cut off.
#[derive(Clone, Copy)]
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Result<(u16, &'a [u8]), Damage> {
        let kind = u16_at(self.rest, 0).ok_or(BROKEN)?;
        let length = usize::from(u16_at(self.rest, 2).ok_or(BROKEN)?);
        let data = self.rest.get(4..4 + length).ok_or(BROKEN)?;
        self.rest = &self.rest[4 + length..];
        Ok((kind, data))
    }

    /// The data of a record and of those that continue it.
    fn whole(&mut self, first: &'a [u8]) -> Result<Pieces<'a>, Damage> {
        let mut pieces = vec![first];
        while u16_at(self.rest, 0) == Some(record::CONTINUE) {
            pieces.push(self.next()?.1);
        }
        pieces.reverse();
        Ok(Pieces { now: pieces.pop().unwrap_or_default(), later: pieces })
    }
}

/// The data of a record that is continued.
struct Pieces<'a> {
    now: &'a [u8],
    /// The last first.
    later: Vec<&'a [u8]>,
}

impl Pieces<'_> {
    fn go_on(&mut self) -> Result<(), Damage> {
        self.now = self.later.pop().ok_or(BROKEN)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        while self.now.is_empty() {
            self.go_on()?;
        }
        let byte = self.now[0];
        self.now = &self.now[1..];
        Ok(byte)
    }

    fn u16(&mut self) -> Result<u16, Damage> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        Ok(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    fn skip(&mut self, mut octets: usize) -> Result<(), Damage> {
        while octets > self.now.len() {
            octets -= self.now.len();
            self.go_on()?;
        }
        self.now = &self.now[octets..];
        Ok(())
    }

    /// Characters of one or two octets; in each further piece a flag says again which.
    fn characters(
        &mut self,
        count: usize,
        mut is_wide: bool,
        into: &mut String,
    ) -> Result<(), Damage> {
        let mut units: Vec<u16> = Vec::new();
        while units.len() < count {
            if self.now.is_empty() {
                self.go_on()?;
                is_wide = self.byte()? & 1 == 1;
            }
            let width = if is_wide { 2 } else { 1 };
            let here = usize::min(count - units.len(), self.now.len() / width);
            if here == 0 && !self.now.is_empty() {
                return Err(BROKEN);
            }
            let (octets, rest) = self.now.split_at(here * width);
            match is_wide {
                true => {
                    units.extend(octets.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])))
                }
                false => units.extend(octets.iter().map(|octet| u16::from(*octet))),
            }
            self.now = rest;
        }
        into.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
        Ok(())
    }

    /// A text with its length in two octets.
    fn text(&mut self) -> Result<String, Damage> {
        let mut text = String::new();
        let count = usize::from(self.u16()?);
        let is_wide = self.byte()? & 1 == 1;
        self.characters(count, is_wide, &mut text)?;
        Ok(text)
    }

    /// A shared text: perhaps with runs and with how it is pronounced behind it.
    fn rich_text(&mut self, into: &mut String) -> Result<(), Damage> {
        let count = usize::from(self.u16()?);
        let flags = self.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(self.u16()?) };
        let further = if flags & 4 == 0 { 0 } else { self.u32()? as usize };
        self.characters(count, flags & 1 == 1, into)?;
        self.skip(4 * runs + further)
    }
}

/// What stands before the sheets.
#[derive(Default)]
struct Globals {
    sheets: Vec<Listed>,
    strings: Vec<String>,
    formats: Vec<Rc<NumberFormat>>,
    is_1904: bool,
}

struct Listed {
    name: String,
    is_hidden: bool,
    at: usize,
}

impl Globals {
    fn read(stream: &[u8]) -> Result<Globals, Damage> {
        let (mut book, mut records) = (Globals::default(), Records { rest: stream });
        let (mut codes, mut styles) = (HashMap::<u16, Rc<NumberFormat>>::new(), Vec::new());
        loop {
            let is_too_much = book.sheets.len() > WORKBOOK_SHEETS_MAX
                || codes.len() > WORKBOOK_FORMATS_MAX
                || styles.len() > WORKBOOK_STYLES_MAX;
            if is_too_much {
                return Err(Damage::TooLarge);
            }
            let (kind, data) = records.next()?;
            match kind {
                record::PASSWORD => return Err(Damage::Password),
                record::DATE_MODE => book.is_1904 = u16_at(data, 0) == Some(1),
                record::SHEET => book.sheets.extend(Listed::read(data)?),
                record::FORMAT => {
                    let id = u16_at(data, 0).ok_or(BROKEN)?;
                    let code = Records { rest: &[] }.whole(data.get(2..).ok_or(BROKEN)?)?.text()?;
                    codes.insert(id, NumberFormat::of_code(&code).into());
                }
                record::STYLE => styles.push(u16_at(data, 2).ok_or(BROKEN)?),
                record::STRINGS => book.strings = strings(records.whole(data)?)?,
                record::END => break,
                _ => {}
            }
        }
        let built_in = |id: u16| Rc::new(NumberFormat::of_id(u32::from(id)));
        let mut format = |id: u16| Rc::clone(codes.entry(id).or_insert_with(|| built_in(id)));
        book.formats = styles.into_iter().map(&mut format).collect();
        Ok(book)
    }
}

impl Listed {
    /// A worksheet; charts and macros hold no people.
    fn read(data: &[u8]) -> Result<Option<Listed>, Damage> {
        let at = u32_at(data, 0).ok_or(BROKEN)? as usize;
        let [state, kind, count, flags] = data.get(4..8).ok_or(BROKEN)? else { return Err(BROKEN) };
        let mut name = String::new();
        Records { rest: &[] }.whole(&data[8..])?.characters(
            usize::from(*count),
            flags & 1 == 1,
            &mut name,
        )?;
        Ok((*kind == 0).then_some(Listed { name, is_hidden: state & 3 != 0, at }))
    }
}

fn strings(mut pieces: Pieces<'_>) -> Result<Vec<String>, Damage> {
    pieces.u32()?;
    let count = pieces.u32()? as usize;
    let (mut strings, mut octets) = (Vec::new(), 0);
    while strings.len() < count {
        let mut text = String::new();
        pieces.rich_text(&mut text)?;
        octets += text.len();
        if octets > WORKBOOK_TEXT_BYTES_MAX || strings.len() >= WORKBOOK_STRINGS_MAX / 2 {
            return Err(Damage::TooLarge);
        }
        strings.push(text);
    }
    Ok(strings)
}

/// A value with its row (from 0), column and style, before it is put into its place: programs may
/// write cells in any order.
struct Cell {
    row: u16,
    column: u16,
    style: u16,
    value: Value,
}

enum Value {
    Shared(u32),
    Text(Box<str>),
    Number(f64),
    Truth(bool),
    Error(u8),
}

struct Cells<'b> {
    book: &'b Globals,
    cells: Vec<Cell>,
    hidden: BTreeSet<u16>,
    is_filtered: bool,
    merged: Vec<Merged>,
    /// The formula whose text comes in a record of its own.
    awaited: Option<(u16, u16, u16)>,
}

impl<'b> Cells<'b> {
    fn new(book: &'b Globals) -> Cells<'b> {
        Cells {
            book,
            cells: Vec::new(),
            hidden: BTreeSet::new(),
            is_filtered: false,
            merged: Vec::new(),
            awaited: None,
        }
    }

    fn read(mut self, records: &mut Records<'_>, mut sheet: Sheet) -> Result<Sheet, Damage> {
        let mut depth = 0;
        loop {
            let (kind, data) = records.next()?;
            match kind {
                // Charts within a sheet have records of cells too.
                record::BEGIN => depth += 1,
                record::END if depth <= 1 => return self.put_all(sheet),
                record::END => depth -= 1,
                _ if depth != 1 => {}
                record::FORMULA_TEXT => {
                    if let Some((row, column, style)) = self.awaited.take() {
                        let text = records.whole(data)?.text()?.into_boxed_str();
                        self.keep(row, column, style, Value::Text(text))?;
                    }
                }
                record::ROW if u16_at(data, 12).is_some_and(|flags| flags & 0x20 != 0) => {
                    self.hidden.insert(u16_at(data, 0).ok_or(BROKEN)?);
                }
                record::COLUMNS if u16_at(data, 8).is_some_and(|flags| flags & 1 != 0) => {
                    let [first, last] = [0, 2].map(|at| u16_at(data, at).map(u32::from));
                    sheet.observed.hidden_columns(first.ok_or(BROKEN)?, last.ok_or(BROKEN)?);
                }
                record::FILTER_MODE => self.is_filtered = true,
                record::MERGED => self.merged.extend(merged(data)),
                record::LABEL | record::RICH_LABEL => {
                    let (row, column, style) = place(data)?;
                    let text = records.whole(&data[6..])?.text()?.into_boxed_str();
                    self.keep(row, column, style, Value::Text(text))?;
                }
                record::NUMBERS => self.numbers(data)?,
                kind => self.cell(kind, data)?,
            }
        }
    }

    /// A record of one cell.
    fn cell(&mut self, kind: u16, data: &[u8]) -> Result<(), Damage> {
        let value = match kind {
            record::SHARED_LABEL => Value::Shared(u32_at(data, 6).ok_or(BROKEN)?),
            record::NUMBER => Value::Number(f64_at(data, 6)?),
            record::SHORT_NUMBER => Value::Number(short_number(u32_at(data, 6).ok_or(BROKEN)?)),
            record::TRUTH_OR_ERROR => match data.get(6..8).ok_or(BROKEN)? {
                [truth, 0] => Value::Truth(*truth != 0),
                [error, ..] => Value::Error(*error),
                [] => return Err(BROKEN),
            },
            record::FORMULA => match data.get(6..14).ok_or(BROKEN)? {
                [0, .., 0xff, 0xff] => {
                    self.awaited = Some(place(data)?);
                    return Ok(());
                }
                [1, _, truth, .., 0xff, 0xff] => Value::Truth(*truth != 0),
                [2, _, error, .., 0xff, 0xff] => Value::Error(*error),
                [_, .., 0xff, 0xff] => return Ok(()),
                _ => Value::Number(f64_at(data, 6)?),
            },
            _ => return Ok(()),
        };
        let (row, column, style) = place(data)?;
        self.keep(row, column, style, value)
    }

    /// Several numbers in a row: style and value of each between the first and the last column.
    fn numbers(&mut self, data: &[u8]) -> Result<(), Damage> {
        let (row, first) = (u16_at(data, 0).ok_or(BROKEN)?, u16_at(data, 2).ok_or(BROKEN)?);
        let values = data.get(4..data.len().saturating_sub(2)).ok_or(BROKEN)?.chunks_exact(6);
        for (column, value) in (first..).zip(values) {
            let style = u16_at(value, 0).ok_or(BROKEN)?;
            let number = short_number(u32_at(value, 2).ok_or(BROKEN)?);
            self.keep(row, column, style, Value::Number(number))?;
        }
        Ok(())
    }

    fn keep(&mut self, row: u16, column: u16, style: u16, value: Value) -> Result<(), Damage> {
        if self.cells.len() >= XLS_CELLS_MAX {
            return Err(Damage::TooLarge);
        }
        self.cells.push(Cell { row, column, style, value });
        Ok(())
    }

    /// Puts all cells into the sheet, in order.
    fn put_all(mut self, mut sheet: Sheet) -> Result<Sheet, Damage> {
        self.cells.sort_by_key(|cell| (cell.row, cell.column));
        self.cells.dedup_by_key(|cell| (cell.row, cell.column));
        for cell in &self.cells {
            self.put(&mut sheet, cell)?;
        }
        sheet.observed.is_filtered = self.is_filtered;
        self.merged.into_iter().for_each(|merged| sheet.observed.merged(merged));
        let mut filled: BTreeSet<u16> = self.cells.iter().map(|cell| cell.row).collect();
        filled.retain(|row| self.hidden.contains(row));
        filled.into_iter().for_each(|row| sheet.observed.hidden_row(u32::from(row) + 1));
        Ok(sheet)
    }

    fn put(&self, sheet: &mut Sheet, cell: &Cell) -> Result<(), Damage> {
        let (line, column) = (u32::from(cell.row) + 1, u32::from(cell.column));
        match &cell.value {
            Value::Shared(number) => {
                let text = self.book.strings.get(*number as usize);
                sheet.put(line, column, text.ok_or(BROKEN)?)
            }
            Value::Text(text) => sheet.put(line, column, text),
            Value::Truth(truth) => {
                // LibreOffice and Excel show them so in English.
                sheet.put(line, column, if *truth { "TRUE" } else { "FALSE" })
            }
            Value::Error(code) => {
                put_error(sheet, line, column, error_name(*code));
                Ok(())
            }
            Value::Number(number) => {
                let format = self.book.formats.get(usize::from(cell.style));
                let format = format.map_or(&NumberFormat::General, Rc::as_ref);
                put_value(sheet, line, column, &format.show(*number, self.book.is_1904))
            }
        }
    }
}

/// Row, column and style.
fn place(data: &[u8]) -> Result<(u16, u16, u16), Damage> {
    let at = |n| u16_at(data, n).ok_or(BROKEN);
    Ok((at(0)?, at(2)?, at(4)?))
}

fn f64_at(data: &[u8], at: usize) -> Result<f64, Damage> {
    let low = u64::from(u32_at(data, at).ok_or(BROKEN)?);
    let high = u64::from(u32_at(data, at + 4).ok_or(BROKEN)?);
    Ok(f64::from_bits(high << 32 | low))
}

/// A number in four octets: whole or the upper half of a float, perhaps in hundredths (2.5.217).
fn short_number(rk: u32) -> f64 {
    let value = match rk & 2 {
        0 => f64::from_bits(u64::from(rk & !3) << 32),
        _ => f64::from(rk.cast_signed() >> 2),
    };
    if rk & 1 == 1 { value / 100.0 } else { value }
}

fn merged(data: &[u8]) -> impl Iterator<Item = Merged> {
    data.get(2..).unwrap_or_default().chunks_exact(8).filter_map(|range| {
        let at = |n| u16_at(range, n).map(u32::from);
        Some(Merged { rows: (at(0)? + 1, at(2)? + 1), columns: (at(4)?, at(6)?) })
    })
}

fn error_name(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        _ => "#VALUE!",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_whole_or_halves_of_floats() {
        for (rk, number) in
            [(42 << 2 | 2, 42.0), (4_250 << 2 | 3, 42.5), (0x4045_0000, 42.0), (0xffff_fffe, -1.0)]
        {
            assert!((short_number(rk) - number).abs() < 1e-9, "{rk:x}");
        }
    }

    /// Shared texts go on in the next record in the middle of a word, with another width.
    #[test]
    fn texts_over_several_records_are_whole() {
        let first = b"\x01\0\0\0\x02\0\0\0\x06\0\0Per";
        let second = b"\x01\xfa\0e\0z\0\x02\0\x09\x01\0\x0b\x67\xb3\x82RUNS";
        let pieces = Pieces { now: first, later: vec![second] };
        assert_eq!(strings(pieces), Ok(vec!["Perúez".to_owned(), "朋芳".to_owned()]));
        let cut = Pieces { now: first, later: Vec::new() };
        assert_eq!(strings(cut), Err(BROKEN));
    }
}
