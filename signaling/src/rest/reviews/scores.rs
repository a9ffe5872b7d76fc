//! Reviews: begin, write, submit, correct.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::ids::{RecordingId, ReviewId};
use protocol::rest::RecordingSummary;
use protocol::review::{
    Answers, DraftSaved, FormContent, NewReview, NewRevision, Review, ReviewState, Scored,
};

use super::super::extract::{Body, Id, Staff};
use super::access::{again, corrected, me, own, reason, recording, rights, shown, visible};
use crate::app::AppState;
use crate::problem::{self, Refusal};
use crate::review::score::{self, AnswerError};
use crate::store::{NewReviewRow, ReviewRecord, SubmittedRevision};

/// `POST /recordings/{id}/reviews`
pub(in super::super) async fn begin(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
    Body(new): Body<NewReview>,
) -> Result<Json<Review>, Refusal> {
    let (recording, agent) = recording(&app, &staff, id).await?;
    if agent.id == staff.0.id {
        return Err(own_call());
    }
    let offered = app.store.usable_forms(queue_of(&recording)).await?;
    let Some(version) = offered.into_iter().find(|version| version.id == new.form_version) else {
        let detail = "must be the newest published version of a form that is offered for this call";
        return Err(problem::FIELD_INVALID.at("form_version", detail).into());
    };
    if let Some(existing) = app.store.review_by(id, staff.0.id, version.form).await? {
        return Ok(Json(again(&app, &staff, existing).await?));
    }
    let form = version.form;
    let new = NewReviewRow {
        recording: id,
        call: recording.call,
        agent,
        version,
        reviewer: me(&staff),
        second: false,
    };
    let begun = match app.store.begin_review(new).await? {
        Some(begun) => begun,
        // The same person in another window was quicker.
        None => app.store.review_by(id, staff.0.id, form).await?.ok_or_else(not_a_draft)?,
    };
    Ok(Json(again(&app, &staff, begun).await?))
}

/// `GET /reviews/{id}`
pub(in super::super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
) -> Result<Json<Review>, Refusal> {
    let record = visible(&app, &staff, id).await?;
    Ok(Json(shown(&app, &staff, record).await?))
}

/// `PUT /reviews/{id}/draft`
pub(in super::super) async fn save(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
    Body(answers): Body<Answers>,
) -> Result<Json<DraftSaved>, Refusal> {
    let record = own(&app, &staff, id).await?;
    writable(&app, &record).await?;
    score::check_draft(&record.form.content, &answers).map_err(unusable)?;
    if !app.store.save_review_draft(id, &answers).await? {
        return Err(not_a_draft());
    }
    Ok(Json(DraftSaved { saved_at: app.store.now() }))
}

/// `DELETE /reviews/{id}`
pub(in super::super) async fn discard(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
) -> Result<StatusCode, Refusal> {
    own(&app, &staff, id).await?;
    if !app.store.discard_review(id).await? {
        return Err(not_a_draft());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /reviews/{id}/submit`
pub(in super::super) async fn submit(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
    Body(answers): Body<Answers>,
) -> Result<Json<Review>, Refusal> {
    let record = own(&app, &staff, id).await?;
    if record.summary.state != ReviewState::Draft {
        return Err(not_a_draft());
    }
    writable(&app, &record).await?;
    let scored = scored(&record.form.content, &answers)?;
    let revision = SubmittedRevision { answers, scored, reason: String::new(), by: me(&staff) };
    if !app.store.submit_review(id, revision).await? {
        return Err(not_a_draft());
    }
    tracing::info!(review = %id, recording = %record.summary.recording, user = %staff.0.id, "a score was submitted");
    Ok(Json(again(&app, &staff, id).await?))
}

/// `POST /reviews/{id}/revisions`
pub(in super::super) async fn revise(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
    Body(new): Body<NewRevision>,
) -> Result<Json<Review>, Refusal> {
    let record = own(&app, &staff, id).await?;
    if record.summary.state != ReviewState::Submitted {
        return Err(problem::REVIEW_STATE.with("a draft is not corrected but written on").into());
    }
    if !rights(&app, &staff, &record).revise {
        let detail = "a dispute is open: accept it with the correction, or reject it";
        return Err(problem::REVIEW_STATE.with(detail).into());
    }
    let answers = corrected(&app, &staff, &record, new.answers).await?;
    let revision = SubmittedRevision {
        reason: reason(&new.reason)?,
        scored: scored(&record.form.content, &answers)?,
        answers,
        by: me(&staff),
    };
    if !app.store.revise_review(id, record.summary.revisions, revision).await? {
        return Err(problem::REVIEW_STATE.with("it was corrected in between: load it again").into());
    }
    tracing::info!(review = %id, user = %staff.0.id, "a score was corrected");
    Ok(Json(again(&app, &staff, id).await?))
}

/// Refuses to write on about a buyer who was erased, as a page does that was open at that time.
async fn writable(app: &AppState, record: &ReviewRecord) -> Result<(), Refusal> {
    if app.store.is_erased(record.summary.call).await? {
        return Err(problem::REVIEW_STATE.with("the buyer was erased, and the recording with them").into());
    }
    Ok(())
}

/// What a complete set of answers comes to.
pub(super) fn scored(form: &FormContent, answers: &Answers) -> Result<Scored, Refusal> {
    score::score(form, answers).map_err(unusable)
}

pub(super) fn own_call() -> Refusal {
    problem::OWN_CALL.with("it was your call: somebody else has to score it").into()
}

/// The queue of the call, which forms may be for.
pub(super) fn queue_of(recording: &RecordingSummary) -> Option<&str> {
    Some(&recording.queue)
}

fn not_a_draft() -> Refusal {
    problem::REVIEW_STATE.with("it has been submitted: correct it with a reason instead").into()
}

fn unusable(error: AnswerError) -> Refusal {
    let kind = match &error {
        AnswerError::Missing(_) | AnswerError::NothingApplies => problem::ANSWERS_INCOMPLETE,
        _ => problem::FIELD_INVALID,
    };
    match error.question() {
        Some("") => kind.at("comment", error.to_string()).into(),
        Some(key) => kind.at(format!("answers.{key}"), error.to_string()).into(),
        None => kind.at("answers", error.to_string()).into(),
    }
}
