//! A sine tone as Opus, and hearing which tone arrived.

use std::f64::consts::TAU;

use anyhow::Result;

/// Samples a second.
pub const RATE: u32 = 48_000;

/// Samples of one packet: 20 ms.
pub const FRAME: usize = 960;

/// Encodes a steady sine, 20 ms a call.
pub struct ToneSource {
    encoder: opus::Encoder,
    frequency: f64,
    phase: f64,
}

impl ToneSource {
    /// A tone of this frequency in Hz at a quarter of full scale.
    pub fn new(frequency: f64) -> Result<Self> {
        let encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip)?;
        Ok(Self { encoder, frequency, phase: 0.0 })
    }

    /// The next 20 ms as one Opus packet.
    pub fn next_packet(&mut self) -> Result<Vec<u8>> {
        let mut samples = [0i16; FRAME];
        for sample in &mut samples {
            *sample = ((self.phase * TAU).sin() * 8192.0) as i16;
            self.phase = (self.phase + self.frequency / f64::from(RATE)).fract();
        }
        let mut packet = vec![0; 1275];
        let length = self.encoder.encode(&samples, &mut packet)?;
        packet.truncate(length);
        Ok(packet)
    }
}

/// Decodes Opus and listens for tones.
pub struct ToneListener {
    decoder: opus::Decoder,
    samples: Vec<i16>,
}

impl ToneListener {
    /// Hears nothing yet.
    pub fn new() -> Result<Self> {
        Ok(Self { decoder: opus::Decoder::new(RATE, opus::Channels::Mono)?, samples: Vec::new() })
    }

    /// Decodes one packet and remembers the last second of sound.
    pub fn hear(&mut self, packet: &[u8]) -> Result<()> {
        let mut samples = [0i16; 5760];
        let count = self.decoder.decode(packet, &mut samples, false)?;
        self.samples.extend_from_slice(&samples[..count]);
        let excess = self.samples.len().saturating_sub(RATE as usize);
        self.samples.drain(..excess);
        Ok(())
    }

    /// Share of the energy heard that is at this frequency, 0–1 (Goertzel's algorithm).
    pub fn share_at(&self, frequency: f64) -> f64 {
        let coefficient = 2.0 * (TAU * frequency / f64::from(RATE)).cos();
        let (mut before, mut last, mut total) = (0.0, 0.0, 0.0);
        for sample in &self.samples {
            let sample = f64::from(*sample);
            let next = sample + coefficient * last - before;
            (before, last) = (last, next);
            total += sample * sample;
        }
        if total == 0.0 {
            return 0.0;
        }
        let power = last * last + before * before - coefficient * last * before;
        2.0 * power / (total * self.samples.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_hears_the_tone_that_was_encoded_and_no_other() {
        let mut source = ToneSource::new(440.0).expect("encoder");
        let mut listener = ToneListener::new().expect("decoder");
        for _ in 0..50 {
            listener.hear(&source.next_packet().expect("packet")).expect("decoded");
        }
        assert!(listener.share_at(440.0) > 0.8, "{}", listener.share_at(440.0));
        assert!(listener.share_at(880.0) < 0.05, "{}", listener.share_at(880.0));
    }
}
