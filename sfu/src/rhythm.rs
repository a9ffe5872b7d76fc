//! When a worker looks at its socket: as soon as something comes, or in a steady rhythm while it would be woken too often.
//!
//! Waking a thread costs more than forwarding a packet. Under load the worker therefore does not wait for the socket: it
//! takes everything that is there, does it, and rests for the remainder of a period, in which more gathers. Everything
//! that goes to one viewer then leaves together, too.
//!
//! A rest ends by a timer, which costs more than being woken by a packet, on virtual machines twice as much.
//! So what counts is how often packets wake the worker. Those that come close together, as those of a keyframe do, wake it once.

use std::time::{Duration, Instant};

/// Time between two turns under load. A packet waits for half of it on average and for all of it at most.
const PERIOD: Duration = Duration::from_micros(200);

/// Wake-ups a period above which the rhythm begins.
const BEGIN: f32 = 2.2;

/// Datagrams a period above which it is on however they come: then turns are long, and long turns are few.
const SURE: f32 = 6.0;

/// Datagrams a period below which it ends.
const END: f32 = 0.8;

/// Below [`SURE`] it also ends after this long: only by waiting is it known how often the worker would be woken.
const LASTS: Duration = Duration::from_secs(1);

/// Datagrams a period above which timers need not be exact: most likely a packet comes, and what is due is done in its turn.
const LIVELY: f32 = 0.2;

/// How late they may be then.
const SLACK: Duration = Duration::from_millis(2);

/// Weight of the newest period in the averages.
const WEIGHT: f32 = 1.0 / 32.0;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rhythm {
    /// Datagrams in [`PERIOD`], averaged.
    load: f32,
    /// Turns in [`PERIOD`] while the worker waits for the socket, averaged.
    wakes: f32,
    /// The rhythm is on, and when it began.
    since: Option<Instant>,
    /// When the last turn began.
    begun: Instant,
}

impl Rhythm {
    /// Nothing has happened yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { load: 0.0, wakes: 0.0, since: None, begun: now }
    }

    /// A turn began at `now` and found so many datagrams.
    pub(crate) fn turn(&mut self, now: Instant, datagrams: usize) {
        let gap = now.saturating_duration_since(self.begun).max(Duration::from_micros(1));
        let periods = gap.as_secs_f32() / PERIOD.as_secs_f32();
        // A pause counts for as many periods as it lasted.
        let weight = 1.0 - (1.0 - WEIGHT).powf(periods);
        self.load += (datagrams as f32 / periods - self.load) * weight;
        let sure = self.load > SURE;
        match self.since {
            Some(since) => {
                let ends = self.load < END || (!sure && now >= since + LASTS);
                (self.since, self.wakes) = (Some(since).filter(|_| !ends), 0.0);
            }
            None => {
                self.wakes += (1.0 / periods - self.wakes) * weight;
                self.since = (self.wakes > BEGIN || sure).then_some(now);
            }
        }
        self.begun = now;
    }

    /// How late a timer may be that wakes the worker while it waits.
    pub(crate) fn slack(&self) -> Duration {
        if self.load > LIVELY { SLACK } else { Duration::ZERO }
    }

    /// How long to rest before the next turn; `None` when the worker should wait for whatever comes.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.since.map(|_| (self.begun + PERIOD).saturating_duration_since(now))
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
    fn packets_that_come_together_wake_the_worker_once() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(start);
        for turn in 0..10_000 {
            rhythm.turn(start + turn * Duration::from_millis(1), 12);
            assert_eq!(rhythm.rest(start + turn * Duration::from_millis(1)), None);
        }
    }

    #[test]
    fn a_flood_is_taken_in_rhythm_however_it_comes() {
        let mut now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        for turn in 0..50_000 {
            now += PERIOD * 2;
            rhythm.turn(now, 15);
            assert!(turn < 200 || rhythm.rest(now).is_some());
        }
    }

    #[test]
    fn the_rhythm_ends_when_the_load_does() {
        let mut now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        for _ in 0..1000 {
            now += PERIOD / 5;
            rhythm.turn(now, 1);
        }
        assert!(rhythm.rest(now).is_some());
        let silent = (0..200).position(|_| {
            now += PERIOD;
            rhythm.turn(now, 0);
            rhythm.rest(now).is_none()
        });
        assert!(silent.is_some_and(|turns| turns < 100), "within 20 ms");
    }

    #[test]
    fn now_and_then_it_is_tried_whether_waiting_is_cheaper() {
        let mut now = Instant::now();
        let mut rhythm = Rhythm::new(now);
        while rhythm.rest(now).is_none() {
            now += PERIOD / 5;
            rhythm.turn(now, 1);
        }
        // As much as before, but in bursts.
        let turns = (0..20_000).position(|_| {
            now += PERIOD;
            rhythm.turn(now, 5);
            rhythm.rest(now).is_none()
        });
        assert_eq!(turns.map(|turns| (turns as u32 + 1) * PERIOD), Some(LASTS));
        for _ in 0..1000 {
            now += 5 * PERIOD;
            rhythm.turn(now, 25);
            assert_eq!(rhythm.rest(now), None);
        }
    }
}
