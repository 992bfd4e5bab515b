//! What PDFs say of themselves, and what hostile ones cost.

use super::*;
use std::fmt::Write as _;

/// A file of these objects, numbered from 1; the first is the catalogue.
fn file(objects: &[String]) -> Vec<u8> {
    file_with(objects, "")
}

fn file_with(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut text = "%PDF-1.7\n".to_owned();
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = write!(text, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (at, size) = (text.len(), objects.len() + 1);
    let _ = write!(text, "xref\n0 {size}\n0000000000 65535 f \n{table}");
    let _ = write!(text, "trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n");
    text.into_bytes()
}

fn stream(entries: &str, content: &str) -> String {
    format!("<<{entries}/Length {}>>\nstream\n{content}\nendstream", content.len())
}

/// A catalogue, and a page for each of these contents.
fn pages(contents: &[&str]) -> Vec<String> {
    let kids: Vec<String> = (0..contents.len()).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R/Lang(fr-CH)/MarkInfo<</Marked true>>/StructTreeRoot 3 0 R>>"
            .to_owned(),
        format!(
            "<</Type/Pages/Count {}/Kids[{}]/Resources<</Font<</F 3 0 R>>>>>>",
            kids.len(),
            kids.join(" ")
        ),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    for (n, content) in contents.iter().enumerate() {
        objects.push(format!("<</Type/Page/Parent 2 0 R/Contents {} 0 R>>", 5 + 2 * n));
        objects.push(stream("", content));
    }
    objects
}

fn facts(bytes: &[u8]) -> PdfFacts {
    look_into_pdf(bytes).expect("it can be looked into")
}

const BODY: &str = "BT /F 11 Tf 72 700 Td (The draft resolution was adopted by the towns.) Tj ET";

#[test]
fn pages_title_language_and_tags_are_read() {
    let mut objects = pages(&[BODY, BODY]);
    objects.push("<</Title<FEFF00C9007400E9>>>".to_owned());
    let found = facts(&file_with(&objects, "/Info 8 0 R"));
    assert_eq!((found.pages, found.title.as_deref()), (2, Some("Été")));
    assert_eq!(found.declared.map(|l| l.to_string()).as_deref(), Some("fr"));
    assert!(found.is_tagged && found.has_text && found.is_read_whole);
    assert!(!found.is_damaged && !found.needs_password && !found.has_form);
    assert_eq!(found.drafts, []);
}

#[test]
fn a_mark_of_a_draft_is_found_wherever_it_is_drawn() {
    let slanted = "q .7 .7 -.7 .7 100 200 cm BT /F 60 Tf (DRAFT) Tj ET Q";
    let spaced = "BT /F 60 Tf 1 0 0 1 90 400 Tm [(D)-300(R)-300(A)-300(F)-300(T)]TJ ET";
    let marked = "/Artifact<</Subtype/Watermark>>BDC BT /F 9 Tf (Entwurf) Tj ET EMC";
    for mark in [slanted, spaced, marked] {
        let content = format!("{BODY} {mark}");
        let found = facts(&file(&pages(&[BODY, &content, BODY])));
        let places: Vec<_> = found.drafts.iter().map(|d| d.place.clone()).collect();
        assert_eq!(places, [DraftPlace::Page { first: 2, pages: 1 }], "{mark}");
    }
    let mut objects = pages(&[BODY]);
    objects[3] = "<</Type/Page/Parent 2 0 R/Contents 5 0 R/Annots[6 0 R]>>".to_owned();
    objects.push("<</Subtype/Stamp/Name/Draft>>".to_owned());
    assert_eq!(facts(&file(&objects)).drafts[0].place, DraftPlace::Note(1));
    let mut objects = pages(&[BODY]);
    objects.push("<</Title(Statement DRAFT v3)>>".to_owned());
    let found = facts(&file_with(&objects, "/Info 6 0 R"));
    assert_eq!(found.drafts[0].place, DraftPlace::Title);
}

#[test]
fn a_watermark_in_a_form_is_read() {
    let mut objects = pages(&["/W Do"]);
    objects[3] = "<</Type/Page/Contents 5 0 R/Resources<</XObject<</W 6 0 R>>>>>>".to_owned();
    let form = "/Subtype/Form/Matrix[.7 .7 -.7 .7 0 0]/Resources<</Font<</F 3 0 R>>>>";
    objects.push(stream(form, "BT /F 50 Tf (BROUILLON) Tj ET"));
    assert_eq!(facts(&file(&objects)).drafts[0].text, "BROUILLON");
}

#[test]
fn what_is_hidden_in_a_file_is_told() {
    let mut objects = pages(&[BODY]);
    objects[0] = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>\
                  /OpenAction<</S/JavaScript/JS(1)>>/Names<</EmbeddedFiles<<>>>>>>"
        .to_owned();
    objects[3] =
        "<</Type/Page/Contents 5 0 R/Annots[<</Subtype/Highlight>><</Subtype/Link>>]>>".to_owned();
    let found = facts(&file(&objects));
    assert!(found.has_form && found.has_scripts && found.has_files);
    assert_eq!(found.comments, 1);
}

#[test]
fn a_scan_has_no_text() {
    let mut objects = pages(&["q 500 0 0 700 0 0 cm /I Do Q"]);
    objects[3] = "<</Type/Page/Contents 5 0 R/Resources<</XObject<</I 6 0 R>>>>>>".to_owned();
    objects.push(stream("/Subtype/Image/Width 1/Height 1", "x"));
    assert!(!facts(&file(&objects)).has_text);
}

#[test]
fn a_damaged_file_is_mended_or_given_up_and_said_so() {
    let whole = file(&pages(&[BODY]));
    let text = String::from_utf8(whole.clone()).unwrap();
    let moved = text.replace("startxref\n", "startxref\n9");
    let found = facts(moved.as_bytes());
    assert!(found.is_damaged && found.has_text && found.pages == 1);
    let cut = &whole[..whole.len() / 3];
    assert!(look_into_pdf(cut).map_or(true, |found| found.is_damaged));
    for nothing in [&b""[..], b"%PDF-1.7", b"%PDF-1.7\n%%EOF", b"<html>"] {
        assert_eq!(look_into_pdf(nothing), Err(Unread::Damaged));
    }
    let none = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 0/Kids[]>>"];
    assert_eq!(facts(&file(&none.map(str::to_owned))).pages, 0);
}

/// The sample's own documents: every one is what it says, and none has a mark.
#[test]
fn the_samples_documents_are_what_they_say() {
    for name in ["ar", "en", "es", "fr", "ru", "zh"] {
        let file = format!("{}/attachments/statement.{name}.pdf", env!("CARGO_MANIFEST_DIR"));
        let found = facts(&std::fs::read(file).unwrap());
        let language = Language::parse_tag(name);
        assert_eq!(
            (found.pages, found.declared, found.reads_like),
            (2, language.clone(), language)
        );
        assert!(found.is_tagged && found.title.is_some() && found.drafts.is_empty());
    }
}

/// Hostile files end like any other: none of them panics, hangs or fills the memory. Without the
/// budget, or without a bound on what leads to what, one of these never ends.
#[test]
fn hostile_files_end() {
    let catalogue = "<</Type/Catalog/Pages 2 0 R>>".to_owned();
    let circle = "<</Type/Pages/Kids[2 0 R 2 0 R 3 0 R]>>".to_owned();
    let back = "<</Type/Pages/Kids[2 0 R]>>".to_owned();
    let _ = look_into_pdf(&file(&[catalogue.clone(), circle, back]));

    let own_length = "<</Length 5 0 R>>\nstream\nx\nendstream".to_owned();
    let mut objects = pages(&[BODY]);
    objects[4] = own_length;
    let _ = look_into_pdf(&file(&objects));

    let mut forms = pages(&["/A Do /A Do"]);
    forms[3] = "<</Type/Page/Contents 5 0 R/Resources 7 0 R>>".to_owned();
    forms.push(stream("/Subtype/Form/Resources 7 0 R", "/A Do /A Do /A Do /A Do /A Do"));
    forms.push("<</XObject<</A 6 0 R>>>>".to_owned());
    let _ = look_into_pdf(&file(&forms));

    let mut deep = pages(&[&"[".repeat(200_000), &"<<".repeat(200_000), &"q ".repeat(100_000)]);
    deep.push("<</A".repeat(100_000));
    let _ = look_into_pdf(&file(&deep));

    let many = file(&[catalogue.clone(), format!("<</Kids[{}]>>", "2 0 R 1 0 R ".repeat(50_000))]);
    let _ = look_into_pdf(&many);

    let mut in_itself = file(&[catalogue, "<</Type/Pages/Kids[]>>".to_owned()]);
    in_itself.extend(b"9 0 obj\n<</Type/ObjStm/N 1/First 4/Filter 8 0 R/Length 9>>\nstream\n");
    in_itself.extend(b"8 0 /Fl\nendstream endobj\n7 0 obj\n<</Type/XRef/W[1 1 1]/Index[8 1]");
    in_itself.extend(b"/Size 9/Root 1 0 R/Length 3>>\nstream\n\x02\x09\x00\nendstream endobj\n");
    in_itself.extend(b"startxref\n");
    let at = in_itself.windows(7).rposition(|w| w == b"7 0 obj").unwrap();
    in_itself.extend(format!("{at}\n%%EOF").bytes());
    let _ = look_into_pdf(&in_itself);
}

/// Objects that share their content: each alone is cheap, all together are not.
#[test]
fn objects_that_overlap_are_paid_for_each_time() {
    let kids: String = (10..4_010).map(|n| format!("{n} 0 R ")).collect();
    let mut text = format!(
        "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Kids[{kids}]>>\nendobj\n"
    );
    for n in 10..4_010 {
        let _ = write!(text, "{n} 0 obj [%");
    }
    text.push('\n');
    text.push_str(&"1 ".repeat(200_000));
    text.push_str("]\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF");
    assert_eq!(look_into_pdf(text.as_bytes()), Err(Unread::TooMuch));
}

fn packed(plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

/// A page that unpacks to gigabytes, and a thousand pages that unpack to megabytes each.
#[test]
fn a_bomb_is_given_up() {
    let bomb = packed(&b"1 2 3 4 5 6 7 8 ".repeat(1 << 19));
    let mut bytes = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n3 0 obj\n".to_vec();
    bytes.extend(format!("<</Filter/FlateDecode/Length {}>>\nstream\n", bomb.len()).bytes());
    bytes.extend(&bomb);
    bytes.extend(b"\nendstream\nendobj\n");
    let kids: String = (10..1_010).map(|n| format!("{n} 0 R ")).collect();
    bytes.extend(format!("2 0 obj\n<</Kids[{kids}]>>\nendobj\n").bytes());
    for n in 10..1_010 {
        bytes.extend(format!("{n} 0 obj\n<</Type/Page/Contents[3 0 R 3 0 R]>>\nendobj\n").bytes());
    }
    bytes.extend(b"trailer\n<</Root 1 0 R>>\n%%EOF");
    assert_eq!(look_into_pdf(&bytes), Err(Unread::TooMuch));
}

/// The sample's statement, cut off and changed in thousands of ways.
#[test]
fn damage_of_any_kind_is_no_panic() {
    let name = format!("{}/attachments/statement.en.pdf", env!("CARGO_MANIFEST_DIR"));
    let whole = std::fs::read(name).unwrap();
    for cut in (0..whole.len()).step_by(1_231) {
        let _ = look_into_pdf(&whole[..cut]);
    }
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..60 {
        let mut changed = whole.clone();
        for _ in 0..20 {
            let at = random(changed.len());
            changed[at] = random(256) as u8;
        }
        let _ = look_into_pdf(&changed);
    }
}
