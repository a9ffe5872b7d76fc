//! The real parts behind [`super::ports`], and how a server puts them together:
//!
//! ```ignore
//! let (sfu, events) = Sfu::start(media)?;
//! let (recorder, _) = Recorder::open(recordings).await?;
//! adapters::recover(&store, &recorder).await?;
//! let floor = FloorHandle::start(adapters::parts(&store, recorder, sfu, events), settings, Timestamp::now())?;
//! floor.register_metrics(metrics.registry())?;
//! let realtime = ws::routes(floor.clone(), Arc::new(StoreDoor { store, cookie }));
//! // … serve http::router(AppState { floor: Arc::new(floor.clone()), .. }, Extra { realtime, .. }) …
//! floor.shutdown().await; // before the recorder, the media server and the store
//! ```

mod ledger;
mod media;
mod recordings;
mod recovery;
mod rest;

use std::sync::Arc;

use recorder::Recorder;
use sfu::{Event, Sfu};
use tokio::sync::mpsc;

use super::Parts;
use crate::store::Store;

pub use recovery::{Recovered, recover};

/// The parts of a running server.
pub fn parts(store: &Store, recorder: Recorder, sfu: Sfu, events: mpsc::Receiver<Event>) -> Parts {
    let texts = store.clone();
    Parts {
        media: Arc::new(sfu),
        media_events: events,
        recordings: Arc::new(recorder),
        ledger: Arc::new(store.clone()),
        consent_texts: Arc::new(move |language: &str| texts.consent_text(language)),
    }
}
