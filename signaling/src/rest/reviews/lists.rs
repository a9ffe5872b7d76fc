//! Reviews in lists: of a recording, of everybody, of one's own calls.

use axum::Json;
use axum::extract::State;
use protocol::ids::{FormId, RecordingId, UserId};
use protocol::rest::Page;
use protocol::review::{ReviewBoard, ReviewState, ReviewSummary};
use serde::Deserialize;

use super::super::calls::paging;
use super::super::extract::{Id, Params, Staff};
use super::access::{is_blinded, must_score, recording, seen};
use super::{scores, seconds};
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::Refusal;
use crate::review::blind;
use crate::store::ReviewFilter;

/// `GET /recordings/{id}/reviews`
pub(in super::super) async fn board(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
) -> Result<Json<ReviewBoard>, Refusal> {
    let (recording, agent) = recording(&app, &staff, id).await?;
    let blinded = is_blinded(&app, staff.0.id, id).await?;
    let all = app.store.reviews_of(id).await?;
    let reviews = all
        .into_iter()
        .filter(|it| {
            blind::sees(staff.0.id, it.reviewer.id, it.state == ReviewState::Submitted, blinded)
                || (it.agent.id == staff.0.id && it.state == ReviewState::Submitted)
        })
        .collect();
    let open = app.store.seconds_of(id).await?.into_iter().filter(|row| !row.asked.complete).collect();
    Ok(Json(ReviewBoard {
        reviews,
        blinded,
        forms: app.store.usable_forms(scores::queue_of(&recording)).await?,
        seconds: seconds::shown(&app, &staff, open).await?,
        may_score: agent.id != staff.0.id,
        agent,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Search {
    agent: Option<UserId>,
    form: Option<FormId>,
    reviewer: Option<UserId>,
    limit: Option<u32>,
    before: Option<String>,
}

/// `GET /reviews`
pub(in super::super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Params(search): Params<Search>,
) -> Result<Json<Page<ReviewSummary>>, Refusal> {
    must_score(&staff)?;
    let paging = paging(search.limit, search.before.as_deref())?;
    let filter = ReviewFilter {
        agent: search.agent,
        form: search.form,
        reviewer: search.reviewer,
        ..ReviewFilter::default()
    };
    Ok(Json(app.store.reviews(&seen(&staff), &filter, paging).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Mine {
    limit: Option<u32>,
    before: Option<String>,
}

/// `GET /my-reviews`
pub(in super::super) async fn mine(
    State(app): State<AppState>,
    staff: Staff,
    Params(search): Params<Mine>,
) -> Result<Json<Page<ReviewSummary>>, Refusal> {
    staff.must(Action::DisputeScores, "having calls that are scored")?;
    let paging = paging(search.limit, search.before.as_deref())?;
    Ok(Json(app.store.reviews_of_agent(staff.0.id, paging).await?))
}
