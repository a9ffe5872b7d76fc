//! Quality review: forms whose versions stay, scores that stay, second scores that are blind, disputes, comments.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use protocol::call::Role;
use protocol::ids::{RecordingId, UserId};
use serde_json::{Value, json};
use signaling::review::starter_form;

use crate::world::{Answer, World};

/// A recorded call of Mina's, a published form, and the people who have to do with it.
struct Scene {
    world: World,
    mina: UserId,
    recording: RecordingId,
    agent: String,
    rita: String,
    rita_id: UserId,
    sven: String,
    version: String,
    form: String,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let (mina, agent) = world.staff("Mina", Role::Agent).await;
    let (rita_id, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, sven) = world.staff("Sven", Role::Supervisor).await;
    let recording = recorded(&world, mina).await;
    let (form, version) = published_form(&world, &sven).await;
    Scene { world, mina, recording, agent, rita, rita_id, sven, version, form }
}

/// The starter form, published: ids of form and version.
pub(crate) async fn published_form(world: &World, cookie: &str) -> (String, String) {
    let form = post(world, cookie, "/review/forms", json!({ "content": starter_form() })).await.ok().json();
    let id = text(&form["id"]);
    let path = format!("/review/forms/{id}/publish");
    let form = post(world, cookie, &path, json!({ "revision": form["revision"] })).await.ok().json();
    (id, text(&form["published"]["id"]))
}

/// Somebody submits a score of a recording.
pub(crate) async fn scored(
    world: &World,
    who: &str,
    recording: RecordingId,
    version: &str,
    answers: Value,
) -> Value {
    let path = format!("/recordings/{recording}/reviews");
    let draft = post(world, who, &path, json!({ "form_version": version })).await.ok().json();
    let path = format!("/reviews/{}/submit", text(&draft["summary"]["id"]));
    post(world, who, &path, answers).await.ok().json()
}

async fn recorded(world: &World, agent: UserId) -> RecordingId {
    let call = world.call(agent, "AUR-3", "Aurora floor lamp").await;
    let id = RecordingId::new();
    world.store.recording_started(id, call, world.now()).await.unwrap();
    world.store.recording_finished(id, 61_000).await.unwrap();
    id
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

pub(crate) async fn get(world: &World, cookie: &str, path: &str) -> Answer {
    world.get(&format!("/api/v1{path}"), cookie).await
}

pub(crate) async fn post(world: &World, cookie: &str, path: &str, body: Value) -> Answer {
    world.json(Method::POST, &format!("/api/v1{path}"), cookie, body).await
}

pub(crate) async fn put(world: &World, cookie: &str, path: &str, body: Value) -> Answer {
    world.json(Method::PUT, &format!("/api/v1{path}"), cookie, body).await
}

pub(crate) async fn delete(world: &World, cookie: &str, path: &str) -> Answer {
    world.json(Method::DELETE, &format!("/api/v1{path}"), cookie, json!({})).await
}

/// Answers to every question of the starter form: all for the best, but for what is given.
pub(crate) fn answers(other: &[(&str, Value)]) -> Value {
    let all: Vec<Value> = starter_form()
        .sections
        .iter()
        .flat_map(|section| &section.questions)
        .map(|question| {
            let best = match question.kind {
                protocol::review::QuestionKind::YesNo => json!({ "kind": "yes" }),
                protocol::review::QuestionKind::Scale { max, .. } => json!({ "kind": "scale", "value": max }),
            };
            let given = other.iter().find(|(key, _)| *key == question.key).map(|(_, answer)| answer.clone());
            json!({ "question": question.key, "answer": given.unwrap_or(best) })
        })
        .collect();
    json!({ "answers": all })
}

fn no() -> Value {
    json!({ "kind": "no" })
}

impl Scene {
    /// Somebody submits a score of the recording.
    async fn score(&self, who: &str, answers: Value) -> Value {
        scored(&self.world, who, self.recording, &self.version, answers).await
    }
}

#[tokio::test]
async fn a_form_is_published_when_its_weights_are_right_and_its_versions_stay_as_they_are() {
    let Scene { world, sven, form, version, .. } = scene().await;
    let path = format!("/review/forms/{form}/draft");
    let mut content = serde_json::to_value(starter_form()).unwrap();
    content["sections"][0]["weight"] = json!(20);
    content["sections"][0]["questions"][0]["text"] = json!("Did the agent say hello?");
    let current = get(&world, &sven, &format!("/review/forms/{form}")).await.ok().json();
    assert_eq!(current["draft"], Value::Null);
    let body = json!({ "content": content, "revision": current["revision"] });
    let saved = put(&world, &sven, &path, body.clone()).await.ok().json();
    assert!(text(&saved["flaws"][0]["detail"]).contains("105 %"), "{saved}");
    // A second window that does not know of this change overwrites nothing.
    assert_eq!(put(&world, &sven, &path, body).await.refused("form_changed"), "revision");

    let publish = format!("/review/forms/{form}/publish");
    let body = json!({ "revision": saved["revision"] });
    assert_eq!(post(&world, &sven, &publish, body).await.refused("form_unpublishable"), "sections");
    content["sections"][1]["weight"] = json!(40);
    let body = json!({ "content": content, "revision": saved["revision"] });
    let saved = put(&world, &sven, &path, body).await.ok().json();
    assert_eq!(saved["flaws"], json!([]));
    let body = json!({ "revision": saved["revision"] });
    let published = post(&world, &sven, &publish, body.clone()).await.ok().json();
    assert_eq!(published["published"]["number"], 2);
    assert_eq!(published["draft"], Value::Null);
    post(&world, &sven, &publish, body).await.refused("form_changed");

    let first = get(&world, &sven, &format!("/review/form-versions/{version}")).await.ok().json();
    assert_eq!(first["number"], 1);
    assert_eq!(first["content"], serde_json::to_value(starter_form()).unwrap());
}

#[tokio::test]
async fn a_score_keeps_the_version_it_was_made_on() {
    let scene = scene().await;
    let Scene { world, rita, sven, form, version, recording, .. } = &scene;
    let review = scene.score(rita, answers(&[])).await;
    let current = get(world, sven, &format!("/review/forms/{form}")).await.ok().json();
    let mut content = current["published"]["content"].clone();
    content["sections"][0]["questions"].as_array_mut().unwrap().remove(0);
    let body = json!({ "content": content, "revision": current["revision"] });
    let saved = put(world, sven, &format!("/review/forms/{form}/draft"), body).await.ok().json();
    let body = json!({ "revision": saved["revision"] });
    let published = post(world, sven, &format!("/review/forms/{form}/publish"), body).await.ok().json();
    assert_eq!(published["versions"][1]["scores"], 1);

    let path = format!("/reviews/{}", text(&review["summary"]["id"]));
    let again = get(world, rita, &path).await.ok().json();
    assert_eq!(again["form"]["id"], version.as_str());
    assert_eq!(again["revisions"][0]["scored"]["score"], 10_000);
    // New scores are made on the newest version only.
    let path = format!("/recordings/{recording}/reviews");
    let (_, other) = world.staff("Olga", Role::Reviewer).await;
    let old = json!({ "form_version": version });
    assert_eq!(post(world, &other, &path, old).await.refused("field_invalid"), "form_version");
    post(world, &other, &path, json!({ "form_version": published["published"]["id"] })).await.ok();
}

#[tokio::test]
async fn forms_are_duplicated_archived_and_discarded() {
    let Scene { world, sven, rita, form, recording, .. } = scene().await;
    let copy = post(&world, &sven, &format!("/review/forms/{form}/duplicate"), json!({})).await.ok().json();
    assert_eq!(copy["draft"]["title"], "Video help (copy)");
    assert_eq!(copy["versions"], json!([]));
    let archived = format!("/review/forms/{form}/archived");
    put(&world, &sven, &archived, json!({ "archived": true })).await.ok();
    let board = format!("/recordings/{recording}/reviews");
    assert_eq!(get(&world, &rita, &board).await.ok().json()["forms"], json!([]));
    put(&world, &sven, &archived, json!({ "archived": false })).await.ok();
    assert_eq!(get(&world, &rita, &board).await.ok().json()["forms"].as_array().unwrap().len(), 1);

    // A draft of something published leaves the version; one that never was published goes whole.
    let copy = format!("/review/forms/{}", text(&copy["id"]));
    assert_eq!(delete(&world, &sven, &format!("{copy}/draft")).await.status, StatusCode::NO_CONTENT);
    get(&world, &sven, &copy).await.refused("not_found");
    delete(&world, &sven, &format!("/review/forms/{form}/draft")).await.ok();
    assert_eq!(
        get(&world, &sven, &format!("/review/forms/{form}")).await.ok().json()["published"]["number"],
        1
    );
}

#[tokio::test]
async fn a_form_of_a_queue_is_offered_for_its_calls_only() {
    let Scene { world, sven, rita, form, recording, version, .. } = scene().await;
    let board = format!("/recordings/{recording}/reviews");
    for (queue, offered) in [("returns", 0), ("support", 1)] {
        let current = get(&world, &sven, &format!("/review/forms/{form}")).await.ok().json();
        let body = json!({
            "content": current["published"]["content"], "queue": queue, "revision": current["revision"]
        });
        let saved = put(&world, &sven, &format!("/review/forms/{form}/draft"), body).await.ok().json();
        assert_eq!((&saved["queue"], &saved["draft"]), (&json!(queue), &Value::Null));
        let forms = get(&world, &rita, &board).await.ok().json()["forms"].clone();
        assert_eq!(forms.as_array().unwrap().len(), offered, "{queue}");
        let begun = post(&world, &rita, &board, json!({ "form_version": version })).await;
        if offered == 0 {
            begun.refused("field_invalid");
        } else {
            begun.ok();
        }
    }
}

#[tokio::test]
async fn a_draft_is_kept_and_a_submitted_score_is_corrected_only_with_a_reason() {
    let scene = scene().await;
    let Scene { world, rita, recording, version, .. } = &scene;
    let path = format!("/recordings/{recording}/reviews");
    let begin = json!({ "form_version": version });
    let draft = post(world, rita, &path, begin.clone()).await.ok().json();
    let id = text(&draft["summary"]["id"]);
    // Beginning again goes on with it.
    assert_eq!(post(world, rita, &path, begin).await.ok().json()["summary"]["id"], id.as_str());

    let some = json!({ "answers": [{ "question": "greeting", "answer": no(), "comment": "No name", "at_ms": 4200 }] });
    put(world, rita, &format!("/reviews/{id}/draft"), some.clone()).await.ok();
    let again = get(world, rita, &format!("/reviews/{id}")).await.ok().json();
    assert_eq!(again["draft"]["answers"][0]["comment"], "No name");
    assert_eq!(again["draft"]["answers"][0]["at_ms"], 4200);
    let submit = format!("/reviews/{id}/submit");
    assert_eq!(post(world, rita, &submit, some).await.refused("answers_incomplete"), "answers.product-known");
    let wrong = answers(&[("hold", json!({ "kind": "scale", "value": 3 }))]);
    assert_eq!(post(world, rita, &submit, wrong).await.refused("field_invalid"), "answers.hold");

    let submitted = post(world, rita, &submit, answers(&[("greeting", no())])).await.ok().json();
    // The greeting is half of a section of 15 %.
    assert_eq!(submitted["revisions"][0]["scored"]["score"], 9_250);
    assert_eq!(submitted["draft"], Value::Null);
    post(world, rita, &submit, answers(&[])).await.refused("review_state");
    put(world, rita, &format!("/reviews/{id}/draft"), answers(&[])).await.refused("review_state");
    delete(world, rita, &format!("/reviews/{id}")).await.refused("review_state");

    let correct = format!("/reviews/{id}/revisions");
    let unsaid = json!({ "answers": answers(&[]), "reason": "  " });
    assert_eq!(post(world, rita, &correct, unsaid).await.refused("field_invalid"), "reason");
    let critical =
        json!({ "answers": answers(&[("privacy", no())]), "reason": "The card number was read out." });
    let corrected = post(world, rita, &correct, critical).await.ok().json();
    assert_eq!(
        (&corrected["summary"]["score"], &corrected["summary"]["critical"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(corrected["revisions"][0]["scored"]["score"], 9_250);
    assert_eq!(corrected["revisions"][1]["scored"]["earned"], 9_500);
    assert_eq!(corrected["revisions"][1]["scored"]["failed"], json!(["privacy"]));
    assert_eq!(corrected["revisions"][1]["reason"], "The card number was read out.");
}

#[tokio::test]
async fn agents_see_the_submitted_scores_of_their_own_calls_and_nothing_else_of_reviews() {
    let scene = scene().await;
    let Scene { world, agent, rita, recording, version, .. } = &scene;
    let path = format!("/recordings/{recording}/reviews");
    let draft = post(world, rita, &path, json!({ "form_version": version })).await.ok().json();
    let id = text(&draft["summary"]["id"]);
    assert_eq!(get(world, agent, "/my-reviews").await.ok().json()["items"], json!([]));
    get(world, agent, &format!("/reviews/{id}")).await.refused("not_found");
    post(world, rita, &format!("/reviews/{id}/submit"), answers(&[])).await.ok();
    assert_eq!(get(world, agent, "/my-reviews").await.ok().json()["items"][0]["score"], 10_000);
    let seen = get(world, agent, &format!("/reviews/{id}")).await.ok().json();
    assert_eq!(seen["may"]["dispute"], true);

    let (_, other) = world.staff("Omar", Role::Agent).await;
    assert_eq!(get(world, &other, "/my-reviews").await.ok().json()["items"], json!([]));
    get(world, &other, &format!("/reviews/{id}")).await.refused("not_found");
    for path in ["/review/forms", "/reviews", "/reviews.csv", "/disputes", "/second-scores", &path] {
        get(world, agent, path).await.refused("not_allowed");
    }
    get(world, rita, "/my-reviews").await.refused("not_allowed");
    // Reviewers use forms but do not make them.
    post(world, rita, "/review/forms", json!({ "content": starter_form() })).await.refused("not_allowed");
}

#[tokio::test]
async fn nobody_scores_their_own_call_nor_writes_on_somebody_elses_score() {
    let scene = scene().await;
    let Scene { world, rita, version, .. } = &scene;
    let (boss, boss_cookie) = world.staff("Bea", Role::Supervisor).await;
    let theirs = recorded(world, boss).await;
    let path = format!("/recordings/{theirs}/reviews");
    post(world, &boss_cookie, &path, json!({ "form_version": version })).await.refused("own_call");
    assert_eq!(get(world, &boss_cookie, &path).await.ok().json()["may_score"], false);
    let id = text(&scene.score(rita, answers(&[])).await["summary"]["id"]);
    let correction = json!({ "answers": answers(&[]), "reason": "no" });
    post(world, &boss_cookie, &format!("/reviews/{id}/revisions"), correction).await.refused("not_allowed");
}

#[tokio::test]
async fn a_second_score_is_blind_whatever_way_its_reviewer_looks() {
    let scene = scene().await;
    let Scene { world, rita, sven, recording, .. } = &scene;
    let (olga_id, olga) = world.staff("Olga", Role::Reviewer).await;
    let first = scene.score(rita, answers(&[("greeting", no())])).await;
    let id = text(&first["summary"]["id"]);
    let comments = format!("/recordings/{recording}/comments");
    let note = json!({ "kind": "comment", "at_ms": 1000, "text": "Forgot the name" });
    post(world, rita, &comments, note).await.ok();
    get(world, &olga, &format!("/reviews/{id}")).await.ok();

    let ask = format!("/reviews/{id}/second");
    let refused = post(world, rita, &ask, json!({ "reviewer": scene.rita_id })).await;
    assert_eq!(refused.refused("field_invalid"), "reviewer");
    let refused = post(world, rita, &ask, json!({ "reviewer": scene.mina })).await;
    assert_eq!(refused.refused("field_invalid"), "reviewer");
    let second = post(world, sven, &ask, json!({ "reviewer": olga_id })).await.ok().json();
    let board = format!("/recordings/{recording}/reviews");

    // Whoever is to give it sees nothing of the first one.
    get(world, &olga, &format!("/reviews/{id}")).await.refused("review_sealed");
    let seen = get(world, &olga, &board).await.ok().json();
    assert_eq!((&seen["reviews"], &seen["blinded"]), (&json!([]), &json!(true)));
    assert_eq!(get(world, &olga, "/reviews").await.ok().json()["items"], json!([]));
    assert_eq!(get(world, &olga, &comments).await.ok().json(), json!([]));
    assert_eq!(
        get(world, &olga, &format!("/recordings/{recording}/calibration")).await.ok().json(),
        json!([])
    );
    assert_eq!(get(world, &olga, "/reviews.csv").await.ok().text().lines().count(), 1);
    // Everybody else does.
    get(world, sven, &format!("/reviews/{id}")).await.ok();
    assert_eq!(get(world, sven, "/reviews").await.ok().json()["items"].as_array().unwrap().len(), 1);

    let start = format!("/second-scores/{}/start", text(&second["id"]));
    post(world, sven, &start, json!({})).await.refused("not_allowed");
    post(world, rita, &start, json!({})).await.refused("not_allowed");
    let draft = post(world, &olga, &start, json!({})).await.ok().json();
    assert_eq!(draft["summary"]["second"], true);
    assert_eq!(draft["form"]["id"], scene.version.as_str());
    get(world, &olga, &format!("/reviews/{id}")).await.refused("review_sealed");
    let own = text(&draft["summary"]["id"]);
    get(world, rita, &format!("/reviews/{own}")).await.refused("not_found");
    post(world, &olga, &format!("/reviews/{own}/submit"), answers(&[])).await.ok();

    // Both are submitted: both are open, and can be compared.
    get(world, &olga, &format!("/reviews/{id}")).await.ok();
    get(world, rita, &format!("/reviews/{own}")).await.ok();
    assert_eq!(get(world, &olga, &comments).await.ok().json().as_array().unwrap().len(), 1);
    let compared = get(world, &olga, &format!("/recordings/{recording}/calibration")).await.ok().json();
    let names: Vec<String> =
        compared[0]["scores"].as_array().unwrap().iter().map(|one| text(&one["reviewer"]["name"])).collect();
    assert_eq!(names, ["Rita", "Olga"]);
    assert_eq!(compared[0]["agreement"]["score_difference"], 7.5);
    assert_eq!(compared[0]["questions"][0]["spread"], 1.0);
    assert_eq!(get(world, &olga, "/second-scores").await.ok().json(), json!([]));
}

#[tokio::test]
async fn an_open_second_score_goes_to_whoever_comes_first_and_can_be_called_off() {
    let scene = scene().await;
    let Scene { world, rita, sven, .. } = &scene;
    let (_, olga) = world.staff("Olga", Role::Reviewer).await;
    let (_, paul) = world.staff("Paul", Role::Reviewer).await;
    let id = text(&scene.score(rita, answers(&[])).await["summary"]["id"]);
    let body = json!({ "percent": 10, "days": 7 });
    post(world, rita, "/second-scores/sample", body.clone()).await.refused("not_allowed");
    let sampled = post(world, sven, "/second-scores/sample", body.clone()).await.ok().json();
    assert_eq!((sampled.as_array().unwrap().len(), &sampled[0]["sampled"]), (1, &json!(true)));
    // What has a second score asked for is not drawn again.
    assert_eq!(post(world, sven, "/second-scores/sample", body).await.ok().json(), json!([]));

    for cookie in [&olga, &paul] {
        get(world, cookie, &format!("/reviews/{id}")).await.refused("review_sealed");
        assert_eq!(get(world, cookie, "/second-scores").await.ok().json()[0]["may_start"], true);
    }
    let start = format!("/second-scores/{}/start", text(&sampled[0]["id"]));
    let begun = post(world, &olga, &start, json!({})).await.ok().json();
    post(world, &paul, &start, json!({})).await.refused("not_allowed");
    // Paul cannot give it any more, so nothing has to be kept from him.
    get(world, &paul, &format!("/reviews/{id}")).await.ok();
    get(world, &olga, &format!("/reviews/{id}")).await.refused("review_sealed");

    // A draft that is thrown away can be begun again by the same person.
    let own = text(&begun["summary"]["id"]);
    delete(world, &olga, &format!("/reviews/{own}")).await.ok();
    post(world, &olga, &start, json!({})).await.ok();
    let cancel = format!("/second-scores/{}", text(&sampled[0]["id"]));
    delete(world, &paul, &cancel).await.refused("not_allowed");
    delete(world, sven, &cancel).await.ok();
    get(world, &olga, &format!("/reviews/{id}")).await.ok();
}

#[tokio::test]
async fn an_agent_disputes_a_score_and_the_reviewer_accepts_with_a_revision() {
    let scene = scene().await;
    let Scene { world, agent, rita, sven, .. } = &scene;
    let id = text(&scene.score(rita, answers(&[("greeting", no())])).await["summary"]["id"]);
    let dispute = format!("/reviews/{id}/dispute");
    let because = json!({ "reason": "I said my name at 0:04.", "questions": ["greeting"] });
    post(world, rita, &dispute, because.clone()).await.refused("not_allowed");
    let unknown = json!({ "reason": "x", "questions": ["nowhere"] });
    assert_eq!(post(world, agent, &dispute, unknown).await.refused("field_invalid"), "questions");
    let disputed = post(world, agent, &dispute, because.clone()).await.ok().json();
    assert_eq!(disputed["disputes"][0]["state"], "open");
    assert_eq!((&disputed["may"]["withdraw"], &disputed["may"]["dispute"]), (&json!(true), &json!(false)));
    post(world, agent, &dispute, because).await.refused("dispute_state");
    // While it is open, the score changes by the answer to it only.
    let correction = json!({ "answers": answers(&[]), "reason": "You did." });
    post(world, rita, &format!("/reviews/{id}/revisions"), correction.clone()).await.refused("review_state");

    for cookie in [rita, sven] {
        assert_eq!(get(world, cookie, "/disputes").await.ok().json()[0]["overdue"], false);
    }
    let (_, olga) = world.staff("Olga", Role::Reviewer).await;
    assert_eq!(get(world, &olga, "/disputes").await.ok().json(), json!([]));
    world.pass(SignedDuration::from_hours(8 * 24));
    let scene = Scene { rita: renew(world, "rita").await, agent: renew(world, "mina").await, ..scene };
    let Scene { world, agent, rita, .. } = &scene;
    assert_eq!(get(world, rita, "/disputes").await.ok().json()[0]["overdue"], true);

    let accept = format!("/disputes/{}/accept", text(&disputed["disputes"][0]["id"]));
    post(world, agent, &accept, correction.clone()).await.refused("not_allowed");
    let accepted = post(world, rita, &accept, correction.clone()).await.ok().json();
    assert_eq!(accepted["summary"]["score"], 10_000);
    assert_eq!(accepted["disputes"][0]["state"], "accepted");
    assert_eq!(accepted["disputes"][0]["answer"], "You did.");
    assert_eq!(accepted["revisions"].as_array().unwrap().len(), 2);
    post(world, rita, &accept, correction).await.refused("dispute_state");
    // The correction can be disputed in its turn.
    assert_eq!(get(world, agent, &format!("/reviews/{id}")).await.ok().json()["may"]["dispute"], true);
}

/// A new login of somebody whose old one has expired.
async fn renew(world: &World, name: &str) -> String {
    let record = world.store.login_record(&format!("{name}@lumen.example")).await.unwrap().unwrap();
    let token = signaling::auth::secret::token();
    let until = world.now() + SignedDuration::from_hours(12);
    world.store.open_staff_session(&token, record.me.id, until).await.unwrap();
    format!("vitrine_session={token}")
}

#[tokio::test]
async fn a_rejected_dispute_is_final_a_withdrawn_one_is_not_and_time_runs_out() {
    let scene = scene().await;
    let Scene { world, agent, rita, sven, .. } = &scene;
    let id = text(&scene.score(rita, answers(&[("greeting", no())])).await["summary"]["id"]);
    let dispute = format!("/reviews/{id}/dispute");
    let because = || json!({ "reason": "I did greet." });
    let open = post(world, agent, &dispute, because()).await.ok().json();
    let withdraw = format!("/disputes/{}/withdraw", text(&open["disputes"][0]["id"]));
    post(world, rita, &withdraw, json!({})).await.refused("not_allowed");
    post(world, agent, &withdraw, json!({})).await.ok();
    let open = post(world, agent, &dispute, because()).await.ok().json();
    let reject = format!("/disputes/{}/reject", text(&open["disputes"][1]["id"]));
    assert_eq!(post(world, sven, &reject, json!({ "reason": "" })).await.refused("field_invalid"), "reason");
    let rejected =
        post(world, sven, &reject, json!({ "reason": "Not within half a minute." })).await.ok().json();
    assert_eq!(rejected["disputes"][1]["state"], "rejected");
    assert_eq!(rejected["summary"]["score"], 9_250);
    post(world, agent, &dispute, because()).await.refused("dispute_state");

    // Another score of theirs, too late.
    let other = Scene { recording: recorded(world, scene.mina).await, ..scene };
    let id = text(&other.score(&other.rita, answers(&[])).await["summary"]["id"]);
    other.world.pass(SignedDuration::from_hours(15 * 24));
    let agent = renew(&other.world, "mina").await;
    post(&other.world, &agent, &format!("/reviews/{id}/dispute"), because()).await.refused("dispute_state");
}

#[tokio::test]
async fn comments_belong_to_their_author_come_back_when_wanted_and_are_settled_by_anybody_who_scores() {
    let Scene { world, agent, rita, sven, recording, .. } = scene().await;
    let path = format!("/recordings/{recording}/comments");
    let wordless = json!({ "kind": "comment", "at_ms": 5 });
    assert_eq!(post(&world, &rita, &path, wordless).await.refused("field_invalid"), "text");
    let backwards = json!({ "kind": "comment", "at_ms": 5, "end_ms": 4, "text": "x" });
    assert_eq!(post(&world, &rita, &path, backwards).await.refused("field_invalid"), "end_ms");
    post(&world, &agent, &path, json!({ "kind": "bookmark", "at_ms": 1 })).await.refused("not_allowed");
    let late = json!({ "kind": "comment", "at_ms": 9000, "end_ms": 12000, "text": " Good words " });
    let late = post(&world, &rita, &path, late).await.ok().json();
    post(&world, &sven, &path, json!({ "kind": "bookmark", "at_ms": 300 })).await.ok();
    let seen = get(&world, &sven, &path).await.ok().json();
    assert_eq!((&seen[0]["kind"], &seen[0]["own"]), (&json!("bookmark"), &json!(true)));
    assert_eq!((&seen[1]["text"], &seen[1]["own"]), (&json!("Good words"), &json!(false)));

    let one = format!("/comments/{}", text(&late["id"]));
    let edit = json!({ "kind": "comment", "at_ms": 9500, "text": "Good words." });
    put(&world, &sven, &one, edit.clone()).await.refused("not_allowed");
    let edited = put(&world, &rita, &one, edit).await.ok().json();
    assert_eq!((&edited["at_ms"], &edited["end_ms"]), (&json!(9500), &Value::Null));
    assert!(edited["edited_at"].is_string());
    let resolved = format!("{one}/resolved");
    let settled = put(&world, &sven, &resolved, json!({ "resolved": true })).await.ok().json();
    assert_eq!(settled["resolved_by"]["name"], "Sven");
    assert_eq!(
        put(&world, &rita, &resolved, json!({ "resolved": false })).await.ok().json()["resolved_by"],
        Value::Null
    );

    delete(&world, &sven, &one).await.refused("not_allowed");
    delete(&world, &rita, &one).await.ok();
    assert_eq!(get(&world, &rita, &path).await.ok().json().as_array().unwrap().len(), 1);
    post(&world, &sven, &format!("{one}/restore"), json!({})).await.refused("not_found");
    assert_eq!(
        post(&world, &rita, &format!("{one}/restore"), json!({})).await.ok().json()["text"],
        "Good words."
    );

    // What is said about a recording goes with it; nothing brings it back.
    world.store.recording_deleted(recording, world.now(), "consent_withdrawn").await.unwrap();
    get(&world, &rita, &path).await.refused("not_found");
    post(&world, &rita, &format!("{one}/restore"), json!({})).await.refused("not_found");
}

#[tokio::test]
async fn scores_are_exported_one_row_each_and_no_cell_is_a_formula() {
    let scene = scene().await;
    let Scene { world, rita, sven, .. } = &scene;
    let mut given = answers(&[("greeting", no())]);
    given["comment"] = json!("=HYPERLINK(\"http://evil.example\")");
    given["answers"][0]["comment"] = json!("+1, \"maybe\"");
    scene.score(rita, given).await;
    let file = get(world, sven, "/reviews.csv").await.ok();
    assert!(file.header("content-type").starts_with("text/csv"));
    let file = file.text();
    let lines: Vec<&str> = file.split("\r\n").collect();
    assert_eq!(lines.len(), 3, "{file}");
    assert!(lines[0].contains("Video help: Did the agent greet"));
    assert!(
        lines[1].contains("\"92.50\",\"92.50\",\"\",\"'=HYPERLINK(\"\"http://evil.example\"\")\""),
        "{file}"
    );
    assert!(lines[1].contains("\"no\",\"'+1, \"\"maybe\"\"\""), "{file}");

    for (query, rows) in [
        ("from=2026-11-21&to=2026-11-21", 1),
        ("from=2026-11-22", 0),
        ("to=2026-11-20", 0),
        (&*format!("form={}", scene.form), 1),
        (&*format!("agent={}", scene.rita_id), 0),
    ] {
        let file = get(world, sven, &format!("/reviews.csv?{query}")).await.ok().text();
        assert_eq!(file.lines().count(), 1 + rows, "{query}");
    }
    assert_eq!(get(world, sven, "/reviews.csv?from=yesterday").await.refused("query_invalid"), "from");
}

#[tokio::test]
async fn a_score_is_found_by_searches_and_is_work_done_in_a_worklist() {
    let scene = scene().await;
    let Scene { world, mina, recording, rita, rita_id, .. } = &scene;
    let unscored = recorded(world, *mina).await;
    let found = async |query: &str| {
        let page = get(world, rita, &format!("/recordings?{query}")).await.ok().json();
        page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect::<Vec<_>>()
    };
    let picked = json!({
        "name": "Both", "recordings": [recording, unscored], "reviewers": [rita_id.to_string()],
    });
    let sample = post(world, rita, "/samples", picked).await.ok().json();
    assert!(found("score_min=0").await.is_empty());

    scene.score(rita, answers(&[])).await;
    assert_eq!(found("score_min=100").await, [recording.to_string()]);
    assert!(found("score_max=99").await.is_empty());
    assert_eq!(found("sort=newest").await, [unscored.to_string(), recording.to_string()]);
    assert_eq!(found("sort=lowest_score").await, [recording.to_string(), unscored.to_string()]);
    let path = format!("/samples/{}", text(&sample["id"]));
    assert_eq!(get(world, rita, &path).await.ok().json()["reviewed"], 1);
    let rule =
        json!({ "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": true });
    let fresh = json!({ "name": "Fresh", "rule": rule, "reviewers": [] });
    assert_eq!(post(world, rita, "/samples/preview", fresh).await.ok().json()["population"], 1);

    assert!(found("flag=noted").await.is_empty());
    let comment = json!({ "kind": "bookmark", "at_ms": 1_000 });
    post(world, rita, &format!("/recordings/{unscored}/comments"), comment).await.ok();
    assert_eq!(found("flag=noted").await, [unscored.to_string()]);
    let list = get(world, rita, "/recordings?flag=noted").await.ok().json();
    assert_eq!(list["items"][0]["flags"], json!(["noted"]));
}
