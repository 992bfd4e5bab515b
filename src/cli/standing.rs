//! How a campaign stands, from the ledger alone: for `send`, `status` and the bare command.
//!
//! Owns what is read and what programs get of it; people's screen is `standing_screen.rs`.

use super::answer::Answer;
use super::meaning::Meanings;
use super::shell::Shell;
use super::standing_screen::View;
use super::ui::plural;
use crate::id::{CampaignId, Fingerprint};
use crate::ledger::{Counts, Holder, Ledger, LedgerError, RunLock, State, StoredDelivery};
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::send::limit_spoken_of;
use crate::send::pace::{DAY, Pacing};
use crate::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// Letters and copies of a campaign that are files in a folder, and nobody knows yet what became of
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HandOvers {
    /// The folder.
    pub folder: String,
    /// How many are known to stand there.
    pub deliveries: u64,
    /// How many may stand there: the run that wrote them was stopped.
    pub broken_off: u64,
}

impl HandOvers {
    fn none(folder: &str) -> HandOvers {
        HandOvers { folder: folder.to_owned(), deliveries: 0, broken_off: 0 }
    }

    fn to_json(&self) -> Value {
        let HandOvers { folder, deliveries, broken_off } = self;
        json!({"folder": folder, "deliveries": deliveries, "broken_off": broken_off})
    }
}

/// A campaign's state in the ledger.
#[derive(Debug)]
pub(super) struct Standing {
    /// The campaign.
    pub campaign: CampaignId,
    /// The current plan; none: nothing was ever confirmed.
    pub fingerprint: Option<Fingerprint>,
    /// When the current plan was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// Since when it is paused.
    pub paused_since: Option<Timestamp>,
    /// When what was left of the current plan was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// Deliveries by state, letters and copies.
    pub counts: Counts,
    /// The copies among them.
    pub copies: Counts,
    /// Letters that need a look: deferred, rejected, uncertain, expired; and those on their way
    /// where no run is at work: one was stopped while handing them over.
    pub attention: Vec<StoredDelivery>,
    /// When the next deferred letter is due.
    pub next_due: Option<Timestamp>,
    /// No letter goes before: a limit of a day is reached.
    pub limited_until: Option<Timestamp>,
    /// Whether another run is at work.
    pub is_running: bool,
    /// Which one, where that is known.
    pub run: Option<Holder>,
    /// Why none of this can be built on: the ledger is an old one.
    pub doubted: Option<Problem>,
    /// What the mail server's answers mean.
    pub meanings: Meanings,
}

impl Standing {
    /// Reads it; without a ledger nothing has happened.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn read(
        ledger: Option<&Ledger>,
        campaign: &CampaignId,
    ) -> Result<Standing, LedgerError> {
        let Some(ledger) = ledger else { return Ok(Standing::nothing_yet(campaign)) };
        let was_running = RunLock::is_held(ledger);
        let mut standing = Standing::recorded(ledger, campaign)?;
        // Looked at twice: a run that begins or ends meanwhile leaves nobody in doubt.
        standing.is_running = was_running || RunLock::is_held(ledger);
        standing.run = RunLock::holder_now(ledger);
        if !standing.is_running {
            standing.doubt_what_is_under_way(ledger)?;
        }
        Ok(standing)
    }

    /// The same for a command that holds the run lock itself: no other run is at work.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn read_by_holder(
        ledger: &Ledger,
        campaign: &CampaignId,
    ) -> Result<Standing, LedgerError> {
        let mut standing = Standing::recorded(ledger, campaign)?;
        standing.doubt_what_is_under_way(ledger)?;
        Ok(standing)
    }

    fn nothing_yet(campaign: &CampaignId) -> Standing {
        Standing {
            campaign: campaign.clone(),
            fingerprint: None,
            confirmed_at: None,
            paused_since: None,
            withdrawn_at: None,
            counts: Counts::default(),
            copies: Counts::default(),
            attention: Vec::new(),
            next_due: None,
            limited_until: None,
            is_running: false,
            run: None,
            doubted: None,
            meanings: Meanings::default(),
        }
    }

    fn recorded(ledger: &Ledger, campaign: &CampaignId) -> Result<Standing, LedgerError> {
        let plan = ledger.current_plan(campaign)?;
        Ok(Standing {
            fingerprint: plan.as_ref().map(|p| p.fingerprint),
            confirmed_at: plan.as_ref().and_then(|p| p.confirmed_at),
            paused_since: ledger.paused_since(campaign)?,
            withdrawn_at: plan.as_ref().and_then(|p| p.withdrawn_at),
            // Counted first: a run at work only adds to what was accepted.
            copies: ledger.copies(campaign)?,
            counts: ledger.counts(campaign)?,
            attention: ledger.attention(campaign)?,
            next_due: ledger.next_due(campaign)?,
            ..Standing::nothing_yet(campaign)
        })
    }

    fn doubt_what_is_under_way(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        if self.counts.of(State::Attempting) > 0 {
            self.attention.extend(ledger.under_way(&self.campaign)?);
            self.attention.sort_by_key(|delivery| delivery.number);
        }
        Ok(())
    }

    /// With the limits that letters wait for: the configured one of a day, and what the relay spoke
    /// of.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn with_limits(
        mut self,
        ledger: Option<&Ledger>,
        pacing: &Pacing,
        now: Timestamp,
    ) -> Result<Standing, LedgerError> {
        let Some(ledger) = ledger else { return Ok(self) };
        let spoken_of = limit_spoken_of(&self.attention, now).map(|(until, _)| until);
        let a_day_ago = Timestamp::from_unix_seconds(now.unix_seconds() - DAY.as_secs() as i64);
        let configured = match pacing.daily_limit {
            Some(_) => {
                let earlier = ledger.acceptances_since(a_day_ago, now)?;
                Some(now.plus(pacing.estimate(1, &earlier, now))).filter(|until| *until > now)
            }
            None => None,
        };
        self.limited_until = spoken_of.max(configured);
        Ok(self)
    }

    /// With the lists as they are now, where no plan was made of them: whom this one does not name
    /// needs nobody's care any more.
    #[must_use]
    pub(super) fn beside(mut self, plan: &Plan) -> Standing {
        let named: HashSet<_> = plan.all().map(|(id, _)| id).collect();
        self.attention.iter_mut().for_each(|d| d.is_in_plan &= named.contains(&d.id));
        self
    }

    /// Whom the mailing reached: `648 people`, `648 people and 212 copies`.
    #[must_use]
    pub(super) fn accepted_by(&self) -> String {
        let [all, copies] = [&self.counts, &self.copies].map(|c| c.of(State::Accepted));
        match (plural(all.saturating_sub(copies), "person"), copies) {
            (people, 0) => people,
            (people, copies) => format!("{people} and {}", plural(copies, "copy")),
        }
    }

    /// Whether nothing is planned, attempting, deferred or uncertain.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.fingerprint.is_some() && self.counts.is_complete()
    }

    /// Letters that wait for another `send`.
    #[must_use]
    pub(super) fn waiting(&self) -> u64 {
        [State::Planned, State::Attempting, State::Deferred].map(|s| self.counts.of(s)).iter().sum()
    }

    /// Letters that need a person.
    #[must_use]
    pub(super) fn for_a_person(&self) -> u64 {
        let open = [State::Rejected, State::Expired].map(|s| self.counts.of(s) - self.gone(s));
        self.counts.of(State::Uncertain) + open.iter().sum::<u64>()
    }

    /// Letters that came to nothing, for people who are no longer in the lists under that address:
    /// nothing more is to be done about them.
    #[must_use]
    pub(super) fn gone(&self, state: State) -> u64 {
        let is_meant = |d: &&StoredDelivery| d.state == state && is_gone(d);
        self.attention.iter().filter(is_meant).count() as u64
    }

    /// Letters of which nobody knows whether the relay has them: uncertain ones, and those that a
    /// run which was stopped has left.
    #[must_use]
    pub(super) fn in_doubt(&self) -> u64 {
        let left = if self.is_running { 0 } else { self.counts.of(State::Attempting) };
        self.counts.of(State::Uncertain) + left
    }

    /// Folders that uncertain letters were handed over to, by name.
    #[must_use]
    pub(super) fn hand_overs(&self) -> Vec<HandOvers> {
        let mut folders: BTreeMap<&str, HandOvers> = BTreeMap::new();
        for delivery in self.attention.iter().filter(|d| d.state == State::Uncertain) {
            let Some(to) = delivery.hand_over() else { continue };
            let of = folders.entry(to.folder).or_insert_with(|| HandOvers::none(to.folder));
            match to.is_finished {
                true => of.deliveries += 1,
                false => of.broken_off += 1,
            }
        }
        folders.into_values().collect()
    }

    /// Letters in doubt that a mail server may have, not a folder.
    #[must_use]
    pub(super) fn in_doubt_at_relay(&self) -> u64 {
        let handed_over: u64 =
            self.hand_overs().iter().map(|to| to.deliveries + to.broken_off).sum();
        self.in_doubt().saturating_sub(handed_over)
    }

    /// The contract's parts of the JSON object.
    #[must_use]
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mut counts = Map::new();
        counts.insert("total".to_owned(), json!(self.counts.total()));
        for state in State::ALL {
            counts.insert(state.as_str().to_owned(), json!(self.counts.of(state)));
        }
        let attention: Vec<Value> = self
            .attention
            .iter()
            .map(|d| {
                json!({
                    "address": d.address.as_str(),
                    "state": d.state.as_str(),
                    "response": d.answer(),
                    "in_plan": d.is_in_plan,
                    "copy_of": d.copy_of.as_ref().map(|letter| letter.address.as_str()),
                })
            })
            .collect();
        let mut object = Map::new();
        object.insert("campaign".to_owned(), json!(self.campaign.as_str()));
        object.insert("fingerprint".to_owned(), json!(self.fingerprint.map(|f| f.to_string())));
        object.insert("complete".to_owned(), json!(self.is_complete()));
        object.insert("paused".to_owned(), json!(self.paused_since.is_some()));
        object.insert("run".to_owned(), self.run.as_ref().map_or(Value::Null, run_as_json));
        object.insert("counts".to_owned(), Value::Object(counts));
        object.insert("copies".to_owned(), json!(self.copies.total()));
        object.insert("attention".to_owned(), Value::Array(attention));
        let handed_over = self.hand_overs().iter().map(HandOvers::to_json).collect();
        object.insert("handed_over".to_owned(), Value::Array(handed_over));
        object
    }
}

/// A point in time as the officer reads it: `5 November 2026, 14:49`.
#[must_use]
pub(super) fn moment(at: Timestamp) -> String {
    format!("{}, {}", at.local_date(), at.local_time())
}

/// A point in time as an officer at work reads it: `14:49`, with the date where it is another day.
#[must_use]
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    if at.local_date() == now.local_date() { at.local_time() } else { moment(at) }
}

/// The same parts of the JSON object where the ledger was not asked.
#[must_use]
pub(super) fn none_as_json(campaign: Option<&CampaignId>) -> Map<String, Value> {
    let mut counts = Map::from_iter([("total".to_owned(), json!(0))]);
    counts.extend(State::ALL.map(|state| (state.as_str().to_owned(), json!(0))));
    let campaign = campaign.map(CampaignId::as_str);
    let parts = [
        ("campaign", json!(campaign)),
        ("fingerprint", Value::Null),
        ("complete", json!(false)),
        ("paused", json!(false)),
        ("run", Value::Null),
        ("counts", Value::Object(counts)),
        ("copies", json!(0)),
        ("attention", json!([])),
        ("handed_over", json!([])),
    ];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Rejected or given up, and in no plan any more.
#[must_use]
pub(super) fn is_gone(delivery: &StoredDelivery) -> bool {
    matches!(delivery.state, State::Rejected | State::Expired) && !delivery.is_in_plan
}

fn run_as_json(run: &Holder) -> Value {
    json!({"since": run.since.to_string(), "computer": run.host, "process": run.pid})
}

/// A command's answer that is a standing.
#[must_use]
pub(super) fn answer(standing: &Standing, shell: &Shell) -> Answer {
    let mut problems = Problems::new();
    standing.doubted.iter().for_each(|problem| problems.push(problem.clone()));
    let answer = Answer::done(standing.to_text(&View::of(shell))).with_problems(problems);
    Answer { json: standing.to_json(), ..answer }
}
