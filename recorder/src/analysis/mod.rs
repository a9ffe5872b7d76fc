//! What a reviewer sees of the sound before they hear it, computed while recording: waveform, loudness, who spoke when.
//!
//! Only how loud and whether somebody speaks; never what, and never how somebody feels.

mod meter;
mod speech;
mod talk;

pub use meter::SoundRun;
pub(crate) use meter::VoiceMeter;
pub use talk::{Talk, TalkSide};

/// Length of one cell of a waveform, milliseconds.
pub const CELL_MS: u64 = 100;
