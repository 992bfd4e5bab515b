//! What the codes of a PDF's font stand for.
//!
//! Owns reading `ToUnicode` maps and the simple encodings. Where the text stands on a page is
//! `page_text.rs`.
//!
//! # Standards
//! ISO 32000-1 9.10 (extraction of text), 9.6.6 and annex D (encodings), 9.7.5 (CMaps).
//!
//! # Failure
//! A code that nothing is known of becomes U+FFFD: whoever copies the text gets no more.

use super::file::PdfFile;
use super::lexer::{Lexer, Table, Token, Value};
use unicode_normalization::UnicodeNormalization;

/// Ranges of one map: a font with all of Chinese, code by code, has 30,000.
const RANGES_MAX: usize = 100_000;

/// How the codes of a font become text.
#[derive(Debug, Default)]
pub(super) struct Font {
    /// Bytes of a code.
    code_bytes: usize,
    map: Vec<MapRange>,
    /// Of a font with codes of one byte: what they stand for without a map.
    simple: Option<Vec<char>>,
    /// Codes are UTF-16 themselves.
    is_utf_16: bool,
}

/// Codes in a row and what the first of them stands for.
#[derive(Debug)]
struct MapRange {
    first: u32,
    last: u32,
    text: String,
}

impl Font {
    /// Reads a font's dictionary.
    pub(super) fn read(file: &PdfFile<'_>, font: &Table) -> Font {
        let is_composite = font.get("Subtype").and_then(Value::name) == Some("Type0");
        let encoding = file.get(font, "Encoding");
        let name = encoding.as_ref().and_then(Value::name).unwrap_or_default().to_owned();
        let mut made = Font {
            code_bytes: if is_composite { 2 } else { 1 },
            is_utf_16: is_composite && (name.contains("UCS2") || name.contains("UTF16")),
            simple: (!is_composite).then(|| simple(file, encoding.as_ref())),
            ..Font::default()
        };
        let map = font.get("ToUnicode").and_then(|map| file.object_of(map));
        if let Some(text) = map.and_then(|map| file.unpack(&map)) {
            made.read_map(file, &text);
        }
        made
    }

    /// The text of a shown string.
    pub(super) fn decode(&self, codes: &[u8], out: &mut String) {
        if self.is_utf_16 && self.map.is_empty() {
            let units = codes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            out.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
            return;
        }
        for code in codes.chunks(self.code_bytes.max(1)) {
            let code = code.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
            self.decode_one(code, out);
        }
    }

    fn decode_one(&self, code: u32, out: &mut String) {
        let at = self.map.partition_point(|range| range.last < code);
        if let Some(range) = self.map.get(at).filter(|range| range.first <= code) {
            let mut chars = range.text.chars();
            let last = chars.next_back();
            out.push_str(chars.as_str());
            let moved = last.map(|c| u32::from(c).saturating_add(code - range.first));
            out.push(moved.and_then(char::from_u32).unwrap_or('\u{fffd}'));
            return;
        }
        let simple = self.simple.as_ref().and_then(|table| table.get(code as usize));
        out.push(simple.copied().unwrap_or('\u{fffd}'));
    }

    /// Reads a `ToUnicode` map (9.10.3).
    fn read_map(&mut self, file: &PdfFile<'_>, text: &[u8]) {
        let mut lexer = Lexer::new(text, 0, file.budget);
        let mut before = Vec::new();
        while let Some(token) = lexer.token() {
            match token {
                Token::Word(word) => {
                    match word.as_slice() {
                        b"endcodespacerange" => self.take_code_bytes(&before),
                        b"endbfchar" => self.take_pairs(&before),
                        b"endbfrange" => self.take_ranges(&before),
                        _ => {}
                    }
                    before.clear();
                }
                token if before.len() < RANGES_MAX * 3 => before.push(token),
                _ => return,
            }
        }
        self.map.sort_by_key(|range| range.last);
    }

    fn take_code_bytes(&mut self, tokens: &[Token]) {
        if let Some(Token::Text(first)) = tokens.first()
            && self.simple.is_none()
        {
            self.code_bytes = first.len().clamp(1, 4);
        }
    }

    fn take_pairs(&mut self, tokens: &[Token]) {
        for pair in tokens.chunks_exact(2) {
            if let [Token::Text(code), Token::Text(text)] = pair {
                let code = number(code);
                self.add(code, code, text);
            }
        }
    }

    fn take_ranges(&mut self, tokens: &[Token]) {
        let mut rest = tokens;
        while let [Token::Text(first), Token::Text(last), then, ..] = rest {
            let (first, last) = (number(first), number(last));
            rest = &rest[3..];
            match then {
                Token::Text(text) => self.add(first, last, text),
                Token::ListBegins => {
                    let end = rest.iter().position(|t| *t == Token::ListEnds).unwrap_or(rest.len());
                    for (code, token) in (first..=last).zip(&rest[..end]) {
                        if let Token::Text(text) = token {
                            self.add(code, code, text);
                        }
                    }
                    rest = rest.get(end + 1..).unwrap_or_default();
                }
                _ => return,
            }
        }
    }

    fn add(&mut self, first: u32, last: u32, utf_16: &[u8]) {
        let units = utf_16.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        // A code stands for a letter or a few, never for a page.
        let text: String = char::decode_utf16(units.take(8)).filter_map(Result::ok).collect();
        if self.map.len() < RANGES_MAX && !text.is_empty() {
            self.map.push(MapRange { first, last, text });
        }
    }
}

fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// The 256 codes of a simple font.
fn simple(file: &PdfFile<'_>, encoding: Option<&Value>) -> Vec<char> {
    let own = encoding.and_then(Value::table);
    let base = own.and_then(|own| own.get("BaseEncoding")).or(encoding).and_then(Value::name);
    let upper = if base == Some("MacRomanEncoding") { MAC_ROMAN } else { WINDOWS_1252 };
    let mut codes: Vec<char> = (0..128_u8).map(char::from).chain(upper.chars()).collect();
    codes.resize(256, '\u{fffd}');
    let differences = own.and_then(|own| file.get(own, "Differences"));
    let mut next = 0;
    for value in differences.as_ref().map(Value::members).unwrap_or_default() {
        match value {
            Value::Number(number) => next = *number as usize,
            Value::Name(name) => {
                if let Some(code) = codes.get_mut(next) {
                    *code = of_glyph(name).unwrap_or('\u{fffd}');
                }
                next += 1;
            }
            _ => {}
        }
    }
    codes
}

/// The character of a glyph's name (Adobe Glyph List, the names that texts are made of).
fn of_glyph(name: &str) -> Option<char> {
    let hexadecimal = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let name = name.split('.').next().unwrap_or(name);
    let mut chars = name.chars();
    match (chars.next(), chars.as_str()) {
        (Some(letter), "") => return Some(letter),
        (Some('u'), rest) if rest.len() >= 4 => {
            if let Some(c) = hexadecimal(rest.strip_prefix("ni").unwrap_or(rest)) {
                return Some(c);
            }
        }
        (Some('a'), rest) => {
            // Cyrillic in its own row: afii10017 is А.
            let row = rest.strip_prefix("fii").and_then(|digits| digits.parse::<u32>().ok());
            match row {
                Some(10_023) => return Some('Ё'),
                Some(10_071) => return Some('ё'),
                Some(n @ 10_017..=10_022) => return char::from_u32(n - 10_017 + 0x410),
                Some(n @ 10_024..=10_049) => return char::from_u32(n - 10_018 + 0x410),
                Some(n @ 10_065..=10_070) => return char::from_u32(n - 10_065 + 0x430),
                Some(n @ 10_072..=10_097) => return char::from_u32(n - 10_066 + 0x430),
                _ => {}
            }
        }
        _ => {}
    }
    GLYPHS.iter().find(|(known, _)| *known == name).map(|(_, c)| *c).or_else(|| accented(name))
}

/// `eacute`: a letter with an accent behind it.
fn accented(name: &str) -> Option<char> {
    let (accent, mark) = ACCENTS.iter().find(|(accent, _)| name.ends_with(accent))?;
    let letter = name.strip_suffix(accent)?;
    let mut chars = letter.chars();
    let letter = chars.next().filter(|c| c.is_ascii_alphabetic() && chars.as_str().is_empty())?;
    [letter, *mark].into_iter().nfc().next()
}

const ACCENTS: &[(&str, char)] = &[
    ("acute", '\u{301}'),
    ("grave", '\u{300}'),
    ("circumflex", '\u{302}'),
    ("dieresis", '\u{308}'),
    ("tilde", '\u{303}'),
    ("caron", '\u{30c}'),
    ("cedilla", '\u{327}'),
    ("ring", '\u{30a}'),
    ("ogonek", '\u{328}'),
    ("macron", '\u{304}'),
    ("breve", '\u{306}'),
    ("dotaccent", '\u{307}'),
    ("hungarumlaut", '\u{30b}'),
];

const GLYPHS: &[(&str, char)] = &[
    ("space", ' '),
    ("nbspace", '\u{a0}'),
    ("hyphen", '-'),
    ("minus", '-'),
    ("period", '.'),
    ("comma", ','),
    ("colon", ':'),
    ("semicolon", ';'),
    ("slash", '/'),
    ("parenleft", '('),
    ("parenright", ')'),
    ("bracketleft", '['),
    ("bracketright", ']'),
    ("quotesingle", '\''),
    ("quotedbl", '"'),
    ("quoteleft", '‘'),
    ("quoteright", '’'),
    ("quotedblleft", '“'),
    ("quotedblright", '”'),
    ("guillemotleft", '«'),
    ("guillemotright", '»'),
    ("endash", '–'),
    ("emdash", '—'),
    ("bullet", '•'),
    ("exclam", '!'),
    ("exclamdown", '¡'),
    ("question", '?'),
    ("questiondown", '¿'),
    ("percent", '%'),
    ("ampersand", '&'),
    ("asterisk", '*'),
    ("plus", '+'),
    ("equal", '='),
    ("at", '@'),
    ("numbersign", '#'),
    ("underscore", '_'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("fi", 'ﬁ'),
    ("fl", 'ﬂ'),
    ("ff", 'ﬀ'),
    ("ffi", 'ﬃ'),
    ("germandbls", 'ß'),
    ("ae", 'æ'),
    ("AE", 'Æ'),
    ("oe", 'œ'),
    ("OE", 'Œ'),
    ("oslash", 'ø'),
    ("Oslash", 'Ø'),
    ("dotlessi", 'ı'),
    ("lslash", 'ł'),
    ("Lslash", 'Ł'),
    ("ellipsis", '…'),
    ("degree", '°'),
    ("ordfeminine", 'ª'),
    ("ordmasculine", 'º'),
];

/// Codes 128 to 255; unassigned ones are U+FFFD.
const WINDOWS_1252: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\
     \u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ\
     \u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
     ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü\
     †°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\
     \u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_glyphs() {
        for (name, expected) in [
            ("A", Some('A')),
            ("eacute", Some('é')),
            ("Ntilde", Some('Ñ')),
            ("uni0416", Some('Ж')),
            ("u1F600", Some('😀')),
            ("afii10017", Some('А')),
            ("afii10049", Some('Я')),
            ("afii10065", Some('а')),
            ("afii10097", Some('я')),
            ("afii10071", Some('ё')),
            ("comma.alt", Some(',')),
            ("g23", None),
        ] {
            assert_eq!(of_glyph(name), expected, "{name}");
        }
    }

    #[test]
    fn the_two_tables_are_whole() {
        assert_eq!((WINDOWS_1252.chars().count(), MAC_ROMAN.chars().count()), (128, 128));
        assert_eq!(WINDOWS_1252.chars().nth(0xE9 - 128), Some('é'));
        assert_eq!(MAC_ROMAN.chars().nth(0x8E - 128), Some('é'));
    }
}
