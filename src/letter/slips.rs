//! What people forget or mistype in the constant text of a letter, and what would go out unseen:
//! names in single braces, the sentence a new letter begins with, a letter without a greeting, and
//! what `leftovers.rs` finds.
//!
//! Owns these guesses at what was meant. All but the sentence may be meant as they stand, and are
//! no errors (contract, Severities).

use super::compile::LetterTemplate;
use super::grammar::ROOTS;
use super::names::{Found, Template};
use super::tags::{self, Kind, Tag};
use super::{PLACEHOLDER, Vocabulary, leftovers};
use crate::problem::{Place, Problem, Problems};
use std::ops::Range;

/// Looks through the text outside of tags.
pub(super) fn slips(
    content: &str,
    tags: &[Tag<'_>],
    template: Template,
    vocabulary: &Vocabulary,
) -> Vec<Found> {
    let mut found = Vec::new();
    for text in texts(content, tags) {
        let names = single_braces(content, text.clone());
        found.extend(names.map(|(at, name)| (at, in_single_braces(name))));
        let left = leftovers::leftovers(&content[text.clone()], &vocabulary.columns, is_name);
        found.extend(left.into_iter().map(|(at, problem)| (text.start + at, problem)));
        if template == Template::Body {
            let sentences = content[text.clone()].match_indices(PLACEHOLDER);
            found.extend(sentences.map(|(at, _)| (text.start + at, placeholder())));
        }
    }
    found
}

/// Says that a letter greets nobody, unless it tried to.
pub(super) fn no_greeting(letter: &LetterTemplate, problems: &mut Problems) {
    let body = &letter.body;
    let content = &body.text.text[body.range.clone()];
    let (tags, _) = tags::tags(content);
    let mut mistyped = texts(content, &tags).into_iter().flat_map(|t| single_braces(content, t));
    if letter.pieces().any(|p| p.names("greeting")) || mistyped.any(|(_, n)| n == "greeting") {
        return;
    }
    problems.push(
        Problem::note("no-greeting", "the letter does not use `greeting`")
            .hint("Write `{{ greeting }}` where it is to stand, unless you greet otherwise.")
            .place(Place::file(&body.text.file)),
    );
}

/// The stretches of a template outside of tags; what stands in `raw` is meant as it is.
fn texts(content: &str, tags: &[Tag<'_>]) -> Vec<Range<usize>> {
    let mut texts = Vec::new();
    let (mut at, mut in_raw) = (0, false);
    for tag in tags {
        if !in_raw {
            texts.push(at..tag.range.start);
        }
        in_raw = tag.kind == Kind::Raw && !in_raw;
        at = tag.range.end;
    }
    texts.push(at..content.len());
    texts
}

/// Names of ours in single braces, each with the byte where its brace opens.
fn single_braces(content: &str, text: Range<usize>) -> impl Iterator<Item = (usize, &str)> {
    let (start, text) = (text.start, &content[text]);
    text.match_indices('{').filter_map(move |(at, _)| {
        let inside = &text[at + 1..];
        let name = &inside[..inside.find('}')?];
        let is_alone = !text[..at].ends_with('{') && !name.contains('\n');
        (is_alone && is_name(name.trim())).then_some((start + at, name.trim()))
    })
}

/// Whether it is written as a value of ours is: `greeting`, `recipient.town`.
fn is_name(text: &str) -> bool {
    let mut parts = text.split('.');
    let root = parts.next().unwrap_or_default();
    let has_parts = matches!(root, "recipient" | "conference" | "campaign" | "attachments");
    ROOTS.contains(&root)
        && has_parts == (parts.clone().count() > 0)
        && parts.all(|part| !part.is_empty() && tags::name_length(part) == part.len())
}

fn in_single_braces(name: &str) -> Problem {
    Problem::warning("single-braces", format!("`{name}` stands in single braces, and is text"))
        .hint(format!("Write `{{{{ {name} }}}}`."))
}

fn placeholder() -> Problem {
    Problem::error("placeholder", "this is still the sentence that `secretariat new` wrote")
        .hint("Write your letter in its place.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, template: Template, expected: &[(usize, &str)]) {
        let (tags, _) = tags::tags(content);
        let found = slips(content, &tags, template, &Vocabulary::default());
        let found: Vec<_> = found.iter().map(|(at, p)| (*at, p.code)).collect();
        assert_eq!(found, expected, "{content}");
    }

    #[test]
    fn a_name_in_single_braces_is_noticed() {
        for name in [
            "greeting",
            " greeting ",
            "signature",
            "attachment_table",
            "language",
            "recipient.name",
            "recipient.Prénom ",
            "conference.town",
            "campaign.id",
            "attachments.statement.number",
        ] {
            check(&format!("a {{{name}}}, b"), Template::Body, &[(2, "single-braces")]);
            check(&format!("a {{{name}}}, b"), Template::Line, &[(2, "single-braces")]);
        }
        check("{greeting}} {{ greeting }}", Template::Body, &[(0, "single-braces")]);
        let (tags, _) = tags::tags("{ recipient.name }");
        let found = slips("{ recipient.name }", &tags, Template::Body, &Vocabulary::default());
        assert_eq!(found[0].1.hint.as_deref(), Some("Write `{{ recipient.name }}`."));
    }

    #[test]
    fn other_braces_are_text() {
        for content in [
            "{{ greeting }} {x} {recipient} {recipient.} {greeting.x} {greeting\n} { }",
            "{% raw %}{greeting} Write your letter here.{% endraw %}{# {greeting} #}",
            "{{ greeting } {greeting",
        ] {
            check(content, Template::Body, &[]);
        }
        check("{% raw %}{% endraw %}{greeting}", Template::Body, &[(21, "single-braces")]);
    }

    #[test]
    fn the_sentence_of_a_new_letter_is_an_error() {
        let content = "{{ greeting }}\n\nWrite your letter here.\n\n{{ signature }}";
        check(content, Template::Body, &[(16, "placeholder")]);
        check("Write your letter here.", Template::Line, &[]);
        check("{# Write your letter here. #}", Template::Body, &[]);
    }
}
