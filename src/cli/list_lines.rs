//! How each list was understood, as `check` tells it.
//!
//! Owns the lines and the JSON of `People::lists`.

use super::ui::{one_line, plural};
use super::wrapping::wrapped;
use crate::recipients::ListSummary;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

/// All lists, in order, in lines of so many columns.
pub(super) fn as_text(lists: &[ListSummary], columns: usize) -> String {
    lists.iter().map(|list| list_as_text(list, columns)).collect()
}

/// All lists, in order.
pub(super) fn as_json(lists: &[ListSummary]) -> Value {
    lists.iter().map(list_as_json).collect()
}

/// How a list was understood, in two lines: five names show at once whether it was read right.
fn list_as_text(list: &ListSummary, columns: usize) -> String {
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
    let about = wrapped(&format!("  {}: {}", list.file, parts.join(", ")), columns, 4);
    format!("{about}\n{}", names_in_lines(&list.names, columns))
}

/// `Ana Pérez | Bo Li`, a name never on two lines.
fn names_in_lines(names: &[String], columns: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for name in names.iter().map(|name| one_line(name)) {
        match lines.last_mut() {
            Some(line) if line.width() + " | ".len() + name.width() <= columns => {
                line.push_str(&format!(" | {name}"));
            }
            _ => lines.push(format!("    {name}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_on_two_lines() {
        let names = ["Ana María Pérez", "王芳", "Bo Li"].map(str::to_owned);
        assert_eq!(names_in_lines(&names, 26), "    Ana María Pérez | 王芳\n    Bo Li\n");
        assert_eq!(names_in_lines(&names, 10), "    Ana María Pérez\n    王芳\n    Bo Li\n");
        assert_eq!(names_in_lines(&[], 80), "");
    }
}
