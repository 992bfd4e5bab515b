//! The run: takes due deliveries, transmits them, records what the relay said of each.
//!
//! The only place where ledger and transport meet. It decides nothing about an answer: that is
//! [`decide`](super::decide).
//!
//! # Invariants
//! The intent is durable before a message's last bytes leave. An answer is recorded before the next
//! letter begins. If it cannot be recorded, the run stops and the answer is handed to the caller,
//! so that it is at least on the screen.

use super::breaker::{Breaker, Tripped};
use super::decide::{Decision, ForLetter, ForRun, Wait, decide};
use super::halt::Halt;
use super::retry::{Next, Retry, next};
use super::thaw::Thaw;
use crate::address::EmailAddress;
use crate::id::{CampaignId, DeliveryId};
use crate::ledger::{
    ChangeError, FrozenDelivery, Ledger, LedgerError, LedgerWriter, Recorded, State,
};
use crate::limits::{LOST_IN_A_ROW_MAX, RELAY_RESTS, WAIT_FOR_RETRY_MAX};
use crate::plan::objects::{ObjectError, Objects};
use crate::time::{Clock, Timestamp};
use crate::transport::smtp::{Relay, Session, TlsClient};
use crate::transport::{Ending, Outcome, Stage};
use std::time::Duration;
use tokio::sync::watch;

/// Under which conditions a run goes.
#[derive(Debug)]
pub struct Conditions<'a> {
    /// The campaign.
    pub campaign: &'a CampaignId,
    /// The relay.
    pub relay: &'a Relay,
    /// The frozen files.
    pub objects: &'a Objects,
    /// The ledger, for reading.
    pub ledger: &'a Ledger,
    /// When deferred letters are tried again.
    pub retry: Retry,
    /// The run's clock.
    pub clock: &'a Clock,
    /// How long to stay for letters that are to be tried again.
    pub patience: Patience,
    /// What the letters need of the relay.
    pub needs: Needs,
}

/// What the letters that are still to go need of the relay: looked at before letter 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Octets of the largest message.
    pub largest_octets: u64,
    /// An address that needs SMTPUTF8, where there is one.
    pub smtputf8: Option<EmailAddress>,
}

/// How long a run stays for letters that are to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// While one is due within [`WAIT_FOR_RETRY_MAX`].
    Usual,
    /// Until nothing waits.
    ToTheEnd,
    /// Not at all.
    None,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is due and nothing waits.
    Complete,
    /// Letters wait until then.
    WaitingUntil(Timestamp),
    /// Something must change first; the relay's words or the failure's.
    Halted(Halt, String),
    /// The relay cannot be reached, or wants rest for longer than a run waits.
    RelayUnreachable(String),
    /// Somebody asked to stop.
    Interrupted,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub stopped: Stopped,
    /// How many letters the relay accepted in this run.
    pub accepted: u64,
    /// Whether the relay has, or may have, any letter of this run.
    pub something_went: bool,
}

/// How a run broke off.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub error: RunError,
    /// Whether the relay has, or may have, any letter of this run.
    pub something_went: bool,
}

/// Where a run stands, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Reaching the relay.
    Connecting,
    /// One delivery has got a state.
    Settled(State),
    /// The relay rests; trying again after this.
    Resting(Duration, String),
    /// Waiting for a letter that is to be tried again.
    Waiting(Timestamp),
}

/// Why a run broke off.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger failed before anything was uncertain.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A frozen file cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The system gives no threads or sockets.
    #[error("the run could not be started: {0}")]
    Runtime(std::io::Error),
    /// Letters whose refusal was about us could not be put back among the deferred.
    #[error("refused letters could not be put back among those that are tried again: {source}")]
    NotTakenBack {
        /// Why.
        source: ChangeError,
    },
    /// The relay answered and the answer could not be recorded.
    #[error("the mail server's answer for {address} could not be recorded: {answer} ({source})")]
    NotRecorded {
        /// Whose letter.
        address: String,
        /// What the relay said.
        answer: String,
        /// Why it could not be recorded.
        source: ChangeError,
    },
}

/// Sends everything that is due, and stays for what is due soon.
///
/// `stop` turns true when somebody asks to stop: the letter under way is finished first.
///
/// # Errors
/// [`Broken`] when ledger or frozen files fail; what was recorded until then stands.
pub async fn run(
    conditions: &Conditions<'_>,
    writer: &LedgerWriter,
    stop: watch::Receiver<bool>,
    watcher: &mut dyn FnMut(Progress),
) -> Result<Ended, Broken> {
    let tls = match TlsClient::for_relay(conditions.relay) {
        Ok(tls) => tls,
        Err(outcome) => {
            let stopped = Stopped::Halted(Halt::TlsFailed, outcome.ending.in_words());
            return Ok(Ended { stopped, accepted: 0, something_went: false });
        }
    };
    let mut run = Run {
        conditions,
        writer,
        stop,
        tls,
        session: None,
        has_talked: false,
        rests: 0,
        lost_in_a_row: 0,
        breaker: Breaker::default(),
        accepted: 0,
        something_went: false,
        thaw: Thaw::new(conditions.objects),
    };
    let stopped = run.until_stopped(watcher).await;
    if let Some(session) = run.session.take() {
        session.close().await;
    }
    let (accepted, something_went) = (run.accepted, run.something_went);
    match stopped {
        Ok(stopped) => Ok(Ended { stopped, accepted, something_went }),
        Err(error) => Err(Broken { error, something_went }),
    }
}

/// A run under way.
struct Run<'a> {
    conditions: &'a Conditions<'a>,
    writer: &'a LedgerWriter,
    stop: watch::Receiver<bool>,
    tls: TlsClient,
    session: Option<Session>,
    /// Whether this relay has talked to us in this run.
    has_talked: bool,
    /// Rests since the last acceptance.
    rests: usize,
    lost_in_a_row: u32,
    breaker: Breaker,
    accepted: u64,
    something_went: bool,
    thaw: Thaw<'a>,
}

/// Whether the run goes on.
type GoesOn = Result<Option<Stopped>, RunError>;

impl Run<'_> {
    async fn until_stopped(
        &mut self,
        watcher: &mut dyn FnMut(Progress),
    ) -> Result<Stopped, RunError> {
        let campaign = self.conditions.campaign;
        loop {
            for delivery in self.conditions.ledger.due(campaign, self.conditions.clock.now())? {
                if *self.stop.borrow() {
                    return Ok(Stopped::Interrupted);
                }
                if let Some(stopped) = self.settle(&delivery, watcher).await? {
                    return Ok(stopped);
                }
            }
            let Some(due) = self.conditions.ledger.next_due(campaign)? else {
                return Ok(Stopped::Complete);
            };
            if !self.is_worth_waiting(due) {
                return Ok(Stopped::WaitingUntil(due));
            }
            watcher(Progress::Waiting(due));
            self.leave_relay().await;
            if self.pause(due.since(self.conditions.clock.now())).await {
                return Ok(Stopped::Interrupted);
            }
        }
    }

    fn is_worth_waiting(&self, due: Timestamp) -> bool {
        match self.conditions.patience {
            Patience::None => due <= self.conditions.clock.now(),
            Patience::Usual => due.since(self.conditions.clock.now()) <= WAIT_FOR_RETRY_MAX,
            Patience::ToTheEnd => true,
        }
    }

    /// A relay is not kept waiting on an idle connection.
    async fn leave_relay(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }

    /// Waits; true when somebody asked to stop meanwhile.
    async fn pause(&mut self, duration: Duration) -> bool {
        // A deadline in whole seconds may lie a moment ahead of the clock's whole second.
        let until = tokio::time::sleep(duration.max(Duration::from_millis(50)));
        tokio::select! {
            () = until => false,
            asked = self.stop.wait_for(|stop| *stop) => asked.is_ok(),
        }
    }

    /// Transmits one letter until it has got a state or the run stops.
    async fn settle(&mut self, id: &DeliveryId, watcher: &mut dyn FnMut(Progress)) -> GoesOn {
        let Some(frozen) = self.writer.frozen(*id).await? else { return Ok(None) };
        let date = frozen.date.unwrap_or_else(|| self.conditions.clock.date());
        let message = self.thaw.message(&frozen, date)?;
        loop {
            if let Some(stopped) = self.open_session(watcher).await? {
                return Ok(Some(stopped));
            }
            let Some(session) = self.session.as_mut() else { continue };
            let (writer, clock) = (self.writer, self.conditions.clock);
            let intent = async || writer.intend(*id, date, clock.now()).await.map(drop);
            let outcome = session.transmit(&message, intent).await;
            let decision = decide(&outcome);
            self.something_went |=
                matches!(decision.letter, ForLetter::Accepted | ForLetter::Uncertain);
            if let Some(tripped) = self.tripped(id, &outcome, decision) {
                return self
                    .take_back(&frozen, &tripped, &outcome, decision, watcher)
                    .await
                    .map(Some);
            }
            self.record(&frozen, &outcome, decision, watcher).await?;
            let stopped = self.act(&outcome, decision, watcher).await;
            // Only a session that ended before this letter began leaves it as it was.
            if stopped.is_some() || outcome.ending != Ending::SessionOver {
                return Ok(stopped);
            }
        }
    }

    /// Opens a session where there is none.
    async fn open_session(&mut self, watcher: &mut dyn FnMut(Progress)) -> GoesOn {
        while self.session.is_none() {
            if *self.stop.borrow() {
                return Ok(Some(Stopped::Interrupted));
            }
            watcher(Progress::Connecting);
            // Nothing of a letter is under way yet: whoever asks to stop need not wait.
            let opened = tokio::select! {
                opened = Session::open(self.conditions.relay, &self.tls) => opened,
                _ = self.stop.wait_for(|stop| *stop) => return Ok(Some(Stopped::Interrupted)),
            };
            match opened {
                Ok(session) => {
                    self.has_talked = true;
                    if let Some(stopped) = self.first_look(&session) {
                        return Ok(Some(stopped));
                    }
                    self.session = Some(session);
                }
                Err(outcome) => {
                    let stopped = self.act(&outcome, decide(&outcome), watcher).await;
                    if stopped.is_some() {
                        return Ok(stopped);
                    }
                }
            }
        }
        Ok(None)
    }

    /// What the relay offers against what the letters need, before letter 1.
    fn first_look(&self, session: &Session) -> Option<Stopped> {
        let Needs { largest_octets: largest, smtputf8 } = &self.conditions.needs;
        let takes = session.offers().size_limit();
        if let Some(takes) = takes.filter(|takes| takes < largest) {
            let words =
                format!("the largest letter has {largest} octets, the mail server takes {takes}");
            return Some(Stopped::Halted(Halt::TooLarge, words));
        }
        let address = smtputf8.as_ref().filter(|_| !session.offers().smtputf8)?;
        Some(Stopped::Halted(
            Halt::NoSmtpUtf8,
            format!("SMTPUTF8 is not offered, {address} needs it"),
        ))
    }

    /// Keeps what the outcome means for the letter.
    async fn record(
        &mut self,
        frozen: &FrozenDelivery,
        outcome: &Outcome,
        decision: Decision,
        watcher: &mut dyn FnMut(Progress),
    ) -> Result<(), RunError> {
        let Some((to, due_at)) = self.new_state(frozen, decision.letter) else { return Ok(()) };
        let description = self.session.as_ref().map(Session::description);
        let response = match &outcome.ending {
            Ending::Answered(response) => Some(response.clone()),
            _ => None,
        };
        let recorded = Recorded {
            to,
            response,
            stage: Some(outcome.stage.as_str().to_owned()),
            detail: Some(outcome.ending.in_words()),
            relay: Some(format!("{}:{}", self.conditions.relay.host, self.conditions.relay.port)),
            relay_id: (to == State::Accepted).then(|| relay_id(outcome)).flatten(),
            tls: description.and_then(|d| d.encryption.clone()),
            due_at,
        };
        let not_recorded = |source| {
            let address = frozen.address.to_string();
            RunError::NotRecorded { address, answer: outcome.ending.in_words(), source }
        };
        let now = self.conditions.clock.now();
        if to == State::Expired {
            // The table knows no way from attempting to expired: deferred first, then given up.
            let deferred = Recorded { to: State::Deferred, ..recorded.clone() };
            self.writer.record(frozen.id, deferred, now).await.map_err(not_recorded)?;
        }
        self.writer.record(frozen.id, recorded, now).await.map_err(not_recorded)?;
        if to == State::Accepted {
            self.accepted += 1;
            self.breaker.accepted();
            self.rests = 0;
            self.lost_in_a_row = 0;
        }
        watcher(Progress::Settled(to));
        Ok(())
    }

    /// The state a letter gets, and when it is due again.
    fn new_state(
        &self,
        frozen: &FrozenDelivery,
        letter: ForLetter,
    ) -> Option<(State, Option<Timestamp>)> {
        match letter {
            ForLetter::Accepted => Some((State::Accepted, None)),
            ForLetter::Rejected(_) => Some((State::Rejected, None)),
            ForLetter::Uncertain => Some((State::Uncertain, None)),
            ForLetter::Untouched => None,
            ForLetter::Deferred(wait) => Some(match self.again(frozen, wait) {
                Next::At(due) => (State::Deferred, Some(due)),
                Next::GivenUp => (State::Expired, None),
            }),
        }
    }

    /// Whether this refusal is one too many.
    fn tripped(
        &mut self,
        id: &DeliveryId,
        outcome: &Outcome,
        decision: Decision,
    ) -> Option<Tripped> {
        match (decision.letter, &outcome.ending) {
            (ForLetter::Rejected(blame), Ending::Answered(response)) => {
                self.breaker.refused(*id, blame, response)
            }
            _ => None,
        }
    }

    /// The refusals that were about us: those letters go back to deferred and are due at once, the
    /// one that tripped the breaker among them.
    async fn take_back(
        &mut self,
        frozen: &FrozenDelivery,
        tripped: &Tripped,
        outcome: &Outcome,
        decision: Decision,
        watcher: &mut dyn FnMut(Progress),
    ) -> Result<Stopped, RunError> {
        let now = self.conditions.clock.now();
        let words = outcome.ending.in_words();
        let others = tripped.back.iter().filter(|id| **id != frozen.id);
        let mut back = Recorded::new(State::Deferred);
        back.detail = Some(words.clone());
        // All are on their way before the first is awaited, so that they share a commit.
        let taken: Vec<_> = others.map(|id| self.writer.record(*id, back.clone(), now)).collect();
        let is_about_us = tripped.back.contains(&frozen.id);
        let letter = if is_about_us { ForLetter::Deferred(Wait::None) } else { decision.letter };
        self.record(frozen, outcome, Decision { letter, ..decision }, watcher).await?;
        for record in taken {
            record.await.map_err(|source| RunError::NotTakenBack { source })?;
        }
        Ok(Stopped::Halted(tripped.halt, words))
    }

    fn again(&self, frozen: &FrozenDelivery, wait: Wait) -> Next {
        let now = self.conditions.clock.now();
        let first = frozen.first_attempt.unwrap_or(now);
        next(self.conditions.retry, wait, &frozen.id, frozen.attempts + 1, first, now)
    }

    /// Does what the outcome means for the run.
    async fn act(
        &mut self,
        outcome: &Outcome,
        decision: Decision,
        watcher: &mut dyn FnMut(Progress),
    ) -> Option<Stopped> {
        if self.session.as_ref().is_some_and(|s| !s.is_usable()) {
            self.session = None;
        }
        match decision.run {
            ForRun::GoOn => None,
            ForRun::Reconnect => {
                self.session = None;
                let was_lost = matches!(decision.letter, ForLetter::Deferred(_));
                self.lost_in_a_row += u32::from(was_lost);
                if self.lost_in_a_row >= LOST_IN_A_ROW_MAX {
                    return self.rest(outcome, watcher).await;
                }
                None
            }
            ForRun::Rest => self.rest(outcome, watcher).await,
            ForRun::Halt(halt) => Some(Stopped::Halted(halt, outcome.ending.in_words())),
        }
    }

    /// Leaves the relay alone for a while; gives up after the last rest, or at once where it has
    /// never talked to us: a wrong host is better said than waited for.
    async fn rest(
        &mut self,
        outcome: &Outcome,
        watcher: &mut dyn FnMut(Progress),
    ) -> Option<Stopped> {
        self.leave_relay().await;
        self.lost_in_a_row = 0;
        let words = outcome.ending.in_words();
        let rest = RELAY_RESTS
            .get(self.rests)
            .filter(|_| self.has_talked || outcome.stage > Stage::Connect);
        let Some(rest) = rest else { return Some(Stopped::RelayUnreachable(words)) };
        if self.conditions.patience == Patience::None {
            return Some(Stopped::RelayUnreachable(words));
        }
        self.rests += 1;
        watcher(Progress::Resting(*rest, words));
        self.pause(*rest).await.then_some(Stopped::Interrupted)
    }
}

/// The relay's own name for a message, where its answer tells it (`queued as ABC`).
fn relay_id(outcome: &Outcome) -> Option<String> {
    let Ending::Answered(response) = &outcome.ending else { return None };
    let text = response.to_string();
    let (_, after) = text.split_once("queued as ")?;
    after.split([' ', ')', ';']).next().map(str::to_owned).filter(|id| !id.is_empty())
}
