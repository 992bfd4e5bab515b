//! The rows of a list, one after the other, each with the line it starts on.
//!
//! Owns cutting a text into rows and cells, and that rows of a sheet, which are cut already, go the
//! same way. Cells are cut by `csv-core`; it is driven directly, and not through `csv`, because
//! that would read a list of any size into one cell after an unclosed quotation mark, and counts
//! CR line ends as none.
//!
//! # Standards
//! RFC 4180, with `;`, tab and `|` besides the comma, CR and LF besides CRLF, rows of any length.
//!
//! # Invariants
//! No row is lost inside another's quotation marks: an unclosed mark, and text after a closing one,
//! are [`Fault`]s, which readers more lenient take for part of a cell. Memory is bounded by the
//! longest row, and a row by its limits.
//!
//! # Failure
//! [`Fault`] with its line. After one that leaves the rest of the list in doubt no more rows come.

use super::delimiter;
use super::fault::Fault;
use super::quotes::{Quotes, quotes};
use crate::limits::{CELL_BYTES_MAX, LIST_COLUMNS_MAX};
use crate::recipients::workbook::SheetRows;

/// One row: its cells as written, and the line it starts on.
#[derive(Clone, Copy, Debug)]
pub(in crate::recipients) struct Row<'r> {
    pub(in crate::recipients) line: u32,
    /// The cells' text, one behind the other.
    pub(in crate::recipients) text: &'r str,
    /// Where in the text each cell ends.
    pub(in crate::recipients) ends: &'r [usize],
}

impl<'r> Row<'r> {
    /// The cells in order; blanks around them are still there.
    pub(in crate::recipients) fn cells(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let (text, mut start) = (self.text, 0);
        self.ends.iter().map(move |end| &text[std::mem::replace(&mut start, *end)..*end])
    }

    /// How many cells there are.
    pub(in crate::recipients) fn width(&self) -> usize {
        self.ends.len()
    }

    /// How many cells there are up to the last with anything in it.
    pub(in crate::recipients) fn filled(&self) -> usize {
        let is_filled = |(n, cell): (usize, &str)| (!cell.trim().is_empty()).then_some(n);
        (1..).zip(self.cells()).filter_map(is_filled).last().unwrap_or_default()
    }
}

/// The rows of a list, one after the other.
pub(in crate::recipients) enum Rows<'a> {
    /// Cut out of a text.
    Text(Box<TextRows<'a>>),
    /// Of a sheet.
    Sheet(SheetRows<'a>),
}

impl Rows<'_> {
    /// What separates the cells, where anything does.
    pub(in crate::recipients) fn delimiter(&self) -> Option<char> {
        match self {
            Rows::Text(rows) => Some(char::from(rows.delimiter)),
            Rows::Sheet(_) => None,
        }
    }

    /// The next row with anything in it; `None` after the last.
    ///
    /// # Errors
    /// [`Fault`] of that row; after [`Fault::TextAfterQuote`] the next row may be asked for,
    /// after any other the list has ended.
    pub(in crate::recipients) fn next_filled(&mut self) -> Result<Option<Row<'_>>, Fault> {
        match self {
            Rows::Text(rows) => rows.next_filled(),
            Rows::Sheet(rows) => Ok(rows.next_filled()),
        }
    }

    /// How many of a list's columns are in use by the rows still to come: one more than the last
    /// in which any of them has a value. Rows with values beyond the columns do not count. None of a
    /// sheet: its rows end with their last filled cell and lack nothing.
    pub(in crate::recipients) fn columns_in_use(&self, columns: usize) -> usize {
        if matches!(self, Rows::Sheet(_)) {
            return 0;
        }
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

    /// The rows still to come, for a look ahead.
    pub(in crate::recipients) fn still_to_come(&self) -> Rows<'_> {
        match self {
            Rows::Sheet(rows) => Rows::Sheet(rows.clone()),
            // A copy of csv-core's reader has lost its classes of bytes.
            Rows::Text(rows) => Rows::Text(Box::new(TextRows {
                rest: rows.rest,
                line: rows.line,
                ..TextRows::separated_by("", rows.delimiter)
            })),
        }
    }
}

/// The rows of a text.
pub(in crate::recipients) struct TextRows<'a> {
    /// What has not been read yet.
    rest: &'a [u8],
    /// The line, from 1, on which `rest` begins.
    line: u32,
    delimiter: u8,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> TextRows<'a> {
    /// The rows of a text; the delimiter is the one given, the one that the first line announces
    /// (which is then no row), or found out from the beginning.
    pub(super) fn new(text: &'a str, delimiter: Option<u8>) -> TextRows<'a> {
        if let Some((announced, rest)) = delimiter::announced(text) {
            let rows = TextRows::separated_by(rest, delimiter.unwrap_or(announced));
            return TextRows { line: 2, ..rows };
        }
        TextRows::separated_by(text, delimiter.unwrap_or_else(|| delimiter::likeliest(text)))
    }

    pub(super) fn separated_by(text: &'a str, delimiter: u8) -> TextRows<'a> {
        TextRows {
            rest: text.as_bytes(),
            line: 1,
            delimiter,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            text: vec![0; 4 << 10],
            ends: vec![0; 64],
        }
    }

    /// The next row with anything in it; `None` after the last.
    ///
    /// # Errors
    /// [`Fault`] of that row; after [`Fault::TextAfterQuote`] the next row may be asked for,
    /// after any other the list has ended.
    pub(super) fn next_filled(&mut self) -> Result<Option<Row<'_>>, Fault> {
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
    fn cut_row(&mut self) -> Result<(usize, usize, usize), Fault> {
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
                    return Err(Fault::TooManyCells { line: self.line });
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
    fn endless_cell(&self, taken: usize) -> Fault {
        match quotes(&self.rest[..taken], self.delimiter) {
            Quotes::Open(at) => Fault::UnclosedQuote { line: self.line_at(at) },
            _ => Fault::CellTooLong { line: self.line },
        }
    }

    /// Refuses a row whose quotation marks a lenient reader would guess about.
    fn check_quotes(&mut self, taken: usize) -> Result<(), Fault> {
        let raw = &self.rest[..taken];
        if !raw.contains(&b'"') {
            return Ok(());
        }
        match quotes(raw, self.delimiter) {
            Quotes::Sound => Ok(()),
            Quotes::Open(at) => {
                let line = self.line_at(at);
                self.rest = &[];
                Err(Fault::UnclosedQuote { line })
            }
            Quotes::TextAfter(at) => {
                let line = self.line_at(at);
                self.pass(taken);
                Err(Fault::TextAfterQuote { line })
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
pub(super) fn line_ends(octets: &[u8]) -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rows of a list as line and cells, or where and how it is damaged.
    fn rows(text: &str) -> (char, Vec<String>) {
        let mut rows = TextRows::new(text, None);
        let mut read = Vec::new();
        loop {
            match rows.next_filled() {
                Ok(None) => return (char::from(rows.delimiter), read),
                Ok(Some(row)) => {
                    let cells: Vec<&str> = row.cells().collect();
                    read.push(format!("{} {}", row.line, cells.join("¦")));
                }
                Err(fault) => read.push(format!("{fault:?}")),
            }
        }
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(rows(text).1, expected, "{text:?}");
    }

    #[test]
    fn every_row_has_the_line_it_starts_on() {
        check("a,b\n1,2\n3,4\n", &["1 a¦b", "2 1¦2", "3 3¦4"]);
        check("a,b\r\n1,2\r\n\r\n3,4", &["1 a¦b", "2 1¦2", "4 3¦4"]);
        check("a,b\r1,2\r\r3,4\r", &["1 a¦b", "2 1¦2", "4 3¦4"]);
        check("\n\n ,\t\na,b\n\n,\n1,2", &["4 a¦b", "7 1¦2"]);
        check("a,b\n\"1\n2\r\n3\r4\",x\n5,6", &["1 a¦b", "2 1\n2\r\n3\r4¦x", "6 5¦6"]);
        check("", &[]);
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
        let mut rows = TextRows::separated_by(&endless, b',');
        assert!(rows.next_filled().is_ok() && rows.next_filled().is_err());
        assert!(rows.text.len() <= 4 * CELL_BYTES_MAX, "{}", rows.text.len());
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
            assert_eq!(rows(text).0, delimiter, "{text:?}");
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
            let mut rows = TextRows::separated_by(&text, u8::try_from(delimiter).unwrap());
            let mut read = Vec::new();
            while let Some(row) = rows.next_filled().unwrap() {
                read.push((row.line, row.cells().map(str::to_owned).collect::<Vec<_>>()));
            }
            prop_assert_eq!(read, expected);
        }

        /// No bytes make the reader panic, stand still or come out of step with the lines.
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in "[a\",;\t|\r\n\u{0}é@]{0,60}") {
            let mut rows = TextRows::new(&bytes, None);
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
