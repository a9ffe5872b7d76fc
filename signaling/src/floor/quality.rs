//! How the connections of a call are: what the media plane measures and what clients report, as one timeline, and in one
//! word for the people in it.
//!
//! Pure. A point covers two of the media plane's seconds. The word gets worse at once and better only after a while, so
//! that an indicator does not flicker.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::call::{LinkState, Party, PartyLink};
use protocol::ids::PartyId;
use protocol::rest::{QualityPoint, QualitySeen};
use protocol::ws::ClientStats;
use sfu::QualitySample;

/// Seconds of the media plane that make a point.
const SECONDS_A_POINT: u32 = 2;

/// Points of a call that are kept: four hours of two people.
const POINTS_MAX: u32 = 4 * 3_600 / SECONDS_A_POINT * 2;

/// Points that wait to be written together: half a minute of two people.
const CHUNK: usize = 30;

/// Better points in a row before the word gets better: 6 s.
const BETTER_AFTER: u32 = 3;

/// One person's part.
#[derive(Clone, Debug, Default)]
struct Track {
    seconds: Vec<QualitySample>,
    seen: Option<QualitySeen>,
    link: Option<LinkState>,
    better: u32,
    last: Option<QualityPoint>,
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct CallQuality {
    tracks: BTreeMap<PartyId, Track>,
    pending: Vec<QualityPoint>,
    made: u32,
    chunks: u32,
}

/// What a sample brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// Nothing to tell yet.
    Nothing,
    /// There are new figures.
    Figures,
    /// Somebody's connection has got better or worse.
    Link,
}

/// Points to be written together, numbered from 1 in each call.
#[derive(Clone, PartialEq, Debug)]
pub struct Chunk {
    /// Its number.
    pub number: u32,
    /// In order of time.
    pub points: Vec<QualityPoint>,
    /// More is not kept of this call.
    pub last: bool,
}

impl CallQuality {
    /// A second of somebody's connection, as the media plane saw it.
    pub fn on_sample(&mut self, party: &Party, sample: QualitySample, now: Timestamp) -> News {
        let track = self.tracks.entry(party.id).or_default();
        track.seconds.push(sample);
        if track.seconds.len() < SECONDS_A_POINT as usize {
            return News::Nothing;
        }
        let mut point = merge(party, &track.seconds, track.seen.take(), now);
        track.seconds.clear();
        let before = track.link;
        point.link = track.turn(judge(&point));
        let paused_before = track.last.as_ref().is_some_and(|last| last.video_paused);
        let changed = before != Some(point.link) || paused_before != point.video_paused;
        track.last = Some(point.clone());
        if self.made < POINTS_MAX {
            self.made += 1;
            self.pending.push(point);
        }
        if changed { News::Link } else { News::Figures }
    }

    /// What somebody's client reported, its figures checked by [`plausible`].
    pub fn on_report(&mut self, party: PartyId, stats: &ClientStats) {
        let seen = seen(stats);
        let sum = &mut self.tracks.entry(party).or_default().seen;
        *sum = Some(sum.map_or(seen, |before| QualitySeen {
            freezes: before.freezes.saturating_add(seen.freezes),
            frozen_ms: before.frozen_ms.saturating_add(seen.frozen_ms),
            ..seen
        }));
    }

    /// Somebody left the call.
    pub fn forget(&mut self, party: PartyId) {
        self.tracks.remove(&party);
    }

    /// Points to write now, or all there are at the `end`.
    pub fn take_chunk(&mut self, end: bool) -> Option<Chunk> {
        let full = self.made >= POINTS_MAX;
        if self.pending.is_empty() || (self.pending.len() < CHUNK && !end && !full) {
            return None;
        }
        self.chunks += 1;
        Some(Chunk { number: self.chunks, points: std::mem::take(&mut self.pending), last: full })
    }

    /// How a party's connection is, with figures for staff; `None` while nothing is known.
    pub fn link(&self, party: PartyId, figures: bool) -> Option<PartyLink> {
        let point = self.tracks.get(&party)?.last.as_ref()?;
        let figure = |value: u32| Some(value).filter(|_| figures);
        Some(PartyLink {
            party,
            link: point.link,
            video_paused: point.video_paused,
            rtt_ms: point.rtt_ms.filter(|_| figures),
            loss_permille: Some(point.up_loss_permille.max(point.down_loss_permille)).filter(|_| figures),
            up_kbps: figure(point.up_kbps),
            down_kbps: figure(point.down_kbps),
        })
    }

    /// The worst connection of the call.
    pub fn worst(&self) -> Option<LinkState> {
        self.tracks.values().filter_map(|track| track.link).max()
    }
}

impl Track {
    /// The word after another point: worse at once, better only when it lasts.
    fn turn(&mut self, judged: LinkState) -> LinkState {
        let now = self.link.unwrap_or(judged);
        self.better = if judged < now { self.better + 1 } else { 0 };
        let next = if judged > now || self.better >= BETTER_AFTER { judged } else { now };
        if next != now {
            self.better = 0;
        }
        self.link = Some(next);
        next
    }
}

/// What people notice: from about 2 % on, losses cost frames or crackle in spite of repair; beyond 250 ms round trip people
/// talk over each other (ITU-T G.114 names 150 ms one way).
fn judge(point: &QualityPoint) -> LinkState {
    let loss = point.up_loss_permille.max(point.down_loss_permille);
    let rtt = point.rtt_ms.unwrap_or(0);
    let seen = point.seen.unwrap_or_default();
    if loss >= 80
        || rtt >= 500
        || seen.frozen_ms >= 800
        || seen.concealed_permille >= 80
        || point.video_paused
    {
        LinkState::Poor
    } else if loss >= 20 || rtt >= 250 || seen.frozen_ms > 0 || seen.concealed_permille >= 20 {
        LinkState::Fair
    } else {
        LinkState::Good
    }
}

fn merge(
    party: &Party,
    seconds: &[QualitySample],
    seen: Option<QualitySeen>,
    now: Timestamp,
) -> QualityPoint {
    let n = seconds.len().max(1) as f32;
    let mean = |of: fn(&QualitySample) -> f32| seconds.iter().map(of).sum::<f32>() / n;
    let permille = |share: f32| (share * 1_000.0).round().clamp(0.0, 1_000.0) as u16;
    let kbps = |of: fn(&QualitySample) -> u64| {
        u32::try_from(seconds.iter().map(of).sum::<u64>() / seconds.len().max(1) as u64 / 1_000)
            .unwrap_or(u32::MAX)
    };
    let sum = |of: fn(&QualitySample) -> u32| seconds.iter().map(of).fold(0u32, u32::saturating_add);
    let ms = |duration: std::time::Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    let last = seconds.last().copied().unwrap_or_default();
    QualityPoint {
        at: now,
        party: party.id,
        side: party.side,
        link: LinkState::Good,
        rtt_ms: last.rtt.map(ms),
        up_loss_permille: permille(mean(|second| second.uplink_loss)),
        down_loss_permille: permille(mean(|second| second.downlink_loss)),
        jitter_ms: seconds.iter().map(|second| ms(second.jitter)).max().unwrap_or(0),
        up_kbps: kbps(|second| second.uplink_bps),
        down_kbps: kbps(|second| second.downlink_bps),
        estimate_kbps: last.estimate_bps.map(|bps| u32::try_from(bps / 1_000).unwrap_or(u32::MAX)),
        nacks: sum(|second| second.nacks),
        retransmitted: sum(|second| second.retransmitted),
        plis: sum(|second| second.plis),
        video_paused: last.video_paused,
        seen,
    }
}

/// Whether a report can be true: whatever it claims, it stays within what its time allows.
///
/// # Errors
/// The field that cannot be, and why.
pub fn plausible(stats: &ClientStats) -> Result<(), (&'static str, String)> {
    let within = |field, value: u32, most: u32| {
        if value <= most { Ok(()) } else { Err((field, format!("is {value}, at most {most}"))) }
    };
    if stats.period_ms < 100 {
        return Err(("stats.period_ms", format!("is {}, at least 100", stats.period_ms)));
    }
    within("stats.period_ms", stats.period_ms, 60_000)?;
    // Four slots, at up to 120 frames a second; three of sound at up to 96 kHz.
    within("stats.freezes", stats.freezes, stats.period_ms / 10)?;
    within("stats.frozen_ms", stats.frozen_ms, stats.period_ms * 8)?;
    within("stats.frames_decoded", stats.frames_decoded, stats.period_ms)?;
    within("stats.audio_samples", stats.audio_samples, stats.period_ms * 96 * 8)?;
    within("stats.concealed_samples", stats.concealed_samples, stats.audio_samples)?;
    within("stats.packets_received", stats.packets_received, stats.period_ms * 100)?;
    within("stats.packets_lost", stats.packets_lost, stats.period_ms * 100)?;
    within("stats.jitter_ms", stats.jitter_ms, 60_000)?;
    within("stats.rtt_ms", stats.rtt_ms.unwrap_or(0), 60_000)?;
    within("stats.down_kbps", stats.down_kbps, 1_000_000)?;
    within("stats.up_kbps", stats.up_kbps, 1_000_000)
}

fn seen(stats: &ClientStats) -> QualitySeen {
    let per_second = u64::from(stats.frames_decoded) * 1_000 / u64::from(stats.period_ms.max(1));
    let concealed = u64::from(stats.concealed_samples) * 1_000;
    QualitySeen {
        freezes: stats.freezes,
        frozen_ms: stats.frozen_ms,
        frames_per_second: per_second as u32,
        concealed_permille: concealed.checked_div(u64::from(stats.audio_samples)).unwrap_or(0).min(1_000)
            as u16,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use protocol::call::Side;

    use super::super::call::Call;
    use super::*;

    const GOOD: QualitySample = QualitySample {
        period: Duration::from_secs(1),
        rtt: Some(Duration::from_millis(40)),
        uplink_loss: 0.0,
        downlink_loss: 0.0,
        jitter: Duration::from_millis(3),
        uplink_bps: 1_500_000,
        downlink_bps: 1_200_000,
        estimate_bps: Some(2_500_000),
        nacks: 0,
        retransmitted: 0,
        plis: 0,
        video_paused: false,
    };

    struct Line {
        quality: CallQuality,
        party: Party,
        second: u64,
    }

    impl Line {
        fn new() -> Self {
            Self { quality: CallQuality::default(), party: Call::seat(Side::Buyer, "Mara", &[]), second: 0 }
        }

        fn second(&mut self, sample: QualitySample) -> News {
            self.second += 1;
            let now = Timestamp::UNIX_EPOCH + Duration::from_secs(self.second);
            self.quality.on_sample(&self.party, sample, now)
        }

        fn point(&mut self, sample: QualitySample) -> LinkState {
            self.second(sample);
            self.second(sample);
            self.quality.link(self.party.id, true).unwrap().link
        }
    }

    #[test]
    fn a_connection_gets_worse_at_once_and_better_when_it_lasts() {
        use LinkState::{Fair, Good, Poor};
        let mut line = Line::new();
        let lossy = QualitySample { uplink_loss: 0.03, ..GOOD };
        let bad = QualitySample { downlink_loss: 0.2, ..GOOD };
        assert_eq!(line.point(GOOD), Good);
        assert_eq!(line.point(bad), Poor);
        assert_eq!(line.point(lossy), Poor, "not yet");
        assert_eq!(line.point(bad), Poor);
        let states: Vec<_> = [lossy; 3].map(|sample| line.point(sample)).to_vec();
        assert_eq!(states, [Poor, Poor, Fair]);
        let states: Vec<_> = [GOOD; 3].map(|sample| line.point(sample)).to_vec();
        assert_eq!(states, [Fair, Fair, Good]);
    }

    #[test]
    fn what_a_client_sees_counts_as_much_as_what_we_measure() {
        let mut line = Line::new();
        let report = ClientStats { period_ms: 2_000, freezes: 1, frozen_ms: 900, ..Default::default() };
        line.quality.on_report(line.party.id, &report);
        assert_eq!(line.point(GOOD), LinkState::Poor);
        let report = ClientStats {
            period_ms: 2_000,
            frames_decoded: 60,
            audio_samples: 96_000,
            concealed_samples: 2_880,
            ..Default::default()
        };
        line.quality.on_report(line.party.id, &report);
        line.point(GOOD);
        let points = line.quality.take_chunk(true).unwrap().points;
        assert_eq!(points[0].seen.unwrap().frozen_ms, 900);
        let seen = points[1].seen.unwrap();
        assert_eq!((seen.frames_per_second, seen.concealed_permille), (30, 30));
        assert_eq!(
            (points[1].up_kbps, points[1].rtt_ms, points[1].estimate_kbps),
            (1_500, Some(40), Some(2_500))
        );
    }

    #[test]
    fn only_staff_see_figures() {
        let mut line = Line::new();
        line.point(GOOD);
        let (buyer, staff) = (
            line.quality.link(line.party.id, false).unwrap(),
            line.quality.link(line.party.id, true).unwrap(),
        );
        assert_eq!((buyer.rtt_ms, buyer.up_kbps, buyer.loss_permille), (None, None, None));
        assert_eq!((staff.rtt_ms, staff.up_kbps, staff.loss_permille), (Some(40), Some(1_500), Some(0)));
    }

    #[test]
    fn a_pause_for_want_of_bandwidth_is_told_at_once() {
        let mut line = Line::new();
        line.point(GOOD);
        line.second(GOOD);
        assert_eq!(line.second(QualitySample { video_paused: true, ..GOOD }), News::Link);
        assert!(line.quality.link(line.party.id, false).unwrap().video_paused);
        line.second(GOOD);
        assert_eq!(line.second(GOOD), News::Link, "and its end too");
        line.second(GOOD);
        assert_eq!(line.second(GOOD), News::Figures);
    }

    #[test]
    fn the_timeline_is_written_in_chunks_and_ends_somewhere() {
        let mut line = Line::new();
        let mut written = Vec::new();
        for _ in 0..POINTS_MAX + 100 {
            line.point(GOOD);
            written.extend(line.quality.take_chunk(false));
        }
        assert!(line.quality.take_chunk(true).is_none());
        let points: usize = written.iter().map(|chunk| chunk.points.len()).sum();
        assert_eq!(points, POINTS_MAX as usize);
        assert!(written.last().unwrap().last);
        assert!((1u32..).zip(&written).all(|(number, chunk)| chunk.number == number));
    }

    proptest! {
        #[test]
        fn a_report_that_is_let_in_makes_sane_figures(
            figures in prop::array::uniform12(prop_oneof![0u32..3_000, any::<u32>()]),
        ) {
            let [period_ms, freezes, frozen_ms, frames_decoded, concealed_samples, audio_samples,
                 packets_received, packets_lost, jitter_ms, rtt_ms, down_kbps, up_kbps] = figures;
            let stats = ClientStats {
                period_ms, freezes, frozen_ms, frames_decoded, concealed_samples, audio_samples,
                packets_received, packets_lost, jitter_ms, rtt_ms: Some(rtt_ms), down_kbps, up_kbps,
            };
            if plausible(&stats).is_ok() {
                let seen = seen(&stats);
                prop_assert!(seen.concealed_permille <= 1_000 && seen.frames_per_second <= 1_000);
                prop_assert!(seen.frozen_ms <= 480_000);
            }
        }
    }
}
