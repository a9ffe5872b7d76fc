//! A buyer's name in every place that holds free text; after the erasure it is in none of them, nor in any file. Every text
//! column there is has to be named here, and every table in `docs/erasure.md`: who adds one has to decide.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use protocol::call::{BuyerContext, ChatLine, EndReason, Order, Product, Role};
use protocol::ids::{BuyerSessionId, CallId, PartyId, ReceiptId, RecordingId, UserId};
use protocol::rating::{NewRating, Stars};
use protocol::rest::{ConsentReceipt, RecordedSide, WrapUp};
use recorder::Side;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::json;
use signaling::auth::SigningKey;
use signaling::erasure::{Eraser, Exports, run_all};
use signaling::store::{NewBuyerVisit, NewCall, RowState};

use crate::review::{answers, delete, get, post, published_form, put, scored, text};
use crate::studio::Studio;
use crate::world::{DATABASE, World};

/// In lower case; nobody and nothing else in these stories has it in its name.
const NAME: &str = "novak";

/// Where the name stands before the erasure, columns that keep what people or shops have written.
const FREE: [&str; 23] = [
    "buyer_sessions.context",
    "call_subjects.subject",
    "calls.context",
    "chat_lines.name",
    "chat_lines.text",
    "disputes.answer",
    "disputes.reason",
    "exports.reason",
    "holds.subject",
    "ratings.comment",
    "receipts.subject",
    "review_revisions.answers",
    "review_revisions.reason",
    "reviews.draft",
    "samples.name",
    "samples.query",
    "saved_filters.name",
    "saved_filters.query",
    "subject_aliases.alias",
    "subject_aliases.subject",
    "tickets.notes",
    "tickets.notes_search",
    "timeline_comments.text",
];

/// And while an erasure is asked for and not done.
const ASKED: &str = "erasures.subject";

/// Text columns in which no buyer is named: names of the wire protocol, numbers as JSON, names of staff and products, hashes,
/// and reasons that the name is taken out of before they are written.
const OTHERS: [&str; 79] = [
    "api_keys.answered_by",
    "api_keys.id",
    "api_keys.shop",
    "api_keys.shop_name",
    "audit.about",
    "audit.actor",
    "audit.detail",
    "audit.event",
    "audit.why",
    "buyer_sessions.answered_by",
    "buyer_sessions.language",
    "buyer_sessions.shop",
    "call_events.event",
    "call_flags.flag",
    "call_subjects.shop",
    "calls.country",
    "calls.end_reason",
    "calls.language",
    "calls.queue",
    "calls.search",
    "calls.sku",
    "calls.state",
    "counters.name",
    "disputes.decided_by_name",
    "disputes.questions",
    "disputes.state",
    "erasures.certificate",
    "erasures.shop",
    "erasures.subject_sha256",
    "erasures.trouble",
    "erasures.why",
    "exports.by_name",
    "exports.error",
    "exports.redactions",
    "exports.status",
    "holds.placed_by",
    "holds.shop",
    "holds.why",
    "quality_chunks.points",
    "receipts.language",
    "receipts.purpose",
    "receipts.side",
    "receipts.text_sha256",
    "receipts.text_version",
    "recording_pauses.reason",
    "recordings.deleted_reason",
    "review_form_versions.content",
    "review_forms.draft",
    "review_forms.queue",
    "review_revisions.author_name",
    "review_revisions.scored",
    "reviews.agent_name",
    "reviews.reviewer_name",
    "reviews.state",
    "sample_items.stratum",
    "samples.reviewers",
    "samples.rule",
    "second_scores.asked_by_name",
    "second_scores.reviewer_name",
    "staff_receipts.language",
    "staff_receipts.purpose",
    "staff_receipts.text_sha256",
    "staff_receipts.text_version",
    "subject_aliases.shop",
    "tickets.agent_name",
    "tickets.notes_masked",
    "tickets.outcome",
    "tickets.search",
    "timeline_comments.author_name",
    "timeline_comments.kind",
    "timeline_comments.resolved_by_name",
    "used_tokens.api_key",
    "used_tokens.jti",
    "users.country",
    "users.email",
    "users.name",
    "users.password_hash",
    "users.rights",
    "users.role",
];

fn context() -> BuyerContext {
    BuyerContext {
        subject: "novak-77".into(),
        name: Some("Jana Novak".into()),
        language: "de-AT".into(),
        country: Some("AT".into()),
        product: Some(Product {
            sku: "AUR-3".into(),
            name: "Aurora".into(),
            url: Some("https://lumen.example/p?mail=novak".into()),
            ..Product::default()
        }),
        order: Some(Order { number: "NOVAK-9001".into(), status: "sent".into(), ..Order::default() }),
        summary: Some("Novak says it flickers".into()),
        ..BuyerContext::default()
    }
}

async fn visit(world: &World) -> BuyerSessionId {
    let id = BuyerSessionId::new();
    let visit = NewBuyerVisit {
        id,
        token: signaling::auth::secret::token(),
        shop: "lumen".into(),
        answered_by: "Lumen & Co.".into(),
        language: "de".into(),
        context: context(),
        expires_at: world.now() + SignedDuration::from_hours(8),
    };
    world.store.insert_buyer_session(visit).await.unwrap();
    id
}

/// A call with everything the server itself keeps of it.
async fn call_with_everything(world: &World, agent: UserId) -> (CallId, RecordingId) {
    let (id, session) = (CallId::new(), visit(world).await);
    let store = &world.store;
    let new = NewCall { id, session, queue: "support".into(), context: context(), requested_at: world.now() };
    store.insert_call(new).await.unwrap();
    store.call_accepted(id, agent, world.now()).await.unwrap();
    let line = ChatLine { number: 1, from: PartyId::new(), text: "Novak here".into(), at: world.now() };
    store.add_chat(id, line.from, "Jana Novak", &line).await.unwrap();
    let receipt = ConsentReceipt {
        id: ReceiptId::new(),
        side: RecordedSide::Buyer,
        subject: "novak-77".into(),
        recording: true,
        text_version: "1".into(),
        text_sha256: "ab".repeat(32),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: world.now(),
    };
    store.add_receipt(id, receipt).await.unwrap();

    let mut studio = Studio::new(&world.recorder, id, world.now()).await;
    "Jana Novak".clone_into(&mut studio.buyer);
    let receipt = recorder::Receipt {
        side: Some(Side::Buyer),
        subject: "novak-77".into(),
        recording: true,
        text_version: "1".into(),
        text_sha256: "ab".repeat(32),
        language: "de".into(),
        purpose: "quality_review".into(),
        at: sfu::NodeTime(0),
    };
    studio.handle.add_receipt(receipt).await;
    studio.voice(Side::Buyer, 0, 1_000, |_| 440);
    let recording = studio.id;
    let duration_ms = studio.handle.stop().await.duration_ms as u32;
    let state = RowState::Complete { duration_ms };
    store.recording_linked(recording, id, world.now(), &state).await.unwrap();

    store.call_ended(id, world.now(), EndReason::BuyerHungUp).await.unwrap();
    let written = WrapUp { outcome: "answered".into(), notes: "Novak is happy".into() };
    store.wrap_up(id, written, agent).await.unwrap();
    let comment = Some("Thanks, Jana Novak".to_owned());
    store.rate(id, session, NewRating { stars: Stars::try_from(5).unwrap(), comment }).await.unwrap();
    (id, recording)
}

/// Scores, comments, disputes, exports, saved things and holds in which staff name the buyer.
async fn written_by_staff(world: &World, mina: &str, call: CallId, recording: RecordingId) {
    let (_, rita) = world.staff("Rita", Role::Reviewer).await;
    let (_, olga) = world.staff("Olga", Role::Reviewer).await;
    let (_, ada) = world.staff("Ada", Role::Admin).await;
    let (_, version) = published_form(world, &ada).await;
    let mut given = answers(&[]);
    given["comment"] = json!("Novak waits");
    given["answers"][0]["comment"] = json!("Jana Novak is greeted");
    let review = scored(world, &rita, recording, &version, given.clone()).await;
    let path = format!("/reviews/{}", text(&review["summary"]["id"]));
    let revision = json!({ "answers": given, "reason": "Novak called twice" });
    post(world, &rita, &format!("{path}/revisions"), revision).await.ok();
    let reviews = format!("/recordings/{recording}/reviews");
    let draft = post(world, &olga, &reviews, json!({ "form_version": version })).await.ok().json();
    put(world, &olga, &format!("/reviews/{}/draft", text(&draft["summary"]["id"])), given).await.ok();
    let open =
        post(world, mina, &format!("{path}/dispute"), json!({ "reason": "Novak was late" })).await.ok();
    let reject = format!("/disputes/{}/reject", text(&open.json()["disputes"][0]["id"]));
    post(world, &ada, &reject, json!({ "reason": "Novak was not" })).await.ok();
    let comment = json!({ "kind": "comment", "at_ms": 5, "text": "Novak speaks" });
    let comments = format!("/recordings/{recording}/comments");
    post(world, &rita, &comments, comment.clone()).await.ok();
    let second = post(world, &rita, &comments, comment).await.ok().json();
    delete(world, &rita, &format!("/comments/{}", text(&second["id"]))).await.ok();

    let filter = json!({ "name": "Novak's calls", "query": "q=jana+novak", "shared": true });
    post(world, &rita, "/saved-filters", filter).await.ok();
    let rule =
        json!({ "amount": { "kind": "share", "percent": 100 }, "per": "all", "exclude_reviewed": false });
    let drawn =
        json!({ "name": "Calls of Novak", "recordings": [recording], "query": "q=novak", "reviewers": [] });
    post(world, &ada, "/samples", drawn).await.ok();
    let other = json!({ "name": "Aurora lamps", "query": "q=aurora", "rule": rule, "reviewers": [] });
    post(world, &ada, "/samples", other).await.ok();
    put(world, &ada, &format!("/calls/{call}/flags/complaint"), json!({})).await.ok();

    let exports = format!("/recordings/{recording}/exports");
    let export = post(world, &ada, &exports, json!({ "reason": "Novak asked" })).await.ok().json();
    let export = text(&export["id"]);
    wait_for(world, &ada, &export).await;
    get(world, &ada, &format!("/exports/{export}/file")).await.ok();
    for (path, body) in [
        (format!("/calls/{call}/unmask"), json!({ "why": "Novak complained" })),
        (format!("/recordings/{recording}/plays"), json!({ "why": "Novak complained" })),
    ] {
        post(world, &ada, &path, body).await.ok();
    }
    for held in
        [json!({ "recording": recording }), json!({ "subject": { "shop": "lumen", "subject": "novak-77" } })]
    {
        let mut hold = held;
        hold["why"] = json!("Novak's lawyer wrote");
        let placed = post(world, &ada, "/holds", hold).await.ok().json();
        let lift = format!("/holds/{}/lift", text(&placed["id"]));
        post(world, &ada, &lift, json!({ "why": "Novak's case is closed" })).await.ok();
    }
}

async fn wait_for(world: &World, cookie: &str, export: &str) {
    for _ in 0..3_000 {
        match get(world, cookie, &format!("/exports/{export}")).await.ok().json()["status"].as_str() {
            Some("queued" | "running") => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            status => return assert_eq!(status, Some("done")),
        }
    }
    panic!("the export is never made");
}

/// The database's file, read beside the server.
struct Raw(DatabaseConnection);

impl Raw {
    async fn open(world: &World) -> Self {
        let file = world.dir.path().join(DATABASE);
        Self(Database::connect(format!("sqlite://{}?mode=ro", file.display())).await.unwrap())
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let query = Statement::from_string(self.0.get_database_backend(), sql.to_owned());
        let rows = self.0.query_all_raw(query).await.unwrap();
        rows.iter().filter_map(|row| row.try_get_by_index::<Option<String>>(0).unwrap()).collect()
    }

    async fn tables(&self) -> Vec<String> {
        let all =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
        let mut tables = self.texts(all).await;
        tables.retain(|table| table != "seaql_migrations");
        tables
    }

    /// Every text column as `table.column`.
    async fn columns(&self) -> Vec<String> {
        let mut columns = Vec::new();
        for table in self.tables().await {
            let sql = format!(
                "SELECT name FROM pragma_table_info('{table}') WHERE type NOT LIKE 'uuid%' AND (type LIKE '%text%' OR type LIKE '%char%')"
            );
            columns.extend(self.texts(&sql).await.into_iter().map(|column| format!("{table}.{column}")));
        }
        columns.sort();
        columns
    }

    /// The text columns that say the name.
    async fn saying(&self) -> Vec<String> {
        let mut saying = Vec::new();
        for place in self.columns().await {
            let (table, column) = place.split_once('.').unwrap();
            let sql = format!("SELECT \"{column}\" FROM \"{table}\"");
            if self.texts(&sql).await.iter().any(|text| text.to_lowercase().contains(NAME)) {
                saying.push(place);
            }
        }
        saying
    }
}

/// Files below a folder in which the name stands, whatever they are, or which are called by it.
fn files_saying(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_saying(&path));
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
        bytes.extend(path.display().to_string().to_lowercase().into_bytes());
        if bytes.windows(NAME.len()).any(|window| window == NAME.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn after_an_erasure_the_name_is_in_no_column_and_no_file() {
    let world = World::on_disk().await;
    let (mina_id, mina) = world.staff("Mina", Role::Agent).await;
    let (_, eve) = world.staff("Eve", Role::Admin).await;
    world.store.add_aliases("lumen", "novak-77", &["novak-guest".into()]).await.unwrap();
    let (call, recording) = call_with_everything(&world, mina_id).await;
    visit(&world).await;
    written_by_staff(&world, &mina, call, recording).await;
    let raw = Raw::open(&world).await;
    assert_eq!(raw.saying().await, FREE, "every free text names the buyer, and nothing else does");
    assert!(files_saying(&world.dir.path().join("recordings")).len() == 1, "the manifest");
    let exports = || std::fs::read_dir(world.dir.path().join("exports")).unwrap().count();
    assert_eq!(exports(), 1);

    let body =
        json!({ "subject": { "shop": "lumen", "subject": "novak-guest" }, "why": "Novak wrote, art. 17" });
    let asked = world.json(Method::POST, "/api/v1/erasures", &eve, body).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text());
    let mut saying = raw.saying().await;
    saying.retain(|place| !FREE.contains(&place.as_str()));
    assert_eq!(saying, [ASKED], "the reason lost the name on its way in");
    let exported = Exports::Made(world.exporter.clone());
    let media = Eraser { recorder: world.recorder.clone(), exports: exported };
    assert!(run_all(&world.store, &media, &SigningKey::generate()).await);

    assert_eq!(raw.saying().await, Vec::<String>::new());
    let visits = raw.texts("SELECT CAST(count(*) AS TEXT) FROM buyer_sessions").await;
    assert_eq!(visits, ["1"], "the one that led to a call");
    drop(raw);
    assert_eq!(files_saying(world.dir.path()), Vec::<String>::new());
    assert_eq!(exports(), 0);

    // What it was about and what it came to is still there.
    let told = get(&world, &mina, "/my-reviews").await.ok().json();
    assert_eq!((&told["items"][0]["score"], &told["items"][0]["revisions"]), (&json!(10_000), &json!(2)));
    let ticket = world.store.call(call).await.unwrap().unwrap().0.ticket.unwrap();
    let told = get(&world, &mina, &format!("/tickets/{ticket}")).await.ok().json();
    assert_eq!((&told["outcome"], &told["rating"]["stars"]), (&json!("answered"), &json!(5)));
    assert_eq!(told["call"]["context"]["product"]["name"], "Aurora");
    let listed = get(&world, &eve, "/samples").await.ok().json();
    let names: BTreeSet<String> = listed.as_array().unwrap().iter().map(|one| text(&one["name"])).collect();
    assert_eq!(names, ["Aurora lamps", "Calls of ***"].map(str::to_owned).into());
    let log = get(&world, &eve, "/audit?event=erasure_requested").await.ok().json();
    assert_eq!(log["items"][0]["why"], "*** wrote, art. 17");
    assert!(world.store.verify_audit(Vec::new()).await.unwrap().broken.is_none());
}

#[tokio::test]
async fn every_text_column_and_every_table_has_been_decided_about() {
    let world = World::on_disk().await;
    let raw = Raw::open(&world).await;
    let mut decided: Vec<String> =
        FREE.iter().chain(&OTHERS).chain([&ASKED]).map(ToString::to_string).collect();
    decided.sort();
    assert_eq!(
        raw.columns().await,
        decided,
        "is a new column free text? then FREE and `store/scrub.rs`, else OTHERS"
    );
    let doc = include_str!("../../../docs/erasure.md");
    let told = doc.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut told: Vec<&str> = told.collect();
    told.sort_unstable();
    assert_eq!(raw.tables().await, told, "docs/erasure.md says of every table what goes and what stays");
}
