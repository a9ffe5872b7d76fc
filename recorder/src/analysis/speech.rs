//! Speech or silence, from energy over a noise floor that follows the room.
//!
//! A meter for a lane on a screen, not a recogniser: music or a loud street count as speech as they would to the eye.

/// Blocks of this length are judged, milliseconds.
pub(crate) const BLOCK_MS: u32 = 10;

/// Speech is at least this much louder than the room, decibels.
const OVER_FLOOR_DB: f32 = 9.0;

/// Quieter sound is silence whatever the room, dBFS.
const QUIET_DB: f32 = -55.0;

/// Louder sound is never taken for the room, dBFS.
const ROOM_MAX_DB: f32 = -30.0;

/// The floor rises this fast while it is exceeded: 3 dB a second, so that speech of seconds does not become the room.
const RISE_DB: f32 = 3.0 * BLOCK_MS as f32 / 1000.0;

/// Speech goes on for so long after its last loud block: the gaps between words.
const HANGOVER_BLOCKS: u32 = 250 / BLOCK_MS;

/// See the module.
#[derive(Debug)]
pub(crate) struct SpeechDetector {
    floor_db: f32,
    hangover: u32,
}

impl Default for SpeechDetector {
    fn default() -> Self {
        Self { floor_db: QUIET_DB, hangover: 0 }
    }
}

impl SpeechDetector {
    /// Judges the next block of samples (−1 to 1).
    pub(crate) fn block(&mut self, samples: &[f32]) -> bool {
        let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
        let level_db = 10.0 * (power + 1e-10).log10();
        let loud = level_db > QUIET_DB.max(self.floor_db + OVER_FLOOR_DB);
        // Down at once, up slowly.
        self.floor_db = level_db.min(self.floor_db + RISE_DB).min(ROOM_MAX_DB);
        self.hangover = if loud { HANGOVER_BLOCKS } else { self.hangover.saturating_sub(1) };
        self.hangover > 0
    }

    /// Nothing was sent: the far end's own detector heard silence.
    pub(crate) fn silence(&mut self) {
        self.hangover = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of a level, the same every time.
    fn noise(level_db: f32, blocks: usize) -> Vec<Vec<f32>> {
        let mut state = 1u32;
        let amplitude = 10f32.powf(level_db / 20.0) * 3f32.sqrt();
        let mut sample = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as f32 / u32::MAX as f32 * 2.0 - 1.0) * amplitude
        };
        (0..blocks).map(|_| (0..160).map(|_| sample()).collect()).collect()
    }

    fn share(detector: &mut SpeechDetector, blocks: &[Vec<f32>]) -> f32 {
        let speech = blocks.iter().filter(|block| detector.block(block)).count();
        speech as f32 / blocks.len() as f32
    }

    #[test]
    fn a_voice_over_a_noisy_room_is_speech_and_the_room_alone_is_not() {
        let mut detector = SpeechDetector::default();
        share(&mut detector, &noise(-45.0, 500));
        assert!(share(&mut detector, &noise(-45.0, 500)) < 0.02, "the room is learnt");
        assert!(share(&mut detector, &noise(-22.0, 150)) > 0.95, "a sentence");
        assert!(share(&mut detector, &noise(-45.0, 300)) < 0.2, "and silence again but for the hangover");
    }

    #[test]
    fn digital_silence_is_silence() {
        let mut detector = SpeechDetector::default();
        assert!(share(&mut detector, &vec![vec![0.0; 160]; 100]) < 0.01);
    }
}
