//! Blind second scores: asked for, sampled, given.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use protocol::ids::{RecordingId, ReviewId, SecondScoreId, UserId};
use protocol::review::{AskSecond, Person, Review, ReviewState, SampleSecond, SecondScore};

use super::super::extract::{Body, Id, Staff};
use super::super::sight::may_see_recording;
use super::access::{again, me, must_score, recording, seen, visible};
use super::scores::own_call;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::review::sample;
use crate::store::{NewReviewRow, NewSecond, SecondRow};

/// Most scores drawn at once: people have to give them.
const SAMPLE_MAX: usize = 200;

/// `GET /review/reviewers`
pub(in super::super) async fn reviewers(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<Person>>, Refusal> {
    must_score(&staff)?;
    Ok(Json(app.store.reviewers().await?))
}

/// `POST /reviews/{id}/second`
pub(in super::super) async fn ask(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<ReviewId>,
    Body(wanted): Body<AskSecond>,
) -> Result<Json<SecondScore>, Refusal> {
    must_score(&staff)?;
    let record = visible(&app, &staff, id).await?;
    let first = &record.summary;
    if first.state != ReviewState::Submitted || first.second {
        return Err(problem::REVIEW_STATE.with("second scores are asked for of submitted first ones").into());
    }
    let reviewer = match wanted.reviewer {
        None => None,
        Some(who) => {
            let refuse = |detail: &str| Refusal::from(problem::FIELD_INVALID.at("reviewer", detail));
            if who == staff.0.id {
                return Err(refuse("you have seen the first score"));
            }
            if who == first.agent.id {
                return Err(refuse("it was their call"));
            }
            if app.store.review_by(first.recording, who, record.form.form).await?.is_some() {
                return Err(refuse("they have scored this recording on this form already"));
            }
            let people = app.store.reviewers().await?;
            let found = people.into_iter().find(|person| person.id == who);
            let found = found.ok_or_else(|| refuse("must be somebody who may score"))?;
            if !reaches(&app, who, first.recording).await? {
                return Err(refuse("they do not see calls of this queue"));
            }
            Some(found)
        }
    };
    let new = NewSecond {
        recording: first.recording,
        first: id,
        first_reviewer: first.reviewer.id,
        asked_by: me(&staff),
        sampled: false,
        reviewer,
    };
    let second = app.store.ask_second(new).await?;
    tracing::info!(%second, review = %id, user = %staff.0.id, "a second score was asked for");
    one(&app, &staff, second).await
}

/// Whether a recording is of a queue that somebody else sees.
async fn reaches(app: &AppState, who: UserId, recording: RecordingId) -> Result<bool, Refusal> {
    let queues = app.store.user(who).await?.and_then(|user| user.changes.queues);
    let (Some(queues), Some(of)) = (queues, app.store.kept_recording(recording).await?) else {
        return Ok(true);
    };
    Ok(queues.contains(&of.queue))
}

/// `POST /second-scores/sample`
pub(in super::super) async fn sample(
    State(app): State<AppState>,
    staff: Staff,
    Body(wanted): Body<SampleSecond>,
) -> Result<Json<Vec<SecondScore>>, Refusal> {
    staff.must(Action::ManageForms, "sampling scores for a second one")?;
    if !(1..=100).contains(&wanted.percent) {
        return Err(problem::FIELD_INVALID.at("percent", "must be 1 to 100").into());
    }
    if !(1..=365).contains(&wanted.days) {
        return Err(problem::FIELD_INVALID.at("days", "must be 1 to 365").into());
    }
    let now = app.store.now();
    let since = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(wanted.days))).unwrap_or(now);
    let candidates = app.store.first_scores_since(since, &seen(&staff)).await?;
    let chosen = sample::pick(&candidates, wanted.percent, &mut rand::rng());
    if chosen.len() > SAMPLE_MAX {
        let detail = format!("would draw {} scores, at most {SAMPLE_MAX} are drawn at once", chosen.len());
        return Err(problem::FIELD_INVALID.at("percent", detail).into());
    }
    let mut rows = Vec::with_capacity(chosen.len());
    for (first, recording, first_reviewer) in chosen {
        let new = NewSecond {
            recording,
            first,
            first_reviewer,
            asked_by: me(&staff),
            sampled: true,
            reviewer: None,
        };
        let id = app.store.ask_second(new).await?;
        rows.extend(app.store.second(id).await?);
    }
    tracing::info!(chosen = rows.len(), of = candidates.len(), user = %staff.0.id, "second scores were sampled");
    Ok(Json(shown(&app, &staff, rows).await?))
}

/// `GET /second-scores`
pub(in super::super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<SecondScore>>, Refusal> {
    must_score(&staff)?;
    let rows = app.store.open_seconds(&seen(&staff)).await?;
    let mine = shown(&app, &staff, rows).await?.into_iter().filter(|it| it.may_start || it.may_cancel);
    Ok(Json(mine.collect()))
}

/// `POST /second-scores/{id}/start`
pub(in super::super) async fn start(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SecondScoreId>,
) -> Result<Json<Review>, Refusal> {
    must_score(&staff)?;
    let row = known(&app, id).await?;
    if !row.asked.may_start(staff.0.id) {
        return Err(problem::NOT_ALLOWED
            .with("somebody else was asked, or you have asked or given the first score yourself")
            .into());
    }
    let (recording, agent) = recording(&app, &staff, row.recording).await?;
    if agent.id == staff.0.id {
        return Err(own_call());
    }
    if let Some(begun) = row.review {
        return Ok(Json(again(&app, &staff, begun).await?));
    }
    let Some(first) = app.store.review_record(row.first).await? else { return Err(gone()) };
    let new = NewReviewRow {
        recording: row.recording,
        call: recording.call,
        agent,
        version: first.form,
        reviewer: me(&staff),
        second: true,
    };
    let Some(review) = app.store.begin_review(new).await? else {
        let detail =
            "you have scored this recording on this form already, so yours cannot be the second score";
        return Err(problem::REVIEW_STATE.with(detail).into());
    };
    if !app.store.claim_second(id, &me(&staff), review).await? {
        app.store.discard_review(review).await?;
        return Err(problem::REVIEW_STATE.with("somebody else was quicker").into());
    }
    Ok(Json(again(&app, &staff, review).await?))
}

/// `DELETE /second-scores/{id}`
pub(in super::super) async fn cancel(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SecondScoreId>,
) -> Result<StatusCode, Refusal> {
    must_score(&staff)?;
    let row = known(&app, id).await?;
    // Also of a recording that was deleted meanwhile.
    if !may_see_recording(&app, &staff, row.recording).await? {
        return Err(gone());
    }
    if row.asked_by.id != staff.0.id {
        staff.must(Action::ManageForms, "calling off second scores that others asked for")?;
    }
    if !app.store.cancel_second(id).await? {
        return Err(problem::REVIEW_STATE.with("it is complete already").into());
    }
    tracing::info!(second = %id, user = %staff.0.id, "a second score was called off");
    Ok(StatusCode::NO_CONTENT)
}

/// Second scores as they are shown to somebody: never what they would have to be kept from.
pub(super) async fn shown(
    app: &AppState,
    staff: &Staff,
    rows: Vec<SecondRow>,
) -> Result<Vec<SecondScore>, Refusal> {
    let viewer = staff.0.id;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        // Of a recording that was deleted in the meantime there is nothing to score.
        let Ok((recording, agent)) = recording(app, staff, row.recording).await else { continue };
        let Some(first) = app.store.review_record(row.first).await? else { continue };
        let theirs = row.reviewer.as_ref().is_some_and(|person| person.id == viewer);
        all.push(SecondScore {
            id: row.id,
            recording: row.recording,
            ticket_number: recording.ticket_number,
            form: first.form.content.title,
            may_start: row.asked.may_start(viewer) && agent.id != viewer,
            may_cancel: !row.asked.complete && (row.asked_by.id == viewer || staff.may(Action::ManageForms)),
            agent,
            asked_by: row.asked_by,
            asked_at: row.asked_at,
            sampled: row.sampled,
            review: row.review.filter(|_| theirs),
            reviewer: row.reviewer,
        });
    }
    Ok(all)
}

async fn one(app: &AppState, staff: &Staff, id: SecondScoreId) -> Result<Json<SecondScore>, Refusal> {
    let row = known(app, id).await?;
    let found = shown(app, staff, vec![row]).await?.pop();
    Ok(Json(found.ok_or_else(gone)?))
}

async fn known(app: &AppState, id: SecondScoreId) -> Result<SecondRow, Refusal> {
    app.store.second(id).await?.ok_or_else(gone)
}

fn gone() -> Refusal {
    problem::NOT_FOUND.at("id", "there is no such second score, or it was called off").into()
}
