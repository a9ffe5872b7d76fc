//! Staff log in and out, and see what their role allows.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use protocol::call::Role;
use protocol::ids::ReceiptId;
use protocol::rest::{ConsentReceipt, RecordedSide};
use serde_json::json;

use crate::world::{Answer, PASSWORD, World};

async fn login(world: &World, email: &str, password: &str) -> Answer {
    world.json(Method::POST, "/api/v1/login", "", json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn a_login_lasts_until_logout_or_twelve_hours() {
    let world = World::new().await;
    world.staff_with_password("mina@lumen.example").await;
    let answer = login(&world, "Mina@Lumen.example", PASSWORD).await.ok();
    assert_eq!(answer.json()["name"], "Mina");
    let set = answer.header(header::SET_COOKIE).to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "this world has no TLS: {set}");
    let cookie = set.split(';').next().unwrap();
    assert_eq!(world.get("/api/v1/me", cookie).await.ok().json()["role"], "agent");

    let out = world
        .send(Request::post("/api/v1/logout").header("cookie", cookie).body(Body::empty()).unwrap())
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    world.get("/api/v1/me", cookie).await.refused("not_logged_in");
    assert_eq!(world.floor.logged_out.lock().unwrap().len(), 1, "the floor closes what the login had opened");

    let answer = login(&world, "mina@lumen.example", PASSWORD).await.ok();
    let cookie = answer.header(header::SET_COOKIE).split(';').next().unwrap().to_owned();
    world.pass(SignedDuration::from_hours(13));
    world.get("/api/v1/me", &cookie).await.refused("not_logged_in");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let world = World::new().await;
    world.staff_with_password("mina@lumen.example").await;
    let wrong = login(&world, "mina@lumen.example", "guess").await;
    let unknown = login(&world, "nobody@lumen.example", "guess").await;
    wrong.refused("bad_login");
    assert_eq!(wrong.bytes, unknown.bytes);
    assert_eq!(wrong.header(header::SET_COOKIE), "");
    assert_eq!(login(&world, " ", "guess").await.refused("field_invalid"), "email");
    assert_eq!(login(&world, "a@b.c", &"x".repeat(600)).await.refused("field_invalid"), "password");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_answer_says_for_how_long() {
    let world = World::new().await;
    for _ in 0..5 {
        login(&world, "mina@lumen.example", "guess").await.refused("bad_login");
    }
    let answer = login(&world, "mina@lumen.example", "guess").await;
    answer.refused("too_many_logins");
    let wait: u64 = answer.header(header::RETRY_AFTER).parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_with_the_cookie() {
    let world = World::new().await;
    let (id, cookie) = world.staff("Mina", Role::Agent).await;
    let call = world.call(id, "AUR-3", "Aurora").await;
    let put = |name: &'static str, value: &'static str| {
        Request::put(format!("/api/v1/calls/{call}/wrap-up"))
            .header("cookie", &cookie)
            .header("host", "desk.lumen.example")
            .header("content-type", "application/json")
            .header(name, value)
            .body(Body::from(r#"{"outcome":"answered","notes":""}"#))
            .unwrap()
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        assert_eq!(world.send(put(name, value)).await.refused("cross_origin"), "Origin");
    }
    world.send(put("origin", "https://desk.lumen.example")).await.ok();
    world.send(put("sec-fetch-site", "same-origin")).await.ok();
}

#[tokio::test]
async fn each_role_sees_what_the_table_says() {
    let world = World::new().await;
    let (agent, agent_cookie) = world.staff("Mina", Role::Agent).await;
    let (_, other) = world.staff("Omar", Role::Agent).await;
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let (_, supervisor) = world.staff("Sven", Role::Supervisor).await;
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let path = format!("/api/v1/calls/{call}");

    assert_eq!(world.get(&path, &agent_cookie).await.ok().json()["agent"], "Mina");
    world.get(&path, &other).await.refused("not_found");
    world.get(&path, "").await.refused("not_logged_in");
    for cookie in [&reviewer, &supervisor] {
        world.get(&path, cookie).await.ok();
        assert_eq!(
            world.get("/api/v1/tickets", cookie).await.ok().json()["items"].as_array().unwrap().len(),
            1
        );
        world.get("/api/v1/recordings", cookie).await.ok();
    }
    assert_eq!(world.get("/api/v1/tickets", &other).await.ok().json()["items"], json!([]));
    assert_eq!(world.get("/api/v1/calls", &other).await.ok().json()["items"], json!([]));
    world.get("/api/v1/recordings", &agent_cookie).await.refused("not_allowed");

    let wrap = json!({ "outcome": "answered", "notes": "" });
    let path = format!("{path}/wrap-up");
    world.json(Method::PUT, &path, &reviewer, wrap.clone()).await.refused("not_allowed");
    world.json(Method::PUT, &path, &other, wrap.clone()).await.refused("not_found");
    world.json(Method::PUT, &path, &supervisor, wrap).await.ok();
}

#[tokio::test]
async fn agents_read_words_of_their_own_in_their_language_and_what_they_chose_is_kept() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let words = world.get("/api/v1/own-consent?language=de-AT", &cookie).await.ok().json();
    assert_eq!(words["language"], "de");
    assert!(words["text"].as_str().unwrap().contains("90 Tagen"), "the longest of all queues: {words}");
    let answer = world.get("/api/v1/own-consent?language=German!", &cookie).await;
    assert_eq!(answer.refused("query_invalid"), "language");
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    world.get("/api/v1/own-consent?language=de", &reviewer).await.refused("not_allowed");

    let receipt = |recording| ConsentReceipt {
        id: ReceiptId::new(),
        side: RecordedSide::Agent,
        subject: agent.to_string(),
        recording,
        text_version: words["version"].as_str().unwrap().into(),
        text_sha256: words["sha256"].as_str().unwrap().into(),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: world.now(),
    };
    world.store.add_staff_receipt(agent, receipt(false)).await.unwrap();
    let last = receipt(true);
    world.store.add_staff_receipt(agent, last.clone()).await.unwrap();
    assert_eq!(world.store.staff_choices().await.unwrap(), [(agent, last)].into(), "the last one counts");
}

#[tokio::test]
async fn where_somebody_works_is_part_of_who_they_are() {
    let world = World::new().await;
    let (_, cookie) = world.staff("Mina", Role::Agent).await;
    assert_eq!(world.get("/api/v1/me", &cookie).await.ok().json()["country"], serde_json::Value::Null);
    assert!(world.store.set_country("MINA@lumen.example", "DE").await.unwrap());
    assert_eq!(world.get("/api/v1/me", &cookie).await.ok().json()["country"], "DE");
    assert!(!world.store.set_country("nobody@lumen.example", "DE").await.unwrap());
}
