//! Workbooks as programs write them, and as attackers do.

use super::*;
use std::path::Path;

/// A workbook made by LibreOffice (`tests/it/fixtures/workbooks/make.py`).
fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/workbooks");
    std::fs::read(folder.join(name)).unwrap()
}

/// The rows of a workbook as line and cells, and what is noticed below the header's line.
fn read(bytes: &[u8], wanted: Option<&str>, header: u32) -> (Vec<String>, Vec<String>) {
    let book = match open(bytes, wanted) {
        Ok(book) => book,
        Err(damage) => return (Vec::new(), vec![damage.to_string()]),
    };
    let mut problems = Problems::new();
    book.report("l", header, &mut problems);
    let mut rows = Vec::new();
    let mut of_sheet = book.rows();
    while let Some(row) = of_sheet.next_filled() {
        rows.push(format!("{} {}", row.line, row.cells().collect::<Vec<_>>().join("¦")));
    }
    let place = |p: &Problem| p.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let shown = |p: &Problem| format!("{} {}: {}", p.severity.as_str(), place(p), p.message);
    (rows, problems.iter().map(shown).collect())
}

/// What LibreOffice's three formats of one list hold.
const PEOPLE: [&str; 5] = [
    "00042¦José¦Núñez Ávila¦jose@lima.example¦Peru¦Lima¦2026-10-16¦TRUE¦+51987654321¦25%¦José Núñez \
     Ávila",
    "00007¦芳¦王¦wang@suzhou.example¦China¦苏州¦2026-10-16 14:30¦FALSE¦861012345678901¦25%",
    "123456¦فاطمة¦الزهراء¦fatima@fes.example¦Morocco¦فاس¦2026-10-17¦TRUE¦+212 5 35 00 00 00¦25%",
    "00300¦Amina¦El Idrissi¦amina@fes.example¦¦Fès¦2026-10-17¦TRUE¦¦25%",
    "00301¦Ольга¦Ёлкина¦olga@perm.example¦Russian Federation¦Пермь\n(город)¦2026-10-18¦FALSE¦\
     12345678901234600000¦25%",
];
const HEADER: &str = "Id¦First name¦Family name¦E-mail¦Country¦Town¦Registered¦Attended¦Phone¦Share¦\
                      Letter to";

fn numbered(first: u32, rows: &[&str]) -> Vec<String> {
    (first..).zip(rows).map(|(line, row)| format!("{line} {row}")).collect()
}

#[test]
fn the_three_formats_of_libreoffice_are_read_alike() {
    for ending in ["xlsx", "xls", "ods"] {
        let (rows, _) = read(&fixture(&format!("registration.{ending}")), None, 1);
        assert_eq!(rows, numbered(1, &[&[HEADER][..], &PEOPLE].concat()), "{ending}");
        // Merged title rows stand above the header; it keeps its number.
        let (rows, _) = read(&fixture(&format!("titles.{ending}")), None, 4);
        let titles = ["1 Forum of Towns 2026", "2 Participants as of 16 October"];
        assert_eq!(rows[..2], titles, "{ending}");
        assert_eq!(rows[2..], numbered(4, &[&[HEADER][..], &PEOPLE].concat()), "{ending}");
    }
}

#[test]
fn what_is_odd_about_a_workbook_is_said_once_for_a_column() {
    for ending in ["xlsx", "xls", "ods"] {
        let (_, found) = read(&fixture(&format!("registration.{ending}")), None, 1);
        // Excel's own workbooks say that a filter is set; those of LibreOffice only in ods.
        let by = if ending == "ods" { " by a filter" } else { "" };
        let mut expected = vec![
            "warning l:3:11: the cell K3 holds the error #N/A".to_owned(),
            "warning l:6:9: the cell I6 is a number of more than 15 digits, whose last digits the \
             spreadsheet program has lost: \"12345678901234600000\""
                .to_owned(),
            format!("warning l:5: 2 rows of the sheet are hidden{by}, and are read all the same"),
            "warning l:4:5: 1 cell of column E is empty because cells are merged: E4 to E5 has its \
             value in the first row only"
                .to_owned(),
            "note l: the sheet \"Read me\" is not read (2 rows)".to_owned(),
            "note l: the sheet \"Summary\" is not read (2 rows)".to_owned(),
            "warning l: the hidden sheet \"Last year\" has 1 address and is not read".to_owned(),
        ];
        if ending != "ods" {
            let shown = "read as shown in the spreadsheet program, such as";
            expected
                .insert(2, format!("note l:2:1: the cells A2, A3, A5, A6 are {shown} \"00042\""));
            expected.insert(3, format!("note l:2:9: the cell I2 is {shown} \"+51987654321\""));
            expected.insert(
                4,
                format!("note l:2:10: the cells J2, J3, J4, J5, J6 are {shown} \"25%\""),
            );
        }
        assert_eq!(found, expected, "{ending}");
    }
}

#[test]
fn of_several_sheets_with_people_one_is_asked_for() {
    let bytes = fixture("two-lists.xlsx");
    let (rows, found) = read(&bytes, None, 1);
    assert_eq!(rows, [""; 0]);
    assert_eq!(found, ["several sheets have addresses: \"Speakers\" (2), \"Guests\" (1)"]);
    let hint = open(&bytes, None).unwrap_err().problem("recipients/all.xlsx").hint.unwrap();
    assert!(hint.ends_with("\n[lists.\"recipients/all.xlsx\"]\nsheet = \"Speakers\""), "{hint}");
    let (rows, found) = read(&bytes, Some(" guests "), 1);
    assert_eq!(rows, numbered(1, &[HEADER, PEOPLE[2]]));
    assert!(found.contains(&"note l: the sheet \"Speakers\" is not read (3 rows)".to_owned()));
    let (_, found) = read(&bytes, Some("Gäste"), 1);
    assert_eq!(found, ["there is no sheet \"Gäste\""]);
    // A hidden sheet is read when it is named.
    let (rows, _) = read(&fixture("registration.xls"), Some("Last year"), 1);
    assert_eq!(rows, ["1 E-mail", "2 old@lima.example"]);
}

/// A workbook of parts as text.
pub(super) fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An xlsx with one sheet of this content, and these shared texts.
fn with_sheet(content: &str, strings: &str) -> Vec<u8> {
    let relation = |kind: &str, id: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"http://x/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inside: &str| format!("<Relationships>{inside}</Relationships>");
    let (sheet, shared) = ("worksheets/sheet1.xml", "/xl/sharedStrings.xml");
    zipped(&[
        ("_rels/.rels", &relations(&relation("officeDocument", "r1", "xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            "<x:workbook><x:sheets><x:sheet name=\"S\" r:id=\"r1\"/></x:sheets></x:workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(
                &(relation("worksheet", "r1", sheet) + &relation("sharedStrings", "r2", shared)),
            ),
        ),
        ("xl/sharedStrings.xml", &format!("<sst>{strings}</sst>")),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet>{content}</worksheet>")),
    ])
}

#[track_caller]
fn check(content: &str, strings: &str, rows: &[&str], found: &[&str]) {
    let (read_rows, read_found) = read(&with_sheet(content, strings), None, 1);
    assert_eq!(read_rows, rows);
    assert_eq!(read_found, found);
}

#[test]
fn cells_of_every_kind_become_text() {
    let strings = "<si><t xml:space=\"preserve\"> Ana </t></si><si><r><t>Li</t></r><r><t> Bo</t></r></si>\
                   <si><t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t></rPh></si>\
                   <si><t>a&amp;b &#233;_x000D_&#10;<![CDATA[<c>]]></t></si>";
    let content = "<sheetData><row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c></row>\
                   <row r=\"4\"><c r=\"B4\" t=\"s\"><v>2</v></c><c t=\"s\"><v>3</v></c></row>\
                   <row r=\"5\"><c t=\"inlineStr\"><is><t>in</t><r><t>line</t></r></is></c>\
                   <c t=\"str\"><f>A1</f><v>made</v></c><c t=\"b\"><v>1</v></c><c><v>7.0</v></c>\
                   <c t=\"d\"><v>2026-10-16T00:00:00</v></c><c><v>1.5E3</v></c></row></sheetData>";
    let rows = ["1  Ana ¦Li Bo", "4 ¦東京¦a&b é\r\n<c>", "5 inline¦made¦TRUE¦7¦2026-10-16¦1500"];
    check(content, strings, &rows, &[]);
}

/// Somebody's own address was in a hidden column, and was read without a word.
#[test]
fn hidden_columns_are_known_in_each_format() {
    let rows = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row></sheetData>";
    let columns = "<cols><col min=\"1\" max=\"1\" width=\"9\"/><col min=\"2\" max=\"3\" hidden=\"1\"/>\
                   <col min=\"0\" max=\"x\" hidden=\"1\"/></cols>";
    let xlsx = with_sheet(&format!("{columns}{rows}"), "");
    let content = "<d><spreadsheet><table name=\"S\"><table-column/><table-column \
                   visibility=\"collapse\" number-columns-repeated=\"2\"/><table-column/><table-row>\
                   <table-cell value-type=\"string\"><p>x</p></table-cell></table-row></table>\
                   </spreadsheet></d>";
    let ods = zipped(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content),
    ]);
    for bytes in [xlsx, ods, fixture("hidden-column.xls")] {
        let book = open(&bytes, None).unwrap();
        assert_eq!([0, 1, 2, 3].map(|n| book.is_hidden_column(n)), [false, true, true, false]);
    }
    let list = super::super::ListSource { file: "l.xls", bytes: &fixture("hidden-column.xls") };
    let (options, mut problems) = (super::super::tests_of_lists::options(), Problems::new());
    super::super::gather(&[list], &options, &mut problems);
    let notes = problems.iter().filter(|p| p.code == "hidden-column");
    let notes: Vec<_> = notes.map(|p| (p.message.as_str(), p.place.clone().unwrap())).collect();
    let expected = [
        ("column 3 (E-mail) is hidden in the workbook, and its addresses are used", 3),
        ("column 2 (Notes) is hidden in the workbook, and is read all the same", 2),
    ];
    assert_eq!(notes, expected.map(|(message, cell)| (message, Place::cell("l.xls", 1, cell))));
}

#[test]
fn failed_formulas_and_formulas_without_a_result_are_empty_cells_and_warnings() {
    let content = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"2\">\
                   <c r=\"A2\"><f>B1</f></c><c r=\"B2\"><f>C1</f><v/></c><c r=\"C2\" t=\"e\"><v>#REF!</v></c>\
                   <c r=\"D2\" t=\"str\"><f>\"\"</f><v></v></c></row></sheetData>\
                   <autoFilter ref=\"A1:C9\"><filterColumn colId=\"0\"/></autoFilter>";
    let found = [
        "warning l:2:3: the cell C2 holds the error #REF!",
        "warning l:2:1: the cell A2 holds a formula whose result is not in the file",
        "warning l:2:2: the cell B2 holds a formula whose result is not in the file",
    ];
    check(content, "", &["1 1"], &found);
    let hidden = "<sheetData><row r=\"1\"><c><v>1</v></c></row><row hidden=\"1\"><c><v>2</v></c></row>\
                  <row hidden=\"1\"/></sheetData><autoFilter><filterColumn/></autoFilter>";
    let found = ["warning l:2: 1 row of the sheet is hidden by a filter, and is read all the same"];
    check(hidden, "", &["1 1", "2 2"], &found);
}

#[test]
fn what_is_no_workbook_is_called_what_it_is() {
    let of = |parts: &[(&str, &str)]| open(&zipped(parts), None).unwrap_err();
    for (part, foreign) in [
        ("Index/Document.iwa", Foreign::Numbers),
        ("word/document.xml", Foreign::WordDocument),
        ("xl/workbook.bin", Foreign::BinaryWorkbook),
        ("photos/1.jpg", Foreign::Archive),
    ] {
        assert_eq!(of(&[(part, "")]), Damage::Foreign(foreign));
    }
    let protected = "<manifest:encryption-data/>";
    let mime = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    assert_eq!(of(&[mime, ("META-INF/manifest.xml", protected)]), Damage::Password);
    for (bytes, kind_of) in [
        (&b"\xef\xbb\xbf <!DOCTYPE html><table>"[..], Kind::Foreign(Foreign::WebPage)),
        (
            b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>",
            Kind::Foreign(Foreign::XmlSpreadsheet),
        ),
        (
            b"{\"url\": \"https://docs.google.com/\", \"doc_id\": \"1\"}",
            Kind::Foreign(Foreign::GoogleShortcut),
        ),
        (b"%PDF-1.7", Kind::Foreign(Foreign::Pdf)),
        (b"name,email\n", Kind::Text),
        (b"", Kind::Text),
        (b"<tables>,email\n", Kind::Text),
    ] {
        assert_eq!(kind(bytes), kind_of);
    }
}

/// Security S20: a few kilobytes that unpack to gigabytes.
#[test]
fn a_bomb_ends_the_reading_and_not_the_memory() {
    let far = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\">\
               <c r=\"XFD1048576\"><v>2</v></c></row></sheetData>";
    let (rows, _) = read(&with_sheet(far, ""), None, 1);
    assert_eq!(rows.len(), 2);
    let long = format!("<si><t>{}</t></si>", "x".repeat(1 << 15));
    let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(1_000));
    let many = format!("<sheetData>{}</sheetData>", row.repeat(20));
    assert_eq!(read(&with_sheet(&many, &long), None, 1).1.len(), 1, "one text in 20,000 cells");
    let bomb = with_sheet(&format!("<a>{}</a>", " ".repeat(2 << 20)), "");
    assert_eq!(open(&bomb, None).unwrap_err(), Damage::TooLarge);
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
    let parts = [("xl/workbook.xml", format!("{entities}<workbook>&b;</workbook>"))];
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let refused = Damage::Broken("its XML has a document type");
    assert_eq!(open(&zipped(&parts), None).unwrap_err(), refused);
    let repeated = "<table:table table:name=\"S\"><table:table-row \
                    table:number-rows-repeated=\"1048576\"><table:table-cell \
                    table:number-columns-repeated=\"16383\"/><table:table-cell><text:p>x</text:p>\
                    </table:table-cell></table:table-row></table:table>";
    let mime = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    assert_eq!(
        open(&zipped(&[mime, ("content.xml", repeated)]), None).unwrap_err(),
        Damage::TooLarge
    );
}

/// Security S20: 1,000 sheets, rows beyond the last, cells without a place, texts that are not
/// there, relations that lead nowhere.
#[test]
fn impossible_workbooks_are_refused() {
    for content in [
        "<sheetData><row r=\"4294967295\"><c><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"0\"><c><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"2\"><c><v>1</v></c></row><row r=\"1\"><c><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"1\"><c r=\"ZZZZZZZ1\"><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"1\"><c t=\"s\"><v>9</v></c></row></sheetData>",
        "<sheetData><row r=\"1\">",
        "<sheetData>&x;</sheetData>",
    ] {
        assert!(open(&with_sheet(content, ""), None).is_err(), "{content}");
    }
    let sheets = "<sheet name=\"S\" r:id=\"r1\"/>".repeat(1_000);
    let relations = "<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"s.xml\"/>\
                     </Relationships>";
    let book = format!("<workbook>{sheets}</workbook>");
    let parts = |sheet: &str| {
        zipped(&[
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", relations),
            (sheet, "<sheetData><row><c t=\"str\"><v>a@b</v></c></row></sheetData>"),
        ])
    };
    assert_eq!(open(&parts("xl/t.xml"), None).unwrap_err(), Damage::Broken("a sheet is missing"));
    let Damage::WhichSheet { sheets, .. } = open(&parts("xl/s.xml"), None).unwrap_err() else {
        panic!("1,000 sheets have addresses");
    };
    assert!(sheets.ends_with("and 992 more"), "{sheets}");
}

/// Security S20: a damaged workbook is refused or read, and nothing else happens.
#[test]
fn no_damage_makes_the_reader_panic() {
    for name in ["registration.xlsx", "registration.xls", "registration.ods"] {
        let whole = fixture(name);
        for cut in (0..whole.len()).step_by(97) {
            let _ = open(&whole[..cut], None);
        }
        // Every 41st octet, in four ways; the sums of zips let few of them through to the XML.
        for (at, change) in
            (0..whole.len()).step_by(41).zip([0xff_u8, 0x01, 0x80, 0x20].into_iter().cycle())
        {
            let mut damaged = whole.clone();
            damaged[at] ^= change;
            let _ = open(&damaged, None);
        }
    }
}

/// Security S20: damage in the XML itself, which no checksum catches.
#[test]
fn no_damage_within_a_part_makes_the_reader_panic() {
    let content = "<sheetData><row r=\"1\" hidden=\"1\"><c r=\"A1\" t=\"s\" s=\"1\"><v>0</v></c>\
                   <c r=\"C1\" t=\"inlineStr\"><is><t>x</t></is></c><c t=\"e\"><f>A</f><v>#N/A</v></c>\
                   </row></sheetData><mergeCell ref=\"A1:A3\"/>";
    let table = "<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"2\">\
                 <table:table-cell office:value-type=\"float\" office:value=\"1e300\" \
                 table:number-rows-spanned=\"3\"><text:p>1E+300<text:s text:c=\"3\"/></text:p>\
                 </table:table-cell></table:table-row></table:table>";
    let mime = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    let damaged = |text: &str, at: usize, c: char| {
        let mut damaged: Vec<char> = text.chars().collect();
        damaged[at] = c;
        damaged.into_iter().collect::<String>()
    };
    for c in ['<', '9', '"', '&', 'é', '\0'] {
        for at in 0..content.len() {
            let _ = open(&with_sheet(&damaged(content, at, c), "<si><t>a</t></si>"), None);
        }
        for at in 0..table.len() {
            let _ = open(&zipped(&[mime, ("content.xml", &damaged(table, at, c))]), None);
        }
    }
}
