//! What people write about a call is masked like the call itself, and nobody finds by words what they are not shown.

use axum::http::Method;
use protocol::audit::AuditEvent;
use protocol::call::Role;
use protocol::ids::{RecordingId, UserId};
use protocol::rating::{NewRating, Stars};
use protocol::rights::{Action, RightsChanges};
use serde_json::{Value, json};
use signaling::audit::Actor;
use signaling::store::AuditFilter;

use crate::privacy::{janas_call, session_of};
use crate::review::{answers, get, post, published_form, put, scored, text};
use crate::world::World;

const SECRETS: [&str; 3] = ["Jana", "Novak", "A-100234"];

#[track_caller]
fn hidden(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is told: {text}");
    }
}

async fn rate(world: &World, recording: RecordingId) {
    let call = world.store.recording(recording).await.unwrap().unwrap().call;
    let comment = Some("Mina helped me, Jana Novak, with A-100234".to_owned());
    let rating = NewRating { stars: Stars::try_from(4).unwrap(), comment };
    world.store.rate(call, session_of(call), rating).await.unwrap();
}

#[tokio::test]
async fn what_the_buyer_wrote_with_the_stars_is_masked_in_every_list() {
    let world = World::new().await;
    let (mina, own) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (call, recording) = janas_call(&world, mina, "support").await;
    rate(&world, recording).await;
    let picked = json!({ "name": "Pick", "recordings": [recording], "reviewers": [] });
    let sample = post(&world, &rita, "/samples", picked).await.ok().json();
    let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
    for path in [
        "/recordings".to_owned(),
        format!("/recordings/{recording}"),
        format!("/samples/{}/items", text(&sample["id"])),
        "/tickets".to_owned(),
        format!("/tickets/{ticket}"),
    ] {
        let told = get(&world, &rita, &path).await.ok().text();
        hidden(&told);
        assert!(told.contains("Mina helped me, *** *** with ***"), "{path}: {told}");
    }
    let told = get(&world, &own, &format!("/tickets/{ticket}")).await.ok().json();
    assert_eq!(told["rating"]["comment"], "Mina helped me, Jana Novak, with A-100234");
    assert_eq!(told["recording"]["rating"]["comment"], told["rating"]["comment"]);
}

/// Rita scores Jana's call, comments on it, corrects herself; Mina disputes, Sven answers.
async fn written(world: &World, mina: &str, rita: &str, sven: &str, recording: RecordingId) -> String {
    let (_, version) = published_form(world, sven).await;
    let mut given = answers(&[]);
    given["comment"] = json!("Jana waits too long");
    given["answers"][0]["comment"] = json!("Novak is not greeted");
    let review = scored(world, rita, recording, &version, given.clone()).await;
    let path = format!("/reviews/{}", text(&review["summary"]["id"]));
    let revision = json!({ "answers": given, "reason": "Jana called twice" });
    post(world, rita, &format!("{path}/revisions"), revision).await.ok();
    let comment = json!({ "kind": "comment", "at_ms": 5, "text": "Jana Novak speaks" });
    post(world, rita, &format!("/recordings/{recording}/comments"), comment).await.ok();
    let open =
        post(world, mina, &format!("{path}/dispute"), json!({ "reason": "Novak was late" })).await.ok();
    let dispute = text(&open.json()["disputes"][0]["id"]);
    let answer = json!({ "reason": "Novak was not" });
    post(world, sven, &format!("/disputes/{dispute}/reject"), answer).await.ok();
    path
}

#[tokio::test]
async fn what_reviewers_and_agents_write_is_masked_for_others_until_they_say_why() {
    let world = World::new().await;
    let (mina_id, mina) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, olga) = world.staff("Olga", Role::Reviewer).await;
    let (_, sven) = world.staff("Sven", Role::Supervisor).await;
    let (call, recording) = janas_call(&world, mina_id, "support").await;
    let path = written(&world, &mina, &rita, &sven, recording).await;
    let comments = format!("/recordings/{recording}/comments");
    let calibration = format!("/recordings/{recording}/calibration");
    for seen in [&*path, &comments, &calibration, "/reviews.csv"] {
        hidden(&get(&world, &olga, seen).await.ok().text());
    }
    let told = get(&world, &olga, &path).await.ok().json();
    assert_eq!(told["revisions"][1]["reason"], "*** called twice");
    assert_eq!(told["revisions"][0]["answers"]["comment"], "*** waits too long");
    assert_eq!(told["disputes"][0]["answer"], "*** was not");
    // Everybody reads what they wrote, and the call's agent reads everything.
    let told = get(&world, &rita, &path).await.ok().json();
    assert_eq!(told["revisions"][1]["reason"], "Jana called twice");
    assert_eq!(
        (&told["disputes"][0]["reason"], &told["disputes"][0]["answer"]),
        (&json!("*** was late"), &json!("*** was not"))
    );
    assert_eq!(get(&world, &rita, &comments).await.ok().json()[0]["text"], "Jana Novak speaks");
    assert_eq!(get(&world, &sven, &path).await.ok().json()["disputes"][0]["answer"], "Novak was not");
    let told = get(&world, &mina, &path).await.ok().json();
    assert_eq!(
        (&told["revisions"][1]["reason"], &told["disputes"][0]["answer"]),
        (&json!("Jana called twice"), &json!("Novak was not"))
    );

    hidden(&get(&world, &sven, &comments).await.ok().text());
    post(&world, &sven, &format!("/calls/{call}/unmask"), json!({ "why": "a complaint" })).await.ok();
    for (seen, said) in
        [(&*path, "Jana called twice"), (&comments, "Jana Novak speaks"), ("/reviews.csv", "Jana waits")]
    {
        let told = get(&world, &sven, seen).await.ok().text();
        assert!(told.contains(said), "{seen}: {told}");
    }
}

#[tokio::test]
async fn a_correction_by_somebody_who_was_shown_masked_texts_keeps_what_was_written() {
    let world = World::new().await;
    let (mina_id, mina) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, sven) = world.staff("Sven", Role::Supervisor).await;
    let (_, recording) = janas_call(&world, mina_id, "support").await;
    let (_, version) = published_form(&world, &sven).await;
    let mut given = answers(&[]);
    given["comment"] = json!("Jana waits too long");
    let review = scored(&world, &rita, recording, &version, given).await;
    let path = format!("/reviews/{}", text(&review["summary"]["id"]));
    let open = post(&world, &mina, &format!("{path}/dispute"), json!({ "reason": "No." })).await.ok().json();
    let shown = get(&world, &sven, &path).await.ok().json();
    let mut answers = shown["revisions"][0]["answers"].clone();
    assert_eq!(answers["comment"], "*** waits too long");
    answers["answers"][1]["comment"] = json!("It was said.");
    let accept = format!("/disputes/{}/accept", text(&open["disputes"][0]["id"]));
    post(&world, &sven, &accept, json!({ "answers": answers, "reason": "Right." })).await.ok();
    let told = get(&world, &mina, &path).await.ok().json();
    assert_eq!(told["revisions"][1]["answers"]["comment"], "Jana waits too long");
    assert_eq!(told["revisions"][1]["answers"]["answers"][1]["comment"], "It was said.");
}

async fn found(world: &World, cookie: &str, words: &str) -> usize {
    let page = get(world, cookie, &format!("/recordings?q={words}")).await.ok().json();
    let facets = get(world, cookie, &format!("/recordings/facets?q={words}")).await.ok().json();
    let found = page["items"].as_array().unwrap().len();
    assert_eq!(facets["count"], found, "counting tells no more than listing");
    found
}

#[tokio::test]
async fn nobody_finds_by_words_what_they_are_shown_masked() {
    let world = World::new().await;
    let (mina, own) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, sven) = world.staff("Sven", Role::Supervisor).await;
    // The notes are "Novak will send A-100234 back".
    let (call, recording) = janas_call(&world, mina, "support").await;
    rate(&world, recording).await;
    let see = RightsChanges { grants: vec![Action::SeeRecordings], ..RightsChanges::default() };
    world.store.set_rights(mina, &see, Actor::Operator).await.unwrap();
    for cookie in [&rita, &sven] {
        assert_eq!(found(&world, cookie, "novak").await, 0);
        assert_eq!(found(&world, cookie, "a-100234").await, 0);
        assert_eq!(found(&world, cookie, "send+back").await, 1, "what is shown is found");
    }
    assert_eq!(found(&world, &own, "novak").await, 1, "it was her call");
    let rule =
        json!({ "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": false });
    let drawn = json!({ "name": "N", "query": "q=novak", "rule": rule, "reviewers": [] });
    assert_eq!(post(&world, &rita, "/samples/preview", drawn).await.ok().json()["population"], 0);
    post(&world, &sven, &format!("/calls/{call}/unmask"), json!({ "why": "a complaint" })).await.ok();
    assert_eq!(found(&world, &sven, "novak").await, 1);
    assert_eq!(found(&world, &rita, "novak").await, 0);
}

async fn entries(world: &World, event: AuditEvent) -> Vec<Value> {
    let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
    let page = world.store.audit(&filter, None, None).await.unwrap();
    page.items.into_iter().map(|entry| serde_json::to_value(entry).unwrap()).collect()
}

#[tokio::test]
async fn the_audit_log_tells_of_scores_disputes_and_files_and_names_no_buyer() {
    let world = World::new().await;
    let (mina_id, mina) = world.staff("Mina", Role::Agent).await;
    let (rita_id, rita) = world.staff("Rita", Role::Reviewer).await;
    let (sven_id, sven) = world.staff("Sven", Role::Supervisor).await;
    let (call, recording) = janas_call(&world, mina_id, "support").await;
    let path = written(&world, &mina, &rita, &sven, recording).await;
    let review = path.strip_prefix("/reviews/").unwrap();
    let actor = |id: UserId| format!("user:{id}");
    for (event, by, why) in [
        (AuditEvent::ReviewSubmitted, rita_id, ""),
        (AuditEvent::ReviewRevised, rita_id, "*** called twice"),
        (AuditEvent::DisputeOpened, mina_id, "*** was late"),
        (AuditEvent::DisputeDecided, sven_id, "*** was not"),
    ] {
        let noted = entries(&world, event).await;
        assert_eq!(noted.len(), 1, "{event:?}");
        assert_eq!(noted[0]["actor"], actor(by), "{event:?}");
        assert_eq!(noted[0]["about"], format!("recording:{recording}"), "{event:?}");
        assert_eq!(
            (&noted[0]["why"], &noted[0]["detail"]["review"]),
            (&json!(why), &json!(review)),
            "{event:?}"
        );
    }
    assert_eq!(entries(&world, AuditEvent::DisputeDecided).await[0]["detail"]["state"], "rejected");

    // A change that does not come about leaves no entry.
    let again = json!({ "answers": answers(&[]), "reason": "again" });
    put(&world, &rita, &format!("{path}/draft"), answers(&[])).await.refused("review_state");
    post(&world, &mina, &format!("{path}/dispute"), json!({ "reason": "No." }))
        .await
        .refused("dispute_state");
    post(&world, &sven, &format!("{path}/revisions"), again).await.refused("not_allowed");
    assert_eq!(entries(&world, AuditEvent::ReviewRevised).await.len(), 1);

    get(&world, &sven, "/reviews.csv?from=2026-11-01&why=for+the+works+council").await.ok();
    get(&world, &sven, "/reviews.csv").await.ok();
    let long = format!("/reviews.csv?why={}", "x".repeat(501));
    assert_eq!(get(&world, &sven, &long).await.refused("field_invalid"), "why");
    let noted = entries(&world, AuditEvent::Exported).await;
    assert_eq!(noted.len(), 2);
    assert_eq!(
        (&noted[1]["about"], &noted[1]["why"]),
        (&json!("scores.csv"), &json!("for the works council"))
    );
    assert_eq!((&noted[1]["detail"]["rows"], &noted[1]["detail"]["from"]), (&json!(1), &json!("2026-11-01")));

    // Reasons that name the buyer lose the name on their way in: nothing comes out of this log again.
    let body = json!({ "why": "Jana Novak complained, case 2026-0017" });
    post(&world, &sven, &format!("/calls/{call}/unmask"), body).await.ok();
    assert_eq!(entries(&world, AuditEvent::Unmasked).await[0]["why"], "*** *** complained, case 2026-0017");
    assert!(world.store.verify_audit(Vec::new()).await.unwrap().broken.is_none());
}

#[tokio::test]
async fn a_hold_is_found_and_shown_by_its_flag_and_by_those_only_who_may_place_holds() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, ada) = world.staff("Ada", Role::Admin).await;
    let mut recordings = Vec::new();
    // On the recording; on its buyer by an alias; on another buyer; lifted; on none.
    for subject in ["one", "two", "three", "four", "five"] {
        recordings.push(crate::erasure::call_of(&world, mina, subject).await.1);
    }
    let about =
        |subject: &str| json!({ "subject": { "shop": "lumen", "subject": subject }, "why": "case 12" });
    world.store.add_aliases("lumen", "two", &["guest-2".into(), "mail-2".into()]).await.unwrap();
    world.store.add_aliases("lumen", "one", &["guest-1".into()]).await.unwrap();
    post(&world, &ada, "/holds", json!({ "recording": recordings[0], "why": "case 11" })).await.ok();
    post(&world, &ada, "/holds", about("guest-2")).await.ok();
    post(&world, &ada, "/holds", about("three")).await.ok();
    let elsewhere = json!({ "subject": { "shop": "other", "subject": "five" }, "why": "case 13" });
    post(&world, &ada, "/holds", elsewhere).await.ok();
    let lifted = post(&world, &ada, "/holds", about("four")).await.ok().json();
    post(&world, &ada, &format!("/holds/{}/lift", text(&lifted["id"])), json!({ "why": "closed" }))
        .await
        .ok();

    let held: Vec<String> = recordings[..3].iter().rev().map(ToString::to_string).collect();
    let page = get(&world, &ada, "/recordings?flag=legal_hold").await.ok().json();
    let found: Vec<String> = page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect();
    assert_eq!(found, held);
    let all = get(&world, &ada, "/recordings").await.ok().json();
    for item in all["items"].as_array().unwrap() {
        let flagged = item["flags"].as_array().unwrap().contains(&json!("legal_hold"));
        assert_eq!(flagged, held.contains(&text(&item["id"])), "{item}");
    }
    let facets = get(&world, &ada, "/recordings/facets").await.ok().json();
    assert_eq!(facets["flags"], json!([{ "value": "legal_hold", "count": 3 }]));

    for path in ["/recordings?flag=legal_hold", "/recordings/facets?flag=legal_hold"] {
        assert_eq!(get(&world, &rita, path).await.refused("not_allowed"), "flag");
    }
    let rule =
        json!({ "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": false });
    let drawn = json!({ "name": "H", "query": "flag=legal_hold", "rule": rule, "reviewers": [] });
    post(&world, &rita, "/samples/preview", drawn.clone()).await.refused("not_allowed");
    post(&world, &rita, "/samples", drawn.clone()).await.refused("not_allowed");
    let sample = post(&world, &ada, "/samples", drawn).await.ok().json();
    assert_eq!(sample["total"], 3);
    let path = format!("/samples/{}", text(&sample["id"]));
    post(&world, &rita, &format!("{path}/resample"), json!({})).await.refused("not_allowed");
    for told in ["/recordings", "/recordings/facets", &format!("{path}/items")] {
        let told = get(&world, &rita, told).await.ok().text();
        assert!(!told.contains("legal_hold"), "{told}");
    }
    let answer = world
        .json(
            Method::PUT,
            &format!("/api/v1/calls/{}/flags/legal_hold", text(&page["items"][0]["call"])),
            &ada,
            json!({}),
        )
        .await;
    assert_eq!(answer.refused("field_invalid"), "flag");
}
