//! What all connections of a relay share: the script, the count, which rule applies.
//!
//! Owns the moment a message is counted and the using-up of rules. Nothing here touches a socket.

use super::script::{Action, At, Keeping, Moment, Rule, Script, Who};
use super::{Command, Received};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// A script, and how often each of its rules may still apply.
pub(super) struct Orders {
    pub(super) script: Script,
    left: Vec<Option<AtomicUsize>>,
}

/// What was accepted.
#[derive(Default)]
pub(super) struct Accepted {
    pub(super) messages: Vec<Received>,
    pub(super) by_address: HashMap<String, usize>,
    pub(super) count: usize,
}

pub(super) struct Shared {
    orders: RwLock<Arc<Orders>>,
    pub(super) accepted: Mutex<Accepted>,
    pub(super) commands: Mutex<Vec<Command>>,
    pub(super) violations: Mutex<Vec<String>>,
    pub(super) sessions: AtomicUsize,
    pub(super) open: AtomicUsize,
    pub(super) open_most: AtomicUsize,
    pub(super) transactions: AtomicUsize,
    pub(super) stopped: Arc<AtomicBool>,
}

impl Orders {
    fn new(script: Script) -> Orders {
        let left = script.rules.iter().map(|rule| rule.times.map(AtomicUsize::new)).collect();
        Orders { script, left }
    }

    /// The action at this moment: the chooser's, else that of the first rule that applies, which
    /// uses up one of its times.
    pub(super) fn action(&self, moment: &Moment<'_>) -> Option<Action> {
        if let Some(action) = self.script.chooser.as_ref().and_then(|choose| choose(moment)) {
            return Some(action);
        }
        let mut rules = self.script.rules.iter().zip(&self.left);
        let applies = |(rule, left): &(&Rule, &Option<AtomicUsize>)| {
            rule.at == moment.at && rule.who.is_met(moment) && use_one(left.as_ref())
        };
        rules.find(applies).map(|(rule, _)| rule.action.clone())
    }
}

/// Whether a rule may still apply; uses up one of its times.
fn use_one(left: Option<&AtomicUsize>) -> bool {
    let Some(left) = left else { return true };
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

impl Who {
    fn is_met(&self, moment: &Moment<'_>) -> bool {
        match self {
            Who::Anyone => true,
            Who::Local(wanted) => wanted == moment.local(),
            Who::Transaction(wanted) => *wanted == moment.transaction,
            Who::Session(wanted) => *wanted == moment.session,
        }
    }
}

impl Shared {
    pub(super) fn new(script: Script) -> Shared {
        Shared {
            orders: RwLock::new(Arc::new(Orders::new(script))),
            accepted: Mutex::default(),
            commands: Mutex::default(),
            violations: Mutex::default(),
            sessions: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            open_most: AtomicUsize::new(0),
            transactions: AtomicUsize::new(0),
            stopped: Arc::new(AtomicBool::new(false)),
        }
    }

    /// The script of now.
    pub(super) fn orders(&self) -> Arc<Orders> {
        Arc::clone(&self.orders.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change(&self, script: Script) {
        let orders = Arc::new(Orders::new(script));
        *self.orders.write().unwrap_or_else(PoisonError::into_inner) = orders;
    }

    pub(super) fn violation(&self, session: usize, what: &str) {
        lock(&self.violations).push(format!("connection {session}: {what}"));
    }

    /// Counts a message, unless there were enough already; whether it was counted.
    pub(super) fn accept(&self, keeping: Keeping, most: Option<usize>, message: Received) -> bool {
        let mut accepted = lock(&self.accepted);
        if most.is_some_and(|most| accepted.count >= most) {
            return false;
        }
        accepted.count += 1;
        for path in &message.forward_paths {
            match accepted.by_address.get_mut(path) {
                Some(count) => *count += 1,
                None => drop(accepted.by_address.insert(path.clone(), 1)),
            }
        }
        if keeping > Keeping::Counts {
            accepted.messages.push(message);
        }
        true
    }

    /// At which octets of a message the script has something to say.
    pub(super) fn body_marks(orders: &Orders) -> Vec<usize> {
        let rules = orders.script.rules.iter().filter_map(|rule| match rule.at {
            At::Body(octets) => Some(octets),
            _ => None,
        });
        let chosen = orders.script.chooser.iter().flat_map(|_| super::BODY_MARKS);
        let mut marks: Vec<usize> = rules.chain(chosen).collect();
        marks.sort_unstable();
        marks.dedup();
        marks
    }
}

/// A thread that failed must not hide what the relay has counted.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
