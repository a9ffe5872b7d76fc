//! What is around the floor fails; calls go on.

use std::sync::atomic::Ordering;

use protocol::call::{EndReason, RecordingState};

use super::*;
use crate::floor::journal::PRESSED;
use crate::floor::ports::Fact;

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_costs_no_call_and_hears_everything_when_it_is_back() {
    let world = World::new();
    world.model.store_away.store(true, Ordering::Relaxed);
    let (mut buyer, mut agent, call) = world.call(false).await;
    buyer.say(ClientMessage::Chat { text: "still here".into() }).await;
    sleep(Duration::from_secs(90)).await;
    buyer.say(ClientMessage::HangUp).await;
    assert!(agent.sees(CallState::WrapUp).await.ticket.is_none(), "no store, no ticket yet");
    assert!(world.model.facts().is_empty());
    assert_eq!(world.floor.metrics().journal.waiting.get(), 7);

    world.model.store_away.store(false, Ordering::Relaxed);
    let late = agent.sees_when("the ticket", |call| call.ticket.is_some()).await;
    assert_eq!(late.id, call);
    settle().await;
    let facts = world.model.facts();
    assert!(
        matches!(facts[0], Fact::Requested { .. }) && matches!(facts[5], Fact::Ended { .. }),
        "{facts:?}"
    );
    assert_eq!(world.floor.metrics().journal.waiting.get(), 0);
    assert_eq!(world.floor.metrics().journal.lost.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_far_behind_gets_no_new_calls_and_those_that_go_on_are_written_down() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    let waiting = &world.floor.metrics().journal.waiting;
    waiting.add(PRESSED as i64);
    let mut late = world.buyer().await;
    late.say(ClientMessage::RequestHelp { consent: Some(choice(false)) }).await;
    assert_eq!(code(&late.problem().await), "store_behind");
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    assert!(world.model.facts().iter().any(|fact| matches!(fact, Fact::Ended { .. })));
    waiting.sub(PRESSED as i64);
    late.ask(false).await;
    assert_eq!(late.place().await.position, 1);
}

#[tokio::test(start_paused = true)]
async fn a_media_plane_that_hangs_is_named_and_does_not_stop_the_floor() {
    let world = World::new();
    world.model.media_hangs.store(true, Ordering::Relaxed);
    let mut buyer = world.connect(buyer()).await;
    let offer = ClientMessage::Offer { sdp: "v=0\r\na=fingerprint:sha-256 A\r\n".into(), sources: vec![] };
    buyer.say(offer.clone()).await;
    assert_eq!(code(&buyer.problem().await), "media_unavailable");
    buyer.ask(false).await;
    assert_eq!(buyer.place().await.position, 1);
    world.model.media_hangs.store(false, Ordering::Relaxed);
    buyer
        .say(ClientMessage::Offer { sdp: "nonsense\r\na=fingerprint:sha-256 A\r\n".into(), sources: vec![] })
        .await;
    let problem = buyer.problem().await;
    assert_eq!((code(&problem), problem.detail.as_str()), ("offer_unusable", "no v=0 line"));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_calls_completes_recordings_and_writes_what_is_left() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(true).await;
    let mut waiting = world.buyer().await;
    waiting.ask(false).await;
    assert!(world.floor.is_taking_calls());
    world.floor.shutdown().await;
    assert!(!world.floor.is_taking_calls());

    assert_eq!(buyer.sees(CallState::Ended).await.end_reason, Some(EndReason::ServerStopped));
    assert_eq!(agent.sees(CallState::WrapUp).await.end_reason, Some(EndReason::ServerStopped));
    assert_eq!(waiting.sees(CallState::Ended).await.end_reason, Some(EndReason::ServerStopped));
    for client in [&mut buyer, &mut agent, &mut waiting] {
        assert_eq!(client.dismissed().await, Farewell::Stopping);
    }
    assert!(world.model.deeds().contains(&Deed::RecordingStopped));
    let facts = world.model.facts();
    let ended = facts.iter().filter(|f| matches!(f, Fact::Ended { reason: EndReason::ServerStopped, .. }));
    assert_eq!(ended.count(), 2);
    assert!(facts.iter().any(|fact| matches!(fact, Fact::RecordingFinished { .. })), "{facts:?}");
    let (outlet, _inlet) = outlet();
    assert!(world.floor.opened(buyer.identity.clone(), None, outlet).await.is_err());
    // Nobody is left to hear it, and nothing hangs.
    world.floor.wrapped_up(CallId::new()).await;
    world.floor.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_figures_tell_what_goes_on() {
    let world = World::new();
    let registry = prometheus::Registry::new();
    world.floor.register_metrics(&registry).unwrap();
    let (mut buyer, _agent, _) = world.call(true).await;
    buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;
    buyer.say(ClientMessage::FirstFrame { after_ms: 180 }).await;
    buyer.say(ClientMessage::FirstFrame { after_ms: 3_600_000 }).await;
    assert_eq!(buyer.problem().await.field.as_deref(), Some("after_ms"));
    let mut waiting = world.buyer().await;
    waiting.ask(false).await;
    settle().await;
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for line in [
        "vitrine_calls{state=\"connected\"} 1",
        "vitrine_calls{state=\"waiting\"} 1",
        "vitrine_agents{availability=\"busy\"} 1",
        "vitrine_buyers_waiting 1",
        "vitrine_websockets 3",
        "vitrine_first_frame_seconds_count 1",
        "vitrine_problems_total{code=\"field_invalid\"} 1",
    ] {
        assert!(text.lines().any(|theirs| theirs == line), "no {line} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_media_plane_with_much_to_tell_and_the_floor_do_not_wait_for_each_other() {
    let world = World::new();
    *world.model.chatter.lock().unwrap() = Some(world.media_events.clone());
    let began = tokio::time::Instant::now();
    let (buyer, agent, _) = world.call(false).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(world.model.are_linked(buyer.participant(), agent.participant()));
}
