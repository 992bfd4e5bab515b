//! The names people are looked for by: `why ana` among a million of them.
//!
//! Owns the table `names`: the folded names of deliveries whose rows lie together, as one text with
//! a line for each row. A text is searched many times faster than as many rows are asked for, and
//! far smaller than an index of every part of every name. It is written with what it is made of,
//! in one transaction.
//!
//! # Invariants
//! Line `n` of the text of `first_row` is the name of row `first_row + n`; a row that is missing or
//! has no name has an empty line.

use super::failure::Fault;
use crate::limits::LEDGER_NAMES_ROWS;
use crate::recipients::select;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Rows whose names changed in a transaction, to be written at its end.
#[derive(Debug, Default)]
pub(super) struct Names {
    first_rows: BTreeSet<i64>,
}

impl Names {
    /// A delivery is new, or may be called something else now.
    pub(super) fn changed(&mut self, row: i64) {
        self.first_rows.insert(first_row_of(row));
    }

    /// Writes the texts that hold changed rows.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        self.first_rows.iter().try_for_each(|first_row| write(connection, *first_row))
    }
}

/// Writes the names of all deliveries.
pub(super) fn write_all(connection: &Connection) -> Result<(), Fault> {
    let last = "SELECT coalesce(max(row), 0) FROM deliveries";
    let last: i64 = connection.query_row(last, [], |row| row.get(0))?;
    let mut first_row = 0;
    while first_row <= last {
        write(connection, first_row)?;
        first_row += LEDGER_NAMES_ROWS;
    }
    Ok(())
}

/// The rows whose names hold every word of `who`, ascending.
pub(super) fn rows_of(connection: &Connection, who: &str) -> Result<Vec<i64>, Fault> {
    let folded = select::folded(who);
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    // The longest is the rarest, mostly.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let Some((rarest, others)) = words.split_first() else { return Ok(Vec::new()) };
    let mut statement = connection.prepare("SELECT first_row, folded FROM names ORDER BY 1")?;
    let mut texts = statement.query([])?;
    let finder = memchr::memmem::Finder::new(rarest);
    let mut rows = Vec::new();
    while let Some(text) = texts.next()? {
        let first_row: i64 = text.get(0)?;
        let bytes = text.get_ref(1)?.as_bytes().map_err(|e| Fault::damaged(e.to_string()))?;
        let lines = lines_with(bytes, &finder);
        let has_all = |line: &[u8]| {
            others.iter().all(|word| memchr::memmem::find(line, word.as_bytes()).is_some())
        };
        rows.extend(lines.filter(|(_, line)| has_all(line)).map(|(n, _)| first_row + n));
    }
    Ok(rows)
}

/// Each line that holds what is looked for, once, with its number from 0.
fn lines_with<'a>(
    text: &'a [u8],
    finder: &'a memchr::memmem::Finder<'_>,
) -> impl Iterator<Item = (i64, &'a [u8])> {
    let (mut at, mut number) = (0, 0);
    std::iter::from_fn(move || {
        let hit = at + finder.find(text.get(at..)?)?;
        number += text[at..hit].iter().filter(|b| **b == b'\n').count();
        let start = text[..hit].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let end = memchr::memchr(b'\n', &text[hit..]).map_or(text.len(), |n| hit + n);
        let found = (i64::try_from(number).unwrap_or(i64::MAX), &text[start..end]);
        (at, number) = (end + 1, number + 1);
        Some(found)
    })
}

fn first_row_of(row: i64) -> i64 {
    row - row.rem_euclid(LEDGER_NAMES_ROWS)
}

fn write(connection: &Connection, first_row: i64) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT row, name FROM deliveries WHERE row >= ?1 AND row < ?1 + ?2 ORDER BY row",
    )?;
    let mut rows = statement.query([first_row, LEDGER_NAMES_ROWS])?;
    let (mut text, mut next) = (String::new(), first_row);
    while let Some(row) = rows.next()? {
        let this: i64 = row.get(0)?;
        let name: Option<String> = row.get(1)?;
        while next < this {
            text.push('\n');
            next += 1;
        }
        text.push_str(&name.map(|name| select::folded(&name)).unwrap_or_default());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO names (first_row, folded) VALUES (?, ?)")?
        .execute(params![first_row, text])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use crate::ledger::testing::{adopt, adopt_people, delivery, later, ledger};

    fn found(ledger: &Ledger, who: &str) -> Vec<String> {
        let found = ledger.deliveries_of(who).unwrap();
        found.into_iter().map(|d| d.address.as_str().to_owned()).collect()
    }

    #[test]
    fn people_are_found_by_parts_of_their_names_across_texts() {
        let (_folder, mut ledger) = ledger(&[]);
        let people: Vec<String> =
            (0..LEDGER_NAMES_ROWS * 2 + 7).map(|n| format!("who{n}x")).collect();
        adopt_people(&mut ledger, &people.iter().map(String::as_str).collect::<Vec<_>>(), "hello");
        assert_eq!(found(&ledger, "perez").len(), people.len(), "every name holds it");
        for n in [0, 1, LEDGER_NAMES_ROWS - 2, LEDGER_NAMES_ROWS - 1, LEDGER_NAMES_ROWS] {
            let who = format!("who{n}x");
            assert_eq!(found(&ledger, &format!("PÉREZ {who} ")), [format!("{who}@forum.example")]);
        }
        assert!(found(&ledger, "lopez").is_empty() && found(&ledger, "").is_empty());
        assert_eq!(found(&ledger, "WHO7x@forum.example"), ["who7x@forum.example"]);
    }

    #[test]
    fn somebody_who_is_called_something_else_now_is_found_by_that() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        let mut renamed = delivery(1, "ana", "hello");
        renamed.name = Some("Łucja Straße".to_owned());
        let mut nameless = delivery(2, "bo", "other");
        nameless.name = None;
        adopt(&mut ledger, &[renamed, nameless], later(1));
        assert_eq!(found(&ledger, "strasse lucja"), ["ana@forum.example"]);
        assert!(found(&ledger, "pérez").is_empty());
    }
}
