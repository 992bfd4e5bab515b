//! `[people]`, and `where` of a mailing: who is written to.
//!
//! Owns these keys, their examples and what their values may be. What they do to rows is decided in
//! the library's `recipients/`. No I/O.

use super::Where;
use super::section::{Entry, Placed, Reader, Refusal, Section, as_section, texts};
use crate::recipients::{KeptColumn, SameAddress, TwoAddresses, column_name};

/// What `where` looks like, as hints show it.
const WHERE_EXAMPLE: &str = "where = { attended = [\"yes\"] }";

/// `[people]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleRules {
    /// What several rows with one address mean.
    pub same_address: SameAddress,
    /// What becomes of a cell with several addresses.
    pub two_addresses: TwoAddresses,
}

/// Reads `[people]`.
pub(super) fn read_people(section: Option<Section<'_>>, reader: &mut Reader<'_>) -> PeopleRules {
    let Some(mut section) = section else { return PeopleRules::default() };
    let same_address = section.take_meaning("same_address", "\"one\"", reader, parse_same_address);
    let two_addresses =
        section.take_meaning("two_addresses", "\"first\"", reader, parse_two_addresses);
    section.finish(reader);
    PeopleRules {
        same_address: same_address.map(|s| s.value).unwrap_or_default(),
        two_addresses: two_addresses.map(|two| two.value).unwrap_or_default(),
    }
}

fn parse_same_address(text: &str) -> Result<SameAddress, Refusal> {
    match text {
        "one" => Ok(SameAddress::One),
        "joint" => Ok(SameAddress::Joint),
        "each" => Ok(SameAddress::Each),
        other => {
            let hint = "Write \"one\" for a letter to the first of them, \"joint\" for one that \
                        greets all, or \"each\" for a letter to each.";
            Err(Refusal::new(format!("cannot be {other:?}"), hint))
        }
    }
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

/// Reads `where`: a table of columns with their values, or a condition.
pub(super) fn read_where(section: &mut Section<'_>, reader: &mut Reader<'_>) -> Option<Where> {
    let entry = section.take("where")?;
    let name = section.name("where");
    if entry.value.get_ref().is_str() {
        let text = reader.text(&name, &entry.value, WHERE_EXAMPLE)?;
        return Some(Where::Condition(text));
    }
    let place = entry.place.clone();
    let mut table = as_section(name.clone(), entry, WHERE_EXAMPLE, reader)?;
    let mut columns = Vec::new();
    for (column, entry) in table.take_rest() {
        columns.extend(read_column(&table.name(&column), &column, &entry, reader));
    }
    if columns.is_empty() {
        // Columns that were refused have said so.
        let hint = format!("Write {WHERE_EXAMPLE}, or remove the line.");
        reader.refuse(&name, &place, Refusal::new("names no column with a value", hint));
        return None;
    }
    Some(Where::Values(columns))
}

fn read_column(
    name: &str,
    column: &str,
    entry: &Entry<'_>,
    reader: &mut Reader<'_>,
) -> Option<KeptColumn> {
    let values: Vec<Placed<String>> =
        texts(name, &entry.value, &format!("{column} = [\"yes\"]"), reader);
    let column = column_name(column);
    let values: Vec<String> = values.into_iter().map(|value| value.value).collect();
    (!values.is_empty()).then(|| KeptColumn { column, values, place: entry.place.clone() })
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
