//! Every setting with its default. `vitrine.example.toml` shows the same; a test keeps the two together.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::queues::{QueueSettings, Queues};
use crate::recording_policy::Rule;

/// All settings of the server.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Web pages, REST and WebSocket.
    pub http: HttpSettings,
    /// The media server.
    pub media: MediaSettings,
    /// Files.
    pub data: DataSettings,
    /// Recordings.
    pub recording: RecordingSettings,
    /// Exports of recordings.
    pub export: ExportSettings,
    /// How calls are handed to agents.
    pub desk: DeskSettings,
    /// The lines that buyers stand in, in order of preference. Empty: one, `support`, for everybody.
    pub queues: Vec<QueueSettings>,
    /// The demo shop.
    pub demo: DemoSettings,
    /// What is logged.
    pub log: LogSettings,
}

/// Web pages, REST and WebSocket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where browsers reach the server when that is not `listen`, e.g. `https://help.example.com` behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// PEM file with the certificate chain. Together with `tls_key` it turns TLS on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// Makes a certificate of its own in the data directory, for trying things out in a local network.
    pub self_signed: bool,
}

/// The media server.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSettings {
    /// Address the sockets bind to; `::` takes IPv6 and IPv4.
    pub bind: IpAddr,
    /// First UDP port; worker `i` takes `port + i`. Port 0 takes free ones.
    pub port: u16,
    /// TCP port of all workers, for browsers whose network lets no UDP through. Missing: the number of `port`; 0: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_port: Option<u16>,
    /// Worker threads, at most [`sfu::WORKERS_MAX`]; 0: one a core, up to eight.
    pub workers: usize,
    /// Addresses that browsers are told to send media to, best first. Empty: `bind`, which must then be a specific
    /// address.
    pub announced: Vec<IpAddr>,
    /// Media one participant may send, kbit/s, 100 to 1,000,000.
    pub limit_kbps: u32,
    /// Packets one participant may send a second, 100 to 100,000.
    pub limit_packets: u32,
}

/// Each worker has a port that a firewall must let through: beyond this, somebody should decide.
const WORKERS_DEFAULT_MAX: usize = 8;

impl MediaSettings {
    /// How many workers there will be.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_DEFAULT_MAX),
            given => given,
        }
    }

    /// The TCP port for media, if there is to be one; 0 for any free one.
    pub fn tcp(&self) -> Option<u16> {
        match self.tcp_port {
            Some(0) => None,
            given => Some(given.unwrap_or(self.port)),
        }
    }
}

/// Files.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// Database, recordings and keys live here.
    pub dir: PathBuf,
}

/// Recordings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingSettings {
    /// Days until a recording is deleted, 1 to 3650. The words that buyers consent to name this number.
    pub keep_days: u16,
    /// The most days for buyers from some countries (ISO 3166-1 alpha-2), 1 to 3650; the shortest rule wins.
    pub keep_days_by_country: BTreeMap<String, u16>,
    /// Where finished recordings go: `s3://bucket/prefix` or `file:///folder`. Unset: they stay in `data.dir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// With fewer megabytes free in `data.dir` no recording begins; calls go on.
    pub min_free_mb: u64,
    /// What has to be so before buyers or agents of a country are recorded, where that is not as in
    /// [`crate::recording_policy`].
    pub regions: BTreeMap<String, Rule>,
    /// What the archive's store wants to know, e.g. `aws_region`, `aws_endpoint`, `aws_access_key_id`.
    pub archive_options: BTreeMap<String, String>,
}

impl RecordingSettings {
    /// The archive, if one is set.
    ///
    /// # Errors
    /// When the URL names no store we know, or an option is wrong.
    pub fn archive(&self) -> Option<Result<recorder::Archive, recorder::ArchiveError>> {
        self.archive.as_ref().map(|url| recorder::Archive::open(url, self.archive_options.clone()))
    }
}

/// Exports of recordings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportSettings {
    /// The program `ffmpeg`: a path, or its name on the search path.
    pub ffmpeg: PathBuf,
    /// Exports made at once, 1 to 16; the others wait.
    pub at_once: usize,
    /// Hours until the file of an export is deleted, 1 to 8760.
    pub keep_hours: u16,
}

/// How calls are handed to agents.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskSettings {
    /// Seconds an agent's console rings before the call goes to somebody else, 5 to 120.
    pub ring_seconds: u32,
    /// Seconds a lost connection may take to come back before the call ends, 5 to 600.
    pub grace_seconds: u32,
}

/// The demo shop.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemoSettings {
    /// Serves the demo shop under `/demo/` and adds demo accounts. Never turn this on in production.
    pub enabled: bool,
}

/// What is logged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Levels, as in `info,signaling=debug`.
    pub filter: String,
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
}

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            // Only this machine until somebody decides otherwise: browsers allow cameras on plain HTTP there.
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            self_signed: false,
        }
    }
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 7800,
            tcp_port: None,
            workers: 0,
            announced: Vec::new(),
            limit_kbps: 20_000,
            limit_packets: 4_000,
        }
    }
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { dir: PathBuf::from("data") }
    }
}

impl Default for RecordingSettings {
    fn default() -> Self {
        Self {
            keep_days: crate::consent::KEEP_DAYS,
            keep_days_by_country: BTreeMap::new(),
            archive: None,
            min_free_mb: 1_000,
            regions: BTreeMap::new(),
            archive_options: BTreeMap::new(),
        }
    }
}

impl Default for ExportSettings {
    fn default() -> Self {
        // Three days: over a weekend.
        Self { ffmpeg: PathBuf::from("ffmpeg"), at_once: 1, keep_hours: 72 }
    }
}

impl Default for DeskSettings {
    fn default() -> Self {
        // 20 s is about five rings. 30 s lets a phone change from Wi-Fi to mobile and a page reload.
        Self { ring_seconds: 20, grace_seconds: 30 }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info,sea_orm_migration=warn".to_owned(), format: LogFormat::Text }
    }
}

impl Settings {
    /// The lines that buyers stand in. The demo shop has its own as long as none are set.
    pub fn queues(&self) -> Queues {
        let demo =
            if self.queues.is_empty() && self.demo.enabled { crate::demo::queues() } else { Vec::new() };
        Queues::new(if demo.is_empty() { &self.queues } else { &demo })
    }

    /// Whether browsers reach the server over TLS: here, or at a proxy in front of it.
    pub fn is_tls(&self) -> bool {
        let proxy = self.http.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        proxy || self.serves_tls()
    }

    /// Whether this process speaks TLS itself.
    pub fn serves_tls(&self) -> bool {
        self.http.self_signed || (self.http.tls_certificate.is_some() && self.http.tls_key.is_some())
    }
}
