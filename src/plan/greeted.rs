//! Who is greeted without title or gender, or without a name, as findings.
//!
//! Owns notes and warnings only: how somebody is greeted was decided in `recipients/greeting/`.

use super::{Materials, Planned};
use crate::language::Language;
use crate::limits::NAMES_SHOWN_MAX;
use crate::problem::{Place, Problem, Problems};
use crate::recipients::Recipient;
use crate::recipients::greeting::Kind;
use std::collections::BTreeMap;

/// People of one list who are greeted in one way: how many, and the first of them.
#[derive(Default)]
struct Greeted<'a> {
    count: usize,
    first: Vec<&'a Recipient>,
}

/// Reports, for each list, who is greeted neutrally, and letters in languages that have no greeting.
pub(super) fn report(materials: &Materials<'_>, deliveries: &[Planned], problems: &mut Problems) {
    let mut found: BTreeMap<(Kind, &str), Greeted<'_>> = BTreeMap::new();
    let mut languages: BTreeMap<&Language, usize> = BTreeMap::new();
    for planned in deliveries {
        *languages.entry(&planned.language).or_default() += 1;
        if !matches!(planned.greeting, Kind::Neutral | Kind::Nameless) {
            continue;
        }
        let recipient = &materials.people.recipients[planned.recipient];
        let greeted = found.entry((planned.greeting, &recipient.place.file)).or_default();
        greeted.count += 1;
        if greeted.first.len() < NAMES_SHOWN_MAX {
            greeted.first.push(recipient);
        }
    }
    found.iter().for_each(|((kind, file), greeted)| problems.push(described(*kind, file, greeted)));
    for (language, count) in languages {
        if !materials.greetings.knows(language) {
            let folder = materials.letters.folder();
            problems.push(no_greeting(language, count).place(Place::file(folder)));
        }
    }
}

/// `27 people are greeted neutrally, for neither title nor gender is known: Ana Pérez (row 14) ...`.
fn described(kind: Kind, file: &str, greeted: &Greeted<'_>) -> Problem {
    let one = |recipient: &&Recipient| {
        let name = recipient.name.as_deref().unwrap_or(recipient.address.as_str());
        format!("{name} (row {})", recipient.place.line.unwrap_or_default())
    };
    let mut names: Vec<String> = greeted.first.iter().map(one).collect();
    if greeted.count > names.len() {
        names.push(format!("and {} more", greeted.count - names.len()));
    }
    let (code, how, hint) = match kind {
        Kind::Nameless => (
            "nameless-greeting",
            "without a name",
            "Write their names into the list, or a greeting into a column of that name.",
        ),
        _ => (
            "neutral-greeting",
            "neutrally, for no title or gender settles it",
            "Fill a column of titles (Ms, Mr, Dr ...) or of gender, if they should be greeted by \
             it; nobody's gender is guessed from a name.",
        ),
    };
    let people = if greeted.count == 1 { "person is" } else { "people are" };
    let message = format!("{} {people} greeted {how}: {}", greeted.count, names.join(", "));
    Problem::note(code, message).place(Place::file(file)).hint(hint).count(greeted.count as u64)
}

fn no_greeting(language: &Language, count: usize) -> Problem {
    let letters = if count == 1 { "letter begins" } else { "letters begin" };
    let message = format!("{count} {letters} in English: no greeting is known in {language}");
    Problem::warning("no-greeting-in-language", message)
        .hint(format!(
            "Write a file greetings.toml with [{language}], neutral = \"... {{name}},\" and \
             nameless = \"...\", or do without {{{{ greeting }}}} in that letter."
        ))
        .count(count as u64)
}
