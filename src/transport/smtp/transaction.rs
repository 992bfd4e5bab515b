//! Transmits one letter: what leaves when, and exactly what came of it.
//!
//! Owns the three ways a letter can go ([`Way`]), the permit, and the moment the last bytes leave.
//! What the answers say is `dialogue`'s.
//!
//! # Standards
//! RFC 5321 3.3, 4.1.1.2-5 (the sequence), 4.5.3.2 (deadlines), 6.1 (who is responsible when); RFC
//! 2920 (PIPELINING), RFC 3030 (CHUNKING), RFC 1047 (the gap at the end).
//!
//! # Invariants
//! - One recipient a transaction: privacy, and no partial outcomes.
//! - The last bytes leave only after the permit, only while nothing but good answers has come, and
//!   only on a connection that has answered a moment ago or has taken the recipient. A connection
//!   that died in silence gives a letter that can be tried again, not an uncertain one.
//! - A message by DATA follows only 354, with doubled dots; one by BDAT goes as it is.
//! - After anything but an acceptance the next letter asks first and sends then: servers slow down
//!   and hang up after several errors, and a refused recipient in one flight counts as two.
//! - A transmission that is dropped half-way leaves no session behind it.

use super::commands::{Commands, commands};
use super::dialogue::{Asked, Dialogue, session_over};
use super::parts::Parts;
use super::{Session, is_verdict, misplaced};
use crate::crash;
use crate::limits::MESSAGE_BLOCK_OCTETS;
use crate::message::Message;
use crate::transport::{Ending, Loss, Outcome, Stage};

/// How a letter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// MAIL, RCPT, BDAT and the message in one flight: one round trip.
    AtOnce,
    /// MAIL, RCPT and DATA in one flight, then the message: two round trips.
    Invited,
    /// MAIL and RCPT first, one after the other or together where PIPELINING is offered; once the
    /// recipient is taken, DATA and then the message, or BDAT with the message, which needs no
    /// PIPELINING (RFC 3030 2).
    AskingFirst,
}

impl Session {
    /// Transmits a message to its one recipient. `permit` starts as early as it is sure to be of
    /// use and runs while the letter is on its way; the last bytes wait for it. Where it ends with
    /// an error, the connection is dropped without them: [`Ending::Withheld`].
    ///
    /// The outcome's stage is [`Stage::Mail`] or later. [`Ending::Unsendable`],
    /// [`Ending::TooLarge`], [`Ending::NotOffered`] and [`Ending::SessionOver`] come before the
    /// permit and before anything of the letter was said.
    pub async fn transmit<F, E>(&mut self, message: &Message, permit: F) -> Outcome
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        let way = self.way();
        let commands = match commands(message, &self.extensions) {
            Ok(commands) => commands,
            Err(ending) => return Outcome { stage: Stage::Mail, ending },
        };
        // Taken out, so that a transmission dropped half-way leaves no session behind.
        let Some(mut wire) = self.wire.take() else { return session_over() };
        let head = self.head(way, &commands);
        let parts = self.parts(&head, message);
        let mut transaction = Transaction {
            session: self,
            commands: &commands,
            way,
            dialogue: Dialogue::new(&mut wire, self.timeouts, self.extensions.chunking),
            whole: parts.len(),
            promise: parts.len() - head.commands.len(),
            parts,
        };
        let (outcome, is_in_step) = transaction.carry(permit).await;
        self.is_used = true;
        self.needs_reset = !outcome.is_accepted();
        self.wire = Some(wire).filter(|_| is_in_step && leaves_session(&outcome));
        outcome
    }

    /// The way for the next letter.
    fn way(&self) -> Way {
        match (self.extensions.pipelining, self.needs_reset, self.extensions.chunking) {
            (true, false, true) => Way::AtOnce,
            (true, false, false) => Way::Invited,
            _ => Way::AskingFirst,
        }
    }

    /// What leaves with the message.
    fn head(&self, way: Way, commands: &Commands) -> Head {
        let Commands { mail, recipient, octets } = commands;
        let commands = match way {
            Way::AtOnce => lines(&[mail, recipient]),
            Way::Invited | Way::AskingFirst => String::new(),
        };
        let chunk = match self.extensions.chunking {
            true => format!("BDAT {octets} LAST\r\n"),
            false => String::new(),
        };
        Head { commands, chunk }
    }

    /// All that leaves together, in the form the relay wants.
    fn parts<'a>(&self, head: &'a Head, message: &'a Message) -> Parts<'a> {
        let mut parts = Parts::of(&head.commands);
        parts.push(head.chunk.as_bytes());
        match self.extensions.chunking {
            true => parts.push_plain(&message.chunks),
            false => parts.push_stuffed(&message.chunks),
        }
        parts
    }
}

/// What leaves in one flight with the message, in front of it.
#[derive(Debug)]
struct Head {
    /// MAIL and RCPT, or nothing.
    commands: String,
    /// BDAT, or nothing.
    chunk: String,
}

/// One letter on its way.
struct Transaction<'a> {
    session: &'a Session,
    commands: &'a Commands,
    way: Way,
    dialogue: Dialogue<'a>,
    /// What is left of the message and of what leaves with it.
    parts: Parts<'a>,
    /// Octets of `parts` at the beginning.
    whole: usize,
    /// Octets left of `parts` when BDAT, or the message by DATA, is the next to leave.
    promise: usize,
}

impl Transaction<'_> {
    /// What came of it, and whether both sides agree on where the conversation stands.
    async fn carry<F, E>(&mut self, permit: F) -> (Outcome, bool)
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        let outcome = match self.prepare(permit).await {
            Ok(()) => self.finish().await,
            Err(outcome) => outcome,
        };
        let outcome = self.dialogue.settle(outcome, &mut self.parts, self.promise).await;
        let is_torn = !self.parts.is_empty() && self.parts.len() < self.whole;
        (outcome, self.dialogue.is_in_step() && !is_torn)
    }

    /// Up to the point where the last bytes may leave. An `Err` is an outcome before them.
    async fn prepare<F, E>(&mut self, permit: F) -> Result<(), Outcome>
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        self.make_ready().await?;
        if self.way == Way::AskingFirst {
            self.ask_first().await.map_err(|outcome| self.untouched(outcome))?;
            crash::point("asked-first");
        }
        // Both to their ends: a permit that is being written down is not broken off.
        let (approached, permitted) = tokio::join!(self.approach(), permit());
        if permitted.is_err() {
            return Err(Outcome { stage: self.dialogue.stage(), ending: Ending::Withheld });
        }
        approached?;
        self.dialogue.look().await?;
        if self.dialogue.awaits_recipient() && !self.dialogue.is_fresh() {
            self.wait_for_recipient().await?;
        }
        Ok(())
    }

    /// Sees that the relay is there. On a session that has carried a letter, an end found here
    /// touches no letter.
    async fn make_ready(&mut self) -> Result<(), Outcome> {
        match self.dialogue.unasked().await {
            Ok(None) => Ok(()),
            _ if self.session.is_used => Err(session_over()),
            Ok(Some(response)) if is_verdict(&response) => {
                Err(Outcome::answered(Stage::Mail, response))
            }
            Ok(Some(response)) => Err(Outcome::lost(Stage::Mail, misplaced(&response))),
            Err(loss) => Err(Outcome::lost(Stage::Mail, loss)),
        }
    }

    /// RSET where the last letter was not accepted, MAIL and RCPT, and their answers.
    async fn ask_first(&mut self) -> Result<(), Outcome> {
        let Commands { mail, recipient, .. } = self.commands;
        let reset = self.session.needs_reset.then_some((Asked::Reset, "RSET"));
        let letter = [(Asked::Mail, mail.as_str()), (Asked::Recipient, recipient.as_str())];
        let (asked, commands): (Vec<_>, Vec<_>) = reset.into_iter().chain(letter).unzip();
        if self.session.extensions.pipelining {
            self.dialogue.say(&lines(&commands), &asked).await?;
            return self.dialogue.hear_all().await;
        }
        for (asked, command) in asked.into_iter().zip(commands) {
            self.dialogue.ask(asked, command).await?;
        }
        Ok(())
    }

    /// The connection closed on a used session's first words: it had been over before.
    fn untouched(&self, outcome: Outcome) -> Outcome {
        match outcome.ending {
            Ending::Lost(Loss::Closed) if self.session.is_used && outcome.stage == Stage::Mail => {
                session_over()
            }
            _ => outcome,
        }
    }

    /// Everything that may leave before the permit: all but the last block of the message. A letter
    /// of one block waits for it whole, and leaves in one write.
    async fn approach(&mut self) -> Result<(), Outcome> {
        let Commands { mail, recipient, .. } = self.commands;
        match self.way {
            Way::AtOnce => {}
            Way::Invited => {
                let asked = [Asked::Mail, Asked::Recipient, Asked::Data];
                self.dialogue.say(&lines(&[mail, recipient, "DATA"]), &asked).await?;
                self.dialogue.hear_all().await?;
            }
            Way::AskingFirst if self.session.extensions.chunking => {}
            Way::AskingFirst => self.dialogue.ask(Asked::Data, "DATA").await?,
        }
        if self.way != Way::AtOnce {
            self.dialogue.expect(&[Asked::Message]);
        }
        if self.whole > MESSAGE_BLOCK_OCTETS {
            self.send(MESSAGE_BLOCK_OCTETS).await?;
        }
        crash::point("front-gone");
        Ok(())
    }

    /// The connection has been silent for a while: it may be dead, and then nothing has happened.
    async fn wait_for_recipient(&mut self) -> Result<(), Outcome> {
        self.send(self.promise.min(self.parts.len())).await?;
        while self.dialogue.awaits_recipient() {
            self.dialogue.hear().await?;
        }
        self.dialogue.look().await
    }

    /// Sends all but the last `keep` octets. With the first of a flight its answers are due.
    async fn send(&mut self, keep: usize) -> Result<(), Outcome> {
        self.take_off();
        self.dialogue.send(&mut self.parts, keep).await
    }

    /// Nothing that came before the first octet can be an answer to the flight.
    fn take_off(&mut self) {
        if self.way == Way::AtOnce && self.parts.len() == self.whole {
            self.dialogue.expect(&[Asked::Mail, Asked::Recipient, Asked::Message]);
        }
    }

    /// Sends the last bytes and waits for the message's own answer.
    async fn finish(&mut self) -> Outcome {
        self.take_off();
        crash::point("before-last-bytes");
        let released = self.dialogue.release(&mut self.parts).await;
        crash::point("last-bytes-gone");
        match released {
            Ok(()) => self.dialogue.conclude().await,
            Err(outcome) => outcome,
        }
    }
}

/// Commands in one write; none of them can hold another (`commands` has seen to it).
fn lines(commands: &[&str]) -> String {
    commands.iter().flat_map(|command| [command, "\r\n"]).collect()
}

/// Whether both sides still agree on where the conversation stands.
fn leaves_session(outcome: &Outcome) -> bool {
    match (&outcome.ending, outcome.stage) {
        // Half a body lies on the wire: whatever we say next would be part of it.
        (Ending::Answered(_), Stage::Body) => false,
        // RFC 5321 3.8: 421 says that the relay closes the connection.
        (Ending::Answered(response), _) if response.code == 421 => false,
        (Ending::Answered(response), Stage::EndOfMessage) => {
            response.is_positive() || is_verdict(response)
        }
        (Ending::Answered(response), _) => is_verdict(response),
        _ => false,
    }
}
