//! Who is written to, in numbers: for the plan screen, `check` and JSON.
//!
//! # Invariants
//! A line for each question; long tails are counted, never dropped.

use super::ui::{grouped, plural};
use crate::recipients::{Cause, Excluded, People, Share, Shares};
use serde_json::{Map, Value, json};

/// Countries, languages and lists named on a line before the rest is counted.
const NAMED_MAX: usize = 12;
/// Names of left-out people shown before the rest is counted.
const LEFT_OUT_SHOWN: usize = 3;

/// Rows and letters: what `check` says of everybody; label and text of each line.
#[must_use]
pub(super) fn lines(people: &People) -> Vec<(&'static str, String)> {
    let shares = &people.shares;
    let mut lines = vec![("rows", rows(shares))];
    if shares.lists.len() > 1 {
        lines.push(("lists", lists(shares)));
    }
    let languages: Vec<_> = shares.languages.iter().map(|(l, s)| (l.to_string(), *s)).collect();
    lines.push(("languages", named(&languages)));
    if shares.countries.iter().any(|(code, share)| code.is_some() && share.letters > 0) {
        lines.push(("countries", countries(shares)));
    }
    for line in kept(people) {
        lines.push(("where", line));
    }
    lines.extend(left_out(people).into_iter().map(|line| ("left out", line)));
    // A label stands once.
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

/// `652 in 3 lists: 648 letters, 2 greeted with others, 2 left out`.
fn rows(shares: &Shares) -> String {
    let mut parts = vec![plural(shares.all.letters, "letter")];
    if shares.joined > 0 {
        parts.push(format!("{} greeted with others", grouped(shares.joined)));
    }
    let left_out: u64 = shares.left_out.values().sum();
    if left_out > 0 {
        parts.push(format!("{} left out", grouped(left_out)));
    }
    let lists = plural(shares.lists.len() as u64, "list");
    format!("{} in {lists}: {}", grouped(shares.all.rows), parts.join(", "))
}

/// `vip.csv 12 of 14  registration.csv 420`: letters, and of how many rows where that differs.
#[must_use]
pub(super) fn lists(shares: &Shares) -> String {
    let short = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let lists: Vec<_> = shares.lists.iter().map(|(file, share)| (short(file), *share)).collect();
    named(&lists)
}

/// `KE 40  PE 38 of 41  ...  and 41 more, unknown 3`.
#[must_use]
pub(super) fn countries(shares: &Shares) -> String {
    let name = |code: Option<&str>| code.unwrap_or("unknown").to_owned();
    // A country that nobody is written to in is no news where a mailing is for some.
    let written_to = shares.countries.iter().filter(|(_, share)| share.letters > 0);
    let all: Vec<_> = written_to.map(|(code, share)| (name(*code), *share)).collect();
    named(&all)
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
        "left_out": left_out,
        "lists": lists,
        "languages": languages,
        "countries": countries,
        "where": kept,
    })
}
