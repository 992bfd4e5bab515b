//! Lengths of time, rates and sizes as people write them: `"67min"`, `"30/min"`, `"10 MB"`.
//!
//! Owns these notations. Whether a value makes sense where it stands is `read.rs`. No I/O.
//!
//! # Failure
//! [`Refusal`] with an example.

use super::section::Refusal;
use crate::limits::RETRY_TIME_MAX;
use crate::send::pace::Rate;
use std::num::NonZeroU32;
use std::time::Duration;

/// Reads a length of time: a whole number and `s`, `min`, `h` or `d`, at most 30 days.
pub(super) fn parse_duration(text: &str) -> Result<Duration, Refusal> {
    let refused = || {
        Refusal::new(
            format!("is no length of time: {text:?}"),
            "Write a whole number with s, min, h or d, such as \"5min\" or \"5d\".",
        )
    };
    let (number, unit) = split_unit(text);
    let seconds_each = match unit {
        "s" | "sec" | "second" | "seconds" => 1,
        "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 24 * 3_600,
        _ => return Err(refused()),
    };
    let number: u64 = number.parse().map_err(|_| refused())?;
    let duration = Duration::from_secs(number.saturating_mul(seconds_each));
    let hint = "Write a time from one second to 30 days.";
    match duration {
        Duration::ZERO => Err(Refusal::new("is no time at all", hint)),
        longer if longer > RETRY_TIME_MAX => Err(Refusal::new("is longer than 30 days", hint)),
        duration => Ok(duration),
    }
}

/// Reads a rate: a whole number, `/`, and `s`, `min`, `h` or `d`.
pub(super) fn parse_rate(text: &str) -> Result<Rate, Refusal> {
    let refused = || {
        let hint = "Write letters per time, such as \"30/min\" or \"500/h\".";
        Refusal::new(format!("is no rate: {text:?}"), hint)
    };
    let (letters, unit) = text.split_once('/').ok_or_else(refused)?;
    let letters: NonZeroU32 = letters.trim().parse().map_err(|_| refused())?;
    let per = parse_duration(&format!("1{}", unit.trim())).map_err(|_| refused())?;
    Ok(Rate { letters, per })
}

/// Reads a size: a number, also with a decimal point, and `KB`, `MB` or `GB` of 1024 to the next.
///
/// Result in bytes, rounded to whole ones.
pub(super) fn parse_size(text: &str) -> Result<u64, Refusal> {
    let refused = || {
        let hint = "Write a number with KB or MB, such as \"10 MB\".";
        Refusal::new(format!("is no size: {text:?}"), hint)
    };
    let (number, unit) = split_unit(text);
    let bytes_each: u64 = match unit.to_ascii_lowercase().as_str() {
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return Err(refused()),
    };
    let number: f64 = number.parse().map_err(|_| refused())?;
    // The cast saturates; sizes in use are far below where f64 loses whole bytes.
    let bytes = (number * bytes_each as f64).round() as u64;
    if bytes == 0 { Err(refused()) } else { Ok(bytes) }
}

/// A number and what stands behind it, blanks around both left out.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [
            ("30s", 30),
            ("5min", 300),
            (" 67 min ", 4_020),
            ("36h", 129_600),
            ("5d", 432_000),
            ("1 day", 86_400),
        ] {
            let read = parse_duration(text).unwrap_or_else(|r| panic!("{text}: {}", r.message));
            assert_eq!(read.as_secs(), seconds, "{text}");
        }
        for bad in ["", "5", "min", "-5min", "1.5h", "5 weeks", "5m", "0s", "31d", "99999999999d"] {
            assert!(parse_duration(bad).is_err(), "{bad:?} was taken");
        }
        let most = format!("{}d", u64::MAX);
        assert_eq!(
            parse_duration(&most).err().map(|r| r.message).unwrap(),
            "is longer than 30 days"
        );
    }

    #[test]
    fn rates() {
        let per = |letters: u32, seconds| Rate {
            letters: NonZeroU32::new(letters).unwrap(),
            per: Duration::from_secs(seconds),
        };
        for (text, rate) in [
            ("30/min", per(30, 60)),
            (" 500 / hour", per(500, 3_600)),
            ("2/s", per(2, 1)),
            ("10000/d", per(10_000, 86_400)),
        ] {
            assert_eq!(parse_rate(text).unwrap(), rate, "{text}");
        }
        for text in ["30", "0/min", "-1/min", "30/", "30/min/h", "thirty/min", "1.5/s", "/min"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_count_1024_to_the_next() {
        for (text, bytes) in [
            ("10 MB", 10 << 20),
            ("18MB", 18 << 20),
            ("500 kb", 500 << 10),
            ("1.5 MB", 3 << 19),
            ("1 GiB", 1 << 30),
        ] {
            assert_eq!(parse_size(text).ok(), Some(bytes), "{text}");
        }
        for bad in ["", "10", "MB", "-1 MB", "1,5 MB", "10 Mbit", "0 MB", "1.2.3 MB"] {
            assert!(parse_size(bad).is_err(), "{bad:?} was taken");
        }
    }
}
