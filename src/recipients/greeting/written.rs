//! A greeting that somebody wrote by hand for one row: whether it can be sent.
//!
//! Owns finding the greetings that mail merges leave behind: `Dear ,`, `Dear Mr Ms`, `Dear «Name»,`,
//! `Dear null,`, `#N/A`. What people may write otherwise is theirs.

use super::super::fold;
use super::super::name::NO_VALUES;
use crate::limits::GREETING_CHARS_MAX;

/// Why a written greeting cannot be sent. Its words complete "the greeting ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrittenError {
    /// No letter at all.
    #[error("has no word in it")]
    Empty,
    /// A line break, tab or the like.
    #[error("holds a line break or control character")]
    Control,
    /// A place that was not filled in.
    #[error("still holds a place to fill in ({0})")]
    Placeholder(String),
    /// It breaks off before the name.
    #[error("ends with {0:?}, and no name follows")]
    BreaksOff(String),
    /// `Mr Ms`.
    #[error("has two titles for one person ({0})")]
    TwoTitles(String),
    /// Somebody's letter.
    #[error("is longer than {GREETING_CHARS_MAX} characters")]
    TooLong,
}

/// What shows that a place was not filled in.
const PLACE_MARKS: &[&str] = &[
    "{", "}", "<", ">", "«", "»", "[", "]", "__", "%name", "$name", "...", "…", "#n/a", "#ref",
    "#value", "#name", "#null", "???",
];
/// Words that want a name behind them, as [`fold::words`] leaves them.
const WANT_A_NAME: &[&str] = &[
    "dear",
    "mr",
    "ms",
    "mrs",
    "mx",
    "dr",
    "prof",
    "herr",
    "frau",
    "geehrte",
    "geehrter",
    "sr",
    "sra",
    "srta",
    "dra",
    "sig",
    "dott",
    "estimado",
    "estimada",
    "estimado a",
    "querido",
    "querida",
    "cher",
    "chere",
    "mme",
    "gentile",
    "egregio",
    "prezado",
    "prezada",
    "caro",
    "cara",
    "уважаемыи",
    "уважаемая",
    "уважаемыи ая",
    "господин",
    "госпожа",
    "尊敬的",
    "geachte",
    "sayin",
    "السيد",
    "السيده",
    "حضره",
    "حضره السيد السيده",
];
/// Titles of which one person has one.
const TITLES_OF_ONE: &[&str] =
    &["mr", "ms", "mrs", "miss", "mx", "herr", "frau", "sr", "sra", "srta"];

/// Whether a greeting written by hand can be sent.
///
/// # Errors
/// [`WrittenError`] for the first thing that shows it cannot.
pub fn check_written(text: &str) -> Result<(), WrittenError> {
    let text = text.trim();
    if text.contains(char::is_control) {
        return Err(WrittenError::Control);
    }
    if text.chars().nth(GREETING_CHARS_MAX).is_some() {
        return Err(WrittenError::TooLong);
    }
    let small = text.to_lowercase();
    let mark = PLACE_MARKS.iter().find(|mark| small.contains(**mark));
    let bare = |word: &str| word.trim_matches([',', ':', ';', '!', '.', '،', '，']).to_owned();
    let no_value =
        text.split_whitespace().map(bare).find(|word| NO_VALUES.contains(&word.as_str()));
    if let Some(found) = mark.map(|mark| (*mark).to_owned()).or(no_value) {
        return Err(WrittenError::Placeholder(found));
    }
    if !text.contains(char::is_alphabetic) {
        return Err(WrittenError::Empty);
    }
    check_words(text)
}

fn check_words(text: &str) -> Result<(), WrittenError> {
    let folded = fold::words(text);
    let words: Vec<&str> = folded.split(' ').collect();
    let is_of_one = |word: &str| TITLES_OF_ONE.contains(&word);
    let two = words.windows(2).find(|pair| pair.iter().all(|word| is_of_one(word)));
    // `Sr. D. Juan` and `Frau Dr.` are one person's; `Mr Ms` is nobody's.
    if let Some(pair) = two {
        return Err(WrittenError::TwoTitles(pair.join(" ")));
    }
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    let last = text.split_whitespace().rfind(is_word).unwrap_or_default();
    let ends = |end: &&&str| folded == **end || folded.ends_with(&format!(" {end}"));
    match WANT_A_NAME.iter().find(ends) {
        Some(_) => Err(WrittenError::BreaksOff(
            last.trim_end_matches([',', ':', '!', '，', '：', '،']).to_owned(),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_that_a_mail_merge_left_unfinished_are_refused() {
        for text in [
            "Dear ,",
            "Dear",
            "Dear Mr Ms Pérez,",
            "Dear Mr/Ms Pérez,",
            "Dear Dr ,",
            "Dear null,",
            "Dear -,",
            "Dear {name},",
            "Dear {{ 7*7 }},",
            "Dear «Name»,",
            "Dear <<First Name>>,",
            "Dear [Name],",
            "#N/A",
            "Dear #REF!,",
            "Dear N/A,",
            "Sehr geehrte Frau ,",
            ",",
            "...",
            "Estimada Sra.:",
            "Уважаемый !",
            "尊敬的：",
            "Dear\nAna,",
            "Dear ...,",
            "Dear Prof.,",
        ] {
            assert!(check_written(text).is_err(), "{text:?}");
        }
        assert!(check_written(&"Dear Ana ".repeat(100)).is_err());
    }

    #[test]
    fn greetings_that_people_write_are_theirs() {
        for text in [
            "Dear Ana,",
            "Dear Ms Pérez and Mr López,",
            "Your Excellency,",
            "Madame, Monsieur,",
            "Dear friends",
            "Hello Ana!",
            "Dear Sir or Madam,",
            "Dear Mr and Mrs Smith,",
            "王老师：",
            "Dear Mr Null,",
            "Cher Monsieur,",
            "Estimado Sr. D. Juan:",
            "Liebe Frau Dr. Müller,",
            "Monsieur le Maire,",
            "Dear Professor,",
            "Уважаемая Анна Петровна!",
        ] {
            assert_eq!(check_written(text), Ok(()), "{text}");
        }
    }
}
