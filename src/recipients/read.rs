//! The bytes of a participant list in, its rows out, each with the line it starts on.
//!
//! Owns encoding, delimiter, quotation marks and line ends. What the columns mean is decided in
//! `columns.rs`, what is in the cells in `check.rs`. Cells are cut by `csv-core`; it is driven
//! directly, and not through `csv`, because that would read a list of any size into one cell
//! after an unclosed quotation mark, and counts CR line ends as none.
//!
//! # Standards
//! RFC 4180, with `;`, tab and `|` besides the comma, CR and LF besides CRLF, rows of any length.
//! UTF-8, with or without a byte order mark.
//!
//! # Invariants
//! No row is lost inside another's quotation marks: an unclosed mark, and text after a closing one,
//! are [`Damage`], which readers more lenient take for part of a cell. Memory is bounded by the
//! longest row, and a row by its limits.
//!
//! # Failure
//! [`Damage`] with its line. After one that leaves the rest of the list in doubt no more rows come.

use super::ListSource;
use crate::address::EmailAddress;
use crate::limits::{CELL_BYTES_MAX, LIST_BYTES_MAX, LIST_COLUMNS_MAX, LIST_SAMPLE_ROWS};
use crate::problem::{Place, Problem};

/// What separates cells, in the order of preference.
const DELIMITERS: [(u8, &str); 4] =
    [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs"), (b'|', "vertical bars")];

/// Why a list, or a row of it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("the list is a workbook or another kind of file, not a text with one row on a line")]
    NotText,
    #[error("the list is not UTF-8 text: it looks like {likely}")]
    Encoding { line: u32, likely: &'static str },
    #[error("the list is larger than {} MB", LIST_BYTES_MAX >> 20)]
    TooLarge,
    #[error("a quotation mark opened here is never closed")]
    UnclosedQuote { line: u32 },
    #[error("text follows a closing quotation mark")]
    TextAfterQuote { line: u32 },
    #[error("a cell is longer than {} KB", CELL_BYTES_MAX >> 10)]
    CellTooLong { line: u32 },
    #[error("the row has more than {LIST_COLUMNS_MAX} cells")]
    TooManyCells { line: u32 },
}

impl Damage {
    /// The finding to report.
    pub(super) fn problem(&self, file: &str) -> Problem {
        let line = match self {
            Damage::NotText | Damage::TooLarge => None,
            Damage::Encoding { line, .. }
            | Damage::UnclosedQuote { line }
            | Damage::TextAfterQuote { line }
            | Damage::CellTooLong { line }
            | Damage::TooManyCells { line } => Some(*line),
        };
        let place = Place { file: file.to_owned(), line, column: None };
        Problem::error(self.code(), self.to_string()).hint(self.hint()).place(place)
    }

    fn code(&self) -> &'static str {
        match self {
            Damage::NotText => "not-a-text-list",
            Damage::Encoding { .. } => "not-utf-8",
            Damage::TooLarge => "list-too-large",
            Damage::UnclosedQuote { .. } => "unclosed-quote",
            Damage::TextAfterQuote { .. } => "text-after-quote",
            Damage::CellTooLong { .. } => "cell-too-long",
            Damage::TooManyCells { .. } => "too-many-cells",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Damage::NotText | Damage::Encoding { .. } => {
                "Open it in the spreadsheet program, save it as \"CSV UTF-8\", and put that file \
                 in its place."
            }
            Damage::TooLarge => "Split the list into several files.",
            Damage::UnclosedQuote { .. } => {
                "Close the mark, or write it twice (\"\") where it is part of the text; the rest \
                 of the list was not read."
            }
            Damage::TextAfterQuote { .. } => {
                "Write a quotation mark inside a quoted cell twice (\"\"), or close the one that \
                 was left open before."
            }
            Damage::CellTooLong { .. } => "Shorten the cell; the rest of the list was not read.",
            Damage::TooManyCells { .. } => {
                "Check the separators of the row; the rest of the list was not read."
            }
        }
    }
}

/// The text of a list, without its byte order mark.
///
/// # Errors
/// [`Damage`] when it is no UTF-8 text.
pub(super) fn text_of<'a>(source: &ListSource<'a>) -> Result<&'a str, Damage> {
    let bytes = source.bytes;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(Damage::TooLarge);
    }
    // Zip (xlsx, ods, Numbers), OLE (xls) and PDF begin so.
    if [&b"PK\x03\x04"[..], b"\xd0\xcf\x11\xe0", b"%PDF"].iter().any(|m| bytes.starts_with(m)) {
        return Err(Damage::NotText);
    }
    let wide = "UTF-16, which spreadsheet programs call \"Unicode text\"";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || is_mostly_wide(bytes) {
        return Err(Damage::Encoding { line: 1, likely: wide });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Damage::Encoding {
        line: line_ends(&bytes[..error.valid_up_to()]).saturating_add(1),
        likely: "an older encoding, such as Windows-1252",
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether every other byte of the beginning is NUL: UTF-16 without a mark is valid UTF-8 where
/// all letters are ASCII.
fn is_mostly_wide(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1 << 10)];
    start.iter().filter(|b| **b == 0).count() * 3 > start.len()
}

/// One row: its cells as written, and the line it starts on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'r> {
    pub(super) line: u32,
    /// The text of all cells.
    pub(super) text: &'r str,
    /// Where each ends in it.
    pub(super) ends: &'r [usize],
}

impl<'r> Row<'r> {
    /// The cells in order; blanks around them are still there.
    pub(super) fn cells(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let (text, mut start) = (self.text, 0);
        self.ends.iter().map(move |end| &text[std::mem::replace(&mut start, *end)..*end])
    }

    /// How many cells there are.
    pub(super) fn width(&self) -> usize {
        self.ends.len()
    }

    /// How many cells there are up to the last with anything in it.
    pub(super) fn filled(&self) -> usize {
        let is_filled = |(n, cell): (usize, &str)| (!cell.trim().is_empty()).then_some(n);
        (1..).zip(self.cells()).filter_map(is_filled).last().unwrap_or_default()
    }
}

/// The rows of a list, one after the other.
pub(super) struct Rows<'a> {
    /// What has not been read yet.
    rest: &'a [u8],
    /// The line, from 1, on which `rest` begins.
    line: u32,
    delimiter: u8,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// The rows of a text; the delimiter is found out from its beginning.
    pub(super) fn new(text: &'a str) -> Rows<'a> {
        if let Some((delimiter, rest)) = announced_delimiter(text) {
            return Rows { line: 2, ..Rows::separated_by(rest, delimiter) };
        }
        let best = |found: (Score, u8), delimiter: u8| {
            let score = Score::of(Rows::separated_by(text, delimiter));
            if score > found.0 { (score, delimiter) } else { found }
        };
        let candidates = DELIMITERS.iter().map(|(delimiter, _)| *delimiter);
        let (_, delimiter) = candidates.fold((Score::default(), b','), best);
        Rows::separated_by(text, delimiter)
    }

    fn separated_by(text: &'a str, delimiter: u8) -> Rows<'a> {
        Rows {
            rest: text.as_bytes(),
            line: 1,
            delimiter,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            text: vec![0; 4 << 10],
            ends: vec![0; 64],
        }
    }

    /// What separates the cells, for people: `semicolons`.
    pub(super) fn delimiter_name(&self) -> &'static str {
        DELIMITERS.iter().find(|(d, _)| *d == self.delimiter).map_or("commas", |(_, name)| name)
    }

    /// What separates the cells.
    pub(super) fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// How many of a list's columns are in use by the rows still to come: one more than the last
    /// in which any of them has a value. Rows with values beyond the columns do not count.
    pub(super) fn columns_in_use(&self, columns: usize) -> usize {
        let (mut rows, mut most) = (self.still_to_come(), 0);
        // The first whole row ends the search in most lists.
        while most < columns {
            match rows.next_filled() {
                Ok(Some(row)) if row.filled() <= columns => most = most.max(row.filled()),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {}
            }
        }
        most
    }

    /// The rows still to come, to be looked at before they are read.
    pub(super) fn still_to_come(&self) -> Rows<'a> {
        // Begun anew: a copy of csv-core's reader has lost its classes of bytes.
        let rows = Rows::separated_by("", self.delimiter);
        Rows { rest: self.rest, line: self.line, ..rows }
    }

    /// The next row with anything in it; `None` after the last.
    ///
    /// # Errors
    /// [`Damage`] of that row; after [`Damage::TextAfterQuote`] the next row may be asked for,
    /// after any other the list has ended.
    pub(super) fn next_filled(&mut self) -> Result<Option<Row<'_>>, Damage> {
        let (line, octets, cells) = loop {
            self.skip_line_ends();
            if self.rest.is_empty() {
                return Ok(None);
            }
            let line = self.line;
            let cut = self.cut_row();
            let (taken, octets, cells) = cut.inspect_err(|_| self.rest = &[])?;
            self.check_quotes(taken)?;
            self.pass(taken);
            if !self.cut_text(octets).trim().is_empty() {
                break (line, octets, cells);
            }
        };
        Ok(Some(Row { line, text: self.cut_text(octets), ends: &self.ends[..cells] }))
    }

    /// The text of the row cut last. The list is valid UTF-8 and delimiters are ASCII, so cells
    /// are valid too.
    fn cut_text(&self, octets: usize) -> &str {
        std::str::from_utf8(&self.text[..octets]).unwrap_or_default()
    }

    /// Cuts one row: the octets it takes of `rest`, the octets of its cells, their number.
    fn cut_row(&mut self) -> Result<(usize, usize, usize), Damage> {
        let (mut taken, mut octets, mut cells) = (0, 0, 0);
        loop {
            let (result, read, written, ended) = self.core.read_record(
                &self.rest[taken..],
                &mut self.text[octets..],
                &mut self.ends[cells..],
            );
            (taken, octets, cells) = (taken + read, octets + written, cells + ended);
            let cell_start = if cells == 0 { 0 } else { self.ends[cells - 1] };
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull if octets - cell_start > CELL_BYTES_MAX => {
                    return Err(self.endless_cell(taken));
                }
                csv_core::ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                csv_core::ReadRecordResult::OutputEndsFull if cells > LIST_COLUMNS_MAX => {
                    return Err(Damage::TooManyCells { line: self.line });
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => {
                    return Ok((taken, octets, cells));
                }
            }
        }
    }

    /// What a cell is that does not end within its limit.
    fn endless_cell(&self, taken: usize) -> Damage {
        match quotes(&self.rest[..taken], self.delimiter) {
            Quotes::Open(at) => Damage::UnclosedQuote { line: self.line_at(at) },
            _ => Damage::CellTooLong { line: self.line },
        }
    }

    /// Refuses a row whose quotation marks a lenient reader would guess about.
    fn check_quotes(&mut self, taken: usize) -> Result<(), Damage> {
        let raw = &self.rest[..taken];
        if !raw.contains(&b'"') {
            return Ok(());
        }
        match quotes(raw, self.delimiter) {
            Quotes::Sound => Ok(()),
            Quotes::Open(at) => {
                let line = self.line_at(at);
                self.rest = &[];
                Err(Damage::UnclosedQuote { line })
            }
            Quotes::TextAfter(at) => {
                let line = self.line_at(at);
                self.pass(taken);
                Err(Damage::TextAfterQuote { line })
            }
        }
    }

    fn line_at(&self, offset: usize) -> u32 {
        self.line.saturating_add(line_ends(&self.rest[..offset]))
    }

    fn skip_line_ends(&mut self) {
        let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
        let ends = self.rest.iter().take_while(|b| is_end(b)).count();
        self.pass(ends);
    }

    /// Moves on by so many octets, and by the LF of a CRLF that the cutter left.
    fn pass(&mut self, octets: usize) {
        let half = self.rest[..octets].ends_with(b"\r") && self.rest[octets..].starts_with(b"\n");
        let (passed, rest) = self.rest.split_at(octets + usize::from(half));
        self.line = self.line.saturating_add(line_ends(passed));
        self.rest = rest;
    }
}

/// Line ends in some octets: CRLF, LF or CR.
fn line_ends(octets: &[u8]) -> u32 {
    let line_feeds = octets.iter().filter(|b| **b == b'\n').count();
    // Looked for apart, because most lists have none, and counting one octet is quick.
    let lone_returns = match octets.contains(&b'\r') {
        true => {
            let after = octets.iter().skip(1).chain(std::iter::once(&0));
            octets.iter().zip(after).filter(|(b, next)| **b == b'\r' && **next != b'\n').count()
        }
        false => 0,
    };
    u32::try_from(line_feeds + lone_returns).unwrap_or(u32::MAX)
}

/// How the quotation marks of a row stand.
#[derive(Debug, PartialEq, Eq)]
enum Quotes {
    Sound,
    /// The mark at this offset opens a cell that does not end.
    Open(usize),
    /// A closing mark is followed by the text at this offset.
    TextAfter(usize),
}

/// Checks a row against RFC 4180 2.5 to 2.7; blanks after a closing mark are let pass, and marks
/// within a cell that does not begin with one are text.
fn quotes(raw: &[u8], delimiter: u8) -> Quotes {
    let mut at = 0;
    while at < raw.len() {
        if raw[at] == b'"' {
            let Some(closing) = closing_mark(raw, at) else { return Quotes::Open(at) };
            let blanks = raw[closing + 1..].iter().take_while(|b| **b == b' ').count();
            at = closing + 1 + blanks;
            if raw.get(at).is_some_and(|b| *b != delimiter && !matches!(b, b'\r' | b'\n')) {
                return Quotes::TextAfter(at);
            }
        }
        let cell_end = raw[at..].iter().position(|b| *b == delimiter);
        at = cell_end.map_or(raw.len(), |end| at + end + 1);
    }
    Quotes::Sound
}

/// The mark that closes the one at `opening`; two in a row are one in the text.
fn closing_mark(raw: &[u8], opening: usize) -> Option<usize> {
    let mut at = opening + 1;
    loop {
        at += raw[at..].iter().position(|b| *b == b'"')?;
        if raw.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The delimiter that Excel's own first line `sep=;` names, and the text after that line.
fn announced_delimiter(text: &str) -> Option<(u8, &str)> {
    let (line, rest) = text.split_once('\n')?;
    let named = line.trim_matches(['\r', '"']).strip_prefix("sep=")?;
    let (delimiter, _) = DELIMITERS.iter().find(|(d, _)| named.as_bytes() == [*d])?;
    Some((*delimiter, rest))
}

/// How well a delimiter explains the beginning of a list; the greater is the better.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Rows with a cell that is a whole address: a wrong delimiter leaves other things around it.
    addresses: usize,
    /// Rows with as many cells as the header, in percent, where the header has several.
    alike: usize,
    /// Cells of the header.
    cells: usize,
}

impl Score {
    fn of(mut rows: Rows<'_>) -> Score {
        let mut header = None;
        let (mut seen, mut alike, mut addresses) = (0, 0, 0);
        while seen < LIST_SAMPLE_ROWS {
            // A row that this delimiter makes no sense of speaks against it by not being alike.
            let Ok(Some(row)) = rows.next_filled() else { break };
            let cells = row.cells().count();
            match header {
                None => header = Some(cells),
                Some(expected) => {
                    seen += 1;
                    alike += usize::from(cells == expected);
                    addresses += usize::from(row.cells().any(is_address));
                }
            }
        }
        let cells = header.unwrap_or(0);
        let alike = if cells > 1 { 100 * alike / seen.max(1) } else { 0 };
        Score { addresses, alike, cells }
    }
}

fn is_address(cell: &str) -> bool {
    cell.contains('@') && EmailAddress::parse(cell).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rows of a list as line and cells, or where and how it is damaged.
    fn rows(bytes: &[u8]) -> (char, Vec<String>) {
        let text = match text_of(&ListSource { file: "l.csv", bytes }) {
            Ok(text) => text,
            Err(damage) => return (' ', vec![format!("{damage:?}")]),
        };
        let mut rows = Rows::new(text);
        let mut read = Vec::new();
        loop {
            match rows.next_filled() {
                Ok(None) => return (rows.delimiter(), read),
                Ok(Some(row)) => {
                    let cells: Vec<&str> = row.cells().collect();
                    read.push(format!("{} {}", row.line, cells.join("¦")));
                }
                Err(damage) => read.push(format!("{damage:?}")),
            }
        }
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(rows(text.as_bytes()).1, expected, "{text:?}");
    }

    #[test]
    fn every_row_has_the_line_it_starts_on() {
        check("a,b\n1,2\n3,4\n", &["1 a¦b", "2 1¦2", "3 3¦4"]);
        check("a,b\r\n1,2\r\n\r\n3,4", &["1 a¦b", "2 1¦2", "4 3¦4"]);
        check("a,b\r1,2\r\r3,4\r", &["1 a¦b", "2 1¦2", "4 3¦4"]);
        check("\n\n ,\t\na,b\n\n,\n1,2", &["4 a¦b", "7 1¦2"]);
        check("a,b\n\"1\n2\r\n3\r4\",x\n5,6", &["1 a¦b", "2 1\n2\r\n3\r4¦x", "6 5¦6"]);
        check("\u{feff}a,b\n1,2", &["1 a¦b", "2 1¦2"]);
        check("", &[]);
        check("\u{feff}", &[]);
        check("\r\n\n\r", &[]);
    }

    #[test]
    fn quotation_marks_hold_delimiters_line_ends_and_themselves() {
        check("a,b\n\"Pérez, Ana\",\"\"\"x\"\"\"", &["1 a¦b", "2 Pérez, Ana¦\"x\""]);
        check("a,b\n\"x\" ,\"\"\n", &["1 a¦b", "2 x ¦"]);
        check("a,b\n5\" pipe,O\"Neill\n1,2", &["1 a¦b", "2 5\" pipe¦O\"Neill", "3 1¦2"]);
    }

    /// Security S20; and nobody may vanish inside another's row.
    #[test]
    fn a_row_with_damaged_quotation_marks_is_named_and_swallows_nobody_in_silence() {
        check("a,b\n1,2\n\"3,4\n5,6\n7,8\n", &["1 a¦b", "2 1¦2", "UnclosedQuote { line: 3 }"]);
        check("a,b\n1,\"2", &["1 a¦b", "UnclosedQuote { line: 2 }"]);
        check("a,b\n1,\"2\n\"\"\n", &["1 a¦b", "UnclosedQuote { line: 2 }"]);
        check("a,b\n\"1,2\n\"3\",4\n5,6\n", &["1 a¦b", "TextAfterQuote { line: 3 }", "4 5¦6"]);
        check("a,b\n\"x\"y,2\n3,4", &["1 a¦b", "TextAfterQuote { line: 2 }", "3 3¦4"]);
    }

    #[test]
    fn an_endless_cell_ends_the_reading_and_not_the_memory() {
        let many = "1,2\n".repeat(CELL_BYTES_MAX);
        check(&format!("a,b\n1,\"2\n{many}"), &["1 a¦b", "UnclosedQuote { line: 2 }"]);
        let long = "x".repeat(3 * CELL_BYTES_MAX);
        check(&format!("a,b\n1,{long}\n3,4"), &["1 a¦b", "CellTooLong { line: 2 }"]);
        let wide = ",".repeat(3 * LIST_COLUMNS_MAX);
        check(&format!("a,b\n1{wide}\n3,4"), &["1 a¦b", "TooManyCells { line: 2 }"]);
        let endless = format!("a,b\n1,\"{many}");
        let mut rows = Rows::separated_by(&endless, b',');
        assert!(rows.next_filled().is_ok() && rows.next_filled().is_err());
        assert!(rows.text.len() <= 4 * CELL_BYTES_MAX, "{}", rows.text.len());
    }

    #[test]
    fn what_is_no_utf8_text_is_one_damage_with_its_line() {
        for (bytes, damage) in [
            (&b"PK\x03\x04..."[..], "NotText"),
            (b"\xd0\xcf\x11\xe0...", "NotText"),
            (b"\xff\xfea\0,\0", "Encoding { line: 1, likely: \"UTF-16"),
            (b"\xfe\xff\0a\0,", "Encoding { line: 1, likely: \"UTF-16"),
            (b"a\0,\0b\0\n\0", "Encoding { line: 1, likely: \"UTF-16"),
            (b"a,b\nP\xe9rez,2\n", "Encoding { line: 2, likely: \"an older"),
            (b"a,b\r1,2\rP\xe9rez,2\r", "Encoding { line: 3, likely: \"an older"),
        ] {
            let (_, read) = rows(bytes);
            assert!(read.len() == 1 && read[0].starts_with(damage), "{read:?}");
        }
    }

    #[test]
    fn the_delimiter_is_the_one_that_explains_the_list() {
        for (text, delimiter) in [
            ("name,email\nAna,a@x.example", ','),
            ("name;email\nAna;a@x.example", ';'),
            ("name\temail\nAna\ta@x.example", '\t'),
            ("name|email\nAna|a@x.example", '|'),
            ("name;email;fee\nAna;a@x.example;1,5\nBo;b@x.example;2,5", ';'),
            ("name;fee, EUR;email\nAna;1,5;a@x.example\nBo;2,5;b@x.example", ';'),
            ("name;email, office\nPérez, Ana;a@x.example\nLi, Bo;b@x.example", ';'),
            ("name,email\n\"Pérez; Ana\",a@x.example\n\"Li; Bo\",b@x.example", ','),
            ("name;email\n\"Li,\nBo\";a@x.example", ';'),
            ("name\temail\nPérez, Ana; Dr\ta@x.example", '\t'),
            ("email\na@x.example\nb@y.example", ','),
            ("email;name\nmailto:a@x.example;Ana", ';'),
            ("sep=;\r\nname;email\r\nAna;a@x.example", ';'),
            ("name;email", ';'),
            ("", ','),
        ] {
            assert_eq!(rows(text.as_bytes()).0, delimiter, "{text:?}");
        }
        check("sep=;\na;b\n1;2", &["2 a¦b", "3 1¦2"]);
    }

    /// A row written by RFC 4180.
    fn written(cells: &[String], delimiter: char) -> String {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        cells.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string())
    }

    proptest! {
        /// Whatever cells hold, they are read back as written, and rows keep their lines.
        #[test]
        fn what_a_spreadsheet_writes_is_read_back(
            cells in proptest::collection::vec(
                proptest::collection::vec("[a-zé王\"'@;,|\t\r\n =+.-]{0,12}", 3), 1..8),
            delimiter in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        ) {
            let mut text = String::new();
            let mut expected = Vec::new();
            for row in &cells {
                let line = line_ends(text.as_bytes()) + 1;
                if !row.concat().trim().is_empty() {
                    expected.push((line, row.clone()));
                }
                text += &written(row, delimiter);
                text += end;
            }
            let mut rows = Rows::separated_by(&text, u8::try_from(delimiter).unwrap());
            let mut read = Vec::new();
            while let Some(row) = rows.next_filled().unwrap() {
                read.push((row.line, row.cells().map(str::to_owned).collect::<Vec<_>>()));
            }
            prop_assert_eq!(read, expected);
        }

        /// No bytes make the reader panic, stand still or come out of step with the lines.
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in "[a\",;\t|\r\n\u{0}é@]{0,60}") {
            let mut rows = Rows::new(&bytes);
            let mut line = 0;
            for _ in 0..=bytes.len() {
                match rows.next_filled() {
                    Ok(Some(row)) => {
                        prop_assert!(row.line > line);
                        line = row.line;
                    }
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
            prop_assert!(rows.rest.is_empty());
        }
    }
}
