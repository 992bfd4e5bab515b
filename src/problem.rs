//! What is wrong, where, and what to do next: all findings of a run in one pass.
//!
//! Owns the form of a finding and its order. What is an error and what a warning is decided where
//! it is found, by the contract's rule: an error only where a letter cannot be made or sent
//! correctly. How findings look on a screen is decided in `cli/ui.rs`.
//!
//! # Invariants
//! A message is lower case without a full stop and says what; the place says where; the hint is a
//! sentence that says what to do. No finding is dropped: a kind above
//! [`PROBLEMS_OF_A_KIND_MAX`](crate::limits::PROBLEMS_OF_A_KIND_MAX) is grouped when shown, with
//! its count.

use std::fmt;

/// How grave a finding is. The order is the order of display: worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A letter cannot be made or sent correctly.
    Error,
    /// A letter can be sent, and a careful person would look first.
    Warning,
    /// What was detected or decided.
    Note,
}

impl Severity {
    /// The word used on screens and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Where in the workspace a finding stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File, relative to the workspace, with `/` between folders.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1; in a participant list the number of the cell in its row.
    pub column: Option<u32>,
}

/// Endings of files that have rows and cells, and no lines.
const WORKBOOKS: [&str; 4] = ["xlsx", "xlsm", "xls", "ods"];

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Place {
        Place { file: file.into(), line: None, column: None }
    }

    /// A line of a file.
    #[must_use]
    pub fn line(file: impl Into<String>, line: u32) -> Place {
        Place { file: file.into(), line: Some(line), column: None }
    }

    /// A character of a file.
    #[must_use]
    pub fn at(file: impl Into<String>, line: u32, column: u32) -> Place {
        Place { file: file.into(), line: Some(line), column: Some(column) }
    }

    /// A cell of a list: the row's line and the number of the cell in it, from 1.
    #[must_use]
    pub fn cell(file: impl Into<String>, line: u32, cell: usize) -> Place {
        Place::at(file, line, saturated(cell))
    }

    /// The cell as spreadsheet programs call it, `D9`; nothing for a whole row or file.
    #[must_use]
    pub fn cell_name(&self) -> Option<String> {
        Some(format!("{}{}", column_letters(self.column?), self.line?))
    }

    /// Whether the file is a workbook, whose cells people know by their names.
    #[must_use]
    pub fn is_in_workbook(&self) -> bool {
        let ending = self.file.rsplit_once('.').map_or("", |(_, ending)| ending);
        WORKBOOKS.iter().any(|known| known.eq_ignore_ascii_case(ending))
    }

    /// The place of a byte offset in a text; an offset past the end is the end.
    #[must_use]
    pub fn of_offset(file: impl Into<String>, text: &str, offset: usize) -> Place {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Place::at(file, saturated(line), saturated(column))
    }
}

/// Lines and columns beyond four thousand million are shown as the last one.
fn saturated(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A column, from 1, as spreadsheet programs call it: `A` to `Z`, then `AA`.
fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut left = column;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.iter().rev().collect()
}

/// `l.csv:9:4`, as editors write it, and `l.xlsx:D9`, as spreadsheet programs do.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(cell) = self.cell_name().filter(|_| self.is_in_workbook()) {
            return write!(f, ":{cell}");
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How grave it is.
    pub severity: Severity,
    /// Stable name in `kebab-case`, for scripts.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do next: a sentence.
    pub hint: Option<String>,
    /// Where.
    pub place: Option<Place>,
    /// The address of the person it is about.
    pub recipient: Option<String>,
    /// How many rows or letters it stands for; 1 for a single one.
    pub count: u64,
}

impl Problem {
    /// An error.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(Severity::Error, code, message)
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(Severity::Warning, code, message)
    }

    /// A note.
    #[must_use]
    pub fn note(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Problem {
        let message = message.into();
        Problem { severity, code, message, hint: None, place: None, recipient: None, count: 1 }
    }

    /// The same finding with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding with its place.
    #[must_use]
    pub fn place(mut self, place: Place) -> Problem {
        self.place = Some(place);
        self
    }

    /// The same finding with the address of the person it is about.
    #[must_use]
    pub fn recipient(mut self, address: impl Into<String>) -> Problem {
        self.recipient = Some(address.into());
        self
    }

    /// The same finding standing for `count` rows or letters.
    #[must_use]
    pub fn count(mut self, count: u64) -> Problem {
        self.count = count;
        self
    }
}

/// All findings of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// No findings yet.
    #[must_use]
    pub fn new() -> Problems {
        Problems::default()
    }

    /// Keeps a finding.
    pub fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    /// What came out of a step; its finding is kept where nothing did.
    pub fn take_from<T>(&mut self, step: Result<T, Problem>) -> Option<T> {
        step.map_err(|problem| self.push(problem)).ok()
    }

    /// Keeps a finding, where there is one.
    pub fn extend_from(&mut self, problem: Option<Problem>) {
        self.found.extend(problem);
    }

    /// Keeps all findings of another pass.
    pub fn append(&mut self, other: Problems) {
        self.found.extend(other.found);
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count_of(Severity::Error) > 0
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count_of(&self, severity: Severity) -> usize {
        self.found.iter().filter(|p| p.severity == severity).count()
    }

    /// The findings in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    /// The findings, worst first; within a severity by place, then in the order they were found.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut sorted: Vec<&Problem> = self.found.iter().collect();
        sorted.sort_by(|a, b| (a.severity, &a.place).cmp(&(b.severity, &b.place)));
        sorted
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// The candidate nearest to a mistyped word, where one is near enough to be meant.
///
/// Near: at most a third of the longer word's characters differ (transpositions count one).
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&folded, &c.to_lowercase()), c))
        .filter(|(distance, c)| {
            distance * 3 <= folded.chars().count().max(c.chars().count()).max(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_not_bytes() {
        let text = "one\nдва три\n";
        let offset = text.find("три").unwrap();
        assert_eq!(Place::of_offset("f", text, offset).to_string(), "f:2:5");
        assert_eq!(Place::of_offset("f", text, 10_000).to_string(), "f:3:1");
    }

    #[test]
    fn a_cell_of_a_workbook_is_called_as_spreadsheet_programs_call_it() {
        let called = [1, 3, 26, 27, 52, 53, 702, 703].map(column_letters);
        assert_eq!(called, ["A", "C", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
        for (file, shown) in [
            ("l.xlsx", "l.xlsx:D9"),
            ("L.ODS", "L.ODS:D9"),
            ("l.csv", "l.csv:9:4"),
            ("xls", "xls:9:4"),
        ] {
            assert_eq!(Place::at(file, 9, 4).to_string(), shown);
        }
        assert_eq!(Place::line("l.xlsx", 9).to_string(), "l.xlsx:9");
    }

    #[test]
    fn worst_first_then_by_place() {
        let mut problems = Problems::new();
        problems.push(Problem::note("n", "n"));
        problems.push(Problem::error("e2", "e").place(Place::line("b.csv", 9)));
        problems.push(Problem::warning("w", "w"));
        problems.push(Problem::error("e1", "e").place(Place::line("a.csv", 10)));
        let codes: Vec<_> = problems.sorted().iter().map(|p| p.code).collect();
        assert_eq!(codes, ["e1", "e2", "w", "n"]);
        assert!(problems.has_errors());
    }

    #[test]
    fn the_nearest_word_is_named_only_when_it_is_near() {
        assert_eq!(nearest("recpients", ["recipients", "where"]), Some("recipients"));
        assert_eq!(nearest("ctiy", ["city", "country"]), Some("city"));
        assert_eq!(nearest("colour", ["recipients", "where"]), None);
    }
}
