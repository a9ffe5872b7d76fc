//! What manifests say, kept for a while. A replay asks for many small pieces of one recording, and the manifest of a long
//! call has tens of thousands of lines: to read it anew for each piece would take longer than everything else of a seek.
//!
//! Only finished recordings are kept, for they hardly ever change; that they have not is seen by the file itself. What was
//! erased must be forgotten here too, because the wrapped key is part of it.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use uuid::Uuid;

use crate::index::fold;
use crate::manifest::{self, Entry, Line};
use crate::model::RecordingIndex;
use crate::session::lock;

/// Recordings that are kept: what some reviewers are looking at. Two hours take some 3 MB.
const KNOWN_MAX: usize = 8;

/// What a manifest says about where media is and how it is opened.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) index: RecordingIndex,
    /// The recording's key, wrapped.
    pub(crate) key: Option<Vec<u8>>,
    files: Vec<TrackFile>,
}

/// The file of a track.
#[derive(Debug)]
pub(crate) struct TrackFile {
    track: String,
    pub(crate) name: String,
    pub(crate) number: u32,
    /// Bytes of the objects it is stored in, if it is in the store.
    pub(crate) piece: Option<u64>,
}

impl Contents {
    fn of(id: Uuid, lines: &[Line]) -> Option<Self> {
        let mut contents = Self { index: fold(id, lines)?, key: None, files: Vec::new() };
        for line in lines {
            match &line.entry {
                Entry::Start { key, .. } => {
                    contents.key = key.as_ref().and_then(|key| BASE64.decode(key).ok());
                }
                Entry::Track { track, file, number, .. } => contents.files.push(TrackFile {
                    track: track.clone(),
                    name: file.clone(),
                    number: *number,
                    piece: None,
                }),
                Entry::Stored { file, piece, .. } => {
                    for known in contents.files.iter_mut().filter(|known| known.name == *file) {
                        known.piece.get_or_insert(*piece);
                    }
                }
                _ => {}
            }
        }
        Some(contents)
    }

    /// The file of the track of this name.
    pub(crate) fn file(&self, track: &str) -> Option<&TrackFile> {
        self.files.iter().find(|file| file.track == track)
    }
}

/// Tells one state of a manifest from the next: it grows, or is replaced by another file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(folder: &Path) -> io::Result<Self> {
        let data = std::fs::metadata(folder.join(manifest::FILE_NAME))?;
        Ok(Self { inode: data.ino(), length: data.len(), modified: (data.mtime(), data.mtime_nsec()) })
    }
}

/// The contents of manifests that were read lately, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Known {
    recent: Mutex<VecDeque<(Uuid, Stamp, Arc<Contents>)>>,
}

impl Known {
    /// What the manifest in `folder` says now; `None` if it is not one of recording `id`. Blocks.
    pub(crate) fn read(&self, id: Uuid, folder: &Path) -> io::Result<Option<Arc<Contents>>> {
        let stamp = Stamp::of(folder)?;
        let found = lock(&self.recent).iter().find(|known| (known.0, known.1) == (id, stamp)).cloned();
        if let Some((.., contents)) = found {
            return Ok(Some(contents));
        }
        let (lines, _) = manifest::read(folder)?;
        let Some(contents) = Contents::of(id, &lines).map(Arc::new) else { return Ok(None) };
        if contents.index.complete && contents.index.erased.is_none() {
            let mut recent = lock(&self.recent);
            recent.retain(|known| known.0 != id);
            // Looked at under the lock: an erasure that came in between has forgotten it already, or will.
            if Stamp::of(folder).is_ok_and(|now| now == stamp) {
                recent.push_back((id, stamp, contents.clone()));
            }
            if recent.len() > KNOWN_MAX {
                recent.pop_front();
            }
        }
        Ok(Some(contents))
    }

    /// The recording was erased.
    pub(crate) fn forget(&self, id: Uuid) {
        lock(&self.recent).retain(|known| known.0 != id);
    }
}

#[cfg(test)]
mod tests {
    use sfu::NodeTime;

    use super::*;
    use crate::erase::erase_folder;
    use crate::manifest::{ManifestFile, StopReason, VERSION};

    fn finished(folder: &Path, id: Uuid) {
        let mut file = ManifestFile::create(folder).unwrap();
        let key = Some(BASE64.encode([7; 32]));
        let labels = serde_json::Value::Null;
        file.append(NodeTime(1), Entry::Start { version: VERSION, id, started: NodeTime(1), labels, key })
            .unwrap();
        file.append(NodeTime(2), Entry::Stop { reason: StopReason::Stopped, detail: None }).unwrap();
    }

    #[test]
    fn a_finished_recording_is_read_once_and_again_when_its_manifest_has_changed() {
        let (dir, known, id) = (tempfile::tempdir().unwrap(), Known::default(), Uuid::from_u128(1));
        finished(dir.path(), id);
        let read = || known.read(id, dir.path()).unwrap().unwrap();
        let first = read();
        assert!(Arc::ptr_eq(&first, &read()));
        let stored = Entry::Stored { file: "a".to_owned(), size: 1, piece: 1 };
        ManifestFile::append_to(dir.path()).unwrap().append(NodeTime(3), stored).unwrap();
        assert!(!Arc::ptr_eq(&first, &read()));
    }

    #[test]
    fn an_erased_recording_and_its_key_are_not_remembered() {
        let (dir, known, id) = (tempfile::tempdir().unwrap(), Known::default(), Uuid::from_u128(1));
        finished(dir.path(), id);
        assert!(known.read(id, dir.path()).unwrap().unwrap().key.is_some());
        erase_folder(dir.path(), id, "test", NodeTime(4)).unwrap();
        known.forget(id);
        let after = known.read(id, dir.path()).unwrap().unwrap();
        assert!(after.key.is_none() && after.index.erased.is_some());
        assert!(lock(&known.recent).is_empty());
    }

    #[test]
    fn only_so_many_are_kept() {
        let (dir, known) = (tempfile::tempdir().unwrap(), Known::default());
        for number in 0..20 {
            let (id, folder) = (Uuid::from_u128(number), dir.path().join(number.to_string()));
            std::fs::create_dir(&folder).unwrap();
            finished(&folder, id);
            known.read(id, &folder).unwrap().unwrap();
        }
        assert_eq!(lock(&known.recent).len(), KNOWN_MAX);
    }
}
