//! Pages, health and everything that answers without a story of its own.

use axum::http::{StatusCode, header};
use protocol::call::Role;
use recorder::{ArchiveCondition, Condition};
use serde_json::json;
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
    assert_eq!(world.get("/readyz", "").await.ok().json(), json!({ "status": "ready", "degraded": [] }));
    world.floor.stopping.store(true, Ordering::Relaxed);
    assert_eq!(world.get("/readyz", "").await.refused("unavailable"), "floor");
    assert_eq!(world.get("/healthz", "").await.ok().text(), "ok\n");
}

#[tokio::test]
async fn a_full_disk_and_an_archive_that_is_away_are_named_and_calls_are_still_taken() {
    let world = World::new().await;
    let archive = ArchiveCondition {
        waiting: 12,
        failing_for: Some(std::time::Duration::from_secs(25 * 60)),
        trouble: Some("connection refused".into()),
    };
    *world.archive.condition.lock().unwrap() =
        Condition { free: Some(400_000_000), min_free: 1_000_000_000, archive: Some(archive) };
    let ready = world.get("/readyz", "").await.ok().json();
    assert_eq!(ready["status"], "ready", "buyers are helped all the same");
    let named: Vec<&str> =
        ready["degraded"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["recordings_refused", "archive_unreachable"]);
    for one in ready["degraded"].as_array().unwrap() {
        assert!(one["detail"].as_str().unwrap().len() > 20 && one["advice"].as_str().unwrap().len() > 20);
    }
    let metrics = world.get("/metrics", "").await.ok().text();
    for line in [
        "vitrine_degraded{what=\"recordings_refused\"} 1",
        "vitrine_degraded{what=\"archive_unreachable\"} 1",
        "vitrine_degraded{what=\"archive_backlog\"} 0",
        "vitrine_data_free_bytes 400000000",
        "vitrine_archive_waiting 12",
        "vitrine_archive_failing_seconds 1500",
    ] {
        assert!(metrics.lines().any(|theirs| theirs == line), "no {line} in\n{metrics}");
    }
    *world.archive.condition.lock().unwrap() = Condition::default();
    let metrics = world.get("/metrics", "").await.ok().text();
    assert!(
        metrics.contains("vitrine_degraded{what=\"recordings_refused\"} 0"),
        "it takes back what is over"
    );
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
