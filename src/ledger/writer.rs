//! The ledger as the sending engine uses it: many connections ask, one thread writes.
//!
//! Owns the thread that holds the writing connection and the group commit: it takes all requests
//! that are there, makes one transaction of them, commits once and answers each. While it waits
//! for the drive the next requests gather, so the durable cost is shared by as many letters as
//! there are connections. A record waits for the next intent, its own connection's or another's,
//! and shares its commit: alone it would cost one that nothing is waiting for. A second thread
//! reads, and never waits for the drive's commits.
//!
//! # Invariants
//! Requests are committed in the order in which they were made. A connection that asks to record
//! one letter and then asks for the intent of its next has both in one commit or the record in an
//! earlier one: a kill leaves at most one uncertain letter for each connection.

use super::Ledger;
use super::change::{Change, ChangeError, Recorded};
use super::failure::{Fault, LedgerError};
use super::frozen::FrozenDelivery;
use crate::crash;
use crate::id::DeliveryId;
use crate::limits::{LEDGER_GROUP_MAX, LEDGER_RECORD_WAIT};
use crate::time::{Steady, Timestamp};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// The ledger while a run sends; clones ask the same two threads.
#[derive(Clone, Debug)]
pub struct LedgerWriter {
    writes: Sender<Write>,
    reads: Sender<Read>,
    file: PathBuf,
}

#[derive(Debug)]
enum Write {
    Change(Change, oneshot::Sender<Result<Timestamp, ChangeError>>),
    Close(oneshot::Sender<Ledger>),
}

#[derive(Debug)]
enum Read {
    Frozen(DeliveryId, oneshot::Sender<Result<Option<FrozenDelivery>, LedgerError>>),
    Close(oneshot::Sender<()>),
}

impl LedgerWriter {
    /// Hands the ledger to its threads.
    ///
    /// # Errors
    /// When the ledger cannot be opened a second time for reading, or the system gives no thread.
    pub fn start(ledger: Ledger) -> Result<LedgerWriter, LedgerError> {
        LedgerWriter::start_with(ledger, LEDGER_RECORD_WAIT)
    }

    /// The same; a record alone waits `record_wait` for company.
    fn start_with(ledger: Ledger, record_wait: Duration) -> Result<LedgerWriter, LedgerError> {
        let file = ledger.file.clone();
        let failed =
            |error: std::io::Error| LedgerError { file: file.clone(), fault: error.into() };
        let reader = ledger.reader()?;
        let (writes, written) = channel();
        let (reads, read) = channel();
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        named("ledger").spawn(move || write(ledger, &written, record_wait)).map_err(failed)?;
        named("ledger-reader").spawn(move || answer_reads(reader, &read)).map_err(failed)?;
        Ok(LedgerWriter { writes, reads, file })
    }

    /// See [`Ledger::intend`]. The request is on its way when this returns; awaiting the answer
    /// tells that it is durable, so the message's bytes but the last can go out meanwhile.
    ///
    /// # Errors
    /// [`ChangeError`]: do not finish the message.
    pub fn intend(
        &self,
        delivery: DeliveryId,
        date: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Timestamp, ChangeError>> + Send + use<> {
        self.ask(Change::Intend { delivery, date, now })
    }

    /// See [`Ledger::record`]. The request is on its way when this returns: ask for the next
    /// letter's intent before awaiting this, and both share a commit.
    ///
    /// # Errors
    /// [`ChangeError`]: what was answered is not in the ledger; stop the run and say it.
    pub fn record(
        &self,
        delivery: DeliveryId,
        recorded: Recorded,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), ChangeError>> + Send + use<> {
        let answer = self.ask(Change::Record { delivery, recorded: Box::new(recorded), now });
        async move { answer.await.map(drop) }
    }

    /// See [`Ledger::frozen`]. What is not committed yet is not seen: the date of a message is
    /// what its intent answers.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn frozen(
        &self,
        delivery: DeliveryId,
    ) -> Result<Option<FrozenDelivery>, LedgerError> {
        let (answer, answered) = oneshot::channel();
        // As in `close`: a request that nobody takes must not be kept while it is waited for.
        drop(self.reads.send(Read::Frozen(delivery, answer)));
        answered.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// Ends both threads after all requests made before, and gives the ledger back. Nothing else
    /// of this process has it open then: dropping it folds the log into the file.
    ///
    /// # Errors
    /// [`Fault::Closed`] when it was closed already.
    pub async fn close(self) -> Result<Ledger, LedgerError> {
        let (answer, read_all) = oneshot::channel();
        // A thread that is gone drops the request, and with it the answer's sender.
        drop(self.reads.send(Read::Close(answer)));
        drop(read_all.await);
        let (answer, answered) = oneshot::channel();
        drop(self.writes.send(Write::Close(answer)));
        answered.await.map_err(|_| self.closed())
    }

    fn ask(
        &self,
        change: Change,
    ) -> impl Future<Output = Result<Timestamp, ChangeError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        drop(self.writes.send(Write::Change(change, answer)));
        let closed = self.closed();
        async move { answered.await.unwrap_or(Err(closed.into())) }
    }

    fn closed(&self) -> LedgerError {
        LedgerError { file: self.file.clone(), fault: Fault::Closed }
    }
}

/// The writing thread: ends with the last handle, or when it is told to.
fn write(mut ledger: Ledger, requests: &Receiver<Write>, record_wait: Duration) {
    while let Ok(first) = requests.recv() {
        let group = Group::gathered(first, requests, record_wait);
        commit(&mut ledger, &group.changes, group.answers);
        if let Some(answer) = group.close {
            // Nobody waits for it any more: then it is closed by being dropped.
            drop(answer.send(ledger));
            return;
        }
    }
}

/// Requests that share a commit, in the order in which they were made.
#[derive(Default)]
struct Group {
    changes: Vec<Change>,
    answers: Vec<oneshot::Sender<Result<Timestamp, ChangeError>>>,
    close: Option<oneshot::Sender<Ledger>>,
    /// A message's last bytes wait for it.
    is_urgent: bool,
}

impl Group {
    /// All requests that are there, and where they are records only, those that come until an intent
    /// is among them.
    fn gathered(first: Write, requests: &Receiver<Write>, record_wait: Duration) -> Group {
        let begun = Steady::now();
        let mut group = Group::default();
        group.take(first);
        while !group.is_full() {
            let next = match requests.try_recv() {
                Ok(next) => Some(next),
                Err(_) if group.is_urgent => None,
                Err(_) => requests.recv_timeout(record_wait.saturating_sub(begun.elapsed())).ok(),
            };
            let Some(next) = next else { break };
            group.take(next);
        }
        group
    }

    fn take(&mut self, request: Write) {
        match request {
            Write::Change(change, answer) => {
                self.is_urgent |= matches!(change, Change::Intend { .. });
                self.changes.push(change);
                self.answers.push(answer);
            }
            Write::Close(answer) => self.close = Some(answer),
        }
    }

    fn is_full(&self) -> bool {
        self.close.is_some() || self.changes.len() == LEDGER_GROUP_MAX
    }
}

fn commit(
    ledger: &mut Ledger,
    changes: &[Change],
    answers: Vec<oneshot::Sender<Result<Timestamp, ChangeError>>>,
) {
    if changes.is_empty() {
        return;
    }
    crash::point("group-taken");
    let done = ledger.change_together(changes);
    crash::point("group-durable");
    for (answer, done) in answers.into_iter().zip(done) {
        // Whoever asked may have gone; what was asked is done all the same.
        drop(answer.send(done));
    }
}

/// The reading thread: ends with the last handle, or when it is told to.
fn answer_reads(ledger: Ledger, requests: &Receiver<Read>) {
    for request in requests {
        match request {
            Read::Frozen(delivery, answer) => drop(answer.send(ledger.frozen(&delivery))),
            Read::Close(answer) => {
                drop(ledger);
                let _ = answer.send(());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{answered, campaign, id, later, ledger, now};
    use crate::ledger::{Refusal, State};

    const LETTERS: usize = 200;

    fn people() -> Vec<String> {
        (0..LETTERS).map(|n| format!("p{n}")).collect()
    }

    fn many() -> (tempfile::TempDir, Ledger) {
        let people = people();
        ledger(&people.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Nothing waits for a record but its connection's next letter.
    #[tokio::test]
    async fn a_record_alone_waits_for_an_intent_and_shares_its_commit() {
        let (_folder, mut ledger) = ledger(&["ana", "bo"]);
        ledger.intend(&id("ana"), now(), now()).unwrap();
        let before = ledger.commits();
        let writer = LedgerWriter::start_with(ledger, Duration::from_secs(3_600)).unwrap();
        let record = writer.record(id("ana"), Recorded::new(State::Accepted), now());
        tokio::time::sleep(Duration::from_millis(20)).await;
        writer.intend(id("bo"), now(), now()).await.unwrap();
        record.await.unwrap();
        let ledger = writer.close().await.unwrap();
        assert_eq!(ledger.commits(), before + 1);
    }

    #[tokio::test]
    async fn a_record_that_nothing_follows_is_kept_all_the_same() {
        let (_folder, mut ledger) = ledger(&["ana"]);
        ledger.intend(&id("ana"), now(), now()).unwrap();
        let writer = LedgerWriter::start(ledger).unwrap();
        writer.record(id("ana"), Recorded::new(State::Accepted), now()).await.unwrap();
    }

    #[tokio::test]
    async fn many_requests_share_a_commit() {
        let (_folder, ledger) = many();
        let before = ledger.commits();
        let writer = LedgerWriter::start(ledger).unwrap();
        let asked: Vec<_> =
            people().iter().map(|who| writer.intend(id(who), now(), now())).collect();
        for answer in asked {
            assert_eq!(answer.await, Ok(now()));
        }
        let ledger = writer.close().await.unwrap();
        let commits = ledger.commits() - before;
        assert!((1..LETTERS as u64 / 4).contains(&commits), "{commits} commits");
        assert_eq!(ledger.counts(&campaign()).unwrap().of(State::Attempting), LETTERS as u64);
    }

    /// What I5 of paper 4 rests on: one uncertain letter for a connection at most.
    #[tokio::test]
    async fn a_record_is_never_committed_after_the_intent_that_followed_it() {
        let (_folder, ledger) = many();
        let writer = LedgerWriter::start(ledger).unwrap();
        writer.intend(id("p0"), now(), now()).await.unwrap();
        let recorded = writer.record(id("p0"), answered(State::Accepted, 250, "ok"), now());
        writer.intend(id("p1"), now(), now()).await.unwrap();
        let looked = writer.frozen(id("p1")).await.unwrap().unwrap();
        assert_eq!(looked.date, Some(now()));
        recorded.await.unwrap();
        let ledger = writer.close().await.unwrap();
        let counts = ledger.counts(&campaign()).unwrap();
        assert_eq!((counts.of(State::Accepted), counts.of(State::Attempting)), (1, 1));
    }

    #[tokio::test]
    async fn one_letter_is_intended_once_however_many_ask() {
        let (_folder, ledger) = ledger(&["ana"]);
        let writer = LedgerWriter::start(ledger).unwrap();
        let asked: Vec<_> = (0..32)
            .map(|_| {
                let writer = writer.clone();
                tokio::spawn(async move { writer.intend(id("ana"), now(), now()).await })
            })
            .collect();
        let mut allowed = 0;
        for answer in asked {
            match answer.await.unwrap() {
                Ok(_) => allowed += 1,
                Err(error) => {
                    let refused = matches!(error, ChangeError::Refused(Refusal::NotAllowed { .. }));
                    assert!(refused, "{error}");
                }
            }
        }
        assert_eq!(allowed, 1);
    }

    #[tokio::test]
    async fn what_was_asked_before_closing_is_done_and_what_comes_after_is_refused() {
        let (_folder, ledger) = many();
        let writer = LedgerWriter::start(ledger).unwrap();
        let other = writer.clone();
        let asked: Vec<_> =
            people().iter().map(|who| writer.intend(id(who), now(), now())).collect();
        let ledger = writer.close().await.unwrap();
        assert_eq!(ledger.counts(&campaign()).unwrap().of(State::Attempting), LETTERS as u64);
        for answer in asked {
            assert_eq!(answer.await, Ok(now()));
        }
        let refused = other.intend(id("p0"), now(), now()).await.unwrap_err();
        let ChangeError::Ledger(error) = refused else { panic!("asked a closed ledger") };
        assert_eq!(error.fault, Fault::Closed);
        assert!(other.frozen(id("p0")).await.is_err());
        assert!(other.close().await.is_err());
        let log = ledger.file().with_file_name("ledger.db-wal");
        drop(ledger);
        assert!(!log.exists(), "the log is in the file, and a copy of the file is whole");
    }

    #[tokio::test]
    async fn a_request_nobody_waits_for_is_done_all_the_same() {
        let (folder, ledger) = ledger(&["ana"]);
        let writer = LedgerWriter::start(ledger).unwrap();
        drop(writer.intend(id("ana"), later(1), later(1)));
        drop(writer.close().await.unwrap());
        let ledger = Ledger::look(&folder.path().join("store")).unwrap().unwrap();
        assert_eq!(ledger.counts(&campaign()).unwrap().of(State::Attempting), 1);
    }
}
