//! The line a letter begins with: a recipient and the letter's language in, a [`Greeting`] out.
//!
//! Owns which form a person gets: the greeting written for the row; else one for several people at
//! one address; else the first form that can be filled, of those for the person's offices and
//! degrees, for how he or she is addressed, the neutral one, and the one without a name. Forms are
//! `forms.rs`, titles `title.rs`, names `person.rs`, several people `joint.rs`, what people write
//! `written.rs`, what to look at before sending `review.rs`. Turning a name of one direction inside
//! a line of the other is the letter stage's.
//!
//! # Invariants
//! A [`Greeting`] is never empty and has no hole: only this module makes one, of a form that was
//! filled whole or of a written greeting that [`check_written`] has passed. No gender is guessed.

mod forms;
mod gender;
mod joint;
mod person;
mod review;
mod title;
mod written;

pub use forms::{Form, FormError, form_names, is_form_name};
pub(super) use gender::{GenderCells, Letters};
pub use review::review;
pub(super) use title::is_no_name;
pub use written::{WrittenError, check_written};

use super::{Recipient, fold};
use crate::language::Language;
use forms::{BUILT_IN, Forms, Grammar, Manners};
use person::Parts;
use std::collections::BTreeMap;
use title::Gender;

/// How a greeting came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody wrote it for this row.
    Written,
    /// By title, gender or patronymic, or in a language that greets everybody alike.
    Personal,
    /// Only the name is known.
    Neutral,
    /// Not even that.
    Nameless,
}

/// A greeting that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    text: String,
    kind: Kind,
}

impl Greeting {
    /// The whole line with its closing mark.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it came about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// How letters greet: a workspace's own forms before those of the program.
#[derive(Clone, Debug, Default)]
pub struct Greetings {
    own: BTreeMap<Language, Own>,
}

#[derive(Clone, Debug, Default)]
struct Own {
    forms: Forms,
    /// Titles as [`fold::condensed`] leaves them, with the forms for whoever has them.
    titles: Forms,
}

impl Greetings {
    /// The forms of the program.
    #[must_use]
    pub fn built_in() -> Greetings {
        Greetings::default()
    }

    /// Adds a form of a workspace's own; it is tried before the program's of that name.
    pub fn add(&mut self, language: &Language, name: &str, form: Form) {
        self.own.entry(language.clone()).or_default().forms.add(name, form);
    }

    /// Adds a form for whoever has a title, as it is written in lists; it goes before all others.
    pub fn add_title(&mut self, language: &Language, title: &str, form: Form) {
        self.own.entry(language.clone()).or_default().titles.add(&fold::condensed(title), form);
    }

    /// Whether there are forms in a language; letters in others begin with an English greeting.
    #[must_use]
    pub fn knows(&self, language: &Language) -> bool {
        let known = |l: &Language| self.own.contains_key(l) || BUILT_IN.contains_key(l.as_str());
        language.fall_backs().iter().any(known)
    }

    /// The greeting of a letter in a language.
    #[must_use]
    pub fn greet(&self, language: &Language, recipient: &Recipient) -> Greeting {
        let lookup = Lookup::new(self, language);
        if let Some(written) = &recipient.greeting
            && let Some(greeting) = lookup.written(written)
        {
            return greeting;
        }
        let of = |values, name| Parts::of(values, name, recipient.country);
        let own = of(&recipient.values, recipient.name.as_deref());
        if recipient.together.is_empty() {
            return lookup.single(&own);
        }
        let others = recipient.together.iter().map(|values| of(values, values.get("name")));
        let everybody: Vec<Parts<'_>> = std::iter::once(own).chain(others).collect();
        lookup.joint(&everybody)
    }
}

/// The forms of one language: the workspace's own first, then the program's, then English.
struct Lookup<'a> {
    own: Vec<&'a Own>,
    built_in: Option<&'static Manners>,
    english: Option<&'static Manners>,
}

impl<'a> Lookup<'a> {
    fn new(greetings: &'a Greetings, language: &Language) -> Lookup<'a> {
        let fall_backs = language.fall_backs();
        let own = fall_backs.iter().filter_map(|language| greetings.own.get(language)).collect();
        let built_in = fall_backs.iter().find_map(|language| BUILT_IN.get(language.as_str()));
        let english = BUILT_IN.get("en");
        // Without a word of the language, English from the first to the last form.
        Lookup { own, built_in, english }
    }

    /// The forms of a name, those to be tried first first.
    fn forms<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Form> {
        let own = self.own.iter().flat_map(|own| own.forms.get(name));
        own.chain(self.program().into_iter().flat_map(|manners| manners.forms.get(name)))
    }

    /// What the program knows of the language; English only where nobody knows any of it.
    fn program(&self) -> Option<&'static Manners> {
        match self.own.is_empty() {
            true => self.built_in.or(self.english),
            false => self.built_in,
        }
    }

    fn grammar(&self) -> &'static Grammar {
        const NONE: &Grammar = &Grammar {
            mark: "",
            and: ", ",
            and_before_i: "",
            between: ", ",
            last: "",
            strip: Vec::new(),
            lower: Vec::new(),
        };
        self.program().map_or(NONE, |manners| &manners.grammar)
    }

    /// A greeting written for one row, with the closing mark where it has none.
    fn written(&self, text: &str) -> Option<Greeting> {
        check_written(text).ok()?;
        let mut text = text.trim().to_owned();
        let mark = self.grammar().mark;
        if text.ends_with(char::is_alphanumeric) && !mark.starts_with(char::is_alphanumeric) {
            text.push_str(mark);
        }
        Some(Greeting { text, kind: Kind::Written })
    }

    /// The greeting of one person.
    fn single(&self, person: &Parts<'_>) -> Greeting {
        let title = fold::condensed(person.title_cell);
        let of_title = self.own.iter().flat_map(|own| own.titles.get(&title));
        let by_title = of_title.filter(|_| !title.is_empty()).find_map(|form| form.fill(person));
        if let Some(text) = by_title.or_else(|| self.by_standing(person)) {
            return Greeting { text, kind: Kind::Personal };
        }
        match self.forms("neutral").find_map(|form| form.fill(person)) {
            Some(text) => Greeting { text, kind: self.kind_of_neutral(person) },
            None => self.plain(&["nameless"], Kind::Nameless),
        }
    }

    /// By office, degree, patronymic or gender.
    fn by_standing(&self, person: &Parts<'_>) -> Option<String> {
        let gender = person.title.gender;
        let fill = |name: &str| self.forms(name).find_map(|form| form.fill(person));
        let of = |name: &str, gender: Gender| {
            let suffix = gender.suffix()?;
            fill(&format!("{name}_{suffix}"))
        };
        let mut ranks = person.title.ranks.names().peekable();
        let by_rank = |rank: &str| of(rank, gender).or_else(|| fill(rank));
        // Russian greets by name and patronymic whatever the office, but not an Excellency.
        let excellency = ranks.next_if(|rank| *rank == "excellency").and_then(by_rank);
        excellency
            .or_else(|| of("patronymic", person.gender_by_patronymic()))
            .or_else(|| ranks.find_map(by_rank))
            .or_else(|| fill(gender.suffix()?))
    }

    /// The neutral form is personal where a language has no other, and for whom no other is right.
    fn kind_of_neutral(&self, person: &Parts<'_>) -> Kind {
        match self.forms("female").next().is_none() || person.title.gender == Gender::Neither {
            true => Kind::Personal,
            false => Kind::Neutral,
        }
    }

    /// The first form of these names; in English where the language has none.
    fn plain(&self, names: &[&str], kind: Kind) -> Greeting {
        let nobody = Parts::default();
        let found = names.iter().find_map(|name| self.forms(name).find_map(|f| f.fill(&nobody)));
        let english = || {
            let forms = self.english.map_or(&[][..], |manners| manners.forms.get("nameless"));
            forms.iter().find_map(|form| form.fill(&nobody))
        };
        // The table has it, as its test holds.
        let text = found.or_else(english).unwrap_or_else(|| "Dear Participant,".to_owned());
        Greeting { text, kind }
    }
}

#[cfg(test)]
mod tests;
