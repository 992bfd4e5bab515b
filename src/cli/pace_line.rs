//! How long a mailing will take, before it begins.

use super::ui::{grouped, plural};
use crate::config::Relay;
use crate::send::pace::{Pacing, Rate};
use crate::time::{Timestamp, in_words};
use std::time::Duration;

/// `30 a minute: 29 minutes, ends about 14:49`, with whose limits they are where that is written:
/// `Microsoft 365: 30 a minute, ...`; `None` where nothing limits it.
#[must_use]
pub(super) fn pace_line(
    relay: Option<&Relay>,
    letters: u64,
    earlier: &[Timestamp],
    now: Timestamp,
) -> Option<String> {
    let pacing = relay.map(|relay| relay.habits.pacing).unwrap_or_default();
    let line = pacing_line(&pacing, letters, earlier, now)?;
    Some(match relay.and_then(|relay| relay.service) {
        Some(service) => format!("{}: {line}", service.facts().name),
        None => line,
    })
}

fn pacing_line(
    pacing: &Pacing,
    letters: u64,
    earlier: &[Timestamp],
    now: Timestamp,
) -> Option<String> {
    let rate = pacing.rate.map(rate_in_words);
    let daily = pacing.daily_limit.map(|limit| format!("{} a day", grouped(limit.get())));
    let limits: Vec<String> = rate.into_iter().chain(daily).collect();
    if limits.is_empty() {
        return None;
    }
    let takes = pacing.estimate(letters, earlier, now);
    let end = now.plus(takes);
    let when = match end.local_date() == now.local_date() {
        true => end.local_time(),
        false => format!("{}, {}", end.local_date(), end.local_time()),
    };
    Some(format!("{}: {}, ends about {when}", limits.join(", at most "), in_words(takes)))
}

/// `30 a minute`, `500 an hour`, `2 in 10 seconds`.
fn rate_in_words(rate: Rate) -> String {
    let per = match rate.per.as_secs() {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        seconds => format!("in {}", plural(seconds, "second")),
    };
    format!("{} {per}", grouped(u64::from(rate.letters.get())))
}

/// As it is written in the configuration: `1/h`, `30/min`.
#[must_use]
pub(super) fn rate_in_brief(rate: Rate) -> String {
    let per = match rate.per.as_secs() {
        1 => "s".to_owned(),
        60 => "min".to_owned(),
        3_600 => "h".to_owned(),
        86_400 => "day".to_owned(),
        seconds => format!("{seconds} s"),
    };
    format!("{}/{per}", rate.letters)
}

/// Whole seconds, begun ones counted.
#[must_use]
pub(super) fn in_seconds(takes: Duration) -> u64 {
    takes.as_secs() + u64::from(takes.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::{NonZeroU32, NonZeroU64};

    #[test]
    fn the_line_says_how_fast_how_long_and_until_when() {
        let now = Timestamp::parse("2026-11-05T12:00:00Z").unwrap();
        let rate = Rate { letters: NonZeroU32::new(30).unwrap(), per: Duration::from_secs(60) };
        let pacing = Pacing { rate: Some(rate), daily_limit: None };
        let line = pacing_line(&pacing, 871, &[], now).unwrap();
        assert!(line.starts_with("30 a minute: 29 minutes, ends about "), "{line}");
        assert!(line.ends_with(&now.plus(Duration::from_secs(1_740)).local_time()), "{line}");
        let pacing = Pacing { rate: Some(rate), daily_limit: NonZeroU64::new(500) };
        let line = pacing_line(&pacing, 1_200, &[], now).unwrap();
        assert!(
            line.starts_with("30 a minute, at most 500 a day: 2 days, ends about 7 "),
            "{line}"
        );
        assert_eq!(pacing_line(&Pacing::default(), 9, &[], now), None);
        assert_eq!(in_seconds(Duration::from_millis(1_500)), 2);
    }
}
