//! What was noticed while a sheet was read, gathered by column, and the findings it becomes.
//!
//! Owns the words about cells that only a workbook has: failed formulas, numbers that lost digits,
//! numbers shown otherwise than they are stored, hidden rows, merged cells. One finding stands for
//! all cells of a column, because whoever mends one mends them all.

use crate::limits::{CELL_SHOWN_CHARS_MAX, CELLS_NAMED_MAX, LIST_COLUMNS_MAX, WORKBOOK_MERGED_MAX};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::shown::{counted, quoted};
use std::collections::BTreeMap;

/// What may be odd about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    /// A formula whose result is an error, such as `#N/A`; the cell counts as empty.
    Failed,
    /// A formula without a stored result; the cell counts as empty.
    NotCalculated,
    /// A number with more digits than spreadsheets keep.
    DigitsLost,
    /// A number that is read as it is shown, not as it is stored.
    ReadAsShown,
}

/// The cells of a column with one oddity.
#[derive(Debug, Default)]
struct Cells {
    count: u64,
    /// Rows of the first of them.
    lines: Vec<u32>,
    /// What stands in the first.
    example: String,
}

/// Cells merged into one; rows from 1, columns from 0, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) rows: (u32, u32),
    pub(super) columns: (u32, u32),
}

/// Everything noticed in one sheet.
#[derive(Debug, Default)]
pub(super) struct Observed {
    cells: BTreeMap<(Oddity, u32), Cells>,
    /// Rows with anything in them that the spreadsheet program does not show: how many, the first.
    hidden_rows: (u64, u32),
    /// Columns that it does not show, from 0, both ends included.
    hidden_columns: Vec<(u32, u32)>,
    /// Whether a filter is set.
    pub(super) is_filtered: bool,
    /// Only those over several rows; each row but the first lacks the value.
    merged: Vec<Merged>,
}

impl Observed {
    pub(super) fn cell(&mut self, oddity: Oddity, line: u32, column: u32, example: &str) {
        // No program has cells further to the right.
        if column as usize >= LIST_COLUMNS_MAX {
            return;
        }
        let cells = self.cells.entry((oddity, column)).or_default();
        if cells.count == 0 {
            cells.example = example.chars().take(CELL_SHOWN_CHARS_MAX + 1).collect();
        }
        if cells.lines.len() < CELLS_NAMED_MAX {
            cells.lines.push(line);
        }
        cells.count += 1;
    }

    pub(super) fn hidden_row(&mut self, line: u32) {
        if self.hidden_rows.0 == 0 {
            self.hidden_rows.1 = line;
        }
        self.hidden_rows.0 += 1;
    }

    pub(super) fn hidden_columns(&mut self, first: u32, last: u32) {
        // A sheet has no more columns, whatever a file lists.
        if self.hidden_columns.len() < LIST_COLUMNS_MAX {
            self.hidden_columns.push((first, last));
        }
    }

    /// Whether the spreadsheet program does not show a column, from 0.
    pub(super) fn is_hidden_column(&self, column: usize) -> bool {
        let is_in =
            |(first, last): &(u32, u32)| (*first as usize..=*last as usize).contains(&column);
        self.hidden_columns.iter().any(is_in)
    }

    /// Keeps merged cells where they take a value away from a row.
    pub(super) fn merged(&mut self, merged: Merged) {
        if merged.rows.1 > merged.rows.0 && self.merged.len() < WORKBOOK_MERGED_MAX {
            self.merged.push(merged);
        }
    }

    /// The findings about the rows behind the header.
    pub(super) fn report(&self, file: &str, header: u32, problems: &mut Problems) {
        for ((oddity, column), cells) in &self.cells {
            let place = Place::at(file, cells.lines.first().copied().unwrap_or(1), column + 1);
            problems.push(cells.problem(*oddity, *column).place(place).count(cells.count));
        }
        if self.hidden_rows.0 > 0 {
            problems.push(self.hidden(file));
        }
        self.report_merged(file, header, problems);
    }

    fn hidden(&self, file: &str) -> Problem {
        let (count, first) = self.hidden_rows;
        let (rows, are) =
            (counted(count, "row"), if count == 1 { "is hidden" } else { "are hidden" });
        let by = if self.is_filtered { " by a filter" } else { "" };
        let read = if count == 1 { "is read" } else { "are read" };
        let message = format!("{rows} of the sheet {are}{by}, and {read} all the same");
        Problem::warning("hidden-rows", message)
            .hint(
                "If these people are not meant, delete the rows, or say in the mailing's where \
                 who is.",
            )
            .place(Place::line(file, first))
            .count(count)
    }

    fn report_merged(&self, file: &str, header: u32, problems: &mut Problems) {
        let mut by_column: BTreeMap<u32, (u64, Merged)> = BTreeMap::new();
        for merged in self.merged.iter().filter(|merged| merged.rows.0 > header) {
            let lacking = u64::from(merged.rows.1 - merged.rows.0);
            let known = by_column.entry(merged.columns.0).or_insert((0, *merged));
            known.0 += lacking;
        }
        for (column, (lacking, first)) in by_column {
            let (top, bottom) = (cell_name(first.rows.0, column), cell_name(first.rows.1, column));
            let (cells, are) = (counted(lacking, "cell"), if lacking == 1 { "is" } else { "are" });
            let message = format!(
                "{cells} of column {} {are} empty because cells are merged: {top} to {bottom} \
                 has its value in the first row only",
                column_name(column)
            );
            let hint = "Unmerge them in the spreadsheet program and fill the value down.";
            let place = Place::at(file, first.rows.0, column + 1);
            problems.push(
                Problem::warning("merged-cells", message).hint(hint).place(place).count(lacking),
            );
        }
    }
}

impl Cells {
    fn problem(&self, oddity: Oddity, column: u32) -> Problem {
        let cells = self.named(column);
        let is = if self.count == 1 { "is" } else { "are" };
        let example = quoted(&self.example);
        match oddity {
            Oddity::Failed => Problem::warning(
                "failed-formula",
                format!("{cells} {} the error {}", self.verb("hold", "holds"), self.example),
            )
            .hint("Mend the formula; until then the cell counts as empty."),
            Oddity::NotCalculated => Problem::warning(
                "not-calculated",
                format!(
                    "{cells} {} a formula whose result is not in the file",
                    self.verb("hold", "holds")
                ),
            )
            .hint(
                "Open the workbook in the spreadsheet program and save it; until then the cell \
                 counts as empty.",
            ),
            Oddity::DigitsLost => Problem::warning(
                "digits-lost",
                format!(
                    "{cells} {is} a number of more than 15 digits, whose last digits the \
                     spreadsheet program has lost: {example}"
                ),
            )
            .hint("Format the column as text and type the digits again."),
            Oddity::ReadAsShown => Problem::note(
                "read-as-shown",
                format!("{cells} {is} read as shown in the spreadsheet program, such as {example}"),
            ),
        }
    }

    fn verb(&self, several: &'static str, one: &'static str) -> &'static str {
        if self.count == 1 { one } else { several }
    }

    /// `F14`, `F14, F20 and 7 more`.
    fn named(&self, column: u32) -> String {
        let names: Vec<_> = self.lines.iter().map(|line| cell_name(*line, column)).collect();
        let more = self.count - names.len() as u64;
        let (listed, noun) =
            (names.join(", "), if self.count == 1 { "the cell" } else { "the cells" });
        if more == 0 {
            format!("{noun} {listed}")
        } else {
            format!("{noun} {listed} and {more} more")
        }
    }
}

/// `C14`: row from 1, column from 0.
pub(super) fn cell_name(line: u32, column: u32) -> String {
    format!("{}{line}", column_name(column))
}

/// `A`, `Z`, `AA`, `XFD`: column from 0.
fn column_name(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let digit = (rest - 1) % 26;
        letters.push(char::from(b'A' + digit as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(observed: &Observed) -> Vec<String> {
        let mut problems = Problems::new();
        observed.report("l.xlsx", 4, &mut problems);
        let place = |p: &Problem| p.place.as_ref().map(ToString::to_string).unwrap_or_default();
        problems.iter().map(|p| format!("{} {}: {}", p.code, place(p), p.message)).collect()
    }

    #[test]
    fn one_finding_stands_for_the_cells_of_a_column() {
        let mut observed = Observed::default();
        (14..24).for_each(|line| observed.cell(Oddity::Failed, line, 5, "#N/A"));
        observed.cell(Oddity::ReadAsShown, 2, 0, "00042");
        observed.hidden_row(9);
        observed.is_filtered = true;
        assert_eq!(
            reported(&observed),
            [
                "failed-formula l.xlsx:F14: the cells F14, F15, F16, F17, F18 and 5 more hold the \
                 error #N/A",
                "read-as-shown l.xlsx:A2: the cell A2 is read as shown in the spreadsheet program, \
                 such as \"00042\"",
                "hidden-rows l.xlsx:9: 1 row of the sheet is hidden by a filter, and is read all \
                 the same",
            ]
        );
    }

    #[test]
    fn merged_cells_count_below_the_header_and_over_several_rows() {
        let mut observed = Observed::default();
        for (rows, columns) in
            [((1, 2), (0, 9)), ((5, 5), (0, 9)), ((6, 10), (4, 4)), ((12, 13), (4, 5))]
        {
            observed.merged(Merged { rows, columns });
        }
        assert_eq!(
            reported(&observed),
            ["merged-cells l.xlsx:E6: 5 cells of column E are empty because cells are merged: E6 \
              to E10 has its value in the first row only"]
        );
    }

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        for (column, name) in
            [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")]
        {
            assert_eq!(column_name(column), name);
        }
    }
}
