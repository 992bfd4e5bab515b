//! How each list was understood, as `check` tells it.
//!
//! Owns the lines and the JSON of `People::lists`.

use super::ui::{one_line, plural};
use crate::recipients::ListSummary;
use serde_json::{Value, json};

/// All lists, in order.
pub(super) fn as_text(lists: &[ListSummary]) -> String {
    lists.iter().map(list_as_text).collect()
}

/// All lists, in order.
pub(super) fn as_json(lists: &[ListSummary]) -> Value {
    lists.iter().map(list_as_json).collect()
}

/// How a list was understood, in two lines: five names show at once whether it was read right.
fn list_as_text(list: &ListSummary) -> String {
    let mut parts = vec![plural(list.rows as u64, "row")];
    parts.extend(list.encoding.map(str::to_owned));
    parts.extend(list.delimiter.map(str::to_owned));
    parts.extend(list.sheet.as_ref().map(|sheet| format!("sheet {}", one_line(sheet))));
    match list.header_row {
        // Where it is usually.
        Some(1) => {}
        Some(line) => parts.push(format!("names of columns on line {line}")),
        None => parts = vec!["not read".to_owned()],
    }
    let names: Vec<String> = list.names.iter().map(|name| one_line(name)).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!("    {}\n", names.join(" | ")),
    };
    format!("  {}: {}\n{names}", list.file, parts.join(", "))
}

fn list_as_json(list: &ListSummary) -> Value {
    let columns: serde_json::Map<String, Value> =
        list.columns.iter().map(|(role, header)| ((*role).to_owned(), json!(header))).collect();
    json!({
        "file": list.file,
        "encoding": list.encoding,
        "delimiter": list.delimiter,
        "sheet": list.sheet,
        "header_row": list.header_row,
        "rows": list.rows,
        "columns": columns,
        "names": list.names,
    })
}
