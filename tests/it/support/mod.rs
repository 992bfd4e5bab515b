//! What the tests stand on: a workspace that speaks our words, relays, and foreign readers of mail.
//!
//! Owns no expectation: what is right is said in the tests. Everything here is made for one test
//! and gone after it: folders, ports, processes.

pub mod certificates;
#[cfg(unix)]
pub mod dkim;
pub mod name_server;
pub mod pdf;
pub mod postfix;
pub mod proof;
pub mod provider;
pub mod python;
pub mod reader;
pub mod relay;
#[cfg(target_os = "linux")]
pub mod sheet;
#[cfg(unix)]
pub mod spamassassin;
pub mod strace;
pub mod workspace;

use std::io::Write;
use std::time::{Duration, Instant};

/// A count for this run: the small one, or the full one under `tests/run --long`.
pub fn count(small: usize, long: usize) -> usize {
    if std::env::var_os("SECRETARIAT_TEST_LONG").is_some_and(|v| v == "1") { long } else { small }
}

/// The seed of a test that draws: another each time, or the one of `SECRETARIAT_TEST_SEED`.
pub fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    seed_or(u64::from(now.expect("a clock after 1970").subsec_nanos()))
}

/// The seed that somebody wants again, else this one.
pub fn seed_or(usual: u64) -> u64 {
    let given = std::env::var("SECRETARIAT_TEST_SEED").ok().filter(|text| !text.is_empty());
    given.map_or(usual, |text| text.parse().expect("SECRETARIAT_TEST_SEED is a number"))
}

/// Says a line that is seen also when the test passes.
pub fn say(line: &str) {
    let line = format!("\n{line}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
}

/// Waits until something holds; whether it came to hold in time.
pub fn eventually(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if start.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Says so that nobody overlooks it that a test could not run here; under `CI=true` it fails.
///
/// Written to the real standard error: what `eprintln!` writes is hidden when a test passes.
pub fn skip(what: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} must run under CI: {why}");
    say(&format!("*** SKIPPED: {what}: {why}"));
}

/// Whether this process is root's: Postfix and smtp-sink as root need that.
pub fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
