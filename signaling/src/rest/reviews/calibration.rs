//! Several reviewers' scores of one recording, side by side.

use axum::Json;
use axum::extract::State;
use protocol::ids::RecordingId;
use protocol::review::{Answers, Calibration, CalibrationScore, ReviewState};

use super::super::extract::{Id, Staff};
use super::super::sight::hidden;
use super::access::{is_blinded, recording};
use crate::app::AppState;
use crate::auth::mask;
use crate::problem::Refusal;
use crate::review::{agreement, blind};

/// `GET /recordings/{id}/calibration`
pub(in super::super) async fn of_recording(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
) -> Result<Json<Vec<Calibration>>, Refusal> {
    let (summary, _) = recording(&app, &staff, id).await?;
    let known = hidden(&app, &staff, summary.call).await?;
    let blinded = is_blinded(&app, staff.0.id, id).await?;
    let mut found: Vec<(Calibration, Vec<Answers>)> = Vec::new();
    let mut reviews = app.store.reviews_of(id).await?;
    reviews.sort_by_key(|review| (review.submitted_at, review.id));
    for summary in reviews {
        let submitted = summary.state == ReviewState::Submitted;
        if !submitted || !blind::sees(staff.0.id, summary.reviewer.id, submitted, blinded) {
            continue;
        }
        let Some(record) = app.store.review_record(summary.id).await? else { continue };
        let Some(mut newest) = record.revisions.into_iter().next_back() else { continue };
        if let Some(known) = &known {
            mask::revision(&mut newest, known, staff.0.id);
        }
        let score =
            CalibrationScore { review: summary.id, reviewer: summary.reviewer, scored: newest.scored };
        match found.iter_mut().find(|(one, _)| one.form.id == record.form.id) {
            Some((calibration, answers)) => {
                calibration.scores.push(score);
                answers.push(newest.answers);
            }
            None => {
                let calibration = Calibration {
                    form: record.form,
                    scores: vec![score],
                    questions: Vec::new(),
                    agreement: None,
                };
                found.push((calibration, vec![newest.answers]));
            }
        }
    }
    let calibrations = found.into_iter().map(|(mut calibration, answers)| {
        let content = &calibration.form.content;
        calibration.questions = agreement::differences(content, &answers.iter().collect::<Vec<_>>());
        calibration.agreement = agreement::agreement(content, &calibration.scores, &calibration.questions);
        calibration
    });
    Ok(Json(calibrations.collect()))
}
