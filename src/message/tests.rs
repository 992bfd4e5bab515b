//! Tests of whole messages, read back by mail-parser.

use super::*;
use crate::language::Language;
use crate::letter::{Attachment, Image};
use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};
use proptest::prelude::*;
use std::sync::Arc;

/// What a draft borrows from.
#[derive(Clone)]
struct Desk {
    campaign: CampaignId,
    to: Mailbox,
    cc: Vec<EmailAddress>,
    sender: Sender,
    letter: Letter,
    files: Vec<Attachment>,
    contents: Vec<Vec<u8>>,
    round: u32,
    date: Timestamp,
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

impl Desk {
    fn new() -> Desk {
        Desk {
            campaign: CampaignId::parse("outcome").unwrap(),
            to: mailbox("Ana Pérez <Ana.Perez@ministry.example>"),
            sender: Sender {
                from: mailbox("Conference Secretariat <secretariat@forum.example>"),
                reply_to: Some(mailbox("answers@forum.example")),
                bounce_address: None,
                dkim: Dkim::default(),
            },
            cc: Vec::new(),
            letter: Letter {
                language: Language::parse_tag("en").unwrap(),
                subject: "Outcomes of the Forum".to_owned(),
                reply_to: None,
                text: "Dear Ana,\n".to_owned(),
                html: "<p>Dear Ana,</p>\n".to_owned(),
                images: Vec::new(),
            },
            files: Vec::new(),
            contents: Vec::new(),
            round: 1,
            date: Timestamp::parse("2026-11-05T09:30:00Z").unwrap(),
        }
    }

    fn with_file(mut self, name: &str, media_type: &str, bytes: &[u8]) -> Desk {
        self.files.push(Attachment {
            id: "statement".to_owned(),
            number: 1,
            title: "Statement".to_owned(),
            name: name.to_owned(),
            file: name.to_owned(),
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            octets: bytes.len() as u64,
        });
        self.contents.push(bytes.to_vec());
        self
    }

    fn with_image(mut self) -> Desk {
        self.letter.images.push(Arc::new(Image {
            content_id: "logo@forum.example".to_owned(),
            name: "logo.png".to_owned(),
            media_type: "image/png".to_owned(),
            digest: Digest::of(b"png"),
            bytes: b"png".as_slice().into(),
        }));
        self
    }

    fn compose(&self) -> Message {
        let attach = |(file, bytes): (&Attachment, &Vec<u8>)| AttachedPart {
            name: file.name.clone(),
            digest: file.digest,
            part: EncodedPart::of_attachment(file, bytes),
        };
        let images: Vec<_> =
            self.letter.images.iter().map(|image| EncodedPart::of_image(image)).collect();
        let message = compose(&Draft {
            campaign: &self.campaign,
            recipient: &RecipientKey::of(&self.to.address),
            to: &self.to,
            cc: &self.cc,
            sender: &self.sender,
            letter: &self.letter,
            letter_digest: self.digest(),
            attachments: &self.files.iter().zip(&self.contents).map(attach).collect::<Vec<_>>(),
            images: &images,
            round: self.round,
            date: self.date,
        });
        assert_eq!(message.check_wire(), Ok(message.to_bytes().len() as u64));
        message
    }

    fn digest(&self) -> Digest {
        letter_digest(&self.to, &self.cc, &self.sender, &self.letter)
    }
}

fn written(desk: &Desk) -> String {
    String::from_utf8(desk.compose().to_bytes()).unwrap()
}

/// The Message-ID and all bytes of this draft must stay the same for ever: a run that goes on
/// after an update of the program sends what the run before it began.
#[test]
fn a_whole_message() {
    let desk = Desk::new().with_file("statement.en.pdf", "application/pdf", b"%PDF");
    let expected = "\
Date: Thu, 05 Nov 2026 09:30:00 +0000
From: Conference Secretariat <secretariat@forum.example>
To: =?utf-8?q?Ana_P=C3=A9rez?= <Ana.Perez@ministry.example>
Reply-To: answers@forum.example
Subject: Outcomes of the Forum
Message-ID: <ID@forum.example>
MIME-Version: 1.0
Content-Language: en
Content-Type: multipart/mixed;
 boundary=\"=_mBOUNDARY\"

--=_mBOUNDARY
Content-Type: multipart/alternative;
 boundary=\"=_aBOUNDARY\"

--=_aBOUNDARY
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Dear Ana,

--=_aBOUNDARY
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Dear Ana,</p>

--=_aBOUNDARY--
--=_mBOUNDARY
Content-Type: application/pdf;
 name=\"statement.en.pdf\"
Content-Disposition: attachment;
 filename=\"statement.en.pdf\"
Content-Transfer-Encoding: base64

JVBERg==
--=_mBOUNDARY--
";
    let expected = expected
        .replace("BOUNDARY", "x6xs6vrzw4qtqjevcuga")
        .replace("ID@", "svcml7rmp6hw666on6f27sp2bjfktdp6@");
    assert_eq!(written(&desk), expected.replace('\n', "\r\n"));
}

/// `mixed(alternative(plain,related(html,image)),file)`, as a reader's program sees it.
fn tree(parsed: &mail_parser::Message<'_>, part: &MessagePart<'_>) -> String {
    let kind = part.content_type().unwrap();
    let subtype = kind.subtype().unwrap();
    match &part.body {
        PartType::Multipart(ids) => {
            let inner: Vec<_> =
                ids.iter().map(|id| tree(parsed, parsed.part(*id).unwrap())).collect();
            format!("{subtype}({})", inner.join(","))
        }
        _ => {
            assert!(!part.is_encoding_problem);
            subtype.to_owned()
        }
    }
}

#[test]
fn a_level_with_one_part_is_left_out() {
    let bare = Desk::new();
    let mut plain = Desk::new();
    plain.letter.html.clear();
    let image = bare.clone().with_image();
    let pdf = |desk: Desk| desk.with_file("a.pdf", "application/pdf", b"");
    for (desk, expected) in [
        (bare.clone(), "alternative(plain,html)"),
        (plain.clone(), "plain"),
        (image.clone(), "alternative(plain,related(html,png))"),
        (pdf(plain), "mixed(plain,pdf)"),
        (pdf(bare), "mixed(alternative(plain,html),pdf)"),
        (pdf(pdf(image)), "mixed(alternative(plain,related(html,png)),pdf,pdf)"),
    ] {
        let bytes = desk.compose().to_bytes();
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        assert_eq!(tree(&parsed, parsed.root_part()), expected);
    }
}

#[test]
fn files_and_images_arrive_as_they_were() {
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    let desk = Desk::new()
        .with_image()
        .with_file("Заявление.pdf", "application/pdf", &bytes)
        .with_file("letter.eml", "message/rfc822", b"Subject: x\r\n\r\n")
        .with_file("empty.txt", "text/plain", b"")
        .with_file("odd", "x\r\nBcc: y", b".\r\n.\r\n");
    let message = desk.compose().to_bytes();
    let parsed = MessageParser::new().parse(&message).unwrap();
    let files: Vec<_> = parsed
        .parts
        .iter()
        .filter(|p| p.content_disposition().is_some_and(|d| d.is_attachment()))
        .map(|p| (p.attachment_name().unwrap(), p.contents()))
        .collect();
    let expected: Vec<_> = desk
        .files
        .iter()
        .zip(&desk.contents)
        .map(|(f, bytes)| (f.name.as_str(), &**bytes))
        .collect();
    assert_eq!(files, expected);
    // RFC 2045 6.4: base64 is not for message/*; what is no media type ends no header.
    let text = String::from_utf8(message.clone()).unwrap();
    assert_eq!(text.matches("application/octet-stream").count(), 2);
    let image = parsed.parts.iter().find(|p| p.content_id().is_some()).unwrap();
    assert_eq!(image.content_id(), Some("logo@forum.example"));
    assert!(image.content_disposition().unwrap().is_inline());
    assert_eq!(image.contents(), b"png");
}

/// Performance: a megabyte is encoded once a run, never once a letter.
#[test]
fn an_encoded_part_is_shared_and_not_copied() {
    let desk = Desk::new().with_file("a.pdf", "application/pdf", &[7; 100_000]);
    let part = EncodedPart::of_attachment(&desk.files[0], &desk.contents[0]);
    assert_eq!(EncodedPart::octets_of(&desk.files[0]), part.chunk.bytes().len() as u64);
    let attachments = [AttachedPart {
        name: "a.pdf".to_owned(),
        digest: desk.files[0].digest,
        part: part.clone(),
    }];
    let message = compose(&Draft {
        campaign: &desk.campaign,
        recipient: &RecipientKey::of(&desk.to.address),
        to: &desk.to,
        cc: &[],
        sender: &desk.sender,
        letter: &desk.letter,
        letter_digest: desk.digest(),
        attachments: &attachments,
        images: &[],
        round: 1,
        date: desk.date,
    });
    let own: usize = message
        .chunks
        .iter()
        .map(|c| match c {
            Chunk::Own(bytes) => bytes.len(),
            Chunk::Shared(shared) => {
                assert!(std::ptr::eq(shared.bytes(), part.chunk.bytes()));
                0
            }
        })
        .sum();
    assert!(own < 2_000, "{own}");
}

#[test]
fn a_message_id_follows_from_what_is_sent_and_nothing_else() {
    let desk = Desk::new().with_file("a.pdf", "application/pdf", b"one");
    let id = desk.compose().message_id;
    let changed = |change: fn(&mut Desk)| {
        let mut other = desk.clone();
        change(&mut other);
        other.compose().message_id
    };
    assert_eq!(changed(|d| d.date = d.date.plus(std::time::Duration::from_secs(60))), id);
    assert_eq!(changed(|d| d.sender.bounce_address = Some(d.to.address.clone())), id);
    let changes: [fn(&mut Desk); 7] = [
        |d| d.round = 2,
        |d| d.campaign = CampaignId::parse("thanks").unwrap(),
        |d| d.to = mailbox("Ana Pérez <ana2@ministry.example>"),
        |d| d.letter.text.push('!'),
        |d| d.files[0].name.push('2'),
        |d| d.files[0].digest = Digest::of(b"two"),
        |d| d.files.clear(),
    ];
    let mut ids: Vec<String> = changes.into_iter().map(changed).collect();
    ids.push(id);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
    assert!(ids.iter().all(|id| id.ends_with("@forum.example>") && id.len() == 48), "{ids:?}");
}

#[test]
fn a_letter_digest_holds_what_the_reader_sees() {
    let desk = Desk::new();
    let changes: [fn(&mut Desk); 11] = [
        |_| {},
        |d| d.to = mailbox("Ana Perez <Ana.Perez@ministry.example>"),
        |d| d.to = mailbox("Ana Pérez <ana@ministry.example>"),
        |d| d.sender.from = mailbox("secretariat@forum.example"),
        |d| d.sender.reply_to = None,
        |d| d.letter.reply_to = Some(mailbox("other@forum.example")),
        |d| d.letter.subject.push('!'),
        |d| d.letter.text.push('!'),
        // The same octets, but in another part.
        |d| {
            d.letter.text.clear();
            d.letter.html.insert_str(0, "Dear Ana,\n");
        },
        |d| *d = d.clone().with_image(),
        |d| *d = d.clone().with_image().with_image(),
    ];
    let digest = |change: fn(&mut Desk)| {
        let mut other = desk.clone();
        change(&mut other);
        other.digest()
    };
    let mut digests: Vec<Digest> = changes.into_iter().map(digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), changes.len());
    let round_and_files = Desk { round: 2, ..desk.clone() }.with_file("a", "b/c", b"");
    assert_eq!(round_and_files.digest(), desk.digest());
}

#[test]
fn the_letters_own_reply_to_beats_the_senders() {
    let mut desk = Desk::new();
    assert!(written(&desk).contains("\r\nReply-To: answers@forum.example\r\n"));
    desk.letter.reply_to = Some(mailbox("J. R. <jr@forum.example>"));
    assert!(written(&desk).contains("\r\nReply-To: \"J. R.\" <jr@forum.example>\r\n"));
    (desk.letter.reply_to, desk.sender.reply_to) = (None, None);
    assert!(!written(&desk).contains("Reply-To"));
}

/// RFC 6532: raw UTF-8 stands in addresses only, and only where an address needs it.
#[test]
fn utf8_in_headers_only_for_smtputf8() {
    let mut desk = Desk::new();
    desk.letter.subject = "Итоги".to_owned();
    assert!(!desk.compose().envelope.smtputf8);
    desk.to = mailbox("王芳 <用户@例子.test>");
    let message = desk.compose();
    assert!(message.envelope.smtputf8);
    assert_eq!(message.envelope.forward_path.as_str(), "用户@xn--fsqu00a.test");
    let text = String::from_utf8(message.to_bytes()).unwrap();
    assert!(text.contains("\r\nTo: =?utf-8?b?546L6Iqz?= <用户@xn--fsqu00a.test>\r\n"), "{text}");
    assert_eq!(text.chars().filter(|c| !c.is_ascii()).count(), 2);
    let mut desk = Desk::new();
    desk.letter.reply_to = Some(mailbox("ответ@forum.example"));
    assert!(desk.compose().envelope.smtputf8);
}

#[test]
fn the_bounce_address_is_the_authors_unless_one_is_set() {
    let mut desk = Desk::new();
    assert_eq!(desk.compose().envelope.reverse_path.as_str(), "secretariat@forum.example");
    desk.sender.bounce_address = Some(EmailAddress::parse("bounces@forum.example").unwrap());
    let message = desk.compose();
    assert_eq!(message.envelope.reverse_path.as_str(), "bounces@forum.example");
    assert!(!String::from_utf8(message.to_bytes()).unwrap().contains("bounces@"));
}

/// Security S1: neither a letter nor a file can bring a line that ends the message.
#[test]
fn smtp_smuggling_from_letters_and_files_is_not_possible() {
    for end in ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\r\n"] {
        let attack = format!("x{end}MAIL FROM:<evil@x.example>\r\nFrom y\r\n..");
        let mut desk = Desk::new().with_file("a", "text/plain", attack.as_bytes());
        desk.letter.text = attack.clone();
        desk.letter.html = attack.clone();
        let text = written(&desk);
        assert!(!text.contains("\r\n."), "{text}");
        assert!(!text.contains("\r\nFrom "), "{text}");
        let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
        let canonical = attack.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        assert_eq!(parsed.part(2).unwrap().contents(), (canonical + "\r\n").as_bytes());
    }
}

/// A boundary is no line of any part, even where a letter quotes it.
#[test]
fn a_boundary_occurs_in_no_part() {
    let mut desk = Desk::new().with_file("a", "text/plain", b"x").with_image();
    let text = written(&desk);
    let boundaries: Vec<&str> = text.lines().filter(|l| l.starts_with("--=_")).collect();
    desk.letter.text = boundaries.join("\n");
    desk.letter.html = boundaries.join("\n");
    let text = written(&desk);
    assert_eq!(text.matches("\r\n--=_").count(), boundaries.len());
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    assert_eq!(
        tree(&parsed, parsed.root_part()),
        "mixed(alternative(plain,related(html,png)),plain)"
    );
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,60}", "[ -~]{0,100}", "[\u{410}-\u{44f} .,]{0,200}"]
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![words(), Just(".".to_owned()), "[a-z =.\t]{0,200}", "From \\PC{0,9}"];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n") + "\n")
}

/// RFC 5322 3.6.3: one Cc, behind To, whose lines are folded between addresses.
#[test]
fn who_gets_copies_stands_in_one_cc() {
    let addresses: Vec<String> =
        (0..40).map(|n| format!("assistant-{n}@ministry.example")).collect();
    let mut desk = Desk::new();
    let without = desk.compose();
    for count in [1, 2, 40] {
        desk.cc = addresses[..count].iter().map(|a| EmailAddress::parse(a).unwrap()).collect();
        let message = desk.compose();
        let bytes = message.to_bytes();
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        let names: Vec<&str> = parsed.headers().iter().map(|h| h.name()).collect();
        assert_eq!(names[1..4], ["From", "To", "Cc"]);
        let cc = parsed.cc().unwrap().iter().map(|a| a.address.as_deref().unwrap().to_owned());
        assert_eq!(cc.collect::<Vec<_>>(), addresses[..count]);
        assert_ne!(message.message_id, without.message_id, "another message to its reader");
        let copy = message.clone().as_copy_to(&desk.cc[0]);
        assert_eq!(copy.to_bytes(), bytes);
        assert_eq!(copy.envelope.forward_path, desk.cc[0]);
        assert_eq!(copy.envelope.reverse_path, message.envelope.reverse_path);
    }
}

/// One message for all its deliveries: what the address of one needs, all need.
#[test]
fn an_address_beyond_ascii_in_cc_asks_for_smtputf8() {
    let mut desk = Desk::new();
    desk.cc = vec![EmailAddress::parse("büro@ministry.example").unwrap()];
    let message = desk.compose();
    assert!(message.envelope.smtputf8);
    assert!(String::from_utf8(message.to_bytes()).unwrap().contains("\r\nCc: büro@ministry"));
    assert!(message.as_copy_to(&desk.cc[0]).envelope.needs_smtputf8());
}

/// Who gets a copy is part of what a person confirms, and in which order it stands there.
#[test]
fn the_digest_of_a_letter_tells_its_copies() {
    let mut desk = Desk::new();
    let [one, two] = ["a@x.example", "b@x.example"].map(|a| EmailAddress::parse(a).unwrap());
    let lists = [vec![], vec![one.clone()], vec![one.clone(), two.clone()], vec![two, one]];
    let digests: std::collections::BTreeSet<String> = lists
        .into_iter()
        .map(|cc| {
            desk.cc = cc;
            desk.digest().to_string()
        })
        .collect();
    assert_eq!(digests.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_letter_arrives_as_it_was(
        subject in words(), name in words(), text in lines(), html in lines(),
        file in words(),
    ) {
        let mut desk = Desk::new().with_file(&file, "application/pdf", b"x");
        if let Ok(to) = Mailbox::new(&name, desk.to.address.clone()) {
            desk.to = to;
        }
        let one_line = |text: String| text.replace(['\u{2028}', '\u{2029}'], " ");
        desk.letter.subject = one_line(subject);
        (desk.letter.text, desk.letter.html) = (text, html);
        let bytes = desk.compose().to_bytes();
        prop_assert_eq!(&bytes, &desk.compose().to_bytes());
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        prop_assert_eq!(parsed.root_part().headers.len(), 9);
        prop_assert_eq!(parsed.subject().unwrap_or_default(), &desk.letter.subject);
        let to = parsed.to().unwrap().first().unwrap();
        prop_assert_eq!(to.name.as_deref(), desk.to.name.as_deref());
        prop_assert_eq!(to.address.as_deref(), Some(desk.to.address.as_str()));
        for (id, sent) in [(2, &desk.letter.text), (3, &desk.letter.html)] {
            let canonical = sent.replace('\r', "\n").replace('\n', "\r\n");
            prop_assert_eq!(parsed.part(id).unwrap().contents(), canonical.as_bytes());
        }
        let name = parsed.attachment(0).unwrap().attachment_name();
        prop_assert_eq!(name.unwrap_or_default(), one_line(file));
    }
}
