//! A buyer is erased, by every id, for good and provably; what a legal hold keeps is kept, and said.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use protocol::audit::Signed;
use protocol::call::{BuyerContext, EndReason, Role};
use protocol::governance::{ArchiveErasure, ErasureCertificate, KeptBecause};
use protocol::ids::{BuyerSessionId, CallId, ExportId, PartyId, RecordingId, UserId};
use protocol::rest::WrapUp;
use serde_json::{Value, json};
use signaling::auth::{PublicKey, SigningKey};
use signaling::erasure::{Destroyer, Eraser, Exports, run_all};
use signaling::store::{NewBuyerVisit, NewCall};

use crate::review::{answers, delete, get, post, published_form, put, text};
use crate::world::{Answer, SECRET, World, sign};

/// A call of somebody of the shop "lumen", with a recording and all there is to know of them.
pub(crate) async fn call_of(world: &World, agent: UserId, subject: &str) -> (CallId, RecordingId) {
    let (id, session) = (CallId::new(), BuyerSessionId::new());
    let context = BuyerContext {
        subject: subject.into(),
        name: Some("Jana Novak".into()),
        language: "de-AT".into(),
        summary: Some("It flickers".into()),
        ..BuyerContext::default()
    };
    let visit = NewBuyerVisit {
        id: session,
        token: signaling::auth::secret::token(),
        shop: "lumen".into(),
        answered_by: "Lumen & Co.".into(),
        language: "de".into(),
        context: context.clone(),
        expires_at: world.now() + SignedDuration::from_hours(8),
    };
    world.store.insert_buyer_session(visit).await.unwrap();
    let new = NewCall { id, session, queue: "support".into(), context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    world.store.call_accepted(id, agent, world.now()).await.unwrap();
    let line = protocol::call::ChatLine {
        number: 1,
        from: PartyId::new(),
        text: "I am Jana".into(),
        at: world.now(),
    };
    world.store.add_chat(id, line.from, "Jana Novak", &line).await.unwrap();
    world.store.call_ended(id, world.now(), EndReason::BuyerHungUp).await.unwrap();
    let written = WrapUp { outcome: "answered".into(), notes: "Novak is happy".into() };
    world.store.wrap_up(id, written, agent).await.unwrap();
    let recording = RecordingId::new();
    world.store.recording_started(recording, id, world.now()).await.unwrap();
    world.store.recording_finished(recording, 61_000).await.unwrap();
    (id, recording)
}

async fn aliases(world: &World, audience: &str, body: Value) -> Answer {
    let now = world.now().as_second();
    let jti = signaling::auth::secret::token();
    let claims = json!({ "iss": "lumen", "aud": audience, "iat": now, "exp": now + 60, "jti": jti });
    let request = Request::put("/api/v1/subjects/aliases")
        .header("authorization", format!("Bearer {}", sign(&claims, "key_lumen", SECRET)))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    world.send(request).await
}

fn jana() -> Value {
    json!({ "shop": "lumen", "subject": "jana" })
}

struct Scene {
    world: World,
    admin: String,
    agent: UserId,
    key: SigningKey,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let (_, admin) = world.staff("Ada", Role::Admin).await;
        let (agent, _) = world.staff("Mina", Role::Agent).await;
        Self { world, admin, agent, key: SigningKey::generate() }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.json(Method::POST, &format!("/api/v1/{path}"), &self.admin, body).await
    }

    /// Asks for Jana's erasure, has it done, and reads the certificate.
    async fn erase_jana(&self) -> ErasureCertificate {
        let asked = self.post("erasures", json!({ "subject": jana(), "why": "art. 17" })).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text());
        let id = asked.json()["id"].as_str().unwrap().to_owned();
        assert!(run_all(&self.world.store, &*self.world.destroyer, &self.key).await);
        let path = format!("/api/v1/erasures/{id}/certificate");
        let answer = self.world.get(&path, &self.admin).await.ok().json();
        let signed: Signed<ErasureCertificate> = serde_json::from_value(answer).unwrap();
        assert!(self.key.public().verifies(&signed));
        signed.statement
    }
}

#[tokio::test]
async fn every_recording_of_every_alias_goes_and_so_does_what_the_calls_knew() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (first, one) = call_of(world, scene.agent, "jana").await;
    let (second, two) = call_of(world, scene.agent, "guest-7").await;
    let (strangers, three) = call_of(world, scene.agent, "omar").await;
    aliases(world, "vitrine-server", json!({ "subject": "guest-7", "aliases": ["mail:ab12"] })).await.ok();
    let known =
        aliases(world, "vitrine-server", json!({ "subject": "jana", "aliases": ["mail:ab12"] })).await;
    assert_eq!(known.ok().json(), json!({ "subject": "jana", "aliases": ["guest-7", "mail:ab12"] }));

    let said = scene.erase_jana().await;
    let recordings: Vec<RecordingId> = said.recordings.iter().map(|erased| erased.recording).collect();
    assert_eq!((recordings, said.calls.clone()), (vec![one, two], vec![first, second]));
    assert!(said.recordings.iter().all(|erased| erased.archive == ArchiveErasure::Gone));
    assert_eq!((said.ids, said.kept.len()), (3, 0));
    assert_eq!(*world.destroyer.erased.lock().unwrap(), [one, two]);
    assert!(world.destroyer.forgotten.lock().unwrap()[0].1.contains(&"guest-7".to_owned()));

    for (call, is_left) in [(first, false), (second, false), (strangers, true)] {
        let seen = world.store.call(call).await.unwrap().unwrap().0;
        assert_eq!(seen.context.name.is_some(), is_left);
        assert_eq!(world.store.chat_of(call).await.unwrap().len(), usize::from(is_left));
        let (ticket, _) = world.store.ticket(seen.ticket.unwrap()).await.unwrap().unwrap();
        assert_eq!(ticket.notes.is_empty(), !is_left);
        assert_eq!(ticket.outcome.as_deref(), Some("answered"), "what the call came to stays");
    }
    assert!(world.store.recording(three).await.unwrap().is_some());
    // Asked again, there is nothing left; the log and the erasures do not name the buyer.
    let again = scene.erase_jana().await;
    assert_eq!((again.ids, again.recordings.len(), again.calls.len()), (1, 0, 0));
    for path in ["audit", "erasures"] {
        let told = world.get(&format!("/api/v1/{path}"), &scene.admin).await.ok().text();
        assert!(!told.contains("jana") && !told.contains("guest-7"), "{told}");
    }
}

#[tokio::test]
async fn a_crash_half_way_is_made_good_and_the_certificate_tells_of_both_halves() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let mut recordings = Vec::new();
    for _ in 0..3 {
        recordings.push(call_of(world, scene.agent, "jana").await.1);
    }
    let asked = scene.post("erasures", json!({ "subject": jana(), "why": "art. 17" })).await.json();
    *world.destroyer.power.lock().unwrap() = Some(1);
    {
        let half = run_all(&world.store, &*world.destroyer, &scene.key);
        // The second recording is never answered for; the power goes.
        tokio::select! {
            _ = half => panic!("it came to an end"),
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
        }
    }
    let path = format!("/api/v1/erasures/{}", asked["id"].as_str().unwrap());
    let half = world.get(&path, &scene.admin).await.ok().json();
    assert_eq!((&half["erased"], half.get("certificate")), (&json!(1), None));
    world.get(&format!("{path}/certificate"), &scene.admin).await.refused("not_now");

    *world.destroyer.power.lock().unwrap() = None;
    assert!(run_all(&world.store, &*world.destroyer, &scene.key).await);
    let done = world.get(&path, &scene.admin).await.ok().json();
    let told: Vec<Value> = done["certificate"]["statement"]["recordings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|erased| erased["recording"].clone())
        .collect();
    assert_eq!(told, recordings.iter().map(|id| json!(id)).collect::<Vec<_>>());
    assert_eq!(*world.destroyer.erased.lock().unwrap(), recordings, "and none of them twice");
}

#[tokio::test]
async fn a_hold_beats_erasure_and_the_answer_says_which() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (kept_call, kept) = call_of(world, scene.agent, "jana").await;
    let (call, free) = call_of(world, scene.agent, "jana").await;
    let hold = scene.post("holds", json!({ "recording": kept, "why": "case 12" })).await;
    assert_eq!(hold.status, StatusCode::CREATED);
    let hold = hold.json()["id"].as_str().unwrap().to_owned();
    let refused = scene.post(&format!("recordings/{kept}/erase"), json!({ "why": "please" })).await;
    refused.refused("under_hold");
    assert!(refused.text().contains(&hold) && refused.text().contains("case 12"), "{}", refused.text());

    let said = scene.erase_jana().await;
    assert_eq!(said.recordings.iter().map(|erased| erased.recording).collect::<Vec<_>>(), [free]);
    assert_eq!(said.calls, [call]);
    assert_eq!(said.kept.len(), 1);
    assert_eq!((said.kept[0].call, said.kept[0].because), (kept_call, KeptBecause::Hold));
    assert_eq!(said.kept[0].hold.unwrap().to_string(), hold);
    assert!(world.store.call(kept_call).await.unwrap().unwrap().0.context.name.is_some());

    scene.post(&format!("holds/{hold}/lift"), json!({ "why": "case closed" })).await.ok();
    scene.post(&format!("holds/{hold}/lift"), json!({ "why": "case closed" })).await.refused("not_found");
    let said = scene.erase_jana().await;
    assert_eq!(said.recordings.iter().map(|erased| erased.recording).collect::<Vec<_>>(), [kept]);
    assert!(said.kept.is_empty());
}

#[tokio::test]
async fn a_hold_on_a_buyer_is_one_on_every_alias_and_on_calls_to_come() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (_, recording) = call_of(world, scene.agent, "guest-7").await;
    let body = json!({ "buyer_of": recording, "why": "case 12" });
    let hold = scene.post("holds", body).await.json();
    assert!(hold.get("recording").is_none());
    aliases(world, "vitrine-server", json!({ "subject": "jana", "aliases": ["guest-7"] })).await.ok();
    let (_, later) = call_of(world, scene.agent, "jana").await;
    scene.post("erasures", json!({ "subject": jana(), "why": "art. 17" })).await.refused("under_hold");
    scene.post(&format!("recordings/{later}/erase"), json!({ "why": "please" })).await.refused("under_hold");
    let listed = world.get("/api/v1/holds", &scene.admin).await.ok().json();
    assert_eq!(listed, json!([hold]));
}

#[tokio::test]
async fn an_archive_that_does_not_answer_is_told_of_and_a_call_in_progress_is_left() {
    let scene = Scene::new().await;
    let world = &scene.world;
    call_of(world, scene.agent, "jana").await;
    let context = BuyerContext { subject: "jana".into(), language: "de".into(), ..BuyerContext::default() };
    let (id, session) = (CallId::new(), BuyerSessionId::new());
    let visit = NewBuyerVisit {
        id: session,
        token: "t".into(),
        shop: "lumen".into(),
        answered_by: String::new(),
        language: "de".into(),
        context: context.clone(),
        expires_at: world.now(),
    };
    world.store.insert_buyer_session(visit).await.unwrap();
    let new = NewCall { id, session, queue: "support".into(), context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    world.destroyer.archive_is_down.store(true, std::sync::atomic::Ordering::Relaxed);
    let said = scene.erase_jana().await;
    assert_eq!(said.recordings[0].archive, ArchiveErasure::Pending);
    assert_eq!((said.kept[0].call, said.kept[0].because), (id, KeptBecause::CallInProgress));
}

#[tokio::test]
async fn what_is_still_to_be_written_is_waited_for_and_nothing_is_written_about_the_buyer_afterwards() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (call, recording) = call_of(world, scene.agent, "jana").await;
    let (_, mina) = world.staff("Mina B", Role::Supervisor).await;
    let (_, version) = published_form(world, &scene.admin).await;
    let reviews = format!("/recordings/{recording}/reviews");
    let draft = post(world, &mina, &reviews, json!({ "form_version": version })).await.ok().json();
    let draft = format!("/reviews/{}", text(&draft["summary"]["id"]));
    put(world, &mina, &format!("{draft}/draft"), json!({ "answers": [], "comment": "Novak waits" }))
        .await
        .ok();

    // The agent of another call of hers has not written the notes yet.
    let open = call_without_notes(world, scene.agent).await;
    let said = scene.erase_jana().await;
    assert_eq!((said.calls.clone(), said.kept.len()), (vec![call], 1));
    assert_eq!((said.kept[0].call, said.kept[0].because), (open, KeptBecause::CallInProgress));
    let notes = |call: CallId, notes: &str| {
        let body = json!({ "outcome": "answered", "notes": notes });
        (format!("/calls/{call}/wrap-up"), body)
    };
    let (path, body) = notes(open, "Novak is happy");
    put(world, &scene.admin, &path, body).await.ok();
    let said = scene.erase_jana().await;
    assert_eq!((said.calls, said.kept.len()), (vec![open], 0));

    // Pages that were open at that time write nothing back.
    for call in [call, open] {
        let (path, body) = notes(call, "Novak is happy");
        assert_eq!(put(world, &scene.admin, &path, body).await.refused("field_invalid"), "notes");
        let (path, body) = notes(call, "");
        assert_eq!(put(world, &scene.admin, &path, body).await.ok().json()["notes"], "");
    }
    put(world, &mina, &format!("{draft}/draft"), json!({ "answers": [] })).await.refused("review_state");
    post(world, &mina, &format!("{draft}/submit"), answers(&[])).await.refused("review_state");
    let left = get(world, &mina, &draft).await.ok().json();
    assert_eq!(left["draft"]["comment"], "");
    delete(world, &mina, &draft).await.ok();
}

/// A call of Jana's that is over, but for its notes.
async fn call_without_notes(world: &World, agent: UserId) -> CallId {
    let (id, session) = (CallId::new(), BuyerSessionId::new());
    let context = BuyerContext { subject: "jana".into(), language: "de".into(), ..BuyerContext::default() };
    let visit = NewBuyerVisit {
        id: session,
        token: signaling::auth::secret::token(),
        shop: "lumen".into(),
        answered_by: String::new(),
        language: "de".into(),
        context: context.clone(),
        expires_at: world.now(),
    };
    world.store.insert_buyer_session(visit).await.unwrap();
    let new = NewCall { id, session, queue: "support".into(), context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    world.store.call_accepted(id, agent, world.now()).await.unwrap();
    world.store.call_ended(id, world.now(), EndReason::BuyerHungUp).await.unwrap();
    id
}

#[tokio::test]
async fn aliases_come_from_the_shops_server_and_not_from_a_buyers_browser() {
    let scene = Scene::new().await;
    let body = || json!({ "subject": "jana", "aliases": ["guest-7"] });
    assert_eq!(aliases(&scene.world, "vitrine", body()).await.refused("wrong_audience"), "aud");
    let refused = aliases(&scene.world, "vitrine-server", json!({ "subject": "jana", "aliases": [] })).await;
    assert_eq!(refused.refused("field_invalid"), "aliases");
    let refused =
        aliases(&scene.world, "vitrine-server", json!({ "subject": "jana", "aliases": ["a", ""] })).await;
    assert_eq!(refused.refused("field_invalid"), "aliases[1]");
    for _ in 0..2 {
        aliases(&scene.world, "vitrine-server", body()).await.ok();
    }
    assert_eq!(scene.world.store.ids_of("lumen", "guest-7").await.unwrap(), ["jana", "guest-7"]);
    assert_eq!(scene.world.store.ids_of("other", "guest-7").await.unwrap(), ["guest-7"]);
}

#[tokio::test]
async fn the_real_recorder_destroys_key_and_media_and_forgets_the_name_on_the_receipt() {
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(signaling::auth::MasterKey::generate());
    let (recorder, _) =
        recorder::Recorder::open(recorder::RecorderConfig::new(dir.path(), keys)).await.unwrap();
    let id = RecordingId::new();
    let receipt = recorder::Receipt {
        side: Some(recorder::Side::Buyer),
        subject: "jana".into(),
        recording: true,
        text_version: "1".into(),
        text_sha256: "ab".repeat(32),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: sfu::NodeTime(0),
    };
    let spec = recorder::RecordingSpec {
        id: id.0,
        started: sfu::NodeTime(0),
        labels: Value::Null,
        receipts: vec![receipt],
    };
    recorder.start(spec).await.unwrap().stop().await;
    let ids = ["jana".to_owned()];
    let exports = Exports::Left(dir.path().join("exports"));
    let destroyer: &dyn Destroyer = &Eraser { recorder: recorder.clone(), exports };
    let export = dir.path().join("exports").join(format!("{id}.mp4.sealed"));
    std::fs::create_dir_all(dir.path().join("exports").join(id.to_string())).unwrap();
    std::fs::write(&export, "sealed").unwrap();
    for _ in 0..2 {
        destroyer.unexport(ExportId(id.0)).await.unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("exports")).unwrap().count(), 0);
    }
    destroyer.forget(id, &ids, "x").await.unwrap();
    assert_eq!(recorder.index(id.0).await.unwrap().receipts[0].subject, "jana", "it is not erased yet");
    for _ in 0..2 {
        destroyer.erase(id, "erasure:1").await.unwrap();
        destroyer.forget(id, &ids, "sha256:ff").await.unwrap();
        destroyer.purge(id).await.unwrap();
    }
    let index = recorder.index(id.0).await.unwrap();
    assert_eq!(index.erased.unwrap().reason, "erasure:1");
    assert_eq!(index.receipts[0].subject, "sha256:ff");
    let manifest = std::fs::read_to_string(dir.path().join(id.to_string()).join("manifest.jsonl")).unwrap();
    assert!(!manifest.contains("jana") && !manifest.contains("\"key\""), "{manifest}");
}

#[test]
fn a_certificate_that_was_changed_is_not_good() {
    let key = SigningKey::generate();
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    let signed = key.sign(ErasureCertificate {
        erasure: protocol::ids::ErasureId::new(),
        shop: "lumen".into(),
        subject_sha256: signaling::audit::subject_hash("lumen", "jana"),
        requested_at: now,
        finished_at: now,
        ids: 1,
        recordings: Vec::new(),
        calls: Vec::new(),
        kept: Vec::new(),
    });
    let text = serde_json::to_string_pretty(&signed).unwrap();
    let read: Signed<ErasureCertificate> = serde_json::from_str(&text).unwrap();
    let public = PublicKey::from_base64(&key.info().public_key).unwrap();
    assert!(public.verifies(&read));
    let changed: Signed<ErasureCertificate> =
        serde_json::from_str(&text.replace("\"ids\": 1", "\"ids\": 2")).unwrap();
    assert!(!public.verifies(&changed));
}
