//! What separates the cells of a list.
//!
//! Owns the four signs that do, Excel's first line that names one, and how well each explains the
//! beginning of a list.

use super::rows::TextRows;
use crate::address::EmailAddress;
use crate::limits::LIST_SAMPLE_ROWS;
use std::collections::BTreeMap;

/// What separates cells, in the order of preference.
const DELIMITERS: [(u8, &str); 4] =
    [(b',', "commas"), (b';', "semicolons"), (b'\t', "tabs"), (b'|', "vertical bars")];

/// A delimiter as `secretariat.toml` names it: the sign itself, or `comma`, `semicolon`, `tab`,
/// `bar`.
pub(crate) fn parse(text: &str) -> Option<u8> {
    match text {
        "," | "comma" => Some(b','),
        ";" | "semicolon" => Some(b';'),
        "\t" | "tab" => Some(b'\t'),
        "|" | "bar" => Some(b'|'),
        _ => None,
    }
}

/// What it is for people: `semicolons`.
pub(in crate::recipients) fn name(delimiter: u8) -> &'static str {
    DELIMITERS.iter().find(|(d, _)| *d == delimiter).map_or("commas", |(_, name)| name)
}

/// The delimiter that explains the beginning of a text best.
pub(super) fn likeliest(text: &str) -> u8 {
    let best = |found: (Score, u8), delimiter: u8| {
        let score = Score::of(TextRows::separated_by(text, delimiter));
        if score > found.0 { (score, delimiter) } else { found }
    };
    DELIMITERS.iter().map(|(delimiter, _)| *delimiter).fold((Score::default(), b','), best).1
}

/// The delimiter that Excel's own first line `sep=;` names, and the text after that line.
pub(super) fn announced(text: &str) -> Option<(u8, &str)> {
    let (line, rest) = text.split_at(text.find(['\r', '\n'])?);
    let named = line.trim_matches('"').strip_prefix("sep=")?;
    let (delimiter, _) = DELIMITERS.iter().find(|(d, _)| named.as_bytes() == [*d])?;
    Some((*delimiter, rest.strip_prefix("\r\n").unwrap_or(&rest[1..])))
}

/// How well a delimiter explains the beginning of a list; the greater is the better.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Rows with a cell that is a whole address: a wrong delimiter leaves other things around it.
    addresses: usize,
    /// Rows with as many cells as most rows have, in percent, where that is several.
    alike: usize,
    /// Cells of most rows: titles above the header have fewer.
    cells: usize,
}

impl Score {
    fn of(mut rows: TextRows<'_>) -> Score {
        let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut seen, mut addresses) = (0, 0);
        while seen < LIST_SAMPLE_ROWS {
            // A row that this delimiter makes no sense of speaks against it by not being alike.
            let Ok(Some(row)) = rows.next_filled() else { break };
            seen += 1;
            *widths.entry(row.width()).or_default() += 1;
            addresses += usize::from(row.cells().any(is_address));
        }
        let most = widths.into_iter().max_by_key(|(cells, rows)| (*rows, *cells));
        let (cells, alike) = most.unwrap_or_default();
        Score { addresses, alike: if cells > 1 { 100 * alike / seen } else { 0 }, cells }
    }
}

pub(super) fn is_address(cell: &str) -> bool {
    cell.contains('@') && EmailAddress::parse(cell).is_ok()
}
