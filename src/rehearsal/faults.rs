//! What a rehearsal does to a mailing: a plan of faults, by a seed.
//!
//! Owns who meets what, and the tally of what was done. The same seed and the same addresses give
//! the same faults; only what a kill catches under way depends on the computer.
//!
//! # Invariants
//! A fault that is not for good happens to a letter once, so that the mailing can come to its end.
//! After [`Faults::stop`] nothing more happens. Every fault after which a letter may be in doubt is
//! counted as such: the proof's bound is made of these.

use super::relay::BODY_MARKS;
use super::relay::script::{Action, At, Moment};
use super::seed::drawn;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Says(&'static [u8]),
    SaysAndCloses(&'static [u8]),
    Closes,
    Resets,
    Stalls,
    Waits(Duration),
    Trickles(Duration),
}

/// Whom a fault meets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meets {
    /// So many of a thousand recipients, each once.
    Recipients(u64),
    /// So many of a thousand recipients, as often as they are tried.
    RecipientsAlways(u64),
    /// One letter at most, of so many of a thousand.
    OneOf(u64),
    /// So many of a thousand transactions.
    Transactions(u64),
    /// This connection, from 1.
    Session(usize),
    /// This transaction, from 1.
    Transaction(usize),
}

/// One kind of fault.
#[derive(Debug)]
struct Kind {
    words: &'static str,
    at: At,
    does: Does,
    meets: Meets,
}

const fn kind(words: &'static str, at: At, does: Does, meets: Meets) -> Kind {
    Kind { words, at, does, meets }
}

const BEGINNING: At = At::Body(BODY_MARKS[0]);
const MIDDLE: At = At::Body(BODY_MARKS[1]);
const SLOW: Duration = Duration::from_millis(40);
const TRICKLE: Duration = Duration::from_millis(2);

use Does::{Closes, Resets, Says, SaysAndCloses, Stalls, Trickles, Waits};
use Meets::{OneOf, Recipients, RecipientsAlways, Session, Transaction, Transactions};

/// All faults, in the order of a conversation. A moment's first fault counts.
const KINDS: &[Kind] = &[
    kind("connection broken off before the greeting", At::Greeting, Resets, Session(2)),
    kind(
        "busy, come back later",
        At::Greeting,
        Says(b"421 4.3.0 busy, come back later\r\n"),
        Session(4),
    ),
    kind(
        "too many connections",
        At::Greeting,
        SaysAndCloses(b"432 4.3.2 Concurrent connections limit exceeded\r\n"),
        Session(6),
    ),
    kind("connection closed after our name", At::Hello, Closes, Session(8)),
    kind(
        "refused to talk to us",
        At::Greeting,
        SaysAndCloses(b"554 5.7.1 no service for you\r\n"),
        Session(11),
    ),
    kind(
        "sender refused",
        At::Mail,
        Says(b"550 5.7.1 this account may not write as that sender\r\n"),
        Transaction(40),
    ),
    kind("sender put off", At::Mail, Says(b"451 4.3.0 try again later\r\n"), Transactions(3)),
    kind("connection closed after the sender's name", At::Mail, Closes, Transactions(4)),
    kind(
        "refused for good: no such mailbox",
        At::Recipient,
        Says(b"550 5.1.1 no such mailbox\r\n"),
        RecipientsAlways(22),
    ),
    kind(
        "refused for good: address not accepted",
        At::Recipient,
        Says(b"553 5.1.3 mailbox name not allowed\r\n"),
        RecipientsAlways(6),
    ),
    kind(
        "put off at first (greylisting)",
        At::Recipient,
        Says(b"451 4.7.1 greylisted, please try again\r\n"),
        Recipients(40),
    ),
    kind(
        "put off: mailbox full",
        At::Recipient,
        Says(b"452 4.2.2 mailbox full\r\n"),
        Recipients(8),
    ),
    kind(
        "put off: too many letters",
        At::Recipient,
        Says(b"450 4.7.28 unusual rate of mail from this account\r\n"),
        OneOf(8),
    ),
    kind("nonsense in place of an answer", At::Recipient, Says(b"\xff\0what?\r\n"), Recipients(5)),
    kind("no answer at all", At::Recipient, Stalls, OneOf(10)),
    kind("answer byte by byte", At::Recipient, Trickles(TRICKLE), Recipients(12)),
    kind("connection closed after the address", At::Recipient, Closes, Recipients(6)),
    kind("connection broken off after the address", At::Recipient, Resets, Recipients(6)),
    kind("put off before the letter", At::Data, Says(b"451 4.3.0 not now\r\n"), Recipients(10)),
    kind("connection broken off before the letter", At::Data, Resets, Recipients(6)),
    kind("connection closed at the letter's first line", BEGINNING, Closes, Recipients(6)),
    kind("connection broken off inside the letter", MIDDLE, Resets, Recipients(8)),
    kind(
        "connection broken off before the last bytes were read",
        At::LastBytes,
        Resets,
        Recipients(4),
    ),
    kind(
        "letter put off after its last byte",
        At::EndOfMessage,
        Says(b"451 4.3.0 try again later\r\n"),
        Recipients(15),
    ),
    kind(
        "letter refused for good after its last byte",
        At::EndOfMessage,
        Says(b"554 5.6.0 message refused\r\n"),
        RecipientsAlways(4),
    ),
    kind("connection closed after the last byte", At::EndOfMessage, Closes, Recipients(4)),
    kind("no answer after the last byte", At::EndOfMessage, Stalls, OneOf(10)),
    kind(
        "asked for more after the last byte",
        At::EndOfMessage,
        Says(b"354 go on\r\n"),
        Recipients(3),
    ),
    kind(
        "letter taken, connection broken off in place of the answer",
        At::Accepted,
        Resets,
        Recipients(6),
    ),
    kind(
        "letter taken, half an answer",
        At::Accepted,
        SaysAndCloses(b"250 2.0.0 O"),
        Recipients(4),
    ),
    kind(
        "letter taken, nonsense in place of the answer",
        At::Accepted,
        Says(b"what?\r\n"),
        Recipients(3),
    ),
    kind(
        "letter taken, two answers at once",
        At::Accepted,
        Says(b"250 2.0.0 Ok\r\n550 5.1.1 nobody\r\n"),
        Recipients(4),
    ),
    kind(
        "letter taken, answer in foreign letters",
        At::Accepted,
        Says(b"250 2.0.0 angenommen f\xfcr Pr\xfcfung\r\n"),
        Recipients(8),
    ),
    kind("letter taken, slow answer", At::Accepted, Waits(SLOW), Recipients(20)),
];

/// Moments at which a run is killed, in turn.
const KILLED_AT: [At; 5] =
    [BEGINNING, At::Accepted, At::LastBytes, At::EndOfMessage, At::Recipient];

/// A fault plan at work.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    /// After how many letters each kill is due.
    kills: Vec<usize>,
    stopped: AtomicBool,
    state: Mutex<Doing>,
}

/// What has been done.
#[derive(Debug, Default)]
struct Doing {
    /// Kinds used up, by recipient.
    met: HashSet<(usize, String)>,
    tally: HashMap<usize, usize>,
    /// Letters that came as far as being taken.
    taken: usize,
    kills: usize,
}

/// What to do at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// As usual.
    Usual,
    /// A fault.
    Fault(Action),
    /// The run is to be killed now, with the relay holding its answer.
    KillHolding,
    /// The run is to be killed now, while everything goes on.
    Kill,
}

impl Faults {
    /// The plan of a seed for so many letters, with kills spread over them.
    #[must_use]
    pub fn new(seed: u64, letters: usize, kills: usize) -> Faults {
        let kills = kills.min(letters);
        let due = (0..kills).map(|n| (n + 1) * letters / (kills + 1)).collect();
        Faults { seed, kills: due, stopped: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Where the order of conversations begins with this seed.
    #[must_use]
    pub fn turn(&self) -> usize {
        (self.seed % 9) as usize
    }

    /// From now on nothing happens.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// What happens at this moment; takes note of it.
    #[must_use]
    pub fn at(&self, moment: &Moment<'_>) -> Step {
        if self.stopped.load(Ordering::SeqCst) {
            return Step::Usual;
        }
        let mut doing = self.doing();
        if let Some(kill) = self.kill_due(moment, &mut doing) {
            return kill;
        }
        let fault = KINDS.iter().enumerate().find(|(n, kind)| self.meets(*n, kind, moment, &doing));
        let Some((n, kind)) = fault else {
            doing.taken += usize::from(moment.at == At::Accepted);
            return Step::Usual;
        };
        doing.met.insert((n, moment.recipient.to_owned()));
        *doing.tally.entry(n).or_default() += 1;
        doing.taken += usize::from(moment.at == At::Accepted);
        Step::Fault(kind.action())
    }

    /// The next kill, where its letters are through and its moment has come.
    fn kill_due(&self, moment: &Moment<'_>, doing: &mut Doing) -> Option<Step> {
        let due = *self.kills.get(doing.kills)?;
        let at = KILLED_AT[doing.kills % KILLED_AT.len()];
        if doing.taken < due || moment.at != at {
            return None;
        }
        doing.kills += 1;
        doing.taken += usize::from(at == At::Accepted);
        // Every third kill is not waited for: it catches whatever is under way.
        Some(if doing.kills.is_multiple_of(3) { Step::Kill } else { Step::KillHolding })
    }

    fn meets(&self, n: usize, kind: &Kind, moment: &Moment<'_>, doing: &Doing) -> bool {
        if kind.at != moment.at {
            return false;
        }
        let drawn_by = |text: &str, of_thousand: u64| {
            drawn(self.seed, n as u64, text.as_bytes()) % 1_000 < of_thousand
        };
        let has_met = || doing.met.contains(&(n, moment.recipient.to_owned()));
        let was_done = || doing.tally.contains_key(&n);
        match kind.meets {
            Recipients(share) => drawn_by(moment.recipient, share) && !has_met(),
            RecipientsAlways(share) => drawn_by(moment.recipient, share),
            OneOf(share) => !was_done() && drawn_by(moment.recipient, share),
            Transactions(share) => drawn_by(&moment.transaction.to_string(), share),
            Session(wanted) => moment.session == wanted,
            Transaction(wanted) => moment.transaction == wanted,
        }
    }

    /// What was done, in words, in the order of a conversation, without what never happened.
    #[must_use]
    pub fn tally(&self) -> Vec<(&'static str, usize)> {
        let doing = self.doing();
        let counted = KINDS.iter().enumerate();
        counted.filter_map(|(n, k)| Some((k.words, *doing.tally.get(&n)?))).collect()
    }

    /// How many letters faults may have left in doubt: each broken connection or missing answer
    /// from the sender's name on, one.
    #[must_use]
    pub fn doubts(&self) -> usize {
        let doing = self.doing();
        let of_kind = |(n, kind): (usize, &Kind)| {
            let done = doing.tally.get(&n).copied().unwrap_or(0);
            if kind.may_leave_doubt() { done } else { 0 }
        };
        KINDS.iter().enumerate().map(of_kind).sum()
    }

    /// Addresses that were refused for good, by the plan alone.
    #[must_use]
    pub fn refuses_for_good(&self, recipient: &str) -> bool {
        let refuses = |(n, kind): (usize, &Kind)| match kind.meets {
            RecipientsAlways(share) => {
                drawn(self.seed, n as u64, recipient.as_bytes()) % 1_000 < share
            }
            _ => false,
        };
        KINDS.iter().enumerate().any(refuses)
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn action(&self) -> Action {
        match self.does {
            Says(bytes) => Action::Reply(bytes.to_vec()),
            SaysAndCloses(bytes) => Action::ReplyAndClose(bytes.to_vec()),
            Closes => Action::Close,
            Resets => Action::Reset,
            Stalls => Action::Stall,
            Waits(time) => Action::Wait(time),
            Trickles(pause) => Action::Trickle(pause),
        }
    }

    /// Whether the sending side may be left without a verdict on a letter.
    fn may_leave_doubt(&self) -> bool {
        let is_of_a_letter = self.at >= At::Mail;
        let is_verdict = |bytes: &[u8]| {
            bytes.ends_with(b"\n") && matches!(bytes.first(), Some(b'2' | b'4' | b'5'))
        };
        is_of_a_letter
            && match self.does {
                Says(bytes) | SaysAndCloses(bytes) => !is_verdict(bytes),
                Closes | Resets | Stalls => true,
                Waits(_) | Trickles(_) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENTS: [At; 9] = [
        At::Mail,
        At::Recipient,
        At::Data,
        BEGINNING,
        MIDDLE,
        At::LastBytes,
        At::EndOfMessage,
        At::Accepted,
        At::Reset,
    ];

    /// What 600 people meet in two rounds, each letter going on to its end whatever happens.
    fn story(faults: &Faults) -> Vec<(String, At, Step)> {
        let mut story = Vec::new();
        for transaction in 1..=1_200 {
            let recipient = format!("person-{:04}@town.example", transaction % 600);
            for at in MOMENTS {
                let moment = Moment { at, session: 1, transaction, recipient: &recipient };
                let step = faults.at(&moment);
                if step != Step::Usual {
                    story.push((recipient.clone(), at, step));
                }
            }
        }
        story
    }

    #[test]
    fn a_seed_tells_the_same_story_again_and_another_seed_another() {
        let one = story(&Faults::new(7, 600, 5));
        assert_eq!(one, story(&Faults::new(7, 600, 5)));
        assert_ne!(one, story(&Faults::new(8, 600, 5)));
    }

    #[test]
    fn a_fault_that_is_not_for_good_meets_a_letter_once() {
        let faults = Faults::new(7, 600, 0);
        let story = story(&faults);
        let mut seen = HashMap::<_, usize>::new();
        for (recipient, at, step) in &story {
            let Step::Fault(Action::Reply(bytes)) = step else { continue };
            if *at == At::Recipient && bytes.starts_with(b"451") {
                *seen.entry(recipient).or_default() += 1;
            }
        }
        assert!(seen.len() > 5 && seen.values().all(|n| *n == 1), "{seen:?}");
        let refused = |who: &&(String, At, Step)| faults.refuses_for_good(&who.0);
        assert!(story.iter().filter(refused).count() > 5);
    }

    #[test]
    fn every_stage_of_a_letter_meets_something_and_the_tally_tells_all() {
        let faults = Faults::new(7, 600, 0);
        let story = story(&faults);
        for at in &MOMENTS[..8] {
            assert!(story.iter().any(|(_, met, _)| met == at), "{at:?}");
        }
        let tally: usize = faults.tally().iter().map(|(_, n)| n).sum();
        assert_eq!(tally, story.len());
        assert!((1..tally).contains(&faults.doubts()), "{} of {tally}", faults.doubts());
    }

    #[test]
    fn kills_are_spread_over_the_letters_and_end_with_the_faults() {
        let faults = Faults::new(7, 600, 5);
        let kills =
            |(_, _, step): &&(String, At, Step)| matches!(step, Step::Kill | Step::KillHolding);
        assert_eq!(story(&faults).iter().filter(kills).count(), 5);
        let stopped = Faults::new(7, 600, 5);
        stopped.stop();
        assert_eq!((story(&stopped).len(), stopped.doubts()), (0, 0));
    }

    #[test]
    fn what_leaves_no_verdict_may_leave_doubt() {
        for kind in KINDS {
            let before_a_letter = kind.at < At::Mail;
            let (is_doubt, words) = (kind.may_leave_doubt(), kind.words);
            if words.contains("connection") || words.contains("no answer") {
                assert_eq!(is_doubt, !before_a_letter, "{words}");
            }
            if words.contains("put off") || words.contains("refused for good") {
                assert!(!is_doubt, "{words}");
            }
        }
    }
}
