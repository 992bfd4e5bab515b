//! A stored number and its format in, the text that the officer sees out.
//!
//! Owns number formats: which are dates, which pad with zeros, how a value looks in them. Where a
//! format says more than this (fractions, exponents, thousands), the plain number comes out.
//!
//! # Standards
//! ECMA-376 part 1, 18.8.30 and 18.8.31 (number formats, their built-in ids), 18.17.4 (dates as
//! numbers, in the systems of 1900, with its 29 February, and of 1904).
//!
//! # Departures
//! Dates come out as ISO 8601 whatever their format shows, with a time only where the format shows
//! one and it is not midnight. Separators of thousands are left out: which sign separates them
//! depends on the computer that looks.

use crate::limits::NUMBER_FORMAT_CHARS_MAX;
use jiff::civil::{Date, date};
use std::fmt::Write as _;

/// How a number is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NumberFormat {
    /// As a plain number.
    General,
    Moment(Moment),
    Pattern(Vec<Section>),
}

/// What a format of dates shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    has_date: bool,
    has_time: bool,
    /// Hours beyond 24 (`[h]:mm`).
    is_elapsed: bool,
}

/// A part of a format, for the numbers its condition names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    /// An operator and a number: `[<=9999999]`.
    condition: Option<(String, f64)>,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Literal(char),
    /// `0`, `#` or `?`.
    Digit(char),
    Point,
    Percent,
    /// `General` within a format.
    Plain,
}

/// A number as text, and whether something about it is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Whether the text differs from the plain number.
    pub(super) is_formatted: bool,
    /// Whether it has more digits than the spreadsheet program keeps.
    pub(super) lost_digits: bool,
}

impl NumberFormat {
    /// The format of a code: `dd/mm/yyyy`, `00000`.
    pub(super) fn of_code(code: &str) -> NumberFormat {
        let code = code.trim();
        // Longer ones no program writes; what they cost grows with each cell (security S20).
        if code.chars().nth(NUMBER_FORMAT_CHARS_MAX).is_some() {
            return NumberFormat::General;
        }
        if code.is_empty() || code.eq_ignore_ascii_case("general") || code == "@" {
            return NumberFormat::General;
        }
        if let Some(moment) = moment_of(code) {
            return NumberFormat::Moment(moment);
        }
        let sections: Option<Vec<Section>> = split_sections(code).map(section_of).collect();
        sections.map_or(NumberFormat::General, NumberFormat::Pattern)
    }

    /// The format of a built-in id; of East Asian ones only that they are dates.
    pub(super) fn of_id(id: u32) -> NumberFormat {
        let code = match id {
            1 => "0",
            2 | 4 => "0.00",
            3 => "0",
            9 => "0%",
            10 => "0.00%",
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
            18..=21 | 32..=35 | 55 | 56 => "hh:mm:ss",
            22 => "yyyy-mm-dd hh:mm",
            37 | 38 => "0",
            39 | 40 => "0.00",
            45 | 47 => "mm:ss",
            46 => "[h]:mm:ss",
            _ => "General",
        };
        NumberFormat::of_code(code)
    }

    /// What the officer sees of a number.
    pub(super) fn show(&self, value: f64, is_1904: bool) -> Shown {
        let plain = plain(value);
        let lost_digits = value.abs() >= 1e15;
        let formatted = match self {
            NumberFormat::General => None,
            NumberFormat::Moment(moment) => {
                let text = moment.text(value, is_1904);
                // That a date is no number surprises nobody.
                return match text {
                    Some(text) => Shown { text, is_formatted: false, lost_digits: false },
                    None => Shown { text: plain, is_formatted: false, lost_digits },
                };
            }
            NumberFormat::Pattern(sections) => pattern_text(sections, value),
        };
        match formatted.filter(|text| *text != plain && !text.is_empty()) {
            Some(text) => Shown { text, is_formatted: true, lost_digits },
            None => Shown { text: plain, is_formatted: false, lost_digits },
        }
    }
}

/// A number without a format: whole ones without a point, others with the 15 digits that a
/// spreadsheet program keeps, never with an exponent.
pub(super) fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        // Adding nothing makes a zero of a negative one.
        return format!("{:.0}", value + 0.0);
    }
    format!("{}", kept(value))
}

/// A number with the 15 digits that a spreadsheet program keeps.
fn kept(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// The parts of a format between its semicolons; those within quotation marks separate nothing.
fn split_sections(code: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    code.split(move |c: char| {
        let is_escaped = escaped;
        escaped = c == '\\' && !is_escaped && !quoted;
        if c == '"' && !is_escaped {
            quoted = !quoted;
        }
        c == ';' && !quoted && !is_escaped
    })
}

/// What a format shows of a date, if it is one of dates: letters of dates outside of quotation
/// marks, escapes and brackets.
fn moment_of(code: &str) -> Option<Moment> {
    let first = split_sections(code).next()?;
    let (mut letters, mut is_elapsed) = (String::new(), false);
    let mut rest = first.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => rest.by_ref().take_while(|c| *c != '"').for_each(drop),
            '\\' | '_' | '*' => drop(rest.next()),
            '[' => {
                let inside: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let inside = inside.to_ascii_lowercase();
                if !inside.is_empty() && inside.chars().all(|c| matches!(c, 'h' | 'm' | 's')) {
                    is_elapsed = true;
                    letters.push('h');
                }
            }
            // Numbers have digits where dates have letters.
            '0' | '#' | '?' if letters.is_empty() => return None,
            c => letters.push(c.to_ascii_lowercase()),
        }
    }
    let has = |any: &[char]| letters.contains(any);
    let has_time = has(&['h', 's']);
    let has_date = has(&['y', 'd']) || has(&['m']) && !has_time;
    let is_general = letters.contains("general");
    (!is_general && (has_date || has_time)).then_some(Moment { has_date, has_time, is_elapsed })
}

impl Moment {
    /// `2026-10-16`, `2026-10-16 14:30`, `14:30`; `None` where the number is no date.
    fn text(self, value: f64, is_1904: bool) -> Option<String> {
        // Seconds are what a date can be trusted for: a third of a day has no end.
        let seconds = (value * 86_400.0).round();
        if !(0.0..2_958_466.0 * 86_400.0).contains(&seconds) {
            return None;
        }
        let (days, clock) = ((seconds / 86_400.0).floor() as i32, (seconds % 86_400.0) as u32);
        if self.is_elapsed {
            return Some(clock_text(days as u64 * 24 + u64::from(clock / 3_600), clock));
        }
        let time = || clock_text(u64::from(clock / 3_600), clock);
        if !self.has_date {
            return Some(time());
        }
        let mut text = day(days, is_1904)?.to_string();
        if self.has_time && clock > 0 {
            text = format!("{text} {}", time());
        }
        Some(text)
    }
}

/// `14:30`, or `14:30:05` where there are seconds.
fn clock_text(hours: u64, clock: u32) -> String {
    let (minutes, seconds) = (clock / 60 % 60, clock % 60);
    match seconds {
        0 => format!("{hours:02}:{minutes:02}"),
        _ => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// The day of a number. The system of 1900 counts a 29 February 1900 that never was.
fn day(days: i32, is_1904: bool) -> Option<Date> {
    let zero = match (is_1904, days) {
        (true, _) => date(1904, 1, 1),
        (false, 0..60) => date(1899, 12, 31),
        (false, _) => date(1899, 12, 30),
    };
    zero.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// A section with its tokens; `None` for what is not understood.
fn section_of(code: &str) -> Option<Section> {
    let mut section = Section { condition: None, tokens: Vec::new() };
    let mut rest = code.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                let text = rest.by_ref().take_while(|c| *c != '"');
                section.tokens.extend(text.map(Token::Literal));
            }
            '\\' => section.tokens.extend(rest.next().map(Token::Literal)),
            // A blank as wide as the next character; as many of the next as fit.
            '_' | '*' => drop(rest.next()),
            '[' => section.bracket(&rest.by_ref().take_while(|c| *c != ']').collect::<String>())?,
            '0' | '#' | '?' => section.tokens.push(Token::Digit(c)),
            '.' => section.tokens.push(Token::Point),
            '%' => section.tokens.push(Token::Percent),
            ',' => {}
            'G' | 'g' if rest.as_str().to_ascii_lowercase().starts_with("eneral") => {
                rest.nth(5);
                section.tokens.push(Token::Plain);
            }
            'E' | 'e' | '/' | '@' => return None,
            c => section.tokens.push(Token::Literal(c)),
        }
    }
    // A comma behind the digits divides by a thousand.
    let divides = code.trim_end_matches(|c| !matches!(c, ',' | '0' | '#' | '?')).ends_with(',');
    (!divides).then_some(section)
}

impl Section {
    /// `[Red]`, `[$€-407]`, `[<=9999999]`.
    fn bracket(&mut self, inside: &str) -> Option<()> {
        if let Some(currency) = inside.strip_prefix('$') {
            let sign = currency.split('-').next().unwrap_or_default();
            self.tokens.extend(sign.chars().map(Token::Literal));
        } else if inside.starts_with(['<', '>', '=']) {
            let number = inside.trim_start_matches(['<', '>', '=']);
            let operator = inside[..inside.len() - number.len()].to_owned();
            self.condition = Some((operator, number.parse().ok()?));
        }
        Some(())
    }

    fn takes(&self, value: f64) -> bool {
        self.condition.as_ref().is_none_or(|(operator, number)| match operator.as_str() {
            "<" => value < *number,
            "<=" => value <= *number,
            ">" => value > *number,
            ">=" => value >= *number,
            "<>" => value != *number,
            _ => value == *number,
        })
    }

    /// A number of no sign in this section.
    fn text(&self, value: f64) -> String {
        let percents = self.tokens.iter().filter(|t| **t == Token::Percent).count();
        let value = kept(value * 100_f64.powi(i32::try_from(percents).unwrap_or(0)));
        let point = self.tokens.iter().position(|t| *t == Token::Point);
        let digits_in =
            |tokens: &[Token]| tokens.iter().filter(|t| matches!(t, Token::Digit(_))).count();
        let (before, after) = self.tokens.split_at(point.unwrap_or(self.tokens.len()));
        let rounded = match value < 1e15 {
            true => format!("{value:.*}", digits_in(after)),
            false => format!("{value}"),
        };
        let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, ""));
        let whole = if whole == "0" { "" } else { whole };
        let mut text = String::new();
        let mut digits = Digits { left: whole, places: digits_in(before), begun: false };
        for token in before {
            match token {
                Token::Digit(place) => digits.put(*place, &mut text),
                other => other.put(value, &mut text),
            }
        }
        put_fraction(after, fraction, value, &mut text);
        text
    }
}

impl Token {
    fn put(&self, value: f64, text: &mut String) {
        match self {
            Token::Literal(c) => text.push(*c),
            Token::Percent => text.push('%'),
            Token::Plain => {
                let _ = write!(text, "{}", plain(value));
            }
            Token::Point => text.push('.'),
            Token::Digit(_) => {}
        }
    }
}

/// The digits of a whole number on their way into the places of a format.
struct Digits<'a> {
    left: &'a str,
    places: usize,
    begun: bool,
}

impl Digits<'_> {
    fn put(&mut self, place: char, text: &mut String) {
        // The first place takes all that the later ones have no room for.
        let surplus = self.left.len().saturating_sub(self.places - 1);
        if self.left.len() >= self.places {
            let (now, later) = self.left.split_at(surplus);
            text.push_str(now);
            self.left = later;
            self.begun = true;
        } else if place == '0' || self.begun {
            text.push('0');
            self.begun = true;
        } else if place == '?' {
            text.push(' ');
        }
        self.places -= 1;
    }
}

/// The places behind the point; `#` shows no zeros at the end.
fn put_fraction(after: &[Token], fraction: &str, value: f64, text: &mut String) {
    let needed = fraction.trim_end_matches('0').len();
    let mut at = 0;
    for token in after {
        match token {
            Token::Digit(place) => {
                if *place == '0' || at < needed {
                    text.push_str(fraction.get(at..=at).unwrap_or("0"));
                }
                at += 1;
            }
            // A point with nothing behind it is not shown.
            Token::Point if needed == 0 && !after.contains(&Token::Digit('0')) => {}
            other => other.put(value, text),
        }
    }
}

/// A number in the section for it: by their conditions, else positive, negative, zero.
fn pattern_text(sections: &[Section], value: f64) -> Option<String> {
    let conditional = sections.iter().any(|s| s.condition.is_some());
    let numeric = &sections[..sections.len().min(3)];
    let (section, with_sign) = if conditional {
        let found = numeric.iter().find(|s| s.takes(value))?;
        (found, value < 0.0)
    } else if value < 0.0 {
        (numeric.get(1).or(numeric.first())?, numeric.len() < 2)
    } else if value == 0.0 {
        (numeric.get(2).or(numeric.first())?, false)
    } else {
        (numeric.first()?, false)
    };
    let text = section.text(value.abs());
    let text = text.trim();
    Some(if with_sign { format!("-{text}") } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, value: f64, text: &str) {
        assert_eq!(NumberFormat::of_code(code).show(value, false).text, text, "{code} {value}");
    }

    #[test]
    fn plain_numbers_have_neither_points_nor_exponents() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (-7.0, "-7"),
            (358_401_234_567_890.0, "358401234567890"),
            (1.23e17, "123000000000000000"),
            (12_345_678_901_234_567_890.0, "12345678901234600000"),
            (0.1 + 0.2, "0.3"),
            (1.5e-7, "0.00000015"),
            (-2.5, "-2.5"),
        ] {
            check("General", value, text);
            check("@", value, text);
        }
    }

    #[test]
    fn numbers_come_out_as_they_are_shown() {
        for (code, value, text) in [
            ("00000", 42.0, "00042"),
            ("0000", 123_456.0, "123456"),
            ("\"P-\"0000", 7.0, "P-0007"),
            ("00-00-00", 12_345.0, "01-23-45"),
            ("(000) 000-0000", 5_551_234_567.0, "(555) 123-4567"),
            ("[<=9999999]###-####;(###) ###-####", 5_551_234.0, "555-1234"),
            ("[<=9999999]###-####;(###) ###-####", 2_125_551_234.0, "(212) 555-1234"),
            ("+0", 358_401_234.0, "+358401234"),
            ("\\+##\\ ##\\ ##", 4_915_123.0, "+491 51 23"),
            ("0%", 0.25, "25%"),
            ("0%", 0.07, "7%"),
            ("0", 12_345_678_901_234_567_890.0, "12345678901234600000"),
            ("0.0%", 0.285, "28.5%"),
            ("0.00", 12.5, "12.50"),
            ("0.##", 12.5, "12.5"),
            ("0.##", 12.0, "12"),
            ("#,##0.00\\ [$€-407]", 1234.5, "1234.50 €"),
            ("#,##0", 1_234_567.0, "1234567"),
            ("#,##0;[Red]-#,##0", -1234.0, "-1234"),
            ("0;(0);\"-\"", -5.0, "(5)"),
            ("0;(0);\"-\"", 0.0, "-"),
            ("0", -5.0, "-5"),
            ("0.00E+00", 12_345.0, "12345"),
            ("# ?/?", 0.5, "0.5"),
            ("0,", 12_000.0, "12000"),
            (";;;", 5.0, "5"),
            ("General\" EUR\"", 5.0, "5 EUR"),
            ("#", 0.0, "0"),
        ] {
            check(code, value, text);
        }
    }

    #[test]
    fn dates_are_iso_with_a_time_only_where_there_is_one() {
        for (code, value, text) in [
            ("dd/mm/yyyy", 46_311.0, "2026-10-16"),
            ("d. mmmm yyyy", 46_311.75, "2026-10-16"),
            ("dd/mm/yyyy hh:mm", 46_311.0, "2026-10-16"),
            ("dd/mm/yyyy hh:mm", 46_311.604_166_666_7, "2026-10-16 14:30"),
            ("[$-409]m/d/yy h:mm AM/PM;@", 46_311.604_224_537, "2026-10-16 14:30:05"),
            ("h:mm", 0.5, "12:00"),
            ("h:mm", 46_311.5, "12:00"),
            ("[h]:mm", 1.5, "36:00"),
            ("yyyy-mm-dd", 1.0, "1900-01-01"),
            ("yyyy-mm-dd", 59.0, "1900-02-28"),
            ("yyyy-mm-dd", 61.0, "1900-03-01"),
            ("mmm yy", 46_311.0, "2026-10-16"),
            ("yyyy\"年\"m\"月\"d\"日\"", 46_311.0, "2026-10-16"),
            ("yyyy-mm-dd", -1.0, "-1"),
            ("yyyy-mm-dd", 1e12, "1000000000000"),
            ("\"day \"0", 3.0, "day 3"),
            ("[Red]0", 3.0, "3"),
        ] {
            check(code, value, text);
        }
        let iso = NumberFormat::of_id(14);
        assert_eq!(iso.show(44_849.0, true).text, "2026-10-16");
        assert!(!iso.show(46_311.0, false).is_formatted);
    }

    #[test]
    fn lost_digits_and_formats_are_told() {
        let shown = |code: &str, value| NumberFormat::of_code(code).show(value, false);
        assert!(shown("0", 1.23e17).lost_digits);
        assert!(!shown("0", 123_456_789_012_345.0).lost_digits);
        assert!(shown("000", 7.0).is_formatted && !shown("0", 7.0).is_formatted);
    }
}
