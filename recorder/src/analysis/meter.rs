//! One voice: packets in, cells of a waveform and loudness out.

use ebur128::{EbuR128, Mode};
use opus::{Channels, Decoder};

use super::CELL_MS;
use super::speech::{BLOCK_MS, SpeechDetector};
use crate::codec::opus::RATE;

/// Decoding at a third of the clock costs a third, and a waveform needs no more.
const SAMPLE_RATE: u32 = 16_000;

const BLOCK: usize = (SAMPLE_RATE * BLOCK_MS / 1000) as usize;

/// Longest packet: 120 ms.
const PACKET_MAX: usize = (SAMPLE_RATE * 120 / 1000) as usize;

/// Cells of one line in the manifest: what a crash may cost of the waveform.
const RUN_MAX: usize = 50;

/// So many speaking blocks make a cell one of speech.
const SPEAKING_BLOCKS: u32 = 3;

/// A stretch of a waveform.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SoundRun {
    /// Number of the first cell: session time divided by [`crate::CELL_MS`].
    pub first: u64,
    /// Peak of each cell: 255 times the square root of the largest sample, so that quiet voices can be seen.
    pub peaks: Vec<u8>,
    /// Whether somebody spoke in it.
    pub speech: Vec<bool>,
    /// Loudness of the track so far (EBU R128, integrated), LUFS; `None` before there was any.
    pub loudness: Option<f64>,
}

#[derive(Default)]
struct Cell {
    number: u64,
    peak: f32,
    speaking: u32,
}

/// See the module.
pub(crate) struct VoiceMeter {
    decoder: Decoder,
    loudness: EbuR128,
    detector: SpeechDetector,
    cell: Cell,
    run: SoundRun,
    /// End of the packet before, on the session's 48 kHz grid.
    end: i64,
    samples: Box<[f32; PACKET_MAX]>,
}

impl std::fmt::Debug for VoiceMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VoiceMeter").field("end", &self.end).finish_non_exhaustive()
    }
}

impl VoiceMeter {
    /// `None` when the decoder cannot be made: the recording goes on without a waveform.
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            decoder: Decoder::new(SAMPLE_RATE, Channels::Mono).ok()?,
            loudness: EbuR128::new(1, SAMPLE_RATE, Mode::I).ok()?,
            detector: SpeechDetector::default(),
            cell: Cell::default(),
            run: SoundRun::default(),
            end: 0,
            samples: Box::new([0.0; PACKET_MAX]),
        })
    }

    /// Takes in the packet at `at` samples of the session's 48 kHz grid; gives a run when one is full.
    pub(crate) fn packet(&mut self, at: i64, data: &[u8]) -> Option<SoundRun> {
        let Ok(decoded) = self.decoder.decode_float(data, &mut self.samples[..], false) else { return None };
        if at > self.end {
            self.detector.silence();
        }
        self.end = at + (decoded as i64) * i64::from(RATE / SAMPLE_RATE);
        // A full scale that is not finite would poison the sum of the loudness.
        let _ = self.loudness.add_frames_f32(&self.samples[..decoded]);
        let mut full = None;
        for (index, block) in self.samples[..decoded].chunks(BLOCK).enumerate() {
            let ms = at.max(0) as u64 * 1000 / u64::from(RATE) + index as u64 * u64::from(BLOCK_MS);
            if ms / CELL_MS != self.cell.number {
                let cell =
                    std::mem::replace(&mut self.cell, Cell { number: ms / CELL_MS, ..Cell::default() });
                full = push(&mut self.run, &cell, &self.loudness).or(full);
            }
            self.cell.peak = block.iter().fold(self.cell.peak, |peak, sample| peak.max(sample.abs()));
            self.cell.speaking += u32::from(self.detector.block(block));
        }
        full
    }

    /// What is not given yet: the track ends, or pauses.
    pub(crate) fn flush(&mut self) -> Option<SoundRun> {
        let cell = std::mem::take(&mut self.cell);
        let full = push(&mut self.run, &cell, &self.loudness);
        full.or_else(|| take(&mut self.run, &self.loudness))
    }
}

/// Adds a cell to a run; gives the run when it is full or the cell does not follow it.
fn push(run: &mut SoundRun, cell: &Cell, loudness: &EbuR128) -> Option<SoundRun> {
    if cell.peak == 0.0 && cell.speaking == 0 {
        return None; // Silence is where nothing is said.
    }
    let follows = run.first + run.peaks.len() as u64;
    let mut full = None;
    if run.peaks.is_empty() || cell.number < follows || cell.number > follows + RUN_MAX as u64 {
        full = take(run, loudness);
        run.first = cell.number;
    }
    // Cells of silence in between.
    while run.first + (run.peaks.len() as u64) < cell.number {
        run.peaks.push(0);
        run.speech.push(false);
    }
    run.peaks.push((cell.peak.clamp(0.0, 1.0).sqrt() * 255.0) as u8);
    run.speech.push(cell.speaking >= SPEAKING_BLOCKS);
    if run.peaks.len() >= RUN_MAX { take(run, loudness) } else { full }
}

fn take(run: &mut SoundRun, loudness: &EbuR128) -> Option<SoundRun> {
    if run.peaks.is_empty() {
        return None;
    }
    let mut taken = std::mem::take(run);
    run.first = taken.first + taken.peaks.len() as u64;
    taken.loudness = loudness.loudness_global().ok().filter(|lufs| lufs.is_finite());
    Some(taken)
}

#[cfg(test)]
mod tests {
    use opus::{Application, Encoder};

    use super::*;

    /// Packets of 20 ms: a tone of `level` where `sounds` says so, silence elsewhere.
    fn packets(level: f32, seconds: f32, sounds: impl Fn(f32) -> bool) -> Vec<(i64, Vec<u8>)> {
        let mut encoder = Encoder::new(48_000, Channels::Mono, Application::Voip).unwrap();
        (0..(seconds * 50.0) as i64)
            .map(|packet| {
                let samples: Vec<f32> = (0..960)
                    .map(|sample| {
                        let t = (packet * 960 + sample) as f32 / 48_000.0;
                        if sounds(t) { level * (t * 440.0 * std::f32::consts::TAU).sin() } else { 0.0 }
                    })
                    .collect();
                (packet * 960, encoder.encode_vec_float(&samples, 1500).unwrap())
            })
            .collect()
    }

    fn measured(packets: &[(i64, Vec<u8>)]) -> Vec<SoundRun> {
        let mut meter = VoiceMeter::new().unwrap();
        let mut runs: Vec<SoundRun> =
            packets.iter().filter_map(|(at, data)| meter.packet(*at, data)).collect();
        runs.extend(meter.flush());
        runs
    }

    #[test]
    fn cells_lie_where_the_sound_is() {
        let runs = measured(&packets(0.5, 12.0, |t| (2.0..4.0).contains(&t) || (9.0..10.0).contains(&t)));
        let mut peaks = [0u8; 120];
        let mut speech = [false; 120];
        for run in &runs {
            for (cell, (peak, speaks)) in (run.first as usize..).zip(run.peaks.iter().zip(&run.speech)) {
                (peaks[cell], speech[cell]) = (*peak, *speaks);
            }
        }
        for cell in 0..120 {
            let t = cell as f32 / 10.0;
            let (inside, near) = (
                (2.2..3.8).contains(&t) || (9.2..9.8).contains(&t),
                (1.9..4.5).contains(&t) || (8.9..10.5).contains(&t),
            );
            if inside {
                assert!(peaks[cell].abs_diff(180) < 25 && speech[cell], "{t} s: {}", peaks[cell]);
            } else if !near {
                assert!(peaks[cell] < 40 && !speech[cell], "{t} s: {}", peaks[cell]);
            }
        }
    }

    #[test]
    fn loudness_follows_the_standard() {
        // A full-scale 997 Hz sine in one channel reads −3.01 LUFS; each halving of the amplitude takes 6.02 off.
        let runs = measured(&packets(0.25, 10.0, |_| true));
        let loudness = runs.last().unwrap().loudness.unwrap();
        assert!((loudness - (-3.0 - 12.04)).abs() < 1.5, "{loudness} LUFS");
    }

    #[test]
    fn noise_instead_of_opus_changes_nothing() {
        let mut meter = VoiceMeter::new().unwrap();
        for length in 0..200usize {
            let data: Vec<u8> = (0..length).map(|n| (n * 31 + length) as u8).collect();
            let _ = meter.packet(length as i64 * 960, &data);
        }
    }
}
