//! People who are probably in the lists twice, with two addresses.
//!
//! Owns the one rule for it: the same name and the same town; where one of the two rows has no
//! town, the same organisation; where one has neither, the same country. Names are compared without
//! case, accents and order of words. Who has one address twice was decided in `admission.rs`.
//!
//! # Invariants
//! Nobody is left out for a likeness: each pair is a warning. Time and memory grow with the number
//! of people, not with that of pairs.

use super::shown::quoted;
use super::{Recipient, fold};
use crate::problem::{Problem, Problems};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What columns of towns are called in letters, by the likeliest.
const TOWNS: &[&str] = &[
    "town",
    "city",
    "city_town",
    "town_city",
    "ville",
    "commune",
    "ciudad",
    "localidad",
    "municipio",
    "cidade",
    "citta",
    "comune",
    "ort",
    "stadt",
    "municipality",
    "place",
    "город",
    "المدينة",
    "城市",
];
/// What columns of organisations are called.
const ORGANISATIONS: &[&str] = &[
    "organisation",
    "organization",
    "organisme",
    "institution",
    "institucion",
    "organizacion",
    "organizacao",
    "organizzazione",
    "organisation_institution",
    "einrichtung",
    "affiliation",
    "company",
    "employer",
    "организация",
    "المؤسسة",
    "机构",
    "单位",
];

/// Warns of each person who probably stands in an earlier row under another address.
pub(super) fn report(recipients: &[Recipient], problems: &mut Problems) {
    let mut by_name: HashMap<u64, Named> = HashMap::with_capacity(recipients.len());
    let mut places: HashMap<(u64, Whence, u64), usize> = HashMap::new();
    for (index, recipient) in recipients.iter().enumerate() {
        let Some(name) = recipient.name.as_deref().and_then(telling) else { continue };
        let name = digest(&name);
        match by_name.get_mut(&name) {
            None => drop(by_name.insert(name, Named { first: index, is_filed: false })),
            Some(named) => {
                // Most names stand once: places are looked at from the second on.
                if !named.is_filed {
                    named.is_filed = true;
                    file(&mut places, name, named.first, recipients);
                }
                match earlier(&places, name, recipient, recipients) {
                    Some(first) => problems.push(twin(recipient, &recipients[first])),
                    None => file(&mut places, name, index, recipients),
                }
            }
        }
    }
}

/// How likely two rows are one person's, the least likely first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Another name, or one name in two towns, organisations or countries.
    Others,
    /// One name, and nothing in both rows that says where they are from.
    Namesakes,
    /// One name and one town; without a town one organisation, without that one country.
    One,
}

/// How likely two rows are one person's. Even the likeliest may be two.
#[must_use]
pub fn likeness(a: &Recipient, b: &Recipient) -> Likeness {
    if a.name.is_none() || !is_same_name(a, b) {
        return Likeness::Others;
    }
    let levels = origins(a).into_iter().zip(origins(b));
    let told = levels.filter_map(|((_, a), (_, b))| Some(a? == b?)).next();
    match told {
        None => Likeness::Namesakes,
        Some(true) => Likeness::One,
        Some(false) => Likeness::Others,
    }
}

/// Who has a name first, and whether their place is on file.
struct Named {
    first: usize,
    is_filed: bool,
}

/// What two rows have in common besides the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whence {
    Town,
    Organisation,
    Country,
}

/// A name that two people seldom share: two words at least that are no initials, or Chinese,
/// Japanese or Korean letters, which are written without blanks.
fn telling(name: &str) -> Option<String> {
    let folded = fold::name(name);
    let words = folded.split(' ').filter(|word| word.chars().nth(1).is_some()).count();
    let is_whole = words > 1 || folded.chars().any(|c| ('\u{2e80}'..='\u{9fff}').contains(&c));
    is_whole.then_some(folded)
}

/// What a row says of where somebody is from, folded; the country keeps towns of one name apart.
fn origins(recipient: &Recipient) -> [(Whence, Option<u64>); 3] {
    let cell = |names: &[&str]| {
        let value = names.iter().find_map(|name| recipient.values.get(name))?;
        Some(fold::words(value)).filter(|folded| !folded.is_empty())
    };
    [
        (Whence::Town, cell(TOWNS).map(|town| digest(&(town, recipient.country)))),
        (Whence::Organisation, cell(ORGANISATIONS).map(|organisation| digest(&organisation))),
        (Whence::Country, recipient.country.map(|country| digest(&country))),
    ]
}

fn file(
    places: &mut HashMap<(u64, Whence, u64), usize>,
    name: u64,
    index: usize,
    recipients: &[Recipient],
) {
    for (whence, origin) in origins(&recipients[index]) {
        if let Some(origin) = origin {
            places.entry((name, whence, origin)).or_insert(index);
        }
    }
}

/// Somebody earlier of this name with the same origin, where neither has a nearer one that differs.
fn earlier(
    places: &HashMap<(u64, Whence, u64), usize>,
    name: u64,
    recipient: &Recipient,
    recipients: &[Recipient],
) -> Option<usize> {
    let own = origins(recipient);
    for (level, (whence, origin)) in own.iter().enumerate() {
        let found = origin.and_then(|origin| places.get(&(name, *whence, origin)).copied());
        let Some(found) = found else { continue };
        let theirs = origins(&recipients[found]);
        let differs = |n: usize| own[n].1.is_some() && theirs[n].1.is_some();
        // The places are digests; the names are made sure of.
        if !(0..level).any(differs) && is_same_name(recipient, &recipients[found]) {
            return Some(found);
        }
    }
    None
}

fn is_same_name(a: &Recipient, b: &Recipient) -> bool {
    let folded = |r: &Recipient| r.name.as_deref().map(fold::name);
    folded(a) == folded(b)
}

fn twin(recipient: &Recipient, first: &Recipient) -> Problem {
    let name = quoted(recipient.name.as_deref().unwrap_or_default());
    let message = format!(
        "{name} is probably the same person as in {}, and would get two letters: {} and {}",
        first.place, first.address, recipient.address
    );
    let hint = format!(
        "If so: secretariat people merge {} {}. Or take one of the rows out.",
        who(recipient),
        in_shell(first.listed_address())
    );
    Problem::warning("probable-duplicate", message)
        .hint(hint)
        .place(recipient.place.clone())
        .recipient(recipient.address.as_str())
}

/// A person as a command names them: by the address, and by the name too where others share it.
fn who(recipient: &Recipient) -> String {
    let address = recipient.listed_address();
    match &recipient.name {
        Some(name) if recipient.key.has_name() => {
            in_shell(&format!("{} <{address}>", name.replace('"', "")))
        }
        _ => in_shell(address),
    }
}

/// One word for a shell.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._+-".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("\"{word}\"") }
}

fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::tests_of_lists::options;
    use super::super::{ListSource, gather};
    use super::*;

    /// The lines of a list that are warned of, each with the line it is like.
    #[track_caller]
    fn check(header: &str, rows: &[&str], expected: &[&str]) {
        let rows: String =
            (1..).zip(rows).map(|(n, row)| format!("p{n}@x.example,{row}\n")).collect();
        let list = format!("email,{header}\n{rows}");
        let source = ListSource { file: "l", bytes: list.as_bytes() };
        let mut problems = Problems::new();
        gather(&[source], &options(), &mut problems);
        let like = |p: &Problem| {
            let first = p.message.split("as in ").nth(1)?.split(',').next()?.to_owned();
            Some(format!("{} {first}", p.place.as_ref()?))
        };
        let found: Vec<String> =
            problems.iter().filter(|p| p.code == "probable-duplicate").filter_map(like).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_name_in_one_town_is_probably_one_person() {
        check(
            "name,town",
            &["Ana Pérez,Lima", "\"PEREZ, Ana\",LIMA", "Ana Pérez,Cusco", "Ana Pérez Ruiz,Lima"],
            &["l:3 l:2"],
        );
        check("name,Ville", &["王芳,长沙", "王芳,长沙市", "王芳,长沙"], &["l:4 l:2"]);
    }

    #[test]
    fn without_a_town_the_organisation_tells_and_without_that_the_country() {
        let rows = ["Ana Pérez,Lima,ACME,Peru", "Ana Pérez,,Acme,Peru", "Ana Pérez,,Other,Peru"];
        check("name,town,organisation,country", &rows, &["l:3 l:2"]);
        check("name,country", &["Ana Pérez,Peru", "Ana Pérez,PE", "Ana Pérez,Chile"], &["l:3 l:2"]);
        check("name,town,country", &["Ana Pérez,Lima,Peru", "Ana Pérez,Cusco,Peru"], &[]);
        check("name,town,country", &["A Li Wu,York,GB", "A Li Wu,York,US"], &[]);
    }

    #[test]
    fn half_a_name_an_initial_or_a_name_alone_tell_nothing() {
        check("name,town", &["Ana,Lima", "Ana,Lima", "A. Pérez,Lima", "A. Pérez,Lima"], &[]);
        check("name", &["Ana Pérez", "Ana Pérez"], &[]);
        check("name,town", &[",Lima", ",Lima"], &[]);
    }

    /// Ten thousand of one name are ten thousand warnings at most, not their square.
    #[test]
    fn many_of_one_name_take_no_longer_each() {
        let rows: Vec<String> = (0..10_000).map(|n| format!("Test Person,Town{}", n / 2)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let list: String =
            rows.iter().zip(0..).map(|(r, n)| format!("p{n}@x.example,{r}\n")).collect();
        let list = format!("email,name,town\n{list}");
        let mut problems = Problems::new();
        let source = ListSource { file: "l", bytes: list.as_bytes() };
        gather(&[source], &options(), &mut problems);
        assert_eq!(problems.iter().filter(|p| p.code == "probable-duplicate").count(), 5_000);
    }
}
