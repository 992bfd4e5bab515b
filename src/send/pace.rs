//! When the next letter may begin: the rate, the daily limit, and slowing down when a relay asks.
//!
//! Owns `[relay] rate` (even spacing, counted at MAIL) and `daily_limit` (acceptances in any 24
//! hours, across runs and campaigns). Pure: the time comes in, who waits is `dispatch.rs`'s.
//!
//! # Invariants
//! Two letters never begin closer to each other than the rate's spacing, on however many
//! connections. In no 24 hours are more letters accepted than the daily limit: a letter under way
//! counts as accepted until it has its answer.

use crate::limits::{SLOW_DOWN_LASTS, SLOW_DOWN_SPACING_MAX, SLOW_DOWN_SPACING_MIN};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// How many letters in which time: `30/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Letters.
    pub letters: NonZeroU32,
    /// In this time.
    pub per: Duration,
}

impl Rate {
    /// The time from one letter's beginning to the next one's.
    #[must_use]
    pub fn spacing(self) -> Duration {
        // Rounded up: a rate is never exceeded.
        let nanoseconds = self.per.as_nanos().div_ceil(u128::from(self.letters.get()));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// `[relay] rate` and `daily_limit`; absent: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pacing {
    /// Even spacing of letters.
    pub rate: Option<Rate>,
    /// Acceptances in any 24 hours.
    pub daily_limit: Option<NonZeroU64>,
}

impl Pacing {
    /// How long this many letters take at least, after `earlier` acceptances of the last 24 hours
    /// (oldest first): until the last of them begins.
    #[must_use]
    pub fn estimate(&self, letters: u64, earlier: &[Timestamp], now: Timestamp) -> Duration {
        let spacing = self.rate.map_or(Duration::ZERO, Rate::spacing);
        let Some(last) = letters.checked_sub(1) else { return Duration::ZERO };
        let Some(limit) = self.daily_limit else { return times(spacing, last) };
        // Each acceptance of a day is a place that is free again a day later. Letters take the
        // places in turn, and again the day after, each at its spacing behind the one before.
        let counted = earlier.len().min(usize::try_from(limit.get()).unwrap_or(usize::MAX));
        let freed = &earlier[earlier.len() - counted..];
        let free_now = limit.get() - counted as u64;
        let first_of_day = |place: u64| {
            let at = place.checked_sub(free_now).and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| freed.get(at)).map_or(Duration::ZERO, |at| at.plus(DAY).since(now))
        };
        // What the first `n` places of the first day come to: waiting for a place, and the rate.
        let begun = |places: u64| {
            let freed = (free_now..=places).map(|place| (place, first_of_day(place)));
            let freed = freed.map(|(place, free)| free + times(spacing, places - place));
            freed.fold(times(spacing, places), Duration::max)
        };
        let (days, place) = (last / limit, last % limit);
        if days == 0 {
            return begun(place);
        }
        // A full day takes its 24 hours, or what the rate needs for it.
        let day = DAY.max(times(spacing, limit.get()));
        // The last place of the first day holds back the first of the next, at the rate.
        let held_back = begun(limit.get() - 1) + times(spacing, place + 1);
        (begun(place) + times(day, days)).max(held_back + times(day, days - 1))
    }
}

fn times(duration: Duration, n: u64) -> Duration {
    let nanoseconds = duration.as_nanos().saturating_mul(u128::from(n));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The window of a daily limit.
pub const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The pace of a run. Times of the run are since its start.
#[derive(Debug)]
pub(super) struct Pace {
    pacing: Pacing,
    /// No letter begins before.
    next_start: Duration,
    /// The relay asked for less: this spacing until that time of the run.
    slowed: Option<(Duration, Duration)>,
    /// Acceptances of the last 24 hours, oldest first.
    accepted: VecDeque<Timestamp>,
}

impl Pace {
    /// The pace at the start of a run, after the acceptances of the last 24 hours (oldest first)
    /// and the last letter that began, of earlier runs.
    pub(super) fn new(
        pacing: Pacing,
        accepted: Vec<Timestamp>,
        last_start: Option<Timestamp>,
        now: Timestamp,
    ) -> Pace {
        // Kept in whole seconds: it may have been almost a second later.
        let rounding = Duration::from_secs(1);
        let next_start = match (pacing.rate, last_start) {
            (Some(rate), Some(last)) => (rate.spacing() + rounding).saturating_sub(now.since(last)),
            _ => Duration::ZERO,
        };
        Pace { pacing, next_start, slowed: None, accepted: accepted.into() }
    }

    /// How long a letter must wait to begin; zero: now.
    pub(super) fn wait(&self, run: Duration) -> Duration {
        self.next_start.saturating_sub(run)
    }

    /// A letter begins: the next one keeps its distance.
    pub(super) fn begin(&mut self, run: Duration) {
        self.next_start = run + self.spacing(run);
    }

    fn spacing(&self, run: Duration) -> Duration {
        let usual = self.pacing.rate.map_or(Duration::ZERO, Rate::spacing);
        match self.slowed {
            Some((spacing, until)) if run < until => usual.max(spacing),
            _ => usual,
        }
    }

    /// When a letter may count as accepted besides `under_way` others; `None`: now.
    pub(super) fn free_again(&mut self, under_way: usize, now: Timestamp) -> Option<Timestamp> {
        let limit = usize::try_from(self.pacing.daily_limit?.get()).unwrap_or(usize::MAX);
        while self.accepted.front().is_some_and(|at| at.plus(DAY) <= now) {
            self.accepted.pop_front();
        }
        let too_many = (self.accepted.len() + under_way + 1).checked_sub(limit)?;
        let in_the_way = too_many.checked_sub(1)?;
        // Letters under way alone may fill the limit: then the next answer tells more.
        Some(self.accepted.get(in_the_way).map_or(now.plus(DAY), |at| at.plus(DAY)))
    }

    /// A letter was accepted.
    pub(super) fn accepted(&mut self, at: Timestamp) {
        self.accepted.push_back(at);
    }

    /// When a limit of 24 hours that the relay speaks of is over, as far as we can know: a day
    /// after the oldest acceptance that may count.
    pub(super) fn day_is_over(&self, now: Timestamp) -> Timestamp {
        self.accepted
            .iter()
            .map(|at| at.plus(DAY))
            .find(|over| *over > now)
            .unwrap_or(now.plus(DAY))
    }

    /// Half the rate for a while: of the configured one, or of what this run came to.
    pub(super) fn slow_down(&mut self, accepted: u64, run: Duration) {
        let measured = run.checked_div(u32::try_from(accepted).unwrap_or(u32::MAX));
        let now = self.spacing(run).max(measured.unwrap_or(Duration::ZERO));
        let halved = (now * 2).clamp(SLOW_DOWN_SPACING_MIN, SLOW_DOWN_SPACING_MAX);
        self.slowed = Some((halved, run + SLOW_DOWN_LASTS));
        self.next_start = self.next_start.max(run + halved);
    }

    /// Whether the relay has asked for less and that time is not over.
    pub(super) fn is_slowed(&self, run: Duration) -> bool {
        self.slowed.is_some_and(|(_, until)| run < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(letters: u32, per: u64) -> Rate {
        Rate { letters: NonZeroU32::new(letters).unwrap(), per: Duration::from_secs(per) }
    }

    fn limits(rate: Option<Rate>, daily: Option<u64>) -> Pacing {
        Pacing { rate, daily_limit: daily.and_then(NonZeroU64::new) }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn thirty_a_minute_is_one_every_two_seconds() {
        let mut pace = Pace::new(limits(Some(rate(30, 60)), None), vec![], None, at(0));
        let mut run = Duration::ZERO;
        let mut begun = Vec::new();
        for _ in 0..5 {
            run += pace.wait(run);
            pace.begin(run);
            begun.push(run.as_secs());
        }
        assert_eq!(begun, [0, 2, 4, 6, 8]);
        // Late is late: what was missed is not caught up with.
        pace.begin(Duration::from_secs(100));
        assert_eq!(pace.wait(Duration::from_secs(100)), 2 * SECOND);
    }

    #[test]
    fn the_spacing_holds_across_runs() {
        let limits = limits(Some(rate(1, 60)), None);
        let pace = |last| Pace::new(limits, vec![], last, at(100)).wait(Duration::ZERO);
        assert_eq!(pace(Some(at(90))), Duration::from_secs(51));
        assert_eq!(pace(Some(at(10))), Duration::ZERO);
        assert_eq!(pace(None), Duration::ZERO);
    }

    #[test]
    fn a_full_day_waits_for_its_oldest_letter() {
        let earlier = vec![at(0), at(10), at(20)];
        let mut pace = Pace::new(limits(None, Some(3)), earlier, None, at(30));
        assert_eq!(pace.free_again(0, at(30)), Some(at(86_400)));
        assert_eq!(pace.free_again(1, at(30)), Some(at(86_410)), "one more is under way");
        assert_eq!(pace.free_again(0, at(86_400)), None);
        pace.accepted(at(86_400));
        assert_eq!(pace.free_again(0, at(86_400)), Some(at(86_410)));
    }

    #[test]
    fn the_estimate_counts_spacing_and_days() {
        let plan = |pacing: Pacing, letters, earlier: &[Timestamp]| {
            pacing.estimate(letters, earlier, at(0)).as_secs()
        };
        assert_eq!(plan(limits(None, None), 650, &[]), 0);
        assert_eq!(plan(limits(Some(rate(30, 60)), None), 31, &[]), 60);
        assert_eq!(plan(limits(None, Some(500)), 500, &[]), 0);
        assert_eq!(plan(limits(None, Some(500)), 501, &[]), 86_400);
        assert_eq!(plan(limits(None, Some(500)), 1_001, &[]), 2 * 86_400);
        // Two of yesterday leave one place now, the next ones when their day is over.
        let earlier = [at(0), at(600)];
        assert_eq!(plan(limits(None, Some(3)), 1, &earlier), 0);
        assert_eq!(plan(limits(None, Some(3)), 2, &earlier), 86_400);
        assert_eq!(plan(limits(None, Some(3)), 3, &earlier), 87_000);
        assert_eq!(plan(limits(None, Some(3)), 5, &earlier), 2 * 86_400);
        assert_eq!(plan(limits(Some(rate(1, 60)), Some(500)), 501, &[]), 86_400);
    }

    #[test]
    fn a_relay_that_asks_for_less_gets_half_for_a_quarter_of_an_hour() {
        let mut pace = Pace::new(limits(Some(rate(60, 60)), None), vec![], None, at(0));
        pace.slow_down(10, 10 * SECOND);
        pace.begin(12 * SECOND);
        assert_eq!(pace.wait(12 * SECOND), 2 * SECOND);
        assert!(pace.is_slowed(12 * SECOND));
        let later = 11 * SECOND + SLOW_DOWN_LASTS;
        pace.begin(later);
        assert_eq!(pace.wait(later), SECOND, "the time is over");
    }

    /// Letter after letter as a run does it, every answer at once.
    fn begun_by_a_run(pacing: Pacing, letters: u64, earlier: &[u64], now: u64) -> u64 {
        let accepted = earlier.iter().map(|t| at(*t)).collect();
        let mut pace = Pace::new(pacing, accepted, None, at(now));
        let mut run = Duration::ZERO;
        for _ in 0..letters {
            run += pace.wait(run);
            while let Some(free) = pace.free_again(0, at(now).plus(run)) {
                run += free.since(at(now).plus(run));
            }
            pace.begin(run);
            pace.accepted(at(now).plus(run));
        }
        run.as_secs()
    }

    #[test]
    fn rate_and_daily_limit_together_take_as_long_as_a_run() {
        let twenty_an_hour = limits(Some(rate(20, 3_600)), Some(100));
        let takes = twenty_an_hour.estimate(650, &[], at(0)).as_secs();
        assert_eq!(takes, begun_by_a_run(twenty_an_hour, 650, &[], 0));
        assert_eq!(takes, 6 * 86_400 + 49 * 180, "six days, and 50 letters at 20 an hour");
    }

    proptest! {
        /// What is promised before a mailing begins is what its own pace makes of it.
        #[test]
        fn the_estimate_is_what_a_run_takes(
            spacing in 0_u64..40_000,
            daily in prop::option::of(1_u64..7),
            letters in 0_u64..30,
            mut earlier in prop::collection::vec(0_u64..86_400, 0..9),
        ) {
            earlier.sort_unstable();
            let pacing = limits((spacing > 0).then(|| rate(1, spacing)), daily);
            let times: Vec<Timestamp> = earlier.iter().map(|t| at(*t)).collect();
            let estimated = pacing.estimate(letters, &times, at(86_400)).as_secs();
            let taken = begun_by_a_run(pacing, letters, &earlier, 86_400);
            prop_assert_eq!(estimated, taken);
        }

        /// Whatever happens when, no 24 hours hold more acceptances than the limit.
        #[test]
        fn no_day_holds_more_than_its_limit(
            limit in 1_u64..6,
            steps in prop::collection::vec((0_u64..40_000, any::<bool>()), 1..60),
        ) {
            let mut pace = Pace::new(limits(None, Some(limit)), vec![], None, at(0));
            let (mut now, mut all, mut under_way) = (0, Vec::new(), 0);
            for (wait, begins) in steps {
                now += wait;
                if begins && pace.free_again(under_way, at(now)).is_none() {
                    under_way += 1;
                } else if under_way > 0 {
                    under_way -= 1;
                    pace.accepted(at(now));
                    all.push(now);
                }
            }
            for first in &all {
                let day = all.iter().filter(|t| (*first..first + 86_400).contains(t)).count();
                prop_assert!(day as u64 <= limit);
            }
        }
    }
}
