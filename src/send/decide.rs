//! What a relay's answer means for the letter and for the run: one pure table.
//!
//! Owns the table of the delivery paper, stage by stage. It acts on nothing: `dispatch.rs` and
//! `connection.rs` do what it says and `ledger/` keeps it. What a halt tells the officer is
//! `halt.rs`.
//!
//! # Standards
//! RFC 5321 4.2.1 (first digit), 4.5.4.1 (retrying), 6.1 (who is responsible); RFC 3463 (what a
//! detail is about).
//!
//! # Invariants
//! Only a complete 2yz to the end of the message is an acceptance. After the last bytes may have
//! left, no answer means uncertain, never "try again". What is the same for everybody halts the
//! run and rejects nobody.

use super::halt::Halt;
use crate::response::Response;
use crate::transport::tokens::NoToken;
use crate::transport::{Ending, Loss, Outcome, Stage};

/// What becomes of the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForLetter {
    /// The relay is responsible now.
    Accepted,
    /// Again later.
    Deferred(Wait),
    /// Not at all.
    Rejected(Blame),
    /// It may have been taken: only evidence or a person settles it.
    Uncertain,
    /// Nothing happened to it: its state stays.
    Untouched,
}

/// Whom a refusal is about: refusals about us trip the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The recipient: no such mailbox, closed, moved.
    Recipient,
    /// Us: policy, content, permission.
    Us,
}

/// How long a deferred letter waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// By `[retry]`: first_wait, doubling up to max_wait.
    Usual,
    /// A full mailbox: as usual, given up after 72 hours.
    MailboxFull,
    /// A limit of the relay on letters in a short time: the longest usual wait.
    Limit,
    /// A limit of the relay on letters in a day: until it is over.
    DailyLimit,
    /// Not at all: it was not about this letter.
    None,
}

/// What becomes of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForRun {
    /// The next letter, on this connection.
    GoOn,
    /// The next letter, on a new connection.
    Reconnect,
    /// The relay wants fewer connections.
    FewerConnections,
    /// The relay wants less: half the rate on one connection for a while.
    SlowDown,
    /// The relay wants rest.
    Rest,
    /// No letter before this one's wait is over: a limit of the relay.
    Pause,
    /// Nothing more may go: something must change first.
    Halt(Halt),
}

/// What an outcome leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// For the letter.
    pub letter: ForLetter,
    /// For the run.
    pub run: ForRun,
}

const fn decision(letter: ForLetter, run: ForRun) -> Decision {
    Decision { letter, run }
}

/// Nothing happened to the letter, and the run halts.
const fn halt(reason: Halt) -> Decision {
    decision(ForLetter::Untouched, ForRun::Halt(reason))
}

const AGAIN: Decision = decision(ForLetter::Deferred(Wait::Usual), ForRun::GoOn);
const AGAIN_SLOWER: Decision = decision(ForLetter::Deferred(Wait::Usual), ForRun::SlowDown);
const AGAIN_AFTER_LIMIT: Decision = decision(ForLetter::Deferred(Wait::Limit), ForRun::Pause);
const AGAIN_AFTER_DAY: Decision = decision(ForLetter::Deferred(Wait::DailyLimit), ForRun::Pause);
const MAILBOX_FULL: Decision = decision(ForLetter::Deferred(Wait::MailboxFull), ForRun::GoOn);
const LOST: Decision = decision(ForLetter::Deferred(Wait::Usual), ForRun::Reconnect);
const REST: Decision = decision(ForLetter::Untouched, ForRun::Rest);

/// Refused for good: status x.1.x and x.2.x are about a mailbox (RFC 3463 3.2, 3.3). Which one,
/// MAIL says by being about the sender, and x.1.7 and x.1.8 at any stage: many relays judge the
/// sender only when they are told a recipient.
fn rejected(stage: Stage, response: &Response) -> Decision {
    let blame = match response.enhanced {
        _ if stage == Stage::Mail => Blame::Us,
        // 5.1.90 is Exchange Online's word for a limit of the account.
        Some(status) if matches!((status.subject, status.detail), (1, 7 | 8 | 90)) => Blame::Us,
        Some(status) if matches!(status.subject, 1 | 2) => Blame::Recipient,
        // Microsoft refuses an unknown recipient with 5.4.1 (access denied).
        Some(status) if stage == Stage::Recipient && (status.subject, status.detail) == (4, 1) => {
            Blame::Recipient
        }
        // RFC 5321 4.2.3: 550, 551, 553 and 556 to RCPT are about the mailbox where nothing else is
        // said.
        None if stage == Stage::Recipient && matches!(response.code, 550 | 551 | 553 | 556) => {
            Blame::Recipient
        }
        _ => Blame::Us,
    };
    decision(ForLetter::Rejected(blame), ForRun::GoOn)
}

/// What an outcome leads to.
#[must_use]
pub fn decide(outcome: &Outcome) -> Decision {
    match &outcome.ending {
        Ending::Answered(response) => answered(outcome.stage, response),
        Ending::Lost(loss) => lost(outcome.stage, loss),
        Ending::NotOffered(_) => halt(not_offered(outcome.stage)),
        Ending::NoToken(why) => no_token(why),
        Ending::TokenRefused(_) => halt(Halt::TokenRefused),
        Ending::TooLarge { .. } => halt(Halt::TooLarge),
        Ending::Withheld => halt(Halt::LedgerFailed),
        Ending::SessionOver => decision(ForLetter::Untouched, ForRun::Reconnect),
        Ending::Unsendable(_) => halt(Halt::Unsendable),
    }
}

fn not_offered(stage: Stage) -> Halt {
    match stage {
        Stage::StartTls | Stage::Hello => Halt::TlsNotOffered,
        Stage::SignIn => Halt::SignInNotOffered,
        _ => Halt::NoSmtpUtf8,
    }
}

/// Nothing was said to the relay, so that nothing happened to a letter.
fn no_token(why: &NoToken) -> Decision {
    match why {
        NoToken::SignInAgain(_) => halt(Halt::SignInOver),
        NoToken::Refused(_) => halt(Halt::TokenDenied),
        NoToken::Failed(_) => halt(Halt::NoToken),
        NoToken::Unreachable(_) => REST,
    }
}

fn lost(stage: Stage, loss: &Loss) -> Decision {
    match (stage, loss) {
        (Stage::EndOfMessage, _) => decision(ForLetter::Uncertain, ForRun::Reconnect),
        (Stage::Mail | Stage::Recipient | Stage::Data | Stage::Body, _) => LOST,
        // Bytes that slip in between STARTTLS and the handshake are an attack (CVE-2011-0411).
        (Stage::StartTls, Loss::NotSmtp(_)) | (_, Loss::Tls(_)) => halt(Halt::TlsFailed),
        (Stage::Greeting | Stage::Hello, Loss::NotSmtp(_)) => halt(Halt::NotAMailServer),
        // The password may have been judged: a second try could lock the account.
        (Stage::SignIn, _) => halt(Halt::SignInBroken),
        _ => REST,
    }
}

fn answered(stage: Stage, response: &Response) -> Decision {
    if wants_fewer_connections(stage, response) {
        let letter = match stage {
            Stage::Connect | Stage::Greeting | Stage::Hello | Stage::StartTls | Stage::SignIn => {
                ForLetter::Untouched
            }
            _ => ForLetter::Deferred(Wait::None),
        };
        return decision(letter, ForRun::FewerConnections);
    }
    match stage {
        Stage::Connect | Stage::Greeting => opening(response, Halt::RelayRefusesUs),
        Stage::Hello => opening(response, Halt::RelayRefusesUs),
        Stage::StartTls => opening(response, Halt::TlsFailed),
        Stage::SignIn => opening(response, Halt::SignInRefused),
        Stage::Mail => mail(response),
        Stage::Recipient => recipient(stage, response),
        Stage::Data => data(stage, response),
        Stage::Body => body(response),
        Stage::EndOfMessage => end_of_message(response),
    }
}

/// 4.3.2 is what Exchange says of too many connections, with 432 before it or another code. To AUTH
/// 432 alone means that the password must be changed (RFC 4954 4.7.12).
fn wants_fewer_connections(stage: Stage, response: &Response) -> bool {
    has_status(response, 4, 3, 2) || (response.code == 432 && stage != Stage::SignIn)
}

fn opening(response: &Response, refused: Halt) -> Decision {
    // RFC 4954 6: after 432 another try with the same password could lock the account.
    let is_judged = refused == Halt::SignInRefused && response.code == 432;
    if response.is_transient() && !is_judged { REST } else { halt(refused) }
}

fn mail(response: &Response) -> Decision {
    if response.is_transient() {
        return AGAIN_SLOWER;
    }
    if response.code == 552 || has_status(response, 5, 3, 4) {
        return rejected(Stage::Mail, response);
    }
    // 530: RFC 4954 6, sign-in required. The rest: the sender, the same for everybody.
    if response.code == 530 { halt(Halt::SignInRefused) } else { halt(Halt::SenderRefused) }
}

fn recipient(stage: Stage, response: &Response) -> Decision {
    if has_status(response, 4, 2, 2) || has_status(response, 5, 2, 2) {
        return MAILBOX_FULL;
    }
    if response.is_transient() {
        let is_about_us =
            response.code == 421 || has_status(response, 4, 3, 1) || has_status(response, 4, 7, 28);
        return if is_about_us { AGAIN_SLOWER } else { AGAIN };
    }
    if response.is_permanent() {
        return if denies_relaying(response) {
            halt(Halt::RelayingDenied)
        } else {
            rejected(stage, response)
        };
    }
    LOST
}

fn denies_relaying(response: &Response) -> bool {
    let words =
        ["relaying denied", "relay access denied", "relay not permitted", "unable to relay"];
    words.iter().any(|w| response.says(w))
}

fn data(stage: Stage, response: &Response) -> Decision {
    match response.code / 100 {
        // RFC 5321 4.2.5: 2yz to DATA is no permission to send the body.
        2 => halt(Halt::ProtocolBroken),
        4 => {
            if response.code == 421 {
                AGAIN_SLOWER
            } else {
                AGAIN
            }
        }
        5 => recipient(stage, response),
        _ => LOST,
    }
}

/// An answer before the message was whole: the relay gave its verdict early.
fn body(response: &Response) -> Decision {
    if response.is_permanent() {
        Decision { run: reconnecting(end_of_message(response).run), ..end_of_message(response) }
    } else {
        LOST
    }
}

/// In the middle of a body a connection cannot be used for another letter.
fn reconnecting(run: ForRun) -> ForRun {
    if run == ForRun::GoOn { ForRun::Reconnect } else { run }
}

fn end_of_message(response: &Response) -> Decision {
    match response.code / 100 {
        2 => decision(ForLetter::Accepted, ForRun::GoOn),
        4 => end_refused_for_now(response),
        5 => end_refused(response),
        // RFC 5321 4.2.1: no 3yz is due here; whether it was taken cannot be known.
        _ => decision(ForLetter::Uncertain, ForRun::Reconnect),
    }
}

fn end_refused_for_now(response: &Response) -> Decision {
    let by_policy = response.enhanced.is_some_and(|e| e.class == 4 && e.subject == 7);
    match response.code {
        _ if by_policy => AGAIN_AFTER_LIMIT,
        _ if has_status(response, 4, 2, 2) => MAILBOX_FULL,
        421 => AGAIN_SLOWER,
        _ => AGAIN,
    }
}

fn end_refused(response: &Response) -> Decision {
    let refused = rejected(Stage::EndOfMessage, response);
    let Some(status) = response.enhanced else { return refused };
    let deferred_and = |reason| decision(ForLetter::Deferred(Wait::Usual), ForRun::Halt(reason));
    match (status.subject, status.detail) {
        (4, 5) | (2, 0) => AGAIN_AFTER_DAY,
        // Exchange Online's, for the account and for its organisation.
        (1, 90) | (7, 232 | 233 | 236) => AGAIN_AFTER_DAY,
        // 554 is Exchange's word about the account that hands over; 552 is about the reader's
        // mailbox.
        (2, 2) if response.code == 554 => deferred_and(Halt::OwnMailbox),
        (2, 2) => MAILBOX_FULL,
        // Exchange Online's: the account may not write as the author, or as the sender; it is held
        // back for having tried too often, or for other faults of its own.
        (2, 251) => deferred_and(Halt::OwnMailbox),
        (2, 252..=255) | (7, 60) => deferred_and(Halt::SenderRefused),
        (7, 26..=32 | 515) => deferred_and(Halt::DomainAuthentication),
        _ => refused,
    }
}

/// Whether the relay says that this is too much at once: its own means (4.3.1), connections
/// (4.3.2), or letters in a short time (4.7.28).
#[must_use]
pub fn asks_for_less(outcome: &Outcome) -> bool {
    let Ending::Answered(response) = &outcome.ending else { return false };
    [(3, 1), (3, 2), (7, 28)].iter().any(|(s, d)| has_status(response, 4, *s, *d))
}

fn has_status(response: &Response, class: u8, subject: u16, detail: u16) -> bool {
    response.enhanced.is_some_and(|e| (e.class, e.subject, e.detail) == (class, subject, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stage: Stage, code: u16, text: &str) -> Decision {
        let response = Response::new(code, vec![text.as_bytes().to_vec()]);
        decide(&Outcome { stage, ending: Ending::Answered(response) })
    }

    fn broke(stage: Stage, loss: Loss) -> Decision {
        decide(&Outcome { stage, ending: Ending::Lost(loss) })
    }

    #[test]
    fn opening_a_session() {
        for stage in [Stage::Greeting, Stage::Hello, Stage::StartTls, Stage::SignIn] {
            assert_eq!(said(stage, 421, "busy"), REST, "{stage:?}");
        }
        assert_eq!(said(Stage::Greeting, 554, "no"), halt(Halt::RelayRefusesUs));
        assert_eq!(said(Stage::Hello, 550, "no"), halt(Halt::RelayRefusesUs));
        assert_eq!(said(Stage::StartTls, 501, "no"), halt(Halt::TlsFailed));
        assert_eq!(said(Stage::SignIn, 454, "4.7.0 later"), REST);
        for code in [530, 534, 535, 538, 525] {
            assert_eq!(said(Stage::SignIn, code, "no"), halt(Halt::SignInRefused));
        }
        let no_token =
            |why| decide(&Outcome { stage: Stage::SignIn, ending: Ending::NoToken(why) });
        let words = || "why".to_owned();
        assert_eq!(no_token(NoToken::SignInAgain(words())), halt(Halt::SignInOver));
        assert_eq!(no_token(NoToken::Refused(words())), halt(Halt::TokenDenied));
        assert_eq!(no_token(NoToken::Failed(words())), halt(Halt::NoToken));
        assert_eq!(no_token(NoToken::Unreachable(words())), REST);
        let ending = Ending::TokenRefused(Response::new(535, vec![b"5.7.3 no".to_vec()]));
        assert_eq!(decide(&Outcome { stage: Stage::SignIn, ending }), halt(Halt::TokenRefused));
        assert_eq!(broke(Stage::SignIn, Loss::Closed), halt(Halt::SignInBroken));
        assert_eq!(broke(Stage::Connect, Loss::Refused), REST);
        assert_eq!(broke(Stage::Greeting, Loss::TimedOut), REST);
        assert_eq!(
            broke(Stage::Greeting, Loss::NotSmtp("HTTP".into())),
            halt(Halt::NotAMailServer)
        );
        assert_eq!(broke(Stage::StartTls, Loss::NotSmtp("250 x".into())), halt(Halt::TlsFailed));
        assert_eq!(broke(Stage::StartTls, Loss::Tls("name".into())), halt(Halt::TlsFailed));
        let no_tls = Outcome { stage: Stage::StartTls, ending: Ending::NotOffered("STARTTLS") };
        assert_eq!(decide(&no_tls), halt(Halt::TlsNotOffered));
    }

    #[test]
    fn too_many_connections_at_any_stage() {
        let fewer = |letter| decision(letter, ForRun::FewerConnections);
        for stage in [Stage::Greeting, Stage::Hello, Stage::SignIn] {
            assert_eq!(said(stage, 432, "4.3.2 slow"), fewer(ForLetter::Untouched));
            assert_eq!(said(stage, 421, "4.3.2 too many"), fewer(ForLetter::Untouched));
        }
        let at_once = ForLetter::Deferred(Wait::None);
        assert_eq!(said(Stage::EndOfMessage, 432, "4.3.2 concurrent"), fewer(at_once));
    }

    #[test]
    fn the_sender_is_the_same_for_everybody() {
        for code in [421, 450, 451, 452] {
            assert_eq!(said(Stage::Mail, code, "x"), AGAIN_SLOWER);
        }
        for (code, text) in [(550, "5.7.1 x"), (553, "5.1.8 x"), (501, "5.1.7 x")] {
            assert_eq!(said(Stage::Mail, code, text), halt(Halt::SenderRefused));
        }
        assert_eq!(said(Stage::Mail, 530, "5.7.0 sign in"), halt(Halt::SignInRefused));
        // One large letter is one letter; all of them trip the breaker.
        assert_eq!(said(Stage::Mail, 552, "5.3.4 big").letter, ForLetter::Rejected(Blame::Us));
    }

    #[test]
    fn a_recipient_is_refused_alone() {
        for (code, text) in [
            (550, "no such user"),
            (550, "5.1.1 unknown"),
            (550, "5.1.10 x"),
            (550, "5.2.1 closed"),
            (550, "5.4.1 x"),
            (551, "moved"),
            (553, "5.1.3 x"),
            (556, "5.1.10 null MX"),
            (550, "5.7.1 policy"),
        ] {
            let blame = if text == "5.7.1 policy" { Blame::Us } else { Blame::Recipient };
            let refused = decision(ForLetter::Rejected(blame), ForRun::GoOn);
            assert_eq!(said(Stage::Recipient, code, text), refused, "{code} {text}");
        }
        for (code, text) in
            [(450, "4.2.0 x"), (451, "4.7.1 greylisted"), (450, "4.1.8 x"), (451, "4.4.3 dns")]
        {
            assert_eq!(said(Stage::Recipient, code, text), AGAIN, "{code} {text}");
        }
        for (code, text) in [(452, "4.2.2 full"), (552, "5.2.2 full")] {
            assert_eq!(
                said(Stage::Recipient, code, text).letter,
                ForLetter::Deferred(Wait::MailboxFull)
            );
        }
        for (code, text) in [(452, "4.3.1 disk"), (421, "bye"), (450, "4.7.28 rate")] {
            assert_eq!(said(Stage::Recipient, code, text), AGAIN_SLOWER);
        }
        assert_eq!(
            said(Stage::Recipient, 554, "5.7.1 Relay access denied"),
            halt(Halt::RelayingDenied)
        );
    }

    /// A relay that judges the sender late speaks of it where recipients are answered to.
    #[test]
    fn a_refusal_of_the_sender_is_about_no_recipient() {
        for stage in [Stage::Recipient, Stage::EndOfMessage] {
            for text in ["5.1.7 bad sender", "5.1.8 Sender address rejected: Domain not found"] {
                assert_eq!(said(stage, 550, text).letter, ForLetter::Rejected(Blame::Us), "{text}");
            }
        }
        assert_eq!(said(Stage::Mail, 552, "5.2.2 full").letter, ForLetter::Rejected(Blame::Us));
    }

    #[test]
    fn a_password_that_must_be_changed_is_tried_once() {
        let change = said(Stage::SignIn, 432, "4.7.12 A password transition is needed");
        assert_eq!(change, halt(Halt::SignInRefused));
        assert_eq!(said(Stage::SignIn, 432, "4.3.2 x").run, ForRun::FewerConnections);
    }

    #[test]
    fn data_opens_the_way_only_with_354() {
        assert_eq!(said(Stage::Data, 250, "ok"), halt(Halt::ProtocolBroken));
        assert_eq!(said(Stage::Data, 451, "x"), AGAIN);
        assert_eq!(said(Stage::Data, 554, "5.7.1 no").letter, ForLetter::Rejected(Blame::Us));
    }

    #[test]
    fn lost_before_the_last_bytes_is_tried_again() {
        for stage in [Stage::Mail, Stage::Recipient, Stage::Data, Stage::Body] {
            for loss in [Loss::Closed, Loss::TimedOut, Loss::NotSmtp("x".into())] {
                assert_eq!(broke(stage, loss), LOST, "{stage:?}");
            }
        }
        assert_eq!(said(Stage::Body, 421, "bye"), LOST);
        assert_eq!(said(Stage::Body, 554, "5.6.0 no").letter, ForLetter::Rejected(Blame::Us));
        assert_eq!(said(Stage::Body, 554, "5.6.0 no").run, ForRun::Reconnect);
    }

    #[test]
    fn lost_after_the_last_bytes_is_uncertain() {
        for loss in [Loss::Closed, Loss::TimedOut, Loss::NotSmtp("x".into()), Loss::Tls("x".into())]
        {
            assert_eq!(broke(Stage::EndOfMessage, loss).letter, ForLetter::Uncertain);
        }
        assert_eq!(said(Stage::EndOfMessage, 354, "go on").letter, ForLetter::Uncertain);
    }

    #[test]
    fn the_answer_to_the_end_of_the_message() {
        assert_eq!(said(Stage::EndOfMessage, 250, "2.0.0 queued").letter, ForLetter::Accepted);
        assert_eq!(said(Stage::EndOfMessage, 251, "x").letter, ForLetter::Accepted);
        for code in [450, 451, 452] {
            assert_eq!(said(Stage::EndOfMessage, code, "x"), AGAIN);
        }
        assert_eq!(said(Stage::EndOfMessage, 421, "x"), AGAIN_SLOWER);
        for (code, text) in [(552, "5.3.4 big"), (554, "5.6.0 x"), (550, "5.7.1 spam"), (554, "no")]
        {
            assert_eq!(
                said(Stage::EndOfMessage, code, text).letter,
                ForLetter::Rejected(Blame::Us)
            );
        }
        for (code, text) in [
            (550, "5.4.5 daily"),
            (554, "5.2.0 quota"),
            (550, "5.1.90 daily limit"),
            (550, "5.7.233 tenant"),
        ] {
            assert_eq!(said(Stage::EndOfMessage, code, text), AGAIN_AFTER_DAY, "{text}");
        }
        assert_eq!(said(Stage::EndOfMessage, 451, "4.7.0 rate"), AGAIN_AFTER_LIMIT);
        for (code, text) in [(452, "4.2.2 full"), (552, "5.2.2 full")] {
            assert_eq!(said(Stage::EndOfMessage, code, text), MAILBOX_FULL, "the reader's");
        }
        for (text, reason) in [
            ("5.2.2 full", Halt::OwnMailbox),
            ("5.7.26 dmarc", Halt::DomainAuthentication),
            ("5.7.515 x", Halt::DomainAuthentication),
            ("5.2.252 SendAsDenied", Halt::SenderRefused),
            ("5.2.251 throttled", Halt::OwnMailbox),
            ("5.2.253 throttled", Halt::SenderRefused),
            ("5.7.60 SMTP; no permissions to send as this sender", Halt::SenderRefused),
        ] {
            assert_eq!(said(Stage::EndOfMessage, 554, text).run, ForRun::Halt(reason));
        }
    }

    #[test]
    fn a_session_that_ended_between_letters_costs_no_attempt() {
        let over = Outcome { stage: Stage::Mail, ending: Ending::SessionOver };
        assert_eq!(decide(&over), decision(ForLetter::Untouched, ForRun::Reconnect));
    }

    #[test]
    fn an_intent_that_could_not_be_kept_halts() {
        let withheld = Outcome { stage: Stage::Body, ending: Ending::Withheld };
        assert_eq!(decide(&withheld), halt(Halt::LedgerFailed));
    }
}
