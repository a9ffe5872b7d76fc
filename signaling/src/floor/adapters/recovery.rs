//! What an earlier run of the server has left in the store, put in order before the floor opens.

use jiff::SignedDuration;
use protocol::call::{CallState, EndReason};
use recorder::{IndexError, Recorder};
use tracing::{info, warn};

use crate::floor::clock::timestamp;
use crate::store::{Store, StoreError};

/// Why a recording without media is marked as deleted.
const MISSING: &str = "media_missing";

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// Calls that were still open; they are ended now.
    pub calls: usize,
    /// Recordings that were still open; they are complete, or marked as deleted, now.
    pub recordings: usize,
}

/// Ends the calls a crash has left (`server_stopped`) and completes their recordings, which the recorder has
/// repaired when it was opened. A call's media ended no earlier than its recording, and no later than now.
pub async fn recover(store: &Store, recorder: &Recorder) -> Result<Recovered, StoreError> {
    let now = store.now();
    let mut ends = std::collections::BTreeMap::new();
    let recordings = store.open_recordings().await?;
    for row in &recordings {
        match recorder.index(row.id.0).await {
            Ok(index) => match index.erased {
                Some(note) => store.recording_deleted(row.id, timestamp(note.at), &note.reason).await?,
                None => {
                    let length = i64::try_from(index.duration_ms).unwrap_or(i64::MAX);
                    let end = timestamp(index.started_at).saturating_add(SignedDuration::from_millis(length));
                    ends.insert(row.call, end.unwrap_or(now).min(now));
                    let duration_ms = u32::try_from(index.duration_ms).unwrap_or(u32::MAX);
                    store.recording_finished(row.id, duration_ms).await?;
                    info!(recording = %row.id, call = %row.call, duration_ms, "recording recovered");
                }
            },
            Err(IndexError::NotFound(_)) => {
                warn!(recording = %row.id, call = %row.call, "the media of a recording is missing");
                store.recording_deleted(row.id, now, MISSING).await?;
            }
            // Left open: the next start tries again, and an operator can look.
            Err(error) => warn!(recording = %row.id, call = %row.call, %error, "a recording cannot be read"),
        }
    }
    let calls = store.open_calls().await?;
    for call in &calls {
        if call.state != CallState::WrapUp {
            let at = ends.get(&call.id).copied().unwrap_or(now);
            store.call_ended(call.id, at, EndReason::ServerStopped).await?;
        }
        store.call_closed(call.id).await?;
        info!(call = %call.id, was = ?call.state, "call of an earlier run closed");
    }
    Ok(Recovered { calls: calls.len(), recordings: recordings.len() })
}
