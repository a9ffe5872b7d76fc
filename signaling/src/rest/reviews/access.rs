//! Who may see and do what, and what every handler of reviews needs.

use protocol::ids::{RecordingId, ReviewId, UserId};
use protocol::rest::RecordingSummary;
use protocol::review::{Answers, DisputeState, Person, Review, ReviewRights, ReviewState};

use super::super::extract::Staff;
use super::super::sight::{hidden, may_see_recording};
use crate::app::AppState;
use crate::auth::{Action, mask};
use crate::problem::{self, Refusal};
use crate::review::dispute::{self, Who};
use crate::review::{REASON_MAX, blind};
use crate::store::{ReviewRecord, Scope};

/// The member of staff as a name beside what they do.
pub(super) fn me(staff: &Staff) -> Person {
    Person { id: staff.0.id, name: staff.0.name.clone() }
}

/// The calls whose scores, disputes and comments somebody who scores sees.
pub(super) fn seen(staff: &Staff) -> Scope {
    Scope::of_recordings(&staff.0)
}

/// Refuses those who do not score.
pub(super) fn must_score(staff: &Staff) -> Result<(), Refusal> {
    staff.must(Action::ScoreRecordings, "scoring recordings")
}

/// A recording that somebody who scores may see, and whose call it was.
pub(super) async fn recording(
    app: &AppState,
    staff: &Staff,
    id: RecordingId,
) -> Result<(RecordingSummary, Person), Refusal> {
    must_score(staff)?;
    let gone = || problem::NOT_FOUND.at("id", "there is no such recording, or it was deleted");
    let recording = app.store.recording(id).await?.ok_or_else(gone)?;
    if !may_see_recording(app, staff, id).await? {
        return Err(gone().into());
    }
    let agent = app.store.call(recording.call).await?.and_then(|(_, agent)| agent).ok_or_else(gone)?;
    let name = recording.agent.clone();
    Ok((recording, Person { id: agent, name }))
}

/// Whether somebody is kept from other people's judgements of a recording.
pub(super) async fn is_blinded(
    app: &AppState,
    viewer: UserId,
    recording: RecordingId,
) -> Result<bool, Refusal> {
    let asked: Vec<_> = app.store.seconds_of(recording).await?.iter().map(|row| row.asked).collect();
    Ok(blind::is_blinded(viewer, &asked))
}

/// A review that somebody may see: their own, a submitted one of their own call, or another's if they score and are not
/// kept from it. What they may not see is not there.
pub(super) async fn visible(app: &AppState, staff: &Staff, id: ReviewId) -> Result<ReviewRecord, Refusal> {
    let gone = || Refusal::from(problem::NOT_FOUND.at("id", "there is no such review, or it is not for you"));
    let record = app.store.review_record(id).await?.ok_or_else(gone)?;
    let summary = &record.summary;
    let submitted = summary.state == ReviewState::Submitted;
    if summary.agent.id == staff.0.id && submitted && staff.may(Action::DisputeScores) {
        return Ok(record);
    }
    if !staff.may(Action::ScoreRecordings) || !may_see_recording(app, staff, summary.recording).await? {
        return Err(gone());
    }
    let blinded = is_blinded(app, staff.0.id, summary.recording).await?;
    if blind::sees(staff.0.id, summary.reviewer.id, submitted, blinded) {
        return Ok(record);
    }
    if submitted {
        return Err(problem::REVIEW_SEALED
            .with("you may give a second score of this recording: other scores are shown when you have submitted it")
            .into());
    }
    Err(gone())
}

/// The same, and it must be one's own.
pub(super) async fn own(app: &AppState, staff: &Staff, id: ReviewId) -> Result<ReviewRecord, Refusal> {
    must_score(staff)?;
    let record = visible(app, staff, id).await?;
    if record.summary.reviewer.id == staff.0.id {
        return Ok(record);
    }
    Err(problem::NOT_ALLOWED.with("only the reviewer who wrote it may do this").into())
}

/// Somebody in relation to a review.
pub(super) fn who(staff: &Staff, record: &ReviewRecord) -> Who {
    Who {
        user: staff.0.id,
        agent: record.summary.agent.id,
        reviewer: record.summary.reviewer.id,
        decides: staff.may(Action::DecideDisputes),
    }
}

/// The states of the disputes of the newest revision.
pub(super) fn newest_disputes(record: &ReviewRecord) -> Vec<DisputeState> {
    let newest = record.summary.revisions;
    record.disputes.iter().filter(|one| one.revision == newest).map(|one| one.state).collect()
}

/// A review as it is shown to somebody: with what was written of the buyer masked, unless they wrote it or may read it.
pub(super) async fn shown(
    app: &AppState,
    staff: &Staff,
    mut record: ReviewRecord,
) -> Result<Review, Refusal> {
    if let Some(known) = hidden(app, staff, record.summary.call).await? {
        record.revisions.iter_mut().for_each(|one| mask::revision(one, &known, staff.0.id));
        record.disputes.iter_mut().for_each(|one| mask::dispute(one, &known, staff.0.id));
    }
    let may = rights(app, staff, &record);
    let wrote = record.summary.reviewer.id == staff.0.id;
    Ok(Review {
        draft: record.draft.filter(|_| wrote),
        summary: record.summary,
        form: record.form,
        revisions: record.revisions,
        disputes: record.disputes,
        may,
    })
}

/// What somebody may do with a review.
pub(super) fn rights(app: &AppState, staff: &Staff, record: &ReviewRecord) -> ReviewRights {
    let who = who(staff, record);
    let disputes = newest_disputes(record);
    let open = disputes.contains(&DisputeState::Open);
    let submitted = record.summary.state == ReviewState::Submitted;
    let wrote = who.user == who.reviewer;
    let revised_at = record.revised_at.filter(|_| submitted && who.user == who.agent);
    ReviewRights {
        write: wrote && !submitted,
        revise: wrote && submitted && !open,
        dispute: revised_at.is_some_and(|at| dispute::may_open(who, at, &disputes, app.store.now()).is_ok()),
        dispute_until: revised_at.map(dispute::window_end),
        decide: open && who.may_answer(),
        withdraw: open && who.user == who.agent,
        ask_second: submitted
            && !record.summary.second
            && who.user != who.agent
            && staff.may(Action::ScoreRecordings),
    }
}

/// A correction as it is kept. Texts that were shown masked and left so are those that were written.
pub(super) async fn corrected(
    app: &AppState,
    staff: &Staff,
    record: &ReviewRecord,
    sent: Answers,
) -> Result<Answers, Refusal> {
    let Some(known) = hidden(app, staff, record.summary.call).await? else { return Ok(sent) };
    let was = record.revisions.last();
    Ok(was.map_or_else(|| sent.clone(), |was| mask::unmasked(sent.clone(), &was.answers, &known)))
}

/// The review as it is now, after something was done to it.
pub(super) async fn again(app: &AppState, staff: &Staff, id: ReviewId) -> Result<Review, Refusal> {
    shown(app, staff, visible(app, staff, id).await?).await
}

/// A reason that says something and is not endless.
pub(super) fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let characters = text.chars().count();
    if (1..=REASON_MAX).contains(&characters) {
        return Ok(text.to_owned());
    }
    let detail = format!("has {characters} characters, must have 1 to {REASON_MAX}");
    Err(problem::FIELD_INVALID.at("reason", detail).into())
}
