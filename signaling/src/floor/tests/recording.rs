//! Consent, and what is recorded because of it.

use std::sync::atomic::Ordering;

use protocol::call::RecordingState;

use super::*;
use crate::floor::ports::Fact;
use crate::queues::Record;

fn touched_the_recorder(deeds: &[Deed]) -> bool {
    use Deed::{RecordingErased, RecordingStarted, RecordingStopped, Tapped, TrackAdded};
    deeds.iter().any(|deed| {
        matches!(deed, RecordingStarted | RecordingErased | RecordingStopped | Tapped(..) | TrackAdded { .. })
    })
}

#[tokio::test(start_paused = true)]
async fn with_consent_everything_is_tapped_before_anything_is_shown() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(true).await;
    let view = agent.sees_when("recording", |call| call.recording == RecordingState::On).await;
    assert!(view.recording_id.is_some());
    buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;

    let deeds = world.model.deeds();
    let first_shown = deeds.iter().position(|deed| matches!(deed, Deed::Attached { .. })).unwrap();
    let taps: Vec<_> = deeds[..first_shown].iter().filter(|deed| matches!(deed, Deed::Tapped(..))).collect();
    assert_eq!(taps.len(), 6, "{deeds:?}");
    let tracks = deeds.iter().filter(|deed| matches!(deed, Deed::TrackAdded { .. })).count();
    assert_eq!(tracks, 6);

    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    let facts = world.model.facts();
    assert!(matches!(facts[4], Fact::RecordingStarted { .. }), "{facts:?}");
    assert!(matches!(facts.last(), Some(Fact::RecordingFinished { duration_ms: 4_200, .. })), "{facts:?}");
}

#[tokio::test(start_paused = true)]
async fn without_consent_the_recorder_never_hears_of_the_call() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    agent.reload().await;
    agent.offer().await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    assert!(!touched_the_recorder(&world.model.deeds()), "{:?}", world.model.deeds());
    let recorded =
        |fact: &Fact| matches!(fact, Fact::RecordingStarted { .. } | Fact::RecordingFinished { .. });
    assert!(!world.model.facts().iter().any(recorded));
}

#[tokio::test(start_paused = true)]
async fn withdrawal_erases_at_once_and_both_are_told() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(true).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    let deleted = |call: &CallView| call.recording == RecordingState::Deleted;
    buyer.sees_when("deleted", deleted).await;
    let view = agent.sees_when("deleted", deleted).await;
    assert_eq!((view.recording_id, view.state), (None, CallState::Connected), "the call goes on");
    let shown = world.model.shown_to(buyer.participant());
    assert_eq!(shown.len(), 3, "and so does the media");

    agent.reload().await;
    agent.offer().await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    let deeds = world.model.deeds();
    let erased = deeds.iter().position(|deed| *deed == Deed::RecordingErased).unwrap();
    assert!(!touched_the_recorder(&deeds[erased + 1..]), "nothing after the withdrawal: {deeds:?}");
    assert_eq!(deeds[erased - 1], Deed::RecordingStopped, "nothing is stored while it is deleted");
    assert_eq!(*world.model.receipts.lock().unwrap(), [true, false], "the manifest knows why");
    let facts = world.model.facts();
    assert!(
        facts.iter().any(|fact| matches!(fact, Fact::RecordingDeleted { reason: "consent_withdrawn", .. }))
    );
    let choices: Vec<bool> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Chose { receipt, .. } => Some(receipt.recording),
            _ => None,
        })
        .collect();
    assert_eq!(choices, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn consent_in_the_middle_starts_a_recording_and_again_after_a_withdrawal_another_one() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(true) }).await;
    let on = |call: &CallView| call.recording == RecordingState::On;
    let first = agent.sees_when("recording", on).await.recording_id.unwrap();
    assert_eq!(*world.model.receipts.lock().unwrap(), [false, true]);
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    agent.sees_when("deleted", |call| call.recording == RecordingState::Deleted).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(true) }).await;
    let second = agent.sees_when("recording", on).await.recording_id.unwrap();
    assert_ne!(first, second);
}

#[tokio::test(start_paused = true)]
async fn withdrawal_while_the_recorder_is_still_starting_leaves_nothing() {
    let world = World::new();
    *world.model.disk_delay.lock().unwrap() = Duration::from_millis(800);
    let (mut buyer, mut agent, _) = world.call(true).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    assert_eq!(agent.shown().await.len(), 3, "media does not wait for a recording nobody wants");
    agent.sees_when("deleted", |call| call.recording == RecordingState::Deleted).await;
    let deeds = world.model.deeds();
    assert!(
        !deeds.iter().any(|deed| matches!(deed, Deed::Tapped(..) | Deed::TrackAdded { .. })),
        "{deeds:?}"
    );
    assert!(deeds.contains(&Deed::RecordingErased));
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_cannot_write_is_told_and_the_call_goes_on() {
    let world = World::new();
    world.model.disk_full.store(true, Ordering::Relaxed);
    let (mut buyer, agent, _) = world.call(true).await;
    buyer.sees_when("failed", |call| call.recording == RecordingState::Failed).await;
    assert_eq!(world.model.shown_to(agent.participant()).len(), 3);
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    buyer.sees_when("off", |call| call.recording == RecordingState::Off).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_during_the_call_is_told_and_a_slow_one_does_not_hold_up_media() {
    let world = World::new();
    *world.model.disk_delay.lock().unwrap() = Duration::from_secs(3);
    let (mut buyer, mut agent, _) = world.call(true).await;
    let accepted = tokio::time::Instant::now();
    assert_eq!(agent.shown().await.len(), 3);
    assert!(accepted.elapsed() <= Duration::from_secs(1));
    buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;
    world.model.disk_fails.send(Some("input/output error".into())).unwrap();
    buyer.sees_when("failed", |call| call.recording == RecordingState::Failed).await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    assert!(world.model.deeds().contains(&Deed::RecordingStopped), "what was written is kept");
}

#[tokio::test(start_paused = true)]
async fn under_a_legal_hold_a_withdrawal_ends_the_recording_at_once_and_locks_it() {
    let world = World::new();
    world.model.held.store(true, Ordering::Relaxed);
    let (mut buyer, mut agent, _) = world.call(true).await;
    buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    let withheld = |call: &CallView| call.recording == RecordingState::Withheld;
    buyer.sees_when("locked", withheld).await;
    assert_eq!(agent.sees_when("locked", withheld).await.recording_id, None);
    settle().await;
    let deeds = world.model.deeds();
    assert!(deeds.contains(&Deed::RecordingStopped) && !deeds.contains(&Deed::RecordingErased), "{deeds:?}");
    let facts = world.model.facts();
    let of_end = facts.iter().filter(|fact| {
        matches!(
            fact,
            Fact::RecordingFinished { .. } | Fact::RecordingWithheld { .. } | Fact::RecordingDeleted { .. }
        )
    });
    let of_end: Vec<_> = of_end.collect();
    assert!(
        matches!(of_end[..], [Fact::RecordingFinished { .. }, Fact::RecordingWithheld { .. }]),
        "{of_end:?}"
    );

    // Who agrees again has another recording; taken back too, that one is locked as well.
    buyer.say(ClientMessage::SetConsent { consent: choice(true) }).await;
    buyer.sees_when("recording again", |call| call.recording == RecordingState::On).await;
    assert_eq!(world.model.stores(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn erasing_is_tried_again_and_deleted_is_said_only_when_it_is() {
    let world = World::new();
    *world.model.erase_failures.lock().unwrap() = 3;
    let (mut buyer, _agent, _) = world.call(true).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    buyer.sees_when("deleted", |call| call.recording == RecordingState::Deleted).await;
    assert_eq!(*world.model.erase_failures.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_choice_about_words_that_are_not_in_force_is_refused() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    let old = ConsentChoice { text_version: "6".into(), ..choice(true) };
    buyer.say(ClientMessage::RequestHelp { consent: Some(old) }).await;
    let problem = buyer.problem().await;
    assert_eq!(code(&problem), "unknown_consent_text");
    assert!(problem.detail.contains("\"7\""), "{}", problem.detail);
    assert!(world.model.facts().is_empty());
    buyer.ask(true).await;
}

#[tokio::test(start_paused = true)]
async fn a_choice_is_about_the_words_of_the_buyers_own_country() {
    let world = World::new();
    let mut buyer = world.connect(buyer_from(Some("SE"))).await;
    buyer.say(ClientMessage::RequestHelp { consent: Some(choice(true)) }).await;
    assert_eq!(code(&buyer.problem().await), "unknown_consent_text");
    let swedish = ConsentChoice { text_version: "7/SE".into(), ..choice(true) };
    buyer.say(ClientMessage::RequestHelp { consent: Some(swedish.clone()) }).await;
    assert_eq!(buyer.place().await.position, 1);
    buyer.does(ClientMessage::SetConsent { consent: swedish }).await;
    let chosen = world.model.facts();
    let versions = chosen.iter().filter_map(|fact| match fact {
        Fact::Chose { receipt, .. } => Some(receipt.text_version.as_str()),
        _ => None,
    });
    assert_eq!(versions.collect::<Vec<_>>(), ["7/SE", "7/SE"]);
}

#[tokio::test(start_paused = true)]
async fn media_that_cannot_be_erased_is_hidden_and_counted_and_never_called_deleted() {
    let world = World::new();
    *world.model.erase_failures.lock().unwrap() = u32::MAX;
    let (mut buyer, _agent, _) = world.call(true).await;
    buyer.say(ClientMessage::SetConsent { consent: choice(false) }).await;
    // Views from before the recording began may still be on their way to the buyer.
    let over = |recording| matches!(recording, RecordingState::Failed | RecordingState::Deleted);
    let told = buyer.sees_when("what became of it", |call| over(call.recording)).await;
    assert_eq!(told.recording, RecordingState::Failed);
    settle().await;
    let hidden = |fact: &Fact| {
        matches!(fact, Fact::RecordingDeleted { reason: "consent_withdrawn_erasure_failed", .. })
    };
    assert!(world.model.facts().iter().any(hidden));
    assert_eq!(world.floor.metrics().recordings.with_label_values(&["erasure_failed"]).get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_never_recorded_is_not_recorded_whatever_the_buyer_says() {
    let world = World::with_rules(RecordingRules { record: Record::Never, ..RecordingRules::default() });
    let mut buyer = world.buyer().await;
    let mut agent = world.agent("Anna").await;
    buyer.ask(true).await;
    let ring = agent.rung().await;
    assert_eq!((ring.queue.name.as_str(), ring.recording), ("support", false));
    agent.say(ClientMessage::Accept { call: ring.call }).await;
    let seen = agent.sees(CallState::Connected).await;
    assert_eq!(seen.queue.map(|queue| queue.title).as_deref(), Some("Support"));
    assert_eq!(buyer.sees(CallState::Connected).await.queue, None, "of no use to the buyer");
    buyer.does(ClientMessage::SetConsent { consent: choice(true) }).await;
    assert!(!world.model.deeds().contains(&Deed::RecordingStarted));
}
