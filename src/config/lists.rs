//! `[lists."FILE"]`: how single lists are to be read.
//!
//! Owns these tables' keys and what their values may be. Whether there is such a list is asked in
//! `campaign.rs`, where lists are found. No I/O.

use super::section::{Entry, Reader, Refusal, Section, as_section, parse_path};
use crate::problem::nearest;
use crate::recipients::{Encoding, ListSetting, USUAL_ENCODINGS, parse_delimiter};
use toml::de::DeValue;

/// Reads `[lists]`.
pub(super) fn read_lists(
    section: Option<Section<'_>>,
    reader: &mut Reader<'_>,
) -> Vec<ListSetting> {
    let Some(mut tables) = section else { return Vec::new() };
    let mut lists = Vec::new();
    for (file, entry) in tables.take_rest() {
        let (name, example) = (format!("lists.{file:?}"), "[lists.\"recipients/vip.csv\"]");
        let place = entry.place.clone();
        let Some(mut table) = as_section(name.clone(), entry, example, reader) else { continue };
        let encoding = table.take_meaning("encoding", "\"windows-1252\"", reader, parse_encoding);
        let delimiter = read_delimiter(&mut table, reader);
        let sheet = table.take_text("sheet", "\"Participants\"", reader);
        let header_row = table.take_number("header_row", 1..=u64::from(u32::MAX), reader);
        table.finish(reader);
        match parse_path(&file, "recipients/vip.csv") {
            Ok(file) => lists.push(ListSetting {
                file,
                encoding: encoding.map(|encoding| encoding.value),
                delimiter,
                sheet: sheet.map(|sheet| sheet.value),
                header_row: header_row.and_then(|row| u32::try_from(row).ok()),
                place,
            }),
            Err(refusal) => reader.refuse(&name, &place, refusal),
        }
    }
    lists
}

fn parse_encoding(text: &str) -> Result<Encoding, Refusal> {
    Encoding::parse(text).ok_or_else(|| {
        let hint = match nearest(text, USUAL_ENCODINGS.split(", ")) {
            Some(near) => format!("Did you mean {near}?"),
            None => format!("Write one of {USUAL_ENCODINGS}."),
        };
        Refusal::new(format!("is no encoding: {text:?}"), hint)
    })
}

fn read_delimiter(table: &mut Section<'_>, reader: &mut Reader<'_>) -> Option<u8> {
    let Entry { value, .. } = table.take("delimiter")?;
    // A tab between quotation marks is a control character anywhere else.
    if let DeValue::String(text) = value.get_ref()
        && text == "\t"
    {
        return Some(b'\t');
    }
    let name = table.name("delimiter");
    let text = reader.text(&name, &value, "delimiter = \";\"")?;
    let parsed = reader.meaning(&name, text, |text| {
        let hint = "Write one of \",\", \";\", \"tab\", \"|\".";
        parse_delimiter(text)
            .ok_or_else(|| Refusal::new(format!("is no separator: {text:?}"), hint))
    });
    parsed.map(|delimiter| delimiter.value)
}

#[cfg(test)]
mod tests {
    use crate::config::read::tests::{LEAST, check, config};

    #[test]
    fn a_list_says_how_it_is_to_be_read() {
        let text = "[lists.\"recipients/vip.csv\"]\nencoding = \"Windows-1250\"\n\
                    delimiter = \"tab\"\nheader_row = 4\n[lists.\"b.csv\"]\ndelimiter = \"\\t\"\n\
                    [lists.\"c.xlsx\"]\nsheet = \"VIP\"\n";
        let lists = config(&format!("{text}{LEAST}")).lists;
        let shown: Vec<_> = lists
            .iter()
            .map(|l| (l.file.as_str(), l.encoding.map(|e| e.name()), l.delimiter, l.header_row))
            .collect();
        assert_eq!(
            shown,
            [
                ("recipients/vip.csv", Some("Windows-1250"), Some(b'\t'), Some(4)),
                ("b.csv", None, Some(b'\t'), None),
                ("c.xlsx", None, None, None),
            ]
        );
        assert_eq!(lists[2].sheet.as_deref(), Some("VIP"));
        assert!(lists[0].is_for("recipients/vip.csv") && !lists[0].is_for("vip.csv"));
        assert!(lists[1].is_for("recipients/b.csv") && !lists[1].is_for("recipients/ab.csv"));
    }

    #[test]
    fn what_is_no_setting_for_a_list_is_refused_with_what_would_be_one() {
        for (lines, expected) in [
            (
                "encoding = \"windows-1522\"",
                "2:12 lists.\"a.csv\".encoding is no encoding: \"windows-1522\" | Did you mean windows-1252?",
            ),
            (
                "encoding = \"excel\"",
                "2:12 lists.\"a.csv\".encoding is no encoding: \"excel\" | Write one of utf-8,",
            ),
            (
                "delimiter = \":\"",
                "2:13 lists.\"a.csv\".delimiter is no separator: \":\" | Write one of",
            ),
            ("header_row = 0", "2:14 lists.\"a.csv\".header_row cannot be 0 |"),
            (
                "headerrow = 1",
                "2:1 unknown key \"headerrow\" in [lists.\"a.csv\"] | Did you mean header_row?",
            ),
        ] {
            check(&format!("[lists.\"a.csv\"]\n{lines}"), expected);
        }
        check("[lists.\"../a.csv\"]", "1:8 lists.\"../a.csv\" ");
        check("lists.\"a.csv\" = 1", "1:17 lists.\"a.csv\" must be a table, not a number");
    }
}
