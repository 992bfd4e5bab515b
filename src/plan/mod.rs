//! Stage 4: everybody, their letters and documents in; the complete list of deliveries and its
//! fingerprint out.
//!
//! Owns making the plan: who gets which letter with which documents, what that weighs, and what
//! makes it the same plan again. Letters are rendered on all cores and handed to the caller one by
//! one, in order, so that a mailing of a million needs no more memory than its list. Pure: what is
//! done with a plan (shown, frozen, sent) is decided elsewhere.
//!
//! # Invariants
//! One delivery for each recipient key, and one for each copy, which has a key of its own. The same
//! lists, letters, documents and sender give the same fingerprint, whatever the order of rows.

pub mod contents;
pub mod documents;
mod greeted;
pub mod header_values;
mod joined;
pub mod kinds;
mod lacking;
mod lanes;
pub mod manifest;
pub mod matrix;
pub mod objects;
pub mod pattern;
mod personal;

use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, DeliveryId, Digest, Fingerprint, RecipientKey};
use crate::language::Language;
use crate::letter::{Branches, Image, Letter, Letters, Particulars, RenderFailure, Undefined};
use crate::limits::FILES_NAMED_MAX;
use crate::message::{self, Draft, EncodedPart, Message, Sender, compose, letter_digest};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::greeting::{self, Greeting, Greetings};
use crate::recipients::{Excluded, People, Recipient};
use crate::time::Timestamp;
use documents::{DocumentSet, Documents};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
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

    /// Whether readers of a language see a name of their own, or all see the same.
    #[must_use]
    pub fn has_name_in(&self, language: &Language) -> bool {
        self.by_language.is_empty()
            || language.fall_backs().iter().any(|l| self.by_language.contains_key(l))
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
    /// How they greet.
    pub greetings: &'a Greetings,
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
    /// The image files they may show, with their digests.
    pub images: &'a [(String, Digest)],
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
    /// How the letter greets: by title, neutrally, without a name.
    pub greeting: greeting::Kind,
    /// Digest of the letter.
    pub letter_digest: Digest,
    /// The branches that the letter's conditions took.
    pub branches: Branches,
    /// The documents that go with it.
    pub documents: Arc<DocumentSet>,
    /// Octets of the message as sent.
    pub octets: u64,
    /// Who gets the same message as a delivery of their own, in the order of Cc.
    pub copies: Vec<PlannedCopy>,
}

/// A copy: the same message to a Cc address, a delivery of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCopy {
    /// What it is known by.
    pub id: DeliveryId,
    /// Its letter's key and its address.
    pub key: RecipientKey,
    /// Where it goes.
    pub address: EmailAddress,
}

impl Planned {
    /// The deliveries of its message and where they go: the letter's own, then its copies.
    pub fn all(&self) -> impl Iterator<Item = (DeliveryId, &EmailAddress)> {
        let copies = self.copies.iter().map(|copy| (copy.id, &copy.address));
        std::iter::once((self.id, &self.to.address)).chain(copies)
    }
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
    /// The images its letters show, each once.
    pub images: Vec<Arc<Image>>,
    /// What makes it this plan.
    pub fingerprint: Fingerprint,
}

impl Plan {
    /// All deliveries and where they go, in the order of sending: each letter, then its copies.
    pub fn all(&self) -> impl Iterator<Item = (DeliveryId, &EmailAddress)> {
        self.deliveries.iter().flat_map(Planned::all)
    }

    /// How many copies there are besides the letters.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.deliveries.iter().map(|planned| planned.copies.len()).sum()
    }
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
/// With errors in single letters the others are planned all the same, so that one pass finds
/// everything; the caller looks at `problems` before it acts.
///
/// # Errors
/// Whatever `visit` returns: it ends the pass.
pub fn make<E>(
    materials: &Materials<'_>,
    problems: &mut Problems,
    mut visit: impl FnMut(Made<'_>) -> Result<(), E>,
) -> Result<Plan, E> {
    let keep = |letter, message| (letter, message);
    make_all(materials, Wanted::Whole, problems, keep, |planned, (letter, message)| {
        let recipient = &materials.people.recipients[planned.recipient];
        let sender = materials.senders.for_language(&planned.language);
        visit(Made { planned, recipient, sender, letter: &letter, message: &message })
    })
}

/// Makes the plan of a campaign and drops each letter on the core that made it: faster than to hand
/// all of them to one caller, whom the cores would wait for.
pub fn make_only(materials: &Materials<'_>, problems: &mut Problems) -> Plan {
    let drop_it = |_, _| ();
    let take = |_: &Planned, ()| Ok::<(), Infallible>(());
    let Ok(plan) = make_all(materials, Wanted::Weight, problems, drop_it, take);
    plan
}

/// What is wanted of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// All their octets.
    Whole,
    /// How many octets they have: files of single persons are not read again for it.
    Weight,
}

/// Makes the plan; what `finish` keeps of a letter passes `take`, in order.
fn make_all<T: Send, E>(
    materials: &Materials<'_>,
    wanted: Wanted,
    problems: &mut Problems,
    finish: impl Fn(Letter, Message) -> T + Sync,
    mut take: impl FnMut(&Planned, T) -> Result<(), E>,
) -> Result<Plan, E> {
    let workshop = Workshop::new(materials, wanted);
    let recipients = &materials.people.recipients;
    let mut deliveries = Vec::with_capacity(recipients.len());
    let mut faults = Faults::default();
    let make = |index| {
        let made = workshop.make_one(index);
        (index, made.map(|(planned, letter, message)| (planned, finish(letter, message))))
    };
    lanes::in_order(recipients.len(), make, |all| {
        for (index, made) in all {
            match made {
                Ok((planned, kept)) => {
                    faults.weigh(&planned, &recipients[index], materials.limits);
                    faults.compare_languages(&planned, &recipients[index]);
                    take(&planned, kept)?;
                    deliveries.push(planned);
                }
                Err(fault) => faults.add(&recipients[index], fault),
            }
        }
        Ok(())
    })?;
    faults.report(recipients.len(), materials.letters.folder(), problems);
    greeted::report(materials, &deliveries, problems);
    Ok(Plan {
        campaign: materials.campaign.clone(),
        excluded: materials.people.excluded.clone(),
        images: workshop.into_images(),
        fingerprint: manifest::fingerprint(materials, &deliveries),
        deliveries,
    })
}

/// A letter of a plan, made once more to be written down.
#[derive(Debug)]
pub struct Rewritten<'a> {
    /// The delivery.
    pub planned: &'a Planned,
    /// Who gets it.
    pub recipient: &'a Recipient,
    /// Who it is from.
    pub sender: &'a Sender,
    /// The letter.
    pub letter: Letter,
    /// Message-ID of the first round, with angle brackets.
    pub message_id: String,
}

/// Renders the letters of a plan once more, from the materials it was made of: on all cores each
/// passes `finish`, and `take` gets what that makes of them in order.
///
/// Letters are not kept from one pass to the other: those of 10,000 people are 150 MB. No message
/// is composed, for its bytes are not written down, and what is known of it stands in the plan.
pub fn rewrite<T: Send, R>(
    materials: &Materials<'_>,
    deliveries: &[Planned],
    finish: impl Fn(Rewritten<'_>) -> T + Sync,
    take: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    let make = |index: usize| {
        let planned = &deliveries[index];
        let greeting = materials.greeting(planned.recipient, &planned.language);
        let (language, documents) = (&planned.language, &planned.documents);
        let letter = materials.render(planned.recipient, language, &greeting, documents);
        letter.ok().map(|(letter, _)| finish(materials.rewritten(planned, letter)))
    };
    // A letter that could be made once can be made again: nothing was read in between. Were one
    // missing all the same, the ledger would miss it.
    lanes::in_order(deliveries.len(), make, |all| take(&mut all.flatten()))
}

impl Materials<'_> {
    /// What a recipient's letter in a language begins with.
    fn greeting(&self, recipient: usize, language: &Language) -> Greeting {
        self.greetings.greet(language, &self.people.recipients[recipient])
    }

    /// The letter of one recipient.
    fn render(
        &self,
        recipient: usize,
        language: &Language,
        greeting: &Greeting,
        documents: &DocumentSet,
    ) -> Result<(Letter, Branches), RenderFailure> {
        let recipient = &self.people.recipients[recipient];
        self.letters.render_with_branches(&Particulars {
            language,
            greeting: greeting.as_str(),
            values: &recipient.values,
            attachments: &documents.attachments,
        })
    }

    fn rewritten<'p>(&'p self, planned: &'p Planned, letter: Letter) -> Rewritten<'p> {
        let recipient = &self.people.recipients[planned.recipient];
        let sender = self.senders.for_language(&planned.language);
        let message_id = message::message_id(&Draft {
            campaign: self.campaign,
            recipient: &recipient.key,
            to: &planned.to,
            // Neither has a part in it.
            cc: &[],
            sender,
            letter: &letter,
            letter_digest: planned.letter_digest,
            attachments: &planned.documents.parts,
            images: &[],
            round: 1,
            date: self.date,
        });
        Rewritten { planned, recipient, sender, letter, message_id }
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
    wanted: Wanted,
    /// The images shown so far, each encoded once.
    images: Mutex<Vec<(Arc<Image>, EncodedPart)>>,
}

impl<'a> Workshop<'a> {
    fn new(materials: &'a Materials<'a>, wanted: Wanted) -> Workshop<'a> {
        Workshop { materials, wanted, images: Mutex::default() }
    }

    fn make_one(&self, index: usize) -> MadeOrFault {
        let m = self.materials;
        let recipient = &m.people.recipients[index];
        let language = m
            .letters
            .language_for(&recipient.language, m.default_language)
            .ok_or_else(|| Fault::NoLetter(recipient.language.clone()))?;
        let documents = m.documents.for_recipient(recipient);
        let greeting = m.greeting(index, &language);
        let (letter, branches) =
            m.render(index, &language, &greeting, &documents).map_err(Fault::from)?;
        let to = mailbox_of(recipient);
        let sender = m.senders.for_language(&language);
        let copies = copies_of(m.campaign, recipient);
        let cc: Vec<EmailAddress> = copies.iter().map(|copy| copy.address.clone()).collect();
        let letter_digest = letter_digest(&to, &cc, sender, &letter);
        let images = self.encoded_images(&letter.images);
        let (attachments, octets_left_out) = match self.wanted {
            Wanted::Whole => {
                let whole = m.documents.whole(&documents);
                (whole.map_err(|problem| Fault::Problem(Box::new(problem)))?, 0)
            }
            Wanted::Weight => (Cow::Borrowed(&*documents.parts), documents.octets_left_out),
        };
        let message = compose(&Draft {
            campaign: m.campaign,
            recipient: &recipient.key,
            to: &to,
            cc: &cc,
            sender,
            letter: &letter,
            letter_digest,
            attachments: &attachments,
            images: &images,
            round: 1,
            date: m.date,
        });
        let id = DeliveryId::of(m.campaign, &recipient.key);
        let octets = message.len() as u64 + octets_left_out;
        drop(attachments);
        let planned = Planned {
            id,
            recipient: index,
            to,
            language,
            greeting: greeting.kind(),
            letter_digest,
            branches,
            documents,
            octets,
            copies,
        };
        Ok((planned, letter, message))
    }

    /// The encoded parts of a letter's images, each encoded once for the run.
    fn encoded_images(&self, images: &[Arc<Image>]) -> Vec<EncodedPart> {
        let mut known = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let mut encoded = |image: &Arc<Image>| {
            // Letters share the images they were compiled with.
            if let Some((_, part)) = known.iter().find(|(k, _)| Arc::ptr_eq(k, image)) {
                return part.clone();
            }
            let part = EncodedPart::of_image(image);
            known.push((Arc::clone(image), part.clone()));
            part
        };
        images.iter().map(&mut encoded).collect()
    }

    /// All images shown, in an order that does not depend on which core was first.
    fn into_images(self) -> Vec<Arc<Image>> {
        let known = self.images.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut images: Vec<_> = known.into_iter().map(|(image, _)| image).collect();
        images.sort_by_key(|image| image.digest);
        images
    }
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

/// The copies of a recipient's letter, each address once: a second message to somebody is never
/// planned, whatever the lists' stage has let pass.
fn copies_of(campaign: &CampaignId, recipient: &Recipient) -> Vec<PlannedCopy> {
    let own = recipient.address.compare_key();
    let mut copies: Vec<PlannedCopy> = Vec::with_capacity(recipient.copies.len());
    for address in &recipient.copies {
        let key = RecipientKey::of_copy(&recipient.key, address);
        if address.compare_key() == own || copies.iter().any(|copy| copy.key == key) {
            continue;
        }
        let id = DeliveryId::of(campaign, &key);
        copies.push(PlannedCopy { id, key, address: address.clone() });
    }
    copies
}

/// `To:` of a recipient; a name that cannot stand in a header was a problem of the list's stage.
fn mailbox_of(recipient: &Recipient) -> Mailbox {
    let address = recipient.address.clone();
    let name = recipient.header_name().unwrap_or_default();
    Mailbox::new(&name, address.clone()).unwrap_or(Mailbox { name: None, address })
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
    heavy: Vec<Heavy>,
}

/// A letter that weighs more than mail servers like.
struct Heavy {
    octets: u64,
    who: String,
    is_too_heavy: bool,
    documents: Arc<DocumentSet>,
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
            self.heavy.push(Heavy {
                octets: planned.octets,
                who: recipient.address.to_string(),
                is_too_heavy: planned.octets > limits.error_octets,
                documents: planned.documents.clone(),
            });
        }
    }

    /// Somebody who asked for a language and gets a letter in another.
    fn compare_languages(&mut self, planned: &Planned, recipient: &Recipient) {
        if recipient.language == planned.language {
            return;
        }
        let (read, given) = (recipient.language.primary(), planned.language.primary());
        if read != given {
            *self.stand_ins.entry((read, given)).or_default() += 1;
        }
    }

    fn report(self, total: usize, folder: &str, problems: &mut Problems) {
        for (undefined, who) in self.undefined {
            problems.push(describe_undefined(&undefined, &who, total));
        }
        for (language, who) in self.no_letter {
            problems.push(describe_no_letter(&language, &who).place(Place::file(folder)));
        }
        for ((read, given), people) in self.stand_ins {
            let problem = describe_stand_in(&read, &given, people);
            problems.push(problem.place(Place::file(folder)));
        }
        self.others.into_iter().for_each(|p| problems.push(p));
        for too_heavy in [true, false] {
            let mut of_kind: Vec<&Heavy> =
                self.heavy.iter().filter(|heavy| heavy.is_too_heavy == too_heavy).collect();
            // Among equal ones the order of the list stays.
            of_kind.sort_by_key(|heavy| std::cmp::Reverse(heavy.octets));
            problems.extend_from(describe_heavy(&of_kind));
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

/// `12 letters weigh up to 21.3 MB as sent: to ana@x.example and 11 more; the heaviest document is
/// attachments/map.pdf with 14.2 MB`, of the heaviest letters first.
fn describe_heavy(letters: &[&Heavy]) -> Option<Problem> {
    let heaviest = letters.first()?;
    let megabytes = |octets: u64| octets as f64 / f64::from(1 << 20);
    let (weight, count) = (megabytes(heaviest.octets), letters.len());
    let named: Vec<&str> = letters.iter().take(FILES_NAMED_MAX).map(|l| l.who.as_str()).collect();
    let who = match count - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    };
    let mut message = match count {
        1 => format!("the letter to {who} weighs {weight:.1} MB as sent"),
        n => format!("{n} letters weigh up to {weight:.1} MB as sent: to {who}"),
    };
    let document = heaviest.documents.attachments.iter().max_by_key(|a| a.octets);
    if let Some(document) = document {
        let size = megabytes(document.octets);
        message += &format!("; the heaviest document is {} with {size:.1} MB", document.file);
    }
    let hint = "Mail servers often refuse more than 20 MB: make the documents smaller, or link \
                to them. The bounds stand in [limits] of secretariat.toml.";
    let problem = if heaviest.is_too_heavy {
        Problem::error("too-heavy", message)
    } else {
        Problem::warning("heavy", message)
    };
    Some(problem.hint(hint).count(count as u64))
}
