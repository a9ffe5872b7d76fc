//! Who spoke when: two lanes of cells to talk, talk-over and silence.

use super::CELL_MS;
use crate::model::{IndexTrack, RecordingIndex, Side, Stretch};

/// Shorter silences between words of one side are part of its talk, cells.
const BRIDGED: usize = 4;

/// Shorter talk is a cough, cells.
const TALK_MIN: usize = 2;

/// Shorter talk-over is a "hm", cells.
const TALK_OVER_MIN: usize = 5;

/// Shorter silence is a breath, cells.
const SILENCE_MIN: usize = 30;

/// One side's voice.
#[derive(Clone, PartialEq, Debug)]
pub struct TalkSide {
    /// Whose.
    pub side: Side,
    /// Peak of each cell of [`super::CELL_MS`] from the start of the session: 255 times the square root of the largest sample.
    pub peaks: Vec<u8>,
    /// Where it speaks.
    pub speech: Vec<Stretch>,
    /// How long it speaks, milliseconds.
    pub talk_ms: u64,
    /// Integrated loudness (EBU R128), LUFS; `None` when it said nothing.
    pub loudness_lufs: Option<f64>,
}

/// The voices of a recording beside each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Talk {
    /// Buyer, then agent; only sides with a voice.
    pub sides: Vec<TalkSide>,
    /// Where more than one side speaks.
    pub talk_over: Vec<Stretch>,
    /// Where nobody speaks, pauses of the recording left out.
    pub silence: Vec<Stretch>,
}

impl RecordingIndex {
    /// What the recorder heard: see [`Talk`].
    pub fn talk(&self) -> Talk {
        let cells = self.duration_ms.div_ceil(CELL_MS) as usize;
        let lane = |side| {
            let tracks: Vec<_> = self.tracks.iter().filter(|track| track.side == side).collect();
            Lane::of(&tracks, cells)
        };
        let lanes: Vec<(Side, Lane)> =
            [Side::Buyer, Side::Agent].into_iter().filter_map(|side| Some((side, lane(side)?))).collect();
        let speaking = |cell: usize| lanes.iter().filter(|(_, lane)| lane.speech[cell]).count();
        let paused = |cell: usize| {
            let ms = cell as u64 * CELL_MS;
            let within = |end_ms: Option<u64>| end_ms.is_none_or(|end| ms < end);
            self.pauses.iter().any(|pause| pause.start_ms <= ms && within(pause.end_ms))
        };
        Talk {
            talk_over: stretches(cells, TALK_OVER_MIN, |cell| speaking(cell) > 1),
            silence: stretches(cells, SILENCE_MIN, |cell| speaking(cell) == 0 && !paused(cell)),
            sides: lanes
                .iter()
                .map(|(side, lane)| {
                    let speech = stretches(cells, TALK_MIN, |cell| lane.speech[cell]);
                    let talk_ms = speech.iter().map(|stretch| stretch.end_ms - stretch.start_ms).sum();
                    let (peaks, loudness_lufs) = (lane.peaks.clone(), lane.loudness);
                    TalkSide { side: *side, peaks, speech, talk_ms, loudness_lufs }
                })
                .collect(),
        }
    }
}

struct Lane {
    peaks: Vec<u8>,
    speech: Vec<bool>,
    loudness: Option<f64>,
}

impl Lane {
    fn of(tracks: &[&IndexTrack], cells: usize) -> Option<Self> {
        let runs: Vec<_> = tracks.iter().flat_map(|track| &track.sound).collect();
        let mut lane = Lane {
            peaks: vec![0; cells],
            speech: vec![false; cells],
            loudness: runs.iter().rev().find_map(|run| run.loudness),
        };
        for run in &runs {
            for (cell, (peak, speaks)) in (run.first as usize..cells).zip(run.peaks.iter().zip(&run.speech)) {
                lane.peaks[cell] = lane.peaks[cell].max(*peak);
                lane.speech[cell] |= speaks;
            }
        }
        let pauses = stretches(cells, 1, |cell| !lane.speech[cell]);
        let spoken_before = |ms: u64| ms > 0;
        for pause in pauses {
            let (from, to) = ((pause.start_ms / CELL_MS) as usize, (pause.end_ms / CELL_MS) as usize);
            if to - from < BRIDGED && spoken_before(pause.start_ms) && to < cells {
                lane.speech[from..to].fill(true);
            }
        }
        (!runs.is_empty()).then_some(lane)
    }
}

/// Runs of at least `least` cells for which it holds.
fn stretches(cells: usize, least: usize, holds: impl Fn(usize) -> bool) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut from = None;
    for cell in 0..=cells {
        match (cell < cells && holds(cell), from) {
            (true, None) => from = Some(cell),
            (false, Some(start)) => {
                if cell - start >= least {
                    out.push(Stretch { start_ms: start as u64 * CELL_MS, end_ms: cell as u64 * CELL_MS });
                }
                from = None;
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_are_too_short_do_not_count_and_the_last_one_ends_with_the_lane() {
        let holds = [true, true, false, true, false, true, true, true];
        let found = stretches(holds.len(), 2, |cell| holds[cell]);
        assert_eq!(found, [Stretch { start_ms: 0, end_ms: 200 }, Stretch { start_ms: 500, end_ms: 800 }]);
    }
}
