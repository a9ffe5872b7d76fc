//! Whether a packet that was asked for is sent again: not twice within a round trip, and not without end.
//!
//! A receiver that repeats itself, because its own idea of the round trip is short or because it means harm, must not
//! make us send more than the media is worth.

use std::time::{Duration, Instant};

/// Packets remembered as sent again; requests come for the last few.
const REMEMBERED: usize = 128;

/// Round trip before one was measured, and the shortest that counts.
const RTT_MIN: Duration = Duration::from_millis(20);

/// Copies that wait for their moment.
const COPIES_MAX: usize = 64;

/// A second copy follows a part of a round trip later, but in these bounds: the burst that took the first should be over, and
/// the picture is still waited for.
const COPY_AFTER_MIN: Duration = Duration::from_millis(25);
const COPY_AFTER_MAX: Duration = Duration::from_millis(80);

/// The packets of one stream that were sent again lately.
#[derive(Clone, Debug)]
pub struct Resent {
    /// By sequence number modulo the length: the number and when.
    recent: [Option<(u16, u32)>; REMEMBERED],
    epoch: Instant,
}

impl Resent {
    /// Nothing was sent again so far.
    pub fn new(now: Instant) -> Self {
        Self { recent: [None; REMEMBERED], epoch: now }
    }

    /// Whether a packet may be sent again now; if so, it is taken note of.
    ///
    /// A retransmission is under way for a round trip. Asking again a little earlier is honest: the other side's clock
    /// began with its request.
    pub fn claim(&mut self, now: Instant, sequence: u16, rtt: Option<Duration>) -> bool {
        let at = now.saturating_duration_since(self.epoch).as_millis() as u32;
        let wait = rtt.unwrap_or_default().max(RTT_MIN) * 3 / 4;
        let Some(slot) = self.recent.get_mut(usize::from(sequence) % REMEMBERED) else { return false };
        let under_way = slot.is_some_and(|(other, sent)| {
            other == sequence && u128::from(at.wrapping_sub(sent)) < wait.as_millis()
        });
        if !under_way {
            *slot = Some((sequence, at));
        }
        !under_way
    }
}

/// What retransmissions may cost one receiver: half of its media, and enough to repair a keyframe at any time.
#[derive(Clone, Copy, Debug)]
pub struct ResendBudget {
    bytes: usize,
}

impl Default for ResendBudget {
    fn default() -> Self {
        Self { bytes: Self::MAX }
    }
}

impl ResendBudget {
    /// The most that is saved up.
    const MAX: usize = 128 * 1024;

    /// Media was sent: half of it may be sent again.
    pub fn earn(&mut self, bytes: usize) {
        self.bytes = (self.bytes + bytes / 2).min(Self::MAX);
    }

    /// Takes what a retransmission costs, if there is enough.
    pub fn spend(&mut self, bytes: usize) -> bool {
        let enough = self.bytes >= bytes;
        if enough {
            self.bytes -= bytes;
        }
        enough
    }
}

/// Second copies of retransmissions, in the order in which they are due.
#[derive(Clone, Debug, Default)]
pub struct Copies {
    /// When, which slot, which number.
    waiting: std::collections::VecDeque<(Instant, usize, u16)>,
}

impl Copies {
    /// A packet of a slot was sent again: once more in a moment. What is too much is left out.
    pub fn push(&mut self, now: Instant, slot: usize, sequence: u16, rtt: Option<Duration>) {
        if self.waiting.len() < COPIES_MAX {
            let after = (rtt.unwrap_or_default() * 3 / 10).clamp(COPY_AFTER_MIN, COPY_AFTER_MAX);
            self.waiting.push_back((now + after, slot, sequence));
        }
    }

    /// The next copy that is due.
    pub fn pop(&mut self, now: Instant) -> Option<(usize, u16)> {
        let (_, slot, sequence) = *self.waiting.front().filter(|(at, ..)| *at <= now)?;
        self.waiting.pop_front();
        Some((slot, sequence))
    }

    /// When [`pop`](Self::pop) has something.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(at, ..)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_packet_is_sent_again_once_a_round_trip() {
        let start = Instant::now();
        let mut resent = Resent::new(start);
        let rtt = Some(ms(100));
        assert!(resent.claim(start, 7, rtt));
        assert!(!resent.claim(start, 7, rtt), "named twice in one request");
        assert!(!resent.claim(start + ms(74), 7, rtt));
        assert!(resent.claim(start + ms(75), 8, rtt), "another packet");
        assert!(resent.claim(start + ms(75), 7, rtt));
        assert!(!resent.claim(start + ms(76), 7, None));
        assert!(resent.claim(start + ms(90), 7, None), "without a measured round trip");
    }

    #[test]
    fn numbers_that_share_a_place_do_not_block_each_other() {
        let start = Instant::now();
        let mut resent = Resent::new(start);
        assert!(resent.claim(start, 1, Some(ms(100))));
        assert!(resent.claim(start, 1 + REMEMBERED as u16, Some(ms(100))));
        assert!(resent.claim(start, 1, Some(ms(100))), "forgotten, which costs one packet");
    }

    #[test]
    fn whoever_asks_without_end_gets_half_of_its_media_again() {
        let mut budget = ResendBudget::default();
        let mut again = 0;
        for _ in 0..10_000 {
            budget.earn(1200);
            while budget.spend(1200) {
                again += 1;
            }
        }
        assert!((5000..5200).contains(&again), "{again}");
    }

    #[test]
    fn copies_come_in_order_and_are_bounded() {
        let start = Instant::now();
        let mut copies = Copies::default();
        for sequence in 0..200 {
            copies.push(start + ms(u64::from(sequence)), 3, sequence, Some(ms(200)));
        }
        assert_eq!(copies.deadline(), Some(start + ms(60)));
        assert_eq!(copies.pop(start), None);
        assert_eq!(copies.pop(start + ms(60)), Some((3, 0)));
        let mut count = 1;
        while copies.pop(start + ms(1000)).is_some() {
            count += 1;
        }
        assert_eq!(count, COPIES_MAX);
    }
}
