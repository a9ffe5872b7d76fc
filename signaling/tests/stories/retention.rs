//! Recordings go when the time that buyers were told is over.

use std::sync::Arc;

use jiff::SignedDuration;
use protocol::call::Role;
use protocol::ids::RecordingId;
use recorder::{Recorder, RecorderConfig, RecordingSpec};
use signaling::auth::MasterKey;
use signaling::housekeeping;
use signaling::retention::Retention;

use crate::world::World;

#[tokio::test]
async fn a_recording_is_deleted_after_its_days_and_its_ticket_stays() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _) =
        Recorder::open(RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()))).await.unwrap();
    let (agent, cookie) = world.staff("Mina", Role::Supervisor).await;
    let mut recordings = Vec::new();
    for _ in 0..2 {
        let call = world.call(agent, "LAMP-01", "Aurora").await;
        let id = RecordingId::new();
        let spec = RecordingSpec {
            id: id.0,
            started: sfu::NodeTime(0),
            labels: serde_json::Value::Null,
            receipts: Vec::new(),
        };
        let running = recorder.start(spec).await.unwrap();
        world.store.recording_started(id, call, world.now()).await.unwrap();
        running.stop().await;
        world.store.recording_finished(id, 1_000).await.unwrap();
        recordings.push(id);
        world.pass(SignedDuration::from_hours(24 * 20));
    }
    // Day 40: the one of day 0 is over its 30 days, the one of day 20 is not.
    assert_eq!(housekeeping::round(&world.store, &recorder, &Retention::everywhere(90)).await.unwrap().1, 0);
    assert_eq!(housekeeping::round(&world.store, &recorder, &Retention::everywhere(30)).await.unwrap().1, 1);
    assert_eq!(housekeeping::round(&world.store, &recorder, &Retention::everywhere(30)).await.unwrap().1, 0);
    assert!(recorder.index(recordings[0].0).await.unwrap().erased.is_some());
    assert!(recorder.index(recordings[1].0).await.unwrap().erased.is_none());
    assert!(world.store.recording(recordings[0]).await.unwrap().is_none());
    assert!(world.store.recording(recordings[1]).await.unwrap().is_some());
    // The logins of day 0 are over too; the tickets are not.
    world.get("/api/v1/me", &cookie).await.refused("not_logged_in");
    let (_, cookie) = world.staff("Sven", Role::Supervisor).await;
    let tickets = world.get("/api/v1/tickets", &cookie).await.ok().json();
    assert_eq!(tickets["items"].as_array().unwrap().len(), 2);
}
