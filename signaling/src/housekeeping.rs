//! What is done now and then: forgetting what has expired, and deleting recordings when their time is up.

use std::time::Duration;

use jiff::SignedDuration;
use recorder::Recorder;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::audit::checkpoint::Checkpoints;
use crate::store::{Store, StoreError};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(3600);
/// Recordings deleted in one round; the rest waits for the next one.
const PER_ROUND: u64 = 500;
/// Why recordings are deleted here.
const REASON: &str = "retention";

/// Starts the rounds, the first one at once.
pub(crate) fn spawn(
    store: Store,
    recorder: Recorder,
    keep_days: u16,
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
            match round(&store, &recorder, keep_days).await {
                Ok((0, 0)) => {}
                Ok((forgotten, deleted)) => tracing::info!(forgotten, deleted, "housekeeping"),
                Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again in an hour"),
            }
        }
    })
}

/// One round: rows forgotten and recordings deleted.
pub async fn round(store: &Store, recorder: &Recorder, keep_days: u16) -> Result<(u64, usize), StoreError> {
    let forgotten = store.sweep().await?;
    let now = store.now();
    let oldest = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(keep_days))).unwrap_or(now);
    let mut deleted = 0;
    for id in store.recordings_before(oldest, PER_ROUND).await? {
        match recorder.erase(id.0, REASON).await {
            Ok(_) => {
                store.recording_deleted(id, now, REASON).await?;
                tracing::info!(recording = %id, "a recording was deleted: its time was up");
                deleted += 1;
            }
            Err(error) => tracing::error!(recording = %id, %error, "a recording cannot be deleted"),
        }
    }
    Ok((forgotten, deleted))
}
