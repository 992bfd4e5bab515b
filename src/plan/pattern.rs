//! File names with places to fill in: `attachments/statement.{language}.pdf`.
//!
//! Owns the notation and the rule that a value can name a file, never a folder. Which values there
//! are is for the caller; whether the file is there, for `workspace.rs`. No I/O.
//!
//! # Invariants
//! What comes out of [`FilePattern::fill`] lies in the folder that the pattern names, whatever a
//! participant list says (security S14).

use crate::address::breaks_or_turns_a_line;

/// The placeholder for the reader's language.
pub const LANGUAGE: &str = "language";

/// A file name with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

/// Why a text is no pattern. Its words complete "the name ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `{` without `}` or the reverse.
    #[error("has a brace without its partner")]
    Unbalanced,
    /// A placeholder that cannot be a column.
    #[error("has the placeholder {{{name}}}, which no column can have")]
    NotAColumn {
        /// What stands in the braces.
        name: String,
    },
}

impl PatternError {
    /// What to do: a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Write placeholders such as {language}, or {id} for a column called id."
    }
}

/// Why a pattern could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum FillError {
    /// There is no value.
    #[error("no value for {{{name}}}")]
    Undefined {
        /// The placeholder.
        name: String,
    },
    /// The value cannot be part of a file's name.
    #[error("the value {value:?} for {{{name}}} cannot be part of a file name")]
    NotAName {
        /// The placeholder.
        name: String,
        /// The value.
        value: String,
    },
}

impl FilePattern {
    /// Reads a path or a single file name, with placeholders. Whether a path lies beneath the
    /// workspace is for the configuration to check.
    ///
    /// # Errors
    /// [`PatternError`] when braces do not fit or hold what no column can be called.
    pub fn parse(text: &str) -> Result<FilePattern, PatternError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(PatternError::Unbalanced)?;
            if !is_identifier(name) {
                return Err(PatternError::NotAColumn { name: name.to_owned() });
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Placeholder(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let stray = |p: &Part| matches!(p, Part::Text(text) if text.contains('}'));
        if parts.iter().any(stray) {
            return Err(PatternError::Unbalanced);
        }
        Ok(FilePattern { text: text.to_owned(), parts })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands in braces, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The name with a value for each placeholder.
    ///
    /// # Errors
    /// [`FillError`] when a value is missing or empty, or could lead into another folder.
    pub fn fill<'v>(
        &self,
        value_of: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<String, FillError> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Placeholder(name) => {
                    let name = name.clone();
                    let value = value_of(&name).map(str::trim).filter(|value| !value.is_empty());
                    match value {
                        None => return Err(FillError::Undefined { name }),
                        Some(value) if is_part_of_a_name(value) => filled.push_str(value),
                        Some(value) => {
                            return Err(FillError::NotAName { name, value: value.to_owned() });
                        }
                    }
                }
            }
        }
        Ok(filled)
    }
}

impl FilePattern {
    /// The pattern with `*` for each placeholder, as folders are listed by.
    #[must_use]
    pub fn shape(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Placeholder(_) => "*".to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// The values with which a name comes out of this pattern, in the order of the placeholders;
    /// `fits` says whether a placeholder can have a value.
    pub fn read<'t>(
        &self,
        name: &'t str,
        fits: &dyn Fn(&str, &str) -> bool,
    ) -> Option<Vec<&'t str>> {
        let mut values = Vec::new();
        read_parts(&self.parts, name, fits, &mut values).then_some(())?;
        Some(values.into_iter().map(|(_, value)| value).collect())
    }
}

fn read_parts<'p, 't>(
    parts: &'p [Part],
    text: &'t str,
    fits: &dyn Fn(&str, &str) -> bool,
    values: &mut Vec<(&'p str, &'t str)>,
) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((Part::Text(own), after)) => match text.strip_prefix(own.as_str()) {
            Some(rest) => read_parts(after, rest, fits, values),
            None => false,
        },
        Some((Part::Placeholder(name), after)) => {
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
            // A value names no folder.
            let within = text.find('/').unwrap_or(text.len());
            for end in ends.take_while(|end| *end <= within) {
                let value = &text[..end];
                let is_other = values.iter().any(|(n, v)| *n == name && *v != value);
                if is_other || !fits(name, value) {
                    continue;
                }
                values.push((name, value));
                if read_parts(after, &text[end..], fits, values) {
                    return true;
                }
                values.pop();
            }
            false
        }
    }
}

/// Whether a text can stand in a file's name on every system without leading to another folder.
#[must_use]
pub fn is_part_of_a_name(text: &str) -> bool {
    // Where writing is turned round, `lima\u{202e}fdp.exe` is shown as a PDF.
    let foreign = |c: char| breaks_or_turns_a_line(c) || "/\\:*?\"<>|".contains(c);
    !text.contains(foreign) && !matches!(text, "." | "..") && !is_device(text)
}

/// Whether Windows takes a name for a device, whatever ending it has: opening it there would read a
/// serial port.
fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or(text).trim_end();
    let is_numbered = |kind: &str| {
        let (name, number) = stem.split_at_checked(3).unwrap_or(("", ""));
        name.eq_ignore_ascii_case(kind) && matches!(number.as_bytes(), [b'1'..=b'9'])
    };
    ["con", "prn", "aux", "nul"].iter().any(|device| stem.eq_ignore_ascii_case(device))
        || is_numbered("com")
        || is_numbered("lpt")
}

/// Whether letters can use a name behind a dot, as in `conference.NAME`.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(first) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pattern: &str, value: &str) -> Result<String, FillError> {
        let pattern = FilePattern::parse(pattern).unwrap();
        pattern.fill(|name| (name == "id").then_some(value))
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(filled("certificates/{id}.pdf", "17").as_deref(), Ok("certificates/17.pdf"));
        assert_eq!(filled("a/{id}-{id}", " x ").as_deref(), Ok("a/x-x"));
        assert_eq!(filled("a/plain.pdf", "x").as_deref(), Ok("a/plain.pdf"));
        let pattern = FilePattern::parse("a/{language}.{id}").unwrap();
        assert_eq!(pattern.placeholders().collect::<Vec<_>>(), [LANGUAGE, "id"]);
    }

    #[test]
    fn an_empty_cell_fills_nothing() {
        for value in ["", "  "] {
            let name = "id".to_owned();
            assert_eq!(filled("a/{id}.pdf", value), Err(FillError::Undefined { name }));
        }
        assert!(filled("a/{town}.pdf", "x").is_err());
    }

    /// Security S14.
    #[test]
    fn a_cell_cannot_lead_into_another_folder() {
        let values =
            ["../../etc/passwd", "a/b", "a\\b", "C:x", "..", "a\0b", "a\nb", "CON", "lpt9.x"];
        for value in values {
            let refused = filled("certificates/{id}", value);
            assert!(matches!(refused, Err(FillError::NotAName { .. })), "{value:?}: {refused:?}");
        }
    }

    #[test]
    fn a_name_is_read_back() {
        let read = |pattern: &str, name: &str| {
            let pattern = FilePattern::parse(pattern).unwrap();
            let fits = |name: &str, value: &str| name != LANGUAGE || value.len() == 2;
            pattern.read(name, &fits).map(|values| values.join("|"))
        };
        for (pattern, name, expected) in [
            ("c/{id}.pdf", "c/17.pdf", Some("17")),
            ("c/{id}.pdf", "c/17.b.pdf", Some("17.b")),
            ("c/{id}.pdf", "c/a/17.pdf", None),
            ("c/{id}.pdf", "c/.pdf", None),
            ("c/{id}.{language}.pdf", "c/17.b.fr.pdf", Some("17.b|fr")),
            ("c/{id}-{id}.pdf", "c/1-2.pdf", None),
            ("c/{id}-{id}.pdf", "c/1-1.pdf", Some("1|1")),
            ("{country}/{id}", "PE/ñ", Some("PE|ñ")),
        ] {
            assert_eq!(read(pattern, name).as_deref(), expected, "{pattern} {name}");
        }
        assert_eq!(FilePattern::parse("{a}/x.{b}").unwrap().shape(), "*/x.*");
    }

    #[test]
    fn a_pattern_that_cannot_be_meant_is_refused() {
        for (pattern, message) in [
            ("a/{language.pdf", "has a brace without its partner"),
            ("a/language}.pdf", "has a brace without its partner"),
            ("a/{}.pdf", "has the placeholder {}, which no column can have"),
            ("a/{{id}}.pdf", "has the placeholder {{id}, which no column can have"),
            ("a/{E-mail}.pdf", "has the placeholder {E-mail}, which no column can have"),
        ] {
            let refusal = FilePattern::parse(pattern).expect_err(pattern);
            assert_eq!(refusal.to_string(), message, "{pattern}");
        }
    }
}
