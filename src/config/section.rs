//! One table of the configuration, taken apart key by key.
//!
//! Owns what every key has in common: its place, its type, and that a key nobody asked for is a
//! problem which names the nearest one that somebody does. What the keys mean is `read.rs`.
//! No I/O.
//!
//! # Invariants
//! The keys known in a table are the keys that were asked for: there is no second list to forget.
//! On a line with a syntax error nothing else is reported, and while there are syntax errors
//! nothing is called missing: what stands there could not be read.

use crate::problem::{Place, Problem, Problems, Severity, nearest};
use crate::workspace::path_names;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a text is no value for its key.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Completes "`relay.url` ...".
    pub(super) message: String,
    /// What to do: a sentence.
    pub(super) hint: String,
}

impl Refusal {
    /// A refusal.
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), hint: hint.into() }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// File, line and column of the value; of the table that lacks it where it is not written.
    pub place: Place,
}

impl<T> Placed<T> {
    /// A value with its place.
    #[must_use]
    pub fn new(value: T, place: Place) -> Placed<T> {
        Placed { value, place }
    }
}

/// The text being read and the problems found in it.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    damaged_lines: BTreeSet<u32>,
    problems: &'t mut Problems,
}

impl<'t> Reader<'t> {
    /// A reader of a text, with the syntax errors found in it.
    pub(super) fn new(
        file: &'t str,
        text: &'t str,
        syntax_errors: Vec<Problem>,
        problems: &'t mut Problems,
    ) -> Reader<'t> {
        let line_of = |p: &Problem| p.place.as_ref().and_then(|place| place.line);
        let damaged_lines = syntax_errors.iter().filter_map(line_of).collect();
        syntax_errors.into_iter().for_each(|p| problems.push(p));
        Reader { file, text, damaged_lines, problems }
    }

    /// The place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        Place::of_offset(self.file, self.text, offset)
    }

    /// What stands between two byte offsets.
    pub(super) fn source(&self, span: std::ops::Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    /// How many errors were kept so far.
    pub(super) fn errors(&self) -> usize {
        self.problems.count_of(Severity::Error)
    }

    /// Keeps a problem, unless its line could not be read anyway.
    pub(super) fn report(&mut self, problem: Problem) {
        let line = problem.place.as_ref().and_then(|place| place.line);
        if line.is_none_or(|line| !self.damaged_lines.contains(&line)) {
            self.problems.push(problem);
        }
    }

    /// Keeps a problem about something absent, which a syntax error may have hidden.
    pub(super) fn report_absence(&mut self, problem: Problem) {
        if self.damaged_lines.is_empty() {
            self.problems.push(problem);
        }
    }

    /// A value, or its problem kept.
    pub(super) fn kept<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.report(problem)).ok()
    }

    /// Keeps the problem of a value that was refused.
    pub(super) fn refuse(&mut self, name: &str, place: &Place, refusal: Refusal) {
        self.report(
            Problem::error("config-value", format!("{name} {}", refusal.message))
                .place(place.clone())
                .hint(refusal.hint),
        );
    }

    /// Keeps the problem of a value of the wrong type; `example` is a whole line of the file.
    fn wrong_type(
        &mut self,
        name: &str,
        expected: &str,
        found: &Spanned<DeValue<'_>>,
        example: &str,
    ) {
        let message = format!("{name} must be {expected}, not {}", described(found.get_ref()));
        let place = self.place(found.span().start);
        let problem = Problem::error("config-type", message).place(place);
        self.report(problem.hint(format!("Write {example}.")));
    }

    /// A value that must be text; control characters are refused.
    pub(super) fn text(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        example: &str,
    ) -> Option<Placed<String>> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(name, "text in quotation marks", value, example);
            return None;
        };
        let place = self.place(value.span().start);
        if text.contains(char::is_control) {
            let hint = "Write it on one line; for a backslash, use forward slashes or single \
                        quotation marks.";
            let refusal = Refusal::new("holds a line break or control character", hint);
            self.refuse(name, &place, refusal);
            return None;
        }
        Some(Placed::new(text.to_string(), place))
    }

    /// What a text means, or the problem of its being refused.
    pub(super) fn meaning<T>(
        &mut self,
        name: &str,
        text: Placed<String>,
        parse: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Placed<T>> {
        match parse(&text.value) {
            Ok(value) => Some(Placed::new(value, text.place)),
            Err(refusal) => {
                self.refuse(name, &text.place, refusal);
                None
            }
        }
    }
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    /// Where the key stands.
    pub(super) place: Place,
    /// Byte offset of the key: the order of the file.
    pub(super) offset: usize,
    /// The value.
    pub(super) value: Spanned<DeValue<'t>>,
}

/// A table: what is left of it after the keys taken so far.
#[derive(Debug)]
pub(super) struct Section<'t> {
    /// `relay`, `campaigns.outcome`; empty for the top of the file.
    path: String,
    /// Where the table begins.
    pub(super) place: Place,
    entries: BTreeMap<String, Entry<'t>>,
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// A table to be taken apart.
    pub(super) fn new(
        path: impl Into<String>,
        place: Place,
        table: DeTable<'t>,
        reader: &Reader<'_>,
    ) -> Section<'t> {
        let entry = |(key, value): (Spanned<std::borrow::Cow<'t, str>>, _)| {
            let offset = key.span().start;
            (key.into_inner().into_owned(), Entry { place: reader.place(offset), offset, value })
        };
        let entries = table.into_iter().map(entry).collect();
        Section { path: path.into(), place, entries, known: Vec::new() }
    }

    /// The table that is not written.
    pub(super) fn empty(path: &str, place: Place) -> Section<'t> {
        Section { path: path.to_owned(), place, entries: BTreeMap::new(), known: Vec::new() }
    }

    /// A key as messages name it: `relay.url`.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether a key is there and not yet taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether a key is there within a table that is there; a table that is none counts as having
    /// it, because that is an error of its own.
    pub(super) fn has_within(&self, key: &str, inner: &str) -> bool {
        let within =
            |entry: &Entry<'_>| entry.value.get_ref().as_table().map(|t| t.contains_key(inner));
        self.entries.get(key).is_some_and(|entry| within(entry).unwrap_or(true))
    }

    /// Whether all keys have been taken.
    pub(super) fn is_exhausted(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the value of a key stands, if it is there and not yet taken.
    pub(super) fn place_of(&self, key: &str, reader: &Reader<'_>) -> Option<Place> {
        self.entries.get(key).map(|entry| reader.place(entry.value.span().start))
    }

    /// Takes a key.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// Takes all keys that are left, in the order of the file.
    pub(super) fn take_rest(&mut self) -> Vec<(String, Entry<'t>)> {
        let mut rest: Vec<_> = std::mem::take(&mut self.entries).into_iter().collect();
        rest.sort_by_key(|(_, entry)| entry.offset);
        rest
    }

    /// Takes a key that must be text.
    pub(super) fn take_text(
        &mut self,
        key: &'static str,
        example: &str,
        reader: &mut Reader<'_>,
    ) -> Option<Placed<String>> {
        let entry = self.take(key)?;
        reader.text(&self.name(key), &entry.value, &format!("{key} = {example}"))
    }

    /// Takes a key that must be text with a meaning.
    pub(super) fn take_meaning<T>(
        &mut self,
        key: &'static str,
        example: &str,
        reader: &mut Reader<'_>,
        parse: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Placed<T>> {
        let text = self.take_text(key, example, reader)?;
        reader.meaning(&self.name(key), text, parse)
    }

    /// Takes a key that must be `true` or `false`.
    pub(super) fn take_flag(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<bool> {
        let entry = self.take(key)?;
        if let DeValue::Boolean(flag) = entry.value.get_ref() {
            return Some(*flag);
        }
        let example = format!("{key} = true");
        reader.wrong_type(&self.name(key), "true or false", &entry.value, &example);
        None
    }

    /// Takes a key that must be a whole number within a range.
    pub(super) fn take_number(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
        reader: &mut Reader<'_>,
    ) -> Option<u64> {
        let entry = self.take(key)?;
        let name = self.name(key);
        let example = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(written) = entry.value.get_ref() else {
            reader.wrong_type(&name, "a whole number", &entry.value, &example);
            return None;
        };
        let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let place = reader.place(entry.value.span().start);
            let refusal = Refusal::new(format!("cannot be {written}"), format!("Write {example}."));
            reader.refuse(&name, &place, refusal);
        }
        number
    }

    /// Takes a key that must be a list of texts, or one text. Elements that are none are left out.
    pub(super) fn take_texts(
        &mut self,
        key: &'static str,
        example: &str,
        reader: &mut Reader<'_>,
    ) -> Option<Vec<Placed<String>>> {
        let entry = self.take(key)?;
        let name = self.name(key);
        Some(texts(&name, &entry.value, &format!("{key} = {example}"), reader))
    }

    /// Takes a key that must be a table.
    pub(super) fn take_section(
        &mut self,
        key: &'static str,
        example: &str,
        reader: &mut Reader<'_>,
    ) -> Option<Section<'t>> {
        let entry = self.take(key)?;
        as_section(self.name(key), entry, example, reader)
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(mut self, reader: &mut Reader<'_>) {
        for (key, entry) in self.take_rest() {
            let whose =
                if self.path.is_empty() { String::new() } else { format!(" in [{}]", self.path) };
            let hint = match nearest(&key, self.known.iter().copied()) {
                _ if key == TOP_KEY => TOP_KEY_HINT.to_owned(),
                Some(near) => format!("Did you mean {near}?"),
                None => format!("Known here: {}.", self.known.join(", ")),
            };
            let problem =
                Problem::error("config-unknown-key", format!("unknown key {key:?}{whose}"));
            reader.report(problem.place(entry.place).hint(hint));
        }
    }
}

/// The one key that stands above all tables, and is easily added below one instead.
pub(super) const TOP_KEY: &str = "default_campaign";
/// What to do about it.
pub(super) const TOP_KEY_HINT: &str =
    "Move it to the top of the file, above the first line in square brackets.";

/// A value that must be a table.
pub(super) fn as_section<'t>(
    name: String,
    entry: Entry<'t>,
    example: &str,
    reader: &mut Reader<'_>,
) -> Option<Section<'t>> {
    if !entry.value.get_ref().is_table() {
        reader.wrong_type(&name, "a table", &entry.value, example);
        return None;
    }
    match entry.value.into_inner() {
        DeValue::Table(table) => Some(Section::new(name, entry.place, table, reader)),
        _ => None,
    }
}

/// A value that must be a list of texts, or one text; `example` is a whole line of the file.
pub(super) fn texts(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    example: &str,
    reader: &mut Reader<'_>,
) -> Vec<Placed<String>> {
    match value.get_ref() {
        DeValue::Array(array) => {
            array.iter().filter_map(|element| reader.text(name, element, example)).collect()
        }
        DeValue::String(_) => reader.text(name, value, example).into_iter().collect(),
        _ => {
            reader.wrong_type(name, "a list of texts", value, example);
            Vec::new()
        }
    }
}

/// A path beneath the workspace, its names joined by `/`; `example` is one for the hint.
pub(super) fn parse_path(text: &str, example: &str) -> Result<String, Refusal> {
    path_names(text)
        .map(|names| names.join("/"))
        .map_err(|error| Refusal::new(format!("{error}: {text:?}"), error.hint(example)))
}

/// A value's type in an officer's words.
fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
