//! One session timeline out of many clocks.
//!
//! Three clocks meet here: the RTP clock of a track (its own rate and drift), the wall clock of its sender (shared by
//! all tracks of that person) and the node's clock, which is the session's. A sender report ties the first to the
//! second. The second is tied to the third by the report that travelled fastest lately: delay only ever adds to
//! arrival − sender time, so the minimum is the truth plus the path's least delay, which is the same for all tracks of
//! the person. So sound and picture of one person are aligned by their own clock, and jitter of the network does not
//! move them. Before a track's first report the same minimum over its packets stands in.
//!
//! Corrections are slewed at a tenth of real time; only the first report, and a disagreement too large to be jitter or
//! drift, take effect at once.

use sfu::{NodeTime, SenderReport};

/// Reports and packets older than this stop counting towards a minimum: long enough to meet a quick packet, short
/// enough that 100 ppm of drift stay below 6 ms.
const WINDOW_US: i64 = 30_000_000;

/// A sender's clock that disagrees by more than this, three reports in a row, is another clock.
const CLOCK_STEP_US: i64 = 500_000;

/// A correction beyond this is made at once.
const JUMP_US: i64 = 500_000;

/// Media cannot be from the future (beyond what a path's delay may shrink) nor from long ago (beyond what
/// retransmission and a stalled sender explain); a mapping that says so is not believed.
const FUTURE_US: i64 = 2_000_000;
const PAST_US: i64 = 10_000_000;

/// Minimum of what was seen during the last one to two windows.
#[derive(Default, Debug)]
struct WindowedMin {
    current: Option<i64>,
    previous: Option<i64>,
    since: i64,
}

impl WindowedMin {
    fn add(&mut self, now: i64, value: i64) {
        if now - self.since >= WINDOW_US {
            self.previous = self.current.take();
            self.since = now;
        }
        self.current = Some(self.current.map_or(value, |min| min.min(value)));
    }

    fn get(&self) -> Option<i64> {
        [self.current, self.previous].into_iter().flatten().min()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The wall clock of one person, as seen from the node.
#[derive(Default, Debug)]
pub(crate) struct PartyClock {
    /// First NTP time seen; all are counted from it, which survives the wrap of 2036.
    base: Option<u64>,
    /// Arrival − sender time, microseconds.
    offset: WindowedMin,
    steps: u8,
    /// Counts clocks: a report made by an earlier one means nothing on this one.
    generation: u32,
}

impl PartyClock {
    fn sender_us(&self, ntp: u64) -> i64 {
        let since_base = ntp.wrapping_sub(self.base.unwrap_or(ntp)) as i64;
        ((i128::from(since_base) * 1_000_000) >> 32) as i64
    }

    /// Takes in a sender report of any of the person's tracks.
    fn report(&mut self, report: &SenderReport) {
        self.base.get_or_insert(report.ntp);
        let arrival = report.arrival.0 as i64;
        let offset = arrival - self.sender_us(report.ntp);
        match self.offset.get() {
            Some(known) if offset > known + CLOCK_STEP_US => {
                self.steps += 1;
                if self.steps < 3 {
                    return;
                }
                self.offset.clear();
                self.generation += 1;
            }
            Some(known) if offset < known - CLOCK_STEP_US => {
                self.offset.clear();
                self.generation += 1;
            }
            _ => {}
        }
        self.steps = 0;
        self.offset.add(arrival, offset);
    }

    /// Takes in that something the sender did at `ntp` arrived. Reports are few; packets, which leave a little later than
    /// their time says, make up for it when no report was quick. They never move the clock far: one whose timestamps
    /// began anew without notice says nothing about the person's clock.
    fn packet(&mut self, ntp_us: i64, arrival: i64) {
        let offset = arrival - ntp_us;
        if self.offset.get().is_some_and(|known| (known - CLOCK_STEP_US..known).contains(&offset)) {
            self.offset.add(arrival, offset);
        }
    }

    /// When something the sender did at `ntp` would have arrived over the least delay, microseconds of node time.
    fn node_us(&self, ntp: u64) -> Option<i64> {
        Some(self.sender_us(ntp) + self.offset.get()?)
    }
}

/// Maps the RTP timestamps of one track to node time.
#[derive(Debug)]
pub(crate) struct TrackClock {
    clock_rate: u32,
    /// The latest timestamp, raw and extended to 64 bits.
    latest: Option<(u32, i64)>,
    /// Arrival − media time of packets, microseconds.
    arrivals: WindowedMin,
    report: Option<Report>,
    /// Node time − media time in use, microseconds.
    offset: Option<i64>,
    /// `offset` comes from a report, not from arrivals.
    reported: bool,
    /// Media time of the last mapping, microseconds.
    mapped: i64,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    ntp: u64,
    rtp_timestamp: u32,
    generation: u32,
}

impl TrackClock {
    pub(crate) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            latest: None,
            arrivals: WindowedMin::default(),
            report: None,
            offset: None,
            reported: false,
            mapped: i64::MIN,
        }
    }

    /// Takes in a sender report of this track.
    pub(crate) fn sender_report(&mut self, report: &SenderReport, party: &mut PartyClock) {
        if report.ntp == 0 {
            return; // RFC 3550 §6.4.1: a sender without a wall clock.
        }
        party.report(report);
        let generation = party.generation;
        self.report = Some(Report { ntp: report.ntp, rtp_timestamp: report.rtp_timestamp, generation });
    }

    /// Extends a timestamp to 64 bits: the value nearest to the latest.
    fn extend(&self, timestamp: u32) -> i64 {
        match self.latest {
            Some((raw, extended)) => extended + i64::from(timestamp.wrapping_sub(raw) as i32),
            None => i64::from(timestamp),
        }
    }

    fn media_us(&self, extended: i64) -> i64 {
        (i128::from(extended) * 1_000_000 / i128::from(self.clock_rate)) as i64
    }

    /// Counts a packet towards the mapping that holds until there is a sender report.
    pub(crate) fn arrived(&mut self, timestamp: u32, arrival: NodeTime, party: &mut PartyClock) {
        let extended = self.extend(timestamp);
        if self.latest.is_none_or(|(_, latest)| extended > latest) {
            self.latest = Some((timestamp, extended));
        }
        let arrival = arrival.0 as i64;
        let media = self.media_us(extended);
        self.arrivals.add(arrival, arrival - media);
        if let Some(report) = self.report
            && report.generation == party.generation
        {
            let since_report = media - self.media_us(self.extend(report.rtp_timestamp));
            party.packet(party.sender_us(report.ntp) + since_report, arrival);
        }
    }

    /// Where on the node's clock the media of `timestamp` belongs, microseconds; `arrival` is when it came.
    pub(crate) fn map(&mut self, timestamp: u32, arrival: NodeTime, party: &PartyClock) -> i64 {
        let arrival = arrival.0 as i64;
        let media = self.media_us(self.extend(timestamp));
        let target = match self.report {
            Some(report) if report.generation == party.generation => {
                let at_report = self.media_us(self.extend(report.rtp_timestamp));
                party.node_us(report.ntp).map(|node| node - at_report)
            }
            // The sender's clock changed and this track has not yet heard of it: go on as before.
            Some(_) => self.offset,
            None => self.arrivals.get(),
        };
        let target = target.unwrap_or(arrival - media);
        let offset = match self.offset {
            None => target,
            // The first report ends the guessing: no use in being wrong for longer.
            Some(_) if self.report.is_some() && !self.reported => target,
            Some(offset) if (target - offset).abs() > JUMP_US => target,
            Some(offset) => {
                let slew = (media - self.mapped).clamp(0, JUMP_US * 10) / 10;
                offset + (target - offset).clamp(-slew, slew)
            }
        };
        let believable = arrival - PAST_US..=arrival + FUTURE_US;
        let offset = if believable.contains(&(media + offset)) {
            offset
        } else {
            self.report = None;
            self.arrivals.clear();
            self.arrivals.add(arrival, arrival - media);
            arrival - media
        };
        self.offset = Some(offset);
        self.reported = self.report.is_some();
        self.mapped = self.mapped.max(media);
        media + offset
    }

    /// The stream begins anew with unrelated timestamps.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.clock_rate);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A sender whose clocks are off by known amounts.
    struct Sender {
        /// Wall clock rate against the node's, parts per million.
        wall_ppm: i64,
        /// RTP clock rate against the wall clock, parts per million.
        rtp_ppm: i64,
        rate: u32,
        rtp_start: u32,
    }

    const NTP_2026: u64 = 4_000_000_000 << 32;
    const NODE_2026: i64 = 1_790_000_000_000_000;

    impl Sender {
        fn wall_us(&self, true_us: i64) -> i64 {
            true_us + true_us * self.wall_ppm / 1_000_000
        }

        fn timestamp(&self, true_us: i64) -> u32 {
            let wall = self.wall_us(true_us);
            let rtp_us = i128::from(wall + wall * self.rtp_ppm / 1_000_000);
            self.rtp_start.wrapping_add((rtp_us * i128::from(self.rate) / 1_000_000) as u32)
        }

        fn report(&self, true_us: i64, delay_us: i64) -> SenderReport {
            let ntp = NTP_2026.wrapping_add((((i128::from(self.wall_us(true_us))) << 32) / 1_000_000) as u64);
            SenderReport { arrival: node(true_us + delay_us), ntp, rtp_timestamp: self.timestamp(true_us) }
        }
    }

    fn node(true_us: i64) -> NodeTime {
        NodeTime((NODE_2026 + true_us) as u64)
    }

    /// Runs two tracks of one person through `seconds` of session, and gives the largest A/V offset and the largest
    /// distance from the truth (capture + least delay) after the first ten seconds, in microseconds. Every picture waits
    /// `video_wait_us` at the sender besides, as in a pacer.
    fn run(
        audio: &Sender,
        video: &Sender,
        seconds: i64,
        jitter: impl Fn(i64) -> i64,
        video_wait_us: i64,
    ) -> (i64, i64) {
        const LEAST_DELAY_US: i64 = 30_000;
        let mut party = PartyClock::default();
        let mut clocks = [TrackClock::new(audio.rate), TrackClock::new(video.rate)];
        let (mut av_max, mut error_max) = (0, 0);
        for step in 0..seconds * 50 {
            let true_us = step * 20_000;
            // Silence suppression: for 9 of every 20 minutes there is one audio packet every 400 ms.
            let silent = true_us / 60_000_000 % 20 > 10;
            let delay = LEAST_DELAY_US + jitter(step);
            // A sender with DTX still sends packets, so RFC 3550 §6.4 has it report.
            if step % 250 == 249 {
                clocks[0].sender_report(&audio.report(true_us, delay), &mut party);
            }
            if step % 50 == 25 {
                clocks[1].sender_report(&video.report(true_us, delay + video_wait_us), &mut party);
            }
            if silent && step % 20 != 0 {
                continue;
            }
            let mapped = [(audio, 0), (video, video_wait_us)]
                .map(|(sender, wait)| (sender.timestamp(true_us), node(true_us + delay + wait)));
            let mapped: Vec<i64> = clocks
                .iter_mut()
                .zip(mapped)
                .map(|(clock, (timestamp, arrival))| {
                    clock.arrived(timestamp, arrival, &mut party);
                    clock.map(timestamp, arrival, &party) - NODE_2026 - true_us - LEAST_DELAY_US
                })
                .collect();
            if true_us > 10_000_000 {
                av_max = av_max.max((mapped[0] - mapped[1]).abs());
                error_max = error_max.max(mapped[0].abs()).max(mapped[1].abs());
            }
        }
        (av_max, error_max)
    }

    fn pseudo_random(step: i64, below: i64) -> i64 {
        (step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33)
            .rem_euclid(below)
    }

    #[test]
    fn after_two_hours_of_drift_and_silence_sound_and_picture_are_together() {
        for (wall_ppm, audio_ppm, video_ppm) in
            [(100, 100, -100), (-100, -100, 100), (100, -100, 0), (0, 0, 0)]
        {
            let audio = Sender { wall_ppm, rtp_ppm: audio_ppm, rate: 48_000, rtp_start: u32::MAX - 7 };
            let video = Sender { wall_ppm, rtp_ppm: video_ppm, rate: 90_000, rtp_start: u32::MAX / 2 };
            let (av, error) = run(&audio, &video, 7200, |step| pseudo_random(step, 60_000), 100_000);
            println!(
                "two hours, clocks {wall_ppm}/{audio_ppm}/{video_ppm} ppm: at most {av} µs apart, {error} µs off"
            );
            assert!(av < 5_000, "A/V offset {av} µs at {wall_ppm}/{audio_ppm}/{video_ppm} ppm");
            assert!(error < 40_000, "distance from the truth {error} µs");
        }
    }

    #[test]
    fn jitter_of_the_network_does_not_move_a_track_that_has_reports() {
        let audio = Sender { wall_ppm: 0, rtp_ppm: 0, rate: 48_000, rtp_start: 5 };
        let video = Sender { wall_ppm: 0, rtp_ppm: 0, rate: 90_000, rtp_start: 9 };
        let (av, error) = run(&audio, &video, 120, |step| if step % 7 == 0 { 0 } else { 200_000 }, 100_000);
        assert!(av < 1_000 && error < 1_000, "A/V {av} µs, error {error} µs");
    }

    #[test]
    fn a_clock_that_steps_is_followed_and_tracks_that_have_not_heard_go_on() {
        let mut party = PartyClock::default();
        let mut clock = TrackClock::new(90_000);
        let sender = Sender { wall_ppm: 0, rtp_ppm: 0, rate: 90_000, rtp_start: 0 };
        for second in 0..20 {
            let true_us = second * 1_000_000;
            let mut report = sender.report(true_us, 20_000);
            if second >= 10 {
                report.ntp -= 3600 << 32; // the sender's wall clock was set back by an hour
            }
            clock.sender_report(&report, &mut party);
            clock.arrived(sender.timestamp(true_us), node(true_us + 20_000), &mut party);
            let mapped = clock.map(sender.timestamp(true_us), node(true_us + 20_000), &party);
            assert!((mapped - NODE_2026 - true_us - 20_000).abs() < 1_000, "second {second}: {mapped}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_sender_claims_media_stays_near_its_arrival(
            claims in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u32>()), 1..60),
        ) {
            let mut party = PartyClock::default();
            let mut clock = TrackClock::new(90_000);
            for (i, (timestamp, ntp, rtp_timestamp)) in claims.into_iter().enumerate() {
                let arrival = node(i as i64 * 100_000);
                clock.sender_report(&SenderReport { arrival, ntp, rtp_timestamp }, &mut party);
                clock.arrived(timestamp, arrival, &mut party);
                let mapped = clock.map(timestamp, arrival, &party);
                let believable = arrival.0 as i64 - PAST_US..=arrival.0 as i64 + FUTURE_US;
                prop_assert!(believable.contains(&mapped));
            }
        }
    }
}
