//! What the cell of the title says about a person.
//!
//! Owns reading `Prof. Dr.`, `Mme`, `Alcaldesa de Lima`, `г-жа` and the like, by the table
//! `titles.tsv`. The column of gender is read in `gender.rs`. Nothing is concluded from a name. What
//! follows from it for the greeting is decided in `mod.rs`.
//!
//! # Failure
//! A title with a word nobody knows is [`Title::is_unknown`]; degrees and gender read before that word
//! count, offices do not.

use super::super::fold;
use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("titles.tsv");

/// Offices and degrees by the names of their forms, the one that is greeted by first.
pub(super) const RANKS: [&str; 20] = [
    "excellency",
    "ambassador",
    "minister",
    "chief_mayor",
    "mayor",
    "deputy_mayor",
    "councillor",
    "sir",
    "dame",
    "reverend",
    "professor_doctor",
    "professor",
    "doctor",
    "lawyer",
    "engineer",
    "architect",
    "licentiate",
    "sensei",
    "mrs",
    "miss",
];

/// How a person is addressed, as far as somebody has said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Gender {
    /// Nobody has said.
    #[default]
    Unsaid,
    Female,
    Male,
    /// By neither: `Mx`, `non-binary`.
    Neither,
    /// `Mr/Ms`, or a title that says one and a column that says the other.
    Contradictory,
}

impl Gender {
    /// What two sayings come to.
    pub(super) fn and(self, other: Gender) -> Gender {
        match (self, other) {
            (Gender::Unsaid, one) | (one, Gender::Unsaid) => one,
            (one, another) if one == another => one,
            _ => Gender::Contradictory,
        }
    }

    /// The end of the names of forms for it.
    pub(super) fn suffix(self) -> Option<&'static str> {
        match self {
            Gender::Female => Some("female"),
            Gender::Male => Some("male"),
            Gender::Unsaid | Gender::Neither | Gender::Contradictory => None,
        }
    }
}

/// A set of [`RANKS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ranks(u32);

impl Ranks {
    pub(super) fn of(names: &str) -> Ranks {
        let bit = |name: &str| RANKS.iter().position(|rank| *rank == name).map_or(0, |at| 1 << at);
        Ranks(names.split(' ').fold(0, |all, name| all | bit(name)))
    }

    fn and(self, other: Ranks) -> Ranks {
        let both = Ranks(self.0 | other.0);
        let implied = |of: &str, all: &str| if both.has(of) { Ranks::of(all).0 } else { 0 };
        let doctor_too =
            if both.has("professor") { implied("doctor", "professor_doctor") } else { 0 };
        Ranks(both.0 | doctor_too | implied("chief_mayor", "mayor"))
    }

    /// Those that do not depend on what stands behind them.
    fn kept(self) -> Ranks {
        Ranks(self.0 & Ranks::of("excellency professor_doctor professor doctor mrs miss").0)
    }

    fn has(self, name: &str) -> bool {
        let bits = Ranks::of(name).0;
        self.0 & bits == bits
    }

    /// The names, the one that is greeted by first.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        RANKS.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(_, n)| *n)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What a title says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Title {
    pub(super) gender: Gender,
    pub(super) ranks: Ranks,
    /// Whether it holds a word that says nothing known.
    pub(super) is_unknown: bool,
}

impl Title {
    /// What two titles of one person come to: one in its column, one before the name.
    pub(super) fn and(self, other: Title) -> Title {
        Title {
            gender: self.gender.and(other.gender),
            ranks: self.ranks.and(other.ranks),
            is_unknown: self.is_unknown || other.is_unknown,
        }
    }
}

#[derive(Clone, Copy)]
struct Meaning {
    title: Title,
    stands_before_names: bool,
}

/// Words of titles as [`fold::words`] leaves them.
static WORDS: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(words_of_line).collect()
});

fn words_of_line(line: &'static str) -> Vec<(String, Meaning)> {
    let mut cells = line.split('\t');
    let mut next = || cells.next().unwrap_or_default();
    let (ranks, gender, place, words) = (next(), next(), next(), next());
    let gender = match gender {
        "female" => Gender::Female,
        "male" => Gender::Male,
        "either" => Gender::Neither,
        _ => Gender::Unsaid,
    };
    let ranks = Ranks::of(ranks).and(Ranks::default());
    let title = Title { gender, ranks, is_unknown: false };
    let meaning = Meaning { title, stands_before_names: place == "name" };
    words.split('|').map(|word| (fold::words(word), meaning)).collect()
}

/// A title of several words is at most this long in the table.
const WORDS_MAX: usize = 4;
/// Words behind an office or chair that say of what: `Mayor of Lima`.
const OF_WHAT: &[&str] = &[
    "of",
    "for",
    "at",
    "de",
    "del",
    "des",
    "du",
    "d",
    "da",
    "do",
    "di",
    "della",
    "dell",
    "von",
    "der",
    "города",
    "г",
    "по",
];
/// Words between two people's titles: `Mr and Mrs`, `Mr or Ms`.
const BETWEEN_PEOPLE: &[&str] =
    &["and", "or", "und", "oder", "et", "ou", "y", "o", "и", "или", "أو", "او"];

/// What a title cell says.
pub(super) fn read(cell: &str) -> Title {
    if cell.is_empty() {
        return Title::default();
    }
    // Folded, `HE` would be a pronoun, and `H.E.` two words.
    let spelt = |word: &str| match word {
        "HE" => "h.e.".to_owned(),
        "SE" => "s.e.".to_owned(),
        _ => word.to_owned(),
    };
    let cell = cell.split_whitespace().map(spelt).collect::<Vec<_>>().join(" ");
    let folded = fold::words(&cell);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    if let Some(first) = words.iter().skip(1).position(|word| BETWEEN_PEOPLE.contains(word)) {
        let title = read_words(&words[..=first]);
        // Two people's titles: neither is this person's for certain.
        return Title { gender: Gender::Contradictory, ranks: Ranks::default(), ..title };
    }
    read_words(&words)
}

fn read_words(words: &[&str]) -> Title {
    let (mut title, mut rest) = (Title::default(), words);
    while !rest.is_empty() {
        match longest(rest) {
            Some((meaning, taken)) => {
                title = title.and(meaning.title);
                rest = &rest[taken..];
            }
            None if !title.ranks.is_empty() && OF_WHAT.contains(&rest[0]) => break,
            // `Minister Counsellor` is no minister; a degree stays one, whatever follows.
            None => return Title { is_unknown: true, ranks: title.ranks.kept(), ..title },
        }
    }
    title
}

fn longest(words: &[&str]) -> Option<(Meaning, usize)> {
    let lengths = (1..=words.len().min(WORDS_MAX)).rev();
    lengths.into_iter().find_map(|n| Some((*WORDS.get(&words[..n].join(" "))?, n)))
}

/// What one word before a name says, if it is a title wherever it stands: `Dr.`, `Mme`.
pub(super) fn before_name(word: &str) -> Option<Title> {
    let meaning = WORDS.get(&fold::words(word))?;
    meaning.stands_before_names.then_some(meaning.title)
}

/// Titles that Chinese writes behind a name: `王芳女士`.
pub(super) const BEHIND_NAMES: &[&str] = &["女士", "先生", "小姐", "教授", "博士"];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(title: Title) -> String {
        let ranks: Vec<&str> = title.ranks.names().collect();
        let unknown = if title.is_unknown { " ?" } else { "" };
        format!("{:?} {}{unknown}", title.gender, ranks.join("+"))
    }

    #[track_caller]
    fn check(cells: &[&str], expected: &str) {
        for cell in cells {
            assert_eq!(shown(read(cell)).trim_end(), expected, "{cell}");
        }
    }

    #[test]
    fn titles_are_read_in_ten_languages_with_and_without_dots_in_any_case() {
        check(
            &["Ms", "ms.", "MS", "Mme", "Mlle", "Sra.", "Sr.ª", "Dña.", "Frau", "Sig.ra"],
            "Female",
        );
        check(
            &["г-жа", "Госпожа", "السيدة", "女士", "小姐", "Senhora", "Doña", "Fräulein"],
            "Female",
        );
        check(&["Mr", "MR.", "M.", "Monsieur", "Herr", "Sr.", "D.", "Don", "Sig.", "Dhr."], "Male");
        check(&["г-н", "Господин", "السيد", "先生", "Senhor", "Exmo. Sr.", "Señor Don"], "Male");
        check(&["Mrs", "Mrs."], "Female mrs");
        check(&["Mx", "mx."], "Neither");
        check(&["", " ", "Hon.", "The Hon.", "Rt. Hon.", "Esq.", "様"], "Unsaid");
    }

    #[test]
    fn degrees_and_offices_are_read_and_may_carry_the_gender() {
        check(
            &["Dr", "DR.", "Doctor", "Docteur", "д-р", "博士", "د.", "PhD", "Dr.-Ing."],
            "Unsaid doctor",
        );
        check(&["Dra.", "Doctora", "Dott.ssa", "الدكتورة", "Ms Dr", "Frau Dr."], "Female doctor");
        check(
            &["Prof.", "Pr", "PROFESSOR", "教授", "Проф.", "Associate Professor"],
            "Unsaid professor",
        );
        check(&["Profa.", "Prof.ssa", "Profesora"], "Female professor");
        let both = "professor_doctor+professor+doctor";
        check(&["Prof. Dr.", "Prof.Dr.", "Prof. Dr. Dr. h.c.", "أ.د."], &format!("Unsaid {both}"));
        check(&["Herr Prof. Dr.", "الأستاذ الدكتور"], &format!("Male {both}"));
        check(
            &["H.E.", "HE", "S.E.", "Su Excelencia", "С.Е.", "سعادة", "阁下"],
            "Unsaid excellency",
        );
        check(
            &["H.E. Mr", "S.E.M.", "His Excellency", "Его Превосходительство"],
            "Male excellency",
        );
        check(&["S.E. Mme", "Её Превосходительство"], "Female excellency");
        check(&["H.E. Ambassador", "S.E. Ambassadeur"], "Unsaid excellency+ambassador");
        check(&["Mayor", "Maire", "Мэр", "市长", "Mayor of Lima", "Maire de Lyon"], "Unsaid mayor");
        check(&["Alcaldesa", "Bürgermeisterin", "Alcaldesa de Lima"], "Female mayor");
        check(&["Oberbürgermeisterin"], "Female chief_mayor+mayor");
        check(&["Sir"], "Male sir");
        check(&["Professor of Education"], "Unsaid professor");
    }

    /// An office that is somebody else's is not this person's.
    #[test]
    fn what_is_not_understood_to_its_end_is_unknown() {
        check(&["Assistant to the Mayor", "Minerva", "Director", "{{ 7*7 }}"], "Unsaid  ?");
        check(&["Mayor's Assistant", "Minister Counsellor", "Mayor (acting)"], "Unsaid  ?");
        check(&["Ms Director"], "Female  ?");
        check(&["H.E. Governor"], "Unsaid excellency ?");
        check(&["Prof. Director"], "Unsaid professor ?");
        check(
            &[
                "Mr/Ms",
                "Mr./Ms.",
                "M./Mme",
                "Sr./Sra.",
                "Mr and Ms",
                "Dr and Mrs",
                "Sr. y Sra.",
                "Mr or Ms",
                "Sr. o Sra.",
                "Herr oder Frau",
                "г-н или г-жа",
                "Mme ou M.",
            ],
            "Contradictory",
        );
    }

    /// The later of two equal entries would win without a word.
    #[test]
    fn no_word_of_the_table_stands_in_two_lines_that_differ() {
        let mut seen: HashMap<String, Title> = HashMap::new();
        for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let known = line
                .split('\t')
                .next()
                .unwrap()
                .split(' ')
                .all(|rank| rank == "-" || RANKS.contains(&rank));
            assert!(known && line.split('\t').count() == 4, "{line}");
            for (word, meaning) in words_of_line(line) {
                assert!(!word.is_empty() && word.split(' ').count() <= WORDS_MAX, "{line}");
                let other = seen.insert(word.clone(), meaning.title);
                assert!(other.is_none_or(|other| other == meaning.title), "{word}");
            }
        }
    }
}
