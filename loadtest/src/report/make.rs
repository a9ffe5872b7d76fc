//! How a report is made of what a run measured.

use hdrhistogram::Histogram;

use super::VERSION;
use super::keys::*;
use crate::measure::ratio;
use crate::rooms::Outcome;
use crate::rooms::scene::Part;

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
}
