//! Who may do what: every route about calls, tickets, recordings and users asks the one table.

use axum::http::Method;
use protocol::call::Role;
use protocol::ids::RecordingId;
use protocol::rights::{Action, RightsChanges};
use serde_json::{Value, json};
use signaling::audit::Actor;
use signaling::auth::rights_of;

use crate::world::World;

/// A request, and the right without which it is refused.
struct Route {
    method: Method,
    path: String,
    body: Option<Value>,
    needs: Action,
}

/// Every route that asks for a right, about one call of an agent who is none of those asking.
fn routes(call: &str, ticket: &str, recording: &str, user: &str) -> Vec<Route> {
    use Action::{ManageUsers, PlayRecordings, ReadAllCalls, SeeRecordings, WrapUpForOthers};
    let get = |path: String, needs| Route { method: Method::GET, path, body: None, needs };
    let put = |path: String, body, needs| Route { method: Method::PUT, path, body: Some(body), needs };
    let wrapped = json!({ "outcome": "answered", "notes": "" });
    vec![
        get(format!("calls/{call}"), ReadAllCalls),
        get(format!("calls/{call}/quality"), ReadAllCalls),
        put(format!("calls/{call}/wrap-up"), wrapped, WrapUpForOthers),
        get(format!("tickets/{ticket}"), ReadAllCalls),
        get("recordings".into(), SeeRecordings),
        get(format!("recordings/{recording}"), PlayRecordings),
        get(format!("recordings/{recording}/tracks/buyer-camera-1"), PlayRecordings),
        get("users".into(), ManageUsers),
        get(format!("users/{user}"), ManageUsers),
        put(format!("users/{user}/rights"), json!({}), ManageUsers),
    ]
}

#[tokio::test]
async fn every_route_asks_the_table_for_every_role_and_what_was_granted_or_denied() {
    let world = World::new().await;
    let (agent, _) = world.staff("Mina", Role::Agent).await;
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let recording = RecordingId::new();
    world.store.recording_started(recording, call, world.now()).await.unwrap();
    world.archive.recordings.lock().unwrap().insert(recording, crate::recordings::index(recording));
    let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
    let ids = (call.to_string(), ticket.to_string(), recording.to_string(), agent.to_string());
    let routes = routes(&ids.0, &ids.1, &ids.2, &ids.3);

    for role in [Role::Agent, Role::Supervisor, Role::Reviewer, Role::Admin] {
        let (id, cookie) = world.staff(&format!("{role:?}"), role).await;
        for route in &routes {
            let mut actions = vec![None, Some((route.needs, false)), Some((route.needs, true))];
            // What lets a person see the call at all is not what is asked about here.
            if route.needs == Action::WrapUpForOthers {
                actions.truncate(2);
            }
            for change in actions {
                let changes = match change {
                    None => RightsChanges::default(),
                    Some((action, true)) => {
                        RightsChanges { grants: vec![action], ..RightsChanges::default() }
                    }
                    Some((action, false)) => {
                        RightsChanges { denials: vec![action], ..RightsChanges::default() }
                    }
                };
                world.store.set_rights(id, &changes, Actor::Operator).await.unwrap();
                let may = match change {
                    None => rights_of(role).contains(&route.needs),
                    Some((_, granted)) => granted,
                };
                let path = format!("/api/v1/{}", route.path);
                let answer = match &route.body {
                    Some(body) => world.json(route.method.clone(), &path, &cookie, body.clone()).await,
                    None => world.get(&path, &cookie).await,
                };
                let told = format!("{role:?} {change:?} {} {path}: {}", route.method, answer.text());
                // Calls of others are not there for those who may not see them.
                let is_refused =
                    matches!(answer.status.as_u16(), 403 | 404) && !answer.text().contains("no such track");
                assert_eq!(!is_refused, may, "{told}");
                assert!(answer.status.as_u16() < 500, "{told}");
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
