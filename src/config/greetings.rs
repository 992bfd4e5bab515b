//! `greetings.toml`: its text in, a workspace's own greetings out, with every problem of the file in
//! one pass.
//!
//! Owns the file's shape: a table for each language, in it a key for each form, and `titles`. What a
//! form is and when it is used is decided in `recipients/greeting/`. No I/O.
//!
//! # Invariants
//! A form that is kept can be filled without leaving a hole: what a mail merge gone wrong would
//! leave behind (`Dear ,`) is refused here, with its place.

use super::names::parse_language;
use super::section::{Entry, Placed, Reader, Refusal, Section, as_section, texts};
use super::syntax;
use crate::language::Language;
use crate::problem::{Place, Problem, Problems, nearest};
use crate::recipients::greeting::{Form, FormError, Greetings, check_written};
use crate::recipients::greeting::{form_names, is_form_name};

/// The file at the workspace's root.
pub const GREETINGS_FILE: &str = "greetings.toml";

const EXAMPLE: &str = "female = \"Dear Ms {family_name},\"";

/// Reads a workspace's own greetings, which go before those of the program; every problem is kept.
pub fn read_greetings(file: &str, bytes: &[u8], problems: &mut Problems) -> Greetings {
    let mut greetings = Greetings::built_in();
    let Some(text) = problems.take_from(syntax::decode(file, bytes)) else { return greetings };
    let (table, syntax_errors) = syntax::parse(file, text);
    let mut reader = Reader::new(file, text, syntax_errors, problems);
    let mut top = Section::new("", Place::at(file, 1, 1), table, &reader);
    for (key, entry) in top.take_rest() {
        let language = match parse_language(&key) {
            Ok(language) => language,
            Err(refusal) => {
                reader.refuse(&key, &entry.place, refusal);
                continue;
            }
        };
        if let Some(section) = as_section(key, entry, "[en]", &mut reader) {
            read_language(&language, section, &mut greetings, &mut reader);
        }
    }
    greetings
}

fn read_language(
    language: &Language,
    mut section: Section<'_>,
    greetings: &mut Greetings,
    reader: &mut Reader<'_>,
) {
    let place = section.place.clone();
    let is_new = !greetings.knows(language);
    if let Some(mut titles) = section.take_section("titles", "[en.titles]", reader) {
        for (title, entry) in titles.take_rest() {
            let name = titles.name(&title);
            let forms = read_forms(&name, "male", &entry, reader);
            forms.into_iter().for_each(|form| greetings.add_title(language, &title, form));
        }
    }
    let mut written = Vec::new();
    for (key, entry) in section.take_rest() {
        if !is_form_name(&key) {
            reader.report(unknown_form(language, &key, entry.place));
            continue;
        }
        let forms = read_forms(&section.name(&key), &key, &entry, reader);
        forms.into_iter().for_each(|form| greetings.add(language, &key, form));
        written.push(key);
    }
    let lacks = |form: &&str| !written.iter().any(|key| key == form);
    let missing: Vec<&str> = ["neutral", "nameless"].into_iter().filter(lacks).collect();
    if is_new && !missing.is_empty() {
        reader.report_absence(incomplete(language, &missing, place));
    }
}

/// The forms of one key; those that are none are left out with their problem.
fn read_forms(name: &str, key: &str, entry: &Entry<'_>, reader: &mut Reader<'_>) -> Vec<Form> {
    let written = texts(name, &entry.value, EXAMPLE, reader);
    let form = |text: Placed<String>| Some(reader.meaning(name, text, |t| parse(key, t))?.value);
    written.into_iter().filter_map(form).collect()
}

fn parse(key: &str, text: &str) -> Result<Form, Refusal> {
    let form = Form::parse(text).map_err(|error| {
        let hint = match &error {
            FormError::UnknownPlace(place) => match nearest(place, Form::place_names()) {
                Some(near) => format!("Did you mean {{{near}}}?"),
                None => format!("There are {}.", places()),
            },
            _ => format!("Write {EXAMPLE}."),
        };
        Refusal::new(error.to_string(), hint)
    })?;
    let is_for_several = matches!(key, "joint" | "women" | "men" | "women_and_men");
    if matches!(key, "nameless" | "joint_nameless") && !form.is_nameless() {
        let hint = "It is for people of whom no name is known: write it without braces.";
        return Err(Refusal::new("has a place for a name", hint));
    }
    if is_for_several && !(form.is_nameless() || form.is_for_several()) {
        let hint = "Write {names}, which stands for the names of all who are greeted.";
        return Err(Refusal::new("has a place for one person's name", hint));
    }
    if !is_for_several && form.is_for_several() {
        let hint = "Write {name}; {names} is for joint greetings.";
        return Err(Refusal::new("has a place for several names", hint));
    }
    match check_written(&form.sample()) {
        Ok(()) => Ok(form),
        Err(error) => Err(Refusal::new(error.to_string(), format!("Write {EXAMPLE}."))),
    }
}

fn places() -> String {
    Form::place_names().map(|place| format!("{{{place}}}")).collect::<Vec<_>>().join(", ")
}

fn unknown_form(language: &Language, key: &str, place: Place) -> Problem {
    let hint = match nearest(key, form_names()) {
        Some(near) => format!("Did you mean {near}?"),
        None => format!(
            "Known here: titles, {}; all but the first ten also with _female or _male.",
            form_names().collect::<Vec<_>>().join(", ")
        ),
    };
    let message = format!("unknown key {key:?} in [{language}]");
    Problem::error("config-unknown-key", message).place(place).hint(hint)
}

fn incomplete(language: &Language, missing: &[&str], place: Place) -> Problem {
    let message = format!("[{language}] lacks {}", missing.join(" and "));
    let hint = format!(
        "The program has no greeting in {language} of its own, so write neutral = \"... \
         {{name}},\" \
         and nameless = \"...\"."
    );
    Problem::error("config-missing", message).place(place).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut problems = Problems::new();
        read_greetings("g", text.as_bytes(), &mut problems);
        let shown = |p: &Problem| {
            let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
        };
        problems.iter().map(shown).collect()
    }

    #[test]
    fn every_problem_of_the_file_has_its_place_and_what_to_write() {
        for (text, expected) in [
            (
                "[en]\nneutral = \"Dear {givenname},\"",
                "g:2:11 en.neutral has {givenname}, which stands for nothing | Did you mean \
                 {given_name}?",
            ),
            (
                "[en]\nneutrl = \"Dear {name},\"",
                "g:2:1 unknown key \"neutrl\" in [en] | Did you mean neutral?",
            ),
            (
                "[en]\nnameless = \"Dear {name},\"",
                "g:2:12 en.nameless has a place for a name | It is for people of whom no name \
                 is known: write it without braces.",
            ),
            (
                "[en]\nfemale = \"Dear Ms ,\"",
                "g:2:10 en.female ends with \"Ms\", and no name follows | Write female = \"Dear \
                 Ms {family_name},\".",
            ),
            (
                "[en]\njoint = \"Dear {name},\"",
                "g:2:9 en.joint has a place for one person's name | Write {names}, which stands \
                 for the names of all who are greeted.",
            ),
            (
                "[en]\nmale = \"Dear {names},\"",
                "g:2:8 en.male has a place for several names | Write {name}; {names} is for \
                 joint greetings.",
            ),
            (
                "[en]\nmale = 3",
                "g:2:8 en.male must be a list of texts, not a number | Write female = \"Dear Ms \
                 {family_name},\".",
            ),
            (
                "[english]\nmale = \"Dear {name},\"",
                "g:1:2 english is no language tag: \"english\" | Write \"en\".",
            ),
            (
                "[sw]\nneutral = \"Mpendwa {name},\"",
                "g:1:2 [sw] lacks nameless | The program has no greeting in sw of its own, so \
                 write neutral = \"... {name},\" and nameless = \"...\".",
            ),
            (
                "[en.titles]\n\"Arq.\" = \"Dear {titel} {name},\"",
                "g:2:10 en.titles.Arq. has {titel}, which stands for nothing | Did you mean \
                 {title}?",
            ),
        ] {
            assert_eq!(found(text), [expected]);
        }
        let whole = "[en]\nneutral = [\"Hello {given_name},\", \"Hello {name},\"]\ndoctor_female = \
                     \"Dear Dr {family_name},\"\n[en.titles]\n\"Arq.\" = \"Dear Arq. {name},\"\n[sw]\n\
                     neutral = \"Mpendwa {name},\"\nnameless = \"Wapendwa washiriki,\"\n";
        assert_eq!(found(whole), [""; 0]);
        assert_eq!(found("[en]\nneutral = Dear").len(), 1);
    }
}
