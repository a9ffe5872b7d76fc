//! Time in the simulation: short words for durations, and the clocks of people's devices, which all run a little wrong.

use std::time::{Duration, Instant};

/// Seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A device's clock: it began at some wall time and gains or loses a little.
#[derive(Clone, Copy, Debug)]
pub struct DeviceClock {
    start: Instant,
    /// Microseconds on the device's wall clock at `start`, since 1900.
    offset_us: u64,
    skew_ppm: i64,
}

impl DeviceClock {
    /// A clock that gains `skew_ppm` µs a second; `number` makes devices disagree on what time it is.
    pub fn new(start: Instant, number: usize, skew_ppm: i64) -> Self {
        let year_2027 = 4_007_000_000_u64 * 1_000_000;
        Self { start, offset_us: year_2027 + number as u64 * 7_654_321, skew_ppm }
    }

    /// What the device thinks has passed since the start, in µs.
    pub fn elapsed_us(&self, now: Instant) -> u64 {
        let true_us = now.saturating_duration_since(self.start).as_micros() as i64;
        (true_us + true_us * self.skew_ppm / 1_000_000).max(0) as u64
    }

    /// When the device believes that this much has passed.
    pub fn when(&self, elapsed_us: u64) -> Instant {
        let us = elapsed_us as i64;
        self.start + Duration::from_micros((us - us * self.skew_ppm / 1_000_000).max(0) as u64)
    }

    /// 32.32 fixed-point seconds since 1900 (RFC 5905 §6).
    pub fn ntp(&self, elapsed_us: u64) -> u64 {
        let us = u128::from(self.offset_us + elapsed_us);
        ((us << 32) / 1_000_000) as u64
    }

    /// The other way.
    pub fn elapsed_of_ntp(&self, ntp: u64) -> i64 {
        let us = (u128::from(ntp) * 1_000_000) >> 32;
        us as i64 - self.offset_us as i64
    }
}
