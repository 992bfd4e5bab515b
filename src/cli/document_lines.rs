//! The documents of a mailing as `check` shows them: a line for each file that all readers of a
//! language get, one for all files of single people.

use super::ui::{DIM, grouped, plural, size};
use crate::language::Language;
use crate::letter::document::{Facts, PdfFacts};
use crate::plan::contents::LookedInto;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was found in the documents, in lines.
#[derive(Clone, Debug, Default)]
pub(super) struct DocumentLines {
    /// In the order of the documents' numbers.
    lines: Vec<Line>,
}

/// One file, or all files of single people of one document.
#[derive(Clone, Debug)]
struct Line {
    number: u32,
    document: String,
    /// The first, where there are several.
    file: String,
    files: u64,
    letters: u64,
    octets: (u64, u64),
    pages: Option<(u32, u32)>,
    language: Option<Language>,
    /// Of one file.
    facts: Option<PdfFacts>,
}

impl DocumentLines {
    pub(super) fn of(looked: &[LookedInto]) -> DocumentLines {
        let mut lines: Vec<Line> = Vec::new();
        let mut of_people: BTreeMap<u32, usize> = BTreeMap::new();
        for one in looked {
            let line = Line::of(one);
            match of_people.get(&line.number).filter(|_| one.file.is_by_column) {
                Some(at) => lines[*at].add(&line),
                None => {
                    if one.file.is_by_column {
                        of_people.insert(line.number, lines.len());
                    }
                    lines.push(line);
                }
            }
        }
        lines.sort_by_key(|line| line.number);
        DocumentLines { lines }
    }

    /// `(1) attachments/statement.en.pdf: 2 pages, English, tagged, 39.0 KB, 300 letters`.
    pub(super) fn as_text(&self) -> String {
        let line = |line: &Line| {
            let (number, words) = (line.number, line.words().join(", "));
            format!("{DIM}({number}){DIM:#} {}: {words}\n", line.file)
        };
        self.lines.iter().map(line).collect()
    }

    pub(super) fn as_json(&self) -> Value {
        self.lines.iter().map(Line::as_json).collect()
    }
}

impl Line {
    fn of(one: &LookedInto) -> Line {
        let attachment = &one.file.attachment;
        let facts = match &one.facts {
            Facts::Pdf(facts) => Some((**facts).clone()),
            _ => None,
        };
        Line {
            number: attachment.number,
            document: attachment.id.clone(),
            file: attachment.file.clone(),
            files: 1,
            letters: one.file.letters,
            octets: (attachment.octets, attachment.octets),
            pages: facts.as_ref().filter(|f| f.pages > 0).map(|f| (f.pages, f.pages)),
            language: facts.as_ref().and_then(|f| f.reads_like.clone().or(f.declared.clone())),
            facts,
        }
    }

    fn add(&mut self, other: &Line) {
        self.files += other.files;
        self.letters += other.letters;
        self.octets = (self.octets.0.min(other.octets.0), self.octets.1.max(other.octets.1));
        self.pages = match (self.pages, other.pages) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.language = self.language.take().filter(|l| other.language.as_ref() == Some(l));
        self.facts = None;
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.files > 1 {
            words.push(format!("and {} more files", grouped(self.files - 1)));
        }
        match self.pages {
            Some((least, most)) if least == most => words.push(plural(u64::from(most), "page")),
            Some((least, most)) => words.push(format!("{least} to {most} pages")),
            None => {}
        }
        words.extend(self.language.as_ref().map(|l| l.english_name().unwrap_or(l.to_string())));
        if let Some(facts) = &self.facts {
            let said = [
                (facts.needs_password, "locked with a password"),
                (facts.is_tagged, "tagged"),
                (!facts.has_text && facts.pages > 0, "no text"),
                (!facts.drafts.is_empty(), "looks like a draft"),
            ];
            words.extend(said.into_iter().filter(|(is, _)| *is).map(|(_, w)| w.to_owned()));
        }
        words.push(match (size(self.octets.0), size(self.octets.1)) {
            (least, most) if least == most => most,
            (least, most) => format!("{least} to {most}"),
        });
        words.push(plural(self.letters, "letter"));
        words
    }

    fn as_json(&self) -> Value {
        let facts = self.facts.as_ref();
        let tag = |language: Option<&Language>| language.map(|l| l.as_str().to_owned());
        json!({
            "document": self.document,
            "number": self.number,
            "file": self.file,
            "files": self.files,
            "letters": self.letters,
            "bytes": self.octets.1,
            "pages": self.pages.map(|(_, most)| most),
            "title": facts.and_then(|f| f.title.clone()),
            "language": tag(self.language.as_ref()),
            "declared_language": tag(facts.and_then(|f| f.declared.as_ref())),
            "tagged": facts.map(|f| f.is_tagged),
            "text": facts.map(|f| f.has_text),
            "needs_password": facts.map(|f| f.needs_password),
            "draft": facts.map(|f| !f.drafts.is_empty()),
        })
    }
}
