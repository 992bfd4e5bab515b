//! The languages of letters: a tag, how people write its name, which way it runs.
//!
//! Owns recognising a language in a cell and the order in which languages stand in for each other.
//! Which language a recipient gets is decided in `recipients/`.
//!
//! # Standards
//! BCP 47 (RFC 5646) tags: a language and, where written, a region or script; lower case here.

use std::fmt;

/// A language tag in lower case, such as `en`, `zh`, `pt-br`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

/// The six languages of the United Nations, those that letters can greet in and a few besides, each with
/// the names found in lists: in English, in itself and in the other five.
const NAMES: &[(&str, &[&str])] = &[
    (
        "ar",
        &[
            "arabic",
            "arabe",
            "árabe",
            "арабский",
            "阿拉伯语",
            "阿拉伯文",
            "العربية",
            "عربي",
            "عربية",
        ],
    ),
    ("cs", &["czech", "čeština", "česky", "český", "tchèque", "checo", "чешский"]),
    ("de", &["german", "deutsch", "allemand", "alemán", "немецкий", "德语", "الألمانية"]),
    (
        "en",
        &[
            "english",
            "anglais",
            "inglés",
            "английский",
            "英语",
            "英文",
            "الإنجليزية",
            "الانجليزية",
            "إنجليزي",
        ],
    ),
    (
        "es",
        &[
            "spanish",
            "español",
            "castellano",
            "espagnol",
            "испанский",
            "西班牙语",
            "西班牙文",
            "الإسبانية",
            "الاسبانية",
        ],
    ),
    ("fr", &["french", "français", "francés", "французский", "法语", "法文", "الفرنسية"]),
    ("it", &["italian", "italiano", "italien", "итальянский", "意大利语", "الإيطالية"]),
    ("ja", &["japanese", "日本語", "japonais", "japonés", "японский", "日语", "اليابانية"]),
    ("ko", &["korean", "한국어", "coréen", "coreano", "корейский", "韩语", "الكورية"]),
    (
        "nl",
        &[
            "dutch",
            "nederlands",
            "flemish",
            "vlaams",
            "néerlandais",
            "neerlandés",
            "нидерландский",
            "荷兰语",
        ],
    ),
    ("pl", &["polish", "polski", "polska", "polonais", "polaco", "польский", "波兰语"]),
    (
        "pt",
        &[
            "portuguese",
            "português",
            "portugais",
            "portugués",
            "португальский",
            "葡萄牙语",
            "البرتغالية",
        ],
    ),
    ("ru", &["russian", "русский", "рус", "рус.", "russe", "ruso", "俄语", "俄文", "الروسية"]),
    ("tr", &["turkish", "türkçe", "turc", "turco", "турецкий", "土耳其语", "التركية"]),
    (
        "uk",
        &[
            "ukrainian",
            "українська",
            "украинский",
            "украинская",
            "ukrainien",
            "ucraniano",
            "乌克兰语",
        ],
    ),
    (
        "zh",
        &[
            "chinese",
            "中文",
            "汉语",
            "汉文",
            "普通话",
            "chinois",
            "chino",
            "китайский",
            "الصينية",
            "mandarin",
        ],
    ),
];

/// ISO 639-2 codes of the six languages, as some forms export them.
const THREE_LETTERS: &[(&str, &str)] = &[
    ("ara", "ar"),
    ("eng", "en"),
    ("spa", "es"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("rus", "ru"),
    ("zho", "zh"),
    ("chi", "zh"),
    ("por", "pt"),
    ("deu", "de"),
    ("ger", "de"),
    ("ita", "it"),
];

/// The two-letter codes of ISO 639-1.
const ISO_639_1: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch \
    co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he \
    hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv \
    kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny \
    oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su \
    sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

impl Language {
    /// English: the default language where the configuration names none.
    #[must_use]
    pub fn english() -> Language {
        Language("en".to_owned())
    }

    /// Reads a language tag as file names and the configuration write it: `en`, `pt-BR`, `zh_Hans`.
    #[must_use]
    pub fn parse_tag(text: &str) -> Option<Language> {
        let tag = text.trim().replace('_', "-").to_ascii_lowercase();
        let mut subtags = tag.split('-');
        let primary = subtags.next()?;
        let is_primary =
            matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_lowercase());
        let is_subtag =
            |s: &str| (2..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        (is_primary && subtags.all(is_subtag)).then_some(Language(tag))
    }

    /// Recognises a language as people write it in a list: a tag, an ISO 639-2 code, or a name in
    /// one of the languages of the sample, ignoring case and accents' composition.
    ///
    /// `Español/EN` and other doubtful cells are not recognised: the caller says so.
    #[must_use]
    pub fn recognise(text: &str) -> Option<Language> {
        let folded = crate::address::case_folded(text.trim());
        let by_name = NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|n| crate::address::case_folded(n) == folded));
        let by_code =
            || THREE_LETTERS.iter().find(|(code, _)| *code == folded).map(|(_, tag)| *tag);
        match by_name.map(|(tag, _)| *tag).or_else(by_code) {
            Some(tag) => Some(Language(tag.to_owned())),
            None => Language::parse_tag(&folded).filter(Language::is_registered),
        }
    }

    /// What English calls it, for messages; `None` for a language that lists seldom name.
    #[must_use]
    pub fn english_name(&self) -> Option<String> {
        let primary = self.primary();
        let (_, names) = NAMES.iter().find(|(tag, _)| *tag == primary.as_str())?;
        let mut letters = names.first()?.chars();
        let first = letters.next()?.to_uppercase();
        Some(first.chain(letters).collect())
    }

    /// Whether its first part is a code of ISO 639-1: a cell that says `yes` or `n/a` is none.
    fn is_registered(&self) -> bool {
        let primary = self.0.split('-').next().unwrap_or(&self.0);
        ISO_639_1.split(' ').any(|code| code == primary)
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without region or script: `pt` of `pt-br`.
    #[must_use]
    pub fn primary(&self) -> Language {
        Language(self.0.split('-').next().unwrap_or(&self.0).to_owned())
    }

    /// Which languages may stand for this one, best first: itself, then itself without its region.
    #[must_use]
    pub fn fall_backs(&self) -> Vec<Language> {
        let primary = self.primary();
        if primary == *self { vec![primary] } else { vec![self.clone(), primary] }
    }

    /// Whether it is written from right to left.
    #[must_use]
    pub fn is_right_to_left(&self) -> bool {
        matches!(
            self.primary().as_str(),
            "ar" | "fa" | "he" | "ur" | "ps" | "sd" | "ug" | "yi" | "dv" | "ckb"
        )
    }

    /// `rtl` or `ltr`, as HTML's `dir` wants it.
    #[must_use]
    pub fn direction(&self) -> &'static str {
        if self.is_right_to_left() { "rtl" } else { "ltr" }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_recognised_as_people_write_them() {
        for (cell, tag) in [
            ("EN", "en"),
            (" Español ", "es"),
            ("ESPAÑOL", "es"),
            ("العربية", "ar"),
            ("中文", "zh"),
            ("Русский", "ru"),
            ("fra", "fr"),
            ("pt-BR", "pt-br"),
            ("zh_CN", "zh-cn"),
            ("espan\u{303}ol", "es"),
            ("Dutch", "nl"),
            ("рус.", "ru"),
            ("украинский", "uk"),
            ("Polski", "pl"),
            ("Türkçe", "tr"),
        ] {
            assert_eq!(Language::recognise(cell).unwrap().as_str(), tag, "{cell}");
        }
        for doubtful in
            ["", "Español/EN", "English, French", "?", "x", "engl1sh", "yes", "nan", "n/a"]
        {
            assert_eq!(Language::recognise(doubtful), None, "{doubtful}");
        }
    }

    #[test]
    fn a_region_falls_back_to_its_language() {
        let tags: Vec<_> = Language::parse_tag("pt-BR")
            .unwrap()
            .fall_backs()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(tags, ["pt-br", "pt"]);
    }
}
