//! Lines of `[columns]` that do nothing for a mailing, and whether that is a slip.
//!
//! `[columns]` is for the whole workspace: what one mailing's lists have not, another's may.

use super::columns::name_of;
use super::shown::quoted_header;
use crate::problem::{Place, Problem};

/// A line of `[columns]` with headers that no list of the mailing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedColumn {
    /// What the line calls the column.
    pub(super) name: String,
    /// The headers that no list has.
    pub(super) headers: Vec<String>,
    /// Whether some list has another header of the line.
    pub(super) has_another: bool,
    /// What to do if it is a slip.
    pub(super) hint: String,
    pub(super) place: Place,
}

impl UnusedColumn {
    /// Whether the line does nothing for the mailing.
    #[must_use]
    pub fn does_nothing(&self) -> bool {
        !self.has_another
    }

    /// What is wrong with it. `[columns]` is for all mailings: a header that a list of another one
    /// has is no slip. `elsewhere` are the headers of those lists, `None` for one that cannot be
    /// read and may have any.
    #[must_use]
    pub fn problem(&self, elsewhere: &[Option<Vec<String>>]) -> Problem {
        let named: Vec<String> = self.headers.iter().map(|h| quoted_header(h)).collect();
        let message = format!("no list has a column {} for {}", any_of(&named), self.name);
        let problem = match self.standing(elsewhere) {
            Standing::OneOfSeveral => Problem::note("unused-column", message),
            Standing::Elsewhere => Problem::note("unused-column", message)
                .hint("It does nothing here; a list of another mailing has it."),
            Standing::PerhapsElsewhere => Problem::note("unused-column", message)
                .hint("It may be in a list of another mailing that cannot be read."),
            Standing::Nowhere => Problem::error("unknown-column", message).hint(&self.hint),
        };
        problem.place(self.place.clone())
    }

    fn standing(&self, elsewhere: &[Option<Vec<String>>]) -> Standing {
        let wanted: Vec<String> = self.headers.iter().map(|header| name_of(header)).collect();
        let has = |headers: &Vec<String>| headers.iter().any(|h| wanted.contains(&name_of(h)));
        if self.has_another {
            Standing::OneOfSeveral
        } else if elsewhere.iter().flatten().any(has) {
            Standing::Elsewhere
        } else if elsewhere.contains(&None) {
            Standing::PerhapsElsewhere
        } else {
            Standing::Nowhere
        }
    }
}

/// Where the headers of a line that a mailing has no list for may be.
enum Standing {
    /// Lists differ: another header of the line is in one of them.
    OneOfSeveral,
    Elsewhere,
    PerhapsElsewhere,
    Nowhere,
}

/// `"Town", "Ville" or "Ciudad"`.
fn any_of(named: &[String]) -> String {
    match named {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => named.concat(),
    }
}
