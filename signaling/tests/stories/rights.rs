//! Who may do what: every route of the API asks the one table of rights, and nobody sees what is another queue's.

use axum::http::Method;
use protocol::call::Role;
use protocol::exports::NewExport;
use protocol::rights::{Action, RightsChanges};
use serde_json::{Value, json};
use signaling::audit::Actor;
use signaling::auth::rights;
use signaling::http::api_routes;
use signaling::review::starter_form;
use uuid::Uuid;

use crate::review::answers;
use crate::world::{Answer, World};

/// Whom a route lets in.
#[derive(Clone, Copy)]
enum Needs {
    /// Everybody.
    Nothing,
    /// Who shows a token of a shop or of a visit; a login is of no use.
    Token,
    /// Who is logged in.
    Login,
    /// Who may do one of these.
    One(&'static [Action]),
    /// Who may do all of these.
    All(&'static [Action]),
}

/// What a route tells of.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// Nothing that belongs to a queue.
    Nothing,
    /// Many things: those of other queues are left out.
    Many,
    /// One thing: of another queue it is not there.
    One,
    /// The whole house, for which its right is enough.
    House,
}

/// A route, whom it lets in, and how it is asked.
struct Route {
    method: Method,
    /// As the router has it.
    path: &'static str,
    needs: Needs,
    of: Of,
    query: &'static str,
    body: fn(&Ids) -> Value,
    /// What somebody may not see is not there: refused with 404.
    hides: bool,
    /// Beyond the right only for whoever wrote it, or whose call it was.
    own: bool,
}

impl Route {
    fn asks(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    fn says(self, body: fn(&Ids) -> Value) -> Self {
        Self { body, ..self }
    }

    fn hides(self) -> Self {
        Self { hides: true, ..self }
    }

    fn own(self) -> Self {
        Self { own: true, ..self }
    }
}

fn on(method: Method, path: &'static str, needs: Needs, of: Of) -> Route {
    Route { method, path, needs, of, query: "", body: |_| json!({}), hides: false, own: false }
}

fn get(path: &'static str, needs: Needs, of: Of) -> Route {
    on(Method::GET, path, needs, of)
}

fn post(path: &'static str, needs: Needs, of: Of) -> Route {
    on(Method::POST, path, needs, of)
}

fn put(path: &'static str, needs: Needs, of: Of) -> Route {
    on(Method::PUT, path, needs, of)
}

fn delete(path: &'static str, needs: Needs, of: Of) -> Route {
    on(Method::DELETE, path, needs, of)
}

/// Every route there is. Bodies are well formed and ask for nothing that could be done, so that one scene serves all.
fn table() -> Vec<Route> {
    use Action::{
        DecideDisputes, DisputeScores, EraseRecordings, ExportRecordings, HoldRecordings, ManageForms,
        ManageUsers, PlayRecordings, PlayUnmasked, ReadAllCalls, ReadAudit, ReadOwnCalls, ScoreRecordings,
        SeeRecordings, TakeCalls, WrapUpForOthers,
    };
    use Needs::{All, Login, Nothing, One, Token};
    const CALLS: Needs = One(&[ReadOwnCalls, ReadAllCalls]);
    const OTHERS: Needs = All(&[ReadAllCalls]);
    const SEE: Needs = All(&[SeeRecordings]);
    const PLAY: Needs = All(&[PlayRecordings]);
    const EXPORT: Needs = All(&[ExportRecordings]);
    const ERASE: Needs = All(&[EraseRecordings]);
    const HOLD: Needs = All(&[HoldRecordings]);
    const AUDIT: Needs = All(&[ReadAudit]);
    const USERS: Needs = All(&[ManageUsers]);
    const SCORE: Needs = All(&[ScoreRecordings]);
    const FORMS: Needs = All(&[ManageForms]);
    const DISPUTE: Needs = All(&[DisputeScores]);
    const DECIDE: Needs = All(&[ScoreRecordings, DecideDisputes]);
    let why = |_: &Ids| json!({ "why": "" });
    let filter = |_: &Ids| json!({ "name": "", "query": "", "shared": false });
    let sample = |_: &Ids| json!({ "name": "", "query": "", "reviewers": [] });
    let scored = |_: &Ids| json!({ "answers": [] });
    let corrected = |_: &Ids| json!({ "answers": { "answers": [] }, "reason": "" });
    let comment = |_: &Ids| json!({ "kind": "comment", "at_ms": 0, "text": "" });
    vec![
        post("/login", Nothing, Of::Nothing).says(|_| json!({ "email": "nobody@lumen.example", "password": "x" })),
        post("/logout", Nothing, Of::Nothing),
        get("/signing-key", Nothing, Of::Nothing),
        post("/buyer-sessions", Token, Of::Nothing).says(|_| json!({ "language": "de" })),
        put("/calls/{id}/rating", Token, Of::Nothing).says(|_| json!({ "stars": 5 })),
        put("/subjects/aliases", Token, Of::Nothing).says(|_| json!({ "subject": "jana", "aliases": ["j"] })),
        get("/me", Login, Of::Nothing),
        get("/outcomes", Login, Of::Nothing),
        get("/queues", Login, Of::Nothing),
        get("/own-consent", All(&[TakeCalls]), Of::Nothing).asks("?language=en"),
        get("/calls", CALLS, Of::Many),
        get("/calls/{id}", OTHERS, Of::One).hides(),
        get("/calls/{id}/quality", OTHERS, Of::One).hides(),
        put("/calls/{id}/wrap-up", All(&[ReadAllCalls, WrapUpForOthers]), Of::One)
            .says(|_| json!({ "outcome": "answered", "notes": "" }))
            .hides(),
        put("/calls/{id}/flags/{flag}", OTHERS, Of::One).hides(),
        delete("/calls/{id}/flags/{flag}", OTHERS, Of::One).hides(),
        post("/calls/{id}/unmask", All(&[PlayUnmasked, ReadAllCalls]), Of::One)
            .says(|_| json!({ "why": "a claim" }))
            .hides(),
        get("/tickets", CALLS, Of::Many),
        get("/tickets/{id}", OTHERS, Of::One).hides(),
        get("/recordings", SEE, Of::Many),
        get("/recordings/facets", SEE, Of::Many),
        get("/recordings/{id}", PLAY, Of::One),
        get("/recordings/{id}/timeline", PLAY, Of::One),
        post("/recordings/{id}/plays", PLAY, Of::One).says(why),
        get("/recordings/{id}/tracks/{track}", PLAY, Of::One),
        get("/saved-filters", SEE, Of::Nothing),
        post("/saved-filters", SEE, Of::Nothing).says(filter),
        put("/saved-filters/{id}", SEE, Of::Nothing).says(filter),
        delete("/saved-filters/{id}", SEE, Of::Nothing),
        post("/saved-filters/{id}/restore", SEE, Of::Nothing),
        put("/saved-filters/{id}/default", SEE, Of::Nothing),
        delete("/saved-filters/{id}/default", SEE, Of::Nothing),
        get("/samples", SEE, Of::Many),
        post("/samples", SEE, Of::Nothing).says(sample),
        post("/samples/preview", SEE, Of::Nothing).says(sample),
        get("/samples/{id}", SEE, Of::One),
        put("/samples/{id}", SEE, Of::One).says(|_| json!({ "name": "", "reviewers": [] })).own(),
        delete("/samples/{id}", SEE, Of::One).own(),
        post("/samples/{id}/restore", SEE, Of::One).own(),
        post("/samples/{id}/resample", SEE, Of::One).own(),
        get("/samples/{id}/items", SEE, Of::One),
        get("/samples/{id}/items/{recording}", SEE, Of::One),
        put("/samples/{id}/items/{recording}", SEE, Of::One).says(|_| json!({ "reviewed": false })),
        get("/recordings/{id}/exports", EXPORT, Of::One),
        post("/recordings/{id}/exports", EXPORT, Of::One).says(|_| {
            json!({ "reason": "training", "redactions": [{ "start_ms": 99_000_000, "end_ms": 99_000_001 }] })
        }),
        get("/exports/{id}", EXPORT, Of::One),
        get("/exports/{id}/file", EXPORT, Of::One),
        post("/exports/{id}/retry", EXPORT, Of::One),
        delete("/exports/{id}", EXPORT, Of::One),
        get("/review/forms", SCORE, Of::Nothing),
        post("/review/forms", FORMS, Of::Nothing).says(|_| json!({ "content": starter_form() })),
        get("/review/forms/{id}", SCORE, Of::Nothing),
        put("/review/forms/{id}/draft", FORMS, Of::Nothing)
            .says(|_| json!({ "content": starter_form(), "revision": 0 })),
        delete("/review/forms/{id}/draft", FORMS, Of::Nothing),
        post("/review/forms/{id}/publish", FORMS, Of::Nothing).says(|_| json!({ "revision": 0 })),
        put("/review/forms/{id}/archived", FORMS, Of::Nothing).says(|_| json!({ "archived": false })),
        post("/review/forms/{id}/duplicate", FORMS, Of::Nothing),
        get("/review/form-versions/{id}", SCORE, Of::Nothing),
        get("/review/reviewers", SCORE, Of::Nothing),
        get("/recordings/{id}/reviews", SCORE, Of::One),
        post("/recordings/{id}/reviews", SCORE, Of::One)
            .says(|_| json!({ "form_version": "01935a3e-0000-7000-8000-000000000001" })),
        get("/recordings/{id}/calibration", SCORE, Of::One),
        get("/recordings/{id}/comments", SCORE, Of::One),
        post("/recordings/{id}/comments", SCORE, Of::One).says(comment),
        get("/reviews", SCORE, Of::Many),
        get("/reviews.csv", SCORE, Of::Many),
        get("/my-reviews", DISPUTE, Of::Many),
        get("/reviews/{id}", SCORE, Of::One).hides(),
        put("/reviews/{id}/draft", SCORE, Of::One).says(scored).own(),
        post("/reviews/{id}/submit", SCORE, Of::One).says(scored).own(),
        post("/reviews/{id}/revisions", SCORE, Of::One).says(corrected).own(),
        delete("/reviews/{id}", SCORE, Of::One).own(),
        post("/reviews/{id}/dispute", DISPUTE, Of::One).says(|_| json!({ "reason": "" })).own(),
        post("/reviews/{id}/second", SCORE, Of::One)
            .says(|_| json!({ "reviewer": "01935a3e-0000-7000-8000-000000000001" })),
        get("/disputes", SCORE, Of::Many),
        post("/disputes/{id}/accept", DECIDE, Of::One).says(corrected).hides(),
        post("/disputes/{id}/reject", DECIDE, Of::One).says(|_| json!({ "reason": "" })).hides(),
        // By no right: only the agent whose call it was.
        post("/disputes/{id}/withdraw", One(&[]), Of::One).hides().own(),
        get("/second-scores", SCORE, Of::Many),
        post("/second-scores/sample", FORMS, Of::Nothing).says(|_| json!({ "percent": 0, "days": 1 })),
        post("/second-scores/{id}/start", SCORE, Of::One).own(),
        delete("/second-scores/{id}", SCORE, Of::One),
        put("/comments/{id}", SCORE, Of::One).says(comment).own(),
        put("/comments/{id}/resolved", SCORE, Of::One).says(|_| json!({ "resolved": true })),
        delete("/comments/{id}", SCORE, Of::One).own(),
        post("/comments/{id}/restore", SCORE, Of::One).own(),
        post("/recordings/{id}/erase", ERASE, Of::One).says(why),
        get("/erasures", ERASE, Of::House),
        post("/erasures", ERASE, Of::One).says(|ids| json!({ "buyer_of": ids.recording, "why": "a claim" })),
        get("/erasures/{id}", ERASE, Of::House),
        get("/erasures/{id}/certificate", ERASE, Of::House),
        get("/holds", HOLD, Of::House),
        post("/holds", HOLD, Of::One).says(|ids| json!({ "recording": ids.recording, "why": "a claim" })),
        post("/holds/{id}/lift", HOLD, Of::House).says(why),
        get("/audit", AUDIT, Of::House),
        get("/audit/head", AUDIT, Of::House),
        get("/audit/verify", AUDIT, Of::House),
        get("/users", USERS, Of::House),
        get("/users/{id}", USERS, Of::House),
        put("/users/{id}/rights", USERS, Of::House),
    ]
}

/// What there is, by the first part of addresses that name it.
struct Ids {
    call: String,
    ticket: String,
    recording: String,
    others: Vec<(&'static str, String)>,
}

impl Ids {
    /// Ids of nothing: whoever is let in finds nothing, and whoever is not is told so before.
    fn unknown() -> Self {
        let id = || Uuid::now_v7().to_string();
        Self { call: id(), ticket: id(), recording: id(), others: Vec::new() }
    }

    fn address(&self, route: &Route) -> String {
        let kind = route.path.trim_start_matches('/').split("/{").next().unwrap_or_default();
        let id = match kind {
            "calls" => self.call.clone(),
            "tickets" => self.ticket.clone(),
            "recordings" => self.recording.clone(),
            other => {
                let known = self.others.iter().find(|(known, _)| *known == other);
                known.map_or_else(|| Uuid::now_v7().to_string(), |(_, id)| id.clone())
            }
        };
        let path = route.path.replace("{id}", &id).replace("{recording}", &self.recording);
        let path = path.replace("{track}", "buyer-camera-1").replace("{flag}", "complaint");
        format!("/api/v1{path}{}", route.query)
    }
}

async fn ask(world: &World, route: &Route, ids: &Ids, cookie: &str) -> Answer {
    let address = ids.address(route);
    match route.method {
        Method::GET => world.get(&address, cookie).await,
        _ => world.json(route.method.clone(), &address, cookie, (route.body)(ids)).await,
    }
}

/// Whether somebody was not let in; everything else that may be wrong with a request does not matter here.
fn is_refused(route: &Route, answer: &Answer) -> bool {
    let kind = || answer.json()["type"].as_str().unwrap_or_default().to_owned();
    match answer.status.as_u16() {
        401 => true,
        403 => kind() == "/problems/not_allowed",
        404 => route.hides,
        _ => false,
    }
}

/// A call of Mina's in the queue "support" and everything that can be about one.
struct Scene {
    world: World,
    ids: Ids,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let (mina, agent) = world.staff("Mina", Role::Agent).await;
        let (_, rita) = world.staff("Rita", Role::Reviewer).await;
        let (sven_id, sven) = world.staff("Sven", Role::Supervisor).await;
        let (call, recording) = crate::erasure::call_of(&world, mina, "jana").await;
        world.archive.recordings.lock().unwrap().insert(recording, crate::recordings::index(recording));
        let file = world.dir.path().join("camera");
        std::fs::write(&file, "media").unwrap();
        world.archive.files.lock().unwrap().insert((recording, "buyer-camera-1".into()), file);
        let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
        let made = async |path: String, who: &str, body: Value| {
            world.json(Method::POST, &format!("/api/v1{path}"), who, body).await.ok().json()
        };
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        let form = made("/review/forms".into(), &sven, json!({ "content": starter_form() })).await;
        let id = text(&form["id"]);
        let publish = format!("/review/forms/{id}/publish");
        let form = made(publish, &sven, json!({ "revision": form["revision"] })).await;
        let version = text(&form["published"]["id"]);
        let begin = format!("/recordings/{recording}/reviews");
        let draft = made(begin, &rita, json!({ "form_version": version })).await;
        let review = text(&draft["summary"]["id"]);
        made(format!("/reviews/{review}/submit"), &rita, answers(&[])).await;
        let disputed = made(format!("/reviews/{review}/dispute"), &agent, json!({ "reason": "no" })).await;
        // Asked of one person, or nobody else who scores would see the score.
        let ravi = json!({ "reviewer": world.staff("Ravi", Role::Reviewer).await.0 });
        let second = made(format!("/reviews/{review}/second"), &sven, ravi).await;
        let comment = json!({ "kind": "comment", "at_ms": 0, "text": "Novak laughs" });
        let comment = made(format!("/recordings/{recording}/comments"), &rita, comment).await;
        let sample = json!({ "name": "All", "query": "", "recordings": [recording], "reviewers": [] });
        let sample = made("/samples".into(), &rita, sample).await;
        let filter = json!({ "name": "Mine", "query": "", "shared": true });
        let filter = made("/saved-filters".into(), &rita, filter).await;
        let new = NewExport { reason: "training".into(), timestamps: false, redactions: Vec::new() };
        let export = world.exporter.ask(recording, new, sven_id, "Sven").await.unwrap();
        let others = vec![
            ("users", mina.to_string()),
            ("review/forms", id),
            ("review/form-versions", version),
            ("reviews", review),
            ("disputes", text(&disputed["disputes"][0]["id"])),
            ("second-scores", text(&second["id"])),
            ("comments", text(&comment["id"])),
            ("samples", text(&sample["id"])),
            ("saved-filters", text(&filter["id"])),
            ("exports", export.id.to_string()),
        ];
        let ids = Ids {
            call: call.to_string(),
            ticket: ticket.to_string(),
            recording: recording.to_string(),
            others,
        };
        Self { world, ids }
    }
}

#[test]
fn every_route_of_the_router_is_in_the_table_and_nothing_else() {
    let mut built: Vec<String> =
        api_routes().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    let mut told: Vec<String> =
        table().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    built.sort();
    told.sort();
    assert_eq!(built, told, "a new route belongs into the table of this test");
}

#[tokio::test]
async fn without_a_login_every_route_refuses_but_those_for_everybody() {
    let Scene { world, ids } = Scene::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    for route in table() {
        let told = format!("{} {}", route.method, route.path);
        let answer = ask(&world, &route, &ids, "").await;
        match route.needs {
            Needs::Nothing => {
                assert!(!answer.text().contains("/problems/not_logged_in"), "{told}: {}", answer.text())
            }
            Needs::Token => {
                answer.refused("token_missing");
                ask(&world, &route, &ids, &admin).await.refused("token_missing");
            }
            Needs::Login | Needs::One(_) | Needs::All(_) => {
                assert_eq!(answer.status, 401, "{told}: {}", answer.text());
                answer.refused("not_logged_in");
            }
        }
    }
}

#[tokio::test]
async fn every_route_asks_the_table_for_every_role_and_what_was_granted_or_denied() {
    let Scene { world, ids } = Scene::new().await;
    let unknown = Ids::unknown();
    for role in [Role::Agent, Role::Supervisor, Role::Reviewer, Role::Admin] {
        let (id, cookie) = world.staff(&format!("{role:?}"), role).await;
        for route in table() {
            let actions = match route.needs {
                Needs::Nothing | Needs::Token => continue,
                Needs::Login => &[],
                Needs::One(actions) | Needs::All(actions) => actions,
            };
            let granted = RightsChanges { grants: actions.to_vec(), ..RightsChanges::default() };
            let mut changes = vec![RightsChanges::default(), granted.clone()];
            // Each of them alone is missing, and all of them.
            let missing = actions.iter().map(std::slice::from_ref).chain([actions]);
            changes.extend(
                missing.map(|denials| RightsChanges { denials: denials.to_vec(), ..granted.clone() }),
            );
            for change in changes {
                world.store.set_rights(id, &change, Actor::Operator).await.unwrap();
                let has = |action: &Action| rights(role, &change).contains(action);
                let may = match route.needs {
                    Needs::One(actions) => actions.iter().any(has),
                    Needs::All(actions) => actions.iter().all(has),
                    Needs::Nothing | Needs::Token | Needs::Login => true,
                };
                // Where a refusal is told from something that is not there, there is nothing, and nothing is changed.
                let answer = ask(&world, &route, if route.hides { &ids } else { &unknown }, &cookie).await;
                let told = format!("{role:?} {change:?} {} {}: {}", route.method, route.path, answer.text());
                assert_eq!(!is_refused(&route, &answer), may, "{told}");
                assert!(answer.status.as_u16() < 500, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_partner_of_another_queue_finds_nothing_by_any_route_whatever_else_they_may() {
    let Scene { world, ids } = Scene::new().await;
    let (partner, cookie) = world.staff("Pia", Role::Admin).await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let queues = Some(vec!["lamps".to_owned()]);
    let changes = RightsChanges { queues, ..RightsChanges::default() };
    world.store.set_rights(partner, &changes, Actor::Operator).await.unwrap();
    for route in table() {
        let told = format!("{} {}", route.method, route.path);
        match route.of {
            Of::Nothing | Of::House => {}
            Of::Many => {
                let answer = ask(&world, &route, &ids, &cookie).await.ok().text();
                let about = ["reviews", "disputes", "second-scores", "comments", "exports"];
                let about = ids.others.iter().filter(|(kind, _)| about.contains(kind)).map(|(_, id)| id);
                for id in [&ids.call, &ids.ticket, &ids.recording].into_iter().chain(about) {
                    assert!(!answer.contains(id.as_str()), "{told}: {answer}");
                }
                assert!(!answer.contains("V-1001") && !answer.contains("Mina"), "{told}: {answer}");
            }
            Of::One => {
                let answer = ask(&world, &route, &ids, &cookie).await;
                let of_others = route.own && answer.status == 403;
                assert!(answer.status == 404 || of_others, "{told}: {}", answer.text());
                // It is there, for somebody without bounds.
                if !route.own {
                    let answer = ask(&world, &route, &ids, &admin).await;
                    assert!(!matches!(answer.status.as_u16(), 401 | 403 | 404), "{told}: {}", answer.text());
                }
            }
        }
    }
}

#[tokio::test]
async fn an_admin_changes_rights_and_the_open_login_feels_it() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let (rita, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let path = format!("/api/v1/users/{rita}/rights");
    let changes =
        json!({ "grants": ["export_recordings"], "denials": ["play_recordings"], "queues": ["lamps"] });
    let after = world.json(Method::PUT, &path, &admin, changes.clone()).await.ok().json();
    assert_eq!(after["changes"], changes);
    assert_eq!(
        after["rights"],
        json!([
            "read_own_calls",
            "read_all_calls",
            "see_recordings",
            "export_recordings",
            "score_recordings"
        ])
    );
    let me = world.get("/api/v1/me", &reviewer).await.ok().json();
    assert_eq!((&me["rights"], &me["queues"]), (&after["rights"], &json!(["lamps"])));
    world.json(Method::PUT, &path, &reviewer, json!({})).await.refused("not_allowed");

    world.json(Method::PUT, &path, &admin, json!({})).await.ok();
    let me = world.get("/api/v1/me", &reviewer).await.ok().json();
    assert_eq!(
        me["rights"],
        json!(["read_own_calls", "read_all_calls", "see_recordings", "play_recordings", "score_recordings"])
    );
    assert!(me.get("queues").is_none());
}

#[tokio::test]
async fn rights_that_make_no_sense_are_refused_and_an_admin_cannot_lock_themselves_out() {
    let world = World::new().await;
    let (ada, admin) = world.staff("Ada", Role::Admin).await;
    let (rita, _) = world.staff("Rita", Role::Reviewer).await;
    let put =
        async |id, body| world.json(Method::PUT, &format!("/api/v1/users/{id}/rights"), &admin, body).await;
    let twice = json!({ "grants": ["play_unmasked"], "denials": ["play_unmasked"] });
    assert_eq!(put(rita, twice).await.refused("field_invalid"), "denials");
    assert_eq!(put(rita, json!({ "queues": [" "] })).await.refused("field_invalid"), "queues");
    assert_eq!(put(rita, json!({ "grants": ["fly"] })).await.refused("body_malformed"), "grants[0]");
    assert_eq!(put(ada, json!({ "denials": ["manage_users"] })).await.refused("field_invalid"), "denials");
    put(ada, json!({ "denials": ["take_calls"] })).await.ok();
    assert_eq!(put(protocol::ids::UserId::new(), json!({})).await.refused("not_found"), "id");
}
