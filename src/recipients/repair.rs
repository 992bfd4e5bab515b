//! What an address that is none was probably meant to be: for hints, never for use.
//!
//! Owns proposals only. Nobody is written to at an address that does not stand in a list: a guess
//! that is right in ninety-nine cases sends the hundredth person's letter to a stranger.

use crate::address::{AT_IN_WORDS, EmailAddress};
use unicode_security::confusable_detection::skeleton;

/// What to do about a cell that is no address.
pub(super) fn hint(cell: &str) -> String {
    let bare = bare(cell);
    if is_address(&bare) {
        return format!("Write {bare}");
    }
    let within: Vec<&str> = bare.split(is_separator).filter(|part| is_address(part)).collect();
    match within.as_slice() {
        [] => match closed_up(&bare) {
            Some(address) => format!("Write {address}"),
            None => match in_latin_letters(&bare) {
                Some(address) => format!("Write {address}, all of it in Latin letters."),
                None => "Write the person's address, such as name@town.example.".to_owned(),
            },
        },
        [one] => format!("Write {one}"),
        [first, ..] => format!(
            "Keep one of them, such as {first}, and give others their own row; or let two_addresses \
             under [people] decide for all such cells."
        ),
    }
}

/// The address without the blanks in it, and with a dot for a comma, as in `gmail,com`.
fn closed_up(bare: &str) -> Option<String> {
    let joined: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
    let (local, domain) = joined.rsplit_once('@')?;
    Some(format!("{local}@{}", domain.replace(',', "."))).filter(|address| is_address(address))
}

/// The address with Latin letters for those of other scripts that look like them.
fn in_latin_letters(bare: &str) -> Option<String> {
    let latin = |c: char| {
        let mut seen = skeleton(c.encode_utf8(&mut [0; 4])).collect::<Vec<_>>().into_iter();
        match (seen.next(), seen.next()) {
            (Some(latin), None) if latin.is_ascii_alphabetic() && !c.is_ascii() => latin,
            _ => c,
        }
    };
    let typed: String = bare.chars().map(latin).collect();
    Some(typed).filter(|typed| typed.is_ascii() && is_address(typed))
}

/// Without `mailto:`, with one `@` for two, without what surrounds the address, without invisible
/// characters.
fn bare(cell: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let text: String = cell.chars().filter(visible).collect::<String>().replace(['＠', '﹫'], "@");
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    let text = inner.map_or(text.as_str(), |(address, _)| address).trim();
    let scheme = text.get(.."mailto:".len()).filter(|s| s.eq_ignore_ascii_case("mailto:"));
    let text = scheme.map_or(text, |scheme| &text[scheme.len()..]);
    let text = text.split('?').next().unwrap_or(text);
    let text = with_at(text).replace(" at ", "@").replace("@@", "@");
    text.trim_matches(|c: char| c.is_whitespace() || ".,;:<>\"'()[]".contains(c)).to_owned()
}

/// The text with an `@` for the one that somebody has spelt out.
fn with_at(text: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let found = AT_IN_WORDS.iter().find_map(|words| Some((folded.find(words)?, words.len())));
    match found {
        Some((at, len)) => format!("{}@{}", text[..at].trim_end(), text[at + len..].trim_start()),
        None => text.to_owned(),
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || ",;|/<>()[]\"".contains(c)
}

fn is_address(text: &str) -> bool {
    EmailAddress::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_proposed_where_it_is_plain() {
        for cell in [
            "mailto:ana@x.example",
            "MAILTO:ana@x.example?subject=hello",
            "ana@@x.example",
            "ana@x.example.",
            "ana@x.example;",
            "<ana@x.example>",
            "Ana Pérez <ana@x.example>",
            "ana @x.example",
            "ana@x,example",
            "ana@x.example\u{200b}",
            "ana＠x.example",
            "ana at x.example",
            "ana(at)x.example",
            "ana (AT) x.example",
            "ana {at} x.example",
            "\"ana@x.example\"",
            "Ana Pérez ana@x.example",
        ] {
            assert_eq!(hint(cell), "Write ana@x.example", "{cell}");
        }
        assert!(hint("a@x.example; b@y.example").contains("Keep one of them, such as a@x.example"));
        assert_eq!(hint("\u{430}na@x.example"), "Write ana@x.example, all of it in Latin letters.");
        for cell in ["n/a", "ana", "ana@", "@x.example", "-"] {
            assert!(hint(cell).starts_with("Write the person's address"), "{cell}");
        }
    }
}
