//! `[people]`: what becomes of rows that are not one person with one address.
//!
//! Owns the words of its keys. What they do is decided in `recipients/`.

use super::section::{Reader, Refusal, Section};
use crate::recipients::TwoAddresses;

/// What the configuration says about people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleRules {
    /// What becomes of a cell with several addresses.
    pub two_addresses: TwoAddresses,
}

pub(super) fn read_people(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> PeopleRules {
    let mut people = PeopleRules::default();
    let Some(mut section) = section else { return people };
    let two = section.take_meaning("two_addresses", "\"first\"", reader, parse_two_addresses);
    people.two_addresses = two.map(|two| two.value).unwrap_or_default();
    section.finish(reader);
    people
}

fn parse_two_addresses(text: &str) -> Result<TwoAddresses, Refusal> {
    match text {
        "refuse" => Ok(TwoAddresses::Refuse),
        "first" => Ok(TwoAddresses::First),
        "first-and-cc" => Ok(TwoAddresses::FirstAndCc),
        _ => Err(Refusal::new(
            format!("cannot be {text:?}"),
            "Write \"refuse\", \"first\" or \"first-and-cc\".",
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::read::tests::{LEAST, check, config};
    use crate::recipients::TwoAddresses;

    #[test]
    fn two_addresses_in_a_cell_are_refused_unless_the_configuration_says_otherwise() {
        let read = |people: &str| config(&format!("{LEAST}{people}")).people.two_addresses;
        assert_eq!(read(""), TwoAddresses::Refuse);
        for (word, expected) in [
            ("refuse", TwoAddresses::Refuse),
            ("first", TwoAddresses::First),
            ("first-and-cc", TwoAddresses::FirstAndCc),
        ] {
            assert_eq!(read(&format!("[people]\ntwo_addresses = \"{word}\"\n")), expected);
        }
        check(
            "[people]\ntwo_addresses = \"second\"",
            "2:17 people.two_addresses cannot be \"second\" | Write \"refuse\", \"first\" or",
        );
        check("[people]\ntwo_adresses = \"first\"", "2:1 unknown key \"two_adresses\" in [people]");
    }
}
