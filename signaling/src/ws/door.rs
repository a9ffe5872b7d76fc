//! Who somebody is: buyers by their session token, staff by their cookie.

use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use protocol::problem::Problem;
use protocol::rest::Me;

use crate::auth::cookie::{CookieStyle, is_same_origin};
use crate::floor::session::Identity;
use crate::problem::{CROSS_ORIGIN, NOT_LOGGED_IN, SESSION_UNKNOWN, UNAVAILABLE};
use crate::store::{Store, StoreError};

/// Tells who somebody is, or why not.
pub trait Door: Send + Sync + 'static {
    /// The member of staff behind the headers of the upgrade request.
    fn staff<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Me, Problem>>;

    /// The buyer behind a session token.
    fn buyer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Identity, Problem>>;
}

/// The store knows.
#[derive(Clone, Debug)]
pub struct StoreDoor {
    /// Where sessions are.
    pub store: Store,
    /// How the staff cookie is written.
    pub cookie: CookieStyle,
}

impl Door for StoreDoor {
    fn staff<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Me, Problem>> {
        Box::pin(async move {
            // Browsers send cookies with WebSockets of any page, and CORS does not stop them: we must.
            if !is_same_origin(headers) {
                return Err(CROSS_ORIGIN.at("Origin", "open the console from this server's own address"));
            }
            let token = self.cookie.read(headers);
            let token = token
                .ok_or_else(|| NOT_LOGGED_IN.with("there is neither session_token nor session cookie"))?;
            let me = self.store.staff_by_session(token).await.map_err(unavailable)?;
            me.ok_or_else(|| NOT_LOGGED_IN.with("the login has expired or was ended; log in again"))
        })
    }

    fn buyer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Identity, Problem>> {
        Box::pin(async move {
            let visit = self.store.buyer_session_by_token(token).await.map_err(unavailable)?;
            let visit = visit.ok_or_else(|| {
                SESSION_UNKNOWN.at("session_token", "the visit has expired or never was; start a new one")
            })?;
            Ok(Identity::Buyer { session: visit.id, context: Box::new(visit.context) })
        })
    }
}

fn unavailable(error: StoreError) -> Problem {
    tracing::error!(%error, "the store cannot say who somebody is");
    UNAVAILABLE.with("who you are cannot be checked right now; try again in a few seconds")
}
