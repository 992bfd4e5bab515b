//! The language matrix as a table for people and as JSON.
//!
//! Owns how it looks: a tick, an arrow with the language that stands in, or the word `missing`, so
//! that nothing depends on colour. A column that is whole for everybody gives way where the terminal
//! is too narrow for all, and is named below.

use super::ui::{DIM, grouped, padded};
use super::wrapping::wrapped;
use crate::plan::matrix::{Cell, DocumentCells, Row};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// A column of the table: its heading, a cell for each row, and whether all is there.
struct Column {
    heading: String,
    cells: Vec<String>,
    is_whole: bool,
}

/// The table, with its line ends; empty where all read one language and nothing is missing.
#[must_use]
pub(super) fn language_table(rows: &[Row], columns_max: usize) -> String {
    let columns = columns(rows);
    if rows.len() < 2 && columns.iter().all(|column| column.is_whole) {
        return String::new();
    }
    let languages = column("language", rows, |row| row.language.to_string());
    let people = rows.iter().map(|row| grouped(row.people));
    let people = Column { heading: "people".to_owned(), cells: people.collect(), is_whole: false };
    let all: Vec<&Column> = [&languages, &people].into_iter().chain(&columns).collect();
    let fits = all.iter().map(|c| width(c) + GAP).sum::<usize>() <= columns_max + GAP;
    let is_shown = |c: &&Column| fits || !c.is_whole;
    let shown: Vec<&Column> = all.into_iter().filter(is_shown).collect();
    let mut table = String::new();
    let _ = writeln!(table, "{DIM}{}{DIM:#}", line(&shown, |c| &c.heading));
    for row in 0..rows.len() {
        let _ = writeln!(table, "{}", line(&shown, |c| &c.cells[row]));
    }
    let whole = columns.iter().filter(|c| !fits && c.is_whole).map(|c| c.heading.as_str());
    for below in [numbers(rows), in_all(&whole.collect::<Vec<_>>())].into_iter().flatten() {
        let _ = writeln!(table, "{DIM}{}{DIM:#}", wrapped(&below, columns_max, 0));
    }
    table
}

/// The matrix as JSON: `[{"language": "fr", "people": 120, "subject": "present", ...}]`.
#[must_use]
pub(super) fn languages_as_json(rows: &[Row]) -> Value {
    let of_documents = |row: &Row, cell: fn(&DocumentCells) -> &Cell| -> Map<String, Value> {
        row.documents.iter().map(|d| (d.id.clone(), json!(cell(d).to_string()))).collect()
    };
    let as_json = |row: &Row| {
        json!({
            "language": row.language.as_str(),
            "people": row.people,
            "subject": row.letter.to_string(),
            "body": row.letter.to_string(),
            "signature": row.signature.to_string(),
            "footer": row.footer.to_string(),
            "sender": row.sender.to_string(),
            "attachments": of_documents(row, |d| &d.file),
            "titles": of_documents(row, |d| &d.title),
        })
    };
    rows.iter().map(as_json).collect()
}

/// Blanks between two columns.
const GAP: usize = 2;

fn columns(rows: &[Row]) -> Vec<Column> {
    let mut columns = vec![
        of_cells("letter", rows, |row| &row.letter),
        of_cells("signature", rows, |row| &row.signature),
        of_cells("footer", rows, |row| &row.footer),
        of_cells("sender", rows, |row| &row.sender),
    ];
    // The same documents in all rows.
    let documents = rows.first().map_or(&[][..], |row| &row.documents);
    for (index, document) in documents.iter().enumerate() {
        let heading = format!("({})", document.number);
        let text = |row: &Row| row.documents.get(index).map(document_cell).unwrap_or_default();
        let is_whole = |row: &Row| {
            row.documents.get(index).is_none_or(|d| is_there(&d.file) && is_there(&d.title))
        };
        let is_whole = rows.iter().all(is_whole);
        columns.push(Column { is_whole, ..column(&heading, rows, text) });
    }
    columns
}

fn column(heading: &str, rows: &[Row], text: impl Fn(&Row) -> String) -> Column {
    let cells = rows.iter().map(text).collect();
    Column { heading: heading.to_owned(), cells, is_whole: false }
}

fn of_cells(heading: &str, rows: &[Row], cell: impl Fn(&Row) -> &Cell) -> Column {
    let is_whole = rows.iter().all(|row| is_there(cell(row)));
    Column { is_whole, ..column(heading, rows, |row| in_short(cell(row))) }
}

fn is_there(cell: &Cell) -> bool {
    matches!(cell, Cell::Present | Cell::None)
}

fn in_short(cell: &Cell) -> String {
    match cell {
        Cell::Present => "✓".to_owned(),
        Cell::FallsBack(language) => format!("→ {language}"),
        Cell::Missing => "missing".to_owned(),
        Cell::None => "-".to_owned(),
    }
}

/// A file, and its title where that is another story.
fn document_cell(document: &DocumentCells) -> String {
    match (&document.file, &document.title) {
        (file, title) if file == title || is_there(title) || *file == Cell::Missing => {
            in_short(file)
        }
        (file, title) => format!("{}, title {}", in_short(file), in_short(title)),
    }
}

fn width(column: &Column) -> usize {
    let texts = column.cells.iter().chain([&column.heading]);
    texts.map(|text| text.width()).max().unwrap_or(0)
}

fn line<'c>(columns: &[&'c Column], text: impl Fn(&'c Column) -> &'c String) -> String {
    let cells = columns.iter().map(|c| padded(text(c), width(c) + GAP));
    cells.collect::<String>().trim_end().to_owned()
}

/// `(1) statement, (2) guidelines`: what the columns are.
fn numbers(rows: &[Row]) -> Option<String> {
    let documents = &rows.first()?.documents;
    let named = documents.iter().map(|d| format!("({}) {}", d.number, d.id));
    (!documents.is_empty()).then(|| named.collect::<Vec<_>>().join(", "))
}

fn in_all(whole: &[&str]) -> Option<String> {
    (!whole.is_empty()).then(|| format!("in every language: {}", whole.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn language(tag: &str) -> Language {
        Language::parse_tag(tag).unwrap()
    }

    fn row(tag: &str, people: u64, documents: u32) -> Row {
        let document = |number| DocumentCells {
            id: format!("paper-{number}"),
            number,
            file: Cell::Present,
            title: Cell::Present,
        };
        Row {
            language: language(tag),
            people,
            letter: Cell::Present,
            signature: Cell::Present,
            footer: Cell::None,
            sender: Cell::Present,
            documents: (1..=documents).map(document).collect(),
        }
    }

    fn plain(rows: &[Row], columns: usize) -> String {
        anstream::adapter::strip_str(&language_table(rows, columns)).to_string()
    }

    #[test]
    fn one_language_without_holes_needs_no_table() {
        assert_eq!(plain(&[row("en", 5, 1)], 80), "");
        let mut lacking = row("en", 5, 1);
        lacking.signature = Cell::Missing;
        assert!(plain(&[lacking], 80).contains("missing"));
    }

    #[test]
    fn holes_are_told_without_colour() {
        let mut ar = row("ar", 60, 2);
        ar.documents[0].title = Cell::FallsBack(language("en"));
        ar.documents[1].file = Cell::FallsBack(language("en"));
        let mut pt = row("pt", 1, 2);
        pt.letter = Cell::FallsBack(language("en"));
        pt.documents[0].file = Cell::Missing;
        let table = plain(&[row("en", 1300, 2), ar, pt], 80);
        let expected = "\
language  people  letter  signature  footer  sender  (1)            (2)
en        1,300   ✓       ✓          -       ✓       ✓              ✓
ar        60      ✓       ✓          -       ✓       ✓, title → en  → en
pt        1       → en    ✓          -       ✓       missing        ✓
(1) paper-1, (2) paper-2
";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_narrow_terminal_shows_the_holes_and_names_the_rest() {
        let mut fr = row("fr", 60, 30);
        fr.documents[6].file = Cell::FallsBack(language("en"));
        let table = plain(&[row("en", 300, 30), fr], 60);
        assert!(table.lines().all(|line| line.width() <= 60), "{table}");
        assert!(table.starts_with("language  people  (7)\n"), "{table}");
        assert!(table.contains("in every language: letter, signature, footer, sender, (1)"));
    }
}
