//! Transitions and views, without a floor.

use std::time::Duration;

use protocol::call::{MonitorMode, Side, Source};
use protocol::ids::{ReceiptId, UserId};
use protocol::rest::RecordedSide;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn choice(recording: bool) -> ConsentReceipt {
    ConsentReceipt {
        id: ReceiptId::new(),
        side: RecordedSide::Buyer,
        subject: "buyer-7".into(),
        recording,
        text_version: "1".into(),
        text_sha256: "00".into(),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: at(0),
    }
}

fn waiting() -> Call {
    let buyer = Call::seat(Side::Buyer, "Mara", &[]);
    let context = BuyerContext { subject: "buyer-7".into(), language: "de".into(), ..Default::default() };
    let queue = QueueSettings::new("support", "Support");
    Call::new(
        CallId::new(),
        BuyerSessionId::new(),
        context,
        queue,
        Rule::OptIn,
        buyer,
        Some(choice(false)),
        at(0),
    )
}

fn agent() -> AgentSeat {
    AgentSeat { user: UserId::new(), party: Call::seat(Side::Agent, "Anna", &[Source::Microphone]) }
}

fn connected() -> Call {
    let mut call = waiting();
    call.ring().unwrap();
    call.connect(agent(), at(5)).unwrap();
    call
}

fn mara(call: &Call) -> Person {
    Person::Buyer(call.session())
}

fn anna(call: &Call) -> Person {
    Person::Staff(call.agent().unwrap().user)
}

fn guest(side: Side, monitor: Option<MonitorMode>) -> Guest {
    let party = Party { monitor, ..Call::seat(side, "Vera", &[]) };
    Guest { user: UserId::new(), party, was_ready: true }
}

#[test]
fn a_call_moves_down_the_states_and_only_a_missed_ring_moves_up() {
    let mut call = waiting();
    assert!(call.connect(agent(), at(1)).is_err(), "nobody connects without a ring");
    assert!(call.back_in_line().is_err());
    call.ring().unwrap();
    assert!(call.ring().is_err(), "it rings once at a time");
    call.back_in_line().unwrap();
    call.ring().unwrap();
    call.connect(agent(), at(5)).unwrap();
    assert!(call.back_in_line().is_err());
    assert!(call.wrapped_up().is_err());
    call.finish(EndReason::BuyerHungUp, at(60)).unwrap();
    assert_eq!(call.state(), CallState::WrapUp);
    assert!(call.finish(EndReason::AgentHungUp, at(61)).is_err(), "the first reason stands");
    call.wrapped_up().unwrap();
    assert_eq!(call.state(), CallState::Ended);
    assert!(call.wrapped_up().is_err());
}

#[test]
fn a_call_nobody_accepted_ends_without_wrap_up() {
    for rings in [false, true] {
        let mut call = waiting();
        if rings {
            call.ring().unwrap();
        }
        call.finish(EndReason::Abandoned, at(9)).unwrap();
        assert_eq!(call.state(), CallState::Ended);
        assert!(call.view(Person::Staff(UserId::new())).is_none());
    }
}

#[test]
fn the_shops_context_ticket_and_recording_are_for_the_agent_only() {
    let mut call = connected();
    call.set_ticket(TicketRef { id: protocol::ids::TicketId::new(), number: "V-1".into() });
    call.set_recording(RecordingState::On, Some(RecordingId::new()));
    let (buyer, agent) = (call.view(mara(&call)).unwrap(), call.view(anna(&call)).unwrap());
    assert!(agent.context.is_some() && agent.ticket.is_some() && agent.recording_id.is_some());
    assert!(buyer.context.is_none() && buyer.ticket.is_none() && buyer.recording_id.is_none());
    assert_eq!(buyer.recording, RecordingState::On, "that it is recorded is shown to both");
    assert_ne!(buyer.you, agent.you);
    assert_eq!(buyer.parties, agent.parties);
}

#[test]
fn the_buyer_is_done_when_the_media_is() {
    let mut call = connected();
    call.finish(EndReason::AgentHungUp, at(60)).unwrap();
    assert_eq!(call.view(mara(&call)).unwrap().state, CallState::Ended);
    assert_eq!(call.view(anna(&call)).unwrap().state, CallState::WrapUp);
}

#[test]
fn chat_is_numbered_bounded_and_checked() {
    let mut call = connected();
    assert_eq!(call.say(mara(&call), " \n ", at(6)), Err(ChatError::Empty));
    assert_eq!(call.say(mara(&call), &"ä".repeat(2_001), at(6)), Err(ChatError::TooLong(2_001)));
    assert_eq!(call.say(mara(&call), &"ä".repeat(2_000), at(6)).unwrap().number, 1);
    for n in 0..CHAT_LINES_MAX {
        call.say(anna(&call), &n.to_string(), at(7)).unwrap();
    }
    let chat = call.view(mara(&call)).unwrap().chat;
    assert_eq!((chat.len(), chat[0].number), (CHAT_LINES_MAX, 2));
    assert_eq!(chat[0].from, call.party(Side::Agent).unwrap().id);
}

#[test]
fn the_last_choice_about_recording_counts() {
    let mut call = connected();
    assert!(!call.consented());
    call.choose(choice(true));
    assert!(call.consented() && call.ring_view(at(9), Rule::OptIn, None).recording);
    call.choose(choice(false));
    assert!(!call.consented());
    assert_eq!(call.receipts().len(), 3);
}

#[test]
fn what_a_person_sends_is_a_set() {
    let mut call = connected();
    assert!(call.set_sending(mara(&call), &[Source::Camera, Source::Microphone, Source::Camera]));
    assert!(!call.set_sending(mara(&call), &[Source::Microphone, Source::Camera]));
    assert_eq!(call.party(Side::Buyer).unwrap().sending, [Source::Microphone, Source::Camera]);
    assert!(call.set_present(mara(&call), false));
    assert!(!call.set_present(mara(&call), false));
}

#[test]
fn the_buyer_sees_supervisors_only_when_they_barge_in_and_never_whom_the_agent_asks() {
    let mut call = connected();
    let (listener, colleague) =
        (guest(Side::Supervisor, Some(MonitorMode::Listen)), guest(Side::Consultant, None));
    let supervisor = Person::Staff(listener.user);
    call.admit(listener.clone());
    assert!(call.ask(colleague.user, "Ben", at(40)));
    assert!(!call.ask(UserId::new(), "Cleo", at(40)), "one at a time");
    call.admit(colleague);
    call.begin_consult(at(10));
    let seen = |call: &Call, who| call.view(who).unwrap().parties.len();
    assert_eq!((seen(&call, mara(&call)), seen(&call, anna(&call)), seen(&call, supervisor)), (2, 4, 4));
    let (buyer, agent) = (call.view(mara(&call)).unwrap(), call.view(anna(&call)).unwrap());
    assert!(buyer.consult.is_none() && agent.consult.unwrap().talking);
    assert_eq!(buyer.held_since, Some(at(10)), "that they are on hold is no secret");
    let party = Party { monitor: Some(MonitorMode::Barge), ..listener.party };
    call.admit(Guest { party, ..listener });
    assert_eq!((seen(&call, mara(&call)), call.guests().len()), (3, 2), "the same guest, another mode");
    call.finish(EndReason::BuyerHungUp, at(60)).unwrap();
    assert_eq!(
        call.view(supervisor).unwrap().state,
        CallState::Ended,
        "only the agent has something to write"
    );
}

#[test]
fn a_consult_takes_back_only_whom_it_put_on_hold() {
    let mut call = connected();
    call.ask(UserId::new(), "Ben", at(40));
    call.begin_consult(at(10));
    assert!(call.is_held());
    call.end_consult();
    assert!(!call.is_held());

    assert!(call.set_held(true, at(20)) && !call.set_held(true, at(21)));
    call.ask(UserId::new(), "Ben", at(40));
    call.begin_consult(at(22));
    call.end_consult();
    assert!(call.is_held(), "the agent did that");
    assert!(call.set_held(false, at(30)));

    call.ask(UserId::new(), "Ben", at(40));
    call.begin_consult(at(31));
    assert!(call.set_held(false, at(32)), "the agent takes them back early");
    assert!(call.set_held(true, at(33)));
    call.end_consult();
    assert!(call.is_held());
}

#[test]
fn what_the_server_mutes_is_a_set() {
    let mut call = connected();
    assert!(call.set_muted(mara(&call), Source::Camera, true));
    assert!(call.set_muted(mara(&call), Source::Microphone, true));
    assert!(!call.set_muted(mara(&call), Source::Camera, true));
    assert_eq!(call.party(Side::Buyer).unwrap().muted, [Source::Microphone, Source::Camera]);
    assert!(call.set_muted(mara(&call), Source::Microphone, false));
    assert!(!call.set_muted(Person::Staff(UserId::new()), Source::Camera, true), "not in the call");
}
