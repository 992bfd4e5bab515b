//! Tests of the last bytes: when they may leave, and what is known before and after.

use super::Timeouts;
use super::testing::{
    CHUNKING, CHUNKING_ALONE, PIPELINING, Step, answers, asking, assert_came, flight, hear, large,
    of_octets, opened, opened_with, permit, say, shown, small, then, transmit_to, transmitted,
};
use std::time::Duration;

/// From the first octet of the last write on, an answer is the only way to know.
#[tokio::test]
async fn a_flight_that_gets_no_answer_is_uncertain() {
    for said in [&[][..], &["250 a"], &["250 a", "250 b"]] {
        for (last, ending) in [
            (Step::Fin, "Closed"),
            (Step::Reset, "Closed"),
            (Step::Stay, "TimedOut"),
            (say("huh"), "NotSmtp"),
            (Step::Say(b"25".to_vec()), "Closed"),
        ] {
            let steps = then(&answers(flight(), said), &[last, Step::Fin]);
            let outcome = format!("EndOfMessage {ending}");
            assert_came(transmitted(CHUNKING, &small(), steps).await, &outcome, false);
        }
    }
    // Codes that have no place there: nobody knows what the relay has made of it.
    for said in [&["354 go", "250 b", "250 c"][..], &["250 a", "354 go", "250 c"]] {
        let came = transmitted(CHUNKING, &small(), answers(flight(), said)).await;
        assert_came(came, "EndOfMessage NotSmtp", false);
    }
    let came = transmitted(CHUNKING, &small(), answers(flight(), &["250", "250", "354 go"])).await;
    assert_came(came, "EndOfMessage 354 go", false);
    // The relay breaks off while the last bytes arrive.
    let steps = vec![hear("MAIL"), hear("RCPT"), hear("BDAT"), Step::HearOctets(3), Step::Reset];
    assert_came(transmitted(CHUNKING, &small(), steps).await, "EndOfMessage Closed", false);
}

/// The answers that have come say how far it was.
#[tokio::test]
async fn before_the_last_bytes_a_lost_flight_is_never_uncertain() {
    let begun = [hear("MAIL"), hear("RCPT"), hear("BDAT"), Step::HearOctets(1_000)];
    for (said, stage) in [(&[][..], "Mail"), (&["250"], "Recipient"), (&["250", "250"], "Body")] {
        for (end, ending) in
            [(Step::Fin, "Closed"), (Step::Reset, "Closed"), (Step::Stay, "TimedOut")]
        {
            let steps = then(&answers(begun.to_vec(), said), &[Step::Wait(50), end]);
            let (mut session, _relay) = opened_with(CHUNKING, steps, |timeouts| {
                timeouts.block = Duration::from_secs(1);
            })
            .await;
            let outcome = session.transmit(&large(), permit).await;
            assert_eq!(shown(&outcome), format!("{stage} {ending}"), "{said:?}");
            assert!(!session.is_usable());
        }
    }
    for (said, outcome) in [
        (&["250", "250", "552 5.3.4 big"][..], "Body 552 5.3.4 big"),
        (&["250", "250", "250 early"], "Body NotSmtp"),
        (&["250", "250", "421 bye"], "Body 421 bye"),
        (&["250", "421 bye"], "Recipient 421 bye"),
        (&["250", "huh"], "Recipient NotSmtp"),
    ] {
        let steps = then(&answers(begun.to_vec(), said), &[Step::Stay]);
        assert_came(transmitted(CHUNKING, &large(), steps).await, outcome, false);
    }
}

#[tokio::test]
async fn before_the_last_bytes_of_an_invitation_nothing_is_uncertain() {
    for (said, stage) in [
        (&[][..], "Mail"),
        (&["250"], "Recipient"),
        (&["250", "250"], "Data"),
        (&["250", "250", "354"], "Body"),
    ] {
        for end in [Step::Fin, Step::Reset] {
            let steps = then(&answers(asking(), said), &[end]);
            let came = transmitted(PIPELINING, &small(), steps).await;
            assert_came(came, &format!("{stage} Closed"), false);
        }
    }
    let invited = answers(asking(), &["250", "250", "354"]);
    for (end, ending) in [(Step::Fin, "Closed"), (Step::Reset, "Closed")] {
        let steps = then(&invited, &[Step::HearOctets(100_000), end.clone()]);
        let came = transmitted(PIPELINING, &large(), steps).await;
        assert_came(came, &format!("Body {ending}"), false);
        let steps = then(&invited, &[Step::HearBody, end]);
        let came = transmitted(PIPELINING, &small(), steps).await;
        assert_came(came, &format!("EndOfMessage {ending}"), false);
    }
}

/// A connection that died in silence must not make an uncertain letter.
#[tokio::test]
async fn a_connection_not_heard_for_a_while_is_asked_first() {
    let stale = |timeouts: &mut Timeouts| timeouts.fresh = Duration::ZERO;
    let commands = [hear("MAIL"), hear("RCPT")];
    for message in [small(), of_octets(100_000)] {
        for (end, ending) in
            [(Step::Fin, "Closed"), (Step::Reset, "Closed"), (Step::Stay, "TimedOut")]
        {
            let steps = then(&commands, &[end]);
            let (mut session, _relay) = opened_with(CHUNKING, steps, stale).await;
            let outcome = shown(&session.transmit(&message, permit).await);
            assert_eq!(outcome, format!("Mail {ending}"));
        }
        let steps =
            then(&answers(commands.to_vec(), &["250", "250"]), &[Step::HearChunk, say("250 ok")]);
        let (mut session, relay) = opened_with(CHUNKING, steps, stale).await;
        assert!(session.transmit(&message, permit).await.is_accepted());
        drop(session);
        assert!(relay.heard().await.as_bytes().ends_with(&message.to_bytes()));
    }
    // Refused in time: BDAT was never said, and nothing is owed.
    let refused = answers(commands.to_vec(), &["250", "550 who"]);
    let steps = then(&refused, &[hear("RSET"), Step::Fin]);
    let (mut session, relay) = opened_with(CHUNKING, steps, stale).await;
    assert_eq!(transmit_to(&mut session, "a@town.example").await, "Recipient 550 who");
    assert!(session.is_usable());
    transmit_to(&mut session, "b@town.example").await;
    let heard = relay.heard().await;
    assert!(heard.contains("RSET") && !heard.contains("BDAT"), "{heard}");
    // A connection heard a moment ago is not: the relay answers nothing before it has the letter.
    let steps = answers(flight(), &["250", "250", "250 ok"]);
    let fresh = |timeouts: &mut Timeouts| timeouts.fresh = Duration::from_secs(60);
    let (mut session, _relay) = opened_with(CHUNKING, steps, fresh).await;
    assert!(session.transmit(&small(), permit).await.is_accepted());
}

#[tokio::test]
async fn without_a_permit_the_last_bytes_stay_here_in_every_way() {
    let taken = || vec![hear("MAIL"), say("250"), hear("RCPT"), say("250")];
    for (offer, steps) in [
        (CHUNKING, vec![]),
        (PIPELINING, answers(asking(), &["250", "250", "354 go"])),
        (CHUNKING_ALONE, taken()),
        ("250 x", then(&taken(), &[hear("DATA"), say("354 go")])),
    ] {
        for message in [small(), of_octets(1 << 20)] {
            let (mut session, relay) = opened(offer, steps.clone()).await;
            let outcome = session.transmit(&message, async || Err("disk full")).await;
            assert!(shown(&outcome).ends_with(" Withheld") && !session.is_usable());
            session.close().await;
            let heard = relay.heard().await;
            assert!(!heard.contains("hello") && !heard.contains("QUIT"), "{offer}");
            // Of the large one, all but what is held back has left, and no final dot.
            let lines = |text: &str| text.matches("\r\nxxx").count();
            let all = String::from_utf8(message.to_bytes()).unwrap();
            assert!(lines(&heard) < lines(&all).max(1) && !heard.ends_with("\r\n.\r\n"), "{offer}");
            assert!(all.len() < 1_000 || lines(&heard) > 10_000, "{offer}: held back too much");
        }
    }
}

/// Answers to nothing must not count as the answers to the flight.
#[tokio::test]
async fn what_comes_before_the_flight_is_no_answer_to_it() {
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<(), ()>(())
    };
    for (unasked, outcome) in [
        (say("250 ok"), "Mail NotSmtp"),
        (say("250 a\r\n250 b\r\n250 c"), "Mail NotSmtp"),
        (Step::Say(b"25".to_vec()), "Mail NotSmtp"),
        (say("421 idle"), "Mail 421 idle"),
        (Step::Fin, "Mail Closed"),
        (Step::Reset, "Mail Closed"),
    ] {
        let (mut session, relay) = opened(CHUNKING, vec![Step::Wait(100), unasked]).await;
        let came = shown(&session.transmit(&small(), slow).await);
        assert_eq!((came.as_str(), session.is_usable()), (outcome, false));
        assert_eq!(relay.heard().await, "EHLO [127.0.0.1]\r\n");
    }
}

/// On a session that has carried a letter, an end before the permit touches no letter.
#[tokio::test]
async fn the_end_of_a_used_session_touches_no_letter() {
    for end in [Step::Fin, Step::Reset, say("421 idle"), say("250 again")] {
        let steps = then(&answers(flight(), &["250", "250", "250 ok"]), &[end]);
        let (mut session, _relay) = opened(CHUNKING, steps).await;
        assert!(session.transmit(&small(), permit).await.is_accepted());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut was_asked = false;
        let asking = async || {
            was_asked = true;
            Ok::<(), ()>(())
        };
        let outcome = session.transmit(&small(), asking).await;
        assert_eq!((shown(&outcome).as_str(), was_asked), ("Mail SessionOver", false));
    }
}
