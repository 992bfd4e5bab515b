//! One connection of a run: takes letters, hands them to the relay, has the answers recorded.
//!
//! The only place where ledger and transport meet. It decides nothing: what goes next and what an
//! answer changes is [`dispatch`](super::dispatch), what it means is [`decide`](super::decide).
//!
//! # Invariants
//! The intent is durable before a message's last bytes leave. A record is asked for before the next
//! letter's intent, so that both share a commit, and its failure is known before another letter's
//! last bytes leave: a kill leaves at most one uncertain letter for each connection. If an answer
//! cannot be recorded, the run stops and the answer is handed to the caller, so that it is at least
//! on the screen.

use super::conditions::{Needs, Progress, RunError, Stopped};
use super::decide::asks_for_less;
use super::dispatch::{Dispatch, Next, Now, Settled, Turn};
use super::halt::Halt;
use super::relay_id::relay_id;
use super::thaw::Thaw;
use crate::crash;
use crate::id::DeliveryId;
use crate::ledger::{ChangeError, FrozenDelivery, LedgerWriter, Recorded, Refusal, State};
use crate::limits::REFUSALS_A_CONNECTION_MAX;
use crate::message::Message;
use crate::time::{Clock, Timestamp};
use crate::transport::smtp::{Description, Proof, Relay, Session, TlsClient};
use crate::transport::{Ending, Outcome, Stage};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// What all connections of a run share.
pub(super) struct Shared {
    pub(super) dispatch: Mutex<Dispatch>,
    /// Something that others wait for has changed.
    pub(super) changed: Notify,
    pub(super) relay: Relay,
    pub(super) tls: TlsClient,
    pub(super) needs: Needs,
    pub(super) thaw: Thaw,
    /// Dates of messages that several deliveries have and no intent has fixed yet, by Message-ID:
    /// two connections may have two of them at once. With each, how many have it.
    pub(super) dates: Mutex<HashMap<String, (Timestamp, usize)>>,
    pub(super) writer: LedgerWriter,
    pub(super) clock: Clock,
    pub(super) news: mpsc::UnboundedSender<Progress>,
    /// What broke the run off.
    pub(super) errors: Mutex<Vec<RunError>>,
}

impl Shared {
    pub(super) fn now(&self) -> Now {
        Now { at: self.clock.now(), run: self.clock.elapsed() }
    }

    /// Asks or tells the dispatch; what is new of it goes to whoever watches.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Dispatch, Now) -> T) -> T {
        let mut dispatch = unpoisoned(&self.dispatch);
        let done = work(&mut dispatch, self.now());
        for news in dispatch.news() {
            // Nobody watches any more: then nobody misses it.
            drop(self.news.send(news));
        }
        done
    }

    /// As [`Shared::with`], and whoever waits looks again.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Dispatch, Now) -> T) -> T {
        let done = self.with(work);
        self.changed.notify_waiters();
        done
    }

    /// Breaks the run off; letters that other connections have are finished.
    pub(super) fn fail(&self, error: RunError) {
        unpoisoned(&self.errors).push(error);
        let words = "the run was broken off".to_owned();
        self.change(|dispatch, _| dispatch.stop(Stopped::Halted(Halt::LedgerFailed, words)));
    }
}

/// A panic of another connection is reported by itself; what it held is whole.
pub(super) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer on its way into the ledger.
struct Unrecorded {
    of: Of,
    asked: Pin<Box<dyn Future<Output = Result<(), ChangeError>> + Send>>,
}

/// What is on its way.
enum Of {
    /// The answer to a letter.
    Letter { address: String, answer: String },
    /// That an earlier refusal was about us.
    TakenBack(DeliveryId),
}

impl Unrecorded {
    async fn kept(self, shared: &Shared) -> Result<(), RunError> {
        let Err(source) = self.asked.await else { return Ok(()) };
        Err(match self.of {
            Of::Letter { address, answer } => RunError::NotRecorded { address, answer, source },
            Of::TakenBack(id) => {
                // Whoever can still be named is.
                let frozen = shared.writer.frozen(id).await.ok().flatten();
                let who = frozen.map_or_else(|| id.to_string(), |f| f.address.to_string());
                RunError::NotTakenBack { address: who, source }
            }
        })
    }
}

/// A connection of a run, open or not.
pub(super) struct Connection<'a> {
    shared: &'a Shared,
    session: Option<Session>,
    /// Letters it has handed over since it was opened.
    letters: u64,
    /// Letters refused on it, for now or for good, since it was opened or one was accepted.
    refused: u32,
    /// Answers whose record is not known to be durable.
    unrecorded: Vec<Unrecorded>,
}

impl<'a> Connection<'a> {
    pub(super) fn new(shared: &'a Shared) -> Connection<'a> {
        Connection { shared, session: None, letters: 0, refused: 0, unrecorded: Vec::new() }
    }

    /// Hands letters over until the run ends for this connection.
    pub(super) async fn serve(mut self) {
        loop {
            // Before it is asked, so that no change between asking and sleeping is missed.
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let has_place = self.session.is_some();
            match self.shared.with(|dispatch, now| dispatch.next(has_place, now)) {
                Next::Letter(id) => {
                    if let Err(error) = self.letter(id).await {
                        self.shared.fail(error);
                    }
                }
                Next::Wait { sleep, leave } => {
                    self.keep_records().await;
                    if leave {
                        self.leave().await;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(self.shared.clock.in_real_time(sleep)) => {}
                        () = changed => {}
                    }
                }
                Next::GiveWay => self.leave().await,
                Next::Leave => break,
            }
        }
        self.keep_records().await;
        self.leave().await;
    }

    /// Takes one letter as far as it comes: to a state, or back to where it was.
    async fn letter(&mut self, id: DeliveryId) -> Result<(), RunError> {
        let thawed = self.shared.thawed(id).await;
        let (frozen, date, message) = match thawed {
            Ok(Some(thawed)) => thawed,
            not_there => {
                self.give_back(|dispatch| dispatch.withdrawn(false));
                return not_there.map(drop);
            }
        };
        let carried = self.carry(id, &frozen, date, &message).await;
        self.shared.let_go_of_date(&frozen);
        carried
    }

    /// Hands a letter's message over when its turn has come.
    async fn carry(
        &mut self,
        id: DeliveryId,
        frozen: &FrozenDelivery,
        date: Timestamp,
        message: &Message,
    ) -> Result<(), RunError> {
        if !self.is_open_for(id).await || !self.may_begin(id).await {
            return Ok(());
        }
        // It was opened above.
        let Some(session) = self.session.as_mut() else { return Ok(()) };
        let (shared, unrecorded) = (self.shared, &mut self.unrecorded);
        let (mut refused, mut is_intended) = (None, false);
        let outcome = session
            .transmit(message, async || {
                let permitted = permit(shared, frozen, date, unrecorded).await;
                is_intended = permitted.is_ok();
                permitted.map_err(|error| refused = Some(error))
            })
            .await;
        crash::point("answered");
        match refused {
            None => {
                self.settle(frozen, outcome, is_intended)?;
                if self.refused >= REFUSALS_A_CONNECTION_MAX {
                    // Dead addresses in a row: relays make whoever has many wait.
                    self.leave().await;
                }
                Ok(())
            }
            Some(refusal) => self.not_permitted(id, refusal),
        }
    }

    /// Opens the connection where it is not; false when it could not be, and the letter is back.
    async fn is_open_for(&mut self, id: DeliveryId) -> bool {
        let shared = self.shared;
        if self.session.is_some() {
            return true;
        }
        if shared.with(|dispatch, _| dispatch.has_no_other_connection()) {
            drop(shared.news.send(Progress::Connecting));
        }
        crash::point("connecting");
        // Nothing of a letter is under way yet: whoever asks to stop need not wait.
        let opened = tokio::select! {
            opened = Session::open(&shared.relay, &shared.tls) => Some(opened),
            () = shared.is_stopped() => None,
        };
        match opened {
            None => shared.change(|dispatch, _| {
                dispatch.put_back(id, false);
                dispatch.closed();
            }),
            Some(Err(outcome)) => {
                shared.change(|dispatch, now| dispatch.not_opened(id, &outcome, now));
            }
            Some(Ok(session)) => {
                crash::point("connected");
                (self.letters, self.refused) = (0, 0);
                if let Some(stopped) = first_look(&shared.needs, &session) {
                    self.session = Some(session);
                    shared.change(|dispatch, _| {
                        dispatch.put_back(id, false);
                        dispatch.stop(stopped);
                    });
                } else {
                    self.session = Some(session);
                    // Said before others go on because of it.
                    drop(shared.news.send(Progress::Connected));
                    shared.change(|dispatch, _| dispatch.opened());
                    return true;
                }
            }
        }
        false
    }

    /// Waits for the letter's turn; false when the run ended meanwhile, and the letter is back.
    async fn may_begin(&mut self, id: DeliveryId) -> bool {
        let shared = self.shared;
        loop {
            // Before it is asked, so that no change between asking and sleeping is missed.
            let mut changed = std::pin::pin!(shared.changed.notified());
            changed.as_mut().enable();
            let wait = match shared.with(|dispatch, now| dispatch.begin(now)) {
                Turn::Now => return true,
                Turn::Wait(wait) => wait,
                Turn::PutBack => {
                    shared.change(|dispatch, _| dispatch.put_back(id, false));
                    return false;
                }
            };
            self.keep_records().await;
            tokio::select! {
                () = tokio::time::sleep(shared.clock.in_real_time(wait)) => {}
                () = changed => {}
            }
        }
    }

    /// Has an outcome recorded and the run follow it.
    fn settle(
        &mut self,
        frozen: &FrozenDelivery,
        outcome: Outcome,
        is_intended: bool,
    ) -> Result<(), RunError> {
        let shared = self.shared;
        let outcome = self.of_this_session(outcome);
        self.letters += 1;
        self.refused = match &outcome.ending {
            Ending::Answered(r) if r.is_transient() || r.is_permanent() => self.refused + 1,
            _ => 0,
        };
        let description = self.session.as_ref().map(|s| s.description().clone());
        // Asked for in the order in which it was decided, and before anybody decides more.
        let asked = shared.change(|dispatch, now| {
            let settled = dispatch.settle(frozen, &outcome, is_intended, now);
            ask_to_record(shared, frozen, &outcome, &settled, description.as_ref(), now.at)
        });
        crash::point("recording");
        self.unrecorded.extend(asked);
        let is_over = outcome.ending == Ending::SessionOver;
        if self.session.as_ref().is_some_and(|s| is_over || !s.is_usable()) {
            self.close();
        }
        Ok(())
    }

    /// A farewell in place of the answer to MAIL, on a connection that has carried letters, is a
    /// relay's limit of letters a connection: nothing was said of this one. One that asks for less
    /// is heard.
    fn of_this_session(&self, outcome: Outcome) -> Outcome {
        let is_farewell = matches!(&outcome.ending, Ending::Answered(r) if r.code == 421)
            && !asks_for_less(&outcome);
        let is_over = is_farewell || self.token_is_spent(&outcome);
        if is_over && outcome.stage == Stage::Mail && self.letters > 0 {
            return Outcome { stage: Stage::Mail, ending: Ending::SessionOver };
        }
        outcome
    }

    /// Whether a relay asks a connection that has signed in to sign in once more: its token has
    /// expired meanwhile. The next connection signs in with another one, or is refused there.
    fn token_is_spent(&self, outcome: &Outcome) -> bool {
        let credentials = self.shared.relay.credentials.as_ref();
        let by_token = credentials.is_some_and(|who| matches!(who.proof, Proof::Token(_)));
        // RFC 4954 6: 530 sign-in required, 535 credentials invalid.
        by_token && matches!(&outcome.ending, Ending::Answered(r) if matches!(r.code, 530 | 535))
    }

    /// The intent could not be recorded, and the message was not finished.
    fn not_permitted(&mut self, id: DeliveryId, refusal: NotPermitted) -> Result<(), RunError> {
        if self.session.as_ref().is_some_and(|s| !s.is_usable()) {
            self.close();
        }
        let error = match refusal {
            NotPermitted::Intent(ChangeError::Refused(Refusal::NotDue { due_at, .. })) => {
                self.give_back(|dispatch| dispatch.not_due(id, due_at, true));
                return Ok(());
            }
            NotPermitted::OtherDate => {
                let due_at = self.shared.clock.now();
                self.give_back(|dispatch| dispatch.not_due(id, due_at, true));
                return Ok(());
            }
            NotPermitted::Intent(ChangeError::Refused(_)) => {
                self.give_back(|dispatch| dispatch.withdrawn(true));
                return Ok(());
            }
            NotPermitted::Intent(ChangeError::Ledger(error)) => RunError::Ledger(error),
            NotPermitted::Record(error) => error,
        };
        self.give_back(|dispatch| dispatch.put_back(id, true));
        Err(error)
    }

    fn give_back(&self, how: impl FnOnce(&mut Dispatch)) {
        self.shared.change(|dispatch, _| how(dispatch));
    }

    /// Waits until everything asked to be recorded is durable.
    async fn keep_records(&mut self) {
        for unrecorded in std::mem::take(&mut self.unrecorded) {
            if let Err(error) = unrecorded.kept(self.shared).await {
                self.shared.fail(error);
            }
        }
    }

    /// Takes leave of the relay.
    async fn leave(&mut self) {
        if let Some(session) = self.session.take() {
            self.shared.change(|dispatch, _| dispatch.closed());
            session.close().await;
        }
    }

    /// The connection is over.
    fn close(&mut self) {
        if self.session.take().is_some() {
            self.shared.change(|dispatch, _| dispatch.closed());
        }
    }
}

impl Shared {
    /// The message of a letter; `None` where there is none to send.
    async fn thawed(
        &self,
        id: DeliveryId,
    ) -> Result<Option<(FrozenDelivery, Timestamp, Message)>, RunError> {
        let Some(frozen) = self.writer.frozen(id).await? else { return Ok(None) };
        let date = self.date_of(&frozen);
        match self.thaw.message(&frozen, date) {
            Ok(message) => Ok(Some((frozen, date, message))),
            Err(error) => {
                self.let_go_of_date(&frozen);
                Err(error.into())
            }
        }
    }

    /// The date of a message: of a letter and its copies in hand the same for all.
    fn date_of(&self, frozen: &FrozenDelivery) -> Timestamp {
        let date = || frozen.date.unwrap_or_else(|| self.clock.date());
        if !frozen.shares_its_message() {
            return date();
        }
        let mut dates = unpoisoned(&self.dates);
        let (date, hands) = dates.entry(frozen.message_id.clone()).or_insert_with(|| (date(), 0));
        *hands += 1;
        *date
    }

    /// A delivery of a message that others have as well is in hand no more.
    fn let_go_of_date(&self, frozen: &FrozenDelivery) {
        if !frozen.shares_its_message() {
            return;
        }
        let mut dates = unpoisoned(&self.dates);
        if let Some((_, hands)) = dates.get_mut(&frozen.message_id) {
            *hands = hands.saturating_sub(1);
        }
        dates.retain(|_, (_, hands)| *hands > 0);
    }

    /// Returns when the run has ended.
    async fn is_stopped(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.with(|dispatch, _| dispatch.stopped().is_some()) {
                return;
            }
            changed.await;
        }
    }
}

/// Why a message was not finished.
enum NotPermitted {
    Intent(ChangeError),
    /// An earlier letter's answer is not in the ledger.
    Record(RunError),
    /// Another delivery of the same message has fixed another date; the intent was taken back.
    OtherDate,
}

/// The intent of a letter, durable, and before it every record this connection has asked for.
async fn permit(
    shared: &Shared,
    frozen: &FrozenDelivery,
    date: Timestamp,
    unrecorded: &mut Vec<Unrecorded>,
) -> Result<(), NotPermitted> {
    crash::point("before-intent");
    // Both are on their way before either is awaited.
    let intent = shared.writer.intend(frozen.id, date, shared.clock.now());
    let mut kept = Ok(());
    for earlier in std::mem::take(unrecorded) {
        kept = kept.and(earlier.kept(shared).await);
    }
    let intent = intent.await;
    if let Err(error) = kept {
        if intent.is_ok() {
            not_begun(shared, frozen.id, NOT_RECORDED).await;
        }
        return Err(NotPermitted::Record(error));
    }
    let fixed = intent.map_err(NotPermitted::Intent)?;
    if fixed != date {
        // All of a letter's deliveries have the same bytes: this message is made anew.
        not_begun(shared, frozen.id, OTHER_DATE).await;
        return Err(NotPermitted::OtherDate);
    }
    crash::point("intended");
    Ok(())
}

/// Why an intent was taken back.
const NOT_RECORDED: &str = "not handed over: an earlier letter's answer was not recorded";
const OTHER_DATE: &str = "not handed over: its letter was dated by another delivery meanwhile";

/// Takes an intent back: none of the letter's last bytes left, and it is due again. Where the
/// ledger takes nothing more, the next run finds it under way and asks a person about it.
async fn not_begun(shared: &Shared, id: DeliveryId, why: &str) {
    let mut back = Recorded::new(State::Deferred);
    back.detail = Some(why.to_owned());
    // Why the ledger fails is told by the earlier letter.
    drop(shared.writer.record(id, back, shared.clock.now()).await);
}

/// What the relay offers against what the letters need, before letter 1.
fn first_look(needs: &Needs, session: &Session) -> Option<Stopped> {
    let Needs { largest_octets: largest, smtputf8 } = needs;
    let takes = session.offers().size_limit();
    if let Some(takes) = takes.filter(|takes| takes < largest) {
        let words =
            format!("the largest letter has {largest} octets, the mail server takes {takes}");
        return Some(Stopped::Halted(Halt::TooLarge, words));
    }
    let address = smtputf8.as_ref().filter(|_| !session.offers().smtputf8)?;
    let words = format!("SMTPUTF8 is not offered, {address} needs it");
    Some(Stopped::Halted(Halt::NoSmtpUtf8, words))
}

/// Asks the ledger to keep what an outcome means, for this letter and for those that go back.
fn ask_to_record(
    shared: &Shared,
    frozen: &FrozenDelivery,
    outcome: &Outcome,
    settled: &Settled,
    description: Option<&Description>,
    now: Timestamp,
) -> Vec<Unrecorded> {
    let words = outcome.ending.in_words();
    let ask = |id, of, recorded| Unrecorded {
        of,
        asked: Box::pin(shared.writer.record(id, recorded, now)),
    };
    let mut asked = Vec::new();
    for id in &settled.back {
        let mut back = Recorded::new(State::Deferred);
        back.detail = Some(words.clone());
        asked.push(ask(*id, Of::TakenBack(*id), back));
    }
    let Some((to, due_at)) = settled.to else { return asked };
    let letter = || Of::Letter { address: frozen.address.to_string(), answer: words.clone() };
    let recorded = Recorded {
        to,
        response: match &outcome.ending {
            Ending::Answered(response) => Some(response.clone()),
            _ => None,
        },
        stage: Some(outcome.stage.as_str().to_owned()),
        detail: Some(words.clone()),
        relay: Some(format!("{}:{}", shared.relay.host, shared.relay.port)),
        relay_id: match &outcome.ending {
            Ending::Answered(response) if to == State::Accepted => relay_id(&response.to_string()),
            _ => None,
        },
        tls: description.and_then(|d| d.encryption.clone()),
        due_at,
    };
    if to == State::Expired {
        // The table knows no way from attempting to expired: deferred first, then given up.
        asked.push(ask(frozen.id, letter(), Recorded { to: State::Deferred, ..recorded.clone() }));
    }
    asked.push(ask(frozen.id, letter(), recorded));
    asked
}
