//! Who is written to, in numbers: for the plan screen, `check` and JSON.
//!
//! # Invariants
//! A line for each question; long tails are counted, never dropped.

use super::ui::{grouped, plural};
use crate::recipients::{Cause, Excluded, ListSummary, People, Share, Shares};
use serde_json::{Map, Value, json};

/// Countries, languages and lists named on a line before the rest is counted.
const NAMED_MAX: usize = 12;
/// Names of left-out people shown before the rest is counted.
const LEFT_OUT_SHOWN: usize = 3;

/// Rows and letters: what `check` says of everybody; label and text of each line.
#[must_use]
pub(super) fn lines(people: &People) -> Vec<(&'static str, String)> {
    let shares = &people.shares;
    let mut lines = of_rows(people);
    let languages: Vec<_> = shares.languages.iter().map(|(l, s)| (l.to_string(), *s)).collect();
    lines.push(("languages", named(&languages)));
    if shares.countries.iter().any(|(code, share)| code.is_some() && share.letters > 0) {
        lines.push(("countries", countries(shares)));
    }
    lines.extend(of_left_out(people));
    labelled_once(lines)
}

/// Those of them that do not wait for errors to be mended.
#[must_use]
pub(super) fn lines_in_short(people: &People) -> Vec<(&'static str, String)> {
    labelled_once(of_rows(people).into_iter().chain(of_left_out(people)).collect())
}

fn of_rows(people: &People) -> Vec<(&'static str, String)> {
    let mut lines = vec![("rows", rows(people))];
    if people.shares.lists.len() > 1 {
        lines.push(("lists", lists(people)));
    }
    lines
}

fn of_left_out(people: &People) -> impl Iterator<Item = (&'static str, String)> {
    let kept = kept(people).into_iter().map(|line| ("where", line));
    kept.chain(left_out(people).into_iter().map(|line| ("left out", line)))
}

/// A label stands once.
fn labelled_once(mut lines: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let mut before = "";
    for (label, _) in &mut lines {
        let same = *label == before;
        before = label;
        if same {
            *label = "";
        }
    }
    lines
}

/// `654 in 3 lists: 648 letters, 2 greeted with others, 2 left out, 2 with errors`: all rows, so that
/// the numbers meet.
fn rows(people: &People) -> String {
    let shares = &people.shares;
    let mut parts = vec![plural(shares.all.letters, "letter")];
    if shares.joined > 0 {
        parts.push(format!("{} greeted with others", grouped(shares.joined)));
    }
    let left_out: u64 = shares.left_out.values().sum();
    if left_out > 0 {
        parts.push(format!("{} left out", grouped(left_out)));
    }
    let with_errors = with_errors(people);
    if with_errors > 0 {
        parts.push(format!("{} with errors", grouped(with_errors)));
    }
    let lists = plural(shares.lists.len() as u64, "list");
    format!("{} in {lists}: {}", grouped(shares.all.rows + with_errors), parts.join(", "))
}

/// Rows that name nobody because of an error.
fn with_errors(people: &People) -> u64 {
    people.lists.iter().map(|list| refused(list, &people.shares)).sum()
}

/// Rows of a list that name nobody because of an error: those that were read and not counted.
fn refused(list: &ListSummary, shares: &Shares) -> u64 {
    let counted = shares.lists.iter().find(|(file, _)| *file == list.file);
    (list.rows as u64).saturating_sub(counted.map_or(0, |(_, share)| share.rows))
}

/// `vip.csv 12 of 14  registration.csv 420`: letters, and of how many rows where that differs.
#[must_use]
pub(super) fn lists(people: &People) -> String {
    let short = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let shares = &people.shares;
    let of_list = |(file, share): &(String, Share)| {
        let list = people.lists.iter().find(|list| list.file == *file);
        let refused = list.map_or(0, |list| refused(list, shares));
        (short(file), Share { rows: share.rows + refused, ..*share })
    };
    named(&shares.lists.iter().map(of_list).collect::<Vec<_>>())
}

/// `KE 40  PE 38 of 41  ...  and 41 more: 451`: those that somebody is written to in.
#[must_use]
pub(super) fn countries(shares: &Shares) -> String {
    let name = |code: Option<&str>| code.unwrap_or("unknown").to_owned();
    let is_written_to = |(_, share): &&(Option<&str>, Share)| share.letters > 0;
    let countries = shares.countries.iter().filter(is_written_to);
    named(&countries.map(|(code, share)| (name(*code), *share)).collect::<Vec<_>>())
}

fn named(all: &[(String, Share)]) -> String {
    let one = |(name, share): &(String, Share)| match share.rows == share.letters {
        true => format!("{name} {}", grouped(share.rows)),
        false => format!("{name} {} of {}", grouped(share.letters), grouped(share.rows)),
    };
    let shown: Vec<String> = all.iter().take(NAMED_MAX).map(one).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    match more {
        0 => shown.join("  "),
        more => {
            let letters: u64 = all.iter().skip(NAMED_MAX).map(|(_, share)| share.letters).sum();
            format!("{}  and {} more: {}", shown.join("  "), grouped(more as u64), grouped(letters))
        }
    }
}

/// What `where` has kept, a line for each column.
#[must_use]
pub(super) fn kept(people: &People) -> Vec<String> {
    people.kept.as_ref().map(|kept| kept.lines()).unwrap_or_default()
}

/// How many are left out for which cause, then the first of them with their reasons, a line each.
/// Whom `where` leaves out was told by its own line.
#[must_use]
pub(super) fn left_out(people: &People) -> Vec<String> {
    let causes = &people.shares.left_out;
    let count = people.excluded.len() as u64;
    if count == 0 {
        return Vec::new();
    }
    let cause = |(cause, rows): (&Cause, &u64)| format!("{} {}", grouped(*rows), words(*cause));
    let by_cause: Vec<String> = causes.iter().map(cause).collect();
    let mut lines = vec![match by_cause.as_slice() {
        [_] => format!(
            "{} {}",
            plural(count, "row"),
            causes.keys().map(|c| words(*c)).collect::<String>()
        ),
        _ => format!("{}: {}", plural(count, "row"), by_cause.join(", ")),
    }];
    let is_named = |e: &&Excluded| e.cause != Cause::Where;
    let short = |text: &str| text.replace("recipients/", "");
    let described = people.excluded.iter().filter(is_named).take(LEFT_OUT_SHOWN).map(|e| {
        let (place, reason) = (short(&e.place.to_string()), short(&e.reason));
        format!("{} ({place}): {reason}", e.address)
    });
    lines.extend(described);
    let more = people.excluded.iter().filter(is_named).count().saturating_sub(LEFT_OUT_SHOWN);
    if more > 0 {
        lines.push(format!("and {} more", grouped(more as u64)));
    }
    lines
}

fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::Decision => "left out by decision",
        Cause::SameAddress => "with the address of an earlier row",
        Cause::Where => "not kept by where",
    }
}

/// The same for programs: rows before and letters after, by list, language and country.
#[must_use]
pub(super) fn as_json(people: &People) -> Value {
    let share = |share: &Share| json!({"rows": share.rows, "letters": share.letters});
    let shares = &people.shares;
    let lists: Vec<Value> = shares
        .lists
        .iter()
        .map(|(file, s)| json!({"file": file, "rows": s.rows, "letters": s.letters}))
        .collect();
    let languages: Map<String, Value> =
        shares.languages.iter().map(|(l, s)| (l.to_string(), share(s))).collect();
    let countries: Map<String, Value> = shares
        .countries
        .iter()
        .map(|(code, s)| (code.unwrap_or("").to_owned(), share(s)))
        .collect();
    let left_out: Map<String, Value> =
        shares.left_out.iter().map(|(cause, n)| (cause.code().to_owned(), json!(n))).collect();
    let kept = people.kept.as_ref().map(|kept| {
        let column = |c: &crate::recipients::SeenColumn| {
            let value = |v: &crate::recipients::SeenValue| {
                json!({"value": v.value, "rows": v.rows, "kept": v.keeps})
            };
            let values: Vec<Value> = c.values.iter().map(value).collect();
            json!({
                "column": c.column,
                "values": values,
                "others": c.others,
                "without_column": c.lacking,
            })
        };
        let columns: Vec<Value> = kept.columns.iter().map(column).collect();
        json!({"kept": kept.rows, "left_out": kept.left_out, "columns": columns})
    });
    json!({
        "rows": shares.all.rows,
        "letters": shares.all.letters,
        "joined": shares.joined,
        "with_errors": with_errors(people),
        "left_out": left_out,
        "lists": lists,
        "languages": languages,
        "countries": countries,
        "where": kept,
    })
}
