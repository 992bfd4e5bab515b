//! Tests of letters in flights: what goes together where PIPELINING or CHUNKING is offered, and
//! what the answers decide.

use super::testing::{
    CHUNKING, CHUNKING_ALONE, ENVELOPE, PIPELINING, Step, TEXT, answers, asking, assert_came,
    certified, flight, greeted, hear, letter, of_octets, opened, opened_with, permit, relay, say,
    session, settings, shown, small, then, transmit_to, transmitted,
};
use super::{Security, Timeouts};
use crate::message::{Chunk, Message, SharedChunk};
use proptest::prelude::*;
use std::time::Duration;

#[tokio::test]
async fn with_chunking_a_letter_is_one_flight() {
    let steps = then(&answers(flight(), &["250 a", "250 b", "250 c"]), &[hear("QUIT"), Step::Fin]);
    let (mut session, relay) = opened(CHUNKING, steps).await;
    assert!(session.transmit(&small(), permit).await.is_accepted());
    session.close().await;
    let flight = format!("{ENVELOPE}BDAT 21 LAST\r\n{TEXT}");
    assert_eq!(relay.heard().await, format!("EHLO [127.0.0.1]\r\n{flight}QUIT\r\n"));
}

#[tokio::test]
async fn with_pipelining_the_commands_are_one_flight() {
    let invited = answers(asking(), &["250 a", "250 b", "354 go"]);
    let steps = then(&invited, &[Step::HearBody, say("250 c"), hear("QUIT"), Step::Fin]);
    let (mut session, relay) = opened(PIPELINING, steps).await;
    assert!(session.transmit(&letter(b".x\r\n"), permit).await.is_accepted());
    session.close().await;
    let flight = format!("{ENVELOPE}DATA\r\n..x\r\n.\r\n");
    assert_eq!(relay.heard().await, format!("EHLO [127.0.0.1]\r\n{flight}QUIT\r\n"));
}

/// RFC 3030 2: BDAT needs no PIPELINING, only the commands before it wait for their answers.
#[tokio::test]
async fn with_chunking_alone_the_message_follows_the_recipients_answer() {
    let steps = [hear("MAIL"), say("250 a"), hear("RCPT"), say("250 b"), Step::HearChunk];
    let steps = then(&steps, &[say("250 c")]);
    let (mut session, relay) = opened(CHUNKING_ALONE, steps).await;
    assert!(session.transmit(&small(), permit).await.is_accepted());
    drop(session);
    assert!(relay.heard().await.ends_with(&format!("{ENVELOPE}BDAT 21 LAST\r\n{TEXT}")));
}

/// What left meanwhile changes no verdict, and what is answered to it is nobody else's.
#[tokio::test]
async fn a_refusal_in_a_flight_is_its_stages_verdict_and_costs_no_connection() {
    let no = "503 5.5.1 no";
    for (said, outcome, usable) in [
        (&["450 4.2.0 later", no, no][..], "Mail 450 4.2.0 later", true),
        (&["550 5.7.1 you", no, "554 no"], "Mail 550 5.7.1 you", true),
        (&["250 a", "550 5.1.1 who", "554 no"], "Recipient 550 5.1.1 who", true),
        (
            &["250 a", "450-4.2.0 later\r\n450 4.2.0 please", no],
            "Recipient 450 4.2.0 later 4.2.0 please",
            true,
        ),
        (&["250 a", "550 bo\u{ee}te", no], "Recipient 550 bo\u{ee}te", true),
        (&["250 a", "550 who", "421 enough"], "Recipient 550 who", false),
        (&["250 a", "550 who", "354 go"], "Recipient 550 who", false),
        (&["250 a", "550 who", "what"], "Recipient 550 who", false),
        (&["550 you", "250 b", "554 no"], "Mail 550 you", false),
        (&["421 closing"], "Mail 421 closing", false),
        (&["250 a", "421 closing"], "Recipient 421 closing", false),
        (&["250 a", "250 b", "421 closing"], "EndOfMessage 421 closing", false),
        (&["250 a", "250 b", "451 later"], "EndOfMessage 451 later", true),
        (&["250 a", "251 b", "554 5.7.1 spam"], "EndOfMessage 554 5.7.1 spam", true),
        (&["250 a", "252 b", "250 as 4711"], "EndOfMessage 250 as 4711", true),
        (&["250 a", "250 b", "250-as\r\n250 4711"], "EndOfMessage 250 as 4711", true),
    ] {
        let steps = answers(flight(), said);
        assert_came(transmitted(CHUNKING, &small(), steps).await, outcome, usable);
    }
    // The same refusals, with an end in the middle of what follows them.
    for end in [Step::Fin, Step::Reset] {
        let steps = then(&answers(flight(), &["250 a", "550 who"]), &[end]);
        assert_came(transmitted(CHUNKING, &small(), steps).await, "Recipient 550 who", false);
    }
}

#[tokio::test]
async fn a_refusal_of_an_invitation_is_its_stages_verdict_and_costs_no_connection() {
    for (said, outcome, usable) in [
        (&["450 later", "503 no", "503 no"][..], "Mail 450 later", true),
        (&["250 a", "550 who", "554 no"], "Recipient 550 who", true),
        (&["250 a", "250 b", "451 later"], "Data 451 later", true),
        (&["250 a", "250 b", "554 no"], "Data 554 no", true),
        (&["250 a", "250 b", "250 thanks"], "Data 250 thanks", false),
        (&["250 a", "250 b", "334 go"], "Data NotSmtp", false),
        (&["250 a", "354 go", "354 go"], "Recipient NotSmtp", false),
        (&["421 closing"], "Mail 421 closing", false),
        (&["250 a", "421 closing"], "Recipient 421 closing", false),
        (&["250 a", "250 b", "421 closing"], "Data 421 closing", false),
        (&["250 a", "550 who", "421 enough"], "Recipient 550 who", false),
        (&["550 you", "250 b", "554 no"], "Mail 550 you", false),
    ] {
        let steps = answers(asking(), said);
        assert_came(transmitted(PIPELINING, &small(), steps).await, outcome, usable);
    }
}

/// RFC 2920 3.1.
#[tokio::test]
async fn a_message_wanted_for_nobody_is_a_lone_dot() {
    for (said, answer, usable) in [
        (&["250 a", "550 who", "354 go"][..], "554 nobody", true),
        (&["250 a", "550 who", "354 go"], "250 thanks for nothing", true),
        (&["250 a", "550 who", "354 go"], "421 closing", false),
    ] {
        let refused = then(&answers(asking(), said), &[hear(".\r\n"), say(answer)]);
        let next = answers(vec![hear("RSET"), hear("MAIL"), hear("RCPT")], &["250", "250", "250"]);
        let next = then(&next, &[hear("DATA"), say("354 go"), Step::HearBody, say("250 ok")]);
        let (mut session, relay) = opened(PIPELINING, then(&refused, &next)).await;
        assert_eq!(transmit_to(&mut session, "ana@town.example").await, "Recipient 550 who");
        assert_eq!(session.is_usable(), usable, "{answer}");
        if usable {
            assert_eq!(transmit_to(&mut session, "bo@town.example").await, "EndOfMessage 250 ok");
        }
        drop(session);
        let heard = relay.heard().await;
        assert_eq!(heard.matches(TEXT).count(), usize::from(usable), "{heard}");
    }
}

/// It says two things; to believe the refusal could double the letter.
#[tokio::test]
async fn a_message_accepted_after_a_refusal_is_uncertain() {
    for said in [["250 a", "450 later", "250 as 4711"], ["450 later", "250 b", "250 as 4711"]] {
        let steps = answers(flight(), &said);
        assert_came(transmitted(CHUNKING, &small(), steps).await, "EndOfMessage NotSmtp", false);
    }
}

/// A server counts a recipient refused in a flight as two errors, and slows down after some.
#[tokio::test]
async fn after_a_refused_recipient_the_next_ones_are_asked_for_first() {
    for (offer, first) in [(CHUNKING, "BDAT 21 LAST"), (PIPELINING, "DATA")] {
        let by_chunks = offer == CHUNKING;
        let body = if by_chunks { Step::HearChunk } else { Step::HearBody };
        let commands = [hear("RSET"), hear("MAIL"), hear("RCPT")];
        let refused =
            answers(if by_chunks { flight() } else { asking() }, &["250", "550 a", "503"]);
        let refused_again = answers(commands.to_vec(), &["250", "250", "550 b"]);
        let mut taken = answers(commands.to_vec(), &["250", "250", "250"]);
        if !by_chunks {
            taken.extend([hear("DATA"), say("354 go")]);
        }
        taken.extend([body.clone(), say("250 c")]);
        let mut at_once = if by_chunks { flight() } else { asking() };
        at_once.extend([say("250"), say("250")]);
        if !by_chunks {
            at_once.extend([say("354"), body]);
        }
        at_once.push(say("250 d"));
        let steps = [refused, refused_again, taken, at_once].concat();
        let (mut session, relay) = opened(offer, steps).await;
        let mut came = Vec::new();
        for to in ["a", "b", "c", "d"] {
            came.push(transmit_to(&mut session, &format!("{to}@town.example")).await);
        }
        let outcomes =
            ["Recipient 550 a", "Recipient 550 b", "EndOfMessage 250 c", "EndOfMessage 250 d"];
        assert_eq!(came, outcomes, "{first}");
        drop(session);
        let heard = relay.heard().await;
        let commands = heard.lines().filter(|l| l.split(' ').next().is_some_and(|w| w.len() == 4));
        let verbs: Vec<&str> = commands.map(|l| &l[..4]).collect();
        let verb = &first[..4];
        let expected = ["EHLO", "MAIL", "RCPT", verb, "RSET", "MAIL", "RCPT", "RSET", "MAIL"];
        let expected = [&expected[..], &["RCPT", verb, "MAIL", "RCPT", verb]].concat();
        assert_eq!(verbs, expected);
    }
}

/// Not one octet that could make a message of it leaves before the relay has taken the recipient.
#[tokio::test]
async fn while_asking_first_no_permit_is_asked_for_and_nothing_is_uncertain() {
    for offer in [CHUNKING, PIPELINING] {
        let by_chunks = offer == CHUNKING;
        let refused =
            answers(if by_chunks { flight() } else { asking() }, &["250", "550 a", "503"]);
        let commands = vec![hear("RSET"), hear("MAIL"), hear("RCPT")];
        for (said, end, outcome) in [
            (&["250", "250", "550 b"][..], Step::Fin, "Recipient 550 b"),
            (&["250", "450 later", "503 no"], Step::Fin, "Mail 450 later"),
            (&["250", "250"], Step::Fin, "Recipient Closed"),
            (&["250"], Step::Fin, "Mail SessionOver"),
            (&[], Step::Reset, "Mail SessionOver"),
            (&["250"], Step::Stay, "Mail TimedOut"),
            (&["502 what", "503 no", "503 no"], Step::Fin, "Mail SessionOver"),
            (&["421 bye"], Step::Fin, "Mail 421 bye"),
        ] {
            let steps = then(&answers(then(&refused, &commands), said), &[end]);
            let (mut session, _relay) = opened(offer, steps).await;
            transmit_to(&mut session, "a@town.example").await;
            let mut was_asked = false;
            let asking = async || {
                was_asked = true;
                Ok::<(), ()>(())
            };
            let came = session.transmit(&small(), asking).await;
            assert_eq!((shown(&came).as_str(), was_asked), (outcome, false), "{offer} {said:?}");
        }
    }
}

/// BDAT's octets belong to it whatever comes of it: they follow, or the connection goes.
#[tokio::test]
async fn a_recipient_refused_in_the_middle_of_a_letter_costs_the_rest_of_it_or_the_connection() {
    let begun = [hear("MAIL"), hear("RCPT"), hear("BDAT"), Step::HearOctets(10_000)];
    let refused = answers(begun.to_vec(), &["250 a", "550 who"]);
    let middle = of_octets(600_000);
    let rest = Step::HearOctets(middle.len() - 10_000);
    let steps = then(&refused, &[rest, say("554 nobody"), hear("RSET"), Step::Fin]);
    // The relay reads octet by octet.
    let patient = |timeouts: &mut Timeouts| timeouts.command = Duration::from_secs(60);
    let (mut session, relay) = opened_with(CHUNKING, steps, patient).await;
    let outcome = session.transmit(&middle, permit).await;
    assert_eq!((shown(&outcome).as_str(), session.is_usable()), ("Recipient 550 who", true));
    transmit_to(&mut session, "bo@town.example").await;
    drop(session);
    assert!(relay.heard().await.contains("\r\nRSET\r\n"));

    // Too much is left of this one, although the relay would take it.
    let steps = then(&refused, &[Step::HearOctets((8 << 20) - 10_000), say("554 nobody")]);
    let (mut session, _relay) = opened_with(CHUNKING, steps, patient).await;
    let mut was_asked = false;
    let permit = async || {
        was_asked = true;
        Ok::<(), ()>(())
    };
    let outcome = session.transmit(&of_octets(8 << 20), permit).await;
    assert_eq!((shown(&outcome).as_str(), session.is_usable()), ("Recipient 550 who", false));
    assert!(was_asked, "the permit runs while the letter is on its way");
}

#[tokio::test]
async fn an_answer_may_come_while_the_letter_is_on_its_way() {
    let steps = vec![hear("MAIL"), say("250 a"), hear("RCPT"), say("250 b"), Step::HearChunk];
    let message = of_octets(300_000);
    let (mut session, relay) = opened(CHUNKING, then(&steps, &[say("250 ok")])).await;
    assert!(session.transmit(&message, permit).await.is_accepted() && session.is_usable());
    drop(session);
    assert!(relay.heard().await.as_bytes().ends_with(&message.to_bytes()));
}

#[tokio::test]
async fn a_flight_through_tls_is_the_same() {
    let (authority, config) = certified("127.0.0.1", 2100);
    let message = of_octets(1 << 20);
    let letter = answers(flight(), &["250", "250", "250 ok"]);
    let steps = [vec![Step::Tls(config)], greeted(CHUNKING), letter].concat();
    let relay = relay(vec![steps]).await;
    let mut settings = settings(relay.port, Security::Tls);
    settings.extra_ca_pem = Some(authority);
    let mut opened = session(&settings).await;
    let outcome = opened.transmit(&message, permit).await;
    assert_eq!((shown(&outcome).as_str(), opened.is_usable()), ("EndOfMessage 250 ok", true));
    drop(opened);
    assert!(relay.heard().await.as_bytes().ends_with(&message.to_bytes()));
}

/// RFC 3461, and `disable`.
#[tokio::test]
async fn reports_are_asked_for_where_dsn_is_offered_and_not_disabled() {
    let offer = "250-x\r\n250-PIPELINING\r\n250-DSN\r\n250 CHUNKING";
    let steps = answers(flight(), &["250", "250", "250 ok"]);
    let (mut transmitting, scripted) = opened(offer, steps).await;
    assert!(transmitting.transmit(&small(), permit).await.is_accepted());
    drop(transmitting);
    let heard = scripted.heard().await;
    let mail = "MAIL FROM:<answers@forum.example> RET=HDRS ENVID=1@forum.example\r\n";
    assert!(heard.contains(mail), "{heard}");
    assert!(heard.contains("RCPT TO:<ana@town.example> NOTIFY=FAILURE,DELAY\r\n"), "{heard}");

    let steps = [greeted(offer), answers(flight(), &["250", "250", "250 ok"])].concat();
    let relay = relay(vec![steps]).await;
    let mut settings = settings(relay.port, Security::Plain);
    settings.disable = vec!["dsn".to_owned()];
    let mut opened = session(&settings).await;
    assert!(opened.transmit(&small(), permit).await.is_accepted());
    drop(opened);
    assert!(relay.heard().await.contains(ENVELOPE));
}

/// Many small parts, own and shared, with dots wherever they can be.
fn any_letter() -> impl Strategy<Value = Message> {
    let line = prop_oneof!["[a.]{0,5}", Just(".".to_owned()), "[ -~]{0,80}", "\\.[a-z]{900}"];
    let lines = prop::collection::vec(line, 1..12).prop_map(|lines| lines.join("\r\n") + "\r\n");
    let chunk = (lines, any::<bool>(), prop_oneof![9 => Just(1), 1 => Just(20)]);
    prop::collection::vec(chunk, 1..5).prop_map(|chunks| {
        let made = chunks.into_iter().map(|(lines, is_shared, times)| match is_shared {
            true => Chunk::Shared(SharedChunk::new(lines.repeat(times).into_bytes())),
            false => Chunk::Own(lines.repeat(times).into_bytes()),
        });
        Message { chunks: made.collect(), ..small() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Octet by octet as the relay reads it, however many writes it came in.
    #[test]
    fn what_a_relay_receives_is_the_message(message in any_letter()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let taken = vec![hear("MAIL"), say("250"), hear("RCPT"), say("250")];
        let by_chunks = then(&taken, &[Step::HearChunk, say("250 ok")]);
        let by_data = then(&taken, &[hear("DATA"), say("354 go"), Step::HearBody, say("250 ok")]);
        for (offer, steps) in [
            (CHUNKING, &by_chunks), (CHUNKING_ALONE, &by_chunks),
            (PIPELINING, &by_data), ("250 x", &by_data),
        ] {
            let heard = runtime.block_on(async {
                let patient = |timeouts: &mut Timeouts| {
                    timeouts.end_of_message = Duration::from_secs(60);
                };
                let (mut session, relay) = opened_with(offer, steps.clone(), patient).await;
                let outcome = session.transmit(&message, async || Ok::<(), ()>(())).await;
                assert!(outcome.is_accepted() && session.is_usable(), "{outcome:?}");
                drop(session);
                relay.heard().await
            });
            let received = match heard.split_once("LAST\r\n") {
                Some((_, body)) if steps.len() == by_chunks.len() => body.to_owned(),
                _ => {
                    let (_, body) = heard.split_once("DATA\r\n").unwrap();
                    let lines = body.strip_suffix(".\r\n").unwrap().split_inclusive('\n');
                    lines.map(|line| line.strip_prefix('.').unwrap_or(line)).collect()
                }
            };
            prop_assert_eq!(received.as_bytes(), message.to_bytes());
        }
    }
}
