//! What an earlier run of the server has left in the store, put in order before the floor opens.

use jiff::{SignedDuration, Timestamp};
use protocol::call::{CallState, EndReason};
use protocol::ids::CallId;
use protocol::rest::{ConsentReceipt, RecordedSide};
use recorder::{IndexError, Recorder};
use tracing::{error, info, warn};

use crate::floor::clock::timestamp;
use crate::floor::recording::WITHDRAWN;
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

/// Whether the buyer withdrew from a recording that began at `since`.
async fn withdrawn(store: &Store, call: CallId, since: Timestamp) -> Result<bool, StoreError> {
    let ticket = store.call(call).await?.and_then(|(summary, _)| summary.ticket);
    let Some(ticket) = ticket else { return Ok(false) };
    let receipts = store.ticket(ticket).await?.map(|(ticket, _)| ticket.receipts).unwrap_or_default();
    // An agent who changes their mind takes nothing back that is recorded.
    let withdraws = |receipt: &ConsentReceipt| {
        receipt.side == RecordedSide::Buyer && !receipt.recording && receipt.at >= since
    };
    Ok(receipts.iter().any(withdraws))
}

/// Ends the calls a crash has left (`server_stopped`) and completes their recordings, which the recorder has
/// repaired when it was opened; one that the buyer had withdrawn from is deleted. A call's media ended no earlier than its recording, and no later than now.
pub async fn recover(store: &Store, recorder: &Recorder) -> Result<Recovered, StoreError> {
    let now = store.now();
    let mut ends = std::collections::BTreeMap::new();
    let recordings = store.open_recordings().await?;
    for row in &recordings {
        match recorder.index(row.id.0).await {
            Ok(index) => match index.erased {
                Some(note) => store.recording_deleted(row.id, timestamp(note.at), &note.reason).await?,
                None if withdrawn(store, row.call, timestamp(index.started_at)).await? => {
                    match recorder.erase(row.id.0, WITHDRAWN).await {
                        Ok(_) => store.recording_deleted(row.id, now, WITHDRAWN).await?,
                        // Left open: the next start tries again.
                        Err(error) => {
                            error!(recording = %row.id, call = %row.call, %error, "media left on disk")
                        }
                    }
                }
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
