//! What a publisher is asked to send: the encodings somebody needs, and nothing else.

use std::time::{Duration, Instant};

/// An encoding nobody needs is asked for this much longer: a viewer that wavers, or a call that is just being
/// transferred, must not cost a keyframe each time.
pub const LINGER: Duration = Duration::from_secs(3);

/// Encodings at most.
const ENCODINGS: usize = 8;

/// Decides when the wish changes. More is wished for at once, less only after [`LINGER`].
#[derive(Clone, Debug)]
pub struct SendWish {
    /// Encodings needed now, a bit each.
    needed: u8,
    /// Until when an encoding that is not needed is still wished for.
    lingers: [Option<Instant>; ENCODINGS],
    /// What the publisher was told last; before that it sends everything.
    told: Option<u8>,
}

impl Default for SendWish {
    fn default() -> Self {
        // What is sent by itself is not cut off before anybody had a chance to come.
        Self { needed: u8::MAX, lingers: [None; ENCODINGS], told: None }
    }
}

impl SendWish {
    /// Encodings needed now, a bit each, of `count`; `alone`: by one viewer, who knows what it is shown next. Gives what to
    /// tell the publisher when that is something new.
    pub fn review(&mut self, now: Instant, needed: u8, count: u8, alone: bool) -> Option<u8> {
        let all = (1u16 << count.min(ENCODINGS as u8)).wrapping_sub(1) as u8;
        let dropped = self.needed & !needed & all;
        let mut wish = needed & all;
        for (encoding, until) in self.lingers.iter_mut().enumerate() {
            let bit = 1u8 << encoding;
            // Beside the one a single viewer watches the others only take from it; but not before it has settled.
            let at_once = alone && needed & all != 0 && self.told.is_some();
            if dropped & bit != 0 && !at_once {
                *until = Some(now + LINGER);
            }
            *until = until.filter(|until| needed & bit == 0 && *until > now);
            if until.is_some() {
                wish |= bit;
            }
        }
        self.needed = needed;
        if wish == self.told.unwrap_or(all) {
            return None;
        }
        self.told = Some(wish);
        Some(wish)
    }

    /// What the publisher was told last, if anything.
    pub fn told(&self) -> Option<u8> {
        self.told
    }

    /// When to [`review`](Self::review) again, though nothing changes.
    pub fn deadline(&self) -> Option<Instant> {
        self.lingers.iter().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_asked_for_at_once_and_less_after_a_while() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut wish = SendWish::default();
        assert_eq!(wish.review(ms(0), 0, 3, false), None, "nobody watches, but somebody may be coming");
        assert_eq!(wish.deadline(), Some(ms(3000)));
        assert_eq!(wish.review(ms(100), 0b010, 3, false), None, "the others linger");
        assert_eq!(wish.review(ms(3000), 0b010, 3, false), Some(0b010));
        assert_eq!(wish.deadline(), None);
        assert_eq!(wish.review(ms(4000), 0b100, 3, false), Some(0b110), "up at once, the old one lingers");
        assert_eq!(wish.review(ms(5000), 0b010, 3, false), None, "and back: nothing to tell");
        assert_eq!(wish.deadline(), Some(ms(8000)));
        assert_eq!(wish.review(ms(8000), 0b010, 3, false), Some(0b010));
        assert_eq!(wish.review(ms(9000), 0, 3, false), None);
        assert_eq!(wish.review(ms(12_000), 0, 3, false), Some(0), "nobody is left");
        assert_eq!(wish.review(ms(12_100), 0b001, 3, false), Some(0b001));
        assert_eq!(wish.told(), Some(0b001));
    }

    #[test]
    fn a_line_with_one_encoding_is_paused_as_a_whole() {
        let start = Instant::now();
        let mut wish = SendWish::default();
        assert_eq!(wish.review(start, 0, 1, false), None);
        assert_eq!(wish.review(start + LINGER, 0, 1, false), Some(0));
        assert_eq!(wish.review(start + LINGER, 1, 1, false), Some(1));
    }

    #[test]
    fn a_single_viewer_changes_from_one_encoding_to_another() {
        let start = Instant::now();
        let mut wish = SendWish::default();
        assert_eq!(wish.review(start, 0b100, 3, true), None, "at first it finds out what it can use");
        let later = start + LINGER;
        assert_eq!(wish.review(later, 0b100, 3, true), Some(0b100));
        assert_eq!(wish.review(later, 0b101, 3, true), Some(0b101));
        assert_eq!(wish.review(later, 0b001, 3, true), Some(0b001), "the other one is of no use any more");
        assert_eq!(wish.review(later, 0, 3, true), None, "it may come back");
        assert_eq!(wish.review(later + LINGER, 0, 3, true), Some(0));
    }
}
