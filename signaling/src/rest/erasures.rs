//! Erasing: one recording, or a buyer with everything.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use protocol::governance::{Erasure, Hold, NewErasure};
use protocol::ids::{ErasureId, RecordingId};
use protocol::rest::Why;

use super::extract::{Body, Id, Staff};
use super::holds::{buyer_of, checked, reachable};
use super::sight::said;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};

/// `POST /recordings/{id}/erase`: this recording only. What is known of the call stays.
pub(super) async fn recording(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
    Body(reason): Body<Why>,
) -> Result<StatusCode, Refusal> {
    staff.must(Action::EraseRecordings, "erasing recordings")?;
    reachable(&app, &staff, id, "id").await?;
    let why = said(&reason.why)?;
    if let Some(summary) = app.store.recording(id).await? {
        if !summary.complete {
            return Err(problem::NOT_NOW.with("the call is still being recorded").into());
        }
        refuse_held(&app.store.holds_on(id, summary.call).await?)?;
    }
    let note = crate::audit::Note::new(staff.0.id, protocol::audit::AuditEvent::ErasureRequested);
    app.store.note(note.recording(id).why(why)).await?;
    app.destroyer.erase(id, ERASED).await.map_err(|error| {
        tracing::error!(recording = %id, error, "a recording cannot be erased");
        Refusal::from(problem::INTERNAL.with("the recording could not be erased whole; it is tried again"))
    })?;
    app.store.recording_deleted(id, app.store.now(), ERASED).await?;
    tracing::info!(recording = %id, by = %staff.0.id, "a recording was erased");
    Ok(StatusCode::NO_CONTENT)
}

/// Why a single recording was deleted.
const ERASED: &str = "erased";

/// `GET /erasures`: the newest.
pub(super) async fn list(State(app): State<AppState>, staff: Staff) -> Result<Json<Vec<Erasure>>, Refusal> {
    staff.must(Action::EraseRecordings, "erasing recordings")?;
    Ok(Json(app.store.erasures().await?))
}

/// `POST /erasures`: begins; it goes on by itself.
pub(super) async fn request(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewErasure>,
) -> Result<(StatusCode, Json<Erasure>), Refusal> {
    staff.must(Action::EraseRecordings, "erasing recordings")?;
    let why = said(&new.why)?;
    let buyer = match (new.subject, new.buyer_of) {
        (Some(subject), None) => checked(subject)?,
        (None, Some(recording)) => buyer_of(&app, &staff, recording).await?,
        _ => return Err(problem::FIELD_INVALID.at("subject", "name one of subject and buyer_of").into()),
    };
    let ids = app.store.ids_of(&buyer.shop, &buyer.subject).await?;
    refuse_held(&app.store.holds_on_subject(&buyer.shop, &ids).await?)?;
    let id = app.store.request_erasure(&buyer, why, staff.0.id.into()).await?;
    tracing::info!(erasure = %id, by = %staff.0.id, "the erasure of a buyer was asked for");
    Ok((StatusCode::ACCEPTED, Json(found(&app, id).await?)))
}

/// `GET /erasures/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ErasureId>,
) -> Result<Json<Erasure>, Refusal> {
    staff.must(Action::EraseRecordings, "erasing recordings")?;
    Ok(Json(found(&app, id).await?))
}

/// `GET /erasures/{id}/certificate`: the signed certificate as a file.
pub(super) async fn certificate(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ErasureId>,
) -> Result<impl IntoResponse, Refusal> {
    staff.must(Action::EraseRecordings, "erasing recordings")?;
    let certificate = found(&app, id).await?.certificate;
    let certificate = certificate.ok_or_else(|| problem::NOT_NOW.with("the erasure is not done yet"))?;
    let name = format!("attachment; filename=\"erasure-{id}.json\"");
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(certificate)))
}

async fn found(app: &AppState, id: ErasureId) -> Result<Erasure, Refusal> {
    let erasure = app.store.erasure(id).await?;
    erasure.ok_or_else(|| problem::NOT_FOUND.at("id", "there is no such erasure").into())
}

/// A hold beats every erasure; the answer says which.
fn refuse_held(holds: &[Hold]) -> Result<(), Refusal> {
    let Some(hold) = holds.first() else { return Ok(()) };
    let (id, by, since) = (hold.id, &hold.placed_by, hold.placed_at);
    let detail = format!("hold {id}, placed by {by} at {since}: {}", hold.why);
    Err(problem::UNDER_HOLD.with(detail).into())
}
