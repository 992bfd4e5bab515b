//! The other foreign reader of mail, Python's `email`, and one of HTML, its `html.parser`.
//!
//! # Failure
//! Where there is no `python3`, [`read_folder`] says so loudly and gives nothing; under `CI=true`
//! it fails.

use super::reader::Reading;
use std::path::Path;
use std::process::{Command, Output};

/// Where the script stands.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/read_messages.py");

/// Where the one for HTML stands.
const HTML_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/read_html.py");

/// Reads all `.eml` files of a folder with Python, sorted by name.
pub fn read_folder(folder: &Path) -> Option<Vec<Reading>> {
    let mut command = Command::new("python3");
    let output = ran(command.arg(SCRIPT).arg(folder))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Python could not read the messages: {errors}");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints what a reading is"))
}

/// What a foreign parser finds in a piece of HTML.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Page {
    /// Beginnings with the names of their attributes, and ends, in order.
    pub elements: Vec<String>,
    /// Values of `href`, `src` and `action`.
    pub targets: Vec<String>,
    /// Values of `title`, `alt` and the like.
    pub values: Vec<String>,
    /// All text.
    pub text: String,
}

/// Reads pieces of HTML with Python's parser, in order.
pub fn read_html(pages: &[String]) -> Option<Vec<Page>> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    serde_json::to_writer(&file, pages).expect("texts are JSON");
    let output = ran(Command::new("python3").arg(HTML_SCRIPT).arg(file.path()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Python could not read the pages: {errors}");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints what a page is"))
}

/// Runs a piece of Python; absent where there is none.
pub fn run(source: &str, arguments: &[&str]) -> Option<Output> {
    ran(Command::new("python3").arg("-c").arg(source).args(arguments))
}

fn ran(command: &mut Command) -> Option<Output> {
    // Python's bytecode must not be left beside the script.
    match command.env("PYTHONDONTWRITEBYTECODE", "1").output() {
        Ok(output) => Some(output),
        Err(e) => {
            super::skip("reading messages with Python", &format!("python3: {e}"));
            None
        }
    }
}
