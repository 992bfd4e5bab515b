//! A run as it is watched: one line that changes on a terminal, and what happens in sentences.
//!
//! Owns the drawing. What the line says is `run_line.rs`. Without a terminal there is no line; what
//! a person must know (a pause, a wait, a rest) is a line of standard error each.

use super::run_line::{About, Moment, RunLine, paused_since};
use super::standing::when;
use super::ui::{Ui, terminal_columns};
use crate::send::Progress;
use crate::time::{Clock, Timestamp, in_words};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Shows a run as it goes.
pub(super) struct Watcher {
    ui: Ui,
    clock: Clock,
    bar: ProgressBar,
    line: RunLine,
    /// What was said of waiting for letters, which is worth saying once.
    has_said_waiting: bool,
}

/// What is drawn: cut where the terminal ends, so that it never wraps.
const PATTERN: &str = "{spinner} {wide_msg}";
/// Columns of the pattern that are not the text's, and one that stays free.
const PATTERN_COLUMNS: usize = 3;

impl Watcher {
    /// A line for a run.
    #[must_use]
    pub(super) fn new(ui: Ui, clock: Clock, about: About) -> Watcher {
        let is_shown = !ui.is_json && !ui.is_quiet;
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(about.letters), target);
        // The pattern is a constant; were it wrong, the plain bar would do.
        if let Ok(style) = ProgressStyle::with_template(PATTERN) {
            bar.set_style(style);
        }
        let line = RunLine::new(about);
        let watcher = Watcher { ui, clock, bar, line, has_said_waiting: false };
        // Before the first tick, which would draw a line as wide as the terminal.
        watcher.draw();
        watcher.bar.enable_steady_tick(Duration::from_millis(200));
        watcher
    }

    /// Takes in what happened.
    pub(super) fn see(&mut self, progress: &Progress) {
        let now = Moment { at: self.clock.now(), run: self.clock.elapsed() };
        self.line.see(progress, now);
        if let Some(words) = self.worth_saying(progress, now.at) {
            self.say(&words);
        }
        self.draw();
    }

    fn draw(&self) {
        if !self.bar.is_hidden() {
            let now = Moment { at: self.clock.now(), run: self.clock.elapsed() };
            let columns = terminal_columns().saturating_sub(PATTERN_COLUMNS);
            self.bar.set_message(self.line.text(now, columns));
        }
    }

    /// Above the line where there is one.
    fn say(&self, words: &str) {
        self.bar.suspend(|| self.ui.say(words));
    }

    fn worth_saying(&mut self, progress: &Progress, now: Timestamp) -> Option<String> {
        let is_wait = matches!(progress, Progress::Waiting(_) | Progress::WaitingForTurn { .. });
        if is_wait && std::mem::replace(&mut self.has_said_waiting, true) {
            return None;
        }
        in_words_of(progress, now)
    }

    /// Takes the line away: the summary says it all.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// What changed, for whoever sits in front of it; nothing where the line says enough.
fn in_words_of(progress: &Progress, now: Timestamp) -> Option<String> {
    Some(match progress {
        Progress::Connecting | Progress::Connected | Progress::Settled(..) => return None,
        Progress::Resting(rest, words) => {
            format!("The mail server: {words}. Trying again in {}.", in_words(*rest))
        }
        Progress::SlowingDown(words) => {
            format!("The mail server: {words}. Going on at half the speed, on one connection.")
        }
        Progress::FewerConnections(1) => {
            "The mail server wants fewer connections: one now.".to_owned()
        }
        Progress::FewerConnections(left) => {
            format!("The mail server wants fewer connections: {left} now.")
        }
        Progress::Waiting(until) => format!(
            "Waiting until {} for letters that are to be tried again. You may stop with Ctrl-C \
             and run the same command later.",
            when(*until, now)
        ),
        Progress::WaitingForTurn { until, .. } => format!(
            "The next letter goes at {}. You may stop with Ctrl-C and run the same command later.",
            when(*until, now)
        ),
        Progress::WaitingForLimit(until, None) => {
            format!("[relay] daily_limit is reached: waiting until {}.", when(*until, now))
        }
        Progress::WaitingForLimit(until, Some(words)) => {
            format!("The mail server: {words}. Waiting until {}.", when(*until, now))
        }
        Progress::Paused(since) => {
            format!("From another terminal: {}.", paused_since(*since, now))
        }
        Progress::TakenUp => "Going on.".to_owned(),
    })
}
