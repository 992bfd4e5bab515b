//! Stored values of cells as the texts that lists are made of.
//!
//! Owns what all kinds of workbook have in common: numbers, dates and errors.

use super::damage::Damage;
use super::number::{NumberFormat, Shown};
use super::observed::Oddity;
use super::sheet::Sheet;

/// A number as the workbook stores it.
pub(super) struct Stored<'a> {
    pub(super) text: &'a str,
    pub(super) format: &'a NumberFormat,
    pub(super) is_1904: bool,
}

/// Puts a number into a sheet as it is shown; what is no number stays the text it is.
pub(super) fn put_number(
    sheet: &mut Sheet,
    line: u32,
    column: u32,
    stored: &Stored<'_>,
) -> Result<(), Damage> {
    let text = stored.text.trim();
    if *stored.format == NumberFormat::General && is_short_whole(text) {
        return sheet.put(line, column, text);
    }
    let is_numeric = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let Some(value) = text.parse::<f64>().ok().filter(|n| is_numeric && n.is_finite()) else {
        return sheet.put(line, column, text);
    };
    put_value(sheet, line, column, &stored.format.show(value, stored.is_1904))
}

/// Puts a number into a sheet, and tells what is odd about it.
pub(super) fn put_value(
    sheet: &mut Sheet,
    line: u32,
    column: u32,
    shown: &Shown,
) -> Result<(), Damage> {
    if shown.is_formatted {
        sheet.observed.cell(Oddity::ReadAsShown, line, column, &shown.text);
    }
    if shown.lost_digits {
        sheet.observed.cell(Oddity::DigitsLost, line, column, &shown.text);
    }
    sheet.put(line, column, &shown.text)
}

/// Whether a number is already as it is shown: most are.
fn is_short_whole(text: &str) -> bool {
    let is_plain = matches!(text.len(), 1..=15) && text.bytes().all(|b| b.is_ascii_digit());
    is_plain && (text.len() == 1 || !text.starts_with('0'))
}

/// Tells of a failed formula; its cell stays empty, so that nobody is greeted as `#N/A`.
pub(super) fn put_error(sheet: &mut Sheet, line: u32, column: u32, error: &str) {
    let error = if error.is_empty() { "#VALUE!" } else { error };
    sheet.observed.cell(Oddity::Failed, line, column, error);
}

/// `2026-10-16T00:00:00` as `2026-10-16`, `2026-10-16T14:30:00` as `2026-10-16 14:30`.
pub(super) fn iso_moment(text: &str) -> String {
    let text = text.trim().trim_end_matches('Z');
    let Some((day, time)) = text.split_once('T') else { return text.to_owned() };
    let time = time.split('.').next().unwrap_or_default();
    let time = time.strip_suffix(":00").filter(|time| time.contains(':')).unwrap_or(time);
    if matches!(time, "" | "00" | "00:00") { day.to_owned() } else { format!("{day} {time}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_dates_have_a_time_where_there_is_one() {
        for (text, shown) in [
            ("2026-10-16", "2026-10-16"),
            ("2026-10-16T00:00:00", "2026-10-16"),
            ("2026-10-16T00:00:00.000Z", "2026-10-16"),
            ("2026-10-16T14:30:00", "2026-10-16 14:30"),
            ("2026-10-16T14:30:05.250", "2026-10-16 14:30:05"),
        ] {
            assert_eq!(iso_moment(text), shown);
        }
    }
}
