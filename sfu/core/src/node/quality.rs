//! How a participant's connection was over the last second: what desk and reviewers see of the network.

use std::time::{Duration, Instant};

use super::types::ParticipantStats;

/// One participant's second. Losses are of the path: what NACK and RTX repaired counts as lost.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct QualitySample {
    /// How long it was; about a second.
    pub period: Duration,
    /// Round trip between the participant and us.
    pub rtt: Option<Duration>,
    /// Share of packets lost on the way from the participant, 0–1.
    pub uplink_loss: f32,
    /// Share of packets lost on the way to the participant, 0–1, as its receiver reports say.
    pub downlink_loss: f32,
    /// Greatest jitter of what the participant sends (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// What came from the participant.
    pub uplink_bps: u64,
    /// What went to the participant.
    pub downlink_bps: u64,
    /// What the way to the participant carries, as estimated; `None` before there is an estimate.
    pub estimate_bps: Option<u64>,
    /// Sequence numbers asked of the participant again.
    pub nacks: u32,
    /// Packets sent to the participant again.
    pub retransmitted: u32,
    /// Keyframes asked of the participant.
    pub plis: u32,
    /// A video the participant shows gets nothing, because the way to it carries no more.
    pub video_paused: bool,
}

/// Makes a [`QualitySample`] of what has changed since the last one.
#[derive(Debug, Default)]
pub(super) struct Quality {
    last: Option<QualitySample>,
    before: ParticipantStats,
    received_before: (u64, u64),
    /// Packets sent to the participant that it has reported on, and how many of them it never got.
    downlink: (u64, u64),
    since: Option<Instant>,
}

/// What is asked of the participant's tracks and of its sending side at the end of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observed {
    pub(super) rtt: Option<Duration>,
    /// Packets expected and received over all incoming streams since they began.
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) jitter: Duration,
    pub(super) estimate_bps: Option<u64>,
    pub(super) video_paused: bool,
}

impl Quality {
    /// The participant reports on packets of a stream we send it, and how many of them it never got.
    pub(super) fn on_reception(&mut self, packets: u32, lost: u32) {
        self.downlink.0 += u64::from(packets);
        self.downlink.1 += u64::from(lost.min(packets));
    }

    /// Ends a second.
    pub(super) fn sample(
        &mut self,
        now: Instant,
        stats: &ParticipantStats,
        observed: Observed,
    ) -> QualitySample {
        let period = self.since.map_or(Duration::from_secs(1), |since| now.saturating_duration_since(since));
        let period = period.max(Duration::from_millis(1));
        self.since = Some(now);
        let per_second = |octets: u64| (octets as f64 * 8.0 / period.as_secs_f64()) as u64;
        let count = |now: u64, before: u64| u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        // A stream that ends takes its counts with it.
        let expected = observed.expected.saturating_sub(self.received_before.0);
        let received = observed.received.saturating_sub(self.received_before.1);
        self.received_before = (observed.expected, observed.received);
        let (reported, lost) = std::mem::take(&mut self.downlink);
        let before = std::mem::replace(&mut self.before, stats.clone());
        let sample = QualitySample {
            period,
            rtt: observed.rtt,
            uplink_loss: share(expected.saturating_sub(received), expected),
            downlink_loss: share(lost, reported),
            jitter: observed.jitter,
            uplink_bps: per_second(stats.octets_received.saturating_sub(before.octets_received)),
            downlink_bps: per_second(stats.octets_sent.saturating_sub(before.octets_sent)),
            estimate_bps: observed.estimate_bps,
            nacks: count(stats.nacks_sent, before.nacks_sent),
            retransmitted: count(stats.retransmitted, before.retransmitted),
            plis: count(stats.plis_sent, before.plis_sent),
            video_paused: observed.video_paused,
        };
        self.last = Some(sample);
        sample
    }

    /// The last second there was.
    pub(super) fn last(&self) -> Option<QualitySample> {
        self.last
    }
}

fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) as f32 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sample_is_about_its_own_second_only() {
        let start = Instant::now();
        let mut quality = Quality::default();
        let mut stats = ParticipantStats { octets_received: 125_000, nacks_sent: 3, ..Default::default() };
        let first =
            quality.sample(start, &stats, Observed { expected: 100, received: 90, ..Default::default() });
        assert_eq!((first.uplink_bps, first.nacks), (1_000_000, 3));
        assert!((first.uplink_loss - 0.1).abs() < 1e-6);

        quality.on_reception(80, 20);
        quality.on_reception(20, 0);
        stats.octets_sent = 250_000;
        let now = start + Duration::from_secs(2);
        let second =
            quality.sample(now, &stats, Observed { expected: 200, received: 190, ..Default::default() });
        assert_eq!((second.uplink_bps, second.downlink_bps, second.nacks), (0, 1_000_000, 0));
        assert_eq!((second.uplink_loss, second.downlink_loss), (0.0, 0.2));
        assert_eq!(quality.last(), Some(second));
    }

    #[test]
    fn streams_that_end_are_no_loss() {
        let start = Instant::now();
        let mut quality = Quality::default();
        let observed = Observed { expected: 500, received: 500, ..Default::default() };
        quality.sample(start, &ParticipantStats::default(), observed);
        let less = Observed { expected: 10, received: 10, ..Default::default() };
        let sample = quality.sample(start + Duration::from_secs(1), &ParticipantStats::default(), less);
        assert_eq!((sample.uplink_loss, sample.downlink_loss), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn shares_are_shares_whatever_a_participant_reports(
            reports in prop::collection::vec((any::<u32>(), any::<u32>()), 0..200),
        ) {
            let mut quality = Quality::default();
            for (packets, lost) in reports {
                quality.on_reception(packets, lost);
            }
            let sample = quality.sample(Instant::now(), &ParticipantStats::default(), Observed::default());
            prop_assert!((0.0..=1.0).contains(&sample.downlink_loss));
        }
    }
}
