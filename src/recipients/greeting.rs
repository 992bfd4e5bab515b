//! The line a letter begins with.

use crate::language::Language;

/// The neutral greeting of a language with the whole name and its closing mark:
/// `Dear Ana Pérez,`; without a name, a form that addresses a participant.
#[must_use]
pub fn neutral(_language: &Language, _name: Option<&str>) -> String {
    todo!()
}
