//! Asking a publisher for keyframes, but not more often than helps.

use std::time::{Duration, Instant};

/// The shortest time between two requests: an encoder needs about this long to answer one at low bitrates.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// How often the interval doubles while nothing answers: 200 ms become 3.2 s. A muted camera stays silent for long.
const MAX_DOUBLINGS: u32 = 4;

/// Without media for so long, and requests may have been lost like everything else.
const SILENCE: Duration = Duration::from_millis(500);

/// Decides when a picture loss indication goes out.
///
/// Many subscribers may wish for a keyframe at once; one request serves them all. A wish is kept until a keyframe
/// arrives: what is lost on the way is asked for again, ever more slowly.
#[derive(Clone, Copy, Debug, Default)]
pub struct PliLimiter {
    /// When to ask; `None` while nobody waits for a keyframe.
    due: Option<Instant>,
    last: Option<Instant>,
    /// Requests since the last keyframe.
    unanswered: u32,
    /// Round trip at the last poll, at least [`MIN_INTERVAL`].
    patience: Duration,
    media: Option<Instant>,
}

impl PliLimiter {
    /// Somebody needs a keyframe.
    pub fn want(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(self.last.map_or(now, |last| now.max(last + self.interval())));
        }
    }

    /// A keyframe arrived; whoever waited has it.
    pub fn on_keyframe(&mut self) {
        self.due = None;
        self.unanswered = 0;
    }

    /// Media came. After a silence, whoever sends it can hear us again: the patience learned in it is void.
    pub fn on_media(&mut self, now: Instant) {
        let before = self.media.replace(now);
        if self.unanswered > 0 && before.is_some_and(|at| now.saturating_duration_since(at) >= SILENCE) {
            self.unanswered = 0;
            let soonest = self.last.map_or(now, |last| now.max(last + self.interval()));
            self.due = self.due.map(|due| due.min(soonest));
        }
    }

    /// Whether to ask now. `rtt` is the round trip to the publisher, when known.
    pub fn poll(&mut self, now: Instant, rtt: Option<Duration>) -> bool {
        self.patience = rtt.unwrap_or_default().max(MIN_INTERVAL);
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.last = Some(now);
        self.unanswered = self.unanswered.saturating_add(1);
        self.due = Some(now + self.interval());
        true
    }

    /// When to [`poll`](Self::poll) next.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    fn interval(&self) -> Duration {
        let doublings = self.unanswered.saturating_sub(1).min(MAX_DOUBLINGS);
        self.patience.max(MIN_INTERVAL) * (1 << doublings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_wish_is_asked_at_once_and_the_next_one_waits() {
        let start = Instant::now();
        let mut limiter = PliLimiter::default();
        assert!(!limiter.poll(start, None), "nobody asked");
        assert_eq!(limiter.deadline(), None);
        limiter.want(start);
        assert_eq!(limiter.deadline(), Some(start));
        assert!(limiter.poll(start, None));
        limiter.on_keyframe();
        assert_eq!(limiter.deadline(), None);
        limiter.want(start + ms(50));
        limiter.want(start + ms(60));
        assert_eq!(limiter.deadline(), Some(start + ms(200)), "the wish is remembered until it is allowed");
        assert!(!limiter.poll(start + ms(199), None));
        assert!(limiter.poll(start + ms(200), None));
        assert!(!limiter.poll(start + ms(200), None), "one request serves both");
    }

    #[test]
    fn a_long_round_trip_stretches_the_interval() {
        let start = Instant::now();
        let mut limiter = PliLimiter::default();
        limiter.want(start);
        assert!(limiter.poll(start, Some(ms(700))));
        assert!(!limiter.poll(start + ms(699), Some(ms(700))));
        assert!(limiter.poll(start + ms(700), Some(ms(700))), "not answered: asked again");
    }

    #[test]
    fn a_silent_camera_is_asked_ever_more_slowly_and_a_keyframe_ends_it() {
        let start = Instant::now();
        let mut limiter = PliLimiter::default();
        limiter.want(start);
        let asked: Vec<u64> = (0..20_000).filter(|at| limiter.poll(start + ms(*at), None)).collect();
        let expected: &[u64] = &[0, 200, 600, 1400, 3000, 6200, 9400, 12_600, 15_800, 19_000];
        assert_eq!(asked, expected);
        limiter.on_keyframe();
        assert!(!(20_000..60_000).any(|at| limiter.poll(start + ms(at), None)));
    }

    #[test]
    fn a_publisher_who_comes_back_is_asked_at_once() {
        let start = Instant::now();
        let mut limiter = PliLimiter::default();
        limiter.on_media(start);
        limiter.want(start);
        let asked = (0..10_000).filter(|at| limiter.poll(start + ms(*at), None)).count();
        assert_eq!(asked, 7, "ever more slowly while nobody answers");
        limiter.on_media(start + ms(10_000));
        assert!(limiter.poll(start + ms(10_000), None));
    }
}
