//! The words a template may use: names, filters, tests and tags.
//!
//! Owns the lists and the sentences about what is not in them. Where a word stands is read in
//! `names.rs`, what a filter does is in `engine.rs`.

use super::Vocabulary;
use super::names::Template;
use crate::problem::{Problem, nearest};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What an expression may begin with.
pub(super) const ROOTS: &[&str] = &[
    "recipient",
    "conference",
    "campaign",
    "attachments",
    "greeting",
    "language",
    "attachment_table",
    "signature",
];
/// Slots and facts of the layout besides `conference`, `campaign` and `language`.
pub(super) const SLOTS: &[&str] =
    &["body", "footer", "subject", "preview", "direction", "logo", "right_to_left"];
/// Words of the language itself.
pub(super) const KEYWORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "True", "False", "none", "None",
    "null",
];
/// Filters: all of them give back at most as much as they were given, or are bounded.
pub(super) const FILTERS: &[&str] = &[
    "default",
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "replace",
    "truncate",
    "length",
    "split",
    "first",
    "last",
    "int",
    "round",
    "pluralize",
];
/// Tests.
pub(super) const TESTS: &[&str] = &[
    "defined",
    "undefined",
    "starting_with",
    "ending_with",
    "containing",
    "odd",
    "even",
    "divisible_by",
];
/// Tags.
pub(super) const TAG_NAMES: &[&str] =
    &["if", "elif", "else", "endif", "for", "endfor", "set", "break", "continue", "raw", "endraw"];
/// Said of a tag that is none.
pub(super) const TAGS: &str = "There are if, elif, else, endif, for, endfor, set and raw.";
/// Said of a document's fields.
const FIELDS: &[&str] = &["number", "title", "name", "size"];
/// How many names a hint lists.
const LISTED_MAX: usize = 40;

/// Why a tag of the template engine is refused, where it is one.
pub(super) fn refused_tag(keyword: &str) -> Option<&'static str> {
    match keyword {
        "include" | "extends" | "block" | "endblock" => {
            Some("A letter is one file; what letters share goes into the signature or the footer.")
        }
        "component" | "endcomponent" | "macro" | "endmacro" | "import" => {
            Some("Write the text where it is needed.")
        }
        "filter" | "endfilter" | "endset" => Some("Use a filter on a value: `{{ NAME | upper }}`."),
        "set_global" => Some("Use `set` outside of the loop."),
        _ => None,
    }
}

/// The hint for a word that is none: the nearest, else all of them.
pub(super) fn did_you_mean(word: &str, among: &[&str], all: &str) -> String {
    match nearest(word, among.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`? {all}"),
        None => all.to_owned(),
    }
}

/// What speaks against a path in a template of this kind: it names nothing, or nothing to be used.
///
/// `computed`: an index follows that is known only when the letter is rendered.
pub(super) fn objection(
    path: &[String],
    computed: bool,
    template: Template,
    vocabulary: &Vocabulary,
) -> Option<Problem> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let in_letter = template != Template::Layout;
    let blocks = template == Template::Body;
    match parts[..] {
        ["recipient", column] if in_letter && !computed => column_check(column, vocabulary),
        ["recipient", ..] if in_letter => Some(whole("recipient.COLUMN", &parts)),
        ["conference"] | ["campaign"] if computed => None,
        ["conference", key] if !computed => {
            key_check("conference", key, vocabulary.conference.keys().map(String::as_str))
        }
        ["campaign", key] if !computed => {
            key_check("campaign", key, vocabulary.campaign.keys().map(String::as_str))
        }
        ["conference" | "campaign", ..] => Some(whole("conference.NAME", &parts)),
        ["attachments", ..] if in_letter => attachment_check(&parts, computed, vocabulary),
        ["greeting"] if in_letter && !computed => None,
        ["language"] if !computed => None,
        ["attachment_table" | "signature"] if blocks && !computed => None,
        ["attachment_table" | "signature"] if in_letter => Some(
            Problem::error(
                "misplaced-block",
                format!("`{}` is a block and has no place here", parts[0]),
            )
            .hint("Put it on a line of its own in the letter."),
        ),
        ["loop", "index" | "index0" | "first" | "last" | "length"] => None,
        [slot] if !in_letter && SLOTS.contains(&slot) => None,
        [root, ..] => Some(unknown_root(root, in_letter, vocabulary)),
        [] => None,
    }
}

fn column_check(column: &str, vocabulary: &Vocabulary) -> Option<Problem> {
    if vocabulary.lacks_columns || vocabulary.columns.iter().any(|c| c == column) {
        return None;
    }
    let latin = latin(column);
    if vocabulary.columns.contains(&latin) {
        return Some(small_latin(&latin));
    }
    let near = nearest(column, vocabulary.columns.iter().map(String::as_str));
    let meant = near.map_or(String::new(), |n| format!("Did you mean `{}`? ", column_path(n)));
    let columns = listed(vocabulary.columns.iter().map(String::as_str));
    Some(
        Problem::error("unknown-column", format!("no list has a column `{column}`"))
            .hint(format!("{meant}The columns are {columns}.")),
    )
}

fn small_latin(column: &str) -> Problem {
    Problem::error("unknown-column", "columns are written in small Latin letters")
        .hint(format!("Write `{}`.", column_path(column)))
}

/// A column's name as recipients' columns are named: small Latin letters and digits, `_` for what
/// lies between them; empty where there are none.
pub(super) fn latin(column: &str) -> String {
    let folded: String = column.to_lowercase().nfkd().filter(|c| !is_combining_mark(*c)).collect();
    let words = folded.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// What is said of a path that is known, but not in this way of writing.
pub(super) fn in_brackets(path: &[String]) -> Problem {
    if let [root, column] = path
        && root == "recipient"
        && latin(column).contains(|c: char| c.is_ascii_alphabetic())
    {
        return small_latin(&latin(column));
    }
    let message = "a name that is not Latin stands in brackets and quotation marks";
    Problem::error("template-syntax", message).hint(format!("Write `{}`.", as_written(path)))
}

/// How a template names a column.
pub(super) fn column_path(column: &str) -> String {
    as_written(&["recipient", column])
}

/// A path as a template writes it: `recipient.city`, `recipient["имя"]`.
pub(super) fn as_written<S: AsRef<str>>(path: &[S]) -> String {
    let mut written = String::new();
    for part in path.iter().map(AsRef::as_ref) {
        let is_plain = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match (is_plain, written.is_empty()) {
            (true, true) => written.push_str(part),
            (true, false) => written.push_str(&format!(".{part}")),
            (false, _) => written.push_str(&format!("[\"{part}\"]")),
        }
    }
    written
}

fn key_check<'a>(
    root: &str,
    key: &str,
    keys: impl Iterator<Item = &'a str> + Clone,
) -> Option<Problem> {
    if keys.clone().any(|k| k == key) {
        return None;
    }
    let meant = nearest(key, keys.clone())
        .map_or(String::new(), |n| format!("Did you mean `{root}.{n}`? "));
    let hint = match listed(keys) {
        none if none.is_empty() => format!("Add a line `{key} = \"...\"` to `[{root}]`."),
        all => format!("{meant}`[{root}]` has {all}."),
    };
    Some(Problem::error("unknown-name", format!("`[{root}]` has no `{key}`")).hint(hint))
}

fn attachment_check(parts: &[&str], computed: bool, vocabulary: &Vocabulary) -> Option<Problem> {
    let ids = || vocabulary.attachments.iter().map(String::as_str);
    match parts {
        [_] if !computed => None,
        [_, id, rest @ ..] if ids().any(|i| i == *id) => match rest {
            [] if !computed => None,
            [field] if FIELDS.contains(field) && !computed => None,
            _ => Some(
                Problem::error("unknown-name", "an attachment has no such field".to_owned())
                    .hint(format!("It has {}.", FIELDS.join(", "))),
            ),
        },
        [_, id, ..] => {
            let meant = nearest(id, ids())
                .map_or(String::new(), |n| format!("Did you mean `attachments.{n}`? "));
            let hint = match listed(ids()) {
                none if none.is_empty() => "The campaign has no attachments.".to_owned(),
                all => format!("{meant}The campaign's attachments are {all}."),
            };
            Some(
                Problem::error("unknown-name", format!("the campaign has no attachment `{id}`"))
                    .hint(hint),
            )
        }
        _ => Some(whole("attachments.ID.title", parts)),
    }
}

fn whole(form: &str, parts: &[&str]) -> Problem {
    Problem::error("unknown-name", format!("`{}` is not a value", parts.join(".")))
        .hint(format!("Write `{form}`."))
}

fn unknown_root(root: &str, in_letter: bool, vocabulary: &Vocabulary) -> Problem {
    let problem = Problem::error("unknown-name", format!("there is no name `{root}`"));
    if !in_letter {
        let all = "The layout has body, footer, subject, preview, language, direction, \
                   right_to_left, logo, conference and campaign.";
        return problem.hint(did_you_mean(root, SLOTS, all));
    }
    if vocabulary.columns.iter().any(|c| c == root) {
        return problem.hint(format!("Write `{}`.", column_path(root)));
    }
    if vocabulary.conference.contains_key(root) {
        return problem.hint(format!("Write `conference.{root}`."));
    }
    let all = format!("There are {}.", ROOTS.join(", "));
    problem.hint(did_you_mean(root, ROOTS, &all))
}

/// The same finding, its hint naming a local name where that is nearer.
pub(super) fn with_locals<'a>(
    problem: Problem,
    root: &str,
    locals: impl Iterator<Item = &'a str>,
) -> Problem {
    match nearest(root, locals) {
        Some(near) if !ROOTS.contains(&root) => problem.hint(format!("Did you mean `{near}`?")),
        _ => problem,
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(LISTED_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED_MAX {
        format!("{shown} and {} more", names.len() - LISTED_MAX)
    } else {
        shown
    }
}
