//! `where`: which rows a mailing is for.
//!
//! Owns both forms of it: values that a column must have, and a condition that somebody else has
//! compiled (letters are a later stage). Counts what was seen, so that a person can tell whether
//! the right rows were kept. What becomes of the rows is decided in `admission.rs`.
//!
//! # Invariants
//! Values are compared without case, accents, outer blanks and full-width forms; an empty cell is
//! the value `""`. Memory is bounded whatever a column holds: so many values are counted by name.

use super::shown::{counted, quoted};
use super::{ColumnNames, ColumnSetting, Values, fold};
use crate::language::Language;
use crate::limits::{WHERE_VALUES_COUNTED_MAX, WHERE_VALUES_SHOWN};
use crate::problem::{Place, Problem, Problems, nearest};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What the configuration says about the rows a mailing is for.
#[derive(Debug)]
pub enum Keep<'a> {
    /// All of these columns must have one of their values.
    Values(Vec<KeptColumn>),
    /// A condition as letters have them.
    Condition(Condition<'a>),
}

/// A column and the values that keep a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptColumn {
    /// What letters call it.
    pub column: String,
    /// As written; `""` is the empty cell.
    pub values: Vec<String>,
    /// Where it is written.
    pub place: Place,
}

/// A condition that decides about a row.
pub struct Condition<'a> {
    /// The columns it names.
    pub columns: Vec<String>,
    /// Where it is written.
    pub place: Place,
    /// Whether a row with these values, of a person who reads this language, is kept; else why the
    /// condition cannot be answered.
    pub holds: Holds<'a>,
}

/// How a condition is asked.
pub type Holds<'a> = Box<dyn Fn(&Values, &Language) -> Result<bool, String> + 'a>;

impl fmt::Debug for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// What a `where` has kept, and what it saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Rows it has kept.
    pub rows: u64,
    /// Rows it has left out.
    pub left_out: u64,
    /// The columns it names, with their values.
    pub columns: Vec<SeenColumn>,
}

/// The values of a column that `where` names, most first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenColumn {
    /// What letters call it.
    pub column: String,
    /// Each value once, as it was written first.
    pub values: Vec<SeenValue>,
    /// Rows with values that are not counted by name.
    pub others: u64,
    /// Rows of lists that have no such column, where that is no value that was asked for.
    pub lacking: u64,
}

/// A value and how many rows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenValue {
    /// As it was written first; empty for the empty cell.
    pub value: String,
    /// How many rows.
    pub rows: u64,
    /// Whether it keeps a row; `None` where a condition decides.
    pub keeps: Option<bool>,
}

impl Kept {
    /// A line for each column: `attended: yes 412, sí 98 kept; no 20, (empty) 3 not`. Where a
    /// condition decides, how many rows it has kept first; where several columns must have their
    /// values, which `fit`, and how many rows all of them have kept last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let by_value = self.columns.iter().all(|c| c.values.iter().all(|v| v.keeps.is_some()));
        let is_condition = !by_value || self.columns.is_empty();
        let is_several = self.columns.len() > 1 && !is_condition;
        let first = || format!("{} kept, {} not", counted(self.rows, "row"), self.left_out);
        let last = || {
            let all = self.rows + self.left_out;
            format!("all of them: {} of {} kept", self.rows, counted(all, "row"))
        };
        let word = if is_several { "fit" } else { "kept" };
        let columns = self.columns.iter().map(|column| column.line(word));
        let before = is_condition.then(first).into_iter();
        before.chain(columns).chain(is_several.then(last)).collect()
    }
}

impl SeenColumn {
    /// `word`: what becomes of rows with a value that was asked for.
    fn line(&self, word: &str) -> String {
        let of = |keeps: Option<bool>| -> Vec<&SeenValue> {
            self.values.iter().filter(|v| v.keeps == keeps).collect()
        };
        let (kept, not) = (of(Some(true)), of(Some(false)));
        let mut parts = Vec::new();
        if !kept.is_empty() {
            parts.push(format!("{} {word}", enumerated(&kept, 0)));
        }
        if !not.is_empty() || self.others > 0 && !self.values.iter().any(|v| v.keeps.is_none()) {
            parts.push(format!("{} not", enumerated(&not, self.others)));
        }
        let told = of(None);
        if !told.is_empty() {
            parts.push(enumerated(&told, self.others));
        }
        if self.lacking > 0 {
            parts.push(format!("{} without this column", counted(self.lacking, "row")));
        }
        format!("{}: {}", self.column, parts.join("; "))
    }
}

/// `yes 412, sí 98 and 41 more`.
fn enumerated(values: &[&SeenValue], others: u64) -> String {
    let one = |v: &&SeenValue| match v.value.as_str() {
        "" => format!("(empty) {}", v.rows),
        value => format!("{} {}", quoted(value).trim_matches('"'), v.rows),
    };
    let shown: Vec<String> = values.iter().take(WHERE_VALUES_SHOWN).map(one).collect();
    let hidden: u64 = values.iter().skip(WHERE_VALUES_SHOWN).map(|v| v.rows).sum::<u64>() + others;
    match (shown.join(", "), hidden) {
        (shown, 0) => shown,
        (shown, hidden) => format!("{shown} and other values {hidden}"),
    }
}

/// A `where` at work on rows.
pub(super) struct Sieve<'a> {
    keep: &'a Keep<'a>,
    columns: Vec<Counter<'a>>,
    rows: u64,
    left_out: u64,
    /// The list of the last row, by what its columns are called.
    list: Option<Arc<ColumnNames>>,
    /// Which of the columns each list has.
    had: Vec<Vec<bool>>,
    /// The first row whose condition could not be answered, why, and how many there are.
    unanswered: Option<(Place, String, u64)>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(keep: &'a Keep<'a>) -> Sieve<'a> {
        let columns = match keep {
            Keep::Values(columns) => columns.iter().map(Counter::of_values).collect(),
            Keep::Condition(condition) => {
                condition.columns.iter().map(|column| Counter::new(column)).collect()
            }
        };
        Sieve { keep, columns, rows: 0, left_out: 0, list: None, had: Vec::new(), unanswered: None }
    }

    /// Why a row is left out; `None` for one that is kept.
    pub(super) fn refusal(
        &mut self,
        values: &Values,
        language: &Language,
        place: &Place,
    ) -> Option<String> {
        self.see_list(values.names());
        let mut refused_by = None;
        let has = self.had.last().map_or(&[][..], Vec::as_slice);
        for (counter, has) in self.columns.iter_mut().zip(has) {
            let value = has.then(|| values.get(counter.column).unwrap_or_default());
            if counter.count(value) == Some(false) && refused_by.is_none() {
                refused_by = Some((counter.column, value));
            }
        }
        let reason = match self.keep {
            Keep::Values(_) => refused_by.map(|(column, value)| match value {
                None => format!("where: the list has no column {column}"),
                Some("") => format!("where: {column} is empty"),
                Some(value) => format!("where: {column} is {}", quoted(value)),
            }),
            Keep::Condition(condition) => {
                let holds = (condition.holds)(values, language).unwrap_or_else(|why| {
                    let first = || (place.clone(), why, 0);
                    self.unanswered.get_or_insert_with(first).2 += 1;
                    true
                });
                (!holds).then(|| "where: the condition is not met".to_owned())
            }
        };
        match reason {
            None => self.rows += 1,
            Some(_) => self.left_out += 1,
        }
        reason
    }

    fn see_list(&mut self, names: &Arc<ColumnNames>) {
        // The rows of a list share one.
        if self.list.as_ref().is_some_and(|list| Arc::ptr_eq(list, names)) {
            return;
        }
        self.list = Some(Arc::clone(names));
        self.had.push(self.columns.iter().map(|c| names.cell(c.column).is_some()).collect());
    }

    /// What was kept, after the last row; `columns`: those that lists have, where all are known;
    /// `settings`: `[columns]`.
    pub(super) fn finish(
        self,
        columns: Option<&[String]>,
        settings: &[ColumnSetting],
        problems: &mut Problems,
    ) -> Kept {
        let unknown = |place: &Place, column: &str, problems: &mut Problems| {
            let known = columns.is_none_or(|all| all.iter().any(|c| c == column));
            if !known {
                problems.push(unknown_column(place, column, columns.unwrap_or_default()));
            }
            !known
        };
        let mut is_sound = true;
        match self.keep {
            Keep::Values(kept) => {
                for (kept, counter) in kept.iter().zip(&self.columns) {
                    match unknown(&kept.place, &kept.column, problems) {
                        true => is_sound = false,
                        false if self.rows + self.left_out > 0 => {
                            report_unseen(kept, counter, problems);
                        }
                        false => {}
                    }
                }
            }
            Keep::Condition(condition) => {
                for column in &condition.columns {
                    is_sound &= !unknown(&condition.place, column, problems);
                }
            }
        }
        if let Some((place, why, rows)) = self.unanswered.filter(|_| is_sound) {
            is_sound = false;
            let message = format!(
                "where cannot be answered for {}, the first of them {place}: {why}",
                counted(rows, "row")
            );
            let hint = "Change the condition in secretariat.toml, or the cells it is about.";
            let problem = Problem::error("where-unanswered", message).hint(hint).count(rows);
            problems.push(problem.place(self.keep.place()));
        }
        let are_apart = are_apart(&self.had);
        let columns = self.columns.into_iter().map(Counter::finish).collect();
        let kept = Kept { rows: self.rows, left_out: self.left_out, columns };
        if is_sound {
            let hint = match self.keep {
                Keep::Values(wanted) if are_apart => one_column(wanted, settings),
                Keep::Values(_) => values_there_are(&kept),
                Keep::Condition(_) => {
                    "Look at the values above: check -v shows what the lists have.".to_owned()
                }
            };
            report_kept(&kept, self.keep.place(), hint, problems);
        }
        kept
    }
}

impl Keep<'_> {
    fn place(&self) -> Place {
        match self {
            Keep::Values(columns) => columns.first().map(|c| c.place.clone()).unwrap_or_default(),
            Keep::Condition(condition) => condition.place.clone(),
        }
    }
}

fn unknown_column(place: &Place, column: &str, columns: &[String]) -> Problem {
    let problem = Problem::error("unknown-column", format!("no list has a column {column}"));
    let hint = match nearest(column, columns.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean {near}?"),
        None => format!("The columns are {}.", columns.join(", ")),
    };
    problem.hint(hint).place(place.clone())
}

/// Values that keep rows, and that no row has.
fn report_unseen(kept: &KeptColumn, counter: &Counter<'_>, problems: &mut Problems) {
    for value in &kept.values {
        let folded = fold::value(value);
        if counter.others > 0 || counter.by_folded.contains_key(&folded) {
            continue;
        }
        let message = format!("no row has {} in {}", quoted(value), kept.column);
        let seen = counter.values.iter().filter(|seen| seen.keeps == Some(false));
        let problem = match nearest(value, seen.map(|seen| seen.value.as_str())) {
            Some(near) if !near.is_empty() => Problem::warning("where-value", message)
                .hint(format!("Rows with {} are left out: is that what was meant?", quoted(near))),
            _ => Problem::note("where-value", message).hint("Remove it, if it is a slip."),
        };
        problems.push(problem.place(kept.place.clone()));
    }
}

/// Whether each column is in some list, and no list has all of them: then no row can fit.
fn are_apart(had: &[Vec<bool>]) -> bool {
    let columns = had.first().map_or(0, Vec::len);
    let is_somewhere = |column: usize| had.iter().any(|list| list[column]);
    columns > 1 && (0..columns).all(is_somewhere) && !had.iter().any(|list| list.iter().all(|h| *h))
}

/// How to ask the same question in columns of several lists.
fn one_column(wanted: &[KeptColumn], settings: &[ColumnSetting]) -> String {
    let headers = |kept: &KeptColumn| {
        let set = settings.iter().find(|setting| setting.name == kept.column);
        set.map_or_else(|| vec![kept.column.clone()], |setting| setting.headers.clone())
    };
    let headers: Vec<String> = wanted.iter().flat_map(headers).collect();
    let mut values: Vec<String> = Vec::new();
    for value in wanted.iter().flat_map(|kept| &kept.values) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    // A free name is one that letters can use.
    let is_usable = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let key = wanted.iter().map(|kept| kept.column.as_str()).find(is_usable).unwrap_or("answer");
    let in_toml = |texts: Vec<String>| toml::Value::from(texts).to_string();
    format!(
        "Every column must fit, and no list has all of them. If they ask the same, make them one in \
         secretariat.toml, with one where:\n[columns]\n{key} = {}\nand in the mailing's \
         table\nwhere = {{ {key} = {} }}",
        in_toml(headers),
        in_toml(values)
    )
}

/// What the columns hold, for whoever wrote values that no row has.
fn values_there_are(kept: &Kept) -> String {
    let nothing_fits = |c: &&SeenColumn| !c.values.iter().any(|v| v.keeps == Some(true));
    match kept.columns.iter().find(nothing_fits) {
        Some(column) => {
            let values: Vec<&SeenValue> = column.values.iter().collect();
            let there_are = enumerated(&values, column.others);
            format!("Write values that rows have; {} holds {there_are}.", column.column)
        }
        None => "Every column must fit in one row: leave one out, or write a condition with or, \
                 such as where = \"recipient.a == 'yes' or recipient.b == 'yes'\"."
            .to_owned(),
    }
}

fn report_kept(kept: &Kept, place: Place, hint: String, problems: &mut Problems) {
    for line in kept.lines() {
        let problem = Problem::note("where", line).place(place.clone());
        problems.push(problem.hint("Rows are kept by where in secretariat.toml."));
    }
    match (kept.rows, kept.left_out) {
        (0, 0) => {}
        (0, rows) => {
            let message = format!("where keeps nobody of {}", counted(rows, "row"));
            problems.push(Problem::warning("where-nobody", message).hint(hint).place(place));
        }
        (rows, 0) => {
            let message = format!("where keeps everybody: {}", counted(rows, "row"));
            let hint = "Remove it, or look at its values: it leaves nobody out.";
            problems.push(Problem::warning("where-everybody", message).hint(hint).place(place));
        }
        _ => {}
    }
}

/// The values of one column, counted.
struct Counter<'a> {
    column: &'a str,
    /// Folded values that keep a row; `None` where a condition decides.
    wanted: Option<Vec<String>>,
    values: Vec<SeenValue>,
    by_folded: HashMap<String, usize>,
    /// Each way of writing, so that it is folded once.
    by_text: HashMap<String, usize>,
    others: u64,
    lacking: u64,
}

impl<'a> Counter<'a> {
    fn new(column: &'a str) -> Counter<'a> {
        Counter {
            column,
            wanted: None,
            values: Vec::new(),
            by_folded: HashMap::new(),
            by_text: HashMap::new(),
            others: 0,
            lacking: 0,
        }
    }

    fn of_values(kept: &'a KeptColumn) -> Counter<'a> {
        let wanted = kept.values.iter().map(|value| fold::value(value)).collect();
        Counter { wanted: Some(wanted), ..Counter::new(&kept.column) }
    }

    /// Counts a value, or a row of a list without the column; whether it keeps its row.
    fn count(&mut self, value: Option<&str>) -> Option<bool> {
        if value.is_none() && !self.wanted.iter().flatten().any(String::is_empty) {
            self.lacking += 1;
            return self.wanted.as_ref().map(|_| false);
        }
        let text = value.unwrap_or_default();
        if let Some(index) = self.by_text.get(text) {
            self.values[*index].rows += 1;
            return self.values[*index].keeps;
        }
        let folded = fold::value(text);
        let keeps = self.wanted.as_ref().map(|wanted| wanted.contains(&folded));
        let index = match self.by_folded.get(&folded) {
            Some(index) => *index,
            // A wanted value always is, so that the counts of those kept are whole.
            None if self.values.len() >= WHERE_VALUES_COUNTED_MAX && keeps != Some(true) => {
                self.others += 1;
                return keeps;
            }
            None => {
                self.values.push(SeenValue { value: text.to_owned(), rows: 0, keeps });
                self.by_folded.insert(folded, self.values.len() - 1);
                self.values.len() - 1
            }
        };
        if self.by_text.len() < WHERE_VALUES_COUNTED_MAX {
            self.by_text.insert(text.to_owned(), index);
        }
        self.values[index].rows += 1;
        keeps
    }

    fn finish(self) -> SeenColumn {
        let mut values = self.values;
        values.sort_by_key(|seen| std::cmp::Reverse(seen.rows));
        SeenColumn {
            column: self.column.to_owned(),
            values,
            others: self.others,
            lacking: self.lacking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(column: &str, values: &[&str]) -> KeptColumn {
        KeptColumn {
            column: column.to_owned(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            place: Place::at("secretariat.toml", 9, 3),
        }
    }

    /// What `keep` makes of rows with these cells of `attended`, and its problems but notes.
    fn sieved(keep: &Keep<'_>, rows: &[&str], columns: &[&str]) -> (Kept, Vec<String>) {
        let mut sieve = Sieve::new(keep);
        let place = Place::line("l.csv", 2);
        for cell in rows {
            let values = Values::from_pairs([("attended", *cell), ("country", "PE")]);
            sieve.refusal(&values, &Language::english(), &place);
        }
        let mut problems = Problems::new();
        let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        let kept = sieve.finish(Some(&columns), &[], &mut problems);
        let told = problems.iter().filter(|p| p.code != "where");
        (kept, told.map(|p| format!("{} {}", p.code, p.message)).collect())
    }

    #[track_caller]
    fn check(columns: &[KeptColumn], rows: &[&str], line: &str, problems: &[&str]) {
        let keep = Keep::Values(columns.to_vec());
        let (kept, found) = sieved(&keep, rows, &["attended", "country"]);
        assert_eq!(kept.lines().first().map_or("", String::as_str), line);
        assert_eq!(found, problems);
    }

    #[test]
    fn values_are_kept_whatever_their_case_accents_blanks_and_width() {
        let rows = ["yes", "YES", "Ｙｅｓ", "sí", "Si", "no", "", "no"];
        check(
            &[kept("attended", &["Yes ", "sí"])],
            &rows,
            "attended: yes 3, sí 2 kept; no 2, (empty) 1 not",
            &[],
        );
        check(
            &[kept("attended", &[""])],
            &rows,
            "attended: (empty) 1 kept; yes 3, sí 2, no 2 not",
            &[],
        );
        let both = [kept("attended", &["yes"]), kept("country", &["KE", "PE"])];
        let note = "where-value no row has \"KE\" in country";
        check(&both, &["yes", "no"], "attended: yes 1 fit; no 1 not", &[note]);
    }

    /// `yes 7 kept` and `oui 9 kept` stood above `0 letters`.
    #[test]
    fn of_several_columns_it_is_said_what_fits_and_what_all_of_them_keep() {
        let keep = Keep::Values(vec![kept("teilgenommen", &["ja"]), kept("dabei", &["oui"])]);
        let check = |rows: &[&[(&str, &str)]], lines: &[&str], hint: &str| {
            let mut sieve = Sieve::new(&keep);
            for row in rows {
                let values = Values::from_pairs(row.iter().copied());
                sieve.refusal(&values, &Language::english(), &Place::default());
            }
            let mut problems = Problems::new();
            let setting = ColumnSetting {
                name: "dabei".to_owned(),
                headers: vec!["A participé".to_owned()],
                place: Place::default(),
            };
            let kept = sieve.finish(None, &[setting], &mut problems);
            assert_eq!(kept.lines(), lines);
            let nobody = problems.iter().find(|p| p.code == "where-nobody");
            let found = nobody.and_then(|p| p.hint.as_deref()).unwrap_or_default();
            assert!(found.contains(hint) && found.is_empty() == hint.is_empty(), "{found}");
        };
        check(
            &[&[("teilgenommen", "ja")], &[("dabei", "oui")], &[("dabei", "")]],
            &[
                "teilgenommen: ja 1 fit; 2 rows without this column",
                "dabei: oui 1 fit; (empty) 1 not; 1 row without this column",
                "all of them: 0 of 3 rows kept",
            ],
            "[columns]\nteilgenommen = [\"teilgenommen\", \"A participé\"]\nand in the \
             mailing's table\nwhere = { teilgenommen = [\"ja\", \"oui\"] }",
        );
        check(
            &[&[("teilgenommen", "ja"), ("dabei", "non")]],
            &["teilgenommen: ja 1 fit", "dabei: non 1 not", "all of them: 0 of 1 row kept"],
            "Write values that rows have; dabei holds non 1.",
        );
        let row = |a, b| [("teilgenommen", a), ("dabei", b)];
        check(
            &[&row("ja", ""), &row("", "oui")],
            &[
                "teilgenommen: ja 1 fit; (empty) 1 not",
                "dabei: oui 1 fit; (empty) 1 not",
                "all of them: 0 of 2 rows kept",
            ],
            "write a condition with or",
        );
        check(
            &[&row("ja", "oui"), &row("ja", "")],
            &[
                "teilgenommen: ja 2 fit",
                "dabei: oui 1 fit; (empty) 1 not",
                "all of them: 1 of 2 rows kept",
            ],
            "",
        );
    }

    #[test]
    fn nobody_everybody_and_values_that_nobody_has_are_said() {
        let slip = "where-value no row has \"oui\" in attended";
        check(
            &[kept("attended", &["yes", "oui"])],
            &["yes", "no"],
            "attended: yes 1 kept; no 1 not",
            &[slip],
        );
        check(
            &[kept("attended", &["yes"])],
            &["yes", "YES"],
            "attended: yes 2 kept",
            &["where-everybody where keeps everybody: 2 rows"],
        );
        check(
            &[kept("attended", &["yess"])],
            &["yes"],
            "attended: yes 1 not",
            &[
                "where-value no row has \"yess\" in attended",
                "where-nobody where keeps nobody of 1 row",
            ],
        );
        let keep = Keep::Values(vec![kept("atended", &["yes"])]);
        let unknown = "unknown-column no list has a column atended";
        assert_eq!(sieved(&keep, &["yes"], &["attended"]).1, [unknown]);
    }

    #[test]
    fn a_condition_is_asked_and_what_it_cannot_answer_is_an_error() {
        let condition = |holds: Holds<'static>| {
            let columns = vec!["attended".to_owned()];
            Keep::Condition(Condition {
                columns,
                place: Place::at("secretariat.toml", 9, 9),
                holds,
            })
        };
        let keep = condition(Box::new(|values, _| Ok(values.get("attended") == Some("yes"))));
        let (kept, problems) = sieved(&keep, &["yes", "no", "no"], &["attended"]);
        assert_eq!(kept.lines(), ["1 row kept, 2 not", "attended: no 2, yes 1"]);
        assert_eq!(problems, [""; 0]);
        let keep = condition(Box::new(|_, _| Err("no number".to_owned())));
        let expected = "where-unanswered where cannot be answered for 2 rows, the first of them \
                        l.csv:2: no number";
        assert_eq!(sieved(&keep, &["1", "2"], &["attended"]).1, [expected]);
    }

    #[test]
    fn a_column_of_a_million_values_is_counted_in_bounded_memory() {
        let columns = [kept("attended", &["v9999"])];
        let keep = Keep::Values(columns.to_vec());
        let rows: Vec<String> = (0..10_000).map(|n| format!("v{n}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let (kept, problems) = sieved(&keep, &rows, &["attended"]);
        assert!(kept.columns[0].values.len() <= WHERE_VALUES_COUNTED_MAX + 1);
        assert_eq!((kept.rows, kept.left_out, problems.len()), (1, 9_999, 0));
        assert!(kept.lines()[0].ends_with("and other values 9991 not"), "{:?}", kept.lines());
    }
}
