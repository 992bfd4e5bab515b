//! What a plan's fingerprint is taken of, and what changed between two plans.
//!
//! Owns the manifest's text: a head (campaign, senders, class), then a line for each delivery, copies
//! among them, sorted by recipient key: address, language, digest of the letter, documents in order (name,
//! SHA-256). Fields are divided by tabs, which no address, name of a file or digest holds. Behind
//! them the letters' source files and images with their digests, for saying which lines and images
//! changed: they are not part of the fingerprint, because what readers get of them is in the
//! letters' digests.
//!
//! # Invariants
//! Not in it: Date, Message-ID, boundaries, relay, file and line, order of rows. So a list sorted
//! anew, or another relay, is the same plan (contract, Fingerprint and sameness).

use super::{Materials, Planned, PlannedCopy, Senders};
use crate::address::EmailAddress;
use crate::id::{Digest, Fingerprint, RecipientKey};
use crate::message::Sender;
use crate::recipients::Recipient;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// First line of a manifest.
const HEADING: &str = "secretariat manifest 1";

/// The whole manifest of a plan.
#[must_use]
pub fn text(materials: &Materials<'_>, deliveries: &[Planned]) -> String {
    let mut text = head(materials);
    for entry in sorted(materials, deliveries) {
        text.push_str(&line(&entry));
    }
    for (file, digest) in materials.sources {
        text.push_str(&format!("{SOURCE}\t{file}\t{digest}\n"));
    }
    for (file, digest) in materials.images {
        text.push_str(&format!("{IMAGE}\t{file}\t{digest}\n"));
    }
    text
}

/// First field of a letter's line.
const DELIVERY: &str = "delivery";
/// First field of a copy's line.
const COPY: &str = "copy";
/// First field of a source file's line.
const SOURCE: &str = "source";
/// First field of an image's line.
const IMAGE: &str = "image";

/// The source files that a manifest names, with their digests.
#[must_use]
pub fn sources(text: &str) -> BTreeMap<String, Digest> {
    files(text, SOURCE)
}

/// The files of one kind, with their digests.
fn files(text: &str, kind: &str) -> BTreeMap<String, Digest> {
    let read = |line: &str| {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next().and_then(Digest::from_hex)) {
            (Some(first), Some(file), Some(digest)) if first == kind => {
                Some((file.to_owned(), digest))
            }
            _ => None,
        }
    };
    text.lines().filter_map(read).collect()
}

/// The image files that are in both manifests and have another content.
fn images_that_differ(older: &str, newer: &str) -> Vec<String> {
    let (older, newer) = (files(older, IMAGE), files(newer, IMAGE));
    let differs = |(file, digest): &(String, Digest)| older.get(file).is_some_and(|d| d != digest);
    newer.into_iter().filter(differs).map(|(file, _)| file).collect()
}

/// SHA-256 of the manifest.
#[must_use]
pub fn fingerprint(materials: &Materials<'_>, deliveries: &[Planned]) -> Fingerprint {
    // The manifest of a million deliveries is 200 MB: a dry run needs only its digest.
    let lines = sorted(materials, deliveries).into_iter().map(|entry| line(&entry));
    Fingerprint(Digest::of_stream(std::iter::once(head(materials)).chain(lines)))
}

/// One delivery of a plan, as its line tells it.
struct Sorted<'p> {
    key: &'p RecipientKey,
    address: &'p EmailAddress,
    /// First field of the line.
    kind: &'static str,
    planned: &'p Planned,
}

fn sorted<'p>(materials: &'p Materials<'_>, deliveries: &'p [Planned]) -> Vec<Sorted<'p>> {
    let mut sorted: Vec<Sorted<'p>> = Vec::with_capacity(deliveries.len());
    for planned in deliveries {
        let Recipient { key, address, .. } = &materials.people.recipients[planned.recipient];
        sorted.push(Sorted { key, address, kind: DELIVERY, planned });
        let copies = planned.copies.iter();
        sorted.extend(copies.map(|PlannedCopy { key, address, .. }| Sorted {
            key,
            address,
            kind: COPY,
            planned,
        }));
    }
    sorted.sort_by_key(|entry| entry.key);
    sorted
}

fn head(materials: &Materials<'_>) -> String {
    let mut head = format!("{HEADING}\ncampaign\t{}\nclass\tpersonal\n", materials.campaign);
    let Senders { default, by_language } = materials.senders;
    head.push_str(&sender_line("", default));
    for (language, sender) in by_language {
        head.push_str(&sender_line(language.as_str(), sender));
    }
    head
}

fn sender_line(language: &str, sender: &Sender) -> String {
    let reply_to = sender.reply_to.as_ref().map(ToString::to_string).unwrap_or_default();
    let bounce = sender.bounce_address.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("sender\t{language}\t{}\t{reply_to}\t{bounce}\n", sender.from)
}

fn line(entry: &Sorted<'_>) -> String {
    let Sorted { key, address, kind, planned } = entry;
    let mut line = String::with_capacity(LINE_BYTES_USUAL);
    // Writing into a string does not fail.
    let _ = write!(
        line,
        "{kind}\t{}\t{address}\t{}\t{}",
        key.as_str(),
        planned.language,
        planned.letter_digest
    );
    for part in &planned.documents.parts {
        let _ = write!(line, "\t{}\t{}", part.name, part.digest);
    }
    line.push('\n');
    line
}

/// Room for a line with three documents.
const LINE_BYTES_USUAL: usize = 512;

/// What a newer plan has that an older has not, and the reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Addresses that are new.
    pub people_added: Vec<String>,
    /// Addresses that are gone.
    pub people_gone: Vec<String>,
    /// Addresses that copies are new to.
    pub copies_added: Vec<String>,
    /// Addresses that copies are gone from.
    pub copies_gone: Vec<String>,
    /// Addresses that are written in another way; the person is the same.
    pub addresses_changed: Vec<String>,
    /// People who are written to at another address, with the old and the new one.
    pub people_readdressed: Vec<(String, String)>,
    /// Languages whose letters read differently for somebody, with how many.
    pub letters_changed: BTreeMap<String, usize>,
    /// Image files that have another content, where letters read differently.
    pub images_changed: Vec<String>,
    /// Names of documents that are new, gone or have another content for somebody, with how many.
    pub files_changed: BTreeMap<String, usize>,
    /// Whether the sender, its name, the answer or the bounce address is another.
    pub sender_changed: bool,
}

impl Difference {
    /// The difference of two manifests.
    #[must_use]
    pub fn between(older: &str, newer: &str) -> Difference {
        Difference::for_those(older, newer, |_| true)
    }

    /// The difference of two manifests, where what changed in letters, documents and addresses
    /// counts only for people with these keys. Who is new or gone is named all the same.
    #[must_use]
    pub fn for_those(older: &str, newer: &str, is_meant: impl Fn(&str) -> bool) -> Difference {
        let images_changed = images_that_differ(older, newer);
        let (older_head, older) = parsed(older);
        let (newer_head, newer) = parsed(newer);
        let mut difference =
            Difference { sender_changed: older_head != newer_head, ..Difference::default() };
        for (key, new) in &newer {
            match older.get(key) {
                None if new.is_copy => difference.copies_added.push(new.address.to_owned()),
                None => difference.people_added.push(new.address.to_owned()),
                // What a copy says is what its letter says.
                Some(old) if !new.is_copy && is_meant(key) => difference.compare(old, new),
                Some(_) => {}
            }
        }
        for (_, old) in older.iter().filter(|(key, _)| !newer.contains_key(*key)) {
            let gone = match old.is_copy {
                true => &mut difference.copies_gone,
                false => &mut difference.people_gone,
            };
            gone.push(old.address.to_owned());
        }
        // An image that no letter shows is nobody's difference.
        if !difference.letters_changed.is_empty() {
            difference.images_changed = images_changed;
        }
        difference
    }

    /// The same person in both plans.
    fn compare(&mut self, old: &Entry<'_>, new: &Entry<'_>) {
        let is_readdressed = !is_same_address(old.address, new.address);
        if is_readdressed {
            self.people_readdressed.push((old.address.to_owned(), new.address.to_owned()));
        } else if old.address != new.address {
            self.addresses_changed.push(new.address.to_owned());
        }
        // The letter's digest holds its `To:`; of whoever has another address that is said.
        let reads_differently = old.letter != new.letter && !is_readdressed;
        if reads_differently || old.language != new.language {
            *self.letters_changed.entry(new.language.to_owned()).or_default() += 1;
        }
        if old.files != new.files {
            for name in names_that_differ(&old.files, &new.files) {
                *self.files_changed.entry(name.to_owned()).or_default() += 1;
            }
        }
    }

    /// Whether the newer plan has lost people and changed nothing else.
    #[must_use]
    pub fn only_loses_people(&self) -> bool {
        let (people_gone, copies_gone) = (self.people_gone.clone(), self.copies_gone.clone());
        *self == Difference { people_gone, copies_gone, ..Difference::default() }
    }
}

/// Whether two addresses are one, spelled in two ways.
fn is_same_address(a: &str, b: &str) -> bool {
    let key = |text: &str| EmailAddress::parse(text).map(|address| address.compare_key()).ok();
    a == b || key(a) == key(b)
}

/// A delivery's line, read.
struct Entry<'t> {
    is_copy: bool,
    address: &'t str,
    language: &'t str,
    letter: &'t str,
    files: Vec<&'t str>,
}

fn parsed(text: &str) -> (Vec<&str>, BTreeMap<&str, Entry<'_>>) {
    let mut head = Vec::new();
    let mut entries = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            [kind @ (DELIVERY | COPY), key, address, language, letter, files @ ..] => {
                let (is_copy, files) = (*kind == COPY, files.to_vec());
                entries.insert(*key, Entry { is_copy, address, language, letter, files });
            }
            [SOURCE | IMAGE, ..] => {}
            _ => head.push(line),
        }
    }
    (head, entries)
}

/// The names in one person's files that are new, gone or of another content; all, where only their
/// order is another.
fn names_that_differ<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<&'t str> {
    let pairs = |files: &[&'t str]| -> Vec<(&'t str, &'t str)> {
        files.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (old, new) = (pairs(old), pairs(new));
    let mut names: Vec<&str> = old.iter().filter(|pair| !new.contains(pair)).map(|p| p.0).collect();
    let added = new.iter().filter(|pair| !old.contains(pair)).map(|p| p.0);
    names.extend(added);
    if names.is_empty() {
        names.extend(new.iter().map(|pair| pair.0));
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(lines: &[&str]) -> String {
        let mut text = format!("{HEADING}\ncampaign\toutcome\nclass\tpersonal\n");
        lines.iter().for_each(|l| text.push_str(&format!("{}\n", l.replace(' ', "\t"))));
        text
    }

    #[test]
    fn a_difference_names_people_letters_files_and_sender() {
        let older = manifest(&[
            "sender  S<s@f.example>",
            "delivery a@x.example a@x.example en L1 s.pdf F1",
            "delivery b@x.example b@x.example fr L2 s.pdf F1",
        ]);
        let newer = manifest(&[
            "sender  T<s@f.example>",
            "delivery a@x.example a@x.example en L9 s.pdf F2",
            "delivery c@x.example c@x.example fr L2 s.pdf F2 t.pdf F3",
        ]);
        let difference = Difference::between(&older, &newer);
        assert_eq!(difference.people_added, ["c@x.example"]);
        assert_eq!(difference.people_gone, ["b@x.example"]);
        assert_eq!(difference.letters_changed, BTreeMap::from([("en".to_owned(), 1)]));
        assert_eq!(difference.files_changed, BTreeMap::from([("s.pdf".to_owned(), 1)]));
        assert!(difference.sender_changed && !difference.only_loses_people());
    }

    #[test]
    fn what_changed_counts_for_those_who_get_it() {
        let older = manifest(&["delivery a@x.example a@x.example en L1 s.pdf F1"]);
        let newer = manifest(&["delivery a@x.example a@x.example en L9 s.pdf F2"]);
        let to_nobody = Difference::for_those(&older, &newer, |_| false);
        assert_eq!(to_nobody, Difference::default());
        let to_all = Difference::for_those(&older, &newer, |key| key == "a@x.example");
        assert_eq!(to_all, Difference::between(&older, &newer));
    }

    #[test]
    fn two_people_whose_files_of_one_name_are_swapped_are_noticed() {
        let older = manifest(&[
            "delivery a@x.example a@x.example en L1 certificate.pdf F1",
            "delivery b@x.example b@x.example en L2 certificate.pdf F2",
        ]);
        let newer = manifest(&[
            "delivery a@x.example a@x.example en L1 certificate.pdf F2",
            "delivery b@x.example b@x.example en L2 certificate.pdf F1",
        ]);
        let difference = Difference::between(&older, &newer);
        assert_eq!(difference.files_changed, BTreeMap::from([("certificate.pdf".to_owned(), 2)]));
    }

    #[test]
    fn a_change_of_language_address_or_order_alone_is_a_change() {
        let base = "delivery a@x.example a@x.example en L1 s.pdf F1 t.pdf F2";
        for changed in [
            "delivery a@x.example a@x.example fr L1 s.pdf F1 t.pdf F2",
            "delivery a@x.example A@x.example en L1 s.pdf F1 t.pdf F2",
            "delivery a@x.example a@x.example en L1 t.pdf F2 s.pdf F1",
        ] {
            let difference = Difference::between(&manifest(&[base]), &manifest(&[changed]));
            assert_ne!(difference, Difference::default(), "{changed}");
            assert!(!difference.only_loses_people(), "{changed}");
        }
    }

    #[test]
    fn sources_are_named_and_are_no_change_by_themselves() {
        let digest = Digest::of(b"letter");
        let one = "delivery a@x.example a@x.example en L1";
        let with = manifest(&[one]) + &format!("source\ttemplates/outcome/en.md\t{digest}\n");
        assert_eq!(sources(&with)["templates/outcome/en.md"], digest);
        assert_eq!(Difference::between(&manifest(&[one]), &with), Difference::default());
    }

    #[test]
    fn an_image_is_named_where_letters_show_another() {
        let image =
            |bytes: &[u8]| format!("image\ttemplates/images/a.png\t{}\n", Digest::of(bytes));
        let older = manifest(&["delivery a@x.example a@x.example en L1"]) + &image(b"1");
        let newer = manifest(&["delivery a@x.example a@x.example en L2"]) + &image(b"2");
        let named = Difference::between(&older, &newer).images_changed;
        assert_eq!(named, ["templates/images/a.png"]);
        let unseen = manifest(&["delivery a@x.example a@x.example en L1"]) + &image(b"2");
        assert_eq!(Difference::between(&older, &unseen), Difference::default());
    }

    /// What a copy says is its letter's change, told once.
    #[test]
    fn copies_are_named_by_themselves_and_change_with_their_letters() {
        let older = manifest(&[
            "delivery a@x.example a@x.example en L1",
            "copy a@x.example+desk desk@x.example en L1",
            "delivery b@x.example b@x.example en L2",
        ]);
        let newer = manifest(&[
            "delivery a@x.example a@x.example en L3",
            "copy a@x.example+boss boss@x.example en L3",
            "delivery b@x.example b@x.example en L2",
        ]);
        let difference = Difference::between(&older, &newer);
        let expected = Difference {
            copies_added: vec!["boss@x.example".to_owned()],
            copies_gone: vec!["desk@x.example".to_owned()],
            letters_changed: BTreeMap::from([("en".to_owned(), 1)]),
            ..Difference::default()
        };
        assert_eq!(difference, expected);
        let without = manifest(&["delivery b@x.example b@x.example en L2"]);
        assert!(Difference::between(&older, &without).only_loses_people(), "with their copies");
        assert!(!Difference::between(&without, &older).only_loses_people());
    }

    #[test]
    fn losing_somebody_is_no_other_change() {
        let one = "delivery a@x.example a@x.example en L1 s.pdf F1";
        let two = "delivery b@x.example b@x.example fr L2 s.pdf F1";
        assert!(Difference::between(&manifest(&[one, two]), &manifest(&[one])).only_loses_people());
        assert!(
            !Difference::between(&manifest(&[one]), &manifest(&[one, two])).only_loses_people()
        );
    }
}
