//! Small files that would take hours or all memory: each is refused, or costs nothing
//! (security S20).

use super::number::NumberFormat;
use super::observed::{Merged, Observed, Oddity};
use super::tests::zipped;
use super::*;
use crate::limits::WORKBOOK_STYLES_MAX;

const BEYOND: Damage = Damage::Broken("a row lies beyond the last of a sheet");

#[track_caller]
fn refused(bytes: &[u8], damage: &Damage) {
    assert_eq!(open(bytes, None).err().as_ref(), Some(damage));
}

/// An OpenDocument spreadsheet with this in it.
fn ods(content: &str) -> Vec<u8> {
    let mime = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    zipped(&[mime, ("content.xml", content)])
}

fn table(rows: &str) -> String {
    format!("<table:table table:name=\"S\">{rows}</table:table>")
}

/// Failed formulas fill no cell, so that no limit of cells ends them.
#[test]
fn four_thousand_million_rows_of_failed_formulas_are_refused() {
    for cell in ["calcext:value-type=\"error\"", "table:formula=\"x\""] {
        let rows = format!(
            "<table:table-row table:number-rows-repeated=\"4000000000\"><table:table-cell {cell}/>\
             </table:table-row>"
        );
        refused(&ods(&table(&rows)), &BEYOND);
    }
}

#[test]
fn a_row_is_not_held_until_memory_is_full() {
    let cell =
        format!("<table:table-cell><text:p>{}</text:p></table:table-cell>", "x".repeat(60_000));
    let row = format!("<table:table-row>{}</table:table-row>", cell.repeat(300));
    refused(&ods(&table(&row)), &Damage::TooLarge);
    let far = "<table:table-row><table:table-cell table:number-columns-repeated=\"20000\"/>\
               <table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>";
    refused(&ods(&table(far)), &Damage::TooManyCells { line: 1 });
}

#[test]
fn tables_within_tables_and_a_thousand_tables_are_refused() {
    let inner = table("<table:table-row/>");
    let nested =
        format!("<table:table-row><table:table-cell>{inner}</table:table-cell></table:table-row>");
    refused(&ods(&table(&nested)), &Damage::Broken("a table stands within a table"));
    refused(&ods(&inner.repeat(WORKBOOK_SHEETS_MAX + 1)), &Damage::TooLarge);
    assert!(open(&ods(&inner.repeat(WORKBOOK_SHEETS_MAX)), None).is_ok());
}

/// Sheets that are not chosen are read too: a thousand of the largest would take an hour.
#[test]
fn all_sheets_together_have_a_limit() {
    for (n, max) in SIZE_MAX.into_iter().enumerate() {
        let mut size = [0; 3];
        size[n] = max;
        let (passed, names) = (Vec::new(), Vec::new());
        let mut choice = Choice { wanted: None, chosen: None, passed, names, size };
        let mut sheet = Sheet::new("S".to_owned(), false);
        assert_eq!(choice.take(Sheet::default()), Ok(()));
        sheet.put(1, 0, "x").unwrap();
        assert_eq!(choice.take(sheet), Err(Damage::TooLarge));
    }
}

/// The first made the program panic, the others take memory with each style that names them.
#[test]
fn endless_number_formats_are_none() {
    for code in [format!("0.{}", "0".repeat(70_000)), "0".repeat(256), "g".repeat(1_000_000)] {
        assert_eq!(NumberFormat::of_code(&code), NumberFormat::General);
    }
    assert_eq!(NumberFormat::of_code(&"0".repeat(255)).show(7.0, false).text.len(), 255);
}

#[test]
fn what_is_observed_does_not_grow_with_the_file() {
    let mut observed = Observed::default();
    observed.cell(Oddity::Failed, 2, 1 << 20, "#N/A");
    observed.cell(Oddity::Failed, 2, 0, &"#".repeat(60_000));
    (0..2 << 20).for_each(|_| observed.merged(Merged { rows: (5, 6), columns: (1, 1) }));
    let mut problems = Problems::new();
    observed.report("l", 1, &mut problems);
    let found: Vec<(u64, bool)> =
        problems.iter().map(|p| (p.count, p.message.len() < 200)).collect();
    assert_eq!(found, [(1, true), (1 << 20, true)]);
}

#[test]
fn relations_with_endless_names_are_refused() {
    let target = "./".repeat(100_000) + "s.xml";
    let relations = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"x\" Target=\"{target}\"/></Relationships>"
    );
    let book = ("xl/workbook.xml", "<workbook/>");
    refused(&zipped(&[book, ("xl/_rels/workbook.xml.rels", &relations)]), &Damage::TooLarge);
}

/// Kinds of records (MS-XLS 2.3).
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const SHEET: u16 = 0x0085;
const STYLE: u16 = 0x00e0;
const LABEL: u16 = 0x0204;

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
}

/// An xls file of so many sheets, all of which are the same one, behind these records.
fn xls(sheets: usize, before: &[u8]) -> Vec<u8> {
    let (begin, end) = (record(BEGIN, &[0; 16]), record(END, &[]));
    let listed = |at: usize| {
        record(SHEET, &[&u32::try_from(at).unwrap().to_le_bytes()[..], b"\0\0\x01\0S"].concat())
    };
    let at = begin.len() + before.len() + sheets * listed(0).len() + end.len();
    let label = record(LABEL, b"\0\0\0\0\0\0\x03\0\0a@b");
    let stream =
        [&begin[..], before, &listed(at).repeat(sheets), &end, &begin, &label, &end].concat();
    compound(stream)
}

/// A compound file with one stream: the table of sectors first, then the directory, then it.
fn compound(mut stream: Vec<u8>) -> Vec<u8> {
    const NONE: u32 = 0xffff_ffff;
    const LAST: u32 = 0xffff_fffe;
    stream.resize(stream.len().next_multiple_of(512).max(4_096), 0);
    let count = stream.len() / 512;
    let tables = (count + 1).div_ceil(127);
    let first = tables as u32 + 1;
    let mut next = vec![0xffff_fffd; tables];
    next.push(LAST);
    next.extend((1..count as u32).map(|n| first + n));
    next.push(LAST);
    next.resize(tables * 128, NONE);
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(24, 0);
    header.extend(b"\x3e\0\x03\0\xfe\xff\x09\0\x06\0\0\0\0\0\0\0");
    header.extend(words(&[0, tables as u32, tables as u32, 0, 4_096, LAST, 0, LAST, 0]));
    let mut named: Vec<u32> = (0..tables as u32).collect();
    named.resize(109, NONE);
    header.extend(words(&named));
    let entry = |name: &str, start: u32, size: usize| {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let octets = entry.len() as u16 + 2;
        entry.resize(64, 0);
        entry.extend(octets.to_le_bytes());
        entry.resize(116, 0);
        entry.extend(words(&[start, size as u32, 0]));
        entry
    };
    let mut directory =
        [entry("Root Entry", LAST, 0), entry("Workbook", first, stream.len())].concat();
    directory.resize(512, 0);
    [header, words(&next), directory, stream].concat()
}

#[test]
fn sheets_of_an_xls_file_that_are_one_and_the_same_are_refused() {
    assert_eq!(open(&xls(1, &[]), None).unwrap().rows().next_filled().unwrap().text, "a@b");
    refused(&xls(400, &[]), &Damage::Broken("a record of it is not whole"));
    refused(&xls(WORKBOOK_SHEETS_MAX + 1, &[]), &Damage::TooLarge);
}

#[test]
fn styles_of_an_xls_file_are_bounded() {
    let style = record(STYLE, &[0; 4]);
    refused(&xls(1, &style.repeat(WORKBOOK_STYLES_MAX + 1)), &Damage::TooLarge);
    assert!(open(&xls(1, &style.repeat(60_000)), None).is_ok());
}
