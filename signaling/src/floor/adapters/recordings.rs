//! The recorder as the floor drives it.

use futures_util::future::BoxFuture;
use protocol::ids::RecordingId;
use recorder::{PauseSpec, Receipt, Recorder, RecordingHandle, RecordingSpec, RecordingSummary, TrackSpec};
use sfu::TapReceiver;
use tokio::sync::watch;

use crate::floor::ports::{Recording, Recordings};

impl Recordings for Recorder {
    fn start(&self, spec: RecordingSpec) -> BoxFuture<'_, Result<Box<dyn Recording>, String>> {
        Box::pin(async move {
            match Recorder::start(self, spec).await {
                Ok(handle) => Ok(Box::new(handle) as Box<dyn Recording>),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn erase(&self, id: RecordingId, reason: &'static str) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            match Recorder::erase(self, id.0, reason).await {
                Ok(erased) => {
                    tracing::info!(recording = %id, files = erased.files, bytes = erased.bytes, "media deleted");
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            }
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
