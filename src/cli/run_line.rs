//! What the line of a run says: how many letters have come to an end, and what the run does now.
//!
//! Owns the counting and the words; drawing is `progress.rs`. Pure: what happened and the time come
//! in, a text comes out that fits the terminal.
//!
//! # Invariants
//! Letters are counted, not attempts: each is in one state, the last that was told. Words are those
//! of the summary. How long the rest takes goes by what the plan's `pace` goes by, and stands there
//! only where something is known of it.

use super::pace_line::rate_in_brief;
use super::standing::when;
use super::ui::grouped;
use crate::id::DeliveryId;
use crate::ledger::State;
use crate::limits::{RATE_MEASURED_MIN, RATE_MEASURED_OVER};
use crate::send::Progress;
use crate::send::pace::Pacing;
use crate::time::{Timestamp, in_words};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Columns of the bar.
const BAR_COLUMNS: u64 = 20;

/// What a run is about, as far as its line shows it.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// Letters that are to go.
    pub letters: u64,
    /// `mail.forum.example:465`.
    pub relay: String,
    /// How fast they may go.
    pub pacing: Pacing,
    /// Acceptances of the last 24 hours, oldest first, where a daily limit counts them.
    pub earlier: Vec<Timestamp>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// As the screen says it.
    pub at: Timestamp,
    /// Since the start of the run.
    pub run: Duration,
}

/// Where a run stands.
#[derive(Debug)]
pub(super) struct RunLine {
    about: About,
    doing: Doing,
    /// Letters by their state.
    counts: [u64; State::ALL.len()],
    /// Each that is not accepted, and when a deferred one is due.
    others: HashMap<DeliveryId, (State, Option<Timestamp>)>,
    /// When letters came to an end lately.
    ended: VecDeque<Duration>,
    /// Since when letters go without a wait.
    going_since: Duration,
}

/// What a run does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Connecting,
    HandingOver,
    /// Until letters are due that are to be tried again.
    Waiting(Timestamp),
    /// Until the next letter may begin; whether the relay asked for that.
    WaitingForTurn(Timestamp, bool),
    /// Until a limit of a day is over.
    WaitingForLimit(Timestamp),
    /// The relay is left alone until then.
    Resting(Timestamp),
    Paused(Timestamp),
}

impl RunLine {
    /// Before anything has happened.
    pub(super) fn new(about: About) -> RunLine {
        RunLine {
            about,
            doing: Doing::Connecting,
            counts: [0; State::ALL.len()],
            others: HashMap::new(),
            ended: VecDeque::new(),
            going_since: Duration::ZERO,
        }
    }

    /// Takes in what happened.
    pub(super) fn see(&mut self, progress: &Progress, now: Moment) {
        match progress {
            Progress::Settled(id, state, due) => self.settle(*id, *state, *due, now),
            Progress::Connecting => self.unless_paused(Doing::Connecting),
            Progress::Connected | Progress::TakenUp => self.go_on(now),
            Progress::Waiting(until) => self.unless_paused(Doing::Waiting(*until)),
            Progress::WaitingForTurn { until, is_slowed } => {
                self.unless_paused(Doing::WaitingForTurn(*until, *is_slowed));
            }
            Progress::WaitingForLimit(until, _) => {
                self.unless_paused(Doing::WaitingForLimit(*until));
            }
            Progress::Resting(rest, _) => self.unless_paused(Doing::Resting(now.at.plus(*rest))),
            Progress::Paused(since) => self.doing = Doing::Paused(*since),
            Progress::SlowingDown(_) | Progress::FewerConnections(_) => {}
        }
    }

    /// While it is paused, letters under way still come to an end.
    fn unless_paused(&mut self, doing: Doing) {
        if !matches!(self.doing, Doing::Paused(_)) {
            self.doing = doing;
        }
    }

    fn go_on(&mut self, now: Moment) {
        self.doing = Doing::HandingOver;
        self.ended.clear();
        self.going_since = now.run;
    }

    fn settle(&mut self, id: DeliveryId, state: State, due: Option<Timestamp>, now: Moment) {
        if let Some((was, _)) = self.others.remove(&id) {
            self.counts[was as usize] -= 1;
        }
        self.counts[state as usize] += 1;
        if state == State::Accepted {
            if self.about.pacing.daily_limit.is_some() {
                self.about.earlier.push(now.at);
            }
        } else {
            self.others.insert(id, (state, due));
        }
        if state != State::Deferred {
            self.ended.push_back(now.run);
        }
        // While it waits for these no letter is under way, so one was begun since.
        let is_waiting = match self.doing {
            Doing::Waiting(_) | Doing::WaitingForLimit(_) => true,
            Doing::WaitingForTurn(until, _) => until <= now.at,
            _ => false,
        };
        if is_waiting {
            self.go_on(now);
        }
        let is_over = |at: &Duration| now.run.saturating_sub(*at) > RATE_MEASURED_OVER;
        while self.ended.front().is_some_and(is_over) {
            self.ended.pop_front();
        }
    }

    fn of(&self, state: State) -> u64 {
        self.counts[state as usize]
    }

    /// Letters that nothing more happens to in this run.
    fn over(&self) -> u64 {
        self.counts.iter().sum::<u64>() - self.of(State::Deferred)
    }

    /// The line, no wider than so many columns where that can be.
    pub(super) fn text(&self, now: Moment, columns: usize) -> String {
        if self.doing == Doing::Connecting && self.over() == 0 {
            return format!("connecting to {} ...", self.about.relay);
        }
        let letters = self.about.letters.max(self.over());
        let place = format!("{}/{}", grouped(self.over()), grouped(letters));
        let bar = format!("{}  {place}", bar(self.over(), letters));
        let (counted, doing) = (self.counted(), self.in_words(now));
        // The first that fits; what the run does is never left out.
        let forms = [
            vec![&bar, &counted, &doing],
            vec![&place, &counted, &doing],
            vec![&place, &doing],
            vec![&doing],
        ];
        let forms = forms.map(|parts| {
            let said = parts.into_iter().filter(|part| !part.is_empty());
            said.map(String::as_str).collect::<Vec<_>>().join("  ")
        });
        let fits = forms.iter().find(|form| !form.is_empty() && form.width() <= columns);
        fits.or(forms.iter().rev().find(|form| !form.is_empty())).cloned().unwrap_or_default()
    }

    /// `8 handed over, 2 refused, 1 not sure`: each letter once, without those that wait.
    fn counted(&self) -> String {
        let words = [
            (self.of(State::Accepted), "handed over"),
            (self.of(State::Rejected), "refused"),
            (self.of(State::Uncertain), "not sure"),
            (self.of(State::Expired), "given up"),
        ];
        let said = words.into_iter().filter(|(count, _)| *count > 0);
        said.map(|(count, words)| format!("{} {words}", grouped(count)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What the run does now.
    fn in_words(&self, now: Moment) -> String {
        let wait = match self.of(State::Deferred) {
            0 => String::new(),
            n => format!("{} wait", grouped(n)),
        };
        match self.doing {
            Doing::Connecting => joined([wait, "connecting ...".to_owned()]),
            Doing::HandingOver => {
                let known = [wait, self.rate(now), self.left(now)];
                let known = joined(known);
                let is_first = known.is_empty() && self.over() == 0;
                if is_first { "the first letters are on their way".to_owned() } else { known }
            }
            Doing::Waiting(until) => {
                let next = self.others.values().filter_map(|(_, due)| *due).min().unwrap_or(until);
                joined([wait, format!("next at {}", when(next.max(until), now.at))])
            }
            Doing::WaitingForTurn(until, is_slowed) => {
                let why = match (self.about.pacing.rate, is_slowed) {
                    (_, true) => " (the mail server wants it slower)".to_owned(),
                    (Some(rate), _) => format!(" (rate {})", rate_in_brief(rate)),
                    (None, _) => String::new(),
                };
                joined([wait, format!("next letter at {}{why}", when(until, now.at))])
            }
            Doing::WaitingForLimit(until) => {
                format!("the limit of a day is reached, next at {}", when(until, now.at))
            }
            Doing::Resting(until) => {
                format!("the mail server is left alone until {}", when(until, now.at))
            }
            Doing::Paused(since) => paused_since(since, now.at),
        }
    }

    /// `17 a minute`, once it can be known.
    fn rate(&self, now: Moment) -> String {
        match self.a_minute(now) {
            Some(rate) if rate >= 0.5 => format!("{} a minute", grouped(rate.round() as u64)),
            _ => String::new(),
        }
    }

    /// Letters a minute that come to an end, of the last minute.
    fn a_minute(&self, now: Moment) -> Option<f64> {
        let measured = now.run.saturating_sub(self.going_since).min(RATE_MEASURED_OVER);
        let is_known = measured >= RATE_MEASURED_MIN && !self.ended.is_empty();
        is_known.then(|| self.ended.len() as f64 * 60.0 / measured.as_secs_f64())
    }

    /// `4 minutes left`: by the limits as the plan reckons, by what was measured, and until the
    /// last letter that waits is due, whichever is longest.
    fn left(&self, now: Moment) -> String {
        let fresh = self.about.letters.saturating_sub(self.counts.iter().sum());
        let Pacing { rate, daily_limit } = self.about.pacing;
        let measured = self.a_minute(now).map(|rate| fresh as f64 * 60.0 / rate.max(0.01));
        if measured.is_none() && rate.is_none() && daily_limit.is_none() {
            return String::new();
        }
        let measured = Duration::try_from_secs_f64(measured.unwrap_or(0.0)).unwrap_or_default();
        let limited = self.about.pacing.estimate(fresh, &self.about.earlier, now.at);
        let last_due = self.others.values().filter_map(|(_, due)| *due).max();
        let due = last_due.map_or(Duration::ZERO, |due| due.since(now.at));
        match measured.max(limited).max(due) {
            left if left < Duration::from_secs(1) => String::new(),
            left => format!("{} left", in_words(left)),
        }
    }
}

/// `paused since 10:02; secretariat resume lets it go on`.
pub(super) fn paused_since(since: Timestamp, now: Timestamp) -> String {
    format!("paused since {}; secretariat resume lets it go on", when(since, now))
}

fn joined<const N: usize>(parts: [String; N]) -> String {
    let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(", ")
}

fn bar(over: u64, letters: u64) -> String {
    let filled = (over * BAR_COLUMNS).checked_div(letters).unwrap_or(0).min(BAR_COLUMNS);
    let of = |mark: &str, columns: u64| mark.repeat(usize::try_from(columns).unwrap_or(0));
    of("━", filled) + &of("─", BAR_COLUMNS - filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::pace::Rate;
    use std::num::{NonZeroU32, NonZeroU64};

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-05T09:30:00Z").unwrap()
    }

    fn at(seconds: u64) -> Moment {
        let run = Duration::from_secs(seconds);
        Moment { at: start().plus(run), run }
    }

    fn line(letters: u64, pacing: Pacing) -> RunLine {
        let relay = "mail.forum.example:465".to_owned();
        RunLine::new(About { letters, relay, pacing, earlier: Vec::new() })
    }

    fn settled(n: u8, state: State) -> Progress {
        let due = (state == State::Deferred).then(|| start().plus(Duration::from_secs(900)));
        Progress::Settled(DeliveryId::from_bytes([n; 15]), state, due)
    }

    /// What was seen by an officer: `13/7 3 accepted, 6 deferred ... 0s left`.
    #[test]
    fn letters_are_counted_and_not_attempts() {
        let mut line = line(7, Pacing::default());
        line.see(&Progress::Connected, at(0));
        for n in 1..=6 {
            line.see(&settled(n, State::Deferred), at(1));
        }
        for (n, state) in [(1, State::Accepted), (2, State::Rejected), (3, State::Uncertain)] {
            line.see(&settled(n, state), at(2));
        }
        line.see(&settled(4, State::Expired), at(3));
        line.see(&settled(5, State::Deferred), at(3));
        line.see(&settled(7, State::Accepted), at(3));
        let until = start().plus(Duration::from_secs(900));
        line.see(&Progress::Waiting(until), at(4));
        let text = line.text(at(4), 100);
        let next = until.local_time();
        assert_eq!(
            text,
            format!(
                "━━━━━━━━━━━━━━──────  5/7  2 handed over, 1 refused, 1 not sure, 1 given up  \
                 2 wait, next at {next}"
            )
        );
        for columns in 24..100 {
            assert!(line.text(at(4), columns).width() <= columns, "{columns}");
        }
        line.see(&settled(5, State::Accepted), at(900));
        line.see(&settled(6, State::Accepted), at(900));
        let text = line.text(at(901), 100);
        assert!(text.ends_with("7/7  4 handed over, 1 refused, 1 not sure, 1 given up"), "{text}");
    }

    #[test]
    fn nothing_is_said_of_a_rate_after_a_moment() {
        let mut line = line(600, Pacing::default());
        assert_eq!(line.text(at(0), 78), "connecting to mail.forum.example:465 ...");
        line.see(&Progress::Connected, at(0));
        assert!(line.text(at(1), 78).ends_with("0/600  the first letters are on their way"));
        line.see(&settled(1, State::Accepted), at(1));
        assert!(line.text(at(1), 78).ends_with("1/600  1 handed over"));
        for n in 2..=60 {
            line.see(&settled(n, State::Accepted), at(u64::from(n)));
        }
        let text = line.text(at(60), 78);
        assert!(text.ends_with("60/600  60 handed over  60 a minute, 9 minutes left"), "{text}");
    }

    /// With `60/min` and `daily_limit = 8` the plan said 81 days and the line 8 minutes.
    #[test]
    fn the_rest_takes_as_long_as_the_plan_says() {
        let rate = Rate { letters: NonZeroU32::new(60).unwrap(), per: Duration::from_secs(60) };
        let pacing = Pacing { rate: Some(rate), daily_limit: NonZeroU64::new(8) };
        let mut line = line(650, pacing);
        line.see(&Progress::Connected, at(0));
        for n in 1..=6 {
            line.see(&settled(n, State::Accepted), at(u64::from(n)));
        }
        let text = line.text(at(6), 78);
        assert!(text.ends_with("6 handed over  81 days left"), "{text}");
    }

    #[test]
    fn a_wait_is_said_as_what_it_is() {
        let rate = Rate { letters: NonZeroU32::MIN, per: Duration::from_secs(3_600) };
        let mut line = line(3, Pacing { rate: Some(rate), daily_limit: None });
        line.see(&Progress::Connected, at(0));
        line.see(&settled(1, State::Accepted), at(1));
        let until = start().plus(Duration::from_secs(3_600));
        line.see(&Progress::WaitingForTurn { until, is_slowed: false }, at(2));
        let next = until.local_time();
        let text = line.text(at(2), 78);
        assert!(text.ends_with(&format!("next letter at {next} (rate 1/h)")), "{text}");
        line.see(&Progress::Paused(at(5).at), at(5));
        line.see(&settled(2, State::Accepted), at(6));
        let since = start().local_time();
        let text = line.text(at(6), 78);
        let words = format!("paused since {since}; secretariat resume lets it go on");
        assert!(text.ends_with(&words), "{text}");
        line.see(&Progress::TakenUp, at(7));
        assert!(!line.text(at(7), 78).contains("paused"));
    }

    #[test]
    fn another_connection_that_is_opened_hides_no_letters() {
        let mut line = line(3, Pacing::default());
        line.see(&Progress::Connected, at(0));
        line.see(&settled(1, State::Accepted), at(1));
        line.see(&Progress::Connecting, at(2));
        assert!(line.text(at(2), 78).ends_with("1/3  1 handed over  connecting ..."));
    }
}
