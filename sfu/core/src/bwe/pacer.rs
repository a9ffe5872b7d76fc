//! Pacing: a keyframe leaves as a stream, not as a wall that fills the link's queue and holds up the audio behind it.
//!
//! Audio never waits; it only makes what waits wait longer. Retransmissions go before new video: they repair a picture that
//! is due already. The queue holds references, not packets: what is thrown away has not been numbered yet and leaves no gap
//! that the other side would ask for.

use std::collections::VecDeque;
use std::time::Duration;

use super::bitrate::Bitrate;

/// What leaves at once when nothing left before. A 720p frame at 3 Mbit/s passes whole; a keyframe does not.
const BURST: Duration = Duration::from_millis(10);
/// While something waits it is sent in steps of this: waking for each packet costs more than it smooths.
const STEP: Duration = Duration::from_millis(2);
/// A retransmission that has waited for longer repairs a picture that nobody waits for any more.
const STALE: Duration = Duration::from_secs(1);
/// Packets that wait at most, of either kind.
const WAITING_MAX: usize = 512;

/// What may have to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Goes first.
    Retransmission,
    /// Goes in its order.
    Video,
}

#[derive(Clone, Copy, Debug)]
struct Waiting<T> {
    item: T,
    bytes: u16,
    since_us: u64,
}

/// See the module. `T` says which packet waits.
#[derive(Clone, Debug)]
pub struct Pacer<T> {
    rate: Bitrate,
    /// When everything that left would have left at the rate.
    drained_us: u64,
    retransmissions: VecDeque<Waiting<T>>,
    video: VecDeque<Waiting<T>>,
    waiting_bytes: u64,
}

impl<T: Copy> Pacer<T> {
    /// Sends at a rate.
    pub fn new(rate: Bitrate) -> Self {
        Self {
            rate,
            drained_us: 0,
            retransmissions: VecDeque::new(),
            video: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// From now on it goes at this rate.
    pub fn set_rate(&mut self, now_us: u64, rate: Bitrate) {
        if rate == self.rate || rate == Bitrate::ZERO {
            return;
        }
        // What is owed is bytes, not time.
        let owed = self.rate.bytes_in(Duration::from_micros(self.drained_us.saturating_sub(now_us)));
        self.rate = rate;
        if owed > 0 {
            self.drained_us = now_us + rate.time_for(owed).as_micros() as u64;
        }
    }

    /// The rate it goes at.
    pub fn rate(&self) -> Bitrate {
        self.rate
    }

    /// Whether a packet may leave now without overtaking others.
    pub fn is_free(&self, now_us: u64, class: Class) -> bool {
        let first = match class {
            Class::Retransmission => self.retransmissions.is_empty(),
            Class::Video => self.is_empty(),
        };
        first && self.has_budget(now_us)
    }

    /// A packet of any kind left.
    pub fn on_sent(&mut self, now_us: u64, bytes: u16) {
        let time = self.rate.time_for(u64::from(bytes)).as_micros() as u64;
        self.drained_us = self.drained_us.max(now_us) + time;
    }

    /// Lets a packet wait; false when too many do.
    pub fn push(&mut self, now_us: u64, class: Class, item: T, bytes: u16) -> bool {
        let queue = match class {
            Class::Retransmission => &mut self.retransmissions,
            Class::Video => &mut self.video,
        };
        if queue.len() >= WAITING_MAX {
            return false;
        }
        queue.push_back(Waiting { item, bytes, since_us: now_us });
        self.waiting_bytes += u64::from(bytes);
        true
    }

    /// The next that may leave now. The caller sends it and says so with [`on_sent`](Self::on_sent).
    pub fn pop(&mut self, now_us: u64) -> Option<(Class, T)> {
        if !self.has_budget(now_us) {
            return None;
        }
        let (class, waiting) = match self.retransmissions.pop_front() {
            Some(waiting) => (Class::Retransmission, waiting),
            None => (Class::Video, self.video.pop_front()?),
        };
        self.waiting_bytes -= u64::from(waiting.bytes);
        Some((class, waiting.item))
    }

    /// Throws away what the test does not want to keep; how many that were.
    pub fn retain(&mut self, mut keep: impl FnMut(Class, &T) -> bool) -> usize {
        let before = self.retransmissions.len() + self.video.len();
        let bytes = &mut self.waiting_bytes;
        let mut sift = |class, waiting: &Waiting<T>| {
            let kept = keep(class, &waiting.item);
            if !kept {
                *bytes -= u64::from(waiting.bytes);
            }
            kept
        };
        self.retransmissions.retain(|waiting| sift(Class::Retransmission, waiting));
        self.video.retain(|waiting| sift(Class::Video, waiting));
        before - self.retransmissions.len() - self.video.len()
    }

    /// What waits of new video, the next to leave first.
    pub fn waiting(&self) -> impl Iterator<Item = &T> {
        self.video.iter().map(|waiting| &waiting.item)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.retransmissions.is_empty() && self.video.is_empty()
    }

    /// Bytes that wait.
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes
    }

    /// How long the first of new video has waited.
    pub fn oldest(&self, now_us: u64) -> Duration {
        let since = self.video.front().map(|waiting| waiting.since_us);
        Duration::from_micros(since.map_or(0, |since| now_us.saturating_sub(since)))
    }

    /// Takes out a retransmission that came too late, if there is one.
    pub fn take_stale(&mut self, now_us: u64) -> Option<T> {
        let stale = |waiting: &Waiting<T>| now_us > waiting.since_us + STALE.as_micros() as u64;
        let waiting = self.retransmissions.pop_front_if(|waiting| stale(waiting))?;
        self.waiting_bytes -= u64::from(waiting.bytes);
        Some(waiting.item)
    }

    /// When the next packet may leave, if any waits.
    pub fn deadline_us(&self) -> Option<u64> {
        let burst = BURST.as_micros() as u64;
        // A step later than the very first moment, so that several leave together.
        (!self.is_empty()).then(|| (self.drained_us + STEP.as_micros() as u64).saturating_sub(burst))
    }

    fn has_budget(&self, now_us: u64) -> bool {
        self.drained_us <= now_us + BURST.as_micros() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lets everything leave at its time; pairs of milliseconds and items.
    fn drain(pacer: &mut Pacer<u32>, mut now: u64, bytes: u16) -> Vec<(u64, u32)> {
        let mut left = Vec::new();
        while let Some(at) = pacer.deadline_us() {
            now = now.max(at);
            while let Some((_, item)) = pacer.pop(now) {
                pacer.on_sent(now, bytes);
                left.push((now / 1000, item));
            }
        }
        left
    }

    #[test]
    fn a_frame_passes_at_once_and_a_keyframe_leaves_at_the_rate() {
        let mut pacer = Pacer::new(Bitrate::kbps(6000));
        for packet in 0..7 {
            assert!(pacer.is_free(0, Class::Video), "packet {packet} of an ordinary frame waits");
            pacer.on_sent(0, 1200);
        }
        let start = 33_000;
        for packet in 0..60 {
            match pacer.is_free(start, Class::Video) {
                true => pacer.on_sent(start, 1200),
                false => assert!(pacer.push(start, Class::Video, packet, 1200)),
            }
        }
        let left = drain(&mut pacer, start, 1200);
        // 72 kB at 6 Mbit/s are 96 ms.
        let end = left.last().expect("some waited").0 - 33;
        assert!((75..=96).contains(&end), "{end} ms");
        assert!(left.windows(2).all(|pair| pair[0].1 < pair[1].1), "in order");
    }

    #[test]
    fn retransmissions_overtake_video() {
        let mut pacer = Pacer::new(Bitrate::kbps(100));
        pacer.on_sent(0, 1200);
        assert!(!pacer.is_free(0, Class::Video));
        pacer.push(0, Class::Video, 1, 100);
        pacer.push(0, Class::Video, 2, 100);
        pacer.push(0, Class::Retransmission, 3, 100);
        assert_eq!(pacer.waiting_bytes(), 300);
        let order: Vec<_> = drain(&mut pacer, 0, 100).into_iter().map(|it| it.1).collect();
        assert_eq!(order, [3, 1, 2]);
    }

    #[test]
    fn on_a_thin_leg_old_repairs_make_room_for_new_pictures() {
        let mut pacer = Pacer::new(Bitrate::kbps(100));
        for repair in 0..100 {
            pacer.push(0, Class::Retransmission, repair, 1000);
        }
        pacer.push(900_000, Class::Video, 1000, 1000);
        assert_eq!(pacer.take_stale(1_000_000), None);
        assert_eq!(pacer.oldest(1_100_000), Duration::from_millis(200), "only pictures count");
        assert!((0..100).all(|repair| pacer.take_stale(1_000_001) == Some(repair)));
        assert_eq!((pacer.take_stale(1_000_001), pacer.waiting_bytes()), (None, 1000));
        assert_eq!(pacer.pop(1_000_001), Some((Class::Video, 1000)));
    }

    #[test]
    fn a_lower_rate_makes_what_left_count_for_longer() {
        let mut pacer: Pacer<u32> = Pacer::new(Bitrate::kbps(8000));
        pacer.on_sent(0, 10_000);
        pacer.set_rate(0, Bitrate::kbps(800));
        assert!(!pacer.is_free(80_000, Class::Video));
        assert!(pacer.is_free(90_000, Class::Video));
    }

    proptest! {
        #[test]
        fn it_never_sends_more_than_its_rate_and_never_holds_more_than_its_bound(
            steps in prop::collection::vec((0u64..5_000, 1u16..1400, any::<bool>(), any::<bool>()), 1..700),
            kbps in 50u64..20_000,
        ) {
            let rate = Bitrate::kbps(kbps);
            let mut pacer = Pacer::new(rate);
            let mut now = 0;
            let mut sent = 0u64;
            let mut waiting = 0u64;
            let mut packets = 0u64;
            for (gap, bytes, repair, push) in steps {
                now += gap;
                let class = if repair { Class::Retransmission } else { Class::Video };
                if push && pacer.push(now, class, bytes, bytes) {
                    waiting += u64::from(bytes);
                }
                while let Some((_, bytes)) = pacer.pop(now) {
                    pacer.on_sent(now, bytes);
                    sent += u64::from(bytes);
                    packets += 1;
                    waiting -= u64::from(bytes);
                }
                prop_assert_eq!(pacer.waiting_bytes(), waiting);
                prop_assert!(pacer.video.len() <= WAITING_MAX && pacer.retransmissions.len() <= WAITING_MAX);
                // The last packet may overshoot, and each is rounded to a microsecond.
                let allowed = rate.bytes_in(Duration::from_micros(now) + BURST) + 1400 + 3 * packets;
                prop_assert!(sent <= allowed, "{} of {}", sent, allowed);
            }
            let dropped = pacer.retain(|_, _| false);
            prop_assert_eq!(pacer.waiting_bytes(), 0);
            prop_assert!(dropped <= 2 * WAITING_MAX && pacer.is_empty());
        }
    }
}
