//! After the call the buyer says how it was: once a call, from the visit it belongs to, and with time to think again.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use protocol::call::{BuyerContext, EndReason, Role};
use protocol::ids::{BuyerSessionId, CallId, RecordingId, UserId};
use serde_json::{Value, json};
use signaling::store::{NewBuyerVisit, NewCall};

use crate::world::{Answer, World};

async fn visit(world: &World) -> (BuyerSessionId, String) {
    let (id, token) = (BuyerSessionId::new(), signaling::auth::secret::token());
    let visit = NewBuyerVisit {
        id,
        token: token.clone(),
        shop: "lumen".into(),
        answered_by: "Lumen & Co. support".into(),
        language: "de".into(),
        context: BuyerContext::default(),
        expires_at: world.now() + SignedDuration::from_hours(8),
    };
    world.store.insert_buyer_session(visit).await.unwrap();
    (id, token)
}

async fn call_of(world: &World, session: BuyerSessionId, agent: Option<UserId>) -> CallId {
    let id = CallId::new();
    let (queue, context) = ("support".to_owned(), BuyerContext::default());
    let new = NewCall { id, session, queue, context, requested_at: world.now() };
    world.store.insert_call(new).await.unwrap();
    if let Some(agent) = agent {
        world.store.call_accepted(id, agent, world.now()).await.unwrap();
        world.store.call_ended(id, world.now(), EndReason::BuyerHungUp).await.unwrap();
    }
    id
}

async fn rate(world: &World, call: CallId, token: &str, body: Value) -> Answer {
    let request = Request::put(format!("/api/v1/calls/{call}/rating"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("origin", "https://lumen.example")
        .body(Body::from(body.to_string()))
        .unwrap();
    world.send(request).await
}

#[tokio::test]
async fn a_rating_is_kept_can_be_changed_for_a_while_and_stands_afterwards() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let (session, token) = visit(&world).await;
    let call = call_of(&world, session, Some(agent)).await;
    let recording = RecordingId::new();
    world.store.recording_started(recording, call, world.now()).await.unwrap();

    let answer = rate(&world, call, &token, json!({ "stars": 2 })).await.ok();
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*", "shops' pages are other origins");
    assert_eq!(answer.json()["rating"]["stars"], 2);
    world.pass(SignedDuration::from_mins(10));
    let changed = json!({ "stars": 4, "comment": "  Sehr geduldig.  " });
    let kept = rate(&world, call, &token, changed).await.ok().json();
    assert_eq!(kept["changeable_until"], "2026-11-21T20:15:00Z", "counted from the first time");

    let tickets = world.get("/api/v1/tickets", &cookie).await.ok().json();
    let rating = &tickets["items"][0]["rating"];
    assert_eq!((&rating["stars"], &rating["comment"]), (&json!(4), &json!("Sehr geduldig.")));
    let recordings = world.get("/api/v1/recordings", &reviewer).await.ok().json();
    assert_eq!(&recordings["items"][0]["rating"], rating);

    world.pass(SignedDuration::from_mins(6));
    rate(&world, call, &token, json!({ "stars": 1 })).await.refused("rating_closed");
    let tickets = world.get("/api/v1/tickets", &cookie).await.ok().json();
    assert_eq!(tickets["items"][0]["rating"]["stars"], 4);
}

#[tokio::test]
async fn a_rating_belongs_to_the_visit_of_the_call_and_to_a_call_that_took_place() {
    let world = World::new().await;
    let (agent, staff) = world.staff("Mina", Role::Agent).await;
    let (session, token) = visit(&world).await;
    let call = call_of(&world, session, Some(agent)).await;
    let (_, stranger) = visit(&world).await;
    let good = json!({ "stars": 5 });
    assert_eq!(rate(&world, call, &stranger, good.clone()).await.refused("not_found"), "id");
    assert_eq!(rate(&world, CallId::new(), &token, good.clone()).await.refused("not_found"), "id");
    rate(&world, call, "made up", good.clone()).await.refused("session_unknown");
    let path = format!("/api/v1/calls/{call}/rating");
    world.json(Method::PUT, &path, &staff, good.clone()).await.refused("token_missing");
    let unanswered = call_of(&world, session, None).await;
    rate(&world, unanswered, &token, good.clone()).await.refused("not_found");
    world.pass(SignedDuration::from_hours(9));
    rate(&world, call, &token, good).await.refused("session_unknown");
}

#[tokio::test]
async fn what_is_no_rating_is_refused_by_its_field() {
    let world = World::new().await;
    let (agent, _) = world.staff("Mina", Role::Agent).await;
    let (session, token) = visit(&world).await;
    let call = call_of(&world, session, Some(agent)).await;
    for stars in [json!(0), json!(6), json!(2.5), json!("5"), json!(null)] {
        let answer = rate(&world, call, &token, json!({ "stars": stars })).await;
        assert_eq!(answer.refused("body_malformed"), "stars", "for {stars}");
    }
    let long = json!({ "stars": 3, "comment": "ü".repeat(501) });
    assert_eq!(rate(&world, call, &token, long).await.refused("field_invalid"), "comment");
    let longest = json!({ "stars": 3, "comment": "ü".repeat(500) });
    assert_eq!(rate(&world, call, &token, longest).await.ok().status, StatusCode::OK);
}
