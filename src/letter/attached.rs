//! Whether a letter that speaks of attachments has some, and one that has some speaks of them.
//!
//! Owns the words by which people say so, in the six languages of the sample. A guess by words is
//! a warning, never an error (contract, Severities).

use super::Vocabulary;
use super::compile::{LetterTemplate, Piece};
use super::markdown::constant_text;
use super::tags;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};

/// Beginnings of words, in lower case, that say something is attached.
const WORDS: &[(&str, &[&str])] = &[
    ("ar", &["مرفق", "نرفق", "أرفق", "طيّه", "طيه", "رفقته"]),
    ("en", &["attach", "enclosed", "enclose "]),
    ("es", &["adjunt"]),
    ("fr", &["ci-joint", "ci-inclus", "pièce jointe", "pièces jointes", "joignons", "en annexe"]),
    ("ru", &["прилага", "приложен", "вложен", "во вложении"]),
    ("zh", &["附件", "附上", "随信附", "随函附", "随邮件附"]),
];

/// Looks for the words in a letter; every finding is kept.
pub(super) fn look(
    language: &Language,
    letter: &LetterTemplate,
    vocabulary: &Vocabulary,
    problems: &mut Problems,
) {
    let pieces = [Some(&letter.subject), letter.preview.as_ref(), Some(&letter.body)];
    let said = pieces.into_iter().flatten().find_map(|piece| first_word(language, piece));
    let named = letter
        .pieces()
        .flat_map(|p| &p.uses)
        .any(|u| matches!(u.path[0].as_str(), "attachments" | "attachment_table"));
    let file = &letter.body.text.file;
    if vocabulary.attachments.is_empty() {
        if let Some((word, line)) = said {
            let message = format!("the letter says `{word}`, and the campaign has no attachments");
            problems.push(
                Problem::warning("attached-but-nothing", message)
                    .hint("Name them in the campaign: attachments = [\"...\"].")
                    .place(line),
            );
        }
    } else if !named && said.is_none() {
        problems.push(
            Problem::warning(
                "attachments-not-mentioned",
                "the letter does not mention its attachments",
            )
            .hint("Write `{{ attachment_table }}` where they are to be listed.")
            .place(Place::file(file)),
        );
    }
}

/// The first word of a template that says something is attached, and its line.
fn first_word(language: &Language, piece: &Piece) -> Option<(&'static str, Place)> {
    let primary = language.primary();
    let (_, words) = WORDS.iter().find(|(tag, _)| *tag == primary.as_str())?;
    let content = &piece.text.text[piece.range.clone()];
    let constant = constant_text(content, &tags::tags(content).0);
    let lower = constant.to_lowercase();
    let word = words.iter().find(|word| lower.contains(**word))?;
    // Lines are counted in the file, where tags may hold further ones.
    let line = content.lines().position(|line| line.to_lowercase().contains(word))?;
    let before = piece.text.text[..piece.range.start].matches('\n').count();
    let line = u32::try_from(before + line + 1).unwrap_or(u32::MAX);
    Some((word.trim_end(), Place::line(&piece.text.file, line)))
}
