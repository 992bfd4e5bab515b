//! Points in time, and the only reader of the system clock.
//!
//! Owns [`Timestamp`] and [`Clock`]. Stores keep UTC, screens show local time, JSON is RFC 3339.
//! `SECRETARIAT_NOW` (read by `config`) fixes the clock's start. Within a run all readings go on
//! from the start by a clock that nobody can set, so that a rehearsed day passes as a real one does
//! and a computer whose time is corrected neither waits for ever nor gives letters up.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::fmt;
use std::time::Duration;

/// A point in time, whole seconds since 1970 in UTC.
///
/// Whole seconds, because that is what a message's `Date` can say (RFC 5322 3.3) and what the
/// ledger keeps: what is stored and read again is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is not an RFC 3339 point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a point in time like 2026-11-05T09:30:00Z")]
pub struct NotATimestamp {
    /// The text as given.
    pub text: String,
}

impl Timestamp {
    fn of_the_system() -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_second())
    }

    /// From whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second()))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`NotATimestamp`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Timestamp, NotATimestamp> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|t| Timestamp(t.as_second()))
            .map_err(|_| NotATimestamp { text: text.to_owned() })
    }

    /// This point and a time after it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Timestamp {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix_seconds(self.0.saturating_add(seconds))
    }

    /// The time from an earlier point to this one; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        // The range was clamped by every constructor.
        jiff::Timestamp::from_second(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// As a message's `Date` says it, in UTC: `Thu, 05 Nov 2026 09:30:00 +0000` (RFC 5322 3.3).
    #[must_use]
    pub fn to_rfc_5322(self) -> String {
        self.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// Reads what a message's `Date` says (RFC 5322 3.3); nothing where it says something else.
    #[must_use]
    pub fn from_rfc_5322(text: &str) -> Option<Timestamp> {
        let read = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim());
        read.ok().map(|t| Timestamp(t.as_second()))
    }

    /// As the officer's clock shows it: `14:49`.
    #[must_use]
    pub fn local_time(self) -> String {
        self.to_jiff().to_zoned(TimeZone::system()).strftime("%H:%M").to_string()
    }

    /// As the officer's calendar shows it: `16 October 2026`.
    #[must_use]
    pub fn local_date(self) -> String {
        self.to_jiff().to_zoned(TimeZone::system()).strftime("%-d %B %Y").to_string()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, whole seconds: `2026-11-05T09:30:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

/// Tells the time for a run: a start, and the time that has passed since then.
///
/// A clock that somebody sets in the middle of a run, or that a time server corrects, therefore
/// moves neither deadlines nor what is stored.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    started: Steady,
    is_fixed: bool,
    /// What messages are dated, where the start is fixed.
    date: Timestamp,
    /// Seconds that pass here in one of the real world: 1, or more in a rehearsal.
    speed: u32,
}

impl Clock {
    /// A clock that starts at the system's time.
    #[must_use]
    pub fn system() -> Clock {
        let start = Timestamp::of_the_system();
        Clock { start, started: Steady::now(), is_fixed: false, date: start, speed: 1 }
    }

    /// A clock that starts at a given time (`SECRETARIAT_NOW`).
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Clock {
        Clock { start, started: Steady::now(), is_fixed: true, date: start, speed: 1 }
    }

    /// A clock for a rehearsal: it starts at a given time, dates messages as the preview did, and
    /// goes `speed` times as fast, so that a wait of five minutes is over in a moment.
    #[must_use]
    pub fn hurried(start: Timestamp, date: Timestamp, speed: u32) -> Clock {
        Clock { start, started: Steady::now(), is_fixed: true, date, speed: speed.max(1) }
    }

    /// How long a wait by this clock takes in the real world.
    #[must_use]
    pub fn in_real_time(&self, wait: Duration) -> Duration {
        wait / self.speed
    }

    /// The `Date` of a message made now: the time now, or exactly the given start, so that what a
    /// dry run wrote is what a run sends.
    #[must_use]
    pub fn date(&self) -> Timestamp {
        if self.is_fixed { self.date } else { self.now() }
    }

    /// The time now, never before an earlier reading.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.start.plus(self.elapsed())
    }

    /// The time since the start of the run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_mul(self.speed)
    }
}

/// A reading of a clock that nobody can set. It goes on while the computer sleeps where the system
/// has such a clock (Linux); elsewhere a run that slept is behind by that time until its end.
#[derive(Clone, Copy, Debug)]
pub struct Steady(Reading);

#[cfg(any(target_os = "linux", target_os = "android"))]
type Reading = Duration;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
type Reading = std::time::Instant;

impl Steady {
    /// This moment.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[must_use]
    pub fn now() -> Steady {
        let read = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // The kernel gives a time since its start: neither part is negative.
        let nanoseconds = u32::try_from(read.tv_nsec).unwrap_or(0);
        Steady(Duration::new(u64::try_from(read.tv_sec).unwrap_or(0), nanoseconds))
    }

    /// This moment.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[must_use]
    pub fn now() -> Steady {
        Steady(std::time::Instant::now())
    }

    /// The time since then.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        let now = Steady::now();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return now.0.saturating_sub(self.0);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return now.0.duration_since(self.0);
    }
}

/// A length of time in words an officer reads: `29 minutes`, `1 hour 5 minutes`, `2 days`.
#[must_use]
pub fn in_words(duration: Duration) -> String {
    let rounded = SignedDuration::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    let minutes = (rounded.as_secs() + 30) / 60;
    let plural = |n: i64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match minutes {
        _ if rounded.as_secs() == 0 => "a moment".to_owned(),
        _ if rounded.as_secs() < 60 => plural(rounded.as_secs(), "second"),
        1..60 => plural(minutes, "minute"),
        60..1_440 if minutes % 60 == 0 => plural(minutes / 60, "hour"),
        60..1_440 => format!("{} {}", plural(minutes / 60, "hour"), plural(minutes % 60, "minute")),
        _ => plural((minutes + 720) / 1_440, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_what_it_writes() {
        let t = Timestamp::parse("2026-11-05T10:30:00.75+01:00").unwrap();
        assert_eq!(t.to_string(), "2026-11-05T09:30:00Z");
        assert_eq!(t.to_rfc_5322(), "Thu, 05 Nov 2026 09:30:00 +0000");
        assert_eq!(Timestamp::parse(&t.to_string()), Ok(t));
        assert!(Timestamp::parse("5 November").is_err());
    }

    #[test]
    fn a_hurried_clock_goes_faster_and_dates_as_it_was_told() {
        let (start, date) = (Timestamp::from_unix_seconds(5_000), Timestamp::from_unix_seconds(7));
        let clock = Clock::hurried(start, date, 1_000_000_000);
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now().since(start) >= Duration::from_secs(2_000_000));
        assert!(clock.elapsed() >= Duration::from_secs(2_000_000));
        assert_eq!(clock.date(), date);
        let usual = Clock::starting_at(start);
        let wait = Duration::from_secs(300);
        assert_eq!(usual.in_real_time(wait), wait);
        assert_eq!(Clock::hurried(start, date, 1_000).in_real_time(wait), wait / 1_000);
    }

    #[test]
    fn lengths_in_words() {
        for (seconds, words) in [
            (0, "a moment"),
            (20, "20 seconds"),
            (35, "35 seconds"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (1_740, "29 minutes"),
            (3_600, "1 hour"),
            (3_900, "1 hour 5 minutes"),
            (2 * 86_400, "2 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
