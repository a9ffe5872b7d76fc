//! Comments and bookmarks on the timeline.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::ids::{CommentId, RecordingId};
use protocol::review::{CommentKind, NewComment, ResolveComment, TimelineComment};

use super::super::extract::{Body, Id, Staff};
use super::super::sight::hidden;
use super::access::{is_blinded, me, must_score, recording};
use crate::app::AppState;
use crate::auth::mask;
use crate::problem::{self, Refusal};
use crate::review::COMMENT_MAX;

/// `GET /recordings/{id}/comments`
pub(in super::super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
) -> Result<Json<Vec<TimelineComment>>, Refusal> {
    let (summary, _) = recording(&app, &staff, id).await?;
    let blinded = is_blinded(&app, staff.0.id, id).await?;
    let mut comments = app.store.comments(id, staff.0.id, blinded).await?;
    if let Some(known) = hidden(&app, &staff, summary.call).await? {
        comments.iter_mut().for_each(|one| mask::comment(one, &known));
    }
    Ok(Json(comments))
}

/// `POST /recordings/{id}/comments`
pub(in super::super) async fn add(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
    Body(new): Body<NewComment>,
) -> Result<(StatusCode, Json<TimelineComment>), Refusal> {
    recording(&app, &staff, id).await?;
    let comment = app.store.add_comment(id, checked(new)?, &me(&staff)).await?;
    Ok((StatusCode::CREATED, Json(known(&app, &staff, comment).await?)))
}

/// `PUT /comments/{id}`
pub(in super::super) async fn edit(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CommentId>,
    Body(new): Body<NewComment>,
) -> Result<Json<TimelineComment>, Refusal> {
    known(&app, &staff, id).await?;
    if !app.store.edit_comment(id, staff.0.id, checked(new)?).await? {
        return Err(not_yours());
    }
    Ok(Json(known(&app, &staff, id).await?))
}

/// `DELETE /comments/{id}`
pub(in super::super) async fn delete(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CommentId>,
) -> Result<StatusCode, Refusal> {
    known(&app, &staff, id).await?;
    if !app.store.delete_comment(id, staff.0.id, true).await? {
        return Err(not_yours());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /comments/{id}/restore`
pub(in super::super) async fn restore(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CommentId>,
) -> Result<Json<TimelineComment>, Refusal> {
    must_score(&staff)?;
    let of = app.store.recording_of_comment(id).await?.ok_or_else(gone)?;
    recording(&app, &staff, of).await?;
    if !app.store.delete_comment(id, staff.0.id, false).await? {
        return Err(gone());
    }
    Ok(Json(known(&app, &staff, id).await?))
}

/// `PUT /comments/{id}/resolved`
pub(in super::super) async fn resolve(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CommentId>,
    Body(wanted): Body<ResolveComment>,
) -> Result<Json<TimelineComment>, Refusal> {
    known(&app, &staff, id).await?;
    app.store.resolve_comment(id, wanted.resolved.then(|| me(&staff)).as_ref()).await?;
    Ok(Json(known(&app, &staff, id).await?))
}

/// A comment that somebody may see.
async fn known(app: &AppState, staff: &Staff, id: CommentId) -> Result<TimelineComment, Refusal> {
    must_score(staff)?;
    let (recording_id, mut comment) = app.store.comment(id, staff.0.id).await?.ok_or_else(gone)?;
    let (summary, _) = recording(app, staff, recording_id).await?;
    if !comment.own && is_blinded(app, staff.0.id, recording_id).await? {
        return Err(gone());
    }
    if let Some(hidden) = hidden(app, staff, summary.call).await? {
        mask::comment(&mut comment, &hidden);
    }
    Ok(comment)
}

fn checked(new: NewComment) -> Result<NewComment, Refusal> {
    let text = new.text.trim().to_owned();
    let characters = text.chars().count();
    if characters > COMMENT_MAX {
        let detail = format!("has {characters} characters, at most {COMMENT_MAX} are kept");
        return Err(problem::FIELD_INVALID.at("text", detail).into());
    }
    if text.is_empty() && new.kind == CommentKind::Comment {
        return Err(problem::FIELD_INVALID.at("text", "a comment needs words; a bookmark does not").into());
    }
    if new.end_ms.is_some_and(|end| end < new.at_ms) {
        return Err(problem::FIELD_INVALID.at("end_ms", "must not come before at_ms").into());
    }
    Ok(NewComment { text, ..new })
}

fn not_yours() -> Refusal {
    problem::NOT_ALLOWED.with("only whoever wrote a comment may change or delete it").into()
}

fn gone() -> Refusal {
    problem::NOT_FOUND.at("id", "there is no such comment, or it was deleted").into()
}
