//! Extending wrapping counters of the wire to 64 bits (RFC 3550 §A.1).

/// Extends 16-bit sequence numbers.
///
/// The first one becomes 65536 + itself, so that packets older than the first have a place too. Each further one is
/// taken to be the nearest to the highest so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SequenceExtender {
    highest: Option<u64>,
}

impl SequenceExtender {
    /// Extends a number and remembers it if it is the highest.
    pub fn extend(&mut self, sequence: u16) -> u64 {
        let extended = self.nearest(sequence).unwrap_or((1 << 16) + u64::from(sequence));
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        extended
    }

    /// Extends a number without remembering it; `None` before the first.
    pub fn nearest(&self, sequence: u16) -> Option<u64> {
        self.highest.map(|highest| nearest_sequence(highest, sequence))
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// The 64-bit number nearest to `reference` whose low 16 bits are `sequence`.
pub fn nearest_sequence(reference: u64, sequence: u16) -> u64 {
    let distance = sequence.wrapping_sub(reference as u16) as i16;
    reference.saturating_add_signed(i64::from(distance))
}

/// Extends 32-bit RTP timestamps; the first becomes 2³² + itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimestampExtender {
    highest: Option<u64>,
}

impl TimestampExtender {
    /// Extends a timestamp and remembers it if it is the highest.
    pub fn extend(&mut self, timestamp: u32) -> u64 {
        let extended = match self.highest {
            Some(highest) => {
                let distance = timestamp.wrapping_sub(highest as u32) as i32;
                highest.saturating_add_signed(i64::from(distance))
            }
            None => (1 << 32) + u64::from(timestamp),
        };
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        extended
    }

    /// The highest timestamp so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_number_leaves_room_below_and_wraps_count_up() {
        let mut extender = SequenceExtender::default();
        assert_eq!(extender.nearest(7), None);
        assert_eq!(extender.extend(0), 65_536);
        assert_eq!(extender.extend(65_535), 65_535, "one before the first");
        assert_eq!(extender.extend(2), 65_538);
        assert_eq!(extender.highest(), Some(65_538));
        let mut extender = SequenceExtender::default();
        assert_eq!(extender.extend(65_535), 131_071);
        assert_eq!(extender.extend(1), 131_073);
        assert_eq!(extender.extend(0), 131_072, "late, after the wrap");
    }

    #[test]
    fn timestamps_wrap_too() {
        let mut extender = TimestampExtender::default();
        assert_eq!(extender.extend(u32::MAX), (1 << 33) - 1);
        assert_eq!(extender.extend(100), (1 << 33) + 100);
        assert_eq!(extender.extend(u32::MAX), (1 << 33) - 1);
        assert_eq!(extender.highest(), Some((1 << 33) + 100));
    }

    proptest! {
        #[test]
        fn any_walk_of_small_steps_is_followed_exactly(start in any::<u16>(), steps in prop::collection::vec(-200..2000i64, 1..200)) {
            let mut extender = SequenceExtender::default();
            let first = 65_536 + i64::from(start);
            prop_assert_eq!(extender.extend(start), first as u64);
            let mut highest = first;
            for step in steps {
                let truth = highest + step;
                prop_assert_eq!(extender.extend(truth as u16), truth as u64);
                highest = highest.max(truth);
            }
        }
    }
}
