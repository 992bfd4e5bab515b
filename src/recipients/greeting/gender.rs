//! What the column of gender says about a person.
//!
//! Owns its words, and what a single letter means in one list: `M` is a man beside `F` and a woman
//! beside `H`, `V` a man in Spanish and a woman in Dutch, `F` a man in Hungarian. That is settled once
//! for each list, by what else stands in the column and by the languages that the list shows.
//!
//! # Invariants
//! A letter that may mean either says nothing: [`Said::Unclear`]. Nobody is greeted as somebody else.

use super::super::fold;
use super::title::Gender;
use crate::limits::GENDER_VALUES_MAX;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

/// What a cell of the column of gender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Known(Gender),
    /// A letter that may mean a woman or a man in its list.
    Unclear,
    /// Nothing that anybody knows.
    Unknown,
}

impl Default for Said {
    fn default() -> Said {
        Said::Known(Gender::Unsaid)
    }
}

/// What single letters mean in the column of gender of one list; those that are not in it have the
/// meaning of [`WORDS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Letters(Vec<(char, Option<Gender>)>);

/// What a cell says, with the letters of its list.
pub(super) fn said(cell: &str, letters: &Letters) -> Said {
    let known = |word: &str| match GENDERS.get(word) {
        Some(gender) => Said::Known(*gender),
        None => Said::Unknown,
    };
    let word = fold::condensed(cell);
    let Some(letter) = only_letter(&word) else { return known(&word) };
    match letters.0.iter().find(|(of_list, _)| *of_list == letter) {
        Some((_, meaning)) => meaning.map_or(Said::Unclear, Said::Known),
        // Not from a list, so that nothing stands beside it.
        None if letter == 'm' => Said::Unclear,
        None => known(&word),
    }
}

/// What a whole word says where a title is asked for; a letter is a title's there.
pub(super) fn of_word(cell: &str) -> Option<Gender> {
    let word = fold::condensed(cell);
    GENDERS.get(&word).copied().filter(|_| only_letter(&word).is_none())
}

fn only_letter(word: &str) -> Option<char> {
    let mut letters = word.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// Who stands behind a letter somewhere.
struct Pair {
    man: char,
    woman: char,
    /// Languages that write so.
    languages: &'static str,
    /// What it takes to be thought of.
    asks: Asks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// One of the letters.
    OneLetter,
    /// Both letters, or one and the language.
    BothOrLanguage,
    /// The language, and without it both letters leave a doubt: `N` is also *not said*.
    Language,
}

const fn pair(man: char, woman: char, languages: &'static str, asks: Asks) -> Pair {
    Pair { man, woman, languages, asks }
}

const PAIRS: &[Pair] = &[
    pair('m', 'f', "en fr it pt es de ro", Asks::OneLetter),
    pair('h', 'f', "fr es pt de", Asks::OneLetter),
    pair('m', 'w', "de en", Asks::OneLetter),
    // Hombre, mujer; homem, mulher; heer, mevrouw.
    pair('h', 'm', "es pt", Asks::OneLetter),
    // Varón, mujer; vyras, moteris.
    pair('v', 'm', "es lt", Asks::OneLetter),
    pair('v', 'f', "es", Asks::OneLetter),
    pair('m', 'v', "nl", Asks::OneLetter),
    pair('m', 'k', "pl da no sv", Asks::OneLetter),
    pair('e', 'k', "tr", Asks::BothOrLanguage),
    pair('m', 'z', "cs sk hr sl sr", Asks::BothOrLanguage),
    pair('м', 'ж', "ru bg sr uk be", Asks::OneLetter),
    pair('m', 'ж', "ru bg sr uk be", Asks::BothOrLanguage),
    pair('ч', 'ж', "uk", Asks::OneLetter),
    pair('l', 'p', "id ms", Asks::BothOrLanguage),
    pair('α', 'γ', "el", Asks::BothOrLanguage),
    pair('α', 'θ', "el", Asks::BothOrLanguage),
    pair('f', 'n', "hu", Asks::Language),
    pair('m', 'n', "fi et", Asks::Language),
    pair('u', 'd', "it", Asks::Language),
];

/// What stands in the column of gender of one list.
#[derive(Debug, Default)]
pub(in super::super) struct GenderCells {
    seen: HashSet<String>,
}

impl GenderCells {
    /// Takes in a cell.
    pub(in super::super) fn see(&mut self, cell: &str) {
        // Whoever has more kinds of cells than this writes sentences.
        let is_new = !cell.is_empty() && !self.seen.contains(cell);
        if is_new && self.seen.len() < GENDER_VALUES_MAX {
            self.seen.insert(cell.to_owned());
        }
    }

    /// What the letters mean, after the last row. `header`: of the column; `others`: of the list's
    /// other columns; `spoken`: primary tags of the languages its people read.
    pub(in super::super) fn settled<'h>(
        &self,
        header: &str,
        others: impl Iterator<Item = &'h str>,
        spoken: &BTreeSet<String>,
    ) -> Letters {
        let mut shown = Shown::default();
        self.seen.iter().for_each(|cell| shown.see(cell));
        let letters: Vec<char> = shown.letters.iter().copied().collect();
        shown.see_header(header);
        let mut languages: BTreeSet<&str> =
            header.split(['/', '|', '\n']).filter_map(language_of).collect();
        if languages.iter().all(|language| *language == "en") {
            // Everybody writes `Gender`.
            languages.extend(others.filter_map(language_of));
            languages.extend(spoken.iter().map(String::as_str));
        }
        let meaning = |letter: &char| Some((*letter, shown.meaning(*letter, &languages)?));
        Letters(letters.iter().filter_map(meaning).collect())
    }
}

/// Letters and words of a column.
#[derive(Debug, Default)]
struct Shown {
    letters: BTreeSet<char>,
    /// First letters of whole words, which stand in for single ones, and what the words mean.
    words: BTreeSet<(char, bool)>,
}

impl Shown {
    fn see(&mut self, cell: &str) {
        let word = fold::condensed(cell);
        if let Some(letter) = only_letter(&word) {
            self.letters.insert(letter);
            return;
        }
        let gender = GENDERS.get(&word);
        let is_female = match gender {
            Some(Gender::Female) => true,
            Some(Gender::Male) => false,
            _ => return,
        };
        self.words.extend(word.chars().next().map(|first| (first, is_female)));
    }

    /// `H/M`: the header says which letters there are.
    fn see_header(&mut self, header: &str) {
        let words = fold::words(header);
        if words.contains(' ') && words.split(' ').all(|word| only_letter(word).is_some()) {
            self.letters.extend(words.split(' ').filter_map(only_letter));
        }
    }

    fn has(&self, letter: char) -> bool {
        self.letters.contains(&letter) || self.words.iter().any(|(first, _)| *first == letter)
    }

    /// What a letter means: `None` where it is no letter of a pair, `Some(None)` where it may mean
    /// either.
    fn meaning(&self, letter: char, languages: &BTreeSet<&str>) -> Option<Option<Gender>> {
        let of_letter = || PAIRS.iter().filter(|pair| pair.man == letter || pair.woman == letter);
        let is_spoken = |pair: &&Pair| pair.languages.split(' ').any(|l| languages.contains(l));
        let is_whole = |pair: &&Pair| self.has(pair.man) && self.has(pair.woman);
        let is_sure = |pair: &&Pair| pair.asks != Asks::Language || is_spoken(pair);
        let whole: Vec<&Pair> = of_letter().filter(is_whole).collect();
        let mut pool: Vec<&Pair> = whole.iter().copied().filter(|pair| is_sure(pair)).collect();
        if pool.is_empty() && !whole.is_empty() {
            return Some(None);
        }
        if pool.is_empty() {
            let is_thinkable = |pair: &&Pair| pair.asks == Asks::OneLetter || is_spoken(pair);
            pool = of_letter().filter(is_thinkable).collect();
        }
        if pool.iter().any(is_spoken) {
            pool.retain(is_spoken);
        }
        self.agreed(letter, &pool)
    }

    /// What all pairs, and all words that begin with the letter, say of it.
    fn agreed(&self, letter: char, pool: &[&Pair]) -> Option<Option<Gender>> {
        let by_words = self.words.iter().filter(|(first, _)| *first == letter).map(|(_, f)| *f);
        let by_words: BTreeSet<bool> = by_words.collect();
        let by_pairs: BTreeSet<bool> = pool.iter().map(|pair| pair.woman == letter).collect();
        let both: Vec<bool> = match by_words.len() {
            0 => by_pairs.iter().copied().collect(),
            _ => by_pairs.intersection(&by_words).copied().collect(),
        };
        match both.as_slice() {
            _ if by_pairs.is_empty() => None,
            _ if by_words.len() > 1 => Some(None),
            [true] => Some(Some(Gender::Female)),
            [false] => Some(Some(Gender::Male)),
            _ => Some(None),
        }
    }
}

/// Headers, with the language that they are of where no other writes them so; those of the column of
/// gender, and some that stand beside it.
const HEADERS: &[(&str, &str)] = &[
    ("en", "gender|sex"),
    ("fr", "sexe|genre|civilité|prénom|courriel|pays"),
    ("es", "sexo|género|nombre|apellido|apellidos|correo|correo electrónico|ciudad"),
    ("pt", "sexo|gênero|género|apelido|sobrenome|cidade|endereço de e-mail|nome completo"),
    ("it", "sesso|genere|cognome|città|indirizzo email|indirizzo e-mail"),
    ("de", "geschlecht|vorname|nachname|anrede|e-mail-adresse"),
    ("nl", "geslacht|voornaam|achternaam|aanhef|e-mailadres|woonplaats"),
    ("pl", "płeć|imię|nazwisko|miasto|kraj"),
    ("tr", "cinsiyet|soyad|soyadı|e-posta|ülke|şehir"),
    ("hu", "neme|vezetéknév|keresztnév|családnév|utónév|e-mail cím|ország"),
    ("cs", "pohlaví|jméno|příjmení|město"),
    ("sk", "pohlavie|meno|priezvisko|mesto|krajina"),
    ("hr", "spol|ime|prezime|grad|država"),
    ("ru", "пол|имя|фамилия|фио|город|страна"),
    ("uk", "стать|ім’я|прізвище|місто|країна"),
    ("fi", "sukupuoli|etunimi|sukunimi|sähköposti|maa"),
    ("et", "sugu|eesnimi|perekonnanimi"),
    ("sv", "kön|förnamn|efternamn|e-post|ort"),
    ("da", "køn|fornavn|efternavn"),
    ("no", "kjønn|etternavn"),
    ("lt", "lytis|vardas|pavardė"),
    ("ro", "prenume|oraș|țară"),
    ("id", "jenis kelamin|nama"),
    ("el", "φύλο|όνομα|επώνυμο"),
];

/// The language of a header; of two, as `sexo` has, the first: their letters are the same.
fn language_of<'l>(header: &str) -> Option<&'l str> {
    static LANGUAGES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
        let all = HEADERS.iter().rev();
        all.flat_map(|(tag, names)| names.split('|').map(|name| (fold::condensed(name), *tag)))
            .collect()
    });
    LANGUAGES.get(&fold::condensed(header)).copied()
}

static GENDERS: LazyLock<HashMap<String, Gender>> = LazyLock::new(|| {
    let of = |(gender, words): &(Gender, &'static str)| {
        let gender = *gender;
        words.split('|').map(move |word| (fold::condensed(word), gender))
    };
    WORDS.iter().flat_map(of).collect()
});

/// Words of the column of gender.
const WORDS: &[(Gender, &str)] = &[
    (
        Gender::Female,
        "f|female|woman|girl|fem|feminine|w|weiblich|frau|femme|féminin|femenino|mujer|feminino|\
         femminile|femmina|donna|mulher|ж|жен|женский|женщина|أنثى|انثى|امرأة|女|女性|여|여성|k|kobieta|kadın|\
         kadin|vrouw|vrouwelijk|nő|жінка|жіноча|жіночий|žena|kvinna|kvinde|kvinne|nainen|femeie|perempuan|γυναίκα",
    ),
    (
        Gender::Male,
        "m|male|man|boy|masc|masculine|männlich|mann|h|homme|masculin|masculino|hombre|varón|\
         maschile|maschio|uomo|homem|м|муж|мужской|мужчина|ذكر|رجل|男|男性|남|남성|mężczyzna|erkek|\
         mannelijk|férfi|чоловік|чоловіча|чоловічий|muž|mand|mies|bărbat|laki-laki|άνδρας",
    ),
    (
        Gender::Neither,
        "x|d|nb|other|non-binary|non binary|diverse|divers|nichtbinär|autre|non binaire|\
         non-binaire|otro|otra|no binario|no binaria|altro|non binario|outro|não binário|другой|\
         иной|آخر|其他|其它|その他",
    ),
    (
        Gender::Unsaid,
        "n/a|na|none|unknown|not specified|unspecified|prefer not to say|i prefer not to say|\
         not stated|undisclosed|keine angabe|k. A.|unbekannt|ne souhaite pas répondre|\
         je préfère ne pas répondre|non précisé|non renseigné|prefiero no decirlo|\
         prefiero no contestar|no especificado|sin especificar|preferisco non rispondere|\
         non specificato|prefiro não dizer|prefiro não responder|não informado|не указан|\
         не указано|не хочу указывать|غير محدد|أفضل عدم الإجابة|未知|不详|保密",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the cells of a list's column say, each once: `f`, `m`, `-` for neither, `?` for a letter
    /// that may mean either, `!` for what nobody knows.
    #[track_caller]
    fn check(header: &str, others: &str, spoken: &str, cells: &str, expected: &str) {
        let mut seen = GenderCells::default();
        cells.split(' ').for_each(|cell| seen.see(cell));
        let spoken: BTreeSet<String> = spoken.split_whitespace().map(str::to_owned).collect();
        let letters = seen.settled(header, others.split('|'), &spoken);
        let sign = |cell: &str| match said(cell, &letters) {
            Said::Known(Gender::Female) => 'f',
            Said::Known(Gender::Male) => 'm',
            Said::Known(_) => '-',
            Said::Unclear => '?',
            Said::Unknown => '!',
        };
        let found: String = cells.split(' ').map(sign).collect();
        assert_eq!(found, expected, "{header} | {others} | {spoken:?} | {cells}");
    }

    #[test]
    fn a_letter_means_what_the_column_and_the_language_of_the_list_make_of_it() {
        for (header, others, spoken, cells, expected) in [
            ("Gender", "", "", "M F", "mf"),
            ("Gender", "", "", "m f x", "mf-"),
            ("Gender", "", "es en fr", "M F", "mf"),
            ("Gender", "", "", "M", "m"),
            ("Gender", "", "", "F", "f"),
            ("Sexo", "", "", "H M", "mf"),
            ("Gender", "", "", "H M", "mf"),
            ("Sexo", "", "", "H M X", "mf-"),
            ("Sexo", "", "", "M F", "mf"),
            ("Sexo", "", "", "M", "?"),
            ("Sexo", "", "", "F", "f"),
            ("Sexo", "", "", "H M F", "m?f"),
            ("Sexo", "", "", "V M", "mf"),
            ("Sexo", "", "", "V F", "mf"),
            ("Gênero", "", "", "H M", "mf"),
            ("Sexe", "", "", "H F", "mf"),
            ("Sexe", "", "", "M F", "mf"),
            ("Sexe", "", "", "M", "m"),
            ("Sexe", "", "", "H M F", "mmf"),
            ("Geschlecht", "", "", "m w d", "mf-"),
            ("Geschlecht", "", "", "m", "m"),
            ("Geschlecht", "", "", "M F", "mf"),
            ("Gender", "", "", "M W", "mf"),
            ("Geslacht", "", "", "M V", "mf"),
            ("Geslacht", "", "", "m v x", "mf-"),
            ("Geslacht", "", "", "H M", "mf"),
            // Who is V, if nobody says in which language?
            ("Gender", "", "", "M V", "??"),
            ("Gender", "", "nl en", "M V", "mf"),
            ("Gender", "", "es en", "M V", "fm"),
            ("Gender", "Voornaam|Achternaam", "", "M V", "mf"),
            ("Sex", "Nombre|Apellidos", "", "V M", "mf"),
            ("Sex", "Nombre|Apellidos", "", "M", "?"),
            ("Płeć", "", "", "K M", "fm"),
            ("Gender", "", "", "K M", "fm"),
            ("Kön", "", "", "K M", "fm"),
            ("Cinsiyet", "", "", "K E", "fm"),
            ("Cinsiyet", "", "", "E", "m"),
            ("Gender", "", "", "E", "!"),
            ("Пол", "", "", "М Ж", "mf"),
            ("Пол", "", "", "м ж", "mf"),
            // A Latin M, which looks the same.
            ("Пол", "", "", "M Ж", "mf"),
            ("Стать", "", "", "Ч Ж", "mf"),
            ("Pohlaví", "", "", "M Ž", "mf"),
            ("Neme", "", "", "F N", "mf"),
            ("Neme", "", "", "F", "m"),
            ("Gender", "", "hu", "F N", "mf"),
            ("Gender", "Vezetéknév|Keresztnév", "", "F N", "mf"),
            // A man in Hungarian; in English all are women, of whom some have not said it.
            ("Gender", "", "", "F N", "??"),
            ("Gender", "", "", "M F N", "mf?"),
            ("Gender", "", "hu en", "F", "?"),
            ("Sukupuoli", "", "", "M N", "mf"),
            ("Gender", "", "", "M N", "??"),
            ("Sesso", "", "", "U D", "mf"),
            ("Sesso", "", "", "M F", "mf"),
            ("Lytis", "", "", "V M", "mf"),
            ("Jenis kelamin", "", "", "L P", "mf"),
            ("Φύλο", "", "", "Α Θ", "mf"),
            // The header says which letters there are.
            ("M/F", "", "", "M", "m"),
            ("H/M", "", "", "M", "f"),
            ("m/w/d", "", "", "m", "m"),
            ("V/M", "", "", "M", "?"),
            // Whole words beside a letter.
            ("Sexo", "", "", "M Mujer", "ff"),
            ("Sexo", "", "", "M Hombre", "fm"),
            ("Sexo", "", "", "M Femenino", "mf"),
            ("Sexo", "", "", "M Masculino", "mm"),
            ("Sexo", "", "", "M Masculino Mujer", "?mf"),
            ("Gender", "", "", "M Female", "mf"),
            ("Gender", "", "", "purple 1", "!!"),
            ("性别", "", "", "男 女", "mf"),
        ] {
            check(header, others, spoken, cells, expected);
        }
        // What was not read in a list stands beside nothing.
        assert_eq!(said("M", &Letters::default()), Said::Unclear);
        assert_eq!(said("F", &Letters::default()), Said::Known(Gender::Female));
    }

    #[test]
    fn words_are_read_in_many_languages_and_silence_is_no_finding() {
        for (cells, expected) in [
            (
                &["F", "female", "Femme", "w", "weiblich", "Ж", "Женский", "女", "أنثى", "Vrouw"][..],
                Gender::Female,
            ),
            (
                &["Male", "Homme", "H", "männlich", "м", "男", "ذكر", "Hombre", "férfi", "чоловік"],
                Gender::Male,
            ),
            (&["x", "d", "divers", "Other", "non-binary", "Autre"], Gender::Neither),
            (&["prefer not to say", "k.A.", "N/A", "Не указан"], Gender::Unsaid),
        ] {
            for cell in cells {
                assert_eq!(said(cell, &Letters::default()), Said::Known(expected), "{cell}");
            }
        }
        for cell in ["purple", "1"] {
            assert_eq!(said(cell, &Letters::default()), Said::Unknown);
        }
    }
}
