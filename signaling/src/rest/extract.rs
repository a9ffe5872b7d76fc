//! What handlers get out of a request; each way a request can be wrong is a problem of its own.

use std::str::FromStr;

use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use protocol::rest::Me;
use serde::de::DeserializeOwned;

use crate::app::AppState;
use crate::auth::Action;
use crate::auth::cookie::is_same_origin;
use crate::problem::{self, Refusal};

/// A member of staff, known by the cookie. Requests that change something must come from our own pages.
pub(super) struct Staff(pub(super) Me);

impl Staff {
    /// Refuses those who may not do something.
    pub(super) fn must(&self, action: Action, doing: &str) -> Result<(), Refusal> {
        if self.may(action) {
            return Ok(());
        }
        Err(problem::NOT_ALLOWED.with(format!("your rights do not include {doing}")).into())
    }

    /// Whether they may do something.
    pub(super) fn may(&self, action: Action) -> bool {
        self.0.may(action)
    }
}

impl FromRequestParts<AppState> for Staff {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        if !parts.method.is_safe() {
            must_be_same_origin(&parts.headers)?;
        }
        let Some(token) = state.cookie.read(&parts.headers) else {
            return Err(problem::NOT_LOGGED_IN.with("the request carries no session cookie").into());
        };
        match state.store.staff_by_session(token).await? {
            Some(me) => Ok(Self(me)),
            None => Err(problem::NOT_LOGGED_IN.with("the session has expired or was logged out").into()),
        }
    }
}

/// Refuses what another site's page has a browser send.
pub(super) fn must_be_same_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    if is_same_origin(headers) {
        return Ok(());
    }
    Err(problem::CROSS_ORIGIN.at("Origin", "the request was made by a page of another site").into())
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(problem::UNSUPPORTED_MEDIA_TYPE
                .at("Content-Type", "must be application/json")
                .into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let detail = error.inner().to_string();
            match error.path().to_string() {
                path if path == "." => problem::BODY_MALFORMED.with(detail),
                path => problem::BODY_MALFORMED.at(path, detail),
            }
        })?;
        reader.end().map_err(|error| problem::BODY_MALFORMED.with(error.to_string()))?;
        Ok(Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn unreadable(rejection: BytesRejection) -> Refusal {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return problem::BODY_TOO_LARGE.with(format!("at most {} bytes are read", super::BODY_MAX)).into();
    }
    problem::BODY_MALFORMED.with(rejection.body_text()).into()
}

/// The query string. Unknown parameters are refused by types that say so.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(url_pairs(query));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let detail = error.inner().to_string();
            match error.path().to_string() {
                path if path == "." || path == "?" => problem::QUERY_INVALID.with(detail).into(),
                path => problem::QUERY_INVALID.at(path, detail).into(),
            }
        })
    }
}

fn url_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// An id in the path.
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        // The id is the first capture of every route that has one.
        let Ok(Path(captures)) = parts.extract::<Path<Vec<(String, String)>>>().await else {
            return Err(problem::ID_MALFORMED.at("id", "the address is not valid UTF-8").into());
        };
        let text =
            captures.into_iter().find(|(name, _)| name == "id").map(|(_, text)| text).unwrap_or_default();
        match text.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(problem::ID_MALFORMED.at("id", "must be a UUID").into()),
        }
    }
}
