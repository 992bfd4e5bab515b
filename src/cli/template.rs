//! `recipients/template.xlsx`: what `init --empty` gives an officer to fill in.
//!
//! Owns its columns, with words that the program recognises, and what it says about each. The
//! explanations hold no address: a sheet with one would be taken for a list.

use super::table::{Cell, Column, Table, workbook};
use crate::time::Timestamp;
use rust_xlsxwriter::XlsxError;

/// Where it stands in a workspace.
pub(super) const FILE: &str = "recipients/template.xlsx";

/// Columns in order: header, width, whether it is needed, what to write.
const COLUMNS: [(&str, u16, &str, &str); 7] = [
    ("First name", 18, "wished", "The given name as the person writes it, in any letters."),
    ("Family name", 22, "wished", "The family name. Without names the greeting is a neutral one."),
    (
        "E-mail",
        36,
        "needed",
        "One address, nothing else. Two people with one address get one letter.",
    ),
    ("Title", 12, "if there is one", "Ms, Mr, Dr, H.E. ... as it is used in a greeting."),
    ("Town", 20, "if letters use it", "Any column can be used in letters: {{ recipient.town }}."),
    ("Country", 20, "wished", "The name in your language, or a code such as PE."),
    (
        "Language",
        14,
        "wished",
        "The language of the letter: French, français or fr. Empty: the default of \
         secretariat.toml.",
    ),
];

/// The bytes of the workbook. It is the same for everybody.
pub(super) fn template() -> Result<Vec<u8>, XlsxError> {
    let columns =
        COLUMNS.iter().map(|(header, width, ..)| Column { header, width: *width }).collect();
    let people = Table { name: "Participants", columns, rows: Vec::new() };
    let text = |text: &str| Cell::Text(text.to_owned());
    let explained =
        COLUMNS.iter().map(|(header, _, need, what)| vec![text(header), text(need), text(what)]);
    let more = [
        ("more columns", "as you like", "Add columns, leave some out, change their order."),
        ("this sheet", "", "It may stay: only the sheet with addresses is read."),
    ];
    let more = more.map(|(column, need, what)| vec![text(column), text(need), text(what)]);
    let about = Table {
        name: "What to write",
        columns: vec![
            Column { header: "Column", width: 18 },
            Column { header: "Is it needed?", width: 18 },
            Column { header: "What to write", width: 74 },
        ],
        rows: explained.chain(more).collect(),
    };
    // 1 January 2026: a template has no time of its own.
    workbook("secretariat template", &[people, about], Timestamp::from_unix_seconds(1_767_225_600))
}
