//! A buyer's token becomes a visit, or is refused with the reason that helps the shop.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, SECRET, World, claims, sign};

const PATH: &str = "/api/v1/buyer-sessions";

async fn open(world: &World, token: &str) -> Answer {
    let request = Request::post(PATH)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("origin", "https://lumen.example")
        .body(Body::from(r#"{"language":"de"}"#))
        .unwrap();
    world.send(request).await
}

#[tokio::test]
async fn a_token_of_the_shop_opens_a_visit_with_the_words_about_recording() {
    let world = World::new().await;
    world.floor.on_duty.store(2, std::sync::atomic::Ordering::Relaxed);
    let answer = open(&world, &sign(&claims(world.now()), "key_lumen", SECRET)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*", "shops' pages are other origins");
    assert_eq!(answer.header(header::SET_COOKIE), "", "buyers get no cookie");
    let session = answer.json();
    assert_eq!(session["answered_by"], "Lumen & Co. support");
    assert_eq!(session["agents_on_duty"], 2);
    assert_eq!(session["consent"]["language"], "de");
    assert_eq!(session["context"]["product"]["sku"], "AUR-3");

    let token = session["session_token"].as_str().unwrap();
    let record = world.store.buyer_session_by_token(token).await.unwrap().unwrap();
    assert_eq!(record.id.to_string(), session["id"].as_str().unwrap());
    assert_eq!(record.context.name.as_deref(), Some("Jana"));
    assert_eq!(world.store.buyer_session_by_token("somebody else's").await.unwrap(), None);
    world.pass(SignedDuration::from_hours(9));
    assert_eq!(world.store.buyer_session_by_token(token).await.unwrap(), None, "the visit is over");
}

#[tokio::test]
async fn the_words_about_recording_name_the_days_that_apply_to_this_buyer() {
    let world = World::new().await;
    // A queue with days of its own, a country that allows fewer than everywhere, and one that says nothing.
    for (country, days) in [("NO", 14), ("SE", 30), ("AT", 90)] {
        let mut claims = claims(world.now());
        claims["context"]["country"] = json!(country);
        let session = open(&world, &sign(&claims, "key_lumen", SECRET)).await.ok().json();
        let words = &session["consent"];
        assert!(words["text"].as_str().unwrap().contains(&format!("nach {days} Tagen")), "{session}");
        // Version and hash are those of these words: a receipt proves which days were promised.
        assert_eq!(*words, json!(signaling::consent::text("de", days)));
        assert!(words["version"].as_str().unwrap().ends_with(&format!("/{days}")), "{session}");
    }
}

#[tokio::test]
async fn nobody_is_asked_about_recording_where_nothing_is_recorded() {
    let world = World::new().await;
    let mut claims = claims(world.now());
    claims["context"]["country"] = json!("FR");
    let session = open(&world, &sign(&claims, "key_lumen", SECRET)).await.ok().json();
    assert_eq!(session["consent"], Value::Null, "{session}");
}

#[tokio::test]
async fn a_token_that_names_no_queue_of_ours_is_refused_and_not_used_up() {
    let world = World::new().await;
    let mut claims = claims(world.now());
    claims["context"]["queue"] = json!("vip");
    let answer = open(&world, &sign(&claims, "key_lumen", SECRET)).await;
    assert_eq!(answer.refused("context_invalid"), "context.queue");
    assert!(answer.text().contains("returns, support"), "{}", answer.text());
    claims["context"]["queue"] = json!("returns");
    open(&world, &sign(&claims, "key_lumen", SECRET)).await.ok();
}

#[tokio::test]
async fn a_token_opens_one_visit_only_however_fast_it_comes_again() {
    let world = World::new().await;
    let token = sign(&claims(world.now()), "key_lumen", SECRET);
    let answers = futures_util::future::join_all((0..4).map(|_| open(&world, &token))).await;
    let opened = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(opened, 1);
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
        assert_eq!(answer.refused("token_replayed"), "jti");
    }
}

/// Spoils a good token's claims and expects a refusal.
async fn check_claims(spoil: impl FnOnce(&mut Value), code: &str, field: &str) {
    let world = World::new().await;
    let mut claims = claims(world.now());
    spoil(&mut claims);
    let answer = open(&world, &sign(&claims, "key_lumen", SECRET)).await;
    assert_eq!(answer.refused(code), field, "{}", answer.text());
}

#[tokio::test]
async fn every_wrong_claim_has_its_own_answer() {
    let add = |claims: &mut Value, name: &str, seconds: i64| {
        claims[name] = json!(claims[name].as_i64().unwrap() + seconds);
    };
    check_claims(|c| c["iss"] = json!("other-shop"), "wrong_issuer", "iss").await;
    check_claims(|c| c["aud"] = json!("somebody"), "wrong_audience", "aud").await;
    check_claims(|c| c["aud"] = json!(["somebody", "else"]), "wrong_audience", "aud").await;
    check_claims(|c| add(c, "exp", 301), "token_too_long_lived", "exp").await;
    check_claims(|c| c["exp"] = c["iat"].clone(), "token_too_long_lived", "exp").await;
    check_claims(|c| c["jti"] = json!(""), "token_malformed", "jti").await;
    check_claims(|c| c["iat"] = json!(i64::MAX), "token_malformed", "iat").await;
    check_claims(|c| c["context"]["language"] = json!("<b>"), "context_invalid", "context.language").await;
    check_claims(|c| c["context"]["product"]["sku"] = json!(7), "context_invalid", "context.product.sku")
        .await;
    check_claims(|c| c["context"] = json!("none"), "context_invalid", "context").await;
    let late = |c: &mut Value| {
        add(c, "iat", 120);
        add(c, "exp", 120);
    };
    check_claims(late, "token_not_yet_valid", "iat").await;
    let old = |c: &mut Value| {
        add(c, "iat", -600);
        add(c, "exp", -600);
    };
    check_claims(old, "token_expired", "exp").await;
    check_claims(|c| drop(c.as_object_mut().unwrap().remove("jti")), "token_malformed", "").await;
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart() {
    let world = World::new().await;
    let token = sign(&claims(world.now() + SignedDuration::from_secs(50)), "key_lumen", SECRET);
    open(&world, &token).await.ok();
    let token = sign(&claims(world.now() - SignedDuration::from_secs(350)), "key_lumen", SECRET);
    open(&world, &token).await.ok();
}

#[tokio::test]
async fn a_token_that_nobody_of_ours_signed_is_refused_before_its_claims_are_read() {
    use base64::Engine;
    let world = World::new().await;
    let good = claims(world.now());
    let forged = sign(&good, "key_lumen", b"a guess");
    open(&world, &forged).await.refused("bad_signature");
    assert_eq!(open(&world, &sign(&good, "key_other", SECRET)).await.refused("unknown_key"), "kid");

    let token = sign(&good, "key_lumen", SECRET);
    let (head, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let mut other = good.clone();
    other["context"]["subject"] = json!("somebody else");
    let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    open(&world, &format!("{head}.{}.{signature}", encode(other.to_string()))).await.refused("bad_signature");

    let none = encode(r#"{"alg":"none","kid":"key_lumen"}"#.into());
    let unsigned = format!("{none}.{}.", encode(good.to_string()));
    assert_eq!(open(&world, &unsigned).await.refused("token_algorithm"), "alg");
    let nameless = encode(r#"{"alg":"HS256"}"#.into());
    assert_eq!(open(&world, &format!("{nameless}.{rest}")).await.refused("token_malformed"), "kid");
    for bad in ["x", "a.b", "a.b.c", "a.b.c.d", &"x".repeat(40_000)] {
        open(&world, bad).await.refused("token_malformed");
    }
}

#[tokio::test]
async fn a_request_without_token_or_with_a_bad_body_says_what_is_missing() {
    let world = World::new().await;
    let request = |authorization: &str, kind: &str, body: &str| {
        Request::post(PATH)
            .header("authorization", authorization)
            .header("content-type", kind)
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let json = "application/json";
    let good = format!("Bearer {}", sign(&claims(world.now()), "key_lumen", SECRET));
    let body = r#"{"language":"de"}"#;
    assert_eq!(world.send(request("Basic abc", json, body)).await.refused("token_missing"), "Authorization");
    world.send(request(&good, json, "{")).await.refused("body_malformed");
    assert_eq!(
        world.send(request(&good, json, r#"{"language":5}"#)).await.refused("body_malformed"),
        "language"
    );
    assert_eq!(
        world.send(request(&good, "text/plain", body)).await.refused("unsupported_media_type"),
        "Content-Type"
    );
    assert_eq!(
        world.send(request(&good, json, r#"{"language":"no tag"}"#)).await.refused("field_invalid"),
        "language"
    );
    let huge = format!(r#"{{"language":"{}"}}"#, "x".repeat(70_000));
    world.send(request(&good, json, &huge)).await.refused("body_too_large");
    // None of those used the token up.
    world.send(request(&good, json, body)).await.ok();
}

#[tokio::test]
async fn a_browser_on_a_shops_page_may_ask_first() {
    let world = World::new().await;
    let preflight = Request::options(PATH)
        .header("origin", "https://lumen.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .body(Body::empty())
        .unwrap();
    let answer = world.send(preflight).await.ok();
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let allowed = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS).to_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{allowed}");
}

#[tokio::test]
async fn tokens_that_have_expired_are_forgotten() {
    let world = World::new().await;
    open(&world, &sign(&claims(world.now()), "key_lumen", SECRET)).await.ok();
    assert_eq!(world.store.sweep().await.unwrap(), 0);
    world.pass(SignedDuration::from_hours(9));
    assert_eq!(world.store.sweep().await.unwrap(), 2, "the token and the visit that led to no call");
}
