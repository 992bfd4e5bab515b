//! What a plan's fingerprint is taken of, and what changed between two plans.
//!
//! Owns the manifest's text: a head (campaign, senders, class), then a line for each delivery,
//! sorted by recipient key: address, language, digest of the letter, documents in order (name,
//! SHA-256). Fields are divided by tabs, which no address, name of a file or digest holds.
//!
//! # Invariants
//! Not in it: Date, Message-ID, boundaries, relay, file and line, order of rows. So a list sorted
//! anew, or another relay, is the same plan (contract, Fingerprint and sameness).

use super::{Materials, Planned, Senders};
use crate::id::{Digest, Fingerprint};
use crate::message::Sender;
use std::collections::BTreeMap;

/// First line of a manifest.
const HEADING: &str = "secretariat manifest 1";

/// The whole manifest of a plan.
#[must_use]
pub fn text(materials: &Materials<'_>, deliveries: &[Planned]) -> String {
    let mut text = head(materials);
    for planned in sorted(materials, deliveries) {
        text.push_str(&line(materials, planned));
    }
    text
}

/// SHA-256 of the manifest.
#[must_use]
pub fn fingerprint(materials: &Materials<'_>, deliveries: &[Planned]) -> Fingerprint {
    // The manifest of a million deliveries is 200 MB: a dry run needs only its digest.
    let lines = sorted(materials, deliveries).into_iter().map(|p| line(materials, p));
    Fingerprint(Digest::of_stream(std::iter::once(head(materials)).chain(lines)))
}

fn sorted<'p>(materials: &Materials<'_>, deliveries: &'p [Planned]) -> Vec<&'p Planned> {
    let mut sorted: Vec<&Planned> = deliveries.iter().collect();
    sorted.sort_by_key(|p| &materials.people.recipients[p.recipient].key);
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

fn line(materials: &Materials<'_>, planned: &Planned) -> String {
    let recipient = &materials.people.recipients[planned.recipient];
    let mut line = format!(
        "delivery\t{}\t{}\t{}\t{}",
        recipient.key.as_str(),
        recipient.address,
        planned.language,
        planned.letter_digest
    );
    for part in &planned.documents.parts {
        line.push_str(&format!("\t{}\t{}", part.name, part.digest));
    }
    line.push('\n');
    line
}

/// What a newer plan has that an older has not, and the reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Addresses that are new.
    pub people_added: Vec<String>,
    /// Addresses that are gone.
    pub people_gone: Vec<String>,
    /// Languages whose letters read differently for somebody, with how many.
    pub letters_changed: BTreeMap<String, usize>,
    /// Names of documents that are new, gone or have another content.
    pub files_changed: Vec<String>,
    /// Whether the sender, its name or its answer address is another.
    pub sender_changed: bool,
}

impl Difference {
    /// The difference of two manifests.
    #[must_use]
    pub fn between(older: &str, newer: &str) -> Difference {
        let (older_head, older) = parsed(older);
        let (newer_head, newer) = parsed(newer);
        let mut difference =
            Difference { sender_changed: older_head != newer_head, ..Difference::default() };
        for (key, new) in &newer {
            match older.get(key) {
                None => difference.people_added.push(new.address.to_owned()),
                Some(old) if old.letter != new.letter => {
                    *difference.letters_changed.entry(new.language.to_owned()).or_default() += 1;
                }
                Some(_) => {}
            }
        }
        let gone = older.iter().filter(|(key, _)| !newer.contains_key(*key));
        difference.people_gone = gone.map(|(_, old)| old.address.to_owned()).collect();
        difference.files_changed = files_changed(&older, &newer);
        difference
    }

    /// Whether the newer plan has lost people and changed nothing else.
    #[must_use]
    pub fn only_loses_people(&self) -> bool {
        self.people_added.is_empty()
            && self.letters_changed.is_empty()
            && self.files_changed.is_empty()
            && !self.sender_changed
    }
}

/// A delivery's line, read.
struct Entry<'t> {
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
            ["delivery", key, address, language, letter, files @ ..] => {
                entries.insert(*key, Entry { address, language, letter, files: files.to_vec() });
            }
            _ => head.push(line),
        }
    }
    (head, entries)
}

fn files_changed(
    older: &BTreeMap<&str, Entry<'_>>,
    newer: &BTreeMap<&str, Entry<'_>>,
) -> Vec<String> {
    let files = |entries: &BTreeMap<&str, Entry<'_>>| -> BTreeMap<String, String> {
        let pairs = entries.values().flat_map(|e| e.files.chunks_exact(2));
        pairs.map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
    };
    let (older, newer) = (files(older), files(newer));
    let names = older.keys().chain(newer.keys().filter(|name| !older.contains_key(*name)));
    names.filter(|name| older.get(*name) != newer.get(*name)).cloned().collect()
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
        assert_eq!(difference.files_changed, ["s.pdf", "t.pdf"]);
        assert!(difference.sender_changed && !difference.only_loses_people());
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
