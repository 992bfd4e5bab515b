//! What was asked and what of it is answered: the ledger of one letter's conversation.
//!
//! Owns the order of the answers and their meaning: several commands may be on their way at once,
//! and each answer is the one to the oldest. Which commands go together is `transaction`'s.
//!
//! # Standards
//! RFC 5321 4.2 and 4.3.2 (answers and what they decide), RFC 2920 3.1 (answers to a group of
//! commands; the lone dot), RFC 3030 2 and 4.2 (the answers to BDAT), RFC 1047 (the gap at the
//! end).
//!
//! # Invariants
//! - The stage is what the answers say: 4yz and 5yz to RSET, MAIL, RCPT or DATA is the verdict,
//!   whatever has left meanwhile. Before the release nothing is uncertain; from then on all is that
//!   ends without such a verdict and without the message's own answer.
//! - No answer is left on the wire for the next letter to find: it is read, or the connection goes.
//!
//! # Departures
//! A relay that refuses MAIL or RCPT and then accepts the whole message all the same has said two
//! things. Such a letter is uncertain, because to try again could double it.

use super::parts::Parts;
use super::wire::{Sending, Wire};
use super::{Timeouts, is_verdict, misplaced};
use crate::limits::{EARLY_ANSWER_WAIT, REFUSED_REST_OCTETS_MAX};
use crate::response::Response;
use crate::transport::{Ending, Loss, Outcome, Stage};
use std::collections::VecDeque;
use std::time::Duration;

/// What an answer can be to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// RSET, before the letter.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The message: BDAT with its octets, or the final dot.
    Message,
}

/// How much of the message has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Not the last bytes.
    Front,
    /// The first octet of the last write, or more.
    Release,
    /// All of it.
    Whole,
}

/// One letter's conversation.
#[derive(Debug)]
pub(super) struct Dialogue<'w> {
    wire: &'w mut Wire,
    timeouts: Timeouts,
    /// Whether RCPT is followed by the message, without DATA.
    by_chunks: bool,
    /// Asked and not answered, the oldest first.
    due: VecDeque<Asked>,
    /// What is decided next.
    stage: Stage,
    left: Left,
    /// Whether both sides agree on where the conversation stands.
    is_in_step: bool,
}

impl<'w> Dialogue<'w> {
    /// A conversation that has not begun.
    pub(super) fn new(wire: &'w mut Wire, timeouts: Timeouts, by_chunks: bool) -> Dialogue<'w> {
        Dialogue {
            wire,
            timeouts,
            by_chunks,
            due: VecDeque::new(),
            stage: Stage::Mail,
            left: Left::Front,
            is_in_step: true,
        }
    }

    /// What the answers that have come leave to be decided.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether both sides agree on where the conversation stands.
    pub(super) fn is_in_step(&self) -> bool {
        self.is_in_step
    }

    /// What the relay has said or done before anything of the letter was said.
    pub(super) async fn unasked(&mut self) -> Result<Option<Response>, Loss> {
        self.wire.unasked().await
    }

    /// Says one command and waits for its answer.
    pub(super) async fn ask(&mut self, asked: Asked, command: &str) -> Result<(), Outcome> {
        self.due.push_back(asked);
        match self.wire.ask(command, self.limit(asked)).await {
            Ok(response) => self.judge(response),
            Err(loss) => Err(self.lost(loss)),
        }
    }

    /// Says several commands in one write (RFC 2920 3.1).
    pub(super) async fn say(&mut self, lines: &str, asked: &[Asked]) -> Result<(), Outcome> {
        self.due.extend(asked);
        self.send(&mut Parts::of(lines), 0).await
    }

    /// From now on answers to these are due.
    pub(super) fn expect(&mut self, asked: &[Asked]) {
        self.due.extend(asked);
    }

    /// Sends all but the last `keep` octets and hears the answers that come meanwhile.
    pub(super) async fn send(&mut self, parts: &mut Parts<'_>, keep: usize) -> Result<(), Outcome> {
        loop {
            match self.wire.send(parts, keep, self.timeouts.block).await {
                Ok(Sending::Done) => return Ok(()),
                Ok(Sending::Heard(response)) => self.judge(response)?,
                Err(loss) => return Err(self.explained(loss).await),
            }
        }
    }

    /// Sends the last bytes. From the first octet on, what is lost is uncertain.
    pub(super) async fn release(&mut self, parts: &mut Parts<'_>) -> Result<(), Outcome> {
        self.left = Left::Release;
        self.send(parts, 0).await?;
        self.left = Left::Whole;
        Ok(())
    }

    /// Waits for the oldest answer due.
    pub(super) async fn hear(&mut self) -> Result<(), Outcome> {
        let Some(asked) = self.due.front() else {
            return Err(self.lost(Loss::Other("nothing was asked".to_owned())));
        };
        match self.wire.reply(self.limit(*asked)).await {
            Ok(response) => self.judge(response),
            Err(loss) => Err(self.lost(loss)),
        }
    }

    /// Waits for all answers due.
    pub(super) async fn hear_all(&mut self) -> Result<(), Outcome> {
        while !self.due.is_empty() {
            self.hear().await?;
        }
        Ok(())
    }

    /// Waits until the letter's outcome is known.
    pub(super) async fn conclude(&mut self) -> Outcome {
        loop {
            if let Err(outcome) = self.hear().await {
                return outcome;
            }
        }
    }

    /// Hears the answers that are here, without waiting: only a silent relay gets the last bytes.
    pub(super) async fn look(&mut self) -> Result<(), Outcome> {
        while let Some(response) = self.wire.heard().await.map_err(|loss| self.lost(loss))? {
            self.judge(response)?;
        }
        let may_speak = !matches!(self.due.front(), None | Some(Asked::Message));
        if self.wire.has_begun_an_answer() && !may_speak {
            let what = "half an answer, before anything was asked".to_owned();
            return Err(self.lost(Loss::NotSmtp(what)));
        }
        Ok(())
    }

    /// Whether RCPT's answer is still due.
    pub(super) fn awaits_recipient(&self) -> bool {
        self.stage <= Stage::Recipient
    }

    /// Whether the relay has answered a moment ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.wire.was_heard_within(self.timeouts.fresh)
    }

    /// The letter was refused while more of it was on its way: sends what BDAT has promised, where
    /// that costs less than the connection, and reads the answers that are due. `promise` is how
    /// many octets were left when BDAT's first was the next.
    pub(super) async fn settle(
        &mut self,
        refusal: Outcome,
        parts: &mut Parts<'_>,
        promise: usize,
    ) -> Outcome {
        if !self.is_in_step || !is_refused_envelope(&refusal) {
            return refusal;
        }
        if self.due.contains(&Asked::Message) {
            self.keep_promise(parts, promise).await;
        }
        while self.is_in_step || parts.is_empty() {
            let Some(asked) = self.due.pop_front() else { break };
            match self.wire.reply(self.timeouts.command).await {
                Ok(answer) if asked == Asked::Data && answer.code == 354 => self.lone_dot().await,
                Ok(answer) if asked == Asked::Message && answer.is_positive() => {
                    return self.contradiction(&refusal, &answer);
                }
                Ok(answer) => self.is_in_step &= is_verdict(&answer) && answer.code != 421,
                Err(_) => {
                    self.is_in_step = false;
                    break;
                }
            }
        }
        refusal
    }

    /// BDAT's octets belong to it whatever comes of it (RFC 3030 2).
    async fn keep_promise(&mut self, parts: &mut Parts<'_>, promise: usize) {
        if parts.len() == promise {
            // BDAT itself has not left.
            self.due.retain(|asked| *asked != Asked::Message);
            *parts = Parts::default();
            return;
        }
        self.is_in_step = parts.len() <= REFUSED_REST_OCTETS_MAX.min(promise);
        while self.is_in_step && !parts.is_empty() {
            match self.wire.send(parts, 0, self.timeouts.block).await {
                Ok(Sending::Done) => {}
                // The message's own answer cannot come before its last octet.
                Ok(Sending::Heard(answer)) => {
                    self.due.pop_front();
                    self.is_in_step = is_verdict(&answer) && !self.due.is_empty();
                }
                Err(_) => self.is_in_step = false,
            }
        }
    }

    /// RFC 2920 3.1: the relay wants a message for nobody. It gets an empty one, and whatever it
    /// says of it means nothing.
    async fn lone_dot(&mut self) {
        let said = self.wire.ask(".", self.timeouts.command).await;
        self.is_in_step = said.is_ok_and(|answer| answer.code != 421);
    }

    fn contradiction(&mut self, refusal: &Outcome, answer: &Response) -> Outcome {
        self.is_in_step = false;
        let refused = refusal.ending.in_words();
        let what = format!("{answer}, for a letter refused before with {refused}");
        Outcome::lost(Stage::EndOfMessage, Loss::NotSmtp(what))
    }

    /// How long an answer may take. After the last bytes the longest wait holds for all of them: a
    /// shorter one would make uncertain letters out of accepted ones.
    fn limit(&self, asked: Asked) -> Duration {
        match asked {
            _ if self.left != Left::Front => self.timeouts.end_of_message,
            Asked::Reset | Asked::Mail | Asked::Recipient => self.timeouts.command,
            Asked::Data => self.timeouts.data,
            Asked::Message => self.timeouts.end_of_message,
        }
    }

    /// Takes an answer for the oldest question. An `Err` is what the letter came to.
    fn judge(&mut self, response: Response) -> Result<(), Outcome> {
        let Some(asked) = self.due.pop_front() else { return Err(self.farewell(response)) };
        let (stage, next) = match asked {
            Asked::Message => return Err(self.about_message(response)),
            // It says nothing about a letter: a new session, which needs no RSET, says the same. A
            // 421 asks for a rest besides.
            Asked::Reset if is_verdict(&response) && response.code != 421 => {
                return Err(session_over());
            }
            // It claims to have a message that nobody has shown it.
            Asked::Data if response.is_positive() => {
                return Err(Outcome::answered(Stage::Data, response));
            }
            Asked::Reset => (Stage::Mail, Stage::Mail),
            Asked::Mail => (Stage::Mail, Stage::Recipient),
            Asked::Recipient if self.by_chunks => (Stage::Recipient, Stage::Body),
            Asked::Recipient => (Stage::Recipient, Stage::Data),
            Asked::Data => (Stage::Data, Stage::Body),
        };
        // RFC 5321 4.2.3: 251 and 252 take the recipient, too.
        let is_due =
            if asked == Asked::Data { response.code == 354 } else { response.is_positive() };
        match is_due {
            true => self.stage = next,
            false if is_verdict(&response) => return Err(Outcome::answered(stage, response)),
            false => return Err(self.lost(misplaced(&response))),
        }
        Ok(())
    }

    /// An answer to the message: once all of it has left, whatever it is; before, only a refusal.
    fn about_message(&self, response: Response) -> Outcome {
        match self.left {
            Left::Whole => Outcome::answered(Stage::EndOfMessage, response),
            Left::Release if is_verdict(&response) => {
                Outcome::answered(Stage::EndOfMessage, response)
            }
            Left::Front if is_verdict(&response) => Outcome::answered(Stage::Body, response),
            _ => self.lost(misplaced(&response)),
        }
    }

    /// An answer when none is due: only 421 may come at any time (RFC 5321 3.8).
    fn farewell(&self, response: Response) -> Outcome {
        match response.code {
            421 => Outcome::answered(self.stage, response),
            _ => self.lost(misplaced(&response)),
        }
    }

    /// The end of the conversation without a verdict.
    fn lost(&self, loss: Loss) -> Outcome {
        match self.left {
            Left::Front => Outcome::lost(self.stage, loss),
            Left::Release | Left::Whole => Outcome::lost(Stage::EndOfMessage, loss),
        }
    }

    /// A loss, or the early refusal that explains it.
    async fn explained(&mut self, loss: Loss) -> Outcome {
        self.is_in_step = false;
        while let Ok(response) = self.wire.reply(EARLY_ANSWER_WAIT).await {
            if let Err(outcome) = self.judge(response) {
                return outcome;
            }
        }
        self.lost(loss)
    }
}

/// Nothing of the letter was said.
pub(super) fn session_over() -> Outcome {
    Outcome { stage: Stage::Mail, ending: Ending::SessionOver }
}

/// Whether MAIL or RCPT was refused and the relay stays.
fn is_refused_envelope(outcome: &Outcome) -> bool {
    match &outcome.ending {
        Ending::Answered(response) => {
            outcome.stage <= Stage::Recipient && is_verdict(response) && response.code != 421
        }
        _ => false,
    }
}
