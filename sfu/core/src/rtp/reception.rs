//! Reception statistics of one incoming stream, for RTCP report blocks (RFC 3550 §6.4, §A.3, §A.8).

use std::time::{Duration, Instant};

use rtcp::reception_report::ReceptionReport;

use super::sequence::TimestampExtender;
use crate::ids::Ssrc;

/// Browsers send a report every half second at most.
const REPORTS_APART: Duration = Duration::from_millis(100);

/// What arrived of one stream.
#[derive(Clone, Debug)]
pub struct ReceptionStats {
    clock_rate: u32,
    /// First and highest extended sequence number.
    range: Option<(u64, u64)>,
    received: u64,
    timestamps: TimestampExtender,
    /// Arrival of the first packet: zero of the transit clock.
    start: Option<Instant>,
    /// Arrival minus timestamp of the last packet, in timestamp units.
    transit: Option<i64>,
    /// Sixteenths of timestamp units (RFC 3550 §A.8).
    jitter: u64,
    /// Packets expected and received when the last report was made.
    reported: (u64, u64),
    /// Middle 32 bits of the last sender report's NTP time, and its arrival.
    sender_report: Option<(u32, Instant)>,
}

impl ReceptionStats {
    /// Statistics of a stream whose timestamps advance at `clock_rate` Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            range: None,
            received: 0,
            timestamps: TimestampExtender::default(),
            start: None,
            transit: None,
            jitter: 0,
            reported: (0, 0),
            sender_report: None,
        }
    }

    /// Takes note of a packet as it came over the network. Packets repaired by RTX must be left out: the report is about
    /// the path, and their delay is no jitter.
    pub fn on_packet(&mut self, sequence: u64, timestamp: u32, now: Instant) {
        let (first, highest) = self.range.unwrap_or((sequence, sequence));
        self.range = Some((first.min(sequence), highest.max(sequence)));
        self.received += 1;
        let start = *self.start.get_or_insert(now);
        let elapsed = now.saturating_duration_since(start);
        // In 64 bits, which last for years: divisions of 128 bits are slow.
        let arrival = (elapsed.as_micros() as u64).saturating_mul(self.clock_rate.into()) / 1_000_000;
        let arrival = i64::try_from(arrival).unwrap_or(i64::MAX);
        let transit = arrival.saturating_sub_unsigned(self.timestamps.extend(timestamp));
        if let Some(last) = self.transit.replace(transit) {
            let difference = transit.abs_diff(last);
            // A leap of the sender's clock is no jitter (libwebrtc ignores such steps too).
            if difference < u64::from(self.clock_rate) * 5 {
                self.jitter = self.jitter + difference - (self.jitter + 8) / 16;
            }
        }
    }

    /// Takes note of a sender report: its 64-bit NTP time. False if it comes too soon after the last to be worth anything.
    pub fn on_sender_report(&mut self, ntp: u64, now: Instant) -> bool {
        if self.sender_report.is_some_and(|(_, last)| now < last + REPORTS_APART) {
            return false;
        }
        self.sender_report = Some((middle_of(ntp), now));
        true
    }

    /// Packets expected and received since the stream began.
    pub fn totals(&self) -> (u64, u64) {
        let expected = self.range.map_or(0, |(first, highest)| highest - first + 1);
        (expected, self.received.min(expected))
    }

    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter / 16 * 1_000_000 / u64::from(self.clock_rate.max(1)))
    }

    /// A report block about the time since the last one; `None` before the first packet.
    pub fn report(&mut self, ssrc: Ssrc, now: Instant) -> Option<ReceptionReport> {
        let (first, highest) = self.range?;
        let expected = highest - first + 1;
        let (expected_before, received_before) =
            std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_now = expected - expected_before;
        let lost_now = expected_now.saturating_sub(self.received - received_before);
        let fraction_lost = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        // Duplicates may outnumber losses; libwebrtc reports no negative loss either. The field has 23 bits.
        let total_lost = expected.saturating_sub(self.received).min(0x7f_ffff) as u32;
        let (last_sender_report, delay) = match self.sender_report {
            Some((ntp, at)) => (ntp, to_short_ntp(now.saturating_duration_since(at))),
            None => (0, 0),
        };
        Some(ReceptionReport {
            ssrc: ssrc.0,
            fraction_lost,
            total_lost,
            // Extended numbers begin in the second cycle, RTCP counts from none.
            last_sequence_number: highest.saturating_sub(1 << 16) as u32,
            jitter: u32::try_from(self.jitter / 16).unwrap_or(u32::MAX),
            last_sender_report,
            delay,
        })
    }
}

/// The middle 32 bits: 16.16 fixed-point seconds.
fn middle_of(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

fn to_short_ntp(duration: Duration) -> u32 {
    u32::try_from((duration.as_micros() << 16) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn losses_are_counted_in_total_and_since_the_last_report() {
        let start = Instant::now();
        let mut stats = ReceptionStats::new(90_000);
        assert_eq!(stats.report(Ssrc(1), start), None);
        for sequence in (0..100u64).filter(|it| it % 4 != 3) {
            stats.on_packet(65_536 + sequence, 0, start);
        }
        let report = stats.report(Ssrc(1), start).unwrap();
        assert_eq!((report.total_lost, report.fraction_lost), (24, 62), "99 expected, 75 received");
        assert_eq!(report.last_sequence_number, 98);
        for sequence in 100..200u64 {
            stats.on_packet(65_536 + sequence, 0, start);
        }
        let report = stats.report(Ssrc(1), start).unwrap();
        assert_eq!((report.total_lost, report.fraction_lost), (25, 2), "101 expected, 100 received");
        let report = stats.report(Ssrc(1), start).unwrap();
        assert_eq!(report.fraction_lost, 0, "nothing was expected since");
    }

    #[test]
    fn the_highest_number_counts_its_cycles() {
        let mut stats = ReceptionStats::new(90_000);
        stats.on_packet(131_071, 0, Instant::now());
        stats.on_packet(131_073, 0, Instant::now());
        let report = stats.report(Ssrc(1), Instant::now()).unwrap();
        assert_eq!(report.last_sequence_number, 0x0001_0001);
    }

    #[test]
    fn even_spacing_has_no_jitter_and_uneven_spacing_has() {
        let start = Instant::now();
        let mut even = ReceptionStats::new(48_000);
        let mut uneven = ReceptionStats::new(48_000);
        for packet in 0..500u64 {
            let timestamp = (u32::MAX - 100_000).wrapping_add(packet as u32 * 960);
            even.on_packet(65_536 + packet, timestamp, start + ms(packet * 20));
            let late = if packet % 2 == 0 { 0 } else { 5 };
            uneven.on_packet(65_536 + packet, timestamp, start + ms(packet * 20 + late));
        }
        assert_eq!(even.report(Ssrc(1), start).unwrap().jitter, 0);
        let jitter = uneven.report(Ssrc(1), start).unwrap().jitter;
        assert!((230..=240).contains(&jitter), "5 ms are 240 units, not {jitter}");
    }

    #[test]
    fn a_report_says_which_sender_report_came_last_and_how_long_ago() {
        let start = Instant::now();
        let sent_ntp = 0x1234_5678_8000_0000;
        let mut stats = ReceptionStats::new(90_000);
        stats.on_packet(65_536, 0, start);
        stats.on_sender_report(sent_ntp, start);
        let report = stats.report(Ssrc(1), start + ms(500)).unwrap();
        assert_eq!(report.last_sender_report, 0x5678_8000);
        assert_eq!(report.delay, 0x8000);
    }

    proptest! {
        #[test]
        fn hostile_numbers_make_a_valid_report(
            packets in prop::collection::vec((0..1_000_000u64, any::<u32>(), 0..10_000u64), 1..100),
        ) {
            use rtc_shared::marshal::Marshal;
            let start = Instant::now();
            let mut stats = ReceptionStats::new(90_000);
            for (sequence, timestamp, at) in packets {
                stats.on_packet(sequence, timestamp, start + ms(at));
                let report = stats.report(Ssrc(1), start + ms(at)).unwrap();
                prop_assert!(report.marshal().is_ok());
            }
        }
    }
}
