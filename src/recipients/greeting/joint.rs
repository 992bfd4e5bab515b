//! One greeting for several people at one address.
//!
//! Owns how greetings and names are joined in each language: `Dear Ms Pérez and Mr López,`. Where
//! one of them could only be greeted neutrally, all are: nobody stands beside others as the one of
//! whom nothing is known. What each is greeted by alone is decided in `mod.rs`.

use super::forms::Grammar;
use super::person::Parts;
use super::title::Gender;
use super::{Greeting, Kind, Lookup};
use crate::limits::GREETED_TOGETHER_MAX;

impl Lookup<'_> {
    /// The greeting of several people; the first is the recipient.
    pub(super) fn joint(&self, people: &[Parts<'_>]) -> Greeting {
        let nameless = || self.plain(&["joint_nameless", "nameless"], Kind::Nameless);
        if people.len() > GREETED_TOGETHER_MAX || people.iter().any(|one| one.name.is_none()) {
            return nameless();
        }
        if let Some(greeting) = self.by_number(people) {
            return greeting;
        }
        let alone: Vec<Greeting> = people.iter().map(|one| self.single(one)).collect();
        let is_personal = alone.iter().all(|greeting| greeting.kind == Kind::Personal);
        let mut texts: Vec<&str> = alone.iter().map(Greeting::as_str).collect();
        let joined = joined(&texts, self.grammar());
        texts.sort_unstable();
        let is_distinct = texts.windows(2).all(|pair| pair[0] != pair[1]);
        if is_personal && is_distinct {
            return Greeting { text: joined, kind: Kind::Personal };
        }
        let names: Vec<&str> = people.iter().filter_map(|one| one.name.as_deref()).collect();
        let names = enumerated(&names, self.grammar());
        let form =
            |form: &super::Form| form.fill_names(&names).or_else(|| form.fill(&Parts::default()));
        match self.forms("joint").find_map(form) {
            Some(text) => Greeting { text, kind: Kind::Neutral },
            None if is_distinct => Greeting { text: joined, kind: Kind::Neutral },
            None => nameless(),
        }
    }

    /// `Mesdames,`: where a language greets several people by their number.
    fn by_number(&self, people: &[Parts<'_>]) -> Option<Greeting> {
        let count = |gender| people.iter().filter(|one| one.title.gender == gender).count();
        let (women, men) = (count(Gender::Female), count(Gender::Male));
        if women + men < people.len() || people.iter().any(|one| !one.title.ranks.is_empty()) {
            return None;
        }
        let form = match (women, men) {
            (_, 0) => "women",
            (0, _) => "men",
            (1, 1) => return None,
            _ => "women_and_men",
        };
        let text = self.forms(form).find_map(|form| form.fill(&Parts::default()))?;
        Some(Greeting { text, kind: Kind::Personal })
    }
}

/// Whole greetings in one line with one closing mark.
fn joined(texts: &[&str], grammar: &Grammar) -> String {
    let bare = texts.iter().map(|text| text.strip_suffix(grammar.mark).unwrap_or(text));
    let mut line = String::new();
    for (at, text) in bare.enumerate() {
        let last = if grammar.last.is_empty() { grammar.and } else { grammar.last };
        match at {
            0 => {}
            _ if at + 1 == texts.len() => line.push_str(last),
            _ => line.push_str(grammar.between),
        }
        line.push_str(&if at == 0 { text.to_owned() } else { continued(text, grammar) });
    }
    line + grammar.mark
}

/// A greeting where another stands before it: `Dear Ms Pérez and Mr López`.
fn continued(text: &str, grammar: &Grammar) -> String {
    if let Some(rest) = grammar.strip.iter().find_map(|begin| text.strip_prefix(begin)) {
        return rest.to_owned();
    }
    if grammar.lower.iter().any(|begin| text.starts_with(begin)) {
        let mut letters = text.chars();
        let first = letters.next().into_iter().flat_map(char::to_lowercase);
        return first.chain(letters.as_str().chars()).collect();
    }
    text.to_owned()
}

/// `Ana Pérez, Luis López and 王芳`.
fn enumerated(names: &[&str], grammar: &Grammar) -> String {
    let Some((last, others)) = names.split_last() else { return String::new() };
    if others.is_empty() {
        return (*last).to_owned();
    }
    let begins_with_i = {
        let small = last.to_lowercase();
        let sound = small.strip_prefix('h').unwrap_or(&small);
        sound.starts_with(['i', 'í']) && !sound.starts_with("ie") && !sound.starts_with("ia")
    };
    let and = match begins_with_i && !grammar.and_before_i.is_empty() {
        true => grammar.and_before_i,
        false => grammar.and,
    };
    format!("{}{and}{last}", others.join(grammar.between))
}
