//! What a careful person would look at in the names and titles of the lists before letters greet by
//! them.
//!
//! Owns findings only; nobody is greeted otherwise for them. Titles and genders nobody knows and
//! that contradict each other, names all in capitals or in small letters, and names that stand
//! the wrong way round, the latter only where other rows or the writing itself show it.

use super::super::People;
use super::super::shown::{counted, quoted};
use super::gender::Said;
use super::title::{self, Gender, Title};
use super::{Greetings, Parts, person};
use crate::language::Language;
use crate::limits::{NAMES_SHOWN_MAX, VALUES_REPORTED_MAX};
use crate::problem::{Place, Problem, Problems};
use crate::recipients::Recipient;
use std::collections::{BTreeMap, HashMap};
use unicode_script::{Script, UnicodeScript};

/// Reports what is doubtful about titles, genders and names. `letter`: the language of the letter for a
/// reader of a language.
pub fn review(
    people: &People,
    greetings: &Greetings,
    letter: &dyn Fn(&Language) -> Language,
    problems: &mut Problems,
) {
    let reader = Readers { greetings, letter };
    review_titles(&people.recipients, &reader, problems);
    review_genders(&people.recipients, problems);
    review_case(&people.recipients, &reader, problems);
    review_order(&people.recipients, problems);
    review_families(&people.recipients, problems);
}

/// In which language, and how, somebody is greeted.
struct Readers<'a> {
    greetings: &'a Greetings,
    letter: &'a dyn Fn(&Language) -> Language,
}

impl Readers<'_> {
    fn greeting(&self, recipient: &Recipient) -> String {
        let language = (self.letter)(&recipient.language);
        self.greetings.greet(&language, recipient).as_str().to_owned()
    }

    /// Whether the workspace has a form of its own for a title, in the language of a person's letter.
    fn has_form(&self, title: &str, recipient: &Recipient) -> bool {
        if self.greetings.own.is_empty() {
            return false;
        }
        let title = super::fold::condensed(title);
        let own = (self.letter)(&recipient.language).fall_backs();
        let mut own = own.iter().filter_map(|language| self.greetings.own.get(language));
        own.any(|own| !own.titles.get(&title).is_empty())
    }
}

/// A value that is a finding: in how many rows, the first of them, and who reads which language.
struct Seen<'a> {
    count: u64,
    first: &'a Recipient,
    languages: BTreeMap<Language, u64>,
    /// What the title says as far as it does.
    title: Title,
}

impl<'a> Seen<'a> {
    fn new(first: &'a Recipient, title: Title) -> Seen<'a> {
        Seen { count: 0, first, languages: BTreeMap::new(), title }
    }
}

type Values<'a> = HashMap<&'a str, Seen<'a>>;

fn review_titles(recipients: &[Recipient], readers: &Readers<'_>, problems: &mut Problems) {
    let (mut titles, mut seconds) = (Values::new(), Values::new());
    // A list has few titles, and many rows.
    let mut read: HashMap<&str, Title> = HashMap::new();
    for recipient in recipients {
        let values = &recipient.values;
        let cell = values.get("title").unwrap_or_default();
        see_title(cell, recipient, readers, &mut read, &mut titles);
        if values.are_second_titles_told() {
            for second in values.second_titles().filter(|second| *second != cell) {
                see_title(second, recipient, readers, &mut read, &mut seconds);
            }
        }
    }
    report_titles(titles, readers, problems);
    report_titles(seconds, readers, problems);
}

fn review_genders(recipients: &[Recipient], problems: &mut Problems) {
    let mut unknown = Values::new();
    let mut unclear = BTreeMap::<(&str, &str), (u64, &Place)>::new();
    for recipient in recipients {
        let Some(gender) = recipient.values.get("gender") else { continue };
        let parts = Parts::of(&recipient.values, None, recipient.country);
        if parts.is_contradicted {
            problems.push(contradiction(recipient, parts.title_cell, gender));
        }
        let place = &recipient.place;
        match parts.gender_said {
            Said::Unknown => {
                let seen = || Seen::new(recipient, Title::default());
                unknown.entry(gender).or_insert_with(seen).count += 1;
            }
            Said::Unclear if parts.title.gender == Gender::Unsaid => {
                unclear.entry((&place.file, gender)).or_insert((0, place)).0 += 1;
            }
            Said::Unclear | Said::Known(_) => {}
        }
    }
    report_genders(unknown, problems);
    for ((_, gender), (count, place)) in unclear {
        problems.push(unclear_gender(gender, count, place));
    }
}

/// Keeps a title that is not known, or is that of several people, unless the workspace greets by it.
fn see_title<'a>(
    cell: &'a str,
    recipient: &'a Recipient,
    readers: &Readers<'_>,
    read: &mut HashMap<&'a str, Title>,
    found: &mut Values<'a>,
) {
    if cell.is_empty() {
        return;
    }
    let of_list = || person::read_title(&recipient.values, cell);
    let title = *read.entry(cell).or_insert_with(of_list);
    let is_finding = title.is_unknown || title.is_several;
    if is_finding && !readers.has_form(cell, recipient) {
        let seen = found.entry(cell).or_insert_with(|| Seen::new(recipient, title));
        seen.count += 1;
        *seen.languages.entry((readers.letter)(&recipient.language)).or_default() += 1;
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

/// Those in most rows first.
fn sorted(found: Values<'_>) -> Vec<(&str, Seen<'_>)> {
    let mut all: Vec<(&str, Seen<'_>)> = found.into_iter().collect();
    all.sort_by(|a, b| (b.1.count, &a.1.first.place, a.0).cmp(&(a.1.count, &b.1.first.place, b.0)));
    all
}

fn report_titles(found: Values<'_>, readers: &Readers<'_>, problems: &mut Problems) {
    let (several, unknown): (Values<'_>, Values<'_>) =
        found.into_iter().partition(|(_, seen)| seen.title.is_several);
    let unknown = sorted(unknown);
    if unknown.len() > VALUES_REPORTED_MAX {
        problems.push(many("title", &unknown));
    } else {
        unknown.iter().for_each(|(text, seen)| problems.push(unknown_title(text, seen, readers)));
    }
    let several = sorted(several);
    several.iter().for_each(|(text, seen)| problems.push(of_several(text, seen, readers)));
}

fn report_genders(found: Values<'_>, problems: &mut Problems) {
    let all = sorted(found);
    if all.len() > VALUES_REPORTED_MAX {
        problems.push(many("gender", &all));
        return;
    }
    for (text, seen) in &all {
        let message =
            format!("the gender {} is not known ({})", quoted(text), counted(seen.count, "row"));
        let hint = "Write F, M or X, or empty the cell.";
        problems.push(seen.warning("unknown-gender", message, hint));
    }
}

impl Seen<'_> {
    fn warning(&self, code: &'static str, message: String, hint: impl Into<String>) -> Problem {
        let place = self.first.place.clone();
        Problem::warning(code, message).hint(hint).place(place).count(self.count)
    }

    /// How the first of them is greeted: `Ana Pérez is greeted "Dear Ana Pérez,"`.
    fn greeted(&self, readers: &Readers<'_>) -> String {
        let who = self.first.name.as_deref().unwrap_or(self.first.address.as_str());
        format!("{who} is greeted {}", quoted(&readers.greeting(self.first)))
    }
}

/// More values than a column of titles or genders has.
fn many(what: &str, all: &[(&str, Seen<'_>)]) -> Problem {
    let rows: u64 = all.iter().map(|(_, seen)| seen.count).sum();
    let shown = all.iter().take(VALUES_REPORTED_MAX);
    let shown: Vec<String> =
        shown.map(|(text, seen)| format!("{} ({})", quoted(text), seen.count)).collect();
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
    let code = if what == "title" { "unknown-title" } else { "unknown-gender" };
    let place = all.first().map_or_else(Place::default, |(_, seen)| seen.first.place.clone());
    Problem::warning(code, message).hint(hint).place(place).count(rows)
}

/// A title that says nothing known, or only in part: with what becomes of it.
fn unknown_title(text: &str, seen: &Seen<'_>, readers: &Readers<'_>) -> Problem {
    let rows = counted(seen.count, "row");
    let message = match seen.title.says_something() {
        true => format!("of the title {} only a part is known ({rows})", quoted(text)),
        false => format!("the title {} is not known ({rows})", quoted(text)),
    };
    let mut languages: Vec<(&Language, &u64)> = seen.languages.iter().collect();
    languages.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let line = |(language, _): &(&Language, &u64)| {
        format!("[{language}.titles] and below it {} = \"{}\"", quoted(text), title_form(language))
    };
    let forms: Vec<String> = languages.iter().take(TITLE_FORMS_SHOWN_MAX).map(line).collect();
    let hint = format!(
        "{}; for another greeting write into greetings.toml: {}.",
        seen.greeted(readers),
        forms.join("; ")
    );
    seen.warning("unknown-title", message, hint)
}

/// `Herr und Frau`.
fn of_several(text: &str, seen: &Seen<'_>, readers: &Readers<'_>) -> Problem {
    let rows = counted(seen.count, "row");
    let message = format!(
        "the title {} is that of several people, and nobody is greeted by it ({rows})",
        quoted(text)
    );
    let hint = format!(
        "{}. Give each a row, with same_address = \"joint\" under [people], or write the greeting into \
         a column greeting.",
        seen.greeted(readers)
    );
    seen.warning("title-of-several", message, hint)
}

/// A form to begin with for a title of the workspace's own.
fn title_form(language: &Language) -> &'static str {
    match language.primary().as_str() {
        "ar" => "حضرة {title} {name}،",
        "de" => "Guten Tag {title} {family_name},",
        "es" => "Estimado/a {title} {family_name}:",
        "fr" => "{title},",
        "it" => "Gentile {title} {family_name},",
        "ja" => "{name} {title}",
        "ko" => "{name} {title}님께",
        "nl" => "Geachte {title} {family_name},",
        "pt" => "Prezado(a) {title} {family_name},",
        "ru" => "Уважаемый(ая) {title} {family_name}!",
        "tr" => "Sayın {title} {name},",
        "zh" => "尊敬的{name}{title}：",
        _ => "Dear {title} {family_name},",
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
    /// Only the family's.
    CapitalFamily,
    Small,
}

fn review_case(recipients: &[Recipient], readers: &Readers<'_>, problems: &mut Problems) {
    let mut found: BTreeMap<(&str, Case), Named<'_>> = BTreeMap::new();
    for recipient in recipients {
        let case = recipient.name.as_deref().and_then(case_of);
        let of_family = || Some(Case::CapitalFamily).filter(|_| shouts_family(recipient, readers));
        if let Some(case) = case.or_else(of_family) {
            found.entry((&recipient.place.file, case)).or_default().add(recipient);
        }
    }
    for ((_, case), named) in found {
        let (code, what, how) = match case {
            Case::Capitals => ("name-in-capitals", "name", "all in capitals"),
            Case::CapitalFamily => ("name-in-capitals", "family name", "all in capitals"),
            Case::Small => ("name-in-small-letters", "name", "without a capital"),
        };
        let are = if named.count == 1 { "is" } else { "s are" };
        let are = if named.count == 1 { format!(" {are}") } else { are.to_owned() };
        let message =
            format!("{} {what}{are} written {how}, and greeted so: {}", named.count, named.shown());
        let place = named.first.first().map_or_else(Place::default, |r| r.place.clone());
        let hint = "Write them in the list as they should stand in a letter: nobody else knows \
                    whether MCDONALD is McDonald.";
        problems.push(Problem::warning(code, message).place(place).hint(hint).count(named.count));
    }
}

/// Whether the family name alone is written in capitals, and the greeting shows it without the rest.
fn shouts_family(recipient: &Recipient, readers: &Readers<'_>) -> bool {
    let Some(family) = recipient.values.get("family_name") else { return false };
    if !is_shouted(family) || recipient.greeting.is_some() {
        return false;
    }
    let greeting = readers.greeting(recipient);
    greeting.contains(family) && !recipient.name.as_deref().is_some_and(|n| greeting.contains(n))
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
/// One family in so many may be called by a title where Arabic is written; with more, the column is
/// doubtful.
const ARABIC_TITLES_IN: u64 = 5;
/// Languages for which a form for an unknown title is proposed.
const TITLE_FORMS_SHOWN_MAX: usize = 2;

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

/// Names of families of one list that are titles, or no part of the whole name.
#[derive(Default)]
struct Families<'a> {
    filled: u64,
    titles: Named<'a>,
    /// Titles that families are called by in Arabic: `السيد`.
    arabic: Named<'a>,
    others: Named<'a>,
}

fn review_families(recipients: &[Recipient], problems: &mut Problems) {
    let mut lists: BTreeMap<&str, Families<'_>> = BTreeMap::new();
    // Many are called alike, and few by a title.
    let mut known: HashMap<&str, bool> = HashMap::new();
    for recipient in recipients {
        let Some(family) = recipient.values.get("family_name") else { continue };
        let list = lists.entry(&recipient.place.file).or_default();
        list.filled += 1;
        if *known.entry(family).or_insert_with(|| title::is_no_name(family)) {
            let is_arabic = family.starts_with(|c: char| c.script() == Script::Arabic);
            (if is_arabic { &mut list.arabic } else { &mut list.titles }).add(recipient);
        } else if recipient.name.as_deref().is_some_and(|n| person::is_another_name(n, family)) {
            list.others.add(recipient);
        }
    }
    for (_, list) in lists {
        report_families(list, problems);
    }
}

fn report_families(mut list: Families<'_>, problems: &mut Problems) {
    if list.arabic.count * ARABIC_TITLES_IN > list.filled {
        list.titles.count += list.arabic.count;
        list.titles.first.extend(list.arabic.first.iter().take(NAMES_SHOWN_MAX));
        list.titles.first.truncate(NAMES_SHOWN_MAX);
    }
    let cells = |named: &Named<'_>| {
        let cell = |r: &&Recipient| quoted(r.values.get("family_name").unwrap_or_default());
        let row = |r: &&Recipient| r.place.line.unwrap_or_default();
        let shown = named.first.iter().map(|r| (cell(r), row(r)));
        let shown: Vec<String> = shown.map(|(cell, row)| format!("{cell} (row {row})")).collect();
        match named.count as usize - shown.len() {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    let mut report = |named: &Named<'_>, code, (one, several): (&str, &str), hint: &str| {
        let Some(first) = named.first.first() else { return };
        let are = if named.count == 1 { "is" } else { "are" };
        let what = if named.count == 1 { one } else { several };
        let names = counted(named.count, "family name");
        let message = format!("{names} {are} {what}, and not greeted by: {}", cells(named));
        let problem = Problem::warning(code, message).hint(hint).count(named.count);
        problems.push(problem.place(first.place.clone()));
    };
    let hint = "Exchange the cells, or say in secretariat.toml which column holds what, under \
                [columns]: title = \"...\" and family_name = \"...\".";
    report(&list.titles, "title-as-name", ("probably a title", "probably titles"), hint);
    let hint = "Correct one of the two cells, or say in secretariat.toml, under [columns], which \
                column family_name is.";
    report(
        &list.others,
        "family-not-in-name",
        ("no part of the whole name", "no parts of the whole names"),
        hint,
    );
}
