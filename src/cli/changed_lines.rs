//! Which words of the letters changed since the plan that was confirmed.
//!
//! The older text comes from the frozen objects, the newer from the workspace. An older text that
//! is gone only leaves its lines unsaid: the number of letters that read differently stands all the
//! same.

use super::ui::{DIM, printable};
use crate::campaign::Campaign;
use crate::plan::manifest;
use crate::plan::objects::Objects;
use similar::{DiffTag, TextDiff};
use std::fmt::Write as _;
use std::ops::Range;

/// Changed places shown of one file before the rest is counted.
const PLACES_SHOWN: usize = 6;
/// Characters shown of a changed place, on either side of the change.
const EXCERPT_CHARACTERS: usize = 70;
/// Words and the blanks between them that stand around a change.
const CONTEXT_WORDS: usize = 6;

/// The changed lines of all source files, as a person reads them; empty where there are none.
pub(super) fn changed_lines(campaign: &Campaign, objects: &Objects, older: &str) -> String {
    let older = manifest::sources(older);
    let mut text = String::new();
    for source in &campaign.sources {
        let Some(before) = older.get(&source.file).and_then(|d| objects.read(d).ok()) else {
            continue;
        };
        let before = String::from_utf8_lossy(&before).into_owned();
        text.push_str(&of_file(&source.file, &before, &source.text));
    }
    text
}

fn of_file(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let mut text = format!("  {file}\n");
    let places = places(before, after);
    for place in places.iter().take(PLACES_SHOWN) {
        let (old, new) = place.excerpts();
        for (mark, words) in [('-', old), ('+', new)] {
            if let Some(words) = words {
                let words = printable(&words);
                let _ = writeln!(text, "    {DIM}{:>4}{DIM:#} {mark} {words}", place.line);
            }
        }
    }
    if places.len() > PLACES_SHOWN {
        let _ = writeln!(text, "    ... and {} more places", places.len() - PLACES_SHOWN);
    }
    text
}

/// A change with a few words around it.
struct Place {
    /// Line of the new text, or of the old one where there is no new.
    line: usize,
    old: Option<Words>,
    new: Option<Words>,
}

/// Part of a line.
struct Words {
    text: String,
    /// Something stands before it.
    is_cut_before: bool,
    /// Something stands behind it.
    is_cut_behind: bool,
}

impl Words {
    fn whole(line: &str) -> Words {
        let text = line.trim_end().to_owned();
        Words { text, is_cut_before: false, is_cut_behind: false }
    }

    /// Bounded, from somewhat before this character on.
    fn excerpt(&self, from: usize) -> String {
        let count = self.text.chars().count();
        let start = match count > EXCERPT_CHARACTERS {
            true => from.saturating_sub(EXCERPT_CHARACTERS / 4).min(count - EXCERPT_CHARACTERS),
            false => 0,
        };
        let shown: String = self.text.chars().skip(start).take(EXCERPT_CHARACTERS).collect();
        let before = if self.is_cut_before || start > 0 { "… " } else { "" };
        let is_cut_behind = self.is_cut_behind || start + EXCERPT_CHARACTERS < count;
        let behind = if is_cut_behind { " …" } else { "" };
        format!("{before}{}{behind}", shown.trim())
    }
}

impl Place {
    /// Both sides, each around the first character that differs.
    fn excerpts(&self) -> (Option<String>, Option<String>) {
        let from = match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                old.text.chars().zip(new.text.chars()).take_while(|(old, new)| old == new).count()
            }
            _ => 0,
        };
        (self.old.as_ref().map(|w| w.excerpt(from)), self.new.as_ref().map(|w| w.excerpt(from)))
    }
}

/// Every change of a text, line by line; a line that became another is told word by word.
fn places(before: &str, after: &str) -> Vec<Place> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let lines = TextDiff::from_slices(&old, &new);
    let mut places = Vec::new();
    for change in lines.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
        let (was, is) = (change.old_range(), change.new_range());
        let both = was.len().min(is.len());
        for (at, to) in was.clone().zip(is.clone()) {
            places.extend(words_of(to + 1, old[at], new[to]));
        }
        places.extend(was.skip(both).map(|at| Place {
            line: at + 1,
            old: Some(Words::whole(old[at])),
            new: None,
        }));
        places.extend(is.skip(both).map(|to| Place {
            line: to + 1,
            old: None,
            new: Some(Words::whole(new[to])),
        }));
    }
    places
}

fn words_of(line: usize, before: &str, after: &str) -> Vec<Place> {
    let words = TextDiff::from_words(before, after);
    let cut = |range: Range<usize>, count: usize, word: &dyn Fn(usize) -> Option<String>| Words {
        text: range.clone().filter_map(word).collect(),
        is_cut_before: range.start > 0,
        is_cut_behind: range.end < count,
    };
    let old_word = |at| words.old_slice(at).map(str::to_owned);
    let new_word = |at| words.new_slice(at).map(str::to_owned);
    let groups = words.grouped_ops(CONTEXT_WORDS);
    let places = groups.iter().filter_map(|group| {
        let (first, last) = (group.first()?, group.last()?);
        let was = first.old_range().start..last.old_range().end;
        let is = first.new_range().start..last.new_range().end;
        Some(Place {
            line,
            old: Some(cut(was, words.old_len(), &old_word)),
            new: Some(cut(is, words.new_len(), &new_word)),
        })
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&of_file("en.md", before, after)).to_string()
    }

    #[test]
    fn only_what_changed_is_shown_with_its_line() {
        assert_eq!(shown("a\nb\nc\n", "a\nB\nc\n"), "  en.md\n       2 - b\n       2 + B\n");
        assert_eq!(shown("a\n", "a\n"), "");
        assert_eq!(shown("a\nb\n", "a\n"), "  en.md\n       2 - b\n");
    }

    #[test]
    fn of_a_paragraph_only_the_changed_words_are_shown() {
        let paragraph = |day: &str, room: &str| {
            let filling = "one two three four five six seven eight nine ten ".repeat(10);
            format!("We meet on {day} at noon. {filling}The room is {room} as before.\n")
        };
        let text = shown(&paragraph("Monday", "B12"), &paragraph("Tuesday", "B12"));
        assert_eq!(
            text,
            "  en.md\n       1 - We meet on Monday at noon. one …\n\
             \x20      1 + We meet on Tuesday at noon. one …\n"
        );
        let both = shown(&paragraph("Monday", "B12"), &paragraph("Tuesday", "C3"));
        assert!(both.contains("- … The room is B12 as before."), "{both}");
        assert!(both.contains("+ … The room is C3 as before."), "{both}");
        assert!(both.lines().all(|line| line.chars().count() < 90), "{both}");
    }

    /// Where no blanks divide words, the place itself is looked for.
    #[test]
    fn a_change_is_shown_also_in_a_script_without_blanks() {
        let (old, new) = ("会".repeat(300) + "一" + &"议".repeat(300), "会".repeat(300) + "二");
        let text = shown(&old, &new);
        assert!(text.contains('一') && text.contains('二'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 90), "{text}");
    }
}
