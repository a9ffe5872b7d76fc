//! Disputes: the agent objects, a reviewer or supervisor answers.

use axum::Json;
use axum::extract::State;
use protocol::ids::{DisputeId, ReviewId};
use protocol::review::{DisputeRow, NewDispute, NewRevision, Reason, Review};

use super::super::extract::{Body, Id, Staff};
use super::super::sight::masked;
use super::access::{again, corrected, me, must_score, newest_disputes, reason, seen, visible, who};
use super::scores::scored;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::review::dispute::{self, DisputeError, Step};
use crate::review::score::questions;
use crate::store::{DisputeAnswer, DisputeFacts, ReviewRecord, SubmittedRevision};

/// `POST /reviews/{id}/dispute`
pub(in super::super) async fn open(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
    Body(new): Body<NewDispute>,
) -> Result<Json<Review>, Refusal> {
    staff.must(Action::DisputeScores, "disputing scores")?;
    let record = visible(&app, &staff, id).await?;
    let Some(revised_at) = record.revised_at else {
        return Err(problem::DISPUTE_STATE.with("it is not submitted yet").into());
    };
    let now = app.store.now();
    dispute::may_open(who(&staff, &record), revised_at, &newest_disputes(&record), now).map_err(refused)?;
    let unknown = |key: &String| !questions(&record.form.content).any(|(_, question)| question.key == *key);
    if let Some(key) = new.questions.iter().find(|key| unknown(key)) {
        let detail = format!("the form has no question {key:?}");
        return Err(problem::FIELD_INVALID.at("questions", detail).into());
    }
    let reason = reason(&new.reason)?;
    let mut keys = new.questions;
    keys.sort_unstable();
    keys.dedup();
    let due_at = dispute::due(now);
    if !app.store.open_dispute(id, record.summary.revisions, reason, &keys, due_at, staff.0.id).await? {
        return Err(refused(DisputeError::OpenAlready));
    }
    tracing::info!(review = %id, user = %staff.0.id, "a score was disputed");
    Ok(Json(again(&app, &staff, id).await?))
}

/// `GET /disputes`
pub(in super::super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<DisputeRow>>, Refusal> {
    must_score(&staff)?;
    let only = (!staff.may(Action::DecideDisputes)).then_some(staff.0.id);
    let now = app.store.now();
    let mut rows = Vec::new();
    for (dispute, review) in app.store.open_disputes(&seen(&staff), only).await? {
        // Of their own call, or of a recording that they may give a blind second score of: not for them.
        if review.agent.id != staff.0.id && visible(&app, &staff, review.id).await.is_ok() {
            rows.push(DisputeRow { overdue: now > dispute.due_at, dispute, review });
        }
    }
    Ok(Json(masked(&app, &staff, rows).await?))
}

/// `POST /disputes/{id}/accept`
pub(in super::super) async fn accept(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<DisputeId>,
    Body(new): Body<NewRevision>,
) -> Result<Json<Review>, Refusal> {
    let (facts, record) = found(&app, &staff, id).await?;
    let state = dispute::step(facts.state, Step::Accept, who(&staff, &record)).map_err(refused)?;
    let reason = reason(&new.reason)?;
    let answers = corrected(&app, &staff, &record, new.answers).await?;
    let correction = SubmittedRevision {
        scored: scored(&record.form.content, &answers)?,
        answers,
        reason: reason.clone(),
        by: me(&staff),
    };
    let answer = DisputeAnswer { state, by: me(&staff), answer: reason, correction: Some(correction) };
    answered(&app, &staff, facts, answer).await
}

/// `POST /disputes/{id}/reject`
pub(in super::super) async fn reject(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<DisputeId>,
    Body(given): Body<Reason>,
) -> Result<Json<Review>, Refusal> {
    let (facts, record) = found(&app, &staff, id).await?;
    let state = dispute::step(facts.state, Step::Reject, who(&staff, &record)).map_err(refused)?;
    let answer = DisputeAnswer { state, by: me(&staff), answer: reason(&given.reason)?, correction: None };
    answered(&app, &staff, facts, answer).await
}

/// `POST /disputes/{id}/withdraw`
pub(in super::super) async fn withdraw(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<DisputeId>,
) -> Result<Json<Review>, Refusal> {
    let (facts, record) = found(&app, &staff, id).await?;
    let state = dispute::step(facts.state, Step::Withdraw, who(&staff, &record)).map_err(refused)?;
    let answer = DisputeAnswer { state, by: me(&staff), answer: String::new(), correction: None };
    answered(&app, &staff, facts, answer).await
}

/// A dispute of a review that somebody may see.
async fn found(
    app: &AppState,
    staff: &Staff,
    id: DisputeId,
) -> Result<(DisputeFacts, ReviewRecord), Refusal> {
    let gone = || problem::NOT_FOUND.at("id", "there is no such dispute, or it is not for you");
    let facts = app.store.dispute_facts(id).await?.ok_or_else(gone)?;
    let record = visible(app, staff, facts.review).await?;
    Ok((facts, record))
}

async fn answered(
    app: &AppState,
    staff: &Staff,
    facts: DisputeFacts,
    answer: DisputeAnswer,
) -> Result<Json<Review>, Refusal> {
    let state = answer.state;
    if !app.store.answer_dispute(facts, answer).await? {
        return Err(refused(DisputeError::Closed));
    }
    tracing::info!(dispute = %facts.id, review = %facts.review, user = %staff.0.id, ?state, "a dispute was closed");
    Ok(Json(again(app, staff, facts.review).await?))
}

fn refused(error: DisputeError) -> Refusal {
    let kind = match error {
        DisputeError::NotTheAgent | DisputeError::NotTheirs => problem::NOT_ALLOWED,
        DisputeError::Closed | DisputeError::OpenAlready | DisputeError::Final | DisputeError::TooLate => {
            problem::DISPUTE_STATE
        }
    };
    kind.with(error.to_string()).into()
}
