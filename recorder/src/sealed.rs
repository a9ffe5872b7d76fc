//! Files beside the recordings (exports), sealed like them: a key of their own, wrapped, in front of chunks.
//!
//! ```text
//! length of the wrapped key (u32, big endian) │ wrapped key │ chunk of 64 KiB + tag │ … │ last chunk + tag
//! ```

use std::io::{self, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use crate::vault::{KeyWrap, OVERHEAD, Place, RecordingKey};

/// Bytes of a chunk, but for the last.
const CHUNK: u64 = 64 * 1024;
/// A wrapped key is never longer.
const WRAPPED_MAX: u32 = 4096;

/// Seals a file into another, which nobody else may read; `id` binds the key to what it is. Gives its length, bytes.
///
/// # Errors
/// When the disk refuses, or the key cannot be wrapped. What was written of `to` is then worthless.
pub async fn seal_file(keys: &dyn KeyWrap, id: Uuid, from: &Path, to: &Path) -> io::Result<u64> {
    let bytes = RecordingKey::random()?;
    let wrapped = keys.wrap(id, &bytes).await?;
    let key = RecordingKey::new(id, &bytes);
    let mut from = File::open(from).await?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut to = File::from_std(options.open(to)?);
    let length = u32::try_from(wrapped.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(&wrapped).await?;
    let mut offset = 0;
    for number in 0.. {
        let mut chunk = Vec::with_capacity((CHUNK + OVERHEAD) as usize);
        (&mut from).take(CHUNK).read_to_end(&mut chunk).await?;
        if chunk.is_empty() {
            break;
        }
        let length = chunk.len() as u64;
        key.seal(Place { file: 0, chunk: number, offset }, &mut chunk)?;
        to.write_all(&chunk).await?;
        offset += length;
    }
    to.sync_all().await?;
    Ok(offset)
}

/// Reads what [`seal_file`] wrote, from anywhere. Memory: one chunk.
#[derive(Debug)]
pub struct SealedReader {
    file: File,
    key: RecordingKey,
    header: u64,
    length: u64,
}

impl SealedReader {
    /// Opens a sealed file.
    ///
    /// # Errors
    /// When it is not there, is not such a file, or its key cannot be had.
    pub async fn open(keys: &dyn KeyWrap, id: Uuid, path: &Path) -> io::Result<Self> {
        let not_one = || io::Error::new(io::ErrorKind::InvalidData, "this is no sealed file");
        let mut file = File::open(path).await?;
        let whole = file.metadata().await?.len();
        let length = file.read_u32().await?;
        let header = 4 + u64::from(length);
        if length > WRAPPED_MAX || header > whole {
            return Err(not_one());
        }
        let mut wrapped = vec![0; length as usize];
        file.read_exact(&mut wrapped).await?;
        let key = RecordingKey::new(id, &keys.unwrap(id, &wrapped).await?);
        let sealed = whole - header;
        let chunks = sealed.div_ceil(CHUNK + OVERHEAD);
        let length = sealed.checked_sub(chunks * OVERHEAD).ok_or_else(not_one)?;
        Ok(Self { file, key, header, length })
    }

    /// Bytes in it.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What is there from `offset` to the end of the chunk it lies in; empty at the end.
    ///
    /// # Errors
    /// When the disk refuses, or the file is not what was written.
    pub async fn read(&mut self, offset: u64) -> io::Result<Bytes> {
        if offset >= self.length {
            return Ok(Bytes::new());
        }
        let number = offset / CHUNK;
        let begin = number * CHUNK;
        let place = Place { file: 0, chunk: number, offset: begin };
        let mut chunk = vec![0; (CHUNK.min(self.length - begin) + OVERHEAD) as usize];
        self.file.seek(SeekFrom::Start(self.header + place.sealed_offset())).await?;
        self.file.read_exact(&mut chunk).await?;
        self.key.open(place, &mut chunk)?;
        Ok(Bytes::from(chunk).slice((offset - begin) as usize..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{KEY_LEN, KeyFuture};

    struct Plain;

    impl KeyWrap for Plain {
        fn wrap<'a>(&'a self, id: Uuid, key: &'a [u8; KEY_LEN]) -> KeyFuture<'a, Vec<u8>> {
            Box::pin(async move { Ok([id.as_bytes(), &key[..]].concat()) })
        }

        fn unwrap<'a>(&'a self, id: Uuid, wrapped: &'a [u8]) -> KeyFuture<'a, [u8; KEY_LEN]> {
            Box::pin(async move {
                let key = wrapped.strip_prefix(id.as_bytes()).and_then(|key| key.try_into().ok());
                key.ok_or_else(|| io::Error::other("not the key of this"))
            })
        }
    }

    #[tokio::test]
    async fn what_was_sealed_is_read_from_anywhere_and_only_as_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, sealed) = (dir.path().join("plain"), dir.path().join("sealed"));
        let id = Uuid::from_u128(7);
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 31 % 251) as u8).collect();
            std::fs::write(&plain, &bytes).unwrap();
            assert_eq!(seal_file(&Plain, id, &plain, &sealed).await.unwrap(), length);
            let mut reader = SealedReader::open(&Plain, id, &sealed).await.unwrap();
            assert_eq!(reader.length(), length);
            let mut read = Vec::new();
            while (read.len() as u64) < length {
                read.extend_from_slice(&reader.read(read.len() as u64).await.unwrap());
            }
            assert!(read == bytes && reader.read(length).await.unwrap().is_empty());
            if length > 10 {
                let tail = reader.read(length - 10).await.unwrap();
                assert_eq!(tail[..], bytes[bytes.len() - 10..][..tail.len()]);
            }
        }
        let on_disk = std::fs::read(&sealed).unwrap();
        let plain = std::fs::read(&plain).unwrap();
        assert!(!on_disk.windows(64).any(|window| window == &plain[..64]), "no plain byte on the disk");
        assert!(SealedReader::open(&Plain, Uuid::from_u128(8), &sealed).await.is_err());
        let mut altered = on_disk;
        let last = altered.len() - 1;
        altered[last] ^= 1;
        std::fs::write(&sealed, altered).unwrap();
        let mut reader = SealedReader::open(&Plain, id, &sealed).await.unwrap();
        assert!(reader.read(3 * CHUNK).await.is_err());
        std::fs::write(&sealed, b"\xff\xff\xff\xffxx").unwrap();
        assert!(SealedReader::open(&Plain, id, &sealed).await.is_err());
    }
}
