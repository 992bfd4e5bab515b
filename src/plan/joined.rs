//! Documents of people who are greeted in somebody else's letter.
//!
//! Owns what is said where rows of one address get one letter and each has a file of its own: the
//! letter carries that of the first row, and the others' would go to nobody. Which rows become one
//! letter is decided by the recipients' stage. No I/O.

use super::pattern::LANGUAGE;
use super::personal::{Uses, key_of_name, named};
use crate::limits::FILES_NAMED_MAX;
use crate::problem::{Problem, Problems};
use crate::recipients::{Recipient, Values};
use std::collections::HashMap;

/// Somebody greeted in the letter to another one.
struct Joined<'a> {
    values: &'a Values,
    letter_to: &'a Recipient,
}

/// Tells of those whose file is another one than the letter's; an error where each file is one
/// person's alone.
pub(super) fn report(uses: &Uses<'_>, files: &[String], is_alone: bool, problems: &mut Problems) {
    let joined: Vec<Joined<'_>> = uses.people.recipients.iter().flat_map(|r| of(uses, r)).collect();
    let Some(first) = joined.first() else { return };
    let by_key: HashMap<String, &str> = files
        .iter()
        .filter_map(|file| Some((key_of_name(&uses.setting.file, file)?, file.as_str())))
        .collect();
    let file = |joined: &Joined<'_>| joined.file(uses, &by_key);
    let shown = joined.iter().take(FILES_NAMED_MAX);
    let message = match joined.len() {
        1 => format!(
            "{} is greeted in the letter to {} and would not get {}",
            first.name(),
            named(first.letter_to),
            file(first)
        ),
        n => {
            let shown: Vec<String> = shown
                .map(|j| format!("{} of {}, in that to {}", file(j), j.name(), named(j.letter_to)))
                .collect();
            let more = match n - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let shown = shown.join("; ");
            format!(
                "{n} people are greeted in letters to others and would not get their own files: {shown}{more}"
            )
        }
    };
    let hint = "A letter carries the files of its first row: write same_address = \"each\" under \
                [people] for a letter to each, or give them addresses of their own.";
    let problem = match is_alone {
        true => Problem::error("file-of-joined", message),
        false => Problem::warning("file-of-joined", message),
    };
    let place = first.letter_to.place.clone();
    problems.push(problem.hint(hint).place(place).count(joined.len() as u64));
}

/// Those in a letter who have another file than its first row.
fn of<'a>(uses: &Uses<'_>, letter_to: &'a Recipient) -> Vec<Joined<'a>> {
    if letter_to.together.is_empty() {
        return Vec::new();
    }
    let own = uses.key(&letter_to.values);
    let is_other = |values: &&Values| uses.key(values).is_some_and(|key| Some(key) != own);
    let others = letter_to.together.iter().filter(is_other);
    others.map(|values| Joined { values, letter_to }).collect()
}

impl Joined<'_> {
    fn name(&self) -> &str {
        self.values.get("name").unwrap_or("somebody")
    }

    /// Their file: as it is in the folder, else as it would be called.
    fn file(&self, uses: &Uses<'_>, by_key: &HashMap<String, &str>) -> String {
        let there = uses.key(self.values).and_then(|key| by_key.get(&key).copied());
        let language = self.letter_to.language.as_str();
        let value_of = |name: &str| match name {
            LANGUAGE => Some(language),
            column => self.values.get(column),
        };
        let called = || uses.setting.file.fill(value_of).unwrap_or(uses.setting.file.shape());
        there.map_or_else(called, str::to_owned)
    }
}
