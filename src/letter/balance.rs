//! Whether every block of a template is closed: `if` by `endif`, `for` by `endfor`.
//!
//! Owns the findings about blocks that stand open or close nothing, each at its own tag; the engine
//! would name the end of the file. What is in a tag is read in `names.rs`; `raw` is closed where
//! its end is looked for, in `tags.rs`.

use super::names::Found;
use super::reading::syntax_problem;
use super::tags::{Kind, Tag, Token, Word};

/// A block that stands open.
struct Open {
    /// `if` or `for`.
    what: &'static str,
    /// Where its tag begins, in bytes of the template.
    at: usize,
    /// Whether its `else` has been read.
    has_else: bool,
}

/// What is not closed, and what closes nothing.
pub(super) fn unbalanced(tags: &[Tag<'_>]) -> Vec<Found> {
    let mut blocks = Blocks { open: Vec::new(), found: Vec::new() };
    for tag in tags.iter().filter(|tag| tag.kind == Kind::Block) {
        let Some(Token { word: Word::Name(keyword), .. }) = tag.tokens.first().copied() else {
            continue;
        };
        let at = tag.range.start;
        match keyword {
            "if" => blocks.open.push(Open { what: "if", at, has_else: false }),
            "for" => blocks.open.push(Open { what: "for", at, has_else: false }),
            "endif" => blocks.close("if", at),
            "endfor" => blocks.close("for", at),
            "elif" | "else" => blocks.branch(keyword, at),
            "endraw" => blocks.closes_nothing("raw", at),
            _ => {}
        }
    }
    blocks.close_down_to(0);
    blocks.found
}

struct Blocks {
    open: Vec<Open>,
    found: Vec<Found>,
}

impl Blocks {
    fn close(&mut self, what: &str, at: usize) {
        match self.open.iter().rposition(|open| open.what == what) {
            Some(index) => {
                self.close_down_to(index + 1);
                self.open.pop();
            }
            None => self.closes_nothing(what, at),
        }
    }

    /// Gives up the blocks above: what stood around them has ended.
    fn close_down_to(&mut self, count: usize) {
        for Open { what, at, .. } in self.open.drain(count..) {
            let message = format!("`{{% {what} %}}` is not closed by `{{% end{what} %}}`");
            let hint = format!("Write `{{% end{what} %}}` where it ends.");
            self.found.push((at, syntax_problem(message).hint(hint)));
        }
    }

    fn closes_nothing(&mut self, what: &str, at: usize) {
        let message = format!("there is no `{{% {what} %}}` that this closes");
        let hint = format!("Delete it, or write `{{% {what} ... %}}` where the block begins.");
        self.found.push((at, syntax_problem(message).hint(hint)));
    }

    fn branch(&mut self, keyword: &str, at: usize) {
        let (message, hint) = match self.open.last_mut() {
            Some(open) if open.has_else => (
                format!("`{{% {keyword} %}}` stands behind the `{{% else %}}` of the same block"),
                "A block has one `{% else %}`, and it comes last.",
            ),
            Some(open) if keyword == "else" || open.what == "if" => {
                open.has_else = keyword == "else";
                return;
            }
            _ => (
                format!("there is no `{{% if %}}` that this `{{% {keyword} %}}` belongs to"),
                "Delete it, or write `{% if ... %}` where the block begins.",
            ),
        };
        self.found.push((at, syntax_problem(message).hint(hint)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tags::tags;
    use super::*;

    fn check(source: &str, expected: &[(usize, &str)]) {
        let mut found = unbalanced(&tags(source).0);
        found.sort_by_key(|(at, _)| *at);
        let found: Vec<_> = found.iter().map(|(at, p)| (*at, p.message.as_str())).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn blocks_that_are_closed_pass() {
        check("{% if a %}{% elif b %}{% else %}{% endif %}{% set c = 1 %}", &[]);
        check("{% for a in b %}{% if c %}{% continue %}{% endif %}{% else %}{% endfor %}", &[]);
        check("{% raw %}{% if a %}{% endraw %}{# {% endif %} #}", &[]);
    }

    #[test]
    fn what_is_not_closed_is_said_where_it_was_opened() {
        let (open_if, open_for) = (
            "`{% if %}` is not closed by `{% endif %}`",
            "`{% for %}` is not closed by `{% endfor %}`",
        );
        check("a {% if a %} b", &[(2, open_if)]);
        check("{% for a in b %}{% if c %}", &[(0, open_for), (16, open_if)]);
        check("{% for a in b %}{% if c %}{% endfor %}", &[(16, open_if)]);
        check("{% if c %}{% for a in b %}{% endif %}", &[(10, open_for)]);
        check("{% if c %}{% if c %}{% endif %}", &[(0, open_if)]);
    }

    #[test]
    fn what_closes_nothing_is_said_where_it_stands() {
        check("a {% endif %}", &[(2, "there is no `{% if %}` that this closes")]);
        check("{% endfor %}", &[(0, "there is no `{% for %}` that this closes")]);
        check("{% endraw %}", &[(0, "there is no `{% raw %}` that this closes")]);
        check("{% else %}", &[(0, "there is no `{% if %}` that this `{% else %}` belongs to")]);
        check(
            "{% for a in b %}{% elif c %}{% endfor %}",
            &[(16, "there is no `{% if %}` that this `{% elif %}` belongs to")],
        );
        check(
            "{% if a %}{% else %}{% elif b %}{% endif %}",
            &[(20, "`{% elif %}` stands behind the `{% else %}` of the same block")],
        );
    }
}
