//! The bounded queue between a worker and whoever taps a track.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sfu_core::tap::TapEvent;
use tokio::sync::mpsc;

/// Makes the two ends of a tap that holds at most `capacity` events (about 500 packets a second of 720p video).
pub fn tap_channel(capacity: usize) -> (TapSender, TapReceiver) {
    let (events_tx, events_rx) = mpsc::channel(capacity);
    let (keyframe_tx, keyframe_rx) = mpsc::channel(1);
    let dropped = Arc::new(AtomicU64::new(0));
    (
        TapSender { events: events_tx, keyframe_wishes: keyframe_rx, dropped: dropped.clone() },
        TapReceiver { events: events_rx, keyframe_wishes: keyframe_tx, dropped },
    )
}

/// The worker's end: never waits.
#[derive(Debug)]
pub struct TapSender {
    events: mpsc::Sender<TapEvent>,
    keyframe_wishes: mpsc::Receiver<()>,
    dropped: Arc<AtomicU64>,
}

impl TapSender {
    /// Hands one event over. Returns false when the other end is gone and the tap should be removed.
    /// A full queue drops the event and counts it.
    pub fn send(&self, event: TapEvent) -> bool {
        match self.events.try_send(event) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Events handed over that the other end has not read yet.
    pub fn waiting(&self) -> usize {
        self.events.max_capacity() - self.events.capacity()
    }

    /// Whether the other end has asked for a keyframe since the last call.
    pub fn take_keyframe_wish(&mut self) -> bool {
        self.keyframe_wishes.try_recv().is_ok()
    }
}

/// The listener's end. Dropping it ends the tap.
#[derive(Debug)]
pub struct TapReceiver {
    events: mpsc::Receiver<TapEvent>,
    keyframe_wishes: mpsc::Sender<()>,
    dropped: Arc<AtomicU64>,
}

impl TapReceiver {
    /// The next event; `None` once the publisher has left or the tap was removed.
    pub async fn recv(&mut self) -> Option<TapEvent> {
        self.events.recv().await
    }

    /// Asks the publisher for a keyframe (PLI, rate-limited by the media plane). Useful after a loss.
    pub fn request_keyframe(&self) {
        // A wish already waiting is the same wish.
        let _ = self.keyframe_wishes.try_send(());
    }

    /// Events dropped so far because this end read too slowly.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
