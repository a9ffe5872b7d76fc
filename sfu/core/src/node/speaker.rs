//! Whether a person speaks, from the audio levels their client writes into every packet (RFC 6464): nothing is decoded.
//!
//! Levels jump about within a syllable, rooms hum and keyboards click. So the level is smoothed (quick to rise, slow to
//! fall), compared with the room's own noise, and has to stay on the other side of the threshold for a while; between
//! the two thresholds nothing changes.

use std::time::{Duration, Instant};

use super::types::Event;
use crate::ids::ParticipantId;
use crate::rtp::extensions::AudioLevel;

/// Silence on the scale used here: decibels above −127 dBov.
const SILENCE_DB: f32 = 0.0;

/// Speech is at least this loud: −45 dBov. Browsers normalise microphones, speech comes at −20 to −40 dBov.
const SPEECH_DB: f32 = 82.0;

/// Speech stands out of the room's noise by as much.
const ABOVE_NOISE_DB: f32 = 12.0;

/// Who speaks goes on speaking until this much below the threshold.
const HYSTERESIS_DB: f32 = 6.0;

/// Half of a rise is followed in about this time.
const ATTACK: Duration = Duration::from_millis(60);

/// Half of a fall is followed in about this time: longer than the gaps between syllables.
const RELEASE: Duration = Duration::from_millis(250);

/// The room's noise is believed to have grown by this much a second at most. It falls at once.
const NOISE_RISE_DB_PER_S: f32 = 3.0;

/// A click is over by then.
const ON_AFTER: Duration = Duration::from_millis(120);

/// A pause for breath is over by then.
const OFF_AFTER: Duration = Duration::from_millis(400);

/// With DTX a silent client sends next to nothing; so does a muted one.
const UNHEARD_AFTER: Duration = Duration::from_millis(600);

/// See the module.
#[derive(Debug)]
pub(super) struct Speaker {
    speaking: bool,
    smoothed_db: f32,
    noise_db: f32,
    last: Option<Instant>,
    /// Since when the level asks for the other state.
    turning: Option<Instant>,
}

impl Default for Speaker {
    fn default() -> Self {
        Self { speaking: false, smoothed_db: SILENCE_DB, noise_db: SILENCE_DB, last: None, turning: None }
    }
}

impl Speaker {
    /// Takes the level of a packet. True when speaking begins or ends with it.
    pub(super) fn on_level(&mut self, now: Instant, level: AudioLevel) -> bool {
        let level = f32::from(127 - level.below_overload_db.min(127));
        let elapsed = self.last.map_or(Duration::from_millis(20), |last| now.saturating_duration_since(last));
        let elapsed = elapsed.min(UNHEARD_AFTER);
        self.last = Some(now);
        let half = if level > self.smoothed_db { ATTACK } else { RELEASE };
        let keep = 0.5_f32.powf(elapsed.as_secs_f32() / half.as_secs_f32());
        self.smoothed_db = level + (self.smoothed_db - level) * keep;
        self.noise_db = level.min(self.noise_db + NOISE_RISE_DB_PER_S * elapsed.as_secs_f32());
        let threshold = SPEECH_DB.max(self.noise_db + ABOVE_NOISE_DB);
        let other = match self.speaking {
            false => self.smoothed_db >= threshold,
            true => self.smoothed_db < threshold - HYSTERESIS_DB,
        };
        if !other {
            self.turning = None;
            return false;
        }
        let since = *self.turning.get_or_insert(now);
        let patience = if self.speaking { OFF_AFTER } else { ON_AFTER };
        now.saturating_duration_since(since) >= patience && self.turn(!self.speaking)
    }

    /// True when it turns out that somebody has stopped because nothing more is heard of them.
    pub(super) fn on_timeout(&mut self, now: Instant) -> bool {
        self.deadline().is_some_and(|at| at <= now) && self.be_silent()
    }

    /// The microphone is off. True when that ends speaking.
    pub(super) fn be_silent(&mut self) -> bool {
        self.smoothed_db = SILENCE_DB;
        self.turn(false)
    }

    fn turn(&mut self, speaking: bool) -> bool {
        self.turning = None;
        std::mem::replace(&mut self.speaking, speaking) != speaking
    }

    /// That somebody began to speak, or stopped.
    pub(super) fn news(&self, participant: ParticipantId) -> Event {
        Event::Speaking { participant, speaking: self.speaking, level: self.level() }
    }

    /// The smoothed level in −dBov, 0 (loudest) to 127 (silence).
    fn level(&self) -> u8 {
        (127.0 - self.smoothed_db).clamp(0.0, 127.0) as u8
    }

    /// When [`Self::on_timeout`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.last.filter(|_| self.speaking).map(|last| last + UNHEARD_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A microphone on virtual time, a packet every 20 ms.
    struct Voice {
        now: Instant,
        speaker: Speaker,
        turns: usize,
    }

    impl Voice {
        fn new() -> Self {
            Self { now: Instant::now(), speaker: Speaker::default(), turns: 0 }
        }

        fn packet(&mut self, below_overload_db: u8) {
            self.now += Duration::from_millis(20);
            let level = AudioLevel { voice: true, below_overload_db };
            self.turns += usize::from(self.speaker.on_level(self.now, level));
        }

        fn hear(&mut self, ms: u64, below_overload_db: u8) -> bool {
            (0..ms / 20).for_each(|_| self.packet(below_overload_db));
            self.speaker.speaking
        }

        /// Words with the gaps between them.
        fn talk(&mut self, seconds: u64) -> bool {
            for _ in 0..seconds * 2 {
                self.hear(360, 28);
                self.hear(140, 70);
            }
            self.speaker.speaking
        }
    }

    #[test]
    fn speaking_begins_soon_and_lasts_through_the_gaps_between_words() {
        let mut voice = Voice::new();
        assert!(!voice.hear(2_000, 75));
        assert!(voice.hear(500, 28), "half a second is enough");
        assert!(voice.talk(20));
        assert_eq!(voice.turns, 1, "gaps between words are part of speech");
        assert!(!voice.hear(2_000, 75));
        assert_eq!(voice.turns, 2);
    }

    #[test]
    fn a_click_or_a_cough_is_no_speech() {
        let mut voice = Voice::new();
        voice.hear(2_000, 75);
        for _ in 0..20 {
            assert!(!voice.hear(80, 20), "80 ms of noise");
            assert!(!voice.hear(1_500, 75));
        }
        assert_eq!(voice.turns, 0);
    }

    #[test]
    fn a_loud_room_is_learned_and_who_speaks_over_it_is_heard() {
        let mut voice = Voice::new();
        voice.hear(40_000, 42);
        assert!(!voice.speaker.speaking, "a fan does not speak");
        assert!(voice.hear(600, 20));
    }

    #[test]
    fn who_is_not_heard_any_more_does_not_speak() {
        let mut voice = Voice::new();
        assert!(voice.talk(2));
        let due = voice.speaker.deadline().unwrap();
        assert!(!voice.speaker.on_timeout(due - Duration::from_millis(1)));
        assert!(voice.speaker.on_timeout(due));
        assert!(!voice.speaker.speaking && voice.speaker.deadline().is_none());
        assert_eq!(voice.speaker.level(), 127);
        assert!(!voice.speaker.be_silent(), "silent already");
    }

    proptest! {
        #[test]
        fn whatever_the_levels_nobody_flickers(levels in prop::collection::vec(any::<u8>(), 1..2_000)) {
            let mut voice = Voice::new();
            for below_overload_db in &levels {
                voice.packet(*below_overload_db);
            }
            // A turn needs at least the shorter patience; there is a last turn that may be under way.
            let ms = levels.len() as u128 * 20;
            prop_assert!(voice.turns as u128 <= ms / ON_AFTER.as_millis() + 1);
            prop_assert!(voice.speaker.noise_db >= 0.0 && voice.speaker.smoothed_db <= 127.0);
        }
    }
}
