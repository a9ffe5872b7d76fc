//! Recordings: taps to files.
//!
//! One file a track, written as the media comes, never transcoded. See [`Recorder`] for the way in.

mod model;
mod node_time;
mod recorder;

pub use model::{
    ByteRange, Erased, ErasedNote, Fragment, Gap, GapReason, IndexTrack, Receipt, RecordingIndex,
    RecordingSpec, RecordingSummary, Rotation, Side, TrackSpec,
};
pub use recorder::{
    EraseError, IndexError, OpenError, Recorder, RecorderConfig, RecordingHandle, RecoveryReport, StartError,
};
