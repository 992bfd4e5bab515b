//! Stage 4: everybody, their letters and documents in; the complete list of deliveries and its
//! fingerprint out.
//!
//! Owns making the plan: who gets which letter with which documents, what that weighs, and what
//! makes it the same plan again. Letters are rendered on all cores and handed to the caller one by
//! one, in order, so that a mailing of a million needs no more memory than its list. Pure: what is
//! done with a plan (shown, frozen, sent) is decided elsewhere.
//!
//! # Invariants
//! One delivery for each recipient key. The same lists, letters, documents and sender give the same
//! fingerprint, whatever the order of rows.

pub mod documents;
pub mod manifest;
pub mod objects;
pub mod pattern;

use crate::address::Mailbox;
use crate::id::{CampaignId, DeliveryId, Digest, Fingerprint};
use crate::language::Language;
use crate::letter::{Image, Letter, Letters, Particulars, RenderFailure, Undefined};
use crate::limits::RENDER_WINDOW_LETTERS;
use crate::message::{Draft, EncodedPart, Message, Sender, compose, letter_digest};
use crate::problem::{Problem, Problems};
use crate::recipients::{Excluded, People, Recipient, greeting};
use crate::time::Timestamp;
use documents::{DocumentSet, Documents};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Who a campaign is from, in each language.
#[derive(Clone, Debug)]
pub struct Senders {
    /// The sender for languages that have none of their own.
    pub default: Sender,
    /// Senders whose name is written in a language: the same address everywhere.
    pub by_language: BTreeMap<Language, Sender>,
}

impl Senders {
    /// The sender as readers of a language see it.
    #[must_use]
    pub fn for_language(&self, language: &Language) -> &Sender {
        let named = language.fall_backs().into_iter().find_map(|l| self.by_language.get(&l));
        named.unwrap_or(&self.default)
    }
}

/// How heavy a message may be, in octets as sent.
#[derive(Clone, Copy, Debug)]
pub struct WeightLimits {
    /// Above it: a warning.
    pub warn_octets: u64,
    /// Above it: an error.
    pub error_octets: u64,
}

/// What a plan is made of.
#[derive(Debug)]
pub struct Materials<'a> {
    /// The campaign.
    pub campaign: &'a CampaignId,
    /// Everybody in its lists.
    pub people: &'a People,
    /// Its letters, compiled.
    pub letters: &'a Letters,
    /// The language of a letter where there is none in the recipient's.
    pub default_language: &'a Language,
    /// Its documents.
    pub documents: &'a Documents,
    /// Who it is from.
    pub senders: &'a Senders,
    /// How heavy a message may be.
    pub limits: WeightLimits,
    /// The letters' source files with their digests.
    pub sources: &'a [(String, Digest)],
    /// `Date:` of the messages made on the way.
    pub date: Timestamp,
}

/// One delivery of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it is known by.
    pub id: DeliveryId,
    /// Index into [`People::recipients`].
    pub recipient: usize,
    /// `To:`.
    pub to: Mailbox,
    /// The language of the letter, which may stand in for the recipient's.
    pub language: Language,
    /// Digest of the letter.
    pub letter_digest: Digest,
    /// The documents that go with it.
    pub documents: Arc<DocumentSet>,
    /// Octets of the message as sent.
    pub octets: u64,
}

/// The complete list of deliveries of a campaign.
#[derive(Debug)]
pub struct Plan {
    /// The campaign.
    pub campaign: CampaignId,
    /// Who gets a letter, in order of their numbers.
    pub deliveries: Vec<Planned>,
    /// Who does not, and why.
    pub excluded: Vec<Excluded>,
    /// What makes it this plan.
    pub fingerprint: Fingerprint,
}

/// A delivery with what was made for it, on its way past the caller.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The delivery.
    pub planned: &'a Planned,
    /// Who gets it.
    pub recipient: &'a Recipient,
    /// Who it is from.
    pub sender: &'a Sender,
    /// The letter.
    pub letter: &'a Letter,
    /// The message, as it would be sent.
    pub message: &'a Message,
}

/// Makes the plan of a campaign; each letter passes `visit` once, in order of numbers.
///
/// `None` when nothing can be planned. With errors in single letters the others are planned all
/// the same, so that one pass finds everything; the caller looks at `problems` before it acts.
///
/// # Errors
/// Whatever `visit` returns: it ends the pass.
pub fn make<E>(
    materials: &Materials<'_>,
    problems: &mut Problems,
    mut visit: impl FnMut(Made<'_>) -> Result<(), E>,
) -> Result<Plan, E> {
    let workshop = Workshop::new(materials);
    let recipients = &materials.people.recipients;
    let mut deliveries = Vec::with_capacity(recipients.len());
    let mut faults = Faults::default();
    for window in Windows::of(recipients.len()) {
        for (index, made) in window.clone().zip(workshop.make_all(window)) {
            match made {
                Ok((planned, letter, message)) => {
                    let recipient = &recipients[index];
                    faults.weigh(&planned, recipient, materials.limits);
                    faults.compare_languages(&planned, recipient);
                    let sender = materials.senders.for_language(&planned.language);
                    let (letter, message) = (&letter, &message);
                    visit(Made { planned: &planned, recipient, sender, letter, message })?;
                    deliveries.push(planned);
                }
                Err(fault) => faults.add(&recipients[index], fault),
            }
        }
    }
    faults.report(recipients.len(), problems);
    let excluded = materials.people.excluded.clone();
    let fingerprint = manifest::fingerprint(materials, &deliveries);
    Ok(Plan { campaign: materials.campaign.clone(), deliveries, excluded, fingerprint })
}

/// Ranges of recipients that are made at once.
struct Windows {
    next: usize,
    end: usize,
}

impl Windows {
    fn of(end: usize) -> Windows {
        Windows { next: 0, end }
    }
}

impl Iterator for Windows {
    type Item = std::ops::Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next;
        self.next = (start + RENDER_WINDOW_LETTERS).min(self.end);
        (start < self.end).then_some(start..self.next)
    }
}

/// Why one letter could not be made.
enum Fault {
    NoLetter(Language),
    Undefined(Vec<Undefined>),
    Problem(Box<Problem>),
    /// Its source is wrong, and that was said when the letters were compiled.
    Reported,
}

/// What one letter became.
type MadeOrFault = Result<(Planned, Letter, Message), Fault>;

/// Renders and composes; shared by all cores.
struct Workshop<'a> {
    materials: &'a Materials<'a>,
    images: Mutex<HashMap<(Digest, String), EncodedPart>>,
    cores: usize,
}

impl<'a> Workshop<'a> {
    fn new(materials: &'a Materials<'a>) -> Workshop<'a> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Workshop { materials, images: Mutex::default(), cores }
    }

    /// Makes the letters of a range on all cores, in order.
    fn make_all(&self, range: std::ops::Range<usize>) -> Vec<MadeOrFault> {
        let share = range.len().div_ceil(self.cores).max(1);
        std::thread::scope(|scope| {
            let shares: Vec<_> = range
                .clone()
                .step_by(share)
                .map(|start| {
                    let share = start..(start + share).min(range.end);
                    scope.spawn(move || share.map(|i| self.make_one(i)).collect::<Vec<_>>())
                })
                .collect();
            shares.into_iter().flat_map(|s| s.join().unwrap_or_else(resume)).collect()
        })
    }

    fn make_one(&self, index: usize) -> MadeOrFault {
        let m = self.materials;
        let recipient = &m.people.recipients[index];
        let language = m
            .letters
            .language_for(&recipient.language, m.default_language)
            .ok_or_else(|| Fault::NoLetter(recipient.language.clone()))?;
        let documents = m.documents.for_recipient(recipient);
        let greeting = greeting::neutral(&language, recipient.name.as_deref());
        let particulars = Particulars {
            language: &language,
            greeting: &greeting,
            values: &recipient.values,
            attachments: &documents.attachments,
        };
        let letter = m.letters.render(&particulars).map_err(Fault::from)?;
        let to = mailbox_of(recipient);
        let sender = m.senders.for_language(&language);
        let letter_digest = letter_digest(&to, sender, &letter);
        let images = self.encoded_images(&letter.images);
        let message = compose(&Draft {
            campaign: m.campaign,
            recipient: &recipient.key,
            to: &to,
            sender,
            letter: &letter,
            letter_digest,
            attachments: &documents.parts,
            images: &images,
            round: 1,
            date: m.date,
        });
        let id = DeliveryId::of(m.campaign, &recipient.key);
        let octets = message.len() as u64;
        let planned =
            Planned { id, recipient: index, to, language, letter_digest, documents, octets };
        Ok((planned, letter, message))
    }

    /// The encoded parts of a letter's images, each encoded once for the run.
    fn encoded_images(&self, images: &[Arc<Image>]) -> Vec<EncodedPart> {
        let mut known = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = |i: &Arc<Image>| {
            // The part carries the name too.
            let key = (i.digest, i.name.clone());
            known.entry(key).or_insert_with(|| EncodedPart::of_image(i)).clone()
        };
        images.iter().map(encoded).collect()
    }
}

/// A panic on another core goes on here: it is a mistake of ours, not a finding.
fn resume<T>(panic: Box<dyn std::any::Any + Send>) -> T {
    std::panic::resume_unwind(panic)
}

impl From<RenderFailure> for Fault {
    fn from(failure: RenderFailure) -> Fault {
        match failure {
            RenderFailure::Undefined(names) => Fault::Undefined(names),
            RenderFailure::Problem(problem) => Fault::Problem(problem),
            RenderFailure::Reported => Fault::Reported,
        }
    }
}

/// `To:` of a recipient; a name that cannot stand in a header was a problem of the list's stage.
fn mailbox_of(recipient: &Recipient) -> Mailbox {
    let address = recipient.address.clone();
    let name = recipient.name.as_deref().unwrap_or_default();
    Mailbox::new(name, address.clone()).unwrap_or(Mailbox { name: None, address })
}

/// What went wrong in single letters, gathered so that one finding stands for all of its kind.
#[derive(Default)]
struct Faults {
    /// Undefined name -> who lacks it.
    undefined: BTreeMap<Undefined, Vec<String>>,
    /// Language without a letter -> who reads it.
    no_letter: BTreeMap<Language, Vec<String>>,
    /// Language read, and language of the letter that stands in -> how many people.
    stand_ins: BTreeMap<(Language, Language), u64>,
    others: Vec<Problem>,
    heavy: Vec<(u64, String, bool)>,
}

impl Faults {
    fn add(&mut self, recipient: &Recipient, fault: Fault) {
        let who = recipient.address.to_string();
        match fault {
            Fault::NoLetter(language) => self.no_letter.entry(language).or_default().push(who),
            Fault::Undefined(names) => {
                // A document that is missing was said; its title is then missing too.
                let own = names.into_iter().filter(|n| !n.name.starts_with("attachments."));
                for name in own {
                    self.undefined.entry(name).or_default().push(who.clone());
                }
            }
            Fault::Problem(problem) => self.others.push(problem.recipient(who)),
            Fault::Reported => {}
        }
    }

    fn weigh(&mut self, planned: &Planned, recipient: &Recipient, limits: WeightLimits) {
        if planned.octets > limits.warn_octets {
            let too_heavy = planned.octets > limits.error_octets;
            self.heavy.push((planned.octets, recipient.address.to_string(), too_heavy));
        }
    }

    /// Somebody who asked for a language and gets a letter in another.
    fn compare_languages(&mut self, planned: &Planned, recipient: &Recipient) {
        let (read, given) = (recipient.language.primary(), planned.language.primary());
        if read != given {
            *self.stand_ins.entry((read, given)).or_default() += 1;
        }
    }

    fn report(self, total: usize, problems: &mut Problems) {
        for (undefined, who) in self.undefined {
            problems.push(describe_undefined(&undefined, &who, total));
        }
        for (language, who) in self.no_letter {
            problems.push(describe_no_letter(&language, &who));
        }
        for ((read, given), people) in self.stand_ins {
            problems.push(describe_stand_in(&read, &given, people));
        }
        self.others.into_iter().for_each(|p| problems.push(p));
        for too_heavy in [true, false] {
            let of_kind = || self.heavy.iter().filter(|(_, _, t)| *t == too_heavy);
            if let Some((octets, who, _)) = of_kind().max_by_key(|(octets, ..)| octets) {
                problems.push(describe_heavy(*octets, who, too_heavy, of_kind().count()));
            }
        }
    }
}

/// `41 rows have no city, and the letter uses it`.
fn describe_undefined(undefined: &Undefined, who: &[String], total: usize) -> Problem {
    let name = &undefined.name;
    let column = name.strip_prefix("recipient.").unwrap_or(name);
    let rows = match who.len() {
        1 => "1 row has".to_owned(),
        n if n == total => format!("all {n} rows have"),
        n => format!("{n} rows have"),
    };
    Problem::error("empty-cell", format!("{rows} no {column}, and this letter uses it"))
        .place(undefined.place.clone())
        .hint(format!(
            "Write {{{{ {name} | default(value=\"...\") }}}}, or fill the cells; the first is \
             the row of {}.",
            who.first().map_or("nobody", String::as_str)
        ))
        .count(who.len() as u64)
}

fn describe_no_letter(language: &Language, who: &[String]) -> Problem {
    let readers = if who.len() == 1 {
        "1 person reads".to_owned()
    } else {
        format!("{} people read", who.len())
    };
    Problem::error(
        "no-letter",
        format!(
            "{readers} {language:?}, and there is no letter in it or in the default language",
            language = language.as_str()
        ),
    )
    .hint(format!(
        "Add {language}.md beside the other letters, or a letter in the default language."
    ))
    .count(who.len() as u64)
}

fn describe_stand_in(read: &Language, given: &Language, people: u64) -> Problem {
    let readers =
        if people == 1 { "1 person reads".to_owned() } else { format!("{people} people read") };
    let message =
        format!("{readers} {read}, and there is no letter in it: they get the one in {given}");
    Problem::warning("letter-stands-in", message)
        .hint(format!(
            "Add {read}.md beside the other letters, if they should read their own language."
        ))
        .count(people)
}

fn describe_heavy(octets: u64, who: &str, too_heavy: bool, count: usize) -> Problem {
    let megabytes = octets as f64 / f64::from(1 << 20);
    let message = match count {
        1 => format!("the letter to {who} weighs {megabytes:.1} MB as sent"),
        n => format!("{n} letters weigh up to {megabytes:.1} MB as sent"),
    };
    let hint = "Mail servers often refuse more than 20 MB: make the documents smaller, or link \
                to them. The bounds stand in [limits] of secretariat.toml.";
    let problem = if too_heavy {
        Problem::error("too-heavy", message)
    } else {
        Problem::warning("heavy", message)
    };
    problem.hint(hint).count(count as u64)
}
