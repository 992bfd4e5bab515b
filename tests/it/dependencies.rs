//! What the program is built from: licences, sources, bans, and a reason for each direct one.
//!
//! Asks `cargo metadata --locked`, so what is checked is what is built. Advisories change without
//! us and need the network: they are a step of the release checklist.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Licences that ask for no more than to be named beside the program.
const LICENCES: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    // Asks only that changes to its own files stay open.
    "MPL-2.0",
    "Unicode-3.0",
    // The same, before it was renamed.
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Names that may not be in the tree, with the version's beginning where only that one is meant.
const BANNED: [(&str, &str); 6] = [
    ("openssl", ""),
    ("openssl-sys", ""),
    ("native-tls", ""),
    ("aws-lc-sys", ""),
    ("chrono", ""),
    ("tera", "1."),
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

const TABLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/decisions/0001-dependencies.md"));

#[test]
fn licences_sources_and_bans_hold_for_the_whole_tree() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("metadata has packages");
    assert!(packages.len() > 50, "metadata knows the whole tree");
    let found: Vec<String> = packages.iter().flat_map(findings).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_direct_dependency_has_its_line_and_every_line_its_dependency() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("metadata has packages");
    let own = packages.iter().find(|p| p["name"] == "secretariat").expect("our own package");
    let direct = own["dependencies"].as_array().expect("a list");
    let direct: BTreeSet<&str> = direct.iter().filter_map(|d| d["name"].as_str()).collect();
    assert_eq!(direct, lines(TABLE), "Cargo.toml (left) and docs/decisions/0001 (right) differ");
}

/// What is wrong with one package.
fn findings(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let version = package["version"].as_str().unwrap_or_default();
    let licence = package["license"].as_str().unwrap_or("no licence named");
    let mut found = Vec::new();
    if !is_allowed(licence) {
        found.push(format!("{name} {version}: licence {licence}"));
    }
    let is_ours = name == "secretariat" && package["source"].is_null();
    if !is_ours && package["source"] != REGISTRY {
        found.push(format!("{name} {version}: not from crates.io but {}", package["source"]));
    }
    if BANNED.iter().any(|(banned, start)| *banned == name && version.starts_with(start)) {
        found.push(format!("{name} {version}: banned, see docs/decisions/0001-dependencies.md"));
    }
    found
}

/// Whether an SPDX expression can be met with allowed licences alone.
///
/// `AND` binds tighter than `OR`; an exception (`WITH`) only gives more freedom. Parentheses occur
/// around one choice inside an `AND`.
fn is_allowed(expression: &str) -> bool {
    if let Some((before, rest)) = expression.split_once('(') {
        let Some((inside, after)) = rest.split_once(')') else { return false };
        let met = if is_allowed(inside) { "MIT" } else { "not allowed" };
        return is_allowed(&format!("{before}{met}{after}"));
    }
    // Old manifests write `MIT/Apache-2.0` for a choice.
    let choices = expression.split(" OR ").flat_map(|choice| choice.split('/'));
    let is_listed = |licence: &str| {
        let licence = licence.split(" WITH ").next().unwrap_or_default().trim();
        LICENCES.contains(&licence)
    };
    choices.into_iter().any(|choice| choice.split(" AND ").all(is_listed))
}

/// Names in the first column of the tables of a text.
fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// `cargo metadata`, offline if all packages are here, else with the registry.
fn metadata() -> Value {
    let ask = |offline: &[&str]| {
        Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(offline)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs")
    };
    let offline = ask(&["--offline"]);
    let output = if offline.status.success() { offline } else { ask(&[]) };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "try `cargo fetch --locked`: {errors}");
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

#[test]
fn a_bad_package_is_caught() {
    let package = |name: &str, version: &str, licence: &str, source: &str| {
        let id = [("name", name), ("version", version)];
        let rest = [("license", licence), ("source", source)];
        id.into_iter().chain(rest).map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<Value>()
    };
    let check = |package: &Value, wanted: &str| {
        let found = findings(package);
        assert!(found.len() == 1 && found[0].contains(wanted), "{found:?}");
    };
    check(&package("x", "1.0.0", "GPL-3.0", REGISTRY), "licence");
    check(&package("x", "1.0.0", "MIT AND GPL-2.0", REGISTRY), "licence");
    check(&package("x", "1.0.0", "MIT", "git+https://forge.example/x"), "not from crates.io");
    check(&package("tera", "1.20.1", "MIT", REGISTRY), "banned");
    check(&package("openssl", "0.10.0", "Apache-2.0", REGISTRY), "banned");
    assert_eq!(findings(&package("tera", "2.4.0", "MIT", REGISTRY)), [""; 0]);
}

#[test]
fn licence_expressions_are_read_as_spdx() {
    for met in ["MIT", "MIT/Apache-2.0", "GPL-2.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0"] {
        assert!(is_allowed(met), "{met}");
    }
    assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR MIT"));
    for unmet in ["GPL-2.0", "(GPL-2.0 OR AGPL-3.0) AND MIT", "MIT AND GPL-2.0", ""] {
        assert!(!is_allowed(unmet), "{unmet}");
    }
    assert_eq!(
        lines("| crate | job |\n|---|---|\n| `a-b` | x |\n| c |\n"),
        BTreeSet::from(["a-b"])
    );
}
