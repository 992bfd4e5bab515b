//! Tests of intents and records.

use super::*;
use crate::ledger::LockError;
use crate::ledger::testing::{answered, bring, campaign, id, later, ledger, now, state};
use std::sync::Barrier;
use std::thread;

/// A ledger whose `ana` is in this state, whether or not there is a way to it yet.
fn with(from: State) -> (tempfile::TempDir, Ledger) {
    let (folder, ledger) = ledger(&["ana"]);
    let due = (from == State::Deferred).then(|| now().unix_seconds());
    let sql = "UPDATE deliveries SET state = ?, due_at = ?";
    ledger.connection.execute(sql, params![from, due]).unwrap();
    (folder, ledger)
}

#[test]
fn record_takes_the_steps_of_the_table_and_no_others() {
    for (from, to) in State::ALL.into_iter().flat_map(|f| State::ALL.map(|t| (f, t))) {
        let (_folder, mut ledger) = with(from);
        if from == State::Cancelled && control::REFUSALS.contains(&to) {
            // Kept as an event: tested in `control.rs`.
            continue;
        }
        let allowed = from.may_become(to) && to != State::Attempting && from != State::Accepted;
        let recorded = ledger.record(&id("ana"), &Recorded::new(to), later(1));
        let delivery = id("ana");
        let refused = ChangeError::Refused(Refusal::NotAllowed { delivery, from, to });
        assert_eq!(recorded, if allowed { Ok(()) } else { Err(refused) }, "{from} -> {to}");
        assert_eq!(state(&ledger, "ana"), if allowed { to } else { from });
        let events = ledger.events_of(&delivery).unwrap().len();
        assert_eq!(events, if allowed { 2 } else { 1 }, "{from} -> {to}");
    }
}

#[test]
fn an_intent_is_for_planned_and_deferred_only() {
    for from in State::ALL {
        let (_folder, mut ledger) = with(from);
        let intent = ledger.intend(&id("ana"), later(1), later(1));
        assert_eq!(intent.is_ok(), from.may_become(State::Attempting), "{from}");
        let attempts = ledger.delivery(&id("ana")).unwrap().unwrap().attempts;
        assert_eq!(attempts, u32::from(intent.is_ok()), "{from}");
    }
}

#[test]
fn the_date_is_that_of_the_first_intent() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    assert_eq!(ledger.intend(&id("ana"), later(1), later(1)), Ok(later(1)));
    ledger.record(&id("ana"), &Recorded::new(State::Deferred), later(2)).unwrap();
    assert_eq!(ledger.intend(&id("ana"), later(3), later(3)), Ok(later(1)));
    let frozen = ledger.frozen(&id("ana")).unwrap().unwrap();
    assert_eq!((frozen.date, frozen.attempts), (Some(later(1)), 2));
    assert_eq!(frozen.first_attempt, Some(later(1)));
}

#[test]
fn a_resolved_letter_keeps_its_date_and_message_id() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    bring(&mut ledger, "ana", State::Uncertain);
    let before = ledger.frozen(&id("ana")).unwrap().unwrap();
    ledger.record(&id("ana"), &Recorded::new(State::Planned), later(1)).unwrap();
    assert_eq!(ledger.intend(&id("ana"), later(2), later(2)), Ok(now()));
    let after = ledger.frozen(&id("ana")).unwrap().unwrap();
    assert_eq!(after.message_id, before.message_id);
}

#[test]
fn nothing_is_intended_before_it_is_due() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    let wait = Recorded { due_at: Some(later(5)), ..Recorded::new(State::Deferred) };
    ledger.record(&id("ana"), &wait, now()).unwrap();
    let delivery = id("ana");
    let refused = Refusal::NotDue { delivery, due_at: later(5) };
    assert_eq!(ledger.intend(&delivery, later(4), later(4)), Err(refused.into()));
    assert_eq!(ledger.intend(&delivery, later(5), later(5)), Ok(later(5)));
}

#[test]
fn what_is_unknown_is_said_to_be() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    let delivery = id("nobody");
    let unknown = ChangeError::Refused(Refusal::Unknown { delivery });
    assert_eq!(ledger.intend(&delivery, now(), now()), Err(unknown.clone()));
    let recorded = ledger.record(&delivery, &Recorded::new(State::Rejected), now());
    assert_eq!(recorded, Err(unknown));
}

#[test]
fn of_two_intents_at_once_one_is_allowed() {
    let people: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let (folder, _ledger) = ledger(&people);
    let store = folder.path().join("store");
    let start = Barrier::new(2);
    let intend_all = || {
        let mut ledger = Ledger::open(&store, now()).unwrap();
        start.wait();
        people.iter().filter(|who| ledger.intend(&id(who), now(), now()).is_ok()).count()
    };
    let allowed: usize = thread::scope(|scope| {
        let two = [scope.spawn(intend_all), scope.spawn(intend_all)];
        two.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(allowed, people.len());
}

#[test]
fn what_the_relay_answered_is_kept_byte_for_byte() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    ledger.intend(&id("ana"), now(), now()).unwrap();
    let lines = vec![b"5.1.1 bo\xeete inconnue".to_vec(), Vec::new(), b"5.1.1 fin".to_vec()];
    let recorded = Recorded {
        to: State::Rejected,
        response: Some(Response::new(550, lines)),
        stage: Some("recipient".to_owned()),
        detail: None,
        relay: Some("mail.forum.example:587".to_owned()),
        relay_id: Some("4XyZ".to_owned()),
        tls: Some("TLSv1.3".to_owned()),
        due_at: Some(later(1)),
    };
    ledger.record(&id("ana"), &recorded, later(1)).unwrap();
    let stored = ledger.delivery(&id("ana")).unwrap().unwrap();
    assert_eq!(stored.response, recorded.response);
    assert_eq!(stored.due_at, None, "only deferred ones are due");
    assert_eq!(
        (stored.stage, stored.relay, stored.relay_id, stored.tls),
        (recorded.stage, recorded.relay, recorded.relay_id, recorded.tls)
    );
    let event = ledger.events_of(&id("ana")).unwrap().pop().unwrap();
    assert_eq!((event.kind.as_str(), event.at), ("rejected", later(1)));
    assert_eq!(event.detail["response"], "550 5.1.1 bo\u{fffd}te inconnue 5.1.1 fin");
    assert_eq!(event.detail["relay_id"], "4XyZ");
    assert!(!event.detail.contains_key("detail"));
}

/// An attempt that failed without an answer does not show the answer to an earlier one.
#[test]
fn the_last_record_is_what_is_shown() {
    let (_folder, mut ledger) = ledger(&["ana"]);
    let wait = answered(State::Deferred, 451, "4.7.1 later");
    ledger.record(&id("ana"), &wait, now()).unwrap();
    ledger.intend(&id("ana"), later(1), later(1)).unwrap();
    let lost = Recorded {
        detail: Some("the connection was closed".to_owned()),
        ..Recorded::new(State::Uncertain)
    };
    ledger.record(&id("ana"), &lost, later(2)).unwrap();
    let stored = ledger.delivery(&id("ana")).unwrap().unwrap();
    assert_eq!(stored.response, None);
    assert_eq!(stored.last_words().as_deref(), Some("the connection was closed"));
}

#[test]
fn an_attempt_that_a_dead_run_left_is_uncertain() {
    let (folder, mut ledger) = ledger(&["ana", "bo"]);
    ledger.intend(&id("bo"), now(), now()).unwrap();
    drop(ledger);
    let store = folder.path().join("store");
    let mut ledger = Ledger::open(&store, later(1)).unwrap();
    let lock = RunLock::take(&store, "desk-3", later(1)).unwrap();
    let found = ledger.recover(&lock, later(1)).unwrap();
    assert_eq!(found.iter().map(|d| d.id).collect::<Vec<_>>(), [id("bo")]);
    assert_eq!(found, ledger.attention(&campaign()).unwrap());
    assert_eq!(state(&ledger, "bo"), State::Uncertain);
    assert_eq!(ledger.events_of(&id("bo")).unwrap().pop().unwrap().kind, "recovered");
    assert_eq!(ledger.recover(&lock, later(2)), Ok(Vec::new()));
    let second = RunLock::take(&store, "desk-3", later(2));
    assert!(matches!(second, Err(LockError::Held { .. })));
}

#[test]
fn a_step_that_fails_leaves_the_rest_of_its_group_alone() {
    let (_folder, mut ledger) = ledger(&["ana", "bo", "eve"]);
    let sabotage = "CREATE TEMP TRIGGER odd BEFORE INSERT ON events
        WHEN new.kind = 'attempt' AND new.delivery = 2
        BEGIN SELECT raise(ABORT, 'odd'); END";
    ledger.connection.execute_batch(sabotage).unwrap();
    let intend = |who| Change::Intend { delivery: id(who), date: now(), now: now() };
    let before = ledger.commits();
    let answers =
        ledger.change_together(&[intend("ana"), intend("bo"), intend("nobody"), intend("eve")]);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(matches!(answers[1], Err(ChangeError::Ledger(_))));
    assert!(matches!(answers[2], Err(ChangeError::Refused(Refusal::Unknown { .. }))));
    assert_eq!(ledger.commits(), before + 1);
    assert_eq!(state(&ledger, "ana"), State::Attempting);
    assert_eq!(state(&ledger, "bo"), State::Planned, "half a step was kept");
    assert_eq!(ledger.delivery(&id("bo")).unwrap().unwrap().attempts, 0);
}

#[test]
fn after_a_failed_commit_nothing_is_recorded_any_more() {
    let (folder, mut ledger) = ledger(&["ana", "bo"]);
    sabotage_commits(&ledger);
    let intend = |who| Change::Intend { delivery: id(who), date: now(), now: now() };
    for answer in ledger.change_together(&[intend("ana"), intend("bo")]) {
        assert!(matches!(answer, Err(ChangeError::Ledger(_))));
    }
    ledger.connection.execute_batch("DROP TRIGGER broken").unwrap();
    for answer in ledger.change_together(&[intend("ana"), intend("bo")]) {
        let Err(ChangeError::Ledger(error)) = answer else { panic!("went on") };
        assert!(matches!(error.fault, Fault::Stopped { .. }), "{error}");
        assert!(error.hint().starts_with("Run the same command again"));
    }
    assert_eq!(state(&ledger, "ana"), State::Planned);
    drop(ledger);
    let mut again = Ledger::open(&folder.path().join("store"), now()).unwrap();
    assert!(again.intend(&id("ana"), now(), now()).is_ok());
}

/// Makes COMMIT itself fail, as a failed fsync does: by a reference that is checked only then.
fn sabotage_commits(ledger: &Ledger) {
    ledger
        .connection
        .execute_batch(
            "CREATE TABLE parent (row INTEGER PRIMARY KEY);
             CREATE TABLE child (of REFERENCES parent (row) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER broken AFTER UPDATE ON deliveries
                 BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
}

#[test]
fn a_full_drive_is_told_and_loses_nothing() {
    let (_folder, mut ledger) = ledger(&["ana", "bo"]);
    bring(&mut ledger, "bo", State::Accepted);
    let pages: i64 =
        ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    // The limit is in pages, so that a long enough answer meets it.
    let limit = |ledger: &Ledger, pages: i64| {
        ledger.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    };
    limit(&ledger, pages).unwrap();
    let long = answered(State::Rejected, 550, &"x".repeat(60_000));
    let full = ledger.record(&id("ana"), &long, now()).unwrap_err();
    let ChangeError::Ledger(error) = full else { panic!("not refused by the drive") };
    assert_eq!(error.fault, Fault::Full);
    assert!(error.to_string().contains("ledger.db: the disk is full"), "{error}");
    limit(&ledger, i64::from(u32::MAX) - 1).unwrap();
    assert_eq!(state(&ledger, "bo"), State::Accepted);
    ledger.record(&id("ana"), &long, now()).unwrap();
}
