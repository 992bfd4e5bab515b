//! Names that the file gives to things, and by which it refers to them.
//!
//! Owns what letters can write behind a dot (`conference.NAME`), and what is said about a name that
//! cannot be, or that nothing has. No I/O.

use super::section::{Reader, Refusal};
use crate::id::CampaignId;
use crate::language::Language;
use crate::plan::pattern::is_identifier;
use crate::problem::{Place, Problem, nearest};
use unicode_normalization::UnicodeNormalization;

/// Whether a free key can stand behind a dot in letters; if not, says which one could.
pub(super) fn is_name(key: &str, table: &str, place: &Place, reader: &mut Reader<'_>) -> bool {
    // Columns are known by small letters (contract, A letter).
    let wants_small = table == "columns";
    if is_identifier(key) && !(wants_small && key.contains(|c: char| c.is_ascii_uppercase())) {
        return true;
    }
    let suggested = suggested_name(key, wants_small);
    let hint = if is_identifier(&suggested) {
        format!("Write {suggested}.")
    } else {
        "Write a name of the letters a-z, digits and _.".to_owned()
    };
    let place = place.clone();
    let message = format!("the key {key:?} in [{table}] cannot be used in letters");
    reader.report(Problem::error("config-value", message).place(place).hint(hint));
    false
}

/// The name nearest to a key that letters can use: accents dropped, other characters as `_`.
fn suggested_name(key: &str, small: bool) -> String {
    let is_mark = unicode_normalization::char::is_combining_mark;
    let plain = key.trim().nfd().filter(|c| !is_mark(*c));
    let name: String = plain.map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if small { name.to_ascii_lowercase() } else { name }
}

/// A name that is not among those there are.
pub(super) fn unknown(name: &str, kind: &str, known: &[String]) -> Refusal {
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean {near}?"),
        None if known.is_empty() => format!("Add a table [{kind}s.{name}]."),
        None => format!("There are {}; or add a table [{kind}s.{name}].", known.join(", ")),
    };
    Refusal::new(format!("names the {kind} {name:?}, which there is not"), hint)
}

/// A campaign's name.
pub(super) fn parse_campaign_id(text: &str) -> Result<CampaignId, Refusal> {
    CampaignId::parse(text).map_err(|_| {
        let hint = "Write small letters a-z, digits and hyphens, at most 64, such as thank-you.";
        Refusal::new(format!("cannot name a campaign: {text:?}"), hint)
    })
}

/// A language tag.
pub(super) fn parse_language(text: &str) -> Result<Language, Refusal> {
    Language::parse_tag(text).ok_or_else(|| {
        let hint = match Language::recognise(text) {
            Some(language) => format!("Write \"{language}\"."),
            None => "Write a language tag such as \"en\", \"fr\" or \"pt-br\".".to_owned(),
        };
        Refusal::new(format!("is no language tag: {text:?}"), hint)
    })
}
