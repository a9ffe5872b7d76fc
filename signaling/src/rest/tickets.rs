//! Tickets: find and read.

use axum::Json;
use axum::extract::State;
use protocol::ids::TicketId;
use protocol::rest::{Page, Ticket};
use serde::Deserialize;

use super::calls::paging;
use super::extract::{Id, Params, Staff};
use super::sight::{masked, masked_one, scope};
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
    let page = app.store.tickets(&scope(&staff)?, search.q.as_deref(), paging).await?;
    Ok(Json(Page { items: masked(&app, &staff, page.items).await?, next: page.next }))
}

/// `GET /tickets/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<TicketId>,
) -> Result<Json<Ticket>, Refusal> {
    let scope = scope(&staff)?;
    match app.store.ticket(id).await? {
        Some((ticket, agent)) if scope.includes(Some(agent), &ticket.call.queue) => {
            Ok(Json(masked_one(&app, &staff, ticket).await?))
        }
        _ => Err(problem::NOT_FOUND.at("id", "there is no such ticket, or it is not yours").into()),
    }
}
