//! Sequence numbers of one stream: extending them, noticing gaps, asking again, as libwebrtc's NACK requester does it; and the
//! reception report (RFC 3550 §6.4.1).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtcp::reception_report::ReceptionReport;

use crate::caller::rtp;
use crate::measure::Measures;

/// A gap this old without any request was no reordering.
const REORDERING: Duration = Duration::from_millis(10);
/// Requests for one packet.
const TRIES_MAX: u8 = 10;
/// More than this missing at once, and only a keyframe helps.
const MISSING_MAX: usize = 1000;
/// What is missing for so long will not come.
const GIVE_UP: Duration = Duration::from_secs(2);
/// Requests at once.
const ASK_MAX: usize = 200;

#[derive(Clone, Copy, Debug)]
struct Missing {
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

/// What became of a packet's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In order, or ahead of some.
    New(u64),
    /// It was missing until now.
    Late(u64),
    /// It has been here before, or it was given up.
    Known,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Sequences {
    first: Option<u64>,
    highest: Option<u64>,
    missing: BTreeMap<u64, Missing>,
    overwhelmed: bool,
    received: u64,
    reported: (u64, u64),
    jitter_us: f64,
    transit_us: Option<i64>,
    sender_report: Option<(u32, Instant)>,
}

impl Sequences {
    /// Takes note of a packet's number.
    pub fn arrived(&mut self, now: Instant, sequence: u16, measures: &mut Measures) -> Place {
        let Some(highest) = self.highest else {
            let first = (1 << 20) + u64::from(sequence);
            (self.first, self.highest) = (Some(first), Some(first));
            self.received += 1;
            measures.count(|it| it.expected += 1);
            return Place::New(first);
        };
        let extended = rtp::extend(highest, sequence);
        if extended > highest {
            let ahead = extended - highest;
            measures.count(|it| {
                it.expected += ahead;
                it.missing += ahead - 1;
            });
            let missing = Missing { since: now, asked: None, tries: 0 };
            let forgotten = ahead.saturating_sub(1 + MISSING_MAX as u64);
            measures.count(|it| it.lost += forgotten);
            for gap in highest + 1 + forgotten..extended {
                self.missing.insert(gap, missing);
            }
            if self.missing.len() > MISSING_MAX {
                let lost = self.missing.len() as u64;
                measures.count(|it| it.lost += lost);
                self.missing.clear();
                self.overwhelmed = true;
            }
            self.highest = Some(extended);
            self.received += 1;
            return Place::New(extended);
        }
        if self.missing.remove(&extended).is_some() {
            self.received += 1;
            return Place::Late(extended);
        }
        Place::Known
    }

    /// Interarrival jitter, from the truth about when a frame was captured.
    pub fn transit(&mut self, arrived_us: u64, captured_us: u64) {
        let transit = arrived_us as i64 - captured_us as i64;
        if let Some(before) = self.transit_us.replace(transit) {
            let difference = (transit - before).unsigned_abs() as f64;
            if difference < 5e6 {
                self.jitter_us += (difference - self.jitter_us) / 16.0;
            }
        }
    }

    /// Interarrival jitter now, µs; `None` before anything came.
    pub fn jitter_us(&self) -> Option<u64> {
        self.transit_us.map(|_| self.jitter_us as u64)
    }

    /// Numbers to ask for now; gives up what has been missing for too long.
    pub fn due(&mut self, now: Instant, rtt: Duration, measures: &mut Measures) -> Vec<u16> {
        let mut due = Vec::new();
        if self.missing.is_empty() {
            return due;
        }
        self.expire(now, measures);
        for (sequence, missing) in &mut self.missing {
            let again = rtt.max(Duration::from_millis(20));
            let at = missing.asked.map_or(missing.since + REORDERING, |asked| asked + again);
            if at <= now && missing.tries < TRIES_MAX && due.len() < ASK_MAX {
                missing.asked = Some(now);
                missing.tries += 1;
                due.push(*sequence as u16);
            }
        }
        let asked = due.len() as u64;
        measures.count(|it| it.nacks += asked);
        due
    }

    /// Gives up what has been missing for too long.
    pub fn expire(&mut self, now: Instant, measures: &mut Measures) {
        let before = self.missing.len();
        self.missing.retain(|_, it| now.duration_since(it.since) < GIVE_UP);
        let lost = (before - self.missing.len()) as u64;
        measures.count(|it| it.lost += lost);
    }

    /// Whether anything may have to be asked for soon.
    pub fn has_gaps(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Whether the gaps became too many since the last call.
    pub fn take_overwhelmed(&mut self) -> bool {
        std::mem::take(&mut self.overwhelmed)
    }

    /// Takes note of a sender report.
    pub fn on_sender_report(&mut self, now: Instant, ntp: u64) {
        self.sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// A block about everything since the last one; `clock_rate` is the stream's.
    pub fn block(&mut self, now: Instant, ssrc: u32, clock_rate: u32) -> Option<ReceptionReport> {
        let highest = self.highest?;
        let expected = highest - self.first? + 1;
        let (before, received_before) = std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_now = expected.saturating_sub(before);
        let lost = expected_now.saturating_sub(self.received - received_before);
        let (last_sender_report, delay) = match self.sender_report {
            Some((ntp, at)) => (ntp, ((now.duration_since(at).as_micros() << 16) / 1_000_000) as u32),
            None => (0, 0),
        };
        Some(ReceptionReport {
            ssrc,
            fraction_lost: (lost * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            total_lost: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            last_sequence_number: highest as u32,
            jitter: (self.jitter_us * f64::from(clock_rate) / 1e6) as u32,
            last_sender_report,
            delay,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_asked_for_and_given_up() {
        let (start, mut measures) = (Instant::now(), Measures::begun());
        let mut sequences = Sequences::default();
        let ms = |value| start + Duration::from_millis(value);
        let rtt = Duration::from_millis(50);
        for sequence in [65_534, 65_535, 2, 3] {
            sequences.arrived(start, sequence, &mut measures);
        }
        assert_eq!(sequences.due(ms(5), rtt, &mut measures), [0u16; 0], "it may be reordering");
        assert_eq!(sequences.due(ms(10), rtt, &mut measures), [0, 1]);
        assert!(matches!(sequences.arrived(ms(20), 0, &mut measures), Place::Late(_)));
        assert_eq!(sequences.arrived(ms(20), 0, &mut measures), Place::Known);
        assert_eq!(sequences.due(ms(59), rtt, &mut measures), [0u16; 0]);
        assert_eq!(sequences.due(ms(60), rtt, &mut measures), [1]);
        sequences.due(ms(2000), rtt, &mut measures);
        let counts = measures.counts;
        assert_eq!((counts.expected, counts.missing, counts.lost, counts.nacks), (6, 2, 1, 3));
        let block = sequences.block(ms(2000), 7, 90_000).expect("a block");
        assert_eq!((block.total_lost, block.fraction_lost), (1, 42));
    }
}
