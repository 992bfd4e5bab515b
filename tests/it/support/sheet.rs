//! Workbooks as we write them, read back: one sheet of texts and numbers.
//!
//! Owns just so much of the format as that takes; LibreOffice reads the same files in
//! `workbooks.rs` and `hand_over.rs`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// The rows of the first sheet, each cell by the header above it; an empty cell is `""`.
pub fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    let (strings, sheet) = (part(file, "xl/sharedStrings.xml"), sheet(file));
    let strings: Vec<String> = strings.split("<si>").skip(1).map(text_of).collect();
    let mut rows = sheet.split("<row ").skip(1).map(|row| cells(row, &strings));
    let headers = rows.next().expect("a row of headers");
    let by_header = |row: BTreeMap<String, String>| {
        let cell = |(column, header): (&String, &String)| {
            (header.clone(), row.get(column).cloned().unwrap_or_default())
        };
        headers.iter().map(cell).collect()
    };
    rows.map(by_header).collect()
}

/// The first sheet as it is written.
pub fn sheet(file: &Path) -> String {
    part(file, "xl/worksheets/sheet1.xml")
}

fn part(file: &Path, name: &str) -> String {
    let bytes = std::fs::read(file).expect("a workbook");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a workbook");
    let mut text = String::new();
    zip.by_name(name).expect("a part").read_to_string(&mut text).expect("UTF-8");
    text
}

/// Cells of a row by the letters of their column.
fn cells(row: &str, strings: &[String]) -> BTreeMap<String, String> {
    let cell = |cell: &str| {
        let column = cell.split_once("r=\"")?.1.chars().take_while(char::is_ascii_uppercase);
        let value = cell.split_once("<v>")?.1.split_once("</v>")?.0;
        let is_shared = cell.split('>').next()?.contains("t=\"s\"");
        let value = match is_shared {
            true => strings.get(value.parse::<usize>().ok()?)?.clone(),
            false => value.to_owned(),
        };
        Some((column.collect(), value))
    };
    row.split("<c ").skip(1).filter_map(cell).collect()
}

fn text_of(item: &str) -> String {
    let text = item.split_once("<t").and_then(|(_, rest)| rest.split_once('>'));
    let text = text.and_then(|(_, rest)| rest.split_once("</t>")).map_or("", |(text, _)| text);
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&amp;", "&")
}
