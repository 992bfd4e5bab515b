//! People and letters for the ledger's own tests.

use super::{
    Adopted, FrozenAttachment, FrozenImage, FrozenLetter, FrozenSender, Ledger, NewPlan,
    PlannedDelivery, Recorded, State,
};
use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, DeliveryId, Digest, Fingerprint, RecipientKey};
use crate::language::Language;
use crate::problem::Place;
use crate::response::Response;
use crate::time::Timestamp;
use std::time::Duration;

/// The start of all tests.
pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-11-05T09:30:00Z").unwrap()
}

/// Some minutes after the start.
pub(super) fn later(minutes: u64) -> Timestamp {
    now().plus(Duration::from_secs(60 * minutes))
}

pub(super) fn campaign() -> CampaignId {
    CampaignId::parse("outcome").unwrap()
}

pub(super) fn address(who: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@forum.example")).unwrap()
}

pub(super) fn id(who: &str) -> DeliveryId {
    DeliveryId::of(&campaign(), &RecipientKey::of(&address(who)))
}

/// The letter that says `words` to somebody.
pub(super) fn delivery(number: u32, who: &str, words: &str) -> PlannedDelivery {
    let digest = Digest::of_parts([who.as_bytes(), words.as_bytes()]);
    PlannedDelivery {
        key: RecipientKey::of(&address(who)),
        number,
        address: address(who),
        name: Some(format!("{who} Pérez")),
        language: Language::parse_tag("es").unwrap(),
        place: Place::line("recipients/a.csv", number + 1),
        values: vec![("city".to_owned(), "Łódź".to_owned()), ("name".to_owned(), who.to_owned())],
        letter_digest: digest,
        message_id: format!("<{}@forum.example>", &digest.to_string()[..20]),
        letter: letter(who, words),
        copies: Vec::new(),
    }
}

fn letter(who: &str, words: &str) -> FrozenLetter {
    let mailbox = |name: &str, who: &str| Mailbox::new(name, address(who)).unwrap();
    FrozenLetter {
        sender: FrozenSender {
            from: mailbox("Conference Secretariat", "secretariat"),
            reply_to: Some(mailbox("", "answers")),
            bounce_address: Some(address("bounces")),
        },
        cc: Vec::new(),
        subject: format!("{words}, {who}"),
        reply_to: Some(mailbox("Answers, \"all\"", "answers")),
        text: format!("{who}: {words}\n"),
        html: format!("<p>{who}: {words}</p>\n"),
        images: vec![FrozenImage {
            content_id: "logo".to_owned(),
            name: "logo.png".to_owned(),
            media_type: "image/png".to_owned(),
            digest: Digest::of(b"logo"),
        }],
        attachments: vec![FrozenAttachment {
            id: "statement".to_owned(),
            number: 1,
            name: "statement.es.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            digest: Digest::of(b"statement"),
        }],
    }
}

/// A plan with these letters; its fingerprint follows from them.
pub(super) fn plan(letters: &[PlannedDelivery]) -> NewPlan {
    let mut manifest = String::new();
    for letter in letters {
        let (key, digest) = (letter.key.as_str(), letter.letter_digest);
        manifest += &format!("{key} {} {digest}\n", letter.address);
    }
    let fingerprint = Fingerprint(Digest::of(manifest.as_bytes()));
    let total = letters.len() as u64;
    NewPlan { campaign: campaign(), fingerprint, manifest, total, brought_back: None }
}

pub(super) fn adopt(ledger: &mut Ledger, letters: &[PlannedDelivery], at: Timestamp) -> Adopted {
    ledger.adopt_plan(&plan(letters), &mut letters.iter().cloned(), at).unwrap()
}

/// Everybody in the list gets the same words.
pub(super) fn adopt_people(ledger: &mut Ledger, people: &[&str], words: &str) -> Adopted {
    let letters: Vec<_> = (1..).zip(people).map(|(n, who)| delivery(n, who, words)).collect();
    adopt(ledger, &letters, now())
}

/// A ledger in a folder of its own, with these people planned.
pub(super) fn ledger(people: &[&str]) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(&folder.path().join("store"), now()).unwrap();
    if !people.is_empty() {
        adopt_people(&mut ledger, people, "hello");
    }
    (folder, ledger)
}

pub(super) fn response(code: u16, words: &[u8]) -> Response {
    Response::new(code, vec![words.to_vec()])
}

/// An answer that leads to a state.
pub(super) fn answered(to: State, code: u16, words: &str) -> Recorded {
    Recorded {
        response: Some(response(code, words.as_bytes())),
        stage: Some("end of message".to_owned()),
        ..Recorded::new(to)
    }
}

/// Brings a planned delivery to a state on a path the table allows.
pub(super) fn bring(ledger: &mut Ledger, who: &str, to: State) {
    let id = id(who);
    if matches!(to, State::Attempting | State::Accepted | State::Uncertain) {
        ledger.intend(&id, now(), now()).unwrap();
    }
    if to != State::Attempting && to != State::Planned {
        ledger.record(&id, &Recorded::new(to), now()).unwrap();
    }
}

pub(super) fn state(ledger: &Ledger, who: &str) -> State {
    ledger.delivery(&id(who)).unwrap().unwrap().state
}
