//! What the program asks of the operating system, watched and refused by strace.
//!
//! Owns running the program under strace, reading what it wrote, and refusing system calls of a
//! program or of one of its threads. Debian's package `strace`.
//!
//! # Failure
//! Where strace is missing, or may not trace (some containers forbid it), [`is_usable`] says so
//! loudly; under `CI=true` it fails.

use super::workspace::{Output, Running, Workspace};
use super::{eventually, skip};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Whether strace can be used here; says so where it cannot.
pub fn is_usable() -> bool {
    static WHY_NOT: OnceLock<Option<String>> = OnceLock::new();
    let why_not = WHY_NOT.get_or_init(|| {
        let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        match traced {
            Err(_) => Some("it is not installed (Debian: strace)".to_owned()),
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(format!(
                "it may not trace here: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    });
    if let Some(why) = why_not {
        skip("faults of the machine by strace", why);
    }
    why_not.is_none()
}

/// A system call that ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its thread.
    pub thread: u32,
    /// Its rank among all that began.
    pub begun: usize,
    /// Its rank among all that ended; both ranks count on one scale.
    pub ended: usize,
    pub name: String,
    /// The file or connection of its first argument; empty where it has none.
    pub file: String,
    /// The octets it read or wrote; of a call that names a file, its path.
    pub octets: Vec<u8>,
    /// What it returned; below zero: it failed.
    pub returned: i64,
}

/// Runs the program and reads all its calls of these names, with all they wrote.
pub fn trace(workspace: &Workspace, names: &str, arguments: &[&str]) -> (Output, Vec<Call>) {
    let file = workspace.beside("strace.out");
    let to = file.to_string_lossy();
    let which = format!("trace={names}");
    let options = ["strace", "-f", "-yy", "-x", "-s", "1000000", "-o", &to, "-e", &which, "-e"];
    let output = workspace.run_under(&[&options[..], &["signal=none"]].concat(), arguments);
    let text = std::fs::read_to_string(&file).expect("strace wrote what it saw");
    (output, calls(&text))
}

/// Runs the program and refuses what `refusals` say (strace's `-e inject`), in every thread; gives
/// how many calls were refused.
pub fn run_refusing(
    workspace: &Workspace,
    refusals: &[String],
    arguments: &[&str],
) -> (Output, usize) {
    let file = workspace.beside("strace.out");
    let to = file.to_string_lossy();
    let mut options = vec!["strace", "-f", "-q", "-o", &to];
    options.extend(refusals.iter().map(String::as_str));
    let output = workspace.run_under(&options, arguments);
    (output, refused(&file))
}

/// How many calls strace says it refused.
fn refused(file: &Path) -> usize {
    let text = std::fs::read_to_string(file).expect("strace wrote what it saw");
    text.matches("(INJECTED)").count()
}

/// A thread that is watched; ends with it.
pub struct Watched {
    strace: Child,
    file: PathBuf,
}

impl Watched {
    /// Refuses what `refusals` say in the thread of this name of a program, from now on.
    pub fn thread(
        workspace: &Workspace,
        running: &Running,
        name: &str,
        refusals: &[String],
    ) -> Watched {
        let file = workspace.beside("strace.out");
        let mut thread = None;
        let found = eventually(Duration::from_secs(30), || {
            thread = thread_of(running.id(), name);
            thread.is_some()
        });
        assert!(found, "the program has no thread {name:?}");
        let thread = thread.expect("found");
        let strace = Command::new("strace")
            .args(["-q", "-o"])
            .arg(&file)
            .args(refusals)
            .args(["-p", &thread.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace starts");
        let status = format!("/proc/{}/task/{thread}/status", running.id());
        let is_traced = || {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
            tracer.is_some_and(|tracer| tracer.trim() != "0")
        };
        assert!(eventually(Duration::from_secs(30), is_traced), "strace traces the thread");
        Watched { strace, file }
    }

    /// How many calls were refused, once the program has ended.
    pub fn refused(mut self) -> usize {
        self.strace.wait().expect("our own child can be waited for");
        refused(&self.file)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It ends with its thread; where a test failed before that, now.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

fn thread_of(process: u32, name: &str) -> Option<u32> {
    let tasks =
        std::fs::read_dir(Path::new("/proc").join(process.to_string()).join("task")).ok()?;
    let is_it = |task: &std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    tasks.flatten().find(is_it)?.file_name().to_string_lossy().parse().ok()
}

/// What strace wrote with `-f`, as calls in the order in which they ended.
fn calls(text: &str) -> Vec<Call> {
    let mut open: HashMap<u32, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Ok(thread) = thread.parse() else { continue };
        let rest = rest.trim_start();
        if let Some(begin) = rest.strip_suffix("<unfinished ...>") {
            open.insert(thread, (at, begin.trim_end().to_owned()));
        } else if rest.starts_with("<... ") {
            let (_, end) = rest.split_once(" resumed>").expect("strace's own words");
            let (begun, begin) = open.remove(&thread).expect("what is resumed was begun");
            calls.extend(call(thread, begun, at, &(begin + end)));
        } else {
            calls.extend(call(thread, at, at, rest));
        }
    }
    calls
}

/// One call: `pwrite64(5</path>, "bytes", 4096, 32) = 4096`.
fn call(thread: u32, begun: usize, ended: usize, text: &str) -> Option<Call> {
    let (name, arguments) = text.split_once('(')?;
    let (arguments, returned) = arguments.rsplit_once(" = ")?;
    let returned = returned.split([' ', '<']).next()?.parse().ok()?;
    let first = arguments.split(',').next().unwrap_or_default();
    let file = first.split_once('<').map_or("", |(_, file)| file);
    let file = file.trim_end().trim_end_matches(')').trim_end_matches('>').to_owned();
    let mut octets = quoted(arguments);
    if name.contains("write") || name.starts_with("send") {
        octets.truncate(usize::try_from(returned).unwrap_or(0));
    }
    Some(Call { thread, begun, ended, name: name.to_owned(), file, octets, returned })
}

/// The octets of all strings in C's notation, in order.
fn quoted(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut bytes = text.bytes().peekable();
    let mut is_inside = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_inside = !is_inside,
            _ if !is_inside => {}
            b'\\' => match bytes.next().expect("an escape has a second character") {
                b'n' => octets.push(b'\n'),
                b'r' => octets.push(b'\r'),
                b't' => octets.push(b'\t'),
                b'v' => octets.push(0x0b),
                b'f' => octets.push(0x0c),
                b'x' => {
                    let mut digit = || char::from(bytes.next().expect("two digits")).to_digit(16);
                    let (high, low) = (digit().expect("hex"), digit().expect("hex"));
                    octets.push((high * 16 + low) as u8);
                }
                digit @ b'0'..=b'7' => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let Some(next) = bytes.next_if(|b| (b'0'..=b'7').contains(b)) else {
                            break;
                        };
                        value = value * 8 + u32::from(next - b'0');
                    }
                    octets.push(value as u8);
                }
                other => octets.push(other),
            },
            other => octets.push(other),
        }
    }
    octets
}
