//! The other foreign reader of mail: Python's `email`.
//!
//! # Failure
//! Where there is no `python3`, [`read_folder`] says so loudly and gives nothing; under `CI=true`
//! it fails.

use super::reader::Reading;
use std::path::Path;
use std::process::{Command, Output};

/// Where the script stands.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/read_messages.py");

/// Reads all `.eml` files of a folder with Python, sorted by name.
pub fn read_folder(folder: &Path) -> Option<Vec<Reading>> {
    let mut command = Command::new("python3");
    let output = ran(command.arg(SCRIPT).arg(folder))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Python could not read the messages: {errors}");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints what a reading is"))
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
