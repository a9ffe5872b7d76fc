//! What somebody sees of calls, tickets and recordings: which of them, and of those which fields. Every handler that
//! answers with something about a buyer asks here.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::http::StatusCode;
use jiff::SignedDuration;
use protocol::audit::AuditEvent;
use protocol::ids::{CallId, RecordingId, UserId};
use protocol::rest::{CallSummary, RecordingSummary, Why};
use protocol::search::Flag;

use super::extract::{Body, Id, Staff};
use crate::app::AppState;
use crate::audit::Note;
use crate::auth::Action;
use crate::auth::mask::{Known, Personal};
use crate::problem::{self, Refusal};
use crate::store::Scope;

/// Who has said why may read a call's personal fields for this long.
const UNMASKED: SignedDuration = SignedDuration::from_mins(30);
/// Calls looked up with one query.
const CALLS_AT_ONCE: usize = 500;
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

/// Masks what somebody may not read: the buyer's personal fields in calls of others and what was written of them, unless
/// they may, and have said why.
pub(super) async fn masked<T: Personal>(
    app: &AppState,
    staff: &Staff,
    mut items: Vec<T>,
) -> Result<Vec<T>, Refusal> {
    let calls: Vec<CallId> = items.iter().map(Personal::call).collect();
    let hidden = hidden_among(app, staff, &calls).await?;
    for item in &mut items {
        if let Some(known) = hidden.get(&item.call()) {
            item.mask(known, staff.0.id);
        }
    }
    Ok(items)
}

/// What must be hidden from somebody in texts about some calls; calls of which they may read everything are left out.
pub(super) async fn hidden_among(
    app: &AppState,
    staff: &Staff,
    calls: &[CallId],
) -> Result<HashMap<CallId, Known>, Refusal> {
    let mut hidden = HashMap::new();
    // In pieces: databases take only so many parameters.
    for calls in calls.chunks(CALLS_AT_ONCE) {
        let plain = plain(app, staff, calls).await?;
        let rest: Vec<CallId> = calls.iter().filter(|call| !plain.contains(call)).copied().collect();
        let mut known = app.store.known_of(&rest).await?;
        hidden.extend(rest.iter().map(|call| (*call, known.remove(call).unwrap_or_default())));
    }
    Ok(hidden)
}

/// Whether somebody may read the personal fields of a call now.
pub(super) async fn is_plain(app: &AppState, staff: &Staff, call: CallId) -> Result<bool, Refusal> {
    Ok(plain(app, staff, &[call]).await?.contains(&call))
}

/// What must be hidden from somebody in texts about a call; none when they may read everything.
pub(super) async fn hidden(app: &AppState, staff: &Staff, call: CallId) -> Result<Option<Known>, Refusal> {
    Ok(hidden_among(app, staff, &[call]).await?.remove(&call))
}

/// The calls whose personal fields somebody may read now: of these their own, and those they have said why for.
async fn plain(app: &AppState, staff: &Staff, calls: &[CallId]) -> Result<HashSet<CallId>, Refusal> {
    let mut plain = app.store.own_calls(staff.0.id, calls).await?;
    plain.extend(unmasked_by(app, staff).await?);
    Ok(plain)
}

/// The calls of others whose personal fields somebody has said why to read.
pub(super) async fn unmasked_by(app: &AppState, staff: &Staff) -> Result<HashSet<CallId>, Refusal> {
    if staff.may(Action::PlayUnmasked) {
        return Ok(app.store.calls_unmasked_by(staff.0.id, UNMASKED).await?);
    }
    Ok(HashSet::new())
}

/// Recordings as they are shown to somebody: masked, and with the legal holds if they may know of them.
pub(super) async fn recordings(
    app: &AppState,
    staff: &Staff,
    items: Vec<RecordingSummary>,
) -> Result<Vec<RecordingSummary>, Refusal> {
    let mut items = masked(app, staff, items).await?;
    if sees_holds(staff) {
        let ids: Vec<RecordingId> = items.iter().map(|item| item.id).collect();
        let held = app.store.held_among(&ids).await?;
        for item in items.iter_mut().filter(|item| held.contains(&item.id)) {
            item.flags.push(Flag::LegalHold);
        }
    }
    Ok(items)
}

/// Whether somebody may know which recordings are under a legal hold.
pub(super) fn sees_holds(staff: &Staff) -> bool {
    staff.may(Action::HoldRecordings)
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
