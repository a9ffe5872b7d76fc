//! The recorder as the floor drives it, and the holds that keep what it recorded.

use futures_util::future::BoxFuture;
use protocol::ids::{CallId, RecordingId};
use recorder::{PauseSpec, Receipt, Recorder, RecordingHandle, RecordingSpec, RecordingSummary, TrackSpec};
use sfu::TapReceiver;
use tokio::sync::watch;

use crate::floor::ports::{Recording, Recordings, TakenBack};
use crate::store::{Store, StoreError};

/// The recorder, which deletes nothing that the store says is held.
#[derive(Clone, Debug)]
pub struct HeldRecorder {
    /// Records and deletes.
    pub recorder: Recorder,
    /// Knows the holds.
    pub store: Store,
}

impl HeldRecorder {
    /// Fails as long as it is not known who the buyer is: the call may still be on its way to the store.
    async fn is_held(&self, call: CallId, id: RecordingId) -> Result<bool, String> {
        let holds = async {
            match self.store.call(call).await? {
                Some(_) => Ok(Some(self.store.holds_on(id, call).await?)),
                None => Ok::<_, StoreError>(None),
            }
        };
        let holds = holds.await.map_err(|error| error.to_string())?;
        holds.map(|holds| !holds.is_empty()).ok_or_else(|| "the store does not know the call yet".into())
    }
}

impl Recordings for HeldRecorder {
    fn start(&self, spec: RecordingSpec) -> BoxFuture<'_, Result<Box<dyn Recording>, String>> {
        Box::pin(async move {
            match Recorder::start(&self.recorder, spec).await {
                Ok(handle) => Ok(Box::new(handle) as Box<dyn Recording>),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn take_back(
        &self,
        call: CallId,
        id: RecordingId,
        reason: &'static str,
    ) -> BoxFuture<'_, Result<TakenBack, String>> {
        Box::pin(async move {
            if self.is_held(call, id).await? {
                return Ok(TakenBack::Held);
            }
            let erased = self.recorder.erase(id.0, reason).await.map_err(|error| error.to_string())?;
            tracing::info!(recording = %id, files = erased.files, bytes = erased.bytes, "media deleted");
            Ok(TakenBack::Erased)
        })
    }
}

impl Recording for RecordingHandle {
    fn add_track(&self, track: TrackSpec, tap: TapReceiver) {
        let source = track.source;
        let track = RecordingHandle::add_track(self, track, tap);
        tracing::debug!(recording = %self.id(), track, %source, "tapped");
    }

    fn add_receipt(&self, receipt: Receipt) -> BoxFuture<'_, ()> {
        Box::pin(RecordingHandle::add_receipt(self, receipt))
    }

    fn add_quality(&self, points: serde_json::Value) -> BoxFuture<'_, ()> {
        Box::pin(RecordingHandle::add_quality(self, points))
    }

    fn pause(&self, pause: PauseSpec) -> BoxFuture<'_, ()> {
        Box::pin(RecordingHandle::pause(self, pause))
    }

    fn resume(&self, timed_out: bool) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if timed_out {
                RecordingHandle::time_out(self).await
            } else {
                RecordingHandle::resume(self).await
            }
        })
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        RecordingHandle::failed(self)
    }

    fn stop(&self) -> BoxFuture<'_, RecordingSummary> {
        Box::pin(RecordingHandle::stop(self))
    }
}
