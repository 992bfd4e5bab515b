//! How long the steps of a plan take for one list, one letter, one message, on the sample workspace.
//!
//! For finding out where time goes, and whether a change made it less: `cargo bench --bench
//! hot_paths`, before and after. What users wait for is measured whole, by `benches/compare`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use secretariat::campaign::Campaign;
use secretariat::config::{self, Config, Environment};
use secretariat::letter::{Letter, Particulars};
use secretariat::message::{Draft, EncodedPart, Sender, compose, letter_digest};
use secretariat::plan::Planned;
use secretariat::problem::Problems;
use secretariat::recipients::{self, ListSource, Recipient, greeting};
use secretariat::time::Timestamp;
use secretariat::workspace::Workspace;
use std::hint::black_box;
use std::path::Path;

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

criterion_group!(hot_paths, lists, letters, messages, plans);
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
        let greeting = greeting::neutral(&planned.language, recipient.name.as_deref());
        let particulars = Particulars {
            language: &planned.language,
            greeting: &greeting,
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
            sender: &sender,
            letter: &letter,
            letter_digest: planned.letter_digest,
            attachments: &planned.documents.parts,
            images: &images,
            round: 1,
            date: date(),
        };
        group.bench_function(format!("digest/{language}"), |bencher| {
            bencher.iter(|| letter_digest(&planned.to, &sender, black_box(&letter)));
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
