//! What every request handler may reach.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::ids::{CallId, RecordingId, UserId};
use recorder::{Condition, IndexError, RecordingIndex};

use crate::audit::checkpoint::Checkpoints;
use crate::auth::LoginLimit;
use crate::auth::cookie::CookieStyle;
use crate::erasure::Destroyer;
use crate::exports::Exporter;
use crate::metrics::Metrics;
use crate::queues::Queues;
use crate::recording_policy::Regions;
use crate::retention::Retention;
use crate::store::Store;

/// What REST asks of the floor, where the live calls are.
pub trait Floor: Send + Sync {
    /// Agents logged in and available or in a call.
    fn agents_on_duty(&self) -> u32;

    /// The call has been wrapped up in the store: its agent is free again. A call the floor does not know (any
    /// more) is fine.
    fn wrapped_up(&self, call: CallId) -> BoxFuture<'_, ()>;

    /// A member of staff logged out: their WebSocket must not outlive the login.
    fn logged_out(&self, user: UserId) -> BoxFuture<'_, ()>;

    /// Whether new calls are taken, for `/readyz`.
    fn is_taking_calls(&self) -> bool;

    /// How many facts about calls are on their way to the store.
    fn facts_waiting(&self) -> u64;
}

/// What REST asks of the recorder, which keeps the media of recordings.
pub trait Archive: Send + Sync {
    /// [`recorder::Recorder::index`]
    fn index(&self, id: RecordingId) -> BoxFuture<'_, Result<RecordingIndex, IndexError>>;

    /// [`recorder::Recorder::open_track`]
    fn open_track<'a>(
        &'a self,
        id: RecordingId,
        track: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Media>, IndexError>>;

    /// [`recorder::Recorder::condition`], for `/readyz` and `/metrics`
    fn condition(&self) -> BoxFuture<'_, Condition>;
}

/// The media of one track of a recording.
pub trait Media: Send {
    /// Complete bytes.
    fn length(&self) -> u64;

    /// Some bytes from `offset` on; none at the end.
    fn read(&mut self, offset: u64) -> BoxFuture<'_, std::io::Result<Bytes>>;
}

impl Media for recorder::TrackReader {
    fn length(&self) -> u64 {
        Self::length(self)
    }

    fn read(&mut self, offset: u64) -> BoxFuture<'_, std::io::Result<Bytes>> {
        Self::read(self, offset).boxed()
    }
}

impl Media for recorder::SealedReader {
    fn length(&self) -> u64 {
        Self::length(self)
    }

    fn read(&mut self, offset: u64) -> BoxFuture<'_, std::io::Result<Bytes>> {
        Self::read(self, offset).boxed()
    }
}

impl Archive for recorder::Recorder {
    fn index(&self, id: RecordingId) -> BoxFuture<'_, Result<RecordingIndex, IndexError>> {
        Self::index(self, id.0).boxed()
    }

    fn open_track<'a>(
        &'a self,
        id: RecordingId,
        track: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Media>, IndexError>> {
        async move { Ok(Box::new(Self::open_track(self, id.0, track).await?) as Box<dyn Media>) }.boxed()
    }

    fn condition(&self) -> BoxFuture<'_, Condition> {
        Self::condition(self).boxed()
    }
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The durable facts.
    pub store: Store,
    /// The live calls.
    pub floor: Arc<dyn Floor>,
    /// The lines that buyers stand in.
    pub queues: Arc<Queues>,
    /// What countries ask for before a call is recorded.
    pub regions: Arc<Regions>,
    /// The media of recordings.
    pub archive: Arc<dyn Archive>,
    /// Makes and keeps exports.
    pub exporter: Exporter,
    /// Counters.
    pub metrics: Metrics,
    /// How the staff cookie is written.
    pub cookie: CookieStyle,
    /// Where media is destroyed.
    pub destroyer: Arc<dyn Destroyer>,
    /// How long recordings are kept.
    pub retention: Arc<Retention>,
    /// Signs heads of the audit log, and certificates.
    pub checkpoints: Checkpoints,
    /// Slows down guessing of passwords.
    pub logins: Arc<LoginLimit>,
}
