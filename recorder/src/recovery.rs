//! What a crash left is finished at the next start.
//!
//! A recording without a last line was running: the torn ends of its files and its manifest are cut off, and the
//! manifest is closed. Fragments the manifest speaks of but the file lacks (only a power failure does that) are struck
//! out by a line, since manifests are never rewritten. An erasure without its end is carried through.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use sfu::NodeTime;
use uuid::Uuid;

use crate::erase::{cut, erase_folder};
use crate::index::fold;
use crate::manifest::{self, Entry, Line, ManifestFile, StopReason};
use crate::vault::{OVERHEAD, Place};

/// What was found in one folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Nothing to do.
    Complete,
    /// It was running; so many bytes were cut off.
    Recovered { bytes_cut: u64 },
    /// Its erasure had been interrupted.
    Erased,
    /// A folder without anything in it: the crash came before the first line. It is gone now.
    Empty,
}

/// Finishes the recording in `folder`. The error says what is wrong in words.
pub(crate) fn recover(folder: &Path, id: Uuid, at: NodeTime) -> Result<Found, String> {
    let (lines, good) = match manifest::read(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Only an empty folder can be removed so.
            return match std::fs::remove_dir(folder) {
                Ok(()) => Ok(Found::Empty),
                Err(_) => Err("there is media but no manifest".to_owned()),
            };
        }
        Err(error) => return Err(format!("cannot read the manifest: {error}")),
    };
    let Some(index) = fold(id, &lines) else {
        return Err("the manifest does not begin as one of this recording".to_owned());
    };
    if let Some(note) = &index.erased {
        let finished = std::fs::read_dir(folder).is_ok_and(|entries| entries.count() == 1);
        if finished {
            return Ok(Found::Complete);
        }
        erase_folder(folder, id, &note.reason, at)
            .map_err(|(action, error)| format!("cannot {action}: {error}"))?;
        return Ok(Found::Erased);
    }
    if index.complete {
        return Ok(Found::Complete);
    }
    close(folder, &lines, good as u64, at).map_err(|error| format!("cannot close it: {error}"))
}

/// A track file as its manifest has it.
struct TrackFile<'a> {
    file: &'a str,
    init: u64,
    /// Offset and length.
    fragments: Vec<(u64, u64)>,
}

fn close(folder: &Path, lines: &[Line], good: u64, at: NodeTime) -> std::io::Result<Found> {
    let mut bytes_cut = cut(&folder.join(manifest::FILE_NAME), good)?;
    let mut tracks: BTreeMap<&str, TrackFile<'_>> = BTreeMap::new();
    for line in lines {
        match &line.entry {
            Entry::Track { track, file, init, .. } => {
                tracks.insert(track, TrackFile { file, init: *init, fragments: Vec::new() });
            }
            Entry::Fragment { track, offset, length, .. } => {
                if let Some(track) = tracks.get_mut(track.as_str()) {
                    track.fragments.push((*offset, *length));
                }
            }
            _ => {}
        }
    }
    let mut manifest = ManifestFile::append_to(folder)?;
    for (id, track) in tracks {
        let announced = track.fragments.last().map_or(track.init, |(offset, length)| offset + length);
        let whole = whole_length(&folder.join(track.file), &track)?;
        if whole.media > 0 {
            bytes_cut += cut(&folder.join(track.file), whole.sealed)?;
        }
        if whole.media < announced {
            manifest.append(at, Entry::Cut { track: id.to_owned(), length: whole.media })?;
        }
    }
    manifest.append(at, Entry::Stop { reason: StopReason::Recovered, detail: None })?;
    Ok(Found::Recovered { bytes_cut })
}

/// How much of a track's media is whole: its init segment and all fragments up to the first that is not there.
fn whole_length(path: &Path, track: &TrackFile<'_>) -> std::io::Result<Whole> {
    let mut whole = Whole::default();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(whole),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    for (&(offset, size), chunk) in std::iter::once(&(0, track.init)).chain(&track.fragments).zip(0..) {
        let begin = Place { file: 0, chunk, offset }.sealed_offset();
        let end = begin + size + OVERHEAD;
        if offset != whole.media || end > length || is_hole(&mut file, begin)? {
            break;
        }
        whole = Whole { media: offset + size, sealed: end };
    }
    Ok(whole)
}

/// What of a file is whole: bytes of media, and the bytes they take sealed.
#[derive(Clone, Copy, Default)]
struct Whole {
    media: u64,
    sealed: u64,
}

/// Whether a chunk never came to the disk: after a power failure a file may have its length but not its bytes, and a
/// sealed chunk does not begin with sixteen zeros.
fn is_hole(file: &mut File, offset: u64) -> std::io::Result<bool> {
    let mut head = [0; 16];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut head)?;
    Ok(head == [0; 16])
}
