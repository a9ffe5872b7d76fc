//! A buyer taps "video help": the shop's token becomes a visit.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use jiff::SignedDuration;
use protocol::ids::BuyerSessionId;
use protocol::rest::{BuyerSession, NewBuyerSession};

use super::extract::Body;
use crate::app::AppState;
use crate::auth::{buyer_token, is_language, secret};
use crate::consent;
use crate::problem::{self, Refusal};
use crate::queues::Record;
use crate::recording_policy::Rule;
use crate::store::NewBuyerVisit;

/// How long a visit's token is good: a long wait and a long call, with reloads in between.
const VISIT: SignedDuration = SignedDuration::from_hours(8);

/// `POST /buyer-sessions`
pub(super) async fn open(
    State(app): State<AppState>,
    headers: HeaderMap,
    Body(asked): Body<NewBuyerSession>,
) -> Result<impl IntoResponse, Refusal> {
    if !is_language(&asked.language) {
        return Err(problem::FIELD_INVALID.at("language", "must be a BCP 47 tag such as de-AT").into());
    }
    let visit = buyer_token::redeem(&app.store, &app.queues, bearer(&headers)?).await?;
    let id = BuyerSessionId::new();
    let session_token = secret::token();
    let expires_at = app.store.now().saturating_add(VISIT).unwrap_or(jiff::Timestamp::MAX);
    app.store
        .insert_buyer_session(NewBuyerVisit {
            id,
            token: session_token.clone(),
            shop: visit.shop.clone(),
            answered_by: visit.answered_by.clone(),
            language: asked.language.clone(),
            context: visit.context.clone(),
            expires_at,
        })
        .await?;
    tracing::info!(session = %id, shop = visit.shop, api_key = visit.api_key, "a buyer came");
    // Nobody is asked about what will not be.
    let queue = app.queues.of(&visit.context);
    let country = visit.context.country.as_deref();
    let rule = app.regions.of(country);
    let asks = queue.recording.record != Record::Never && rule != Rule::Never;
    let session = BuyerSession {
        id,
        session_token,
        expires_at,
        answered_by: visit.answered_by,
        agents_on_duty: app.floor.agents_on_duty(),
        consent: asks.then(|| consent::text_for(&app.retention, &asked.language, &queue.name, country)),
        context: visit.context,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(session)))
}

/// The token of a buyer: the shop's when a visit begins, the visit's own afterwards.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let missing = |detail: &str| Refusal::from(problem::TOKEN_MISSING.at("Authorization", detail));
    let value = headers.get(header::AUTHORIZATION).ok_or_else(|| missing("the header is not there"))?;
    let value = value.to_str().map_err(|_| missing("the header is not plain text"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(missing("the header must be: Bearer <token>")),
    }
}
