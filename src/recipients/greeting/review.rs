//! What a careful person would look at in the names and titles of the lists before letters greet by
//! them.
//!
//! Owns findings only; nobody is greeted otherwise for them. Titles and genders nobody knows and
//! that contradict each other, names all in capitals or in small letters, and names that stand
//! the wrong way round, the latter only where other rows or the writing itself show it.

use super::super::People;
use super::super::shown::{counted, quoted};
use super::gender::Said;
use super::title::{self, Gender};
use super::{Greetings, Parts};
use crate::limits::{NAMES_SHOWN_MAX, VALUES_REPORTED_MAX};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::Recipient;
use std::collections::{BTreeMap, HashMap};
use unicode_script::{Script, UnicodeScript};

/// Reports what is doubtful about titles, genders and names.
pub fn review(people: &People, greetings: &Greetings, problems: &mut Problems) {
    review_titles(&people.recipients, greetings, problems);
    review_case(&people.recipients, problems);
    review_order(&people.recipients, problems);
}

/// A value that nobody knows, and where it stands first.
type Unknown<'a> = HashMap<&'a str, (u64, &'a Place)>;

fn review_titles(recipients: &[Recipient], greetings: &Greetings, problems: &mut Problems) {
    let (mut titles, mut genders) = (Unknown::new(), Unknown::new());
    let mut unclear = BTreeMap::<(&str, &str), (u64, &Place)>::new();
    // A list has few titles, and many rows.
    let mut read: HashMap<&str, bool> = HashMap::new();
    for recipient in recipients {
        let cell = recipient.values.get("title").unwrap_or_default();
        let gender = recipient.values.get("gender").unwrap_or_default();
        let is_unknown = |cell: &str| title::read(cell).is_unknown && !greetings.has_title(cell);
        if !cell.is_empty() && *read.entry(cell).or_insert_with(|| is_unknown(cell)) {
            titles.entry(cell).or_insert((0, &recipient.place)).0 += 1;
        }
        if !gender.is_empty() {
            let parts = Parts::of(&recipient.values, None, recipient.country);
            if parts.is_contradicted {
                problems.push(contradiction(recipient, cell, gender));
            }
            let place = &recipient.place;
            match parts.gender_said {
                Said::Unknown => genders.entry(gender).or_insert((0, place)).0 += 1,
                Said::Unclear if parts.title.gender == Gender::Unsaid => {
                    unclear.entry((&place.file, gender)).or_insert((0, place)).0 += 1;
                }
                Said::Unclear | Said::Known(_) => {}
            }
        }
    }
    report_unknown("title", titles, problems);
    report_unknown("gender", genders, problems);
    for ((_, gender), (count, place)) in unclear {
        problems.push(unclear_gender(gender, count, place));
    }
}

/// `M` that may be a man's or a woman's.
fn unclear_gender(gender: &str, count: u64, place: &Place) -> Problem {
    let message = format!(
        "the gender {} may mean a woman or a man in this list, and nobody is greeted by it ({})",
        quoted(gender),
        counted(count, "row")
    );
    let hint = "Write whole words into that column, such as female and male, mujer and hombre.";
    Problem::warning("unclear-gender", message).hint(hint).place(place.clone()).count(count)
}

fn contradiction(recipient: &Recipient, title: &str, gender: &str) -> Problem {
    let who = recipient.name.as_deref().unwrap_or(recipient.address.as_str());
    let message = format!(
        "the title {} and the gender {} of {who} contradict each other",
        quoted(title),
        quoted(gender)
    );
    Problem::warning("title-against-gender", message)
        .place(recipient.place.clone())
        .recipient(recipient.address.as_str())
        .hint("Correct one of the two cells; until then the greeting goes by neither.")
}

fn report_unknown(what: &str, unknown: Unknown<'_>, problems: &mut Problems) {
    let mut all: Vec<(&str, (u64, &Place))> = unknown.into_iter().collect();
    all.sort_by(|a, b| (b.1.0, a.1.1, a.0).cmp(&(a.1.0, b.1.1, b.0)));
    let rows: u64 = all.iter().map(|(_, (count, _))| count).sum();
    let code = if what == "title" { "unknown-title" } else { "unknown-gender" };
    if all.len() > VALUES_REPORTED_MAX {
        let shown: Vec<String> = all
            .iter()
            .take(VALUES_REPORTED_MAX)
            .map(|(text, (count, _))| format!("{} ({count})", quoted(text)))
            .collect();
        let message = format!(
            "{} {what}s are not known, in {}: {} and {} more",
            all.len(),
            counted(rows, "row"),
            shown.join(", "),
            all.len() - shown.len()
        );
        let hint = format!(
            "If that column holds something else, such as posts, name the right one in \
             secretariat.toml, under [columns]: {what} = \"...\"."
        );
        let place = all.first().map_or_else(Place::default, |(_, (_, place))| (*place).clone());
        problems.push(Problem::warning(code, message).hint(hint).place(place).count(rows));
        return;
    }
    for (text, (count, place)) in all {
        let message =
            format!("the {what} {} is not known ({})", quoted(text), counted(count, "row"));
        let hint = match what {
            "title" => format!(
                "Nobody is greeted by it; if people should be, write a form into greetings.toml: \
                 [en.titles] and below it {} = \"Dear {{title}} {{family_name}},\".",
                quoted(text)
            ),
            _ => "Write F, M or X, or empty the cell.".to_owned(),
        };
        problems.push(Problem::warning(code, message).hint(hint).place(place.clone()).count(count));
    }
}

/// Names of one kind in one list.
#[derive(Default)]
struct Named<'a> {
    count: u64,
    first: Vec<&'a Recipient>,
}

impl<'a> Named<'a> {
    fn add(&mut self, recipient: &'a Recipient) {
        self.count += 1;
        if self.first.len() < NAMES_SHOWN_MAX {
            self.first.push(recipient);
        }
    }

    /// `ANA PÉREZ (row 14), BO LI (row 20) and 3 more`.
    fn shown(&self) -> String {
        let one = |recipient: &&Recipient| {
            let name = recipient.name.as_deref().unwrap_or(recipient.address.as_str());
            format!("{name} (row {})", recipient.place.line.unwrap_or_default())
        };
        let names: Vec<String> = self.first.iter().map(one).collect();
        match self.count as usize - names.len() {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// How the letters of a name are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    Capitals,
    Small,
}

fn review_case(recipients: &[Recipient], problems: &mut Problems) {
    let mut found: BTreeMap<(&str, Case), Named<'_>> = BTreeMap::new();
    for recipient in recipients {
        if let Some(case) = recipient.name.as_deref().and_then(case_of) {
            found.entry((&recipient.place.file, case)).or_default().add(recipient);
        }
    }
    for ((_, case), named) in found {
        let (code, how) = match case {
            Case::Capitals => ("name-in-capitals", "all in capitals"),
            Case::Small => ("name-in-small-letters", "without a capital"),
        };
        let are = if named.count == 1 { "name is" } else { "names are" };
        let message =
            format!("{} {are} written {how}, and greeted so: {}", named.count, named.shown());
        let place = named.first.first().map_or_else(Place::default, |r| r.place.clone());
        let hint = "Write them in the list as they should stand in a letter: nobody else knows \
                    whether MCDONALD is McDonald.";
        problems.push(Problem::warning(code, message).place(place).hint(hint).count(named.count));
    }
}

/// Whether a whole name of some length is written in one case. Only in scripts that have two.
fn case_of(name: &str) -> Option<Case> {
    let (mut big, mut small, mut letters) = (false, false, 0);
    for c in name.chars() {
        big |= c.is_uppercase();
        small |= c.is_lowercase();
        if big && small {
            return None;
        }
        letters += usize::from(c.is_alphabetic());
    }
    let has_two_cases = |c: char| {
        matches!(c.script(), Script::Latin | Script::Cyrillic | Script::Greek | Script::Armenian)
    };
    // `LI` may be all of a name, and `JFK` a habit.
    if letters < 4 || !name.chars().all(|c| !c.is_alphabetic() || has_two_cases(c)) {
        return None;
    }
    match (big, small) {
        (true, false) => Some(Case::Capitals),
        (false, true) => Some(Case::Small),
        _ => None,
    }
}

/// Chinese and Korean family names of one character, by which a given name can be told from them.
const ONE_CHARACTER_FAMILIES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾萧\
    田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方邹孟熊秦邱侯江尹薛\
    张劉陳楊黃趙吳孫馬鄭謝羅許韓馮鄧蕭蔣葉蘇呂盧鐘譚陸範廖賈韋鄒김이박최정강조윤장임한오서신권황안송류홍";

/// Rows of which a list needs so many that write family names in capitals to call it its habit.
const HABIT_ROWS_MIN: u64 = 5;

/// Given and family name of a row, where both are written in columns of their own.
fn both(recipient: &Recipient) -> Option<(&str, &str)> {
    Some((recipient.values.get("given_name")?, recipient.values.get("family_name")?))
}

fn review_order(recipients: &[Recipient], problems: &mut Problems) {
    // How often a name is given and how often a family's.
    let mut uses: HashMap<&str, (u32, u32)> = HashMap::new();
    let mut habits: HashMap<&str, (u64, u64)> = HashMap::new();
    for recipient in recipients {
        let Some((given, family)) = both(recipient) else { continue };
        uses.entry(given).or_default().0 += 1;
        uses.entry(family).or_default().1 += 1;
        if is_shouted(family) != is_shouted(given) {
            let habit = habits.entry(&recipient.place.file).or_default();
            *(if is_shouted(family) { &mut habit.0 } else { &mut habit.1 }) += 1;
        }
    }
    for recipient in recipients {
        let Some((given, family)) = both(recipient) else { continue };
        let used = |name: &str| uses.get(name).copied().unwrap_or_default();
        let (of_given, of_family) = (used(given), used(family));
        let by_others = of_given.0 == 1 && of_given.1 > 1 && of_family.1 == 1 && of_family.0 > 1;
        let (right, wrong) = habits.get(recipient.place.file.as_str()).copied().unwrap_or_default();
        let by_habit = right >= HABIT_ROWS_MIN
            && right > 4 * wrong
            && is_shouted(given)
            && !is_shouted(family);
        if by_others || by_habit || is_shown_by_writing(given, family) {
            problems.push(swapped(recipient, given, family));
        }
    }
}

/// In capitals, with more than two letters.
fn is_shouted(name: &str) -> bool {
    case_of(name) == Some(Case::Capitals)
}

/// A given name that is a family name of one character beside a family name of two, or a family
/// name that ends with a patronymic.
fn is_shown_by_writing(given: &str, family: &str) -> bool {
    let mut letters = given.chars();
    let one = letters.next().filter(|_| letters.next().is_none());
    let is_family = one.is_some_and(|c| !c.is_ascii() && ONE_CHARACTER_FAMILIES.contains(c));
    let is_two = || {
        let is_east_asian = |c: char| matches!(c.script(), Script::Han | Script::Hangul);
        family.chars().count() == 2
            && family.chars().all(is_east_asian)
            && !family.starts_with(|c| ONE_CHARACTER_FAMILIES.contains(c))
            && !TWO_CHARACTER_FAMILIES.contains(&family)
    };
    is_family && is_two() || ends_with_patronymic(family) && !given.contains(' ')
}

/// Family names of two characters.
const TWO_CHARACTER_FAMILIES: &[&str] = &[
    "欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "东方", "東方", "公孙", "公孫", "慕容",
    "皇甫", "尉迟", "长孙", "長孫", "令狐", "司徒", "夏侯", "남궁", "황보", "선우", "제갈", "독고",
];

fn ends_with_patronymic(family: &str) -> bool {
    let Some((first, last)) = family.split_once(' ') else { return false };
    let is_one =
        |word: &str| ["ович", "евич", "овна", "евна", "ична"].iter().any(|e| word.ends_with(e));
    is_one(last) && !is_one(first)
}

fn swapped(recipient: &Recipient, given: &str, family: &str) -> Problem {
    let message = format!(
        "given name {} and family name {} probably stand the wrong way round",
        quoted(given),
        quoted(family)
    );
    Problem::warning("swapped-names", message)
        .place(recipient.place.clone())
        .recipient(recipient.address.as_str())
        .hint("Exchange the two cells, if that is so.")
}

impl Greetings {
    /// Whether a workspace has a form of its own for a title.
    fn has_title(&self, title: &str) -> bool {
        let title = super::fold::condensed(title);
        self.own.values().any(|own| !own.titles.get(&title).is_empty())
    }
}
