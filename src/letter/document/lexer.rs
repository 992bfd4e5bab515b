//! Tokens and values of a PDF, read one by one.
//!
//! Owns the notation of numbers, names, texts, lists and tables, in files as in pages. Where an
//! object stands is `file.rs`. No I/O.
//!
//! # Standards
//! ISO 32000-1 7.2 (characters), 7.3 (objects).
//!
//! # Invariants
//! Every byte looked at is paid for from a [`Budget`], nesting and the size of a value are bounded:
//! whatever a file holds, reading it ends and its values fit in memory.

use crate::limits::{PDF_NESTING_MAX, PDF_VALUES_MAX};
use std::cell::Cell;

/// What looking into one file may still cost, in bytes looked at or unpacked.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) fn new(bytes: u64) -> Budget {
        Budget(Cell::new(bytes))
    }

    /// Pays; `false` when there is not so much left, and then nothing is.
    pub(super) fn pay(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes as u64);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    pub(super) fn left(&self) -> usize {
        usize::try_from(self.0.get()).unwrap_or(usize::MAX)
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    /// Without its slash; bytes beyond ASCII as Latin-1.
    Name(String),
    Text(Vec<u8>),
    List(Vec<Value>),
    Table(Table),
    /// Another object, by its number.
    Reference(u32),
}

/// A dictionary.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table(Vec<(String, Value)>);

impl Table {
    /// The value of a key as it stands, which may be a reference.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// All values, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// These keys alone.
    pub(super) fn only(mut self, keys: &[&str]) -> Table {
        self.0.retain(|(name, _)| keys.contains(&name.as_str()));
        self
    }
}

impl Value {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Value::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number that counts or points: no fraction, not below zero.
    pub(super) fn count(&self) -> Option<usize> {
        let number = self.number().filter(|n| *n >= 0.0 && n.fract() == 0.0 && *n < 1e15)?;
        Some(number as usize)
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn table(&self) -> Option<&Table> {
        match self {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The members of a list, or the value alone.
    pub(super) fn members(&self) -> &[Value] {
        match self {
            Value::List(members) => members,
            value => std::slice::from_ref(value),
        }
    }
}

/// The smallest pieces.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    Text(Vec<u8>),
    ListBegins,
    ListEnds,
    TableBegins,
    TableEnds,
    /// `obj`, `Tj`, `true` ...
    Word(Vec<u8>),
}

/// Reads tokens and values from a place on.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    /// The next byte.
    pub(super) at: usize,
    budget: &'a Budget,
    /// How many members the value at hand has already.
    members: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, budget: &'a Budget) -> Lexer<'a> {
        Lexer { bytes, at, budget, members: 0 }
    }

    /// The next token; `None` at the end, or when the budget is spent.
    pub(super) fn token(&mut self) -> Option<Token> {
        let before = self.at;
        let token = self.read_token();
        self.budget.pay(self.at - before + 1).then_some(token).flatten()
    }

    fn read_token(&mut self) -> Option<Token> {
        self.skip_blanks();
        let first = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match first {
            b'[' => Token::ListBegins,
            b']' => Token::ListEnds,
            b'(' => Token::Text(self.literal()),
            b'<' if self.bytes.get(self.at) == Some(&b'<') => {
                self.at += 1;
                Token::TableBegins
            }
            b'<' => Token::Text(self.hexadecimal()),
            b'>' if self.bytes.get(self.at) == Some(&b'>') => {
                self.at += 1;
                Token::TableEnds
            }
            b'/' => Token::Name(self.name()),
            b'{' | b'}' | b')' | b'>' => Token::Word(vec![first]),
            _ => {
                self.at -= 1;
                self.number_or_word()
            }
        })
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'%' => {
                    let rest = &self.bytes[self.at..];
                    let line = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
                    self.at += line.unwrap_or(rest.len());
                }
                byte if is_blank(*byte) => self.at += 1,
                _ => return,
            }
        }
    }

    /// A text in parentheses (7.3.4.2).
    fn literal(&mut self) -> Vec<u8> {
        let (mut text, mut depth) = (Vec::new(), 1);
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    self.escaped(&mut text);
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.push(byte);
        }
        text
    }

    fn escaped(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.bytes.get(self.at).copied() else { return };
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' if self.bytes.get(self.at) == Some(&b'\n') => self.at += 1,
            b'\r' | b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.bytes.get(self.at) else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                text.push((code & 0xFF) as u8);
            }
            other => text.push(other),
        }
    }

    /// A text in angle brackets (7.3.4.3).
    fn hexadecimal(&mut self) -> Vec<u8> {
        let (mut text, mut half) = (Vec::new(), None);
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            let Some(digit) = char::from(byte).to_digit(16) else { continue };
            match half.take() {
                None => half = Some(digit),
                Some(high) => text.push((high * 16 + digit) as u8),
            }
        }
        text.extend(half.map(|high| (high * 16) as u8));
        text
    }

    /// A name behind its slash, `#20` written out (7.3.5).
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(byte) = self.bytes.get(self.at).copied().filter(|b| is_regular(*b)) {
            self.at += 1;
            let digit = |at: usize| self.bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
            match (byte, digit(self.at), digit(self.at + 1)) {
                (b'#', Some(high), Some(low)) => {
                    self.at += 2;
                    name.push(char::from((high * 16 + low) as u8));
                }
                _ => name.push(char::from(byte)),
            }
        }
        name
    }

    fn number_or_word(&mut self) -> Token {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| !is_regular(*b)).unwrap_or(rest.len());
        self.at += end;
        let word = &rest[..end];
        let is_number = word.iter().all(|b| b.is_ascii_digit() || b"+-.".contains(b));
        let number = std::str::from_utf8(word).ok().filter(|_| is_number);
        match number.and_then(|text| text.parse::<f64>().ok()) {
            Some(number) => Token::Number(number),
            None => Token::Word(word.to_vec()),
        }
    }

    /// The next value; `None` where there is none, or it nests too deep or is too large.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.members = 0;
        let token = self.token()?;
        self.value_from(token, 0)
    }

    fn value_from(&mut self, token: Token, depth: usize) -> Option<Value> {
        self.members += 1;
        if depth > PDF_NESTING_MAX || self.members > PDF_VALUES_MAX {
            return None;
        }
        match token {
            Token::Number(number) => Some(self.reference(number).unwrap_or(Value::Number(number))),
            Token::Name(name) => Some(Value::Name(name)),
            Token::Text(text) => Some(Value::Text(text)),
            Token::ListBegins => self.list(depth),
            Token::TableBegins => self.table(depth),
            Token::Word(word) => match word.as_slice() {
                b"true" => Some(Value::Bool(true)),
                b"false" => Some(Value::Bool(false)),
                b"null" => Some(Value::Null),
                _ => None,
            },
            Token::ListEnds | Token::TableEnds => None,
        }
    }

    /// `12 0 R` behind its first number.
    fn reference(&mut self, number: f64) -> Option<Value> {
        let number = Value::Number(number).count().and_then(|n| u32::try_from(n).ok())?;
        let mut ahead = self.clone();
        let Token::Number(_) = ahead.token()? else { return None };
        if ahead.token()? != Token::Word(b"R".to_vec()) {
            return None;
        }
        *self = ahead;
        Some(Value::Reference(number))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        loop {
            match self.token()? {
                Token::ListEnds => return Some(Value::List(members)),
                token => members.push(self.value_from(token, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut entries = Vec::new();
        loop {
            match self.token()? {
                Token::TableEnds => return Some(Value::Table(Table(entries))),
                Token::Name(name) => match self.token()? {
                    Token::TableEnds => return Some(Value::Table(Table(entries))),
                    token => entries.push((name, self.value_from(token, depth + 1)?)),
                },
                // Something that is no key: others read on too.
                _ => {}
            }
        }
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Value> {
        let budget = Budget::new(100_000);
        Lexer::new(text.as_bytes(), 0, &budget).value()
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let text = |t: &[u8]| Some(Value::Text(t.to_vec()));
        for (written, expected) in [
            ("12", Some(Value::Number(12.0))),
            ("-.5", Some(Value::Number(-0.5))),
            ("12 0 R", Some(Value::Reference(12))),
            ("/A#20b", Some(Value::Name("A b".to_owned()))),
            ("(a(b)\\)\\101\\\nc)", text(b"a(b))Ac")),
            ("<4 1 5>", text(b"AP")),
            ("% remark\ntrue", Some(Value::Bool(true))),
            ("[1 2 0 R]", Some(Value::List(vec![Value::Number(1.0), Value::Reference(2)]))),
            ("endobj", None),
            ("[1 2", None),
        ] {
            assert_eq!(value(written), expected, "{written}");
        }
        let Some(Value::Table(table)) = value("<</A 1/B[/C]/A 2>>") else { panic!("a table") };
        assert_eq!(table.get("A"), Some(&Value::Number(2.0)));
        assert_eq!(table.only(&["B"]).get("A"), None);
    }

    #[test]
    fn what_nests_without_end_and_what_has_no_end_is_no_value() {
        assert_eq!(value(&"[".repeat(50_000)), None);
        assert_eq!(value(&"<</A".repeat(20_000)), None);
        let budget = Budget::new(100);
        let long = "[".to_owned() + &"1 ".repeat(1_000) + "]";
        assert_eq!(Lexer::new(long.as_bytes(), 0, &budget).value(), None);
        assert_eq!(budget.left(), 0);
    }
}
