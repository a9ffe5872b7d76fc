//! Recordings: find, and hand out what a player needs. Every opening is logged.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use protocol::audit::AuditEvent;
use protocol::governance::Kept;
use protocol::ids::RecordingId;
use protocol::rest::{
    ByteRange, Fragment, Page, RecordedSide, Recording, RecordingSummary, RecordingTrack, Turn, Why,
};
use protocol::search::{Facets, Flag};
use recorder::{IndexError, IndexTrack, RecordingIndex};

use super::extract::{Body, Id, Staff};
use super::range;
use super::sight::{self, masked_one, may_see_recording, said, sees_holds};
use crate::app::AppState;
use crate::audit::Note;
use crate::auth::Action;
use crate::floor::clock::timestamp;
use crate::problem::{self, Refusal};
use crate::retention;
use crate::search::{BadFilter, Filter, Listing, Scope};

/// Playing is logged once in this time for each person and recording: a player reads hundreds of parts.
const PLAYING: SignedDuration = SignedDuration::from_mins(30);

/// `GET /recordings`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<RecordingSummary>>, Refusal> {
    staff.must(Action::SeeRecordings, "seeing recordings")?;
    let Listing { search, zone, limit, after } = listing(query)?;
    may_ask(&staff, &search.filter)?;
    let window = search.filter.window(app.store.now(), &zone);
    let scope = scope(&app, &staff).await?;
    let page = app.store.search_recordings(&search, window, &scope, limit, after).await?;
    Ok(Json(Page { items: sight::recordings(&app, &staff, page.items).await?, next: page.next }))
}

/// `GET /recordings/facets`
pub(super) async fn facets(
    State(app): State<AppState>,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Result<Json<Facets>, Refusal> {
    staff.must(Action::SeeRecordings, "seeing recordings")?;
    let Listing { search, zone, .. } = listing(query)?;
    may_ask(&staff, &search.filter)?;
    let window = search.filter.window(app.store.now(), &zone);
    let scope = scope(&app, &staff).await?;
    let mut facets = app.store.recording_facets(&search.filter, window, &scope).await?;
    for facet in &mut facets.queues {
        facet.label = app.queues.named(&facet.value).map(|queue| queue.title.clone());
    }
    Ok(Json(facets))
}

/// What somebody may find.
pub(super) async fn scope(app: &AppState, staff: &Staff) -> Result<Scope, Refusal> {
    Ok(Scope {
        me: staff.0.id,
        queues: staff.0.queues.clone(),
        plain: sight::unmasked_by(app, staff).await?.into_iter().collect(),
        holds: sees_holds(staff),
    })
}

/// Refuses to search by what somebody may not know.
pub(super) fn may_ask(staff: &Staff, filter: &Filter) -> Result<(), Refusal> {
    if filter.flags.contains(&Flag::LegalHold) && !sees_holds(staff) {
        return Err(problem::NOT_ALLOWED.at("flag", "your rights do not include legal holds").into());
    }
    Ok(())
}

fn listing(query: Option<String>) -> Result<Listing, Refusal> {
    Listing::parse(&query.unwrap_or_default())
        .map_err(|error| problem::QUERY_INVALID.at(error.field, error.why).into())
}

/// A search that stands in a field of a body.
pub(super) fn bad_filter(field: &str, error: &BadFilter) -> Refusal {
    problem::FIELD_INVALID.at(field, error.to_string()).into()
}

/// `GET /recordings/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
) -> Result<Json<Recording>, Refusal> {
    let (mut summary, index) = openable(&app, &staff, id).await?;
    tracing::info!(recording = %id, call = %summary.call, user = %staff.0.id, "a recording was opened");
    let tracks = index.tracks.into_iter().map(|track| shown(id, track)).collect();
    let mut kept = kept(&app, id).await?;
    if !sees_holds(&staff) {
        kept.holds.clear();
    } else if !kept.holds.is_empty() {
        summary.flags.push(Flag::LegalHold);
    }
    let recording = Recording { summary, tracks, kept, masked: false };
    Ok(Json(masked_one(&app, &staff, recording).await?))
}

/// `POST /recordings/{id}/plays`: says what for. Without it the first byte of media is logged all the same.
pub(super) async fn plays(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
    Body(reason): Body<Why>,
) -> Result<StatusCode, Refusal> {
    playable(&app, &staff, id).await?;
    let why = said(&reason.why)?;
    app.store.note(Note::new(staff.0.id, AuditEvent::RecordingPlayed).recording(id).why(why)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /recordings/{id}/tracks/{track}`
pub(super) async fn track(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
    Path((_, track)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    playable(&app, &staff, id).await?;
    // Ids of tracks are made by us of these characters; anything else is not a file's name.
    let is_plain = track.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if track.is_empty() || track.len() > 64 || !is_plain {
        return Err(problem::NOT_FOUND.at("track", "the recording has no such track").into());
    }
    let media = app.archive.open_track(id, &track).await.map_err(refused)?;
    // Before the first byte: what cannot be logged is not played.
    let played = Note::new(staff.0.id, AuditEvent::RecordingPlayed).recording(id);
    app.store.note_once_in(PLAYING, played).await?;
    tracing::debug!(recording = %id, track, user = %staff.0.id, "media of a recording was read");
    let etag = format!("\"{id}-{track}-{}\"", media.length());
    Ok(range::serve(media, &etag, &headers))
}

/// A recording that somebody may play, with its index.
pub(super) async fn openable(
    app: &AppState,
    staff: &Staff,
    id: RecordingId,
) -> Result<(RecordingSummary, RecordingIndex), Refusal> {
    let mut summary = playable(app, staff, id).await?;
    let index = app.archive.index(id).await.map_err(refused)?;
    if index.erased.is_some() {
        return Err(gone());
    }
    // The recorder knows better than the store: of the end while the recording runs, and where session time begins.
    summary.duration_ms = milliseconds(index.duration_ms);
    summary.complete |= index.complete;
    if index.started_at.0 > 0 {
        summary.started_at = timestamp(index.started_at);
    }
    Ok((summary, index))
}

async fn playable(app: &AppState, staff: &Staff, id: RecordingId) -> Result<RecordingSummary, Refusal> {
    staff.must(Action::PlayRecordings, "playing recordings")?;
    let summary = app.store.recording(id).await?.ok_or_else(gone)?;
    if !may_see_recording(app, staff, id).await? {
        return Err(gone());
    }
    unlocked(staff, &summary)?;
    Ok(summary)
}

/// Refuses what its buyer took back and a legal hold keeps: it is for those who look after holds.
pub(super) fn unlocked(staff: &Staff, summary: &RecordingSummary) -> Result<(), Refusal> {
    if summary.flags.contains(&Flag::Withheld) && !staff.may(Action::HoldRecordings) {
        let detail = "the buyer took back their consent; it is deleted as soon as that is allowed";
        return Err(problem::RECORDING_WITHHELD.with(detail).into());
    }
    Ok(())
}

/// Until when a recording is kept, and why.
async fn kept(app: &AppState, id: RecordingId) -> Result<Kept, Refusal> {
    let recording = app.store.kept_recording(id).await?.ok_or_else(gone)?;
    let (days, rule) = app.retention.days(&recording.queue, recording.country.as_deref());
    let holds = app.store.holds_on(id, recording.call).await?;
    Ok(Kept { until: retention::after(recording.started_at, days), days, rule, holds })
}

fn gone() -> Refusal {
    problem::NOT_FOUND.at("id", "there is no such recording, or it was deleted").into()
}

fn refused(error: IndexError) -> Refusal {
    match error {
        IndexError::NotFound(_) => gone(),
        IndexError::NoTrack { .. } => {
            problem::NOT_FOUND.at("track", "the recording has no such track").into()
        }
        IndexError::Damaged(_) | IndexError::NoArchive(_) | IndexError::Io { .. } => {
            tracing::error!(%error, "a recording cannot be read");
            problem::INTERNAL.with("the recording cannot be read").into()
        }
    }
}

fn shown(recording: RecordingId, track: IndexTrack) -> RecordingTrack {
    let bytes = |range: recorder::ByteRange| ByteRange { offset: range.offset, length: range.length };
    RecordingTrack {
        url: format!("/api/v1/recordings/{recording}/tracks/{}", track.id),
        id: track.id,
        side: recorded_side(track.side),
        name: track.name,
        source: match track.source {
            sfu::Source::Microphone => protocol::call::Source::Microphone,
            sfu::Source::Camera => protocol::call::Source::Camera,
            sfu::Source::Screen => protocol::call::Source::Screen,
        },
        mime: track.mime,
        turns: track
            .rotations
            .into_iter()
            .filter(|_| track.source.kind() == sfu::Kind::Video)
            .map(|rotation| Turn { at_ms: milliseconds(rotation.at_ms), degrees: rotation.degrees })
            .collect(),
        init: bytes(track.init),
        fragments: track
            .fragments
            .into_iter()
            .map(|fragment| Fragment {
                bytes: bytes(fragment.bytes),
                start_ms: milliseconds(fragment.start_ms),
                end_ms: milliseconds(fragment.end_ms),
                keyframe: fragment.keyframe,
            })
            .collect(),
    }
}

pub(super) fn recorded_side(side: recorder::Side) -> RecordedSide {
    match side {
        recorder::Side::Buyer => RecordedSide::Buyer,
        recorder::Side::Agent => RecordedSide::Agent,
    }
}

/// 32 bits of milliseconds are 49 days.
pub(super) fn milliseconds(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
