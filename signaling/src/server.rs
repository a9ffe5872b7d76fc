//! Puts the parts together and takes them apart again.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use jiff::SignedDuration;
use recorder::{KeyWrap, Recorder, RecorderConfig};
use sfu::Sfu;
use tokio::task::JoinHandle;

use crate::app::{AppState, Floor};
use crate::audit::checkpoint::Checkpoints;
use crate::auth::cookie::CookieStyle;
use crate::auth::{LoginLimit, MasterKey, MasterKeyError, SigningKey};
use crate::config::{DeskSettings, Settings, local_address, make_private_dir};
use crate::consent;
use crate::demo::{self, Demo};
use crate::erasure::{self, Eraser, Exports};
use crate::exports::ffmpeg::Ffmpeg;
use crate::exports::{EXPORTS_DIR, Exporter, ExporterConfig};
use crate::floor::adapters::{self, HeldRecorder};
use crate::floor::{self, FloorHandle};
use crate::housekeeping;
use crate::http::{self, Extra};
use crate::metrics::Metrics;
use crate::reconcile::{self, ReconcileError, ReconcileMetrics, Reconciler};
use crate::recording_policy::Regions;
use crate::retention::Retention;
use crate::store::{Store, StoreError};
use crate::tls::{self, TlsError};
use crate::ws;

/// How long the whole way down may take; after that the process ends with what is open.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(10);
/// How long requests that are being answered may still take on the way down.
const REQUESTS_MAX: Duration = Duration::from_secs(3);
/// How long a client may take to send the headers of a request.
const HEADERS_MAX: Duration = Duration::from_secs(15);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made.
    #[error("data.dir: {dir} cannot be made: {source}")]
    DataDir {
        /// Which.
        dir: std::path::PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No master key.
    #[error("data.dir: {0}")]
    MasterKey(#[from] MasterKeyError),
    /// No store.
    #[error("data.dir: {0}")]
    Store(#[from] StoreError),
    /// No recorder.
    #[error("data.dir: {0}")]
    Recorder(#[from] recorder::OpenError),
    /// What an earlier run has left cannot be put in order.
    #[error("data.dir: {0}")]
    Reconcile(#[from] ReconcileError),
    /// `recording.archive` cannot be used.
    #[error("recording.archive: {0}")]
    Archive(#[from] recorder::ArchiveError),
    /// No media server.
    #[error("{setting}: {0}", setting = media_setting(.0))]
    Media(#[from] sfu::ConfigError),
    /// No certificate.
    #[error("{setting}: {0}", setting = .0.setting())]
    Tls(#[from] TlsError),
    /// No port for HTTP.
    #[error("http.listen: {address} cannot be had: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Two figures have one name, which is a mistake of ours.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// No demo shop.
    #[error("demo: {0}")]
    Demo(#[from] demo::DemoError),
}

/// The setting that the media server cannot work with.
fn media_setting(error: &sfu::ConfigError) -> &'static str {
    match error {
        sfu::ConfigError::Bind { protocol: "TCP", .. } => "media.tcp_port",
        sfu::ConfigError::Bind { .. } | sfu::ConfigError::Ports { .. } => "media.port",
        sfu::ConfigError::NoAnnouncedAddress(_) | sfu::ConfigError::OtherFamily { .. } => "media.announced",
        sfu::ConfigError::Workers { .. } => "media.workers",
        sfu::ConfigError::Prepare(_) => "media",
    }
}

/// A server that runs until [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    /// Where HTTP listens, with the port that was free if it was 0.
    pub http_address: SocketAddr,
    /// Where browsers reach it, without a slash at the end.
    pub url: String,
    /// Where browsers send media.
    pub media_addresses: Vec<SocketAddr>,
    /// Whether the certificate is one of our own, which browsers warn about.
    pub self_signed: bool,
    /// The demo shop, when there is one.
    pub demo: Option<Demo>,
    /// The store.
    pub store: Store,
    floor: FloorHandle,
    sfu: Sfu,
    recorder: Recorder,
    checkpoints: Checkpoints,
    handle: Handle<SocketAddr>,
    server: JoinHandle<io::Result<()>>,
    housekeeping: JoinHandle<()>,
    reconciling: JoinHandle<()>,
    exporting: JoinHandle<()>,
    erasing: JoinHandle<()>,
}

/// Starts everything; when this returns, calls are taken.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let dir = settings.data.dir.clone();
    make_private_dir(&dir).map_err(|source| StartError::DataDir { dir: dir.clone(), source })?;
    let master = MasterKey::load(&dir.join("master.key"))?;
    let store = Store::open(&dir.join("vitrine.sqlite"), master.clone()).await?;
    let checkpoints = Checkpoints::new(&dir, SigningKey::load(&dir.join("signing.key"))?);
    let keys: Arc<dyn KeyWrap> = Arc::new(master);
    let recorder = open_recorder(&settings, keys.clone()).await?;
    let mut reconciler = Reconciler::new(store.clone(), recorder.clone());
    adapters::recover(&store, &mut reconciler).await?;
    // Everything that can be wrong with HTTP is found before media starts.
    let tls = certificate(&settings, &store)?;
    let (listener, http_address) = listen(settings.http.listen)?;
    let (sfu, media_events) = Sfu::start(sfu::Config {
        bind: settings.media.bind,
        udp_port: settings.media.port,
        workers: settings.media.worker_count(),
        tcp_port: settings.media.tcp(),
        fill_permille: sfu::FILL_PERMILLE,
        announced: settings.media.announced.clone(),
        limits: sfu::Limits {
            packets_per_second: settings.media.limit_packets,
            bits_per_second: u64::from(settings.media.limit_kbps) * 1_000,
            ..sfu::Limits::default()
        },
    })?;
    let queues = Arc::new(settings.queues());
    let retention = Arc::new(Retention::new(
        settings.recording.keep_days,
        &queues,
        settings.recording.keep_days_by_country.clone(),
    ));
    let regions = Arc::new(Regions::new(settings.recording.regions.clone()));
    let (for_texts, keep_days_max) = (retention.clone(), retention.most());
    let parts = floor::Parts {
        media: Arc::new(sfu.clone()),
        media_events,
        recordings: Arc::new(HeldRecorder { recorder: recorder.clone(), store: store.clone() }),
        ledger: Arc::new(store.clone()),
        queues: queues.clone(),
        regions: regions.clone(),
        consent_texts: Arc::new(move |language, queue, country| {
            consent::text_for(&for_texts, language, &queue.name, country)
        }),
        staff_texts: Arc::new(move |language| consent::staff_text(language, keep_days_max)),
        staff_choices: store.staff_choices().await?,
    };
    let floor = FloorHandle::start(parts, floor_settings(&settings.desk), store.now())?;
    let metrics = Metrics::new()?;
    floor.register_metrics(metrics.registry())?;
    sfu.register_metrics(metrics.registry())?;
    let reconciling = ReconcileMetrics::register(metrics.registry())?;

    let exporter_config = exporter_config(&settings);
    let (exporter, exporting) =
        Exporter::start(exporter_config, store.clone(), recorder.clone(), keys).await?;
    let eraser = Eraser { recorder: recorder.clone(), exports: Exports::Made(exporter.clone()) };
    let cookie = CookieStyle { tls: settings.is_tls() };
    let url = base_url(&settings, http_address);
    let demo = if settings.demo.enabled { Some(demo::prepare(&store, &dir).await?) } else { None };
    let state = AppState {
        store: store.clone(),
        floor: Arc::new(floor.clone()),
        queues,
        regions,
        archive: Arc::new(recorder.clone()),
        exporter,
        metrics,
        cookie,
        destroyer: Arc::new(eraser.clone()),
        retention: retention.clone(),
        checkpoints: checkpoints.clone(),
        logins: Arc::new(LoginLimit::default()),
    };
    let door = Arc::new(ws::door::StoreDoor { store: store.clone(), cookie });
    let extra = Extra {
        realtime: Some(ws::routes(floor.clone(), door)),
        demo: demo.as_ref().map(Demo::router),
        // A certificate of our own must stay easy to get rid of.
        strict_transport: settings.serves_tls() && !settings.http.self_signed,
    };
    let handle = Handle::new();
    let server = serve(listener, tls, http::router(state, extra), handle.clone())
        .map_err(|source| StartError::Listen { address: settings.http.listen, source })?;
    let reconciling = reconcile::spawn(reconciler, reconciling);
    let housekeeping = housekeeping::spawn(store.clone(), recorder.clone(), retention, checkpoints.clone());
    let erasing = erasure::spawn(store.clone(), eraser, checkpoints.key().clone());
    let media_addresses = sfu.candidates();
    tracing::info!(%url, %http_address, ?media_addresses, "calls are taken");
    Ok(Running {
        http_address,
        url,
        media_addresses,
        self_signed: settings.http.self_signed,
        demo,
        store,
        floor,
        sfu,
        recorder,
        checkpoints,
        handle,
        server,
        housekeeping,
        reconciling,
        exporting,
        erasing,
    })
}

impl Running {
    /// Ends calls (`server_stopped`), completes recordings, answers what is being asked, and frees everything.
    /// Takes at most [`SHUTDOWN_MAX`]; false when that was not enough.
    pub async fn shutdown(self) -> bool {
        tracing::info!("stopping");
        let way_down = async {
            self.housekeeping.abort();
            self.reconciling.abort();
            self.exporting.abort();
            self.erasing.abort();
            self.floor.shutdown().await;
            self.handle.graceful_shutdown(Some(REQUESTS_MAX));
            self.recorder.shutdown().await;
            self.sfu.shutdown().await;
            match self.server.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "HTTP ended with an error"),
                Err(error) => tracing::warn!(%error, "HTTP ended with a panic"),
            }
            if let Err(error) = self.checkpoints.sign(&self.store).await {
                tracing::warn!(%error, "the audit log's head was not signed");
            }
            if let Err(error) = self.store.close().await {
                tracing::warn!(%error, "the store did not close in order");
            }
        };
        let in_time = tokio::time::timeout(SHUTDOWN_MAX, way_down).await.is_ok();
        if in_time {
            tracing::info!("stopped");
        } else {
            tracing::warn!("stopping took too long; what was still open is left to the next start");
        }
        in_time
    }

    /// Resolves when HTTP has ended although nobody asked for it.
    pub async fn failed(&mut self) -> io::Error {
        match (&mut self.server).await {
            Ok(Ok(())) => io::Error::other("HTTP has ended"),
            Ok(Err(error)) => error,
            Err(error) => io::Error::other(error),
        }
    }
}

impl Floor for FloorHandle {
    fn agents_on_duty(&self) -> u32 {
        Self::agents_on_duty(self)
    }

    fn wrapped_up(&self, call: protocol::ids::CallId) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(Self::wrapped_up(self, call))
    }

    fn logged_out(&self, user: protocol::ids::UserId) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(Self::logged_out(self, user))
    }

    fn is_taking_calls(&self) -> bool {
        Self::is_taking_calls(self)
    }

    fn facts_waiting(&self) -> u64 {
        self.metrics().journal.waiting.get().try_into().unwrap_or(0)
    }
}

async fn open_recorder(settings: &Settings, keys: Arc<dyn KeyWrap>) -> Result<Recorder, StartError> {
    let mut config = RecorderConfig::new(settings.data.dir.join("recordings"), keys);
    config.archive = settings.recording.archive().transpose()?;
    config.min_free = settings.recording.min_free_mb.saturating_mul(1_000_000);
    let (recorder, report) = Recorder::open(config).await?;
    if !report.recovered.is_empty() {
        tracing::warn!(recordings = ?report.recovered, cut = report.bytes_cut, "recordings of an earlier run finished");
    }
    for (folder, why) in &report.unreadable {
        tracing::warn!(folder = %folder.display(), why, "a recording cannot be understood and is left as it is");
    }
    Ok(recorder)
}

fn exporter_config(settings: &Settings) -> ExporterConfig {
    ExporterConfig {
        dir: settings.data.dir.join(EXPORTS_DIR),
        ffmpeg: Ffmpeg::new(&settings.export.ffmpeg),
        at_once: settings.export.at_once,
        keep: SignedDuration::from_hours(settings.export.keep_hours.into()),
        min_free: settings.recording.min_free_mb.saturating_mul(1_000_000),
    }
}

fn floor_settings(desk: &DeskSettings) -> floor::Settings {
    floor::Settings {
        grace: Duration::from_secs(desk.grace_seconds.into()),
        desk: crate::desk::Settings {
            ring_time: Duration::from_secs(desk.ring_seconds.into()),
            ..crate::desk::Settings::default()
        },
        purpose: crate::consent::PURPOSE.to_owned(),
        ..floor::Settings::default()
    }
}

fn certificate(settings: &Settings, store: &Store) -> Result<Option<tls::Loaded>, TlsError> {
    match (&settings.http.tls_certificate, &settings.http.tls_key) {
        (Some(certificate), Some(key)) => tls::load(certificate, key).map(Some),
        _ if settings.http.self_signed => {
            let mut addresses: Vec<IpAddr> = vec![IpAddr::from([127, 0, 0, 1])];
            let listen = settings.http.listen.ip();
            let more = if listen.is_unspecified() { local_address() } else { Some(listen) };
            addresses.extend(more.filter(|address| !addresses.contains(address)));
            tls::self_signed(&settings.data.dir, &addresses, store.now()).map(Some)
        }
        _ => Ok(None),
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| StartError::Listen { address, source })
}

fn serve(
    listener: TcpListener,
    tls: Option<tls::Loaded>,
    router: Router,
    handle: Handle<SocketAddr>,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(match tls {
        Some(tls) => {
            let config = RustlsConfig::from_config(tls.config());
            let mut server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            patience(server.http_builder());
            tokio::spawn(server.serve(service))
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            patience(server.http_builder());
            tokio::spawn(server.serve(service))
        }
    })
}

/// Clients that open a connection and then say nothing are shown out.
fn patience<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder.http1().timer(hyper_util::rt::TokioTimer::new()).header_read_timeout(HEADERS_MAX);
}

/// Where browsers reach the server.
fn base_url(settings: &Settings, address: SocketAddr) -> String {
    if let Some(url) = &settings.http.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let scheme = if settings.serves_tls() { "https" } else { "http" };
    let ip = match address.ip() {
        ip if ip.is_unspecified() => local_address().unwrap_or(IpAddr::from([127, 0, 0, 1])),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}
