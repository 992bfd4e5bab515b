//! A condition outside of letters: `where = "recipient.attended == 'yes'"`.
//!
//! Owns reading one by the rules of `{% if %}` in letters, and asking it about a row. Which columns
//! lists have is not known yet when it is read; whoever reads the lists looks.
//!
//! # Failure
//! Problems with the place of the setting, all of them. A condition that compares what cannot be
//! compared fails when it is asked.

use super::Vocabulary;
use super::engine::Engine;
use super::names::Template;
use super::reading::{Reading, read, syntax_problem};
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};
use crate::recipients::Values;
use std::collections::BTreeSet;
use tera::value::Key;
use tera::{Context, Map, Value};

/// The names a condition about rows may use.
const ROOTS: [&str; 4] = ["recipient", "conference", "campaign", "language"];
/// Its name in the engine.
const NAME: &str = "where";

/// A condition, compiled once.
#[derive(Debug)]
pub struct RowCondition {
    engine: Engine,
    columns: Vec<(String, Key<'static>)>,
}

impl RowCondition {
    /// Compiles a condition as it stands between `{% if` and `%}`; every problem is kept.
    pub fn compile(
        text: &str,
        vocabulary: &Vocabulary,
        place: &Place,
        problems: &mut Problems,
    ) -> Option<RowCondition> {
        let mut found = Problems::new();
        let source = format!("{{% if {text} %}}yes{{% endif %}}");
        let vocabulary = Vocabulary { lacks_columns: true, ..vocabulary.clone() };
        let Reading { tags, found: slips, uses, .. } = read(&source, Template::Line, &vocabulary);
        slips.into_iter().for_each(|(_, problem)| found.push(problem));
        if !found.has_errors() && tags.len() != 2 || text.trim().is_empty() {
            found = Problems::new();
            found.push(
                syntax_problem("this is not one condition")
                    .hint("Write what would stand between {% if and %} in a letter."),
            );
        }
        let foreign: BTreeSet<&str> = uses.iter().map(|u| u.path[0].as_str()).collect();
        for root in foreign.into_iter().filter(|root| !ROOTS.contains(root)) {
            let message = format!("`{root}` is not known before a letter is made");
            let hint = format!("A condition about rows may use {}.", ROOTS.join(", "));
            found.push(Problem::error("unknown-name", message).hint(hint));
        }
        let mut engine = Engine::for_html();
        engine.know(&super::compile::base(&vocabulary));
        if !found.has_errors()
            && let Err(refusal) = engine.add(NAME, &source)
        {
            found.push(syntax_problem(refusal.message));
        }
        let is_sound = !found.has_errors();
        for problem in found.iter() {
            problems.push(problem.clone().place(place.clone()));
        }
        let named = uses.iter().filter(|u| u.path[0] == "recipient" && u.path.len() > 1);
        let columns: BTreeSet<String> = named.map(|u| u.path[1].clone()).collect();
        let columns = columns.into_iter().map(|name| (name.clone(), Key::from(name))).collect();
        is_sound.then_some(RowCondition { engine, columns })
    }

    /// The columns it names, sorted.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Whether it holds for a row of a person who reads this language.
    ///
    /// # Errors
    /// What the engine says about a comparison that cannot be made, in words.
    pub fn holds(&self, values: &Values, language: &Language) -> Result<bool, String> {
        let mut recipient = Map::with_capacity(self.columns.len());
        for (name, key) in &self.columns {
            if let Some(value) = values.get(name) {
                recipient.insert(key.clone(), Value::from(value));
            }
        }
        let mut context = Context::new();
        context.insert_value("recipient", Value::from(recipient));
        context.insert_value("language", Value::from(language.as_str()));
        let rendered = self.engine.render(NAME, &context).map_err(|refusal| refusal.message)?;
        Ok(!rendered.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The condition, or its problems.
    fn compiled(text: &str) -> Result<RowCondition, Vec<String>> {
        let vocabulary = Vocabulary::default();
        let (place, mut problems) = (Place::at("secretariat.toml", 9, 9), Problems::new());
        let condition = RowCondition::compile(text, &vocabulary, &place, &mut problems);
        assert!(problems.iter().all(|p| p.place.as_ref() == Some(&place) && p.hint.is_some()));
        condition.ok_or_else(|| problems.iter().map(|p| p.message.clone()).collect())
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let row = Values::from_pairs([("attended", "yes"), ("country", "FR"), ("nights", "3")]);
        let holds = compiled(text).unwrap().holds(&row, &Language::english());
        assert_eq!(holds, Ok(expected), "{text}");
    }

    #[test]
    fn a_condition_holds_as_in_letters() {
        check("recipient.attended == 'yes'", true);
        check("recipient.attended == \"yes\" and recipient.country != \"FR\"", false);
        check("recipient.city", false);
        check("not recipient.city", true);
        check("recipient.city | lower == 'lima'", false);
        check("recipient.attended in [\"yes\", \"oui\"]", true);
        check("recipient.nights | int > 2", true);
        check("language == \"en\"", true);
        check("recipient[\"имя\"] is defined", false);
        let named = compiled("recipient.b == 'x' or recipient.a or recipient.b").unwrap();
        assert_eq!(named.columns().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (text, words) in [
            ("", "not one condition"),
            ("true %}{% for a in recipient.b %}", "not"),
            ("recipient.a %}{% if recipient.b %}x{% endif", "not one condition"),
            ("recipient.a ==", "cannot be read"),
            ("greeting == 'x'", "`greeting` is not known before"),
            ("attachments", "`attachments` is not known before"),
            ("recipiant.a", "no name `recipiant`"),
            ("recipient.a | shout", "no filter `shout`"),
            ("get_env(name='HOME')", "`get_env()` cannot be used"),
        ] {
            let found = compiled(text).map(drop).unwrap_err().join("\n");
            assert!(found.contains(words), "{text}: {found}");
        }
    }
}
