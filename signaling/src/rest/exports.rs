//! Exports: ask for one, follow it, fetch its file. Who may and why goes into the log.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use protocol::audit::AuditEvent;
use protocol::exports::{Export, NewExport};
use protocol::ids::{ExportId, RecordingId};
use serde_json::json;

use super::extract::{Body, Id, Staff};
use super::range;
use super::recordings::unlocked;
use super::sight::{hidden, may_see_recording};
use crate::app::AppState;
use crate::audit::Note;
use crate::auth::{Action, mask};
use crate::exports::RequestError;
use crate::problem::{self, Refusal};

/// Longest reason, characters.
const REASON_MAX: usize = 500;
/// Requests for one file within this time are one download.
const DOWNLOADING: SignedDuration = SignedDuration::from_mins(30);
/// Most stretches left out.
const REDACTIONS_MAX: usize = 100;

/// `POST /recordings/{id}/exports`
pub(super) async fn ask(
    State(app): State<AppState>,
    staff: Staff,
    Id(recording): Id<RecordingId>,
    Body(new): Body<NewExport>,
) -> Result<Response, Refusal> {
    may_export(&staff)?;
    let new = checked(new)?;
    in_sight(&app, &staff, recording).await?;
    let row = app.store.recording(recording).await?.ok_or_else(no_recording)?;
    unlocked(&staff, &row)?;
    if !row.complete {
        return Err(problem::RECORDING_RUNS.with("it can be exported when the call is over").into());
    }
    if let Some((at, _)) =
        new.redactions.iter().enumerate().find(|(_, redaction)| redaction.start_ms >= row.duration_ms)
    {
        let detail = format!("begins after the end of the recording, {} ms", row.duration_ms);
        return Err(problem::FIELD_INVALID.at(format!("redactions[{at}].start_ms"), detail).into());
    }
    let export = app.exporter.ask(recording, new, staff.0.id, &staff.0.name).await.map_err(refused)?;
    noted(&app, &staff, &export).await?;
    Ok((StatusCode::CREATED, Json(export)).into_response())
}

/// `GET /recordings/{id}/exports`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Id(recording): Id<RecordingId>,
) -> Result<Json<Vec<Export>>, Refusal> {
    may_export(&staff)?;
    in_sight(&app, &staff, recording).await?;
    app.store.recording(recording).await?.ok_or_else(no_recording)?;
    let mut exports = app.exporter.of(recording).await.map_err(refused)?;
    for export in &mut exports {
        masked(&app, &staff, export).await?;
    }
    Ok(Json(exports))
}

/// `GET /exports/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ExportId>,
) -> Result<Json<Export>, Refusal> {
    may_export(&staff)?;
    let mut export = seen(&app, &staff, id).await?;
    masked(&app, &staff, &mut export).await?;
    Ok(Json(export))
}

/// `DELETE /exports/{id}`
pub(super) async fn remove(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ExportId>,
) -> Result<Json<Export>, Refusal> {
    may_export(&staff)?;
    seen(&app, &staff, id).await?;
    tracing::info!(export = %id, user = %staff.0.id, "an export is to go");
    let mut export = app.exporter.remove(id).await.map_err(refused)?;
    masked(&app, &staff, &mut export).await?;
    Ok(Json(export))
}

/// `POST /exports/{id}/retry`
pub(super) async fn retry(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ExportId>,
) -> Result<Json<Export>, Refusal> {
    may_export(&staff)?;
    let export = seen(&app, &staff, id).await?;
    unlocked(&staff, &app.store.recording(export.recording).await?.ok_or_else(no_recording)?)?;
    let mut export = app.exporter.retry(id).await.map_err(refused)?;
    noted(&app, &staff, &export).await?;
    masked(&app, &staff, &mut export).await?;
    Ok(Json(export))
}

/// What cannot be logged is not exported.
async fn noted(app: &AppState, staff: &Staff, export: &Export) -> Result<(), Refusal> {
    let detail = json!({ "export": export.id, "redactions": export.redactions.len() });
    let note = Note::new(staff.0.id, AuditEvent::Exported).recording(export.recording);
    if let Err(error) = app.store.note(note.why(&export.reason).detail(detail)).await {
        app.exporter.remove(export.id).await.map_err(refused)?;
        return Err(error.into());
    }
    Ok(())
}

/// `GET /exports/{id}/file`
pub(super) async fn file(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ExportId>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    may_export(&staff)?;
    seen(&app, &staff, id).await?;
    let (export, reader) = app.exporter.open(id).await.map_err(refused)?;
    let row = app.store.recording(export.recording).await?.ok_or_else(no_recording)?;
    unlocked(&staff, &row)?;
    // Before the first byte. A download is one request or many.
    let detail = json!({ "recording": export.recording });
    let note = Note::new(staff.0.id, AuditEvent::ExportDownloaded).about(format!("export:{id}"));
    app.store.note_once_in(DOWNLOADING, note.why(&export.reason).detail(detail)).await?;
    let etag = format!("\"{id}-{}\"", reader.length());
    let mut response = range::serve(Box::new(reader), &etag, &headers);
    if response.status().is_success() {
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
        let name = row.ticket_number.unwrap_or_else(|| "recording".to_owned());
        let day = row.started_at.strftime("%Y-%m-%d");
        // Both are of our own making: letters, digits and dashes.
        if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}-{day}.mp4\"")) {
            answer.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    Ok(response)
}

/// An export of a recording that somebody may see.
async fn seen(app: &AppState, staff: &Staff, id: ExportId) -> Result<Export, Refusal> {
    let export = app.exporter.get(id).await.map_err(refused)?;
    in_sight(app, staff, export.recording).await?;
    Ok(export)
}

/// Masks what somebody else wrote about the buyer.
async fn masked(app: &AppState, staff: &Staff, export: &mut Export) -> Result<(), Refusal> {
    let Some(row) = app.store.kept_recording(export.recording).await? else { return Ok(()) };
    if let Some(known) = hidden(app, staff, row.call).await? {
        mask::export(export, &known, staff.0.id);
    }
    Ok(())
}

/// Refuses recordings of queues that somebody does not see.
async fn in_sight(app: &AppState, staff: &Staff, id: RecordingId) -> Result<(), Refusal> {
    if may_see_recording(app, staff, id).await? { Ok(()) } else { Err(no_recording()) }
}

fn may_export(staff: &Staff) -> Result<(), Refusal> {
    staff.must(Action::ExportRecordings, "exporting recordings")
}

fn checked(mut new: NewExport) -> Result<NewExport, Refusal> {
    let wrong = |field: String, detail: &str| Err(problem::FIELD_INVALID.at(field, detail).into());
    new.reason = new.reason.trim().to_owned();
    match new.reason.chars().count() {
        0 => return wrong("reason".to_owned(), "say what the export is for: it goes into the audit log"),
        1..=REASON_MAX => {}
        _ => return wrong("reason".to_owned(), "has more than 500 characters"),
    }
    if new.redactions.len() > REDACTIONS_MAX {
        return wrong("redactions".to_owned(), "at most 100 stretches can be left out");
    }
    match new.redactions.iter().position(|redaction| redaction.start_ms >= redaction.end_ms) {
        Some(at) => wrong(format!("redactions[{at}].end_ms"), "must be later than start_ms"),
        None => Ok(new),
    }
}

fn no_recording() -> Refusal {
    problem::NOT_FOUND.at("id", "there is no such recording, or it was deleted").into()
}

fn refused(error: RequestError) -> Refusal {
    match error {
        RequestError::Unknown => problem::NOT_FOUND.at("id", "there is no such export").into(),
        RequestError::WrongStatus(_) => problem::EXPORT_NOT_READY.with(error.to_string()).into(),
        RequestError::TooMany => {
            Refusal::from(problem::TOO_MANY_EXPORTS.with(error.to_string())).retry_after(60)
        }
        RequestError::Store(error) => error.into(),
        RequestError::File(error) => {
            tracing::error!(%error, "the file of an export cannot be read");
            problem::INTERNAL.with("the file of the export cannot be read").into()
        }
    }
}
