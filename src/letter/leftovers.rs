//! What a draft leaves behind in a letter: notes to oneself, places to be filled in, merge fields
//! of other programs.
//!
//! Owns these guesses. Any of them may be meant as it stands, so they are warnings (contract,
//! Severities); where the same signs are ordinary punctuation (`[`, `«`) only a name of a column or
//! a word such as `name` counts.

use super::grammar;
use super::names::Found;
use crate::problem::Problem;

/// Longest text between two signs that may be a place to be filled in, in characters.
const PLACE_CHARS_MAX: usize = 40;

/// What stands in places to be filled in, folded as columns are named, or in lower case.
const PLACES: &[&str] = &[
    "name",
    "first_name",
    "firstname",
    "last_name",
    "lastname",
    "surname",
    "full_name",
    "fullname",
    "title",
    "salutation",
    "address",
    "email",
    "city",
    "town",
    "country",
    "organisation",
    "organization",
    "company",
    "position",
    "date",
    "time",
    "place",
    "venue",
    "number",
    "link",
    "url",
    "your_name",
    "signature",
    "text",
    "insert",
    "nom",
    "prenom",
    "ville",
    "pays",
    "lien",
    "lieu",
    "nombre",
    "apellido",
    "apellidos",
    "ciudad",
    "pais",
    "fecha",
    "enlace",
    "lugar",
    "vorname",
    "nachname",
    "datum",
    "ort",
    "имя",
    "фамилия",
    "город",
    "страна",
    "дата",
    "ссылка",
    "место",
    "姓名",
    "名字",
    "城市",
    "国家",
    "日期",
    "链接",
    "الاسم",
    "المدينة",
    "البلد",
    "التاريخ",
    "الرابط",
];

/// How places are marked: the signs, and whether ordinary text uses them too. The longer first.
const SIGNS: &[(&str, &str, bool)] = &[
    ("[[", "]]", false),
    ("<<", ">>", false),
    ("*|", "|*", false),
    ("${", "}", false),
    ("%%", "%%", false),
    ("[", "]", true),
    ("{", "}", true),
    ("«", "»", true),
    ("%", "%", true),
];

/// Words that are notes to oneself wherever they stand, as written.
const NOTES: &[&str] = &["TODO", "FIXME", "TBC", "TBD"];

/// Phrases that stand for what was to be written, in lower case.
const PHRASES: &[&str] = &[
    "lorem ipsum",
    "insert link",
    "insert name",
    "insert date",
    "insert text",
    "insert title",
    "insert url",
    "your text here",
];

/// Looks through a text without tags; places are in bytes of it. `is_known` says whether a name in
/// single braces is told already.
pub(super) fn leftovers(
    text: &str,
    columns: &[String],
    is_known: impl Fn(&str) -> bool,
) -> Vec<Found> {
    let mut found: Vec<Found> = places(text, columns, is_known);
    let notes = words(text).filter(|(at, word)| is_note(text, *at, word));
    found.extend(notes.map(|(at, word)| (at, left_over(word, None))));
    let lower = text.to_ascii_lowercase();
    for phrase in PHRASES {
        let at = lower.match_indices(phrase).map(|(at, _)| at);
        found.extend(at.map(|at| (at, left_over(&text[at..at + phrase.len()], None))));
    }
    found.sort_by_key(|(at, _)| *at);
    found
}

/// Places to be filled in, such as `[Name]` and `<<name>>`.
fn places(text: &str, columns: &[String], is_known: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begins = SIGNS.iter().find(|(open, ..)| rest.starts_with(open));
        let Some((open, close, is_usual)) = begins else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let place = between(rest, open, close);
        let column = place.and_then(|inner| column(inner, columns));
        let is_place = |inner: &&str| match *is_usual {
            true => column.is_some() || is_known_place(inner, open),
            false => inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-')),
        };
        let meant = |inner: &&str| is_place(inner) && !(*open == "{" && is_known(inner.trim()));
        match place.filter(meant) {
            Some(inner) if !(*open == "[" && is_of_link(text, at, inner)) => {
                let end = at + open.len() + inner.len() + close.len();
                found.push((at, left_over(&text[at..end], column)));
                at = end;
            }
            _ => at += open.len(),
        }
    }
    found
}

/// What stands between two signs, on one line.
fn between<'t>(rest: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let inner = &rest[open.len()..];
    let inner = &inner[..inner.find(close)?];
    let is_short = inner.chars().nth(PLACE_CHARS_MAX).is_none() && !inner.contains('\n');
    (is_short && inner.contains(char::is_alphabetic)).then_some(inner)
}

/// The column that a place names.
fn column<'c>(inner: &str, columns: &'c [String]) -> Option<&'c str> {
    let latin = grammar::latin(inner);
    let is_it = |c: &&String| !latin.is_empty() && **c == latin && !inner.contains('\u{a0}');
    columns.iter().find(is_it).map(String::as_str)
}

/// Whether a place says `name`, `insert link`, `First_Name` or the like.
fn is_known_place(inner: &str, open: &str) -> bool {
    let (latin, lower) = (grammar::latin(inner), inner.trim().to_lowercase());
    let begins = ["insert_", "your_", "add_", "enter_"].iter().any(|b| latin.starts_with(b));
    let is_word = PLACES.iter().any(|place| *place == latin || *place == lower);
    match open {
        // Quotation marks of French and Russian: only what no text quotes.
        "«" => !inner.contains(char::is_whitespace) && inner.contains('_'),
        "%" => inner.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && is_word,
        _ => is_word || begins && inner.is_ascii(),
    }
}

/// Whether brackets are those of a link, of its definition or of its reference.
fn is_of_link(text: &str, at: usize, inner: &str) -> bool {
    let behind = &text[at + inner.len() + 2..];
    behind.starts_with(['(', '[', ':']) || text[..at].ends_with([']', '!'])
}

/// Runs of letters and digits, each with the byte where it begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[start..].find(|c: char| !c.is_alphanumeric());
        rest = length.map_or(text.len(), |length| start + length);
        Some((start, &text[start..rest]))
    })
}

fn is_note(text: &str, at: usize, word: &str) -> bool {
    let behind = text[at + word.len()..].trim_start_matches(' ');
    // `XXX Conference` is the thirtieth, `TODO EL MUNDO` everybody.
    let is_of_title = behind.starts_with(char::is_uppercase);
    let is_word = NOTES.contains(&word) || is_row_of_x(word);
    is_word && !is_of_title
}

/// `xxx`, `XXXX`: nothing but the letter, three times or more.
fn is_row_of_x(word: &str) -> bool {
    word.len() >= 3 && (word.bytes().all(|b| b == b'x') || word.bytes().all(|b| b == b'X'))
}

fn left_over(written: &str, column: Option<&str>) -> Problem {
    let message = format!("`{written}` looks like something that was still to be written");
    let hint = match column {
        Some(column) => format!("Write `{{{{ {} }}}}`.", grammar::column_path(column)),
        None => "Write what is to stand there; a cell of the list is written `{{ recipient.COLUMN \
                 }}`."
            .to_owned(),
    };
    Problem::warning("leftover", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let columns = ["town", "given_name"].map(str::to_owned);
        let found = leftovers(text, &columns, |name| name == "greeting");
        let found: Vec<&str> =
            found.iter().map(|(_, p)| p.message.split('`').nth(1).unwrap()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_was_still_to_be_written_is_noticed() {
        check("Dear [Name], from [ Town ] on [DATE]", &["[Name]", "[ Town ]", "[DATE]"]);
        check("Chère [nom], уважаемый [имя], 尊敬的[姓名]", &["[nom]", "[имя]", "[姓名]"]);
        check("<<First Name>> «First_Name» «town»", &["<<First Name>>", "«First_Name»", "«town»"]);
        check(
            "%NAME% %%x%% *|FNAME|* ${x} [[x]]",
            &["%NAME%", "%%x%%", "*|FNAME|*", "${x}", "[[x]]"],
        );
        check("Dear {name} of {Given name}", &["{name}", "{Given name}"]);
        check(
            "TODO: check. On xxx at TBC. [x](https://x.example/XXX)",
            &["TODO", "xxx", "TBC", "XXX"],
        );
        check(
            "Lorem ipsum dolor. [insert link here]",
            &["Lorem ipsum", "[insert link here]", "insert link"],
        );
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "[our web site](https://x.example) [name](https://x.example) ![title](images/a.png)",
            "[name]: https://x.example\n[see][name] [sic] [UNESCO] [1]",
            "«Форум» « nom » «Город» \u{201c}town\u{201d}",
            "The XXX Conference, 100% of towns, 5% to 10% more, the % of NAME %",
            "TODO EL MUNDO, todo, Xx, xx, {greeting}, { } [] a < b << c",
            "TBCs were few; the taxxxes rose",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_column_is_named_in_the_hint() {
        let found = leftovers("[Given Name]", &["given_name".to_owned()], |_| false);
        assert_eq!(found[0].1.hint.as_deref(), Some("Write `{{ recipient.given_name }}`."));
    }
}
