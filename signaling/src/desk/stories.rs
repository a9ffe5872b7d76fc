//! The desk's rules, one story each.

use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{Availability, RingEnd};
use protocol::ids::{CallId, UserId};
use uuid::Uuid;

use super::{Decision, Desk, Entry, Settings};

const ANNA: UserId = UserId(Uuid::from_u128(1));
const BEN: UserId = UserId(Uuid::from_u128(2));
const FIRST: CallId = CallId(Uuid::from_u128(11));
const SECOND: CallId = CallId(Uuid::from_u128(12));

fn at(seconds: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn desk() -> Desk {
    Desk::new(Settings::default())
}

fn on_duty(desk: &mut Desk, agent: UserId, seconds: u64) -> Vec<Decision> {
    desk.agent_online(agent, at(seconds));
    desk.set_ready(agent, true, at(seconds))
}

/// Who is rung for what.
fn rings(decisions: &[Decision]) -> Vec<(CallId, UserId)> {
    let ring = |d: &Decision| match d {
        Decision::Ring { call, agent, .. } => Some((*call, *agent)),
        _ => None,
    };
    decisions.iter().filter_map(ring).collect()
}

#[test]
fn the_agent_idle_for_longest_is_rung_and_the_desk_says_why() {
    let mut desk = desk();
    on_duty(&mut desk, BEN, 0);
    on_duty(&mut desk, ANNA, 10);
    let decisions = desk.join(FIRST, Entry::Back, at(30));
    let [Decision::Ring { call, agent, expires_at, why }, Decision::Availability { availability, .. }] =
        &decisions[..]
    else {
        panic!("{decisions:?}");
    };
    assert_eq!((*call, *agent, *expires_at), (FIRST, BEN, at(50)));
    assert_eq!(why, "number 1 of 1 in line, waiting 0 s; agent idle 30 s, longest of 2 free");
    assert_eq!(*availability, Availability::Busy);
}

#[test]
fn nobody_is_rung_until_an_agent_says_available() {
    let mut desk = desk();
    desk.agent_online(ANNA, at(0));
    assert_eq!(desk.join(FIRST, Entry::Back, at(0)), []);
    assert_eq!(desk.place(FIRST).unwrap().agents_on_duty, 0);
    assert_eq!(rings(&desk.set_ready(ANNA, true, at(5))), [(FIRST, ANNA)]);
}

#[test]
fn an_unanswered_ring_sets_the_agent_to_away_and_rings_the_next() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    on_duty(&mut desk, BEN, 1);
    desk.join(FIRST, Entry::Back, at(2));
    desk.join(SECOND, Entry::Back, at(3));
    desk.decline(BEN, SECOND, at(4)).unwrap();
    assert_eq!(desk.next_deadline(), Some(at(22)));
    assert_eq!(desk.tick(at(21)), []);
    let decisions = desk.tick(at(22));
    assert_eq!(decisions[0], Decision::RingEnded { call: FIRST, agent: ANNA, reason: RingEnd::NoAnswer });
    assert_eq!(rings(&decisions), [(FIRST, BEN)], "the first is ahead of the second again");
    assert_eq!(desk.availability(ANNA), Some(Availability::Away));
}

#[test]
fn a_declined_call_goes_to_the_other_agent_and_comes_back_only_after_a_rest() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    on_duty(&mut desk, BEN, 1);
    desk.join(FIRST, Entry::Back, at(2));
    assert_eq!(rings(&desk.decline(ANNA, FIRST, at(5)).unwrap()), [(FIRST, BEN)]);
    assert_eq!(rings(&desk.decline(BEN, FIRST, at(6)).unwrap()), []);
    assert_eq!(desk.next_deadline(), Some(at(125)));
    assert_eq!(rings(&desk.tick(at(125))), [(FIRST, ANNA)]);
}

#[test]
fn an_agent_alone_is_asked_again_after_a_short_pause_and_gets_others_meanwhile() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    desk.join(FIRST, Entry::Back, at(0));
    desk.decline(ANNA, FIRST, at(5)).unwrap();
    assert_eq!(rings(&desk.join(SECOND, Entry::Back, at(6))), [(SECOND, ANNA)]);
    desk.leave(SECOND, at(7));
    assert_eq!(desk.next_deadline(), Some(at(20)));
    assert_eq!(rings(&desk.tick(at(20))), [(FIRST, ANNA)]);
}

#[test]
fn a_buyer_who_leaves_stops_the_ring() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    desk.join(FIRST, Entry::Back, at(1));
    let decisions = desk.leave(FIRST, at(2));
    assert_eq!(
        decisions,
        [
            Decision::RingEnded { call: FIRST, agent: ANNA, reason: RingEnd::BuyerLeft },
            Decision::Availability { agent: ANNA, availability: Availability::Available },
        ]
    );
    assert!(desk.accept(ANNA, FIRST, at(3)).is_err());
}

#[test]
fn an_agent_whose_console_is_lost_while_ringing_hands_the_call_on() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    on_duty(&mut desk, BEN, 1);
    desk.join(FIRST, Entry::Back, at(2));
    assert_eq!(rings(&desk.agent_lost(ANNA, at(3))), [(FIRST, BEN)]);
    assert_eq!(desk.on_duty(), 1);
    desk.agent_online(ANNA, at(4));
    assert_eq!(desk.availability(ANNA), Some(Availability::Available), "a reload does not change the choice");
}

#[test]
fn accept_is_for_the_agent_whose_console_rings() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    on_duty(&mut desk, BEN, 1);
    desk.join(FIRST, Entry::Back, at(2));
    assert!(desk.accept(BEN, FIRST, at(3)).is_err());
    assert!(desk.accept(ANNA, SECOND, at(3)).is_err());
    let decisions = desk.accept(ANNA, FIRST, at(3)).unwrap();
    assert!(decisions.contains(&Decision::Connect { call: FIRST, agent: ANNA }));
    assert!(desk.accept(ANNA, FIRST, at(3)).is_err(), "once");
}

#[test]
fn wrap_up_frees_the_agent_as_they_chose_and_teaches_the_wait() {
    let mut desk = desk();
    on_duty(&mut desk, ANNA, 0);
    desk.join(FIRST, Entry::Back, at(0));
    desk.accept(ANNA, FIRST, at(5)).unwrap();
    desk.join(SECOND, Entry::Back, at(6));
    assert_eq!(desk.place(SECOND).unwrap().expected_wait_s, None, "nothing is known yet");
    desk.call_over(FIRST, at(90));
    assert_eq!(desk.availability(ANNA), Some(Availability::Busy));
    desk.set_ready(ANNA, false, at(100));
    assert_eq!(rings(&desk.wrapped_up(FIRST, at(125))), []);
    assert_eq!(desk.availability(ANNA), Some(Availability::Away));
    on_duty(&mut desk, BEN, 126);
    assert_eq!(desk.ring_at(BEN).map(|(call, _)| call), Some(SECOND));
    let third = CallId(Uuid::from_u128(13));
    desk.join(third, Entry::Back, at(127));
    assert_eq!(desk.place(third).unwrap().expected_wait_s, Some((0, 120)));
}

#[test]
fn a_buyer_whose_connection_is_gone_keeps_the_place_and_rings_nobody() {
    let mut desk = desk();
    desk.join(FIRST, Entry::Back, at(0));
    desk.join(SECOND, Entry::Back, at(1));
    desk.set_present(FIRST, false, at(2));
    assert_eq!(rings(&on_duty(&mut desk, ANNA, 3)), [(SECOND, ANNA)]);
    assert_eq!(desk.place(FIRST).unwrap().position, 1);
    on_duty(&mut desk, BEN, 4);
    assert_eq!(rings(&desk.set_present(FIRST, true, at(5))), [(FIRST, BEN)]);
}

#[test]
fn who_lost_their_agent_is_next_in_line() {
    let mut desk = desk();
    desk.join(FIRST, Entry::Back, at(0));
    desk.join(SECOND, Entry::Front, at(1));
    let order: Vec<CallId> = desk.line().map(|(call, _)| call).collect();
    assert_eq!(order, [SECOND, FIRST]);
}
