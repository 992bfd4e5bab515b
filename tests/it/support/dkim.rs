//! Verifiers of DKIM signatures that nobody here wrote: dkimpy and OpenDKIM.
//!
//! Owns how they are asked without the network: keys are given to them as TXT records by name.
//!
//! # Failure
//! They are Debian's packages `python3-dkim` (with `python3-nacl` for Ed25519) and `opendkim`. Where
//! one is missing, it is said so loudly and there is no verdict; under `CI=true` it fails.

use super::skip;
use secretariat::message::dkim::KeyRecord;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the script for dkimpy stands.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/verify_dkim.py");

/// Verdicts of dkimpy: for each message one for each signature in it, the top one first.
pub fn dkimpy(messages: &[Vec<u8>], keys: &[KeyRecord]) -> Option<Vec<Vec<bool>>> {
    let Some(python) = python_with_dkim() else {
        skip("DKIM by dkimpy", "no python3 has dkim and nacl (Debian: python3-dkim, python3-nacl)");
        return None;
    };
    let (folder, files) = written(messages);
    let keys: BTreeMap<&str, &str> =
        keys.iter().map(|key| (key.name.as_str(), key.value.as_str())).collect();
    let errand = folder.path().join("errand.json");
    let text = serde_json::json!({"keys": keys, "files": files}).to_string();
    std::fs::write(&errand, text).expect("a temporary file");
    let mut command = Command::new(python);
    command.arg(SCRIPT).arg(&errand).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "dkimpy could not read the messages: {errors}");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints verdicts"))
}

/// Verdicts of OpenDKIM: whether it is content with each message.
pub fn opendkim(messages: &[Vec<u8>], keys: &[KeyRecord]) -> Option<Vec<bool>> {
    let found = Command::new("opendkim").arg("-V").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        skip("DKIM by OpenDKIM", "it is not installed (Debian: opendkim)");
        return None;
    }
    let (folder, files) = written(messages);
    let in_folder = |name: &str| folder.path().join(name);
    let mut published = String::new();
    for key in keys {
        writeln!(published, "{} {}", key.name, key.value).expect("a String takes all");
    }
    std::fs::write(in_folder("keys"), published).expect("a temporary file");
    let configuration = format!(
        "Mode v\nSyslog no\nTestPublicKeys {}\nSocket local:{}\nTemporaryDirectory {}\n",
        in_folder("keys").display(),
        in_folder("socket").display(),
        folder.path().display()
    );
    std::fs::write(in_folder("opendkim.conf"), configuration).expect("a temporary file");
    Some(files.iter().map(|file| is_content(&in_folder("opendkim.conf"), file)).collect())
}

fn is_content(configuration: &Path, message: &Path) -> bool {
    let mut command = Command::new("opendkim");
    command.arg("-x").arg(configuration).arg("-t").arg(message).stdin(Stdio::null());
    let output = command.output().expect("OpenDKIM runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let said: Vec<&str> = said.lines().filter(|line| line.contains("verification")).collect();
    // One line for the signature it judges; without one there was none that it could read.
    !said.is_empty() && said.iter().all(|line| line.ends_with("succeeded"))
}

/// The messages as files of a folder.
fn written(messages: &[Vec<u8>]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |(n, message): (usize, &Vec<u8>)| {
        let file = folder.path().join(format!("{n:04}.eml"));
        std::fs::write(&file, message).expect("a temporary file");
        file
    };
    let files = messages.iter().enumerate().map(write).collect();
    (folder, files)
}

/// A Python that has dkimpy: the system's own where another stands before it.
fn python_with_dkim() -> Option<&'static str> {
    let has_it = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import dkim, nacl.signing"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_it)
}
