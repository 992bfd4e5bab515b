//! What officers write in a condition instead of what is read: `=`, a value without quotation marks,
//! a column without `recipient.`, `AND`.
//!
//! Owns the words about a condition outside of letters, and the proposal of what was meant. Whether
//! a proposal can be read is asked in `condition.rs`; one that cannot is not made.

use super::grammar;
use super::tags::{self, Token, Word};
use crate::problem::{Problem, nearest};
use std::ops::Range;

/// Said of a condition that cannot be read for another reason.
pub(super) const EXAMPLE: &str =
    "Write it like this: recipient.attended == 'yes' and recipient.country != 'FR'.";

/// A slip and the condition without any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// The finding.
    pub problem: Problem,
    /// The condition as it was probably meant.
    pub meant: String,
}

/// What is to be written in place of what stands in a part of the text.
struct Edit {
    at: Range<usize>,
    text: String,
    code: &'static str,
    why: String,
}

/// The first slip of a condition, where any is known; `tokens` are those of the condition, `start` is
/// where it begins in the text that was cut into them.
pub(super) fn slip(text: &str, tokens: &[Token<'_>], start: usize) -> Option<Slip> {
    let mut depth = 0_usize;
    let mut edits = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        match token.word {
            Word::Sign("(") => depth += 1,
            Word::Sign(")") => depth = depth.saturating_sub(1),
            _ => {}
        }
        let edit = match token.word {
            // Within brackets it names an argument of a filter.
            Word::Sign("=") if depth == 0 => Some((
                "==".to_owned(),
                "template-syntax",
                "one = stands where == should".to_owned(),
            )),
            Word::Name(name) => of_name(name, tokens, n),
            _ => None,
        };
        let length = match token.word {
            Word::Name(word) | Word::Sign(word) => word.len(),
            Word::Text(_) | Word::Number => 0,
        };
        let at = token.at.saturating_sub(start);
        edits.extend(edit.map(|(text, code, why)| Edit { at: at..at + length, text, code, why }));
    }
    let first = edits.first()?;
    let mut meant = text.to_owned();
    for edit in edits.iter().rev() {
        // A place that is none would be a defect of ours; then nothing is proposed.
        meant.get(edit.at.clone())?;
        meant.replace_range(edit.at.clone(), &edit.text);
    }
    let message = format!("this condition cannot be read: {}", first.why);
    let problem = Problem::error(first.code, message).hint(format!("Write {}.", meant.trim()));
    Some(Slip { problem, meant })
}

/// What to write for a name that is none.
fn of_name(name: &str, tokens: &[Token<'_>], n: usize) -> Option<(String, &'static str, String)> {
    let small = name.to_lowercase();
    if small != name && ["and", "or", "not", "in", "is"].contains(&small.as_str()) {
        let why = format!("{name} is written in small letters");
        return Some((small, "template-syntax", why));
    }
    let before = n.checked_sub(1).map(|before| tokens[before].word);
    let after = tokens.get(n + 1).map(|token| token.word);
    let is_known = grammar::ROOTS.contains(&name) || grammar::KEYWORDS.contains(&name);
    let is_part = matches!(before, Some(Word::Sign("." | "?." | "|") | Word::Name("is")));
    let has_parts = matches!(after, Some(Word::Sign("." | "?." | "[" | "?[" | "(")));
    if is_known || is_part || has_parts {
        return None;
    }
    match before {
        Some(Word::Sign("=" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "[" | ",")) => {
            let why = format!("the value {name} stands without quotation marks");
            Some((format!("'{name}'"), "unknown-name", why))
        }
        None | Some(Word::Sign("(") | Word::Name("and" | "or" | "not"))
            if nearest(name, grammar::ROOTS.iter().copied()).is_none() =>
        {
            let path = grammar::column_path(name);
            let why = format!("the column {name} is called {path}");
            Some((path, "unknown-name", why))
        }
        _ => None,
    }
}

/// A finding about a tag of a letter, told as one about a condition.
pub(super) fn as_of_a_condition(mut problem: Problem) -> Problem {
    problem.message = problem
        .message
        .replace("this tag cannot be read", "this condition cannot be read")
        .replace(" stands where `%}` should", " cannot stand there")
        .replace("in a letter", "in a condition")
        .replace("in a tag", "in a condition")
        .replace("the tag opened here is not closed by `%}`", "this condition cannot be read");
    let of_letters = [tags::SHAPES, "Write it on one line: `{% if recipient.town %}`."];
    if problem.hint.as_deref().is_none_or(|hint| of_letters.contains(&hint)) {
        return problem.hint(EXAMPLE);
    }
    problem
}
