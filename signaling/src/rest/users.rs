//! Who may do what: read and changed by those who manage users.

use axum::Json;
use axum::extract::State;
use protocol::ids::UserId;
use protocol::rights::{RightsChanges, UserRights};

use super::extract::{Body, Id, Staff};
use crate::app::AppState;
use crate::auth::{self, Action};
use crate::problem::{self, Refusal};

/// `GET /users`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<UserRights>>, Refusal> {
    staff.must(Action::ManageUsers, "managing users")?;
    Ok(Json(app.store.users().await?))
}

/// `GET /users/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<UserId>,
) -> Result<Json<UserRights>, Refusal> {
    staff.must(Action::ManageUsers, "managing users")?;
    app.store.user(id).await?.map(Json).ok_or_else(nobody)
}

/// `PUT /users/{id}/rights`
pub(super) async fn set_rights(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<UserId>,
    Body(changes): Body<RightsChanges>,
) -> Result<Json<UserRights>, Refusal> {
    staff.must(Action::ManageUsers, "managing users")?;
    let before = app.store.user(id).await?.ok_or_else(nobody)?;
    auth::check_changes(&changes)?;
    // Whoever did this by mistake could not take it back.
    if id == staff.0.id && !auth::rights(before.role, &changes).contains(&Action::ManageUsers) {
        let detail = "nobody takes the managing of users from themselves: ask a colleague who has it";
        return Err(problem::FIELD_INVALID.at("denials", detail).into());
    }
    let after = app.store.set_rights(id, &changes, staff.0.id.into()).await?.ok_or_else(nobody)?;
    tracing::info!(user = %id, by = %staff.0.id, ?changes, "rights were changed");
    Ok(Json(after))
}

fn nobody() -> Refusal {
    problem::NOT_FOUND.at("id", "nobody with this id can log in").into()
}
