//! Which branches of a letter's conditions were taken: what tells the kinds of letter apart.
//!
//! Owns finding the branches of `if` in a template, the marks that tell from the engine's output
//! which of them were reached, and saying in words what they were. A mark is two characters that no
//! letter holds; the engine's writer (`engine.rs`) counts and drops it, so that a letter has the
//! same bytes with and without (decision 0026).
//!
//! # Invariants
//! A mark stands where nothing around it changes: behind the blanks that a tag with a dash (`-%}`)
//! swallows. Where there is no such place, before a remark or `raw`, there is no mark, and the branch
//! is taken for one that was not reached.

use super::stand_in::BRANCH;
use super::tags::{Kind, Tag, Token, Word};
use crate::limits::LETTER_BRANCHES_MAX;
use std::ops::Range;

/// The branches that one letter took, by their numbers within the letter.
///
/// Numbers are those of one language's letter, below [`LETTER_BRANCHES_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branches(u64);

impl Branches {
    /// Adds the branches of a piece whose first one has this number within the letter.
    pub(super) fn add(&mut self, piece: Branches, first: usize) {
        self.0 |= u32::try_from(first).ok().and_then(|n| piece.0.checked_shl(n)).unwrap_or(0);
    }

    fn take(&mut self, number: usize) {
        self.0 |= u32::try_from(number).ok().and_then(|n| 1_u64.checked_shl(n)).unwrap_or(0);
    }

    fn has(self, number: usize) -> bool {
        let shifted = u32::try_from(number).ok().and_then(|n| self.0.checked_shr(n));
        shifted.is_some_and(|bits| bits & 1 == 1)
    }
}

/// An `if` with its branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// The conditions of `if` and `elif` as written, each with the number of its branch.
    pub conditions: Vec<(usize, String)>,
    /// Where it stands, in bytes of the template.
    pub at: usize,
    /// The number of the branch it stands in.
    within: Option<usize>,
}

/// A mark: where it goes, and the number of its branch.
type Mark = (usize, usize);

/// The branches of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choices {
    /// In the order of the template.
    pub all: Vec<Choice>,
    /// How many branches they have together.
    pub branches: usize,
    /// In bytes of the template, in order.
    marks: Vec<Mark>,
}

/// A block that stands open.
enum Open {
    /// A choice by its index, and the number of the branch that is being read.
    If(usize, usize),
    For,
}

impl Choices {
    /// Finds the branches of a template whose blocks are closed.
    pub(super) fn of(content: &str, tags: &[Tag<'_>]) -> Choices {
        let mut choices = Choices::default();
        let mut open: Vec<Open> = Vec::new();
        for tag in tags.iter().filter(|tag| tag.kind == Kind::Block) {
            let Some(Token { word: Word::Name(keyword), .. }) = tag.tokens.first().copied() else {
                continue;
            };
            match keyword {
                "if" => {
                    let within = open.iter().rev().find_map(|o| match o {
                        Open::If(_, branch) => Some(*branch),
                        Open::For => None,
                    });
                    let choice = Choice { at: tag.range.start, within, ..Choice::default() };
                    choices.all.push(choice);
                    open.push(Open::If(choices.all.len() - 1, 0));
                }
                "for" => open.push(Open::For),
                "endif" | "endfor" => drop(open.pop()),
                _ => {}
            }
            if let ("if" | "elif" | "else", Some(Open::If(choice, branch))) =
                (keyword, open.last_mut())
            {
                *branch = choices.branches;
                if keyword != "else" {
                    let condition = (choices.branches, condition(content, tag));
                    choices.all[*choice].conditions.push(condition);
                }
                choices.add_mark(content, &tag.range);
            }
        }
        choices
    }

    /// Gives the branch that begins behind a tag its number and its mark.
    fn add_mark(&mut self, content: &str, tag: &Range<usize>) {
        if self.branches < LETTER_BRANCHES_MAX
            && let Some(at) = place_behind(content, tag)
        {
            self.marks.push((at, self.branches));
        }
        self.branches += 1;
    }

    /// What these branches of a letter say, the first of this template's having the number `first`:
    /// each condition that decided something, as `recipient.town` or `not recipient.town`.
    pub(super) fn in_words(&self, taken: Branches, first: usize, words: &mut Vec<String>) {
        let has = |number: usize| taken.has(first + number);
        for choice in &self.all {
            let last = choice.conditions.last().map_or(0, |(number, _)| first + number);
            if last >= LETTER_BRANCHES_MAX || choice.within.is_some_and(|branch| !has(branch)) {
                continue;
            }
            let holds = choice.conditions.iter().any(|(number, _)| has(*number));
            for (number, condition) in &choice.conditions {
                let said = match (has(*number), holds) {
                    (true, _) => condition.clone(),
                    (false, false) => negated(condition),
                    (false, true) => continue,
                };
                if !words.contains(&said) {
                    words.push(said);
                }
            }
        }
    }
}

/// The condition of a tag as written: `recipient.town == "Quito"`.
fn condition(content: &str, tag: &Tag<'_>) -> String {
    let end = content[tag.range.clone()].trim_end_matches("%}").trim_end_matches('-').len();
    let start = tag.tokens.get(1).map_or(end, |token| token.at - tag.range.start);
    content[tag.range.clone()].get(start..end).unwrap_or_default().trim().to_owned()
}

fn negated(condition: &str) -> String {
    let is_simple = !condition.contains(" and ") && !condition.contains(" or ");
    match condition.strip_prefix("not ") {
        Some(rest) if is_simple => rest.trim().to_owned(),
        None if is_simple && condition.matches(" == ").count() == 1 => {
            condition.replace(" == ", " != ")
        }
        None if is_simple => format!("not {condition}"),
        _ => format!("not ({condition})"),
    }
}

/// Where a mark behind a tag changes nothing: behind the blanks that a dash swallows.
fn place_behind(content: &str, tag: &Range<usize>) -> Option<usize> {
    if !content[..tag.end].ends_with("-%}") {
        return Some(tag.end);
    }
    let rest = content[tag.end..].trim_start();
    // A dash reaches through a remark, and into `raw`, if nothing stands before them: a mark would.
    let is_reached_through = rest.starts_with("{#") || begins_raw(rest);
    (!is_reached_through).then_some(content.len() - rest.len())
}

fn begins_raw(text: &str) -> bool {
    let inside = text.strip_prefix("{%").map(|t| t.trim_start_matches('-').trim_start());
    inside.is_some_and(|t| t.starts_with("raw"))
}

/// A template as the engine gets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    /// Without the lines that leave nothing behind, with the marks.
    pub source: String,
    /// Where marks stand in it, in order.
    pub marks: Vec<usize>,
}

impl Marked {
    /// Leaves out the cuts of a template and puts its marks in.
    pub(super) fn of(content: &str, cuts: &[Range<usize>], choices: &Choices) -> Marked {
        let mut marked = Marked::default();
        let mut marks = choices.marks.iter().copied().peekable();
        let mut at = 0;
        for cut in cuts.iter().cloned().chain(std::iter::once(content.len()..content.len())) {
            while let Some((place, number)) = marks.next_if(|(place, _)| *place <= cut.start) {
                marked.source.push_str(&content[at..place]);
                at = place;
                marked.push_mark(number);
            }
            marked.source.push_str(&content[at..cut.start]);
            at = cut.end;
        }
        marked
    }

    fn push_mark(&mut self, number: usize) {
        if let Some(c) = u32::try_from(number).ok().and_then(|n| char::from_u32(FIRST_NUMBER + n)) {
            self.marks.push(self.source.len());
            self.source.push(BRANCH);
            self.source.push(c);
        }
    }
}

/// Where a byte of the engine's source stands in one without marks, which stand at these places.
pub(super) fn without_marks(at: usize, marks: &[usize]) -> usize {
    let before = marks.iter().take_while(|mark| **mark < at).count();
    at.saturating_sub(before * MARK_BYTES)
}

/// The character that numbers the first branch: for private use, and only behind [`BRANCH`].
const FIRST_NUMBER: u32 = 0xE000;
/// Bytes of a mark: four of [`BRANCH`], three of the number.
const MARK_BYTES: usize = 7;
/// First byte of [`BRANCH`].
const MARK_BEGINS: u8 = 0xF2;

/// Takes the marks out of a part of the engine's output: what stands between them passes `keep`.
pub(super) fn take_marks(part: &[u8], taken: &mut Branches, mut keep: impl FnMut(&[u8])) {
    let mut rest = part;
    let mut from = 0;
    while let Some(found) = memchr::memchr(MARK_BEGINS, &rest[from..]).map(|i| from + i) {
        match number_at(&rest[found..]) {
            Some(number) => {
                taken.take(number);
                keep(&rest[..found]);
                rest = &rest[found + MARK_BYTES..];
                from = 0;
            }
            None => from = found + 1,
        }
    }
    keep(rest);
}

/// The number of the branch whose mark a text begins with.
fn number_at(text: &[u8]) -> Option<usize> {
    let mark = std::str::from_utf8(text.get(..MARK_BYTES)?).ok()?;
    let number = mark.strip_prefix(BRANCH)?.chars().next()?;
    let number = u32::from(number).checked_sub(FIRST_NUMBER)? as usize;
    (number < LETTER_BRANCHES_MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::engine::Engine;
    use super::super::tags::{silent_lines, tags};
    use super::*;

    fn choices(content: &str) -> Choices {
        Choices::of(content, &tags(content).0)
    }

    fn marked(content: &str) -> Marked {
        Marked::of(content, &silent_lines(content, &tags(content).0), &choices(content))
    }

    /// The branches with these numbers.
    fn taken(numbers: &[usize]) -> Branches {
        let mut branches = Branches::default();
        numbers.iter().for_each(|n| branches.take(*n));
        branches
    }

    fn check(content: &str, numbers: &[usize], expected: &[&str]) {
        let mut words = Vec::new();
        choices(content).in_words(taken(numbers), 0, &mut words);
        assert_eq!(words, expected, "{content} {numbers:?}");
    }

    #[test]
    fn branches_are_told_by_their_conditions() {
        let one = "{% if recipient.a %}x{% endif %}";
        check(one, &[0], &["recipient.a"]);
        check(one, &[], &["not recipient.a"]);
        let chain = "{% if a == \"1\" -%}x{% elif b and c %}y{% else %}z{% endif %}";
        check(chain, &[0], &["a == \"1\""]);
        check(chain, &[1], &["b and c"]);
        check(chain, &[2], &["a != \"1\"", "not (b and c)"]);
        let nested = "{% if a %}{% if not b %}x{% endif %}{% endif %}{% if a %}y{% endif %}";
        check(nested, &[0, 1, 2], &["a", "not b"]);
        check(nested, &[0, 2], &["a", "b"]);
        check(nested, &[], &["not a"]);
        let repeated = "{% for x in y %}{% if x %}1{% else %}2{% endif %}{% endfor %}";
        check(repeated, &[0, 1], &["x"]);
        check("{% for x in y %}{% else %}{% endfor %}", &[], &[]);
    }

    #[test]
    fn branches_beyond_the_limit_say_nothing() {
        let many = "{% if a %}x{% endif %}".repeat(LETTER_BRANCHES_MAX);
        let more = format!("{many}{{% if b %}}x{{% endif %}}");
        check(&more, &[], &["not a"]);
        assert_eq!(marked(&more).marks.len(), LETTER_BRANCHES_MAX);
    }

    #[test]
    fn marks_come_out_again_and_are_counted() {
        let mark = |n| format!("{BRANCH}{}", char::from_u32(FIRST_NUMBER + n).unwrap());
        for (text, kept, numbers) in [
            (format!("a{}b{}", mark(1), mark(63)), "ab", &[1, 63][..]),
            (mark(0), "", &[0]),
            (format!("{BRANCH}"), "\u{8FFFE}", &[]),
            (format!("{BRANCH}é{}", mark(2)), "\u{8FFFE}é", &[2]),
            (mark(64), "\u{8FFFE}\u{E040}", &[]),
            ("\u{80000}\u{10FFFF}".to_owned(), "\u{80000}\u{10FFFF}", &[]),
        ] {
            let (mut branches, mut out) = (Branches::default(), Vec::new());
            take_marks(text.as_bytes(), &mut branches, |part| out.extend_from_slice(part));
            assert_eq!(String::from_utf8(out).unwrap(), kept);
            assert_eq!(branches, taken(numbers), "{text:?}");
        }
    }

    #[test]
    fn a_place_is_the_same_with_and_without_marks() {
        let content = "a {% if x -%}\n   b {% else %}c{% endif %}\nd";
        let Marked { source, marks } = marked(content);
        assert_eq!(marks.len(), 2);
        for word in ["b ", "c{", "\nd"] {
            let at = without_marks(source.rfind(word).unwrap(), &marks);
            assert_eq!(Some(at), content.rfind(word), "{word}");
        }
    }

    /// What the engine makes of a template, with marks or without.
    fn rendered(content: &str, choices: &Choices) -> Option<String> {
        let cuts = silent_lines(content, &tags(content).0);
        let mut engine = Engine::for_markdown();
        engine.add("t", &Marked::of(content, &cuts, choices).source).ok()?;
        let mut context = tera::Context::new();
        context.insert("no", "");
        context.insert("yes", "a \u{8FFFE}\u{E001}<b>");
        engine.render("t", &context).ok()
    }

    /// What may stand between the tags of conditions.
    const PARTS: &str = "(a|<| |\n|\\{# c -?#\\}|\\{%-? raw -?%\\} r \\{%-? endraw -?%\\}|\
                         \\{\\{-? yes -?\\}\\}){0,3}";

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 512, failure_persistence: None, ..Default::default()
        })]

        #[test]
        fn marks_change_nothing_in_a_letter(
            content in "(XX\\{%-? if (yes|no) -?%\\}XX(\\{%-? if yes -?%\\}XX\\{%-? endif -?%\\})?XX\
                        (\\{%-? elif yes -?%\\}XX)?(\\{%-? else -?%\\}XX)?\\{%-? endif -?%\\}XX){1,2}"
                .replace("XX", PARTS).as_str()
        ) {
            let without = rendered(&content, &Choices::default());
            proptest::prop_assert!(without.is_some(), "{}", content);
            proptest::prop_assert_eq!(rendered(&content, &choices(&content)), without, "{}", content);
        }
    }
}
