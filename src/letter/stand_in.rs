//! Stand-ins: how a value passes through Markdown without being Markdown.
//!
//! A value that lands in a letter's source is written in an alphabet that Markdown does not know:
//! each ASCII punctuation character and each blank becomes a Unicode noncharacter, and the value
//! stands between two marks. After parsing, the writers put the real characters back, escaped for
//! the part they land in. So a value can neither make an element, link or emphasis nor end one
//! (security S7, S8), whatever stands around it: text, a code span, a table cell or the address of
//! a link, where a backslash would not have helped. Nor can it undo the template's own emphasis.
//!
//! Owns the alphabet, writing and reading it. Which direction a value runs is in `direction.rs`.
//!
//! # Standards
//! Unicode 23.7: noncharacters are for internal use and are never text. A value that holds one
//! nevertheless gains nothing: it reads as the character it stands for.

use memchr::memchr3;
use std::io::Write;

/// First of the 32 stand-ins, for the 32 ASCII punctuation characters in their order.
const FIRST: u32 = 0xFDD0;
/// Stands for a blank inside a value.
pub(super) const BLANK: char = '\u{1FFFE}';
/// Stands, alone in a paragraph, for the table of attachments.
pub(super) const ATTACHMENT_TABLE: char = '\u{1FFFF}';
/// A value begins.
pub(super) const VALUE_BEGIN: char = '\u{4FFFE}';
/// A value ends.
pub(super) const VALUE_END: char = '\u{4FFFF}';
/// Begins the mark of a branch that was taken (`branch.rs`); no value may hold it.
pub(super) const BRANCH: char = '\u{8FFFE}';
/// `<` of the template: Markdown must not see it, for it would read raw HTML or an autolink.
pub(super) const TEMPLATE_LESS_THAN: char = '\u{5FFFF}';

/// ASCII punctuation in code order (CommonMark 2.1).
const PUNCTUATION: &[u8; 32] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Whether a text may hold a stand-in: every one of them begins with one of these bytes, and few
/// letters of any script do.
pub(super) fn may_stand_in(text: &str) -> bool {
    memchr3(0xEF, 0xF0, 0xF1, text.as_bytes()).is_some()
}

/// What a character of the rendered Markdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A character of the template or a letter of a value.
    Plain(char),
    /// A punctuation character or blank of a value.
    OfValue(char),
    /// A value begins here.
    Begin,
    /// A value ends here.
    End,
    /// Nothing to be seen.
    Nothing,
}

/// Reads one character of rendered Markdown.
pub(super) fn read(c: char) -> Reading {
    if c < '\u{FDD0}' {
        return Reading::Plain(c);
    }
    match c {
        '\u{FDD0}'..='\u{FDEF}' => {
            let index = (u32::from(c) - FIRST) as usize;
            Reading::OfValue(PUNCTUATION.get(index).map_or(c, |b| char::from(*b)))
        }
        BLANK => Reading::OfValue(' '),
        VALUE_BEGIN => Reading::Begin,
        VALUE_END => Reading::End,
        ATTACHMENT_TABLE => Reading::Nothing,
        TEMPLATE_LESS_THAN => Reading::Plain('<'),
        other => Reading::Plain(other),
    }
}

/// The stand-in of an ASCII character, where it has one.
fn stand_in(byte: u8) -> Option<char> {
    match byte {
        b' ' => Some(BLANK),
        _ => {
            let index = PUNCTUATION.binary_search(&byte).ok()?;
            char::from_u32(FIRST + u32::try_from(index).ok()?)
        }
    }
}

/// Characters that end a line or control a terminal: they become a blank.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Controls that would turn the text around a value around (security S12): they are left out.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Writes a value between its marks: the template engine's escape function.
pub(super) fn escape(value: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let mut buffer = [0; 4];
    out.write_all(VALUE_BEGIN.encode_utf8(&mut buffer).as_bytes())?;
    write_spelled(value, out)?;
    out.write_all(VALUE_END.encode_utf8(&mut buffer).as_bytes())
}

fn write_spelled(text: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let mut buffer = [0; 4];
    // Runs of letters, which need nothing, go out whole.
    let mut run = 0;
    for (at, c) in text.char_indices() {
        let replaced = match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' => continue,
            c if c.is_ascii() && stand_in(c as u8).is_some() => stand_in(c as u8),
            c if is_break(c) => Some(BLANK),
            c if is_bidi_control(c) => None,
            // A value must not pass for a branch.
            BRANCH => None,
            _ => continue,
        };
        out.write_all(&text.as_bytes()[run..at])?;
        run = at + c.len_utf8();
        if let Some(c) = replaced {
            out.write_all(c.encode_utf8(&mut buffer).as_bytes())?;
        }
    }
    out.write_all(&text.as_bytes()[run..])
}

/// Rendered text as one line of plain text, blanks collapsed, without any control character: what
/// a header line may hold (security S2).
pub(super) fn one_line(rendered: &str) -> String {
    let mut line = String::with_capacity(rendered.len());
    for c in rendered.chars() {
        let c = match read(c) {
            Reading::Plain(c) | Reading::OfValue(c) => c,
            Reading::Begin | Reading::End | Reading::Nothing => continue,
        };
        if is_break(c) || c == ' ' {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_sorted_and_comes_back() {
        assert!(PUNCTUATION.is_sorted());
        let all: String = (0x20_u8..0x7F).map(char::from).collect();
        let mut escaped = Vec::new();
        escape(&all, &mut escaped).unwrap();
        let escaped = String::from_utf8(escaped).unwrap();
        let inner = &escaped[4..escaped.len() - 4];
        assert!(inner.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric()), "{inner}");
        let back: String = inner
            .chars()
            .filter_map(|c| match read(c) {
                Reading::Plain(c) | Reading::OfValue(c) => Some(c),
                _ => None,
            })
            .collect();
        assert_eq!(back, all);
    }

    #[test]
    fn every_stand_in_is_noticed() {
        let all = (FIRST..FIRST + 32).filter_map(char::from_u32);
        for c in all.chain([BLANK, ATTACHMENT_TABLE, VALUE_BEGIN, VALUE_END, TEMPLATE_LESS_THAN]) {
            assert_ne!(read(c), Reading::Plain(c), "{c:?}");
            assert!(may_stand_in(&format!("é{c}ж")), "{c:?}");
        }
        assert!(!may_stand_in("Almara ألمارا Алмара 阿尔马拉"));
    }

    #[test]
    fn s2_no_control_character_reaches_a_header_line() {
        let line = |value: &str| {
            let mut out = Vec::new();
            escape(value, &mut out).unwrap();
            one_line(&String::from_utf8(out).unwrap())
        };
        assert_eq!(line("a\r\nBcc: x@evil.example"), "a Bcc: x@evil.example");
        for c in (0..0x20).chain(0x7F..0xA0).chain([0x2028, 0x2029]).filter_map(char::from_u32) {
            assert_eq!(line(&format!("a{c}b")), "a b", "{c:?}");
        }
        assert_eq!(line("=?utf-8?q?x?="), "=?utf-8?q?x?=");
        assert_eq!(line("a\u{202E}b"), "ab");
    }
}
