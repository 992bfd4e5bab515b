//! Countries as participant lists write them.
//!
//! Owns which country a cell means and what a country is called. What follows from a country is
//! decided elsewhere: no language follows from one unless the configuration says so.
//!
//! # Standards
//! ISO 3166-1 codes, and `XK` as Unicode uses it. The names in nine languages are those of Unicode
//! CLDR 47 (Unicode License v3); the aliases are names by which the United Nations, exports of
//! registration forms and people know a country besides.
//!
//! # Failure
//! A cell that is no country's name is `None`, and so is one that could mean two (`Korea`): nobody
//! is put on a country by resemblance. [`nearest`] is for hints only.

use super::fold;
use crate::language::Language;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A note on sources and a header line, then for each country: alpha-2, alpha-3, the names in
/// [`LANGUAGES`]' order, and aliases between `|`.
const DATA: &str = include_str!("countries.tsv");

/// The languages that `countries.tsv` has names in, in its columns' order.
const LANGUAGES: [&str; 9] = ["ar", "de", "en", "es", "fr", "it", "pt", "ru", "zh"];

/// Where English stands in [`LANGUAGES`].
const ENGLISH: usize = 2;

/// What may stand before or after a country's name without changing which country is meant, as
/// [`fold::condensed`] leaves it. Names that would mean another country so (`Republic of Korea`)
/// are aliases, which are looked up first.
const BEFORE: &[&str] = &[
    "the",
    "republicof",
    "therepublicof",
    "republicofthe",
    "kingdomof",
    "thekingdomof",
    "stateof",
    "thestateof",
    "islamicrepublicof",
    "federalrepublicof",
    "peoplesrepublicof",
    "federaldemocraticrepublicof",
    "commonwealthof",
    "unionof",
    "principalityof",
    "sultanateof",
    "grandduchyof",
    "independentstateof",
    "cooperativerepublicof",
    "l",
    "la",
    "le",
    "les",
    "republiquede",
    "republiquedu",
    "republiqued",
    "republiquedela",
    "republiquedes",
    "royaumede",
    "royaumedu",
    "royaumed",
    "etatde",
    "etatdu",
    "etatd",
    "el",
    "los",
    "las",
    "republicade",
    "republicadel",
    "republicadela",
    "reinode",
    "estadode",
    "repubblicadi",
    "repubblicadel",
    "repubblicadella",
    "regnodi",
    "republicado",
    "republicada",
    "reinodo",
    "republik",
    "konigreich",
    "республика",
    "королевство",
    "государство",
    "جمهوريه",
    "دوله",
    "مملكه",
];

/// See [`BEFORE`].
const AFTER: &[&str] = &["共和国", "王国", "国"];

struct Country {
    alpha2: &'static str,
    names: Vec<&'static str>,
    aliases: Vec<&'static str>,
}

struct Countries {
    all: Vec<Country>,
    by_code: HashMap<&'static str, &'static str>,
    by_name: HashMap<String, &'static str>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(Countries::read);

/// The alpha-2 code of the country a cell names: by code, or by a name in one of nine languages,
/// whatever its case, accents and punctuation.
#[must_use]
pub fn recognise(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let by_code = || COUNTRIES.by_code.get(text.to_ascii_uppercase().as_str()).copied();
    // A code stands alone: `R.U.` is no code of Russia but Spanish for the United Kingdom.
    let is_code = matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_alphabetic());
    let coded = if is_code { by_code() } else { None };
    coded.or_else(|| by_name(text)).or_else(|| by_name(&turned_round(text)?))
}

/// What a country is called in a language; English where its names are not in the table.
#[must_use]
pub fn name(code: &str, language: &Language) -> Option<&'static str> {
    let found = COUNTRIES.all.binary_search_by(|country| country.alpha2.cmp(code)).ok()?;
    let primary = language.primary();
    let column = LANGUAGES.iter().position(|l| *l == primary.as_str()).unwrap_or(ENGLISH);
    COUNTRIES.all[found].names.get(column).copied()
}

/// The country's name that a misspelt text may mean; for hints.
#[must_use]
pub fn nearest(text: &str) -> Option<&'static str> {
    let names =
        COUNTRIES.all.iter().flat_map(|country| country.names.iter().chain(&country.aliases));
    let length = text.chars().count();
    // Texts of too different a length cannot be near, and measuring how near they are is slow.
    let comparable = |name: &&str| {
        let of_name = name.chars().count();
        of_name > 3 && of_name.abs_diff(length) * 3 <= of_name.max(length)
    };
    crate::problem::nearest(text, names.copied().filter(comparable))
}

fn by_name(text: &str) -> Option<&'static str> {
    let key = fold::condensed(text);
    let known = |key: &str| COUNTRIES.by_name.get(key).copied();
    let bare = || BEFORE.iter().find_map(|before| known(key.strip_prefix(before)?));
    let shorter = || AFTER.iter().find_map(|after| known(key.strip_suffix(after)?));
    known(&key).or_else(bare).or_else(shorter)
}

/// `Bolivia (Plurinational State of)` and `Korea, Republic of` with the words in speaking order.
fn turned_round(text: &str) -> Option<String> {
    let (first, rest) = text.split_once(['(', ',', '（'])?;
    Some(format!("{} {}", rest.trim_end_matches([')', '）', ' ']), first))
}

impl Countries {
    fn read() -> Countries {
        let lines = || DATA.lines().skip(2);
        let all: Vec<Country> = lines().filter_map(Country::read).collect();
        let mut by_name = HashMap::with_capacity(8 * all.len());
        for country in &all {
            for name in country.names.iter().chain(&country.aliases) {
                by_name.entry(fold::condensed(name)).or_insert(country.alpha2);
            }
        }
        let codes = lines().filter_map(codes);
        let by_code = codes.flat_map(|(two, three)| [(two, two), (three, two)]).collect();
        Countries { all, by_code, by_name }
    }
}

impl Country {
    fn read(line: &'static str) -> Option<Country> {
        let (alpha2, _) = codes(line)?;
        let names = line.split('\t').skip(2).take(LANGUAGES.len()).collect();
        let aliases = line.split('\t').nth(2 + LANGUAGES.len())?.split('|');
        Some(Country { alpha2, names, aliases: aliases.filter(|a| !a.is_empty()).collect() })
    }
}

fn codes(line: &'static str) -> Option<(&'static str, &'static str)> {
    let mut cells = line.split('\t');
    Some((cells.next()?, cells.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_recognised_as_lists_write_them() {
        for (code, texts) in [
            ("PE", &["PE", "pe", "PER", "Peru", "Perú", "Pérou", "ПЕРУ", "秘鲁", "بيرو"][..]),
            ("GB", &["UK", "U.K.", "GBR", "Great Britain", "Royaume-Uni", "Great Britain", "英国"]),
            ("US", &["USA", "U.S.A.", "United  States of America", "EE. UU.", "États-Unis", "США"]),
            ("CI", &["Ivory Coast", "Côte d'Ivoire", "Cote d’Ivoire", "COTE D IVOIRE"]),
            ("CZ", &["Czech Republic", "Czechia", "the Czech Republic", "Česko"]),
            ("VN", &["Viet Nam", "Vietnam", "Việt Nam"]),
            (
                "KR",
                &["South Korea", "Republic of Korea", "Korea, Republic of", "Korea (Republic of)"],
            ),
            ("KP", &["DPRK", "Democratic People's Republic of Korea", "North Korea"]),
            ("KP", &["Korea (Democratic People's Republic of)"]),
            ("TR", &["Turkey", "Türkiye", "TURKIYE", "Turquie"]),
            ("CD", &["RD Congo", "DRC", "Congo (Kinshasa)", "Congo, Democratic Republic of the"]),
            ("CG", &["Congo", "Republic of the Congo", "Congo-Brazzaville", "刚果共和国"]),
            ("CN", &["中国", "中华人民共和国", "China, People's Republic of", "P.R. China"]),
            ("TW", &["Taiwan, Province of China", "Republic of China"]),
            ("RU", &["Российская Федерация", "Russian Federation", "Россия", "RUS"]),
            ("BO", &["Bolivia (Plurinational State of)", "Bolivia"]),
            ("VE", &["Venezuela (Bolivarian Republic of)", "Venezuela, Bolivarian Republic of"]),
            ("AE", &["UAE", "الامارات", "الإمارات العربية المتحدة"]),
            ("AG", &["Antigua and Barbuda", "Antigua & Barbuda"]),
            ("LC", &["St Lucia", "Saint Lucia", "Sainte-Lucie"]),
            ("NL", &["The Netherlands", "Netherlands (Kingdom of the)", "les Pays-Bas"]),
            ("KE", &["Republic of Kenya", "République du Kenya", "Кения"]),
            ("SG", &["新加坡共和国", "Republic of Singapore"]),
            ("BH", &["مملكة البحرين", "Kingdom of Bahrain"]),
            ("XK", &["Kosovo"]),
        ] {
            for text in texts {
                assert_eq!(recognise(text), Some(code), "{text}");
            }
        }
    }

    #[test]
    fn what_names_no_country_or_two_is_not_recognised() {
        for text in ["", "Korea", "R.U.", "Perú/Chile", "Frannce", "n/a", "-", "Latin America"] {
            assert_eq!(recognise(text), None, "{text}");
        }
        assert_eq!(nearest("Frannce"), Some("France"));
        assert_eq!(nearest("qqqqqqqq"), None);
    }

    /// A key that stood for two countries would silently be the first one's.
    #[test]
    fn no_name_stands_for_two_countries() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for country in &COUNTRIES.all {
            for name in country.names.iter().chain(&country.aliases) {
                let other = seen.insert(fold::condensed(name), country.alpha2);
                assert!(other.is_none_or(|o| o == country.alpha2), "{name}: {other:?}");
            }
            assert_eq!(country.names.len(), LANGUAGES.len());
            assert_eq!(recognise(country.alpha2), Some(country.alpha2));
        }
        assert_eq!(COUNTRIES.all.len(), 250);
        assert!(COUNTRIES.all.is_sorted_by_key(|country| country.alpha2));
    }

    #[test]
    fn a_country_has_a_name_in_the_letters_language_or_in_english() {
        let named = |code, tag| name(code, &Language::parse_tag(tag).unwrap());
        assert_eq!(named("DE", "fr"), Some("Allemagne"));
        assert_eq!(named("DE", "pt-BR"), Some("Alemanha"));
        assert_eq!(named("DE", "sw"), Some("Germany"));
        assert_eq!(named("QQ", "en"), None);
        let header: Vec<_> = DATA.lines().nth(1).unwrap().split('\t').skip(2).take(9).collect();
        assert_eq!(header, LANGUAGES);
    }
}
