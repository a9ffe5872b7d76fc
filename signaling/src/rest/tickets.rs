//! Tickets: find and read.

use axum::Json;
use axum::extract::State;
use protocol::ids::TicketId;
use protocol::rest::{Page, Ticket};
use serde::Deserialize;

use super::calls::{only_of, paging};
use super::extract::{Id, Params, Staff};
use crate::app::AppState;
use crate::problem::{self, Refusal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    q: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
}

/// `GET /tickets`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Params(search): Params<Search>,
) -> Result<Json<Page<Ticket>>, Refusal> {
    let paging = paging(search.limit, search.before.as_deref())?;
    Ok(Json(app.store.tickets(only_of(&staff)?, search.q.as_deref(), paging).await?))
}

/// `GET /tickets/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<TicketId>,
) -> Result<Json<Ticket>, Refusal> {
    let only = only_of(&staff)?;
    match app.store.ticket(id).await? {
        Some((ticket, agent)) if only.is_none_or(|me| me == agent) => Ok(Json(ticket)),
        _ => Err(problem::NOT_FOUND.at("id", "there is no such ticket, or it is not yours").into()),
    }
}
