//! Where the objects of a PDF stand, and what each of them is.
//!
//! Owns the cross-reference data in its old and new form, object streams, and finding objects by
//! looking for them where that data is damaged. What the objects say is `document.rs`.
//!
//! # Standards
//! ISO 32000-1 7.3.8 (streams), 7.5.4 (cross-reference table), 7.5.7 (object streams), 7.5.8
//! (cross-reference streams); annex H for what readers put up with.
//!
//! # Invariants
//! Objects are read when they are asked for, one at a time, and paid for from one budget: a file
//! with millions of objects, or one that leads in circles, costs no more than any other.

use super::crypt::Lock;
use super::filter::{Predictor, unpack};
use super::lexer::{Budget, Lexer, Table, Token, Value};
use crate::limits::{
    PDF_OBJECTS_MAX, PDF_REFERENCES_MAX, PDF_SECTIONS_MAX, PDF_STREAM_BYTES_MAX, PDF_WORK_BYTES_MAX,
};
use memchr::memmem;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A PDF whose objects can be asked for.
#[derive(Debug)]
pub(super) struct PdfFile<'a> {
    bytes: &'a [u8],
    pub(super) budget: &'a Budget,
    entries: HashMap<u32, Entry>,
    /// The keys of all trailers, the newest first.
    trailers: Vec<Table>,
    /// Whether objects had to be looked for.
    pub(super) is_mended: bool,
    pub(super) lock: Option<Lock>,
    /// Object streams unpacked so far.
    unpacked: RefCell<HashMap<u32, Rc<Unpacked>>>,
    /// Objects that are being read: one may need another, which must not need the first.
    depth: Cell<usize>,
}

/// What is kept of a trailer (7.5.5).
const TRAILER_KEYS: &[&str] = &["Root", "Info", "Encrypt", "ID"];

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// At this byte.
    At(usize),
    /// In this object stream.
    Within(u32),
}

/// An object stream: where in its text each object begins.
#[derive(Debug, Default)]
struct Unpacked {
    text: Vec<u8>,
    begins: HashMap<u32, usize>,
}

/// An object, with its stream where it has one.
#[derive(Clone, Debug)]
pub(super) struct Object<'a> {
    pub(super) number: u32,
    generation: u32,
    pub(super) value: Value,
    packed: Option<&'a [u8]>,
}

/// A budget for one file.
pub(super) fn budget() -> Budget {
    Budget::new(PDF_WORK_BYTES_MAX)
}

impl<'a> PdfFile<'a> {
    /// Finds the objects of a file; `None` where there is no catalogue to begin with.
    pub(super) fn open(bytes: &'a [u8], budget: &'a Budget) -> Option<PdfFile<'a>> {
        // Offsets count from the header, which may stand behind something else (annex H.3.4.1).
        let head = &bytes[..bytes.len().min(1024)];
        let bytes = &bytes[memmem::find(head, b"%PDF-").unwrap_or(0)..];
        let mut file = PdfFile {
            bytes,
            budget,
            entries: HashMap::new(),
            trailers: Vec::new(),
            is_mended: false,
            lock: None,
            unpacked: RefCell::default(),
            depth: Cell::new(0),
        };
        file.read_sections();
        if !file.has_pages() {
            file.look_for_objects();
        }
        file.lock = Lock::of(&file);
        file.has_catalogue().then_some(file)
    }

    fn has_catalogue(&self) -> bool {
        self.catalogue().is_some()
    }

    fn has_pages(&self) -> bool {
        let catalogue = self.catalogue();
        let pages = catalogue.as_ref().and_then(|c| self.table(c.get("Pages")?));
        pages.is_some_and(|pages| pages.get("Kids").is_some() || pages.get("Contents").is_some())
    }

    /// Where everything begins (7.7.2).
    pub(super) fn catalogue(&self) -> Option<Table> {
        self.table(self.trailer("Root")?)
    }

    /// A key of the newest trailer that has it.
    pub(super) fn trailer(&self, key: &str) -> Option<&Value> {
        self.trailers.iter().find_map(|trailer| trailer.get(key))
    }

    /// A value with references followed; what leads nowhere is null.
    pub(super) fn follow(&self, value: &Value) -> Value {
        let mut value = value.clone();
        for _ in 0..PDF_REFERENCES_MAX {
            let Value::Reference(number) = value else { return value };
            value = self.object(number).map_or(Value::Null, |object| object.value);
        }
        Value::Null
    }

    /// The dictionary that a value is or leads to.
    pub(super) fn table(&self, value: &Value) -> Option<Table> {
        match self.follow(value) {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value of a key with references followed.
    pub(super) fn get(&self, table: &Table, key: &str) -> Option<Value> {
        Some(self.follow(table.get(key)?)).filter(|value| *value != Value::Null)
    }

    /// The object that a value leads to, which may have a stream.
    pub(super) fn object_of(&self, value: &Value) -> Option<Object<'a>> {
        match value {
            Value::Reference(number) => self.object(*number),
            _ => None,
        }
    }

    /// An object by its number.
    pub(super) fn object(&self, number: u32) -> Option<Object<'a>> {
        if self.depth.get() > PDF_REFERENCES_MAX {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let object = self.object_at_its_entry(number);
        self.depth.set(self.depth.get() - 1);
        object
    }

    fn object_at_its_entry(&self, number: u32) -> Option<Object<'a>> {
        match self.entries.get(&number)? {
            Entry::At(at) => self.read_object(*at, Some(number)),
            Entry::Within(container) => {
                let unpacked = self.unpacked(*container)?;
                let at = *unpacked.begins.get(&number)?;
                let value = Lexer::new(&unpacked.text, at, self.budget).value()?;
                Some(Object { number, generation: 0, value, packed: None })
            }
        }
    }

    /// The object that begins at a byte: `12 0 obj ...`.
    fn read_object(&self, at: usize, expected: Option<u32>) -> Option<Object<'a>> {
        let mut lexer = Lexer::new(self.bytes, at, self.budget);
        let number = |token: Token| match token {
            Token::Number(n) => Value::Number(n).count().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        let (found, generation) = (number(lexer.token()?)?, number(lexer.token()?)?);
        if lexer.token()? != Token::Word(b"obj".to_vec()) || expected.is_some_and(|n| n != found) {
            return None;
        }
        let mut value = lexer.value()?;
        let has_stream = lexer.token() == Some(Token::Word(b"stream".to_vec()));
        let packed = match &value {
            Value::Table(table) if has_stream => Some(self.packed(table, lexer.at)),
            _ => None,
        };
        if let Some(lock) = &self.lock {
            lock.open_texts(&mut value, found, generation);
        }
        Some(Object { number: found, generation, value, packed })
    }

    /// The bytes of a stream behind its keyword (7.3.8.1), also where its length is wrong.
    fn packed(&self, table: &Table, keyword_ends: usize) -> &'a [u8] {
        let rest = &self.bytes[keyword_ends..];
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        let rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        let written = match table.get("Length") {
            // An object of its own; it cannot be a stream, so this ends.
            Some(Value::Reference(number)) => match self.entries.get(number) {
                Some(Entry::At(at)) => self.read_number(*at),
                _ => None,
            },
            Some(value) => value.count(),
            None => None,
        };
        let ends = |length: &usize| {
            let behind = rest.get(*length..).unwrap_or_default();
            behind[..behind.len().min(16)].trim_ascii_start().starts_with(b"endstream")
        };
        let length = written.filter(ends).unwrap_or_else(|| {
            self.budget.pay(rest.len());
            memmem::find(rest, b"endstream").unwrap_or(rest.len())
        });
        &rest[..length]
    }

    /// `12 0 obj 345 endobj`: the number.
    fn read_number(&self, at: usize) -> Option<usize> {
        let mut lexer = Lexer::new(self.bytes, at, self.budget);
        for _ in 0..3 {
            lexer.token()?;
        }
        lexer.value()?.count()
    }

    /// What a stream holds, unpacked; the longest is cut at its limit.
    pub(super) fn unpack(&self, object: &Object<'_>) -> Option<Vec<u8>> {
        let (packed, table) = (object.packed?, object.value.table()?);
        if !self.budget.pay(packed.len()) {
            return None;
        }
        let first =
            |long: &str, short: &str| self.get(table, long).or_else(|| self.get(table, short));
        let filters = first("Filter", "F").unwrap_or(Value::List(Vec::new()));
        let settings = first("DecodeParms", "DP").unwrap_or(Value::Null);
        let is_open = table.get("Type").and_then(Value::name) == Some("XRef");
        let lock = self.lock.as_ref().filter(|_| !is_open);
        let mut bytes = match lock {
            Some(lock) => lock.open_stream(packed, object.number, object.generation)?,
            None => packed.to_vec(),
        };
        for (n, filter) in filters.members().iter().take(8).enumerate() {
            let settings = settings.members().get(n).and_then(|s| self.table(s));
            let predictor = settings.map(|s| self.predictor(&s)).unwrap_or_default();
            let filter = self.follow(filter);
            let name = filter.name()?;
            bytes = unpack(name, predictor, &bytes, PDF_STREAM_BYTES_MAX, self.budget)?;
        }
        Some(bytes)
    }

    fn predictor(&self, settings: &Table) -> Predictor {
        let number = |key: &str, absent: usize| {
            let value = self.get(settings, key).and_then(|v| v.count());
            value.filter(|n| *n < 1 << 16).unwrap_or(absent)
        };
        let bits = number("Colors", 1) * number("BitsPerComponent", 8);
        Predictor {
            kind: number("Predictor", 1),
            row: (number("Columns", 1) * bits).div_ceil(8),
            pixel: bits.div_ceil(8).max(1),
        }
    }

    /// An object stream, unpacked once (7.5.7).
    fn unpacked(&self, container: u32) -> Option<Rc<Unpacked>> {
        if let Some(known) = self.unpacked.borrow().get(&container) {
            return Some(Rc::clone(known));
        }
        let Some(Entry::At(at)) = self.entries.get(&container) else { return None };
        let object = self.read_object(*at, Some(container))?;
        let unpacked = Rc::new(self.object_stream(&object)?);
        let mut known = self.unpacked.borrow_mut();
        let bytes: usize = known.values().map(|u| u.text.len()).sum();
        if bytes + unpacked.text.len() > PDF_STREAM_BYTES_MAX {
            known.clear();
        }
        known.insert(container, Rc::clone(&unpacked));
        Some(unpacked)
    }

    fn object_stream(&self, object: &Object<'_>) -> Option<Unpacked> {
        let table = object.value.table()?;
        let count = table.get("N")?.count()?.min(PDF_OBJECTS_MAX);
        let first = table.get("First")?.count()?;
        let text = self.unpack(object)?;
        let mut lexer = Lexer::new(&text, 0, self.budget);
        let mut begins = HashMap::new();
        for _ in 0..count {
            let (Some(Token::Number(number)), Some(Token::Number(at))) =
                (lexer.token(), lexer.token())
            else {
                break;
            };
            begins.insert(number as u32, first.saturating_add(at as usize));
        }
        Some(Unpacked { text, begins })
    }

    /// Reads all cross-reference sections, from the newest to the oldest.
    fn read_sections(&mut self) {
        let Some(mark) = memmem::rfind(self.bytes, b"startxref") else { return };
        let mut lexer = Lexer::new(self.bytes, mark + b"startxref".len(), self.budget);
        let mut next = lexer.value().and_then(|at| at.count());
        let mut seen = HashSet::new();
        while let Some(at) = next.filter(|at| seen.len() < PDF_SECTIONS_MAX && seen.insert(*at)) {
            let Some(trailer) = self.read_section(at) else { return };
            // A table may name a stream with further entries (7.5.8.4).
            let beside = trailer.get("XRefStm").and_then(Value::count);
            if let Some(beside) = beside.filter(|at| seen.insert(*at)) {
                let _ = self.read_section(beside);
            }
            next = trailer.get("Prev").and_then(Value::count);
            self.trailers.push(trailer.only(TRAILER_KEYS));
        }
    }

    /// One section, old or new; its trailer.
    fn read_section(&mut self, at: usize) -> Option<Table> {
        let mut lexer = Lexer::new(self.bytes, at, self.budget);
        if lexer.token()? == Token::Word(b"xref".to_vec()) {
            return self.read_table(lexer);
        }
        let object = self.read_object(at, None)?;
        let table = object.value.table()?.clone();
        self.read_stream_entries(&table, &self.unpack(&object)?);
        Some(table)
    }

    fn read_table(&mut self, mut lexer: Lexer<'a>) -> Option<Table> {
        loop {
            let first = match lexer.token()? {
                Token::Number(first) => first as u32,
                Token::Word(word) if word == b"trailer" => break,
                _ => return None,
            };
            let Token::Number(count) = lexer.token()? else { return None };
            for n in 0..count as u32 {
                let (Token::Number(at), Token::Number(_), Token::Word(kind)) =
                    (lexer.token()?, lexer.token()?, lexer.token()?)
                else {
                    return None;
                };
                if kind == b"n" {
                    self.add_entry(first.saturating_add(n), Entry::At(at as usize));
                }
            }
        }
        lexer.value()?.table().cloned()
    }

    /// Entries of a cross-reference stream: three numbers each (7.5.8.3).
    fn read_stream_entries(&mut self, table: &Table, text: &[u8]) {
        let counts = |key: &str| -> Vec<usize> {
            let members = table.get(key).map(Value::members).unwrap_or_default();
            members.iter().filter_map(Value::count).collect()
        };
        let widths = counts("W");
        let [kind, second, third] = widths[..] else { return };
        let width = kind.saturating_add(second).saturating_add(third);
        if width == 0 || width > 24 || kind > 8 || second > 8 {
            return;
        }
        let mut index = counts("Index");
        if index.len() < 2 {
            index = vec![0, counts("Size").first().copied().unwrap_or(0)];
        }
        let mut rows = text.chunks_exact(width);
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        for pair in index.chunks_exact(2) {
            for (n, row) in rows.by_ref().take(pair[1]).enumerate() {
                let Ok(id) = u32::try_from(pair[0] + n) else { return };
                let (is, at) = row.split_at(kind);
                let at = number(&at[..second]);
                match if kind == 0 { 1 } else { number(is) } {
                    1 => self.add_entry(id, Entry::At(at as usize)),
                    2 => self.add_entry(id, Entry::Within(at as u32)),
                    _ => {}
                }
            }
        }
    }

    /// Newer sections are read first: what is known stays.
    fn add_entry(&mut self, number: u32, entry: Entry) {
        if self.entries.len() < PDF_OBJECTS_MAX {
            self.entries.entry(number).or_insert(entry);
        }
    }

    /// Finds objects by their look, where the cross-reference data is of no use: the last of a
    /// number stands.
    fn look_for_objects(&mut self) {
        self.is_mended = true;
        self.entries.clear();
        self.unpacked.borrow_mut().clear();
        if !self.budget.pay(self.bytes.len()) {
            return;
        }
        for at in memmem::find_iter(self.bytes, b"obj") {
            let Some((number, begins)) = object_before(self.bytes, at) else { continue };
            if self.entries.len() < PDF_OBJECTS_MAX {
                self.entries.insert(number, Entry::At(begins));
            }
        }
        for at in memmem::find_iter(self.bytes, b"trailer") {
            let mut lexer = Lexer::new(self.bytes, at + b"trailer".len(), self.budget);
            if let Some(Value::Table(trailer)) = lexer.value()
                && self.trailers.len() < PDF_SECTIONS_MAX
            {
                self.trailers.insert(0, trailer.only(TRAILER_KEYS));
            }
        }
        self.look_into_objects();
    }

    /// Object streams, trailers in streams, and a catalogue that no trailer names.
    fn look_into_objects(&mut self) {
        let mut found: Vec<(u32, usize)> = Vec::new();
        for (number, entry) in &self.entries {
            if let Entry::At(at) = entry {
                found.push((*number, *at));
            }
        }
        found.sort_by_key(|(_, at)| *at);
        for (number, at) in found {
            // Only the beginning: most objects are none of these.
            let head = &self.bytes[at..(at + 512).min(self.bytes.len())];
            let of_type = |name: &[u8]| memmem::find(head, name).is_some();
            if !(of_type(b"ObjStm") || of_type(b"XRef") || of_type(b"Catalog")) {
                continue;
            }
            let Some(object) = self.read_object(at, Some(number)) else { continue };
            let Some(table) = object.value.table() else { continue };
            match table.get("Type").and_then(Value::name) {
                Some("ObjStm") => {
                    let unpacked = self.object_stream(&object).unwrap_or_default();
                    for id in unpacked.begins.into_keys() {
                        self.add_entry(id, Entry::Within(number));
                    }
                }
                Some("XRef") if self.trailers.len() < PDF_SECTIONS_MAX => {
                    self.trailers.insert(0, table.clone().only(TRAILER_KEYS));
                }
                Some("Catalog") if self.trailers.len() < PDF_SECTIONS_MAX => {
                    let budget = self.budget;
                    let named = format!("<</Root {number} 0 R>>");
                    let trailer = Lexer::new(named.as_bytes(), 0, budget).value();
                    self.trailers.extend(trailer.and_then(|t| t.table().cloned()));
                }
                _ => {}
            }
        }
    }
}

/// `12 0 ` before `obj`: the number and where it begins.
fn object_before(bytes: &[u8], obj: usize) -> Option<(u32, usize)> {
    let from = obj.saturating_sub(24);
    let before = bytes[from..obj].trim_ascii_end();
    let digits = |text: &[u8]| text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let generation = digits(before);
    let rest = before[..before.len() - generation].trim_ascii_end();
    let number = digits(rest);
    if generation == 0 || number == 0 || rest.len() + generation == before.len() {
        return None;
    }
    let begins = rest.len() - number;
    let number = std::str::from_utf8(&rest[begins..]).ok()?.parse().ok()?;
    Some((number, from + begins))
}
