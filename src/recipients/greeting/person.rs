//! What is known of a person for the greeting: parts of the name, title, gender.
//!
//! Owns taking a name apart where that is certain: columns for its parts, `Pérez, Ana`, the
//! UN's way of writing family names in capitals (`Ana PÉREZ`), Russian patronymics, titles that
//! stand before the name. Everything else stays whole. The case of letters is never changed.
//!
//! # Invariants
//! No gender is concluded from a given or family name. A patronymic is no such guess: its ending is
//! the grammar's.

use super::super::fold;
use super::super::name::NO_VALUES;
use super::super::values::Values;
use super::gender::{self, Said};
use super::title::{self, BEHIND_NAMES, Gender, Title};
use std::borrow::Cow;
use unicode_script::{Script, UnicodeScript};

/// A person as far as greetings go.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts<'a> {
    /// The whole name without titles.
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) given: Option<Cow<'a, str>>,
    pub(super) family: Option<Cow<'a, str>>,
    patronymic: Option<Patronymic<'a>>,
    /// The cell of the title as it is.
    pub(super) title_cell: &'a str,
    /// What it and a title before the name say, and the column of gender.
    pub(super) title: Title,
    /// Whether title and column of gender contradict each other.
    pub(super) is_contradicted: bool,
    /// What the cell of gender says.
    pub(super) gender_said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patronymic<'a> {
    given: &'a str,
    word: &'a str,
    gender: Gender,
}

impl<'a> Parts<'a> {
    /// What a row says; `name` is its whole name, `country` an ISO 3166 code.
    pub(super) fn of(
        values: &'a Values,
        name: Option<&'a str>,
        country: Option<&str>,
    ) -> Parts<'a> {
        let cell = |column| values.get(column).unwrap_or_default();
        let title_cell = cell("title");
        let mut title = title_of(values, title_cell, country);
        for other in values.second_titles().filter(|cell| *cell != title_cell) {
            // Words besides titles are told in the review, and undo nothing.
            title = title.and(Title { is_unknown: false, ..title::read(other) });
        }
        let (given, before_given) = bare(cell("given_name"), title_cell);
        let (family, before_family) = bare(cell("family_name"), title_cell);
        let (whole, before_whole) = bare(name.unwrap_or_default(), title_cell);
        title = title.and(before_given).and(before_family).and(before_whole);
        let stated = cell("gender");
        let said = match stated.is_empty() {
            true => Said::Known(Gender::Unsaid),
            false => gender::said(stated, values.gender_letters()),
        };
        let gender = match said {
            Said::Known(gender) => gender,
            Said::Unclear | Said::Unknown => Gender::Unsaid,
        };
        let both = title.gender.and(gender);
        // `Mr/Ms` is a form that nobody filled in, and contradicts nothing.
        let was_open = title.gender == Gender::Contradictory;
        let is_contradicted = both == Gender::Contradictory && !was_open;
        title.gender = match gender {
            stated if was_open && !title.is_several && stated != Gender::Unsaid => stated,
            _ => both,
        };
        let mut parts = Parts {
            title_cell,
            title,
            is_contradicted,
            gender_said: said,
            patronymic: patronymic_beside(given, cell("patronymic"))
                .or_else(|| patronymic_of(given, true))
                .or_else(|| patronymic_of(whole, false)),
            ..Parts::default()
        };
        parts.take_names(whole, given, family);
        parts
    }

    fn take_names(&mut self, whole: &'a str, given: &'a str, family: &'a str) {
        let some = |text: &'a str| Some(Cow::Borrowed(text)).filter(|text| !text.is_empty());
        self.name = some(whole).filter(|_| title::before_name(whole).is_none());
        if self.name.is_none() {
            return;
        }
        self.given = some(given).filter(|_| title::before_name(given).is_none());
        let is_of_whole = || !is_another_name(whole, family);
        self.family = some(family).filter(|_| !title::is_no_name(family) && is_of_whole());
        if self.given.is_some() || self.family.is_some() {
            return;
        }
        if let Some((family, given)) = by_comma(whole) {
            self.name = Some(Cow::Owned(format!("{given} {family}")));
            (self.given, self.family) = (some(given), some(family));
            return;
        }
        let whole = without_degrees(whole);
        self.name = some(whole);
        if let Some((given, family)) = by_capitals(whole) {
            (self.given, self.family) = (some(given), some(family));
        }
    }

    /// `Иван Петрович`.
    pub(super) fn given_and_patronymic(&self) -> Option<String> {
        self.patronymic.map(|p| format!("{} {}", p.given, p.word))
    }

    /// How the person is addressed where the patronymic counts as well.
    pub(super) fn gender_by_patronymic(&self) -> Gender {
        let by_patronymic = self.patronymic.map_or(Gender::Unsaid, |p| p.gender);
        match self.title.gender {
            Gender::Unsaid => by_patronymic,
            said => said,
        }
    }
}

/// What the title cell says of somebody from that country. 先生 is a man in China and a teacher in
/// Japan.
fn title_of(values: &Values, cell: &str, country: Option<&str>) -> Title {
    match country == Some("JP") && cell.trim() == "先生" {
        true => title::read("せんせい"),
        false => read_title(values, cell),
    }
}

/// What a cell of titles says. `Fr.` is `Frau` under the German header, and a friar elsewhere.
pub(super) fn read_title(values: &Values, cell: &str) -> Title {
    match matches!(cell, "Fr." | "Fr") && values.get("anrede") == Some(cell) {
        true => title::read("Frau"),
        false => title::read(cell),
    }
}

/// A name without the titles before it (`Dr. Ana Pérez`), and what these say. A word that may be
/// something else counts only where the title cell has it too.
fn bare<'a>(name: &'a str, title_cell: &str) -> (&'a str, Title) {
    let (mut rest, mut title) = (without_waste(name), Title::default());
    while let Some((word, behind)) = rest.split_once(char::is_whitespace) {
        let is_repeated = word.chars().nth(2).is_some()
            && title_cell.split_whitespace().any(|of_title| of_title == word);
        match title::before_name(word) {
            Some(found) => title = title.and(found),
            None if is_repeated => {}
            None => break,
        }
        rest = behind.trim_start();
    }
    for behind in BEHIND_NAMES {
        let name = rest.strip_suffix(behind).filter(|name| name.chars().count() > 1);
        if let Some(name) = name {
            return (name.trim_end(), title.and(title::read(behind)));
        }
    }
    (rest, title)
}

/// Without blanks and commas around it; nothing where no letter or digit is left, or a word that
/// programs write for a value that is not there. `Null` is a name.
fn without_waste(name: &str) -> &str {
    let bare = name.trim_matches(|c: char| c.is_whitespace() || ",;:،，；：".contains(c));
    match bare.contains(char::is_alphanumeric) && !NO_VALUES.contains(&bare) {
        true => bare,
        false => "",
    }
}

/// `Pérez, Ana`: family name and given name; degrees behind a comma are neither.
fn by_comma(name: &str) -> Option<(&str, &str)> {
    let name = without_degrees(name);
    let (family, given) = name.split_once([',', '،', '，'])?;
    let (family, given) = (family.trim(), given.trim());
    let is_name = |part: &str| part.contains(char::is_alphabetic);
    let is_one = !given.contains([',', '،', '，']);
    (is_one && is_name(family) && is_name(given)).then_some((family, given))
}

/// Letters behind a name and a comma that are no part of it.
const DEGREES: &[&str] = &[
    "phd", "md", "msc", "ma", "mba", "bsc", "ba", "jr", "sr", "ii", "iii", "iv", "esq", "mp",
    "obe", "mbe", "cbe", "qc", "kc", "rn", "jd", "llm", "mpa", "mph", "edd", "dphil", "faia",
];

fn without_degrees(name: &str) -> &str {
    let mut rest = name;
    while let Some((before, last)) = rest.rsplit_once(',') {
        let folded: String =
            last.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if !DEGREES.contains(&folded.as_str()) {
            break;
        }
        rest = before.trim_end();
    }
    rest
}

/// `Ana PÉREZ GARCÍA`, `PÉREZ Ana`: given and family name where one of them, and not the other, is
/// written in capitals. Initials and abbreviations are no family name.
fn by_capitals(name: &str) -> Option<(&str, &str)> {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let is_small = |word: &&str| word.chars().any(char::is_lowercase);
    let first = words.iter().position(|word| is_capital(word))?;
    let run = words[first..].iter().take_while(|word| is_capital(word)).count();
    let is_at_end = first + run == words.len();
    let rest = || words[..first].iter().chain(&words[first + run..]);
    let starts_big = |word: &&&str| word.chars().next().is_some_and(char::is_uppercase);
    let long = words[first..first + run].iter().any(|word| word.chars().count() > 2);
    if !rest().any(is_small) || !(is_at_end || first == 0 && long) {
        return None;
    }
    if first == 0 {
        return Some((behind(name, words[run - 1]), upto(name, words[run - 1])));
    }
    // `Jan van der BERG`: what stands small before it belongs to it.
    let particles = words[..first].iter().rev().take_while(|word| !starts_big(word)).count();
    let begin = first - particles;
    let given = words.get(begin.checked_sub(1)?)?;
    Some((upto(name, given), behind(name, given)))
}

/// Two letters at least, all in capitals.
fn is_capital(word: &str) -> bool {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    letters().count() > 1 && letters().all(char::is_uppercase) && !word.contains('.')
}

/// The text up to the end of a word that is a slice of it.
fn upto<'a>(text: &'a str, word: &'a str) -> &'a str {
    text[..end_of(text, word)].trim()
}

fn behind<'a>(text: &'a str, word: &'a str) -> &'a str {
    text[end_of(text, word)..].trim()
}

fn end_of(text: &str, word: &str) -> usize {
    (word.as_ptr() as usize - text.as_ptr() as usize) + word.len()
}

/// The patronymic of a name in Cyrillic letters and the given name before it. In a column of given
/// names it is the last of two words; in a whole name one of three, of which no other looks like it:
/// `Абрамович` alone is a family name as well.
fn patronymic_of(name: &str, is_given: bool) -> Option<Patronymic<'_>> {
    if !name.starts_with(|c: char| c.script() == Script::Cyrillic) {
        return None;
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let gender_of = gender_of_patronymic;
    let at = match (words.len(), is_given) {
        (2, true) => 1,
        (3, false) => {
            let mut likely = (1..3).filter(|at| {
                gender_of(words[*at]) != Gender::Unsaid
                    && gender_of(words[*at - 1]) == Gender::Unsaid
            });
            likely.next()?
        }
        _ => return None,
    };
    let gender = gender_of(words[at]);
    (gender != Gender::Unsaid).then_some(Patronymic {
        given: words[at - 1],
        word: words[at],
        gender,
    })
}

/// The patronymic of a column of its own.
fn patronymic_beside<'a>(given: &'a str, word: &'a str) -> Option<Patronymic<'a>> {
    let gender = gender_of_patronymic(word);
    let is_one = !given.is_empty() && !word.contains(char::is_whitespace);
    (is_one && gender != Gender::Unsaid).then_some(Patronymic { given, word, gender })
}

fn gender_of_patronymic(word: &str) -> Gender {
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    match word {
        _ if ends(&["вич", "льич", "мич"]) => Gender::Male,
        _ if ends(&["вна", "ична", "инична", "ївна"]) => Gender::Female,
        _ => Gender::Unsaid,
    }
}

/// Whether a family name shares no word with the whole name in the same script: it is somebody else's,
/// or none.
pub(super) fn is_another_name(whole: &str, family: &str) -> bool {
    if family.is_empty() || whole.contains(family) {
        return false;
    }
    let script = |text: &str| text.chars().find(|c| c.is_alphabetic()).map(|c| c.script());
    if script(whole) != script(family) {
        return false;
    }
    // Chinese writes the parts together, and in either order.
    let (whole, family) = (fold::words(whole), fold::words(family));
    let known: Vec<&str> = whole.split(' ').collect();
    !family.split(' ').any(|word| known.contains(&word))
        && !whole.replace(' ', "").contains(&family.replace(' ', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name|given|family` of a list with one column of names.
    fn parts(name: &str) -> String {
        let values = Values::from_pairs([("name", name)]);
        let parts = Parts::of(&values, Some(name), None);
        let or_none = |part: &Option<Cow<'_, str>>| part.as_deref().unwrap_or("-").to_owned();
        format!("{}|{}|{}", or_none(&parts.name), or_none(&parts.given), or_none(&parts.family))
    }

    #[test]
    fn a_name_is_taken_apart_only_where_that_is_certain() {
        for (name, expected) in [
            ("Ana Pérez García", "Ana Pérez García|-|-"),
            ("Ana PÉREZ GARCÍA", "Ana PÉREZ GARCÍA|Ana|PÉREZ GARCÍA"),
            ("PÉREZ GARCÍA Ana", "PÉREZ GARCÍA Ana|Ana|PÉREZ GARCÍA"),
            ("Wei LI", "Wei LI|Wei|LI"),
            ("Jan van der BERG", "Jan van der BERG|Jan|van der BERG"),
            ("Ana DE LA CRUZ", "Ana DE LA CRUZ|Ana|DE LA CRUZ"),
            // An initial, or initials, are nobody's family name.
            ("JR Smith", "JR Smith|-|-"),
            ("J. R. Smith", "J. R. Smith|-|-"),
            ("ANA PÉREZ", "ANA PÉREZ|-|-"),
            ("Pérez, Ana", "Ana Pérez|Ana|Pérez"),
            ("Ana Pérez, PhD", "Ana Pérez|-|-"),
            ("Pérez, Ana, Ph.D.", "Ana Pérez|Ana|Pérez"),
            ("Dr. Ana Pérez", "Ana Pérez|-|-"),
            ("Mr. Dr. Bo", "Bo|-|-"),
            // An initial, not Monsieur.
            ("M. Diallo", "M. Diallo|-|-"),
            ("王芳女士", "王芳|-|-"),
            // Nobody is called so, and `Null` is a family's name.
            ("Dr.", "-|-|-"),
            ("null", "-|-|-"),
            ("N/A", "-|-|-"),
            (",", "-|-|-"),
            ("Pérez,", "Pérez|-|-"),
            ("Christopher Null", "Christopher Null|-|-"),
            ("{{ 7*7 }}", "{{ 7*7 }}|-|-"),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
    }

    #[test]
    fn patronymics_are_found_where_a_name_can_hold_no_other_word() {
        for (name, given, expected) in [
            ("Петров Иван Петрович", "", Some("Иван Петрович")),
            ("Иван Петрович Петров", "", Some("Иван Петрович")),
            ("Роман Аркадьевич Абрамович", "", Some("Роман Аркадьевич")),
            ("Иванова Анна Ильинична", "", Some("Анна Ильинична")),
            ("Иван Абрамович", "", None),
            ("", "Иван Петрович", Some("Иван Петрович")),
            ("", "Ана Мария", None),
        ] {
            let values = Values::from_pairs([("name", name), ("given_name", given)]);
            let parts = Parts::of(&values, Some(name).filter(|n| !n.is_empty()), None);
            assert_eq!(parts.given_and_patronymic().as_deref(), expected, "{name}{given}");
        }
    }

    #[test]
    fn title_column_and_gender_column_are_held_against_each_other() {
        for (title, gender, expected, contradicted) in [
            ("", "F", Gender::Female, false),
            ("Ms", "F", Gender::Female, false),
            ("Mr", "F", Gender::Contradictory, true),
            ("Mr/Ms", "F", Gender::Female, false),
            ("Mr/Ms", "", Gender::Contradictory, false),
            ("Dr", "male", Gender::Male, false),
            ("Ms", "prefer not to say", Gender::Female, false),
            ("", "non-binary", Gender::Neither, false),
        ] {
            let values = Values::from_pairs([("title", title), ("gender", gender)]);
            let parts = Parts::of(&values, None, None);
            assert_eq!((parts.title.gender, parts.is_contradicted), (expected, contradicted));
        }
        let values = Values::from_pairs([("title", "Frau"), ("anrede", "Frau"), ("titel", "Dr.")]);
        let title = Parts::of(&values, None, None).title;
        assert_eq!((title.gender, title.ranks), (Gender::Female, title::Ranks::of("doctor")));
        let values = Values::from_pairs([("title", "先生")]);
        assert_eq!(Parts::of(&values, None, Some("CN")).title.gender, Gender::Male);
        assert_eq!(Parts::of(&values, None, Some("JP")).title.gender, Gender::Unsaid);
    }
}
