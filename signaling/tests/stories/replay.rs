//! What lies on a recording's timeline besides its media: voices, pauses, gaps, connections, chat, events.

use jiff::{SignedDuration, Timestamp};
use protocol::call::{ChatLine, EndReason, LinkState, MonitorMode, Role, Side, Source};
use protocol::ids::{CallId, PartyId, RecordingId, UserId};
use protocol::replay::{CallEvent, CallEventKind, EventPerson, ReplayGapReason, ReplayTimeline};
use protocol::rest::{QualityPoint, QualitySeen, RecordedSide};
use recorder::{ByteRange, Fragment, Gap, GapReason, IndexTrack, Pause, Receipt, RecordingIndex, SoundRun};
use sfu::NodeTime;

use crate::world::World;

struct Scene {
    world: World,
    call: CallId,
    recording: RecordingId,
    index: RecordingIndex,
    reviewer: String,
    buyer: PartyId,
    agent: PartyId,
    agent_user: UserId,
}

/// When session time begins.
fn zero() -> Timestamp {
    "2026-11-21T20:00:10Z".parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    zero() + SignedDuration::from_millis(ms)
}

fn track(side: recorder::Side, party: PartyId, sound: Vec<SoundRun>, gaps: Vec<Gap>) -> IndexTrack {
    IndexTrack {
        id: format!("{}-microphone-1", side.as_str()),
        party: party.0,
        side,
        name: "Jana".into(),
        source: sfu::Source::Microphone,
        mime: "audio/mp4; codecs=\"opus\"".into(),
        length: 1000,
        init: ByteRange { offset: 0, length: 100 },
        fragments: vec![Fragment {
            bytes: ByteRange { offset: 100, length: 900 },
            start_ms: 0,
            end_ms: 20_000,
            keyframe: true,
        }],
        gaps,
        rotation: 0,
        rotations: Vec::new(),
        size: None,
        dropped: 0,
        sound,
    }
}

/// A voice from one second to another.
fn voice(from_s: u64, to_s: u64, loudness: f64) -> SoundRun {
    let cells = ((to_s - from_s) * 10) as usize;
    SoundRun {
        first: from_s * 10,
        peaks: vec![200; cells],
        speech: vec![true; cells],
        loudness: Some(loudness),
    }
}

/// Twenty recorded seconds: the buyer speaks from 1 to 6, the agent from 4 to 8, nobody afterwards.
async fn scene() -> Scene {
    let world = World::new().await;
    let (agent_user, _) = world.staff("Mina Berg", Role::Agent).await;
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let call = world.call(agent_user, "AUR-3", "Aurora").await;
    let recording = RecordingId::new();
    world.store.recording_started(recording, call, at(180)).await.unwrap();
    let (buyer, agent) = (PartyId::new(), PartyId::new());
    let lost = Gap { start_ms: 7_000, end_ms: 7_400, reason: GapReason::Lost };
    let receipt = Receipt {
        side: None,
        subject: "buyer-7".into(),
        recording: true,
        text_version: "3".into(),
        text_sha256: "ab".into(),
        language: "ar".into(),
        purpose: "quality_review".into(),
        at: NodeTime(at(-5_000).as_microsecond() as u64),
    };
    let index = RecordingIndex {
        id: recording.0,
        started_at: NodeTime(zero().as_microsecond() as u64),
        duration_ms: 20_000,
        complete: true,
        erased: None,
        labels: serde_json::Value::Null,
        receipts: vec![receipt],
        quality: Vec::new(),
        pauses: vec![Pause {
            start_ms: 12_000,
            end_ms: Some(15_000),
            reason: "card_data".into(),
            by: agent_user.to_string(),
            timed_out: true,
        }],
        tracks: vec![
            track(recorder::Side::Buyer, buyer, vec![voice(1, 6, -21.5)], vec![lost]),
            track(recorder::Side::Agent, agent, vec![voice(4, 8, -17.0)], Vec::new()),
        ],
    };
    world.archive.recordings.lock().unwrap().insert(recording, index.clone());
    Scene { world, call, recording, index, reviewer, buyer, agent, agent_user }
}

impl Scene {
    async fn timeline(&self) -> ReplayTimeline {
        let path = format!("/api/v1/recordings/{}/timeline", self.recording);
        serde_json::from_slice(&self.world.get(&path, &self.reviewer).await.ok().bytes).unwrap()
    }

    async fn happens(&self, number: u32, ms: i64, side: Side, what: CallEventKind) {
        let name = (side != Side::Buyer).then(|| "Mina Berg".to_owned());
        let event = CallEvent { at: at(ms), by: Some(EventPerson { side, name }), what };
        self.world.store.add_event(self.call, number, &event).await.unwrap();
    }
}

#[tokio::test]
async fn both_voices_their_talk_over_and_the_silence_lie_on_the_timeline() {
    let scene = scene().await;
    let timeline = scene.timeline().await;
    assert_eq!((timeline.duration_ms, timeline.complete, timeline.talk.cell_ms), (20_000, true, 100));
    let [buyer, agent] = timeline.talk.sides.as_slice() else { panic!("two voices: {timeline:?}") };
    assert_eq!((buyer.side, agent.side), (RecordedSide::Buyer, RecordedSide::Agent));
    assert_eq!((&buyer.speech, buyer.talk_ms), (&vec![(1_000, 6_000)], 5_000));
    assert_eq!((&agent.speech, agent.loudness_lufs), (&vec![(4_000, 8_000)], Some(-17.0)));
    use base64::Engine;
    let peaks = base64::engine::general_purpose::STANDARD.decode(&buyer.peaks).unwrap();
    assert_eq!((peaks.len(), peaks[9], peaks[10], peaks[59], peaks[60]), (200, 0, 200, 200, 0));
    assert_eq!(timeline.talk.talk_over, [(4_000, 6_000)]);
    assert_eq!(timeline.talk.silence, [(8_000, 12_000), (15_000, 20_000)], "a pause is no silence");
}

#[tokio::test]
async fn what_was_not_recorded_says_why() {
    let scene = scene().await;
    let timeline = scene.timeline().await;
    let [pause] = timeline.pauses.as_slice() else { panic!("one pause") };
    assert_eq!((pause.start_ms, pause.end_ms, pause.reason.as_str()), (12_000, Some(15_000), "card_data"));
    assert_eq!((pause.by.as_str(), pause.resumed_by_itself), ("Mina Berg", true));
    let [gaps] = timeline.gaps.as_slice() else { panic!("one track with gaps") };
    assert_eq!(gaps.track, "buyer-microphone-1");
    assert_eq!((gaps.gaps[0].start_ms, gaps.gaps[0].reason), (7_000, ReplayGapReason::Lost));
    let [receipt] = timeline.receipts.as_slice() else { panic!("one receipt") };
    assert_eq!((receipt.at_ms, receipt.recording, receipt.language.as_str()), (-5_000, true, "ar"));
}

#[tokio::test]
async fn chat_and_events_stand_where_they_happened_also_before_the_recording() {
    let scene = scene().await;
    for (number, from, name, text, ms) in [
        (1, scene.agent, "Mina Berg", "Welcome", -2_000),
        (2, scene.buyer, "جنى", "المصباح مكسور", 3_500),
        (3, PartyId::new(), "Somebody", "?", 4_000),
    ] {
        let line = ChatLine { number, from, text: text.into(), at: at(ms) };
        scene.world.store.add_chat(scene.call, from, name, &line).await.unwrap();
    }
    scene.happens(1, -3_000, Side::Agent, CallEventKind::Connected).await;
    scene.happens(2, 9_000, Side::Agent, CallEventKind::Held).await;
    scene.happens(3, 10_000, Side::Supervisor, CallEventKind::Following { mode: MonitorMode::Whisper }).await;
    scene.happens(4, 11_000, Side::Agent, CallEventKind::TakenBack).await;
    scene.happens(5, 12_500, Side::Buyer, CallEventKind::Sending { source: Source::Screen, on: true }).await;
    scene.happens(5, 12_500, Side::Buyer, CallEventKind::Held).await;
    scene.happens(6, 19_000, Side::Buyer, CallEventKind::Ended { reason: EndReason::BuyerHungUp }).await;

    // Whoever reviews a call need not know what was written, or by whom, until they say why.
    let masked = scene.timeline().await;
    assert!(masked.chat.iter().all(|line| line.text == "***"));
    assert_eq!((masked.chat[0].name.as_str(), masked.chat[1].name.as_str()), ("Mina Berg", "ج***"));
    let (_, supervisor) = scene.world.staff("Sven", Role::Supervisor).await;
    let unmask = format!("/api/v1/calls/{}/unmask", scene.call);
    let why = serde_json::json!({ "why": "complaint 17" });
    let said = scene.world.json(axum::http::Method::POST, &unmask, &supervisor, why).await;
    assert_eq!(said.status, 204);
    let scene = Scene { reviewer: supervisor, ..scene };
    let timeline = scene.timeline().await;
    let chat: Vec<_> = timeline.chat.iter().map(|line| (line.at_ms, line.side, line.text.as_str())).collect();
    assert_eq!(
        chat,
        [
            (-2_000, Some(RecordedSide::Agent), "Welcome"),
            (3_500, Some(RecordedSide::Buyer), "المصباح مكسور"),
            (4_000, None, "?"),
        ]
    );
    assert_eq!(timeline.holds, [(9_000, 11_000)]);
    let events: Vec<_> = timeline.events.iter().map(|event| event.at_ms).collect();
    assert_eq!(events, [-3_000, 9_000, 10_000, 11_000, 12_500, 19_000], "one told twice is there once");
    assert_eq!(timeline.events[2].what, CallEventKind::Following { mode: MonitorMode::Whisper });
    assert_eq!(timeline.events[4].by, Some(EventPerson { side: Side::Buyer, name: None }));
}

#[tokio::test]
async fn connections_come_as_columns_of_the_two_sides_within_the_recording() {
    let scene = scene().await;
    let point = |ms, side, rtt_ms, frozen_ms| QualityPoint {
        at: at(ms),
        party: if side == Side::Buyer { scene.buyer } else { scene.agent },
        side,
        link: LinkState::Fair,
        rtt_ms: Some(rtt_ms),
        up_loss_permille: 12,
        down_loss_permille: 3,
        jitter_ms: 4,
        up_kbps: 800,
        down_kbps: 900,
        estimate_kbps: None,
        nacks: 0,
        retransmitted: 0,
        plis: 0,
        video_paused: false,
        seen: Some(QualitySeen { frozen_ms, ..QualitySeen::default() }),
    };
    let points = [
        point(-1_000, Side::Buyer, 1, 0),
        point(2_000, Side::Buyer, 40, 0),
        point(2_100, Side::Agent, 12, 0),
        point(4_000, Side::Buyer, 45, 700),
        point(4_100, Side::Supervisor, 9, 0),
        point(60_000, Side::Buyer, 1, 0),
    ];
    scene.world.store.add_quality(scene.call, 1, &points, false).await.unwrap();
    let timeline = scene.timeline().await;
    let [buyer, agent] = timeline.quality.as_slice() else { panic!("two sides") };
    assert_eq!((buyer.side, agent.side), (RecordedSide::Buyer, RecordedSide::Agent));
    assert_eq!((&buyer.at_ms, &agent.at_ms), (&vec![2_000, 4_000], &vec![2_100]));
    assert_eq!(buyer.rtt_ms, [Some(40), Some(45)]);
    assert_eq!((&buyer.frozen_ms, &buyer.up_loss_permille), (&vec![0, 700], &vec![12, 12]));
    assert!(!timeline.quality_truncated);
}

#[tokio::test]
async fn a_recording_that_still_runs_has_a_timeline_so_far() {
    let mut scene = scene().await;
    scene.index.complete = false;
    scene.index.pauses[0].end_ms = None;
    scene.index.tracks.pop();
    scene.world.archive.recordings.lock().unwrap().insert(scene.recording, scene.index.clone());
    scene.happens(1, 18_000, Side::Agent, CallEventKind::Held).await;
    let timeline = scene.timeline().await;
    assert!(!timeline.complete && timeline.talk.sides.len() == 1 && timeline.talk.talk_over.is_empty());
    assert_eq!((timeline.pauses[0].end_ms, timeline.holds.as_slice()), (None, [(18_000, 20_000)].as_slice()));
}

#[tokio::test]
async fn whoever_may_not_replay_sees_no_timeline_and_an_erased_recording_has_none() {
    let mut scene = scene().await;
    let path = format!("/api/v1/recordings/{}/timeline", scene.recording);
    scene.world.get(&path, "").await.refused("not_logged_in");
    let token = signaling::auth::secret::token();
    let until = scene.world.now() + SignedDuration::from_hours(1);
    scene.world.store.open_staff_session(&token, scene.agent_user, until).await.unwrap();
    scene.world.get(&path, &format!("vitrine_session={token}")).await.refused("not_allowed");
    scene.index.erased = Some(recorder::ErasedNote { at: NodeTime(0), reason: "consent_withdrawn".into() });
    scene.world.archive.recordings.lock().unwrap().insert(scene.recording, scene.index.clone());
    scene.world.get(&path, &scene.reviewer).await.refused("not_found");
}
