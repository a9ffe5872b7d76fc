//! Searches are kept and shared; samples are drawn, dealt out and worked through.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use protocol::call::Role;
use serde_json::{Value, json};

use crate::search::{Told, recorded};
use crate::world::{Answer, World};

async fn post(world: &World, cookie: &str, path: &str, body: Value) -> Answer {
    world.json(Method::POST, &format!("/api/v1{path}"), cookie, body).await
}

#[tokio::test]
async fn a_filter_is_kept_shared_changed_deleted_and_brought_back() {
    let world = World::new().await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, sven) = world.staff("Sven", Role::Supervisor).await;
    let new =
        json!({ "name": " Unhappy ", "query": "csat_max=2&period=last_week&sort=longest", "shared": false });
    let made = post(&world, &rita, "/saved-filters", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["name"], &made["mine"]), (&json!("Unhappy"), &json!(true)));
    assert_eq!(made["query"], "period=last_week&csat_max=2&sort=longest", "always in the same words");
    let path = format!("/api/v1/saved-filters/{}", made["id"].as_str().unwrap());
    let list = async |cookie: &str| world.get("/api/v1/saved-filters", cookie).await.ok().json();
    assert_eq!(list(&sven).await, json!([]));

    let shared = json!({ "name": "Unhappy buyers", "query": "csat_max=2", "shared": true });
    world.json(Method::PUT, &path, &sven, shared.clone()).await.refused("not_found");
    world.json(Method::PUT, &path, &rita, shared).await.ok();
    let seen = list(&sven).await;
    assert_eq!((&seen[0]["name"], &seen[0]["owner"]), (&json!("Unhappy buyers"), &json!("Rita")));
    assert_eq!((&seen[0]["mine"], &seen[0]["is_default"]), (&json!(false), &json!(false)));

    world.json(Method::PUT, &format!("{path}/default"), &sven, json!({})).await.ok();
    assert_eq!(list(&sven).await[0]["is_default"], true);
    assert_eq!(list(&rita).await[0]["is_default"], false, "everybody has their own");
    world.json(Method::DELETE, &path, &sven, json!({})).await.refused("not_found");
    world.json(Method::DELETE, &path, &rita, json!({})).await.ok();
    assert_eq!(list(&sven).await, json!([]));
    post(&world, &rita, path.strip_prefix("/api/v1").unwrap(), json!({})).await.refused("method_not_allowed");
    world.json(Method::POST, &format!("{path}/restore"), &rita, json!({})).await.ok();
    assert_eq!(list(&sven).await[0]["is_default"], true, "as if nothing had happened");
    world.json(Method::DELETE, &format!("{path}/default"), &sven, json!({})).await.ok();
    assert_eq!(list(&sven).await[0]["is_default"], false);

    world.json(Method::DELETE, &path, &rita, json!({})).await.ok();
    world.pass(SignedDuration::from_hours(25));
    world.store.sweep().await.unwrap();
    let restore = format!("{path}/restore");
    // The logins have run out as well.
    let (_, rita) = world.staff("Rita2", Role::Reviewer).await;
    world.json(Method::POST, &restore, &rita, json!({})).await.refused("not_found");
}

#[tokio::test]
async fn a_filter_that_finds_nothing_sensible_is_not_kept() {
    let world = World::new().await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, mina) = world.staff("Mina", Role::Agent).await;
    for (body, field) in [
        (json!({ "name": " ", "query": "", "shared": false }), "name"),
        (json!({ "name": "x".repeat(81), "query": "", "shared": false }), "name"),
        (json!({ "name": "Odd", "query": "csat_max=7", "shared": false }), "query"),
        (json!({ "name": "Odd", "query": "limit=7", "shared": false }), "query"),
    ] {
        assert_eq!(post(&world, &rita, "/saved-filters", body).await.refused("field_invalid"), field);
    }
    let good = json!({ "name": "All", "query": "", "shared": false });
    post(&world, &mina, "/saved-filters", good).await.refused("not_allowed");
}

/// Three agents with 20, 7 and 1 recordings of today; names of the cookies are those of reviewers.
async fn floor(world: &World) {
    for (name, calls) in [("Ada", 20), ("Ben", 7), ("Cleo", 1)] {
        let (agent, _) = world.staff(name, Role::Agent).await;
        for n in 0..calls {
            let country = if n % 2 == 0 { "AT" } else { "DE" };
            recorded(world, Told { country, ..Told::by(agent) }).await;
        }
    }
}

fn tenth() -> Value {
    json!({ "amount": { "kind": "share", "percent": 10 }, "per": "agent", "exclude_reviewed": true })
}

#[tokio::test]
async fn ten_percent_of_each_agents_calls_of_this_week() {
    let world = World::new().await;
    floor(&world).await;
    let (rita_id, rita) = world.staff("Rita", Role::Reviewer).await;
    let (sven_id, _) = world.staff("Sven", Role::Supervisor).await;
    let new = json!({
        "name": "Week 47", "query": "period=this_week", "zone": "Europe/Vienna", "rule": tenth(),
        "reviewers": [rita_id.to_string(), sven_id.to_string()], "seed": 7,
    });
    let preview = post(&world, &rita, "/samples/preview", new.clone()).await.ok().json();
    assert_eq!((&preview["drawn"], &preview["population"]), (&json!(4), &json!(28)));
    assert_eq!(
        preview["strata"],
        json!([
            { "name": "Ada", "drawn": 2, "population": 20 },
            { "name": "Ben", "drawn": 1, "population": 7 },
            { "name": "Cleo", "drawn": 1, "population": 1 },
        ])
    );
    let sample = post(&world, &rita, "/samples", new.clone()).await.ok().json();
    assert_eq!((&sample["total"], &sample["reviewed"], &sample["seed"]), (&json!(4), &json!(0), &json!(7)));
    assert_eq!(sample["query"], "from=2026-11-15T23%3A00%3A00Z&to=2026-11-22T23%3A00%3A00Z", "for good");
    let shares: Vec<&Value> =
        sample["reviewers"].as_array().unwrap().iter().map(|one| &one["total"]).collect();
    assert_eq!(shares, [&json!(2), &json!(2)], "dealt out");
    let items_of = async |sample: &Value| {
        let path = format!("/api/v1/samples/{}/items", sample["id"].as_str().unwrap());
        world.get(&path, &rita).await.ok().json().as_array().unwrap().clone()
    };
    let items = items_of(&sample).await;
    let again = post(&world, &rita, "/samples", new).await.ok().json();
    let of = |items: &[Value]| items.iter().map(|item| item["recording"]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(of(&items_of(&again).await), of(&items), "the seed decides");

    // Going through it.
    let base = format!("/api/v1/samples/{}/items", sample["id"].as_str().unwrap());
    let first = items[0]["recording"]["id"].as_str().unwrap();
    let place = world.get(&format!("{base}/{first}"), &rita).await.ok().json();
    assert_eq!((&place["position"], &place["total"]), (&json!(1), &json!(4)));
    assert_eq!((&place["previous"], &place["next"]), (&json!(null), &items[1]["recording"]["id"]));
    assert_eq!(place["next_open"], items[2]["recording"]["id"], "the next one of hers");
    let done = world.json(Method::PUT, &format!("{base}/{first}"), &rita, json!({ "reviewed": true })).await;
    assert_eq!(done.ok().json()["reviewed"], 1);
    let path = format!("/api/v1/samples/{}", sample["id"].as_str().unwrap());
    let progress = world.get(&path, &rita).await.ok().json();
    assert_eq!((&progress["reviewed"], &progress["reviewers"][0]["reviewed"]), (&json!(1), &json!(1)));

    // What was reviewed is left out of the next sample; in its own it counts and stays.
    let rest =
        post(&world, &rita, "/samples/preview", json!({ "name": "", "rule": tenth(), "reviewers": [] }))
            .await
            .ok()
            .json();
    assert_eq!(rest["population"], 27);
    let same =
        post(&world, &rita, &format!("{}/resample", path.strip_prefix("/api/v1").unwrap()), json!({})).await;
    assert_eq!(same.ok().json()["total"], 4, "no new calls, nothing new");
    let (dora, _) = world.staff("Dora", Role::Agent).await;
    for _ in 0..11 {
        recorded(&world, Told::by(dora)).await;
    }
    let more =
        post(&world, &rita, &format!("{}/resample", path.strip_prefix("/api/v1").unwrap()), json!({})).await;
    assert_eq!(more.ok().json()["total"], 6, "a tenth of eleven more, rounded up");
    let after = items_of(&sample).await;
    assert_eq!(of(&after)[..4], of(&items)[..], "what was there stays where it was");
    assert_eq!((&after[4]["stratum"], &after[0]["reviewed_at"].is_string()), (&json!("Dora"), &true));
}

#[tokio::test]
async fn a_worklist_can_be_picked_by_hand_dealt_anew_deleted_and_brought_back() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (rita_id, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, one) = recorded(&world, Told::by(mina)).await;
    let (_, two) = recorded(&world, Told::by(mina)).await;
    let picked = json!({ "name": "Pick", "recordings": [two.to_string(), one.to_string(), two.to_string()], "reviewers": [] });
    let sample = post(&world, &rita, "/samples", picked).await.ok().json();
    assert_eq!((&sample["total"], sample.get("rule")), (&json!(2), None));
    let id = sample["id"].as_str().unwrap();
    let path = format!("/api/v1/samples/{id}");
    post(&world, &rita, &format!("/samples/{id}/resample"), json!({})).await.refused("field_invalid");
    let change = json!({ "name": "Picked", "reviewers": [rita_id.to_string()] });
    let changed = world.json(Method::PUT, &path, &rita, change).await.ok().json();
    assert_eq!((&changed["name"], &changed["reviewers"][0]["total"]), (&json!("Picked"), &json!(2)));

    // A recording that is erased is no work any more.
    world.store.recording_deleted(two, world.now(), "consent_withdrawn").await.unwrap();
    assert_eq!(world.get(&path, &rita).await.ok().json()["total"], 1);
    let place = world.get(&format!("{path}/items/{one}"), &rita).await.ok().json();
    assert_eq!((&place["position"], &place["total"]), (&json!(1), &json!(1)));
    assert_eq!(world.get(&format!("{path}/items/{two}"), &rita).await.refused("not_found"), "recording");

    world.json(Method::DELETE, &path, &rita, json!({})).await.ok();
    world.get(&path, &rita).await.refused("not_found");
    assert_eq!(world.get("/api/v1/samples", &rita).await.ok().json(), json!([]));
    post(&world, &rita, &format!("/samples/{id}/restore"), json!({})).await.ok();
    assert_eq!(world.get("/api/v1/samples", &rita).await.ok().json()[0]["name"], "Picked");
}

#[tokio::test]
async fn a_sample_that_cannot_be_drawn_says_why() {
    let world = World::new().await;
    let (mina_id, mina) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let share = |percent: u32| json!({ "amount": { "kind": "share", "percent": percent }, "per": "all", "exclude_reviewed": false });
    for (body, field) in [
        (json!({ "name": "A", "rule": share(10), "reviewers": [] }), "query"),
        (json!({ "name": "A", "rule": share(0), "reviewers": [] }), "rule.amount.percent"),
        (json!({ "name": "A", "rule": share(101), "reviewers": [] }), "rule.amount.percent"),
        (json!({ "name": "A", "query": "csat_max=9", "rule": share(10), "reviewers": [] }), "query"),
        (json!({ "name": "A", "zone": "Nowhere", "rule": share(10), "reviewers": [] }), "zone"),
        (json!({ "name": "", "rule": share(10), "reviewers": [] }), "name"),
        (json!({ "name": "A", "reviewers": [] }), "rule"),
        (json!({ "name": "A", "rule": share(10), "reviewers": [mina_id.to_string()] }), "reviewers"),
    ] {
        assert_eq!(
            post(&world, &rita, "/samples", body.clone()).await.refused("field_invalid"),
            field,
            "{body}"
        );
    }
    world.get("/api/v1/samples", &mina).await.refused("not_allowed");
}
