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
        self.wire = Some(wire).filter(|wire| leaves_session(&outcome) && !wire.is_torn());
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
            match wire.ask("RSET", self.timeouts.command).await {
                // It says nothing about a letter: a new session, which needs no RSET, says the
                // same. A 421 asks for a rest besides.
                Ok(refusal) if is_verdict(&refusal) && refusal.code != 421 => {
                    return Err(session_over());
                }
                answer => expected(Stage::Mail, answer, Response::is_positive)
                    .map_err(|o| self.untouched(o))?,
            };
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, Step, hear, relay, say, settings, shown};
    use super::super::{Relay, Security, TlsClient};
    use super::*;
    use crate::address::EmailAddress;
    use crate::message::Chunk;
    use std::time::Duration;

    const TEXT: &str = "Subject: x\r\n\r\nhello\r\n";

    fn message(text: &[u8]) -> Message {
        addressed("answers@forum.example", "ana@town.example", text)
    }

    fn addressed(from: &str, to: &str, text: &[u8]) -> Message {
        let address = |text: &str| EmailAddress::parse(text).unwrap();
        let envelope =
            Envelope { reverse_path: address(from), forward_path: address(to), smtputf8: false };
        let chunks = vec![Chunk::Own(text.to_vec())];
        Message { envelope, message_id: "<1@forum.example>".to_owned(), chunks }
    }

    /// A message of 16 MB, more than any connection takes unread.
    fn large() -> Message {
        let line = [vec![b'x'; 62], b"\r\n".to_vec()].concat();
        message(&line.repeat((16 << 20) / line.len()))
    }

    /// A permit that takes a moment, so that what the relay has said meanwhile is there.
    async fn permit() -> Result<(), ()> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    }

    fn greeted(offer: &str) -> Vec<Step> {
        vec![say("220 hi"), hear("EHLO"), say(offer)]
    }

    /// MAIL and RCPT taken, the message asked for.
    fn invited() -> Vec<Step> {
        let taken = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok")];
        [&taken[..], &[hear("DATA"), say("354 go")]].concat()
    }

    /// A letter up to its answer.
    fn answered(answer: &str) -> Vec<Step> {
        [invited(), vec![Step::HearBody, say(answer)]].concat()
    }

    async fn session(settings: &Relay) -> Session {
        Session::open(settings, &TlsClient::for_relay(settings).unwrap()).await.unwrap()
    }

    /// A session with a relay that plays this script after its answer to EHLO.
    async fn opened(offer: &str, steps: Vec<Step>) -> (Session, Scripted) {
        let relay = relay(vec![[greeted(offer), steps].concat()]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.timeouts.command = Duration::from_secs(1);
        settings.timeouts.data = Duration::from_secs(1);
        settings.timeouts.end_of_message = Duration::from_secs(1);
        (session(&settings).await, relay)
    }

    /// One letter against a script: the outcome, and whether the session goes on.
    async fn transmitted(message: &Message, steps: Vec<Step>) -> (String, bool) {
        let (mut session, _relay) = opened("250 x", steps).await;
        let outcome = session.transmit(message, permit).await;
        assert_eq!(outcome.is_accepted(), shown(&outcome).starts_with("EndOfMessage 2"));
        (shown(&outcome), session.is_usable())
    }

    #[tokio::test]
    async fn before_the_body_every_refusal_has_its_stage_and_costs_no_connection() {
        let commands = ["MAIL", "RCPT", "DATA"];
        let stages = ["Mail", "Recipient", "Data"];
        let at = |n: usize, last: Step| {
            let taken = commands.iter().take(n).flat_map(|c| [Step::Hear(c), say("250 ok")]);
            taken.chain([Step::Hear(commands[n]), last]).collect::<Vec<_>>()
        };
        for (n, stage) in stages.into_iter().enumerate() {
            for (last, ending, usable) in [
                (say("450 4.2.0 later"), "450 4.2.0 later", true),
                (say("550 5.1.1 no such user"), "550 5.1.1 no such user", true),
                (say("550-one\r\n550 two"), "550 one two", true),
                (Step::Say(b"550 bo\xeete\0\r\n".to_vec()), "550 bo\u{fffd}te", true),
                (say("421 4.3.2 closing"), "421 4.3.2 closing", false),
                (say("334 go"), "NotSmtp", false),
                (say("yes"), "NotSmtp", false),
                (say("250-a\r\n550 b"), "NotSmtp", false),
                (Step::Stay, "TimedOut", false),
                (Step::Fin, "Closed", false),
                (Step::Reset, "Closed", false),
            ] {
                let came = transmitted(&message(TEXT.as_bytes()), at(n, last)).await;
                assert_eq!(came, (format!("{stage} {ending}"), usable));
            }
        }
        // A code without its line end is no verdict.
        let half = [Step::Hear("MAIL"), Step::Say(b"550 no".to_vec()), Step::Fin];
        let came = transmitted(&message(TEXT.as_bytes()), half.to_vec()).await;
        assert_eq!(came, ("Mail Closed".to_owned(), false));
        // It claims to have what nobody has shown it.
        let came = transmitted(&message(TEXT.as_bytes()), at(2, say("250 thanks"))).await;
        assert_eq!(came, ("Data 250 thanks".to_owned(), false));
        // An answer to what was not asked yet.
        let two = at(0, say("250 ok\r\n550 no"));
        let came = transmitted(&message(TEXT.as_bytes()), two).await;
        assert_eq!(came, ("Recipient NotSmtp".to_owned(), false));
    }

    #[tokio::test]
    async fn recipients_that_are_forwarded_or_unverified_are_taken() {
        for code in ["251 will forward", "252 cannot verify"] {
            let taken = [hear("MAIL"), say("250 ok"), hear("RCPT"), say(code), hear("DATA")];
            let rest = [say("354 go"), Step::HearBody, say("250 ok")];
            let came = transmitted(&message(TEXT.as_bytes()), [&taken[..], &rest].concat()).await;
            assert_eq!(came, ("EndOfMessage 250 ok".to_owned(), true));
        }
    }

    #[tokio::test]
    async fn before_the_last_bytes_nothing_is_uncertain() {
        let early = |answer: &str| [invited(), vec![say(answer), Step::Stay]].concat();
        let midway = |end: Step| [invited(), vec![Step::HearOctets(100_000), end]].concat();
        let small = message(TEXT.as_bytes());
        for (message, steps, outcome) in [
            (&small, early("552 5.3.4 too big"), "Body 552 5.3.4 too big"),
            (&small, early("421 closing"), "Body 421 closing"),
            (&small, early("250 thanks"), "Body NotSmtp"),
            (&small, early("huh"), "Body NotSmtp"),
            (&small, [invited(), vec![Step::Fin]].concat(), "Body Closed"),
            (&small, [invited(), vec![Step::Reset]].concat(), "Body Closed"),
            (&large(), midway(Step::Fin), "Body Closed"),
            (&large(), midway(Step::Reset), "Body Closed"),
            (&large(), early("552 5.3.4 too big"), "Body 552 5.3.4 too big"),
            (&large(), early("250 thanks"), "Body NotSmtp"),
        ] {
            let came = transmitted(message, steps).await;
            assert_eq!(came, (outcome.to_owned(), false));
        }
    }

    #[tokio::test]
    async fn a_relay_that_stops_reading_costs_one_block_s_deadline() {
        let relay = relay(vec![[greeted("250 x"), invited(), vec![Step::Stay]].concat()]).await;
        let mut settings = settings(relay.port, Security::Plain);
        settings.timeouts.block = Duration::from_millis(300);
        let outcome = session(&settings).await.transmit(&large(), permit).await;
        assert_eq!(shown(&outcome), "Body TimedOut");
    }

    #[tokio::test]
    async fn after_the_last_bytes_only_a_complete_answer_counts() {
        let after = |steps: &[Step]| [invited(), vec![Step::HearBody], steps.to_vec()].concat();
        for (steps, outcome, usable) in [
            (after(&[say("250 2.0.0 taken as 4711")]), "250 2.0.0 taken as 4711", true),
            (after(&[say("250-taken\r\n250 as 4711")]), "250 taken as 4711", true),
            (after(&[Step::Say(b"250 re\xe7u\0\r\n".to_vec())]), "250 re\u{fffd}u", true),
            (after(&[say("250 taken\r\n250 taken")]), "250 taken", true),
            (after(&[say("451 later")]), "451 later", true),
            (after(&[say("554 5.7.1 spam")]), "554 5.7.1 spam", true),
            (after(&[say("421 closing")]), "421 closing", false),
            (after(&[say("354 go")]), "354 go", false),
            (after(&[say("thanks")]), "NotSmtp", false),
            (after(&[say("250-taken\r\n550 not")]), "NotSmtp", false),
            (after(&[Step::Say(b"250 taken".to_vec()), Step::Fin]), "Closed", false),
            (after(&[Step::Say(b"250-taken\r\n".to_vec()), Step::Fin]), "Closed", false),
            (after(&[Step::Fin]), "Closed", false),
            (after(&[Step::Reset]), "Closed", false),
            (after(&[Step::Stay]), "TimedOut", false),
            ([invited(), vec![Step::HearOctets(9), Step::Reset]].concat(), "Closed", false),
            (
                [invited(), vec![Step::HearOctets(9), say("421 bye"), Step::Stay]].concat(),
                "421 bye",
                false,
            ),
        ] {
            let came = transmitted(&message(TEXT.as_bytes()), steps).await;
            assert_eq!(came, (format!("EndOfMessage {outcome}"), usable));
        }
    }

    #[tokio::test]
    async fn without_a_permit_the_last_bytes_stay_here() {
        for message in [message(TEXT.as_bytes()), large()] {
            let (mut session, relay) = opened("250 x", invited()).await;
            let outcome = session.transmit(&message, async || Err("disk full")).await;
            assert_eq!((shown(&outcome).as_str(), session.is_usable()), ("Body Withheld", false));
            session.close().await;
            let heard = relay.heard().await;
            let (_, body) = heard.split_once("DATA\r\n").unwrap();
            assert!(!body.contains(".\r\n") && !body.contains("QUIT") && !body.contains("hello"));
        }
    }

    #[tokio::test]
    async fn no_permit_is_asked_for_before_the_relay_wants_the_message() {
        let steps = vec![hear("MAIL"), say("250 ok"), hear("RCPT"), say("550 no")];
        let (mut session, _relay) = opened("250 x", steps).await;
        let mut was_asked = false;
        let permit = async || {
            was_asked = true;
            Ok::<(), ()>(())
        };
        let outcome = session.transmit(&message(TEXT.as_bytes()), permit).await;
        assert_eq!((shown(&outcome).as_str(), was_asked), ("Recipient 550 no", false));
    }

    #[tokio::test]
    async fn a_refused_recipient_costs_rset_and_not_the_connection() {
        let refused = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("550 no")];
        let steps = [&refused[..], &[hear("RSET"), say("250 ok")], &answered("250 ok")].concat();
        let steps = [steps, answered("250 ok")].concat();
        let (mut session, relay) = opened("250-x\r\n250 SIZE", steps).await;
        let mut came = Vec::new();
        for to in ["nobody@town.example", "ana@town.example", "王@town.example"] {
            let message = addressed("answers@forum.example", to, TEXT.as_bytes());
            came.push(shown(&session.transmit(&message, permit).await));
        }
        assert_eq!(
            came,
            ["Recipient 550 no", "EndOfMessage 250 ok", "Mail NotOffered(\"SMTPUTF8\")"]
        );
        session.close().await;
        assert_eq!(
            relay.heard().await,
            "EHLO [127.0.0.1]\r\nMAIL FROM:<answers@forum.example> SIZE=21\r\n\
             RCPT TO:<nobody@town.example>\r\nRSET\r\n\
             MAIL FROM:<answers@forum.example> SIZE=21\r\nRCPT TO:<ana@town.example>\r\nDATA\r\n\
             Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n"
        );
    }

    #[tokio::test]
    async fn the_end_of_a_used_session_touches_no_letter() {
        let refused = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("550 no")].to_vec();
        let then = |before: &[Step], after: &[Step]| [before, after].concat();
        let accepted = answered("250 ok");
        for (steps, outcome) in [
            (then(&accepted, &[Step::Fin]), "Mail SessionOver"),
            (then(&accepted, &[Step::Reset]), "Mail SessionOver"),
            (then(&accepted, &[say("421 idle"), Step::Fin]), "Mail SessionOver"),
            (then(&accepted, &[say("250 again")]), "Mail SessionOver"),
            (then(&accepted, &[hear("MAIL"), Step::Fin]), "Mail SessionOver"),
            (then(&accepted, &[hear("MAIL"), say("421 enough")]), "Mail 421 enough"),
            (then(&refused, &[hear("RSET"), Step::Fin]), "Mail SessionOver"),
            (then(&refused, &[hear("RSET"), say("421 enough")]), "Mail 421 enough"),
            (then(&refused, &[hear("RSET"), say("451 not now")]), "Mail SessionOver"),
            (then(&refused, &[hear("RSET"), say("502 5.5.1 what")]), "Mail SessionOver"),
            (then(&refused, &[hear("RSET"), Step::Stay]), "Mail TimedOut"),
        ] {
            let (mut session, _relay) = opened("250 x", steps).await;
            session.transmit(&message(TEXT.as_bytes()), permit).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let second = session.transmit(&message(TEXT.as_bytes()), permit).await;
            assert_eq!((shown(&second).as_str(), session.is_usable()), (outcome, false));
            let third = session.transmit(&message(TEXT.as_bytes()), permit).await;
            assert_eq!(
                (shown(&third).as_str(), session.is_alive().await),
                ("Mail SessionOver", false)
            );
        }
        // A new session that ends is no such thing: reopening it for ever would help nobody.
        let came = transmitted(&message(TEXT.as_bytes()), vec![Step::Fin]).await;
        assert_eq!(came, ("Mail Closed".to_owned(), false));
    }

    /// It was told as "sender refused", which halts the run.
    #[tokio::test]
    async fn a_relay_that_knows_no_rset_gets_each_letter_over_a_new_session() {
        let greeted = [say("220 hi"), hear("EHLO"), say("250 x")];
        let refused = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("550 no")];
        let first = [&greeted[..], &refused[..], &[hear("RSET"), say("500 what")]].concat();
        let relay = relay(vec![first, [greeted.to_vec(), answered("250 ok")].concat()]).await;
        let settings = settings(relay.port, Security::Plain);
        let tls = TlsClient::for_relay(&settings).unwrap();
        let letter = message(TEXT.as_bytes());
        let mut came = Vec::new();
        let mut session = Session::open(&settings, &tls).await.unwrap();
        came.push(shown(&session.transmit(&letter, permit).await));
        came.push(shown(&session.transmit(&letter, permit).await));
        session = Session::open(&settings, &tls).await.unwrap();
        came.push(shown(&session.transmit(&letter, permit).await));
        assert_eq!(came, ["Recipient 550 no", "Mail SessionOver", "EndOfMessage 250 ok"]);
        drop(session);
        assert_eq!(relay.heard().await.matches("RSET").count(), 1);
    }

    #[tokio::test]
    async fn a_transmission_dropped_half_way_leaves_no_session() {
        let (mut session, relay) = opened("250 x", [invited(), vec![Step::Stay]].concat()).await;
        let forever = async || std::future::pending::<Result<(), ()>>().await;
        let letter = message(TEXT.as_bytes());
        let dropped = session.transmit(&letter, forever);
        assert!(tokio::time::timeout(Duration::from_millis(200), dropped).await.is_err());
        assert!(!session.is_usable());
        drop(relay);
    }

    #[tokio::test]
    async fn what_the_relay_cannot_take_is_known_before_mail() {
        let (mut session, relay) = opened("250-x\r\n250 SIZE 20", vec![]).await;
        let outcome = session.transmit(&message(TEXT.as_bytes()), permit).await;
        assert_eq!(shown(&outcome), "Mail TooLarge { octets: 21, accepted: 20 }");
        for text in ["", "a\n.\r\nb\r\n", "a\r.\r", "a", "caf\u{e9}\r\n", "a\0\r\n"] {
            let outcome = session.transmit(&message(text.as_bytes()), permit).await;
            assert!(shown(&outcome).starts_with("Mail Unsendable(\""), "{text:?}");
        }
        assert!(session.is_usable());
        drop(session);
        assert_eq!(relay.heard().await, "EHLO [127.0.0.1]\r\n");
    }

    #[tokio::test]
    async fn an_address_beyond_ascii_asks_for_smtputf8() {
        let (mut session, relay) = opened("250-x\r\n250 SMTPUTF8", answered("250 ok")).await;
        let text = "To: 王@x\r\n\r\nhello\r\n";
        let message = addressed("answers@forum.example", "王@town.example", text.as_bytes());
        assert!(session.transmit(&message, permit).await.is_accepted());
        drop(session);
        let heard = relay.heard().await;
        assert!(heard.contains("MAIL FROM:<answers@forum.example> SMTPUTF8\r\n"), "{heard}");
        assert!(heard.contains("RCPT TO:<王@town.example>\r\n") && heard.contains(text));
    }

    /// Security S1: the relay sees one message, with the letter's own words.
    #[tokio::test]
    async fn a_letter_that_speaks_smtp_stays_a_letter() {
        let fake = "MAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\nSubject: forged\r\n\r\n.\r\n";
        let text = format!("Subject: x\r\n\r\n.\r\n.\r\n..\r\n.x\r\n{fake}QUIT\r\n");
        let (mut session, relay) = opened("250 x", answered("250 ok")).await;
        assert!(session.transmit(&message(text.as_bytes()), permit).await.is_accepted());
        drop(session);
        let heard = relay.heard().await;
        let (_, body) = heard.split_once("DATA\r\n").unwrap();
        let (body, rest) = body.split_once("\r\n.\r\n").unwrap();
        let received: String = body
            .split("\r\n")
            .map(|l| format!("{}\r\n", l.strip_prefix('.').unwrap_or(l)))
            .collect();
        assert_eq!((received, rest), (text, ""));
    }

    /// Security S3: what `EmailAddress` refuses does not pass here either.
    #[test]
    fn no_address_can_end_its_command_or_add_to_it() {
        for ending in [
            "> SIZE=1",
            "> NOTIFY=NEVER",
            ">\r\nRCPT TO:<b@y",
            "\r\nDATA",
            "\n",
            "\r",
            "\0",
            " x",
            "\t",
            "\u{a0}x",
            "\u{2028}",
            "\u{85}",
            ">,<b@y",
            "@y",
            "\"",
            "\\",
            "(c)",
            ",b",
            ";",
            ":",
        ] {
            for address in [format!("a@x.example{ending}"), format!("a{ending}@x.example")] {
                assert!(!is_path(&address), "{address:?}");
            }
        }
        assert!(!is_path("<a@x.example") && !is_path("@x") && !is_path("a@") && !is_path(""));
        assert!(is_path("o'brien+forum@x.example") && is_path("王@xn--fsqu00a.test"));
    }

    /// The engine runs each connection as a task of its own.
    #[tokio::test]
    async fn a_transmission_can_be_a_task() {
        let (mut session, _relay) = opened("250 x", answered("250 ok")).await;
        let message = message(TEXT.as_bytes());
        let task = tokio::spawn(async move { session.transmit(&message, permit).await });
        assert!(task.await.unwrap().is_accepted());
    }
}
