//! What lies on a recording's timeline besides its media.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use protocol::call::{ChatLine, Side};
use protocol::ids::{PartyId, RecordingId, UserId};
use protocol::replay::{
    CallEvent, CallEventKind, ReplayChatLine, ReplayEvent, ReplayGap, ReplayGapReason, ReplayGaps,
    ReplayPause, ReplayQuality, ReplayReceipt, ReplayTalk, ReplayTimeline, ReplayVoice, Stretch,
};
use protocol::rest::{QualityPoint, QualityTimeline, RecordedSide};
use recorder::{GapReason, RecordingIndex, Talk};

use super::extract::{Id, Staff};
use super::recordings::{milliseconds, openable, recorded_side};
use super::sight::is_plain;
use crate::app::AppState;
use crate::auth::mask;
use crate::floor::clock::timestamp;
use crate::problem::Refusal;

/// `GET /recordings/{id}/timeline`
pub(super) async fn timeline(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<RecordingId>,
) -> Result<Json<ReplayTimeline>, Refusal> {
    let (summary, index) = openable(&app, &staff, id).await?;
    let call = summary.call;
    let askers: Vec<UserId> =
        index.pauses.iter().filter_map(|pause| pause.by.parse().ok().map(UserId)).collect();
    let facts = Facts {
        names: app.store.names_of(&askers).await?,
        chat: app.store.chat_of(call).await?,
        events: app.store.events_of(call).await?,
        quality: app.store.quality_of(call).await?,
    };
    let mut timeline = laid_out(&index, facts);
    if !is_plain(&app, &staff, call).await? {
        mask::timeline(&mut timeline);
    }
    Ok(Json(timeline))
}

/// What the store knows of the call.
struct Facts {
    names: BTreeMap<UserId, String>,
    chat: Vec<(String, ChatLine)>,
    events: Vec<CallEvent>,
    quality: QualityTimeline,
}

/// Puts everything on the session timeline.
fn laid_out(index: &RecordingIndex, facts: Facts) -> ReplayTimeline {
    let zero = timestamp(index.started_at);
    let sides = sides(index, &facts.quality);
    let duration_ms = milliseconds(index.duration_ms);
    ReplayTimeline {
        duration_ms,
        complete: index.complete,
        talk: talk(index.talk()),
        pauses: index
            .pauses
            .iter()
            .map(|pause| ReplayPause {
                start_ms: milliseconds(pause.start_ms),
                end_ms: pause.end_ms.map(milliseconds),
                reason: pause.reason.clone(),
                by: pause
                    .by
                    .parse()
                    .ok()
                    .and_then(|by| facts.names.get(&UserId(by)).cloned())
                    .unwrap_or_default(),
                resumed_by_itself: pause.timed_out,
            })
            .collect(),
        holds: holds(&facts.events, zero, duration_ms),
        gaps: gaps(index),
        receipts: index
            .receipts
            .iter()
            .map(|receipt| ReplayReceipt {
                at_ms: place(timestamp(receipt.at), zero),
                // Receipts of earlier versions were all the buyer's.
                side: receipt.side.map_or(RecordedSide::Buyer, recorded_side),
                recording: receipt.recording,
                text_version: receipt.text_version.clone(),
                language: receipt.language.clone(),
                purpose: receipt.purpose.clone(),
            })
            .collect(),
        quality: [RecordedSide::Buyer, RecordedSide::Agent]
            .into_iter()
            .filter_map(|side| quality(side, &facts.quality.points, zero, index))
            .collect(),
        quality_truncated: facts.quality.truncated,
        chat: facts
            .chat
            .into_iter()
            .map(|(name, line)| ReplayChatLine {
                at_ms: place(line.at, zero),
                side: sides.get(&line.from).copied(),
                name,
                text: line.text,
            })
            .collect(),
        events: facts
            .events
            .into_iter()
            .map(|event| ReplayEvent { at_ms: place(event.at, zero), by: event.by, what: event.what })
            .collect(),
    }
}

/// Who stands on which side.
fn sides(index: &RecordingIndex, quality: &QualityTimeline) -> BTreeMap<PartyId, RecordedSide> {
    let measured = quality.points.iter().filter_map(|point| Some((point.party, call_side(point.side)?)));
    let recorded = index.tracks.iter().map(|track| (PartyId(track.party), recorded_side(track.side)));
    measured.chain(recorded).collect()
}

fn call_side(side: Side) -> Option<RecordedSide> {
    match side {
        Side::Buyer => Some(RecordedSide::Buyer),
        Side::Agent => Some(RecordedSide::Agent),
        Side::Consultant | Side::Supervisor => None,
    }
}

fn talk(talk: Talk) -> ReplayTalk {
    use base64::Engine;
    let sides = talk
        .sides
        .into_iter()
        .map(|voice| ReplayVoice {
            side: recorded_side(voice.side),
            peaks: base64::engine::general_purpose::STANDARD.encode(voice.peaks),
            speech: stretches(&voice.speech),
            talk_ms: milliseconds(voice.talk_ms),
            loudness_lufs: voice.loudness_lufs,
        })
        .collect();
    ReplayTalk {
        cell_ms: milliseconds(recorder::CELL_MS),
        sides,
        talk_over: stretches(&talk.talk_over),
        silence: stretches(&talk.silence),
    }
}

fn stretches(stretches: &[recorder::Stretch]) -> Vec<Stretch> {
    stretches.iter().map(|stretch| (milliseconds(stretch.start_ms), milliseconds(stretch.end_ms))).collect()
}

fn gaps(index: &RecordingIndex) -> Vec<ReplayGaps> {
    let gap = |gap: &recorder::Gap| ReplayGap {
        start_ms: milliseconds(gap.start_ms),
        end_ms: milliseconds(gap.end_ms),
        reason: match gap.reason {
            GapReason::Silent => ReplayGapReason::Silent,
            GapReason::Lost => ReplayGapReason::Lost,
            GapReason::Restart => ReplayGapReason::Restart,
            GapReason::Paused => ReplayGapReason::Paused,
        },
    };
    let tracks = index.tracks.iter().filter(|track| !track.gaps.is_empty());
    tracks
        .map(|track| ReplayGaps { track: track.id.clone(), gaps: track.gaps.iter().map(gap).collect() })
        .collect()
}

/// Where the buyer was on hold. A hold that nothing ended lasts to the end.
fn holds(events: &[CallEvent], zero: Timestamp, duration_ms: u32) -> Vec<Stretch> {
    let within = |at| u32::try_from(place(at, zero)).unwrap_or(0).min(duration_ms);
    let mut holds = Vec::new();
    let mut since = None;
    for event in events {
        match event.what {
            CallEventKind::Held => since = since.or(Some(within(event.at))),
            CallEventKind::TakenBack | CallEventKind::Ended { .. } => {
                holds.extend(since.take().map(|from| (from, within(event.at))));
            }
            _ => {}
        }
    }
    holds.extend(since.map(|from| (from, duration_ms)));
    holds.retain(|(from, to)| from < to);
    holds
}

/// The points of a side that lie within the recording.
fn quality(
    side: RecordedSide,
    points: &[QualityPoint],
    zero: Timestamp,
    index: &RecordingIndex,
) -> Option<ReplayQuality> {
    let end = i64::try_from(index.duration_ms).unwrap_or(i64::MAX).saturating_add(POINT_MS);
    let mine: Vec<(u32, &QualityPoint)> = points
        .iter()
        .filter(|point| call_side(point.side) == Some(side))
        .filter_map(|point| {
            let at = i64::from(place(point.at, zero));
            Some((u32::try_from(at).ok().filter(|_| at <= end)?, point))
        })
        .collect();
    let seen = |point: &QualityPoint| point.seen.unwrap_or_default();
    (!mine.is_empty()).then(|| ReplayQuality {
        side,
        at_ms: mine.iter().map(|(at, _)| *at).collect(),
        link: mine.iter().map(|(_, point)| point.link).collect(),
        rtt_ms: mine.iter().map(|(_, point)| point.rtt_ms).collect(),
        up_loss_permille: mine.iter().map(|(_, point)| point.up_loss_permille).collect(),
        down_loss_permille: mine.iter().map(|(_, point)| point.down_loss_permille).collect(),
        up_kbps: mine.iter().map(|(_, point)| point.up_kbps).collect(),
        down_kbps: mine.iter().map(|(_, point)| point.down_kbps).collect(),
        frozen_ms: mine.iter().map(|(_, point)| seen(point).frozen_ms).collect(),
        concealed_permille: mine.iter().map(|(_, point)| seen(point).concealed_permille).collect(),
    })
}

/// A point is told at its end, about this long after its beginning.
const POINT_MS: i64 = 2_000;

/// A moment in session time. 32 bits of milliseconds are 24 days either way.
fn place(at: Timestamp, zero: Timestamp) -> i32 {
    let ms = at.duration_since(zero).as_millis();
    i32::try_from(ms).unwrap_or(if ms < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn event(seconds: u64, what: CallEventKind) -> CallEvent {
        CallEvent { at: Timestamp::UNIX_EPOCH + Duration::from_secs(seconds), by: None, what }
    }

    #[test]
    fn holds_end_with_their_end_the_call_or_the_recording_and_none_is_before_it() {
        use CallEventKind::{Ended, Held, TakenBack};
        let zero = Timestamp::UNIX_EPOCH + Duration::from_secs(100);
        let ended = || Ended { reason: protocol::call::EndReason::BuyerHungUp };
        let check = |events: &[CallEvent], wanted: &[Stretch]| {
            assert_eq!(holds(events, zero, 60_000), wanted, "{events:?}");
        };
        check(&[event(110, Held), event(120, TakenBack)], &[(10_000, 20_000)]);
        check(&[event(90, Held), event(120, TakenBack)], &[(0, 20_000)]);
        check(&[event(80, Held), event(90, TakenBack)], &[]);
        check(&[event(110, Held), event(130, ended())], &[(10_000, 30_000)]);
        check(&[event(110, Held)], &[(10_000, 60_000)]);
        check(&[event(110, Held), event(112, Held), event(500, TakenBack)], &[(10_000, 60_000)]);
    }
}
