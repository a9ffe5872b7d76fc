//! The real parts behind [`super::ports`]: the media server, the recorder and the store.
//!
//! A server starts in this order: store, recorder, [`recover`], media server, [`super::FloorHandle::start`],
//! [`crate::ws::routes`]. It stops the floor first, then the recorder, the media server and the store.

mod ledger;
mod media;
mod recordings;
mod recovery;

pub use recordings::HeldRecorder;
pub use recovery::{Recovered, recover};
