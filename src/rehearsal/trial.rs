//! A rehearsal with faults: run after run in processes of their own, each killed when its time has
//! come, until nothing is open.
//!
//! Owns the order of runs and kills. What happens in a conversation is planned in `faults.rs`; what
//! came of it all is for `proof.rs`.
//!
//! # Invariants
//! A kill is SIGKILL (on Windows its like): no handler runs, nothing is flushed. After the faults
//! have stopped, one run more than needed is made: it must find nothing to do.

use super::faults::{Faults, Step};
use super::relay::Relay;
use super::relay::manners::Manners;
use super::relay::script::{Action, Moment, Script};
use super::run::Rehearsal;
use crate::id::CampaignId;
use crate::ledger::{Ledger, LedgerError, State};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// Runs with faults; a mailing needs about one for each kill and one for each halt.
const FAULTY_RUNS_MAX: usize = 30;
/// Runs after the faults; one is enough for all that waits, and one finds nothing to do.
const SOUND_RUNS_MAX: usize = 10;
/// The file in the throw-away folder that tells a run what it is about.
const ERRAND_FILE: &str = "rehearsal.json";

/// What a trial needs.
#[derive(Debug)]
pub struct Trial<'a> {
    /// This program.
    pub program: &'a Path,
    /// What the runs are about.
    pub rehearsal: Rehearsal,
    /// The faults.
    pub faults: Arc<Faults>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Runs of the sending engine.
    pub runs: usize,
    /// Runs killed.
    pub kills: usize,
    /// Whether somebody asked to stop.
    pub was_interrupted: bool,
    /// What the last run said that ended by itself and could not do its work.
    pub complaint: Option<String>,
}

/// Why a trial could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The system gives no relay, process or file.
    #[error("the rehearsal could not go on: {0}")]
    System(#[from] io::Error),
    /// The throw-away ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// How one run ended.
enum RunEnd {
    ByItself(ExitStatus, String),
    Killed,
    Interrupted,
}

/// The script of a trial's n-th run: what the fault plan says, in the turn's conversation.
fn script(usual: Script, faults: &Arc<Faults>, kills: &UnboundedSender<()>, turn: usize) -> Script {
    let (faults, kills) = (Arc::clone(faults), kills.clone());
    let choose = move |moment: &Moment<'_>| {
        let step = faults.at(moment);
        if matches!(step, Step::Kill | Step::KillHolding) {
            // Whoever kills may be gone already; then the run ends by itself.
            let _ = kills.send(());
        }
        match step {
            Step::Usual | Step::Kill => None,
            Step::Fault(action) => Some(action),
            Step::KillHolding => Some(Action::Stall),
        }
    };
    conversing(usual.choosing(choose), turn)
}

/// Letters are handed over in all three ways in turn, to relays that speak in three manners in
/// turn: nine turns see every pair.
fn conversing(script: Script, turn: usize) -> Script {
    let script = match turn % 3 {
        0 => script,
        1 => script.without("CHUNKING"),
        // What some addresses cannot do without.
        _ => script.bare().offering("8BITMIME").offering("SMTPUTF8"),
    };
    script.manners(match turn / 3 % 3 {
        0 => Manners::default(),
        // Whoever is written as, and however many letters a day: that is not what is rehearsed.
        1 => Manners { may_write_as: None, ..Manners::exchange_online("") },
        _ => Manners { letters_a_day: None, ..Manners::gmail() },
    })
}

impl Trial<'_> {
    /// Runs until nothing is open; `told` hears of each run that was killed or broke off.
    ///
    /// # Errors
    /// [`TrialError`].
    pub async fn hold(
        &mut self,
        relay: &Relay,
        mut stop: watch::Receiver<bool>,
        told: &mut dyn FnMut(&Done),
    ) -> Result<Done, TrialError> {
        let (kill, mut kills) = unbounded_channel();
        let clock = self.rehearsal.clock();
        let mut done = Done::default();
        let mut sound_runs = 0;
        loop {
            let is_sound = done.runs >= FAULTY_RUNS_MAX || sound_runs > 0;
            if is_sound {
                self.faults.stop();
                sound_runs += 1;
            }
            // A seed's own order, so that each kill meets each conversation in some rehearsal.
            let turn = self.faults.turn().wrapping_add(done.runs);
            relay.change(script(self.rehearsal.script(), &self.faults, &kill, turn));
            self.rehearsal.start = clock.now().unix_seconds();
            done.runs += 1;
            match self.run_once(&mut kills, &mut stop).await? {
                RunEnd::Interrupted => return Ok(Done { was_interrupted: true, ..done }),
                RunEnd::Killed => done.kills += 1,
                RunEnd::ByItself(status, words) => {
                    done.complaint = (!status.success()).then_some(words);
                }
            }
            told(&done);
            let is_open = self.open()? > 0;
            if sound_runs > 1 && !is_open || sound_runs >= SOUND_RUNS_MAX {
                return Ok(done);
            }
            if !is_open {
                sound_runs = sound_runs.max(1);
            }
        }
    }

    /// One run, to its end or until it is to be killed.
    async fn run_once(
        &self,
        kills: &mut UnboundedReceiver<()>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<RunEnd, TrialError> {
        // A kill that came too late for its run is not meant for the next.
        while kills.try_recv().is_ok() {}
        let mut child = self.start()?;
        let end = tokio::select! {
            status = child.wait() => RunEnd::ByItself(status?, String::new()),
            _ = kills.recv() => RunEnd::Killed,
            _ = stop.wait_for(|stop| *stop) => RunEnd::Interrupted,
        };
        if let RunEnd::ByItself(status, _) = end {
            return Ok(RunEnd::ByItself(status, said(&mut child).await));
        }
        child.kill().await?;
        Ok(end)
    }

    fn start(&self) -> io::Result<Child> {
        let errand = self.rehearsal.folder.join(ERRAND_FILE);
        self.rehearsal.write(&errand)?;
        Command::new(self.program)
            .arg("rehearse-run")
            .arg(errand)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Letters that another run would go on with.
    fn open(&self) -> Result<u64, TrialError> {
        let ledger = Ledger::look(&self.rehearsal.folder)?;
        let campaign = CampaignId::parse(&self.rehearsal.campaign).ok();
        let (Some(ledger), Some(campaign)) = (ledger, campaign) else { return Ok(0) };
        let counts = ledger.counts(&campaign)?;
        Ok(State::ALL.into_iter().filter(|s| s.is_open()).map(|s| counts.of(s)).sum())
    }
}

/// What a run that has ended wrote to its standard error.
async fn said(child: &mut Child) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut words = String::new();
    if let Some(stderr) = child.stderr.as_mut() {
        // What cannot be read was not said.
        drop(stderr.read_to_string(&mut words).await);
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::relay::manners::Kind;
    use std::collections::BTreeSet;

    #[test]
    fn nine_runs_see_every_conversation_with_every_kind_of_relay() {
        for first in 0..9 {
            let pairs: BTreeSet<(bool, bool, String)> = (first..first + 9)
                .map(|turn| conversing(Script::new(), turn))
                .map(|s| {
                    let kind = format!("{:?}", s.manners.kind);
                    (s.offers("CHUNKING"), s.offers("PIPELINING"), kind)
                })
                .collect();
            assert_eq!(pairs.len(), 9, "{pairs:?}");
            assert!(pairs.contains(&(true, true, format!("{:?}", Kind::ExchangeOnline))));
            assert!(!pairs.iter().any(|(chunks, pipelines, _)| *chunks && !pipelines));
        }
    }

    #[test]
    fn no_run_is_without_what_some_letters_need() {
        for turn in 0..9 {
            let script = conversing(Script::new(), turn);
            assert!(script.offers("SMTPUTF8") && script.offers("8BITMIME"), "{turn}");
            assert_eq!((script.manners.may_write_as, script.manners.letters_a_day), (None, None));
        }
    }
}
