//! Reads all tags of one template: a header line, a body, a signature, a footer or the layout.
//!
//! Owns putting together what `tags.rs`, `names.rs` and `balance.rs` find, and the form of findings
//! about tags that cannot be read.

use super::Vocabulary;
use super::balance::unbalanced;
use super::names::{Found, Template, Use, names};
use super::tags::{self, Kind, Tag};
use crate::problem::Problem;

/// The tags of a template and what is in them.
pub(super) struct Reading<'t> {
    /// Those that could be read.
    pub tags: Vec<Tag<'t>>,
    /// Whether all could be read.
    pub is_whole: bool,
    /// What is wrong with them, by place.
    pub found: Vec<Found>,
    /// The names they use.
    pub uses: Vec<Use>,
}

/// Reads the tags of a template.
///
/// Where a block cannot be read, what stands behind it is not judged: it may lack what the block
/// was to give it.
pub(super) fn read<'t>(
    content: &'t str,
    template: Template,
    vocabulary: &Vocabulary,
) -> Reading<'t> {
    let (tags, broken) = tags::tags(content);
    let syntax = broken.iter().map(|b| (b.at, syntax_problem(b.what).hint(b.hint)));
    let mut found: Vec<Found> = syntax.collect();
    let mut uses = Vec::new();
    if broken.iter().all(|b| b.kind == Kind::Output) {
        let read = names(&tags, template, vocabulary);
        uses = read.uses;
        found.extend(read.found);
        found.extend(unbalanced(&tags));
        found.sort_by_key(|(at, _)| *at);
    }
    Reading { tags, is_whole: broken.is_empty(), found, uses }
}

/// A tag that cannot be read.
pub(super) fn syntax_problem(what: impl Into<String>) -> Problem {
    Problem::error("template-syntax", what).hint(tags::SHAPES)
}
