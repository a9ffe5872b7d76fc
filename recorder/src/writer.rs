//! What a track has to say, onto the disk. Blocking code: it runs where blocking is allowed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::manifest::Entry;
use crate::model::TrackSpec;
use crate::mux::mp4;
use crate::session::{Session, lock};
use crate::track::{NewFile, Output};

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
    file: File,
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
                open.append_fragment(&bytes)?;
                let length = bytes.len() as u64;
                Entry::Fragment { track, offset: open.length - length, length, start_ms, end_ms, keyframe }
            }
            Output::Gap { start_ms, end_ms, reason } => Entry::Gap { track, start_ms, end_ms, reason },
            Output::Rotation { at_ms, degrees } => Entry::Rotation { track, at_ms, degrees },
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
                init: new.init.len() as u64,
                size: new.size,
                rotation: new.rotation,
            },
        )?;
        let file = File::options().write(true).create_new(true).open(self.session.folder.join(file_name))?;
        let mut open = OpenFile { id, file, length: 0, synced: Instant::now() };
        open.append(&new.init)?;
        self.open = Some(open);
        Ok(())
    }
}

impl OpenFile {
    /// Adds a fragment so that whatever is there if we die in between does not spoil the file.
    fn append_fragment(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match bytes.split_first_chunk::<{ mp4::BOX_HEADER }>() {
            Some((header, rest)) if header.ends_with(b"moof") => {
                let start = self.length;
                self.append(&mp4::uncommitted(bytes.len()))?;
                self.append(rest)?;
                self.file.write_all_at(header, start)
            }
            // A WebM cluster that is cut short is read as far as it goes.
            _ => self.append(bytes),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.file.write_all_at(bytes, self.length) {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}
