//! Exports of recordings: one side-by-side MP4, made in the background.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `POST /recordings/{id}/exports` | who may export | [`NewExport`] → 201 [`Export`] |
//! | `GET /recordings/{id}/exports` | the same | → list of [`Export`], newest first |
//! | `GET /exports/{id}` | the same | → [`Export`] |
//! | `DELETE /exports/{id}` | the same | cancels it, or deletes its file → [`Export`] |
//! | `POST /exports/{id}/retry` | the same | makes it again → [`Export`] |
//! | `GET /exports/{id}/file` | the same | → `video/mp4`, `Range` understood |

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{ExportId, RecordingId, UserId};

/// A stretch of a recording, milliseconds of session time; the end is not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Redaction {
    /// From.
    pub start_ms: u32,
    /// To; later than the start.
    pub end_ms: u32,
}

/// An export to make.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NewExport {
    /// What for: 1 to 500 characters; goes into the audit log.
    pub reason: String,
    /// Burns the time in.
    #[serde(default)]
    pub timestamps: bool,
    /// What to leave out: at most 100 stretches, in any order. They grow to whole pictures of 40 ms.
    #[serde(default)]
    pub redactions: Vec<Redaction>,
}

/// How an export stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// Others are made first.
    Queued,
    /// It is being made.
    Running,
    /// It can be downloaded.
    Done,
    /// It could not be made; `error` says why.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its file is no longer kept: its time was up, somebody deleted it, or the recording was deleted.
    Deleted,
}

/// One export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Export {
    /// Which.
    pub id: ExportId,
    /// Of which recording.
    pub recording: RecordingId,
    /// How it stands.
    pub status: ExportStatus,
    /// While it runs: percent done.
    pub progress: u8,
    /// Who asked for it.
    pub by: UserId,
    /// Their name.
    pub by_name: String,
    /// What for.
    pub reason: String,
    /// Whether the time is burnt in.
    pub timestamps: bool,
    /// What is left out, as asked for.
    pub redactions: Vec<Redaction>,
    /// Asked for.
    pub created_at: Timestamp,
    /// Done, failed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub finished_at: Option<Timestamp>,
    /// The file is kept until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expires_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub error: Option<String>,
    /// Length of the file, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub bytes: Option<u64>,
    /// Length of what it shows, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub duration_ms: Option<u32>,
    /// Where the file is, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
}
