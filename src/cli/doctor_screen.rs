//! What `doctor` found, for people.

use super::ui::{BOLD, DIM, columns_of_stdout, one_line, plural};
use super::wrapping::wrapped;
use crate::doctor::check::{Check, Verdict};
use anstyle::{AnsiColor, Style};

/// Checks that belong together.
pub(super) struct Group {
    /// Its heading.
    pub(super) name: &'static str,
    /// In order.
    pub(super) checks: Vec<Check>,
}

const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Columns before what was found: `  pass  `.
const INDENT: usize = 8;

/// Each group with its checks, and how many of a kind there are. `is_quiet`: those that fail alone.
pub(super) fn as_text(groups: &[Group], is_quiet: bool) -> String {
    let columns = columns_of_stdout();
    let mut text = String::new();
    for group in groups {
        let is_shown = |check: &&Check| !is_quiet || check.verdict == Verdict::Fail;
        let shown: Vec<&Check> = group.checks.iter().filter(is_shown).collect();
        if shown.is_empty() {
            continue;
        }
        text.push_str(&format!("{BOLD}{}{BOLD:#}\n", group.name));
        shown.iter().for_each(|check| text.push_str(&lines(check, columns)));
        text.push('\n');
    }
    match is_quiet {
        true => text,
        false => text + &sum(groups),
    }
}

fn lines(check: &Check, columns: usize) -> String {
    let style = match check.verdict {
        Verdict::Pass => GREEN,
        Verdict::Skip => DIM,
        Verdict::Warn => YELLOW,
        Verdict::Fail => RED,
    };
    let word = check.verdict.as_str();
    let (id, what) = (check.id, one_line(&check.what));
    let line = format!("  {style}{word}{style:#}  {BOLD}{id}{BOLD:#}: {what}");
    let line = wrapped(&line, columns, INDENT);
    let remedy = check.remedy.as_ref().map(|remedy| {
        let remedy = format!("{}= {}", " ".repeat(INDENT), one_line(remedy));
        format!("{}\n", wrapped(&remedy, columns, INDENT + 2))
    });
    format!("{line}\n{}", remedy.unwrap_or_default())
}

fn sum(groups: &[Group]) -> String {
    let of = |verdict: Verdict| {
        let all = groups.iter().flat_map(|group| &group.checks);
        all.filter(|check| check.verdict == verdict).count() as u64
    };
    let (fails, warns, skips) = (of(Verdict::Fail), of(Verdict::Warn), of(Verdict::Skip));
    let skipped = match skips {
        0 => String::new(),
        skips => format!("; {} could not be looked at", plural(skips, "check")),
    };
    let found = match (fails, warns) {
        (0, 0) => "Nothing is wrong".to_owned(),
        (0, warns) => format!("{} to look at", plural(warns, "warning")),
        (fails, 0) => format!("{} to be mended first", plural(fails, "thing")),
        (fails, warns) => {
            format!("{} to be mended first, {}", plural(fails, "thing"), plural(warns, "warning"))
        }
    };
    format!("{found}{skipped}. Nothing was sent.\n")
}
