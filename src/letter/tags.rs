//! Finds the tags of a template and cuts them into tokens.
//!
//! Owns where constant text ends and a tag begins, exactly as the template engine sees it. Stricter
//! than the engine in one thing: a tag ends on the line where it begins, so that a brace forgotten
//! is one finding, and not all words up to the next brace. What the tokens mean is read in
//! `names.rs`, whether blocks are closed in `balance.rs`.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// What a stretch of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{ ... }}`
    Output,
    /// `{% ... %}`
    Block,
    /// `{# ... #}`
    Comment,
    /// `{% raw %}`, whose content is constant text, or `{% endraw %}`.
    Raw,
}

/// A tag of a template.
#[derive(Clone, Debug)]
pub(super) struct Tag<'a> {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, with its braces, in bytes of the template.
    pub range: Range<usize>,
    /// What is in it; empty for comments.
    pub tokens: Vec<Token<'a>>,
}

/// A token inside a tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub word: Word<'a>,
    /// Where it begins, in bytes of the template.
    pub at: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A name or keyword; of any script, though the engine knows Latin ones only, so that
    /// `names.rs` can say what to write.
    Name(&'a str),
    /// A string in quotation marks, without them, escapes as written.
    Text(&'a str),
    /// A number.
    Number,
    /// An operator or bracket: its characters.
    Sign(&'a str),
}

/// What tags look like.
pub(super) const SHAPES: &str = "A name stands in {{ and }}; a condition is {% if recipient.town \
                                 %} ... {% endif %}. To show braces as they are, write {% raw \
                                 %}{{{% endraw %}.";

/// A tag that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// What it was to be.
    pub kind: Kind,
    /// What is wrong with it.
    pub what: &'static str,
    /// What to do.
    pub hint: &'static str,
    /// Where, in bytes of the template.
    pub at: usize,
    /// Where the template is read on.
    pub end: usize,
}

/// All tags of a template in order, and the ones that cannot be read.
pub(super) fn tags(source: &str) -> (Vec<Tag<'_>>, Vec<Broken>) {
    let (mut tags, mut broken) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(found) = next_opening(source, at) {
        let read = match &source[found..found + 2] {
            "{#" => comment(source, found),
            "{{" => tag(source, found, Kind::Output, "}}"),
            _ => tag(source, found, Kind::Block, "%}"),
        };
        let tag = match read {
            Ok(tag) => tag,
            Err(one) => {
                at = one.end;
                broken.push(one);
                continue;
            }
        };
        at = tag.range.end;
        let is_raw = matches!(tag.tokens[..], [Token { word: Word::Name("raw"), .. }]);
        if tag.kind != Kind::Block || !is_raw {
            tags.push(tag);
            continue;
        }
        tags.push(Tag { kind: Kind::Raw, ..tag });
        match end_of_raw(source, at) {
            Some(end) => {
                at = end.end;
                tags.push(Tag { kind: Kind::Raw, range: end, tokens: Vec::new() });
            }
            None => {
                broken.push(unclosed_raw(source, found));
                break;
            }
        }
    }
    (tags, broken)
}

fn unclosed_raw(source: &str, at: usize) -> Broken {
    let what = "`{% raw %}` is not closed by `{% endraw %}`";
    let hint = "Write `{% endraw %}` where braces are to mean something again.";
    Broken { kind: Kind::Raw, what, hint, at, end: source.len() }
}

/// What is left out of a template so that a line with nothing but `{% ... %}` and comments leaves
/// no empty line behind, which Markdown would take for the end of a paragraph or list.
///
/// In bytes of the template, in order.
pub(super) fn silent_lines(source: &str, tags: &[Tag<'_>]) -> Vec<Range<usize>> {
    let is_silent = |tag: &Tag<'_>| matches!(tag.kind, Kind::Block | Kind::Comment);
    let is_blank = |range: Range<usize>| source[range].bytes().all(|b| b == b' ' || b == b'\t');
    let mut cuts = Vec::new();
    let mut index = 0;
    while let Some(first) = tags.get(index) {
        let start = source[..first.range.start].rfind('\n').map_or(0, |i| i + 1);
        let before = start..first.range.start;
        let mut gaps = vec![before];
        let mut end = first.range.end;
        let mut silent = is_silent(first);
        index += 1;
        while let Some(next) =
            tags.get(index).filter(|t| !source[end..t.range.start].contains('\n'))
        {
            gaps.push(end..next.range.start);
            silent &= is_silent(next);
            end = next.range.end;
            index += 1;
        }
        let line_end = source[end..].find('\n').map_or(source.len(), |i| end + i);
        gaps.push(end..line_end);
        if silent && gaps.iter().all(|gap| is_blank(gap.clone())) {
            let last = gaps.len() - 1;
            gaps[last].end = (line_end + 1).min(source.len());
            cuts.extend(gaps.into_iter().filter(|gap| !gap.is_empty()));
        }
    }
    cuts
}

/// Where a byte of the template without what is left out stands in the whole one.
pub(super) fn in_whole(at: usize, cuts: &[Range<usize>]) -> usize {
    let mut whole = at;
    for cut in cuts {
        if cut.start > whole {
            break;
        }
        whole += cut.len();
    }
    whole
}

fn next_opening(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let opens = |pair: &[u8]| matches!(pair, b"{{" | b"{%" | b"{#");
    bytes.get(from..)?.windows(2).position(opens).map(|i| from + i)
}

fn comment(source: &str, at: usize) -> Result<Tag<'_>, Broken> {
    let end = source[at + 2..].find("#}").map(|i| at + 2 + i + 2);
    let end = end.ok_or(Broken {
        kind: Kind::Comment,
        what: "the comment opened here is not closed by `#}`",
        hint: "Write `#}` where the comment ends.",
        at,
        end: source.len(),
    })?;
    Ok(Tag { kind: Kind::Comment, range: at..end, tokens: Vec::new() })
}

fn end_of_raw(source: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + source[at..].find("{%")?;
        let inner = source[start + 2..].trim_start_matches('-').trim_start();
        if let Some(rest) = inner.strip_prefix("endraw") {
            let rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix("%}").or_else(|| rest.strip_prefix("-%}")) {
                return Some(start..source.len() - rest.len());
            }
        }
        at = start + 2;
    }
}

fn tag<'a>(source: &'a str, start: usize, kind: Kind, close: &str) -> Result<Tag<'a>, Broken> {
    let mut at = start + 2;
    if source[at..].starts_with('-') {
        at += 1;
    }
    let mut tokens = Vec::new();
    let mut braces = 0_usize;
    loop {
        let rest = &source[at..];
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() && c != '\n');
        at = source.len() - rest.len();
        let dash = usize::from(rest.starts_with('-') && rest[1..].starts_with(close));
        if rest[dash..].starts_with(close) {
            let range = start..at + dash + close.len();
            return Ok(Tag { kind, range, tokens });
        }
        let opens = ["{{", "{%", "{#"].iter().any(|pair| rest.starts_with(pair));
        let closes = braces == 0 && rest.starts_with('}');
        if opens || closes || rest.is_empty() || rest.starts_with('\n') {
            let end = source.len() - rest.trim_start_matches('}').len();
            return Err(unclosed(kind, start, end));
        }
        let (word, length) = token(rest).map_err(|(what, hint)| {
            let line = rest.split('\n').next().unwrap_or_default();
            let end = line.find(close).map_or(line.len(), |i| i + close.len());
            Broken { kind, what, hint, at, end: at + end }
        })?;
        match word {
            Word::Sign("{") => braces += 1,
            Word::Sign("}") => braces -= 1,
            _ => {}
        }
        tokens.push(Token { word, at });
        at += length;
    }
}

fn unclosed(kind: Kind, at: usize, end: usize) -> Broken {
    let (what, hint) = match kind {
        Kind::Output => (
            "the tag opened here is not closed by `}}`",
            "Write two braces on both sides, on one line: `{{ greeting }}`.",
        ),
        _ => (
            "the tag opened here is not closed by `%}`",
            "Write it on one line: `{% if recipient.town %}`.",
        ),
    };
    Broken { kind, what, hint, at, end }
}

/// What is wrong, and what to do.
type Reason = (&'static str, &'static str);

/// The token a text begins with, and its length in bytes.
fn token(rest: &str) -> Result<(Word<'_>, usize), Reason> {
    let bytes = rest.as_bytes();
    let length = name_length(rest);
    match bytes[0] {
        b'"' | b'\'' | b'`' => text(rest),
        b'0'..=b'9' => {
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'.');
            Ok((Word::Number, digits.count()))
        }
        _ if length > 0 => Ok((Word::Name(&rest[..length]), length)),
        _ => sign(rest).map(|sign| (Word::Sign(sign), sign.len())),
    }
}

/// How many bytes at the beginning of a text are a name.
pub(super) fn name_length(rest: &str) -> usize {
    let is_of_name = |c: char| c == '_' || c.is_alphanumeric() || is_combining_mark(c);
    let begins = rest.starts_with(|c: char| c == '_' || c.is_alphabetic());
    if begins { rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()) } else { 0 }
}

fn text(rest: &str) -> Result<(Word<'_>, usize), Reason> {
    let quote = rest.as_bytes()[0];
    let mut escaped = false;
    for (i, b) in rest.bytes().enumerate().skip(1) {
        if b == b'\n' {
            break;
        } else if escaped {
            escaped = false;
        } else if b == b'\\' {
            escaped = true;
        } else if b == quote {
            return Ok((Word::Text(&rest[1..i]), i + 1));
        }
    }
    Err(("a quotation mark is not closed", "Close it by the same mark, on the same line."))
}

fn sign(rest: &str) -> Result<&str, Reason> {
    const LONG: &[&str] = &["...", "//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["];
    const SHORT: &[u8] = b"+-*/%!.,:~|=><()[]{}@";
    if let Some(long) = LONG.iter().find(|l| rest.starts_with(**l)) {
        return Ok(&rest[..long.len()]);
    }
    match rest.as_bytes()[0] {
        b if SHORT.contains(&b) => Ok(&rest[..1]),
        _ if rest.starts_with(['“', '”', '„', '«', '»', '‘', '’']) => {
            Err(("these are typographic quotation marks", "Write straight ones in tags: \"...\"."))
        }
        _ => Err(("this character cannot stand in a tag", SHAPES)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::branch::{Choices, Marked};
    use super::*;

    fn check(source: &str, expected: &[(Kind, &str, usize)]) {
        let (tags, broken) = tags(source);
        assert_eq!(broken, [], "{source}");
        let found: Vec<_> =
            tags.into_iter().map(|t| (t.kind, &source[t.range], t.tokens.len())).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn tags_are_found_where_the_engine_finds_them() {
        check("a {{ b }} c", &[(Kind::Output, "{{ b }}", 1)]);
        check("{{- b.c -}}", &[(Kind::Output, "{{- b.c -}}", 3)]);
        check(
            "{% if a %}{# {{ x }} #}",
            &[(Kind::Block, "{% if a %}", 2), (Kind::Comment, "{# {{ x }} #}", 0)],
        );
        check(
            "{% raw %}{{ x }}{% endraw %}{{ y }}",
            &[
                (Kind::Raw, "{% raw %}", 1),
                (Kind::Raw, "{% endraw %}", 0),
                (Kind::Output, "{{ y }}", 1),
            ],
        );
        check("{{ \"}}\" ~ '\\'' }}", &[(Kind::Output, "{{ \"}}\" ~ '\\'' }}", 3)]);
        check("{{ a?.b }} } {", &[(Kind::Output, "{{ a?.b }}", 3)]);
    }

    #[test]
    fn a_line_of_tags_alone_leaves_no_line_behind() {
        for (source, kept) in [
            ("{% if a %}\nb\n{% endif %}\nc", "{% if a %}b\n{% endif %}c"),
            ("a\n  {% if b %} {# c #}  \nd", "a\n{% if b %}{# c #}d"),
            ("{% if a %}b\n{% endif %}", "{% if a %}b\n{% endif %}"),
            ("{{ a }}\n{% set b = 1 %}{{ b }}\n", "{{ a }}\n{% set b = 1 %}{{ b }}\n"),
            ("- x {% if a %}\n", "- x {% if a %}\n"),
        ] {
            let cuts = silent_lines(source, &tags(source).0);
            let without = Marked::of(source, &cuts, &Choices::default()).source;
            assert_eq!(without, kept, "{source:?}");
            for (at, c) in without.char_indices().filter(|(_, c)| c.is_alphabetic()) {
                let whole = in_whole(at, &cuts);
                assert_eq!(source[whole..].chars().next(), Some(c), "{source:?} {at}");
            }
        }
    }

    #[test]
    fn broken_tags_are_named() {
        for (source, expected) in [
            ("x {{ a", &[2][..]),
            ("{% if", &[0]),
            ("{# ", &[0]),
            ("{% raw %} {{ a }}", &[0]),
            ("{{ \"a }}", &[3]),
            ("{{ “a” }}", &[3]),
            ("{{ a }\nb {{ c }}", &[0]),
            ("{{ a } b {{ c }}", &[0]),
            ("{{ a {{ c }}", &[0]),
            ("{{ a\n}} {{ b %} {{ 'c\n' }}\n{{ d }}", &[0, 8, 19]),
            ("{% if a }} b {% endif %}", &[0]),
            ("{{ § }} {{ a } {{ b }}", &[3, 9]),
        ] {
            let found: Vec<_> = tags(source).1.iter().map(|b| b.at).collect();
            assert_eq!(found, expected, "{source}");
        }
        let read = |source| tags(source).0.len();
        assert_eq!(read("{{ a } b {{ c }} {{ {\"a\": 1} }}"), 2);
        assert_eq!(tags("{{ recipient.Prénom }}").0[0].tokens[2].word, Word::Name("Prénom"));
    }
}
