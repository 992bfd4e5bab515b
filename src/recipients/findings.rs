//! What reading one list has found, as problems.
//!
//! Owns the words of what concerns a list as a whole: how it was understood, what was put right
//! without asking, what was passed over. Single rows are told of in `check.rs`.

use super::ListSummary;
use super::check::{Example, Tally, Tidied};
use super::columns::{Layout, enumerated};
use super::reading::HeaderRow;
use super::shown::counted;
use crate::problem::{Place, Problem, Problems};

pub(super) fn empty_list(file: &str, message: &str) -> Problem {
    Problem::warning("empty-list", message)
        .hint("Remove it from the campaign's recipients, or put the people in.")
        .place(Place::file(file))
}

/// What was detected, so that it can be doubted.
pub(super) fn report_list(
    list: &ListSummary,
    header: HeaderRow,
    layout: &Layout,
    problems: &mut Problems,
) {
    if list.rows == 0 {
        problems.push(empty_list(&list.file, "the list has a header and no rows"));
    }
    let cut = match (layout.headers.len(), list.delimiter) {
        (1, _) => "1 column".to_owned(),
        (columns, Some(delimiter)) => format!("{columns} columns separated by {delimiter}"),
        (columns, None) => format!("{columns} columns"),
    };
    let rows = counted(list.rows as u64, "row");
    let encoding = list.encoding.map_or(String::new(), |encoding| format!(", {encoding}"));
    let above = match header.titles {
        0 => String::new(),
        titles => format!(
            ", names of columns on line {} below {}",
            header.line,
            counted(titles as u64, "title row")
        ),
    };
    let message = format!("{rows}, {cut}{encoding}{above}; recognised {}", layout.recognised());
    problems.push(Problem::note("list-read", message).place(Place::file(&list.file)));
}

/// Columns that the spreadsheet program does not show, the addresses first: somebody may have hidden
/// what was not to be used.
pub(super) fn report_hidden_columns(
    file: &str,
    line: u32,
    layout: &Layout,
    is_hidden: impl Fn(usize) -> bool,
    problems: &mut Problems,
) {
    let is_read = |column: &usize| !layout.headers[*column].is_empty() && is_hidden(*column);
    let mut hidden: Vec<usize> = (0..layout.headers.len()).filter(is_read).collect();
    hidden.sort_by_key(|column| (*column != layout.email, *column));
    for column in hidden {
        let described = layout.described(column);
        let message = match column == layout.email {
            true => format!("{described} is hidden in the workbook, and its addresses are used"),
            false => format!("{described} is hidden in the workbook, and is read all the same"),
        };
        let hint =
            "Show it in the spreadsheet program and look; delete it if it is not to be used.";
        let place = Place::cell(file, line, column + 1);
        problems.push(Problem::note("hidden-column", message).hint(hint).place(place));
    }
}

/// A list of which no column of names was recognised, though some hold what looks like names.
pub(super) fn no_names(layout: &Layout, likely: &[usize]) -> Problem {
    let names = enumerated(likely.iter().map(|column| &layout.headers[*column]));
    let message = format!(
        "no column of names was found, though there is {names}: everybody in this list is greeted \
         without a name"
    );
    let hint = "Say which it is in secretariat.toml, under [columns]: name = \"...\", or given_name \
                = \"...\" and family_name = \"...\".";
    Problem::warning("no-names", message).hint(hint)
}

pub(super) fn report_tidied(file: &str, layout: &Layout, tidied: &Tidied, problems: &mut Problems) {
    let mut note = |code, tally: &Tally, what: &str, done: &str| {
        if let Some((line, cell)) = tally.first {
            let message = format!("{done} {}", counted(tally.count, what));
            let place = Place::cell(file, line, cell);
            problems.push(Problem::note(code, message).place(place).count(tally.count));
        }
    };
    note("trimmed", &tidied.outer_breaks, "cell", "line breaks were trimmed off");
    note(
        "direction-marks",
        &tidied.direction_marks,
        "name",
        "marks of direction were dropped from",
    );
    for (repair, tally) in &tidied.addresses {
        note("tidied-address", tally, "address", repair.done());
    }
    if let Some(footer) = &tidied.footer {
        let (rows, hold) =
            (counted(footer.count, "row"), if footer.count == 1 { "holds" } else { "hold" });
        let message = format!("{rows} {hold} no person and is passed over: {}", footer.first);
        let hint = "If somebody stands there, write the address; otherwise remove the row.";
        let place = Place::line(file, footer.first_line);
        problems.push(Problem::warning("not-a-person", message).hint(hint).place(place));
    }
    for (column, damaged) in &tidied.damaged {
        problems.push(damaged_column(file, layout, *column, damaged));
    }
}

/// Damaged cells of a column that is no name's, together.
fn damaged_column(file: &str, layout: &Layout, column: usize, damaged: &Example) -> Problem {
    let (cells, look) =
        (counted(damaged.count, "cell"), if damaged.count == 1 { "looks" } else { "look" });
    let described = layout.described(column);
    let message = format!("{cells} of {described} {look} damaged: {}", damaged.first);
    let number = u32::try_from(column + 1).unwrap_or(u32::MAX);
    Problem::warning("damaged-cells", message)
        .hint("Write them as they were, and save the list as CSV UTF-8.")
        .place(Place::at(file, damaged.first_line, number))
        .count(damaged.count)
}
