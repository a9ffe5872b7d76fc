//! Recordings: taps to files.
//!
//! One file a track, written as the media comes, never transcoded: VP8 in WebM, H.264, VP9, AV1 and Opus in fragmented
//! MP4, sealed with a key of the recording's own ([`KeyWrap`]). A fragment is written whole, at most two seconds after
//! its media, so any prefix of a file plays; a manifest beside the files says what is where, what is missing and why, and who consented. Timestamps inside all files of a
//! recording count from its start, so tracks need no offsets.
//!
//! ```text
//! tap ─ assemble ─ timeline ─ audio grid / video frames ─ mux ─ vault ─ <dir>/<recording>/<track>.webm|mp4
//!       packets     RTP, NTP    gapless samples            bytes   sealed <dir>/<recording>/manifest.jsonl
//!       to frames   to session
//! ```
//!
//! Everything up to `mux` is pure: events and a time in, bytes and facts out. [`Recorder`] is the way in.
//!
//! Deliberately absent: offsets, edit lists and rotation matrices in the files (the index tells rotation, and a player
//! that honoured both would turn the picture twice); rewriting (a file is only ever appended to, or cut at recovery).

mod analysis;
mod archive;
mod assemble;
mod audio;
mod bits;
mod codec;
mod condition;
mod erase;
mod error;
mod index;
mod known;
mod manifest;
mod model;
mod mux;
mod node_time;
mod presence;
mod reader;
mod recorder;
mod recovery;
mod sealed;
mod session;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timeline;
mod track;
mod vault;
mod writer;

pub use analysis::{CELL_MS, SoundRun, Talk, TalkSide};
pub use archive::{Archive, ArchiveError, ArchiveRound};
pub use condition::{ArchiveCondition, Condition};
pub use error::{EraseError, IndexError, OpenError, StartError};
pub use model::{
    ByteRange, Erased, ErasedNote, Fragment, Gap, GapReason, IndexTrack, Pause, PauseSpec, Paused, Receipt,
    RecordingIndex, RecordingSpec, RecordingSummary, Rotation, Side, Stretch, TrackSpec,
};
pub use presence::{Kept, Look, Presence};
pub use reader::TrackReader;
pub use recorder::{Recorder, RecorderConfig, RecordingHandle, RecoveryReport};
pub use sealed::{SealedReader, seal_file};
pub use vault::{KEY_LEN, KeyFuture, KeyWrap};
