//! People's names as letters and headers can carry them.
//!
//! Owns which characters a name may have and how a whole name is put together from its parts. How
//! a person is greeted is decided in `greeting.rs`, what an earlier export damaged in `damaged.rs`.
//!
//! # Invariants
//! A name that passes is one that [`Mailbox::new`](crate::address::Mailbox::new) takes: no control
//! character, nothing that turns the writing round or cannot be seen, no `@` (security S2, S12,
//! S13). Joiners stay: Persian and Indic names are written with them.

use std::borrow::Cow;
use unicode_script::{Script, UnicodeScript};

/// Why a text cannot stand as a name. Its words complete "the name ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameError {
    #[error("holds a line break")]
    LineBreak,
    #[error("holds an invisible character (U+{0:04X})")]
    Invisible(u32),
    #[error("holds U+FFFD, which stands where a letter was lost")]
    Damaged,
    #[error("holds an @, and could be taken for an address")]
    At,
}

impl NameError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            NameError::LineBreak | NameError::Invisible(_) => "Type the name into the cell again.",
            NameError::Damaged => "Write the name as the person does, then save as CSV UTF-8.",
            NameError::At => {
                "Write the person's name, or empty the cell: the greeting is then neutral."
            }
        }
    }
}

/// The name without marks of writing direction, which spreadsheets add where both directions meet.
///
/// # Errors
/// [`NameError`] for the first character that has no place in a name.
pub(super) fn checked(text: &str) -> Result<Cow<'_, str>, NameError> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'@') {
        return Ok(Cow::Borrowed(text));
    }
    match text.chars().find_map(fault) {
        Some(error) => Err(error),
        None if text.contains(is_direction_mark) => {
            Ok(Cow::Owned(text.replace(is_direction_mark, "")))
        }
        None => Ok(Cow::Borrowed(text)),
    }
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}')
}

fn fault(c: char) -> Option<NameError> {
    match c {
        '@' | '＠' | '﹫' => Some(NameError::At),
        '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(NameError::LineBreak),
        '\u{fffd}' => Some(NameError::Damaged),
        '\u{200c}'..='\u{200f}' => None,
        // The same characters that no address may have; what is not in it is visible.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffc}'
        | '\u{e0000}'..='\u{e0fff}' => Some(NameError::Invisible(u32::from(c))),
        c if c.is_control() => Some(NameError::Invisible(u32::from(c))),
        _ => None,
    }
}

/// What makes a name that can be sent doubtful all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is something that is not there")]
pub(super) enum Doubt {
    /// `-`, `???`: no name at all.
    NoName,
    /// `null`, `N/A`: what programs write for none.
    NoValue,
    /// `17`, `{{ 7*7 }}`: used as it is, whatever it looks like (security S7).
    NoLetter,
}

/// What programs write for a value that is not there; `Null` and `None` are names.
pub(super) const NO_VALUES: &[&str] =
    &["null", "NULL", "none", "NONE", "undefined", "NaN", "nan", "N/A", "n/a", "(null)", "nil"];

/// What is doubtful about a name, if anything.
pub(super) fn doubt(name: &str) -> Option<Doubt> {
    if name.is_empty() {
        return None;
    }
    if !name.contains(char::is_alphanumeric) {
        return Some(Doubt::NoName);
    }
    if NO_VALUES.contains(&name) {
        return Some(Doubt::NoValue);
    }
    if !name.contains(char::is_alphabetic) {
        return Some(Doubt::NoLetter);
    }
    None
}

/// The whole name from its parts, given name first; where all of it is written in Chinese,
/// Japanese or Korean letters the family name comes first and no blank between.
pub(super) fn whole(given: &str, family: &str) -> String {
    if !given.is_empty() && !family.is_empty() && is_east_asian(given) && is_east_asian(family) {
        return format!("{family}{given}");
    }
    single_blanks(&format!("{given} {family}")).into_owned()
}

/// The name with one blank where it has several.
pub(super) fn single_blanks(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    if !name.contains("  ") && !name.contains(['\u{a0}', '\u{3000}']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a text may be somebody's name, as far as writing shows it: a few words, each with a capital
/// where its script has them, no digit and no sign but a name's.
pub(super) fn looks_like_one(text: &str) -> bool {
    let is_of_name =
        |c: char| c.is_alphabetic() || " .-'’·\u{200c}\u{200d}".contains(c) || is_mark(c);
    let is_word = |word: &str| !word.starts_with(char::is_lowercase);
    let words = text.split_whitespace().count();
    (1..=NAME_WORDS_MAX).contains(&words)
        && text.chars().all(is_of_name)
        && text.split_whitespace().all(is_word)
}

/// Signs over and under letters of Indic and Arabic names.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Words of the longest names that are looked for.
const NAME_WORDS_MAX: usize = 5;

fn is_east_asian(text: &str) -> bool {
    let own = |c: char| {
        matches!(c.script(), Script::Han | Script::Hangul | Script::Hiragana | Script::Katakana)
    };
    text.chars().all(|c| own(c) || c == 'ー')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{EmailAddress, Mailbox};

    #[test]
    fn names_keep_what_belongs_to_them_and_lose_direction_marks() {
        for (text, name) in [
            ("Ana Pérez", "Ana Pérez"),
            ("نرگس\u{200c}خاتون", "نرگس\u{200c}خاتون"),
            ("\u{200f}سارة\u{200e} علي", "سارة علي"),
            ("O'Brien-Łoś, Jr.", "O'Brien-Łoś, Jr."),
            ("{{ 7*7 }}", "{{ 7*7 }}"),
        ] {
            assert_eq!(checked(text).as_deref(), Ok(name));
        }
    }

    /// Security S2, S12, S13; and what passes here must pass where the header is made.
    #[test]
    fn a_name_that_passes_can_stand_in_a_header() {
        let address = EmailAddress::parse("a@x.example").unwrap();
        let odd = (0..0x2100).chain(0xfe00..0x1_0000).chain([0xe0001, 0x1f600, 0x3164, 0x20000]);
        for c in odd.filter_map(char::from_u32) {
            let text = format!("An{c}a");
            let passes = checked(&text).is_ok();
            let mailbox = Mailbox::new(&text, address.clone()).is_ok();
            assert!(!passes || mailbox, "U+{:04X} passes here only", u32::from(c));
            let refused_here_only = matches!(c, '＠' | '﹫' | '\u{2028}' | '\u{2029}');
            assert!(passes || !mailbox || refused_here_only, "U+{:04X}", u32::from(c));
        }
        assert_eq!(checked("a\u{202e}b"), Err(NameError::Invisible(0x202e)));
        assert_eq!(checked("a\u{85}b"), Err(NameError::LineBreak));
        assert_eq!(checked("P\u{fffd}rez"), Err(NameError::Damaged));
        assert_eq!(checked("ana@x.example"), Err(NameError::At));
    }

    #[test]
    fn names_that_are_none_are_doubted() {
        for (name, expected) in [
            ("-", Some(Doubt::NoName)),
            ("???", Some(Doubt::NoName)),
            ("17", Some(Doubt::NoLetter)),
            ("null", Some(Doubt::NoValue)),
            ("N/A", Some(Doubt::NoValue)),
            ("Null", None),
            ("", None),
            ("Muñoz", None),
            ("ÑAÑEZ SÃO", None),
            ("王芳", None),
            ("अंजलि", None),
        ] {
            assert_eq!(doubt(name), expected, "{name}");
        }
    }

    #[test]
    fn a_whole_name_is_put_together_as_it_is_written() {
        for (given, family, name) in [
            ("Ana", "Pérez", "Ana Pérez"),
            ("芳", "王", "王芳"),
            ("Fang", "王", "Fang 王"),
            ("민수", "김", "김민수"),
            ("Ana  María", "", "Ana María"),
            ("", "Pérez", "Pérez"),
            ("", "", ""),
        ] {
            assert_eq!(whole(given, family), name);
        }
        assert_eq!(single_blanks(" Ana \u{a0} Pérez "), "Ana Pérez");
    }
}
