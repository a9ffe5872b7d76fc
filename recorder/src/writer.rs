//! What a track has to say, onto the disk. Blocking code: it runs where blocking is allowed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::manifest::Entry;
use crate::model::TrackSpec;
use crate::session::{Session, lock};
use crate::track::{NewFile, Output};
use crate::vault::{Place, RecordingKey};

/// What a power failure may cost. A crash of the process costs less: the system has the bytes once they are written.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// Writes the files of one tap, one after another.
#[derive(Debug)]
pub(crate) struct TrackWriter {
    session: Arc<Session>,
    spec: TrackSpec,
    /// Id for the first file; later ones get their own.
    first_id: Option<String>,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    id: String,
    number: u32,
    file: File,
    chunks: u64,
    /// Bytes of media so far.
    length: u64,
    synced: Instant,
}

impl TrackWriter {
    pub(crate) fn new(session: Arc<Session>, spec: TrackSpec, first_id: String) -> Self {
        Self { session, spec, first_id: Some(first_id), open: None }
    }

    /// Writes one output: media first, then the line that speaks of it. `dropped` are the tap's losses so far.
    pub(crate) fn write(&mut self, output: Output, dropped: u64) -> std::io::Result<()> {
        if let Output::Open(new) = output {
            return self.begin(new);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let track = open.id.clone();
        let entry = match output {
            Output::Open(_) => return Ok(()),
            Output::Fragment { bytes, start_ms, end_ms, keyframe } => {
                let length = bytes.len() as u64;
                open.append(&self.session.key, bytes)?;
                Entry::Fragment { track, offset: open.length - length, length, start_ms, end_ms, keyframe }
            }
            Output::Gap { start_ms, end_ms, reason } => Entry::Gap { track, start_ms, end_ms, reason },
            Output::Rotation { at_ms, degrees } => Entry::Rotation { track, at_ms, degrees },
            Output::Sound(run) => Entry::sound(track, &run),
            Output::Close(stats) => {
                open.file.sync_data()?;
                self.open = None;
                Entry::TrackEnd {
                    track,
                    dropped,
                    lost: stats.lost,
                    late: stats.late,
                    malformed: stats.malformed,
                    undecodable: stats.undecodable,
                }
            }
        };
        let mut manifest = lock(&self.session.manifest);
        manifest.append(self.session.now(), entry)?;
        if let Some(open) = &mut self.open
            && open.synced.elapsed() >= SYNC_EVERY
        {
            open.synced = Instant::now();
            open.file.sync_data()?;
            manifest.sync()?;
        }
        Ok(())
    }

    fn begin(&mut self, new: NewFile) -> std::io::Result<()> {
        let TrackSpec { party, side, name, source } = self.spec.clone();
        let id = self.first_id.take().unwrap_or_else(|| self.session.new_track_id(side, source));
        let number = self.session.new_file_number();
        let file_name = format!("{id}.{}", new.extension);
        // The line comes first here: no file of media without a manifest that knows of it.
        lock(&self.session.manifest).append(
            self.session.now(),
            Entry::Track {
                track: id.clone(),
                party,
                side,
                name,
                source: source.into(),
                codec: new.codec.name().to_owned(),
                mime: new.mime,
                file: file_name.clone(),
                number,
                init: new.init.len() as u64,
                size: new.size,
                rotation: new.rotation,
            },
        )?;
        let file = File::options().write(true).create_new(true).open(self.session.folder.join(file_name))?;
        let mut open = OpenFile { id, number, file, chunks: 0, length: 0, synced: Instant::now() };
        open.append(&self.session.key, new.init)?;
        self.open = Some(open);
        Ok(())
    }
}

impl OpenFile {
    /// Adds a chunk; on failure the file is as it was.
    fn append(&mut self, key: &RecordingKey, mut chunk: Vec<u8>) -> std::io::Result<()> {
        let place = Place { file: self.number, chunk: self.chunks, offset: self.length };
        let (start, length) = (place.sealed_offset(), chunk.len() as u64);
        key.seal(place, &mut chunk)?;
        // Counted before it is written: a nonce that met a disk, even half, is spent. A recording ends with its first
        // failed write, so chunks have no holes in their numbers.
        self.chunks += 1;
        if let Err(error) = self.file.write_all_at(&chunk, start) {
            let _ = self.file.set_len(start);
            return Err(error);
        }
        self.length += length;
        Ok(())
    }
}
