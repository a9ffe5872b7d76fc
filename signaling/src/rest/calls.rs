//! Calls and their wrap-up.

use axum::Json;
use axum::extract::State;
use protocol::ids::{CallId, UserId};
use protocol::rest::{CallSummary, Page, QualityTimeline, Ticket, WrapUp};
use serde::Deserialize;
use tokio::time::{Duration, Instant, sleep};

use super::extract::{Body, Id, Params, Staff};
use super::sight::{masked, masked_one, scope, visible};
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::store::{BadCursor, Paging, WrapUpError};

/// What is on its way to the store gets this long, and is looked for so often.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Parameters of lists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    limit: Option<u32>,
    before: Option<String>,
}

/// The page that was asked for.
pub(super) fn paging(limit: Option<u32>, before: Option<&str>) -> Result<Paging, Refusal> {
    Paging::new(limit, before)
        .map_err(|error: BadCursor| problem::QUERY_INVALID.at("before", error.to_string()).into())
}

/// `GET /calls`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Params(list): Params<List>,
) -> Result<Json<Page<CallSummary>>, Refusal> {
    let paging = paging(list.limit, list.before.as_deref())?;
    let page = app.store.calls(&scope(&staff)?, paging).await?;
    Ok(Json(Page { items: masked(&app, &staff, page.items).await?, next: page.next }))
}

/// `GET /calls/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
) -> Result<Json<CallSummary>, Refusal> {
    let (call, _) = visible(&app, &staff, id).await?;
    Ok(Json(masked_one(&app, &staff, call).await?))
}

/// `GET /calls/{id}/quality`
pub(super) async fn quality(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
) -> Result<Json<QualityTimeline>, Refusal> {
    visible(&app, &staff, id).await?;
    Ok(Json(app.store.quality_of(id).await?))
}

/// `PUT /calls/{id}/wrap-up`
pub(super) async fn wrap_up(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
    Body(written): Body<WrapUp>,
) -> Result<Json<Ticket>, Refusal> {
    let (_, agent) = written_down(&app, &staff, id).await?;
    if agent != Some(staff.0.id) {
        staff.must(Action::WrapUpForOthers, "wrapping up calls of others")?;
    }
    let ticket = app.store.wrap_up(id, written, staff.0.id).await.map_err(|error| match error {
        WrapUpError::NoTicket(_) => problem::NO_TICKET.with("nobody has accepted this call yet").into(),
        WrapUpError::UnknownOutcome(_) => problem::UNKNOWN_OUTCOME.at("outcome", error.to_string()).into(),
        WrapUpError::NotesTooLong(_) | WrapUpError::Erased => {
            problem::FIELD_INVALID.at("notes", error.to_string()).into()
        }
        WrapUpError::Store(error) => Refusal::from(error),
    })?;
    app.floor.wrapped_up(id).await;
    tracing::info!(call = %id, user = %staff.0.id, ticket = ticket.number, outcome = ticket.outcome, "wrapped up");
    Ok(Json(masked_one(&app, &staff, ticket).await?))
}

/// A call somebody sees. Agents are quick: while facts are on their way to the store, it is waited for, but not for long.
async fn written_down(
    app: &AppState,
    staff: &Staff,
    id: CallId,
) -> Result<(CallSummary, Option<UserId>), Refusal> {
    let begun = Instant::now();
    loop {
        let seen = visible(app, staff, id).await;
        if seen.is_ok() || app.floor.facts_waiting() == 0 {
            return seen;
        }
        if begun.elapsed() > WRITTEN_WITHIN {
            let detail = "this call is not written down yet";
            return Err(
                Refusal::from(problem::STORE_BEHIND.with(detail)).retry_after(WRITTEN_WITHIN.as_secs())
            );
        }
        sleep(LOOK_AGAIN).await;
    }
}
