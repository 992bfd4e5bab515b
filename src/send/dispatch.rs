//! Which letter goes next, on which connection, and what an outcome changes for all of them.
//!
//! Owns the state of a run between its connections: the letters still to go, rests and pauses, the
//! pace, the breaker, how many connections there may be. Pure: outcomes and the time come in,
//! decisions go out. Who connects, sleeps and records is `connection.rs`.
//!
//! # Invariants
//! A letter is in one hand at a time: it waits here, or one connection has it. What ends the run is
//! said once and stays; letters that a connection has are finished all the same. After the breaker
//! has tripped no refusal about us rejects anybody.

use super::breaker::Breaker;
use super::conditions::{Patience, Progress, Stopped};
use super::decide::{Blame, Decision, ForLetter, ForRun, Wait, decide};
use super::halt::Halt;
use super::pace::Pace;
use super::retry::{Next as NextTry, Retry, next as next_try};
use crate::id::DeliveryId;
use crate::ledger::{FrozenDelivery, OpenLetter, State};
use crate::limits::{
    CONNECTION_IDLE_MAX, DAILY_LIMIT_PAUSE_MIN, DOUBTS_IN_A_ROW_MAX, LOOK_AGAIN_AFTER,
    LOST_IN_A_ROW_MAX, RELAY_RESTS, WAIT_FOR_RETRY_MAX,
};
use crate::time::Timestamp;
use crate::transport::{Ending, Outcome, Stage};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// What is stored.
    pub at: Timestamp,
    /// Since the start of the run: pace and rests.
    pub run: Duration,
}

/// What a connection does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Hand over this letter.
    Letter(DeliveryId),
    /// Ask again after this time or a change; take leave of the relay meanwhile where it is long.
    Wait { sleep: Duration, leave: bool },
    /// There are too many connections: take leave, then ask again.
    GiveWay,
    /// The run is over for it.
    Leave,
}

/// What a connection does with a letter that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may begin.
    Now,
    /// Ask again after this time or a change.
    Wait(Duration),
    /// No letter may go just now: put it back, and ask what is next.
    PutBack,
}

/// What is fixed for a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) connections: usize,
    pub(super) retry: Retry,
    pub(super) patience: Patience,
}

/// What is recorded of a letter that got an answer, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// The state it comes to and when it is due again; `None`: it stays as it was.
    pub(super) to: Option<(State, Option<Timestamp>)>,
    /// Letters that were rejected before and go back to deferred, due at once.
    pub(super) back: Vec<DeliveryId>,
}

/// The state of a run between its connections.
#[derive(Debug)]
pub(super) struct Dispatch {
    rules: Rules,
    pace: Pace,
    breaker: Breaker,
    /// What the breaker has found, once it has tripped.
    tripped: Option<Halt>,
    /// Letters never tried, in the order of the list.
    planned: VecDeque<DeliveryId>,
    /// Letters to be tried again, the earliest on top, then in the order in which they came.
    deferred: BinaryHeap<Reverse<(Timestamp, u64, DeliveryId)>>,
    deferrals: u64,
    /// Letters that connections have.
    in_hand: usize,
    /// Those of them that have not begun.
    to_begin: usize,
    /// Connections open or being opened.
    places: usize,
    /// How many there may be, since the relay may have asked for fewer.
    places_max: usize,
    /// The relay has to prove first that it talks to us: one connection.
    is_probing: bool,
    /// The relay has talked to us in this run.
    has_talked: bool,
    /// The relay rests until this time of the run.
    rests_until: Duration,
    /// Rests since the last acceptance.
    rests: usize,
    /// The relay asked for less and has accepted nothing since.
    slowed_in_vain: bool,
    lost_in_a_row: u32,
    doubts_in_a_row: u32,
    /// The relay spoke of a limit: no letter before then; its words.
    limited: Option<(Timestamp, String)>,
    /// The mailing is paused since this time of the run.
    paused_since: Option<Duration>,
    /// What was said of a wait last, so that it is said once.
    announced: Option<Timestamp>,
    /// The turn that was said last, as a time of the run.
    announced_turn: Option<Duration>,
    stopped: Option<Stopped>,
    accepted: u64,
    something_went: bool,
    news: Vec<Progress>,
}

impl Dispatch {
    pub(super) fn new(rules: Rules, pace: Pace) -> Dispatch {
        Dispatch {
            rules,
            pace,
            breaker: Breaker::default(),
            tripped: None,
            planned: VecDeque::new(),
            deferred: BinaryHeap::new(),
            deferrals: 0,
            in_hand: 0,
            to_begin: 0,
            places: 0,
            places_max: rules.connections,
            is_probing: true,
            has_talked: false,
            rests_until: Duration::ZERO,
            rests: 0,
            slowed_in_vain: false,
            lost_in_a_row: 0,
            doubts_in_a_row: 0,
            limited: None,
            paused_since: None,
            announced: None,
            announced_turn: None,
            stopped: None,
            accepted: 0,
            something_went: false,
            news: Vec::new(),
        }
    }

    /// Takes in the letters that are to go, in the order of the list; the run can begin, or begin
    /// again after it was complete.
    pub(super) fn fill(&mut self, letters: impl IntoIterator<Item = OpenLetter>) {
        self.stopped = None;
        for letter in letters {
            match letter.due_at {
                None => self.planned.push_back(letter.id),
                Some(due_at) => self.defer(letter.id, due_at),
            }
        }
    }

    /// The relay spoke of a limit in an earlier run, and it is not over.
    pub(super) fn limit(&mut self, until: Timestamp, words: String) {
        self.limited = Some((until, words));
    }

    /// What happened since the last asking, for whoever watches.
    pub(super) fn news(&mut self) -> Vec<Progress> {
        std::mem::take(&mut self.news)
    }

    /// Why the run ended, once it has.
    pub(super) fn stopped(&self) -> Option<&Stopped> {
        self.stopped.as_ref()
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) fn something_went(&self) -> bool {
        self.something_went
    }

    /// Ends the run; the first reason stands.
    pub(super) fn stop(&mut self, why: Stopped) {
        self.stopped.get_or_insert(why);
    }

    /// Somebody has paused the mailing, or let it go on.
    pub(super) fn pause(&mut self, is_paused: bool, now: Now) {
        match (is_paused, self.paused_since) {
            (true, None) => {
                self.paused_since = Some(now.run);
                self.news.push(Progress::Paused(now.at));
            }
            (false, Some(_)) => {
                self.paused_since = None;
                self.news.push(Progress::TakenUp);
            }
            _ => {}
        }
    }

    /// What a connection does next; `has_place`: it is open.
    pub(super) fn next(&mut self, has_place: bool, now: Now) -> Next {
        if self.stopped.is_some() {
            return Next::Leave;
        }
        let parked = Next::Wait { sleep: LOOK_AGAIN_AFTER, leave: true };
        let places_max =
            if self.is_probing || self.pace.is_slowed(now.run) { 1 } else { self.places_max };
        match has_place {
            true if self.places > places_max => return Next::GiveWay,
            false if self.places >= places_max => return parked,
            _ => {}
        }
        // Before what may hold letters: a pause holds nobody where nothing is left to go.
        let earliest = self.earliest_due();
        if earliest.is_none() && self.in_hand == 0 {
            self.stop(Stopped::Complete);
            return Next::Leave;
        }
        if let Some(held) = self.held(now) {
            return held;
        }
        let Some(due) = earliest else {
            return Next::Wait { sleep: CONNECTION_IDLE_MAX, leave: false };
        };
        if due > now.at {
            return self.wait_until(due, now, Stopped::WaitingUntil, Progress::Waiting);
        }
        if let Some(free) = self.pace.free_again(self.in_hand, now.at) {
            let news = |until| Progress::WaitingForLimit(until, None);
            return self.wait_until(free, now, Stopped::DailyLimit, news);
        }
        let wait = self.pace.wait(now.run);
        // One letter waits for its turn on a connection, and not for so long that the relay tires.
        if wait > CONNECTION_IDLE_MAX {
            self.announce_turn(wait, now);
        }
        if wait > CONNECTION_IDLE_MAX || (!wait.is_zero() && self.to_begin > 0) {
            return waiting(wait);
        }
        self.take(has_place, now)
    }

    /// Says once when the next letter may begin.
    fn announce_turn(&mut self, wait: Duration, now: Now) {
        let turn = now.run + wait;
        if self.announced_turn.replace(turn) != Some(turn) {
            let is_slowed = self.pace.is_slowed(now.run);
            // Whole seconds, begun ones counted.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let until = now.at.plus(Duration::from_secs(seconds));
            self.news.push(Progress::WaitingForTurn { until, is_slowed });
        }
    }

    /// Why no letter may go at all just now.
    fn held(&mut self, now: Now) -> Option<Next> {
        if let Some(since) = self.paused_since {
            let is_over = match self.rules.patience {
                Patience::None => true,
                Patience::Usual => now.run >= since + WAIT_FOR_RETRY_MAX,
                Patience::ToTheEnd => false,
            };
            if is_over {
                self.stop(Stopped::Paused);
                return Some(Next::Leave);
            }
            return Some(Next::Wait { sleep: LOOK_AGAIN_AFTER, leave: true });
        }
        if let Some((until, words)) = self.limited.clone() {
            if until > now.at {
                let stopped = |until| Stopped::RelayLimit(until, words.clone());
                let news = |until| Progress::WaitingForLimit(until, Some(words.clone()));
                return Some(self.wait_until(until, now, stopped, news));
            }
            self.limited = None;
        }
        let rest = self.rests_until.saturating_sub(now.run);
        (!rest.is_zero()).then_some(Next::Wait { sleep: rest.min(LOOK_AGAIN_AFTER), leave: true })
    }

    /// Whether no letter may begin at all just now.
    fn is_held(&self, now: Now) -> bool {
        let is_limited = self.limited.as_ref().is_some_and(|(until, _)| *until > now.at);
        self.paused_since.is_some() || is_limited || self.rests_until > now.run
    }

    /// When the earliest letter is due: one that was never tried is.
    fn earliest_due(&self) -> Option<Timestamp> {
        if !self.planned.is_empty() {
            return Some(Timestamp::from_unix_seconds(0));
        }
        self.deferred.peek().map(|Reverse((due, ..))| *due)
    }

    /// Waits, or ends the run where that is longer than it stays. While a letter is in hand the
    /// run cannot end, and its answer may change what there is to wait for.
    fn wait_until(
        &mut self,
        until: Timestamp,
        now: Now,
        stopped: impl FnOnce(Timestamp) -> Stopped,
        news: impl FnOnce(Timestamp) -> Progress,
    ) -> Next {
        let wait = until.since(now.at);
        if self.in_hand > 0 {
            return waiting(wait);
        }
        let stays = match self.rules.patience {
            Patience::None => false,
            Patience::Usual => wait <= WAIT_FOR_RETRY_MAX,
            Patience::ToTheEnd => true,
        };
        if !stays {
            self.stop(stopped(until));
            return Next::Leave;
        }
        if self.announced.replace(until) != Some(until) {
            self.news.push(news(until));
        }
        waiting(wait)
    }

    /// Gives a letter to a connection: one whose time has come again, else the next of the list.
    fn take(&mut self, has_place: bool, now: Now) -> Next {
        let is_due = |Reverse((due, ..)): &Reverse<(Timestamp, u64, DeliveryId)>| *due <= now.at;
        let again = match self.deferred.peek().is_some_and(is_due) {
            true => self.deferred.pop().map(|Reverse((_, _, id))| id),
            false => None,
        };
        let Some(id) = again.or_else(|| self.planned.pop_front()) else { return Next::Leave };
        self.in_hand += 1;
        self.to_begin += 1;
        if !has_place {
            self.places += 1;
        }
        Next::Letter(id)
    }

    /// Whether a letter in hand may begin now. What came up since it was taken, such as a pause or
    /// a limit, holds it as it does those that wait.
    pub(super) fn begin(&mut self, now: Now) -> Turn {
        if self.stopped.is_some() || self.is_held(now) {
            return Turn::PutBack;
        }
        let wait = self.pace.wait(now.run);
        // Taken before another one began: a relay is not kept waiting for a slow rate.
        if wait > CONNECTION_IDLE_MAX {
            return Turn::PutBack;
        }
        if !wait.is_zero() {
            return Turn::Wait(wait);
        }
        self.pace.begin(now.run);
        self.to_begin = self.to_begin.saturating_sub(1);
        Turn::Now
    }

    /// A connection was opened.
    pub(super) fn opened(&mut self) {
        self.has_talked = true;
        self.is_probing = false;
    }

    /// Whether the connection that is being opened is the only one.
    pub(super) fn has_no_other_connection(&self) -> bool {
        self.places <= 1
    }

    /// A connection is over, or could not be opened.
    pub(super) fn closed(&mut self) {
        self.places = self.places.saturating_sub(1);
    }

    /// A letter in hand goes back as it was: nothing was said of it.
    pub(super) fn put_back(&mut self, id: DeliveryId, has_begun: bool) {
        self.let_go(has_begun);
        self.planned.push_front(id);
    }

    /// A letter in hand is not to go: somebody has withdrawn it.
    pub(super) fn withdrawn(&mut self, has_begun: bool) {
        self.let_go(has_begun);
    }

    /// A letter in hand is not due yet, as the ledger says.
    pub(super) fn not_due(&mut self, id: DeliveryId, due_at: Timestamp, has_begun: bool) {
        self.let_go(has_begun);
        self.defer(id, due_at);
    }

    fn let_go(&mut self, has_begun: bool) {
        self.in_hand = self.in_hand.saturating_sub(1);
        if !has_begun {
            self.to_begin = self.to_begin.saturating_sub(1);
        }
    }

    fn defer(&mut self, id: DeliveryId, due_at: Timestamp) {
        self.deferrals += 1;
        self.deferred.push(Reverse((due_at, self.deferrals, id)));
    }

    /// A connection could not be opened for a letter.
    pub(super) fn not_opened(&mut self, id: DeliveryId, outcome: &Outcome, now: Now) {
        self.put_back(id, false);
        self.closed();
        self.act(decide(outcome), outcome, now);
    }

    /// What an outcome means for its letter and for the run. Where the intent was recorded before
    /// the answer came, as in a flight, a letter that nothing happened to is due again at once.
    pub(super) fn settle(
        &mut self,
        frozen: &FrozenDelivery,
        outcome: &Outcome,
        is_intended: bool,
        now: Now,
    ) -> Settled {
        let mut decision = decide(outcome);
        if decision.letter == ForLetter::Untouched && is_intended {
            decision.letter = ForLetter::Deferred(Wait::None);
        }
        self.something_went |=
            matches!(decision.letter, ForLetter::Accepted | ForLetter::Uncertain);
        let back = self.ask_breaker(frozen.id, outcome, &mut decision);
        if decision.letter == ForLetter::Untouched {
            self.put_back(frozen.id, true);
        } else {
            self.let_go(true);
        }
        let to = self.new_state(frozen, decision.letter, now);
        match to {
            Some((State::Accepted, _)) => self.was_accepted(now),
            Some((State::Uncertain, _)) => self.is_in_doubt(outcome),
            Some((State::Deferred, Some(due_at))) => {
                self.defer(frozen.id, due_at);
                if decision.run == ForRun::Pause {
                    self.is_limited_until(due_at, outcome);
                }
            }
            _ => {}
        }
        self.news.extend(to.map(|(state, due)| Progress::Settled(frozen.id, state, due)));
        for id in &back {
            self.defer(*id, now.at);
            self.news.push(Progress::Settled(*id, State::Deferred, Some(now.at)));
        }
        self.act(decision, outcome, now);
        Settled { to, back }
    }

    fn was_accepted(&mut self, now: Now) {
        self.accepted += 1;
        self.pace.accepted(now.at);
        self.breaker.accepted();
        self.rests = 0;
        self.slowed_in_vain = false;
        self.lost_in_a_row = 0;
        self.doubts_in_a_row = 0;
    }

    /// Of two limits the longer holds: a day is not over because an hour is.
    fn is_limited_until(&mut self, until: Timestamp, outcome: &Outcome) {
        if self.limited.as_ref().is_none_or(|(earlier, _)| *earlier < until) {
            self.limited = Some((until, outcome.ending.in_words()));
        }
    }

    /// A letter in doubt is a question to a person: what does it to one after the other must not
    /// do it to a whole list.
    fn is_in_doubt(&mut self, outcome: &Outcome) {
        self.doubts_in_a_row += 1;
        if self.doubts_in_a_row >= DOUBTS_IN_A_ROW_MAX {
            self.stop(Stopped::Halted(Halt::EverybodyInDoubt, outcome.ending.in_words()));
        }
    }

    /// Whether a refusal is one too many: then those that were about us go back to deferred, the
    /// one that tripped the breaker and all that still come in among them.
    fn ask_breaker(
        &mut self,
        id: DeliveryId,
        outcome: &Outcome,
        decision: &mut Decision,
    ) -> Vec<DeliveryId> {
        let (ForLetter::Rejected(blame), Ending::Answered(response)) =
            (decision.letter, &outcome.ending)
        else {
            return Vec::new();
        };
        if let Some(found) = self.tripped {
            // What was under way when it tripped comes in among those that go back.
            if blame == Blame::Us || found == Halt::WrongList {
                decision.letter = ForLetter::Deferred(Wait::None);
            }
            return Vec::new();
        }
        let Some(mut tripped) = self.breaker.refused(id, blame, response) else {
            return Vec::new();
        };
        self.tripped = Some(tripped.halt);
        self.stop(Stopped::Halted(tripped.halt, outcome.ending.in_words()));
        if tripped.back.contains(&id) {
            decision.letter = ForLetter::Deferred(Wait::None);
            tripped.back.retain(|back| *back != id);
        }
        tripped.back
    }

    /// The state a letter gets, and when it is due again.
    fn new_state(
        &self,
        frozen: &FrozenDelivery,
        letter: ForLetter,
        now: Now,
    ) -> Option<(State, Option<Timestamp>)> {
        match letter {
            ForLetter::Accepted => Some((State::Accepted, None)),
            ForLetter::Rejected(_) => Some((State::Rejected, None)),
            ForLetter::Uncertain => Some((State::Uncertain, None)),
            ForLetter::Untouched => None,
            ForLetter::Deferred(wait) => Some(match self.again(frozen, wait, now) {
                NextTry::At(due) => (State::Deferred, Some(due)),
                NextTry::GivenUp => (State::Expired, None),
            }),
        }
    }

    fn again(&self, frozen: &FrozenDelivery, wait: Wait, now: Now) -> NextTry {
        let first = frozen.first_attempt.unwrap_or(now.at);
        let attempts = frozen.attempts + 1;
        let usual = next_try(self.rules.retry, wait, &frozen.id, attempts, first, now.at);
        match (wait, usual) {
            (Wait::DailyLimit, NextTry::At(_)) => {
                let soonest = now.at.plus(DAILY_LIMIT_PAUSE_MIN);
                NextTry::At(self.pace.day_is_over(now.at).max(soonest))
            }
            (_, usual) => usual,
        }
    }

    /// Does what a decision means for the run.
    fn act(&mut self, decision: Decision, outcome: &Outcome, now: Now) {
        match decision.run {
            // A pause begins with its letter's wait.
            ForRun::GoOn | ForRun::Pause => {}
            ForRun::Reconnect => {
                let was_lost = matches!(decision.letter, ForLetter::Deferred(Wait::Usual));
                self.lost_in_a_row += u32::from(was_lost);
                if self.lost_in_a_row >= LOST_IN_A_ROW_MAX {
                    self.rest(outcome, now);
                }
            }
            ForRun::FewerConnections => self.fewer_connections(outcome, now),
            ForRun::SlowDown => self.slow_down(outcome, now),
            ForRun::Rest => self.rest(outcome, now),
            ForRun::Halt(Halt::LedgerFailed) => {
                self.stop(Stopped::Halted(Halt::LedgerFailed, outcome.ending.in_words()));
            }
            ForRun::Halt(halt) => self.stop(Stopped::Halted(halt, outcome.ending.in_words())),
        }
    }

    /// One connection less than there are now; where there is no other, a rest. What was refused
    /// while it was opened has given its place back already.
    fn fewer_connections(&mut self, outcome: &Outcome, now: Now) {
        let others = match outcome.stage < Stage::Mail {
            true => self.places,
            false => self.places.saturating_sub(1),
        };
        if others == 0 {
            return self.rest(outcome, now);
        }
        if others < self.places_max {
            self.places_max = others;
            self.news.push(Progress::FewerConnections(others));
        }
    }

    /// Half the rate on one connection; where that was asked for before and nothing accepted
    /// since, a rest.
    fn slow_down(&mut self, outcome: &Outcome, now: Now) {
        if self.slowed_in_vain {
            return self.rest(outcome, now);
        }
        self.slowed_in_vain = true;
        self.pace.slow_down(self.accepted, now.run);
        self.news.push(Progress::SlowingDown(outcome.ending.in_words()));
    }

    /// Leaves the relay alone for a while; gives up after the last rest, or at once where it has
    /// never talked to us: a wrong host is better said than waited for. Connections that fail
    /// together ask for one rest.
    fn rest(&mut self, outcome: &Outcome, now: Now) {
        if self.rests_until > now.run {
            return;
        }
        self.lost_in_a_row = 0;
        self.is_probing = true;
        let words = outcome.ending.in_words();
        let worth_it = self.rules.patience != Patience::None
            && (self.has_talked || outcome.stage > Stage::Connect);
        let has_answered = self.has_talked || matches!(outcome.ending, Ending::Answered(_));
        match RELAY_RESTS.get(self.rests).filter(|_| worth_it) {
            None if has_answered => self.stop(Stopped::RelayBusy(words)),
            None => self.stop(Stopped::RelayUnreachable(words)),
            Some(rest) => {
                self.rests += 1;
                self.rests_until = now.run + *rest;
                self.news.push(Progress::Resting(*rest, words));
            }
        }
    }
}

/// A wait that is looked at again: the computer may sleep, the run may change. A relay is not kept
/// waiting on an idle connection.
fn waiting(wait: Duration) -> Next {
    // A time in whole seconds may lie a moment ahead of the clock's whole second.
    let sleep = wait.clamp(Duration::from_millis(20), LOOK_AGAIN_AFTER);
    Next::Wait { sleep, leave: wait > CONNECTION_IDLE_MAX }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
