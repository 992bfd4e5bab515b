//! What a run is given, what it tells while it goes, and how it ends.

use super::halt::Halt;
use super::pace::Pacing;
use super::retry::Retry;
use crate::address::EmailAddress;
use crate::id::{CampaignId, DeliveryId};
use crate::ledger::{ChangeError, Ledger, LedgerError, OpenLetter, State};
use crate::message::dkim::Dkim;
use crate::plan::objects::{ObjectError, Objects};
use crate::time::{Clock, Timestamp};
use crate::transport::smtp::Relay;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Under which conditions a run goes.
#[derive(Debug)]
pub struct Conditions<'a> {
    /// The campaign.
    pub campaign: &'a CampaignId,
    /// Which of its letters go in this run.
    pub letters: Selection,
    /// The relay.
    pub relay: &'a Relay,
    /// Connections to it at once, at most.
    pub connections: NonZeroUsize,
    /// How fast letters may go.
    pub pacing: Pacing,
    /// The frozen files.
    pub objects: &'a Objects,
    /// Which keys sign its messages.
    pub dkim: &'a Dkim,
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

/// Which letters of a campaign go in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All that are open.
    #[default]
    All,
    /// This many of those that are due, from the first of the list on, each with its copies; copies
    /// whose letter has gone count as one.
    First(usize),
    /// These only.
    Only(HashSet<DeliveryId>),
}

impl Selection {
    /// Those that are meant among the open letters of a campaign, in the same order.
    #[must_use]
    pub(super) fn among(&self, mut letters: Vec<OpenLetter>, now: Timestamp) -> Vec<OpenLetter> {
        match self {
            Selection::All => {}
            Selection::Only(ids) => letters.retain(|letter| ids.contains(&letter.id)),
            Selection::First(count) => {
                letters.retain(|letter| letter.due_at.is_none_or(|due| due <= now));
                // So many letters, each with its copies: they stand together.
                let mut met = HashSet::new();
                letters.retain(|OpenLetter { letter, .. }| {
                    met.contains(letter) || met.len() < *count && met.insert(*letter)
                });
            }
        }
        letters
    }
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
    /// While one is due within [`WAIT_FOR_RETRY_MAX`](crate::limits::WAIT_FOR_RETRY_MAX).
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
    /// `[relay] daily_limit` is reached; letters may go again then.
    DailyLimit(Timestamp),
    /// The relay has spoken of a limit, in these words; letters may go again then.
    RelayLimit(Timestamp, String),
    /// Something must change first; the relay's words or the failure's.
    Halted(Halt, String),
    /// The relay cannot be reached, or what answers there breaks off.
    RelayUnreachable(String),
    /// The relay was reached, takes no letters, and wants rest for longer than a run waits.
    RelayBusy(String),
    /// Somebody has paused the mailing.
    Paused,
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
    /// Why; at least one.
    pub errors: Vec<RunError>,
    /// Whether the relay has, or may have, any letter of this run.
    pub something_went: bool,
}

/// Where a run stands, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Reaching the relay; no connection is open.
    Connecting,
    /// A connection is open, and letters go.
    Connected,
    /// One delivery stands so now; a deferred one is due then.
    Settled(DeliveryId, State, Option<Timestamp>),
    /// The relay rests; trying again after this.
    Resting(Duration, String),
    /// The relay asked for less, in these words: half the rate on one connection.
    SlowingDown(String),
    /// The relay asked for fewer connections: this many now.
    FewerConnections(usize),
    /// Waiting for a letter that is to be tried again.
    Waiting(Timestamp),
    /// Waiting until the next letter may begin, longer than a connection is kept open for.
    WaitingForTurn {
        /// Until then.
        until: Timestamp,
        /// The relay asked for less; otherwise it is `[relay] rate`.
        is_slowed: bool,
    },
    /// Waiting until a limit is over; the relay's words where it was the relay's.
    WaitingForLimit(Timestamp, Option<String>),
    /// Somebody has paused the mailing, at this time.
    Paused(Timestamp),
    /// Somebody has let it go on.
    TakenUp,
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
    /// A letter whose refusal was about us could not be put back among the deferred.
    #[error(
        "the letter for {address} was refused because of you, not of them, and could not be put back \
         among those that are tried again: {source}"
    )]
    NotTakenBack {
        /// Whose letter.
        address: String,
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
