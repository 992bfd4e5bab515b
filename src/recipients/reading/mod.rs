//! The bytes of a participant list in, its rows out, and how they were understood.
//!
//! Owns the order: workbook or text, by content (`workbook/`); of a text the encoding
//! (`encoding.rs`, `evidence.rs`) and separator (`delimiter.rs`); rows (`rows.rs`), header
//! (`header_row.rs`); a setting of `[lists]` goes before each finding. What the columns mean is
//! decided in `columns.rs`, what is in the cells in `check.rs`.
//!
//! # Invariants
//! A list in UTF-8 is never copied; any other once. Nothing is guessed in silence: what was found
//! out is in [`Detected`], and what is not certain is a warning with the line that settles it.
//!
//! # Failure
//! [`Fault`] where nothing can be read; bytes that are no text in the list's encoding are an error
//! with their line, and the rest is read.

#[cfg(test)]
mod corpus_tests;
mod delimiter;
mod encoding;
mod evidence;
mod fault;
mod header_row;
mod letters;
mod quotes;
mod rows;

pub(super) use delimiter::name as delimiter_name;
pub(crate) use delimiter::parse as parse_delimiter;
pub use encoding::Encoding;
pub(crate) use encoding::USUAL_NAMES as USUAL_ENCODINGS;
pub(super) use header_row::HeaderRow;
pub(super) use rows::{Row, Rows};

use super::shown::{counted, quoted};
use super::workbook::{self, Book};
use super::{ListSetting, ListSource, Options};
use crate::limits::{LIST_BYTES_MAX, LIST_CONVERTED_BYTES_MAX};
use crate::problem::{Place, Problem, Problems};
use evidence::Doubt;
pub(super) use fault::Fault;
use rows::{TextRows, line_ends};
use std::borrow::Cow;

/// A list that can be read.
pub(super) struct Opened<'a> {
    content: Content<'a>,
    header_row: Option<u32>,
}

enum Content<'a> {
    Text(Text<'a>),
    Workbook(Box<Book>),
}

/// A list of text, decoded.
struct Text<'a> {
    text: Cow<'a, str>,
    encoding: Encoding,
    doubt: Option<Doubt>,
    broken: Option<Broken>,
    delimiter: Option<u8>,
}

/// Bytes that are no text in the list's encoding.
#[derive(Debug, PartialEq, Eq)]
struct Broken {
    first_line: u32,
    lines: u32,
}

/// How a list was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detected {
    /// `Windows-1252`; absent for a workbook.
    pub(super) encoding: Option<&'static str>,
    /// `semicolons`; absent for a workbook.
    pub(super) delimiter: Option<&'static str>,
    /// The sheet's name; absent for a text.
    pub(super) sheet: Option<String>,
}

/// Opens a list.
///
/// # Errors
/// [`Fault`] when it is no text, or too large.
pub(super) fn open<'a>(
    source: &ListSource<'a>,
    setting: Option<&ListSetting>,
) -> Result<Opened<'a>, Fault> {
    let bytes = source.bytes;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let content = match workbook::kind(bytes) {
        workbook::Kind::Text => Content::Text(Text::open(bytes, setting)?),
        workbook::Kind::Workbook => {
            let sheet = setting.and_then(|setting| setting.sheet.as_deref());
            Content::Workbook(Box::new(workbook::open(bytes, sheet)?))
        }
        workbook::Kind::Foreign(foreign) => {
            return Err(workbook::Damage::Foreign(foreign).into());
        }
    };
    Ok(Opened { content, header_row: setting.and_then(|setting| setting.header_row) })
}

type Decoded<'a> = (Cow<'a, str>, Encoding, Option<Doubt>, bool);

/// The text of a list; whether some of its bytes are none.
fn decoded<'a>(bytes: &'a [u8], wanted: Option<Encoding>) -> Result<Decoded<'a>, Fault> {
    // A mark proves more than a setting, which may be older than the file.
    let (encoding, bytes) = match encoding::marked(bytes) {
        Some((encoding, bytes)) => (Some(encoding), bytes),
        None => (wanted, bytes),
    };
    let encoding = encoding.or_else(|| encoding::unmarked_utf16(bytes));
    if encoding.is_none_or(|encoding| encoding == Encoding::UTF_8)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Ok((Cow::Borrowed(text), Encoding::UTF_8, None, false));
    }
    let (encoding, doubt) = match encoding {
        Some(encoding) => (encoding, None),
        None if encoding::is_damaged_utf8(bytes) => (Encoding::UTF_8, None),
        None => {
            let verdict = evidence::judge(bytes);
            (verdict.encoding, verdict.doubt)
        }
    };
    if bytes.len() > LIST_CONVERTED_BYTES_MAX {
        return Err(Fault::TooLargeToConvert(encoding));
    }
    let (text, is_broken) = encoding.decode(bytes);
    Ok((text, encoding, doubt, is_broken))
}

impl Broken {
    /// Where a text has lost something in decoding.
    fn of(text: &str) -> Broken {
        let (mut first_line, mut lines, mut line, mut last, mut from) = (0, 0, 1_u32, 0, 0);
        for (at, _) in text.match_indices('\u{fffd}') {
            line = line.saturating_add(line_ends(&text.as_bytes()[from..at]));
            from = at;
            if line != last {
                (last, lines) = (line, lines + 1);
                first_line = if lines == 1 { line } else { first_line };
            }
        }
        Broken { first_line, lines }
    }
}

impl Opened<'_> {
    /// Its rows, from the first.
    pub(super) fn rows(&self) -> Rows<'_> {
        match &self.content {
            Content::Text(text) => Rows::Text(Box::new(TextRows::new(&text.text, text.delimiter))),
            Content::Workbook(book) => Rows::Sheet(book.rows()),
        }
    }

    /// Where its header stands; `None` without any row.
    ///
    /// # Errors
    /// [`Fault`] of the first row, or when no row begins where `header_row` says.
    pub(super) fn header_row(&self, options: &Options) -> Result<Option<HeaderRow>, Fault> {
        header_row::find(self.rows(), self.header_row, options)
    }

    /// How it was understood.
    pub(super) fn detected(&self, rows: &Rows<'_>) -> Detected {
        match &self.content {
            Content::Text(text) => {
                let delimiter = rows.delimiter().and_then(|d| u8::try_from(d).ok());
                Detected {
                    encoding: Some(text.encoding.name()),
                    delimiter: delimiter.map(delimiter::name),
                    sheet: None,
                }
            }
            Content::Workbook(book) => {
                Detected { sheet: Some(book.sheet_name().to_owned()), ..Detected::default() }
            }
        }
    }

    /// Whether the spreadsheet program does not show a column, from 0.
    pub(super) fn is_hidden_column(&self, column: usize) -> bool {
        matches!(&self.content, Content::Workbook(book) if book.is_hidden_column(column))
    }

    /// Reports what is doubtful or lost; of a workbook, below the row with the columns' names.
    pub(super) fn report(&self, file: &str, header: u32, problems: &mut Problems) {
        match &self.content {
            Content::Text(text) => text.report(file, problems),
            Content::Workbook(book) => book.report(file, header, problems),
        }
    }
}

impl<'a> Text<'a> {
    fn open(bytes: &'a [u8], setting: Option<&ListSetting>) -> Result<Text<'a>, Fault> {
        let wanted = setting.and_then(|setting| setting.encoding);
        let (text, encoding, doubt, is_broken) = decoded(bytes, wanted)?;
        let broken = is_broken.then(|| Broken::of(&text));
        let delimiter = setting.and_then(|setting| setting.delimiter);
        Ok(Text { text, encoding, doubt, broken, delimiter })
    }

    fn report(&self, file: &str, problems: &mut Problems) {
        if let Some(doubt) = &self.doubt {
            problems.push(self.uncertain(file, doubt));
        }
        if let Some(broken) = &self.broken {
            problems.push(self.invalid(file, broken));
        }
    }

    fn uncertain(&self, file: &str, doubt: &Doubt) -> Problem {
        let (ours, other) = (self.encoding, doubt.other);
        let message = format!("the list is read as {}, and could be {}", ours.name(), other.name());
        let both =
            |(one, other): &(String, String)| format!("{} or {}", quoted(one), quoted(other));
        let readings: Vec<String> = doubt.readings.iter().map(both).collect();
        let hint = format!(
            "Is it {}? Settle it in secretariat.toml, under [lists.\"{file}\"]: encoding = \"{}\" if \
             the first is right, encoding = \"{}\" if the second.",
            readings.join(", "),
            ours.setting(),
            other.setting()
        );
        Problem::warning("uncertain-encoding", message).hint(hint).place(Place::file(file))
    }

    fn invalid(&self, file: &str, broken: &Broken) -> Problem {
        let name = self.encoding.name();
        let lines = counted(u64::from(broken.lines), "line");
        let has = if broken.lines == 1 { "has" } else { "have" };
        let message = format!("{lines} {has} bytes that are no {name} text");
        let hint = if self.encoding.proves_itself() {
            "Save the list again as CSV UTF-8 where it comes from; letters are lost in it."
                .to_owned()
        } else {
            format!(
                "Save the list as CSV UTF-8, or name its encoding in secretariat.toml, under \
                 [lists.\"{file}\"]: encoding = \"...\""
            )
        };
        let problem = Problem::error("invalid-bytes", message).hint(hint);
        problem.place(Place::line(file, broken.first_line)).count(u64::from(broken.lines))
    }
}
