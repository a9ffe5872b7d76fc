//! How wide a wire is, told by what it does to packets of different sizes: 600 bytes take 16 ms on a wire of 0.3 Mbit/s and
//! 1.6 ms on one of 3 Mbit/s.
//!
//! Nothing has to be sent for it, so a publisher who is asked for little shows that it could send more. Packets that found nobody before
//! them are the ones that matter; of large and of small ones alike, they are those with the least delay. A shaper that lets short
//! bursts through looks wider than it is: what is believed here has to be tried, and may fail.

use std::time::Duration;

use super::bitrate::Bitrate;

/// Least delays are looked for in this and the last stretch of so long, microseconds.
const STRETCH_US: u64 = 300_000;
/// Sound and the smallest pictures have at most so many bytes, others at least so many.
const SMALL: u16 = 300;
const LARGE: u16 = 500;
/// So many of each, or it may be that all of them had to wait.
const ENOUGH: u16 = 5;
/// Differences below this are the clocks' and the scheduler's, microseconds.
const BLUR_US: i64 = 1_000;
/// Where the quickest small packet has waited for longer, all have, and who waits for others says nothing of itself, microseconds.
const WAITED_US: i64 = 3_000;

/// Those with the least delay.
#[derive(Clone, Copy, Debug)]
struct Quickest {
    delay_us: i64,
    bytes: u16,
    count: u16,
}

impl Quickest {
    fn add(&mut self, delay_us: i64, bytes: u16) {
        if delay_us < self.delay_us {
            (self.delay_us, self.bytes) = (delay_us, bytes);
        }
        self.count = self.count.saturating_add(1);
    }

    fn with(self, other: Self) -> Self {
        let quicker = if other.delay_us < self.delay_us { other } else { self };
        Self { count: self.count.saturating_add(other.count), ..quicker }
    }
}

impl Default for Quickest {
    fn default() -> Self {
        Self { delay_us: i64::MAX, bytes: 0, count: 0 }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Width {
    /// Small and large, in this stretch and in the last one.
    quickest: [[Quickest; 2]; 2],
    began_us: u64,
}

impl Width {
    /// A packet of `bytes` arrived after so long, by clocks that need not agree; `base_us` is the least it can take. At the end of
    /// each stretch: what the wire passes, at most some Mbit/s; `None` too where the packets do not tell.
    pub fn on_packet(&mut self, now_us: u64, delay_us: i64, base_us: i64, bytes: u16) -> Option<Bitrate> {
        let told = if now_us >= self.began_us + STRETCH_US {
            let told = self.rate(base_us);
            let following = now_us < self.began_us + 2 * STRETCH_US;
            let last = if following { self.quickest[0] } else { Default::default() };
            (self.quickest, self.began_us) = ([Default::default(), last], now_us);
            told
        } else {
            None
        };
        match bytes {
            ..=SMALL => self.quickest[0][0].add(delay_us, bytes),
            LARGE.. => self.quickest[0][1].add(delay_us, bytes),
            _ => {}
        }
        told
    }

    /// Forgets what it has seen: the wire has become another.
    pub fn reset(&mut self, now_us: u64) {
        *self = Self { began_us: now_us, ..Self::default() };
    }

    fn rate(&self, base_us: i64) -> Option<Bitrate> {
        let [small, large] = std::array::from_fn(|size| self.quickest[0][size].with(self.quickest[1][size]));
        if small.count < ENOUGH || large.count < ENOUGH || small.delay_us > base_us.saturating_add(WAITED_US)
        {
            return None;
        }
        let longer_us = large.delay_us.saturating_sub(small.delay_us);
        let more = u64::from(large.bytes - small.bytes);
        Bitrate::of(more, Duration::from_micros(longer_us.max(BLUR_US) as u64))
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// A voice and a picture of so many bytes and more over a wire of so many kbit/s, with jitter of up to so many microseconds: what is
    /// told at the end of each stretch, kbit/s.
    fn told(
        width: &mut Width,
        begin_us: u64,
        picture: u64,
        seconds: u64,
        kbps: u64,
        jitter_us: u64,
    ) -> Vec<u64> {
        let mut rng = StdRng::seed_from_u64(7);
        let voice = (0..seconds * 50).map(|n| (begin_us + n * 20_000, 120));
        let picture = (0..seconds * 30).map(|n| (begin_us + 3_000 + n * 33_333, picture + n * 37 % 200));
        let mut packets: Vec<_> = voice.chain(picture).collect();
        packets.sort_unstable();
        let mut free = begin_us;
        let mut said = Vec::new();
        for (sent, bytes) in packets {
            free = free.max(sent) + bytes * 8_000 / kbps;
            let arrival = free + rng.random_range(0..=jitter_us);
            let base = (120 * 8_000 / kbps) as i64;
            said.extend(width.on_packet(arrival, arrival as i64 - sent as i64, base, bytes as u16));
        }
        said.iter().map(|rate| rate.as_bps() / 1000).collect()
    }

    #[test]
    fn a_thin_wire_is_told_from_a_wide_one_without_filling_it() {
        let mut width = Width::default();
        let thin = told(&mut width, 1_000_000, 560, 5, 300, 0);
        assert!(thin.len() >= 14 && thin.iter().all(|kbps| (280..320).contains(kbps)), "{thin:?}");
        let wide = told(&mut width, 6_000_000, 560, 5, 3000, 0);
        assert!(wide.len() >= 14 && wide[1..].iter().all(|kbps| *kbps > 2000), "{wide:?}");
    }

    #[test]
    fn jitter_blurs_it_but_does_not_make_it_wide() {
        let thin = told(&mut Width::default(), 1_000_000, 560, 20, 300, 20_000);
        let wide = thin.iter().filter(|kbps| **kbps > 450).count();
        assert!(wide == 0, "{thin:?}");
    }

    #[test]
    fn a_wire_that_is_full_and_packets_of_one_size_tell_nothing() {
        let full = told(&mut Width::default(), 1_000_000, 1_100, 10, 300, 0);
        assert!(full.len() < 3, "before its queue stands: {full:?}");
        let mut width = Width::default();
        let told: Vec<_> = (0..500).filter_map(|n| width.on_packet(n * 20_000, 5_000, 5_000, 120)).collect();
        assert_eq!(told, []);
    }
}
