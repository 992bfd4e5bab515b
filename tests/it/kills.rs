//! `send` killed at random, again and again, until the mailing is over.
//!
//! A relay that takes its time counts what it has accepted; after every kill the ledger is held
//! against that count, and the command is repeated. What is drawn follows from the seed; what it
//! meets depends on the computer.

use crate::support::relay::Relay;
use crate::support::relay::script::{Keeping, Script};
use crate::support::workspace::{Running, Workspace};
use crate::support::{count, proof, say, seed};
use secretariat::id::Digest;
use secretariat::ledger::State;
use secretariat::rehearsal::proof::{self as promises, Claim};
use secretariat::rehearsal::seed::drawn;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 4;
/// How long the relay takes over a letter: most kills then meet letters under way.
const RELAY_DELAY: Duration = Duration::from_millis(4);
/// How much later than its letter a kill may come: about one letter's whole way.
const SPREAD_MICROS: u64 = 7_000;

/// A mailing that is killed.
struct Mailing {
    workspace: Workspace,
    relay: Relay,
    people: usize,
    plan: String,
    seed: u64,
    /// From the start of a run to the first connection, as it was lately.
    start: Duration,
}

impl Mailing {
    fn new(people: usize, seed: u64) -> Mailing {
        let script = Script::new().delay(RELAY_DELAY).keeping(Keeping::Digests);
        let relay = Relay::with(script);
        let workspace = Workspace::with_people(people)
            .relay_lines(&format!("connections = {CONNECTIONS}"))
            .relay(&relay);
        let plan = workspace.fingerprint();
        Mailing { workspace, relay, people, plan, seed, start: Duration::from_millis(50) }
    }

    fn claims(&self) -> Vec<Claim> {
        proof::claims_left_in(&self.workspace.path().join(".secretariat"), self.people)
    }

    fn send(&self) -> Running {
        self.workspace.spawn(&["send", "--plan", &self.plan, "--no-wait", "--format", "json"])
    }

    fn draw(&self, kill: usize, about: &str, below: u64) -> u64 {
        drawn(self.seed, kill as u64, about.as_bytes()) % below.max(1)
    }

    /// One run, killed: one in four before its first letter, the others after some. `open` letters
    /// are left for `kills_left` kills, and none of these may find the mailing over.
    fn run_and_kill(&mut self, kill: usize, open: usize, kills_left: usize) -> bool {
        let share = open / kills_left;
        let (sessions, had) = (self.relay.sessions(), self.relay.count());
        let begun = Instant::now();
        let mut running = self.send();
        if share < CONNECTIONS || self.draw(kill, "early", 4) == 0 {
            // Where letters are scarce none may go, however fast this start is.
            let within = self.start * share.min(CONNECTIONS) as u32 / CONNECTIONS as u32;
            let within = within.as_micros() as u64;
            std::thread::sleep(Duration::from_micros(self.draw(kill, "moment", within)));
        } else {
            let most = 2 * (share * 4 / 3).saturating_sub(CONNECTIONS);
            let most = most.min(open.saturating_sub(4 * CONNECTIONS)) as u64;
            let goal = had + self.draw(kill, "letters", most + 1) as usize;
            wait(&mut running, || self.relay.sessions() > sessions);
            self.start = (self.start * 3 + begun.elapsed()) / 4;
            wait(&mut running, || self.relay.count() >= goal);
            std::thread::sleep(Duration::from_micros(self.draw(kill, "moment", SPREAD_MICROS)));
        }
        running.kill().code.is_none()
    }
}

/// Waits for something of a run, or for its end.
fn wait(running: &mut Running, holds: impl Fn() -> bool) {
    while !holds() && !running.has_ended() {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The messages of a dry run, by address.
fn previewed(workspace: &Workspace) -> BTreeMap<String, Vec<Digest>> {
    let files = crate::support::reader::eml_files(&workspace.dry_run_out("previewed"));
    let address = |name: &str| name[7..].trim_end_matches(".eml").to_owned();
    files.into_iter().map(|(name, bytes)| (address(&name), vec![Digest::of(&bytes)])).collect()
}

#[test]
fn killed_at_random_nobody_gets_two_and_nobody_is_missed() {
    let (kills, people, seed) = (count(40, 500), count(400, 2_000), seed());
    println!("SECRETARIAT_TEST_SEED={seed}");
    let begun = Instant::now();
    let mut mailing = Mailing::new(people, seed);
    let (mut killed, mut under_way, mut claims) = (0, 0, Vec::new());
    for kill in 1..=kills {
        let settled =
            proof::number_of(&claims, &[State::Accepted, State::Attempting, State::Uncertain]);
        let dies = mailing.run_and_kill(kill, people - settled, kills - kill + 1);
        killed += usize::from(dies);
        let what = format!("seed {seed}, kill {kill}");
        let found = check_kill(&mailing, &claims, killed, &what);
        // A run killed before its first letter leaves what the one before it left.
        let met = found != claims && proof::number_of(&found, &[State::Attempting]) > 0;
        under_way += usize::from(met);
        claims = found;
    }
    assert!(killed * 10 >= kills * 9, "only {killed} of {kills} runs were killed in time");
    let uncertain = finish(&mailing, killed);
    let lost = mailing.people - mailing.relay.count();
    say(&format!(
        "random kills: seed {seed}, {killed} kills over {people} letters on {CONNECTIONS} connections in \
         {} s, {under_way} with letters under way: nobody twice, {uncertain} uncertain, of which \
         the relay has not got {lost}",
        begun.elapsed().as_secs()
    ));
}

/// What must hold after each kill; `before`: what the ledger said after the one before.
fn check_kill(mailing: &Mailing, before: &[Claim], killed: usize, what: &str) -> Vec<Claim> {
    let claims = mailing.claims();
    proof::hold(&claims, &mailing.relay, killed * CONNECTIONS, what);
    let under_way = proof::number_of(&claims, &[State::Attempting]);
    assert!(under_way <= CONNECTIONS, "{what}: {under_way} letters under way");
    let doubtful = [State::Attempting, State::Uncertain];
    let uncertain = proof::number_of(&claims, &[State::Uncertain]);
    let known = proof::number_of(before, &doubtful);
    assert!(uncertain <= known, "{what}: {uncertain} in doubt, {known} can be");
    let has_got = |claims: &[Claim]| proof::number_of(claims, &[State::Accepted]);
    assert!(has_got(&claims) >= has_got(before), "{what}: who had a letter has it");
    claims
}

/// Without more kills: everything is settled, but for what is in doubt. Gives how many those are.
fn finish(mailing: &Mailing, killed: usize) -> usize {
    let what = format!("seed {}, the end", mailing.seed);
    let output = mailing.send().wait();
    let claims = mailing.claims();
    proof::hold(&claims, &mailing.relay, killed * CONNECTIONS, &what);
    assert_eq!(promises::finished(&claims), [], "I8: {what}: {output:#?}");
    let previewed = previewed(&mailing.workspace);
    assert_eq!(promises::bytes(&previewed, &mailing.relay.messages()), [], "I6: {what}");
    let uncertain = proof::number_of(&claims, &[State::Uncertain]);
    let accepted = proof::number_of(&claims, &[State::Accepted]);
    assert_eq!(accepted + uncertain, mailing.people, "{what}");
    assert_eq!(output.code, Some(i32::from(uncertain > 0)), "{what}: {output:#?}");
    let counts = proof::counts(&mailing.workspace);
    assert_eq!((counts["accepted"], counts["uncertain"]), (accepted as u64, uncertain as u64));
    uncertain
}
