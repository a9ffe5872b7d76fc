//! What stays of a call: the ticket with its outcome, and finding it again.

use axum::http::Method;
use jiff::SignedDuration;
use protocol::call::{LinkState, Role, Side};
use protocol::ids::{CallId, PartyId, ReceiptId};
use protocol::rest::{ConsentReceipt, QualityPoint, QualitySeen, QualityTimeline};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn wrapping_up_writes_the_outcome_frees_the_agent_and_closes_the_ticket() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let call = world.call(agent, "AUR-3", "Aurora floor lamp").await;
    let text = signaling::consent::text("de", 90);
    let receipt = ConsentReceipt {
        id: ReceiptId::new(),
        side: protocol::rest::RecordedSide::Buyer,
        subject: "buyer-7".into(),
        recording: false,
        text_version: text.version,
        text_sha256: text.sha256,
        language: text.language,
        purpose: "quality_review".into(),
        at: world.now(),
    };
    world.store.add_receipt(call, receipt).await.unwrap();

    let before = world.get(&format!("/api/v1/calls/{call}"), &cookie).await.ok().json();
    assert_eq!(before["state"], "wrap_up");
    let written = json!({ "outcome": "transport_damage", "notes": "Shade is cracked.\nSends a new one." });
    let path = format!("/api/v1/calls/{call}/wrap-up");
    let ticket = world.json(Method::PUT, &path, &cookie, written.clone()).await.ok().json();
    assert_eq!(ticket["number"], "V-1001");
    assert_eq!(ticket["outcome"], "transport_damage");
    assert_eq!(ticket["notes"], "Shade is cracked.\nSends a new one.");
    assert_eq!(ticket["agent"], "Mina");
    assert_eq!(ticket["call"]["state"], "ended");
    assert_eq!(ticket["call"]["queue"], "support");
    assert_eq!(ticket["call"]["context"]["product"]["name"], "Aurora floor lamp");
    assert_eq!(ticket["receipts"][0]["recording"], false);
    assert_eq!(*world.floor.wrapped_up.lock().unwrap(), [call]);

    let path = format!("/api/v1/tickets/{}", ticket["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &cookie).await.ok().json(), ticket);
}

#[tokio::test]
async fn an_agent_who_wraps_up_before_the_end_is_written_still_ends_the_call() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let (id, context) = (CallId::new(), protocol::call::BuyerContext::default());
    let session = protocol::ids::BuyerSessionId::new();
    let queue = "support".to_owned();
    let new = signaling::store::NewCall { id, session, queue, context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    let path = format!("/api/v1/calls/{id}/wrap-up");
    let written = json!({ "outcome": "answered", "notes": "" });
    world.json(Method::PUT, &path, &cookie, written.clone()).await.refused("not_found");
    let (_, supervisor) = world.staff("Sven", Role::Supervisor).await;
    world.json(Method::PUT, &path, &supervisor, written.clone()).await.refused("no_ticket");

    // The store will hear of it in a moment.
    world.floor.facts_waiting.store(1, std::sync::atomic::Ordering::Relaxed);
    let accepted = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.store.call_accepted(id, agent, world.now()).await.unwrap();
    };
    let (wrapped, ()) = tokio::join!(world.json(Method::PUT, &path, &cookie, written), accepted);
    wrapped.ok();
    world.store.call_ended(id, world.now(), protocol::call::EndReason::BuyerHungUp).await.unwrap();
    assert_eq!(world.get(&format!("/api/v1/calls/{id}"), &cookie).await.ok().json()["state"], "ended");
}

#[tokio::test]
async fn a_wrap_up_that_cannot_be_kept_names_the_field() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let path = format!("/api/v1/calls/{call}/wrap-up");
    let check = async |body: Value, code: &str, field: &str| {
        assert_eq!(world.json(Method::PUT, &path, &cookie, body).await.refused(code), field);
    };
    check(json!({ "outcome": "shrug", "notes": "" }), "unknown_outcome", "outcome").await;
    check(json!({ "outcome": "answered", "notes": "ü".repeat(10_001) }), "field_invalid", "notes").await;
    check(json!({ "outcome": "answered" }), "body_malformed", "").await;
    check(json!({ "outcome": 3, "notes": "" }), "body_malformed", "outcome").await;
    let put = world.json(Method::PUT, "/api/v1/calls/12/wrap-up", &cookie, json!({})).await;
    assert_eq!(put.refused("id_malformed"), "id");
    assert!(world.floor.wrapped_up.lock().unwrap().is_empty());
}

async fn found(world: &World, cookie: &str, query: &str) -> Vec<String> {
    let page = world.get(&format!("/api/v1/tickets?{query}"), cookie).await.ok().json();
    page["items"].as_array().unwrap().iter().map(|item| item["number"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tickets_are_found_by_number_agent_product_and_sku() {
    let world = World::new().await;
    let (mina, cookie) = world.staff("Mina Özil", Role::Supervisor).await;
    let (omar, _) = world.staff("Omar", Role::Agent).await;
    world.call(mina, "AUR-3", "Aurora Stehleuchte").await;
    world.call(omar, "KIT-100%", "Küchenleuchte").await;
    for (query, numbers) in [
        ("q=1002", vec!["V-1002"]),
        ("q=v-10", vec!["V-1002", "V-1001"]),
        ("q=ÖZIL", vec!["V-1001"]),
        ("q=küchen", vec!["V-1002"]),
        ("q=aur-3", vec!["V-1001"]),
        ("q=0%25", vec!["V-1002"]),
        ("q=_", vec![]),
        ("q=%20", vec!["V-1002", "V-1001"]),
    ] {
        assert_eq!(found(&world, &cookie, query).await, numbers, "for {query}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_repeats_while_new_tickets_come() {
    let world = World::new().await;
    let (mina, cookie) = world.staff("Mina", Role::Agent).await;
    for _ in 0..5 {
        world.call(mina, "AUR-3", "Aurora").await;
    }
    let first = world.get("/api/v1/tickets?limit=2", &cookie).await.ok().json();
    world.call(mina, "AUR-3", "Aurora").await;
    let mut seen = vec![first.clone()];
    while let Some(next) = seen.last().unwrap()["next"].as_str() {
        let page = world.get(&format!("/api/v1/tickets?limit=2&before={next}"), &cookie).await.ok().json();
        seen.push(page);
    }
    let numbers: Vec<&str> = seen
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|item| item["number"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["V-1005", "V-1004", "V-1003", "V-1002", "V-1001"]);
    assert_eq!(world.get("/api/v1/tickets?before=x", &cookie).await.refused("query_invalid"), "before");
    assert_eq!(world.get("/api/v1/tickets?limit=ten", &cookie).await.refused("query_invalid"), "limit");
    world.get("/api/v1/tickets?page=2", &cookie).await.refused("query_invalid");
}

#[tokio::test]
async fn the_outcomes_are_for_staff() {
    let world = World::new().await;
    let (_, cookie) = world.staff("Mina", Role::Agent).await;
    world.get("/api/v1/outcomes", "").await.refused("not_logged_in");
    let outcomes = world.get("/api/v1/outcomes", &cookie).await.ok().json();
    assert!(outcomes.as_array().unwrap().iter().any(|outcome| outcome["code"] == "transport_damage"));
}

fn point(world: &World, at_s: i64, loss: u16) -> QualityPoint {
    QualityPoint {
        at: world.now() + SignedDuration::from_secs(at_s),
        party: PartyId::new(),
        side: Side::Buyer,
        link: LinkState::Poor,
        rtt_ms: Some(180),
        up_loss_permille: loss,
        down_loss_permille: 0,
        jitter_ms: 12,
        up_kbps: 900,
        down_kbps: 1_200,
        estimate_kbps: None,
        nacks: 7,
        retransmitted: 2,
        plis: 1,
        video_paused: false,
        seen: Some(QualitySeen { freezes: 1, frozen_ms: 700, frames_per_second: 22, concealed_permille: 31 }),
    }
}

#[tokio::test]
async fn how_the_connections_were_is_there_for_the_agent_and_reviewers() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let path = format!("/api/v1/calls/{call}/quality");
    let nothing = world.get(&path, &cookie).await.ok().json();
    assert_eq!(nothing, json!({ "points": [], "truncated": false }));

    let (first, second) = (point(&world, 2, 80), point(&world, 4, 0));
    // Chunks are numbered; the store keeps their order whatever the order they come in.
    world.store.add_quality(call, 2, std::slice::from_ref(&second), true).await.unwrap();
    world.store.add_quality(call, 1, std::slice::from_ref(&first), false).await.unwrap();
    let (_, reviewer) = world.staff("Rosa", Role::Reviewer).await;
    for cookie in [&cookie, &reviewer] {
        let timeline: QualityTimeline =
            serde_json::from_value(world.get(&path, cookie).await.ok().json()).unwrap();
        assert_eq!(
            timeline,
            QualityTimeline { points: vec![first.clone(), second.clone()], truncated: true }
        );
    }
    let (_, other) = world.staff("Ben", Role::Agent).await;
    world.get(&path, &other).await.refused("not_found");
    world.get("/api/v1/calls/12/quality", &cookie).await.refused("id_malformed");
}
