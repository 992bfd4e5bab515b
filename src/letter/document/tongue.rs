//! Which language a text reads like.
//!
//! Owns telling languages apart by their script and, within Latin script, by their commonest words.
//! It says nothing where it is not sure: a wrong guess would be a warning that nobody needs.

use crate::language::Language;
use unicode_script::{Script, UnicodeScript};

/// Words of Latin script that nearly every sentence has, and that the others of these do not.
const LATIN: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "the", "and", "of", "to", "is", "that", "for", "with", "are", "was", "have", "this",
            "their", "which", "from", "by", "be", "has", "will", "our",
        ],
    ),
    (
        "fr",
        &[
            "le", "les", "et", "des", "une", "dans", "est", "pour", "qui", "sur", "aux", "nous",
            "par", "avec", "sont", "ont", "ses", "leur", "du", "au",
        ],
    ),
    (
        "es",
        &[
            "el", "los", "las", "y", "una", "que", "por", "para", "con", "como", "su", "sus",
            "del", "es", "más", "ha", "al", "entre", "lo", "han",
        ],
    ),
    (
        "pt",
        &[
            "o", "os", "as", "e", "uma", "que", "por", "para", "com", "do", "da", "dos", "das",
            "em", "não", "mais", "ao", "são", "foi", "na",
        ],
    ),
    (
        "it",
        &[
            "il", "gli", "le", "e", "una", "che", "di", "per", "con", "della", "del", "nel",
            "sono", "più", "alla", "dei", "delle", "anche", "è", "si",
        ],
    ),
    (
        "de",
        &[
            "der", "die", "das", "und", "ist", "von", "zu", "den", "mit", "sich", "des", "auf",
            "für", "nicht", "im", "dem", "eine", "werden", "wir", "auch",
        ],
    ),
    (
        "nl",
        &[
            "de", "het", "een", "en", "van", "is", "dat", "op", "te", "voor", "met", "zijn",
            "niet", "aan", "er", "door", "ook", "worden", "bij", "onze",
        ],
    ),
    (
        "pl",
        &[
            "i", "w", "na", "z", "że", "się", "do", "nie", "jest", "oraz", "dla", "przez", "po",
            "jak", "są", "od", "za", "które", "tym", "lub",
        ],
    ),
    (
        "tr",
        &[
            "ve", "bir", "bu", "için", "ile", "da", "de", "olarak", "çok", "daha", "olan", "gibi",
            "sonra", "kadar", "her", "ne", "en", "ya", "biz", "değil",
        ],
    ),
    (
        "id",
        &[
            "dan", "yang", "di", "untuk", "dengan", "dari", "pada", "ini", "adalah", "dalam",
            "tidak", "akan", "oleh", "kami", "ke", "itu", "juga", "sebagai", "atau", "telah",
        ],
    ),
];

/// Languages that are told by their script.
const BY_SCRIPT: &[&str] = &["ar", "ru", "zh", "ja", "ko", "el", "he", "th"];

/// Whether a text in this language would be known as one: then another verdict means that it is
/// in another language.
#[must_use]
pub fn can_tell(language: &Language) -> bool {
    let primary = language.primary();
    let tag = primary.as_str();
    BY_SCRIPT.contains(&tag) || LATIN.iter().any(|(known, _)| *known == tag)
}

/// Letters before the script says anything.
const LETTERS_MIN: usize = 80;
/// Common words before they say anything.
const WORDS_MIN: usize = 12;

/// Counts letters and words of a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Tongue {
    letters: usize,
    arabic: usize,
    persian: usize,
    cyrillic: usize,
    /// Ы and Э, which Russian has and its neighbours mostly have not.
    russian: usize,
    /// Letters of Ukrainian, Serbian and others that Russian has not.
    not_russian: usize,
    han: usize,
    kana: usize,
    hangul: usize,
    greek: usize,
    hebrew: usize,
    thai: usize,
    latin: usize,
    words: [usize; LATIN.len()],
}

impl Tongue {
    /// Takes in a piece of text: whole words.
    pub(super) fn read(&mut self, text: &str) {
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            self.letters += 1;
            match c.script() {
                Script::Latin => self.latin += 1,
                Script::Arabic => {
                    self.arabic += 1;
                    self.persian +=
                        usize::from(matches!(c, 'پ' | 'چ' | 'ژ' | 'گ' | 'ی' | 'ک' | 'ٹ' | 'ے'));
                }
                Script::Cyrillic => {
                    self.cyrillic += 1;
                    self.russian += usize::from(matches!(c, 'ы' | 'э' | 'Ы' | 'Э'));
                    let others = "іїєґўјљњћђџқғңүұһөәӣӯҳҷ";
                    self.not_russian += usize::from(c.to_lowercase().any(|c| others.contains(c)));
                }
                Script::Han => self.han += 1,
                Script::Hiragana | Script::Katakana => self.kana += 1,
                Script::Hangul => self.hangul += 1,
                Script::Greek => self.greek += 1,
                Script::Hebrew => self.hebrew += 1,
                Script::Thai => self.thai += 1,
                _ => {}
            }
        }
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|w| (1..=10).contains(&w.len()))
        {
            let word = word.to_lowercase();
            for (n, (_, words)) in LATIN.iter().enumerate() {
                self.words[n] += usize::from(words.contains(&word.as_str()));
            }
        }
    }

    /// The language; `None` where it is not sure.
    pub(super) fn verdict(&self) -> Option<Language> {
        // Signs for a word each: a third as many say as much.
        let weight = self.letters + 2 * (self.han + self.kana + self.hangul);
        if weight < LETTERS_MIN {
            return None;
        }
        let most = |count: usize| count * 10 >= self.letters * 6;
        let tag = if most(self.han + self.kana) {
            if self.kana * 20 > self.han { "ja" } else { "zh" }
        } else if most(self.arabic) {
            (self.persian * 50 < self.arabic).then_some("ar")?
        } else if most(self.cyrillic) {
            let is_russian =
                self.russian * 200 > self.cyrillic && self.not_russian * 200 < self.cyrillic;
            is_russian.then_some("ru")?
        } else if most(self.hangul) {
            "ko"
        } else if most(self.greek) {
            "el"
        } else if most(self.hebrew) {
            "he"
        } else if most(self.thai) {
            "th"
        } else if most(self.latin) {
            self.latin_verdict()?
        } else {
            return None;
        };
        Language::parse_tag(tag)
    }

    fn latin_verdict(&self) -> Option<&'static str> {
        let mut ranked: Vec<(usize, &str)> =
            self.words.iter().zip(LATIN).map(|(count, (tag, _))| (*count, *tag)).collect();
        ranked.sort_by(|a, b| b.cmp(a));
        let [(first, tag), (second, _), ..] = ranked[..] else { return None };
        (first >= WORDS_MIN && first * 2 >= second * 3).then_some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let mut tongue = Tongue::default();
        tongue.read(text);
        assert_eq!(tongue.verdict().map(|l| l.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn languages_are_told_by_script_and_by_common_words() {
        let twice = |text: &str| format!("{text} {text}");
        check(
            &twice(
                "We thank the towns for their work and for the time that they have given to \
                 this conference, which was held in Almara with the help of many; it is our \
                 hope that the statement will be read.",
            ),
            Some("en"),
        );
        check(
            &twice(
                "Nous remercions les villes pour leur travail et pour le temps qu’elles ont \
                 donné à cette conférence, tenue dans la ville par et avec des amis ; les \
                 textes sont sur le site pour qui veut les lire.",
            ),
            Some("fr"),
        );
        check(
            &twice(
                "Agradecemos a las ciudades su trabajo y el tiempo que han dado para la \
                 conferencia, que se celebró con los amigos de la ciudad; los textos y las \
                 fotos del foro se pueden leer por todos los que lo deseen.",
            ),
            Some("es"),
        );
        check(
            &twice(
                "Agradecemos às cidades o trabalho e o tempo que deram para a conferência, que \
                 foi feita com os amigos da cidade; os textos e as fotos do foro não são para \
                 uma pessoa, mas para todos, em todas as línguas.",
            ),
            Some("pt"),
        );
        check(
            &twice(
                "Wir danken den Städten für die Arbeit und für die Zeit, die sie der Konferenz \
                 gegeben haben, und wir hoffen, dass der Text nicht nur gelesen wird, sondern \
                 auch mit den Menschen im Ort zu Taten führt.",
            ),
            Some("de"),
        );
        check(
            &twice(
                "Мы благодарим города за работу и за время, которое они отдали конференции; мы \
                 надеемся, что этот текст прочтут все, кто учится.",
            ),
            Some("ru"),
        );
        check(
            &twice(
                "Ми дякуємо містам за роботу і за час, який вони віддали конференції; ми \
                 сподіваємося, що цей текст прочитають усі.",
            ),
            None,
        );
        check(
            &twice(
                "نشكر المدن على عملها وعلى الوقت الذي خصصته للمؤتمر ونأمل أن يقرأ الجميع هذا \
                 البيان في بلدانهم وأن يعملوا به",
            ),
            Some("ar"),
        );
        check(
            &twice(
                "我们感谢各城市为本次会议付出的时间和努力，希望所有人都能读到这份声明，并在自己的城市里付诸行动。",
            ),
            Some("zh"),
        );
        check(
            &twice(
                "この宣言がすべての人に読まれ、それぞれの町で実行に移されることを私たちは願っています。",
            ),
            Some("ja"),
        );
        check("Almara 2026", None);
        check(&"Ana Pérez, José Núñez, Zoë Brown ".repeat(20), None);
    }
}
