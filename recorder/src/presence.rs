//! What there is of a recording: the truth that whoever keeps lists of recordings corrects them by.

use std::path::Path;

use sfu::NodeTime;
use uuid::Uuid;

use crate::archive::Archive;
use crate::index::fold;
use crate::manifest::{self, Entry, Line};
use crate::model::{ErasedNote, IndexTrack, Side};
use crate::recorder::{Recorder, blocking, list, wall_clock};
use crate::recovery::{Found, recover};
use crate::session::lock;
use crate::vault::OVERHEAD;

/// What there is of one recording.
#[derive(Clone, PartialEq, Debug)]
pub enum Presence {
    /// Nothing at all.
    Absent,
    /// It is being recorded.
    Running,
    /// It has ended.
    Ended(Kept),
    /// Its media was deleted on purpose.
    Erased {
        /// When and why.
        note: ErasedNote,
        /// Zero of the session timeline.
        started_at: NodeTime,
        /// As given at the start.
        labels: serde_json::Value,
    },
    /// There is something that cannot be understood; why, in words.
    Unreadable(String),
}

/// A recording that has ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    /// Zero of the session timeline.
    pub started_at: NodeTime,
    /// Length of the session timeline, milliseconds.
    pub duration_ms: u64,
    /// As given at the start.
    pub labels: serde_json::Value,
    /// When the buyer said no to being recorded the last time, by the receipts in the manifest.
    pub refused_at: Option<NodeTime>,
    /// Tracks with media, by the manifest.
    pub tracks: u32,
    /// Those of them whose file is gone or too short.
    pub missing: Vec<String>,
}

impl Kept {
    /// Whether everything the manifest tells of is gone.
    pub fn is_gone(&self) -> bool {
        self.tracks > 0 && self.missing.len() == self.tracks as usize
    }
}

/// How far to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Files here; what the manifest says is in the store is taken to be there.
    Here,
    /// The store is asked as well: one listing a recording. A store that does not answer is believed to have it.
    Everywhere,
}

/// A track's file, and what says that it is in the store.
struct Media {
    track: String,
    file: String,
    /// What the store should have, bytes.
    stored: Option<u64>,
}

impl Recorder {
    /// Every recording there is something of.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub async fn recordings(&self) -> std::io::Result<Vec<Uuid>> {
        let dir = self.inner.config.dir.clone();
        blocking(move || list(&dir)).await.and_then(|listed| listed)
    }

    /// What there is of a recording. One that does not run and was never closed (its disk failed) is closed by the way.
    pub async fn presence(&self, id: Uuid, look: Look) -> Presence {
        let folder = self.inner.folder(id);
        let looked = {
            let _turn = self.inner.turn(id).await;
            if self.inner.is_live(id) {
                return Presence::Running;
            }
            blocking(move || inspect(&folder, id)).await
        };
        let (mut presence, media, closed) = match looked {
            Ok(looked) => looked,
            Err(died) => return Presence::Unreadable(died.to_string()),
        };
        if closed {
            lock(&self.inner.settled).remove(&id);
            self.inner.work.notify_one();
        }
        if let (Presence::Ended(kept), Look::Everywhere, Some(archive)) =
            (&mut presence, look, &self.inner.config.archive)
        {
            for file in media {
                if !is_stored(archive, id, &file).await {
                    kept.missing.push(file.track);
                }
            }
        }
        presence
    }
}

async fn is_stored(archive: &Archive, id: Uuid, media: &Media) -> bool {
    match archive.size(id, &media.file).await {
        Ok(size) => media.stored.is_some_and(|stored| size >= stored),
        Err(error) => {
            tracing::warn!(recording = %id, %error, "the store cannot be asked for a recording");
            true
        }
    }
}

/// Looks into a folder: what is there, which files the store should have, and whether it had to be closed.
fn inspect(folder: &Path, id: Uuid) -> (Presence, Vec<Media>, bool) {
    if !folder.exists() {
        return (Presence::Absent, Vec::new(), false);
    }
    let trouble = match recover(folder, id, wall_clock()) {
        Ok(Found::Empty) => return (Presence::Absent, Vec::new(), false),
        Ok(found) => {
            if let Found::Recovered { bytes_cut } = found {
                tracing::warn!(recording = %id, bytes_cut, "closed a recording that had ended without a last line");
            }
            Ok(matches!(found, Found::Recovered { .. }))
        }
        // A disk that is full or may only be read keeps it from being closed, not from being read.
        Err(why) => Err(why),
    };
    let lines = manifest::read(folder).map(|(lines, _)| lines).unwrap_or_default();
    let Some(index) = fold(id, &lines) else {
        let why = trouble.err().unwrap_or_else(|| "the manifest cannot be read".to_owned());
        return (Presence::Unreadable(why), Vec::new(), false);
    };
    let closed = trouble.unwrap_or_else(|why| {
        tracing::warn!(recording = %id, why, "a recording that has ended cannot be closed yet");
        false
    });
    if let Some(note) = index.erased {
        let erased = Presence::Erased { note, started_at: index.started_at, labels: index.labels };
        return (erased, Vec::new(), closed);
    }
    let (mut missing, mut stored) = (Vec::new(), Vec::new());
    for track in &index.tracks {
        let Some(media) = media_of(track, &lines) else { continue };
        let here = std::fs::metadata(folder.join(&media.file)).is_ok_and(|file| file.len() >= sealed(track));
        match (here, media.stored) {
            (true, _) => {}
            (false, Some(_)) => stored.push(media),
            (false, None) => missing.push(media.track),
        }
    }
    // Receipts of earlier versions were all the buyer's.
    let refusals =
        index.receipts.iter().filter(|it| it.side.unwrap_or(Side::Buyer) == Side::Buyer && !it.recording);
    let kept = Kept {
        started_at: index.started_at,
        duration_ms: index.duration_ms,
        refused_at: refusals.map(|receipt| receipt.at).max(),
        labels: index.labels,
        tracks: index.tracks.len() as u32,
        missing,
    };
    (Presence::Ended(kept), stored, closed)
}

fn media_of(track: &IndexTrack, lines: &[Line]) -> Option<Media> {
    let file = lines.iter().find_map(|line| match &line.entry {
        Entry::Track { track: known, file, .. } if *known == track.id => Some(file.clone()),
        _ => None,
    })?;
    let stored = lines.iter().find_map(|line| match &line.entry {
        Entry::Stored { file: known, size, .. } if *known == file => Some(*size),
        _ => None,
    });
    Some(Media { track: track.id.clone(), file, stored })
}

/// Bytes a track's media takes sealed: a tag for the init segment and each fragment.
fn sealed(track: &IndexTrack) -> u64 {
    track.length + OVERHEAD * (1 + track.fragments.len() as u64)
}
