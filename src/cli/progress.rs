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
        bar.enable_steady_tick(Duration::from_millis(200));
        Watcher { bar, relay: relay.to_owned(), counts: BTreeMap::new() }
    }

    /// Takes in what happened.
    pub(super) fn see(&mut self, progress: &Progress) {
        match progress {
            Progress::Connecting => {
                self.show(OPENING);
                self.bar.set_message(format!("connecting to {} ...", self.relay));
            }
            Progress::Settled(state) => {
                *self.counts.entry(*state).or_default() += 1;
                self.show(LINE);
                self.bar.inc(1);
                self.bar.set_message(self.counted());
            }
            Progress::Resting(rest, words) => {
                self.bar.println(format!(
                    "The mail server: {words}. Trying again in {}.",
                    in_words(*rest)
                ));
            }
            Progress::Waiting(until) => {
                self.bar.println(format!(
                    "Waiting until {} for letters that are to be tried again. You may stop with \
                     Ctrl-C and run the same command later.",
                    until.local_time()
                ));
            }
        }
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
