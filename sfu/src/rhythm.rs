//! When a worker looks at its socket: at once while little happens, in a steady rhythm under load.
//!
//! Waking a thread costs more than forwarding a packet. Under load the worker therefore does not wait for the socket: it
//! takes everything that is there, does it, and rests for the remainder of a period, in which more gathers. Everything
//! that goes to one viewer then leaves together, too.

use std::time::{Duration, Instant};

/// Time between two turns under load. A packet waits for half of it on average and for all of it at most.
const PERIOD: Duration = Duration::from_micros(200);

/// Datagrams a period above which the rhythm begins: fewer wake-ups than datagrams from here on.
const BEGIN: f32 = 1.5;

/// Datagrams a period below which it ends.
const END: f32 = 0.8;

/// Weight of the newest period in the average.
const WEIGHT: f32 = 1.0 / 32.0;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rhythm {
    /// Datagrams in [`PERIOD`], averaged.
    load: f32,
    under_load: bool,
    begun: Instant,
}

impl Rhythm {
    /// Nothing has happened yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { load: 0.0, under_load: false, begun: now }
    }

    /// A turn began at `now` and found so many datagrams.
    pub(crate) fn turn(&mut self, now: Instant, datagrams: usize) {
        let gap = now.saturating_duration_since(self.begun).max(Duration::from_micros(1));
        let periods = gap.as_secs_f32() / PERIOD.as_secs_f32();
        // A pause counts for as many periods as it lasted.
        let weight = 1.0 - (1.0 - WEIGHT).powf(periods);
        self.load += (datagrams as f32 / periods - self.load) * weight;
        self.under_load = self.load > if self.under_load { END } else { BEGIN };
        self.begun = now;
    }

    /// How long to rest before the next turn; `None` when the worker should wait for whatever comes.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.under_load.then(|| (self.begun + PERIOD).saturating_duration_since(now))
    }
}

/// Makes sleeps of this thread end within microseconds of when they should; usually the kernel takes 50 more.
pub(crate) fn sleep_precisely() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1000)) {
        tracing::debug!(%error, "timer slack");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Datagrams arrive every `every`; the delays they see over a second, in microseconds.
    fn delays(every: Duration) -> Vec<u128> {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        let (mut now, mut next, mut delays) = (start, start + every, Vec::new());
        while now < start + Duration::from_secs(1) {
            now = match rhythm.rest(now) {
                Some(rest) => now + rest,
                None => next.max(now),
            };
            let mut datagrams = 0;
            while next <= now {
                delays.push((now - next).as_micros());
                next += every;
                datagrams += 1;
            }
            rhythm.turn(now, datagrams);
        }
        delays
    }

    #[test]
    fn few_packets_are_dealt_with_at_once() {
        assert!(delays(Duration::from_millis(2)).iter().all(|delay| *delay == 0));
        assert!(delays(Duration::from_micros(400)).iter().all(|delay| *delay == 0));
    }

    #[test]
    fn many_packets_wait_for_one_period_at_most() {
        let delays = delays(Duration::from_micros(30));
        assert!(delays.iter().all(|delay| *delay <= PERIOD.as_micros()));
        assert!(delays.iter().sum::<u128>() / delays.len() as u128 > 50, "they are gathered");
    }

    #[test]
    fn the_rhythm_ends_when_the_load_does() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        for turn in 0..200 {
            rhythm.turn(start + turn * PERIOD, 5);
        }
        assert!(rhythm.rest(start + 199 * PERIOD).is_some());
        let silent = (200..400).position(|turn| {
            rhythm.turn(start + turn * PERIOD, 0);
            rhythm.rest(start + turn * PERIOD).is_none()
        });
        assert!(silent.is_some_and(|turns| turns < 100), "within 20 ms");
    }
}
