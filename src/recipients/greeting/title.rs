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
use super::gender;
use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_script::{Script, UnicodeScript};

const TABLE: &str = include_str!("titles.tsv");

/// Offices and degrees by the names of their forms, the one that is greeted by first.
pub(super) const RANKS: [&str; 29] = [
    "excellency",
    "ambassador",
    "minister",
    "governor",
    "prefect",
    "lord_mayor",
    "chief_mayor",
    "mayor",
    "deputy_mayor",
    "senator",
    "deputy",
    "councillor",
    "president",
    "rector",
    "director",
    "consul",
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
        let mayor_too =
            implied("chief_mayor", "mayor") | implied("lord_mayor", "chief_mayor mayor");
        Ranks(both.0 | doctor_too | mayor_too)
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
    /// Whether it is that of several people: `Mr and Mrs`, `Familie`, `MM.`
    pub(super) is_several: bool,
}

impl Title {
    /// Whether anything is known of it.
    pub(super) fn says_something(self) -> bool {
        self.gender != Gender::Unsaid || !self.ranks.is_empty()
    }

    /// What two titles of one person come to: one in its column, one before the name.
    pub(super) fn and(self, other: Title) -> Title {
        Title {
            gender: self.gender.and(other.gender),
            ranks: self.ranks.and(other.ranks),
            is_unknown: self.is_unknown || other.is_unknown,
            is_several: self.is_several || other.is_several,
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
    let title = Title { gender, ranks, ..Title::default() };
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
/// Words before an office that make it one person's: `Monsieur le Maire`, `Madame l’Ambassadrice`.
const ARTICLES: &[&str] = &["le", "la", "l", "el", "il", "the"];
/// Words between the titles of two people: `Mr and Mrs`.
const AND: &[&str] = &["and", "und", "et", "y", "и", "та", "ve", "و"];
/// Words between two titles of which one is the person's: `Mr or Ms`.
const OR: &[&str] = &["or", "oder", "ou", "o", "или", "або", "veya", "أو", "او"];
/// The same, where they are also letters or other words: only between titles that say the gender.
const AND_BETWEEN_GENDERS: &[&str] = &["e", "en", "i"];
const OR_BETWEEN_GENDERS: &[&str] = &["of"];
/// Words that mean several people, as [`fold::words`] leaves them.
const SEVERAL: &[&str] = &[
    "mm",
    "mmes",
    "messieurs",
    "mesdames",
    "messrs",
    "mesdemoiselles",
    "herren",
    "damen",
    "eheleute",
    "ehepaar",
    "familie",
    "family",
    "famille",
    "familia",
    "famiglia",
    "sres",
    "sras",
    "senores",
    "senoras",
    "srs",
    "senhores",
    "senhoras",
    "sigg",
    "signori",
    "господа",
    "дамы",
    "супруги",
    "семья",
    "الساده",
    "السيدات",
    "عائله",
    "panstwo",
];

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
    if words.iter().any(|word| SEVERAL.contains(word)) {
        return Title { gender: Gender::Contradictory, is_several: true, ..Title::default() };
    }
    let title = of_two(&words).unwrap_or_else(|| read_words(&words));
    // `Divers` and `female` stand in forms that ask for both in one.
    match gender::of_word(&cell).filter(|_| title.is_unknown && !title.says_something()) {
        Some(gender) => Title { gender, ..Title::default() },
        None => title,
    }
}

/// The title of a cell that has those of two people, or of one of two.
fn of_two(words: &[&str]) -> Option<Title> {
    let at = |word: &[&str]| words.iter().skip(1).position(|w| word.contains(w)).map(|at| at + 1);
    let sides = |at: usize| (read_words(&words[..at]), read_words(&words[at + 1..]));
    let is_between_genders = |at: &usize| {
        let (left, right) = sides(*at);
        let says = |title: Title| title.gender != Gender::Unsaid && !title.is_unknown;
        says(left) && says(right)
    };
    let and = at(AND).or_else(|| at(AND_BETWEEN_GENDERS).filter(is_between_genders));
    let or = at(OR).or_else(|| at(OR_BETWEEN_GENDERS).filter(is_between_genders));
    let (left, right) = sides(and.or(or)?);
    let is_unknown = left.is_unknown || right.is_unknown;
    // `Minister of Health and Education` is one person's.
    let is_of_what = |at: usize| words[..at].iter().any(|word| OF_WHAT.contains(word));
    if and.is_some_and(is_of_what) && right.is_unknown && !left.is_unknown {
        return None;
    }
    // Neither is this person's for certain.
    let is_several = and.is_some() && !is_unknown;
    Some(Title { gender: Gender::Contradictory, ranks: Ranks::default(), is_unknown, is_several })
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
            None if is_article(rest, title) => rest = &rest[1..],
            // `Minister Counsellor` is no minister; a degree stays one, whatever follows.
            None => return Title { is_unknown: true, ranks: title.ranks.kept(), ..title },
        }
    }
    title
}

/// Whether an article stands before an office: behind a courtesy, or where nothing was said before.
fn is_article(words: &[&str], before: Title) -> bool {
    let is_office = || longest(&words[1..]).is_some_and(|(m, _)| !m.title.ranks.is_empty());
    let is_behind_courtesy = before.ranks.is_empty() && before.gender != Gender::Unsaid;
    ARTICLES.contains(&words[0]) && (is_behind_courtesy || words[0] == "the") && is_office()
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

/// Whether a text is a title, and seldom a name: `Frau`, `Frau Dr.`, `السيد`, `سعادة السفير`. `Mayor`,
/// `Pan`, `Don` and `De Heer` are names of families as well.
pub(in super::super) fn is_no_name(text: &str) -> bool {
    let is_arabic = text.chars().next().is_some_and(|c| c.script() == Script::Arabic);
    let has_title = || text.split_whitespace().any(|word| before_name(word).is_some());
    if !is_arabic && !has_title() {
        return false;
    }
    let title = read(text);
    title.says_something() && !title.is_unknown
}

/// Titles that Chinese writes behind a name: `王芳女士`.
pub(super) const BEHIND_NAMES: &[&str] = &["女士", "先生", "小姐", "教授", "博士"];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(title: Title) -> String {
        let ranks: Vec<&str> = title.ranks.names().collect();
        let unknown = if title.is_unknown { " ?" } else { "" };
        let unknown = if title.is_several { " several" } else { unknown };
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
                "Mr or Ms",
                "Sr. o Sra.",
                "Herr oder Frau",
                "г-н или г-жа",
                "Mme ou M.",
                "Dhr. of Mevr.",
            ],
            "Contradictory",
        );
    }

    #[test]
    fn titles_of_several_people_are_no_ones() {
        check(
            &[
                "Mr and Mrs",
                "Mr & Mrs",
                "Dr and Mrs",
                "Herr und Frau",
                "M. et Mme",
                "Sr. y Sra.",
                "Sig. e Sig.ra",
                "Mayor of Lima and Mrs",
                "MM",
                "MM.",
                "Mmes",
                "Messieurs",
                "Familie",
                "Familie Dr.",
            ],
            "Contradictory  several",
        );
        check(&["Minister of Health and Education"], "Unsaid minister");
        check(&["H.E. Mr"], "Male excellency");
    }

    #[test]
    fn an_article_between_courtesy_and_office_hides_neither() {
        check(&["Monsieur le Maire", "M. le Maire", "M. le Maire de Lyon"], "Male mayor");
        check(&["Madame la Maire", "Mme la maire", "Mme le Maire"], "Female mayor");
        check(&["Monsieur le Ministre"], "Male minister");
        check(&["Monsieur l’Ambassadeur", "M. l'Ambassadeur"], "Male ambassador");
        check(&["Madame la Préfète", "Mme le Préfet"], "Female prefect");
        check(&["Monsieur le Président du Conseil"], "Male president");
        check(
            &["Lord Mayor", "The Right Worshipful the Lord Mayor"],
            "Unsaid lord_mayor+chief_mayor+mayor",
        );
        check(&["Mme la Cheffe", "Mme la Ministre déléguée"], "Female  ?");
    }

    #[test]
    fn words_of_gender_and_of_silence_are_titles_that_say_so() {
        check(&["Divers", "divers", "non-binary"], "Neither");
        check(&["none", "keine Angabe"], "Unsaid");
        check(&["female", "weiblich"], "Female");
    }

    #[test]
    fn a_title_that_no_family_is_called_by_is_no_name() {
        for (text, expected) in [
            ("السيد", true),
            ("سعادة السفير", true),
            ("الدكتورة", true),
            ("Frau", true),
            ("Dr.", true),
            ("Frau Dr.", true),
            ("Mayor", false),
            ("Pan", false),
            ("Sir", false),
            ("Don", false),
            ("De Heer", false),
            ("Le Maire", false),
            ("منصور", false),
            ("Pérez García", false),
        ] {
            assert_eq!(is_no_name(text), expected, "{text}");
        }
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
