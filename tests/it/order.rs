//! The order of things as the operating system sees it: the ledger's record of a letter is on the
//! drive before the letter's last bytes are on the wire.
//!
//! What was written where, and when it was synced, is strace's word; which bytes were a letter's
//! last is the relay's.

use crate::support::relay::Relay;
use crate::support::strace::{Call, is_usable, trace};
use crate::support::workspace::{Workspace, person};

/// Everything that writes or syncs.
const CALLS: &str =
    "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,fsync,fdatasync";

#[test]
fn a_letter_leaves_after_its_intent_is_on_the_drive() {
    if !is_usable() {
        return;
    }
    let ways = [
        ("one flight", ""),
        ("DATA by invitation", "disable = [\"CHUNKING\"]"),
        ("one step at a time", "disable = [\"CHUNKING\", \"PIPELINING\"]"),
        ("without PIPELINING", "disable = [\"PIPELINING\"]"),
    ];
    for (way, lines) in ways {
        for connections in [1, 3] {
            let relay = Relay::start();
            let people = 6;
            let workspace = Workspace::with_people(people)
                .relay_lines(&format!("connections = {connections}\n{lines}"))
                .relay(&relay);
            let plan = workspace.fingerprint();
            let arguments = ["send", "--plan", &plan, "--no-wait"];
            let (output, calls) = trace(&workspace, CALLS, &arguments);
            assert_eq!((output.code, relay.count()), (Some(0), people), "{way}: {output:#?}");
            for n in 1..=people {
                let message = &relay.bytes_for(&person(n))[0];
                let leaves = last_bytes(&calls, &relay, message);
                let synced = intent_synced(&calls, &person(n));
                assert!(
                    synced < leaves,
                    "{way}, {connections}: the last bytes of letter {n} left at {leaves}, its \
                     intent was on the drive at {synced}"
                );
            }
        }
    }
}

/// When the write began that carries a message's last octet.
fn last_bytes(calls: &[Call], relay: &Relay, message: &[u8]) -> usize {
    let port = relay.url().rsplit(':').next().expect("a port").to_owned();
    let peer = format!("->127.0.0.1:{port}]");
    let mut connections: Vec<&str> = calls.iter().map(|c| &*c.file).collect();
    connections.retain(|file| file.contains(&peer));
    connections.sort_unstable();
    connections.dedup();
    assert!(!connections.is_empty(), "nothing went to the relay");
    for connection in connections {
        let writes = || calls.iter().filter(|c| c.file == connection && c.returned > 0);
        let said: Vec<u8> = writes().flat_map(|c| c.octets.iter().copied()).collect();
        let Some(at) = said.windows(message.len()).position(|w| w == message) else { continue };
        let last = at + message.len() - 1;
        let mut so_far = 0;
        let carries = |c: &&Call| {
            so_far += c.octets.len();
            so_far > last
        };
        return writes().find(carries).expect("the octet was found in them").begun;
    }
    panic!("strace has not seen a message that the relay has");
}

/// When the first sync of the log ended that began after a letter's intent was written to it.
///
/// A row holds campaign, state, numbers and times, then the recipient's key, as `schema.rs` has
/// them; SQLite writes them one after the other.
fn intent_synced(calls: &[Call], address: &str) -> usize {
    let is_log = |c: &&Call| c.file.ends_with("/ledger.db-wal") && c.returned >= 0;
    let holds_intent = |c: &&Call| {
        let before = b"outcomeattempting";
        let key = address.as_bytes();
        let found = c.octets.windows(before.len()).enumerate().filter(|(_, w)| w == before);
        found.map(|(at, _)| at + before.len()).any(|at| {
            let numbers_and_key = &c.octets[at..c.octets.len().min(at + 48 + key.len())];
            let first = numbers_and_key.windows(7).position(|w| w == b"person-");
            first.is_some_and(|first| numbers_and_key[first..].starts_with(key))
        })
    };
    let log = || calls.iter().filter(is_log);
    let written = log().find(|c| c.name == "pwrite64" && holds_intent(c));
    let written = written.unwrap_or_else(|| panic!("no intent of {address} was written")).ended;
    let is_sync = |c: &&Call| c.name.starts_with('f') && c.begun > written && c.returned == 0;
    log().find(is_sync).map_or(usize::MAX, |c| c.ended)
}
