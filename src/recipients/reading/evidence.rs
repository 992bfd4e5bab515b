//! Bytes of a list that prove no encoding in, the likeliest encoding out, with what speaks against.
//!
//! Owns the weighing: the lines with anything beyond ASCII are read in every encoding that lists
//! come in, and each reading is weighed by what a person would look at: headers that are known,
//! names of countries and languages, names that are common, words of one script with capitals where
//! names have them. The guess of `chardetng`, which was made for web pages, is one voice among these.
//! The weights are in `letters.rs`, the measurements in docs/decisions/0020-encodings.md.
//!
//! # Invariants
//! Another encoding is a rival only where it reads something otherwise: French is the same in
//! Windows-1252 and Windows-1256, and nobody is asked about it.

use super::encoding::Encoding;
use super::letters;
use crate::language::Language;
use crate::limits::{ENCODING_EVIDENCE_BYTES, ENCODING_MARGIN, ENCODING_READINGS_SHOWN};
use crate::recipients::{country, headers};
use encoding_rs as e;
use std::borrow::Cow;
use std::collections::BTreeSet;
use unicode_script::{Script, UnicodeScript};

/// The encodings that lists come in, with how much likelier than others they are before anything
/// was read.
const CANDIDATES: [(&e::Encoding, f32); 20] = [
    (e::WINDOWS_1252, 1.5),
    (e::WINDOWS_1250, 0.0),
    (e::WINDOWS_1251, 0.0),
    (e::WINDOWS_1256, 0.0),
    (e::GB18030, 0.0),
    (e::SHIFT_JIS, 0.0),
    (e::BIG5, 0.0),
    (e::MACINTOSH, -0.5),
    (e::KOI8_R, -0.5),
    (e::ISO_8859_2, -1.0),
    (e::WINDOWS_1254, -1.0),
    (e::EUC_KR, -1.0),
    (e::WINDOWS_1253, -1.0),
    (e::WINDOWS_874, -1.0),
    (e::WINDOWS_1255, -1.0),
    (e::WINDOWS_1257, -2.0),
    (e::KOI8_U, -2.0),
    (e::IBM866, -2.0),
    (e::ISO_8859_5, -2.0),
    (e::X_MAC_CYRILLIC, -2.0),
];

/// How much the guess of chardetng counts, and what it falls back on where little tells; a known
/// header, value or name.
const GUESS: f32 = 3.0;
const GUESS_OF_LITTLE: f32 = 1.5;
const HEADER: f32 = 8.0;
const VALUE: f32 = 5.0;
const NAME: f32 = 4.0;

/// What is believed, and what else it could be.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) encoding: Encoding,
    pub(super) doubt: Option<Doubt>,
}

/// Why an encoding is not certain.
#[derive(Debug, PartialEq)]
pub(super) struct Doubt {
    /// What else it could be.
    pub(super) other: Encoding,
    /// Words as they read in the one believed and in the other.
    pub(super) readings: Vec<(String, String)>,
}

/// Weighs bytes that are neither UTF-8 nor UTF-16.
pub(super) fn judge(bytes: &[u8]) -> Verdict {
    let evidence = gathered(bytes);
    let guess = guessed(&evidence);
    let mut read: Vec<(f32, &'static e::Encoding, Cow<'_, str>)> = CANDIDATES
        .iter()
        .map(|(encoding, prior)| {
            let (text, _) = encoding.decode_without_bom_handling(&evidence);
            let voice = match *encoding == guess {
                true if guess == e::WINDOWS_1252 => GUESS_OF_LITTLE,
                true => GUESS,
                false => 0.0,
            };
            (weigh(&text, encoding) + prior + voice, *encoding, text)
        })
        .collect();
    read.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, encoding, text) = &read[0];
    let encoding = Encoding(encoding);
    let rival = read[1..].iter().find(|(_, _, other)| other != text);
    // A reading that speaks against itself is doubtful even where all others are worse.
    let is_bad = *best < 0.0;
    let doubt = rival.filter(|(weight, ..)| is_bad || best - weight < ENCODING_MARGIN).map(
        |(_, other, reading)| Doubt { other: Encoding(other), readings: differing(text, reading) },
    );
    Verdict { encoding, doubt }
}

/// Lines with anything beyond ASCII, from the beginning, the middle and the end of a large list.
fn gathered(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= ENCODING_EVIDENCE_BYTES {
        return Cow::Borrowed(bytes);
    }
    let mut kept = Vec::new();
    for part in 0..3 {
        let room = (part + 1) * ENCODING_EVIDENCE_BYTES / 3;
        let from = bytes.len() / 3 * part;
        // The first line of a later part has lost its beginning.
        let lines = bytes[from..].split(|b| matches!(b, b'\n' | b'\r')).skip(part.min(1));
        for line in lines.filter(|line| !line.is_ascii()) {
            if kept.len() >= room {
                break;
            }
            kept.extend_from_slice(&line[..whole(line, ENCODING_EVIDENCE_BYTES / 3)]);
            kept.push(b'\n');
        }
    }
    Cow::Owned(kept)
}

/// The octets of a line that fit, up to a blank or comma: in no encoding the half of a letter.
fn whole(line: &[u8], most: usize) -> usize {
    if line.len() <= most {
        return line.len();
    }
    line[..most].iter().rposition(|b| matches!(b, b' ' | b',' | b'\t')).unwrap_or(most)
}

fn guessed(evidence: &[u8]) -> &'static e::Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(evidence, true);
    let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
    // It names the larger of two that are alike.
    match guess {
        guess if guess == e::GBK => e::GB18030,
        guess if guess == e::KOI8_U => e::KOI8_R,
        guess => guess,
    }
}

/// How well a text reads, as a rough logarithm: the greater the better, below zero not at all.
fn weigh(text: &str, encoding: &'static e::Encoding) -> f32 {
    let mut weight = 0.0;
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let is_apart = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '"' | '\r' | '\n');
    for cell in text.split(is_apart).map(str::trim).filter(|cell| !cell.is_ascii()) {
        // What is known counts once: a hundred people from one country are one piece of evidence.
        let of_cell = known_cell(cell);
        if of_cell > 0.0 && known.insert(cell) {
            weight += of_cell;
        }
        for word in cell.split(is_between_words).filter(|word| !word.is_ascii()) {
            weight += Word::new(word).weight(encoding);
            if letters::is_known_name(&word.to_lowercase()) && known.insert(word) {
                weight += NAME;
            }
        }
    }
    weight
}

fn is_between_words(c: char) -> bool {
    c.is_whitespace() || (c.is_ascii_punctuation() && c != '?') || matches!(c, '’' | '　')
}

/// What a whole cell says that is a header, a country or a language.
fn known_cell(cell: &str) -> f32 {
    let is_latin = cell.chars().any(|c| c.is_ascii_alphabetic());
    if headers::is_written_so(cell) {
        return HEADER;
    }
    // Accents do not count where these are looked up, so that Latin letters prove nothing.
    let is_value = || country::recognise(cell).is_some() || Language::recognise(cell).is_some();
    // Looking up is slow, and most of what is read wrongly is of several scripts.
    let script = cell.chars().next().map(|c| c.script());
    let is_plain = cell.chars().all(|c| c.is_whitespace() || Some(c.script()) == script);
    if !is_latin
        && is_plain
        && cell.chars().nth(1).is_some()
        && (headers::role_of(cell).is_some() || is_value())
    {
        return VALUE;
    }
    0.0
}

/// A word with a letter or sign beyond ASCII.
struct Word {
    chars: Vec<char>,
    is_capitals: bool,
}

impl Word {
    fn new(word: &str) -> Word {
        let chars: Vec<char> = word.chars().collect();
        let is_capitals = chars.len() > 1 && !chars.iter().any(|c| c.is_lowercase());
        Word { chars, is_capitals }
    }

    fn weight(&self, encoding: &'static e::Encoding) -> f32 {
        let odd = |(at, c): (usize, &char)| match c.is_ascii() {
            true => 0.0,
            false => self.of_char(at, *c, encoding),
        };
        let chars: f32 = self.chars.iter().enumerate().map(odd).sum();
        chars + self.of_scripts() + self.of_language() + self.of_case()
    }

    fn of_char(&self, at: usize, c: char, encoding: &'static e::Encoding) -> f32 {
        match c.script() {
            _ if c == '\u{fffd}' => -8.0,
            _ if c.is_control() => -6.0,
            Script::Latin if c.is_alphabetic() => self.of_latin(at, c),
            Script::Cyrillic => letters::of_cyrillic(small(c)) + self.of_capital(at, c),
            Script::Greek if c.is_alphabetic() => {
                letters::of_greek(small(c)) + self.of_capital(at, c)
            }
            Script::Arabic if c.is_alphabetic() => of_arabic(c),
            Script::Hebrew if c.is_alphabetic() => 0.8,
            Script::Thai => 0.7,
            Script::Hiragana | Script::Katakana => of_kana(c),
            Script::Han | Script::Hangul => of_east_asian(c, encoding),
            _ => self.of_sign(at, c),
        }
    }

    fn of_latin(&self, at: usize, c: char) -> f32 {
        let weight = letters::of_latin(small(c));
        match c.is_uppercase() && !self.is_capitals {
            true if at > 0 => -2.0,
            true if !letters::begins_names(c) => weight.min(-0.2),
            _ => weight,
        }
    }

    fn of_capital(&self, at: usize, c: char) -> f32 {
        if at > 0 && c.is_uppercase() && !self.is_capitals { -1.5 } else { 0.0 }
    }

    /// A sign: some stand beside words, none within.
    fn of_sign(&self, at: usize, c: char) -> f32 {
        let is_letter = |at: usize| self.chars.get(at).is_some_and(|c| c.is_alphabetic());
        let is_within = at > 0 && is_letter(at - 1) && is_letter(at + 1);
        match c {
            '·' | '・' => 0.0,
            '«' | '»' | '“' | '”' | '‘' | '„' | '–' | '—' | '…' | '•' | '№' | '°' | 'º' | 'ª'
                if !is_within =>
            {
                0.0
            }
            '（' | '）' | '、' | '。' | '「' | '」' | '《' | '》' | '，' | '：' | '；' | 'ー' => {
                0.3
            }
            // Vowel signs and joiners.
            '\u{64b}'..='\u{652}' | '\u{640}' | '\u{200c}'..='\u{200f}' => 0.0,
            _ if is_within => -3.0,
            _ => -2.0,
        }
    }

    /// Letters of two scripts in a word are read wrongly.
    fn of_scripts(&self) -> f32 {
        let mut scripts: Vec<Script> = Vec::new();
        for script in self.chars.iter().filter(|c| c.is_alphabetic()).map(|c| c.script()) {
            let script = match script {
                Script::Hiragana | Script::Katakana => Script::Han,
                script => script,
            };
            if script != Script::Common && script != Script::Inherited && !scripts.contains(&script)
            {
                scripts.push(script);
            }
        }
        let beyond = self.chars.iter().filter(|c| !c.is_ascii()).count();
        if scripts.len() > 1 { -2.5 * beyond as f32 } else { 0.0 }
    }

    /// Letters that no language has together, and more of them beyond ASCII than words have.
    fn of_language(&self) -> f32 {
        let is_beyond = |c: &&char| !c.is_ascii() && c.script() == Script::Latin;
        let beyond: Vec<char> = self.chars.iter().filter(is_beyond).map(|c| small(*c)).collect();
        let (mut longest, mut run) = (0, 0);
        for c in &self.chars {
            run = if is_beyond(&c) { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        let mut weight = 0.0;
        if beyond.len() > 1 && !letters::fit_one_language(&beyond) {
            weight -= 1.5;
        }
        if longest > 2 {
            weight -= 1.2 * longest as f32;
        }
        if beyond.len() == self.chars.len() && beyond.len() > 1 {
            weight -= 1.5;
        }
        weight
    }

    /// Names begin with a capital where a script has any; and names of Chinese letters with a
    /// family name that many have.
    fn of_case(&self) -> f32 {
        let first = self.chars.first().copied().unwrap_or(' ');
        let has_case = matches!(first.script(), Script::Cyrillic | Script::Greek);
        if has_case && first.is_lowercase() {
            return -0.5;
        }
        let is_name = self.chars.len() <= 4 && first.script() == Script::Han;
        let common = self.chars.iter().filter(|c| letters::is_of_names(**c)).count();
        if is_name { 0.4 * common as f32 } else { 0.0 }
    }
}

fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn of_arabic(c: char) -> f32 {
    match c {
        '\u{621}'..='\u{64a}' => 0.9,
        // Persian and Urdu.
        'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی' => 0.3,
        _ => -0.3,
    }
}

fn of_kana(c: char) -> f32 {
    // What is half as wide is what single octets become.
    if ('\u{ff61}'..='\u{ff9f}').contains(&c) { -1.0 } else { 1.6 }
}

/// How much a letter of two octets speaks for its encoding: the common ones stand together in each.
fn of_east_asian(c: char, encoding: &'static e::Encoding) -> f32 {
    let mut text = [0_u8; 4];
    let (octets, _, _) = encoding.encode(c.encode_utf8(&mut text));
    let (lead, trail) = match octets.as_ref() {
        [lead, trail] => (*lead, *trail),
        [_, _, _, _] => return -4.0,
        _ => return -2.0,
    };
    let low = trail < 0xa1;
    if encoding == e::GB18030 {
        return match lead {
            _ if low => -2.0,
            0xb0..=0xd7 => 1.6,
            0xd8..=0xf7 => 0.2,
            _ => -2.0,
        };
    }
    if encoding == e::BIG5 {
        return match lead {
            0xa4..=0xc6 => 1.6,
            0xc9..=0xf9 => -0.3,
            _ => -2.0,
        };
    }
    if encoding == e::SHIFT_JIS {
        return match lead {
            0x88..=0x97 => 1.4,
            0x98..=0x9f | 0xe0..=0xea => -0.5,
            _ => -2.0,
        };
    }
    match (lead, c.script()) {
        (0xb0..=0xc8, Script::Hangul) if !low => 2.0,
        (_, Script::Hangul) => -1.5,
        _ => -1.0,
    }
}

/// Words that two readings of the same bytes have otherwise, the likeliest names first.
fn differing(text: &str, other: &str) -> Vec<(String, String)> {
    let is_apart = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '"' | '\r' | '\n');
    let cells = |text: &str| -> Vec<String> {
        text.split(is_apart).map(|cell| cell.trim().to_owned()).collect()
    };
    let (ours, theirs) = (cells(text), cells(other));
    let mut found: Vec<(String, String)> = Vec::new();
    for (one, other) in ours.into_iter().zip(theirs) {
        let is_name = one.chars().count() <= 40 && !one.contains(|c: char| c.is_ascii_digit());
        if one != other && is_name && !found.iter().any(|(known, _)| *known == one) {
            found.push((one, other));
        }
        if found.len() == ENCODING_READINGS_SHOWN {
            break;
        }
    }
    found
}
