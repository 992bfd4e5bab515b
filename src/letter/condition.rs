//! A condition outside of letters: `where = "recipient.attended == 'yes'"`.
//!
//! Owns reading one by the rules of `{% if %}` in letters, and asking it about a row. Which columns
//! lists have is not known yet when it is read; whoever reads the lists looks.
//!
//! # Failure
//! Problems with the place of the setting, all of them. A condition that compares what cannot be
//! compared fails when it is asked.

use super::Vocabulary;
use super::condition_slips::{EXAMPLE, as_of_a_condition, slip};
use super::engine::Engine;
use super::names::Template;
use super::reading::{Reading, read, syntax_problem};
use super::tags;
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
    /// Compiles a condition as it stands between `{% if` and `%}`; every problem is kept. A slip that
    /// is known is told alone, with what was probably meant.
    pub fn compile(
        text: &str,
        vocabulary: &Vocabulary,
        place: &Place,
        problems: &mut Problems,
    ) -> Option<RowCondition> {
        let found = match attempt(text, vocabulary) {
            Ok(condition) => return Some(condition),
            Err(found) => found,
        };
        let source = source(text);
        let tags = tags::tags(&source).0;
        // Behind `if`.
        let tokens = tags.first().and_then(|tag| tag.tokens.get(1..)).unwrap_or_default();
        let slip = slip(text, tokens, BEFORE.len());
        match slip.filter(|slip| attempt(&slip.meant, vocabulary).is_ok()) {
            Some(slip) => problems.push(slip.problem.place(place.clone())),
            None => {
                let told = found.iter().cloned().map(as_of_a_condition);
                told.for_each(|problem| problems.push(problem.place(place.clone())));
            }
        }
        None
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

/// What stands before a condition in a letter.
const BEFORE: &str = "{% if ";

fn source(text: &str) -> String {
    format!("{BEFORE}{text} %}}yes{{% endif %}}")
}

/// The condition, or what is wrong with it, told as of a tag in a letter.
fn attempt(text: &str, vocabulary: &Vocabulary) -> Result<RowCondition, Problems> {
    let mut found = Problems::new();
    let source = source(text);
    let vocabulary = Vocabulary { lacks_columns: true, ..vocabulary.clone() };
    let Reading { tags, found: slips, uses, .. } = read(&source, Template::Line, &vocabulary);
    slips.into_iter().for_each(|(_, problem)| found.push(problem));
    if !found.has_errors() && tags.len() != 2 || text.trim().is_empty() {
        found = Problems::new();
        found.push(syntax_problem("this is not one condition").hint(EXAMPLE));
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
    if found.has_errors() {
        return Err(found);
    }
    let named = uses.iter().filter(|u| u.path[0] == "recipient" && u.path.len() > 1);
    let columns: BTreeSet<String> = named.map(|u| u.path[1].clone()).collect();
    let columns = columns.into_iter().map(|name| (name.clone(), Key::from(name))).collect();
    Ok(RowCondition { engine, columns })
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
            ("get_env(name='HOME')", "`get_env()` cannot be used in a condition"),
            ("recipient.a recipient.b", "cannot stand there"),
            ("recipient.a == 'x", "a quotation mark is not closed"),
        ] {
            let found = compiled(text).map(drop).unwrap_err().join("\n");
            assert!(found.contains(words), "{text}: {found}");
            let is_of_letters = found.contains(" tag ") || found.contains("{%");
            assert!(!is_of_letters || text.contains('%'), "{text}: {found}");
        }
    }

    /// Each was told as a tag of a letter, with what braces look like.
    #[test]
    fn slips_of_a_condition_are_told_with_what_was_meant() {
        for (text, why, meant) in [
            ("recipient.a = 'ja'", "one = stands where == should", "recipient.a == 'ja'"),
            ("recipient.a == ja", "the value ja stands without quotation", "recipient.a == 'ja'"),
            ("recipient.a=ja or b", "one = stands", "recipient.a=='ja' or recipient.b"),
            ("a == 'ja'", "the column a is called recipient.a", "recipient.a == 'ja'"),
            ("имя == 'x'", "the column имя is", "recipient[\"имя\"] == 'x'"),
            ("recipient.a in [ja, \"oui\"]", "the value ja", "recipient.a in ['ja', \"oui\"]"),
            ("recipient.a AND recipient.b", "AND is written", "recipient.a and recipient.b"),
            (" not a ", "the column a", "not recipient.a"),
        ] {
            let (place, mut problems) = (Place::at("secretariat.toml", 9, 9), Problems::new());
            let vocabulary = Vocabulary::default();
            assert!(RowCondition::compile(text, &vocabulary, &place, &mut problems).is_none());
            let [found] = problems.sorted()[..] else { panic!("{text}: {problems:?}") };
            assert!(found.message.contains(why), "{text}: {found:?}");
            assert_eq!(found.hint.as_deref(), Some(&*format!("Write {meant}.")));
            assert!(compiled(meant).is_ok(), "{meant}");
        }
        // An argument of a filter, and what nobody can guess.
        assert!(compiled("recipient.a | default(value='x') == 'x'").is_ok());
        for text in ["recipient.a == ja oui", "recipient.a = = 'x'", "languag == 'en'"] {
            let found = compiled(text).map(drop).unwrap_err().join(" ");
            assert!(!found.contains("one ="), "{text}: {found}");
        }
    }
}
