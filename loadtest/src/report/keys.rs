//! The keys of `report.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`](super::VERSION)
    pub version: u32,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// The command line.
    pub command: String,
    /// Where it ran.
    pub machine: Machine,
    /// Address of the installation; absent where it was our own.
    pub installation: Option<String>,
    /// Rooms that talked.
    pub rooms: usize,
    /// Rooms that were wanted.
    pub rooms_wanted: usize,
    /// People whose media was connected.
    pub participants: usize,
    /// Who is in a room: `pair`, `supervised`, `four`.
    pub shape: String,
    /// Name of the network, if there was one.
    pub trace: Option<String>,
    /// Of every random choice.
    pub seed: u64,
    /// Seconds that were measured.
    pub measured_s: f64,
    /// Ended before its time.
    pub interrupted: bool,
    /// The server.
    pub server: ServerReport,
    /// The callers, which have a process of their own: their CPU is never in the server's figures.
    pub callers: CallerReport,
    /// The same cryptography and system calls with nothing else, on this machine, measured just before.
    pub floor: Option<FloorReport>,
    /// `server.cpu_ns_per_forwarded_packet` ÷ `floor.ns_per_forwarded_packet`.
    pub ratio: Option<f64>,
    /// What the server added to a packet's way, with two passes through the network between it and the callers.
    pub added_delay_ms: Quantiles,
    /// Share of the whole delay of a picture that the server added, by the medians, 0–1.
    pub added_share_of_delay: Option<f64>,
    /// Capture to complete picture at the viewer.
    pub video_delay_ms: Quantiles,
    /// Capture to arrival of sound.
    pub audio_delay_ms: Quantiles,
    /// Capture to when sound would be played, by a model of a browser's jitter buffer.
    pub mouth_to_ear_ms: Quantiles,
    /// From the agent's accept to the first picture of the other side.
    pub accept_to_first_frame_ms: Quantiles,
    /// The steps before: see [`SetUpReport`].
    pub set_up_ms: SetUpReport,
    /// Share of the time pictures were looked at in which they stood still (rule of `getStats`), 0–1.
    pub freeze_ratio: f64,
    /// Pictures.
    pub video: VideoReport,
    /// Estimated voice quality, 1–4.5 (simplified G.107).
    pub audio_mos: MosReport,
    /// Share of sound that had to be made up, 0–1.
    pub audio_concealed_ratio: f64,
    /// Packets.
    pub packets: PacketReport,
    /// Interarrival jitter (RFC 3550) of streams.
    pub jitter_ms: Quantiles,
    /// How long pictures that stood for half a second or more did so: how long it took to recover.
    pub recovery_ms: Quantiles,
    /// Rooms of this kind that one core carries when it is 70 % busy, by this run's figures.
    pub rooms_per_core_at_70pct: Option<f64>,
    /// What the bad networks did.
    pub network: Option<NetworkReport>,
    /// What went wrong, by kind.
    pub errors: BTreeMap<String, ErrorReport>,
    /// Second by second.
    pub timeline: Vec<SecondReport>,
    /// For plots.
    pub distributions: Distributions,
}

/// Where a run took place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Cores.
    pub cores: usize,
    /// What the processor calls itself.
    pub processor: String,
    /// Kernel release.
    pub kernel: String,
}

/// The server.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ServerReport {
    /// CPU of the whole process a packet sent to a viewer, ns.
    pub cpu_ns_per_forwarded_packet: Option<f64>,
    /// Cores it kept busy.
    pub cores: Option<f64>,
    /// Packets sent to viewers a second.
    pub forwarded_per_second: Option<f64>,
    /// Memory at the end, bytes.
    pub rss_bytes: Option<u64>,
    /// Memory more than when nobody was there, a participant.
    pub rss_bytes_per_participant: Option<f64>,
    /// Packets it dropped, by reason, since it began.
    pub dropped: BTreeMap<String, u64>,
}

/// The callers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CallerReport {
    /// Cores they kept busy.
    pub cores: f64,
    /// CPU a packet they received, ns (sending the others included).
    pub cpu_ns_per_packet: Option<f64>,
    /// Cores that neither they nor a server of our own kept busy: other programs, and what a virtual machine did not get.
    /// Much of it, and delays are those of a busy machine.
    pub other_cores: Option<f64>,
}

fn one() -> usize {
    1
}

/// The floor.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FloorReport {
    /// CPU of threads that only read, open, copy, seal and send, ns a packet they send.
    pub ns_per_forwarded_packet: f64,
    /// How many threads: as many as the server has workers.
    #[serde(default = "one")]
    pub workers: usize,
    /// Viewers of each stream.
    pub fan_out: usize,
    /// Packets that came to it a second.
    pub packets_per_second: f64,
}

/// A distribution in short.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many values.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 95 % are at most this.
    pub p95: Option<f64>,
    /// 99 % are at most this.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// How long people took to connect and to see something.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SetUpReport {
    /// TCP, TLS, upgrade, hello and welcome.
    pub websocket: Quantiles,
    /// Offer and answer.
    pub answer: Quantiles,
    /// From the answer to the first answered check.
    pub ice: Quantiles,
    /// From there to the keys.
    pub dtls: Quantiles,
    /// From accept to the first packet of somebody who gets packets for the first time.
    pub first_packet: Quantiles,
    /// From accept to the first picture.
    pub first_frame: Quantiles,
}

/// Pictures.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct VideoReport {
    /// Captured while they were looked at.
    pub captured: u64,
    /// Shown.
    pub shown: u64,
    /// Could not be shown.
    pub broken: u64,
    /// Freezes.
    pub freezes: u64,
    /// Time frozen, seconds, all viewers together.
    pub frozen_s: f64,
    /// Time watched, seconds, all viewers together.
    pub watched_s: f64,
    /// Shown a second a viewer.
    pub frames_per_second: f64,
    /// Changes between sizes.
    pub layer_switches: u64,
    /// Keyframes that viewers asked for.
    pub keyframe_requests: u64,
}

/// Estimated voice quality: hundredths are not meaningful.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MosReport {
    /// Ten-second stretches of a voice that were judged.
    pub count: u64,
    /// 5 % are at most this.
    pub p5: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
}

/// Packets from the server to viewers.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PacketReport {
    /// That came.
    pub received: u64,
    /// Payload that came, kbit/s a viewer.
    pub kbps_per_participant: f64,
    /// Share that was missing at first, 0–1.
    pub missing_ratio: f64,
    /// Share that never came, 0–1.
    pub lost_ratio: f64,
    /// Asked for again.
    pub nacks: u64,
    /// Did not open.
    pub undecryptable: u64,
}

/// Bad networks.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Packets that went into them, both ways.
    pub packets: u64,
    /// Lost there: by chance, at full queues, in outages.
    pub lost: u64,
}

/// One kind of error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorReport {
    /// How many.
    pub count: u64,
    /// A few, word by word.
    pub examples: Vec<String>,
}

/// A second.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct SecondReport {
    /// Seconds since the run began.
    pub at_s: f64,
    /// It is one of those that were measured.
    pub measured: bool,
    /// Rooms that talk.
    pub rooms: usize,
    /// Cores the server keeps busy.
    pub server_cores: Option<f64>,
    /// The server's memory, bytes.
    pub server_rss_bytes: Option<u64>,
    /// Cores the callers keep busy.
    pub caller_cores: f64,
    /// Cores that others keep busy.
    pub other_cores: Option<f64>,
    /// Added delay.
    pub added_p50_ms: Option<f64>,
    /// Added delay.
    pub added_p95_ms: Option<f64>,
    /// Capture to picture.
    pub video_delay_p50_ms: Option<f64>,
    /// Capture to picture.
    pub video_delay_p95_ms: Option<f64>,
    /// Frozen share of what was watched, 0–1.
    pub freeze_ratio: f64,
    /// Made-up share of sound, 0–1.
    pub concealed_ratio: f64,
    /// Pictures shown a second, all viewers together.
    pub frames: u64,
    /// Payload received, kbit/s, all together.
    pub kbps: f64,
}

/// Values in ms and the share of all that is at most that, 0–1.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Distributions {
    /// Added delay.
    pub added_delay: Vec<(f64, f64)>,
    /// Capture to picture.
    pub video_delay: Vec<(f64, f64)>,
    /// Capture to sound.
    pub audio_delay: Vec<(f64, f64)>,
    /// Accept to first picture.
    pub accept_to_first_frame: Vec<(f64, f64)>,
}
