//! The progress line of a run: counts, rate, time left.

use super::ui::{Ui, grouped};
use crate::ledger::State;
use crate::send::Progress;
use crate::time::in_words;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Shows a run as it goes: a line that changes on a terminal, nothing elsewhere.
pub(super) struct Watcher {
    bar: ProgressBar,
    /// `mail.forum.example:465`.
    relay: String,
    counts: BTreeMap<State, u64>,
}

/// What stands on the line. The rate and the time left are of this run.
const LINE: &str = "{bar:28} {pos}/{len}  {msg}  {rate}  {eta} left";
/// While nothing has been answered yet.
const OPENING: &str = "{spinner} {msg}";

impl Watcher {
    /// A line for a run with this many letters to go.
    #[must_use]
    pub(super) fn new(ui: Ui, letters: u64, relay: &str) -> Watcher {
        let is_shown = !ui.is_json && !ui.is_quiet;
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(letters), target);
        let watcher = Watcher { bar, relay: relay.to_owned(), counts: BTreeMap::new() };
        // Before the first tick, which would draw a line as wide as the terminal.
        watcher.open();
        watcher.bar.enable_steady_tick(Duration::from_millis(200));
        watcher
    }

    /// Takes in what happened.
    pub(super) fn see(&mut self, progress: &Progress) {
        match progress {
            Progress::Connecting => self.open(),
            Progress::Settled(state) => {
                *self.counts.entry(*state).or_default() += 1;
                self.show(LINE);
                self.bar.inc(1);
                self.bar.set_message(self.counted());
            }
            other => self.bar.println(in_words_of(other)),
        }
    }

    fn open(&self) {
        self.show(OPENING);
        self.bar.set_message(format!("connecting to {} ...", self.relay));
    }

    fn show(&self, pattern: &str) {
        // The pattern is a constant; were it wrong, the plain bar would do.
        if let Ok(style) = ProgressStyle::with_template(pattern) {
            self.bar.set_style(style.progress_chars("━╸─").with_key("rate", rate));
        }
    }

    fn counted(&self) -> String {
        let words =
            self.counts.iter().map(|(state, n)| format!("{} {}", grouped(*n), state.as_str()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Takes the line away: the summary says it all.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// `2140 a minute`.
fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // A line that cannot be written is a line nobody sees.
    let _ = write!(out, "{:.0} a minute", state.per_sec() * 60.0);
}

/// What changed, for whoever sits in front of it.
fn in_words_of(progress: &Progress) -> String {
    match progress {
        Progress::Connecting | Progress::Settled(_) => String::new(),
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
            "Waiting until {} for letters that are to be tried again. You may stop with Ctrl-C and \
             run the same command later.",
            until.local_time()
        ),
        Progress::WaitingForLimit(until, None) => {
            format!("[relay] daily_limit is reached: waiting until {}.", until.local_time())
        }
        Progress::WaitingForLimit(until, Some(words)) => {
            format!("The mail server: {words}. Waiting until {}.", until.local_time())
        }
        Progress::Paused => "Paused from another terminal; secretariat resume goes on.".to_owned(),
        Progress::TakenUp => "Going on.".to_owned(),
    }
}
