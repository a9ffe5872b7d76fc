//! How long a recording is kept depends on its queue and its buyer's country, and a hold beats both.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use jiff::SignedDuration;
use protocol::call::Role;
use protocol::ids::RecordingId;
use recorder::{Recorder, RecorderConfig, RecordingSpec};
use serde_json::{Value, json};
use signaling::auth::MasterKey;
use signaling::housekeeping;
use signaling::queues::{QueueSettings, Queues};
use signaling::retention::Retention;

use crate::privacy::janas_call;
use crate::world::World;

#[tokio::test]
async fn the_shortest_rule_deletes_and_a_hold_keeps_until_it_is_lifted() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(MasterKey::generate());
    let (recorder, _) = Recorder::open(RecorderConfig::new(dir.path(), keys)).await.unwrap();
    let mut short = QueueSettings::new("short", "Short");
    short.recording.keep_days = Some(10);
    let queues = Queues::new(&[short, QueueSettings::new("long", "Long")]);
    // All of these buyers are in Austria.
    let retention = Retention::new(90, &queues, BTreeMap::from([("AT".to_owned(), 30)]));
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let mut recordings = Vec::new();
    for queue in ["short", "long", "short"] {
        let (_, id) = janas_call(&world, mina, queue).await;
        let (labels, receipts) = (Value::Null, Vec::new());
        let spec = RecordingSpec { id: id.0, started: sfu::NodeTime(0), labels, receipts };
        recorder.start(spec).await.unwrap().stop().await;
        recordings.push(id);
    }
    let left = async || {
        let mut left = Vec::new();
        for id in &recordings {
            left.push(world.store.recording(*id).await.unwrap().is_some());
        }
        left
    };
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let place = json!({ "recording": recordings[2], "why": "case 12" });
    let hold = world.json(Method::POST, "/api/v1/holds", &admin, place).await.json()["id"].clone();
    for (days, expected) in [
        (9, [true, true, true]),
        (2, [false, true, true]),
        (18, [false, true, true]),
        (2, [false, false, true]),
    ] {
        world.pass(SignedDuration::from_hours(24 * days));
        housekeeping::round(&world.store, &recorder, &retention).await.unwrap();
        assert_eq!(left().await, expected, "{days} days later");
    }
    let (_, admin) = world.staff("Eva", Role::Admin).await;
    let lift = format!("/api/v1/holds/{}/lift", hold.as_str().unwrap());
    world.json(Method::POST, &lift, &admin, json!({ "why": "case closed" })).await.ok();
    housekeeping::round(&world.store, &recorder, &retention).await.unwrap();
    assert_eq!(left().await, [false, false, false]);
    let log = world.get("/api/v1/audit?event=recording_deleted", &admin).await.ok().json();
    assert!(log["items"].as_array().unwrap().iter().all(|entry| entry["why"] == "retention"), "{log}");
}

#[tokio::test]
async fn more_recordings_that_are_not_due_than_one_look_takes_hide_none_that_is() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(MasterKey::generate());
    let (recorder, _) = Recorder::open(RecorderConfig::new(dir.path(), keys)).await.unwrap();
    let mut short = QueueSettings::new("short", "Short");
    short.recording.keep_days = Some(1);
    let queues = Queues::new(&[short, QueueSettings::new("long", "Long")]);
    let retention = Retention::new(90, &queues, BTreeMap::new());
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let long = world.call(mina, "AUR-3", "Aurora").await;
    for _ in 0..250 {
        let id = RecordingId::new();
        world.store.recording_started(id, long, world.now()).await.unwrap();
        world.store.recording_finished(id, 1_000).await.unwrap();
    }
    let (_, due) = janas_call(&world, mina, "short").await;
    world.pass(SignedDuration::from_hours(48));
    assert_eq!(housekeeping::round(&world.store, &recorder, &retention).await.unwrap().1, 1);
    assert!(world.store.recording(due).await.unwrap().is_none());
}

#[tokio::test]
async fn a_recording_tells_until_when_it_is_kept_and_why() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let started = world.now();
    let (_, id) = janas_call(&world, mina, "support").await;
    let path = format!("/api/v1/recordings/{id}");
    let kept = world.get(&path, &admin).await.ok().json()["kept"].clone();
    let until = started + SignedDuration::from_hours(24 * 90);
    assert_eq!(kept, json!({ "until": until, "days": 90, "rule": "everywhere", "holds": [] }));
    let place = json!({ "recording": id, "why": "case 12" });
    world.json(Method::POST, "/api/v1/holds", &admin, place).await;
    let kept = world.get(&path, &admin).await.ok().json()["kept"].clone();
    assert_eq!(
        (&kept["holds"][0]["why"], &kept["holds"][0]["placed_by"]),
        (&json!("case 12"), &json!("Ada"))
    );
}
