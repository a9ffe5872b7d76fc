//! Pages, health and everything that answers without a story of its own.

use axum::http::{StatusCode, header};
use protocol::call::Role;
use std::sync::atomic::Ordering;

use crate::world::World;

#[tokio::test]
async fn every_problem_has_a_page_that_explains_it() {
    let world = World::new().await;
    let problem = world.get("/api/v1/me", "").await;
    problem.refused("not_logged_in");
    let page = world.get(problem.json()["type"].as_str().unwrap(), "").await.ok();
    assert!(page.text().contains("Log in first"), "{}", page.text());
    assert!(page.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
    let list = world.get("/problems", "").await.ok().text();
    for kind in signaling::problem::ALL {
        assert!(list.contains(kind.code));
    }
    assert_eq!(world.get("/problems/nonsense", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::new().await;
    world.get("/nothing", "").await.refused("not_found");
    world.get("/api/v1/nothing", "").await.refused("not_found");
    world.get("/api/v1/login", "").await.refused("method_not_allowed");
}

#[tokio::test]
async fn readiness_ends_when_no_calls_are_taken_and_health_does_not() {
    let world = World::new().await;
    assert_eq!(world.get("/readyz", "").await.ok().text(), "ready\n");
    world.floor.stopping.store(true, Ordering::Relaxed);
    assert_eq!(world.get("/readyz", "").await.refused("unavailable"), "floor");
    assert_eq!(world.get("/healthz", "").await.ok().text(), "ok\n");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let world = World::new().await;
    let (agent, cookie) = world.staff("Mina", Role::Agent).await;
    let call = world.call(agent, "A", "A").await;
    world.get(&format!("/api/v1/calls/{call}"), &cookie).await.ok();
    world.get("/made/up/by/a/stranger", "").await;
    let text = world.get("/metrics", "").await.ok().text();
    let wanted = r#"vitrine_http_requests_total{method="GET",route="/api/v1/calls/{id}",status="200"} 1"#;
    assert!(text.contains(wanted), "{text}");
    assert!(text.contains(r#"route="none",status="404"} 1"#), "{text}");
    assert!(!text.contains("stranger"), "{text}");
}

#[tokio::test]
async fn every_answer_forbids_guessing_its_type() {
    let world = World::new().await;
    for path in ["/healthz", "/api/v1/me", "/problems", "/console/", "/widget.js"] {
        assert_eq!(world.get(path, "").await.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    }
}
