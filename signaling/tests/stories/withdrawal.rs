//! A buyer takes back their consent during the call: what was recorded of it goes, whatever happens in between.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use protocol::audit::AuditEvent;
use protocol::call::{BuyerContext, EndReason, Role};
use protocol::ids::{BuyerSessionId, CallId, ReceiptId, RecordingId};
use protocol::rest::{ConsentReceipt, RecordedSide};
use recorder::{Look, Receipt, Recorder, RecorderConfig, Side};
use serde_json::{Value, json};
use sfu::NodeTime;
use signaling::audit::Actor;
use signaling::auth::MasterKey;
use signaling::config::Settings;
use signaling::floor::adapters::HeldRecorder;
use signaling::floor::ports::{Recordings, TakenBack};
use signaling::reconcile::{Reconciler, Round};
use signaling::start;
use signaling::store::{AuditFilter, Held, NewCall, NewUser, RowState, Store};

use crate::reconcile::record;
use crate::world::World;

/// What somebody chose about being recorded.
fn choice(side: RecordedSide, recording: bool, at: Timestamp) -> ConsentReceipt {
    ConsentReceipt {
        id: ReceiptId::new(),
        side,
        subject: "buyer-7".into(),
        recording,
        text_version: "1".into(),
        text_sha256: "00".into(),
        language: "de".into(),
        purpose: "quality_review".into(),
        at,
    }
}

async fn buyer_chose(store: &Store, call: CallId, recording: bool, at: Timestamp) {
    store.add_receipt(call, choice(RecordedSide::Buyer, recording, at)).await.unwrap();
}

fn withdrawn() -> RowState {
    RowState::Deleted { reason: "consent_withdrawn".into() }
}

async fn state(store: &Store, id: RecordingId) -> RowState {
    let rows = store.recording_rows().await.unwrap();
    rows.into_iter().find(|row| row.id == id).unwrap().state
}

/// Files with media in a recording's folder.
fn media(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "mp4")).collect()
}

/// Everything in a folder as it is at this moment: what a power cut would leave.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A call that an agent accepted.
async fn call(store: &Store, agent: protocol::ids::UserId, at: Timestamp) -> CallId {
    let id = CallId::new();
    let context =
        BuyerContext { subject: "buyer-7".into(), language: "de".into(), ..BuyerContext::default() };
    let (session, queue) = (BuyerSessionId::new(), "support".into());
    store.insert_call(NewCall { id, session, queue, context, requested_at: at }).await.unwrap();
    store.call_accepted(id, agent, at).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_a_withdrawal_and_the_deletion_deletes_when_it_starts_again() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = before.path();
    let master = MasterKey::load(&data.join("master.key")).unwrap();
    let store = Store::open(&data.join("vitrine.sqlite"), master.clone()).await.unwrap();
    let config = RecorderConfig::new(data.join("recordings"), Arc::new(master));
    let (recorder, _) = Recorder::open(config).await.unwrap();
    let new = NewUser {
        email: "mina@lumen.example".into(),
        name: "Mina".into(),
        role: Role::Agent,
        password_hash: "unused".into(),
    };
    let agent = store.add_user(new).await.unwrap();
    let ago = |seconds: i64| store.now() - SignedDuration::from_secs(seconds);

    // The agent stopped the first recording of the call, the second one runs, and the buyer takes everything back.
    let torn = call(&store, agent, ago(120)).await;
    buyer_chose(&store, torn, true, ago(120)).await;
    let (stopped, handle) = record(&recorder, torn, ago(110), 1).await;
    store.recording_started(stopped, torn, ago(110)).await.unwrap();
    store.recording_finished(stopped, handle.stop().await.duration_ms as u32).await.unwrap();
    store.add_receipt(torn, choice(RecordedSide::Agent, false, ago(90))).await.unwrap();
    let (running, _handle) = record(&recorder, torn, ago(60), 2).await;
    store.recording_started(running, torn, ago(60)).await.unwrap();
    // The same buyer, in another call, said no before anything was recorded, and then yes.
    let other = call(&store, agent, ago(50)).await;
    buyer_chose(&store, other, false, ago(50)).await;
    buyer_chose(&store, other, true, ago(40)).await;
    let (kept, handle) = record(&recorder, other, ago(30), 1).await;
    store.recording_started(kept, other, ago(30)).await.unwrap();
    let kept_ms = handle.stop().await.duration_ms as u32;
    store.recording_finished(kept, kept_ms).await.unwrap();
    store.call_ended(other, ago(20), EndReason::BuyerHungUp).await.unwrap();
    // What runs has written something.
    let folder = data.join("recordings").join(running.to_string());
    while media(&folder).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    buyer_chose(&store, torn, false, ago(0)).await;
    // Now the power goes.
    copy(data, after.path());

    let mut settings = Settings::default();
    settings.http.listen.set_port(0);
    settings.media.port = 0;
    settings.data.dir = after.path().to_owned();
    let server = start(settings).await.unwrap();
    assert_eq!(state(&server.store, stopped).await, withdrawn());
    assert_eq!(state(&server.store, running).await, withdrawn());
    assert_eq!(state(&server.store, kept).await, RowState::Complete { duration_ms: kept_ms });
    for (id, files) in [(stopped, 0), (running, 0), (kept, 1)] {
        let folder = after.path().join("recordings").join(id.to_string());
        assert_eq!(media(&folder).len(), files, "{id}");
    }
    for id in [stopped, running] {
        assert!(server.store.recording(id).await.unwrap().is_none());
        let about = AuditFilter { about: Some(format!("recording:{id}")), ..AuditFilter::default() };
        let log = server.store.audit(&about, None, None).await.unwrap().items;
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!((log[0].event, log[0].why.as_str()), (AuditEvent::RecordingDeleted, "consent_withdrawn"));
    }
    assert_eq!(server.store.verify_audit(Vec::new()).await.unwrap().broken, None);
    assert!(server.shutdown().await);
}

struct Scene {
    world: World,
    call: CallId,
    reconciler: Reconciler,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let (agent, _) = world.staff("Mina", Role::Supervisor).await;
        let call = world.call(agent, "LAMP-01", "Aurora").await;
        let reconciler = Reconciler::new(world.store.clone(), world.recorder.clone());
        Self { world, call, reconciler }
    }

    /// A recording that has ended, and that the store knows.
    async fn recorded(&self, call: CallId) -> RecordingId {
        let (id, handle) = record(&self.world.recorder, call, self.world.now(), 1).await;
        let duration_ms = handle.stop().await.duration_ms as u32;
        let complete = RowState::Complete { duration_ms };
        self.world.store.recording_linked(id, call, self.world.now(), &complete).await.unwrap();
        id
    }

    fn pass(&self, seconds: i64) -> Timestamp {
        self.world.pass(SignedDuration::from_secs(seconds));
        self.world.now()
    }

    async fn round(&mut self) -> Round {
        self.reconciler.round(Look::Everywhere).await.unwrap()
    }
}

#[tokio::test]
async fn a_withdrawal_that_comes_late_takes_what_was_found_in_order_before() {
    let mut scene = Scene::new().await;
    let id = scene.recorded(scene.call).await;
    assert_eq!(scene.round().await.changed(), 0);
    assert_eq!(scene.round().await, Round::default(), "what was in order is not looked at again");
    let at = scene.pass(60);
    buyer_chose(&scene.world.store, scene.call, false, at).await;
    assert_eq!(scene.round().await.erased, 1);
    assert_eq!(state(&scene.world.store, id).await, withdrawn());
    assert_eq!(scene.round().await.changed(), 0);
}

#[tokio::test]
async fn only_a_no_of_the_buyer_in_the_same_call_after_the_beginning_deletes() {
    let mut scene = Scene::new().await;
    let (store, call) = (scene.world.store.clone(), scene.call);
    let (agent, _) = scene.world.staff("Rita", Role::Supervisor).await;
    let other = scene.world.call(agent, "LAMP-02", "Fjord").await;
    buyer_chose(&store, call, false, scene.world.now()).await;
    buyer_chose(&store, call, true, scene.pass(10)).await;
    let id = scene.recorded(call).await;
    let at = scene.pass(60);
    store.add_receipt(call, choice(RecordedSide::Agent, false, at)).await.unwrap();
    buyer_chose(&store, other, false, at).await;
    assert_eq!(scene.round().await.changed(), 0);
    assert!(matches!(state(&store, id).await, RowState::Complete { .. }));
}

#[tokio::test]
async fn the_buyers_word_in_the_manifest_counts_even_if_the_store_never_heard_it() {
    let mut scene = Scene::new().await;
    let (id, handle) = record(&scene.world.recorder, scene.call, scene.world.now(), 1).await;
    let at = NodeTime(scene.pass(30).as_microsecond() as u64);
    let said = |side, at| Receipt {
        side: Some(side),
        subject: "somebody".into(),
        recording: false,
        text_version: "1".into(),
        text_sha256: "00".into(),
        language: "de".into(),
        purpose: "quality_review".into(),
        at,
    };
    handle.add_receipt(said(Side::Agent, at)).await;
    handle.stop().await;
    let complete = RowState::Complete { duration_ms: 1_000 };
    scene.world.store.recording_linked(id, scene.call, scene.world.now(), &complete).await.unwrap();
    assert_eq!(scene.round().await.changed(), 0, "the agent's word ends a recording and deletes none");

    let (id, handle) = record(&scene.world.recorder, scene.call, scene.world.now(), 1).await;
    let at = NodeTime(scene.pass(30).as_microsecond() as u64);
    handle.add_receipt(said(Side::Buyer, at)).await;
    handle.stop().await;
    assert_eq!(scene.round().await.erased, 1);
    assert!(scene.world.recorder.index(id.0).await.unwrap().erased.is_some());
}

/// The event's entries about a recording in the audit log.
async fn logged(store: &Store, id: RecordingId, event: AuditEvent) -> usize {
    let about = Some(format!("recording:{id}"));
    let filter = AuditFilter { about, event: Some(event), ..AuditFilter::default() };
    store.audit(&filter, None, None).await.unwrap().items.len()
}

#[tokio::test]
async fn a_hold_on_the_buyer_locks_what_is_taken_back_until_it_is_lifted() {
    let mut scene = Scene::new().await;
    let (_, admin) = scene.world.staff("Ada", Role::Admin).await;
    let (sven_id, sven) = scene.world.staff("Sven", Role::Supervisor).await;
    let (call, _) = crate::erasure::call_of(&scene.world, sven_id, "jana").await;
    // What that one is said to have recorded was never there.
    assert_eq!(scene.round().await.gone, 1);
    let id = scene.recorded(call).await;
    let world = &scene.world;
    world.archive.recordings.lock().unwrap().insert(id, crate::recordings::index(id));
    let subject = json!({ "shop": "lumen", "subject": "jana" });
    let body = json!({ "subject": subject, "why": "file 7 of 2026" });
    let hold = world.json(axum::http::Method::POST, "/api/v1/holds", &admin, body).await.ok().json();

    let recordings = HeldRecorder { recorder: world.recorder.clone(), store: world.store.clone() };
    let taken_back = recordings.take_back(call, id, "consent_withdrawn").await;
    assert_eq!(taken_back, Ok(TakenBack::Held));
    world.store.recording_withheld(id, scene.pass(1)).await.unwrap();
    world.store.recording_withheld(id, scene.pass(1)).await.unwrap();
    assert_eq!(logged(&world.store, id, AuditEvent::RecordingWithheld).await, 1, "said twice, logged once");

    // Everybody sees that it is there and locked; it opens for those alone who look after holds.
    let path = format!("/api/v1/recordings/{id}");
    let found = world.get("/api/v1/recordings?flag=withheld", &sven).await.ok().json();
    assert_eq!((&found["items"][0]["id"], &found["items"][1]), (&json!(id), &Value::Null));
    assert_eq!(found["items"][0]["flags"], json!(["withheld"]));
    for path in [path.clone(), format!("{path}/timeline"), format!("{path}/tracks/buyer-microphone-1")] {
        world.get(&path, &sven).await.refused("recording_withheld");
    }
    let wanted = json!({ "reason": "training" });
    let exports = format!("{path}/exports");
    world.json(axum::http::Method::POST, &exports, &sven, wanted).await.refused("recording_withheld");
    for sample in [
        json!({ "name": "Picked", "query": "", "recordings": [id], "reviewers": [] }),
        json!({
            "name": "Drawn",
            "query": "",
            "rule": { "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": false },
            "reviewers": [],
        }),
    ] {
        let refused = world.json(axum::http::Method::POST, "/api/v1/samples", &sven, sample).await;
        assert_eq!(refused.refused("field_invalid"), "query", "nobody is given what they could not open");
    }
    let opened = world.get(&path, &admin).await.ok().json();
    assert_eq!(opened["kept"]["holds"][0]["why"], "file 7 of 2026");

    // Rounds leave it, until the hold is lifted.
    let Scene { world, mut reconciler, .. } = scene;
    assert_eq!(reconciler.round(Look::Here).await.unwrap().changed(), 0);
    let lift = format!("/api/v1/holds/{}/lift", hold["id"].as_str().unwrap());
    let body = json!({ "why": "closed" });
    world.json(axum::http::Method::POST, &lift, &admin, body).await.ok();
    assert_eq!(reconciler.round(Look::Here).await.unwrap().erased, 1);
    assert_eq!(state(&world.store, id).await, withdrawn());
    assert!(world.recorder.index(id.0).await.unwrap().erased.is_some());
    assert_eq!(logged(&world.store, id, AuditEvent::RecordingDeleted).await, 1);
    world.get(&path, &admin).await.refused("not_found");
}

#[tokio::test]
async fn what_a_crash_left_of_a_withdrawal_is_locked_where_a_hold_keeps_it() {
    let mut scene = Scene::new().await;
    let known = scene.recorded(scene.call).await;
    let (unlinked, handle) = record(&scene.world.recorder, scene.call, scene.world.now(), 1).await;
    handle.stop().await;
    for id in [known, unlinked] {
        scene.world.store.place_hold(Held::Recording(id), "file 8", Actor::Operator).await.unwrap();
    }
    let at = scene.pass(60);
    buyer_chose(&scene.world.store, scene.call, false, at).await;
    let round = scene.round().await;
    assert_eq!((round.withheld, round.linked, round.erased), (1, 1, 0), "{round:?}");
    for id in [known, unlinked] {
        assert!(matches!(state(&scene.world.store, id).await, RowState::Withheld { .. }));
    }
    assert_eq!(scene.round().await.changed(), 0);
}

#[tokio::test]
async fn a_withdrawal_that_comes_before_the_call_is_in_the_store_waits_for_it() {
    let scene = Scene::new().await;
    let recordings =
        HeldRecorder { recorder: scene.world.recorder.clone(), store: scene.world.store.clone() };
    let call = CallId::new();
    let (id, handle) = record(&scene.world.recorder, call, scene.world.now(), 1).await;
    handle.stop().await;
    // Whose it is decides whether a hold keeps it.
    let too_early = recordings.take_back(call, id, "consent_withdrawn").await;
    assert!(too_early.unwrap_err().contains("does not know the call"));
    assert!(scene.world.recorder.index(id.0).await.unwrap().erased.is_none());
}
