//! What somebody sees of calls, tickets and recordings: which of them, and of those which fields. Every handler that
//! answers with something about a buyer asks here.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use protocol::audit::AuditEvent;
use protocol::ids::{CallId, RecordingId, UserId};
use protocol::rest::{CallSummary, Why};

use super::extract::{Body, Id, Staff};
use crate::app::AppState;
use crate::audit::Note;
use crate::auth::Action;
use crate::auth::mask::Personal;
use crate::problem::{self, Refusal};
use crate::store::Scope;

/// Who has said why may read a call's personal fields for this long.
const UNMASKED: SignedDuration = SignedDuration::from_mins(30);
/// Longest reason, characters.
const WHY_MAX: usize = 500;

/// The calls that somebody sees.
pub(super) fn scope(staff: &Staff) -> Result<Scope, Refusal> {
    Scope::of(&staff.0)
        .ok_or_else(|| problem::NOT_ALLOWED.with("your rights do not include seeing calls").into())
}

/// A call that somebody may see, and who accepted it. What they may not see is not there.
pub(super) async fn visible(
    app: &AppState,
    staff: &Staff,
    id: CallId,
) -> Result<(CallSummary, Option<UserId>), Refusal> {
    let scope = scope(staff)?;
    match app.store.call(id).await? {
        Some((call, agent)) if scope.includes(agent, &call.queue) => Ok((call, agent)),
        _ => Err(problem::NOT_FOUND.at("id", "there is no such call, or you may not see it").into()),
    }
}

/// Masks what somebody may not read: the buyer's personal fields in calls of others, unless they may, and have said why.
pub(super) async fn masked<T: Personal>(
    app: &AppState,
    staff: &Staff,
    mut items: Vec<T>,
) -> Result<Vec<T>, Refusal> {
    let calls: Vec<CallId> = items.iter().map(Personal::call).collect();
    let plain = plain(app, staff, &calls).await?;
    for item in &mut items {
        if !plain.contains(&item.call()) {
            item.mask();
        }
    }
    Ok(items)
}

/// Whether somebody may read the personal fields of a call now.
pub(super) async fn is_plain(app: &AppState, staff: &Staff, call: CallId) -> Result<bool, Refusal> {
    Ok(plain(app, staff, &[call]).await?.contains(&call))
}

/// The calls whose personal fields somebody may read now: of these their own, and those they have said why for.
async fn plain(app: &AppState, staff: &Staff, calls: &[CallId]) -> Result<HashSet<CallId>, Refusal> {
    let mut plain = app.store.own_calls(staff.0.id, calls).await?;
    if staff.may(Action::PlayUnmasked) {
        plain.extend(app.store.calls_unmasked_by(staff.0.id, UNMASKED).await?);
    }
    Ok(plain)
}

/// Whether somebody may see this recording, whose media may be gone.
pub(super) async fn may_see_recording(
    app: &AppState,
    staff: &Staff,
    id: RecordingId,
) -> Result<bool, Refusal> {
    let Some(recording) = app.store.kept_recording(id).await? else { return Ok(false) };
    let agent = app.store.call(recording.call).await?.and_then(|(_, agent)| agent);
    Ok(Scope::of_recordings(&staff.0).includes(agent, &recording.queue))
}

/// The same for one.
pub(super) async fn masked_one<T: Personal>(app: &AppState, staff: &Staff, item: T) -> Result<T, Refusal> {
    let one = masked(app, staff, vec![item]).await?.pop();
    one.ok_or_else(|| problem::INTERNAL.with("an answer was lost").into())
}

/// `POST /calls/{id}/unmask`: says why, and reads the buyer's personal fields for half an hour.
pub(super) async fn unmask(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<CallId>,
    Body(reason): Body<Why>,
) -> Result<StatusCode, Refusal> {
    staff.must(Action::PlayUnmasked, "reading personal data of buyers")?;
    visible(&app, &staff, id).await?;
    let why = said(&reason.why)?;
    app.store.note(Note::new(staff.0.id, AuditEvent::Unmasked).call(id).why(why)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A reason that can be kept: 1 to 500 characters.
pub(super) fn said(why: &str) -> Result<&str, Refusal> {
    let why = why.trim();
    match why.chars().count() {
        0 => Err(problem::FIELD_INVALID.at("why", "say what for: it goes into the audit log").into()),
        1..=WHY_MAX => Ok(why),
        more => {
            Err(problem::FIELD_INVALID.at("why", format!("has {more} characters, at most {WHY_MAX}")).into())
        }
    }
}
