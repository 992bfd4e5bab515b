//! The dispatch without a network: what goes next, and what each outcome changes for all.

use super::*;
use crate::address::{EmailAddress, Mailbox};
use crate::id::{CampaignId, Digest, RecipientKey};
use crate::language::Language;
use crate::ledger::{FrozenLetter, FrozenSender};
use crate::limits::SLOW_DOWN_LASTS;
use crate::response::Response;
use crate::send::pace::{Pacing, Rate};
use crate::transport::Loss;
use std::num::{NonZeroU32, NonZeroU64};

fn id(n: u8) -> DeliveryId {
    DeliveryId::from_bytes([n; 15])
}

fn start() -> Timestamp {
    Timestamp::parse("2026-11-05T09:30:00Z").unwrap()
}

/// This many seconds into the run.
fn at(seconds: u64) -> Now {
    let run = Duration::from_secs(seconds);
    Now { at: start().plus(run), run }
}

fn letter(n: u8, due_in: Option<u64>) -> OpenLetter {
    OpenLetter { id: id(n), due_at: due_in.map(|s| at(s).at), letter: i64::from(n) }
}

fn frozen(n: u8) -> FrozenDelivery {
    let address = EmailAddress::parse("ana@town.example").unwrap();
    let from = Mailbox { name: None, address: address.clone() };
    let sender = FrozenSender { from, reply_to: None, bounce_address: None };
    FrozenDelivery {
        id: id(n),
        campaign: CampaignId::parse("outcome").unwrap(),
        key: RecipientKey::from_stored("ana@town.example".to_owned()),
        number: u32::from(n),
        to: Mailbox { name: None, address: address.clone() },
        address,
        language: Language::parse_tag("en").unwrap(),
        round: 1,
        date: None,
        first_attempt: None,
        attempts: 0,
        message_id: String::new(),
        letter_digest: Digest::of(b""),
        letter: FrozenLetter {
            sender,
            cc: Vec::new(),
            subject: String::new(),
            reply_to: None,
            text: String::new(),
            html: String::new(),
            images: Vec::new(),
            attachments: Vec::new(),
        },
    }
}

/// A run of `letters` on this many connections.
fn dispatch(connections: usize, letters: u8, patience: Patience, pacing: Pacing) -> Dispatch {
    let rules = Rules { connections, retry: Retry::default(), patience };
    let mut dispatch = Dispatch::new(rules, Pace::new(pacing, vec![], None, start()));
    dispatch.fill((1..=letters).map(|n| letter(n, None)));
    dispatch
}

fn usual(connections: usize, letters: u8) -> Dispatch {
    dispatch(connections, letters, Patience::Usual, Pacing::default())
}

fn said(stage: Stage, code: u16, text: &str) -> Outcome {
    Outcome::answered(stage, Response::new(code, vec![text.as_bytes().to_vec()]))
}

fn accepted() -> Outcome {
    said(Stage::EndOfMessage, 250, "2.0.0 ok")
}

/// A connection takes the next letter, which must be this one, and begins with it.
#[track_caller]
fn take(dispatch: &mut Dispatch, has_place: bool, n: u8, now: Now) {
    assert_eq!(dispatch.next(has_place, now), Next::Letter(id(n)));
    dispatch.opened();
    assert_eq!(dispatch.begin(now), Turn::Now);
}

/// One letter from beginning to end on an open connection.
#[track_caller]
fn hand_over(dispatch: &mut Dispatch, n: u8, outcome: &Outcome, now: Now) -> Settled {
    take(dispatch, dispatch.places > 0, n, now);
    dispatch.settle(&frozen(n), outcome, false, now)
}

fn is_parked(next: &Next) -> bool {
    matches!(next, Next::Wait { .. })
}

#[test]
fn letters_go_in_the_order_of_the_list_and_then_the_run_is_complete() {
    let mut run = usual(1, 2);
    for n in [1, 2] {
        let settled = hand_over(&mut run, n, &accepted(), at(0));
        assert_eq!(settled.to, Some((State::Accepted, None)));
    }
    assert_eq!(run.next(true, at(0)), Next::Leave);
    assert_eq!((run.stopped(), run.accepted()), (Some(&Stopped::Complete), 2));
}

#[test]
fn the_second_connection_opens_when_the_first_has_proved_itself() {
    let mut run = usual(3, 9);
    assert_eq!(run.next(false, at(0)), Next::Letter(id(1)));
    assert!(is_parked(&run.next(false, at(0))), "a wrong password is tried once");
    run.opened();
    assert_eq!(run.next(false, at(0)), Next::Letter(id(2)));
    assert_eq!(run.next(false, at(0)), Next::Letter(id(3)));
    assert!(is_parked(&run.next(false, at(0))), "three are enough");
}

#[test]
fn while_a_letter_is_in_hand_the_run_is_not_over() {
    let mut run = usual(2, 1);
    take(&mut run, false, 1, at(0));
    assert!(is_parked(&run.next(false, at(0))));
    let lost = Outcome::lost(Stage::Mail, Loss::Closed);
    assert!(matches!(
        run.settle(&frozen(1), &lost, false, at(0)).to,
        Some((State::Deferred, Some(_)))
    ));
    assert!(is_parked(&run.next(false, at(0))), "it is due again in a few minutes");
    assert!(matches!(run.next(false, at(400)), Next::Letter(_)));
}

#[test]
fn a_letter_whose_time_has_come_again_goes_before_the_rest_of_the_list() {
    let mut run = usual(1, 1);
    run.fill([letter(2, Some(60)), letter(3, None)]);
    hand_over(&mut run, 1, &accepted(), at(0));
    hand_over(&mut run, 3, &accepted(), at(59));
    hand_over(&mut run, 2, &accepted(), at(60));
    let mut run = usual(1, 1);
    run.fill([letter(2, Some(60))]);
    hand_over(&mut run, 2, &accepted(), at(60));
    hand_over(&mut run, 1, &accepted(), at(60));
}

#[test]
fn patience_decides_how_long_a_run_stays() {
    let soon = WAIT_FOR_RETRY_MAX.as_secs();
    for (patience, due_in, stays) in [
        (Patience::None, 1, false),
        (Patience::Usual, soon, true),
        (Patience::Usual, soon + 1, false),
        (Patience::ToTheEnd, 5 * 86_400, true),
    ] {
        let mut run = dispatch(1, 0, patience, Pacing::default());
        run.fill([letter(1, Some(due_in))]);
        let until = at(due_in).at;
        let next = run.next(false, at(0));
        assert_eq!(is_parked(&next), stays, "{patience:?} {due_in}");
        match stays {
            true => assert_eq!(run.news(), [Progress::Waiting(until)]),
            false => assert_eq!(run.stopped(), Some(&Stopped::WaitingUntil(until))),
        }
    }
}

#[test]
fn a_letter_put_back_is_the_next_one_again() {
    let mut run = usual(1, 2);
    assert_eq!(run.next(false, at(0)), Next::Letter(id(1)));
    run.put_back(id(1), false);
    assert_eq!(run.next(true, at(0)), Next::Letter(id(1)));
    let over = Outcome { stage: Stage::Mail, ending: Ending::SessionOver };
    assert_eq!(run.begin(at(0)), Turn::Now);
    assert_eq!(run.settle(&frozen(1), &over, false, at(0)).to, None);
    assert_eq!(run.next(true, at(0)), Next::Letter(id(1)));
    run.withdrawn(false);
    assert_eq!(run.next(true, at(0)), Next::Letter(id(2)));
}

#[test]
fn the_rate_holds_over_all_connections() {
    let rate = Rate { letters: NonZeroU32::new(30).unwrap(), per: Duration::from_secs(60) };
    let pacing = Pacing { rate: Some(rate), daily_limit: None };
    let mut run = dispatch(2, 9, Patience::Usual, pacing);
    take(&mut run, false, 1, at(0));
    assert_eq!(run.next(false, at(0)), Next::Letter(id(2)));
    assert_eq!(run.begin(at(0)), Turn::Wait(Duration::from_secs(2)), "its turn has not come");
    run.settle(&frozen(1), &accepted(), false, at(1));
    assert!(is_parked(&run.next(true, at(1))), "one waits already");
    assert_eq!(run.begin(at(2)), Turn::Now);
    assert_eq!(run.next(true, at(2)), Next::Letter(id(3)));
    assert_eq!(run.begin(at(3)), Turn::Wait(Duration::from_secs(1)));
}

/// A pause, or a limit that another connection's letter met, holds also who is next.
#[test]
fn a_letter_that_waits_for_its_turn_is_held_with_the_others() {
    let rate = Rate { letters: NonZeroU32::new(10).unwrap(), per: Duration::from_secs(60) };
    let pacing = Pacing { rate: Some(rate), daily_limit: None };
    let mut run = dispatch(3, 9, Patience::Usual, pacing);
    take(&mut run, false, 1, at(0));
    assert_eq!(run.next(false, at(0)), Next::Letter(id(2)));
    run.pause(true, at(1));
    assert_eq!(run.begin(at(6)), Turn::PutBack, "paused");
    run.pause(false, at(7));
    assert_eq!(run.begin(at(7)), Turn::Now);
    assert_eq!(run.next(false, at(8)), Next::Letter(id(3)));
    run.settle(&frozen(1), &said(Stage::EndOfMessage, 550, "5.4.5 daily limit"), false, at(9));
    assert_eq!(run.begin(at(14)), Turn::PutBack, "limited");
    run.stop(Stopped::Interrupted);
    assert_eq!(run.begin(at(14)), Turn::PutBack, "stopped");
}

#[test]
fn no_connection_is_kept_waiting_for_a_turn_that_is_far_off() {
    let rate = Rate { letters: NonZeroU32::new(10).unwrap(), per: Duration::from_secs(3_600) };
    let pacing = Pacing { rate: Some(rate), daily_limit: None };
    let mut run = dispatch(1, 9, Patience::Usual, pacing);
    hand_over(&mut run, 1, &accepted(), at(0));
    assert!(matches!(run.next(true, at(1)), Next::Wait { leave: true, .. }));
    run.closed();
    assert_eq!(run.next(false, at(355)), Next::Letter(id(2)), "in time to connect");
    assert_eq!(run.begin(at(355)), Turn::Wait(Duration::from_secs(5)));
    assert_eq!(run.begin(at(360)), Turn::Now);
}

#[test]
fn of_two_limits_the_longer_holds() {
    let mut run = usual(2, 9);
    take(&mut run, false, 1, at(0));
    take(&mut run, false, 2, at(0));
    run.settle(&frozen(1), &said(Stage::EndOfMessage, 550, "5.4.5 daily"), false, at(1));
    run.settle(&frozen(2), &said(Stage::EndOfMessage, 451, "4.7.0 hourly"), false, at(1));
    assert_eq!(run.next(true, at(2)), Next::Leave);
    let words = "550 5.4.5 daily".to_owned();
    assert_eq!(run.stopped(), Some(&Stopped::RelayLimit(at(86_401).at, words)));
}

/// A wrong relay, or one whose directory is out of order, knows nobody.
#[test]
fn who_was_called_unknown_with_all_others_is_not_lost() {
    let mut run = usual(1, 30);
    let unknown = said(Stage::Recipient, 550, "5.1.1 unknown");
    let settled: Vec<Settled> = (1..=20).map(|n| hand_over(&mut run, n, &unknown, at(0))).collect();
    assert!(matches!(run.stopped(), Some(Stopped::Halted(Halt::WrongList, _))));
    let last = settled.last().unwrap();
    assert_eq!(last.back.len(), 19);
    assert!(matches!(last.to, Some((State::Deferred, _))));
}

#[test]
fn the_daily_limit_ends_the_run_and_says_when_it_goes_on() {
    let pacing = Pacing { rate: None, daily_limit: NonZeroU64::new(2) };
    let mut run = dispatch(2, 5, Patience::Usual, pacing);
    take(&mut run, false, 1, at(0));
    take(&mut run, false, 2, at(0));
    assert!(is_parked(&run.next(true, at(0))), "both places of the day are taken");
    run.settle(&frozen(1), &said(Stage::Recipient, 550, "5.1.1 no"), false, at(1));
    take(&mut run, true, 3, at(1));
    run.settle(&frozen(2), &accepted(), false, at(2));
    run.settle(&frozen(3), &accepted(), false, at(3));
    assert_eq!(run.next(true, at(3)), Next::Leave);
    assert_eq!(run.stopped(), Some(&Stopped::DailyLimit(at(86_402).at)));
}

#[test]
fn a_limit_of_the_relay_pauses_everything_until_it_is_over() {
    let mut run = usual(1, 3);
    hand_over(&mut run, 1, &accepted(), at(0));
    let limit = said(Stage::EndOfMessage, 550, "5.4.5 daily limit");
    let settled = hand_over(&mut run, 2, &limit, at(10));
    let over = at(86_400).at;
    assert_eq!(settled.to, Some((State::Deferred, Some(over))), "a day after the oldest");
    assert_eq!(run.next(true, at(11)), Next::Leave);
    let words = "550 5.4.5 daily limit".to_owned();
    assert_eq!(run.stopped(), Some(&Stopped::RelayLimit(over, words.clone())));
    // The next run knows it from the letter.
    let mut run = dispatch(1, 3, Patience::None, Pacing::default());
    run.limit(over, words);
    assert_eq!(run.next(false, at(86_399)), Next::Leave);
    let mut run = dispatch(1, 3, Patience::None, Pacing::default());
    run.limit(over, String::new());
    assert_eq!(run.next(false, at(86_400)), Next::Letter(id(1)));
}

#[test]
fn a_relay_that_asks_for_less_gets_one_connection_and_half_the_rate() {
    let mut run = usual(4, 9);
    take(&mut run, false, 1, at(0));
    take(&mut run, false, 2, at(0));
    let busy = said(Stage::Recipient, 452, "4.3.1 busy");
    run.settle(&frozen(1), &busy, false, at(10));
    assert_eq!(run.next(true, at(10)), Next::GiveWay);
    run.closed();
    run.settle(&frozen(2), &accepted(), false, at(10));
    assert!(is_parked(&run.next(false, at(10))));
    assert_eq!(run.next(true, at(10)), Next::Letter(id(3)));
    assert!(matches!(run.begin(at(10)), Turn::Wait(_)));
    let later = 11 + SLOW_DOWN_LASTS.as_secs();
    assert_eq!(run.begin(at(later)), Turn::Now);
    assert!(matches!(run.next(false, at(later)), Next::Letter(_)), "the time is over");
    assert!(run.news().iter().any(|news| matches!(news, Progress::SlowingDown(_))));
}

#[test]
fn a_relay_that_asks_for_less_again_and_takes_nothing_gets_a_rest() {
    let mut run = usual(1, 9);
    let busy = said(Stage::Recipient, 421, "4.3.1 busy");
    hand_over(&mut run, 1, &busy, at(0));
    hand_over(&mut run, 2, &busy, at(100));
    let news = run.news();
    assert!(matches!(news.last(), Some(Progress::Resting(rest, _)) if *rest == RELAY_RESTS[0]));
    assert!(is_parked(&run.next(true, at(100))));
}

#[test]
fn too_many_connections_means_one_less_and_alone_a_rest() {
    let mut run = usual(4, 9);
    for n in [1, 2, 3] {
        take(&mut run, false, n, at(0));
    }
    assert_eq!(run.next(false, at(0)), Next::Letter(id(4)));
    let too_many = said(Stage::Greeting, 432, "4.3.2 Concurrent connections limit exceeded");
    run.not_opened(id(4), &too_many, at(0));
    assert_eq!(run.news(), [Progress::FewerConnections(3)]);
    assert!(is_parked(&run.next(false, at(0))));
    run.settle(&frozen(1), &accepted(), false, at(0));
    assert_eq!(run.next(true, at(0)), Next::Letter(id(4)), "the letter is not lost");
    let mut run = usual(4, 9);
    assert_eq!(run.next(false, at(0)), Next::Letter(id(1)));
    run.not_opened(id(1), &too_many, at(0));
    assert!(matches!(run.news().as_slice(), [Progress::Resting(..)]));
}

#[test]
fn a_relay_rests_three_times_and_then_the_run_ends() {
    let busy = said(Stage::Greeting, 421, "busy");
    let mut run = usual(2, 3);
    let mut now = 0;
    for rest in RELAY_RESTS {
        assert_eq!(run.next(false, at(now)), Next::Letter(id(1)));
        run.not_opened(id(1), &busy, at(now));
        assert!(is_parked(&run.next(false, at(now))));
        now += rest.as_secs();
    }
    assert_eq!(run.next(false, at(now)), Next::Letter(id(1)));
    run.not_opened(id(1), &busy, at(now));
    assert_eq!(run.stopped(), Some(&Stopped::RelayBusy("421 busy".to_owned())));
    // Nobody there at all: a wrong host is better said than waited for.
    let mut run = usual(2, 3);
    assert_eq!(run.next(false, at(0)), Next::Letter(id(1)));
    run.not_opened(id(1), &Outcome::lost(Stage::Connect, Loss::Refused), at(0));
    assert!(matches!(run.stopped(), Some(Stopped::RelayUnreachable(_))));
}

#[test]
fn connections_that_fail_together_ask_for_one_rest() {
    let mut run = usual(4, 9);
    for n in [1, 2, 3] {
        take(&mut run, false, n, at(0));
    }
    for n in [1, 2, 3] {
        run.settle(&frozen(n), &said(Stage::Mail, 421, "shutting down"), false, at(1));
        run.closed();
    }
    let rests = run.news().into_iter().filter(|n| matches!(n, Progress::Resting(..))).count();
    assert_eq!(rests, 1);
}

#[test]
fn ten_letters_lost_in_a_row_are_a_rest() {
    let mut run = usual(1, 30);
    for n in 1..=10 {
        assert!(run.news().iter().all(|news| !matches!(news, Progress::Resting(..))), "{n}");
        hand_over(&mut run, n, &Outcome::lost(Stage::Body, Loss::Closed), at(0));
    }
    assert!(run.news().iter().any(|news| matches!(news, Progress::Resting(..))));
}

#[test]
fn letters_in_doubt_one_after_the_other_stop_the_run() {
    let (cut, taken) = (Outcome::lost(Stage::EndOfMessage, Loss::Closed), accepted());
    let mut run = usual(1, 20);
    for n in 1..=10 {
        assert_eq!(run.stopped(), None, "{n}");
        // An acceptance between begins the count anew.
        hand_over(&mut run, n, if n == 5 { &taken } else { &cut }, at(0));
    }
    assert!(matches!(run.stopped(), Some(Stopped::Halted(Halt::EverybodyInDoubt, _))));
}

#[test]
fn when_the_breaker_trips_its_refusals_go_back_and_those_under_way_too() {
    let policy = said(Stage::EndOfMessage, 554, "5.7.1 policy");
    let mut run = usual(2, 9);
    take(&mut run, false, 1, at(0));
    take(&mut run, false, 2, at(0));
    assert_eq!(run.settle(&frozen(1), &policy, false, at(0)).to, Some((State::Rejected, None)));
    assert_eq!(run.settle(&frozen(2), &policy, false, at(0)).to, Some((State::Rejected, None)));
    take(&mut run, true, 3, at(0));
    take(&mut run, true, 4, at(0));
    let settled = run.settle(&frozen(3), &policy, false, at(0));
    let now = Some((State::Deferred, Some(at(0).at)));
    assert_eq!((settled.to, settled.back), (now, vec![id(1), id(2)]));
    assert_eq!(run.settle(&frozen(4), &policy, false, at(0)).to, now, "it was under way");
    assert_eq!(run.next(true, at(0)), Next::Leave);
    assert!(matches!(run.stopped(), Some(Stopped::Halted(Halt::EverybodyRefused, _))));
}

#[test]
fn a_halt_lets_letters_under_way_finish_and_begins_no_other() {
    let mut run = usual(2, 9);
    take(&mut run, false, 1, at(0));
    take(&mut run, false, 2, at(0));
    run.settle(&frozen(1), &said(Stage::Mail, 550, "5.7.1 not you"), false, at(0));
    assert_eq!(run.next(true, at(0)), Next::Leave);
    assert_eq!(run.settle(&frozen(2), &accepted(), false, at(0)).to, Some((State::Accepted, None)));
    assert!(matches!(run.stopped(), Some(Stopped::Halted(Halt::SenderRefused, _))));
}

#[test]
fn a_paused_mailing_waits_as_long_as_patience_lasts() {
    let mut run = usual(1, 9);
    run.pause(true, at(10));
    assert!(is_parked(&run.next(true, at(10))));
    run.pause(false, at(20));
    assert!(matches!(run.next(false, at(20)), Next::Letter(_)));
    assert_eq!(run.news(), [Progress::Paused(at(10).at), Progress::TakenUp]);
    run.pause(true, at(30));
    assert_eq!(run.next(true, at(30 + WAIT_FOR_RETRY_MAX.as_secs())), Next::Leave);
    assert_eq!(run.stopped(), Some(&Stopped::Paused));
}

#[test]
fn a_paused_mailing_with_nothing_left_to_go_is_over() {
    let mut run = usual(1, 1);
    take(&mut run, false, 1, at(0));
    run.pause(true, at(10));
    assert!(is_parked(&run.next(true, at(10))), "a letter is under way");
    run.settle(&frozen(1), &accepted(), true, at(11));
    assert_eq!(run.next(true, at(11)), Next::Leave);
    assert_eq!(run.stopped(), Some(&Stopped::Complete));
}

/// Two letters were taken before the first began: the other connection stayed open for an hour.
#[test]
fn a_letter_whose_turn_is_far_away_keeps_no_connection() {
    let rate = Rate { letters: NonZeroU32::MIN, per: Duration::from_secs(3_600) };
    let pacing = Pacing { rate: Some(rate), daily_limit: None };
    let mut run = dispatch(2, 2, Patience::Usual, pacing);
    assert_eq!(run.next(false, at(0)), Next::Letter(id(1)));
    run.opened();
    assert_eq!(run.next(false, at(0)), Next::Letter(id(2)));
    assert_eq!(run.begin(at(0)), Turn::Now);
    assert_eq!(run.begin(at(0)), Turn::PutBack);
    run.put_back(id(2), false);
    assert!(matches!(run.next(true, at(0)), Next::Wait { leave: true, .. }));
}

#[test]
fn a_turn_that_is_far_away_is_said_once() {
    let rate = Rate { letters: NonZeroU32::MIN, per: Duration::from_secs(3_600) };
    let pacing = Pacing { rate: Some(rate), daily_limit: None };
    let mut run = dispatch(1, 2, Patience::Usual, pacing);
    take(&mut run, false, 1, at(0));
    run.settle(&frozen(1), &accepted(), true, at(1));
    run.news();
    let until = at(3_600).at;
    assert!(is_parked(&run.next(true, at(2))));
    assert_eq!(run.news(), [Progress::WaitingForTurn { until, is_slowed: false }]);
    assert!(is_parked(&run.next(false, at(40))));
    assert_eq!(run.news(), []);
}

/// In a flight the intent is durable before MAIL is answered.
#[test]
fn a_letter_that_was_intended_and_met_a_halt_is_due_again() {
    let refused = said(Stage::Mail, 550, "5.7.1 not you");
    for (is_intended, to) in [(false, None), (true, Some((State::Deferred, Some(at(0).at))))] {
        let mut run = usual(1, 2);
        take(&mut run, false, 1, at(0));
        assert_eq!(run.settle(&frozen(1), &refused, is_intended, at(0)).to, to);
        assert!(matches!(run.stopped(), Some(Stopped::Halted(Halt::SenderRefused, _))));
    }
}
