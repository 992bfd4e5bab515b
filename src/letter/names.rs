//! Reads the tags of a template before the engine does: every name must be known, every filter
//! and tag allowed, and nothing may grow without bounds.
//!
//! Owns what a template may say. The engine takes an unknown name in a condition for false, so a
//! misspelt column would silently choose the wrong sentence; here it is an error wherever it
//! stands. The engine also knows includes, functions, components, captures and loops within
//! loops; letters need none of them, and each could read something, or run for ever (security S6).
//!
//! # Invariants
//! What passes here names only data of the letter, loops once through what one person's data can
//! hold, and builds no text from more than [`TERMS_MAX`] values.

use super::tags::{Kind, Tag, Token, Word};
use super::{Vocabulary, grammar};
use crate::limits::{TEMPLATE_BRANCHES_MAX, TEMPLATE_NESTING_MAX, TEMPLATE_TERMS_MAX as TERMS_MAX};
use crate::problem::Problem;
use std::collections::BTreeMap;
use std::ops::Range;

/// What kind of template is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    /// The body of a letter: everything is known.
    Body,
    /// A header line, a signature or a footer: no blocks of ours.
    Line,
    /// The layout: nothing of the recipient, but its own slots.
    Layout,
}

/// How a name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its value is needed.
    Needed,
    /// It decides something, and may be absent.
    Condition,
    /// `default` stands behind it.
    Guarded,
}

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Its parts: `recipient`, `city`.
    pub path: Vec<String>,
    /// Where it begins, in bytes of the template.
    pub at: usize,
    /// The tag it stands in, in bytes of the template.
    pub tag: Range<usize>,
    /// How it is used.
    pub role: Role,
}

/// A finding with its place in bytes of the template.
pub(super) type Found = (usize, Problem);

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Every use of a name of ours, in order.
    pub uses: Vec<Use>,
    /// What is wrong.
    pub found: Vec<Found>,
}

/// Reads all tags of a template.
pub(super) fn names(tags: &[Tag<'_>], template: Template, vocabulary: &Vocabulary) -> Names {
    let mut reader = Reader {
        template,
        vocabulary,
        names: Names::default(),
        locals: BTreeMap::new(),
        open: Vec::new(),
        branches: 0,
        tag: 0..0,
    };
    for tag in tags {
        reader.tag = tag.range.clone();
        match tag.kind {
            Kind::Output => {
                reader.expression(&tag.tokens, false);
            }
            Kind::Block => reader.block(&tag.tokens),
            Kind::Comment | Kind::Raw => {}
        }
    }
    reader.names
}

struct Reader<'a> {
    template: Template,
    vocabulary: &'a Vocabulary,
    names: Names,
    /// Names of the template's own, and of how many values each may be built.
    locals: BTreeMap<String, usize>,
    /// Open `if` and `for`, with the locals a loop ends.
    open: Vec<(&'static str, Vec<String>)>,
    /// `elif` in a row: the engine's parser recurses over them.
    branches: usize,
    tag: Range<usize>,
}

impl Reader<'_> {
    fn error(&mut self, at: usize, code: &'static str, message: String, hint: &str) {
        self.names.found.push((at, Problem::error(code, message).hint(hint)));
    }

    fn block(&mut self, tokens: &[Token<'_>]) {
        let Some(Token { word: Word::Name(keyword), at }) = tokens.first().copied() else {
            let at = self.tag.start;
            self.error(at, "unknown-tag", "this tag has no keyword".to_owned(), grammar::TAGS);
            return;
        };
        let rest = &tokens[1..];
        match keyword {
            "if" => {
                self.branches = 0;
                self.enter(at, "if", Vec::new());
                self.expression(rest, true);
            }
            "elif" => {
                self.branches += 1;
                if self.branches == TEMPLATE_BRANCHES_MAX {
                    let message = format!("more than {TEMPLATE_BRANCHES_MAX} `elif` in a row");
                    self.error(at, "nested-too-deep", message, "Make several letters of it.");
                }
                self.expression(rest, true);
            }
            "for" => self.for_loop(at, rest),
            "set" => self.set(at, rest),
            "else" | "break" | "continue" => {}
            "endif" | "endfor" => self.leave(keyword),
            // One that closes nothing is found in `balance.rs`.
            "endraw" => {}
            other => self.unknown_tag(at, other),
        }
    }

    fn unknown_tag(&mut self, at: usize, keyword: &str) {
        if let Some(why) = grammar::refused_tag(keyword) {
            let message = format!("`{{% {keyword} %}}` cannot be used in a letter");
            self.error(at, "refused-tag", message, why);
        } else {
            let message = format!("there is no tag `{{% {keyword} %}}`");
            let hint = grammar::did_you_mean(keyword, grammar::TAG_NAMES, grammar::TAGS);
            self.error(at, "unknown-tag", message, &hint);
        }
    }

    fn enter(&mut self, at: usize, what: &'static str, locals: Vec<String>) {
        self.open.push((what, locals));
        if self.open.len() == TEMPLATE_NESTING_MAX {
            let message = format!("more than {TEMPLATE_NESTING_MAX} blocks within each other");
            self.error(at, "nested-too-deep", message, "Write the letter more simply.");
        }
    }

    fn leave(&mut self, keyword: &str) {
        // Blocks that do not match are found in `balance.rs`.
        if let Some((what, locals)) = self.open.pop()
            && keyword.ends_with(what)
        {
            for local in locals {
                self.locals.remove(&local);
            }
        }
    }

    /// `for NAME in ...`, `for KEY, NAME in ...`
    fn for_loop(&mut self, at: usize, tokens: &[Token<'_>]) {
        if self.open.iter().any(|(what, _)| *what == "for") {
            let message = "a loop stands within another loop".to_owned();
            self.error(at, "nested-loop", message, "A letter loops once at a time.");
        }
        let is_in = |t: &Token<'_>| t.word == Word::Name("in");
        let split = tokens.iter().position(is_in).unwrap_or(tokens.len());
        let (names, target) = tokens.split_at(split);
        self.expression(target.get(1..).unwrap_or_default(), false);
        let locals: Vec<String> = names
            .iter()
            .filter_map(|t| match t.word {
                Word::Name(name) => Some(name.to_owned()),
                _ => None,
            })
            .collect();
        for local in &locals {
            self.local(at, local, 1);
        }
        self.enter(at, "for", locals);
    }

    /// `set NAME = ...`
    fn set(&mut self, at: usize, tokens: &[Token<'_>]) {
        let (name, value) = match tokens {
            [
                Token { word: Word::Name(name), .. },
                Token { word: Word::Sign("="), .. },
                value @ ..,
            ] => (*name, value),
            _ => {
                let message = "`set` without `=` cannot be used in a letter".to_owned();
                let hint = "Write `{% set NAME = VALUE %}`.";
                return self.error(at, "refused-tag", message, hint);
            }
        };
        let terms = self.expression(value, false);
        self.local(at, name, terms);
        if let Some((_, locals)) = self.open.iter_mut().rev().find(|(what, _)| *what == "for") {
            locals.push(name.to_owned());
        }
    }

    fn local(&mut self, at: usize, name: &str, terms: usize) {
        if !name.is_ascii() {
            let message = "a name of your own is written in Latin letters".to_owned();
            self.error(at, "template-syntax", message, "Choose another name.");
        }
        if grammar::ROOTS.contains(&name) {
            let message = format!("`{name}` already means something in letters");
            self.error(at, "name-taken", message, "Choose another name.");
        }
        // A name set twice may hold either value.
        let before = self.locals.get(name).copied().unwrap_or(1);
        self.locals.insert(name.to_owned(), terms.max(before));
    }

    /// Reads an expression; of how many values it may be built.
    fn expression(&mut self, tokens: &[Token<'_>], condition: bool) -> usize {
        let mut terms = 0;
        let mut depth = 0;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token.word {
                Word::Sign("(" | "[" | "{" | "?[") => {
                    depth += 1;
                    if depth == TEMPLATE_NESTING_MAX {
                        let message =
                            format!("more than {TEMPLATE_NESTING_MAX} brackets within each other");
                        self.error(token.at, "nested-too-deep", message, "Write it more simply.");
                    }
                }
                Word::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Word::Name(_) => {
                    let (next, more) = self.name(tokens, at - 1, condition);
                    (at, terms) = (next, more.saturating_add(terms));
                }
                Word::Sign(_) | Word::Text(_) | Word::Number => {}
            }
        }
        if terms > TERMS_MAX {
            let start = tokens.first().map_or(self.tag.start, |t| t.at);
            let message = format!("one text is put together of more than {TERMS_MAX} values");
            self.error(start, "too-many-values", message, "Write it more simply.");
        }
        terms.max(1)
    }

    /// Reads the name at an index: a keyword, a filter, a test, an argument or a path. Where to
    /// read on, and of how many values it may be built.
    fn name(&mut self, tokens: &[Token<'_>], index: usize, condition: bool) -> (usize, usize) {
        let Word::Name(name) = tokens[index].word else { return (index + 1, 0) };
        let at = tokens[index].at;
        let before = |n: usize| index.checked_sub(n).map(|i| tokens[i].word);
        let after = tokens.get(index + 1).map(|t| t.word);
        let (one, two) = (before(1), before(2));
        if one == Some(Word::Sign("|")) {
            self.filter(at, name);
        } else if one == Some(Word::Name("is"))
            || one == Some(Word::Name("not")) && two == Some(Word::Name("is"))
        {
            if name != "not" {
                self.test(at, name);
            }
        } else if name == "for" {
            let message = "a loop inside an expression cannot be used in a letter".to_owned();
            self.error(at, "nested-loop", message, "Use `{% for NAME in ... %}`.");
        } else if grammar::KEYWORDS.contains(&name) || after == Some(Word::Sign("=")) {
        } else if after == Some(Word::Sign("(")) {
            let message = format!("`{name}()` cannot be used in a letter");
            self.error(at, "unknown-function", message, "Letters have no functions, only filters.");
        } else {
            return self.path(tokens, index, condition);
        }
        (index + 1, 0)
    }

    fn filter(&mut self, at: usize, name: &str) {
        if grammar::FILTERS.contains(&name) {
            return;
        }
        if matches!(name, "safe" | "escape" | "escape_html" | "escape_xml") {
            let message = format!("the filter `{name}` cannot be used in a letter");
            let hint = "Values are put into the letter as text, whatever is in them.";
            return self.error(at, "refused-filter", message, hint);
        }
        let message = format!("there is no filter `{name}`");
        let all = format!("There are {}.", grammar::FILTERS.join(", "));
        let hint = grammar::did_you_mean(name, grammar::FILTERS, &all);
        self.error(at, "unknown-filter", message, &hint);
    }

    fn test(&mut self, at: usize, name: &str) {
        if !grammar::TESTS.contains(&name) {
            let message = format!("there is no test `{name}`");
            let all = format!("There are {}.", grammar::TESTS.join(", "));
            let hint = grammar::did_you_mean(name, grammar::TESTS, &all);
            self.error(at, "unknown-test", message, &hint);
        }
    }

    /// Reads a path such as `recipient.city` or `recipient["имя"]`.
    fn path(&mut self, tokens: &[Token<'_>], index: usize, condition: bool) -> (usize, usize) {
        let Word::Name(root) = tokens[index].word else { return (index + 1, 0) };
        let (path, next, computed) = steps(root, tokens, index + 1);
        let at = tokens[index].at;
        let terms = self.locals.get(root).copied();
        if terms.is_none() {
            match grammar::objection(&path, computed, self.template, self.vocabulary) {
                None if has_foreign_name(&tokens[index..next]) => {
                    self.names.found.push((at, grammar::in_brackets(&path)));
                }
                None if root != "loop" => {
                    let role = role(tokens, index, next, condition);
                    self.names.uses.push(Use { path, at, tag: self.tag.clone(), role });
                }
                None if self.open.iter().any(|(what, _)| *what == "for") => {}
                None => {
                    let message = "`loop` stands outside of a loop".to_owned();
                    self.error(at, "unknown-name", message, "Use it after `{% for ... %}`.");
                }
                Some(problem) => {
                    let locals = self.locals.keys().map(String::as_str);
                    let problem = grammar::with_locals(problem, root, locals);
                    self.names.found.push((at, problem));
                }
            }
        }
        (next, terms.unwrap_or(1))
    }
}

/// The names of a path from its root on, the token behind it, and whether an index follows that is
/// computed: the caller reads it as an expression of its own.
fn steps(root: &str, tokens: &[Token<'_>], from: usize) -> (Vec<String>, usize, bool) {
    let mut path = vec![root.to_owned()];
    let mut next = from;
    loop {
        match tokens.get(next..).unwrap_or_default() {
            [
                Token { word: Word::Sign("." | "?."), .. },
                Token { word: Word::Name(part), .. },
                ..,
            ] => {
                path.push((*part).to_owned());
                next += 2;
            }
            [
                Token { word: Word::Sign("[" | "?["), .. },
                Token { word: Word::Text(part), .. },
                Token { word: Word::Sign("]"), .. },
                ..,
            ] => {
                path.push((*part).to_owned());
                next += 3;
            }
            [Token { word: Word::Sign("[" | "?["), .. }, ..] => return (path, next, true),
            _ => return (path, next, false),
        }
    }
}

/// Whether a part of a path is written without brackets, in letters the engine does not know.
fn has_foreign_name(path: &[Token<'_>]) -> bool {
    path.iter().any(|t| matches!(t.word, Word::Name(name) if !name.is_ascii()))
}

/// How the path between two indices is used.
fn role(tokens: &[Token<'_>], start: usize, end: usize, condition: bool) -> Role {
    let name_at = |i: usize| match tokens.get(i).map(|t| t.word) {
        Some(Word::Name(name)) => Some(name),
        _ => None,
    };
    let mut at = end;
    while tokens.get(at).map(|t| t.word) == Some(Word::Sign("|")) {
        if name_at(at + 1) == Some("default") {
            return Role::Guarded;
        }
        at = after_arguments(tokens, at + 2);
    }
    // `A if CONDITION else B`, and `is defined`.
    let last = tokens[..start].iter().rposition(|t| matches!(t.word, Word::Name("if" | "else")));
    let in_ternary = last.is_some_and(|i| name_at(i) == Some("if"));
    if condition || in_ternary || name_at(at) == Some("is") {
        Role::Condition
    } else {
        Role::Needed
    }
}

/// The index after a filter's arguments, or the same where it has none.
fn after_arguments(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(start) {
        match token.word {
            Word::Sign("(") => depth += 1,
            Word::Sign(")") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if token.word == Word::Sign(")") { i + 1 } else { start };
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::super::tags::tags;
    use super::*;

    fn vocabulary() -> Vocabulary {
        let pair = |k: &str| (k.to_owned(), "x".to_owned());
        Vocabulary {
            columns: ["city", "country", "имя", "name"].map(str::to_owned).to_vec(),
            conference: [pair("name"), pair("town")].into(),
            campaign: [pair("id")].into(),
            attachments: vec!["statement".to_owned(), "my-guide".to_owned()],
            ..Vocabulary::default()
        }
    }

    fn check(source: &str, codes: &[&str]) -> Names {
        let names = names(&tags(source).0, Template::Body, &vocabulary());
        let found: Vec<_> = names.found.iter().map(|(_, p)| p.code).collect();
        assert_eq!(found, codes, "{source}");
        names
    }

    fn hint(source: &str) -> String {
        let names = names(&tags(source).0, Template::Body, &vocabulary());
        names.found[0].1.hint.clone().unwrap()
    }

    #[test]
    fn known_names_pass_wherever_they_stand() {
        for source in [
            "{{ recipient.city }} {{ conference.name }} {{ campaign.id }} {{ language }}",
            "{{ recipient[\"имя\"] | upper }} {{ recipient['city'] }}",
            "{{ greeting }} {{ signature }} {{ attachment_table }}",
            "{{ attachments.statement.number }} {{ attachments[\"my-guide\"].title }}",
            "{% if recipient.city and not attachments.statement %}a{% elif language == \"fr\" \
             %}b{% else %}c{% endif %}",
            "{% for id, a in attachments %}{{ loop.index }} {{ id }} {{ a.title }}{% endfor %}",
            "{% set c = recipient.city | default(value=\"x\") %}{{ c }}",
            "{{ recipient.city if recipient.city is defined else recipient.country }}",
            "{{ conference[\"name_\" ~ language] | default(value=conference.name) }}",
        ] {
            check(source, &[]);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_wherever_it_stands() {
        check("{{ recipient.ctiy }}", &["unknown-column"]);
        check("{% if recipient.ctiy %}x{% endif %}", &["unknown-column"]);
        check("{% if language == recipient.ctiy %}x{% endif %}", &["unknown-column"]);
        check("{{ recipient.ctiy | default(value=\"x\") }}", &["unknown-column"]);
        check("{{ \"a\" | default(value=recipient.ctiy) }}", &["unknown-column"]);
        check("{{ conference.nmae }} {{ atachments.x }}", &["unknown-name", "unknown-name"]);
        check("{{ attachments.statment.title }}", &["unknown-name"]);
        check("{{ attachments.statement.pages }}", &["unknown-name"]);
        check("{% for x in attachments %}{% endfor %}{{ x }}", &["unknown-name"]);
        check("{{ __tera_context }}", &["unknown-name"]);
        check("{{ recipient }} {{ recipient.city.x }}", &["unknown-name", "unknown-name"]);
        check("{{ loop.index }}", &["unknown-name"]);
        assert!(hint("{{ recipient.ctiy }}").contains("`recipient.city`"));
        assert_eq!(hint("{{ recipient.City }}"), "Write `recipient.city`.");
        assert_eq!(hint("{{ recipient.Cíty | upper }}"), "Write `recipient.city`.");
        assert_eq!(hint("{{ recipient[\"Ci\u{301}ty\"] }}"), "Write `recipient.city`.");
        assert!(hint("{{ recipient.Cóuntri }}").contains("`recipient.country`"));
        assert_eq!(hint("{{ recipient.имя }}"), "Write `recipient[\"имя\"]`.");
        assert_eq!(hint("{{ имя }}"), "Write `recipient[\"имя\"]`.");
        check("{% set é = 1 %}{{ é }}", &["template-syntax"]);
        assert!(hint("{{ city }}").contains("`recipient.city`"));
        assert!(hint("{{ attachments.statment.title }}").contains("`attachments.statement`"));
        assert!(hint("{{ name | uper }}").contains("`recipient.name`"));
    }

    #[test]
    fn the_use_of_a_name_is_known() {
        for (source, role) in [
            ("{{ recipient.city }}", Role::Needed),
            ("{{ recipient.city | upper }}", Role::Needed),
            ("{{ recipient.city | upper | default(value='x') }}", Role::Guarded),
            (
                "{{ recipient.city | replace(from=\"(\", to=\")\") | default(value='x') }}",
                Role::Guarded,
            ),
            ("{% if recipient.city == 'x' %}{% endif %}", Role::Condition),
            ("{{ 'a' if recipient.city else 'b' }}", Role::Condition),
            ("{{ 'a' if language else recipient.city }}", Role::Needed),
        ] {
            let names = check(source, &[]);
            let used = names.uses.iter().find(|u| u.path[0] == "recipient").unwrap();
            assert_eq!(used.role, role, "{source}");
        }
    }

    #[test]
    fn s6_a_template_cannot_reach_the_host_or_run_for_ever() {
        check("{{ get_env(name=\"HOME\") }}", &["unknown-function"]);
        check("{% include \"/etc/passwd\" %}", &["refused-tag"]);
        check("{% extends \"x\" %}{% block a %}{% endblock %}", &["refused-tag"; 3]);
        check("{% component x() %}{% endcomponent %}", &["refused-tag"; 2]);
        check("{% for i in range(end=1000000000) %}x{% endfor %}", &["unknown-function"]);
        check("{% for a in [1] %}{% for b in [2] %}{% endfor %}{% endfor %}", &["nested-loop"]);
        check(
            "{{ [x for x in recipient.city] }}",
            &["unknown-name", "nested-loop", "unknown-name"],
        );
        check("{% set_global a = 1 %}", &["refused-tag"]);
        check("{% set a %}x{% endset %}", &["refused-tag"; 2]);
        check("{{ recipient.city | safe }}", &["refused-filter"]);
        check(
            &format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)),
            &["nested-too-deep"],
        );
        let ifs = format!("{}{}", "{% if language %}".repeat(5000), "{% endif %}".repeat(5000));
        check(&ifs, &["nested-too-deep"]);
        let elifs = "{% elif language %}".repeat(5000);
        check(&format!("{{% if language %}}{elifs}{{% endif %}}"), &["nested-too-deep"]);
    }

    #[test]
    fn s6_a_text_cannot_double_itself_to_death() {
        let doubling = "{% set a = a ~ a %}".repeat(40);
        let names = names(
            &tags(&format!("{{% set a = language %}}{doubling}")).0,
            Template::Body,
            &vocabulary(),
        );
        assert!(names.found.iter().any(|(_, p)| p.code == "too-many-values"));
    }
}
