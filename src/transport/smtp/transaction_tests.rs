//! Tests of the plain sequence: a relay that offers neither PIPELINING nor CHUNKING.

use super::testing::{
    Step, TEXT, addressed, greeted, hear, large, letter, opened, permit, relay, say, session,
    settings, shown,
};
use super::{Security, Session, TlsClient};
use crate::message::Message;
use std::time::Duration;

/// MAIL and RCPT taken, the message asked for.
fn invited() -> Vec<Step> {
    let taken = [hear("MAIL"), say("250 ok"), hear("RCPT"), say("250 ok")];
    [&taken[..], &[hear("DATA"), say("354 go")]].concat()
}

/// A letter up to its answer.
fn answered(answer: &str) -> Vec<Step> {
    [invited(), vec![Step::HearBody, say(answer)]].concat()
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
            let came = transmitted(&letter(TEXT.as_bytes()), at(n, last)).await;
            assert_eq!(came, (format!("{stage} {ending}"), usable));
        }
    }
    // A code without its line end is no verdict.
    let half = [Step::Hear("MAIL"), Step::Say(b"550 no".to_vec()), Step::Fin];
    let came = transmitted(&letter(TEXT.as_bytes()), half.to_vec()).await;
    assert_eq!(came, ("Mail Closed".to_owned(), false));
    // It claims to have what nobody has shown it.
    let came = transmitted(&letter(TEXT.as_bytes()), at(2, say("250 thanks"))).await;
    assert_eq!(came, ("Data 250 thanks".to_owned(), false));
    // An answer to what was not asked yet.
    let two = at(0, say("250 ok\r\n550 no"));
    let came = transmitted(&letter(TEXT.as_bytes()), two).await;
    assert_eq!(came, ("Recipient NotSmtp".to_owned(), false));
}

#[tokio::test]
async fn recipients_that_are_forwarded_or_unverified_are_taken() {
    for code in ["251 will forward", "252 cannot verify"] {
        let taken = [hear("MAIL"), say("250 ok"), hear("RCPT"), say(code), hear("DATA")];
        let rest = [say("354 go"), Step::HearBody, say("250 ok")];
        let came = transmitted(&letter(TEXT.as_bytes()), [&taken[..], &rest].concat()).await;
        assert_eq!(came, ("EndOfMessage 250 ok".to_owned(), true));
    }
}

#[tokio::test]
async fn before_the_last_bytes_nothing_is_uncertain() {
    let early = |answer: &str| [invited(), vec![say(answer), Step::Stay]].concat();
    let midway = |end: Step| [invited(), vec![Step::HearOctets(100_000), end]].concat();
    let small = letter(TEXT.as_bytes());
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
        let came = transmitted(&letter(TEXT.as_bytes()), steps).await;
        assert_eq!(came, (format!("EndOfMessage {outcome}"), usable));
    }
}

#[tokio::test]
async fn without_a_permit_the_last_bytes_stay_here() {
    for message in [letter(TEXT.as_bytes()), large()] {
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
    let outcome = session.transmit(&letter(TEXT.as_bytes()), permit).await;
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
    assert_eq!(came, ["Recipient 550 no", "EndOfMessage 250 ok", "Mail NotOffered(\"SMTPUTF8\")"]);
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
        session.transmit(&letter(TEXT.as_bytes()), permit).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let second = session.transmit(&letter(TEXT.as_bytes()), permit).await;
        assert_eq!((shown(&second).as_str(), session.is_usable()), (outcome, false));
        let third = session.transmit(&letter(TEXT.as_bytes()), permit).await;
        assert_eq!((shown(&third).as_str(), session.is_alive().await), ("Mail SessionOver", false));
    }
    // A new session that ends is no such thing: reopening it for ever would help nobody.
    let came = transmitted(&letter(TEXT.as_bytes()), vec![Step::Fin]).await;
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
    let letter = letter(TEXT.as_bytes());
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
    let letter = letter(TEXT.as_bytes());
    let dropped = session.transmit(&letter, forever);
    assert!(tokio::time::timeout(Duration::from_millis(200), dropped).await.is_err());
    assert!(!session.is_usable());
    drop(relay);
}

#[tokio::test]
async fn what_the_relay_cannot_take_is_known_before_mail() {
    let (mut session, relay) = opened("250-x\r\n250 SIZE 20", vec![]).await;
    let outcome = session.transmit(&letter(TEXT.as_bytes()), permit).await;
    assert_eq!(shown(&outcome), "Mail TooLarge { octets: 21, accepted: 20 }");
    for text in ["", "a\n.\r\nb\r\n", "a\r.\r", "a", "caf\u{e9}\r\n", "a\0\r\n"] {
        let outcome = session.transmit(&letter(text.as_bytes()), permit).await;
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
    assert!(session.transmit(&letter(text.as_bytes()), permit).await.is_accepted());
    drop(session);
    let heard = relay.heard().await;
    let (_, body) = heard.split_once("DATA\r\n").unwrap();
    let (body, rest) = body.split_once("\r\n.\r\n").unwrap();
    let received: String =
        body.split("\r\n").map(|l| format!("{}\r\n", l.strip_prefix('.').unwrap_or(l))).collect();
    assert_eq!((received, rest), (text, ""));
}

/// The engine runs each connection as a task of its own.
#[tokio::test]
async fn a_transmission_can_be_a_task() {
    let (mut session, _relay) = opened("250 x", answered("250 ok")).await;
    let message = letter(TEXT.as_bytes());
    let task = tokio::spawn(async move { session.transmit(&message, permit).await });
    assert!(task.await.unwrap().is_accepted());
}
