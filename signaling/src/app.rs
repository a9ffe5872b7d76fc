//! What every request handler may reach.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use protocol::ids::CallId;

use crate::auth::LoginLimit;
use crate::auth::cookie::CookieStyle;
use crate::metrics::Metrics;
use crate::store::Store;

/// What REST asks of the floor, where the live calls are.
pub trait Floor: Send + Sync {
    /// Agents logged in and available or in a call.
    fn agents_on_duty(&self) -> u32;

    /// The call has been wrapped up in the store: its agent is free again. A call the floor does not know (any
    /// more) is fine.
    fn wrapped_up(&self, call: CallId) -> BoxFuture<'_, ()>;

    /// Whether new calls are taken, for `/readyz`.
    fn is_taking_calls(&self) -> bool;
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The durable facts.
    pub store: Store,
    /// The live calls.
    pub floor: Arc<dyn Floor>,
    /// Counters.
    pub metrics: Metrics,
    /// How the staff cookie is written.
    pub cookie: CookieStyle,
    /// Slows down guessing of passwords.
    pub logins: Arc<LoginLimit>,
    /// `<data dir>/recordings`: one folder a recording.
    pub recordings: Arc<std::path::Path>,
}
