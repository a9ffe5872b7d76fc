//! Reviewers find the recordings they mean, page by page, in any order, and are told which filter cannot be used.

use std::collections::HashSet;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use protocol::call::{BuyerContext, EndReason, Product, Role};
use protocol::ids::{BuyerSessionId, CallId, RecordingId, UserId};
use protocol::rating::{NewRating, Stars};
use protocol::rest::WrapUp;
use serde_json::{Value, json};
use signaling::store::NewCall;

use crate::world::World;

/// A recorded call as a story tells it.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) agent: UserId,
    pub(crate) ago: SignedDuration,
    pub(crate) seconds: u32,
    pub(crate) queue: &'static str,
    pub(crate) country: &'static str,
    pub(crate) language: &'static str,
    pub(crate) sku: &'static str,
    pub(crate) product: &'static str,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) notes: &'static str,
    pub(crate) stars: Option<u8>,
    pub(crate) comment: &'static str,
}

impl Told {
    pub(crate) fn by(agent: UserId) -> Self {
        Self {
            agent,
            ago: SignedDuration::ZERO,
            seconds: 60,
            queue: "support",
            country: "AT",
            language: "de-AT",
            sku: "AUR-3",
            product: "Aurora Stehleuchte",
            outcome: None,
            notes: "",
            stars: None,
            comment: "",
        }
    }
}

/// Makes it true.
pub(crate) async fn recorded(world: &World, told: Told) -> (CallId, RecordingId) {
    let (call, session) = (CallId::new(), BuyerSessionId::new());
    let at: Timestamp = world.now() - told.ago;
    let context = BuyerContext {
        subject: "buyer-7".into(),
        language: told.language.into(),
        country: Some(told.country.into()),
        product: Some(Product { sku: told.sku.into(), name: told.product.into(), ..Product::default() }),
        ..BuyerContext::default()
    };
    let new = NewCall { id: call, session, queue: told.queue.into(), context, requested_at: at };
    world.store.insert_call(new).await.unwrap();
    world.store.call_accepted(call, told.agent, at).await.unwrap();
    let recording = RecordingId::new();
    world.store.recording_started(recording, call, at).await.unwrap();
    world.store.recording_finished(recording, told.seconds * 1000).await.unwrap();
    world.store.call_ended(call, at, EndReason::AgentHungUp).await.unwrap();
    if let Some(outcome) = told.outcome {
        let written = WrapUp { outcome: outcome.into(), notes: told.notes.into() };
        world.store.wrap_up(call, written, told.agent).await.unwrap();
    }
    if let Some(stars) = told.stars {
        let comment = Some(told.comment.to_owned());
        let rating = NewRating { stars: Stars::try_from(stars).unwrap(), comment };
        world.store.rate(call, session, rating).await.unwrap();
    }
    (call, recording)
}

async fn found(world: &World, cookie: &str, query: &str) -> Vec<String> {
    let page = world.get(&format!("/api/v1/recordings?{query}"), cookie).await.ok().json();
    ids(&page)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_filter_finds_what_it_names_and_all_of_them_together() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina Berg", Role::Agent).await;
    let (omar, _) = world.staff("Omar", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, aurora) = recorded(
        &world,
        Told {
            ago: SignedDuration::from_hours(24 * 9),
            seconds: 61,
            outcome: Some("transport_damage"),
            notes: "SCHIRM gerissen, Ärger",
            stars: Some(2),
            comment: "Zu langsam",
            ..Told::by(mina)
        },
    )
    .await;
    let (kitchen_call, kitchen) = recorded(
        &world,
        Told {
            seconds: 600,
            queue: "returns",
            country: "FR",
            language: "fr",
            sku: "KIT-1",
            product: "Lampe de cuisine",
            outcome: Some("answered"),
            stars: Some(5),
            ..Told::by(omar)
        },
    )
    .await;
    world
        .json(Method::PUT, &format!("/api/v1/calls/{kitchen_call}/flags/complaint"), &rita, json!({}))
        .await
        .ok();
    let (a, k) = (aurora.to_string(), kitchen.to_string());
    for (query, wanted) in [
        ("".to_owned(), vec![&k, &a]),
        ("q=schirm".to_owned(), vec![&a]),
        ("q=%C3%84RGER".to_owned(), vec![&a]),
        ("q=gerissen+mina".to_owned(), vec![&a]),
        ("q=gerissen+omar".to_owned(), vec![]),
        ("q=v-1002".to_owned(), vec![&k]),
        ("ticket=1001".to_owned(), vec![&a]),
        ("agent=berg".to_owned(), vec![&a]),
        (format!("agent={omar}"), vec![&k]),
        (format!("agent={omar},mina"), vec![&k, &a]),
        ("queue=returns".to_owned(), vec![&k]),
        ("queue=support,returns".to_owned(), vec![&k, &a]),
        ("queue=gone".to_owned(), vec![]),
        ("market=at".to_owned(), vec![&a]),
        ("market=AT,FR".to_owned(), vec![&k, &a]),
        ("market=DE".to_owned(), vec![]),
        ("language=de".to_owned(), vec![&a]),
        ("language=fr".to_owned(), vec![&k]),
        ("language=de-CH".to_owned(), vec![]),
        ("product=stehleuchte".to_owned(), vec![&a]),
        ("product=kit-1".to_owned(), vec![&k]),
        ("outcome=answered".to_owned(), vec![&k]),
        ("outcome=answered,transport_damage".to_owned(), vec![&k, &a]),
        ("csat_max=2".to_owned(), vec![&a]),
        ("csat_min=3".to_owned(), vec![&k]),
        ("csat_min=3&csat_max=4".to_owned(), vec![]),
        ("duration_min=61".to_owned(), vec![&k, &a]),
        ("duration_max=61".to_owned(), vec![&a]),
        ("duration_min=62&duration_max=600".to_owned(), vec![&k]),
        ("flag=comment".to_owned(), vec![&a]),
        ("flag=complaint".to_owned(), vec![&k]),
        ("flag=complaint,comment".to_owned(), vec![]),
        ("period=last_7_days".to_owned(), vec![&k]),
        ("period=last_week".to_owned(), vec![&a]),
        ("from=2026-11-20".to_owned(), vec![&k]),
        ("to=2026-11-12".to_owned(), vec![&a]),
        ("from=2026-11-12&to=2026-11-12&market=AT&agent=mina&csat_max=2&flag=comment".to_owned(), vec![&a]),
        // 20:00 in UTC is the next day in Tokyo.
        ("period=today&zone=Asia/Tokyo".to_owned(), vec![&k]),
        ("from=2026-11-22&to=2026-11-22&zone=Asia/Tokyo".to_owned(), vec![&k]),
        ("from=2026-11-22&to=2026-11-22".to_owned(), vec![]),
        ("sort=oldest".to_owned(), vec![&a, &k]),
        ("sort=longest".to_owned(), vec![&k, &a]),
        ("sort=shortest".to_owned(), vec![&a, &k]),
        ("sort=lowest_csat".to_owned(), vec![&a, &k]),
    ] {
        let wanted: Vec<String> = wanted.into_iter().cloned().collect();
        assert_eq!(found(&world, &rita, &query).await, wanted, "for {query:?}");
    }
    let item = &world.get("/api/v1/recordings?flag=complaint", &rita).await.ok().json()["items"][0];
    assert_eq!((&item["flags"], &item["country"]), (&json!(["complaint"]), &json!("FR")));
}

#[tokio::test]
async fn pages_of_every_order_hold_each_recording_once_however_many_are_equal() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    for n in 0..23_u32 {
        let told = Told {
            ago: SignedDuration::from_hours(i64::from(n % 4)),
            seconds: 60 * (n % 3),
            stars: (n % 5 != 4).then_some(1 + (n % 5) as u8),
            ..Told::by(mina)
        };
        recorded(&world, told).await;
    }
    for sort in ["newest", "oldest", "longest", "shortest", "lowest_csat"] {
        let whole = ids(&world.get(&format!("/api/v1/recordings?sort={sort}"), &rita).await.ok().json());
        assert_eq!(whole.iter().collect::<HashSet<_>>().len(), 23);
        let pages = pages(&world, &rita, sort, None).await;
        assert_eq!((pages.len(), pages.concat()), (5, whole), "{sort}");
    }
    let before = found(&world, &rita, "").await;
    let pages = pages(&world, &rita, "newest", Some(mina)).await.concat();
    assert_eq!(pages, before, "a call that came meanwhile belongs to a page that was read already");
}

/// The ids of every page of five; a recording of `meanwhile` is made after the second one.
async fn pages(world: &World, cookie: &str, sort: &str, meanwhile: Option<UserId>) -> Vec<Vec<String>> {
    let first = format!("/api/v1/recordings?sort={sort}&limit=5");
    let (mut pages, mut path) = (Vec::new(), first.clone());
    loop {
        let page = world.get(&path, cookie).await.ok().json();
        pages.push(ids(&page));
        if let (2, Some(agent)) = (pages.len(), meanwhile) {
            recorded(world, Told::by(agent)).await;
        }
        let Some(next) = page["next"].as_str() else { return pages };
        path = format!("{first}&before={next}");
    }
}

#[tokio::test]
async fn unrated_calls_come_after_rated_ones_and_a_page_belongs_to_its_order() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let mut made = Vec::new();
    for stars in [None, Some(3), Some(1), None, Some(5)] {
        made.push(recorded(&world, Told { stars, ..Told::by(mina) }).await.1.to_string());
    }
    let order = [2, 1, 4, 3, 0].map(|at: usize| made[at].clone());
    let mut path = "/api/v1/recordings?sort=lowest_csat&limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = world.get(&path, &rita).await.ok().json();
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        let other = format!("/api/v1/recordings?sort=longest&before={next}");
        assert_eq!(world.get(&other, &rita).await.refused("query_invalid"), "before");
        path = format!("/api/v1/recordings?sort=lowest_csat&limit=2&before={next}");
    }
    assert_eq!(seen, order);
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_is_named_with_what_would_be_right() {
    let world = World::new().await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    for (query, field) in [
        ("colour=red", "colour"),
        ("csat_min=9", "csat_min"),
        ("duration_min=100&duration_max=10", "duration_max"),
        ("from=24.11.2026", "from"),
        ("market=Austria", "market"),
        ("outcome=unheard_of", "outcome"),
        ("flag=red", "flag"),
        ("sort=best", "sort"),
        ("zone=Middle/Earth", "zone"),
        ("before=yesterday", "before"),
        ("period=someday", "period"),
    ] {
        for path in ["recordings", "recordings/facets"] {
            if path.ends_with("facets") && field == "before" {
                continue;
            }
            let answer = world.get(&format!("/api/v1/{path}?{query}"), &rita).await;
            assert_eq!(answer.refused("query_invalid"), field, "{path}?{query}");
        }
    }
    let detail = world.get("/api/v1/recordings?period=someday", &rita).await.json()["detail"].clone();
    assert!(detail.as_str().unwrap().contains("last_7_days"), "{detail}");
}

#[tokio::test]
async fn facets_count_what_each_choice_would_find() {
    let world = World::new().await;
    let (mina, cookie) = world.staff("Mina", Role::Agent).await;
    let (omar, _) = world.staff("Omar", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    for n in 0..6 {
        let told = Told::by(if n < 4 { mina } else { omar });
        let told = Told { country: if n % 2 == 0 { "AT" } else { "DE" }, ..told };
        let told = Told { stars: (n == 0).then_some(1), comment: "Hm", outcome: Some("answered"), ..told };
        recorded(&world, told).await;
    }
    let facets = world.get("/api/v1/recordings/facets?market=AT", &rita).await.ok().json();
    assert_eq!((&facets["count"], &facets["more"]), (&json!(3), &json!(false)));
    assert_eq!(
        facets["agents"],
        json!([
            { "value": mina.to_string(), "label": "Mina", "count": 2 },
            { "value": omar.to_string(), "label": "Omar", "count": 1 },
        ])
    );
    assert_eq!(facets["queues"], json!([{ "value": "support", "label": "Support", "count": 3 }]));
    // The field's own choice is left out, or there would be nothing else to choose.
    assert_eq!(facets["markets"], json!([{ "value": "AT", "count": 3 }, { "value": "DE", "count": 3 }]));
    assert_eq!(facets["languages"], json!([{ "value": "de-at", "count": 3 }]));
    assert_eq!(facets["outcomes"], json!([{ "value": "answered", "count": 3 }]));
    assert_eq!(facets["flags"], json!([{ "value": "comment", "count": 1 }]));
    let none = world.get("/api/v1/recordings/facets?q=nothing", &rita).await.ok().json();
    assert_eq!((&none["count"], &none["agents"]), (&json!(0), &json!([])));
    world.get("/api/v1/recordings/facets", &cookie).await.refused("not_allowed");
}

#[tokio::test]
async fn people_mark_complaints_and_nobody_marks_what_follows_from_facts() {
    let world = World::new().await;
    let (mina, agent) = world.staff("Mina", Role::Agent).await;
    let (_, other) = world.staff("Omar", Role::Agent).await;
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (call, recording) = recorded(&world, Told::by(mina)).await;
    let path = format!("/api/v1/calls/{call}/flags/complaint");
    world.json(Method::PUT, &path, &other, json!({})).await.refused("not_found");
    for _ in 0..2 {
        world.json(Method::PUT, &path, &agent, json!({})).await.ok();
    }
    assert_eq!(found(&world, &rita, "flag=complaint").await, [recording.to_string()]);
    world.json(Method::DELETE, &path, &agent, json!({})).await.ok();
    assert!(found(&world, &rita, "flag=complaint").await.is_empty());
    let fact = format!("/api/v1/calls/{call}/flags/comment");
    assert_eq!(world.json(Method::PUT, &fact, &agent, json!({})).await.refused("field_invalid"), "flag");
    let unknown = format!("/api/v1/calls/{call}/flags/red");
    assert_eq!(world.json(Method::PUT, &unknown, &agent, json!({})).await.refused("not_found"), "flag");
}

#[tokio::test]
async fn a_partner_finds_the_calls_of_their_queues_and_their_own_and_draws_from_no_others() {
    let world = World::new().await;
    let (mina, _) = world.staff("Mina", Role::Agent).await;
    let (pia, partner) = world.staff("Pia", Role::Supervisor).await;
    let (_, admin) = world.staff("Anna", Role::Admin).await;
    recorded(&world, Told::by(mina)).await;
    let (_, theirs) = recorded(&world, Told { queue: "returns", ..Told::by(mina) }).await;
    let (_, own) = recorded(&world, Told::by(pia)).await;
    let path = format!("/api/v1/users/{pia}/rights");
    world.json(Method::PUT, &path, &admin, json!({ "queues": ["returns"] })).await.ok();
    assert_eq!(found(&world, &partner, "").await, [own.to_string(), theirs.to_string()]);
    assert!(found(&world, &partner, "queue=support&agent=mina").await.is_empty());
    let facets = world.get("/api/v1/recordings/facets", &partner).await.ok().json();
    assert_eq!(facets["count"], 2);
    let rule =
        json!({ "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": false });
    let all = json!({ "name": "All", "rule": rule, "reviewers": [] });
    let preview = world.json(Method::POST, "/api/v1/samples/preview", &partner, all.clone()).await;
    assert_eq!(preview.ok().json()["population"], 2);
    // What somebody else drew is shown to them as far as they may see it.
    let sample = world.json(Method::POST, "/api/v1/samples", &admin, all).await.ok().json();
    assert_eq!(sample["total"], 3);
    let path = format!("/api/v1/samples/{}/items", sample["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &partner).await.ok().json().as_array().unwrap().len(), 2);
}
