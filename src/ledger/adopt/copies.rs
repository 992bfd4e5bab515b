//! What becomes of a letter's copies when a plan is adopted.
//!
//! Owns the rules that copies have beyond those of every delivery: whose message they carry, and
//! when they keep one that their letter has no more.
//!
//! # Invariants
//! A copy carries its letter's message as the ledger has it, not as the plan makes it: where the
//! person has an earlier letter and keeps it, a copy that is still to go is a copy of that one.
//! A copy that may have gone stays what it was when its letter becomes another message: it gets the
//! former letter as its own, so that it can go again with the same bytes, Message-ID and `Date`.

use super::{Adoption, Entry, Known, twice};
use crate::id::{DeliveryId, Digest};
use crate::ledger::failure::Fault;
use crate::ledger::frozen::{PlannedCopy, PlannedDelivery};
use rusqlite::{Connection, named_params};

/// Whether the ledger has any copies.
pub(super) fn are_there(connection: &Connection) -> Result<bool, Fault> {
    let ask = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE copy_of IS NOT NULL)";
    Ok(connection.query_row(ask, [], |row| row.get(0))?)
}

/// The message of a letter, which its copies carry.
pub(super) struct Message<'a> {
    /// The letter's row.
    letter: i64,
    round: u32,
    digest: Digest,
    id: &'a str,
}

impl<'a> Message<'a> {
    /// The message the letter in this row has: the ledger's where it keeps that.
    pub(super) fn of(
        letter: i64,
        kept: Option<&'a Known>,
        delivery: &'a PlannedDelivery,
    ) -> Message<'a> {
        let kept = kept.and_then(|known| {
            let digest = Digest::from_bytes(known.letter_digest?);
            Some((known.round, digest, known.message_id.as_deref()?))
        });
        let new = (1, delivery.letter_digest, delivery.message_id.as_str());
        let (round, digest, id) = kept.unwrap_or(new);
        Message { letter, round, digest, id }
    }

    fn entry(&self, copy: &'a PlannedCopy) -> Entry<'a> {
        Entry {
            round: self.round,
            key: &copy.key,
            address: &copy.address,
            // People are looked for by their names, and a copy is not its letter's person.
            name: None,
            letter_digest: self.digest,
            message_id: self.id,
            copy_of: Some(self.letter),
        }
    }
}

impl Adoption<'_> {
    /// One copy of the plan.
    pub(super) fn take_copy(
        &mut self,
        copy: &PlannedCopy,
        delivery: &PlannedDelivery,
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        let id = DeliveryId::of(self.campaign, &copy.key);
        let entry = message.entry(copy);
        let known = if self.is_first { None } else { self.known(&id)? };
        let Some(known) = known else {
            let row = self.insert(&id, delivery, &entry)?;
            return self.tell_planned(row, delivery);
        };
        if known.plan == self.plan {
            return Err(twice(&copy.key));
        }
        if self.stays(&id, &known, entry.address) {
            self.adopted.kept += 1;
            return self.name(known.row);
        }
        let changed = !known.has_message(&entry.letter_digest, entry.message_id);
        self.refresh(known.row, delivery, &entry)?;
        if changed {
            self.begin_another_message(known.row, &entry)?;
            self.drop_letter(known.row)?;
        }
        self.tell_of_known(&known, changed, delivery, entry.address)
    }

    /// Gives the copies of a letter that may have gone what they went with; the letter is about to
    /// become another message.
    pub(super) fn leave_copies_theirs(&self, letter: i64) -> Result<(), Fault> {
        let keeping = "copy_of = :letter AND date IS NULL AND (round > 1
            OR state NOT IN ('planned', 'deferred', 'cancelled', 'suppressed'))";
        let letters = format!(
            "INSERT INTO letters (delivery, round, sender, subject, reply_to, images, attachments,
                 row_values, body_text, body_html, cc, to_mailbox)
             SELECT c.row, c.round, l.sender, l.subject, l.reply_to, l.images, l.attachments,
                 '{{}}', l.body_text, l.body_html, l.cc,
                 CASE WHEN m.name IS NULL THEN m.address ELSE m.address || ' ' || m.name END
             FROM deliveries m
             JOIN (SELECT row, round, copy_of FROM deliveries WHERE {keeping}) c
                 ON c.copy_of = m.row
             JOIN letters l ON l.delivery = m.row AND l.round = c.round
             WHERE m.row = :letter"
        );
        let dates = format!(
            "UPDATE deliveries SET date = coalesce(
                 (SELECT m.date FROM deliveries m WHERE m.row = deliveries.copy_of), :now)
             WHERE {keeping}"
        );
        self.connection.prepare_cached(&letters)?.execute(named_params! { ":letter": letter })?;
        self.connection
            .prepare_cached(&dates)?
            .execute(named_params! { ":letter": letter, ":now": self.now.unix_seconds() })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RecipientKey;
    use crate::ledger::testing::{
        self, address, adopt, campaign, delivery, id, later, ledger, now, plan,
    };
    use crate::ledger::{Adopted, FrozenDelivery, Ledger, Recorded, Resolution, State};
    use crate::time::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A letter with copies.
    fn letter(who: &str, words: &str, copies: &[&str]) -> PlannedDelivery {
        let mut letter = delivery(1, who, &format!("{words} {copies:?}"));
        letter.letter.cc = copies.iter().map(|copy| address(copy)).collect();
        letter.copies = copies.iter().map(|copy| copy_of(who, copy)).collect();
        letter
    }

    fn copy_of(who: &str, copy: &str) -> PlannedCopy {
        let key = RecipientKey::of_copy(&RecipientKey::of(&address(who)), &address(copy));
        PlannedCopy { key, address: address(copy) }
    }

    fn copy_id(who: &str, copy: &str) -> DeliveryId {
        DeliveryId::of(&campaign(), &copy_of(who, copy).key)
    }

    fn with(letters: &[PlannedDelivery]) -> (tempfile::TempDir, Ledger) {
        let (folder, mut ledger) = ledger(&[]);
        adopt_at(&mut ledger, letters, now());
        (folder, ledger)
    }

    fn adopt_at(ledger: &mut Ledger, letters: &[PlannedDelivery], at: Timestamp) -> Adopted {
        let mut plan = plan(letters);
        plan.total = letters.iter().map(|letter| 1 + letter.copies.len() as u64).sum();
        ledger.adopt_plan(&plan, &mut letters.iter().cloned(), at).unwrap()
    }

    fn frozen(ledger: &Ledger, id: DeliveryId) -> FrozenDelivery {
        ledger.frozen(&id).unwrap().unwrap()
    }

    fn state(ledger: &Ledger, id: DeliveryId) -> State {
        ledger.delivery(&id).unwrap().unwrap().state
    }

    fn bring(ledger: &mut Ledger, id: DeliveryId, to: State, at: Timestamp) {
        if matches!(to, State::Accepted | State::Uncertain) {
            ledger.intend(&id, at, at).unwrap();
        }
        ledger.record(&id, &Recorded::new(to), at).unwrap();
    }

    /// All of a message but where it goes.
    fn message(frozen: FrozenDelivery) -> impl PartialEq + std::fmt::Debug {
        let FrozenDelivery { key, to, language, round, date, message_id, letter, .. } = frozen;
        (key, to, language, round, date, message_id, letter)
    }

    #[test]
    fn a_copy_is_its_letters_message_to_another_address() {
        let (_folder, ledger) = with(&[letter("ana", "hello", &["desk", "boss"])]);
        let ana = frozen(&ledger, id("ana"));
        assert_eq!(ana.letter.cc, [address("desk"), address("boss")]);
        for copy in ["desk", "boss"] {
            let copied = frozen(&ledger, copy_id("ana", copy));
            assert_eq!(copied.address, address(copy));
            assert!(copied.shares_its_message());
            assert_eq!(message(copied), message(frozen(&ledger, id("ana"))));
        }
        let letters: i64 = ledger
            .connection
            .query_row("SELECT count(*) FROM letters", [], |row| row.get(0))
            .unwrap();
        assert_eq!(letters, 1, "frozen once");
        let copies = ledger.copies_of(&id("ana")).unwrap();
        assert_eq!(copies.len(), 2);
        assert_eq!(copies[0].copy_of, Some(ana.to));
        assert_eq!(ledger.deliveries_of_address(&address("desk")).unwrap(), copies[..1]);
        assert_eq!(ledger.deliveries_of("pérez").unwrap().len(), 1, "a copy has no name");
        assert_eq!(ledger.copies(&campaign()).unwrap().of(State::Planned), 2);
        let open = ledger.open_letters(&campaign()).unwrap();
        assert_eq!(
            open.iter().map(|o| o.id).collect::<Vec<_>>(),
            [id("ana"), copy_id("ana", "desk"), copy_id("ana", "boss")]
        );
        assert!(open.iter().all(|o| o.letter == open[0].letter));
    }

    #[test]
    fn the_first_intent_of_any_dates_all() {
        for first in [id("ana"), copy_id("ana", "desk"), copy_id("ana", "boss")] {
            let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk", "boss"])]);
            assert_eq!(ledger.intend(&first, later(1), later(1)), Ok(later(1)));
            for (minute, other) in
                (2..).zip([id("ana"), copy_id("ana", "desk"), copy_id("ana", "boss")])
            {
                assert_eq!(frozen(&ledger, other).date, Some(later(1)));
                if other != first {
                    let given = ledger.intend(&other, later(minute), later(minute));
                    assert_eq!(given, Ok(later(1)));
                }
                assert!(frozen(&ledger, other).first_attempt.is_some(), "its own");
            }
        }
    }

    #[test]
    fn each_copy_has_a_fate_of_its_own() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk", "boss"])]);
        bring(&mut ledger, id("ana"), State::Rejected, now());
        bring(&mut ledger, copy_id("ana", "desk"), State::Accepted, now());
        let counts = ledger.counts(&campaign()).unwrap();
        let of = [State::Rejected, State::Accepted, State::Planned].map(|s| counts.of(s));
        assert_eq!((of, counts.total()), ([1, 1, 1], 3));
        let attention = ledger.attention(&campaign()).unwrap();
        assert_eq!(attention.len(), 1);
        bring(&mut ledger, copy_id("ana", "boss"), State::Deferred, now());
        let attention = ledger.attention(&campaign()).unwrap();
        assert_eq!(attention[1].copy_of.as_ref().map(|m| &m.address), Some(&address("ana")));
    }

    #[test]
    fn copies_that_wait_follow_their_letter_to_another_message() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk"])]);
        ledger.record(&copy_id("ana", "desk"), &Recorded::new(State::Deferred), now()).unwrap();
        let changed = [letter("ana", "corrected", &["desk"])];
        assert_eq!(
            adopt_at(&mut ledger, &changed, later(1)),
            Adopted { replaced: 2, ..Adopted::default() }
        );
        let copied = frozen(&ledger, copy_id("ana", "desk"));
        assert!(copied.letter.subject.starts_with("corrected"));
        assert_eq!(copied.first_attempt, None, "another message begins anew");
        assert_eq!(message(copied), message(frozen(&ledger, id("ana"))));
        assert_eq!(
            adopt_at(&mut ledger, &changed, later(2)),
            Adopted { kept: 2, ..Adopted::default() }
        );
    }

    #[test]
    fn who_is_no_longer_copied_gets_no_copy_and_who_is_new_gets_one() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk", "boss"])]);
        bring(&mut ledger, copy_id("ana", "boss"), State::Accepted, now());
        let adopted = adopt_at(&mut ledger, &[letter("ana", "hello", &["new"])], later(1));
        assert_eq!(adopted, Adopted { added: 1, replaced: 1, cancelled: 1, kept: 0 });
        assert_eq!(state(&ledger, copy_id("ana", "desk")), State::Cancelled);
        assert_eq!(state(&ledger, copy_id("ana", "boss")), State::Accepted);
        assert_eq!(frozen(&ledger, copy_id("ana", "new")).letter.cc, [address("new")]);
        let back = adopt_at(&mut ledger, &[letter("ana", "hello", &["desk"])], later(2));
        assert_eq!(back, Adopted { added: 1, replaced: 1, cancelled: 1, kept: 0 });
        let desk = frozen(&ledger, copy_id("ana", "desk"));
        assert_eq!(message(desk), message(frozen(&ledger, id("ana"))));
    }

    /// The person reads in Cc who got it with her; somebody who is added later gets the same.
    #[test]
    fn a_copy_added_after_the_letter_has_gone_is_a_copy_of_that_letter() {
        for gone in [State::Accepted, State::Uncertain, State::Rejected] {
            let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk"])]);
            bring(&mut ledger, id("ana"), gone, now());
            let changed = [letter("ana", "corrected", &["desk", "new"])];
            let adopted = adopt_at(&mut ledger, &changed, later(1));
            assert_eq!(adopted, Adopted { added: 1, kept: 2, ..Adopted::default() }, "{gone}");
            let ana = frozen(&ledger, id("ana"));
            assert!(ana.letter.subject.starts_with("hello"));
            for copy in ["desk", "new"] {
                let copied = frozen(&ledger, copy_id("ana", copy));
                assert_eq!(copied.address, address(copy));
                assert_eq!(message(copied), message(frozen(&ledger, id("ana"))), "{gone}");
            }
        }
    }

    /// The letter is due again at the new address; of its copies only those that wait follow it.
    #[test]
    fn copies_of_a_letter_that_goes_to_another_address_keep_their_own_fates() {
        let all = ["desk", "boss", "late", "lost"];
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &all)]);
        bring(&mut ledger, id("ana"), State::Rejected, later(1));
        bring(&mut ledger, copy_id("ana", "desk"), State::Accepted, later(1));
        bring(&mut ledger, copy_id("ana", "boss"), State::Deferred, later(1));
        bring(&mut ledger, copy_id("ana", "lost"), State::Rejected, later(1));
        let before = message(frozen(&ledger, copy_id("ana", "desk")));
        // What `To:` says is in the digest.
        let mut moved = letter("ana", "hello, moved", &all);
        moved.address = address("ana.new");
        let adopted = adopt_at(&mut ledger, &[moved], later(2));
        assert_eq!(adopted, Adopted { added: 1, replaced: 2, kept: 2, cancelled: 0 });
        assert_eq!(state(&ledger, id("ana")), State::Planned);
        assert_eq!(state(&ledger, copy_id("ana", "desk")), State::Accepted);
        assert_eq!(message(frozen(&ledger, copy_id("ana", "desk"))), before);
        assert_eq!(state(&ledger, copy_id("ana", "lost")), State::Rejected);
        for (copy, waits) in [("boss", State::Deferred), ("late", State::Planned)] {
            assert_eq!(state(&ledger, copy_id("ana", copy)), waits);
            let copied = frozen(&ledger, copy_id("ana", copy));
            assert_eq!(copied.address, address(copy));
            assert_eq!(message(copied), message(frozen(&ledger, id("ana"))), "{copy}");
        }
    }

    /// What may have gone can only go again as it was, whatever its letter is by then.
    #[test]
    fn a_copy_in_doubt_keeps_what_it_went_with_when_its_letter_is_replaced() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk", "boss"])]);
        bring(&mut ledger, copy_id("ana", "desk"), State::Uncertain, later(1));
        let before = message(frozen(&ledger, copy_id("ana", "desk")));
        let mut changed = letter("ana", "corrected", &["desk", "boss"]);
        changed.name = Some("Ana of another name".to_owned());
        changed.language = crate::language::Language::english();
        adopt_at(&mut ledger, std::slice::from_ref(&changed), later(2));
        assert_eq!(message(frozen(&ledger, copy_id("ana", "desk"))), before);
        assert_eq!(frozen(&ledger, copy_id("ana", "boss")).date, None, "another message");
        let desk = copy_id("ana", "desk");
        ledger.resolve(&desk, Resolution::Resend, "not in their log", later(3)).unwrap();
        assert_eq!(message(frozen(&ledger, desk)), before, "same bytes");
        assert_eq!(ledger.intend(&desk, later(9), later(9)), Ok(later(1)), "same date");
        assert_eq!(ledger.intend(&id("ana"), later(9), later(9)), Ok(later(9)), "its own");
        // Twice replaced, it is still what it was.
        ledger.record(&desk, &Recorded::new(State::Uncertain), later(9)).unwrap();
        adopt_at(&mut ledger, &[letter("ana", "again", &["desk", "boss"])], later(10));
        assert_eq!(message(frozen(&ledger, desk)), before);
    }

    /// A plan is the newest word on what is still to go.
    #[test]
    fn a_copy_that_waits_again_after_doubt_gets_the_letter_of_a_newer_plan() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk"])]);
        let desk = copy_id("ana", "desk");
        bring(&mut ledger, desk, State::Uncertain, later(1));
        adopt_at(&mut ledger, &[letter("ana", "corrected", &["desk"])], later(2));
        ledger.resolve(&desk, Resolution::Resend, "not in their log", later(3)).unwrap();
        adopt_at(&mut ledger, &[letter("ana", "newest", &["desk"])], later(4));
        assert_eq!(message(frozen(&ledger, desk)), message(frozen(&ledger, id("ana"))));
        assert!(frozen(&ledger, desk).letter.subject.starts_with("newest"));
    }

    #[test]
    fn a_withdrawn_letter_takes_its_copies_with_it_and_brings_them_back() {
        let (_folder, mut ledger) = with(&[letter("ana", "hello", &["desk"])]);
        assert_eq!(ledger.cancel(&campaign(), None, now()), Ok(2));
        let back = adopt_at(&mut ledger, &[letter("ana", "hello", &["desk"])], later(1));
        assert_eq!(back.added, 2);
        let nobody = adopt(&mut ledger, &[delivery(1, "bo", "hello")], later(2));
        assert_eq!((nobody.added, nobody.cancelled), (1, 2), "gone from the lists");
    }

    #[test]
    fn a_plan_with_one_copy_twice_is_refused() {
        let twice = letter("ana", "hello", &["desk", "desk"]);
        let (_folder, mut ledger) = ledger(&[]);
        let mut plan = testing::plan(std::slice::from_ref(&twice));
        plan.total = 3;
        let refused = ledger.adopt_plan(&plan, &mut [twice].into_iter(), now()).unwrap_err();
        assert!(matches!(refused.fault, Fault::Twice { .. }), "{refused}");
    }

    const COPIES: [&str; 3] = ["desk", "boss", "lou"];

    #[derive(Clone, Debug)]
    enum Step {
        /// Whether she is in the plan, who gets copies, and whether the words are others.
        Adopt {
            is_in: bool,
            copies: usize,
            reworded: bool,
        },
        Intend {
            which: usize,
        },
        Record {
            which: usize,
            to: usize,
        },
        Resolve {
            which: usize,
        },
    }

    fn step() -> impl Strategy<Value = Step> {
        let which = 0..=COPIES.len();
        prop_oneof![
            2 => (proptest::bool::weighted(0.8), 0_usize..8, any::<bool>()).prop_map(
                |(is_in, copies, reworded)| Step::Adopt { is_in, copies, reworded }
            ),
            4 => which.clone().prop_map(|which| Step::Intend { which }),
            4 => (which.clone(), 0..State::ALL.len())
                .prop_map(|(which, to)| Step::Record { which, to }),
            1 => which.prop_map(|which| Step::Resolve { which }),
        ]
    }

    fn id_of(which: usize) -> DeliveryId {
        which.checked_sub(1).map_or(id("ana"), |copy| copy_id("ana", COPIES[copy]))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Whatever happens in between: what may have gone stays what went, and all that goes
        /// under one Message-ID is one message with one date.
        #[test]
        fn one_message_id_is_one_message(steps in proptest::collection::vec(step(), 1..50)) {
            let (_folder, mut ledger) = ledger(&[]);
            let (mut plan, mut words, mut minute) = (None, 0, 0);
            let mut went: BTreeMap<DeliveryId, FrozenDelivery> = BTreeMap::new();
            let mut messages: BTreeMap<String, String> = BTreeMap::new();
            for step in steps {
                minute += 1;
                match step {
                    Step::Adopt { is_in, copies, reworded } => {
                        let changed = plan.replace((is_in, copies)) != Some((is_in, copies));
                        words += u32::from(changed || reworded);
                        let named = (0..3).filter(|n| copies >> n & 1 == 1).map(|n| COPIES[n]);
                        let named: Vec<&str> = named.collect();
                        let other = delivery(2, "bo", &words.to_string());
                        let hers = letter("ana", &words.to_string(), &named);
                        let letters = if is_in { vec![hers, other] } else { vec![other] };
                        adopt_at(&mut ledger, &letters, later(minute));
                    }
                    Step::Intend { which } => {
                        let id = id_of(which);
                        let (at, before) = (later(minute), ledger.frozen(&id).unwrap());
                        if let Ok(date) = ledger.intend(&id, at, at) {
                            let before = before.expect("what is intended can be made");
                            prop_assert_eq!(date, before.date.unwrap_or(at));
                            let now = frozen(&ledger, id);
                            prop_assert_eq!(now.date, Some(date));
                            went.insert(id, now);
                        }
                    }
                    Step::Record { which, to } => {
                        let id = id_of(which);
                        let (to, from) = (State::ALL[to], ledger.delivery(&id).unwrap());
                        // As a run does; what an old ledger doubts is another matter.
                        let is_of_a_run = match from.map(|delivery| delivery.state) {
                            Some(State::Attempting) => true,
                            Some(State::Planned | State::Deferred) => {
                                matches!(to, State::Deferred | State::Rejected)
                            }
                            Some(State::Rejected) => to == State::Deferred,
                            _ => false,
                        };
                        if !is_of_a_run {
                            continue;
                        }
                        let recorded = Recorded::new(to);
                        drop(ledger.record(&id, &recorded, later(minute)));
                    }
                    Step::Resolve { which } => {
                        let id = id_of(which);
                        let again = Resolution::Resend;
                        drop(ledger.resolve(&id, again, "no", later(minute)));
                    }
                }
                for (id, went) in &went {
                    let state = state(&ledger, *id);
                    let message = |frozen: &FrozenDelivery| format!("{:?}", message(frozen.clone()));
                    let now = frozen(&ledger, *id);
                    let may_have_gone =
                        matches!(state, State::Attempting | State::Accepted | State::Uncertain);
                    if may_have_gone {
                        prop_assert_eq!(message(&now), message(went), "{} {:?}", state, id);
                    }
                    let first = messages.entry(went.message_id.clone());
                    prop_assert_eq!(&*first.or_insert_with(|| message(went)), &message(went));
                }
            }
        }
    }
}
