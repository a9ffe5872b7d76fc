//! Nothing is stored while there is a reason: what staff ask for, and what the queue leaves out.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::call::{MonitorMode, PauseReason, RecordingPause, RecordingState};
use recorder::{Recorder, RecorderConfig};
use sfu::{Codec, NodeTime, TapEvent, TapPacket};

use super::*;
use crate::auth::MasterKey;
use crate::floor::adapters::HeldRecorder;
use crate::floor::ports::Fact;
use crate::queues::Meanwhile;
use crate::store::Store;

fn pause(reason: PauseReason, at_most_s: u32) -> ClientMessage {
    ClientMessage::PauseRecording { reason, at_most_s }
}

fn left_out(on_hold: Meanwhile, on_consult: Meanwhile) -> World {
    World::with_rules(RecordingRules { on_hold, on_consult, ..RecordingRules::default() })
}

impl Client {
    /// The call as it is shown now.
    async fn view(&mut self) -> CallView {
        let heard = self.drain().await;
        let last = heard.into_iter().rev().find_map(|message| match message {
            ServerMessage::Call { call } => Some(*call),
            _ => None,
        });
        last.expect("nothing has changed")
    }
}

/// Why nothing is stored, as both sides are shown it.
fn shown(view: &CallView) -> Option<PauseReason> {
    assert_eq!(view.recording == RecordingState::Paused, view.paused.is_some(), "{view:?}");
    view.paused.map(|pause| pause.reason)
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_shown_to_both_and_ends_by_itself() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(true).await;
    agent.does(pause(PauseReason::CardData, 120)).await;
    let paused = |call: &CallView| call.recording == RecordingState::Paused;
    let seen = buyer.sees_when("a pause", paused).await.paused.unwrap();
    assert_eq!(seen.reason, PauseReason::CardData);
    let until = seen.until.unwrap();
    assert_eq!(until.duration_since(seen.since).as_secs(), 120);
    assert_eq!(world.model.stores(), Err("card_data".into()));

    // A reload keeps it, with the time that is left.
    let ServerMessage::Welcome { call, .. } = agent.reload().await else { panic!("no welcome") };
    assert_eq!(call.unwrap().paused, Some(seen));
    agent.offer().await;
    sleep(Duration::from_secs(119)).await;
    assert!(world.model.stores().is_err());
    sleep(Duration::from_secs(1)).await;
    settle().await;
    let last = world.model.deeds().into_iter().rev().find(|deed| matches!(deed, Deed::Resumed(_)));
    assert_eq!((world.model.stores(), last), (Ok(()), Some(Deed::Resumed(true))), "nobody ended it");
    assert_eq!(shown(&agent.view().await), None);
    assert_eq!(buyer.view().await.recording, RecordingState::On);
    let facts = world.model.facts();
    let since = seen.since;
    let paused = |fact: &Fact| matches!(fact, Fact::RecordingPaused { since: at, reason: PauseReason::CardData, by: Some(_), .. } if *at == since);
    let resumed = |fact: &Fact| matches!(fact, Fact::RecordingResumed { since: at, timed_out: true, .. } if *at == since);
    assert!(facts.iter().any(paused) && facts.iter().any(resumed), "{facts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_can_be_made_longer_and_be_ended_and_an_old_timer_ends_nothing() {
    let world = World::new();
    let (_buyer, mut agent, _) = world.call(true).await;
    agent.say(pause(PauseReason::CardData, 60)).await;
    let first = agent.sees_when("a pause", |call| call.paused.is_some()).await.paused;
    sleep(Duration::from_secs(50)).await;
    agent.say(pause(PauseReason::CardData, 60)).await;
    let longer = agent.sees_when("a longer pause", |call| call.paused != first).await.paused.unwrap();
    assert_eq!(longer.since, first.unwrap().since, "it is the same pause");
    sleep(Duration::from_secs(55)).await;
    assert_eq!(world.model.stores(), Err("card_data".into()), "the first minute is over, the second is not");
    agent.say(ClientMessage::ResumeRecording).await;
    agent.sees_when("recording", |call| call.recording == RecordingState::On).await;
    assert_eq!(world.model.stores(), Ok(()));

    agent.say(pause(PauseReason::Credentials, 600)).await;
    agent.sees_when("a pause", |call| call.paused.is_some()).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(
        world.model.stores(),
        Err("credentials".into()),
        "the timers of the pause before have gone off"
    );
    let pauses =
        world.model.facts().iter().filter(|fact| matches!(fact, Fact::RecordingPaused { .. })).count();
    assert_eq!(pauses, 2);
}

#[tokio::test(start_paused = true)]
async fn agent_and_supervisors_pause_and_nobody_else_and_only_what_is_recorded() {
    let world = World::new();
    let mut vera = world.supervisor("Vera").await;
    let (mut buyer, mut agent, call) = world.call(true).await;
    buyer.say(pause(PauseReason::CardData, 60)).await;
    assert_eq!(code(&buyer.problem().await), "not_now");
    for bad in [pause(PauseReason::Hold, 60), pause(PauseReason::Other, 9), pause(PauseReason::Other, 601)] {
        agent.say(bad).await;
        assert_eq!(code(&agent.problem().await), "field_invalid");
    }
    agent.say(ClientMessage::ResumeRecording).await;
    assert_eq!(code(&agent.problem().await), "not_now", "nothing is paused");
    vera.say(pause(PauseReason::Other, 60)).await;
    assert_eq!(code(&vera.problem().await), "no_call");
    vera.does(ClientMessage::Monitor { call, mode: MonitorMode::Listen }).await;
    vera.does(pause(PauseReason::Other, 60)).await;
    assert_eq!(world.model.stores(), Err("other".into()));
    agent.does(ClientMessage::ResumeRecording).await;
    assert_eq!(world.model.stores(), Ok(()), "who leads the call may end it");

    buyer.does(ClientMessage::SetConsent { consent: choice(false) }).await;
    agent.say(pause(PauseReason::CardData, 60)).await;
    assert_eq!(code(&agent.problem().await), "not_now", "nothing is recorded");
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_the_recording_it_was_asked_in() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(true).await;
    agent.does(pause(PauseReason::CardData, 300)).await;
    buyer.does(ClientMessage::SetConsent { consent: choice(false) }).await;
    buyer.does(ClientMessage::SetConsent { consent: choice(true) }).await;
    assert_eq!(shown(&agent.view().await), Some(PauseReason::CardData));
    let deeds = world.model.deeds();
    let began = deeds.iter().rposition(|deed| *deed == Deed::RecordingStarted).unwrap();
    let after: Vec<&Deed> = deeds[began + 1..].iter().take(2).collect();
    assert!(matches!(after[..], [Deed::Paused(_), Deed::Tapped(..)]), "before anything is tapped: {after:?}");
}

#[tokio::test(start_paused = true)]
async fn hold_and_consult_are_stored_or_left_out_as_the_queue_says() {
    use Meanwhile::{Pause, Record};
    for (on_hold, on_consult) in [(Record, Record), (Record, Pause), (Pause, Record), (Pause, Pause)] {
        let world = left_out(on_hold, on_consult);
        let mut ben = world.agent("Ben").await;
        ben.be(Availability::Away).await;
        let (mut buyer, mut agent, call) = world.call(true).await;
        let stores = |rule: Meanwhile, word: &str| if rule == Pause { Err(word.to_owned()) } else { Ok(()) };
        let about = format!("on hold {on_hold:?}, on consult {on_consult:?}");

        agent.does(ClientMessage::SetHold { on: true }).await;
        assert_eq!(world.model.stores(), stores(on_hold, "hold"), "{about}");
        agent.does(ClientMessage::SetHold { on: false }).await;
        assert_eq!(world.model.stores(), Ok(()), "{about}");

        ben.be(Availability::Available).await;
        agent.does(ClientMessage::ConsultStart { colleague: ben.user() }).await;
        assert_eq!(world.model.stores(), Ok(()), "nobody has answered; {about}");
        ben.does(ClientMessage::ConsultAnswer { call, accept: true }).await;
        assert_eq!(world.model.stores(), stores(on_consult, "consult"), "{about}");
        let seen = shown(&buyer.view().await);
        assert_eq!(seen, (on_consult == Pause).then_some(PauseReason::Hold), "the buyer sees no consult");
        agent.does(ClientMessage::ConsultEnd).await;
        assert_eq!(world.model.stores(), Ok(()), "{about}");
        buyer.say(ClientMessage::HangUp).await;
        agent.sees(CallState::WrapUp).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_goes_on_only_when_no_reason_is_left() {
    let world = left_out(Meanwhile::Pause, Meanwhile::Pause);
    let (mut buyer, mut agent, _) = world.call(true).await;
    agent.does(ClientMessage::SetHold { on: true }).await;
    agent.does(pause(PauseReason::CardData, 60)).await;
    assert_eq!(world.model.stores(), Err("card_data".into()), "what people say stands before a rule");
    agent.does(ClientMessage::SetHold { on: false }).await;
    assert_eq!(world.model.stores(), Err("card_data".into()));
    agent.does(ClientMessage::SetHold { on: true }).await;
    agent.does(ClientMessage::ResumeRecording).await;
    assert_eq!(world.model.stores(), Err("hold".into()));
    assert_eq!(
        buyer.view().await.paused.map(|RecordingPause { reason, until, .. }| (reason, until)),
        Some((PauseReason::Hold, None))
    );
    agent.say(ClientMessage::ResumeRecording).await;
    assert!(agent.problem().await.detail.contains("taken back"));
    agent.does(ClientMessage::SetHold { on: false }).await;
    assert_eq!(world.model.stores(), Ok(()));
    // From the first reason to the last, the recorder was never told to go on.
    let told: Vec<Deed> = world
        .model
        .deeds()
        .into_iter()
        .filter(|deed| matches!(deed, Deed::Paused(_) | Deed::Resumed(_)))
        .collect();
    assert_eq!(told.iter().filter(|deed| matches!(deed, Deed::Resumed(_))).count(), 1, "{told:?}");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pause(u32),
    Resume,
    Hold(bool),
    Consult,
    ConsultEnd,
    Consent(bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (10..100u32).prop_map(Step::Pause),
        2 => Just(Step::Resume),
        3 => any::<bool>().prop_map(Step::Hold),
        2 => Just(Step::Consult),
        2 => Just(Step::ConsultEnd),
        1 => any::<bool>().prop_map(Step::Consent),
        3 => (1..80u64).prop_map(Step::Wait),
    ]
}

/// What a person with a sheet of paper would say about it.
#[derive(Default)]
struct Reasons {
    asked_until: Option<tokio::time::Instant>,
    held: bool,
    consult: bool,
    consented: bool,
}

async fn play(on_hold: Meanwhile, on_consult: Meanwhile, steps: Vec<Step>) {
    let world = left_out(on_hold, on_consult);
    let mut ben = world.agent("Ben").await;
    ben.be(Availability::Away).await;
    let (mut buyer, mut agent, call) = world.call(true).await;
    ben.be(Availability::Available).await;
    let mut is = Reasons { consented: true, ..Reasons::default() };
    for step in steps {
        let now = tokio::time::Instant::now();
        is.asked_until = is.asked_until.filter(|until| *until > now);
        match step {
            Step::Pause(at_most_s) => {
                agent.say(pause(PauseReason::CardData, at_most_s)).await;
                if is.consented {
                    is.asked_until = Some(now + Duration::from_secs(at_most_s.into()));
                }
            }
            Step::Resume => {
                agent.say(ClientMessage::ResumeRecording).await;
                is.asked_until = None;
            }
            Step::Hold(on) => {
                agent.say(ClientMessage::SetHold { on }).await;
                is.held = on;
            }
            Step::Consult => {
                agent.say(ClientMessage::ConsultStart { colleague: ben.user() }).await;
                settle().await;
                ben.say(ClientMessage::ConsultAnswer { call, accept: true }).await;
                is.consult = true;
            }
            Step::ConsultEnd => {
                agent.say(ClientMessage::ConsultEnd).await;
                is.consult = false;
            }
            Step::Consent(yes) => {
                buyer.say(ClientMessage::SetConsent { consent: choice(yes) }).await;
                is.consented = yes;
            }
            Step::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
        }
        // Far enough from every whole second that timers have gone off, or have not.
        sleep(Duration::from_millis(97)).await;
        let now = tokio::time::Instant::now();
        let reasons = [
            is.asked_until.is_some_and(|until| until > now),
            is.consult && on_consult == Meanwhile::Pause,
            is.held && on_hold == Meanwhile::Pause,
        ];
        let stores = is.consented && !reasons.contains(&true);
        assert_eq!(world.model.stores().is_ok(), stores, "{step:?}: {:?}, {reasons:?}", world.model.stores());
    }
    world.floor.shutdown().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, rng_seed: RngSeed::Fixed(2026), ..ProptestConfig::default() })]
    #[test]
    fn media_is_stored_exactly_while_there_is_consent_and_no_reason_to_pause(
        hold: bool, consult: bool, steps in prop::collection::vec(step(), 1..40),
    ) {
        let rule = |pauses| if pauses { Meanwhile::Pause } else { Meanwhile::Record };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(rule(hold), rule(consult), steps));
    }
}

/// Both speak for half a second; every packet says in which part of the call it was spoken.
async fn speak(world: &World, clock: (NodeTime, std::time::Instant), sequence: &mut u64, part: &str) {
    for n in 0..25 {
        // A CELT frame of 20 ms (RFC 6716 §3.1) with something in it that can be found again.
        let payload = [&[0xF8][..], format!("<{part}:{n:03}> and some more of it").as_bytes()].concat();
        let elapsed_us = clock.1.elapsed().as_micros() as u64;
        let packet = TapPacket {
            arrival: NodeTime(clock.0.0 + elapsed_us),
            codec: Codec::Opus,
            sequence: *sequence,
            // The sender's clock goes on while nobody says anything.
            timestamp: (elapsed_us * 48 / 1_000) as u32,
            marker: false,
            rotation: None,
            payload: Bytes::from(payload),
        };
        *sequence += 1;
        world.model.speak(&TapEvent::Packet(packet));
        sleep(Duration::from_millis(20)).await;
    }
}

/// On real time, because the recorder's disk is real.
#[tokio::test]
async fn from_request_to_disk_not_a_byte_of_a_pause_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let config = RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()));
    let (recorder, _) = Recorder::open(config).await.unwrap();
    let rules = RecordingRules { on_hold: Meanwhile::Pause, ..RecordingRules::default() };
    let queue = QueueSettings { recording: rules, ..QueueSettings::new("support", "Support") };
    let store = Store::in_memory().await.unwrap();
    let recordings = Arc::new(HeldRecorder { recorder: recorder.clone(), store });
    let world = World::with_recorder(Arc::default(), recordings, queue);
    let start = "2026-11-21T10:00:00Z".parse().unwrap();
    let clock = (crate::floor::clock::node_time(start), std::time::Instant::now());
    let (mut buyer, mut agent, _) = world.call(true).await;
    let on = |call: &CallView| call.recording == RecordingState::On;
    let recording = agent.sees_when("recording", on).await.recording_id.unwrap();
    let mut sequence = 65_536;

    speak(&world, clock, &mut sequence, "before").await;
    agent.say(pause(PauseReason::CardData, 60)).await;
    buyer.sees_when("a pause", |call| call.recording == RecordingState::Paused).await;
    speak(&world, clock, &mut sequence, "card").await;
    agent.say(ClientMessage::SetHold { on: true }).await;
    agent.say(ClientMessage::ResumeRecording).await;
    let held = |call: &CallView| shown(call) == Some(PauseReason::Hold);
    agent.sees_when("the hold's pause", held).await;
    speak(&world, clock, &mut sequence, "hold").await;
    agent.say(ClientMessage::SetHold { on: false }).await;
    agent.sees_when("recording", on).await;
    speak(&world, clock, &mut sequence, "after").await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    world.floor.shutdown().await;

    let index = recorder.index(recording.0).await.unwrap();
    let why: Vec<&str> = index.pauses.iter().map(|pause| pause.reason.as_str()).collect();
    assert_eq!(why, ["card_data", "hold"]);
    assert_eq!(index.pauses[0].end_ms, Some(index.pauses[1].start_ms), "with nothing between them");
    assert_eq!(index.tracks.len(), 2);
    for track in &index.tracks {
        let mut reader = recorder.open_track(recording.0, &track.id).await.unwrap();
        let mut media = Vec::new();
        while let Some(piece) = Some(reader.read(media.len() as u64).await.unwrap()).filter(|p| !p.is_empty())
        {
            media.extend_from_slice(&piece);
        }
        let said = |part: &str| {
            let mark = format!("<{part}:");
            media.windows(mark.len()).filter(|window| *window == mark.as_bytes()).count()
        };
        assert!(
            said("before") > 15 && said("after") > 15,
            "{}: {} {}",
            track.id,
            said("before"),
            said("after")
        );
        assert_eq!((said("card"), said("hold")), (0, 0), "{}", track.id);
    }
}
