//! How a campaign stands, from the ledger alone: for `send`, `status` and the bare command.

use super::answer::Answer;
use super::ui::{BOLD, DIM, grouped, plural};
use crate::id::{CampaignId, Fingerprint};
use crate::ledger::{Counts, Ledger, LedgerError, RunLock, State, StoredDelivery};
use crate::problem::{Problem, Problems};
use crate::send::breaker::masked;
use crate::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Lines of letters on the screen before the rest is counted.
const NAMED_MAX: usize = 20;
/// Letters with the same answer that share a line from this many on. Uncertain ones never do: each
/// of them is asked about.
const GROUPED_FROM: usize = 4;

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
    /// Deliveries by state.
    pub counts: Counts,
    /// Letters that need a look: deferred, rejected, uncertain, expired.
    pub attention: Vec<StoredDelivery>,
    /// When the next deferred letter is due.
    pub next_due: Option<Timestamp>,
    /// Whether a run is at work.
    pub is_running: bool,
    /// Why none of this can be built on: the ledger is an old one.
    pub doubted: Option<Problem>,
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
        let campaign = campaign.clone();
        let Some(ledger) = ledger else {
            return Ok(Standing {
                campaign,
                fingerprint: None,
                confirmed_at: None,
                paused_since: None,
                withdrawn_at: None,
                counts: Counts::default(),
                attention: Vec::new(),
                next_due: None,
                is_running: false,
                doubted: None,
            });
        };
        let plan = ledger.current_plan(&campaign)?;
        Ok(Standing {
            fingerprint: plan.as_ref().map(|p| p.fingerprint),
            confirmed_at: plan.as_ref().and_then(|p| p.confirmed_at),
            paused_since: ledger.paused_since(&campaign)?,
            withdrawn_at: plan.as_ref().and_then(|p| p.withdrawn_at),
            counts: ledger.counts(&campaign)?,
            attention: ledger.attention(&campaign)?,
            next_due: ledger.next_due(&campaign)?,
            is_running: RunLock::is_held(ledger),
            doubted: None,
            campaign,
        })
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
        [State::Rejected, State::Uncertain, State::Expired].map(|s| self.counts.of(s)).iter().sum()
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
                    "response": d.response.as_ref().map(ToString::to_string),
                })
            })
            .collect();
        let mut object = Map::new();
        object.insert("campaign".to_owned(), json!(self.campaign.as_str()));
        object.insert("fingerprint".to_owned(), json!(self.fingerprint.map(|f| f.to_string())));
        object.insert("complete".to_owned(), json!(self.is_complete()));
        object.insert("paused".to_owned(), json!(self.paused_since.is_some()));
        object.insert("counts".to_owned(), Value::Object(counts));
        object.insert("attention".to_owned(), Value::Array(attention));
        object
    }

    /// For people: the counts, then who needs a look, then the next step.
    #[must_use]
    pub(super) fn to_text(&self) -> String {
        if self.fingerprint.is_none() {
            return self.held()
                + &format!(
                    "{}: nothing was sent yet.\nNext: secretariat send {} --dry-run shows the plan.\n",
                    self.campaign, self.campaign
                );
        }
        let accepted = self.counts.of(State::Accepted);
        let mut text = format!(
            "{BOLD}{}: {} of {} handed to the mail server{BOLD:#}\n",
            self.campaign,
            grouped(accepted),
            plural(self.counts.total(), "letter")
        );
        text.push_str(&self.held());
        for (state, words) in WORDS {
            let count = self.counts.of(state);
            let is_said = state == State::Accepted;
            let words = match state {
                State::Attempting if !self.is_running => {
                    "in doubt: a run was stopped while handing over"
                }
                _ => words,
            };
            if count > 0 && !is_said {
                let _ = writeln!(text, "{:>8}  {words}", grouped(count));
            }
        }
        text.push_str(&self.named());
        text.push_str(&self.next_step());
        text
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

    fn named(&self) -> String {
        let lines = self.lines();
        let mut text = String::new();
        for letters in lines.iter().take(NAMED_MAX) {
            text.push_str(&line_of(letters));
        }
        let left: usize = lines.iter().skip(NAMED_MAX).map(Vec::len).sum();
        if left > 0 {
            let _ = writeln!(text, "  {DIM}... and {} more{DIM:#}", grouped(left as u64));
        }
        if left > 0 || lines.iter().any(|letters| letters.len() > 1) {
            let _ = writeln!(text, "  {DIM}secretariat status --format json names all{DIM:#}");
        }
        text
    }

    /// What stands on one line: a letter, or all with the same answer.
    fn lines(&self) -> Vec<Vec<&StoredDelivery>> {
        let mut groups: Vec<Vec<&StoredDelivery>> = Vec::new();
        let mut at: HashMap<(State, String), usize> = HashMap::new();
        for delivery in &self.attention {
            let answer = masked(&delivery.last_words().unwrap_or_default());
            let new = groups.len();
            match *at.entry((delivery.state, answer)).or_insert(new) {
                known if known < new => groups[known].push(delivery),
                _ => groups.push(vec![delivery]),
            }
        }
        let is_shared = |group: &Vec<&StoredDelivery>| {
            group.len() >= GROUPED_FROM && group[0].state != State::Uncertain
        };
        let apart = |group: Vec<_>| group.into_iter().map(|letter| vec![letter]).collect();
        let lines = |group| if is_shared(&group) { vec![group] } else { apart(group) };
        groups.into_iter().flat_map(lines).collect()
    }

    fn next_step(&self) -> String {
        if self.doubted.is_some() {
            // What to do stands with the warning.
            return String::new();
        }
        let campaign = &self.campaign;
        let uncertain = self.counts.of(State::Uncertain);
        if self.waiting() > 0 && self.paused_since.is_some() {
            return format!(
                "Next: secretariat resume {campaign}, then secretariat send {campaign}.\n"
            );
        }
        if self.waiting() > 0 {
            let when = match self.next_due {
                Some(due) if self.counts.of(State::Planned) == 0 => {
                    format!(" from {} on", due.local_time())
                }
                _ => String::new(),
            };
            return format!(
                "Next: secretariat send {campaign}{when}; it goes on where it stopped, nobody \
                 gets it twice.\n"
            );
        }
        if uncertain > 0 {
            return format!(
                "Next: ask the administrators of the mail server whether it has {} (secretariat \
                 why ADDRESS shows the Message-ID), then say so: secretariat resolve ADDRESS \
                 --accepted or --resend.\n",
                if uncertain == 1 { "it" } else { "them" }
            );
        }
        if self.counts.of(State::Rejected) == 0 && self.for_a_person() > 0 {
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
}

/// The first letter of a line, how many are like it, and what was answered to it.
fn line_of(letters: &[&StoredDelivery]) -> String {
    let Some(first) = letters.first() else { return String::new() };
    let others = match letters.len() as u64 - 1 {
        0 => String::new(),
        more => format!(" and {} others", grouped(more)),
    };
    let due = letters.iter().filter_map(|d| d.due_at).min();
    let when = match (first.state, due) {
        (State::Deferred, Some(due)) if letters.len() > 1 => {
            format!(", again from {} on", due.local_time())
        }
        (State::Deferred, Some(due)) => format!(", again at {}", due.local_time()),
        _ => String::new(),
    };
    let words = first.last_words().unwrap_or_default();
    let state = first.state.as_str();
    format!("  {}{others} {DIM}{state}{when}: {words}{DIM:#}\n", first.address)
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
        ("counts", Value::Object(counts)),
        ("attention", json!([])),
    ];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// States in the officer's words, in order.
const WORDS: [(State, &str); 9] = [
    (State::Accepted, "handed to the mail server"),
    (State::Planned, "waiting"),
    (State::Attempting, "on their way"),
    (State::Deferred, "will be tried again"),
    (State::Rejected, "refused for good"),
    (State::Uncertain, "not sure: lost in the moment of handing over"),
    (State::Expired, "given up"),
    (State::Cancelled, "withdrawn"),
    (State::Suppressed, "not written to"),
];

/// A command's answer that is a standing.
#[must_use]
pub(super) fn answer(standing: &Standing) -> Answer {
    let mut problems = Problems::new();
    standing.doubted.iter().for_each(|problem| problems.push(problem.clone()));
    let answer = Answer::done(standing.to_text()).with_problems(problems);
    Answer { json: standing.to_json(), ..answer }
}
