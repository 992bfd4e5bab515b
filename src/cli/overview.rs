//! A mailing seen from above, as `check` shows it: its lists, audience, languages, documents and
//! kinds of letter.
//!
//! Owns which parts there are and their order, on the screen and in JSON. What a part looks like
//! is its own file's.

use super::audience;
use super::document_lines::DocumentLines;
use super::kind_lines::Kinds;
use super::language_table::{language_table, languages_as_json};
use super::list_lines;
use super::plan_screen;
use super::shell::Shell;
use super::ui::{DIM, columns_of_stdout, padded, terminal_columns};
use super::wrapping::wrapped;
use crate::campaign::Campaign;
use crate::plan::contents::Which;
use crate::plan::{Plan, matrix};
use crate::problem::Problems;
use serde_json::{Value, json};

/// The parts of the overview.
pub(super) struct Overview {
    /// One behind the other, with an empty line behind each.
    pub(super) text: String,
    /// What of it shows whether the lists were read right: for whoever has errors to mend first.
    pub(super) in_short: String,
    /// Names and values of the JSON object.
    pub(super) json: Vec<(&'static str, Value)>,
}

impl Overview {
    /// Where there is no plan.
    pub(super) fn none() -> Overview {
        let json = [
            ("lists", json!([])),
            ("audience", Value::Null),
            ("languages", json!([])),
            ("kinds", json!([])),
            ("kinds_total", json!(0)),
        ];
        let json = json.into_iter().chain([("documents", json!([]))]);
        Overview { text: String::new(), in_short: String::new(), json: json.collect() }
    }

    pub(super) fn of(
        shell: &Shell,
        campaign: &Campaign,
        plan: &Plan,
        pace: Option<String>,
        problems: &mut Problems,
    ) -> Overview {
        let materials = campaign.materials(shell.clock().date());
        let rows = matrix::matrix(&materials, &campaign.document_settings);
        matrix::note_unread(&materials, problems);
        let kinds = Kinds::of(campaign, plan);
        let documents = DocumentLines::of(&campaign.look_into_documents(Which::All, problems));
        let columns = terminal_columns();
        let people = &campaign.people;
        let lists = list_lines::as_text(&people.lists, columns_of_stdout());
        let all = [
            lists.clone(),
            numbers(audience::lines(people), columns) + &numbers(letters(plan, pace), columns),
            language_table(&rows, columns),
            documents.as_text(),
            kinds.as_text(columns),
        ];
        let later = format!(
            "{DIM}Languages, documents and kinds of letter are not shown yet: -v shows \
             them.{DIM:#}\n"
        );
        let in_short = [lists, numbers(audience::lines_in_short(people), columns), later];
        Overview {
            text: together(&all),
            in_short: together(&in_short),
            json: vec![
                ("lists", list_lines::as_json(&people.lists)),
                ("audience", audience::as_json(people)),
                ("languages", languages_as_json(&rows)),
                ("kinds", kinds.as_json()),
                ("kinds_total", json!(kinds.total())),
                ("documents", documents.as_json()),
            ],
        }
    }
}

/// Parts one behind the other, with an empty line behind each.
fn together(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).map(|part| format!("{part}\n")).collect()
}

/// Lines of numbers with their labels.
fn numbers(lines: Vec<(&'static str, String)>, columns: usize) -> String {
    let line = |(label, text): (&str, String)| {
        let label = padded(label, LABEL_COLUMNS);
        format!("{}\n", wrapped(&format!("{DIM}{label}{DIM:#}{text}"), columns, LABEL_COLUMNS))
    };
    lines.into_iter().map(line).collect()
}

/// What is to be said of the letters beside whom they go to: copies, how people are greeted, and how
/// long they take.
fn letters(plan: &Plan, pace: Option<String>) -> Vec<(&'static str, String)> {
    let lines = [
        ("copies", plan_screen::copies(plan)),
        ("greeting", plan_screen::greetings(plan)),
        ("pace", pace.unwrap_or_default()),
    ];
    lines.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// Columns of the labels at the left.
const LABEL_COLUMNS: usize = 11;
