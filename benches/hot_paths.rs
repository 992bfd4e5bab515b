//! How long the steps of a plan take for one list, one letter, one message, on the sample workspace.
//!
//! For finding out where time goes, and whether a change made it less: `cargo bench --bench
//! hot_paths`, before and after. What users wait for is measured whole, by `benches/compare`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use secretariat::address::{EmailAddress, Mailbox};
use secretariat::campaign::Campaign;
use secretariat::config::{self, Config, Environment};
use secretariat::id::{CampaignId, DeliveryId, Digest, Fingerprint, RecipientKey};
use secretariat::language::Language;
use secretariat::ledger::{
    FrozenLetter, FrozenSender, Ledger, LedgerWriter, NewPlan, PlannedDelivery, Recorded, State,
};
use secretariat::letter::{Letter, Particulars};
use secretariat::message::{Draft, EncodedPart, Sender, compose, letter_digest};
use secretariat::plan::Planned;
use secretariat::problem::{Place, Problems};
use secretariat::recipients::{self, ListSource, Recipient};
use secretariat::response::Response;
use secretariat::time::Timestamp;
use secretariat::workspace::Workspace;
use std::hint::black_box;
use std::path::Path;
use tokio::task::JoinSet;

/// The mailing of the sample with three documents.
const CAMPAIGN: &str = "outcome";
/// The lists of the sample.
const LISTS: [(&str, &[u8]); 3] = [
    ("delegations.csv", include_bytes!("../recipients/delegations.csv")),
    ("inscripciones.tsv", include_bytes!("../recipients/inscripciones.tsv")),
    ("registration.csv", include_bytes!("../recipients/registration.csv")),
];
/// A language whose letters travel as quoted-printable, and one whose letters travel as base64.
const LANGUAGES: [&str; 2] = ["en", "ru"];

criterion_group!(hot_paths, lists, letters, messages, plans, ledgers);
criterion_main!(hot_paths);

/// The lists of 650 people, read and checked.
fn lists(criterion: &mut Criterion) {
    let (_, config) = sample();
    let options = config.recipients_options();
    let sources = LISTS.map(|(file, bytes)| ListSource { file, bytes });
    let people = recipients::gather(&sources, &options, &mut Problems::new()).recipients.len();
    let mut group = criterion.benchmark_group("lists");
    group.throughput(Throughput::Elements(people as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| recipients::gather(&sources, &options, &mut Problems::new()));
    });
    group.finish();
}

/// One letter rendered.
fn letters(criterion: &mut Criterion) {
    let campaign = campaign();
    let mut group = criterion.benchmark_group("letters");
    for language in LANGUAGES {
        let OneLetter { planned, recipient, .. } = *one_letter(&campaign, language);
        let greeting = campaign.greetings.greet(&planned.language, &recipient);
        let particulars = Particulars {
            language: &planned.language,
            greeting: greeting.as_str(),
            values: &recipient.values,
            attachments: &planned.documents.attachments,
        };
        group.bench_function(format!("render/{language}"), |bencher| {
            bencher.iter(|| campaign.letters.render(black_box(&particulars)));
        });
    }
    group.finish();
}

/// One message with three documents: its letter's digest, and its bytes.
fn messages(criterion: &mut Criterion) {
    let campaign = campaign();
    let mut group = criterion.benchmark_group("messages");
    for language in LANGUAGES {
        let OneLetter { planned, recipient, sender, letter } = *one_letter(&campaign, language);
        let images: Vec<_> = letter.images.iter().map(|i| EncodedPart::of_image(i)).collect();
        let draft = Draft {
            campaign: &campaign.id,
            recipient: &recipient.key,
            to: &planned.to,
            cc: &[],
            sender: &sender,
            letter: &letter,
            letter_digest: planned.letter_digest,
            attachments: &planned.documents.parts,
            images: &images,
            round: 1,
            date: date(),
        };
        group.bench_function(format!("digest/{language}"), |bencher| {
            bencher.iter(|| letter_digest(&planned.to, &[], &sender, black_box(&letter)));
        });
        group.bench_function(format!("compose/{language}"), |bencher| {
            bencher.iter(|| compose(black_box(&draft)));
        });
    }
    group.finish();
}

/// The plan of 650 people, on all cores.
fn plans(criterion: &mut Criterion) {
    let campaign = campaign();
    let mut group = criterion.benchmark_group("plans");
    group.throughput(Throughput::Elements(campaign.people.recipients.len() as u64));
    group.bench_function("make", |bencher| {
        bencher.iter(|| campaign.plan_only(date(), &mut Problems::new()));
    });
    group.finish();
}

/// Letters of the mailing that the ledger is asked about, and the connections that ask.
const KEPT: u32 = 2_000;
const ASKERS: u32 = 16;

/// A plan written down, and its letters taken from intent to record, on the disk of the folder for
/// temporary files. Look at instructions rather than time: `valgrind --tool=callgrind
/// --toggle-collect='*adopt::adopt*'`, or `'*change_together*'`, with `--test ledger/`.
fn ledgers(criterion: &mut Criterion) {
    let letters: Vec<PlannedDelivery> = (1..=KEPT).map(kept).collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(10).throughput(Throughput::Elements(KEPT.into()));
    let empty = || {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger"), date()).expect("a ledger");
        (folder, ledger)
    };
    let full = || {
        let (folder, mut ledger) = empty();
        adopt(&mut ledger, &letters);
        (folder, ledger)
    };
    group.bench_function("adopt", |bencher| {
        let adopt = |(folder, mut ledger)| {
            adopt(&mut ledger, &letters);
            (folder, ledger)
        };
        bencher.iter_batched(empty, adopt, BatchSize::PerIteration);
    });
    group.bench_function("steps", |bencher| {
        let steps = |(folder, ledger)| (folder, runtime.block_on(steps(ledger)));
        bencher.iter_batched(full, steps, BatchSize::PerIteration);
    });
    group.finish();
}

fn adopt(ledger: &mut Ledger, letters: &[PlannedDelivery]) {
    let plan = NewPlan {
        brought_back: None,
        campaign: CampaignId::parse(CAMPAIGN).expect("a name"),
        fingerprint: Fingerprint(Digest::of(b"a plan")),
        manifest: String::new(),
        total: letters.len() as u64,
    };
    ledger.adopt_plan(&plan, &mut letters.iter().cloned(), date()).expect("adopted");
}

/// Every letter from intent to record, as connections do it.
async fn steps(ledger: Ledger) -> Ledger {
    let writer = LedgerWriter::start(ledger).expect("threads");
    let mut askers = JoinSet::new();
    for first in 1..=ASKERS {
        let writer = writer.clone();
        askers.spawn(async move {
            for number in (first..=KEPT).step_by(ASKERS as usize) {
                let id = kept_id(number);
                writer.intend(id, date(), date()).await.expect("intended");
                // Its answer is there with the next letter's intent.
                drop(writer.record(id, accepted(), date()));
            }
        });
    }
    askers.join_all().await;
    writer.close().await.expect("a ledger")
}

fn accepted() -> Recorded {
    let words = "2.0.0 Ok: queued as 4XyZ1234567";
    Recorded {
        response: Some(Response::new(250, vec![words.as_bytes().to_vec()])),
        stage: Some("end of message".to_owned()),
        detail: Some(format!("250 {words}")),
        relay: Some("mail.forum.example:587".to_owned()),
        relay_id: Some("4XyZ1234567".to_owned()),
        tls: Some("TLS 1.3".to_owned()),
        ..Recorded::new(State::Accepted)
    }
}

fn kept_id(number: u32) -> DeliveryId {
    let campaign = CampaignId::parse(CAMPAIGN).expect("a name");
    DeliveryId::of(&campaign, &RecipientKey::of(&address(&who(number))))
}

/// Addresses in no order, as lists have them.
fn who(number: u32) -> String {
    format!("person{}", number.wrapping_mul(2_654_435_761))
}

fn address(who: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{who}@forum.example")).expect("an address")
}

/// A letter of 2.5 KB.
fn kept(number: u32) -> PlannedDelivery {
    let who = who(number);
    let digest = Digest::of(who.as_bytes());
    let sender = FrozenSender {
        from: Mailbox::new("Secretariat", address("secretariat")).expect("a name"),
        reply_to: None,
        bounce_address: None,
    };
    PlannedDelivery {
        key: RecipientKey::of(&address(&who)),
        number,
        address: address(&who),
        name: Some(format!("María Pérez {number}")),
        language: Language::parse_tag("en").expect("a language"),
        place: Place::line("recipients/people.csv", number + 1),
        values: vec![("name".to_owned(), who.clone()), ("town".to_owned(), "Łódź".to_owned())],
        letter_digest: digest,
        message_id: format!("<{digest}@forum.example>"),
        letter: FrozenLetter {
            sender,
            cc: Vec::new(),
            subject: "What was decided".to_owned(),
            reply_to: None,
            text: "Thank you for having come. ".repeat(35),
            html: "<p>Thank you for having come.</p> ".repeat(45),
            images: Vec::new(),
            attachments: Vec::new(),
        },
        copies: Vec::new(),
    }
}

/// The sample workspace: the root of this repository.
fn sample() -> (Workspace, Config) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::find(root, true).expect("the sample is a workspace");
    let environment = Environment::from_lookup(|_| None);
    let config = config::load(&workspace, &environment, &mut Problems::new());
    (workspace, config.expect("the sample is configured"))
}

fn campaign() -> Campaign {
    let (workspace, config) = sample();
    let setting = config.campaign(Some(CAMPAIGN)).expect("the sample has this mailing");
    let campaign = Campaign::load(&workspace, &config, setting, &mut Problems::new());
    campaign.expect("the sample's mailing can be planned")
}

/// What one person of the sample gets.
struct OneLetter {
    planned: Planned,
    recipient: Recipient,
    sender: Sender,
    letter: Letter,
}

/// The first letter in a language; the pass ends with it.
fn one_letter(campaign: &Campaign, language: &str) -> Box<OneLetter> {
    let found = campaign.plan(date(), &mut Problems::new(), |made| {
        if made.planned.language.as_str() != language {
            return Ok(());
        }
        Err(Box::new(OneLetter {
            planned: made.planned.clone(),
            recipient: made.recipient.clone(),
            sender: made.sender.clone(),
            letter: made.letter.clone(),
        }))
    });
    found.expect_err("somebody in the sample reads this language")
}

fn date() -> Timestamp {
    Timestamp::from_unix_seconds(1_795_600_000)
}
