//! Who may replay a call need not know who the buyer was, and a partner sees its own queues only.

use axum::http::Method;
use jiff::SignedDuration;
use protocol::call::{BuyerContext, EndReason, Order, Role};
use protocol::ids::{BuyerSessionId, CallId, ReceiptId, RecordingId, UserId};
use protocol::rest::{ConsentReceipt, RecordedSide, WrapUp};
use protocol::rights::RightsChanges;
use serde_json::{Value, json};
use signaling::audit::Actor;
use signaling::store::NewCall;

use crate::world::World;

/// The visit of one of Jana's calls.
pub(crate) fn session_of(call: CallId) -> BuyerSessionId {
    BuyerSessionId(call.0)
}

/// A call of Jana's, wrapped up and recorded.
pub(crate) async fn janas_call(world: &World, agent: UserId, queue: &str) -> (CallId, RecordingId) {
    let id = CallId::new();
    let context = BuyerContext {
        subject: "buyer-0042".into(),
        name: Some("Jana Novak".into()),
        language: "de-AT".into(),
        country: Some("AT".into()),
        order: Some(Order { number: "A-100234".into(), status: "delivered".into(), ..Order::default() }),
        summary: Some("Jana says it flickers".into()),
        ..BuyerContext::default()
    };
    let session = session_of(id);
    let new = NewCall { id, session, queue: queue.into(), context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    world.store.call_accepted(id, agent, world.now()).await.unwrap();
    world.store.call_ended(id, world.now(), EndReason::AgentHungUp).await.unwrap();
    let receipt = ConsentReceipt {
        id: ReceiptId::new(),
        side: RecordedSide::Buyer,
        subject: "buyer-0042".into(),
        recording: true,
        text_version: "1".into(),
        text_sha256: "ab".repeat(32),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: world.now(),
    };
    world.store.add_receipt(id, receipt).await.unwrap();
    let written = WrapUp { outcome: "answered".into(), notes: "Novak will send A-100234 back".into() };
    world.store.wrap_up(id, written, agent).await.unwrap();
    let recording = RecordingId::new();
    world.store.recording_started(recording, id, world.now()).await.unwrap();
    world.store.recording_finished(recording, 61_000).await.unwrap();
    world.archive.recordings.lock().unwrap().insert(recording, crate::recordings::index(recording));
    (id, recording)
}

const SECRETS: [&str; 5] = ["Jana", "Novak", "buyer-0042", "A-100234", "flickers"];

fn hidden(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is told: {text}");
    }
}

#[tokio::test]
async fn personal_fields_are_masked_for_everybody_but_the_calls_agent() {
    let world = World::new().await;
    let (mina, own) = world.staff("Mina", Role::Agent).await;
    let (call, recording) = janas_call(&world, mina, "support").await;
    let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
    for role in [Role::Reviewer, Role::Supervisor, Role::Admin] {
        let (_, cookie) = world.staff(&format!("{role:?}"), role).await;
        for path in [
            "calls".into(),
            format!("calls/{call}"),
            "tickets".into(),
            format!("tickets/{ticket}"),
            "recordings".into(),
            format!("recordings/{recording}"),
        ] {
            hidden(&world.get(&format!("/api/v1/{path}"), &cookie).await.ok().text());
        }
        let seen = world.get(&format!("/api/v1/tickets/{ticket}"), &cookie).await.ok().json();
        assert_eq!(seen["call"]["context"]["name"], "J***");
        assert_eq!(seen["notes"], "*** will send *** back");
        assert_eq!(
            (&seen["call"]["masked"], &seen["call"]["context"]["country"]),
            (&json!(true), &json!("AT"))
        );
        let seen = world.get(&format!("/api/v1/recordings/{recording}"), &cookie).await.ok().json();
        assert_eq!((&seen["tracks"][0]["name"], &seen["masked"]), (&json!("J***"), &json!(true)));
    }
    let seen = world.get(&format!("/api/v1/tickets/{ticket}"), &own).await.ok().json();
    assert_eq!(
        (&seen["call"]["masked"], &seen["call"]["context"]["name"]),
        (&json!(false), &json!("Jana Novak"))
    );
}

#[tokio::test]
async fn who_may_and_says_why_reads_them_for_half_an_hour() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (call, recording) = janas_call(&world, mina, "support").await;
    let (other, _) = janas_call(&world, mina, "support").await;
    let (_, supervisor) = world.staff("Sven", Role::Supervisor).await;
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let path = format!("/api/v1/calls/{call}/unmask");
    let why = json!({ "why": "complaint 17" });
    world.json(Method::POST, &path, &reviewer, why.clone()).await.refused("not_allowed");
    assert_eq!(
        world.json(Method::POST, &path, &supervisor, json!({ "why": "" })).await.refused("field_invalid"),
        "why"
    );
    assert_eq!(world.json(Method::POST, &path, &supervisor, why).await.status, 204);

    let name = async |call: CallId, cookie: &str| {
        world.get(&format!("/api/v1/calls/{call}"), cookie).await.ok().json()["context"]["name"].clone()
    };
    assert_eq!(name(call, &supervisor).await, "Jana Novak");
    assert_eq!(name(other, &supervisor).await, "J***", "the reason was given for one call");
    assert_eq!(name(call, &admin).await, "J***", "and by one person");
    let seen = world.get(&format!("/api/v1/recordings/{recording}"), &supervisor).await.ok().json();
    assert_eq!(seen["tracks"][0]["name"], "Jana");
    world.pass(SignedDuration::from_mins(31));
    assert_eq!(name(call, &supervisor).await, "J***");
    let log = world.get("/api/v1/audit?event=unmasked", &admin).await.ok().json();
    assert_eq!(
        (&log["items"][0]["why"], &log["items"][0]["actor_name"]),
        (&json!("complaint 17"), &json!("Sven"))
    );
}

#[tokio::test]
async fn a_partner_sees_plays_and_finds_only_calls_of_its_queues_and_an_agent_their_own_still() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (petra, partner) = world.staff("Petra", Role::Supervisor).await;
    let (lamps, lamps_recording) = janas_call(&world, mina, "lamps").await;
    let (chairs, chairs_recording) = janas_call(&world, mina, "chairs").await;
    let (own, own_recording) = janas_call(&world, petra, "chairs").await;
    let limit = RightsChanges { queues: Some(vec!["lamps".into()]), ..RightsChanges::default() };
    world.store.set_rights(petra, &limit, Actor::Operator).await.unwrap();

    let listed = async |path: &str, field: &str| -> Vec<Value> {
        let page = world.get(&format!("/api/v1/{path}"), &partner).await.ok().json();
        page["items"].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
    };
    assert_eq!(listed("calls", "id").await, [json!(own), json!(lamps)]);
    assert_eq!(listed("tickets", "number").await, ["V-1003", "V-1001"]);
    assert_eq!(listed("recordings", "id").await, [json!(own_recording), json!(lamps_recording)]);
    for (call, recording, sees) in
        [(lamps, lamps_recording, true), (chairs, chairs_recording, false), (own, own_recording, true)]
    {
        let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
        for path in [
            format!("calls/{call}"),
            format!("calls/{call}/quality"),
            format!("tickets/{ticket}"),
            format!("recordings/{recording}"),
        ] {
            let answer = world.get(&format!("/api/v1/{path}"), &partner).await;
            assert_eq!(answer.status == 200, sees, "{path}: {}", answer.text());
        }
        let unmask = format!("/api/v1/calls/{call}/unmask");
        let answer = world.json(Method::POST, &unmask, &partner, json!({ "why": "a complaint" })).await;
        assert_eq!(answer.status == 204, sees, "{}", answer.text());
    }
    let none = RightsChanges { queues: Some(Vec::new()), ..RightsChanges::default() };
    world.store.set_rights(petra, &none, Actor::Operator).await.unwrap();
    assert_eq!(listed("calls", "id").await, [json!(own)]);
}
