//! Numbers, sizes and times as each of the page's languages writes them.

use super::NoteLanguage;
use std::time::Duration;

impl NoteLanguage {
    /// A whole number, its thousands set apart.
    #[must_use]
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        // Spanish sets four digits together.
        let apart = match self {
            NoteLanguage::Es if digits.len() < 5 => "",
            NoteLanguage::En => ",",
            _ => "\u{202f}",
        };
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(apart);
            }
            text.push(digit);
        }
        text
    }

    /// Octets: `12 KB`, `1.7 MB`, `1,1 Go`.
    #[must_use]
    pub fn size(self, octets: u64) -> String {
        let units = match self {
            NoteLanguage::Fr => ["Ko", "Mo", "Go"],
            _ => ["KB", "MB", "GB"],
        };
        let mut value = octets as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1000.0 && unit + 1 < units.len() {
            value /= 1024.0;
            unit += 1;
        }
        let written = format!("{value:.1}");
        let written = written.strip_suffix(".0").unwrap_or(&written);
        let point = if self == NoteLanguage::En { "." } else { "," };
        format!("{} {}", written.replace('.', point), units[unit])
    }

    /// A length of time: `22 min`, `3 h 20 min`, `4 days`.
    #[must_use]
    pub fn duration(self, time: Duration) -> String {
        let minutes = time.as_secs().div_ceil(60).max(1);
        let (hours, days) = (minutes / 60, minutes.div_ceil(60 * 24));
        let word = match self {
            NoteLanguage::En => "days",
            NoteLanguage::Es => "días",
            NoteLanguage::Fr => "jours",
        };
        match (hours, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (24.., _) => format!("{days} {word}"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_numbers_in_its_way() {
        let all = |of: &dyn Fn(NoteLanguage) -> String| NoteLanguage::ALL.map(of);
        assert_eq!(all(&|l| l.number(1_300)), ["1,300", "1300", "1\u{202f}300"]);
        let millions = ["1,234,567", "1\u{202f}234\u{202f}567", "1\u{202f}234\u{202f}567"];
        assert_eq!(all(&|l| l.number(1_234_567)), millions);
        assert_eq!(all(&|l| l.size(1_782_579)), ["1.7 MB", "1,7 MB", "1,7 Mo"]);
        assert_eq!(all(&|l| l.size(35 << 20)), ["35 MB", "35 MB", "35 Mo"]);
        assert_eq!(NoteLanguage::En.size(1_181_116_006), "1.1 GB");
        let time = |seconds| all(&|l| l.duration(Duration::from_secs(seconds)));
        assert_eq!(time(0), ["1 min"; 3]);
        assert_eq!(time(12_000), ["3 h 20 min"; 3]);
        assert_eq!(time(7_200), ["2 h"; 3]);
        assert_eq!(time(86_401), ["2 days", "2 días", "2 jours"]);
    }
}
