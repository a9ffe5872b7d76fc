//! Buyers rate their calls.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::ids::CallId;
use protocol::rating::{NewRating, RatingKept};

use super::buyer_sessions::bearer;
use super::extract::{Body, Id};
use crate::app::AppState;
use crate::problem::{self, Refusal};
use crate::store::RateError;

/// `PUT /calls/{id}/rating`
pub(super) async fn rate(
    State(app): State<AppState>,
    Id(id): Id<CallId>,
    headers: HeaderMap,
    Body(new): Body<NewRating>,
) -> Result<Json<RatingKept>, Refusal> {
    let visit = app
        .store
        .buyer_session_by_token(bearer(&headers)?)
        .await?
        .ok_or_else(|| problem::SESSION_UNKNOWN.with("the session token is wrong or too old"))?;
    let kept = app.store.rate(id, visit.id, new).await.map_err(|error| match error {
        RateError::NoCall => problem::NOT_FOUND.at("id", error.to_string()).into(),
        RateError::Closed(_) => problem::RATING_CLOSED.with(error.to_string()).into(),
        RateError::CommentTooLong(_) => problem::FIELD_INVALID.at("comment", error.to_string()).into(),
        RateError::Store(error) => Refusal::from(error),
    })?;
    tracing::info!(call = %id, stars = u8::from(kept.rating.stars), comment = kept.rating.comment.is_some(), "rated");
    Ok(Json(kept))
}
