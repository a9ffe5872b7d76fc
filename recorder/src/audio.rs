//! Opus packets on a gapless grid of samples.
//!
//! A player's decoder lays packets end to end, whatever their timestamps say, so a file whose packets do not add up to
//! its timeline drifts. Here they add up: every packet begins where the one before ends. Where the timeline has room
//! (loss, DTX, a slow sender clock) empty packets fill it, which decoders conceal; where the sender's clock runs fast a
//! packet is left out now and then, a quiet one if there is one. Sound stays within 14 ms of the timeline. Only a hole
//! of more than two seconds is a hole in the file.

use crate::codec::opus::{FILLER_SAMPLES, RATE, filler, is_quiet, samples};

/// Longer silences are gaps.
const FILL_MAX: i64 = 2 * RATE as i64;

/// Where a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    /// At `at`, after `fillers` of 10 ms each (the first of them at `at` − `fillers` × 480).
    Packet {
        /// First sample on the session's 48 kHz grid.
        at: i64,
        /// Samples it lasts.
        duration: u32,
        /// How many filler packets to put before it.
        fillers: u32,
        /// What a filler is.
        filler: u8,
    },
    /// At `at`, after a hole that begins at `from`.
    AfterGap {
        /// First sample on the session's 48 kHz grid.
        at: i64,
        /// Samples it lasts.
        duration: u32,
        /// End of the packet before; `None` for the first.
        from: Option<i64>,
    },
    /// Left out: the sound is ahead of the timeline.
    Skipped,
    /// Not Opus.
    Malformed,
}

/// The grid of one track.
#[derive(Default, Debug)]
pub(crate) struct AudioGrid {
    next: Option<i64>,
}

impl AudioGrid {
    /// Places a packet that belongs at `at_us`, microseconds of session time.
    pub(crate) fn place(&mut self, at_us: i64, packet: &[u8]) -> Placed {
        let Some(duration) = samples(packet) else { return Placed::Malformed };
        let wanted = at_us * i64::from(RATE / 1000) / 1000;
        let Some(next) = self.next else {
            self.next = Some(wanted + i64::from(duration));
            return Placed::AfterGap { at: wanted, duration, from: None };
        };
        let ahead = next - wanted;
        if ahead < -FILL_MAX {
            self.next = Some(wanted + i64::from(duration));
            return Placed::AfterGap { at: wanted, duration, from: Some(next) };
        }
        let share = if is_quiet(packet) { 2 } else { 3 };
        if ahead * share >= i64::from(duration) * (share - 1) {
            return Placed::Skipped;
        }
        let fillers = (-ahead).max(0) / i64::from(FILLER_SAMPLES);
        let at = next + fillers * i64::from(FILLER_SAMPLES);
        self.next = Some(at + i64::from(duration));
        Placed::Packet { at, duration, fillers: fillers as u32, filler: filler(packet[0]) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// CELT, fullband, stereo, one frame of 20 ms, with some sound in it.
    const PACKET: [u8; 40] = [31 << 3 | 4; 40];

    #[test]
    fn packets_on_time_lie_end_to_end() {
        let mut grid = AudioGrid::default();
        assert_eq!(
            grid.place(1_000_000, &PACKET),
            Placed::AfterGap { at: 48_000, duration: 960, from: None }
        );
        for i in 1..100 {
            let placed = grid.place(1_000_000 + i * 20_000, &PACKET);
            let Placed::Packet { at, fillers: 0, .. } = placed else { panic!("{placed:?}") };
            assert_eq!(at, 48_000 + i * 960);
        }
    }

    #[test]
    fn a_dtx_pause_is_filled_and_a_long_silence_is_a_gap() {
        let mut grid = AudioGrid::default();
        grid.place(0, &PACKET);
        let placed = grid.place(420_000, &PACKET);
        assert!(matches!(placed, Placed::Packet { at: 20_160, fillers: 40, .. }), "{placed:?}");
        let placed = grid.place(5_000_000, &PACKET);
        assert_eq!(placed, Placed::AfterGap { at: 240_000, duration: 960, from: Some(21_120) });
    }

    #[test]
    fn bytes_that_are_not_opus_move_nothing() {
        let mut grid = AudioGrid::default();
        grid.place(0, &PACKET);
        assert_eq!(grid.place(20_000, &[]), Placed::Malformed);
        assert_eq!(grid.place(20_000, &[0xff, 0x00]), Placed::Malformed);
        assert!(matches!(grid.place(20_000, &PACKET), Placed::Packet { at: 960, fillers: 0, .. }));
    }

    proptest! {
        #[test]
        fn sound_stays_within_fourteen_milliseconds_of_the_timeline(ppm in -300_i64..300, drop_every in 5_i64..50) {
            let mut grid = AudioGrid::default();
            let mut end = None;
            for i in 0..20_000_i64 {
                if i % drop_every == 0 {
                    continue;
                }
                let at_us = i * 20_000 + i * 20_000 * ppm / 1_000_000;
                match grid.place(at_us, &PACKET) {
                    Placed::Packet { at, duration, fillers, .. } => {
                        prop_assert_eq!(end, Some(at - i64::from(fillers) * 480), "no hole, no overlap");
                        prop_assert!((at - at_us * 48 / 1000).abs() <= 14 * 48);
                        end = Some(at + i64::from(duration));
                    }
                    Placed::AfterGap { at, duration, from } => {
                        prop_assert_eq!(from, None);
                        end = Some(at + i64::from(duration));
                    }
                    Placed::Skipped => {}
                    Placed::Malformed => prop_assert!(false),
                }
            }
        }
    }
}
