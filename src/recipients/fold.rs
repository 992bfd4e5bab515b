//! Texts as people compare them: without case, accents and punctuation.
//!
//! Owns the foldings behind column names, headers of roles, country names and searches for a
//! person. The key of an address is not folded here but in `address.rs`, where it must not lose
//! accents.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters and digits in lower case without accents; what lies between them is one blank.
pub(super) fn words(text: &str) -> String {
    joined(text, ' ', char::is_alphanumeric)
}

/// The words of a name in one order: `Pérez, Ana` and `Ana PEREZ` are one name. Empty for none.
pub(super) fn name(text: &str) -> String {
    let words = words(text);
    let mut apart: Vec<&str> = words.split(' ').collect();
    if apart.is_sorted() {
        return words;
    }
    apart.sort_unstable();
    apart.join(" ")
}

/// A value as `where` compares it: without case, accents, outer blanks and full-width forms.
pub(super) fn value(text: &str) -> String {
    let folded: String = folded_chars(text).collect();
    folded.trim().to_owned()
}

/// Letters and digits only, in lower case without accents: `Viet Nam` and `VIETNAM` are one.
pub(super) fn condensed(text: &str) -> String {
    folded_chars(text).filter(|c| c.is_alphanumeric()).collect()
}

/// Latin letters and digits in lower case without accents; runs of other characters become `_`,
/// none at the ends.
pub(super) fn latin_name(text: &str) -> String {
    joined(text, '_', |c| c.is_ascii_alphanumeric())
}

/// The characters to keep, with one separator for every run of others between them.
fn joined(text: &str, separator: char, keep: impl Fn(char) -> bool) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut apart = false;
    for c in folded_chars(text) {
        if keep(c) {
            if apart && !folded.is_empty() {
                folded.push(separator);
            }
            folded.push(c);
            apart = false;
        } else {
            apart = true;
        }
    }
    folded
}

/// Lower case by way of upper case (`ß` is `ss`), accents dropped, letters that no accent makes
/// spelt out, `&` as the word it stands for in English names, invisible joiners dropped.
fn folded_chars(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(c, '\u{200c}'..='\u{200f}' | '\u{640}'))
        .flat_map(|c| spelt_out(c).chars().chain(spelt_out(c).is_empty().then_some(c)))
}

/// Letters that decomposition leaves alone and people leave out, or write in two ways.
fn spelt_out(c: char) -> &'static str {
    match c {
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ħ' => "h",
        'ŋ' => "n",
        'ı' => "i",
        '&' => " and ",
        // Arabic and Persian forms of one letter.
        'ة' => "ه",
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_accents_and_punctuation() {
        for (text, folded) in [
            ("  Ana   PÉREZ-Díaz ", "ana perez diaz"),
            ("Jose\u{301}", "jose"),
            ("Łódź, Strauß", "lodz strauss"),
            ("İstanbul ılık", "istanbul ilik"),
            ("王  芳", "王 芳"),
            ("Ёлкин", "елкин"),
            ("سارة", "ساره"),
            ("می\u{200c}خواهم", "ميخواهم"),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(words(text), folded, "{text:?}");
        }
        assert_eq!(condensed("Viet Nam"), condensed("VIETNAM"));
        assert_eq!(condensed("Antigua & Barbuda"), "antiguaandbarbuda");
    }

    #[test]
    fn a_name_has_no_order_and_a_value_keeps_its_signs() {
        assert_eq!(name("Pérez, Ana"), name("ana PEREZ"));
        assert_ne!(name("Ana Pérez"), name("Ana Pérez Díaz"));
        assert_eq!((name(""), name("王芳")), (String::new(), "王芳".to_owned()));
        for (written, folded) in [(" Sí ", "si"), ("ＹＥＳ", "yes"), ("+", "+"), ("n/a", "n/a")]
        {
            assert_eq!(value(written), folded, "{written:?}");
        }
    }

    #[test]
    fn a_column_name_is_latin_with_single_underscores() {
        for (header, name) in [
            ("Prénom", "prenom"),
            (" E-mail address (office) ", "e_mail_address_office"),
            ("City\n/ Town", "city_town"),
            ("E-mail 邮箱", "e_mail"),
            ("2nd name", "2nd_name"),
            ("姓名", ""),
            ("Имя", ""),
        ] {
            assert_eq!(latin_name(header), name, "{header:?}");
        }
    }
}
