//! How much arrives: bytes by the receiver's clock.

use std::time::Duration;

use super::bitrate::Bitrate;

/// Width of a bucket, in microseconds.
const BUCKET_US: i64 = 25_000;
/// Buckets that a rate is of at most: one second.
const MOST: i64 = 40;
/// Buckets kept. A power of two: a bucket's place is found without a division.
const BUCKETS: usize = 64;
/// Before this much time has been seen there is no rate.
const MIN_SPAN_US: i64 = 100_000;
/// The receiver's clock went back this far: it is another clock.
const STEP_US: i64 = 10_000_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct Throughput {
    bytes: [u32; BUCKETS],
    /// Newest bucket, counted on the receiver's clock.
    newest: Option<i64>,
    /// First bucket since the beginning or the last silence.
    first: i64,
}

impl Default for Throughput {
    fn default() -> Self {
        Self { bytes: [0; BUCKETS], newest: None, first: 0 }
    }
}

impl Throughput {
    /// A packet arrived at this time of the receiver's clock.
    pub fn on_packet(&mut self, arrival_us: i64, bytes: u16) {
        let bucket = arrival_us.div_euclid(BUCKET_US);
        let newest = match self.newest {
            Some(newest) if newest - bucket < STEP_US / BUCKET_US && bucket - newest < BUCKETS as i64 => {
                newest
            }
            // The beginning, a long silence, or another clock.
            _ => {
                *self = Self { newest: Some(bucket), first: bucket, ..Self::default() };
                bucket
            }
        };
        for emptied in newest + 1..=bucket {
            self.bytes[place(emptied)] = 0;
        }
        self.newest = Some(newest.max(bucket));
        if newest - bucket < BUCKETS as i64 {
            let sum = &mut self.bytes[place(bucket)];
            *sum = sum.saturating_add(u32::from(bytes));
        }
    }

    /// The rate over the last `window` (at most a second) before the newest packet; `None` in the first moments.
    pub fn rate(&self, window: Duration) -> Option<Bitrate> {
        let newest = self.newest?;
        let wanted = (window.as_micros() as i64 / BUCKET_US).clamp(1, MOST);
        let seen = newest - self.first + 1;
        let buckets = wanted.min(seen);
        if seen * BUCKET_US < MIN_SPAN_US {
            return None;
        }
        let bytes: u64 =
            (newest - buckets + 1..=newest).map(|bucket| u64::from(self.bytes[place(bucket)])).sum();
        Bitrate::of(bytes, Duration::from_micros((buckets * BUCKET_US) as u64))
    }
}

fn place(bucket: i64) -> usize {
    bucket as usize & (BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Duration = Duration::from_millis(500);

    #[test]
    fn the_rate_is_that_of_the_window() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.rate(HALF), None);
        for at in 0..1000 {
            throughput.on_packet(at * 1000, if at < 500 { 125 } else { 250 });
        }
        assert_eq!(throughput.rate(HALF), Some(Bitrate::kbps(2000)));
        assert_eq!(throughput.rate(HALF * 2), Some(Bitrate::kbps(1500)));
    }

    #[test]
    fn a_clock_that_jumps_begins_anew() {
        let mut throughput = Throughput::default();
        for start in [0, i64::MAX / BUCKET_US / 2 * BUCKET_US, -5_000_000_000] {
            for at in 0..600 {
                throughput.on_packet(start + at * 1000, 125);
            }
            assert_eq!(throughput.rate(HALF), Some(Bitrate::kbps(1000)));
        }
    }
}
