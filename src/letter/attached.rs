//! Whether a letter that speaks of attachments has some, and one that has some speaks of them.
//!
//! Owns the words by which people say so, in the languages that letters are mostly written in, and
//! the numbers by which letters name documents. A guess by words is a warning, never an error
//! (contract, Severities).

use super::Vocabulary;
use super::compile::{LetterTemplate, Piece};
use super::markdown::constant_text;
use super::tags;
use crate::address::case_folded;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems};

/// Beginnings of words, in lower case, that say something is attached.
const WORDS: &[(&str, &[&str])] = &[
    ("ar", &["مرفق", "نرفق", "أرفق", "طيّه", "طيه", "رفقته", "ملحق"]),
    (
        "de",
        &[
            "im anhang",
            "beigefügt",
            "anbei",
            "in der anlage",
            "als anlage",
            "beiliegend",
            "angehängt",
        ],
    ),
    ("en", &["attach", "enclosed", "enclose "]),
    ("es", &["adjunt", "en anexo", "como anexo"]),
    (
        "fr",
        &[
            "ci-joint",
            "ci-inclus",
            "ci-annexé",
            "pièce jointe",
            "pièces jointes",
            "joignons",
            "en annexe",
            "en pièce",
        ],
    ),
    ("it", &["allegat", "alleghiamo", "in allegato"]),
    ("ja", &["添付", "同封"]),
    ("ko", &["첨부", "동봉"]),
    ("nl", &["bijlage", "bijgevoegd", "bijgesloten"]),
    ("pl", &["załącz", "w załączeniu"]),
    ("pt", &["em anexo", "anexad", "anexo", "anexam"]),
    ("ru", &["прилага", "приложен", "вложен", "во вложении"]),
    ("tr", &["ekte", "ekli", "ilişikte"]),
    ("zh", &["附件", "附上", "随信附", "随函附", "随邮件附", "附於", "附于"]),
];

/// What those words also say: importance is attached, and people are attached to their towns.
const OTHERWISE: &[&str] = &[
    "attach importance",
    "attach great",
    "attach much",
    "attach particular",
    "attach special",
    "attach the greatest",
    "attached great",
    "attached to our",
    "attached to the ",
    "attached to their",
    "attached to your",
];

/// What stands before the number of a document: `Annex 3`, `附件3`.
const BEFORE_A_NUMBER: &[&str] = &[
    "attachment ",
    "annex ",
    "enclosure ",
    "pièce jointe ",
    "annexe ",
    "adjunto ",
    "anexo ",
    "anlage ",
    "anhang ",
    "приложение ",
    "вложение ",
    "allegato ",
    "附件",
    "المرفق ",
    "الملحق ",
];
/// Numbers above this are years and counts.
const NUMBER_MAX: usize = 40;

/// Looks for the words in a letter; every finding is kept.
pub(super) fn look(
    language: &Language,
    letter: &LetterTemplate,
    vocabulary: &Vocabulary,
    problems: &mut Problems,
) {
    let pieces = [Some(&letter.subject), letter.preview.as_ref(), Some(&letter.body)];
    let texts: Vec<Text<'_>> = pieces.into_iter().flatten().map(Text::of).collect();
    let said = texts.iter().find_map(|text| text.first_word(language));
    let count = vocabulary.attachments.len();
    if count == 0 {
        let numbered = || texts.iter().find_map(|text| text.number_named(count));
        match said {
            Some((word, line)) => problems.push(nothing_attached(word, line)),
            None => problems.extend_from(numbered().map(|(n, line)| no_such(&n, count, line))),
        }
        return;
    }
    let beyond = texts.iter().find_map(|text| {
        let in_brackets = text.number_in_brackets(|n| n > count);
        text.number_named(count).or(in_brackets)
    });
    problems.extend_from(beyond.map(|(n, line)| no_such(&n, count, line)));
    not_mentioned(letter, &texts, vocabulary, said.is_some(), problems);
}

/// Documents that go along and that the letter does not name, although it names others.
fn not_mentioned(
    letter: &LetterTemplate,
    texts: &[Text<'_>],
    vocabulary: &Vocabulary,
    is_said: bool,
    problems: &mut Problems,
) {
    let uses = || letter.pieces().flat_map(|piece| &piece.uses);
    let names_all = |path: &[String]| {
        path[0] == "attachment_table" || path[0] == "attachments" && path.len() == 1
    };
    if uses().any(|u| names_all(&u.path)) {
        return;
    }
    let is_mentioned = |(number, id): (usize, &String)| {
        let by_name = uses().any(|u| u.path[0] == "attachments" && u.path.get(1) == Some(id));
        let titles = vocabulary.attachment_titles.get(id);
        let by_title = || texts.iter().any(|text| text.has_any(titles.map_or(&[], Vec::as_slice)));
        by_name
            || texts.iter().any(|text| text.number_in_brackets(|n| n == number).is_some())
            || by_title()
    };
    let silent: Vec<(usize, &String)> =
        (1..).zip(&vocabulary.attachments).filter(|one| !is_mentioned(*one)).collect();
    let file = &letter.body.text.file;
    const HINT: &str = "Write `{{ attachment_table }}` where they are to be listed.";
    if silent.len() == vocabulary.attachments.len() {
        // Who writes that they are attached has mentioned all of them.
        if !is_said {
            let message = "the letter does not mention its attachments";
            let problem = Problem::warning("attachments-not-mentioned", message).hint(HINT);
            problems.push(problem.place(Place::file(file)));
        }
        return;
    }
    for (number, id) in silent {
        let message = format!("the letter does not mention the document {id} ({number})");
        let hint = format!(
            "Write {{{{ attachments.{id}.number }}}} where it is spoken of, or take it out of the \
             campaign's attachments."
        );
        problems.push(
            Problem::warning("document-not-mentioned", message).hint(hint).place(Place::file(file)),
        );
    }
}

fn nothing_attached(word: &str, line: Place) -> Problem {
    let message = format!("the letter says `{word}`, and the campaign has no attachments");
    Problem::warning("attached-but-nothing", message)
        .hint("Name them in the campaign: attachments = [\"...\"].")
        .place(line)
}

fn no_such(named: &str, count: usize, line: Place) -> Problem {
    let has = match count {
        0 => "no attachments".to_owned(),
        1 => "1 attachment".to_owned(),
        n => format!("{n} attachments"),
    };
    Problem::warning(
        "no-such-number",
        format!("the letter says `{named}`, and the campaign has {has}"),
    )
    .hint("Write {{ attachments.ID.number }}, which is always the right number.")
    .place(line)
}

/// The constant text of a piece of a letter.
struct Text<'a> {
    piece: &'a Piece,
    lower: String,
}

impl<'a> Text<'a> {
    fn of(piece: &'a Piece) -> Text<'a> {
        let content = &piece.text.text[piece.range.clone()];
        let constant = constant_text(content, &tags::tags(content).0).to_lowercase();
        let lower = OTHERWISE.iter().fold(constant, |text, phrase| text.replace(phrase, " "));
        Text { piece, lower }
    }

    /// The first word that says something is attached, and its line.
    fn first_word(&self, language: &Language) -> Option<(&'static str, Place)> {
        let primary = language.primary();
        let (_, words) = WORDS.iter().find(|(tag, _)| *tag == primary.as_str())?;
        let word = words.iter().find(|word| self.lower.contains(**word))?;
        Some((word.trim_end(), self.line_of(word)?))
    }

    /// The line of the file in which some text stands, in lower case. Lines are counted in the
    /// file, where tags may hold further ones.
    fn line_of(&self, text: &str) -> Option<Place> {
        let whole = &self.piece.text.text;
        let content = &whole[self.piece.range.clone()];
        let without = |line: &str| {
            OTHERWISE.iter().fold(line.to_lowercase(), |text, phrase| text.replace(phrase, " "))
        };
        let line = content.lines().position(|line| without(line).contains(text))?;
        let before = whole[..self.piece.range.start].matches('\n').count();
        let line = u32::try_from(before + line + 1).unwrap_or(u32::MAX);
        Some(Place::line(&self.piece.text.file, line))
    }

    /// A number in brackets of either width, `(3)`, for which something holds.
    fn number_in_brackets(&self, is_it: impl Fn(usize) -> bool) -> Option<(String, Place)> {
        for (at, open) in self.lower.match_indices(['(', '（']) {
            let rest = &self.lower[at + open.len()..];
            let Some(end) = rest.find([')', '）']) else { continue };
            let Ok(number) = rest[..end].trim().parse::<usize>() else { continue };
            if (1..=NUMBER_MAX).contains(&number) && is_it(number) {
                let width = if rest[end..].starts_with(')') { 1 } else { '）'.len_utf8() };
                let named = &self.lower[at..at + open.len() + end + width];
                return Some((named.to_owned(), self.line_of(named)?));
            }
        }
        None
    }

    /// `Annex 3` where there are fewer.
    fn number_named(&self, count: usize) -> Option<(String, Place)> {
        for before in BEFORE_A_NUMBER {
            for (at, _) in self.lower.match_indices(before) {
                let rest = &self.lower[at + before.len()..];
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let Ok(number) = rest[..digits].parse::<usize>() else { continue };
                if (count + 1..=NUMBER_MAX).contains(&number) {
                    let named = &self.lower[at..at + before.len() + digits];
                    return Some((named.to_owned(), self.line_of(named)?));
                }
            }
        }
        None
    }

    /// Whether one of these titles stands in it.
    fn has_any(&self, titles: &[String]) -> bool {
        let text = case_folded(&self.lower);
        titles.iter().any(|title| text.contains(&case_folded(title)))
    }
}
