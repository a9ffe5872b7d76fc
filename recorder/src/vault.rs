//! The vault: every recording has a key of its own, and no byte of media is on a disk that is not sealed with it.
//!
//! A track's file is a row of chunks, the init segment and then one a fragment. Each is AES-256-GCM under the
//! recording's key and 16 bytes longer than its media; so chunk `n`, whose media begins at `offset`, begins at
//! `offset + 16 n`, and seeking opens the chunks it plays and no other. The nonce is the number of the file in its
//! recording and of the chunk in its file: both only rise, and a file that a crash closed is never written to again, so
//! no nonce comes twice. Recording and offset are bound in, so chunks cannot be moved.
//!
//! The key itself is stored in the manifest, wrapped by a [`KeyWrap`]. Erasing a recording takes the wrapped key away:
//! whatever copies of the files exist, they are noise from then on.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// Bytes a chunk is longer than its media: the tag.
pub(crate) const OVERHEAD: u64 = MAX_TAG_LEN as u64;

/// Length of a recording's key in bytes.
pub const KEY_LEN: usize = 32;

/// What a [`KeyWrap`] answers with, later.
pub type KeyFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Wraps the keys of recordings: by a key in a file, or by asking a key management service.
pub trait KeyWrap: Send + Sync {
    /// Wraps a key so that only this recording's id opens it again.
    ///
    /// # Errors
    /// When the service cannot be reached or refuses: the recording does not start.
    fn wrap<'a>(&'a self, recording: Uuid, key: &'a [u8; KEY_LEN]) -> KeyFuture<'a, Vec<u8>>;

    /// What [`KeyWrap::wrap`] wrapped.
    ///
    /// # Errors
    /// When the service cannot be reached, or the bytes were wrapped by another key or for another recording.
    fn unwrap<'a>(&'a self, recording: Uuid, wrapped: &'a [u8]) -> KeyFuture<'a, [u8; KEY_LEN]>;
}

/// The key of one recording. Clones are the same key.
#[derive(Clone)]
pub(crate) struct RecordingKey {
    recording: Uuid,
    key: Arc<LessSafeKey>,
}

impl fmt::Debug for RecordingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingKey").field("recording", &self.recording).finish_non_exhaustive()
    }
}

/// A chunk's place: the file in its recording, the chunk in its file, and where its media begins in the track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) file: u32,
    pub(crate) chunk: u64,
    pub(crate) offset: u64,
}

impl Place {
    /// Where the sealed chunk begins in the file.
    pub(crate) fn sealed_offset(self) -> u64 {
        self.offset + self.chunk * OVERHEAD
    }

    fn nonce(self) -> Nonce {
        let mut bytes = [0; NONCE_LEN];
        bytes[..4].copy_from_slice(&self.file.to_be_bytes());
        bytes[4..].copy_from_slice(&self.chunk.to_be_bytes());
        Nonce::assume_unique_for_key(bytes)
    }
}

impl RecordingKey {
    /// Bytes nobody knows.
    pub(crate) fn random() -> io::Result<[u8; KEY_LEN]> {
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
        Ok(bytes)
    }

    pub(crate) fn new(recording: Uuid, bytes: &[u8; KEY_LEN]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes are a key of AES-256");
        Self { recording, key: Arc::new(LessSafeKey::new(key)) }
    }

    fn bound(&self, place: Place) -> Aad<[u8; 24]> {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(self.recording.as_bytes());
        bytes[16..].copy_from_slice(&place.offset.to_be_bytes());
        Aad::from(bytes)
    }

    /// Seals a chunk in place and adds the tag.
    pub(crate) fn seal(&self, place: Place, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(place.nonce(), self.bound(place), chunk)
            .map_err(|_| io::Error::other("a chunk is too long to seal"))
    }

    /// Opens a chunk in place and takes the tag off.
    pub(crate) fn open(&self, place: Place, chunk: &mut Vec<u8>) -> io::Result<()> {
        let opened = self.key.open_in_place(place.nonce(), self.bound(place), chunk);
        let length = opened.map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a chunk does not open: the file was altered or belongs elsewhere",
            )
        })?;
        let length = length.len();
        chunk.truncate(length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { file: 2, chunk: 3, offset: 4096 };

    fn key(recording: u128) -> RecordingKey {
        RecordingKey::new(Uuid::from_u128(recording), &[7; KEY_LEN])
    }

    #[test]
    fn a_chunk_opens_at_its_own_place_of_its_own_recording_only() {
        let mut sealed = b"a fragment".to_vec();
        key(1).seal(PLACE, &mut sealed).unwrap();
        assert_eq!(sealed.len() as u64, 10 + OVERHEAD);
        let open = |key: RecordingKey, place| {
            let mut chunk = sealed.clone();
            key.open(place, &mut chunk).map(|()| chunk).ok()
        };
        assert_eq!(open(key(1), PLACE).as_deref(), Some(&b"a fragment"[..]));
        assert_eq!(open(key(2), PLACE), None);
        for elsewhere in
            [Place { file: 1, ..PLACE }, Place { chunk: 4, ..PLACE }, Place { offset: 0, ..PLACE }]
        {
            assert_eq!(open(key(1), elsewhere), None, "{elsewhere:?}");
        }
        sealed[3] ^= 1;
        let mut altered = sealed.clone();
        assert_eq!(key(1).open(PLACE, &mut altered).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
