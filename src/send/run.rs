//! The run: as many connections as there may be, from the first due letter to the last.
//!
//! Owns the start and the end of a run and what reaches it from outside: somebody asks to stop or
//! pauses the mailing. What one connection does is `connection.rs`, what goes next `dispatch.rs`.

use super::conditions::{Broken, Conditions, Ended, Progress, RunError, Selection, Stopped};
use super::connection::{Connection, Shared, unpoisoned};
use super::decide::{ForRun, decide};
use super::dispatch::{Dispatch, Now, Rules};
use super::halt::Halt;
use super::pace::{DAY, Pace};
use super::thaw::Thaw;
use crate::ledger::{LedgerError, LedgerWriter, OpenLetter, State, StoredDelivery};
use crate::limits::PAUSE_LOOKED_FOR;
use crate::time::Timestamp;
use crate::transport::smtp::TlsClient;
use crate::transport::{Ending, Outcome, Stage};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

/// Sends everything that is due, and stays for what is due soon.
///
/// `stop` turns true when somebody asks to stop: letters under way are finished first.
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
    let broken = |error: LedgerError| Broken { errors: vec![error.into()], something_went: false };
    let dispatch = dispatch(conditions).map_err(broken)?;
    let (news, mut told) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        dispatch: Mutex::new(dispatch),
        changed: Notify::new(),
        relay: conditions.relay.clone(),
        tls,
        needs: conditions.needs.clone(),
        thaw: Thaw::new(conditions.objects, conditions.dkim),
        dates: Mutex::default(),
        writer: writer.clone(),
        clock: *conditions.clock,
        news,
        errors: Mutex::default(),
    });
    let outcome = passes(conditions, &shared, stop, &mut told, watcher).await;
    if let Err(error) = outcome {
        shared.fail(error);
    }
    ended(&shared)
}

/// How the run ended, or broke off.
fn ended(shared: &Shared) -> Result<Ended, Broken> {
    let errors = std::mem::take(&mut *unpoisoned(&shared.errors));
    shared.with(|dispatch, _| {
        let (accepted, something_went) = (dispatch.accepted(), dispatch.something_went());
        if !errors.is_empty() {
            return Err(Broken { errors, something_went });
        }
        let stopped = dispatch.stopped().cloned().unwrap_or(Stopped::Complete);
        Ok(Ended { stopped, accepted, something_went })
    })
}

/// Runs until nothing is open: while it went, somebody may have settled a letter so that it goes
/// again.
async fn passes(
    conditions: &Conditions<'_>,
    shared: &Arc<Shared>,
    mut stop: watch::Receiver<bool>,
    told: &mut mpsc::UnboundedReceiver<Progress>,
    watcher: &mut dyn FnMut(Progress),
) -> Result<(), RunError> {
    let mut before = None;
    loop {
        let letters = selected(conditions, shared.now())?;
        let is_first = before.is_none();
        if !is_first && (letters.is_empty() || before.as_ref() == Some(&letters)) {
            return Ok(());
        }
        shared.with(|dispatch, _| dispatch.fill(letters.iter().copied()));
        let waits = |letter: &OpenLetter| letter.due_at.map(|due| (letter.id, due));
        for (id, due) in letters.iter().filter_map(waits) {
            watcher(Progress::Settled(id, State::Deferred, Some(due)));
        }
        before = Some(letters);
        pass(conditions, shared, &mut stop, told, watcher).await?;
        let is_complete = shared.with(|d, _| d.stopped() == Some(&Stopped::Complete));
        if !is_complete || conditions.letters != Selection::All {
            return Ok(());
        }
    }
}

/// All connections, until the last has left: whatever fails meanwhile, letters under way are
/// finished and their answers recorded or shown.
async fn pass(
    conditions: &Conditions<'_>,
    shared: &Arc<Shared>,
    stop: &mut watch::Receiver<bool>,
    told: &mut mpsc::UnboundedReceiver<Progress>,
    watcher: &mut dyn FnMut(Progress),
) -> Result<(), RunError> {
    let mut connections = JoinSet::new();
    for _ in 0..conditions.connections.get() {
        let shared = shared.clone();
        connections.spawn(async move { Connection::new(&shared).serve().await });
    }
    let mut looks = interval(PAUSE_LOOKED_FOR);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut may_be_asked, mut is_looking) = (true, true);
    loop {
        tokio::select! {
            Some(news) = told.recv() => watcher(news),
            left = connections.join_next() => match left {
                // The others finish what they have: their answers must not be lost as well.
                Some(Err(error)) => shared.fail(gone(error)),
                Some(Ok(())) => {}
                None => break,
            },
            asked = stop.wait_for(|stop| *stop), if may_be_asked => {
                may_be_asked = false;
                if asked.is_ok() {
                    shared.change(|dispatch, _| dispatch.stop(Stopped::Interrupted));
                }
            }
            _ = looks.tick(), if is_looking => {
                if let Err(error) = look(conditions, shared) {
                    is_looking = false;
                    shared.fail(error.into());
                }
            }
        }
    }
    while let Ok(news) = told.try_recv() {
        watcher(news);
    }
    Ok(())
}

/// Looks what somebody ordered from another terminal. Nothing waits in a withdrawn mailing.
fn look(conditions: &Conditions<'_>, shared: &Shared) -> Result<(), LedgerError> {
    let is_paused = conditions.ledger.is_paused(conditions.campaign)?;
    let is_withdrawn = conditions.ledger.is_withdrawn(conditions.campaign)?;
    shared.change(|dispatch, now| {
        dispatch.pause(is_paused, now);
        if is_withdrawn {
            dispatch.stop(Stopped::Complete);
        }
    });
    Ok(())
}

/// A connection that ended by itself is a mistake of ours.
fn gone(error: JoinError) -> RunError {
    RunError::Runtime(std::io::Error::other(format!("a connection has ended by itself: {error}")))
}

/// The letters of this run, in the order of the list.
fn selected(conditions: &Conditions<'_>, now: Now) -> Result<Vec<OpenLetter>, LedgerError> {
    Ok(conditions.letters.among(conditions.ledger.open_letters(conditions.campaign)?, now.at))
}

fn dispatch(conditions: &Conditions<'_>) -> Result<Dispatch, LedgerError> {
    let (ledger, now) = (conditions.ledger, conditions.clock.now());
    let a_day_ago = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
    let accepted = ledger.acceptances_since(a_day_ago, now)?;
    let last = ledger.last_attempt()?;
    let pace = Pace::new(conditions.pacing, accepted, last, now);
    let rules = Rules {
        connections: conditions.connections.get(),
        retry: conditions.retry,
        patience: conditions.patience,
    };
    let mut dispatch = Dispatch::new(rules, pace);
    let attention = conditions.ledger.attention(conditions.campaign)?;
    if let Some((until, words)) = limit_spoken_of(&attention, now) {
        dispatch.limit(until, words);
    }
    Ok(dispatch)
}

/// A limit that the relay spoke of in an earlier run, and its words: it stands with the letter that
/// met it.
#[must_use]
pub fn limit_spoken_of(
    attention: &[StoredDelivery],
    now: Timestamp,
) -> Option<(Timestamp, String)> {
    let met = attention.iter().filter(|d| d.state == State::Deferred).filter_map(|d| {
        let until = d.due_at.filter(|due| *due > now)?;
        let stage = Stage::from_name(d.stage.as_deref()?)?;
        let outcome = Outcome { stage, ending: Ending::Answered(d.response.clone()?) };
        (decide(&outcome).run == ForRun::Pause).then(|| (until, outcome.ending.in_words()))
    });
    met.max_by_key(|(until, _)| *until)
}
