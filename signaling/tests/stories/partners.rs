//! Partners: whoever is limited to some queues finds nothing of the others in any list, and changes nothing there.

use axum::http::Method;
use protocol::call::Role;
use protocol::ids::{CallId, RecordingId};
use protocol::rights::{Action, RightsChanges};
use serde_json::{Value, json};
use signaling::audit::Actor;

use crate::privacy::janas_call;
use crate::review::{answers, delete, get, post, published_form, put, scored, text};
use crate::world::World;

/// A call of lamps and one of chairs, both scored by Rita, and Petra, a partner who has to do with lamps only.
struct Scene {
    world: World,
    ada: String,
    rita: String,
    agent: String,
    petra: String,
    lamps: RecordingId,
    chairs: RecordingId,
    chairs_call: CallId,
    /// Rita's scores.
    lamps_review: String,
    chairs_review: String,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let (mina, agent) = world.staff("Mina", Role::Agent).await;
    let (_, ada) = world.staff("Ada", Role::Admin).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (petra_id, petra) = world.staff("Petra", Role::Supervisor).await;
    let limit = RightsChanges {
        grants: vec![Action::EraseRecordings],
        queues: Some(vec!["lamps".into()]),
        ..RightsChanges::default()
    };
    world.store.set_rights(petra_id, &limit, Actor::Operator).await.unwrap();
    let (_, lamps) = janas_call(&world, mina, "lamps").await;
    let (chairs_call, chairs) = janas_call(&world, mina, "chairs").await;
    let (_, version) = published_form(&world, &ada).await;
    let lamps_review = scored(&world, &rita, lamps, &version, answers(&[])).await;
    let chairs_review = scored(&world, &rita, chairs, &version, answers(&[])).await;
    Scene {
        lamps_review: text(&lamps_review["summary"]["id"]),
        chairs_review: text(&chairs_review["summary"]["id"]),
        world,
        ada,
        rita,
        agent,
        petra,
        lamps,
        chairs,
        chairs_call,
    }
}

impl Scene {
    async fn list(&self, path: &str) -> Vec<Value> {
        let told = get(&self.world, &self.petra, path).await.ok().json();
        told.get("items").unwrap_or(&told).as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn scores_in_lists_in_the_file_and_side_by_side_are_those_of_the_partners_queues() {
    let scene = scene().await;
    let Scene { world, petra, lamps, chairs, chairs_review, ada, .. } = &scene;
    let listed = scene.list("/reviews").await;
    assert_eq!(listed.iter().map(|one| text(&one["recording"])).collect::<Vec<_>>(), [lamps.to_string()]);
    let file = get(world, petra, "/reviews.csv").await.ok().text();
    assert!(file.contains(&lamps.to_string()) && !file.contains(&chairs.to_string()), "{file}");
    assert_eq!(get(world, ada, "/reviews.csv").await.ok().text().lines().count(), 3, "others have both");
    for path in ["calibration", "reviews", "comments"] {
        get(world, petra, &format!("/recordings/{lamps}/{path}")).await.ok();
        get(world, petra, &format!("/recordings/{chairs}/{path}")).await.refused("not_found");
    }
    get(world, petra, &format!("/reviews/{chairs_review}")).await.refused("not_found");
}

#[tokio::test]
async fn disputes_are_shown_and_decided_within_the_partners_queues() {
    let scene = scene().await;
    let Scene { world, petra, agent, lamps_review, chairs_review, .. } = &scene;
    let mut disputes = Vec::new();
    for review in [lamps_review, chairs_review] {
        let path = format!("/reviews/{review}/dispute");
        let open = post(world, agent, &path, json!({ "reason": "No." })).await.ok().json();
        disputes.push(text(&open["disputes"][0]["id"]));
    }
    let listed = scene.list("/disputes").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(text(&listed[0]["dispute"]["id"]), disputes[0]);
    let reject = json!({ "reason": "It stays." });
    post(world, petra, &format!("/disputes/{}/reject", disputes[1]), reject.clone())
        .await
        .refused("not_found");
    post(world, petra, &format!("/disputes/{}/reject", disputes[0]), reject).await.ok();
}

#[tokio::test]
async fn second_scores_are_drawn_listed_asked_for_and_called_off_within_the_partners_queues() {
    let scene = scene().await;
    let Scene { world, petra, ada, lamps, chairs_review, .. } = &scene;
    let (olga, _) = world.staff("Olga", Role::Reviewer).await;
    let all = json!({ "percent": 100, "days": 7 });
    let drawn = post(world, petra, "/second-scores/sample", all).await.ok().json();
    assert_eq!(drawn.as_array().unwrap().len(), 1);
    assert_eq!(text(&drawn[0]["recording"]), lamps.to_string());
    let path = format!("/reviews/{chairs_review}/second");
    post(world, petra, &path, json!({ "reviewer": olga })).await.refused("not_found");
    let limit = RightsChanges { queues: Some(vec!["lamps".into()]), ..RightsChanges::default() };
    world.store.set_rights(olga, &limit, Actor::Operator).await.unwrap();
    let refused = post(world, ada, &path, json!({ "reviewer": olga })).await;
    assert_eq!(refused.refused("field_invalid"), "reviewer", "she would not see what to score");
    world.store.set_rights(olga, &RightsChanges::default(), Actor::Operator).await.unwrap();
    let second = post(world, ada, &path, json!({ "reviewer": olga })).await.ok().json();
    assert_eq!(scene.list("/second-scores").await.len(), 1);
    let other = format!("/second-scores/{}", text(&second["id"]));
    delete(world, petra, &other).await.refused("not_found");
    post(world, petra, &format!("{other}/start"), json!({})).await.refused("not_allowed");
    delete(world, ada, &other).await.ok();
}

#[tokio::test]
async fn samples_hold_for_a_partner_what_they_may_see_and_are_changed_by_those_who_see_all_of_them() {
    let scene = scene().await;
    let Scene { world, petra, ada, lamps, chairs, .. } = &scene;
    let picked = |name: &str, recordings: &[RecordingId]| json!({ "name": name, "recordings": recordings, "reviewers": [] });
    let both = post(world, ada, "/samples", picked("Both", &[*chairs, *lamps])).await.ok().json();
    let other = post(world, ada, "/samples", picked("Chairs", &[*chairs])).await.ok().json();
    let listed = scene.list("/samples").await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["name"], &listed[0]["total"]), (&json!("Both"), &json!(1)));
    let path = format!("/samples/{}", text(&both["id"]));
    assert_eq!(get(world, ada, &path).await.ok().json()["total"], 2, "others see both");
    let items = scene.list(&format!("{path}/items")).await;
    assert_eq!(items.len(), 1);
    assert_eq!(text(&items[0]["recording"]["id"]), lamps.to_string());
    let place = get(world, petra, &format!("{path}/items/{lamps}")).await.ok().json();
    assert_eq!((&place["total"], place.get("previous")), (&json!(1), None));
    let theirs = format!("{path}/items/{chairs}");
    get(world, petra, &theirs).await.refused("not_found");
    put(world, petra, &theirs, json!({ "reviewed": true })).await.refused("not_found");
    assert_eq!(get(world, ada, &theirs).await.ok().json().get("reviewed_at"), None);
    put(world, petra, &format!("{path}/items/{lamps}"), json!({ "reviewed": true })).await.ok();

    put(world, petra, &path, json!({ "name": "Mine", "reviewers": [] })).await.refused("not_allowed");
    delete(world, petra, &path).await.refused("not_allowed");
    post(world, petra, &format!("{path}/resample"), json!({})).await.refused("not_allowed");
    let path = format!("/samples/{}", text(&other["id"]));
    for path in [path.clone(), format!("{path}/items")] {
        get(world, petra, &path).await.refused("not_found");
    }
    delete(world, ada, &path).await.ok();
    post(world, petra, &format!("{path}/restore"), json!({})).await.refused("not_allowed");

    // What a partner picks is theirs, without what they do not see.
    let refused = post(world, petra, "/samples", picked("Chairs", &[*chairs])).await;
    assert_eq!(refused.refused("field_invalid"), "query");
    let own = post(world, petra, "/samples", picked("Own", &[*chairs, *lamps])).await.ok().json();
    assert_eq!(get(world, ada, &format!("/samples/{}", text(&own["id"]))).await.ok().json()["total"], 1);
    let path = format!("/samples/{}", text(&own["id"]));
    put(world, petra, &path, json!({ "name": "Mine", "reviewers": [] })).await.ok();
    delete(world, petra, &path).await.ok();
    post(world, petra, &format!("{path}/restore"), json!({})).await.ok();
}

#[tokio::test]
async fn comments_exports_flags_and_erasures_stop_at_the_partners_queues() {
    let scene = scene().await;
    let Scene { world, petra, ada, rita, lamps, chairs, chairs_call, .. } = &scene;
    let bookmark = json!({ "kind": "bookmark", "at_ms": 5 });
    let comments = format!("/recordings/{chairs}/comments");
    let comment = post(world, rita, &comments, bookmark.clone()).await.ok().json();
    post(world, petra, &comments, bookmark.clone()).await.refused("not_found");
    let one = format!("/comments/{}", text(&comment["id"]));
    put(world, petra, &one, bookmark).await.refused("not_found");
    put(world, petra, &format!("{one}/resolved"), json!({ "resolved": true })).await.refused("not_found");
    delete(world, petra, &one).await.refused("not_found");

    let asked = json!({ "reason": "a complaint" });
    let export = post(world, ada, &format!("/recordings/{chairs}/exports"), asked.clone()).await.ok().json();
    get(world, petra, &format!("/recordings/{lamps}/exports")).await.ok();
    get(world, petra, &format!("/recordings/{chairs}/exports")).await.refused("not_found");
    post(world, petra, &format!("/recordings/{chairs}/exports"), asked).await.refused("not_found");
    let one = format!("/exports/{}", text(&export["id"]));
    for path in [one.clone(), format!("{one}/file")] {
        get(world, petra, &path).await.refused("not_found");
    }
    delete(world, petra, &one).await.refused("not_found");
    post(world, petra, &format!("{one}/retry"), json!({})).await.refused("not_found");

    let flag = format!("/calls/{chairs_call}/flags/complaint");
    put(world, petra, &flag, json!({})).await.refused("not_found");
    delete(world, petra, &flag).await.refused("not_found");
    let why = json!({ "why": "please" });
    post(world, petra, &format!("/recordings/{chairs}/erase"), why).await.refused("not_found");
    let facets = get(world, petra, "/recordings/facets").await.ok().json();
    assert_eq!((&facets["count"], &facets["queues"][0]["value"]), (&json!(1), &json!("lamps")));
    let answer =
        world.json(Method::POST, "/api/v1/erasures", petra, json!({ "buyer_of": chairs, "why": "x" })).await;
    answer.refused("not_found");
}
