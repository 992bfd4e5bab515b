//! Small PDFs for tests: pages of text that programs can open.

use std::fmt::Write as _;

/// A PDF with a page for each of these contents (operators of ISO 32000-1), and a title.
pub fn drawn(pages: &[&str], title: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 5 + 2 * n)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R/Lang(en)>>".to_owned(),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", pages.len(), kids.join(" ")),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        format!("<</Title({title})>>"),
    ];
    for (n, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>\
             /Contents {} 0 R>>",
            6 + 2 * n
        ));
        let length = content.len();
        objects.push(format!("<</Length {length}>>\nstream\n{content}\nendstream"));
    }
    put_together(&objects)
}

/// A page with these lines of text, 11 points high.
pub fn of_text(lines: &[&str]) -> Vec<u8> {
    drawn(&[&text(lines)], "A document")
}

/// Lines of text as a page draws them; only characters of Latin-1 and no parentheses.
pub fn text(lines: &[&str]) -> String {
    let mut content = "BT /F 11 Tf 14 TL 72 770 Td".to_owned();
    for line in lines {
        let octal = |c: char| match c.is_ascii() {
            true => c.to_string(),
            false => format!("\\{:03o}", u32::from(c)),
        };
        let _ = write!(content, " ({}) Tj T*", line.chars().map(octal).collect::<String>());
    }
    content + " ET"
}

fn put_together(objects: &[String]) -> Vec<u8> {
    let (mut text, mut table) = ("%PDF-1.7\n".to_owned(), String::new());
    for (number, object) in (1..).zip(objects) {
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = write!(text, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (at, size) = (text.len(), objects.len() + 1);
    let _ = write!(text, "xref\n0 {size}\n0000000000 65535 f \n{table}");
    let _ = write!(text, "trailer\n<</Size {size}/Root 1 0 R/Info 4 0 R>>\n");
    let _ = write!(text, "startxref\n{at}\n%%EOF\n");
    text.into_bytes()
}
