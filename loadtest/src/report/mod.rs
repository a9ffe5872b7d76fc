//! The report of a run: `report.json`, whose keys are stable, and a page for people.
//!
//! Keys are only ever added; a change of meaning would be another [`VERSION`]. `docs/performance.md` explains them. Figures
//! that a run could not find out (the CPU of somebody else's server) are `null`.

pub mod compare;
pub mod goals;
mod page;
mod svg;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::measure::ratio;
use crate::rooms::Outcome;
use crate::rooms::scene::Part;

/// Of the keys.
pub const VERSION: u32 = 1;

/// See the module.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`]
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

/// The floor.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FloorReport {
    /// CPU of a thread that only reads, opens, copies, seals and sends, ns a packet it sends.
    pub ns_per_forwarded_packet: f64,
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

impl Quantiles {
    /// Of times in µs, in ms.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |us: u64| Some(us as f64 / 1000.0);
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            count: histogram.len(),
            p50: ms(histogram.value_at_quantile(0.5)),
            p95: ms(histogram.value_at_quantile(0.95)),
            p99: ms(histogram.value_at_quantile(0.99)),
            max: ms(histogram.max()),
        }
    }

    /// Of values as they are.
    pub fn of_values(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (sorted.len() as f64 * share).ceil() as usize;
            sorted.get(place.saturating_sub(1)).copied()
        };
        Self {
            count: sorted.len() as u64,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: sorted.last().copied(),
        }
    }
}

impl Report {
    /// Of a run.
    pub fn new(outcome: &Outcome, floor: Option<FloorReport>, command: String) -> Self {
        let Outcome { options, measures, taken, .. } = outcome;
        let counts = &measures.counts;
        let seconds = taken.elapsed.as_secs_f64().max(1e-3);
        let per_packet = |cpu: std::time::Duration, packets: u64| {
            (packets > 0).then(|| cpu.as_nanos() as f64 / packets as f64)
        };
        let server = server(outcome);
        let ratio_to_floor = server
            .cpu_ns_per_forwarded_packet
            .zip(floor.as_ref())
            .map(|(ours, floor)| ours / floor.ns_per_forwarded_packet);
        let added = Quantiles::of(&measures.added_us);
        let video_delay = Quantiles::of(&measures.video_delay_us);
        let first = || outcome.first_frames.iter().filter(|it| it.part != Part::Supervisor);
        let steps = |of: fn(&crate::caller::person::SetUp) -> f64| {
            Quantiles::of_values(outcome.set_ups.iter().map(|(_, it)| of(it)))
        };
        let watched_s = counts.watched_us as f64 / 1e6;
        Self {
            version: VERSION,
            made_at: jiff::Timestamp::now().to_string(),
            command,
            machine: Machine::this(),
            installation: options.remote.server.clone(),
            rooms: outcome.rooms,
            rooms_wanted: options.rooms.into(),
            participants: outcome.participants,
            shape: options.shape.name().to_owned(),
            trace: options.trace.clone(),
            seed: options.seed,
            measured_s: outcome.measured_s.1 - outcome.measured_s.0,
            interrupted: outcome.interrupted,
            callers: CallerReport {
                cores: taken.caller_cores(),
                cpu_ns_per_packet: per_packet(taken.callers, counts.packets),
                other_cores: taken.other_cores(),
            },
            ratio: ratio_to_floor,
            floor,
            added_share_of_delay: added.p50.zip(video_delay.p50).map(|(added, all)| (added / all).min(1.0)),
            added_delay_ms: added,
            video_delay_ms: video_delay,
            audio_delay_ms: Quantiles::of(&measures.audio_delay_us),
            mouth_to_ear_ms: Quantiles::of(&measures.mouth_to_ear_us),
            accept_to_first_frame_ms: Quantiles::of_values(first().map(|it| it.frame_ms)),
            set_up_ms: SetUpReport {
                websocket: steps(|it| it.websocket_ms),
                answer: steps(|it| it.answer_ms),
                ice: steps(|it| it.ice_ms),
                dtls: steps(|it| it.dtls_ms),
                first_packet: Quantiles::of_values(first().filter_map(|it| it.packet_ms)),
                first_frame: Quantiles::of_values(first().map(|it| it.frame_ms)),
            },
            freeze_ratio: counts.freeze_ratio(),
            video: VideoReport {
                captured: counts.frames_captured,
                shown: counts.frames_shown,
                broken: counts.frames_broken,
                freezes: counts.freezes,
                frozen_s: counts.frozen_us as f64 / 1e6,
                watched_s,
                frames_per_second: if watched_s > 0.0 { counts.frames_shown as f64 / watched_s } else { 0.0 },
                layer_switches: counts.switches,
                keyframe_requests: counts.keyframe_requests,
            },
            audio_mos: MosReport {
                count: measures.mos_centi.len(),
                p5: mos(&measures.mos_centi, 0.05),
                p50: mos(&measures.mos_centi, 0.5),
            },
            audio_concealed_ratio: counts.concealed_ratio(),
            packets: PacketReport {
                received: counts.packets,
                kbps_per_participant: counts.bytes as f64 * 8.0
                    / 1000.0
                    / seconds
                    / outcome.participants.max(1) as f64,
                missing_ratio: ratio(counts.missing, counts.expected),
                lost_ratio: ratio(counts.lost, counts.expected),
                nacks: counts.nacks,
                undecryptable: counts.undecryptable,
            },
            jitter_ms: Quantiles::of(&measures.jitter_us),
            recovery_ms: Quantiles::of(&measures.stalls_us),
            rooms_per_core_at_70pct: server
                .cores
                .filter(|cores| *cores > 0.0 && outcome.rooms > 0)
                .map(|cores| outcome.rooms as f64 * 0.7 / cores),
            server,
            network: outcome.network.map(|(packets, lost)| NetworkReport { packets, lost }),
            errors: outcome
                .errors
                .iter()
                .map(|(kind, it)| {
                    (kind.clone(), ErrorReport { count: it.count, examples: it.examples.clone() })
                })
                .collect(),
            timeline: timeline(outcome),
            distributions: Distributions {
                added_delay: cumulative(&measures.added_us),
                video_delay: cumulative(&measures.video_delay_us),
                audio_delay: cumulative(&measures.audio_delay_us),
                accept_to_first_frame: cumulative_values(first().map(|it| it.frame_ms)),
            },
        }
    }

    /// Reads a report: the file, or the folder it is in.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let report: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))?;
        anyhow::ensure!(
            report.version == VERSION,
            "{}: version {} of reports, this program reads {VERSION}",
            file.display(),
            report.version
        );
        Ok(report)
    }

    /// Writes `report.json` and `report.html` into a folder.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write(dir, "report.json", &(serde_json::to_string_pretty(self)? + "\n"))?;
        write(dir, "report.html", &page::run(self))
    }
}

/// Runs over several networks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TracesReport {
    /// [`VERSION`]
    pub version: u32,
    /// The command line.
    pub command: String,
    /// One a network; `trace` names it.
    pub runs: Vec<Report>,
}

impl TracesReport {
    /// Writes `report.json` and `report.html` into a folder.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write(dir, "report.json", &(serde_json::to_string_pretty(self)? + "\n"))?;
        write(dir, "report.html", &page::traces(self))
    }
}

fn write(dir: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let path = dir.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: info.lines().filter(|line| line.starts_with("processor")).count(),
            processor: model.map_or("", |it| it.trim_start_matches([' ', '\t', ':'])).to_owned(),
            kernel: kernel.trim().to_owned(),
        }
    }
}

fn mos(histogram: &Histogram<u64>, share: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(share) as f64 / 100.0)
}

fn server(outcome: &Outcome) -> ServerReport {
    let Outcome { taken, busy, idle, .. } = outcome;
    let seconds = taken.elapsed.as_secs_f64().max(1e-3);
    let forwarded = taken.forwarded.filter(|it| *it > 0);
    let rss = busy.server.map(|it| it.rss_bytes);
    let more = rss.zip(idle.server).map(|(now, idle)| now.saturating_sub(idle.rss_bytes));
    let dropped = busy.metrics.iter().flat_map(|it| it.of("vitrine_sfu_dropped_packets_total"));
    ServerReport {
        cpu_ns_per_forwarded_packet: taken
            .server
            .zip(forwarded)
            .map(|(cpu, packets)| cpu.as_nanos() as f64 / packets as f64),
        cores: taken.server_cores(),
        forwarded_per_second: forwarded.map(|it| it as f64 / seconds),
        rss_bytes: rss,
        rss_bytes_per_participant: more
            .filter(|_| outcome.participants > 0)
            .map(|it| it as f64 / outcome.participants as f64),
        dropped: dropped
            .filter(|(_, count)| *count > 0.0)
            .map(|(labels, count)| {
                (labels.trim_start_matches("{reason=\"").trim_end_matches("\"}").to_owned(), count as u64)
            })
            .collect(),
    }
}

fn timeline(outcome: &Outcome) -> Vec<SecondReport> {
    let ms = |us: u64| us as f64 / 1000.0;
    let (from, to) = outcome.measured_s;
    let seconds = outcome.samples.iter().filter(|it| it.at_s >= 0.5).map(|sample| {
        // The second of the callers' thread that ended nearest to this one's end.
        let at = outcome.begun + std::time::Duration::from_secs_f64(sample.at_s);
        let distance = |second: &&crate::measure::Second| {
            second.at.saturating_duration_since(at).max(at.saturating_duration_since(second.at))
        };
        let nearest = outcome.measures.timeline.iter().min_by_key(distance);
        let second = nearest.filter(|it| distance(it).as_secs_f64() < 1.0);
        let counts = second.map(|it| it.counts).unwrap_or_default();
        let added = second.and_then(|it| it.added_us);
        let video = second.and_then(|it| it.video_delay_us);
        SecondReport {
            at_s: sample.at_s,
            measured: (from..=to).contains(&sample.at_s),
            rooms: sample.rooms,
            server_cores: sample.server_cores,
            server_rss_bytes: sample.server_rss,
            caller_cores: sample.caller_cores,
            other_cores: sample.other_cores,
            added_p50_ms: added.map(|it| ms(it.0)),
            added_p95_ms: added.map(|it| ms(it.1)),
            video_delay_p50_ms: video.map(|it| ms(it.0)),
            video_delay_p95_ms: video.map(|it| ms(it.1)),
            freeze_ratio: counts.freeze_ratio().min(1.0),
            concealed_ratio: counts.concealed_ratio(),
            frames: counts.frames_shown,
            kbps: counts.bytes as f64 * 8.0 / 1000.0,
        }
    });
    seconds.collect()
}

/// Points of the curve at every percent, and finer where it is steep in the tail.
const POINTS: [f64; 13] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0];

fn shares() -> impl Iterator<Item = f64> {
    let mut all: Vec<f64> = (0..=50).map(|it| f64::from(it) / 50.0).chain(POINTS).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all.into_iter()
}

fn cumulative(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    shares().map(|share| (histogram.value_at_quantile(share) as f64 / 1000.0, share)).collect()
}

fn cumulative_values(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    (1..).zip(sorted).map(|(place, value)| (value, f64::from(place) / count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_values_are_values() {
        let quantiles = Quantiles::of_values((1..=100).map(f64::from));
        let Quantiles { count, p50, p95, p99, max } = quantiles;
        assert_eq!((count, p50, p95, p99, max), (100, Some(50.0), Some(95.0), Some(99.0), Some(100.0)));
        assert_eq!(Quantiles::of_values(std::iter::empty()), Quantiles::default());
    }

    #[test]
    fn a_report_of_another_version_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let report = Report { version: VERSION + 1, ..Report::default() };
        report.save(dir.path()).expect("saved");
        let error = Report::load(dir.path()).expect_err("another version").to_string();
        assert!(error.contains("report.json") && error.contains("version 2"), "{error}");
        assert!(Report::load(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn the_page_says_what_is_missed_and_escapes_what_came_from_outside() {
        let mut report = Report { rooms: 1, rooms_wanted: 2, command: "<b>".into(), ..Report::default() };
        let error = ErrorReport { count: 3, examples: vec!["<script>".into()] };
        report.errors.insert("buyer".into(), error);
        let page = page::run(&report);
        assert!(
            page.contains(
                "2 goals are missed: rooms (1 of 2, good is all); errors (3 errors, good is none)."
            )
        );
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>\""));
        let traces = TracesReport { version: VERSION, command: "<i>".into(), runs: vec![report] };
        assert!(page::traces(&traces).contains("&lt;i&gt;"));
    }
}
