//! How a campaign stands, for people: the counts, who needs a look, the next step.
//!
//! # Invariants
//! A state has one name, in the counts and beside an address. Of a few letters each is named; of
//! many those with the same answer share a line, unless all are asked for.

use super::meaning::Meanings;
use super::shell::Shell;
use super::standing::{HandOvers, Standing, is_gone, moment, when};
use super::ui::{BOLD, DIM, grouped, one_line, plural, terminal_columns};
use super::wrapping::{wrapped, wrapped_lines};
use crate::ledger::{Holder, State, StoredDelivery};
use crate::send::breaker::masked;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Letters named one by one; of more than these, those with the same answer share a line.
const NAMED_MAX: usize = 20;
/// Letters with the same answer that share a line from this many on. Uncertain ones never do: each
/// of them is asked about.
const GROUPED_FROM: usize = 4;

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Columns of the terminal.
    pub columns: usize,
    /// Everybody is to be named.
    pub is_verbose: bool,
    /// The time it is.
    pub now: Timestamp,
}

impl View {
    /// As this process is looked at.
    #[must_use]
    pub(super) fn of(shell: &Shell) -> View {
        let (columns, now) = (terminal_columns(), shell.clock().now());
        View { columns, is_verbose: shell.ui.is_verbose, now }
    }
}

impl Standing {
    /// The counts, then who needs a look, then the next step.
    #[must_use]
    pub(super) fn to_text(&self, view: &View) -> String {
        let campaign = &self.campaign;
        if self.fingerprint.is_none() {
            let next = format!("Next: secretariat send {campaign} --dry-run shows the plan.\n");
            return self.held() + &format!("{campaign}: nothing was sent yet.\n{next}");
        }
        let mut text =
            format!("{BOLD}{campaign}: {} handed to the mail server{BOLD:#}\n", self.handed_over());
        text.push_str(&self.held());
        text.push_str(&self.counted());
        text.push_str(&self.named(view));
        let next = self.next_step(view);
        text.push_str(&wrapped_lines(&next, view.columns));
        text
    }

    /// `640 of 648 letters`, `640 of 648 letters and 212 of 212 copies`.
    fn handed_over(&self) -> String {
        let [all, copies] =
            [&self.counts, &self.copies].map(|c| (c.of(State::Accepted), c.total()));
        let of = |(accepted, total): (u64, u64), word: &str| {
            format!("{} of {}", grouped(accepted), plural(total, word))
        };
        let letters =
            of((all.0.saturating_sub(copies.0), all.1.saturating_sub(copies.1)), "letter");
        if copies.1 == 0 { letters } else { format!("{letters} and {}", of(copies, "copy")) }
    }

    /// What a person ordered for the whole mailing.
    fn held(&self) -> String {
        let mut text = String::new();
        if let Some(since) = self.withdrawn_at {
            let _ = writeln!(text, "Withdrawn on {}.", moment(since));
        }
        if let Some(since) = self.paused_since {
            let _ = writeln!(text, "Paused since {}: nothing goes.", moment(since));
        }
        text
    }

    fn counted(&self) -> String {
        let mut text = String::new();
        let mut line = |count: u64, words: &str| {
            if count > 0 {
                let _ = writeln!(text, "{:>8}  {words}", grouped(count));
            }
        };
        let hand_overs = self.hand_overs();
        let in_files = hand_overs.iter().map(|to| to.deliveries + to.broken_off).sum();
        for to in &hand_overs {
            line(to.deliveries, &format!("handed over to {} as files", to.folder));
            line(
                to.broken_off,
                &format!("not sure: the hand-over to {} was broken off", to.folder),
            );
        }
        for (state, words) in WORDS {
            let gone = self.gone(state);
            let words = match state {
                State::Attempting if !self.is_running => LEFT_IN_DOUBT,
                State::Uncertain => "not sure: lost in the moment of handing over",
                _ => words,
            };
            let of_files = if state == State::Uncertain { in_files } else { 0 };
            line((self.counts.of(state) - gone).saturating_sub(of_files), words);
            line(gone, &format!("{words}, no longer in the lists"));
        }
        text
    }

    fn named(&self, view: &View) -> String {
        // A folder is settled as one.
        let is_told = |d: &&StoredDelivery| !is_gone(d) && !is_in_folder(d);
        let meant = self.attention.iter().filter(|d| view.is_verbose || is_told(d));
        let meant: Vec<&StoredDelivery> = meant.collect();
        let is_each = view.is_verbose || meant.len() <= NAMED_MAX;
        let lines = match is_each {
            true => meant.into_iter().map(|delivery| vec![delivery]).collect(),
            false => lines(&meant),
        };
        let shown = if is_each { lines.len() } else { NAMED_MAX };
        let mut text = String::new();
        for letters in lines.iter().take(shown) {
            text.push_str(&line_of(letters, view, &self.meanings));
        }
        let left: usize = lines.iter().skip(shown).map(Vec::len).sum();
        if left > 0 {
            let _ = writeln!(text, "  {DIM}... and {} more{DIM:#}", grouped(left as u64));
        }
        if !is_each {
            let _ = writeln!(text, "  {DIM}secretariat status -v names all{DIM:#}");
        }
        text
    }

    /// What to do next, and what to do beside it.
    fn next_step(&self, view: &View) -> String {
        if self.doubted.is_some() {
            // What to do stands with the warning.
            return String::new();
        }
        let campaign = &self.campaign;
        // What a run left on its way is no longer waiting for one.
        let left = if self.is_running { 0 } else { self.counts.of(State::Attempting) };
        if self.waiting() > left {
            let doubts = match self.in_doubt_at_relay() {
                1 => "Meanwhile, about the one not sure".to_owned(),
                n => format!("Meanwhile, about the {} not sure", grouped(n)),
            };
            let doubts = self.ask_about_doubts(&doubts);
            return self.next_for_waiting(view) + &doubts + &self.ask_about_folders("Meanwhile");
        }
        if self.in_doubt() > 0 {
            return self.ask_about_doubts("Next") + &self.ask_about_folders("Next");
        }
        let rejected = self.counts.of(State::Rejected) - self.gone(State::Rejected);
        if rejected == 0 && self.for_a_person() > 0 {
            return "Next: write to these people in another way; their letters were given up.\n"
                .to_owned();
        }
        if self.for_a_person() > 0 {
            return format!(
                "Next: mend the addresses in the list and run secretariat send {campaign}; who \
                 has the letter keeps it.\n"
            );
        }
        if self.withdrawn_at.is_some() {
            return format!(
                "Who has the letter keeps it. To send it to the others after all: secretariat \
                 send {campaign} asks again.\n"
            );
        }
        "Complete. Another letter: secretariat new NAME.\n".to_owned()
    }

    fn next_for_waiting(&self, view: &View) -> String {
        let campaign = &self.campaign;
        let at_work = at_work(self.run.as_ref(), view.now);
        match (self.is_running, self.paused_since.is_some()) {
            (true, true) => format!(
                "{at_work}.\nNext: secretariat resume {campaign}; the run at work goes on then by \
                 itself.\n"
            ),
            (true, false) => format!(
                "{at_work}.\nNext: wait for it; secretariat status {campaign} shows how far it \
                 is, secretariat pause {campaign} holds it.\n"
            ),
            (false, true) => {
                format!("Next: secretariat resume {campaign}, then secretariat send {campaign}.\n")
            }
            (false, false) if self.withdrawn_at.is_some() => format!(
                "Next: secretariat send {campaign} --person WHO, or --first N, goes on with those \
                 who wait; without these it asks about the withdrawn letters too.\n"
            ),
            (false, false) => format!(
                "Next: secretariat send {campaign}{}; it goes on where it stopped, nobody gets it \
                 twice.\n",
                self.from(view.now)
            ),
        }
    }

    /// ` from 14:35 on`, where it makes no sense before.
    fn from(&self, now: Timestamp) -> String {
        let due = self.next_due.filter(|_| {
            let at_once = [State::Planned, State::Attempting].map(|s| self.counts.of(s));
            at_once == [0, 0]
        });
        match self.limited_until.max(due).filter(|at| *at > now) {
            Some(at) => format!(" from {} on", when(at, now)),
            None => String::new(),
        }
    }

    /// How a letter in doubt is settled, to be done `when`; nothing where there is none.
    fn ask_about_doubts(&self, when: &str) -> String {
        let them = match self.in_doubt_at_relay() {
            0 => return String::new(),
            1 => "it",
            _ => "them",
        };
        format!(
            "{when}: ask the administrators of the mail server whether it has {them} (secretariat \
             why ADDRESS shows the Message-ID), then say so:\n  \
             secretariat resolve ADDRESS --accepted --reason \"how you know\"\n  \
             secretariat resolve ADDRESS --resend --reason \"how you know\"\n"
        )
    }
}

impl Standing {
    /// How letters in folders are settled, to be done `when`: all of a folder at once.
    fn ask_about_folders(&self, when: &str) -> String {
        let campaign = &self.campaign;
        let mut text = String::new();
        for HandOvers { folder, broken_off, .. } in self.hand_overs() {
            text.push_str(&match broken_off {
                0 => format!(
                    "{when}: have the files in {folder} sent by its list, manifest.xlsx; once you \
                     know that they went, or that none did:\n  \
                     secretariat resolve --handed-over \"{folder}\" --accepted --reason \"how you \
                     know\"\n  \
                     secretariat resolve --handed-over \"{folder}\" --resend --reason \"how you \
                     know\"\n"
                ),
                _ => format!(
                    "{when}: secretariat send {campaign} --hand-over \"{folder}\" finishes what is \
                     there; pass nothing of it on before.\n"
                ),
            });
        }
        text
    }
}

/// Whether a letter is one of a folder's, which is told of as a whole.
fn is_in_folder(delivery: &StoredDelivery) -> bool {
    delivery.state == State::Uncertain && delivery.hand_over().is_some()
}

/// `A run is at work since 09:56 (desk-3, process 4711)`.
fn at_work(run: Option<&Holder>, now: Timestamp) -> String {
    match run {
        Some(Holder { pid, host, since }) => {
            format!("A run is at work since {} ({host}, process {pid})", when(*since, now))
        }
        None => "A run is at work".to_owned(),
    }
}

/// What stands on one line: a letter, or all with the same answer.
fn lines<'d>(meant: &[&'d StoredDelivery]) -> Vec<Vec<&'d StoredDelivery>> {
    let mut groups: Vec<Vec<&StoredDelivery>> = Vec::new();
    let mut at: HashMap<(State, String), usize> = HashMap::new();
    for delivery in meant {
        let answer = masked(&delivery.last_words().unwrap_or_default());
        let new = groups.len();
        match *at.entry((delivery.state, answer)).or_insert(new) {
            known if known < new => groups[known].push(delivery),
            _ => groups.push(vec![delivery]),
        }
    }
    let is_shared = |group: &Vec<&StoredDelivery>| {
        let is_asked_about = matches!(group[0].state, State::Uncertain | State::Attempting);
        group.len() >= GROUPED_FROM && !is_asked_about
    };
    let apart = |group: Vec<_>| group.into_iter().map(|letter| vec![letter]).collect();
    let lines = |group| if is_shared(&group) { vec![group] } else { apart(group) };
    groups.into_iter().flat_map(lines).collect()
}

/// The first letter of a line, how many are like it, and what was answered to it.
fn line_of(letters: &[&StoredDelivery], view: &View, meanings: &Meanings) -> String {
    let Some(first) = letters.first() else { return String::new() };
    let others = match letters.len() as u64 - 1 {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        more => format!(" and {} others", grouped(more)),
    };
    let due = letters.iter().filter_map(|d| d.due_at).min();
    let state = match (first.state, due) {
        (State::Attempting, _) => LEFT_IN_DOUBT.to_owned(),
        (State::Deferred, Some(due)) if letters.len() > 1 => {
            format!("will be tried again from {} on", when(due, view.now))
        }
        (State::Deferred, Some(due)) => {
            format!("will be tried again at {}", when(due, view.now))
        }
        (state, _) => WORDS.iter().find(|(s, _)| *s == state).map_or("", |(_, w)| *w).to_owned(),
    };
    let gone = if is_gone(first) { ", no longer in the lists" } else { "" };
    let in_our_words = |words: String| match meanings.meaning(&words) {
        Some(meaning) => meaning.what,
        None => one_line(&words),
    };
    let words = first.last_words().map(|words| format!(": {}", in_our_words(words)));
    let words = words.filter(|_| first.state != State::Attempting).unwrap_or_default();
    let of = first.copy_of.as_ref().filter(|_| letters.len() == 1);
    let of = of.map(|letter| format!(" (copy of the letter to {})", letter.address));
    let of = of.unwrap_or_default();
    let line = format!("  {}{of}{others} {DIM}{state}{gone}{words}{DIM:#}", first.address);
    wrapped(&line, view.columns, 4) + "\n"
}

/// What a run that was stopped has left, until the next one looks.
const LEFT_IN_DOUBT: &str = "not sure: a run was stopped while handing over";

/// States in the officer's words, in order. How many were accepted stands above all.
const WORDS: [(State, &str); 8] = [
    (State::Planned, "waiting"),
    (State::Attempting, "on their way"),
    (State::Deferred, "will be tried again"),
    (State::Rejected, "refused for good"),
    (State::Uncertain, "not sure"),
    (State::Expired, "given up"),
    (State::Cancelled, "withdrawn"),
    (State::Suppressed, "not written to"),
];
