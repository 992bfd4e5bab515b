//! A drive that fails: each write, sync, rename and new folder of a run refused in turn, by strace.
//!
//! Whatever is refused, and whether once or from then on: one clear message, no letter lost, none
//! doubled, nothing called recorded that is not, and the next run finishes what is left.
//!
//! A count of system calls is one thread's. So the refusals are tried twice: in every thread, which
//! meets what happens before the first letter; and in the ledger's writing thread alone, which
//! meets every letter's intent and record.

use crate::support::relay::Relay;
use crate::support::relay::script::{At, Script};
use crate::support::strace::{Call, Watched, is_usable, run_refusing, trace};
use crate::support::workspace::{Output, Workspace, pdf, person};
use crate::support::{count, proof};
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};

/// Enough for intents and records that share a commit and such that do not.
pub const PEOPLE: usize = 4;
const CONNECTIONS: usize = 2;

/// What is refused.
#[derive(Clone, Copy)]
struct Refusal {
    /// The system call.
    call: &'static str,
    /// What the system says.
    error: &'static str,
    /// From the n-th call on, as a full drive does; else that one alone.
    for_good: bool,
    /// Only for the ledger's own files: the call is also made where its failure ends any program.
    of_ledger: bool,
}

const fn once(call: &'static str, error: &'static str) -> Refusal {
    Refusal { call, error, for_good: false, of_ledger: false }
}

const fn for_good(call: &'static str, error: &'static str) -> Refusal {
    Refusal { for_good: true, ..once(call, error) }
}

const fn of_ledger(refusal: Refusal) -> Refusal {
    Refusal { of_ledger: true, ..refusal }
}

/// What stands beside each other in the ledger's folder.
const FILES: [&str; 5] = ["ledger.db", "ledger.db-wal", "ledger.db-shm", "lock", "lock.holder"];

impl Refusal {
    /// strace's words for it, from the `n`-th call.
    fn options(self, n: usize, workspace: &Workspace) -> Vec<String> {
        let Refusal { call, error, for_good, of_ledger } = self;
        let more = if for_good { "+" } else { "" };
        let inject = format!("inject={call}:error={error}:when={n}{more}");
        let mut options = vec!["-e".to_owned(), format!("trace={call}"), "-e".to_owned(), inject];
        let folder = workspace.path().join(".secretariat");
        for file in FILES.iter().filter(|_| of_ledger) {
            options.extend(["-P".to_owned(), folder.join(file).to_string_lossy().into_owned()]);
        }
        options
    }

    /// How often a thread makes the call.
    fn count(self, calls: &[Call], thread: u32) -> usize {
        let is_ours = |path: &str| FILES.iter().any(|f| path.ends_with(&format!("/{f}")));
        let is_it = |c: &&Call| {
            let named = String::from_utf8_lossy(&c.octets);
            let is_ours = || is_ours(&c.file) || (c.name == "openat" && is_ours(&named));
            c.thread == thread && c.name == self.call && (!self.of_ledger || is_ours())
        };
        calls.iter().filter(is_it).count()
    }
}

#[test]
fn a_write_that_fails_before_the_letters_loses_nothing() {
    refused_anywhere(&[for_good("pwrite64", "ENOSPC"), once("pwrite64", "EIO")]);
}

#[test]
fn a_sync_that_fails_before_the_letters_loses_nothing() {
    refused_anywhere(&[once("fsync", "EIO"), for_good("fsync", "ENOSPC")]);
}

#[test]
fn a_name_that_cannot_be_made_before_the_letters_loses_nothing() {
    refused_anywhere(&[
        for_good("mkdir", "ENOSPC"),
        once("rename", "EIO"),
        once("ftruncate", "EIO"),
        once("unlink", "EIO"),
        for_good("unlink", "EROFS"),
    ]);
}

#[test]
fn a_file_of_the_ledger_that_cannot_be_opened_loses_nothing() {
    refused_anywhere(&[
        of_ledger(for_good("openat", "ENOSPC")),
        of_ledger(once("openat", "EIO")),
        of_ledger(once("write", "ENOSPC")),
    ]);
}

#[test]
fn a_write_that_fails_among_the_letters_loses_nothing() {
    refused_in_the_writer(&[for_good("pwrite64", "ENOSPC"), once("pwrite64", "EIO")]);
}

#[test]
fn a_sync_that_fails_among_the_letters_is_not_tried_again_and_called_good() {
    refused_in_the_writer(&[once("fsync", "EIO"), for_good("fsync", "ENOSPC")]);
}

/// In every thread, each for itself.
fn refused_anywhere(refusals: &[Refusal]) {
    if !is_usable() {
        return;
    }
    let seen = seen();
    for refusal in refusals {
        let threads: BTreeSet<u32> = seen.iter().map(|c| c.thread).collect();
        let all = threads.iter().map(|t| refusal.count(&seen, *t)).max().unwrap_or(0);
        assert!(all > 0, "{} is never called", refusal.call);
        for n in spread(all) {
            let (workspace, relay) = mailing(Script::new());
            let plan = workspace.fingerprint();
            let arguments = ["send", "--plan", &plan, "--no-wait"];
            let options = refusal.options(n, &workspace);
            let (output, refused) = run_refusing(&workspace, &options, &arguments);
            let what = words(*refusal, n, all);
            assert!(refused > 0 || n > 1, "{what}: nothing was refused");
            check(&what, &workspace, &relay, &output);
        }
    }
}

/// In the thread that writes the ledger, from the first letter on.
fn refused_in_the_writer(refusals: &[Refusal]) {
    if !is_usable() {
        return;
    }
    let seen = seen();
    let is_intent = |c: &&Call| c.octets.windows(17).any(|w| w == b"outcomeattempting");
    let writer = seen.iter().find(is_intent).expect("an intent is written").thread;
    for refusal in refusals {
        let all = refusal.count(&seen, writer);
        assert!(all > 0, "{} is never called", refusal.call);
        for n in spread(all) {
            let gate = Gate::default();
            let (workspace, relay) = mailing(gate.script());
            let plan = workspace.fingerprint();
            let running = workspace.spawn(&["send", "--plan", &plan, "--no-wait"]);
            let options = refusal.options(n, &workspace);
            let watched = Watched::thread(&workspace, &running, "ledger", &options);
            gate.open();
            let output = running.wait();
            let (what, refused) = (words(*refusal, n, all), watched.refused());
            assert!(refused > 0 || n > 1, "{what}: nothing was refused");
            // What this thread writes and syncs are records: none that failed is called good.
            assert_eq!(refused > 0, output.code != Some(0), "{what}: {output:#?}");
            check(&what, &workspace, &relay, &output);
        }
    }
}

fn words(refusal: Refusal, n: usize, all: usize) -> String {
    let Refusal { call, error, for_good, .. } = refusal;
    let more = if for_good { " and all after it" } else { "" };
    format!("{call} number {n} of {all}{more}: {error}")
}

/// A mailing to [`PEOPLE`] with a document.
pub fn mailing(script: Script) -> (Workspace, Relay) {
    let relay = Relay::with(script);
    let workspace = Workspace::with_people(PEOPLE)
        .attachment("statement.en.pdf", pdf(20_000, 1))
        .relay_lines(&format!("connections = {CONNECTIONS}"))
        .relay(&relay);
    (workspace, relay)
}

/// The calls of a mailing that nothing refuses.
fn seen() -> Vec<Call> {
    let (workspace, _relay) = mailing(Script::new());
    let plan = workspace.fingerprint();
    let names = "pwrite64,fsync,mkdir,rename,ftruncate,unlink,openat,write";
    let (output, calls) = trace(&workspace, names, &["send", "--plan", &plan, "--no-wait"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    calls
}

/// Some of 1 to one beyond `all`, with both ends; all of them in a long run.
fn spread(all: usize) -> Vec<usize> {
    let wanted = count(4, usize::MAX).min(all + 1);
    let mut chosen: Vec<usize> = (0..wanted).map(|i| 1 + i * all / (wanted - 1).max(1)).collect();
    chosen.dedup();
    chosen
}

/// What must hold after a drive failed, and after it has been mended.
#[track_caller]
pub fn check(what: &str, workspace: &Workspace, relay: &Relay, output: &Output) {
    check_ending(what, relay, output);
    let (_, status) = workspace.run_json(&["status"]);
    let total = proof::counts_of(&status)["total"];
    // Where the plan could not be written down there is nobody to ask about.
    if total > 0 {
        // The first plan is written without a log; letters are not. Where a log cannot be removed,
        // it is used again, and the file does not say so before it was copied.
        let header = std::fs::read(workspace.path().join(".secretariat/ledger.db")).expect("it");
        let keeps_log = header[18..20] == [2, 2] || what.starts_with("unlink");
        assert!(keeps_log || relay.count() == 0, "{what}: letters went without a log");
        let states = proof::check(workspace, relay, PEOPLE, CONNECTIONS);
        for (address, state) in &states {
            // The relay has it and the ledger does not know: then the officer must.
            let is_unknown = state == "attempting" && relay.bytes_for(address).len() == 1;
            let said = |words: &str| output.stderr.contains(words);
            let is_said = said(address) && said("queued as");
            assert!(!is_unknown || is_said, "{what}: nobody knows of {address}: {output:#?}");
        }
    } else {
        assert_eq!(relay.count(), 0, "{what}: sent without a plan: {output:#?}");
    }
    check_next(what, workspace, relay);
}

/// The exit code of the contract, and messages that say what, where, and what to do next.
#[track_caller]
fn check_ending(what: &str, relay: &Relay, output: &Output) {
    let Output { code, stderr, .. } = output;
    assert!(matches!(code, Some(0 | 3 | 4)), "{what}: {output:#?}");
    assert_eq!(*code == Some(3), relay.count() == 0, "{what}: 3 says nothing went: {output:#?}");
    assert!(!stderr.contains("panicked"), "{what}: {output:#?}");
    let lines: Vec<&str> = stderr.lines().collect();
    let is_error = |line: &&str| line.starts_with("error: ");
    let answers = |line: &&str| line.contains("the mail server's answer for ");
    let errors: Vec<&str> = lines.iter().copied().filter(is_error).collect();
    if *code == Some(0) {
        assert_eq!(errors, [""; 0], "{what}: all is well: {output:#?}");
        assert_eq!(relay.count(), PEOPLE, "{what}: all is well: {output:#?}");
        return;
    }
    let plain = errors.iter().filter(|line| !answers(line)).count();
    assert!(!errors.is_empty() && plain <= 1, "{what}: one message: {output:#?}");
    let hints = lines.iter().filter(|line| line.starts_with("  = ")).count();
    assert!(hints >= errors.len(), "{what}: says what to do next: {output:#?}");
    let names_it = |line: &&str| line.contains("/workspace/") || line.contains("/state/");
    assert!(errors.iter().any(names_it), "{what}: says where: {output:#?}");
}

/// Sends again with a drive that works, and settles what is in doubt as the relay has it.
#[track_caller]
fn check_next(what: &str, workspace: &Workspace, relay: &Relay) {
    let (code, json) = workspace.send();
    let counts = proof::counts_of(&json);
    let doubted = counts["uncertain"];
    assert_eq!(code, Some(i32::from(doubted > 0)), "{what}: the next run: {json:#}");
    assert_eq!(counts["accepted"] + doubted, PEOPLE as u64, "{what}: nobody waits: {json:#}");
    assert!(doubted <= CONNECTIONS as u64, "{what}: {json:#}");
    for (address, state) in proof::check(workspace, relay, PEOPLE, CONNECTIONS) {
        if state == "uncertain" {
            let has_it = !relay.bytes_for(&address).is_empty();
            let how = if has_it { "--accepted" } else { "--resend" };
            let settled = workspace.run(&["resolve", &address, how, "--reason", "the relay's log"]);
            assert_eq!(settled.code, Some(0), "{what}: {settled:#?}");
        }
    }
    if doubted > 0 {
        let (code, json) = workspace.send();
        assert_eq!(code, Some(0), "{what}: the run after it was settled: {json:#}");
    }
    proof::everybody_has_one(relay, PEOPLE);
    for n in 1..=PEOPLE {
        assert_eq!(relay.bytes_for(&person(n)).len(), 1, "{what}");
    }
}

/// A relay that greets nobody until it is told to: time to begin watching a thread.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn script(&self) -> Script {
        let gate = self.clone();
        Script::new().choosing(move |moment| {
            if moment.at == At::Greeting {
                gate.wait();
            }
            None
        })
    }

    fn wait(&self) {
        let (is_open, opened) = &*self.0;
        let closed = is_open.lock().expect("nobody panics with it");
        drop(opened.wait_while(closed, |open| !*open).expect("nobody panics with it"));
    }

    fn open(&self) {
        let (is_open, opened) = &*self.0;
        *is_open.lock().expect("nobody panics with it") = true;
        opened.notify_all();
    }
}
