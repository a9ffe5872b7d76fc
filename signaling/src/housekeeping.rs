//! What is done now and then: forgetting what has expired, and deleting recordings when their time is up.

use std::sync::Arc;
use std::time::Duration;

use recorder::Recorder;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::audit::checkpoint::Checkpoints;
use crate::retention::{self, Retention};
use crate::store::{Store, StoreError};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(3600);
/// When so many recordings were deleted, the rest waits for the next round.
const PER_ROUND: usize = 500;
/// Recordings looked at at once.
const PAGE: u64 = 200;
/// Why recordings are deleted here.
const REASON: &str = "retention";

/// Starts the rounds, the first one at once.
pub(crate) fn spawn(
    store: Store,
    recorder: Recorder,
    retention: Arc<Retention>,
    checkpoints: Checkpoints,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut rounds = tokio::time::interval(EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            if let Err(error) = checkpoints.sign(&store).await {
                tracing::error!(%error, "the audit log's head was not signed");
            }
            match round(&store, &recorder, &retention).await {
                Ok((0, 0)) => {}
                Ok((forgotten, deleted)) => tracing::info!(forgotten, deleted, "housekeeping"),
                Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again in an hour"),
            }
        }
    })
}

/// One round: rows forgotten and recordings deleted.
pub async fn round(
    store: &Store,
    recorder: &Recorder,
    retention: &Retention,
) -> Result<(u64, usize), StoreError> {
    let forgotten = store.sweep().await?;
    let now = store.now();
    let oldest = retention::before(now, retention.fewest());
    let (mut deleted, mut last) = (0, None);
    while deleted < PER_ROUND {
        let found = store.recordings_before(oldest, last.as_ref(), PAGE).await?;
        for recording in &found {
            let (days, rule) = retention.days(&recording.queue, recording.country.as_deref());
            let is_due = retention::after(recording.started_at, days) <= now;
            if !is_due || !store.holds_on(recording.id, recording.call).await?.is_empty() {
                continue;
            }
            match recorder.erase(recording.id.0, REASON).await {
                Ok(_) => {
                    store.recording_deleted(recording.id, now, REASON).await?;
                    tracing::info!(recording = %recording.id, days, ?rule, "a recording was deleted: its time was up");
                    deleted += 1;
                }
                Err(error) => {
                    tracing::error!(recording = %recording.id, %error, "a recording cannot be deleted")
                }
            }
        }
        last = found.into_iter().next_back();
        if last.is_none() {
            break;
        }
    }
    Ok((forgotten, deleted))
}
