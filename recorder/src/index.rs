//! Manifest lines to what a player needs.

use uuid::Uuid;

use crate::manifest::{Entry, Line, sound_run};
use crate::model::{
    ByteRange, ErasedNote, Fragment, Gap, IndexTrack, Pause, RecordingIndex, RecordingSummary, Rotation,
};

/// Folds the lines of a manifest. `None` if they do not begin as a manifest of recording `id` does.
pub(crate) fn fold(id: Uuid, lines: &[Line]) -> Option<RecordingIndex> {
    let mut index = RecordingIndex {
        id,
        started_at: Default::default(),
        duration_ms: 0,
        complete: false,
        erased: None,
        labels: serde_json::Value::Null,
        receipts: Vec::new(),
        quality: Vec::new(),
        pauses: Vec::new(),
        tracks: Vec::new(),
    };
    match &lines.first()?.entry {
        Entry::Start { id: written, .. } | Entry::Erase { id: written, .. } if *written == id => {}
        _ => return None,
    }
    for line in lines {
        index.add(line);
    }
    if index.erased.is_some() {
        index.tracks.clear();
        index.complete = true;
    }
    index.tracks.retain(|track| !track.fragments.is_empty());
    index.tracks.sort_by_key(|track| track.fragments[0].start_ms);
    let end = |track: &IndexTrack| track.fragments.last().map_or(0, |fragment| fragment.end_ms);
    index.duration_ms = index.tracks.iter().map(end).max().unwrap_or(0);
    Some(index)
}

impl RecordingIndex {
    fn add(&mut self, line: &Line) {
        match &line.entry {
            Entry::Start { started, labels, .. } => {
                self.started_at = *started;
                self.labels = labels.clone();
            }
            Entry::Receipt { receipt } => self.receipts.push(receipt.clone()),
            Entry::Track { track, party, side, name, source, mime, init, size, rotation, .. } => {
                self.tracks.push(IndexTrack {
                    id: track.clone(),
                    party: *party,
                    side: *side,
                    name: name.clone(),
                    source: (*source).into(),
                    mime: mime.clone(),
                    length: *init,
                    init: ByteRange { offset: 0, length: *init },
                    fragments: Vec::new(),
                    gaps: Vec::new(),
                    rotation: *rotation,
                    rotations: vec![Rotation { at_ms: 0, degrees: *rotation }],
                    size: *size,
                    dropped: 0,
                    sound: Vec::new(),
                });
            }
            Entry::Fragment { track, offset, length, start_ms, end_ms, keyframe } => {
                let Some(track) = self.track(track) else { return };
                if track.fragments.is_empty() {
                    track.rotations[0].at_ms = *start_ms;
                }
                let bytes = ByteRange { offset: *offset, length: *length };
                track.fragments.push(Fragment {
                    bytes,
                    start_ms: *start_ms,
                    end_ms: *end_ms,
                    keyframe: *keyframe,
                });
                track.length = offset + length;
            }
            Entry::Gap { track, start_ms, end_ms, reason } => {
                if let Some(track) = self.track(track) {
                    track.gaps.push(Gap { start_ms: *start_ms, end_ms: *end_ms, reason: *reason });
                }
            }
            Entry::Rotation { track, at_ms, degrees } => {
                if let Some(track) = self.track(track) {
                    track.rotations.push(Rotation { at_ms: *at_ms, degrees: *degrees });
                }
            }
            Entry::Sound { track, first, peaks, speech, loudness } => {
                if let Some(track) = self.track(track) {
                    track.sound.push(sound_run(*first, peaks, speech, *loudness));
                }
            }
            Entry::TrackEnd { track, dropped, .. } => {
                if let Some(track) = self.track(track) {
                    track.dropped = *dropped;
                }
            }
            Entry::Cut { track, length } => {
                if let Some(track) = self.track(track) {
                    track
                        .fragments
                        .retain(|fragment| fragment.bytes.offset + fragment.bytes.length <= *length);
                    track.length = *length;
                }
            }
            Entry::Pause { at_ms, reason, by, .. } => self.pauses.push(Pause {
                start_ms: *at_ms,
                end_ms: None,
                reason: reason.clone(),
                by: by.clone(),
                timed_out: false,
            }),
            Entry::Resume { at_ms, timed_out } => {
                if let Some(pause) = self.pauses.last_mut() {
                    (pause.end_ms, pause.timed_out) = (Some(*at_ms), *timed_out);
                }
            }
            Entry::Quality { points } => self.quality.push(points.clone()),
            Entry::Stored { .. } | Entry::Purged => {}
            Entry::Stop { .. } => self.complete = true,
            Entry::Erase { reason, .. } => {
                self.erased = Some(ErasedNote { at: line.at, reason: reason.clone() });
            }
        }
    }

    /// Tracks are few, and the last ones are the ones written to.
    fn track(&mut self, id: &str) -> Option<&mut IndexTrack> {
        self.tracks.iter_mut().rev().find(|track| track.id == id)
    }

    /// The recording in four numbers.
    pub(crate) fn summary(&self) -> RecordingSummary {
        RecordingSummary {
            started_at: self.started_at,
            duration_ms: self.duration_ms,
            bytes: self.tracks.iter().map(|track| track.length).sum(),
            tracks: self.tracks.len() as u32,
        }
    }
}
