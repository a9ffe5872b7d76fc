//! Who did what is logged, and the log tells when somebody changed it.

use axum::http::Method;
use jiff::SignedDuration;
use protocol::audit::{AuditEvent, AuditReport, Signed, SigningKeyInfo};
use protocol::call::Role;
use protocol::ids::{ReceiptId, RecordingId};
use protocol::rest::{ConsentReceipt, RecordedSide};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use signaling::audit::checkpoint::{Checkpoints, FILE_NAME};
use signaling::audit::{Actor, Note};
use signaling::auth::{MasterKey, PublicKey, SigningKey};
use signaling::store::{AuditFilter, Store};

use crate::world::{PASSWORD, World};

async fn events(world: &World, cookie: &str, query: &str) -> Vec<String> {
    let page = world.get(&format!("/api/v1/audit?{query}"), cookie).await.ok().json();
    page["items"].as_array().unwrap().iter().map(|item| item["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn playing_is_logged_once_a_sitting_and_not_once_a_part() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let (rita, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let (agent, _) = world.staff("Mina", Role::Agent).await;
    let dir = tempfile::tempdir().unwrap();
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let recording = crate::recordings::recorded(&world, dir.path(), call).await;
    let track = format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1");
    for _ in 0..5 {
        world.get(&track, &reviewer).await.ok();
    }
    let query = format!("about=recording:{recording}");
    assert_eq!(events(&world, &admin, &query).await, ["recording_played"]);
    world.pass(SignedDuration::from_mins(31));
    world.get(&track, &reviewer).await.ok();
    world.get(&track, &admin).await.ok();
    let page = world.get(&format!("/api/v1/audit?{query}"), &admin).await.ok().json();
    let who: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["actor_name"]).collect();
    assert_eq!(who, ["Ada", "Rita", "Rita"]);
    assert_eq!(page["items"][1]["actor"], format!("user:{rita}"));
}

#[tokio::test]
async fn who_says_what_for_is_quoted() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let (agent, agents) = world.staff("Mina", Role::Agent).await;
    let dir = tempfile::tempdir().unwrap();
    let call = world.call(agent, "AUR-3", "Aurora").await;
    let recording = crate::recordings::recorded(&world, dir.path(), call).await;
    let path = format!("/api/v1/recordings/{recording}/plays");
    let post =
        async |cookie: &str, why: &str| world.json(Method::POST, &path, cookie, json!({ "why": why })).await;
    assert_eq!(post(&admin, " complaint 17 ").await.status, 204);
    assert_eq!(post(&admin, " ").await.refused("field_invalid"), "why");
    assert_eq!(post(&admin, &"x".repeat(501)).await.refused("field_invalid"), "why");
    post(&agents, "curious").await.refused("not_allowed");
    world.get(&format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1"), &admin).await.ok();
    let page = world.get("/api/v1/audit?event=recording_played", &admin).await.ok().json();
    let why: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["why"]).collect();
    assert_eq!(why, ["complaint 17"]);
}

#[tokio::test]
async fn logins_consents_rights_and_deletions_are_logged_by_themselves() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    world.staff_with_password("mina@lumen.example").await;
    let login = async |email: &str, password: &str| {
        world.json(Method::POST, "/api/v1/login", "", json!({ "email": email, "password": password })).await
    };
    login("mina@lumen.example", "guess").await.refused("bad_login");
    login("hunter2", "guess").await.refused("bad_login");
    login("mina@lumen.example", PASSWORD).await.ok();
    let mina = world.store.user_by_email("mina@lumen.example").await.unwrap().unwrap().id;
    world
        .json(Method::PUT, &format!("/api/v1/users/{mina}/rights"), &admin, json!({ "queues": ["a"] }))
        .await
        .ok();
    let call = world.call(mina, "AUR-3", "Aurora").await;
    let receipt = ConsentReceipt {
        id: ReceiptId::new(),
        side: RecordedSide::Buyer,
        subject: "buyer-7".into(),
        recording: true,
        text_version: "2026-11-30".into(),
        text_sha256: "ab".repeat(32),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: world.now(),
    };
    world.store.add_receipt(call, receipt).await.unwrap();
    let recording = RecordingId::new();
    world.store.recording_started(recording, call, world.now()).await.unwrap();
    for _ in 0..2 {
        world.store.recording_deleted(recording, world.now(), "retention").await.unwrap();
    }
    assert_eq!(
        events(&world, &admin, "").await,
        [
            "recording_deleted",
            "consent_chosen",
            "rights_changed",
            "login_succeeded",
            "login_failed",
            "login_failed"
        ]
    );
    let all = world.get("/api/v1/audit", &admin).await.ok().text();
    for private in ["buyer-7", "hunter2", "guess"] {
        assert!(!all.contains(private), "{private} is in the log: {all}");
    }
    assert_eq!(
        events(&world, &admin, &format!("about=user:{mina}")).await,
        ["rights_changed", "login_failed"]
    );
}

#[tokio::test]
async fn the_log_is_read_page_by_page_by_those_who_may() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    let (_, supervisor) = world.staff("Sven", Role::Supervisor).await;
    for number in 0..5 {
        world
            .store
            .note(Note::new(Actor::Server, AuditEvent::Exported).about(format!("export:{number}")))
            .await
            .unwrap();
    }
    let first = world.get("/api/v1/audit?limit=2", &admin).await.ok().json();
    let numbers = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|item| item["number"].as_i64().unwrap()).collect()
    };
    assert_eq!((numbers(&first), &first["next"]), (vec![5, 4], &json!("4")));
    let rest = world.get("/api/v1/audit?limit=3&before=4", &admin).await.ok().json();
    assert_eq!((numbers(&rest), rest.get("next")), (vec![3, 2, 1], None));
    assert_eq!(world.get("/api/v1/audit?before=x", &admin).await.refused("query_invalid"), "before");
    assert_eq!(world.get("/api/v1/audit?event=dance", &admin).await.refused("query_invalid"), "event");
    for path in ["audit", "audit/head", "audit/verify"] {
        world.get(&format!("/api/v1/{path}"), &supervisor).await.refused("not_allowed");
        world.get(&format!("/api/v1/{path}"), "").await.refused("not_logged_in");
    }
    let report: AuditReport =
        serde_json::from_value(world.get("/api/v1/audit/verify", &admin).await.ok().json()).unwrap();
    assert_eq!((report.good, report.broken), (5, None));
}

#[tokio::test]
async fn a_head_is_signed_with_the_key_that_everybody_can_ask_for() {
    let world = World::new().await;
    let (_, admin) = world.staff("Ada", Role::Admin).await;
    world.get("/api/v1/audit/head", &admin).await.refused("not_found");
    world.store.note(Note::new(Actor::Server, AuditEvent::Exported)).await.unwrap();
    let key: SigningKeyInfo =
        serde_json::from_value(world.get("/api/v1/signing-key", "").await.ok().json()).unwrap();
    let head: Signed<protocol::audit::AuditHead> =
        serde_json::from_value(world.get("/api/v1/audit/head", &admin).await.ok().json()).unwrap();
    assert_eq!(head.statement.entries, 1);
    assert!(PublicKey::from_base64(&key.public_key).unwrap().verifies(&head));
}

/// A log of five entries in a file, and the file opened by somebody who knows SQL.
struct Tampered {
    dir: tempfile::TempDir,
    store: Store,
    sql: DatabaseConnection,
    key: SigningKey,
}

impl Tampered {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vitrine.sqlite");
        let store = Store::open(&file, MasterKey::generate()).await.unwrap();
        for number in 0..5 {
            let note =
                Note::new(Actor::Operator, AuditEvent::Exported).about(format!("export:{number}")).why("why");
            store.note(note).await.unwrap();
        }
        let sql = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
        Self { dir, store, sql, key: SigningKey::generate() }
    }

    async fn sql(&self, statement: &str) {
        self.sql.execute_unprepared(statement).await.unwrap();
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.dir.path(), self.key.clone())
    }

    async fn broken_at(&self) -> Option<i64> {
        self.checkpoints().verify(&self.store, &[]).await.unwrap().broken.map(|broken| broken.number)
    }
}

#[tokio::test]
async fn an_entry_that_was_changed_taken_out_or_moved_is_found() {
    for (statements, number) in [
        (vec!["UPDATE audit SET why = 'other' WHERE number = 3"], 3),
        (vec!["UPDATE audit SET actor = 'server' WHERE number = 1"], 1),
        (vec!["UPDATE audit SET at = at + 1 WHERE number = 5"], 5),
        (vec!["DELETE FROM audit WHERE number = 2"], 2),
        (
            vec![
                "DELETE FROM audit WHERE number = 2",
                "UPDATE audit SET number = number - 1 WHERE number > 2",
            ],
            2,
        ),
        (
            vec![
                "UPDATE audit SET number = 9 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 4",
                "UPDATE audit SET number = 4 WHERE number = 9",
            ],
            3,
        ),
        (vec!["DELETE FROM audit WHERE number > 3"], 4),
    ] {
        let log = Tampered::new().await;
        assert_eq!(log.broken_at().await, None);
        for statement in &statements {
            log.sql(statement).await;
        }
        assert_eq!(log.broken_at().await, Some(number), "{statements:?}");
    }
}

#[tokio::test]
async fn a_log_cut_off_with_its_counter_is_found_by_a_signed_head() {
    let log = Tampered::new().await;
    let cut = ["DELETE FROM audit WHERE number > 3", "UPDATE counters SET value = 3 WHERE name = 'audit'"];
    let kept = log.checkpoints().head(&log.store).await.unwrap().unwrap();
    assert!(log.checkpoints().sign(&log.store).await.unwrap().is_some());
    assert!(log.checkpoints().sign(&log.store).await.unwrap().is_none(), "nothing has happened since");
    assert_eq!(log.broken_at().await, None);
    for statement in cut {
        log.sql(statement).await;
    }
    assert_eq!(log.broken_at().await, Some(4));
    // Two more do not hide it: the fifth has another hash now.
    for _ in 0..2 {
        log.store.note(Note::new(Actor::Operator, AuditEvent::Exported)).await.unwrap();
    }
    assert_eq!(log.broken_at().await, Some(5));

    // Whoever cut the log cuts the file of heads, too. The copy that was kept elsewhere still tells.
    std::fs::remove_file(log.dir.path().join(FILE_NAME)).unwrap();
    assert_eq!(log.broken_at().await, None);
    let report = log.checkpoints().verify(&log.store, std::slice::from_ref(&kept)).await.unwrap();
    assert_eq!(report.broken.unwrap().number, 5);
    // And a head made up to fit is not signed by us.
    let mut forged = kept;
    forged.statement.hash = log.store.audit_head().await.unwrap().unwrap().hash;
    let report = log.checkpoints().verify(&log.store, &[forged]).await.unwrap();
    assert!(report.broken.unwrap().what.contains("signed by another key"));
}

#[tokio::test]
async fn many_writers_make_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vitrine.sqlite");
    // Two processes: the server and the command line.
    let stores = [
        Store::open(&file, MasterKey::generate()).await.unwrap(),
        Store::open(&file, MasterKey::generate()).await.unwrap(),
    ];
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        writers.spawn(async move { store.note(Note::new(Actor::Operator, AuditEvent::Exported)).await });
    }
    for written in writers.join_all().await {
        written.unwrap();
    }
    let report = stores[0].verify_audit(Vec::new()).await.unwrap();
    assert_eq!((report.good, report.broken), (40, None));
    let page = stores[1].audit(&AuditFilter::default(), Some(200), None).await.unwrap();
    assert_eq!(page.items.len(), 40);
}
