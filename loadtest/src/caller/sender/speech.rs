//! What callers say: a minute of something that Opus takes for speech, encoded once and played by everybody from another place.
//!
//! Voiced syllables (a pulse train through three formants) and unvoiced ones (noise), in turns of 1–4 s with pauses of
//! 0.6–3 s between them, at 32 kbit/s with in-band FEC and DTX, as the web client asks for. So talkspurts have the packet sizes of
//! speech, and pauses are the comfort frames that DTX leaves.

use std::f32::consts::TAU;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Samples a second.
const RATE: u32 = 48_000;
/// Samples of 20 ms.
const FRAME: usize = 960;
/// Frames of the loop: a minute.
const FRAMES: usize = 3_000;
/// Bits a second, the ceiling of the web client's microphone.
const BITRATE: i32 = 32_000;
/// Encoded frames of this size or less need not be sent (libopus' `OPUS_SET_DTX`).
const DTX_MAX: usize = 2;
/// Level of silence in the audio level extension (RFC 6464), −dBov.
const SILENCE: u8 = 127;

/// 20 ms of sound.
#[derive(Clone, Debug)]
pub struct SpeechFrame {
    /// The Opus packet; `None` where DTX sends nothing.
    pub packet: Option<Box<[u8]>>,
    /// Loudness, −dBov 0–127 (RFC 6464).
    pub level: u8,
    /// Somebody speaks.
    pub voice: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Speech {
    frames: Vec<SpeechFrame>,
}

impl Speech {
    /// Makes and encodes it: about half a second of work.
    pub fn new(seed: u64) -> Result<Self> {
        let mut voice = Voice::new(seed);
        let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip)?;
        encoder.set_bitrate(opus::Bitrate::Bits(BITRATE))?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(10)?;
        encoder.set_dtx(true)?;
        encoder.set_complexity(5)?;
        let mut frames = Vec::with_capacity(FRAMES);
        let mut packet = [0; 1275];
        for _ in 0..FRAMES {
            let (samples, speaks) = voice.next();
            let length = encoder.encode(&samples, &mut packet)?;
            let sent = (length > DTX_MAX).then(|| packet[..length].into());
            frames.push(SpeechFrame { packet: sent, level: level(&samples), voice: speaks });
        }
        Ok(Self { frames })
    }

    /// The frame at a place; the loop begins again where it ends.
    pub fn frame(&self, place: usize) -> &SpeechFrame {
        &self.frames[place % self.frames.len()]
    }

    /// Frames until it begins again.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

fn level(samples: &[i16]) -> u8 {
    let power: f64 = samples.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / samples.len() as f64;
    let dbov = 20.0 * (power.sqrt() / 32_768.0).max(1e-7).log10();
    (-dbov).clamp(0.0, f64::from(SILENCE)) as u8
}

/// Two-pole resonator.
#[derive(Clone, Copy, Default)]
struct Formant {
    before: [f32; 2],
}

impl Formant {
    fn filter(&mut self, input: f32, frequency: f32, width: f32) -> f32 {
        let r = (-std::f32::consts::PI * width / RATE as f32).exp();
        let turn = TAU * frequency / RATE as f32;
        let out = input + 2.0 * r * turn.cos() * self.before[0] - r * r * self.before[1];
        self.before = [out, self.before[0]];
        out * (1.0 - r)
    }
}

struct Voice {
    rng: StdRng,
    formants: [Formant; 3],
    phase: f32,
    /// Samples left of the turn or pause, and of the syllable.
    turn_left: usize,
    syllable_left: usize,
    syllable_length: usize,
    speaks: bool,
    voiced: bool,
    pitch: f32,
    places: [f32; 3],
}

impl Voice {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            formants: Default::default(),
            phase: 0.0,
            turn_left: 2 * RATE as usize,
            syllable_left: 0,
            syllable_length: 1,
            speaks: true,
            voiced: true,
            pitch: 140.0,
            places: [600.0, 1500.0, 2500.0],
        }
    }

    fn next(&mut self) -> ([i16; FRAME], bool) {
        let mut samples = [0; FRAME];
        let spoke = self.speaks;
        for sample in &mut samples {
            if self.turn_left == 0 {
                self.speaks = !self.speaks;
                let seconds = if self.speaks { 1.0..4.0 } else { 0.6..3.0 };
                self.turn_left = (self.rng.random_range(seconds) * RATE as f32) as usize;
            }
            self.turn_left -= 1;
            *sample = if self.speaks { self.sound() } else { 0 };
        }
        (samples, spoke || self.speaks)
    }

    fn sound(&mut self) -> i16 {
        if self.syllable_left == 0 {
            self.syllable_length = (self.rng.random_range(0.12..0.3) * RATE as f32) as usize;
            self.syllable_left = self.syllable_length;
            self.voiced = self.rng.random_bool(0.75);
            self.pitch = self.rng.random_range(110.0..220.0);
            self.places = [
                self.rng.random_range(300.0..800.0),
                self.rng.random_range(900.0..2200.0),
                self.rng.random_range(2300.0..3200.0),
            ];
        }
        self.syllable_left -= 1;
        let done = 1.0 - self.syllable_left as f32 / self.syllable_length as f32;
        let envelope = (std::f32::consts::PI * done).sin();
        self.phase += self.pitch * (1.1 - 0.2 * done) / RATE as f32;
        let pulse = if self.phase >= 1.0 {
            self.phase -= 1.0;
            40.0
        } else {
            0.0
        };
        let noise = self.rng.random_range(-1.0f32..1.0);
        let excitation = if self.voiced { pulse + 0.05 * noise } else { 0.6 * noise };
        let mut out = 0.0;
        for (formant, (place, width)) in
            self.formants.iter_mut().zip(self.places.into_iter().zip([80.0, 110.0, 160.0]))
        {
            out += formant.filter(excitation, place, width);
        }
        (out * envelope * 6_000.0).clamp(-30_000.0, 30_000.0) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_has_talkspurts_of_speech_like_packets_and_pauses_that_are_hardly_sent() {
        let speech = Speech::new(1).expect("encoded");
        let frames = || (0..speech.len()).map(|place| speech.frame(place));
        let spoken: Vec<_> = frames().filter(|it| it.voice).collect();
        let silent: Vec<_> = frames().filter(|it| !it.voice).collect();
        assert!(spoken.len() > speech.len() / 3 && silent.len() > speech.len() / 6);
        let bytes: usize = spoken.iter().filter_map(|it| it.packet.as_ref()).map(|it| it.len()).sum();
        let kbps = bytes as f64 * 8.0 / (spoken.len() as f64 * 20.0);
        assert!((20.0..45.0).contains(&kbps), "{kbps} kbit/s while somebody speaks");
        let sent = silent.iter().filter(|it| it.packet.is_some()).count();
        assert!(sent * 2 < silent.len(), "{sent} of {} frames of silence are sent", silent.len());
        assert!(spoken.iter().any(|it| it.level < 40) && silent.iter().all(|it| it.level > 60));
    }

    #[test]
    fn every_packet_is_one_that_opus_decodes() {
        let speech = Speech::new(2).expect("encoded");
        let mut decoder = opus::Decoder::new(RATE, opus::Channels::Mono).expect("a decoder");
        let mut samples = [0i16; 5760];
        for place in 0..200 {
            if let Some(packet) = &speech.frame(place).packet {
                assert_eq!(decoder.decode(packet, &mut samples, false).expect("decoded"), FRAME);
            }
        }
    }
}
