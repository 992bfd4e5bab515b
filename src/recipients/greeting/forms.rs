//! The forms of greeting: the table of the program and a workspace's own.
//!
//! Owns what a form is: a text with places for parts of a name. The table `forms.tsv` says how each
//! language greets whom; a workspace's `greetings.toml` goes before it. Which form a person gets is
//! decided in `mod.rs`, how the file is read in `config/`.
//!
//! # Invariants
//! A filled form is never one with a hole: where a part is not known there is none.

use super::person::Parts;
use super::title::RANKS;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("forms.tsv");

/// Names of forms that a workspace may write, besides those of [`RANKS`] alone and with `_female`
/// or `_male` behind.
const FORM_NAMES: [&str; 11] = [
    "neutral",
    "nameless",
    "female",
    "male",
    "patronymic_female",
    "patronymic_male",
    "women",
    "men",
    "women_and_men",
    "joint",
    "joint_nameless",
];

/// Whether a workspace may write a form of this name.
#[must_use]
pub fn is_form_name(name: &str) -> bool {
    let rank = name.strip_suffix("_female").or(name.strip_suffix("_male")).unwrap_or(name);
    FORM_NAMES.contains(&name) || RANKS.contains(&rank)
}

/// All names of forms that a workspace may write, for hints.
pub fn form_names() -> impl Iterator<Item = &'static str> {
    FORM_NAMES.into_iter().chain(RANKS)
}

/// What stands in a form for a part of the name.
const PLACES: [(&str, Part); 7] = [
    ("name", Part::Name),
    ("given_name", Part::Given),
    ("family_name", Part::Family),
    ("Family_name", Part::FamilyCapital),
    ("given_and_patronymic", Part::GivenAndPatronymic),
    ("title", Part::Title),
    ("names", Part::Names),
];

/// Part of a person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Name,
    Given,
    Family,
    /// With a capital where no given name stands before it: Dutch `mevrouw Van den Berg`.
    FamilyCapital,
    GivenAndPatronymic,
    /// The cell of the title as it is.
    Title,
    /// The names of several people.
    Names,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Part),
}

/// A greeting with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form(Vec<Piece>);

/// Why a text is no form. Its words complete "the greeting ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// No such place.
    #[error("has {{{0}}}, which stands for nothing")]
    UnknownPlace(String),
    /// A brace without the other.
    #[error("has a brace without its other half")]
    LoneBrace,
    /// Nothing a reader could be greeted with.
    #[error("has no word in it")]
    Empty,
}

impl Form {
    /// Reads `Dear {name},`.
    ///
    /// # Errors
    /// [`FormError`] for the first thing that makes it none.
    pub fn parse(text: &str) -> Result<Form, FormError> {
        let (mut pieces, mut rest) = (Vec::new(), text.trim());
        if !rest.chars().any(char::is_alphabetic) {
            return Err(FormError::Empty);
        }
        while let Some(open) = rest.find(['{', '}']) {
            let end = rest[open..].find('}').ok_or(FormError::LoneBrace)?;
            let name = rest[open..open + end].strip_prefix('{').ok_or(FormError::LoneBrace)?;
            let place = PLACES.iter().find(|(known, _)| *known == name.trim());
            let (_, part) = place.ok_or_else(|| FormError::UnknownPlace(name.trim().to_owned()))?;
            pieces.push(Piece::Text(rest[..open].to_owned()));
            pieces.push(Piece::Place(*part));
            rest = &rest[open + end + 1..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Form(pieces))
    }

    /// Names of all places, for hints.
    pub fn place_names() -> impl Iterator<Item = &'static str> {
        PLACES.into_iter().map(|(name, _)| name)
    }

    /// Whether it has no place.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// Whether its one kind of place is for several people's names.
    #[must_use]
    pub fn is_for_several(&self) -> bool {
        let is_other = |piece: &Piece| !matches!(piece, Piece::Text(_) | Piece::Place(Part::Names));
        !self.is_nameless() && !self.0.iter().any(is_other)
    }

    /// The greeting with the same short name in all places.
    #[must_use]
    pub fn sample(&self) -> String {
        self.filled(|_| Some("Ana".to_owned())).unwrap_or_default()
    }

    /// The greeting; `None` where a part is not known.
    pub(super) fn fill(&self, parts: &Parts<'_>) -> Option<String> {
        self.filled(|part| match part {
            Part::Name => parts.name.as_deref().map(str::to_owned),
            Part::Given => parts.given.as_deref().map(str::to_owned),
            Part::Family => parts.family.as_deref().map(str::to_owned),
            Part::FamilyCapital => parts.family.as_deref().map(capitalised),
            Part::GivenAndPatronymic => parts.given_and_patronymic(),
            Part::Title => (!parts.title_cell.is_empty()).then(|| parts.title_cell.to_owned()),
            Part::Names => None,
        })
    }

    /// The greeting of several people.
    pub(super) fn fill_names(&self, names: &str) -> Option<String> {
        self.filled(|part| (part == Part::Names).then(|| names.to_owned()))
    }

    fn filled(&self, value: impl Fn(Part) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Place(part) => text.push_str(&value(*part).filter(|v| !v.is_empty())?),
            }
        }
        Some(text)
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().collect::<String>() + letters.as_str())
}

/// The forms of one language by name, each with those tried after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms(BTreeMap<String, Vec<Form>>);

impl Forms {
    pub(super) fn get(&self, name: &str) -> &[Form] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add(&mut self, name: &str, form: Form) {
        self.0.entry(name.to_owned()).or_default().push(form);
    }
}

/// What a language has besides forms: how it joins people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grammar {
    /// What closes the line; empty in Japanese.
    pub(super) mark: &'static str,
    /// Between the last two names, and between the last two greetings where nothing else is said.
    pub(super) and: &'static str,
    /// The same before an i: Spanish.
    pub(super) and_before_i: &'static str,
    /// Between the others.
    pub(super) between: &'static str,
    /// Between the last two greetings.
    pub(super) last: &'static str,
    /// Beginnings that only the first greeting of a line keeps.
    pub(super) strip: Vec<&'static str>,
    /// Beginnings that are written small where they do not begin the line.
    pub(super) lower: Vec<&'static str>,
}

impl Grammar {
    fn set(&mut self, name: &str, text: &'static str) -> bool {
        // A blank at an end closes with a bar, so that it can be seen.
        let whole = text.strip_suffix('|').unwrap_or(text);
        match name {
            "mark" => self.mark = whole,
            "and" => self.and = whole,
            "and_before_i" => self.and_before_i = whole,
            "between" => self.between = whole,
            "last" => self.last = whole,
            "strip" => self.strip = whole.split('|').collect(),
            "lower" => self.lower = whole.split('|').collect(),
            _ => return false,
        }
        true
    }
}

/// How one language greets.
#[derive(Clone, Debug, Default)]
pub(super) struct Manners {
    pub(super) forms: Forms,
    pub(super) grammar: Grammar,
}

/// The table of the program, by primary language tag.
pub(super) static BUILT_IN: LazyLock<BTreeMap<&'static str, Manners>> = LazyLock::new(|| {
    let mut all: BTreeMap<&'static str, Manners> = BTreeMap::new();
    for (language, name, text) in lines() {
        let manners = all.entry(language).or_default();
        if !manners.grammar.set(name, text) {
            // A line that is no form fails the test of the table; nobody is greeted with it.
            let forms = text.split(" | ").filter_map(|text| Form::parse(text).ok());
            forms.for_each(|form| manners.forms.add(name, form));
        }
    }
    all
});

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (language, rest) = line.split_once('\t')?;
        let (name, text) = rest.split_once('\t')?;
        Some((language, name, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipients::Values;

    #[test]
    fn every_line_of_the_table_is_a_form_with_its_language_s_mark() {
        for (language, name, text) in lines() {
            let mut grammar = Grammar::default();
            if grammar.set(name, text) {
                continue;
            }
            assert!(is_form_name(name), "{language} {name}");
            let mark = BUILT_IN[language].grammar.mark;
            for text in text.split(" | ") {
                let form = Form::parse(text).unwrap_or_else(|e| panic!("{language} {name}: {e}"));
                assert!(text.ends_with(mark), "{language} {name}: {text}");
                assert_eq!(text.trim(), text);
                let joint = ["joint", "women", "men", "women_and_men"].contains(&name);
                assert!(!joint || form.is_nameless() || form.is_for_several(), "{text}");
                let nameless = ["nameless", "joint_nameless"].contains(&name);
                assert!(!nameless || form.is_nameless(), "{text}");
            }
        }
        for (language, manners) in BUILT_IN.iter() {
            for name in ["neutral", "nameless", "joint_nameless"] {
                assert!(!manners.forms.get(name).is_empty(), "{language} {name}");
            }
            assert!(!manners.grammar.and.is_empty() && !manners.grammar.between.is_empty());
            // The last form of a kind must be one that a whole name can fill.
            assert!(manners.forms.get("female").is_empty() == manners.forms.get("male").is_empty());
        }
        let languages: Vec<_> = BUILT_IN.keys().copied().collect();
        let wanted = [
            "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "uk",
            "zh",
        ];
        assert_eq!(languages, wanted);
    }

    #[test]
    fn a_form_is_read_with_its_places_and_refused_with_what_is_wrong() {
        for (text, expected) in [
            ("Dear {first},", FormError::UnknownPlace("first".to_owned())),
            ("Dear {{name}},", FormError::UnknownPlace("{name".to_owned())),
            ("Dear {name", FormError::LoneBrace),
            ("Dear name},", FormError::LoneBrace),
            (" , ", FormError::Empty),
            ("", FormError::Empty),
        ] {
            assert_eq!(Form::parse(text), Err(expected), "{text}");
        }
        let form = Form::parse("Dear {title} {family_name},").unwrap();
        let values = Values::from_pairs([("family_name", "Pérez"), ("title", "Prof.")]);
        let parts = Parts::of(&values, Some("Pérez"), None);
        assert_eq!(form.fill(&parts).unwrap(), "Dear Prof. Pérez,");
        assert_eq!(form.fill(&Parts::default()), None);
        assert!(Form::parse("Dear {names},").unwrap().is_for_several());
    }
}
