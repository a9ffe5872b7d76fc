//! Calls that go well.

use protocol::call::{EndReason, RecordingState};

use super::*;
use crate::floor::ports::Fact;

#[tokio::test(start_paused = true)]
async fn a_buyer_gets_help_from_the_tap_to_the_ticket() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    let mut agent = world.agent("Anna").await;
    assert_eq!(world.floor.agents_on_duty(), 1);

    let call = buyer.ask(false).await;
    let ring = agent.rung().await;
    assert_eq!(ring.call, call);
    assert_eq!(ring.context.product.unwrap().sku, "LAMP-1");
    assert!(!ring.recording);
    buyer.sees(CallState::Ringing).await;

    agent.say(ClientMessage::Accept { call }).await;
    assert_eq!(agent.ring_ended().await, (call, RingEnd::Accepted));
    let view = agent.sees(CallState::Connected).await;
    assert_eq!(view.context.unwrap().name.as_deref(), Some("Mara"));
    assert_eq!(view.parties.len(), 2);
    let view = buyer.sees(CallState::Connected).await;
    assert!(view.context.is_none() && view.ticket.is_none());
    assert!(view.parties.iter().any(|party| party.name == "Anna" && party.present));

    let mic_camera_screen = ["3", "6", "7"].map(String::from).into_iter();
    let wanted: Vec<_> =
        mic_camera_screen.zip([Source::Microphone, Source::Camera, Source::Screen]).collect();
    assert_eq!(buyer.shown().await, wanted);
    assert_eq!(agent.shown().await, wanted);
    assert!(world.model.are_linked(buyer.participant(), agent.participant()));
    let ticket = agent.sees_when("the ticket", |call| call.ticket.is_some()).await.ticket.unwrap();
    assert_eq!(ticket.number, "V-1001");

    buyer.say(ClientMessage::Chat { text: "It blinks.".into() }).await;
    for client in [&mut buyer, &mut agent] {
        let line = client
            .hear("chat", |message| match message {
                ServerMessage::Chat { line, .. } => Some(line),
                _ => None,
            })
            .await;
        assert_eq!((line.number, line.text.as_str()), (1, "It blinks."));
    }

    sleep(Duration::from_secs(60)).await;
    buyer.say(ClientMessage::HangUp).await;
    let over = buyer.sees(CallState::Ended).await;
    assert_eq!(over.end_reason, Some(EndReason::BuyerHungUp));
    agent.sees(CallState::WrapUp).await;
    assert_eq!(agent.shown().await, []);
    settle().await;
    assert!(world.model.is_here(agent.participant()), "the agent's transport stays warm");
    assert!(!world.model.is_here(buyer.participant()));

    world.floor.wrapped_up(call).await;
    assert_eq!(agent.sees(CallState::Ended).await.recording, RecordingState::Off);
    agent.is(Availability::Available).await;

    let told: Vec<&str> = world
        .model
        .facts()
        .iter()
        .map(|fact| match fact {
            Fact::Requested { .. } => "requested",
            Fact::Chose { receipt, .. } if receipt.text_sha256 == "5ha" && !receipt.recording => "declined",
            Fact::Accepted { .. } => "accepted",
            Fact::Said { name, .. } if name == "Mara" => "said",
            Fact::Ended { reason: EndReason::BuyerHungUp, .. } => "ended",
            Fact::Happened { .. } => "happened",
            other => panic!("{other:?}"),
        })
        .collect();
    let story = ["requested", "declined", "accepted", "happened", "said", "ended", "happened"];
    assert_eq!(told, story);
}

#[tokio::test(start_paused = true)]
async fn the_same_agent_helps_one_buyer_after_the_other_on_one_transport() {
    let world = World::new();
    let (mut first, mut agent, call) = world.call(false).await;
    agent.say(ClientMessage::HangUp).await;
    assert_eq!(first.sees(CallState::Ended).await.end_reason, Some(EndReason::AgentHungUp));

    let mut second = world.buyer().await;
    second.ask(false).await;
    agent.drain().await;
    world.floor.wrapped_up(call).await;
    let next = agent.rung().await.call;
    agent.say(ClientMessage::Accept { call: next }).await;
    second.sees(CallState::Connected).await;
    settle().await;
    let from = second.participant();
    assert_eq!(world.model.shown_to(agent.participant()).into_values().collect::<Vec<_>>(), [from; 3]);
    assert_eq!(world.model.shown_to(first.participant()).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_offers_late_is_attached_when_they_do() {
    let world = World::new();
    let mut buyer = world.connect(buyer()).await;
    let mut agent = world.agent("Anna").await;
    buyer.ask(false).await;
    let call = agent.rung().await.call;
    agent.say(ClientMessage::Accept { call }).await;
    assert_eq!(agent.shown().await, [], "nobody is there yet");
    buyer.sees(CallState::Connected).await;
    let slots = buyer.offer().await;
    assert_eq!(slots.iter().filter(|slot| slot.shows.is_some()).count(), 3);
    assert_eq!(agent.shown().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_ice_restart_keeps_the_participant() {
    let world = World::new();
    let (mut buyer, agent, _) = world.call(false).await;
    let before = buyer.participant();
    buyer.offer_again().await;
    settle().await;
    assert_eq!(buyer.participant(), before);
    assert!(!world.model.deeds().contains(&Deed::Left(before)));
    assert_eq!(world.model.shown_to(agent.participant()).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn muting_is_shown_to_the_other_side_and_remembered_from_before_the_call() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    let mut agent = world.agent("Anna").await;
    buyer.say(ClientMessage::Sending { sources: vec![Source::Camera] }).await;
    buyer.ask(false).await;
    let call = agent.rung().await.call;
    agent.say(ClientMessage::Accept { call }).await;
    let sending = |view: &CallView| view.parties.iter().find(|p| p.name == "Mara").unwrap().sending.clone();
    assert_eq!(sending(&agent.sees(CallState::Connected).await), [Source::Camera]);
    buyer.say(ClientMessage::Sending { sources: vec![Source::Camera, Source::Microphone] }).await;
    agent.sees_when("the microphone", |view| sending(view) == [Source::Microphone, Source::Camera]).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrap_up_written_during_the_call_frees_the_agent_at_its_end() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    world.floor.wrapped_up(call).await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::Ended).await;
    agent.is(Availability::Available).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_state_does_not_allow_is_refused_by_name() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    buyer.say(ClientMessage::HangUp).await;
    assert_eq!(code(&buyer.problem().await), "no_call");
    buyer.ask(false).await;
    buyer.say(ClientMessage::Chat { text: "hello?".into() }).await;
    assert_eq!(code(&buyer.problem().await), "not_now");
    buyer.say(ClientMessage::RequestHelp { consent: Some(choice(false)) }).await;
    assert_eq!(code(&buyer.problem().await), "already_in_call");

    let mut agent = world.connect(staff("Anna", Role::Agent)).await;
    agent.say(ClientMessage::SetAvailability { availability: Availability::Busy }).await;
    assert_eq!(agent.problem().await.field.as_deref(), Some("availability"));
    agent.say(ClientMessage::RequestHelp { consent: Some(choice(false)) }).await;
    assert_eq!(code(&agent.problem().await), "not_allowed");
    agent.say(ClientMessage::Offer { sdp: "v=0\r\n".into(), sources: vec![] }).await;
    assert_eq!(code(&agent.problem().await), "offer_unusable");
    let twice = vec![SourceLine { mid: "0".into(), source: Source::Camera }; 2];
    agent
        .say(ClientMessage::Offer { sdp: "v=0\r\na=fingerprint:sha-256 A\r\n".into(), sources: twice })
        .await;
    assert_eq!(agent.problem().await.field.as_deref(), Some("sources[1]"));
    agent.say(ClientMessage::Hello { version: 1, session_token: None, resume: None }).await;
    assert_eq!(code(&agent.problem().await), "hello_expected");
}

#[tokio::test(start_paused = true)]
async fn what_happens_in_a_call_is_kept_for_whoever_reviews_it() {
    use protocol::call::{MonitorMode, Side};
    use protocol::replay::CallEventKind as Kind;

    let world = World::new();
    let mut boss = world.supervisor("Sven").await;
    let (mut buyer, mut agent, call) = world.call(false).await;
    for sources in [vec![Source::Microphone, Source::Camera], vec![Source::Microphone]] {
        buyer.say(ClientMessage::Sending { sources }).await;
    }
    agent.say(ClientMessage::SetHold { on: true }).await;
    agent.say(ClientMessage::SetHold { on: true }).await;
    let view = agent.sees_when("the hold", |call| call.held_since.is_some()).await;
    let them = view.parties.iter().find(|party| party.side == Side::Buyer).unwrap().id;
    agent.say(ClientMessage::SetHold { on: false }).await;
    agent.say(ClientMessage::Mute { party: them, source: Source::Microphone, muted: true }).await;
    boss.say(ClientMessage::Monitor { call, mode: MonitorMode::Listen }).await;
    boss.say(ClientMessage::MonitorEnd).await;
    buyer.say(ClientMessage::HangUp).await;
    settle().await;

    let facts = world.model.facts.lock().unwrap().clone();
    let kept: Vec<(u32, Option<Side>, Kind)> = facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Happened { number, event, .. } => Some((number, event.by.map(|by| by.side), event.what)),
            _ => None,
        })
        .filter(|(_, _, what)| !matches!(what, Kind::Sending { on: true, .. }))
        .collect();
    let whats: Vec<_> = kept.iter().map(|(_, by, what)| (*by, what.clone())).collect();
    let whom = protocol::replay::EventPerson { side: Side::Buyer, name: None };
    assert_eq!(
        whats,
        [
            (Some(Side::Agent), Kind::Connected),
            (Some(Side::Buyer), Kind::Sending { source: Source::Camera, on: false }),
            (Some(Side::Agent), Kind::Held),
            (Some(Side::Agent), Kind::TakenBack),
            (Some(Side::Agent), Kind::Muted { whom, source: Source::Microphone, on: true }),
            (Some(Side::Supervisor), Kind::Following { mode: MonitorMode::Listen }),
            (Some(Side::Supervisor), Kind::FollowingEnded),
            (None, Kind::Ended { reason: EndReason::BuyerHungUp }),
        ]
    );
    let numbers: Vec<u32> = kept.iter().map(|(number, ..)| *number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}
