//! Rings that are declined, missed, given up on, or somebody else's.

use protocol::call::EndReason;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_declined_call_rings_at_the_other_agent() {
    let world = World::new();
    let mut anna = world.agent("Anna").await;
    let mut ben = world.agent("Ben").await;
    let mut buyer = world.buyer().await;
    let call = buyer.ask(true).await;
    assert!(anna.rung().await.recording);
    anna.say(ClientMessage::Decline { call }).await;
    assert_eq!(anna.ring_ended().await, (call, RingEnd::Declined));
    assert_eq!(ben.rung().await.call, call);
    ben.say(ClientMessage::Accept { call }).await;
    let view = buyer.sees(CallState::Connected).await;
    assert!(view.parties.iter().any(|party| party.name == "Ben"));
    assert!(!anna.drain().await.iter().any(|message| matches!(message, ServerMessage::Call { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_ring_that_nobody_answers_sets_the_agent_to_away_and_the_buyer_keeps_waiting() {
    let world = World::new();
    let mut agent = world.agent("Anna").await;
    let mut buyer = world.buyer().await;
    let call = buyer.ask(false).await;
    let ring = agent.rung().await;
    buyer.sees(CallState::Ringing).await;
    assert_eq!(agent.ring_ended().await, (call, RingEnd::NoAnswer));
    let waited = ring.expires_at.duration_since(ring.requested_at);
    assert_eq!(waited.as_secs(), 20);
    agent.is(Availability::Away).await;
    buyer.sees(CallState::Waiting).await;
    let place = buyer.place().await;
    assert_eq!((place.position, place.agents_on_duty, place.expected_wait_s), (1, 0, None));
    assert_eq!(world.floor.metrics().rona.get(), 1);

    agent.be(Availability::Available).await;
    assert_eq!(agent.rung().await.call, call, "it was not lost");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_buyer_hears_their_place_on_every_change_and_at_least_every_five_seconds() {
    let world = World::new();
    let mut first = world.buyer().await;
    first.ask(false).await;
    assert_eq!(first.place().await.position, 1);
    let mut second = world.buyer().await;
    second.ask(false).await;
    assert_eq!(second.place().await.position, 2);
    let asked = tokio::time::Instant::now();
    second.place().await;
    assert!(asked.elapsed() <= Duration::from_secs(5));
    first.say(ClientMessage::HangUp).await;
    let changed = tokio::time::Instant::now();
    assert_eq!(second.place().await.position, 1);
    assert!(changed.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_buyer_who_gives_up_stops_the_ring() {
    let world = World::new();
    let mut agent = world.agent("Anna").await;
    let mut buyer = world.buyer().await;
    let call = buyer.ask(false).await;
    agent.rung().await;
    buyer.say(ClientMessage::HangUp).await;
    assert_eq!(agent.ring_ended().await, (call, RingEnd::BuyerLeft));
    agent.is(Availability::Available).await;
    assert_eq!(buyer.sees(CallState::Ended).await.end_reason, Some(EndReason::Abandoned));
    agent.say(ClientMessage::Accept { call }).await;
    assert_eq!(code(&agent.problem().await), "not_your_call");
}

#[tokio::test(start_paused = true)]
async fn an_agent_who_steps_away_while_it_rings_hands_the_call_on() {
    let world = World::new();
    let mut anna = world.agent("Anna").await;
    let mut ben = world.agent("Ben").await;
    let mut buyer = world.buyer().await;
    let call = buyer.ask(false).await;
    anna.rung().await;
    anna.be(Availability::Away).await;
    assert_eq!(ben.rung().await.call, call);
    ben.lose().await;
    buyer.sees(CallState::Waiting).await;
    ben.reload().await;
    assert_eq!(ben.rung().await.call, call);
}

#[tokio::test(start_paused = true)]
async fn a_strangers_accept_is_refused_and_changes_nothing() {
    let world = World::new();
    let mut anna = world.agent("Anna").await;
    let mut ben = world.agent("Ben").await;
    let mut buyer = world.buyer().await;
    let call = buyer.ask(false).await;
    anna.rung().await;

    for message in [ClientMessage::Accept { call }, ClientMessage::Decline { call }] {
        ben.say(message.clone()).await;
        assert_eq!(code(&ben.problem().await), "not_your_call");
        buyer.say(message.clone()).await;
        assert_eq!(code(&buyer.problem().await), "not_allowed");
        let mut reviewer = world.connect(staff("Rita", Role::Reviewer)).await;
        reviewer.say(message).await;
        assert_eq!(code(&reviewer.problem().await), "not_allowed");
    }
    for message in [ClientMessage::HangUp, ClientMessage::Chat { text: "hi".into() }] {
        ben.say(message).await;
        assert_eq!(code(&ben.problem().await), "no_call");
    }
    assert_eq!(world.model.shown_to(ben.participant()).len(), 0);

    anna.say(ClientMessage::Accept { call }).await;
    buyer.sees(CallState::Connected).await;
    ben.say(ClientMessage::Accept { call }).await;
    assert_eq!(code(&ben.problem().await), "not_your_call");
    anna.say(ClientMessage::Accept { call }).await;
    let heard = anna.drain().await;
    assert!(
        !heard.iter().any(|m| matches!(m, ServerMessage::Problem { .. })),
        "a double click is no problem"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_line_says_so() {
    let world = World::with(Settings { line_max: 2, ..Settings::default() });
    for _ in 0..2 {
        world.buyer().await.ask(false).await;
    }
    let mut third = world.buyer().await;
    third.say(ClientMessage::RequestHelp { consent: Some(choice(false)) }).await;
    assert_eq!(code(&third.problem().await), "queue_full");
}
