//! `kill -9` at every named point, at every passing of it (`src/crash.rs`, feature `crash-points`).
//!
//! Owns the walk: which points, how often, and that none is left out. What is killed, and what must
//! hold then, is in `mailing.rs` for `send`, in `files.rs` for `send --hand-over` and in `orders.rs` for
//! what a person orders.

#[cfg(feature = "crash-points")]
mod files;
#[cfg(feature = "crash-points")]
mod mailing;
#[cfg(feature = "crash-points")]
mod orders;

/// The variable that arms a point.
const CRASH_AT: &str = "SECRETARIAT_CRASH_AT";

/// Every transaction of the ledger.
#[cfg(feature = "crash-points")]
const TRANSACTION: [&str; 3] =
    ["transaction-begun", "transaction-written", "transaction-committed"];

/// More passings than any command here has: every one of them is met under `tests/run --long`.
#[cfg(feature = "crash-points")]
const ALL: usize = 1_000;

/// Lets a command die at each point, at a later passing each time, until it does not die any more.
/// `dies` says whether it did; at its first passing it must. Without `--long` only these `few`
/// passings are met.
#[cfg(feature = "crash-points")]
fn walk(name: &str, points: &[&str], few: &[usize], mut dies: impl FnMut(&str) -> bool) {
    let is_long = crate::support::count(0, 1) == 1;
    let passings: Vec<usize> = if is_long { (1..=ALL).collect() } else { few.to_vec() };
    let begun = std::time::Instant::now();
    let mut deaths = 0;
    for point in points {
        let nth = passings.iter();
        let died = nth.take_while(|nth| dies(&format!("{point}:{nth}"))).count();
        assert!((1..ALL).contains(&died), "{name}: {point} is passed {died} times");
        deaths += died;
    }
    crate::support::say(&format!(
        "crash points, {name}: {deaths} deaths at {} points in {} s",
        points.len(),
        begun.elapsed().as_secs()
    ));
}

/// The points that stand in the code, in the list, and in the walks below are the same.
#[cfg(feature = "crash-points")]
#[test]
fn no_point_is_left_out() {
    use std::collections::BTreeSet;
    let listed: BTreeSet<&str> = secretariat::crash::POINTS.into();
    assert_eq!(listed.len(), secretariat::crash::POINTS.len(), "two points of one name");
    let walked: BTreeSet<&str> = {
        let walked = mailing::walked().chain(files::walked());
        walked.chain(orders::walked()).collect()
    };
    assert_eq!(walked, listed, "walked (left) and listed (right)");
    let text = sources();
    let calls = text.split("crash::point(\"").skip(1);
    let passed: BTreeSet<&str> = calls.filter_map(|after| after.split('"').next()).collect();
    assert_eq!(passed, listed, "in the code (left) and listed (right)");
}

/// All of `src/`.
fn sources() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = crate::support::workspace::files_under(&folder);
    let read = |name: &String| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    files.iter().filter(|name| name.ends_with(".rs")).map(read).collect()
}

/// What names the variable is not compiled without the feature, so nothing that uses it is; and
/// nobody has the feature who did not ask for it.
#[test]
fn without_the_feature_there_are_no_points() {
    let text = sources();
    let feature = "#[cfg(feature = \"crash-points\")]\n";
    for alone in [format!("pub const CRASH_AT: &str = \"{CRASH_AT}\""), "pub fn arm(".to_owned()] {
        let guarded = text.contains(&format!("{feature}{alone}"));
        assert!(guarded && text.matches(&alone).count() == 1, "{alone}");
    }
    assert_eq!(text.matches(CRASH_AT).count(), 1, "{CRASH_AT} is read in one place");
    let manifest = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    assert!(!manifest.contains("\ndefault = ["), "no feature comes by itself");
}

#[cfg(not(feature = "crash-points"))]
#[test]
fn a_build_without_the_feature_passes_the_variable_by() {
    use crate::support::{proof, relay::Relay, workspace::Workspace};
    let relay = Relay::start();
    let workspace = Workspace::with_people(2).relay(&relay).variable(CRASH_AT, "intended:1");
    assert_eq!(workspace.send().0, Some(0));
    proof::everybody_has_one(&relay, 2);
    let program = std::fs::read(env!("CARGO_BIN_EXE_secretariat")).expect("the program");
    let name = CRASH_AT.as_bytes();
    assert!(!program.windows(name.len()).any(|part| part == name), "the program knows {CRASH_AT}");
}
