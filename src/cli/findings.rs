//! Findings as people read them: worst first, a kind together, each with its place and what to do.
//!
//! Owns the grouping, which terminal, table and page share. What a kind is called is `kinds.rs`,
//! how a screen looks `ui.rs`.
//!
//! # Invariants
//! No finding is dropped in silence: what is not shown is counted.

use super::kinds;
use super::ui::{BLUE, BOLD, DIM, grouped, style_of};
use crate::problem::{Problem, Severity};
use std::collections::HashMap;

/// Lines that are named of findings that say the same.
const LINES_NAMED_MAX: usize = 12;

/// All findings of one severity and kind.
#[derive(Debug)]
pub(super) struct Group<'p> {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    /// In the order of their places.
    pub(super) findings: Vec<&'p Problem>,
}

impl Group<'_> {
    /// What the group is about: `12 addresses cannot be used`; a single finding says it itself.
    pub(super) fn heading(&self) -> String {
        match (self.findings.as_slice(), kinds::heading(self.code)) {
            ([finding], _) => finding.message.clone(),
            (several, Some(heading)) => format!("{} {heading}", grouped(several.len() as u64)),
            (several, None) => format!("{} findings", grouped(several.len() as u64)),
        }
    }

    /// What to do, where it is the same for all of them.
    pub(super) fn common_hint(&self) -> Option<&str> {
        let first = self.findings.first()?.hint.as_deref();
        self.findings.iter().all(|f| f.hint.as_deref() == first).then_some(first)?
    }
}

/// Findings as [`Problems::sorted`](crate::problem::Problems::sorted) orders them, the kinds in
/// the order of their first.
pub(super) fn groups<'p>(sorted: &[&'p Problem]) -> Vec<Group<'p>> {
    let mut groups: Vec<Group<'p>> = Vec::new();
    let mut known: HashMap<(Severity, &str), usize> = HashMap::new();
    for problem in sorted {
        let (severity, code) = (problem.severity, problem.code);
        let at = *known.entry((severity, code)).or_insert_with(|| {
            groups.push(Group { severity, code, findings: Vec::new() });
            groups.len() - 1
        });
        groups[at].findings.push(problem);
    }
    groups
}

/// Findings as text.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) text: String,
    /// Whether a finding, or the line of one, is only counted.
    pub(super) leaves_out: bool,
}

/// Findings as text, in the given order of severities; of a kind at most `of_a_kind`, then how
/// many more there are. `None`: every one, with all its lines.
pub(super) fn as_text(sorted: &[&Problem], of_a_kind: Option<usize>) -> Told {
    let mut told = Told::default();
    groups(sorted).iter().for_each(|group| told.group(group, of_a_kind));
    told
}

impl Told {
    fn group(&mut self, group: &Group<'_>, of_a_kind: Option<usize>) {
        let of_a_kind = of_a_kind.filter(|_| !kinds::is_each_shown(group.code));
        let common_hint = group.common_hint();
        if group.findings.len() > 1 && kinds::heading(group.code).is_some() {
            self.heading(group, &group.heading());
            self.several(&group.findings, of_a_kind, common_hint.is_none());
            self.hint(common_hint);
            return;
        }
        let shown = of_a_kind.unwrap_or(usize::MAX);
        for finding in group.findings.iter().take(shown) {
            self.heading(group, &finding.message);
            if let Some(place) = &finding.place {
                self.line(&format!("  {BLUE}-->{BLUE:#} {place}"));
            }
            self.hint(finding.hint.as_deref());
        }
        self.count_more(group.findings.len().saturating_sub(shown));
    }

    fn heading(&mut self, group: &Group<'_>, heading: &str) {
        let style = style_of(group.severity);
        let (severity, code) = (group.severity.as_str(), group.code);
        self.line(&format!(
            "{style}{severity}{style:#}: {BOLD}{heading}{BOLD:#} {DIM}[{code}]{DIM:#}"
        ));
    }

    fn hint(&mut self, hint: Option<&str>) {
        if let Some(hint) = hint {
            // Lines to be copied stand below the sentence.
            let hint = hint.replace('\n', "\n    ");
            self.line(&format!("  {BLUE}={BLUE:#} {hint}"));
        }
    }

    fn count_more(&mut self, more: usize) {
        if more > 0 {
            self.leaves_out = true;
            self.line(&format!("  {DIM}and {} more like this{DIM:#}", grouped(more as u64)));
        }
    }

    /// One line for each finding, or for all that say the same of one file.
    fn several(&mut self, findings: &[&Problem], of_a_kind: Option<usize>, with_hints: bool) {
        let lines_max = of_a_kind.map_or(usize::MAX, |_| LINES_NAMED_MAX);
        let of_a_kind = of_a_kind.unwrap_or(usize::MAX);
        let runs = findings.chunk_by(|one, other| say_the_same(one, other));
        let shown: Vec<&[&Problem]> = runs.take(of_a_kind).collect();
        for (n, same) in shown.iter().enumerate() {
            let places = self.places(same, lines_max).map(|places| format!("{places}: "));
            let (places, message) = (places.unwrap_or_default(), &same[0].message);
            self.line(&format!("  {BLUE}-->{BLUE:#} {places}{message}"));
            // What is to be done with several in a row stands below the last of them.
            let is_last = shown.get(n + 1).is_none_or(|next| next[0].hint != same[0].hint);
            if let Some(hint) = same[0].hint.as_deref().filter(|_| with_hints && is_last) {
                let hint = hint.replace('\n', "\n        ");
                self.line(&format!("      {BLUE}={BLUE:#} {hint}"));
            }
        }
        let shown = shown.iter().map(|same| same.len()).sum::<usize>();
        self.count_more(findings.len() - shown);
    }

    /// Where findings of one file stand: `vip.csv:14:3`, or `vip.csv:14, 27, 103 and 8 more`; in a
    /// workbook `vip.xlsx:D14, D27`.
    fn places(&mut self, same: &[&Problem], lines_max: usize) -> Option<String> {
        let first = same[0].place.as_ref()?;
        if same.len() == 1 {
            return Some(first.to_string());
        }
        let lines = same.iter().filter_map(|p| {
            let place = p.place.as_ref()?;
            let cell = place.cell_name().filter(|_| place.is_in_workbook());
            cell.or(place.line.map(|line| line.to_string()))
        });
        let named: Vec<String> = lines.take(lines_max).collect();
        if named.is_empty() {
            return Some(first.file.clone());
        }
        let more = match same.len() - named.len() {
            0 => String::new(),
            more => format!(" and {} more", grouped(more as u64)),
        };
        self.leaves_out |= !more.is_empty();
        Some(format!("{}:{}{more}", first.file, named.join(", ")))
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn say_the_same(one: &Problem, other: &Problem) -> bool {
    one.message == other.message && one.hint == other.hint && file_of(one) == file_of(other)
}

fn file_of(problem: &Problem) -> Option<&str> {
    problem.place.as_ref().map(|place| place.file.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Place, Problems};

    fn text(problems: &Problems, of_a_kind: usize) -> String {
        let told = as_text(&problems.sorted(), Some(of_a_kind));
        anstream::adapter::strip_str(&told.text).to_string()
    }

    #[test]
    fn a_kind_stands_together_worst_first_and_what_is_not_shown_is_counted() {
        let mut problems = Problems::new();
        for line in 2..22 {
            let message = format!("the address \"a{line}\" has no @");
            let problem = Problem::error("bad-address", message).hint(format!("Write {line}."));
            problems.push(problem.place(Place::line("b.csv", line)));
        }
        problems.push(Problem::warning("heavy", "the letter is heavy").hint("Link."));
        for line in [7, 3] {
            let problem = Problem::error("no-address", "no address in column 2").hint("Write it.");
            problems.push(problem.place(Place::line("a.csv", line)));
        }
        assert_eq!(
            text(&problems, 2),
            "error: 2 rows have no address [no-address]\n  \
               --> a.csv:3, 7: no address in column 2\n  \
               = Write it.\n\
             error: 20 addresses cannot be used [bad-address]\n  \
               --> b.csv:2: the address \"a2\" has no @\n      \
                   = Write 2.\n  \
               --> b.csv:3: the address \"a3\" has no @\n      \
                   = Write 3.\n  \
               and 18 more like this\n\
             warning: the letter is heavy [heavy]\n  \
               = Link.\n"
        );
    }

    #[test]
    fn whoever_sees_less_than_all_is_told() {
        let mut problems = Problems::new();
        let row = |line| Problem::error("no-address", "none").place(Place::line("l.csv", line));
        (1..=12).for_each(|line| problems.push(row(line)));
        assert!(!as_text(&problems.sorted(), Some(4)).leaves_out, "all twelve lines are named");
        problems.push(row(13));
        let told = as_text(&problems.sorted(), Some(4));
        assert!(told.leaves_out && told.text.contains("11, 12 and 1 more: none"), "{}", told.text);
        let whole = as_text(&problems.sorted(), None);
        assert!(!whole.leaves_out && whole.text.contains("12, 13: none"), "{}", whole.text);
    }

    #[test]
    fn a_single_finding_says_what_it_is_by_itself() {
        let mut problems = Problems::new();
        let problem = Problem::error("bad-address", "the address \"ana\" has no @");
        problems.push(problem.hint("Write it.").place(Place::at("l.csv", 4, 2)));
        assert_eq!(
            text(&problems, 5),
            "error: the address \"ana\" has no @ [bad-address]\n  --> l.csv:4:2\n  = Write it.\n"
        );
    }
}
