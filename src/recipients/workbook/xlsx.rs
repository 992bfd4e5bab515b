//! Excel workbooks (xlsx, xlsm, also as LibreOffice and Google write them): the zip in, sheets out.
//!
//! Owns the parts and their relations, shared texts, and cells as text. Cells are read as a stream,
//! so that a sheet takes the memory of its text only.
//!
//! # Standards
//! ECMA-376 part 1 (SpreadsheetML, 18.2 workbooks, 18.3 sheets, 18.4 shared strings) and part 2
//! (relations of parts), transitional and strict: elements are known by their names alone.
//!
//! # Failure
//! [`Damage`].

use super::Take;
use super::cell::{Stored, put_error, put_number};
use super::damage::Damage;
use super::observed::{Merged, Oddity};
use super::package::{Element, Package, Part, Piece};
use super::sheet::Sheet;
use super::styles::Styles;
use crate::limits::{
    CELL_BYTES_MAX, SHEET_NAME_CHARS_MAX, WORKBOOK_PART_NAME_BYTES_MAX, WORKBOOK_RELATIONS_MAX,
    WORKBOOK_SHEETS_MAX, WORKBOOK_STRINGS_MAX, WORKBOOK_TEXT_BYTES_MAX,
};
use std::borrow::Cow;
use std::collections::HashMap;

/// A sheet as the workbook lists it.
struct Listed {
    name: String,
    is_hidden: bool,
    part: String,
}

/// What the cells of all sheets refer to.
#[derive(Default)]
struct Shared {
    strings: Strings,
    styles: Styles,
    is_1904: bool,
}

/// Reads all sheets, in their order; each is given away before the next is read.
pub(super) fn sheets(package: &mut Package<'_>, take: Take<'_>) -> Result<(), Damage> {
    let book = relations(package, "_rels/.rels")?;
    let book = book.values().find(|r| r.kind == "officeDocument").map(|r| r.target.clone());
    let book = resolved("", book.as_deref().unwrap_or("xl/workbook.xml"));
    let (folder, name) = book.rsplit_once('/').unwrap_or(("", &book));
    let related = relations(package, &format!("{folder}/_rels/{name}.rels"))?;
    let mut shared = Shared::default();
    let listed = workbook(package, &book, folder, &related, &mut shared)?;
    for relation in related.values() {
        let part = resolved(folder, &relation.target);
        match relation.kind.as_str() {
            "sharedStrings" => read_part(package, &part, |p| {
                shared.strings = Strings::read(p)?;
                Ok(())
            })?,
            "styles" => read_part(package, &part, |p| {
                shared.styles = Styles::read(p)?;
                Ok(())
            })?,
            _ => {}
        }
    }
    for sheet in listed {
        let mut part = package.part(&sheet.part)?.ok_or(Damage::Broken("a sheet is missing"))?;
        let sheet = Sheet::new(sheet.name, sheet.is_hidden);
        take(Cells::new(sheet, &shared).read(&mut part)?)?;
    }
    Ok(())
}

/// Reads a part that may be absent.
fn read_part(
    package: &mut Package<'_>,
    name: &str,
    read: impl FnOnce(&mut Part<'_, '_>) -> Result<(), Damage>,
) -> Result<(), Damage> {
    match package.part(name)? {
        Some(mut part) => read(&mut part),
        None => Ok(()),
    }
}

/// What a part refers to: the last word of the kind, and where it is.
struct Relation {
    kind: String,
    target: String,
}

fn relations(package: &mut Package<'_>, name: &str) -> Result<HashMap<String, Relation>, Damage> {
    let mut found = HashMap::new();
    read_part(package, name, |part| {
        loop {
            match part.next()? {
                Piece::Open(element) if element.name() == "Relationship" => {
                    let [id, kind, target] = element.attributes(["Id", "Type", "Target"])?;
                    let is_long = |text: &Option<Cow<'_, str>>| {
                        text.as_ref().is_some_and(|t| t.len() > WORKBOOK_PART_NAME_BYTES_MAX)
                    };
                    let is_too_much = found.len() >= WORKBOOK_RELATIONS_MAX;
                    if is_too_much || [&id, &kind, &target].into_iter().any(is_long) {
                        return Err(Damage::TooLarge);
                    }
                    if let (Some(id), Some(kind), Some(target)) = (id, kind, target) {
                        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                        found.insert(
                            id.into_owned(),
                            Relation { kind, target: target.into_owned() },
                        );
                    }
                }
                Piece::End => return Ok(()),
                _ => {}
            }
        }
    })?;
    Ok(found)
}

/// A target as a name in the zip: from the folder, or from the root where it begins with `/`.
fn resolved(folder: &str, target: &str) -> String {
    let mut names: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|name| !name.is_empty()).collect(),
    };
    for name in target.split('/').filter(|name| !matches!(*name, "" | ".")) {
        match name {
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

/// The worksheets that the workbook lists; charts and dialogues hold no people.
fn workbook(
    package: &mut Package<'_>,
    name: &str,
    folder: &str,
    related: &HashMap<String, Relation>,
    shared: &mut Shared,
) -> Result<Vec<Listed>, Damage> {
    let mut part = package.part(name)?.ok_or(Damage::Broken("it lists no sheets"))?;
    let mut listed = Vec::new();
    loop {
        match part.next()? {
            Piece::Open(element) => match element.name() {
                "workbookPr" => {
                    shared.is_1904 = element.attribute("date1904")?.is_some_and(|v| is_true(&v));
                }
                "sheet" => {
                    let [name, state, id] = element.attributes(["name", "state", "id"])?;
                    let relation = id.and_then(|id| related.get(id.as_ref()));
                    if listed.len() >= WORKBOOK_SHEETS_MAX {
                        return Err(Damage::TooLarge);
                    }
                    if let Some(sheet) = relation.filter(|r| r.kind == "worksheet") {
                        listed.push(Listed {
                            name: name
                                .unwrap_or_default()
                                .chars()
                                .take(SHEET_NAME_CHARS_MAX)
                                .collect(),
                            is_hidden: state.is_some_and(|state| state != "visible"),
                            part: resolved(folder, &sheet.target),
                        });
                    }
                }
                _ => {}
            },
            Piece::End => return Ok(listed),
            Piece::Close(_) | Piece::Text(_) => {}
        }
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "true" | "on")
}

/// The texts that cells refer to by number.
#[derive(Debug, Default)]
struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    fn read(part: &mut Part<'_, '_>) -> Result<Strings, Damage> {
        let mut strings = Strings::default();
        let mut text = RichText::default();
        loop {
            match part.next()? {
                Piece::Open(element) => text.open(element.name()),
                Piece::Text(piece) => text.push(&piece),
                Piece::Close(element) => match element.name() {
                    "si" => strings.put(&text.text)?,
                    name => text.close(name),
                },
                Piece::End => return Ok(strings),
            }
        }
    }

    fn put(&mut self, text: &str) -> Result<(), Damage> {
        let is_full = self.ends.len() >= WORKBOOK_STRINGS_MAX;
        if is_full || self.text.len() + text.len() > WORKBOOK_TEXT_BYTES_MAX {
            return Err(Damage::TooLarge);
        }
        push_unescaped(&mut self.text, text);
        self.ends.push(u32::try_from(self.text.len()).map_err(|_| Damage::TooLarge)?);
        Ok(())
    }

    fn get(&self, number: &str) -> Option<&str> {
        let number: usize = number.trim().parse().ok()?;
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }
}

/// The text of an element with runs: what stands in `t`, but not how it is pronounced (`rPh`, in
/// Japanese names).
#[derive(Debug, Default)]
struct RichText {
    text: String,
    is_text: bool,
    is_pronunciation: bool,
}

impl RichText {
    fn open(&mut self, name: &str) {
        match name {
            "si" | "is" => self.text.clear(),
            "t" => self.is_text = !self.is_pronunciation,
            "rPh" => self.is_pronunciation = true,
            _ => {}
        }
    }

    fn push(&mut self, piece: &str) {
        // What is longer is refused by its length: it need not be kept.
        if self.is_text && self.text.len() <= CELL_BYTES_MAX {
            self.text.push_str(piece);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.is_text = false,
            "rPh" => self.is_pronunciation = false,
            _ => {}
        }
    }
}

/// Characters that XML does not take stand as `_x000D_` (18.4, ST_Xstring).
fn push_unescaped(into: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        into.push_str(before);
        let hex = escape.get(2..6).filter(|_| escape.as_bytes().get(6) == Some(&b'_'));
        let character = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match character.and_then(char::from_u32) {
            Some(character) => {
                into.push(character);
                rest = &escape[7..];
            }
            None => {
                into.push_str("_x");
                rest = &escape[2..];
            }
        }
    }
    into.push_str(rest);
}

/// The cells of a sheet, as they are read.
struct Cells<'s> {
    sheet: Sheet,
    shared: &'s Shared,
    line: u32,
    column: u32,
    is_hidden: bool,
    cell: OpenCell,
    rich: RichText,
    /// Where the stream is within a cell.
    within: Within,
}

/// The cell that is being read.
#[derive(Default)]
struct OpenCell {
    style: usize,
    kind: String,
    value: String,
    has_value: bool,
    has_formula: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Value,
    Formula,
    Inline,
}

impl<'s> Cells<'s> {
    fn new(sheet: Sheet, shared: &'s Shared) -> Cells<'s> {
        Cells {
            sheet,
            shared,
            line: 0,
            column: 0,
            is_hidden: false,
            cell: OpenCell::default(),
            rich: RichText::default(),
            within: Within::Nothing,
        }
    }

    fn read(mut self, part: &mut Part<'_, '_>) -> Result<Sheet, Damage> {
        loop {
            match part.next()? {
                Piece::Open(element) => self.open(&element)?,
                Piece::Text(text) => match self.within {
                    Within::Value if self.cell.value.len() <= CELL_BYTES_MAX => {
                        self.cell.value.push_str(&text);
                    }
                    Within::Inline => self.rich.push(&text),
                    _ => {}
                },
                Piece::Close(element) => self.close(element.name())?,
                Piece::End => return Ok(self.sheet),
            }
        }
    }

    fn open(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        match element.name() {
            "row" => self.open_row(element)?,
            "c" => self.open_cell(element)?,
            "v" => {
                self.within = Within::Value;
                self.cell.has_value = true;
            }
            "f" => {
                self.within = Within::Formula;
                self.cell.has_formula = true;
            }
            "is" => {
                self.within = Within::Inline;
                self.cell.has_value = true;
                self.rich.open("is");
            }
            "col" => self.open_column(element)?,
            "filterColumn" => self.sheet.observed.is_filtered = true,
            "mergeCell" => {
                let range = element.attribute("ref")?;
                if let Some(merged) = range.as_deref().and_then(merged) {
                    self.sheet.observed.merged(merged);
                }
            }
            name if self.within == Within::Inline => self.rich.open(name),
            _ => {}
        }
        Ok(())
    }

    fn open_row(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [number, hidden] = element.attributes(["r", "hidden"])?;
        self.line = match number {
            Some(number) => number.parse().map_err(|_| Damage::Broken("a row has no number"))?,
            None => self.line.saturating_add(1),
        };
        self.column = 0;
        self.is_hidden = hidden.is_some_and(|hidden| is_true(&hidden));
        Ok(())
    }

    fn open_column(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [first, last, hidden] = element.attributes(["min", "max", "hidden"])?;
        let number = |text: Option<Cow<'_, str>>| text?.parse::<u32>().ok()?.checked_sub(1);
        if let (Some(first), Some(last)) = (number(first), number(last))
            && hidden.is_some_and(|hidden| is_true(&hidden))
        {
            self.sheet.observed.hidden_columns(first, last);
        }
        Ok(())
    }

    fn open_cell(&mut self, element: &Element<'_>) -> Result<(), Damage> {
        let [name, style, kind] = element.attributes(["r", "s", "t"])?;
        if let Some(name) = name {
            let (column, _) = position(&name).ok_or(Damage::Broken("a cell has no place"))?;
            self.column = column;
        }
        self.cell.style = style.and_then(|style| style.parse().ok()).unwrap_or(0);
        self.cell.kind.clear();
        self.cell.kind.push_str(kind.as_deref().unwrap_or("n"));
        self.cell.value.clear();
        (self.cell.has_value, self.cell.has_formula) = (false, false);
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Damage> {
        match name {
            "v" | "f" | "is" => self.within = Within::Nothing,
            "c" => {
                self.put_cell()?;
                self.column = self.column.saturating_add(1);
            }
            "row" if self.is_hidden && self.sheet.last_line() == self.line => {
                self.sheet.observed.hidden_row(self.line);
            }
            name if self.within == Within::Inline => self.rich.close(name),
            _ => {}
        }
        Ok(())
    }

    /// Puts the cell that has been read into the sheet, as text.
    fn put_cell(&mut self) -> Result<(), Damage> {
        let (line, column) = (self.line, self.column);
        if !self.cell.has_value || self.cell.value.is_empty() && self.cell.kind == "n" {
            if self.cell.has_formula {
                self.sheet.observed.cell(Oddity::NotCalculated, line, column, "");
            }
            return Ok(());
        }
        let value = self.cell.value.as_str();
        let mut unescaped = String::new();
        match self.cell.kind.as_str() {
            "s" => {
                let text = self.shared.strings.get(value);
                let missing = Damage::Broken("a cell refers to a text that is not there");
                return self.sheet.put(line, column, text.ok_or(missing)?);
            }
            "inlineStr" => push_unescaped(&mut unescaped, &self.rich.text),
            "str" => push_unescaped(&mut unescaped, value),
            "b" => unescaped.push_str(if is_true(value) { "TRUE" } else { "FALSE" }),
            "e" => {
                put_error(&mut self.sheet, line, column, value);
                return Ok(());
            }
            "d" => unescaped.push_str(&super::cell::iso_moment(value)),
            _ => {
                let format = self.shared.styles.format(self.cell.style);
                let stored = Stored { text: value, format, is_1904: self.shared.is_1904 };
                return put_number(&mut self.sheet, line, column, &stored);
            }
        }
        self.sheet.put(line, column, &unescaped)
    }
}

/// Column (from 0) and row (from 1) of `C14`.
fn position(name: &str) -> Option<(u32, u32)> {
    let name = name.trim_start_matches('$');
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, row) = name.split_at(letters);
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(digit)
    })?;
    Some((column.checked_sub(1)?, row.trim_start_matches('$').parse().ok()?))
}

/// `A1:C3`.
fn merged(range: &str) -> Option<Merged> {
    let (first, last) = range.split_once(':')?;
    let ((left, top), (right, bottom)) = (position(first)?, position(last)?);
    Some(Merged { rows: (top, bottom), columns: (left, right) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_their_names() {
        for (name, place) in [
            ("A1", Some((0, 1))),
            ("XFD1048576", Some((16_383, 1_048_576))),
            ("aa7", Some((26, 7))),
            ("7", None),
            ("A", None),
            ("ZZZZZZZZ1", None),
            ("É1", None),
        ] {
            assert_eq!(position(name), place, "{name}");
        }
        let range = Merged { rows: (14, 18), columns: (4, 4) };
        assert_eq!(merged("E14:E18"), Some(range));
    }

    #[test]
    fn parts_are_found_where_relations_say() {
        for (folder, target, name) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "../custom/./a.xml", "custom/a.xml"),
            ("", "../../../etc/passwd", "etc/passwd"),
        ] {
            assert_eq!(resolved(folder, target), name);
        }
    }

    #[test]
    fn characters_that_xml_does_not_take_are_read() {
        for (text, read) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("snake_x_case _x00 _xZZZZ_ é_x", "snake_x_case _x00 _xZZZZ_ é_x"),
            ("_x00é0_", "_x00é0_"),
        ] {
            let mut into = String::new();
            push_unescaped(&mut into, text);
            assert_eq!(into, read);
        }
    }
}
