//! The quotation marks of one row: whether they hold together.
//!
//! Owns what more lenient readers guess about: a mark that is never closed, and text after a
//! closing one, in both of which a person could vanish in another's cell.
//!
//! # Standards
//! RFC 4180 2.5 to 2.7.

/// How the quotation marks of a row stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Sound,
    /// The mark at this offset opens a cell that does not end.
    Open(usize),
    /// A closing mark is followed by the text at this offset.
    TextAfter(usize),
}

/// Checks a row against RFC 4180 2.5 to 2.7; blanks after a closing mark are let pass, and marks
/// within a cell that does not begin with one are text.
pub(super) fn quotes(raw: &[u8], delimiter: u8) -> Quotes {
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
