//! A server without sockets: its router, a store in memory, a floor and an archive that are only models, and a
//! clock that stands still until a story moves it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use protocol::call::{BuyerContext, Product, Role};
use protocol::ids::{BuyerSessionId, CallId, ExportId, RecordingId, UserId};
use recorder::{Condition, IndexError, Recorder, RecorderConfig, RecordingIndex};
use serde_json::{Value, json};
use signaling::app::{AppState, Archive, Floor, Media};
use signaling::audit::checkpoint::Checkpoints;
use signaling::auth::cookie::CookieStyle;
use signaling::auth::{LoginLimit, MasterKey, SigningKey, install_jwt_crypto, password, secret};
use signaling::erasure::Destroyer;
use signaling::exports::ffmpeg::Ffmpeg;
use signaling::exports::{Exporter, ExporterConfig};
use signaling::http::{Extra, router};
use signaling::metrics::Metrics;
use signaling::queues::{QueueSettings, Queues};
use signaling::recording_policy::{Regions, Rule};
use signaling::retention::Retention;
use signaling::store::{NewApiKey, NewCall, NewUser, Store};
use tower::ServiceExt;

pub(crate) const SECRET: &[u8] = b"a secret that the shop got when it made the key";
/// Name of the database's file.
pub(crate) const DATABASE: &str = "vitrine.sqlite";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Remembers who was set free.
#[derive(Default)]
pub(crate) struct ModelFloor {
    pub(crate) on_duty: AtomicU32,
    pub(crate) wrapped_up: Mutex<Vec<CallId>>,
    pub(crate) logged_out: Mutex<Vec<UserId>>,
    pub(crate) stopping: std::sync::atomic::AtomicBool,
    pub(crate) facts_waiting: std::sync::atomic::AtomicU64,
}

impl Floor for ModelFloor {
    fn agents_on_duty(&self) -> u32 {
        self.on_duty.load(Ordering::Relaxed)
    }

    fn wrapped_up(&self, call: CallId) -> BoxFuture<'_, ()> {
        self.wrapped_up.lock().unwrap().push(call);
        async {}.boxed()
    }

    fn logged_out(&self, user: UserId) -> BoxFuture<'_, ()> {
        self.logged_out.lock().unwrap().push(user);
        async {}.boxed()
    }

    fn is_taking_calls(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
    }

    fn facts_waiting(&self) -> u64 {
        self.facts_waiting.load(Ordering::Relaxed)
    }
}

/// Recordings as the recorder would list them, with files of a temporary folder.
#[derive(Default)]
pub(crate) struct ModelArchive {
    pub(crate) recordings: Mutex<HashMap<RecordingId, RecordingIndex>>,
    pub(crate) files: Mutex<HashMap<(RecordingId, String), std::path::PathBuf>>,
    pub(crate) condition: Mutex<Condition>,
}

impl Archive for ModelArchive {
    fn index(&self, id: RecordingId) -> BoxFuture<'_, Result<RecordingIndex, IndexError>> {
        let found = self.recordings.lock().unwrap().get(&id).cloned().ok_or(IndexError::NotFound(id.0));
        async { found }.boxed()
    }

    fn open_track<'a>(
        &'a self,
        id: RecordingId,
        track: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Media>, IndexError>> {
        let path = self.files.lock().unwrap().get(&(id, track.to_owned())).cloned();
        async move {
            let path = path.ok_or_else(|| IndexError::NoTrack { id: id.0, track: track.to_owned() })?;
            Ok(Box::new(ModelMedia(std::fs::read(path).unwrap().into())) as Box<dyn Media>)
        }
        .boxed()
    }

    fn condition(&self) -> BoxFuture<'_, Condition> {
        let condition = self.condition.lock().unwrap().clone();
        async { condition }.boxed()
    }
}

/// A track's bytes, read in pieces of 300.
struct ModelMedia(Bytes);

impl Media for ModelMedia {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, offset: u64) -> BoxFuture<'_, std::io::Result<Bytes>> {
        let end = self.0.len().min(offset as usize + 300);
        let piece = self.0.slice(end.min(offset as usize)..end);
        async { Ok(piece) }.boxed()
    }
}

/// Remembers what was destroyed, and can be told to fail.
#[derive(Default)]
pub(crate) struct ModelDestroyer {
    pub(crate) erased: Mutex<Vec<RecordingId>>,
    pub(crate) unexported: Mutex<Vec<ExportId>>,
    pub(crate) forgotten: Mutex<Vec<(RecordingId, Vec<String>)>>,
    /// Recordings until the power fails: then it never answers again.
    pub(crate) power: Mutex<Option<usize>>,
    pub(crate) archive_is_down: std::sync::atomic::AtomicBool,
}

impl Destroyer for ModelDestroyer {
    fn erase<'a>(&'a self, id: RecordingId, _: &'a str) -> BoxFuture<'a, Result<(), String>> {
        let mut power = self.power.lock().unwrap();
        match power.as_mut() {
            Some(0) => return std::future::pending().boxed(),
            Some(left) => *left -= 1,
            None => {}
        }
        self.erased.lock().unwrap().push(id);
        async { Ok(()) }.boxed()
    }

    fn unexport(&self, id: ExportId) -> BoxFuture<'_, Result<(), String>> {
        self.unexported.lock().unwrap().push(id);
        async { Ok(()) }.boxed()
    }

    fn forget<'a>(
        &'a self,
        id: RecordingId,
        ids: &'a [String],
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.forgotten.lock().unwrap().push((id, ids.to_vec()));
        async { Ok(()) }.boxed()
    }

    fn purge(&self, _: RecordingId) -> BoxFuture<'_, Result<(), String>> {
        let is_down = self.archive_is_down.load(Ordering::Relaxed);
        async move { if is_down { Err("no answer".into()) } else { Ok(()) } }.boxed()
    }
}

/// The server and everything around it.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) floor: Arc<ModelFloor>,
    pub(crate) archive: Arc<ModelArchive>,
    /// A real one, and exports of what it records.
    pub(crate) recorder: Recorder,
    pub(crate) exporter: Exporter,
    pub(crate) dir: tempfile::TempDir,
    clock: Arc<Mutex<Timestamp>>,
    pub(crate) destroyer: Arc<ModelDestroyer>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer is a problem of this code, of the right form and with its status; returns its field.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) -> String {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty() && problem["title"].is_string(), "{problem}");
        problem["field"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Store::in_memory().await.unwrap(), tempfile::tempdir().unwrap()).await
    }

    /// The same with the database in a file of its folder, [`DATABASE`].
    pub(crate) async fn on_disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join(DATABASE), MasterKey::generate()).await.unwrap();
        Self::with(store, dir).await
    }

    async fn with(store: Store, dir: tempfile::TempDir) -> Self {
        let clock = Arc::new(Mutex::new("2026-11-21T20:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = clock.clone();
        let store = store.with_clock(Arc::new(move || *hands.lock().unwrap()));
        let key = NewApiKey {
            id: "key_lumen".into(),
            shop: "lumen".into(),
            shop_name: "Lumen & Co.".into(),
            answered_by: "Lumen & Co. support".into(),
            secret: SECRET.to_vec(),
        };
        store.put_api_key(key).await.unwrap();
        let destroyer = Arc::new(ModelDestroyer::default());
        let (floor, archive) = (Arc::new(ModelFloor::default()), Arc::new(ModelArchive::default()));
        let keys = Arc::new(MasterKey::generate());
        let config = RecorderConfig::new(dir.path().join("recordings"), keys.clone());
        let (recorder, _) = Recorder::open(config).await.unwrap();
        let config = ExporterConfig {
            dir: dir.path().join("exports"),
            ffmpeg: Ffmpeg::new("ffmpeg"),
            at_once: 1,
            keep: SignedDuration::from_hours(72),
            min_free: 0,
        };
        let (exporter, _) = Exporter::start(config, store.clone(), recorder.clone(), keys).await.unwrap();
        let state = AppState {
            store: store.clone(),
            floor: floor.clone(),
            queues: Arc::new(Queues::new(&queues())),
            regions: Arc::new(Regions::new([("FR".to_owned(), Rule::Never)].into())),
            archive: archive.clone(),
            exporter: exporter.clone(),
            metrics: Metrics::new().unwrap(),
            cookie: CookieStyle { tls: false },
            destroyer: destroyer.clone(),
            retention: Arc::new(Retention::new(90, &Queues::new(&queues()), [("SE".to_owned(), 30)].into())),
            checkpoints: Checkpoints::new(dir.path(), SigningKey::generate()),
            logins: Arc::new(LoginLimit::default()),
        };
        Self {
            router: router(state, Extra::default()),
            store,
            floor,
            archive,
            recorder,
            exporter,
            dir,
            destroyer,
            clock,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        *self.clock.lock().unwrap() += time;
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn json(&self, method: Method, path: &str, cookie: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", cookie)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// A member of staff, logged in: who they are and their cookie.
    pub(crate) async fn staff(&self, name: &str, role: Role) -> (UserId, String) {
        let new = NewUser {
            email: format!("{}@lumen.example", name.to_lowercase()),
            name: name.into(),
            role,
            password_hash: "unused".into(),
        };
        let id = self.store.add_user(new).await.unwrap();
        let token = secret::token();
        let expires_at = self.now() + SignedDuration::from_hours(12);
        self.store.open_staff_session(&token, id, expires_at).await.unwrap();
        (id, format!("vitrine_session={token}"))
    }

    /// A member of staff with a password that works.
    pub(crate) async fn staff_with_password(&self, email: &str) {
        let password_hash = password::hash(PASSWORD);
        let new = NewUser { email: email.into(), name: "Mina".into(), role: Role::Agent, password_hash };
        self.store.add_user(new).await.unwrap();
    }

    /// A call that an agent has accepted and that is over, about a product.
    pub(crate) async fn call(&self, agent: UserId, sku: &str, product: &str) -> CallId {
        let id = CallId::new();
        let context = BuyerContext {
            subject: "buyer-7".into(),
            language: "de-AT".into(),
            product: Some(Product { sku: sku.into(), name: product.into(), ..Product::default() }),
            ..BuyerContext::default()
        };
        let new = NewCall {
            id,
            session: BuyerSessionId::new(),
            queue: "support".into(),
            context,
            requested_at: self.now(),
        };
        self.store.insert_call(new).await.unwrap();
        self.store.call_accepted(id, agent, self.now()).await.unwrap();
        self.store.call_ended(id, self.now(), protocol::call::EndReason::AgentHungUp).await.unwrap();
        id
    }
}

/// A queue for returns, and one for everybody.
fn queues() -> [QueueSettings; 2] {
    let mut returns = QueueSettings::new("returns", "Returns");
    returns.countries = vec!["NO".into()];
    returns.recording.keep_days = Some(14);
    [returns, QueueSettings::new("support", "Support")]
}

/// Claims of a good token.
pub(crate) fn claims(now: Timestamp) -> Value {
    json!({
        "iss": "lumen",
        "aud": "vitrine",
        "iat": now.as_second(),
        "exp": now.as_second() + 300,
        "jti": secret::token(),
        "context": {
            "subject": "buyer-7",
            "name": "Jana",
            "language": "de-AT",
            "product": { "sku": "AUR-3", "name": "Aurora Stehleuchte", "url": "https://lumen.example/p/AUR-3" },
        },
    })
}

/// Signs claims as a shop would.
pub(crate) fn sign(claims: &Value, kid: &str, secret: &[u8]) -> String {
    install_jwt_crypto();
    let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
}
