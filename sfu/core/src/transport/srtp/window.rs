//! Which packet indices of one SSRC have been used: the rollover counter and the replay list (RFC 3711 §3.3.1, §3.3.2).

const WORDS: usize = 16;

/// Indices up to the newest one that are told apart; 2 s of 720p video. The RFC asks for 64 at least.
///
/// One word less than there are: the newest one's word is shared with what is that far behind.
pub(super) const SPAN: u64 = (WORDS as u64 - 1) * 64;

/// See the module. An index is 48 bits of SRTP (rollover counter and sequence number) or 31 bits of SRTCP.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The newest index: its upper 32 bits are ROC, its lower 16 are s_l of RFC 3711 §3.3.1.
    highest: u64,
    /// A bit for each index, at the index modulo the number of bits.
    used: [u64; WORDS],
}

impl Window {
    /// Begins with an index that is used by that.
    pub(super) fn begin(index: u64) -> Self {
        let mut window = Self { highest: index, used: [0; WORDS] };
        window.mark(index);
        window
    }

    /// The index a sequence number most likely stands for (RFC 3711 §3.3.1 and Appendix A). `None` before zero or
    /// beyond 48 bits.
    pub(super) fn estimate(&self, sequence: u16) -> Option<u64> {
        let (rollover, last) = (self.highest >> 16, i32::from(self.highest as u16));
        let distance = i32::from(sequence) - last;
        let rollover = if last < 32_768 {
            if distance > 32_768 { rollover.checked_sub(1)? } else { rollover }
        } else if last - 32_768 > i32::from(sequence) {
            rollover + 1
        } else {
            rollover
        };
        (rollover <= u64::from(u32::MAX)).then_some(rollover << 16 | u64::from(sequence))
    }

    /// Whether an index is new: ahead of everything, or in the window and not used.
    pub(super) fn is_new(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        let (word, bit) = Self::place(index);
        self.highest - index < SPAN && self.used[word] & bit == 0
    }

    /// Uses an index that [is new](Self::is_new).
    pub(super) fn mark(&mut self, index: u64) {
        if index > self.highest {
            // What the window moves over is unused so far; whole words at a time, and never more than all of them.
            let (from, to) = (self.highest / 64, index / 64);
            for word in (from + 1..=to).take(WORDS) {
                self.used[word as usize % WORDS] = 0;
            }
            self.highest = index;
        }
        let (word, bit) = Self::place(index);
        self.used[word] |= bit;
    }

    fn place(index: u64) -> (usize, u64) {
        ((index / 64) as usize % WORDS, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_new_once_and_old_ones_never() {
        let mut window = Window::begin(5000);
        assert!(!window.is_new(5000));
        assert!(window.is_new(5001));
        window.mark(5001);
        assert!(!window.is_new(5001));
        assert!(window.is_new(5001 - SPAN + 1));
        window.mark(5001 - SPAN + 1);
        assert!(!window.is_new(5001 - SPAN + 1));
        assert!(!window.is_new(5001 - SPAN), "too old to tell");
        window.mark(5001 + 10 * SPAN);
        assert!(window.is_new(5001 + 10 * SPAN - 1), "a wide jump leaves nothing behind");
    }

    #[test]
    fn sequence_numbers_wrap_forwards_and_backwards() {
        let window = Window::begin(0xfffe);
        assert_eq!(window.estimate(0xffff), Some(0xffff));
        assert_eq!(window.estimate(3), Some(0x1_0003));
        let window = Window::begin(0x7_0002);
        assert_eq!(window.estimate(0xfff0), Some(0x6_fff0), "late, from before the wrap");
        assert_eq!(window.estimate(9), Some(0x7_0009));
        assert_eq!(Window::begin(2).estimate(0xfff0), None, "before the first of all");
        assert_eq!(Window::begin(0xffff_ffff_ffff).estimate(1), None, "the key is used up");
    }

    #[test]
    fn half_a_cycle_ahead_stays_in_the_cycle() {
        // The letter of RFC 3711 Appendix A, so that both ends guess alike.
        assert_eq!(Window::begin(0x1_0000).estimate(0x8000), Some(0x1_8000));
        assert_eq!(Window::begin(0x1_8000).estimate(0x0000), Some(0x1_0000));
    }

    proptest! {
        #[test]
        fn nothing_is_new_twice_and_nothing_recent_is_refused(
            start in 0u64..200_000,
            steps in prop::collection::vec(-1200i64..400, 1..400),
        ) {
            let mut window = Window::begin(start);
            let mut used = HashSet::from([start]);
            let mut highest = start;
            for step in steps {
                let Some(index) = highest.checked_add_signed(step) else { continue };
                let recent = index > highest || highest - index < SPAN;
                prop_assert_eq!(window.is_new(index), recent && !used.contains(&index));
                if window.is_new(index) {
                    window.mark(index);
                    used.insert(index);
                    highest = highest.max(index);
                }
            }
        }

        #[test]
        fn an_index_is_guessed_right_within_half_a_cycle(highest in 0u64..1 << 40, step in -32_767i64..32_768) {
            let Some(index) = highest.checked_add_signed(step) else { return Ok(()) };
            prop_assert_eq!(Window::begin(highest).estimate(index as u16), Some(index));
        }
    }
}
