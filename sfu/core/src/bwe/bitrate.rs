//! Bits per second as a type, so that they are never mixed up with bytes.

use std::fmt;
use std::time::Duration;

/// A rate in bits per second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Bitrate = Bitrate(0);
    /// More than any link: no limit.
    pub const MAX: Bitrate = Bitrate(100_000_000_000);

    /// From bits per second; more than [`Self::MAX`] is taken as that.
    pub const fn bps(bits: u64) -> Self {
        if bits > Self::MAX.0 { Self::MAX } else { Self(bits) }
    }

    /// From thousands of bits per second.
    pub const fn kbps(kilobits: u64) -> Self {
        Self::bps(kilobits.saturating_mul(1000))
    }

    /// The rate at which `bytes` pass in `time`; `None` when no time passed.
    pub fn of(bytes: u64, time: Duration) -> Option<Self> {
        let micros = u64::try_from(time.as_micros()).ok().filter(|micros| *micros > 0)?;
        Some(Self::bps(bytes.saturating_mul(8_000_000) / micros))
    }

    /// Bits per second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// This rate times `factor` (not negative).
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        // The cast saturates, and turns what is not a number into 0.
        Self::bps((self.0 as f64 * factor) as u64)
    }

    /// The sum, at most [`Self::MAX`].
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::bps(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Bytes that pass in a time.
    pub fn bytes_in(self, time: Duration) -> u64 {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        match self.0.checked_mul(micros) {
            Some(product) => product / 8_000_000,
            None => (u128::from(self.0) * u128::from(micros) / 8_000_000).try_into().unwrap_or(u64::MAX),
        }
    }

    /// How long `bytes` take; at most an hour, so that it can be added to any instant.
    pub fn time_for(self, bytes: u64) -> Duration {
        const LONGEST: Duration = Duration::from_secs(3600);
        match bytes.saturating_mul(8_000_000).checked_div(self.0) {
            Some(micros) => Duration::from_micros(micros).min(LONGEST),
            None => LONGEST,
        }
    }
}

impl fmt::Debug for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.0 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_times_and_bytes_agree() {
        let rate = Bitrate::kbps(1200);
        assert_eq!(rate.bytes_in(Duration::from_millis(8)), 1200);
        assert_eq!(rate.time_for(1200), Duration::from_millis(8));
        assert_eq!(Bitrate::of(1200, Duration::from_millis(8)), Some(rate));
        assert_eq!(rate.scale(0.5), Bitrate::kbps(600));
    }

    #[test]
    fn nothing_overflows_or_divides_by_zero() {
        assert_eq!(Bitrate::of(u64::MAX, Duration::from_nanos(1)), None);
        assert_eq!(Bitrate::of(u64::MAX, Duration::from_micros(1)), Some(Bitrate::MAX));
        assert_eq!(Bitrate::ZERO.time_for(1), Duration::from_secs(3600));
        assert_eq!(Bitrate::MAX.scale(f64::INFINITY), Bitrate::MAX);
        assert_eq!(Bitrate::MAX.scale(f64::NAN), Bitrate::ZERO);
        assert_eq!(Bitrate::ZERO.minus(Bitrate::MAX), Bitrate::ZERO);
        assert!(Bitrate::MAX.bytes_in(Duration::MAX) > 0);
    }
}
