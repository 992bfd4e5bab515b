//! The test house tests itself: the relays and readers that other tests believe.
//!
//! A relay that counts wrongly would make every test of sending worthless, so it is spoken to by a
//! client nobody here wrote (Python's smtplib) and byte by byte.

use crate::support::certificates::{Authority, Validity, self_signed};
use crate::support::postfix::{Postfix, Sink};
use crate::support::relay::Relay;
use crate::support::relay::script::{Action, At, Protection, Script, Who};
use crate::support::{eventually, python, reader};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends one message to each address after the first two arguments; prints what each came to.
const CLIENT: &str = r#"
import smtplib, ssl, sys
port, how, *recipients = sys.argv[1:]
context = ssl._create_unverified_context()
relay = (smtplib.SMTP_SSL("localhost", int(port), context=context) if how == "tls"
         else smtplib.SMTP("127.0.0.1", int(port)))
if how == "starttls":
    relay.starttls(context=context)
if how == "sign-in":
    relay.login("secretariat@forum.example", "canary")
body = (b"Subject: x\r\nFrom: secretariat@forum.example\r\nMessage-ID: <1@forum.example>\r\n"
        b"Date: Thu, 05 Nov 2026 09:30:00 +0000\r\n\r\n.a dot\r\n..two\r\n.\xc3\xa9\r\n")
for recipient in recipients:
    try:
        relay.sendmail("secretariat@forum.example", [recipient], body, ["BODY=8BITMIME"])
        print("accepted")
    except smtplib.SMTPServerDisconnected:
        print("lost")
        break
    except smtplib.SMTPRecipientsRefused as refused:
        print(refused.recipients[recipient][0])
    except smtplib.SMTPDataError as refused:
        print(refused.smtp_code)
try:
    relay.quit()
except smtplib.SMTPException:
    pass
"#;

/// The message of [`CLIENT`] as it must arrive.
const BODY: &[u8] =
    b"Subject: x\r\nFrom: secretariat@forum.example\r\nMessage-ID: <1@forum.example>\r\n\
    Date: Thu, 05 Nov 2026 09:30:00 +0000\r\n\r\n.a dot\r\n..two\r\n.\xc3\xa9\r\n";

/// What the client says of each recipient; absent where there is no Python.
fn client(port: u16, how: &str, recipients: &[&str]) -> Option<Vec<String>> {
    let port = port.to_string();
    let arguments = [&[&port, how], recipients].concat();
    let output = python::run(CLIENT, &arguments)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Says some bytes to a relay and reads until it closes or `quiet` long nothing comes.
fn converse(relay: &Relay, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", relay.port())).expect("a relay listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket has a timeout");
    stream.write_all(bytes).expect("a relay reads");
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    String::from_utf8_lossy(&answers).into_owned()
}

#[test]
fn a_friendly_relay_keeps_the_exact_bytes_of_each_message() {
    let relay = Relay::start();
    let Some(said) = client(relay.port(), "plain", &["a@town.example", "b@town.example"]) else {
        return;
    };
    assert_eq!(said, ["accepted", "accepted"]);
    assert_eq!(relay.violations(), [""; 0]);
    assert_eq!((relay.count(), relay.sessions(), relay.transactions()), (2, 1, 2));
    assert_eq!(relay.bytes_for("a@town.example"), [BODY]);
    let first = &relay.messages()[0];
    assert_eq!(first.reverse_path, "secretariat@forum.example");
    assert_eq!((first.session, first.transaction, first.by_chunks), (1, 1, false));
}

#[test]
fn chunks_are_counted_like_data_and_refusals_like_postfix_does() {
    let relay = Relay::with(Script::new().answer("gone", "550 5.1.1 no such mailbox"));
    let flight = |local: &str, size: usize| {
        let mail = "MAIL FROM:<s@forum.example>\r\nRCPT TO:<";
        format!("{mail}{local}@town.example>\r\nBDAT {size} LAST\r\nSubject: x\r\n\r\n.\r\n")
    };
    let said = format!("EHLO me\r\n{}RSET\r\n{}QUIT\r\n", flight("gone", 17), flight("a", 17));
    // EHLO may not be followed by more before its answer; the relay says so and goes on.
    let answers = converse(&relay, said.as_bytes());
    assert!(answers.contains("550 5.1.1 no such mailbox\r\n554 5.5.1"), "{answers}");
    assert_eq!(relay.bytes_for("a@town.example"), [b"Subject: x\r\n\r\n.\r\n"]);
    assert_eq!(relay.count(), 1);
    let found = relay.violations().join("\n");
    assert!(found.contains("EHLO before its answer") && found.contains("QUIT was pipelined"));
}

#[test]
fn faults_come_where_the_script_says() {
    let after = |at| Script::new().at(at, Who::Local("b".to_owned()), Action::Reset);
    let cases = [
        (At::Recipient, 1),
        (At::Data, 1),
        (At::Body(10), 1),
        (At::EndOfMessage, 1),
        (At::Accepted, 2),
    ];
    for (at, kept) in cases {
        for action in [Action::Close, Action::Reset] {
            let mut script = after(at);
            script.rules[0].action = action.clone();
            let relay = Relay::with(script);
            let everybody = ["a@town.example", "b@town.example", "c@town.example"];
            let Some(said) = client(relay.port(), "plain", &everybody) else { return };
            assert_eq!(said, ["accepted", "lost"], "{at:?} {action:?}");
            assert_eq!(relay.count(), kept, "{at:?} {action:?}");
        }
    }
}

#[test]
fn a_rule_with_times_is_used_up_and_a_script_can_be_changed() {
    let relay = Relay::with(Script::new().answer("a", "450 4.2.0 later").times(1));
    let a = ["a@town.example", "a@town.example"];
    let Some(said) = client(relay.port(), "plain", &a) else { return };
    assert_eq!(said, ["450", "accepted"]);
    relay.change(Script::new().at(At::EndOfMessage, Who::Anyone, Action::reply("554 5.6.0 no")));
    assert_eq!(client(relay.port(), "plain", &a[..1]).expect("Python"), ["554"]);
    assert_eq!(relay.counts()["a@town.example"], 1);
}

#[test]
fn tls_and_sign_in_work_and_are_recorded() {
    let good = Authority::new().server(&["localhost", "127.0.0.1"], Validity::Current);
    let implicit = Relay::with(Script::new().protection(Protection::Implicit(good)));
    let own = self_signed(&["localhost"]);
    let upgraded = Relay::with(Script::new().protection(Protection::StartTls(own)));
    for (relay, how) in [(&implicit, "tls"), (&upgraded, "starttls")] {
        let Some(said) = client(relay.port(), how, &["a@town.example"]) else { return };
        assert_eq!(said, ["accepted"]);
        assert!(relay.messages()[0].protected);
        assert_eq!(relay.violations(), [""; 0]);
    }
    for mechanisms in ["PLAIN", "LOGIN"] {
        let script = Script::new().mechanisms(mechanisms);
        let relay = Relay::with(script.sign_in("secretariat@forum.example", "canary"));
        client(relay.port(), "sign-in", &["a@town.example"]).expect("Python");
        let name = relay.messages()[0].signed_in.clone();
        assert_eq!(name.as_deref(), Some("secretariat@forum.example"));
    }
}

#[test]
fn what_may_not_be_on_the_wire_is_noticed() {
    let begin = "EHLO me\r\nMAIL FROM:<s@forum.example>\r\nRCPT TO:<a@town.example>\r\nDATA\r\n";
    let cases = [
        ("lone\n.\n\r\n.\r\n", "bare CR or LF"),
        ("lone\rcr\r\n.\r\n", "bare CR or LF"),
        ("nul\0\r\n.\r\n", "NUL"),
        ("é\r\n.\r\n", "above 127"),
    ];
    for (body, what) in cases {
        let relay = Relay::start();
        converse(&relay, format!("{begin}{body}QUIT\r\n").as_bytes());
        let found = relay.violations().join("\n");
        assert!(found.contains(what), "{body:?}: {found}");
        assert_eq!(relay.count(), 1, "{body:?}");
    }
}

#[test]
fn a_lax_relay_can_be_smuggled_into_and_a_strict_one_cannot() {
    let begin = "EHLO me\r\nMAIL FROM:<s@forum.example>\r\nRCPT TO:<a@town.example>\r\nDATA\r\n";
    let smuggled = "MAIL FROM:<evil@x.test>\r\nRCPT TO:<b@town.example>\r\nDATA\r\nhi\r\n.\r\n";
    let body = format!("{begin}Subject: x\r\n\r\nhello\n.\n{smuggled}QUIT\r\n");
    let strict = Relay::start();
    let lax = Relay::with(Script::new().lax());
    for (relay, count) in [(&strict, 1), (&lax, 2)] {
        converse(relay, body.as_bytes());
        assert_eq!(relay.count(), count);
    }
}

#[test]
fn postfix_holds_what_it_accepts_and_answers_by_table() {
    let table = [("gone@town.example", "550 5.1.1 no such mailbox")];
    let Some(postfix) = Postfix::with_access(&table) else { return };
    let port = postfix.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let everybody = ["a@town.example", "gone@town.example", "b@town.example"];
    let Some(said) = client(port, "plain", &everybody) else { return };
    assert_eq!(said, ["accepted", "550", "accepted"]);
    let mut messages = postfix.messages();
    messages.sort_by(|a, b| a.forward_paths.cmp(&b.forward_paths));
    let paths: Vec<&str> = messages.iter().map(|m| m.forward_paths[0].as_str()).collect();
    assert_eq!(paths, ["a@town.example", "b@town.example"]);
    for message in &messages {
        assert_eq!(message.reverse_path, "secretariat@forum.example");
        assert!(message.is_of(BODY), "{}", String::from_utf8_lossy(&message.text));
        assert!(!message.is_of(b"Subject: other\r\n\r\n"));
    }
}

#[test]
fn smtp_sink_writes_each_message_to_a_file() {
    let Some(sink) = Sink::start(&[]) else { return };
    let port = sink.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let Some(said) = client(port, "plain", &["a@town.example", "b@town.example"]) else { return };
    assert_eq!(said, ["accepted", "accepted"]);
    assert!(eventually(Duration::from_secs(5), || sink.messages().len() == 2));
    for message in sink.messages() {
        assert_eq!(message.forward_paths.len(), 1);
        assert_eq!(message.reverse_path, "secretariat@forum.example");
        assert!(message.is_of(BODY), "{}", String::from_utf8_lossy(&message.text));
    }
}

#[test]
fn both_readers_see_the_same_message_and_what_is_wrong_with_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = "From: =?utf-8?q?Forum?= <s@forum.example>\r\nTo: \"Ana P.\" <a@town.example>\r\n\
        Subject: =?utf-8?b?0KLQtdC80LA=?=\r\nMessage-ID: <1@forum.example>\r\n\
        Date: Thu, 05 Nov 2026 09:30:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n--c\r\n\
        Content-Type: text/html; charset=utf-8\r\n\r\n<p>hello</p>\r\n--c--\r\n--b\r\n\
        Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=\"s.pdf\"\r\n\r\nJVBERi0=\r\n--b--\r\n";
    std::fs::write(folder.path().join("1.eml"), good).expect("a file");
    let bad = good.replace("JVBERi0=", "JVBERi0").replace("--c--", "");
    std::fs::write(folder.path().join("2.eml"), bad).expect("a file");
    let ours = reader::read_folder(folder.path());
    let attached = &ours[0].attachments[0];
    assert_eq!(attached.sha256, reader::sha256(b"%PDF-"));
    assert_eq!(ours[0].structure, "mixed(alternative(text/plain text/html) application/pdf)");
    assert_eq!(ours[0].subject, "Тема");
    let Some(theirs) = python::read_folder(folder.path()) else { return };
    assert_eq!(theirs[0].defects, [""; 0]);
    assert_eq!(theirs[0].attachments, ours[0].attachments);
    assert_eq!((&theirs[0].structure, &theirs[0].to), (&ours[0].structure, &ours[0].to));
    assert_eq!((theirs[0].date, &theirs[0].subject), (ours[0].date, &ours[0].subject));
    assert!(!theirs[1].defects.is_empty());
}
