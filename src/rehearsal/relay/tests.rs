//! The relay from a socket's end: what it answers, what it counts, what it finds fault with.

use super::manners::Manners;
use super::script::{Action, At, Keeping, Script, Who};
use super::{Received, Relay};
use crate::id::Digest;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const LETTER: &str = "From: Office <office@forum.example>\r\nMessage-ID: <1@forum.example>\r\n\
    Subject: x\r\n\r\nhello\r\n";

/// A client that says what it is told and reads to the end of the connection.
struct Client(TcpStream);

impl Client {
    fn to(relay: &Relay) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", relay.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(stream)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until this stands there, or the end.
    fn hears(&mut self, wanted: &str) -> String {
        let mut heard = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&heard).contains(wanted) {
            match self.0.read(&mut byte) {
                Ok(1) => heard.push(byte[0]),
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&heard)),
            }
        }
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// MAIL, RCPT and the letter by BDAT in one flight, as the sending side does.
fn flight(to: &str) -> String {
    let size = LETTER.len();
    format!(
        "MAIL FROM:<office@forum.example> SIZE={size}\r\nRCPT TO:<{to}>\r\nBDAT {size} LAST\r\n\
         {LETTER}"
    )
}

/// The whole conversation of these letters; what was answered.
fn converse(relay: &Relay, text: &str) -> String {
    let mut client = Client::to(relay);
    client.say(&format!("EHLO office.example\r\n{text}QUIT\r\n"));
    client.hears("\0")
}

#[track_caller]
fn counts(relay: &Relay, expected: &[(&str, usize)]) {
    let expected: BTreeMap<String, usize> =
        expected.iter().map(|(who, n)| ((*who).to_owned(), *n)).collect();
    assert_eq!((relay.counts(), relay.count()), (expected.clone(), expected.values().sum()));
}

#[test]
fn what_is_accepted_is_counted_for_each_recipient_with_its_bytes() {
    for keeping in [Keeping::Counts, Keeping::Digests, Keeping::Everything] {
        let relay = Relay::with(Script::new().keeping(keeping)).unwrap();
        let ana = flight("ana@town.example");
        let mut client = Client::to(&relay);
        client.say("EHLO office.example\r\n");
        client.hears("CHUNKING\r\n");
        for _ in 0..2 {
            client.say(&ana);
            client.hears("queued as");
        }
        client.say(&flight("wang@town.example"));
        client.hears("queued as");
        counts(&relay, &[("ana@town.example", 2), ("wang@town.example", 1)]);
        assert_eq!(relay.violations(), [""; 0]);
        let digests: Vec<_> = relay.messages().iter().filter_map(|m| m.digest).collect();
        let expected = if keeping == Keeping::Counts { 0 } else { 3 };
        assert_eq!(digests, vec![Digest::of(LETTER.as_bytes()); expected]);
        let bytes: usize = relay.messages().iter().map(|m| m.bytes.len()).sum();
        assert_eq!(bytes, if keeping == Keeping::Everything { 3 * LETTER.len() } else { 0 });
    }
}

#[test]
fn a_letter_by_data_loses_its_stuffed_dots_and_nothing_else() {
    let relay = Relay::with(Script::new()).unwrap();
    let mut client = Client::to(&relay);
    client.say("EHLO o\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ana@town.example>\r\nDATA\r\n");
    client.hears("354");
    client.say("Subject: x\r\n\r\n..\r\n..x\r\n...\r\n.\r\nQUIT\r\n");
    client.hears("221");
    assert_eq!(relay.bytes_for("ana@town.example"), [b"Subject: x\r\n\r\n.\r\n.x\r\n..\r\n"]);
    let found = relay.violations().join("\n");
    assert!(found.contains("something was said after EHLO"), "{found}");
    assert!(found.contains("QUIT was pipelined"), "{found}");
}

#[test]
fn every_breach_of_the_rules_is_listed() {
    let long = "x".repeat(999);
    for (said, expected) in [
        ("MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n", "(I7)"),
        ("MAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n", "inside a transaction"),
        ("MAIL FROM:<a@b.example> FUTURE=1\r\n", "FUTURE=1 was not offered"),
        ("NOOP\n", "CRLF alone"),
        ("BOGUS\r\n", "unknown command"),
        (&format!("NOOP {}\r\n", "x".repeat(600)), "more than 512"),
        (&bdat("a\nb\r\n"), "a bare CR or LF"),
        (&bdat("a\rb\r\n"), "a bare CR or LF"),
        (&bdat("a\0b\r\n"), "a bare CR or LF, or a NUL"),
        (&bdat(&format!("{long}\r\n")), "more than 998"),
        (&bdat("a"), "does not end with CRLF"),
        (&bdat("ä\r\n"), "octets above 127"),
    ] {
        let relay = Relay::with(Script::new()).unwrap();
        let mut client = Client::to(&relay);
        client.say("EHLO office.example\r\n");
        client.hears("CHUNKING\r\n");
        client.say(said);
        client.say("QUIT\r\n");
        client.hears("221");
        let found = relay.violations().join("\n");
        assert!(found.contains(expected), "{said:?} gave {found:?}");
    }
}

fn bdat(body: &str) -> String {
    let size = body.len();
    format!("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT {size} LAST\r\n{body}")
}

/// Not counted before the acceptance, counted from then on, whatever happens to the answer.
#[test]
fn a_connection_that_ends_is_counted_by_how_far_the_message_came() {
    for (at, kept) in [
        (At::Greeting, 0),
        (At::Hello, 0),
        (At::Mail, 0),
        (At::Recipient, 0),
        (At::Body(1), 0),
        (At::Body(20), 0),
        (At::LastBytes, 0),
        (At::EndOfMessage, 0),
        (At::Accepted, 1),
    ] {
        for action in [Action::Close, Action::Reset] {
            let relay = Relay::with(Script::new().at(at, Who::Anyone, action).times(1)).unwrap();
            let heard = converse_to_the_end(&relay, "ana@town.example");
            assert!(!heard.contains("queued as"), "{at:?}: {heard}");
            assert_eq!(relay.count(), kept, "{at:?}");
            converse_to_the_end(&relay, "ana@town.example");
            counts(&relay, &[("ana@town.example", kept + 1)]);
        }
    }
}

fn converse_to_the_end(relay: &Relay, to: &str) -> String {
    let mut client = Client::to(relay);
    // What is refused to be taken is not the point here.
    drop(client.0.write_all(format!("EHLO o\r\n{}QUIT\r\n", flight(to)).as_bytes()));
    client.hears("221 2.0.0")
}

#[test]
fn a_rule_is_for_whom_and_how_often_it_says() {
    let script = Script::new().answer("ana", "450 4.2.0 later").times(1);
    let script = script.at(At::Recipient, Who::Transaction(3), Action::reply("550 5.1.1 no"));
    let relay = Relay::with(script).unwrap();
    let letters: Vec<String> = ["ana", "wang", "li", "ana"]
        .map(|who| flight(&format!("{who}@town.example")))
        .into_iter()
        .zip(["RSET\r\n", "", "RSET\r\n", ""])
        .map(|(letter, rset)| letter + rset)
        .collect();
    let heard = converse(&relay, &letters.concat());
    assert!(heard.contains("450 4.2.0 later") && heard.contains("550 5.1.1 no"), "{heard}");
    counts(&relay, &[("ana@town.example", 1), ("wang@town.example", 1)]);
}

#[test]
fn a_function_of_the_recipient_chooses_before_the_rules() {
    let script = Script::new().answer("ana", "550 5.1.1 by rule").choosing(|moment| {
        let is_hers = moment.at == At::Recipient && moment.local().starts_with('a');
        is_hers.then(|| Action::reply("451 4.7.1 by choice"))
    });
    let relay = Relay::with(script).unwrap();
    let heard = converse(&relay, &(flight("ana@x.example") + "RSET\r\n" + &flight("bo@x.example")));
    assert!(heard.contains("by choice") && !heard.contains("by rule"), "{heard}");
    counts(&relay, &[("bo@x.example", 1)]);
}

#[test]
fn slow_and_odd_answers_come_as_told() {
    let slow = Action::Trickle(Duration::from_millis(1));
    let junk = Action::Reply(b"\xffwhat?\r\n".to_vec());
    let wait = Action::Wait(Duration::from_millis(5));
    let script = Script::new().at(At::Mail, Who::Transaction(1), slow);
    let script = script.at(At::Accepted, Who::Transaction(1), junk);
    let relay = Relay::with(script.at(At::Recipient, Who::Transaction(1), wait)).unwrap();
    let heard = converse(&relay, &flight("ana@town.example"));
    assert!(heard.contains("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n\u{fffd}what?\r\n"), "{heard}");
    counts(&relay, &[("ana@town.example", 1)]);
}

#[test]
fn a_stalled_connection_ends_with_its_client_or_with_the_relay() {
    let relay = Relay::with(Script::new().at(At::Greeting, Who::Anyone, Action::Stall)).unwrap();
    let mut client = Client::to(&relay);
    client.say("EHLO o\r\n");
    drop(relay);
    assert_eq!(client.hears("220"), "");
}

#[test]
fn like_exchange_online_it_gives_its_own_message_id_and_knows_its_account() {
    let manners = Manners::exchange_online("office@forum.example");
    let relay = Relay::with(Script::new().manners(manners.clone())).unwrap();
    let heard = converse(&relay, &flight("ana@town.example"));
    let received: Received = relay.messages().remove(0);
    let own = received.message_id.clone().unwrap();
    assert!(heard.contains(&format!("250 2.0.0 OK {own} [Hostname=")), "{heard}");
    assert_eq!(received.bytes, LETTER.as_bytes(), "what was handed over");
    let copy = String::from_utf8(received.copy()).unwrap();
    assert_eq!(copy, LETTER.replace("<1@forum.example>", &own), "what the recipient finds");

    let foreign = flight("bo@x.example").replace("FROM:<office@", "FROM:<other@");
    assert!(converse(&relay, &foreign).contains("550 5.7.60 "));
    let not_own = LETTER.replace("office@", "o.fice@");
    let author = flight("bo@x.example").replace(LETTER, &not_own);
    let heard = converse(&relay, &author);
    assert!(heard.contains("550 5.2.252 SendAsDenied"), "{heard}");
    counts(&relay, &[("ana@town.example", 1)]);
}

#[test]
fn like_exchange_online_it_takes_three_connections_and_so_many_letters_of_each() {
    let manners =
        Manners { letters_a_session: Some(1), ..Manners::exchange_online("office@forum.example") };
    let relay = Relay::with(Script::new().manners(manners)).unwrap();
    let mut three: Vec<Client> = (0..3).map(|_| Client::to(&relay)).collect();
    for client in &mut three {
        assert!(client.hears("\r\n").starts_with("220 "));
    }
    let refused = Client::to(&relay).hears("\0");
    assert_eq!(refused, "432 4.3.2 Concurrent connections limit exceeded.\r\n");
    drop(three);
    let two = flight("ana@town.example") + &flight("bo@town.example");
    // A connection that has just ended may be counted a moment longer.
    let heard = (0..100)
        .map(|_| converse_lossy(&relay, &two))
        .find(|heard| !heard.starts_with("432"))
        .unwrap();
    assert!(heard.contains("421 4.4.2"), "{heard}");
    counts(&relay, &[("ana@town.example", 1)]);
}

fn converse_lossy(relay: &Relay, text: &str) -> String {
    std::thread::sleep(Duration::from_millis(10));
    let mut client = Client::to(relay);
    drop(client.0.write_all(format!("EHLO o\r\n{text}").as_bytes()));
    client.hears("\0")
}

#[test]
fn like_gmail_it_has_a_day_of_so_many_letters() {
    let manners = Manners { letters_a_day: Some(1), ..Manners::gmail() };
    let relay = Relay::with(Script::new().manners(manners)).unwrap();
    let heard = converse(&relay, &(flight("ana@x.example") + &flight("bo@x.example")));
    assert!(heard.contains("250 2.0.0 OK  1700000000 ") && heard.contains(" - gsmtp"), "{heard}");
    assert!(heard.contains("550 5.4.5 Daily user sending limit exceeded"), "{heard}");
    counts(&relay, &[("ana@x.example", 1)]);
    relay.change(Script::new().manners(Manners::gmail()));
    converse(&relay, &flight("bo@x.example"));
    counts(&relay, &[("ana@x.example", 1), ("bo@x.example", 1)]);
}

/// A killed run's last bytes may be read when the next run's script is in force.
#[test]
fn a_client_is_held_to_what_it_was_offered_and_not_to_what_others_are() {
    let relay = Relay::with(Script::new()).unwrap();
    let mut client = Client::to(&relay);
    client.say("EHLO office.example\r\n");
    client.hears("CHUNKING\r\n");
    relay.change(Script::new().bare());
    client.say(&flight("ana@town.example"));
    client.hears("queued as");
    assert_eq!(relay.violations(), [""; 0]);
    counts(&relay, &[("ana@town.example", 1)]);
    let mut late = Client::to(&relay);
    late.say("EHLO office.example\r\n");
    late.hears("250 relay.example\r\n");
    late.say(&flight("bo@town.example"));
    late.hears("queued as");
    assert!(relay.violations().join("\n").contains("SIZE="), "{:?}", relay.violations());
}

#[test]
fn the_largest_message_is_the_one_offered() {
    let relay = Relay::with(Script::new().offering("SIZE 20")).unwrap();
    assert!(converse(&relay, &flight("ana@x.example")).contains("552 5.3.4"));
    let unannounced = flight("ana@x.example").replace(&format!(" SIZE={}", LETTER.len()), "");
    assert!(converse(&relay, &unannounced).contains("552 5.3.4"));
    counts(&relay, &[]);
}
