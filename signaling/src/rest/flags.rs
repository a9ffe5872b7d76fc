//! What people note about calls.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use protocol::ids::CallId;
use protocol::search::Flag;

use super::extract::{Id, Staff};
use super::sight::visible;
use crate::app::AppState;
use crate::problem::{self, Refusal};

/// `PUT /calls/{id}/flags/{flag}`
pub(super) async fn set(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
    Path((_, name)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let flag = settable(&name)?;
    visible(&app, &staff, id).await?;
    app.store.set_flag(id, flag, Some(staff.0.id), app.store.now()).await?;
    tracing::info!(call = %id, user = %staff.0.id, flag = flag.name(), "flagged");
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /calls/{id}/flags/{flag}`
pub(super) async fn clear(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
    Path((_, name)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let flag = settable(&name)?;
    visible(&app, &staff, id).await?;
    app.store.clear_flag(id, flag).await?;
    tracing::info!(call = %id, user = %staff.0.id, flag = flag.name(), "no longer flagged");
    Ok(StatusCode::NO_CONTENT)
}

fn settable(name: &str) -> Result<Flag, Refusal> {
    let flag = Flag::ALL.into_iter().find(|flag| flag.name() == name);
    match flag {
        Some(flag) if flag.is_set_by_people() => Ok(flag),
        Some(_) => {
            Err(problem::FIELD_INVALID.at("flag", "follows from what happened; nobody sets it").into())
        }
        None => Err(problem::NOT_FOUND.at("flag", "there is no such flag").into()),
    }
}
