//! What is left of a text that was once saved or opened in the wrong encoding.
//!
//! Owns telling such a text, and what it was before where that is certain: the text is put back
//! into the bytes it was read from, and these are UTF-8 whose letters are of one script. A repair
//! is only ever proposed. U+FFFD in a name is an error of `name.rs`.
//!
//! # Failure
//! What only looks odd is no damage: a name nobody has seen is still somebody's.

use encoding_rs as e;
use std::borrow::Cow;
use unicode_script::{Script, UnicodeScript};

/// How a text is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `P?rez`, `P_rez`: letters were replaced, and are gone.
    Lost,
    /// `PÃ©rez`: UTF-8 that was read as something else.
    Torn,
    /// `P&eacute;rez`: written for a web page.
    Entity,
}

/// A damaged text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damaged {
    pub(super) kind: Kind,
    /// What it was, where that is certain.
    pub(super) repair: Option<String>,
}

/// How a name is damaged, if it is.
pub(super) fn of_name(name: &str) -> Option<Damaged> {
    of_cell(name).or_else(|| {
        let is_lost = name.contains('?') || has_within_word(name, |c| c == '_');
        is_lost.then_some(Damaged { kind: Kind::Lost, repair: None })
    })
}

/// Whether nothing is left of a text but the marks that stand for its letters: `????? ???`.
pub(super) fn has_lost_all(text: &str) -> bool {
    let marks = text.chars().filter(|c| *c == '?').count();
    marks > 1 && text.chars().all(|c| c == '?' || !c.is_alphanumeric())
}

/// How a cell of any column is damaged: less is odd there, and a question mark may be one.
pub(super) fn of_cell(cell: &str) -> Option<Damaged> {
    if let Some(repair) = torn(cell) {
        return Some(Damaged { kind: Kind::Torn, repair: Some(repair) });
    }
    if has_torn_pair(cell) {
        return Some(Damaged { kind: Kind::Torn, repair: None });
    }
    if let Some(text) = without_entities(cell) {
        return Some(Damaged { kind: Kind::Entity, repair: Some(text) });
    }
    let is_lost = cell.contains('\u{fffd}') || (!cell.contains(['/', '=']) && has_lost_mark(cell));
    is_lost.then_some(Damaged { kind: Kind::Lost, repair: None })
}

/// A question mark between small letters: `M?xico`.
fn has_lost_mark(text: &str) -> bool {
    text.contains('?') && has_within_word(text, |c| c == '?')
}

/// Whether a sign stands between two letters.
fn has_within_word(text: &str, is_sign: impl Fn(char) -> bool) -> bool {
    let (mut before, mut pending) = (false, false);
    for c in text.chars() {
        if pending && c.is_alphabetic() {
            return true;
        }
        let sign = is_sign(c);
        pending = sign && (before || pending);
        before = c.is_alphabetic();
    }
    false
}

/// The encodings that UTF-8 is read in by mistake, with the letters that then come first.
const MISREADINGS: [(&e::Encoding, &[Script]); 9] = [
    (e::WINDOWS_1252, &[Script::Latin, Script::Common]),
    (e::MACINTOSH, &[Script::Latin, Script::Common]),
    (e::WINDOWS_1250, &[Script::Latin]),
    (e::WINDOWS_1254, &[Script::Latin]),
    (e::WINDOWS_1251, &[Script::Cyrillic]),
    (e::KOI8_R, &[Script::Cyrillic, Script::Common]),
    (e::WINDOWS_1256, &[Script::Arabic]),
    (e::GB18030, &[Script::Han]),
    (e::SHIFT_JIS, &[Script::Han, Script::Katakana]),
];

/// What a text was before it was read in the wrong encoding, once or twice.
fn torn(text: &str) -> Option<String> {
    let mut before = torn_once(text)?;
    // Exports of exports.
    for _ in 0..2 {
        match torn_once(&before) {
            Some(earlier) => before = earlier,
            None => break,
        }
    }
    Some(before).filter(|before| is_sound(text, before))
}

fn torn_once(text: &str) -> Option<String> {
    let at = text.find(|c: char| !c.is_ascii())?;
    let mut pair = text[at..].chars();
    let first = pair.next()?;
    let first_two =
        &text[at..text.len() - pair.as_str().len() + pair.next().map_or(0, char::len_utf8)];
    let tried = MISREADINGS.iter().filter(|(_, scripts)| scripts.contains(&first.script()));
    tried.map(|(encoding, _)| *encoding).find_map(|encoding| {
        // Most names are told from UTF-8 by their first two octets.
        let octets = octets_of(first_two, encoding)?;
        let begins = matches!(octets[..], [0xc2..=0xf4, 0x80..=0xbf, ..]);
        let octets = begins.then(|| octets_of(text, encoding))??;
        let before = String::from_utf8(octets).ok()?;
        let is_text = !before.chars().any(|c| c.is_control() && c != '\n' && c != '\r');
        (is_text && before.len() < text.len()).then_some(before)
    })
}

/// The octets a text was read from; the controls beyond ASCII stand for themselves where an
/// encoding has no letter.
fn octets_of(text: &str, encoding: &'static e::Encoding) -> Option<Vec<u8>> {
    if let (octets, _, false) = encoding.encode(text) {
        return Some(octets.into_owned());
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut buffer = [0_u8; 4];
    for c in text.chars() {
        match encoding.encode(c.encode_utf8(&mut buffer)) {
            (Cow::Owned(octet), _, false) => octets.extend(octet),
            (Cow::Borrowed(octet), _, false) => octets.extend_from_slice(octet),
            _ => octets.push(u8::try_from(u32::from(c)).ok().filter(|o| (0x80..0xa0).contains(o))?),
        }
    }
    Some(octets)
}

/// Whether what came out is a text of one script, and more of one than what went in.
fn is_sound(text: &str, before: &str) -> bool {
    let Some(script) = script_of(before) else { return false };
    let beyond = before.chars().filter(|c| !c.is_ascii()).count();
    let is_clean = before.chars().all(|c| c.is_ascii() || c.is_alphabetic() || is_beside_words(c));
    // Short words of other scripts can be UTF-8 of something else by chance; real names are.
    let is_word = text.chars().all(|c| c.is_alphabetic() || c.is_whitespace());
    let by_chance = is_word
        && match (script_of(text), script) {
            (Some(Script::Latin) | None, _) => false,
            (Some(Script::Han), Script::Han) => before.chars().count() < 2,
            _ => beyond < 3,
        };
    is_clean && !by_chance
}

fn is_beside_words(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '’' | '‘' | '–' | '“' | '”' | '«' | '»' | '·' | 'º' | 'ª')
        || unicode_normalization::char::is_combining_mark(c)
        || matches!(c, '\u{200c}' | '\u{200d}')
}

/// The one script of a text's letters, if it has letters and they are of one.
fn script_of(text: &str) -> Option<Script> {
    let mut found = None;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let script = match c.script() {
            Script::Common | Script::Inherited => continue,
            Script::Hiragana | Script::Katakana => Script::Han,
            script => script,
        };
        if *found.get_or_insert(script) != script {
            return None;
        }
    }
    found
}

/// The first two octets of UTF-8 read as Windows-1252, where the rest was damaged further: one of
/// these letters, and behind it a sign that no word has there.
fn has_torn_pair(text: &str) -> bool {
    let is_torn = |pair: (char, char)| {
        matches!(
            pair,
            (
                'Ã' | 'Â' | 'Ð' | 'Ñ' | 'Ø' | 'Ù',
                '\u{a0}'..='\u{a9}' | '\u{ab}'..='\u{b9}' | '\u{bb}'..='\u{bf}',
            ) | ('√', '©' | '±' | '°' | '≠' | '∂' | '∏' | '§')
        )
    };
    !text.is_ascii() && text.chars().zip(text.chars().skip(1)).any(is_torn)
}

/// The text with what stands for letters on web pages as these letters; `None` without any.
fn without_entities(text: &str) -> Option<String> {
    let mut rest = text;
    let mut plain = String::new();
    let mut any = false;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity =
            rest[1..].split_once(';').and_then(|(name, after)| Some((entity(name)?, after)));
        match entity {
            Some((c, after)) => {
                plain.push(c);
                (rest, any) = (after, true);
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    any.then_some(plain)
}

/// The character that a name or number between `&` and `;` stands for (HTML 4, 24).
fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = match hex {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|c| !c.is_control());
    }
    const SIGNS: [(&str, char); 12] = [
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("lt", '<'),
        ("gt", '>'),
        ("nbsp", ' '),
        ("rsquo", '’'),
        ("lsquo", '‘'),
        ("ndash", '–'),
        ("szlig", 'ß'),
        ("oslash", 'ø'),
        ("Oslash", 'Ø'),
    ];
    const LIGATURES: [(&str, char); 4] =
        [("aelig", 'æ'), ("AElig", 'Æ'), ("oelig", 'œ'), ("OElig", 'Œ')];
    const ACCENTS: [(&str, char); 7] = [
        ("acute", '\u{301}'),
        ("grave", '\u{300}'),
        ("circ", '\u{302}'),
        ("tilde", '\u{303}'),
        ("uml", '\u{308}'),
        ("cedil", '\u{327}'),
        ("caron", '\u{30c}'),
    ];
    let known = SIGNS.iter().chain(&LIGATURES).find(|(known, _)| *known == name);
    if let Some((_, c)) = known {
        return Some(*c);
    }
    if let Some(letter) = name.strip_suffix("ring") {
        return match letter {
            "a" => Some('å'),
            "A" => Some('Å'),
            _ => None,
        };
    }
    let (letter, accent) =
        ACCENTS.iter().find_map(|(accent, mark)| Some((name.strip_suffix(accent)?, *mark)))?;
    let mut letters = letter.chars();
    let base = letters.next().filter(|_| letters.next().is_none())?;
    unicode_normalization::char::compose(base, accent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, kind: Kind, repair: Option<&str>) {
        let repair = repair.map(str::to_owned);
        assert_eq!(of_name(name), Some(Damaged { kind, repair }), "{name}");
    }

    #[test]
    fn names_read_in_the_wrong_encoding_are_put_back() {
        for (name, was) in [
            ("JosÃ©", "José"),
            ("PÃ©rez NuÃ±ez", "Pérez Nuñez"),
            ("Ð\u{9f}ÐµÑ‚Ñ€Ð¾Ð²", "Петров"),
            ("ÐŸÐµÑ‚Ñ€Ð¾Ð²", "Петров"),
            ("Jos√©", "José"),
            ("JosĂ©", "José"),
            ("JosГ©", "José"),
            ("РџРµС‚СЂРѕРІ", "Петров"),
            ("JosÃƒÂ©", "José"),
            ("çŽ‹èŠ³", "王芳"),
            ("Ø³Ø§Ø±Ø©", "سارة"),
            ("ط³ط§ط±ط©", "سارة"),
            ("Jos茅", "José"),
            ("袩械褌褉芯胁", "Петров"),
            ("鐜嬭姵", "王芳"),
            ("Nâ€™Diaye", "N’Diaye"),
            ("BjÃ¸rn Ã…se", "Bjørn Åse"),
            ("Å\u{81}ukasz", "Łukasz"),
            ("GÃ¼nter\nMÃ¼ller", "Günter\nMüller"),
        ] {
            check(name, Kind::Torn, Some(was));
        }
        // Its second half was lost with the blanks around the cell.
        check("Ã Â¿Ana", Kind::Torn, None);
    }

    #[test]
    fn names_with_letters_lost_or_written_for_the_web_are_told() {
        for name in ["P?rez", "Mu?oz", "Mu_oz", "M__ller", "Ana ?", "?ukasz"] {
            check(name, Kind::Lost, None);
        }
        for (name, was) in [
            ("Jos&eacute;", "José"),
            ("Jos&#233;", "José"),
            ("Jos&#xE9; &Aring;se", "José Åse"),
            ("Mu&ntilde;oz &amp; Gar&ccedil;on", "Muñoz & Garçon"),
            ("&Scaron;&aacute;rka", "Šárka"),
            ("O&#39;Brien", "O'Brien"),
        ] {
            check(name, Kind::Entity, Some(was));
        }
    }

    #[test]
    fn names_without_any_letter_left_are_told_from_none() {
        for name in ["????", "?? ???", "??????? (????)", "??????-??"] {
            assert!(has_lost_all(name), "{name}");
        }
        for name in ["?", "-", "", "P??ez", "??? 2"] {
            assert!(!has_lost_all(name), "{name}");
        }
    }

    #[test]
    fn names_as_people_have_them_are_left_alone() {
        let names = "Muñoz|ÑAÑEZ SÃO|São Tomé|王芳|谭谣|罗茂|陈芳|عبدالله|Віктор|Їжак|Łukasz|\
            Ng’ang’a|Æsa Ø|Đorđe|Adébáyọ̀|محمد‌رضا|अंजलि|Åse Ånes|ÂNGELA|Ñusta|Île|渡辺健|\
            Tom & Jerry|AT&T|Smith & Co;|_|Ştefan|ÐÞ|Øyvind Ñ|José-María|김민수|さくら|Никита|СЂ";
        for name in names.split('|') {
            assert_eq!(of_name(name), None, "{name}");
        }
        for cell in ["Coming?", "vegetarian? no", "https://x.example/?a=b", "a_b", "R&D"] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
        assert!(of_cell("M?xico").is_some() && of_cell("M\u{fffd}xico").is_some());
    }
}
