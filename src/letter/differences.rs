//! What differs between the letter in the default language and its translations.
//!
//! Owns the outline of a letter (the names it uses, its conditions, headings, images and links) and
//! the comparison of two. A translation that lost a name, a number or a link reads well, which is
//! why nobody sees it. Words are not compared; neither are facts of the conference, which have a
//! line for each language, nor links that lead to another page of the same site.

use super::compile::{LetterTemplate, Piece};
use super::markdown::{self, Parts};
use super::{grammar, tags};
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};

/// What a letter is made of; each with the place where it first stands.
struct Outline {
    /// The file's name without its folder.
    name: String,
    file: String,
    /// Header lines, names and conditions, as a message shows them.
    parts: BTreeMap<String, Place>,
    /// Links by where they lead: the site, and the whole address as written.
    links: BTreeMap<(String, String), Place>,
    /// The files of images.
    images: BTreeMap<String, Place>,
    headings: usize,
}

/// Compares each letter with the one in the default language; a warning for each that differs.
/// The languages whose letters lack the greeting are told with it.
pub(super) fn look<'l>(
    letters: impl Iterator<Item = (&'l Language, &'l LetterTemplate)>,
    default: Option<&Language>,
    problems: &mut Problems,
) -> BTreeSet<Language> {
    let outlines: BTreeMap<&Language, Outline> =
        letters.map(|(language, letter)| (language, Outline::of(language, letter))).collect();
    let candidates = default.map(Language::fall_backs).unwrap_or_default();
    let Some((model, of_model)) = candidates.iter().find_map(|l| outlines.get_key_value(l)) else {
        return BTreeSet::new();
    };
    let mut without_greeting = BTreeSet::new();
    for (language, outline) in outlines.iter().filter(|(language, _)| *language != model) {
        if let Some(problem) = of_model.against(outline) {
            problems.push(problem);
        }
        if of_model.parts.contains_key(GREETING) && !outline.parts.contains_key(GREETING) {
            without_greeting.insert((*language).clone());
        }
    }
    without_greeting
}

/// How the greeting is shown.
const GREETING: &str = "`greeting`";

impl Outline {
    fn of(language: &Language, letter: &LetterTemplate) -> Outline {
        let file = letter.body.text.file.clone();
        let name = file.rsplit('/').next().unwrap_or(&file).to_owned();
        let mut outline = Outline {
            name,
            file,
            parts: BTreeMap::new(),
            links: BTreeMap::new(),
            images: BTreeMap::new(),
            headings: 0,
        };
        let header = [
            ("the line `Preview:`", letter.preview.as_ref()),
            ("the line `Reply-To:`", letter.reply_to.as_ref()),
        ];
        for (what, piece) in header {
            if let Some(piece) = piece {
                outline.parts.insert(what.to_owned(), piece.beginning());
                outline.add_names(piece);
            }
        }
        outline.add_names(&letter.subject);
        outline.add_names(&letter.body);
        outline.add_body(language, &letter.body);
        outline
    }

    fn add_names(&mut self, piece: &Piece) {
        for used in &piece.uses {
            for name in compared(&used.path) {
                self.parts.entry(format!("`{name}`")).or_insert_with(|| piece.place(used.at));
            }
        }
        for choice in &piece.choices.all {
            for (_, condition) in &choice.conditions {
                let words: Vec<&str> = condition.split_whitespace().collect();
                let shown = format!("the condition `{}`", words.join(" "));
                if !words.contains(&"language") {
                    self.parts.entry(shown).or_insert_with(|| piece.place(choice.at));
                }
            }
        }
    }

    fn add_body(&mut self, language: &Language, body: &Piece) {
        let content = &body.text.text[body.range.clone()];
        let Parts { headings, links, images } = markdown::parts(content, &tags::tags(content).0);
        self.headings = headings;
        for (at, address) in links {
            let key = (site(&address, language), address);
            self.links.entry(key).or_insert_with(|| body.place(at));
        }
        for (at, file) in images {
            self.images.entry(file).or_insert_with(|| body.place(at));
        }
    }

    /// The warning about a translation of this letter.
    fn against(&self, translation: &Outline) -> Option<Problem> {
        let mut lacks = missing(&self.parts, &translation.parts);
        let mut adds = missing(&translation.parts, &self.parts);
        drop_what_is_said(&mut lacks, &mut adds);
        let (less, more) =
            (link_gap(&self.links, &translation.links), link_gap(&translation.links, &self.links));
        lacks.extend(less);
        adds.extend(more);
        if self.images.len() != translation.images.len() {
            lacks.extend(missing(&named(&self.images), &named(&translation.images)));
            adds.extend(missing(&named(&translation.images), &named(&self.images)));
        }
        let mut said = Vec::new();
        if !lacks.is_empty() {
            said.push(format!("it lacks {}", listed(&lacks, &format!("{} ", self.name))));
        }
        if !adds.is_empty() {
            said.push(format!("it adds {}", listed(&adds, "")));
        }
        if self.headings != translation.headings {
            let headings = match translation.headings {
                1 => "1 heading".to_owned(),
                n => format!("{n} headings"),
            };
            said.push(format!("it has {headings} for {}", self.headings));
        }
        if said.is_empty() {
            return None;
        }
        let message =
            format!("{} differs from {}: {}", translation.name, self.name, said.join("; "));
        let place = adds.first().map_or_else(|| Place::file(&translation.file), |(_, p)| p.clone());
        Some(
            Problem::warning("translation-differs", message)
                .place(place)
                .hint("Add what was lost on the way; leave it where the difference is meant."),
        )
    }
}

/// What is compared of a name: the document and its number, the column, the block. Facts of the
/// conference differ by language.
fn compared(path: &[String]) -> Vec<String> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts[..] {
        ["greeting" | "signature" | "attachment_table"] => vec![parts[0].to_owned()],
        ["attachments", id, "number"] => {
            let document = grammar::as_written(&["attachments", id]);
            vec![format!("{document}.number"), document]
        }
        ["recipient" | "attachments", name, ..] => vec![grammar::as_written(&[parts[0], name])],
        _ => Vec::new(),
    }
}

/// A difference: what is meant, and where it stands in the letter that has it.
type Difference = (String, Place);

fn missing(of: &BTreeMap<String, Place>, from: &BTreeMap<String, Place>) -> Vec<Difference> {
    let absent = of.iter().filter(|(what, _)| !from.contains_key(*what));
    absent.map(|(what, place)| (what.clone(), place.clone())).collect()
}

/// A condition goes with the name in it, a document with its number.
fn drop_what_is_said(lacks: &mut Vec<Difference>, adds: &mut Vec<Difference>) {
    let names: Vec<String> = lacks
        .iter()
        .chain(adds.iter())
        .filter_map(|(what, _)| what.strip_prefix('`').map(|n| n.trim_end_matches('`').to_owned()))
        .collect();
    let is_said = |what: &str| match what.strip_prefix("the condition ") {
        Some(condition) => names.iter().any(|name| condition.contains(name.as_str())),
        None => names.iter().any(|name| format!("{}.number", what.trim_matches('`')) == *name),
    };
    lacks.retain(|(what, _)| !is_said(what));
    adds.retain(|(what, _)| !is_said(what));
}

/// Links that one letter has and the other has not, but for those that lead to another page of the
/// same site: that is its page in the other language.
fn link_gap(
    of: &BTreeMap<(String, String), Place>,
    from: &BTreeMap<(String, String), Place>,
) -> Vec<Difference> {
    let mut others: Vec<&str> =
        from.keys().filter(|key| !of.contains_key(*key)).map(|(site, _)| site.as_str()).collect();
    let mut gap = Vec::new();
    for ((site, address), place) in of.iter().filter(|(key, _)| !from.contains_key(*key)) {
        match others.iter().position(|other| other == site) {
            Some(index) => drop(others.swap_remove(index)),
            None => gap.push((format!("the link to `{address}`"), place.clone())),
        }
    }
    gap
}

fn named(images: &BTreeMap<String, Place>) -> BTreeMap<String, Place> {
    images.iter().map(|(file, place)| (format!("the image `{file}`"), place.clone())).collect()
}

/// `recipient.city` (en.md line 12), the link to ... (en.md line 14)
fn listed(differences: &[Difference], file: &str) -> String {
    let shown = differences.iter().map(|(what, place)| match place.line {
        Some(line) => format!("{what} ({file}line {line})"),
        None => what.clone(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The site of an address, the same for its pages in all languages: `https://forum.example` for
/// `https://fr.forum.example/a`, `{{ conference.website }}` for `{{ conference.website_fr }}/a`.
fn site(address: &str, language: &Language) -> String {
    let primary = language.primary();
    if let Some((value, _)) = address.strip_prefix("{{").and_then(|rest| rest.split_once("}}")) {
        let value = value.trim();
        let plain = value.strip_suffix(&format!("_{primary}")).unwrap_or(value);
        return format!("{{{{ {plain} }}}}");
    }
    if let Some(mail) = address.strip_prefix("mailto:") {
        let to = mail.split('?').next().unwrap_or_default();
        return format!("mailto:{}", to.rsplit('@').next().unwrap_or_default());
    }
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let prefix = format!("{primary}.");
    let plain = host.strip_prefix("www.").or_else(|| host.strip_prefix(&prefix)).unwrap_or(host);
    format!("{scheme}://{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_one_site_in_two_languages_are_of_one_site() {
        let fr = Language::parse_tag("fr").unwrap();
        for (address, expected) in [
            ("https://fr.forum.example/a", "https://forum.example"),
            ("https://www.forum.example/fr/a?b", "https://forum.example"),
            ("{{ conference.website_fr }}/a", "{{ conference.website }}"),
            ("{{ conference.website }}", "{{ conference.website }}"),
            ("mailto:info-fr@x.example?subject=a", "mailto:x.example"),
        ] {
            assert_eq!(site(address, &fr), expected);
        }
    }
}
