//! Legal holds.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::governance::{Hold, NewHold, SubjectRef};
use protocol::ids::{HoldId, RecordingId};
use protocol::rest::Why;

use super::extract::{Body, Id, Staff};
use super::sight::{may_see_recording, said};
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::store::Held;

/// `GET /holds`: those that last.
pub(super) async fn list(State(app): State<AppState>, staff: Staff) -> Result<Json<Vec<Hold>>, Refusal> {
    staff.must(Action::HoldRecordings, "legal holds")?;
    Ok(Json(app.store.holds().await?))
}

/// `POST /holds`
pub(super) async fn place(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewHold>,
) -> Result<(StatusCode, Json<Hold>), Refusal> {
    staff.must(Action::HoldRecordings, "legal holds")?;
    let why = said(&new.why)?;
    let held = match (new.recording, new.subject, new.buyer_of) {
        (Some(recording), None, None) => {
            reachable(&app, &staff, recording, "recording").await?;
            Held::Recording(recording)
        }
        (None, Some(subject), None) => Held::Subject(checked(subject)?),
        (None, None, Some(recording)) => Held::Subject(buyer_of(&app, &staff, recording).await?),
        _ => {
            let detail = "name one of recording, subject and buyer_of";
            return Err(problem::FIELD_INVALID.at("recording", detail).into());
        }
    };
    let hold = app.store.place_hold(held, why, staff.0.id.into()).await?;
    tracing::info!(hold = %hold.id, by = %staff.0.id, "a legal hold was placed");
    Ok((StatusCode::CREATED, Json(hold)))
}

/// `POST /holds/{id}/lift`
pub(super) async fn lift(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<HoldId>,
    Body(reason): Body<Why>,
) -> Result<Json<Hold>, Refusal> {
    staff.must(Action::HoldRecordings, "legal holds")?;
    let why = said(&reason.why)?;
    let lifted = app.store.lift_hold(id, why, staff.0.id.into()).await?;
    let lifted = lifted.ok_or_else(|| problem::NOT_FOUND.at("id", "there is no such hold that lasts"))?;
    tracing::info!(hold = %id, by = %staff.0.id, "a legal hold was lifted");
    Ok(Json(lifted))
}

/// Refuses a recording that is gone, or that somebody may not see.
pub(super) async fn reachable(
    app: &AppState,
    staff: &Staff,
    id: RecordingId,
    field: &str,
) -> Result<(), Refusal> {
    let gone = || problem::NOT_FOUND.at(field, "there is no such recording, or it was deleted");
    let exists = app.store.recording(id).await?.is_some();
    if exists && may_see_recording(app, staff, id).await? { Ok(()) } else { Err(gone().into()) }
}

/// The buyer of a recording.
pub(super) async fn buyer_of(app: &AppState, staff: &Staff, id: RecordingId) -> Result<SubjectRef, Refusal> {
    reachable(app, staff, id, "buyer_of").await?;
    let buyer = app.store.buyer_of(id).await?;
    buyer.ok_or_else(|| problem::NOT_FOUND.at("buyer_of", "it is not known whose recording this is").into())
}

/// A buyer that can be looked for.
pub(super) fn checked(subject: SubjectRef) -> Result<SubjectRef, Refusal> {
    for (field, text) in [("subject.shop", &subject.shop), ("subject.subject", &subject.subject)] {
        if text.trim().is_empty() || text.chars().count() > 128 {
            return Err(problem::FIELD_INVALID.at(field, "has 1 to 128 characters").into());
        }
    }
    Ok(subject)
}
