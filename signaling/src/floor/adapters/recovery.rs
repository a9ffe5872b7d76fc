//! What an earlier run of the server has left in the store, put in order before the floor opens.

use protocol::call::{CallState, EndReason};
use recorder::Look;
use tracing::info;

use crate::reconcile::{ReconcileError, Reconciler};
use crate::store::Store;

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// Calls that were still open; they are ended now.
    pub calls: usize,
    /// Recordings of which the store said something else than their media.
    pub recordings: usize,
}

/// Reconciles the recordings, which the recorder has repaired when it was opened, and ends the calls a crash has left
/// (`server_stopped`). A call's media ended no earlier than its recording, and no later than now.
///
/// # Errors
/// When the store fails or the recordings cannot be listed.
pub async fn recover(store: &Store, reconciler: &mut Reconciler) -> Result<Recovered, ReconcileError> {
    let now = store.now();
    let round = reconciler.round(Look::Here).await?;
    let calls = store.open_calls().await?;
    for call in &calls {
        if call.state != CallState::WrapUp {
            let at = round.ends.get(&call.id).copied().unwrap_or(now).min(now);
            store.call_ended(call.id, at, EndReason::ServerStopped).await?;
        }
        store.call_closed(call.id).await?;
        info!(call = %call.id, was = ?call.state, "call of an earlier run closed");
    }
    Ok(Recovered { calls: calls.len(), recordings: round.changed() })
}
