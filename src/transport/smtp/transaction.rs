//! Transmits one letter: MAIL, one RCPT, DATA, the message, and exactly what came of it.
//!
//! Owns the stage of every answer and the moment the last bytes leave. This is the plain sequence
//! of RFC 5321; a flight of several commands would replace [`Session::invite`], never what follows.
//!
//! # Standards
//! RFC 5321 3.3, 4.1.1.2-5, 4.3.2 (the sequence and its answers), 4.5.3.2 (deadlines), 6.1 (who is
//! responsible when); RFC 1870 (SIZE=), RFC 6531 3.4 (SMTPUTF8), RFC 1047 (the gap at the end).
//!
//! # Invariants
//! - One recipient a transaction: privacy, and no partial outcomes.
//! - 4yz, 5yz to any command is that stage's verdict; only 354 lets a body follow; only a complete
//!   2yz line after the last bytes is acceptance.
//! - Before the last bytes nothing is ever uncertain; after them everything but 2yz, 4yz, 5yz is.
//! - The last bytes leave only after the permit and only while the relay is silent.
//! - A transmission that is dropped half-way leaves no session behind it.

use super::body::{self, Blocks};
use super::wire::Wire;
use super::{Extensions, Session, expected, is_verdict, misplaced};
use crate::message::{Envelope, Message};
use crate::response::Response;
use crate::transport::{Ending, Loss, Outcome, Stage};

impl Session {
    /// Transmits a message to its one recipient. `permit` starts when the relay has asked for the
    /// message and runs while it is on its way; the last bytes wait for it. Where it ends with an
    /// error, the connection is dropped without them: [`Ending::Withheld`].
    ///
    /// The outcome's stage is [`Stage::Mail`] or later. [`Ending::Unsendable`],
    /// [`Ending::TooLarge`], [`Ending::NotOffered`] and [`Ending::SessionOver`] come before
    /// anything of the letter was said.
    pub async fn transmit<F, E>(&mut self, message: &Message, permit: F) -> Outcome
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        let commands = match commands(message, &self.extensions) {
            Ok(commands) => commands,
            Err(ending) => return Outcome { stage: Stage::Mail, ending },
        };
        // Taken out, so that a transmission dropped half-way leaves no session behind.
        let Some(mut wire) = self.wire.take() else { return session_over() };
        let transmitted = self.converse(&mut wire, &commands, message, permit).await;
        let outcome = transmitted.unwrap_or_else(|outcome| outcome);
        self.is_used = true;
        self.needs_reset = !outcome.is_accepted();
        self.wire = Some(wire).filter(|_| leaves_session(&outcome));
        outcome
    }

    /// The whole transaction. An `Err` is an outcome before the last bytes.
    async fn converse<F, E>(
        &self,
        wire: &mut Wire,
        commands: &Commands,
        message: &Message,
        permit: F,
    ) -> Result<Outcome, Outcome>
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        self.make_ready(wire).await?;
        self.invite(wire, commands).await?;
        let last = self.send_front(wire, message, permit).await?;
        Ok(self.finish(wire, &last).await)
    }

    /// Sees that the relay is there and in no transaction. On a session that has carried a letter,
    /// an end found here touches no letter.
    async fn make_ready(&self, wire: &mut Wire) -> Result<(), Outcome> {
        match wire.unasked().await {
            Ok(None) => {}
            _ if self.is_used => return Err(session_over()),
            Ok(Some(response)) if is_verdict(&response) => {
                return Err(Outcome::answered(Stage::Mail, response));
            }
            Ok(Some(response)) => return Err(Outcome::lost(Stage::Mail, misplaced(&response))),
            Err(loss) => return Err(Outcome::lost(Stage::Mail, loss)),
        }
        if self.needs_reset {
            let answer = wire.ask("RSET", self.timeouts.command).await;
            expected(Stage::Mail, answer, Response::is_positive).map_err(|o| self.untouched(o))?;
        }
        Ok(())
    }

    /// The connection closed on a used session's first words: it had been over before.
    fn untouched(&self, outcome: Outcome) -> Outcome {
        match outcome.ending {
            Ending::Lost(Loss::Closed) if self.is_used => session_over(),
            _ => outcome,
        }
    }

    /// MAIL, RCPT, DATA, each after the answer to the one before, up to the relay's 354.
    async fn invite(&self, wire: &mut Wire, commands: &Commands) -> Result<(), Outcome> {
        let limit = self.timeouts.command;
        let answer = wire.ask(&commands.mail, limit).await;
        expected(Stage::Mail, answer, Response::is_positive).map_err(|o| self.untouched(o))?;
        // RFC 5321 4.2.3: 251 and 252 take the recipient, too.
        let answer = wire.ask(&commands.recipient, limit).await;
        expected(Stage::Recipient, answer, Response::is_positive)?;
        match wire.ask("DATA", self.timeouts.data).await {
            // It claims to have a message that nobody has shown it.
            Ok(answer) if answer.is_positive() => Err(Outcome::answered(Stage::Data, answer)),
            answer => expected(Stage::Data, answer, |r| r.code == 354).map(drop),
        }
    }

    /// Sends all but the last block while the permit is obtained, and returns the last block.
    async fn send_front<F, E>(
        &self,
        wire: &mut Wire,
        message: &Message,
        permit: F,
    ) -> Result<Vec<u8>, Outcome>
    where
        F: AsyncFnOnce() -> Result<(), E>,
    {
        let mut blocks = Blocks::new(&message.chunks);
        let mut block = Vec::new();
        let front = async {
            while !blocks.fill(&mut block) {
                wire.send_block(&block, self.timeouts.block).await?;
            }
            Ok(())
        };
        // Both to their ends: a permit that is being written down is not broken off.
        let (front, permitted) = tokio::join!(front, permit());
        if permitted.is_err() {
            return Err(Outcome { stage: Stage::Body, ending: Ending::Withheld });
        }
        if let Err(loss) = front {
            return Err(lost_or_refused(wire, Stage::Body, loss).await);
        }
        match wire.unasked().await {
            Ok(None) => Ok(block),
            Ok(Some(early)) if is_verdict(&early) => Err(Outcome::answered(Stage::Body, early)),
            Ok(Some(early)) => Err(Outcome::lost(Stage::Body, misplaced(&early))),
            Err(loss) => Err(Outcome::lost(Stage::Body, loss)),
        }
    }

    /// Sends the last block and waits for the message's own answer. From the first octet of it on,
    /// what is lost is uncertain.
    async fn finish(&self, wire: &mut Wire, last: &[u8]) -> Outcome {
        if let Err(loss) = wire.send_block(last, self.timeouts.block).await {
            return lost_or_refused(wire, Stage::EndOfMessage, loss).await;
        }
        match wire.reply(self.timeouts.end_of_message).await {
            Ok(answer) => Outcome::answered(Stage::EndOfMessage, answer),
            Err(loss) => Outcome::lost(Stage::EndOfMessage, loss),
        }
    }
}

/// What one letter says before its body.
#[derive(Debug)]
struct Commands {
    mail: String,
    recipient: String,
}

/// The commands of a letter, once everything is known to be fit for the wire.
fn commands(message: &Message, offered: &Extensions) -> Result<Commands, Ending> {
    let Envelope { reverse_path, forward_path, smtputf8 } = &message.envelope;
    for path in [reverse_path, forward_path] {
        if !is_path(path.as_str()) {
            return Err(Ending::Unsendable(format!("{path} cannot stand in a mail command")));
        }
    }
    let is_ascii = reverse_path.as_str().is_ascii() && forward_path.as_str().is_ascii();
    let needs_smtputf8 = *smtputf8 || !is_ascii;
    let octets = body::check(&message.chunks, needs_smtputf8)
        .map_err(|fault| Ending::Unsendable(fault.to_string()))?;
    if needs_smtputf8 && !offered.smtputf8 {
        return Err(Ending::NotOffered("SMTPUTF8"));
    }
    if let Some(accepted) = offered.size_limit().filter(|limit| octets > *limit) {
        return Err(Ending::TooLarge { octets, accepted });
    }
    let mut mail = format!("MAIL FROM:<{reverse_path}>");
    if offered.size.is_some() {
        mail.push_str(&format!(" SIZE={octets}"));
    }
    if needs_smtputf8 {
        mail.push_str(" SMTPUTF8");
    }
    Ok(Commands { mail, recipient: format!("RCPT TO:<{forward_path}>") })
}

/// Whether an address can neither end its command nor add to it (security S3). `EmailAddress` has
/// seen to it; this is the last look.
fn is_path(address: &str) -> bool {
    let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>\"\\(),:;[]".contains(c);
    !address.contains(breaks) && address.split('@').filter(|part| !part.is_empty()).count() == 2
}

/// A loss, or the early refusal that explains it.
async fn lost_or_refused(wire: &mut Wire, stage: Stage, loss: Loss) -> Outcome {
    match wire.early_verdict().await {
        Some(response) => Outcome::answered(stage, response),
        None => Outcome::lost(stage, loss),
    }
}

/// Nothing of the letter was said.
fn session_over() -> Outcome {
    Outcome { stage: Stage::Mail, ending: Ending::SessionOver }
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
