//! How much a publisher is told to send at most: it follows the best of its viewers' legs.

use std::time::{Duration, Instant};

use super::bitrate::Bitrate;

/// Less than this part of what was told is told at once: every moment of it stands in somebody's queue.
const LOWER: f64 = 0.9;
/// More than this multiple is told …
const RAISE: f64 = 1.08;
/// … this long after the last change …
const RAISE_EVERY: Duration = Duration::from_millis(250);
/// … in steps of at most this: an encoder that is let go all at once makes one huge frame.
const RAISE_STEP: f64 = 2.0;

/// Nobody is told less: an encoder that is starved makes no picture at all and is slow to come back. A leg with less room than
/// this shows no video.
const FLOOR: Bitrate = Bitrate::kbps(80);

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cap {
    told: Option<Bitrate>,
    changed: Option<Instant>,
}

impl Cap {
    /// What the publisher was told last; `None` for as much as it likes.
    pub fn told(&self) -> Option<Bitrate> {
        self.told
    }

    /// The viewers can take this much now, `None` for any amount. True when the publisher has to be told something new.
    pub fn follow(&mut self, now: Instant, wished: Option<Bitrate>) -> bool {
        let wished = wished.map(|wished| wished.max(FLOOR));
        let rested = self.changed.is_none_or(|at| now >= at + RAISE_EVERY);
        let next = match (self.told, wished) {
            (None, None) => return false,
            (None, Some(wished)) => Some(wished),
            (Some(told), Some(wished)) if wished < told.scale(LOWER) => Some(wished),
            (Some(told), wished) if rested => {
                let step = told.scale(RAISE_STEP);
                match wished {
                    Some(wished) if wished > told.scale(RAISE) => Some(wished.min(step)),
                    Some(_) => return false,
                    // Far above any need the limit goes altogether.
                    None => Some(step).filter(|step| *step < NO_LIMIT),
                }
            }
            (Some(_), _) => return false,
        };
        self.told = next;
        self.changed = Some(now);
        true
    }

    /// Nobody is there to be considered. True when the publisher has to be told.
    pub fn lift(&mut self) -> bool {
        self.changed = None;
        self.told.take().is_some()
    }
}

/// From here on a limit limits nothing: browsers send no more of one source.
pub const NO_LIMIT: Bitrate = Bitrate::kbps(2500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_is_told_at_once_and_up_in_steps() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let kbps = |kbps| Some(Bitrate::kbps(kbps));
        let mut cap = Cap::default();
        assert!(!cap.follow(at(0), None), "it may send what it likes anyway");
        assert!(cap.follow(at(0), kbps(2000)));
        assert!(!cap.follow(at(10), kbps(1900)), "not for so little");
        assert!(cap.follow(at(20), kbps(300)));
        assert_eq!(cap.told(), kbps(300));
        assert!(!cap.follow(at(100), kbps(2000)));
        assert!(cap.follow(at(270), kbps(2000)));
        assert_eq!(cap.told(), kbps(600));
        assert!(!cap.follow(at(300), kbps(2000)));
        assert!(cap.follow(at(520), kbps(2000)));
        assert!(cap.follow(at(770), kbps(2000)));
        assert_eq!(cap.told(), kbps(2000));
        assert!(cap.follow(at(1020), None));
        assert_eq!(cap.told(), None);
        assert!(cap.follow(at(1100), kbps(200)));
        assert!(cap.lift() && cap.told().is_none(), "all at once");
        assert!(!cap.lift());
    }
}
