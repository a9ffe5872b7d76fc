//! Media presence is the truth: whatever a crash, an outage or a hand on the disk has left, the store is put right.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::Role;
use protocol::ids::{CallId, RecordingId};
use recorder::{Look, Recorder, RecorderConfig, RecordingHandle, RecordingSpec, Side, TrackSpec};
use serde_json::json;
use sfu::{Codec, NodeTime, Source, TapEvent, TapPacket};
use signaling::auth::MasterKey;
use signaling::reconcile::{Reconciler, Round};
use signaling::store::RowState;

use crate::world::World;

/// Sound of one second, and what the recorder makes of its end.
const PACKETS: u64 = 50;
const DURATION_MS: u32 = 1_000;

struct Scene {
    world: World,
    dir: tempfile::TempDir,
    recorder: Recorder,
    reconciler: Reconciler,
    call: CallId,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let dir = tempfile::tempdir().unwrap();
        let config = RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()));
        let (recorder, _) = Recorder::open(config).await.unwrap();
        let (agent, _) = world.staff("Mina", Role::Supervisor).await;
        let call = world.call(agent, "LAMP-01", "Aurora").await;
        let reconciler = Reconciler::new(world.store.clone(), recorder.clone());
        Self { world, dir, recorder, reconciler, call }
    }

    /// Begins to record `voices` people of a call; the store hears nothing of it.
    async fn recording(&self, call: CallId, voices: u64) -> (RecordingId, RecordingHandle) {
        record(&self.recorder, call, self.world.now(), voices).await
    }

    /// A recording that has ended, unknown to the store.
    async fn ended(&self, call: CallId, voices: u64) -> RecordingId {
        let (id, handle) = self.recording(call, voices).await;
        assert_eq!(handle.stop().await.duration_ms, u64::from(DURATION_MS));
        id
    }

    async fn row(&self, id: RecordingId, state: RowState) {
        self.world.store.recording_linked(id, self.call, self.world.now(), &state).await.unwrap();
    }

    async fn round(&mut self) -> Round {
        self.reconciler.round(Look::Everywhere).await.unwrap()
    }

    async fn state(&self, id: RecordingId) -> Option<RowState> {
        let rows = self.world.store.recording_rows().await.unwrap();
        rows.into_iter().find(|row| row.id == id).map(|row| row.state)
    }

    fn folder(&self, id: RecordingId) -> std::path::PathBuf {
        self.dir.path().join(id.to_string())
    }
}

/// Begins to record `voices` people of a call, who are silent for a second.
pub(crate) async fn record(
    recorder: &Recorder,
    call: CallId,
    started: Timestamp,
    voices: u64,
) -> (RecordingId, RecordingHandle) {
    let id = RecordingId::new();
    let started = NodeTime(started.as_microsecond() as u64);
    let labels = json!({ "call": call });
    let spec = RecordingSpec { id: id.0, started, labels, receipts: Vec::new() };
    let handle = recorder.start(spec).await.unwrap();
    for voice in 0..voices {
        let (tap, receiver) = sfu::tap_channel(1 << 10);
        let side = if voice == 0 { Side::Buyer } else { Side::Agent };
        let party = uuid::Uuid::now_v7();
        let track = TrackSpec { party, side, name: "Jana".into(), source: Source::Microphone };
        handle.add_track(track, receiver);
        for n in 0..PACKETS {
            // A narrowband packet of 20 ms without sound (RFC 6716 §3.1).
            let payload = Bytes::from_static(&[0x08, 0xff, 0xfe]);
            assert!(tap.send(TapEvent::Packet(TapPacket {
                arrival: NodeTime(started.0 + n * 20_000),
                codec: Codec::Opus,
                sequence: n,
                timestamp: n as u32 * 960,
                marker: false,
                rotation: None,
                payload,
            })));
        }
    }
    (id, handle)
}

fn complete() -> RowState {
    RowState::Complete { duration_ms: DURATION_MS }
}

fn deleted(reason: &str) -> RowState {
    RowState::Deleted { reason: reason.to_owned() }
}

#[tokio::test]
async fn a_row_left_open_is_completed_with_the_length_of_its_media_and_a_wrong_length_is_corrected() {
    let mut scene = Scene::new().await;
    let (open, wrong) = (scene.ended(scene.call, 1).await, scene.ended(scene.call, 1).await);
    scene.row(open, RowState::Open).await;
    scene.row(wrong, RowState::Complete { duration_ms: 7 }).await;
    assert_eq!(scene.round().await.completed, 2);
    for id in [open, wrong] {
        assert_eq!(scene.state(id).await, Some(complete()));
    }
    assert_eq!(scene.round().await.changed(), 0, "then there is rest");
}

#[tokio::test]
async fn a_recording_that_runs_is_left_alone_until_it_has_ended() {
    let mut scene = Scene::new().await;
    let (id, handle) = scene.recording(scene.call, 1).await;
    scene.row(id, RowState::Open).await;
    assert_eq!(scene.round().await.changed(), 0);
    assert_eq!(scene.state(id).await, Some(RowState::Open));
    handle.stop().await;
    assert_eq!(scene.round().await.completed, 1);
}

#[tokio::test]
async fn media_without_a_row_is_linked_to_its_ticket_and_media_of_no_call_is_reported() {
    let mut scene = Scene::new().await;
    let id = scene.ended(scene.call, 1).await;
    scene.ended(CallId::new(), 1).await;
    let round = scene.round().await;
    assert_eq!((round.linked, round.stray), (1, 1), "{round:?}");
    let ticket = scene.world.store.call(scene.call).await.unwrap().unwrap().0.ticket.unwrap();
    let (ticket, _) = scene.world.store.ticket(ticket).await.unwrap().unwrap();
    let recording = ticket.recording.unwrap();
    assert_eq!((recording.id, recording.complete, recording.duration_ms), (id, true, DURATION_MS));
    let round = scene.round().await;
    assert_eq!((round.changed(), round.stray), (0, 1), "who needs an operator is counted until one came");
    // The fact of its beginning comes late, from a journal that waited for the store: nothing is refused.
    scene.world.store.recording_started(id, scene.call, scene.world.now()).await.unwrap();
    assert_eq!(scene.state(id).await, Some(complete()));
}

#[tokio::test]
async fn a_row_whose_media_is_missing_says_so_and_forgets_it_when_the_media_is_back() {
    let mut scene = Scene::new().await;
    let id = scene.ended(scene.call, 1).await;
    scene.row(id, complete()).await;
    let elsewhere = scene.dir.path().join("elsewhere");
    std::fs::rename(scene.folder(id), &elsewhere).unwrap();
    assert_eq!(scene.round().await.gone, 1);
    assert_eq!(scene.state(id).await, Some(deleted("media_missing")));
    assert!(scene.world.store.recording(id).await.unwrap().is_none(), "nobody is offered nothing");
    assert_eq!(scene.round().await.changed(), 0);
    std::fs::rename(&elsewhere, scene.folder(id)).unwrap();
    assert_eq!(scene.round().await.completed, 1);
    assert_eq!(scene.state(id).await, Some(complete()));
}

#[tokio::test]
async fn tracks_that_lost_their_file_are_reported_and_a_recording_without_any_is_missing() {
    let mut scene = Scene::new().await;
    let (half, none) = (scene.ended(scene.call, 2).await, scene.ended(scene.call, 2).await);
    for (id, files) in [(half, 1), (none, 2)] {
        scene.row(id, complete()).await;
        let media = std::fs::read_dir(scene.folder(id)).unwrap().map(|entry| entry.unwrap().path());
        let media = media.filter(|path| path.extension().is_some_and(|extension| extension == "mp4"));
        for path in media.take(files) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let round = scene.round().await;
    assert_eq!((round.damaged, round.gone), (1, 1), "{round:?}");
    assert_eq!(scene.state(half).await, Some(complete()));
    assert_eq!(scene.state(none).await, Some(deleted("media_missing")));
    assert_eq!(scene.round().await.damaged, 1);
}

#[tokio::test]
async fn media_that_should_be_gone_is_deleted_and_one_deleted_unheard_is_marked() {
    let mut scene = Scene::new().await;
    let (should, unheard) = (scene.ended(scene.call, 1).await, scene.ended(scene.call, 1).await);
    scene.row(should, deleted("consent_withdrawn_erasure_failed")).await;
    scene.row(unheard, complete()).await;
    scene.recorder.erase(unheard.0, "asked").await.unwrap();
    let round = scene.round().await;
    assert_eq!((round.erased, round.gone), (1, 1), "{round:?}");
    assert!(scene.recorder.index(should.0).await.unwrap().erased.is_some());
    assert_eq!(scene.state(should).await, Some(deleted("consent_withdrawn")));
    assert_eq!(scene.state(unheard).await, Some(deleted("asked")));
    assert_eq!(scene.round().await.changed(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_marked_and_what_was_never_closed_is_closed() {
    let mut scene = Scene::new().await;
    let (spoilt, unclosed) = (scene.ended(scene.call, 1).await, scene.ended(scene.call, 1).await);
    for id in [spoilt, unclosed] {
        scene.row(id, RowState::Open).await;
    }
    let manifest = |id| scene.folder(id).join("manifest.jsonl");
    std::fs::write(manifest(spoilt), "nothing of ours\n").unwrap();
    // As a disk leaves it that was full at the very end.
    let text = std::fs::read_to_string(manifest(unclosed)).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"what\":\"stop\"")).collect();
    std::fs::write(manifest(unclosed), kept.join("\n") + "\n").unwrap();
    let round = scene.round().await;
    assert_eq!((round.gone, round.completed), (1, 1), "{round:?}");
    assert_eq!(scene.state(spoilt).await, Some(deleted("media_unreadable")));
    assert_eq!(scene.state(unclosed).await, Some(complete()));
    assert!(scene.recorder.index(unclosed.0).await.unwrap().complete);
}
