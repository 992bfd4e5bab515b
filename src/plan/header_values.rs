//! Values of participant lists that reach a header of a message: subject, Reply-To and the names
//! under which documents are shown.
//!
//! Owns which characters no such value may have (security S2), and for whom that is looked at: the
//! people whose letter names the column there. Names and addresses were checked where lists are
//! read, values that choose a file where documents are gathered.
//!
//! # Invariants
//! Nothing is mended here: a header line is made without such characters anyway
//! (`message/header.rs`). But a line break inside a value shows that the value is not what its
//! author thinks, and in a subject everybody would see it.

use super::documents::DocumentSetting;
use super::pattern::{FilePattern, LANGUAGE, is_part_of_a_name};
use crate::language::Language;
use crate::letter::Letters;
use crate::limits::CELL_SHOWN_CHARS_MAX;
use crate::problem::{Place, Problem, Problems};
use crate::recipients::{People, Recipient};
use std::collections::{BTreeMap, BTreeSet};

/// Reports every value that would break the header of somebody's letter, with its row and cell.
/// Without letters, names of documents alone are looked at.
pub fn check(
    people: &People,
    letters: Option<&Letters>,
    settings: &[DocumentSetting],
    default: &Language,
    problems: &mut Problems,
) {
    let patterns = settings.iter().filter_map(|setting| setting.name.as_ref());
    let in_names: BTreeSet<&str> =
        patterns.flat_map(FilePattern::placeholders).filter(|name| *name != LANGUAGE).collect();
    let mut in_lines = BTreeMap::<&Language, Vec<&str>>::new();
    for recipient in &people.recipients {
        let columns = in_lines.entry(&recipient.language).or_insert_with(|| {
            let letters =
                letters.and_then(|l| Some((l, l.language_for(&recipient.language, default)?)));
            letters.map(|(letters, own)| letters.header_columns(&own)).unwrap_or_default()
        });
        for column in columns {
            if let Some(c) = recipient.values.get(column).and_then(first_break) {
                problems.push(broken_line(recipient, column, c));
            }
        }
        for column in &in_names {
            let value = recipient.values.get(column).unwrap_or_default();
            if !is_part_of_a_name(value) {
                problems.push(no_name(recipient, column, value));
            }
        }
    }
}

/// C0 and C1 controls with CR, LF, NUL and U+0085, and the line ends of Unicode.
fn first_break(value: &str) -> Option<char> {
    // Most values are ASCII, and nothing below a blank is in them.
    if value.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return None;
    }
    value.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

fn broken_line(recipient: &Recipient, column: &str, c: char) -> Problem {
    let what = match c {
        '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break".to_owned(),
        c => format!("a control character (U+{:04X})", u32::from(c)),
    };
    let message = format!("the value of {column} holds {what}, and stands in the letter's header");
    let problem = Problem::error("header-value", message);
    placed(problem, recipient, column).hint("Type the text into the cell again, on one line.")
}

fn no_name(recipient: &Recipient, column: &str, value: &str) -> Problem {
    let value: String = value.chars().take(CELL_SHOWN_CHARS_MAX).collect();
    let message = format!("the value {value:?} of {column} cannot be part of a document's name");
    let hint = "Mend the cell: no line break, and none of / \\ : * ? \" < > | in it.";
    placed(Problem::error("header-value", message), recipient, column).hint(hint)
}

fn placed(problem: Problem, recipient: &Recipient, column: &str) -> Problem {
    let row = &recipient.place;
    let place = match (row.line, recipient.values.cell_number(column)) {
        (Some(line), Some(cell)) => Place::cell(row.file.as_str(), line, cell),
        _ => row.clone(),
    };
    problem.place(place).recipient(recipient.address.as_str())
}
