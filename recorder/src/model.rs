//! What the layers above say to the recorder and what they learn from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu::{NodeTime, Source};
use uuid::Uuid;

use crate::analysis::SoundRun;

/// A recording to begin.
#[derive(Clone, Debug)]
pub struct RecordingSpec {
    /// Names the recording and its folder.
    pub id: Uuid,
    /// Zero of the session timeline.
    pub started: NodeTime,
    /// Facts that belong beside the media (call id, ticket, queue…); kept verbatim in the manifest.
    pub labels: serde_json::Value,
    /// Who consented to this recording.
    pub receipts: Vec<Receipt>,
}

/// Evidence of one person's choice about being recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// On which side of the call they are; unknown in recordings of earlier versions, where it was the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Who chose: the shop's id of the buyer, or a user of ours.
    pub subject: String,
    /// True: may record. False: declined or withdrawn.
    pub recording: bool,
    /// Version of the text shown.
    pub text_version: String,
    /// SHA-256 of the text shown, hex.
    pub text_sha256: String,
    /// Language of the text shown, BCP 47.
    pub language: String,
    /// What for, e.g. `quality_review`.
    pub purpose: String,
    /// When.
    #[serde(with = "crate::node_time")]
    pub at: NodeTime,
}

/// Which side of the call a track belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The person who asked for help.
    Buyer,
    /// The shop's support person.
    Agent,
}

impl Side {
    /// The word for this side in track ids and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Buyer => "buyer",
            Side::Agent => "agent",
        }
    }
}

/// A tap's place in the recording.
#[derive(Clone, Debug)]
pub struct TrackSpec {
    /// Whose media it is. Tracks of one party share the sender's wall clock, which aligns them to each other, so give
    /// one value per person and keep it when they reload.
    pub party: Uuid,
    /// Their side of the call.
    pub side: Side,
    /// Their name as a reviewer shall read it.
    pub name: String,
    /// What is tapped.
    pub source: Source,
}

/// What came of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordingSummary {
    /// Zero of the session timeline.
    pub started_at: NodeTime,
    /// Length of the session timeline: the end of the last sample of any track, milliseconds.
    pub duration_ms: u64,
    /// Media bytes on disk.
    pub bytes: u64,
    /// Track files.
    pub tracks: u32,
}

/// What an erasure removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Erased {
    /// Media files deleted.
    pub files: u32,
    /// Media bytes deleted.
    pub bytes: u64,
}

/// A recording with what a player needs. While the recording runs it tells what is on disk so far.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordingIndex {
    /// Which.
    pub id: Uuid,
    /// Zero of the session timeline.
    pub started_at: NodeTime,
    /// End of the last sample of any track, milliseconds of session time.
    pub duration_ms: u64,
    /// Nothing will be added any more.
    pub complete: bool,
    /// The media was deleted; there are no tracks.
    pub erased: Option<ErasedNote>,
    /// As given at the start.
    pub labels: serde_json::Value,
    /// Every choice, oldest first.
    pub receipts: Vec<Receipt>,
    /// What was noted of the connections, in the order it was.
    pub quality: Vec<serde_json::Value>,
    /// Stretches in which nothing was recorded on purpose, in time order.
    pub pauses: Vec<Pause>,
    /// Track files in order of first media.
    pub tracks: Vec<IndexTrack>,
}

/// When and why the media was deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasedNote {
    /// When.
    pub at: NodeTime,
    /// Why, as given to `erase`.
    pub reason: String,
}

/// One track file.
#[derive(Clone, PartialEq, Debug)]
pub struct IndexTrack {
    /// Name within the recording; give it to [`crate::Recorder::open_track`].
    pub id: String,
    /// Whose.
    pub party: Uuid,
    /// Their side.
    pub side: Side,
    /// Their name.
    pub name: String,
    /// What was tapped.
    pub source: Source,
    /// For `MediaSource.addSourceBuffer`, e.g. `video/webm; codecs="vp8"`.
    pub mime: String,
    /// Complete bytes of the file: the end of its last fragment.
    pub length: u64,
    /// The init segment: EBML header, segment info and tracks of a WebM, or `ftyp` and `moov`.
    pub init: ByteRange,
    /// WebM clusters, or `moof` and `mdat`, in time order. Timestamps inside count from the session's start.
    pub fragments: Vec<Fragment>,
    /// Stretches without media that a player should expect, in time order.
    pub gaps: Vec<Gap>,
    /// Clockwise degrees the first picture needs on display: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Every change of rotation, the first picture's included, in time order.
    pub rotations: Vec<Rotation>,
    /// Width and height of the first picture in pixels; `None` for audio.
    pub size: Option<(u16, u16)>,
    /// Tap events lost because the disk was too slow.
    pub dropped: u64,
    /// Waveform of a voice, in time order; see [`RecordingIndex::talk`].
    pub sound: Vec<SoundRun>,
}

/// A stretch of session time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// From, milliseconds of session time.
    pub start_ms: u64,
    /// To, milliseconds of session time.
    pub end_ms: u64,
}

/// A stretch of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// A fragment on the session timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// Where in the file.
    pub bytes: ByteRange,
    /// Start of its first sample, milliseconds of session time.
    pub start_ms: u64,
    /// End of its last sample, milliseconds of session time.
    pub end_ms: u64,
    /// Whether decoding can begin here; always true for audio.
    pub keyframe: bool,
}

/// A change of rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// From here on, milliseconds of session time.
    pub at_ms: u64,
    /// Clockwise degrees the picture needs on display: 0, 90, 180 or 270.
    pub degrees: u16,
}

/// A stretch without media.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// From, milliseconds of session time.
    pub start_ms: u64,
    /// To, milliseconds of session time.
    pub end_ms: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why media is missing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The publisher sent nothing: muted, camera off, silence suppressed for long.
    Silent,
    /// Packets were lost and not repaired; for video it lasts until the next key frame.
    Lost,
    /// The stream began anew with unrelated timestamps.
    Restart,
    /// The recording was paused, see [`RecordingIndex::pauses`].
    Paused,
}

/// A pause to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PauseSpec {
    /// Why, e.g. `card_data`; kept in the manifest.
    pub reason: String,
    /// Who asked: a user's id.
    pub by: String,
    /// The recording goes on by itself after this.
    pub at_most: Duration,
}

/// A pause that lasts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paused {
    /// Why, as given.
    pub reason: String,
    /// Who asked, as given.
    pub by: String,
    /// Since when.
    pub since: NodeTime,
    /// When the recording goes on by itself.
    pub until: NodeTime,
}

/// A stretch in which nothing was recorded, on purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pause {
    /// From, milliseconds of session time.
    pub start_ms: u64,
    /// To, milliseconds of session time; `None` while it lasts, or when the recording ended in it.
    pub end_ms: Option<u64>,
    /// Why, as given.
    pub reason: String,
    /// Who asked.
    pub by: String,
    /// Nobody ended it: its time was over.
    pub timed_out: bool,
}
