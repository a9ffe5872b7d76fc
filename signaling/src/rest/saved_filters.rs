//! Searches that people keep.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::ids::SavedFilterId;
use protocol::saved_filters::{NAME_MAX, NewSavedFilter, SavedFilter};

use super::extract::{Body, Id, Staff};
use super::recordings::bad_filter;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::search::Search;
use crate::store::SaveFilterError;

/// `GET /saved-filters`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<SavedFilter>>, Refusal> {
    may(&staff)?;
    Ok(Json(app.store.saved_filters(staff.0.id).await?))
}

/// `POST /saved-filters`
pub(super) async fn add(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewSavedFilter>,
) -> Result<(StatusCode, Json<SavedFilter>), Refusal> {
    may(&staff)?;
    let id = app.store.add_saved_filter(checked(new)?, staff.0.id).await.map_err(|error| match error {
        SaveFilterError::TooMany => problem::FIELD_INVALID.with(error.to_string()).into(),
        SaveFilterError::Store(error) => Refusal::from(error),
    })?;
    Ok((StatusCode::CREATED, Json(found(&app, &staff, id).await?)))
}

/// `PUT /saved-filters/{id}`
pub(super) async fn change(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SavedFilterId>,
    Body(new): Body<NewSavedFilter>,
) -> Result<Json<SavedFilter>, Refusal> {
    may(&staff)?;
    if !app.store.change_saved_filter(id, checked(new)?, staff.0.id).await? {
        return Err(not_theirs());
    }
    Ok(Json(found(&app, &staff, id).await?))
}

/// `DELETE /saved-filters/{id}`
pub(super) async fn delete(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SavedFilterId>,
) -> Result<StatusCode, Refusal> {
    may(&staff)?;
    if !app.store.delete_saved_filter(id, staff.0.id, true).await? {
        return Err(not_theirs());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /saved-filters/{id}/restore`
pub(super) async fn restore(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SavedFilterId>,
) -> Result<Json<SavedFilter>, Refusal> {
    may(&staff)?;
    if !app.store.delete_saved_filter(id, staff.0.id, false).await? {
        return Err(not_theirs());
    }
    Ok(Json(found(&app, &staff, id).await?))
}

/// `PUT /saved-filters/{id}/default`
pub(super) async fn set_default(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SavedFilterId>,
) -> Result<StatusCode, Refusal> {
    may(&staff)?;
    found(&app, &staff, id).await?;
    app.store.set_default_filter(id, staff.0.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /saved-filters/{id}/default`
pub(super) async fn clear_default(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SavedFilterId>,
) -> Result<StatusCode, Refusal> {
    may(&staff)?;
    app.store.clear_default_filter(id, staff.0.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn may(staff: &Staff) -> Result<(), Refusal> {
    staff.must(Action::SeeRecordings, "seeing recordings")
}

async fn found(app: &AppState, staff: &Staff, id: SavedFilterId) -> Result<SavedFilter, Refusal> {
    app.store.saved_filter(id, staff.0.id).await?.ok_or_else(|| {
        problem::NOT_FOUND.at("id", "there is no such filter, or its owner does not share it").into()
    })
}

fn not_theirs() -> Refusal {
    problem::NOT_FOUND.at("id", "you have no such filter; those of others only they can change").into()
}

/// A filter with a name that can be shown and a search that can be made, written as searches are always written.
fn checked(new: NewSavedFilter) -> Result<NewSavedFilter, Refusal> {
    let name = named(&new.name)?;
    let search = Search::parse(&new.query).map_err(|error| bad_filter("query", &error))?;
    Ok(NewSavedFilter { name, query: search.to_query(), shared: new.shared })
}

/// A name of 1 to 80 characters.
pub(super) fn named(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err(problem::FIELD_INVALID.at("name", "is empty").into()),
        1..=NAME_MAX => Ok(name.to_owned()),
        more => Err(problem::FIELD_INVALID
            .at("name", format!("has {more} characters, at most {NAME_MAX}"))
            .into()),
    }
}
