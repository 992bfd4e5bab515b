//! What an address that is none was probably meant to be: for hints, never for use.
//!
//! Owns proposals only. Nobody is written to at an address that does not stand in a list: a guess
//! that is right in ninety-nine cases sends the hundredth person's letter to a stranger.

use crate::address::EmailAddress;

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
            None => "Write the person's address, such as name@town.example.".to_owned(),
        },
        [one] => format!("Write {one}"),
        [first, ..] => format!("Keep one of them, such as {first}, and give others their own row."),
    }
}

/// The address without the blanks in it, and with a dot for a comma, as in `gmail,com`.
fn closed_up(bare: &str) -> Option<String> {
    let joined: String = bare.chars().filter(|c| !c.is_whitespace()).collect();
    let (local, domain) = joined.rsplit_once('@')?;
    Some(format!("{local}@{}", domain.replace(',', "."))).filter(|address| is_address(address))
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
    let text =
        text.replace(" at ", "@").replace("(at)", "@").replace("[at]", "@").replace("@@", "@");
    text.trim_matches(|c: char| c.is_whitespace() || ".,;:<>\"'()[]".contains(c)).to_owned()
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || ",;|/<>()[]\"".contains(c)
}

fn is_address(text: &str) -> bool {
    EmailAddress::parse(text).is_ok()
}

/// Domains that people mistype, and what they mean. Only slips that are no provider of their own.
const SLIPS: &[(&str, &str)] = &[
    ("gmial.com", "gmail.com"),
    ("gmai.com", "gmail.com"),
    ("gamil.com", "gmail.com"),
    ("gmail.co", "gmail.com"),
    ("gmail.cm", "gmail.com"),
    ("gmaill.com", "gmail.com"),
    ("gmal.com", "gmail.com"),
    ("gnail.com", "gmail.com"),
    ("hotmial.com", "hotmail.com"),
    ("hotmai.com", "hotmail.com"),
    ("hotmil.com", "hotmail.com"),
    ("hotmal.com", "hotmail.com"),
    ("hotnail.com", "hotmail.com"),
    ("yaho.com", "yahoo.com"),
    ("yahooo.com", "yahoo.com"),
    ("yhaoo.com", "yahoo.com"),
    ("yahoo.co", "yahoo.com"),
    ("outlok.com", "outlook.com"),
    ("outloook.com", "outlook.com"),
    ("outlook.co", "outlook.com"),
    ("iclod.com", "icloud.com"),
    ("icoud.com", "icloud.com"),
];

/// The domain that was probably meant; `None` for a domain that is not known to be a slip.
pub(super) fn probable_domain(domain: &str) -> Option<String> {
    if let Some((_, meant)) = SLIPS.iter().find(|(slip, _)| *slip == domain) {
        return Some((*meant).to_owned());
    }
    // There is no top-level domain `con`.
    domain.strip_suffix(".con").map(|rest| format!("{rest}.com"))
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
            "\"ana@x.example\"",
            "Ana Pérez ana@x.example",
        ] {
            assert_eq!(hint(cell), "Write ana@x.example", "{cell}");
        }
        assert!(hint("a@x.example; b@y.example").contains("Keep one of them, such as a@x.example"));
        for cell in ["n/a", "ana", "ana@", "@x.example", "-"] {
            assert!(hint(cell).starts_with("Write the person's address"), "{cell}");
        }
    }

    #[test]
    fn slips_in_well_known_domains_are_noticed() {
        assert_eq!(probable_domain("gmial.com").as_deref(), Some("gmail.com"));
        assert_eq!(probable_domain("town.con").as_deref(), Some("town.com"));
        for right in ["gmail.com", "mail.com", "ymail.com", "gmx.com", "yahoo.co.uk", "x.example"] {
            assert_eq!(probable_domain(right), None, "{right}");
        }
    }
}
