//! The media of a track, unsealed as far as it is read.

use std::io;

use bytes::Bytes;

use crate::archive::SealedFile;
use crate::model::IndexTrack;
use crate::vault::{OVERHEAD, Place, RecordingKey};

/// Reads one track's media. Offsets are those of the index; how the file is sealed and where it lies is not to be seen.
#[derive(Debug)]
pub struct TrackReader {
    file: SealedFile,
    number: u32,
    key: RecordingKey,
    /// Offset and length of each chunk's media, without a hole.
    chunks: Vec<(u64, u64)>,
    length: u64,
}

impl TrackReader {
    pub(crate) fn new(file: SealedFile, number: u32, key: RecordingKey, track: &IndexTrack) -> Self {
        let fragments = track.fragments.iter().map(|fragment| fragment.bytes);
        let chunks =
            std::iter::once(track.init).chain(fragments).map(|bytes| (bytes.offset, bytes.length)).collect();
        Self { file, number, key, chunks, length: track.length }
    }

    /// Complete bytes of media.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The media from `offset` to the end of the chunk it lies in; empty at the end. Memory: one fragment.
    ///
    /// # Errors
    /// When the disk or the store refuses, or the file is not what was written.
    pub async fn read(&mut self, offset: u64) -> io::Result<Bytes> {
        let after = self.chunks.partition_point(|(begin, _)| *begin <= offset);
        let Some(chunk) = after.checked_sub(1).filter(|_| offset < self.length) else {
            return Ok(Bytes::new());
        };
        let (begin, length) = self.chunks[chunk];
        let place = Place { file: self.number, chunk: chunk as u64, offset: begin };
        let at = place.sealed_offset();
        let mut bytes = self.file.read(at..at + length + OVERHEAD).await?;
        self.key.open(place, &mut bytes)?;
        Ok(Bytes::from(bytes).slice((offset - begin) as usize..))
    }
}
